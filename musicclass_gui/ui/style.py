"""What this window adds to the theme's style sheet: the looks of its own parts, from the same colour tokens."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from musicclass_gui.app import theme as themes

if TYPE_CHECKING:
    from musicclass_gui.app.theme import Theme

_SHEET = """
QLabel[class="headline"] { font-size: 19pt; font-weight: 600; }
QLabel[class="lesson"] { font-size: 16pt; font-weight: 600; }
QLabel[class="answer"] { font-size: 20pt; font-weight: 600; }
QLabel[class="answer-none"] { font-size: 20pt; font-weight: 600; color: $text_muted; }
QLabel[class="section"] { color: $text_muted; font-weight: 600; font-size: 9pt; }
QLabel[class="name"] { font-size: 11pt; font-weight: 600; }
QLabel[class="small"] { color: $text_muted; font-size: 9pt; }
QLabel[class="clock"] { font-family: $mono; font-size: 12pt; font-weight: 600; }
QLabel[class="clock-idle"] { font-family: $mono; font-size: 12pt; color: $text_muted; }
QLabel[class="clock-total"] { font-family: $mono; color: $text_muted; }

QToolBar#top_bar { padding: 0; border: none; spacing: 0; }
QFrame[class="topbar"] { background: $surface; border: none; border-bottom: 1px solid $border; }
QFrame[class="notice-info"] { background: $info_ground; border: none; border-bottom: 1px solid $border; }
QFrame[class="notice-warn"] { background: $warn_ground; border: none; border-bottom: 1px solid $border; }
QFrame[class="notice-bad"] { background: $bad_ground; border: none; border-bottom: 1px solid $border; }
QLabel[class="mark-info"] { color: $accent; font-weight: 700; }
QLabel[class="mark-warn"] { color: $warn; font-weight: 700; }
QLabel[class="mark-bad"] { color: $bad; font-weight: 700; }

QToolButton[class="play"] { background: $accent; border: 2px solid $accent; border-radius: 20px; padding: 7px; }
QToolButton[class="play"]:hover { background: $accent_hover; }
QToolButton[class="play"]:focus { border-color: $text; }
QToolButton[class="play"]:disabled { background: $raised; border-color: $border; }

QPushButton[class="row"] { background: transparent; border: 1px solid transparent; text-align: left; padding: 3px 8px; }
QPushButton[class="row"]:hover { background: $raised; }
QPushButton[class="row"]:focus { border: 1px solid $accent; padding: 3px 8px; }
QPushButton[class="chip"] { border-radius: 11px; padding: 2px 10px; min-height: 16px; }
QPushButton[class="chip"]:focus { border: 2px solid $accent; padding: 1px 9px; }
QPushButton[class="search"] { background: $window; color: $text_muted; text-align: left; padding: 5px 12px; }
QPushButton[class="search"]:hover { border-color: $text_muted; }
QPushButton[class="search"]:focus { border: 2px solid $accent; padding: 4px 11px; }

QToolButton[class="menu"] { border-color: $border; padding: 5px 10px; }
QToolButton[class="menu"]:focus { border-color: $accent; }
QToolButton[class="menu"]::menu-indicator { image: none; }
QFrame[class="switch"] { background: $raised; border: 1px solid $border; border-radius: 8px; }
QPushButton[class="switch"] { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 3px 12px; }
QPushButton[class="switch"]:hover { background: $window; }
QPushButton[class="switch"]:checked { background: $surface; border-color: $accent; }
QPushButton[class="switch"]:focus { border: 2px solid $accent; padding: 2px 11px; }

QScrollArea[class="plain"], QScrollArea[class="plain"] > QWidget > QWidget[class="plain"] { background: $window; border: none; }
QDialog#palette { background: $surface; border: 1px solid $border; }
QDialog#palette QListView { border: none; }
QFrame[class="dock-title"] { background: $window; border: none; border-bottom: 1px solid $border; }
QFrame[class="dock-title"] QToolButton { padding: 3px; border-radius: 4px; }
QTableView[class="flat"], QListView[class="flat"] { border: none; }
QTableView[class="flat"]:focus, QListView[class="flat"]:focus { border: none; }
QFrame[class="panel"] { background: $window; border: none; }
"""


def stylesheet(theme: Theme) -> str:
    """The whole style sheet of the window for a theme."""
    tokens = {name: value for name, value in vars(theme).items() if isinstance(value, str)}
    shades = {
        "mono": '"DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace',
        "info_ground": themes.mix(theme.surface, theme.accent, 0.10),
        "warn_ground": themes.mix(theme.surface, theme.warn, 0.14),
        "bad_ground": themes.mix(theme.surface, theme.bad, 0.14),
        "accent_hover": themes.mix(theme.accent, theme.text, 0.12),
    }
    return themes.stylesheet(theme) + string.Template(_SHEET).substitute(tokens | shades)
