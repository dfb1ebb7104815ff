"""Which project is worked with: the one chosen, else the default one, which is the engine's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.app import projects
from musicclass_gui.app.settings import FIELDS, Settings
from musicclass_gui.engine import places
from musicclass_gui.engine.project import rows, store

if TYPE_CHECKING:
    import pytest


def test_the_default_project_and_the_endings_are_the_engine_s() -> None:
    assert projects.default_project() == places.projects_dir() / f"My classes{store.SUFFIX}"
    assert store.SUFFIX == projects.PROJECT_SUFFIX
    assert tuple(method.id for method in projects.METHODS) == rows.METHODS
    assert next(field for field in FIELDS if field.key == "teach_method").choices == rows.METHODS


def test_each_method_is_explained_in_one_line() -> None:
    for method in projects.METHODS:
        assert 40 < len(method.line) < 140
        assert method.line.endswith(".")


def test_the_last_project_is_remembered_and_listed_once(qapp: object, tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert projects.current_project(settings) == projects.default_project()
    bells, gongs = tmp_path / "Bells.musicclass", tmp_path / "Gongs.musicclass"
    for path in (bells, gongs, bells):
        projects.remember(settings, path)
        assert projects.current_project(settings) == path
    assert projects.recent_projects(settings) == [bells, gongs]
    projects.remember(settings, projects.default_project())
    assert settings.get("project") == "", "the default is the default also when the folder of projects is moved"
    settings.close()


def test_a_path_gets_its_ending_once() -> None:
    assert projects.with_suffix(Path("Bells 1.5"), ".musicclass") == Path("Bells 1.5.musicclass")
    assert projects.with_suffix(Path("Bells.MusicClass"), ".musicclass") == Path("Bells.MusicClass")


def test_there_is_a_way_back_to_the_default_project(qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSICCLASS_PROJECTS", str(tmp_path))
    settings, other = Settings(tmp_path), tmp_path / "Other.musicclass"
    projects.default_project().touch()
    projects.remember(settings, other)
    assert projects.recent_projects(settings) == [other, projects.default_project()]
    settings.close()
