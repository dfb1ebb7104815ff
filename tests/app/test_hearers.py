from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from musicclass_gui.app import hearers
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine import encoders

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_needs_no_weights_is_always_here_and_the_rest_once_its_files_are(tmp_path: Path) -> None:
    assert [spec.id for spec in hearers.here(str(tmp_path))] == ["timbre", "house-v1"]
    spec = encoders.specs()["mn04-as"]
    assert spec.weights is not None
    file = tmp_path / "mn04-as" / spec.weights.files[0].name
    file.parent.mkdir()
    file.write_bytes(b"looked for by its name only")
    assert [name for name, _ in hearers.choices(str(tmp_path))] == ["timbre", "house-v1", "mn04-as"]


def test_what_may_not_be_used_for_everything_is_only_offered_once_its_licence_was_agreed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = encoders.specs()["mn04-as"]
    assert spec.weights is not None
    bound = replace(spec, weights=replace(spec.weights, restricted=True))
    monkeypatch.setattr(encoders, "specs", lambda: {"mn04-as": bound})
    monkeypatch.setattr(hearers, "is_here", lambda *_: True)
    assert hearers.choices(str(tmp_path)) == []
    assert [name for name, _ in hearers.choices(str(tmp_path), ["mn04-as"])] == ["mn04-as"]


def test_tags_are_asked_for_only_of_a_tagger_that_is_here_and_agreed_to(
    qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings()
    known = encoders.specs()["mn04-as"]
    assert known.weights is not None
    spec = replace(known, id="tagging", tags="Tags.", weights=replace(known.weights, restricted=True))
    monkeypatch.setattr(encoders, "specs", lambda: {"tagging": spec})
    settings.set("tags", "tagging")
    assert hearers.tagger(settings) == ""
    file = tmp_path / "tagging" / known.weights.files[0].name
    file.parent.mkdir()
    file.write_bytes(b"")
    settings.set("weights_folder", str(tmp_path))
    assert hearers.tagger(settings) == "", "its licence was not agreed to"
    settings.set("agreed", ["tagging"])
    assert hearers.tagger(settings) == "tags-tagging"
    assert [one.id for one in hearers.taggers(settings)] == ["tagging"]
    settings.close()
