"""The token: cancel, pause and progress, from another thread too."""

from __future__ import annotations

import threading

import pytest

from musicclass_gui.engine.errors import Cancelled
from musicclass_gui.engine.task import Token


def test_a_cancelled_token_stops_the_work_at_its_next_check() -> None:
    token = Token()
    token.check()
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()


def test_paused_work_waits_until_it_is_resumed() -> None:
    token, passed = Token(), threading.Event()
    token.pause()
    assert token.paused
    worker = threading.Thread(target=lambda: (token.check(), passed.set()))
    worker.start()
    assert not passed.wait(0.05)
    token.resume()
    assert passed.wait(2)
    worker.join()


def test_cancelling_ends_a_pause() -> None:
    token = Token()
    token.pause()
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()


def test_progress_reaches_the_listener() -> None:
    heard: list[tuple[float, str]] = []
    Token(lambda fraction, text: heard.append((fraction, text))).progress(0.5, "reading")
    Token().progress(0.5)
    assert heard == [(0.5, "reading")]
