"""What is asked of a benchmark: protocol, data, encoder, methods, modes, orders, seeds, tasks and features, as controls.

It shows the form that the state holds and writes the user's choices into it; it runs nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import bench_words, words
from musicclass_gui.app.bench_form import BOTH, mode_title
from musicclass_gui.ui.bench_options import OptionsSheet
from musicclass_gui.ui.dialogs import scrolled
from musicclass_gui.ui.drop import dropped_paths
from musicclass_gui.ui.widgets import Styled, clear_layout, set_role, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PySide6.QtGui import QDragEnterEvent, QDropEvent

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.bench_form import Form


class Choices(QWidget):
    """Several things to tick, in two columns, with All and None. `changed` carries what is ticked."""

    changed = Signal(set)

    def __init__(self, heading: str, entries: Sequence[tuple[str, str, str]], ticked: Iterable[str], *, columns: int = 2) -> None:
        """`entries` are ids, titles and tool tips."""
        super().__init__()
        chosen = set(ticked)
        self.boxes = {one: _tick(title, tip, one in chosen) for one, title, tip in entries}
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        box.addLayout(self._head(heading))
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(1)
        for column in range(columns):
            grid.setColumnStretch(column, 1)
        for place, tick in enumerate(self.boxes.values()):
            grid.addWidget(tick, place // columns, place % columns)
            tick.toggled.connect(lambda _on: self.changed.emit(self.ticked()))
        box.addLayout(grid)

    def ticked(self) -> set[str]:
        """The ids of what is ticked."""
        return {one for one, tick in self.boxes.items() if tick.isChecked()}

    def set_all(self, on: bool) -> None:
        """Tick all, or none."""
        for tick in self.boxes.values():
            tick.setChecked(on)

    def _head(self, heading: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(text(heading, "section"), 1)
        for words_, on in (("All", True), ("None", False)):
            button = QPushButton(words_)
            set_role(button, "chip")
            button.setAccessibleName(f"{heading}: {words_}")
            button.clicked.connect(lambda _clicked=False, on=on: self.set_all(on))
            row.addWidget(button)
        return row


class FormPanel(QWidget):
    """The form, with Check and Run at its foot."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self._page = QWidget()
        self._body = QVBoxLayout(self._page)
        self.protocol, self.dataset, self.encoder = QComboBox(), QComboBox(), QComboBox()
        self.data, self.browse, self.seeds = QLineEdit(), QPushButton("Browse…"), QLineEdit()
        self.options = QPushButton()
        self.modes: dict[str, QPushButton] = {}
        self.choices: dict[str, list[Choices]] = {}
        self.check, self.go = QPushButton("Check the data"), QPushButton("Run")
        self.hint = text("", "small", wrap=True)
        self._build()
        self.setAcceptDrops(True)
        self.show_form()

    def show_form(self) -> None:
        """Show the form as it is, controls and all."""
        clear_layout(self._body)
        self.choices, self.modes = {}, {}
        self.options = QPushButton()
        form = self._bench.form
        if form is None:
            self._body.addWidget(text(self._bench.problem or "Looking which protocols there are…", "muted", wrap=True))
        else:
            self._fill(form)
        self._body.addStretch()
        self.show_state()

    def show_state(self) -> None:
        """Show whether it can be checked and run, or why not."""
        form, going = self._bench.form, self._bench.going is not None
        wrong = form.wrong if form else "Looking…"
        self.check.setEnabled(not wrong and not self._bench.checking)
        self.go.setEnabled(not wrong and not going)
        said = "A run goes on; the next can be started when it is over." if going else wrong
        where = f"Computed on the cluster “{form.cluster}”." if form and form.cluster else ""
        self.hint.setText(said or " ".join(filter(None, (_left_out(form), self._takes(), where))))
        if form:
            count = len(form.options)
            self.options.setText("Defects and settings…" + (f"  ({count} changed)" if count else ""))

    def _takes(self) -> str:
        """What a run will take, and what that means for it."""
        about = self._bench.about
        if about is None:
            return _UNKNOWN
        return " ".join(filter(None, (bench_words.estimate(about), _PRESS if self._bench.is_long else "", self._bench.lack)))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """What Qt asks: whether what is dragged here can be dropped."""
        if len(dropped_paths(event.mimeData())) == 1 and self._bench.form:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """What Qt tells: a folder was dropped; of a file, its folder is meant."""
        path = dropped_paths(event.mimeData())[0]
        event.acceptProposedAction()
        self.data.setText(str(path if path.is_dir() else path.parent))

    # Making it

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self._body.setContentsMargins(16, 12, 18, 12)
        self._body.setSpacing(6)
        area = scrolled(self._page, "What to run")
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        box.addWidget(area, 1)
        box.addWidget(self._foot())

    def _foot(self) -> QWidget:
        foot = Styled("topbar")
        box = QVBoxLayout(foot)
        box.setContentsMargins(16, 8, 14, 10)
        box.addWidget(self.hint)
        row = QHBoxLayout()
        set_role(self.go, "primary")
        self.check.setToolTip("Count what is there, look for leaks, and estimate how long a run takes; nothing is computed yet.")
        self.go.setAccessibleName("Run the benchmark")
        self.check.clicked.connect(self._bench.check)
        self.go.clicked.connect(self._bench.run)
        row.addWidget(self.check, 1)
        row.addWidget(self.go, 1)
        box.addLayout(row)
        return foot

    def _fill(self, form: Form) -> None:
        self._add_protocol(form)
        self._add_data(form)
        if form.protocol.encoders:
            self._add_encoder(form)
        self._add_methods(form)
        self._add_modes(form)
        protocol = form.protocol
        self._add_choices("orders", "Class orders", protocol.orders, form.orders, columns=3)
        self._add_choices("tasks", "Tasks (none ticked: all)", protocol.tasks, form.tasks)
        self._add_choices("features", "Features (none ticked: all)", protocol.features, form.features, columns=3)
        self._add_seeds(form)

    def _add_protocol(self, form: Form) -> None:
        self.protocol = _combo("Protocol", [(one.id, one.title) for one in self._bench.protocols], form.protocol.id)
        self.protocol.activated.connect(lambda _place: self._bench.choose(self.protocol.currentData()))
        self._put("Protocol", self.protocol)
        self._body.addWidget(text(form.protocol.line, "body", wrap=True))
        self._body.addWidget(text(form.protocol.paper, "small", wrap=True))

    def _add_data(self, form: Form) -> None:
        if len(form.protocol.datasets) > 1:
            self.dataset = _combo("Data set", [(one.id, one.title or one.id) for one in form.protocol.datasets], form.dataset)
            self.dataset.activated.connect(self._take_dataset)
            self._put("Data set", self.dataset)
        self.data, self.browse = QLineEdit(form.data), QPushButton("Browse…")
        self.data.setAccessibleName("Folder with the data")
        self.data.setPlaceholderText("Drop a folder here, or browse")
        self.data.textChanged.connect(lambda words_: self._set("data", words_.strip()))
        self.browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.data, 1)
        row.addWidget(self.browse)
        holder = QWidget()
        row.setContentsMargins(0, 0, 0, 0)
        holder.setLayout(row)
        self._put("Folder with the data", holder)
        dataset = form.protocol.dataset(form.dataset)
        if dataset is not None:
            for line in filter(None, (dataset.layout, dataset.where)):
                self._body.addWidget(text(line, "small", wrap=True))

    def _add_encoder(self, form: Form) -> None:
        paper = form.protocol.encoders
        ready = self._bench.encoders()
        ordered = sorted(ready, key=lambda pair: (pair[0] not in paper, pair[1]))
        entries = [(one, title + (" – the paper's" if one in paper else "")) for one, title in ordered]
        self.encoder = _combo("Encoder", entries, form.encoder)
        self.encoder.activated.connect(lambda _place: self._set("encoder", self.encoder.currentData()))
        self.encoder.currentTextChanged.connect(self.encoder.setToolTip)
        self.encoder.setToolTip(self.encoder.currentText())
        self._put("Encoder", self.encoder)
        asking = self._bench.to_agree()
        missing = [one for one in paper if one not in dict(ready) and one not in asking]
        for which, what in ((missing, _FETCH), (asking, _AGREE)):
            if which:
                self._body.addWidget(text(what.format(words.joined(which)), "small", wrap=True))

    def _add_methods(self, form: Form) -> None:
        for heading, paper in (("Methods of the paper", True), ("Beyond the paper", False)):
            entries = [(one.id, one.title, one.line) for one in form.protocol.methods if one.paper is paper]
            self._add_ticks("methods", heading, entries, form.methods)

    def _add_choices(self, name: str, heading: str, entries: Sequence[str], ticked: set[str], *, columns: int = 2) -> None:
        self._add_ticks(name, heading, [(one, one.replace("_", " "), one) for one in entries], ticked, columns=columns)

    def _add_ticks(self, name: str, heading: str, entries: Sequence[tuple[str, str, str]], ticked: set[str], *, columns: int = 2) -> None:
        if entries:
            choices = Choices(heading, entries, ticked, columns=columns)
            choices.changed.connect(lambda _ticked: self._take_choices(name))
            self.choices.setdefault(name, []).append(choices)
            self._body.addSpacing(4)
            self._body.addWidget(choices)

    def _add_modes(self, form: Form) -> None:
        self._body.addSpacing(4)
        if len(form.protocol.modes) > 1:
            self._body.addWidget(text("Mode", "section"))
            self._body.addWidget(self._mode_switch(form))
        if form.protocol.options:
            self.options.setAccessibleName("Defects and settings")
            self.options.clicked.connect(self.show_options)
            self._body.addWidget(self.options)

    def _mode_switch(self, form: Form) -> QWidget:
        switch = Styled("switch")
        row = QHBoxLayout(switch)
        row.setContentsMargins(3, 3, 3, 3)
        row.setSpacing(2)
        for mode in (*form.protocol.modes, BOTH):
            button = self.modes[mode] = QPushButton(mode_title(mode))
            set_role(button, "switch")
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setChecked(mode == form.mode)
            button.setAccessibleName(f"Mode: {mode_title(mode)}")
            button.clicked.connect(lambda _on=False, mode=mode: self._set("mode", mode))
            row.addWidget(button, 1)
        return switch

    def _add_seeds(self, form: Form) -> None:
        self.seeds = QLineEdit(form.seeds)
        self.seeds.setAccessibleName("Seeds")
        self.seeds.setPlaceholderText("0, 1, 2")
        self.seeds.textChanged.connect(lambda words_: self._set("seeds", words_))
        self._body.addSpacing(4)
        self._put("Seeds", self.seeds)
        self._add_machines(form)

    def _add_machines(self, form: Form) -> None:
        self.workers, self.cluster = QSpinBox(), QLineEdit(form.cluster)
        self.workers.setRange(1, max(1, os.cpu_count() or 1))
        self.workers.setValue(form.workers)
        self.workers.setAccessibleName("Processes")
        self.workers.setToolTip("How many results are computed at once on this computer; the numbers are the same.")
        self.cluster.setAccessibleName("Dask cluster")
        self.cluster.setPlaceholderText("Dask cluster: tcp://… (optional)")
        self.cluster.setToolTip("The address of a Dask scheduler whose workers embed and compute instead; the numbers are the same.")
        self.workers.valueChanged.connect(lambda count: setattr(form, "workers", count))
        self.cluster.textChanged.connect(lambda words_: self._take_cluster(form, words_.strip()))
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.workers)
        row.addWidget(self.cluster, 1)
        self._put("Processes, or a cluster", holder)

    def _take_cluster(self, form: Form, address: str) -> None:
        form.cluster = address
        self.show_state()

    def _put(self, caption: str, widget: QWidget) -> None:
        label = QLabel(caption)
        set_role(label, "section")
        label.setBuddy(widget)
        self._body.addWidget(label)
        self._body.addWidget(widget)

    # What the user chose

    def _set(self, name: str, value: object) -> None:
        setattr(self._bench.form, name, value)
        self._edited()

    def _edited(self) -> None:
        self._bench.edited()
        self.show_state()

    def _take_choices(self, name: str) -> None:
        self._set(name, {one for choices in self.choices[name] for one in choices.ticked()})

    def _take_dataset(self) -> None:
        self._set("dataset", self.dataset.currentData())
        self.show_form()

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "The folder with the data", self.data.text() or str(Path.home()))
        if name:
            self.data.setText(name)

    def show_options(self) -> OptionsSheet:
        """Open the list of named defects and settings."""
        assert self._bench.form is not None
        sheet = OptionsSheet(self, self._bench.form)
        sheet.changed.connect(self._edited)
        sheet.open()
        return sheet


_UNKNOWN = "“Check the data” tells what a run will take. “Run” checks first, and begins at once what takes less than 10 minutes."
_FETCH = "Not here: {}. Fetch them in Analyse › Encoders and weights."
_AGREE = "Here, but you have not agreed to their licences: {}. Agree in Analyse › Encoders and weights."
_PRESS = "“Run” begins it."


def _tick(title: str, tip: str, on: bool) -> QCheckBox:
    box = QCheckBox(title)
    box.setChecked(on)
    box.setToolTip(tip)
    box.setAccessibleDescription(tip)
    return box


def _combo(name: str, entries: Sequence[tuple[str, str]], chosen: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    for one, title in entries:
        box.addItem(title, one)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    return box


def _left_out(form: Form | None) -> str:
    """A sentence on the chosen methods that the encoder cannot run, or nothing."""
    titles = [one.title for one in form.protocol.methods if one.id in form.unable] if form else []
    return f"This encoder cannot run {words.joined(titles)}, so that is left out." if titles else ""
