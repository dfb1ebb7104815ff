"""The thread that plays: it reads the recording into the reel and opens, starts and stops the speaker.

It is told what is wanted and never makes its teller wait; it knows no Qt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from musicclass_gui.app.reel import tape
from musicclass_gui.app.speaker import SpeakerError
from musicclass_gui.engine.errors import MusicClassError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.app.reel import Reel
    from musicclass_gui.engine.audio import Recording
    from musicclass_gui.engine.windows import Audio, Span

_FULL_S = 0.03  # how long to wait when the reel is full
_REST_S = 3.0  # how long a held speaker stays open for a quick resume
_LOOK_S = 0.25  # how often a held one is looked at
_GONE = "The audio device stopped while playing; plug it in again or choose another one."


class Output(Protocol):
    """What the deck asks of a speaker."""

    @property
    def running(self) -> bool:
        """Whether sound flows."""
        ...

    def devices(self) -> list[str]:
        """Names of devices. Raises SpeakerError."""
        ...

    def open(self, device: str, rate: int) -> int:
        """Make ready; the rate it plays at. Raises SpeakerError."""
        ...

    def start(self) -> None:
        """Let sound flow. Raises SpeakerError."""
        ...

    def stop(self) -> None:
        """Let nothing flow."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...


OutputMaker = Callable[["Reel", Callable[[], None]], Output]
"""Makes an output that plays a reel, and calls back when its device has gone."""


class Order(NamedTuple):
    """What to play for which cue of the reel."""

    cue: int
    recording: Recording
    start_s: float
    loop: Span | None
    device: str


class Deck:
    """Serves the newest order. `news` is called, from any thread, when `problem` or `devices` are new."""

    def __init__(self, reel: Reel, news: Callable[[], None], output: OutputMaker) -> None:
        self.problem = ""
        self.devices: list[str] = []
        self._reel = reel
        self._news = news
        self._speaker = output(reel, self._speaker_gone)
        self._wake = threading.Condition()
        self._order: Order | None = None
        self._asked: set[str] = set()
        self._thread: threading.Thread | None = None
        self._serving: Order | None = None
        self._sound: Iterator[Audio] | None = None
        self._left: Audio | None = None
        self._held_since: float | None = None

    def play(self, order: Order) -> None:
        """Play this from now on."""
        self._tell("", order)

    def look_for_devices(self) -> None:
        """Find out which devices there are."""
        self._tell("devices")

    def nudge(self) -> None:
        """Look whether the reel is held: the speaker starts at once, and stops in a while."""
        self._tell("")

    def close(self, timeout_s: float) -> bool:
        """Stop; whether the thread ended in time. It never keeps the program from ending."""
        if self._thread is None:
            return True
        self._tell("close")
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _speaker_gone(self) -> None:
        self._tell("gone")

    def _tell(self, asked: str, order: Order | None = None) -> None:
        with self._wake:
            self._asked.add(asked)
            self._order = order or self._order
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="player", daemon=True)
                self._thread.start()
            self._wake.notify()

    # In its own thread

    def _run(self) -> None:
        wait_s: float | None = None
        while True:
            asked, order = self._listen(wait_s)
            if "close" in asked:
                break
            try:
                wait_s = self._step(asked, order)
            except MusicClassError as error:
                self._fail(str(error))
                wait_s = None
            except Exception as error:
                self._fail(f"Playing stopped because of a fault in the program ({error}); please report it.")
                threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread())))
                wait_s = None
        self._drop()
        self._speaker.close()

    def _listen(self, wait_s: float | None) -> tuple[set[str], Order | None]:
        """What was asked since, and the newest order, after waiting for something of the kind no longer than `wait_s`."""
        with self._wake:
            if not self._asked and wait_s != 0.0:
                self._wake.wait(wait_s)
            asked, order = self._asked, self._order
            self._asked, self._order = set(), None
            return asked, order

    def _step(self, asked: set[str], order: Order | None) -> float | None:
        """Do what can be done at once; how long to wait after it, None for as long as nothing is asked."""
        if "gone" in asked:
            raise SpeakerError(_GONE)
        if "devices" in asked:
            self._find_devices()
        if order is not None:
            self._begin(order)
        more = self._write()
        self._turn_speaker()
        if more:
            return 0.0
        if self._speaker.running:
            return _LOOK_S if self._reel.held else _FULL_S
        return None

    def _find_devices(self) -> None:
        try:
            self.devices, self.problem = self._speaker.devices(), ""
        except SpeakerError as error:
            self.devices, self.problem = [], str(error)
        self._news()

    def _begin(self, order: Order) -> None:
        self._drop()
        rate = self._speaker.open(order.device, order.recording.sample_rate)
        if self._reel.begin(order.cue, rate):
            self._serving, self._sound = order, _sound(order, rate, self._reel)
        if self.problem:
            self.problem = ""
            self._news()

    def _write(self) -> bool:
        """Put what was read into the reel, having read on where need be; whether there may be more to do at once."""
        if self._sound is None or self._serving is None:
            return False
        if self._left is None or not len(self._left):
            self._left = next(self._sound, None)
        if self._left is None:
            self._reel.finish(self._serving.cue)
            self._drop()
            return False
        written = self._reel.write(self._serving.cue, self._left)
        if written < 0:
            self._drop()
            return False
        self._left = self._left[written:]
        return not len(self._left)

    def _turn_speaker(self) -> None:
        """Run while the reel turns and has something to hear, and for a while after."""
        if not self._reel.held:
            self._held_since = None
            if self._reel.stocked:
                self._speaker.start()
        elif self._held_since is None:
            self._held_since = time.monotonic()
        elif time.monotonic() - self._held_since > _REST_S:
            self._speaker.stop()

    def _drop(self) -> None:
        self._serving = self._sound = self._left = None

    def _fail(self, problem: str) -> None:
        self._drop()
        self._speaker.close()
        self.problem = problem
        self._news()


def _sound(order: Order, rate: int, reel: Reel) -> Iterator[Audio]:
    """The order's sound at `rate`, telling the reel where it does not go straight on."""
    native = order.recording.sample_rate
    from musicclass_gui.engine.audio import Resampler

    resampler = Resampler(native, rate)
    pushed, next_frame = 0, round(order.start_s * native)
    for piece in tape(order.recording, order.start_s, order.loop):
        if piece.frame != next_frame:
            reel.mark(order.cue, pushed * rate / native, piece.frame / native)
        next_frame = piece.frame + len(piece.sound)
        pushed += len(piece.sound)
        yield resampler.push(piece.sound)
    yield resampler.finish().reshape(-1, 2)
