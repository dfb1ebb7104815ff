"""A folder of the HuBERT family gives what `transformers` would, without its code being run, and a bad one is refused in a sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from encoders import hubert_folders
from safetensors.torch import load_file, save_file

from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import Layers, WeightsSource, exported, hubert, hubert_files, hubert_net, layers, registry
from musicclass_gui.engine.errors import EncoderError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.encoders.hubert import HubertEncoder
    from musicclass_gui.engine.windows import Audio

RATE = 24_000
SHORTEST = 400
KEPT = 1e-3  # what float16 leaves of a number, and a little more


def music(seconds: float, seed: int = 0) -> Audio:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    made = sum(rng.uniform(0.02, 0.2) * np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in rng.uniform(80, 4000, 8))
    return (made + 0.02 + 0.01 * rng.standard_normal(len(t))).astype(np.float32)


def relative(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b))


def theirs(folder: Path, window: Audio, config: Any = None) -> NDArray[np.float32]:
    """What plain `transformers` makes of a window: `(layers, dim)`."""
    from transformers import HubertModel

    model = HubertModel.from_pretrained(folder, local_files_only=True, **({"config": config} if config else {})).eval()
    with torch.inference_mode():
        made = model(torch.from_numpy(window[None]), output_hidden_states=True)
    return torch.stack([state[0].mean(0) for state in (*made.hidden_states[:-1], made.last_hidden_state)]).numpy()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hubert_folders.save_new(tmp_path_factory.mktemp("own") / "tiny-hubert", hubert_folders.made_model())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = hubert_folders.made_model(1, **hubert_folders.LARGE)
    return hubert_folders.save_new(tmp_path_factory.mktemp("own") / "large-hubert", model)


@pytest.fixture(scope="module")
def mert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hubert_folders.save_as_mert(tmp_path_factory.mktemp("own") / "tiny-mert", hubert_folders.made_model())


@pytest.fixture
def copied(tiny: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny, tmp_path / "copy")


def loaded(folder: Path, encoder_id: str = "own", **how: Any) -> HubertEncoder:
    return hubert.load(hubert.spec_of(folder, encoder_id, "Own"), weights_folder=folder, **how)


class TestTable:
    def test_it_has_both_sizes_each_with_and_without_normalised_windows(self) -> None:
        assert [spec.id for spec in hubert.SPECS] == ["mert-v1-95m", "mert-v1-95m-norm", "mert-v1-330m", "mert-v1-330m-norm"]
        assert all(spec.weights is not None and spec.weights.restricted and spec.weights.can_be_fetched for spec in hubert.SPECS)

    def test_normalising_shares_the_weights(self) -> None:
        plain, normalising = hubert.SPECS[:2]
        assert plain.weights == normalising.weights
        assert plain.weights is not None
        assert plain.weights.folder == plain.id

    def test_views_are_found_by_their_ids(self) -> None:
        assert encoders.find_spec("mert-v1-95m_12") is not None
        assert encoders.find_spec("mert-v1-95m_13") is None
        assert encoders.find_spec("mert-v1-330m-norm_24") is not None

    def test_the_published_geometry_is_the_default_one(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "mert_model"}', "utf-8")
        geometry = hubert_files.geometry(tmp_path)
        assert (geometry.layers, geometry.dim, geometry.shortest) == (13, 768, SHORTEST)
        with torch.device("meta"):
            numbers = sum(parameter.numel() for parameter in hubert_net.built(geometry).parameters())
        assert 94_360_000 < numbers < 94_380_000
        assert geometry.weights == pytest.approx(numbers, rel=0.01)


class TestLikeTransformers:
    def test_new_folder(self, tiny: Path) -> None:
        window = music(1.5)
        made = loaded(tiny).embed_layers([window])
        assert made.shape == (1, 4, 24)
        assert made.dtype == np.float16
        assert relative(made[0], theirs(tiny, window)) < KEPT

    def test_large_net(self, large: Path) -> None:
        window = music(1.5)
        assert relative(loaded(large).embed_layers([window])[0], theirs(large, window)) < KEPT

    def test_merts_folder(self, mert: Path, tiny: Path) -> None:
        """The same weights under MERT's names, in torch's old format: its own code, which ends the program, is not looked at."""
        window = music(1.0)
        assert np.array_equal(loaded(mert).embed_layers([window]), loaded(tiny).embed_layers([window]))

    def test_old_names_are_read_as_transformers_reads_them(self, mert: Path, tiny: Path) -> None:
        from transformers import HubertConfig

        window = music(1.0)
        config = HubertConfig.from_pretrained(tiny)
        assert relative(loaded(mert).embed_layers([window])[0], theirs(mert, window, config)) < KEPT

    def test_normalised_windows_are_those_of_the_feature_extractor(self, large: Path) -> None:
        from transformers import Wav2Vec2FeatureExtractor

        window = music(1.0)
        extractor = Wav2Vec2FeatureExtractor(sampling_rate=RATE, do_normalize=True)
        normalised = extractor(window, sampling_rate=RATE, return_tensors="np").input_values[0]
        made = loaded(large, "own-norm").embed_layers([window])[0]
        assert relative(made, theirs(large, normalised)) < KEPT
        assert relative(made, loaded(large).embed_layers([window])[0]) > 0.01

    def test_a_first_layer_with_group_norm_hardly_notices(self, tiny: Path) -> None:
        """So `…-norm` differs from MERT as it is in quiet windows only."""
        loud, quiet = music(1.0), 1e-5 * music(1.0)
        plain, normalising = loaded(tiny), loaded(tiny, "own-norm")
        assert relative(normalising.embed([loud]), plain.embed([loud])) < 1e-3
        assert relative(normalising.embed([quiet]), plain.embed([quiet])) > 0.01

    def test_half_precision_weights_are_read(self, copied: Path) -> None:
        path = copied / "model.safetensors"
        save_file({name: tensor.half() for name, tensor in load_file(path).items()}, path)
        assert np.isfinite(loaded(copied).embed([music(0.5)])).all()

    def test_safetensors_come_first(self, copied: Path) -> None:
        before = loaded(copied).embed([music(0.5)])
        (copied / "pytorch_model.bin").write_bytes(b"no weights")
        assert np.array_equal(loaded(copied).embed([music(0.5)]), before)


class TestWindows:
    @pytest.mark.parametrize("encoder_id", ["own", "own-norm"])
    def test_every_length_keeps_its_place(self, tiny: Path, encoder_id: str) -> None:
        encoder = loaded(tiny, encoder_id)
        windows = [music(1.0, seed)[:length] for seed, length in enumerate([24_000, 1, 399, 24_000, SHORTEST, 719, 24_000])]
        together = encoder.embed(windows)
        assert together.shape == (7, 24)
        assert together.dtype == np.float32
        for window, embedding in zip(windows, together, strict=True):
            assert relative(embedding, encoder.embed([window])[0]) < 1e-4

    def test_batch_of_the_net_is_like_single(self, tiny: Path) -> None:
        geometry = hubert_files.geometry(tiny)
        net = hubert_net.read(tiny, geometry)
        batch = torch.from_numpy(np.stack([music(1.0, seed) for seed in range(3)]))
        with torch.inference_mode():
            assert relative(net(batch)[1].numpy(), net(batch[1:2])[0].numpy()) < 1e-5

    def test_what_is_too_short_is_followed_by_silence(self, tiny: Path) -> None:
        short = music(1.0)[:100]
        assert np.array_equal(loaded(tiny).embed([short]), loaded(tiny).embed([np.pad(short, (0, SHORTEST - 100))]))

    @pytest.mark.parametrize("encoder_id", ["own", "own-norm"])
    def test_silence_is_finite(self, tiny: Path, encoder_id: str) -> None:
        assert np.isfinite(loaded(tiny, encoder_id).embed([np.zeros(RATE, np.float32), np.zeros(1, np.float32)])).all()

    def test_no_windows_no_rows(self, tiny: Path) -> None:
        encoder = loaded(tiny)
        assert encoder.embed([]).shape == (0, 24)
        assert encoder.embed_layers([]).shape == (0, 4, 24)

    def test_numbers_too_large_for_float16_stay_finite(self, copied: Path) -> None:
        path = copied / "model.safetensors"
        state = load_file(path)
        state["encoder.layers.2.final_layer_norm.bias"] += 1e6
        save_file(state, path)
        assert loaded(copied).embed_layers([music(0.5)]).max() == np.finfo(np.float16).max

    def test_rounded_arithmetic_is_near(self, tiny: Path) -> None:
        windows = [music(1.0, seed) for seed in range(3)]
        assert relative(loaded(tiny, fast=True).embed(windows), loaded(tiny).embed(windows)) < 0.05

    def test_a_device_that_is_not_there_becomes_a_notice(self, tiny: Path) -> None:
        encoder = loaded(tiny, device="cuda:99")
        assert encoder.device == "cpu"
        assert "the CPU is used" in encoder.notices[0]


class TestOwnFolder:
    def test_spec_follows_its_config(self, tiny: Path, mert: Path) -> None:
        spec = hubert.spec_of(tiny, "mine", "Mine")
        assert (spec.id, spec.title, spec.dim, spec.family, spec.sample_rate) == ("mine", "Mine", 24, "hubert", 16_000)
        assert spec.layers == Layers(4, 24, "mean")
        assert hubert.spec_of(mert, "mine", "Mine").sample_rate == 24_000

    def test_front_end_says_rate_and_normalisation(self, copied: Path) -> None:
        said = {"sampling_rate": 22_050, "do_normalize": True}
        (copied / "preprocessor_config.json").write_text(json.dumps(said), "utf-8")
        assert hubert.spec_of(copied, "mine", "Mine").sample_rate == 22_050
        assert np.array_equal(loaded(copied).embed([music(0.5)]), loaded(copied, "own-norm").embed([music(0.5)]))

    @pytest.mark.parametrize("rate", [0, -1, 10**9, "24000", 24_000.5, True])
    def test_odd_rates_are_refused(self, copied: Path, rate: object) -> None:
        (copied / "preprocessor_config.json").write_text(json.dumps({"sampling_rate": rate}), "utf-8")
        with pytest.raises(WeightsError, match="sampling_rate"):
            hubert.spec_of(copied, "mine", "Mine")

    def test_it_is_found_once_added_and_its_layers_can_be_chosen(self, tiny: Path) -> None:
        spec = registry.add_folder(tiny, "Mine")
        windows = [music(0.5), music(1.0)]
        every = loaded(tiny).embed_layers(windows).astype(np.float32)
        assert relative(encoders.load(spec.id).embed(windows), every.mean(axis=1)) < 1e-6
        assert np.array_equal(encoders.load(f"{spec.id}_2").embed(windows), every[:, 2])
        assert encoders.find_spec(f"{spec.id}_4") is None

    def test_a_learned_mix_is_a_view(self, tiny: Path) -> None:
        base = registry.add_folder(tiny, "Mine")
        mix = registry.add_mix(base.id, "mix", encoders.View((0.5, 0.25, 0.25, 0.0)))
        expected = layers.apply(mix, loaded(tiny).embed_layers([music(0.5)]))
        assert np.array_equal(encoders.load(mix.id).embed([music(0.5)]), expected)


def published(folder: Path, encoder_id: str, tiny: Path) -> EncoderSpec:
    """A row of the table as it would be if the published net were tiny, its weights in FOLDER."""
    spec = next(spec for spec in hubert.SPECS if spec.id == encoder_id)
    net = hubert.spec_of(tiny, encoder_id, "").layers
    assert net is not None
    assert isinstance(spec.weights, WeightsSource)
    return replace(spec, layers=net, view=layers.every(net), dim=net.dim)


class TestRowsOfTheTable:
    def test_both_use_the_same_folder(self, mert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path))
        shutil.copytree(mert, tmp_path / "mert-v1-95m")
        plain, normalising = (hubert.load(published(tmp_path, name, mert)) for name in ("mert-v1-95m", "mert-v1-95m-norm"))
        window = music(5.0)
        assert relative(plain.embed([window]), loaded(mert).embed([window])) < 1e-6
        assert relative(normalising.embed([window]), loaded(mert, "own-norm").embed([window])) < 1e-6

    def test_its_own_front_end_file_changes_nothing(self, mert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path))
        folder = shutil.copytree(mert, tmp_path / "mert-v1-95m")
        (folder / "preprocessor_config.json").write_text('{"do_normalize": true}', "utf-8")
        window = music(0.5)
        assert relative(hubert.load(published(tmp_path, "mert-v1-95m", mert)).embed([window]), loaded(mert).embed([window])) < 1e-6

    def test_another_size_is_refused(self, mert: Path) -> None:
        with pytest.raises(WeightsError, match="another net than mert-v1-95m"):
            hubert.load(hubert.SPECS[0], weights_folder=mert)

    def test_missing_weights_are_said(self) -> None:
        with pytest.raises(WeightsError, match="mert-v1-95m"):
            encoders.load("mert-v1-95m")


ABSURD = [
    ("hidden_size", 10**12),
    ("hidden_size", "24"),
    ("hidden_size", 24.0),
    ("hidden_size", True),
    ("hidden_size", 25),
    ("num_hidden_layers", 10**6),
    ("num_hidden_layers", -1),
    ("num_attention_heads", 7),
    ("intermediate_size", 0),
    ("num_conv_pos_embeddings", 10**9),
    ("num_conv_pos_embedding_groups", 5),
    ("conv_dim", [12] * 1000),
    ("conv_dim", [10**9] * 7),
    ("conv_dim", "12"),
    ("conv_kernel", [10, 3]),
    ("conv_stride", [64] * 7),
    ("conv_stride", [0] * 7),
    ("conv_bias", "yes"),
    ("layer_norm_eps", "tiny"),
    ("layer_norm_eps", -1e-5),
    ("layer_norm_eps", float("nan")),
    ("hidden_act", "__import__('os').abort()"),
    ("hidden_act", ["gelu"]),
    ("feat_extract_norm", "none"),
    ("model_type", "wav2vec2"),
    ("model_type", ["hubert"]),
    ("feature_extractor_cqt", True),
    ("deepnorm", True),
]


class TestWrongConfig:
    @pytest.mark.parametrize(("field", "value"), ABSURD)
    def test_is_refused_in_one_sentence(self, copied: Path, field: str, value: object) -> None:
        hubert_folders.edit(copied, **{field: value})
        with pytest.raises(WeightsError) as caught:
            hubert.spec_of(copied, "own", "Own")
        assert "\n" not in str(caught.value)
        assert "config.json" in str(caught.value)
        assert len(str(caught.value)) < 400

    def test_sizes_that_are_possible_one_by_one_but_not_together(self, copied: Path) -> None:
        most = {"hidden_size": 4096, "num_attention_heads": 64, "num_hidden_layers": 64, "intermediate_size": 16_384}
        hubert_folders.edit(copied, **most)
        with pytest.raises(WeightsError, match="billion weights"):
            hubert.spec_of(copied, "own", "Own")

    def test_other_fields_are_not_looked_at(self, copied: Path) -> None:
        spec = hubert.spec_of(copied, "own", "Own")
        before = loaded(copied).embed([music(0.5)])
        hubert_folders.edit(copied, quantization_config={"quant_method": "awq"}, attn_implementation="eager", use_cache="?", dtype="int4")
        assert hubert.spec_of(copied, "own", "Own") == spec
        assert np.array_equal(loaded(copied).embed([music(0.5)]), before)

    @pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
    def test_what_is_no_description_is_refused(self, copied: Path, content: bytes) -> None:
        (copied / "config.json").write_bytes(content)
        with pytest.raises(WeightsError):
            hubert.spec_of(copied, "own", "Own")


def without_one(state: dict[str, torch.Tensor]) -> None:
    del state["encoder.layers.1.attention.k_proj.weight"]


def with_one_more(state: dict[str, torch.Tensor]) -> None:
    state["encoder.layers.3.attention.k_proj.weight"] = torch.zeros(24, 24)


def with_another_shape(state: dict[str, torch.Tensor]) -> None:
    state["feature_projection.projection.weight"] = torch.zeros(24, 13)


def with_nan(state: dict[str, torch.Tensor]) -> None:
    state["feature_projection.projection.bias"][3] = torch.nan


class TestWrongWeights:
    @pytest.mark.parametrize(
        ("change", "match"),
        [(without_one, "lacks"), (with_one_more, "unknown"), (with_another_shape, "shape"), (with_nan, "not finite")],
    )
    def test_are_refused_in_one_sentence(self, copied: Path, change: Callable[[dict[str, torch.Tensor]], None], match: str) -> None:
        path = copied / "model.safetensors"
        state = load_file(path)
        change(state)
        save_file(state, path)
        with pytest.raises(WeightsError, match=match) as caught:
            loaded(copied)
        assert "\n" not in str(caught.value)

    def test_what_stands_for_hidden_sound_may_be_absent(self, copied: Path) -> None:
        before = loaded(copied).embed([music(0.5)])
        path = copied / "model.safetensors"
        state = load_file(path)
        del state["masked_spec_embed"]
        save_file(state, path)
        assert np.array_equal(loaded(copied).embed([music(0.5)]), before)

    def test_half_a_file_is_refused(self, copied: Path) -> None:
        path = copied / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-1000])
        with pytest.raises(WeightsError):
            loaded(copied)

    def test_no_weights_at_all(self, copied: Path) -> None:
        (copied / "model.safetensors").unlink()
        with pytest.raises(EncoderError):
            loaded(copied)


class TestExported:
    """The whole encoder in onnxruntime; what else `exported` does is proved with smaller nets in its own tests."""

    @pytest.mark.parametrize("kind", ["tiny", "large"])
    def test_it_gives_the_same_for_every_length(self, kind: str, request: pytest.FixtureRequest) -> None:
        encoder = loaded(request.getfixturevalue(kind))
        windows = [music(5.0), *(music(1.0, seed)[:length] for seed, length in enumerate([24_000, 1, SHORTEST, 719, 720, 24_000]))]
        by_torch = encoder._runner.run(windows)
        assert encoder.hasten()
        by_onnxruntime = encoder._runner.run(windows)
        assert encoder.notices == []
        for one, other in zip(by_onnxruntime, by_torch, strict=True):
            assert relative(one, other) <= exported.CLOSE

    def test_the_normalising_encoder_uses_the_same_form(self, mert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path))
        shutil.copytree(mert, tmp_path / "mert-v1-95m")
        plain, normalising = (hubert.load(published(tmp_path, name, mert)) for name in ("mert-v1-95m", "mert-v1-95m-norm"))
        assert plain._net.folder == normalising._net.folder
        assert plain._net.folder.name.startswith("mert-v1-95m-")
