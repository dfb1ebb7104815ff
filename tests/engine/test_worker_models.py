"""The worker answers what the manager in the window asks, beside its other work."""

from __future__ import annotations

import json
import threading
from itertools import count
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any

import pytest
from encoders.hubert_folders import made_model, save_new

from musicclass_gui.engine import encoders
from musicclass_gui.engine.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def ask() -> Iterator[Callable[..., tuple[Any, list[Any]]]]:
    """Asks a worker in a thread of this process; gives the answer and the progress that was told."""
    here, there = Pipe()
    thread = threading.Thread(target=Worker(there).run)
    thread.start()
    numbers = count()  # as the window gives each call its own

    def asked(**fields: Any) -> tuple[Any, list[Any]]:
        here.send_bytes(json.dumps({"id": next(numbers), "call": "models", "with": fields}).encode())
        progress = []
        while "progress" in (message := json.loads(here.recv_bytes())):
            progress.append(message["progress"])
        return message.get("result", message.get("error")), progress

    yield asked
    here.send_bytes(b"null")
    thread.join(10)
    assert not thread.is_alive()


def test_rows_add_verify_remove(ask: Callable[..., tuple[Any, list[Any]]], tmp_path: Path) -> None:
    rows, _ = ask(do="rows", weights_folder="")
    assert [row["id"] for row in rows] == list(encoders.specs())
    row, progress = ask(do="add", folder=str(save_new(tmp_path / "net", made_model())), name="Mine", offline=True)
    assert (row["id"], row["state"]) == ("mine", "ready")
    assert [fraction for fraction, _ in progress] == sorted(fraction for fraction, _ in progress)
    assert ask(do="verify", id="mine", accept=False)[0] == row
    assert ask(do="remove", id="mine")[0] is None
    assert ask(do="disk")[0][0] == 0


def test_what_fails_is_a_sentence(ask: Callable[..., tuple[Any, list[Any]]]) -> None:
    kind, sentence = ask(do="fetch", id="mn04-as", offline=True)[0]
    assert kind == "WeightsError"
    assert "told to stay offline" in sentence
    ask(do="disk", offline=False)
