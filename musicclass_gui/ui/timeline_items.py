"""The waveform and the mel image: what is drawn inside the plots.

Both paint in pixels of the viewport, one column per device pixel, from what the picture has for the span in view, so a
frame costs the same for three seconds and for three hours. They know the picture and the theme, no mouse and no player.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QGraphicsObject

from musicclass_gui.engine.mel import FLOOR_DB
from musicclass_gui.engine.picture import BASE
from musicclass_gui.ui.axes import amplitude_ticks
from musicclass_gui.ui.timeline_paint import Scale, colour, draw_pending, draw_selection

if TYPE_CHECKING:
    from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.picture import Picture
    from musicclass_gui.engine.windows import Audio, Span
    from musicclass_gui.ui.timeline_view import TimeView

WAVE_HEIGHT = 1.06  # amplitudes −this … this are in view, unless the recording is quiet
MEL_MAPS = ("magma", "viridis", "grey")

_CURVE_BELOW = 1.5  # samples in a pixel, where a line joins the samples
_SAMPLES_AHEAD = 0.5  # of the view, on both sides
_DOTS_BELOW = 0.12
_DOT_PX = 5.0
Extremes = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Samples:
    """Real samples (mono) of a part of the recording, for a view that is closer than the envelope."""

    start_s: float
    rate: int
    mono: Audio

    @property
    def end_s(self) -> float:
        """Where they end."""
        return self.start_s + self.mono.size / self.rate

    def cover(self, start_s: float, end_s: float) -> bool:
        """Whether they hold all of a span, but for rounding."""
        return self.start_s <= start_s + 1 / self.rate and self.end_s >= end_s - 1 / self.rate

    def extremes(self, start_s: float, end_s: float, columns: int) -> Extremes:
        """Least and greatest sample of each of `columns` equal parts; columns past the end are left out."""
        edges = np.floor((np.linspace(start_s, end_s, columns + 1) - self.start_s) * self.rate + 1e-6).astype(np.int64)
        edges = np.clip(edges, 0, self.mono.size)
        starts = edges[:-1][edges[:-1] < self.mono.size]
        if not starts.size:
            return self.mono[:0], self.mono[:0]
        part = self.mono[: max(edges[-1], starts[-1] + 1)]
        return np.minimum.reduceat(part, starts), np.maximum.reduceat(part, starts)


class _RowItem(QGraphicsObject):
    """Something that fills a plot and paints in its pixels."""

    def __init__(self, box: pg.ViewBox, view: TimeView, theme: Theme) -> None:
        super().__init__(box)
        self._box, self._view, self._theme = box, view, theme
        self._picture: Picture | None = None
        self.setZValue(-1)
        box.sigResized.connect(self._resized)
        view.changed.connect(self._view_moved)

    def set_picture(self, picture: Picture | None) -> None:
        """Show another recording, or none."""
        self._picture = picture
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        self.update()

    def boundingRect(self) -> QRectF:
        """What Qt asks: all of the plot."""
        return QRectF(self._box.rect())

    def _resized(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def _view_moved(self) -> None:
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """What Qt asks."""
        area = self.boundingRect()
        painter.save()
        try:
            painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
            self.draw(painter, area, Scale(self._view.start_s, self._view.end_s, area.left(), max(1.0, area.width())))
        finally:
            painter.restore()

    def draw(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        """Paint what fills `area`."""
        raise NotImplementedError

    def _draw_pending(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        """The part that has not been read."""
        if self._picture is None or self._picture.complete:
            return
        left = max(area.left(), scale.x(self._picture.ready_s))
        right = min(area.right(), scale.x(self._view.duration_s))
        draw_pending(painter, QRectF(left, area.top(), right - left, area.height()), self._theme, "Not read yet")


class WaveItem(_RowItem):
    """The waveform: the envelope, or close up the samples themselves."""

    def __init__(self, box: pg.ViewBox, view: TimeView, theme: Theme) -> None:
        super().__init__(box, view, theme)
        self._samples: Samples | None = None
        self._lines = PrimitiveArray(QLineF, 4)
        self._lines_key: object = None
        self._reach = WAVE_HEIGHT

    def set_picture(self, picture: Picture | None) -> None:
        """Show another recording, or none."""
        self._samples = None
        self.forget()
        super().set_picture(picture)

    def forget(self) -> None:
        """Read the picture anew when painting next."""
        self._lines_key = None
        self.update()

    def set_reach(self, reach: float) -> None:
        """Show amplitudes −reach … reach."""
        self._reach = reach
        self.update()

    def set_samples(self, samples: Samples | None) -> None:
        """Take real samples of a part."""
        self._samples = samples
        self.update()

    def wants_samples(self, scale: Scale) -> bool:
        """Whether the view is closer than the envelope, and the samples for it and a little around it are not here."""
        if self._picture is None or scale.s_per_px * self._picture.sample_rate >= BASE:
            return False
        around = _SAMPLES_AHEAD * (scale.end_s - scale.start_s)
        start_s, end_s = max(0.0, scale.start_s - around), min(scale.end_s + around, self._picture.ready_s)
        return start_s < end_s and not (self._samples and self._samples.cover(start_s, end_s))

    def draw(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        """Paint grid, wave and what is not read yet."""
        painter.fillRect(area, colour(self._theme.surface))
        self._draw_grid(painter, area)
        self._draw_pending(painter, area, scale)
        if self._picture is not None:
            self._draw_wave(painter, area, scale)

    def _y(self, area: QRectF, amplitude: float | NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(area.center().y() - np.asarray(amplitude, np.float64) * (area.height() / 2 / self._reach))

    def _draw_grid(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(QPen(colour(self._theme.grid), 1))
        for amplitude, _ in amplitude_ticks(area.height(), self._reach):
            y = round(float(self._y(area, amplitude))) + 0.5
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
        painter.setPen(QPen(colour(self._theme.wave_dim), 1))
        y = round(float(self._y(area, 0.0))) + 0.5
        painter.drawLine(QLineF(area.left(), y, area.right(), y))

    def _draw_wave(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        samples = self._samples if self._samples and self._samples.cover(scale.start_s, min(scale.end_s, self._ready_s())) else None
        if samples and scale.s_per_px * samples.rate < _CURVE_BELOW:
            self._draw_curve(painter, area, scale, samples)
        else:
            self._draw_columns(painter, area, scale, samples)

    def _ready_s(self) -> float:
        return self._picture.ready_s if self._picture else 0.0

    def _draw_columns(self, painter: QPainter, area: QRectF, scale: Scale, samples: Samples | None) -> None:
        ratio = painter.device().devicePixelRatioF()
        key = (scale, area.top(), area.height(), self._reach, ratio, id(samples))
        if self._lines_key != key:
            self._lay_lines(area, scale, samples, ratio)
            self._lines_key = key
        pen = QPen(colour(self._theme.wave), 1 / ratio)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawLines(*self._lines.drawargs())

    def _lay_lines(self, area: QRectF, scale: Scale, samples: Samples | None, ratio: float) -> None:
        columns = max(1, round(area.width() * ratio))
        mins, maxs = self._extremes(scale.start_s, scale.end_s, columns, samples)
        self._lines.resize(mins.size)
        lines = self._lines.ndarray()
        lines[:, 0] = lines[:, 2] = area.left() + (np.arange(mins.size) + 0.5) * (area.width() / columns)
        lines[:, 1], lines[:, 3] = _joined(self._y(area, maxs), self._y(area, mins), 1 / ratio)

    def _extremes(self, start_s: float, end_s: float, columns: int, samples: Samples | None) -> Extremes:
        if samples:
            return samples.extremes(start_s, end_s, columns)
        assert self._picture is not None
        return self._picture.envelope(start_s, end_s, columns)

    def _draw_curve(self, painter: QPainter, area: QRectF, scale: Scale, samples: Samples) -> None:
        first = max(0, int((scale.start_s - samples.start_s) * samples.rate) - 1)
        last = min(samples.mono.size, int((scale.end_s - samples.start_s) * samples.rate) + 2)
        x = scale.xs(samples.start_s + np.arange(first, last) / samples.rate)
        y = self._y(area, samples.mono[first:last])
        self._lines_key = None
        self._lines.resize(max(0, x.size - 1))
        lines = self._lines.ndarray()
        lines[:, 0], lines[:, 1], lines[:, 2], lines[:, 3] = x[:-1], y[:-1], x[1:], y[1:]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour(self._theme.wave), 1.0))
        painter.drawLines(*self._lines.drawargs())
        if scale.s_per_px * samples.rate < _DOTS_BELOW:
            self._draw_dots(painter, x, y)

    def _draw_dots(self, painter: QPainter, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        pen = QPen(colour(self._theme.wave), _DOT_PX)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)])


def _joined(tops: NDArray[np.float64], bottoms: NDArray[np.float64], least: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns made to touch their neighbours and to be at least `least` high, so that a steep wave has no gaps."""
    tops[1:], bottoms[1:] = np.minimum(tops[1:], bottoms[:-1]), np.maximum(bottoms[1:], tops[:-1])
    return tops, np.maximum(bottoms, tops + least)


