"""Herding picks windows whose mean is the class's; a group is on one side only, and stays there."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musicclass_gui.engine.lessons.herding import group_number, herd, sides

Groups = dict[str, set[int]]


def test_the_first_pick_is_nearest_to_the_mean_and_each_next_the_best_one() -> None:
    rows = np.random.default_rng(0).normal(1, 1, (30, 5))
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    picks = herd(rows.astype(np.float32), 6)
    assert len(set(picks)) == 6
    for k in range(1, 7):
        errors = {
            i: np.linalg.norm(units.mean(axis=0) - units[[*picks[: k - 1], i]].mean(axis=0)) for i in set(range(30)) - set(picks[: k - 1])
        }
        assert errors[picks[k - 1]] <= min(errors.values()) + 1e-6


def test_a_herd_stands_for_the_class_better_than_chance() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(1, 1, (200, 8)).astype(np.float32)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def error(picks: list[int]) -> float:
        return float(np.linalg.norm(units.mean(axis=0) - units[picks].mean(axis=0)))

    assert error(herd(rows, 20)) < 0.2 * np.mean([error(list(random.choice(200, 20, replace=False))) for _ in range(20)])


def test_rows_that_stand_for_more_draw_the_herd_to_them() -> None:
    rows = np.array([[1, 0.1], [1, -0.1], [0.1, 1], [-0.1, 1]], np.float32)
    assert set(herd(rows, 2, np.array([50.0, 50, 1, 1]))) == {0, 1}


def test_a_small_class_is_kept_whole_and_an_empty_one_is_nothing() -> None:
    assert sorted(herd(np.eye(3, dtype=np.float32), 20)) == [0, 1, 2]
    assert herd(np.zeros((0, 3), np.float32), 20) == []
    assert herd(np.eye(3, dtype=np.float32), 0) == []


def test_a_fifth_is_held_out_and_at_least_one_of_three() -> None:
    for count, expected in ((1, 0), (2, 0), (3, 1), (7, 1), (10, 2), (50, 10)):
        groups = {"a": {group_number(f"{place}") for place in range(count)}}
        trained, held = sides(groups, (), (), ())
        assert len(held) == expected
        assert trained | held == groups["a"]


def test_a_small_class_of_held_out_recordings_takes_them_back() -> None:
    groups = {"a": set(range(5))}
    _, held = sides(groups, (), (), ())
    trained, still = sides({"b": set(held)}, set(range(5)) - held, held, ["a"])
    assert not still
    assert held <= trained


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.sets(st.integers(0, 25), min_size=1, max_size=9), min_size=1), max_size=5))
@settings(max_examples=200, deadline=None)
def test_sides_never_mix_and_what_was_trained_on_is_never_held_out(lessons: list[Groups]) -> None:
    trained: set[int] = set()
    held: set[int] = set()
    learned: set[str] = set()
    for groups in lessons:
        before = set(trained)
        trained, held = sides(groups, trained, held, learned)
        learned |= set(groups)
        assert not trained & held
        assert before <= trained
        assert set().union(*groups.values()) <= trained | held


@given(st.dictionaries(st.sampled_from("abcd"), st.sets(st.integers(0, 40), min_size=1, max_size=12), min_size=1))
@settings(max_examples=200, deadline=None)
def test_each_new_class_has_something_to_learn_from(groups: Groups) -> None:
    trained, held = sides(groups, (), (), ())
    assert all(numbers & trained for numbers in groups.values())
    lonely = [
        label for label, numbers in groups.items() if len(numbers) >= 3 and all(not numbers & groups[o] for o in groups if o != label)
    ]
    assert all(groups[label] & held for label in lonely)


def test_the_number_of_a_group_does_not_depend_on_the_process() -> None:
    assert group_number("Artist") == 1052928468570622292
    assert all(group_number(a) != group_number(b) for a, b in combinations(["", "a", "ä", "\udce4"], 2))
