"""musicclass extract as a user types it: rows, exit status, one line for each failure, and Ctrl+C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from extracted_files import listed, tune
from typer.testing import CliRunner, Result

from musicclass_gui.cli import app

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return listed(tmp_path / "list.txt", [tune(tmp_path / f"{n} [x].wav", seed=n) for n in range(3)])


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, ["extract", *(str(arg) for arg in args)])


def test_an_array_is_written_and_its_shape_printed(given: Path, tmp_path: Path) -> None:
    result = run(given, tmp_path / "x.npy", "--encoder", "timbre")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path / 'x.npy'}: 3 × 177\n"
    assert np.load(tmp_path / "x.npy").shape == (3, 177)


def test_what_cannot_be_read_is_named_once_on_standard_error(given: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.mp3").write_text("Dear all,\n" * 500)
    with given.open("a") as file:
        file.write("letter.mp3\ngone.wav\nletter.mp3\n")
    result = run(given, tmp_path / "x.npz", "--encoder", "timbre", "--windows")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert sorted(line.split(": ")[0] for line in lines[:2]) == [str(tmp_path / "gone.wav"), str(tmp_path / "letter.mp3")]
    assert lines[2] == "2 of 5 recordings could not be read; their rows are NaN."
    assert np.isnan(np.load(tmp_path / "x.npz")["embeddings"]).all(axis=1).tolist() == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    "args",
    [
        ["x.npy"],
        ["x.npy", "--encoder", "ear"],
        ["x.npy", "--encoder", "timbre", "--windows"],
        ["x.npy", "--encoder", "timbre", "--fast"],
        ["x.npy", "--encoder", "timbre", "--layers"],
        ["x.npy", "--encoder", "timbre", "--device", "gpu"],
        ["x.wav", "--encoder", "timbre"],
        ["x.npy", "--encoder", "timbre", "--format", "csv"],
    ],
)
def test_wrong_usage_exits_with_2(args: list[str], given: Path) -> None:
    assert run(given, *args).exit_code == 2


def test_a_list_that_is_none_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path, tmp_path / "x.npy", "--encoder", "timbre")
    assert result.exit_code == 1
    assert result.stderr == f"“{tmp_path}” is a folder; name a text file with one path per line.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent in another way there")
def test_ctrl_c_leaves_what_the_same_command_goes_on_with(tmp_path: Path) -> None:
    given = listed(tmp_path / "list.txt", [tune(tmp_path / f"{n}.wav", 60.0, seed=n) for n in range(30)])
    out = tmp_path / "x.npy"
    command = [sys.executable, "-m", "musicclass_gui", "extract", str(given), str(out), "--encoder", "timbre"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not journal_grows(out) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed) == (1, "")
    assert said == "Stopped. What is through is kept in “x.npy.part”; the same command goes on from there.\n"
    assert not out.exists()
    again = run(given, out, "--encoder", "timbre")
    assert again.exit_code == 0
    assert "of 30 recordings are through from before; this goes on with the others." in again.stderr
    assert np.isfinite(np.load(out)).all()


def journal_grows(out: Path) -> bool:
    journal = out.with_name("x.npy.part-wal")
    return journal.exists() and journal.stat().st_size > 100_000
