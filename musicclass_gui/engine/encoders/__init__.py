"""Encoders: frozen maps from mono audio windows to embeddings, one file per family.

This module holds what all of them share: the description, the protocol, the table, and the door to load one.
Importing it loads no torch and no librosa; an encoder's own module does, when it is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from musicclass_gui.engine.windows import Audio, Grid

Embeddings = NDArray[np.float32]


@dataclass(frozen=True)
class WeightsSource:
    """Where an encoder's weights come from: their public home and how to tell that they are the right ones."""

    url: str
    file_name: str
    size_bytes: int
    sha256: str
    licence: str


@dataclass(frozen=True)
class EncoderSpec:
    """What one must know of an encoder before loading it. `id` and `version` together name its embeddings."""

    id: str
    version: str
    title: str
    sample_rate: int
    grid: Grid
    dim: int
    licence: str
    weights: WeightsSource | None = None


class Encoder(Protocol):
    """A loaded encoder. `device` is where it runs now ("cpu", "cuda:0"); `notices` are sentences on why it is not as asked for."""

    spec: EncoderSpec
    device: str
    notices: list[str]

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at `spec.sample_rate`, of any length ≥ 1 sample each → `(len(windows), dim)`.

        A window's embedding depends on its own samples only, not on its batch (to 1e-4 relative).
        """
        ...


def specs() -> dict[str, EncoderSpec]:
    """Every encoder that the program knows, by id, in order of preference for showing."""
    from musicclass_gui.engine.encoders import mobilenet, timbre

    return {spec.id: spec for spec in (timbre.SPEC, mobilenet.SPEC)}


def load(encoder_id: str, *, device: str = "cpu", weights: Path | None = None) -> Encoder:
    """Load an encoder on `device`; `weights` is its weights file, or None to look where `weights.find` looks.

    Raises EncoderError for an unknown id, WeightsError when weights are missing or are not the expected ones.
    """
    from musicclass_gui.engine.encoders import mobilenet, timbre
    from musicclass_gui.engine.errors import EncoderError

    loaders: dict[str, Callable[[str, Path | None], Encoder]] = {
        timbre.SPEC.id: timbre.load,
        mobilenet.SPEC.id: mobilenet.load,
    }
    if encoder_id not in loaders:
        raise EncoderError(f"There is no encoder “{encoder_id}”; known are {', '.join(loaders)}.")
    return loaders[encoder_id](device, weights)


@runtime_checkable
class Tunable(Encoder, Protocol):
    """An encoder that can be had with other last tensors."""

    def with_tail(self, tensors: Mapping[str, Embeddings]) -> Encoder:
        """An encoder like this with some of its last tensors replaced. Raises WeightsError when they do not fit."""
        ...


def with_tail(encoder: Encoder, tensors: Mapping[str, Embeddings]) -> Encoder:
    """The encoder as fine-tuning left its end. Raises EncoderError for an encoder that cannot be tuned, WeightsError for wrong tensors."""
    from musicclass_gui.engine.errors import EncoderError

    if not isinstance(encoder, Tunable):
        raise EncoderError(f"The encoder {encoder.spec.id} has no blocks that could have been tuned; get the classifier again.")
    return encoder.with_tail(tensors)
