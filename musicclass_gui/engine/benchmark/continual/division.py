"""Which files are trained on, validated on and tested on: the paper's divisions (continual-paper.md §3), right or with their leaks.

It knows items, and nothing of embeddings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark import splits
from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID
from musicclass_gui.engine.benchmark.splits import Split
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.benchmark.data import Found, Item

SEED = 42
"""The published code's only seed."""

CAP = 5000
"""The most training notes of a class of NSynth (§3.4)."""

_SINGER = (0.48, 0.32, 0.20)
_TECHNIQUE = (0.875, 0.125, 0.0)
_OTHER = (0.5, 0.2, 0.3)
_MADE_VALID = (0.8, 0.2, 0.0)


@dataclass(frozen=True)
class Division:
    """A split, and sentences on what is not as the paper has it."""

    split: Split
    problems: tuple[str, ...] = ()


def divide(found: Found, *, leaking: bool) -> Division:
    """The paper's split of its data sets; of others their own, or a drawn one. `leaking` as published for VocalSet.

    Raises BenchmarkError when items have not one class each, or a class has too few.
    """
    usable(found)
    if found.dataset == "vocalset_singer":
        return _leaking(found, _SINGER) if leaking else Division(splits.random(found.items, _SINGER, SEED))
    if found.dataset == "vocalset_technique":
        return _technique(found, leaking=leaking)
    if found.dataset == "nsynth":
        return _capped(found)
    return _own_or(found, by_number if found.dataset == "gtzan" else _drawn)


def usable(found: Found) -> None:
    """Raise BenchmarkError unless these are files of one class each, of two classes at least."""
    if found.kind != "classes" or any(len(item.labels) != 1 for item in found.items):
        raise BenchmarkError(f"Classes cannot be learned in sessions from “{found.title}”, because its items have not one class each.")
    if len({item.labels[0] for item in found.items}) < 2:
        raise BenchmarkError(f"“{found.title}” has fewer than two classes; sessions need at least two.")


def _leaking(found: Found, shares: splits.Shares) -> Division:
    split = splits.independent_permutations(found.items, shares, SEED)
    shared = len(set(split.test) & set(split.train))
    sentence = f"As published, {shared} of {len(split.test)} test files are also trained on."
    return Division(split, (sentence,) if shared else ())


def _technique(found: Found, *, leaking: bool) -> Division:
    rest = [item for item in found.items if item.split in (TRAIN, VALID)]
    draw: Callable[[Sequence[Item], splits.Shares, int], Split] = splits.independent_permutations if leaking else splits.random
    split = draw(rest, _TECHNIQUE, SEED)
    test = tuple(item.key for item in found.items if item.split == TEST)
    return _checked(found, replace(split, test=test, how=f"test by singer; the others {split.how}"))


def _capped(found: Found) -> Division:
    split = splits.own(found.items)
    named = {item.key: item for item in found.items}
    kept = frozenset(capped([named[key] for key in split.train], CAP))
    how = f"{split.how}, at most {CAP} training notes of each class, shared between acoustic, electronic and synthetic"
    made = replace(split, train=tuple(key for key in split.train if key in kept), how=how, seed=SEED)
    return _checked(found, made, _untested(found, made), test_each=False)


def _untested(found: Found, split: Split) -> tuple[str, ...]:
    lacking = _lacking(found, split, (TEST,))
    return tuple(f"No test file is of {name}: it is learned, and can be answered wrongly, but is never asked for." for name in lacking)


def capped(items: Sequence[Item], most: int) -> list[str]:
    """Keys of at most `most` items of each class, drawn, as evenly over the groups "source" as there are (§3.4)."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    classes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        classes[item.labels[0]][item.groups.get("source", "")].append(item.key)
    kept: list[str] = []
    for _, sources in sorted(classes.items()):
        shares = _shares([len(keys) for _, keys in sorted(sources.items())], most)
        for (_, keys), share in zip(sorted(sources.items()), shares, strict=True):
            kept += [keys[place] for place in sorted(generator.permutation(len(keys))[:share])]
    return kept


def _shares(sizes: Sequence[int], most: int) -> list[int]:
    """Sources that have less than an even share give all they have; the others share the rest equally."""
    shares, left, open_ = [0] * len(sizes), most, sorted(range(len(sizes)), key=lambda place: sizes[place])
    while open_:
        place = open_.pop(0)
        shares[place] = min(sizes[place], left // (len(open_) + 1))
        left -= shares[place]
    return shares


def _own_or(found: Found, other: Callable[[Found], Split]) -> Division:
    """The data set's own split where every class is on both sides of it, else another one, which is said."""
    if not any(item.split == TEST for item in found.items):
        return _checked(found, other(found))
    split = _with_valid(found, splits.own(found.items)) if any(item.split == TRAIN for item in found.items) else None
    if split is not None and not _lacking(found, split):
        return Division(split, _partial(found))
    made = other(found)
    why = "Of the recordings that are there, the published split has not some of every class both for training and for test"
    return _checked(found, made, (f"{why}; instead: {made.how}. The results cannot be compared with published ones.", *_partial(found)))


def _partial(found: Found) -> tuple[str, ...]:
    if found.dataset != "gtzan" or len(found.items) >= 930:
        return ()
    return (f"Only {len(found.items)} of GTZAN's recordings are there; the published results are from all 930 of the lists.",)


def _with_valid(found: Found, split: Split) -> Split:
    if split.valid:
        return split
    rest = [item for item in found.items if item.key in set(split.train)]
    made = splits.random(rest, _MADE_VALID, SEED)
    return replace(made, test=split.test, how=f"{split.how}; a fifth of training drawn for validation")


def _drawn(found: Found) -> Split:
    return splits.random(found.items, _OTHER, SEED)


def by_number(found: Found) -> Split:
    """Each class's items in the order of their names: the first for training, then validation, the last for test (½, 1/5, 3/10)."""
    parts: dict[str, list[str]] = {TRAIN: [], VALID: [], TEST: []}
    for name in sorted({item.labels[0] for item in found.items}):
        keys = sorted(item.key for item in found.items if item.labels[0] == name)
        valid, test = max(1, round(len(keys) * _OTHER[1])), max(1, round(len(keys) * _OTHER[2]))
        train = len(keys) - valid - test
        parts[TRAIN] += keys[:train]
        parts[VALID] += keys[train : train + valid]
        parts[TEST] += keys[train + valid :]
    return Split(tuple(parts[TRAIN]), tuple(parts[VALID]), tuple(parts[TEST]), "by number: the first half for training, the last for test")


def _lacking(found: Found, split: Split, parts: Sequence[str] = (TRAIN, TEST)) -> list[str]:
    """Classes that a part has nothing of."""
    label = {item.key: item.labels[0] for item in found.items}
    counts = {part: Counter(label[key] for key in split.part(part)) for part in parts}
    return sorted({name for name in set(label.values()) for part in parts if not counts[part][name]})


def _checked(found: Found, split: Split, problems: tuple[str, ...] = (), *, test_each: bool = True) -> Division:
    if lacking := _lacking(found, split, (TRAIN, TEST) if test_each else (TRAIN,)):
        raise BenchmarkError(f"There are too few recordings of {', '.join(lacking)}: each class needs some for training and some for test.")
    return Division(split, problems)
