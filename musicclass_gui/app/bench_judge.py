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
    """A row of two runs set side by side, each the mean of its own cells; `verdict` is None where the items are not the same."""

    key: Key
    cell: Cell
    first: float | None
    second: float | None
    cells: tuple[int, int]
    verdict: Comparison | None


def judge(view: RunView, baseline: Key, token: Token) -> dict[Key, Comparison]:
    """Test every row, of single cells and of groups, against the baseline; rows that cannot be tested are left out."""
    found = {}
    for single in (False, True):
        for key, cells in bench_rows.grouped(view.cells, single=single).items():
            token.check()
            pairs = _pairs(view, cells, baseline)
            verdict = _compare([one for one, _ in pairs], [other for _, other in pairs], view.classes)
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
    ours, theirs = (_results(view) for view in (first, second))
    cells = bench_rows.grouped(first.cells, single=False)
    found = []
    for key in [key for key in ours if key in theirs]:
        token.check()
        values = [bench_rows.mean(_values(side[key], metric)) for side in (ours, theirs)]
        counts = len(ours[key]), len(theirs[key])
        found.append(Beside(key, cells[key][0], values[0], values[1], counts, _compare(ours[key], theirs[key], first.classes)))
    return found


def _results(view: RunView) -> dict[Key, list[Result]]:
    groups = bench_rows.grouped((cell for cell in view.cells if cell.name in view.results), single=False)
    return {key: [view.results[cell.name] for cell in cells] for key, cells in groups.items()}


def _values(results: Sequence[Result], metric: str) -> list[float]:
    return [score.value for one in results if (score := bench_rows.score_of(one, metric)) is not None]


def _compare(ours: Sequence[Result], theirs: Sequence[Result], classes: Sequence[str]) -> Comparison | None:
    if not ours or not theirs:
        return None
    ones, others = ([prediction for result in side for prediction in result.predictions] for side in (ours, theirs))
    try:
        return measures.compare(ones, others, kind=_kind(ours[0]), tags=classes)
    except BenchmarkError:
        return None


def _kind(result: Result) -> str:
    known = {score.metric for score in result.scores}
    return "regression" if "r2" in known else "tags" if "roc_auc" in known else "classes"
