"""Icons of the set in resources/icons, in the colours of a theme, sharp at every size.

The drawings say `currentColor` where the theme's colour goes. It knows no widget and no action.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from musicclass_gui.app.theme import mix
from musicclass_gui.engine import places

if TYPE_CHECKING:
    from musicclass_gui.app.theme import Theme

_SIZES = (16, 20, 24, 32, 48)


def icon(name: str, theme: Theme, colour: str = "") -> QIcon:
    """The icon `name` in `colour` (default: the theme's text colour), paler when disabled, accented when checked.

    Raises FileNotFoundError when there is no such icon.
    """
    drawn = colour or theme.text
    made = QIcon()
    for size in _SIZES:
        shape = pixmap(name, drawn, size)
        made.addPixmap(shape)
        made.addPixmap(_tinted(shape, mix(theme.text_muted, theme.surface, 0.45)), QIcon.Mode.Disabled)
        if not colour:
            made.addPixmap(_tinted(shape, theme.accent), QIcon.Mode.Normal, QIcon.State.On)
    return made


def pixmap(name: str, colour: str, size: int) -> QPixmap:
    """The drawing `name` in `colour`, `size` device-independent pixels square. Raises FileNotFoundError."""
    app = QGuiApplication.instance()
    ratio = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    made = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", colour).encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return made


def _tinted(shape: QPixmap, colour: str) -> QPixmap:
    """The same shape in another colour; much quicker than drawing it again."""
    made = QPixmap(shape)
    painter = QPainter(made)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(QRectF(0, 0, made.width(), made.height()), QColor(colour))
    painter.end()
    return made


@lru_cache(maxsize=128)
def _drawing(name: str) -> str:
    return (places.resources_dir() / "icons" / f"{name}.svg").read_text("utf-8")
