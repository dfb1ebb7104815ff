"""Measures what listening for a lesson costs beside the embedding alone: the contract is at most 1.1 times as long.

`bench_listen.py FOLDER [ENCODER …]`: for each encoder, a bare loop (decode, resample, cut, embed, file by file, as `engine.build`
does it) and `listen` into a new project, in turns, on the same files. "encoder" is the time inside the encoder in the bare loop.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from musicclass_gui.engine import encoders
from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.build.embedding import windows_of
from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.lessons.listen import listen
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from musicclass_gui.engine.encoders import Encoder


@dataclass
class Took:
    """Seconds by the clock and of processor time, with what came of it."""

    clock: float
    processor: float
    inside: float = 0.0  # by the clock, in the encoder
    known: float = 0.0  # by the clock, once more with everything known
    count: int = 0


def bare(files: list[Path], encoder: Encoder) -> Took:
    """Decode, resample, cut and embed one file after the other; counts windows."""
    began, busy, inside, count = time.perf_counter(), time.process_time(), 0.0, 0
    for path in files:
        try:
            windows = windows_of(path, encoder.spec.grid, encoder.spec.sample_rate, Token())
        except MusicClassError:
            continue
        start = time.perf_counter()
        encoder.embed([window.samples for window in windows])
        inside += time.perf_counter() - start
        count += len(windows)
    return Took(time.perf_counter() - began, time.process_time() - busy, inside=inside, count=count)


def listening(files: list[Path], encoder: Encoder) -> Took:
    """`listen` with nothing known, then with everything known; counts files that failed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder, "cache")) as cache,
        Project.create(Path(folder, "bench.musicclass")) as project,
    ):

        def run() -> int:
            found = listen(project, files, encoder.spec, lambda: encoder, cache, Token(), lambda heard: None)
            return sum(1 for one in found.values() if one.reason)

        began, busy = time.perf_counter(), time.process_time()
        failed = run()
        took = Took(time.perf_counter() - began, time.process_time() - busy, count=failed)
        began = time.perf_counter()
        run()
        took.known = time.perf_counter() - began
    return took


def told(name: str, files: list[Path], alone: Took, taught: Took) -> str:
    """One round in words."""
    return (
        f"{name}: {len(files)} files ({taught.count} failed), {alone.count} windows; bare loop {alone.clock:.2f} s "
        f"(encoder {alone.inside:.2f} s, processor {alone.processor:.2f} s), listen {taught.clock:.2f} s "
        f"(processor {taught.processor:.2f} s) = {taught.clock / alone.clock:.2f} × bare by the clock, "
        f"{taught.processor / alone.processor:.2f} × by processor, {taught.clock / alone.inside:.2f} × encoder; "
        f"all known {taught.known:.2f} s"
    )


def main() -> int:
    """Print a table row for each encoder and round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("encoder", nargs="*", default=["timbre", "mn04-as"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--files", type=int, default=0, help="only so many")
    parser.add_argument("--weights", type=Path, default=None)
    asked = parser.parse_args()
    files = find_recordings([asked.folder])[: asked.files or None]
    for name in asked.encoder:
        spec = encoders.specs()[name]
        encoder = encoders.load(name, weights=asked.weights if spec.weights else None)
        bare(files[:5], encoder)
        for _ in range(asked.rounds):
            print(told(name, files, bare(files, encoder), listening(files, encoder)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
