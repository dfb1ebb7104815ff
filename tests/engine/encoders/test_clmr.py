"""CLMR's encoder: its published size and names, its checkpoint in all its wrappings, and nothing unpacked where it should not be."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from encoders import made_weights

from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import clmr, clmr_files, samplecnn_net, taggers
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders.piecewise import PiecewiseEncoder
    from musicclass_gui.engine.windows import Audio

SAMPLES = 59_049


def noise(samples: int, seed: int = 0) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def relative(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_weights.make("clmr", tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def encoder(made: Path) -> PiecewiseEncoder:
    return clmr.load(weights_file=made)


def saved(state: object) -> bytes:
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


class TestGeometry:
    def test_it_has_the_published_number_of_parameters(self) -> None:
        assert sum(parameter.numel() for parameter in samplecnn_net.ContrastiveCNN().parameters()) == 2_368_512

    def test_names_are_those_of_the_release(self) -> None:
        parts = ["0.weight", "0.bias", *(f"1.{part}" for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"))]
        assert list(samplecnn_net.ContrastiveCNN().state_dict()) == [f"sequential.{stage}.{part}" for stage in range(11) for part in parts]

    def test_channels_are_those_of_the_paper(self) -> None:
        shapes = [tuple(stage[0].weight.shape) for stage in samplecnn_net.ContrastiveCNN().sequential]
        widths = [128, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512]
        assert shapes == [(out, channels, 3) for channels, out in zip([1, *widths], widths, strict=False)]

    def test_time_is_divided_by_three_until_one_step_is_left(self) -> None:
        net, steps, x = samplecnn_net.ContrastiveCNN().eval(), [], torch.zeros(1, 1, SAMPLES)
        with torch.inference_mode():
            for stage in net.sequential:
                x = stage(x)
                steps.append(x.shape[2])
        assert steps == [*(3**k for k in range(9, -1, -1)), 1]

    def test_folding_batch_norms_changes_nothing(self, made: Path) -> None:
        samples = torch.from_numpy(noise(SAMPLES))[None]
        with torch.inference_mode():
            assert relative(clmr_files.read(made)(samples).numpy(), made_weights.clmr()(samples).numpy()) < 1e-4

    def test_the_taggers_samplecnn_differs_at_its_ends_only(self) -> None:
        """What both share is one thing here: with the ends set alike, they compute the same."""
        ours, theirs = made_weights.clmr(), made_weights.tagger("sample-cnn")
        for number, stage in enumerate(ours.sequential[1:-1], start=2):
            theirs.get_submodule(f"layer{number}").conv.load_state_dict(stage[0].state_dict())
            theirs.get_submodule(f"layer{number}").bn.load_state_dict(stage[1].state_dict())
        x = torch.randn(1, 128, 3**9)
        with torch.inference_mode():
            middle = ours.sequential[1:-1](x)
            for number in range(2, 11):
                x = theirs.get_submodule(f"layer{number}")(x)
        assert torch.allclose(middle, x, atol=1e-5)


class TestWindows:
    def test_windows_are_as_long_as_the_papers(self) -> None:
        assert clmr.SPEC.grid.window_s == clmr.SPEC.grid.hop_s == SAMPLES / 22_050
        assert encoders.specs()["clmr"] is clmr.SPEC
        assert round(clmr.SPEC.grid.window_s * clmr.SPEC.sample_rate) == SAMPLES

    def test_every_length_keeps_its_place(self, encoder: PiecewiseEncoder) -> None:
        windows = [noise(SAMPLES, 1), np.zeros(SAMPLES, np.float32), noise(1, 2), noise(5000, 3), noise(100_000, 4), noise(SAMPLES, 5)]
        together = encoder.embed(windows)
        assert together.shape == (6, 512)
        assert together.dtype == np.float32
        assert np.isfinite(together).all()
        for one, embedding in zip(windows, together, strict=True):
            assert relative(embedding, encoder.embed([one])[0]) < 1e-4
        assert relative(together[0], together[5]) > 1e-3

    def test_it_has_no_tags(self, encoder: PiecewiseEncoder) -> None:
        assert not isinstance(encoder, encoders.Tagger)
        assert clmr.SPEC.tags == ""
        assert taggers.SPECS[0].tags


def _lightning(state: made_weights.State) -> object:
    """What the authors' training saves: everything twice, and what it was run with."""
    model = {f"model.{name}": value for name, value in state.items()}
    return {"state_dict": {**state, **model}, "hyper_parameters": {"projection_dim": 64}, "epoch": 3, "pytorch-lightning_version": "1.1.0"}


WRAPPINGS: dict[str, Callable[[made_weights.State], object]] = {
    "the published one": lambda state: state,
    "a checkpoint of training": _lightning,
    "a bare encoder": lambda state: {name.removeprefix("encoder."): value for name, value in state.items() if "projector" not in name},
    "with a layer for tags": lambda state: {**state, "encoder.fc.weight": torch.zeros(50, 512), "encoder.fc.bias": torch.zeros(50)},
}


