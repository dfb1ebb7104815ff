"""Examinations on made-up sounds whose truth is known: what is held out is held out, what is measured is what training anew gives."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine.classifier import Classifier, Training
from musicclass_gui.engine.errors import Cancelled
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.heads.gaussian import GaussianHead
from musicclass_gui.engine.heads.replay import Memory, ReplayHead, Sides
from musicclass_gui.engine.lessons import folds
from musicclass_gui.engine.lessons.exam import hold
from musicclass_gui.engine.lessons.examine import Context, Item, Side, examine
from musicclass_gui.engine.lessons.judging import ask
from musicclass_gui.engine.lessons.report import ClassReport, Fitted, LessonCard
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.project.rows import ClassRow
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

DIM = 24
WINDOWS = 4
NAMES = ["piano", "flute", "violin", "drums", "rain"]


def empty(kind: str = "gaussian", dim: int = DIM) -> Any:
    return GaussianHead(dim, normalise="l2", target="diagonal", independent=0.25) if kind == "gaussian" else CentersHead(dim)


def centre(cls: int, dim: int = DIM) -> np.ndarray:
    return np.random.default_rng(cls).normal(0, 1.5, dim)


def item(number: int, cls: int, *, group: str = "", sounds: int | None = None, spread: float = 0.6, **changes: Any) -> Item:
    """Example `number` of a class, sounding like class `sounds`; recordings of a class differ by `spread`."""
    rng = np.random.default_rng(1000 + number)
    rows = (centre(cls if sounds is None else sounds) + rng.normal(0, spread, DIM) + rng.normal(0, 0.6, (WINDOWS, DIM))).astype(np.float32)
    starts = 2.5 * np.arange(WINDOWS)
    made = Item(
        example=number,
        cls=str(cls),
        group=group,
        hash=sha256(str(number).encode()).hexdigest(),
        name=f"{number}.wav",
        path=f"/sounds/{number}.wav",
        start_s=None,
        end_s=None,
        rows=rows,
        mean=rows.mean(axis=0),
        spans=np.stack([starts, starts + 5], axis=1),
    )
    return replace(made, **changes)


def moved(one: Item, towards: int, much: float) -> Item:
    """The example with something of another class's sound in it."""
    rows = (one.rows + much * centre(towards)).astype(np.float32)
    return replace(one, rows=rows, mean=rows.mean(axis=0))


def like(one: Item, number: int, cls: int, noise: float = 0.02, **changes: Any) -> Item:
    """A near copy of an example."""
    rows = one.rows + np.random.default_rng(number).normal(0, noise, one.rows.shape).astype(np.float32)
    return item(number, cls, rows=rows, mean=rows.mean(axis=0), **changes)


def taught(items: Sequence[Item], kind: str = "gaussian", head: Any = None) -> Any:
    """A head that learned these, and knows class labels in their order."""
    head = empty(kind) if head is None else head
    for one in items:
        head.learn(one.rows, one.cls)
    return head


def row(cls: int, role: str = "class", of: int | None = None) -> ClassRow:
    return ClassRow(cls, 1, NAMES[cls - 1] if cls <= len(NAMES) else f"class {cls}", role, of, active=True)


def side(items: Sequence[Item], kind: str = "gaussian", **changes: Any) -> Side:
    labels = sorted({int(one.cls) for one in items})
    return replace(Side(taught(items, kind), [row(cls) for cls in labels], list(items)), **changes)


def plenty(classes: Sequence[int] = (1, 2, 3), each: int = 12, first: int = 1) -> list[Item]:
    return [item(first + number, classes[number % len(classes)]) for number in range(each * len(classes))]


def card_of(before: Side | None, after: Side, **context: Any) -> LessonCard:
    return examine(before, after, Context(**context), Token())


def by_name(card: LessonCard) -> dict[str, ClassReport]:
    return {one.name: one for one in card.classes}


