"""Frame features of classical music classification, through librosa: 85 numbers every 23 ms of a recording.

They are kept in the program's cache by the content of the file, so that every summary and classifier reads the same ones. It knows files,
and nothing of labels or splits.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.audio import content_hash
from musicclass_gui.engine.audio_paths import naming_errors_of
from musicclass_gui.engine.benchmark import cutter
from musicclass_gui.engine.benchmark.embedded import Cut, Part
from musicclass_gui.engine.cache import Cache, Embedded, FileStamp, Reading
from musicclass_gui.engine.encoders import EncoderSpec
from musicclass_gui.engine.errors import AudioError, BenchmarkError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio

    Frames = NDArray[np.float32]

RATE = 22_050
N_FFT, HOP = 2048, 512
MOST_MFCC = 20
_MOST_S = 3600.0
_SHORTEST = 9 * HOP
"""Samples that give the nine frames over which librosa takes differences."""
GROUPS = {"mfcc": MOST_MFCC, "deltas": 2 * MOST_MFCC, "chroma": 12, "level": 2, "shape": 4, "contrast": 7}
"""How many numbers of each kind a frame has, in order. "deltas" are first and second differences of the MFCC, "level" is RMS and zero
crossings, "shape" the spectrum's centroid, bandwidth, rolloff and flatness."""
ALL = "all"
KEYS = ("mfcc", ALL)
"""What is offered; any groups can be joined by "+"."""
DIM = sum(GROUPS.values())
_FIRST = dict(zip(GROUPS, accumulate(GROUPS.values(), initial=0), strict=False))
SPEC = EncoderSpec(
    id="classical-frames", version="1", title="Frame features", sample_rate=RATE, grid=Grid(30.0, 15.0), dim=DIM, licence="MIT"
)


def measure(samples: Audio) -> Frames:
    """Mono samples at 22,050 Hz → `(frames, 85)` in the order of `GROUPS`; what is shorter than nine frames is repeated."""
    import librosa

    sound = _long_enough(samples)
    magnitude = np.abs(librosa.stft(sound, n_fft=N_FFT, hop_length=HOP))
    power = magnitude**2
    mel = librosa.feature.melspectrogram(S=power, sr=RATE, n_fft=N_FFT)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel), sr=RATE, n_mfcc=MOST_MFCC)
    parts = (
        mfcc,
        librosa.feature.delta(mfcc),
        librosa.feature.delta(mfcc, order=2),
        librosa.feature.chroma_stft(S=power, sr=RATE, tuning=0.0),
        librosa.feature.rms(y=sound, frame_length=N_FFT, hop_length=HOP),
        librosa.feature.zero_crossing_rate(sound, frame_length=N_FFT, hop_length=HOP),
        librosa.feature.spectral_centroid(S=magnitude, sr=RATE),
        librosa.feature.spectral_bandwidth(S=magnitude, sr=RATE),
        librosa.feature.spectral_rolloff(S=magnitude, sr=RATE),
        librosa.feature.spectral_flatness(S=magnitude),
        librosa.feature.spectral_contrast(S=magnitude, sr=RATE),
    )
    return np.ascontiguousarray(np.concatenate(parts).T, np.float32)


def _long_enough(samples: Audio) -> Audio:
    missing = _SHORTEST - samples.size
    return np.pad(samples, (0, missing), mode="wrap") if missing > 0 else samples


def columns(key: str, mfcc: int) -> list[int]:
    """The places in a frame that a key joins, with so many MFCC and as many of their differences. Raises BenchmarkError."""
    groups = list(GROUPS) if key == ALL else key.split("+")
    if wrong := [name for name in groups if name not in GROUPS]:
        raise BenchmarkError(f"There are no features “{wrong[0]}”; known are {', '.join((ALL, *GROUPS))}, joined by “+”.")
    return [place for name in groups for place in _places(name, mfcc)]


def _places(name: str, mfcc: int) -> list[int]:
    first = _FIRST[name]
    if name == "mfcc":
        return list(range(first, first + mfcc))
    if name == "deltas":
        return [first + order * MOST_MFCC + number for order in range(2) for number in range(mfcc)]
    return list(range(first, first + GROUPS[name]))


def of(item: Item, cache: Cache, token: Token) -> Frames:
    """An item's frames `(frames, 85)`, from the cache where they are there. Raises AudioError, Cancelled."""
    content = _hash(item, cache, token)
    part = Part(f"{item.start_s:.6f}-{item.end_s:.6f}", item.start_s, item.end_s)
    known = cache.embedded(content, SPEC, part)
    if known is None or cache.reading(content) is None:
        heard, reading = samples(item, RATE, token)
        known = _spanned(measure(heard), item.start_s)
        cache.remember_reading(content, reading)
        cache.remember_embedded(content, SPEC, part, known)
    return known.data


def damage(item: Item, cache: Cache, token: Token) -> str:
    """What was wrong with a recording whose frames are there, "" for nothing. Raises AudioError, Cancelled."""
    reading = cache.reading(_hash(item, cache, token))
    return " ".join(reading.notices) if reading else ""


def _hash(item: Item, cache: Cache, token: Token) -> str:
    path = Path(item.path)
    with naming_errors_of(path):
        stamp = FileStamp.of(path)
        content = cache.known_hash(stamp) or content_hash(path, token)
    cache.remember_hash(stamp, content)
    return content


def samples(item: Item, rate: int, token: Token) -> tuple[Audio, Reading]:
    """An item's first hour, mono at `rate` Hz, and what was wrong with its file. Raises AudioError where it holds no sound, Cancelled."""
    stretch = cutter.Stretch(Cut("whole"), Grid(_MOST_S, _MOST_S), item.start_s, item.end_s)
    cuts = cutter.cut(Path(item.path), [stretch], rate, token)
    (windows,) = cuts.chunks
    if not windows:
        raise AudioError(f"“{item.path}” holds no sound after {item.start_s:g} s.")
    return windows[0].samples, Reading(cuts.duration_s, list(cuts.notices))


def _spanned(frames: Frames, start_s: float) -> Embedded:
    """Frames with their times, as the cache keeps them."""
    step = HOP / RATE
    spans = [(start_s + number * step, start_s + (number + 1) * step) for number in range(len(frames))]
    return Embedded(frames, spans, np.ones(len(frames), np.bool_))
