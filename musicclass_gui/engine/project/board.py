"""What a window shows of a project: plain data that travels between processes as JSON. It is a picture of the file, never the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from musicclass_gui.engine.lessons.report import LessonCard  # noqa: TC001 - read at run time, by engine.plain


@dataclass(frozen=True)
class ExampleView:
    """An example as the class board shows it. `said` is what it was answered as when held out in the last test ("" if it was not)."""

    id: int
    hash: str
    path: str
    name: str
    missing: bool
    start_s: float | None
    end_s: float | None
    duration_s: float
    group: str
    said: str = ""


@dataclass(frozen=True)
class ClassView:
    """A class with its examples. `quality` is its accuracy in the last test (None: could not be judged).

    `base` names the built-in classifier or the pack that it came with, or is empty; `base_recordings` counts what it learned from there.
    """

    id: int
    name: str
    role: str
    of: int | None
    colour: int
    seconds: float
    groups: int
    quality: float | None
    quality_note: str
    base: str
    base_recordings: int
    examples: list[ExampleView] = field(default_factory=list)


@dataclass(frozen=True)
class WordsView:
    """What a classifier by words compares sound with: `template`, which has {phrase} where each of `phrases` goes."""

    template: str
    phrases: list[str]


@dataclass(frozen=True)
class ClassifierView:
    """A classifier of the project. `measured` is a sentence. One of the method "words" has `words` and no classes."""

    id: int
    key: str
    title: str
    encoder: str
    method: str
    options: dict[str, Any]
    revision: int
    measured: str
    classes: list[ClassView] = field(default_factory=list)
    words: WordsView | None = None


@dataclass(frozen=True)
class LessonView:
    """A lesson. `state` is "planned" (interrupted before it had a card), "draft" (waits to be kept), "kept" or "undone"."""

    id: int
    classifier: int
    kind: str
    title: str
    state: str
    made_at: str
    card: LessonCard | None = None
    forgotten: bool = False  # a later lesson took away what it taught


@dataclass(frozen=True)
class Board:
    """A whole project. `undo` and `redo` are the titles of the lessons that these would take back or bring back, or empty.

    `waiting` is the lesson that waits to be kept or gone on with. `lessons` are newest first, without cards.
    """

    path: str
    title: str
    classifiers: list[ClassifierView] = field(default_factory=list)
    lessons: list[LessonView] = field(default_factory=list)
    waiting: LessonView | None = None
    undo: str = ""
    redo: str = ""
    read_only: str = ""  # why nothing can be changed, or empty

    def classifier(self, number: int) -> ClassifierView | None:
        """The classifier with this id."""
        return next((one for one in self.classifiers if one.id == number), None)


@dataclass(frozen=True)
class Point:
    """A place on the sound map."""

    hash: str
    path: str
    name: str
    start_s: float | None
    end_s: float | None
    x: float
    y: float
    cls: int | None  # its class, None where it is no example
    said: int | None  # what it is answered as


@dataclass(frozen=True)
class SoundMap:
    """Recordings as points. `legend` says in words what distance does and does not mean here; `kept` is the share of the spread shown."""

    how: str  # "pca" or "tsne"
    legend: str
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class Alike:
    """A sound that is like the one that was asked about; `distance` 1 is how far two sounds of one class usually are from each other."""

    hash: str
    path: str
    name: str
    start_s: float
    end_s: float
    distance: float
    cls: str


@dataclass(frozen=True)
class Doubt:
    """A recording or a window to review, the most doubtful first; `verdict` is what the user said of it (None: nothing yet, 0: none)."""

    hash: str
    path: str
    name: str
    start_s: float | None
    end_s: float | None
    label: str
    probability: float
    second: str
    doubt: float  # 0 sure … 1
    why: str
    verdict: int | None = None
    verdict_id: int | None = None
