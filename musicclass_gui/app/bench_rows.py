"""Results of a benchmark as rows, curves and matrices: plain functions from a run's cells to what is shown.

A row is one cell, or the mean of the cells that differ only in class order and seed. It knows no Qt and no worker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from musicclass_gui.app.bench_plain import RunView
    from musicclass_gui.engine.benchmark.protocol import Cell, Prediction, Published, Result, Score

Key = tuple[str, ...]
"""What tells a row from others: method, mode, task and features, and for one cell its order and seed too."""
Line = list[tuple[int, float, float, float]]
"""A curve: session, mean, least and greatest value over class orders and seeds."""


@dataclass(frozen=True)
class Row:
    """One row of the table, for one measure. Values are fractions where the measure is one; None is not known.

    `low` and `high` are the 95 % interval, of several cells the mean of theirs: they were asked the same items, so that more cells do not
    make it narrower. `least` and `most` are the extremes of several cells. `delta` is against the
    baseline, paired by order, seed, task and features.
    """

    key: Key
    cells: tuple[Cell, ...]
    state: str
    done: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    least: float | None = None
    most: float | None = None
    n: int = 0
    published: float | None = None
    source: str = ""
    delta: float | None = None
    forgetting: float | None = None
    seconds: float = 0.0
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        """Its first cell, which tells method, mode, task and features."""
        return self.cells[0]

    @property
    def difference(self) -> float | None:
        """How far it is from what was published."""
        return None if self.value is None or self.published is None else self.value - self.published


@dataclass(frozen=True)
class Confusion:
    """What was said of what: `items[truth, said]` are the predictions behind a count."""

    classes: tuple[str, ...]
    items: dict[tuple[str, str], list[Prediction]] = field(default_factory=dict)

    def count(self, truth: str, said: str) -> int:
        """How often `said` was said of `truth`."""
        return len(self.items.get((truth, said), ()))

    def total(self, truth: str) -> int:
        """How often something was said of `truth`."""
        return sum(len(found) for (true, _), found in self.items.items() if true == truth)


def row_key(cell: Cell, *, single: bool) -> Key:
    """The key of the row that a cell belongs to."""
    group = (cell.method, cell.mode, cell.task, cell.features)
    return (*group, cell.order, str(cell.seed)) if single else group


def grouped(cells: Iterable[Cell], *, single: bool) -> dict[Key, tuple[Cell, ...]]:
    """The cells of each row, rows in the order of their first cell."""
    made: dict[Key, list[Cell]] = {}
    for cell in cells:
        made.setdefault(row_key(cell, single=single), []).append(cell)
    return {key: tuple(those) for key, those in made.items()}


def metrics(view: RunView) -> list[str]:
    """The ids of all measures that the run's results have, in the order in which they occur."""
    return list(dict.fromkeys(score.metric for result in view.results.values() for score in result.scores))


def rows(view: RunView, metric: str, *, single: bool, baseline: Key | None = None) -> list[Row]:
    """The table of a run for a measure. `baseline` is the key of a row; None pins none."""
    pinned = _pinned(view, baseline)
    return [_row(view, metric, key, cells, pinned) for key, cells in grouped(view.cells, single=single).items()]


def _row(view: RunView, metric: str, key: Key, cells: tuple[Cell, ...], pinned: dict[Key, Cell]) -> Row:
    known = [(cell, view.results[cell.name]) for cell in cells if cell.name in view.results]
    scores = [(cell, score) for cell, result in known if (score := score_of(result, metric)) is not None]
    values = [score.value for _, score in scores]
    published, source = _published(view, cells, metric)
    return Row(
        key, cells, _state(view, cells, len(known)), len(known),
        value=mean(values),
        low=_mean_of_all([score.low for _, score in scores]),
        high=_mean_of_all([score.high for _, score in scores]),
        least=min(values, default=None) if len(values) > 1 else None,
        most=max(values, default=None) if len(values) > 1 else None,
        n=sum(score.n for _, score in scores),
        published=published,
        source=source,
        delta=mean(_deltas(view, metric, scores, pinned)),
        forgetting=mean([score.value for _, result in known if (score := score_of(result, "forgetting")) is not None]),
        seconds=sum(result.seconds for _, result in known),
        reason=" ".join(dict.fromkeys(view.failed[cell.name] for cell in cells if cell.name in view.failed)),
        notes=tuple(dict.fromkeys(note for _, result in known for note in result.notes)),
    )  # fmt: skip


def _state(view: RunView, cells: Sequence[Cell], done: int) -> str:
    if any(cell.name in view.failed for cell in cells):
        return "failed"
    if done == len(cells):
        return "done"
    return "part" if done else "waiting"


def score_of(result: Result, metric: str, session: int = 0) -> Score | None:
    """A result's number for the whole, or after a session; where there is none for the whole, it is that of the last session."""
    found = [score for score in result.scores if score.metric == metric]
    if session:
        return next((score for score in found if score.session == session), None)
    whole = next((score for score in found if score.session == 0), None)
    return whole or max(found, key=lambda score: score.session, default=None)


