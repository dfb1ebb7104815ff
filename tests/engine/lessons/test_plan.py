"""What dropping something would teach: classes by folder, at once, whatever lies in the folders."""

from __future__ import annotations

import json
import os
import string
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from musicclass_gui.engine.errors import Cancelled
from musicclass_gui.engine.lessons.plan import (
    LONGEST_NAME,
    Plan,
    PlannedClass,
    PlannedFile,
    clean_name,
    plan_drop,
    sentence,
)
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

not_as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to this user")
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def tone(path: Path) -> Path:
    """A short sound, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(2000) / 9), 8000)
    return path


def whole(*paths: Path) -> Plan:
    return plan_drop(paths, budget_s=None)


def names(plan: Plan) -> dict[str, list[str]]:
    return {one.name: [os.path.basename(file.path) for file in one.files] for one in plan.classes}


def groups(plan: Plan) -> list[str]:
    return [file.group for one in plan.classes for file in one.files]


def test_sub_folders_are_classes_in_natural_order(tmp_path: Path) -> None:
    for name in ("take 10.wav", "take 9.wav", ".hidden.wav"):
        tone(tmp_path / "set" / "violin" / name)
    tone(tmp_path / "set" / "Cello" / "a.WAV")
    tone(tmp_path / "set" / ".trash" / "b.wav")
    (tmp_path / "set" / "violin" / "notes.txt").write_text("bow")
    (tmp_path / "set" / "empty").mkdir()
    plan = whole(tmp_path / "set")
    assert names(plan) == {"Cello": ["a.WAV"], "violin": ["take 9.wav", "take 10.wav"]}
    assert (plan.others, plan.complete, plan.counted, plan.problems) == (1, True, True, [])
    assert sentence(plan) == "Teach 2 classes: 1, 2 files"


def test_a_folder_with_audio_and_no_sub_folders_is_one_class(tmp_path: Path) -> None:
    tone(tmp_path / "violin" / "a.wav")
    (tmp_path / "violin" / "pictures").mkdir()
    plan = whole(tmp_path / "violin")
    assert names(plan) == {"violin": ["a.wav"]}
    assert sentence(plan) == "Teach “violin”: 1 file"


def test_loose_files_beside_sub_folders_are_a_class_of_their_own_and_that_is_said(tmp_path: Path) -> None:
    tone(tmp_path / "set" / "x.wav")
    tone(tmp_path / "set" / "oboe" / "a.wav")
    plan = whole(tmp_path / "set")
    assert names(plan) == {"oboe": ["a.wav"], "set": ["x.wav"]}
    assert plan.problems == ["1 file of “set” lies in none of its sub-folders; that makes a class of its own."]


def test_deeper_folders_are_groups_and_those_that_all_share_tell_nothing_apart(tmp_path: Path) -> None:
    for name in ("oboe/audio/Anna/cd 1/a.wav", "oboe/audio/Anna/cd 2/b.wav", "oboe/audio/Ben/c.wav", "flute/wav/d.wav"):
        tone(tmp_path / "set" / name)
    plan = whole(tmp_path / "set")
    assert names(plan) == {"flute": ["d.wav"], "oboe": ["a.wav", "b.wav", "c.wav"]}
    assert groups(plan) == ["", "Anna", "Anna", "Ben"]


def test_several_folders_and_files_together_and_same_names_are_one_class(tmp_path: Path) -> None:
    one, two, again = tone(tmp_path / "a" / "oboe" / "1.wav"), tone(tmp_path / "b" / "oboe" / "2.wav"), tmp_path / "a" / "oboe"
    loose = tone(tmp_path / "x.wav")
    plan = whole(tmp_path / "a", two.parent, loose, loose, again)
    assert names(plan) == {"oboe": ["1.wav", "2.wav"], "": ["x.wav"]}
    assert plan.classes[0].files[0].path == str(one)


def test_loose_files_wait_for_a_name(tmp_path: Path) -> None:
    files = [tone(tmp_path / f"{number}.wav") for number in (10, 2)]
    plan = whole(*files, tmp_path / "notes.txt")
    assert (names(plan), plan.others) == ({"": ["2.wav", "10.wav"]}, 1)
    assert sentence(plan) == "Teach a new class from 2 files"


def test_files_that_cannot_be_read_say_why_and_are_not_taught(tmp_path: Path) -> None:
    tone(tmp_path / "oboe" / "good.wav")
    (tmp_path / "oboe" / "bad.wav").write_bytes(b"no sound")
    (tmp_path / "oboe" / "empty.flac").touch()
    plan = whole(tmp_path / "oboe")
    reasons = {os.path.basename(file.path): file.reason for file in plan.classes[0].files}
    assert reasons["good.wav"] == ""
    assert reasons["empty.flac"] == "“empty.flac” cannot be read because it is empty; copy or download it again."
    assert "cannot be read" in reasons["bad.wav"]
    assert [file.path for file in plan.classes[0].taught] == [str(tmp_path / "oboe" / "good.wav")]
    assert sentence(plan) == "Teach “oboe”: 1 file, 2 unreadable"


@needs_links
def test_links_in_circles_to_themselves_and_to_nowhere(tmp_path: Path) -> None:
    tone(tmp_path / "set" / "oboe" / "a.wav")
    tone(tmp_path / "elsewhere" / "b.wav")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "oboe" / "up").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "flute").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "oboe" / "self.wav").symlink_to(tmp_path / "set" / "oboe" / "self.wav")
    (tmp_path / "set" / "oboe" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    plan = whole(tmp_path / "set")
    assert names(plan) == {"flute": ["b.wav"], "oboe": ["a.wav", "gone.wav", "self.wav"]}
    assert [bool(file.reason) for file in plan.classes[1].files] == [False, True, True]
    assert [problem.split(" is a link")[0] for problem in plan.problems] == ["“back”", "“up”"]


@needs_links
def test_pipes_are_no_audio_and_nothing_waits_for_them(tmp_path: Path) -> None:
    tone(tmp_path / "oboe" / "a.wav")
    os.mkfifo(tmp_path / "oboe" / "b.wav")
    plan = whole(tmp_path / "oboe")
    assert (names(plan), plan.others) == ({"oboe": ["a.wav"]}, 1)


@not_as_root
def test_a_folder_that_may_not_be_read_is_noted_and_the_rest_goes_on(tmp_path: Path) -> None:
    tone(tmp_path / "set" / "oboe" / "a.wav")
    closed = tone(tmp_path / "set" / "shut" / "b.wav").parent
    closed.chmod(0)
    try:
        plan = whole(tmp_path / "set")
    finally:
        closed.chmod(0o700)
    assert names(plan) == {"oboe": ["a.wav"]}
    assert len(plan.problems) == 1
    assert plan.problems[0].startswith("“shut” cannot be read because you have no permission")


def test_nothing_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").touch()
    plan = whole(tmp_path / "docs", tmp_path / "gone.wav")
    assert plan.problems == ["There is no audio in “docs”."]
    assert sentence(plan) == "Nothing to teach: 1 file, all unreadable"
    assert "no longer there" in plan.classes[0].files[0].reason
    assert sentence(whole(tmp_path / "docs")) == "Nothing to teach: no audio files"


def test_folders_that_are_too_deep_end(tmp_path: Path) -> None:
    deep = tmp_path.joinpath("set", *("d" for _ in range(80)))
    tone(tmp_path / "set" / "d" / "a.wav")
    deep.mkdir(parents=True)
    plan = whole(tmp_path / "set")
    assert names(plan) == {"d": ["a.wav"]}
    assert [problem for problem in plan.problems if "64 folders deep" in problem]


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for number in range(10_000):
        (folder / f"clip {number}.wav").touch()
    return folder


def test_while_dragging_ten_thousand_files_are_counted_within_the_time(ten_thousand: Path) -> None:
    began = time.perf_counter()
    plan = plan_drop([ten_thousand], budget_s=0.05)
    assert time.perf_counter() - began < 1.0  # 0.06 s where it was measured
    assert not plan.complete
    if plan.counted:
        assert len(plan.classes[0].files) == 10_000
    else:  # a machine on which other tests run may not get that far
        assert sentence(plan).startswith("Teach ")


def test_all_of_ten_thousand_files_are_looked_into_when_there_is_time(ten_thousand: Path) -> None:
    plan = whole(ten_thousand)
    assert (plan.complete, plan.counted) == (True, True)
    assert [os.path.basename(file.path) for file in plan.classes[0].files[9:11]] == ["clip 9.wav", "clip 10.wav"]
    assert all(file.reason for file in plan.classes[0].files)


def test_no_time_at_all_says_that_counting_goes_on(tmp_path: Path) -> None:
    tone(tmp_path / "oboe" / "a.wav")
    plan = plan_drop([tmp_path / "oboe"], budget_s=0.0)
    assert (plan.complete, plan.counted) == (False, False)
    assert sentence(plan) == "Teach what is in here: still counting"


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        plan_drop([tmp_path], budget_s=None, token=token)


def make(*counts: int, complete: bool = True, counted: bool = True) -> Plan:
    classes = [PlannedClass(f"c{n}", [PlannedFile(f"/{i}.wav") for i in range(count)]) for n, count in enumerate(counts)]
    return Plan(classes, complete=complete, counted=counted)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (make(12, 9, 31), "Teach 3 classes: 12, 9, 31 files"),
        (make(*range(1, 15)), "Teach 14 classes: 1, 2, 3, 4, 5, 6, … files"),
        (make(12, complete=False), "Teach “c0”: 12 files"),
        (make(12, complete=False, counted=False), "Teach “c0”: more than 12 files"),
        (make(12, 9, complete=False, counted=False), "Teach 2 classes or more: more than 21 files"),
        (Plan([PlannedClass("a", [PlannedFile("/a.wav", keep=False)])]), "Nothing to teach: everything is left out"),
        (Plan([PlannedClass("a", [PlannedFile("/a.wav"), PlannedFile("/b.wav", reason="x")])], complete=False),
         "Teach “a”: 1 file, 1 or more unreadable"),
        (Plan([PlannedClass("a", [PlannedFile("/a.wav")]), PlannedClass("b", [PlannedFile("/a.wav")], keep=False)]), "Teach “a”: 1 file"),
    ],
)  # fmt: skip
def test_the_sentence(plan: Plan, words: str) -> None:
    assert sentence(plan) == words


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  violin \t", "violin"),
        ("a/b\\c", "a/b\\c"),
        ("line\nbreak\x00", "line break"),
        ("‮olleh‬", "olleh"),
        ("שלום 🎻", "שלום 🎻"),
        ("x" * 500, "x" * 200),
        ("e\u0301", "é"),
        ("\udcff", "?"),
        ("\x07", ""),
    ],
)
def test_names_are_cleaned(text: str, name: str) -> None:
    assert clean_name(text) == name


@given(st.text(max_size=600))
def test_any_text_becomes_a_name_that_stays_as_it_is(text: str) -> None:
    name = clean_name(text)
    assert clean_name(name) == name
    assert len(name) <= LONGEST_NAME
    assert name == name.strip()
    assert not set(name) & set(string.whitespace.replace(" ", "")) | {c for c in name if ord(c) < 32}
    name.encode()


_FILE_NAMES = st.text(st.characters(exclude_characters='/\\\x00:*?"<>|', exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(folder=_FILE_NAMES, group=_FILE_NAMES, file=_FILE_NAMES)
def test_folders_with_odd_names_are_planned(tmp_path_factory: pytest.TempPathFactory, folder: str, group: str, file: str) -> None:
    root = tmp_path_factory.mktemp("odd")
    try:
        tone(root / f"_{folder}" / f"_{group}" / f"_{file}.wav")
        tone(root / f"_{folder}" / "_" / "_.wav")
    except (OSError, soundfile.LibsndfileError):  # a name that this file system cannot have
        return
    plan = whole(root)
    assert sum(len(one.taught) for one in plan.classes) == 2
    assert [one.name for one in plan.classes] == [clean_name(f"_{folder}")]
    assert "\n" not in sentence(plan)
    assert from_plain(Plan, json.loads(json.dumps(to_plain(plan)))) == plan


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes only there")
def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    os.mkdir(folder)
    os.rename(tone(tmp_path / "a.wav"), os.path.join(folder, b"\xff.wav"))
    plan = whole(tmp_path)
    assert [one.name for one in plan.classes] == ["caf?"]
    assert plan.problems == ["“caf?” cannot be a name as it is, so that class is called “caf?”."]
    travelled = from_plain(Plan, json.loads(json.dumps(to_plain(plan))))
    assert os.path.exists(travelled.classes[0].taught[0].path)


def test_the_real_instruments(data_dir: Path) -> None:
    plan = whole(data_dir / "instruments" / "freesound10")
    assert len(plan.classes) == 10
    assert sentence(plan) == "Teach 10 classes: 20, 20, 20, 20, 20, 20, … files"
