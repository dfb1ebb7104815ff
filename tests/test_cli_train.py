"""The commands that train and compare encoders, from end to end on a miniature of the recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from training_data import made
from typer.testing import CliRunner

from musicclass_gui.__main__ import _COMMANDS
from musicclass_gui.cli import app
from musicclass_gui.engine.encoders import house
from musicclass_gui.engine.training import recipe as recipes
from musicclass_gui.engine.training import sounds

TINY = recipes.Recipe(shards=2, crops=3, epochs=2, batch=2)


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_program_knows_every_command() -> None:
    """What it does not know as one, it would open in the window."""
    assert set(typer.main.get_command(app).commands) == _COMMANDS  # type: ignore[attr-defined]


@pytest.fixture
def teachers(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mn04-as", "musicnn-keras"):
        if not (data_dir / "weights" / name).is_dir():
            pytest.skip(f"the weights of {name} are not in the test data")
    monkeypatch.setenv("MUSICCLASS_MODELS", str(data_dir / "weights"))


@pytest.mark.usefixtures("teachers")
def test_from_recordings_to_an_encoder_in_two_parts(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(recipes.text(TINY))
    data, work = made(tmp_path / "data"), tmp_path / "work"
    common = ("train-encoder", "--data", data, "--work", work, "--recipe", tmp_path / "recipe.json", "--threads", 1)
    assert run(*common, "--part", "2/2")[:2] == (0, "")
    assert len(list((work / "crops").iterdir())) == 1
    status, out, err = run(*common)
    out = "".join(out.split("\n"))
    assert status == 0
    assert "step 4 of 4: mn04-as" in err
    assert out.split()[-1].endswith(f"house-{TINY.key}.safetensors")
    status, out, _ = run(
        "compare-encoders", "--data", data, "--encoders", "house-v1", "--weights", work / f"house-{TINY.key}.safetensors", "--json"
    )
    assert status == 0
    assert json.loads(out)["sizes"][0]["parameters"] == house.load().parameters
    weights = work / f"house-{TINY.key}.safetensors"
    assert house.heard_by(weights, weights.with_suffix(".heard.txt")) == {Path(s.name).stem for s in sounds.find(data) if not s.held_out}
    (data / "gtzan-mini/rock/rock.000000.wav").write_bytes((data / "gtzan-mini/rock/rock.00000.wav").read_bytes())
    status, _, err = run(*common)
    assert (status, "begun with other recordings" in " ".join(err.split())) == (1, True), "what it kept stands for others"


def test_only_what_it_never_heard_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of those files are names of what the encoder in the box heard, wherever they lie."""
    data = made(tmp_path)
    monkeypatch.setattr(house, "heard", lambda: frozenset({"rock.00001", "rock.00004", "blues.00001", "oboe_1", "Ravel"}))
    _, out, _ = run("compare-encoders", "--data", data, "--encoders", "house-v1", "--json")
    rows = json.loads(out)["rows"]
    assert {(row["collection"], row["n"]) for row in rows} == {("gtzan", 1)}
    monkeypatch.setattr(house, "heard", lambda: frozenset(sound.path.stem for sound in sounds.find(data)))
    status, _, err = run("compare-encoders", "--data", data, "--encoders", "house-v1")
    assert (status, "No collection here" in err) == (1, True)


def test_the_table_has_every_collection_and_number_of_examples(tmp_path: Path) -> None:
    status, out, _ = run("compare-encoders", "--data", made(tmp_path), "--encoders", "timbre")
    assert status == 0
    assert "gtzan, 4 held-out recordings" in out
    gaussian = next(line for line in out.splitlines() if "gaussian" in line)
    assert gaussian.split("gaussian")[1].count("100.0 (") == 4  # a sine and a square wave are easily told
    status, out, _ = run("compare-encoders", "--data", tmp_path, "--encoders", "timbre", "--json")
    rows = json.loads(out)["rows"]
    assert {row["shots"] for row in rows} == {0, 1, 3, 5}
    assert {row["collection"] for row in rows} == {"gtzan", "composers", "philharmonia"}
    assert all(0 <= row["interval_95"][0] <= row["accuracy"] <= row["interval_95"][1] <= 1 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["train-encoder", "--data", "DIR", "--work", "WORK", "--part", "3/2"], 2, "is no part"),
        (["train-encoder", "--data", "DIR", "--work", "WORK"], 1, "gtzan-mini, composers and instruments"),
        (["train-encoder", "--data", "DIR", "--work", "WORK", "--part", "²/2"], 2, "is no part"),
        (["compare-encoders", "--data", "DIR", "--encoders", "nothing"], 2, "There is no encoder"),
        (["compare-encoders", "--data", "DIR", "--encoders", "timbre", "--weights", "x"], 2, "are for house-v1"),
        (["compare-encoders", "--data", "DIR", "--weights", "/nowhere/x"], 2, "There is no file"),
        (["compare-encoders", "--data", "DIR", "--json", "--markdown"], 2, "do not go together"),
        (["compare-encoders", "--data", "DIR", "--encoders", "timbre"], 1, "gtzan-mini, composers and instruments"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], status: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "DIR").mkdir()
    code, _, err = run(*[str(tmp_path / word) if word in ("DIR", "WORK") else word for word in arguments])
    assert code == status
    assert words in " ".join(err.replace("│", " ").split())
