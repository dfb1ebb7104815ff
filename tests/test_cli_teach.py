"""The commands that teach, run as a user runs them: one project, real clips, the built-in encoder."""

from __future__ import annotations

import json
import math
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from musicclass_gui import cli
from musicclass_gui.engine.lessons import packs
from musicclass_gui.engine.places import models_dir

if TYPE_CHECKING:
    from click.testing import Result

RATE = 22050


def clip(path: Path, pitch: float, number: int, seconds: float = 2.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(number).standard_normal(len(time))
    tone = sum(np.sin(2 * math.pi * pitch * (1 + number / 50) * k * time) / k for k in (1, 2, 3))
    soundfile.write(path, 0.2 * tone + 0.02 * noise, RATE)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of eight clips."""
    for name, pitch in (("low", 110.0), ("high", 1760.0)):
        for number in range(8):
            clip(tmp_path / "clips" / name / f"{number}.wav", pitch, number)
    return tmp_path / "clips"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "band.musicclass"


def ask(*words: object) -> Result:
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def said(*words: object) -> str:
    result = ask(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def taught(project: Path, *words: object) -> Any:
    return json.loads(said("teach", project, *words, "--encoder", "timbre", "--json"))


def class_names(project: Path) -> list[str]:
    board = json.loads(said("classes", project, "--json"))
    return sorted(one["name"] for classifier in board["classifiers"] for one in classifier["classes"])


def test_folders_become_classes_that_answer(project: Path, folder: Path, tmp_path: Path) -> None:
    card = taught(project, folder)
    assert [(one["name"], one["recordings"], one["after"]) for one in card["classes"]] == [("high", 8, 1.0), ("low", 8, 1.0)]
    stranger = clip(tmp_path / "new.wav", 1700.0, 99)
    answer = json.loads(said("predict", stranger, "--project", project, "--json"))
    assert [one["classifier"] for one in answer["answers"]] == ["my-classes"]
    assert answer["answers"][0]["ranking"][0]["label"] == "high"


def test_a_class_is_added_forgotten_undone_and_redone(project: Path, folder: Path, tmp_path: Path) -> None:
    taught(project, folder)
    for number in range(3):
        clip(tmp_path / "more" / f"{number}.wav", 440.0, number)
    said("teach", project, tmp_path / "more", "--as", "middle")
    assert class_names(project) == ["high", "low", "middle"]
    said("forget", project, "low")
    assert class_names(project) == ["high", "middle"]
    assert "Delete" in said("undo", project)
    assert class_names(project) == ["high", "low", "middle"]
    said("redo", project)
    said("undo", project)
    said("forget", project, "--lesson", "1")
    assert class_names(project) == ["middle"]


def test_a_table_says_how_good_the_classes_are(project: Path, folder: Path) -> None:
    assert "Tested on 16 held-out recordings" in said("teach", project, folder, "--encoder", "timbre", "--method", "centers")
    assert "centers on timbre" in said("classes", project)


def test_what_cannot_be_read_is_named_and_the_rest_is_taught(project: Path, folder: Path) -> None:
    (folder / "low" / "broken.wav").write_bytes(b"RIFF")
    result = ask("teach", project, folder, "--encoder", "timbre")
    assert result.exit_code == 1
    assert "broken.wav" in result.stderr
    assert class_names(project) == ["high", "low"]


def test_a_pack_goes_from_one_project_to_another(project: Path, folder: Path, tmp_path: Path) -> None:
    taught(project, folder)
    pack, other = tmp_path / "band.mcpack", tmp_path / "other.musicclass"
    said("pack", "export", project, pack)
    said("pack", "import", other, pack)
    assert class_names(other) == ["high", "low"]
    file = folder / "low" / "3.wav"
    mine, theirs = (json.loads(said("predict", file, "--project", one, "--json"))["answers"][0] for one in (project, other))
    assert [one["label"] for one in mine["ranking"]] == [one["label"] for one in theirs["ranking"]]
    assert mine["ranking"][0]["probability"] == pytest.approx(theirs["ranking"][0]["probability"], rel=1e-9)


def test_classes_of_ones_own_beside_the_built_in_ones(project: Path, folder: Path) -> None:
    said("pack", "import", project, shipped_pack(project, "genre"))
    said("teach", project, folder)
    names = class_names(project)
    assert {"high", "low", "jazz", "metal"} <= set(names)
    assert len(names) == 12


WRONG = [
    (("forget", "P"), "Name a class"),
    (("forget", "P", "nobody"), "no class “nobody”"),
    (("undo", "missing.musicclass"), "missing.musicclass"),
    (("teach", "P", "F", "--method", "magic"), "no method"),
    (("teach", "P", "F", "--encoder", "magic"), "no encoder “magic”"),
    (("teach", "P", "F", "--unfreeze", "2"), "Only with --method replay"),
    (("pack", "import", "P", "F"), "pack"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_wrong_use_is_one_clear_line(words: tuple[str, ...], sentence: str, project: Path, folder: Path) -> None:
    said("pack", "import", project, shipped_pack(project))
    places = {"P": project, "F": folder}
    result = ask(*(places.get(word, word) for word in words))
    assert result.exit_code in (1, 2)
    assert sentence in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output


def shipped_pack(project: Path, name: str = "composer") -> Path:
    pack = project.with_name(f"{name}.mcpack")
    packs.write(pack, packs.of_shipped(models_dir() / name / "timbre"))
    return pack


def test_nothing_to_undo_is_said(project: Path, folder: Path) -> None:
    taught(project, folder)
    said("undo", project)
    result = ask("undo", project)
    assert result.exit_code == 1
    assert "nothing to take back" in result.output


def test_an_interrupted_lesson_is_gone_on_with(project: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pull_the_plug(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr("musicclass_gui.engine.lessons.teacher.examine", pull_the_plug)
        assert ask("teach", project, folder, "--encoder", "timbre").exit_code != 0
    clip(tmp_path / "else" / "1.wav", 440.0, 1)
    refused = ask("teach", project, tmp_path / "else")
    assert refused.exit_code == 1
    assert "was interrupted" in refused.stderr
    assert class_names(project) == []
    said("teach", project, folder)
    assert class_names(project) == ["high", "low"]


def test_the_commands_of_the_readme_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[1]
    section = (root / "README.md").read_text("utf-8").partition("## Teach a class in a minute")[2]
    lines = section.partition("```bash\n")[2].partition("```")[0].splitlines()
    monkeypatch.chdir(tmp_path)
    make, *commands = [shlex.split(line, comments=True) for line in lines]
    subprocess.run([sys.executable, root / make[1], *make[2:]], check=True, timeout=120)
    outputs = [said(*command[1:]) for command in commands]
    assert len(outputs) == 9
    assert outputs[1].splitlines()[2].split()[:2] == ["my-classes", "bell"]
    assert class_names(tmp_path / "other.musicclass") == ["bell", "oboe", "pluck"]


def test_lessons_are_listed_with_their_numbers(project: Path, folder: Path) -> None:
    taught(project, folder)
    said("undo", project)
    assert "lesson 1, taken back: Teach" in said("classes", project)


def test_a_folder_that_is_not_there_is_named_and_makes_no_project(tmp_path: Path) -> None:
    result = ask("teach", tmp_path / "new.musicclass", tmp_path / "gone")
    assert result.exit_code == 2
    assert "not there" in " ".join(result.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_no_answer_at_all_is_no_success(project: Path, folder: Path) -> None:
    taught(project, folder)
    said("undo", project)
    assert ask("predict", next(folder.rglob("*.wav")), "--project", project).exit_code == 1
