"""VGGish and OpenL3 by every door: their ports' tensors, and ONNX files with their axes in any order; what is another net is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from encoders.onnx_files import model
from onnx import helper
from safetensors.torch import save_file

from musicclass_gui.engine.encoders import find_spec, onnx_slot, onnx_torch, specs, table
from musicclass_gui.engine.encoders.onnx_front import front_of
from musicclass_gui.engine.encoders.onnx_recipe import CHANNEL, MEL, TIME, Waveform
from musicclass_gui.engine.errors import EncoderError, WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders import Encoder, EncoderSpec

VGGISH, OPENL3 = onnx_slot.VGGISH, onnx_slot.OPENL3


@pytest.fixture(autouse=True)
def small_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """VGGish's linear layers, which are most of its 288 MB, are narrow here."""
    monkeypatch.setattr(onnx_torch, "VGGISH_HIDDEN", 16)


def noise(spec: EncoderSpec, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    samples = max(1, round(spec.sample_rate * seconds))
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def made(net: torch.nn.Module) -> torch.nn.Module:
    """The net, with batch norms that do something."""
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2)
    return net.eval().requires_grad_(False)


def vggish() -> torch.nn.Module:
    torch.manual_seed(0)
    return made(onnx_torch.Vggish())


def openl3() -> torch.nn.Module:
    torch.manual_seed(0)
    return made(onnx_torch.OpenL3())


def saved(folder: Path, name: str, state: dict[str, torch.Tensor]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if name.endswith(".safetensors"):
        save_file(state, folder / name)
    else:
        torch.save(state, folder / name)
    return folder / name


def loaded(spec: EncoderSpec, path: Path) -> Encoder:
    return table.load(spec, "cpu", path, fast=False)


class TestTable:
    def test_both_are_known_and_neither_is_fetched(self) -> None:
        for spec in (VGGISH, OPENL3):
            assert specs()[spec.id] == find_spec(spec.id) == spec
            assert spec.weights is not None
            assert not spec.weights.can_be_fetched

    @pytest.mark.parametrize("name", ["model.onnx", "model.safetensors", "model.pth"])
    def test_any_of_the_files_is_found_in_a_weights_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path))
        if name == "model.onnx":
            (tmp_path / "vggish").mkdir()
            onnx.save(mel_onnx(["n", 96, 64], 128), tmp_path / "vggish" / name)
        else:
            saved(tmp_path / "vggish", name, vggish().state_dict())
        assert onnx_slot.load(VGGISH).embed([noise(VGGISH)]).shape == (1, 128)

    def test_files_that_are_missing_are_asked_for(self) -> None:
        with pytest.raises(WeightsError, match=r"get them from https://github\.com/marl/openl3"):
            onnx_slot.load(OPENL3)


