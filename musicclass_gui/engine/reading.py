"""Reading ahead: several files are hashed, decoded, resampled and cut in threads, while the encoder works elsewhere.

What is found comes as messages through one inbox of bounded size, so that a recording of ten hours needs no more memory than a
short one. It knows no encoder, no project and no cache; nothing here is lasting.
"""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

from musicclass_gui.engine.audio import Resampler, content_hash, open_blocks, probe, to_mono
from musicclass_gui.engine.errors import AudioError, Cancelled
from musicclass_gui.engine.project.tags import Tags, read_tags
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from musicclass_gui.engine.audio import Blocks
    from musicclass_gui.engine.windows import Grid, Window

_ROOM = 32  # windows that may wait: 20 MB at most with the encoders that there are
_POLL_S = 0.1


@dataclass(frozen=True)
class Hashed:
    """The content hash of a file."""

    path: Path
    hash: str


@dataclass(frozen=True)
class Cut:
    """The next window of a file; `share` of the file is read (0..1, NaN when unknown)."""

    path: Path
    window: Window
    loud: bool
    share: float


@dataclass(frozen=True)
class Read:
    """A file is read to its end: how long it really is, what was wrong with it, what its tags say (nothing where nobody asked)."""

    path: Path
    duration_s: float
    notices: list[str] = field(default_factory=list)
    tags: Tags = field(default_factory=Tags)


@dataclass(frozen=True)
class Failed:
    """A file cannot be read, or not on to its end."""

    path: Path
    reason: str


Message = Hashed | Cut | Read | Failed


class Readers:
    """Threads that read: one that hashes, `ahead` that decode. A context manager, which ends them.

    What is asked for is answered by messages: `hash` by one `Hashed` or `Failed`, `decode` by `Cut`s and one `Read` or `Failed`.
    """

    def __init__(self, grid: Grid, sample_rate: int, ahead: int, *, tags: bool = True) -> None:
        self.ahead = ahead
        self._grid, self._rate, self._tags = grid, sample_rate, tags
        self._inbox: queue.Queue[Message | BaseException] = queue.Queue(_ROOM)
        self._open = 0  # what was asked for and has not been answered to the end
        self._stop = Token()
        self._hashing = ThreadPoolExecutor(1, "hash")
        self._decoding = ThreadPoolExecutor(ahead, "decode")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.cancel()
        for pool in (self._hashing, self._decoding):
            pool.shutdown(cancel_futures=True)

    @property
    def at_rest(self) -> bool:
        """Whether no message will come until something is asked for."""
        return not self._open

    def hash(self, path: Path) -> None:
        """Ask for a file's content hash."""
        self._open += 1
        self._hashing.submit(self._guarded, path, partial(self._hash, path))

    def decode(self, path: Path) -> None:
        """Ask for a file's windows."""
        self._open += 1
        self._decoding.submit(self._guarded, path, partial(self._decode, path))

    def next(self) -> Message | None:
        """The next message; None when none has come for a moment. Raises what nobody foresaw in a thread."""
        try:
            message = self._inbox.get(timeout=_POLL_S)
        except queue.Empty:
            return None
        if isinstance(message, BaseException):
            raise message
        self._open -= not isinstance(message, Cut)
        return message

    def _guarded(self, path: Path, work: Callable[[], None]) -> None:
        try:
            work()
        except Cancelled:
            pass
        except AudioError as error:
            self._put(Failed(path, str(error)))
        except BaseException as error:  # handed to whoever waits, who raises it
            self._put(error)

    def _put(self, message: Message | BaseException) -> None:
        """Wait for room. Raises Cancelled when nobody will take it any more."""
        while True:
            self._stop.check()
            try:
                return self._inbox.put(message, timeout=_POLL_S)
            except queue.Full:
                continue

    def _hash(self, path: Path) -> None:
        self._put(Hashed(path, content_hash(path, self._stop)))

    def _decode(self, path: Path) -> None:
        recording = probe(path)
        with open_blocks(recording, token=self._stop) as blocks:
            for window in self._windows(blocks):
                share = window.end_s / recording.duration_s if recording.duration_s > 0 else float("nan")
                self._put(Cut(path, window, window.loud, min(1.0, share)))
        self._put(Read(path, blocks.readable_s, list(blocks.notices), read_tags(path) if self._tags else Tags()))

    def _windows(self, blocks: Blocks) -> Iterator[Window]:
        resampler, stream = Resampler(blocks.recording.sample_rate, self._rate), self._grid.stream(self._rate)
        for block in blocks:
            yield from stream.push(resampler.push(to_mono(block)))
        yield from stream.push(resampler.finish())
        yield from stream.finish()
