"""Which windows a class is remembered by, and which recordings are never trained on. Pure choices from vectors and names.

It knows no network and no files.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.heads.sums import unit_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings

HELD_OUT = 0.2
"""The share of a class's groups that is held out, at least one where it has three or more."""
_FEWEST_GROUPS = 3


def herd(rows: Embeddings, budget: int, weight: NDArray[np.float64] | None = None) -> list[int]:
    """The places of at most `budget` of `rows` `(n, dim)` whose mean stays nearest to the mean of all, best first.

    iCaRL's herding (Rebuffi et al., 2017): rows are scaled to length 1; the k-th pick p minimises ‖mean − (p + Σ picks) / k‖, none is
    picked twice. `weight` `(n,)` says how many windows each row stands for in the mean.
    """
    units = unit_rows(np.asarray(rows, np.float64))
    mean = np.average(units, axis=0, weights=weight) if len(units) else np.zeros(0)
    picks: list[int] = []
    total, free = np.zeros(units.shape[1]), np.ones(len(units), bool)
    square = np.einsum("ij,ij->i", units, units)
    for k in range(1, min(budget, len(units)) + 1):
        distance = square - 2 * units @ (k * mean - total)  # k² times what is asked for, less what is the same for all
        pick = int(np.where(free, distance, np.inf).argmin())
        picks.append(pick)
        free[pick] = False
        total += units[pick]
    return picks


def evenly(places: list[int], count: int) -> list[int]:
    """At most `count` of them, evenly spread, the first among them."""
    return places if len(places) <= count else [places[number * len(places) // count] for number in range(count)]


def group_number(group: str) -> int:
    """What a group is known by, and the order in which groups are held out: 63 bits of its name's sha256."""
    return int.from_bytes(sha256(group.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


def sides(
    groups: Mapping[str, set[int]], trained: Collection[int], held: Collection[int], learned: Collection[str]
) -> tuple[set[int], set[int]]:
    """Which groups are trained on and which are held out, given each class's `groups` by number and the sides that some have already.

    Who has a side keeps it. Of the others those with the lowest numbers are held out until each class has its share; one that several
    classes have is held out only where each of them can spare it. A class that is not among the `learned` and has nothing but held-out
    groups takes them back for training: they are held out no longer.
    """
    classes_of = _inverted(groups)
    out = set(held)
    spare = {label: _most(len(numbers)) - len(numbers & out) for label, numbers in groups.items()}
    for number in sorted(set(classes_of) - set(trained) - out):
        if all(spare[label] > 0 for label in classes_of[number]):
            out.add(number)
            spare.update({label: spare[label] - 1 for label in classes_of[number]})
    for label, numbers in groups.items():
        if label not in learned and numbers <= out:
            out -= numbers
    return (set(trained) | set(classes_of)) - out, out


def _inverted(groups: Mapping[str, set[int]]) -> dict[int, list[str]]:
    classes_of: defaultdict[int, list[str]] = defaultdict(list)
    for label, numbers in groups.items():
        for number in numbers:
            classes_of[number].append(label)
    return classes_of


def _most(groups: int) -> int:
    return max(1, round(HELD_OUT * groups)) if groups >= _FEWEST_GROUPS else 0
