from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from musicclass_gui.app.theme import DARK, LIGHT, class_colour
from musicclass_gui.engine.answers import Answer, Ranked, Segment
from musicclass_gui.engine.mel import MEL_BANDS, MEL_RATE, hz_to_height
from musicclass_gui.engine.picture import Picture, PictureWriter
from musicclass_gui.ui import axes
from musicclass_gui.ui.lane_layout import LaneLayout
from musicclass_gui.ui.timeline import Timeline
from musicclass_gui.ui.timeline_items import MEL_MAPS, Samples, colour_table
from musicclass_gui.ui.timeline_paint import Scale
from musicclass_gui.ui.timeline_view import SHORTEST_S, TimeView

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

CLASSES = ["blues", "classical", "jazz", "metal"]
SECONDS = 20.0
NO_KEYS = Qt.KeyboardModifier.NoModifier


def answer(segments: list[tuple[float, float, str | None, float]], classifier: str = "genre") -> Answer:
    ranking = [Ranked(label, 0.25) for label in CLASSES]
    return Answer(classifier, "timbre", CLASSES[0], False, ranking, [Segment(*segment) for segment in segments])


GENRE = answer([(0, 5, "blues", 0.9), (5, 8, None, 0.2), (8, 14, "jazz", 0.6), (14, 20, "metal", 0.97)])
COMPOSER = answer([(0, 20, "classical", 0.5)], "composer")


def tone() -> np.ndarray:
    """440 Hz, silent in the second half."""
    samples = 0.5 * np.sin(2 * np.pi * 440 / MEL_RATE * np.arange(int(SECONDS * MEL_RATE)))
    samples[samples.size // 2 :] = 0
    return samples.astype(np.float32)


def write(folder: Path, samples: np.ndarray, *, whole: bool = True) -> Picture:
    with PictureWriter(folder, MEL_RATE) as writer:
        writer.push(samples)
        writer.push_mel(samples)
        if whole:
            writer.finish()
    return Picture(folder, MEL_RATE)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    return write(tmp_path_factory.mktemp("picture"), tone())


@pytest.fixture
def make(qtbot: QtBot) -> Callable[..., Timeline]:
    def made(picture: Picture | None, duration_s: float = SECONDS, theme: object = DARK) -> Timeline:
        timeline = Timeline(theme)
        qtbot.addWidget(timeline)
        timeline.resize(900, 600)
        timeline.show()
        timeline.set_picture(picture, duration_s)
        QApplication.processEvents()
        return timeline

    return made


@pytest.fixture
def timeline(make: Callable[..., Timeline], picture: Picture) -> Timeline:
    made = make(picture)
    made.set_answers([GENRE, COMPOSER])
    QApplication.processEvents()
    return made


def plots(timeline: Timeline) -> QWidget:
    return timeline.plots.viewport()


def place(timeline: Timeline, time_s: float, share: float = 0.5) -> QPoint:
    """A point of the waveform (share 0 … 0.4) or the mel image (0.6 … 1) at a time."""
    wave, mel = timeline.plots.wave_area(), timeline.plots.mel_area()
    y = wave.top() + share / 0.4 * (wave.height() - 1) if share <= 0.4 else mel.top() + (share - 0.6) / 0.4 * (mel.height() - 1)
    return QPoint(round(timeline.plots.scale().x(time_s)), round(y))


def lane_place(timeline: Timeline, number: int, time_s: float) -> QPoint:
    lane = timeline.lanes[number]
    return QPoint(round(lane.scale().x(time_s)), lane.height() // 2)


def wheel(widget: QWidget, point: QPoint, notches: int, *, sideways: bool = False, modifiers: Qt.KeyboardModifier = NO_KEYS) -> None:
    turned = QPoint(120 * notches, 0) if sideways else QPoint(0, 120 * notches)
    at, screen = QPointF(point), QPointF(widget.mapToGlobal(point))
    event = QWheelEvent(at, screen, QPoint(), turned, Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(widget, event)


def drag(qtbot: QtBot, widget: QWidget, start: QPoint, end: QPoint, modifiers: Qt.KeyboardModifier = NO_KEYS) -> None:
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, modifiers, start)
    for step in range(1, 6):
        qtbot.mouseMove(widget, start + (end - start) * step / 5)
    qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, modifiers, end)


def shot(widget: QWidget) -> QImage:
    QApplication.processEvents()
    return widget.grab().toImage()


def colours(image: QImage, area: QRectF) -> np.ndarray:
    """The pixels of a part of an image, (height, width, 3)."""
    part = image.copy(area.toRect()).convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(part.constBits(), np.uint8).reshape(part.height(), part.bytesPerLine())
    return rows[:, : part.width() * 3].reshape(part.height(), part.width(), 3).copy()


# the view


def test_view_zooms_around_a_point_and_stays_inside() -> None:
    view = TimeView()
    view.set_duration(100)
    assert view.whole
    view.zoom(0.5, 20)
    assert view.span == (10, 60)
    view.zoom(10, 20)
    assert view.span == (0, 100)
    view.zoom(1e-9, 50)
    assert view.length_s == pytest.approx(SHORTEST_S)
    view.set_span(-50, -40)
    assert view.span == (0, 10)
    view.pan(1e6)
    assert view.span == (90, 100)
    view.reveal(20, 25)
    assert view.span == (20, 30)
    view.reveal(40, 80)
    assert view.span == (40, 50)


def test_view_of_the_whole_grows_but_another_stays() -> None:
    view = TimeView()
    view.set_duration(10)
    view.set_duration(20)
    assert view.span == (0, 20)
    view.set_span(5, 8)
    view.set_duration(40)
    assert view.span == (5, 8)
    view.set_duration(6)
    assert view.span == (3, 6)


# axes


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (0, 0, "0:00"),
        (59.96, 1, "1:00.0"),
        (61.25, 2, "1:01.25"),
        (3600, 0, "1:00:00"),
        (36_125.5, 1, "10:02:05.5"),
        (0.0004, 4, "0:00.0004"),
    ],
)
def test_time_labels(seconds: float, decimals: int, text: str) -> None:
    assert axes.time_label(seconds, decimals) == text


