"""Teaching as the window sees it: the project's board, the plan in the preview, the lesson that goes on or waits to be kept.

All work and all writing is done by the desk in a process of its own; here its answers are kept as plain data for views.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from musicclass_gui.app import projects
from musicclass_gui.app.desk import DeskLine, Receivers, shaped
from musicclass_gui.app.documents import Change
from musicclass_gui.app.jobs import said
from musicclass_gui.app.lessons import Going, Long, answering, done_words, found_words, new_classifiers, why_not
from musicclass_gui.app.pictures import Pictures
from musicclass_gui.app.review import Review
from musicclass_gui.app.wordlists import WordLists

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from musicclass_gui.app.jobs import Job, Lane
    from musicclass_gui.app.pictures import Key
    from musicclass_gui.app.review import Verdict
    from musicclass_gui.app.settings import Settings
    from musicclass_gui.engine.lessons.news import Heard, News, Trained
    from musicclass_gui.engine.lessons.plan import Plan, PlannedFile
    from musicclass_gui.engine.project.board import Alike, Board, ClassifierView, Doubt, LessonView, SoundMap
    from musicclass_gui.engine.windows import Span

_SWITCHING = frozenset({"new_project", "open_project", "save_as"})
_DRAFTING = frozenset({"teach", "teach_confirmed", "go_on"})
_LEARNING = _DRAFTING | {"set_method", "merge", "delete", "move", "forget"}  # a network may be trained, which can be watched


class Teaching(QObject):
    """One window's project. Made and used on the main thread; its worker process is started by the first call.

    `board` is None until the project was read, and while there is none. `current` is the id of the classifier that is shown (0: none).
    `plan` is what waits in the preview; `pack` a class pack that was dropped and that the user is to be asked about.
    `problem` is why the last call failed, until the next one. Boards, plans and cards are never changed, only replaced.
    """

    changed = Signal(object)  # a Change: BOARD, LESSON or PLAN
    answers_changed = Signal()  # recordings may be answered differently from now on
    done = Signal(str)  # what was done, in words for the status bar

    def __init__(self, settings: Settings, sounds: Callable[[], list[Path]], parent: QObject | None = None) -> None:
        """`sounds` gives the recordings, beside the project's own, that can be reviewed: the queue's and the open one."""
        super().__init__(parent)
        self.board: Board | None = None
        self.current = 0
        self.plan: Plan | None = None
        self.pack: Path | None = None
        self.problem = ""
        self.going = Going()
        self.review = Review(self._verdict, self._withdraw)
        self._settings, self._sounds = settings, sounds
        self._desk = DeskLine()
        self._long: list[Long] = []  # calls that `cancel` can end, the one that goes on first
        self._pictures = Pictures(self._picture)
        self.words = WordLists(self._learn, lambda name, fields, text: self._work(name, fields, text, "Plan", self.edit))

    def begin(self) -> None:
        """Read the project, if there is one: what is open was asked about with its classifiers already."""
        lost = self.project
        if not lost.is_file() and self._settings.get("project"):
            self._settings.set("project", "")
            self._trouble(f"“{lost}” is not there any more, so “{self.project.stem}” is used; if it was moved, open it again.")
        if self.project.is_file():
            self._ask("board", {}, "Board", partial(self._began, self.project))

    def refresh(self) -> None:
        """Read the project anew."""
        self._ask("board", {}, "Board", partial(self._took, self.project))

    # What there is

    @property
    def project(self) -> Path:
        """The project file that is worked with; it is made by the first lesson if it is not there."""
        return projects.current_project(self._settings)

    @property
    def recent_projects(self) -> list[Path]:
        """Projects worked with lately, the last one first."""
        return projects.recent_projects(self._settings)

    @property
    def classifier(self) -> ClassifierView | None:
        """The classifier that is shown."""
        return self.board.classifier(self.current) if self.board else None

    @property
    def waiting(self) -> LessonView | None:
        """The lesson that waits: "planned" to be gone on with, or "draft" to be kept. Both can be taken back."""
        return self.board.waiting if self.board else None

    @property
    def locked(self) -> str:
        """Why nothing can be changed in this project, or empty."""
        return self.board.read_only if self.board else ""

    @property
    def busy(self) -> str:
        """What goes on, or empty."""
        return self.going.busy

    @property
    def progress(self) -> float:
        """How far it is: 0..1, or NaN."""
        return self.going.progress

    @property
    def eta_s(self) -> float | None:
        """Seconds until it is through, or None."""
        return self.going.eta_s

    @property
    def heard(self) -> list[Heard]:
        """Every file that the last lesson listened to, in order."""
        return self.going.heard

    @property
    def curve(self) -> list[Trained]:
        """Every epoch that the last lesson trained, in order."""
        return self.going.curve

    @property
    def lane(self) -> Lane:
        """The lane of lessons."""
        return self._desk.lane

    # What is to be taught

    def propose(self, paths: Sequence[Path]) -> None:
        """Look what teaching files and folders would do; `plan` has it when every file was tried. A project is opened, a pack offered."""
        if self.take(paths):
            return
        self.edit(None)
        self._work("plan", {"paths": [str(path) for path in paths]}, "Looking at the files", "Plan", self.edit)

    def propose_files(self, files: Sequence[PlannedFile], name: str = "", role: str = "class", of: str = "") -> None:
        """Propose recordings, or spans of them, that were read before: the queue's, a lasso's, what is alike."""
        from musicclass_gui.engine.lessons.plan import Plan, PlannedClass

        self.edit(Plan([PlannedClass(name, list(files), role, of)]) if files else None)

    def propose_span(self, path: Path, span: Span, name: str = "") -> None:
        """Propose a span of a recording, in seconds."""
        from musicclass_gui.engine.lessons.plan import PlannedFile

        self.propose_files([PlannedFile(str(path), *span)], name)

    def edit(self, plan: Plan | None) -> None:
        """Replace the plan that waits in the preview; None takes it away."""
        self.plan = plan
        self.changed.emit(Change.PLAN)

    def take(self, paths: Sequence[Path]) -> bool:
        """Open a project, or offer a class pack, that is among `paths`; whether one was."""
        project, self.pack = projects.one_with(paths, projects.PROJECT_SUFFIX), projects.one_with(paths, projects.PACK_SUFFIX)
        if project is not None:
            self.pack = None
            self.open_project(project)
        elif self.pack is not None:
            self.changed.emit(Change.PLAN)
        return project is not None or self.pack is not None

    def dismiss_pack(self) -> None:
        """The user does not want the pack that was dropped."""
        self.pack = None
        self.changed.emit(Change.PLAN)

    # Lessons

    def teach(
        self,
        plan: Plan,
        classifier: int | None,
        *,
        method: str = "",
        encoder: str = "",
        title: str = "",
        options: dict[str, Any] | None = None,
    ) -> None:
        """Listen and learn; the draft then waits with its card. None makes a new classifier, for which the rest is meant."""
        reason = why_not(plan)
        if reason:
            self._trouble(reason)
            return
        self.edit(None)
        from musicclass_gui.engine.plain import to_plain

        about = {"method": method or self._settings.get("teach_method"), "encoder": encoder, "title": title, "options": options or {}}
        self._draft("teach", {"plan": to_plain(plan), "classifier": classifier or 0, **about}, "Listening")

    def teach_confirmed(self) -> None:
        """Teach what was confirmed while reviewing; a draft."""
        self._draft("teach_confirmed", {"classifier": self.current}, "Learning")

    def go_on(self) -> None:
        """Go on with the lesson that was interrupted."""
        if self.waiting is not None:
            self._draft("go_on", {"lesson": self.waiting.id}, "Listening")

    def cancel(self) -> None:
        """Stop what goes on. A lesson leaves no trace, unless it was gone on with: then it waits as before."""
        if not self._long:
            return
        stopped = self._long.pop(0)
        stopped.job.cancel()
        self._over(stopped.text)
        if stopped.name in _DRAFTING:
            take_back = stopped.name != "go_on" and self.waiting is None
            self._ask("board", {}, "Board", partial(self._cancelled, self.project, take_back))

    def keep(self) -> None:
        """Keep the draft."""
        self._settle("keep", "Keeping", "Kept")

    def take_back(self) -> None:
        """Drop the draft, or the lesson that was interrupted."""
        self._settle("take_back", "Taking back", "Taken back")

    def undo(self) -> None:
        """Take the last lesson back."""
        if self.board is not None and self.board.undo:
            self._change("undo", {}, "Undoing", f"Undone: {self.board.undo}")

    def redo(self) -> None:
        """Bring back the lesson that was taken back last."""
        if self.board is not None and self.board.redo:
            self._change("redo", {}, "Redoing", f"Redone: {self.board.redo}")

    def forget(self, lesson: int) -> None:
        """Take away what a lesson did and is still there; a lesson of its own."""
        self._learn("forget", {"lesson": lesson}, "Forgetting")

    # Classes

    def rename(self, cls: int, name: str) -> None:
        """Give a class another name."""
        self._change("rename", {"cls": cls, "name": name}, "Renaming")

    def merge(self, cls: int, into: int) -> None:
        """Make a class part of another one."""
        self._change("merge", {"cls": cls, "into": into}, "Merging")

    def delete(self, cls: int) -> None:
        """Forget a class with its examples."""
        self._change("delete", {"cls": cls}, "Forgetting")

    def move(self, examples: Sequence[int], cls: int | None) -> None:
        """Make examples those of another class; None takes them out of use."""
        self._change("move", {"examples": list(examples), "cls": cls}, "Moving")

    # Classifiers

    def select(self, classifier: int) -> None:
        """Show another classifier."""
        if classifier != self.current:
            self.current = classifier
            self.changed.emit(Change.BOARD)

    def new_classifier(
        self, title: str, method: str = "", encoder: str = "", start_from: str = "", options: dict[str, Any] | None = None
    ) -> None:
        """Make a classifier, empty or from a shipped one's id, a pack's or a project's path; it is shown once it is there."""
        method = method or self._settings.get("teach_method")
        fields = {"title": title, "method": method, "encoder": encoder, "start_from": start_from, "options": options or {}}
        self._learn("new_classifier", fields, "Making the classifier")

    def remove_classifier(self, classifier: int) -> None:
        """Remove a classifier with all its lessons, for good."""
        self._change("remove_classifier", {"classifier": classifier}, "Removing")

    def set_method(self, method: str, options: dict[str, float], classifier: int | None = None) -> None:
        """Let a classifier, the one that is shown by default, learn another way."""
        fields = {"classifier": classifier or self.current, "method": method, "options": options}
        self._learn("set_method", fields, "Learning anew")

    def import_pack(self, path: Path, classifier: int = 0) -> None:
        """Add a pack's classes to a classifier; 0 makes one of it."""
        self.pack = None
        self._learn("pack_import", {"path": str(path), "classifier": classifier}, "Importing")

    def export_pack(self, path: Path, classifier: int | None = None) -> None:
        """Write a classifier, the one that is shown by default, as a class pack."""
        path = projects.with_suffix(path, projects.PACK_SUFFIX)
        self._change("pack_export", {"classifier": classifier or self.current, "path": str(path)}, "Exporting", f"Written to {path}")

    # Projects

    def new_project(self, path: Path) -> None:
        """Make an empty project and work with it."""
        path = projects.with_suffix(path, projects.PROJECT_SUFFIX)
        self._change("new_project", {"path": str(path)}, "Making the project")

    def open_project(self, path: Path) -> None:
        """Work with another project."""
        self._change("open_project", {"path": str(path.absolute())}, "Opening the project")

    def save_project_as(self, path: Path) -> None:
        """Copy the whole project, and work with the copy."""
        path = projects.with_suffix(path, projects.PROJECT_SUFFIX)
        self._change("save_as", {"path": str(path)}, "Copying the project", f"Written to {path}")

    def find_moved(self, folder: Path) -> None:
        """Look in a folder for recordings that are not where they were."""
        done = partial(self._found, self.project)
        self._work("find_moved", {"folder": str(folder)}, "Looking for moved recordings", "Board", done)

    # What is looked at; `receive` is called on the main thread, never after a failure

    def lesson(self, lesson: int, receive: Callable[[LessonView], None]) -> None:
        """A lesson with its card."""
        self._ask("lesson", {"lesson": lesson}, "LessonView", receive)

    def picture(self, key: str, start_s: float | None, end_s: float | None, receive: Callable[[NDArray[np.uint8]], None]) -> None:
        """The mel picture (24 bands, low first, × 64 times, uint8) of a recording by its content hash, or of a span of it."""
        self._pictures.want((key, start_s, end_s), receive)

    def sound_map(self, how: str, receive: Callable[[SoundMap], None]) -> None:
        """Everything in the project as points: `how` is "pca" or "tsne"."""
        self._work("sound_map", {"classifier": self.current, "how": how}, "Drawing the sound map", "SoundMap", receive)

    def alike(self, path: Path, span: Span | None, receive: Callable[[list[Alike]], None]) -> None:
        """The project's sounds that are like a recording or a span of it, the nearest first."""
        start_s, end_s = span or (None, None)
        fields = {"classifier": self.current, "path": str(path), "start_s": start_s, "end_s": end_s}
        self._work("alike", fields, "Looking for more like this", "Alikes", receive)

    def doubts(self, receive: Callable[[list[Doubt]], None]) -> None:
        """What to review, the most doubtful first."""
        fields = {"classifier": self.current, "paths": [str(path) for path in self._sounds()]}
        self._work("doubts", fields, "Looking for what is doubtful", "Doubts", receive)

    def verdict(self, doubt: Doubt, cls: int | None) -> None:
        """The user says what a doubtful one is: a class, or None for none of them."""
        self.review.say(doubt, cls)
        self.changed.emit(Change.LESSON)

    def undo_verdict(self) -> Doubt | None:
        """Take the last verdict back; what it was about."""
        doubt = self.review.take_back()
        self.changed.emit(Change.LESSON)
        return doubt

    def close(self, timeout_s: float) -> None:
        """End the worker; a lesson that is not through can be gone on with after the next start."""
        self._desk.close(timeout_s)

    # How the desk is asked

    def _fields(self) -> dict[str, Any]:
        get = self._settings.get
        return {"project": str(self.project), "device": get("device"), "weights_folder": get("weights_folder")}

    def _ask(self, name: str, fields: dict[str, Any], kind: str, done: Callable[[Any], None]) -> None:
        """Ask aside: nobody sees that it goes on."""
        to = Receivers(done, lambda error: self._trouble(said(error)))
        self._desk.ask(name, {**self._fields(), **fields}, partial(shaped, kind), to)

    def _change(self, name: str, fields: dict[str, Any], text: str, words: str = "") -> None:
        """Let the desk change something; a board comes back."""
        asked = None if name in _SWITCHING else self.project
        self._run(name, fields, text, "Board", partial(self._changed, asked, words))

    def _learn(self, name: str, fields: dict[str, Any], text: str) -> None:
        """As `_change`, for what takes long and can be cancelled."""
        self._work(name, fields, text, "Board", partial(self._changed, self.project, ""))

    def _draft(self, name: str, fields: dict[str, Any], text: str) -> None:
        """As `_learn`, for what ends in a draft and tells of files and epochs on the way."""
        self._work(name, fields, text, "Board", partial(self._drafted, name, self.project))

    def _work(self, name: str, fields: dict[str, Any], text: str, kind: str, done: Callable[[Any], None]) -> None:
        """As `_run`, for what can be cancelled."""
        self._long.append(Long(name, text, self._run(name, fields, text, kind, done)))

    def _run(self, name: str, fields: dict[str, Any], text: str, kind: str, done: Callable[[Any], None]) -> Job[Any]:
        self.problem = ""
        if name in _DRAFTING or (name in _LEARNING and not self.busy):
            self.going.begin_lesson()
        self.going.begin(text)
        self.changed.emit(Change.LESSON)
        to = Receivers(partial(self._succeeded, text, done), partial(self._broke, text), self._told, self._progressed)
        return self._desk.ask(name, {**self._fields(), **fields}, partial(shaped, kind), to)

    def _settle(self, name: str, text: str, words: str) -> None:
        if self.waiting is not None:
            self._change(name, {"lesson": self.waiting.id}, text, f"{words}: {self.waiting.title}")

    def _picture(self, key: Key, done: Callable[[str], None], failed: Callable[[Exception], None]) -> None:
        fields = dict(zip(("hash", "start_s", "end_s"), key, strict=True))
        self._desk.ask("picture", {**self._fields(), **fields}, str, Receivers(done, failed))

    def _verdict(self, verdict: Verdict) -> None:
        doubt = verdict.doubt
        place = {"path": doubt.path, "hash": doubt.hash, "start_s": doubt.start_s, "end_s": doubt.end_s}
        to = Receivers(partial(self.review.kept, verdict), partial(self._verdict_lost, verdict))
        fields = {**self._fields(), "classifier": self.current, **place, "cls": verdict.cls}
        self._desk.ask("verdict", fields, lambda answer: int(answer["id"]), to)

    def _verdict_lost(self, verdict: Verdict, error: Exception) -> None:
        self.review.lost(verdict)
        self._trouble(said(error))

    def _withdraw(self, number: int) -> None:
        self._ask("remove_verdict", {"id": number}, "", lambda _answer: None)

    # What comes back, on the main thread

    def _told(self, news: News) -> None:
        self.going.take(news)
        self.changed.emit(Change.LESSON)

    def _progressed(self, fraction: float, _text: str) -> None:
        self.going.move(fraction)
        self.changed.emit(Change.LESSON)

    def _succeeded(self, text: str, done: Callable[[Any], None], value: Any) -> None:
        self._over(text)
        done(value)

    def _broke(self, text: str, error: Exception) -> None:
        """A call failed: what is there now is asked for, since part of it may have been done."""
        self._over(text)
        self._trouble(said(error))
        if self.project.is_file():
            self.refresh()

    def _over(self, text: str) -> None:
        self.going.end(text)
        self._long = [one for one in self._long if one.job.live]
        self.changed.emit(Change.LESSON)

    def _trouble(self, sentence: str) -> None:
        self.problem = sentence
        self.changed.emit(Change.LESSON)

    def _began(self, asked: Path, board: Board) -> None:
        if self.board is None and asked == self.project:
            self.board = board
        self._took(asked, board)

    def _changed(self, asked: Path | None, words: str, board: Board) -> None:
        words = words or done_words(self.board, board)
        self._took(asked, board)
        if words:
            self.done.emit(words)

    def _found(self, asked: Path, board: Board) -> None:
        self._changed(asked, found_words(self.board, board), board)

    def _drafted(self, name: str, asked: Path, board: Board) -> None:
        if name == "teach_confirmed":
            self.review.clear()
        self._took(asked, board)

    def _cancelled(self, asked: Path, take_back: bool, board: Board) -> None:
        self._took(asked, board)
        if take_back:
            self.take_back()

    def _took(self, asked: Path | None, board: Board) -> None:
        """Show a board, unless it is of the project that was left meanwhile; `asked` None: the board says which project is worked with."""
        if asked is not None and asked != self.project:
            return
        added = new_classifiers(self.board, board)
        before, self.board = answering(self.board), board
        if asked is None:
            self._switched(Path(board.path))
        ids = [one.id for one in board.classifiers]
        if board.waiting is not None and board.waiting.classifier in ids:
            self.current = board.waiting.classifier
        elif added:
            self.current = added[-1]
        elif self.current not in ids:
            self.current = ids[0] if ids else 0
        for change in (Change.BOARD, Change.LESSON):
            self.changed.emit(change)
        if answering(board) != before:
            self.answers_changed.emit()

    def _switched(self, project: Path) -> None:
        projects.remember(self._settings, project)
        self._pictures.forget()
        self.review.clear()
        self.edit(None)
