"""The features of `timbre`: how a window's frames are summarised, and the table of names and units that documents it.

`FEATURES` is the one source of names, units, order and dimension. What is measured in a frame is in `timbre_frames`;
scaling is in `timbre`. Nothing here depends on how loud a window is as a whole, nor on its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.encoders import timbre_frames as frames
from musicclass_gui.engine.encoders.timbre_frames import CONTRASTS, FRAMES_PER_S, MFCCS, Array

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.encoders import Embeddings

_SHORTEST = frames.SAMPLE_RATE // 2
_LOW_DCTS = slice(1, 4)
_LOG_OFFSET = 0.01  # in the feature's unit: what varies less than this does not vary
_STEP_FRAMES = 4  # 93 ms, about the shortest note
_CHANGE_FRAMES = 8
_PITCH_CLASSES = 12
_SLOWEST_BPM, _FASTEST_BPM, _USUAL_BPM = 30.0, 320.0, 120.0
_PEAK_OVER_MEAN_DB = 0.5


@dataclass(frozen=True)
class Feature:
    """One dimension: its name, the unit of its unscaled value, and how much it counts against others in a distance."""

    name: str
    unit: str
    weight: float


@dataclass(frozen=True)
class Summary:
    """How the frames of a window, `(n, frames, count)`, become one value each, `(n, count)`."""

    name: str
    unit: str
    weight: float
    of: Callable[[Array], Array]


@dataclass(frozen=True)
class FrameFeature:
    """A frame feature of `timbre_frames.measure` and the summaries that a window keeps of it."""

    name: str
    count: int
    unit: str
    summaries: tuple[Summary, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class WindowFeature:
    """`count` values measured on the window as a whole from one frame feature."""

    name: str
    count: int
    unit: str
    source: str
    of: Callable[[Array], Array]
    weight: float = 1.0


def measure(windows: Array) -> Embeddings:
    """Mono windows `(n, samples ≥ 1)` at 22,050 Hz → `(n, len(FEATURES))` in the units of `FEATURES`.

    What is shorter than half a second is repeated until it is that long.
    """
    measured = frames.measure(_long_enough(windows))
    summaries = [summary.of(measured[feature.name]) for feature in FRAME_FEATURES for summary in feature.summaries]
    wholes = [feature.of(measured[feature.source]) for feature in WINDOW_FEATURES]
    return np.concatenate([*summaries, *wholes], axis=1, dtype=np.float32)


def _long_enough(windows: Array) -> Array:
    missing = _SHORTEST - windows.shape[1]
    return np.pad(windows, ((0, 0), (0, missing)), mode="wrap") if missing > 0 else windows


def _mean(values: Array) -> Array:
    mean: Array = values.mean(axis=1)
    return mean


def _log_std(values: Array) -> Array:
    spread: Array = np.log(values.std(axis=1) + np.float32(_LOG_OFFSET))
    return spread


def _log_dct(values: Array) -> Array:
    """How much a feature drifts: log of the root mean square of its DCT coefficients 1–3 over time.

    Their signs are left out: a piece that grows brighter is as much of its kind as one that grows darker.
    """
    from scipy.fft import dct

    low: Array = dct(values, axis=1, norm="ortho")[:, _LOW_DCTS] / np.sqrt(values.shape[1])
    drift: Array = np.log(np.sqrt(np.square(low).sum(axis=1)) + np.float32(_LOG_OFFSET))
    return drift


def _pitch_circle(chroma: Array) -> Array:
    """Magnitudes 1–6 of the mean chroma's Fourier transform around the pitch classes: the scale, whatever the key."""
    mean = chroma.mean(axis=1)
    spectrum = np.abs(np.fft.rfft(mean, axis=1))
    circle: Array = spectrum[:, 1:] / np.maximum(spectrum[:, :1], np.float32(1e-6))
    return circle


def _pitch_rank(chroma: Array) -> Array:
    """The mean chroma from its weakest to its strongest pitch class: how many tones are in use, whichever they are."""
    rank: Array = np.sort(chroma.mean(axis=1), axis=1)
    return rank


def _pitch_steps(chroma: Array) -> Array:
    """How alike a frame and the one 93 ms later are when transposed by 0–11 semitones: intervals, whatever the key."""
    spectrum = np.fft.rfft(chroma, axis=2)
    crossed = (np.conj(spectrum[:, :-_STEP_FRAMES]) * spectrum[:, _STEP_FRAMES:]).mean(axis=1)
    steps: Array = np.fft.irfft(crossed, _PITCH_CLASSES, axis=1)
    return steps


def _pitch_change(chroma: Array) -> Array:
    """Log of how much the chroma turns within 186 ms (1 − cosine), on average."""
    cosine = np.einsum("nfp,nfp->nf", chroma[:, :-_CHANGE_FRAMES], chroma[:, _CHANGE_FRAMES:])
    change: Array = np.log(np.maximum(1 - cosine.mean(axis=1, keepdims=True), 0) + np.float32(1e-3))
    return change


