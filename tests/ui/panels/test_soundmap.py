"""The sound map: hovered over, lassoed, walked through with keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt

from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.engine.project.board import Point, SoundMap
from musicclass_gui.ui.classlook import Looks
from musicclass_gui.ui.soundmap import SoundMapPanel
from musicclass_gui.ui.soundmap_points import SYMBOLS, Marks, inside, nearest, towards

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.session import Session

Key, LEFT = Qt.Key, Qt.MouseButton.LeftButton
#  two taught ones (0 is right, 1 is wrong), one that was not tested, one that was not taught
POINTS = [
    Point("a", "/m/a.wav", "a.wav", None, None, 0.0, 0.0, 1, 1),
    Point("b", "/m/b.wav", "b.wav", 5.0, 15.0, 1.0, 0.0, 2, 1),
    Point("c", "/m/c.wav", "c.wav", None, None, 0.0, 1.0, 2, None),
    Point("d", "/m/d.wav", "d.wav", None, None, 1.0, 1.0, None, 2),
]
MAP = SoundMap("pca", "Close together sounds alike.", POINTS)


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> SoundMapPanel:
    panel = SoundMapPanel(session, {}, LIGHT)
    qtbot.addWidget(panel)
    panel.resize(900, 500)
    return panel


@pytest.fixture
def drawn(panel: SoundMapPanel, desk: Any) -> SoundMapPanel:
    panel.show()
    assert desk.said == [("sound_map", {"classifier": 1, "how": "pca"})]
    desk.calls[0].answer(MAP)
    desk.calls.clear()
    return panel


def place(panel: SoundMapPanel, number: int) -> QPoint:
    x, y = panel.view.pixels()[number]
    return QPoint(round(x), round(y))


def around(panel: SoundMapPanel, qtbot: QtBot, *numbers: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Draw a lasso around points."""
    spots = [place(panel, number) for number in numbers]
    left, right = min(spot.x() for spot in spots) - 12, max(spot.x() for spot in spots) + 12
    top, bottom = min(spot.y() for spot in spots) - 12, max(spot.y() for spot in spots) + 12
    area = panel.view.viewport()
    qtbot.mousePress(area, LEFT, keys, QPoint(left, top))
    for corner in (QPoint(right, top), QPoint(right, bottom), QPoint(left, bottom)):
        qtbot.mouseMove(area, corner)
    qtbot.mouseRelease(area, LEFT, keys, QPoint(left, bottom))


def test_it_is_drawn_only_once_it_is_looked_at_and_not_twice(panel: SoundMapPanel, desk: Any) -> None:
    panel.show_board()
    assert desk.said == []
    panel.show()
    panel.show_board()
    panel.hide()
    panel.show()
    assert len(desk.said) == 1
    assert panel.bar.isVisible()
    desk.calls[0].answer(MAP)
    assert not panel.bar.isVisible()
    assert panel.pages.currentWidget() is panel._page


def test_what_distance_means_is_said(drawn: SoundMapPanel) -> None:
    assert drawn.legend.isVisible()
    assert drawn.legend.text() == "Close together sounds alike."
    drawn.resize(900, 220)
    assert drawn.short_legend.isVisible()
    assert drawn.short_legend.full == "Close together sounds alike."


def test_points_are_where_the_map_says(drawn: SoundMapPanel) -> None:
    a, b, c, _ = (place(drawn, number) for number in range(4))
    assert a.y() == b.y()
    assert a.x() == c.x()
    assert b.x() > a.x()
    assert c.y() < a.y()  # up is up
    assert drawn.view.viewport().rect().contains(b)


