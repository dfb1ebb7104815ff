"""Which recordings are trained on, chosen by and tested on: rightly, or at random as most classical results are measured.

It knows items, and nothing of features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark import splits
from musicclass_gui.engine.benchmark.classical.options import RANDOM
from musicclass_gui.engine.benchmark.data import TEST, TRAIN
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.benchmark.splits import Split

SEED = 42
_SHARES = (0.6, 0.2, 0.2)
_MADE_VALID = (0.8, 0.2, 0.0)
_ORIGINS = ("artist", "singer", "piece", "fold", "folder")
"""What must not be on both sides, the strictest first."""


@dataclass(frozen=True)
class Parting:
    """A split, and sentences on what is not as one would wish."""

    split: Split
    problems: tuple[str, ...] = ()


def part(found: Found, how: str) -> Parting:
    """Split by the option "split". Raises BenchmarkError where there is too little of a class."""
    _require_labels(found)
    if how == RANDOM:
        sentence = (
            "Recordings are parted at random, so that artists and albums may be on both sides, and answers look better than they are."
        )
        return Parting(splits.random(found.items, _SHARES, SEED), (sentence,))
    if any(item.split == TRAIN for item in found.items) and any(item.split == TEST for item in found.items):
        made = _with_valid(found, splits.own(found.items))
        if not (lacking := _lacking(found, made)):
            return Parting(made)
        other = _by_origin(found)
        why = f"Of what is there, the data set's own split has not some of {', '.join(lacking)} both for training and for test"
        return Parting(other, (f"{why}; instead: {other.how}. The results cannot be compared with published ones.",))
    return Parting(_by_origin(found))


def _require_labels(found: Found) -> None:
    if found.kind not in ("classes", "tags") or not any(item.labels for item in found.items):
        raise BenchmarkError(f"“{found.title}” has neither classes nor tags to be told; choose other data.")


def _by_origin(found: Found) -> Split:
    """By the first origin of which there are enough; at random where none is known."""
    for name in _ORIGINS:
        if len({item.groups.get(name, "") for item in found.items} - {""}) > 2:
            try:
                made = splits.random(found.items, _SHARES, SEED, by=name)
            except BenchmarkError:
                continue
            if not _lacking(found, made):
                return made
    return splits.random(found.items, _SHARES, SEED)


def _with_valid(found: Found, split: Split) -> Split:
    if split.valid:
        return split
    rest = [item for item in found.items if item.key in set(split.train)]
    drawn = splits.random(rest, _MADE_VALID, SEED)
    return replace(drawn, test=split.test, how=f"{split.how}; a fifth of training drawn for validation")


def _lacking(found: Found, split: Split) -> list[str]:
    """Classes that training or test has nothing of; of tags, which are many and rare, none is asked for."""
    if found.kind == "tags":
        return []
    label = {item.key: item.labels[0] for item in found.items if item.labels}
    there = [{label[key] for key in split.part(name) if key in label} for name in (TRAIN, TEST)]
    return sorted(set(label.values()) - (there[0] & there[1]))