class TestHeldOut:
    @pytest.mark.parametrize("kind", ["gaussian", "centers"])
    def test_scores_are_those_of_heads_trained_anew_on_the_others(self, kind: str) -> None:
        items = [*plenty(), item(100, 4), item(101, 4, group="a"), item(102, 1, group="a")]
        exam = hold(None, side(items, kind), Token())
        fold = folds.folds([one.cls for one in exam.items], exam.group)
        assert len(set(fold.tolist())) == 5
        for number in set(fold.tolist()):
            others = [one for one, at in zip(exam.items, fold, strict=True) if at != number]
            anew = taught(others, kind)
            for place in np.flatnonzero(fold == number):
                scores, novelty = anew.judge(exam.items[place].rows)
                expected = {label: scores[:, column].mean() for column, label in enumerate(anew.classes)}
                found = {label: exam.said.score(int(place), label) for label in expected}
                assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
                assert exam.said.novelty[place] == pytest.approx(novelty.mean(), rel=1e-7)

    def test_the_accuracy_is_that_of_leaving_each_fold_out(self) -> None:
        items = [item(n, n % 3 + 1, spread=3) for n in range(45)]
        exam = hold(None, side(items), Token())
        fold = folds.folds([one.cls for one in exam.items], exam.group)
        right = 0
        for number in range(5):
            anew = taught([one for one, at in zip(exam.items, fold, strict=True) if at != number])
            for one in [one for one, at in zip(exam.items, fold, strict=True) if at == number]:
                right += anew.classes[int(anew.log_scores(one.rows).mean(axis=0).argmax())] == one.cls
        card = card_of(None, side(items))
        assert card.accuracy == right / len(items)
        assert 0.4 < card.accuracy < 1
        assert (card.judged, card.groups) == (45, 45)
        assert card.interval[0] < card.accuracy < card.interval[1]
        assert sum(one.judged for one in card.classes) == 45
        assert set(card.said) == {one.example for one in items}
        assert sum(str(card.said[one.example]) == one.cls for one in items) == right

    def test_the_heads_that_were_given_stay_as_they_are(self) -> None:
        items = plenty()
        before, after = side([one for one in items if one.cls != "3"]), side(items)
        states = [{name: array.tobytes() for name, array in one.head.state().items()} for one in (before, after)]
        card_of(before, after)
        assert states == [{name: array.tobytes() for name, array in one.head.state().items()} for one in (before, after)]

    def test_one_group_is_never_on_both_sides(self) -> None:
        """Windows of an artist's voice that tell the artist, not the class: honest numbers are no better than chance."""
        rng, items = np.random.default_rng(0), []
        for artist in range(12):
            voice = rng.normal(0, 3, DIM)
            for number in range(8):
                rows = (voice + rng.normal(0, 0.3, (WINDOWS, DIM))).astype(np.float32)
                items.append(item(100 * artist + number, artist % 2 + 1, group=f"artist {artist}", rows=rows, mean=rows.mean(axis=0)))
        honest = card_of(None, side(items))
        leaking = card_of(None, side([replace(one, group="") for one in items]))
        assert honest.accuracy is not None
        assert leaking.accuracy is not None
        assert honest.accuracy < 0.75 < leaking.accuracy
        assert honest.groups == 12

    def test_twins_in_two_groups_are_held_out_together(self) -> None:
        items = plenty(each=20)
        pair = [like(items[0], 500, 1, group="one disc"), like(items[0], 501, 1, group="another disc")]
        exam = hold(None, side([*items, *pair]), Token())
        places = [place for place, one in enumerate(exam.items) if one.example in (items[0].example, 500, 501)]
        assert len(set(exam.group[places].tolist())) == 1
        others = [place for place in range(len(exam.items)) if place not in places]
        assert len(set(exam.group[others].tolist())) == len(others)
        assert "Recordings that are nearly the same were held out together." in card_of(None, side([*items, *pair])).notes

    def test_spans_of_one_recording_are_held_out_together(self) -> None:
        items = plenty()
        spans = [replace(item(600 + n, 1), hash="one", start_s=10.0 * n, end_s=10.0 * n + 5, group=f"g{n}") for n in range(4)]
        exam = hold(None, side([*items, *spans]), Token())
        numbers = {int(exam.group[place]) for place, one in enumerate(exam.items) if one.hash == "one"}
        assert len(numbers) == 1
        assert card_of(None, side([*items, *spans])).judged == len(items) + 1

    def test_nothing_depends_on_the_order_of_examples(self) -> None:
        items = plenty()
        shuffled = [items[place] for place in np.random.default_rng(5).permutation(len(items))]
        one, other = (card_of(side(some[:0] or [i for i in some if i.cls != "3"]), side(some)) for some in (items, shuffled))
        assert one.said == other.said
        assert (one.accuracy, one.grew, one.classes) == (other.accuracy, other.grew, other.classes)
        assert one.fitted.temperature == pytest.approx(other.fitted.temperature, rel=1e-5)

    def test_it_can_be_cancelled(self) -> None:
        token = Token()
        token.cancel()
        with pytest.raises(Cancelled):
            examine(None, side(plenty()), Context(), token)


