"""A CLAP folder is loaded as `transformers` would load it, hears the same, reads the same, and a bad one is refused in a sentence."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from encoders import tiny_clap
from safetensors.torch import load_file, save_file
from transformers import ClapModel, ClapProcessor, RobertaTokenizer

from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import clap, clap_files, clap_net
from musicclass_gui.engine.errors import EncoderError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.windows import Audio

RATE = 48_000
WORDS = ["a fugue by Bach", "bossa nova", "Dvořák’s “Rusalka” – 😀", "x" * 300]


def chirp(seconds: float, top_hz: float = 8000.0) -> Audio:
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * (60 * t + (top_hz - 60) / (2 * seconds) * t * t))).astype(np.float32)


def music(seconds: float, seed: int = 0) -> Audio:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    made = sum(rng.uniform(0.02, 0.2) * np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in rng.uniform(80, 4000, 12))
    return (made * (1 + np.sin(2 * np.pi * 2 * t)) / 4 + 0.01 * rng.standard_normal(len(t))).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clap")
    tiny_clap.make(path)
    return path


@pytest.fixture(scope="module")
def spec(folder: Path) -> EncoderSpec:
    return clap.spec_of(folder, "my-clap", "A tiny CLAP")


@pytest.fixture(scope="module")
def encoder(folder: Path, spec: EncoderSpec) -> encoders.Encoder:
    return clap.load(spec, weights_folder=folder)


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "copy")


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    found = json.loads(path.read_text("utf-8"))
    change(found)
    path.write_text(json.dumps(found), "utf-8")


class TestSound:
    @pytest.mark.parametrize("truncation", ["rand_trunc", "fusion"])
    @pytest.mark.parametrize("seconds", [10.0, 6.0, 3.0, 0.7, 1 / RATE])
    def test_pictures_are_those_of_the_feature_extractor(self, truncation: str, seconds: float) -> None:
        theirs = tiny_clap.extractor(truncation)
        sound = clap_files.Sound(low_hz=50.0, slaney=truncation == "rand_trunc")
        windows = [chirp(seconds), music(seconds), np.zeros(round(seconds * RATE), np.float32)]
        made = clap_net.FrontEnd(sound)(torch.from_numpy(sound.filled(windows))).numpy()
        expected = np.stack([theirs(window, sampling_rate=RATE)["input_features"][0][0] for window in windows])
        assert made.shape == (3, 1, 1001, 64)
        np.testing.assert_allclose(made[:, 0], expected, atol=2e-3)

    @pytest.mark.parametrize("padding", ["repeat", "pad"])
    def test_other_ways_of_filling_up_are_those_of_the_feature_extractor(self, padding: str) -> None:
        theirs = tiny_clap.extractor()
        theirs.padding = padding
        sound = clap_files.Sound(low_hz=50.0, slaney=True, padding=padding)
        made = clap_net.FrontEnd(sound)(torch.from_numpy(sound.filled([music(3.3)]))).numpy()
        np.testing.assert_allclose(made[0, 0], theirs(music(3.3), sampling_rate=RATE)["input_features"][0][0], atol=2e-3)

    def test_rounded_arithmetic_leaves_the_picture_as_it_is(self) -> None:
        sound = clap_files.Sound()
        front_end, samples = clap_net.FrontEnd(sound), torch.from_numpy(sound.filled([music(10)]))
        with torch.autocast("cpu", torch.bfloat16):
            rounded = front_end(samples)
        assert torch.equal(rounded, front_end(samples))


class TestHearing:
    @pytest.mark.parametrize("seconds", [10.0, 2.5])
    def test_embeddings_are_those_of_transformers(self, encoder: encoders.Encoder, folder: Path, seconds: float) -> None:
        windows = [chirp(seconds), music(seconds)]
        inputs = tiny_clap.extractor()(windows, sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            expected = ClapModel.from_pretrained(folder).eval().get_audio_features(**inputs).pooler_output.numpy()
        found = encoder.embed(windows)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert abs(found[0] @ found[1]) < 0.999  # the tiny net does hear a difference

    def test_an_embedding_has_length_one_and_hangs_on_its_window_only(self, encoder: encoders.Encoder) -> None:
        windows = [music(10, 1), music(4, 2), np.zeros(RATE, np.float32), music(10, 3), np.ones(1, np.float32)]
        together = encoder.embed(windows)
        assert together.shape == (5, tiny_clap.DIM)
        assert together.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(together, np.concatenate([encoder.embed([window]) for window in windows]), atol=1e-4)

    def test_a_long_window_is_the_mean_of_its_pieces_each_time(self, encoder: encoders.Encoder) -> None:
        window = np.concatenate([music(10, 4), chirp(13.5)])
        first, again, short = *encoder.embed([window, window]), encoder.embed([chirp(1)])[0]
        pieces = encoder.embed([window[: 10 * RATE], window[10 * RATE : 20 * RATE], window[-10 * RATE :]]).mean(axis=0)
        np.testing.assert_allclose(first, pieces / np.linalg.norm(pieces), atol=1e-5)
        np.testing.assert_allclose(first, again, atol=1e-6)
        np.testing.assert_allclose(encoder.embed([chirp(1), window])[0], short, atol=1e-5)

    def test_no_windows_have_no_embeddings(self, encoder: encoders.Encoder) -> None:
        assert encoder.embed([]).shape == (0, tiny_clap.DIM)

    def test_rounded_embeddings_are_near_the_exact_ones(self, encoder: encoders.Encoder, spec: EncoderSpec, folder: Path) -> None:
        windows = [music(10, seed) for seed in range(3)]
        exact, rounded = encoder.embed(windows), clap.load(spec, weights_folder=folder, fast=True).embed(windows)
        error = np.linalg.norm(exact - rounded, axis=1)
        assert 0 < error.max() < 0.05
        assert spec.rounding

    def test_a_net_made_for_fusion_hears_without_chance(self, tmp_path: Path) -> None:
        tiny_clap.make(tmp_path, truncation="fusion", enable_fusion=True, fusion_type="aff_2d")
        spec = clap.spec_of(tmp_path, "fused", "Fused")
        fused = clap.load(spec, weights_folder=tmp_path)
        inputs = tiny_clap.extractor("fusion")([music(10)], sampling_rate=RATE, return_tensors="pt")
        inputs["is_longer"] = torch.zeros(1, 1, dtype=torch.bool)
        with torch.inference_mode():
            expected = ClapModel.from_pretrained(tmp_path).eval().get_audio_features(**inputs).pooler_output.numpy()
        np.testing.assert_allclose(fused.embed([music(10)]), expected, atol=1e-4)
        np.testing.assert_array_equal(fused.embed([music(25)]), fused.embed([music(25)]))


class TestWords:
    def test_text_embeddings_are_those_of_transformers(self, folder: Path, spec: EncoderSpec) -> None:
        found, scale = clap.text_embeddings(spec, folder, WORDS[:3])
        model = ClapModel.from_pretrained(folder).eval()
        theirs = RobertaTokenizer(vocab=tiny_clap.vocabulary(), merges=[])
        inputs = theirs(WORDS[:3], padding=True, return_tensors="pt")
        with torch.inference_mode():
            expected = model.get_text_features(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).pooler_output
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
        assert scale == pytest.approx(float(model.logit_scale_a.detach().exp()), rel=1e-6)

    def test_a_phrase_hangs_on_itself_only_and_a_long_one_is_cut(self, folder: Path, spec: EncoderSpec) -> None:
        many = [f"phrase {number} {'long ' * (number % 7)}" for number in range(40)] + WORDS
        found, _ = clap.text_embeddings(spec, folder, many)
        assert found.shape == (len(many), tiny_clap.DIM)
        for at in (0, 6, len(many) - 1):
            np.testing.assert_allclose(found[at], clap.text_embeddings(spec, folder, [many[at]])[0][0], atol=1e-5)

    def test_the_older_files_of_a_tokenizer_will_do(self, broken: Path, folder: Path, spec: EncoderSpec) -> None:
        (broken / "tokenizer.json").unlink()
        (broken / "vocab.json").write_text(json.dumps(tiny_clap.vocabulary()), "utf-8")
        (broken / "merges.txt").write_text("#version: 0.2\n", "utf-8")
        old = clap.spec_of(broken, "old", "Old")
        np.testing.assert_allclose(clap.text_embeddings(old, broken, WORDS)[0], clap.text_embeddings(spec, folder, WORDS)[0], atol=1e-6)
        (broken / "merges.txt").unlink()
        with pytest.raises(WeightsError, match=r"lacks merges\.txt"):
            clap.text_embeddings(old, broken, WORDS)

    def test_sound_and_words_are_scored_as_clap_model_does(self, folder: Path, spec: EncoderSpec, encoder: encoders.Encoder) -> None:
        phrases, scale = clap.text_embeddings(spec, folder, WORDS[:2])
        theirs = RobertaTokenizer(vocab=tiny_clap.vocabulary(), merges=[])
        inputs = ClapProcessor(tiny_clap.extractor(), theirs)(
            text=WORDS[:2], audio=music(10), sampling_rate=RATE, padding=True, return_tensors="pt"
        )
        with torch.inference_mode():
            expected = ClapModel.from_pretrained(folder).eval()(**inputs).logits_per_audio.numpy()
        np.testing.assert_allclose(scale * encoder.embed([music(10)]) @ phrases.T, expected, atol=1e-3)

    def test_an_encoder_without_words_says_so(self) -> None:
        spec = encoders.specs()["mn04-as"]
        with pytest.raises(EncoderError, match="does not know words"):
            clap.text_embeddings(spec, None, ["jazz"])


class TestFolders:
    def test_a_folder_as_transformers_5_writes_it(self, broken: Path, encoder: encoders.Encoder) -> None:
        (broken / "preprocessor_config.json").unlink()
        with pytest.raises(WeightsError, match=r"lacks preprocessor_config\.json or processor_config\.json"):
            clap.spec_of(broken, "new", "New")
        theirs = RobertaTokenizer(vocab=tiny_clap.vocabulary(), merges=[])
        ClapProcessor(tiny_clap.extractor(), theirs).save_pretrained(broken)
        new = clap.load(clap.spec_of(broken, "new", "New"), weights_folder=broken)
        np.testing.assert_allclose(new.embed([music(10)]), encoder.embed([music(10)]), atol=1e-6)

    def test_old_torch_weights_without_what_the_net_works_out_itself(self, broken: Path, encoder: encoders.Encoder) -> None:
        state = load_file(broken / "model.safetensors")
        kept = {name: value for name, value in state.items() if name.rpartition(".")[2] not in ("position_ids", "relative_position_index")}
        assert len(kept) < len(state)
        torch.save(kept, broken / "pytorch_model.bin")
        (broken / "model.safetensors").unlink()
        old = clap.load(clap.spec_of(broken, "old", "Old"), weights_folder=broken)
        np.testing.assert_array_equal(old.embed([music(10)]), encoder.embed([music(10)]))

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"])
    def test_a_missing_file_is_named(self, broken: Path, name: str) -> None:
        (broken / name).unlink()
        with pytest.raises(WeightsError, match=name.replace(".", r"\.")):
            clap.spec_of(broken, "new", "New")

    def test_what_a_spec_says_comes_from_the_folder(self, spec: EncoderSpec) -> None:
        assert (spec.id, spec.dim, spec.sample_rate, spec.words, spec.family) == ("my-clap", tiny_clap.DIM, RATE, True, "clap")
        assert spec.grid == clap.SPECS[0].grid
        assert spec.weights is not None
        assert [file.name for file in spec.weights.files] == [
            "config.json",
            "model.safetensors",
            "preprocessor_config.json",
            "tokenizer.json",
        ]

    def test_other_weights_in_the_same_place_are_refused(self, broken: Path) -> None:
        spec = clap.spec_of(broken, "new", "New")
        save_file(tiny_clap.net(seed=1).state_dict(), broken / "model.safetensors")
        assert clap.spec_of(broken, "new", "New").version != spec.version
        with pytest.raises(WeightsError):
            clap.load(spec, weights_folder=broken)

    def test_a_small_net_is_none_of_the_published_ones(self, folder: Path) -> None:
        with pytest.raises(EncoderError, match="another encoder than clap-unfused: 16 numbers"):
            clap.load(clap.SPECS[2], weights_folder=folder)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"hidden_size": 10**9}, "cannot be built"),
            ({"depths": [1] * 99}, "cannot be built"),
            ({"depths": {"0": 1}}, "cannot be built"),
            ({"hidden_size": "many"}, "no CLAP that can be built"),
            ({"hidden_size": 48}, "of another net|no CLAP that can be built"),
            ({"num_attention_heads": [3, 3]}, "no CLAP that can be built"),
            ({"patch_embeds_hidden_size": 8192}, "describes a net of"),
            ({"num_mel_bins": 128}, "do not fit together"),
            ({"spec_size": 64}, "do not fit together"),
            ({"spec_size": [256, 256]}, "cannot be built"),
        ],
    )
    def test_an_odd_description_is_refused(self, broken: Path, spec: EncoderSpec, fields: dict[str, Any], sentence: str) -> None:
        rewrite(broken / "config.json", lambda found: found["audio_config"].update(fields))
        with pytest.raises(WeightsError, match=sentence):
            clap.load(spec, weights_folder=broken)

    @pytest.mark.parametrize("fields", [{"sampling_rate": 1e12}, {"hop_length": 0}, {"max_length_s": "ten"}, {"padding": "mirror"}])
    def test_sound_that_cannot_be_prepared_is_refused(self, broken: Path, fields: dict[str, Any]) -> None:
        rewrite(broken / "preprocessor_config.json", lambda found: found.update(fields))
        with pytest.raises(WeightsError, match="cannot be prepared"):
            clap.spec_of(broken, "new", "New")

    def test_another_kind_of_net_is_refused(self, broken: Path) -> None:
        rewrite(broken / "config.json", lambda found: found.update(model_type="hubert"))
        with pytest.raises(WeightsError, match="describes a “hubert” net"):
            clap.spec_of(broken, "new", "New")

    def test_weights_that_are_missing_or_strange_are_named(self, broken: Path) -> None:
        state = load_file(broken / "model.safetensors")
        lacking = {name: value for name, value in state.items() if name != "audio_projection.linear1.bias"}
        save_file(lacking, broken / "model.safetensors")
        with pytest.raises(WeightsError, match=r"lacks audio_projection\.linear1\.bias"):
            clap.load(clap.spec_of(broken, "new", "New"), weights_folder=broken)
        save_file({**state, "classifier.weight": torch.ones(2)}, broken / "model.safetensors")
        with pytest.raises(WeightsError, match=r"unknown classifier\.weight"):
            clap.load(clap.spec_of(broken, "new", "New"), weights_folder=broken)

    def test_positions_in_a_file_are_not_used(self, broken: Path, folder: Path, spec: EncoderSpec) -> None:
        state = load_file(broken / "model.safetensors")
        state["text_model.embeddings.token_type_ids"] = state["text_model.embeddings.token_type_ids"] + 10**6
        save_file(state, broken / "model.safetensors")
        found, _ = clap.text_embeddings(clap.spec_of(broken, "new", "New"), broken, WORDS)
        np.testing.assert_array_equal(found, clap.text_embeddings(spec, folder, WORDS)[0])

    @pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"model": {"type": "BPE"}}'])
    def test_a_tokenizer_that_is_none_is_refused(self, broken: Path, text: str) -> None:
        (broken / "tokenizer.json").write_text(text, "utf-8")
        with pytest.raises(WeightsError, match="no tokenizer"):
            clap.text_embeddings(clap.spec_of(broken, "new", "New"), broken, WORDS)

    def test_a_tokenizer_of_another_net_is_refused(self, broken: Path) -> None:
        rewrite(broken / "tokenizer.json", lambda found: found["model"]["vocab"].update(b=400))
        with pytest.raises(WeightsError, match="more words than the net"):
            clap.text_embeddings(clap.spec_of(broken, "new", "New"), broken, ["bbb"])


def test_the_three_published_ones_are_described() -> None:
    assert [spec.id for spec in clap.SPECS] == ["clap-music-speech", "clap-music", "clap-unfused"]
    for spec in clap.SPECS:
        assert spec.weights is not None
        assert spec.weights.can_be_fetched
        assert spec.weights.size_bytes > 5e8
        assert (spec.sample_rate, spec.dim, spec.grid.window_s, spec.grid.hop_s) == (48_000, 512, 10.0, 10.0)
        assert spec.words
        assert spec.good_at
