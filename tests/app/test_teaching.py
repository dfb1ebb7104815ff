"""Teaching with the real worker and real project files: what the window can do, in the order in which a user does it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import soundfile

from musicclass_gui.app.actions import BY_ID
from musicclass_gui.app.documents import Change
from musicclass_gui.app.session import Session
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine import places
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from musicclass_gui.app.teaching import Teaching
    from musicclass_gui.engine.project.board import Alike, Board, ClassView, Doubt, LessonView, SoundMap

RATE = 22050
LONG_MS = 90_000
PITCHES = {"bell": 2000.0, "drone": 110.0, "hiss": 0.0}


def sound(path: Path, kind: str, seed: int, seconds: float = 4.0) -> Path:
    """A tone of the kind's pitch, a little off, in noise; a hiss is only noise."""
    rng = np.random.default_rng([seed, *kind.encode()])
    time_s = np.arange(round(seconds * RATE)) / RATE
    pitch = PITCHES[kind] * (1 + 0.03 * rng.standard_normal())
    mono = 0.02 * rng.standard_normal(len(time_s)) if pitch else 0.2 * rng.standard_normal(len(time_s))
    for overtone in (1, 2, 3) if pitch else ():
        mono += 0.2 / overtone * np.sin(2 * np.pi * overtone * pitch * time_s)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, mono, RATE)
    return path


def folder(root: Path, *kinds: str, files: int = 4, seconds: float = 4.0) -> Path:
    for kind in kinds:
        for number in range(files):
            sound(root / kind / f"{kind} {number}.wav", kind, number, seconds)
    return root


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    yield from opened()


def opened() -> Iterator[Session]:
    settings = Settings(places.config_dir())
    session = Session(settings)
    yield session
    session.close()
    settings.close()


@pytest.fixture
def teaching(session: Session) -> Teaching:
    return session.teaching


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)


def settle(qtbot: QtBot, teaching: Teaching) -> Board:
    """Wait until nothing goes on; the board then, without a problem."""
    until(qtbot, lambda: not teaching.lane.busy)
    assert teaching.problem == ""
    assert teaching.busy == ""
    assert teaching.board is not None
    return teaching.board


def teach(qtbot: QtBot, teaching: Teaching, root: Path) -> LessonView:
    """Propose a folder and teach what is proposed; the draft."""
    teaching.propose([root])
    until(qtbot, lambda: teaching.plan is not None)
    assert teaching.plan is not None
    number = teaching.current if teaching.board and teaching.board.classifiers else None
    teaching.teach(teaching.plan, number, title="Sounds")
    settle(qtbot, teaching)
    assert teaching.waiting is not None
    return teaching.waiting


def kept(qtbot: QtBot, teaching: Teaching, root: Path) -> Board:
    teach(qtbot, teaching, root)
    teaching.keep()
    return settle(qtbot, teaching)


def classes(teaching: Teaching) -> dict[str, ClassView]:
    assert teaching.classifier is not None
    return {one.name: one for one in teaching.classifier.classes}


