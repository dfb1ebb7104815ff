"""How heads follow lessons: what is read, what is written, which windows count, and the three ways of learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from taught_projects import DIM, Desk, added, assert_same, drawn, hashed, queries, record

from musicclass_gui.engine.errors import Cancelled, LessonError, ProjectError
from musicclass_gui.engine.lessons import learning, stored
from musicclass_gui.engine.lessons.additions import Addition
from musicclass_gui.engine.lessons.fetching import rows_of
from musicclass_gui.engine.project.rows import EmbeddedRow
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.heads.replay import ReplayHead
    from musicclass_gui.engine.lessons.training import TrainItem


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "one.musicclass") as made:
        for number in range(40):
            record(made, number, drawn(number, number % 4))
        yield made


def test_a_class_on_top_of_a_hundred_reads_only_its_own_recordings(tmp_path: Path) -> None:
    with Project.create(tmp_path / "one.musicclass") as project:
        for number in range(205):
            record(project, number, drawn(number, number % 100))
        desk = Desk(project)
        desk.teach(*(added(f"class {k}", k, 100 + k) for k in range(100)))
        size = len(project.head(desk.id) or b"")
        before = project.reads
        desk.teach(added("one more", 200, 201, 202, 203))
        assert project.reads - before == 4
        before = project.reads
        desk.keep(desk.book.rename(desk.cls("one more").id, "renamed"))
        assert project.reads == before
        desk.book.undo()
        desk.keep(desk.book.move([project.examples(desk.id, cls=desk.cls("class 3").id)[0].id], desk.cls("class 4").id))
        assert project.reads - before == 1
        desk.keep(desk.book.delete(desk.cls("class 4").id))
        assert project.reads - before == 1 + 3
        assert len(project.head(desk.id) or b"") < size + 100 * DIM * 8


def test_what_is_written_does_not_grow_with_what_was_taught(project: Project) -> None:
    desk = Desk(project)
    sizes = set()
    for first in range(0, 40, 8):
        desk.teach(added("even", *range(first, first + 8, 2)), added("odd", *range(first + 1, first + 8, 2)))
        sizes.add(len(project.head(desk.id) or b""))
    assert max(sizes) - min(sizes) < 50, "a few digits of a count, nothing else"


def test_sums_that_lost_most_of_what_they_held_are_made_anew(project: Project) -> None:
    desk = Desk(project)
    desk.teach(added("piano", 0, 4), added("flute", 1, 5))
    for number in range(100, 104):
        record(project, number, 1e5 * drawn(number))
    lesson = desk.teach(added("loud", *range(8, 40)))
    before = project.reads
    desk.keep(desk.book.forget(lesson.id))
    assert project.reads - before == 32 + 4
    assert desk.project.head(desk.id) == learning.rebuilt(project, desk.id).state


def test_rounding_does_not_show_after_much_came_and_went(tmp_path: Path) -> None:
    with Project.create(tmp_path / "one.musicclass") as project:
        for number in range(200):
            record(project, number, drawn(number, number % 4))
        desk, x = Desk(project), queries()
        desk.teach(added("piano", 0, 4), added("flute", 1, 5))
        before = desk.judged(x)
        lessons = [desk.teach(added("piano", *range(first, first + 12))).id for first in range(8, 200, 12)]
        for lesson in lessons:
            desk.keep(desk.book.forget(lesson))
        assert_same(desk.judged(x), before)


def test_which_windows_an_example_learns_from() -> None:
    data = np.arange(6, dtype=np.float32)[:, None] * np.ones(2, np.float32)
    spans = [(2.5 * k, 2.5 * k + 5.0) for k in range(6)]
    row = EmbeddedRow("x", data, spans, np.array([1, 1, 1, 0, 1, 1], bool), data.mean(axis=0))

    def numbers(start: float | None, end: float | None) -> list[int]:
        return rows_of(row, start, end)[:, 0].astype(int).tolist()

    assert numbers(None, None) == [0, 1, 2, 4, 5]
    assert numbers(0.0, 5.0) == [0, 1]
    assert numbers(2.5, 7.5) == [0, 1, 2]
    assert numbers(3.0, 3.5) == [0], "of two that overlap it alike, the first"
    assert numbers(12.0, 14.0) == [4]
    assert numbers(7.6, 9.9) == [2], "the one that overlaps most is silent"
    assert numbers(40.0, 50.0) == []


def test_spans_are_learned_and_unlearned(project: Project) -> None:
    data = np.concatenate([drawn(1, 1)[:1] + k for k in range(6)])
    record(project, 100, data)
    desk, other = Desk(project), Desk(project)
    desk.teach(added("piano", 0, 4), [Addition("flute", "class", "", hashed(100), 2.5, 7.5)])
    other.teach(added("piano", 0, 4))
    assert desk.windows("flute") == 3
    desk.keep(desk.book.delete(desk.cls("flute").id))
    assert_same(desk.judged(queries()), other.judged(queries()))


def test_windows_count_as_the_recordings_that_they_come_from(project: Project) -> None:
    desk = Desk(project)
    desk.teach(added("piano", 0, 4, 8), added("flute", 1, 5))
    windows = sum(len(drawn(number, number % 4)) for number in (0, 4, 8, 1, 5))
    assert float(desk.head().settings["independent"]) == 5 / windows


def test_a_method_can_be_changed_and_changed_back(project: Project) -> None:
    desk, x = Desk(project), queries()
    desk.teach(added("piano", 0, 4, 8), added("flute", 1, 5, 9))
    gaussian = desk.judged(x)
    lesson = desk.keep(desk.book.change_method(desk.id, "centers"))
    assert lesson.title == "Learn by class centers"
    assert desk.head().kind == desk.project.classifier(desk.id).method == "centers"
    means = np.stack([np.concatenate([drawn(n, n % 4) for n in some]).mean(axis=0, dtype=np.float64) for some in ((0, 4, 8), (1, 5, 9))])
    distance = np.linalg.norm(x[:, None] - means, axis=2)
    scores, novelty = desk.judged(x)
    np.testing.assert_allclose(scores["piano"] - scores["flute"], -0.5 * (distance[:, 0] ** 2 - distance[:, 1] ** 2), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(novelty, distance.min(axis=1), rtol=1e-5)
    desk.teach(added("piano", 12))
    desk.book.undo()
    desk.book.undo()
    assert_same(desk.judged(x), gaussian, 0.0)
    desk.keep(desk.book.forget(desk.keep(desk.book.change_method(desk.id, "centers")).id))
    assert_same(desk.judged(x), gaussian, 0.0)
    for method, words in (("magic", "no method"), ("gaussian", "learns by shared-covariance Gaussian already")):
        with pytest.raises(LessonError, match=words):
            desk.book.change_method(desk.id, method)


def test_work_can_be_stopped(project: Project) -> None:
    desk, token = Desk(project), Token()
    draft = desk.book.teach(desk.id, added("piano", 0, 4))
    token.cancel()
    with pytest.raises(Cancelled):
        desk.book.learned(draft.id, token=token)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, b"short"])
def test_a_damaged_head_is_an_error_with_a_sentence(project: Project, damage: bytes) -> None:
    desk = Desk(project)
    desk.teach(added("piano", 0), added("flute", 1))
    good = project.head(desk.id) or b""
    with project.writing():
        project.set_head(desk.id, 0, good[:100] + damage + good[100 + len(damage) :] if damage else good[:-9])
    with pytest.raises(ProjectError, match="damaged"):
        desk.head()


def test_bytes_give_the_same_head_back(project: Project) -> None:
    desk = Desk(project)
    desk.teach(added("piano", 0, 4), added("flute", 1))
    state = project.head(desk.id)
    assert state is not None
    head, tally = stored.from_bytes(state)
    assert (tally.own, tally.base, tally.peak) == (3, 0.0, head.examples)
    assert stored.to_bytes(head, tally) == state


class Trained:
    """Real training on few epochs; counts what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[bool, list[int], list[int]]] = []

    def __call__(self, before: ReplayHead | None, new: list[TrainItem], old: list[TrainItem], options: dict[str, Any]) -> ReplayHead:
        from musicclass_gui.engine.lessons.training import Options, train

        self.calls.append((before is not None, sorted(item.example for item in new), sorted(item.example for item in old)))
        return train(before, new, old, Options(epochs=3, **options), Token(), lambda news: None)


