"""Bases as sums: what a classifier rests on without examples, a shipped classifier or an imported pack. It reads packs, not projects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import heads
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.heads.sums import HIDDEN
from musicclass_gui.engine.lessons import packs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.lessons.packs import Pack
    from musicclass_gui.engine.project.rows import BaseRow

_OWN = {"gaussian": {"normalise": "l2", "target": "diagonal"}, "centers": {"normalise": "none"}}
"""Settings of heads that rest on no base. Those of the Gaussian were chosen on genres and hold for every encoder (build.assemble)."""


@dataclass(frozen=True)
class Ground:
    """A base in use: the sums of its pack, each class counting for the one that it is mapped to, or hidden."""

    base: BaseRow

    @property
    def id(self) -> int:
        """The base's."""
        return self.base.id

    @cached_property
    def pack(self) -> Pack:
        """The pack. Raises ClassifierError when it is damaged."""
        return packs.from_bytes(self.base.pack)

    @property
    def order(self) -> str:
        """What grounds are sorted by, the same in every project."""
        return sha256(self.base.pack).hexdigest()

    @property
    def columns(self) -> list[str]:
        """What the head calls each of the pack's classes."""
        return [self._column(label) for label in self.pack.classes]

    @property
    def independent(self) -> float:
        """How many independent examples its examples count as."""
        return float(self.pack.settings.get("independent", "1")) * float(self.pack.state["count"].sum())

    def head(self, kind: str, settings: dict[str, str]) -> Any:
        """Its sums as a head of that kind and settings."""
        names = list(dict.fromkeys(self.columns))
        place = [names.index(column) for column in self.columns]
        count, total = np.zeros(len(names)), np.zeros((len(names), self.pack.state["sum"].shape[1]))
        np.add.at(count, place, self.pack.state["count"])
        np.add.at(total, place, self.pack.state["sum"])
        return heads.load(kind, {**self.pack.state, "count": count, "sum": total}, names, settings)

    def remap(self, head: Any, other: Ground) -> None:
        """Let `head`, which has these sums in it, have them as `other` maps them."""
        state = self.pack.state
        for before, after, count, total in zip(self.columns, other.columns, state["count"], state["sum"], strict=True):
            if before != after:
                head.reassign(float(count), total, before, after)

    def _column(self, label: str) -> str:
        cls = self.base.mapping.get(label)
        return f"{HIDDEN}{self.base.id}:{label}" if cls is None else str(cls)


def settings_of(method: str, grounds: Sequence[Ground]) -> dict[str, str]:
    """The settings of a head that rests on these: theirs, or the program's own where there is none. Raises LessonError for a mixture."""
    own = _OWN[method]
    found = [{name: ground.pack.settings.get(name, "none") for name in own} for ground in grounds]
    for ground, settings in zip(grounds, found, strict=True):
        if settings != found[0] or "sum" not in ground.pack.state or (method == "gaussian" and "scatter" not in ground.pack.state):
            raise LessonError(f"“{ground.base.title}” learned in another way, so it cannot be joined here; start a new classifier from it.")
    return found[0] if found else dict(own)
