"""The preview as a user edits it: rename, leave out, say what it is, choose who learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QTableView, QWidget

from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile
from musicclass_gui.engine.lessons.training import MOST_BLOCKS, Options
from musicclass_gui.ui.preview import Preview
from musicclass_gui.ui.preview_target import Target, Wish

if TYPE_CHECKING:
    from types import SimpleNamespace

    from pytestqt.qtbot import QtBot

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


def shown(qtbot: QtBot, plan: Plan, made: SimpleNamespace, *, classifiers: bool = True) -> Preview:
    preview = Preview(None, plan, made.board().classifiers if classifiers else [], 1)
    preview.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(preview)
    with qtbot.waitExposed(preview):
        preview.show()
    return preview


@pytest.fixture
def preview(qtbot: QtBot, made: SimpleNamespace) -> Preview:
    return shown(qtbot, made.plan(), made)


def drawn() -> None:
    for _ in range(3):
        QApplication.processEvents()


def cell(preview: Preview, row: int, column: int) -> str:
    item = preview.classes.item(row, column)
    assert item is not None
    return item.text()


def choose_files(preview: Preview, *rows: int) -> None:
    preview.files.clearSelection()
    mode = preview.files.selectionModel().SelectionFlag
    for row in rows:
        preview.files.selectionModel().select(preview.files_model.index(row, 0), mode.Select | mode.Rows)


def test_it_says_what_would_be_taught(preview: Preview) -> None:
    assert preview.heading.text() == "Teach 2 classes"
    assert preview.totals.text() == "2 classes, 6 recordings; 1 unreadable; 2 other files are not audio."
    assert [cell(preview, row, 1) for row in range(2)] == ["3 files", "3 of 4 files"]
    assert preview.teach.text() == "Teach 2 classes"


def test_enter_teaches_what_is_proposed(preview: Preview, qtbot: QtBot) -> None:
    preview.activateWindow()
    with qtbot.waitSignal(preview.taught) as signal:
        qtbot.keyClick(preview.classes, Key.Key_Return)
    lesson = signal.args[0]
    assert lesson.plan == preview.plan
    assert lesson.wish == Wish(1)


def test_a_name_typed_in_the_field_is_in_the_list_and_in_the_plan(preview: Preview, qtbot: QtBot) -> None:
    preview.name.selectAll()
    qtbot.keyClicks(preview.name, "Viola")
    drawn()
    assert preview.plan.classes[0].name == "Viola"
    assert cell(preview, 0, 0) == "Viola"


def test_a_name_is_edited_in_the_list_by_f2(preview: Preview, qtbot: QtBot) -> None:
    preview.classes.setFocus()
    preview.classes.setCurrentCell(1, 0)
    qtbot.keyClick(preview.classes, Key.Key_F2)
    editor = preview.classes.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "Piccolo")
    qtbot.keyClick(editor, Key.Key_Return)
    drawn()
    assert preview.plan.classes[1].name == "Piccolo"
    assert preview.name.text() == "Piccolo"


def test_space_leaves_a_class_out(preview: Preview, qtbot: QtBot) -> None:
    preview.classes.setFocus()
    preview.classes.setCurrentCell(0, 0)
    qtbot.keyClick(preview.classes, Key.Key_Space)
    drawn()
    assert [one.keep for one in preview.plan.classes] == [False, True]
    assert preview.teach.text() == "Teach 1 class"


def test_files_are_left_out_by_tick_and_by_button(preview: Preview, qtbot: QtBot) -> None:
    box = preview.files.visualRect(preview.files_model.index(1, 0))
    qtbot.mouseClick(preview.files.viewport(), LEFT, pos=box.topLeft() + QPoint(12, box.height() // 2))
    drawn()
    assert [file.keep for file in preview.plan.classes[0].files] == [True, False, True]
    choose_files(preview, 0, 2)
    assert preview.leave_out.text() == "&Leave out"
    preview.leave_out.click()
    drawn()
    assert not preview.plan.classes[0].taught
    assert preview.files_model.index(0, 2).data() == "Left out"
    assert preview.leave_out.text() == "&Take in"
    preview.leave_out.click()
    drawn()
    assert [file.keep for file in preview.plan.classes[0].files] == [True, False, True]


def test_a_file_that_cannot_be_read_says_why_and_cannot_be_ticked(preview: Preview, made: SimpleNamespace) -> None:
    preview.classes.setCurrentCell(1, 0)
    assert preview.files_model.index(0, 2).data() == made.broken
    assert not preview.files_model.flags(preview.files_model.index(0, 0)) & Qt.ItemFlag.ItemIsUserCheckable
    choose_files(preview, 0)
    assert not preview.leave_out.isEnabled()


def test_a_file_is_heard_by_button_and_by_double_click(preview: Preview, qtbot: QtBot) -> None:
    choose_files(preview, 2)
    with qtbot.waitSignal(preview.heard) as signal:
        preview.hear.click()
    assert signal.args == ["/music/Cello/2.wav", 0.0, -1.0]
    with qtbot.waitSignal(preview.heard):
        preview.files.doubleClicked.emit(preview.files_model.index(2, 0))
    preview.show_playing("/music/Cello/2.wav")
    assert preview.hear.text() == "&Stop"
    with qtbot.waitSignal(preview.silenced):
        preview.hear.click()


def test_loose_files_ask_for_a_name_first(qtbot: QtBot, made: SimpleNamespace) -> None:
    preview = shown(qtbot, Plan([PlannedClass("", made.files("x", 2))]), made)
    assert not preview.teach.isEnabled()
    assert preview.obstacle.full == "Give the class a name first."
    preview.activateWindow()
    qtbot.keyClicks(preview.name, "Bell")
    assert preview.teach.isEnabled()
    with qtbot.waitSignal(preview.taught) as signal:
        qtbot.keyClick(preview.name, Key.Key_Return)
    assert [one.name for one in signal.args[0].plan.classes] == ["Bell"]


def test_what_is_not_a_class_says_which(preview: Preview, qtbot: QtBot) -> None:
    preview.role.setCurrentIndex(preview.role.findData("negative"))
    preview.role.activated.emit(preview.role.currentIndex())
    drawn()
    assert preview.of.isVisible()
    assert preview.obstacle.full == "Say which class “Cello” is not."
    assert [preview.of.itemText(place) for place in range(preview.of.count())] == ["Cello", "Guitar", "Flute"]
    preview.of.setCurrentText("Guitar")
    drawn()
    assert (preview.plan.classes[0].role, preview.plan.classes[0].of) == ("negative", "Guitar")
    assert preview.teach.isEnabled()


def test_an_existing_class_is_added_to(preview: Preview) -> None:
    assert "Adds to “Cello”, which has 3 recordings already." in preview.kind_line.text()


def test_two_classes_of_one_name_cannot_be_taught(preview: Preview, qtbot: QtBot) -> None:
    preview.name.selectAll()
    qtbot.keyClicks(preview.name, "flute")
    assert "Two classes are called" in preview.obstacle.full
    assert not preview.teach.isEnabled()


def test_a_new_classifier_is_described(qtbot: QtBot, made: SimpleNamespace) -> None:
    preview = shown(qtbot, made.plan(), made, classifiers=False)
    target = preview.target
    assert target.title.isVisible()
    assert target.class_named("Cello") is None
    target.method.setCurrentIndex(target.method.findData("centers"))
    target.start.setCurrentIndex(target.start.findData("genre"))
    assert "all genres" in target.line.text()
    target.title.clear()
    qtbot.keyClicks(target.title, "Mine")
    assert preview.lesson.wish == Wish(0, "Mine", "centers", "genre")
    target.title.clear()
    target.title.textEdited.emit("")
    assert preview.obstacle.full == "Give the new classifier a name."


def test_choosing_an_existing_classifier_hides_what_is_for_a_new_one(qtbot: QtBot, made: SimpleNamespace) -> None:
    target = Target(made.board().classifiers, 1)
    qtbot.addWidget(target)
    target.show()
    assert not target.title.isVisible()
    target.which.setCurrentIndex(target.which.findData(0))
    assert target.title.isVisible()
    assert target.wish.classifier == 0


def test_news_of_files_keep_what_was_edited(preview: Preview, qtbot: QtBot, made: SimpleNamespace) -> None:
    preview.name.selectAll()
    qtbot.keyClicks(preview.name, "Viola")
    choose_files(preview, 0)
    preview.leave_out.click()
    news = made.plan()
    broken = [*made.files("Cello", 2), *made.files("Cello", 3, broken=3)[2:]]
    preview.show_news(Plan([PlannedClass("Cello", broken), news.classes[1]], problems=["A folder cannot be read."]))
    drawn()
    first = preview.plan.classes[0]
    assert (first.name, [file.keep for file in first.files]) == ("Viola", [False, True, True])
    assert first.files[2].reason == made.broken
    assert preview.problems.text() == "A folder cannot be read."


def test_escape_closes_without_teaching(preview: Preview, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(preview.taught), qtbot.waitSignal(preview.rejected):
        qtbot.keyClick(preview, Key.Key_Escape)


def test_everything_that_takes_focus_has_a_name(preview: Preview) -> None:
    takers = (QAbstractButton, QComboBox, QLineEdit, QTableView)
    for widget in preview.findChildren(QWidget):
        inner = isinstance(widget.parentWidget(), QComboBox | QTableView)
        if isinstance(widget, takers) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not inner:
            assert widget.accessibleName(), widget


def test_tab_leads_through_everything_and_back(preview: Preview, qtbot: QtBot) -> None:
    preview.activateWindow()
    preview.classes.setFocus()
    seen = set()
    for _ in range(30):
        seen.add(QApplication.focusWidget())
        qtbot.keyClick(QApplication.focusWidget() or preview, Key.Key_Tab)
    assert {preview.classes, preview.name, preview.role, preview.files, preview.hear, preview.teach, preview.target.which} <= seen


def test_a_class_that_differs_in_capital_letters_only_is_said_to_be_extended(preview: Preview, qtbot: QtBot) -> None:
    known = preview.target.class_names()[0]
    preview.name.selectAll()
    qtbot.keyClicks(preview.name, known.upper())
    assert f"Adds to “{known}”" in preview.kind_line.text()


def test_columns_in_which_nothing_stands_leave_their_room_to_the_names(preview: Preview, qtbot: QtBot) -> None:
    preview.show_news(Plan([PlannedClass("oboe", [PlannedFile("/x/a.wav"), PlannedFile("/x/b.wav")])]))
    assert [preview.files.isColumnHidden(column) for column in range(3)] == [False, True, True]
    preview.leave_out.click()
    qtbot.waitUntil(lambda: not preview.files.isColumnHidden(2))


def test_fine_tuning_has_options_of_its_own(qtbot: QtBot) -> None:
    target = Target([], 0)
    qtbot.addWidget(target)
    target.show()
    assert not target.replay.isVisible()
    assert target.wish.options == {}
    target.method.setCurrentIndex(target.method.findData("replay"))
    assert target.replay.isVisible()
    assert target.wish.options == {"network": "mlp", "budget": 20, "unfreeze": 0}
    qtbot.keyClick(target.replay.unfreeze, Qt.Key.Key_Down)
    target.replay.network.setCurrentIndex(1)
    assert target.wish.options == {"network": "linear", "budget": 20, "unfreeze": 1}


def test_fine_tuning_starts_with_nothing(qtbot: QtBot) -> None:
    target = Target([], 0, "replay")
    qtbot.addWidget(target)
    assert target.obstacle == ""
    target.start.setCurrentIndex(target.start.findData("genre"))
    assert "only start with nothing" in target.obstacle


def test_the_options_are_those_that_the_engine_knows(qtbot: QtBot) -> None:
    target = Target([], 0, "replay")
    qtbot.addWidget(target)
    defaults = Options()
    assert target.wish.options == {name: getattr(defaults, name) for name in target.wish.options}
    assert target.replay.unfreeze.count() == MOST_BLOCKS + 1


def test_a_new_classifier_can_be_given_its_encoder(qtbot: QtBot) -> None:
    target = Target([], 0, encoders=[("timbre", "Timbre features (timbre)"), ("mn04-as", "MobileNet (mn04-as)")], new_only=True)
    qtbot.addWidget(target)
    target.show()
    assert target.wish.encoder == ""
    target.encoder.setCurrentIndex(target.encoder.findData("timbre"))
    assert target.wish.encoder == "timbre"
    target.start.setCurrentIndex(target.start.findData("genre"))
    assert not target.encoder.isEnabled()
    assert target.wish.encoder == ""
