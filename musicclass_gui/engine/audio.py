"""Recordings: probe them, decode them in blocks of constant memory, cut windows by seeking, resample.

Everything that reads sound goes through here. It knows nothing of encoders or pictures; which library reads which file,
and how, is behind `decoders`.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from musicclass_gui.engine.audio_length import estimated_seconds
from musicclass_gui.engine.audio_paths import (
    AUDIO_SUFFIXES,
    content_hash,
    find_recordings,
    naming_errors_of,
    open_regular,
    unreadable,
)
from musicclass_gui.engine.audio_sniff import naming, preferred_readers, read_head, why_not_audio
from musicclass_gui.engine.decoders import PYAV, Refused, Soundless, Stopped, start_decoder
from musicclass_gui.engine.errors import AudioError
from musicclass_gui.engine.windows import Audio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    import soxr

    from musicclass_gui.engine.decoders import Decoder
    from musicclass_gui.engine.task import Token

__all__ = [
    "AUDIO_SUFFIXES",
    "Audio",
    "Blocks",
    "Recording",
    "Resampler",
    "content_hash",
    "find_recordings",
    "open_blocks",
    "probe",
    "read_window",
    "to_mono",
]

BLOCK_FRAMES = 65536

_LOUDEST = 1e9  # 180 dB above full scale; the power of much more overflows float32
_LONGEST_BLOCK_S = 30.0  # keeps what a resampler makes of a block small, whatever rate a header claims
_LARGEST_BLOCK = 1 << 21  # samples of all channels together
_LEAST_BYTES_PER_S = 16.0  # no codec packs even silence tighter, so a header that says so is wrong
_MOST_BYTES_PER_SAMPLE = 16.0  # twice the largest sample there is
_LARGEST_TAGS = 1 << 16  # for the opposite lie, in short files: cover pictures may be larger, and then nothing is said
_SHORTFALL_S = 0.25  # a file may end this much before its header says without being called cut off


@dataclass(frozen=True)
class Recording:
    """An audio file that can be read in blocks.

    `duration_s` is what the header says, NaN when it says nothing (or nothing possible); `format` is for people;
    `reader` is the back end that reads it, "soundfile" or "pyav".
    """

    path: Path
    sample_rate: int
    channels: int
    duration_s: float
    format: str
    reader: str


def probe(path: Path | str) -> Recording:
    """What the file at `path` holds, without decoding more than its beginning. Raises `AudioError`."""
    path = Path(path)
    with open_regular(path) as file, naming_errors_of(path):
        reader, decoder = _first_that_reads(path, file)
        decoder.close()
        form = naming(path, decoder.format)
        return Recording(path, decoder.sample_rate, decoder.channels, _duration(decoder, file), form, reader)


def open_blocks(recording: Recording, *, start_s: float = 0.0, block_frames: int = BLOCK_FRAMES, token: Token | None = None) -> Blocks:
    """The recording from `start_s` on, in blocks of at most `block_frames` frames. Raises `AudioError`."""
    return Blocks(recording, start_s, block_frames, token)


def read_window(recording: Recording, start_s: float, end_s: float, token: Token | None = None) -> Audio:
    """The samples of `[start_s, end_s)`, float32 (frames, channels) at the native rate; fewer at the recording's end.

    Where a window of AAC coded with perceptual noise substitution is read by seeking, that noise differs from a full decode.
    """
    start = round(max(0.0, start_s) * recording.sample_rate)
    wanted = max(0, round(end_s * recording.sample_rate) - start)
    parts: list[Audio] = []
    with open_blocks(recording, start_s=start / recording.sample_rate, token=token) as blocks:
        while wanted > 0 and (block := next(blocks, None)) is not None:
            parts.append(block[:wanted])
            wanted -= len(block)
    return np.concatenate(parts) if parts else np.empty((0, recording.channels), np.float32)


def to_mono(block: Audio) -> Audio:
    """The mean of the channels: (frames, channels) to (frames,)."""
    if block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    mono: Audio = block.mean(axis=1, dtype=np.float32)
    return mono


class Blocks:
    """A recording read forwards: a context manager, and an iterator of float32 (frames, channels) at the native rate.

    `frames_read` counts what was given out; `notices` holds what a user should know, one sentence each, complete once the
    iteration has ended. Iterating raises `AudioError` when nothing can be read, and `Cancelled` when the token says so;
    the file is closed then, and at the end.
    """

    def __init__(self, recording: Recording, start_s: float, block_frames: int, token: Token | None) -> None:
        self.recording = recording
        self.frames_read = 0
        self.notices: list[str] = []
        self._token = token
        self._block_frames = _fitting_block(recording, block_frames)
        self._start = round(max(0.0, start_s) * recording.sample_rate)
        self._not_numbers = 0
        self._damaged = False
        self._open = True
        self._file = open_regular(recording.path)
        try:
            self._decoder = self._started(recording.reader)
        except BaseException:
            self._file.close()
            raise
        with self._closing_on_error():
            self._go_to(self._start)

    @property
    def readable_s(self) -> float:
        """How far into the recording it could be read up to now, in seconds."""
        return self._decoder.position / self.recording.sample_rate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Audio]:
        return self

    def __next__(self) -> Audio:
        if not self._open:
            raise StopIteration
        with self._closing_on_error():
            block = self._read(self._block_frames)
        if not len(block):
            self._finish()
            raise StopIteration
        self.frames_read += len(block)
        return self._without_not_numbers(block)

    def close(self) -> None:
        """Close the file; the iteration is over then."""
        if self._open:
            self._open = False
            self._decoder.close()
            self._file.close()

    @contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _started(self, reader: str) -> Decoder:
        with naming_errors_of(self.recording.path):
            try:
                return self._checked(start_decoder(self._file, reader), reader)
            except Refused as refusal:
                raise unreadable(self.recording.path, "it changed since it was opened", "open it again") from refusal

    def _checked(self, decoder: Decoder, reader: str) -> Decoder:
        """The decoder, if it reads what was probed. Raises `Refused`."""
        shape = decoder.sample_rate, decoder.channels
        same_form = reader != self.recording.reader or self.recording.format.startswith(decoder.format)
        if same_form and shape == (self.recording.sample_rate, self.recording.channels):
            return decoder
        decoder.close()
        raise Refused

    def _go_to(self, frame: int) -> None:
        if not frame:
            return
        try:
            self._decoder.approach(frame)
        except Stopped:
            self._go_on_with_other(frame)
        while self._decoder.position < frame and len(self._read(min(self._block_frames, frame - self._decoder.position))):
            pass
        self._decoder.lost.clear()

    def _read(self, frames: int) -> Audio:
        if self._token is not None:
            self._token.check()
        try:
            return self._decoder.read(frames)
        except Stopped:
            if self._go_on_with_other(self._decoder.position):
                return self._decoder.read(frames)
            return np.empty((0, self.recording.channels), np.float32)

    def _go_on_with_other(self, frame: int) -> bool:
        """FFmpeg may read on behind damage that libsndfile stops at; False where it does not either."""
        self._damaged = True
        promised = self._decoder.promised
        try:
            other = self._started(PYAV)
        except AudioError:
            return False
        self._decoder.close()
        self._decoder = other
        self._decoder.promised = promised
        self._go_to(frame)
        return True

    def _finish(self) -> None:
        self.close()
        if self.frames_read == 0 and self._start == 0:
            raise unreadable(self.recording.path, "no sound in it can be decoded", "copy or download it again")
        self._note_shortfall()
        self._note_losses()
        if self._damaged and not self.notices:
            self.notices.append("The file is damaged, so parts of the recording may be missing.")
        self._note_not_numbers()

    def _note_shortfall(self) -> None:
        if not self.frames_read:
            return
        promised, read = self._decoder.promised, _spoken(self.readable_s)
        promised_s = math.nan if promised is None else promised / self.recording.sample_rate
        if promised_s - self.readable_s > _SHORTFALL_S:
            why = "the file is cut off or damaged there"
            self.notices.append(f"Only the first {read} of {_spoken(promised_s)} could be read because {why}.")
        elif self._decoder.ended_early:
            self.notices.append(f"The file breaks off at {read}, so the end of the recording may be missing.")

    def _note_losses(self) -> None:
        lost = self._decoder.lost
        if lost:
            rate = self.recording.sample_rate
            at, total = _spoken(lost[0].position / rate), _spoken(max(0.1, sum(loss.frames for loss in lost) / rate))
            where = f"from {at} on, {total} in all" if len(lost) > 1 else f"at {at}, {total} long"
            self.notices.append(f"Damaged sound ({where}) was replaced by silence.")

    def _note_not_numbers(self) -> None:
        if self._not_numbers:
            what = "1 sample that was no number" if self._not_numbers == 1 else f"{self._not_numbers:,} samples that were no numbers"
            self.notices.append(f"Silence replaces {what} (NaN, infinite or far too large).")

    def _without_not_numbers(self, block: Audio) -> Audio:
        if block.min() > -_LOUDEST and block.max() < _LOUDEST:  # false where there is a NaN
            return block
        numbers = np.abs(block) < _LOUDEST
        self._not_numbers += int(block.size - np.count_nonzero(numbers))
        return np.where(numbers, block, np.float32(0))


class Resampler:
    """Resamples audio that arrives in blocks, (frames,) or (frames, channels), as if it were whole (soxr, HQ)."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._rates = rate_in, rate_out
        self._stream: soxr.ResampleStream | None = None
        self._nothing: Audio = np.empty(0, np.float32)

    def push(self, block: Audio) -> Audio:
        """What can be given out after `block`."""
        self._nothing = block[:0]
        if self._rates[0] == self._rates[1] or not len(block):
            return block
        if self._stream is None:
            self._stream = self._started(1 if block.ndim == 1 else block.shape[1])
        resampled: Audio = self._stream.resample_chunk(np.ascontiguousarray(block))
        return resampled

    def finish(self) -> Audio:
        """What was held back; nothing may be pushed after."""
        if self._stream is None:
            return self._nothing
        resampled: Audio = self._stream.resample_chunk(self._nothing, last=True)
        return resampled

    def _started(self, channels: int) -> soxr.ResampleStream:
        import soxr

        return soxr.ResampleStream(*self._rates, channels, dtype="float32", quality="HQ")


