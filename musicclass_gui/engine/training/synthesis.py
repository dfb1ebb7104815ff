"""Sounds that no recording has: random notes, chords and beats of random instruments. It widens what the net hears, and needs no data.

Nothing here is meant to please; each sound is a function of the random generator alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Sound = NDArray[np.float64]


def piece(size: int, rate: int, chance: np.random.Generator) -> Sound:
    """`(size,)` samples of one to four voices, at most 1 in absolute value."""
    voices = [_voice(size, rate, chance) * chance.uniform(0.3, 1.0) for _ in range(chance.integers(1, 5))]
    mixed = np.sum(voices, axis=0)
    return np.asarray(mixed / max(1e-9, float(np.abs(mixed).max())))


def _voice(size: int, rate: int, chance: np.random.Generator) -> Sound:
    makers: tuple[Callable[[int, int, np.random.Generator], Sound], ...] = (_melody, _melody, _melody, _beat, _drone, _glide)
    return makers[chance.integers(len(makers))](size, rate, chance)


def _melody(size: int, rate: int, chance: np.random.Generator) -> Sound:
    """Notes of one instrument in one scale, one after the other or together."""
    instrument, out = _Instrument(chance), np.zeros(size)
    scale = np.array((0, 2, 4, 5, 7, 9, 11) if chance.random() < 0.5 else (0, 2, 3, 5, 7, 8, 10))
    root, gap = chance.uniform(28, 72), chance.uniform(0.08, 1.2)
    start = -chance.uniform(0, gap)
    while start * rate < size:
        for _ in range(1 if chance.random() < 0.6 else chance.integers(2, 5)):
            pitch = root + 12 * chance.integers(0, 3) + chance.choice(scale)
            _add(out, instrument.note(440 * 2 ** ((pitch - 69) / 12), gap * chance.uniform(0.7, 2.5), rate, chance), int(start * rate))
        start += gap * chance.choice((0.5, 1, 1, 1, 2))
    return out


class _Instrument:
    """Partials, their decay, an envelope, vibrato and breath, drawn once for all notes."""

    def __init__(self, chance: np.random.Generator) -> None:
        count = int(chance.integers(1, 24))
        numbers = np.arange(1, count + 1)
        self.ratios = numbers * np.sqrt(1 + chance.choice((0, 0, 1e-4, 5e-3, 0.08)) * numbers**2)
        self.amplitudes = numbers ** -chance.uniform(0.3, 2.5) * chance.uniform(0.2, 1, count)
        if chance.random() < 0.3:
            self.amplitudes[1::2] *= 0.1
        self.decay = chance.choice((0.0, 0.5, 2.0, 6.0)) * chance.uniform(0.5, 1.5)
        self.bright_decay = chance.uniform(0, 1)
        self.attack = 10 ** chance.uniform(-3, -0.6)
        self.vibrato, self.speed = chance.choice((0, 0, 0.003, 0.01)), chance.uniform(3, 8)
        self.breath = chance.choice((0, 0, 0.01, 0.1))

    def note(self, hz: float, seconds: float, rate: int, chance: np.random.Generator) -> Sound:
        """A note of a pitch and length."""
        t = np.arange(int(seconds * rate)) / rate
        heard = self.ratios * hz < 0.45 * rate
        phase = 2 * np.pi * hz * (t - self.vibrato / (2 * np.pi * self.speed) * np.cos(2 * np.pi * self.speed * t))
        out = np.zeros(len(t))
        for number, (ratio, amplitude) in enumerate(zip(self.ratios[heard], self.amplitudes[heard], strict=True)):
            fading = np.exp(-self.decay * (1 + self.bright_decay * number) * t)
            out += amplitude * fading * np.sin(ratio * phase + chance.uniform(0, 2 * np.pi))
        out += self.breath * chance.standard_normal(len(t))
        return np.asarray(out * np.minimum(1, t / self.attack) * np.minimum(1, (seconds - t) / 0.02))


def _beat(size: int, rate: int, chance: np.random.Generator) -> Sound:
    """A bar of drums, repeated: low sweeps, noise bursts, clicks."""
    out, step = np.zeros(size), rate * 60 / chance.uniform(60, 190) / 4
    hits = [(_drum(rate, chance), chance.random(16) < chance.uniform(0.1, 0.6)) for _ in range(chance.integers(1, 4))]
    for number in range(int(size / step) + 1):
        for sound, pattern in hits:
            if pattern[number % 16]:
                _add(out, sound * chance.uniform(0.5, 1), int(number * step))
    return out


def _drum(rate: int, chance: np.random.Generator) -> Sound:
    t = np.arange(int(chance.uniform(0.03, 0.5) * rate)) / rate
    low, high = chance.uniform(40, 300), chance.uniform(0, 1500)
    tone = np.sin(2 * np.pi * (low * t + high * 0.02 * (1 - np.exp(-t / 0.02))))
    noise = _coloured(len(t), chance.uniform(-1, 1), chance)
    mix = chance.random()
    return np.asarray((mix * tone + (1 - mix) * noise) * np.exp(-t * chance.uniform(5, 60)))


def _drone(size: int, rate: int, chance: np.random.Generator) -> Sound:
    """Noise through a few resonances, slowly swelling."""
    spectrum = np.fft.rfft(_coloured(size, chance.uniform(-1, 1), chance))
    hz = np.fft.rfftfreq(size, 1 / rate)
    gains = np.zeros(len(hz))
    for centre in 10 ** chance.uniform(1.7, 4, chance.integers(1, 6)):
        gains += np.exp(-0.5 * ((hz - centre) / (centre * chance.uniform(0.005, 0.5))) ** 2)
    swell = 1 + chance.uniform(0, 0.9) * np.sin(2 * np.pi * (chance.uniform(0.1, 6) * np.arange(size) / rate + chance.random()))
    filtered = np.fft.irfft(spectrum * gains, size) * swell
    return np.asarray(filtered / max(1e-9, float(np.abs(filtered).max())))


def _glide(size: int, rate: int, chance: np.random.Generator) -> Sound:
    """A modulated tone that glides from one pitch to another."""
    t = np.arange(size) / size
    hz = 10 ** (chance.uniform(1.7, 3.7) * (1 - t) + chance.uniform(1.7, 3.7) * t)
    phase = 2 * np.pi * np.cumsum(hz) / rate
    return np.asarray(np.sin(phase + chance.uniform(0, 6) * np.sin(phase * chance.choice((0.5, 1, 1.41, 2, 3.5)))))


def _coloured(size: int, tilt: float, chance: np.random.Generator) -> Sound:
    """Noise whose amplitude goes with frequency to the power `tilt`."""
    spectrum = np.fft.rfft(chance.standard_normal(size))
    spectrum *= np.maximum(1, np.arange(len(spectrum))) ** tilt
    noise = np.fft.irfft(spectrum, size)
    return np.asarray(noise / max(1e-9, float(np.abs(noise).max())))


def _add(out: Sound, sound: Sound, start: int) -> None:
    first, last = max(0, start), min(len(out), start + len(sound))
    if first < last:
        out[first:last] += sound[first - start : last - start]
