"""Choi's convnets: the checklist of `transfer-paper.md`, section 8, on published weights, and the loading path on made ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py
import keras_nets
import numpy as np
import pytest
import torch

from musicclass_gui.engine import audio, encoders
from musicclass_gui.engine.encoders import WeightsFile, choi, choi_net
from musicclass_gui.engine.encoders.mels import slaney_bands
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.windows import Audio

RATE = 12_000
PIECE = 29 * RATE
HALF_PRECISION = 1e-3  # layers are kept as float16
WRITERS = {"choi2017": keras_nets.write_choi_theano, "choi2017-keras2": keras_nets.write_choi_keras2}
FILES = {"choi2017": "weights_theano.hdf5", "choi2017-keras2": "keras2_model_best.hdf5"}
Loaded = tuple[choi.ChoiEncoder, "Path"]


def noise(samples: int, seed: int = 0) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def chirp(samples: int = PIECE) -> Audio:
    t = np.arange(samples) / RATE
    return (0.5 * np.sin(2 * np.pi * (50 * t + 40 * t * t))).astype(np.float32)


def relative(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def exactly(encoder: choi.ChoiEncoder, *windows: Audio) -> NDArray[np.float32]:
    """Layers `(n, 5, 32)` as the net computes them, before they are rounded to be kept."""
    return encoder._runner.run(windows)


def unpinned(spec: EncoderSpec) -> EncoderSpec:
    """The same, for a file that is not the published one."""
    assert spec.weights is not None
    return replace(spec, weights=replace(spec.weights, files=(WeightsFile(spec.weights.files[0].name),)))


def decibels_of(window: Audio, *, theano: bool) -> NDArray[np.float64]:
    with torch.inference_mode():
        return choi_net.FrontEnd(theano=theano)(torch.from_numpy(choi.pieces([window])))[0].double().numpy()


@pytest.fixture(scope="module", params=list(WRITERS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    path = WRITERS[request.param](tmp_path_factory.mktemp("made") / FILES[request.param])
    return choi.load(unpinned(encoders.specs()[request.param]), "cpu", path), path


@pytest.fixture(scope="module")
def paper(data_dir: Path) -> Loaded:
    path = data_dir / "weights" / "choi2017" / FILES["choi2017"]
    return choi.load(choi.PAPER, "cpu", path), path


@pytest.fixture(scope="module")
def later(data_dir: Path) -> Loaded:
    path = data_dir / "weights" / "choi2017" / FILES["choi2017-keras2"]
    return choi.load(choi.KERAS2, "cpu", path), path


class TestPublishedWeights:
    def test_the_papers_net_matches_the_reference(self, paper: Loaded, data_dir: Path) -> None:
        expected = np.load(data_dir / "weights" / "choi2017" / "reference.npz")["chirp_embedding"]
        assert relative(exactly(paper[0], chirp()).reshape(-1), expected) < 1e-4
        assert relative(paper[0].embed([chirp()])[0], expected) < HALF_PRECISION

    def test_kernels_are_turned_round(self, paper: Loaded) -> None:
        """As Theano convolves: in the file they are the other way round than in the net, whose first is folded with its batch norm."""
        encoder, path = paper
        with h5py.File(path) as file:
            stored, gamma = (np.asarray(file[f"ConvBNEluDr/{name}"]) for name in ("convolution2d_1_W", "batchnormalization_1_gamma"))
        variance = choi_net.opening.tensors(choi_net.CALIBRATION_FILE)["var"][0].numpy()
        scale = (gamma / np.sqrt(variance + 1e-3))[:, None, None, None]
        ours = encoder._runner.net.convs[0].weight.numpy()
        np.testing.assert_allclose(ours, scale * stored[:, :, ::-1, ::-1], rtol=1e-5, atol=1e-7)
        assert relative(ours, scale * stored) > 0.1

    def test_mel_bands_are_the_stored_ones(self, paper: Loaded, later: Loaded) -> None:
        bands = slaney_bands(RATE, 512, 96, 6000.0)
        for path, name in ((paper[1], "melgram/param_2"), (later[1], "model_weights/melgram/melgram/Variable:0")):
            with h5py.File(path) as file:
                assert np.abs(np.asarray(file[name]).T - bands).max() < 1e-6

    def test_spectrogram_is_that_of_the_stored_kernels(self, paper: Loaded) -> None:
        """Strided convolutions, turned round by Theano, over a signal with 256 zeros before and after it."""
        with h5py.File(paper[1]) as file:
            real, imaginary, bands = (np.asarray(file[f"melgram/param_{k}"], np.float64).reshape(shape) for k, shape in _STORED)
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(chirp().astype(np.float64), 256), 512)[::256][:1360]
        power = (frames @ real[::-1]) ** 2 + (frames @ imaginary[::-1]) ** 2
        mel = 10 * np.log10(np.maximum(power @ bands, 1e-10)).T
        expected = np.maximum(mel - mel.max(), -80)
        found = decibels_of(chirp(), theano=True)
        assert found.shape == (96, 1360)
        assert np.abs(found - expected).max() < 1e-2
        assert np.abs(found - expected).mean() < 1e-4

    def test_the_later_net_hears_through_its_stored_kernels(self, later: Loaded) -> None:
        """As TensorFlow pads: 208 zeros before and after, and no turning round."""
        with h5py.File(later[1]) as file:
            group = file["model_weights/melgram/melgram"]
            real, imaginary = (np.asarray(group[f"{name}_kernels:0"], np.float64).reshape(512, 257) for name in ("real", "imag"))
            bands = np.asarray(group["Variable:0"], np.float64)
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(chirp().astype(np.float64), 208), 512)[::256]
        mel = 10 * np.log10(np.maximum(((frames @ real) ** 2 + (frames @ imaginary) ** 2) @ bands, 1e-10)).T
        found = decibels_of(chirp(), theano=False)
        assert found.shape == mel.shape == (96, 1360)
        assert np.abs(found - np.maximum(mel - mel.max(), -80)).max() < 1e-2

    def test_the_later_net_computes_what_keras_would(self, later: Loaded) -> None:
        expected = keras_nets.choi_keras2(keras_nets.read_keras2(later[1]), decibels_of(chirp(), theano=False))
        assert relative(exactly(later[0], chirp())[0], expected) < 1e-4

    @pytest.mark.parametrize("net", ["paper", "later"])
    def test_neighbours_and_gain_change_nothing(self, request: pytest.FixtureRequest, net: str) -> None:
        encoder, _ = request.getfixturevalue(net)
        windows = [chirp(), noise(PIECE), noise(5 * RATE, 1)]
        for window, together in zip(windows, exactly(encoder, *windows), strict=True):
            assert relative(exactly(encoder, window)[0], together) < 1e-5
            assert relative(exactly(encoder, 0.1 * window)[0], together) < 1e-4

    def test_the_shipped_calibration_is_the_one_that_was_measured(self, data_dir: Path) -> None:
        measured = np.load(data_dir / "weights" / "choi2017" / "calibration.npz")
        shipped = choi_net.opening.tensors(choi_net.CALIBRATION_FILE)
        np.testing.assert_array_equal(shipped["mean"].numpy(), measured["m"])
        np.testing.assert_array_equal(shipped["var"].numpy(), measured["v"])

    def test_views_are_found_in_a_folder_of_weights(self, data_dir: Path, paper: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICCLASS_MODELS", str(data_dir / "weights"))
        whole = paper[0].embed([chirp()])
        np.testing.assert_array_equal(encoders.load("choi2017_1").embed([chirp()]), whole[:, :32])
        np.testing.assert_array_equal(encoders.load("choi2017_2345").embed([chirp()]), whole[:, 32:])

    def test_genres_of_real_music(self, data_dir: Path, paper: Loaded) -> None:
        """70 tracks, each left out in turn, linear discriminant analysis; measured is 78.6 %."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
        from sklearn.model_selection import LeaveOneOut, cross_val_score

        tracks = audio.find_recordings([data_dir / "gtzan-mini"])
        means = np.stack([paper[0].embed(windows(path, choi.PAPER)).mean(axis=0) for path in tracks])
        genres = [path.parent.name for path in tracks]
        judge = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=np.full(10, 0.1))
        assert means.shape == (70, 160)
        assert cross_val_score(judge, means, genres, cv=LeaveOneOut()).mean() >= 0.75


