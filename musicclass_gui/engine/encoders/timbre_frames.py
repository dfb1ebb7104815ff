"""What `timbre` measures in each frame of a window, all from one short-time Fourier transform.

Arrays are `(windows, frames, values)`, computed for a batch of equally long windows at once and independent of how loud
a window is as a whole. The definitions are librosa's, and tests hold every one against it; they are written out because
importing librosa costs half a second and 110 MB, some of its functions are slow, and others look at the loudest value
of the whole batch. Summaries over a window are made in `timbre_features`.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicclass_gui.engine import mel

Array = NDArray[np.floating[Any]]

SAMPLE_RATE = mel.MEL_RATE
N_FFT = mel.MEL_FFT
HOP = mel.MEL_HOP
FRAMES_PER_S = SAMPLE_RATE / HOP
MFCCS = 20
CONTRASTS = 7
"""Below 200 Hz, then octaves up to the Nyquist frequency."""

_DELTA_FRAMES = 9
_DYNAMIC_RANGE_DB = 80.0  # bands quieter than this below the window's loudest count as that quiet
_ROLLOFF = 0.85
_FLOOR = 1e-10  # of the power of the window's loudest bin
_CONTRAST_LOW_HZ = 200.0
_CONTRAST_QUANTILE = 0.02
_A0_HZ = 27.5
_OCTAVE_OFFSET_KHZ = 0.05  # keeps silence from being infinitely low


def measure(windows: Array) -> dict[str, Array]:
    """Windows `(n, samples ≥ 2048)` at 22,050 Hz → the frame features by name, `(n, frames, values)`.

    Frames lie wholly inside the window, so that its ends make no onsets.
    """
    frames = _frames(windows)
    power = _relative_power(frames)
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
        "zero_crossings": _octaves(_zero_crossings(frames) * SAMPLE_RATE / 2000),
        "rms": _rms_db(frames),
        "onset": _onset(mel_db),
        "chroma": _chroma(power),
    }


def _frames(windows: Array) -> Array:
    return np.lib.stride_tricks.sliding_window_view(windows, N_FFT, axis=1)[:, ::HOP]


def _relative_power(frames: Array) -> Array:
    """Power spectra `(n, frames, 1025)`, relative to the loudest bin of each window."""
    from scipy.fft import rfft

    spectrum = rfft(frames * _hann(), axis=2)
    power: Array = spectrum.real**2 + spectrum.imag**2
    power /= np.maximum(power.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    return power


def _mel_db(power: Array) -> Array:
    """Mel bands in dB below the window's loudest band, at most 80."""
    mel_db: Array = 10 * np.log10(np.maximum(power @ _mel_weights(), _FLOOR))
    mel_db -= mel_db.max(axis=(1, 2), keepdims=True)
    return np.maximum(mel_db, -_DYNAMIC_RANGE_DB)


def _mfcc(mel_db: Array) -> Array:
    from scipy.fft import dct

    coefficients: Array = dct(mel_db, axis=2, norm="ortho")[:, :, :MFCCS]
    return coefficients


def _delta(values: Array, order: int) -> Array:
    """The first or second derivative of a polynomial of that order, fitted to nine frames."""
    from scipy.ndimage import correlate1d

    reach = _DELTA_FRAMES // 2
    fit = np.linalg.pinv(np.vander(np.arange(-reach, reach + 1), order + 1, increasing=True))
    slopes: Array = correlate1d(values, fit[order] * order, axis=1, mode="nearest")
    return slopes


def _spectral_shape(magnitude: Array) -> dict[str, Array]:
    """Centroid and bandwidth from the spectrum's moments, roll-off from its running sum; in octaves re 1 kHz."""
    khz = _bin_khz()
    moments = magnitude @ np.stack([np.ones_like(khz), khz, khz * khz], axis=1)
    total = np.maximum(moments[:, :, :1], _FLOOR)
    centroid = moments[:, :, 1:2] / total
    bandwidth = np.sqrt(np.maximum(moments[:, :, 2:] / total - centroid**2, 0))
    running = np.cumsum(magnitude, axis=2)
    rolloff = khz[np.count_nonzero(running < _ROLLOFF * running[:, :, -1:], axis=2)][:, :, None]
    return {"centroid": _octaves(centroid), "bandwidth": _octaves(bandwidth), "rolloff": _octaves(rolloff)}


def _octaves(khz: Array) -> Array:
    octaves: Array = np.log2(khz + np.float32(_OCTAVE_OFFSET_KHZ))
    return octaves


