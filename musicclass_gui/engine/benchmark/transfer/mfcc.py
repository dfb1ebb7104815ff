"""The MFCC statistics that Choi et al. 2017 compare with, from audio: 120 numbers of a clip's first 29 s (their code).

They are kept in the program's cache like embeddings. It knows files, no tasks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import places
from musicclass_gui.engine.audio import content_hash
from musicclass_gui.engine.audio_paths import naming_errors_of
from musicclass_gui.engine.benchmark import cutter
from musicclass_gui.engine.benchmark.embedded import Cut, Part
from musicclass_gui.engine.cache import Cache, Embedded, FileStamp, opened
from musicclass_gui.engine.encoders import EncoderSpec
from musicclass_gui.engine.errors import AudioError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio

_RATE = 12_000
_COEFFICIENTS = 20
_WINDOW = 2048
_FEWEST = 1025
"""Samples that give three frames, which second differences need (the paper's code pads what is shorter than 1024)."""
SPEC = EncoderSpec(
    id="choi2017-mfcc",
    version="1",
    title="120 MFCC statistics (Choi 2017)",
    sample_rate=_RATE,
    grid=Grid(30.0, 15.0),
    dim=6 * _COEFFICIENTS,
    licence="MIT",
)


def statistics(samples: Audio) -> NDArray[np.float64]:
    """Mono samples at 12 kHz → `(120,)`: mean and deviation of 20 MFCC, then of their plain frame differences, then of those of these."""
    import librosa

    filled = np.pad(samples, (0, max(0, _FEWEST - samples.size)))
    mirrored = np.pad(filled, _WINDOW // 2, mode="reflect")  # as librosa did then
    frames = librosa.feature.mfcc(y=mirrored, sr=_RATE, n_mfcc=_COEFFICIENTS, n_fft=_WINDOW, center=False)
    steps = np.diff(frames, axis=1)
    found = [part for each in (frames, steps, np.diff(steps, axis=1)) for part in (each.mean(axis=1), each.std(axis=1))]
    return np.asarray(np.concatenate(found), np.float64)


def listen(items: Sequence[Item], token: Token) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """The statistics of each item by key, and sentences on those that cannot be heard. Raises Cancelled."""
    found: dict[str, NDArray[np.float64]] = {}
    problems = []
    with opened(places.cache_dir()) as cache:
        for number, item in enumerate(items):
            token.check()
            token.progress(number / len(items), f"MFCC of {number + 1:,} of {len(items):,} clips")
            try:
                found[item.key] = _of(item, cache, token)
            except AudioError as error:
                problems.append(f"{item.key}: {error}")
    return found, tuple(problems)


def _of(item: Item, cache: Cache, token: Token) -> NDArray[np.float64]:
    path = Path(item.path)
    with naming_errors_of(path):
        stamp = FileStamp.of(path)
        content = cache.known_hash(stamp) or content_hash(path, token)
    cache.remember_hash(stamp, content)
    part = Part(f"{item.start_s:.6f}-{item.end_s:.6f}", item.start_s, item.end_s)
    known = cache.embedded(content, SPEC, part)
    if known is None:
        known = _heard(path, part, token)
        cache.remember_embedded(content, SPEC, part, known)
    return np.asarray(known.data[0], np.float64)


def _heard(path: Path, part: Part, token: Token) -> Embedded:
    """Of a stretch; raises AudioError where there is no sound."""
    stretch = cutter.Stretch(Cut("whole"), SPEC.grid, part.start_s, part.end_s)
    (windows,) = cutter.cut(path, [stretch], _RATE, token).chunks
    if not windows:
        raise AudioError(f"“{path}” holds no sound after {part.start_s:g} s.")
    window = windows[0]
    return Embedded(statistics(window.samples)[None].astype(np.float32), [(window.start_s, window.end_s)], np.array([window.loud]))