_STORED = ((0, (512, 257)), (1, (512, 257)), (2, (257, 96)))


class TestMadeWeights:
    def test_it_computes_what_keras_would(self, made: Loaded) -> None:
        encoder, path = made
        window, theano = noise(PIECE), encoder.spec.id == "choi2017"
        decibels = decibels_of(window, theano=theano)
        if theano:
            shipped = choi_net.opening.tensors(choi_net.CALIBRATION_FILE)
            statistics = (shipped["mean"].double().numpy(), shipped["var"].double().numpy())
            expected = keras_nets.choi_theano(path, statistics, decibels)
        else:
            expected = keras_nets.choi_keras2(keras_nets.read_keras2(path), decibels)
        assert relative(exactly(encoder, window)[0], expected) < 1e-4

    def test_layers_come_one_after_the_other(self, made: Loaded) -> None:
        encoder, _ = made
        kept = encoder.embed_layers([noise(PIECE), chirp()])
        assert kept.shape == (2, 5, 32)
        assert kept.dtype == np.float16
        np.testing.assert_array_equal(encoder.embed([noise(PIECE), chirp()]), kept.reshape(2, 160).astype(np.float32))

    def test_views_of_it_can_be_named(self) -> None:
        for encoder_id in WRITERS:
            one, four = encoders.find_spec(f"{encoder_id}_1"), encoders.find_spec(f"{encoder_id}_2345")
            assert one is not None
            assert four is not None
            assert (one.dim, four.dim, one.of) == (32, 128, encoder_id)
            assert encoders.find_spec(f"{encoder_id}_0") is None

    def test_every_length_keeps_its_place(self, made: Loaded) -> None:
        encoder, _ = made
        some = [noise(length, seed) for seed, length in enumerate([RATE, 1, 30 * RATE, 59 * RATE])]
        together = exactly(encoder, *some)
        assert np.isfinite(together).all()
        for window, row in zip(some, together, strict=True):
            assert relative(exactly(encoder, window)[0], row) < 1e-5

    def test_short_windows_are_repeated_to_29_seconds(self, made: Loaded) -> None:
        short = noise(4 * RATE)
        assert relative(exactly(made[0], short), exactly(made[0], np.tile(short, 8)[:PIECE])) < 1e-6

    def test_of_an_excerpt_of_30_seconds_the_first_29_are_heard(self, made: Loaded) -> None:
        excerpt = noise(30 * RATE)
        assert relative(exactly(made[0], excerpt), exactly(made[0], excerpt[:PIECE])) < 1e-6

    def test_longer_windows_are_the_mean_of_their_pieces(self, made: Loaded) -> None:
        one, other = noise(PIECE), chirp()
        expected = exactly(made[0], one, other).mean(axis=0)
        assert relative(exactly(made[0], np.concatenate([one, other]))[0], expected) < 1e-5

    def test_silence_is_finite_and_nothing_gives_nothing(self, made: Loaded) -> None:
        assert np.isfinite(made[0].embed([np.zeros(PIECE, np.float32), np.zeros(1, np.float32)])).all()
        assert made[0].embed([]).shape == (0, 160)

    def test_geometry_has_the_published_number_of_parameters(self) -> None:
        """The tag layer's 1,650 aside."""
        assert sum(parameter.numel() for parameter in choi_net.ChoiNet(theano=True).parameters()) == 37_312 + 320

    def test_an_excerpt_of_30_seconds_gives_one_window(self) -> None:
        stream = choi.PAPER.grid.stream(RATE)
        assert len([*stream.push(noise(30 * RATE + 200)), *stream.finish()]) == 1


