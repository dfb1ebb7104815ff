"""Which performances count: composers with enough files, at most so many performances of a piece, and the table's own split.

The rules are those of the composer project's code, in its order: first composers, then repeated pieces, then the split. It reads no file.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.benchmark import splits
from musicclass_gui.engine.benchmark.composer.settings import FILE, TITLE, TRAIN_PART
from musicclass_gui.engine.benchmark.data import TEST, TRAIN
from musicclass_gui.engine.benchmark.protocol import Verdict
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.benchmark.composer.settings import Settings
    from musicclass_gui.engine.benchmark.data import Found, Item
    from musicclass_gui.engine.benchmark.splits import Split

RANDOM_STATE = 42


@dataclass(frozen=True)
class Corpus:
    """The performances that are left, and their composers, the most frequent first. `notes` say in words what the rules did."""

    composers: tuple[str, ...]
    items: tuple[Item, ...]
    split: Split
    notes: tuple[str, ...]

    def part(self, name: str) -> list[Item]:
        """The performances of "train", "valid" or "test", in the table's order."""
        keys = set(self.split.part(name))
        return [item for item in self.items if item.key in keys]


def corpus(found: Found, chosen: Settings) -> Corpus:
    """Apply the rules. Raises BenchmarkError when fewer than two composers, or nothing for training or test, are left, or parts overlap."""
    composers = _composers(found, chosen)
    if len(composers) < 2:
        counted = "training files" if chosen.composers_by == TRAIN_PART else "files"
        raise BenchmarkError(
            f"Composers with {chosen.min_files} or more {counted} are {len(composers)}, and two are needed; set fewest files lower."
        )
    theirs = [item for item in found.items if item.labels[0] in composers]
    kept = without_repeats(theirs, chosen)
    split = splits.own(kept)
    splits.require_disjoint(split, kept, () if chosen.apart == FILE else (chosen.apart,))
    return Corpus(composers, tuple(kept), split, tuple(_notes(composers, theirs, kept, split, chosen)))


def _composers(found: Found, chosen: Settings) -> tuple[str, ...]:
    counted = [item for item in found.items if chosen.composers_by != TRAIN_PART or item.split == TRAIN]
    files = Counter(item.labels[0] for item in counted)
    return tuple(name for name in found.classes if files[name] >= chosen.min_files)


def without_repeats(items: Sequence[Item], chosen: Settings) -> list[Item]:
    """At most so many performances of each piece, drawn as pandas' `sample(n, random_state=42)` draws them, in the order of `items`."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        groups[item.groups["title" if chosen.repeats_by == TITLE else "piece"]].append(place)
    kept = [place for those in groups.values() for place in _drawn(those, chosen.max_repeats)]
    return [items[place] for place in sorted(kept)]


def _drawn(places: list[int], most: int) -> list[int]:
    if len(places) <= most:
        return places
    chosen = np.random.RandomState(RANDOM_STATE).choice(len(places), size=most, replace=False)
    return [places[int(one)] for one in chosen]


def _notes(composers: Sequence[str], theirs: Sequence[Item], kept: Sequence[Item], split: Split, chosen: Settings) -> list[str]:
    part = {key: name for name in splits.PARTS for key in split.part(name)}
    there = {name: {item.labels[0] for item in kept if part.get(item.key) == name} for name in (TRAIN, TEST)}
    told = "title" if chosen.repeats_by == TITLE else "composer and title"
    notes = [
        f"{len(composers)} composers; {len(kept)} of their {len(theirs)} performances are left with at most {chosen.max_repeats} of a "
        f"piece by {told}."
    ]
    for name, words in ((TRAIN, "learned"), (TEST, "tested")):
        if missing := [composer for composer in composers if composer not in there[name]]:
            notes.append(f"Without {name} performances, so never {words}: {', '.join(missing)}.")
    return notes


def shared_titles(those: Corpus) -> Verdict:
    """Titles on both sides of the split, each by name, whichever composer's they are; whole pieces are the leak detector's matter."""
    train, test = ({item.groups["title"] for item in those.part(name)} for name in (TRAIN, TEST))
    shared = sorted(train & test)
    numbers = {"titles": float(len(shared))}
    if not shared:
        return Verdict("title", "clear", "No title is both in training and in test.", numbers)
    names = ", ".join(f"“{title}”" for title in shared)
    return Verdict(
        "title", "note", f"{len(shared)} titles are both in training and in test, though not always by the same composer: {names}.", numbers
    )


def fingerprint(found: Found) -> str:
    """Which files there are, how large they are, whose they are and in which part."""
    digest = hashlib.sha256(found.dataset.encode())
    for item in found.items:
        size = Path(item.path).stat().st_size
        digest.update("\0".join((item.key, *item.labels, item.split, item.groups["piece"], f"{size}\n")).encode())
    return digest.hexdigest()
