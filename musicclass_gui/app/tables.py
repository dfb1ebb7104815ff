"""Qt models of the queue and of the segments: plain rows made readable, sortable and audible to screen readers.

The models own nothing: they are given rows, find out what is new, and tell their views no more than that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QColor

from musicclass_gui.app import kinds, words
from musicclass_gui.app.theme import LIGHT, Theme, class_colour
from musicclass_gui.engine.places import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from musicclass_gui.app.documents import QueueRow
    from musicclass_gui.engine.answers import Answer, Segment
    from musicclass_gui.engine.windows import Span

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole

RAW_ROLE = Role.UserRole
"""The value to sort by."""
FRACTION_ROLE = Role.UserRole + 1
"""0 to 1 for a cell that may be drawn as a bar, else None."""

OWN_CLASSES = "Your classes"
_NOWHERE = QModelIndex()
_REFRESH_MS = 100
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Column(Generic[Row]):
    """What a column shows of a row: text, the value to sort by, and what else there may be."""

    title: str
    text: Callable[[Row], str]
    raw: Callable[[Row], Any]
    right: bool = False
    tip: Callable[[Row], str] | None = None
    fraction: Callable[[Row], float | None] | None = None
    ink: Callable[[Theme, Row], str | None] | None = None
    swatch: Callable[[Theme, Row], str | None] | None = None


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows under columns. A row is known by its `key`, and is new to the views when its `stamp` is."""

    def __init__(self, columns: Sequence[Column[Row]], theme: Theme) -> None:
        super().__init__()
        self._columns = list(columns)
        self._theme = theme
        self._rows: list[Row] = []
        self._keys: list[Hashable] = []
        self._stamps: list[Hashable] = []

    def set_theme(self, theme: Theme) -> None:
        """Give colours of another theme."""
        self._theme = theme
        if self._rows:
            whole = self.index(0, 0), self.index(len(self._rows) - 1, len(self._columns) - 1)
            self.dataChanged.emit(*whole, [Role.ForegroundRole, Role.DecorationRole])

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """How many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """How many columns there are."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Titles of columns, numbers of rows."""
        if role not in (Role.DisplayRole, Role.AccessibleTextRole):
            return None
        if orientation == Qt.Orientation.Vertical:
            return section + 1
        return self._columns[section].title if section < len(self._columns) else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """What a cell shows, is sorted by, or is called."""
        if not index.isValid() or index.row() >= len(self._rows) or role not in _CELL:
            return None
        return _CELL[role](self._columns[index.column()], self._rows[index.row()], self._theme)

    def _show(self, rows: Sequence[Row], keys: list[Hashable], stamps: list[Hashable]) -> None:
        """Have just these rows, telling the views what went, what came, and what changed."""
        if keys != self._keys and not self._rearrange(rows, keys, stamps):
            return
        changed = [old != new for old, new in zip(self._stamps, stamps, strict=True)]
        self._rows, self._keys, self._stamps = list(rows), keys, stamps
        for first, last in _stretches(changed):
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self._columns) - 1))

    def _rearrange(self, rows: Sequence[Row], keys: list[Hashable], stamps: list[Hashable]) -> bool:
        """Take out what went and put in what came; False when it was simpler to start anew."""
        wanted, known = set(keys), set(self._keys)
        if [key for key in self._keys if key in wanted] != [key for key in keys if key in known] or len(wanted) != len(keys):
            self._start_anew(rows, keys, stamps)
            return False
        for first, last in reversed(_stretches([key not in wanted for key in self._keys])):
            self.beginRemoveRows(_NOWHERE, first, last)
            for values in (self._rows, self._keys, self._stamps):
                del values[first : last + 1]
            self.endRemoveRows()
        for first, last in _stretches([key not in known for key in keys]):
            self.beginInsertRows(_NOWHERE, first, last)
            self._rows[first:first] = rows[first : last + 1]
            self._keys[first:first] = keys[first : last + 1]
            self._stamps[first:first] = stamps[first : last + 1]
            self.endInsertRows()
        return True

    def _start_anew(self, rows: Sequence[Row], keys: list[Hashable], stamps: list[Hashable]) -> None:
        self.beginResetModel()
        self._rows, self._keys, self._stamps = list(rows), keys, stamps
        self.endResetModel()


