"""The commands of `musicclass models`, as a shell sees them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from encoders.hubert_folders import made_model, save_new
from typer.testing import CliRunner, Result

from musicclass_gui.cli import app
from musicclass_gui.engine import encoders, places

if TYPE_CHECKING:
    from pathlib import Path


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, args)])


class TestList:
    def test_shows_every_encoder_and_classifier(self) -> None:
        rows = json.loads(run("list", "--json").stdout)
        assert [row["id"] for row in rows if row["kind"] == "encoder"] == list(encoders.specs())
        assert {row["id"] for row in rows if row["kind"] == "classifier"} == {"genre", "composer", "instrument"}
        found = {row["id"]: row for row in rows if row["kind"] == "encoder"}
        assert found["timbre"]["state"] == "built in"
        assert found["mn04-as"]["state"] == "missing"
        assert "models fetch mn04-as" in found["mn04-as"]["detail"]

    def test_as_a_table_it_has_licence_size_and_state(self) -> None:
        line = next(line for line in run("list").stdout.splitlines() if line.startswith("mn04-as"))
        assert "4.1 MB" in line
        assert "MIT" in line
        assert "missing" in line


def test_path_prints_folders() -> None:
    assert "classifiers:" in run("path").stdout


def test_nothing_is_fetched_without_a_yes() -> None:
    result = CliRunner().invoke(app, ["models", "fetch", "mn04-as"], input="n\n")
    assert result.exit_code == 1
    assert "github.com" in result.stdout
    assert "MIT" in result.stdout


@pytest.mark.parametrize("args", ["fetch x", "fetch timbre", "fetch", "verify x", "remove x", "add /nowhere", "mix x . --name y"])
def test_wrong_usage_exits_with_2(args: str) -> None:
    assert run(*args.split()).exit_code == 2


def test_the_licences_are_shown_before_the_question() -> None:
    wanted = [spec for spec in encoders.specs().values() if spec.weights and spec.weights.can_be_fetched]
    result = CliRunner().invoke(app, ["models", "fetch", *(spec.id for spec in wanted)], input="n\n")
    assert result.exit_code == 1
    before, _, _ = result.stdout.partition("Download?")
    assert all(spec.weights and spec.weights.licence in before for spec in wanted)


def test_one_that_cannot_be_fetched_does_not_keep_others_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSICCLASS_OFFLINE", "1")
    result = run("fetch", "mn04-as", "clap-music", "--yes")
    assert result.exit_code == 1
    first, second = result.stderr.strip().splitlines()
    assert first.startswith("mn04-as: ")
    assert second.startswith("clap-music: ")


def test_an_added_folder_is_listed_verified_and_removed(tmp_path: Path) -> None:
    save_new(tmp_path / "net", made_model())
    added = run("add", tmp_path / "net", "--name", "My net")
    assert (added.exit_code, added.stdout.split(":")[0]) == (0, "my-net")
    listed = {row["id"]: row for row in json.loads(run("list", "--json").stdout)}
    assert (listed["my-net"]["state"], listed["my-net"]["own"]) == ("ready", True)
    verified = run("verify", "my-net")
    assert verified.exit_code == 0
    assert "my-net: right" in verified.stdout
    assert "Batch: a window alone and in a batch differ by" in verified.stdout
    assert run("remove", "my-net").exit_code == 0
    assert run("verify", "my-net").exit_code == 2
    assert (tmp_path / "net" / "model.safetensors").exists()


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "whisper"}')
    result = run("add", tmp_path)
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1


def test_verify_tests_all_that_are_here_and_names_what_is_wrong() -> None:
    path = places.data_dir() / "weights" / "mn04-as" / "mn04_as_mAP_432.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    result = run("verify")
    assert result.exit_code == 1
    assert "timbre: right" in result.stdout
    assert "4 bytes instead of" in result.stderr
    assert "damaged" in run("list").stdout


def test_a_damaged_record_of_added_encoders_is_said_once() -> None:
    places.data_dir().mkdir(parents=True, exist_ok=True)
    (places.data_dir() / "encoders.json").write_text("{")
    result = run("list")
    assert result.exit_code == 0
    assert "encoders.json” is damaged" in result.stderr