class MelItem(_RowItem):
    """The mel image, in the colours of a map, with all below a floor as dark as can be."""

    def __init__(self, box: pg.ViewBox, view: TimeView, theme: Theme) -> None:
        super().__init__(box, view, theme)
        self._look = ("magma", -80.0)
        self._table = colour_table(*self._look, light=not theme.dark)
        self._image: tuple[object, QImage, Span] | None = None
        self._version = 0

    def set_look(self, map_name: str, floor_db: float) -> None:
        """Choose the colour map, one of `MEL_MAPS`, and from which level (dB) on sound is seen."""
        self._look = (map_name, floor_db)
        self.set_theme(self._theme)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours; grey is black on white where the theme is light."""
        self._table = colour_table(*self._look, light=not theme.dark)
        self.forget()
        super().set_theme(theme)

    def set_picture(self, picture: Picture | None) -> None:
        """Show another recording, or none."""
        self.forget()
        super().set_picture(picture)

    def forget(self) -> None:
        """Read the picture anew when painting next."""
        self._image = None
        self.update()

    @property
    def table(self) -> NDArray[np.uint32]:
        """The colour, 0xffRRGGBB, of each of 256 levels."""
        return self._table

    def draw(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        """Paint the image and what is not read yet."""
        painter.fillRect(area, colour(self._theme.surface))
        self._draw_pending(painter, area, scale)
        if self._picture is None:
            return
        image, (start_s, end_s) = self._image_for(self._picture, scale, round(area.width() * painter.device().devicePixelRatioF()))
        if image.width():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(QPointF(scale.x(start_s), area.top()), QPointF(scale.x(end_s), area.bottom())), image)

    def _image_for(self, picture: Picture, scale: Scale, columns: int) -> tuple[QImage, Span]:
        key = (scale.start_s, scale.end_s, columns)
        if self._image is None or self._image[0] != key:
            strip = picture.mel(scale.start_s, scale.end_s, columns)
            self._image = (key, image_of(strip.levels, self._table), (strip.start_s, strip.end_s))
        return self._image[1], self._image[2]


def image_of(levels: NDArray[np.uint8], table: NDArray[np.uint32]) -> QImage:
    """Levels `(bands, columns)`, lowest band first, as an image with the highest band on top."""
    pixels = np.ascontiguousarray(table[levels[::-1]])
    height, width = pixels.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def colour_table(map_name: str, floor_db: float, *, light: bool) -> NDArray[np.uint32]:
    """The colour, 0xffRRGGBB, of each level: the map's lowest up to `floor_db`, its highest at 0 dB."""
    if map_name == "grey":
        shades = np.linspace(255, 0, 256) if light else np.linspace(0, 255, 256)
        map_colours = np.stack([shades] * 3, axis=1)
    else:
        map_colours = pg.colormap.get(map_name).getLookupTable(0, 1, 256)
    decibels = FLOOR_DB * (1 - np.arange(256) / 255)
    share = np.clip((decibels - floor_db) / -min(floor_db, -1.0), 0, 1)
    red, green, blue = np.rint(map_colours[np.rint(share * 255).astype(int)]).astype(np.uint32).T
    return np.asarray(0xFF000000 | red << 16 | green << 8 | blue, np.uint32)


class OverlayItem(_RowItem):
    """What lies over both plots: the selection."""

    def __init__(self, box: pg.ViewBox, view: TimeView, theme: Theme) -> None:
        super().__init__(box, view, theme)
        self._selection: Span | None = None
        self.setZValue(-0.5)

    def set_selection(self, selection: Span | None) -> None:
        """Mark a span, or none."""
        self._selection = selection
        self.update()

    def draw(self, painter: QPainter, area: QRectF, scale: Scale) -> None:
        """Paint the selection."""
        draw_selection(painter, area, scale, self._selection, self._theme)
