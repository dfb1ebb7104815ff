"""What results are measured by: every measure with its formula, the score with its interval, and tests whether two methods differ.

It knows what was true and what was said; nothing of data sets, methods or where results are kept. All values are fractions (0.5 is 50 %).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.benchmark import resampling
from musicclass_gui.engine.benchmark.protocol import Score
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.protocol import Prediction

    Array = NDArray[Any]
    Matrix = Sequence[Sequence[float | None]]

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Metric:
    """A measure: its name, how it is computed, in words and signs that need no typesetting, and whether it is shown in percent."""

    id: str
    title: str
    formula: str
    percent: bool
    better: int = 1
    """1 where more is better, -1 where less is."""


_R = "R[t,k] is the accuracy on the classes of session k after session t, T the last session"
_ALL = (
    Metric("accuracy", "Accuracy", "items answered right / items; in sessions, among the classes seen so far (ISMIR 2024)", True),
    Metric("task_mean", "Mean of tasks", f"A_t = mean over k <= t of R[t,k]; {_R}", True),
    Metric("average_incremental", "Average incremental accuracy", f"mean over t of A_t, A_t = mean over k <= t of R[t,k]; {_R}", True),
    Metric(
        "average_seen",
        "Average accuracy on seen classes",
        f"mean over t of (sum over k <= t of n_k R[t,k]) / (sum over k <= t of n_k), n_k test items of session k; {_R}",
        True,
    ),
    Metric("forgetting", "Forgetting", f"mean over k < T of (max over t < T of R[t,k] - R[T,k]); {_R}", True, -1),
    Metric("bwt", "Backward transfer", f"mean over k < T of (R[T,k] - R[k,k]); {_R}", True),
    Metric("fwt", "Forward transfer", f"mean over k >= 2 of (R[k-1,k] - b_k), b_k the stated baseline; {_R}", True),
    Metric("macro_f1", "Macro-F1", "mean over classes of 2 TP / (2 TP + FP + FN)", True),
    Metric("roc_auc", "ROC-AUC", "mean over tags of the area under true positive rate over false positive rate", False),
    Metric("pr_auc", "PR-AUC", "mean over tags of the average precision, sum over n of (recall_n - recall_(n-1)) precision_n", False),
    Metric("r2", "R²", "1 - sum of (truth - answer)^2 / sum of (truth - mean truth)^2", False),
    Metric("precision_at_10", "Precision at 10", "mean over queries of right items among the first 10 / 10 (of all where fewer)", True),
    Metric("map", "Mean average precision", "mean over queries of the average precision of the ranking of all items", False),
    Metric("clip_accuracy", "Clip accuracy", "clips answered right / clips, each clip on its own", True),
)
METRICS: dict[str, Metric] = {metric.id: metric for metric in _ALL}


def accuracy(truth: Sequence[str], said: Sequence[str], *, metric: str = "accuracy", session: int = 0, task: str = "") -> Score:
    """The share that was answered right with its Wilson interval. Raises BenchmarkError for no items or unequal lengths."""
    count = _count(truth, said)
    right = sum(one == other for one, other in zip(truth, said, strict=True))
    return Score(metric, right / count, *resampling.wilson(right, count), n=count, session=session, task=task)


def macro_f1(truth: Sequence[str], said: Sequence[str], *, metric: str = "macro_f1", session: int = 0, task: str = "") -> Score:
    """Macro-F1 over the classes that occur or are said (as scikit-learn), with a bootstrap interval over items. Raises BenchmarkError."""
    count = _count(truth, said)
    cells = confusion(truth, said)[1].astype(np.float64)
    # drawing n items anew is drawing n confusion cells by their shares
    drawn = np.random.default_rng(resampling.SEED).multinomial(count, cells.ravel() / count, size=resampling.DRAWS)
    low, high = resampling.interval(resampling.macro_f1_of(drawn.reshape(-1, *cells.shape)))
    return Score(metric, float(resampling.macro_f1_of(cells[None])[0]), low, high, n=count, session=session, task=task)


def confusion(truth: Sequence[str], said: Sequence[str], classes: Sequence[str] = ()) -> tuple[tuple[str, ...], Array]:
    """The classes (given ones first, others sorted) and how often each (row) was taken for each (column), (classes, classes) int64."""
    names = (*classes, *sorted({*truth, *said} - set(classes)))
    place = {name: number for number, name in enumerate(names)}
    cells = np.zeros((len(names), len(names)), dtype=np.int64)
    for one, other in zip(truth, said, strict=True):
        cells[place[one], place[other]] += 1
    return names, cells


def r2(truth: Sequence[float], said: Sequence[float], *, metric: str = "r2", session: int = 0, task: str = "") -> Score:
    """R² with a bootstrap interval over items. Raises BenchmarkError for no items or a truth that does not vary."""
    count = _count(truth, said)
    target, answer = np.asarray(truth, dtype=np.float64), np.asarray(said, dtype=np.float64)
    if not np.ptp(target):
        raise BenchmarkError("R² cannot be computed: all items have the same true value. Choose a task whose values differ.")

    def measure(weights: Array) -> Array:
        return resampling.r2_of(target, answer, weights)

    low, high = resampling.interval(resampling.bootstrap(measure, count))
    return Score(metric, float(resampling.once(measure, count)), low, high, n=count, session=session, task=task)


def mean_r2(parts: Sequence[tuple[Array, Array]], weights: Sequence[float]) -> Score:
    """The weighted mean of the R² of parts such as folds, each (truth (n,), said (n,)), with a bootstrap interval over all items.

    A part whose truth does not vary counts as 0. Parts may be so small that R² of their drawn items says nothing; so what is drawn is what
    each item adds to the mean to first order (its influence: Efron 1982, infinitesimal jackknife). Raises BenchmarkError for an empty part.
    """
    for truth, said in parts:
        _count(truth.tolist(), said.tolist())
    shares = np.asarray(weights, dtype=np.float64) / math.fsum(weights)
    values, pulls = zip(*(_r2_and_pulls(*part) for part in parts), strict=True)
    value, pull = float(shares @ values), np.concatenate([share * those for share, those in zip(shares, pulls, strict=True)])
    low, high = resampling.interval(resampling.bootstrap(lambda drawn: np.minimum(1.0, value + drawn @ pull), len(pull)))
    return Score("r2", value, low, high, n=len(pull))


def _r2_and_pulls(truth: Array, said: Array) -> tuple[float, Array]:
    """R² = 1 − A/B, A the sum of (truth − said)² and B that of (truth − mean)², and how each item's weight moves it: A/B² dB − dA/B."""
    error, spread = (truth - said) ** 2, (truth - truth.mean()) ** 2
    if not (total := float(spread.sum())):
        return 0.0, np.zeros(len(truth))
    share = float(error.sum()) / total
    return 1.0 - share, (share * spread - error) / total


