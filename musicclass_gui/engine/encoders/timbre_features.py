"""The features behind `timbre`: what is measured in each frame, and how a window's frames are summarised.

Everything comes from one short-time Fourier transform, and is computed for a batch of equally long windows at once.
Arrays are `(windows, frames, values)`. The tables here are the documentation: names, units, order and dimension all
derive from them. Nothing here knows of scaling, recordings or heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from musicclass_gui.engine.windows import Audio

Array = NDArray[np.float32]

SAMPLE_RATE = 22_050
N_FFT = 2048
HOP = 512
FRAMES_PER_S = SAMPLE_RATE / HOP

_MELS = 128
_MFCCS = 20
_DELTA_FRAMES = 9
_DYNAMIC_RANGE_DB = 80.0  # bands quieter than this below the window's loudest count as that quiet
_ROLLOFF = 0.85
_POWER_FLOOR = 1e-10
_CONTRAST_BANDS = 6  # octaves from 200 Hz up, and what lies below
_DCTS = 3


@dataclass(frozen=True)
class FrameFeature:
    """What is measured in each frame: `count` values of `unit`, and the summaries of them that a window keeps."""

    name: str
    count: int
    unit: str
    summaries: tuple[str, ...]


_ALL = ("mean", "log_std", "dct")

FRAME_FEATURES = (
    FrameFeature("mfcc", _MFCCS, "dB", _ALL),
    FrameFeature("mfcc_delta", _MFCCS, "dB/frame", ("log_std",)),
    FrameFeature("mfcc_delta2", _MFCCS, "dB/frame²", ("log_std",)),
    FrameFeature("centroid", 1, "kHz", _ALL),
    FrameFeature("bandwidth", 1, "kHz", _ALL),
    FrameFeature("rolloff", 1, "kHz", _ALL),
    FrameFeature("flatness", 1, "log10", _ALL),
    FrameFeature("contrast", _CONTRAST_BANDS + 1, "dB", _ALL),
    FrameFeature("zero_crossings", 1, "1/sample", _ALL),
    FrameFeature("rms", 1, "dB", _ALL),
    FrameFeature("chroma", 12, "of the strongest", _ALL),
    FrameFeature("onset", 1, "dB", _ALL),
)


@dataclass(frozen=True)
class Feature:
    """One dimension of a window's features."""

    name: str
    unit: str


def _summary_features(frame_feature: FrameFeature) -> list[Feature]:
    columns = [f"{frame_feature.name}_{i}" for i in range(frame_feature.count)] if frame_feature.count > 1 else [frame_feature.name]
    features = []
    for summary in frame_feature.summaries:
        kinds = [f"dct{k}" for k in range(1, _DCTS + 1)] if summary == "dct" else [summary]
        unit = f"ln({frame_feature.unit})" if summary == "log_std" else frame_feature.unit
        features += [Feature(f"{column} {kind}", unit) for kind in kinds for column in columns]
    return features


FEATURES = (*(feature for frame_feature in FRAME_FEATURES for feature in _summary_features(frame_feature)),)


def measure(windows: Audio) -> Array:
    """Mono windows `(n, samples ≥ 1)` at 22,050 Hz → `(n, len(FEATURES))`, in the units of `FEATURES`."""
    frames = frame_features(windows)
    summaries = [_summaries(frames[feature.name], feature.summaries) for feature in FRAME_FEATURES]
    return np.concatenate([summary for group in summaries for summary in group], axis=1)


def frame_features(windows: Audio) -> dict[str, Array]:
    """Each of `FRAME_FEATURES` by name: `(n, frames, count)`."""
    power = _power(windows)
    magnitude = np.sqrt(power)
    mel_db = _mel_db(power)
    mfcc = _mfcc(mel_db)
    return {
        "mfcc": mfcc,
        "mfcc_delta": _delta(mfcc, 1),
        "mfcc_delta2": _delta(mfcc, 2),
        **_spectral_shape(magnitude),
        "flatness": _flatness(power),
        "contrast": _contrast(magnitude),
        "zero_crossings": _zero_crossings(windows),
        "rms": _rms(windows),
        "chroma": _chroma(power),
        "onset": _onset(mel_db),
    }


