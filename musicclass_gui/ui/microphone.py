"""Teaching from the microphone: a level to look at, takes to hear and to leave out, and a name for what they are.

It drives the session's recorder; nothing is taught before the preview was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from musicclass_gui.app import words
from musicclass_gui.engine.lessons.plan import PlannedFile
from musicclass_gui.ui.dialogs import Sheet
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.widgets import set_role, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from PySide6.QtGui import QAction, QPaintEvent

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme

LOWEST_DB = -60.0
_LOUD_DB, _TOO_LOUD_DB = -12.0, -1.0
_FALL_DB = 0.7  # per level, about 20 dB a second
_DEFAULT = "The system’s microphone"
_LENGTH_ROLE = Qt.ItemDataRole.UserRole + 1
_SHORTEST_S = 1.0


class LevelMeter(QWidget):
    """How loud it is now, in dB of full scale, with the loudest of late as a line. What is too loud is said in words too."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.level = self.peak = LOWEST_DB
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Level of the microphone")

    def show_level(self, level: float) -> None:
        """Show a level; the peak falls slowly."""
        self.level = min(0.0, max(LOWEST_DB, level))
        self.peak = max(self.level, self.peak - _FALL_DB, LOWEST_DB)
        self.setAccessibleDescription(self.words)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self.update()

    @property
    def words(self) -> str:
        """The peak in words."""
        if self.peak <= LOWEST_DB:
            return "silent"
        return "too loud" if self.peak >= _TOO_LOUD_DB else words.decibels(self.peak)

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        return QSize(240, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it."""
        painter, theme = QPainter(self), self._theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = painter.fontMetrics().horizontalAdvance("−60.0 dB") + 12
        bar = QRectF(0, self.height() / 2 - 5, self.width() - room, 10)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.raised))
        painter.drawRoundedRect(bar, 5, 5)
        ink = theme.bad if self.peak >= _TOO_LOUD_DB else theme.warn if self.level >= _LOUD_DB else theme.good
        painter.setBrush(QColor(ink))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * self._share(self.level), bar.height()), 5, 5)
        if self.peak > LOWEST_DB:
            left = bar.left() + bar.width() * self._share(self.peak) - 1
            painter.fillRect(QRectF(left, bar.top() - 3, 2, bar.height() + 6), QColor(theme.text))
        painter.setPen(QColor(theme.bad if self.peak >= _TOO_LOUD_DB else theme.text_muted))
        place = QRectF(bar.right(), 0, room, self.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.words)

    @staticmethod
    def _share(level: float) -> float:
        return (level - LOWEST_DB) / -LOWEST_DB


class MicrophoneDialog(Sheet):
    """Record a class. `heard` carries a path and a span in seconds (end −1: to the end) to be played."""

    heard = Signal(str, float, float)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Teach from the microphone", 520, 460)
        self._session, self._recorder = session, session.recorder
        self._before = self._recorder.state
        self.name, self.device = QComboBox(), QComboBox()
        self.meter = LevelMeter(theme)
        self.clock = text("0:00.0", "clock-idle")
        self.record = QPushButton("Record")
        self.problem = text("", "warn", wrap=True)
        self.takes = QListWidget()
        self.hear_it, self.leave_out = QPushButton("Hear"), QPushButton("Leave out")
        self.teach = QPushButton("Teach")
        self._build()
        self._connect()
        self._show_devices(self._recorder.devices())
        self._show()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.meter.set_theme(theme)

    def show_board(self) -> None:
        """Offer the names of the classes as they are now; what was typed stays."""
        view = self._session.teaching.classifier
        typed = self.name.currentText()
        self.name.clear()
        self.name.addItems([one.name for one in view.classes if one.role == "class"] if view else [])
        self.name.setEditText(typed)

    def done(self, result: int) -> None:
        """What Qt tells: it is closed; what was recorded stays on disk."""
        self._recorder.stop()
        super().done(result)

    # Recording

    def toggle(self) -> None:
        """Start recording, or stop."""
        if self._recorder.state == "idle":
            self._recorder.start(self._named or "Recording", self.device.currentData() or "")
        else:
            self._recorder.stop()

    def _changed(self) -> None:
        before, self._before = self._before, self._recorder.state
        if before != "idle" and self._recorder.state == "idle" and self._recorder.path is not None:
            self._add_take(self._recorder.path, self._recorder.seconds)
        if before == self._recorder.state == "idle" and not self._recorder.problem:  # asking looks again, and may tell of a problem again
            self._show_devices(self._recorder.devices())
        self._show()

    def _add_take(self, path: Path, seconds: float) -> None:
        short = "; too short to learn from" if seconds < _SHORTEST_S else ""
        item = QListWidgetItem(f"{path.stem}, {words.duration(seconds)}{short}")
        item.setData(Qt.ItemDataRole.UserRole, str(path))
        item.setData(_LENGTH_ROLE, seconds)
        item.setToolTip(str(path))
        self.takes.addItem(item)
        self.takes.setCurrentItem(item)

    def _show_level(self, level: float) -> None:
        self.meter.show_level(level)
        self.clock.setText(words.clock(self._recorder.seconds, tenths=True))

    def _show(self) -> None:
        state = self._recorder.state
        self.record.setText({"idle": "Record", "starting": "Starting…"}.get(state, "Stop"))
        self.device.setEnabled(state == "idle")
        set_role(self.clock, "clock-idle" if state == "idle" else "clock")
        if state == "idle":
            self.meter.peak = LOWEST_DB
            self.meter.show_level(LOWEST_DB)
        self.problem.setText(self._recorder.problem)
        self.problem.setVisible(bool(self._recorder.problem))
        some = self.takes.currentRow() >= 0
        self.hear_it.setEnabled(some and state == "idle")
        self.leave_out.setEnabled(some)
        count = self.takes.count()
        set_role(self.record, "" if count else "primary")  # what is done next stands out
        self.teach.setText(f"Teach {words.counted(count, 'take')}…" if count else "Teach…")
        self.teach.setEnabled(bool(count and state == "idle" and not self._session.teaching.locked))

    def _show_devices(self, names: list[str]) -> None:
        shown = [self.device.itemData(row) for row in range(1, self.device.count())]
        if self.device.count() and names == shown:
            return
        chosen = self.device.currentData() or ""
        self.device.clear()
        self.device.addItem(_DEFAULT, "")
        for name in names:
            self.device.addItem(name, name)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))

    # Takes

    @property
    def paths(self) -> list[str]:
        """The takes that would be taught."""
        return [self.takes.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.takes.count())]

    def _hear(self) -> None:
        item = self.takes.currentItem()
        if item is not None and self._recorder.state == "idle":
            self.heard.emit(item.data(Qt.ItemDataRole.UserRole), 0.0, -1.0)

    def _leave_out(self) -> None:
        if self.takes.currentRow() >= 0:
            self.takes.takeItem(self.takes.currentRow())
            self._show()

    def _teach(self) -> None:
        self._session.teaching.propose_files([PlannedFile(path) for path in self.paths], self._named)
        self.close()

    @property
    def _named(self) -> str:
        return self.name.currentText().strip()

    # Making it

    def _build(self) -> None:
        self.body.addWidget(text("Record one or more takes of a sound; each becomes an example of the class.", "muted", wrap=True))
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(12)
        for row, (title, part) in enumerate((("Class", self.name), ("Microphone", self.device), ("Level", self.meter))):
            label = text(title)
            label.setBuddy(part)
            grid.addWidget(label, row, 0)
            grid.addWidget(part, row, 1)
        self.body.addLayout(grid)
        line = QHBoxLayout()
        line.addWidget(self.record)
        line.addWidget(self.clock)
        line.addStretch()
        self.body.addLayout(line)
        self.body.addWidget(self.problem)
        self.body.addWidget(self.takes, 1)
        self.body.addLayout(self._take_row())
        self.buttons.addButton(self.teach, QDialogButtonBox.ButtonRole.AcceptRole)
        self._dress()

    def _take_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self.hear_it)
        row.addWidget(self.leave_out)
        row.addStretch()
        self.leave_out.setToolTip("Take it off this list; the file stays where it is")
        for button in (self.hear_it, self.leave_out):
            button.setAccessibleName(f"{button.text()}: the chosen take")
        return row

    def _dress(self) -> None:
        self.name.setEditable(True)
        field = self.name.lineEdit()
        if field is not None:
            field.setPlaceholderText("What is it? You can also say it later")
            field.setAccessibleName("Name of the class")
        self.show_board()
        for box, name in ((self.name, "Name of the class"), (self.device, "Microphone")):
            box.setAccessibleName(name)
            box.view().setAccessibleName(f"{name}: choices")
        self.takes.setAccessibleName("Takes")
        self.takes.setAccessibleDescription("Space hears, Delete leaves out.")
        set_role(self.teach, "primary")
        self.record.setMinimumWidth(110)
        self.record.setFocus()

    def _connect(self) -> None:
        self.record.clicked.connect(self.toggle)
        self._recorder.changed.connect(self._changed)
        self._recorder.level_changed.connect(self._show_level)
        self.hear_it.clicked.connect(self._hear)
        self.leave_out.clicked.connect(self._leave_out)
        self.takes.itemActivated.connect(self._hear)
        self.takes.currentRowChanged.connect(self._show)
        self.teach.clicked.connect(self._teach)
        OwnKeys(self.takes, {"Space": self._hear, "Delete Backspace": self._leave_out})
