"""The recipe of an encoder: every number that decides what its training makes. It knows nothing of files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.plain import from_plain, to_plain

if TYPE_CHECKING:
    from pathlib import Path

_WEIGHTS = {"mn04-as": 1.0, "mn04-as tags": 0.5, "musicnn-msd": 1.0, "musicnn-msd tags": 0.5, "timbre": 1.0, "labels": 0.1}
_RANGES = {
    "seed": (0, 2**31),
    "shards": (1, 10_000),
    "crops": (1, 10_000),
    "epochs": (1, 1000),
    "batch": (1, 10_000),
    "learning_rate": (1e-9, 1.0),
    "weight_decay": (0.0, 1.0),
    "warm_up": (0.0, 1.0),
    "averaging": (0.0, 1.0),
}


@dataclass(frozen=True)
class Recipe:
    """`shards` × `crops` sounds are made once; the net sees each `epochs` times.

    `weights` says how much each teacher counts, "labels" the classes of the recordings that have one. `learning_rate` is the highest of
    a cosine with a linear start over the first `warm_up` of all steps; `averaging` that of the running mean of weights that is kept.
    """

    seed: int = 1
    shards: int = 240
    crops: int = 256
    epochs: int = 8
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up: float = 0.05
    averaging: float = 0.999
    weights: dict[str, float] = field(default_factory=lambda: dict(_WEIGHTS))

    def weight(self, teacher: str) -> float:
        """How much a teacher counts; 0 for one that is not named."""
        return self.weights.get(teacher, 0.0)

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that tell recipes apart."""
        return sha256(text(self).encode()).hexdigest()[:16]

    @property
    def sounds_key(self) -> str:
        """Sixteen hexadecimal digits that tell sounds that were made with other numbers."""
        return sha256(f"1 {self.seed} {self.crops}".encode()).hexdigest()[:16]


def house_v1() -> Recipe:
    """The recipe of the encoder in the box."""
    return Recipe()


def read(path: Path) -> Recipe:
    """A recipe from JSON. Raises DataError when it is none, or has numbers with which nothing can be trained."""
    try:
        plain = json.loads(path.read_text("utf-8"))
        found: Recipe = from_plain(Recipe, plain)
        wrong = _wrong(found, plain)
    except (OSError, ValueError, AttributeError, DataError) as error:
        raise DataError(f"{path} is no recipe of an encoder ({error}); one is like models/house-v1/recipe.json.") from error
    if wrong:
        raise DataError(f"{path}: {wrong}.")
    return found


def _wrong(recipe: Recipe, plain: dict[str, object]) -> str:
    """What is wrong with a recipe, in words; empty when nothing is."""
    unknown = [*(set(plain) - {one.name for one in fields(Recipe)}), *(set(recipe.weights) - set(_WEIGHTS))]
    if unknown:
        return f"{', '.join(sorted(unknown))} is no part of a recipe"
    for name, (low, high) in _RANGES.items():
        if not low <= getattr(recipe, name) <= high:
            return f"{name} must be from {low:g} to {high:g}"
    if not all(0 <= weight < 1e6 for weight in recipe.weights.values()):
        return "weights must be 0 or more"
    if not any(weight for name, weight in recipe.weights.items() if name != "labels"):
        return "at least one teacher must count"
    return ""


def text(recipe: Recipe) -> str:
    """A recipe as JSON."""
    return json.dumps(to_plain(recipe), indent=1) + "\n"
