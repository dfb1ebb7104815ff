"""The features mean what their names say, whatever the level, the key, the length and the neighbours of a window."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import librosa
import numpy as np
import pytest
import soundfile

from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import timbre, timbre_features, timbre_frames, timbre_scale
from musicclass_gui.engine.errors import DataError, EncoderError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.windows import Audio

RATE = timbre.SPEC.sample_rate
WINDOW = 5 * RATE


def tone(hz: float, seconds: float = 5.0, partials: int = 5) -> Audio:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.sum([np.sin(2 * np.pi * hz * k * t) / k**2 for k in range(1, partials + 1)], axis=0).astype(np.float32)


def noise(seconds: float = 5.0, seed: int = 0) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def piece(semitones: float = 0.0, seconds: float = 5.0) -> Audio:
    """Decaying chords, two a second, I–vi–IV–V, over a little hiss."""
    length = RATE // 2
    decay = np.exp(-np.arange(length) / RATE * 6)
    chords = [(0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)]
    bars = []
    for beat in range(round(2 * seconds)):
        hz = [220 * 2 ** ((note + semitones) / 12) for note in chords[beat // 2 % 4]]
        bars.append(decay * sum(tone(f, 0.5) for f in hz))
    return (0.2 * np.concatenate(bars) + 0.01 * noise(seconds)).astype(np.float32)[: round(seconds * RATE)]


def clicks(bpm: float, seconds: float = 10.0) -> Audio:
    samples = 0.001 * noise(seconds)
    for start in np.arange(0, seconds - 0.1, 60 / bpm):
        first = round(start * RATE)
        samples[first : first + 400] += noise(400 / RATE) * 5
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def encoder() -> timbre.TimbreEncoder:
    return timbre.load()


@pytest.fixture(scope="module")
def recording() -> Audio:
    """Enough hiss to stay above the floors that keep silence finite."""
    return piece() + np.float32(0.1) * noise(seed=1)


@pytest.fixture(scope="module")
def frames(recording: Audio) -> dict[str, NDArray[np.float64]]:
    """Frame features, `(frames, values)`."""
    return {name: values[0].astype(np.float64) for name, values in timbre_frames.measure(recording[None]).items()}


@pytest.fixture(scope="module")
def magnitude(recording: Audio) -> NDArray[np.float64]:
    """librosa's spectrum in double precision."""
    return np.abs(librosa.stft(recording.astype(np.float64), n_fft=2048, hop_length=512, center=False))


