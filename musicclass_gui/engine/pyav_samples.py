"""FFmpeg's decoded frames as one float32 block.

Frames are joined in bulk and converted once: a call into Python per frame and channel costs as much as decoding does.
Imported only by `decoders_pyav`, because it loads FFmpeg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.frame import AudioFrame
    from numpy.typing import NDArray

    from musicclass_gui.engine.windows import Audio

_FORMATS: dict[str, tuple[type[np.generic], float]] = {
    "u8": (np.uint8, 2.0**7),
    "s16": (np.int16, 2.0**15),
    "s32": (np.int32, 2.0**31),
    "s64": (np.int64, 2.0**63),
    "flt": (np.float32, 1.0),
    "dbl": (np.float64, 1.0),
}


class Gap(NamedTuple):
    """So many samples that could not be decoded."""

    samples: int


Item: TypeAlias = "AudioFrame | Gap"


class SampleJoiner:
    """Makes blocks of (frames, channels) from frames like `first`; others are resampled and remixed to match."""

    def __init__(self, first: AudioFrame) -> None:
        self.sample_rate: int = first.sample_rate
        self.channels: int = first.layout.nb_channels
        self._layout = first.layout.name
        self._format = first.format
        self._dtype, self._full_scale = _FORMATS[first.format.packed.name]
        self._adapter: av.AudioResampler | None = None

    def join(self, items: list[Item]) -> Audio:
        """One block of all items, gaps as silence; (0, channels) of none."""
        if not items:
            return np.empty((0, self.channels), np.float32)
        block = self._joined_at_once(items)
        return np.concatenate([*self._one_by_one(items)] or [self.join([])]) if block is None else block

    def _joined_at_once(self, items: list[Item]) -> Audio | None:
        """None when an item is not like the others. Only the ends are looked at closely: rates do not change for moments."""
        lengths = [item.samples for item in items]
        alike = lengths.count(lengths[0]) == len(lengths) and self._is_usual(items[0]) and self._is_usual(items[-1])
        if not alike or any(type(item) is Gap for item in items):
            return None
        planes = [item.planes for item in items if not isinstance(item, Gap)]
        rows = self.channels if self._format.is_planar else 1
        joined = np.frombuffer(bytearray().join([plane[row] for row in range(rows) for plane in planes]), self._dtype)
        padded = joined.reshape(rows, len(items), -1)
        samples = padded[:, :, : lengths[0] * self.channels // rows].reshape(rows, -1)
        return self._scaled(samples.T if self._format.is_planar else samples.reshape(-1, self.channels))

    def _one_by_one(self, items: list[Item]) -> Iterator[Audio]:
        for item in items:
            if isinstance(item, Gap):
                yield np.zeros((item.samples, self.channels), np.float32)
            elif self._is_usual(item):
                yield self._array(item)
            else:
                yield from self._adapted(item)

    def _is_usual(self, item: Item) -> bool:
        if isinstance(item, Gap):
            return False
        shape = item.sample_rate, item.layout.nb_channels, item.format.name
        return shape == (self.sample_rate, self.channels, self._format.name)

    def _array(self, frame: AudioFrame) -> Audio:
        """Not `to_ndarray`: PyAV counts a ninth plane in eight planar channels, and reading that one crashes."""
        rows = self.channels if self._format.is_planar else 1
        count = frame.samples * self.channels // rows
        samples = np.stack([np.frombuffer(memoryview(frame.planes[row]), self._dtype, count) for row in range(rows)])
        return self._scaled(samples.T if self._format.is_planar else samples.reshape(-1, self.channels))

    def _scaled(self, samples: NDArray[np.generic]) -> Audio:
        with np.errstate(over="ignore"):  # doubles too large become infinite, and are dealt with as such
            scaled = samples.astype(np.float32, copy=False)
        if self._full_scale == 1.0:
            return scaled
        scaled /= np.float32(self._full_scale)
        return scaled - np.float32(1) if self._dtype is np.uint8 else scaled

    def _adapted(self, frame: AudioFrame) -> list[Audio]:
        """As in files joined end to end that differ in rate or channels; silence where that cannot be done."""
        frame.pts = None
        for _ in range(2):
            try:
                return [self._array(adapted) for adapted in self._started_adapter().resample(frame)]
            except (ValueError, av.FFmpegError):  # it was set up for yet another kind of frame
                self._adapter = None
        return [np.zeros((frame.samples, self.channels), np.float32)]

    def _started_adapter(self) -> av.AudioResampler:
        if self._adapter is None:
            self._adapter = av.AudioResampler(self._format.name, self._layout, self.sample_rate)
        return self._adapter
