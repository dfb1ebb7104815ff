from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QToolButton

from musicclass_gui.ui.notices import Notice, NoticeBar

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

RETRY = Notice("The process stopped.", "bad", "analyse.again", "Analyse again")
SHORT = Notice("Only the first 12.3 s could be read.", "warn")


@pytest.fixture
def bar(qtbot: QtBot) -> NoticeBar:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    return bar


def test_without_notices_there_is_no_bar(bar: NoticeBar) -> None:
    assert bar.isHidden()


def test_a_notice_goes_when_its_cause_does(bar: NoticeBar) -> None:
    bar.show_notices([RETRY, SHORT])
    bar.show_notices([SHORT])
    assert bar.notices == [SHORT]
    bar.show_notices([])
    assert bar.isHidden()


def test_the_same_sentence_is_shown_once(bar: NoticeBar) -> None:
    bar.show_notices([SHORT, SHORT])
    assert bar.notices == [SHORT]


def test_its_action_is_one_click(bar: NoticeBar, qtbot: QtBot) -> None:
    bar.show_notices([RETRY])
    with qtbot.waitSignal(bar.triggered) as signal:
        qtbot.mouseClick(bar.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert signal.args == ["analyse.again"]


def test_dismissed_stays_away_until_it_is_news_again(bar: NoticeBar, qtbot: QtBot) -> None:
    bar.show_notices([RETRY])
    qtbot.mouseClick(bar.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert bar.isHidden()
    bar.show_notices([RETRY])
    assert bar.isHidden()
    bar.show_notices([])
    bar.show_notices([RETRY])
    assert bar.notices == [RETRY]


def test_the_kind_is_said_in_words_not_only_in_colour(bar: NoticeBar) -> None:
    from PySide6.QtWidgets import QLabel

    bar.show_notices([RETRY, SHORT])
    said = {label.text() for label in bar.findChildren(QLabel)}
    assert {"Problem", "Careful"} <= said
