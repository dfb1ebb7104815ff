"""How a setting is chosen and scored: on the folds that are then reported, as was published, or inside of what is learned from.

It sees features and folds, no files and no names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark.transfer import folds, grid
from musicclass_gui.engine.benchmark.transfer.grid import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.benchmark.transfer.folds import Fold as Places
    from musicclass_gui.engine.benchmark.transfer.folds import Numbers
    from musicclass_gui.engine.benchmark.transfer.grid import Limits, Matrix

    Inner = Callable[[Numbers], list[Places]]
    """Deals places that are learned from into folds of their own."""


@dataclass(frozen=True)
class Problem:
    """What is to be learned: features `(n, d)`, truth `(n,)`, and the folds on which it is asked."""

    features: Matrix
    truth: Matrix
    folds: Sequence[Places]
    regression: bool = False


@dataclass(frozen=True)
class Way:
    """How it is learned: the points of the grid, whether features are scaled, and how folds are averaged."""

    points: Sequence[Point]
    scaled: bool
    weighted: bool
    limits: Limits


@dataclass(frozen=True)
class Outcome:
    """The average over folds and each fold's own score; what was said of the places asked, and which points were chosen how often.

    `stopped` counts the fits that libsvm had not finished.
    """

    value: float
    by_fold: tuple[float, ...]
    asked: Numbers
    said: Matrix
    chosen: tuple[tuple[Point, int], ...]
    stopped: int = 0


def published(problem: Problem, way: Way, check: Callable[[], None]) -> Outcome:
    """The paper's: every point is asked on the very folds that are reported, and the best average is the result."""
    said, stopped = _all(problem, problem.folds, way, check)
    averages = [_average(problem, problem.folds, row, way)[0] for row in said]
    best = int(np.argmax(averages))
    asked = np.concatenate([test for _, test in problem.folds])
    value, by_fold = _average(problem, problem.folds, said[best], way)
    return Outcome(value, by_fold, asked, said[best][asked], ((way.points[best], len(problem.folds)),), stopped)


def nested(problem: Problem, way: Way, inner: Inner, check: Callable[[], None]) -> Outcome:
    """Nested: for each fold a point is chosen inside of what is learned from, then learned from all of that, and asked once."""
    said, stopped, chosen = np.full(len(problem.truth), np.nan), 0, Counter[Point]()
    for train, test in problem.folds:
        tried, unfinished = _all(problem, within := inner(train), way, check)
        best = way.points[int(np.argmax([_average(problem, within, row, way)[0] for row in tried]))]
        row, last = _fold(problem, (train, test), way, check, (best,))
        said[test] = row[0]
        chosen[best] += 1
        stopped += unfinished + last
    value, by_fold = _average(problem, problem.folds, said, way)
    asked = np.concatenate([test for _, test in problem.folds])
    return Outcome(value, by_fold, asked, said[asked], tuple(chosen.most_common()), stopped)


def _all(problem: Problem, places: Sequence[Places], way: Way, check: Callable[[], None]) -> tuple[Matrix, int]:
    """What every point says of every place that is asked: `(points, n)`, NaN elsewhere; and how many fits were stopped."""
    said, stopped = np.full((len(way.points), len(problem.truth)), np.nan), 0
    for fold in places:
        said[:, fold[1]], unfinished = _fold(problem, fold, way, check, way.points)
        stopped += unfinished
    return said, stopped


def _fold(problem: Problem, places: Places, way: Way, check: Callable[[], None], points: Sequence[Point]) -> tuple[Matrix, int]:
    train, test = places
    fold = grid.Fold(problem.features[train], problem.truth[train], problem.features[test])
    said = grid.say(points, fold.scaled() if way.scaled else fold, regression=problem.regression, limits=way.limits, check=check)
    return said.values, len(said.stopped)


def _average(problem: Problem, places: Sequence[Places], said: Matrix, way: Way) -> tuple[float, tuple[float, ...]]:
    """The average over folds, and each fold's score."""
    by_fold = tuple(grid.score(problem.truth[test], said[test], regression=problem.regression) for _, test in places)
    return folds.average(by_fold, [test.size for _, test in places], weighted=way.weighted), by_fold
