"""The taggers compute what Keras would, hear through librosa's spectrogram, tag real music sensibly, and refuse other files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import h5py
import keras_nets
import numpy as np
import pytest
import torch

from musicclass_gui.engine import audio, encoders, tagging
from musicclass_gui.engine.encoders import Tagger, WeightsFile, musicnn, musicnn_net
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.windows import Audio

RATE = 16_000
WRITERS = {"musicnn-mtt": keras_nets.write_musicnn, "musicnn-msd": keras_nets.write_musicnn, "vgg-mtt": keras_nets.write_vgg}
FORWARD = {"musicnn-mtt": keras_nets.musicnn, "musicnn-msd": keras_nets.musicnn, "vgg-mtt": keras_nets.vgg}
IDS = [spec.id for spec in musicnn.SPECS]
GENRE_TAGS = {
    "MTT": {"classical": {"classical", "classic"}, "country": {"country"}, "metal": {"metal"}, "pop": {"pop"}, "rock": {"rock"}},
    "MSD": {
        "blues": {"blues"},
        "country": {"country"},
        "hiphop": {"Hip-Hop"},
        "jazz": {"jazz"},
        "metal": {"metal", "heavy metal"},
        "pop": {"pop"},
        "rock": {"rock"},
    },
}
"""Which tags name a genre of GTZAN."""


def noise(samples: int, seed: int = 0) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def chirp(samples: int = 3 * RATE) -> Audio:
    t = np.arange(samples) / RATE
    return (0.5 * np.sin(2 * np.pi * (100 * t + 900 * t * t))).astype(np.float32)


def relative(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def unpinned(spec: EncoderSpec) -> EncoderSpec:
    """The same, for a file that is not the published one."""
    assert spec.weights is not None
    return replace(spec, weights=replace(spec.weights, files=(WeightsFile(spec.weights.files[0].name),)))


def made(encoder_id: str, folder: Path, seed: int = 0) -> tuple[musicnn.MusicnnEncoder, Path]:
    path = WRITERS[encoder_id](folder / f"{encoder_id}.h5", seed)
    return musicnn.load(unpinned(encoders.specs()[encoder_id]), "cpu", path), path


@pytest.fixture(scope="module", params=IDS)
def any_made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[musicnn.MusicnnEncoder, Path]:
    return made(request.param, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module", params=IDS)
def any_real(request: pytest.FixtureRequest, data_dir: Path) -> tuple[musicnn.MusicnnEncoder, Path]:
    spec = encoders.specs()[request.param]
    assert spec.weights is not None
    path = data_dir / "weights" / "musicnn-keras" / spec.weights.files[0].name
    return musicnn.load(spec, "cpu", path), path


def agrees_with_keras(encoder: musicnn.MusicnnEncoder, path: Path, window: Audio) -> bool:
    with torch.inference_mode():
        mel = musicnn_net.FrontEnd()(torch.from_numpy(musicnn.pieces([window])))[0, 0].double().numpy()
    expected = FORWARD[encoder.spec.id](keras_nets.read_keras2(path), mel)
    return relative(encoder.embed([window])[0], expected) < 1e-4


class TestKeras:
    def test_made_weights_give_what_keras_computes(self, any_made: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        assert agrees_with_keras(*any_made, noise(3 * RATE))

    def test_published_weights_give_what_keras_computes(self, any_real: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        assert agrees_with_keras(*any_real, chirp())

    def test_tags_are_the_last_layer(self, any_made: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        encoder, path = any_made
        assert isinstance(encoder, Tagger)
        head, net = encoder.tag_head(), keras_nets.read_keras2(path)
        last = net["output" if encoder.spec.id == "vgg-mtt" else "dense_1"]
        embedding = encoder.embed([chirp()])
        expected = 1 / (1 + np.exp(-(embedding.astype(np.float64) @ last["kernel"] + last["bias"])))
        assert np.abs(tagging.probabilities(head, embedding) - expected).max() < 1e-6

    def test_every_parameter_of_the_published_files_is_used(self, any_real: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        encoder, path = any_real
        in_file = sum(array.size for layer in keras_nets.read_keras2(path).values() for array in layer.values())
        counted = sum(tensor.numel() for name, tensor in encoder._net.state_dict().items() if not name.endswith("num_batches_tracked"))
        assert counted == in_file

    def test_geometry_has_as_many_parameters_as_the_published_files(self) -> None:
        nets = (musicnn_net.MusiCNN(), musicnn_net.Vgg())
        assert [sum(parameter.numel() for parameter in net.parameters()) for net in nets] == [787_159, 605_748]


class TestFrontEnd:
    def test_it_is_librosas_mel_spectrogram(self) -> None:
        from librosa.feature import melspectrogram

        samples = noise(musicnn_net.PIECE)
        samples[1000:9000] += chirp(8000)
        mel = melspectrogram(y=samples, sr=RATE, n_fft=512, hop_length=256, n_mels=96, pad_mode="reflect")[:, :187]
        with torch.inference_mode():
            found = musicnn_net.FrontEnd()(torch.from_numpy(samples[None]))[0, 0].numpy()
        assert found.shape == (187, 96)
        assert np.abs(found - np.log10(10_000 * mel.T + 1)).max() < 1e-4

    def test_three_seconds_are_one_piece(self) -> None:
        assert musicnn.pieces([noise(3 * RATE)]).shape == (1, musicnn_net.PIECE)
        assert musicnn._PIECE == musicnn_net.PIECE


class TestWindows:
    def test_a_windows_neighbours_do_not_change_it(self, any_made: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        encoder, _ = any_made
        windows = [noise(length, seed) for seed, length in enumerate([3 * RATE, 1, 3 * RATE, 20_000, 7 * RATE])]
        together = encoder.embed(windows)
        assert together.shape == (5, encoder.spec.dim)
        assert together.dtype == np.float32
        for window, embedding in zip(windows, together, strict=True):
            assert relative(encoder.embed([window])[0], embedding) < 1e-4

    def test_a_short_window_is_repeated(self, any_made: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        encoder, _ = any_made
        short = noise(RATE)
        assert relative(encoder.embed([short])[0], encoder.embed([np.tile(short, 3)])[0]) < 1e-5

    def test_a_long_window_is_the_mean_of_its_pieces(self, any_made: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        encoder, _ = any_made
        parts = [noise(musicnn_net.PIECE, seed) for seed in range(2)]
        whole = encoder.embed([np.concatenate([*parts, noise(900, 3)])])[0]
        assert relative(whole, encoder.embed(parts).mean(axis=0)) < 1e-5

    def test_silence_is_finite_and_nothing_gives_nothing(self, any_made: tuple[musicnn.MusicnnEncoder, Path]) -> None:
        encoder, _ = any_made
        assert np.isfinite(encoder.embed([np.zeros(3 * RATE, np.float32), np.zeros(1, np.float32)])).all()
        assert encoder.embed([]).shape == (0, encoder.spec.dim)


class TestFiles:
    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda file: file.pop("model_weights/dense_1/dense_1/kernel_1:0"), "lacks tags.weight"),
            (
                lambda file: file.create_dataset("model_weights/extra/extra/kernel:0", data=np.zeros(2, "f4")),
                "has unknown model_weights/extra",
            ),
            (lambda file: _replaced(file, "model_weights/dense/dense/bias_1:0", np.zeros(7, "f4")), "another shape of dense.bias"),
            (lambda file: _replaced(file, "model_weights/midend_conv2/midend_conv2/kernel_1:0", np.zeros((7, 64, 2, 64), "f4")), "shape"),
            (lambda file: _replaced(file, "model_weights/dense/dense/bias_1:0", np.full(200, np.nan, "f4")), "not finite"),
        ],
    )
    def test_files_of_another_net_are_refused_in_a_sentence(self, tmp_path: Path, spoil: Callable[[h5py.File], object], words: str) -> None:
        path = keras_nets.write_musicnn(tmp_path / "net.h5")
        with h5py.File(path, "r+") as file:
            spoil(file)
        with pytest.raises(WeightsError, match=words):
            musicnn.load(unpinned(musicnn.MUSICNN_MTT), "cpu", path)

    def test_one_net_is_not_taken_for_another(self, tmp_path: Path) -> None:
        path = keras_nets.write_vgg(tmp_path / "net.h5")
        with pytest.raises(WeightsError, match="of another net"):
            musicnn.load(unpinned(musicnn.MUSICNN_MTT), "cpu", path)

    def test_what_is_not_the_published_file_is_refused(self, tmp_path: Path) -> None:
        path = keras_nets.write_musicnn(tmp_path / "MTT_musicnn.h5")
        with pytest.raises(WeightsError, match="is not the published musicnn-mtt"):
            musicnn.load(musicnn.MUSICNN_MTT, "cpu", path)

    def test_they_are_found_in_a_folder_of_weights(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICCLASS_MODELS", str(data_dir / "weights"))
        assert [encoders.load(encoder_id).embed([chirp()]).shape[1] for encoder_id in IDS] == [200, 200, 256]


class TestTags:
    def test_there_are_fifty_different_ones(self) -> None:
        assert [len(set(tags)) for tags in (musicnn.MTT_TAGS, musicnn.MSD_TAGS)] == [50, 50]

    @pytest.mark.parametrize(("encoder_id", "least", "of"), [("musicnn-msd", 45, 49), ("musicnn-mtt", 17, 35), ("vgg-mtt", 20, 35)])
    def test_the_genre_of_real_music_is_among_the_likeliest(self, data_dir: Path, encoder_id: str, least: int, of: int) -> None:
        """Of five tags; measured are 48 of 49, 19 of 35 and 23 of 35. Tags by chance would find one in ten."""
        spec = encoders.specs()[encoder_id]
        assert spec.weights is not None
        encoder = musicnn.load(spec, "cpu", data_dir / "weights" / "musicnn-keras" / spec.weights.files[0].name)
        head, wanted = encoder.tag_head(), GENRE_TAGS[spec.weights.files[0].name[:3]]
        tracks = [path for path in audio.find_recordings([data_dir / "gtzan-mini"]) if path.parent.name in wanted]
        found = 0
        for path in tracks:
            chances = tagging.probabilities(head, encoder.embed(windows(path, spec))).mean(axis=0)
            found += bool(wanted[path.parent.name] & {head.names[place] for place in np.argsort(-chances)[:5]})
        assert len(tracks) == of
        assert found >= least


def windows(path: Path, spec: EncoderSpec) -> list[Audio]:
    recording = audio.probe(path)
    resampler, stream = audio.Resampler(recording.sample_rate, spec.sample_rate), spec.grid.stream(spec.sample_rate)
    with audio.open_blocks(recording) as blocks:
        mono = [resampler.push(audio.to_mono(block)) for block in blocks]
    samples = np.concatenate([*mono, resampler.finish()])
    return [window.samples for window in [*stream.push(samples), *stream.finish()]]


def _replaced(file: h5py.File, name: str, array: NDArray[np.floating]) -> None:
    del file[name]
    file[name] = array
