"""The store: what is put in comes out to the last digit, and a newer one's file is left alone."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path  # noqa: TC003 (hypothesis asks for the types)

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musicclass_gui.engine.benchmark import bench_news
from musicclass_gui.engine.benchmark.protocol import About, Cell, Config, Count, Prediction, Result, Score, Verdict
from musicclass_gui.engine.benchmark.runs import FILE, FINISHED, RUNNING, Store, opened
from musicclass_gui.engine.errors import BenchmarkError

ABOUT = About(
    "A",
    (Count("files", 3, 4),),
    ("One is missing.",),
    (Verdict("twins", "note", "Two.", {"n": 2.0}),),
    ("a", "b"),
    "f00",
    2,
    3.5,
    1e6,
    {"train": ("x",)},
)
CONFIG = Config("tiny", "/data", methods=("centers",), seeds=(0, 1), options={"patience": 5, "leak": True})
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, st.none() | NUMBERS, st.text(), st.lists(NUMBERS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_result_comes_back_to_the_last_digit(tmp_path: Path, value: float, low: float | None, name: str, scores: list[float]) -> None:
    said = (Prediction(name, "a", "b", 2, tuple(scores)),)
    result = Result((Score("accuracy", value, low, 1.0, 3, 1, name),), ((value, None), (low, value)), said, (name,), 1.5)
    cell = Cell("centers", "published", name, 3, "t", "12")
    with opened(tmp_path) as store:
        run = store.new_run(CONFIG, ABOUT)
        store.put(run, cell, result)
    with opened(tmp_path) as store:
        assert store.results(run) == [(cell, result)]
        assert store.result(run, cell.name) == result
        assert store.results(run, predictions=False)[0][1].predictions == ()
        assert store.done(run) == {cell.name}


def test_a_run_says_what_it_was(tmp_path: Path) -> None:
    with opened(tmp_path / "deep" / "er") as store:
        first, second = store.new_run(CONFIG, ABOUT, {"numpy": "2"}, "cpu"), store.new_run(Config("tiny", "/other"), ABOUT)
        store.put(first, Cell("centers"), Result(()))
        store.state(first, FINISHED)
        row, other = store.runs()
        assert (row.id, row.config, row.state, row.device, row.fingerprint) == (first, CONFIG, FINISHED, "cpu", "f00")
        assert (row.done, row.total, row.versions) == (1, 2, {"numpy": "2"})
        assert (other.id, other.state, other.done) == (second, RUNNING, 0)
        assert store.config(first) == CONFIG
        assert store.about(first) == ABOUT


def test_the_latest_run_of_a_config_is_found(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.find(CONFIG) is None
        store.new_run(CONFIG, ABOUT)
        latest = store.new_run(CONFIG, ABOUT)
        store.new_run(Config("tiny", "/data"), ABOUT)
        found = store.find(CONFIG)
        assert found is not None
        assert found.id == latest


def test_removing_a_run_removes_nothing_else(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        first, second = store.new_run(CONFIG, ABOUT), store.new_run(CONFIG, ABOUT)
        for run in (first, second):
            store.put(run, Cell("centers"), Result(()))
        store.remove(first)
        assert [row.id for row in store.runs()] == [second]
        assert store.done(second) == {Cell("centers").name}
        assert store.done(first) == set()
        assert store.new_run(CONFIG, ABOUT) not in (first, second)


@pytest.mark.parametrize("ask", [Store.config, Store.about, Store.remove, Store.run])
def test_a_run_that_is_not_there(tmp_path: Path, ask: object) -> None:
    assert callable(ask)
    with opened(tmp_path) as store, pytest.raises(BenchmarkError, match="There is no run 7"):
        ask(store, 7)


def test_a_number_that_is_none_stays_none(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        run = store.new_run(CONFIG, ABOUT)
        store.put(run, Cell("centers"), Result((Score("r2", math.nan),)))
        assert math.isnan(store.results(run)[0][1].scores[0].value)


def test_what_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BenchmarkError, match="cannot be kept"):
        Store(tmp_path / "file")
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to look like one" * 20)
    with pytest.raises(BenchmarkError, match="cannot be kept"):
        Store(tmp_path)


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(BenchmarkError, match="newer MusicClass"):
        Store(tmp_path)


def test_news_go_through_json() -> None:
    result = Result((Score("accuracy", 0.1),), ((0.1, None),), (Prediction("a", "b", "c"),))
    for news in (
        bench_news.Began(1, (Cell("a"),)),
        bench_news.Staged("x"),
        bench_news.Failed(1, Cell("a"), "why"),
        bench_news.Ended(1),
        bench_news.Finished(1, Cell("a"), result, 1, 2),
    ):
        assert bench_news.from_json(json.loads(json.dumps(bench_news.to_json(news)))) == news