class TestNets:
    def test_they_have_the_published_numbers_of_parameters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnx_torch, "VGGISH_HIDDEN", 4096)
        with torch.device("meta"):
            assert sum(one.numel() for one in onnx_torch.Vggish().parameters()) == 72_141_184
            assert sum(one.numel() for one in onnx_torch.OpenL3().parameters()) == 4_687_042

    def test_their_tensors_have_the_names_of_the_ports(self) -> None:
        layers = [*(f"features.{number}" for number in (0, 3, 6, 8, 11, 13)), *(f"embeddings.{number}" for number in (0, 2, 4))]
        assert set(vggish().state_dict()) == {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
        names = {name for name in openl3().state_dict() if name.endswith("weight")}
        convolutions = {f"conv2d_{number}.weight" for number in range(1, 8)} | {"audio_embedding_layer.weight"}
        assert names == convolutions | {f"batch_normalization_{number}.weight" for number in range(1, 9)}

    def test_vggish_lays_its_maps_out_as_tensorflow_did(self) -> None:
        net, mel = vggish(), torch.randn(2, 64, 96)
        maps = net.features(mel.transpose(1, 2)[:, None])
        assert maps.shape == (2, 512, 6, 4)
        flat = torch.stack([torch.stack([maps[n, :, t, f] for t in range(6) for f in range(4)]).flatten() for n in range(2)])
        assert torch.allclose(net(mel), net.embeddings(flat), atol=1e-6)
        assert net(mel).min() < 0

    def test_openl3_pools_each_map_to_one_number(self) -> None:
        net, mel = openl3(), torch.randn(1, 256, 199)
        found: dict[str, torch.Tensor] = {}
        net.audio_embedding_layer.register_forward_hook(lambda layer, given, made: found.update(maps=made))
        embedding = net(mel)
        assert found["maps"].shape == (1, 512, 32, 24)
        assert torch.equal(embedding[0], found["maps"][0].flatten(1).max(1).values)


class TestTensors:
    @pytest.mark.parametrize(
        ("spec", "make", "name"), [(VGGISH, vggish, "model.safetensors"), (VGGISH, vggish, "model.pth"), (OPENL3, openl3, "model.pth")]
    )
    def test_a_ports_tensors_become_an_encoder(self, tmp_path: Path, spec: EncoderSpec, make: Any, name: str) -> None:
        net = make()
        encoder = loaded(spec, saved(tmp_path, name, net.state_dict()))
        windows = [noise(spec, spec.grid.window_s, seed) for seed in range(2)] + [noise(spec, 0.3)]
        together = encoder.embed(windows)
        assert together.shape == (3, spec.dim)
        front = front_of(onnx_slot._RECIPES[spec.id])
        assert np.allclose(together[1], net(front(torch.from_numpy(windows[1][None])))[0].numpy(), rtol=1e-4, atol=1e-5)
        assert np.allclose(encoder.embed([windows[2]])[0], together[2], rtol=1e-4, atol=1e-5)
        assert np.isfinite(encoder.embed([np.zeros(10, np.float32)])).all()

    def test_a_longer_window_is_the_mean_of_its_parts(self, tmp_path: Path) -> None:
        encoder = loaded(VGGISH, saved(tmp_path, "model.pth", vggish().state_dict()))
        one, other = noise(VGGISH, 0.975), noise(VGGISH, 0.975, 1)
        assert np.allclose(encoder.embed([np.r_[one, other]])[0], encoder.embed([one, other]).mean(0), rtol=1e-4, atol=1e-5)

    def test_what_ports_have_beside_the_net_is_left_aside(self, tmp_path: Path) -> None:
        extras = {"pproc.pca_eigen_vectors": torch.eye(128), "pproc.pca_means": torch.zeros(128, 1)}
        loaded(VGGISH, saved(tmp_path, "model.pth", {**vggish().state_dict(), **extras}))
        state = {name: value for name, value in openl3().state_dict().items() if "num_batches" not in name}
        loaded(OPENL3, saved(tmp_path / "openl3", "model.safetensors", {**state, "speclayer.mel_basis": torch.zeros(256, 1025)}))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"embeddings.4.bias": None}, "lacks embeddings.4.bias"),
            ({"extra": torch.zeros(1)}, "unknown extra"),
            ({"features.0.bias": torch.zeros(65)}, "another shape of features.0.bias"),
            ({"features.0.bias": torch.full((64,), torch.nan)}, "not finite"),
        ],
    )
    def test_another_net_is_refused(self, tmp_path: Path, change: dict[str, Any], words: str) -> None:
        state = {name: value for name, value in {**vggish().state_dict(), **change}.items() if value is not None}
        with pytest.raises(WeightsError, match=words):
            loaded(VGGISH, saved(tmp_path, "model.pth", state))

    def test_one_is_not_the_other(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="another net"):
            loaded(OPENL3, saved(tmp_path, "model.pth", vggish().state_dict()))


def mel_onnx(shape: list[int | str], dim: int, **outputs: int) -> onnx.ModelProto:
    """The mean over all axes but the bands, times a matrix."""
    bands = next(place for place, size in enumerate(shape) if size in (64, 256))
    axes = [place for place in range(1, len(shape)) if place != bands]
    weight = np.random.default_rng(1).standard_normal((shape[bands], dim)).astype(np.float32) / 100
    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
        *(helper.make_node("Identity", ["mean"], [name]) for name in outputs),
    ]
    return model(shape, nodes, {"w": weight}, **{name: ["n", size] for name, size in outputs.items()}, embedding=["n", dim])


