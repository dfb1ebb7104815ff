"""Extraction as the window sees it: what can be chosen, the one that goes on or was the last, and how far it is.

It runs in a process of its own, so that neither what is looked at nor the queue waits for it; here its answers are kept as plain data.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app import hearers, words
from musicclass_gui.app.jobs import Lane, said
from musicclass_gui.app.models import Work
from musicclass_gui.app.service import Service
from musicclass_gui.engine import encoders

if TYPE_CHECKING:
    from collections.abc import Callable

    from musicclass_gui.app.jobs import Job
    from musicclass_gui.app.settings import Settings
    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.task import Token

Fields = dict[str, Any]

_DIED = "The process that extracts features stopped unexpectedly; extract into the same file again to go on where it was."
_LEAVE_S = 0.5


class Run:
    """One extraction. `state` is "running", "done", "stopped" or "failed"; `result` has what was written (see `extract_calls.answer`)."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.state = "running"
        self.work = Work("extract")
        self.failures: list[tuple[str, str]] = []  # paths and reasons
        self.notes: list[str] = []
        self.error = ""
        self.result: Fields = {}

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state == "running"

    @property
    def going(self) -> str:
        """How far it is, in words."""
        far = f"{self.work.text} recordings" if " of " in self.work.text else "Writing" if self.work.text else "Starting"
        return " · ".join(filter(None, [far, words.eta(self.work.eta_s)]))


class Extracting(QObject):
    """Extracts features, one list at a time. Made and used on the main thread. `run` is the one that goes on or was the last."""

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run: Run | None = None
        self.lane = Lane("fifo", name="extract")
        self._settings = settings
        self._service: Service | None = None
        self._job: Job[Fields] | None = None

    @property
    def encoders(self) -> list[EncoderSpec]:
        """Those that can be used here and now."""
        agreed = self._settings.get("agreed")
        return [spec for spec in hearers.here(self._settings.get("weights_folder")) if hearers.allowed(spec, agreed)]

    @property
    def activity(self) -> str:
        """What goes on, for the status bar; empty when nothing does."""
        return f"Extracting features: {self.run.going}" if self.run is not None and self.run.running else ""

    def begin(self, fields: Fields) -> None:
        """Extract what `fields` say (see `extract_calls.answer`), on the device that is set."""
        if self.run is not None and self.run.running:
            return
        settings = {key: self._settings.get(key) for key in ("device", "weights_folder")}
        self.run = run = Run(fields)
        self._service = service = Service(_DIED)
        work = partial(_extract, service, {**fields, **settings}, lambda event: self.lane.post(partial(self._told, run, event)))
        self._job = self.lane.submit(
            work, done=partial(self._done, run), failed=partial(self._failed, run), progress=partial(self._moved, run)
        )
        self.changed.emit()

    def cancel(self) -> None:
        """Stop; what is through is kept beside the file that was to be written."""
        if self.run is not None and self.run.running and self._job is not None:
            self._job.cancel()
            self.run.state = "stopped"
            self.changed.emit()

    def close(self, timeout_s: float) -> None:
        """End the work and its process."""
        self.cancel()
        if self._service is not None:
            self._service.close(timeout_s)

    def _told(self, run: Run, event: Fields) -> None:
        if not run.running:
            return
        if "note" in event:
            run.notes.append(event["note"])
        else:
            run.failures.append((event["path"], event["reason"]))
        self.changed.emit()

    def _moved(self, run: Run, fraction: float, text: str) -> None:
        run.work.move(fraction, text)
        self.changed.emit()

    def _done(self, run: Run, result: Fields) -> None:
        run.state, run.result = "done", result
        self.changed.emit()

    def _failed(self, run: Run, error: Exception) -> None:
        run.state, run.error = "failed", said(error)
        self.changed.emit()


def _extract(service: Service, fields: Fields, tell: Callable[[Fields], None], token: Token) -> Fields:
    """Have it done by a process that ends with it, and gives back the memory that an encoder takes."""
    try:
        result: Fields = service.call("extract", fields, token, tell)
    finally:
        service.close(_LEAVE_S)
    return result


def views(spec: EncoderSpec) -> list[tuple[str, str]]:
    """What can be taken of an encoder's layers: ids and words, the usual one first; one alone for an encoder without layers."""
    layers = spec.layers
    if layers is None:
        return [(spec.id, "")]
    usual = "The mean of all layers" if layers.joined == "mean" else "All layers, one after the other"
    numbers = range(layers.first, layers.first + layers.count)
    known = [(f"{spec.id}_{number}", f"Layer {number}") for number in numbers if encoders.find_spec(f"{spec.id}_{number}") is not None]
    return [(spec.id, usual), *known]


def gives(spec: EncoderSpec, *, by_window: bool) -> str:
    """What an encoder makes of a recording, in one sentence."""
    grid = spec.grid
    windows = f"windows of {grid.window_s:.3g} s" + ("" if grid.hop_s == grid.window_s else f", one every {grid.hop_s:.3g} s")
    return f"{spec.dim:,} numbers {'for each of' if by_window else 'for each recording: the mean over'} its {windows}."
