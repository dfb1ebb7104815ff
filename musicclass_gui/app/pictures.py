"""Small pictures of examples: asked for one at a time, what was wanted last first, so that a lesson never waits for many of them."""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.app.jobs import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Key = tuple[str, float | None, float | None]  # content hash, start and end in seconds (None: all of it)
    Ask = Callable[[Key, Callable[[str], None], Callable[[Exception], None]], None]

SHAPE = (24, 64)
_KEPT = 4096  # pictures, 1.5 kB each


class Pictures:
    """Remembers pictures. `ask` is given a key and who to tell: the picture as base64 text, or why there is none."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: OrderedDict[Key, Picture] = OrderedDict()
        self._wanted: OrderedDict[Key, list[Callable[[Picture], None]]] = OrderedDict()
        self._asked: Key | None = None

    def want(self, key: Key, receive: Callable[[Picture], None]) -> None:
        """Give `receive` the picture, at once when it is known. It is not called when there is none."""
        if key in self._known:
            self._known.move_to_end(key)
            receive(self._known[key])
            return
        self._wanted.setdefault(key, []).append(receive)
        self._wanted.move_to_end(key)
        self._next()

    def forget(self) -> None:
        """Another project is open: nobody waits any more, nothing is known."""
        self._known.clear()
        self._wanted.clear()
        self._asked = None

    def _next(self) -> None:
        if self._asked is None and self._wanted:
            key = self._asked = next(reversed(self._wanted))
            self._ask(key, lambda text: self._took(key, text), lambda error: self._lost(key, error))

    def _took(self, key: Key, text: str) -> None:
        picture = np.frombuffer(base64.b64decode(text), np.uint8).reshape(SHAPE)
        self._known[key] = picture
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        for receive in self._over(key):
            receive(picture)

    def _lost(self, key: Key, error: Exception) -> None:
        said(error)  # a fault of the program is reported
        self._over(key)

    def _over(self, key: Key) -> list[Callable[[Picture], None]]:
        """Ask for the next one; who waited for this one."""
        waiting = self._wanted.pop(key, [])
        if self._asked == key:
            self._asked = None
        self._next()
        return waiting
