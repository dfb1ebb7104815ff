"""Recordings to embeddings for building: the same road as for an opened recording, without pictures, answers or cache."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import cutting, distortion
from musicclass_gui.engine.build import datasets
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.build.datasets import Dataset, Example
    from musicclass_gui.engine.encoders import Embeddings, Encoder
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Grid, Span, Window


@dataclass(frozen=True)
class Embedded:
    """One recording's windows: embeddings `(n, dim)` and their spans. `copies` are the same windows as they may come: `(k · n, dim)`."""

    example: Example
    data: Embeddings
    spans: list[Span]
    copies: Embeddings | None = None

    @property
    def taught(self) -> Embeddings:
        """What a head learns of it."""
        return self.data if self.copies is None else np.concatenate([self.data, self.copies])

    def copied(self) -> Embedded:
        """The first copy as a recording of its own, to be judged."""
        return self if self.copies is None else replace(self, data=self.copies[: len(self.data)], copies=None)

    @property
    def mean(self) -> Embeddings:
        """The mean embedding, `(dim,)`."""
        return np.asarray(self.data.mean(axis=0, dtype=np.float64), np.float32)


def embed(dataset: Dataset, encoder: Encoder, token: Token, copies: int = 0) -> list[Embedded]:
    """Every recording of `dataset` as `encoder` sees it, on the encoder's own grid, and `copies` of it as it may come to a user.

    Raises AudioError, DataError, Cancelled.
    """
    spec, found = encoder.spec, []
    for number, example in enumerate(dataset.examples):
        token.progress(number / len(dataset.examples), f"{spec.id}: {example.name}")
        windows = windows_of(example.path, spec.grid, spec.sample_rate, token)
        sounds = [w.samples for w in windows]
        changed = encoder.embed(_changed(sounds, spec.sample_rate, example.name, copies)) if copies else None
        found.append(Embedded(example, encoder.embed(sounds), [(w.start_s, w.end_s) for w in windows], changed))
    return found


def _changed(sounds: list[Audio], rate: int, name: str, copies: int) -> list[Audio]:
    """Copies of windows, each changed by chance, the same chance for the same recording."""
    chance = np.random.default_rng([7, *name.encode()])
    return [distortion.as_it_may_come(sound, rate, chance) for _ in range(copies) for sound in sounds]


def embed_strangers(dataset: Dataset, encoder: Encoder, token: Token) -> dict[str, list[Embeddings]]:
    """The windows' embeddings of some of `dataset.strangers`, by what they are; of none where there are none."""
    found = {what: datasets.thinned(paths) for what, paths in dataset.strangers.items() if paths}
    return {what: [_embedded(path, encoder, token) for path in paths] for what, paths in found.items()}


def _embedded(path: Path, encoder: Encoder, token: Token) -> Embeddings:
    spec = encoder.spec
    return encoder.embed([window.samples for window in windows_of(path, spec.grid, spec.sample_rate, token)])


def windows_of(path: Path, grid: Grid, sample_rate: int, token: Token) -> list[Window]:
    """The windows of a recording that are not silent. Raises AudioError, and DataError when there is none."""
    heard = [window for window in cutting.windows_of(path, grid, sample_rate, token) if window.loud]
    if not heard:
        raise DataError(f"{path} is silent, so nothing can be learned from it.")
    return heard
