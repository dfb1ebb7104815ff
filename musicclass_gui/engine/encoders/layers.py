"""Layers and views: an encoder that keeps several vectors of each window is run once, and which of them count is chosen afterwards.

A view's id is its encoder's with `_` and what is taken: `mert-v1-95m_7` is one layer, `choi2017_23` are two, `mert-v1-95m_mean` is the
mean of all. Mixes that were learned have names of their own (see `registry`). It knows no net and no file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.encoders import View
from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec, LayerData, Layers
    from musicclass_gui.engine.windows import Audio

MEAN = "mean"


def find(encoder_id: str, known: Mapping[str, EncoderSpec]) -> EncoderSpec | None:
    """The view that an id names, or None."""
    base, _, name = encoder_id.rpartition("_")
    spec = known.get(base)
    if spec is None or spec.layers is None or spec.of:
        return None
    view = view_of(spec.layers, name)
    return None if view is None else viewed(spec, encoder_id, view, f"{spec.title}, {_words(spec.layers, name)}")


def viewed(spec: EncoderSpec, view_id: str, view: View, title: str) -> EncoderSpec:
    """The description of a view of a layered encoder."""
    if spec.layers is None:
        raise EncoderError(f"The encoder {spec.id} has no layers to choose from.")
    return replace(spec, id=view_id, title=title, view=view, of=spec.id, dim=dim_of(spec.layers, view), tags="", words=False, good_at=())


def view_of(layers: Layers, name: str) -> View | None:
    """The view by its name: "mean", one number, or several digits where layers are joined one after the other. None when it is no name."""
    if layers.joined == "mean" and name == MEAN:
        return View((1.0 / layers.count,) * layers.count)
    numbers = _numbers(layers, name)
    return _picked(layers, numbers) if numbers else None


def every(layers: Layers) -> View:
    """All layers: their mean, or one after the other."""
    return View((1.0 / layers.count if layers.joined == "mean" else 1.0,) * layers.count)


def dim_of(layers: Layers, view: View) -> int:
    """How many numbers an embedding has."""
    return layers.dim if layers.joined == "mean" else layers.dim * sum(1 for weight in view.weights if weight)


def apply(spec: EncoderSpec, data: LayerData) -> Embeddings:
    """`(n, count, dim)` layers → `(n, spec.dim)` float32 embeddings of the encoder's view."""
    if spec.layers is None or spec.view is None:
        raise EncoderError(f"The encoder {spec.id} has no layers to choose from.")
    weights = np.asarray(spec.view.weights, np.float32)
    if spec.layers.joined == "concat":
        return np.asarray(data[:, weights > 0], np.float32).reshape(len(data), spec.dim)
    embeddings: Embeddings = np.einsum("l,nld->nd", weights, np.asarray(data, np.float32))
    return embeddings


class Viewed:
    """A layered encoder as one of its views. Raises EncoderError for one that has no layers."""

    def __init__(self, encoder: Encoder, spec: EncoderSpec) -> None:
        from musicclass_gui.engine.encoders import Layered

        if not isinstance(encoder, Layered):
            raise EncoderError(f"The encoder {encoder.spec.id} has no layers to choose from.")
        self.spec = spec
        self._encoder = encoder

    @property
    def device(self) -> str:
        """Where it runs now."""
        return self._encoder.device

    @property
    def notices(self) -> list[str]:
        """Why it does not run as asked for."""
        return self._encoder.notices

    def embed_layers(self, windows: Sequence[Audio]) -> LayerData:
        """All layers, whichever the view takes."""
        return self._encoder.embed_layers(windows)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """What the view makes of the layers."""
        return apply(self.spec, self.embed_layers(windows))


def _numbers(layers: Layers, name: str) -> list[int]:
    """The layers that a name lists, spelt in the only way: another spelling would be another encoder with the same embeddings."""
    if not (name.isdecimal() and name.isascii()):
        return []
    if layers.joined == "mean":
        return [int(name)] if len(name) < 4 and str(int(name)) == name else []
    return [int(digit) for digit in name] if list(name) == sorted(set(name)) else []


def _picked(layers: Layers, numbers: list[int]) -> View | None:
    places = {number - layers.first for number in numbers}
    if not places or not places <= set(range(layers.count)):
        return None
    return View(tuple(1.0 if place in places else 0.0 for place in range(layers.count)))


def _words(layers: Layers, name: str) -> str:
    if name == MEAN:
        return "mean of all layers"
    return f"layer {name}" if layers.joined == "mean" or len(name) == 1 else f"layers {', '.join(name)}"
