"""The command line as a user types it: tables, JSON lines, exit status, and no tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from musicclass_gui.cli import app
from musicclass_gui.engine import analysis

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.audio import Recording

RATE = 22050


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "tone [x].wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(12 * RATE) / 20), RATE)
    return path


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.mp3"
    path.write_text("Dear all,\n" * 500)
    return path


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_json_is_one_object_per_file_and_line_with_the_documented_keys(tone: Path, letter: Path) -> None:
    result = run("predict", letter, tone, "--json", "--encoder", "timbre")
    assert result.exit_code == 1
    bad, good = (json.loads(line) for line in result.stdout.splitlines())
    assert bad["path"] == str(letter)
    assert bad["answers"] == []
    assert "letter.mp3" in bad["error"]
    assert good["error"] is None
    assert good["duration_s"] == pytest.approx(12)
    assert [answer["classifier"] for answer in good["answers"]] == ["genre", "composer", "instrument"]
    for answer in good["answers"]:
        assert {"classifier", "encoder", "label", "none_of_these", "ranking", "segments", "evidence"} <= set(answer)
        assert set(answer["ranking"][0]) == {"label", "probability"}
        assert set(answer["segments"][0]) == {"start_s", "end_s", "label", "probability"}


def test_a_table_names_the_file_and_its_answers(tone: Path) -> None:
    result = run("predict", tone, "--classifier", "genre", "--encoder", "timbre")
    assert result.exit_code == 0
    assert str(tone) in result.stdout
    assert "genre" in result.stdout
    assert "composer" not in result.stdout


def test_an_error_is_one_line_on_standard_error(letter: Path) -> None:
    result = run("predict", letter)
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "letter.mp3" in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["predict"],
        ["predict", "a.wav", "--classifier", "mood"],
        ["predict", "a.wav", "--window", "-1"],
        ["predict", "a.wav", "--window", "0.01"],
        ["predict", "a.wav", "--device", "gpu"],
        ["predict", "a.wav", "--encoder", "x"],
        ["predict", "a.wav", "--tags", "x"],
        ["predict", "a.wav", "--tags", "timbre"],
        ["sing"],
        ["models", "fetch", "x"],
    ],
)
def test_wrong_usage_exits_with_2(args: list[str]) -> None:
    assert run(*args).exit_code == 2


def test_selfcheck_prints_versions() -> None:
    assert "torch" in run("selfcheck").stdout


def test_with_other_weights_at_hand_the_answer_is_the_same_unless_asked_for(tone: Path, data_dir: Path) -> None:
    """Their accuracies cannot be told apart, and then the encoder that is on every machine answers."""
    asked = ("predict", tone, "--json", "--weights", data_dir / "weights", "--classifier", "genre")
    assert json.loads(run(*asked).stdout)["answers"][0]["encoder"] == "house-v1"
    assert json.loads(run(*asked, "--encoder", "mn04-as").stdout)["answers"][0]["encoder"] == "mn04-as"


def test_without_weights_the_encoder_in_the_box_answers_everything(tone: Path) -> None:
    answers = json.loads(run("predict", tone, "--json").stdout)["answers"]
    assert [(one["classifier"], one["encoder"]) for one in answers] == [(name, "house-v1") for name in ("genre", "composer", "instrument")]


def test_tags_answer_alone_or_beside_the_classifiers_that_are_named(data_dir: Path) -> None:
    metal = data_dir / "gtzan-mini" / "metal" / "metal.00001.flac"
    tagged = ("predict", metal, "--json", "--weights", data_dir / "weights", "--tags", "vgg-mtt")
    (alone,) = json.loads(run(*tagged).stdout)["answers"]
    assert (alone["kind"], alone["label"]) == ("tags", "rock")
    both = json.loads(run(*tagged, "--classifier", "genre").stdout)["answers"]
    assert [answer["classifier"] for answer in both] == ["genre", "tags-vgg-mtt"]


def test_tags_whose_weights_are_missing_are_told_of(tone: Path) -> None:
    result = run("predict", tone, "--classifier", "genre", "--tags", "vgg-mtt")
    assert result.exit_code == 0
    assert "There are no tags: The weights of vgg-mtt are missing" in " ".join(result.stdout.split())


def test_the_installed_command_never_prints_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "musicclass_gui", "predict", str(tmp_path / "gone.wav"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=120, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
@pytest.mark.parametrize("more", [["--json"], []])
def test_a_name_that_is_no_text_is_answered_like_any_other(tone: Path, more: list[str]) -> None:
    strange = tone.rename(tone.with_name(os.fsdecode(b"caf\xe9.wav")))
    command = [sys.executable, "-m", "musicclass_gui", "predict", os.fsencode(strange), "--encoder", "timbre", *more]
    env = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, capture_output=True, env=env, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode("utf-8")
    assert not more or json.loads(text)["path"] == str(strange)
    assert "caf" in text


def test_a_reader_that_has_seen_enough_is_no_error_to_talk_about(tone: Path) -> None:
    command = [sys.executable, "-m", "musicclass_gui", "predict", "--encoder", "timbre", "--json", *[str(tone)] * 3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["error"] is None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_fault_with_one_file_leaves_the_others_answered(tone: Path, letter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = analysis.probe

    def faulty(path: Path) -> Recording:
        if path == letter:
            raise KeyError("made up")
        return probe(path)

    monkeypatch.setattr(analysis, "probe", faulty)
    result = run("predict", letter, tone, "--json", "--encoder", "timbre")
    bad, good = (json.loads(line) for line in result.stdout.splitlines())
    assert "KeyError" in bad["error"]
    assert good["answers"]
    assert result.exit_code == 1


def test_a_damaged_classifier_is_a_sentence_in_the_list_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "genre" / "timbre"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{")
    monkeypatch.setattr("musicclass_gui.engine.places.models_dir", lambda: tmp_path)
    result = run("models", "list")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
