"""The player with an output that plays into memory, in real time; files are read, resampled and counted as ever."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from musicclass_gui.app.player import Player
from musicclass_gui.app.speaker import SpeakerError, clock_s
from musicclass_gui.engine.audio import Recording, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.reel import Reel

RATE = 8000
FRAMES = 16_000
LATENCY_S = 0.04


class Memory:
    """An output as a device is one: it takes 10 ms at a time, and what it takes is heard 40 ms later."""

    def __init__(self, reel: Reel, gone: Callable[[], None]) -> None:
        self.reel, self.gone = reel, gone
        self.running = False
        self.names = ["Memory", "Other"]
        self.refuses: str = ""
        self.only_rate: int | None = None
        self.taken: list[np.ndarray] = []
        self.opened: list[tuple[str, int]] = []
        self.rate = 0
        self._thread: threading.Thread | None = None

    def devices(self) -> list[str]:
        if not self.names:
            raise SpeakerError("There is no audio device.")
        return self.names

    def open(self, device: str, rate: int) -> int:
        if self.refuses:
            raise SpeakerError(self.refuses)
        self.rate = self.only_rate or rate
        self.opened.append((device, self.rate))
        return self.rate

    def start(self) -> None:
        if not self.running:
            self.running = True
            self._thread = threading.Thread(target=self._play)
            self._thread.start()

    def stop(self) -> None:
        self.running = False
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def close(self) -> None:
        self.stop()

    def vanish(self) -> None:
        self.running = False
        self.gone()

    def _play(self) -> None:
        due = time.perf_counter()
        while self.running:
            out = np.full((self.rate // 100, 2), np.nan, np.float32)
            self.reel.fill(out, clock_s() + LATENCY_S)
            self.taken.append(out)
            due += 0.01
            time.sleep(max(0.0, due - time.perf_counter()))

    def heard(self) -> list[int]:
        """The numbers of the frames that were played, silence left out."""
        left = np.concatenate(self.taken)[:, 0] if self.taken else np.empty(0)
        return [number for number in np.rint(left * 65536).astype(int).tolist() if number]


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Frame n (from 1 on) has the value n / 65536."""
    path = tmp_path / "numbered.wav"
    soundfile.write(path, np.arange(1, FRAMES + 1, dtype=np.float32) / 65536, RATE, subtype="FLOAT")
    return probe(path)


@pytest.fixture
def pair(qapp: object) -> Iterator[tuple[Player, Memory]]:
    made: list[Memory] = []

    def make(reel: Reel, gone: Callable[[], None]) -> Memory:
        made.append(Memory(reel, gone))
        return made[0]

    player = Player(output=make)
    yield player, made[0]
    player.close()
    assert not made[0].running


def runs(numbers: list[int]) -> list[tuple[int, int]]:
    """First and last of each stretch of consecutive numbers."""
    breaks = [0, *(place for place in range(1, len(numbers)) if numbers[place] != numbers[place - 1] + 1), len(numbers)]
    return [(numbers[first], numbers[last - 1]) for first, last in itertools.pairwise(breaks) if last > first]


