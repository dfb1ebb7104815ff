"""Choosing a class by typing some of its name: for moving, merging and giving a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.ui.classlook import count_words
from musicclass_gui.ui.palette import Entry, Palette

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from musicclass_gui.engine.project.board import ClassView


class ClassPicker(Palette):
    """The classes of a classifier, narrowed by typing; `take` is called with the id of the one that is chosen."""

    def __init__(self, parent: QWidget, title: str, classes: Sequence[ClassView], take: Callable[[int], object]) -> None:
        super().__init__(parent, [Entry(view.name, count_words(view), _taker(take, view.id)) for view in classes])
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.field.setPlaceholderText(title)
        self.field.setAccessibleName(title)
        self.list.setAccessibleName("Classes found")


def _taker(take: Callable[[int], object], cls: int) -> Callable[[], object]:
    return lambda: take(cls)
