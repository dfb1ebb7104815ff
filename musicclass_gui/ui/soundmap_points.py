"""Points of the sound map: how they are marked, which is near, which are inside a lasso, which comes next in a direction.

Plain arithmetic and words; it draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.app.tables import Column, RowsModel
from musicclass_gui.app.theme import LIGHT
from musicclass_gui.ui.classlook import Looks, span_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.project.board import ClassView, Point

    Pixels = NDArray[np.float64]

SYMBOLS = ("o", "s", "t1", "d", "star", "p", "t", "h", "t2", "t3")
_SIZE, _LARGE, _SMALL = 11, 13, 8


@dataclass(frozen=True)
class Mark:
    """How a point is drawn. `symbol` is pyqtgraph's; what is not filled has an outline only. `words` is its line of the key."""

    words: str
    symbol: str
    colour: str
    filled: bool = True
    size: int = _SIZE


class Marks:
    """How all points are drawn: by class, or by whether they are answered right."""

    def __init__(self, classes: Sequence[ClassView], looks: Looks, theme: Theme, *, by_answer: bool) -> None:
        self._by_answer = by_answer
        self._classes = {view.id: Mark(view.name, _symbol(view, len(theme.lanes)), looks.of(view.id).colour) for view in classes}
        self._unknown = Mark("None of these", "+", theme.none, size=_SMALL)
        self._right, self._wrong = Mark("Answered right", "o", theme.good), Mark("Answered wrong", "x", theme.bad, size=_LARGE)
        self._untested = Mark("Not taught, or not tested", "o", theme.none, filled=False, size=_SMALL)

    def of(self, point: Point) -> Mark:
        """A point's mark."""
        if self._by_answer:
            return self._untested if point.cls is None or point.said is None else self._right if point.cls == point.said else self._wrong
        if point.cls is not None:
            return self._classes.get(point.cls, self._unknown)
        answered = self._classes.get(point.said, self._unknown) if point.said is not None else self._unknown
        return Mark(f"Answered as {answered.words}", answered.symbol, answered.colour, filled=False, size=answered.size - 2)


def _symbol(view: ClassView, colours: int) -> str:
    """Another one each time the colours begin anew, so that no two classes look the same; a negative has its class's colour."""
    return "x" if view.role == "negative" else SYMBOLS[(view.colour + view.colour // colours) % len(SYMBOLS)]


def point_words(point: Point, looks: Looks) -> str:
    """A point in words: what it is, what it was taught as, what it is answered as."""
    taught = f"taught as {looks.of(point.cls).name}" if point.cls is not None else "not taught"
    said = f"answered as {looks.of(point.said).name}" if point.said is not None else ""
    return ", ".join(filter(None, [point.name, span_words(point.start_s, point.end_s), taught, said]))


def nearest(places: Pixels, x: float, y: float, reach: float) -> int | None:
    """The point nearest to a place, no farther than `reach`; `places` is (n, 2)."""
    if not len(places):
        return None
    distances = np.hypot(places[:, 0] - x, places[:, 1] - y)
    best = int(np.argmin(distances))
    return best if distances[best] <= reach else None


def towards(places: Pixels, start: int, right: int, down: int) -> int | None:
    """The next point from `start` on to the right (1, 0), up (0, −1) …; None where there is none in that quarter."""
    offset = places - places[start]
    along = offset @ np.array([right, down], dtype=np.float64)
    across = np.abs(offset @ np.array([down, right], dtype=np.float64))
    cost = np.where((along > 0) & (across <= along), along + 2 * across, np.inf)
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else None


def inside(places: Pixels, corners: Pixels) -> list[int]:
    """The points inside a closed line by the even-odd rule; `corners` is (m, 2)."""
    if len(corners) < 3:
        return []
    x, y = places[:, 0, None], places[:, 1, None]
    (x1, y1), (x2, y2) = corners.T, np.roll(corners, -1, axis=0).T
    crosses = (y1 > y) != (y2 > y)
    rise = np.where(y2 == y1, 1.0, y2 - y1)
    left_of = x < (x2 - x1) * (y - y1) / rise + x1
    return [int(place) for place in np.flatnonzero((crosses & left_of).sum(axis=1) % 2)]


@dataclass(frozen=True)
class PointRow:
    """A point with its number on the map and how its classes look."""

    number: int
    point: Point
    taught: str
    colour: str
    said: str


class PointsModel(RowsModel[PointRow]):
    """Points as rows."""

    def __init__(self, theme: Theme = LIGHT) -> None:
        super().__init__(_columns(), theme)

    def show_points(self, points: Sequence[Point], numbers: Sequence[int], looks: Looks) -> None:
        """Have the points with these numbers."""
        rows = [_row(number, points[number], looks) for number in numbers]
        self._show(rows, list(numbers), list(rows))

    def number_at(self, row: int) -> int:
        """The number of the point in a row."""
        return self._rows[row].number

    def row_of(self, number: int) -> int | None:
        """The row of a point."""
        return next((place for place, row in enumerate(self._rows) if row.number == number), None)


def _row(number: int, point: Point, looks: Looks) -> PointRow:
    taught = looks.of(point.cls).name if point.cls is not None else "not taught"
    said = looks.of(point.said).name if point.said is not None else "not tested"
    return PointRow(number, point, taught, looks.of(point.cls).colour, said)


def _columns() -> list[Column[PointRow]]:
    return [
        Column("Name", lambda row: row.point.name, lambda row: row.point.name.casefold(), tip=lambda row: row.point.path),
        Column("Class", lambda row: row.taught, lambda row: row.taught.casefold(), swatch=lambda theme, row: row.colour),
        Column("Answered as", lambda row: row.said, lambda row: row.said.casefold()),
        Column("Part", lambda row: span_words(row.point.start_s, row.point.end_s), lambda row: row.point.start_s or 0.0),
    ]
