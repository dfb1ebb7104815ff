"""Training: it learns, it goes on after an interruption with the same weights, and what it makes is an encoder."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from musicclass_gui.engine.encoders import house, house_net
from musicclass_gui.engine.errors import Cancelled, DataError, WeightsError
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.training import fit
from musicclass_gui.engine.training import recipe as recipes
from musicclass_gui.engine.training.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Recipe(
    shards=2, crops=16, epochs=3, batch=8, learning_rate=1e-3, averaging=0.9, weights={"mn04-as": 1.0, "timbre": 0.5, "labels": 0.1}
)


def shards() -> list[fit.Shard]:
    """Two shards of unlike length whose targets are functions of the sounds."""
    chance, made = np.random.default_rng(1), []
    for frames in (51, 76):
        mels = chance.normal(0, 1, (16, 96, frames)) + chance.normal(0, 2, (16, 1, 1))
        level = mels.mean((1, 2))[:, None]
        targets = {"mn04-as": level * np.arange(1, 9), "timbre": np.tanh(level) * np.ones(3)}
        rows = {name: values.astype(np.float16) for name, values in {"mels": mels, **targets}.items()}
        made.append({**rows, "label": (level[:, 0] > 0).astype(np.int64)})
    return made


def trained(kept: Path, recipe: Recipe = SMALL, token: Token | None = None) -> tuple[fit.Run, list[fit.Progress]]:
    """A run to its end."""
    told: list[fit.Progress] = []
    run = fit.Run(recipe, shards(), 2, kept)
    run.train(token or Token(), told.append)
    return run, told


def test_it_learns(tmp_path: Path) -> None:
    _, told = trained(tmp_path / "kept", replace(SMALL, epochs=25))
    run = fit.Run(SMALL, shards(), 2, tmp_path / "none")
    fresh = run.student.eval().losses(fit._batch(shards()[0], np.arange(16)), run.scales)
    assert told[-1].step == told[-1].steps == 100
    assert told[-1].losses["mn04-as"] < 0.6 * fresh["mn04-as"].item()


def test_a_run_that_was_interrupted_ends_with_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "_KEEP_EVERY", 2)
    whole, _ = trained(tmp_path / "whole")
    token = Token()
    run = fit.Run(SMALL, shards(), 2, tmp_path / "cut")
    with pytest.raises(Cancelled):
        run.train(token, lambda progress: token.cancel() if progress.step >= 6 else None)
    resumed, _ = trained(tmp_path / "cut")
    ours, theirs = whole.weights(), resumed.weights()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    trained(tmp_path / "kept")
    with pytest.raises(DataError, match="another recipe"):
        fit.Run(replace(SMALL, learning_rate=5e-4), shards(), 2, tmp_path / "kept")


def test_what_was_trained_is_an_encoder_in_four_megabytes(tmp_path: Path) -> None:
    run, _ = trained(tmp_path / "kept")
    save_file(run.weights(), tmp_path / "house.safetensors")
    assert (tmp_path / "house.safetensors").stat().st_size <= 4_000_000
    assert sum(value.numel() for value in run.student.net.parameters()) <= 2_000_000
    encoder = house.load(weights=tmp_path / "house.safetensors")
    noise = np.random.default_rng(1).normal(0, 0.1, 64_000).astype(np.float32)
    found = encoder.embed([noise, noise[:32_000], noise[:5]])
    assert found.shape == (3, 384)
    net = house_net.new()
    net.load_state_dict({name: value.float() for name, value in run.weights().items()}, strict=False)
    with torch.inference_mode():
        plain = net.eval()(torch.from_numpy(noise[None]))
    assert np.allclose(plain.numpy()[0], found[0], rtol=1e-3, atol=1e-4)


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError):
        house.load(weights=tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="cannot be read"):
        house.load(weights=tmp_path / "none.safetensors")


@settings(deadline=None, max_examples=25)
@given(epoch=st.integers(0, 9), batch=st.integers(1, 20))
def test_an_epoch_sees_every_crop_once(epoch: int, batch: int) -> None:
    some = shards()
    found = fit.batches(some, replace(SMALL, batch=batch), epoch)
    seen = sorted((shard, int(row)) for shard, rows in found for row in rows)
    assert seen == [(shard, row) for shard in range(2) for row in range(16)]
    assert len(found) == len(fit.batches(some, replace(SMALL, batch=batch), epoch + 1))


def test_the_pace_rises_and_falls() -> None:
    paces = [fit.pace(step, 1000, 0.1) for step in range(1000)]
    assert np.argmax(paces) in (99, 100)
    assert paces[0] < 0.02
    assert paces[-1] < 0.01


def test_dead_numbers_are_not_blown_up() -> None:
    rows = np.concatenate([np.random.default_rng(1).normal(0, 1, (16, 4)), np.zeros((16, 1))], 1).astype(np.float16)
    scale = fit.scales([{"mn04-as": rows}])["mn04-as"]
    assert torch.isfinite(1 / scale.scale).all()
    assert float(scale.scale[4]) > 0.1


def test_a_recipe_survives_the_way_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(recipes.text(SMALL))
    assert recipes.read(tmp_path / "recipe.json") == SMALL
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(DataError, match="Recipe"):
        recipes.read(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"epochs": 0}, "epochs must be from 1"),
        ({"averaging": 2.0}, "averaging must be from 0 to 1"),
        ({"seed": -1}, "seed must be"),
        ({"learning_rate": None}, "learning_rate must be"),
        ({"epcohs": 5}, "epcohs is no part of a recipe"),
        ({"weights": {"mn04": 1.0}}, "mn04 is no part of a recipe"),
        ({"weights": {"labels": 1.0}}, "at least one teacher"),
        ({"weights": {"timbre": -1.0}}, "0 or more"),
        ([], "is no recipe"),
    ],
)
def test_a_recipe_with_which_nothing_can_be_trained_is_refused(numbers: object, words: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps(numbers))
    with pytest.raises(DataError, match=words):
        recipes.read(tmp_path / "recipe.json")


def test_a_training_that_went_astray_is_stopped(tmp_path: Path) -> None:
    run = fit.Run(SMALL, shards(), 2, tmp_path / "kept")
    with torch.no_grad():
        next(run.student.parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match="astray at step 1"):
        run.train(Token(), lambda progress: None)
    assert not (tmp_path / "kept").exists()


def test_one_class_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    run = fit.Run(SMALL, shards(), 1, tmp_path / "kept")
    run.train(Token(), lambda progress: None)
    assert all(value.isfinite().all() for value in run.weights().values() if value.is_floating_point())


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    trained(tmp_path / "kept")
    (tmp_path / "kept").write_bytes((tmp_path / "kept").read_bytes()[:5000])
    with pytest.raises(DataError, match="is damaged"):
        fit.Run(SMALL, shards(), 2, tmp_path / "kept")
