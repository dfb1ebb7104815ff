"""Which recordings are trained on, chosen by and tested on: rightly, or at random as most classical results are measured.

It knows items, and nothing of features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark import splits
from musicclass_gui.engine.benchmark.classical.options import FILE, RANDOM
from musicclass_gui.engine.benchmark.continual.division import by_number
from musicclass_gui.engine.benchmark.data import TEST, TRAIN
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.benchmark.data import Found, Item
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


def part(found: Found, how: str, apart: str = FILE) -> Parting:
    """Split by the options "split" and "apart". Raises BenchmarkError where there is too little of a class, or what is apart is not."""
    _require_labels(found)
    if apart != FILE and not any(apart in item.groups for item in found.items):
        raise BenchmarkError(f"“{found.title}” does not say the {apart} of its recordings, so they cannot be kept apart by it.")
    made = _drawn(found, apart) if how == RANDOM else _rightly(found, apart)
    splits.require_disjoint(made.split, found.items, () if apart == FILE else (apart,))
    return made


def _drawn(found: Found, apart: str) -> Parting:
    """At random, with what was asked for in one part, as are the stretches of a file."""
    made = splits.random(found.items, _SHARES, SEED, by=_by(found.items, apart))
    if apart != FILE:
        return Parting(made, _missing(found, made))
    sentence = "Recordings are parted at random, so that artists and albums may be on both sides, and answers look better than they are."
    return Parting(made, (sentence,))


def _by(items: Sequence[Item], apart: str) -> str:
    """What a draw keeps in one part; nothing has to be where every item is a file of its own."""
    return "" if apart == FILE and len({item.path for item in items}) == len(items) else apart


def _missing(found: Found, made: Split) -> tuple[str, ...]:
    lacking = _lacking(found, made)
    return (f"Kept apart like that, there is not some of {', '.join(lacking)} both for training and for test.",) if lacking else ()


def _rightly(found: Found, apart: str) -> Parting:
    """The data set's own split where there is one with something of every class, else one by origin."""
    if not any(item.split == TRAIN for item in found.items) or not any(item.split == TEST for item in found.items):
        return _by_origin(found, apart)
    made = _with_valid(found, splits.own(found.items), apart)
    if not (lacking := _lacking(found, made)):
        return Parting(made)
    other = _by_origin(found, apart)
    why = f"Of what is there, the data set's own split has not some of {', '.join(lacking)} both for training and for test"
    sentence = f"{why}; instead: {other.split.how}. The results cannot be compared with published ones."
    return Parting(other.split, (sentence, *other.problems))


def _require_labels(found: Found) -> None:
    if found.kind not in ("classes", "tags") or not any(item.labels for item in found.items):
        raise BenchmarkError(f"“{found.title}” has neither classes nor tags to be told; choose other data.")


def _by_origin(found: Found, apart: str) -> Parting:
    """By what was asked for, or the first origin of which there are enough; else at random, GTZAN by number, as neighbours are alike."""
    if apart != FILE:
        return _drawn(found, apart)
    for name in _ORIGINS:
        if len({item.groups.get(name, "") for item in found.items} - {""}) > 2:
            made = _kept_together(found, name)
            if made is not None:
                return Parting(made)
    made = by_number(found) if found.dataset == "gtzan" else _drawn(found, FILE).split
    return Parting(made, ("Nothing is known of who made these recordings, so that artists may be on both sides of the split.",))


def _kept_together(found: Found, name: str) -> Split | None:
    """A split that keeps groups of a name in one part; None where there are too few of them for every class."""
    try:
        made = splits.random(found.items, _SHARES, SEED, by=name)
    except BenchmarkError:
        return None
    return None if _lacking(found, made) else made


def _with_valid(found: Found, split: Split, apart: str) -> Split:
    if split.valid:
        return split
    trained = set(split.train)
    rest = [item for item in found.items if item.key in trained]
    drawn = splits.random(rest, _MADE_VALID, SEED, by=_by(rest, apart))
    return replace(drawn, test=split.test, how=f"{split.how}; a fifth of training drawn for validation")


def _lacking(found: Found, split: Split) -> list[str]:
    """Classes that training or test has nothing of; of tags, which are many and rare, none is asked for.

    NSynth's own test part has no synth_lead, as published; of it only training is asked.
    """
    if found.kind == "tags":
        return []
    label = {item.key: item.labels[0] for item in found.items if item.labels}
    asked = (TRAIN,) if found.dataset == "nsynth" else (TRAIN, TEST)
    there = [{label[key] for key in split.part(name) if key in label} for name in asked]
    return sorted({name for name in label.values() if not all(name in one for one in there)})