@pytest.mark.parametrize("length", [0.002, 0.1, 1, 7, 30, 200, 3600, 36_000])
def test_time_ticks_have_room_and_differ(length: float) -> None:
    step, parts = axes.time_step(length, 1000)
    ticks = axes.time_ticks(17.3, 17.3 + length, step)
    labels = [axes.time_label(tick, axes.decimals_for(step)) for tick in ticks]
    assert 1 <= len(ticks) <= 11
    assert len(set(labels)) == len(labels)
    assert all(17.3 <= tick <= 17.3 + length for tick in ticks)
    assert parts in (3, 4, 5, 6)


def test_frequency_ticks_lie_at_mel_positions() -> None:
    ticks = axes.hertz_ticks(400, MEL_BANDS)
    assert {text: height for height, text in ticks}["1 kHz"] == pytest.approx(hz_to_height(1000))
    heights = sorted(height for height, _ in ticks)
    assert min(np.diff(heights)) * 400 / MEL_BANDS >= 20


def test_amplitude_ticks_are_decibels() -> None:
    ticks = dict(axes.amplitude_ticks(400, 1.06))
    assert ticks[1.0] == "0 dB"
    assert {text for amplitude, text in ticks.items() if abs(amplitude) == pytest.approx(0.5, abs=0.002)} == {"−6 dB"}
    assert max(axes.amplitude_ticks(400, 0.13)[1:])[1] == "−18 dB"


# mouse


def test_wheel_zooms_to_the_mouse(timeline: Timeline) -> None:
    point = place(timeline, 5.0)
    under = timeline.plots.scale().time(point.x())
    wheel(plots(timeline), point, 3)
    assert timeline.plots.scale().time(point.x()) == pytest.approx(under, abs=1e-6)
    start, end = timeline.view_span()
    assert end - start == pytest.approx(SECONDS * 0.8**3)
    wheel(plots(timeline), point, -9)
    assert timeline.view_span() == (0, SECONDS)


