"""How a network is to be fine-tuned: its shape, how much it remembers, and how much of the encoder learns with it.

It knows names and numbers only; what they mean is the engine's part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from musicclass_gui.ui.widgets import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtWidgets import QLabel

_NETWORKS = (("mlp", "One hidden layer"), ("linear", "Linear, no hidden layer"))
_REMEMBERED = (0, 5, 10, 20, 50, 100, 200)
_DEFAULT = 20
_BLOCKS = ("Nothing of it", "The last block", "The last 2 blocks", "The last 3 blocks", "The last 4 blocks")
_HINT = (
    "Remembered windows of each class keep it from being forgotten. "
    "Tuning the encoder takes minutes, needs mn04-as, and keeps sound in the project."
)


class ReplayOptions(QWidget):
    """The options of replay fine-tuning, with the defaults of the engine."""

    def __init__(self) -> None:
        super().__init__()
        self.network = _choice((title, name) for name, title in _NETWORKS)
        self.budget = _choice((f"{count} windows of a class" if count else "Nothing", count) for count in _REMEMBERED)
        self.budget.setCurrentIndex(_REMEMBERED.index(_DEFAULT))
        self.unfreeze = _choice((title, count) for count, title in enumerate(_BLOCKS))
        self.hint = text(_HINT, "small", wrap=True)
        self._build()

    @property
    def options(self) -> dict[str, Any]:
        """What is chosen, by the engine's names."""
        return {"network": self.network.currentData(), "budget": self.budget.currentData(), "unfreeze": self.unfreeze.currentData()}

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        fields = (
            ("Network", self.network, "Hidden layer of the network"),
            ("Remembers", self.budget, "Windows that are remembered of each class"),
            ("Encoder learns", self.unfreeze, "Last blocks of the encoder that learn too"),
        )
        for column, (label, widget, name) in enumerate(fields):
            grid.addWidget(_caption(label, widget), 0, 2 * column)
            widget.setAccessibleName(name)
            widget.setToolTip(name)
            grid.addWidget(widget, 0, 2 * column + 1)
            grid.setColumnStretch(2 * column + 1, 1)
        grid.addWidget(self.hint, 1, 0, 1, 6)


def _caption(label: str, widget: QWidget) -> QLabel:
    caption = text(label, "muted")
    caption.setBuddy(widget)
    return caption


def _choice(items: Iterable[tuple[str, object]]) -> QComboBox:
    box = QComboBox()
    for title, value in items:
        box.addItem(title, value)
    return box
