"""One examination as numbers: who was held out with whom, what both sides said of it, and what of that is right. It writes no words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import heldout
from musicclass_gui.engine.calibration import calibration_error, threshold_at
from musicclass_gui.engine.lessons import folds, twins
from musicclass_gui.engine.lessons.judging import Said, ask, says
from musicclass_gui.engine.lessons.report import Fitted, Twin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.lessons.items import Item, Side
    from musicclass_gui.engine.lessons.twins import Pair
    from musicclass_gui.engine.project.rows import ClassRow
    from musicclass_gui.engine.task import Token

    Marks = NDArray[np.bool_]

_FEWEST_RECORDINGS = 10
_FEWEST_CLASSES = 2
_NO_LIMIT = 1e300  # a threshold above it rejects nothing


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a side says of n items and whether it is right; of those that are not `judged` neither counts."""

    said: list[str]  # labels
    right: Marks  # (n,)
    judged: Marks  # (n,)


@dataclass(frozen=True, eq=False)
class Exam:
    """The `items` that were examined, of `everyone`, with their groups and all twins."""

    before: Side | None
    after: Side
    everyone: list[Item]
    items: list[Item]
    group: NDArray[np.intp]  # (n,)
    sizes: dict[str, tuple[int, int]]  # by label: recordings and groups, of everyone
    twins: list[Twin]
    learned: Marks  # (n,) twins of the base's recordings, which cannot be unlearned
    said: Said
    said_before: Said | None

    @cached_property
    def classes(self) -> dict[str, ClassRow]:
        """The classes by label."""
        return {one.label: one for one in self.after.classes}

    @cached_property
    def verdicts(self) -> Verdicts:
        """What the classifier says after the lesson."""
        found = _verdicts(self.said, self.after.classes, [item.cls for item in self.items], self.group)
        return replace(found, judged=found.judged & ~self.learned & (len(self.said.labels) > 1))  # alone, a class is always right

    @cached_property
    def verdicts_before(self) -> Verdicts:
        """What it said before of the same items, each meant to be what it was taught as then."""
        count = len(self.items)
        if self.before is None or self.said_before is None:
            return Verdicts([""] * count, np.zeros(count, bool), np.zeros(count, bool))
        own = {item.example: item.cls for item in self.before.items}
        found = _verdicts(self.said_before, self.before.classes, [own.get(item.example, item.cls) for item in self.items], self.group)
        return replace(found, judged=found.judged & self.verdicts.judged & self.old)

    @cached_property
    def old(self) -> Marks:
        """Which items are of classes that were there before."""
        known = {one.label for one in self.before.classes} if self.before else set[str]()
        return np.asarray([item.cls in known for item in self.items], bool)

    @cached_property
    def counted(self) -> Marks:
        """Which items the accuracy counts: judged ones, but not what a class is not."""
        negative = np.asarray([self.classes[item.cls].role == "negative" for item in self.items], bool)
        return np.asarray(self.verdicts.judged & ~negative)

    def of(self, label: str) -> Marks:
        """Which items are of a class."""
        return np.asarray([item.cls == label for item in self.items], bool)

    def recordings(self, marks: Marks) -> int:
        """How many recordings the marked items are of."""
        return len({self.items[place].hash for place in np.flatnonzero(marks)})

    def groups(self, marks: Marks) -> int:
        """How many groups the marked items are of."""
        return len(np.unique(self.group[marks]))

    def fitted(self, fallback: Fitted) -> Fitted:
        """The calibration that the held-out recordings give, or `fallback` where there are too few to test it."""
        known = self.verdicts.judged & _with_role(self.items, self.classes)
        places = np.flatnonzero(known).tolist()
        truth = [self.items[place].cls for place in places]
        if self.recordings(known) < _FEWEST_RECORDINGS or len(set(truth)) < _FEWEST_CLASSES or self.groups(known) < _FEWEST_CLASSES:
            return replace(fallback, tested=False, calibration_error=None, false_rejection=None)
        return self._fitted(self.said.judged(places, truth, self.group[known]), fallback)

    def _fitted(self, judged: heldout.Judged, fallback: Fitted) -> Fitted:
        calibration = heldout.calibrate(judged, humble=True)
        probabilities, rejected = heldout.nested(judged, humble=True)
        strangest, strangest_window = self._of_base(fallback)
        return Fitted(
            calibration.temperature,
            calibration.window_temperature,
            max(calibration.threshold, strangest),
            max(calibration.window_threshold, strangest_window),
            calibration_error(probabilities, judged.truth),
            float(rejected.mean()),
            True,
        )

    def _of_base(self, fallback: Fitted) -> tuple[float, float]:
        """Novelties that recordings of the base's kind may have: none of its own was held out, so they must not be rejected for that."""
        if not self.after.base.names:
            return -np.inf, -np.inf
        strange = threshold_at(self.after.head.novelty(self.after.base.means))
        limits = [limit for limit in (fallback.threshold, fallback.window_threshold) if limit < _NO_LIMIT] or [strange, strange]
        return max(strange, limits[0]), max(strange, limits[-1])