def test_wheel_sideways_or_with_shift_pans(timeline: Timeline) -> None:
    timeline.set_view_span(5, 10)
    wheel(plots(timeline), place(timeline, 7), -1, sideways=True)
    assert timeline.view_span() == pytest.approx((5.6, 10.6))
    wheel(timeline.lanes[0], lane_place(timeline, 0, 7), 1, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert timeline.view_span() == pytest.approx((5, 10))


def test_drag_pans_and_does_not_seek(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.set_view_span(5, 10)
    sought: list[float] = []
    timeline.seek_requested.connect(sought.append)
    drag(qtbot, plots(timeline), place(timeline, 7), place(timeline, 8))
    assert timeline.view_span() == pytest.approx((4, 9), abs=0.02)
    assert not sought


def test_click_seeks(timeline: Timeline, qtbot: QtBot) -> None:
    with qtbot.waitSignal(timeline.seek_requested) as heard:
        qtbot.mouseClick(plots(timeline), Qt.MouseButton.LeftButton, NO_KEYS, place(timeline, 12.5, 0.8))
    assert heard.args[0] == pytest.approx(12.5, abs=0.03)


def test_shift_drag_selects_on_all_rows(timeline: Timeline, qtbot: QtBot) -> None:
    chosen: list[object] = []
    timeline.selection_changed.connect(chosen.append)
    drag(qtbot, plots(timeline), place(timeline, 12), place(timeline, 9), Qt.KeyboardModifier.ShiftModifier)
    assert chosen[-1] == pytest.approx((9, 12), abs=0.05)
    drag(qtbot, timeline.lanes[1], lane_place(timeline, 1, 2), lane_place(timeline, 1, 3), Qt.KeyboardModifier.ShiftModifier)
    assert chosen[-1] == pytest.approx((2, 3), abs=0.05)
    timeline.zoom_to_selection()
    assert timeline.view_span() == pytest.approx((2, 3), abs=0.05)


def test_an_edge_of_the_selection_can_be_moved(timeline: Timeline, qtbot: QtBot) -> None:
    chosen: list[object] = []
    timeline.selection_changed.connect(chosen.append)
    timeline.set_selection((4.0, 6.0))
    drag(qtbot, plots(timeline), place(timeline, 6), place(timeline, 8.5))
    assert chosen[-1] == pytest.approx((4, 8.5), abs=0.05)


def test_set_selection_emits_nothing(timeline: Timeline, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(timeline.selection_changed):
        timeline.set_selection((1.0, 2.0))


def test_click_on_a_segment_plays_it(timeline: Timeline, qtbot: QtBot) -> None:
    with qtbot.waitSignal(timeline.segment_activated) as heard, qtbot.assertNotEmitted(timeline.seek_requested):
        qtbot.mouseClick(timeline.lanes[0], Qt.MouseButton.LeftButton, NO_KEYS, lane_place(timeline, 0, 10))
    assert heard.args == ["genre", 8.0, 14.0]


def test_a_click_on_a_lanes_name_plays_nothing(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.set_view_span(6, 7)
    with qtbot.assertNotEmitted(timeline.segment_activated):
        qtbot.mouseClick(timeline.lanes[0], Qt.MouseButton.LeftButton, NO_KEYS, QPoint(20, 10))
    assert timeline.lanes[0].current is None


def test_lanes_stand_ready_before_their_answers(timeline: Timeline) -> None:
    timeline.set_answers([], 0.0, expected=["genre", "composer"])
    before = timeline.lanes
    assert [lane.tip_at(QPointF(400, 10)) for lane in before] == ["Not analysed yet"] * 2
    timeline.set_answers([GENRE], 20.0, expected=["genre", "composer"])
    assert timeline.lanes == before
    assert timeline.lanes[0].segment_at(1.0) == GENRE.segments[0]
    assert timeline.lanes[1].segment_at(1.0) is None


def test_a_whole_picture_has_nothing_pending(timeline: Timeline) -> None:
    timeline.set_answers([answer([(0, 15, "blues", 0.9)])])
    assert timeline.lanes[0].tip_at(lane_place(timeline, 0, 18)) == ""


def test_double_click_on_a_segment_selects_and_zooms(timeline: Timeline, qtbot: QtBot) -> None:
    with qtbot.waitSignal(timeline.selection_changed) as heard:
        qtbot.mouseDClick(timeline.lanes[0], Qt.MouseButton.LeftButton, NO_KEYS, lane_place(timeline, 0, 10))
    assert heard.args == [(8.0, 14.0)]
    assert timeline.view_span() == pytest.approx((7.1, 14.9))


def test_overview_box_moves_and_resizes(timeline: Timeline, qtbot: QtBot) -> None:
    overview = timeline.overview
    timeline.set_view_span(5, 10)
    x, middle = overview.whole().x, overview.height() // 2
    drag(qtbot, overview, QPoint(round(x(7)), middle), QPoint(round(x(12)), middle))
    assert timeline.view_span() == pytest.approx((10, 15), abs=0.05)
    drag(qtbot, overview, QPoint(round(x(15)), middle), QPoint(round(x(18)), middle))
    assert timeline.view_span() == pytest.approx((10, 18), abs=0.1)
    drag(qtbot, overview, QPoint(round(x(10)), middle), QPoint(round(x(16)), middle))
    assert timeline.view_span() == pytest.approx((16, 18), abs=0.1)
    qtbot.mouseClick(overview, Qt.MouseButton.LeftButton, NO_KEYS, QPoint(round(x(3)), middle))
    assert timeline.view_span() == pytest.approx((2, 4), abs=0.1)
    qtbot.mouseDClick(overview, Qt.MouseButton.LeftButton, NO_KEYS, QPoint(round(x(3)), middle))
    assert timeline.view_span() == (0, SECONDS)


# the cursor


def test_cursor_on_the_mel_image(timeline: Timeline, qtbot: QtBot) -> None:
    mel = timeline.plots.mel_area()
    y = mel.bottom() - hz_to_height(440) / MEL_BANDS * mel.height()
    with qtbot.waitSignal(timeline.cursor_moved) as heard:
        qtbot.mouseMove(plots(timeline), QPoint(place(timeline, 3).x(), round(y)))
    cursor = heard.args[0]
    assert cursor.time_s == pytest.approx(3, abs=0.03)
    assert cursor.hz == pytest.approx(440, abs=12)
    assert cursor.band == int(hz_to_height(440))
    assert cursor.note.startswith("A4 ")
    assert cursor.db == pytest.approx(-6, abs=2)
    assert "A4" in timeline.readout.text()
    assert "dB" in timeline.readout.text()


def test_cursor_on_the_waveform_and_on_a_lane(timeline: Timeline, qtbot: QtBot) -> None:
    seen: list[object] = []
    timeline.cursor_moved.connect(seen.append)
    qtbot.mouseMove(plots(timeline), place(timeline, 3, 0.2))
    assert seen[-1].db == pytest.approx(-6, abs=0.2)
    assert seen[-1].hz is None
    qtbot.mouseMove(plots(timeline), place(timeline, 15, 0.2))
    assert seen[-1].db == -np.inf
    qtbot.mouseMove(timeline.lanes[0], lane_place(timeline, 0, 10))
    assert seen[-1].text == "jazz, 0:08.0–0:14.0, likely (60 %)"
    QApplication.sendEvent(timeline.lanes[0], QEvent(QEvent.Type.Leave))
    assert seen[-1] is None
    assert timeline.readout.text() == ""


def test_the_cursor_follows_the_view(timeline: Timeline, qtbot: QtBot) -> None:
    seen: list[object] = []
    timeline.set_view_span(0, 10)
    qtbot.mouseMove(plots(timeline), place(timeline, 5, 0.2))
    timeline.cursor_moved.connect(seen.append)
    qtbot.keyClick(timeline.plots, Qt.Key.Key_PageDown)
    assert seen[-1].time_s == pytest.approx(15, abs=0.02)


def test_lane_tool_tips_say_it_in_words(timeline: Timeline) -> None:
    lane = timeline.lanes[0]
    assert lane.tip_at(lane_place(timeline, 0, 10)).startswith("jazz, 0:08.0–0:14.0, likely (60 %)")
    assert lane.tip_at(lane_place(timeline, 0, 6)).startswith("None of these, 0:05.0–0:08.0")
    timeline.set_answers([answer([(0, 5, "blues", 0.9)])], 5.0)
    assert timeline.lanes[0].tip_at(lane_place(timeline, 0, 10)) == "Not analysed yet"


# keys


def test_keys_move_and_zoom(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.set_view_span(5, 10)
    timeline.plots.setFocus()
    spans = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Plus, Qt.Key.Key_0):
        qtbot.keyClick(timeline.plots, key)
        spans.append(timeline.view_span())
    expected = [(5.5, 10.5), (5, 10), (10, 15), (0, 5), (15, 20), (16, 19), (0, 20)]
    assert np.array(spans) == pytest.approx(np.array(expected, float))


def test_zoom_in_goes_to_the_playhead(timeline: Timeline) -> None:
    timeline.set_playhead(4.0)
    timeline.zoom_in()
    start, end = timeline.view_span()
    assert (4 - start) / (end - start) == pytest.approx(4 / SECONDS)
    timeline.zoom_out()
    assert timeline.view_span() == pytest.approx((0, SECONDS))


def test_escape_clears_the_selection(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.set_selection((1.0, 2.0))
    with qtbot.waitSignal(timeline.selection_changed) as heard:
        qtbot.keyClick(timeline.plots, Qt.Key.Key_Escape)
    assert heard.args == [None]


def test_the_playhead_can_bound_the_selection(timeline: Timeline, qtbot: QtBot) -> None:
    chosen: list[object] = []
    timeline.selection_changed.connect(chosen.append)
    for time_s, key in ((4.0, Qt.Key.Key_BracketLeft), (9.0, Qt.Key.Key_BracketRight), (10.0, Qt.Key.Key_BracketLeft)):
        timeline.set_playhead(time_s)
        qtbot.keyClick(timeline.plots, key)
    assert chosen == [(4.0, SECONDS), (4.0, 9.0), (10.0, SECONDS)]


def test_a_lane_keeps_its_keys_from_the_windows_shortcuts(timeline: Timeline) -> None:
    for key, kept in ((Qt.Key.Key_Home, True), (Qt.Key.Key_Left, True), (Qt.Key.Key_Space, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, NO_KEYS)
        event.ignore()
        QApplication.sendEvent(timeline.lanes[0], event)
        assert event.isAccepted() == kept


def test_a_lane_is_walked_with_the_keyboard(timeline: Timeline, qtbot: QtBot) -> None:
    lane = timeline.lanes[0]
    lane.setFocus()
    timeline.set_view_span(6, 7)
    qtbot.keyClick(lane, Qt.Key.Key_Right)
    assert lane.current == GENRE.segments[1]
    qtbot.keyClick(lane, Qt.Key.Key_Right)
    assert lane.current == GENRE.segments[2]
    assert timeline.view_span()[0] == pytest.approx(8.0)
    assert "Segment 3 of 4: jazz" in lane.accessibleDescription()
    with qtbot.waitSignal(timeline.segment_activated) as heard:
        qtbot.keyClick(lane, Qt.Key.Key_Return)
    assert heard.args == ["genre", 8.0, 14.0]
    qtbot.keyClick(lane, Qt.Key.Key_End)
    qtbot.keyClick(lane, Qt.Key.Key_Right)
    assert lane.current == GENRE.segments[3]
    qtbot.keyClick(lane, Qt.Key.Key_Home)
    qtbot.keyClick(lane, Qt.Key.Key_Left)
    assert lane.current == GENRE.segments[0]


def test_the_place_in_a_lane_survives_better_answers(timeline: Timeline, qtbot: QtBot) -> None:
    lane = timeline.lanes[0]
    lane.setFocus()
    qtbot.keyClick(lane, Qt.Key.Key_End)
    timeline.set_answers([answer([(0, 13, "blues", 0.9), (13, 20, "metal", 0.8)]), COMPOSER])
    assert timeline.lanes[0] is lane
    assert lane.current == Segment(13, 20, "metal", 0.8)


def test_keys_that_are_not_the_timelines_are_left_to_the_window(timeline: Timeline) -> None:
    for widget in (timeline.plots, timeline.overview, timeline.lanes[0]):
        event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, NO_KEYS)
        QApplication.sendEvent(widget, event)
        assert not event.isAccepted()


def test_reveal_moves_only_when_needed(timeline: Timeline) -> None:
    timeline.set_view_span(5, 10)
    timeline.reveal(7.0)
    assert timeline.view_span() == (5, 10)
    timeline.reveal(0.0)
    assert timeline.view_span() == (0, 5)


def test_tab_order_and_names(timeline: Timeline) -> None:
    order, widget = [], timeline.overview
    for _ in range(60):
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.focusProxy() is None and timeline.isAncestorOf(widget):
            order.append(widget)
        widget = widget.nextInFocusChain()
        if widget is timeline.overview:
            break
    assert order == [timeline.overview, timeline.plots, *timeline.lanes]
    for taken in order:
        assert QAccessible.queryAccessibleInterface(taken).text(QAccessible.Text.Name)
        assert taken.accessibleDescription()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_focus_is_visible(timeline: Timeline, qtbot: QtBot, number: int) -> None:
    row = (timeline.overview, timeline.plots, timeline.lanes[0])[number]
    timeline.activateWindow()
    timeline.lanes[1].setFocus()
    without = shot(row)
    row.setFocus()
    qtbot.waitUntil(row.hasFocus)
    assert shot(row) != without


def test_all_of_the_ring_is_painted_at_once(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.activateWindow()
    timeline.lanes[1].setFocus()
    qtbot.waitUntil(timeline.lanes[1].hasFocus)
    qtbot.wait(20)
    painted: list[QRect] = []
    paint, timeline.plots.paintEvent = timeline.plots.paintEvent, lambda event: painted.append(event.region().boundingRect())
    timeline.plots.setFocus()
    qtbot.waitUntil(lambda: plots(timeline).rect() in painted)
    timeline.plots.paintEvent = paint


# what is drawn


def test_playhead_turns_the_page_only_when_it_leaves(timeline: Timeline) -> None:
    timeline.set_view_span(0, 5)
    timeline.set_playhead(4.9)
    assert timeline.view_span() == (0, 5)
    timeline.set_playhead(5.02)
    assert timeline.view_span()[0] == pytest.approx(5.02 - 0.2)
    timeline.set_view_span(14, 19)
    timeline.set_playhead(5.1)
    assert timeline.view_span() == (14, 19)
    timeline.set_view_span(0, 5.2)
    timeline.set_following(False)
    timeline.set_playhead(6.0)
    assert timeline.view_span() == (0, 5.2)


def test_rows_share_the_time_axis(timeline: Timeline) -> None:
    timeline.set_view_span(3, 11)
    QApplication.processEvents()
    for time_s in (3.0, 7.3, 11.0):
        drawn = timeline.plots.wave_box.mapViewToScene(QPointF(time_s, 0)).x()
        assert drawn == pytest.approx(timeline.plots.scale().x(time_s), abs=0.6)
        assert timeline.lanes[0].scale().x(time_s) == pytest.approx(drawn, abs=0.6)
        assert timeline.plots.mel_box.mapViewToScene(QPointF(time_s, 0)).x() == pytest.approx(drawn, abs=0.1)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_wave_is_where_the_sound_is(make: Callable[..., Timeline], picture: Picture, theme: object) -> None:
    timeline = make(picture, theme=theme)
    pixels = colours(shot(timeline.plots), timeline.plots.wave_area())
    wave = (np.abs(pixels.astype(int) - QColor(theme.wave).toTuple()[:3]).max(axis=2) < 8).sum(axis=0)
    half = wave.size // 2
    assert wave[5 : half - 5].min() > 0.7 * pixels.shape[0]
    assert wave[half + 5 :].max() <= 2


@pytest.mark.parametrize("map_name", MEL_MAPS)
def test_the_mel_image_is_bright_where_the_tone_is(make: Callable[..., Timeline], picture: Picture, map_name: str) -> None:
    timeline = make(picture)
    timeline.set_mel_look(map_name, -60.0)
    area = timeline.plots.mel_area()
    pixels = colours(shot(timeline.plots), area).astype(int).sum(axis=2)
    line = round(area.height() * (1 - hz_to_height(440) / MEL_BANDS))
    quarter = pixels.shape[1] // 4
    assert pixels[:, quarter].argmax() == pytest.approx(line, abs=4)
    assert np.ptp(pixels[5:-5, 3 * quarter]) <= 3


def test_colour_tables_have_a_floor() -> None:
    table = colour_table("grey", -50.0, light=False)
    assert table[0] == table[127] == 0xFF000000
    assert table[255] == 0xFFFFFFFF
    light = colour_table("grey", -50.0, light=True)
    assert light[0] == 0xFFFFFFFF
    assert colour_table("magma", -100.0, light=True)[255] == colour_table("magma", -20.0, light=False)[255]


def test_lanes_are_coloured_by_class(timeline: Timeline) -> None:
    timeline.set_answers([answer([(0, 10, "blues", 1.0), (10, 20, "jazz", 1.0)])])
    image, lane = shot(timeline.lanes[0]), timeline.lanes[0]
    for time_s, label in ((9.0, "blues"), (19.0, "jazz")):
        point = lane_place(timeline, 0, time_s)
        assert image.pixelColor(point.x(), 8).name() == class_colour(DARK, label, CLASSES)
    assert lane.scale().width > 700


def test_less_sure_is_paler_and_none_is_hatched(timeline: Timeline) -> None:
    timeline.set_answers([answer([(0, 10, "blues", 0.2), (10, 20, None, 0.0)])])
    image = shot(timeline.lanes[0])
    point = lane_place(timeline, 0, 9.0)
    assert image.pixelColor(point.x(), 8).name() != class_colour(DARK, "blues", CLASSES)
    area = QRectF(lane_place(timeline, 0, 15).x(), 6, 80, 20)
    assert len(np.unique(colours(image, area).reshape(-1, 3), axis=0)) >= 2


def test_what_is_not_known_yet_is_pending(make: Callable[..., Timeline], tmp_path: Path) -> None:
    timeline = make(write(tmp_path, tone()[: int(5 * MEL_RATE)], whole=False))
    timeline.set_answers([answer([(0, 4, "blues", 0.9)])], 4.0)
    for row, area in ((timeline.plots, timeline.plots.mel_area()), (timeline.lanes[0], QRectF(timeline.lanes[0].rect()))):
        image = shot(row)
        x = round(timeline.plots.scale().x(17))
        part = colours(image, QRectF(x, area.top() + 5, 40, min(area.height() - 10, 25)))
        assert len(np.unique(part.reshape(-1, 3), axis=0)) >= 2
        assert part.max() < 120


def test_a_growing_picture_is_followed(make: Callable[..., Timeline], tmp_path: Path) -> None:
    samples = tone()[: 10 * MEL_RATE]
    with PictureWriter(tmp_path, MEL_RATE) as writer:
        timeline = make(Picture(tmp_path, MEL_RATE), float("nan"))
        assert timeline.view_span()[1] <= SHORTEST_S
        for first in range(0, samples.size, 2 * MEL_RATE):
            writer.push(samples[first : first + 2 * MEL_RATE])
            writer.push_mel(samples[first : first + 2 * MEL_RATE])
            timeline.picture_grew()
            assert timeline.view_span() == pytest.approx((0, (first + 2 * MEL_RATE) / MEL_RATE), abs=0.01)
        writer.finish()
    timeline.picture_grew()
    assert timeline.view_span() == (0, 10)
    pixels = colours(shot(timeline.plots), timeline.plots.wave_area()).astype(int)
    wave = np.abs(pixels - QColor(DARK.wave).toTuple()[:3]).max(axis=2) < 8
    assert wave.sum(axis=0)[3:-3].min() > 10


def test_the_same_picture_again_keeps_the_view(timeline: Timeline, picture: Picture, tmp_path: Path) -> None:
    timeline.set_view_span(2, 4)
    timeline.set_picture(picture, SECONDS)
    assert timeline.view_span() == (2, 4)
    timeline.set_selection((1, 2))
    timeline.set_picture(write(tmp_path, tone()[:MEL_RATE]), 1.0)
    assert timeline.view_span() == (0, 1)


def test_nothing_open(make: Callable[..., Timeline], qtbot: QtBot) -> None:
    timeline = make(None, 0.0)
    timeline.set_answers([])
    qtbot.mouseMove(plots(timeline), QPoint(300, 300))
    qtbot.mouseClick(plots(timeline), Qt.MouseButton.LeftButton, NO_KEYS, QPoint(300, 300))
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Left, Qt.Key.Key_End):
        qtbot.keyClick(timeline.plots, key)
    assert not shot(timeline).isNull()


def test_before_anything_is_known_the_ruler_is_empty_and_the_box_covers_the_overview(make: Callable[..., Timeline]) -> None:
    timeline = make(None, float("nan"))
    ruler = timeline.plots._time_axis
    assert ruler.tickValues(0.0, SHORTEST_S, 800) == []
    assert timeline.overview.box().right() <= timeline.overview.whole().right + 1
    timeline.set_picture(None, 30.0)
    assert ruler.tickValues(0.0, 30.0, 800)


def test_themes_change_all_rows(timeline: Timeline) -> None:
    before = shot(timeline)
    timeline.set_theme(LIGHT)
    after = shot(timeline)
    assert after.pixelColor(2, 2).name() == LIGHT.surface
    for row in (timeline.overview, timeline.plots, *timeline.lanes, timeline.readout):
        corner = row.mapTo(timeline, QPoint(1, 1))
        assert before.pixelColor(corner).lightness() < 80 < 200 < after.pixelColor(corner).lightness()


# samples


def test_samples_are_asked_for_when_close_and_drawn(timeline: Timeline, qtbot: QtBot) -> None:
    asked: list[tuple[float, float]] = []
    timeline.samples_wanted.connect(lambda start, end: asked.append((start, end)))
    with qtbot.waitSignal(timeline.samples_wanted):
        timeline.set_view_span(3.0, 3.02)
    assert len(asked) == 1
    assert asked[0] == pytest.approx((2.96, 3.06))
    stairs = shot(timeline.plots)
    start = int(2.96 * MEL_RATE)
    timeline.set_samples(start / MEL_RATE, MEL_RATE, tone()[start : int(3.06 * MEL_RATE)])
    assert shot(timeline.plots) != stairs
    area = timeline.plots.wave_area()
    pixels = colours(shot(timeline.plots), area).astype(int)
    wave = np.abs(pixels - QColor(DARK.wave).toTuple()[:3]).max(axis=2) < 60
    rows = (wave * np.arange(wave.shape[0])[:, None]).sum(axis=0) / np.maximum(wave.sum(axis=0), 1)
    below = rows[wave.any(axis=0)] > area.height() / 2
    crossings = np.flatnonzero(np.diff(below.astype(int)) == 1)
    assert len(crossings) in (8, 9)  # 440 Hz for 20 ms
    timeline.set_view_span(3.01, 3.03)
    qtbot.wait(120)
    assert len(asked) == 1
    timeline.set_view_span(3.035, 3.055)
    qtbot.waitUntil(lambda: len(asked) == 2)


def test_samples_are_not_asked_for_from_afar(timeline: Timeline, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(timeline.samples_wanted, wait=150):
        timeline.set_view_span(1, 6)


def test_sample_columns_are_exact() -> None:
    samples = Samples(1.0, 1024, np.arange(1024, dtype=np.float32))
    mins, maxs = samples.extremes(1 + 100 / 1024, 1 + 200 / 1024, 10)
    np.testing.assert_array_equal(mins, np.arange(100, 200, 10))
    np.testing.assert_array_equal(maxs, np.arange(109, 200, 10))
    assert samples.cover(1.0, 2.0)
    assert not samples.cover(0.9, 1.5)


# many segments


def random_segments(count: int, length_s: float) -> list[tuple[float, float, str | None, float]]:
    rng = np.random.default_rng(0)
    return [(i * length_s, (i + 1) * length_s, CLASSES[rng.integers(4)], 0.5) for i in range(count)]


def test_ten_thousand_segments_are_merged_to_columns() -> None:
    many = random_segments(10_000, 0.36)
    layout = LaneLayout(answer(many))
    whole = layout.pieces(Scale(0, 3600, 80, 1000))
    assert 200 <= len(whole) <= 500
    assert (whole[0].left, whole[-1].right) == (80, 1080)
    assert all(before.right <= after.left for before, after in itertools.pairwise(whole))
    assert all(piece.probability == pytest.approx(0.5) for piece in whole)
    close = layout.pieces(Scale(100, 110, 80, 1000))
    assert [piece.label for piece in close] == [label for start, end, label, _ in many if end > 100 and start < 110]
    assert close[1].left == pytest.approx(80 + (278 * 0.36 - 100) * 100)


def test_a_column_shows_what_most_of_it_is() -> None:
    alternating = [(i * 0.1, (i + (0.6 if i % 2 else 1)) * 0.1, "jazz" if i % 2 else "blues", 0.5) for i in range(10_000)]
    pieces = LaneLayout(answer(alternating)).pieces(Scale(0, 1000, 0, 1000))
    assert [(piece.left, piece.right, piece.label) for piece in pieces] == [(0, 1000, "blues")]


def test_a_clip_gives_the_same_picture() -> None:
    layout = LaneLayout(answer(random_segments(2000, 0.5)))
    for scale in (Scale(0, 1000, 80, 1000), Scale(100, 150, 80, 1000)):
        whole = layout.pieces(scale)
        clipped = layout.pieces(scale, (300.0, 340.0))
        assert len(clipped) < len(whole)
        for x in np.arange(301, 339, 0.5):
            labels = [next(piece.label for piece in pieces if piece.left <= x < piece.right) for pieces in (whole, clipped)]
            assert labels[0] == labels[1]


def test_gaps_between_segments_stay_empty() -> None:
    layout = LaneLayout(answer([(0, 2, "blues", 0.5), (6, 8, "jazz", 0.5)]))
    assert layout.index_at(1.0) == 0
    assert layout.index_at(4.0) is None
    assert layout.index_at(9.0) is None
    pieces = layout.pieces(Scale(0, 10, 0, 1000))
    assert [(piece.left, piece.right) for piece in pieces] == [(0, 200), (600, 800)]
    assert not LaneLayout(answer([])).pieces(Scale(0, 10, 0, 1000))


# room


@pytest.mark.parametrize("width", [330, 560, 900])
def test_it_can_be_narrow(timeline: Timeline, qtbot: QtBot, width: int) -> None:
    timeline.resize(width, 500)
    for x in (110, 120):  # a move to where the mouse is already tells nothing
        qtbot.mouseMove(timeline.lanes[0], QPoint(x, 10))
    QApplication.processEvents()
    assert timeline.width() == width
    assert timeline.readout.text().split(" · ")[1].startswith(("blues", "None", "jazz"))
    assert timeline.plots.scale().width > 200


@pytest.mark.parametrize("height", [60, 110, 170, 400])
def test_no_frequency_is_cut_off_at_the_bottom(height: int) -> None:
    ticks = axes.hertz_ticks(height, MEL_BANDS)
    assert ticks
    assert min(place for place, _ in ticks) * height / MEL_BANDS >= 2.5
