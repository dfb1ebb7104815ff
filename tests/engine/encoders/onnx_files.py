"""What the tests of the ONNX slot put into a user's folder: tiny models written with onnx's own helper."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DIM = 8
MEL_RECIPE: dict[str, Any] = {
    "version": 1,
    "title": "Mine",
    "licence": "MIT",
    "sample_rate": 8000,
    "window_s": 1.0,
    "hop_s": 0.5,
    "patch": 12,
    "front_end": {"kind": "mel", "n_fft": 512, "hop_length": 256, "n_mels": 16, "log": {"kind": "ln", "offset": 0.01}},
    "layout": ["batch", "time", "mel"],
}
WAVE_RECIPE: dict[str, Any] = {
    "sample_rate": 8000,
    "window_s": 0.5,
    "front_end": {"kind": "waveform"},
    "layout": ["batch", "channel", "time"],
}


def weights(rows: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((rows, DIM)) / np.sqrt(rows)).astype(np.float32)


def model(shape: Sequence[int | str], nodes: list[Any], tensors: dict[str, np.ndarray], **outputs: Sequence[int | str]) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=9)


def mel_model(batch: int | str = "n", frames: int = 12, bands: int = 16) -> onnx.ModelProto:
    """The mean over time, times a matrix, as the output “embedding”."""
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
    ]
    return model([batch, frames, bands], nodes, {"w": weights(bands)}, embedding=[batch, DIM])


def wave_model(batch: int | str = "n", samples: int | str = 4000) -> onnx.ModelProto:
    """A convolution along the samples; the output still has its time: `(n, 8, steps)`."""
    nodes = [helper.make_node("Conv", ["sound", "w"], ["maps"], strides=[64]), helper.make_node("Relu", ["maps"], ["embedding"])]
    kernels = np.ascontiguousarray(weights(128).T.reshape(DIM, 1, 128))
    return model([batch, 1, samples], nodes, {"w": kernels}, embedding=[batch, DIM, "steps"])


def written(folder: Path, found: onnx.ModelProto, recipe: dict[str, Any], **changes: Any) -> Path:
    """A user's folder; a change that is None takes a value out of the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(found, folder / "model.onnx")
    values = {name: value for name, value in {**recipe, **changes}.items() if value is not None}
    (folder / "preprocess.json").write_text(json.dumps(values))
    return folder


def noise(seconds: float, rate: int = 8000, seed: int = 0) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).standard_normal(max(1, round(seconds * rate)))).astype(np.float32)
