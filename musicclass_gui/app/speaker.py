"""The audio device, through PortAudio: which there are, and one stream that takes its sound from a reel.

Every call may take long and is made from one thread that may wait; only `devices` and `problem` are read elsewhere.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from musicclass_gui.app import portaudio
from musicclass_gui.engine.errors import MusicClassError

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.reel import Reel

_LATENCY_S = 0.08  # long enough to outlast a busy interpreter, short enough to feel immediate
_LONGEST_DELAY_S = 2.0  # a device that claims to be later than this reports nonsense

NO_LIBRARY = (
    "Playing needs the PortAudio library, which is not installed (on Debian and Ubuntu: apt install libportaudio2); all else works without."
)
NO_DEVICE = "There is no audio device to play through; all else works without."


class SpeakerError(MusicClassError):
    """Sound cannot be played."""


def clock_s() -> float:
    """The clock of all times here."""
    return time.perf_counter()


class Speaker:
    """One output stream at most. `gone` is called, from any thread, when the device stops by itself."""

    def __init__(self, reel: Reel, gone: Callable[[], None]) -> None:
        self._reel = reel
        self._gone = gone
        self._stream: Any = None
        self._opened_as: tuple[str, int] | None = None
        self._stopping = False
        self._looked = False
        self.running = False
        self.late = 0  # how often the device ran dry

    def devices(self) -> list[str]:
        """The names of the devices that can be played through; a device plugged in meanwhile is found. Raises SpeakerError."""
        sd = _sounddevice()
        if self._looked and self._stream is None:
            portaudio.look_again(sd)
        self._looked = True
        return list(_outputs(sd))

    def open(self, device: str, rate: int) -> int:
        """Make ready to play through `device` ("" is the default) at `rate` if it can; the rate it plays at. Raises SpeakerError."""
        if self._stream is not None and self._opened_as == (device, rate):
            return self._rate
        self.close()
        sd = _sounddevice()
        try:
            with portaudio.ALONE:
                self._stream = self._opened(sd, _number(sd, device), rate)
                portaudio.hold(self._stream)
        except sd.PortAudioError as error:
            name = f"“{device}”" if device else "The default audio device"
            raise SpeakerError(f"{name} cannot be played through ({portaudio.reason(error)}); choose another one.") from error
        self._opened_as = (device, rate)
        return self._rate

    def start(self) -> None:
        """Let sound flow. Raises SpeakerError."""
        if self._stream is None or self.running:
            return
        self._stopping = False
        try:
            self._stream.start()
        except _sounddevice().PortAudioError as error:
            self.close()
            raise SpeakerError(f"The audio device cannot be started ({portaudio.reason(error)}); choose another one.") from error
        self.running = True

    def stop(self) -> None:
        """Let nothing flow, and give the device free for the moment."""
        self._stopping = True
        if self.running:
            self.running = False
            with contextlib.suppress(_sounddevice().PortAudioError):
                self._stream.abort()

    def close(self) -> None:
        """Give the device back."""
        self.stop()
        if self._stream is not None:
            portaudio.close(self._stream)
        self._stream = self._opened_as = None

    @property
    def _rate(self) -> int:
        rate: int = round(self._stream.samplerate)
        return rate

    def _opened(self, sd: Any, number: int | None, rate: int) -> Any:
        about = sd.query_devices(number, "output")
        channels = min(2, about["max_output_channels"])
        try:
            sd.check_output_settings(number, channels, "float32", samplerate=rate)
        except sd.PortAudioError:
            rate = about["default_samplerate"]
        return sd.OutputStream(
            rate, 0, number, channels, "float32", _LATENCY_S, callback=self._play, finished_callback=self._finished
        )  # fmt: skip

    def _play(self, out: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio asks for sound, in its own thread."""
        self.late += bool(status.output_underflow)
        delay = times.outputBufferDacTime - self._stream.time
        if not 0 <= delay <= _LONGEST_DELAY_S:
            delay = self._stream.latency
        self._reel.fill(out, clock_s() + delay)

    def _finished(self) -> None:
        if not self._stopping:
            self.running = False
            self._gone()


def _sounddevice() -> Any:
    return portaudio.library(SpeakerError, NO_LIBRARY, NO_DEVICE)


def _outputs(sd: Any) -> dict[str, int]:
    """Name and number of each output of the system's usual sound interface. Raises SpeakerError when there is none."""
    try:
        found = portaudio.devices(sd, "output")
    except sd.PortAudioError as error:
        raise SpeakerError(NO_DEVICE) from error
    if not found:
        raise SpeakerError(NO_DEVICE)
    return found


def _number(sd: Any, name: str) -> int | None:
    outputs = _outputs(sd)
    if name and name not in outputs:
        raise SpeakerError(f"The audio device “{name}” is not there; plug it in or choose another one.")
    return outputs[name] if name else None
