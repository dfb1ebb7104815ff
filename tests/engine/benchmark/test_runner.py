"""Doing a run: nothing twice, nothing lost to a kill, the same numbers alone, after it, and in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_protocol

from musicclass_gui.engine.benchmark import cells as computing
from musicclass_gui.engine.benchmark import pool, protocols, runner, runs
from musicclass_gui.engine.benchmark.bench_news import Began, Ended, Failed, Finished, News, Staged
from musicclass_gui.engine.benchmark.protocol import Cell, Config, Result
from musicclass_gui.engine.errors import BenchmarkError, Cancelled
from musicclass_gui.engine.task import Token

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "IDS", protocols.IDS)
    monkeypatch.setattr(pool, "_serve", pool._serve)
    name = f"{protocols.__name__}.tiny"
    monkeypatch.setitem(sys.modules, name, tiny_protocol)
    tiny_protocol.register()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tiny_protocol.make_data(tmp_path / "data")


@pytest.fixture
def config(data: Path) -> Config:
    return Config("tiny", str(data), encoder="timbre", seeds=(0, 1, 2), device="cpu")


def done(config: Config, folder: Path, **how: Any) -> tuple[list[News], dict[Cell, Result]]:
    told: list[News] = []
    with runs.opened(folder) as store:
        number = runner.run(config, store, Token(), told.append, **how)
        return told, {cell: replace(result, seconds=0.0) for cell, result in store.results(number)}


def test_a_run_computes_tells_and_keeps_every_cell(config: Config, tmp_path: Path) -> None:
    told, results = done(config, tmp_path)
    assert [cell.name for cell in results] == [cell.name for cell in tiny_protocol.cells(config)]
    assert isinstance(told[-1], Ended)
    assert [news.cells for news in told if isinstance(news, Began)] == [tuple(results)]
    finished = [news for news in told if isinstance(news, Finished)]
    assert {news.cell: replace(news.result, seconds=0.0) for news in finished} == results
    assert [(news.done, news.total) for news in finished] == [(number, 6) for number in range(1, 7)]
    assert all(news.result.seconds > 0 for news in finished)
    assert any(isinstance(news, Staged) and "Learning" in news.text for news in told)
    with runs.opened(tmp_path) as store:
        (row,) = store.runs()
        assert (row.state, row.done, row.total) == (runs.FINISHED, 6, 6)
        assert row.device == "cpu (CPU)"
        assert {"numpy", "torch", "python", "musicclass", "encoder timbre"} <= row.versions.keys()


def test_a_second_call_computes_nothing_and_tells_all(config: Config, tmp_path: Path) -> None:
    config = replace(config, options={"log": str(tmp_path / "log")})
    first = done(config, tmp_path)[1]
    lines = (tmp_path / "log").read_text()
    told, second = done(config, tmp_path)
    assert second == first
    assert (tmp_path / "log").read_text() == lines
    assert sum(isinstance(news, Finished) for news in told) == 6
    with runs.opened(tmp_path) as store:
        assert len(store.runs()) == 1
    assert done(config, tmp_path, resume=False)[1] == first
    with runs.opened(tmp_path) as store:
        assert len(store.runs()) == 2


def test_a_cell_that_fails_costs_only_itself_and_is_tried_again(config: Config, tmp_path: Path) -> None:
    told, results = done(replace(config, options={"fails": "first"}), tmp_path)
    failed = [news for news in told if isinstance(news, Failed)]
    assert [news.cell.method for news in failed] == ["first"] * 3
    assert failed[0].reason == "The method first fails as it was asked to."
    assert {cell.method for cell in results} == {"centers"}
    assert len(results) == 3
    with runs.opened(tmp_path) as store:
        assert store.runs()[0].state == runs.STOPPED
    again, _ = done(replace(config, options={"fails": "first"}), tmp_path)
    assert sum(isinstance(news, Failed) for news in again) == 3


def test_other_data_are_refused(config: Config, data: Path, tmp_path: Path) -> None:
    done(config, tmp_path)
    tiny_protocol.make_data(data, 8)
    with pytest.raises(BenchmarkError, match="are not those that run 1 was begun on, so it cannot be gone on with"):
        done(config, tmp_path)
    assert len(done(config, tmp_path, resume=False)[1]) == 6


def test_other_versions_are_told(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done(replace(config, options={"fails": "first"}), tmp_path)
    monkeypatch.setattr(runner, "versions", lambda config: {"numpy": "99"})
    told, _ = done(replace(config, options={"fails": "first"}), tmp_path)
    assert any(isinstance(news, Staged) and "→ 99" in news.text for news in told)


def test_stopping_keeps_what_is_through(config: Config, tmp_path: Path) -> None:
    token = Token()

    def stop(news: News) -> None:
        if isinstance(news, Finished) and news.done == 2:
            token.cancel()

    with runs.opened(tmp_path) as store:
        with pytest.raises(Cancelled):
            runner.run(config, store, token, stop)
        assert (store.runs()[0].state, store.runs()[0].done) == (runs.STOPPED, 2)
    assert done(config, tmp_path)[1] == done(config, tmp_path / "other")[1]


def test_several_processes_give_the_same_numbers(config: Config, tmp_path: Path) -> None:
    alone = done(config, tmp_path / "alone")[1]
    told, together = done(config, tmp_path / "together", workers=2)
    assert together == alone
    assert any(isinstance(news, Staged) and "Learning" in news.text for news in told)


def test_a_process_that_dies_costs_its_cell_a_second_try(config: Config, tmp_path: Path) -> None:
    alone = done(config, tmp_path / "alone")[1]
    told, together = done(replace(config, options={"dies": str(tmp_path / "died")}), tmp_path / "together", workers=2)
    assert (tmp_path / "died").exists()
    assert together == alone
    assert not [news for news in told if isinstance(news, Failed)]


def test_processes_fail_and_stop_like_one(config: Config, tmp_path: Path) -> None:
    told, results = done(replace(config, options={"fails": "first"}), tmp_path, workers=2)
    assert sum(isinstance(news, Failed) for news in told) == len(results) == 3
    token = Token()
    threading.Timer(1.0, token.cancel).start()
    slow = replace(config, options={"slow": 60.0})
    began = time.monotonic()
    with runs.opened(tmp_path) as store, pytest.raises(Cancelled):
        runner.run(slow, store, token, lambda news: None, workers=2)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("workers", [1, 2])
def test_after_kill_nine_the_table_is_the_same_and_nothing_was_done_twice(data: Path, tmp_path: Path, workers: int) -> None:
    log, killed = tmp_path / "log", tmp_path / "killed"
    config = tiny_protocol.slow_config(str(data), str(log))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'engine'}"}
    command = [sys.executable, str(Path(tiny_protocol.__file__)), str(data), str(killed), str(log), str(workers)]
    with subprocess.Popen(command, env=environment) as process:
        wait_for(lambda: kept(killed) >= 3, process)
        process.send_signal(signal.SIGKILL)
    before = kept(killed)
    assert 3 <= before < 12
    time.sleep(1.0)  # the processes of one that is killed end too, and touch nothing
    assert kept(killed) == before
    begun = log.read_text().splitlines()
    _, resumed = done(config, killed, workers=workers)
    names = [line for line in log.read_text().splitlines() if line != "prepare"]
    assert len(resumed) == 12
    assert len(names) - len([line for line in begun if line != "prepare"]) == 12 - before
    assert sorted(resumed.items(), key=str) == sorted(done(config, tmp_path / "whole")[1].items(), key=str)


def kept(folder: Path) -> int:
    if not (folder / runs.FILE).exists():
        return 0
    with runs.opened(folder) as store:
        return sum(row.done for row in store.runs())


def wait_for(what: Any, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if what():
            return
        assert process.poll() is None, "it ended by itself"
        time.sleep(0.05)
    raise AssertionError("nothing came for a minute")


def test_a_cell_has_one_thread_and_the_rest_of_the_program_its_own() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    with computing.single_threaded():
        assert torch.get_num_threads() == 1
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert torch.get_num_threads() == before
