"""The window as a user drives it: real session, real player, real worker, recordings made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QApplication, QComboBox, QFileDialog, QLineEdit, QWidget

from musicclass_gui.app.actions import ACTIONS
from musicclass_gui.app.documents import Change, Document
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.ui import start
from musicclass_gui.ui.commands import Commands
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

RATE = 22050
LONG_MS = 60_000
COPY, LEFT, NONE = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def sound(path: Path, seconds: float = 12, pitch: float = 220.0) -> Path:
    time = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * time) * (1 + np.sin(2 * np.pi * 2 * time)) / 2, RATE)
    return path


@pytest.fixture
def settings(qtbot: QtBot) -> Iterator[Settings]:
    settings = Settings()
    yield settings
    settings.close()


@pytest.fixture
def window(qtbot: QtBot, settings: Settings) -> Iterator[MainWindow]:
    start.application()
    window = MainWindow(Session(settings), Player())
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def settled(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until everything that changed is drawn."""
    qtbot.waitUntil(lambda: not window._pending)


@pytest.fixture
def opened(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    window.session.open(sound(tmp_path / "a.wav"))
    until(qtbot, lambda: window.session.document.state in ("ready", "failed"))
    assert window.session.document.error == ""
    settled(window, qtbot)
    return window


# Actions


def test_every_action_has_a_handler_and_every_handler_an_action(window: MainWindow) -> None:
    assert set(Commands(window).table()) == {action.id for action in ACTIONS}


def test_every_action_is_in_a_menu_and_in_the_palette(window: MainWindow) -> None:
    in_menus = {action for menu in window.actions_.menus.values() for action in menu.actions()}
    assert set(window.actions_.by_id.values()) <= in_menus
    assert len(window.actions_.entries()) == len(ACTIONS)


def test_the_palette_opens_by_its_key_and_runs_what_is_typed(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.sheets.open["palette"]
    qtbot.keyClicks(palette.field, "theme dark")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.session.settings.get("theme") == "dark"


# The first view


def test_an_empty_window_says_what_to_do(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.welcome
    names = {button.text() for button in window.welcome.findChildren(QAbstractButton)}
    assert {"Open…", "Open folder…", "Open the sample"} <= names


def test_everything_that_takes_focus_has_a_name(opened: MainWindow) -> None:
    takers = (QAbstractButton, QAbstractItemView, QAbstractSlider, QComboBox, QLineEdit)
    for widget in opened.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and (isinstance(widget, takers) or widget.isVisibleTo(opened)):
            assert widget.accessibleName(), (type(widget), widget.objectName(), widget.parentWidget())


def test_docks_and_tool_bars_have_names_that_layouts_are_kept_by(window: MainWindow) -> None:
    from PySide6.QtWidgets import QDockWidget, QToolBar

    for part in [*window.findChildren(QDockWidget), *window.findChildren(QToolBar)]:
        assert part.objectName()


# Opening


def drop(window: MainWindow, *paths: Path) -> str:
    """Drag and let go; what the overlay said in between."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(300, 300), COPY, mime, LEFT, NONE))
    said = window.overlay.open_zone.sentence.text() if window.overlay.isVisible() else ""
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), COPY, mime, LEFT, NONE))
    return said


def test_a_dropped_recording_is_opened_and_answered(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = sound(tmp_path / "song.wav")
    assert drop(window, path) == "Open “song.wav”"
    until(qtbot, lambda: window.session.document.state == "ready")
    settled(window, qtbot)
    assert window.pages.currentWidget() is window.timeline
    assert window.windowTitle() == "song.wav – MusicClass"
    assert window.topbar.name.full == "song.wav"
    assert "mono" in window.topbar.facts.full
    assert list(window.answers.cards) == ["genre", "composer", "instrument"]
    assert "on CPU" in window.answers.cards["genre"]._how.full
    assert window.segments.model.rowCount() >= 2
    assert window.player._recording is not None


def test_a_dropped_folder_fills_the_queue(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(3):
        sound(folder / f"{number}.wav", 3)
    (folder / "cover.jpg").write_bytes(b"no")
    assert drop(window, folder) == "Queue 3 recordings from “album” (1 other file is not audio)"
    until(qtbot, lambda: len(window.session.queue) == 3 and all(row.over for row in window.session.queue))
    settled(window, qtbot)
    assert window.tabs.currentWidget() is window.queue
    assert [row.state for row in window.session.queue] == ["done"] * 3
    assert window.session.document.path == folder / "0.wav"
    reasons = any(row.reason for row in window.session.queue)
    assert [window.queue.table.isColumnHidden(column) for column in (5, 6, 7)] == [True, not reasons, True], "nothing would stand there"


def test_a_bad_file_says_why_and_can_be_tried_again(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "broken.mp3"
    path.write_text("this is not audio")
    window.session.open(path)
    until(qtbot, lambda: window.session.document.state == "failed")
    settled(window, qtbot)
    assert window.pages.currentWidget() is window.failed
    sound(path.with_suffix(".wav")).replace(path)
    next(button for button in window.failed.findChildren(QAbstractButton) if button.text() == "Try again").click()
    until(qtbot, lambda: window.session.document.state == "ready")


def test_the_open_dialog_remembers_its_folder(window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sound(tmp_path / "a.wav")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path)], ""))
    qtbot.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert window.session.document.path == path
    assert window.session.settings.get("last_folder") == str(tmp_path)


def test_recent_recordings_are_in_the_menu_and_on_the_first_page(opened: MainWindow, qtbot: QtBot) -> None:
    menu = opened.actions_.menus["File/Open recent"]
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == "a.wav"
    menu.actions()[0].trigger()
    until(qtbot, lambda: opened.session.document.state == "ready")
    assert opened.session.document.from_cache
    opened.trigger("file.clear_recent")
    assert opened.session.recent == []


def test_the_sample_opens(window: MainWindow, qtbot: QtBot) -> None:
    next(button for button in window.welcome.findChildren(QAbstractButton) if button.text() == "Open the sample").click()
    until(qtbot, lambda: window.session.document.state == "ready")


# Hearing and selecting


def test_space_plays_and_the_button_follows(opened: MainWindow, qtbot: QtBot) -> None:
    opened.activateWindow()
    opened.timeline.setFocus()
    opened.trigger("play.toggle")
    name = opened.topbar.transport.play.accessibleName()
    assert name == ("Pause" if opened.player.playing else "Play")


def test_a_deciding_window_is_selected_and_sought(opened: MainWindow, qtbot: QtBot) -> None:
    opened.answers.heard.emit(2.0, 7.0)
    settled(opened, qtbot)
    assert opened.session.selection == (2.0, 7.0)
    assert opened.player.position_s >= 2.0


def test_choosing_a_row_selects_the_span_and_the_other_way_round(opened: MainWindow, qtbot: QtBot) -> None:
    opened.trigger("view.segments")
    table = opened.segments.table
    qtbot.mouseClick(table.viewport(), LEFT, pos=table.visualRect(table.model().index(0, 0)).center())
    settled(opened, qtbot)
    segment = opened.segments._span(table.currentIndex())
    assert opened.session.selection == segment
    opened.session.select(None)
    settled(opened, qtbot)
    assert not table.selectionModel().hasSelection()
    opened.session.select(segment)
    settled(opened, qtbot)
    assert opened.segments._span(table.currentIndex()) == segment


def test_enter_in_the_segments_plays_the_row(opened: MainWindow, qtbot: QtBot) -> None:
    table = opened.segments.table
    table.selectRow(0)
    with qtbot.waitSignal(opened.segments.heard):
        qtbot.keyClick(table, Qt.Key.Key_Return)


def test_a_click_on_the_timeline_seeks(opened: MainWindow) -> None:
    opened.timeline.seek_requested.emit(5.0)
    assert opened.player.position_s == pytest.approx(5.0)
    opened.trigger("play.forward")
    assert opened.player.position_s == pytest.approx(10.0)
    opened.trigger("play.back")
    opened.trigger("play.start")
    assert opened.player.position_s == 0.0


def test_the_volume_slider_is_the_preference_and_the_player(opened: MainWindow) -> None:
    opened.topbar.transport.volume.setValue(35)
    assert opened.session.settings.get("volume") == 0.35
    assert opened.player.volume == 0.35
    opened.trigger("play.volume_up")
    assert opened.session.settings.get("volume") == 0.45


# Exports


@pytest.mark.parametrize(("action", "ending"), [("file.export_csv", ".csv"), ("file.export_json", ".json"), ("file.export_labels", ".txt")])
def test_answers_are_written_where_the_user_says(
    opened: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, ending: str
) -> None:
    target = tmp_path / f"out{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target.with_suffix("")), ""))
    opened.trigger(action)
    assert target.stat().st_size > 20


def test_an_export_that_fails_is_a_notice(opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "such" / "folder.csv"), ""))
    opened.trigger("file.export_csv")
    settled(opened, qtbot)
    assert len(opened.notices.notices) >= 1


# Themes, layout, closing


def test_the_theme_switches_live(opened: MainWindow) -> None:
    before = opened.grab().toImage()
    opened.topbar.theme.click()
    assert opened.grab().toImage() != before
    assert opened.session.settings.get("theme") in ("light", "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_it_paints_in_both_themes_and_sizes(opened: MainWindow, theme: str, size: tuple[int, int]) -> None:
    opened.session.settings.set("theme", theme)
    opened.resize(*size)
    QApplication.processEvents()
    image = opened.grab().toImage()
    assert (image.width(), image.height()) == size
    ground = image.pixelColor(4, size[1] // 2).lightness()
    assert (ground < 80) == (theme == "dark")
    colours = {image.pixel(x, y) for x in range(0, size[0], 7) for y in range(0, size[1], 7)}
    assert len(colours) > 40


def test_panels_hide_and_the_layout_can_be_reset(window: MainWindow) -> None:
    window.trigger("view.answers")
    assert window.answers_dock.isHidden()
    window.trigger("view.queue")
    assert window.tabs.currentWidget() is window.queue
    window.trigger("view.queue")
    assert window.tables_dock.isHidden()
    window.trigger("view.reset_layout")
    assert not window.answers_dock.isHidden()
    assert not window.tables_dock.isHidden()


def test_place_layout_and_recording_come_back(qtbot: QtBot, tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav")
    settings = Settings()
    first = MainWindow(Session(settings), Player())
    first.show()
    first.trigger("view.answers")
    first.session.open(path)
    until(qtbot, lambda: first.session.document.state == "ready")
    settled(first, qtbot)
    first.player.seek(4.0)
    first.close()
    settings.close()
    again = Settings()
    second = MainWindow(Session(again), Player())
    second.show()
    start.begin(second, [])
    assert second.answers_dock.isHidden()
    until(qtbot, lambda: second.session.document.state == "ready")
    settled(second, qtbot)
    assert second.session.document.path == path
    assert second.player.position_s == pytest.approx(4.0)
    second.close()
    again.close()


def test_closing_stops_everything_within_a_second(qtbot: QtBot, tmp_path: Path) -> None:
    import time

    settings = Settings()
    window = MainWindow(Session(settings), Player())
    window.show()
    window.session.open(sound(tmp_path / "long.wav", 600))
    until(qtbot, lambda: window.session.document.picture is not None)
    begun = time.monotonic()
    window.close()
    settings.close()
    assert time.monotonic() - begun < 1.5


def test_changes_within_a_frame_are_drawn_once(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Document] = []
    monkeypatch.setattr(window.answers, "show_document", lambda document, *_: drawn.append(document))
    settled(window, qtbot)
    drawn.clear()
    for _ in range(50):
        window.session.changed.emit(Change.ANSWERS)
    settled(window, qtbot)
    assert len(drawn) == 1


def test_pictures_of_a_menu_are_drawn_when_it_opens_and_after_the_theme_changed(window: MainWindow) -> None:
    menu, action = window.actions_.menus["View"], window.actions_.by_id["view.zoom_in"]
    assert action.icon().isNull()
    menu.aboutToShow.emit()
    light = action.icon().pixmap(16).toImage()
    window.switch_theme()
    menu.aboutToShow.emit()
    assert action.icon().pixmap(16).toImage() != light


def test_what_is_on_has_a_tick_in_the_menu_not_only_a_colour(window: MainWindow) -> None:
    for action in window.actions_.by_id.values():
        assert action.isIconVisibleInMenu() != action.isCheckable()