def in_octaves(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log2(hz / 1000 + 0.05)


def column(embeddings: Embeddings, name: str) -> NDArray[np.float32]:
    return embeddings[:, timbre.feature_names().index(name)]


class TestFramesEqualLibrosas:
    def test_mfcc_and_its_slopes(self, frames: dict[str, NDArray[np.float64]], magnitude: NDArray[np.float64]) -> None:
        mel = librosa.feature.melspectrogram(S=magnitude**2, sr=RATE)
        mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel, ref=np.max), n_mfcc=20)
        assert np.abs(frames["mfcc"] - mfcc.T).max() < 0.01
        for name, order in (("mfcc_delta", 1), ("mfcc_delta2", 2)):
            expected = librosa.feature.delta(mfcc, order=order, mode="nearest")
            assert np.abs(frames[name] - expected.T).max() < 0.01

    def test_spectral_shape(self, frames: dict[str, NDArray[np.float64]], magnitude: NDArray[np.float64]) -> None:
        expected = {
            "centroid": librosa.feature.spectral_centroid(S=magnitude, sr=RATE),
            "bandwidth": librosa.feature.spectral_bandwidth(S=magnitude, sr=RATE),
            "rolloff": librosa.feature.spectral_rolloff(S=magnitude, sr=RATE),
        }
        for name, hz in expected.items():
            assert np.abs(frames[name] - in_octaves(hz.T)).max() < 0.01, name

    def test_flatness(self, frames: dict[str, NDArray[np.float64]], magnitude: NDArray[np.float64]) -> None:
        expected = np.log10(librosa.feature.spectral_flatness(S=magnitude / magnitude.max()))
        assert np.abs(frames["flatness"] - expected.T).max() < 0.01

    def test_contrast(self, frames: dict[str, NDArray[np.float64]], magnitude: NDArray[np.float64]) -> None:
        expected = librosa.feature.spectral_contrast(S=magnitude, sr=RATE)
        assert np.abs(frames["contrast"] - expected.T).max() < 0.01

    def test_zero_crossings(self, frames: dict[str, NDArray[np.float64]], recording: Audio) -> None:
        rate = librosa.feature.zero_crossing_rate(recording, center=False)
        assert np.abs(frames["zero_crossings"] - in_octaves(rate.T * RATE / 2)).max() < 0.01

    def test_rms(self, frames: dict[str, NDArray[np.float64]], recording: Audio) -> None:
        expected = librosa.amplitude_to_db(librosa.feature.rms(y=recording, center=False), ref=np.max)
        assert np.abs(frames["rms"] - expected.T).max() < 0.01

    def test_onset_strength(self, frames: dict[str, NDArray[np.float64]], magnitude: NDArray[np.float64]) -> None:
        mel_db = librosa.power_to_db(librosa.feature.melspectrogram(S=magnitude**2, sr=RATE), ref=np.max)
        expected = librosa.onset.onset_strength(S=mel_db, center=False)
        assert np.abs(frames["onset"][:, 0] - expected).max() < 0.01

    def test_chroma_filters(self) -> None:
        expected = librosa.filters.chroma(sr=RATE, n_fft=2048, tuning=0.0)
        assert np.abs(timbre_frames._chroma_weights() - expected.T).max() < 1e-6

    def test_chroma_has_the_same_strongest_pitch_class(
        self, frames: dict[str, NDArray[np.float64]], magnitude: NDArray[np.float64]
    ) -> None:
        expected = librosa.feature.chroma_stft(S=magnitude**2, sr=RATE, tuning=0.0)
        assert (frames["chroma"].argmax(axis=1) == expected.argmax(axis=0)).all()


class TestTable:
    def test_every_dimension_has_a_name_of_its_own_and_a_unit(self) -> None:
        names = timbre.feature_names()
        assert len(set(names)) == len(names) == timbre.SPEC.dim
        assert all(feature.unit and 0 < feature.weight <= 1 for feature in timbre_features.FEATURES)

    @pytest.mark.parametrize(
        ("name", "unit"),
        [
            ("mfcc 0 mean", "dB"),
            ("mfcc_delta 19 log std", "ln(dB/frame)"),
            ("centroid log dct 1–3", "ln(octaves re 1 kHz)"),
            ("contrast 6 mean", "dB"),
            ("pitch_step 7", "cosine"),
            ("onset_rate", "1/s"),
        ],
    )
    def test_names_and_units_are_readable(self, name: str, unit: str) -> None:
        assert timbre_features.FEATURES[timbre.feature_names().index(name)].unit == unit

    def test_columns_are_where_their_names_are(self) -> None:
        window = piece()[None]
        measured, frames = timbre_features.measure(window), timbre_frames.measure(window)
        assert column(measured, "mfcc 3 mean")[0] == pytest.approx(frames["mfcc"][0, :, 3].mean(), rel=1e-4)
        assert column(measured, "contrast 6 mean")[0] == pytest.approx(frames["contrast"][0, :, 6].mean(), rel=1e-4)
        assert column(measured, "rms log std")[0] == pytest.approx(np.log(frames["rms"].std() + 0.01), rel=1e-4)


