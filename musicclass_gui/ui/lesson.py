"""The lesson panel: what teaching is doing now, the card of the lesson that waits to be kept, or of one that was chosen.

It shows the session's teaching; what can be done about a lesson are actions of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from musicclass_gui.ui import lesson_words
from musicclass_gui.ui.lesson_card import CardView
from musicclass_gui.ui.lesson_progress import ProgressView
from musicclass_gui.ui.menus import tip
from musicclass_gui.ui.widgets import Placeholder, Styled, set_role, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import LessonView

_LISTENING = "Listening"  # as the desk calls it
_BUSY_AFTER_MS = 80  # what is over sooner is not shown as progress: it would only flicker
_ASIDE = ("Drawing", "Looking for")  # what other panels wait for and show themselves
_STATES = {"kept": "Kept. Undo takes it back.", "undone": "Undone. Redo brings it back.", "draft": "Not kept yet."}
_FORGETTABLE = "Kept. “All lessons” can forget it."  # Undo would take another one back
_EMPTY_HINT = (
    "Drop a folder with one sub-folder per class, or choose Teach a folder. "
    "What the lesson did to every class, old and new, is shown here before it is kept."
)


class LessonPanel(QStackedWidget):
    """One lesson. `heard` carries a path and a span to play (end −1: to the end); `card_ready` the big sentence of a new card."""

    heard = Signal(str, float, float)
    card_ready = Signal(str)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._teaching = session.teaching
        self._shown: LessonView | None = None
        self._announced = 0
        self.empty = _Start(actions)
        self.progress = ProgressView(session.teaching.cancel, theme)
        self.interrupted = _Interrupted(actions)
        self.card = CardView(theme)
        self.footer = _Footer(actions)
        self.card_page = QWidget()
        self._busy = QTimer(self, singleShot=True, interval=_BUSY_AFTER_MS)
        self._busy.timeout.connect(self._show_busy)
        self.card.heard.connect(self.heard)
        self._build()

    def show_board(self) -> None:
        """Show what waits now, or what became of the lesson that is shown."""
        self._follow()
        self.show_lesson()

    def show_lesson(self) -> None:
        """Show what goes on now."""
        if not self._busy_with_lessons():
            self._busy.stop()
            self._settle()
        elif self.currentWidget() is self.progress:
            self._show_busy()
        elif not self._busy.isActive():
            self._busy.start()

    def show_view(self, view: LessonView) -> None:
        """Show a lesson that was chosen, whatever became of it; nothing when one is being learned or waits."""
        if self._teaching.waiting is None and not self._teaching.busy:
            self._shown = view
            self._settle()
            self.card.begin()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self.card.set_theme(theme)
        self.progress.set_theme(theme)

    def _build(self) -> None:
        box = QVBoxLayout(self.card_page)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.card, 1)
        box.addWidget(self.footer)
        for page in (self.empty, self.progress, self.interrupted, self.card_page):
            self.addWidget(page)

    def _follow(self) -> None:
        """The lesson that is shown, as it is on the board now."""
        board, shown = self._teaching.board, self._shown
        if board is None:
            self._shown = None
        elif board.waiting is not None:
            self._shown = board.waiting
        elif shown is not None:
            now = next((one for one in board.lessons if one.id == shown.id and one.state != "draft"), None)
            self._shown = _with_state(shown, now.state) if now is not None else None

    def _settle(self) -> None:
        """Show the page for when nothing goes on."""
        view = self._shown
        self.empty.show_problem(self._teaching.problem or self._teaching.locked)
        self.empty.show_first(self._teaching.board is None or not self._teaching.board.lessons)
        if view is None or (view.card is None and view.state != "planned"):
            self.setCurrentWidget(self.empty)
        elif view.state == "planned":
            self.interrupted.show_lesson(view)
            self.setCurrentWidget(self.interrupted)
        else:
            self._show_card(view)

    def _show_card(self, view: LessonView) -> None:
        assert view.card is not None
        self.card.show_card(view.card)
        self.footer.show_state(view.state, last=self._is_last(view))
        self.setCurrentWidget(self.card_page)
        if view.state == "draft" and view.id != self._announced:
            self._announced = view.id
            self.card_ready.emit(lesson_words.headline(view.card))

    def _is_last(self, view: LessonView) -> bool:
        """Whether Undo would take back this one."""
        board = self._teaching.board
        return board is None or next((one.id for one in board.lessons if one.state == "kept"), view.id) == view.id

    def _busy_with_lessons(self) -> bool:
        return bool(self._teaching.busy) and not self._teaching.busy.startswith(_ASIDE)

    def _show_busy(self) -> None:
        teaching = self._teaching
        if self._busy_with_lessons() and not (teaching.waiting is not None and teaching.waiting.state == "draft"):
            self.progress.show_work(teaching.busy, teaching.progress, teaching.eta_s)
            self.progress.show_heard(teaching.heard, listening=teaching.busy == _LISTENING)
            self.progress.show_curve(teaching.curve)
            focus = QApplication.focusWidget()
            self.setCurrentWidget(self.progress)
            if focus is not None and self.isAncestorOf(focus):
                self.progress.cancel.setFocus()


def _with_state(view: LessonView, state: str) -> LessonView:
    from dataclasses import replace

    return replace(view, state=state)


def action_button(action: QAction, words: str, *, primary: bool = False) -> QPushButton:
    """A button that runs an action and is enabled as it is; its tool tip says what exactly that would do now."""
    button = QPushButton(words)
    button.setAccessibleName(words)
    button.setAutoDefault(False)
    button.clicked.connect(action.trigger)
    set_role(button, "primary" if primary else "body")

    def follow() -> None:
        button.setEnabled(action.isEnabled())
        now = action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
        button.setToolTip(now if ": " in now else tip(action.objectName()))

    action.changed.connect(follow)
    follow()
    return button


class _Footer(Styled):
    """What can be done about the card that is shown."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__("topbar")
        self.state = text("", "muted")
        self.keep = action_button(actions["teach.keep"], "Keep this lesson", primary=True)
        self.take_back = action_button(actions["teach.take_back"], "Take back")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 12, 8)
        row.addWidget(self.state, 1)
        row.addWidget(self.take_back)
        row.addWidget(self.keep)

    def show_state(self, state: str, *, last: bool) -> None:
        """Show whether the lesson is kept, and is the last one that was; the buttons are for one that is not."""
        self.state.setText(_FORGETTABLE if state == "kept" and not last else _STATES.get(state, ""))
        for button in (self.keep, self.take_back):
            button.setVisible(state == "draft")


