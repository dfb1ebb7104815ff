"""A project's classifier as it answers: names, background, negatives, bases, calibration and what it says of its tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from taught_projects import Desk, added, assert_same, drawn, queries, record

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine import encoders
from musicclass_gui.engine.classifier import Classifier
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import packs
from musicclass_gui.engine.lessons.packing import pack_of
from musicclass_gui.engine.lessons.report import ClassReport, Fitted, LessonCard
from musicclass_gui.engine.plain import to_plain
from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "one.musicclass") as made:
        for number in range(40):
            record(made, number, drawn(number, number % 4))
        yield made


@pytest.fixture
def desk(project: Project) -> Desk:
    made = Desk(project)
    made.teach(added("piano", 0, 4, 8, 12), added("flute", 1, 5, 9, 13))
    return made


def answered(classifier: Classifier, x: np.ndarray) -> Answer:
    return classifier.answer(x, [(2.5 * k, 2.5 * k + 5.0) for k in range(len(x))], np.ones(len(x), bool))


def test_nothing_answers_before_something_was_taught(project: Project) -> None:
    desk = Desk(project)
    assert desk.classifier() is None
    desk.teach(added("traffic", 0, role="background"))
    assert desk.classifier() is None, "background alone is no answer"


def test_it_answers_with_the_names_of_today(desk: Desk) -> None:
    desk.keep(desk.book.rename(desk.cls("piano").id, "Klavier"))
    classifier = desk.classifier()
    answer = answered(classifier, drawn(16, 0))
    assert (answer.classifier, answer.label, answer.none_of_these) == ("my-classes", "Klavier", False)
    assert [one.label for one in answer.ranking] == ["Klavier", "flute"]
    assert sum(one.probability for one in answer.ranking) == pytest.approx(1)
    assert {part.label for part in answer.segments} == {"Klavier"}
    nearest = [one for one in answer.evidence if one.kind == "training"]
    assert [one.label for one in nearest][:3] == ["Klavier"] * 3
    assert nearest[0].name in {"0.wav", "4.wav", "8.wav", "12.wav"}
    assert classifier.card.data.recordings == {"flute": 4, "Klavier": 4}


def test_background_is_none_of_these(desk: Desk) -> None:
    before = answered(desk.classifier(), drawn(16, 0))
    desk.teach(added("traffic", 2, 6, 10, 14, role="background"))
    classifier = desk.classifier()
    answer = answered(classifier, drawn(18, 2))
    assert (answer.label, answer.none_of_these) == (None, True)
    assert answer.reason == "It sounds like “traffic”, which was taught as background."
    assert [one.label for one in answer.ranking] != []
    assert {one.label for one in answer.ranking} == {"piano", "flute"}
    assert sum(one.probability for one in answer.ranking) < 0.5
    assert {part.label for part in answer.segments} == {None}
    again = answered(classifier, drawn(16, 0))
    assert (again.label, before.label) == ("piano", "piano"), "it does not win where it is not the likeliest"
    assert sum(one.probability for one in again.ranking) <= 1 + 1e-12
    assert "traffic" not in {one.label for one in again.evidence}


def test_background_wins_only_where_its_score_is_the_highest(desk: Desk) -> None:
    desk.teach(added("traffic", 2, 6, role="background"), added("harp", 3, 7))
    classifier = desk.classifier()
    scores = classifier.head.log_scores(queries(n=200))
    for x, row in zip(queries(n=200), scores, strict=True):
        assert answered(classifier, x[None]).none_of_these == bool(row[3] > row[:3].max())


def test_background_with_the_very_examples_of_a_class_does_not_win(desk: Desk) -> None:
    desk.teach(added("anything", 0, 4, 8, 12, role="background"))
    assert answered(desk.classifier(), drawn(16, 0)).label == "piano"


def test_negatives_pull_their_class_down(desk: Desk) -> None:
    organ = [2, 6, 10, 14]
    x = np.concatenate([drawn(18, 2), drawn(22, 2)])
    plain = desk.judged(x)[0]
    pulled = "piano" if plain["piano"].mean() > plain["flute"].mean() else "flute"
    other = {"piano": "flute", "flute": "piano"}[pulled]
    assert answered(desk.classifier(), x).label == pulled
    desk.teach(added("", *organ, role="negative", of=pulled))
    classifier = desk.classifier()
    raw, shown = desk.judged(x)[0], dict(zip(classifier.head.classes, classifier.head.log_scores(x).T, strict=True))
    np.testing.assert_array_equal(shown[other], raw[other])
    np.testing.assert_allclose(shown[pulled], raw[pulled] - np.maximum(0, raw[f"not {pulled}"] - raw[pulled]))
    answer = answered(classifier, x)
    assert answer.label != pulled
    assert {one.label for one in answer.ranking} == {"piano", "flute"}
    assert sum(one.probability for one in answer.ranking) == pytest.approx(1)


def test_a_single_class_with_a_negative_can_say_no(project: Project) -> None:
    desk = Desk(project)
    desk.teach(added("piano", 0, 4, 8))
    alone = desk.classifier()
    assert "Only one class" in alone.card.note
    assert answered(alone, drawn(18, 2)).label == "piano"
    desk.teach(added("", 2, 6, 10, role="negative", of="piano"))
    yes, no = answered(desk.classifier(), drawn(16, 0)), answered(desk.classifier(), drawn(18, 2))
    assert (yes.label, no.label, no.none_of_these) == ("piano", None, True)
    assert no.reason == "It would be “piano”, but it sounds more like what was taught as “not piano”."
    assert {part.label for part in no.segments} == {None}


def card(desk: Desk, **changes: object) -> LessonCard:
    row = desk.cls("piano")
    reports = [ClassReport(row.id, "piano", "class", True, 4, 4, 4, None, 0.75)]
    fitted = Fitted(2.0, 3.0, -1000.0, -999.0, 0.1, 0.05, True)  # so low that everything is strange
    plain = LessonCard("t", "gaussian", "timbre", reports, None, None, 0.75, (0.4, 0.9), 0.7, 8, 8, fitted=fitted)
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_calibration_and_sentence_are_those_of_the_newest_kept_card(desk: Desk) -> None:
    assert desk.classifier().card.measured.sentence() == "Not tested: too few recordings to hold some out."
    assert desk.classifier().card.rejection.threshold >= 1e308
    draft = desk.book.teach(desk.id, added("harp", 2, 6))
    with desk.project.writing():
        desk.project.set_lesson(draft.id, card=to_plain(card(desk)))
    assert desk.classifier().card.measured.n == 0, "not kept yet"
    desk.keep(draft)
    desk.keep(desk.book.rename(desk.cls("piano").id, "Klavier"))
    found = desk.classifier().card
    assert (found.temperature.recording, found.temperature.window) == (2.0, 3.0)
    assert (found.rejection.threshold, found.rejection.window_threshold, found.rejection.false_rejection) == (-1000.0, -999.0, 0.05)
    assert found.measured.sentence().startswith("Tested on 8 held-out recordings: right on 75 % (40–90")
    assert found.measured.sentence().endswith("probabilities 10 points off.")
    assert found.measured.per_class == {"Klavier": 0.75}
    far = answered(desk.classifier(), drawn(16, 0))
    assert (far.none_of_these, far.label) == (True, None)
    assert far.reason == "It sounds unlike every class known here: 95 % of the recordings that this was tried on came nearer to one."
    desk.book.undo()
    desk.book.undo()
    assert desk.classifier().card.measured.n == 0
    assert desk.classifier().card.rejection.threshold >= 1e308


def test_of_two_cards_the_newer_one_counts_until_it_is_undone(desk: Desk) -> None:
    for number, heat in ((2, 5.0), (6, 7.0)):
        draft = desk.book.teach(desk.id, added("harp", number))
        with desk.project.writing():
            desk.project.set_lesson(draft.id, card=to_plain(card(desk, fitted=Fitted(heat, heat, tested=True))))
        desk.keep(draft)
    assert desk.classifier().card.temperature.recording == 7.0
    desk.book.undo()
    assert desk.classifier().card.temperature.recording == 5.0


def test_a_card_without_calibration_error_says_nothing_of_it(desk: Desk) -> None:
    draft = desk.book.teach(desk.id, added("harp", 2, 6))
    with desk.project.writing():
        desk.project.set_lesson(draft.id, card=to_plain(card(desk, fitted=Fitted(tested=True))))
    desk.keep(draft)
    sentence = desk.classifier().card.measured.sentence()
    assert sentence.startswith("Tested on 8")
    assert "points" not in sentence


# Bases


@pytest.mark.parametrize("key", sorted(classifiers.shipped()))
def test_starting_from_a_shipped_classifier_loses_nothing_of_it(tmp_path: Path, key: tuple[str, str]) -> None:
    folder = classifiers.shipped()[key]
    shipped, pack, spec = Classifier.load(folder), packs.of_shipped(folder), encoders.specs()[key[1]]
    x = np.random.default_rng(0).normal(0, 1, (40, spec.dim)).astype(np.float32) + shipped.training.means[:40]
    with Project.create(tmp_path / "one.musicclass") as project:
        desk = Desk(project, spec=spec)
        started = desk.keep(desk.book.start_from(desk.id, pack, pack.title))
        assert started.title == f"Start from “{pack.title}”"
        mine = desk.classifier()
        assert mine.card.classes == sorted(shipped.card.classes, key=str.casefold)
        scores, novelty = shipped.head.judge(x)
        assert_same(desk.judged(x), (dict(zip(shipped.head.classes, scores.T, strict=True)), novelty))
        assert mine.head.settings["normalise"] == shipped.head.settings["normalise"]
        assert mine.head.settings["target"] == shipped.head.settings["target"]
        assert float(mine.head.settings["independent"]) == pytest.approx(float(shipped.head.settings["independent"]), rel=1e-12)
        same, theirs = answered(mine, x[:5]), answered(shipped, x[:5])
        assert same.label == theirs.label
        assert {one.label: one.probability for one in same.ranking} == pytest.approx({one.label: one.probability for one in theirs.ranking})
        assert same.measured == theirs.measured
        assert [one.name for one in same.evidence] == [one.name for one in theirs.evidence]
        before = {label: desk.windows(label) for label in shipped.card.classes}
        for number in range(9):
            record(project, number, drawn(number, number % 3, spec.dim), spec)
        desk.teach(*(added(name, k, 3 + k, 6 + k) for k, name in enumerate(("piano", "gong", "harp"))))
        assert set(desk.classifier().card.classes) == {*shipped.card.classes, "piano", "gong", "harp"}
        assert {label: desk.windows(label) for label in shipped.card.classes} == before
        assert_same(desk.judged(x), desk.judged(x, desk.rebuilt()))
        desk.keep(desk.book.forget(started.id))
        assert desk.classifier().card.classes == ["gong", "harp", "piano"]
        assert_same(desk.judged(x), desk.judged(x, desk.rebuilt()))


def test_joining_two_classifiers_is_having_taught_everything_in_one(tmp_path: Path) -> None:
    x, mine, theirs = queries(), ("piano", "flute"), ("Flute", "harp")
    with Project.create(tmp_path / "one.musicclass") as one, Project.create(tmp_path / "two.musicclass") as two:
        for project, numbers in ((one, range(40)), (two, range(20, 40))):
            for number in numbers:
                record(project, number, drawn(number, number % 4))
        desk, other, everything = Desk(one), Desk(two), Desk(one)
        for k, name in enumerate(mine):
            desk.teach(added(name, *range(k, 20, 4)))
            everything.teach(added(name, *range(k, 20, 4)))
        for k, name in enumerate(theirs, 1):
            other.teach(added(name, *range(20 + k, 40, 4)))
            everything.teach(added(name, *range(20 + k, 40, 4)))
        other.teach(added("traffic", 23, 27, role="background"), added("", 31, role="negative", of="harp"))
        everything.teach(added("traffic", 23, 27, role="background"), added("", 31, role="negative", of="harp"))
        pack = packs.from_bytes(packs.to_bytes(pack_of(two, other.id)))
        joined = desk.keep(desk.book.start_from(desk.id, pack, "Theirs"))
        assert joined.title == "Join “Theirs”"
        assert_same(desk.judged(x), everything.judged(x))
        assert desk.cls("not harp").of == desk.cls("harp").id
        with pytest.raises(LessonError, match="in it already"):
            desk.book.start_from(desk.id, pack, "Theirs again")
        while desk.project.lesson(joined.id).state == "kept":
            desk.book.undo()
        assert desk.names() == ["flute", "piano"]


def test_what_does_not_fit_is_not_joined(desk: Desk) -> None:
    pack, centers, replay = pack_of(desk.project, desk.id), Desk(desk.project, "centers"), Desk(desk.project, "replay")
    centers.teach(added("drum", 3, 7))
    for there, what, words in (
        (desk, replace(pack, encoder="mn04-as"), "hears with"),
        (desk, replace(pack, encoder_version="9"), "hears with"),
        (desk, pack_of(desk.project, centers.id), "learned in another way"),
        (replay, pack, "fine-tuned"),
    ):
        with pytest.raises(LessonError, match=words):
            there.book.start_from(there.id, what, "Theirs")
        assert desk.project.bases(there.id, active=None) == []


def test_a_name_that_is_background_there_and_a_class_here_is_not_joined(desk: Desk) -> None:
    other = Desk(desk.project)
    other.teach(added("traffic", 3))
    desk.teach(added("traffic", 2, role="background"))
    with pytest.raises(LessonError, match="“traffic” is a class here and a background there"):
        other.book.start_from(other.id, pack_of(desk.project, desk.id), "Theirs")


def test_centers_can_rest_on_a_gaussian_pack(desk: Desk) -> None:
    pack, x = pack_of(desk.project, desk.id), queries()
    centers = Desk(desk.project, "centers")
    centers.teach(added("harp", 2, 6))
    centers.keep(centers.book.start_from(centers.id, pack, "Theirs"))
    assert centers.head().settings == {"normalise": "l2"}
    assert_same(centers.judged(x), centers.judged(x, centers.rebuilt()))
    with pytest.raises(LessonError, match="Fine-tuning needs recordings"):
        centers.book.change_method(centers.id, "replay")
    centers.keep(centers.book.change_method(centers.id, "gaussian"))
    desk.teach(added("harp", 2, 6))
    assert_same(centers.judged(x), desk.judged(x))


def test_undoing_a_join_gives_the_own_settings_back(desk: Desk) -> None:
    pack, x = pack_of(desk.project, desk.id), queries()
    centers = Desk(desk.project, "centers")
    centers.teach(added("harp", *range(2, 40, 4)), added("drum", *range(3, 40, 4)))
    settings, before = centers.head().settings, centers.judged(x)
    centers.keep(centers.book.start_from(centers.id, pack, "Theirs"))
    centers.book.undo()
    assert centers.head().settings == settings
    assert_same(centers.judged(x), before)


def test_classes_of_a_base_can_be_merged_deleted_and_renamed(desk: Desk) -> None:
    pack, x = pack_of(desk.project, desk.id), queries()
    mine = Desk(desk.project)
    mine.keep(mine.book.start_from(mine.id, pack, "Theirs"))
    mine.keep(mine.book.rename(mine.cls("piano").id, "Klavier"))
    mine.teach(added("Klavier", 16), added("harp", 2, 6))
    mine.keep(mine.book.merge(mine.cls("Klavier").id, mine.cls("harp").id))
    assert mine.names() == ["flute", "harp"]
    assert mine.windows("harp") == sum(len(drawn(n, n % 4)) for n in (0, 4, 8, 12, 16, 2, 6))
    assert_same(mine.judged(x), mine.judged(x, mine.rebuilt()))
    mine.keep(mine.book.delete(mine.cls("flute").id))
    assert mine.classifier().card.classes == ["harp"]
    assert_same(mine.judged(x), mine.judged(x, mine.rebuilt()))
    for _ in range(5):
        mine.book.undo()
    assert mine.head() is None
