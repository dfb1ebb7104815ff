"""The worker process for real: it answers, it can be cancelled, it may die, and it never outlives the window."""

from __future__ import annotations

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
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
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
    child = service._process
    assert child is not None
    began = time.monotonic()
    service.close()
    thread.join(5)
    assert time.monotonic() - began < 2.0  # a second and a half-loaded machine
    assert not child.is_alive()
    assert failures
    with pytest.raises(Cancelled):
        service.call("devices", {}, Token())
