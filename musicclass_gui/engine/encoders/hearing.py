"""Running an encoder over windows so that nothing is lost: the embeddings, and the layers that they were made of where it keeps some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.encoders import Layered, layers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.encoders import Embeddings, Encoder, LayerData
    from musicclass_gui.engine.windows import Audio


def hear(encoder: Encoder, windows: Sequence[Audio]) -> tuple[Embeddings, LayerData | None]:
    """Mono float32 windows → `(n, dim)` embeddings and `(n, count, layer dim)` float16 layers, or None for an encoder without layers."""
    if encoder.spec.layers is None or not isinstance(encoder, Layered):
        return encoder.embed(windows), None
    data = encoder.embed_layers(windows)
    return layers.apply(encoder.spec, data), data
