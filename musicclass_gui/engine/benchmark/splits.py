"""One split object for all protocols: which items are for training, validation and test, how chosen, and proof that they are apart.

Equal items, shares and seed give an equal split on every machine. It knows no protocol and reads no file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.random import Generator

    from musicclass_gui.engine.benchmark.data import Item

PARTS = (TRAIN, VALID, TEST)
_NAMED = 10

Shares = tuple[float, float, float]
"""How much of the items is for training, validation and test; they add up to 1."""


@dataclass(frozen=True)
class Split:
    """Keys of items by what they are for, in the items' order. `how` says in words how they were told apart; it is saved with a run."""

    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]
    how: str
    seed: int = 0

    def part(self, name: str) -> tuple[str, ...]:
        """The keys of "train", "valid" or "test"."""
        return {TRAIN: self.train, VALID: self.valid, TEST: self.test}[name]


def own(items: Sequence[Item]) -> Split:
    """The data set's own split; items that it leaves out are in no part. Raises BenchmarkError where it has none."""
    parts = {part: tuple(item.key for item in items if item.split == part) for part in PARTS}
    if not parts[TRAIN] or not parts[TEST]:
        raise BenchmarkError("These data come with no split of their own into training and test; choose a random split.")
    return Split(parts[TRAIN], parts[VALID], parts[TEST], "the data set's own split")


def random(items: Sequence[Item], shares: Shares, seed: int, by: str = "") -> Split:
    """A random split in which every class has about its share in each part.

    With `by` ("file", "artist", "piece", "singer" …) all items of a group are in the same part; items without that group stay on their own.
    Tags and numbers are not balanced. Raises BenchmarkError for shares that are none, and where too few items or groups are there.
    """
    wanted = _checked(shares)
    chosen = _grouped(items, wanted, seed, by) if by else _stratified(items, wanted, seed)
    kept = f", all items of the same {by} in one part" if by else ""
    split = _split(items, chosen, f"random, {_percent(wanted)} of each class{kept}", seed)
    if short := [part for part, share in zip(PARTS, wanted, strict=True) if share > 0 and not split.part(part)]:
        raise BenchmarkError(f"There are too few {by or 'item'}s to split them at random: the {short[0]} part would be empty.")
    return split


def independent_permutations(items: Sequence[Item], shares: Shares, seed: int) -> Split:
    """The published VocalSet split with its defect: each part is cut from another permutation of the same items, so that they overlap.

    Every class keeps its shares. With 48/32/20 % about 48 % of the test items are also in training (ISMIR 2024, code of the VocalSet
    source; continual learning, section 3.2). The order of the published one depends on the file system, so it is not the same draw.
    """
    wanted = _checked(shares)
    classes = _classes(items)
    generator = _generator(seed)
    parts: dict[str, set[int]] = {part: set() for part in PARTS}
    for part in PARTS:
        for members in _shuffled_within(classes, len(items), generator):
            first, last = _bounds(len(members), wanted)[PARTS.index(part)]
            parts[part].update(members[first:last])
    keys = {part: tuple(item.key for index, item in enumerate(items) if index in parts[part]) for part in PARTS}
    how = f"as published: {_percent(wanted)} of each class, each part drawn from another permutation, so that they overlap"
    return Split(keys[TRAIN], keys[VALID], keys[TEST], how, seed)


def overlap(split: Split, items: Sequence[Item], by: str = "") -> tuple[str, ...]:
    """What is in more than one part: keys, or with `by` the files ("file") or groups ("artist", "piece", …) of the items; sorted."""
    named = {item.key: _group(item, by) for item in items}
    held = [{named.get(key, "" if by else key) for key in split.part(part)} - {""} for part in PARTS]
    return tuple(sorted((held[0] & held[1]) | (held[0] & held[2]) | (held[1] & held[2])))


def require_disjoint(split: Split, items: Sequence[Item], by: Iterable[str] = ()) -> None:
    """Proof that no key and no file is in two parts, nor any of the groups in `by`. Raises BenchmarkError that names what is."""
    for kind in ("", "file", *by):
        if shared := overlap(split, items, kind):
            raise BenchmarkError(_shared_sentence(kind or "item", shared))


def saved(made: Mapping[str, Split]) -> dict[str, tuple[str, ...]]:
    """The parts of each mode's split by name, as they are kept with a run; of modes that part alike only once."""
    alike = {(split.train, split.valid, split.test): mode for mode, split in made.items()}
    if len(alike) == 1:
        return dict(zip(PARTS, next(iter(alike)), strict=True))
    return {f"{mode} {name}": keys for those, mode in alike.items() for name, keys in zip(PARTS, those, strict=True)}


