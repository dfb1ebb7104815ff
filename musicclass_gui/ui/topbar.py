"""The bar at the top: which recording, the transport, the device in use, the way to every command, the theme.

It is told what to show; each button is an action of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from musicclass_gui.app import words
from musicclass_gui.ui.transport import Transport
from musicclass_gui.ui.widgets import Elided, Styled, set_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction, QIcon

    from musicclass_gui.app.documents import Document
    from musicclass_gui.app.player import Player

_CHANNELS = {1: "mono", 2: "stereo"}


def facts(document: Document) -> str:
    """What kind of recording is open, in one line."""
    recording = document.recording
    if recording is None:
        return {"failed": "Could not be read", "reading": "Opening…"}.get(document.state, "Waveform, mel, genre and composer")
    channels = _CHANNELS.get(recording.channels, f"{recording.channels} channels")
    rate = f"{recording.sample_rate / 1000:g} kHz"
    return " · ".join([recording.format, words.duration(document.duration_s), rate, channels])


class TopBar(Styled):
    """Name and facts at the left, the transport in the middle, device, search and theme at the right."""

    triggered = Signal(str)
    theme_toggled = Signal()
    page_chosen = Signal(str)

    def __init__(self, actions: Mapping[str, QAction], player: Player) -> None:
        super().__init__("topbar")
        self.pages = {"listen": _page_button("Listen", "Open and hear recordings, and read their answers"),
                      "teach": _page_button("Teach", "Your classes, lessons and what they did"),
                      "bench": _page_button("Benchmark", "Run the protocols of published papers on your data")}  # fmt: skip
        self.name = Elided()
        self.facts = Elided(mode=Qt.TextElideMode.ElideRight)
        self.transport = Transport(actions, player)
        self.device = QPushButton("starting…")
        self.search = QPushButton()
        self.theme = QToolButton()
        self._build(actions)

    def show_document(self, document: Document) -> None:
        """Show which recording is open."""
        self.name.set_full(document.path.name if document.path else "No recording open")
        self.facts.set_full(facts(document))
        self.transport.show_duration(document.duration_s if document.recording else float("nan"))

    def show_device(self, device: str) -> None:
        """Show what the analysis runs on."""
        self.device.setText(device)
        self.device.setAccessibleName(f"Analysis device: {device}")

    def show_page(self, name: str) -> None:
        """Show which page is on: "listen", "teach" or "bench"."""
        self.pages[name].setChecked(True)

    def show_icons(self, theme_icon: QIcon, sound_icon: QIcon, search_icon: QIcon) -> None:
        """Show the pictures that belong to no action."""
        self.theme.setIcon(theme_icon)
        self.transport.device.setIcon(sound_icon)
        self.search.setIcon(search_icon)

    def _build(self, actions: Mapping[str, QAction]) -> None:
        box = QHBoxLayout(self)
        box.setContentsMargins(16, 7, 12, 7)
        box.setSpacing(10)
        box.addWidget(self._switch())
        box.addWidget(self._title(), 3)
        box.addWidget(self.transport)
        box.addWidget(self._tools(actions["view.palette"]), 3)

    def _switch(self) -> QWidget:
        switch = Styled("switch")
        box = QHBoxLayout(switch)
        box.setContentsMargins(3, 3, 3, 3)
        box.setSpacing(2)
        for name, button in self.pages.items():
            button.clicked.connect(lambda _on=False, name=name: self.page_chosen.emit(name))
            box.addWidget(button)
        self.show_page("listen")
        return switch

    def _title(self) -> QWidget:
        title = QWidget()
        title.setMinimumWidth(120)
        box = QVBoxLayout(title)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(1)
        set_role(self.name, "name")
        set_role(self.facts, "small")
        box.addWidget(self.name)
        box.addWidget(self.facts)
        return title

    def _tools(self, palette_action: QAction) -> QWidget:
        tools = QWidget()
        tools.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        box = QHBoxLayout(tools)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        self._dress_tools(palette_action)
        box.addStretch()
        for widget in (self.device, self.search, self.theme):
            box.addWidget(widget)
        return tools

    def _dress_tools(self, palette_action: QAction) -> None:
        set_role(self.device, "chip")
        self.device.setToolTip("Analysis runs on this device. Press to choose another.")
        self.device.clicked.connect(lambda: self.triggered.emit("file.preferences"))
        set_role(self.search, "search")
        self.search.setText("Commands   " + palette_action.shortcut().toString())
        self.search.setToolTip("Find anything that can be done by typing a few letters")
        self.search.setAccessibleName("Search commands")
        self.search.clicked.connect(palette_action.trigger)
        self.theme.setIconSize(QSize(18, 18))
        self.theme.setAutoRaise(True)
        self.theme.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.theme.setToolTip("Switch between light and dark")
        self.theme.setAccessibleName("Switch between light and dark")
        self.theme.clicked.connect(self.theme_toggled)


def _page_button(words_: str, tip: str) -> QPushButton:
    button = QPushButton(words_)
    set_role(button, "switch")
    button.setCheckable(True)
    button.setAutoExclusive(True)
    button.setAccessibleName(f"Page: {words_}")
    button.setToolTip(tip)
    return button
