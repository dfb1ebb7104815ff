"""Numbers as people say them: chances, times, counts, sizes. Pure text; it knows no Qt and no state."""

from __future__ import annotations

import math

CONFIDENCE_BANDS: tuple[tuple[float, str], ...] = (
    (0.95, "almost certainly"),
    (0.80, "very likely"),
    (0.60, "likely"),
    (0.35, "maybe"),
    (0.0, "unsure"),
)
"""From which calibrated probability on which word is used; the highest band that fits counts."""

_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def confidence_words(probability: float) -> str:
    """The word for a calibrated probability, by `CONFIDENCE_BANDS`; NaN is "unsure"."""
    return next((word for low, word in CONFIDENCE_BANDS if probability >= low), "unsure")


def percent_band(probability: float) -> str:
    """The band of `CONFIDENCE_BANDS` that a probability is in, such as "80–95 %"; NaN is the lowest."""
    lows = [low for low, _ in CONFIDENCE_BANDS]
    highs = [1.0, *lows[:-1]]
    band = next((pair for pair in zip(lows, highs, strict=True) if probability >= pair[0]), (lows[-1], highs[-1]))
    return f"{band[0] * 100:.0f}–{band[1] * 100:.0f} %"


def percent(probability: float) -> str:
    """A probability in whole per cent; never "0 %" or "100 %" for what is not quite that."""
    if math.isnan(probability):
        return "– %"
    if 0 < probability < 0.01:
        return "< 1 %"
    if 0.99 < probability < 1:
        return "> 99 %"
    return f"{probability * 100:.0f} %"


def clock(seconds: float, *, tenths: bool = False) -> str:
    """A time as m:ss or, from an hour on, h:mm:ss; with `tenths`, one more decimal. Cut, not rounded. NaN is "–:––"."""
    if not math.isfinite(seconds):
        return "–:––"
    ticks = math.floor(abs(seconds) * 10 + 1e-6)
    minutes, rest = divmod(ticks, 600)
    hours, minutes = divmod(minutes, 60)
    shown = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    text = f"{shown}:{rest // 10:02d}" + (f".{rest % 10}" if tenths else "")
    return "−" + text if seconds < 0 and (ticks if tenths else ticks // 10) else text


def span(start_s: float, end_s: float, *, tenths: bool = False) -> str:
    """A stretch of time, such as "0:05–0:15"."""
    return f"{clock(start_s, tenths=tenths)}–{clock(end_s, tenths=tenths)}"


def eta(seconds: float | None) -> str:
    """How long something will still take, in words; empty when nobody knows."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 55:
        return f"about {math.ceil(seconds / 5) * 5} seconds left"
    if seconds < 3300:
        return f"about {counted(max(1, round(seconds / 60)), 'minute')} left"
    hours, minutes = divmod(round(seconds / 300) * 5, 60)
    return f"about {hours} h {minutes} min left" if minutes else f"about {counted(hours, 'hour')} left"


def duration(seconds: float) -> str:
    """A length in words: "0.4 s", "30 s", "3 min 5 s", "1 h 2 min"; "unknown length" for NaN."""
    if not math.isfinite(seconds):
        return "unknown length"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    return _two(minutes // 60, "h", minutes % 60, "min")


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big} {big_unit} {small} {small_unit}" if small else f"{big} {big_unit}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, "1 recording" or "1,200 recordings"; `plural` where an s is not enough."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number_of_bytes: float) -> str:
    """A file size in decimal units: "1 byte", "17.0 MB"."""
    if number_of_bytes < 1000:
        return counted(int(number_of_bytes), "byte")
    steps = min(int(math.log10(number_of_bytes * 1.0005) // 3), len(_SIZES) - 1)
    return f"{number_of_bytes / 1000**steps:.1f} {_SIZES[steps]}"


def hertz(frequency: float) -> str:
    """A frequency: "440 Hz", "4.40 kHz"."""
    return f"{frequency:.0f} Hz" if frequency < 999.5 else f"{frequency / 1000:.2f} kHz"


def decibels(level: float) -> str:
    """A level relative to full scale: "−12.3 dB", "−∞ dB" for silence."""
    if level == -math.inf or math.isnan(level):
        return "−∞ dB"
    return f"{level:.1f} dB".replace("-", "−")


def joined(parts: list[str]) -> str:
    """Parts as in a sentence: "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