class TestClasses:
    def test_of_one_example(self) -> None:
        card = by_name(card_of(None, side([*plenty(), item(100, 4)])))
        assert (card["drums"].recordings, card["drums"].judged, card["drums"].after) == (1, 0, None)
        assert card["drums"].note == "Only one recording: it cannot be tested."
        assert card["piano"].note == ""

    def test_of_one_group(self) -> None:
        card = by_name(card_of(None, side([*plenty(), *(item(100 + n, 4, group="tape 1") for n in range(6))])))
        assert (card["drums"].recordings, card["drums"].groups, card["drums"].after) == (6, 1, None)
        assert card["drums"].note.startswith("All its recordings are of one group")

    def test_of_few_groups(self) -> None:
        card = by_name(card_of(None, side([*plenty(), *(item(100 + n, 4) for n in range(4))])))
        assert (card["drums"].judged, card["drums"].groups) == (4, 4)
        assert card["drums"].note == "Few recordings: a rough number."
        assert card["drums"].interval[1] - card["drums"].interval[0] > 0.3

    def test_without_anything(self) -> None:
        items = plenty()
        head = taught(items)
        head.learn(np.zeros((0, DIM), np.float32), "4")
        card = card_of(None, Side(head, [row(n) for n in (1, 2, 3, 4)], items))
        assert by_name(card)["drums"].note == "It came without recordings, so it cannot be tested."

    def test_two_examples_each_can_be_judged(self) -> None:
        card = card_of(None, side(plenty((1, 2), each=2)))
        assert [one.judged for one in card.classes] == [2, 2]
        assert not card.fitted.tested
        assert card.sentence() == "Tested on only 4 held-out recordings: too few to rely on."

    @pytest.mark.parametrize("items", [[], [item(1, 1)], [item(1, 1), item(2, 1)], [item(1, 1), item(2, 2)]])
    def test_next_to_nothing(self, items: list[Item]) -> None:
        fallback = Fitted(4.0, 5.0, 60.0, 70.0, 0.1, 0.05, True)
        card = card_of(None, side(items), fallback=fallback)
        assert card.fitted == Fitted(4.0, 5.0, 60.0, 70.0, tested=False)
        assert len(card.classes) == len({one.cls for one in items})
        assert from_plain(LessonCard, to_plain(card)) == card

    def test_an_example_without_loud_windows_is_left_out(self) -> None:
        silent = item(100, 1, rows=np.zeros((0, DIM), np.float32), mean=np.zeros(DIM, np.float32), spans=np.zeros((0, 2)))
        items = plenty()
        assert card_of(None, side([*items, silent])).judged == len(items)


