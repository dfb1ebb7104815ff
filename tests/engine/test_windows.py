"""Windows: the same ones however the audio arrives, none lost, none beyond the end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicclass_gui.engine.windows import Grid, Window

RATE = 100


def cut(samples: np.ndarray, grid: Grid, sizes: list[int]) -> list[Window]:
    stream, found, at = grid.stream(RATE), [], 0
    for size in [*sizes, samples.size]:
        found += list(stream.push(samples[at : at + size]))
        at += size
    return [*found, *stream.finish()]


@given(n=st.integers(0, 3000), sizes=st.lists(st.integers(1, 400), max_size=20), window=st.integers(1, 8), hop=st.integers(1, 8))
def test_blocks_of_any_size_give_the_same_windows(n: int, sizes: list[int], window: int, hop: int) -> None:
    grid = Grid(float(max(window, hop)), float(min(window, hop)))
    samples = np.arange(n, dtype=np.float32)
    whole, pieces = cut(samples, grid, []), cut(samples, grid, sizes)
    assert [(w.start_s, w.end_s) for w in whole] == [(w.start_s, w.end_s) for w in pieces]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(whole, pieces, strict=True))


@given(n=st.integers(1, 3000))
def test_every_sample_but_a_short_tail_is_in_a_window_of_the_right_samples(n: int) -> None:
    windows = cut(np.arange(n, dtype=np.float32), Grid(4.0, 2.0), [])
    seen = np.zeros(n, bool)
    for window in windows:
        start = round(window.start_s * RATE)
        assert np.array_equal(window.samples, np.arange(start, start + window.samples.size))
        seen[start : start + window.samples.size] = True
    assert n - seen.sum() < 0.25 * RATE
    assert seen[: max(1, n - 25)].all()


def test_a_recording_of_one_sample_is_one_window() -> None:
    (window,) = cut(np.ones(1, np.float32), Grid(10.0, 5.0), [])
    assert (window.start_s, window.end_s) == (0.0, 1 / RATE)


def test_no_audio_gives_no_window() -> None:
    assert cut(np.empty(0, np.float32), Grid(10.0, 5.0), []) == []


@pytest.mark.parametrize(("window", "hop"), [(5.0, 0.0), (5.0, 6.0), (0.0, 0.0), (5.0, -1.0)])
def test_a_grid_that_leaves_gaps_or_stands_still_is_refused(window: float, hop: float) -> None:
    with pytest.raises(ValueError, match="hop"):
        Grid(window, hop)


def test_windows_start_exactly_a_hop_apart_and_the_tail_ends_with_the_recording() -> None:
    spans = [(window.start_s, window.end_s) for window in cut(np.zeros(1150, np.float32), Grid(4.0, 2.0), [333])]
    assert spans == [(0.0, 4.0), (2.0, 6.0), (4.0, 8.0), (6.0, 10.0), (7.5, 11.5)]
