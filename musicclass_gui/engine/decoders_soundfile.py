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

from musicclass_gui.engine.audio_sniff import flac_audio_bytes
from musicclass_gui.engine.decoders import Lost, Nameless, Refused, Stopped

if TYPE_CHECKING:
    from io import FileIO

    from musicclass_gui.engine.windows import Audio

_UNKNOWN_FRAMES = 2**62
_LONGEST_VORBIS_PAGE = 255 * 2048  # packets in a page, samples that a packet of libvorbis adds at most
_HOLE = "libogg reports a hole"  # libsndfile logs it, closes the gap, and so moves all that follows
_NO_END = "lacks an end-of-stream bit"
_LONGEST_TAIL = 1 << 15  # tags that other programs append
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
        self._source = file
        self._refuse_what_ffmpeg_reads_better()
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.format = _format_of(self._file)
        self.frames: float | None = float(self._file.frames)
        self.promised = _promised(self._file.extra_info, self._file.frames)
        self.ended_early = False
        self.position = 0
        self.lost: list[Lost] = []

    def approach(self, frame: int) -> None:
        """See `Decoder.approach`."""
        frame = min(frame, self._file.frames)
        if self._file.subtype == "VORBIS":
            frame = self._safe_vorbis_entry(frame)
        try:
            self.position = self._file.seek(frame)
        except (soundfile.LibsndfileError, OSError) as error:
            raise Stopped(_reason(error)) from error

    def _refuse_what_ffmpeg_reads_better(self) -> None:
        """Headers without a length (recorders that could not go back) or with one that cannot be; several streams in one Ogg."""
        log, frames = self._file.extra_info, self._file.frames
        several = "Junk after the last page" in log and _NO_END not in log
        if several or not 0 < frames < _UNKNOWN_FRAMES or self._is_flac_with_too_few(frames):
            self._file.close()
            raise Refused("its header tells no length, or not that of all it holds")

    def _is_flac_with_too_few(self, frames: int) -> bool:
        """FLAC never makes sound larger; libsndfile would stop where a header that counts too few frames ends."""
        possible: int = 5 * frames * self._file.channels + _LONGEST_TAIL
        return self._file.format == "FLAC" and flac_audio_bytes(self._source) > possible

    def _safe_vorbis_entry(self, frame: int) -> int:
        """A seek in Vorbis is off for up to a block behind where it lands, and by dozens of samples in the file's last page."""
        before_last_page: int = self._file.frames - _LONGEST_VORBIS_PAGE
        return max(0, min(frame - self.sample_rate // 2, before_last_page))

    def read(self, frames: int) -> Audio:
        """See `Decoder.read`."""
        try:
            block: Audio = self._file.read(out=np.empty((frames, self.channels), np.float32))
        except (soundfile.LibsndfileError, OSError) as error:
            raise Stopped(_reason(error)) from error
        if self._file.format == "OGG" and _HOLE in self._file.extra_info:
            raise Stopped("a part of it is missing")
        if not len(block):
            self.ended_early = any(sign in self._file.extra_info for sign in (_NO_END, "Corrupted bitstream"))
        self.position += len(block)
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


def _promised(log: str, frames: int) -> float | None:
    """What the header promised, from libsndfile's log, which says where it corrected a length, or should have done."""
    if claim := re.search(r"from 'ds64' chunk of (\d+)|read from 'COMM' chunk \((\d+)\)", log):
        return float(claim[1] or claim[2])
    if corrected := re.search(r"(?:data|Data Size)\s*: (\d+) \(should be (\d+)\)", log):
        claimed, found = int(corrected[1]), int(corrected[2])
        return frames * claimed / found if found and claimed < _STREAMED else None
    size, data = re.search(r"Length : (\d+)", log), re.search(r"data : (\d+)\n\*\*\* Unknown chunk", log)
    if size and data and 2 * int(data[1]) < int(size[1]):
        return frames * int(size[1]) / int(data[1])
    return frames