def _shared_sentence(kind: str, shared: Sequence[str]) -> str:
    more = f" and {len(shared) - _NAMED} more" if len(shared) > _NAMED else ""
    names = ", ".join(f"“{name}”" for name in shared[:_NAMED])
    return f"The split is not clean, because the same {kind} is in more than one of its parts ({names}{more}); choose a split by {kind}."


def _group(item: Item, by: str) -> str:
    if by == "file":
        return item.path
    return item.groups.get(by, "") if by else item.key


def _checked(shares: Shares) -> Shares:
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise BenchmarkError(f"Shares of a split are three numbers from 0 to 1 that add up to 1, not {tuple(shares)}.")
    return shares


def _percent(shares: Shares) -> str:
    return "/".join(f"{100 * share:g}" for share in shares) + " %"


def _generator(seed: int) -> Generator:
    import numpy as np

    return np.random.default_rng(seed)


def _label(item: Item) -> str:
    return item.labels[0] if len(item.labels) == 1 else ""


def _classes(items: Sequence[Item]) -> dict[str, list[int]]:
    classes: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        classes[_label(item)].append(index)
    return dict(sorted(classes.items()))


def _shuffled_within(classes: dict[str, list[int]], count: int, generator: Generator) -> list[list[int]]:
    place = {int(index): rank for rank, index in enumerate(generator.permutation(count))}
    return [sorted(members, key=place.__getitem__) for members in classes.values()]


def _bounds(count: int, shares: Shares) -> list[tuple[int, int]]:
    first = round(count * shares[0])
    second = max(first, round(count * (shares[0] + shares[1])))
    return [(0, first), (first, second), (second, count)]


def _sizes(count: int, shares: Shares) -> list[int]:
    """Whole numbers near the shares that add up to `count`; no part that has a share stays empty where there are enough."""
    sizes = [int(count * share + 1e-9) for share in shares]
    by_rest = sorted(range(3), key=lambda part: sizes[part] - count * shares[part])
    for part in by_rest[: count - sum(sizes)]:
        sizes[part] += 1
    wanted = [part for part in range(3) if shares[part] > 0]
    for part in wanted:
        if count >= len(wanted) and sizes[part] == 0:
            sizes[max(range(3), key=sizes.__getitem__)] -= 1
            sizes[part] = 1
    return sizes


def _stratified(items: Sequence[Item], shares: Shares, seed: int) -> dict[int, str]:
    chosen: dict[int, str] = {}
    for members in _shuffled_within(_classes(items), len(items), _generator(seed)):
        train, valid, _ = _sizes(len(members), shares)
        chosen.update({index: _part_at(rank, train, train + valid) for rank, index in enumerate(members)})
    return chosen


def _part_at(rank: int, first: int, second: int) -> str:
    return TRAIN if rank < first else (VALID if rank < second else TEST)


def _grouped(items: Sequence[Item], shares: Shares, seed: int, by: str) -> dict[int, str]:
    """Large groups first, each to the part that is shortest of what the group holds."""
    groups = _members(items, by)
    total = Counter(_label(item) for item in items)
    held: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    short = _shortness(total, held, dict(zip(PARTS, shares, strict=True)))
    chosen: dict[int, str] = {}
    for members in _largest_first(groups, seed):
        labels = Counter(_label(items[index]) for index in members)
        part = max((part for part, share in zip(PARTS, shares, strict=True) if share > 0), key=lambda name: short(name, labels))
        held[part].update(labels)
        chosen.update(dict.fromkeys(members, part))
    return chosen


def _members(items: Sequence[Item], by: str) -> list[list[int]]:
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        name = _group(item, by)
        groups[(name, -1 if name else index)].append(index)
    return list(groups.values())


def _largest_first(groups: list[list[int]], seed: int) -> list[list[int]]:
    order = _generator(seed).permutation(len(groups))
    return sorted((groups[int(index)] for index in order), key=len, reverse=True)


def _shortness(
    total: Counter[str], held: dict[str, Counter[str]], shares: dict[str, float]
) -> Callable[[str, Counter[str]], tuple[float, float]]:
    """How much a part lacks of some labels, as a share of what it is to have; the larger part first where it is equal."""

    def short(part: str, labels: Counter[str]) -> tuple[float, float]:
        lacks = [count * (1 - held[part][label] / (shares[part] * total[label])) for label, count in labels.items()]
        return round(sum(lacks), 9), shares[part]

    return short


def _split(items: Sequence[Item], chosen: dict[int, str], how: str, seed: int) -> Split:
    keys = {part: tuple(item.key for index, item in enumerate(items) if chosen[index] == part) for part in PARTS}
    return Split(keys[TRAIN], keys[VALID], keys[TEST], how, seed)
