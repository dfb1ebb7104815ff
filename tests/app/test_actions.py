"""The action table is whole: ids, keys, tips and icons fit, and actions are enabled when they make sense."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtGui import QKeySequence

from musicclass_gui.app.actions import ACTIONS, BY_ID, MENUS, Action
from musicclass_gui.engine import places

CONTRACT = """
file.open file.open_folder file.open_sample file.recent file.export_csv file.export_json file.export_labels file.preferences file.quit
play.toggle play.stop play.loop play.start play.back play.forward play.volume_up play.volume_down play.follow
view.zoom_in view.zoom_out view.fit view.selection view.theme_light view.theme_dark view.theme_system view.queue view.answers
view.segments view.reset_layout view.palette analyse.cancel analyse.again queue.retry queue.cancel queue.remove queue.clear_done
project.new project.open project.save_as project.recent project.find_moved project.import_pack project.export_pack teach.folder
teach.files teach.selection teach.queue_rows teach.microphone teach.keep teach.take_back teach.go_on teach.undo teach.redo
teach.new_classifier teach.alike view.board view.lesson view.review view.map queue.pause
help.shortcuts help.about help.selfcheck analyse.encoders teach.words view.tags_none view.tags_more
bench.show bench.check bench.run bench.resume bench.cancel bench.copy
"""


@pytest.fixture(autouse=True)
def _app(qapp: object) -> None:
    """Standard keys come from the platform, which needs an application."""


def test_ids_are_unique_and_complete() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert set(CONTRACT.split()) <= set(BY_ID)


def test_no_two_shortcuts_clash() -> None:
    used = Counter(keys.toString() for action in ACTIONS for keys in action.sequences())
    assert [keys for keys, times in used.items() if times > 1] == []
    assert "" not in used


def test_shortcuts_are_what_the_table_says() -> None:
    for action in ACTIONS:
        assert bool(action.shortcut) == bool(action.sequences())
        if action.shortcut:
            assert QKeySequence(action.shortcut).toString() == action.shortcut
            assert QKeySequence(action.shortcut) in action.sequences()


def test_standard_keys_are_used_where_there_is_one() -> None:
    standard = {action.id: action.standard for action in ACTIONS if action.standard is not None}
    kinds = QKeySequence.StandardKey
    assert standard["file.open"] == kinds.Open
    assert standard["view.zoom_in"] == kinds.ZoomIn
    by_text = {keys.toString(): kind for kind in (kinds.Open, kinds.Quit, kinds.Refresh) for keys in QKeySequence.keyBindings(kind)}
    for action in ACTIONS:
        if action.standard is None and action.shortcut:
            assert action.shortcut not in by_text


@pytest.mark.parametrize("action", ACTIONS, ids=[action.id for action in ACTIONS])
def test_every_action_has_words_a_menu_and_its_icon(action: Action) -> None:
    assert action.tip.endswith(".")
    assert action.tip[0].isupper()
    assert action.text.count("&") <= 1
    assert action.menu in MENUS
    assert not action.icon or (places.resources_dir() / "icons" / f"{action.icon}.svg").is_file()
    assert action.checked is None or action.checkable


def test_mnemonics_are_unique_within_a_menu() -> None:
    for menu in MENUS:
        texts = [action.text for action in ACTIONS if action.menu == menu]
        texts += [text for path, text in MENUS.items() if path.count("/") == 1 and path.split("/")[0] == menu]
        letters = Counter(text[text.index("&") + 1].lower() for text in texts if "&" in text)
        assert [letter for letter, times in letters.items() if times > 1] == [], menu


def test_words_for_the_palette_are_unique() -> None:
    texts = [action.full_text for action in ACTIONS]
    assert len(set(texts)) == len(texts)
    assert BY_ID["view.theme_dark"].full_text == "Theme: Dark"
    assert BY_ID["file.open"].full_text == "Open"


def test_bare_keys_are_known() -> None:
    bare = {action.shortcut for action in ACTIONS if action.bare}
    assert bare == {"Space", "Shift+Space", "Home", ",", ".", "L", "Esc", "F", "Z", "A"}


def session(**changes: Any) -> Any:
    """What the tests of the table look at, of a session in which nothing is open."""
    document = {"path": None, "recording": None, "picture": None, "answers": {}, "state": "empty"}
    document |= changes.pop("document", {})
    settings = {"theme": "system", "follow_playhead": True} | changes.pop("settings", {})
    teaching = {"board": None, "waiting": None, "busy": "", "locked": "", "classifier": None, "recent_projects": []}
    teaching |= changes.pop("teaching", {})
    plain = {"teaching": SimpleNamespace(**teaching), "selection": None, "queue": [], "queue_paused": False, "recent": []}
    plain |= {"benching": False} | changes
    return SimpleNamespace(document=SimpleNamespace(**document), settings=settings, **plain)


def enabled(**changes: Any) -> set[str]:
    return {action.id for action in ACTIONS if action.enabled(session(**changes))}


def test_with_nothing_open_only_what_makes_sense_is_enabled() -> None:
    now = enabled()
    assert {"file.open", "file.preferences", "view.palette", "help.about"} <= now
    assert not now & {"play.toggle", "file.export_csv", "analyse.again", "analyse.cancel", "queue.pause", "file.recent", "view.fit"}


def test_states_enable_their_actions() -> None:
    assert {"analyse.cancel", "analyse.again"} <= enabled(document={"path": Path("x.mp3"), "state": "reading"})
    ready = enabled(document={"path": Path("x.mp3"), "state": "ready", "recording": object(), "picture": object(), "answers": {"genre": 1}})
    assert {"play.toggle", "view.fit", "file.export_labels", "analyse.again"} <= ready
    assert "analyse.cancel" not in ready
    assert {"play.loop", "view.selection", "play.clear_selection"} <= enabled(selection=(1.0, 2.0))
    assert {"bench.run", "bench.resume", "bench.cancel"} & enabled() == {"bench.run", "bench.resume"}
    assert {"bench.run", "bench.resume", "bench.cancel"} & enabled(benching=True) == {"bench.cancel"}
    assert {"file.recent", "file.clear_recent"} <= enabled(recent=[Path("x.mp3")])


def test_queue_actions_follow_its_rows() -> None:
    def row(state: str, **more: Any) -> SimpleNamespace:
        return SimpleNamespace(state=state, answers={}, **more)

    waiting = enabled(queue=[row("waiting")])
    assert {"queue.pause", "queue.cancel", "queue.remove"} <= waiting
    assert not waiting & {"queue.retry", "queue.clear_done", "queue.export_csv"}
    assert {"queue.retry", "queue.clear_done"} <= enabled(queue=[row("failed")])
    assert "queue.pause" in enabled(queue=[row("cancelled")], queue_paused=True), "what holds the queue can be undone"
    assert "queue.export_json" in enabled(queue=[SimpleNamespace(state="done", answers={"genre": 1})])


def test_teaching_is_possible_unless_the_project_cannot_be_changed() -> None:
    assert {"teach.folder", "teach.microphone", "project.new", "project.import_pack", "view.board"} <= enabled()
    assert not enabled() & {"teach.selection", "teach.queue_rows", "teach.alike"}
    assert not enabled() & {"project.save_as", "project.export_pack", "project.recent"}
    opened = {"path": Path("x.mp3"), "recording": object()}
    assert "teach.selection" in enabled(document=opened, selection=(1.0, 2.0))
    locked = enabled(teaching={"locked": "Another window works with it."}, document=opened, selection=(1.0, 2.0))
    assert not locked & {"teach.folder", "teach.selection", "teach.microphone", "teach.new_classifier", "project.import_pack"}
    assert "project.open" in locked
    taught = {"classifier": SimpleNamespace(classes=[1]), "recent_projects": [Path("x.musicclass")]}
    assert {"teach.alike", "project.export_pack", "project.recent"} <= enabled(document=opened, teaching=taught)


def test_a_lesson_that_waits_can_be_settled_when_nothing_goes_on() -> None:
    draft, planned = SimpleNamespace(state="draft", card=object()), SimpleNamespace(state="planned", card=None)
    settling = {"teach.keep", "teach.take_back", "teach.go_on"}
    assert not enabled() & settling
    assert enabled(teaching={"waiting": draft}) & settling == {"teach.keep", "teach.take_back"}
    assert enabled(teaching={"waiting": planned}) & settling == {"teach.take_back", "teach.go_on"}
    assert enabled(teaching={"waiting": SimpleNamespace(state="draft", card=None)}) & settling == settling, "it was not examined"
    assert not enabled(teaching={"waiting": draft, "busy": "Keeping"}) & settling


def test_undo_and_redo_say_what_they_would_do() -> None:
    def words(undo: str) -> str:
        board = SimpleNamespace(undo=undo, redo="")
        made = BY_ID["teach.undo"].words
        assert made is not None
        assert ("teach.undo" in enabled(teaching={"board": board})) == bool(undo)
        return made(session(teaching={"board": board}))

    assert words("") == ""
    assert words("Teach bell & gong") == "&Undo: Teach bell && gong"
    assert len(words("x" * 500)) < 80


def test_checked_follows_the_session() -> None:
    def on(**changes: Any) -> set[str]:
        return {action.id for action in ACTIONS if action.checked is not None and action.checked(session(**changes))}

    assert on() == {"view.theme_system", "play.follow"}
    assert on(settings={"theme": "dark", "follow_playhead": False}, queue_paused=True) == {"view.theme_dark", "queue.pause"}
