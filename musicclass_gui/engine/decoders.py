"""The contract of the two back ends that decode audio.

Importing this module loads no back end; `decoders_soundfile` and `decoders_pyav` are imported when a file needs them.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from io import FileIO

    from musicclass_gui.engine.windows import Audio

SOUNDFILE = "soundfile"
PYAV = "pyav"


class Refused(Exception):
    """A back end cannot read this file at all."""


class Soundless(Refused):
    """A back end knows this kind of file, but there is no sound in it; its text completes “cannot be read because …”."""


class Stopped(Exception):
    """A back end cannot go on from here, though the file may hold more."""


class Lost(NamedTuple):
    """`frames` of sound at `position` were damaged and replaced by silence."""

    position: int
    frames: int


class Decoder(Protocol):
    """An open audio file that is read forwards.

    `frames` is how many the header says there are, None when it says nothing; `promised` is the same where a file that
    holds fewer must be called cut off. `position` counts from the start of the recording to the next frame to be read.
    `ended_early` tells, once `read` came to the end, that the file stops where it should not.
    """

    sample_rate: int
    channels: int
    format: str
    frames: float | None
    promised: float | None
    position: int
    lost: list[Lost]
    ended_early: bool

    def approach(self, frame: int) -> None:
        """Go to `frame`, or before it where the file cannot be entered exactly there. Raises `Stopped`."""

    def read(self, frames: int) -> Audio:
        """The next at most `frames` frames, float32 (frames, channels); none at the end. Raises `Stopped`."""

    def close(self) -> None:
        """Let go of what the back end holds; the file itself belongs to the caller."""


class Nameless:
    """A file without its name, so that no back end guesses by the suffix or takes the name for an address."""

    def __init__(self, file: FileIO) -> None:
        self._seek = file.seek
        self.read = file.read
        self.readinto = file.readinto
        self.tell = file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new position, -1 for one that no file has (damaged headers ask for it)."""
        try:
            return self._seek(offset, whence)
        except (ValueError, OverflowError):
            return -1
        except OSError as error:
            if error.errno == errno.EINVAL:
                return -1
            raise


def start_decoder(file: FileIO, reader: str) -> Decoder:
    """A decoder of `reader`'s kind at the start of `file`. Raises `Refused`."""
    if reader == SOUNDFILE:
        from musicclass_gui.engine.decoders_soundfile import SoundfileDecoder

        return SoundfileDecoder(file)
    from musicclass_gui.engine.decoders_pyav import PyavDecoder

    return PyavDecoder(file)
