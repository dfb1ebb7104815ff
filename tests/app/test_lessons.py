"""What is shown while a lesson is given, small pictures one at a time, and verdicts that can be taken back at any moment."""

from __future__ import annotations

import base64
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from musicclass_gui.app.lessons import Going, answering, done_words, found_words, why_not
from musicclass_gui.app.pictures import SHAPE, Pictures
from musicclass_gui.app.review import Review, Verdict
from musicclass_gui.engine.lessons.news import Heard, Staged, Trained
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile
from musicclass_gui.engine.project.board import Board, ClassifierView, ClassView, Doubt, ExampleView, LessonView

if TYPE_CHECKING:
    from collections.abc import Callable


def heard(done: int, total: int = 4) -> Heard:
    return Heard(f"{done}.wav", "embedded", "", done, total)


def test_a_lesson_shows_its_stages_files_and_epochs() -> None:
    going = Going()
    assert (going.busy, going.eta_s) == ("", None)
    going.begin_lesson()
    going.begin("Listening")
    assert going.busy == "Listening"
    assert math.isnan(going.progress)
    going.take(heard(1))
    time.sleep(0.05)
    going.take(heard(2))
    assert going.progress == 0.5
    assert going.eta_s is not None
    assert 0.02 < going.eta_s < 5
    going.take(Staged("Learning"))
    assert (going.busy, going.eta_s) == ("Learning", None)
    assert math.isnan(going.progress), "how far listening was says nothing of learning"
    going.take(Trained(3, 10, 0.5, 0.9, 0.8, 12.5))
    assert (going.progress, going.eta_s) == (0.3, 12.5)
    going.end("Listening")
    assert (going.busy, going.eta_s) == ("", None)
    assert [one.path for one in going.heard] == ["1.wav", "2.wav"]
    assert len(going.curve) == 1
    going.begin_lesson()
    assert going.heard == going.curve == []


def test_calls_that_wait_are_shown_one_after_the_other() -> None:
    going = Going()
    going.begin("Listening")
    going.begin("Renaming")
    assert going.busy == "Listening"
    going.end("Listening")
    assert going.busy == "Renaming"
    going.end("Renaming")
    assert going.busy == ""


def test_progress_that_nobody_knows_is_not_shown() -> None:
    going = Going()
    going.begin("Looking")
    going.move(math.nan)
    assert math.isnan(going.progress)
    going.move(1.5)
    assert going.progress == 1.0


FILE, BAD = PlannedFile("a.wav"), PlannedFile("b.wav", reason="It is no audio.")


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ([], "nothing to teach"),
        ([PlannedClass("bell", [BAD])], "nothing to teach"),
        ([PlannedClass("bell", [FILE], keep=False)], "nothing to teach"),
        ([PlannedClass(" ", [FILE])], "Give the class a name."),
        ([PlannedClass("bell", [FILE]), PlannedClass("", [FILE])], "Give every class a name."),
        ([PlannedClass("not bell", [FILE], role="negative")], "Say which class"),
        ([PlannedClass("bell", [FILE]), PlannedClass("", [BAD])], ""),
        ([PlannedClass("not bell", [FILE], role="negative", of="bell")], ""),
    ],
)
def test_a_plan_says_why_it_cannot_be_taught(classes: list[PlannedClass], words: str) -> None:
    reason = why_not(Plan(classes))
    assert words in reason
    assert bool(reason) == bool(words)


def test_answers_depend_on_what_classifiers_were_taught() -> None:
    cls = ClassView(1, "bell", "class", None, 0, 1.0, 1, None, "", "", 0)

    def board(revision: int, *classes: ClassView) -> Board:
        return Board("p", "p", [ClassifierView(1, "mine", "Mine", "timbre", "gaussian", {}, revision, "", list(classes))])

    assert answering(None) == answering(board(0)) == ()
    assert answering(board(1, cls)) == answering(board(1, cls))
    assert answering(board(1, cls)) != answering(board(2, cls))


