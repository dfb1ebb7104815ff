"""What a bug looks like: a report that can be copied, instead of a program that is gone.

It shows versions, the device and the last lines of the log; it sends nothing anywhere.
"""

from __future__ import annotations

import logging
import platform
import sys
import traceback
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from musicclass_gui import __version__
from musicclass_gui.ui.widgets import text

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_LINES_KEPT = 200
_log = logging.getLogger("musicclass")


class LogTail(logging.Handler):
    """Remembers the last lines of the log, for the report."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(self.format(record))


def report_text(failure: str, device: str, log_lines: list[str]) -> str:
    """Everything that somebody who mends the program needs to see."""
    import pyqtgraph
    import PySide6

    facts = [
        f"MusicClass {__version__}",
        f"Python {platform.python_version()} on {platform.platform()}",
        f"PySide6 {PySide6.__version__}, pyqtgraph {pyqtgraph.__version__}",
        f"Device: {device}",
    ]
    return "\n".join([*facts, "", failure.strip(), "", "Last log lines:", *(log_lines or ["(none)"])])


class ReportDialog(QDialog):
    """Shows one report; it is not modal, so that work can be saved first."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong")
        self.resize(720, 460)
        self.body = QPlainTextEdit(report)
        self.body.setReadOnly(True)
        self.body.setAccessibleName("Report")
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 16)
        box.setSpacing(10)
        box.addWidget(text("MusicClass made a mistake", "title"))
        advice = "You can go on working. If it happens again, this report tells the developers what they need."
        box.addWidget(text(advice, "muted", wrap=True))
        box.addWidget(self.body, 1)
        box.addWidget(self._buttons())

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.close)
        return buttons

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.body.toPlainText())
        self.copy.setText("Copied")


class Reporter:
    """Turns exceptions that nobody expected into one report dialog; while it is open, later ones only go to the log."""

    def __init__(self, device: Callable[[], str]) -> None:
        self.tail = LogTail()
        self.dialog: ReportDialog | None = None
        self._device = device

    def install(self) -> None:
        """Listen to the log and to exceptions that reach the top."""
        logging.getLogger().addHandler(self.tail)
        sys.excepthook = self.report

    def report(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log an exception and show it."""
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        failure = "".join(traceback.format_exception(kind, error, trace))
        _log.error("Unexpected exception\n%s", failure)
        if sys.stderr is not None:  # there is none in a windowed program on Windows
            sys.stderr.write(failure)
        if self.dialog is None or not self.dialog.isVisible():
            self._show(failure)

    def _show(self, failure: str) -> None:
        if QApplication.instance() is None:
            return
        self.dialog = ReportDialog(report_text(failure, self._device(), list(self.tail.lines)), QApplication.activeWindow())
        self.dialog.show()
