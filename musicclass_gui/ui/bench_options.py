"""The named defects of published code, and other settings of a protocol: what each is, what each mode makes of it, and another choice.

It writes the user's choices into the form; it knows no worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from musicclass_gui.app.bench_form import in_mode, mode_title, value_words
from musicclass_gui.ui.dialogs import Sheet, scrolled
from musicclass_gui.ui.widgets import Styled, text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLabel

    from musicclass_gui.app.bench_form import Form
    from musicclass_gui.engine.benchmark.protocol import Option

_INTRO = (
    "Each documented defect of the published code has a name. “As published” reproduces it, “Corrected” does not; whatever you set here "
    "holds in every mode."
)
_AS_IT_IS = "As the mode says"
_KINDS: dict[str, type] = {"int": int, "float": float}


class OptionsSheet(Sheet):
    """All options of a protocol, those in which the modes differ first. `changed` tells that the form is another."""

    changed = Signal()

    def __init__(self, parent: QWidget, form: Form) -> None:
        super().__init__(parent, f"{form.protocol.title}: defects and settings", 860, 640)
        self._form = form
        self.controls: dict[str, QWidget] = {}
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(0, 0, 12, 0)
        box.setSpacing(8)
        defects = form.protocol.defects
        others = [option for option in form.protocol.options if not option.modes]
        for heading, options in (("In which the modes differ", defects), ("Other settings", others)):
            if options:
                box.addWidget(text(heading, "section"))
            for option in options:
                box.addWidget(self._card(option))
        box.addStretch()
        self.body.addWidget(text(_INTRO, "muted", wrap=True))
        self.body.addWidget(scrolled(page, "Defects and settings"), 1)

    def _card(self, option: Option) -> QWidget:
        card = Styled("card")
        row = QHBoxLayout(card)
        row.setContentsMargins(14, 10, 14, 10)
        row.setSpacing(16)
        words_ = QVBoxLayout()
        words_.setSpacing(3)
        words_.addWidget(text(option.title, "name", wrap=True))
        words_.addWidget(text(option.line, "body", wrap=True))
        words_.addWidget(self._modes_line(option))
        row.addLayout(words_, 1)
        control = self.controls[option.id] = self._control(option)
        control.setAccessibleName(option.title)
        control.setAccessibleDescription(option.line)
        control.setFixedWidth(190)
        row.addWidget(control)
        return card

    def _modes_line(self, option: Option) -> QLabel:
        if not option.modes:
            return text(f"Usually {value_words(option.default)}", "small")
        parts = [f"{mode_title(mode)}: {value_words(in_mode(option, mode))}" for mode in self._form.protocol.modes]
        return text("   ·   ".join(parts), "small")

    def _control(self, option: Option) -> QWidget:
        return self._field(option) if option.kind in _KINDS else self._list(option)

    def _list(self, option: Option) -> QComboBox:
        values: list[Any] = [True, False] if option.kind == "bool" else list(option.choices)
        box = QComboBox()
        box.addItem(_AS_IT_IS if option.modes else f"Usual ({value_words(option.default)})", None)
        for value in values:
            box.addItem(value_words(value).capitalize() if option.kind == "bool" else str(value), value)
        chosen = self._form.options.get(option.id)
        box.setCurrentIndex(values.index(chosen) + 1 if chosen in values else 0)
        box.currentIndexChanged.connect(lambda place: self._take(option, values[place - 1] if place else None))
        return box

    def _field(self, option: Option) -> QLineEdit:
        field = QLineEdit(str(self._form.options.get(option.id, "")))
        field.setPlaceholderText(_AS_IT_IS if option.modes else value_words(option.default))
        field.editingFinished.connect(lambda: self._read(option, field))
        return field

    def _read(self, option: Option, field: QLineEdit) -> None:
        """Take a number that was typed; what is none is wiped."""
        try:
            value = _KINDS[option.kind](field.text().strip()) if field.text().strip() else None
        except ValueError:
            value = None
        if value is None:
            field.clear()
        self._take(option, value)

    def _take(self, option: Option, value: Any) -> None:
        if value is None:
            self._form.options.pop(option.id, None)
        else:
            self._form.options[option.id] = value
        self.changed.emit()