def test_a_lasso_selects_and_with_shift_adds(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    around(drawn, qtbot, 0, 1)
    assert drawn.view.selection == {0, 1}
    around(drawn, qtbot, 3, keys=Qt.KeyboardModifier.ShiftModifier)
    assert drawn.view.selection == {0, 1, 3}
    assert drawn.side.count.full == "3 selected"
    around(drawn, qtbot, 2)
    assert drawn.view.selection == {2}


def test_the_selected_are_proposed_as_a_class(drawn: SoundMapPanel, qtbot: QtBot, session: Session) -> None:
    assert not drawn.side.teach.isEnabled()
    around(drawn, qtbot, 0, 1)
    qtbot.mouseClick(drawn.side.teach, LEFT)
    plan = session.teaching.plan
    assert plan is not None
    assert [(file.path, file.start_s, file.end_s) for file in plan.classes[0].files] == [("/m/a.wav", None, None), ("/m/b.wav", 5.0, 15.0)]


def test_a_click_selects_and_beside_all_points_selects_none(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    qtbot.mouseClick(drawn.view.viewport(), LEFT, pos=place(drawn, 1))
    assert drawn.view.selection == {1}
    assert drawn.side.current.full == "b.wav, 0:05–0:15, taught as flute, answered as cello"
    qtbot.mouseClick(drawn.view.viewport(), LEFT, Qt.KeyboardModifier.ControlModifier, place(drawn, 0))
    assert drawn.view.selection == {0, 1}
    middle = (place(drawn, 0) + place(drawn, 3)) / 2
    qtbot.mouseClick(drawn.view.viewport(), LEFT, pos=middle)
    assert drawn.view.selection == set()


def test_the_mouse_resting_on_a_point_lets_it_be_heard_once(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(drawn.heard) as heard:
        qtbot.mouseMove(drawn.view.viewport(), place(drawn, 1))
    assert heard.args == ["/m/b.wav", 5.0, 15.0]
    with qtbot.assertNotEmitted(drawn.heard, wait=300):
        qtbot.mouseMove(drawn.view.viewport(), place(drawn, 1) + QPoint(2, 1))


def test_passing_over_points_or_having_it_off_is_silent(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(drawn.heard, wait=300):
        qtbot.mouseMove(drawn.view.viewport(), place(drawn, 1))
        qtbot.mouseMove(drawn.view.viewport(), (place(drawn, 0) + place(drawn, 3)) / 2)
    drawn.on_hover.setChecked(False)
    with qtbot.assertNotEmitted(drawn.heard, wait=300):
        qtbot.mouseMove(drawn.view.viewport(), place(drawn, 0))


def test_keys_walk_hear_select_and_let_go(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    view = drawn.view
    view.go_to(0)
    for key, number in ((Key.Key_Right, 1), (Key.Key_Up, 3), (Key.Key_Left, 2), (Key.Key_Down, 0), (Key.Key_Left, 0)):
        qtbot.keyClick(view, key)
        assert view.current == number
    with qtbot.waitSignal(drawn.heard) as heard:
        qtbot.keyClick(view, Key.Key_Return)
    assert heard.args == ["/m/a.wav", 0.0, -1.0]
    qtbot.keyClick(view, Key.Key_S)
    qtbot.keyClick(view, Key.Key_Up)
    qtbot.keyClick(view, Key.Key_S)
    assert view.selection == {0, 2}
    qtbot.keyClick(view, Key.Key_S)
    assert view.selection == {0}
    qtbot.keyClick(view, Key.Key_A)
    assert view.selection == {0, 1, 2, 3}
    qtbot.keyClick(view, Key.Key_Escape)
    assert view.selection == set()


def test_zooming_keeps_the_current_point_in_view(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    for _ in range(12):
        qtbot.keyClick(drawn.view, Key.Key_Plus)
    drawn.view.go_to(3)
    assert drawn.view.viewport().rect().contains(place(drawn, 3))
    assert not drawn.view.viewport().rect().contains(place(drawn, 0))
    qtbot.keyClick(drawn.view, Key.Key_0)
    assert all(drawn.view.viewport().rect().contains(place(drawn, number)) for number in range(4))


def test_marks_differ_by_shape_and_not_only_by_colour(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    marks = [drawn._marks.of(point) for point in POINTS]
    assert marks[0].symbol != marks[1].symbol
    assert marks[3].words == "Answered as flute"
    assert not marks[3].filled
    drawn.colours.setCurrentIndex(1)
    drawn.colours.activated.emit(1)
    marks = [drawn._marks.of(point) for point in POINTS]
    assert [mark.words for mark in marks] == ["Answered right", "Answered wrong", *["Not taught, or not tested"] * 2]
    assert marks[0].symbol != marks[1].symbol
    assert len(set(SYMBOLS)) == len(SYMBOLS)


def test_a_line_of_the_key_selects_all_that_are_marked_so(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    items = {drawn.side.key.item(row).text(): drawn.side.key.item(row) for row in range(drawn.side.key.count())}
    item = items["flute  2"]
    qtbot.mouseClick(drawn.side.key.viewport(), LEFT, pos=drawn.side.key.visualItemRect(item).center())
    assert drawn.view.selection == {1, 2}


def test_the_table_is_the_same_for_keys_and_screen_readers(drawn: SoundMapPanel, qtbot: QtBot) -> None:
    qtbot.mouseClick(drawn.side.listed, LEFT)
    table = drawn.side.table
    assert table.isVisible()
    assert table.model().rowCount() == 4
    table.selectRow(1)
    assert drawn.view.current == 1
    with qtbot.waitSignal(drawn.heard):
        qtbot.keyClick(table, Key.Key_Space)
    around(drawn, qtbot, 0, 1)
    assert table.model().rowCount() == 2


def test_another_method_is_asked_for_and_a_late_map_is_dropped(drawn: SoundMapPanel, desk: Any) -> None:
    drawn.how.setCurrentIndex(1)
    drawn.how.activated.emit(1)
    drawn.draw_map()
    assert [fields["how"] for _, fields in desk.said] == ["tsne", "tsne"]
    desk.calls[0].answer(SoundMap("tsne", "Late.", POINTS[:1]))
    assert drawn.legend.text() == "Close together sounds alike."
    desk.calls[1].answer(SoundMap("tsne", "Now.", POINTS[:2]))
    assert drawn.legend.text() == "Now."
    assert len(drawn.view.pixels()) == 2


def test_a_map_from_before_a_lesson_says_so(drawn: SoundMapPanel, session: Session) -> None:
    from dataclasses import replace

    board = session.teaching.board
    assert board is not None
    session.teaching.board = replace(board, classifiers=[replace(one, revision=one.revision + 1) for one in board.classifiers])
    drawn.show_board()
    assert drawn.outdated.text() == "Drawn before the last lesson"
    assert len(drawn.view.pixels()) == 4


def test_failing_is_said_and_not_tried_for_ever(panel: SoundMapPanel, desk: Any) -> None:
    panel.show()
    desk.calls[0].fail("The worker ran out of memory.")
    panel.show_board()
    assert panel._placeholder.hint.text() == "The worker ran out of memory."
    assert not panel.bar.isVisible()
    panel.show_board()
    assert [name for name, _ in desk.said].count("sound_map") == 1


@pytest.mark.parametrize("points", [[], POINTS[:1], [POINTS[0]] * 3])
def test_maps_of_nothing_of_one_and_of_the_same_place(panel: SoundMapPanel, desk: Any, qtbot: QtBot, points: list[Point]) -> None:
    panel.show()
    desk.calls[0].answer(SoundMap("pca", "", points))
    assert np.isfinite(panel.view.pixels()).all()
    qtbot.keyClick(panel.view, Key.Key_Right)
    assert (panel.pages.currentWidget() is panel._placeholder) == (not points)


def test_it_is_drawn_in_the_other_theme(drawn: SoundMapPanel) -> None:
    light = drawn.view.grab().toImage()
    drawn.set_theme(DARK)
    assert drawn.view.grab().toImage().pixelColor(5, 5) != light.pixelColor(5, 5)


FLOATS = st.floats(-100, 100, allow_nan=False, width=32)
PLACES = st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=30).map(lambda pairs: np.array(pairs, dtype=np.float64))


@given(PLACES)
def test_a_step_goes_where_it_is_asked_to(places: np.ndarray) -> None:
    for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        found = towards(places, 0, right, down)
        along = (places - places[0]) @ np.array([right, down], dtype=np.float64)
        assert found is None or along[found] > 0


@given(PLACES, st.floats(-90, 90), st.floats(-90, 90), st.floats(0.5, 60))
def test_a_square_lasso_holds_what_is_within_its_sides(places: np.ndarray, x: float, y: float, half: float) -> None:
    corners = np.array([[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]])
    offset = np.abs(places - np.array([x, y])).max(axis=1)
    on_edge = np.abs(offset - half) < 1e-6
    found = np.isin(np.arange(len(places)), inside(places, corners))
    assert np.array_equal(found[~on_edge], (offset < half)[~on_edge])


def test_a_line_is_no_lasso_and_what_is_far_is_not_near() -> None:
    places = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert inside(places, places) == []
    assert nearest(places, 9.0, 0.0, 5.0) == 1
    assert nearest(places, 5.0, 40.0, 5.0) is None
    assert nearest(np.empty((0, 2)), 0.0, 0.0, 5.0) is None


def test_no_two_of_many_classes_have_the_same_mark(make: Any) -> None:
    classes = [make.klass(number + 1, f"class {number}", colour=number) for number in range(40)]
    negative = make.klass(99, "not 0", role="negative", of=1, colour=0)
    shown = [*classes, negative]
    points = [Point("h", "/p", "n", None, None, 0.0, 0.0, one.id, None) for one in shown]
    for theme in (LIGHT, DARK):
        marks = Marks(shown, Looks(shown, theme), theme, by_answer=False)
        assert len({(mark.symbol, mark.colour) for mark in map(marks.of, points)}) == len(shown)
