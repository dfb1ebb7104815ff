"""The token that everything taking longer than 100 ms is given: cancel, pause and progress.

It knows nothing of threads' owners or of Qt; whoever starts the work listens to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from musicclass_gui.engine.errors import Cancelled

ProgressListener = Callable[[float, str], None]


class Token:
    """Cancel and progress for one piece of work; safe to use from several threads."""

    def __init__(self, listener: ProgressListener | None = None) -> None:
        self._listener = listener
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to stop; it raises `Cancelled` at its next `check`."""
        self._cancelled.set()
        self._running.set()

    def pause(self) -> None:
        """Hold the work at its next `check` until `resume` or `cancel`."""
        if not self.cancelled:
            self._running.clear()

    def resume(self) -> None:
        """Let paused work go on."""
        self._running.set()

    @property
    def paused(self) -> bool:
        """Whether the work is held."""
        return not self._running.is_set()

    def check(self) -> None:
        """Wait while paused; raise `Cancelled` when the work was asked to stop."""
        self._running.wait()
        if self.cancelled:
            raise Cancelled("Cancelled.")

    def progress(self, fraction: float, text: str = "") -> None:
        """Report how far the work is (0..1, or NaN when unknown) and what it is doing."""
        if self._listener is not None:
            self._listener(fraction, text)
