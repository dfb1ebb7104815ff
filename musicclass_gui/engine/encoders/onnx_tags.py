"""The tags of an ONNX model: its last layer, read out of the graph, where tags are the sigmoid of a linear layer on the embedding.

It runs nothing. Imports onnx, so it is only imported when a model is added or loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper, numpy_helper

from musicclass_gui.engine.encoders import Embeddings, TagHead, onnx_check
from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

    from musicclass_gui.engine.encoders.onnx_recipe import Tags

_PASSING = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze")  # the same numbers in another shape


def head_of(path: Path, embedding: str, tags: Tags, dim: int) -> TagHead:
    """What turns embeddings, the output `embedding` ("" for the only other one), into tags. Raises EncoderError when there is none."""
    model = onnx_check.read(path)
    graph = _Graph(model, path)
    names = [output.name for output in model.graph.output if output.name != tags.output]
    if tags.output in (embedding, "") or len(names) == len(model.graph.output):
        raise EncoderError(f"“{path.name}” has no output “{tags.output}” besides the embedding, so there are no tags.")
    found = graph.linear(tags.output)
    if found is None or graph.source(found[0]) != graph.source(embedding or names[0]):
        raise EncoderError(f"The tags of “{path.name}” are not one linear layer and a sigmoid after the embedding; leave “tags” out.")
    _, weight, bias = found
    if weight.shape != (len(tags.labels), dim) or bias.shape != (len(tags.labels),):
        raise EncoderError(
            f"“{path.name}” has {len(weight)} tags for {weight.shape[-1]} numbers, and “tags.labels” names {len(tags.labels)}."
        )
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise EncoderError(f"The tags of “{path.name}” have weights that are not finite, so it is damaged; get it again.")
    return TagHead(tags.labels, weight, bias)


class _Graph:
    """Which node makes what."""

    def __init__(self, model: onnx.ModelProto, path: Path) -> None:
        self._folder = str(path.parent)
        self._made = {output: node for node in model.graph.node for output in node.output}
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._constants |= {
            node.output[0]: one.t
            for node in model.graph.node
            if node.op_type == "Constant"
            for one in node.attribute
            if one.name == "value"
        }

    def linear(self, output: str) -> tuple[str, Embeddings, Embeddings] | None:
        """What a sigmoid's linear layer is fed with, its weight `(tags, dim)` and bias `(tags,)`; None when it is something else."""
        sigmoid = self._made.get(self.source(output))
        if sigmoid is None or sigmoid.op_type != "Sigmoid":
            return None
        node = self._made.get(self.source(sigmoid.input[0]))
        if node is not None and node.op_type == "Gemm":
            return self._gemm(node)
        return self._product(node)

    def source(self, name: str) -> str:
        """Where the same numbers come from, whatever their shape."""
        while (node := self._made.get(name)) is not None and node.op_type in _PASSING:
            name = node.input[0]
        return name

    def _gemm(self, node: Any) -> tuple[str, Embeddings, Embeddings] | None:
        said = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        weight = self._numbers(node.input[1])
        if weight is None or weight.ndim != 2 or said.get("transA") or {said.get("alpha", 1.0), said.get("beta", 1.0)} != {1.0}:
            return None
        weight = weight if said.get("transB") else weight.T
        bias = self._numbers(node.input[2]) if len(node.input) > 2 else np.zeros(len(weight), np.float32)
        return None if bias is None else (node.input[0], np.ascontiguousarray(weight), bias.reshape(-1))

    def _product(self, node: Any) -> tuple[str, Embeddings, Embeddings] | None:
        """A product of matrices, and perhaps what is added to it."""
        bias = None
        if node is not None and node.op_type == "Add":
            given = [self._numbers(name) for name in node.input]
            bias = next((numbers for numbers in given if numbers is not None), None)
            inner = next((name for name, numbers in zip(node.input, given, strict=True) if numbers is None), "")
            node = self._made.get(self.source(inner)) if bias is not None else None
        if node is None or node.op_type != "MatMul":
            return None
        weight = self._numbers(node.input[1])
        if weight is None or weight.ndim != 2:
            return None
        return node.input[0], np.ascontiguousarray(weight.T), np.zeros(weight.shape[1], np.float32) if bias is None else bias.reshape(-1)

    def _numbers(self, name: str) -> Embeddings | None:
        tensor = self._constants.get(self.source(name))
        return None if tensor is None else np.asarray(numpy_helper.to_array(tensor, self._folder), np.float32)