class TestBeforeAndAfter:
    def test_the_same_recordings_are_judged_among_fewer_and_more_classes(self) -> None:
        old = plenty((1, 2), each=15)
        imitators = [item(300 + n, 3, sounds=1) for n in range(15)]
        card = card_of(side(old), side([*old, *imitators]), title="Teach 1 class: violin", method="gaussian", encoder="timbre")
        found = by_name(card)
        assert [found[name].new for name in ("piano", "flute", "violin")] == [False, False, True]
        assert found["piano"].before is not None
        assert found["piano"].after is not None
        assert found["piano"].before > 0.9
        assert found["piano"].after < found["piano"].before - 0.2
        assert found["flute"].before == found["flute"].after
        assert found["violin"].before is None
        assert card.old_before is not None
        assert card.old_after is not None
        assert card.old_after < card.old_before
        assert (card.grew[0].truth, card.grew[0].said) in (("piano", "violin"), ("violin", "piano"))
        assert {(one.truth, one.said) for one in card.grew} >= {("piano", "violin"), ("violin", "piano")}
        assert all(one.after > one.before and one.judged == 15 for one in card.grew)
        assert (card.title, card.method, card.encoder) == ("Teach 1 class: violin", "gaussian", "timbre")

    def test_before_is_the_former_classifier_itself(self) -> None:
        old = plenty((1, 2), each=15)
        alone, card = card_of(None, side(old)), card_of(side(old), side([*old, *plenty((4,), 15, 500)]))
        assert card.old_before == alone.accuracy
        assert [by_name(card)[one.name].before for one in alone.classes] == [one.after for one in alone.classes]

    def test_more_examples_of_a_class(self) -> None:
        """What is added is judged by the former classifier too, which never saw it."""
        few = [item(n, 1 + n % 2) for n in range(8)]
        more = [*few, *(moved(item(100 + n, 1, sounds=2), 20, 1.0) for n in range(30)), *(item(200 + n, 2) for n in range(30))]
        found = by_name(card_of(side(few), side(more)))
        assert not found["piano"].new
        assert found["piano"].judged == 34
        assert found["piano"].before is not None
        assert found["piano"].after is not None
        assert found["piano"].after > found["piano"].before

    def test_a_merged_class_was_right_under_its_former_name(self) -> None:
        old = plenty((1, 2, 3), each=12)
        merged = [replace(one, cls="1") if one.cls == "3" else one for one in old]
        card = card_of(side(old), side(merged))
        before = card_of(None, side(old))
        assert card.old_before == before.accuracy
        assert card.accuracy is not None
        assert card.accuracy >= card.old_before - 0.05

    def test_a_deleted_class(self) -> None:
        old = plenty((1, 2, 3), each=12)
        card = card_of(side(old), side([one for one in old if one.cls != "3"]))
        assert [one.name for one in card.classes] == ["piano", "flute"]
        assert card.judged == 24


class TestBase:
    def based(self) -> tuple[list[Item], Training, Any]:
        """Classes 1 and 2 came as sums with the means of their recordings; the examples behind them are gone."""
        gone = plenty((1, 2), each=10, first=700)
        return gone, Training([one.name for one in gone], [one.cls for one in gone], np.stack([one.mean for one in gone])), taught(gone)

    def test_classes_without_examples_are_tested_on_what_they_learned_from(self) -> None:
        _, base, head = self.based()
        own = [item(n, 3 + n % 2) for n in range(20)]
        before = Side(head.copy(), [row(1), row(2)], [], base)
        card = card_of(before, Side(taught(own, head=head), [row(n) for n in (1, 2, 3, 4)], own, base))
        found = by_name(card)
        assert (found["piano"].held_out, found["piano"].judged, found["piano"].recordings) == (False, 10, 10)
        assert found["piano"].note == "Tested on the recordings that it learned from."
        assert found["piano"].before is not None
        assert found["violin"].held_out
        assert (card.judged, card.fitted.tested) == (20, True)
        assert card.old_before is not None
        assert card.old_after is not None
        assert any("flatters" in note for note in card.notes)

    def test_one_group_can_be_held_out_of_a_class_that_came_with_sums(self) -> None:
        _, base, head = self.based()
        own = [item(n, 1, group="mine") for n in range(6)]
        found = by_name(card_of(None, Side(taught(own, head=head), [row(1), row(2)], own, base)))
        assert (found["piano"].judged, found["piano"].groups) == (6, 1)

    def test_a_recording_that_came_with_it_too_is_not_counted(self) -> None:
        gone, base, head = self.based()
        own = [*(item(n, 3) for n in range(12)), *(item(100 + n, 1) for n in range(12))]
        leaking = like(gone[0], 900, int(gone[0].cls))
        card = card_of(None, Side(taught([*own, leaking], head=head), [row(n) for n in (1, 2, 3)], [*own, leaking], base))
        assert 900 not in card.said
        assert card.judged == 24
        assert [(twin.example, twin.other, twin.other_name) for twin in card.twins] == [(900, 0, gone[0].name)]
        assert any("not counted" in note for note in card.notes)

    def test_what_came_with_it_is_not_called_strange(self) -> None:
        _, base, head = self.based()
        own = [item(n, 3 + n % 2) for n in range(20)]
        after = Side(taught(own, head=head), [row(n) for n in (1, 2, 3, 4)], own, base)
        plain = card_of(None, after).fitted
        assert np.mean(after.head.novelty(base.means) > plain.threshold) <= 0.051
        wide = card_of(None, after, fallback=Fitted(threshold=1e6, window_threshold=2e6)).fitted
        assert (wide.threshold, wide.window_threshold) == (1e6, 2e6)


