"""Small mel pictures of examples, as pixmaps: asked for when they come into sight, kept for when they come again.

It asks the session's teaching and knows no view; `arrived` says that what was missing can be drawn now.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QPixmap

from musicclass_gui.engine.mel import FLOOR_DB
from musicclass_gui.ui.timeline_items import colour_table, image_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.app.session import Session
    from musicclass_gui.app.theme import Theme

PICTURE = (64, 24)  # width and height in pixels
_KEPT = 4000  # of 8 kB each
_GATHER_MS = 40
Key = tuple[str, float | None, float | None]


class Pictures(QObject):
    """The pictures that one panel shows, in the colours that the timeline's mel picture has."""

    arrived = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._theme = session, theme
        self._bands: OrderedDict[Key, NDArray[np.uint8]] = OrderedDict()
        self._drawn: dict[Key, QPixmap] = {}
        self._look: tuple[str, bool] = ("", False)
        self._table: NDArray[np.uint32] = np.empty(0, np.uint32)
        self._wanted: dict[Key, None] = {}
        self._asked: set[Key] = set()
        self._timer = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._timer.timeout.connect(self._ask)

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme

    def pixmap(self, content_hash: str, start_s: float | None, end_s: float | None) -> QPixmap | None:
        """The picture of a recording or a span of it; None while it is on its way."""
        key = (content_hash, start_s, end_s)
        if key in self._bands:
            return self._painted(key)
        if key not in self._asked:
            self._wanted[key] = None
            self._timer.start()
        return None

    def forget_wishes(self) -> None:
        """Let what was asked for and never came be asked for again."""
        self._asked.clear()

    def _ask(self) -> None:
        wanted, self._wanted = list(self._wanted), {}
        self._asked.update(wanted)
        for key in wanted:
            self._session.teaching.picture(*key, partial(self._take, key))

    def _take(self, key: Key, bands: NDArray[np.uint8]) -> None:
        """Keep the picture `bands` (24, 64), the lowest band first."""
        self._bands[key] = bands
        self._asked.discard(key)
        while len(self._bands) > _KEPT:
            self._drawn.pop(self._bands.popitem(last=False)[0], None)
        self.arrived.emit()

    def _painted(self, key: Key) -> QPixmap:
        look = (str(self._session.settings.get("mel_map")), not self._theme.dark)
        if look != self._look:
            self._look, self._table = look, colour_table(look[0], FLOOR_DB, light=look[1])
            self._drawn.clear()
        if key not in self._drawn:
            self._drawn[key] = QPixmap.fromImage(image_of(self._bands[key], self._table))
        self._bands.move_to_end(key)
        return self._drawn[key]
