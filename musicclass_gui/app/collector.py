"""Python's search for garbage, on the main thread and nowhere else.

Left to itself it runs in whichever thread happens to allocate, and frees there what it finds: a widget or an item of a scene that is
freed in the thread of a lane takes the program with it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 1000


class Collector(QObject):
    """Looks for garbage from time to time, as much as has been allocated since; `stop` gives that back to Python."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()  # modules and classes stay: looking through them, now or later, costs a frame
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Look through what is young, and through all when that was often enough."""
        for age, (count, limit) in reversed(list(enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)))):
            if count > limit:
                gc.collect(age)
                return

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
