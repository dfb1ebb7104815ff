"""The class board as a user drives it, by mouse and by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMenu

from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.ui.board import BoardPanel
from musicclass_gui.ui.board_list import play_mark
from musicclass_gui.ui.board_models import MIME, dragged, dropped
from musicclass_gui.ui.classlook import Looks
from musicclass_gui.ui.picker import ClassPicker

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session

Key, LEFT = Qt.Key, Qt.MouseButton.LeftButton


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> BoardPanel:
    panel = BoardPanel(session, {}, LIGHT)
    qtbot.addWidget(panel)
    panel.resize(900, 420)
    panel.show()
    return panel


def choose(panel: BoardPanel, cls: int, *rows: int) -> Any:
    column = panel.strip.columns[cls]
    column.list.setCurrentIndex(column.list.model_.index(rows[0], 0))
    for row in rows[1:]:
        column.list.selectionModel().select(column.list.model_.index(row, 0), column.list.selectionModel().SelectionFlag.Select)
    return column


def test_a_card_says_what_the_class_is_in_words_and_not_only_by_colour(panel: BoardPanel) -> None:
    cello, flute = panel.strip.columns[1], panel.strip.columns[2]
    assert cello.counts.full == "3 recordings · 1 min"
    assert cello.quality.full == "Very reliable, right on 92 %"
    assert flute.quality.full == "Few recordings"
    assert cello.accessibleName() == "Class cello, 3 recordings · 1 min, Very reliable, right on 92 %"
    looks = Looks(panel._classes, LIGHT)
    assert looks.of(1).code != looks.of(2).code
    assert looks.of(1).colour != looks.of(2).colour


def test_background_and_negatives_have_a_badge_and_come_after_classes(panel: BoardPanel, session: Session, make: Any) -> None:
    noise = make.klass(3, "a noise", role="background")
    negative = make.klass(4, "b", role="negative", of=1)
    session.teaching.board = make.board([noise, negative, make.klass(1, "cello", [make.example(1)])])
    panel.show_board()
    assert [view.name for view in panel._classes] == ["cello", "b", "a noise"]
    assert panel.strip.columns[3].badge.text() == "background"
    assert panel.strip.columns[4].badge.text() == "not cello"
    assert panel.strip.columns[1].badge.isHidden()


def test_a_built_in_class_says_that_its_sounds_are_not_here(panel: BoardPanel, session: Session, make: Any) -> None:
    session.teaching.board = make.board([make.klass(5, "blues", base="Genre", base_recordings=100)])
    panel.show_board()
    assert panel.strip.columns[5].counts.full == "100 built in"
    assert "not in this project" in panel.strip.columns[5].hint.text()


def test_what_was_answered_wrong_and_what_is_missing_is_said(panel: BoardPanel) -> None:
    rows = panel.strip.columns[2].list.model_.rows
    assert [row.detail for row in rows] == ["Answered as cello", "File is missing"]
    assert "answered right when held out" in panel.strip.columns[1].list.model_.row_at(0).spoken


def test_space_hears_the_example_with_its_span(panel: BoardPanel, qtbot: QtBot) -> None:
    column = choose(panel, 1, 1)
    with qtbot.waitSignal(panel.heard) as heard:
        qtbot.keyClick(column.list, Key.Key_Space)
    assert heard.args == ["/music/sound 12.wav", 5.0, 15.0]
    column = choose(panel, 1, 0)
    with qtbot.waitSignal(panel.heard) as heard:
        qtbot.keyClick(column.list, Key.Key_Return)
    assert heard.args == ["/music/sound 11.wav", 0.0, -1.0]


def test_a_click_on_the_play_mark_hears(panel: BoardPanel, qtbot: QtBot) -> None:
    shown = panel.strip.columns[1].list
    place = play_mark(shown.visualRect(shown.model_.index(2, 0))).center()
    with qtbot.waitSignal(panel.heard) as heard:
        qtbot.mouseClick(shown.viewport(), LEFT, pos=place)
    assert heard.args[0] == "/music/sound 13.wav"


def test_a_missing_file_is_not_heard_but_said(panel: BoardPanel, qtbot: QtBot) -> None:
    column = choose(panel, 2, 1)
    with qtbot.assertNotEmitted(panel.heard):
        qtbot.keyClick(column.list, Key.Key_Space)
    assert "is not where it was: /music/sound 22.wav" in panel.measured.full


def test_delete_takes_the_chosen_examples_out(panel: BoardPanel, qtbot: QtBot, desk: Any) -> None:
    column = choose(panel, 1, 0, 2)
    qtbot.keyClick(column.list, Key.Key_Delete)
    assert desk.said == [("move", {"examples": [11, 13], "cls": None})]


def test_m_asks_for_a_class_and_moves_there(panel: BoardPanel, qtbot: QtBot, desk: Any) -> None:
    column = choose(panel, 1, 1)
    qtbot.keyClick(column.list, Key.Key_M)
    picker = panel.findChild(ClassPicker)
    assert picker is not None
    assert picker.list.count() == 1  # not the class that it is in
    qtbot.keyClicks(picker.field, "flu")
    qtbot.keyClick(picker.field, Key.Key_Return)
    assert desk.said == [("move", {"examples": [12], "cls": 2})]


def drop(panel: BoardPanel, cls: int, data: QMimeData) -> QDropEvent:
    event = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    panel.strip.columns[cls].dropEvent(event)
    return event


def test_examples_dropped_on_another_card_move_there_and_those_of_it_stay(panel: BoardPanel, desk: Any) -> None:
    drop(panel, 2, dragged([11, 12, 21]))
    assert desk.said == [("move", {"examples": [11, 12], "cls": 2})]
    drop(panel, 2, dragged([21]))
    assert len(desk.said) == 1


def test_what_is_dragged_is_the_chosen_examples(panel: BoardPanel) -> None:
    column = choose(panel, 1, 0, 2)
    assert dropped(column.list.model_.mimeData(column.list.selectedIndexes())) == [11, 13]


@pytest.mark.parametrize("raw", [b"", b"{}", b'["a", null]', b"\xff\xfe", b"7"])
def test_what_others_drag_in_our_name_moves_nothing(raw: bytes, panel: BoardPanel, desk: Any) -> None:
    data = QMimeData()
    data.setData(MIME, raw)
    drop(panel, 2, data)
    assert desk.said == []


def test_f2_renames_in_place_and_escape_does_not(panel: BoardPanel, qtbot: QtBot, desk: Any) -> None:
    column = choose(panel, 1, 0)
    qtbot.keyClick(column.list, Key.Key_F2)
    assert column.name.currentWidget() is column.name.field
    qtbot.keyClicks(column.name.field, "violoncello")
    qtbot.keyClick(column.name.field, Key.Key_Return)
    assert desk.said == [("rename", {"cls": 1, "name": "violoncello"})]
    column.name.edit()
    qtbot.keyClicks(column.name.field, "viola")
    qtbot.keyClick(column.name.field, Key.Key_Escape)
    assert column.name.currentWidget() is column.name.label
    assert len(desk.said) == 1


def test_a_double_click_on_the_name_renames(panel: BoardPanel, qtbot: QtBot) -> None:
    name = panel.strip.columns[2].name
    qtbot.mouseDClick(name.label, LEFT)
    assert name.currentWidget() is name.field
    assert name.field.text() == "flute"


def test_the_menu_merges_and_deletes(panel: BoardPanel, qtbot: QtBot, desk: Any) -> None:
    qtbot.mouseClick(panel.strip.columns[2].more, LEFT)
    entries = {action.text(): action for menu in panel.findChildren(QMenu) for action in menu.actions()}
    assert not entries["Move to…\tM"].isEnabled()  # no example is chosen
    entries["Delete class"].trigger()
    assert desk.said == [("delete", {"cls": 2})]
    entries["Merge class into…"].trigger()
    picker = panel.findChild(ClassPicker)
    assert picker is not None
    qtbot.keyClick(picker.field, Key.Key_Return)
    assert desk.said[-1] == ("merge", {"cls": 2, "into": 1})


def test_arrows_go_from_card_to_card(panel: BoardPanel, qtbot: QtBot) -> None:
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.setFocus()
    first = panel.strip.columns[1].list
    qtbot.waitUntil(first.hasFocus)
    qtbot.keyClick(first, Key.Key_Right)
    assert panel.strip.columns[2].list.hasFocus()
    qtbot.keyClick(panel.strip.columns[2].list, Key.Key_Left)
    assert first.hasFocus()


def test_the_classifier_and_its_method_are_chosen_on_top(panel: BoardPanel, qtbot: QtBot, desk: Any, session: Session) -> None:
    assert panel.measured.full == "Tested on 9 recordings."
    panel.method.setCurrentIndex(panel.method.findData("centers"))
    panel.method.activated.emit(panel.method.currentIndex())
    assert desk.said == [("set_method", {"classifier": 1, "method": "centers", "options": {}})]
    panel.which.setCurrentIndex(1)
    panel.which.activated.emit(1)
    assert session.teaching.current == 2


def test_the_same_method_chosen_again_changes_nothing(panel: BoardPanel, desk: Any) -> None:
    panel.method.activated.emit(panel.method.currentIndex())
    assert desk.said == []


def test_a_board_that_nobody_may_change_says_why(panel: BoardPanel, session: Session, make: Any, qtbot: QtBot, desk: Any) -> None:
    session.teaching.board = make.board([make.klass(1, "cello", [make.example(1)])], read_only="The folder is read-only.")
    panel.show_board()
    assert panel.measured.full == "The folder is read-only."
    assert not panel.method.isEnabled()
    panel._menu(1, QPoint())
    entries = [action for menu in panel.findChildren(QMenu) for action in menu.actions() if action.text()]
    assert not any(action.isEnabled() for action in entries)
    qtbot.keyClick(choose(panel, 1, 0).list, Key.Key_Delete)
    assert desk.said == []


def test_without_a_project_it_says_what_to_do(panel: BoardPanel, session: Session) -> None:
    session.teaching.board, session.teaching.current = None, 0
    panel.show_board()
    assert panel.currentWidget() is panel._placeholder


def test_the_tables_say_the_same_and_do_the_same(panel: BoardPanel, qtbot: QtBot, desk: Any) -> None:
    qtbot.mouseClick(panel.twin, LEFT)
    tables = panel.tables
    assert tables.classes.isVisible()
    assert tables.examples.model().rowCount() == 5
    tables.classes.selectRow(1)
    assert tables.examples.model().rowCount() == 2
    tables.examples.selectRow(0)
    with qtbot.waitSignal(panel.heard) as heard:
        qtbot.keyClick(tables.examples, Key.Key_Space)
    assert heard.args[0] == "/music/sound 21.wav"
    qtbot.keyClick(tables.examples, Key.Key_Delete)
    assert desk.said == [("move", {"examples": [21], "cls": None})]
    qtbot.mouseClick(tables.all, LEFT)
    qtbot.keyClicks(tables.filter, "sound 1")
    assert tables.examples.model().rowCount() == 3


def test_choices_survive_a_board_that_changed_elsewhere(panel: BoardPanel, session: Session, make: Any) -> None:
    column = choose(panel, 1, 1)
    celli, flute = make.klass(1, "celli", [make.example(12), make.example(13)]), make.klass(2, "flute", [make.example(11)])
    session.teaching.board = make.board([celli, flute])
    panel.show_board()
    assert panel.strip.columns[1] is column
    assert column.name.label.full == "celli"
    assert column.list.chosen() == [12]
    assert panel.strip.columns[2].list.model_.row_at(0).example.id == 11


def test_pictures_are_asked_for_only_where_they_are_seen(panel: BoardPanel, qtbot: QtBot, session: Session, make: Any, desk: Any) -> None:
    session.teaching.board = make.board([make.klass(1, "cello", [make.example(number) for number in range(1000, 2000)])])
    panel.show_board()
    qtbot.waitUntil(lambda: desk.pictures > 0)
    qtbot.wait(150)
    assert desk.pictures < 40


def test_two_thousand_classes_make_only_the_cards_in_sight(panel: BoardPanel, session: Session, make: Any) -> None:
    session.teaching.board = make.board([make.klass(number, f"class {number:04}", [make.example(number)]) for number in range(1, 2001)])
    panel.show_board()
    assert len(panel.strip.columns) < 10
    column = panel.strip.reveal(2000)
    assert column is not None
    assert column.isVisible()
    assert len(panel.strip.columns) < 20


def test_it_can_be_drawn_in_the_other_theme(panel: BoardPanel) -> None:
    shown = panel.strip.columns[1].list
    light = shown.grab().toImage()
    panel.set_theme(DARK)
    assert shown.grab().toImage() != light


def test_tab_goes_through_the_cards_as_they_stand_however_late_they_were_made(
    panel: BoardPanel, session: Session, make: Any, qtbot: QtBot
) -> None:
    late = make.klass(9, "bassoon", [make.example(90)])
    session.teaching.board = make.board([*panel._classes, late])
    panel.show_board()
    assert [view.name for view in panel._classes] == ["bassoon", "cello", "flute"]
    panel.twin.setFocus()
    met = list[int]()
    for _ in range(8):
        panel.focusNextChild()
        met += [cls for cls, column in panel.strip.columns.items() if column.list.hasFocus()]
    assert met[:3] == [9, 1, 2]


def test_a_classifier_without_classes_says_how_it_gets_some(panel: BoardPanel, session: Session) -> None:
    session.teaching.select(2)
    panel.show_board()
    assert panel._none.isVisible()
    session.teaching.select(1)
    panel.show_board()
    assert panel.strip.isVisible()


def test_a_key_right_after_coming_by_key_is_about_the_first_example(panel: BoardPanel, qtbot: QtBot) -> None:
    panel.strip.columns[1].list.setFocus(Qt.FocusReason.TabFocusReason)
    examples = panel.strip.columns[1].list
    assert examples.chosen() == [examples.model_.row_at(0).example.id]
    examples.show_rows([examples.model_.row_at(row) for row in (1, 2)])
    assert examples.chosen() == [examples.model_.row_at(0).example.id], "also when the one that was chosen has gone"
    qtbot.keyClick(examples, Key.Key_M)
    qtbot.waitUntil(lambda: panel.findChild(ClassPicker) is not None or panel.window().findChild(ClassPicker) is not None)
