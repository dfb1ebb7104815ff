"""The whole road of what comes through the ONNX slot: a file, its windows, embeddings, a taught classifier, an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import soundfile
import torch
from encoders.onnx_files import MEL_RECIPE, WAVE_RECIPE, mel_model, model, wave_model, weights, written
from onnx import helper

from musicclass_gui.engine import encoders
from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.encoders import onnx_torch, registry
from musicclass_gui.engine.errors import EncoderError
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import plan_drop
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer

RATE = 22_050


def silently(_news: object) -> None:
    """Nobody listens."""


def clip(path: Path, pitch: float, number: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time, chance = np.arange(3 * RATE) / RATE, np.random.default_rng(number)
    soundfile.write(path, 0.2 * np.sin(2 * np.pi * pitch * time) + 0.02 * chance.standard_normal(len(time)), RATE)
    return path


def answer(folder: Path, encoder_id: str) -> Answer:
    """Teach low and high sounds, and ask about a high one."""
    for name, pitch in (("low", 110.0), ("high", 1760.0)):
        for number in range(3):
            clip(folder / "music" / name / f"{number}.wav", pitch * (1 + number / 40), number)
    desk = Desk(folder / "cache", device="cpu")
    desk.open(folder / "one.musicclass", create=True)
    desk.taught(plan_drop([folder / "music"], budget_s=None), Wanted(0, encoder=encoder_id), Token(), silently)
    request = Request(clip(folder / "asked.wav", 1780.0, 7), (), device="cpu", picture=False, project=str(folder / "one.musicclass"))
    [found] = Analyst(folder / "cache").analyse(request, Token(), silently)
    desk.close()
    return found


def tagged(patches: int) -> onnx.ModelProto:
    """Made as those models are that have an embedding and tags, 64 patches at a time: `(64, 128, 96)`."""
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embeddings"]),
        helper.make_node("MatMul", ["embeddings", "v"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["activations"]),
    ]
    return model(
        [patches, 128, 96], nodes, {"w": weights(96), "v": weights(8).T @ weights(8)}, activations=[patches, 8], embeddings=[patches, 8]
    )


ESSENTIA: dict[str, Any] = {
    "sample_rate": 16_000,
    "window_s": 2.048,
    "hop_s": 1.024,
    "patch": 128,
    "front_end": {
        "kind": "mel",
        "n_fft": 512,
        "hop_length": 256,
        "n_mels": 96,
        "window": "hann_symmetric",
        "log": {"kind": "log10", "multiplier": 10_000, "offset": 1},
    },
    "layout": ["batch", "time", "mel"],
    "output": "embeddings",
}


@pytest.mark.parametrize(
    ("found", "recipe"),
    [(mel_model(), MEL_RECIPE), (wave_model(), {**WAVE_RECIPE, "output_layout": ["batch", "dim", "time"]}), (tagged(64), ESSENTIA)],
    ids=["mel", "waveform", "patches of 64"],
)
def test_a_users_own_model(tmp_path: Path, found: onnx.ModelProto, recipe: dict[str, Any]) -> None:
    spec = registry.add_folder(written(tmp_path / "my model", found, recipe), "Mine")
    assert spec.family == "onnx_slot"
    assert encoders.find_spec(spec.id) == spec
    assert answer(tmp_path, spec.id).ranking[0].label == "high"


def test_a_users_own_model_that_was_changed_is_not_used(tmp_path: Path) -> None:
    folder = written(tmp_path / "mine", mel_model(), MEL_RECIPE)
    spec = registry.add_folder(folder, "Mine")
    written(folder, mel_model("batch"), MEL_RECIPE)
    with pytest.raises(EncoderError):
        encoders.load(spec.id)


def test_a_folder_that_is_refused_is_not_added(tmp_path: Path) -> None:
    folder = written(tmp_path / "mine", mel_model(), MEL_RECIPE, output="logits")
    with pytest.raises(EncoderError, match="has no output “logits”"):
        registry.add_folder(folder, "Mine")
    assert registry.rows() == ()


def onnx_file(shape: list[int | str], axes: list[int], dim: int) -> onnx.ModelProto:
    bands = next(size for place, size in enumerate(shape) if place and place not in axes)
    weight = np.random.default_rng(0).standard_normal((int(bands), dim)).astype(np.float32) / 100
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
    ]
    return model(shape, nodes, {"w": weight}, embedding=["n", dim])


@pytest.mark.parametrize(
    ("encoder_id", "shape", "axes", "dim"), [("vggish", ["n", 96, 64], [1], 128), ("openl3", ["n", 256, 199, 1], [2, 3], 512)]
)
def test_known_encoders_as_onnx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_id: str, shape: list[int | str], axes: list[int], dim: int
) -> None:
    monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path / "weights"))
    (tmp_path / "weights" / encoder_id).mkdir(parents=True)
    onnx.save(onnx_file(shape, axes, dim), tmp_path / "weights" / encoder_id / "model.onnx")
    assert answer(tmp_path, encoder_id).ranking[0].label == "high"


@pytest.mark.parametrize(("encoder_id", "make"), [("vggish", onnx_torch.Vggish), ("openl3", onnx_torch.OpenL3)])
def test_known_encoders_as_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_id: str, make: type[torch.nn.Module]) -> None:
    monkeypatch.setattr(onnx_torch, "VGGISH_HIDDEN", 64)
    monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path / "weights"))
    (tmp_path / "weights" / encoder_id).mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(make().state_dict(), tmp_path / "weights" / encoder_id / "model.pth")
    assert answer(tmp_path, encoder_id).ranking[0].label == "high"
