"""The benchmark run that goes on, as its strip shows it: what it does, how far it is, how long the rest will take. It knows no worker."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musicclass_gui.app.jobs import Job

_JUDGED_BY = 12  # cells by whose time the rest is estimated


class Going:
    """The run that goes on: what it does, how many cells are done, and how long the rest will take."""

    def __init__(self) -> None:
        self.job: Job[Any] | None = None
        self.run = 0
        self.text = "Starting"
        self.done = self.total = self.failed = 0
        self._fraction = 0.0
        self._seen: deque[tuple[float, int]] = deque(maxlen=_JUDGED_BY)  # the last cells: when each was through, and how many then were

    def move(self, fraction: float, text: str) -> None:
        """Note what the worker says of the cell, or of the embeddings, it is at."""
        self._fraction = fraction if math.isfinite(fraction) else self._fraction
        self.text = text or self.text

    def count(self, done: int, total: int) -> None:
        """Note how many cells are through."""
        self.done, self.total = done, total
        self._seen.append((time.monotonic(), done))

    @property
    def eta_s(self) -> float | None:
        """Seconds until it is through, once enough cells are."""
        if len(self._seen) < 2 or self._seen[-1][1] <= self._seen[0][1]:
            return None
        (first, before), (last, now) = self._seen[0], self._seen[-1]
        return (last - first) / (now - before) * (self.total - self.done - self.failed)

    @property
    def share(self) -> float:
        """How far it is, 0..1: by cells once there are some, before that by what is said of the embeddings."""
        through = self.done + self.failed
        return min(1.0, through / self.total) if through and self.total else min(1.0, self._fraction)
