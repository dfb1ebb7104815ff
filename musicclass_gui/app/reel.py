"""Playing without a device: what is read, in which order, and what is heard when.

`tape` gives a recording's sound from a place on, going round a loop; a `Reel` holds some of it ready, hands it to
whoever plays, counts every frame, and so knows which moment of the recording is heard. It knows no Qt and no PortAudio.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.engine.audio import Recording
    from musicclass_gui.engine.windows import Audio, Span

_BLOCK = 4096  # frames read at a time: short, so that the first sound comes soon
_KEPT_FRAMES = 1 << 20  # loops up to this long are kept in memory, so that short ones need no seeking
_SHORTEST_LOOP_S = 0.02
_AHEAD_S = 1.5  # how much is held ready: more than the slowest seek takes

_HALF = 0.7071
_FOLD_DOWN: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {
    3: ((1, 0, _HALF), (0, 1, _HALF)),
    4: ((1, 0, _HALF, 0), (0, 1, 0, _HALF)),
    5: ((1, 0, _HALF, _HALF, 0), (0, 1, _HALF, 0, _HALF)),
    6: ((1, 0, _HALF, 0.5, _HALF, 0), (0, 1, _HALF, 0.5, 0, _HALF)),
    7: ((1, 0, _HALF, 0.5, 0.5, _HALF, 0), (0, 1, _HALF, 0.5, 0.5, 0, _HALF)),
    8: ((1, 0, _HALF, 0.5, _HALF, 0, _HALF, 0), (0, 1, _HALF, 0.5, 0, _HALF, 0, _HALF)),
}
"""Weights of channels in WAV order (ITU-R BS.775; the bass channel at half, so that no channel is ever lost)."""


class Piece(NamedTuple):
    """Sound (frames, 2) at the recording's rate, and the frame of the recording that it begins at."""

    frame: int
    sound: Audio


def tape(recording: Recording, start_s: float, loop: Span | None) -> Iterator[Piece]:
    """The recording from `start_s` to its end; with a `loop`, round and round from the loop's end to its start.

    A loop whose end is not after `start_s` is not met and so does nothing. Raises AudioError.
    """
    frame = max(0, round(start_s * recording.sample_rate))
    start, end = _loop_frames(recording, loop)
    yield from _read(recording, frame, end if frame < end else None)
    if frame < end:
        yield from _rounds(recording, start, end)


def _rounds(recording: Recording, start: int, end: int) -> Iterator[Piece]:
    """The frames `[start, end)` again and again; nothing where there are none."""
    found = True
    while found:
        found, kept = False, []
        for piece in _read(recording, start, end):
            yield piece
            found = True
            if end - start <= _KEPT_FRAMES:
                kept.append(piece)
        while kept:
            yield from kept


def _loop_frames(recording: Recording, loop: Span | None) -> tuple[int, int]:
    """First frame and the one after the last; the end is 0 for no loop."""
    if loop is None:
        return 0, 0
    start = max(0, round(loop[0] * recording.sample_rate))
    return start, max(round(loop[1] * recording.sample_rate), start + round(_SHORTEST_LOOP_S * recording.sample_rate), start + 1)


def _read(recording: Recording, frame: int, end: int | None) -> Iterator[Piece]:
    from musicclass_gui.engine.audio import open_blocks

    with open_blocks(recording, start_s=frame / recording.sample_rate, block_frames=_BLOCK) as blocks:
        for block in blocks:
            sound = stereo(block if end is None else block[: end - frame])
            if len(sound):
                yield Piece(frame, sound)
            frame += len(block)
            if end is not None and frame >= end:
                return


def stereo(block: Audio) -> Audio:
    """Sound of any number of channels (frames, channels) as two, loud enough to hear all and too soft to clip."""
    channels = block.shape[1]
    if channels <= 2:
        return block if channels == 2 else np.repeat(block, 2, axis=1)
    weights = np.array(_FOLD_DOWN.get(channels, ((1,) * channels, (1,) * channels)), np.float32)
    mixed: Audio = block @ (weights / weights.sum(axis=1, keepdims=True)).T
    return mixed


class _Heard(NamedTuple):
    """Of the last frames handed out: the time at which the first is heard, its number, and how many they were."""

    at_s: float
    first: int
    frames: int


