"""The menu Project: names and places are asked for by dialogs of the system, which are answered here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from musicclass_gui.ui.projects import NewClassifier, PackDialog

if TYPE_CHECKING:
    from pathlib import Path
    from types import SimpleNamespace

    from pytestqt.qtbot import QtBot

    from musicclass_gui.ui.window import MainWindow


def answer(monkeypatch: pytest.MonkeyPatch, name: str, path: Path | str) -> None:
    given = str(path) if name == "getExistingDirectory" else (str(path), "")
    monkeypatch.setattr(QFileDialog, name, lambda *_: given)


@pytest.fixture
def calls(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the dialogs asked of the session's teaching."""
    made: list[tuple[object, ...]] = []
    for name in (
        "new_project",
        "open_project",
        "save_project_as",
        "find_moved",
        "import_pack",
        "export_pack",
        "new_classifier",
        "remove_classifier",
        "propose",
    ):
        monkeypatch.setattr(window.session.teaching, name, lambda *args, name=name, **more: made.append((name, *args, *more.values())))
    return made


def shown_board(window: MainWindow, made: SimpleNamespace) -> None:
    window.session.teaching.board = made.board()
    window.session.teaching.current = 1
    window.refresh_actions()


@pytest.mark.parametrize(
    ("action", "dialog", "call"),
    [
        ("project.new", "getSaveFileName", "new_project"),
        ("project.open", "getOpenFileName", "open_project"),
        ("project.save_as", "getSaveFileName", "save_project_as"),
        ("project.find_moved", "getExistingDirectory", "find_moved"),
        ("project.export_pack", "getSaveFileName", "export_pack"),
        ("teach.folder", "getExistingDirectory", "propose"),
    ],
)
def test_what_the_dialog_answers_is_done(
    window: MainWindow, made: SimpleNamespace, calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path, action: str, dialog: str, call: str,
) -> None:  # fmt: skip
    shown_board(window, made)
    target = tmp_path / "thing"
    answer(monkeypatch, dialog, target)
    window.trigger(action)
    assert calls == [(call, [target] if call == "propose" else target)]


@pytest.mark.parametrize(
    "action", ["project.new", "project.open", "project.save_as", "project.find_moved", "project.import_pack", "teach.folder"]
)
def test_a_cancelled_dialog_does_nothing(
    window: MainWindow, made: SimpleNamespace, calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    shown_board(window, made)
    for dialog in ("getOpenFileName", "getSaveFileName", "getExistingDirectory"):
        answer(monkeypatch, dialog, "")
    window.trigger(action)
    assert calls == []


def test_a_pack_is_added_to_the_classifier_that_is_chosen(
    window: MainWindow, made: SimpleNamespace, calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown_board(window, made)
    dialog = window.teacher.projects.offer_pack(tmp_path / "drums.mcpack")
    assert isinstance(dialog, PackDialog)
    assert [dialog.which.itemText(row) for row in range(2)] == ["A new classifier of its own", "Add to “Instruments”"]
    dialog.which.setCurrentIndex(1)
    dialog.go.click()
    assert calls == [("import_pack", tmp_path / "drums.mcpack", 1)]


def test_a_dropped_pack_is_asked_about_and_can_be_left(
    window: MainWindow, calls: list[tuple[object, ...]], qtbot: QtBot, tmp_path: Path
) -> None:
    window.session.open_paths([tmp_path / "drums.mcpack"])
    qtbot.waitUntil(lambda: window.teacher.asking is not None)
    dialog = window.teacher.asking
    assert dialog is not None
    dialog.reject()
    assert window.session.teaching.pack is None
    assert window.teacher.asking is None
    assert calls == []


def test_a_new_classifier_is_asked_for_by_enter(window: MainWindow, calls: list[tuple[object, ...]], qtbot: QtBot) -> None:
    dialog = window.teacher.projects.new_classifier()
    assert isinstance(dialog, NewClassifier)
    dialog.target.title.clear()
    dialog.target.title.textEdited.emit("")
    assert not dialog.go.isEnabled()
    qtbot.keyClicks(dialog.target.title, "Birds")
    dialog.target.start.setCurrentIndex(dialog.target.start.findData("composer"))
    qtbot.keyClick(dialog.target.title, Qt.Key.Key_Return)
    assert calls == [("new_classifier", "Birds", "gaussian", "", "composer", {})]


def test_it_can_start_from_a_file(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dialog = window.teacher.projects.new_classifier()
    assert isinstance(dialog, NewClassifier)
    start = dialog.target.start
    answer(monkeypatch, "getOpenFileName", "")
    start.setCurrentIndex(start.findData("file"))
    start.activated.emit(start.currentIndex())
    assert dialog.target.wish.start_from == ""
    answer(monkeypatch, "getOpenFileName", tmp_path / "other.musicclass")
    start.setCurrentIndex(start.findData("file"))
    start.activated.emit(start.currentIndex())
    assert dialog.target.wish.start_from == str(tmp_path / "other.musicclass")
    assert start.currentText() == "other.musicclass"
    dialog.reject()


def test_other_recent_projects_are_in_the_menu(window: MainWindow, calls: list[tuple[object, ...]], tmp_path: Path) -> None:
    window.session.settings.set("recent_projects", [str(window.session.teaching.project), str(tmp_path / "Birds & bats.musicclass")])
    menu = window.actions_.menus["Project/Open recent project"]
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == "Birds && bats"
    menu.actions()[0].trigger()
    assert calls == [("open_project", tmp_path / "Birds & bats.musicclass")]


def test_a_classifier_is_removed_only_when_that_is_confirmed(
    window: MainWindow, made: SimpleNamespace, calls: list[tuple[object, ...]], qtbot: QtBot
) -> None:
    assert window.teacher.projects.remove_classifier() is None, "there is none"
    shown_board(window, made)
    assert window.actions_.by_id["teach.remove_classifier"].isEnabled()
    asked = window.teacher.projects.remove_classifier()
    assert asked is not None
    asked.reject()
    assert calls == []
    asked = window.teacher.projects.remove_classifier()
    assert asked is not None
    qtbot.keyClick(asked, Qt.Key.Key_Return)
    assert calls == [("remove_classifier", 1)]
