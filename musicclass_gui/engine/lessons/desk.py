"""The desk: everything that can be asked of a project, for the window's worker and the command line alike.

It keeps one project open and does one thing at a time. What a lesson is made of is the book's and the teacher's part; what comes
back is a Board. It knows no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine import encoders
from musicclass_gui.engine.analysis import Analyst
from musicclass_gui.engine.errors import ClassifierError, EncoderError, LessonError, MusicClassError, ProjectError
from musicclass_gui.engine.lessons import packing, packs
from musicclass_gui.engine.lessons.boarding import board_of, lesson_view
from musicclass_gui.engine.lessons.book import Book
from musicclass_gui.engine.lessons.plan import Plan, plan_drop
from musicclass_gui.engine.lessons.report import LessonCard
from musicclass_gui.engine.lessons.teacher import Ears, Teacher, Tell
from musicclass_gui.engine.plain import from_plain
from musicclass_gui.engine.project.rows import WORDS
from musicclass_gui.engine.project.store import SUFFIX, Project, absolute
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.lessons.looking import Looking
    from musicclass_gui.engine.lessons.news import News
    from musicclass_gui.engine.lessons.wording import Wording
    from musicclass_gui.engine.project.board import Board, LessonView
    from musicclass_gui.engine.project.rows import ClassifierRow, LessonRow
    from musicclass_gui.engine.shelf import Shelf

FIRST_TITLE = "My classes"
_PREFERRED = "mn04-as"  # where its weights are: it heard sounds of every kind, and classes may be of any
_WITHOUT_WEIGHTS = "house-v1"


def _untold(news: News) -> None:
    """Nobody listens to how it goes."""


@dataclass(frozen=True)
class Wanted:
    """Which classifier is to learn: one that is there, or (`classifier` 0) a new one of this kind."""

    classifier: int = 0
    title: str = FIRST_TITLE
    method: str = "gaussian"
    encoder: str = ""
    options: tuple[tuple[str, Any], ...] = ()


class Desk:
    """One project at a time. Methods that change something return the board as it is then. Errors are MusicClassErrors."""

    def __init__(self, cache_folder: Path, *, device: str = "auto", weights_folder: str = "") -> None:
        self.ears = Ears(Analyst(cache_folder), cache_folder, device, weights_folder)
        self._project: Project | None = None

    # The project

    def open(self, path: Path, *, create: bool = False, write: bool = True) -> None:
        """Make this the project that is worked on, if it is not; one that could only be read is tried again. Raises ProjectError."""
        path, there = absolute(path), self._project
        again = there is not None and there.path == path
        if there is not None and again and not (write and there.read_only):
            return
        opened = Project.create(path) if create and not again and not path.exists() else Project.open(path, write=write)
        self.close()
        self._project = opened

    def create(self, path: Path) -> Board:
        """Make a new project, empty, and work on it."""
        made = Project.create(path)
        self.close()
        self._project = made
        return self.board()

    def close(self) -> None:
        """Let the project go."""
        if self._project is not None:
            self._project.close()
            self._project = None

    def save_as(self, path: Path) -> Board:
        """Copy the whole project to another file, and work on that from now on."""
        self.project.save_as(path)
        self.open(path)
        return self.board()

    def find_moved(self, folder: Path, token: Token) -> Board:
        """Look for recordings that are not where they were, by their content."""
        self.project.find_moved([folder], token)
        return self.board()

    @property
    def project(self) -> Project:
        """The project that is open."""
        if self._project is None:
            raise ProjectError("No project is open; open or make one first.")
        return self._project

    def board(self) -> Board:
        """Everything there is to show."""
        book = self._book
        return board_of(self.project, undo=book.undo_title, redo=book.redo_title)

    def lesson(self, number: int) -> LessonView:
        """One lesson with its card."""
        return lesson_view(self.project.lesson(number), with_card=True)

    # Teaching

    def plan(self, paths: Sequence[Path], token: Token) -> Plan:
        """What these folders and files would teach, every file looked into."""
        return plan_drop(paths, budget_s=None, token=token)

    def wanted(self, classifier: str = "", *, method: str = "", encoder: str = "", options: dict[str, Any] | None = None) -> Wanted:
        """The classifier that is meant: the one named, else the only one, else a new one. Raises LessonError."""
        if not classifier and all(row.method == WORDS for row in self.project.classifiers()):
            return Wanted(0, FIRST_TITLE, method or "gaussian", encoder, tuple((options or {}).items()))
        row = self.project.classifier(self.classifier_named(classifier))
        if method not in ("", row.method) or encoder not in ("", row.encoder) or not (options or {}).items() <= row.options.items():
            raise LessonError(f"“{row.key}” learns by {row.method} on {row.encoder}; leave these options out, or teach another classifier.")
        return Wanted(row.id)

    def taught(self, plan: Plan, wanted: Wanted, token: Token, tell: Tell) -> LessonCard:
        """Give a lesson and keep it; its card. The same lesson, interrupted before, is gone on with. Raises LessonError for another one."""
        interrupted = self.board().waiting
        if interrupted is None:
            self.teach(plan, wanted, token, tell)
        elif self._teacher.is_of(self.project.lesson(interrupted.id), plan):
            self.go_on(token, tell)
        else:
            raise LessonError(f"“{interrupted.title}” was interrupted: name the same folders to go on with it, or “undo” to drop it.")
        waiting = self._waiting()
        self.keep(waiting.id)
        return from_plain(LessonCard, self.project.lesson(waiting.id).card)

    def teach(self, plan: Plan, wanted: Wanted, token: Token, tell: Tell) -> Board:
        """Listen, learn and examine: afterwards the lesson waits to be kept."""
        if self.project.lessons(states=("planned", "draft")):
            raise LessonError("A lesson waits to be kept or taken back; decide on it first.")
        number = wanted.classifier or self._new(wanted)
        try:
            self._teacher.prepare(plan, number, token, tell)
        except (LessonError, EncoderError, ClassifierError):  # going on would end in the same way
            for row in self.project.lessons(states=("planned", "draft")):
                self._book.take_back(row.id)
            raise
        finally:
            self._drop_if_unused(number)
        return self.board()

    def go_on(self, token: Token, tell: Tell) -> Board:
        """Go on with a lesson that was interrupted."""
        self._teacher.resume(self._waiting(), token, tell)
        return self.board()

    def keep(self, lesson: int) -> Board:
        """Let the classifier be as the lesson made it."""
        self._teacher.keep(self.project.lesson(lesson))
        return self.board()

    def take_back(self, lesson: int) -> Board:
        """Drop a lesson that was not kept, as if it had never been given."""
        number = self.project.lesson(lesson).classifier
        self._book.take_back(lesson)
        self._drop_if_unused(number)
        return self.board()

    # Changing what was taught

    def rename(self, cls: int, name: str) -> Board:
        """Another name for a class; there is nothing to examine."""
        self._teacher.keep(self._book.rename(cls, name))
        return self.board()

    def merge(self, cls: int, into: int, token: Token | None = None, tell: Tell = _untold) -> Board:
        """Make two classes one."""
        return self._at_once(self._book.merge(cls, into), token, tell)

    def delete(self, cls: int, token: Token | None = None, tell: Tell = _untold) -> Board:
        """Forget a class."""
        return self._at_once(self._book.delete(cls), token, tell)

    def move(self, examples: Sequence[int], cls: int | None, token: Token | None = None, tell: Tell = _untold) -> Board:
        """Put examples into another class, or (None) out of use."""
        return self._at_once(self._book.move(list(examples), cls), token, tell)

    def forget(self, lesson: int, token: Token | None = None, tell: Tell = _untold) -> Board:
        """Take away what a lesson taught."""
        return self._at_once(self._book.forget(lesson), token, tell)

    def set_method(self, classifier: int, method: str, options: dict[str, Any], token: Token | None = None, tell: Tell = _untold) -> Board:
        """Another way of learning, from the same examples."""
        return self._at_once(self._book.change_method(classifier, method, options), token, tell)

    def undo(self, token: Token) -> Board:
        """Take the last lesson back."""
        self._teacher.undo(token)
        return self.board()

    def redo(self, token: Token) -> Board:
        """Bring the lesson back that was taken back last."""
        self._teacher.redo(token)
        return self.board()

    # Classifiers

    def new_classifier(self, wanted: Wanted, start_from: str, token: Token | None = None) -> Board:
        """A new classifier: empty, or with all that a shipped one, a pack or another project's knows."""
        if not start_from:
            self._new(wanted)
            return self.board()
        return self._at_once(self._started(wanted, self._pack(start_from, wanted.encoder)), token)

    def remove_classifier(self, classifier: int) -> Board:
        """Take a classifier and its lessons out of the project for good."""
        with self.project.writing():
            self.project.remove_classifier(classifier)
        return self.board()

    def pack_import(self, path: Path, classifier: int = 0, token: Token | None = None) -> Board:
        """Take in a class pack, or another project's classifier: joined with a classifier, or (0) as one of its own."""
        pack = self._pack(str(path), "")
        if not classifier:
            return self._at_once(self._started(Wanted(0, self._free_title(pack.title)), pack), token)
        return self._at_once(self._book.start_from(classifier, pack, pack.title), token)

    def pack_export(self, classifier: int, path: Path) -> Board:
        """Write a classifier as one file."""
        packs.write(path, packing.pack_of(self.project, classifier))
        return self.board()

    def classifier_named(self, key: str = "") -> int:
        """A classifier by its key, or the only one that is taught. Raises LessonError."""
        rows = self.project.classifiers()
        found = [row for row in rows if row.key == key or (not key and row.method != WORDS)]
        if len(found) != 1:
            known = ", ".join(row.key for row in rows) or "none yet"
            missing = f"There is no classifier “{key}”" if key else "Say which classifier is meant"
            raise LessonError(f"{missing}; the project has {known}.")
        return found[0].id

    def class_named(self, name: str, classifier: str = "") -> int:
        """A class by its name. Raises LessonError."""
        rows = [row for row in self.project.classifiers() if classifier in ("", row.key)]
        found = [one.id for row in rows for one in self.project.classes(row.id) if one.name == name]
        if len(found) != 1:
            why = "no class" if not found else "more than one class"
            raise LessonError(f"There is {why} “{name}” in this project; “musicclass classes” lists them, --classifier says where.")
        return found[0]

    # Naming by words

    def add_words(self, title: str, encoder: str, template: str, phrases: Sequence[str]) -> Board:
        """A new classifier that compares sound with phrases, put into a sentence; `encoder` "" takes one that is here."""
        self._wording.add(title, encoder, template, phrases)
        return self.board()

    def set_words(self, classifier: int, template: str, phrases: Sequence[str]) -> Board:
        """Other phrases for a classifier by words, or another sentence around them."""
        self._wording.change(classifier, template, phrases)
        return self.board()

    def words_plan(self, classifier: int, phrase: str, paths: Sequence[Path], token: Token, tell: Tell = _untold) -> Plan:
        """What would be taught as a class named after a phrase: what of these recordings is answered by it."""
        return self._wording.plan(classifier, phrase, paths, token, tell)

    # Looking around

    @property
    def looking(self) -> Looking:
        """Pictures, maps, likenesses and doubts."""
        from musicclass_gui.engine.lessons.looking import Looking

        return Looking(self.project, self.ears)

    def teach_confirmed(self, classifier: int, token: Token, tell: Tell) -> Board:
        """Make a lesson of what the user confirmed while reviewing."""
        self._teacher.prepare_confirmed(classifier, token, tell)
        return self.board()

    # Parts

    @property
    def _book(self) -> Book:
        return Book(self.project)

    @property
    def _teacher(self) -> Teacher:
        return Teacher(self.project, self.ears)

    @property
    def _wording(self) -> Wording:
        from musicclass_gui.engine.lessons.wording import Wording

        return Wording(self.project, self.ears)

    @property
    def _shelf(self) -> Shelf:
        return self.ears.analyst.shelf(self.ears.weights_folder)

    def _waiting(self) -> LessonRow:
        found = self.project.lessons(states=("planned", "draft"))
        if not found:
            raise LessonError("No lesson waits to be kept.")
        return found[0]

    def _at_once(self, draft: LessonRow, token: Token | None = None, tell: Tell = _untold) -> Board:
        """Examine and keep a change that needs no question, since it can be undone; one that comes to nothing leaves no trace."""
        try:
            self._teacher.keep(self._teacher.examined(draft, token or Token(), tell))
        except MusicClassError:
            self.take_back(draft.id)
            raise
        return self.board()

    def _new(self, wanted: Wanted) -> int:
        spec = encoders.find_spec(wanted.encoder or self._best_encoder())
        if spec is None:
            raise LessonError(f"There is no encoder “{wanted.encoder}”; known are {', '.join(encoders.specs())}.")
        missing = self._shelf.missing(spec.id)
        if missing:
            raise LessonError(missing)
        return self._book.new_classifier(wanted.title or FIRST_TITLE, spec, wanted.method, dict(wanted.options))

    def _best_encoder(self) -> str:
        return _WITHOUT_WEIGHTS if self._shelf.missing(_PREFERRED) else _PREFERRED

    def _started(self, wanted: Wanted, pack: packs.Pack) -> LessonRow:
        method = pack.head_kind if pack.head_kind != "gaussian" else wanted.method
        with self.project.writing():  # both or neither: what cannot rest on the pack is not left behind empty
            number = self._new(Wanted(0, wanted.title or pack.title, method, pack.encoder))
            return self._book.start_from(number, pack, pack.title)

    def _pack(self, source: str, encoder: str) -> packs.Pack:
        """A shipped classifier by its id, a class pack, or the classifier of another project."""
        shelf = self._shelf
        if source in shelf.ids():
            return packs.of_shipped(classifiers.shipped()[source, shelf.choose(source, encoder).encoder])
        if Path(source).suffix.lower() == SUFFIX:
            with Project.open(Path(source), write=False) as other:
                return packing.pack_of(other, packing.only_classifier(other))
        return packs.read(Path(source))

    def _free_title(self, title: str) -> str:
        """`title`, numbered where another classifier is called so."""
        taken = {row.title for row in self.project.classifiers()}
        numbered = (f"{title} {number}" for number in range(2, len(taken) + 3))
        return next(one for one in (title, *numbered) if one not in taken)

    def _drop_if_unused(self, number: int) -> None:
        """A classifier that was made for a lesson which came to nothing goes with it."""
        if _is_unused(self.project, next((row for row in self.project.classifiers() if row.id == number), None)):
            with self.project.writing():
                self.project.remove_classifier(number)


def _is_unused(project: Project, row: ClassifierRow | None) -> bool:
    return row is not None and row.revision == 0 and not project.lessons(row.id) and not project.classes(row.id)
