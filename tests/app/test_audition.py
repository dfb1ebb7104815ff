"""Sounds that are not the open recording: one at a time, and never together with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from musicclass_gui.app.audition import Audition
from musicclass_gui.app.player import Player
from musicclass_gui.engine.audio import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.reel import Reel

RATE = 22050


class Silent:
    """An output that takes sound as a device does, in time, and plays it nowhere."""

    def __init__(self, reel: Reel, gone: Callable[[], None]) -> None:
        self._reel = reel
        self.running = False

    def devices(self) -> list[str]:
        return []

    def open(self, device: str, rate: int) -> int:
        return rate

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        self.running = False


def player() -> Player:
    return Player(output=Silent)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(4 * RATE), RATE)
    return path


@pytest.fixture
def main(qtbot: QtBot) -> Iterator[Player]:
    main = player()
    yield main
    main.close()


@pytest.fixture
def audition(main: Player) -> Iterator[Audition]:
    audition = Audition(main, make=player)
    yield audition
    audition.close()


def playing(audition: Audition) -> bool:
    return audition._player is not None and audition._player.playing


def test_a_span_is_played_from_its_start_to_its_end(audition: Audition, sound: Path, qtbot: QtBot) -> None:
    audition.hear(str(sound), 1.0, 2.0)
    assert audition.path == str(sound)
    qtbot.waitUntil(lambda: playing(audition))
    assert audition._player is not None
    assert audition._player.position_s >= 1.0
    audition._player.moved.emit(1.9)
    assert playing(audition)
    audition._player.moved.emit(2.0)
    assert not playing(audition)
    assert audition.now is None


def test_the_same_again_is_silence_and_another_goes_on(audition: Audition, sound: Path, qtbot: QtBot) -> None:
    audition.hear(str(sound))
    qtbot.waitUntil(lambda: playing(audition))
    audition.hear(str(sound), 2.0, 3.0)
    qtbot.waitUntil(lambda: playing(audition) and audition.now == (str(sound), 2.0, 3.0))
    audition.hear(str(sound), 2.0, 3.0)
    assert not playing(audition)
    assert audition.path == ""


def test_it_and_the_open_recording_are_never_heard_together(audition: Audition, main: Player, sound: Path, qtbot: QtBot) -> None:
    main.set_recording(probe(sound))
    main.play()
    audition.hear(str(sound))
    assert not main.playing
    qtbot.waitUntil(lambda: playing(audition))
    main.play()
    assert not playing(audition)
    assert audition.now is None


def test_what_cannot_be_read_is_said(audition: Audition, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "b.wav"
    path.write_text("no sound")
    with qtbot.waitSignal(audition.failed) as signal:
        audition.hear(str(path))
    assert signal.args[0]
    assert audition.now is None
