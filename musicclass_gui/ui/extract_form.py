"""What features are to be extracted of, with which encoder, and to which file. It says what is wished for; it starts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QWidget,
)

from musicclass_gui.app import extracting, words
from musicclass_gui.engine import encoders
from musicclass_gui.ui.widgets import Elided, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.encoders import EncoderSpec

FORMATS = {
    "npz": "NumPy arrays with names and times (.npz)",
    "npy": "NumPy array alone (.npy)",
    "parquet": "Parquet table (.parquet)",
}
_LISTS = "Lists (*.txt *.lst *.m3u *.m3u8);;All files (*)"
_NAME = "features.npz"
_FIELDS = (QLineEdit, QComboBox, QPushButton)
_LINE_HEIGHT = 32
_ONLY_ROWS = "An array alone cannot say which window a row is; choose one of the other formats."


class Form(QWidget):
    """The choices. `changed` is emitted when any is another; `folder_used` names a folder that the user chose something in."""

    changed = Signal()
    folder_used = Signal(str)

    def __init__(self, queue: Sequence[Path], choices: Sequence[EncoderSpec], folder: str, *, fast: bool) -> None:
        super().__init__()
        self._queue, self._folder = list(queue), folder
        self._choices = {spec.id: spec for spec in choices}
        self.sources = {name: QRadioButton() for name in ("queue", "folder", "list")}
        self.places = {name: QLineEdit() for name in ("folder", "list")}
        self.encoder, self.layer, self.format = QComboBox(), QComboBox(), QComboBox()
        self.fast = QCheckBox("Faster, with rounded numbers")
        self.by_file, self.by_window = QRadioButton("One row per recording"), QRadioButton("One row per window, with its times")
        self.out = QLineEdit(str(Path(folder) / _NAME))
        self.makes, self.rounding, self.fate = (Elided(mode=Qt.TextElideMode.ElideRight) for _ in range(3))
        self._grid = QGridLayout(self)
        self._fill(fast)
        self._build()
        self._connect()
        self._show_encoder()

    # What is wished for

    @property
    def source(self) -> str:
        """Where the recordings are from: "queue", "folder" or "list"."""
        return next(name for name, button in self.sources.items() if button.isChecked())

    @property
    def fields(self) -> dict[str, Any]:
        """The wish, as the worker takes it."""
        given: dict[str, Any] = {"paths": [str(path) for path in self._queue]} if self.source == "queue" else {self.source: self._place()}
        return given | {
            "encoder": self.layer.currentData(),
            "out": self.out.text().strip(),
            "format": self.format.currentData(),
            "per": "window" if self.by_window.isChecked() else "file",
            "fast": not self.fast.isHidden() and self.fast.isChecked(),
        }

    @property
    def obstacle(self) -> str:
        """What is missing yet, in one sentence; empty when nothing is."""
        if self.source != "queue" and not self._place():
            return f"Choose a {'folder' if self.source == 'folder' else 'list file'}."
        if not self._choices:
            return "No encoder can be used; get one in “Encoders and weights”."
        if not self.out.text().strip():
            return "Say where the features are to be written."
        return _ONLY_ROWS if self.by_window.isChecked() and self.format.currentData() == "npy" else ""

    def show_encoders(self, choices: Sequence[EncoderSpec]) -> None:
        """Offer others than before; the one that is chosen stays, if it still is there."""
        if [spec.id for spec in choices] != list(self._choices):
            self._choices = {spec.id: spec for spec in choices}
            chosen = self.encoder.currentData()
            self._fill_encoders()
            self.encoder.setCurrentIndex(max(0, self.encoder.findData(chosen)))
            self._show_encoder()

    def look_again(self) -> None:
        """Say anew what will happen: the file may be there by now."""
        self._show()

    # What is shown

    def _show(self) -> None:
        spec = encoders.find_spec(self.layer.currentData() or "")
        self.makes.set_full(extracting.gives(spec, by_window=self.by_window.isChecked()) if spec is not None else "")
        for name, place in self.places.items():
            place.setEnabled(self.source == name)
        out = Path(self.out.text().strip())
        beside = f"Which row is which is written to “{out.name}.txt” beside it." if self._needs_list() else ""
        replaced = f"“{out.name}” is there already and will be replaced." if out.is_file() else ""
        self.fate.set_full(" ".join(filter(None, [replaced, beside])))
        self.fate.setVisible(bool(self.fate.full))
        self.changed.emit()

    def _show_encoder(self) -> None:
        spec = self._choices.get(self.encoder.currentData())
        self.layer.clear()
        for view, words_ in extracting.views(spec) if spec is not None else []:
            self.layer.addItem(words_, view)
        self.layer.setVisible(self.layer.count() > 1)
        self.fast.setVisible(spec is not None and bool(spec.rounding))
        self.rounding.set_full(spec.rounding if spec is not None else "")
        self.rounding.setVisible(bool(self.rounding.full))
        self._show()

    def _needs_list(self) -> bool:
        return self.format.currentData() == "npy" and self.source != "list"

    def _place(self) -> str:
        return self.places[self.source].text().strip()

    # What is done to it

    def _connect(self) -> None:
        for group in (self.sources.values(), (self.by_file, self.by_window)):
            for button in group:
                button.toggled.connect(self._show)
        for line in self.places.values():
            line.textChanged.connect(self._show)
        self.encoder.currentIndexChanged.connect(self._show_encoder)
        self.layer.activated.connect(self._show)
        self.format.activated.connect(self._name_by_format)
        self.out.textChanged.connect(self._format_by_name)

    def _name_by_format(self) -> None:
        out = Path(self.out.text().strip() or str(Path(self._folder) / _NAME))
        stem = out.stem if out.suffix.lower().removeprefix(".") in FORMATS else out.name
        self.out.setText(str(out.with_name(f"{stem}.{self.format.currentData()}")))
        self._show()

    def _format_by_name(self) -> None:
        place = self.format.findData(Path(self.out.text().strip()).suffix.lower().removeprefix("."))
        if place >= 0:
            self.format.setCurrentIndex(place)
        self._show()

    def _choose(self, name: str) -> None:
        self.sources[name].setChecked(True)
        if name == "folder":
            found = QFileDialog.getExistingDirectory(self, "A folder of recordings", self._place() or self._folder)
        else:
            found, _ = QFileDialog.getOpenFileName(self, "A list of recordings, one path per line", self._place() or self._folder, _LISTS)
        if found:
            self.places[name].setText(found)
            self._use(found if name == "folder" else str(Path(found).parent))

    def _choose_out(self) -> None:
        kinds = [f"{words_.partition(' (')[0]} (*.{name})" for name, words_ in FORMATS.items()]
        kind = kinds[self.format.currentIndex()]
        found, kind = QFileDialog.getSaveFileName(self, "Write the features to", self.out.text().strip(), ";;".join(kinds), kind)
        if found:
            named = Path(found).suffix.lower().removeprefix(".") in FORMATS
            self.out.setText(found if named else f"{found}.{list(FORMATS)[kinds.index(kind)] if kind in kinds else 'npz'}")
            self._use(str(Path(found).parent))

    def _use(self, folder: str) -> None:
        self._folder = folder
        self.folder_used.emit(folder)

    # Making it

    def _fill(self, fast: bool) -> None:
        count = len(self._queue)
        self.sources["queue"].setText(f"The {words.counted(count, 'recording')} of the queue" if count else "The queue, which is empty")
        self.sources["queue"].setEnabled(bool(count))
        self.sources["folder"].setText("All in a folder")
        self.sources["list"].setText("A list file")
        self.sources["queue" if count else "folder"].setChecked(True)
        self.places["folder"].setPlaceholderText("Recordings in it, and in the folders below")
        self.places["list"].setPlaceholderText("A text file with one path per line")
        self.by_file.setChecked(True)
        self.fast.setChecked(fast)
        for name, words_ in FORMATS.items():
            self.format.addItem(words_, name)
        self._fill_encoders()
        self._name_parts()

    def _fill_encoders(self) -> None:
        self.encoder.blockSignals(True)
        self.encoder.clear()
        for spec in self._choices.values():
            self.encoder.addItem(f"{spec.title} ({spec.id}, {spec.dim:,} numbers, {spec.grid.window_s:.3g} s)", spec.id)
        self.encoder.blockSignals(False)

    def _name_parts(self) -> None:
        for widget, name in (
            (self.encoder, "Encoder"), (self.layer, "Layer"), (self.format, "Format"), (self.out, "File to write"),
            (self.places["folder"], "Folder of recordings"), (self.places["list"], "List file"),
        ):  # fmt: skip
            widget.setAccessibleName(name)
        for label in (self.makes, self.rounding, self.fate):
            set_role(label, "small")
        for combo in (self.encoder, self.layer):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(20)

    def _build(self) -> None:
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(7)
        self._grid.setColumnStretch(2, 1)
        sources, rows = QButtonGroup(self), QButtonGroup(self)
        for button in self.sources.values():
            sources.addButton(button)
        for button in (self.by_file, self.by_window):
            rows.addButton(button)
        self._add("Recordings", self.sources["queue"])
        for name, place in self.places.items():
            self._add("", self.sources[name], place, _button("Choose…", name, self._choose))
        self._add("Encoder", self.encoder)
        for widget in (self.layer, self.makes, self.fast, self.rounding):
            self._add("", widget)
        self._add("Rows", _side_by_side(self.by_file, self.by_window))
        self._add("Format", self.format)
        self._add("Write to", self.out, _button("Choose…", "out", lambda _name: self._choose_out()))
        self._add("", self.fate)

    def _add(self, name: str, *parts: QWidget) -> None:
        """A line of the form: what it is, and one to three widgets; the second of three takes the room that is left, else the first."""
        row = self._grid.rowCount()
        if name:
            self._grid.addWidget(text(name, "muted"), row, 0)
        for part in parts:
            if isinstance(part, _FIELDS):
                part.setMinimumHeight(_LINE_HEIGHT)
        columns = {1: [(1, 3)], 2: [(1, 2), (3, 1)], 3: [(1, 1), (2, 1), (3, 1)]}[len(parts)]
        for part, (column, span) in zip(parts, columns, strict=True):
            self._grid.addWidget(part, row, column, 1, span)


def _button(words_: str, name: str, press: Callable[[str], None]) -> QPushButton:
    button = QPushButton(words_)
    button.setAccessibleName({"folder": "Choose a folder", "list": "Choose a list file", "out": "Choose where to write"}[name])
    button.clicked.connect(lambda: press(name))
    return button


def _side_by_side(*parts: QWidget) -> QWidget:
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(16)
    for part in parts:
        line.addWidget(part)
    line.addStretch(1)
    return holder