class TestFiles:
    @pytest.mark.parametrize("wrapping", WRAPPINGS)
    def test_checkpoints(self, wrapping: str, encoder: PiecewiseEncoder, tmp_path: Path) -> None:
        path = tmp_path / "clmr_checkpoint_10000.pt"
        torch.save(WRAPPINGS[wrapping](made_weights.clmr_checkpoint()), path)
        window = [noise(SAMPLES)]
        assert np.array_equal(clmr.load(weights_file=path).embed(window), encoder.embed(window))

    @pytest.mark.parametrize("name", ["clmr_checkpoint_10000.zip", "clmr_checkpoint_10000.pt"])
    def test_both_names_are_found_in_a_folder(self, name: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        place = tmp_path / "clmr" / name
        place.parent.mkdir()
        place.write_bytes(made.read_bytes() if name.endswith("zip") else saved(made_weights.clmr_checkpoint()))
        monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path))
        assert encoders.load("clmr").embed([noise(100)]).shape == (1, 512)

    def test_nothing_is_left_on_the_disk(self, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        clmr_files.read(made)
        assert list(tmp_path.iterdir()) == []

    def test_a_name_that_leads_out_of_the_zip_is_no_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        path = tmp_path / "sly.zip"
        path.write_bytes(made_weights.clmr_zip("../../outside.pt"))
        clmr_files.read(path)
        assert not list(tmp_path.rglob("outside.pt"))
        assert not (tmp_path.parent / "outside.pt").exists()

    def test_a_zip_of_two_checkpoints_or_none(self, tmp_path: Path) -> None:
        content = saved({"encoder.sequential.0.0.weight": torch.zeros(1)})
        with pytest.raises(WeightsError, match="holds 2 checkpoints instead of one"):
            clmr_files.read(zipped(tmp_path / "two.zip", **{"a.pt": content, "b.pt": content}))
        with pytest.raises(WeightsError, match="holds 0 checkpoints instead of one"):
            clmr_files.read(zipped(tmp_path / "none.zip", **{"a.txt": b"hello"}))

    def test_a_zip_that_would_unpack_to_far_too_much(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "bomb.zip", **{"a.pt": bytes(201_000_000)})
        assert path.stat().st_size < 1_000_000
        with pytest.raises(WeightsError, match="holds more than 200 MB"):
            clmr_files.read(path)

    def test_a_zip_that_says_it_is_small(self, tmp_path: Path) -> None:
        """What a zip says of its member's size is not believed: no more than that is read, and then its sum is wrong."""
        path = zipped(tmp_path / "liar.zip", **{"a.pt": bytes(1_000_000)})
        content = bytearray(path.read_bytes())
        directory = content.rindex(b"PK\x01\x02")
        content[directory + 24 : directory + 28] = (1000).to_bytes(4, "little")
        path.write_bytes(content)
        with pytest.raises(WeightsError):
            clmr_files.read(path)

    def test_half_a_zip(self, made: Path, tmp_path: Path) -> None:
        half = tmp_path / "half.zip"
        half.write_bytes(made.read_bytes()[:1_000_000])
        with pytest.raises(WeightsError, match="holds no weights that can be read"):
            clmr_files.read(half)

    def test_a_damaged_zip(self, made: Path, tmp_path: Path) -> None:
        content = bytearray(made.read_bytes())
        content[5000:5100] = bytes(100)
        path = tmp_path / "damaged.zip"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="cannot be unpacked"):
            clmr_files.read(path)

    def test_a_locked_zip(self, made: Path, tmp_path: Path) -> None:
        content = bytearray(made.read_bytes())
        for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.index(mark) + flags] |= 1
        path = tmp_path / "locked.zip"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="cannot be unpacked"):
            clmr_files.read(path)

    def test_code_in_the_zip_is_not_run(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "code.zip", **{"a.pt": pickle.dumps(Writes(tmp_path / "harmed"))})
        with pytest.raises(WeightsError) as caught:
            clmr_files.read(path)
        assert str(path) in str(caught.value)
        assert "checkpoint.pt" not in str(caught.value)
        assert not (tmp_path / "harmed").exists()

    def test_another_net(self, tmp_path: Path) -> None:
        path = tmp_path / "best_model.pth"
        torch.save(made_weights.tagger("sample-cnn").state_dict(), path)
        with pytest.raises(WeightsError, match="is of another net"):
            clmr.load(weights_file=path)

    def test_weights_that_are_not_finite(self, tmp_path: Path) -> None:
        state = made_weights.clmr_checkpoint()
        state["encoder.sequential.3.0.bias"][0] = np.inf
        path = zipped(tmp_path / "infinite.zip", **{"a.pt": saved(state)})
        with pytest.raises(WeightsError, match="not finite"):
            clmr_files.read(path)


class Writes:
    """A pickle that writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "harmed")
