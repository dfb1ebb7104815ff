"""Playing the open recording: play, pause, seek, loop, loudness and device, as the window sees them.

The deck's thread does all that can take long; here is only what is wanted, and the clock that the window shows.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from musicclass_gui.app import jobs
from musicclass_gui.app.deck import Deck, Order
from musicclass_gui.app.reel import Reel
from musicclass_gui.app.speaker import Speaker, clock_s

if TYPE_CHECKING:
    from musicclass_gui.app.deck import OutputMaker
    from musicclass_gui.engine.audio import Recording
    from musicclass_gui.engine.windows import Span

_TICK_MS = 16
_LOOK_AGAIN_S = 2.0


class Player(QObject):
    """Plays a recording. `moved` carries the position in seconds; `state_changed` is for all else that is new.

    `problem` is a sentence about why nothing can be heard, or "". With a problem, everything but sound works.
    """

    moved = Signal(float)
    state_changed = Signal()

    def __init__(self, parent: QObject | None = None, *, output: OutputMaker = Speaker) -> None:
        super().__init__(parent)
        jobs.prepare()
        self.problem = ""
        self._recording: Recording | None = None
        self._loop: Span | None = None
        self._device = ""
        self._devices: list[str] = []
        self._volume = 1.0
        self._playing = False
        self._closed = False
        self._just_started = False
        self._ordered_cue = 0
        self._looked_at = -math.inf
        self._reel = Reel()
        self._deck = Deck(self._reel, lambda: jobs.on_main(self._hear_news), output)
        self._timer = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def playing(self) -> bool:
        """Whether it plays, or is about to."""
        return self._playing

    @property
    def position_s(self) -> float:
        """The moment of the recording that is heard now: frames handed to the device minus its latency."""
        return self._reel.position_s(clock_s())

    @property
    def volume(self) -> float:
        """Loudness, 0 to 1."""
        return self._volume

    @property
    def loop(self) -> Span | None:
        """The span that is played again and again, if there is one."""
        return self._loop

    def set_recording(self, recording: Recording | None) -> None:
        """Stop, and be at the start of another recording; nothing happens when it is the same."""
        if recording == self._recording:
            return
        self.pause()
        self._recording, self._loop = recording, None
        self._cue(0.0)
        if self._looked_at == -math.inf:
            self._look()

    def play(self) -> None:
        """Play from where it is; from the start when it is at the end, from the loop's start when it is outside of it."""
        if self._recording is None or self._playing or self._closed:
            return
        self._playing, self._just_started, self._reel.held = True, True, False
        self._cue_for_playing()
        if self._ordered_cue == self._reel.cue_number:
            self._deck.nudge()
        else:
            self._order()
        self._timer.start()
        self.state_changed.emit()

    def pause(self) -> None:
        """Be silent, and stay where it is."""
        if not self._playing:
            return
        self._playing, self._reel.held = False, True
        self._timer.stop()
        self._deck.nudge()
        self.moved.emit(self.position_s)
        self.state_changed.emit()

    def toggle(self) -> None:
        """Play or pause."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def seek(self, position_s: float) -> None:
        """Go to a moment of the recording, and play on from there if it plays."""
        if self._recording is not None:
            self._just_started = False
            self._cue(max(0.0, position_s))

    def set_loop(self, span: Span | None) -> None:
        """Play this span again and again, without a gap; None plays to the end. Playing goes on where it is if it can."""
        if span == self._loop or self._recording is None:
            return
        self._loop = span
        position_s = self._reel.handed_s()
        self._cue(position_s if span is None or not self._playing or span[0] <= position_s < span[1] else span[0])

    def set_volume(self, volume: float) -> None:
        """Set the loudness, 0 to 1; its square is the factor, which the ear finds even."""
        self._volume = min(max(0.0, volume), 1.0)
        self._reel.set_gain(self._volume**2)
        self.state_changed.emit()

    def devices(self) -> list[str]:
        """The devices that were found last; it looks again meanwhile, and `state_changed` tells what is new."""
        if time.monotonic() - self._looked_at > _LOOK_AGAIN_S and not self._playing:
            self._look()
        return list(self._devices)

    def set_device(self, name: str) -> None:
        """Play through the device `name`; "" is the system's default."""
        if name != self._device:
            self._device = name
            self._cue(self._reel.handed_s())

    def close(self, timeout_s: float = 0.5) -> None:
        """Stop for good, within `timeout_s`."""
        self.pause()
        self._closed = True
        self._deck.close(timeout_s)

    def _cue(self, position_s: float) -> None:
        self._reel.cue(position_s)
        if self._playing:
            self._order()
        self.moved.emit(position_s)

    def _cue_for_playing(self) -> None:
        position_s = self._reel.handed_s()
        if self._loop is not None and not self._loop[0] <= position_s < self._loop[1]:
            self._cue(self._loop[0])
        elif self._reel.over(clock_s()):
            self._cue(0.0)

    def _order(self) -> None:
        if self._recording is not None:
            self._ordered_cue = self._reel.cue_number
            self._deck.play(Order(self._ordered_cue, self._recording, self._reel.handed_s(), self._loop, self._device))

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        self._deck.look_for_devices()

    def _tick(self) -> None:
        if not self._reel.over(clock_s()):
            self.moved.emit(self.position_s)
        elif self._just_started and self._reel.untouched and self.position_s > 0:
            self._just_started = False
            self._cue(0.0)
        else:
            self.pause()

    def _hear_news(self) -> None:
        """The deck has a new problem, or none any more, or other devices."""
        if self._closed:
            return
        before = self.problem, self._devices
        self.problem, self._devices = self._deck.problem, list(self._deck.devices)
        if self.problem:
            self._ordered_cue = 0
            self.pause()
        if before != (self.problem, self._devices):
            self.state_changed.emit()