class TestRoles:
    def test_background_is_right_when_it_wins_and_wrong_for_a_class(self) -> None:
        items = plenty((1, 2, 5), each=12)
        stolen = item(900, 1, sounds=5)
        card = card_of(None, replace(side([*items, stolen]), classes=[row(1), row(2), row(5, "background")]))
        assert by_name(card)["rain"].after is not None
        assert by_name(card)["rain"].after > 0.9
        assert card.said[900] == 5
        assert by_name(card)["piano"].after == pytest.approx(12 / 13)
        assert card.accuracy == pytest.approx(36 / 37, abs=0.03)

    def test_background_is_right_too_when_it_is_strange(self) -> None:
        items = plenty((1, 2), each=15)
        items += [item(100 + n, 5) for n in range(12)]
        odd = moved(item(900, 5, sounds=1), 20, 2.0)
        exam = hold(None, replace(side([*items, odd]), classes=[row(1), row(2), row(5, "background")]), Token())
        assert exam.said.winners([exam.items.index(odd)]) == ["1"]
        assert exam.verdicts.said[exam.items.index(odd)] == "5"
        usual = hold(None, replace(side([*items, item(900, 5, sounds=1)]), classes=[row(1), row(2), row(5, "background")]), Token())
        assert usual.verdicts.said[len(items)] == "1"

    def test_a_negative_is_right_when_its_class_does_not_win(self) -> None:
        items = plenty((1, 2), each=12)
        organ = [item(300 + n, 4, sounds=4) for n in range(12)]
        rows = [row(1), row(2), row(4, "negative", of=1)]
        card = card_of(None, Side(taught([*items, *organ]), rows, [*items, *organ]))
        found = by_name(card)
        assert found["drums"].after == 1.0
        assert (found["drums"].role, found["drums"].judged) == ("negative", 12)
        assert card.judged == 24
        assert found["piano"].after is not None
        assert found["piano"].after > 0.9

    def test_a_negative_that_sounds_like_its_class_costs_it(self) -> None:
        items = plenty((1, 2), each=12)
        same = [item(300 + n, 4, sounds=1) for n in range(12)]
        card = card_of(side(items), Side(taught([*items, *same]), [row(1), row(2), row(4, "negative", of=1)], [*items, *same]))
        piano = by_name(card)["piano"]
        assert piano.before is not None
        assert piano.after is not None
        assert piano.after < piano.before
        assert ("piano", "drums") in {(one.truth, one.said) for one in card.grew}


class TestNetworks:
    def network(self, items: Sequence[Item], held: Sequence[int]) -> ReplayHead:
        """A linear network with the weights of a nearest-mean classifier, and no memory."""
        labels = list(dict.fromkeys(one.cls for one in items))
        means = np.stack([np.concatenate([one.rows for one in items if one.cls == label]).mean(axis=0) for label in labels])
        weights = {"shift": np.zeros(DIM), "spread": np.ones(DIM), "out.weight": means, "out.bias": -0.5 * (means**2).sum(axis=1)}
        plain = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        return ReplayHead(labels, "linear", plain, Memory.empty(DIM), dict.fromkeys(labels, 1), Sides(examples=tuple(held)))

    def test_only_what_it_never_saw_is_judged(self) -> None:
        items = plenty(each=20)
        held = [one.example for one in items[:18]]
        after = Side(self.network(items, held), [row(n) for n in (1, 2, 3)], items)
        card = card_of(None, after)
        assert set(card.said) == set(held)
        assert (card.judged, card.fitted.tested) == (18, True)
        assert any("when training stopped" in note for note in card.notes)

    def test_before_and_after_of_two_sorts(self) -> None:
        items = plenty(each=20)
        old = [one for one in items if one.cls != "3"]
        held = [one.example for one in items[:18]]
        card = card_of(side(old), Side(self.network(items, held), [row(n) for n in (1, 2, 3)], items))
        assert by_name(card)["piano"].judged == 6
        assert by_name(card)["piano"].before is not None
        without = card_of(None, Side(self.network(items, ()), [row(n) for n in (1, 2, 3)], items))
        assert by_name(without)["piano"].note == "None of its recordings was held out."


