"""One encoder in full: what it is good at, its licence, where it is, how it listens, its self-test, and what can be done with it.

It shows what `Models` holds and says by signals what the user wishes; only agreeing to a licence it passes on itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from musicclass_gui.app import icons
from musicclass_gui.app.models import USABLE, replaced
from musicclass_gui.ui import models_words
from musicclass_gui.ui.widgets import Elided, Styled, clear_layout, set_role, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.app.models import Models
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.models import Check, ModelRow

Part = QWidget | QVBoxLayout

_SCALE = 1000
_ICON = 16
_AGREE = "I have read this and agree to it"


class Details(QScrollArea):
    """Shows one encoder. `fetch_wanted`, `cancel_wanted`, `verify_wanted`, `accept_wanted` and `remove_wanted` carry its id."""

    fetch_wanted = Signal(str)
    cancel_wanted = Signal(str)
    verify_wanted = Signal(str)
    remove_wanted = Signal(str)
    accept_wanted = Signal(str)

    def __init__(self, models: Models, theme: Callable[[], Theme]) -> None:
        super().__init__()
        self._models, self._theme = models, theme
        self._row: ModelRow | None = None
        self.title, self.name = text("", "title", wrap=True), text("", "small")
        self.state_icon, self.state = QLabel(), text("")
        self.trouble, self.why_not = text("", "bad", wrap=True), text("", "small", wrap=True)
        self.bar, self.progress = QProgressBar(), text("", "small")
        self.fetch, self.cancel, self.verify, self.remove = QPushButton(), QPushButton("Cancel"), QPushButton(), QPushButton("Remove…")
        self.accept = QPushButton("Use them from now on")
        self.good_at, self.listening, self.checks = QVBoxLayout(), text("", wrap=True), QVBoxLayout()
        self.licence, self.agree = text("", wrap=True), QCheckBox(_AGREE)
        self.place, self.home = Elided(), Elided()
        self.show_folder, self.show_home = QPushButton("Show in folder"), QPushButton("Open its page")
        self._sections: dict[str, QWidget] = {}
        self._page, self._going = Styled("plain"), _row(self.progress, self.cancel)
        self._build()
        self._connect()

    def show_encoder(self, row: ModelRow | None) -> None:
        """Show an encoder as it is now, or nothing."""
        another = row != self._row
        moved = row is None or self._row is None or row.id != self._row.id
        self._row = row
        self._page.setVisible(row is not None)
        if row is None:
            return
        self._show_state(row)
        if another:
            self._show_facts(row)
        if moved:
            self.verticalScrollBar().setValue(0)

    def draw_anew(self) -> None:
        """The theme is another."""
        row, self._row = self._row, None
        self.show_encoder(row)

    # What is shown

    def _show_state(self, row: ModelRow) -> None:
        state = models_words.state_of(row, self._models)
        theme = self._theme()
        self.state_icon.setPixmap(icons.pixmap(state.icon, getattr(theme, state.ink), _ICON))
        self.state.setText(" · ".join(filter(None, (state.words, models_words.size(row)))))
        trouble = models_words.trouble(row, self._models)
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))
        set_role(self.trouble, "bad" if row.state == "damaged" or row.id in self._models.problems else "muted")
        self._show_work(row)
        self._show_buttons(row)
        self.agree.setChecked(self._models.agreed(row))

    def _show_work(self, row: ModelRow) -> None:
        work = self._models.works.get(row.id)
        for widget in (self.bar, self._going):
            widget.setVisible(work is not None)
        if work is None:
            return
        known = math.isfinite(work.fraction)
        self.bar.setRange(0, _SCALE if known else 0)
        if known:
            self.bar.setValue(round(work.fraction * _SCALE))
        self.progress.setText(models_words.progress(row, work))

    def _show_buttons(self, row: ModelRow) -> None:
        idle = row.id not in self._models.works
        here = row.state in USABLE
        why_not = "" if here or not idle else self._models.why_no_fetch(row)
        self.fetch.setText(models_words.fetch_label(row))
        self.fetch.setVisible(idle and not here and row.can_fetch)
        self.fetch.setEnabled(not why_not)
        self.fetch.setAccessibleDescription(why_not)
        self.why_not.setText(why_not)
        self.why_not.setVisible(bool(why_not))
        self.verify.setText("Check again" if row.checks or row.state == "damaged" else "Test now")
        self.verify.setVisible(idle and (here or row.state == "damaged"))
        self.verify.setEnabled(self._models.agreed(row))
        self.remove.setVisible(idle and row.can_remove)
        self.accept.setVisible(idle and replaced(row))

    def _show_facts(self, row: ModelRow) -> None:
        self.title.setText(row.title)
        self.name.setText(row.id)
        self._page.setAccessibleName(row.title)
        _fill(self.good_at, [_beside(text("•", "muted"), text(sentence, wrap=True)) for sentence in row.good_at])
        self._sections["good_at"].setVisible(bool(row.good_at))
        self.licence.setText(models_words.licence(row))
        set_role(self.licence, "warn" if row.restricted else "body")
        self.agree.setVisible(row.restricted)
        self.listening.setText("\n".join(models_words.listening(row)))
        self.place.set_full(row.place)
        self.home.set_full(row.home)
        self.show_home.setVisible(row.home.startswith(("https://", "http://")))
        self._sections["place"].setVisible(bool(row.place))
        self._sections["home"].setVisible(bool(row.home))
        untested = models_words.UNTESTED_BUILT_IN if row.state == "built in" else models_words.UNTESTED
        self._show_checks(row.checks, untested, here=row.state in USABLE)

    def _show_checks(self, checks: Sequence[Check], untested: str, *, here: bool) -> None:
        lines = [self._check(check) for check in checks] or [text(untested, "muted", wrap=True)]
        _fill(self.checks, lines)
        self._sections["checks"].setVisible(bool(checks) or here)

    def _check(self, check: Check) -> QWidget:
        theme = self._theme()
        picture = QLabel()
        picture.setPixmap(icons.pixmap("check" if check.ok else "warn", theme.good if check.ok else theme.bad, _ICON))
        said = text(f"{check.what}: {check.found}" if check.found else check.what, "body" if check.ok else "bad", wrap=True)
        said.setAccessibleName(f"{'Right' if check.ok else 'Wrong'}: {said.text()}")
        return _beside(picture, said)

    # Making it

    def _build(self) -> None:
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("About this encoder")
        set_role(self, "plain")
        box = QVBoxLayout(self._page)
        box.setContentsMargins(20, 2, 14, 8)
        box.setSpacing(6)
        for label in (self.title, self.name):
            box.addWidget(label)
        box.addWidget(_beside(self.state_icon, self.state))
        box.addWidget(self.trouble)
        box.addWidget(self.bar)
        box.addWidget(self._going)
        box.addWidget(self._buttons())
        box.addWidget(self.why_not)
        sections: tuple[tuple[str, str, list[Part]], ...] = (
            ("licence", "Licence", [self.licence, self.agree]),
            ("good_at", "What it is good at", [self.good_at]),
            ("listening", "How it listens", [self.listening]),
            ("checks", "Self-test", [self.checks]),
            ("place", "Where it is", [_row(self.place, self.show_folder)]),
            ("home", "Where it comes from", [_row(self.home, self.show_home)]),
        )
        for name, heading, widgets in sections:
            self._sections[name] = _section(heading, widgets)
            box.addWidget(self._sections[name])
        box.addStretch()
        self.setWidget(self._page)
        self._page.hide()
        self._name()

    def _name(self) -> None:
        set_role(self.fetch, "primary")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("How far it is")
        self.cancel.setAccessibleName("Cancel; what was fetched stays, to go on with")
        self.state_icon.setFixedSize(_ICON, _ICON)
        for button in (self.show_folder, self.show_home):
            set_role(button, "quiet")
        for label in (self.place, self.home):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            set_role(label, "small")

    def _buttons(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 4, 0, 2)
        for button in (self.accept, self.fetch, self.verify, self.remove):
            row.addWidget(button)
        row.addStretch()
        return holder

    def _connect(self) -> None:
        for button, signal in (
            (self.fetch, self.fetch_wanted),
            (self.cancel, self.cancel_wanted),
            (self.verify, self.verify_wanted),
            (self.remove, self.remove_wanted),
            (self.accept, self.accept_wanted),
        ):
            button.clicked.connect(lambda _on=False, signal=signal: signal.emit(self._row.id if self._row else ""))
        self.agree.clicked.connect(self._agree)
        self.show_folder.clicked.connect(self._open_folder)
        self.show_home.clicked.connect(lambda: self._row and QDesktopServices.openUrl(QUrl(self._row.home)))

    def _agree(self, agreed: bool) -> None:
        if self._row is not None:
            self._models.agree(self._row.id, agreed=agreed)

    def _open_folder(self) -> None:
        if self._row is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(folder_of(self._row.place)))


def folder_of(place: str) -> str:
    """The folder to show for a file or a folder."""
    from pathlib import Path

    path = Path(place)
    return str(path if path.is_dir() else path.parent)


def _section(heading: str, parts: Sequence[Part]) -> QWidget:
    section = QWidget()
    box = QVBoxLayout(section)
    box.setContentsMargins(0, 10, 0, 0)
    box.setSpacing(5)
    box.addWidget(text(heading, "section"))
    for part in parts:
        if isinstance(part, QVBoxLayout):
            part.setSpacing(4)
            box.addLayout(part)
        else:
            box.addWidget(part)
    return section


def _row(label: QWidget, button: QPushButton) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(label, 1)
    row.addWidget(button)
    return holder


def _beside(mark: QLabel, said: QWidget) -> QWidget:
    """A mark and what it stands before."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(7)
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(said, 1)
    return holder


def _fill(box: QVBoxLayout, widgets: Sequence[QWidget]) -> None:
    clear_layout(box)
    for widget in widgets:
        box.addWidget(widget)
        widget.show()  # now, not when Qt comes to it
