"""Heads made of sums as lessons change them: what comes is added, what goes is subtracted, and nothing else is read.

It writes nothing, and trains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.lessons import stored
from musicclass_gui.engine.lessons.fetching import Reader
from musicclass_gui.engine.lessons.grounds import Ground, settings_of
from musicclass_gui.engine.lessons.stored import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.lessons.outlook import Moved, Outlook
    from musicclass_gui.engine.project.rows import BaseRow, ClassifierRow
    from musicclass_gui.engine.task import Token

_WORN = 0.5  # sums that hold less than this share of what they once held are made anew: rounding would begin to show


@dataclass
class Sums:
    """A head of sums and its tally, changing together."""

    head: Any  # GaussianHead | CentersHead
    tally: Tally

    @classmethod
    def empty(cls, method: str, dim: int, settings: dict[str, str]) -> Sums:
        """Nothing learned yet."""
        from musicclass_gui.engine.heads.centers import CentersHead
        from musicclass_gui.engine.heads.gaussian import GaussianHead

        return cls({"centers": CentersHead, "gaussian": GaussianHead}[method](dim, **settings), Tally())

    def learn(self, rows: Embeddings, examples: int, cls: int) -> None:
        """Add windows of so many examples."""
        self.head.learn(rows, str(cls))
        self._count(examples)

    def unlearn(self, rows: Embeddings, examples: int, cls: int) -> None:
        """Take them back."""
        self.head.unlearn(rows, str(cls))
        self._count(-examples)

    def lay(self, ground: Ground) -> None:
        """Rest on a base."""
        self.head.merge(ground.head(self.head.kind, self.head.settings))
        self.tally = replace(self.tally, base=self.tally.base + ground.independent)

    def lift(self, ground: Ground) -> None:
        """Rest on it no more."""
        self.head.unmerge(ground.head(self.head.kind, self.head.settings))
        self.tally = replace(self.tally, base=self.tally.base - ground.independent)

    @property
    def worn(self) -> bool:
        """Whether so much was taken away that rounding would begin to show."""
        return bool(0 < self.head.examples < _WORN * self.tally.peak)

    def settled(self) -> Sums:
        """The same once a lesson is through: no empty classes, and windows counting as the independent examples that they are."""
        self.head.drop_empty()
        windows = self.head.examples
        if not windows:
            return Sums(self.head, Tally())
        if self.head.kind == "gaussian":
            self.head.count_as(min(1.0, (self.tally.own + self.tally.base) / windows))
        return Sums(self.head, replace(self.tally, peak=max(self.tally.peak, windows)))

    def _count(self, examples: int) -> None:
        self.tally = replace(self.tally, own=self.tally.own + examples)


def followed(outlook: Outlook, token: Token | None) -> Sums:
    """The sums as the outlook's changes would make them. Raises LessonError, ProjectError, Cancelled."""
    state = outlook.project.head(outlook.now.id)
    if outlook.row.method != outlook.now.method:
        return anew(outlook, token)
    if state is None and any(row.active for row in outlook.project.bases(outlook.now.id)):
        return anew(outlook, token)
    return _followed(outlook, state, Reader(outlook.project, outlook.row, token)) or anew(outlook, token)


def anew(outlook: Outlook, token: Token | None) -> Sums:
    """Everything summed in an order that does not depend on history: bases by content, examples by class name, content and span."""
    grounds = sorted(_grounds(outlook.bases()), key=lambda one: one.order)
    sums = _empty(outlook.row, grounds)
    for ground in grounds:
        sums.lay(ground)
    reader, names = Reader(outlook.project, outlook.row, token), {row.id: row.name for row in outlook.classes()}
    examples = sorted(outlook.examples(), key=lambda row: (names[row.cls or 0], row.hash, row.start_s or -1.0, row.end_s or -1.0))
    for cls, some in groupby(examples, key=lambda row: row.cls):
        for rows, count in reader.batches(some):
            sums.learn(rows, count, cls or 0)
    return sums.settled()


def _followed(outlook: Outlook, state: bytes | None, reader: Reader) -> Sums | None:
    """The kept sums with what goes taken away, then what comes added; None when they must be made anew."""
    before, after = _changed_grounds(outlook)
    sums = Sums(*stored.from_bytes(state)) if state else _empty(outlook.row, after)
    if sums.head.kind != outlook.row.method or (outlook.touches_bases() and not _fits(sums, outlook)):
        return None
    moved = sorted(outlook.moved(), key=lambda one: (one.before or 0, one.after or 0, one.example.hash, one.example.id))
    _take(sums, before, after, moved, reader)
    if sums.worn:
        return None
    _give(sums, before, after, moved, reader)
    return sums.settled()


def _take(sums: Sums, before: Sequence[Ground], after: Sequence[Ground], moved: Sequence[Moved], reader: Reader) -> None:
    staying = {ground.id for ground in after}
    for ground in before:
        if ground.id not in staying:
            sums.lift(ground)
    gone = [one for one in moved if one.after is None]
    for cls, some in groupby(gone, key=lambda one: one.before):
        for rows, count in reader.batches(one.example for one in some):
            sums.unlearn(rows, count, cls or 0)


def _give(sums: Sums, before: Sequence[Ground], after: Sequence[Ground], moved: Sequence[Moved], reader: Reader) -> None:
    there = {ground.id: ground for ground in before}
    for ground in after:
        if ground.id in there:
            there[ground.id].remap(sums.head, ground)
        else:
            sums.lay(ground)
    for (source, target), some in groupby((one for one in moved if one.after is not None), key=lambda one: (one.before, one.after)):
        for rows, count in reader.batches(one.example for one in some):
            if source is None:
                sums.learn(rows, count, target or 0)
            else:
                sums.head.move(rows, str(source), str(target))


def _changed_grounds(outlook: Outlook) -> tuple[list[Ground], list[Ground]]:
    """The bases in use now and then; none where the changes do not touch them, for then they need not be read."""
    if not outlook.touches_bases():
        return [], []
    return _grounds(outlook.project.bases(outlook.now.id)), _grounds(outlook.bases())


def _empty(row: ClassifierRow, grounds: Sequence[Ground]) -> Sums:
    return Sums.empty(row.method, row.dim, settings_of(row.method, grounds))


def _grounds(bases: Sequence[BaseRow]) -> list[Ground]:
    return [Ground(base) for base in bases if base.active]


def _fits(sums: Sums, outlook: Outlook) -> bool:
    wanted = settings_of(outlook.row.method, _grounds(outlook.bases()))
    return all(sums.head.settings[name] == value for name, value in wanted.items())
