"""Temperatures, thresholds, calibration error and intervals against numbers known otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicclass_gui.engine import calibration as c


@pytest.mark.parametrize("temperature", [0.25, 1.0, 7.0])
def test_finds_the_temperature_that_scores_were_drawn_with(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 5))
    truth = (c.softmax(logits).cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert c.fit_temperature(logits * temperature, truth) == pytest.approx(temperature, rel=0.05)


def test_weights_count_like_repetitions() -> None:
    rng = np.random.default_rng(1)
    scores, truth = rng.normal(0, 3, (60, 4)), rng.integers(0, 4, 60)
    times = rng.integers(1, 5, 60)
    repeated = c.fit_temperature(np.repeat(scores, times, axis=0), np.repeat(truth, times))
    assert c.fit_temperature(scores, truth, times.astype(float)) == pytest.approx(repeated, rel=1e-4)


def test_a_class_without_examples_has_no_probability() -> None:
    probabilities = c.softmax(np.array([[1.0, -np.inf, 1.0]]))
    np.testing.assert_allclose(probabilities, [[0.5, 0.0, 0.5]])


@given(st.lists(st.floats(-700, 700), min_size=2, max_size=8))
def test_probabilities_add_up(scores: list[float]) -> None:
    probabilities = c.softmax(np.array([scores]))
    assert probabilities.sum() == pytest.approx(1.0)
    assert (probabilities >= 0).all()


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=200), st.sampled_from([0.01, 0.05, 0.2]))
def test_no_more_than_the_share_is_rejected(values: list[int], share: float) -> None:
    novelty = np.array(values, float)
    threshold = c.threshold_at(novelty, rejected=share)
    assert (novelty > threshold).mean() <= share + 1e-9
    below = novelty[novelty < threshold]
    if below.size:
        assert (novelty > below.max()).mean() > share - 1e-9


def test_weighted_thresholds_count_groups_alike() -> None:
    novelty = np.array([1.0, 2.0, 3.0, 9.0, 9.0, 9.0])
    assert c.threshold_at(novelty, rejected=0.25) == 9.0
    assert c.threshold_at(novelty, np.array([1, 1, 1, 1 / 3, 1 / 3, 1 / 3]), rejected=0.25) == 3.0


def test_true_probabilities_are_off_by_chance_alone() -> None:
    """One row that is right half the time is half a point off, whatever happens; many rows are hardly off."""
    one = np.array([[0.5, 0.5]])
    assert c.calibration_error_by_chance(one) == pytest.approx(0.5)
    assert c.calibration_error_by_chance(np.repeat(one, 10_000, 0)) < 0.01
    rng = np.random.default_rng(3)
    rows = rng.dirichlet(np.ones(4), 60)
    truths = [np.array([rng.choice(4, p=row) for row in rows]) for _ in range(200)]
    seen = np.mean([c.calibration_error(rows, truth) for truth in truths])
    assert c.calibration_error_by_chance(rows) == pytest.approx(seen, abs=0.01)


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.65, 0.35]])
    truth = np.array([0, 1, 0, 0])
    assert c.calibration_error(probabilities, truth) == pytest.approx((2 * 0.45 + 2 * 0.35) / 4)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(63, 70, 0.8077, 0.9507), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 2, 0.0945, 0.9055)],
)
def test_wilson_against_published_values(right: int, n: int, low: float, high: float) -> None:
    assert c.wilson(right / n, n) == pytest.approx((low, high), abs=1e-4)


def test_wilson_of_nothing_is_everything() -> None:
    assert c.wilson(0.0, 0) == (0.0, 1.0)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_area_under_roc_counts_pairs(known: list[int], unknown: list[int]) -> None:
    pairs = [(u > k) + 0.5 * (u == k) for k in known for u in unknown]
    assert c.area_under_roc(np.array(known, float), np.array(unknown, float)) == pytest.approx(np.mean(pairs))


def test_macro_f1_against_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 5, 80), rng.integers(0, 4, 80)
    assert c.macro_f1(guess.tolist(), truth.tolist(), 5) == pytest.approx(metrics.f1_score(truth, guess, average="macro", zero_division=0))


def test_a_few_right_answers_promise_no_certainty() -> None:
    scores = np.where(np.eye(3, dtype=bool)[np.arange(24) % 3], 50.0, 0.0)
    truth = np.arange(24) % 3
    sure = c.softmax(scores / c.fit_temperature(scores, truth))
    humble = c.softmax(scores / c.fit_temperature(scores, truth, doubt=1 / 26))
    assert sure.max() > 0.999
    assert humble.max(axis=1).mean() == pytest.approx(25 / 26, abs=0.002)


def test_doubt_changes_little_where_much_is_known() -> None:
    noise = np.random.default_rng(0)
    truth = noise.integers(0, 4, 4000)
    scores = noise.normal(0, 1, (4000, 4)) + 1.5 * np.eye(4)[truth]
    assert c.fit_temperature(scores, truth, doubt=1 / 4002) == pytest.approx(c.fit_temperature(scores, truth), rel=0.01)