def _flatness(power: Array) -> Array:
    """Geometric over arithmetic mean of the power spectrum, in bels (0 is noise, −10 a pure tone)."""
    floored = np.maximum(power, _FLOOR)
    flatness: Array = np.log10(floored).mean(axis=2, keepdims=True) - np.log10(floored.mean(axis=2, keepdims=True))
    return flatness


def _contrast(magnitude: Array) -> Array:
    """Peaks over valleys of each band in dB of magnitude: means of its loudest and quietest 2 % of bins."""
    peaks, valleys = zip(*(_extremes(magnitude[:, :, low:high], count) for low, high, count in _contrast_bands()), strict=True)
    floor = np.sqrt(_FLOOR)
    contrast: Array = 10 * np.log10(np.maximum(np.stack(peaks, axis=2), floor) / np.maximum(np.stack(valleys, axis=2), floor))
    return contrast


def _extremes(band: Array, count: int) -> tuple[Array, Array]:
    ordered = np.sort(band, axis=2)
    return ordered[:, :, -count:].mean(axis=2), ordered[:, :, :count].mean(axis=2)


@lru_cache(maxsize=1)
def _contrast_bands() -> list[tuple[int, int, int]]:
    """First bin, end, and how many bins are 2 %, as librosa cuts them: inner bands drop their last bin, but count it."""
    edges = [0.0, *(_CONTRAST_LOW_HZ * 2.0**k for k in range(CONTRASTS))]
    hz = np.arange(N_FFT // 2 + 1) * SAMPLE_RATE / N_FFT
    bands = []
    for k, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((hz >= low) & (hz <= high))
        first = int(inside[0]) - (1 if k else 0)
        last = N_FFT // 2 if k == CONTRASTS - 1 else int(inside[-1])
        count = last - first + 1
        end = last + 1 if k == CONTRASTS - 1 else last
        bands.append((first, end, max(1, int(np.rint(_CONTRAST_QUANTILE * count)))))
    return bands


def _zero_crossings(frames: Array) -> Array:
    """Sign changes per sample."""
    negative = np.signbit(frames)
    crossings: Array = np.count_nonzero(negative[:, :, 1:] != negative[:, :, :-1], axis=2).astype(np.float32)
    return crossings[:, :, None] / N_FFT


def _rms_db(frames: Array) -> Array:
    """Loudness in dB below the window's loudest frame, at most 80."""
    power = np.einsum("nfs,nfs->nf", frames, frames)[:, :, None]
    loudest = np.maximum(power.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    rms: Array = 10 * np.log10(np.maximum(power / loudest, 10 ** (-_DYNAMIC_RANGE_DB / 10)))
    return rms


def _onset(mel_db: Array) -> Array:
    """How much louder the mel bands became since the frame before, on average; dB."""
    rise = np.maximum(np.diff(mel_db, axis=1, prepend=mel_db[:, :1]), 0)
    onset: Array = rise.mean(axis=2, keepdims=True)
    return onset


def _chroma(power: Array) -> Array:
    """Strength of the 12 pitch classes from C, as a vector of length 1; their common background is mostly taken away."""
    strength = np.sqrt(power @ _chroma_weights())
    strength -= 0.9 * strength.min(axis=2, keepdims=True)
    chroma: Array = strength / np.maximum(np.linalg.norm(strength, axis=2, keepdims=True), _FLOOR)
    return chroma


@lru_cache(maxsize=1)
def _hann() -> Array:
    return mel.hann()


@lru_cache(maxsize=1)
def _mel_weights() -> Array:
    return mel.filters()


@lru_cache(maxsize=1)
def _bin_khz() -> Array:
    return np.asarray(np.arange(N_FFT // 2 + 1) * (SAMPLE_RATE / N_FFT / 1000), np.float32)


@lru_cache(maxsize=1)
def _chroma_weights() -> Array:
    """`(1025, 12)`: a bump around each pitch class, one semitone or one bin wide, weighing octaves around 880 Hz most."""
    hz = np.arange(1, N_FFT // 2 + 2) * SAMPLE_RATE / N_FFT
    pitch = 12 * np.log2(hz / _A0_HZ)
    pitch = np.concatenate([[pitch[0] - 18], pitch])  # the bin at 0 Hz counts as an octave and a half below the next
    width = np.maximum(np.diff(pitch), 1)[:, None]
    pitch = pitch[:-1, None]
    distance = (pitch - np.arange(-9, 3) + 6) % 12 - 6
    bumps = np.exp(-2 * (distance / width) ** 2)
    bumps *= np.exp(-0.5 * ((pitch / 12 - 5) / 2) ** 2) / np.linalg.norm(bumps, axis=1, keepdims=True)
    return np.asarray(bumps, np.float32)
