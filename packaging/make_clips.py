"""Synthesises clips to try teaching with: bells, plucked strings and organ pipes, and some oboes for a second lesson.

    python packaging/make_clips.py FOLDER

writes FOLDER/clips/bell, FOLDER/clips/organ and FOLDER/clips/pluck with eight clips each, FOLDER/more with six oboes, and FOLDER/new.flac,
a bell that is in none of them. The same bytes every time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Sound = NDArray[np.float64]

RATE = 44100
SECONDS = 3.0
BELL = (0.56, 0.92, 1.19, 1.71, 2.0, 2.74, 3.0, 3.76, 4.07)  # partials of a church bell over its strike note (Rossing, 2000)


def times() -> Sound:
    """The instants of a clip, in seconds."""
    return np.arange(round(SECONDS * RATE)) / RATE


def bell(pitch: float, chance: np.random.Generator) -> Sound:
    """Inharmonic partials that die away, the higher the sooner."""
    t = times()
    parts = [np.exp(-t * (0.6 + 0.5 * k)) * np.sin(2 * np.pi * pitch * ratio * t) / (1 + k) for k, ratio in enumerate(BELL)]
    return np.asarray(sum(parts)) * (1 + 0.1 * chance.standard_normal())


def pluck(pitch: float, chance: np.random.Generator) -> Sound:
    """A plucked string, after Karplus and Strong (1983): noise that goes round through a mean of two samples."""
    length = round(RATE / pitch)
    string, out = chance.uniform(-1, 1, length), np.empty(round(SECONDS * RATE))
    for start in range(0, len(out), length):
        piece = out[start : start + length]
        piece[:] = string[: len(piece)]
        string = 0.498 * (string + np.roll(string, -1))
    return out


def organ(pitch: float, chance: np.random.Generator) -> Sound:
    """Steady harmonics at octaves and fifths, with a little wind."""
    t = times()
    pipes = sum(np.sin(2 * np.pi * pitch * k * t) / np.sqrt(k) for k in (1, 2, 3, 4, 6, 8))
    return np.asarray(pipes) * np.minimum(1, t / 0.08) + 0.02 * chance.standard_normal(len(t))


def oboe(pitch: float, chance: np.random.Generator) -> Sound:
    """Many harmonics, strongest about 1.2 kHz, with vibrato."""
    t = times()
    phase = 2 * np.pi * pitch * (t + 0.0008 * np.sin(2 * np.pi * chance.uniform(5, 6) * t))
    weight = [np.exp(-(((pitch * k - 1200) / 900) ** 2)) for k in range(1, 25)]
    return np.asarray(sum(w * np.sin(k * phase) for k, w in enumerate(weight, 1))) * np.minimum(1, t / 0.05)


def write(path: Path, instrument: Callable[[float, np.random.Generator], Sound], number: int) -> None:
    """One clip, of a pitch between 180 and 700 Hz that goes with its number."""
    chance = np.random.default_rng([number, *path.parent.name.encode()])
    sound = instrument(chance.uniform(180, 700), chance)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.5 * sound / np.abs(sound).max(), RATE, subtype="PCM_16")


def main(folder: Path) -> None:
    """Write everything."""
    for instrument in (bell, organ, pluck):
        for number in range(1, 9):
            write(folder / "clips" / instrument.__name__ / f"{instrument.__name__} {number}.flac", instrument, number)
    for number in range(1, 7):
        write(folder / "more" / f"oboe {number}.flac", oboe, number)
    write(folder / "new.flac", bell, 99)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
