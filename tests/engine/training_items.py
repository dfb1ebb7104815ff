"""Made-up recordings for the tests of fine-tuning: Gaussian clouds of windows, a few windows per recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.lessons.training import Options, TrainItem, train
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.heads.replay import ReplayHead
    from musicclass_gui.engine.lessons.news import Trained

DIM = 16
SHORT = Options(epochs=12, patience=5)


def recordings(label: str, count: int = 6, windows: int = 5, *, first: int = 0, apart: float = 2.0, seed: int = 0) -> list[TrainItem]:
    """Examples of a class; their ids and groups follow from the label's last number and `first`."""
    number = int(label.split()[-1])
    random = np.random.default_rng([seed, number, first])
    centre = np.random.default_rng(number).normal(0, apart, DIM)
    made = []
    for place in range(first, first + count):
        own = centre + random.normal(0, 0.7, DIM)
        rows = (own + random.normal(0, 0.7, (windows, DIM))).astype(np.float32)
        made.append(TrainItem(1000 * number + place, label, f"{label} / {place}", rows))
    return made


def taught(
    before: ReplayHead | None,
    new: Sequence[TrainItem],
    old: Sequence[TrainItem] = (),
    options: Options = SHORT,
    tell: Callable[[Trained], None] = lambda news: None,
) -> ReplayHead:
    return train(before, list(new), list(old), options, Token(), tell)


def accuracy(head: ReplayHead, items: Sequence[TrainItem]) -> float:
    """The share of recordings that the mean of their windows' scores names right."""
    said = [head.classes[int(head.log_scores(item.rows).mean(axis=0).argmax())] for item in items]
    return float(np.mean([name == item.label for name, item in zip(said, items, strict=True)]))
