"""A benchmark's numbers for people: values, differences, intervals, counts and verdicts as text. It knows no Qt and no worker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from musicclass_gui.app import words
from musicclass_gui.engine.benchmark.measures import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.app.bench_plain import ProtocolView
    from musicclass_gui.engine.benchmark.data import Count
    from musicclass_gui.engine.benchmark.protocol import About
    from musicclass_gui.engine.benchmark.runs import RunRow

NOTHING = "–"
_MOST_PARTS = 6
LEVELS = {"clear": ("Clear", "good"), "note": ("Note", "warn"), "leak": ("Leak", "bad")}


def is_percent(metric: str) -> bool:
    """Whether a measure is shown in per cent."""
    return METRICS[metric].percent if metric in METRICS else False


def title(metric: str) -> str:
    """A measure's name."""
    return METRICS[metric].title if metric in METRICS else metric.replace("_", " ").capitalize()


def formula(metric: str) -> str:
    """How a measure is computed, as a line."""
    return METRICS[metric].formula if metric in METRICS else ""


def value(number: float | None, metric: str) -> str:
    """A value, such as "67.6 %" or "0.4567"."""
    if number is None or not math.isfinite(number):
        return NOTHING
    return f"{number * 100:.1f} %" if is_percent(metric) else f"{number:.4f}"


def bare(number: float | None, metric: str) -> str:
    """A value without its unit, for narrow cells: "67.6"."""
    return value(number, metric).removesuffix(" %")


def change(number: float | None, metric: str) -> str:
    """A difference with its sign: "+1.4" points, "−0.0123"."""
    if number is None or not math.isfinite(number):
        return NOTHING
    shown = f"{number * 100:+.1f}" if is_percent(metric) else f"{number:+.4f}"
    if not any(digit in shown for digit in "123456789"):
        return "±" + shown[1:]
    return shown.replace("-", "−")


def between(low: float | None, high: float | None, metric: str) -> str:
    """Two ends: "61.9–72.8"."""
    if low is None or high is None:
        return ""
    return f"{bare(low, metric)}–{bare(high, metric)}".replace("-", "−")


def count_line(count: Count) -> tuple[str, str, str, str]:
    """What, found, published, and how they agree, as texts."""
    if not count.published:
        return count.what, f"{count.found:,}", NOTHING, "not published"
    difference = count.found - count.published
    agrees = "as published" if not difference else f"{abs(difference):,} {'more' if difference > 0 else 'fewer'}"
    return count.what, f"{count.found:,}", f"{count.published:,}", agrees


def estimate(about: About) -> str:
    """What a run will take, in a sentence."""
    takes = words.eta(about.seconds).removesuffix(" left")
    return (
        ", ".join(filter(None, (f"{words.counted(about.cells, 'result')} to compute", takes, f"{words.size(about.disk_bytes)} on disk")))
        + "."
    )


def split_line(about: About) -> str:
    """The sizes of the split's parts; of many parts, such as folds, only how many there are and how large."""
    sizes = [len(keys) for keys in about.split.values()]
    if len(sizes) <= _MOST_PARTS:
        return " · ".join(f"{name} {size:,}" for name, size in zip(about.split, sizes, strict=True))
    least, most = min(sizes), max(sizes)
    each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{len(sizes)} parts of {each} items, such as “{next(iter(about.split))}”"


def run_title(row: RunRow, protocols: Sequence[ProtocolView], *, going: bool = False) -> str:
    """A kept run in a line: its number, protocol, data, encoder, and how far it came, or that it goes on."""
    known = {one.id: one.title for one in protocols}
    parts = [known.get(row.config.protocol, row.config.protocol), row.config.dataset, row.config.encoder]
    far = " (running)" if going else "" if row.done >= row.total else f" ({row.done} of {row.total})"
    return f"{row.id}: {' · '.join(filter(None, parts))}{far}"


def began(row: RunRow) -> str:
    """When a run was begun, to the minute, and on what."""
    return row.made_at[:16].replace("T", " ")