class TestTwinsAndSuggestions:
    def test_the_same_recording_in_two_classes(self) -> None:
        items = plenty(each=15)
        copy = replace(items[0], example=900, cls="2", name="copy.wav")
        near = like(items[1], 901, 3)
        card = card_of(None, side([*items, copy, near]))
        assert [(twin.kind, twin.cls, twin.other_cls) for twin in card.twins] == [("same", "piano", "flute"), ("near", "flute", "violin")]
        assert [one.example for one in card.suggestions][:2] == [items[0].example, items[1].example]
        assert card.suggestions[0].why == "It is the same recording as “copy.wav” in “flute”."

    def test_a_mislabelled_recording_is_worth_hearing(self) -> None:
        items = [*plenty(each=15), item(900, 1, sounds=2)]
        card = card_of(None, side(items))
        (found,) = [one for one in card.suggestions if one.example == 900]
        assert (found.cls, found.said, found.path) == ("piano", "flute", "/sounds/900.wav")
        assert "more like “flute” than like “piano”" in found.why

    def test_an_outlier_is_worth_hearing(self) -> None:
        card = card_of(None, side([*plenty(each=15), moved(item(900, 1), 20, 2.0)]))
        assert [(one.example, one.why) for one in card.suggestions] == [(900, "It sounds unlike the other recordings of “piano”.")]

    def test_no_more_than_ten_and_none_twice(self) -> None:
        items = [item(n, n % 3 + 1, sounds=n % 5 + 1) for n in range(90)]
        card = card_of(None, side(items))
        assert len(card.suggestions) == len({one.example for one in card.suggestions}) == 10
        assert len(card.grew) <= 10

    def test_nothing_to_say_of_clean_classes(self) -> None:
        card = card_of(None, side(plenty(each=15)))
        assert (card.twins, card.suggestions, card.notes) == ([], [], [])


class TestCard:
    def test_calibration_is_measured_on_others(self) -> None:
        items = [item(n, n % 3 + 1, spread=3) for n in range(150)]
        fitted = card_of(None, side(items)).fitted
        assert fitted.tested
        assert fitted.calibration_error is not None
        assert fitted.calibration_error < 0.12
        assert fitted.false_rejection == pytest.approx(0.05, abs=0.03)
        assert fitted.temperature > 1
        assert fitted.window_temperature > 1
        assert fitted.window_threshold > fitted.threshold > 0

    def test_macro_f1_is_over_the_classes_that_can_be_judged(self) -> None:
        card = card_of(None, side([*plenty(each=15), item(900, 4)]))
        assert card.accuracy == 1.0
        assert card.macro_f1 == pytest.approx(1.0)

    def test_there_and_back(self) -> None:
        items = [*plenty(each=15), item(900, 1, sounds=2), replace(item(901, 2), start_s=1.0, end_s=2.5)]
        items.append(replace(items[0], example=902, cls="3"))
        old = [one for one in items if one.cls != "3"]
        card = card_of(side(old), side(items), title="x", curve=[(1.0, 0.5, 0.9, 0.8)], embed_s=2.0, learn_s=0.1)
        assert card.examine_s > 0
        assert card.twins
        assert card.suggestions
        text = json.dumps(to_plain(card), allow_nan=False)
        assert from_plain(LessonCard, json.loads(text)) == card

    def test_real_genres(self) -> None:
        """The 70 recordings that the shipped classifier learned from, by their means: about as good as its card says."""
        one = Classifier.load(classifiers.shipped()["genre", "mn04-as"])
        names = list(dict.fromkeys(one.training.labels))
        items = [
            item(n, names.index(label) + 1, rows=mean[None], mean=mean, spans=np.asarray([[0.0, 5.0]]))
            for n, (label, mean) in enumerate(zip(one.training.labels, one.training.means, strict=True))
        ]
        head = taught(items, head=GaussianHead(one.head.dim, normalise="l2", target="diagonal"))
        card = card_of(None, Side(head, [row(n + 1) for n in range(10)], items))
        assert card.accuracy is not None
        assert one.card.measured.accuracy - 0.1 < card.accuracy <= one.card.measured.accuracy + 0.1
        assert card.twins == []


