"""Computing cells in several processes of this machine: each prepares for itself, from the cache, and is given one cell after the other.

Messages are JSON over a pipe, as between window and worker. A process that dies costs its cell a second try; one whose parent dies ends
too. It knows no store.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from contextlib import contextmanager, suppress
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark import cells as computing
from musicclass_gui.engine.benchmark import protocols
from musicclass_gui.engine.benchmark.cells import Outcome
from musicclass_gui.engine.benchmark.protocol import Cell, Config
from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

    from musicclass_gui.engine.benchmark.protocol import Tell

_POLL_S = 0.2
_TRIES = 2


def spread(config: Config, cells: Sequence[Cell], workers: int, token: Token, tell: Tell) -> Iterator[Outcome]:
    """Compute cells in `workers` processes; they come as they are through. Raises Cancelled, and what preparing raises as sentences."""
    pool = _Pool(config, cells, tell)
    try:
        for _ in range(min(workers, len(cells))):
            pool.start()
        while pool.is_busy:
            token.check()
            yield from pool.wait()
            token.progress(pool.done / len(cells))
    finally:
        pool.stop()


class _Pool:
    """The processes, and which cell each has."""

    def __init__(self, config: Config, cells: Sequence[Cell], tell: Tell) -> None:
        self._config, self._tell = config, tell
        self._waiting = deque(cells)
        self._tries = Counter[str]()
        self._has: dict[Connection, Cell] = {}
        self._processes: dict[Connection, multiprocessing.process.BaseProcess] = {}
        self.done = 0

    @property
    def is_busy(self) -> bool:
        """Whether some cell is still being computed, or waits for it."""
        return bool(self._has or self._waiting)

    def start(self) -> None:
        """Begin a process, with the next cell."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, json.dumps(to_plain(self._config))), name="musicclass cells", daemon=True)
        with _allowed_to_have_children():
            process.start()
        theirs.close()
        self._processes[ours] = process
        self._give(ours)

    def wait(self) -> Iterator[Outcome]:
        """What has come for a moment."""
        for pipe in connection.wait(list(self._processes), _POLL_S):
            assert isinstance(pipe, connection.Connection)
            try:
                message = json.loads(pipe.recv_bytes())
            except (EOFError, OSError):
                yield from self._died(pipe)
            else:
                yield from self._take(pipe, message)

    def stop(self) -> None:
        """End all processes, whatever they do."""
        for pipe, process in self._processes.items():
            process.terminate()
            process.join()
            pipe.close()
        self._processes.clear()

    def _give(self, pipe: Connection) -> None:
        """Let a process have the next cell; one for which there is none ends."""
        if not self._waiting:
            self._end(pipe)
            return
        cell = self._has[pipe] = self._waiting.popleft()
        self._tries[cell.name] += 1
        with suppress(OSError):  # it has died; that is noticed when it is listened to
            pipe.send_bytes(json.dumps(to_plain(cell)).encode())

    def _take(self, pipe: Connection, message: dict[str, Any]) -> Iterator[Outcome]:
        if "tell" in message:
            self._tell(message["tell"])
            return
        outcome = from_plain(Outcome, message)
        del self._has[pipe]
        self.done += 1
        self._give(pipe)
        yield outcome

    def _died(self, pipe: Connection) -> Iterator[Outcome]:
        """Try its cell again in a new process, once."""
        process = self._processes[pipe]
        cell = self._has.pop(pipe, None)
        self._end(pipe)
        if cell is not None and self._tries[cell.name] < _TRIES:
            self._waiting.appendleft(cell)
        elif cell is not None:
            self.done += 1
            text = (
                f"The process that computed it ended twice (exit code {process.exitcode}); it may need more memory, so use fewer workers."
            )
            yield Outcome(cell, reason=text)
        if self._waiting:
            self.start()

    def _end(self, pipe: Connection) -> None:
        pipe.close()
        self._processes.pop(pipe).join()


@contextmanager
def _allowed_to_have_children() -> Iterator[None]:
    """The window's worker is a daemon, which may start none; ours end by themselves when it does."""
    me = multiprocessing.current_process()
    daemon = me.daemon
    if daemon:
        me.daemon = False
    try:
        yield
    finally:
        if daemon:
            me.daemon = True


def _serve(pipe: Connection, config: str) -> None:
    """In the process: compute what comes until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches this process too; its parent decides
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    sending = threading.Lock()

    def send(message: Any) -> None:
        with sending:
            pipe.send_bytes(json.dumps(to_plain(message)).encode())

    with suppress(EOFError, OSError):
        _Server(from_plain(Config, json.loads(config)), lambda text: send({"tell": text})).run(pipe, send)


class _Server:
    """Computes cells with what it prepared for the first of them."""

    def __init__(self, config: Config, tell: Tell) -> None:
        self._config, self._tell = config, tell
        self._protocol = protocols.protocol(config.protocol)
        self._prepared: list[Any] = []

    def run(self, pipe: Connection, send: Any) -> None:
        """Answer until the pipe closes."""
        while True:
            send(self._outcome(from_plain(Cell, json.loads(pipe.recv_bytes()))))

    def _outcome(self, cell: Cell) -> Outcome:
        try:
            if not self._prepared:
                self._prepared.append(self._protocol.prepare(self._config, Token(), self._tell))
            return computing.compute(self._protocol, self._config, cell, self._prepared[0], Token(), self._tell)
        except MusicClassError as error:
            return Outcome(cell, reason=str(error))
        except Exception as error:
            return Outcome(cell, reason=computing.fault(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