class Desk:
    """Who pictures are asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Callable[[str], None], Callable[[Exception], None]]] = []

    def ask(self, key: Any, done: Callable[[str], None], failed: Callable[[Exception], None]) -> None:
        self.asked.append((key, done, failed))

    def answer(self, value: int) -> None:
        self.asked[-1][1](base64.b64encode(np.full(SHAPE, value, np.uint8).tobytes()).decode())

    @property
    def keys(self) -> list[str]:
        return [key[0] for key, _, _ in self.asked]


def test_pictures_are_asked_for_one_at_a_time_and_the_last_wanted_first() -> None:
    desk, got = Desk(), []
    pictures = Pictures(desk.ask)
    for name in "abcb":
        pictures.want((name, None, None), lambda picture, name=name: got.append((name, int(picture[0, 0]))))
    assert desk.keys == ["a"]
    desk.answer(1)
    desk.answer(2)
    desk.answer(3)
    assert desk.keys == ["a", "b", "c"]
    assert got == [("a", 1), ("b", 2), ("b", 2), ("c", 3)]
    pictures.want(("b", None, None), lambda picture: got.append(("known", int(picture[0, 0]))))
    assert got[-1] == ("known", 2)
    assert desk.keys == ["a", "b", "c"]


def test_a_picture_that_cannot_be_made_holds_up_no_other() -> None:
    from musicclass_gui.engine.errors import AudioError

    desk, got = Desk(), []
    pictures = Pictures(desk.ask)
    for name in "ab":
        pictures.want((name, None, None), lambda picture, name=name: got.append(name))
    desk.asked[-1][2](AudioError("It is gone."))
    desk.answer(1)
    assert got == ["b"]
    pictures.want(("a", None, None), lambda picture: got.append("a"))
    assert desk.keys == ["a", "b", "a"], "it is tried again when it is wanted again"


def test_pictures_of_a_project_that_was_left_reach_nobody() -> None:
    desk, got = Desk(), []
    pictures = Pictures(desk.ask)
    pictures.want(("a", None, None), lambda picture: got.append("old"))
    pictures.forget()
    pictures.want(("a", 1.0, 2.0), lambda picture: got.append("new"))
    assert len(desk.asked) == 2
    old = desk.asked.pop(0)
    old[1](base64.b64encode(bytes(24 * 64)).decode())
    desk.answer(1)
    assert got == ["new"]


def doubt(name: str) -> Doubt:
    return Doubt(name, f"{name}.wav", name, None, None, "bell", 0.5, "gong", 0.9, "")


def test_the_last_verdict_can_be_taken_back_even_before_the_project_has_it() -> None:
    kept: list[Verdict] = []
    removed: list[int] = []
    review = Review(kept.append, removed.append)
    review.say(doubt("a"), 1)
    review.say(doubt("b"), None)
    assert review.confirmed == 1
    review.kept(kept[0], 11)
    assert review.take_back() == doubt("b")
    assert removed == []
    review.kept(kept[1], 12)
    assert removed == [12]
    assert review.take_back() == doubt("a")
    assert removed == [12, 11]
    assert review.take_back() is None


def test_a_verdict_that_could_not_be_noted_is_no_verdict() -> None:
    kept: list[Verdict] = []
    review = Review(kept.append, lambda number: None)
    review.say(doubt("a"), 1)
    review.lost(kept[0])
    assert review.verdicts == []


def test_a_change_that_was_kept_at_once_is_said_and_nothing_else_is() -> None:
    kept, draft = LessonView(1, 1, "move", "Move 2 examples", "kept", ""), LessonView(2, 1, "teach", "Teach", "draft", "")
    before, after = Board("/p", "P"), Board("/p", "P", lessons=[kept])
    assert done_words(before, after) == "Done: Move 2 examples. Undo takes it back."
    assert done_words(after, after) == ""
    assert done_words(before, Board("/p", "P", lessons=[draft])) == ""
    assert done_words(None, after) == done_words(before, Board("/q", "Q", lessons=[kept])) == ""


def test_how_many_recordings_were_found_is_said() -> None:
    def board(*missing: bool) -> Board:
        views = [ExampleView(n, f"h{n}", f"/{n}", f"{n}", gone, None, None, 1.0, "", "") for n, gone in enumerate(missing)]
        cls = ClassView(1, "bell", "class", None, 0, 1.0, 1, None, "", "", 0, views)
        return Board("/p", "P", [ClassifierView(1, "k", "K", "timbre", "gaussian", {}, 1, "", [cls])])

    assert found_words(board(True, True, True), board(False, True, False)) == "Found 2 recordings; 1 still missing."
    assert found_words(board(True), board(False)) == "Found 1 recording."
    assert found_words(board(True, True), board(True, True)) == "None of the 2 missing recordings is there."
    assert found_words(board(False), board(False)) == "No recording is missing."
