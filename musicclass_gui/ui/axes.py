"""Where ticks go and what they say: time, frequency at mel positions, amplitude in dBFS.

The choice of ticks is plain functions; the axis items only hand it to pyqtgraph. It knows no recording.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import pyqtgraph as pg

from musicclass_gui.engine.mel import hz_to_height

if TYPE_CHECKING:
    from PySide6.QtGui import QFont

    from musicclass_gui.app.theme import Theme

_STEPS = (  # seconds between labels, and into how many parts small ticks cut that
    *((unit * 10.0**power, parts) for power in (-4, -3, -2, -1) for unit, parts in ((1, 5), (2, 4), (5, 5))),
    (1, 5), (2, 4), (5, 5), (10, 5), (15, 3), (30, 6), (60, 6), (120, 4), (300, 5), (600, 5), (900, 3),
    (1800, 6), (3600, 6), (7200, 4), (18000, 5),
)  # fmt: skip
_LABEL_ROOM_PX = 96
_HERTZ = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_HERTZ_BETWEEN = (300, 400, 600, 700, 800, 900, 3000, 4000, 6000, 7000, 8000, 9000)
_DECIBELS = (0, -6, -12, -18, -24, -30, -36, -42, -48, -54, -60, -3, -9, -15, -21, -27, -33, -39, -45, -51, -57)
_TICK_ROOM_PX = 22
_TEXT_GAP = 5
_CUT_OFF_PX = 2.5


def time_step(length_s: float, width_px: float) -> tuple[float, int]:
    """Seconds between labelled ticks, and into how many parts small ticks cut that."""
    wanted = length_s * _LABEL_ROOM_PX / max(width_px, 1.0)
    return next((step for step in _STEPS if step[0] >= wanted), _STEPS[-1])


def time_ticks(start_s: float, end_s: float, step_s: float) -> list[float]:
    """The multiples of `step_s` in `[start_s, end_s]`."""
    return [index * step_s for index in range(math.ceil(start_s / step_s - 1e-9), math.floor(end_s / step_s + 1e-9) + 1)]


def time_label(seconds: float, decimals: int = 0) -> str:
    """A time as m:ss or h:mm:ss, with decimals of the second; rounded."""
    units = round(seconds * 10**decimals)
    whole, part = divmod(units, 10**decimals)
    minutes, second = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"
    return f"{text}.{part:0{decimals}d}" if decimals else text


def decimals_for(step_s: float) -> int:
    """How many decimals tell ticks `step_s` apart."""
    return max(0, math.ceil(-math.log10(step_s) - 1e-9))


def hertz_label(hz: float) -> str:
    """A round frequency as an axis says it: “500 Hz”, “2 kHz”."""
    return f"{hz / 1000:g} kHz" if hz >= 1000 else f"{hz:g} Hz"


def thinned(positions: list[tuple[float, str]], px_per_unit: float) -> list[tuple[float, str]]:
    """Ticks in order of importance → those that have room next to the more important ones."""
    kept: list[tuple[float, str]] = []
    for position, text in positions:
        if all(abs(position - other) * px_per_unit >= _TICK_ROOM_PX for other, _ in kept):
            kept.append((position, text))
    return kept


def hertz_ticks(height_px: float, bands: int) -> list[tuple[float, str]]:
    """Labelled frequencies by their height in a mel picture of `bands` bands; none so low that its text would be cut off."""
    by_importance = sorted(_HERTZ, key=lambda hz: (not math.log10(hz).is_integer(), hz))
    heights = [(hz_to_height(hz), hertz_label(hz)) for hz in by_importance]
    return thinned([tick for tick in heights if tick[0] * height_px / bands >= _CUT_OFF_PX], height_px / bands)


@lru_cache(maxsize=8)
def amplitude_ticks(height_px: float, reach: float) -> list[tuple[float, str]]:
    """Amplitudes in −`reach` … `reach` and their labels, in dB relative to full scale."""
    ticks = [(0.0, "−∞ dB")]
    for level in _DECIBELS:
        text = f"{level} dB".replace("-", "−")
        ticks += [(sign * 10 ** (level / 20), text) for sign in (1, -1) if 10 ** (level / 20) <= reach]
    return thinned(ticks, height_px / 2 / reach)


class _QuietAxis(pg.AxisItem):  # type: ignore[misc] # pyqtgraph has no types
    """An axis without a line, with small ticks and quiet text."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.setStyle(
            tickLength=4, tickTextOffset=_TEXT_GAP, autoExpandTextSpace=False, hideOverlappingLabels=False, maxTickLevel=1, maxTextLevel=0
        )

    def set_theme(self, theme: Theme, font: QFont) -> None:
        """Take colours and the size of the text."""
        self.setTickFont(font)
        self.setPen(pg.mkPen(None))
        self.setTickPen(pg.mkPen(theme.border))
        self.setTextPen(pg.mkPen(theme.text_muted))


class TimeAxis(_QuietAxis):
    """The ruler above the waveform."""

    def __init__(self) -> None:
        super().__init__("top")
        self._decimals = 0
        self._known = False

    def set_known(self, known: bool) -> None:
        """Whether there is a recording whose time can be told; without one the ruler is empty."""
        if known != self._known:
            self._known = known
            self.picture = None
            self.update()

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """What pyqtgraph asks: labelled ticks, then small ones."""
        if not self._known:
            return []
        step, parts = time_step(maxVal - minVal, size)
        self._decimals = decimals_for(step)
        return [(step, time_ticks(minVal, maxVal, step)), (step / parts, time_ticks(minVal, maxVal, step / parts))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """What pyqtgraph asks: the text of some ticks; only the labelled ones have any."""
        return [time_label(value, self._decimals) for value in values]


class HertzAxis(_QuietAxis):
    """Frequencies at the left of the mel image."""

    def __init__(self, bands: int) -> None:
        super().__init__("left")
        self._bands = bands

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """What pyqtgraph asks."""
        self._texts = dict(hertz_ticks(size, self._bands))
        between = [hz_to_height(hz) for hz in _HERTZ_BETWEEN]
        return [(10.0, list(self._texts)), (1.0, between)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """What pyqtgraph asks."""
        return [self._texts.get(value, "") for value in values]


class AmplitudeAxis(_QuietAxis):
    """Levels at the left of the waveform."""

    def __init__(self) -> None:
        super().__init__("left")

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """What pyqtgraph asks."""
        self._texts = dict(amplitude_ticks(size, maxVal))
        return [(1.0, list(self._texts))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """What pyqtgraph asks."""
        return [self._texts.get(value, "") for value in values]
