"""How items are dealt into folds: as scikit-learn did before version 0.22, as it does today, plainly, or as the data set says.

Results of the paper can only be met on its own folds, which today's scikit-learn no longer makes. It sees labels, no features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.intp]
    Fold = tuple[Numbers, Numbers]
    """Places of what is learned from, and of what is asked."""


def blocks(n: int, folds: int) -> Numbers:
    """The fold of each of n items in consecutive blocks, the first n % folds of them one item longer (scikit-learn's KFold)."""
    sizes = np.full(folds, n // folds)
    sizes[: n % folds] += 1
    return np.repeat(np.arange(folds), sizes)


def stratified_old(labels: Sequence[object], folds: int) -> Numbers:
    """The fold of each item as StratifiedKFold of scikit-learn < 0.22 dealt it: each class is cut into blocks on its own.

    So every class's longer blocks are the first ones, and the first folds are larger than the last.
    """
    classes, where = _numbered(labels)
    found = np.zeros(len(where), np.intp)
    for number in range(classes):
        inside = where == number
        count = int(inside.sum())
        found[inside] = blocks(max(count, folds), folds)[:count]
    return found


def stratified(labels: Sequence[object], folds: int) -> Numbers:
    """The fold of each item as StratifiedKFold deals it since scikit-learn 0.22, not shuffled: all folds are of about the same size."""
    classes, where = _numbered(labels)
    ordered = np.sort(where)
    shares = np.stack([np.bincount(ordered[fold::folds], minlength=classes) for fold in range(folds)])
    found = np.zeros(len(where), np.intp)
    for number in range(classes):
        found[where == number] = np.repeat(np.arange(folds), shares[:, number])
    return found


def _numbered(labels: Sequence[object]) -> tuple[int, Numbers]:
    """How many classes there are, and each item's number, classes numbered by where they first occur."""
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return len(numbers), np.asarray([numbers[label] for label in labels], np.intp)


def grouped(groups: Sequence[str], folds: int) -> Numbers:
    """The fold of each item where whole groups are dealt round-robin, in the groups' order; at most as many folds as there are groups."""
    order = {group: place % folds for place, group in enumerate(sorted(dict.fromkeys(groups), key=_natural))}
    return np.asarray([order[group] for group in groups], np.intp)


def _natural(group: str) -> tuple[int, str]:
    return (int(group), "") if group.isdigit() else (1 << 30, group)


def numbered(groups: Sequence[str]) -> Numbers:
    """A fold for each of the data set's own. Raises BenchmarkError when an item has none, or all have the same."""
    if not all(groups) or len(set(groups)) < 2:
        raise BenchmarkError("Some items name no fold of their data set; its published list of folds is needed.")
    return grouped(groups, len(set(groups)))


def of(numbers: Numbers) -> list[Fold]:
    """Folds as pairs of places: each is asked once of what was learned from all others."""
    return [(np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in range(int(numbers.max()) + 1)]


def official(splits: Sequence[str], learned: tuple[str, ...], asked: str) -> list[Fold]:
    """The one fold of a data set that has its own split. Raises BenchmarkError when a side is empty."""
    names = np.asarray(splits)
    fold = np.flatnonzero(np.isin(names, learned)), np.flatnonzero(names == asked)
    if not fold[0].size or not fold[1].size:
        raise BenchmarkError(
            f"The data set's own split has nothing in “{asked}” or in “{', '.join(learned)}”; its published lists are needed."
        )
    return [fold]


def average(scores: Sequence[float], sizes: Sequence[int], *, weighted: bool) -> float:
    """The mean over folds; `weighted` by their sizes, as GridSearchCV did before scikit-learn 0.24 (its `iid`)."""
    weights = np.asarray(sizes if weighted else np.ones(len(sizes)), float)
    return float(np.asarray(scores) @ weights / weights.sum())
