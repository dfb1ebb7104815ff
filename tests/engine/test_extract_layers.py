"""Extraction with encoders that keep layers and can round, proved with a tiny net of the HuBERT family in its publisher's format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from encoders.hubert_folders import made_model, save_new
from extracted_files import tune

from musicclass_gui.engine import cutting, encoders, places
from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.encoders import Layered, registry
from musicclass_gui.engine.extract import extract
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders import LayerData


@pytest.fixture
def net(tmp_path: Path) -> str:
    """The id of an encoder that the user added."""
    return registry.add_folder(save_new(tmp_path / "net", made_model()), "Tiny").id


@pytest.fixture
def tunes(tmp_path: Path) -> list[Path]:
    return [tune(tmp_path / f"{n}.wav", 3.0 + 4 * n, seed=n) for n in range(3)]


def layers_of(path: Path, net: str) -> LayerData:
    encoder = encoders.load(net)
    assert isinstance(encoder, Layered)
    windows = cutting.windows_of(path, encoder.spec.grid, encoder.spec.sample_rate, Token())
    return encoder.embed_layers([window.samples for window in windows])


def test_a_layer_or_all_of_them_can_be_asked_for_and_are_computed_once(
    net: str, tunes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = encoders.specs()[net]
    assert spec.layers is not None
    expected = np.array([layers_of(path, net).mean(axis=0, dtype=np.float64) for path in tunes])
    extract(tunes, tmp_path / "mean.npy", net)
    monkeypatch.setattr(encoders, "load", lambda *_args, **_more: pytest.fail("it was computed again"))
    made = extract(tunes, tmp_path / "all.npy", net, layers=True)
    extract(tunes, tmp_path / "one.npy", f"{net}_2")
    extract(tunes, tmp_path / "all.parquet", net, layers=True, per="window")
    assert made.shape == (3, spec.layers.count, spec.layers.dim)
    np.testing.assert_allclose(np.load(tmp_path / "all.npy"), expected, atol=2e-3)
    np.testing.assert_allclose(np.load(tmp_path / "mean.npy"), expected.mean(axis=1), atol=2e-3)
    np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), np.load(tmp_path / "all.npy")[:, 2 - spec.layers.first])


def test_rounded_numbers_stay_out_of_the_cache(net: str, tunes: list[Path], tmp_path: Path) -> None:
    extract(tunes, tmp_path / "fast.npy", net, fast=True)
    with opened(places.cache_dir()) as cache:
        assert cache._rows("SELECT count(*) FROM layers") == [(0,)]
    extract(tunes, tmp_path / "exact.npy", net)
    with opened(places.cache_dir()) as cache:
        assert cache._rows("SELECT count(*) FROM layers") == [(3,)]
    extract(tunes, tmp_path / "again.npy", net, fast=True)
    fast, exact, again = (np.load(tmp_path / f"{name}.npy") for name in ("fast", "exact", "again"))
    assert np.abs(fast - again).max() <= 1e-4 * np.abs(fast).max()
    assert 0 <= np.abs(fast - exact).max() < 0.1 * np.abs(exact).max()
