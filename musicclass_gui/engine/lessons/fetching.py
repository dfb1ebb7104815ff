"""Which windows an example learns from, and reading them from a project in batches. It knows no heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.errors import LessonError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.project.rows import ClassifierRow, EmbeddedRow, ExampleRow
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token

_ROWS_AT_ONCE = 4096  # windows in one batch
_HALF = 0.5 - 1e-9  # of a window, for times that are not exact


def rows_of(embedded: EmbeddedRow, start_s: float | None, end_s: float | None) -> Embeddings:
    """The windows `(n, dim)` that an example learns from: all that are loud, or the loud ones that lie in the span by half at least.

    A span that no loud window lies in by half has the one that it overlaps most; it may be that there is none.
    """
    return np.asarray(embedded.data[windows_of(embedded, start_s, end_s)])


def windows_of(embedded: EmbeddedRow, start_s: float | None, end_s: float | None) -> NDArray[np.bool_]:
    """Which windows those are, `(n,)`."""
    loud = np.asarray(embedded.loud, bool)
    if start_s is None or end_s is None:
        return loud
    times = np.asarray(embedded.spans, np.float64).reshape(-1, 2)
    overlap = _overlap(times, start_s, end_s) * loud
    inside = loud & (overlap >= _HALF * (times[:, 1] - times[:, 0]))
    if not inside.any() and overlap.max(initial=0.0) > 0:
        inside[int(overlap.argmax())] = True
    return np.asarray(inside)


def _overlap(times: NDArray[np.float64], start_s: float, end_s: float) -> NDArray[np.float64]:
    return np.asarray(np.maximum(0.0, np.minimum(times[:, 1], end_s) - np.maximum(times[:, 0], start_s)))


@dataclass
class Reader:
    """Reads what examples of a classifier learn from; a recording that examples in a row are of is read once."""

    project: Project
    row: ClassifierRow
    token: Token | None = None
    _last: EmbeddedRow | None = None

    def rows(self, example: ExampleRow) -> Embeddings:
        """An example's windows `(n, dim)`. Raises LessonError when its recording was never embedded, Cancelled."""
        return rows_of(self.embedded(example), example.start_s, example.end_s)

    def rows_and_spans(self, example: ExampleRow) -> tuple[Embeddings, NDArray[np.float64]]:
        """As `rows`, with the windows' spans `(n, 2)` in seconds."""
        embedded = self.embedded(example)
        chosen = windows_of(embedded, example.start_s, example.end_s)
        return np.asarray(embedded.data[chosen]), np.asarray(embedded.spans, np.float64).reshape(-1, 2)[chosen]

    def embedded(self, example: ExampleRow) -> EmbeddedRow:
        """The embeddings of an example's recording. Raises LessonError when there are none, Cancelled."""
        if self.token:
            self.token.check()
        if self._last is None or self._last.hash != example.hash:
            self._last = self.project.embedded(example.hash, self.row.encoder, self.row.encoder_version, self.row.grid)
        if self._last is None:
            raise LessonError(f"A recording was never listened to with {self.row.encoder}, so it cannot be learned; teach it again.")
        return self._last

    def batches(self, examples: Iterable[ExampleRow]) -> Iterator[tuple[Embeddings, int]]:
        """Windows of several examples at once, and how many examples they come from; examples without windows are left out."""
        held: list[Embeddings] = []
        for example in examples:
            rows = self.rows(example)
            held += [rows] if len(rows) else []
            if sum(map(len, held)) >= _ROWS_AT_ONCE:
                yield np.concatenate(held), len(held)
                held = []
        if held:
            yield np.concatenate(held), len(held)
