"""Where panels are: the docks, how the layout is kept between sessions, and the way back to the first one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QTabWidget, QToolBar, QWidget

from musicclass_gui.ui.widgets import Styled, icon_button, text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

    from musicclass_gui.app.settings import Settings

VERSION = 2  # of the docks; a kept layout of another version is not used
_FIRST_SIZE = (1280, 800)
_WIDE = 1600


class DockTitle(Styled):
    """A dock's name with buttons to float and to close it, which have spoken names as Qt's own have not."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__("dock-title")
        self.float_button = icon_button(QIcon(), f"Float {dock.windowTitle()}", "Float, or put back", size=12)
        self.close_button = icon_button(QIcon(), f"Close {dock.windowTitle()}", "Close; the View menu brings it back", size=12)
        self.float_button.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        self.close_button.clicked.connect(dock.close)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 8, 4)
        row.setSpacing(2)
        row.addWidget(text(dock.windowTitle(), "section"), 1)
        row.addWidget(self.float_button)
        row.addWidget(self.close_button)

    def set_icons(self, float_icon: QIcon, close_icon: QIcon) -> None:
        """Show the buttons' pictures."""
        self.float_button.setIcon(float_icon)
        self.close_button.setIcon(close_icon)


def add_top_bar(window: QMainWindow, content: QWidget) -> QToolBar:
    """Put `content` across the whole top of the window."""
    bar = QToolBar("Top bar", window)
    bar.setObjectName("top_bar")
    bar.setMovable(False)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    bar.setContentsMargins(0, 0, 0, 0)
    bar.toggleViewAction().setVisible(False)
    bar.addWidget(content)
    window.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)
    return bar


def add_dock(window: QMainWindow, name: str, title: str, area: Qt.DockWidgetArea, content: QWidget) -> QDockWidget:
    """Put `content` in a dock that can be moved, closed and floated."""
    dock = QDockWidget(title, window)
    dock.setObjectName(name)
    dock.setWidget(content)
    dock.setTitleBarWidget(DockTitle(dock))
    window.addDockWidget(area, dock)
    return dock


def tabs_dock(window: QMainWindow, name: str, title: str, tabs: QTabWidget) -> QDockWidget:
    """A dock at the bottom whose tabs are its title."""
    tabs.setDocumentMode(True)
    tabs.setAccessibleName(title)
    tabs.tabBar().setAccessibleName(f"{title}: tabs")
    dock = add_dock(window, name, title, Qt.DockWidgetArea.BottomDockWidgetArea, tabs)
    dock.setTitleBarWidget(QWidget(dock))
    return dock


def first_layout(window: QMainWindow, answers: QDockWidget, tables: QDockWidget) -> None:
    """The layout that a new user sees, for the size that the window has."""
    for dock, area in ((answers, Qt.DockWidgetArea.RightDockWidgetArea), (tables, Qt.DockWidgetArea.BottomDockWidgetArea)):
        dock.setFloating(False)
        window.addDockWidget(area, dock)
        dock.show()
    give_corner(window)
    width = 640 if window.width() >= _WIDE else 396
    window.resizeDocks([answers], [width], Qt.Orientation.Horizontal)
    window.resizeDocks([tables], [max(190, window.height() // 4)], Qt.Orientation.Vertical)


def give_corner(window: QMainWindow) -> None:
    """On a wide window the answers stand side by side and need less height, so the tables may have the whole width."""
    area = Qt.DockWidgetArea.BottomDockWidgetArea if window.width() >= _WIDE else Qt.DockWidgetArea.RightDockWidgetArea
    window.setCorner(Qt.Corner.BottomRightCorner, area)


def keep(window: QMainWindow, docked: QMainWindow, settings: Settings) -> None:
    """Remember where the window is, and the docks of the one in it."""
    settings.set("geometry", _text(window.saveGeometry()))
    settings.set("window_state", _text(docked.saveState(VERSION)))


def restore(window: QMainWindow, docked: QMainWindow, settings: Settings) -> bool:
    """Put the window, and the docks of the one in it, back where they were; False when that is not known."""
    if not window.restoreGeometry(_bytes(settings.get("geometry"))):
        window.resize(*_FIRST_SIZE)
    docked.resize(window.size())
    give_corner(docked)
    return docked.restoreState(_bytes(settings.get("window_state")), VERSION)


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _bytes(kept: str) -> QByteArray:
    return QByteArray.fromBase64(kept.encode())
