"""The contract of the two back ends that decode audio, and which of them reads a given file.

The choice goes by the file's first bytes, never by its name. Importing this module loads no back end;
`decoders_soundfile` and `decoders_pyav` are imported when a file needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

if TYPE_CHECKING:
    from io import FileIO

    from musicclass_gui.engine.windows import Audio

SOUNDFILE = "soundfile"
PYAV = "pyav"

_HEAD_BYTES = 4096


class Refused(Exception):
    """A back end cannot read this file at all; its text completes “cannot be read because …”."""


class Stopped(Exception):
    """A back end cannot go on from here, though the file may hold more."""


class Lost(NamedTuple):
    """`frames` of sound at `position` were damaged and replaced by silence."""

    position: int
    frames: int


class Decoder(Protocol):
    """An open audio file that is read forwards.

    `promised` is how many frames the header says there are, None when it says nothing that can be relied on;
    `frames` is the best cheap guess of how many will come, None when there is none.
    `position` counts frames from the start of the recording to the next one that `read` gives.
    """

    sample_rate: int
    channels: int
    format: str
    frames: float | None
    promised: float | None
    position: int
    lost: list[Lost]
    ended_early: bool

    def seek(self, frame: int) -> None:
        """Go to `frame`, once and before any `read`. Raises `Stopped` where the file cannot be searched."""

    def read(self, frames: int) -> Audio:
        """The next at most `frames` frames, float32 (frames, channels); none at the end. Raises `Stopped`."""

    def close(self) -> None:
        """Let go of what the back end holds; the file itself belongs to the caller."""


class Nameless:
    """A file without its name, so that no back end guesses by the suffix or takes the name for an address."""

    def __init__(self, file: BinaryIO | FileIO) -> None:
        self.read = file.read
        self.readinto = file.readinto  # type: ignore[union-attr]  # BinaryIO leaves out what every binary file has
        self.seek = file.seek
        self.tell = file.tell


def start_decoder(file: FileIO, reader: str) -> Decoder:
    """A decoder of `reader`'s kind at the start of `file`. Raises `Refused`."""
    file.seek(0)
    if reader == SOUNDFILE:
        from musicclass_gui.engine.decoders_soundfile import SoundfileDecoder

        return SoundfileDecoder(file)
    from musicclass_gui.engine.decoders_pyav import PyavDecoder

    return PyavDecoder(file)


def preferred_readers(head: bytes) -> tuple[str, ...]:
    """The back ends to try on a file that begins with `head`, the better one first."""
    if _is_soundfiles(head):
        return SOUNDFILE, PYAV
    return (PYAV, SOUNDFILE) if head[:4] == b"OggS" else (PYAV,)


def read_head(file: FileIO) -> bytes:
    """The file's first bytes, after an ID3 tag if it starts with one."""
    head = _read_at(file, 0)
    if head[:3] == b"ID3" and len(head) > 10:
        return _read_at(file, 10 + _syncsafe(head[6:10])) or head
    return head


def _read_at(file: FileIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(_HEAD_BYTES) or b""


def _syncsafe(four: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=True))


def _is_soundfiles(head: bytes) -> bool:
    if head[:4] == b"OggS":
        return b"\x01vorbis" in head[:64] or b"\x7fFLAC" in head[:64]
    riff = head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE"
    aiff = head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")
    return riff or aiff or head[:4] in (b"fLaC", b".snd", b"dns.", b"riff", b"caff")
