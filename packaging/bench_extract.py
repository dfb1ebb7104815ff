"""Measures what extraction costs beside decoding and the encoder alone, and what memory a long list takes.

`bench_extract.py FOLDER [ENCODER …]`: for each encoder, a bare loop (decode, resample, cut, embed, file by file) and `extract` with
nothing known, in turns, on the same files; `--names N`: also a list of N names for five of the files, with the memory that it takes.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from musicclass_gui.engine import cutting, encoders
from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.extract import extract
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from musicclass_gui.engine.encoders import Encoder


def bare(files: list[Path], encoder: Encoder) -> tuple[float, float]:
    """Seconds for decoding and embedding one file after the other: all in all, and inside the encoder."""
    began, inside, spec = time.perf_counter(), 0.0, encoder.spec
    for path in files:
        windows = cutting.windows_of(path, spec.grid, spec.sample_rate, Token())
        start = time.perf_counter()
        encoder.embed([window.samples for window in windows])
        inside += time.perf_counter() - start
    return time.perf_counter() - began, inside


def extracted(files: list[Path], encoder: Encoder, weights: str) -> tuple[float, float]:
    """Seconds for `extract` with nothing known, and with everything known; loading the encoder is not counted."""
    load, encoders.load = encoders.load, lambda *_args, **_more: encoder
    try:
        with tempfile.TemporaryDirectory() as folder:
            took = []
            for name in ("new", "known"):
                began = time.perf_counter()
                extract(files, Path(folder, f"{name}.npz"), encoder.spec.id, weights_folder=weights, cache_folder=Path(folder, "cache"))
                took.append(time.perf_counter() - began)
    finally:
        encoders.load = load
    return took[0], took[1]


def long_list(files: list[Path], count: int, encoder_id: str, weights: str) -> str:
    """What a list of many names for a few files takes."""
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder, "names")
        names.mkdir()
        listed = Path(folder, "list.txt")
        with listed.open("w") as file:
            for number in range(count):
                (names / f"{number:06}{files[number % 5].suffix}").symlink_to(files[number % 5].absolute())
                file.write(f"names/{number:06}{files[number % 5].suffix}\n")
        extract(files[:5], Path(folder, "few.npz"), encoder_id, weights_folder=weights, cache_folder=Path(folder, "warm"))
        before, began = _memory(), time.perf_counter()
        extract(listed, Path(folder, "x.npz"), encoder_id, weights_folder=weights, cache_folder=Path(folder, "cache"))
        took = time.perf_counter() - began
        return f"{count} names: {took:.1f} s ({1000 * took / count:.2f} ms each), {_memory() - before:.0f} MB more than for five files"


def _memory() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024.0 if sys.platform != "darwin" else 1024.0**2)


def main() -> int:
    """Print a line for each encoder and round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("encoder", nargs="*", default=["timbre"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--files", type=int, default=0, help="only so many")
    parser.add_argument("--names", type=int, default=0, help="how long the long list is")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--weights", default="")
    asked = parser.parse_args()
    if asked.weights:
        os.environ["MUSICCLASS_MODELS"] = asked.weights
    files = find_recordings([asked.folder])
    files = files[:: max(1, len(files) // asked.files)][: asked.files] if asked.files else files
    if asked.names:
        print(long_list(files, asked.names, asked.encoder[0], asked.weights), flush=True)
    for name in asked.encoder:
        encoder = encoders.load(name, device=asked.device)
        bare(files[:3], encoder)
        for _ in range(asked.rounds):
            (alone, inside), (new, known) = bare(files, encoder), extracted(files, encoder, asked.weights)
            print(
                f"{name} on {encoder.device}: {len(files)} files; bare loop {alone:.2f} s (encoder {inside:.2f} s), extract {new:.2f} s "
                f"= {new / alone:.2f} × bare; all known {known:.2f} s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
