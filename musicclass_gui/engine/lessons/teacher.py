"""The road of a lesson: listen to what was planned, learn it, examine what that did; afterwards it waits to be kept.

A lesson that is interrupted while listening or learning stays planned, and is gone on with where it was. It shows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import encoders
from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import learning, making
from musicclass_gui.engine.lessons.additions import Addition
from musicclass_gui.engine.lessons.book import Book
from musicclass_gui.engine.lessons.examine import Context, examine
from musicclass_gui.engine.lessons.listen import listen
from musicclass_gui.engine.lessons.news import Heard, News, Staged, Trained
from musicclass_gui.engine.lessons.outlook import Outlook
from musicclass_gui.engine.lessons.plan import Plan
from musicclass_gui.engine.lessons.sides import sides_of
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.project.tags import Tags, group_of
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from musicclass_gui.engine.analysis import Analyst
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec
    from musicclass_gui.engine.heads.replay import ReplayHead
    from musicclass_gui.engine.lessons.listen import Listened
    from musicclass_gui.engine.lessons.plan import PlannedClass, PlannedFile
    from musicclass_gui.engine.lessons.training import Options, TrainItem
    from musicclass_gui.engine.project.rows import ClassifierRow, LessonRow
    from musicclass_gui.engine.project.store import Project

Tell = Callable[[News], None]

_PLAN, _EMBED_S = "plan", "embed_s"
_MOST_NAMED = 5


@dataclass
class Ears:
    """What listening needs: encoders that stay loaded, the cache, where to compute, where weights are."""

    analyst: Analyst
    cache_folder: Path
    device: str = "auto"
    weights_folder: str = ""

    def listen(
        self, project: Project, files: list[Path], encoder: str, token: Token, tell: Callable[[Heard], None]
    ) -> dict[Path, Listened]:
        """Embed files into the project. Raises WeightsError when the encoder's weights are not here."""
        spec, load = self.spec(encoder), partial(self.encoder, encoder)
        self.analyst.shelf(self.weights_folder).weights_of(encoder)  # what is missing is said before anything is read
        with opened(self.cache_folder) as cache:
            return listen(project, files, spec, load, cache, token, tell)

    def encoder(self, encoder: str) -> Encoder:
        """The encoder, loaded. Raises WeightsError, EncoderError."""
        return self.analyst.encoder(encoder, self.device, self.analyst.shelf(self.weights_folder).weights_of(encoder))

    def spec(self, encoder: str) -> EncoderSpec:
        """What there is to know of an encoder. Raises LessonError when this program has none of that name."""
        spec = encoders.find_spec(encoder)
        if spec is None:
            raise LessonError(f"This program has no encoder “{encoder}”, so the classifier cannot learn here; a newer version may have it.")
        return spec