def _stretches(flags: list[bool]) -> list[tuple[int, int]]:
    """First and last place of each run of True."""
    runs = (list(run) for flag, run in groupby(range(len(flags)), flags.__getitem__) if flag)
    return [(run[0], run[-1]) for run in runs]


def _colour(choose: Callable[[Theme, Any], str | None] | None, row: Any, theme: Theme) -> QColor | None:
    colour = choose(theme, row) if choose is not None else None
    return QColor(colour) if colour else None


_CELL: dict[int, Callable[[Column[Any], Any, Theme], Any]] = {
    Role.DisplayRole: lambda column, row, theme: column.text(row),
    Role.ToolTipRole: lambda column, row, theme: column.tip(row) if column.tip else None,
    Role.AccessibleTextRole: lambda column, row, theme: f"{column.title}: {column.text(row) or 'nothing'}",
    Role.TextAlignmentRole: lambda column, row, theme: _RIGHT if column.right else _LEFT,
    Role.ForegroundRole: lambda column, row, theme: _colour(column.ink, row, theme),
    Role.DecorationRole: lambda column, row, theme: _colour(column.swatch, row, theme),
    RAW_ROLE: lambda column, row, theme: column.raw(row),
    FRACTION_ROLE: lambda column, row, theme: column.fraction(row) if column.fraction else None,
}


# The queue

_STATES = {"waiting": "Waiting", "reading": "Reading", "done": "Done", "failed": "Failed", "cancelled": "Cancelled"}
_STATE_INKS = {"done": "good", "failed": "bad", "cancelled": "text_muted", "waiting": "text_muted", "reading": "accent"}


class QueueModel(RowsModel["QueueRow"]):
    """The queue: state, name, length, an answer per classifier, reason and progress."""

    def __init__(self, theme: Theme = LIGHT, classifiers: Sequence[str] = SHIPPED) -> None:
        super().__init__(_queue_columns(classifiers), theme)
        self._newest: Sequence[QueueRow] = []
        self._timer = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._refresh_late)
        self._late = False

    def refresh(self, rows: Sequence[QueueRow]) -> None:
        """Show the rows as they are now; when asked more often than ten times a second, a little later."""
        self._newest = rows
        if self._timer.isActive():
            self._late = True
        else:
            self._refresh()

    def queue_row(self, row: int) -> QueueRow:
        """The recording in a row."""
        return self._rows[row]

    def _refresh_late(self) -> None:
        if self._late:
            self._refresh()

    def _refresh(self) -> None:
        self._late = False
        self._timer.start()
        rows = list(self._newest)
        stamps = [(row.state, row.reason, row.progress, row.duration_s, id(row.answers), len(row.answers), id(row)) for row in rows]
        self._show(rows, [row.path for row in rows], list(stamps))


def _queue_columns(classifiers: Sequence[str]) -> list[Column[QueueRow]]:
    return [
        Column("State", lambda row: _STATES.get(row.state, row.state), _state_order, ink=_state_ink),
        Column("Name", lambda row: row.path.name, lambda row: row.path.name.casefold(), tip=lambda row: str(row.path)),
        Column("Length", _length, lambda row: row.duration_s if math.isfinite(row.duration_s) else -1.0, right=True),
        *(Column(name.capitalize(), partial(_said, name), partial(_said_raw, name), tip=partial(_note, name)) for name in classifiers),
        Column(OWN_CLASSES, partial(_said_by_others, classifiers), partial(_said_by_others, classifiers)),
        Column("Reason", lambda row: row.reason, lambda row: row.reason.casefold(), tip=lambda row: row.reason, ink=_reason_ink),
        Column("Progress", _progress_text, lambda row: row.progress, right=True, fraction=_fraction),
    ]


def _state_order(row: QueueRow) -> int:
    order = ["reading", "waiting", "failed", "cancelled", "done"]
    return order.index(row.state) if row.state in order else len(order)


