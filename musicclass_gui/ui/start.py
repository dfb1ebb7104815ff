"""Where the pieces meet: the application, its settings, the session, the player and the window, in that order.

The window is on screen before anything heavy starts; the session is started only after that.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import musicclass_gui.ui.plotting  # noqa: F401 - before everything that imports pyqtgraph
from musicclass_gui import __version__
from musicclass_gui.app.collector import Collector
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine.places import resources_dir
from musicclass_gui.ui.report import Reporter
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(paths: Sequence[Path]) -> NoReturn:
    """Show the window with `paths` open, or what was open last, and end the process when it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would not let Python see Ctrl+C
    app = application()
    settings = Settings()
    session, player = Session(settings), Player()
    reporter = Reporter(lambda: session.device)
    reporter.install()
    window = MainWindow(session, player)
    window.show()
    QTimer.singleShot(0, window, lambda: begin(window, paths))
    status = app.exec()
    settings.close()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a Windows program without a console has none
            stream.flush()
    # All is saved. What is left to Python now is freed in no order, which crashes Qt now and then, and a read that hangs, on a network
    # drive that is gone, would keep the program alive for ever.
    os._exit(status)


def application() -> QApplication:
    """The application object, named and in the one style that the theme is made for."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("MusicClass")
    app.setApplicationDisplayName("MusicClass")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("musicclass")
    app.setStyle("Fusion")
    app.setWindowIcon(QIcon(str(resources_dir() / "icons" / "app.svg")))
    return app


def begin(window: MainWindow, paths: Sequence[Path]) -> None:
    """What may start once the window is seen: the worker, the player's device, and the recording to open."""
    Collector(window)
    window.session.start()
    window.begin_sound()
    if paths:
        window.session.open_paths(paths)
    else:
        reopen_last(window)


def reopen_last(window: MainWindow) -> None:
    """Open the recording that was open when the program was closed, at the same place, if it is still there."""
    settings = window.session.settings
    last = Path(settings.get("last_file"))
    if settings.get("last_file") and last.is_file():
        window.hearing.resume_at(last, settings.get("last_position_s"))
        window.session.open(last)