class Reel:
    """Some seconds of sound, (frames, 2) float32, filled by one thread and emptied by another, every frame counted.

    A `cue` starts a new count; the writer names the cue that it writes for, so that late sound of an older one is
    refused. Times are of any steady clock, in seconds, the same for `fill` and `position_s`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ring = np.zeros((1, 2), np.float32)
        self._gain, self._wanted_gain = 1.0, 1.0
        self.held = True
        self.cue_number = 0
        self.starved = 0  # frames of silence handed out because nothing was ready
        self.cue(0.0)

    def cue(self, position_s: float) -> int:
        """Forget all sound; the next will be from `position_s` of the recording. The number of this cue."""
        with self._lock:
            self.cue_number += 1
            self._rate = 0
            self._marks = deque([(0.0, position_s)])
            self._written = self._handed = 0
            self._reported = 0.0
            self._heard = _Heard(0.0, 0, 0)
            self._ended = False
            return self.cue_number

    def begin(self, cue: int, rate: int) -> bool:
        """Say at which rate sound will be written for a cue; whether that cue still holds."""
        with self._lock:
            if cue == self.cue_number:
                self._rate = rate
                self._ring = np.zeros((round(_AHEAD_S * rate), 2), np.float32)
            return cue == self.cue_number

    def mark(self, cue: int, index: float, position_s: float) -> None:
        """From the frame `index` of the count on, what is heard is the recording from `position_s` on."""
        with self._lock:
            if cue == self.cue_number:
                self._marks.append((index, position_s))

    def write(self, cue: int, sound: Audio) -> int:
        """Put as much of `sound` in as there is room for; how many frames that were, −1 when the cue is over."""
        with self._lock:
            if cue != self.cue_number:
                return -1
            count = min(len(sound), len(self._ring) - (self._written - self._handed))
            places = np.arange(self._written, self._written + count) % len(self._ring)
            self._ring[places] = sound[:count]
            self._written += count
            return count

    def finish(self, cue: int) -> None:
        """Nothing more will be written for the cue."""
        with self._lock:
            self._ended = self._ended or cue == self.cue_number

    def set_gain(self, gain: float) -> None:
        """Loudness as a factor; it is reached within the next frames handed out, without a click."""
        self._wanted_gain = gain

    def fill(self, out: Audio, heard_at_s: float) -> None:
        """Hand sound out: fill `out` (frames, 1 or 2 channels), the first frame of which is heard at `heard_at_s`."""
        with self._lock:
            count = 0 if self.held else min(len(out), self._written - self._handed)
            places = np.arange(self._handed, self._handed + count) % len(self._ring)
            sound = self._ring[places] * self._ramp(count)
            out[:count] = sound if out.shape[1] == 2 else sound.mean(axis=1, keepdims=True)
            out[count:] = 0
            if count:
                self._heard = _Heard(heard_at_s, self._handed, count)
                self._handed += count
            if not (self.held or self._ended):
                self.starved += len(out) - count

    def _ramp(self, count: int) -> Audio:
        before, self._gain = self._gain, self._wanted_gain
        return np.linspace(before, self._gain, count, dtype=np.float32)[:, None]

    def position_s(self, now_s: float) -> float:
        """The moment of the recording that is heard at `now_s`; while held, the one that will be heard next.

        It never runs ahead of what was handed out, and never back.
        """
        with self._lock:
            index = self._reported = float(self._handed) if self.held else self._index_at(now_s)
            while len(self._marks) > 1 and self._marks[1][0] <= index:
                self._marks.popleft()
            return self._position(self._marks[0], index)

    def handed_s(self) -> float:
        """The moment of the recording that will be handed out next."""
        with self._lock:
            mark = [mark for mark in self._marks if mark[0] <= self._handed][-1]
            return self._position(mark, self._handed)

    def over(self, now_s: float) -> bool:
        """Whether all there is has been heard at `now_s`."""
        with self._lock:
            return self._ended and self._index_at(now_s) >= self._written

    @property
    def untouched(self) -> bool:
        """Whether nothing was handed out since the cue."""
        return self._handed == 0

    @property
    def stocked(self) -> bool:
        """Whether there is something to hand out, or never will be more."""
        with self._lock:
            return self._ended or self._written > self._handed

    def _index_at(self, now_s: float) -> float:
        heard = self._heard
        index = heard.first + (now_s - heard.at_s) * self._rate
        self._reported = max(self._reported, min(index, heard.first + heard.frames))
        return self._reported

    def _position(self, mark: tuple[float, float], index: float) -> float:
        return mark[1] + (index - mark[0]) / self._rate if self._rate else mark[1]