@pytest.fixture
def tuned(project: Project) -> Desk:
    pytest.importorskip("torch")
    desk = Desk(project, "replay", trainer=Trained(), network="linear", budget=4)
    desk.teach(added("piano", *range(0, 20, 4)), added("flute", *range(1, 20, 4)))
    desk.teach(added("harp", *range(2, 20, 4)))
    return desk


def test_networks_are_trained_on_what_is_new(tuned: Desk) -> None:
    first, second = tuned.trainer.calls
    assert (first[0], first[2]) == (False, [])
    assert second[0]
    assert len(second[1]) == 5
    held = learning.restored(tuned.project.head(tuned.id, tuned.project.lessons()[0].id)).head.held_out  # type: ignore[union-attr]
    assert second[2] == held
    assert [tuned.project.cls(int(label)).name for label in tuned.head().classes] == ["piano", "flute", "harp"]


def test_undoing_and_redoing_restore_networks_bit_for_bit(tuned: Desk) -> None:
    last = tuned.project.head(tuned.id)
    first = tuned.project.head(tuned.id, tuned.project.lessons()[0].id)
    calls = len(tuned.trainer.calls)
    tuned.keep(tuned.book.rename(tuned.cls("piano").id, "Klavier"))
    for _ in range(2):
        tuned.book.undo()
    assert tuned.project.head(tuned.id) == first
    tuned.book.undo()
    assert (tuned.project.head(tuned.id), tuned.names()) == (None, [])
    for _ in range(3):
        tuned.book.redo()
    assert tuned.project.head(tuned.id) == last
    assert len(tuned.trainer.calls) == calls, "nothing was trained again"


