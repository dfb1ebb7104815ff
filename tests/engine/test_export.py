"""Exports: what other programs read must parse, and say the same as the answer."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from pathlib import Path

import pytest

from musicclass_gui.engine import export
from musicclass_gui.engine.answers import Answer, Evidence, Ranked, Segment
from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.events import answer_from_json
from musicclass_gui.engine.export import Result

ANSWER = Answer(
    "genre",
    "timbre",
    "jazz",
    False,
    [Ranked("jazz", 0.7), Ranked("blues", 0.3)],
    [Segment(0.0, 7.5, "jazz", 0.8), Segment(7.5, 10.0, None, 0.3)],
    [Evidence("window", "jazz", 1.5, 0.0, 5.0), Evidence("training", "jazz", 0.2, name="jazz.00001")],
)
GOOD = Result(Path("a, “b”\n.mp3"), 10.0, [ANSWER], notices=["Only 10 s."])
BAD = Result(Path("c.mp3"), math.nan, error="It is not audio.")


def test_json_lines_are_strict_json_and_carry_the_whole_answer() -> None:
    good, bad = (json.loads(line) for line in export.as_json([GOOD, BAD]).splitlines())
    assert answer_from_json(good["answers"][0]) == ANSWER
    assert (good["error"], good["duration_s"]) == (None, 10.0)
    assert (bad["error"], bad["duration_s"], bad["answers"]) == ("It is not audio.", None, [])


def test_csv_has_a_row_for_the_whole_one_per_segment_and_one_per_failure() -> None:
    rows = list(csv.DictReader(io.StringIO(export.as_csv([GOOD, BAD]))))
    assert [(row["start_s"], row["label"], row["error"]) for row in rows] == [
        ("", "jazz", ""),
        ("0.000", "jazz", ""),
        ("7.500", "none of these", ""),
        ("", "", "It is not audio."),
    ]
    assert rows[0]["path"] == str(GOOD.path)


def test_audacity_labels_are_three_columns_of_times_and_text() -> None:
    lines = [line.split("\t") for line in export.as_labels([GOOD]).splitlines()]
    assert lines == [["0.000000", "7.500000", "genre: jazz"], ["7.500000", "10.000000", "genre: none of these"]]


def test_writing_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")
    export.write(target, "csv", [GOOD])
    assert target.read_text(encoding="utf-8") == export.as_csv([GOOD])
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MusicClassError, match=r"out\.csv.*choose another folder"):
        export.write(tmp_path / "nowhere" / "out.csv", "csv", [GOOD])


@pytest.mark.parametrize("kind", export.KINDS)
def test_names_that_are_no_valid_text_are_written_too(tmp_path: Path, kind: str) -> None:
    strange = Result(Path("caf\udce9.mp3"), 10.0, [ANSWER])
    export.write(tmp_path / "out", kind, [strange])
    text = (tmp_path / "out").read_text(encoding="utf-8")
    if kind == "json":
        assert json.loads(text)["path"] == str(strange.path)


@pytest.mark.skipif(os.name != "posix", reason="other systems have other permissions")
def test_an_export_may_be_read_by_whom_new_files_may(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    export.write(tmp_path / "out.csv", "csv", [GOOD])
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(("kind", "said"), [("classes", "none of these"), ("tags", "no tag"), ("words", "no phrase")])
def test_what_has_no_label_is_called_by_its_kind(kind: str, said: str) -> None:
    answer = Answer("x", "timbre", None, True, [Ranked("jazz", 0.1)], [Segment(0.0, 5.0, None, 0.0)], kind=kind)
    results = [Result(Path("a.wav"), 5.0, [answer])]
    assert [row["label"] for row in csv.DictReader(io.StringIO(export.as_csv(results)))] == [said, said]
    assert said in export.as_labels(results)
