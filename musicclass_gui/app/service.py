"""The window's end of the worker process: starts it, asks it, cancels it, and starts another when it dies.

`Service.call` blocks, so it is called from a lane, never from the main thread.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine import errors, worker
from musicclass_gui.engine.errors import Cancelled, MusicClassError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.engine.task import Token

Message = dict[str, Any]

_DIED = "The process that analyses recordings stopped unexpectedly; open the recording again to restart it."
_POLL_S = 0.02
_PATIENCE_S = 0.5  # how long cancelled work may take to notice before its process is ended


class Service:
    """One worker process; each call waits in the thread that made it."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Any = None
        self._lock = threading.Lock()
        self._mailboxes: dict[int, queue.Queue[Message]] = {}
        self._count = 0
        self._closed = False

    def call(self, name: str, fields: Message, token: Token, on_event: Callable[[Message], None] | None = None) -> Any:
        """Ask the worker for `name`; `on_event` is given its events, `token` its progress, in this thread.

        Raises what the worker raised, Cancelled when `token` was cancelled, ServiceError when the worker died.
        """
        mailbox: queue.Queue[Message] = queue.Queue()
        with self._lock:
            self._ensure()
            self._count += 1
            number = self._count
            self._mailboxes[number] = mailbox
        try:
            self._send({"id": number, "call": name, "with": fields})
            return self._converse(number, mailbox, token, on_event or (lambda event: None))
        finally:
            self._mailboxes.pop(number, None)

    def close(self, timeout_s: float = 0.5) -> None:
        """End the process: politely, then firmly. Safe to call at any time, from any thread."""
        self._closed = True
        with self._lock:  # a process that is just being started is ended too
            process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(b"null")
        process.join(timeout_s)
        if process.is_alive():
            process.kill()
            process.join(timeout_s)

    def _ensure(self) -> None:
        if self._closed:
            raise Cancelled("The program is closing.")
        if self._process is not None and self._process.is_alive():
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=worker.serve, args=(theirs,), name="musicclass worker", daemon=True)
        process.start()
        self._process = process
        theirs.close()
        threading.Thread(target=self._read, args=(self._pipe,), name="worker messages", daemon=True).start()

    def _read(self, pipe: Any) -> None:
        """Put each message into the mailbox of its call; when the worker dies, say so in all of them."""
        try:
            while True:
                message = json.loads(pipe.recv_bytes())
                if mailbox := self._mailboxes.get(message["id"]):
                    mailbox.put(message)
        except (EOFError, OSError):
            for mailbox in list(self._mailboxes.values()):
                mailbox.put({"error": ["ServiceError", _DIED]})

    def _send(self, message: Message) -> None:
        try:
            with self._lock:
                self._pipe.send_bytes(json.dumps(message).encode())
        except OSError as error:
            raise ServiceError(_DIED) from error

    def _converse(self, number: int, mailbox: queue.Queue[Message], token: Token, on_event: Callable[[Message], None]) -> Any:
        """Relay until the call's result, its error, or the end of our patience with a cancelled one."""
        give_up_at, paused = float("inf"), False
        while True:
            if token.cancelled and give_up_at == float("inf"):
                give_up_at = time.monotonic() + _PATIENCE_S
                self._send({"cancel": number})
            if token.paused != paused:
                paused = token.paused
                self._send({"pause" if paused else "resume": number})
            if time.monotonic() > give_up_at:
                self._kill()
                raise Cancelled("Cancelled.")
            with contextlib.suppress(queue.Empty):
                message = mailbox.get(timeout=_POLL_S)
                if "result" in message:
                    return message["result"]
                _relay(message, token, on_event)

    def _kill(self) -> None:
        """End a worker that does not listen; the next call starts another."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(_PATIENCE_S)


def _relay(message: Message, token: Token, on_event: Callable[[Message], None]) -> None:
    if "error" in message:
        raise _error(*message["error"])
    if "progress" in message:
        token.progress(*message["progress"])
    elif not token.cancelled:
        on_event(message["event"])


def _error(kind: str, text: str) -> Exception:
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, MusicClassError):
        return found(text)
    return RuntimeError(f"in the worker process: {text}")