def test_forgetting_a_lesson_in_the_middle_goes_through_the_others_again(tuned: Desk) -> None:
    tuned.teach(added("oboe", *range(3, 20, 4)))
    before = tuned.project.head(tuned.id)
    harp = {row.id for row in tuned.project.examples(tuned.id, cls=tuned.cls("harp").id)}
    tuned.trainer.calls.clear()
    tuned.keep(tuned.book.forget(tuned.project.lessons()[1].id))
    assert [call[0] for call in tuned.trainer.calls] == [False, True]
    assert not harp & {number for _, new, old in tuned.trainer.calls for number in [*new, *old]}
    other = Desk(tuned.project, "replay", trainer=Trained(), network="linear", budget=4)
    other.teach(added("piano", *range(0, 20, 4)), added("flute", *range(1, 20, 4)))
    other.teach(added("oboe", *range(3, 20, 4)))
    ours, theirs = tuned.judged(queries()), other.judged(queries())
    assert list(ours[0]) == list(theirs[0])
    for _ in range(3):  # the other classifier's lessons are undone first
        tuned.book.undo()
    assert tuned.project.head(tuned.id) == before


def test_moves_and_methods_train_anew(tuned: Desk) -> None:
    tuned.trainer.calls.clear()
    tuned.keep(tuned.book.merge(tuned.cls("flute").id, tuned.cls("piano").id))
    assert [call[0] for call in tuned.trainer.calls] == [False, True]
    assert len(tuned.head().classes) == 2
    merged = tuned.project.head(tuned.id)
    tuned.keep(tuned.book.change_method(tuned.id, "gaussian"))
    assert tuned.head().kind == "gaussian"
    assert_same(tuned.judged(queries()), tuned.judged(queries(), tuned.rebuilt()))
    tuned.book.undo()
    assert tuned.project.head(tuned.id) == merged
    tuned.book.redo()
    tuned.trainer.calls.clear()
    tuned.keep(tuned.book.change_method(tuned.id, "replay", {"network": "linear"}))
    assert len(tuned.trainer.calls) == 1, "what is there is learned at once"
    tuned.teach(added("oboe", 3, 7, 11))
    tuned.trainer.calls.clear()
    assert tuned.rebuilt() is not None
    assert [len(call[1]) for call in tuned.trainer.calls] == [15, 3]
    for _ in range(6):
        tuned.book.undo(tuned.trainer)
    assert tuned.head() is None


@pytest.mark.parametrize("method", ["gaussian", "centers", "replay"])
def test_a_head_of_another_method_is_not_gone_on_with(tuned: Desk, method: str) -> None:
    kept = tuned if method != "replay" else Desk(tuned.project, trainer=tuned.trainer)
    if method == "replay":
        kept.teach(added("drum", 3, 7), added("harp", 2, 6))
    with kept.project.writing():
        kept.project.set_classifier(kept.id, method=method)  # as in a file that says anything
    tuned.trainer.calls.clear()
    kept.teach(added("bell", 11, 15))
    assert kept.head().kind == method
    assert [before for before, _, _ in tuned.trainer.calls][:1] == ([False] if method == "replay" else [])
    assert len(kept.head().classes) == (3 if method == "replay" else 4)


def test_fine_tuning_needs_a_trainer(project: Project) -> None:
    desk = Desk(project, "replay")
    draft = desk.book.teach(desk.id, added("piano", 0, 4))
    with pytest.raises(LessonError, match="fine-tuned"):
        desk.book.learned(draft.id)
