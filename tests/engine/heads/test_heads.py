"""What must hold for every head: exact learning and unlearning in any order, and states that come back bit-equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicclass_gui.engine import heads
from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.heads.gaussian import GaussianHead

if TYPE_CHECKING:
    from musicclass_gui.engine.heads import Head

DIM = 6
MAKERS = {
    "centers": lambda: CentersHead(DIM),
    "centers l2": lambda: CentersHead(DIM, normalise="l2"),
    "gaussian": lambda: GaussianHead(DIM),
    "gaussian l2": lambda: GaussianHead(DIM, normalise="l2"),
    "gaussian windows": lambda: GaussianHead(DIM, independent=0.3),
    "gaussian diagonal": lambda: GaussianHead(DIM, target="diagonal"),
}


@pytest.fixture(params=MAKERS)
def empty(request: pytest.FixtureRequest) -> Head:
    head: Head = MAKERS[request.param]()
    return head


def examples(seed: int, counts: tuple[int, ...] = (9, 12, 7)) -> list[tuple[np.ndarray, str]]:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(DIM, DIM)) + 2 * np.eye(DIM)
    means = np.random.default_rng(77).normal(0, 6, (len(counts), DIM))
    return [((means[k] + rng.normal(0, 1, (n, DIM)) @ mixing).astype(np.float32), f"class {k}") for k, n in enumerate(counts)]


def taught(head: Head, pairs: list[tuple[np.ndarray, str]]) -> Head:
    for x, label in pairs:
        head.learn(x, label)
    return head


def queries(seed: int = 99, n: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 5, (n, DIM)).astype(np.float32)


def assert_same_scores(one: Head, other: Head, x: np.ndarray) -> None:
    columns = [other.classes.index(label) for label in one.classes]
    a, b = one.log_scores(x), other.log_scores(x)[:, columns]
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(a).max())
    np.testing.assert_allclose(one.novelty(x), other.novelty(x), rtol=1e-4, atol=1e-4)


def test_names_what_it_learned(empty: Head) -> None:
    pairs = examples(0)
    head = taught(empty, pairs)
    for k, (x, _) in enumerate(pairs):
        assert (head.log_scores(x).argmax(axis=1) == k).mean() > 0.8


def test_order_does_not_matter(empty: Head) -> None:
    pairs = examples(1)
    singles = [(x[i : i + 1], label) for x, label in pairs for i in range(len(x))]
    shuffled = [singles[i] for i in np.random.default_rng(3).permutation(len(singles))]
    assert_same_scores(taught(empty.copy(), pairs), taught(empty.copy(), shuffled), queries())


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(sorted(MAKERS)), seed=st.integers(0, 10_000), junk=st.integers(1, 30), label=st.sampled_from(["class 0", "new"])
)
def test_adding_then_removing_changes_nothing(kind: str, seed: int, junk: int, label: str) -> None:
    plain = taught(MAKERS[kind](), examples(seed))
    head = plain.copy()
    x = np.random.default_rng(seed + 1).normal(0, 20, (junk, DIM)).astype(np.float32)
    head.learn(x, label)
    head.unlearn(x, label)
    assert_same_scores(plain, head, queries(seed))


def test_merging_is_learning_all_at_once(empty: Head) -> None:
    pairs, more = examples(4), examples(5, (3, 4, 5, 6))
    head, other = taught(empty.copy(), pairs), taught(empty.copy(), more)
    head.merge(other)
    assert_same_scores(head, taught(empty.copy(), pairs + more), queries())


def test_a_copy_goes_its_own_way(empty: Head) -> None:
    head = taught(empty, examples(6))
    before = head.log_scores(queries())
    head.copy().learn(queries(), "class 0")
    np.testing.assert_array_equal(head.log_scores(queries()), before)


def test_state_comes_back_bit_equal(empty: Head) -> None:
    head = taught(empty, examples(7))
    again = heads.load(head.kind, head.state(), head.classes, head.settings)
    assert (again.kind, again.classes, again.dim, again.settings) == (head.kind, head.classes, DIM, head.settings)
    for name, array in head.state().items():
        assert array.dtype == np.float64
        assert array.tobytes() == again.state()[name].tobytes()
    assert head.log_scores(queries()).tobytes() == again.log_scores(queries()).tobytes()
    assert head.novelty(queries()).tobytes() == again.novelty(queries()).tobytes()


def test_a_class_without_examples_never_wins(empty: Head) -> None:
    pairs = examples(8)
    head = taught(empty, pairs)
    head.unlearn(*pairs[1])
    scores = head.log_scores(np.concatenate([queries(), pairs[1][0]]))
    assert np.isneginf(scores[:, 1]).all()
    assert np.isfinite(scores[:, [0, 2]]).all()
    assert np.isfinite(head.novelty(queries())).all()


def test_one_example_per_class_is_the_nearest_mean(empty: Head) -> None:
    head, nearest = empty, CentersHead(DIM, normalise=empty.settings["normalise"])
    for k, point in enumerate(queries(11, 5)):
        head.learn(point[None], str(k))
        nearest.learn(point[None], str(k))
    x = queries(12, 300)
    np.testing.assert_array_equal(head.log_scores(x).argmax(axis=1), nearest.log_scores(x).argmax(axis=1))
    assert np.isfinite(head.novelty(x)).all()


def test_a_single_example_in_all_is_enough_to_answer(empty: Head) -> None:
    empty.learn(queries(13, 1), "only")
    assert np.isfinite(empty.log_scores(queries())).all()
    assert np.isfinite(empty.novelty(queries())).all()


def test_repeated_examples_and_repeated_dimensions(empty: Head) -> None:
    for k in range(3):
        x = np.repeat(queries(20 + k, 2) / 10 + np.eye(DIM)[2 + k] * 9, 5, axis=0)
        x[:, 1] = x[:, 0]
        empty.learn(x, str(k))
        assert np.isfinite(empty.log_scores(queries())).all()
    x = queries(21, 2) / 10 + np.eye(DIM)[3] * 9
    x[:, 1] = x[:, 0]
    assert (empty.log_scores(x).argmax(axis=1) == 1).all()


def test_what_far_lies_is_stranger(empty: Head) -> None:
    pairs = examples(9, (40, 40, 40))
    head = taught(empty, pairs)
    strange = -10 * np.concatenate([x for x, _ in pairs])
    assert np.median(head.novelty(strange)) > np.quantile(head.novelty(np.concatenate([x for x, _ in pairs])), 0.95)


def test_scores_and_novelty_are_the_same_in_one_go(empty: Head) -> None:
    head = taught(empty, examples(10))
    scores, novelty = head.judge(queries())
    np.testing.assert_array_equal(scores, head.log_scores(queries()))
    np.testing.assert_array_equal(novelty, head.novelty(queries()))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, DIM + 1)), "rows of 6"),
        (np.zeros(DIM), "rows of 6"),
        (np.full((1, DIM), np.nan), "not finite"),
        (np.full((1, DIM), np.inf), "not finite"),
    ],
)
def test_vectors_that_do_not_fit(empty: Head, x: np.ndarray, words: str) -> None:
    head = taught(empty, examples(0))
    before = head.state()
    for act in (lambda: head.learn(x, "class 0"), lambda: head.unlearn(x, "class 0"), lambda: head.log_scores(x), lambda: head.novelty(x)):
        with pytest.raises(ClassifierError, match=words):
            act()
    assert all((head.state()[name] == array).all() for name, array in before.items())


def test_taking_back_more_than_was_given(empty: Head) -> None:
    head = taught(empty, examples(0))
    with pytest.raises(ClassifierError, match="fewer than 40"):
        head.unlearn(queries(), "class 0")
    with pytest.raises(ClassifierError, match="nowhere"):
        head.unlearn(queries(), "nowhere")


def test_an_empty_head_says_so(empty: Head) -> None:
    with pytest.raises(ClassifierError, match="no examples"):
        empty.log_scores(queries())


def test_heads_of_different_settings_do_not_merge() -> None:
    with pytest.raises(ClassifierError, match="cannot be merged"):
        GaussianHead(DIM).merge(GaussianHead(DIM, normalise="l2"))
    with pytest.raises(ClassifierError, match="cannot be merged"):
        CentersHead(DIM).merge(CentersHead(DIM + 1))


@pytest.mark.parametrize("name", ["count", "sum", "scatter"])
def test_damaged_states_are_refused(name: str) -> None:
    head = taught(GaussianHead(DIM), examples(0))
    good = head.state()
    missing = {key: value for key, value in good.items() if key != name}
    for bad in (
        missing,
        {**good, name: good[name] * np.nan},
        {**good, name: good[name][:-1]},
        {**good, name: good[name].astype(np.float32)},
    ):
        with pytest.raises(ClassifierError):
            heads.load("gaussian", bad, head.classes, head.settings)


def test_unknown_kinds_and_settings_are_refused() -> None:
    head = taught(GaussianHead(DIM), examples(0))
    with pytest.raises(ClassifierError, match="no head “forest”"):
        heads.load("forest", head.state(), head.classes, {})
    with pytest.raises(ClassifierError, match="l7"):
        heads.load("gaussian", head.state(), head.classes, {"normalise": "l7"})
    for share in ("0", "1.5", "nan", "many"):
        with pytest.raises(ClassifierError, match="share between 0 and 1"):
            heads.load("gaussian", head.state(), head.classes, {"independent": share})
    with pytest.raises(ClassifierError, match="4 classes"):
        heads.load("gaussian", head.state(), [*head.classes, "one more"], {})
    with pytest.raises(ClassifierError, match="whole"):
        heads.load("gaussian", {**head.state(), "count": head.state()["count"] - 0.5}, head.classes, {})
