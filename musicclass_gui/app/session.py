"""The session: what is open, what is queued, and the road from a user's wish to the worker and back.

Views read its plain data and listen to one signal, `changed`, that says which part of it is new.
"""

from __future__ import annotations

import math
import os
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app.documents import Change, Document, QueueRow
from musicclass_gui.app.drops import plan_drop, plan_teach
from musicclass_gui.app.hearers import TAGS, tagger
from musicclass_gui.app.jobs import Lane, said, shut_down
from musicclass_gui.app.lessons import gives_answers
from musicclass_gui.app.queue import Queue
from musicclass_gui.app.service import Service
from musicclass_gui.app.teaching import Teaching
from musicclass_gui.engine import events
from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.events import Answered, Event, Finished, Noticed, Opened, Pictured
from musicclass_gui.engine.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.app.bench import Bench
    from musicclass_gui.app.extracting import Extracting
    from musicclass_gui.app.models import Models
    from musicclass_gui.app.queue import Analysis
    from musicclass_gui.app.recorder import Recorder
    from musicclass_gui.app.settings import Settings
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Span

_RECENT = 12
_CLOSE_S = 0.8
_ANEW = "Answering anew"
_ANALYSIS_SETTINGS = frozenset({"device", "classifiers", "window_s", "weights_folder", "tags", "fast"})


