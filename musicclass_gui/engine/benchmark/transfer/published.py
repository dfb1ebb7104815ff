"""The authors' own results, as facts: 210 numbers of the folder result_transfer in the repository of Choi et al. 2017."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.protocol import Published
from musicclass_gui.engine.benchmark.transfer import tasks

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.transfer.tasks import Task

_SOURCE = "Choi et al. 2017, the authors' repository, result_transfer"
_OTHER_LAYER = "; made with a file of layer 5 other than the published one"
_WITH_OTHER_LAYER = ("jamendo_vd", "urbansound")
"""Their results without layer 5 can be met exactly with the published features, those with it cannot."""
EXACT = "exact"
"""Stands for each task's features in `_MET`."""
_LAYERS_ALONE = ("1", "2", "3", "4", "5")
_MET = {
    "gtzan_speechmusic": ("12345", "1", "5", "mfcc"),
    "gtzan_genre": ("12345", *_LAYERS_ALONE, "mfcc", "mfcc+12345"),
    "emoMusic_a": ("12345", "15", *_LAYERS_ALONE, "mfcc", "mfcc+12345"),
    "emoMusic_v": ("12345", "235", *_LAYERS_ALONE, "mfcc", "mfcc+12345"),
    "jamendo_vd": ("12345", "124", "mfcc", "1234", "1"),
    "ballroom_extended": ("12345", "123", "1", "mfcc"),
    "urbansound": ("123", "1", "4"),
}
"""Features whose published values come out of the published files within one clip: what an evaluation can be checked on."""


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    with Path(__file__).with_name("published.csv").open(encoding="utf-8", newline="") as file:
        return {row["layers_1_based"].removesuffix("_4"): row for row in csv.DictReader(file)}


def meant(task: Task, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The features that were asked for, with `EXACT` as those that it stands for."""
    return tuple(dict.fromkeys(key for name in asked for key in (_MET[task.id] if name == EXACT else (name,))))


def values(task: Task, key: str) -> list[Published]:
    """What the paper's code gave for a task and features; nothing for features that it did not try."""
    row = _table().get(key)
    if row is None:
        return []
    other = task.id in _WITH_OTHER_LAYER and "5" in tasks.parts(key)
    metric = "r2" if task.kind == tasks.REGRESSION else "accuracy"
    return [Published(metric, float(row[task.column]), _SOURCE + (_OTHER_LAYER if other else ""))]
