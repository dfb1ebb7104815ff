"""The Qt models of the benchmark's tables: results, and two runs side by side. The models own nothing but what they were given to show."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex

from musicclass_gui.app import bench_form, bench_words, words
from musicclass_gui.app.tables import Column, RowsModel
from musicclass_gui.app.theme import LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from musicclass_gui.app.bench_judge import Beside
    from musicclass_gui.app.bench_rows import Key, Row
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.benchmark.measures import Comparison

    _Tip = Callable[[Row], str]

STATES = {"done": "Done", "part": "Partly", "waiting": "Waiting", "failed": "Failed"}
_INKS = {"done": "good", "part": "accent", "waiting": "text_muted", "failed": "bad"}
_TOLD_ONCE = frozenset({"Order", "Seed"})  # not told where all rows say the same
_TELLING = frozenset({"Task", "Features"})  # nor these, where there are several rows
_LAST = -1e9  # what is not known is sorted below everything
SAME = "not distinguishable"
_OTHER_ITEMS = "other items, no test"


class Seen:
    """What the rows of a table are seen with: the measure, the pinned baseline, the verdicts against it, methods' titles."""

    def __init__(self) -> None:
        self.metric = "accuracy"
        self.baseline: Key | None = None
        self.verdicts: Mapping[Key, Comparison] = {}
        self.judging = False
        self.titles: Mapping[str, str] = {}

    def method(self, row: Row) -> str:
        """The title of a row's method."""
        return self.titles.get(row.cell.method, row.cell.method)

    def is_baseline(self, row: Row) -> bool:
        """Whether others are compared with this row."""
        return self.baseline is not None and row.key[:2] == self.baseline[:2]

    def verdict(self, row: Row) -> Comparison | None:
        """What the paired test says of a row and the baseline."""
        return None if self.is_baseline(row) else self.verdicts.get(row.key)


class ResultsModel(RowsModel["Row"]):
    """A run's results. Columns that a protocol has no use for are named by `idle`, for the view to hide."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        self.seen = Seen()
        super().__init__(_columns(self.seen), theme)

    def refresh(self, rows: Sequence[Row]) -> None:
        """Show the rows as they are now."""
        seen = self.seen
        stamps = [(row, seen.metric, seen.is_baseline(row), seen.verdict(row), seen.judging) for row in rows]
        self._show(rows, [row.key for row in rows], list(stamps))

    def row_at(self, number: int) -> Row:
        """The row of this number."""
        return self._rows[number]

    def place_of(self, key: Key) -> QModelIndex:
        """Where a row is, or nowhere."""
        return self.index(self._keys.index(key), 0) if key in self._keys else QModelIndex()

    def idle(self) -> set[int]:
        """The columns in which no row has anything, and those that tell rows apart where all say the same."""
        texts = {number: {column.text(row) for row in self._rows} for number, column in enumerate(self._columns) if number}
        once = _TOLD_ONCE | _TELLING if len(self._rows) > 1 else _TOLD_ONCE
        same = {number for number, found in texts.items() if len(found) == 1 and self._columns[number].title in once}
        return same | {number for number, found in texts.items() if not any(found)}

    def column_named(self, title: str) -> int:
        """The number of a column."""
        return next(number for number, column in enumerate(self._columns) if column.title == title)


def _columns(seen: Seen) -> list[Column[Row]]:
    def of(pick: Callable[[Row], float | None], say: Callable[[float | None, str], str]) -> Callable[[Row], str]:
        return lambda row: "" if pick(row) is None else say(pick(row), seen.metric)

    def raw(pick: Callable[[Row], float | None]) -> Callable[[Row], float]:
        return lambda row: _LAST if (number := pick(row)) is None else number

    def number(
        title: str, pick: Callable[[Row], float | None], say: Callable[[float | None, str], str], tip: Callable[[Row], str]
    ) -> Column[Row]:
        return Column(title, of(pick, say), raw(pick), right=True, tip=tip)

    return [
        Column("State", partial(_state, seen), lambda row: list(STATES).index(row.state), tip=_why, ink=_state_ink),
        Column("Method", seen.method, lambda row: seen.method(row).casefold(), tip=_notes),
        Column("Mode", lambda row: bench_form.mode_title(row.cell.mode) if row.cell.mode else "", lambda row: row.cell.mode),
        Column("Task", lambda row: row.cell.task, lambda row: row.cell.task),
        Column("Features", lambda row: row.cell.features, lambda row: row.cell.features),
        Column("Order", lambda row: _varying(row, "order"), lambda row: _varying(row, "order")),
        Column("Seed", lambda row: _varying(row, "seed") if _varying(row, "seed") != "0" else "", lambda row: _varying(row, "seed")),
        Column("Value", of(lambda row: row.value, bench_words.value), raw(lambda row: row.value), right=True, tip=partial(_sample, seen)),
        Column("95 %", partial(_interval, seen), raw(lambda row: row.low), right=True, tip=partial(_sample, seen)),
        Column("Range", partial(_range, seen), raw(lambda row: row.least), right=True, tip=lambda row: _RANGE),
        Column("Δ baseline", partial(_delta, seen), raw(lambda row: row.delta), right=True, tip=partial(_verdict_tip, seen)),
        Column("Test", partial(_verdict, seen), partial(_verdict_raw, seen), tip=partial(_verdict_tip, seen),
               ink=partial(_verdict_ink, seen)),
        number("Published", lambda row: row.published, bench_words.value, _source),
        number("Difference", lambda row: row.difference, bench_words.change, lambda row: "Our value less the published one."),
        number("Forgetting", lambda row: row.forgetting, lambda value, _: bench_words.value(value, "forgetting"), lambda row: _FORGETTING),
        Column("Time", lambda row: words.duration(row.seconds) if row.seconds else "", lambda row: row.seconds, right=True),
        Column("Source", lambda row: row.source, lambda row: row.source, tip=lambda row: row.source),
    ]  # fmt: skip


_RANGE = "The least and the greatest value over class orders and seeds."
_FORGETTING = "How much accuracy on earlier sessions was lost: the mean of best less last."


def _source(row: Row) -> str:
    return f"Printed in: {row.source}" if row.source else "No number that could be confirmed was printed for this."


def _state(seen: Seen, row: Row) -> str:
    if seen.is_baseline(row):
        return "Baseline"
    return f"{row.done} of {len(row.cells)}" if row.state == "part" else STATES[row.state]


def _state_ink(theme: Theme, row: Row) -> str | None:
    return str(getattr(theme, _INKS[row.state]))


def _why(row: Row) -> str:
    return row.reason or f"{row.done} of {words.counted(len(row.cells), 'result')} done."


def _notes(row: Row) -> str:
    return "\n".join(row.notes) or row.cell.method


def _varying(row: Row, name: str) -> str:
    found = list(dict.fromkeys(str(getattr(cell, name)) for cell in row.cells))
    return ", ".join(filter(None, found)) if len(found) <= 4 else f"{len(found)} of them"


def _interval(seen: Seen, row: Row) -> str:
    return bench_words.between(row.low, row.high, seen.metric)


def _range(seen: Seen, row: Row) -> str:
    return bench_words.between(row.least, row.most, seen.metric)


def _sample(seen: Seen, row: Row) -> str:
    if row.done > 1:
        return (
            f"The mean of {row.done} results (class orders and seeds). The interval is the mean of theirs: they were asked the same items."
        )
    return f"{bench_words.title(seen.metric)} on {row.n:,} items."


def _delta(seen: Seen, row: Row) -> str:
    return "" if row.delta is None or seen.is_baseline(row) else bench_words.change(row.delta, seen.metric)


def _verdict(seen: Seen, row: Row) -> str:
    found = seen.verdict(row)
    if found is None:
        compared = row.delta is not None and not seen.is_baseline(row)
        return "" if not compared else "testing…" if seen.judging else _OTHER_ITEMS
    if not found.distinguishable:
        return SAME
    return f"{'better' if found.difference > 0 else 'worse'}, p {p_words(found.p)}"


def p_words(p: float) -> str:
    """A p-value as people read it."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _verdict_raw(seen: Seen, row: Row) -> float:
    found = seen.verdict(row)
    return _LAST if found is None else found.p