def _pitch_entropy(chroma: Array) -> Array:
    """Entropy of the pitch classes in a frame, on average; 0 is one tone, 2.48 all alike."""
    shares = chroma / np.maximum(chroma.sum(axis=2, keepdims=True), np.float32(1e-6))
    entropy: Array = -(shares * np.log(shares + np.float32(1e-9))).sum(axis=2).mean(axis=1, keepdims=True)
    return entropy


def _tempo(onset: Array) -> Array:
    """Tempo as log2 of beats per minute, and how clearly it stands out: the onsets' autocorrelation there, at most 1.

    Autocorrelation times a log-normal prior, one octave wide around 120 beats per minute, as in `librosa.feature.tempo`.
    """
    correlation = _autocorrelation(onset[:, :, 0])
    lags = np.arange(1, correlation.shape[1])
    bpm = 60 * FRAMES_PER_S / lags
    prior = np.where((bpm >= _SLOWEST_BPM) & (bpm <= _FASTEST_BPM), np.exp(-0.5 * np.log2(bpm / _USUAL_BPM) ** 2), 0)
    best = np.argmax(correlation[:, 1:] * prior, axis=1)
    clarity = np.take_along_axis(correlation[:, 1:], best[:, None], axis=1)
    return np.concatenate([np.log2(bpm[best])[:, None], clarity], axis=1)


def _autocorrelation(values: Array) -> Array:
    """Over time, 1 at lag 0; long lags are made up for having fewer pairs."""
    count = values.shape[1]
    centred = values - values.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, 2 * count, axis=1)) ** 2
    products = np.fft.irfft(power, axis=1)[:, :count]
    pairs = np.maximum(count - np.arange(count), count / 4) / count
    correlation: Array = products / np.maximum(products[:, :1], 1e-6) / pairs
    return correlation


def _onset_rate(onset: Array) -> Array:
    """Peaks of the onset strength that stand out of its mean, per second."""
    strength = onset[:, :, 0]
    inner = strength[:, 1:-1]
    loud = inner > strength.mean(axis=1, keepdims=True) + _PEAK_OVER_MEAN_DB
    peaks = loud & (inner > strength[:, :-2]) & (inner >= strength[:, 2:])
    rate: Array = peaks.sum(axis=1, keepdims=True) * (FRAMES_PER_S / strength.shape[1])
    return rate


# The many measures of how much something fluctuates say nearly the same, so each counts less in a distance.
_MEAN = Summary("mean", "{}", 1.0, _mean)
_LOG_STD = Summary("log std", "ln({})", 0.7, _log_std)
_LOG_DCT = Summary("log dct 1–3", "ln({})", 0.7, _log_dct)
_ALL = (_MEAN, _LOG_STD, _LOG_DCT)

FRAME_FEATURES = (
    FrameFeature("mfcc", MFCCS, "dB", _ALL),
    FrameFeature("mfcc_delta", MFCCS, "dB/frame", (_LOG_STD,), weight=0.7),
    FrameFeature("mfcc_delta2", MFCCS, "dB/frame²", (_LOG_STD,), weight=0.7),
    FrameFeature("centroid", 1, "octaves re 1 kHz", _ALL),
    FrameFeature("bandwidth", 1, "octaves re 1 kHz", _ALL),
    FrameFeature("rolloff", 1, "octaves re 1 kHz", _ALL),
    FrameFeature("flatness", 1, "B", _ALL),
    FrameFeature("contrast", CONTRASTS, "dB", _ALL),
    FrameFeature("zero_crossings", 1, "octaves re 1 kHz", _ALL),
    FrameFeature("rms", 1, "dB re loudest frame", _ALL),
    FrameFeature("onset", 1, "dB", _ALL),
)
"""Slopes (deltas) have no mean worth keeping: over a window it is only the difference of its ends."""

WINDOW_FEATURES = (
    WindowFeature("pitch_circle", 6, "of the sum", "chroma", _pitch_circle),
    WindowFeature("pitch_rank", _PITCH_CLASSES, "of length 1", "chroma", _pitch_rank, weight=0.7),
    WindowFeature("pitch_step", _PITCH_CLASSES, "cosine", "chroma", _pitch_steps),
    WindowFeature("pitch_change", 1, "ln(1 − cosine)", "chroma", _pitch_change),
    WindowFeature("pitch_entropy", 1, "nat", "chroma", _pitch_entropy),
    WindowFeature("tempo", 2, "log2(beats/min), correlation", "onset", _tempo),
    WindowFeature("onset_rate", 1, "1/s", "onset", _onset_rate),
)
"""Chroma is kept only in forms that transposing does not change: a key is no genre and no composer."""


def _columns(name: str, count: int) -> list[str]:
    return [f"{name} {i}" for i in range(count)] if count > 1 else [name]


def _frame_columns(feature: FrameFeature) -> list[Feature]:
    return [
        Feature(f"{column} {summary.name}", summary.unit.format(feature.unit), feature.weight * summary.weight)
        for summary in feature.summaries
        for column in _columns(feature.name, feature.count)
    ]


FEATURES: tuple[Feature, ...] = (
    *(column for feature in FRAME_FEATURES for column in _frame_columns(feature)),
    *(Feature(column, feature.unit, feature.weight) for feature in WINDOW_FEATURES for column in _columns(feature.name, feature.count)),
)
"""Every dimension, in order."""
