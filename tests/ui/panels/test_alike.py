"""More like this: asked, heard, opened, taught."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt

from musicclass_gui.app.theme import LIGHT
from musicclass_gui.engine.project.board import Alike
from musicclass_gui.ui.alike import AlikePanel, distance_words

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session

Key, LEFT = Qt.Key, Qt.MouseButton.LeftButton
FOUND = [Alike("a", "/m/a.wav", "a.wav", 0.0, 10.0, 0.4, "cello"), Alike("b", "/m/b.wav", "b.wav", 5.0, 15.0, 1.2, "")]


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> AlikePanel:
    panel = AlikePanel(session, {}, LIGHT)
    qtbot.addWidget(panel)
    panel.resize(900, 240)
    panel.show()
    return panel


@pytest.fixture
def filled(panel: AlikePanel, desk: Any) -> AlikePanel:
    panel.ask(Path("/m/x.wav"), (12.0, 17.0))
    desk.calls[0].answer(FOUND)
    return panel


def cells(panel: AlikePanel, row: int) -> list[str]:
    model = panel.table.model()
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_at_first_it_says_how_to_ask(panel: AlikePanel) -> None:
    assert panel.currentWidget() is panel._placeholder
    assert "timeline" in panel._placeholder.hint.text()


def test_what_is_asked_and_what_is_found(filled: AlikePanel, desk: Any) -> None:
    assert desk.said[0][1] == {"classifier": 1, "path": "/m/x.wav", "start_s": 12.0, "end_s": 17.0}
    assert filled.about.full == "Like x.wav, 0:12–0:17; the most alike first"
    assert cells(filled, 0) == ["a.wav", "0:00–0:10", "Very alike (0.40)", "cello"]
    assert cells(filled, 1) == ["b.wav", "0:05–0:15", "Not much alike (1.20)", "not taught"]


def test_a_whole_recording_can_be_asked_about(panel: AlikePanel, desk: Any) -> None:
    panel.ask(Path("/m/x.wav"), None)
    assert desk.said[0][1]["start_s"] is None
    assert panel.about.full.startswith("Like x.wav, all of it")


@pytest.mark.parametrize(
    ("distance", "word"),
    [(0.0, "the same, or nearly"), (0.65, "very alike"), (0.66, "alike"), (1.0, "a little alike"), (99.0, "not much alike")],
)
def test_distances_in_words(distance: float, word: str) -> None:
    assert distance_words(distance) == word


def test_keys_and_buttons_hear_and_open(filled: AlikePanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(filled.heard) as heard:
        qtbot.keyClick(filled.table, Key.Key_Space)
    assert heard.args == ["/m/a.wav", 0.0, 10.0]
    with qtbot.waitSignal(filled.opened) as opened:
        qtbot.keyClick(filled.table, Key.Key_Return)
    assert opened.args == [Path("/m/a.wav")]
    with qtbot.waitSignal(filled.heard):
        qtbot.mouseClick(filled.hear_it, LEFT)
    with qtbot.waitSignal(filled.opened):
        qtbot.mouseClick(filled.open_it, LEFT)


def test_the_chosen_ones_are_proposed_as_a_class(filled: AlikePanel, qtbot: QtBot, session: Session) -> None:
    filled.table.selectAll()
    qtbot.mouseClick(filled.teach_it, LEFT)
    plan = session.teaching.plan
    assert plan is not None
    assert [(file.path, file.start_s, file.end_s) for file in plan.classes[0].files] == [("/m/a.wav", 0.0, 10.0), ("/m/b.wav", 5.0, 15.0)]


def test_nothing_found_and_a_failure_are_said(panel: AlikePanel, desk: Any, session: Session) -> None:
    panel.ask(Path("/m/x.wav"), None)
    desk.calls[0].answer([])
    assert "No other sound" in panel._placeholder.hint.text()
    panel.ask(Path("/m/x.wav"), None)
    next(call for call in reversed(desk.calls) if call.name == "alike").fail("It is gone.")
    panel.show_board()
    assert panel._placeholder.hint.text() == session.teaching.problem


def test_a_late_answer_is_not_shown(panel: AlikePanel, desk: Any) -> None:
    panel.ask(Path("/m/x.wav"), None)
    panel.ask(Path("/m/y.wav"), None)
    desk.calls[0].answer(FOUND)
    assert panel.model.rowCount() == 0