def hold(before: Side | None, after: Side, token: Token) -> Exam:
    """Examine: choose, group, hold out and ask both sides. Raises Cancelled, ClassifierError."""
    known = {one.label for one in after.classes}
    everyone = [item for item in after.items if len(item.rows) and item.cls in known]
    labels, pairs = [item.cls for item in everyone], _pairs(everyone, after)
    inner = [(pair.a, pair.b) for pair in pairs if pair.b < len(everyone)]
    group = folds.groups_of([item.hash for item in everyone], [item.group for item in everyone], inner)
    keep = folds.chosen(labels, group)
    items = [item for item, kept in zip(everyone, keep, strict=True) if kept]
    learned = np.isin(np.arange(len(everyone)), [pair.a for pair in pairs if pair.b >= len(everyone)])[keep]
    fold = folds.folds([item.cls for item in items], group[keep])
    said = ask(after, items, fold, token, moments=True)
    earlier = ask(before, items, fold, token) if before is not None else None
    listed = [_twin(pair, everyone, after) for pair in pairs]
    return Exam(before, after, everyone, items, group[keep], _sizes(everyone, group), listed, learned, said, earlier)


def _sizes(everyone: Sequence[Item], group: NDArray[np.intp]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[set[str], set[int]]] = {}
    for item, number in zip(everyone, group.tolist(), strict=True):
        recordings, groups = found.setdefault(item.cls, (set(), set()))
        recordings.add(item.hash)
        groups.add(number)
    return {label: (len(recordings), len(groups)) for label, (recordings, groups) in found.items()}


def _twin(pair: Pair, everyone: Sequence[Item], side: Side) -> Twin:
    """As a card tells of it. A recording of the base is example 0."""
    names = {one.label: one.name for one in side.classes}
    one, number = everyone[pair.a], pair.b - len(everyone)
    if number < 0:
        other = everyone[pair.b]
        whom = (other.example, other.name, names[other.cls])
    else:
        whom = (0, side.base.names[number], names.get(side.base.labels[number], ""))
    return Twin(pair.kind, one.example, one.name, names[one.cls], *whom, pair.likeness)


def _pairs(items: Sequence[Item], side: Side) -> list[Pair]:
    """Twins among the items, and of items with the base's recordings, which come after them."""
    if not items:
        return []
    extra = len(side.base.names)
    hashes = [*(item.hash for item in items), *(f"base {number}" for number in range(extra))]
    spans = [*((item.start_s, item.end_s) for item in items), *[(None, None)] * extra]
    means = np.stack([item.mean for item in items])
    found = twins.find_twins(hashes, spans, np.concatenate([means, side.base.means]) if extra else means)
    return [pair for pair in found if pair.a < len(items)]


def _with_role(items: Sequence[Item], classes: dict[str, ClassRow]) -> Marks:
    return np.asarray([classes[item.cls].role == "class" for item in items], bool)


def _verdicts(said: Said, rows: Sequence[ClassRow], truth: list[str], group: NDArray[np.intp]) -> Verdicts:
    classes = {one.label: one for one in rows}
    aims = [str(classes[label].of) if label in classes and classes[label].role == "negative" else label for label in truth]
    judged = np.asarray([said.asked[place] and np.isfinite(said.score(place, aim)) for place, aim in enumerate(aims)], bool)
    winners = np.full(len(truth), "", object)
    winners[judged] = said.winners(np.flatnonzero(judged).tolist())
    plain = judged & np.asarray([label in classes and classes[label].role == "class" for label in truth], bool)
    limit = threshold_at(said.novelty[plain], _weight(group[plain])) if plain.sum() >= _FEWEST_RECORDINGS else np.inf
    strange = (said.novelty > limit).tolist()
    final = [_final(*one, classes) for one in zip(winners.tolist(), truth, strange, strict=True)]
    right = np.asarray([_is_right(one, label, classes) for one, label in zip(final, truth, strict=True)], bool)
    return Verdicts(final, right & judged, judged)


def _final(winner: str, truth: str, strange: bool, classes: dict[str, ClassRow]) -> str:
    """The label that counts as said: what background is meant to give is "none of these", and that is also what strangeness gives."""
    if winner and classes[truth].role == "background" and (strange or classes[winner].role == "background"):
        return truth
    return winner


def _is_right(said: str, truth: str, classes: dict[str, ClassRow]) -> bool:
    negative = truth in classes and classes[truth].role == "negative"
    return bool(said) and (said != str(classes[truth].of) if negative else said == truth)


def _weight(group: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.asarray(1.0 / np.bincount(group)[group])


def of_base(side: Side | None) -> dict[str, tuple[int, int]]:
    """By label how many of the base's recordings are answered right, of how many: they were learned from, so this flatters."""
    found: dict[str, tuple[int, int]] = {}
    if side is None or not side.base.names:
        return found
    for label, said in zip(side.base.labels, says(side, side.base.means), strict=True):
        right, count = found.get(label, (0, 0))
        found[label] = (right + (said == label), count + 1)
    return found