@dataclass
class Teacher:
    """Gives lessons in one project. What can take long is given a token and somebody to tell."""

    project: Project
    ears: Ears
    _curve: list[tuple[float, ...]] = field(default_factory=list)

    @property
    def book(self) -> Book:
        """Where lessons are written."""
        return Book(self.project)

    def prepare(self, plan: Plan, classifier: int, token: Token, tell: Tell) -> LessonRow:
        """A lesson from the user's plan up to its card."""
        if not any(one.taught for one in plan.classes):
            raise LessonError("There is nothing to teach: no recording is left in the plan.")
        return self.resume(self.book.plan(classifier, _title(plan), {_PLAN: to_plain(plan)}), token, tell)

    def is_of(self, lesson: LessonRow, plan: Plan) -> bool:
        """Whether a lesson was given for just this plan."""
        return bool(lesson.plan.get(_PLAN) == to_plain(plan))

    def resume(self, lesson: LessonRow, token: Token, tell: Tell) -> LessonRow:
        """Go on with a lesson, wherever it was."""
        row = self.project.classifier(lesson.classifier)
        self._require_same_encoder(row)
        if lesson.state == "planned":
            lesson = self._listened(lesson, row, token, tell)
        return self._examined_or_dropped(lesson, token, tell)

    def prepare_confirmed(self, classifier: int, token: Token, tell: Tell) -> LessonRow:
        """A lesson of what the user confirmed while reviewing. Raises LessonError when there is nothing."""
        newest = {(one.hash, one.start_s, one.end_s): one for one in self.project.verdicts(classifier)}  # of one sound the last counts
        names = {row.id: row.name for row in self.project.classes(classifier)}
        verdicts = [one for one in newest.values() if one.cls in names and one.taught is None]
        additions = [self._addition(names[one.cls or 0], one.hash, (one.start_s, one.end_s)) for one in verdicts]
        if not additions:
            raise LessonError("Nothing has been confirmed yet; say of some recordings what they are.")
        with self.project.writing():
            lesson = self.book.teach(classifier, additions)
            self.project.set_verdict_taught([one.id for one in verdicts], lesson.id)
        return self._examined_or_dropped(lesson, token, tell)

    def _examined_or_dropped(self, lesson: LessonRow, token: Token, tell: Tell) -> LessonRow:
        """As `examined`; a lesson that cannot be learned at all does not wait."""
        try:
            return self.examined(lesson, token, tell)
        except LessonError:
            self.book.take_back(lesson.id)
            raise

    def examined(self, lesson: LessonRow, token: Token, tell: Tell) -> LessonRow:
        """Learn a draft, as far as that is not written down, and write its card; what it would make is not kept yet."""
        outlook = Outlook(self.project, self.project.classifier(lesson.classifier), self.book.changes(lesson.id))
        tell(Staged("Learning"))
        started = time.perf_counter()
        head = self.book.learned(lesson.id, self._trainer(lesson, token, tell), token)
        learn_s = time.perf_counter() - started
        if head.head is None:
            return lesson  # nothing is left that could be examined
        tell(Staged("Checking what was learned"))
        before, after = sides_of(outlook, head, token, partial(self._hear, outlook.now, token))
        grounds = making.grounds_of(outlook.bases())
        context = Context(
            title=lesson.title,
            method=outlook.row.method,
            encoder=outlook.row.encoder,
            fallback=making.fallback(outlook.row, grounds),
            curve=list(self._curve),
            embed_s=float(lesson.plan.get(_EMBED_S, 0.0)),
            learn_s=learn_s,
        )
        card = examine(before, after, context, token)
        with self.project.writing():
            self.project.set_lesson(lesson.id, card=to_plain(card))
            if outlook.row.method == "replay":
                self.project.set_head(lesson.classifier, lesson.id, head.state)
        return self.project.lesson(lesson.id)

    def keep(self, lesson: LessonRow) -> None:
        """Let a draft take effect."""
        state = self.project.head(lesson.classifier, lesson.id)
        head = learning.restored(state) if state else self.book.learned(lesson.id, self._trainer(lesson))
        self.book.keep(lesson.id, head)

    def undo(self, token: Token) -> None:
        """Take the last lesson back."""
        self.book.undo(self._trainer(None, token), token)

    def redo(self, token: Token) -> None:
        """Bring back the lesson taken back last."""
        self.book.redo(self._trainer(None, token), token)

    # Listening

    def _listened(self, lesson: LessonRow, row: ClassifierRow, token: Token, tell: Tell) -> LessonRow:
        """The draft that the planned lesson becomes. Raises LessonError when nothing of it can be learned."""
        plan = from_plain(Plan, lesson.plan.get(_PLAN))
        tell(Staged("Listening"))
        started = time.perf_counter()
        files = [Path(file.path) for one in plan.classes for file in one.taught]
        heard = self.ears.listen(self.project, files, row.encoder, token, tell)
        additions = [made for one in plan.classes for file in one.taught for made in self._planned(one, file, heard)]
        try:
            if not additions:
                raise LessonError(_why_nothing(heard))
            with self.project.writing():
                self.project.set_lesson(lesson.id, plan={**lesson.plan, _EMBED_S: time.perf_counter() - started})
                return self.book.teach(row.id, additions, lesson=lesson.id)
        except LessonError:
            self.book.take_back(lesson.id)
            raise

    def _planned(self, one: PlannedClass, file: PlannedFile, heard: dict[Path, Listened]) -> list[Addition]:
        found = heard[Path(file.path)]
        if not found.hash:
            return []
        return [self._addition(one.name, found.hash, (file.start_s, file.end_s), one.role, one.of, file.group)]

    def _addition(
        self, name: str, hash: str, span: tuple[float | None, float | None], role: str = "class", of: str = "", subfolder: str = ""
    ) -> Addition:
        recording = self.project.recording(hash)
        tags = Tags(recording.title, recording.artist, recording.album) if recording else Tags()
        return Addition(name, role, of, hash, *span, group_of(tags, subfolder))

    def _require_same_encoder(self, row: ClassifierRow) -> None:
        spec = self.ears.spec(row.encoder)
        if spec.version != row.encoder_version or spec.grid.name != row.grid:
            raise LessonError(f"“{row.title}” learned with another version of {row.encoder}; start a new classifier to teach more.")

    # Fine-tuning

    def _trainer(self, lesson: LessonRow | None, token: Token | None = None, tell: Tell | None = None) -> learning.Trainer:
        """Trains networks where the user wants it; of a lesson that waits, it goes on from its checkpoint."""
        self._curve.clear()
        return partial(self._train, lesson, token, tell)

    def _train(
        self,
        lesson: LessonRow | None,
        token: Token | None,
        tell: Tell | None,
        before: ReplayHead | None,
        new: list[TrainItem],
        old: list[TrainItem],
        options: dict[str, Any],
    ) -> ReplayHead:
        from musicclass_gui.engine.lessons.training import Options

        def told(news: Trained) -> None:
            self._curve.append((float(news.epoch), news.loss, news.accuracy, news.held_out_accuracy))
            if tell is not None:
                tell(news)

        rest: dict[str, Any] = {
            "checkpoint": partial(self._checkpoint, lesson.id) if lesson else None,
            "resume": self.project.checkpoint(lesson.id) if lesson else None,
            "device": devices.resolve(self.ears.device).name,
        }
        wanted = from_plain(Options, options)
        course = _Course(before, new, old, wanted, token or Token(), told, rest)
        return self._tuned(course) if wanted.unfreeze and new else course.train()

    def _tuned(self, course: _Course) -> ReplayHead:
        """Training that includes the encoder's last blocks needs the sound of all that it looks at, and keeps what later ones need."""
        from musicclass_gui.engine.lessons.sounding import Sounds
        from musicclass_gui.engine.lessons.tuning import to_keep

        row = next(row for row in self.project.classifiers() if self.project.examples(row.id, ids=[course.new[0].example]))
        sounds = Sounds(self.project, row, self.ears.spec(row.encoder), course.token)
        new, old = sounds.with_sound(course.new), sounds.with_sound(course.old)
        remembered = sounds.remembered(course.before, [*new, *old]) if course.before else []
        course.rest["encoder"] = self.ears.encoder(row.encoder)
        head = replace(course, new=new, old=[*old, *remembered]).train()
        sounds.keep(to_keep(head, [*new, *old, *remembered], course.options.budget))
        return head

    def _hear(self, row: ClassifierRow, token: Token, head: Any, example: int) -> Embeddings | None:
        """What a network's own encoder makes of an example; None where it did not tune it."""
        if not getattr(head, "tail", {}):
            return None
        from musicclass_gui.engine.lessons.sounding import Sounds

        sounds = Sounds(self.project, row, self.ears.spec(row.encoder), token)
        return sounds.embedded(example, encoders.with_tail(self.ears.encoder(row.encoder), head.tail))

    def _checkpoint(self, lesson: int, state: bytes) -> None:
        with self.project.writing():
            self.project.set_checkpoint(lesson, state)


def _title(plan: Plan) -> str:
    """What a lesson is called before it is known what comes of it."""
    names = [f"“{one.name}”" for one in plan.classes if one.taught]
    return f"Teach {', '.join(names[:_MOST_NAMED])}{' …' if len(names) > _MOST_NAMED else ''}"


@dataclass(frozen=True)
class _Course:
    """One call of `training.train`."""

    before: ReplayHead | None
    new: list[TrainItem]
    old: list[TrainItem]
    options: Options
    token: Token
    told: Callable[[Trained], None]
    rest: dict[str, Any]

    def train(self) -> ReplayHead:
        """The network that comes of it."""
        from musicclass_gui.engine.lessons.training import train

        return train(self.before, self.new, self.old, self.options, self.token, self.told, **self.rest)


def _why_nothing(heard: dict[Path, Listened]) -> str:
    reasons = [f"{path.name}: {found.reason}" for path, found in heard.items() if found.reason]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"Nothing could be learned. {reasons[0]}{more}" if reasons else "Nothing could be learned: there are no recordings."
