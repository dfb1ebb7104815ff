"""The commands that name by words, run as a user runs them, on a tiny CLAP in a folder of weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from encoders import tiny_clap
from typer.testing import CliRunner

from musicclass_gui import __main__, cli

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

CLAP = "clap-music"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny_clap.make(folder / CLAP, dim=512)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "band.musicclass"


def ask(*words: object) -> Result:
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def said(*words: object) -> str:
    result = ask(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def add(project: Path, weights: Path, *phrases: str) -> str:
    return said("words", "add", "Forms", *phrases, "--project", project, "--weights", weights)


def test_words_is_a_command_of_the_program() -> None:
    assert "words" in __main__._COMMANDS


def test_phrases_are_added_listed_changed_and_removed(project: Path, weights: Path) -> None:
    assert "a fugue; bossa nova" in add(project, weights, "a fugue", "bossa nova")
    (found,) = json.loads(said("words", "list", "--project", project, "--json"))
    assert (found["key"], found["encoder"], found["method"]) == ("forms", CLAP, "words")
    assert found["words"] == {"template": "This is a recording of {phrase}.", "phrases": ["a fugue", "bossa nova"]}
    common = ("--project", project, "--weights", weights)
    assert "It is {phrase}!" in said("words", "change", "forms", "a waltz", "--template", "It is {}!", *common)
    assert "It is {phrase}!" in said("words", "change", "forms", "a tango", *common)
    assert "a tango" in said("words", "list", "--project", project)
    assert "Removed: forms" in said("words", "remove", "forms", "--project", project)
    assert json.loads(said("words", "list", "--project", project, "--json")) == []


def test_predict_answers_with_them(project: Path, weights: Path, tmp_path: Path) -> None:
    add(project, weights, "a fugue", "bossa nova")
    path = tmp_path / "a.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(3 * 48_000), 48_000)
    options = ("--project", project, "--weights", weights, "--device", "cpu")
    answer: dict[str, Any] = json.loads(said("predict", path, *options, "--json"))["answers"][0]
    assert (answer["classifier"], answer["encoder"], answer["kind"]) == ("forms", CLAP, "words")
    assert answer["label"] in ("a fugue", "bossa nova")
    assert sum(one["probability"] for one in answer["ranking"]) == pytest.approx(1)
    shown = said("predict", path, *options)
    assert "only compare the phrases with each other" in shown
    assert "Not tested" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "Forms", " "), "no phrase"),
        (("add", "Forms", "jazz", "--template", "no place"), "needs {phrase}"),
        (("change", "other", "jazz"), "no classifier by words “other”; the project has forms"),
        (("remove", "other"), "no classifier by words “other”"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(project: Path, weights: Path, words: tuple[str, ...], sentence: str) -> None:
    add(project, weights, "jazz")
    found = ask("words", *words, "--project", project, *(() if words[0] == "remove" else ("--weights", weights)))
    assert found.exit_code == 1
    assert sentence in found.stderr
    assert found.stderr.count("\n") == 1


def test_without_a_clap_it_says_how_to_get_one(project: Path) -> None:
    found = ask("words", "add", "Forms", "jazz", "--project", project)
    assert found.exit_code == 1
    assert "models fetch clap-unfused" in found.stderr


def test_an_unknown_encoder_is_a_usage_error(project: Path) -> None:
    assert ask("words", "add", "Forms", "jazz", "--project", project, "--encoder", "nobody").exit_code == 2
    assert not project.exists()
