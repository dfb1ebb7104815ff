"""Every icon of the set draws something, in the theme's colours, and the set is consistent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon

from musicclass_gui.app import icons
from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.engine import places

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QPixmap

    from musicclass_gui.app.theme import Theme

FOLDER = places.resources_dir() / "icons"
STYLE_SHEET_ONLY = {"arrow-down", "arrow-up", "check-light", "check-dark", "dock-close", "dock-float", "app"}
SET = sorted(path for path in FOLDER.glob("*.svg") if path.stem not in STYLE_SHEET_ONLY)
WANTED = """
open folder play pause stop loop start back forward zoom-in zoom-out fit volume volume-off search settings cancel retry export
queue answers table warn info chip sun moon check download
"""


@pytest.fixture(autouse=True)
def _app(qapp: object) -> None:
    """Pixmaps need an application."""


def colours(pixmap: QPixmap) -> set[str]:
    """The colours of the opaque pixels."""
    image = pixmap.toImage()
    points = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return {colour.name() for colour in (image.pixelColor(*point) for point in points) if colour.alpha() == 255}


def test_the_set_is_whole() -> None:
    assert set(WANTED.split()) == {path.stem for path in SET}


@pytest.mark.parametrize("path", SET, ids=[path.stem for path in SET])
def test_drawings_are_alike(path: Path) -> None:
    root = ElementTree.fromstring(path.read_text())
    assert (root.get("viewBox"), root.get("stroke"), root.get("stroke-width")) == ("0 0 24 24", "currentColor", "1.75")
    assert not re.search(r"#[0-9a-f]{3}", path.read_text())


@pytest.mark.parametrize("path", SET, ids=[path.stem for path in SET])
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_icons_are_drawn_in_the_themes_colour_and_within_their_square(path: Path, theme: Theme) -> None:
    drawn = icons.icon(path.stem, theme).pixmap(QSize(48, 48))
    assert QColor(theme.text).name() in colours(drawn)
    image = drawn.toImage()
    last = image.width() - 1
    border = [image.pixelColor(x, y).alpha() for i in range(last + 1) for x, y in ((i, 0), (i, last), (0, i), (last, i))]
    assert max(border) == 0


def test_modes_and_states_differ() -> None:
    made = icons.icon("loop", DARK)
    off = colours(made.pixmap(QSize(24, 24)))
    disabled = colours(made.pixmap(QSize(24, 24), QIcon.Mode.Disabled))
    checked = colours(made.pixmap(QSize(24, 24), QIcon.Mode.Normal, QIcon.State.On))
    assert DARK.text in off
    assert DARK.accent in checked
    assert not off & disabled
    assert colours(icons.icon("warn", DARK, DARK.warn).pixmap(QSize(24, 24))) >= {DARK.warn}


def test_unknown_icons_are_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        icons.icon("nonsense", DARK)