def _published(view: RunView, cells: Sequence[Cell], metric: str) -> tuple[float | None, str]:
    """The mean of what was printed for a row's cells, if something was for every one, and by whom."""
    found = [_printed(view.published.get(cell.name, ()), metric) for cell in cells]
    known = [one for one in found if one is not None]
    if len(known) < len(cells):
        return None, ""
    return mean([one.value for one in known]), "; ".join(dict.fromkeys(one.source for one in known))


def _printed(published: Sequence[Published], metric: str) -> Published | None:
    found = [one for one in published if one.metric == metric]
    whole = next((one for one in found if one.session == 0), None)
    return whole or max(found, key=lambda one: one.session, default=None)


def _pinned(view: RunView, baseline: Key | None) -> dict[Key, Cell]:
    """The baseline's cells by what they are paired by; a single cell stands for its method and mode."""
    if baseline is None:
        return {}
    return {_pairing(cell): cell for cell in view.cells if (cell.method, cell.mode) == baseline[:2]}


def _pairing(cell: Cell) -> Key:
    return cell.order, str(cell.seed), cell.task, cell.features


def partner(cell: Cell, view: RunView, baseline: Key | None) -> Cell | None:
    """The baseline's cell that a cell is compared with: the same order, seed and task, and the same features where it has them."""
    return _partner(cell, _pinned(view, baseline))


def _partner(cell: Cell, pinned: dict[Key, Cell]) -> Cell | None:
    same = pinned.get(_pairing(cell))
    if same is not None:
        return same
    others = [one for key, one in pinned.items() if key[:3] == _pairing(cell)[:3]]
    return others[0] if len(others) == 1 else None


def _deltas(view: RunView, metric: str, scores: Sequence[tuple[Cell, Score]], pinned: dict[Key, Cell]) -> list[float]:
    found = []
    for cell, score in scores:
        other = _partner(cell, pinned)
        base = score_of(view.results[other.name], metric) if other is not None and other.name in view.results else None
        if base is not None:
            found.append(score.value - base.value)
    return found


def mean(values: Sequence[float]) -> float | None:
    """The mean, or None of nothing."""
    return math.fsum(values) / len(values) if values else None


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if len(known) == len(values) else None


# Curves over sessions


def sessions(view: RunView) -> int:
    """How many sessions the results have; 0 where the protocol has none."""
    return max((score.session for result in view.results.values() for score in result.scores), default=0)


def curve(view: RunView, cells: Sequence[Cell], metric: str) -> Line:
    """A measure after each session, over these cells."""
    results = [view.results[cell.name] for cell in cells if cell.name in view.results]
    return _line(sessions(view), lambda session: [one.value for result in results if (one := score_of(result, metric, session))])


def published_curve(view: RunView, cells: Sequence[Cell], metric: str) -> Line:
    """What was printed after each session, over these cells."""
    printed = [one for cell in cells for one in view.published.get(cell.name, ()) if one.metric == metric]
    return _line(sessions(view), lambda session: [one.value for one in printed if one.session == session])


def _line(count: int, values_of: Callable[[int], list[float]]) -> Line:
    found = ((session, values_of(session)) for session in range(1, count + 1))
    return [(session, math.fsum(values) / len(values), min(values), max(values)) for session, values in found if values]


def matrix(view: RunView, cells: Sequence[Cell]) -> list[list[float | None]]:
    """The mean of R[t][k] over these cells, or nothing where the protocol has no sessions."""
    known = [view.results[cell.name].matrix for cell in cells if cell.name in view.results and view.results[cell.name].matrix]
    size = max(map(len, known), default=0)
    return [[mean(_entries(known, t, k)) for k in range(size)] for t in range(size)]


def _entries(known: Sequence[Sequence[Sequence[float | None]]], t: int, k: int) -> list[float]:
    found = (one[t][k] for one in known if t < len(one) and k < len(one[t]))
    return [value for value in found if value is not None]


# What was taken for what


def prediction_sessions(view: RunView, cells: Sequence[Cell]) -> list[int]:
    """After which sessions predictions were kept, for these cells."""
    return sorted({one.session for one in _predictions(view, cells)})


def confusion(view: RunView, cells: Sequence[Cell], session: int) -> Confusion:
    """What was said of what after a session, over these cells."""
    found = sorted((one for one in _predictions(view, cells) if one.session == session), key=lambda one: (one.truth, one.said))
    items = {pair: list(those) for pair, those in groupby(found, key=lambda one: (one.truth, one.said))}
    occurring = {name for pair in items for name in pair}
    known = [name for name in view.classes if name in occurring]
    return Confusion((*known, *sorted(occurring - set(known))), items)


def _predictions(view: RunView, cells: Sequence[Cell]) -> list[Prediction]:
    return [one for cell in cells if cell.name in view.results for one in view.results[cell.name].predictions]
