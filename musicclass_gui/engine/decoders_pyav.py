"""Reading through FFmpeg (PyAV): mp3, AAC, ALAC, WMA, Opus, and the audio track of video files.

Imported only by `decoders`, when a file needs it, because it loads FFmpeg.
Frames are joined in bulk, one conversion per block: a call into Python per frame and channel costs as much as decoding does.
"""

from __future__ import annotations

from math import gcd, isfinite
from typing import TYPE_CHECKING

import av
import numpy as np

from musicclass_gui.engine.decoders import Lost, Nameless, Refused, read_head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

    from musicclass_gui.engine.windows import Audio

_READ_BYTES = 1 << 16
_PREROLL_S = 0.5  # what codecs with a memory (mp3's bit reservoir, Opus, AAC overlap) need to settle after a jump
_FIRST_FRAMES = 4  # decoded at once, to learn rate, channels and frame length from sound rather than from headers
_FRUITLESS_PACKETS = 64
_LONGEST_LOSS_S = 1.0  # no packet lasts longer; a larger claim is damage too

_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63}
_DTYPES = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "s64": np.int64, "flt": np.float32, "dbl": np.float64}

_CODECS = {
    "mp3": "MP3",
    "mp2": "MP2",
    "aac": "AAC",
    "alac": "ALAC",
    "opus": "Opus",
    "vorbis": "Vorbis",
    "flac": "FLAC",
    "wmav1": "WMA",
    "wmav2": "WMA",
    "wmapro": "WMA Pro",
    "wmalossless": "WMA Lossless",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
}
_CONTAINERS = {"mov": "MP4", "matroska": "Matroska", "ogg": "Ogg", "asf": "", "mpegts": "MPEG-TS", "avi": "AVI", "wav": "WAV"}
_GUESSED_LENGTH = {"aac", "ac3", "eac3", "mp3"}  # raw streams: FFmpeg extrapolates from the first frames' bit rate
_MP3_LENGTH_TAGS = (b"Xing", b"Info", b"VBRI")


