"""A cluster gives the numbers that one process gives, embeds what the cache lacks, and outlives a worker that is killed."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tiny_protocol

import musicclass_gui
from musicclass_gui.engine import places
from musicclass_gui.engine.benchmark import cluster, embedded, protocols, runner, runs, versions
from musicclass_gui.engine.benchmark.bench_news import Failed, Finished, News
from musicclass_gui.engine.benchmark.protocol import Cell, Config, Result
from musicclass_gui.engine.errors import BenchmarkError, Cancelled
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]

distributed = pytest.importorskip("distributed", reason="dask.distributed, an optional part, is not installed")


@pytest.fixture(scope="module")
def machines() -> Iterator[Any]:
    """Two workers, each a process of its own that knows the tiny protocol; those that die are replaced."""
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'engine'}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, preload=[tiny_protocol.__file__], silence_logs=50
        ) as local:
            yield local
    os.environ.pop("PYTHONPATH") if path is None else os.environ.update(PYTHONPATH=path)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "IDS", protocols.IDS)
    monkeypatch.setitem(sys.modules, f"{protocols.__name__}.tiny", tiny_protocol)
    tiny_protocol.register()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config("tiny", str(tiny_protocol.make_data(tmp_path / "data", 12)), encoder="timbre", seeds=(0, 1, 2), device="cpu")


def done(config: Config, folder: Path, told: list[News], **how: Any) -> dict[Cell, Result]:
    with runs.opened(folder) as store:
        number = runner.run(config, store, Token(), told.append, **how)
        return {cell: replace(result, seconds=0.0) for cell, result in store.results(number)}


def forget() -> None:
    for leftover in places.cache_dir().glob("cache.sqlite*"):
        leftover.unlink()


def table(results: dict[Cell, Result]) -> list[tuple[Cell, Result]]:
    return sorted(results.items(), key=str)


def test_the_numbers_are_those_of_one_process(config: Config, tmp_path: Path, machines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = done(config, tmp_path / "alone", [])
    forget()
    with monkeypatch.context() as here:
        here.setattr(embedded, "_made_here", None)  # this process embeds nothing
        together = done(config, tmp_path / "together", [], cluster=machines.scheduler_address)
    assert table(together) == table(alone)
    monkeypatch.setattr(embedded, "_encoder", None)
    assert table(done(config, tmp_path / "again", [])) == table(alone), "what the cluster embedded is in this cache"


def test_a_worker_that_is_killed_costs_nothing_but_time(config: Config, tmp_path: Path, machines: Any) -> None:
    slow = replace(config, options={"slow": 0.3})
    alone = done(slow, tmp_path / "alone", [])
    with distributed.Client(machines.scheduler_address, set_as_default=False) as client:
        processes = list(client.run(os.getpid).values())
    told: list[News] = []

    class Killer(list[News]):
        def append(self, news: News) -> None:
            told.append(news)
            if isinstance(news, Finished) and news.done == 1:
                os.kill(processes[0], signal.SIGKILL)

    together = done(slow, tmp_path / "together", Killer(), cluster=machines.scheduler_address)
    assert table(together) == table(alone)
    assert not [news for news in told if isinstance(news, Failed)]
    with pytest.raises(ProcessLookupError):
        os.kill(processes[0], 0)


def test_cells_fail_there_as_here(config: Config, tmp_path: Path, machines: Any) -> None:
    told: list[News] = []
    results = done(replace(config, options={"fails": "first"}), tmp_path, told, cluster=machines.scheduler_address)
    assert [news.reason for news in told if isinstance(news, Failed)] == ["The method first fails as it was asked to."] * 3
    assert len(results) == 3


def test_what_cannot_be_sent_is_prepared_there(config: Config, tmp_path: Path, machines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = done(config, tmp_path / "alone", [])
    prepare = tiny_protocol.prepare
    monkeypatch.setattr(tiny_protocol, "prepare", lambda *given: (*prepare(*given), threading.Lock()))
    told: list[News] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = done(config, tmp_path / "together", told, cluster=machines.scheduler_address)
    assert any("prepares for itself" in getattr(news, "text", "") for news in told)
    assert table(together) == table(alone)


def test_files_that_a_worker_cannot_read_are_embedded_here(config: Config, tmp_path: Path, machines: Any) -> None:
    items = tiny_protocol.items(config)
    order = embedded.Order("timbre", embedded.Cut("grid", 0.5), "cpu", "")
    lost = (embedded.Wanted(str(tmp_path / "gone.wav"), "00" * 16, (embedded.Part("x", 0.0, -1.0),)),)
    with cluster.connected(machines.scheduler_address, print) as client, cluster.embedding_on(client):
        heard = embedded.embed(items, "timbre", order.cut, Token(), lambda text: None)
        place = embedded._elsewhere.get()
        assert place is not None
        ((made,),) = place(order, [lost], Token())
    assert len(heard.chunks) == 24
    assert "gone.wav" in made.problem


def test_stopping(config: Config, tmp_path: Path, machines: Any) -> None:
    token = Token()

    def stop(news: News) -> None:
        if isinstance(news, Finished):
            token.cancel()

    with runs.opened(tmp_path) as store, pytest.raises(Cancelled):
        runner.run(replace(config, options={"slow": 0.3}), store, token, stop, cluster=machines.scheduler_address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense"])
def test_where_there_is_no_cluster(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_S", 1)
    with pytest.raises(BenchmarkError, match="There is no Dask scheduler"), cluster.connected(address, print):
        pass


def test_what_answers_may_be_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)

        threading.Thread(target=answer, daemon=True).start()
        address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(BenchmarkError, match=r"is no Dask scheduler|There is no Dask scheduler"), cluster.connected(address, print):
            pass
        listening.shutdown(socket.SHUT_RDWR)


def test_other_programs_on_the_workers_are_refused(machines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(versions, "_source", lambda: "+abc")
    with cluster.connected(machines.scheduler_address, told.append):
        pass
    assert "another source of MusicClass" in told[0]
    monkeypatch.setattr(musicclass_gui, "__version__", "0.0.1")
    with pytest.raises(BenchmarkError, match="install the same"), cluster.connected(machines.scheduler_address, told.append):
        pass
