"""Figures of a report as SVG: curves with bands, bars with intervals, heat maps. Text and numbers in, a drawing out; nothing else is known.

Lines and text take the page's text colour, so that a figure is right on light and dark and on paper; series have colours that are legible
on both.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.benchmark.report_rows import Curve

COLOURS = ("#3b82d6", "#e0752d", "#2e9e6b", "#c8509a", "#8a6fd6", "#a8871c", "#2399ad", "#d64545", "#7a8794")
DASHES = ("", "7 3", "2 3")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _LEGEND = 760, 390, 56, 30, 44, 210
_LINE, _CELL = 18, 34
_SHORT = 3  # letters that fit over a field


def curves(found: Sequence[Curve], printed: Sequence[Curve], axis: str, *, percent: bool) -> str:
    """Lines over sessions with bands from least to greatest, a legend in the order of where they end; `printed` as crosses."""
    sessions = sorted({session for one in found for session in one.sessions})
    values = [value for one in (*found, *printed) for value in (*one.least, *one.most)]
    plot = _Plot((sessions[0], sessions[-1]), _ticks(values), max(_HEIGHT, _TOP + _BOTTOM + _LINE * (len(found) + 1)))
    names = [one.name for one in found]
    parts = [plot.frame(sessions, axis, percent=percent)]
    parts += [plot.band(one, names.index(one.name)) for one in found]
    parts += [plot.line(one, names.index(one.name)) for one in found]
    parts += [plot.crosses(one, names.index(one.name)) for one in printed if one.name in names]
    parts.append(plot.legend(sorted(found, key=lambda one: -one.mean[-1]), names, crosses=bool(printed)))
    return _svg(_WIDTH, plot.height, parts, f"{axis} after each session")


class _Plot:
    """The plane of a plot: from values to places."""

    def __init__(self, ends: tuple[float, float], ticks: Sequence[float], height: int) -> None:
        self._first, self._last = ends
        self._ticks, self._low, self._high, self.height = ticks, ticks[0], ticks[-1], height

    def x(self, value: float) -> float:
        return _LEFT + (value - self._first) / (self._last - self._first) * (_WIDTH - _LEFT - _LEGEND - 12)

    def y(self, value: float) -> float:
        return self.height - _BOTTOM - (value - self._low) / (self._high - self._low) * (self.height - _TOP - _BOTTOM)

    def frame(self, sessions: Sequence[int], axis: str, *, percent: bool) -> str:
        right = self.x(self._last)
        lines = [
            f'<path d="M{_LEFT} {self.y(tick):.1f}H{right:.1f}" stroke="currentColor" stroke-opacity="0.15"/>'
            + _text(_LEFT - 8, self.y(tick) + 4, _number(tick, percent=percent), "end")
            for tick in self._ticks
        ]
        below = [_text(self.x(session), self.height - _BOTTOM + 18, str(session), "middle") for session in sessions]
        names = [
            _text((_LEFT + right) / 2, self.height - 6, "Session", "middle"),
            _text(4, 11, axis + (" in %" if percent else ""), "start"),
        ]
        return "".join((*lines, *below, *names))

    def band(self, one: Curve, number: int) -> str:
        edge = [*zip(one.sessions, one.most, strict=True), *reversed([*zip(one.sessions, one.least, strict=True)])]
        places = " ".join(f"{self.x(session):.1f},{self.y(value):.1f}" for session, value in edge)
        return f'<polygon points="{places}" fill="{_colour(number)}" fill-opacity="0.10"/>'

    def line(self, one: Curve, number: int) -> str:
        spots = [(self.x(session), self.y(value)) for session, value in zip(one.sessions, one.mean, strict=True)]
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_colour(number)}"/>' for x, y in spots)
        return f'<polyline points="{places}" fill="none" stroke-width="2" {_stroke(number)}/>{dots}'

    def crosses(self, one: Curve, number: int) -> str:
        spots = [(self.x(session), self.y(value)) for session, value in zip(one.sessions, one.mean, strict=True)]
        return "".join(_cross(x, y, _colour(number)) for x, y in spots)

    def legend(self, ordered: Sequence[Curve], names: Sequence[str], *, crosses: bool) -> str:
        left = _WIDTH - _LEGEND + 8
        parts = []
        for place, one in enumerate(ordered):
            y = _TOP + 8 + place * _LINE
            swatch = f'<line x1="{left}" x2="{left + 26}" y1="{y}" y2="{y}" stroke-width="2" {_stroke(names.index(one.name))}/>'
            parts.append(swatch + _text(left + 32, y + 4, one.name, "start"))
        y = _TOP + 8 + len(ordered) * _LINE
        more = [_cross(left + 13, y, "currentColor"), _text(left + 32, y + 4, "published", "start")] if crosses else []
        return "".join((*parts, *more))


def bars(names: Sequence[str], values: Sequence[tuple[float, float | None, float | None, float | None]], *, percent: bool) -> str:
    """Horizontal bars; each value comes with the ends of its interval and the published value, a cross, where there are such."""
    every = [number for value in values for number in value if number is not None]
    low, high = min(0.0, *every), max(1.0 if percent else 0.0, *every)
    left, width = 300, _WIDTH - 300 - 70
    parts = []
    for place, (name, (value, start, end, printed)) in enumerate(zip(names, values, strict=True)):
        y = 6 + place * 24
        at = [left + (number - low) / (high - low) * width for number in (min(0.0, value), max(0.0, value))]
        parts.append(f'<rect x="{at[0]:.1f}" y="{y}" width="{at[1] - at[0]:.1f}" height="16" fill="{COLOURS[0]}" fill-opacity="0.75"/>')
        parts += [_text(left - 8, y + 12, name, "end"), _text(_WIDTH - 56, y + 12, _number(value, percent=percent, digits=1), "start")]
        if start is not None and end is not None:
            ends = [left + (number - low) / (high - low) * width for number in (start, end)]
            parts.append(
                f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y + 8}" y2="{y + 8}" stroke="currentColor" stroke-width="1.5"/>'
            )
        if printed is not None:
            parts.append(_cross(left + (printed - low) / (high - low) * width, y + 8, COLOURS[1]))
    return _svg(_WIDTH, 12 + 24 * len(names), parts, "Values with 95 % intervals; a cross is the published value")


def heat(rows: Sequence[str], columns: Sequence[str], shares: Sequence[Sequence[float | None]], texts: Sequence[Sequence[str]]) -> str:
    """A grid of fields, each as strong as its share of 1, with a text in it; None leaves a field empty."""
    slanted = max(map(len, columns)) > _SHORT
    left, top = 8 + 7 * max(map(len, rows)), 8 + 6 * max(map(len, columns)) if slanted else 18
    width, height = left + _CELL * len(columns) + (8 + 5 * len(columns[-1]) if slanted else 4), top + _CELL * len(rows) + 4
    parts = [_text(left - 6, top + _CELL * (place + 0.62), name, "end") for place, name in enumerate(rows)]
    for place, name in enumerate(columns):
        x, y = left + _CELL * (place + (0.55 if slanted else 0.5)), top - 6
        word = _text(0, 0, name, "start" if slanted else "middle")
        parts.append(f'<g transform="translate({x:.1f} {y}){" rotate(-45)" if slanted else ""}">{word}</g>')
    for line, (values, words) in enumerate(zip(shares, texts, strict=True)):
        for place, (share, word) in enumerate(zip(values, words, strict=True)):
            parts.append(_field(left + _CELL * place, top + _CELL * line, share, word))
    return _svg(width, height, parts, "Rows are true, columns said" if rows == columns else "Accuracy by session")


def _field(x: float, y: float, share: float | None, word: str) -> str:
    if share is None:
        return ""
    strong = min(1.0, max(0.0, share))
    place = f'x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_CELL - 2}"'
    box = f'<rect {place} fill="{COLOURS[0]}" fill-opacity="{0.06 + 0.64 * strong:.3f}"/>'
    return box + _text(x + _CELL / 2, y + _CELL * 0.62, word, "middle")


def _ticks(values: Sequence[float]) -> list[float]:
    """Round numbers from below the least value to above the greatest; 0 and 1 are among them where all lie between."""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    wanted = max(high - low, 1e-6) / 6
    size = 10.0 ** math.floor(math.log10(wanted))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= wanted * (1 - 1e-9))
    return [round(number * step, 9) for number in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _stroke(number: int) -> str:
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    return f'stroke="{_colour(number)}"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _cross(x: float, y: float, colour: str) -> str:
    path = f"M{x - 4:.1f} {y - 4:.1f}L{x + 4:.1f} {y + 4:.1f}M{x - 4:.1f} {y + 4:.1f}L{x + 4:.1f} {y - 4:.1f}"
    return f'<path d="{path}" stroke="{colour}" stroke-width="1.5" fill="none"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'


def _number(value: float, *, percent: bool, digits: int = 0) -> str:
    return (f"{value * 100:.{digits}f}" if percent else f"{value:.{digits + 2}f}").replace("-", "−")


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
    return f'{opening}font-family="sans-serif" font-size="12"><title>{escape(title)}</title>{"".join(parts)}</svg>'
