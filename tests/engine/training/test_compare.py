"""Encoders side by side: the lines of the card, and that the card says what the command measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musicclass_gui.engine import encoders
from musicclass_gui.engine.build import one_thread
from musicclass_gui.engine.encoders import house
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.training import compare, sounds
from musicclass_gui.engine.training.compare import Row

if TYPE_CHECKING:
    from pathlib import Path


def row(encoder: str, collection: str, head: str, shots: int, accuracy: float) -> Row:
    return Row(encoder, collection, head, shots, accuracy, [accuracy - 0.1, accuracy + 0.1], 20)


def test_lines_stand_by_collection_and_head_with_encoders_together() -> None:
    found = [row(e, c, h, s, 0.5) for e in ("x", "y") for c in ("a", "b") for h in ("centers", "gaussian") for s in (1, 0)]
    lines = compare.markdown(found)
    assert lines[:3] == [
        "| a, 20 | centers | x | 50.0 (40–60) | 50.0 (40–60) |",
        "| a, 20 | centers | y | 50.0 (40–60) | 50.0 (40–60) |",
        "| a, 20 | gaussian | x | 50.0 (40–60) | 50.0 (40–60) |",
    ]
    assert len(lines) == 8


def test_the_card_says_what_the_command_measures(data_dir: Path) -> None:
    """Processors differ in the last digits, which may turn a recording or two."""
    with one_thread():
        found = compare.rows(sounds.find(data_dir), encoders.load("house-v1"), Token())
    card = house.weights_file().with_name("README.md").read_text("utf-8").splitlines()
    for line in compare.markdown(found):
        start = line.split(" | ")[:3]
        (said,) = [one for one in card if one.split(" | ")[:3] == start]
        here, there = ([float(cell.split(" (")[0].strip(" |")) for cell in one.split(" | ")[3:]] for one in (line, said))
        n = int(start[0].split(",")[1])
        assert there == pytest.approx(here, abs=200 / n), line