def ranking(truth: Any, scores: Any, *, session: int = 0, task: str = "") -> list[Score]:
    """Macro ROC-AUC and PR-AUC of truth (n, tags) 0/1 and scores (n, tags), with bootstrap intervals over items.

    Tags that no item has, or all items have, are left out; `left_out` says which. Raises BenchmarkError where none remains.
    """
    wanted, given = _usable(truth, scores)
    count = len(wanted)

    def measure(weights: Array) -> Array:
        return resampling.mean_areas(wanted, given, weights)

    values, draws = resampling.once(measure, count), resampling.bootstrap(measure, count)
    return [
        Score(metric, float(values[place]), *resampling.interval(draws[:, place]), n=count, session=session, task=task)
        for place, metric in enumerate(("roc_auc", "pr_auc"))
    ]


def left_out(truth: Any, tags: Sequence[str]) -> tuple[str, ...]:
    """A sentence naming the tags that `ranking` cannot measure, for a result's notes; nothing where it measures all."""
    kept = _varying(np.asarray(truth))
    missing = [tag for tag, there in zip(tags, kept, strict=True) if not there]
    if not missing:
        return ()
    return (f"{len(missing)} of {len(tags)} tags are left out, since no test item or every test item has them: {', '.join(missing)}.",)


def retrieval(relevant: Any, scores: Any, *, session: int = 0, task: str = "") -> list[Score]:
    """Precision at 10 and mean average precision of relevant (queries, items) 0/1 and scores (queries, items).

    Queries without a relevant item are left out; equal scores rank in the order of the items for precision at 10. Intervals are
    bootstrapped over queries. Raises BenchmarkError where no query remains.
    """
    wanted, given = np.asarray(relevant, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    kept = wanted.sum(axis=1) > 0 if wanted.size else np.zeros(0, dtype=bool)
    if not kept.any():
        raise BenchmarkError("The ranking cannot be measured: no query has a relevant item among the test items.")
    wanted, given = wanted[kept], given[kept]
    first = np.argsort(-given, axis=1, kind="stable")[:, :10]
    precise = np.take_along_axis(wanted, first, axis=1).mean(axis=1)
    ones = np.ones((1, wanted.shape[1]))
    average = np.array([resampling.areas(row, line, ones)[1][0] for row, line in zip(wanted, given, strict=True)])
    return [_mean_of_queries("precision_at_10", precise, session, task), _mean_of_queries("map", average, session, task)]


def _mean_of_queries(metric: str, values: Array, session: int, task: str) -> Score:
    drawn = resampling.bootstrap(lambda weights: (weights * values).mean(axis=1), len(values))
    return Score(metric, float(values.mean()), *resampling.interval(drawn), n=len(values), session=session, task=task)


def continual_scores(matrix: Matrix, counts: Sequence[int], *, chance: Sequence[float] | None = None) -> list[Score]:
    """Measures of the matrix R[t][k] (None where session k+1 was not seen yet) with `counts[k]` test items of session k+1.

    Mean of tasks, forgetting and backward transfer come after every session and for the whole, which is after the last; the averages over
    sessions for the whole. Forward transfer comes where R[k-1][k] is given for every k, against `chance`, what is scored without learning
    (b_k; 0 where not given). Definitions: Lopez-Paz and Ranzato 2017 (BWT, FWT); Chaudhry et al. 2018 (forgetting). Raises BenchmarkError.
    """
    _check(matrix, counts)
    last = len(matrix) - 1
    scores = [score for session in range(last + 1) for score in _after(matrix, counts, session, session + 1)]
    scores += [*_after(matrix, counts, last, 0), *_averages(matrix, counts)]
    return scores + _forward(matrix, counts, chance)


def _after(matrix: Matrix, counts: Sequence[int], last: int, session: int) -> list[Score]:
    total, row = sum(counts[: last + 1]), _seen(matrix, last)
    scores = [Score("task_mean", _mean(row), *_interval_of_mean(row, counts), n=total, session=session)]
    if last == 0:
        return scores
    before = range(last)
    forgotten = [max(value for t in range(k, last) if (value := matrix[t][k]) is not None) - row[k] for k in before]
    backward = [row[k] - _seen(matrix, k)[k] for k in before]
    earlier = sum(counts[:last])
    return [
        *scores,
        Score("forgetting", _mean(forgotten), n=earlier, session=session),
        Score("bwt", _mean(backward), n=earlier, session=session),
    ]


def _averages(matrix: Matrix, counts: Sequence[int]) -> list[Score]:
    rows = [_seen(matrix, last) for last in range(len(matrix))]
    union = [sum(n * value for n, value in zip(counts, row, strict=False)) / sum(counts[: len(row)]) for row in rows]
    total = sum(counts)
    return [Score("average_incremental", _mean([_mean(row) for row in rows]), n=total), Score("average_seen", _mean(union), n=total)]


def _forward(matrix: Matrix, counts: Sequence[int], chance: Sequence[float] | None) -> list[Score]:
    ahead = [matrix[k - 1][k] for k in range(1, len(matrix)) if k < len(matrix[k - 1])]
    known = [value for value in ahead if value is not None]
    if not known or len(known) < len(matrix) - 1:
        return []
    baseline = [0.0] * len(matrix) if chance is None else list(chance)
    return [Score("fwt", _mean([value - base for value, base in zip(known, baseline[1:], strict=True)]), n=sum(counts[1:]))]


def _interval_of_mean(row: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """The interval of a mean of independent shares from their Wilson intervals (MOVER: Zou, Huang and Zhang 2009)."""
    ends = [resampling.wilson(value * n, n) for value, n in zip(row, counts, strict=False)]
    below = math.sqrt(sum((value - low) ** 2 for value, (low, _) in zip(row, ends, strict=True))) / len(row)
    above = math.sqrt(sum((high - value) ** 2 for value, (_, high) in zip(row, ends, strict=True))) / len(row)
    return _mean(row) - below, _mean(row) + above


def _check(matrix: Matrix, counts: Sequence[int]) -> None:
    if not matrix or len(counts) != len(matrix) or not all(counts):
        raise BenchmarkError(
            f"The sessions cannot be measured: there are {len(matrix)} rows and {len(counts)} counts of test items, "
            "and every session needs test items. Check that the split has test items of every class."
        )


def _seen(matrix: Matrix, last: int) -> list[float]:
    row = [value for value in matrix[last][: last + 1] if value is not None]
    if len(row) <= last:
        raise BenchmarkError(f"The sessions cannot be measured: after session {last + 1} the accuracy on an earlier one is missing.")
    return row


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _count(truth: Sequence[Any], said: Sequence[Any]) -> int:
    if not len(truth) or len(truth) != len(said):
        raise BenchmarkError(f"There is nothing to measure: {len(truth)} items have a true answer and {len(said)} were answered.")
    return len(truth)


def _varying(truth: Array) -> Array:
    there = truth.sum(axis=0)
    return np.asarray((there > 0) & (there < len(truth)))


def _usable(truth: Any, scores: Any) -> tuple[Array, Array]:
    wanted, given = np.asarray(truth, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if wanted.ndim != 2 or wanted.shape != given.shape or not np.isfinite(given).all():
        raise BenchmarkError(
            f"Tags of shape {wanted.shape} cannot be measured with scores of shape {given.shape}, or a score is no number."
        )
    kept = _varying(wanted)
    if not kept.any():
        raise BenchmarkError("Tags cannot be measured: no tag is true for some test items and untrue for others.")
    return wanted[:, kept], given[:, kept]


@dataclass(frozen=True)
class Comparison:
    """Whether two methods differ on the same items: first minus second, its 95 % interval, p, and all of it in a sentence."""

    difference: float
    low: float
    high: float
    p: float
    sentence: str

    @property
    def distinguishable(self) -> bool:
        """Whether chance is an unlikely explanation (p < 0.05)."""
        return self.p < SIGNIFICANT


def compare(a: Sequence[Prediction], b: Sequence[Prediction], *, kind: str = "classes", tags: Sequence[str] = ()) -> Comparison:
    """Test whether two methods differ in what they said of the same items after the last session.

    "classes": exact McNemar test; where items were answered several times (orders, seeds), a sign-flip test of the items' mean
    differences, since one item's answers are not independent. "regression" (said is a number): paired bootstrap of R². "tags" (`truth`
    holds names joined by "|", `scores` in the order of `tags`): paired bootstrap of macro ROC-AUC. Raises BenchmarkError where the items
    are not the same.
    """
    first, second = _by_item(a), _by_item(b)
    if not first or first.keys() != second.keys():
        common = len(first.keys() & second.keys())
        raise BenchmarkError(
            f"The methods cannot be compared: one answered {len(first)} items, the other {len(second)}, {common} are the same. "
            "Compare results on the same test items."
        )
    if any(first[item][0].truth != second[item][0].truth for item in first):
        raise BenchmarkError("The methods cannot be compared: the same item has another true answer in each.")
    if kind == "classes":
        return _compare_classes(first, second)
    return _compare_by_draws(first, second, kind, tags)


def _by_item(predictions: Sequence[Prediction]) -> dict[str, list[Prediction]]:
    last = max((prediction.session for prediction in predictions), default=0)
    items: dict[str, list[Prediction]] = {}
    for prediction in sorted((one for one in predictions if one.session == last), key=lambda one: one.item):
        items.setdefault(prediction.item, []).append(prediction)
    return items


def _share_right(answers: Sequence[Prediction]) -> float:
    return sum(one.said == one.truth for one in answers) / len(answers)


def _compare_classes(first: dict[str, list[Prediction]], second: dict[str, list[Prediction]]) -> Comparison:
    differences = np.array([_share_right(first[item]) - _share_right(second[item]) for item in first])
    draws = resampling.bootstrap(lambda weights: (weights * differences).mean(axis=1), len(differences))
    if all(len(answers) == 1 for answers in (*first.values(), *second.values())):
        p, test = resampling.mcnemar(int((differences > 0).sum()), int((differences < 0).sum())), "exact McNemar test"
    else:
        p, test = resampling.sign_flip(differences), "sign-flip test over items"
    return _said(float(differences.mean()), draws, p, "accuracy", f"{test}, {len(differences)} items")


def _compare_by_draws(
    first: dict[str, list[Prediction]], second: dict[str, list[Prediction]], kind: str, tags: Sequence[str]
) -> Comparison:
    pick = _r2_of if kind == "regression" else _roc_of

    def measure(weights: Array) -> Array:
        return pick(first, weights, tags) - pick(second, weights, tags)

    draws = resampling.bootstrap(measure, len(first))
    difference = float(resampling.once(measure, len(first)))
    metric = "r2" if kind == "regression" else "roc_auc"
    return _said(difference, draws, resampling.crossing(draws), metric, f"paired bootstrap of all {len(first)} items together")


def _r2_of(items: dict[str, list[Prediction]], weights: Array, _tags: Sequence[str]) -> Array:
    truth = np.array([float(answers[0].truth) for answers in items.values()])
    said = np.array([_mean([float(one.said) for one in answers]) for answers in items.values()])
    return resampling.r2_of(truth, said, weights)


def _roc_of(items: dict[str, list[Prediction]], weights: Array, tags: Sequence[str]) -> Array:
    truth = np.array([[float(tag in answers[0].truth.split("|")) for tag in tags] for answers in items.values()])
    scores = np.array([np.mean([one.scores for one in answers], axis=0) for answers in items.values()])
    return resampling.mean_areas(*_usable(truth, scores), weights)[:, 0]


def _said(difference: float, draws: Array, p: float, metric: str, how: str) -> Comparison:
    low, high = resampling.interval(draws)
    low, high = (difference, difference) if low is None or high is None else (low, high)
    unit = " points" if METRICS[metric].percent else ""
    change, least, most = (_signed(value, percent=METRICS[metric].percent) for value in (difference, low, high))
    words = "the methods differ" if p < SIGNIFICANT else "not distinguishable"
    sentence = f"{METRICS[metric].title} {change}{unit} (95 % interval {least} to {most}, p = {p:.3g}, {how}): {words}."
    return Comparison(difference, low, high, p, sentence)


def _signed(value: float, *, percent: bool) -> str:
    return (f"{value * 100:+.1f}" if percent else f"{value:+.4f}").replace("-", "−")
