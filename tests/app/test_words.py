"""Numbers as people say them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicclass_gui.app import words


@pytest.mark.parametrize(
    ("probability", "word", "band"),
    [
        (1.0, "almost certainly", "95–100 %"),
        (0.95, "almost certainly", "95–100 %"),
        (0.9499, "very likely", "80–95 %"),
        (0.8, "very likely", "80–95 %"),
        (0.6, "likely", "60–80 %"),
        (0.35, "maybe", "35–60 %"),
        (0.3499, "unsure", "0–35 %"),
        (0.0, "unsure", "0–35 %"),
        (math.nan, "unsure", "0–35 %"),
    ],
)
def test_confidence(probability: float, word: str, band: str) -> None:
    assert words.confidence_words(probability) == word
    assert words.percent_band(probability) == band


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_probable_is_never_said_weaker(one: float, other: float) -> None:
    order = [word for _, word in words.CONFIDENCE_BANDS]
    low, high = sorted((one, other))
    assert order.index(words.confidence_words(high)) <= order.index(words.confidence_words(low))


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.994, "> 99 %"), (1.0, "100 %"), (math.nan, "– %")],
)
def test_percent_never_rounds_to_certainty(probability: float, text: str) -> None:
    assert words.percent(probability) == text


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [
        (0, "0:00", "0:00.0"),
        (9.96, "0:09", "0:09.9"),
        (59.999, "0:59", "0:59.9"),
        (60, "1:00", "1:00.0"),
        (754.25, "12:34", "12:34.2"),
        (3600, "1:00:00", "1:00:00.0"),
        (36000.05, "10:00:00", "10:00:00.0"),
        (0.3, "0:00", "0:00.3"),
        (-1.5, "−0:01", "−0:01.5"),
        (-0.5, "0:00", "−0:00.5"),
        (math.nan, "–:––", "–:––"),
        (math.inf, "–:––", "–:––"),
    ],
)
def test_clock(seconds: float, short: str, long: str) -> None:
    assert words.clock(seconds) == short
    assert words.clock(seconds, tenths=True) == long


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (math.nan, ""),
        (2, "a few seconds left"),
        (41, "about 45 seconds left"),
        (70, "about 1 minute left"),
        (600, "about 10 minutes left"),
        (3600, "about 1 hour left"),
        (3 * 3600 + 1700, "about 3 h 30 min left"),
    ],
)
def test_eta(seconds: float | None, text: str) -> None:
    assert words.eta(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.41, "0.4 s"), (9.97, "10 s"), (30, "30 s"), (59.7, "1 min"), (185, "3 min 5 s"), (3720, "1 h 2 min"), (math.nan, "unknown length")],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_counts_sizes_and_lists() -> None:
    assert words.counted(1, "recording") == "1 recording"
    assert words.counted(1200, "recording") == "1,200 recordings"
    assert words.counted(2, "class", "classes") == "2 classes"
    assert [words.size(n) for n in (1, 999, 1000, 999_999)] == ["1 byte", "999 bytes", "1.0 kB", "1.0 MB"]
    assert [words.size(n) for n in (17_000_000, 5.2e9)] == ["17.0 MB", "5.2 GB"]
    assert [words.joined(list(parts)) for parts in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
    assert words.span(5, 15) == "0:05–0:15"
    assert (words.hertz(440), words.hertz(4400), words.hertz(999.7)) == ("440 Hz", "4.40 kHz", "1.00 kHz")
    assert (words.decibels(-12.34), words.decibels(-math.inf)) == ("−12.3 dB", "−∞ dB")


@given(st.floats(0, 1e6))
def test_clock_reads_back(seconds: float) -> None:
    parts = [float(part) for part in words.clock(seconds, tenths=True).split(":")]
    read = sum(part * 60**power for power, part in enumerate(reversed(parts)))
    assert -1e-3 <= seconds - read < 0.1 + 1e-3
