"""More like this: the project's sounds that are most like the one that was asked about, to hear, to open and to teach.

It asks the session's teaching once the window says what is to be compared; it computes no distance.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.app.tables import Column, RowsModel
from musicclass_gui.app.theme import LIGHT
from musicclass_gui.ui.classlook import Looks, span_words
from musicclass_gui.ui.ownkeys import OwnKeys
from musicclass_gui.ui.tables import Sorted, Table
from musicclass_gui.ui.widgets import Elided, Placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QAction

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import Alike
    from musicclass_gui.engine.windows import Span

DISTANCE_BANDS: tuple[tuple[float, str], ...] = (
    (0.35, "the same, or nearly"),
    (0.65, "very alike"),
    (0.9, "alike"),
    (1.1, "a little alike"),
    (float("inf"), "not much alike"),
)
"""Up to which distance which word is used. Measured with mn04-as on 180 recordings of three collections, each held out: windows of
one recording are at a median of 0.3–0.4, the nearest other recording at 0.6–0.7, one of the same class at 0.7–0.9, one of another class
at 0.9–1.1."""

_WIDTHS = (260, 130, 190, 150)
_NAME = 0
_MEANING = "1 is how far two sounds of one class usually are from each other; less is more alike."
_NOTHING_ASKED = "Select a part of a recording in the timeline and choose “More like this”: the most similar sounds are listed here."
_LOOKING = "Looking for more like this…"
_NOTHING_FOUND = "No other sound is known yet that this could be compared with. Teach something, or queue recordings, then ask again."
_FAILED = "This could not be compared. Select another part and ask again."


def distance_words(distance: float) -> str:
    """A distance as a word."""
    return next(word for most, word in DISTANCE_BANDS if distance <= most)


class AlikeModel(RowsModel["Alike"]):
    """Sounds, the most alike first."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        self._looks = Looks()
        super().__init__(self._make_columns(), theme)

    def show_sounds(self, sounds: Sequence[Alike], looks: Looks) -> None:
        """Have these sounds; `looks` are those of their classes."""
        self._looks = looks
        stamps = [(one, looks.named(one.cls)) for one in sounds]
        self._show(sounds, [(one.path, one.hash, one.start_s, one.end_s) for one in sounds], list(stamps))

    def sound_at(self, row: int) -> Alike:
        """The sound in a row."""
        return self._rows[row]

    @property
    def sounds(self) -> list[Alike]:
        """All of them."""
        return self._rows

    def _make_columns(self) -> list[Column[Alike]]:
        return [
            Column("Name", lambda one: one.name, lambda one: one.name.casefold(), tip=lambda one: one.path),
            Column("Part", lambda one: span_words(one.start_s, one.end_s), lambda one: one.start_s),
            Column("How alike", _how_alike, lambda one: one.distance, tip=lambda one: _MEANING),
            Column("Class", lambda one: one.cls or "not taught", lambda one: one.cls.casefold(), swatch=self._swatch),
        ]

    def _swatch(self, theme: Theme, sound: Alike) -> str | None:
        return self._looks.named(sound.cls).colour if sound.cls else None


def _how_alike(sound: Alike) -> str:
    return f"{distance_words(sound.distance).capitalize()} ({sound.distance:.2f})"


