"""Encoders: frozen maps from mono audio windows to embeddings, one file per family.

This module holds what all of them share: the description, the protocol, the table, and the door to load one.
Importing it loads no torch and no librosa; an encoder's own module does, when it is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from musicclass_gui.engine.windows import Grid  # noqa: TC001 (specs are read from JSON, which needs their types)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from musicclass_gui.engine.windows import Audio

Embeddings = NDArray[np.float32]
LayerData = NDArray[np.float16]


@dataclass(frozen=True)
class Layers:
    """What a layered encoder keeps of each window: `count` vectors of `dim` numbers, numbered from `first` as its paper does.

    `joined` says how an embedding is made of several: "mean", or "concat" one after the other.
    """

    count: int
    dim: int
    joined: str
    first: int = 0


@dataclass(frozen=True)
class View:
    """Which layers make the embedding: a weight for each, which sum to 1 for "mean" and are 0 or 1 for "concat"."""

    weights: tuple[float, ...]


@dataclass(frozen=True)
class WeightsFile:
    """One file of an encoder's weights: `name` in its folder, `url` to fetch it from ("" where a hub has it).

    `size_bytes` 0 and `sha256` "" say that its publisher may change it, so that it cannot be told from others before it is looked into.
    """

    name: str
    url: str = ""
    size_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class WeightsSource:
    """Where an encoder's weights come from: their public home, who may use them, and how to tell that they are the right ones.

    `folder` is their sub-folder of a weights folder ("": the encoder's id), `hub` a Hugging Face repository that has the files, at
    `revision`. `restricted` weights may not be used for everything, commerce for one. What has neither `hub` nor a `url` cannot be fetched.
    """

    home: str
    licence: str
    files: tuple[WeightsFile, ...]
    folder: str = ""
    hub: str = ""
    revision: str = "main"
    restricted: bool = False
    hub_bytes: int = 0  # about what a hub's files are together

    @property
    def size_bytes(self) -> int:
        """What a download takes, about."""
        return self.hub_bytes or sum(file.size_bytes for file in self.files)

    @property
    def can_be_fetched(self) -> bool:
        """Whether its publisher lets anyone download it."""
        return bool(self.hub) or all(file.url for file in self.files)


@dataclass(frozen=True)
class EncoderSpec:
    """What one must know of an encoder before loading it. `id` and `version` together name its embeddings.

    `family` is the module of this package that loads it. An encoder with `layers` keeps several vectors of each window, of which `view`
    makes the embedding; then `of` is the encoder whose layers they are (`layers.find`). `tags` says what its tags are, where it has
    some; `words` whether it can compare sound with text; `rounding` what faster arithmetic costs, where it can be had. `good_at` are
    sentences on how good it is at what, each with its source.
    """

    id: str
    version: str
    title: str
    sample_rate: int
    grid: Grid
    dim: int
    licence: str
    weights: WeightsSource | None = None
    family: str = ""
    layers: Layers | None = None
    view: View | None = None
    of: str = ""
    tags: str = ""
    words: bool = False
    rounding: str = ""
    good_at: tuple[str, ...] = ()


class Encoder(Protocol):
    """A loaded encoder."""

    spec: EncoderSpec

    @property
    def device(self) -> str:
        """Where it runs now: "cpu", "cuda:0"."""
        ...

    @property
    def notices(self) -> list[str]:
        """Sentences on why it does not run as it was asked to."""
        ...

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at `spec.sample_rate`, of any length ≥ 1 sample each → `(len(windows), dim)`.

        A window's embedding depends on its own samples only, not on its batch (to 1e-4 relative).
        """
        ...


@runtime_checkable
class Layered(Encoder, Protocol):
    """An encoder that keeps several vectors of each window."""

    def embed_layers(self, windows: Sequence[Audio]) -> LayerData:
        """Windows as for `embed` → `(len(windows), spec.layers.count, spec.layers.dim)` float16."""
        ...


@runtime_checkable
class Tagger(Encoder, Protocol):
    """An encoder that was trained to tag, and still can."""

    def tag_head(self) -> TagHead:
        """What turns its embeddings into its tags."""
        ...


@dataclass(frozen=True)
class TagHead:
    """The last layer of a tagger: probabilities `(n, len(names))` are the sigmoid of `embeddings @ weight.T + bias`.

    `weight` is `(len(names), dim)` and `bias` `(len(names),)`, float32.
    """

    names: tuple[str, ...]
    weight: Embeddings
    bias: Embeddings


def specs() -> dict[str, EncoderSpec]:
    """Every encoder that the program knows, those that the user added too, by id, in order of preference for showing."""
    from musicclass_gui.engine.encoders import registry, table

    return {spec.id: spec for spec in (*table.rows(), *registry.rows())}


def find_spec(encoder_id: str) -> EncoderSpec | None:
    """An encoder by its id, which may name a view of another one's layers: `mert-v1-95m_7` (see `layers.find`)."""
    from musicclass_gui.engine.encoders import layers

    known = specs()
    return known.get(encoder_id) or layers.find(encoder_id, known)


def load(encoder_id: str, *, device: str = "cpu", weights: Path | None = None, fast: bool = False) -> Encoder:
    """Load an encoder on `device`; `weights` is its weights file or folder, or None to look where `weights.find` looks.

    `fast` lets those that can (`EncoderSpec.rounding`) compute with rounded numbers. Weights that are loaded for the first time are tested.
    Raises EncoderError for an unknown id or one that fails its test, WeightsError when weights are missing or are not the expected ones.
    """
    from musicclass_gui.engine import offline
    from musicclass_gui.engine.encoders import layers, selftest, table
    from musicclass_gui.engine.errors import EncoderError

    offline.guard()
    spec = find_spec(encoder_id)
    if spec is None:
        raise EncoderError(f"There is no encoder “{encoder_id}”; known are {', '.join(specs())}.")
    if spec.of:
        return layers.Viewed(load(spec.of, device=device, weights=weights, fast=fast), spec)
    encoder = table.load(spec, device, weights, fast=fast)
    selftest.once(encoder, weights, rounded=fast and bool(spec.rounding))
    return encoder


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
