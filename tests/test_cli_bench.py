"""`musicclass bench`: the data check, the table with the published numbers, going on after a stop, reports, and usage errors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import tiny_protocol
from benchmark import made_data
from typer.testing import CliRunner

from musicclass_gui import cli, cli_bench
from musicclass_gui.__main__ import _COMMANDS
from musicclass_gui.engine.benchmark import pool, protocols, readers, runs
from musicclass_gui.engine.benchmark.protocol import Published, Result, Score

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result as Said


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "IDS", ())
    monkeypatch.setattr(pool, "_serve", pool._serve)
    monkeypatch.setitem(sys.modules, f"{protocols.__name__}.tiny", tiny_protocol)
    tiny_protocol.register()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tiny_protocol.make_data(tmp_path / "data")


def said(*words: str) -> Said:
    return CliRunner().invoke(cli.app, ["bench", *words])


def test_the_program_knows_the_command() -> None:
    assert "bench" in _COMMANDS


def test_the_list_names_protocols_methods_and_where_data_are() -> None:
    found = said("list")
    assert found.exit_code == 0
    text = " ".join(found.stdout.split())
    for words in ("tiny", tiny_protocol.TITLE, "Class centers", "Seconds that each cell takes more.", readers.reader("folders").TITLE):
        assert words in text


def test_a_run_checks_the_data_and_prints_its_table_beside_the_published_numbers(data: Path, tmp_path: Path) -> None:
    done = said("run", "tiny", "--data", str(data), "--out", str(tmp_path / "runs"), "--seeds", "0,1", "--device", "cpu")
    assert done.exit_code == 0
    assert ["files", "12", "12"] in [line.split() for line in done.stdout.splitlines()]
    assert "clear  same files: No file is on both sides." in done.stdout
    assert "4 results, about 4 s and 1 MB." in done.stdout
    with runs.opened(tmp_path / "runs") as store:
        results = store.results(1)
    right = next(result for cell, result in results if cell.method == "centers").scores[0].value
    line = next(line for line in done.stdout.splitlines() if line.startswith("centers"))
    assert line.split()[:6] == ["centers", "0", "Accuracy", f"{100 * right:.2f}", "75.00", f"{100 * (right - 0.75):+.2f}"]
    assert "a table of this test" in line


def test_the_same_command_goes_on_and_anew_begins_again(data: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = ("run", "tiny", "--data", str(data), "--out", str(tmp_path / "runs"), "--device", "cpu", "--option", f"log={log}")
    assert said(*words, "--workers", "2").exit_code == 0
    lines = log.read_text()
    assert said(*words).exit_code == 0
    assert log.read_text() == lines
    assert said(*words, "--anew").exit_code == 0
    assert len(log.read_text()) > len(lines)


def test_what_is_named_twice_is_computed_once(data: Path, tmp_path: Path) -> None:
    words = ("--methods", "centers,first,centers", "--seeds", "1,0,1")
    done = said("run", "tiny", "--data", str(data), "--out", str(tmp_path / "runs"), "--device", "cpu", *words)
    assert "Run 1: 4 results." in done.stderr
    with runs.opened(tmp_path / "runs") as store:
        assert (store.config(1).methods, store.config(1).seeds) == (("centers", "first"), (1, 0))


def test_the_table_is_in_the_order_that_was_asked_for(data: Path, tmp_path: Path) -> None:
    found = []
    for number, methods in enumerate(("first,centers", "centers,first")):
        done = said("run", "tiny", "--data", str(data), "--out", str(tmp_path / f"{number}"), "--device", "cpu", "--methods", methods)
        found.append([line.split()[0] for line in done.stdout.splitlines() if line.startswith(("first", "centers"))])
    assert found == [["first", "centers"], ["centers", "first"]]


def test_a_check_names_every_recording_that_is_missing_or_broken(tmp_path: Path) -> None:
    made_data.make("maestro", tmp_path, seconds=0.3)
    assert said("check", "maestro", "--data", str(tmp_path)).exit_code == 0
    files = sorted((tmp_path / "2018").iterdir())
    for path in files[:12]:
        path.unlink()
    made_data.spoil(files[12])
    done = said("check", "maestro", "--data", str(tmp_path))
    assert done.exit_code == 1
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    assert [name for what, name in lines if what == "missing"] == [f"2018/{path.name}" for path in files[:12]]
    (broken,) = [name for what, name in lines if what == "cannot be decoded"]
    assert broken.startswith(f"2018/{files[12].name} (")
    assert ["performances", "20", "1,276"] in [line.split() for line in done.stdout.splitlines()]
    assert "magenta.tensorflow.org" in done.stdout


def test_what_fails_is_said_and_the_rest_is_there(data: Path, tmp_path: Path) -> None:
    done = said(
        "run", "tiny", "--data", str(data), "--out", str(tmp_path / "runs"), "--option", "fails=first", "--methods", "first,centers"
    )
    assert done.exit_code == 1
    assert "centers" in done.stdout
    with runs.opened(tmp_path / "runs") as store:
        assert store.runs()[0].config.options == {"fails": "first"}
        assert len(store.results(1)) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("run", "none", "--data", "."),
        ("run", "tiny"),
        ("run", "tiny", "--data", ".", "--mode", "best"),
        ("run", "tiny", "--data", ".", "--seeds", "one"),
        ("run", "tiny", "--data", ".", "--seeds", "0,-1"),
        ("run", "tiny", "--data", ".", "--seeds", "4294967296"),
        ("run", "tiny", "--data", ".", "--orders", "1"),
        ("run", "tiny", "--data", ".", "--tasks", "genre"),
        ("run", "tiny", "--data", ".", "--keys", "mfcc"),
        ("check", "none", "--data", "."),
        ("run", "tiny", "--data", ".", "--option", "slow"),
        ("run", "tiny", "--data", ".", "--option", "speed=1"),
        ("run", "tiny", "--data", ".", "--option", "slow=very"),
        ("run", "tiny", "--data", ".", "--option", "fails=all"),
        ("run", "tiny", "--data", ".", "--encoder", "ears"),
        ("report", ".", "--format", "doc"),
    ],
)
def test_usage_errors(words: tuple[str, ...]) -> None:
    assert said(*words).exit_code == 2


def test_errors_are_lines(tmp_path: Path) -> None:
    done = said("run", "tiny", "--data", str(tmp_path), "--out", str(tmp_path), "--methods", "magic")
    assert (done.exit_code, done.stderr) == (1, "There is no method “magic”; known are centers, first.\n")
    done = said("report", str(tmp_path / "nowhere"))
    assert done.exit_code == 1
    assert done.stderr.startswith("There are no runs in")
    assert not (tmp_path / "nowhere").exists()


def test_the_headline_is_the_whole_or_what_is_known_last() -> None:
    scores = (Score("accuracy", 0.9, session=1), Score("accuracy", 0.5, session=5), Score("bwt", 0.1), Score("bwt", 0.3, session=2))
    assert cli_bench.headline(Result((*scores, Score("accuracy", 0.2, session=9, task="a")))) == [scores[1], scores[2]]


def test_values_of_options(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {option.id: option for option in tiny_protocol.OPTIONS}
    assert cli_bench._value(options["slow"], "2") == 2.0
    assert cli_bench._value(options["fails"], "first") == "first"
    assert cli_bench._beside(Score("r2", 0.5, 0.4, 0.6), [Published("r2", 0.45, "x")])[1:5] == (
        "0.5000",
        "0.4000–0.6000",
        "0.4500",
        "+0.0500",
    )


def test_a_report_is_printed_or_written(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    assert said("run", "tiny", "--data", str(data), "--out", str(folder)).exit_code == 0
    printed = said("report", str(folder))
    assert printed.exit_code == 0
    assert tiny_protocol.TITLE in printed.stdout
    assert said("report", str(folder), "--run", "1", "--format", "csv", "--out", str(tmp_path / "made.csv")).exit_code == 0
    assert "centers" in (tmp_path / "made.csv").read_text()
    missing = said("report", str(folder), "--run", "7")
    assert (missing.exit_code, missing.stderr) == (1, f"There is no run 7 in “{folder}”; known are 1.\n")
