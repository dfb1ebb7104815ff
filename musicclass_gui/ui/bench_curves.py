"""Curves of a measure over the sessions: a line for each method and mode, a band from the least to the greatest, what was published dotted.

Where a protocol has no sessions, each row is a point with its interval. It draws what it is given; it knows no worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from musicclass_gui.app import bench_rows, bench_words
from musicclass_gui.app.bench_form import mode_title
from musicclass_gui.engine.benchmark.protocol import PUBLISHED
from musicclass_gui.ui.widgets import Placeholder, set_role, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.bench_rows import Key, Line, Row
    from musicclass_gui.app.theme import Theme

_BAND, _FAINTEST, _CHOSEN = 64, 14, 80  # of 255, for one band; where there are many each is fainter, but not that of the chosen line
_SYMBOLS = ("o", "s", "t", "d", "p", "h", "star", "t1", "t2", "t3", "+", "x")
_MOST_AT_FIRST = 10
_SAMPLE = (36, 16)
_KEY_ROLE = Qt.ItemDataRole.UserRole
_WORDS = "Lines are means over class orders and seeds, bands go from the least to the greatest; choose a line in the list to bring it out."
_DASHED = "Dashed and hollow: as published."
_DOTTED = "Dotted: the paper's own numbers."
_POINTS = "Points are means, bars 95 % intervals (or from the least to the greatest). A large ring: the paper's own number."
_HOLLOW = "Hollow: as published."


@dataclass(frozen=True)
class Trace:
    """A line of the plot: its look stays the same whatever else is shown."""

    key: Key
    title: str
    line: Line
    published: Line
    colour: int
    dashed: bool


class CurvesPanel(QWidget):
    """The plot, and a list in which lines are ticked."""

    def __init__(self, bench: Bench, theme: Theme) -> None:
        super().__init__()
        self._bench, self._theme = bench, theme
        self.plot = pg.PlotWidget()
        self.list = QListWidget()
        self.words = text(_WORDS, "small", wrap=True)
        self.nothing = Placeholder("No curves yet", "They are drawn as soon as there is a result.")
        self.traces: list[Trace] = []
        self._rows: list[Row] = []
        self._metric = ""
        self._hidden: set[Key] = set()
        self._known: set[Key] = set()
        self._run = 0
        self._filling = False
        self._pages = QStackedWidget()
        self._build()
        self.set_theme(theme)

    def show_curves(self, metric: str) -> None:
        """Draw the shown run by a measure."""
        view, self._metric = self._bench.view, metric
        self._pages.setCurrentIndex(0 if view and view.results else 1)
        if view is None:
            return
        if view.run != self._run:
            self._run, self._hidden, self._known = view.run, set(), set()
        self._rows = [row for row in bench_rows.rows(view, metric, single=False) if row.value is not None]
        self.traces = [trace for row in self._rows if (trace := self._trace(row))]
        self._fill_list()
        self._draw()

    def set_theme(self, theme: Theme) -> None:
        """Draw in another theme."""
        self._theme = theme
        self.plot.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.border)
            axis.setTextPen(theme.text_muted)
        self._fill_list()
        self._draw()

    @property
    def _has_sessions(self) -> bool:
        return any(trace.line for trace in self.traces)

    def _trace(self, row: Row) -> Trace | None:
        view = self._bench.view
        assert view is not None
        methods = list(dict.fromkeys(cell.method for cell in view.cells))
        several = len({cell.mode for cell in view.cells}) > 1
        place = methods.index(row.cell.method) if len(methods) > 1 else self._rows.index(row)
        line, printed = (draw(view, row.cells, self._metric) for draw in (bench_rows.curve, bench_rows.published_curve))
        return Trace(row.key, self._title(row), line, printed, place, several and row.cell.mode == PUBLISHED)

    def _title(self, row: Row) -> str:
        """What tells a row from the others, in words."""
        protocol = self._bench.shown
        titles = {method.id: method.title for method in protocol.methods} if protocol else {}
        texts = [titles.get(row.cell.method, row.cell.method), row.cell.task, row.cell.features, mode_title(row.cell.mode).lower()]
        varying = [len({one.key[place] for one in self._rows}) > 1 for place in (0, 2, 3, 1)]
        return " · ".join(part for part, tells in zip(texts, varying, strict=True) if tells and part) or texts[0]

    # The list

    def _fill_list(self) -> None:
        self._filling = True
        current = self.list.currentRow()
        self.list.clear()
        first = self._at_first()
        for trace in self.traces:
            if trace.key not in self._known:
                self._known.add(trace.key)
                if trace.key not in first and self._has_sessions:
                    self._hidden.add(trace.key)
            item = QListWidgetItem(self._sample(trace), self._listed(trace))
            item.setData(_KEY_ROLE, trace.key)
            item.setToolTip(trace.title)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked if trace.key in self._hidden else Qt.CheckState.Checked)
            self.list.addItem(item)
        self.list.setCurrentRow(min(current, self.list.count() - 1))
        self._filling = False

    def _listed(self, trace: Trace) -> str:
        """A line's name in the list; a point has its number before it, which stands below it in the plot."""
        return trace.title if self._has_sessions else f"{self.traces.index(trace) + 1}   {trace.title}"

    def _at_first(self) -> set[Key]:
        """The rows that are drawn at first: all where they are few, or else the first ones of the last mode."""
        view = self._bench.view
        keys = list(bench_rows.grouped(view.cells, single=False)) if view else []
        if len(keys) > _MOST_AT_FIRST:
            keys = [key for key in keys if key[1] == keys[-1][1]][:_MOST_AT_FIRST]
        return set(keys)

    def _tick_all(self, on: bool) -> None:
        self._hidden = set() if on else {trace.key for trace in self.traces}
        self._fill_list()
        self._draw()

    def _sample(self, trace: Trace) -> QIcon:
        picture = QPixmap(*_SAMPLE)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(self._colour(trace)), 2.4)
        if trace.dashed:
            pen.setDashPattern([2.2, 1.6])
        painter.setPen(pen)
        painter.drawLine(1, 8, _SAMPLE[0] - 1, 8)
        painter.setPen(QPen(QColor(self._colour(trace)), 1.6))
        painter.setBrush(QColor(self._theme.surface if trace.dashed else self._colour(trace)))
        painter.drawEllipse(QRectF(_SAMPLE[0] / 2 - 3.5, 4.5, 7, 7))
        painter.end()
        return QIcon(picture)

    def _ticked(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        key = item.data(_KEY_ROLE)
        key = tuple(key)
        self._hidden = self._hidden - {key} if item.checkState() == Qt.CheckState.Checked else self._hidden | {key}
        self._draw()

    # The plot

    def _draw(self) -> None:
        self.plot.clear()
        shown = [trace for trace in self.traces if trace.key not in self._hidden]
        if self._has_sessions:
            self._draw_lines(shown)
        else:
            self._draw_points([row for row in self._rows if row.key not in self._hidden])
        self.words.setText(self._explained(shown))
        self.plot.setAccessibleDescription("; ".join(map(self._spoken, shown)) or "Nothing is ticked.")

    def _explained(self, shown: Sequence[Trace]) -> str:
        if not self._has_sessions:
            return f"{_POINTS} {_HOLLOW}" if any(one.dashed for one in shown) else _POINTS
        parts = (_WORDS, _DASHED if any(one.dashed for one in shown) else "", _DOTTED if any(one.published for one in shown) else "")
        return " ".join(filter(None, parts))

    def _draw_lines(self, shown: Sequence[Trace]) -> None:
        count = max((point[0] for trace in self.traces for point in trace.line), default=1)
        ticks = [(session, f"Session {session}") for session in range(1, count + 1)]
        self.plot.getAxis("bottom").setTicks([ticks])
        self.plot.showGrid(x=False, y=True, alpha=0.18)
        for trace in shown:
            self._draw_band(trace, len(shown))
        for trace in shown:
            self._draw_line(trace, current=self._current() == trace.key)
        self._fit_y([value for trace in shown for point in (*trace.line, *trace.published) for value in point[1:]])
        self.plot.setXRange(0.55, count + 0.45, padding=0)

    def _draw_band(self, trace: Trace, shown: int) -> None:
        if not any(most > least for _, _, least, most in trace.line):
            return
        sessions = [point[0] for point in trace.line]
        edges = [pg.PlotDataItem(sessions, [self._scaled(point[place]) for point in trace.line]) for place in (2, 3)]
        colour = QColor(self._colour(trace))
        colour.setAlpha(_CHOSEN if self._current() == trace.key else max(_FAINTEST, round(_BAND / max(1, shown))))
        self.plot.addItem(pg.FillBetweenItem(*edges, brush=pg.mkBrush(colour)))

    def _draw_line(self, trace: Trace, *, current: bool) -> None:
        colour = self._colour(trace)
        style = Qt.PenStyle.DashLine if trace.dashed else Qt.PenStyle.SolidLine
        pen = pg.mkPen(colour, width=4 if current else 2.2, style=style)
        sessions = [point[0] for point in trace.line]
        symbol = _SYMBOLS[trace.colour % len(_SYMBOLS)]
        look = {"symbol": symbol, "symbolSize": 8, "symbolBrush": colour, "symbolPen": pg.mkPen(self._theme.surface, width=0.8)}
        if trace.dashed:
            look |= {"symbolBrush": self._theme.surface, "symbolPen": pg.mkPen(colour, width=1.6)}
        self.plot.plot(sessions, [self._scaled(point[1]) for point in trace.line], pen=pen, **look)
        if trace.published:
            dots = pg.mkPen(colour, width=1.6, style=Qt.PenStyle.DotLine)
            ring = {"symbol": "o", "symbolSize": 9, "symbolBrush": None, "symbolPen": pg.mkPen(colour, width=1.4)}
            values = [self._scaled(point[1]) for point in trace.published]
            self.plot.plot([point[0] for point in trace.published], values, pen=dots, **ring)

    def _draw_points(self, rows: Sequence[Row]) -> None:
        traces = {trace.key: trace for trace in self.traces}
        numbers = {trace.key: str(number) for number, trace in enumerate(self.traces, 1)}
        self.plot.getAxis("bottom").setTicks([[(place, numbers[row.key]) for place, row in enumerate(rows)]])
        self.plot.showGrid(x=False, y=True, alpha=0.18)
        for place, row in enumerate(rows):
            self._draw_point(place, row, traces[row.key])
        ends = [value for row in rows for value in (row.value, row.low, row.high, row.least, row.most, row.published)]
        self._fit_y([value for value in ends if value is not None])
        self.plot.setXRange(-0.6, max(1, len(rows)) - 0.4, padding=0)

    def _draw_point(self, place: int, row: Row, trace: Trace) -> None:
        colour = self._colour(trace)
        look = {"symbol": "o", "symbolSize": 11, "symbolBrush": colour, "symbolPen": None}
        if trace.dashed:
            look |= {"symbolBrush": self._theme.surface, "symbolPen": pg.mkPen(colour, width=2)}
        low, high = (row.low, row.high) if row.low is not None else (row.least, row.most)
        if low is not None and high is not None:
            self.plot.plot([place, place], [self._scaled(low), self._scaled(high)], pen=pg.mkPen(colour, width=3))
        if row.value is not None:
            self.plot.plot([place], [self._scaled(row.value)], pen=None, **look)
        if row.published is not None:
            ring = pg.mkPen(self._theme.text, width=1.6)
            self.plot.plot([place], [self._scaled(row.published)], pen=None, symbol="o", symbolSize=16, symbolBrush=None, symbolPen=ring)

    def _fit_y(self, values: Sequence[float]) -> None:
        if not values:
            return
        low, high = self._scaled(min(values)), self._scaled(max(values))
        room = max((high - low) * 0.08, 0.5 if bench_words.is_percent(self._metric) else 0.005)
        top = min(high + room, 103.0) if bench_words.is_percent(self._metric) and high <= 100 else high + room
        self.plot.setYRange(low - room, top, padding=0)
        self.plot.setLabel("left", bench_words.title(self._metric) + (", %" if bench_words.is_percent(self._metric) else ""))

    def _scaled(self, value: float) -> float:
        return value * 100 if bench_words.is_percent(self._metric) else value

    def _colour(self, trace: Trace) -> str:
        return self._theme.lanes[trace.colour % len(self._theme.lanes)]

    def _current(self) -> Key | None:
        item = self.list.currentItem()
        return tuple(item.data(_KEY_ROLE)) if item is not None and self.list.hasFocus() else None

    def _spoken(self, trace: Trace) -> str:
        values = ", ".join(bench_words.value(point[1], self._metric) for point in trace.line)
        return f"{trace.title}: {values}"

    def _build(self) -> None:
        side = QSplitter(Qt.Orientation.Horizontal)
        side.setChildrenCollapsible(False)
        side.addWidget(self.plot)
        side.addWidget(self._side())
        side.setStretchFactor(0, 1)
        side.setSizes([540, 320])
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(12, 10, 12, 8)
        box.setSpacing(6)
        box.addWidget(side, 1)
        box.addWidget(self.words)
        for one in (page, self.nothing):
            self._pages.addWidget(one)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self._dress()

    def _side(self) -> QWidget:
        side = QWidget()
        box = QVBoxLayout(side)
        box.setContentsMargins(8, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(text("Shown", "section"), 1)
        for words_, on in (("All", True), ("None", False)):
            button = QPushButton(words_)
            set_role(button, "chip")
            button.setAccessibleName(f"Shown: {words_}")
            button.clicked.connect(lambda _clicked=False, on=on: self._tick_all(on))
            row.addWidget(button)
        box.addLayout(row)
        box.addWidget(self.list, 1)
        return side

    def _dress(self) -> None:
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self.plot.setAccessibleName("Curves over the sessions")
        self.list.setAccessibleName("Lines of the plot")
        self.list.setAccessibleDescription("Space shows or hides a line.")
        self.list.setIconSize(QSize(*_SAMPLE))
        self.list.setMinimumWidth(170)
        self.list.setWordWrap(True)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)  # or long names stay cut when there is more room
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(self._ticked)
        self.list.currentRowChanged.connect(lambda _row: None if self._filling else self._draw())