def _first_that_reads(path: Path, file: FileIO) -> tuple[str, Decoder]:
    head = read_head(file)
    refusal = Refused()
    for reader in preferred_readers(head):
        try:
            return reader, _sounding(start_decoder(file, reader))
        except Refused as latest:
            refusal = latest
    raise unreadable(path, *why_not_audio(head, refusal)) from refusal


def _sounding(decoder: Decoder) -> Decoder:
    """The decoder, if it gives any sound at all. Raises `Soundless`."""
    try:
        if len(decoder.read(1)):
            return decoder
    except Stopped:
        pass
    decoder.close()
    raise Soundless("no sound in it can be decoded")


def _duration(decoder: Decoder, file: FileIO) -> float:
    """Seconds by the header, NaN when it says nothing or what cannot be; `file` is left anywhere."""
    if decoder.promised is None and decoder.format in ("MP3", "AAC") and (estimate := estimated_seconds(file)) is not None:
        return estimate
    seconds = math.nan if decoder.frames is None else decoder.frames / decoder.sample_rate
    return seconds if _is_possible(seconds, decoder, file.seek(0, 2)) else math.nan


def _is_possible(seconds: float, decoder: Decoder, size: int) -> bool:
    most = seconds * _MOST_BYTES_PER_SAMPLE * decoder.sample_rate * decoder.channels + _LARGEST_TAGS
    may_hold_pictures = " in " in decoder.format
    return seconds * _LEAST_BYTES_PER_S <= size and (size <= most or may_hold_pictures)


def _fitting_block(recording: Recording, frames: int) -> int:
    return max(1, min(frames, int(_LONGEST_BLOCK_S * recording.sample_rate), _LARGEST_BLOCK // recording.channels))


def _spoken(seconds: float) -> str:
    """A length of time as people say it: 12.3 s, 3 min 20 s, 1 h 2 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"
