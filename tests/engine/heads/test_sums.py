"""Sums that are taken back as a whole, change their class, or are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.heads.gaussian import GaussianHead
from musicclass_gui.engine.heads.shown import Column, ShownHead
from musicclass_gui.engine.heads.sums import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

DIM = 5
SumsHead = GaussianHead | CentersHead
MAKERS: list[Callable[[], SumsHead]] = [
    lambda: GaussianHead(DIM, normalise="l2", target="diagonal", independent=0.5),
    lambda: GaussianHead(DIM),
    lambda: CentersHead(DIM, normalise="l2"),
    lambda: CentersHead(DIM),
]


def rows(kind: int, n: int = 8) -> np.ndarray:
    return np.random.default_rng(kind).normal(3 * np.eye(DIM)[kind % DIM], 1, (n, DIM))


def taught(make: Callable[[], SumsHead], **classes: int) -> SumsHead:
    head = make()
    for label, kind in classes.items():
        head.learn(rows(kind), label)
    return head


def assert_same(one: SumsHead, other: SumsHead) -> None:
    x = np.random.default_rng(99).normal(0, 3, (50, DIM))
    for a, b in zip(one.judge(x), other.judge(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(one.log_scores(x), other.log_scores(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", MAKERS)
def test_what_was_merged_can_be_taken_back(make: Callable[[], SumsHead]) -> None:
    head = taught(make, a=0, b=1)
    head.merge(taught(make, b=2, c=3))
    head.unmerge(taught(make, b=2, c=3))
    head.drop_empty()
    assert head.classes == ["a", "b"]
    assert_same(head, taught(make, a=0, b=1))
    head.unmerge(taught(make, a=0, b=1))
    assert head.examples == 0
    assert all((array == 0).all() for array in head.state().values()), "nothing is left, not even rounding"


@pytest.mark.parametrize("make", MAKERS)
def test_what_was_never_merged_cannot_be_taken_back(make: Callable[[], SumsHead]) -> None:
    head = taught(make, a=0, b=1)
    before = head.state()
    for other in (taught(make, c=3), taught(make, a=0, c=3)):
        with pytest.raises(ClassifierError, match="fewer than 8"):
            head.unmerge(other)
    assert all((head.state()[name] == array).all() for name, array in before.items())
    with pytest.raises(ClassifierError, match="cannot be merged"):
        GaussianHead(DIM).unmerge(GaussianHead(DIM, independent=0.5))


@pytest.mark.parametrize("make", MAKERS)
def test_examples_change_their_class_without_rounding_what_is_shared(make: Callable[[], SumsHead]) -> None:
    head, expected = taught(make, a=0, b=1), taught(make, a=0)
    head.learn(rows(2), "b")
    shared = head.state().get("scatter")
    head.judge(rows(0))
    head.move(rows(1), "b", "c")
    expected.learn(rows(2), "b")
    expected.learn(rows(1), "c")
    assert_same(head, expected)
    assert shared is None or shared.tobytes() == head.state()["scatter"].tobytes()
    with pytest.raises(ClassifierError, match="fewer than 8"):
        head.move(rows(1), "nowhere", "a")
    head.reassign(3.0, rows(2, 3).sum(axis=0), "b", "c")
    assert dict(zip(head.classes, head.state()["count"], strict=True)) == {"a": 8, "b": 5, "c": 11}


@pytest.mark.parametrize("make", MAKERS)
def test_a_hidden_class_counts_in_the_covariance_and_never_wins(make: Callable[[], SumsHead]) -> None:
    open_, head = taught(make, a=0, b=1), taught(make, a=0)
    head.learn(rows(1), HIDDEN + "b")
    x = rows(1, 30)
    np.testing.assert_allclose(head.log_scores(x)[:, 0], open_.log_scores(x)[:, 0], rtol=1e-12)
    assert np.isneginf(head.log_scores(x)[:, 1]).all()
    assert (head.novelty(x) >= open_.novelty(x)).all()
    assert head.novelty(x).mean() > open_.novelty(x).mean(), "what only a hidden class knows is strange"
    head.unlearn(rows(0), "a")
    with pytest.raises(ClassifierError, match="no examples"):
        head.judge(x)


def test_how_much_windows_count_can_be_said_later() -> None:
    head = GaussianHead(DIM)
    head.learn(rows(0), "a")
    head.learn(rows(1), "b")
    head.judge(rows(0))
    head.count_as(0.25)
    other = GaussianHead(DIM, independent=0.25)
    other.learn(rows(0), "a")
    other.learn(rows(1), "b")
    assert head.settings == other.settings
    assert_same(head, other)
    with pytest.raises(ClassifierError, match="share between 0 and 1"):
        head.count_as(0.0)


def test_a_head_is_shown_under_other_names() -> None:
    head = taught(MAKERS[0], **{"1": 0, "2": 1, "3": 2, "4": 3})
    columns = [Column("3", "c"), Column("1", "a"), Column("4", "traffic"), Column("2", "not a", of=1)]
    shown, x = ShownHead(head, columns), np.random.default_rng(0).normal(0, 3, (40, DIM))
    raw, (scores, novelty) = head.log_scores(x), shown.judge(x)
    assert (shown.classes, shown.dim, shown.kind, shown.settings) == (["c", "a", "traffic", "not a"], DIM, "gaussian", head.settings)
    np.testing.assert_allclose(scores[:, [0, 2, 3]], raw[:, [2, 3, 1]], rtol=1e-12)
    np.testing.assert_allclose(scores[:, 1], raw[:, 0] - np.maximum(0, raw[:, 1] - raw[:, 0]), rtol=1e-12)
    np.testing.assert_allclose(novelty, head.novelty(x), rtol=1e-12)
    np.testing.assert_allclose(shown.log_scores(x), scores, rtol=1e-12)
    np.testing.assert_array_equal(shown.whiten(x), head.whiten(x))
    assert shown.state().keys() == head.state().keys()
    np.testing.assert_allclose(head.log_scores(x), raw, rtol=1e-12, err_msg="the head itself is as it was")
