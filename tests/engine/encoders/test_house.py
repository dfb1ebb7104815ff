"""The encoder in the box: its file is the one that was measured, it answers as it did, alone and in batches, and sooner than mn04-as."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import house, selftest, weights
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.training import recipe

if TYPE_CHECKING:
    from pathlib import Path

CHECKSUM = "8da6c3b95f08670486bb64b2a37e70f71ce92d220d8e7763a91d8698f46a5b9e"
RATE = house.SPEC.sample_rate


def chirp() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Five seconds that rise from 100 to 3100 Hz."""
    t = np.arange(5 * RATE) / RATE
    return (0.5 * np.sin(2 * np.pi * (100 * t + 300 * t * t))).astype(np.float32)


def test_the_file_is_the_one_that_was_measured() -> None:
    path = house.weights_file()
    assert sha256(path.read_bytes()).hexdigest() == CHECKSUM
    assert path.stat().st_size <= 4_000_000


def test_the_recipe_in_the_box_is_the_programs() -> None:
    assert recipe.read(house.weights_file().with_name("recipe.json")) == recipe.house_v1()


def test_it_answers_as_it_did() -> None:
    """Measured when the file was made; other processors differ in the last digits."""
    noise = np.random.default_rng(1).normal(0, 0.1, 2 * RATE).astype(np.float32)
    found = encoders.load("house-v1").embed([chirp(), noise, np.zeros(RATE, np.float32)])
    assert np.linalg.norm(found, axis=1) == pytest.approx([15.1948, 9.1612, 7.4136], rel=2e-3)
    assert found[0, :8] == pytest.approx([0.0, 0.0293, 0.4989, 0.0674, 0.0291, 1.0993, 0.0763, 0.2482], abs=5e-3)
    assert found @ np.cos(np.arange(384)) == pytest.approx([9.5480, 2.4407, -1.7688], abs=2e-2)


def test_it_passes_its_self_test_and_has_at_most_two_million_numbers() -> None:
    encoder = house.load()
    assert all(check.ok for check in selftest.run(encoder))
    assert encoder.parameters <= 2_000_000


@pytest.mark.parametrize("seconds", [1 / RATE, 0.3, 1.0, 3.7, 20.0])
def test_windows_of_any_length(seconds: float) -> None:
    found = house.load().embed([np.resize(chirp(), max(1, round(seconds * RATE)))])
    assert found.shape == (1, 384)
    assert np.isfinite(found).all()


def test_without_its_file_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(house.places, "models_dir", lambda: tmp_path)
    with pytest.raises(WeightsError, match="install it again"):
        encoders.load("house-v1")


def test_it_is_no_slower_than_mn04_as(data_dir: Path) -> None:
    """Least times of rounds in turn, so that what else the machine does hits both; half as much again is let pass."""
    if not (data_dir / "weights/mn04-as").is_dir():
        pytest.skip("the weights of mn04-as are not in the test data")
    other = encoders.load("mn04-as", weights=weights.find(encoders.specs()["mn04-as"], [data_dir / "weights"]))
    own = house.load()
    sound, times = np.resize(chirp(), 10 * RATE), dict[str, float]()
    for _ in range(8):
        for encoder in (own, other):
            start = time.perf_counter()
            encoder.embed([sound])
            times[encoder.spec.id] = min(times.get(encoder.spec.id, 9e9), time.perf_counter() - start)
    assert times["house-v1"] <= 1.5 * times["mn04-as"]


def test_a_list_of_what_was_heard_that_is_not_the_weights_own_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("house-v1.safetensors", "heard.txt"):
        (tmp_path / name).write_bytes(house.weights_file().with_name(name).read_bytes())
    monkeypatch.setattr(house, "weights_file", lambda: tmp_path / "house-v1.safetensors")
    assert len(house.heard()) == 435
    (tmp_path / "heard.txt").write_text("")
    with pytest.raises(WeightsError, match="is not the list"):
        house.heard()
    (tmp_path / "heard.txt").unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        house.heard()


def test_its_damaged_file_is_to_be_installed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(house.weights_file().read_bytes()[:100_000])
    monkeypatch.setattr(house, "weights_file", lambda: tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="install it again"):
        house.load()
