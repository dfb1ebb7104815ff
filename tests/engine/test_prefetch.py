"""Decoding ahead must change nothing but the time it takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from musicclass_gui.engine.prefetch import prefetched

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_items_arrive_in_order() -> None:
    assert list(prefetched(range(1000), depth=3)) == list(range(1000))


def test_the_source_s_exception_comes_after_its_items() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("torn")

    items = prefetched(source())
    assert next(items) == 1
    with pytest.raises(ValueError, match="torn"):
        next(items)


def test_no_more_than_depth_items_are_read_ahead() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    items = prefetched(source(), depth=2)
    next(items)
    threading.Event().wait(0.2)
    assert len(taken) <= 4  # one given, two waiting, one in hand
    items.close()


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    items = prefetched(iter(range(10**9)))
    next(items)
    items.close()
    assert threading.active_count() == before