class AlikePanel(QStackedWidget):
    """Sounds like the one asked about. `heard` carries a path and a span in seconds to be played, `opened` a recording to open."""

    heard = Signal(str, float, float)
    opened = Signal(Path)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._ticket: object = None  # of the question that is under way
        self.model = AlikeModel(theme)
        self._sorted = Sorted(self.model, self)
        self.table = Table("More like this", self._sorted, several=True, widths=_WIDTHS)
        self.about = Elided()
        self.hear_it, self.open_it, self.teach_it = (QPushButton(words) for words in ("Hear", "Open", "Teach chosen as…"))
        self._page, self._placeholder = QWidget(), Placeholder("More like this", _NOTHING_ASKED)
        self._build()
        self._connect()
        self.setFocusProxy(self.table)

    def ask(self, path: Path, span: Span | None) -> None:
        """Look for what is like a recording, or a span of it in seconds."""
        self._ticket = object()
        self.about.set_full(f"Like {path.name}, {span_words(*span) if span else 'all of it'}; the most alike first")
        self.model.show_sounds([], Looks())
        self._say(_LOOKING)
        self._session.teaching.alike(path, span, partial(self._take, self._ticket))

    def show_board(self) -> None:
        """Show the classes' names and colours as they are now."""
        if self._ticket is not None and not self._session.teaching.busy:
            self._ticket = None
            self._say(self._session.teaching.problem or _FAILED)
        self.model.show_sounds(self.model.sounds, self._looks)

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self.model.set_theme(theme)
        self.show_board()

    def chosen(self) -> list[Alike]:
        """The chosen sounds."""
        rows = self.table.selectionModel().selectedRows()
        return [self.model.sound_at(self._sorted.mapToSource(index).row()) for index in rows]

    @property
    def _looks(self) -> Looks:
        view = self._session.teaching.classifier
        return Looks(view.classes, self._theme) if view else Looks()

    def _take(self, ticket: object, sounds: list[Alike]) -> None:
        if ticket is not self._ticket:
            return
        self._ticket = None
        self.model.show_sounds(sounds, self._looks)
        if sounds:
            self.setCurrentWidget(self._page)
            self.table.choose(self._sorted.index(0, 0))
            self._chosen()
        else:
            self._say(_NOTHING_FOUND)

    def _say(self, hint: str) -> None:
        self._placeholder.hint.setText(hint)
        self.setCurrentWidget(self._placeholder)

    def _build(self) -> None:
        box = QVBoxLayout(self._page)
        box.setContentsMargins(8, 6, 8, 8)
        box.setSpacing(6)
        row = QHBoxLayout()
        row.addWidget(self.about, 1)
        for button in (self.hear_it, self.open_it, self.teach_it):
            button.setAccessibleName(f"{button.text().removesuffix('…')}: more like this")
            row.addWidget(button)
        box.addLayout(row)
        box.addWidget(self.table, 1)
        self.table.stretch_columns(_NAME)
        self.table.setAccessibleDescription("Space hears, Enter opens, T teaches the chosen ones.")
        self.teach_it.setToolTip("Teach the chosen sounds as a class; its name is asked for")
        self.addWidget(self._placeholder)
        self.addWidget(self._page)

    def _connect(self) -> None:
        self.hear_it.clicked.connect(self._hear)
        self.open_it.clicked.connect(self._open)
        self.teach_it.clicked.connect(self._teach)
        self.table.activated.connect(self._open)
        self.table.selectionModel().selectionChanged.connect(self._chosen)
        OwnKeys(self.table, {"Space": self._hear, "T": self._teach})

    def _chosen(self) -> None:
        some = bool(self.table.selectionModel().selectedRows())
        for button in (self.hear_it, self.open_it):
            button.setEnabled(some)
        self.teach_it.setEnabled(some and not self._session.teaching.locked)

    def _current(self) -> Alike | None:
        row = self._sorted.mapToSource(self.table.currentIndex()).row()
        return self.model.sound_at(row) if row >= 0 else None

    def _hear(self) -> None:
        sound = self._current()
        if sound is not None:
            self.heard.emit(sound.path, sound.start_s, sound.end_s)

    def _open(self, _index: QModelIndex | bool | None = None) -> None:
        sound = self._current()
        if sound is not None:
            self.opened.emit(Path(sound.path))

    def _teach(self) -> None:
        from musicclass_gui.engine.lessons.plan import PlannedFile

        files = [PlannedFile(sound.path, sound.start_s, sound.end_s) for sound in self.chosen()]
        if files:
            self._session.teaching.propose_files(files)