def test_plays_every_frame_to_the_end_and_says_so(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    positions: list[float] = []
    player.moved.connect(positions.append)
    player.set_recording(recording)
    player.seek(0.5)
    with qtbot.waitSignal(player.state_changed):
        player.play()
    assert player.playing
    qtbot.waitUntil(lambda: not player.playing, timeout=10_000)
    assert runs(memory.heard()) == [(4001, FRAMES)]
    assert player.position_s == pytest.approx(2.0)
    assert positions[1:] == sorted(positions[1:])
    assert len(positions) > 30
    assert player.problem == ""


def test_position_follows_what_is_heard(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: len(memory.taken) > 40, timeout=5000)
    for _ in range(20):
        before, position, after = len(memory.taken), player.position_s, len(memory.taken)
        silent = sum(not np.any(block) for block in memory.taken[:before])
        handed = [(count - silent) * 0.01 for count in (before, after + 1)]
        assert handed[0] - LATENCY_S - 0.03 <= position <= handed[1]
        qtbot.wait(7)


def test_pause_keeps_the_place_and_play_goes_on_at_the_very_frame(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.3, timeout=5000)
    player.pause()
    place = player.position_s
    count = len(memory.heard())
    qtbot.wait(60)
    assert not player.playing
    assert len(memory.heard()) == count == round(place * RATE)
    assert player.position_s == place
    player.toggle()
    qtbot.waitUntil(lambda: player.position_s > place + 0.2, timeout=5000)
    player.pause()
    assert len(runs(memory.heard())) == 1


def test_loop_is_heard_exactly(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.set_loop((0.5, 0.75))
    player.play()
    qtbot.waitUntil(lambda: len(memory.heard()) > 7000, timeout=5000)
    assert 0.5 <= player.position_s < 0.75
    player.pause()
    heard = runs(memory.heard())
    assert heard[:3] == [(4001, 6000)] * 3
    assert player.loop == (0.5, 0.75)
    player.set_loop(None)
    player.play()
    qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    assert runs(memory.heard())[-1][1] == FRAMES


def test_a_loop_set_while_playing_is_joined(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.1, timeout=5000)
    player.set_loop((1.5, 1.6))
    assert 1.5 <= player.position_s < 1.6
    qtbot.waitUntil(lambda: len(runs(memory.heard())) > 3, timeout=5000)
    assert runs(memory.heard())[1:3] == [(12_001, 12_800)] * 2
    player.set_loop((1.45, 1.75))
    qtbot.waitUntil(lambda: runs(memory.heard())[-1] == (11_601, 14_000), timeout=5000)


def test_seeking_while_playing_is_heard_within_100_ms(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.05, timeout=5000)
    waits = []
    for target in (1.5, 0.25, 1.0, 0.0):
        asked = time.perf_counter()
        player.seek(target)
        assert time.perf_counter() - asked < 0.05
        assert player.position_s == pytest.approx(target, abs=0.02)
        qtbot.waitUntil(lambda target=target: round(target * RATE) + 1 in memory.heard()[-400:], timeout=5000)
        waits.append(time.perf_counter() - asked)
        qtbot.wait(30)
    assert min(waits) < 0.1


def test_many_seeks_end_at_the_last(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.play()
    for step in range(300):
        player.seek(step % 20 / 20)
    player.seek(1.25)
    qtbot.waitUntil(lambda: player.position_s > 1.4, timeout=5000)
    player.pause()
    first, last = runs(memory.heard())[-1]
    assert first == 10_001
    assert last == round(player.position_s * RATE)


def test_play_at_the_end_starts_over(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.seek(99.0)
    player.play()
    qtbot.waitUntil(lambda: 0.05 < player.position_s < 1.0, timeout=5000)
    assert memory.heard()[0] == 1
    player.seek(1.9)
    qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    player.play()
    qtbot.waitUntil(lambda: 0.05 < player.position_s < 1.0, timeout=5000)


def test_volume_is_a_ramp_to_the_square(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_volume(0.5)
    assert player.volume == 0.5
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: len(memory.taken) > 15, timeout=5000)
    loud = np.concatenate([block for block in memory.taken if np.any(block)])[:, 0]
    assert loud[200:400] == pytest.approx(0.25 * np.arange(201, 401) / 65536, rel=1e-5)
    player.set_volume(7)
    assert player.volume == 1.0


def test_a_device_that_refuses_the_rate_gets_another(pair: tuple[Player, Memory], tmp_path: Path, qtbot: QtBot) -> None:
    player, memory = pair
    memory.only_rate = 12_000
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE), RATE, subtype="FLOAT")
    player.set_recording(probe(path))
    player.play()
    qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    heard = np.concatenate(memory.taken)[:, 0]
    heard = heard[np.flatnonzero(heard)[0] :]
    spectrum = np.abs(np.fft.rfft(heard[:12_000]))
    assert spectrum.argmax() == 440
    assert player.position_s == pytest.approx(1.0, abs=0.002)


def test_without_a_device_all_else_works(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    memory.names, memory.refuses = [], "There is no audio device."
    with qtbot.waitSignal(player.state_changed):
        player.set_recording(recording)
    assert player.problem == "There is no audio device."
    for _ in range(2):
        player.play()
        qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    player.seek(1.0)
    player.set_loop((0.2, 0.4))
    player.set_volume(0.3)
    assert player.position_s == 1.0
    assert player.devices() == []
    memory.names, memory.refuses = ["Memory"], ""
    player.play()
    qtbot.waitUntil(lambda: player.playing and 0.2 < player.position_s < 0.4, timeout=5000)
    assert player.problem == ""


def test_devices_are_listed_and_chosen(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    qtbot.waitUntil(lambda: player.devices() == ["Memory", "Other"], timeout=5000)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.1, timeout=5000)
    player.set_device("Other")
    qtbot.waitUntil(lambda: player.position_s > 0.3, timeout=5000)
    assert memory.opened == [("", RATE), ("Other", RATE)]
    assert len(runs(memory.heard())) == 1


def test_a_device_that_vanishes_is_told_and_playing_can_go_on(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.1, timeout=5000)
    with qtbot.waitSignal(player.state_changed):
        memory.vanish()
    qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    assert "stopped while playing" in player.problem
    place = player.position_s
    player.play()
    qtbot.waitUntil(lambda: player.position_s > place + 0.1, timeout=5000)
    assert player.problem == ""


def test_a_file_that_vanishes_is_told(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, _memory = pair
    recording.path.unlink()
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: not player.playing and bool(player.problem), timeout=5000)
    assert "numbered.wav" in player.problem


def test_a_fault_in_the_program_is_told_reported_and_survived(
    pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    player, memory = pair
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda facts: reported.append(facts.exc_type))
    monkeypatch.setattr(memory, "open", lambda device, rate: 1 // 0)
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    assert "fault in the program" in player.problem
    assert reported == [ZeroDivisionError]
    monkeypatch.undo()
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.1, timeout=5000)


def test_another_recording_stops_the_first(pair: tuple[Player, Memory], recording: Recording, tmp_path: Path, qtbot: QtBot) -> None:
    player, memory = pair
    other = tmp_path / "other.wav"
    soundfile.write(other, np.full(RATE, 0.5, np.float32), RATE, subtype="FLOAT")
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.1, timeout=5000)
    player.set_recording(probe(recording.path))
    assert player.playing
    player.set_recording(probe(other))
    assert not player.playing
    assert player.position_s == 0.0
    memory.taken.clear()
    player.play()
    qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    assert set(memory.heard()) == {32_768}
    player.set_recording(None)
    player.play()
    player.seek(1.0)
    assert not player.playing


def test_the_device_is_given_back_a_while_after_a_pause(
    pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from musicclass_gui.app import deck

    monkeypatch.setattr(deck, "_REST_S", 0.1)
    player, memory = pair
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.1, timeout=5000)
    player.pause()
    assert memory.running
    qtbot.waitUntil(lambda: not memory.running, timeout=5000)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.4, timeout=5000)
    player.pause()
    assert len(runs(memory.heard())) == 1


def test_closing_is_quick_and_final(pair: tuple[Player, Memory], recording: Recording, qtbot: QtBot) -> None:
    player, memory = pair
    player.set_recording(recording)
    player.play()
    qtbot.waitUntil(lambda: player.position_s > 0.1, timeout=5000)
    start = time.perf_counter()
    player.close()
    assert time.perf_counter() - start < 0.5
    assert not memory.running
    player.play()
    assert not player.playing


def test_importing_the_player_loads_no_audio_library() -> None:
    import subprocess
    import sys

    heavy = ["sounddevice", "soundfile", "av", "soxr", "torch"]
    script = f"import sys, musicclass_gui.app.player; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"