def _verdict_tip(seen: Seen, row: Row) -> str:
    found = seen.verdict(row)
    if found is None and row.delta is not None and not seen.judging and not seen.is_baseline(row):
        return "The baseline was asked other items than this row, so they are set side by side and not tested."
    return found.sentence if found else "The test against the pinned baseline, on the same items."


def _verdict_ink(seen: Seen, theme: Theme, row: Row) -> str | None:
    found = seen.verdict(row)
    if found is None or not found.distinguishable:
        return theme.text_muted
    return theme.good if found.difference > 0 else theme.bad


class BesideModel(RowsModel["Beside"]):
    """Two runs side by side, row by row."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        self.seen = Seen()
        super().__init__(_beside_columns(self.seen), theme)

    def refresh(self, rows: Sequence[Beside]) -> None:
        """Show these."""
        self._show(rows, [row.key for row in rows], [(row, self.seen.metric) for row in rows])


def _beside_columns(seen: Seen) -> list[Column[Beside]]:
    def difference(row: Beside) -> float | None:
        return None if row.first is None or row.second is None else row.first - row.second

    def said(row: Beside) -> str:
        if row.verdict is None:
            return _OTHER_ITEMS
        return "differs" if row.verdict.distinguishable else SAME

    def ink(theme: Theme, row: Beside) -> str | None:
        clear = row.verdict is not None and row.verdict.distinguishable
        return theme.accent if clear else theme.text_muted

    return [
        Column("Method", lambda row: seen.titles.get(row.cell.method, row.cell.method), lambda row: row.cell.method),
        Column("Mode", lambda row: bench_form.mode_title(row.cell.mode) if row.cell.mode else "", lambda row: row.cell.mode),
        Column("Task", lambda row: " ".join(filter(None, (row.cell.task, row.cell.features))), lambda row: row.cell.task),
        Column("This run", lambda row: bench_words.value(row.first, seen.metric), lambda row: row.first or _LAST, right=True),
        Column("Other run", lambda row: bench_words.value(row.second, seen.metric), lambda row: row.second or _LAST, right=True),
        Column("Difference", lambda row: bench_words.change(difference(row), seen.metric), lambda row: difference(row) or 0.0, right=True),
        Column("Test", said, lambda row: row.verdict.p if row.verdict else 2.0, tip=lambda row: row.verdict.sentence if row.verdict else "",
               ink=ink),
        Column("Results", lambda row: "{} and {}".format(*row.cells), lambda row: row.cells, right=True),
    ]  # fmt: skip
