"""Hearing a sound that is not the open recording: an example, a file of the preview, a point on the map. One at a time.

It has a player of its own, so that the open recording stays where it is; when either begins, the other one pauses.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app.jobs import Lane, said
from musicclass_gui.app.player import Player

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.audio import Recording
    from musicclass_gui.engine.task import Token

Sound = tuple[str, float, float | None]
"""A path, a start in seconds, and an end (None: the recording's)."""


class Audition(QObject):
    """`now` is what is heard, or about to be, or None; `changed` tells when it is another. `failed` carries why nothing can be heard."""

    changed = Signal()
    failed = Signal(str)

    def __init__(self, main: Player, parent: QObject | None = None, *, make: Callable[[], Player] = Player) -> None:
        super().__init__(parent)
        self.now: Sound | None = None
        self._main, self._make = main, make
        self._player: Player | None = None
        self._lane = Lane("latest", name="audition")
        self._device = ""
        main.state_changed.connect(self._give_way)

    @property
    def path(self) -> str:
        """The path of what is heard, or empty."""
        return self.now[0] if self.now is not None else ""

    @property
    def lane(self) -> Lane:
        """The lane that opens files."""
        return self._lane

    def hear(self, path: str, start_s: float = 0.0, end_s: float | None = None) -> None:
        """Play a recording or a span of it; asked for the same again while it is heard, be silent."""
        sound = (path, start_s, end_s)
        again = sound == self.now
        self.stop()
        if not again:
            self._main.pause()
            self._tell(sound)
            self._lane.submit(partial(_probe, Path(path)), done=partial(self._play, sound), failed=partial(self._broke, sound))

    def stop(self) -> None:
        """Be silent."""
        self._lane.cancel()
        if self._player is not None:
            self._player.pause()
        if self.now is not None:
            self._tell(None)

    def set_output(self, volume: float, device: str) -> None:
        """As loud as the main player, through the same device."""
        self._device = device
        if self._player is not None:
            self._player.set_volume(volume)
            self._player.set_device(device)

    def close(self, timeout_s: float = 0.2) -> None:
        """End it for good."""
        self.stop()
        self._lane.shutdown(timeout_s)
        if self._player is not None:
            self._player.close(timeout_s)

    def _play(self, sound: Sound, recording: Recording) -> None:
        player = self._own_player()
        player.set_recording(recording)
        player.seek(sound[1])
        player.play()

    def _own_player(self) -> Player:
        """The player, made when something is heard for the first time."""
        if self._player is None:
            self._player = self._make()
            self._player.set_volume(self._main.volume)
            self._player.set_device(self._device)
            self._player.moved.connect(self._moved)
            self._player.state_changed.connect(self._state_changed)
        return self._player

    def _moved(self, position_s: float) -> None:
        if self.now is not None and self.now[2] is not None and position_s >= self.now[2]:
            self.stop()

    def _state_changed(self) -> None:
        player = self._player
        if player is None or self.now is None or player.playing or self._lane.busy:
            return
        if player.problem:
            self.failed.emit(player.problem)
        self._tell(None)

    def _give_way(self) -> None:
        if self._main.playing:
            self.stop()

    def _broke(self, sound: Sound, error: Exception) -> None:
        if sound == self.now:
            self._tell(None)
        self.failed.emit(said(error))

    def _tell(self, sound: Sound | None) -> None:
        self.now = sound
        self.changed.emit()


def _probe(path: Path, token: Token) -> Recording:
    from musicclass_gui.engine.audio import probe

    return probe(path)
