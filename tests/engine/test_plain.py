"""Dataclasses as plain values and back: what is not as it should be is said, whatever it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.plain import from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    name: str
    share: float | None = None


@dataclass(frozen=True)
class Outer:
    number: int
    share: float = 0.0
    path: Path = Path()
    inner: list[Inner] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    pair: tuple[float, ...] = ()
    anything: Any = None


def test_values_come_back_as_they_were() -> None:
    value = Outer(3, 0.5, Path("/a/b"), [Inner("x"), Inner("y", 0.25)], {-5: 1, 7: 2}, (1.0, 2.0), {"z": [1, None]})
    assert from_plain(Outer, to_plain(value)) == value
    assert math.isnan(from_plain(Outer, {"number": 1, "share": None}).share)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"number": "x"},
        {"number": True},
        {"number": 1.5},
        {"number": 1, "share": "wide"},
        {"number": 1, "share": 10**400},
        {"number": 1, "path": 7},
        {"number": 1, "inner": [{"share": 0.5}]},
        {"number": 1, "inner": [3]},
        {"number": 1, "counts": {"--5": 1}},
        {"number": 1, "counts": {"9" * 5000: 1}},
        {"number": 1, "pair": "12"},
    ],
)
def test_what_is_something_else_is_said(value: Any) -> None:
    with pytest.raises(DataError):
        from_plain(Outer, value)
