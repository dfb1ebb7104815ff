"""The two pages of the window, and what leads from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QApplication, QComboBox, QLineEdit, QWidget

from musicclass_gui.app.documents import Change

if TYPE_CHECKING:
    from pathlib import Path
    from types import SimpleNamespace

    from pytestqt.qtbot import QtBot

    from musicclass_gui.engine.project.board import Board
    from musicclass_gui.ui.window import MainWindow

COPY, LEFT, NONE = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
Key = Qt.Key


def show_board(window: MainWindow, qtbot: QtBot, board: Board) -> None:
    teaching = window.session.teaching
    teaching.board, teaching.current = board, 1
    for change in (Change.BOARD, Change.LESSON):
        window.session.changed.emit(change)
    settled(window, qtbot)


def settled(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window._pending)


def test_the_switch_leads_to_teaching_and_back(window: MainWindow, qtbot: QtBot) -> None:
    assert not window.teaching_shown
    assert window.teacher.page is None  # nothing is made before it is looked at
    qtbot.mouseClick(window.topbar.pages["teach"], LEFT)
    assert window.teaching_shown
    assert not window.answers_dock.isVisible()
    qtbot.mouseClick(window.topbar.pages["listen"], LEFT)
    assert not window.teaching_shown
    assert window.answers_dock.isVisible()


@pytest.mark.parametrize(("key", "panel"), [("4", "board"), ("5", "lesson"), ("6", "review"), ("7", "map")])
def test_each_panel_has_a_key_that_shows_it_and_leads_back(window: MainWindow, qtbot: QtBot, key: str, panel: str) -> None:
    window.activateWindow()
    qtbot.keyClick(window, key, CTRL)
    assert window.teaching_shown
    assert window.teacher.page is not None
    assert window.teacher.page.shows(panel)
    assert window.actions_.by_id[f"view.{panel}"].isChecked()
    qtbot.keyClick(window, key, CTRL)
    assert not window.teaching_shown
    assert not window.actions_.by_id[f"view.{panel}"].isChecked()


def test_asking_for_the_answers_or_the_queue_leads_back_to_listening(window: MainWindow) -> None:
    for action in ("view.answers", "view.queue"):
        window.show_page("teach")
        window.refresh_actions()
        assert not window.actions_.by_id[action].isChecked()
        window.trigger(action)
        assert not window.teaching_shown
        assert window.actions_.by_id[action].isChecked()


def test_a_card_that_is_ready_is_shown_focused_and_said(window: MainWindow, qtbot: QtBot, made: SimpleNamespace) -> None:
    window.activateWindow()
    show_board(window, qtbot, made.board(made.lesson(3, "draft", made.card())))
    assert window.teaching_shown
    page = window.teacher.page
    assert page is not None
    assert page.shows("lesson")
    assert QApplication.focusWidget() is page.lesson.card._page
    assert window.status.currentMessage().startswith("The lesson card is ready. Knows 1 new class;")
    assert "Ctrl+Return" in window.status.currentMessage()
    assert window.actions_.by_id["teach.keep"].isEnabled()


def test_a_waiting_lesson_is_a_notice_while_one_listens(window: MainWindow, qtbot: QtBot, made: SimpleNamespace) -> None:
    show_board(window, qtbot, made.board(made.lesson(3, "planned")))
    assert [(notice.text, notice.action) for notice in window.notices.notices] == [("A lesson was interrupted: “Lesson 3”.", "teach.go_on")]
    window.show_page("teach")
    settled(window, qtbot)
    assert window.notices.notices == []


def test_named_steps_are_in_the_menu(window: MainWindow, qtbot: QtBot, made: SimpleNamespace) -> None:
    show_board(window, qtbot, made.board(undo="Teach 2 classes", redo="Rename “a”"))
    assert window.actions_.by_id["teach.undo"].text().replace("&", "") == "Undo: Teach 2 classes"
    assert window.actions_.by_id["teach.redo"].text().replace("&", "") == "Redo: Rename “a”"


def test_a_classifier_of_the_project_has_a_card_with_its_title(window: MainWindow, qtbot: QtBot, made: SimpleNamespace) -> None:
    show_board(window, qtbot, made.board())
    assert list(window.answers.cards) == ["instruments", "genre", "composer", "instrument"]
    assert window.answers.cards["instruments"]._title.full == "Instruments"


def test_the_drop_overlay_offers_both(window: MainWindow, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    for name in ("bell", "drum"):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "sounds" / name / "1.wav", np.zeros(22050), 22050)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "sounds"))])
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(900, 300), COPY, mime, LEFT, NONE))
    assert window.overlay.open_zone.sentence.text() == "Queue 2 recordings from “sounds”"
    assert window.overlay.teach_zone.sentence.text() == "Teach 2 classes: 1, 1 files"
    assert window.overlay.teach_zone.under
    proposed: list[object] = []
    window.overlay.taught.connect(proposed.append)
    QApplication.sendEvent(window, QDropEvent(QPointF(900, 300), COPY, mime, LEFT, NONE))
    assert proposed == [[tmp_path / "sounds"]]


def test_everything_on_the_page_that_takes_focus_has_a_name(window: MainWindow, qtbot: QtBot, made: SimpleNamespace) -> None:
    show_board(window, qtbot, made.board(made.lesson(3, "draft", made.card()), (made.lesson(1, "kept"),)))
    takers = (QAbstractButton, QAbstractItemView, QAbstractSlider, QComboBox, QLineEdit)
    page = window.teacher.page
    assert page is not None
    for widget in page.findChildren(QWidget):
        if widget.window() is not window:  # the list that a combo box pops up
            continue
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and (isinstance(widget, takers) or widget.isVisibleTo(page)):
            name = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
            assert name, (type(widget), widget.objectName(), widget.parentWidget())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_the_page_paints_in_both_themes_and_sizes(
    window: MainWindow, qtbot: QtBot, made: SimpleNamespace, theme: str, size: tuple[int, int]
) -> None:
    window.session.settings.set("theme", theme)
    window.resize(*size)
    show_board(window, qtbot, made.board(made.lesson(3, "draft", made.card())))
    QApplication.processEvents()
    image = window.grab().toImage()
    assert (image.width(), image.height()) == size
    assert (image.pixelColor(4, size[1] - 40).lightness() < 80) == (theme == "dark")