class TestFolds:
    def test_groups_join_by_name_recording_and_twin(self) -> None:
        hashes, names = ["a", "b", "c", "a", "d", "e", "f"], ["x", "", "x", "", "y", "y", ""]
        assert folds.groups_of(hashes, names, []).tolist() == [0, 1, 0, 0, 2, 2, 3]
        assert folds.groups_of(hashes, names, [(6, 1), (1, 0)]).tolist() == [0, 0, 0, 0, 1, 1, 0]

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=80))
    def test_groups_stay_whole_and_no_class_is_held_out_at_once(self, made: list[tuple[int, int]]) -> None:
        labels, groups = [str(cls) for cls, _ in made], np.asarray([13 * cls + group for cls, group in made])
        fold = folds.folds(labels, groups)
        assert fold.max() < 5
        assert all(len(set(fold[groups == group].tolist())) == 1 for group in groups)
        for label in set(labels):
            mine = np.asarray([one == label for one in labels])
            assert len(set(fold[mine].tolist())) == min(5, len(set(groups[mine].tolist())), len(set(groups.tolist())))

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=200), st.integers(1, 60))
    def test_a_choice_is_of_whole_groups_and_fair(self, made: list[tuple[int, int]], most: int) -> None:
        labels, groups = [str(cls) for cls, _ in made], np.asarray([group for _, group in made])
        keep = folds.chosen(labels, groups, most)
        assert (keep == folds.chosen(labels, groups, most)).all()
        assert all(len(set(keep[groups == group].tolist())) == 1 for group in groups)
        for label in set(labels):
            mine = np.asarray([one == label for one in labels])
            assert len(set(groups[mine & keep].tolist())) >= min(2, len(set(groups[mine].tolist())))

    def test_a_choice_is_even_over_classes(self) -> None:
        labels = ["a"] * 5000 + ["b"] * 700 + ["c"] * 30
        keep = folds.chosen(labels, np.random.default_rng(0).permutation(len(labels)))
        kept = [sum(k and one == label for k, one in zip(keep, labels, strict=True)) for label in "abc"]
        assert kept == [1270, 700, 30]

    def test_the_card_says_that_not_all_were_examined(self, monkeypatch: pytest.MonkeyPatch) -> None:
        items = plenty(each=20)
        assert card_of(None, side(items), examples=5000).notes == ["60 of 5000 examples were examined, chosen evenly over the classes."]


def test_an_examination_is_a_small_part_of_teaching() -> None:
    """1,000 recordings of six windows, ten classes, 384 numbers: 0.4 s of one core; reading them takes 30 s and more."""
    rng, dim = np.random.default_rng(0), 384
    centres = rng.normal(0, 0.15, (10, dim))
    head, items = empty(dim=dim), []
    for number in range(1000):
        rows = (centres[number % 10] + rng.normal(0, 1, dim) + rng.normal(0, 1, (6, dim))).astype(np.float32)
        spans = np.stack([2.5 * np.arange(6), 2.5 * np.arange(6) + 5], axis=1)
        items.append(item(number, number % 10 + 1, rows=rows, mean=rows.mean(axis=0), spans=spans))
        head.learn(rows, items[-1].cls)
    old = [one for one in items if int(one.cls) <= 5]
    before = Side(taught(old, head=empty(dim=dim)), [row(n + 1) for n in range(5)], old)
    started = time.process_time()
    card = card_of(before, Side(head, [row(n + 1) for n in range(10)], items))
    assert card.judged == 1000
    assert time.process_time() - started < 6


def test_asking_needs_no_classes() -> None:
    said = ask(Side(empty(), [], []), [item(1, 1)], np.zeros(1, np.intp), Token())
    assert not said.asked.any()
