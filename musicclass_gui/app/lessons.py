"""What is shown of a lesson while it is given: what is going on, how far it is, each file and each epoch. Plain data; no Qt."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicclass_gui.app import words

if TYPE_CHECKING:
    from musicclass_gui.app.jobs import Job
    from musicclass_gui.engine.lessons.news import Heard, News, Trained
    from musicclass_gui.engine.lessons.plan import Plan
    from musicclass_gui.engine.project.board import Board, ClassifierView

WORDS = "words"  # the method of a classifier that is nothing but phrases
_JUDGED_FROM = 0.01  # below this share of the way its rest cannot be estimated


@dataclass(frozen=True)
class Long:
    """A call that takes long: its name, what it is called, and the work."""

    name: str
    text: str
    job: Job[Any]


class Going:
    """What goes on now. `busy` is empty when nothing does; `progress` is 0..1, or NaN while nobody knows.

    `heard` and `curve` are of the last lesson that was begun, and stay when it is over.
    """

    def __init__(self) -> None:
        self.busy = ""
        self.progress = math.nan
        self.heard: list[Heard] = []
        self.curve: list[Trained] = []
        self._waiting: list[str] = []  # what each call that is not over yet is called
        self._left_s: float | None = None
        self._restart()

    @property
    def eta_s(self) -> float | None:
        """Seconds until it is through, once there is something to judge by."""
        if not self.busy or self._left_s is not None:
            return self._left_s
        if not self.progress - self._began > _JUDGED_FROM:
            return None
        return (time.monotonic() - self._began_at) * (1 - self.progress) / (self.progress - self._began)

    def begin(self, text: str) -> None:
        """One more call was made."""
        self._waiting.append(text)
        if len(self._waiting) == 1:
            self._show(text)

    def begin_lesson(self) -> None:
        """Nothing was heard yet."""
        self.heard, self.curve = [], []

    def end(self, text: str) -> None:
        """A call that was begun as `text` is over."""
        self._waiting.remove(text)
        self._show(self._waiting[0] if self._waiting else "")

    def take(self, news: News) -> None:
        """Note what was told."""
        from musicclass_gui.engine.lessons.news import Heard, Staged

        if isinstance(news, Staged):
            self._show(news.text)
        elif isinstance(news, Heard):
            self.heard.append(news)
            if news.total:
                self.move(news.done / news.total)
        else:
            self.curve.append(news)
            self.move(news.epoch / max(1, news.epochs))
            self._left_s = news.eta_s if math.isfinite(news.eta_s) else None

    def move(self, fraction: float) -> None:
        """Note how far it is. A step back begins something new."""
        if not math.isfinite(fraction):
            return
        if math.isnan(self.progress) or fraction < self.progress:
            self._restart(fraction)
        self.progress = min(1.0, fraction)

    def _show(self, text: str) -> None:
        self.busy, self.progress = text, math.nan
        self._restart()

    def _restart(self, fraction: float = 0.0) -> None:
        self._began, self._began_at, self._left_s = fraction, time.monotonic(), None


def why_not(plan: Plan) -> str:
    """Why `plan` cannot be taught as it is, in one sentence, or empty."""
    taught = [one for one in plan.classes if one.taught]
    if not taught:
        return "There is nothing to teach: every class is left out or has no file that can be read."
    if any(not one.name.strip() for one in taught):
        return "Give the class a name." if len(taught) == 1 else "Give every class a name."
    if any(one.role == "negative" and not one.of.strip() for one in taught):
        return "Say which class these examples are not."
    return ""


def answering(board: Board | None) -> tuple[object, ...]:
    """What answers depend on: it differs where recordings may be answered differently."""
    if board is None:
        return ()
    return tuple((board.path, one.key, one.title, one.revision) for one in board.classifiers if gives_answers(one))


def gives_answers(classifier: ClassifierView) -> bool:
    """Whether a classifier was taught a class, or is a list of phrases, which needs none."""
    return bool(classifier.classes) or classifier.method == WORDS


def done_words(before: Board | None, after: Board) -> str:
    """What was done between two boards of a project, in words that say that it can be undone; empty when no lesson was added."""
    if before is None or before.path != after.path:
        return ""
    known = {one.id for one in before.lessons}
    added = [one for one in after.lessons if one.id not in known and one.state == "kept"]
    return f"Done: {added[0].title}. Undo takes it back." if added else ""


def new_classifiers(before: Board | None, after: Board) -> list[int]:
    """The classifiers that were not there yet, oldest first; none of a project that was just opened."""
    if before is None or before.path != after.path:
        return []
    known = {one.id for one in before.classifiers}
    return sorted(one.id for one in after.classifiers if one.id not in known)


def found_words(before: Board | None, after: Board) -> str:
    """How many examples' recordings are found again, and how many are still missing."""
    left = len(_missing(after))
    found = len(_missing(before) - _missing(after)) if before is not None else 0
    if not found:
        return f"None of the {left} missing recordings is there." if left else "No recording is missing."
    return f"Found {words.counted(found, 'recording')}{f'; {left} still missing' if left else ''}."


def _missing(board: Board) -> set[str]:
    return {example.hash for one in board.classifiers for cls in one.classes for example in cls.examples if example.missing}
