"""The transport: to start, play, loop, the clock, volume and the output device.

It shows the player and asks it; what the keys do is in the action table.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from musicclass_gui.app import words
from musicclass_gui.ui.widgets import set_role, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction, QIcon

    from musicclass_gui.app.player import Player

_SHORT_S = 10.0  # a length below this is given in tenths
_DEFAULT_DEVICE = "System default"


class Transport(QWidget):
    """Buttons of the playing actions around the clock. Signals carry what the user asked for."""

    volume_changed = Signal(float)
    device_chosen = Signal(str)

    def __init__(self, actions: Mapping[str, QAction], player: Player) -> None:
        super().__init__()
        self._player = player
        self._chosen_device = ""
        self.play = _play_button(actions["play.toggle"])
        self.clock = text("0:00.0", "clock")
        self.total = text("", "clock-total")
        self.volume = self._slider()
        self.device = QToolButton()
        self.device_menu = QMenu(self.device)
        self._build(actions)
        player.moved.connect(self.show_position)

    def show_position(self, position_s: float) -> None:
        """Show where playing is."""
        self.clock.setText(words.clock(position_s, tenths=True))
        self.clock.setAccessibleName(f"Position {self.clock.text()}")

    def show_duration(self, duration_s: float) -> None:
        """Show how long the recording is; NaN when there is none."""
        known = math.isfinite(duration_s)
        set_role(self.clock, "clock" if known else "clock-idle")
        self.total.setText(f"/ {_length(duration_s)}" if known else "")
        widest = words.clock(duration_s if known else 0.0, tenths=True)
        self.clock.setMinimumWidth(self.clock.fontMetrics().horizontalAdvance(widest) + 6)
        self.show_position(self._player.position_s)

    def show_playing(self, icon: QIcon, *, playing: bool) -> None:
        """Show whether the big button plays or pauses."""
        self.play.setIcon(icon)
        self.play.setAccessibleName("Pause" if playing else "Play")

    def show_sound(self, volume: float, device: str, problem: str) -> None:
        """Show the loudness (0 to 1), the chosen output device, and why there is no sound, if there is none."""
        self._chosen_device = device
        self.volume.blockSignals(True)
        self.volume.setValue(round(volume * 100))
        self.volume.blockSignals(False)
        self.volume.setToolTip(f"Volume {self.volume.value()} %")
        self.device.setToolTip(problem or f"Sound goes to: {device or _DEFAULT_DEVICE}")

    def _build(self, actions: Mapping[str, QAction]) -> None:
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(_action_button(actions["play.start"], 18))
        box.addWidget(self.play)
        box.addWidget(_action_button(actions["play.loop"], 18))
        box.addSpacing(8)
        for label in (self.clock, self.total):
            box.addWidget(label, 0, Qt.AlignmentFlag.AlignVCenter)
        box.addSpacing(10)
        self._build_device()
        box.addWidget(self.device)
        box.addWidget(self.volume)

    def _build_device(self) -> None:
        self.device.setIconSize(QSize(18, 18))
        self.device.setAutoRaise(True)
        self.device.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.device.setAccessibleName("Output device")
        self.device.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.device.setMenu(self.device_menu)
        self.device_menu.aboutToShow.connect(self._fill_device_menu)

    def _slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setPageStep(10)
        slider.setFixedWidth(84)
        slider.setAccessibleName("Volume")
        slider.valueChanged.connect(self._volume_moved)
        return slider

    def _volume_moved(self, value: int) -> None:
        self.volume.setToolTip(f"Volume {value} %")
        self.volume_changed.emit(value / 100)

    def _fill_device_menu(self) -> None:
        self.device_menu.clear()
        group = QActionGroup(self.device_menu)
        for name in ["", *self._player.devices()]:
            action = self.device_menu.addAction(name or _DEFAULT_DEVICE)
            action.setCheckable(True)
            action.setChecked(name == self._chosen_device)
            action.setData(name)
            group.addAction(action)
        group.triggered.connect(lambda action: self.device_chosen.emit(action.data()))
        if self._player.problem:
            self.device_menu.addSeparator()
            self.device_menu.addAction(self._player.problem).setEnabled(False)


def _length(duration_s: float) -> str:
    return words.clock(duration_s, tenths=True) if duration_s < _SHORT_S else words.clock(round(duration_s))


def _play_button(action: QAction) -> QToolButton:
    """The big button. It takes all from its action but the picture, which must stand out on the accent colour."""
    button = QToolButton()
    set_role(button, "play")
    button.setIconSize(QSize(20, 20))
    button.setFixedSize(40, 40)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName("Play")
    button.clicked.connect(action.trigger)

    def follow() -> None:
        button.setEnabled(action.isEnabled())
        button.setToolTip(action.toolTip())

    action.changed.connect(follow)
    follow()
    return button


def _action_button(action: QAction, size: int) -> QToolButton:
    """A picture button that is the action: its state, tool tip and shortcut are the action's."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setIconSize(QSize(size, size))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text().replace("&", ""))
    return button
