"""Fine-tuning keeps the old classes, gives the same bytes again, goes on where it was interrupted, and stops without a trace."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from training_items import DIM, SHORT, accuracy, recordings, taught

from musicclass_gui.engine.calibration import log_softmax
from musicclass_gui.engine.errors import Cancelled, LessonError
from musicclass_gui.engine.lessons.training import Options, TrainItem, prepared, train
from musicclass_gui.engine.plain import from_plain
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from types import ModuleType

    from musicclass_gui.engine.heads.replay import ReplayHead
    from musicclass_gui.engine.lessons.news import Trained

LESSONS = [[item for k in (first, first + 1) for item in recordings(f"class {k}", apart=0.9)] for first in (0, 2, 4, 6)]
TESTS = [[item for k in (first, first + 1) for item in recordings(f"class {k}", 12, first=50, apart=0.9)] for first in (0, 2, 4, 6)]
REPLAY = Options(epochs=30)
NAIVE = Options(budget=0, distillation=0, epochs=30)


def bytes_of(head: ReplayHead) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in head.state().items()}


def one_by_one(options: Options, *, judged: bool = True) -> ReplayHead:
    head, old = None, []
    for lesson in LESSONS:
        head = taught(head, lesson, old if judged else [], options)
        old = [*old, *lesson]
    assert head is not None
    return head


# What is learned and kept


def test_replay_keeps_the_first_classes_where_naive_fine_tuning_loses_them() -> None:
    everything = [item for lesson in LESSONS for item in lesson]
    joint, naive, replay = taught(None, everything, options=REPLAY), one_by_one(NAIVE, judged=False), one_by_one(REPLAY)
    first = [accuracy(head, TESTS[0]) for head in (joint, naive, replay)]
    assert first[2] >= 0.9 * first[0] > 0.5
    assert first[1] < 0.25
    assert accuracy(naive, TESTS[-1]) > 0.9
    assert accuracy(replay, [item for test in TESTS for item in test]) > 0.8


def test_the_memory_is_what_remembers() -> None:
    without, with_it = (accuracy(one_by_one(replace(REPLAY, budget=budget, distillation=0)), TESTS[0]) for budget in (0, 20))
    assert without < 0.25 < with_it


def test_distillation_keeps_the_old_answers_nearer_to_what_they_were() -> None:
    before = taught(None, [*LESSONS[0], *LESSONS[1]])
    rows = np.concatenate([item.rows for item in TESTS[0]])
    moved = []
    for weight in (0, 4):
        after = taught(before, LESSONS[2], [*LESSONS[0], *LESSONS[1]], replace(SHORT, distillation=weight))
        moved.append(np.abs(log_softmax(after.log_scores(rows)[:, :4]) - log_softmax(before.log_scores(rows))).mean())
    assert moved[1] < 0.8 * moved[0]


@pytest.mark.parametrize("network", ["mlp", "linear"])
def test_both_networks_learn_another_class_and_keep_the_old_ones(network: str) -> None:
    options = replace(REPLAY, network=network)
    old = [*recordings("class 1"), *recordings("class 2")]
    head = taught(taught(None, old, options=options), recordings("class 3"), old, options)
    assert head.classes == ["class 1", "class 2", "class 3"]
    assert accuracy(head, [item for k in (1, 2, 3) for item in recordings(f"class {k}", first=50)]) == 1


def test_a_class_is_extended_by_more_of_it() -> None:
    old = [*recordings("class 1"), *recordings("class 2")]
    shifted = [TrainItem(i.example + 500, "class 1", f"new {i.example}", i.rows) for i in recordings("class 7")]
    before = taught(None, old)
    head = taught(before, shifted, old)
    assert head.classes == before.classes
    more = [TrainItem(i.example, "class 1", i.group, i.rows) for i in recordings("class 7", first=50)]
    assert accuracy(head, [*more, *recordings("class 1", first=50), *recordings("class 2", first=50)]) > 0.9
    remembered = {int(e) for e, label in zip(head.memory.examples, head.memory.labels, strict=True) if label == "class 1"}
    assert remembered & {item.example for item in shifted}
    assert remembered & {item.example for item in old}
    assert head.seen["class 1"] > before.seen["class 1"]


def test_one_example_of_one_window_can_be_taught() -> None:
    head = taught(None, [TrainItem(1, "a", "a", np.ones((1, DIM), np.float32))])
    assert head.log_scores(np.ones((1, DIM))).shape == (1, 1)
    head = taught(head, [TrainItem(2, "b", "b", -np.ones((1, DIM), np.float32))])
    assert [head.classes[k] for k in head.log_scores(np.stack([np.ones(DIM), -np.ones(DIM)])).argmax(axis=1)] == ["a", "b"]
    assert head.held_out == []


def test_a_small_new_class_is_learned_although_only_the_old_ones_have_recordings_to_stop_by() -> None:
    old = [*recordings("class 1"), *recordings("class 2")]
    head = taught(taught(None, old), recordings("class 3", 1), old)
    assert accuracy(head, recordings("class 3", first=50)) > 0.8


# Who is held out, and what is remembered


def test_held_out_recordings_are_of_all_classes_and_never_trained_on() -> None:
    head = one_by_one(SHORT)
    of = {item.example: item.label for lesson in LESSONS for item in lesson}
    assert {of[example] for example in head.held_out} == set(head.classes)
    assert not set(head.held_out) & set(head.exemplars)
    assert all(head.memory.labels.count(label) == 20 for label in head.classes)


def test_what_is_held_out_decides_when_to_stop_and_nothing_else() -> None:
    items, options = [*recordings("class 1"), *recordings("class 2")], replace(SHORT, epochs=1)
    head = taught(None, items, options=options)
    other = [replace(item, rows=-3 * item.rows) if item.example in head.held_out else item for item in items]
    assert head.held_out
    assert bytes_of(taught(None, other, options=options)) == bytes_of(head)


def test_a_group_is_on_one_side_only_whatever_class_and_lesson() -> None:
    def by_artists(label: str) -> list[TrainItem]:
        return [replace(item, group=f"artist {place % 5}") for place, item in enumerate(recordings(label, 10))]

    head, group_of, old = None, {}, []
    for label in ("class 1", "class 2", "class 3"):
        new = by_artists(label)
        head = taught(head, new, old, replace(SHORT, epochs=2))
        old += new
        group_of |= {item.example: item.group for item in new}
    assert head is not None
    held = {group_of[example] for example in head.held_out}
    assert held
    assert not held & {group_of[example] for example in head.exemplars}
    assert set(head.held_out) == {example for example, group in group_of.items() if group in held}


def test_more_of_a_held_out_artist_is_held_out_and_changes_no_weight() -> None:
    before = taught(None, LESSONS[0])
    held = next(item for item in LESSONS[0] if item.example in before.held_out)
    more = replace(held, example=9999)
    after = taught(before, [more], LESSONS[0])
    assert after.held_out == [*before.held_out, 9999]
    assert bytes_of(replace(after, sides=before.sides)) == bytes_of(before)


def test_an_artist_that_is_all_there_is_of_a_new_class_is_held_out_no_longer() -> None:
    before = taught(None, LESSONS[0])
    held = next(item for item in LESSONS[0] if item.example in before.held_out)
    after = taught(before, [replace(recordings("class 9", 1)[0], group=held.group)], LESSONS[0])
    assert held.example not in after.held_out
    assert held.example not in after.exemplars
    assert after.memory.labels.count("class 9") == 5


def test_with_nothing_held_out_the_news_says_so() -> None:
    news: list[Trained] = []
    taught(None, [*recordings("class 1", 2), *recordings("class 2", 2)], tell=news.append)
    assert all(np.isnan(one.held_out_accuracy) for one in news)
    assert news[-1].accuracy > 0.9


# The way there


def test_news_tell_of_each_epoch() -> None:
    news: list[Trained] = []
    taught(None, LESSONS[0], options=replace(SHORT, epochs=6, patience=6), tell=news.append)
    assert [one.epoch for one in news] == [1, 2, 3, 4, 5, 6]
    assert news[-1].loss < news[0].loss
    assert all(0 <= one.held_out_accuracy <= 1 and one.eta_s >= 0 and one.epochs == 6 for one in news)


def test_training_stops_when_it_gets_no_better() -> None:
    news: list[Trained] = []
    taught(None, LESSONS[0], options=Options(epochs=400, patience=3), tell=news.append)
    assert len(news) < 200


def test_the_same_lesson_gives_the_same_bytes_and_another_seed_others() -> None:
    before = taught(None, LESSONS[0])
    again = [taught(before, LESSONS[1], LESSONS[0]) for _ in range(2)]
    assert bytes_of(again[0]) == bytes_of(again[1])
    other = taught(before, LESSONS[1], LESSONS[0], replace(SHORT, seed=1))
    assert bytes_of(other)["out.weight"] != bytes_of(again[0])["out.weight"]


def test_torch_is_left_as_it_was() -> None:
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    taught(None, LESSONS[0])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


class _Stopped(Exception):
    """Stands for the power going out."""


def interrupted(before: ReplayHead | None, after: int, resume: bytes | None = None) -> bytes:
    """The checkpoint after so many batches."""
    saved: list[bytes] = []

    def keep(data: bytes) -> None:
        saved.append(data)
        if len(saved) == after:
            raise _Stopped

    with pytest.raises(_Stopped):
        train(before, LESSONS[1], LESSONS[0], SHORT, Token(), lambda news: None, keep, resume, every_s=0)
    return saved[-1]


@pytest.mark.parametrize("after", [1, 8, 21])
def test_an_interrupted_lesson_goes_on_to_the_same_bytes(after: int) -> None:
    before = taught(None, LESSONS[0])
    whole = taught(before, LESSONS[1], LESSONS[0])
    half = interrupted(before, after)
    twice = interrupted(before, 3, half)
    news: list[Trained] = []
    resumed = train(before, LESSONS[1], LESSONS[0], SHORT, Token(), news.append, resume=twice)
    assert bytes_of(resumed) == bytes_of(whole)
    assert news[0].epoch == (after + 3 - 1) // 8 + 1


@pytest.mark.parametrize("fault", ["other lesson", "cut off", "text", "empty"])
def test_a_checkpoint_that_does_not_fit_is_not_used(fault: str) -> None:
    before = taught(None, LESSONS[0])
    right = interrupted(before, 5)
    bad = {"other lesson": interrupted(taught(None, LESSONS[2]), 5), "cut off": right[:-200], "text": b"nothing" * 9, "empty": b""}[fault]
    resumed = train(before, LESSONS[1], LESSONS[0], SHORT, Token(), lambda news: None, resume=bad)
    assert bytes_of(resumed) == bytes_of(taught(before, LESSONS[1], LESSONS[0]))


def test_checkpoints_are_not_made_more_often_than_asked_for() -> None:
    made: list[bytes] = []
    train(None, LESSONS[0], [], SHORT, Token(), lambda news: None, made.append, every_s=3600)
    assert not made


@pytest.mark.parametrize("batches", [0, 3])
def test_cancelling_leaves_the_head_as_it_was(batches: int) -> None:
    before = taught(None, LESSONS[0])
    then, token, seen = bytes_of(before), Token(), []

    def stop(data: bytes) -> None:
        seen.append(data)
        if len(seen) == batches:
            token.cancel()

    if not batches:
        token.cancel()
    with pytest.raises(Cancelled):
        train(before, LESSONS[1], LESSONS[0], SHORT, token, lambda news: None, stop, every_s=0)
    assert len(seen) == batches
    assert bytes_of(before) == then


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_learns_the_same_classes_and_leaves_torch_as_it_was() -> None:
    old = [*LESSONS[0], *LESSONS[1]]
    state = torch.cuda.get_rng_state()
    before = train(None, LESSONS[0], [], REPLAY, Token(), lambda news: None, device="cuda:0")
    head = train(before, LESSONS[1], LESSONS[0], REPLAY, Token(), lambda news: None, device="cuda:0")
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert accuracy(head, old) > 0.9


def test_a_lesson_with_far_more_to_judge_by_than_to_learn_does_not_wait_for_it() -> None:
    items = [*recordings("class 1", 6, 400), *recordings("class 2", 6, 400)]
    lesson = prepared(None, items, [], SHORT)
    assert [len(item.rows) for item in lesson.judged] == [8, 8]
    assert len(lesson.sides.examples) == 2


# What cannot be done


def test_a_lesson_of_silence_is_refused() -> None:
    with pytest.raises(LessonError, match="nothing to learn"):
        taught(None, [TrainItem(1, "a", "a", np.zeros((0, DIM), np.float32))])


def test_embeddings_of_another_encoder_are_refused() -> None:
    with pytest.raises(LessonError, match="different encoders"):
        taught(taught(None, LESSONS[0]), [TrainItem(1, "a", "a", np.zeros((2, DIM + 1), np.float32))])


def test_embeddings_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(LessonError, match="not finite"):
        taught(None, [TrainItem(1, "a", "a", np.full((2, DIM), np.nan, np.float32))])


def test_another_network_than_before_is_refused() -> None:
    with pytest.raises(LessonError, match="another kind of network"):
        taught(taught(None, LESSONS[0]), LESSONS[1], options=replace(SHORT, network="linear"))


@pytest.mark.parametrize("wrong", [{"network": "deep"}, {"budget": -1}, {"epochs": 0}, {"distillation": float("nan")}, {"unfreeze": -1}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(LessonError):
        from_plain(Options, wrong)


# On real music


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The measuring script, whose protocol is the same one."""
    path = Path(__file__).resolve().parents[3] / "packaging" / "check_replay.py"
    spec = importlib.util.spec_from_file_location("check_replay", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "check_replay", module)  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(900)
def test_genres_of_the_first_lesson_are_kept_through_five(data_dir: Path, measured: ModuleType) -> None:
    items, taught_by = measured.embedded(data_dir, measured.GENRES.folder), measured.methods()
    orders = measured.orders_of(measured.GENRES, items)[:2]
    last: dict[str, np.ndarray] = {}
    for name, some, folds in (("naive", orders[:1], 2), ("replay + distillation", orders, 7)):
        last[name] = measured.measure(taught_by[name], items, some, folds).matrix[-1]
    joint = first_of_joint(measured, items, orders)
    assert last["replay + distillation"][0] >= 0.9 * joint > 0.5
    assert last["naive"][0] < 0.2
    assert last["naive"][-1] > 0.9


def first_of_joint(measured: ModuleType, items: list[TrainItem], orders: list[list[str]]) -> float:
    """The accuracy on the first lessons' classes of networks that were taught everything at once."""
    right: list[bool] = []
    for fold in range(7):
        everything, held = measured.split(items, orders[0], fold, 7)
        head = taught(None, [item for lesson in everything for item in lesson], options=Options())
        for order in orders:
            right += [measured.recognised(head, item) for test in held for item in test if item.label in order[:2]]
    return float(np.mean(right))