class TestMeaning:
    def test_bright_and_dark(self) -> None:
        measured = timbre_features.measure(np.stack([tone(200), tone(2000)]))
        for name in ("centroid mean", "rolloff mean", "zero_crossings mean"):
            assert np.diff(column(measured, name))[0] > 2, name

    def test_noise_is_flat_and_tones_are_not(self) -> None:
        measured = timbre_features.measure(np.stack([tone(440), noise()]))
        flatness = column(measured, "flatness mean")
        assert flatness[1] > -0.4
        assert flatness[0] < -3

    def test_a_swell_moves_slowly_and_a_tremolo_does_not(self) -> None:
        t = np.arange(WINDOW) / RATE
        swell, tremolo = (noise() * (1 + 0.9 * np.cos(2 * np.pi * hz * t)) for hz in (0.2, 8))
        measured = timbre_features.measure(np.stack([swell, tremolo]).astype(np.float32))
        slow = column(measured, "rms log dct 1–3")
        assert slow[0] - slow[1] > 2

    @pytest.mark.parametrize("bpm", [60, 80, 100, 120, 150])
    def test_tempo_of_clicks(self, bpm: float) -> None:
        measured = timbre_features.measure(clicks(bpm)[None])
        assert 2 ** column(measured, "tempo 0")[0] == pytest.approx(bpm, rel=0.04)
        assert column(measured, "tempo 1")[0] > 0.7
        assert column(measured, "onset_rate")[0] == pytest.approx(bpm / 60, rel=0.15)

    @pytest.mark.parametrize("bpm", [80, 120])
    def test_tempo_agrees_with_librosas(self, bpm: float) -> None:
        samples = clicks(bpm)
        expected = librosa.feature.tempo(y=samples, sr=RATE)[0]
        assert 2 ** column(timbre_features.measure(samples[None]), "tempo 0")[0] == pytest.approx(expected, rel=0.05)

    def test_noise_has_no_clear_tempo(self) -> None:
        measured = timbre_features.measure(np.stack([noise(10), clicks(120)]))
        assert np.diff(column(measured, "tempo 1"))[0] > 0.4

    @pytest.mark.parametrize("semitones", [2, 3, 4])
    def test_a_melody_steps_by_its_interval(self, semitones: int) -> None:
        melody = np.concatenate([tone(hz, 0.1, 2) for hz in [523.3, 523.3 * 2 ** (semitones / 12)] * 25])
        steps = [column(timbre_features.measure(melody[None]), f"pitch_step {k}")[0] for k in range(12)]
        assert set(np.argsort(steps)[-2:]) == {semitones, 12 - semitones}

    def test_pitch_features_do_not_know_the_key(self) -> None:
        measured = timbre_features.measure(np.stack([piece(0), piece(1), piece(5), noise()]))
        pitch = [i for i, name in enumerate(timbre.feature_names()) if name.startswith("pitch_")]
        home, up, fourth, hiss = measured[:, pitch]
        to_noise = np.linalg.norm(home - hiss)
        assert np.linalg.norm(home - up) < 0.25 * to_noise
        assert np.linalg.norm(home - fourth) < 0.25 * to_noise

    @pytest.mark.parametrize("gain", [0.01, 0.3, 8.0])
    def test_loudness_does_not_matter(self, encoder: timbre.TimbreEncoder, gain: float) -> None:
        plain, scaled = encoder.embed([piece(), (gain * piece()).astype(np.float32)])
        assert np.abs(plain - scaled).max() < 0.01


