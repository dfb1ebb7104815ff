"""A classifier by words on the class board: phrases instead of classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMenu

from musicclass_gui.app.lessons import answering
from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile
from musicclass_gui.engine.project.board import ClassifierView, WordsView
from musicclass_gui.ui.board import BoardPanel
from musicclass_gui.ui.preview import Preview
from musicclass_gui.ui.projects import PackDialog
from musicclass_gui.ui.words import WordsDialog

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session

PHRASES = ["a fugue", "a waltz", "a march"]
FORMS = ClassifierView(9, "words-1", "Forms", "clap-music", "words", {}, 1, "", words=WordsView("This is {phrase}.", PHRASES))


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> BoardPanel:
    board = session.teaching.board
    assert board is not None
    session.teaching.board = replace(board, classifiers=[*board.classifiers, FORMS])
    session.teaching.current = 9
    panel = BoardPanel(session, {}, LIGHT)
    qtbot.addWidget(panel)
    panel.resize(900, 600)
    panel.show()
    return panel


def said(panel: BoardPanel) -> str:
    return "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisibleTo(panel))


def test_it_says_what_it_is_and_offers_no_classes_and_no_way_of_learning(panel: BoardPanel) -> None:
    assert panel.words is not None
    assert [panel.words.list.item(place).text() for place in range(panel.words.list.count())] == PHRASES
    assert "no classes to teach" in panel.line.full
    assert panel.words.sentence.full == "Sentence: This is {phrase}."
    assert not panel.method.isVisible()
    assert not panel.twin.isVisible()
    assert "Not tested yet" not in said(panel)


def test_the_others_are_shown_as_before(panel: BoardPanel, session: Session) -> None:
    session.teaching.select(1)
    panel.show_board()
    assert panel.method.isVisible()
    assert panel.words is not None
    assert not panel.words.isVisible()
    panel.set_theme(DARK)
    session.teaching.select(9)
    panel.show_board()
    assert panel.words.isVisible()


def test_a_phrase_is_taught_from_what_is_open(panel: BoardPanel, session: Session, desk: Any, qtbot: QtBot) -> None:
    words = panel.words
    assert words is not None
    session.document.path = Path("/music/open.wav")
    panel.setFocus()
    words.list.setFocus()
    qtbot.keyClick(words.list, Qt.Key.Key_Down)
    qtbot.mouseClick(words.teach, Qt.MouseButton.LeftButton)
    assert desk.said == [("words_plan", {"classifier": 9, "phrase": "a waltz", "paths": ["/music/open.wav"]})]
    desk.calls[-1].answer(Plan([PlannedClass("a waltz", [PlannedFile("/music/open.wav")])]))
    assert session.teaching.plan is not None
    assert session.teaching.plan.classes[0].name == "a waltz"


def test_without_a_recording_there_is_nothing_to_look_through(panel: BoardPanel, session: Session, desk: Any) -> None:
    assert panel.words is not None
    panel.words.teach.click()
    assert desk.said == []
    assert "open a recording" in session.notices[-1]


def test_a_phrase_has_a_menu(panel: BoardPanel, qtbot: QtBot) -> None:
    assert panel.words is not None
    panel.words.list.customContextMenuRequested.emit(panel.words.list.rect().center())
    menu = panel.words.findChild(QMenu)
    assert [action.text() for action in menu.actions()] == ["Teach from what it found…", "Edit phrases…\tF2"]
    menu.close()


def test_f2_opens_the_editor(panel: BoardPanel, qtbot: QtBot) -> None:
    assert panel.words is not None
    panel.words.list.setFocus()
    qtbot.keyClick(panel.words.list, Qt.Key.Key_F2)
    dialog = panel.window().findChild(WordsDialog)
    assert dialog.phrases.toPlainText().splitlines() == PHRASES
    dialog.reject()


def test_nothing_can_be_changed_in_a_project_that_is_only_read(panel: BoardPanel, session: Session) -> None:
    board = session.teaching.board
    assert board is not None
    assert panel.words is not None
    session.teaching.board = replace(board, read_only="Somebody else has it open.")
    panel.show_board()
    assert not panel.words.edit.isEnabled()
    assert not panel.words.teach.isEnabled()
    assert "Somebody else" in panel.measured.full


def test_nobody_can_teach_classes_to_it(panel: BoardPanel, session: Session, qtbot: QtBot) -> None:
    board = session.teaching.board
    assert board is not None
    preview = Preview(None, Plan([PlannedClass("a waltz", [PlannedFile("/music/a.wav")])]), board.classifiers, 9)
    qtbot.addWidget(preview)
    offered = [preview.target.which.itemData(place) for place in range(preview.target.which.count())]
    assert offered == [1, 2, 0]
    assert preview.target.which.currentData() == 0, "a phrase becomes a class of a new classifier"
    pack = PackDialog(panel, Path("a.mcpack"), board.classifiers)
    assert [pack.which.itemData(place) for place in range(pack.which.count())] == [0, 1, 2]


def test_it_answers_although_it_has_no_classes(panel: BoardPanel, session: Session) -> None:
    assert "words-1" in session.shown_classifiers()
    board = session.teaching.board
    assert board is not None
    changed = replace(board, classifiers=[*board.classifiers[:2], replace(FORMS, revision=2)])
    assert answering(changed) != answering(board)