class TestFiles:
    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda blocks: blocks.pop("convolution2d_3_W"), "lacks convs.2.weight"),
            (
                lambda blocks: blocks.create_dataset("convolution2d_6_W", data=np.zeros(2, "f4")),
                "has unknown ConvBNEluDr/convolution2d_6_W",
            ),
            (
                lambda blocks: blocks.pop("convolution2d_1_b") and blocks.create_dataset("convolution2d_1_b", data=np.zeros(2, "f4")),
                "shape",
            ),
        ],
    )
    def test_files_of_another_net_are_refused_in_a_sentence(
        self, tmp_path: Path, spoil: Callable[[h5py.Group], object], words: str
    ) -> None:
        path = keras_nets.write_choi_theano(tmp_path / "net.hdf5")
        with h5py.File(path, "r+") as file:
            spoil(file["ConvBNEluDr"])
        with pytest.raises(WeightsError, match=words):
            choi.load(unpinned(choi.PAPER), "cpu", path)

    def test_one_net_is_not_taken_for_the_other(self, tmp_path: Path) -> None:
        path = keras_nets.write_choi_keras2(tmp_path / "net.hdf5")
        with pytest.raises(WeightsError, match="of another net"):
            choi.load(unpinned(choi.PAPER), "cpu", path)

    def test_what_is_not_the_published_file_is_refused(self, tmp_path: Path) -> None:
        path = keras_nets.write_choi_theano(tmp_path / "weights_theano.hdf5")
        with pytest.raises(WeightsError, match="is not the published choi2017"):
            choi.load(choi.PAPER, "cpu", path)

    def test_the_calibration_names_the_weights_that_it_is_for(self) -> None:
        from safetensors import safe_open

        assert choi.PAPER.weights is not None
        with safe_open(choi_net.CALIBRATION_FILE, "np") as file:
            assert file.metadata() == {"weights_sha256": choi.PAPER.weights.files[0].sha256}


def windows(path: Path, spec: EncoderSpec) -> list[Audio]:
    recording = audio.probe(path)
    resampler, stream = audio.Resampler(recording.sample_rate, spec.sample_rate), spec.grid.stream(spec.sample_rate)
    with audio.open_blocks(recording) as blocks:
        mono = [resampler.push(audio.to_mono(block)) for block in blocks]
    samples = np.concatenate([*mono, resampler.finish()])
    return [window.samples for window in [*stream.push(samples), *stream.finish()]]
