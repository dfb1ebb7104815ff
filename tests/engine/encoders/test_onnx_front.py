"""Front ends agree with librosa, and with the definitions that VGGish and OpenL3 were published with, written out in plain numpy."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
import torch

from musicclass_gui.engine.encoders.onnx_front import MelFront, WaveformFront, logarithm
from musicclass_gui.engine.encoders.onnx_recipe import Log, Mel, Waveform
from musicclass_gui.engine.encoders.onnx_slot import OPENL3_RECIPE, VGGISH_RECIPE

RATE = 22_050


def sound(samples: int, rows: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal((rows, samples))).astype(np.float32)


def heard(mel: Mel, samples: np.ndarray, rate: int = RATE) -> np.ndarray:
    with torch.inference_mode():
        return MelFront(mel, rate)(torch.from_numpy(samples)).numpy()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"n_fft": 2048, "hop_length": 512, "n_mels": 128}, {"n_fft": 2048, "hop_length": 512, "n_mels": 128}),
        (
            {"n_fft": 1024, "win_length": 800, "hop_length": 320, "n_mels": 64, "mel_scale": "htk", "norm": "none", "power": 1.0}
            | {"pad_mode": "reflect", "f_min": 50.0, "f_max": 8000.0},
            {"n_fft": 1024, "win_length": 800, "hop_length": 320, "n_mels": 64, "htk": True, "norm": None, "power": 1.0}
            | {"pad_mode": "reflect", "fmin": 50.0, "fmax": 8000.0},
        ),
        (
            {"n_fft": 512, "hop_length": 200, "n_mels": 40, "padding": "none", "window": "hann_symmetric"},
            {"n_fft": 512, "hop_length": 200, "n_mels": 40, "center": False, "window": np.hanning(512)},
        ),
        (
            {"n_fft": 512, "hop_length": 200, "n_mels": 40, "window": "hamming"},
            {"n_fft": 512, "hop_length": 200, "n_mels": 40, "window": "hamming"},
        ),
    ],
)
def test_mel_spectra_are_librosas(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    mel, samples = Mel(**ours), sound(RATE)
    expected = np.stack([librosa.feature.melspectrogram(y=row, sr=RATE, **theirs) for row in samples])
    found = heard(mel, samples)
    assert found.shape == expected.shape
    assert mel.frames(RATE) == expected.shape[2]
    assert np.abs(found - expected).max() < 1e-5 * expected.max()


def test_decibels_are_librosas() -> None:
    power = sound(400, 3).reshape(3, 20, 20) ** 2
    log = Log(kind="db", reference="max", range=30.0)
    expected = np.stack([librosa.power_to_db(one, ref=np.max, top_db=30.0) for one in power])
    assert np.abs(logarithm(torch.from_numpy(power), log).numpy() - expected).max() < 1e-4


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (Log(), lambda x: x),
        (Log(kind="ln", offset=0.01), lambda x: np.log(x + 0.01)),
        (Log(kind="log10", multiplier=10_000.0, offset=1.0), lambda x: np.log10(10_000 * x + 1)),
        (Log(kind="db"), lambda x: 10 * np.log10(np.maximum(x, 1e-10))),
    ],
)
def test_logarithms_are_what_they_say(log: Log, expected: Any) -> None:
    x = np.abs(sound(64)).reshape(2, 8, 8)
    x[0, 0, 0] = 0.0
    assert np.allclose(logarithm(torch.from_numpy(x), log).numpy(), expected(x), atol=1e-5)


def test_bands_are_normalised_one_by_one() -> None:
    plain = Mel(n_fft=256, hop_length=128, n_mels=3)
    scaled = Mel(n_fft=256, hop_length=128, n_mels=3, mean=(1.0, 2.0, 3.0), std=(2.0,))
    expected = (heard(plain, sound(2000)) - np.array([1, 2, 3])[:, None]) / 2
    assert np.allclose(heard(scaled, sound(2000)), expected, atol=1e-6)


def test_waveforms_are_scaled_or_normalised_each_for_itself() -> None:
    samples = sound(4000) + np.array([[0.3], [-1.0]], np.float32)
    scaled = WaveformFront(Waveform(scale=32_768.0))(torch.from_numpy(samples)).numpy()
    assert np.allclose(scaled[:, 0], samples * 32_768)
    normal = WaveformFront(Waveform(normalise="window"))(torch.from_numpy(samples)).numpy()[:, 0]
    assert np.abs(normal.mean(1)).max() < 1e-5
    assert np.abs(normal.std(1) - 1).max() < 1e-3
    assert np.isfinite(WaveformFront(Waveform(normalise="window"))(torch.zeros(1, 100)).numpy()).all()


def test_vggish_hears_what_its_publishers_describe() -> None:
    """25-ms Hann frames each 10 ms, magnitudes, 64 triangles that are linear in HTK mel from 125 to 7500 Hz, ln(x + 0.01)."""
    samples = sound(15_600)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400, axis=1)[:, ::160]
    magnitude = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)), 512))
    mel = 1127 * np.log1p(np.fft.rfftfreq(512, 1 / 16_000) / 700)
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), 66)
    triangles = [
        np.clip(np.minimum((mel - a) / (b - a), (c - mel) / (c - b)), 0, None) for a, b, c in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    expected = np.log(magnitude @ np.stack(triangles, 1) + 0.01).transpose(0, 2, 1)
    assert isinstance(VGGISH_RECIPE.front_end, Mel)
    found = heard(VGGISH_RECIPE.front_end, samples, 16_000)
    assert found.shape == (2, 64, 96)
    assert np.abs(found - expected).max() < 1e-3


@pytest.mark.filterwarnings("ignore:Empty filters")  # librosa: the lowest bands lie between two bins
def test_openl3_hears_what_its_publishers_describe() -> None:
    """2048-sample Hann frames each 242, 199 of them, the root of 256 HTK bands of equal area, decibels below the loudest, 80 at most."""
    samples = sound(48_000)
    samples[1, :30_000] = 0
    padded = np.pad(samples, ((0, 0), (982, 982)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2048, axis=1)[:, ::242]
    power = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)))) ** 2
    bands = librosa.filters.mel(sr=48_000, n_fft=2048, n_mels=256, htk=True, norm="slaney")
    decibels = 10 * np.log10(np.maximum(np.sqrt(power @ bands.T), 1e-10)).transpose(0, 2, 1)
    expected = np.maximum(decibels - decibels.max((1, 2), keepdims=True), -80)
    assert isinstance(OPENL3_RECIPE.front_end, Mel)
    found = heard(OPENL3_RECIPE.front_end, samples, 48_000)
    assert found.shape == (2, 256, 199)
    assert np.abs(found - expected).max() < 1e-2