class Session(QObject):
    """One window's work. Made and used on the main thread; `start` begins background work, `close` ends all of it."""

    changed = Signal(object)  # a Change

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.document = Document()
        self.selection: Span | None = None
        self.device = "starting…"
        self.devices: list[tuple[str, str]] = []  # (name for the setting, text for people)
        self.activity = ""  # what goes on besides reading: scanning a folder, fetching weights
        self.stopped = False  # whether `close` saw all work end
        self.notices: list[str] = []  # about the program rather than the open recording
        self._looking, self._batching = Service(), Service()
        self._look, self._samples = Lane("latest", name="look"), Lane("latest", name="samples")
        self._batch, self._aside = Lane("fifo", name="batch"), Lane("fifo", name="aside")
        self._search = Lane("fifo", name="search")  # not behind a download or the first import of torch
        self._queue = Queue(self._batch, partial(self._analysis, self._batching, picture=False), self)
        self._queue.changed.connect(partial(self._tell, Change.QUEUE))
        self._outdated = False  # whether classifiers learned something since the reading of what is open began
        self._problem = ""  # what could not be taught, as far as it is among the notices
        self.teaching = Teaching(settings, self._sounds, self)
        self.teaching.changed.connect(self._teaching_changed)
        self.teaching.answers_changed.connect(self.reanswer)
        settings.changed.connect(self._setting_changed)

    @cached_property
    def recorder(self) -> Recorder:
        """Records from the microphone; made when it is first asked for."""
        from musicclass_gui.app.recorder import Recorder

        return Recorder(parent=self)

    @cached_property
    def models(self) -> Models:
        """Every encoder, for the manager; made when it is first asked for."""
        from musicclass_gui.app.models import Models

        made = Models(self.settings, self._ask, self)
        made.changed.connect(partial(self._tell, Change.NOTICE))
        made.failed.connect(lambda sentence: self._complain(MusicClassError(sentence)))
        made.shelf_changed.connect(self._shelf_changed)
        return made

    @cached_property
    def extracting(self) -> Extracting:
        """Extracts features; made when it is first asked for."""
        from musicclass_gui.app.extracting import Extracting

        made = Extracting(self.settings, self)
        made.changed.connect(partial(self._tell, Change.NOTICE))
        return made

    @cached_property
    def bench(self) -> Bench:
        """The benchmark; made when it is first asked for."""
        from musicclass_gui.app.bench import Bench

        made = Bench(self.settings, self)
        made.changed.connect(lambda part: self._tell(Change.NOTICE) if part == "going" else None)
        return made

    @property
    def benching(self) -> bool:
        """Whether a benchmark run goes on."""
        return "bench" in self.__dict__ and self.bench.going is not None

    @property
    def aside(self) -> str:
        """What goes on aside, downloads, extractions and benchmarks, in words, or empty."""
        fetching = self.models.fetching if "models" in self.__dict__ else ""
        extracting = self.extracting.activity if "extracting" in self.__dict__ else ""
        return " · ".join(filter(None, [fetching, extracting, self.bench.activity if self.benching else ""]))

    def start(self) -> None:
        """Start the worker and let it load what the first answer will need; then the project is read."""
        self._aside.submit(partial(self._ask, "warm", self._fields(Path(), False)), done=self._warmed, failed=self._not_warmed)
        self._aside.submit(partial(self._ask, "devices", {}), done=self._devices_known, failed=self._no_devices)

    # What is open

    def open(self, path: Path, *, fresh: bool = False) -> None:
        """Read and analyse a recording; what was being read is dropped at once. `fresh` takes nothing from the cache."""
        path = path.absolute()
        self.document = Document(path=path, state="reading")
        self.selection = None
        self._outdated = False
        self._queue.hold(True)
        document = self.document
        analyse = self._analysis(self._looking, path, picture=True, fresh=fresh)
        work = partial(analyse, lambda event: self._look.post(partial(self._take, document, event)))
        self._look.submit(work, done=self._done, failed=self._failed, progress=self._progress)
        if self.activity == _ANEW:
            self._set_activity("")
        for change in (Change.RECORDING, Change.PICTURE, Change.ANSWERS, Change.SELECTION, Change.PROGRESS):
            self.changed.emit(change)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open one recording; of several, or of folders, open the first and queue all. A project is opened, a class pack offered."""
        if self.teaching.take(paths):
            return
        if len(paths) == 1 and not os.path.isdir(paths[0]):
            self.open(paths[0])
        elif paths:
            self._set_activity("Looking for recordings")
            from musicclass_gui.engine.audio import find_recordings

            self._search.submit(partial(find_recordings, list(paths)), done=self._found, failed=self._complain)

    def plan_drop(self, paths: Sequence[Path]) -> str:
        """What dropping `paths` would do, in one sentence."""
        return plan_drop(paths)

    def plan_teach(self, paths: Sequence[Path]) -> str:
        """What teaching `paths` would do, in one sentence; `teaching.propose` finds out exactly."""
        return plan_teach(paths)

    def cancel(self) -> None:
        """Stop reading the open recording; what is known of it stays."""
        if self.document.state == "reading":
            self._look.cancel()
            self._settle("cancelled")

    def reanalyse(self, *, fresh: bool = True) -> None:
        """Analyse the open recording again, with the settings as they are now; unless `fresh`, from the cache where that serves."""
        if self.document.path is not None:
            self.open(self.document.path, fresh=fresh)

    def reanswer(self) -> None:
        """Ask about the open recording again, since classifiers learned something; all else of it stays as it is."""
        document = self.document
        if document.state == "ready" and document.path is not None:
            self._answer_anew(document, document.path)
        self._outdated = document.state == "reading"

    def shown_classifiers(self) -> list[str]:
        """The classifiers whose answers are shown, in order: those that the user chose, and then the project's."""
        board = self.teaching.board
        taught = [one.key for one in board.classifiers if gives_answers(one)] if board else []
        return list(dict.fromkeys([*self.settings.get("classifiers"), *filter(None, [tagger(self.settings)]), *taught]))

    def title_of(self, key: str) -> str:
        """What a classifier's answers are headed with."""
        if key.startswith(TAGS):
            return "Tags"
        board = self.teaching.board
        found = next((one.title for one in board.classifiers if one.key == key), key) if board else key
        return found[:1].upper() + found[1:]

    def teach_phrase(self, phrase: str) -> None:
        """Propose as a class what sounds like a phrase of the shown classifier, in the queue and what is open."""
        sounds = self._sounds()
        if sounds:
            self.teaching.words.propose(self.teaching.current, phrase, sounds)
        else:
            self._complain(MusicClassError("There is nothing to look through; open a recording, or a folder of them, first."))

    def select(self, span: Span | None) -> None:
        """Select a span of the open recording, in seconds."""
        if span != self.selection:
            self.selection = span
            self.changed.emit(Change.SELECTION)

    def request_samples(self, start_s: float, end_s: float, receive: Callable[[float, int, Audio], None]) -> None:
        """Read a short span; `receive` is given its start in seconds, sample rate and mono samples, on the main thread."""
        recording = self.document.recording
        if recording is not None:
            work = partial(_read_span, recording, start_s, end_s)
            self._samples.submit(work, done=lambda mono: receive(start_s, recording.sample_rate, mono))

    @property
    def recent(self) -> list[Path]:
        """Recordings opened lately, the last one first."""
        return [Path(text) for text in self.settings.get("recent")]

    def clear_recent(self) -> None:
        """Forget which recordings were opened."""
        self.settings.set("recent", [])
        self.changed.emit(Change.RECORDING)

    # The queue

    @property
    def queue(self) -> list[QueueRow]:
        """The rows, in order."""
        return self._queue.rows

    @property
    def queue_eta_s(self) -> float | None:
        """Seconds until the queue is through, or None."""
        return self._queue.eta_s

    @property
    def queue_paused(self) -> bool:
        """Whether the user paused the queue."""
        return self._queue.paused

    def queue_retry(self, rows: Sequence[int]) -> None:
        """Analyse rows again."""
        self._queue.retry(rows)

    def queue_cancel(self, rows: Sequence[int]) -> None:
        """Stop rows."""
        self._queue.cancel(rows)

    def queue_remove(self, rows: Sequence[int]) -> None:
        """Take rows away."""
        self._queue.remove(rows)

    def queue_clear_done(self) -> None:
        """Take rows away that are over."""
        self._queue.clear_done()

    def queue_pause(self, paused: bool) -> None:
        """Pause the queue, or let it go on."""
        self._queue.pause(paused)

    # Writing and fetching

    def export_document(self, path: Path, kind: str) -> None:
        """Write what is known of the open recording as "csv", "json" or "labels". Raises MusicClassError."""
        from musicclass_gui.engine import export

        export.write(path, kind, [self.document.result()])

    def export_queue(self, path: Path, kind: str) -> None:
        """Write all rows of the queue as "csv", "json" or "labels". Raises MusicClassError."""
        from musicclass_gui.engine import export

        export.write(path, kind, [row.result() for row in self.queue])

    def self_check(self, receive: Callable[[list[list[Any]]], None]) -> None:
        """Look what this machine has and lacks; `receive` is given rows of (what, found, what to do, all right) on the main thread."""
        fields = {"weights_folder": self.settings.get("weights_folder")}
        self._aside.submit(partial(self._ask, "selfcheck", fields), done=receive, failed=self._complain)

    def dismiss(self, notice: str) -> None:
        """Take a notice away."""
        for notices in (self.notices, self.document.notices):
            if notice in notices:
                notices.remove(notice)
        self.changed.emit(Change.NOTICE)

    def close(self) -> None:
        """Stop everything, within a second."""
        if self.document.state == "reading":  # what was told before arrives no more
            self.document.state = "cancelled"
        lanes = [self._look, self._samples, self._batch, self._aside, self._search]
        if "models" in self.__dict__:
            lanes += self.models.lanes.values()
        if "bench" in self.__dict__:
            lanes += self.bench.lanes.values()
            self.bench.close(_CLOSE_S / 5)
        if "extracting" in self.__dict__:
            self.extracting.close(_CLOSE_S / 5)
            lanes.append(self.extracting.lane)
        for lane in lanes:
            lane.cancel()
        for service in (self._looking, self._batching):
            service.close(_CLOSE_S / 5)
        self.teaching.close(_CLOSE_S / 5)
        if "recorder" in self.__dict__:
            self.recorder.close(_CLOSE_S / 5)
        self.stopped = shut_down([*lanes, self.teaching.lane], _CLOSE_S / 2)

    # Work: what it needs is gathered on the main thread, then it runs on a lane's

    def _analysis(self, service: Service, path: Path, *, picture: bool, fresh: bool) -> Analysis:
        tags = service is self._looking  # the queue is not slowed down by what only a lane shows
        fields = self._fields(path, picture, tags=tags) | {"fresh": fresh}

        def analyse(emit: Callable[[Event], None], token: Token) -> None:
            service.call("analyse", fields, token, lambda message: emit(events.from_json(message)))

        return analyse

    def _fields(self, path: Path, picture: bool, *, tags: bool = False) -> dict[str, Any]:
        wanted = {key: self.settings.get(key) for key in ("classifiers", "device", "window_s", "weights_folder", "fast")}
        if tags and (tagging := tagger(self.settings)):
            wanted["classifiers"].append(tagging)
        project = self.teaching.project
        return {"path": str(path), "picture": picture, "project": str(project) if project.is_file() else "", **wanted}

    def _ask(self, call: str, fields: dict[str, Any], token: Token) -> Any:
        return self._looking.call(call, fields, token)

    def _answer_anew(self, document: Document, path: Path) -> None:
        found: list[Event] = []  # shown when all are there, in place of the others
        self._set_activity(_ANEW)
        work = partial(self._analysis(self._looking, path, picture=False, fresh=False), found.append)
        self._look.submit(work, done=lambda _: self._answered_anew(document, found), failed=self._complain)

    def _sounds(self) -> list[Path]:
        """What can be reviewed beside the project's own recordings."""
        opened = [self.document.path] if self.document.path is not None else []
        return list(dict.fromkeys([*opened, *(row.path for row in self.queue)]))

    # What comes back, on the main thread

    def _answered_anew(self, document: Document, found: list[Event]) -> None:
        self._set_activity("")
        for event in found:
            if isinstance(event, Answered):
                document.answers = {answer.classifier: answer for answer in event.answers}
            elif isinstance(event, Noticed) and event.text not in document.notices:
                document.notices.append(event.text)
            elif isinstance(event, Finished):
                document.devices = event.devices
        self._tell(Change.ANSWERS)

    def _teaching_changed(self, change: Change) -> None:
        if self._problem != self.teaching.problem:  # it is shown until the next thing is tried
            self.notices = [notice for notice in self.notices if notice != self._problem]
            self._problem = self.teaching.problem
            self.notices += [self._problem] if self._problem else []
            self._tell(Change.NOTICE)
        self._tell(change)

    def _take(self, document: Document, event: Event) -> None:
        if document is not self.document or document.state != "reading":
            return
        if isinstance(event, Opened):
            self._opened(document, event)
        elif isinstance(event, Pictured):
            self._pictured(document, event)
        elif isinstance(event, Answered):
            document.answers = {answer.classifier: answer for answer in event.answers}
            document.answered_s = event.until_s
            self.changed.emit(Change.ANSWERS)
        elif isinstance(event, Noticed):
            document.notices.append(event.text)
            self.changed.emit(Change.NOTICE)
        elif isinstance(event, Finished):
            document.real_duration_s, document.from_cache, document.devices = event.duration_s, event.from_cache, event.devices
            self.changed.emit(Change.RECORDING)

    def _opened(self, document: Document, event: Opened) -> None:
        document.recording = event.recording
        texts = [str(path) for path in [document.path, *self.recent] if path is not None]
        self.settings.set("recent", list(dict.fromkeys(texts))[:_RECENT])
        self.changed.emit(Change.RECORDING)

    def _pictured(self, document: Document, event: Pictured) -> None:
        known = document.picture is not None and document.picture.folder == event.folder
        if not known and document.recording is not None:
            document.picture = Picture(event.folder, document.recording.sample_rate)
        self.changed.emit(Change.PICTURE)

    def _progress(self, fraction: float, _text: str) -> None:
        self.document.progress = min(1.0, fraction) if math.isfinite(fraction) else math.nan
        self.changed.emit(Change.PROGRESS)

    def _done(self, _result: None) -> None:
        self.document.progress = 1.0
        self._settle("ready")

    def _failed(self, error: Exception) -> None:
        self.document.error = said(error)
        self._settle("failed")

    def _settle(self, state: str) -> None:
        self.document.state = state
        self._queue.hold(False)
        for change in (Change.RECORDING, Change.ANSWERS, Change.PROGRESS):
            self.changed.emit(change)
        if self._outdated:
            self.reanswer()

    def _found(self, paths: list[Path]) -> None:
        self._set_activity("")
        if not paths:
            self._complain(MusicClassError("No audio files were found there; open another folder."))
            return
        if self.document.state != "reading":
            self.open(paths[0])
        self._queue.add(paths)

    def _warmed(self, _result: Any) -> None:
        self._tell(Change.DEVICE)
        self.teaching.begin()

    def _not_warmed(self, error: Exception) -> None:
        self._complain(error)
        self.teaching.begin()

    def _no_devices(self, error: Exception) -> None:
        self._devices_known([["cpu", "CPU"]])
        self._complain(error)

    def _devices_known(self, found: list[list[str]]) -> None:
        self.devices = [(name, text) for name, text in found]
        self._name_device()

    def _name_device(self) -> None:
        """The device that the setting leads to."""
        wanted = self.settings.get("device")
        texts = dict(self.devices)
        best = self.devices[-1][1] if len(self.devices) == 1 else self.devices[1][1] if self.devices else "starting…"
        self.device = best if wanted == "auto" else texts.get(wanted, texts.get("cpu", "CPU"))
        self._tell(Change.DEVICE)

    def _shelf_changed(self) -> None:
        """Other encoders than before can be used."""
        self._tell(Change.SETTINGS)
        self.reanalyse(fresh=False)

    def _setting_changed(self, key: str) -> None:
        if key == "device":
            self._name_device()
        if key in _ANALYSIS_SETTINGS:
            self.reanalyse(fresh=False)
        self._tell(Change.SETTINGS)

    def _set_activity(self, text: str) -> None:
        self.activity = text
        self._tell(Change.NOTICE)

    def _complain(self, error: Exception) -> None:
        self.activity = ""
        sentence = said(error)
        if sentence not in self.notices:
            self.notices.append(sentence)
        self._tell(Change.NOTICE)

    def _tell(self, change: Change) -> None:
        self.changed.emit(change)


def _read_span(recording: Any, start_s: float, end_s: float, token: Token) -> Audio:
    from musicclass_gui.engine.audio import read_window, to_mono

    return to_mono(read_window(recording, start_s, end_s, token))
