"""Recording from a microphone into a WAV file, to teach from: a level to look at, a clock, stop.

Opening and closing the device waits in a lane; the sound itself goes from PortAudio's thread through a `Take` into the file.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app import portaudio
from musicclass_gui.app.jobs import Lane, on_main, said
from musicclass_gui.app.projects import recordings_dir
from musicclass_gui.app.take import SILENCE_DB, Take
from musicclass_gui.engine.errors import MusicClassError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from musicclass_gui.app.jobs import Job
    from musicclass_gui.engine.task import Token

NO_LIBRARY = (
    "Recording needs the PortAudio library, which is not installed (on Debian and Ubuntu: apt install libportaudio2); "
    "all else works without."
)
NO_DEVICE = "There is no microphone, or this program may not use it; plug one in, or allow it in the system’s settings."
STOPPED = "The microphone stopped by itself; what was recorded until then is kept."

SILENT = "Nothing is heard yet: look whether the microphone is switched on, and whether this program may use it."

_LONGEST_S = 3600.0
_SUSPICIOUS_S = 3.0  # a microphone that is on hears noise; so much perfect silence means that it is not
_BLOCKS_PER_S = 30  # so many levels are shown a second
_UNSAFE = '<>:"/\\|?*'


class RecorderError(MusicClassError):
    """Sound cannot be recorded."""


class Recorder(QObject):
    """One microphone, one file at a time. For the main thread.

    `state` is "idle", "starting" or "recording". `level` is the peak of the last moment in dB of full scale (−100 is silence),
    told about 30 times a second by `level_changed`. `path` is the file of the last recording, also when it ended by itself.
    `problem` is why there is none, or why it ended, in one sentence.
    """

    changed = Signal()  # state, path or problem
    level_changed = Signal(float)

    def __init__(self, folder: Path | None = None, parent: QObject | None = None, *, longest_s: float = _LONGEST_S) -> None:
        super().__init__(parent)
        self.state = "idle"
        self.level = self._loudest = SILENCE_DB
        self.seconds = 0.0
        self.path: Path | None = None
        self.problem = ""
        self._folder = folder or recordings_dir()
        self._longest_s = longest_s
        self._devices: list[str] = []
        self._lane: Lane | None = None  # made when it is needed first, since most sessions record nothing
        self._microphone: Microphone | None = None
        self._closing: Job[None] | None = None

    def devices(self) -> list[str]:
        """The microphones that are known; a call looks again, and `changed` is emitted when there are others."""
        self._line().submit(_inputs, done=self._found, failed=self._no_devices)
        return list(self._devices)

    def start(self, name: str = "Recording", device: str = "") -> None:
        """Record into a new file named after `name` and the time; "" is the system's default microphone."""
        if self.state != "idle":
            return
        self.seconds, self.level, self._loudest = 0.0, SILENCE_DB, SILENCE_DB
        self.problem, self.path = "", None
        self.state = "starting"
        microphone = self._microphone = Microphone(_free(self._folder, name), device, self._longest_s, self._heard, self._ended)
        self._line().submit(microphone.open, done=self._opened, failed=partial(self._failed, microphone))
        self.changed.emit()

    def stop(self) -> Path | None:
        """Stop; the file, or None where nothing was recorded."""
        microphone = self._microphone
        if microphone is not None:
            self._end(microphone.finish())
            self._closing = self._line().submit(microphone.close)
        return self.path

    def cancel(self) -> None:
        """Stop, and keep nothing."""
        path = self.stop()
        if path is not None:
            path.unlink(missing_ok=True)
            self.path = None
            self.changed.emit()

    def close(self, timeout_s: float = 0.3) -> None:
        """Stop, keep what was recorded, and give the device back."""
        self.stop()
        if self._closing is not None and self._closing.future is not None:
            wait([self._closing.future], timeout_s)
        if self._lane is not None:
            self._lane.shutdown(0.0)

    def _line(self) -> Lane:
        if self._lane is None:
            self._lane = Lane("fifo", name="microphone")
        return self._lane

    # What comes back, on the main thread

    def _found(self, names: list[str]) -> None:
        if names != self._devices:
            self._devices = names
            self.changed.emit()

    def _no_devices(self, error: Exception) -> None:
        self._found([])
        if self.state == "idle":
            self.problem = said(error)
            self.changed.emit()

    def _opened(self, microphone: Microphone) -> None:
        if microphone is self._microphone:
            self.state = "recording"
            self.changed.emit()

    def _failed(self, microphone: Microphone, error: Exception) -> None:
        if microphone is self._microphone:
            self.problem = said(error)
            self._end(None)

    def _end(self, path: Path | None) -> None:
        self.state, self.path, self._microphone = "idle", path, None
        self.changed.emit()

    # From other threads

    def _heard(self, microphone: Microphone, level: float, seconds: float) -> None:
        on_main(partial(self._show, microphone, level, seconds))

    def _show(self, microphone: Microphone, level: float, seconds: float) -> None:
        if microphone is not self._microphone:
            return
        self.level, self.seconds, self._loudest = level, seconds, max(level, self._loudest)
        self.level_changed.emit(level)
        problem = SILENT if seconds > _SUSPICIOUS_S and self._loudest <= SILENCE_DB else ""
        if problem != self.problem:
            self.problem = problem
            self.changed.emit()

    def _ended(self, microphone: Microphone, why: str) -> None:
        on_main(partial(self._ended_by_itself, microphone, why))

    def _ended_by_itself(self, microphone: Microphone, why: str) -> None:
        if microphone is self._microphone:
            self.problem = why
            self.stop()