class TestWindows:
    def test_a_windows_neighbours_do_not_change_it(self, encoder: timbre.TimbreEncoder) -> None:
        windows = [noise() * 10, piece(), np.zeros(WINDOW, np.float32), tone(300) * 1e-4]
        together = encoder.embed(windows)
        for window, embedding in zip(windows, together, strict=True):
            alone = encoder.embed([window])[0]
            assert np.linalg.norm(alone - embedding) < 1e-4 * np.linalg.norm(alone)

    def test_every_length_keeps_its_place(self, encoder: timbre.TimbreEncoder) -> None:
        lengths = [WINDOW, 1, 2, 511, 2047, 2048, 2049, 2560, RATE // 2, WINDOW, 30 * RATE]
        windows = [piece(seconds=30)[:length] for length in lengths]
        together = encoder.embed(windows)
        assert together.shape == (len(lengths), timbre.SPEC.dim)
        assert together.dtype == np.float32
        assert np.isfinite(together).all()
        for window, embedding in zip(windows, together, strict=True):
            assert np.allclose(encoder.embed([window])[0], embedding, atol=1e-3)

    @pytest.mark.parametrize("level", [0.0, 1e-30, 0.5], ids=["silence", "almost silence", "a constant"])
    @pytest.mark.parametrize("length", [1, 100, WINDOW])
    def test_nothing_to_hear_is_finite(self, encoder: timbre.TimbreEncoder, level: float, length: int) -> None:
        assert np.isfinite(encoder.embed([np.full(length, level, np.float32)])).all()

    def test_overdriven_samples_are_finite(self, encoder: timbre.TimbreEncoder) -> None:
        assert np.isfinite(encoder.embed([(1e6 * noise()).astype(np.float32)])).all()

    def test_no_windows_no_rows(self, encoder: timbre.TimbreEncoder) -> None:
        assert encoder.embed([]).shape == (0, timbre.SPEC.dim)

    def test_a_note_shorter_than_half_a_second_sounds_like_itself(self, encoder: timbre.TimbreEncoder) -> None:
        short, long, other = encoder.embed([tone(440, 0.3), tone(440, 0.6), noise(0.6)])
        assert np.linalg.norm(short - long) < 0.5 * np.linalg.norm(short - other)


class TestLoading:
    def test_it_runs_without_the_heavy_libraries(self) -> None:
        code = (
            "import sys, numpy as np; from musicclass_gui.engine import encoders; "
            "encoders.load('timbre').embed([np.zeros(9000, np.float32)]); "
            "sys.exit(', '.join({'torch', 'librosa', 'numba', 'scipy.signal'} & set(sys.modules)) or None)"
        )
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""

    def test_it_is_an_encoder_by_its_id(self) -> None:
        loaded = encoders.load("timbre", device="cuda:3")
        assert (loaded.spec, loaded.device, loaded.notices) == (timbre.SPEC, "cpu", [])

    def test_weights_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(EncoderError, match="no weights"):
            encoders.load("timbre", weights=tmp_path / "weights.pt")

    def test_an_unknown_encoder_is_named(self) -> None:
        with pytest.raises(EncoderError, match="“vibes”"):
            encoders.load("vibes")


class TestScale:
    def test_the_shipped_scale_fits_the_features(self) -> None:
        centre, scale = timbre._scale()
        assert centre.shape == scale.shape == (timbre.SPEC.dim,)
        assert np.isfinite(centre).all()
        assert (scale > 1e-3).all()

    def test_scaled_features_are_of_one_size(self) -> None:
        rng = np.random.default_rng(1)
        features = (rng.standard_normal((4000, 3)) * [1, 100, 0.01] + [5, 0, -3]).astype(np.float32)
        centre, scale = timbre_scale.measure(features)
        assert np.allclose(((features - centre) / scale).std(axis=0), 1, atol=0.05)
        assert np.allclose(((features - centre) / scale).mean(axis=0), 0, atol=0.05)

    def test_a_feature_that_never_changes_divides_by_no_zero(self) -> None:
        assert (timbre_scale.measure(np.ones((10, 2), np.float32))[1] > 0).all()

    def test_it_can_be_measured_again_from_instruments_and_training_files_only(self, tmp_path: Path) -> None:
        (tmp_path / "instruments" / "horn").mkdir(parents=True)
        (tmp_path / "composers").mkdir()
        soundfile.write(tmp_path / "instruments" / "horn" / "a.wav", tone(220, 3), RATE, subtype="FLOAT")
        soundfile.write(tmp_path / "composers" / "b.wav", piece(), RATE, subtype="FLOAT")
        rows = "canonical_composer,split,audio_filename\nBach,train,b.wav\nBach,test,not-even-there.wav\n"
        (tmp_path / "composers" / "maestro-v3.0.0.csv").write_text(rows)
        timbre_scale.build(tmp_path, tmp_path / "scale.safetensors")
        from safetensors.numpy import load_file

        expected = timbre_features.measure(tone(220, 3)[None])[0], timbre_features.measure(piece()[None])[0]
        assert np.allclose(load_file(tmp_path / "scale.safetensors")["centre"], np.mean(expected, axis=0), atol=0.05)

    def test_without_data_it_says_what_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="instruments"):
            timbre_scale.build(tmp_path, tmp_path / "scale.safetensors")
