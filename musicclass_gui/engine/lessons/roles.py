"""Which columns of a head are classes, background, and sounds that a class is not. It knows rows, no project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.heads.shown import Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.project.rows import ClassRow


def columns_of(head: Scorer, classes: Iterable[ClassRow]) -> list[Column]:
    """The columns to show of a head, of the classes in use that it knows: real ones, then background, then negatives; each by name."""
    known = sorted((row for row in classes if row.label in head.classes), key=lambda row: (row.name.casefold(), row.name))
    real = [row for row in known if row.role == "class"]
    place = {row.id: number for number, row in enumerate(real)}
    background = [Column(row.label, row.name) for row in known if row.role == "background"]
    negatives = [Column(row.label, row.name, place[row.of]) for row in known if row.role == "negative" and row.of in place]
    return [*(Column(row.label, row.name) for row in real), *background, *negatives]