def _state_ink(theme: Theme, row: QueueRow) -> str | None:
    token = _STATE_INKS.get(row.state)
    return getattr(theme, token) if token else None


def _reason_ink(theme: Theme, row: QueueRow) -> str | None:
    return theme.bad if row.state == "failed" else theme.warn if row.state == "done" else None


def _length(row: QueueRow) -> str:
    return words.clock(row.duration_s) if math.isfinite(row.duration_s) else ""


def _said(classifier: str, row: QueueRow) -> str:
    answer = row.answers.get(classifier)
    if answer is None:
        return ""
    if answer.label is None:
        return kinds.nothing(answer.kind)
    if answer.kind != kinds.CLASSES:
        return answer.label
    chance = next((ranked.probability for ranked in answer.ranking if ranked.label == answer.label), math.nan)
    return f"{answer.label}, {words.confidence_words(chance)}"


def _said_by_others(classifiers: Sequence[str], row: QueueRow) -> str:
    """What the classifiers said that have no column of their own: those that the user taught."""
    return "; ".join(_said(name, row) for name in row.answers if name not in classifiers)


def _said_raw(classifier: str, row: QueueRow) -> str:
    return _said(classifier, row).casefold()


def _note(classifier: str, row: QueueRow) -> str:
    answer = row.answers.get(classifier)
    return " ".join(filter(None, (answer.reason, answer.note))) if answer else ""


def _progress_text(row: QueueRow) -> str:
    return words.percent(row.progress) if row.state == "reading" else ""


def _fraction(row: QueueRow) -> float | None:
    return row.progress if row.state == "reading" and math.isfinite(row.progress) else None


# Segments


@dataclass(frozen=True)
class SegmentRow:
    """A segment of one classifier's answer, with all labels that the classifier knows."""

    classifier: str
    segment: Segment
    labels: tuple[str, ...]
    title: str
    colours: Mapping[str, int]
    kind: str = kinds.CLASSES

    @property
    def label(self) -> str:
        """The label in words."""
        return kinds.nothing(self.kind) if self.segment.label is None else self.segment.label


class SegmentsModel(RowsModel[SegmentRow]):
    """All segments of all answers: the timeline's lanes as a table."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        super().__init__(_segment_columns(), theme)

    def set_answers(self, answers: Sequence[Answer], title_of: Callable[[str], str] = str.capitalize) -> None:
        """Show the segments of these answers, classifier by classifier, in time; `title_of` says what classifiers are called."""
        titles = {answer.classifier: title_of(answer.classifier) for answer in answers}
        rows = [
            SegmentRow(answer.classifier, segment, _labels(answer), titles[answer.classifier], answer.colours, answer.kind)
            for answer in answers
            for segment in answer.segments
        ]
        self._show(rows, [(row.classifier, row.segment.start_s) for row in rows], list(rows))

    def span_of(self, row: int) -> Span:
        """The start and end, in seconds, of the segment in a row."""
        return self._rows[row].segment.start_s, self._rows[row].segment.end_s


def _labels(answer: Answer) -> tuple[str, ...]:
    return tuple(sorted(ranked.label for ranked in answer.ranking))


def _segment_columns() -> list[Column[SegmentRow]]:
    return [
        Column("Classifier", lambda row: row.title, lambda row: row.title.casefold()),
        Column("Start", lambda row: words.clock(row.segment.start_s, tenths=True), lambda row: row.segment.start_s, right=True),
        Column("End", lambda row: words.clock(row.segment.end_s, tenths=True), lambda row: row.segment.end_s, right=True),
        Column("Label", lambda row: row.label, lambda row: row.label.casefold(), swatch=_label_colour),
        Column("Probability", _chance, lambda row: row.segment.probability, fraction=_chance_fraction),
    ]


def _label_colour(theme: Theme, row: SegmentRow) -> str | None:
    return class_colour(theme, row.segment.label, row.labels, row.colours)


def _chance(row: SegmentRow) -> str:
    if row.segment.label is None:  # what is none of these has no class to be likely of
        return ""
    return kinds.said(row.kind, row.segment.probability)


def _chance_fraction(row: SegmentRow) -> float | None:
    return None if row.segment.label is None else row.segment.probability
