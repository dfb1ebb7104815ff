"""The sounds that an encoder is trained on, made once: what the net's front end and the teachers make of random crops, in shards.

A shard is a function of the recipe, its number and the recordings, whoever makes it and when; several processes may share the work.
Imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from musicclass_gui.engine import distortion, files
from musicclass_gui.engine.encoders import house_net
from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.training import synthesis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.training.recipe import Recipe
    from musicclass_gui.engine.training.sounds import Sound
    from musicclass_gui.engine.training.teachers import Teachers
    from musicclass_gui.engine.windows import Audio

Shard = dict[str, "NDArray[np.generic]"]

RATE = house_net.SAMPLE_RATE
SECONDS = (1.0, 1.5, 2.0, 3.0, 3.0, 3.0, 5.0, 5.0)
"""Lengths of crops, from shard to shard: the net must serve windows of any length. 3 s is musicnn's."""

_BATCH = 16
_SHARES = {"gtzan": 0.35, "composers": 0.3, "freesound10": 0.2, "philharmonia": 0.15}
_SYNTHETIC, _MIXED, _STRETCHED = 0.15, 0.3, 0.05
_SILENT = 1e-6  # of mean power


@dataclass(frozen=True)
class Part:
    """Which of the shards one of several processes makes: the `number`th of `count`, counted from 1."""

    number: int = 1
    count: int = 1

    def of(self, shards: int) -> range:
        """Its shards."""
        return range(self.number - 1, shards, self.count)


@dataclass(frozen=True)
class Material:
    """The recordings that may be used, with their samples at `RATE`, and every label that there is."""

    sounds: Sequence[Sound]
    samples: Sequence[NDArray[np.int16]]
    labels: Sequence[str]

    def collections(self) -> dict[str, list[int]]:
        """The numbers of the recordings of each collection."""
        return {name: [i for i, sound in enumerate(self.sounds) if sound.collection == name] for name in _SHARES}


def path(folder: Path, recipe: Recipe, number: int) -> Path:
    """Where a shard is kept."""
    return folder / f"crops-{recipe.sounds_key}-{number:05d}.safetensors"


def make(material: Material, recipe: Recipe, number: int, teachers: Teachers, token: Token) -> Shard:
    """`mels` `(crops, 96, frames)` float16, `label` `(crops,)` int64, −1 for none, and each teacher's rows. Raises Cancelled."""
    size = round(SECONDS[number % len(SECONDS)] * RATE)
    drawn = [crop(material, size, np.random.default_rng((recipe.seed, number, row))) for row in range(recipe.crops)]
    parts: list[Shard] = []
    for start in range(0, recipe.crops, _BATCH):
        token.check()
        batch = [samples for samples, _ in drawn[start : start + _BATCH]]
        parts.append({"mels": mels(batch), **teachers.say(batch)})
    made: Shard = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**made, "label": np.array([label for _, label in drawn], np.int64)}


def missing(folder: Path, recipe: Recipe, part: Part) -> list[int]:
    """Those shards of one part that are not in `folder` yet."""
    return [number for number in part.of(recipe.shards) if not path(folder, recipe, number).is_file()]


def fill(material: Material, recipe: Recipe, folder: Path, part: Part, teachers: Teachers | None, token: Token) -> None:
    """Make the missing shards of one part; `teachers` may be None where none is missing. Raises Cancelled, OSError."""
    from safetensors.numpy import save

    wanted = missing(folder, recipe, part) if teachers else []
    for done, number in enumerate(wanted):
        token.progress(done / len(wanted), f"sounds {number + 1} of {recipe.shards}")
        if teachers:
            files.write_whole(path(folder, recipe, number), save(make(material, recipe, number, teachers, token)))


def read(folder: Path, recipe: Recipe) -> list[Shard]:
    """Every shard of a recipe. Raises DataError when some are not made yet, or damaged."""
    lacking = missing(folder, recipe, Part())
    if lacking:
        raise DataError(
            f"{len(lacking)} of {recipe.shards} shards of sounds are not made yet; let the other parts end, or leave --part out."
        )
    return [_read(path(folder, recipe, number)) for number in range(recipe.shards)]


def _read(file: Path) -> Shard:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        shard: Shard = load_file(file)
    except SafetensorError as error:
        raise DataError(f"{file} is damaged ({error}); remove it, and it is made again.") from error
    return shard


def mels(batch: Sequence[Audio]) -> NDArray[np.float16]:
    """Crops of one length → `(n, 96, frames)`, as the net's front end hears them."""
    with torch.inference_mode():
        heard = house_net.FrontEnd()(torch.from_numpy(np.stack(batch)))
    return np.asarray(heard[:, 0].numpy(), np.float16)


def crop(material: Material, size: int, chance: np.random.Generator) -> tuple[Audio, int]:
    """A random sound of `size` samples, and its label's number, −1 for none: an excerpt, a synthesised one, or two of them together."""
    if chance.random() < _MIXED:
        first, second = (_one(material, size, chance)[0] for _ in range(2))
        sound, label = _levelled(first) + _levelled(second) * 10 ** (-chance.uniform(0, 0.8)), -1
    else:
        sound, label = _one(material, size, chance)
    return distortion.distorted(sound, RATE, chance), label


def _one(material: Material, size: int, chance: np.random.Generator) -> tuple[Audio, int]:
    if chance.random() < _SYNTHETIC:
        return synthesis.piece(size, RATE, chance).astype(np.float32) * 0.5, -1
    by_collection = {name: rows for name, rows in material.collections().items() if rows}
    shares = np.array([_SHARES[name] for name in by_collection])
    rows = list(by_collection.values())[chance.choice(len(shares), p=shares / shares.sum())]
    row = rows[chance.integers(len(rows))]
    return _excerpt(material.samples[row], size, chance), material.labels.index(material.sounds[row].label)


def _excerpt(samples: NDArray[np.int16], size: int, chance: np.random.Generator) -> Audio:
    """A random part, not quite silent if there is one, often at another speed or stretched."""
    if chance.random() < _STRETCHED:
        return distortion.stretched(_part(samples, int(size * chance.uniform(0.75, 1.35)), chance), size)
    speed = 2 ** (chance.uniform(-4, 4) / 12) if chance.random() < 0.6 else 1.0
    part = _part(samples, int(size * speed) + 2, chance)
    return distortion.at_speed(part, size, speed) if speed != 1.0 else part[:size]


def _part(samples: NDArray[np.int16], size: int, chance: np.random.Generator) -> Audio:
    for _ in range(5):
        part = _placed(samples, size, chance) if len(samples) < size else _cut(samples, size, chance)
        scaled = part.astype(np.float32) / np.float32(32767)
        if float(np.mean(np.square(scaled))) > _SILENT:
            break
    return scaled


def _cut(samples: NDArray[np.int16], size: int, chance: np.random.Generator) -> NDArray[np.int16]:
    first = int(chance.integers(len(samples) - size + 1))
    return samples[first : first + size]


def _placed(samples: NDArray[np.int16], size: int, chance: np.random.Generator) -> NDArray[np.int16]:
    """A recording that is too short, repeated, or somewhere in silence."""
    if chance.random() < 0.5:
        return np.tile(samples, -(-size // len(samples)))[:size]
    before = int(chance.integers(size - len(samples) + 1))
    return np.pad(samples, (before, size - len(samples) - before))


def _levelled(samples: Audio) -> Audio:
    return samples / max(1e-4, float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))) * 0.1
