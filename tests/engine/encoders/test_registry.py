"""Encoders that the user added: told by what is in their folders, named by what their files are, forgotten without a trace."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from encoders import made_weights, tiny_clap
from encoders.hubert_folders import made_model, save_as_mert, save_new
from encoders.onnx_files import WAVE_RECIPE, wave_model, written

from musicclass_gui.engine import encoders, places
from musicclass_gui.engine.encoders import View, layers, mobilenet, registry, table, weights
from musicclass_gui.engine.errors import EncoderError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def make_clap(folder: Path) -> None:
    tiny_clap.make(folder)


def make_hubert(folder: Path) -> None:
    save_new(folder, made_model())


def make_mert(folder: Path) -> None:
    save_as_mert(folder, made_model())


def make_onnx(folder: Path) -> None:
    written(folder, wave_model(), WAVE_RECIPE)


KINDS: list[tuple[Callable[[Path], None], str]] = [
    (make_clap, "clap"),
    (make_hubert, "hubert"),
    (make_mert, "hubert"),
    (make_onnx, "onnx_slot"),
]


def record() -> Path:
    return places.data_dir() / registry.RECORD


def edited(**changes: Any) -> None:
    """Change what is remembered of the first encoder."""
    content = json.loads(record().read_text("utf-8"))
    content["encoders"][0]["spec"] |= changes
    record().write_text(json.dumps(content), "utf-8")


class TestFolders:
    @pytest.mark.parametrize(("make", "family"), KINDS, ids=["clap", "hubert", "mert", "onnx"])
    def test_each_kind_is_told_and_loads(self, tmp_path: Path, make: Callable[[Path], None], family: str) -> None:
        make(tmp_path / "My Model")
        spec = registry.add_folder(tmp_path / "My Model")
        assert (spec.id, spec.family) == ("my-model", family)
        assert encoders.find_spec("my-model") == spec
        assert registry.place("my-model") == tmp_path / "My Model"
        sound = np.random.default_rng(0).normal(0, 0.1, spec.sample_rate).astype(np.float32)
        assert encoders.load("my-model").embed([sound]).shape == (1, spec.dim)

    def test_its_version_is_what_its_files_are(self, tmp_path: Path) -> None:
        for number in (0, 1):
            tiny_clap.make(tmp_path / str(number), seed=number)
        shutil.copytree(tmp_path / "0", tmp_path / "copy")
        first, other, copy = (registry.add_folder(tmp_path / name, "mine") for name in ("0", "1", "copy"))
        assert [first.id, other.id, copy.id] == ["mine", "mine-2", "mine-3"]
        assert first.version == copy.version != other.version
        assert len(first.version) == 8

    def test_what_was_added_survives_a_restart(self, tmp_path: Path) -> None:
        make_hubert(tmp_path / "one")
        spec = registry.add_folder(tmp_path / "one", "Mine, of 2024")
        assert spec.id == "mine-of-2024"
        record().write_text(record().read_text("utf-8") + "\n", "utf-8")  # as a new process would read it
        assert registry.rows() == (spec,)
        assert registry.problem() == ""

    def test_twice_is_said(self, tmp_path: Path) -> None:
        make_hubert(tmp_path / "one")
        registry.add_folder(tmp_path / "one")
        with pytest.raises(EncoderError, match="was added before, as one"):
            registry.add_folder(tmp_path / "one", "another name")

    def test_files_that_changed_later_are_refused(self, tmp_path: Path) -> None:
        make_hubert(tmp_path / "one")
        spec = registry.add_folder(tmp_path / "one")
        save_new(tmp_path / "one", made_model(seed=5))
        with pytest.raises(WeightsError, match=r"not what was added as one: model\.safetensors: its checksum differs"):
            weights.find(spec, [])
        assert registry.add_folder(tmp_path / "one").id == "one-2"

    def test_a_folder_that_is_gone_is_said(self, tmp_path: Path) -> None:
        make_hubert(tmp_path / "one")
        spec = registry.add_folder(tmp_path / "one")
        shutil.rmtree(tmp_path / "one")
        with pytest.raises(WeightsError, match="bring them back, or forget them with “musicclass models remove one”"):
            weights.find(spec, [])

    def test_a_folder_of_published_files_is_put_to_use_as_what_it_is(self, tmp_path: Path, data_dir: Path) -> None:
        shutil.copytree(data_dir / "weights" / "mn04-as", tmp_path / "downloads")
        assert registry.add_folder(tmp_path / "downloads", "mine") == mobilenet.SPEC
        assert registry.rows() == ()
        assert weights.find(mobilenet.SPEC, []) == tmp_path / "downloads" / "mn04_as_mAP_432.pt"
        assert registry.remove("mn04-as")
        with pytest.raises(WeightsError, match="missing"):
            weights.find(mobilenet.SPEC, [])
        assert (tmp_path / "downloads" / "mn04_as_mAP_432.pt").exists()

    def test_a_folder_of_files_whose_sums_nobody_knows_is_what_it_is_called(self, tmp_path: Path) -> None:
        file = made_weights.make("harmonic-cnn", tmp_path)
        with pytest.raises(WeightsError):
            registry.add_folder(file.parent)
        assert registry.add_folder(file.parent, "harmonic-cnn").id == "harmonic-cnn"
        assert encoders.load("harmonic-cnn").embed([np.zeros(16_000, np.float32)]).shape == (1, encoders.specs()["harmonic-cnn"].dim)

    def test_a_damaged_copy_of_published_files_is_not_taken_for_them(self, tmp_path: Path) -> None:
        (tmp_path / "mn04_as_mAP_432.pt").write_bytes(bytes(4_066_513))
        assert registry.known(tmp_path) is None


class TestRefusals:
    def refused(self, folder: Path, match: str) -> None:
        with pytest.raises(EncoderError, match=match) as caught:
            registry.add_folder(folder)
        assert "\n" not in str(caught.value)
        assert registry.rows() == ()
        assert not record().exists()

    def test_no_folder(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "gone", "is no folder")

    def test_nothing_in_it(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "neither a config.json nor a preprocess.json")

    @pytest.mark.parametrize("kind", ["whisper", None, 5, "x" * 10_000])
    def test_a_model_of_another_kind(self, tmp_path: Path, kind: object) -> None:
        (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
        self.refused(tmp_path, "of the kind")

    def test_a_link_out_of_the_folder(self, tmp_path: Path) -> None:
        make_hubert(tmp_path / "elsewhere")
        shutil.copytree(tmp_path / "elsewhere", tmp_path / "one")
        (tmp_path / "one" / "model.safetensors").unlink()
        (tmp_path / "one" / "model.safetensors").symlink_to(tmp_path / "elsewhere" / "model.safetensors")
        self.refused(tmp_path / "one", "leads out of its folder")

    @pytest.mark.parametrize("make", [make_clap, make_hubert, make_onnx])
    def test_weights_that_are_not_there(self, tmp_path: Path, make: Callable[[Path], None]) -> None:
        make(tmp_path)
        for path in (*tmp_path.glob("*.safetensors"), *tmp_path.glob("*.bin"), *tmp_path.glob("*.onnx")):
            path.unlink()
        self.refused(tmp_path, str(tmp_path))


class TestMixes:
    def base(self, folder: Path) -> encoders.EncoderSpec:
        make_hubert(folder)
        return registry.add_folder(folder, "base")

    def test_one_is_an_encoder_on_the_layers_of_its_base(self, tmp_path: Path) -> None:
        base = self.base(tmp_path / "base")
        view = View((0.1, 0.2, 0.3, 0.4))
        spec = registry.add_mix("base", "Jazz", view)
        assert spec.id.startswith("jazz-")
        assert (spec.of, spec.version, spec.view) == ("base", base.version, view)
        loaded = encoders.load(spec.id)
        assert isinstance(loaded, layers.Viewed)
        sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
        assert np.allclose(loaded.embed([sound]), layers.apply(spec, loaded.embed_layers([sound])))
        assert weights.find(spec, []) == tmp_path / "base"

    def test_another_of_the_same_name_has_another_id(self, tmp_path: Path) -> None:
        self.base(tmp_path / "base")
        ids = {
            registry.add_mix("base", "Jazz", View(view)).id for view in ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
        }
        assert len(ids) == 3

    def test_it_goes_with_its_base(self, tmp_path: Path) -> None:
        self.base(tmp_path / "base")
        registry.add_mix("base", "Jazz", View((0.25,) * 4))
        assert registry.remove("base")
        assert registry.rows() == ()
        assert (tmp_path / "base" / "model.safetensors").exists()

    @pytest.mark.parametrize(
        ("base", "count", "match"), [("timbre", 4, "no layers"), ("gone", 4, "no layers"), ("base", 3, "needs 4 weights")]
    )
    def test_what_cannot_be_mixed(self, tmp_path: Path, base: str, count: int, match: str) -> None:
        self.base(tmp_path / "base")
        with pytest.raises(EncoderError, match=match):
            registry.add_mix(base, "Jazz", View((1 / count,) * count))


class TestTheFile:
    @pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"null", b"[" * 100_000])
    def test_a_damaged_one_is_ignored_and_said(self, content: bytes) -> None:
        record().parent.mkdir(parents=True, exist_ok=True)
        record().write_bytes(content)
        assert registry.rows() == ()
        assert "is damaged, so it is ignored" in registry.problem()
        assert list(encoders.specs()) == [spec.id for spec in table.rows()]

    def test_a_damaged_one_is_kept_aside_when_something_is_added(self, tmp_path: Path) -> None:
        record().parent.mkdir(parents=True, exist_ok=True)
        record().write_bytes(b"{")
        make_hubert(tmp_path / "one")
        registry.add_folder(tmp_path / "one")
        assert len(registry.rows()) == 1
        assert record().with_suffix(".damaged").read_bytes() == b"{"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"id": "timbre"},
            {"id": "../x"},
            {"id": "x" * 100},
            {"id": 5},
            {"family": "os"},
            {"family": "weights"},
            {"dim": -1},
            {"dim": 1 << 40},
            {"sample_rate": 0},
            {"grid": {"window_s": 0.0, "hop_s": 1.0}},
            {"grid": {"window_s": 1e12, "hop_s": 1.0}},
            {"weights": None},
            {"weights": {"home": "", "licence": "", "files": []}},
            {"weights": {"home": "", "licence": "", "files": [{"name": "../secret"}]}},
            {"weights": {"home": "", "licence": "", "files": [{"name": "/etc/passwd"}]}},
            {"weights": {"home": "", "licence": "", "files": [{"name": "C:\\\\secret"}]}},
            {"weights": {"home": "", "licence": "", "files": [{"name": "a", "url": "http://nowhere.invalid/a"}]}},
            {"weights": {"home": "", "licence": "", "files": [{"name": "a"}], "hub": "someone/else"}},
            {"layers": None},
            {"layers": {"count": 9, "dim": 24, "joined": "mean"}},
            {"view": {"weights": []}},
            {"of": "nothing"},
        ],
        ids=str,
    )
    def test_an_entry_that_cannot_be_is_left_out_and_said(self, tmp_path: Path, wrong: dict[str, Any]) -> None:
        make_hubert(tmp_path / "one")
        registry.add_folder(tmp_path / "one")
        edited(**wrong)
        assert registry.rows() == ()
        assert "is left out" in registry.problem()
        assert "\n" not in registry.problem()

    @pytest.mark.parametrize("entry", [5, None, {}, {"spec": {}}, {"spec": {}, "folder": 5}, {"spec": [], "folder": ""}])
    def test_entries_of_other_shapes(self, entry: object) -> None:
        record().parent.mkdir(parents=True, exist_ok=True)
        record().write_text(json.dumps({"encoders": [entry], "places": {"timbre": 5}}))
        assert registry.rows() == ()
        assert registry.place("timbre") is None
        assert "is left out" in registry.problem()

    def test_forgetting_what_is_not_there(self) -> None:
        assert not registry.remove("nothing")
        assert not record().exists()
