"""Every action of the table, run once: something must be different afterwards."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from PySide6.QtWidgets import QDialog, QFileDialog

from musicclass_gui.app.actions import ACTIONS
from musicclass_gui.app.bench import Going
from musicclass_gui.app.player import Player
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import FIELDS, Settings
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile
from musicclass_gui.engine.project.board import LessonView
from musicclass_gui.ui import start
from musicclass_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

RATE = 22050
LAST = "file.quit"


def noise(path: Path, seconds: int) -> Path:
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for _ in range(seconds):
            file.write(0.1 * rng.standard_normal(RATE))
    return path


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    start.application()
    settings = Settings()
    window = MainWindow(Session(settings), Player())
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()
    settings.close()


def seen(window: MainWindow) -> dict[str, Any]:
    """All that an action may change, as plain values."""
    session, player = window.session, window.player
    return {
        "settings": {field.key: session.settings.get(field.key) for field in FIELDS if field.key != "recent"},
        "recent": list(session.recent),
        "document": id(session.document),
        "state": session.document.state,
        "selection": session.selection,
        "player": (player.position_s, player.playing, player.loop, player.problem),
        "view": window.timeline.view_span(),
        "docks": (window.answers_dock.isHidden(), window.tables_dock.isHidden(), window.tabs.currentIndex()),
        "screen": window.isFullScreen(),
        "sheets": sorted(window.sheets.open),
        "queue": [(row.path, row.state, id(row)) for row in session.queue],
        "paused": session.queue_paused,
        "said": window.status.currentMessage(),
        "hidden": window.isHidden(),
        "benching": session.benching,
        "page": (
            window.desk.currentIndex(),
            *((page.left.currentIndex(), page.right.currentIndex()) if (page := window.teacher.page) else ()),
        ),
        "dialogs": sorted(type(dialog).__name__ for dialog in window.findChildren(QDialog) if dialog.isVisible()),
        "teaching": (session.teaching.project, session.teaching.busy, session.teaching.plan, session.teaching.waiting),
    }


class Stage:
    """Sets the scene that an action needs."""

    def __init__(self, window: MainWindow, qtbot: QtBot, folder: Path) -> None:
        self.window, self.qtbot = window, qtbot
        self.played = 0
        self.numbers = count()
        window.player.state_changed.connect(self.note_playing)
        self.short = noise(folder / "short.wav", 12)
        self.long = noise(folder / "long.wav", 1200)
        album = folder / "album"
        album.mkdir()
        self.album = [noise(album / f"{name}.wav", 3) for name in "abc"]
        self.folder = album

    def note_playing(self) -> None:
        self.played += 1  # without an audio device playing ends as soon as it starts

    def changed_since(self, was: tuple[int, dict[str, Any]]) -> bool:
        return (self.played, seen(self.window)) != was

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=60_000)

    def ready(self) -> None:
        """A short recording is open and answered, its middle selected and in view, its queue over."""
        session = self.window.session
        if session.document.path != self.short or session.document.state != "ready":
            session.open(self.short)
        self.until(lambda: session.document.state == "ready")
        if not session.queue:
            session.open_paths([self.folder])
            self.until(lambda: len(session.queue) == len(self.album))
        self.until(lambda: session.document.state == "ready" and all(row.over for row in session.queue))
        if session.document.path != self.short:
            session.open(self.short)
            self.until(lambda: session.document.state == "ready")
        session.select((3.0, 6.0))
        self.window.status.clearMessage()
        self.window.sheets.close_all()
        for dialog in self.window.findChildren(QDialog):
            if dialog.isVisible():
                dialog.reject()
        self.window.show_page("listen")
        self.until(lambda: not self.window._pending and not self.window.sheets.open)
        self.taught()
        self.window.timeline.set_view_span(2.0, 8.0)
        self.window.player.pause()
        self.window.player.seek(4.0)

    def reading(self) -> None:
        self.window.session.open(self.long)
        self.until(lambda: self.window.session.document.picture is not None)

    def taught(self) -> None:
        """The project has a classifier of two classes, and no lesson that waits."""
        teaching = self.window.session.teaching
        self.until(lambda: not teaching.lane.busy)
        teaching.problem = ""  # such as that there was no lesson to go on with
        if teaching.classifier is None or not teaching.classifier.classes:
            teaching.teach(Plan([self.a_class("a", 0), self.a_class("b", 1)]), teaching.current or None)
            self.idle()
        if teaching.waiting is not None:
            teaching.keep()
            self.idle()

    def idle(self) -> None:
        """Nothing is being taught, and what is open has been answered again."""
        teaching, session = self.window.session.teaching, self.window.session
        self.until(lambda: not teaching.lane.busy and not session.activity and not self.window._pending)
        assert teaching.problem == ""

    def a_class(self, name: str, place: int) -> PlannedClass:
        return PlannedClass(name, [PlannedFile(str(self.album[place]))])

    def drafted(self) -> None:
        """A lesson waits to be kept."""
        self.window.session.teaching.teach(Plan([self.a_class(f"class {next(self.numbers)}", 2)]), self.window.session.teaching.current)
        self.idle()

    def interrupted(self) -> None:
        """As if a lesson waited that had been interrupted; that going on really works is tested where one is."""
        teaching = self.window.session.teaching
        assert teaching.board is not None
        teaching.board = replace(teaching.board, waiting=LessonView(10**6, teaching.current, "teach", "Teach", "planned", ""))
        self.window.refresh_actions()

    def undone(self) -> None:
        self.window.session.teaching.undo()
        self.idle()

    def exported(self) -> None:
        self.window.session.teaching.export_pack(self.folder.parent / "shared.mcpack")
        self.idle()

    def benching(self) -> None:
        """As if a benchmark run went on; that cancelling really ends one is tested where one is."""
        bench = self.window.session.bench
        bench.going = Going()
        bench.going.job = bench.lanes["run"].submit(lambda _token: None)
        self.window.refresh_actions()

    def queueing(self) -> None:
        """A queue that is held up, so that its rows wait."""
        session = self.window.session
        session.queue_remove(range(len(session.queue)))
        session.queue_pause(True)
        session.open_paths([self.folder])
        self.until(lambda: len(session.queue) == len(self.album) and not self.window.queue.model._late)


def test_every_action_does_something(window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(window, qtbot, tmp_path)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(stage.album[0])], ""))
    pack, default = tmp_path / "shared.mcpack", window.session.teaching.project
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: (str(pack if "mcpack" in given[-1] else default), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(stage.folder))
    names = (str(tmp_path / f"written {number}") for number in count())
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (next(names), ""))
    before_it: dict[str, Callable[[], None]] = {
        "file.open_folder": lambda: window.session.queue_remove(range(3)),
        "play.loop": lambda: None,
        "play.stop": lambda: setattr(window.hearing, "began_at_s", 1.0),
        "project.import_pack": stage.exported,
        "teach.keep": stage.drafted,
        "teach.take_back": stage.drafted,
        "teach.go_on": stage.interrupted,
        "teach.redo": stage.undone,
        "view.theme_light": lambda: window.session.settings.set("theme", "dark"),
        "view.theme_system": lambda: window.session.settings.set("theme", "dark"),
        "view.tags_none": lambda: window.session.settings.set("tags", "mn04-as"),
        "view.reset_layout": window.answers_dock.hide,
        "analyse.cancel": stage.reading,
        "bench.cancel": stage.benching,
        "queue.pause": stage.queueing,
        "queue.cancel": stage.queueing,
        "queue.remove": lambda: window.queue.table.selectRow(0),
        "queue.retry": lambda: window.queue.table.selectRow(0),
    }
    for action in sorted(ACTIONS, key=lambda action: action.id == LAST):
        stage.ready()
        before_it.get(action.id, lambda: None)()
        qtbot.waitUntil(lambda: not window._pending, timeout=10_000)
        assert window.actions_.by_id[action.id].isEnabled(), action.id
        was = stage.played, seen(window)
        window.trigger(action.id)
        try:
            qtbot.waitUntil(lambda was=was: stage.changed_since(was), timeout=5_000)
        except qtbot.TimeoutError:
            pytest.fail(f"{action.id} changed nothing")
        if window.session.queue_paused:
            window.session.queue_pause(False)


def test_what_makes_no_sense_now_is_disabled(window: MainWindow) -> None:
    for name in ("play.toggle", "file.export_csv", "analyse.cancel", "queue.retry", "view.selection", "file.recent"):
        assert not window.actions_.by_id[name].isEnabled(), name
    for name in ("file.open", "help.about", "view.palette"):
        assert window.actions_.by_id[name].isEnabled(), name


def test_retry_without_a_choice_means_all_that_failed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    good, bad = noise(tmp_path / "good.wav", 3), tmp_path / "bad.mp3"
    bad.write_text("not audio")
    session = window.session
    session.open_paths([good, bad])
    qtbot.waitUntil(lambda: len(session.queue) == 2 and all(row.over for row in session.queue), timeout=60_000)
    assert [row.state for row in session.queue] == ["done", "failed"]
    first, second = session.queue
    window.trigger("queue.retry")
    assert session.queue[0] is first
    assert session.queue[1] is not second


def test_chosen_rows_are_found_although_the_table_is_sorted(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    from PySide6.QtCore import Qt

    paths = [noise(tmp_path / f"{name}.wav", 2) for name in ("b", "c", "a")]
    window.session.queue_pause(True)
    window.session._queue.add(paths)
    qtbot.waitUntil(lambda: window.queue.model.rowCount() == 3)
    window.queue.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    window.queue.table.selectRow(0)
    assert window.queue.chosen() == [2]
    window.queue.filter.setText("c.wav")
    assert window.queue.table.model().rowCount() == 1
    with qtbot.waitSignal(window.queue.opened) as signal:
        window.queue.table.activated.emit(window.queue.table.model().index(0, 0))
    assert signal.args == [paths[1]]


def test_nothing_chosen_is_said_and_removes_nothing(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.queue_pause(True)
    window.session._queue.add([noise(tmp_path / "a.wav", 2)])
    qtbot.waitUntil(lambda: window.actions_.by_id["queue.remove"].isEnabled())
    window.trigger("queue.remove")
    assert len(window.session.queue) == 1
    assert window.status.currentMessage() == "Choose rows of the queue first."


def test_an_export_gets_an_ending_that_programs_know_and_replaces_only_what_was_asked_about(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Stage(window, qtbot, tmp_path).ready()
    (tmp_path / "mine.csv").write_text("keep me")
    for typed, written in (("a", "a.csv"), ("Op. 9", "Op. 9.csv"), ("b.csv", "b.csv"), ("c.TXT", "c.TXT"), ("mine", "mine.csv")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, typed=typed: (str(tmp_path / typed), ""))
        window.trigger("file.export_csv")
        assert (tmp_path / written).read_text().startswith("keep me" if typed == "mine" else "path,")
    assert any("exists already" in notice for notice in window.session.notices)
