"""A place for a panel that most users never look at: the panel is made, and its module loaded, when it is first shown or asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtWidgets import QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QShowEvent

W = TypeVar("W", bound=QWidget)


class Later(QWidget, Generic[W]):
    """Holds the panel that `make` makes. `made` is None until then."""

    def __init__(self, make: Callable[[], W]) -> None:
        super().__init__()
        self._make = make
        self.made: W | None = None
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)

    def panel(self) -> W:
        """The panel."""
        if self.made is None:
            self.made = self._make()
            self._box.addWidget(self.made)
            self.setFocusProxy(self.made)
        return self.made

    def showEvent(self, event: QShowEvent) -> None:
        """What Qt tells: it comes into sight."""
        self.panel()
        super().showEvent(event)
