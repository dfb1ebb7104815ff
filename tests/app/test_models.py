"""The encoders as the window sees them: with a worker that answers by hand, and with the real one."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from musicclass_gui.app import models as rules
from musicclass_gui.app.models import ADDING, Disk, Models
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine import encoders, places
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.models import ModelRow
from musicclass_gui.engine.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from musicclass_gui.engine.task import Token

LONG_MS = 60_000
ROW = ModelRow(
    "net", "A net", "nets", "missing", "", "MIT: use it for anything.", restricted=False, home="", place="", size_bytes=1_000_000,
    can_fetch=True, can_remove=False, own=False, good_at=["Genres: 80 %, measured here."], tags="", words=False, dim=8, sample_rate=8000,
    window_s=5.0, checks=[],
)  # fmt: skip
BOUND = replace(ROW, id="bound", title="A bound net", licence="CC-BY-NC-4.0: not for commerce.", restricted=True)


class Worker:
    """Answers as the worker would; a fetch waits at its half until it is let go."""

    def __init__(self) -> None:
        self.rows = [ROW, BOUND]
        self.asked: list[dict[str, Any]] = []
        self.trouble = ""
        self.free = 10_000_000
        self.let_go = threading.Event()

    def __call__(self, call: str, fields: dict[str, Any], token: Token) -> Any:
        assert call == "models"
        self.asked.append(fields)
        do = fields["do"]
        if do in ("rows", "disk"):
            return to_plain(self.rows) if do == "rows" else [5, self.free]
        if self.trouble:
            raise WeightsError(self.trouble)
        if do == "fetch":
            self._fetch(fields["id"], token)
        return None

    def _fetch(self, encoder: str, token: Token) -> None:
        token.progress(0.1, "")
        time.sleep(0.05)
        token.progress(0.5, "")
        while not self.let_go.wait(0.01):
            token.check()
        self.rows = [replace(row, state="ready") if row.id == encoder else row for row in self.rows]

    @property
    def did(self) -> list[str]:
        return [fields["do"] for fields in self.asked if fields["do"] not in ("rows", "disk")]


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
def models(settings: Settings, worker: Worker, qtbot: QtBot) -> Iterator[Models]:
    models = Models(settings, worker)
    models.refresh()
    until(qtbot, lambda: models.disk is not None)
    yield models
    for lane in models.lanes.values():
        lane.shutdown(2.0)


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def test_what_there_is_is_known_after_a_look(models: Models) -> None:
    assert models.known
    assert models.rows == [ROW, BOUND]
    assert models.disk == Disk(5, 10_000_000)


def test_a_fetch_tells_how_far_it_is_and_then_others_that_the_shelf_changed(models: Models, worker: Worker, qtbot: QtBot) -> None:
    models.fetch("net")
    until(qtbot, lambda: models.works["net"].fraction == 0.5)
    eta = models.works["net"].eta_s
    assert eta is not None
    assert 0 < eta < 10
    with qtbot.waitSignal(models.shelf_changed, timeout=LONG_MS):
        worker.let_go.set()
    assert models.works == {}
    assert [row.state for row in models.rows] == ["ready", "missing"]


def test_a_cancelled_fetch_is_over_at_once_and_can_be_begun_again(models: Models, worker: Worker, qtbot: QtBot) -> None:
    models.fetch("net")
    until(qtbot, lambda: "net" in models.works and models.works["net"].fraction == 0.5)
    models.cancel("net")
    assert models.works == {}
    models.fetch("net")
    worker.let_go.set()
    until(qtbot, lambda: models.rows[0].state == "ready")
    assert worker.did == ["fetch", "fetch"]


def test_nothing_is_fetched_before_a_restricted_licence_is_agreed_to(models: Models, worker: Worker, settings: Settings) -> None:
    models.fetch("bound")
    assert models.works == {}
    assert models.why_no_fetch(BOUND) == "Agree to its licence first."
    models.agree("bound")
    assert models.why_no_fetch(BOUND) == ""
    assert settings.get("agreed") == ["bound"]
    models.fetch("bound")
    assert list(models.works) == ["bound"]
    models.agree("bound", agreed=False)
    assert not models.agreed(BOUND)


def test_nothing_is_fetched_offline_nor_where_there_is_no_room(models: Models, worker: Worker, settings: Settings) -> None:
    settings.set("offline", True)
    assert "Work offline" in models.why_no_fetch(ROW)
    models.fetch("net")
    assert models.works == {}
    settings.set("offline", False)
    assert "room" in models.why_no_fetch(replace(ROW, size_bytes=10**12))
    assert "add their folder" in models.why_no_fetch(replace(ROW, can_fetch=False))


def test_every_call_says_whether_the_network_may_be_used(models: Models, worker: Worker, settings: Settings, qtbot: QtBot) -> None:
    settings.set("offline", True)
    models.verify("net")
    until(qtbot, lambda: not models.works)
    assert worker.asked[-1]["offline"] is True
    assert next(fields for fields in worker.asked if fields["do"] == "verify") == {
        "do": "verify", "id": "net", "accept": False, "offline": True, "weights_folder": "", "device": "auto",
    }  # fmt: skip


def test_what_fails_is_told_of_the_encoder_until_the_next_try(models: Models, worker: Worker, qtbot: QtBot) -> None:
    worker.trouble = "Its checksum differs; fetch it again."
    models.verify("net")
    until(qtbot, lambda: not models.works)
    assert models.problems == {"net": worker.trouble}
    worker.trouble = ""
    models.verify("net")
    assert models.problems == {}


def test_a_folder_that_cannot_be_added_says_why(models: Models, worker: Worker, qtbot: QtBot, tmp_path: Path) -> None:
    worker.trouble = "That is no encoder; choose another folder."
    models.add(tmp_path, "mine")
    assert list(models.works) == [ADDING]
    until(qtbot, lambda: not models.works)
    assert models.problems == {ADDING: worker.trouble}
    assert next(fields for fields in worker.asked if fields["do"] == "add")["folder"] == str(tmp_path)


def test_a_look_that_fails_says_so(settings: Settings, qtbot: QtBot) -> None:
    def broken(call: str, fields: dict[str, Any], token: Token) -> Any:
        raise WeightsError("The folder cannot be read.")

    models = Models(settings, broken)
    models.refresh()
    until(qtbot, lambda: models.problem == "The folder cannot be read.")
    assert not models.known
    for lane in models.lanes.values():
        lane.shutdown(2.0)


@pytest.mark.parametrize(
    ("shelf", "text", "found"),
    [
        ("all", "", ["net", "bound", "ready", "own"]),
        ("ready", "", ["ready", "own"]),
        ("download", "", ["net", "bound"]),
        ("own", "", ["own"]),
        ("all", "cc-by", ["bound"]),
        ("all", "genres NET", ["net", "bound", "ready", "own"]),
        ("ready", "cc-by", []),
        ("all", "tags", ["ready"]),
    ],
)
def test_rows_are_chosen_by_shelf_and_by_words(shelf: rules.Shelf, text: str, found: list[str]) -> None:
    rows = [ROW, BOUND, replace(ROW, id="ready", state="ready", tags="50 of them"), replace(ROW, id="own", state="ready", own=True)]
    assert [row.id for row in rules.chosen(rows, shelf, text)] == found


# With the real worker


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    session = Session(settings)
    yield session
    session.close()


def test_the_real_worker_tells_of_every_encoder(session: Session, qtbot: QtBot) -> None:
    session.models.refresh()
    until(qtbot, lambda: session.models.known and session.models.disk is not None)
    assert {row.id for row in session.models.rows} >= set(encoders.specs())
    assert session.models.row("timbre") is not None
    assert session.models.disk is not None
    assert session.models.disk.free > 0


def test_the_real_worker_fetches_nothing_while_it_is_to_work_offline(session: Session, qtbot: QtBot) -> None:
    session.models.refresh()
    until(qtbot, lambda: session.models.known)
    session.settings.set("offline", True)
    session.models._begin("fetch", "mn04-as", "fetch", {"id": "mn04-as"})  # as if nobody had looked at the switch before
    until(qtbot, lambda: not session.models.works)
    assert "offline" in session.models.problems["mn04-as"]


def state_of(models: Models, encoder: str) -> str:
    """An encoder's state; empty while there is none of that name."""
    row = models.row(encoder)
    return row.state if row else ""


def test_weights_that_come_are_tested_shown_and_used(session: Session, qtbot: QtBot, data_dir: Path) -> None:
    models = session.models
    models.refresh()
    until(qtbot, lambda: models.known)
    shutil.copytree(data_dir / "weights" / "mn04-as", places.data_dir() / "weights" / "mn04-as")
    with qtbot.waitSignal(models.shelf_changed, timeout=LONG_MS):
        models.verify("mn04-as")
    row = models.row("mn04-as")
    assert row is not None
    assert (row.state, models.problems) == ("ready", {})
    assert row.checks
    assert all(check.ok for check in row.checks)
    models.remove("mn04-as")
    until(qtbot, lambda: not models.works and state_of(models, "mn04-as") == "missing")
    assert not (places.data_dir() / "weights" / "mn04-as" / "mn04_as_mAP_432.pt").exists()
