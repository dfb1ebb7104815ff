"""Made-up embeddings in sessions, for the tests of continual learning: classes that can be told apart, quickly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.benchmark.continual import material
from musicclass_gui.engine.benchmark.continual.division import divide
from musicclass_gui.engine.benchmark.continual.sessions import Task
from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID, Found, Item
from musicclass_gui.engine.benchmark.embedded import Chunks, Heard
from musicclass_gui.engine.benchmark.protocol import Config
from musicclass_gui.engine.benchmark.protocols import continual
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
ORDERS = {2: [CLASSES[at : at + 2] for at in range(0, 10, 2)]}


def found(classes: Sequence[str] = CLASSES, *, train: int = 6, valid: int = 3, test: int = 4, dataset: str = "gtzan") -> Found:
    """Files of each class with a split of their own."""
    parts = [TRAIN] * train + [VALID] * valid + [TEST] * test
    items = tuple(Item(f"{name}/{number:02}", labels=(name,), split=part) for name in classes for number, part in enumerate(parts))
    return Found(dataset, dataset, "nowhere", "classes", tuple(classes), items)


def made(data: Found, *, chunks: int = 4, dim: int = 6, layers: int = 0, noise: float = 0.4) -> material.Material:
    """Material whose classes lie apart by about 3 in each of `dim` numbers; files and chunks scatter by `noise`."""
    random = np.random.default_rng(7)
    shape = (layers or 1, dim)
    centers = {name: 3 * random.standard_normal(shape) for name in data.classes}

    def heard(items: Sequence[Item]) -> Heard:
        return Heard({item.key: _chunks(centers[item.labels[0]], chunks, noise, random, layered=layers > 0) for item in items})

    divisions = {leaking: divide(data, leaking=leaking) for leaking in (False, True)}
    train = {key for one in divisions.values() for key in one.split.train}
    cuts = {material.RANDOM: heard([item for item in data.items if item.key in train]), material.GRID: heard(data.items)}
    return material.gathered(data, divisions, cuts, layered=layers > 0)


def _chunks(center: np.ndarray, count: int, noise: float, random: np.random.Generator, *, layered: bool) -> Chunks:
    own = center + noise * random.standard_normal(center.shape)
    rows = (own + noise * random.standard_normal((count, *center.shape))).astype(np.float16)
    return Chunks(rows.mean(1, dtype=np.float32), rows if layered else None)


def task(
    mode: str = "corrected",
    sessions: Sequence[Sequence[str]] = tuple(ORDERS[2]),
    data: material.Material | None = None,
    seed: int = 0,
    **options: Any,
) -> Task:
    """A task as the protocol makes it, with few epochs unless other options are given."""
    order = tuple(tuple(classes) for classes in sessions)
    names = tuple(name for classes in order for name in classes)
    data = data or made(found(names))
    chosen = {"max_epochs": 2, "patience": 2} | options
    config = Config("continual", "nowhere", "gtzan", options=chosen)
    settings = continual.settings(config, mode)
    return Task(names, data.sessions(order, leaking=False), settings, seed, Token(), lambda _: None, config)


def like(one: Task, **options: Any) -> Task:
    """The same task with other options."""
    settings = replace(one.settings, values={**one.settings.values, **options})
    return replace(one, settings=settings)
