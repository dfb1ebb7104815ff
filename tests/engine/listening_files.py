"""An encoder small enough to see through, and sounds for it: shared by the tests of listening, also by the child that is killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
from musicclass_gui.engine.lessons.listen import listen
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RATE = 8000
SPEC = EncoderSpec("levels", "1", "Levels", RATE, Grid(1.0, 0.5), 3, "MIT")


class Levels:
    """Embeds a window as its mean, its spread and its brightness. `calls` are the sizes of the windows of each call."""

    spec = SPEC
    device = "cpu"

    def __init__(self, before: Callable[[Sequence[Audio]], None] = lambda windows: None) -> None:
        self.notices: list[str] = []
        self.calls: list[list[int]] = []
        self._before = before

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        self._before(windows)
        self.calls.append([window.size for window in windows])
        return np.array([[w.mean(), w.std(), np.abs(np.diff(w, append=0)).mean()] for w in windows], np.float32).reshape(-1, 3)


def noise(path: Path, seconds: float = 2.0, *, level: float = 0.1, seed: int = 0, rate: int = RATE) -> Path:
    """Soft noise around `level`, which tells files apart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = level + 0.01 * np.random.default_rng(seed).standard_normal(round(seconds * rate))
    soundfile.write(path, sound, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


def child(folder: Path) -> None:
    """Listen to all of a folder, saying in a log which file each embedded window is of; slow enough to be killed in between."""

    def say(windows: Sequence[Audio]) -> None:
        with (folder / "log").open("a") as log:
            for window in windows:
                log.write(f"{round(float(window.mean()) * 100)}\n")
        time.sleep(0.003 * len(windows))

    path = folder / "p.musicclass"
    project = Project.open(path) if path.exists() else Project.create(path)
    with project, opened(folder / "cache") as cache:
        files = sorted((folder / "audio").iterdir())
        listen(project, files, SPEC, lambda: Levels(say), cache, Token(), lambda heard: None)


if __name__ == "__main__":
    child(Path(sys.argv[1]))
