"""Measures agree with scikit-learn, with the definitions spelled out in loops, and say when two methods cannot be told apart."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as sk

from musicclass_gui.engine.benchmark import measures, resampling
from musicclass_gui.engine.benchmark.protocol import Prediction, Score
from musicclass_gui.engine.errors import BenchmarkError

SEEDS = range(5)


def answers(seed: int, count: int = 120, classes: int = 6, right: float = 0.6) -> tuple[list[str], list[str]]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, classes, count)
    said = np.where(generator.random(count) < right, truth, generator.integers(0, classes, count))
    return [f"c{one}" for one in truth], [f"c{one}" for one in said]


def predictions(truth: list[str], said: list[str], prefix: str = "", session: int = 0) -> list[Prediction]:
    return [Prediction(f"{prefix}{place}", one, other, session) for place, (one, other) in enumerate(zip(truth, said, strict=True))]


def named(scores: list[Score], metric: str, session: int = 0) -> Score:
    (found,) = [score for score in scores if score.metric == metric and score.session == session]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracy_and_macro_f1_agree_with_scikit_learn(seed: int) -> None:
    truth, said = answers(seed)
    assert measures.accuracy(truth, said).value == pytest.approx(sk.accuracy_score(truth, said), abs=1e-15)
    score = measures.macro_f1(truth, said, session=2, task="t")
    assert score.value == pytest.approx(sk.f1_score(truth, said, average="macro"), abs=1e-12)
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high
    assert (score.session, score.task, score.n) == (2, "t", 120)


def test_classes_that_are_never_right_or_never_asked_for_count_as_in_scikit_learn() -> None:
    truth, said = ["a", "a", "b", "c"], ["a", "d", "c", "c"]
    assert measures.macro_f1(truth, said).value == pytest.approx(sk.f1_score(truth, said, average="macro", zero_division=0))


@given(right=st.integers(0, 400), more=st.integers(1, 400))
def test_wilson_agrees_with_scipy(right: int, more: int) -> None:
    want = binomtest(right, right + more).proportion_ci(0.95, method="wilson")
    assert resampling.wilson(right, right + more) == pytest.approx((want.low, want.high), abs=1e-9)


@given(count=st.integers(1, 10_000))
def test_intervals_of_none_and_of_all_end_at_0_and_1_exactly(count: int) -> None:
    assert resampling.wilson(0, count)[0] == 0.0
    assert resampling.wilson(count, count)[1] == 1.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("steps", [3, 10_000])
def test_ranking_agrees_with_scikit_learn_ties_included(seed: int, steps: int) -> None:
    generator = np.random.default_rng(seed)
    truth = (generator.random((90, 4)) < (0.5, 0.2, 0.1, 0.05)).astype(int)
    truth[0], truth[1] = 1, 0
    scores = np.round(truth * 0.3 + generator.random((90, 4)) * steps) / steps
    roc, precision = measures.ranking(truth, scores)
    assert roc.value == pytest.approx(sk.roc_auc_score(truth, scores, average="macro"), abs=1e-12)
    assert precision.value == pytest.approx(sk.average_precision_score(truth, scores, average="macro"), abs=1e-12)
    assert roc.low is not None
    assert roc.high is not None
    assert roc.low < roc.value < roc.high


def test_a_weighted_area_is_that_of_repeated_items() -> None:
    generator = np.random.default_rng(3)
    truth, scores = (generator.random(60) < 0.4).astype(float), np.round(generator.random(60), 1)
    for weights in resampling.weights_of_draws(60, draws=20):
        roc, precision = resampling.areas(truth, scores, weights)
        for row, area, average in zip(weights.astype(int), roc, precision, strict=True):
            again = np.repeat(np.arange(60), row)
            assert area == pytest.approx(sk.roc_auc_score(truth[again], scores[again]), abs=1e-12)
            assert average == pytest.approx(sk.average_precision_score(truth[again], scores[again]), abs=1e-12)


def test_tags_without_positives_are_left_out_and_named() -> None:
    truth = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1], [0, 0, 1]])
    scores = np.random.default_rng(0).random((4, 3))
    (sentence,) = measures.left_out(truth, ["rock", "harp", "sound"])
    assert "harp, sound" in sentence
    assert "2 of 3" in sentence
    assert measures.ranking(truth, scores)[0].value == pytest.approx(sk.roc_auc_score(truth[:, 0], scores[:, 0]))
    assert measures.left_out(truth[:, :1], ["rock"]) == ()
    with pytest.raises(BenchmarkError, match="no tag"):
        measures.ranking(truth[:, 1:], scores[:, 1:])


@pytest.mark.parametrize("seed", SEEDS)
def test_r2_agrees_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=80)
    said = truth + generator.normal(size=80)
    score = measures.r2(list(truth), list(said))
    assert score.value == pytest.approx(sk.r2_score(truth, said), abs=1e-12)
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high
    with pytest.raises(BenchmarkError, match="same true value"):
        measures.r2([0.5, 0.5], [0.1, 0.2])


def test_the_mean_r2_of_folds_is_the_mean_of_scikit_learn_s_with_an_interval_around_it() -> None:
    generator = np.random.default_rng(4)
    truth = generator.normal(size=100)
    said = truth + generator.normal(size=100) * 0.5
    parts, sizes = [(truth[a:b], said[a:b]) for a, b in ((0, 20), (20, 50), (50, 100))], [20, 30, 50]
    each = [sk.r2_score(*part) for part in parts]
    assert measures.mean_r2(parts, sizes).value == pytest.approx(np.average(each, weights=sizes), abs=1e-12)
    score = measures.mean_r2(parts, [1, 1, 1])
    assert score.value == pytest.approx(np.mean(each), abs=1e-12)
    assert score.n == 100
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high
    assert score == measures.mean_r2(parts, [2, 2, 2])
    whole = measures.mean_r2([(truth, said)], [1])  # of one part there is the usual bootstrap to compare with
    usual = measures.r2(truth, said)
    assert (whole.low, whole.high) == (pytest.approx(usual.low, abs=0.02), pytest.approx(usual.high, abs=0.02))
    few = measures.mean_r2([(part[0][:10], part[1][:10]) for part in parts], [1, 1, 1])
    assert few.low is not None
    assert few.low < score.low
    level = [(np.full(5, 0.5), said[:5]), parts[2]]
    assert measures.mean_r2(level, [1, 1]).value == pytest.approx(each[2] / 2)
    with pytest.raises(BenchmarkError, match="nothing to measure"):
        measures.mean_r2([(truth[:0], said[:0])], [1])


def test_retrieval_measures_a_query_at_a_time() -> None:
    generator = np.random.default_rng(1)
    relevant, scores = (generator.random((7, 40)) < 0.2).astype(int), generator.random((7, 40))
    relevant[2] = 0
    kept = [row for row in range(7) if row != 2]
    tens = [relevant[row][np.argsort(-scores[row])[:10]].mean() for row in kept]
    averages = [sk.average_precision_score(relevant[row], scores[row]) for row in kept]
    found = measures.retrieval(relevant, scores)
    assert named(found, "precision_at_10").value == pytest.approx(np.mean(tens))
    assert named(found, "map").value == pytest.approx(np.mean(averages))
    assert named(found, "map").n == 6
    with pytest.raises(BenchmarkError, match="no query"):
        measures.retrieval(np.zeros((2, 3)), np.zeros((2, 3)))


def made_matrix(seed: int, sessions: int = 5) -> tuple[list[list[float | None]], list[int]]:
    generator = np.random.default_rng(seed)
    counts = [int(one) for one in generator.integers(20, 60, sessions)]
    matrix = [[int(generator.integers(0, n + 1)) / n if k <= t else None for k, n in enumerate(counts)] for t in range(sessions)]
    return matrix, counts


@pytest.mark.parametrize("seed", SEEDS)
def test_continual_measures_follow_their_definitions(seed: int) -> None:
    matrix, counts = made_matrix(seed)
    R = np.array(matrix, dtype=float)
    T = len(R) - 1
    scores = measures.continual_scores(matrix, counts)
    assert named(scores, "task_mean").value == pytest.approx(R[T].mean())
    assert named(scores, "task_mean", session=2).value == pytest.approx(R[1, :2].mean())
    assert named(scores, "average_incremental").value == pytest.approx(np.mean([R[t, : t + 1].mean() for t in range(T + 1)]))
    assert named(scores, "forgetting").value == pytest.approx(np.mean([max(R[t, k] for t in range(k, T)) - R[T, k] for k in range(T)]))
    assert named(scores, "bwt").value == pytest.approx(np.mean([R[T, k] - R[k, k] for k in range(T)]))
    assert named(scores, "forgetting", session=T + 1) == Score(
        "forgetting", named(scores, "forgetting").value, n=sum(counts[:T]), session=T + 1
    )
    union = [np.average(R[t, : t + 1], weights=counts[: t + 1]) for t in range(T + 1)]
    assert named(scores, "average_seen").value == pytest.approx(np.mean(union))
    assert not [score for score in scores if score.metric == "fwt"]


def test_union_accuracy_is_that_of_all_answers() -> None:
    truth, said = answers(4, count=200)
    session = {f"c{number}": number // 2 for number in range(6)}
    matrix, counts, union = [], [], []
    for t in range(3):
        seen = [(one, other) for one, other in zip(truth, said, strict=True) if session[one] <= t]
        parts = [[one == other for one, other in seen if session[one] == k] for k in range(t + 1)]
        matrix.append([sum(part) / len(part) for part in parts] + [None] * (2 - t))
        counts.append(len(parts[-1]))
        union.append(sk.accuracy_score([one for one, _ in seen], [other for _, other in seen]))
    assert named(measures.continual_scores(matrix, counts), "average_seen").value == pytest.approx(np.mean(union))


def test_forward_transfer_is_against_the_stated_baseline_where_it_was_measured() -> None:
    matrix = [[0.9, 0.3, 0.2], [0.8, 0.9, 0.4], [0.7, 0.8, 0.9]]
    assert named(measures.continual_scores(matrix, [10] * 3), "fwt").value == pytest.approx((0.3 + 0.4) / 2)
    against = measures.continual_scores(matrix, [10] * 3, chance=[0.1, 0.1, 0.2])
    assert named(against, "fwt").value == pytest.approx((0.2 + 0.2) / 2)


def test_a_matrix_with_holes_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="missing"):
        measures.continual_scores([[0.5, None], [None, 0.5]], [3, 3])
    with pytest.raises(BenchmarkError, match="counts"):
        measures.continual_scores([[0.5]], [0])
    assert named(measures.continual_scores([[0.5]], [4]), "task_mean").value == 0.5


def test_the_interval_of_a_mean_of_tasks_covers_it_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    true = np.array([0.9, 0.5, 0.7])
    inside = 0
    for _ in range(400):
        row = generator.binomial((50, 80, 30), true) / (50, 80, 30)
        score = named(
            measures.continual_scores([[float(row[0]), None, None], [*row[:2].tolist(), None], row.tolist()], [50, 80, 30]), "task_mean"
        )
        assert score.low is not None
        assert score.high is not None
        inside += score.low <= true.mean() <= score.high
    assert 0.92 < inside / 400 < 0.98


def test_torchmetrics_gives_the_same() -> None:
    functional = pytest.importorskip("torchmetrics.functional.classification")
    import torch

    truth, said = answers(7, count=300)
    classes = sorted(set(truth))
    one, other = (torch.tensor([classes.index(name) for name in names]) for names in (said, truth))
    assert measures.accuracy(truth, said).value == pytest.approx(
        float(functional.multiclass_accuracy(one, other, 6, average="micro")), abs=1e-6
    )
    assert measures.macro_f1(truth, said).value == pytest.approx(
        float(functional.multiclass_f1_score(one, other, 6, average="macro")), abs=1e-6
    )
    generator = torch.Generator().manual_seed(0)
    scores, tags = torch.rand(200, 5, generator=generator), (torch.rand(200, 5, generator=generator) < 0.3).long()
    roc, precision = measures.ranking(tags.numpy(), scores.numpy())
    assert roc.value == pytest.approx(float(functional.multilabel_auroc(scores, tags, 5)), abs=1e-5)
    assert precision.value == pytest.approx(float(functional.multilabel_average_precision(scores, tags, 5)), abs=1e-5)


@settings(max_examples=50)
@given(one=st.integers(0, 60), other=st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(one: int, other: int) -> None:
    want = binomtest(one, one + other).pvalue if one + other else 1.0
    assert resampling.mcnemar(one, other) == pytest.approx(want, abs=1e-12)


def test_two_methods_that_differ_little_are_not_distinguishable() -> None:
    truth, said = answers(1, count=100)
    other = list(said)
    other[0] = "c0" if truth[0] != "c0" else "c1"
    found = measures.compare(predictions(truth, said), predictions(truth, other))
    assert not found.distinguishable
    assert "not distinguishable" in found.sentence
    assert "McNemar" in found.sentence
    same = measures.compare(predictions(truth, said), predictions(truth, said))
    assert (same.difference, same.p) == (0, 1)


def test_two_methods_that_differ_much_are_told_apart() -> None:
    truth, said = answers(1, count=100)
    found = measures.compare(predictions(truth, truth), predictions(truth, said))
    right = sk.accuracy_score(truth, said)
    assert found.difference == pytest.approx(1 - right)
    assert found.low < found.difference < found.high
    assert found.p == pytest.approx(2 * 0.5 ** (100 - round(100 * right)))
    assert "the methods differ" in found.sentence


def test_repeated_answers_of_one_item_are_no_new_items() -> None:
    truth, said = answers(2, count=60)
    better = [one if place % 9 == 0 else other for place, (one, other) in enumerate(zip(truth, said, strict=True))]
    once = measures.compare(predictions(truth, better), predictions(truth, said))
    often = measures.compare(predictions(truth, better) * 5, predictions(truth, said) * 5)
    assert often.difference == pytest.approx(once.difference)
    assert "sign-flip" in often.sentence
    assert often.p == pytest.approx(once.p, abs=0.03)


def test_the_sign_flip_test_is_that_of_all_signs() -> None:
    differences = np.array([1.0, 1.0, 1.0, 0.5, -0.5, 0.25, 0.0, 1 / 3, 1.0])
    signs = np.array(list(itertools.product((-1, 1), repeat=len(differences))))
    exact = (np.abs((signs * differences).sum(axis=1)) >= abs(differences.sum()) - 1e-9).mean()
    assert resampling.sign_flip(differences) == pytest.approx(exact, abs=0.01)


def test_only_answers_after_the_last_session_are_compared() -> None:
    truth, said = answers(2, count=40)
    early = predictions(truth, ["no"] * 40, session=1)
    found = measures.compare(early + predictions(truth, said, session=2), predictions(truth, said, session=2))
    assert found.difference == 0


def test_numbers_and_tags_are_compared_by_paired_draws() -> None:
    generator = np.random.default_rng(5)
    truth = generator.normal(size=150)
    near, far = truth + generator.normal(size=150) * 0.3, truth + generator.normal(size=150)
    rows = [
        [Prediction(str(place), repr(float(t)), repr(float(s))) for place, (t, s) in enumerate(zip(truth, said, strict=True))]
        for said in (near, far)
    ]
    found = measures.compare(*rows, kind="regression")
    assert found.difference == pytest.approx(sk.r2_score(truth, near) - sk.r2_score(truth, far))
    assert found.distinguishable
    assert not measures.compare(rows[0], rows[0], kind="regression").distinguishable
    tags = (generator.random((150, 3)) < 0.4).astype(int)
    scores = [tags + generator.normal(size=(150, 3)) * spread for spread in (0.5, 3.0)]
    names = ("a", "b", "c")
    labelled = [
        [
            Prediction(
                str(place), "|".join(name for name, there in zip(names, row, strict=True) if there), "", scores=tuple(map(float, line))
            )
            for place, (row, line) in enumerate(zip(tags, part, strict=True))
        ]
        for part in scores
    ]
    told = measures.compare(*labelled, kind="tags", tags=names)
    assert told.difference == pytest.approx(sk.roc_auc_score(tags, scores[0]) - sk.roc_auc_score(tags, scores[1]))
    assert told.distinguishable


def test_other_items_cannot_be_compared() -> None:
    truth, said = answers(2, count=10)
    with pytest.raises(BenchmarkError, match="0 are the same"):
        measures.compare(predictions(truth, said), predictions(truth, said, prefix="x"))
    with pytest.raises(BenchmarkError, match="another true answer"):
        measures.compare(predictions(truth, said), predictions(said[::-1], said))


def test_nothing_is_not_measured() -> None:
    for call in (lambda: measures.accuracy([], []), lambda: measures.macro_f1(["a"], []), lambda: measures.r2([], [])):
        with pytest.raises(BenchmarkError, match="nothing to measure"):
            call()


def test_the_same_numbers_at_every_call() -> None:
    truth, said = answers(3)
    assert measures.macro_f1(truth, said) == measures.macro_f1(truth, said)
    generator = np.random.default_rng(0)
    tags, scores = (generator.random((50, 2)) < 0.5).astype(int), generator.random((50, 2))
    assert measures.ranking(tags, scores) == measures.ranking(tags, scores)


def test_a_large_test_set_is_measured_in_seconds() -> None:
    generator = np.random.default_rng(0)
    tags, scores = (generator.random((5000, 20)) < 0.1).astype(int), generator.random((5000, 20))
    start = time.perf_counter()
    measures.ranking(tags, scores)
    assert time.perf_counter() - start < 60


def test_every_metric_has_a_formula_of_plain_text() -> None:
    for name, metric in measures.METRICS.items():
        assert name == metric.id
        assert metric.title
        assert metric.formula
        assert "\\" not in metric.formula
        assert math.isfinite(metric.better)
