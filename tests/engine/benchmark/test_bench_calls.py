"""The worker's call: what the window asks comes as plain values, a run's news as events, through the real process."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import tiny_protocol

from musicclass_gui.engine.benchmark import bench_calls, pool, protocols
from musicclass_gui.engine.benchmark.protocol import Config
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.plain import to_plain
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.worker import _calls

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "IDS", ())
    monkeypatch.setattr(pool, "_serve", pool._serve)
    monkeypatch.setitem(sys.modules, f"{protocols.__name__}.tiny", tiny_protocol)
    tiny_protocol.register()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config("tiny", str(tiny_protocol.make_data(tmp_path / "data")), seeds=(0, 1), device="cpu")


def asked(do: str, folder: Path, events: list[Any] | None = None, **fields: Any) -> Any:
    """As the worker's process calls it, all through JSON."""
    emit = (lambda event: None) if events is None else lambda event: events.append(json.loads(json.dumps(event)))
    message = json.loads(json.dumps({"do": do, "folder": str(folder), **fields}))
    return json.loads(json.dumps(_calls()["bench"](message, Token(), emit)))


def test_everything_that_the_window_asks(config: Config, tmp_path: Path) -> None:
    (tiny,) = asked("list", tmp_path)
    assert (tiny["id"], [one["id"] for one in tiny["methods"]]) == ("tiny", ["centers", "first"])
    assert tiny["datasets"][0]["where"]
    about = asked("about", tmp_path, config=to_plain(config))
    assert (about["cells"], about["classes"]) == (4, ["buzz", "hum"])
    events: list[Any] = []
    run = asked("run", tmp_path, events, config=to_plain(config))
    assert [event["kind"] for event in events if event["kind"] != "Staged"] == ["Began", *["Finished"] * 4, "Ended"]
    began, finished = (next(event for event in events if event["kind"] == kind) for kind in ("Began", "Finished"))
    assert began["config"] == to_plain(config)
    assert finished["published"][0]["value"] == 0.75
    (row,) = asked("runs", tmp_path)
    assert (row["id"], row["done"], row["total"], row["title"]) == (run, 4, 4, tiny_protocol.TITLE)
    found = asked("results", tmp_path, run=run)
    assert len(found["cells"]) == len(found["results"]) == len(found["published"]) == 4
    assert finished["result"] == found["results"][next(iter(found["results"]))]
    compared = asked("compare", tmp_path, run=run, cell="centers/corrected//0//", other_cell="first/corrected//0//")
    assert compared["sentence"]
    asked("remove", tmp_path, run=run)
    assert asked("runs", tmp_path) == []


def test_a_run_goes_on_by_its_number(config: Config, tmp_path: Path) -> None:
    failing = Config(**{**vars(config), "options": {"fails": "first"}})
    first = asked("run", tmp_path, config=to_plain(failing))
    second = asked("run", tmp_path, config=to_plain(failing), resume=False)
    events: list[Any] = []
    assert asked("run", tmp_path, events, run=first, workers=2) == first != second
    assert sum(event["kind"] == "Failed" for event in events) == 2
    with pytest.raises(BenchmarkError, match="There is no run 9"):
        asked("run", tmp_path, run=9)


def test_a_daemon_may_start_processes(config: Config, tmp_path: Path) -> None:
    """The window's worker is one."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=daemon, args=(theirs, json.dumps(to_plain(config)), str(tmp_path)), daemon=True)
    process.start()
    theirs.close()
    assert ours.poll(120)
    assert json.loads(ours.recv_bytes()) == ["Began", "Finished", "Finished", "Finished", "Finished", "Ended"]
    process.join()
    ours.close()


def daemon(pipe: Any, config: str, folder: str) -> None:
    tiny_protocol.register()
    events: list[Any] = []
    fields = {"do": "run", "folder": folder, "config": json.loads(config), "workers": 2}
    bench_calls.answer(fields, Token(), events.append)
    pipe.send_bytes(json.dumps([event["kind"] for event in events if event["kind"] != "Staged"]).encode())
