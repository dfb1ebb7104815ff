"""What is to be reviewed as rows: what the classifier says, how unsure it is, and what the user said of it.

It is given plain data; it knows neither the session nor any view.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicclass_gui.app import words
from musicclass_gui.app.tables import Column, RowsModel
from musicclass_gui.app.theme import LIGHT
from musicclass_gui.ui.classlook import Looks, span_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import Doubt

NONE = 0
"""The verdict "none of these"."""


@dataclass(frozen=True)
class DoubtRow:
    """A doubt with the name and colour of what the user said of it, "" where nothing was said."""

    doubt: Doubt
    verdict: str
    verdict_colour: str
    says_colour: str

    @property
    def key(self) -> tuple[str, str, float | None, float | None]:
        """What it is told from others by."""
        return key_of(self.doubt)


def key_of(doubt: Doubt) -> tuple[str, str, float | None, float | None]:
    """What a doubt is told from others by: the recording and the part of it."""
    return doubt.path, doubt.hash, doubt.start_s, doubt.end_s


def says(doubt: Doubt) -> str:
    """What the classifier says, and how sure it is."""
    if not doubt.label:
        return "none of these"
    return f"{doubt.label}, {words.confidence_words(doubt.probability)} ({words.percent(doubt.probability)})"


class ReviewModel(RowsModel[DoubtRow]):
    """Doubts, the most doubtful first."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        super().__init__(_columns(), theme)
        self._looks = Looks()

    def show_doubts(self, doubts: Sequence[Doubt], looks: Looks) -> None:
        """Have these doubts; `looks` are those of the classes that verdicts name."""
        self._looks = looks
        rows = [self._row(doubt) for doubt in doubts]
        self._show(rows, [row.key for row in rows], list(rows))

    def doubt_at(self, row: int) -> Doubt:
        """The doubt in a row."""
        return self._rows[row].doubt

    @property
    def doubts(self) -> list[Doubt]:
        """All of them."""
        return [row.doubt for row in self._rows]

    def judge(self, row: int, verdict: int | None) -> None:
        """Note what the user said of a row: a class's id, `NONE`, or None for nothing any more."""
        self._rows[row] = self._row(replace(self._rows[row].doubt, verdict=verdict))
        self._stamps[row] = self._rows[row]
        self.dataChanged.emit(self.index(row, 0), self.index(row, self.columnCount() - 1))

    def row_of(self, doubt: Doubt) -> int | None:
        """Where a doubt is, whatever was said of it meanwhile."""
        return next((place for place, row in enumerate(self._rows) if row.key == key_of(doubt)), None)

    def next_open(self, after: int) -> int | None:
        """The next row that nothing was said of, coming round to the first; None when all are judged."""
        count = len(self._rows)
        places = ((after + 1 + step) % count for step in range(count))
        return next((place for place in places if self._rows[place].doubt.verdict is None), None)

    def _row(self, doubt: Doubt) -> DoubtRow:
        look = self._looks.of(doubt.verdict or None)
        named = look.name if doubt.verdict is not None else ""
        return DoubtRow(doubt, named, look.colour if named else "", self._looks.named(doubt.label).colour)


def _verdict_colour(theme: Theme, row: DoubtRow) -> str | None:
    return row.verdict_colour or None


def _columns() -> list[Column[DoubtRow]]:
    return [
        Column("You said", lambda row: row.verdict, lambda row: row.verdict.casefold(), swatch=_verdict_colour),
        Column("Name", lambda row: row.doubt.name, lambda row: row.doubt.name.casefold(), tip=lambda row: row.doubt.path),
        Column("Part", lambda row: span_words(row.doubt.start_s, row.doubt.end_s), lambda row: row.doubt.start_s or 0.0),
        Column("It says", lambda row: says(row.doubt), lambda row: row.doubt.probability, swatch=lambda theme, row: row.says_colour),
        Column("Doubt", lambda row: words.percent(row.doubt.doubt), lambda row: row.doubt.doubt, fraction=lambda row: row.doubt.doubt),
        Column("Why", lambda row: row.doubt.why, lambda row: row.doubt.why.casefold(), tip=lambda row: row.doubt.why),
    ]
