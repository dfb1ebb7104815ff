"""The queue: many recordings analysed one after the other, out of the way of the one that is being looked at."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app.documents import QueueRow
from musicclass_gui.app.jobs import said
from musicclass_gui.engine.events import Answered, Event, Finished, Noticed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from musicclass_gui.app.jobs import Job, Lane
    from musicclass_gui.engine.task import Token

    Analysis = Callable[[Callable[[Event], None], Token], None]  # what to tell, when to stop


class Queue(QObject):
    """Rows in order; one is worked on at a time, in `lane`, as `prepare` says. It yields while `hold` is on."""

    changed = Signal()

    def __init__(self, lane: Lane, prepare: Callable[..., Analysis], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[QueueRow] = []
        self.paused = False
        self._held = False
        self._lane = lane
        self._prepare = prepare
        self._job: Job[None] | None = None
        self._current: QueueRow | None = None
        self._worked_s = 0.0
        self._resumed_at: float | None = None

    def add(self, paths: Iterable[Path]) -> None:
        """Put recordings at the end; one that is already waiting or done stays where it is."""
        known = {row.path for row in self.rows}
        self.rows += [QueueRow(path) for path in dict.fromkeys(paths) if path not in known]
        self._next()
        self.changed.emit()

    def retry(self, indices: Iterable[int]) -> None:
        """Analyse rows again that are over."""
        again = {row for row in self._rows(indices) if row.over}
        self.rows = [QueueRow(row.path, fresh=row.state == "done") if row in again else row for row in self.rows]
        self._next()
        self.changed.emit()

    def cancel(self, indices: Iterable[int]) -> None:
        """Stop rows that wait or are being read."""
        self._cancel(self._rows(indices))
        self.changed.emit()

    def remove(self, indices: Iterable[int]) -> None:
        """Take rows away, stopping the one that is being read."""
        chosen = set(self._rows(indices))
        self.rows = [row for row in self.rows if row not in chosen]
        self._cancel(chosen)
        self.changed.emit()

    def clear_done(self) -> None:
        """Take away the rows that are over."""
        self.rows = [row for row in self.rows if not row.over]
        self.changed.emit()

    def pause(self, paused: bool) -> None:
        """Stop after no more than the window at hand, until told to go on."""
        self.paused = paused
        self._steer()
        self._next()
        self.changed.emit()

    def hold(self, held: bool) -> None:
        """Wait while something more urgent is being analysed."""
        self._held = held
        self._steer()
        self._next()
        self.changed.emit()

    @property
    def eta_s(self) -> float | None:
        """Seconds until all rows are over, judged by those that are; None while there is nothing to judge by."""
        left = [row for row in self.rows if not row.over]
        worth = len([row for row in self.rows if row.state == "done"]) + sum(row.progress for row in left)
        return self._worked() / worth * (len(left) - sum(row.progress for row in left)) if left and worth > 0.05 else None

    def _worked(self) -> float:
        return self._worked_s + (time.monotonic() - self._resumed_at if self._resumed_at is not None else 0.0)

    def _rows(self, indices: Iterable[int]) -> list[QueueRow]:
        return [self.rows[index] for index in indices if 0 <= index < len(self.rows)]

    def _cancel(self, rows: Collection[QueueRow]) -> None:
        """Those that wait first, so that none of them is started when the one that is being read stops."""
        for row in rows:
            if row.state == "waiting":
                row.state, row.reason = "cancelled", "Cancelled."
        if self._job is not None and self._current in rows:
            self._job.cancel()
            self._end("cancelled", "Cancelled.")

    def _next(self) -> None:
        """Start the first waiting row, if none is being worked on and one may be."""
        if self._current is not None or self.paused or self._held:
            return
        row = next((row for row in self.rows if row.state == "waiting"), None)
        if row is None:
            return
        self._current, row.state = row, "reading"
        work = partial(self._prepare(row.path, fresh=row.fresh), lambda event: self._lane.post(partial(self._take, row, event)))
        self._job = self._lane.submit(work, done=self._done, failed=self._failed, progress=self._progress)
        self._steer()

    def _steer(self) -> None:
        running = self._current is not None and not self.paused and not self._held
        if running and self._resumed_at is None:
            self._resumed_at = time.monotonic()
        elif not running and self._resumed_at is not None:
            self._worked_s, self._resumed_at = self._worked(), None
        if self._job is not None:
            (self._job.token.resume if running else self._job.token.pause)()

    def _take(self, row: QueueRow, event: Event) -> None:
        if row.over:  # told before, delivered after it was cancelled
            return
        if isinstance(event, Answered):
            row.answers = {answer.classifier: answer for answer in event.answers}
        elif isinstance(event, Finished):
            row.duration_s = event.duration_s
        elif isinstance(event, Noticed):
            row.notices.append(event.text)

    def _progress(self, fraction: float, _text: str) -> None:
        if self._current is not None and fraction == fraction:  # not NaN
            self._current.progress = min(1.0, fraction)
            self.changed.emit()

    def _done(self, _result: object) -> None:
        self._end("done", "")

    def _failed(self, error: Exception) -> None:
        self._end("failed", said(error))

    def _end(self, state: str, reason: str) -> None:
        row, self._current, self._job = self._current, None, None
        if row is not None:
            row.state, row.reason, row.progress = state, reason or " ".join(row.notices), 1.0
        self._steer()
        self._next()
        self.changed.emit()
