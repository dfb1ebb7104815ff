"""Changes to training sound that leave its label true, through torchaudio; which those are depends on the task.

A piece that is played higher is of the same genre, but sung by another voice, and in another key. It knows samples and tasks, no nets.
Imports torch, so only modules that are loaded late import it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from torchaudio import functional

from musicclass_gui.engine.benchmark.classical.options import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from torch import Tensor

_GAIN_DB, _NOISE_DB, _EQ_DB, _SEMITONES = 6.0, (15.0, 40.0), 6.0, 2.0
_RATES = (0.87, 1.15)
_N_FFT, _HOP = 1024, 256
_SHARE = 0.5
"""How often each is done."""


def stretched(samples: Tensor, rate: float) -> Tensor:
    """`(n,)` played `rate` times as fast at the same pitch (phase vocoder)."""
    window = torch.hann_window(_N_FFT)
    spectrum = torch.stft(samples, _N_FFT, _HOP, window=window, return_complex=True)
    advance = torch.linspace(0, torch.pi * _HOP, spectrum.shape[-2])[:, None]
    changed = functional.phase_vocoder(spectrum, rate, advance)
    return torch.istft(changed, _N_FFT, _HOP, window=window, length=round(len(samples) / rate))


def shifted(samples: Tensor, semitones: float) -> Tensor:
    """`(n,)` at another pitch, as long as before: stretched, then resampled by a near fraction (within a cent)."""
    ratio = Fraction(2 ** (semitones / 12)).limit_denominator(60)
    slower = stretched(samples, float(1 / ratio))
    return _fitted(functional.resample(slower, ratio.numerator, ratio.denominator), len(samples))


def _fitted(samples: Tensor, size: int) -> Tensor:
    return torch.nn.functional.pad(samples, (0, max(0, size - len(samples))))[:size]


def _pitch(samples: Tensor, rate: int, random: Generator) -> Tensor:
    return shifted(samples, random.uniform(-_SEMITONES, _SEMITONES))


def _time(samples: Tensor, rate: int, random: Generator) -> Tensor:
    """Faster or slower; repeated where it is too short then, cut where too long."""
    found = stretched(samples, random.uniform(*_RATES))
    times = -(-len(samples) // len(found))
    return found.repeat(times)[: len(samples)]


def _eq(samples: Tensor, rate: int, random: Generator) -> Tensor:
    centre = 100.0 * (rate / 3 / 100.0) ** random.random()
    found: Tensor = functional.equalizer_biquad(samples, rate, centre, random.uniform(-_EQ_DB, _EQ_DB), 1.0)
    return found


def _noise(samples: Tensor, rate: int, random: Generator) -> Tensor:
    noise = torch.from_numpy(random.standard_normal(len(samples)).astype("float32"))
    level = samples.square().mean().sqrt() * 10 ** (-random.uniform(*_NOISE_DB) / 20)
    return samples + level * noise


def _gain(samples: Tensor, rate: int, random: Generator) -> Tensor:
    return samples * float(10 ** (random.uniform(-_GAIN_DB, _GAIN_DB) / 20))


CHANGES: dict[str, Callable[[Tensor, int, Generator], Tensor]] = {
    "pitch": _pitch,
    "time": _time,
    "eq": _eq,
    "noise": _noise,
    "gain": _gain,
}


def allowed(task: str) -> tuple[str, ...]:
    """What leaves the labels of a task true: pitch and time not for key, tempo, singer and composer, nor for what is not known."""
    return tuple(name for name in CHANGES if name not in TASKS[task])


def changed(samples: Tensor, rate: int, task: str, random: Generator) -> Tensor:
    """`(n,)` with each change that a task allows done half of the time, in a fixed order; as long as before."""
    for name in allowed(task):
        if random.random() < _SHARE:
            samples = CHANGES[name](samples, rate, random)
    return samples
