"""Tags of a user's own model: read out of its last layer, they are what the model itself says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from encoders.onnx_files import DIM, MEL_RECIPE, mel_model, model, noise, weights, written
from onnx import helper

from musicclass_gui.engine.encoders import Tagger, onnx_slot
from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ["slow", "fast", "loud"]
RECIPE: dict[str, Any] = {**MEL_RECIPE, "patch": 32, "output": "embedding", "tags": {"output": "tags", "labels": LABELS}}
WEIGHT, BIAS = weights(3), np.array([0.1, -0.2, 0.3], np.float32)


def tagging(*nodes: Any, last: str = "Sigmoid", **tensors: np.ndarray) -> onnx.ModelProto:
    all_nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["made"]),
        helper.make_node("Identity", ["made"], ["embedding"]),
        *nodes,
        helper.make_node(last, ["logits"], ["tags"]),
    ]
    return model(["n", 32, 16], all_nodes, {"w": weights(16), **tensors}, tags=["n", 3], embedding=["n", DIM])


def gemm(**how: Any) -> onnx.ModelProto:
    v = WEIGHT if how.get("transB") else np.ascontiguousarray(WEIGHT.T)
    return tagging(helper.make_node("Gemm", ["made", "v", "b"], ["logits"], **how), v=v, b=BIAS)


def matmul() -> onnx.ModelProto:
    nodes = [helper.make_node("MatMul", ["embedding", "v"], ["product"]), helper.make_node("Add", ["b", "product"], ["logits"])]
    return tagging(*nodes, v=np.ascontiguousarray(WEIGHT.T), b=BIAS)


@pytest.mark.parametrize("found", [gemm(), gemm(transB=1), matmul()], ids=["gemm", "gemm transposed", "matmul and add"])
def test_tags_are_what_the_model_says(tmp_path: Path, found: onnx.ModelProto) -> None:
    folder = written(tmp_path, found, RECIPE)
    spec = onnx_slot.spec_of(folder, "mine")
    assert spec.tags == "3 tags of its own"
    encoder = onnx_slot.load(spec, "cpu", folder)
    assert isinstance(encoder, Tagger)
    head = encoder.tag_head()
    assert head.names == tuple(LABELS)
    window = noise(1.0)
    tags = 1 / (1 + np.exp(-(encoder.embed([window]) @ head.weight.T + head.bias)))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    import torch

    from musicclass_gui.engine.encoders import onnx_front, onnx_recipe

    sound = onnx_front.front_of(onnx_recipe.read(folder / "preprocess.json"))(torch.from_numpy(window[None])).numpy()
    [expected] = session.run(["tags"], {"sound": np.ascontiguousarray(sound.transpose(0, 2, 1))})
    assert np.allclose(tags, expected, atol=1e-5)


def test_weights_beside_the_model_are_read(tmp_path: Path) -> None:
    folder = written(tmp_path, gemm(), RECIPE)
    onnx.save(gemm(), folder / "model.onnx", save_as_external_data=True, location="model.data", size_threshold=0)
    encoder = onnx_slot.load(onnx_slot.spec_of(folder, "mine"), "cpu", folder)
    assert isinstance(encoder, Tagger)
    assert np.array_equal(encoder.tag_head().weight, WEIGHT)


def test_a_model_without_tags_is_no_tagger(tmp_path: Path) -> None:
    folder = written(tmp_path, mel_model(), MEL_RECIPE)
    spec = onnx_slot.spec_of(folder, "mine")
    assert spec.tags == ""
    assert not isinstance(onnx_slot.load(spec, "cpu", folder), Tagger)


@pytest.mark.parametrize(
    ("found", "tags", "words"),
    [
        (gemm(), {"output": "tags", "labels": LABELS[:2]}, "has 3 tags for 8 numbers, and “tags.labels” names 2"),
        (gemm(), {"output": "genres", "labels": LABELS}, "has no output “genres”"),
        (gemm(), {"output": "embedding", "labels": LABELS}, "has no output “embedding” besides"),
        (gemm(), {"output": "tags", "labels": ["a", "b", "a"]}, "a name twice"),
        (gemm(), {"output": "tags"}, "“tags.labels” is missing"),
        (gemm(alpha=2.0), RECIPE["tags"], "not one linear layer"),
        (
            tagging(helper.make_node("Gemm", ["mean", "v", "b"], ["logits"]), v=weights(16)[:, :3].copy(), b=BIAS),
            RECIPE["tags"],
            "not one linear layer",
        ),
        (
            tagging(helper.make_node("Gemm", ["made", "v", "b"], ["logits"]), last="Softmax", v=WEIGHT.T.copy(), b=BIAS),
            RECIPE["tags"],
            "not one linear layer",
        ),
        (
            tagging(helper.make_node("Gemm", ["made", "v", "b"], ["logits"]), v=WEIGHT.T.copy(), b=np.full(3, np.nan, np.float32)),
            RECIPE["tags"],
            "not finite",
        ),
    ],
)
def test_tags_that_cannot_be_had_are_refused(tmp_path: Path, found: onnx.ModelProto, tags: dict[str, Any], words: str) -> None:
    with pytest.raises(EncoderError, match=words):
        onnx_slot.spec_of(written(tmp_path, found, RECIPE, tags=tags), "mine")
