"""The net agrees with its published outputs, refuses weights that are not its own, and embeds windows of any length."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from musicclass_gui.engine import device as devices
from musicclass_gui.engine.encoders import mobilenet, mobilenet_net
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from musicclass_gui.engine.windows import Audio

RATE = mobilenet.SPEC.sample_rate
State = dict[str, torch.Tensor]


def chirp(seconds: float = 10.0) -> Audio:
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * (100 * t + 300 * t * t))).astype(np.float32)


def noise(samples: int, seed: int = 0) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def relative(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def made_net() -> mobilenet_net.MobileNet:
    """Random weights, and batch norms that do something."""
    torch.manual_seed(0)
    net = mobilenet_net.MobileNet().eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias, 0, 0.2)
    return net.requires_grad_(False)


@pytest.fixture(scope="module")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "made.pt"
    torch.save(made_net().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def encoder(made_file: Path) -> mobilenet.MobileNetEncoder:
    return mobilenet.MobileNetEncoder(mobilenet_net.read(made_file))


@pytest.fixture(scope="module")
def real(data_dir: Path) -> mobilenet.MobileNetEncoder:
    return mobilenet.load(mobilenet.SPEC, "cpu", data_dir / "weights" / "mn04-as" / "mn04_as_mAP_432.pt")


class TestPublishedWeights:
    def test_embedding_and_logits_match_the_reference(self, real: mobilenet.MobileNetEncoder, data_dir: Path) -> None:
        reference = np.load(data_dir / "weights" / "mn04-as" / "reference.npz")
        embedding, expected = real.embed([chirp()])[0], reference["chirp_embedding"]
        cosine = embedding @ expected / np.linalg.norm(embedding) / np.linalg.norm(expected)
        assert cosine >= 0.9999
        assert relative(embedding, expected) < 1e-3
        logits = real._net.logits(torch.from_numpy(embedding)).numpy()
        assert np.abs(logits - reference["chirp_logits"]).max() < 1e-2

    def test_a_windows_neighbours_do_not_change_it(self, real: mobilenet.MobileNetEncoder) -> None:
        windows = [chirp(5), noise(5 * RATE), noise(5 * RATE, 1) * 3]
        together = real.embed(windows)
        for window, embedding in zip(windows, together, strict=True):
            assert relative(embedding, real.embed([window])[0]) < 1e-4

    def test_they_are_found_in_a_folder(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICCLASS_MODELS", str(data_dir / "weights"))
        assert mobilenet.load().embed([chirp(1)]).shape == (1, 384)

    def test_a_device_that_is_not_there_becomes_a_notice(self, data_dir: Path) -> None:
        loaded = mobilenet.load(mobilenet.SPEC, "cuda:99", data_dir / "weights" / "mn04-as" / "mn04_as_mAP_432.pt")
        assert loaded.device == "cpu"
        assert "the CPU is used" in loaded.notices[0]


class TestGeometry:
    def test_it_has_the_published_number_of_parameters(self) -> None:
        assert sum(parameter.numel() for parameter in mobilenet_net.MobileNet().parameters()) == 983_599

    def test_folding_batch_norms_changes_nothing(self, made_file: Path) -> None:
        samples = torch.from_numpy(np.stack([noise(RATE), chirp(1)]))
        with torch.inference_mode():
            assert relative(mobilenet_net.read(made_file)(samples).numpy(), made_net()(samples).numpy()) < 1e-5

    def test_front_end_follows_its_definition(self) -> None:
        samples = noise(RATE).astype(np.float64)
        emphasised = samples[1:] - 0.97 * samples[:-1]
        padded = np.pad(emphasised, 512, mode="reflect")
        window = np.pad(np.hanning(800), 112)
        frames = np.stack([padded[i : i + 1024] * window for i in range(0, emphasised.size + 1, 320)])
        power = np.abs(np.fft.rfft(frames)) ** 2
        front_end = mobilenet_net.FrontEnd()
        expected = (np.log(front_end.bands.double().numpy() @ power.T + 1e-5) + 4.5) / 5
        with torch.inference_mode():
            mel = front_end(torch.from_numpy(samples[None].astype(np.float32)))[0, 0].numpy()
        assert mel.shape == (128, 100)
        assert np.abs(mel - expected).max() < 1e-4

    def test_mel_bands_are_kaldis(self) -> None:
        """Triangles on Kaldi's scale 1127 ln(1 + f / 700), from 0 to 15 kHz, in the scale's own unit."""
        edges = np.linspace(0, 1127 * np.log1p(15_000 / 700), 130)
        bins = 1127 * np.log1p(np.arange(512) * RATE / 1024 / 700)
        rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
        expected = np.maximum(0, np.minimum(rising, falling))
        assert np.abs(mobilenet_net.FrontEnd().bands.numpy()[:, :512] - expected).max() < 1e-3


class TestWindows:
    def test_every_length_keeps_its_place(self, encoder: mobilenet.MobileNetEncoder) -> None:
        windows = [noise(length, seed) for seed, length in enumerate([40_000, 1, 5 * RATE, 40_000, 31_999, 2])]
        together = encoder.embed(windows)
        assert together.shape == (6, 384)
        assert together.dtype == np.float32
        assert np.isfinite(together).all()
        for window, embedding in zip(windows, together, strict=True):
            assert relative(embedding, encoder.embed([window])[0]) < 1e-4

    def test_less_than_a_second_is_heard_as_a_second_that_falls_silent(self, encoder: mobilenet.MobileNetEncoder) -> None:
        short = noise(5000)
        padded = np.pad(short, (0, RATE - short.size))
        assert relative(encoder.embed([short])[0], encoder.embed([padded])[0]) < 1e-5

    def test_silence_is_finite(self, encoder: mobilenet.MobileNetEncoder) -> None:
        assert np.isfinite(encoder.embed([np.zeros(5 * RATE, np.float32), np.zeros(1, np.float32)])).all()

    def test_no_windows_no_rows(self, encoder: mobilenet.MobileNetEncoder) -> None:
        assert encoder.embed([]).shape == (0, 384)

    def test_more_windows_than_a_batch_holds(self, encoder: mobilenet.MobileNetEncoder) -> None:
        windows = [noise(2 * RATE, seed) for seed in range(25)]
        together = encoder.embed(windows)
        assert relative(together[-1], encoder.embed([windows[-1]])[0]) < 1e-4


class Full(mobilenet_net.MobileNet):
    """A net for which only `room` windows at once fit into the memory of a CUDA device, until it is moved to the CPU."""

    room = 0

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        if len(samples) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return super().forward(samples)

    def cpu_has_room(self) -> None:
        self.room = 1000


class TestFullMemory:
    @pytest.fixture
    def full(self) -> Full:
        return Full().eval().requires_grad_(False)

    def test_smaller_batches_are_tried_and_remembered(self, full: Full) -> None:
        full.room = 3
        encoder = mobilenet.MobileNetEncoder(full)
        windows = [noise(RATE, seed) for seed in range(10)]
        first = encoder.embed(windows)
        assert encoder.notices == []
        assert encoder._runner._batch_s == 2.0
        full.room = 1000
        assert np.allclose(first, encoder.embed(windows), atol=1e-5)

    def test_the_cpu_takes_over_with_a_notice(self, full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
        encoder = mobilenet.MobileNetEncoder(full)
        move = encoder._runner._move_to_cpu

        def move_and_fit(notice: str) -> None:
            full.cpu_has_room()
            move(notice)

        monkeypatch.setattr(encoder._runner, "_move_to_cpu", move_and_fit)
        embeddings = encoder.embed([noise(RATE)])
        assert np.isfinite(embeddings).all()
        assert encoder.device == "cpu"
        assert encoder.notices == ["The CUDA device ran out of memory; the rest is done on the CPU."]

    def test_a_device_that_fails_at_once_leaves_the_cpu(self, made_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(devices, "describe", lambda name: "CUDA: Broken")
        encoder = mobilenet.MobileNetEncoder(mobilenet_net.read(made_file), "cuda:7")
        assert encoder.device == "cpu"
        assert encoder.notices[0].startswith("CUDA: Broken cannot be used (")
        assert encoder.embed([noise(RATE)]).shape == (1, 384)


def without_an_entry(state: State) -> object:
    return {name: value for name, value in state.items() if name != "features.4.block.2.conc_se_layers.0.fc1.weight"}


def with_an_entry_more(state: State) -> object:
    return {**state, "extra.weight": torch.zeros(3)}


def with_another_shape(state: State) -> object:
    return {**state, "classifier.5.bias": torch.zeros(528)}


def with_nan(state: State) -> object:
    return {**state, "features.16.0.weight": torch.full((384, 64, 1, 1), torch.nan)}


def with_infinity(state: State) -> object:
    return {**state, "features.0.1.running_var": torch.full((8,), torch.inf)}


def a_list(state: State) -> object:
    return list(state.values())


class TestWrongWeights:
    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (without_an_entry, "another net"),
            (with_an_entry_more, "another net"),
            (with_another_shape, "another net"),
            (with_nan, "damaged"),
            (with_infinity, "damaged"),
            (a_list, "named tensors"),
        ],
    )
    def test_are_refused_in_one_sentence(self, tmp_path: Path, change: Callable[[State], object], match: str) -> None:
        path = tmp_path / "wrong.pt"
        torch.save(change(made_net().state_dict()), path)
        with pytest.raises(WeightsError, match=match) as caught:
            mobilenet_net.read(path)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04 half a zip"])
    def test_files_of_another_kind_are_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "wrong.pt"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="can be read"):
            mobilenet_net.read(path)

    def test_a_truncated_file_is_refused(self, tmp_path: Path, made_file: Path) -> None:
        path = tmp_path / "wrong.pt"
        path.write_bytes(made_file.read_bytes()[:-100_000])
        with pytest.raises(WeightsError, match="can be read"):
            mobilenet_net.read(path)

    def test_a_pickle_that_would_run_code_is_refused_and_not_run(self, tmp_path: Path) -> None:
        path, trace = tmp_path / "evil.pt", tmp_path / "trace"

        class Evil:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return Path.touch, (str(trace),)

        path.write_bytes(pickle.dumps(Evil()))
        with pytest.raises(WeightsError):
            mobilenet_net.read(path)
        assert not trace.exists()

    def test_a_file_that_is_not_the_published_one_is_not_loaded(self, made_file: Path) -> None:
        with pytest.raises(WeightsError, match="not the published"):
            mobilenet.load(mobilenet.SPEC, "cpu", made_file)

    def test_missing_weights_say_how_to_get_them(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICCLASS_HOME", str(tmp_path))
        with pytest.raises(WeightsError, match="musicclass models fetch mn04-as"):
            mobilenet.load()
