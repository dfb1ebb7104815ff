"""Reading through FFmpeg (PyAV): mp3, AAC, ALAC, WMA, Opus, and the audio track of video files.

Imported only by `decoders`, when a file needs it, because it loads FFmpeg.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import chain, islice
from typing import TYPE_CHECKING

import av

from musicclass_gui.engine.audio_length import tagged_seconds
from musicclass_gui.engine.audio_sniff import lacks_end, read_head
from musicclass_gui.engine.decoders import Lost, Nameless, Refused, Soundless
from musicclass_gui.engine.pyav_samples import Gap, SampleJoiner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from av.packet import Packet

    from musicclass_gui.engine.pyav_samples import Item
    from musicclass_gui.engine.windows import Audio

_READ_BYTES = 1 << 16
_PREROLL_S = 0.5  # what codecs with a memory (mp3's bit reservoir, Opus, AAC overlap) need to settle after a jump
_FIRST_FRAMES = 4  # decoded at once, to learn rate, channels and frame length from sound rather than from headers
_FRUITLESS_PACKETS = 512  # without a single frame among them: the file is not what it seems
_LEAST_GAP_S = 0.05  # time stamps jitter by less
_STAMP_JITTER_S = 0.002  # of stamps in milliseconds, at both ends of a gap
_LONGEST_GAP_S = 10.0  # a longer jump of the time stamps is a damaged stamp rather than missing sound
_LONGEST_PACKET_S = 1.0

_CODECS = {
    "mp3": "MP3",
    "mp2": "MP2",
    "wmav1": "WMA",
    "wmav2": "WMA",
    "wmapro": "WMA Pro",
    "wmalossless": "WMA Lossless",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "opus": "Opus",
    "vorbis": "Vorbis",
    "wavpack": "WavPack",
    "ape": "Monkey’s Audio",
}
_CONTAINERS = {"mov": "MP4", "matroska": "Matroska", "ogg": "Ogg", "mpegts": "MPEG-TS"}
_PLAIN = {("MP3", "mp3"), ("MP2", "mp3"), ("AAC", "aac"), ("AC-3", "ac3"), ("E-AC-3", "eac3"), ("Opus", "ogg"), ("WavPack", "wv")}
_PCM_CONTAINERS = ("wav", "aiff", "au", "caf")
_RAW = {"mp3", "aac", "ac3", "eac3"}  # streams without a container: FFmpeg guesses their length from the first frames
_INEXACT_SEEK = {"aac", "ac3", "eac3"}  # after a jump their time stamps come from the guessed bit rate
_INEXACT_STAMPS = {"vorbis"}  # after a jump off by up to 448 samples, where long and short blocks meet


class PyavDecoder:
    """A `Decoder` over FFmpeg."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        tagged_s = tagged_seconds(read_head(file))
        self._is_tagged = tagged_s is not None  # then what else cannot be decoded at the end is no part of the music
        self.lost: list[Lost] = []
        self.ended_early = lacks_end(file)
        self._held: Audio | None = None
        self._frame_length = 0
        self._open()
        try:
            self._learn(list(islice(self._items, _FIRST_FRAMES)))
        except BaseException:
            self.close()
            raise
        self.format = _format_of(self._container.format.name, self._stream)
        self.frames = self._header_frames()
        self.promised = self._promised_frames(tagged_s)

    def approach(self, frame: int) -> None:
        """See `Decoder.approach`."""
        if frame > _PREROLL_S * self.sample_rate and not self._jump(frame):
            self._container.close()
            self._open()

    def read(self, frames: int) -> Audio:
        """See `Decoder.read`."""
        block = self._held if self._held is not None else self._next_block(frames)
        self._held = block[frames:] if len(block) > frames else None
        self.position += min(frames, len(block))
        return block[:frames]

    def close(self) -> None:
        """See `Decoder.close`."""
        self._container.close()

    def _open(self) -> None:
        self._file.seek(0)
        try:
            self._container = av.open(Nameless(self._file), "r", metadata_errors="ignore", buffer_size=_READ_BYTES)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise Refused(str(error)) from error
        stream = self._container.streams.best("audio")
        if not isinstance(stream, av.AudioStream) or stream.codec_context is None:
            self._container.close()
            raise Soundless("it has no audio track" if stream is None else "its sound is coded in a way that FFmpeg does not know")
        self._stream = stream
        if stream.codec_context.codec.canonical_name == "flac":
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._restart()
        self.position = 0

    def _restart(self) -> None:
        self._items = self._decoded()
        self._ahead: deque[Item] = deque()
        self._held = None

    def _learn(self, first: list[Item]) -> None:
        """What the first frames tell. They stay to be read."""
        frames = [item for item in first if not isinstance(item, Gap)]
        if not frames or not frames[0].sample_rate or not frames[0].layout.nb_channels:
            raise Soundless("no sound in it can be decoded")
        self._ahead.extend(first)
        self._joiner = SampleJoiner(frames[0])
        self.sample_rate, self.channels = self._joiner.sample_rate, self._joiner.channels
        self._origin: int | None = frames[0].pts
        self._lead = frames[0].samples
        self._frame_length = math.gcd(*(frame.samples for frame in frames[1:-1]))

    def _decoded(self) -> Iterator[Item]:
        """All frames from here on, and gaps where some are missing between two of them."""
        missing, fruitless, due = 0.0, 0, math.inf
        tick = float(self._stream.time_base or 1)
        for packet in self._demuxed():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                missing += 0.0 if isinstance(error, EOFError) else _seconds_of(packet)
                fruitless += 1
                if due == math.inf and fruitless == _FRUITLESS_PACKETS:
                    return
                continue
            for frame in frames:
                pts = due if frame.pts is None else frame.pts
                if missing or (pts - due) * tick > _LEAST_GAP_S:
                    yield from self._gaps(missing, (pts - due) * tick, frame.sample_rate)
                    missing = 0.0
                due = pts + frame.samples / ((frame.sample_rate or 1) * tick)
                yield frame
        self.ended_early = self.ended_early or (missing > 0 and not self._is_tagged)

    def _gaps(self, missing: float, jump: float, sample_rate: int) -> Iterator[Gap]:
        """What stands for `missing` seconds of damaged packets, or for the time stamps' `jump` where those tell more.

        Nothing before the first frame, where `jump` is minus infinity. Pieces of at most a second, so that a long gap needs
        no more memory than a short one.
        """
        stamps_tell = _LEAST_GAP_S < jump < _LONGEST_GAP_S and self._container.format.name not in _RAW
        seconds = jump if stamps_tell else missing
        samples = 0 if jump == -math.inf else self._to_whole_frames(round(seconds * sample_rate))
        while samples > 0:
            yield Gap(min(samples, sample_rate))
            samples -= sample_rate

    def _to_whole_frames(self, samples: int) -> int:
        if not self._frame_length:
            return samples
        whole = round(samples / self._frame_length) * self._frame_length
        return whole if abs(whole - samples) < _STAMP_JITTER_S * self.sample_rate else samples

    def _demuxed(self) -> Iterator[Packet[av.AudioStream]]:
        try:
            yield from self._container.demux(self._stream)
        except (av.FFmpegError, OSError):
            self.ended_early = True

    def _next_block(self, frames: int) -> Audio:
        while items := self._gathered(frames):
            self._note_gaps(items)
            if len(block := self._joiner.join(items)):
                return block
        return self._joiner.join([])

    def _note_gaps(self, items: list[Item]) -> None:
        position = self.position
        for item in items:
            if isinstance(item, Gap):
                self.lost.append(Lost(position, item.samples))
            position += item.samples

    def _gathered(self, frames: int) -> list[Item]:
        """Items that make at most `frames` frames, or one that is longer."""
        items: list[Item] = []
        total = 0
        for item in chain(self._taken_from_ahead(), self._items):
            total += item.samples
            if total > frames and items:
                self._ahead.appendleft(item)
                break
            items.append(item)
            if total >= frames:
                break
        return items

    def _taken_from_ahead(self) -> Iterator[Item]:
        while self._ahead:
            yield self._ahead.popleft()

    def _jump(self, frame: int) -> bool:
        """Be a little before `frame`; False where it cannot be told to the sample where a jump leads."""
        tick = self._stream.time_base
        codec = self._stream.codec_context.codec.canonical_name
        if self._origin is None or not tick or self._container.format.name in _INEXACT_SEEK or codec in _INEXACT_STAMPS:
            return False
        target = self._origin + round((frame / self.sample_rate - _PREROLL_S) / tick)
        try:
            self._container.seek(target, stream=self._stream)
        except (av.FFmpegError, OSError):
            return False
        self._restart()
        first = next(self._items, None)
        if first is None or isinstance(first, Gap) or first.pts is None:
            return False
        landed = self._frame_of(first.pts - self._origin, float(tick) * self.sample_rate)
        if landed is None or not 0 <= landed <= frame:
            return False
        self._ahead.append(first)
        self.position = landed
        return True

    def _frame_of(self, ticks: int, frames_per_tick: float) -> int | None:
        """Which frame is `ticks` behind the start, None when that cannot be told.

        Where a tick is longer than a frame (Matroska, WMA: 1 ms), the stamp must mean a multiple of the codec's frame length.
        """
        rough = ticks * frames_per_tick
        if frames_per_tick <= 1:
            return round(rough)
        if not self._frame_length:
            return None
        exact = self._lead + round((rough - self._lead) / self._frame_length) * self._frame_length
        return exact if abs(exact - rough) <= frames_per_tick + 1 else None

    def _header_frames(self) -> float | None:
        seconds = self._header_seconds()
        codec = self._stream.codec_context
        skipped = codec.delay if codec.codec.canonical_name == "opus" else 0
        return None if seconds is None or not math.isfinite(seconds) else max(0.0, seconds * self.sample_rate - skipped)

    def _header_seconds(self) -> float | None:
        stream, tick = self._stream, float(self._stream.time_base or 0)
        if stream.duration:
            return stream.duration * tick
        started_s = (self._origin or 0) * tick
        if tag := stream.metadata.get("DURATION"):
            return _seconds_of_clock(tag) - started_s
        if self._container.duration and not self._container.streams.video:
            return self._container.duration / av.time_base - started_s
        return None

    def _promised_frames(self, tagged_s: float | None) -> float | None:
        """An mp3's tag counts; what FFmpeg says goes by the file's size where more follows the music."""
        if self._container.format.name not in _RAW:
            return self.frames
        return None if tagged_s is None else min(tagged_s * self.sample_rate, self.frames or math.inf)


def _seconds_of(packet: Packet[av.AudioStream]) -> float:
    """How much sound a packet that cannot be decoded should have held; a claim of more than a second is damage too."""
    seconds = float(packet.duration * packet.time_base) if packet.duration and packet.time_base else 0.0
    return min(max(seconds, 0.0), _LONGEST_PACKET_S)


def _seconds_of_clock(clock: str) -> float:
    """Seconds of a text like `00:00:06.023000000`; NaN of any other."""
    try:
        hours, minutes, seconds = map(float, clock.split(":"))
    except ValueError:
        return math.nan
    return hours * 3600 + minutes * 60 + seconds


def _format_of(container: str, stream: av.AudioStream) -> str:
    codec = stream.codec_context.codec.canonical_name
    name = "PCM" if codec.startswith("pcm_") else _CODECS.get(codec, codec.upper())
    family = container.split(",")[0]
    if name == "PCM" and family in _PCM_CONTAINERS:
        return family.upper()
    if (name, family) in _PLAIN or family in (codec, "asf"):
        return name
    return f"{name} in {_CONTAINERS.get(family, family.upper())}"