class _Interrupted(QWidget):
    """A lesson that was not through when the program ended."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.title = text("", "body", wrap=True)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 12)
        box.setSpacing(8)
        box.addWidget(text("A lesson was interrupted", "headline", wrap=True))
        box.addWidget(self.title)
        box.addWidget(text("What it had listened to is kept, so going on takes only the rest.", "muted", wrap=True))
        row = QHBoxLayout()
        row.addWidget(action_button(actions["teach.go_on"], "Go on", primary=True))
        row.addWidget(action_button(actions["teach.take_back"], "Drop it"))
        row.addStretch()
        box.addLayout(row)
        box.addStretch(1)

    def show_lesson(self, view: LessonView) -> None:
        """Show which lesson it is."""
        self.title.setText(view.title)


class _Start(QWidget):
    """No lesson: how to begin one, and why the last one did not work or none can be given."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.problem = text("", "warn", wrap=True)
        self.words = Placeholder("No lesson yet", _EMPTY_HINT)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 12)
        box.addWidget(self.problem)
        box.addStretch(2)
        box.addWidget(self.words)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(action_button(actions["teach.folder"], "Teach a folder…", primary=True))
        row.addWidget(action_button(actions["teach.files"], "Teach files…"))
        row.addStretch()
        box.addLayout(row)
        box.addStretch(3)

    def show_first(self, first: bool) -> None:
        """Say that there never was a lesson, or that none waits now."""
        self.words.heading.setText("No lesson yet" if first else "No lesson waits")

    def show_problem(self, sentence: str) -> None:
        """Say why something did not work, or nothing."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
