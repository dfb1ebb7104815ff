"""A user's own ONNX model: it is fed as its recipe says, gives the same alone and in company, and what is wrong with it is one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from encoders.onnx_files import DIM, MEL_RECIPE, WAVE_RECIPE, mel_model, model, noise, wave_model, weights, written
from onnx import TensorProto, helper, numpy_helper

from musicclass_gui.engine.encoders import EncoderSpec, onnx_model, onnx_recipe, onnx_slot, table
from musicclass_gui.engine.encoders.onnx_front import MelFront
from musicclass_gui.engine.encoders.onnx_recipe import Mel
from musicclass_gui.engine.errors import EncoderError, WeightsError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from pathlib import Path


def opened(folder: Path) -> onnx_model.OnnxEncoder:
    encoder = table.load(onnx_slot.spec_of(folder, "mine"), "cpu", folder, fast=False)
    assert isinstance(encoder, onnx_model.OnnxEncoder)
    return encoder


def refused(folder: Path) -> str:
    """What is said about a folder that is not taken: one sentence."""
    with pytest.raises(EncoderError) as caught:
        onnx_slot.spec_of(folder, "mine")
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said
    return said


class TestSpec:
    def test_everything_that_must_be_known_is(self, tmp_path: Path) -> None:
        spec = onnx_slot.spec_of(written(tmp_path, mel_model(), MEL_RECIPE), "mine")
        assert (spec.id, spec.title, spec.dim, spec.sample_rate, spec.grid) == ("mine", "Mine", DIM, 8000, Grid(1.0, 0.5))
        assert (spec.family, spec.licence) == ("onnx_slot", "MIT")
        assert len(spec.version) == 8

    def test_another_model_or_recipe_is_another_version(self, tmp_path: Path) -> None:
        folders = [
            written(tmp_path / "a", mel_model(), MEL_RECIPE),
            written(tmp_path / "same", mel_model(), MEL_RECIPE),
            written(tmp_path / "b", mel_model("batch"), MEL_RECIPE),
            written(tmp_path / "c", mel_model(), MEL_RECIPE, hop_s=1.0),
        ]
        first, same, *others = [onnx_slot.spec_of(folder, "mine").version for folder in folders]
        assert first == same
        assert len({first, *others}) == 3

    def test_the_users_title_comes_before_the_models_and_the_folders(self, tmp_path: Path) -> None:
        folder = written(tmp_path / "folder", mel_model(), MEL_RECIPE)
        assert onnx_slot.spec_of(folder, "mine", "My model").title == "My model"
        written(folder, mel_model(), MEL_RECIPE, title=None)
        assert onnx_slot.spec_of(folder, "mine").title == "folder"

    def test_importing_the_slot_loads_nothing_heavy(self) -> None:
        code = "import sys, musicclass_gui.engine.encoders.onnx_slot; print(*{'torch', 'onnx', 'onnxruntime'} & set(sys.modules))"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


class TestEmbedding:
    def test_mel_patches_are_averaged_over_the_window(self, tmp_path: Path) -> None:
        encoder = opened(written(tmp_path, mel_model(), MEL_RECIPE))
        window = noise(1.0)
        import torch

        front = onnx_recipe.read(tmp_path / "preprocess.json").front_end
        assert isinstance(front, Mel)
        frames = MelFront(front, 8000)(torch.from_numpy(window[None])).numpy()[0]
        assert frames.shape == (16, 32)
        expected = np.mean([frames[:, k : k + 12].mean(1) @ weights(16) for k in (0, 12)], axis=0)
        assert np.allclose(encoder.embed([window])[0], expected, atol=1e-5)

    def test_waveforms_are_averaged_over_the_outputs_time(self, tmp_path: Path) -> None:
        encoder = opened(written(tmp_path, wave_model(), WAVE_RECIPE, output_layout=["batch", "dim", "time"]))
        window = noise(0.5)
        frames = np.lib.stride_tricks.sliding_window_view(window, 128)[::64]
        assert np.allclose(encoder.embed([window])[0], np.maximum(frames @ weights(128), 0).mean(0), atol=1e-5)

    def test_without_an_output_layout_all_of_the_output_is_the_embedding(self, tmp_path: Path) -> None:
        assert onnx_slot.spec_of(written(tmp_path, wave_model(), WAVE_RECIPE), "mine").dim == DIM * 61

    @pytest.mark.parametrize("batch", ["n", 1, 3])
    def test_a_window_is_the_same_alone_and_in_company_in_every_length(self, tmp_path: Path, batch: int | str) -> None:
        encoder = opened(written(tmp_path, mel_model(batch), MEL_RECIPE))
        windows = [noise(seconds, seed=number) for number, seconds in enumerate([1.0, 0.3, 1.0, 0.0, 2.7, 1.0, 1.0])]
        together = encoder.embed(windows)
        assert together.shape == (7, DIM)
        assert together.dtype == np.float32
        for window, embedding in zip(windows, together, strict=True):
            assert np.allclose(encoder.embed([window])[0], embedding, rtol=1e-4, atol=1e-5)

    def test_no_windows_no_rows_and_silence_is_finite(self, tmp_path: Path) -> None:
        encoder = opened(written(tmp_path, mel_model(), MEL_RECIPE))
        assert encoder.embed([]).shape == (0, DIM)
        assert np.isfinite(encoder.embed([np.zeros(8000, np.float32), np.zeros(1, np.float32)])).all()

    @pytest.mark.parametrize(("short", "like"), [("silence", lambda x: np.pad(x, (0, 6000))), ("repeat", lambda x: np.tile(x, 4))])
    def test_short_sounds_are_filled_up(self, tmp_path: Path, short: str, like: Any) -> None:
        encoder = opened(written(tmp_path, mel_model(), MEL_RECIPE, short=short))
        window = noise(0.25)
        assert np.allclose(encoder.embed([window]), encoder.embed([like(window)]), atol=1e-6)

    @pytest.mark.parametrize("layout", [["batch", "mel", "time"], ["batch", "channel", "time", "mel"], ["time", "batch", "mel", "channel"]])
    def test_axes_are_in_the_models_order(self, tmp_path: Path, layout: list[str]) -> None:
        sizes: dict[str, int | str] = {"batch": "n", "mel": 16, "time": 12, "channel": 1}
        named = [axis for axis in layout if axis != "channel"]
        nodes = [
            helper.make_node("Squeeze", ["sound", "places"], ["bare"])
            if "channel" in layout
            else helper.make_node("Identity", ["sound"], ["bare"]),
            helper.make_node("Transpose", ["bare"], ["laid"], perm=[named.index(axis) for axis in ("batch", "time", "mel")]),
            helper.make_node("ReduceMean", ["laid"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
        ]
        places = np.array([place for place, axis in enumerate(layout) if axis == "channel"], np.int64)
        found = model([sizes[axis] for axis in layout], nodes, {"w": weights(16), "places": places}, embedding=["n", DIM])
        odd = opened(written(tmp_path / "odd", found, MEL_RECIPE, layout=layout))
        plain = opened(written(tmp_path / "plain", mel_model(), MEL_RECIPE))
        windows = [noise(1.0, seed=seed) for seed in range(3)]
        assert np.allclose(odd.embed(windows), plain.embed(windows), atol=1e-6)

    def test_the_output_that_is_named_is_taken(self, tmp_path: Path) -> None:
        found = mel_model()
        found.graph.node.append(helper.make_node("Sigmoid", ["embedding"], ["tags"]))
        found.graph.output.append(helper.make_tensor_value_info("tags", TensorProto.FLOAT, ["n", DIM]))
        tags = opened(written(tmp_path / "tags", found, MEL_RECIPE, output="tags")).embed([noise(1.0)])
        raw = opened(written(tmp_path / "raw", found, MEL_RECIPE, output="embedding", input="sound")).embed([noise(1.0)])
        assert ((tags > 0) & (tags < 1)).all()
        assert raw.min() < 0

    @pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
    def test_other_kinds_of_numbers_are_turned_into_float32(self, tmp_path: Path, kind: int) -> None:
        value = helper.make_tensor_value_info
        nodes = [helper.make_node("ReduceMean", ["sound"], ["embedding"], axes=[1], keepdims=0)]
        graph = helper.make_graph(nodes, "g", [value("sound", kind, ["n", 12, 16])], [value("embedding", kind, ["n", 16])])
        found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        encoder = opened(written(tmp_path, found, MEL_RECIPE))
        assert encoder.embed([noise(1.0)]).dtype == np.float32

    def test_a_model_that_only_takes_one_at_a_time_whatever_it_promises(self, tmp_path: Path) -> None:
        found = mel_model()
        found.graph.node.insert(0, helper.make_node("Reshape", ["sound", "one"], ["held"]))
        found.graph.node[1].input[0] = "held"
        found.graph.initializer.append(numpy_helper.from_array(np.array([1, 12, 16], np.int64), "one"))
        encoder = opened(written(tmp_path, found, MEL_RECIPE))
        windows = [noise(1.0, seed=seed) for seed in range(5)]
        plain = opened(written(tmp_path / "plain", mel_model(), MEL_RECIPE))
        assert np.allclose(encoder.embed(windows), plain.embed(windows), atol=1e-6)

    def test_a_device_that_is_not_there_becomes_a_notice(self, tmp_path: Path) -> None:
        folder = written(tmp_path, mel_model(), MEL_RECIPE)
        encoder = onnx_slot.load(onnx_slot.spec_of(folder, "mine"), "cuda:7", folder)
        assert encoder.device == "cpu"
        assert "the CPU is used" in encoder.notices[0]

    def test_a_runtime_without_cuda_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnx_model.devices, "describe", lambda name: "CUDA: Card")
        folder = written(tmp_path, mel_model(), MEL_RECIPE)
        session = onnx_model.Session(folder / "model.onnx", onnx_recipe.read(folder / "preprocess.json"), "cuda:0")
        if session.device == "cpu":
            assert session.notices == ["The ONNX runtime that is installed here cannot use CUDA: Card; the CPU is used."]

    def test_threads_are_as_many_as_the_process_may_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert onnx_model._options().intra_op_num_threads == 3
        monkeypatch.setenv("OMP_NUM_THREADS", "")
        assert onnx_model._options().intra_op_num_threads == 0


class TestData:
    """Weights in a file beside the model."""

    def test_a_file_in_the_folder_is_read_and_is_part_of_the_version(self, tmp_path: Path) -> None:
        folder = written(tmp_path / "split", mel_model(), MEL_RECIPE)
        onnx.save(mel_model(), folder / "model.onnx", save_as_external_data=True, location="model.data", size_threshold=0)
        spec = onnx_slot.spec_of(folder, "mine")
        assert spec.weights is not None
        assert [file.name for file in spec.weights.files] == ["model.onnx", "preprocess.json", "model.data"]
        plain = opened(written(tmp_path / "plain", mel_model(), MEL_RECIPE))
        assert np.allclose(opened(folder).embed([noise(1.0)]), plain.embed([noise(1.0)]))
        (folder / "model.data").write_bytes(bytes(len((folder / "model.data").read_bytes())))
        assert onnx_slot.spec_of(folder, "mine").version != spec.version
        with pytest.raises(WeightsError, match=r"model\.data: its checksum differs"):
            onnx_slot.load(spec, "cpu", folder)

    @pytest.mark.parametrize(
        "where", ["../secret.data", "/etc/passwd", "sub/../../secret.data", "sub/model.data", "..\\secret.data", "C:model.data", ""]
    )
    def test_a_file_elsewhere_is_never_read(self, tmp_path: Path, where: str) -> None:
        (tmp_path / "secret.data").write_bytes(weights(16).tobytes())
        folder = written(tmp_path / "own", pointing_at(where), MEL_RECIPE)
        assert "not a file beside it" in refused(folder)

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "secret.data").write_bytes(weights(16).tobytes())
        folder = written(tmp_path / "own", pointing_at("link.data"), MEL_RECIPE)
        (folder / "link.data").symlink_to(tmp_path / "secret.data")
        assert "not a file beside it" in refused(folder)

    def test_a_model_that_is_a_link_is_not_followed(self, tmp_path: Path) -> None:
        elsewhere = written(tmp_path / "elsewhere", mel_model(), MEL_RECIPE)
        folder = written(tmp_path / "own", mel_model(), MEL_RECIPE)
        (folder / "model.onnx").unlink()
        (folder / "model.onnx").symlink_to(elsewhere / "model.onnx")
        assert "link" in refused(folder)

    def test_a_constant_inside_a_branch_is_looked_at_too(self, tmp_path: Path) -> None:
        (tmp_path / "secret.data").write_bytes(weights(16).tobytes())
        outside = pointing_at("../secret.data").graph.initializer[0]
        branches = {}
        for name in ("then_branch", "else_branch"):
            node = helper.make_node("Constant", [], [f"{name}_w"])
            node.attribute.append(onnx.AttributeProto(name="value", type=onnx.AttributeProto.TENSOR, t=outside))
            branches[name] = helper.make_graph([node], name, [], [helper.make_tensor_value_info(f"{name}_w", TensorProto.FLOAT, [16, DIM])])
        nodes = [
            helper.make_node("If", ["yes"], ["w"], **branches),
            helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
        ]
        found = model(["n", 12, 16], nodes, {"yes": np.array(True)}, embedding=["n", DIM])
        assert "not a file beside it" in refused(written(tmp_path / "own", found, MEL_RECIPE))

    def test_a_file_that_is_missing_or_short_is_named(self, tmp_path: Path) -> None:
        folder = written(tmp_path, pointing_at("model.data"), MEL_RECIPE)
        assert "“model.data” beside it, which is missing" in refused(folder)
        (folder / "model.data").write_bytes(b"short")
        assert "“model.data” does not have what" in refused(folder)


def pointing_at(where: str) -> onnx.ModelProto:
    """A model whose matrix is said to be in another file."""
    found = mel_model()
    tensor = found.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=where)
    return found


class TestDanger:
    def test_operators_that_are_not_onnxs_are_refused(self, tmp_path: Path) -> None:
        for domain in ("com.microsoft", "somebody"):
            found = mel_model()
            found.graph.node[1].domain = domain
            found.opset_import.append(helper.make_opsetid(domain, 1))
            assert f"“{domain}.MatMul”, which ONNX does not define" in refused(written(tmp_path / domain, found, MEL_RECIPE))

    def test_functions_that_are_written_out_in_the_model_are_fine(self, tmp_path: Path) -> None:
        found = mel_model()
        body = [helper.make_node("MatMul", ["a", "b"], ["c"])]
        found.functions.append(helper.make_function("mine", "Product", ["a", "b"], ["c"], body, [helper.make_opsetid("", 17)]))
        found.graph.node[1].domain, found.graph.node[1].op_type = "mine", "Product"
        found.opset_import.append(helper.make_opsetid("mine", 1))
        plain = opened(written(tmp_path / "plain", mel_model(), MEL_RECIPE))
        assert np.allclose(opened(written(tmp_path / "own", found, MEL_RECIPE)).embed([noise(1.0)]), plain.embed([noise(1.0)]))
        found.functions[0].node[0].domain = "somebody"
        assert "which ONNX does not define" in refused(written(tmp_path / "bad", found, MEL_RECIPE))

    @pytest.mark.parametrize("keep", [0, 1, 100, -1, -40])
    def test_a_part_of_a_file_is_refused(self, tmp_path: Path, keep: int) -> None:
        folder = written(tmp_path, mel_model(), MEL_RECIPE)
        whole = (folder / "model.onnx").read_bytes()
        (folder / "model.onnx").write_bytes(whole[:keep])
        refused(folder)

    def test_files_of_other_kinds_are_refused(self, tmp_path: Path) -> None:
        folder = written(tmp_path, mel_model(), MEL_RECIPE)
        for content in (b"no model at all", b"PK\x03\x04 half a zip", bytes(1000), os.urandom(5000)):
            (folder / "model.onnx").write_bytes(content)
            assert "not a whole ONNX file" in refused(folder)

    def test_a_file_with_a_few_wrong_bytes_is_taken_or_refused_and_nothing_is_printed(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        folder, chance = written(tmp_path, mel_model(), MEL_RECIPE), np.random.default_rng(0)
        whole = (folder / "model.onnx").read_bytes()
        described = [*range(200), *range(len(whole) - 200, len(whole))]  # the rest are weights
        taken, said = 0, []
        for _ in range(300):
            changed = bytearray(whole)
            changed[int(chance.choice(described))] = int(chance.integers(256))
            (folder / "model.onnx").write_bytes(changed)
            try:
                onnx_slot.spec_of(folder, "mine")
                taken += 1
            except EncoderError as error:
                said.append(str(error))
        assert 0 < taken < 200
        assert all(one.isprintable() for one in said)
        assert capfd.readouterr() == ("", "")

    def test_weights_that_are_smaller_than_they_say_are_refused(self, tmp_path: Path) -> None:
        found = mel_model()
        found.graph.initializer[0].dims[0] = 1 << 40
        assert "damaged" in refused(written(tmp_path / "huge", found, MEL_RECIPE))
        found.graph.initializer[0].dims[0] = 17
        assert "damaged" in refused(written(tmp_path / "odd", found, MEL_RECIPE))
        found.graph.initializer[0].dims[0] = -16
        assert "damaged" in refused(written(tmp_path / "negative", found, MEL_RECIPE))

    def test_enormous_tensors_are_refused_before_they_are_made(self, tmp_path: Path) -> None:
        nodes = [
            helper.make_node("ConstantOfShape", ["size"], ["huge"]),
            helper.make_node("ReduceMean", ["huge"], ["zero"], keepdims=0),
            helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("Add", ["mean", "zero"], ["embedding"]),
        ]
        found = model(["n", 12, 16], nodes, {"size": np.array([1 << 20, 1 << 20], np.int64)}, embedding=["n", 16])
        assert "would make a tensor of 1,099,511,627,776 numbers" in refused(written(tmp_path, found, MEL_RECIPE))

    def test_a_huge_fixed_batch_is_refused(self, tmp_path: Path) -> None:
        assert "numbers" in refused(written(tmp_path / "a", mel_model(1 << 30), MEL_RECIPE))
        assert "do not fit" in refused(written(tmp_path / "b", mel_model(1 << 20), MEL_RECIPE))

    def test_a_loop_without_an_end_is_stopped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnx_model, "_TRIAL_S", 0.5)
        value = helper.make_tensor_value_info
        body = helper.make_graph(
            [helper.make_node("Identity", ["on"], ["still"]), helper.make_node("Neg", ["x"], ["y"])],
            "forever",
            [value("turn", TensorProto.INT64, []), value("on", TensorProto.BOOL, []), value("x", TensorProto.FLOAT, ["n", 16])],
            [value("still", TensorProto.BOOL, []), value("y", TensorProto.FLOAT, ["n", 16])],
        )
        nodes = [
            helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("Loop", ["turns", "yes", "mean"], ["embedding"], body=body),
        ]
        tensors = {"turns": np.array(1 << 60, np.int64), "yes": np.array(True)}
        assert "cannot be run" in refused(written(tmp_path, model(["n", 12, 16], nodes, tensors, embedding=["n", 16]), MEL_RECIPE))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_embeddings_that_are_not_finite_are_refused(self, tmp_path: Path, bad: float) -> None:
        found = mel_model()
        found.graph.initializer[0].raw_data = np.full((16, DIM), bad, np.float32).tobytes()
        assert "not finite" in refused(written(tmp_path, found, MEL_RECIPE))

    def test_a_recording_that_a_model_cannot_take_is_one_sentence(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("ReduceSum", ["sound", "axis"], ["sum"], keepdims=0), helper.make_node("Sqrt", ["sum"], ["embedding"])]
        found = model(["n", 1, 4000], nodes, {"axis": np.array([2], np.int64)}, embedding=["n", 1])
        folder = written(tmp_path, found, WAVE_RECIPE, front_end={"kind": "waveform", "normalise": "window"})
        encoder = onnx_slot.load(
            EncoderSpec("mine", "1", "", 8000, Grid(0.5, 0.25), 1, "", family="onnx_slot", weights=own_files()), "cpu", folder
        )
        with pytest.raises(EncoderError, match="not finite"):
            encoder.embed([np.r_[np.full(3999, -1e-3), 4.0].astype(np.float32), -(np.abs(noise(0.5)) ** 3)])


def own_files() -> Any:
    from musicclass_gui.engine.encoders import WeightsFile, WeightsSource

    return WeightsSource("", "", (WeightsFile("model.onnx"), WeightsFile("preprocess.json")))


class TestMisfits:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"output": "logits"}, "has no output “logits”; it has “embedding”"),
            ({"input": "audio"}, "has no input “audio”; it has “sound”"),
            ({"layout": ["batch", "channel", "time", "mel"]}, "has 3 axes, and “layout” names 4"),
            ({"layout": ["batch", "mel", "time"]}, "cannot be run"),
            ({"patch": 13}, "cannot be run"),
            ({"output_layout": ["batch", "dim", "time"]}, "has 2 axes, and “output_layout” names 3"),
        ],
    )
    def test_a_recipe_for_another_model_says_what_differs(self, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
        assert words in refused(written(tmp_path, mel_model(), MEL_RECIPE, **changes))

    def test_a_model_with_several_outputs_or_inputs_says_so(self, tmp_path: Path) -> None:
        found = mel_model()
        found.graph.output.append(helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", 16]))
        assert "several outputs (“embedding”, “mean”)" in refused(written(tmp_path, found, MEL_RECIPE))
        found = mel_model()
        found.graph.input.append(helper.make_tensor_value_info("length", TensorProto.INT64, ["n"]))
        assert "has 2 inputs (“sound”, “length”)" in refused(written(tmp_path, found, MEL_RECIPE))

    def test_numbers_that_are_not_sound_are_refused(self, tmp_path: Path) -> None:
        value = helper.make_tensor_value_info
        nodes = [helper.make_node("ReduceMax", ["sound"], ["embedding"], axes=[1], keepdims=0)]
        graph = helper.make_graph(
            nodes, "g", [value("sound", TensorProto.INT64, ["n", 12, 16])], [value("embedding", TensorProto.INT64, ["n", 16])]
        )
        found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        assert "only numbers with a fraction" in refused(written(tmp_path, found, MEL_RECIPE))

    def test_an_output_that_does_not_follow_the_batch_is_no_embedding(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("ReduceMean", ["sound"], ["embedding"], axes=[0, 1], keepdims=0)]
        assert "no embedding" in refused(written(tmp_path, model(["n", 12, 16], nodes, {}, embedding=[16]), MEL_RECIPE))

    def test_a_file_that_is_missing_is_named(self, tmp_path: Path) -> None:
        assert "preprocess.json” cannot be read" in refused(tmp_path)
        folder = written(tmp_path, mel_model(), MEL_RECIPE)
        (folder / "model.onnx").unlink()
        assert "model.onnx” cannot be read" in refused(folder)

    def test_a_folder_that_changed_since_it_was_added_is_refused(self, tmp_path: Path) -> None:
        folder = written(tmp_path, mel_model(), MEL_RECIPE)
        spec = onnx_slot.spec_of(folder, "mine")
        written(folder, mel_model(), MEL_RECIPE, patch=6)
        with pytest.raises(WeightsError, match=r"preprocess\.json"):
            onnx_slot.load(spec, "cpu", folder)


MEL = MEL_RECIPE["front_end"]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"version": 2}, "its version is 2"),
    ({"colour": 1}, "“colour” is not known"),
    ({"col\nour": 1}, "“col?our” is not known"),
    ({"layout": None}, "“layout” is missing"),
    ({"sample_rate": None}, "“sample_rate” is missing"),
    ({"front_end": None}, "“front_end” is missing"),
    ({"sample_rate": "8000"}, "should be a whole number"),
    ({"sample_rate": True}, "should be a whole number"),
    ({"sample_rate": 8000.5}, "should be a whole number"),
    ({"sample_rate": 10}, "should be from 1000 to 192000"),
    ({"window_s": 1e9}, "should be from 0.01 to 120"),
    ({"window_s": []}, "should be a number"),
    ({"hop_s": 2}, "longer than “window_s”"),
    ({"hop_s": 0.001}, "fiftieth"),
    ({"patch": 33}, "fewer than “patch”"),
    ({"title": "a\nb"}, "signs that cannot be shown"),
    ({"title": "x" * 300}, "too long"),
    ({"layout": ["batch", "time"]}, "“layout” has to name"),
    ({"layout": ["batch", "time", "time", "mel"]}, "“layout” has to name"),
    ({"layout": ["batch", "time", "mel", "pitch"]}, "should be batch or time or mel or channel"),
    ({"output_layout": ["batch", "time"]}, "“output_layout” has to name"),
    ({"front_end": []}, "“front_end.kind”"),
    ({"front_end": {"kind": "cqt"}}, "only waveform and mel are known"),
    ({"front_end": {"kind": ["mel"]}}, "only waveform and mel are known"),
    ({"front_end": {**MEL, "colour": 1}}, "“front_end.colour” is not known"),
    ({"front_end": {"kind": "waveform", "n_fft": 512}}, "“front_end.n_fft” is not known"),
    ({"front_end": {**MEL, "n_fft": 1 << 30}}, "“front_end.n_fft” is 1073741824"),
    ({"front_end": {**MEL, "win_length": 600}}, "longer than “front_end.n_fft”"),
    ({"front_end": {**MEL, "f_max": 5000}}, "half the sample rate"),
    ({"front_end": {**MEL, "f_min": 4000}}, "“front_end.f_min”"),
    ({"front_end": {**MEL, "mean": [0, 1]}}, "one for each band"),
    ({"front_end": {**MEL, "std": 0}}, "“front_end.std” is 0"),
    ({"front_end": {**MEL, "log": {"kind": "log2"}}}, "“front_end.log.kind”"),
    ({"front_end": {**MEL, "log": {"base": 2}}}, "“front_end.log.base” is not known"),
    ({"front_end": {**MEL, "log": 3}}, "“front_end.log” is not an object"),
    ({"front_end": {**MEL, "n_fft": 65_536, "hop_length": 1}, "window_s": 120, "hop_s": None, "patch": 0}, "fill the memory"),
    ({"front_end": {**MEL, "n_fft": 65_536, "pad_mode": "reflect"}, "patch": 0}, "too short to be reflected"),
    ({"front_end": {**MEL, "n_fft": 65_536, "padding": "none"}, "patch": 0}, "too short for a frame"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_in_a_recipe_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    said = refused(written(tmp_path, mel_model(), MEL_RECIPE, **changes))
    assert words in said
    assert "preprocess.json" in said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{",
        '{"window_s": NaN}',
        '{"window_s": 1e999}',
        '{"window_s": Infinity}',
        "[" * 100_000,
        "\udcff",
        '{"sample_rate": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    folder = written(tmp_path, mel_model(), MEL_RECIPE)
    (folder / "preprocess.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "preprocess.json" in refused(folder)


def test_a_recipe_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    folder = written(tmp_path, mel_model(), MEL_RECIPE)
    (folder / "preprocess.json").write_text(json.dumps(MEL_RECIPE) + " " * (1 << 21))
    assert "too large" in refused(folder)
