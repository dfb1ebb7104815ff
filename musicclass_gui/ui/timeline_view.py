"""The one time axis that all rows of the timeline share: which seconds are in view, and how that changes.

Pure arithmetic with a signal; it must not know any widget, so that every way of moving about has the same rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from musicclass_gui.engine.windows import Span

SHORTEST_S = 0.002  # in view; 88 samples at 44.1 kHz
_PAGE_MARGIN = 0.04  # of the view, kept before what is paged to


class TimeView(QObject):
    """`[start_s, end_s)` of `[0, duration_s)`; emits `changed` after any of them has."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._start, self._end, self._duration = 0.0, SHORTEST_S, 0.0

    @property
    def start_s(self) -> float:
        """The first second in view."""
        return self._start

    @property
    def end_s(self) -> float:
        """The second at the right edge."""
        return self._end

    @property
    def length_s(self) -> float:
        """How many seconds are in view."""
        return self._end - self._start

    @property
    def duration_s(self) -> float:
        """The length of the recording."""
        return self._duration

    @property
    def span(self) -> Span:
        """What is in view."""
        return self._start, self._end

    @property
    def whole(self) -> bool:
        """Whether all of the recording is in view."""
        return self._start <= 0 and self._end >= self._whole_s

    @property
    def _whole_s(self) -> float:
        return max(self._duration, SHORTEST_S)

    def set_duration(self, duration_s: float) -> None:
        """Take a better known length; a view of the whole stays one."""
        was_whole = self.whole
        self._duration = max(0.0, duration_s)
        self._move(*((0.0, self._whole_s) if was_whole else self.span))

    def set_span(self, start_s: float, end_s: float) -> None:
        """Show `[start_s, end_s)`, moved and cut to what there is."""
        self._move(start_s, end_s)

    def fit(self) -> None:
        """Show the whole recording."""
        self._move(0.0, self._whole_s)

    def zoom(self, factor: float, at_s: float) -> None:
        """Multiply the length in view by `factor`, with `at_s` staying where it is on the screen."""
        length = min(max(self.length_s * factor, SHORTEST_S), self._whole_s)
        share = (at_s - self._start) / self.length_s
        start = at_s - share * length
        self._move(start, start + length)

    def pan(self, seconds: float) -> None:
        """Move by `seconds`, as far as the recording goes."""
        self._move(self._start + seconds, self._end + seconds)

    def reveal(self, start_s: float, end_s: float) -> None:
        """Bring a span into view, moving as little as is needed; of one that is too long, its start."""
        if start_s < self._start or end_s - start_s >= self.length_s:
            self.pan(start_s - self._start)
        elif end_s > self._end:
            self.pan(end_s - self._end)

    def page_to(self, at_s: float) -> None:
        """Turn the page so that `at_s` is near the left edge."""
        self.pan(at_s - _PAGE_MARGIN * self.length_s - self._start)

    def _move(self, start: float, end: float) -> None:
        length = min(max(end - start, SHORTEST_S), self._whole_s)
        start = min(max(start, 0.0), self._whole_s - length)
        before = (self._start, self._end)
        self._start, self._end = start, start + length
        if before != self.span or length == self._whole_s:
            self.changed.emit()