def test_a_folder_is_proposed_taught_kept_undone_and_redone(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    teaching, changes = session.teaching, list[Change]()
    session.open(sound(tmp_path / "new bell.wav", "bell", 77, 12.0))
    until(qtbot, lambda: session.document.state == "ready")
    session.select((1.0, 2.0))
    document = session.document
    session.changed.connect(changes.append)
    root = folder(tmp_path / "sounds", "bell", "drone")
    (root / "bell" / "broken.wav").write_bytes(b"RIFF")
    teaching.propose([root])
    assert teaching.busy == "Looking at the files"
    until(qtbot, lambda: teaching.plan is not None)
    assert teaching.plan is not None
    assert [(one.name, len(one.taught)) for one in teaching.plan.classes] == [("bell", 4), ("drone", 4)]
    assert sum(bool(file.reason) for file in teaching.plan.classes[0].files) == 1
    assert {Change.PLAN, Change.LESSON} <= set(changes)

    teaching.teach(teaching.plan, None, title="Sounds")
    assert teaching.plan is None
    assert teaching.busy == "Listening"
    settle(qtbot, teaching)
    draft = teaching.waiting
    assert draft is not None
    assert (draft.state, draft.classifier) == ("draft", teaching.current)
    assert draft.card is not None
    assert {report.name for report in draft.card.classes} == {"bell", "drone"}
    assert len(teaching.heard) == 8
    assert document.answers.keys() == {"genre", "composer", "instrument"}, "a draft answers nothing"
    assert session.shown_classifiers() == ["genre", "composer", "instrument"]

    teaching.keep()
    settle(qtbot, teaching)
    [classifier] = teaching.board.classifiers if teaching.board else []
    until(qtbot, lambda: classifier.key in document.answers)
    assert session.document is document
    assert session.selection == (1.0, 2.0)
    assert document.answers[classifier.key].ranking[0].label == "bell"
    assert session.shown_classifiers() == ["genre", "composer", "instrument", classifier.key]
    assert session.title_of(classifier.key) == "Sounds"

    assert teaching.board is not None
    undone = teaching.board.undo
    assert undone
    teaching.undo()
    board = settle(qtbot, teaching)
    until(qtbot, lambda: classifier.key not in document.answers)
    assert board.redo == undone
    teaching.redo()
    assert settle(qtbot, teaching).undo == undone
    until(qtbot, lambda: classifier.key in document.answers)


def test_a_lesson_that_is_cancelled_leaves_no_trace(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    root = folder(tmp_path / "sounds", "bell", "drone", files=30, seconds=20.0)
    files = {kind: [PlannedFile(str(path)) for path in sorted((root / kind).iterdir())] for kind in ("bell", "drone")}
    teaching.teach(Plan([PlannedClass(kind, found) for kind, found in files.items()]), None)
    until(qtbot, lambda: bool(teaching.heard))
    teaching.cancel()
    assert teaching.busy == ""
    board = settle(qtbot, teaching)
    assert board.waiting is None
    assert board.classifiers == []
    assert board.lessons == []
    count = len(teaching.heard)
    qtbot.wait(200)
    assert len(teaching.heard) == count < 60


def test_quitting_in_the_middle_of_a_lesson_loses_nothing(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    teaching = session.teaching
    root = folder(tmp_path / "sounds", "bell", "drone", files=20, seconds=20.0)
    files = {kind: [PlannedFile(str(path)) for path in sorted((root / kind).iterdir())] for kind in ("bell", "drone")}
    teaching.teach(Plan([PlannedClass(kind, found) for kind, found in files.items()]), None)
    until(qtbot, lambda: bool(teaching.heard))
    began = time.monotonic()
    session.close()
    assert time.monotonic() - began < 2.5  # a second, on a machine that does nothing else
    for again in opened():
        later = again.teaching
        later.begin()
        until(qtbot, lambda later=later: later.board is not None)
        assert later.waiting is not None
        assert later.waiting.state == "planned"
        later.go_on()
        until(qtbot, lambda later=later: not later.lane.busy)
        assert later.problem == ""
        assert later.waiting.state == "draft"
        assert len(later.heard) == 40
        assert sum(one.state == "known" for one in later.heard) >= 1, "nothing is listened to twice"
        later.keep()
        settle(qtbot, later)
        assert {name: len(one.examples) for name, one in classes(later).items()} == {"bell": 20, "drone": 20}


def test_a_worker_that_dies_in_a_lesson_is_told_and_the_lesson_can_be_gone_on_with(
    teaching: Teaching, qtbot: QtBot, tmp_path: Path
) -> None:
    root = folder(tmp_path / "sounds", "bell", "drone", files=20, seconds=20.0)
    teaching.propose([root])
    until(qtbot, lambda: teaching.plan is not None)
    assert teaching.plan is not None
    teaching.teach(teaching.plan, None)
    until(qtbot, lambda: bool(teaching.heard))
    [worker] = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    worker.kill()
    until(qtbot, lambda: bool(teaching.problem))
    assert "stopped unexpectedly" in teaching.problem
    until(qtbot, lambda: not teaching.lane.busy)
    assert teaching.waiting is not None
    assert teaching.waiting.state == "planned"
    teaching.take_back()
    assert settle(qtbot, teaching).classifiers == []


def test_classes_are_renamed_joined_moved_and_forgotten(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    board = kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone", "hiss"))
    lesson = board.lessons[0].id
    teaching.rename(classes(teaching)["hiss"].id, "rain")
    teaching.move([classes(teaching)["bell"].examples[0].id], classes(teaching)["drone"].id)
    settle(qtbot, teaching)
    assert {name: len(one.examples) for name, one in classes(teaching).items()} == {"bell": 3, "drone": 5, "rain": 4}
    teaching.move([classes(teaching)["bell"].examples[0].id], None)
    teaching.merge(classes(teaching)["rain"].id, classes(teaching)["drone"].id)
    settle(qtbot, teaching)
    assert {name: len(one.examples) for name, one in classes(teaching).items()} == {"bell": 2, "drone": 9}
    teaching.delete(classes(teaching)["bell"].id)
    settle(qtbot, teaching)
    assert set(classes(teaching)) == {"drone"}
    for _ in range(5):
        teaching.undo()
        settle(qtbot, teaching)
    assert {name: len(one.examples) for name, one in classes(teaching).items()} == {"bell": 4, "drone": 4, "hiss": 4}
    teaching.set_method("centers", {})
    settle(qtbot, teaching)
    assert teaching.classifier is not None
    assert teaching.classifier.method == "centers"
    teaching.set_method("replay", {})
    settle(qtbot, teaching)
    assert teaching.curve, "a network is trained, which can be watched"
    teaching.forget(lesson)
    settle(qtbot, teaching)
    assert classes(teaching) == {}


def test_a_class_is_taught_from_a_span_and_extends_the_one_that_is_there(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone"))
    teaching.propose_span(sound(tmp_path / "long.wav", "bell", 5, 20.0), (5.0, 15.0), "bell")
    assert teaching.plan == Plan([PlannedClass("bell", [PlannedFile(str(tmp_path / "long.wav"), 5.0, 15.0)])])
    teaching.teach(teaching.plan, teaching.current)
    settle(qtbot, teaching)
    teaching.keep()
    settle(qtbot, teaching)
    added = [one for one in classes(teaching)["bell"].examples if one.start_s is not None]
    assert [(one.start_s, one.end_s) for one in added] == [(5.0, 15.0)]


def test_what_cannot_be_done_is_said_until_the_next_thing_is_tried(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    teaching = session.teaching
    plan = Plan([PlannedClass("", [PlannedFile(str(sound(tmp_path / "a.wav", "bell", 1)))])])
    teaching.teach(plan, None)
    assert teaching.problem == "Give the class a name."
    assert teaching.problem in session.notices
    teaching.open_project(tmp_path / "gone.musicclass")
    assert session.notices == []
    until(qtbot, lambda: bool(teaching.problem))
    assert "gone.musicclass" in teaching.problem
    assert session.notices == [teaching.problem]
    teaching.teach(replace(plan, classes=[replace(plan.classes[0], name="bell")]), None)
    assert session.notices == []
    settle(qtbot, teaching)
    assert teaching.waiting is not None


def test_projects_are_made_opened_copied_and_remembered(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    teaching = session.teaching
    first = tmp_path / "First.musicclass"
    teaching.new_project(tmp_path / "First")
    assert settle(qtbot, teaching).path == str(first)
    assert teaching.project == first
    kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone"))
    teaching.save_project_as(tmp_path / "Copy")
    settle(qtbot, teaching)
    assert teaching.project == tmp_path / "Copy.musicclass"
    teaching.new_project(tmp_path / "Empty")
    assert settle(qtbot, teaching).classifiers == []
    session.open_paths([first])
    assert len(settle(qtbot, teaching).classifiers) == 1
    assert teaching.recent_projects == [first, tmp_path / "Empty.musicclass", tmp_path / "Copy.musicclass"]
    session.settings.close()
    for again in opened():
        assert again.teaching.project == first
        again.start()
        until(qtbot, lambda again=again: again.teaching.board is not None)
        assert [one.title for one in again.teaching.board.classifiers] == ["Sounds"]


def test_a_project_that_is_gone_is_told_and_the_default_one_used(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    session.settings.set("project", str(tmp_path / "gone.musicclass"))
    session.teaching.begin()
    assert session.teaching.project == places.projects_dir() / "My classes.musicclass"
    assert "gone.musicclass” is not there any more" in session.notices[0]


def test_a_change_asked_for_before_another_project_was_opened_stays_in_its_own(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone"))
    home = teaching.project
    teaching.rename(classes(teaching)["bell"].id, "chime")
    teaching.new_project(tmp_path / "Other")
    teaching.rename(classes(teaching)["drone"].id, "hum")  # the other one is not there yet
    until(qtbot, lambda: not teaching.lane.busy)
    assert teaching.project == tmp_path / "Other.musicclass"
    assert teaching.board is not None
    assert teaching.board.path == str(tmp_path / "Other.musicclass")
    teaching.open_project(home)
    settle(qtbot, teaching)
    assert set(classes(teaching)) == {"chime", "hum"}


def test_a_class_pack_goes_out_and_comes_in(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    teaching = session.teaching
    said: list[str] = []
    teaching.done.connect(said.append)
    kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone"))
    teaching.export_pack(tmp_path / "Sounds")
    settle(qtbot, teaching)
    pack = tmp_path / "Sounds.mcpack"
    assert pack.is_file()
    assert f"Written to {pack}" in said
    teaching.new_project(tmp_path / "Other")
    settle(qtbot, teaching)
    session.open_paths([pack])
    assert teaching.pack == pack
    teaching.import_pack(pack)
    assert teaching.pack is None
    settle(qtbot, teaching)
    assert set(classes(teaching)) == {"bell", "drone"}
    session.open(sound(tmp_path / "new.wav", "drone", 99, 12.0))
    until(qtbot, lambda: session.document.state == "ready")
    [key] = [name for name in session.shown_classifiers() if name not in ("genre", "composer", "instrument")]
    assert session.document.answers[key].ranking[0].label == "drone"


def test_a_new_classifier_starts_from_a_shipped_one(teaching: Teaching, qtbot: QtBot) -> None:
    teaching.new_classifier("My genres", start_from="genre")
    settle(qtbot, teaching)
    assert teaching.classifier is not None
    assert teaching.classifier.title == "My genres"
    assert len(classes(teaching)) >= 10
    teaching.new_classifier("Empty")
    board = settle(qtbot, teaching)
    assert [one.title for one in board.classifiers] == ["My genres", "Empty"]
    assert teaching.current == board.classifiers[1].id, "what was just made is shown"
    assert classes(teaching) == {}
    teaching.remove_classifier(teaching.current)
    settle(qtbot, teaching)
    assert teaching.classifier is not None
    assert teaching.classifier.title == "My genres"


def test_pictures_maps_and_likenesses_are_given(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone"))
    example = classes(teaching)["bell"].examples[0]
    pictures: list[np.ndarray] = []
    for _ in range(2):
        teaching.picture(example.hash, None, None, pictures.append)
    maps: list[SoundMap] = []
    teaching.sound_map("pca", maps.append)
    alike: list[list[Alike]] = []
    teaching.alike(sound(tmp_path / "other.wav", "drone", 50, 12.0), (0.0, 10.0), alike.append)
    cards: list[LessonView] = []
    assert teaching.board is not None
    teaching.lesson(teaching.board.lessons[0].id, cards.append)
    until(qtbot, lambda: len(pictures) == 2 and bool(maps) and bool(alike) and bool(cards))
    assert pictures[0].shape == (24, 64)
    assert pictures[0].std() > 0
    assert len(maps[0].points) == 8
    assert alike[0][0].cls == "drone"
    assert cards[0].card is not None


def test_what_is_confirmed_while_reviewing_is_taught(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    teaching = session.teaching
    kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone"))
    session.open(sound(tmp_path / "new.wav", "bell", 99, 12.0))
    until(qtbot, lambda: session.document.state == "ready")
    found: list[list[Doubt]] = []
    teaching.doubts(found.append)
    until(qtbot, lambda: bool(found))
    [new] = [one for one in found[0] if one.path == str(tmp_path / "new.wav") and one.start_s is None][:1]
    bell = classes(teaching)["bell"]
    teaching.verdict(new, None)
    assert teaching.undo_verdict() == new
    teaching.verdict(new, bell.id)
    assert teaching.review.confirmed == 1
    settle(qtbot, teaching)
    teaching.teach_confirmed()
    settle(qtbot, teaching)
    assert teaching.review.confirmed == 0
    teaching.keep()
    settle(qtbot, teaching)
    assert len(classes(teaching)["bell"].examples) == 5


def test_a_second_window_can_look_but_not_change(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    kept(qtbot, session.teaching, folder(tmp_path / "sounds", "bell", "drone"))
    for other in opened():
        other.teaching.begin()
        until(qtbot, lambda other=other: other.teaching.board is not None)
        assert other.teaching.locked
        assert not BY_ID["teach.folder"].enabled(other)
        assert set(classes(other.teaching)) == {"bell", "drone"}
        other.teaching.rename(classes(other.teaching)["bell"].id, "chime")
        until(qtbot, lambda other=other: bool(other.teaching.problem))
        other.open(sound(tmp_path / "new.wav", "bell", 99, 12.0))
        until(qtbot, lambda other=other: other.document.state == "ready")
        assert len(other.document.answers) == 4, "it answers while the first window has the project"
    session.teaching.refresh()
    settle(qtbot, session.teaching)
    assert set(classes(session.teaching)) == {"bell", "drone"}


def test_fine_tuning_tells_its_curve(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    root = folder(tmp_path / "sounds", "bell", "drone", files=6)
    plan = Plan([PlannedClass(kind, [PlannedFile(str(path)) for path in sorted((root / kind).iterdir())]) for kind in ("bell", "drone")])
    teaching.teach(plan, None, method="replay", title="Sounds")
    settle(qtbot, teaching)
    assert len(teaching.heard) == 12
    assert len(teaching.curve) > 1
    assert [one.epoch for one in teaching.curve] == sorted(one.epoch for one in teaching.curve)
    teaching.keep()
    settle(qtbot, teaching)
    assert teaching.classifier is not None
    assert teaching.classifier.method == "replay"


def test_recordings_that_were_moved_are_found_again(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    root = folder(tmp_path / "sounds", "bell", "drone")
    kept(qtbot, teaching, root)
    root.rename(tmp_path / "elsewhere")
    teaching.refresh()
    settle(qtbot, teaching)
    assert all(one.missing for one in classes(teaching)["bell"].examples)
    teaching.find_moved(tmp_path / "elsewhere")
    settle(qtbot, teaching)
    assert not any(one.missing for cls in classes(teaching).values() for one in cls.examples)


def test_what_is_asked_for_during_a_lesson_is_done_after_it(teaching: Teaching, qtbot: QtBot, tmp_path: Path) -> None:
    kept(qtbot, teaching, folder(tmp_path / "sounds", "bell", "drone"))
    example = classes(teaching)["bell"].examples[0]
    pictures: list[np.ndarray] = []
    more = folder(tmp_path / "more", "hiss", files=10, seconds=10.0)
    plan = Plan([PlannedClass("hiss", [PlannedFile(str(path)) for path in sorted((more / "hiss").iterdir())])])
    teaching.teach(plan, teaching.current)
    teaching.picture(example.hash, None, None, pictures.append)
    until(qtbot, lambda: bool(teaching.heard))
    assert pictures == []
    settle(qtbot, teaching)
    assert len(pictures) == 1
    assert teaching.waiting is not None
