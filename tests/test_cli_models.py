"""The commands of `musicclass models`, as a shell sees them."""

from __future__ import annotations

import json

from typer.testing import CliRunner, Result

from musicclass_gui.cli import app
from musicclass_gui.engine import encoders


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, args)])


class TestList:
    def test_shows_every_encoder_and_classifier(self) -> None:
        rows = json.loads(run("list", "--json").stdout)
        assert [row["id"] for row in rows if row["kind"] == "encoder"] == list(encoders.specs())
        assert {row["id"] for row in rows if row["kind"] == "classifier"} == {"genre", "composer"}
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
