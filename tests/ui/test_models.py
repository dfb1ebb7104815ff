"""The model manager as a user drives it: with a worker that answers by hand, and in the window with the real one."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QLabel, QLineEdit, QListView, QWidget

from musicclass_gui.app.models import Models
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.app.theme import DARK, LIGHT
from musicclass_gui.engine import places
from musicclass_gui.engine.models import Check, ModelRow
from musicclass_gui.engine.plain import to_plain
from musicclass_gui.ui import models_words, start
from musicclass_gui.ui.dialogs import Asking
from musicclass_gui.ui.models import AddDialog, ModelsSheet
from musicclass_gui.ui.models_details import folder_of
from musicclass_gui.ui.style import stylesheet
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PySide6.QtGui import QImage
    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.theme import Theme
    from musicclass_gui.engine.task import Token

LONG_MS = 60_000
LEFT = Qt.MouseButton.LeftButton
RIGHT, WRONG = Check("Shape", ok=True, found="2 × 8 numbers"), Check("Batch", ok=False, found="differs by 0.02")
FREE = ModelRow(
    "free", "A free net", "nets", "missing", "Missing (looked at “/x”).", "MIT: use it for anything.", restricted=False,
    home="https://example.org/free", place="", size_bytes=4_000_000, can_fetch=True, can_remove=False, own=False,
    good_at=["Genres: 80 %, measured here.", "Tags: 0.9, published by its authors."], tags="50 tags", words=False, dim=1024,
    sample_rate=22050, window_s=3.6905, checks=[],
)  # fmt: skip
ROWS = [
    replace(FREE, id="timbre", title="Timbre", state="built in", size_bytes=0, can_fetch=False, home=""),
    FREE,
    replace(FREE, id="bound", title="A bound net", restricted=True, licence="CC-BY-NC-4.0: for anything but commerce."),
    replace(FREE, id="broken", title="A broken net", state="damaged", detail="It has 3 bytes.", place="/w/broken", can_remove=True),
    replace(FREE, id="ready", title="A tested net", state="ready", place="/w/ready/net.pt", can_remove=True, checks=[RIGHT, WRONG]),
    replace(FREE, id="mine", title="My net", state="ready", own=True, can_remove=True, place="/mine", licence="No licence is known."),
]


class Worker:
    """Answers as the worker would; a fetch waits at 40 % until it is let go."""

    def __init__(self) -> None:
        self.rows = list(ROWS)
        self.asked: list[dict[str, Any]] = []
        self.let_go = threading.Event()

    def __call__(self, call: str, fields: dict[str, Any], token: Token) -> Any:
        do = fields["do"]
        if do == "rows":
            return to_plain(self.rows)
        if do == "disk":
            return [142_000_000, 23_000_000_000]
        self.asked.append({key: fields[key] for key in ("do", "id", "accept", "folder", "name") if key in fields})
        if do == "fetch":
            token.progress(0.4, "")
            while not self.let_go.wait(0.01):
                token.check()
            self.rows = [replace(row, state="ready", place="/w") if row.id == fields["id"] else row for row in self.rows]
        return None


class Sight:
    """Which theme is shown."""

    def __init__(self) -> None:
        self.theme: Theme = LIGHT


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.let_go.set()


@pytest.fixture
def settings(qtbot: QtBot) -> Iterator[Settings]:
    settings = Settings()
    yield settings
    settings.close()


@pytest.fixture
def sight() -> Sight:
    return Sight()


@pytest.fixture
def sheet(settings: Settings, worker: Worker, sight: Sight, qtbot: QtBot) -> Iterator[ModelsSheet]:
    parent = QWidget()
    parent.resize(1280, 800)
    parent.setStyleSheet(stylesheet(LIGHT))
    qtbot.addWidget(parent)
    models = Models(settings, worker)
    sheet = ModelsSheet(parent, models, settings, lambda: sight.theme)
    sheet.show()
    until(qtbot, lambda: models.known and models.disk is not None)
    yield sheet
    worker.let_go.set()
    for lane in models.lanes.values():
        lane.shutdown(2.0)
    sheet.close()


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def said(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def look_at(sheet: ModelsSheet, encoder: str) -> None:
    sheet.list.choose(encoder)
    assert sheet.list.current == encoder


def shown(sheet: ModelsSheet) -> list[str]:
    model = sheet.list.rows
    return [model.data(model.index(place)) for place in range(model.rowCount())]


def test_the_list_is_walked_with_keys_and_the_side_follows(sheet: ModelsSheet, qtbot: QtBot) -> None:
    assert shown(sheet) == [row.title for row in ROWS]
    assert sheet.details.title.text() == "Timbre"
    qtbot.keyClick(sheet.list, Qt.Key.Key_Down)
    text = said(sheet.details)
    for part in (
        "A free net",
        "To download · 4.0 MB",
        "MIT. Use it for anything.",
        "Genres: 80 %, measured here.",
        "https://example.org/free",
    ):
        assert part in text
    assert "Hears music at 22.05 kHz, 3.7 s at a time, and gives 1,024 numbers for each such window." in text
    assert "looked at" not in text, "what is only missing is not told as if it were wrong"


def test_a_row_is_spoken_whole(sheet: ModelsSheet) -> None:
    spoken = sheet.list.rows.data(sheet.list.rows.place_of("bound"), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "A bound net. To download. 4.0 MB. licence CC-BY-NC-4.0. Genres: 80 %, measured here."


def test_filters_and_search_narrow_the_list(sheet: ModelsSheet, qtbot: QtBot) -> None:
    assert [button.text() for button in sheet.shelves.values()] == ["All 6", "Ready 3", "Not here yet 3", "Added by you 1"]
    qtbot.mouseClick(sheet.shelves["own"], LEFT)
    assert shown(sheet) == ["My net"]
    assert sheet.details.title.text() == "My net"
    qtbot.mouseClick(sheet.shelves["all"], LEFT)
    qtbot.keyClicks(sheet.search, "cc-by")
    assert shown(sheet) == ["A bound net"]
    qtbot.keyClicks(sheet.search, "xyz")
    assert shown(sheet) == []
    assert "No encoder matches" in said(sheet)
    assert not sheet.details._page.isVisible()


def test_a_fetch_says_how_far_it_is_can_be_cancelled_and_gone_on_with(sheet: ModelsSheet, worker: Worker, qtbot: QtBot) -> None:
    look_at(sheet, "free")
    details = sheet.details
    assert details.fetch.text() == "Fetch (4.0 MB)"
    qtbot.mouseClick(details.fetch, LEFT)
    until(qtbot, lambda: details.progress.text().startswith("1.6 MB of 4.0 MB"))
    assert details.bar.isVisible()
    assert details.bar.value() == 400
    assert "Fetching 40 %" in details.state.text()
    assert not details.fetch.isVisible()
    qtbot.mouseClick(details.cancel, LEFT)
    assert not details.bar.isVisible()
    worker.let_go.set()
    qtbot.mouseClick(details.fetch, LEFT)
    until(qtbot, lambda: details.state.text().startswith("Ready"))
    assert worker.asked == [{"do": "fetch", "id": "free"}] * 2
    assert details.verify.text() == "Test now"
    assert models_words.UNTESTED in said(details)


def test_a_restricted_licence_is_read_and_agreed_to_before_anything_is_fetched(
    sheet: ModelsSheet, settings: Settings, worker: Worker, qtbot: QtBot
) -> None:
    look_at(sheet, "bound")
    details = sheet.details
    assert "CC-BY-NC-4.0. For anything but commerce." in said(details)
    assert not details.fetch.isEnabled()
    assert "Agree to its licence first." in said(details)
    details.agree.setFocus()
    qtbot.keyClick(details.agree, Qt.Key.Key_Space)
    assert details.fetch.isEnabled()
    assert settings.get("agreed") == ["bound"]
    look_at(sheet, "free")
    assert not details.agree.isVisible()
    assert worker.asked == []


def test_offline_says_why_nothing_is_fetched(sheet: ModelsSheet, settings: Settings) -> None:
    look_at(sheet, "free")
    settings.set("offline", True)
    sheet.refresh_weights()
    assert not sheet.details.fetch.isEnabled()
    assert "“Work offline” is on in the preferences" in said(sheet.details)
    assert "nothing is fetched" in sheet.disk.full


def test_the_self_test_is_a_list_of_what_was_found(sheet: ModelsSheet, worker: Worker, qtbot: QtBot) -> None:
    look_at(sheet, "ready")
    text = said(sheet.details)
    assert "Shape: 2 × 8 numbers" in text
    assert "Failed its test" in sheet.details.state.text()
    names = [label.accessibleName() for label in sheet.details.findChildren(QLabel)]
    assert "Wrong: Batch: differs by 0.02" in names
    assert sheet.details.verify.text() == "Check again"
    qtbot.mouseClick(sheet.details.verify, LEFT)
    until(qtbot, lambda: worker.asked == [{"do": "verify", "id": "ready", "accept": False}])


def test_what_is_damaged_says_what_is_wrong_and_can_be_fetched_again(sheet: ModelsSheet) -> None:
    look_at(sheet, "broken")
    assert "It has 3 bytes." in said(sheet.details)
    assert sheet.details.fetch.text() == "Fetch again (4.0 MB)"
    assert not sheet.details.accept.isVisible()


def test_files_that_were_replaced_can_be_taken_for_the_right_ones(sheet: ModelsSheet, worker: Worker, qtbot: QtBot) -> None:
    detail = "Another file; say “musicclass models verify broken --accept”."
    worker.rows = [replace(row, detail=detail) if row.id == "broken" else row for row in worker.rows]
    sheet._models.refresh()
    until(qtbot, lambda: sheet._models.rows[3].detail == detail)
    look_at(sheet, "broken")
    assert "others than those that were used first" in said(sheet.details)
    qtbot.mouseClick(sheet.details.accept, LEFT)
    until(qtbot, lambda: worker.asked == [{"do": "verify", "id": "broken", "accept": True}])


@pytest.mark.parametrize(("encoder", "words"), [("ready", "deleted and 4.0 MB are free again"), ("mine", "Your own folder stays")])
def test_removing_asks_and_says_what_is_deleted(sheet: ModelsSheet, worker: Worker, qtbot: QtBot, encoder: str, words: str) -> None:
    look_at(sheet, encoder)
    qtbot.keyClick(sheet.list, Qt.Key.Key_Delete)
    asking = sheet.findChild(Asking)
    assert words in said(asking)
    assert worker.asked == []
    asking.go.click()
    until(qtbot, lambda: worker.asked == [{"do": "remove", "id": encoder}])


def test_what_cannot_be_removed_is_not_asked_about(sheet: ModelsSheet, qtbot: QtBot) -> None:
    look_at(sheet, "timbre")
    assert not sheet.details.remove.isVisible()
    qtbot.keyClick(sheet.list, Qt.Key.Key_Delete)
    assert sheet.findChild(Asking) is None


def test_enter_goes_to_what_can_be_done(sheet: ModelsSheet, qtbot: QtBot) -> None:
    look_at(sheet, "free")
    sheet.activateWindow()
    qtbot.keyClick(sheet.list, Qt.Key.Key_Return)
    assert sheet.focusWidget() is sheet.details.fetch
    look_at(sheet, "bound")
    qtbot.keyClick(sheet.list, Qt.Key.Key_Return)
    assert sheet.focusWidget() is sheet.details.agree
    qtbot.keyClick(sheet, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert sheet.focusWidget() is sheet.search


def test_a_folder_is_chosen_named_and_added(
    sheet: ModelsSheet, worker: Worker, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    qtbot.mouseClick(sheet.add, LEFT)
    asking = sheet.findChild(AddDialog)
    assert asking.name.text() == tmp_path.name
    asking.name.selectAll()
    qtbot.keyClicks(asking.name, "my-clap")
    qtbot.keyClick(asking.name, Qt.Key.Key_Return)
    until(qtbot, lambda: worker.asked == [{"do": "add", "folder": str(tmp_path), "name": "my-clap"}])


def test_a_folder_can_be_dropped_and_a_file_cannot(sheet: ModelsSheet, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    for path, taken in ((tmp_path / "a.txt", False), (tmp_path, True)):
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(QPointF(9, 9).toPoint(), copy, mime, LEFT, none)
        enter.ignore()
        sheet.dragEnterEvent(enter)
        assert enter.isAccepted() == taken
    sheet.dropEvent(QDropEvent(QPointF(9, 9), copy, mime, LEFT, none))
    assert sheet.findChild(AddDialog) is not None


def test_where_it_is_can_be_shown(sheet: ModelsSheet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    file = tmp_path / "net.pt"
    file.write_bytes(b"")
    assert folder_of(str(file)) == folder_of(str(tmp_path)) == str(tmp_path)
    look_at(sheet, "free")
    assert not sheet.details.show_folder.isVisible()
    sheet.details.show_home.click()
    look_at(sheet, "ready")
    sheet.details.show_folder.click()
    assert opened == ["https://example.org/free", "file:///w/ready"]


def test_a_home_that_is_no_web_page_cannot_be_opened(sheet: ModelsSheet, worker: Worker, qtbot: QtBot) -> None:
    worker.rows = [replace(row, home="file:///etc/passwd") for row in ROWS]
    sheet._models.refresh()
    until(qtbot, lambda: sheet._models.rows[1].home.startswith("file"))
    look_at(sheet, "free")
    assert not sheet.details.show_home.isVisible()


def test_another_theme_is_drawn_at_once(sheet: ModelsSheet, sight: Sight) -> None:
    look_at(sheet, "ready")
    light = sheet.grab().toImage()
    sight.theme = DARK
    parent = sheet.parentWidget()
    assert parent is not None
    parent.setStyleSheet(stylesheet(DARK))
    dark = sheet.grab().toImage()
    assert lightness(light) > 0.8
    assert lightness(dark) < 0.25


def lightness(image: QImage) -> float:
    """The mean over the picture, title, list and side alike."""
    places = [(x, y) for x in range(5, image.width(), 40) for y in range(5, image.height(), 40)]
    return sum(image.pixelColor(*place).lightnessF() for place in places) / len(places)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_it_fits_the_window_and_nothing_is_cut_off(settings: Settings, worker: Worker, qtbot: QtBot, size: tuple[int, int]) -> None:
    parent = QWidget()
    parent.resize(*size)
    qtbot.addWidget(parent)
    models = Models(settings, worker)
    sheet = ModelsSheet(parent, models, settings, lambda: LIGHT)
    sheet.show()
    until(qtbot, lambda: models.known)
    assert sheet.width() <= size[0]
    assert sheet.height() <= size[1]
    for row in ROWS:
        sheet.list.choose(row.id)
        qtbot.wait(5)
        for button in sheet.findChildren(QAbstractButton):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width(), (row.id, button.text())
        assert sheet.details._page.width() <= sheet.details.viewport().width(), row.id
    for lane in models.lanes.values():
        lane.shutdown(2.0)


def test_everything_that_takes_focus_has_a_name(sheet: ModelsSheet) -> None:
    takers = [one for one in sheet.findChildren(QWidget) if isinstance(one, QAbstractButton | QLineEdit | QListView)]
    takers = [one for one in takers if one.focusPolicy() & Qt.FocusPolicy.TabFocus]
    nameless = [one for one in takers if not (one.accessibleName() or (isinstance(one, QAbstractButton) and one.text()))]
    assert nameless == []


@pytest.mark.parametrize(
    ("licence", "badge", "words"),
    [
        ("MIT: use it for anything.", "MIT", "MIT. Use it for anything."),
        ("Their authors state none, so ask them.", "No licence stated", "Their authors state none, so ask them."),
        ("CC-BY-NC-4.0", "CC-BY-NC-4.0", "CC-BY-NC-4.0."),
        ("", "No licence stated", models_words.UNSTATED),
    ],
)
def test_a_licence_is_a_badge_and_a_sentence(licence: str, badge: str, words: str) -> None:
    row = replace(FREE, licence=licence)
    assert (models_words.badge(row), models_words.licence(row)) == (badge, words)


# In the window, with the real worker


@pytest.fixture
def window(qtbot: QtBot, settings: Settings) -> Iterator[MainWindow]:
    start.application()
    window = MainWindow(Session(settings), Player())
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    window.deleteLater()


def test_the_menu_opens_it_and_it_shows_what_is_really_here(window: MainWindow, qtbot: QtBot) -> None:
    window.trigger("analyse.encoders")
    sheet = window.sheets.open["encoders"]
    assert isinstance(sheet, ModelsSheet)
    until(qtbot, lambda: "Timbre, harmony and rhythm features" in shown(sheet))
    assert sheet.details.state.text() == "Built in"
    window.trigger("view.tags_more")
    assert window.sheets.open["encoders"] is sheet
    assert "Timbre, harmony and rhythm features" not in shown(sheet)
    assert shown(sheet), "the taggers"


def test_weights_that_are_tested_in_it_are_ready_and_can_be_removed(window: MainWindow, qtbot: QtBot, data_dir: Path) -> None:
    shutil.copytree(data_dir / "weights" / "mn04-as", places.data_dir() / "weights" / "mn04-as")
    window.trigger("analyse.encoders")
    sheet = window.sheets.open["encoders"]
    assert isinstance(sheet, ModelsSheet)
    until(qtbot, lambda: window.session.models.known)
    look_at(sheet, "mn04-as")
    qtbot.mouseClick(sheet.details.verify, LEFT)
    until(qtbot, lambda: sheet.details.verify.isVisible() and sheet.details.verify.text() == "Check again")
    assert "Silence" in said(sheet.details)
    assert sheet.details.state.text().startswith("Ready")
