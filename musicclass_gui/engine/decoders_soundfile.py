"""Reading through libsndfile: wav, flac, Ogg Vorbis, aiff, au and their relatives.

Imported only by `decoders`, when a file needs it, because it loads libsndfile.
Lengths in headers are never trusted: each block is what `read` says it is.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from musicclass_gui.engine.decoders import Lost, Nameless, Refused, Stopped

if TYPE_CHECKING:
    from io import FileIO

    from musicclass_gui.engine.windows import Audio

_UNKNOWN_FRAMES = 2**62
_LONGEST_VORBIS_PAGE = 255 * 2048  # packets in a page, samples that a packet of libvorbis adds at most
_HOLE = "libogg reports a hole"  # libsndfile logs it, closes the gap, and so moves all that follows
_BROKEN_OFF = ("lacks an end-of-stream bit", "Corrupted bitstream")
_STREAMED = 0x7FFFF000  # a data size from here on is what a program writes that cannot go back to fill it in

_FORMATS = {"WAV": "WAV", "WAVEX": "WAV", "RF64": "WAV", "W64": "Wave64", "AIFF": "AIFF", "AU": "AU", "FLAC": "FLAC", "CAF": "CAF"}
_SUBTYPES = {
    "PCM_S8": "8 bit",
    "PCM_U8": "8 bit",
    "PCM_16": "16 bit",
    "PCM_24": "24 bit",
    "PCM_32": "32 bit",
    "FLOAT": "32 bit float",
    "DOUBLE": "64 bit float",
    "ULAW": "μ-law",
    "ALAW": "A-law",
}


class SoundfileDecoder:
    """A `Decoder` over libsndfile."""

    def __init__(self, file: FileIO) -> None:
        file.seek(0)
        # A file descriptor spares a call into Python per read; on Windows libsndfile has descriptors of its own.
        source = file.fileno() if os.name == "posix" else Nameless(file)
        try:
            self._file = soundfile.SoundFile(source, closefd=False)
        except (soundfile.LibsndfileError, TypeError, ValueError, OSError) as error:
            raise Refused(_reason(error)) from error
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.format = _format_of(self._file)
        self.frames = float(self._file.frames) if 0 < self._file.frames < _UNKNOWN_FRAMES else None
        self.promised = _promised(self._file.extra_info, self.frames)
        self.ended_early = False
        self.position = 0
        self.lost: list[Lost] = []

    def approach(self, frame: int) -> None:
        """See `Decoder.approach`."""
        if self.frames is not None:
            frame = min(frame, int(self.frames))
        if self._file.subtype == "VORBIS":
            frame = self._safe_vorbis_entry(frame)
        try:
            self.position = self._file.seek(frame)
        except (soundfile.LibsndfileError, OSError) as error:
            raise Stopped(_reason(error)) from error

    def _safe_vorbis_entry(self, frame: int) -> int:
        """A seek in Vorbis is off for up to a block behind where it lands, and by dozens of samples in the file's last page."""
        before_last_page = int(self.frames or 0) - _LONGEST_VORBIS_PAGE
        return max(0, min(frame - self.sample_rate // 2, before_last_page))

    def read(self, frames: int) -> Audio:
        """See `Decoder.read`."""
        try:
            block: Audio = self._file.read(out=np.empty((frames, self.channels), np.float32))
        except (soundfile.LibsndfileError, OSError) as error:
            raise Stopped(_reason(error)) from error
        if self._file.format == "OGG" and _HOLE in self._file.extra_info:
            raise Stopped("a part of it is missing")
        self.position += len(block)
        self.ended_early = not len(block) and any(sign in self._file.extra_info for sign in _BROKEN_OFF)
        return block

    def close(self) -> None:
        """See `Decoder.close`."""
        self._file.close()


def _format_of(file: soundfile.SoundFile) -> str:
    if file.format == "OGG":
        return {"VORBIS": "Ogg Vorbis", "OPUS": "Opus"}.get(file.subtype, "Ogg")
    name = _FORMATS.get(file.format, file.format)
    return f"{name}, {_SUBTYPES.get(file.subtype, file.subtype_info)}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).rstrip(".") or "libsndfile refuses it"


def _promised(log: str, frames: float | None) -> float | None:
    """What the header promised, from libsndfile's log, which says where it corrected a length."""
    if claim := re.search(r"from 'ds64' chunk of (\d+)|read from 'COMM' chunk \((\d+)\)", log):
        return float(claim[1] or claim[2])
    if corrected := re.search(r"(?:data|Data Size)\s*: (\d+) \(should be (\d+)\)", log):
        claimed, found = int(corrected[1]), int(corrected[2])
        return frames * claimed / found if frames and found and claimed < _STREAMED else None
    return frames