class PyavDecoder:
    """A `Decoder` over FFmpeg."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._has_length_tag = any(mark in read_head(file) for mark in _MP3_LENGTH_TAGS)
        self.lost: list[Lost] = []
        self._open()
        first = self._first_frames()
        self._sample_format = first[0].format
        self.sample_rate: int = first[0].sample_rate
        self.channels: int = first[0].layout.nb_channels
        self._layout = first[0].layout.name
        self._origin = first[0].pts
        self._lead = first[0].samples
        self._frame_length = gcd(*(frame.samples for frame in first[1:-1])) if len(first) > 2 else 0
        self.format = _format_of(self._container, self._stream)
        seconds = self._header_seconds()
        self.frames = None if seconds is None else seconds * self.sample_rate
        self.promised = None if self._length_is_guessed() else self.frames
        self.ended_early = False

    def seek(self, frame: int) -> None:
        """See `Decoder.seek`."""
        if frame > _PREROLL_S * self.sample_rate and not self._jump(frame):
            self._rewind()
        while self.position < frame and len(self.read(min(frame - self.position, self.sample_rate))):
            pass
        self.lost.clear()

    def read(self, frames: int) -> Audio:
        """See `Decoder.read`."""
        block = self._held if len(self._held) else self._convert(self._gather(frames))
        self._held = block[frames:]
        self.position += min(frames, len(block))
        return block[:frames]

    def close(self) -> None:
        """See `Decoder.close`."""
        self._container.close()

    def _open(self) -> None:
        self._file.seek(0)
        try:
            self._container: InputContainer = av.open(Nameless(self._file), metadata_errors="ignore", buffer_size=_READ_BYTES)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise Refused(_reason(error)) from error
        stream = self._container.streams.best("audio")
        if stream is None:
            raise Refused("it has no audio track")
        self._stream: AudioStream = stream
        self._restart()
        self.position = 0

    def _restart(self) -> None:
        self._packets: Iterator[Packet] = self._container.demux(self._stream)
        self._waiting: list[AudioFrame | int] = []
        self._held: Audio = np.empty((0, 1), np.float32)

    def _rewind(self) -> None:
        self._container.close()
        self._open()

    def _first_frames(self) -> list[AudioFrame]:
        """The first frames; they stay waiting to be read. Raises `Refused` when there are none."""
        fruitless = 0
        while len(self._waiting) < _FIRST_FRAMES and fruitless < _FRUITLESS_PACKETS and (decoded := self._next()) is not None:
            frames = [item for item in decoded if not isinstance(item, int)]
            fruitless += not frames
            self._waiting += frames
        if not self._waiting:
            raise Refused("no sound in it can be decoded")
        return [item for item in self._waiting if not isinstance(item, int)]

    def _next(self) -> list[AudioFrame | int] | None:
        """What the next packet holds: frames, or how many a damaged one should have held; None at the end."""
        try:
            packet = next(self._packets)
        except StopIteration:
            return None
        except (av.FFmpegError, OSError):
            self.ended_early = True
            return None
        try:
            return [frame for frame in packet.decode() if frame.samples]
        except EOFError:
            return []
        except av.FFmpegError:
            return [self._length_of(packet)]

    def _length_of(self, packet: Packet) -> int:
        seconds = float(packet.duration * packet.time_base) if packet.duration and packet.time_base else 0.0
        return round(min(max(seconds, 0.0), _LONGEST_LOSS_S) * self._stream.codec_context.sample_rate)

    def _gather(self, frames: int) -> list[AudioFrame | int]:
        """Waiting and further items that make at most `frames` frames, or one item that is longer."""
        items, self._waiting = self._waiting, []
        total = sum(map(_samples, items))
        while total < frames and (decoded := self._next()) is not None:
            more = sum(map(_samples, decoded))
            if items and total + more > frames:
                self._waiting = decoded
                break
            items += decoded
            total += more
        return items

    def _convert(self, items: list[AudioFrame | int]) -> Audio:
        if not items:
            return np.empty((0, self.channels), np.float32)
        block = self._joined(items) if self._is_usual(items[0]) and self._is_usual(items[-1]) else None
        return block if block is not None else self._pieced(items)

    def _is_usual(self, item: AudioFrame | int) -> bool:
        if isinstance(item, int):
            return False
        same_format = item.sample_rate == self.sample_rate and item.format.name == self._sample_format.name
        return same_format and item.layout.nb_channels == self.channels

    def _joined(self, items: list[AudioFrame | int]) -> Audio | None:
        """All frames at once, or None when one of them is not like the others."""
        planar, dtype = self._sample_format.is_planar, np.dtype(_DTYPES[self._sample_format.packed.name])
        try:
            planes = [item.planes for item in items]  # type: ignore[union-attr]  # a loss has no planes: caught below
        except AttributeError:
            return None
        joined = bytearray().join([plane[row] for row in range(self.channels if planar else 1) for plane in planes])
        samples = np.frombuffer(joined, dtype)
        if samples.size != self.channels * sum(map(_samples, items)):
            return None  # a trimmed frame's planes are longer than its samples
        return _scaled(samples.reshape(self.channels, -1).T if planar else samples.reshape(-1, self.channels))

    def _pieced(self, items: list[AudioFrame | int]) -> Audio:
        pieces, position = [], self.position
        for item in items:
            if isinstance(item, int):
                self.lost.append(Lost(position, item))
                pieces.append(np.zeros((item, self.channels), np.float32))
            else:
                pieces += map(self._array, [item] if self._is_usual(item) else self._made_usual(item))
            position += len(pieces[-1]) if pieces else 0
        return np.concatenate(pieces) if pieces else np.empty((0, self.channels), np.float32)

    def _array(self, frame: AudioFrame) -> Audio:
        samples = frame.to_ndarray()
        return _scaled(samples.T if frame.format.is_planar else samples.reshape(-1, self.channels))

    def _made_usual(self, frame: AudioFrame) -> list[AudioFrame]:
        """A frame of another rate, layout or format (files joined end to end), as the first one was."""
        frame.pts = None
        resampler = av.AudioResampler(self._sample_format.name, self._layout, self.sample_rate)
        return [*resampler.resample(frame), *resampler.resample(None)]

    def _jump(self, frame: int) -> bool:
        """Be at `frame` minus what must be decoded before; False where that cannot be done to the sample."""
        tick = self._stream.time_base
        if self._origin is None or not tick:
            return False
        target = self._origin + round((frame / self.sample_rate - _PREROLL_S) / tick)
        try:
            self._container.seek(target, stream=self._stream)
        except (av.FFmpegError, OSError):
            return False
        self._restart()
        landed = self._landing(float(tick) * self.sample_rate)
        if landed is None or landed > frame:
            return False
        self.position = landed
        return True

    def _landing(self, tick: float) -> int | None:
        """Which frame of the recording the first decoded one is, None when its time stamp does not tell exactly."""
        while not any(not isinstance(item, int) for item in self._waiting):
            decoded = self._next()
            if decoded is None:
                return None
            self._waiting = [item for item in decoded if not isinstance(item, int)]
        first = self._waiting[0]
        if isinstance(first, int) or first.pts is None or self._origin is None:
            return None
        rough = (first.pts - self._origin) * tick
        return round(rough) if tick <= 1 else self._snapped(rough, tick)

    def _snapped(self, rough: float, tick: float) -> int | None:
        """The start of a frame that a time stamp coarser than a sample must mean, if all frames are as long."""
        if self._stream.codec_context.codec.canonical_name == "vorbis" or not self._frame_length:
            return None
        exact = self._lead + round((rough - self._lead) / self._frame_length) * self._frame_length
        return exact if abs(exact - rough) <= tick + 1 else None

    def _header_seconds(self) -> float | None:
        stream, tick = self._stream, self._stream.time_base
        if stream.duration and tick:
            skipped = (self._origin or 0) - (stream.start_time or 0)
            return float((stream.duration - skipped) * tick)
        if tag := stream.metadata.get("DURATION"):
            return _seconds_of(tag)
        whole = self._container.duration
        return whole / 1e6 if whole and not self._container.streams.video else None

    def _length_is_guessed(self) -> bool:
        return self._container.format.name in _GUESSED_LENGTH and not self._has_length_tag


def _samples(item: AudioFrame | int) -> int:
    return item if isinstance(item, int) else item.samples


def _scaled(samples: np.ndarray) -> Audio:
    if samples.dtype == np.float32:
        return samples
    if samples.dtype == np.float64:
        return samples.astype(np.float32)
    name = {1: "u8", 2: "s16", 4: "s32", 8: "s64"}[samples.dtype.itemsize]
    scaled = samples.astype(np.float32)
    scaled /= np.float32(_FULL_SCALE[name])
    return scaled - np.float32(1) if name == "u8" else scaled


def _seconds_of(clock: str) -> float | None:
    """Seconds of a text like `00:00:06.023000000`."""
    try:
        hours, minutes, seconds = map(float, clock.split(":"))
    except ValueError:
        return None
    total = hours * 3600 + minutes * 60 + seconds
    return total if isfinite(total) and total > 0 else None


def _format_of(container: InputContainer, stream: AudioStream) -> str:
    codec = stream.codec_context.codec
    name = _CODECS.get(codec.canonical_name, codec.canonical_name.upper())
    family = container.format.name.split(",")[0]
    if {name.lower(), family} <= {name.lower(), codec.canonical_name, "asf"} or (name, family) == ("Opus", "ogg"):
        return name
    inside = _CONTAINERS.get(family, family.upper())
    return f"{name} in {inside}"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
