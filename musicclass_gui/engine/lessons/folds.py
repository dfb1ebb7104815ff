"""Who is held out with whom: groups that stay together, a fair choice where there are too many, and folds. It sees names, no sounds."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

MOST_ITEMS = 2000
MOST_FOLDS = 5
_FEWEST_GROUPS = 2


def groups_of(hashes: Sequence[str], names: Sequence[str], twins: Iterable[tuple[int, int]]) -> NDArray[np.intp]:
    """A group's number for each item: items of one recording or of one named group stay together, and so do twins.

    Numbers follow the groups' smallest hashes, so that they depend on nothing else than what is in them.
    """
    parent = list(range(len(hashes)))
    first: dict[tuple[str, str], int] = {}
    for place, (one, name) in enumerate(zip(hashes, names, strict=True)):
        for key in (("hash", one), ("group", name)):
            if key[1]:
                _join(parent, first.setdefault(key, place), place)
    for a, b in twins:
        _join(parent, a, b)
    roots = [_root(parent, place) for place in range(len(hashes))]
    smallest: dict[int, str] = {}
    for root, one in zip(roots, hashes, strict=True):
        smallest[root] = min(one, smallest.get(root, one))
    number = {root: place for place, root in enumerate(sorted(smallest, key=smallest.__getitem__))}
    return np.asarray([number[root] for root in roots], np.intp)


def _join(parent: list[int], a: int, b: int) -> None:
    parent[_root(parent, b)] = _root(parent, a)


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


def chosen(labels: Sequence[str], groups: NDArray[np.intp], most: int = MOST_ITEMS) -> NDArray[np.bool_]:
    """Which items to examine: all, or about `most`, as evenly over the classes as whole groups allow; the same ones each time.

    Every class keeps two groups, where it has them, however large they are.
    """
    if len(labels) <= most:
        return np.ones(len(labels), bool)
    inside, taken, total = _classes_by_group(labels, groups), set[int](), 0
    waiting = {label: sorted(those, reverse=True) for label, those in _groups_by_class(labels, groups).items()}
    seen, kept = Counter[str](), Counter[str]()
    while waiting:
        label = min(waiting, key=lambda one: (kept[one], one))
        group = waiting[label].pop()
        if group not in taken and (total + inside[group].total() <= most or seen[label] < _FEWEST_GROUPS):
            taken.add(group)
            total += inside[group].total()
            kept.update(inside[group])
            seen.update(inside[group].keys())
        if not waiting[label]:
            del waiting[label]
    return np.isin(groups, list(taken))


def folds(labels: Sequence[str], groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """A fold for each item: whole groups, dealt out class by class, so that each fold has its share of each.

    A class's groups stay in their folds whatever other classes come, so that one lesson's "after" is the next one's "before"; a group of
    several classes goes with the rarest. Where dealing begins depends on the label, lest all small classes meet in the first folds.
    """
    inside, total = _classes_by_group(labels, groups), Counter(labels)
    count = min(MOST_FOLDS, len(inside))
    fold: dict[int, int] = {}
    dealt = Counter[str]()
    for group in sorted(inside):
        label = min(inside[group], key=lambda one: (total[one], one))
        fold[group] = (crc32(label.encode()) + dealt[label]) % count
        dealt[label] += 1
    return np.asarray([fold[group] for group in groups.tolist()], np.intp)


def _groups_by_class(labels: Sequence[str], groups: NDArray[np.intp]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for label, group in zip(labels, groups.tolist(), strict=True):
        found[label].add(group)
    return found


def _classes_by_group(labels: Sequence[str], groups: NDArray[np.intp]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, groups.tolist(), strict=True):
        found[group][label] += 1
    return found
