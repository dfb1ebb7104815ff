"""Embeddings for benchmarks: every item is decoded and embedded once per encoder and way of cutting, for all methods, orders and seeds.

They are kept in the program's embedding cache by the content of the file, so that a second run, or another protocol, computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.protocol import Tell
    from musicclass_gui.engine.encoders import Embeddings, LayerData
    from musicclass_gui.engine.task import Token


@dataclass(frozen=True)
class Cut:
    """How items become chunks of `chunk_s` seconds.

    "grid": consecutive from the start, round(length / chunk) of them and at least 1; a longer tail is cut off, a shorter one filled with
    silence (the ISMIR 2024 paper, its code's evaluation). "random": `count` chunks per item at starts drawn uniformly with `seed`, a fixed
    set that stands for fresh draws in every epoch. "whole": the encoder's own windows over the item.
    """

    kind: str
    chunk_s: float = 0.0
    count: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        """What tells its embeddings from those of other cuts in the cache."""
        return f"bench-{self.kind}-{self.chunk_s:g}-{self.count}-{self.seed}"


@dataclass(frozen=True)
class Chunks:
    """An item's chunks: `data` (n, dim) float32, and `layers` (n, count, dim) float16 where the encoder keeps several."""

    data: Embeddings
    layers: LayerData | None = None


@dataclass(frozen=True)
class Heard:
    """All items that could be heard by key, and sentences on those that could not, which never become silence."""

    chunks: dict[str, Chunks]
    problems: tuple[str, ...] = ()


def embed(
    items: Sequence[Item],
    encoder_id: str,
    cut: Cut,
    token: Token,
    tell: Tell,
    *,
    device: str = "auto",
    weights_folder: str = "",
) -> Heard:
    """Cut and embed items with an encoder, or take it from the cache. Raises EncoderError, WeightsError, Cancelled."""
    raise NotImplementedError
