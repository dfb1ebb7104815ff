"""Menus, shortcuts and palette entries made from the one table of actions.

Which function an action runs is bound by its id; the table says everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QIcon, QKeySequence
from PySide6.QtWidgets import QMenu

from musicclass_gui.app.actions import ACTIONS, BY_ID, MENUS
from musicclass_gui.ui.palette import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from PySide6.QtWidgets import QMainWindow

    from musicclass_gui.app.actions import Action
    from musicclass_gui.app.session import Session


class ActionSet:
    """The table's actions as Qt's, by id, owned by `window`."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.by_id: dict[str, QAction] = {action.id: _qt_action(action, window) for action in ACTIONS}
        self.menus: dict[str, QMenu] = {}
        self._icon: Callable[[str], QIcon] | None = None
        self._drawn: set[str] = set()
        for action in ACTIONS:
            self._place(action)

    def bind(self, handlers: Mapping[str, Callable[[], object]]) -> None:
        """Let each action run its handler. Raises KeyError for an action that has none."""
        for name, action in self.by_id.items():
            action.triggered.connect(_without_state(handlers[name]))

    def set_icons(self, icon: Callable[[str], QIcon], at_once: Collection[str]) -> None:
        """Draw the pictures `at_once` anew, and all others when the menu that they are in is opened: drawing all takes 50 ms."""
        self._icon, self._drawn = icon, set()
        self._draw([action for action in ACTIONS if action.icon in at_once])

    def _draw(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if action.icon and action.id not in self._drawn and self._icon is not None:
                self._drawn.add(action.id)
                self.by_id[action.id].setIcon(self._icon(action.icon))

    def refresh(self, session: Session) -> None:
        """Enable and tick what the session says."""
        for action in ACTIONS:
            made = self.by_id[action.id]
            made.setEnabled(action.enabled(session))
            if action.checked is not None:
                made.setChecked(action.checked(session))
            if action.words is not None:
                made.setText(action.words(session) or action.text)

    def entries(self) -> list[Entry]:
        """Every action as the palette lists it."""
        return [self._entry(action) for action in ACTIONS]

    def _entry(self, action: Action) -> Entry:
        made = self.by_id[action.id]
        return Entry(f"{action.menu.split('/')[0]} › {action.full_text}", keys_text(action), made.trigger, made.isEnabled())

    def _place(self, action: Action) -> None:
        made = self.by_id[action.id]
        menu = self._menu(action.menu, starts_group=action.starts_group)
        if action.starts_group and menu.actions():
            menu.addSeparator()
        menu.addAction(made)

    def _menu(self, path: str, *, starts_group: bool = False) -> QMenu:
        """The menu at `path`, made if it is not there, with all menus above it."""
        if path not in self.menus:
            above, _, _ = path.rpartition("/")
            menu = QMenu(MENUS[path], self._window)
            if above:
                self._add_submenu(self._menu(above), menu, starts_group=starts_group)
            else:
                self._window.menuBar().addMenu(menu)
            menu.aboutToShow.connect(lambda: self._draw(action for action in ACTIONS if action.menu == path))
            self.menus[path] = menu
        return self.menus[path]

    def _add_submenu(self, above: QMenu, menu: QMenu, *, starts_group: bool) -> None:
        if starts_group and above.actions():
            above.addSeparator()
        above.addMenu(menu)


def keys_text(action: Action) -> str:
    """An action's shortcut as this system writes it, or empty."""
    sequences = action.sequences()
    return sequences[0].toString(QKeySequence.SequenceFormat.NativeText) if sequences else ""


def tip(name: str) -> str:
    """An action's tip with its shortcut."""
    keys = keys_text(BY_ID[name])
    words = BY_ID[name].tip.removesuffix(".")
    return f"{words} ({keys})" if keys else words


def _qt_action(action: Action, window: QMainWindow) -> QAction:
    made = QAction(action.text, window)
    made.setObjectName(action.id)
    made.setCheckable(action.checkable)
    made.setIconVisibleInMenu(not action.checkable)  # beside a picture a menu shows no tick, only another colour
    made.setShortcuts(action.sequences())
    made.setMenuRole(action.role)
    made.setToolTip(tip(action.id))
    made.setStatusTip(action.tip)
    window.addAction(made)
    return made


def _without_state(handler: Callable[[], object]) -> Callable[[bool], None]:
    def run(_checked: bool = False) -> None:
        handler()

    return run
