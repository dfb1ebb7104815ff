"""The window's end of the worker process: starts it, asks it, cancels it, and starts another when it dies.

`Service.call` blocks, so it is called from a lane, never from the main thread.
"""

from __future__ import annotations

import contextlib
import itertools
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
_NOT_STARTED = "The process that analyses recordings could not be started ({}); close other programs and try again."
_POLL_S = 0.02
_PATIENCE_S = 2.0  # how long cancelled work may take to notice before its process is ended: importing torch again costs more


class Service:
    """One worker process at a time; each call waits in the thread that made it. `died` is the sentence for when it did."""

    def __init__(self, died: str = _DIED) -> None:
        self._died = died
        self._link: _Link | None = None
        self._lock = threading.Lock()
        self._count = itertools.count(1)
        self._closed = False

    def call(self, name: str, fields: Message, token: Token, on_event: Callable[[Message], None] | None = None) -> Any:
        """Ask the worker for `name`; `on_event` is given its events, `token` its progress, in this thread.

        Raises what the worker raised, Cancelled when `token` was cancelled, ServiceError when the worker died. When its process is
        ended because of another call, the call is made again.
        """
        while True:
            link, number = self._linked(), next(self._count)
            mailbox = link.mailbox(number)
            try:
                link.send({"id": number, "call": name, "with": fields})
                return self._converse(link, number, mailbox, token, on_event or (lambda event: None))
            except _Ended:
                continue
            finally:
                link.forget(number)

    def close(self, timeout_s: float = 0.5) -> None:
        """End the process: politely, then firmly. Safe to call at any time, from any thread."""
        self._closed = True
        with self._lock:  # a process that is just being started is ended too
            link = self._link
        if link is not None:
            link.leave(timeout_s)

    def _linked(self) -> _Link:
        with self._lock:
            if self._closed:
                raise Cancelled("The program is closing.")
            if self._link is None or not self._link.alive:
                self._link = _Link(self._died)
            return self._link

    def _converse(self, link: _Link, number: int, mailbox: queue.Queue[Message], token: Token, on_event: Callable[[Message], None]) -> Any:
        """Relay until the call's result, its error, or the end of our patience with a cancelled one."""
        give_up_at, paused = float("inf"), False
        while True:
            if token.cancelled and give_up_at == float("inf"):
                give_up_at = time.monotonic() + _PATIENCE_S
                link.send({"cancel": number})
            if token.paused != paused:
                paused = token.paused
                link.send({"pause" if paused else "resume": number})
            if time.monotonic() > give_up_at:
                link.end()
                raise Cancelled("Cancelled.")
            with contextlib.suppress(queue.Empty):
                message = mailbox.get(timeout=_POLL_S)
                if "result" in message:
                    return message["result"]
                _relay(message, token, on_event)


class _Link:
    """One worker process and the calls that wait for it."""

    def __init__(self, died: str) -> None:
        self._died = died
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=worker.serve, args=(theirs,), name="musicclass worker", daemon=True)
        self._lock = threading.Lock()
        self._mailboxes: dict[int, queue.Queue[Message]] = {}
        self._farewell: Message | None = None  # what every call is told once the process is gone
        self._ended = False
        try:
            self._process.start()
        except OSError as error:
            self._pipe.close()
            raise ServiceError(_NOT_STARTED.format(error.strerror or error)) from error
        finally:
            theirs.close()
        threading.Thread(target=self._read, name="worker messages", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether there is any use in sending."""
        return self._farewell is None and not self._ended

    def mailbox(self, number: int) -> queue.Queue[Message]:
        """Where the messages of a call arrive, the last of which is an error when the process is gone."""
        mailbox: queue.Queue[Message] = queue.Queue()
        with self._lock:
            self._mailboxes[number] = mailbox
            if self._farewell is not None:
                mailbox.put(self._farewell)
        return mailbox

    def forget(self, number: int) -> None:
        """Nobody waits for this call any more."""
        with self._lock:
            del self._mailboxes[number]

    def send(self, message: Message | None) -> None:
        """Send it, if there still is somebody to receive it; if there is not, the mailboxes tell."""
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send_bytes(json.dumps(message).encode())

    def leave(self, timeout_s: float) -> None:
        """Let the process end by itself, or end it."""
        self._ended = True
        self.send(None)
        self._process.join(timeout_s)
        if self._process.is_alive():
            self.end()

    def end(self) -> None:
        """End the process; calls that still wait for it are to be made anew."""
        self._ended = True
        self._process.kill()
        self._process.join(_PATIENCE_S)

    def _read(self) -> None:
        """Put each message into the mailbox of its call; when the process is gone, say so in all of them."""
        try:
            while True:
                message = json.loads(self._pipe.recv_bytes())
                with self._lock:
                    if mailbox := self._mailboxes.get(message["id"]):
                        mailbox.put(message)
        except (EOFError, OSError):
            with self._lock:
                self._farewell = {"error": ["_Ended", ""] if self._ended else ["ServiceError", self._died]}
                for mailbox in self._mailboxes.values():
                    mailbox.put(self._farewell)
                self._pipe.close()


class _Ended(Exception):
    """The process was ended on purpose, for a reason that has nothing to do with this call."""


def _relay(message: Message, token: Token, on_event: Callable[[Message], None]) -> None:
    if "error" in message:
        raise _error(*message["error"])
    if "progress" in message:
        token.progress(*message["progress"])
    elif not token.cancelled:
        on_event(message["event"])


def _error(kind: str, text: str) -> Exception:
    if kind == _Ended.__name__:
        return _Ended()
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, MusicClassError):
        return found(text)
    return RuntimeError(f"In the worker process: {text}")
