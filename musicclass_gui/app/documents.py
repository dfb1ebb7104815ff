"""What the session holds: the open document and the rows of the queue, as plain data that views read."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from musicclass_gui.engine.export import Result

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.audio import Recording
    from musicclass_gui.engine.picture import Picture


class Change(Enum):
    """What a view may have to draw anew."""

    RECORDING = auto()
    PICTURE = auto()
    ANSWERS = auto()
    PROGRESS = auto()
    NOTICE = auto()
    QUEUE = auto()
    DEVICE = auto()
    SELECTION = auto()
    SETTINGS = auto()
    BOARD = auto()
    LESSON = auto()
    PLAN = auto()


@dataclass
class Document:
    """The recording that is open. `state` is "empty", "reading", "ready", "failed" or "cancelled"."""

    path: Path | None = None
    state: str = "empty"
    recording: Recording | None = None
    error: str = ""
    picture: Picture | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    answered_s: float = 0.0
    progress: float = math.nan
    notices: list[str] = field(default_factory=list)
    from_cache: bool = False
    devices: dict[str, str] = field(default_factory=dict)  # encoder id → what it ran on
    started_at: float = field(default_factory=time.monotonic)
    real_duration_s: float = math.nan

    @property
    def duration_s(self) -> float:
        """The best known length: what was read when all is read, else what the header says, else what is read so far."""
        said = self.recording.duration_s if self.recording else math.nan
        candidates = (self.real_duration_s, said, self.picture.ready_s if self.picture else math.nan)
        return next((seconds for seconds in candidates if math.isfinite(seconds)), 0.0)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the reading ends, once there is something to judge by."""
        if self.state != "reading" or not self.progress > 0.01:
            return None
        return (time.monotonic() - self.started_at) * (1 - self.progress) / self.progress

    def result(self) -> Result:
        """The document as exports write it."""
        if self.path is None:
            raise ValueError("nothing is open")
        return Result(self.path, self.duration_s, list(self.answers.values()), self.error or None, self.notices)


@dataclass(eq=False)
class QueueRow:
    """One recording of the queue, equal to itself only. `state` is "waiting", "reading", "done", "failed" or "cancelled"."""

    path: Path
    state: str = "waiting"
    reason: str = ""
    progress: float = 0.0
    answers: dict[str, Answer] = field(default_factory=dict)
    duration_s: float = math.nan
    notices: list[str] = field(default_factory=list)
    fresh: bool = False  # analyse it anew, whatever the cache has

    @property
    def over(self) -> bool:
        """Whether nothing will happen to this row unless the user asks."""
        return self.state in ("done", "failed", "cancelled")

    def result(self) -> Result:
        """The row as exports write it."""
        error = self.reason or "This recording has not been analysed yet." if self.state != "done" else None
        return Result(self.path, self.duration_s, list(self.answers.values()), error, self.notices)
