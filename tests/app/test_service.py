"""The worker process for real: it answers, it can be cancelled, it may die, and it never outlives the window."""

from __future__ import annotations

import errno
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import soundfile

from musicclass_gui.app.service import Service
from musicclass_gui.engine.errors import AudioError, Cancelled, ServiceError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


def request(path: Path, **more: Any) -> dict[str, Any]:
    wanted = {"classifiers": ["genre"], "encoder": "timbre", "device": "cpu", "window_s": 0.0, "weights_folder": ""}
    return {"path": str(path), "picture": True, **wanted, **more}


def noise(path: Path, seconds: float) -> Path:
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 22050, 1) as file:
        for _ in range(round(seconds / 10)):
            file.write(rng.standard_normal(220500) * 0.1)
    return path


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def test_it_answers_and_tells_what_it_finds_on_the_way(service: Service, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    service.call("analyse", request(noise(tmp_path / "a.wav", 20)), Token(), events.append)
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "Opened"
    assert kinds[-1] == "Finished"
    assert {"Pictured", "Answered"} <= set(kinds)


def test_a_missing_file_is_the_engine_s_own_error(service: Service, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"gone\.wav"):
        service.call("analyse", request(tmp_path / "gone.wav"), Token())


def test_cancelled_work_stops_and_the_worker_lives_on(service: Service, tmp_path: Path) -> None:
    path = noise(tmp_path / "long.wav", 600)
    token = Token()
    seen = threading.Event()

    def on_event(event: dict[str, Any]) -> None:
        if event["kind"] == "Pictured":
            token.cancel()
            seen.set()

    with pytest.raises(Cancelled):
        service.call("analyse", request(path), token, on_event)
    assert seen.is_set()
    service.call("analyse", request(noise(tmp_path / "short.wav", 10)), Token())


def test_a_worker_that_dies_is_told_and_replaced(service: Service, tmp_path: Path) -> None:
    path = noise(tmp_path / "long.wav", 600)

    def kill(_event: dict[str, Any]) -> None:
        for child in workers():
            child.kill()

    with pytest.raises(ServiceError, match="stopped unexpectedly"):
        service.call("analyse", request(path), Token(), kill)
    service.call("analyse", request(noise(tmp_path / "short.wav", 10)), Token())


def test_closing_ends_the_process_within_a_second_even_while_it_works(service: Service, tmp_path: Path) -> None:
    path = noise(tmp_path / "long.wav", 1200)
    started, failures = threading.Event(), []

    def work() -> None:
        try:
            service.call("analyse", request(path), Token(), lambda event: started.set())
        except (ServiceError, Cancelled) as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(60)
    [child] = workers()
    began = time.monotonic()
    service.close()
    thread.join(5)
    assert time.monotonic() - began < 2.0  # a second and a half-loaded machine
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert failures
    with pytest.raises(Cancelled):
        service.call("devices", {}, Token())


def test_ending_a_worker_that_does_not_listen_costs_other_calls_nothing_but_time(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("musicclass_gui.app.service._PATIENCE_S", 0.1)
    service.call("devices", {}, Token())
    [child] = workers()
    child.suspend()  # it neither works nor listens
    found: list[Any] = []
    aside = threading.Thread(target=lambda: found.append(service.call("devices", {}, Token())))
    aside.start()
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        service.call("analyse", request(noise(tmp_path / "a.wav", 10)), token)
    aside.join(60)
    assert found
    assert ["cpu", "CPU"] in found[0]
    assert workers() != [child]


def test_a_worker_that_cannot_be_started_is_a_sentence(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_process: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", start)
    with pytest.raises(ServiceError, match="could not be started"):
        service.call("devices", {}, Token())


def test_a_fault_in_the_worker_comes_with_its_traceback(service: Service) -> None:
    with pytest.raises(RuntimeError, match=r"worker\.py[\s\S]*KeyError: 'sing'"):
        service.call("sing", {}, Token())


def test_a_project_is_one_file_again_when_its_worker_has_ended(service: Service, tmp_path: Path) -> None:
    project = tmp_path / "Mine.musicclass"
    service.call("desk", {"do": "board", "project": str(project)}, Token())
    assert len(list(tmp_path.iterdir())) > 1, "while it is open SQLite keeps a journal beside it"
    service.close(20)
    assert list(tmp_path.iterdir()) == [project]
