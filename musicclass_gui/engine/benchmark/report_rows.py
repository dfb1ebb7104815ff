"""What a run's results come to: means over class orders and seeds, with spread, interval, published value and a test against a baseline.

Rows are numbers only; how they are written down is the business of the other report modules.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.benchmark import measures
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.measures import Comparison
    from musicclass_gui.engine.benchmark.protocol import Cell, Prediction, Published, Result, Score

Key = tuple[str, str, str, str]
"""Method, mode, task, features: what a row is the mean over class orders and seeds of."""
Pairs = Sequence[tuple["Cell", "Result"]]
PublishedOf = Callable[["Cell"], Sequence["Published"]]

HEADLINES = ("accuracy", "r2", "roc_auc", "clip_accuracy", "map", "macro_f1")


@dataclass(frozen=True)
class Row:
    """One measure of one group of cells, as fractions. `values` has a number for each cell; `low` and `high` are the 95 % interval.

    The interval of several cells is the mean of theirs: they were asked the same items, so more cells do not make it narrower. `delta` is
    against the baseline, `said` what the paired test says of it; both are empty where nothing was compared.
    """

    key: Key
    metric: str
    session: int
    part: str
    cells: tuple[Cell, ...]
    values: tuple[float, ...]
    low: float | None = None
    high: float | None = None
    n: int = 0
    published: float | None = None
    difference: float | None = None
    source: str = ""
    baseline: Key | None = None
    delta: float | None = None
    p: float | None = None
    said: str = ""

    @property
    def mean(self) -> float:
        """The mean over class orders and seeds."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """The standard deviation over class orders and seeds (n - 1); None for a single cell."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def distinguishable(self) -> bool | None:
        """What the paired test says; None where there was none."""
        return None if self.p is None else self.p < measures.SIGNIFICANT


@dataclass(frozen=True)
class Group:
    """Cells that differ in class order and seed only."""

    key: Key
    pairs: tuple[tuple[Cell, Result], ...] = field(repr=False)

    @cached_property
    def headline(self) -> str:
        """The measure that stands for the others."""
        there = {score.metric for _, result in self.pairs for score in result.scores}
        return next((metric for metric in HEADLINES if metric in there), min(there, default=""))

    @property
    def kind(self) -> str:
        """What kind of answers there are, for the paired test."""
        return {"r2": "regression", "roc_auc": "tags"}.get(self.headline, "classes")

    def predictions(self) -> list[Prediction]:
        """Everything that was said after each cell's last session."""
        return [one for _, result in self.pairs for one in last(result.predictions)]


def last(predictions: Sequence[Prediction]) -> list[Prediction]:
    """What was said after the last session."""
    session = max((one.session for one in predictions), default=0)
    return [one for one in predictions if one.session == session]


def groups(results: Pairs) -> list[Group]:
    """All groups in the order of their first cell."""
    found: dict[Key, list[tuple[Cell, Result]]] = {}
    for cell, result in results:
        found.setdefault((cell.method, cell.mode, cell.task, cell.features), []).append((cell, result))
    return [Group(key, tuple(pairs)) for key, pairs in found.items()]


def rows(group: Group, published: PublishedOf) -> list[Row]:
    """Every measure of a group: of the whole, of sessions and of parts."""
    found: dict[tuple[str, int, str], list[tuple[Cell, Score]]] = {}
    for cell, result in group.pairs:
        for score in result.scores:
            found.setdefault((score.metric, score.session, score.task), []).append((cell, score))
    return [_row(group.key, place, scores, published) for place, scores in found.items()]


def _row(key: Key, place: tuple[str, int, str], scores: Sequence[tuple[Cell, Score]], published: PublishedOf) -> Row:
    only = [score for _, score in scores]
    row = Row(
        key,
        *place,
        cells=tuple(cell for cell, _ in scores),
        values=tuple(score.value for score in only),
        low=_mean_of_all([score.low for score in only]),
        high=_mean_of_all([score.high for score in only]),
        n=max(score.n for score in only),
    )
    printed = [(score.value, one) for cell, score in scores for one in published(cell) if (one.metric, one.session, one.task) == place]
    if not printed:
        return row
    mean, ours = statistics.fmean(one.value for _, one in printed), statistics.fmean(value for value, _ in printed)
    return replace(row, published=mean, difference=ours - mean, source="; ".join(dict.fromkeys(one.source for _, one in printed)))


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return statistics.fmean(there) if len(there) == len(values) else None


def headline(group: Group, of_group: Sequence[Row]) -> Row | None:
    """The row of a group's main measure over everything, or after the last session."""
    mine = [row for row in of_group if row.metric == group.headline and not row.part]
    return min(mine, key=lambda row: (row.session != 0, -row.session), default=None)


