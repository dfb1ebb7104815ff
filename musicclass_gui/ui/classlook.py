"""How a class looks wherever a project shows one: its colour, its letters, its kind and its quality in words.

Colour never stands alone: the letters are on it. It must not know the session or any panel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from musicclass_gui.app import theme as themes
from musicclass_gui.app import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPaintEvent

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import ClassView

QUALITY_BANDS: tuple[tuple[float, str], ...] = ((0.9, "Very reliable"), (0.75, "Reliable"), (0.5, "Fair"), (0.0, "Unreliable"))
"""From which share of right answers on held-out recordings on which word is used."""

_SWATCH = QSize(26, 17)


@dataclass(frozen=True)
class Look:
    """What a class is shown by."""

    name: str
    colour: str
    code: str


class Looks:
    """The looks of all classes of a classifier in one theme; each is made when it is asked for, since there may be thousands."""

    def __init__(self, classes: Sequence[ClassView] = (), theme: Theme = themes.LIGHT) -> None:
        self._theme = theme
        self._views = {view.id: view for view in classes}
        self._ids = {view.name: view.id for view in classes}
        self._names = list(self._ids)
        self._none = Look("None of these", theme.none, themes.class_letter(None, ()))
        self._made: dict[int, Look] = {}

    def of(self, cls: int | None) -> Look:
        """The look of a class by its id; None, and what is not known, look like none of these."""
        if cls is None or cls not in self._views:
            return self._none
        if cls not in self._made:
            self._made[cls] = self._make(self._views[cls])
        return self._made[cls]

    def named(self, name: str) -> Look:
        """The look of a class by its name."""
        return self.of(self._ids.get(name))

    def _make(self, view: ClassView) -> Look:
        lanes = self._theme.lanes
        return Look(view.name, lanes[view.colour % len(lanes)], themes.class_letter(view.name, self._names))


def draw_swatch(painter: QPainter, box: QRectF, look: Look) -> None:
    """A rounded patch in the class's colour with its letters on it."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(look.colour))
    painter.drawRoundedRect(box, 4, 4)
    font = painter.font()
    font.setPixelSize(max(8, round(box.height() * 0.68)))
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor(themes.on_colour(look.colour)))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, look.code)
    painter.restore()


def swatch_icon(look: Look) -> QIcon:
    """The patch as an icon, for lists and menus."""
    app = QGuiApplication.instance()
    ratio = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    made = QPixmap((_SWATCH.toSizeF() * ratio).toSize())
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    draw_swatch(painter, QRectF(0, 0, _SWATCH.width(), _SWATCH.height()), look)
    painter.end()
    return QIcon(made)


class Swatch(QWidget):
    """The patch as a widget."""

    def __init__(self) -> None:
        super().__init__()
        self._look = Look("", themes.LIGHT.none, "")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_look(self, look: Look) -> None:
        """Show another class."""
        self._look = look
        self.update()

    def sizeHint(self) -> QSize:
        """What Qt asks: the room it would like."""
        return _SWATCH

    def paintEvent(self, event: QPaintEvent) -> None:
        """What Qt asks: draw it."""
        draw_swatch(QPainter(self), QRectF(self.rect()), self._look)


def role_words(view: ClassView, classes: Sequence[ClassView]) -> str:
    """What kind of class it is, where that is not the ordinary one: "background", "not piano"."""
    if view.role == "background":
        return "background"
    if view.role == "negative":
        return f"not {next((other.name for other in classes if other.id == view.of), 'another class')}"
    return ""


def quality_words(view: ClassView) -> str:
    """How often the class was right in the last test, in a word and per cent, or why that is not known."""
    if view.quality is None:
        return (view.quality_note[:1].upper() + view.quality_note[1:]) or "Not tested yet"
    word = next(word for low, word in QUALITY_BANDS if view.quality >= low)
    return f"{word}, right on {words.percent(view.quality)}"


def count_words(view: ClassView) -> str:
    """How much a class was taught with, and how much of that came with the program or a pack."""
    recordings = len({example.hash for example in view.examples})
    parts = []
    if view.examples:
        spans = len(view.examples)
        parts.append(words.counted(recordings, "recording") if spans == recordings else f"{spans:,} clips of {recordings:,} recordings")
        parts.append(words.duration(view.seconds))
    if view.base:
        parts.append(f"{view.base_recordings:,} built in")
    return " · ".join(parts) or "No recordings yet"


def span_words(start_s: float | None, end_s: float | None) -> str:
    """A stretch of a recording, or that it is all of it."""
    if start_s is None and end_s is None:
        return "all of it"
    return words.span(start_s or 0.0, end_s if end_s is not None else float("nan"))
