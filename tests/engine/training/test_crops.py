"""Sounds for the training: of the right length, finite, the same for the same numbers, and what the net itself will hear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from musicclass_gui.engine import distortion
from musicclass_gui.engine.encoders import house_net
from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.training import crops, synthesis
from musicclass_gui.engine.training.recipe import Recipe
from musicclass_gui.engine.training.sounds import Sound
from musicclass_gui.engine.training.teachers import Teachers

RATE = crops.RATE


def material(seconds: float = 4.0) -> crops.Material:
    """Three recordings of three collections: two tones and a short noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    samples = [np.sin(2 * np.pi * hz * t) * 9000 for hz in (220, 880)]
    samples.append(np.random.default_rng(1).normal(0, 2000, RATE // 2))
    names = ("gtzan/blues", "composers/Bach", "philharmonia/oboe")
    return crops.Material([Sound(Path(n), n, n, False) for n in names], [s.astype(np.int16) for s in samples], sorted(names))


@pytest.mark.parametrize("seconds", sorted(set(crops.SECONDS)))
def test_crops_have_their_length_and_are_finite(seconds: float) -> None:
    size, some = round(seconds * RATE), material()
    for row in range(25):
        sound, label = crops.crop(some, size, np.random.default_rng((5, row)))
        assert sound.shape == (size,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert -1 <= label < 3


def test_the_same_numbers_give_the_same_crop_and_others_another() -> None:
    some = material()
    one, again, other = (crops.crop(some, RATE, np.random.default_rng(seed))[0] for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_labels_are_those_of_unmixed_recordings() -> None:
    some, seen = material(), set()
    for row in range(80):
        seen.add(crops.crop(some, RATE, np.random.default_rng((9, row)))[1])
    assert seen == {-1, 0, 1, 2}


@pytest.mark.parametrize("change", [change for change, _ in distortion._CHANGES], ids=lambda change: change.__name__)
@pytest.mark.parametrize("sound", ["silence", "noise", "one sample loud"])
def test_every_distortion_keeps_length_and_stays_finite(change: object, sound: str) -> None:
    samples = np.zeros(RATE, np.float32)
    if sound == "noise":
        samples = np.random.default_rng(2).normal(0, 0.1, RATE).astype(np.float32)
    elif sound == "one sample loud":
        samples[500] = 1.0
    for seed in range(4):
        changed = change(samples, RATE, np.random.default_rng(seed))  # type: ignore[operator]
        assert changed.shape == samples.shape
        assert np.isfinite(changed).all()
        assert sound != "noise" or not np.array_equal(changed, samples)


def test_speed_moves_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE).astype(np.float32)
    faster = distortion.at_speed(tone, RATE, 1.5)
    assert abs(np.abs(np.fft.rfft(faster)).argmax() - 1500) <= 1


def test_stretching_keeps_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    longer = distortion.stretched(tone, round(1.3 * RATE))
    assert longer.shape == (round(1.3 * RATE),)
    assert abs(np.abs(np.fft.rfft(longer)).argmax() / 1.3 - 1000) <= 3


def test_synthesised_pieces_differ_and_stay_within_full_scale() -> None:
    pieces = [synthesis.piece(RATE, RATE, np.random.default_rng(seed)) for seed in range(12)]
    assert all(np.isfinite(piece).all() and np.abs(piece).max() <= 1 for piece in pieces)
    assert np.abs(np.corrcoef(pieces) - np.eye(12)).max() < 0.9


def test_kept_mels_are_what_the_net_hears() -> None:
    sound = crops.crop(material(), 2 * RATE, np.random.default_rng(1))[0]
    kept = crops.mels([sound])
    with torch.inference_mode():
        heard = house_net.FrontEnd()(torch.from_numpy(sound[None]))[0]
    assert kept.shape == (1, 96, 101)
    assert np.allclose(kept[0], heard[0].numpy(), atol=2e-3)


def test_a_front_end_band_answers_to_its_frequency() -> None:
    """The loudest of the 96 bands rises with the pitch, from the lowest to the highest."""
    t = torch.arange(RATE) / RATE
    loudest = [
        int(house_net.FrontEnd()(torch.sin(2 * torch.pi * hz * t)[None])[0, 0].mean(1).argmax()) for hz in (60, 300, 1000, 4000, 14_500)
    ]
    assert loudest == sorted(loudest)
    assert loudest[0] <= 2
    assert loudest[-1] >= 93


def test_parts_share_the_shards() -> None:
    parts = [set(crops.Part(number, 3).of(10)) for number in (1, 2, 3)]
    assert set.union(*parts) == set(range(10))
    assert sum(map(len, parts)) == 10


def test_shards_that_are_not_made_yet_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="3 of 3 shards"):
        crops.read(tmp_path, Recipe(shards=3))


def test_a_shard_is_made_once_and_holds_what_the_teachers_say(tmp_path: Path, teachers_weights: Path) -> None:
    recipe = Recipe(shards=4, crops=3)
    teachers = Teachers(RATE, teachers_weights.parent)
    assert crops.missing(tmp_path, recipe, crops.Part(2, 2)) == [1, 3]
    crops.fill(material(), recipe, tmp_path, crops.Part(2, 2), teachers, Token())
    made = sorted(tmp_path.iterdir())
    assert made == [crops.path(tmp_path, recipe, number) for number in (1, 3)]
    before = [path.stat().st_mtime_ns for path in made]
    crops.fill(material(), recipe, tmp_path, crops.Part(1, 1), teachers, Token())
    assert [path.stat().st_mtime_ns for path in made] == before
    shards = crops.read(tmp_path, recipe)
    assert [shard["mels"].shape for shard in shards] == [(3, 96, 51), (3, 96, 76), (3, 96, 101), (3, 96, 151)]
    assert shards[3]["musicnn-msd tags"].shape == (3, 50)
    assert "musicnn-msd" not in shards[0]
    from musicclass_gui.engine import encoders

    sound = crops.crop(material(), RATE, np.random.default_rng((recipe.seed, 0, 2)))[0]
    said = encoders.load("mn04-as").embed([sound])
    assert np.allclose(shards[0]["mn04-as"][2], said[0], atol=5e-3)
