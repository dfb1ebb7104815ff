"""Decoding ahead: the next blocks are read in a thread of their own while the last ones are being worked on."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

T = TypeVar("T")

_POLL_S = 0.1


class _End:
    """Closes the queue, with the exception that ended the source, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetched(source: Iterable[T], depth: int = 4) -> Generator[T]:
    """The items of `source`, at most `depth` of them read ahead; its exception is raised where it would have been.

    Whoever may not come to the end closes it before `source`, which is read in another thread until then.
    """
    items: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    stop = threading.Event()
    reader = threading.Thread(target=_fill, args=(source, items, stop), name="prefetch", daemon=True)
    reader.start()
    try:
        yield from _drain(items)
    finally:
        stop.set()
        reader.join()


def _fill(source: Iterable[T], items: queue.Queue[T | _End], stop: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in source:
            if not _put(items, item, stop):
                return
    except BaseException as caught:  # handed to the consumer, which raises it
        error = caught
    _put(items, _End(error), stop)


def _put(items: queue.Queue[T | _End], item: T | _End, stop: threading.Event) -> bool:
    """Wait for room; False when nobody will take the item any more."""
    while not stop.is_set():
        try:
            items.put(item, timeout=_POLL_S)
        except queue.Full:
            continue
        return True
    return False


def _drain(items: queue.Queue[T | _End]) -> Iterator[T]:
    while not isinstance(item := items.get(), _End):
        yield item
    if item.error is not None:
        raise item.error