class Microphone:
    """One recording from one device. `open` and `close` wait for the device and are for a lane; `finish` is for the main thread.

    `heard` is told itself, the level and the seconds, `ended` itself and why it ended without having been asked to, in other threads.
    """

    def __init__(
        self,
        path: Path,
        device: str,
        longest_s: float,
        heard: Callable[[Microphone, float, float], None],
        ended: Callable[[Microphone, str], None],
    ) -> None:
        self._path, self._device, self._longest_s = path, device, longest_s
        self._heard, self._ended = partial(heard, self), partial(ended, self)
        self._lock = threading.Lock()
        self._stream: Any = None
        self._take: Take | None = None
        self._over = False

    def open(self, _token: Token) -> Microphone:
        """Let sound flow, unless `finish` was called already. Raises RecorderError."""
        sd = _sounddevice()
        try:
            with portaudio.ALONE:
                self._stream, rate = self._opened(sd)
                portaudio.hold(self._stream)
            self._begin(rate)
        except sd.PortAudioError as error:
            self._give_up()
            name = f"“{self._device}”" if self._device else "The default microphone"
            raise RecorderError(f"{name} cannot be recorded from ({portaudio.reason(error)}); choose another one.") from error
        except OSError as error:
            self._give_up()
            why = (error.strerror or str(error)).lower()
            raise RecorderError(f"“{self._path}” cannot be written ({why}); make room, or set another folder for projects.") from error
        return self

    def finish(self) -> Path | None:
        """Take in no more; the file, or None where nothing was heard."""
        with self._lock:
            self._over, take = True, self._take
        if take is None:
            return None
        take.finish()
        if take.seconds:
            return self._path
        self._path.unlink(missing_ok=True)
        return None

    def close(self, _token: Token) -> None:
        """Give the device back."""
        if self._stream is not None:
            portaudio.close(self._stream)
            self._stream = None

    def _opened(self, sd: Any) -> tuple[Any, int]:
        """A stream that does not flow yet, and its rate: mono, at the device's own rate."""
        number = _number(sd, self._device)
        about = sd.query_devices(number, "input")
        rate = round(about["default_samplerate"])
        try:
            sd.check_input_settings(number, 1, "int16", samplerate=rate)
            channels = 1
        except sd.PortAudioError:  # some devices give only all of their channels
            channels = about["max_input_channels"]
        stream = sd.InputStream(
            rate, rate // _BLOCKS_PER_S, number, channels, "int16", callback=self._take_in, finished_callback=self._finished
        )  # fmt: skip
        return stream, rate

    def _begin(self, rate: int) -> None:
        with self._lock:
            if self._over:
                return
            self._take = Take(self._path, rate, self._longest_s, self._heard, self._ended)
        self._stream.start()

    def _give_up(self) -> None:
        self.finish()
        if self._stream is not None:
            portaudio.close(self._stream)

    def _take_in(self, block: NDArray[np.int16], _frames: int, _times: Any, _status: Any) -> None:
        """PortAudio brings sound, in its own thread."""
        if self._take is not None and not self._over:
            self._take.put(block[:, 0].copy())

    def _finished(self) -> None:
        if not self._over:
            self._ended(STOPPED)


def _sounddevice() -> Any:
    return portaudio.library(RecorderError, NO_LIBRARY, NO_DEVICE)


def _inputs(_token: Token) -> list[str]:
    """The names of all microphones. Raises RecorderError."""
    sd = _sounddevice()
    portaudio.look_again(sd)
    return list(_numbers(sd))


def _numbers(sd: Any) -> dict[str, int]:
    try:
        found = portaudio.devices(sd, "input")
    except sd.PortAudioError as error:
        raise RecorderError(NO_DEVICE) from error
    if not found:
        raise RecorderError(NO_DEVICE)
    return found


def _number(sd: Any, name: str) -> int | None:
    found = _numbers(sd)
    if name and name not in found:
        raise RecorderError(f"The microphone “{name}” is not there; plug it in or choose another one.")
    return found[name] if name else None


def _free(folder: Path, name: str) -> Path:
    """A path that no file has, named after `name` and the time."""
    safe = "".join(" " if letter in _UNSAFE or not letter.isprintable() else letter for letter in name).strip(" .")[:80] or "Recording"
    stem = f"{safe} {time.strftime('%Y-%m-%d %H.%M')}"
    path, count = folder / f"{stem}.wav", 1
    while path.exists():
        count += 1
        path = folder / f"{stem} ({count}).wav"
    return path
