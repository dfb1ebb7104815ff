"""The encoders as the window sees them: which there are, what is being done to them, and what may be used.

All looking, fetching, testing and deleting is done in the worker's process; here its answers are kept as plain data for the manager.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app import words
from musicclass_gui.app.jobs import Lane, said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musicclass_gui.app.jobs import Job
    from musicclass_gui.app.settings import Settings
    from musicclass_gui.engine.models import ModelRow
    from musicclass_gui.engine.task import Token

Fields = dict[str, Any]
Shelf = Literal["all", "ready", "download", "own"]

USABLE = ("ready", "built in")
ADDING = ""  # stands for the id of an encoder that is being added, which has none yet
_JUDGED_FROM = 0.005  # below this share of the way its rest cannot be estimated


class Work:
    """Something that is being done to an encoder: "fetch", "verify", "add" or "remove". `fraction` is 0..1, or NaN while nobody knows."""

    def __init__(self, kind: str, job: Job[Any] | None = None) -> None:
        self.kind, self.job = kind, job
        self.fraction = math.nan
        self.text = ""
        self._first: tuple[float, float] | None = None  # the first known fraction, and when: what was there before took no time

    def move(self, fraction: float, text: str) -> None:
        """Note how far it is."""
        self.text = text
        if math.isfinite(fraction):
            self.fraction = min(1.0, fraction)
            self._first = self._first or (self.fraction, time.monotonic())

    @property
    def eta_s(self) -> float | None:
        """Seconds until it is through, once there is something to judge by."""
        if self._first is None or self.fraction - self._first[0] < _JUDGED_FROM:
            return None
        return (time.monotonic() - self._first[1]) * (1 - self.fraction) / (self.fraction - self._first[0])


@dataclass(frozen=True)
class Disk:
    """Bytes that all encoders take, and that are free where they are fetched to."""

    used: int
    free: int


class Models(QObject):
    """Every encoder with what is known of it. Made and used on the main thread.

    `rows` is empty until `refresh` was answered, which `known` tells. `problems` has, by id, why the last try at something failed.
    """

    changed = Signal()
    failed = Signal(str)  # why something could not be fetched: whoever closed the manager meanwhile wants to know
    shelf_changed = Signal()  # an encoder can be used that could not be, or the other way round

    def __init__(self, settings: Settings, ask: Callable[[str, Fields, Token], Any], parent: QObject | None = None) -> None:
        """`ask` calls the worker, in a lane's thread."""
        super().__init__(parent)
        self.rows: list[ModelRow] = []
        self.known = False
        self.problem = ""  # why it could not be looked what there is
        self.disk: Disk | None = None
        self.works: dict[str, Work] = {}
        self.problems: dict[str, str] = {}
        self._settings, self._ask = settings, ask
        self.lanes = {name: Lane("fifo", name=f"models {name}") for name in ("look", "fetch", "change")}
        self._looking = 0

    def refresh(self) -> None:
        """Look anew what there is."""
        self._looking += 1
        look = self._looking
        self._submit("look", "rows", {}, _rows, partial(self._took_rows, look), self._look_failed)
        self._submit("look", "disk", {}, lambda pair: Disk(*pair), self._took_disk, lambda _error: None)

    @property
    def fetching(self) -> str:
        """What is being downloaded and how far that is, in words; empty while nothing is."""
        going = [(encoder, work.fraction) for encoder, work in self.works.items() if work.kind == "fetch"]
        told = (f"{encoder} {words.percent(share)}" if math.isfinite(share) else encoder for encoder, share in going)
        return f"Fetching {', '.join(told)}" if going else ""

    def row(self, encoder: str) -> ModelRow | None:
        """An encoder by its id."""
        return next((row for row in self.rows if row.id == encoder), None)

    # What can be done

    def why_no_fetch(self, row: ModelRow) -> str:
        """Why an encoder's weights cannot be fetched now, or empty."""
        if not row.can_fetch:
            return "Its weights cannot be fetched: nobody offers them for download. If you have them, add their folder."
        if self._settings.get("offline"):
            return "“Work offline” is on in the preferences, so nothing is fetched."
        if self.disk is not None and row.size_bytes > self.disk.free:
            return "There is too little room on the disk."
        return "" if self.agreed(row) else "Agree to its licence first."

    def agreed(self, row: ModelRow) -> bool:
        """Whether an encoder may be used, as far as its licence goes."""
        return not row.restricted or row.id in self._settings.get("agreed")

    def agree(self, encoder: str, *, agreed: bool = True) -> None:
        """The user has read an encoder's licence and agrees to it, or not any more."""
        others = [one for one in self._settings.get("agreed") if one != encoder]
        self._settings.set("agreed", [*others, encoder] if agreed else others)
        self.changed.emit()

    def fetch(self, encoder: str) -> None:
        """Download an encoder's weights, or the rest of them. Call it only once the user has said yes."""
        row = self.row(encoder)
        if row is not None and not self.why_no_fetch(row):
            self._begin("fetch", encoder, "fetch", {"id": encoder})

    def verify(self, encoder: str, *, accept: bool = False) -> None:
        """Look whether an encoder's files are right, load it and test it; `accept` takes files that are others than before for right."""
        self._begin("verify", encoder, "change", {"id": encoder, "accept": accept})

    def remove(self, encoder: str) -> None:
        """Delete an encoder's weights, or forget where the user's own are. Call it only once the user has said yes."""
        self._begin("remove", encoder, "change", {"id": encoder})

    def add(self, folder: Path, name: str) -> None:
        """Take an encoder in that the user has in a folder."""
        self._begin("add", ADDING, "change", {"folder": str(folder), "name": name})

    def cancel(self, encoder: str) -> None:
        """Stop what is being done to an encoder; what was fetched stays, to go on with."""
        work = self.works.pop(encoder, None)
        if work is not None and work.job is not None:
            work.job.cancel()
            self.refresh()
        self.changed.emit()

    def _begin(self, kind: str, encoder: str, lane: str, fields: Fields) -> None:
        if encoder in self.works:
            return
        self.problems.pop(encoder, None)
        self.works[encoder] = work = Work(kind)
        finish, fail, move = (partial(act, encoder, work) for act in (self._finished, self._failed, self._moved))
        work.job = self._submit(lane, kind, fields, lambda answer: answer, finish, fail, move)
        self.changed.emit()

    def _submit(
        self,
        lane: str,
        do: str,
        fields: Fields,
        read: Callable[[Any], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        progress: Callable[[float, str], None] | None = None,
    ) -> Job[Any]:
        get = self._settings.get
        message = {"do": do, "weights_folder": get("weights_folder"), "offline": get("offline"), "device": get("device"), **fields}
        return self.lanes[lane].submit(lambda token: read(self._ask("models", message, token)), done=done, failed=failed, progress=progress)

    # What comes back, on the main thread

    def _took_rows(self, look: int, rows: list[ModelRow]) -> None:
        if look == self._looking:  # what was asked before something changed says no more how things are
            before = {row.id: row.state for row in self.rows}
            self.rows, self.known = rows, True
            self.problem = ""
            self.changed.emit()
            if before and _usable(before) != _usable({row.id: row.state for row in rows}):
                self.shelf_changed.emit()

    def _took_disk(self, disk: Disk) -> None:
        self.disk = disk
        self.changed.emit()

    def _look_failed(self, error: Exception) -> None:
        self.problem = said(error)
        self.changed.emit()

    def _moved(self, encoder: str, work: Work, fraction: float, text: str) -> None:
        if self.works.get(encoder) is work:
            work.move(fraction, text)
            self.changed.emit()

    def _finished(self, encoder: str, work: Work, _answer: Any) -> None:
        self._over(encoder, work)

    def _failed(self, encoder: str, work: Work, error: Exception) -> None:
        self.problems[encoder] = sentence = said(error)
        if work.kind == "fetch":
            self.failed.emit(sentence)
        self._over(encoder, work)

    def _over(self, encoder: str, work: Work) -> None:
        if self.works.get(encoder) is work:
            del self.works[encoder]
        self.refresh()
        self.changed.emit()


def _rows(value: Any) -> list[ModelRow]:
    from musicclass_gui.engine.models import ModelRow
    from musicclass_gui.engine.plain import from_plain

    return [from_plain(ModelRow, row) for row in value]


def _usable(states: dict[str, str]) -> set[str]:
    return {name for name, state in states.items() if state in USABLE}


# How rows are chosen


def chosen(rows: Sequence[ModelRow], shelf: Shelf, text: str = "") -> list[ModelRow]:
    """The rows of a shelf that have every word of `text` somewhere."""
    parts = text.casefold().split()
    return [row for row in rows if on_shelf(row, shelf) and all(part in _haystack(row) for part in parts)]


def replaced(row: ModelRow) -> bool:
    """Whether an encoder's files are others than those that were used first, which the user may have meant."""
    return row.state == "damaged" and "--accept" in row.detail


def on_shelf(row: ModelRow, shelf: Shelf) -> bool:
    """Whether a row is shown on a shelf."""
    tests: dict[Shelf, bool] = {
        "all": True,
        "ready": row.state in USABLE,
        "download": row.state not in USABLE,
        "own": row.own,
    }
    return tests[shelf]


def _haystack(row: ModelRow) -> str:
    can = ("tags" if row.tags else "", "words" if row.words else "")
    return " ".join((row.id, row.title, row.family, row.licence, row.tags, *can, *row.good_at)).casefold()
