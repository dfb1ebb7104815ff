"""The lesson panel, its card and the list of lessons, shown boards made by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from musicclass_gui.app import theme as themes
from musicclass_gui.engine.lessons.news import Heard, Trained
from musicclass_gui.ui import lesson_words
from musicclass_gui.ui.history import HistoryPanel, when
from musicclass_gui.ui.lesson import LessonPanel

if TYPE_CHECKING:
    from types import SimpleNamespace

    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session
    from musicclass_gui.engine.project.board import Board, LessonView
    from musicclass_gui.ui.menus import ActionSet


@pytest.fixture
def panel(qtbot: QtBot, session: Session, actions: ActionSet) -> LessonPanel:
    panel = LessonPanel(session, actions.by_id, themes.LIGHT)
    panel.resize(470, 700)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def put(panel: LessonPanel, board: Board | None) -> None:
    panel._teaching.board = board
    panel.show_board()


def said(panel: LessonPanel) -> str:
    return "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisibleTo(panel))


# Words


def test_the_big_sentence_says_what_is_new_and_how_the_old_ones_are(made: SimpleNamespace) -> None:
    assert lesson_words.headline(made.card()) == "Knows 1 new class; the old ones got worse, 85 % → 80 %."
    assert lesson_words.headline(made.card(old_after=0.9)) == "Knows 1 new class; the old ones got better, 85 % → 90 %."
    assert lesson_words.headline(made.card(old_after=0.85)) == "Knows 1 new class; the old ones are as before on the whole."
    assert lesson_words.headline(made.card(old_before=None)) == "Knows 1 new class; how the old ones are now cannot be judged."
    new = [report for report in made.card().classes if report.new]
    assert lesson_words.headline(made.card(classes=new)) == "Knows 1 new class."
    assert lesson_words.headline(made.card(classes=[])) == "Teach 2 classes: Cello, Hum."


def test_rows_say_before_and_after_without_colour(made: SimpleNamespace) -> None:
    old, new, hum = made.card().classes
    assert lesson_words.before_after(old) == "85 % → 80 % ▼"
    assert lesson_words.before_after(new) == "92 %"
    assert lesson_words.before_after(hum) == "cannot be judged"
    assert lesson_words.spoken(hum) == "Hum (background, new), 2 recordings, cannot be judged: One folder only."
    assert lesson_words.spoken(old) == "Guitar, 20 recordings, 85 % before, 80 % right after the lesson"


# The card


def test_a_draft_shows_its_card_once_as_new(panel: LessonPanel, qtbot: QtBot, made: SimpleNamespace) -> None:
    waiting = made.lesson(3, "draft", made.card())
    with qtbot.waitSignal(panel.card_ready) as signal:
        put(panel, made.board(waiting, (waiting,)))
    assert signal.args == ["Knows 1 new class; the old ones got worse, 85 % → 80 %."]
    assert panel.currentWidget() is panel.card_page
    words = said(panel)
    for part in (
        "Tested on 32 held-out recordings: right on 88 % (80–93 %).",
        "Hum: One folder only.",
        "One recording is shorter than a window.",
        "“Guitar” answered as “Cello”: 0 → 2 of 20 recordings",
        "a.wav and b.wav are the same file, in “Cello” and “Guitar”",
        "taught as “Cello”, answered as “Guitar”. It is far from the others.",
    ):
        assert part in words
    with qtbot.assertNotEmitted(panel.card_ready):
        panel.show_board()


def test_new_classes_come_first_in_the_table(panel: LessonPanel, made: SimpleNamespace) -> None:
    put(panel, made.board(made.lesson(3, "draft", made.card())))
    model = panel.card.table.model_
    assert [model.index(row, 0).data() for row in range(3)] == ["Cello (new)", "Hum (background, new)", "Guitar"]
    assert model.index(1, 2).data() == "cannot be judged"
    assert panel.card.table.height() >= 3 * panel.card.table.rowHeight(0)


def test_a_suggestion_can_be_heard(panel: LessonPanel, qtbot: QtBot, made: SimpleNamespace) -> None:
    put(panel, made.board(made.lesson(3, "draft", made.card())))
    button = next(one for one in panel.findChildren(QPushButton) if one.accessibleName() == "Hear c.wav")
    with qtbot.waitSignal(panel.heard) as signal:
        button.click()
    assert signal.args == ["/music/c.wav", 2.0, 7.0]


def test_what_became_of_a_lesson_is_said(panel: LessonPanel, made: SimpleNamespace) -> None:
    put(panel, made.board(made.lesson(3, "draft", made.card())))
    assert panel.footer.keep.isVisible()
    put(panel, made.board(None, (made.lesson(3, "kept"),)))
    assert panel.currentWidget() is panel.card_page
    assert not panel.footer.keep.isVisible()
    assert "Kept" in panel.footer.state.text()
    put(panel, made.board(None, (made.lesson(3, "undone"),)))
    assert "Undone" in panel.footer.state.text()
    put(panel, made.board())
    assert panel.currentWidget() is panel.empty


def test_a_lesson_without_held_out_recordings_says_that_it_cannot_be_judged(panel: LessonPanel, made: SimpleNamespace) -> None:
    put(panel, made.board(made.lesson(3, "draft", made.card(accuracy=None))))
    assert "Not tested: too few recordings to hold some out." in said(panel)


def test_an_interrupted_lesson_can_be_gone_on_with_or_dropped(panel: LessonPanel, made: SimpleNamespace) -> None:
    put(panel, made.board(made.lesson(3, "planned")))
    assert panel.currentWidget() is panel.interrupted
    names = {button.text() for button in panel.interrupted.findChildren(QPushButton)}
    assert names == {"Go on", "Drop it"}
    assert "Lesson 3" in said(panel)


def test_a_project_that_cannot_be_changed_says_why(panel: LessonPanel, made: SimpleNamespace) -> None:
    put(panel, made.board(read_only="Another window is working on this project."))
    assert "Another window is working on this project." in said(panel)


def test_the_curve_of_a_training_is_drawn(panel: LessonPanel, made: SimpleNamespace) -> None:
    curve = [(float(epoch), 2.0 / epoch, 0.5 + epoch / 20, 0.4 + epoch / 20) for epoch in range(1, 9)]
    put(panel, made.board(made.lesson(3, "draft", made.card(method="replay", curve=curve))))
    drawn = panel.card._curve
    assert drawn is not None
    assert "Epoch 8: loss 0.25, right on 90 % in training and 80 % of held-out sounds; best so far 80 % after epoch 8." in said(panel)
    assert list(drawn._lines[2].getData()[1]) == [point[3] for point in curve]
    panel.set_theme(themes.DARK)
    QApplication.processEvents()
    assert drawn.plot.backgroundBrush().color().name() == themes.DARK.surface


# While it goes on


def test_progress_names_the_stage_the_file_and_what_failed(panel: LessonPanel, qtbot: QtBot, session: Session) -> None:
    going = session.teaching.going
    going.begin("Listening")
    going.take(Heard("/a/bad.wav", "failed", "It is empty.", 1, 8))
    going.take(Heard("/a/good.wav", "embedded", "", 2, 8))
    panel.show_lesson()
    assert panel.currentWidget() is not panel.progress  # what is over at once does not flicker
    qtbot.waitUntil(lambda: panel.currentWidget() is panel.progress)
    assert panel.progress.stage.text() == "Listening"
    assert panel.progress.counts.text() == "2 of 8 recordings, 1 could not be read"
    assert panel.progress.file.full == "good.wav"
    assert panel.progress.failed.text() == "bad.wav: It is empty."
    assert panel.progress.bar.value() == 250
    going.take(Trained(1, 10, 1.5, 0.5, 0.4, 30.0))
    going.take(Trained(2, 10, 1.0, 0.7, 0.6, math.nan))
    panel.show_lesson()
    assert "right on 70 % in training" in said(panel)
    going.end("Listening")
    panel.show_lesson()
    assert panel.currentWidget() is panel.empty


def test_what_other_panels_wait_for_is_not_shown_here(panel: LessonPanel, qtbot: QtBot, session: Session) -> None:
    session.teaching.going.begin("Drawing the sound map")
    panel.show_lesson()
    qtbot.wait(150)
    assert panel.currentWidget() is panel.empty


def test_why_it_did_not_work_is_said(panel: LessonPanel, session: Session) -> None:
    session.teaching.problem = "The disk is full."
    panel.show_lesson()
    assert "The disk is full." in said(panel)


# The list


@pytest.fixture
def history(qtbot: QtBot, session: Session, actions: ActionSet) -> HistoryPanel:
    panel = HistoryPanel(session, actions.by_id, themes.LIGHT)
    panel.resize(470, 500)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def listed(history: HistoryPanel, board: Board) -> None:
    history._teaching.board = board
    history.show_board()


def test_lessons_are_listed_with_what_became_of_them(history: HistoryPanel, made: SimpleNamespace) -> None:
    listed(history, made.board(None, (made.lesson(2, "undone"), made.lesson(1, "kept"))))
    rows = [[history.model.index(row, column).data() for column in (0, 2)] for row in range(2)]
    assert rows == [["Lesson 2", "Undone"], ["Lesson 1", "Kept"]]
    assert when(made.lesson(1, "kept")).startswith("2 May ")


def test_only_kept_lessons_that_taught_can_be_forgotten(history: HistoryPanel, made: SimpleNamespace) -> None:
    lessons: tuple[LessonView, ...] = (made.lesson(3, "kept", kind="rename"), made.lesson(2, "undone"), made.lesson(1, "kept"))
    listed(history, made.board(None, lessons))
    states = []
    for row in range(3):
        history.table.selectRow(row)
        states.append(history.forget.isEnabled())
    assert states == [False, False, True]
    listed(history, made.board(None, lessons, read_only="Somebody else works on it."))
    assert not history.forget.isEnabled()


def test_an_empty_list_says_what_will_be_there(history: HistoryPanel, made: SimpleNamespace) -> None:
    listed(history, made.board())
    assert history.currentWidget() is history._placeholder


def test_undo_says_what_it_would_undo(history: HistoryPanel, actions: ActionSet, session: Session, made: SimpleNamespace) -> None:
    listed(history, made.board(undo="Teach “R&B”"))
    actions.refresh(session)
    button = next(one for one in history.findChildren(QPushButton) if one.text() == "Undo")
    assert button.isEnabled()
    assert button.toolTip() == "Undo: Teach “R&B”"


def test_the_panels_paint_in_both_themes(panel: LessonPanel, history: HistoryPanel, made: SimpleNamespace) -> None:
    put(panel, made.board(made.lesson(3, "draft", made.card())))
    light = panel.grab().toImage()
    for part in (panel, history):
        part.set_theme(themes.DARK)
    assert panel.grab().toImage() != light
    assert panel.card._page.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_of_an_earlier_lesson_it_is_not_said_that_undo_takes_it_back(panel: LessonPanel, session: Session, made: SimpleNamespace) -> None:
    early, late = made.lesson(1, "kept", made.card()), made.lesson(2, "kept", made.card())
    session.teaching.board = made.board(lessons=(late, early))
    panel.show_view(early)
    assert panel.footer.state.text() == "Kept. “All lessons” can forget it."
    panel.show_view(late)
    assert panel.footer.state.text() == "Kept. Undo takes it back."
