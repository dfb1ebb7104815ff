"""What may happen to a sound on its way to a listener: rooms, equalisers, noise, codecs, level. Every change is drawn at random.

An encoder's training uses all of it: the net and those who teach it hear the same result, so no change can make a label wrong. The
shipped classifiers learn each recording as it may come to a user, too: `as_it_may_come`.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from musicclass_gui.engine.windows import Audio

    _Changes = tuple[tuple[Callable[[Audio, int, np.random.Generator], Audio], float], ...]


def distorted(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """`(n,)` samples → `(n,)`: each change comes with its own probability, in the order of a recording's life."""
    return _changed(samples, rate, chance, _CHANGES)


def as_it_may_come(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """`(n,)` samples → `(n,)`: quieter, through MP3, in a room, or none of it; what leaves the music as it was."""
    return _changed(samples, rate, chance, _USUAL)


def at_speed(samples: Audio, size: int, speed: float) -> Audio:
    """`round(size · speed)` samples or more, played at `speed` → `(size,)`: pitch and tempo go together."""
    places = np.arange(size) * speed
    return np.asarray(np.interp(places, np.arange(len(samples)), samples), np.float32)


def stretched(samples: Audio, size: int) -> Audio:
    """Samples → `(size,)` with the pitch as it was: a phase vocoder (librosa)."""
    from librosa.effects import time_stretch

    slow: Audio = time_stretch(samples, rate=len(samples) / size)
    return np.pad(slow, (0, max(0, size - len(slow))))[:size].astype(np.float32)


def echoed(samples: Audio, noise: NDArray[np.float64], share: float) -> Audio:
    """`(n,)` samples with an echo of `(m,)` noise that dies away by 60 dB, at `share` of their level → `(n,)`."""
    echo = noise * 10 ** (-3 * np.arange(len(noise)) / len(noise))
    size = len(samples) + len(noise)
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(echo, size), size)[: len(samples)]
    level = share * _power(samples) / max(1e-9, _power(wet))
    return np.asarray((samples + level * wet), np.float32)


def through_mp3(samples: Audio, rate: int, compression: float) -> Audio:
    """`(n,)` samples through MP3 and back → `(n,)`; `compression` from 0 to 1, the higher the worse."""
    import soundfile

    memory = io.BytesIO()
    loud = max(1.0, float(np.abs(samples).max()))
    soundfile.write(memory, samples / loud, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=compression)
    memory.seek(0)
    decoded = soundfile.read(memory, dtype="float32")[0][: len(samples)] * loud
    return np.pad(decoded, (0, len(samples) - len(decoded))).astype(np.float32)


def _equalised(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """A smooth curve through six random gains of up to 10 dB, sometimes cut off above or below."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    decibels = np.interp(np.log(hz + 1), np.log((60, 200, 600, 2000, 6000, 15000)), chance.uniform(-10, 10, 6))
    if chance.random() < 0.25:
        decibels = decibels - np.maximum(0, np.log2((hz + 1) / 10 ** chance.uniform(3.3, 4.1))) * chance.uniform(12, 48)
    if chance.random() < 0.15:
        decibels = decibels - np.maximum(0, np.log2(10 ** chance.uniform(1.8, 2.7) / (hz + 1))) * chance.uniform(6, 24)
    return np.fft.irfft(spectrum * 10 ** (decibels / 20), len(samples)).astype(np.float32)


def _in_a_room(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """With an echo of noise that dies away, 60 dB in 0.15 to 2.5 s."""
    length = min(len(samples), int(rate * 10 ** chance.uniform(-0.8, 0.4)))
    noise = chance.standard_normal(length)
    return echoed(samples, noise, chance.uniform(0.05, 0.7))


def _noisy(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """White, pink or brown noise, 3 to 45 dB below."""
    spectrum = np.fft.rfft(chance.standard_normal(len(samples)))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** chance.choice((0, 0.5, 1))
    noise = np.fft.irfft(spectrum, len(samples))
    return np.asarray((samples + noise * _power(samples) / max(1e-9, _power(noise)) * 10 ** (-chance.uniform(3, 45) / 20)), np.float32)


def _clipped(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """Driven into a soft or a hard limit."""
    driven = samples / max(1e-6, float(np.abs(samples).max())) * 10 ** chance.uniform(0.05, 1)
    return np.asarray((np.tanh(driven) if chance.random() < 0.5 else np.clip(driven, -1, 1)), np.float32)


def _coded(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """Through MP3 and back, at a low or middle quality."""
    return through_mp3(samples, rate, chance.uniform(0.3, 0.99))


def _levelled(samples: Audio, rate: int, chance: np.random.Generator) -> Audio:
    """With its loudest sample at −30 to 0 dB of full scale."""
    return (samples / max(1e-6, float(np.abs(samples).max())) * 10 ** (-chance.uniform(0, 1.5))).astype(np.float32)


_CHANGES: _Changes = ((_in_a_room, 0.15), (_equalised, 0.5), (_noisy, 0.2), (_clipped, 0.06), (_levelled, 0.5), (_coded, 0.08))
_USUAL: _Changes = ((_in_a_room, 0.2), (_levelled, 0.7), (_coded, 0.4))


def _changed(samples: Audio, rate: int, chance: np.random.Generator, changes: _Changes) -> Audio:
    for change, probability in changes:
        if chance.random() < probability:
            samples = change(samples, rate, chance)
    return samples.astype(np.float32, copy=False)


def _power(samples: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
