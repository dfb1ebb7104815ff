"""Settings survive restarts, hand-broken files, other versions, and folders that cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from musicclass_gui.app import settings as module
from musicclass_gui.app.jobs import Inline
from musicclass_gui.app.settings import FIELDS, Settings

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.usefixtures("qapp")

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def opened(folder: Path) -> Settings:
    return Settings(folder, executor=Inline())


def test_table_is_sound() -> None:
    keys = [field.key for field in FIELDS]
    assert len(set(keys)) == len(keys)
    for field in FIELDS:
        assert field.valid(field.default) == field.default
        if field.store == "preferences":
            assert field.label
            assert field.help.endswith(".")


def test_fresh_settings_are_the_defaults_and_write_nothing(tmp_path: Path) -> None:
    fresh = opened(tmp_path / "new")
    assert {field.key: fresh.get(field.key) for field in FIELDS} == {field.key: field.default for field in FIELDS}
    assert fresh.problem == ""
    fresh.close()
    assert not (tmp_path / "new").exists()


def test_folder_is_the_users_own_unless_told() -> None:
    fresh = Settings(executor=Inline())
    fresh.set("theme", "dark")
    fresh.close()
    assert json.loads(Path(os.environ["MUSICCLASS_CONFIG"], "preferences.json").read_text())["values"]["theme"] == "dark"


def test_values_keep_their_types_in_a_fresh_process(tmp_path: Path) -> None:
    first = opened(tmp_path)
    given_values: dict[str, Any] = {
        "volume": 0.25, "follow_playhead": False, "classifiers": ["genre"], "window_s": 10, "recent": ["/ö/ü.mp3", "/b\udcff.wav"],
        "device": "cuda:1", "last_position_s": 3.5,
    }  # fmt: skip
    for key, value in given_values.items():
        first.set(key, value)
    first.close()
    script = f"""
