"""The program as it is started: in a process of its own, since what is imported matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ["torch", "torchaudio", "transformers", "librosa", "scipy", "sklearn", "soundfile", "av", "sounddevice", "soxr", "cuda.bindings"]

FIRST_PAINT = f"""
import json, sys
from PySide6.QtCore import QEvent, QObject
from musicclass_gui.ui import start
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.ui.window import MainWindow

class Watch(QObject):
    painted = False
    def eventFilter(self, watched, event):
        self.painted |= event.type() == QEvent.Type.Paint
        return False

app = start.application()
window, watch = MainWindow(Session(Settings()), Player()), Watch()
window.timeline.installEventFilter(watch)
window.topbar.installEventFilter(watch)
window.show()
while not watch.painted:
    app.processEvents()
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
window.close()
"""

RUN = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from musicclass_gui.ui import start
from musicclass_gui.ui.window import MainWindow

def look():
    window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
    document = window.session.document
    if document.state in ("ready", "failed"):
        print(document.state, document.path.name, window.windowTitle())
        window.close()

start_begin = start.begin
def begin(window, paths):
    start_begin(window, paths)
    window.poll = QTimer(window, interval=50)
    window.poll.timeout.connect(look)
    window.poll.start()
start.begin = begin
start.run([Path(sys.argv[1])])
"""


def python(code: str, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment},
    )


def test_nothing_heavy_is_imported_before_the_first_paint() -> None:
    done = python(FIRST_PAINT)
    assert done.returncode == 0, done.stderr
    imported: list[Any] = json.loads(done.stdout.splitlines()[-1])
    assert imported == []


def test_it_opens_the_file_that_it_is_given_and_ends_with_the_window(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.2 * np.sin(np.arange(22050 * 4) / 20), 22050)
    done = python(RUN, str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "ready tone.wav tone.wav – MusicClass"


def test_plotting_does_without_cuda_bindings_only_while_it_is_imported() -> None:
    code = "import sys, musicclass_gui.ui.plotting; print('cuda.bindings' in sys.modules, 'pyqtgraph' in sys.modules)"
    assert python(code).stdout.split() == ["False", "True"]
