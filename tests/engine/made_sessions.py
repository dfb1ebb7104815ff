"""Tasks of a few classes in sessions, from made-up embeddings, for the tests of strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from musicclass_gui.engine.benchmark.continual.methods_beyond import OPTIONS
from musicclass_gui.engine.benchmark.continual.pools import Pool, Store, joined
from musicclass_gui.engine.benchmark.continual.sessions import Session, Settings, Task
from musicclass_gui.engine.benchmark.continual.strategies import strategy
from musicclass_gui.engine.benchmark.protocol import CORRECTED, Config
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

TRAINING: dict[str, Any] = {
    "learning_rate": 1e-3,
    "batch_size": 16,
    "max_epochs": 20,
    "patience": 5,
    "late_weights": False,
    "validate_on": "current",
    "validate_by": "chunk",
    "temperature": 2.0,
    "memory": 24,
}
NAMES = ("a", "b", "c", "d", "e", "f")
FILES, CHUNKS = 6, 3


def settings(mode: str = CORRECTED, **more: Any) -> Settings:
    """The options of the methods that are tested here in a mode, and the training's."""
    return Settings({**TRAINING, **{option.id: option.modes.get(mode, option.default) for option in OPTIONS}, **more})


def made_task(order: Sequence[int] = range(6), *, seed: int = 0, dim: int = 8, layers: int = 0, spread: float = 1.0, **more: Any) -> Task:
    """Six classes, two per session, in an order; what each class sounds like does not depend on the order."""
    classes = tuple(NAMES[number] for number in order)
    pools = {
        part: {name: _class(name, part, dim, layers, spread).labelled(at) for at, name in enumerate(classes)}
        for part in ("train", "grid", "valid", "test")
    }
    merged = _one_store(pools)
    sessions = tuple(_session(at, classes, merged) for at in range(0, len(classes), 2))
    return Task(classes, sessions, settings(**more), seed, Token(), lambda text: None, Config("continual", ""))


def learned(method: str, task: Task, sessions: int = 3) -> Any:
    """A strategy after some sessions."""
    made = strategy(method)(task)
    for session in task.sessions[:sessions]:
        made.learn_session(session)
    return made


def all_test(task: Task) -> Pool:
    """The test files of all sessions."""
    return joined([session.test for session in task.sessions])


def said(method: str, task: Task) -> dict[str, str]:
    """What is said of each test file at the end, by class name."""
    items = all_test(task)
    labels = learned(method, task).predict(items)
    return {key: task.classes[label] for key, label in zip(items.keys, labels, strict=True)}


def right(method: str, task: Task) -> float:
    """The share of test files that is answered right at the end."""
    answers = said(method, task)
    return sum(key[0] == answer for key, answer in answers.items()) / len(answers)


def _class(name: str, part: str, dim: int, layers: int, spread: float) -> Pool:
    """A class's chunks: files around the class's center, chunks around their file; layers are noisy copies, whose mean is the embedding."""
    number = NAMES.index(name)
    center = np.random.default_rng([number, 0]).normal(size=dim) * 2
    random = np.random.default_rng([number, ("grid", "train", "valid", "test").index(part), 1])
    files = center + spread * random.normal(size=(FILES, dim))
    data = (np.repeat(files, CHUNKS, axis=0) + 0.3 * spread * random.normal(size=(FILES * CHUNKS, dim))).astype(np.float32)
    kept = None if not layers else torch.from_numpy(np.repeat(data[:, None], layers, axis=1).astype(np.float16))
    rows, owners = torch.arange(len(data)), torch.arange(FILES).repeat_interleave(CHUNKS)
    keys = tuple(f"{name}/{part}/{file}" for file in range(FILES))
    return Pool(Store(torch.from_numpy(data), kept), rows, torch.zeros_like(rows), owners, keys)


def _one_store(pools: dict[str, dict[str, Pool]]) -> dict[str, dict[str, Pool]]:
    """The same pools over one store, as a protocol makes them."""
    flat = [pool for part in pools.values() for pool in part.values()]
    layers = [pool.store.layers for pool in flat if pool.store.layers is not None]
    store = Store(torch.cat([pool.store.data for pool in flat]), torch.cat(layers) if layers else None)
    starts = iter(np.cumsum([0, *(len(pool) for pool in flat)])[:-1])
    return {
        part: {name: Pool(store, pool.rows + int(next(starts)), pool.labels, pool.owners, pool.keys) for name, pool in those.items()}
        for part, those in pools.items()
    }


def _session(at: int, classes: tuple[str, ...], pools: dict[str, dict[str, Pool]]) -> Session:
    own = classes[at : at + 2]
    parts = {part: joined([pools[part][name] for name in own]) for part in pools}
    return Session(at // 2 + 1, own, at, parts["train"], parts["grid"], parts["valid"], parts["test"])