import json, sys
from PySide6.QtCore import QCoreApplication
app = QCoreApplication([])
from musicclass_gui.app.settings import Settings
settings = Settings()
print(json.dumps({{key: settings.get(key) for key in {list(given_values)!r}}}))
"""
    environment = os.environ | {"MUSICCLASS_CONFIG": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True, timeout=60)
    read = json.loads(done.stdout)
    assert read == given_values
    assert [type(value) for value in read.values()] == [float, bool, list, float, list, str, float]


def test_preferences_are_apart_from_state(tmp_path: Path) -> None:
    both = opened(tmp_path)
    both.set("theme", "light")
    both.set("last_file", "/music/x.mp3")
    both.close()
    assert "last_file" not in (tmp_path / "preferences.json").read_text()
    assert "theme" not in (tmp_path / "state.json").read_text()


def test_change_is_told_once_and_written_a_moment_later(tmp_path: Path, qtbot: QtBot) -> None:
    live, told = Settings(tmp_path), []
    live.changed.connect(told.append)
    for step in range(20):
        live.set("volume", step / 20)
    live.set("volume", 0.95)
    assert told == ["volume"] * 20
    assert not (tmp_path / "preferences.json").exists()
    qtbot.waitUntil(lambda: (tmp_path / "preferences.json").exists(), timeout=5000)
    assert json.loads((tmp_path / "preferences.json").read_text())["values"]["volume"] == 0.95
    assert [path.name for path in tmp_path.iterdir()] == ["preferences.json"]
    live.close()


def test_bad_values_and_keys_are_refused(tmp_path: Path) -> None:
    some = opened(tmp_path)
    bad = {"volume": 1.5, "theme": "mauve", "device": "gpu", "classifiers": [1], "follow_playhead": 1, "window_s": 7.0}
    bad["mel_floor_db"] = float("nan")
    for key, value in bad.items():
        with pytest.raises(ValueError, match=key):
            some.set(key, value)
        assert some.get(key) == next(field.default for field in FIELDS if field.key == key)
    for call in (lambda: some.get("colour"), lambda: some.set("colour", "red")):
        with pytest.raises(KeyError):
            call()


def test_lists_are_cut_and_not_shared(tmp_path: Path) -> None:
    some = opened(tmp_path)
    some.set("recent", [f"/{number}.mp3" for number in range(30)])
    some.get("recent").clear()
    some.get("classifiers").append("mood")
    assert len(some.get("recent")) == 12
    assert some.get("classifiers") == ["genre", "composer", "instrument"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"x"', '{"version": 1}', '{"version": 1, "values": []}', "\0", "[" * 100_000, '{"values": {"volume": 1e999}}'],
)
def test_broken_files_give_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "preferences.json").write_text(text)
    some = opened(tmp_path)
    assert some.get("volume") == 0.8
    assert ("preferences.json" in some.problem) == ("volume" not in text)
    some.set("volume", 0.5)
    some.close()
    assert some.problem == ""
    assert opened(tmp_path).get("volume") == 0.5


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from([field.key for field in FIELDS]) | st.text(max_size=5), ANYTHING, max_size=8), ANYTHING)
def test_whatever_a_file_holds_every_value_is_valid(tmp_path: Path, values: dict[str, Any], version: object) -> None:
    for store in ("preferences", "state"):
        (tmp_path / f"{store}.json").write_text(json.dumps({"version": version, "values": values}))
    some = opened(tmp_path)
    for field in FIELDS:
        assert field.valid(some.get(field.key)) == some.get(field.key)


def test_one_bad_value_does_not_cost_the_others_and_unknown_keys_are_left_out(tmp_path: Path) -> None:
    values = {"volume": "loud", "theme": "dark", "telemetry": True}
    (tmp_path / "preferences.json").write_text(json.dumps({"version": 1, "values": values}))
    some = opened(tmp_path)
    assert (some.get("volume"), some.get("theme")) == (0.8, "dark")
    some.set("follow_playhead", False)
    some.close()
    assert "telemetry" not in (tmp_path / "preferences.json").read_text()


def test_upgrades_run_from_the_files_version_on() -> None:
    upgrades = (lambda values: values | {"two": True}, lambda values: {"renamed": values.get("old")} | values)
    assert module.upgraded({"old": 1}, 1, upgrades) == {"renamed": 1, "old": 1, "two": True}
    assert module.upgraded({"old": 1}, 2, upgrades) == {"renamed": 1, "old": 1}
    assert module.upgraded({"old": 1}, 3, upgrades) == {"old": 1}
    assert module.upgraded({"old": 1}, 99, upgrades) == {"old": 1}
    assert module.upgraded({"old": 1}, -5, upgrades) == module.upgraded({"old": 1}, 1, upgrades)


def test_a_folder_that_cannot_be_written_keeps_values_in_memory(tmp_path: Path, qtbot: QtBot) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    some, told = Settings(blocked), []
    some.changed.connect(told.append)
    some.set("theme", "dark")
    qtbot.waitUntil(lambda: "" in told, timeout=5000)
    assert some.get("theme") == "dark"
    assert "cannot be kept" in some.problem
    some.close()


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    module.write(path, {"last_file": "old"})

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        module.write(path, {"last_file": "new"})
    assert json.loads(path.read_text())["values"] == {"last_file": "old"}
    assert list(tmp_path.iterdir()) == [path]


def test_close_writes_what_no_timer_has_written(tmp_path: Path) -> None:
    some = Settings(tmp_path)
    some.set("last_position_s", 12)
    some.close()
    assert opened(tmp_path).get("last_position_s") == 12.0


def test_reset_restores_defaults_of_one_store(tmp_path: Path) -> None:
    some = opened(tmp_path)
    some.set("theme", "dark")
    some.set("last_file", "/x")
    some.reset()
    assert (some.get("theme"), some.get("last_file")) == ("system", "/x")
