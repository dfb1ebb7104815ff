"""The review queue: judged with one key each, taken back, taught."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.engine.project.board import Doubt
from musicclass_gui.ui.review import ReviewPanel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session

Key, LEFT = Qt.Key, Qt.MouseButton.LeftButton


def doubt(number: int, label: str = "flute", **more: Any) -> Doubt:
    start_s = 10.0 * number
    usual = {"start_s": start_s, "end_s": start_s + 5, "probability": 0.6, "second": "cello", "doubt": 0.9, "why": "Two are alike"}
    return Doubt(f"h{number}", f"/m/{number}.wav", f"{number}.wav", label=label, **{**usual, **more})


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> ReviewPanel:
    panel = ReviewPanel(session, {}, LIGHT)
    qtbot.addWidget(panel)
    panel.resize(1000, 300)
    return panel


@pytest.fixture
def filled(panel: ReviewPanel, desk: Any) -> ReviewPanel:
    panel.show()
    assert desk.said == [("doubts", {"classifier": 1, "paths": []})]
    desk.calls[0].answer([doubt(0), doubt(1, "cello"), doubt(2, ""), doubt(3)])
    desk.calls.clear()
    return panel


def row_of(panel: ReviewPanel) -> int:
    return panel.table.currentIndex().row()


def test_doubts_are_asked_for_only_once_it_is_looked_at(panel: ReviewPanel, desk: Any) -> None:
    panel.show_board()
    assert desk.said == []
    panel.show()
    panel.show_board()
    assert [name for name, _ in desk.said] == ["doubts"]


def test_a_classifier_that_learned_is_asked_anew_and_another_board_is_not(filled: ReviewPanel, session: Session, desk: Any) -> None:
    filled.show_board()
    assert desk.said == []
    session.teaching.current = 2
    filled.show_board()
    assert filled.model.rowCount() == 0  # the other one has no classes to choose from
    session.teaching.current = 1
    filled.show_board()
    assert [name for name, _ in desk.said] == ["doubts"]


def test_keys_judge_and_go_on_to_the_next(filled: ReviewPanel, qtbot: QtBot, desk: Any) -> None:
    assert row_of(filled) == 0
    qtbot.keyClick(filled.table, Key.Key_1)
    assert row_of(filled) == 1
    qtbot.keyClick(filled.table, Key.Key_0)
    qtbot.keyClick(filled.table, Key.Key_Return)  # it says none of these
    qtbot.keyClick(filled.table, Key.Key_Y)
    assert [fields["cls"] for _, fields in desk.said] == [1, None, None, 2]
    assert [fields["path"] for _, fields in desk.said] == ["/m/0.wav", "/m/1.wav", "/m/2.wav", "/m/3.wav"]
    assert filled.progress.text() == "4 of 4 sounds judged, 2 of them as a class"


def test_a_number_without_a_class_says_nothing(filled: ReviewPanel, qtbot: QtBot, desk: Any) -> None:
    qtbot.keyClick(filled.table, Key.Key_9)
    assert desk.said == []
    assert row_of(filled) == 0


@pytest.mark.parametrize("undo", [(Key.Key_U, Qt.KeyboardModifier.NoModifier), (Key.Key_Z, Qt.KeyboardModifier.ControlModifier)])
def test_the_last_verdict_is_taken_back(filled: ReviewPanel, qtbot: QtBot, desk: Any, undo: Any) -> None:
    qtbot.keyClick(filled.table, Key.Key_1)
    desk.calls[0].answer({"id": 41})
    qtbot.keyClick(filled.table, *undo)
    assert desk.said[-1] == ("remove_verdict", {"id": 41})
    assert row_of(filled) == 0
    assert filled.model.doubt_at(0).verdict is None
    assert filled.progress.text() == "0 of 4 sounds judged"


def test_undo_with_nothing_said_does_nothing(filled: ReviewPanel, qtbot: QtBot, desk: Any) -> None:
    qtbot.keyClick(filled.table, Key.Key_U)
    assert desk.said == []


def test_space_hears_and_the_next_is_heard_by_itself_when_that_is_wanted(filled: ReviewPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(filled.heard) as heard:
        qtbot.keyClick(filled.table, Key.Key_Space)
    assert heard.args == ["/m/0.wav", 0.0, 5.0]
    with qtbot.assertNotEmitted(filled.heard):
        qtbot.keyClick(filled.table, Key.Key_1)
    filled.follow.setChecked(True)
    with qtbot.waitSignal(filled.heard) as heard:
        qtbot.keyClick(filled.table, Key.Key_1)
    assert heard.args == ["/m/2.wav", 20.0, 25.0]


def test_the_mouse_alone_judges_too(filled: ReviewPanel, qtbot: QtBot, desk: Any) -> None:
    chips = {button.accessibleName(): button for button in filled.card.findChildren(QPushButton)}
    qtbot.mouseClick(chips["It is cello (key 1)"], LEFT)
    qtbot.mouseClick(chips["It is none of these (key 0)"], LEFT)
    qtbot.mouseClick(filled.card.confirm, LEFT)
    assert [fields["cls"] for _, fields in desk.said] == [1, None, None]
    qtbot.mouseClick(chips["Undo"], LEFT)
    assert row_of(filled) == 2


def test_only_what_was_given_a_class_can_be_taught(filled: ReviewPanel, qtbot: QtBot, desk: Any) -> None:
    qtbot.keyClick(filled.table, Key.Key_0)
    assert not filled.teach.isEnabled()
    qtbot.keyClick(filled.table, Key.Key_2)
    assert filled.teach.isEnabled()
    qtbot.mouseClick(filled.teach, LEFT)
    assert desk.said[-1] == ("teach_confirmed", {"classifier": 1})


def test_one_class_is_too_few_to_doubt_between(panel: ReviewPanel, session: Session, make: Any, desk: Any) -> None:
    session.teaching.board = make.board([make.klass(1, "cello"), make.klass(2, "noise", role="background")])
    panel.show_board()
    panel.show()
    assert desk.said == []
    assert "at least two classes" in panel._placeholder.hint.text()


def test_when_asking_fails_it_can_be_asked_again(panel: ReviewPanel, desk: Any, session: Session) -> None:
    panel.show()
    desk.calls[0].fail("The recording is gone.")
    assert session.teaching.problem
    panel.show_board()
    assert [name for name, _ in desk.said].count("doubts") == 1
    assert panel._placeholder.hint.text() == "The recording is gone."
    panel.look_again()
    assert [name for name, _ in desk.said].count("doubts") == 2


def test_an_answer_that_comes_late_is_not_shown(panel: ReviewPanel, desk: Any) -> None:
    panel.show()
    panel.look_again()
    first, second = (call for call in desk.calls if call.name == "doubts")
    first.answer([doubt(7)])
    assert panel.model.rowCount() == 0
    second.answer([doubt(8)])
    assert [one.name for one in panel.model.doubts] == ["8.wav"]


def test_more_than_nine_classes_are_chosen_by_name(panel: ReviewPanel, session: Session, make: Any, desk: Any, qtbot: QtBot) -> None:
    session.teaching.board = make.board([make.klass(number, f"class {number}") for number in range(1, 13)])
    panel.show_board()
    panel.show()
    desk.calls[0].answer([doubt(0)])
    chips = {button.text(): button for button in panel.card.findChildren(QPushButton)}
    assert not any(text.startswith("10") for text in chips)
    qtbot.mouseClick(chips["Another class…"], LEFT)
    from musicclass_gui.ui.picker import ClassPicker

    picker = panel.findChild(ClassPicker)
    assert picker is not None
    qtbot.keyClicks(picker.field, "class 12")
    qtbot.keyClick(picker.field, Key.Key_Return)
    assert desk.said[-1][1]["cls"] == 12


def test_verdicts_keep_their_colours_in_the_other_theme(filled: ReviewPanel, qtbot: QtBot) -> None:
    qtbot.keyClick(filled.table, Key.Key_1)
    filled.set_theme(DARK)
    assert filled.model._rows[0].verdict == "cello"
    assert filled.model._rows[0].verdict_colour == DARK.lanes[1]