class TestOnnx:
    @pytest.mark.parametrize("shape", [["n", 96, 64], ["n", 1, 96, 64], ["n", 96, 64, 1], ["n", 1, 64, 96], [1, 96, 64]])
    def test_vggish_takes_its_axes_in_any_order(self, tmp_path: Path, shape: list[int | str]) -> None:
        onnx.save(mel_onnx(shape, 128), tmp_path / "model.onnx")
        onnx.save(mel_onnx(["n", 96, 64], 128), tmp_path / "plain.onnx")
        windows = [noise(VGGISH, 0.975, seed) for seed in range(3)]
        found, plain = (loaded(VGGISH, tmp_path / name).embed(windows) for name in ("model.onnx", "plain.onnx"))
        assert found.shape == (3, 128)
        assert np.allclose(found, plain, atol=1e-5)

    def test_openl3_has_its_frequencies_before_its_time(self, tmp_path: Path) -> None:
        onnx.save(mel_onnx(["n", 256, 199, 1], 512), tmp_path / "model.onnx")
        assert loaded(OPENL3, tmp_path / "model.onnx").embed([noise(OPENL3)]).shape == (1, 512)

    def test_a_model_may_have_the_front_end_in_it(self) -> None:
        found = onnx_slot.fitted(onnx_slot.OPENL3_RECIPE, [0, 1, 48_000])
        assert found is not None
        assert found.front_end == Waveform()
        assert found.layout[1:] == (CHANNEL, TIME)

    def test_axes_are_told_by_their_sizes(self) -> None:
        found = onnx_slot.fitted(onnx_slot.VGGISH_RECIPE, [0, 64, 1, 96])
        assert found is not None
        assert found.layout[1:] == (MEL, CHANNEL, TIME)
        assert onnx_slot.fitted(onnx_slot.VGGISH_RECIPE, [0, 0, 0]) is None
        assert onnx_slot.fitted(onnx_slot.VGGISH_RECIPE, [0, 128, 96]) is None
        assert onnx_slot.fitted(onnx_slot.VGGISH_RECIPE, []) is None

    def test_the_embedding_is_told_from_other_outputs_by_its_size(self, tmp_path: Path) -> None:
        onnx.save(mel_onnx(["n", 96, 64], 128, logits=64), tmp_path / "model.onnx")
        assert loaded(VGGISH, tmp_path / "model.onnx").embed([noise(VGGISH)]).shape == (1, 128)

    def test_another_model_is_refused(self, tmp_path: Path) -> None:
        onnx.save(mel_onnx(["n", 100, 64], 128), tmp_path / "model.onnx")
        with pytest.raises(WeightsError, match="takes \\? × 100 × 64, which is not what vggish takes"):
            loaded(VGGISH, tmp_path / "model.onnx")
        onnx.save(mel_onnx(["n", 96, 64], 100), tmp_path / "model.onnx")
        with pytest.raises(EncoderError, match="100 numbers instead of 128"):
            loaded(VGGISH, tmp_path / "model.onnx").embed([noise(VGGISH)])

    @pytest.mark.filterwarnings("ignore")  # torch's exporter has many of its own
    @pytest.mark.parametrize(("spec", "make"), [(VGGISH, vggish), (OPENL3, openl3)])
    def test_both_doors_lead_to_the_same_embeddings(self, tmp_path: Path, spec: EncoderSpec, make: Any) -> None:
        """The net as torch writes it to ONNX, beside its tensors."""
        net, recipe = make(), onnx_slot._RECIPES[spec.id]
        example = torch.randn(2, recipe.bands, recipe.patch_steps)
        batch = torch.export.Dim("batch", min=1)
        torch.onnx.export(net, (example,), tmp_path / "model.onnx", dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
        windows = [noise(spec, spec.grid.window_s, seed) for seed in range(2)]
        ours = loaded(spec, tmp_path / "model.onnx").embed(windows)
        theirs = loaded(spec, saved(tmp_path, "model.pth", net.state_dict())).embed(windows)
        assert np.linalg.norm(ours - theirs) < 1e-4 * np.linalg.norm(theirs)
