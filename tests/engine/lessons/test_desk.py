"""The desk as the window's process asks it, in plain values: real clips, the built-in encoder, and odd things that users do."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from musicclass_gui.engine.errors import Cancelled, ClassifierError, DataError, LessonError, ProjectError
from musicclass_gui.engine.lessons import calls
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile, plan_drop
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.project.board import Board
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.engine.lessons.report import LessonCard

RATE = 22050


def clip(path: Path, pitch: float, number: int = 0, seconds: float = 2.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(number + round(pitch)).standard_normal(len(time))
    tone = sum(np.sin(2 * math.pi * pitch * (1 + number / 50) * k * time) / k for k in (1, 2, 3))
    soundfile.write(path, 0.2 * tone + 0.02 * noise, RATE)
    return path


def clips(folder: Path, count: int = 4, **pitches: float) -> Path:
    for name, pitch in pitches.items():
        for number in range(count):
            clip(folder / name / f"{number}.wav", pitch, number)
    return folder


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "cache")
    desk.open(tmp_path / "band.musicclass", create=True)
    yield desk
    desk.close()


def taught(desk: Desk, *paths: Path, **how: Any) -> LessonCard:
    return planned(desk, plan_drop(paths, budget_s=None), **how)


def planned(desk: Desk, plan: Plan, **how: Any) -> LessonCard:
    number = desk.project.classifiers()[0].id if desk.project.classifiers() else 0
    return desk.taught(plan, Wanted(number, encoder="timbre", **how), Token(), lambda news: None)


def names(board: Board) -> list[str]:
    return sorted(one.name for one in board.classifiers[0].classes)


def cls(desk: Desk, name: str) -> int:
    return desk.class_named(name)


# Lessons


def test_a_draft_changes_nothing_until_it_is_kept(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0))
    before = desk.board()
    board = desk.teach(plan_drop([clips(tmp_path / "two", middle=440.0)], budget_s=None), Wanted(1), Token(), lambda news: None)
    assert board.waiting is not None
    assert board.waiting.card is not None
    assert [one.name for one in board.waiting.card.classes if one.new] == ["middle"]
    assert names(board) == names(before) == ["high", "low"]
    assert names(desk.take_back(board.waiting.id)) == ["high", "low"]
    assert desk.board().lessons == before.lessons


def test_a_lesson_that_is_cancelled_can_be_gone_on_with_or_dropped(desk: Desk, tmp_path: Path) -> None:
    token, plan = Token(), plan_drop([clips(tmp_path / "one", low=110.0, high=1760.0)], budget_s=None)
    with pytest.raises(Cancelled):
        desk.teach(plan, Wanted(0, encoder="timbre"), token, lambda news: token.cancel())
    waiting = desk.board().waiting
    assert waiting is not None
    assert waiting.state == "planned"
    assert desk.go_on(Token(), lambda news: None).waiting is not None
    board = desk.take_back(waiting.id)
    assert board.lessons == []
    assert board.classifiers == []


def test_a_lesson_without_its_plan_cannot_be_gone_on_with(desk: Desk) -> None:
    desk.new_classifier(Wanted(0, "Mine", encoder="timbre"), "")
    with desk.project.writing():
        lesson = desk.project.add_lesson(1, "teach", "Teach", "planned")
    with pytest.raises(DataError):
        desk.go_on(Token(), lambda news: None)
    assert desk.take_back(lesson).waiting is None


def test_another_lesson_has_to_wait(desk: Desk, tmp_path: Path) -> None:
    plan = plan_drop([clips(tmp_path / "one", low=110.0, high=1760.0)], budget_s=None)
    desk.teach(plan, Wanted(0, encoder="timbre"), Token(), lambda news: None)
    with pytest.raises(LessonError, match="waits"):
        desk.teach(plan, Wanted(1), Token(), lambda news: None)


def test_classes_are_renamed_merged_moved_and_deleted_and_all_of_it_undone(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, middle=440.0, high=1760.0))
    whole = desk.board().classifiers[0]
    desk.rename(cls(desk, "low"), "bass")
    desk.merge(cls(desk, "middle"), cls(desk, "high"))
    one = next(view for view in desk.board().classifiers[0].classes if view.name == "high").examples[0]
    desk.move([one.id], cls(desk, "bass"))
    board = desk.delete(cls(desk, "high"))
    assert [(view.name, len(view.examples)) for view in board.classifiers[0].classes] == [("bass", 5)]
    for _ in range(4):
        board = desk.undo(Token())
    assert [(view.name, len(view.examples)) for view in board.classifiers[0].classes] == [(v.name, 4) for v in whole.classes]
    assert board.redo.startswith("Rename")


def test_only_files_that_can_be_heard_are_taught(desk: Desk, tmp_path: Path) -> None:
    folder = clips(tmp_path / "one", low=110.0, high=1760.0)
    (folder / "low" / "empty.wav").touch()
    (folder / "low" / "letter.mp3").write_text("Dear all")
    soundfile.write(folder / "low" / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "low" / "sample.wav", np.ones(1), RATE)
    soundfile.write(folder / "low" / "nan.wav", np.full(RATE, np.nan, np.float32), RATE, subtype="FLOAT")
    soundfile.write(folder / "low" / "eight.wav", 0.3 * np.random.default_rng(0).standard_normal((RATE, 8)), RATE)
    card = taught(desk, folder)
    counts = {one.name: one.recordings for one in card.classes}
    assert counts["high"] == 4
    assert 5 <= counts["low"] <= 6  # four clips, the one with eight channels, and the single sample if it is loud enough


def test_nothing_that_can_be_heard_is_no_lesson(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    soundfile.write(tmp_path / "none" / "silent.wav", np.zeros(RATE), RATE)
    with pytest.raises(LessonError, match="silent"):
        taught(desk, tmp_path / "none")
    assert desk.board().classifiers == []


# Odd things


def test_a_lesson_that_cannot_be_learned_does_not_wait(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0), method="replay", options=(("epochs", 2),))
    before = desk.board()
    tone, rate = soundfile.read(clip(tmp_path / "half.wav", 440.0, seconds=5.0))
    soundfile.write(tmp_path / "half.wav", np.concatenate([tone, np.zeros(20 * rate)]), rate)
    with pytest.raises(LessonError, match="nothing to learn from"):
        planned(desk, Plan([PlannedClass("rest", [PlannedFile(str(tmp_path / "half.wav"), 15.0, 20.0)])]))
    assert desk.board() == before


def test_the_same_file_in_two_classes_is_said(desk: Desk, tmp_path: Path) -> None:
    folder = clips(tmp_path / "one", low=110.0, high=1760.0)
    (folder / "high" / "copy.wav").write_bytes((folder / "low" / "0.wav").read_bytes())
    card = taught(desk, folder)
    assert [(twin.kind, {twin.cls, twin.other_cls}) for twin in card.twins if twin.kind == "same"] == [("same", {"low", "high"})]


def test_two_classes_with_the_same_examples_are_told_apart_no_better_than_by_chance(desk: Desk, tmp_path: Path) -> None:
    folder = clips(tmp_path / "one", low=110.0)
    (tmp_path / "one" / "other").mkdir()
    for file in (folder / "low").iterdir():
        (folder / "other" / file.name).write_bytes(file.read_bytes())
    card = taught(desk, folder)
    assert len(card.classes) == 2
    made = desk.looking.sound_map(1, "pca", Token())
    assert all(math.isfinite(point.x) for point in made.points)


def test_a_class_of_one_example_answers_and_says_that_it_cannot_be_tested(desk: Desk, tmp_path: Path) -> None:
    card = taught(desk, clips(tmp_path / "one", 1, low=110.0, high=1760.0))
    assert all(one.after is None and one.note for one in card.classes)
    assert card.sentence() == "Not tested: too few recordings to hold some out."
    assert "Not tested" in desk.board().classifiers[0].measured


def test_teaching_the_same_folder_again_is_no_lesson(desk: Desk, tmp_path: Path) -> None:
    folder = clips(tmp_path / "one", low=110.0, high=1760.0)
    taught(desk, folder)
    with pytest.raises(LessonError, match="nothing new"):
        taught(desk, folder)
    assert desk.board().waiting is None


@pytest.mark.parametrize("name", ["🎻 Geige", "كمان", "AC/DC", "..", "x" * 500, "a\nb", " café "])
def test_any_name_can_be_given(desk: Desk, tmp_path: Path, name: str) -> None:
    files = [PlannedFile(str(clip(tmp_path / f"{n}.wav", 440.0, n))) for n in range(2)]
    planned(desk, Plan([PlannedClass(name, files)]))
    kept = names(desk.board())[0]
    assert kept
    assert len(kept) <= 200
    assert kept.isprintable()


def test_a_file_that_vanishes_between_plan_and_lesson_costs_only_itself(desk: Desk, tmp_path: Path) -> None:
    plan = plan_drop([clips(tmp_path / "one", low=110.0, high=1760.0)], budget_s=None)
    (tmp_path / "one" / "low" / "0.wav").unlink()
    assert {one.name: one.recordings for one in planned(desk, plan).classes} == {"low": 3, "high": 4}


def test_recordings_that_were_moved_are_found_again(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0))
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    assert all(example.missing for view in desk.board().classifiers[0].classes for example in view.examples)
    taught(desk, clips(tmp_path / "two", middle=440.0))  # what is missing goes on being known
    board = desk.find_moved(tmp_path / "elsewhere", Token())
    assert not any(example.missing for view in board.classifiers[0].classes for example in view.examples)


def test_a_second_instance_looks_but_does_not_touch(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0))
    other = Desk(tmp_path / "cache")
    other.open(desk.project.path)
    assert names(other.board()) == ["high", "low"]
    assert other.board().read_only
    with pytest.raises(ProjectError):
        other.rename(cls(other, "low"), "bass")
    other.close()


def test_what_was_open_elsewhere_can_be_changed_once_it_is_closed_there(desk: Desk, tmp_path: Path) -> None:
    other, path = Desk(tmp_path / "cache"), desk.project.path
    other.open(path)
    assert other.project.read_only
    path.rename(tmp_path / "away")  # as a drive that is lost for a while
    with pytest.raises(ProjectError, match="not there"):
        other.open(path, create=True)
    (tmp_path / "away").rename(path)
    desk.close()
    other.open(path)
    assert not other.project.read_only
    other.close()


def test_a_project_behind_a_link_stays_open(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    desk = Desk(tmp_path / "cache")
    desk.open(tmp_path / "link" / "band.musicclass", create=True)
    project = desk.project
    desk.open(tmp_path / "link" / "band.musicclass")
    assert desk.project is project
    assert not project.read_only
    desk.close()


def test_a_classifier_that_cannot_start_from_another_is_not_left_behind(desk: Desk) -> None:
    for wanted, source in ((Wanted(0, "New", "replay", "timbre"), "genre"), (Wanted(0, "New", encoder="no such"), "genre")):
        with pytest.raises((LessonError, ClassifierError), match=r"fine-tuned|no variant"):
            desk.new_classifier(wanted, source)
    assert desk.board().classifiers == []
    assert [one.title for one in desk.new_classifier(Wanted(0, "New", encoder="timbre"), "genre").classifiers] == ["New"]


def test_a_full_drive_costs_the_lesson_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0))
    pages = desk.project._row("PRAGMA page_count")[0]
    desk.project._row(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(ProjectError, match=r"space|full"):
        taught(desk, clips(tmp_path / "two", 8, middle=440.0))
    desk.project._row("PRAGMA max_page_count=1000000")
    waiting = desk.board().waiting
    if waiting is not None:
        desk.take_back(waiting.id)
    assert names(desk.board()) == ["high", "low"]
    taught(desk, tmp_path / "two")
    assert names(desk.board()) == ["high", "low", "middle"]


def test_keeping_a_fine_tuned_lesson_trains_no_second_time(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_drop([clips(tmp_path / "one", low=110.0, high=1760.0)], budget_s=None)
    board = desk.teach(plan, Wanted(0, method="replay", encoder="timbre", options=(("epochs", 2),)), Token(), lambda news: None)
    assert board.waiting is not None
    state = desk.project.head(1, board.waiting.id)
    monkeypatch.setattr("musicclass_gui.engine.lessons.teacher.Teacher._train", None)
    desk.keep(board.waiting.id)
    assert desk.project.head(1) == state


# In plain values


def call(tmp_path: Path, name: str, **fields: Any) -> Any:
    message = json.loads(json.dumps({"do": name, "project": str(tmp_path / "called.musicclass"), **fields}))
    return json.loads(json.dumps(calls.answer(message, Token(), lambda news: None)))


@pytest.fixture
def calling(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    calls._desk().close()
    calls._desk.cache_clear()


def test_calls_travel_as_json(calling: Path) -> None:
    plan = call(calling, "plan", paths=[str(clips(calling / "one", low=110.0, high=1760.0))])
    board = from_plain(Board, call(calling, "teach", plan=plan, classifier=0, encoder="timbre", method="gaussian"))
    assert board.waiting is not None
    board = from_plain(Board, call(calling, "keep", lesson=board.waiting.id))
    first = board.classifiers[0].classes[0].examples[0]
    assert len(call(calling, "picture", hash=first.hash, start_s=None, end_s=None)) == 4 * 24 * 64 // 3
    assert len(call(calling, "sound_map", classifier=1, how="pca")["points"]) == 8
    assert call(calling, "alike", classifier=1, path=first.path, start_s=0.0, end_s=2.0)
    assert from_plain(Board, call(calling, "undo")).redo
    assert from_plain(Board, call(calling, "redo")).undo
    saved = from_plain(Board, call(calling, "save_as", path=str(calling / "copy.musicclass")))
    assert saved.path == str(calling / "copy.musicclass")


def test_doubts_are_judged_and_taught(calling: Path) -> None:
    plan = to_plain(plan_drop([clips(calling / "one", low=110.0, high=1760.0)], budget_s=None))
    board = from_plain(Board, call(calling, "teach", plan=plan, classifier=0, encoder="timbre"))
    assert board.waiting is not None
    call(calling, "keep", lesson=board.waiting.id)
    strangers = [str(clip(calling / f"new {number}.wav", 1700.0, number)) for number in range(3)]
    doubts = call(calling, "doubts", classifier=1, paths=strangers)
    assert {doubt["path"] for doubt in doubts} == set(strangers)
    high = _id(calling, "high")
    about = [{name: doubt[name] for name in ("path", "hash", "start_s", "end_s")} for doubt in doubts]
    said = [call(calling, "verdict", classifier=1, **one, cls=high) for one in about]
    call(calling, "remove_verdict", id=said[2]["id"])
    board = from_plain(Board, call(calling, "teach_confirmed", classifier=1))
    assert board.waiting is not None
    board = from_plain(Board, call(calling, "keep", lesson=board.waiting.id))
    assert {view.name: len(view.examples) for view in board.classifiers[0].classes} == {"low": 4, "high": 6}


def test_doubts_are_those_of_the_classifier_as_it_is(calling: Path) -> None:
    for folder, pitches in (("one", {"low": 110.0, "high": 1760.0}), ("two", {"middle": 440.0})):
        plan = to_plain(plan_drop([clips(calling / folder, **pitches)], budget_s=None))
        board = from_plain(Board, call(calling, "teach", plan=plan, classifier=len(pitches) % 2, encoder="timbre"))
        assert board.waiting is not None
        call(calling, "keep", lesson=board.waiting.id)
        (doubt,) = call(calling, "doubts", classifier=1, paths=[str(clip(calling / "new.wav", 440.0, 9))])
        assert ("“middle”" in doubt["why"]) == ("middle" in pitches)
        assert call(calling, "doubts", classifier=1, paths=[]) == [doubt]


def test_a_verdict_needs_the_recording_and_not_its_file(calling: Path) -> None:
    plan = to_plain(plan_drop([clips(calling / "one", low=110.0, high=1760.0)], budget_s=None))
    board = from_plain(Board, call(calling, "teach", plan=plan, classifier=0, encoder="timbre"))
    assert board.waiting is not None
    call(calling, "keep", lesson=board.waiting.id)
    high, low = _id(calling, "high"), _id(calling, "low")
    there, gone = call(calling, "doubts", classifier=1, paths=[str(clip(calling / f"{n}.wav", 1700.0, n)) for n in range(2)])
    Path(gone["path"]).unlink()
    clip(Path(there["path"]), 110.0)
    about = [{name: doubt[name] for name in ("path", "hash", "start_s", "end_s")} for doubt in (there, gone)]
    with pytest.raises(LessonError, match="was changed"):
        call(calling, "verdict", classifier=1, **about[0], cls=high)
    call(calling, "verdict", classifier=1, **about[1], cls=low)
    call(calling, "delete", cls=low)
    with pytest.raises(LessonError, match="Nothing has been confirmed"):
        call(calling, "teach_confirmed", classifier=1)
    call(calling, "undo")  # with its class the verdict counts again
    board = from_plain(Board, call(calling, "teach_confirmed", classifier=1))
    assert board.waiting is not None
    assert [verdict.taught for verdict in calls._desk().project.verdicts(1)] == [board.waiting.id]


def _id(folder: Path, name: str) -> int:
    board = from_plain(Board, call(folder, "board"))
    return next(view.id for view in board.classifiers[0].classes if view.name == name)


def test_an_unknown_call_is_said(calling: Path) -> None:
    with pytest.raises(LessonError, match="not known"):
        call(calling, "dance")


def test_a_project_that_cannot_be_opened_leaves_the_open_one(calling: Path) -> None:
    call(calling, "board")
    (calling / "bad.musicclass").write_text("no project")
    with pytest.raises(ProjectError):
        call(calling, "open_project", path=str(calling / "bad.musicclass"))
    assert call(calling, "board")["path"] == str(calling / "called.musicclass")
    with Project.open(calling / "called.musicclass", write=False) as project:
        assert project.classifiers() == []


def test_a_change_that_is_cancelled_leaves_no_trace(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, middle=440.0, high=1760.0))
    before, token = desk.board(), Token()
    token.cancel()
    with pytest.raises(Cancelled):
        desk.delete(cls(desk, "low"), token)
    assert desk.board() == before


def test_an_encoder_that_cannot_be_tuned_is_said_and_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(LessonError, match="cannot be tuned"):
        taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0), method="replay", options=(("unfreeze", 1),))
    assert desk.board().waiting is None
    assert desk.board().classifiers == []


def test_a_network_is_taught_kept_undone_and_forgotten(desk: Desk, tmp_path: Path) -> None:
    options = (("epochs", 4), ("network", "linear"))
    taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0), method="replay", options=options)
    before = desk.project.head(1)
    card = taught(desk, clips(tmp_path / "two", middle=440.0))
    assert len(card.curve) <= 4
    assert card.curve
    assert names(desk.undo(Token())) == ["high", "low"]
    assert desk.project.head(1) == before
    assert names(desk.redo(Token())) == ["high", "low", "middle"]
    assert names(desk.forget(desk.board().lessons[-1].id)) == ["middle"]


def test_a_lesson_that_was_forgotten_is_marked_until_that_is_undone(desk: Desk, tmp_path: Path) -> None:
    taught(desk, clips(tmp_path / "one", low=110.0, high=1760.0))
    taught(desk, clips(tmp_path / "two", middle=440.0))
    second = desk.board().lessons[0]
    assert [row.forgotten for row in desk.forget(second.id).lessons] == [False, True, False]
    assert [row.forgotten for row in desk.undo(Token()).lessons if row.state == "kept"] == [False, False]


def test_what_was_after_one_lesson_is_before_the_next(desk: Desk, tmp_path: Path) -> None:
    first = taught(desk, clips(tmp_path / "one", 7, low=110.0, deep=150.0, high=1760.0))
    second = taught(desk, clips(tmp_path / "two", 5, middle=440.0))
    assert {one.name: one.before for one in second.classes if not one.new} == {one.name: one.after for one in first.classes}


def test_a_lesson_that_waits_is_called_by_its_classes(desk: Desk, tmp_path: Path) -> None:
    token = Token()
    plan = plan_drop([clips(tmp_path / "one", low=110.0, high=1760.0)], budget_s=None)
    with pytest.raises(Cancelled):
        desk.teach(plan, Wanted(0, encoder="timbre"), token, lambda news: token.cancel())
    waiting = desk.board().waiting
    assert waiting is not None
    assert waiting.title == "Teach “high”, “low”"


def test_a_class_that_is_alone_is_not_called_reliable(desk: Desk, tmp_path: Path) -> None:
    [one] = taught(desk, clips(tmp_path / "one", low=110.0)).classes
    assert one.after is None
    assert "only class" in one.note
    assert desk.board().classifiers[0].classes[0].quality is None


def test_a_lesson_that_was_cut_off_while_learning_is_shown_as_interrupted(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull_the_plug(*_: object) -> None:
        raise KeyboardInterrupt

    plan = plan_drop([clips(tmp_path / "one", low=110.0, high=1760.0)], budget_s=None)
    with monkeypatch.context() as cut:
        cut.setattr("musicclass_gui.engine.lessons.teacher.examine", pull_the_plug)
        with pytest.raises(KeyboardInterrupt):
            desk.teach(plan, Wanted(0, encoder="timbre"), Token(), lambda news: None)
    waiting = desk.board().waiting
    assert waiting is not None
    assert (waiting.state, waiting.card) == ("planned", None)
    waiting = desk.go_on(Token(), lambda news: None).waiting
    assert waiting is not None
    assert waiting.state == "draft"
    assert waiting.card is not None
