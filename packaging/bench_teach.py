"""Measures what a whole lesson costs beside embedding alone: listening, learning, examining and keeping, against decode and embed.

    python packaging/bench_teach.py FOLDER [ENCODER …]

FOLDER has a sub-folder per class. Both are done in turns in one process, each time with a new project and an empty cache.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from typing import TYPE_CHECKING

from musicclass_gui.engine import encoders
from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.build.embedding import windows_of
from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import plan_drop
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from musicclass_gui.engine.lessons.report import LessonCard

TURNS = 3


def embedding_alone(files: list[Path], encoder: encoders.Encoder) -> float:
    """Seconds to decode and embed one file after the other."""
    began = time.perf_counter()
    for path in files:
        try:
            windows = windows_of(path, encoder.spec.grid, encoder.spec.sample_rate, Token())
        except MusicClassError:
            continue
        encoder.embed([window.samples for window in windows])
    return time.perf_counter() - began


def whole_lesson(folder: Path, encoder: str) -> tuple[float, LessonCard]:
    """Seconds to teach the folder and keep the lesson, from the plan on; the encoder is loaded before."""
    with tempfile.TemporaryDirectory() as scratch:
        desk = Desk(Path(scratch) / "cache")
        desk.open(Path(scratch) / "bench.musicclass", create=True)
        desk.ears.analyst.encoder(encoder, "auto", desk.ears.analyst.shelf("").weights_of(encoder)).embed([])
        plan = plan_drop([folder], budget_s=None)
        began = time.perf_counter()
        card = desk.taught(plan, Wanted(0, encoder=encoder), Token(), lambda news: None)
        took = time.perf_counter() - began
        desk.close()
        return took, card


def main(folder: Path, names: list[str]) -> None:
    """Print a line per encoder."""
    files = find_recordings([folder])
    for name in names:
        encoder = encoders.load(name)
        encoder.embed([windows_of(files[0], encoder.spec.grid, encoder.spec.sample_rate, Token())[0].samples])
        alone, whole = [], []
        for _ in range(TURNS):
            alone.append(embedding_alone(files, encoder))
            took, card = whole_lesson(folder, name)
            whole.append(took)
        parts = f"listening {card.embed_s:.1f} s, learning {1000 * card.learn_s:.0f} ms, examining {1000 * card.examine_s:.0f} ms"
        print(f"{name}: {len(files)} files; embedding alone {median(alone):.1f} s; whole lesson {median(whole):.1f} s ({parts})")
        print(f"  ratio {median(w / a for w, a in zip(whole, alone, strict=True)):.2f} (asked: 1.1 at most)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["timbre", "mn04-as"])