def compared(heads: Sequence[tuple[Group, Row]], baseline: str, tags: Sequence[str]) -> list[Row]:
    """The main rows, each tested against the baseline, or where none is given against the best of the same mode, task and measure.

    Raises BenchmarkError where the baseline is in none of the groups.
    """
    known = {group.key: (group, row) for group, row in heads}
    if baseline and not any(_matches(baseline, key) for key in known):
        raise BenchmarkError(f"The baseline “{baseline}” is not in this run; it has {', '.join(sorted({key[0] for key in known}))}.")
    return [_against(group, row, _other(group, baseline, heads), tags) for group, row in heads]


def _wanted(baseline: str) -> list[str]:
    """Method, mode, task and features of a baseline: "method", "method/mode", "method/mode/task/features" or the name of a cell."""
    parts = baseline.split("/", 5)
    chosen = [*parts[:2], *parts[4:]] if len(parts) == 6 else parts
    return [*chosen, "", "", "", ""][:4]


def _matches(baseline: str, key: Key) -> bool:
    return all(want in ("", part) for want, part in zip(_wanted(baseline), key, strict=True))


def _other(group: Group, baseline: str, heads: Sequence[tuple[Group, Row]]) -> tuple[Group, Row] | None:
    if baseline:
        key = tuple(want or part for want, part in zip(_wanted(baseline), group.key, strict=True))
        return next((pair for pair in heads if pair[0].key == key), None)
    rivals = [pair for pair in heads if pair[0].key[1:3] == group.key[1:3] and pair[0].headline == group.headline]
    return max(rivals, key=lambda pair: pair[1].mean) if len(rivals) > 1 else None


def _against(group: Group, row: Row, other: tuple[Group, Row] | None, tags: Sequence[str]) -> Row:
    if other is None or other[0].key == group.key:
        return replace(row, baseline=group.key) if other else row
    base = replace(row, baseline=other[0].key, delta=row.mean - other[1].mean)
    try:
        found = tested(group, other[0], tags)
    except BenchmarkError as error:
        return replace(base, said=str(error))
    return replace(base, p=found.p, said=found.sentence)


def tested(first: Group, second: Group, tags: Sequence[str]) -> Comparison:
    """The paired test between two groups on what both were asked. Raises BenchmarkError where the items are not the same."""
    return measures.compare(first.predictions(), second.predictions(), kind=first.kind, tags=tags)


@dataclass(frozen=True)
class Curve:
    """A measure after each session: means, and least and greatest value over class orders and seeds, (sessions,) each."""

    name: str
    sessions: tuple[int, ...]
    mean: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]


def curve(name: str, of_group: Sequence[Row], metric: str) -> Curve | None:
    """The curve of a measure, or None where it was not taken after each of several sessions."""
    mine = sorted((row for row in of_group if row.metric == metric and row.session and not row.part), key=lambda row: row.session)
    if len(mine) < 2:
        return None
    columns = zip(*((row.session, row.mean, min(row.values), max(row.values)) for row in mine), strict=True)
    return Curve(name, *(tuple(column) for column in columns))


def printed_curve(name: str, of_group: Sequence[Row], metric: str) -> Curve | None:
    """The published values of such a curve, or None where they are not known for each session."""
    mine = [row for row in of_group if row.metric == metric and row.session and not row.part]
    known = sorted((row.session, row.published) for row in mine if row.published is not None)
    if len(known) < max(2, len(mine)):
        return None
    sessions, values = zip(*known, strict=True)
    return Curve(name, sessions, values, values, values)


def confusion(group: Group, classes: Sequence[str]) -> tuple[tuple[str, ...], NDArray[Any]] | None:
    """Classes, and how often each was taken for each after the last session, all class orders and seeds together."""
    said = group.predictions() if group.kind == "classes" else []
    if not said:
        return None
    asked = {one.truth for one in said} | {one.said for one in said}
    return measures.confusion([one.truth for one in said], [one.said for one in said], [name for name in classes if name in asked])


def matrix(group: Group) -> list[list[float | None]]:
    """The mean matrix R[t][k] over class orders and seeds; empty where there are no sessions."""
    found = [result.matrix for _, result in group.pairs if result.matrix]
    if not found or len({len(one) for one in found}) > 1:
        return []
    size = len(found[0])
    cells = [[[one[t][k] for one in found if k < len(one[t])] for k in range(size)] for t in range(size)]
    return [[_mean_of_all(values) if values else None for values in line] for line in cells]


def square(cells: NDArray[Any]) -> NDArray[Any]:
    """Confusion counts as shares of each row, 0 where a class was never asked for."""
    total = cells.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(cells, total, out=np.zeros(cells.shape), where=total > 0))
