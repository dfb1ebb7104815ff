"""What is heard, sample by sample, without any device."""

from __future__ import annotations

import threading
import time
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musicclass_gui.app import reel as module
from musicclass_gui.app.deck import Order, _sound
from musicclass_gui.app.reel import Reel, stereo, tape
from musicclass_gui.engine.audio import Recording, probe, read_window

if TYPE_CHECKING:
    from pathlib import Path

RATE = 8000
FRAMES = 24_001


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A recording in which every frame says which it is: frame n is n / 65536 left and its negative right."""
    path = tmp_path_factory.mktemp("reel") / "numbered.wav"
    left = np.arange(FRAMES, dtype=np.float32) / 65536
    soundfile.write(path, np.stack([left, -left], axis=1), RATE, subtype="FLOAT")
    return probe(path)


def frames_of(sound: np.ndarray) -> list[int]:
    assert np.array_equal(sound[:, 0], -sound[:, 1])
    frames: list[int] = np.rint(sound[:, 0] * 65536).astype(int).tolist()
    return frames


def taken(recording: Recording, start_s: float, loop: tuple[float, float] | None, count: int) -> list[int]:
    frames: list[int] = []
    for piece in tape(recording, start_s, loop):
        frames += frames_of(piece.sound)
        if len(frames) >= count:
            break
    return frames[:count]


@pytest.mark.parametrize("start", [0, 1, 4095, 4096, 4097, FRAMES - 1])
def test_tape_begins_at_the_very_frame(numbered: Recording, start: int) -> None:
    assert taken(numbered, start / RATE, None, FRAMES) == list(range(start, FRAMES))


def test_tape_says_where_each_piece_is(numbered: Recording) -> None:
    for piece in islice(tape(numbered, 0.5, (0.25, 1.0)), 30):
        assert frames_of(piece.sound)[0] == piece.frame


@pytest.mark.parametrize("keep", [True, False], ids=["kept in memory", "read anew"])
def test_loop_is_exact_and_without_a_gap(numbered: Recording, keep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not keep:
        monkeypatch.setattr(module, "_KEPT_FRAMES", 0)
    around = list(range(2003, 6789))
    expected = list(range(100, 6789)) + around * 3
    assert taken(numbered, 100 / RATE, (2003 / RATE, 6789 / RATE), len(expected)) == expected


def test_loop_to_beyond_the_end_wraps_at_the_end(numbered: Recording) -> None:
    expected = list(range(FRAMES - 10, FRAMES)) + list(range(FRAMES - 500, FRAMES)) * 2
    assert taken(numbered, (FRAMES - 10) / RATE, ((FRAMES - 500) / RATE, 99.0), len(expected)) == expected


def test_loop_before_the_start_is_not_met(numbered: Recording) -> None:
    assert taken(numbered, 2.0, (0.5, 1.0), FRAMES) == list(range(16000, FRAMES))


def test_loop_with_nothing_in_it_ends(numbered: Recording) -> None:
    assert list(tape(numbered, 10.0, (10.0, 20.0))) == []


def test_tiny_loops_are_made_bearable(numbered: Recording) -> None:
    assert taken(numbered, 0.5, (0.5, 0.5), 480) == list(range(4000, 4160)) * 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, FRAMES - 1), st.integers(0, FRAMES - 1), st.integers(200, 9000))
def test_any_loop_equals_the_same_frames_indexed(numbered: Recording, start: int, loop_start: int, length: int) -> None:
    end = loop_start + length
    first = list(range(start, min(end, FRAMES) if start < end else FRAMES))
    again = list(range(loop_start, min(end, FRAMES))) if start < end else []
    expected = (first + again * 3)[: len(first) + 2 * len(again)]
    assert taken(numbered, start / RATE, (loop_start / RATE, end / RATE), len(expected)) == expected


def test_channels_are_folded_to_two_and_none_is_lost() -> None:
    for channels in range(1, 11):
        for alone in range(channels):
            block = np.zeros((4, channels), np.float32)
            block[:, alone] = 1
            mixed = stereo(block)
            assert mixed.shape == (4, 2)
            assert mixed.dtype == np.float32
            assert mixed.max() > 0.05
        assert np.abs(stereo(np.ones((4, channels), np.float32))).max() <= 1.0001
    centre = np.zeros((1, 6), np.float32)
    centre[0, 2] = 1
    assert stereo(centre)[0, 0] == stereo(centre)[0, 1]


def loaded(recording: Recording, start_s: float, loop: tuple[float, float] | None = None, rate: int = RATE) -> tuple[Reel, Feeder]:
    turning = Reel()
    cue = turning.cue(start_s)
    turning.begin(cue, rate)
    turning.held = False
    return turning, Feeder(turning, Order(cue, recording, start_s, loop, ""), rate)


class Feeder:
    """Keeps a reel full, as the deck does, but when told to."""

    def __init__(self, turning: Reel, order: Order, rate: int) -> None:
        self.reel, self.order = turning, order
        self.sound = _sound(order, rate, turning)
        self.left: np.ndarray | None = None

    def feed(self) -> None:
        while True:
            if self.left is None or not len(self.left):
                self.left = next(self.sound, None)
            if self.left is None:
                self.reel.finish(self.order.cue)
                return
            self.left = self.left[self.reel.write(self.order.cue, self.left) :]
            if len(self.left):
                return


def pulled(turning: Reel, feeder: Feeder, count: int, block: int = 333, channels: int = 2) -> np.ndarray:
    out = np.full((count, channels), np.nan, np.float32)
    for start in range(0, count, block):
        feeder.feed()
        turning.fill(out[start : start + block], start / RATE)
    return out


def test_reel_hands_out_every_frame_once(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 1.0)
    assert frames_of(pulled(turning, feeder, 16_001)) == list(range(8000, FRAMES))
    assert turning.starved == 0
    assert not pulled(turning, feeder, 100).any()


def test_reel_plays_a_loop_exactly(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 1.5, (1.0, 1.6))
    expected = list(range(12_000, 12_800)) + list(range(8000, 12_800)) * 5
    assert frames_of(pulled(turning, feeder, len(expected))) == expected


def test_mono_devices_get_the_mean(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 0.0)
    assert not pulled(turning, feeder, 500, channels=1).any()


def test_position_is_what_is_heard_not_what_was_handed_out(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 1.0)
    feeder.feed()
    out = np.empty((800, 2), np.float32)
    turning.fill(out, heard_at_s=50.0)
    assert turning.position_s(49.9) == 1.0
    assert turning.position_s(50.0) == 1.0
    assert turning.position_s(50.05) == pytest.approx(1.05)
    assert turning.handed_s() == pytest.approx(1.1)
    turning.fill(out, heard_at_s=50.1)
    assert turning.position_s(50.15) == pytest.approx(1.15)
    assert turning.position_s(99.0) == pytest.approx(1.2)
    assert turning.position_s(50.0) == pytest.approx(1.2)


def test_position_goes_round_with_the_loop(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 1.5, (1.0, 1.6))
    positions = []
    for step in range(100):
        feeder.feed()
        turning.fill(np.empty((80, 2), np.float32), heard_at_s=step * 0.01)
        positions.append(turning.position_s(step * 0.01))
    expected = [1.5 + step * 0.01 if step < 10 else 1.0 + (step - 10) * 0.01 % 0.6 for step in range(100)]
    apart = np.abs(np.array(positions) - expected)
    assert np.minimum(apart, np.abs(apart - 0.6)).max() < 1e-9


def test_a_hold_is_silent_loses_nothing_and_keeps_the_position(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 0.0)
    first = pulled(turning, feeder, 1000)
    turning.held = True
    assert not pulled(turning, feeder, 700).any()
    assert turning.position_s(0.0) == turning.handed_s() == 0.125
    turning.held = False
    assert frames_of(np.concatenate([first, pulled(turning, feeder, 1000)])) == list(range(2000))


def test_late_sound_of_an_older_cue_is_refused(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 0.0)
    feeder.feed()
    turning.cue(2.0)
    assert turning.position_s(5.0) == 2.0
    assert turning.write(feeder.order.cue, np.ones((10, 2), np.float32)) == -1
    assert not turning.begin(feeder.order.cue, RATE)
    turning.finish(feeder.order.cue)
    assert not turning.over(99.0)
    out = np.ones((100, 2), np.float32)
    turning.fill(out, 5.0)
    assert not out.any()


def test_over_only_when_the_last_frame_was_heard(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, (FRAMES - 800) / RATE)
    feeder.feed()
    turning.fill(np.empty((900, 2), np.float32), heard_at_s=10.0)
    assert not turning.over(10.05)
    assert turning.over(10.1001)
    assert turning.position_s(10.2) == pytest.approx(FRAMES / RATE)


def test_running_dry_is_silence_and_counted_and_moves_nothing(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 0.0)
    out = np.ones((100, 2), np.float32)
    turning.fill(out, 0.0)
    assert not out.any()
    assert turning.starved == 100
    assert frames_of(pulled(turning, feeder, 200)) == list(range(200))


def test_loudness_is_reached_without_a_click_and_full_loudness_is_exact(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 1.0)
    turning.set_gain(0.0)
    faded = pulled(turning, feeder, 400, block=200)
    gains = faded[:200, 0] / (np.arange(8000, 8200) / 65536)
    assert gains[0] == pytest.approx(1.0)
    assert np.abs(np.diff(gains)).max() < 0.01
    assert not faded[200:].any()
    turning.set_gain(1.0)
    assert frames_of(pulled(turning, feeder, 800, block=400)[400:]) == list(range(8800, 9200))


@pytest.mark.parametrize("rate", [11_000, 6000])
def test_resampled_sound_keeps_time_and_position(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "tone.wav"
    time_s = np.arange(2 * RATE) / RATE
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time_s), RATE, subtype="FLOAT")
    turning, feeder = loaded(probe(path), 0.25, (0.5, 0.75), rate)
    seconds, out = 1.6, []
    for step in range(round(seconds * 100)):
        feeder.feed()
        out.append(np.empty((rate // 100, 2), np.float32))
        turning.fill(out[-1], step * 0.01)
    heard = np.concatenate(out)[:, 0]
    expected = 0.5 * np.sin(2 * np.pi * 440 * (0.25 + np.arange(len(heard)) / rate))  # 110 periods a round: a seamless loop
    assert np.abs(heard - expected)[rate // 20 :].max() < 2e-3
    assert turning.position_s((len(out) - 1) * 0.01) == pytest.approx(0.5 + (0.25 + seconds - 0.01 - 0.5) % 0.25, abs=1e-3)


def test_writer_and_reader_in_threads_of_their_own_lose_nothing(numbered: Recording) -> None:
    turning, feeder = loaded(numbered, 0.0)
    stop = threading.Event()

    def keep_full() -> None:
        while not stop.is_set():
            feeder.feed()
            time.sleep(0.0005)

    thread = threading.Thread(target=keep_full)
    thread.start()
    got: list[int] = []
    try:
        while len(got) < FRAMES:
            out = np.empty((37, 2), np.float32)
            before = turning.handed_s()
            turning.fill(out, 0.0)
            got += frames_of(out[: round((turning.handed_s() - before) * RATE)])
    finally:
        stop.set()
        thread.join()
    assert got == list(range(FRAMES))


@pytest.mark.parametrize("pattern", ["gtzan-mini/pop/*.flac", "instruments/**/*.mp3", "composers/audio/*.opus"])
def test_real_recordings_are_played_as_they_are_decoded(data_dir: Path, pattern: str) -> None:
    recording = probe(min(data_dir.glob(pattern)))
    rate = recording.sample_rate
    whole = stereo(read_window(recording, 0.0, 20.0))
    start, end = round(0.3 * rate), min(round(0.8 * rate), len(whole))
    expected = np.concatenate([whole[round(0.1 * rate) : end], *[whole[start:end]] * 3])
    sound: list[np.ndarray] = []
    for piece in tape(recording, 0.1, (start / rate, end / rate)):
        sound.append(piece.sound)
        if sum(map(len, sound)) >= len(expected):
            break
    assert np.array_equal(np.concatenate(sound)[: len(expected)], expected)
