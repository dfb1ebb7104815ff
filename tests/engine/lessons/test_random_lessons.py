"""After any two hundred lessons a classifier is what it would be had it been taught nothing but what is left of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from taught_projects import DIM, Desk, added, assert_same, drawn, hashed, queries, record

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.heads.sums import HIDDEN
from musicclass_gui.engine.lessons.additions import Addition
from musicclass_gui.engine.lessons.packing import pack_of
from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from musicclass_gui.engine.lessons.packs import Pack
    from musicclass_gui.engine.project.rows import ClassRow

RECORDINGS = 60
LESSONS = 200
SEEDS = (0, 4, 20)


def fill(project: Project) -> None:
    for number in range(RECORDINGS):
        record(project, number, drawn(number, number % 5))


def pack_in(folder: Path, method: str) -> Pack:
    """What another user's classifier knows: four classes, from recordings of their own."""
    with Project.create(folder / "theirs.musicclass") as project:
        for number in range(1000, 1024):
            record(project, number, drawn(number, number % 4))
        desk = Desk(project, method)
        desk.teach(*(added(f"theirs {k}", *range(1000 + k, 1024, 4)) for k in range(3)))
        desk.teach(added("their noise", *range(1003, 1024, 4), role="background"))
        return pack_of(project, desk.id)


