"""The command palette: type a few letters of what you want, press Enter.

It is given entries and runs the chosen one; what the entries do is not its business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtCore import QModelIndex, QPersistentModelIndex

_HINT_ROLE = Qt.ItemDataRole.UserRole + 1
_ENTRY_ROLE = Qt.ItemDataRole.UserRole + 2
_MOVES = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}


@dataclass(frozen=True)
class Entry:
    """Something that can be run: its words, a hint shown at the right (a shortcut), and the doing of it."""

    text: str
    hint: str
    run: Callable[[], object]
    enabled: bool = True


def score(query: str, text: str) -> int | None:
    """How well `query` fits `text`, its letters in order; None when they are not all there. Higher is better."""
    letters, words = query.lower().split(), text.lower()
    total = 0
    for part in letters:
        points = _part_score(part, words)
        if points is None:
            return None
        total += points
    return total - len(words) // 8


def _part_score(part: str, words: str) -> int | None:
    at = words.find(part)
    if at >= 0:
        return 100 + (50 if at == 0 or not words[at - 1].isalnum() else 0)
    return _scattered_score(part, words)


def _scattered_score(part: str, words: str) -> int | None:
    points, at = 0, -1
    for letter in part:
        found = words.find(letter, at + 1)
        if found < 0:
            return None
        starts_word = found == 0 or not words[found - 1].isalnum()
        points += 8 if starts_word else (4 if found == at + 1 else 1)
        at = found
    return points


def matching(query: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that fit, best first, all in their own order for an empty query; those that cannot be run now come last."""
    if not query.strip():
        return sorted(entries, key=lambda entry: not entry.enabled)
    scored = [(score(query, entry.text), entry) for entry in entries]
    kept = [(points, entry) for points, entry in scored if points is not None]
    return [entry for points, entry in sorted(kept, key=lambda pair: (not pair[1].enabled, -pair[0]))]


class Palette(QDialog):
    """A list of everything that can be done, narrowed by typing."""

    def __init__(self, parent: QWidget, entries: Sequence[Entry]) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._entries = list(entries)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("palette")
        self.setWindowTitle("Commands")
        self.field = QLineEdit()
        self.list = QListWidget()
        self._build()
        self._filter("")
        self._place(parent)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What Qt asks: whether this event is dealt with here."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self.list.keyPressEvent(event)
            return True
        return False

    def _build(self) -> None:
        self.field.setPlaceholderText("Type what you want to do")
        self.field.setAccessibleName("Search commands")
        self.field.setClearButtonEnabled(True)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._filter)
        self.field.returnPressed.connect(self._run_current)
        self.list.setAccessibleName("Commands found")
        self.list.setItemDelegate(_EntryDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.itemClicked.connect(self._run)
        self.list.itemActivated.connect(self._run)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 10, 10, 10)
        box.addWidget(self.field)
        box.addWidget(self.list)
        self.setTabOrder(self.field, self.list)

    def _place(self, parent: QWidget) -> None:
        self.resize(min(620, parent.width() - 40), min(440, parent.height() - 80))
        corner = parent.mapToGlobal(parent.rect().topLeft())
        self.move(corner.x() + (parent.width() - self.width()) // 2, corner.y() + 56)
        self.field.setFocus()

    def _filter(self, query: str) -> None:
        self.list.clear()
        for entry in matching(query, self._entries):
            item = QListWidgetItem(entry.text)
            item.setData(_HINT_ROLE, entry.hint)
            item.setData(_ENTRY_ROLE, entry)
            if not entry.enabled:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run_current(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._run(item)

    def _run(self, item: QListWidgetItem) -> None:
        entry: Entry = item.data(_ENTRY_ROLE)
        if entry.enabled:
            self.close()
            entry.run()


class _EntryDelegate(QStyledItemDelegate):
    """Draws the words at the left and the hint, quieter, at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """What Qt asks: the room it would like."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), size.height() + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Draw one row."""
        super().paint(painter, option, index)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.PlaceholderText
        painter.save()
        painter.setPen(option.palette.color(role))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(option.rect.adjusted(0, 0, -10, 0), right, index.data(_HINT_ROLE) or "")
        painter.restore()
