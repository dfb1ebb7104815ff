"""What the cells of a run share: the recordings with their truth, and their frames, samples or embeddings when these are asked for.

Frames come from the program's cache one recording at a time, samples are decoded and kept as long as there is room.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from musicclass_gui.engine import places
from musicclass_gui.engine.benchmark.classical import features
from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.errors import AudioError, BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.classical.parting import Parting
    from musicclass_gui.engine.benchmark.data import Found, Item
    from musicclass_gui.engine.benchmark.embedded import Heard
    from musicclass_gui.engine.benchmark.splits import Split
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio

Frames = NDArray[np.float32]
Rows = NDArray[np.float64]

_HELD_BYTES = 1 << 30
NET_RATE = 16_000


class Sounds(Sequence["Audio"]):
    """Recordings' samples, mono at 16 kHz, decoded when they are asked for; the first 1 GB stays in memory.

    `damaged` says by key what was wrong with those that were decoded.
    """

    def __init__(self, items: Sequence[Item], token: Token) -> None:
        self._items, self._token = items, token
        self._held: dict[int, Audio] = {}
        self._left = _HELD_BYTES
        self.damaged: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place: int) -> Audio:  # type: ignore[override]  # slices are not asked for
        if place not in self._held:
            found, reading = features.samples(self._items[place], NET_RATE, self._token)
            if reading.notices:
                self.damaged[self._items[place].key] = " ".join(reading.notices)
            if found.nbytes > self._left:
                return found
            self._held[place], self._left = found, self._left - found.nbytes
        return self._held[place]


@dataclass(frozen=True)
class Material:
    """The data, their split in each mode, and by key what could not be heard, and what is heard but damaged.

    `embeddings` are by key, where metric learning was asked for.
    """

    found: Found
    partings: dict[str, Parting]
    unheard: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    embeddings: dict[str, Rows] = field(default_factory=dict)
    vectors: Rows | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with recordings, a sentence each."""
        return tuple(f"{key}: {why}" for key, why in (self.damaged | self.unheard).items())

    def items(self, split: Split, part: str) -> list[Item]:
        """The recordings of a part that can be heard. Raises BenchmarkError where none is left of training or test."""
        wanted = set(split.part(part))
        kept = [item for item in self.found.items if item.key in wanted and item.key not in self.unheard]
        if not kept and part != "valid":
            raise BenchmarkError(f"None of the recordings for {part} can be heard; see the list of problems.")
        return kept

    def truth(self, items: Sequence[Item]) -> Rows:
        """`(n, outputs)` 0/1 in the order of the classes."""
        classes = self.found.classes
        rows = [[float(name in item.labels) for name in classes] for item in items]
        return np.array(rows, np.float64).reshape(len(items), len(classes))


def checked_frames(items: Sequence[Item], token: Token) -> tuple[dict[str, str], dict[str, str]]:
    """Measure the frames of all recordings that the cache lacks; by key, why one cannot be heard, how one is damaged. Raises Cancelled."""
    unheard, damaged = {}, {}
    with opened(places.cache_dir()) as cache:
        for number, item in enumerate(items):
            token.check()
            token.progress(number / len(items), f"Frames of {number + 1:,} of {len(items):,} recordings")
            try:
                features.of(item, cache, token)
                if why := features.damage(item, cache, token):
                    damaged[item.key] = why
            except AudioError as error:
                unheard[item.key] = str(error)
    return unheard, damaged


def reasons(problems: Sequence[str], keys: Collection[str]) -> dict[str, str]:
    """What is wrong by key, of sentences that begin with a key and a colon; keys may hold colons."""
    found = {}
    for text in problems:
        parts = text.split(": ")
        sizes = [size for size in range(1, len(parts)) if ": ".join(parts[:size]) in keys]
        if sizes:
            found[": ".join(parts[: sizes[-1]])] = ": ".join(parts[sizes[-1] :])
    return found


def frames(items: Sequence[Item], columns: list[int], token: Token) -> list[Frames]:
    """The chosen columns of each recording's frames. Raises AudioError, Cancelled."""
    found = []
    with opened(places.cache_dir()) as cache:
        for item in items:
            token.check()
            found.append(np.ascontiguousarray(features.of(item, cache, token)[:, columns]))
    return found


def means(heard: Heard) -> dict[str, Rows]:
    """The mean of each item's embeddings over its windows."""
    return {key: chunks.data.mean(axis=0, dtype=np.float64) for key, chunks in heard.chunks.items()}
