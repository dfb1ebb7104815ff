"""Which rows differ from the baseline, and which of two runs is better where: paired tests on the same items.

It is called in a lane's thread and needs numpy; it knows no Qt and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.app import bench_rows
from musicclass_gui.engine.benchmark import measures
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.bench_plain import RunView
    from musicclass_gui.app.bench_rows import Key
    from musicclass_gui.engine.benchmark.measures import Comparison
    from musicclass_gui.engine.benchmark.protocol import Cell, Result
    from musicclass_gui.engine.task import Token

Pairs = list[tuple["Result", "Result"]]


@dataclass(frozen=True)
class Beside:
    """A row of two runs set side by side; `verdict` is None where the items are not the same."""

    key: Key
    cell: Cell
    first: float | None
    second: float | None
    pairs: int
    verdict: Comparison | None


def judge(view: RunView, baseline: Key, token: Token) -> dict[Key, Comparison]:
    """Test every row, of single cells and of groups, against the baseline; rows that cannot be tested are left out."""
    found = {}
    for single in (False, True):
        for key, cells in bench_rows.grouped(view.cells, single=single).items():
            token.check()
            pairs = _pairs(view, cells, baseline)
            verdict = _compare(pairs, view.classes) if pairs else None
            if verdict is not None:
                found[key] = verdict
    return found


def _pairs(view: RunView, cells: Sequence[Cell], baseline: Key) -> Pairs:
    pairs = []
    for cell in cells:
        other = bench_rows.partner(cell, view, baseline)
        if other is not None and other != cell and cell.name in view.results and other.name in view.results:
            pairs.append((view.results[cell.name], view.results[other.name]))
    return pairs


def beside(first: RunView, second: RunView, metric: str, token: Token) -> list[Beside]:
    """The rows that both runs have, with a test of each where both answered the same items."""
    ours, theirs = (bench_rows.grouped(view.cells, single=False) for view in (first, second))
    found = []
    for key in [key for key in ours if key in theirs]:
        token.check()
        found.append(_beside(first, second, metric, key, ours[key]))
    return found


def _beside(first: RunView, second: RunView, metric: str, key: Key, cells: Sequence[Cell]) -> Beside:
    names = [cell.name for cell in cells if cell.name in first.results and cell.name in second.results]
    pairs = [(first.results[name], second.results[name]) for name in names]
    values = [[score.value for one in side if (score := bench_rows.score_of(one, metric))] for side in zip(*pairs, strict=True)]
    means = [bench_rows.mean(side) for side in values] or [None, None]
    return Beside(key, cells[0], means[0], means[1], len(pairs), _compare(pairs, first.classes) if pairs else None)


def _compare(pairs: Pairs, classes: Sequence[str]) -> Comparison | None:
    ones, others = ([prediction for pair in pairs for prediction in pair[side].predictions] for side in (0, 1))
    try:
        return measures.compare(ones, others, kind=_kind(pairs[0][0]), tags=classes)
    except BenchmarkError:
        return None


def _kind(result: Result) -> str:
    known = {score.metric for score in result.scores}
    return "regression" if "r2" in known else "tags" if "roc_auc" in known else "classes"
