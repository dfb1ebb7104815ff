"""What happens to a sound on its way to a listener keeps its length and is the same for the same chance."""

from __future__ import annotations

import numpy as np
import pytest

from musicclass_gui.engine import distortion

RATE = 22_050


def tone(seconds: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.05, 1.0, 5.0])
@pytest.mark.parametrize("seed", range(12))
def test_what_comes_is_as_long_finite_and_the_same_again(seconds: float, seed: int) -> None:
    found = distortion.as_it_may_come(tone(seconds), RATE, np.random.default_rng(seed))
    assert (found.shape, found.dtype) == (tone(seconds).shape, np.float32)
    assert np.isfinite(found).all()
    assert np.array_equal(found, distortion.as_it_may_come(tone(seconds), RATE, np.random.default_rng(seed)))


def test_all_of_it_comes_about_and_so_does_none() -> None:
    """Of 100 copies some are as they were, most are quieter, and some hold what was not there: a room's echo, or what MP3 leaves."""
    sound = np.concatenate([tone(0.5), np.zeros(RATE // 2, np.float32)])
    copies = [distortion.as_it_may_come(sound, RATE, np.random.default_rng(seed)) for seed in range(100)]
    assert 5 < sum(np.array_equal(copy, sound) for copy in copies) < 30
    assert sum(np.abs(copy).max() < 0.3 for copy in copies) > 30
    assert sum(np.abs(copy[-RATE // 3 :]).max() > 1e-4 for copy in copies) > 5


def test_the_pitch_stays() -> None:
    for seed in range(20):
        spectrum = np.abs(np.fft.rfft(distortion.as_it_may_come(tone(1.0), RATE, np.random.default_rng(seed))))
        assert spectrum.argmax() == pytest.approx(440, abs=1)
