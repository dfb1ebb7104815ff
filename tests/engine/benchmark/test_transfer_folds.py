"""Folds are those of both scikit-learns: the old one's by allocations known from its rule, today's by scikit-learn itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicclass_gui.engine.benchmark.transfer import folds
from musicclass_gui.engine.errors import BenchmarkError


def test_old_folds_cut_each_class_into_blocks_of_its_own() -> None:
    labels = ["a"] * 5 + ["b"] * 3 + ["a", "a"]
    assert folds.stratified_old(labels, 2).tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 1, 1]
    assert folds.stratified_old(labels, 3).tolist() == [0, 0, 0, 1, 1, 0, 1, 2, 2, 2]


def test_old_folds_pile_the_longer_blocks_of_all_classes_up_in_the_first_folds() -> None:
    counts = (455, 507, 350, 53, 470, 47, 468, 65, 464, 252, 529, 23, 497)  # the extended ballroom's
    labels = [number for number, count in enumerate(counts) for _ in range(count)]
    sizes = np.bincount(folds.stratified_old(labels, 10))
    expected = [sum(count // 10 + (fold < count % 10) for count in counts) for fold in range(10)]
    assert sizes.tolist() == expected
    assert sizes[0] - sizes[9] == 11  # all classes but those of 350 and 470 have a longer block in the first fold
    assert np.ptp(np.bincount(folds.stratified(labels, 10))) <= 1


def test_a_class_with_fewer_items_than_folds_is_in_the_first_folds() -> None:
    assert folds.stratified_old(["a", "b", "a", "b", "a"], 4).tolist() == [0, 0, 1, 1, 2]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=60), st.integers(2, 4))
def test_today_s_folds_are_scikit_learn_s(labels: list[int], count: int) -> None:
    from sklearn.model_selection import KFold, StratifiedKFold

    if min(np.unique(labels, return_counts=True)[1]) >= count:
        theirs = [test.tolist() for _, test in StratifiedKFold(count).split(labels, labels)]
        assert [test.tolist() for _, test in folds.of(folds.stratified(labels, count))] == theirs
    plain = [(train.tolist(), test.tolist()) for train, test in KFold(count).split(labels)]
    assert [(train.tolist(), test.tolist()) for train, test in folds.of(folds.blocks(len(labels), count))] == plain


def test_a_data_set_s_own_folds_are_each_asked_once_in_order_of_their_numbers() -> None:
    dealt = folds.of(folds.numbered(["10", "2", "1", "2"]))
    assert [test.tolist() for _, test in dealt] == [[2], [1, 3], [0]]
    with pytest.raises(BenchmarkError, match="name no fold"):
        folds.numbered(["1", ""])


def test_whole_groups_are_dealt() -> None:
    dealt = folds.grouped([str(number % 9 + 1) for number in range(27)], 3)
    assert np.bincount(dealt).tolist() == [9, 9, 9]
    assert dealt[:9].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2] == dealt[9:18].tolist()


def test_the_data_set_s_own_split_learns_from_what_it_says() -> None:
    ((train, test),) = folds.official(["train", "test", "valid", ""], ("train", "valid"), "test")
    assert (train.tolist(), test.tolist()) == ([0, 2], [1])
    with pytest.raises(BenchmarkError, match="own split has nothing"):
        folds.official(["train"], ("train",), "test")


def test_folds_can_be_weighted_by_their_sizes() -> None:
    assert folds.average([1.0, 0.0], [3, 1], weighted=True) == 0.75
    assert folds.average([1.0, 0.0], [3, 1], weighted=False) == 0.5
