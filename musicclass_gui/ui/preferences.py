"""The preferences dialog, made from the table of settings; what is changed counts at once.

It writes to the settings and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import words
from musicclass_gui.app.hearers import present
from musicclass_gui.app.projects import METHODS
from musicclass_gui.app.settings import FIELDS
from musicclass_gui.engine import encoders
from musicclass_gui.ui.dialogs import Sheet, scrolled
from musicclass_gui.ui.widgets import set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.app.settings import Field, Settings

_LINE_HEIGHT = 28
_NONE_ROUNDS = "None of the encoders that are here can be computed faster this way."
_GROUPS = {
    "Analysis": ("device", "fast", "classifiers", "window_s"),
    "Encoders": ("weights_folder", "offline"),
    "Teaching": ("teach_method",),
    "Look": ("theme", "mel_map", "mel_floor_db", "follow_playhead"),
    "Sound": ("output_device", "volume"),
}
_WORDS: dict[tuple[str, Any], str] = {
    ("window_s", 0.0): "Automatic",
    ("device", "auto"): "Automatic",
    ("device", "cpu"): "CPU",
    ("output_device", ""): "System default",
    ("theme", "system"): "As the system",
    **{("teach_method", method.id): method.title for method in METHODS},
}


class Preferences(Sheet):
    """Every preference by its label. `encoders_wanted` is emitted when the user asks for the model manager.

    `devices`: CUDA devices, as the setting names them and in words. `outputs`: audio devices. `classifiers`: ids that can be shown.
    """

    encoders_wanted = Signal()

    def __init__(
        self,
        parent: QWidget,
        settings: Settings,
        *,
        devices: Sequence[tuple[str, str]],
        outputs: Sequence[str],
        classifiers: Sequence[str],
    ) -> None:
        super().__init__(parent, "Preferences", 740, 720)
        self._settings = settings
        self._choices: dict[str, list[Any]] = {"device": ["auto", "cpu", *dict(devices)], "output_device": ["", *outputs]}
        self._words = {**_WORDS, **{("device", name): words_ for name, words_ in devices}}
        self._classifiers = list(classifiers)
        self._weights_state, self._rounding = text("", "small", wrap=True), text("", "small", wrap=True)
        self.editors: dict[str, QWidget] = {}
        self._refreshers: dict[str, Callable[[], None]] = {}
        self._build()
        settings.changed.connect(self._refresh)

    def refresh_weights(self) -> None:
        """Say anew which encoders are here, and what rounding costs those that can."""
        known = encoders.specs().values()
        here = [spec for spec in known if present(spec, self._settings.get("weights_folder"))]
        self._weights_state.setText(f"{len(here)} of {words.counted(len(known), 'encoder')} are here.")
        told = [f"{spec.title}: {spec.rounding}" for spec in here if spec.rounding]
        self._rounding.setText("\n".join(told) or _NONE_ROUNDS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What Qt asks: whether this event is dealt with here. The wheel scrolls, and changes only what has the focus."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _build(self) -> None:
        fields = {field.key: field for field in FIELDS if field.store == "preferences" and field.label}
        grouped = {key for keys in _GROUPS.values() for key in keys}
        groups = {**_GROUPS, "More": tuple(key for key in fields if key not in grouped)}
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 10, 0)
        for name, keys in groups.items():
            if keys:
                column.addWidget(self._group(name, [fields[key] for key in keys]))
        column.addStretch()
        self.body.addWidget(scrolled(page, "All preferences"))
        reset = self.buttons.addButton("Reset all", self.buttons.ButtonRole.ResetRole)
        reset.setToolTip("Set every preference back to what it was at first")
        reset.clicked.connect(lambda: self._settings.reset("preferences"))
        self.editors["device"].setFocus()

    def _group(self, name: str, fields: Sequence[Field]) -> QGroupBox:
        group = QGroupBox(name)
        form = QFormLayout(group)
        form.setContentsMargins(12, 8, 12, 8)
        form.setVerticalSpacing(9)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in fields:
            form.addRow(self._label(field), self._editor(field))
            if field.key == "weights_folder":
                form.addRow("", self._weights_row())
            if field.key == "fast":
                form.addRow("", self._rounding)
        return group

    def _label(self, field: Field) -> QLabel:
        """A label as wide as the widest, so that the editors of all groups stand in one column."""
        label = text(field.label)
        label.setMinimumWidth(max(self.fontMetrics().horizontalAdvance(one.label) for one in FIELDS) + 12)
        label.setMinimumHeight(_LINE_HEIGHT)
        label.setToolTip(field.help)
        return label

    def _editor(self, field: Field) -> QWidget:
        make = self._maker(field)
        editor = make(field)
        self._name(editor, field)
        if editor.layout() is None:  # one that has knows itself how much its parts need
            editor.setMinimumHeight(_LINE_HEIGHT)
        self.editors[field.key] = editor
        self._refreshers[field.key]()
        return editor

    def _maker(self, field: Field) -> Callable[[Field], QWidget]:
        if field.choices or field.key in self._choices:
            return self._combo
        by_type: dict[type, Callable[[Field], QWidget]] = {bool: self._check, float: self._number, list: self._list, str: self._folder}
        return self._volume if field.key == "volume" else by_type[type(field.default)]

    def _name(self, editor: QWidget, field: Field) -> None:
        for widget in [editor, *editor.findChildren(QWidget)]:
            if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not widget.accessibleName():
                widget.setAccessibleName(field.label)
            if not widget.toolTip():
                widget.setToolTip(field.help)
            if isinstance(widget, QComboBox | QDoubleSpinBox | QSlider):
                widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                widget.installEventFilter(self)
        editor.setWhatsThis(field.help)

    def _refresh(self, key: str) -> None:
        if key in self._refreshers:
            self._refreshers[key]()
        if key == "weights_folder":
            self.refresh_weights()

    def _combo(self, field: Field) -> QWidget:
        combo = QComboBox()

        def show() -> None:
            value = self._settings.get(field.key)
            offered = list(field.choices) or self._choices[field.key]
            combo.blockSignals(True)
            combo.clear()
            for choice in offered if value in offered else [*offered, value]:
                combo.addItem(self._words.get((field.key, choice)) or _choice_words(field.key, choice), choice)
            combo.setCurrentIndex(combo.findData(value))
            combo.blockSignals(False)

        self._refreshers[field.key] = show
        combo.activated.connect(lambda: self._settings.set(field.key, combo.currentData()))
        return combo

    def _check(self, field: Field) -> QWidget:
        box = QCheckBox(field.help)
        self._refreshers[field.key] = lambda: box.setChecked(self._settings.get(field.key))
        box.clicked.connect(lambda on: self._settings.set(field.key, on))
        return box

    def _number(self, field: Field) -> QWidget:
        spin = QDoubleSpinBox()
        spin.setRange(field.low, field.high)
        spin.setDecimals(0)
        spin.setSingleStep(5)
        spin.setSuffix(" dB" if field.key.endswith("_db") else "")
        self._refreshers[field.key] = lambda: spin.setValue(self._settings.get(field.key))
        spin.valueChanged.connect(lambda value: self._settings.set(field.key, float(value)))
        return spin

    def _volume(self, field: Field) -> QWidget:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        self._refreshers[field.key] = lambda: self._slide(slider, field.key)
        slider.valueChanged.connect(lambda value: self._settings.set(field.key, value / 100))
        return slider

    def _slide(self, slider: QSlider, key: str) -> None:
        slider.blockSignals(True)
        slider.setValue(round(self._settings.get(key) * 100))
        slider.blockSignals(False)

    def _list(self, field: Field) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        boxes = {name: QCheckBox(name.capitalize()) for name in dict.fromkeys([*field.default, *self._classifiers])}
        for name, box in boxes.items():
            box.setAccessibleName(f"Show {name}")
            box.clicked.connect(lambda: self._keep_list(field.key, boxes))
            row.addWidget(box)
        row.addStretch()
        self._refreshers[field.key] = lambda: _tick(boxes, self._settings.get(field.key))
        return holder

    def _keep_list(self, key: str, boxes: dict[str, QCheckBox]) -> None:
        chosen = [name for name, box in boxes.items() if box.isChecked()]
        if chosen:
            self._settings.set(key, chosen)
        else:
            self._refreshers[key]()

    def _folder(self, field: Field) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        line = QLineEdit()
        line.setPlaceholderText("The usual places")
        browse = QPushButton("Browse…")
        browse.setAccessibleName(f"Browse for: {field.label}")
        row.addWidget(line, 1)
        row.addWidget(browse)
        self._refreshers[field.key] = lambda: line.setText(self._settings.get(field.key))
        line.editingFinished.connect(lambda: self._settings.set(field.key, line.text().strip()))
        browse.clicked.connect(lambda: self._browse(field.key))
        return holder

    def _browse(self, key: str) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for weights", self._settings.get(key))
        if folder:
            self._settings.set(key, folder)

    def _weights_row(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        get = QPushButton("Encoders and weights…")
        get.setAccessibleName("Encoders and weights")
        set_role(get, "body")
        get.clicked.connect(self.encoders_wanted)
        row.addWidget(self._weights_state, 1)
        row.addWidget(get)
        self.refresh_weights()
        return holder


def _tick(boxes: dict[str, QCheckBox], chosen: Sequence[str]) -> None:
    for name, box in boxes.items():
        box.setChecked(name in chosen)


def _choice_words(key: str, choice: Any) -> str:
    if isinstance(choice, float):
        return f"{choice:g} s"
    return str(choice) if key in ("output_device", "device") else str(choice).capitalize()
