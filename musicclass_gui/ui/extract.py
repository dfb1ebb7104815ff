"""The dialog that extracts features: the choices, how far it is, and what came of it.

It shows what the session's `Extracting` holds and passes wishes on to it. Closing it stops nothing; opened again it shows the same.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QProgressBar, QPushButton, QSizePolicy, QTableWidget, QTableWidgetItem, QVBoxLayout

from musicclass_gui.app import words
from musicclass_gui.ui.dialogs import Sheet
from musicclass_gui.ui.extract_form import Form
from musicclass_gui.ui.widgets import Styled, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from musicclass_gui.app.extracting import Extracting, Run
    from musicclass_gui.app.settings import Settings

_INTRO = (
    "Turns recordings into numbers for programs of your own: one row for each, in their order. A recording that cannot be read gives "
    "a row without numbers. What is stopped goes on where it was when you extract into the same file again."
)
_FRAME_MS = 50
_SCALE = 1000
_FAILED_SHOWN = 200
_TABLE_HEIGHT = 124
_HEIGHT, _HEIGHT_WITH_FAILURES = 600, 720


class ExtractSheet(Sheet):
    """Extraction of features from the `queue`, a folder or a list."""

    def __init__(self, parent: QWidget, extracting: Extracting, settings: Settings, queue: Sequence[Path]) -> None:
        super().__init__(parent, "Extract features", 760, _HEIGHT)
        self._extracting, self._settings = extracting, settings
        folder = settings.get("last_folder") or str(Path.home())
        self.form = Form(queue, extracting.encoders, folder, fast=settings.get("fast"))
        self.run = RunView()
        self.start = QPushButton("Extract")
        self.obstacle = text("", "muted", wrap=True)
        self._timer = QTimer(self, singleShot=True, interval=_FRAME_MS)
        self._build()
        self._show()

    def refresh_weights(self) -> None:
        """Other encoders than before may be ready."""
        self.form.show_encoders(self._extracting.encoders)

    def _build(self) -> None:
        self.setSizeGripEnabled(True)
        set_role(self.start, "primary")
        self.start.clicked.connect(self._press)
        self.buttons.addButton(self.start, self.buttons.ButtonRole.ActionRole)
        for part in (text(_INTRO, "muted", wrap=True), self.form, self.obstacle):
            self.body.addWidget(part)
        self.body.addWidget(self.run)
        self.body.addStretch()
        self.form.changed.connect(self._show_obstacle)
        self.form.folder_used.connect(lambda folder: self._settings.set("last_folder", folder))
        self._timer.timeout.connect(self._show)
        self._extracting.changed.connect(self._changed)

    def _changed(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _press(self) -> None:
        if self._running:
            self._extracting.cancel()
        else:
            self._extracting.begin(self.form.fields)
        self._show()

    @property
    def _running(self) -> bool:
        run = self._extracting.run
        return run is not None and run.running

    def _show(self) -> None:
        run = self._extracting.run
        self.form.setEnabled(not self._running)
        self.start.setText("Stop" if self._running else "Extract")
        set_role(self.start, "body" if self._running else "primary")
        self.run.setVisible(run is not None)
        if run is not None:
            self.run.show_run(run)
            self.form.look_again()
            self.resize(self.width(), max(self.height(), _HEIGHT_WITH_FAILURES if run.failures else _HEIGHT))
        self._show_obstacle()

    def _show_obstacle(self) -> None:
        obstacle = "" if self._running else self.form.obstacle
        self.obstacle.setText(obstacle)
        self.obstacle.setVisible(bool(obstacle))
        self.start.setEnabled(not obstacle)


class RunView(Styled):
    """How far an extraction is, what went wrong, and what was written."""

    def __init__(self) -> None:
        super().__init__("card")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.state, self.notes = text("", "name", wrap=True), text("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.failed = text("", "bad", wrap=True)
        self.table = QTableWidget(0, 2)
        self.show_folder = QPushButton("Show in folder")
        self._place = ""
        self._build()

    def show_run(self, run: Run) -> None:
        """Show how it is now."""
        self.state.setText(_state(run))
        self.notes.setText("\n".join(run.notes))
        self.notes.setVisible(bool(run.notes))
        self.bar.setVisible(run.running)
        known = math.isfinite(run.work.fraction)
        self.bar.setRange(0, _SCALE if known else 0)
        self.bar.setValue(round(run.work.fraction * _SCALE) if known else 0)
        self._place = run.result.get("path", "")
        self.show_folder.setVisible(bool(self._place))
        self._show_failures(run.failures)

    def _show_failures(self, failures: Sequence[tuple[str, str]]) -> None:
        for widget in (self.failed, self.table):
            widget.setVisible(bool(failures))
        more = f" The first {_FAILED_SHOWN} are shown." if len(failures) > _FAILED_SHOWN else ""
        self.failed.setText(f"{words.counted(len(failures), 'recording')} could not be read.{more}")
        shown, there = min(len(failures), _FAILED_SHOWN), self.table.rowCount()
        self.table.setRowCount(shown)
        for line in range(0 if shown < there else there, shown):
            path, reason = failures[line]
            for column, words_ in enumerate((Path(path).name, reason)):
                item = QTableWidgetItem(words_)
                item.setToolTip(reason if column else path)
                self.table.setItem(line, column, item)
            self.table.resizeRowToContents(line)

    def _build(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("Progress of the extraction")
        self.table.setAccessibleName("Recordings that could not be read")
        self.table.setHorizontalHeaderLabels(["Recording", "Why it could not be read"])
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setShowGrid(False)
        self.table.setFixedHeight(_TABLE_HEIGHT)
        self.show_folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._place).parent))))
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self.state, 1)
        head.addWidget(self.show_folder, 0, Qt.AlignmentFlag.AlignTop)
        box.addLayout(head)
        for part in (self.bar, self.notes, self.failed):
            box.addWidget(part)
        box.addWidget(self.table)


def _state(run: Run) -> str:
    if run.running:
        return run.going
    if run.state == "stopped":
        return "Stopped. What is through is kept; extracting into the same file goes on from there."
    if run.state == "failed":
        return run.error
    rows, *row = run.result["shape"]
    numbers = " × ".join(f"{count:,}" for count in row)
    return f"{words.counted(rows, 'row')} of {numbers} numbers written to “{Path(run.result['path']).name}”."
