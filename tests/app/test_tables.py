"""The models tell their views exactly what changed, and every cell can be read, sorted and heard."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QAbstractItemModel, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QAbstractItemModelTester

from musicclass_gui.app.documents import QueueRow
from musicclass_gui.app.tables import FRACTION_ROLE, RAW_ROLE, QueueModel, SegmentsModel
from musicclass_gui.app.theme import DARK, LIGHT, class_colour
from musicclass_gui.engine.answers import Answer, Ranked, Segment

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

Role = Qt.ItemDataRole
pytestmark = pytest.mark.usefixtures("qapp")


def answer(classifier: str, label: str | None, segments: list[tuple[float, float, str | None, float]]) -> Answer:
    ranking = [Ranked("rock", 0.82), Ranked("blues", 0.18)]
    return Answer(classifier, "timbre", label, label is None, ranking, [Segment(*part) for part in segments], note="synthetic timbre")


def queue(*states: str) -> list[QueueRow]:
    return [QueueRow(Path(f"/music/{number:03d}.mp3"), state) for number, state in enumerate(states)]


def column(model: QAbstractItemModel, title: str) -> int:
    return [model.headerData(place, Qt.Orientation.Horizontal) for place in range(model.columnCount())].index(title)


def cell(model: QAbstractItemModel, row: int, title: str, role: int = Role.DisplayRole) -> Any:
    return model.index(row, column(model, title)).data(role)


class Events:
    """What a model told its views."""

    def __init__(self, model: QAbstractItemModel) -> None:
        self.seen: list[tuple[str, int, int]] = []
        model.rowsInserted.connect(lambda parent, first, last: self.seen.append(("in", first, last)))
        model.rowsRemoved.connect(lambda parent, first, last: self.seen.append(("out", first, last)))
        model.dataChanged.connect(lambda top, bottom: self.seen.append(("new", top.row(), bottom.row())))
        model.modelReset.connect(lambda: self.seen.append(("reset", 0, 0)))


@pytest.fixture
def model() -> QueueModel:
    made = QueueModel(DARK)
    made._timer.setInterval(0)
    made.tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return made


def shown(model: QueueModel, rows: list[QueueRow]) -> None:
    """Refresh without the wait."""
    model._timer.stop()
    model.refresh(rows)


def test_columns_are_those_of_the_queue(model: QueueModel) -> None:
    titles = [model.headerData(place, Qt.Orientation.Horizontal) for place in range(model.columnCount())]
    assert titles == ["State", "Name", "Length", "Genre", "Composer", "Instrument", "Your classes", "Reason", "Progress"]
    assert QueueModel(DARK, ["mood"]).columnCount() == 7


def test_a_row_in_words(model: QueueModel) -> None:
    row = QueueRow(Path("/music/Ünder.mp3"), "reading", progress=0.42, duration_s=185.0)
    row.answers = {"genre": answer("genre", "rock", []), "composer": answer("composer", None, [])}
    shown(model, [row])
    texts = {title: cell(model, 0, title) for title in ("State", "Name", "Length", "Genre", "Composer", "Reason", "Progress")}
    assert texts == {
        "State": "Reading", "Name": "Ünder.mp3", "Length": "3:05", "Genre": "rock, very likely", "Composer": "None of these",
        "Reason": "", "Progress": "42 %",
    }  # fmt: skip
    assert cell(model, 0, "Name", Role.ToolTipRole) == "/music/Ünder.mp3"
    assert cell(model, 0, "Composer", Role.ToolTipRole) == "synthetic timbre"
    assert cell(model, 0, "Progress", FRACTION_ROLE) == 0.42
    assert cell(model, 0, "Length", RAW_ROLE) == 185.0
    assert cell(model, 0, "Length", Role.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    assert cell(model, 0, "State", Role.AccessibleTextRole) == "State: Reading"
    assert cell(model, 0, "Reason", Role.AccessibleTextRole) == "Reason: nothing"
    assert model.queue_row(0) is row


def test_what_taught_classifiers_answer_has_one_column(model: QueueModel) -> None:
    row = QueueRow(Path("/music/a.wav"), "done")
    row.answers = {"genre": answer("genre", "rock", []), "mine": answer("mine", "flute", []), "more": answer("more", None, [])}
    shown(model, [row])
    assert cell(model, 0, "Your classes") == "flute, unsure; None of these"


def test_states_have_words_and_colours_of_the_theme(model: QueueModel) -> None:
    shown(model, queue("failed", "done"))
    assert cell(model, 0, "State", Role.ForegroundRole) == QColor(DARK.bad)
    events = Events(model)
    model.set_theme(LIGHT)
    assert cell(model, 0, "State", Role.ForegroundRole) == QColor(LIGHT.bad)
    assert events.seen == [("new", 0, 1)]


def test_only_what_changed_is_told(model: QueueModel) -> None:
    rows = queue("done", "reading", "waiting", "waiting")
    shown(model, rows)
    events = Events(model)
    shown(model, rows)
    assert events.seen == []
    rows[1].progress = 0.5
    shown(model, rows)
    assert events.seen == [("new", 1, 1)]
    rows += queue("waiting", "waiting", "waiting", "waiting", "waiting", "waiting")[4:]
    shown(model, rows)
    assert events.seen[1:] == [("in", 4, 5)]
    shown(model, [rows[0], rows[3], rows[4]])
    assert events.seen[2:] == [("out", 5, 5), ("out", 1, 2)]


def test_chosen_rows_stay_chosen_when_others_go_or_are_retried(model: QueueModel) -> None:
    rows = queue("done", "done", "failed", "waiting")
    shown(model, rows)
    chosen = QPersistentModelIndex(model.index(2, 0))
    rows[2] = QueueRow(rows[2].path)
    shown(model, rows[1:])
    assert chosen.isValid()
    assert chosen.row() == 1
    assert model.queue_row(chosen.row()) is rows[2]
    assert chosen.data() == "Waiting"


def test_progress_at_any_rate_is_told_ten_times_a_second_and_the_last_is_shown(qtbot: QtBot) -> None:
    model, rows = QueueModel(DARK), queue("reading")
    model.refresh(rows)
    events = Events(model)
    end = time.monotonic() + 0.55
    while time.monotonic() < end:
        rows[0].progress += 1e-4
        model.refresh(rows)
        qtbot.wait(1)
    rows[0].progress = 0.9
    model.refresh(rows)
    qtbot.waitUntil(lambda: cell(model, 0, "Progress") == "90 %")
    assert 2 <= len(events.seen) <= 8


def test_ten_thousand_rows_are_refreshed_in_no_time() -> None:
    model = QueueModel(DARK)
    rows = [QueueRow(Path(f"/music/{number}.mp3")) for number in range(10_000)]
    shown(model, rows)
    rows[5000].progress = 0.5
    start = time.process_time()
    shown(model, rows)
    assert time.process_time() - start < 0.1


def test_sorting_is_by_value(model: QueueModel) -> None:
    rows = queue("done", "failed", "reading", "waiting")
    for row, seconds in zip(rows, (100.0, 20.0, math.nan, 3.0), strict=True):
        row.duration_s = seconds
    shown(model, rows)
    proxy = QSortFilterProxyModel()
    proxy.setSortRole(RAW_ROLE)
    proxy.setSourceModel(model)
    proxy.sort(column(model, "Length"))
    assert [proxy.index(row, 2).data() for row in range(4)] == ["", "0:03", "0:20", "1:40"]
    proxy.sort(column(model, "State"))
    assert [proxy.index(row, 0).data() for row in range(4)] == ["Reading", "Waiting", "Failed", "Done"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_any_change_of_rows_is_told_rightly(seed: int, steps: int) -> None:
    chance = random.Random(seed)
    model = QueueModel(DARK)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    told: list[str] = []
    mirror_of(model, told)
    rows = queue(*["waiting"] * 5)
    for _ in range(steps):
        rows = [row for row in rows if chance.random() > 0.3]
        for place in range(len(rows)):
            if chance.random() < 0.3:
                rows[place] = QueueRow(rows[place].path, chance.choice(["waiting", "done"]))
        rows += [QueueRow(Path(f"/{chance.random()}.mp3")) for _ in range(chance.randrange(4))]
        if chance.random() < 0.1:
            chance.shuffle(rows)
        shown(model, rows)
        assert [model.queue_row(place) for place in range(model.rowCount())] == rows
        assert told == [row.path.name for row in rows]
    tester.deleteLater()


def mirror_of(model: QueueModel, names: list[str]) -> None:
    """Keep `names` as a view would that believes what it is told."""

    def inserted(parent: object, first: int, last: int) -> None:
        names[first:first] = [cell(model, row, "Name") for row in range(first, last + 1)]

    def removed(parent: object, first: int, last: int) -> None:
        del names[first : last + 1]

    model.rowsInserted.connect(inserted)
    model.rowsRemoved.connect(removed)
    model.modelReset.connect(lambda: names.__setitem__(slice(None), [cell(model, row, "Name") for row in range(model.rowCount())]))


GENRE = answer("genre", "rock", [(0.0, 10.0, "rock", 0.97), (10.0, 20.0, None, 0.3)])
COMPOSER = answer("composer", None, [(0.0, 20.0, "blues", 0.5)])


@pytest.fixture
def segments() -> SegmentsModel:
    made = SegmentsModel(DARK)
    made.tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return made


def test_segments_in_words(segments: SegmentsModel) -> None:
    segments.set_answers([GENRE, COMPOSER])
    assert segments.rowCount() == 3
    texts = [[cell(segments, row, title) for title in ("Classifier", "Start", "End", "Label", "Probability")] for row in range(3)]
    assert texts == [
        ["Genre", "0:00.0", "0:10.0", "rock", "97 %, almost certainly"],
        ["Genre", "0:10.0", "0:20.0", "None of these", ""],
        ["Composer", "0:00.0", "0:20.0", "blues", "50 %, maybe"],
    ]
    assert cell(segments, 0, "Label", Role.DecorationRole) == QColor(class_colour(DARK, "rock", ["blues", "rock"]))
    assert cell(segments, 1, "Label", Role.DecorationRole) == QColor(DARK.none)
    assert cell(segments, 2, "Probability", FRACTION_ROLE) == 0.5
    assert segments.span_of(1) == (10.0, 20.0)


def test_growing_answers_are_told_as_growth(segments: SegmentsModel) -> None:
    segments.set_answers([GENRE, COMPOSER])
    events = Events(segments)
    longer = [*GENRE.segments[:1], Segment(10.0, 30.0, None, 0.4), Segment(30.0, 40.0, "rock", 0.9)]
    grown = Answer("genre", "timbre", "rock", False, GENRE.ranking, longer)
    segments.set_answers([grown, COMPOSER])
    assert events.seen == [("in", 2, 2), ("new", 1, 1)]
    assert cell(segments, 1, "End") == "0:30.0"
    assert cell(segments, 3, "Classifier") == "Composer"
    segments.set_answers([])
    assert segments.rowCount() == 0


def test_classifiers_in_another_order_start_the_table_anew(segments: SegmentsModel) -> None:
    segments.set_answers([GENRE, COMPOSER])
    events = Events(segments)
    segments.set_answers([COMPOSER, GENRE])
    assert events.seen == [("reset", 0, 0)]
    assert cell(segments, 0, "Classifier") == "Composer"
