"""The mel scale and mel spectra of audio that arrives in blocks: the front end of the picture.

It knows no file and no screen. The spectra equal librosa's (`melspectrogram` at its defaults: Slaney scale and
norm, Hann window, power, centred frames padded with zeros) without importing it. Only `MelStream` needs scipy.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from musicclass_gui.engine.windows import Audio

MEL_RATE = 22050
MEL_HOP = 512
MEL_BANDS = 128
MEL_FFT = 2048
FLOOR_DB = -100.0

_FRAMES_AT_ONCE = 64  # their spectra stay in the second-level cache
_LINEAR_HZ_PER_MEL = 200 / 3  # Slaney's Auditory Toolbox: linear below 1 kHz, logarithmic above
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27
_A4_HZ, _A4_MIDI = 440.0, 69
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def hz_to_mel(hz: float | NDArray[np.floating]) -> NDArray[np.float64]:
    """Frequency in Hz → Slaney mel."""
    hz = np.asarray(hz, np.float64)
    logarithmic = _LOG_FROM_MEL + np.log(np.maximum(hz, _LOG_FROM_HZ) / _LOG_FROM_HZ) / _LOG_STEP
    return np.where(hz < _LOG_FROM_HZ, hz / _LINEAR_HZ_PER_MEL, logarithmic)


def mel_to_hz(mel: float | NDArray[np.floating]) -> NDArray[np.float64]:
    """Slaney mel → frequency in Hz."""
    mel = np.asarray(mel, np.float64)
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _LOG_FROM_MEL) - _LOG_FROM_MEL))
    return np.where(mel < _LOG_FROM_MEL, mel * _LINEAR_HZ_PER_MEL, logarithmic)


def _mels_per_band() -> float:
    return float(hz_to_mel(MEL_RATE / 2)) / (MEL_BANDS + 1)


def mel_band_hz() -> NDArray[np.float64]:
    """Centre frequencies in Hz of the bands, `(128,)`, lowest first."""
    return mel_to_hz(np.arange(1, MEL_BANDS + 1) * _mels_per_band())


def height_to_hz(height: float) -> float:
    """The frequency at a height in the picture, where band b fills the heights b … b + 1."""
    return float(mel_to_hz((height + 0.5) * _mels_per_band()))


def hz_to_height(hz: float) -> float:
    """The height in the picture at which a frequency lies; the inverse of `height_to_hz`."""
    return float(hz_to_mel(hz)) / _mels_per_band() - 0.5


def hz_to_note(hz: float) -> str:
    """The nearest note of equal temperament at A4 = 440 Hz and the distance in cents: “A4 +12 ct”."""
    if hz <= 0:
        return ""
    semitones = 12 * np.log2(hz / _A4_HZ) + _A4_MIDI
    nearest = round(float(semitones))
    return f"{_NOTES[nearest % 12]}{nearest // 12 - 1} {round(100 * (semitones - nearest)):+d} ct".replace("-", "−")


def filters() -> NDArray[np.float32]:
    """Triangular filters of equal area, `(1025, 128)`: power spectrum @ filters = mel power."""
    edges = mel_to_hz(np.arange(MEL_BANDS + 2) * _mels_per_band())
    bins = np.fft.rfftfreq(MEL_FFT, 1 / MEL_RATE)[:, None]
    widths = np.diff(edges)
    rising = (bins - edges[:-2]) / widths[:-1]
    falling = (edges[2:] - bins) / widths[1:]
    return (np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


def hann() -> NDArray[np.float32]:
    """The periodic Hann window, `(2048,)`."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(MEL_FFT) / MEL_FFT)).astype(np.float32)


@cache
def full_scale() -> float:
    """The mel power that 0 dB stands for: a sine of amplitude 1 at 1 kHz, in the band where it is strongest."""
    tone = np.cos(2 * np.pi * 1000 / MEL_RATE * np.arange(MEL_FFT)) * hann()
    return float((np.abs(np.fft.rfft(tone)) ** 2 @ filters()).max())


class MelStream:
    """Turns mono float32 blocks at `MEL_RATE` into frames of mel power, `(frames, 128)`, holding under one frame.

    Frame i is centred on sample i × `MEL_HOP`; n samples give 1 + n // `MEL_HOP` frames.
    """

    def __init__(self) -> None:
        from scipy import fft

        self._rfft = fft.rfft
        self._window, self._filters = hann(), filters()
        self._held: Audio = np.zeros(MEL_FFT // 2, np.float32)

    def push(self, mono: Audio) -> NDArray[np.float32]:
        """The frames that `mono` completes."""
        samples = np.concatenate([self._held, mono])
        frames = max(0, (samples.size - MEL_FFT) // MEL_HOP + 1)
        self._held = samples[frames * MEL_HOP :].copy()
        if not frames:
            return np.empty((0, MEL_BANDS), np.float32)
        return np.concatenate(list(self._powers(samples, frames)))

    def finish(self) -> NDArray[np.float32]:
        """The last frames, which reach beyond the end."""
        return self.push(np.zeros(MEL_FFT // 2, np.float32))

    def _powers(self, samples: Audio, frames: int) -> Iterator[NDArray[np.float32]]:
        cut = np.lib.stride_tricks.sliding_window_view(samples, MEL_FFT)[::MEL_HOP]
        for first in range(0, frames, _FRAMES_AT_ONCE):
            spectrum = self._rfft(cut[first : first + _FRAMES_AT_ONCE] * self._window, overwrite_x=True)
            yield (spectrum.real**2 + spectrum.imag**2) @ self._filters


def to_levels(power: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mel power → 8 bit: 0 is `FLOOR_DB` or below, 255 is 0 dB re `full_scale` or above."""
    levels: NDArray[np.uint8] = np.rint((decibels(power) - FLOOR_DB) * np.float32(-255 / FLOOR_DB)).astype(np.uint8)
    return levels


def decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mel power → dB re `full_scale`, held within `FLOOR_DB` … 0."""
    relative = np.clip(power * np.float32(1 / full_scale()), np.float32(10 ** (FLOOR_DB / 10)), 1)
    levels: NDArray[np.float32] = np.log(relative) * np.float32(10 / np.log(10))
    return levels


def level_db(level: int) -> float:
    """The dB that an 8-bit level stands for."""
    return FLOOR_DB * (1 - level / 255)