class Life:
    """A user who does whatever comes to mind."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.rng = desk, np.random.default_rng(seed)
        self.fresh_names = 0
        self.done: list[str] = []

    def name(self) -> str:
        self.fresh_names += 1
        return f"name {self.fresh_names}"

    def some(self, of: list[int], most: int) -> list[int]:
        return [int(one) for one in self.rng.choice(of, min(len(of), int(self.rng.integers(1, most + 1))), replace=False)] if of else []

    def one_class(self) -> int:
        return int(self.rng.choice([row.id for row in self.desk.project.classes(self.desk.id)]))

    def teach(self) -> None:
        self.desk.teach(*(added(self.name(), *self.some([*range(RECORDINGS)], 6)) for _ in range(int(self.rng.integers(1, 3)))))

    def extend(self) -> None:
        row = self.desk.project.cls(self.one_class())
        start = float(self.rng.integers(0, 4))
        span = Addition(row.name, "class", "", hashed(int(self.rng.integers(RECORDINGS))), start, start + 4.0)
        self.desk.teach(added(row.name, *self.some([*range(RECORDINGS)], 4)), [span])

    def background(self) -> None:
        self.desk.teach(added(self.name(), *self.some([*range(RECORDINGS)], 3), role="background"))

    def negative(self) -> None:
        self.desk.teach(added("", *self.some([*range(RECORDINGS)], 3), role="negative", of=self.desk.project.cls(self.one_class()).name))

    def rename(self) -> None:
        self.desk.keep(self.desk.book.rename(self.one_class(), self.name()))

    def merge(self) -> None:
        self.desk.keep(self.desk.book.merge(self.one_class(), self.one_class()))

    def delete(self) -> None:
        self.desk.keep(self.desk.book.delete(self.one_class()))

    def move(self) -> None:
        examples = self.some([row.id for row in self.desk.project.examples(self.desk.id)], 5)
        self.desk.keep(self.desk.book.move(examples, self.one_class() if self.rng.random() < 0.8 else None))

    def forget(self) -> None:
        kept = [row.id for row in self.desk.project.lessons(states=["kept"])]
        self.desk.keep(self.desk.book.forget(int(self.rng.choice(kept))))

    def undo(self) -> None:
        for _ in range(int(self.rng.integers(1, 4))):
            self.desk.book.undo()

    def redo(self) -> None:
        for _ in range(int(self.rng.integers(1, 4))):
            self.desk.book.redo()

    def live(self, lessons: int) -> None:
        ways: list[Callable[[], None]] = [self.teach, self.extend, self.rename, self.merge, self.delete, self.move, self.forget]
        ways += [self.undo, self.redo, self.background, self.negative, self.extend, self.teach]
        while len(self.done) < lessons:
            way = ways[int(self.rng.integers(len(ways)))]
            if not self.desk.names():
                way = self.teach
            try:
                way()
            except LessonError:
                continue  # such as merging a class with itself
            self.done.append(way.__name__)


def from_scratch(old: Desk, project: Project, method: str, pack: Pack | None, rng: np.random.Generator) -> Desk:
    """A classifier in `project` that is taught nothing but what is left in `old`, in any order."""
    fill(project)
    desk = Desk(project, method)
    classes = {row.id: row for row in old.project.classes(old.id)}
    additions = []
    for row in old.project.examples(old.id):
        cls = classes[row.cls or 0]
        of = classes[cls.of].name if cls.of else ""
        additions.append(Addition(cls.name, cls.role, of, row.hash, row.start_s, row.end_s))
    shuffled = [additions[k] for k in rng.permutation(len(additions))]
    for one in old.project.bases(old.id):
        assert pack is not None
        based_on(desk, pack, {label: classes[cls] if cls else None for label, cls in one.mapping.items()})
    desk.teach(*([one] for one in shuffled if one.role != "negative"), *([one] for one in shuffled if one.role == "negative"))
    return desk


def based_on(desk: Desk, pack: Pack, mapping: dict[str, ClassRow | None]) -> None:
    """Rest on a pack, its classes counting for others, or hidden."""
    desk.keep(desk.book.start_from(desk.id, pack, "theirs"))
    for label, target in mapping.items():
        if target is None:
            desk.keep(desk.book.delete(desk.cls(label).id))
        elif target.name != label:
            desk.teach(added(target.name, 0, role=target.role))  # for a moment, so that there is a class of that role
            there = desk.cls(target.name).id
            desk.keep(desk.book.merge(desk.cls(label).id, there))
            desk.keep(desk.book.move([row.id for row in desk.project.examples(desk.id, cls=there)], None))


@pytest.mark.parametrize("based", [False, True])
@pytest.mark.parametrize("method", ["gaussian", "centers"])
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_left_of_what_was_taken_back(tmp_path: Path, method: str, based: bool, seed: int) -> None:
    pack = pack_in(tmp_path, method) if based else None
    with Project.create(tmp_path / "one.musicclass") as project, Project.create(tmp_path / "two.musicclass") as other:
        fill(project)
        desk = Desk(project, method)
        if pack is not None:
            desk.keep(desk.book.start_from(desk.id, pack, "theirs"))
        life = Life(desk, seed)
        life.live(LESSONS)
        life.teach()  # so that there is something to compare
        assert len(set(life.done)) == 11
        fresh = from_scratch(desk, other, method, pack, life.rng)
        x = queries()
        assert_same(desk.judged(x), fresh.judged(x))
        assert_same(desk.judged(x, desk.rebuilt()), fresh.judged(x, fresh.rebuilt()), 0.0)
        assert_same(desk.judged(x), desk.judged(x, desk.rebuilt()))
        assert desk.head().settings == fresh.head().settings
        everything = desk.content(), desk.head().state(), desk.judged(x)
        while desk.book.undo():
            pass
        assert (desk.head(), desk.names(), desk.project.counts(desk.id)) == (None, [], {})
        while desk.book.redo():
            pass
        assert desk.content() == everything[0]
        assert_same(desk.judged(x), everything[2])


@pytest.mark.parametrize("method", ["gaussian", "centers"])
def test_rebuilding_gives_the_same_bits_whatever_came_before(tmp_path: Path, method: str) -> None:
    states = []
    for seed in range(2):
        with Project.create(tmp_path / f"{seed}.musicclass") as project:
            fill(project)
            desk, rng = Desk(project, method), np.random.default_rng(seed)
            for number in rng.permutation(30):
                desk.teach(added("abc"[number % 3], int(number)))
            desk.keep(desk.book.forget(desk.teach(added("d", 40, 41)).id))
            states.append(desk.rebuilt().state())
    assert [array.tobytes() for array in states[0].values()] == [array.tobytes() for array in states[1].values()]
    assert states[0]["sum"].shape == (3, DIM)


def test_hidden_columns_never_win(tmp_path: Path) -> None:
    pack = pack_in(tmp_path, "gaussian")
    with Project.create(tmp_path / "one.musicclass") as project:
        desk = Desk(project)
        desk.keep(desk.book.start_from(desk.id, pack, "theirs"))
        desk.keep(desk.book.delete(desk.cls("theirs 1").id))
        head = desk.head()
        (hidden,) = [k for k, label in enumerate(head.classes) if label.startswith(HIDDEN)]
        scores = head.log_scores(np.concatenate([drawn(number, 1) for number in range(1001, 1024, 4)]))
        assert np.isneginf(scores[:, hidden]).all()
        assert np.isfinite(np.delete(scores, hidden, axis=1)).all()
        classifier = desk.classifier()
        assert classifier.card.classes == ["theirs 0", "theirs 2"]
        assert [other.name for other in classifier.others] == ["their noise"]
