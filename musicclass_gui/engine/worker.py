"""The child process that does the heavy work, so that the window's process never imports torch, librosa or scipy.

Messages are JSON in both directions, one object each, over a pipe: nothing that could carry code.
In:  {"id", "call", "with"}   {"cancel": id}   {"pause": id}   {"resume": id}   null to stop
Out: {"id", "event"}   {"id", "progress": [fraction, text]}   {"id", "result"}   {"id", "error": [kind, text]}
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Message = dict[str, Any]
Call = Callable[[Message, Token, Callable[[Any], None]], Any]

THREAD_SWITCH_S = 0.0005
_ASIDE = frozenset({"devices", "selfcheck"})
_MODELS_ASIDE = frozenset(
    {"rows", "fetch", "remove", "disk"}
)  # the others load a net: two threads that import torch could get in each other's way


def serve(pipe: Connection) -> None:
    """Answer calls from `pipe`, one after the other, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches this process too; the window decides
    sys.setswitchinterval(THREAD_SWITCH_S)
    _leave_cores_to_the_window()
    Worker(pipe).run()
    _let_go()


class Worker:
    """Reads messages in one thread, works in another; what needs no turn of its own (`_is_aside`) gets a third."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()
        self._waiting: queue.Queue[Message | None] = queue.Queue()
        self._tokens: dict[int, Token] = {}
        self._started: set[int] = set()
        self._calls = _calls()

    def run(self) -> None:
        """Work until the other side closes the pipe."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        while (message := self._waiting.get()) is not None:
            self._work(message)

    def _listen(self) -> None:
        try:
            while (message := json.loads(self._pipe.recv_bytes())) is not None:
                self._receive(message)
        except (EOFError, OSError):
            pass  # the window is gone
        for token in list(self._tokens.values()):
            token.cancel()
        self._waiting.put(None)

    def _receive(self, message: Message) -> None:
        if "call" not in message:
            for verb, number in message.items():
                self._steer(verb, number)
            return
        number = message["id"]
        self._tokens[number] = Token(lambda fraction, text: self._send({"id": number, "progress": [fraction, text]}))
        if _is_aside(message):
            threading.Thread(target=self._work, args=(message,), name=message["call"], daemon=True).start()
        else:
            self._waiting.put(message)

    def _steer(self, verb: str, number: int) -> None:
        """Cancel, pause or resume a call; one that has just ended has no token, one that waits is answered at once."""
        token = self._tokens.get(number)
        if token is None:
            return
        {"cancel": token.cancel, "pause": token.pause, "resume": token.resume}[verb]()
        if verb == "cancel" and number not in self._started:
            self._send({"id": number, "error": ["Cancelled", "Cancelled."]})

    def _work(self, message: Message) -> None:
        number = message["id"]
        token = self._tokens[number]
        self._started.add(number)
        try:
            token.check()
            result = self._calls[message["call"]](message["with"], token, lambda event: self._send({"id": number, "event": event}))
        except MusicClassError as error:
            self._send({"id": number, "error": [type(error).__name__, str(error)]})
        except Exception as error:  # a bug: the window reports it, the worker goes on
            self._send({"id": number, "error": ["Bug", "".join(traceback.format_exception(error))]})
        else:
            self._send({"id": number, "result": result})
        finally:
            del self._tokens[number]
            self._started.discard(number)

    def _send(self, message: Message) -> None:
        try:
            with self._sending:
                self._pipe.send_bytes(json.dumps(message).encode())
        except OSError:  # the window is gone
            self._waiting.put(None)


def _is_aside(message: Message) -> bool:
    """Whether a call needs no turn of its own."""
    return message["call"] in _ASIDE or (message["call"] == "models" and message["with"]["do"] in _MODELS_ASIDE)


def _calls() -> dict[str, Call]:
    """What the window can ask for."""
    from musicclass_gui.engine import device, events, places
    from musicclass_gui.engine.analysis import Analyst, Request

    analyst = Analyst(places.cache_dir())

    def request(fields: Message) -> Request:
        return Request(**{**fields, "path": Path(fields["path"]), "classifiers": tuple(fields["classifiers"])})

    def warm(fields: Message, _token: Token, _emit: Callable[[Any], None]) -> None:
        analyst.warm(request(fields))

    def analyse(fields: Message, token: Token, emit: Callable[[Any], None]) -> None:
        analyst.analyse(request(fields), token, lambda event: emit(events.to_json(event)))

    def devices(_fields: Message, _token: Token, _emit: Callable[[Any], None]) -> list[list[str]]:
        return [[name, device.describe(name)] for name in device.names()]

    def models(fields: Message, token: Token, _emit: Callable[[Any], None]) -> Any:
        from musicclass_gui.engine import models as manager

        return manager.answer(fields, token)

    def selfcheck(fields: Message, _token: Token, _emit: Callable[[Any], None]) -> list[list[Any]]:
        from musicclass_gui.engine.selfcheck import report

        return [[check.name, check.value, check.advice, check.ok] for check in report(fields["weights_folder"])]

    def desk(fields: Message, token: Token, emit: Callable[[Any], None]) -> Any:
        from musicclass_gui.engine.lessons import calls, news

        return calls.answer(fields, token, lambda told: emit(news.to_json(told)))

    def extract(fields: Message, token: Token, emit: Callable[[Any], None]) -> Message:
        from musicclass_gui.engine import extract_calls

        return extract_calls.answer(fields, token, emit)

    def bench(fields: Message, token: Token, emit: Callable[[Any], None]) -> Any:
        from musicclass_gui.engine.benchmark import bench_calls

        return bench_calls.answer(fields, token, emit)

    return {
        "warm": warm,
        "extract": extract,
        "bench": bench,
        "analyse": analyse,
        "devices": devices,
        "models": models,
        "selfcheck": selfcheck,
        "desk": desk,
    }


def _let_go() -> None:
    """Close the project, if one was asked for: it is one file again, which can be copied."""
    calls = sys.modules.get("musicclass_gui.engine.lessons.calls")
    if calls is not None:
        calls.close()


def _leave_cores_to_the_window() -> None:
    threads = max(1, (os.cpu_count() or 2) - 1)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    if hasattr(os, "nice"):
        os.nice(5)
