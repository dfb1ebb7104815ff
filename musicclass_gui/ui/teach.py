"""The page “Teach”: the classes, what is doubtful and the sound map at the left, the lesson and its history at the right.

It places the panels and tells them what changed; it does nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QTabWidget, QToolButton, QVBoxLayout, QWidget

from musicclass_gui.ui.board import BoardPanel
from musicclass_gui.ui.history import HistoryPanel
from musicclass_gui.ui.lesson import LessonPanel, action_button
from musicclass_gui.ui.review import ReviewPanel
from musicclass_gui.ui.soundmap import SoundMapPanel
from musicclass_gui.ui.widgets import Elided, Styled, set_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme

_PROJECT_ACTIONS = (
    "project.new", "project.open", "project.save_as", "", "project.find_moved", "", "project.import_pack", "project.export_pack",
)  # fmt: skip
_TEACH_ACTIONS = (
    "teach.folder", "teach.files", "teach.queue_rows", "teach.microphone", "",
    "teach.new_classifier", "teach.words", "teach.remove_classifier",
)  # fmt: skip
_RIGHT_WIDTH = 470
_MENU_MARK = "  ▾"  # the style sheet's own arrow lies on the text
PANELS = ("board", "review", "map", "lesson", "lessons")


class Panel(Protocol):
    """What the page asks of every panel."""

    def show_board(self) -> None:
        """Show the project as it is now."""
        ...

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        ...


class TeachPage(QWidget):
    """All panels for teaching. `heard` carries a path and a span in seconds to play (end −1: to the end)."""

    heard = Signal(str, float, float)

    def __init__(self, session: Session, actions: Mapping[str, QAction], theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.left, self.right = QTabWidget(), QTabWidget()
        self.board = BoardPanel(session, actions, theme)
        self.review = ReviewPanel(session, actions, theme)
        self.map = SoundMapPanel(session, actions, theme)
        self.lesson = LessonPanel(session, actions, theme)
        self.history = HistoryPanel(session, actions, theme)
        self._panels: tuple[Panel, ...] = (self.board, self.review, self.map, self.lesson, self.history)
        self.project = QToolButton()
        self.problem = Elided(mode=Qt.TextElideMode.ElideRight)
        self._build(actions)
        self._connect()

    def show_board(self) -> None:
        """Show the project as it is now."""
        teaching = self._session.teaching
        title = teaching.board.title if teaching.board is not None else teaching.project.stem
        self.project.setText(f"Project: {title}{_MENU_MARK}")
        self.project.setToolTip(f"Project: {teaching.project}")
        self.project.setAccessibleName(f"Project: {title}")
        self.problem.set_full(teaching.locked)
        for panel in self._panels:
            panel.show_board()

    def show_lesson(self) -> None:
        """Show what goes on now."""
        self.lesson.show_lesson()
        self.history.show_lesson()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        for panel in self._panels:
            panel.set_theme(theme)

    def panel(self, name: str) -> QWidget:
        """The panel of this name of `PANELS`."""
        return {"board": self.board, "review": self.review, "map": self.map, "lesson": self.lesson, "lessons": self.history}[name]

    def reveal(self, name: str) -> None:
        """Bring a panel to the front of its tabs."""
        panel = self.panel(name)
        tabs = self.left if self.left.indexOf(panel) >= 0 else self.right
        tabs.setCurrentWidget(panel)

    def shows(self, name: str) -> bool:
        """Whether a panel is in front."""
        panel = self.panel(name)
        return panel in (self.left.currentWidget(), self.right.currentWidget())

    def _build(self, actions: Mapping[str, QAction]) -> None:
        for tabs, name in ((self.left, "Project"), (self.right, "Lesson")):
            tabs.setDocumentMode(True)
            tabs.setAccessibleName(name)
            tabs.tabBar().setAccessibleName(f"{name}: tabs")
        self.left.addTab(self.board, "Classes")
        self.left.addTab(self.review, "Review")
        self.left.addTab(self.map, "Sound map")
        self.right.addTab(self.lesson, "Lesson")
        self.right.addTab(self.history, "All lessons")
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.left)
        split.addWidget(self.right)
        split.setStretchFactor(0, 1)
        split.setSizes([2 * _RIGHT_WIDTH, _RIGHT_WIDTH])
        self.right.setMinimumWidth(380)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self._head(actions))
        box.addWidget(split, 1)

    def _head(self, actions: Mapping[str, QAction]) -> QWidget:
        head = Styled("dock-title")
        row = QHBoxLayout(head)
        row.setContentsMargins(12, 5, 12, 5)
        row.setSpacing(8)
        _give_menu(self.project, _PROJECT_ACTIONS, actions)
        set_role(self.problem, "warn")
        more = QToolButton()
        more.setText(f"More ways{_MENU_MARK}")
        more.setAccessibleName("More ways to teach")
        _give_menu(more, _TEACH_ACTIONS, actions)
        row.addWidget(self.project)
        row.addWidget(self.problem, 1)
        row.addWidget(action_button(actions["teach.folder"], "Teach a folder…", primary=True))
        row.addWidget(more)
        return head

    def _connect(self) -> None:
        for panel in (self.board, self.review, self.map, self.lesson):
            panel.heard.connect(self.heard)
        self.history.card_wanted.connect(self._show_card)

    def _show_card(self, view: object) -> None:
        self.right.setCurrentWidget(self.lesson)
        self.lesson.show_view(view)  # type: ignore[arg-type] # a signal's object; LessonView


def _give_menu(button: QToolButton, names: tuple[str, ...], actions: Mapping[str, QAction]) -> None:
    set_role(button, "menu")
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    menu = QMenu(button)
    for name in names:
        if name:
            menu.addAction(actions[name])
        else:
            menu.addSeparator()
    button.setMenu(menu)