def _frames(windows: Audio) -> Array:
    """Frames `(n, frames, 2048)`, each centred on a multiple of 512 samples, silence beyond the ends."""
    padded = np.pad(windows, ((0, 0), (N_FFT // 2, N_FFT // 2)))
    return np.lib.stride_tricks.sliding_window_view(padded, N_FFT, axis=1)[:, ::HOP]


def _power(windows: Audio) -> Array:
    from scipy.fft import rfft

    spectrum = rfft(_frames(windows) * _hann(), axis=2)
    return spectrum.real**2 + spectrum.imag**2


def _mel_db(power: Array) -> Array:
    mel_db = 10 * np.log10(np.maximum(power @ _mel_weights(), _POWER_FLOOR))
    return np.maximum(mel_db, mel_db.max(axis=(1, 2), keepdims=True) - _DYNAMIC_RANGE_DB)


def _mfcc(mel_db: Array) -> Array:
    from scipy.fft import dct

    coefficients: Array = dct(mel_db, axis=2, norm="ortho")[:, :, :_MFCCS]
    return coefficients


def _delta(values: Array, order: int) -> Array:
    from scipy.signal import savgol_filter

    slopes: Array = savgol_filter(values, _DELTA_FRAMES, polyorder=order, deriv=order, axis=1, mode="nearest")
    return slopes


def _spectral_shape(magnitude: Array) -> dict[str, Array]:
    """Centroid, bandwidth and roll-off; the first two from the spectrum's moments."""
    khz = _bin_khz()
    moments = magnitude @ np.stack([np.ones_like(khz), khz, khz * khz], axis=1)
    total = np.maximum(moments[:, :, :1], _POWER_FLOOR)
    centroid = moments[:, :, 1:2] / total
    bandwidth = np.sqrt(np.maximum(moments[:, :, 2:] / total - centroid**2, 0))
    cumulated = np.cumsum(magnitude, axis=2)
    rolloff = khz[np.count_nonzero(cumulated < _ROLLOFF * cumulated[:, :, -1:], axis=2)][:, :, None]
    return {"centroid": centroid, "bandwidth": bandwidth, "rolloff": rolloff}


def _flatness(power: Array) -> Array:
    floored = np.maximum(power, _POWER_FLOOR)
    return np.log10(floored).mean(axis=2, keepdims=True) - np.log10(floored.mean(axis=2, keepdims=True))


def _contrast(magnitude: Array) -> Array:
    from librosa.feature import spectral_contrast

    contrast: Array = spectral_contrast(S=magnitude.swapaxes(1, 2), sr=SAMPLE_RATE, n_bands=_CONTRAST_BANDS).swapaxes(1, 2)
    return contrast.astype(np.float32)


def _zero_crossings(windows: Audio) -> Array:
    negative = np.signbit(_frames(windows))
    return np.count_nonzero(negative[:, :, 1:] != negative[:, :, :-1], axis=2)[:, :, None].astype(np.float32) / N_FFT


def _rms(windows: Audio) -> Array:
    frames = _frames(windows)
    power = np.einsum("nfs,nfs->nf", frames, frames)[:, :, None] / N_FFT
    return 10 * np.log10(np.maximum(power, _POWER_FLOOR))


def _chroma(power: Array) -> Array:
    chroma = power @ _chroma_weights()
    return chroma / np.maximum(chroma.max(axis=2, keepdims=True), _POWER_FLOOR)


def _onset(mel_db: Array) -> Array:
    rise = np.maximum(np.diff(mel_db, axis=1, prepend=mel_db[:, :1]), 0)
    return rise.mean(axis=2, keepdims=True)


def _summaries(values: Array, wanted: tuple[str, ...]) -> list[Array]:
    summaries = {"mean": _mean, "log_std": _log_std, "dct": _low_dct}
    return [summaries[name](values) for name in wanted]


def _mean(values: Array) -> Array:
    return values.mean(axis=1)


def _log_std(values: Array) -> Array:
    return np.log(values.std(axis=1) + 1e-3)


def _low_dct(values: Array) -> Array:
    """The slowest movements over the window, `(n, 3 · count)`, scaled to be independent of its length."""
    from scipy.fft import dct

    count = values.shape[1]
    padded = np.pad(values, ((0, 0), (0, max(0, _DCTS + 1 - count)), (0, 0)), mode="edge")
    slow: Array = dct(padded, axis=1, norm="ortho")[:, 1 : _DCTS + 1] / np.sqrt(padded.shape[1])
    return slow.reshape(len(values), -1)


@lru_cache(maxsize=1)
def _hann() -> Array:
    from scipy.signal.windows import hann

    return hann(N_FFT, sym=False).astype(np.float32)


@lru_cache(maxsize=1)
def _bin_khz() -> Array:
    return (np.arange(N_FFT // 2 + 1) * (SAMPLE_RATE / N_FFT / 1000)).astype(np.float32)


@lru_cache(maxsize=1)
def _mel_weights() -> Array:
    from librosa.filters import mel

    return np.ascontiguousarray(mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=_MELS).T, np.float32)


@lru_cache(maxsize=1)
def _chroma_weights() -> Array:
    from librosa.filters import chroma

    return np.ascontiguousarray(chroma(sr=SAMPLE_RATE, n_fft=N_FFT, tuning=0.0).T, np.float32)
