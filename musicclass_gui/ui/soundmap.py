"""The sound map panel: everything in the project as points; hover to hear, lasso to teach, with a sentence on what distance means.

It asks the session's teaching for the places and passes wishes on; it computes no place itself.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import icons
from musicclass_gui.engine.lessons.plan import PlannedFile
from musicclass_gui.ui.classlook import Looks
from musicclass_gui.ui.soundmap_points import Mark, Marks, point_words
from musicclass_gui.ui.soundmap_side import Side
from musicclass_gui.ui.soundmap_view import MapView
from musicclass_gui.ui.widgets import Elided, Placeholder, icon_button, set_role, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction, QResizeEvent, QShowEvent

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import Point, SoundMap

_HOWS = (
    ("pca", "Overall view (PCA)", "The two directions in which the sounds differ most. Quick; far apart is really different."),
    ("tsne", "Neighbours (t-SNE)", "Puts sounds that are alike beside each other. Slower; far apart says little."),
)
_COLOURS = (("class", "By class"), ("answer", "By right or wrong"))
_SIDE = (250, 380)
_NOTHING_TAUGHT = "Teach something, and every sound of the project appears here as a point; what sounds alike is close together."
_DRAWING = "Drawing the sound map…"
_FAILED = "The sound map could not be drawn."
_NO_POINTS = "There are no sounds in this project yet that could be drawn. Teach something first."
_OUTDATED = "Drawn before the last lesson"
_SCALE = 1000
_TALL = 320  # pixels from which the whole legend has room


class SoundMapPanel(QWidget):
    """The sound map. `heard` carries a path and a span in seconds (end −1: to the end) to be played."""

    heard = Signal(str, float, float)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._map: SoundMap | None = None
        self._known: object = None  # what the map that is shown was asked about
        self._revision = 0  # of the classifier when the map was drawn
        self._ticket: object = None  # of the question that is under way
        self._looks, self._marks = Looks(), Marks([], Looks(), theme, by_answer=False)
        self.how, self.colours = QComboBox(), QComboBox()
        self.on_hover = QCheckBox("Hear on hover")
        self.again = icon_button(icons.icon("retry", theme), "Draw again", "Draw the map again, as the project is now")
        self.bar, self.stop = QProgressBar(), QPushButton("Stop")
        self.view = MapView(theme, self._words)
        self.legend, self.short_legend = text("", "small", wrap=True), Elided(mode=Qt.TextElideMode.ElideRight)
        self.outdated = Elided(mode=Qt.TextElideMode.ElideRight)
        self.side = Side(theme)
        self.pages = QStackedWidget()
        self._page, self._placeholder = QWidget(), Placeholder("Sound map", _NOTHING_TAUGHT)
        self._build()
        self._connect()
        self.setFocusProxy(self.view)
        self.show_board()

    def show_board(self) -> None:
        """Show the classes as they are now; the map is drawn anew when another classifier is shown, or when it is asked for."""
        teaching = self._session.teaching
        view = teaching.classifier
        now = (teaching.project, view.id) if view else None
        if self._ticket is not None and not teaching.busy:
            self._stop_waiting(teaching.problem or _FAILED)
        if now != self._known:
            self._known, self._ticket = now, None
            self._show_map(None)
            self._ask_if_seen()
        else:
            self._show_marks()
        learned = self._map is not None and view is not None and view.revision != self._revision
        self.outdated.set_full(_OUTDATED if learned else "")

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self.again.setIcon(icons.icon("retry", theme))
        self.view.set_theme(theme)
        self.side.set_theme(theme)
        self._show_marks()

    def showEvent(self, event: QShowEvent) -> None:
        """What Qt tells: it is looked at."""
        super().showEvent(event)
        self._ask_if_seen()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What Qt tells: it has another size."""
        super().resizeEvent(event)
        least, most = _SIDE
        self.side.setFixedWidth(min(most, max(least, round(self.width() * 0.3))))
        self.legend.setVisible(self.height() >= _TALL)
        self.short_legend.setVisible(self.height() < _TALL)

    # Drawing it

    def draw_map(self) -> None:
        """Ask for the places of all points."""
        if self._session.teaching.classifier is None:
            return
        self._ticket = ticket = object()
        self._say(_DRAWING)
        self._show_progress()
        self._session.teaching.sound_map(self.how.currentData(), partial(self._take, ticket))

    def _ask_if_seen(self) -> None:
        if self._session.teaching.classifier is None:
            self._say(_NOTHING_TAUGHT)
        elif self.isVisible() and self._map is None and self._ticket is None:
            self.draw_map()

    def _take(self, ticket: object, drawn: SoundMap) -> None:
        if ticket is self._ticket:
            self._ticket = None
            self.outdated.set_full("")
            self._show_map(drawn)

    def _stop_waiting(self, why: str) -> None:
        self._ticket = None
        self._say(why)
        self._show_progress()

    def _say(self, hint: str) -> None:
        self._placeholder.hint.setText(hint)
        if self._map is None or not self._map.points:
            self.pages.setCurrentWidget(self._placeholder)

    def _show_progress(self) -> None:
        waiting = self._ticket is not None
        progress = self._session.teaching.progress
        self.bar.setVisible(waiting)
        self.stop.setVisible(waiting)
        self.again.setEnabled(not waiting)
        known = math.isfinite(progress) and progress > 0
        self.bar.setRange(0, _SCALE if known else 0)
        self.bar.setValue(round(progress * _SCALE) if known else 0)

    def _show_map(self, drawn: SoundMap | None) -> None:
        self._map = drawn
        self._show_progress()
        points = self._points
        self._revision = self._session.teaching.classifier.revision if self._session.teaching.classifier else 0
        self.legend.setText(drawn.legend if drawn else "")
        self.short_legend.set_full(self.legend.text())
        if drawn is not None and not points:
            self._say(_NO_POINTS)
            return
        self._choose_marks()
        places = np.array([[point.x, point.y] for point in points], dtype=np.float64).reshape(-1, 2)
        self.view.show_points(places, [self._marks.of(point) for point in points])
        if points:
            self.pages.setCurrentWidget(self._page)
        self._show_side()

    def _show_marks(self) -> None:
        self._choose_marks()
        self.view.show_marks([self._marks.of(point) for point in self._points])
        self._show_side()

    def _choose_marks(self) -> None:
        view = self._session.teaching.classifier
        classes = view.classes if view else []
        self._looks = Looks(classes, self._theme)
        self._marks = Marks(classes, self._looks, self._theme, by_answer=self.colours.currentData() == "answer")

    def _show_side(self) -> None:
        counts = Counter(self._marks.of(point) for point in self._points)
        self.side.show_key(counts)
        self._show_selection()

    def _show_selection(self) -> None:
        self.side.show_points(self._points, sorted(self.view.selection), self._looks, locked=bool(self._session.teaching.locked))

    @property
    def _points(self) -> list[Point]:
        return self._map.points if self._map else []

    def _words(self, number: int) -> str:
        return point_words(self._points[number], self._looks)

    # What the user wishes

    def _hear(self, number: int) -> None:
        if 0 <= number < len(self._points):
            point = self._points[number]
            self.heard.emit(point.path, point.start_s or 0.0, -1.0 if point.end_s is None else point.end_s)

    def _hovered(self, number: int) -> None:
        if self.on_hover.isChecked():
            self._hear(number)

    def _current_changed(self, number: int) -> None:
        self.side.show_current(number, self._words(number) if number >= 0 else "")

    def _teach(self) -> None:
        chosen = [self._points[number] for number in sorted(self.view.selection)]
        files = [PlannedFile(point.path, point.start_s, point.end_s) for point in chosen]
        if files:
            self._session.teaching.propose_files(files)

    def _select_marked(self, mark: Mark) -> None:
        self.view.select({number for number, point in enumerate(self._points) if self._marks.of(point) == mark})

    # Making it

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 6, 8, 6)
        box.setSpacing(4)
        box.addLayout(self._head())
        box.addWidget(self.pages, 1)
        split = QHBoxLayout(self._page)
        split.setContentsMargins(0, 0, 0, 0)
        left = QVBoxLayout()
        left.setSpacing(4)
        left.addWidget(self.view, 1)
        left.addWidget(self.legend)
        left.addWidget(self.short_legend)
        split.addLayout(left, 1)
        split.addWidget(self.side)
        set_role(self.short_legend, "small")
        self.pages.addWidget(self._placeholder)
        self.pages.addWidget(self._page)

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for number, (value, title, tip) in enumerate(_HOWS):
            self.how.addItem(title, value)
            self.how.setItemData(number, tip, Qt.ItemDataRole.ToolTipRole)
        for value, title in _COLOURS:
            self.colours.addItem(title, value)
        for box, name in ((self.how, "How the map is drawn"), (self.colours, "How points are coloured")):
            box.setAccessibleName(name)
            box.view().setAccessibleName(f"{name}: choices")
        self.how.setToolTip("\n".join(f"{title}: {tip}" for _, title, tip in _HOWS))
        self.bar.setAccessibleName("Progress of the sound map")
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(90, 8)
        self.on_hover.setChecked(True)
        self.on_hover.setToolTip("Play a sound as soon as the mouse rests on its point")
        left: tuple[QWidget, ...] = (self.how, self.colours, self.on_hover)
        right: tuple[QWidget, ...] = (self.bar, self.stop, self.again)
        for part in left:
            row.addWidget(part)
        set_role(self.outdated, "small")
        row.addWidget(self.outdated, 1)
        for part in right:
            row.addWidget(part)
        return row

    def _connect(self) -> None:
        self.how.activated.connect(self.draw_map)
        self.again.clicked.connect(self.draw_map)
        self.stop.clicked.connect(self._session.teaching.cancel)
        self.colours.activated.connect(self._show_marks)
        self.view.heard.connect(self._hear)
        self.view.hovered.connect(self._hovered)
        self.view.current_changed.connect(self._current_changed)
        self.view.selected.connect(self._show_selection)
        self.side.heard.connect(self._hear)
        self.side.went.connect(self.view.go_to)
        self.side.taught.connect(self._teach)
        self.side.marked.connect(self._select_marked)
        self._session.teaching.changed.connect(self._show_progress)
