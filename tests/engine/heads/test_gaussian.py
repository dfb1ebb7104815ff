"""The shared-covariance Gaussian against other ways to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.heads.gaussian import GaussianHead


def drawn(dim: int, per_class: int, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dim, dim)) / np.sqrt(dim)
    means = rng.normal(0, 1.5, (classes, dim))
    truth = np.repeat(np.arange(classes), per_class)
    return means[truth] + rng.normal(size=(len(truth), dim)) @ mixing, truth


def taught(x: np.ndarray, truth: np.ndarray, **settings: str) -> GaussianHead:
    head = GaussianHead(x.shape[1], **settings)
    for k in np.unique(truth):
        head.learn(x[truth == k], str(k))
    return head


@pytest.mark.parametrize(("dim", "per_class"), [(5, 40), (30, 20), (60, 5)])
def test_equals_scikit_learn_with_the_same_covariance(dim: int, per_class: int) -> None:
    discriminant = pytest.importorskip("sklearn.discriminant_analysis")
    x, truth = drawn(dim, per_class)
    head = taught(x, truth)

    class Given:
        def fit(self, _: np.ndarray) -> None:
            self.covariance_ = head.covariance()

    theirs = discriminant.LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Given(), priors=[0.25] * 4).fit(x, truth)
    queries = np.random.default_rng(1).normal(0, 3, (500, dim))
    np.testing.assert_array_equal(head.log_scores(queries).argmax(axis=1), theirs.predict(queries))
    ours = head.log_scores(queries)
    difference = ours - theirs.decision_function(queries)
    np.testing.assert_allclose(difference - difference[:, :1], 0, atol=1e-8 * np.abs(ours).max())


def test_shrinkage_is_that_of_scikit_learn() -> None:
    covariance = pytest.importorskip("sklearn.covariance")
    x, _ = drawn(12, 30, classes=1)
    head = GaussianHead(12)
    head.learn(np.concatenate([x, x.mean(axis=0)[None]]), "one")  # n + 1 points with the mean of n: n degrees of freedom
    expected, _ = covariance.oas(x - x.mean(axis=0), assume_centered=True)
    np.testing.assert_allclose(head.covariance(), expected, rtol=1e-9)


def test_examples_that_resemble_each_other_are_shrunk_as_if_fewer() -> None:
    covariance = pytest.importorskip("sklearn.covariance")
    x, _ = drawn(12, 30, classes=1)
    x -= x.mean(axis=0)
    head = GaussianHead(12, independent=1 / 3)
    head.learn(np.concatenate([np.repeat(x, 3, axis=0), np.zeros((1, 12))]), "one")  # each point thrice, and 90 degrees of freedom
    np.testing.assert_allclose(head.covariance(), covariance.oas(x, assume_centered=True)[0], rtol=1e-9)


def test_the_formulas_written_out() -> None:
    x, truth = drawn(8, 15)
    head = taught(x, truth)
    means = np.stack([x[truth == k].mean(axis=0) for k in range(4)])
    precision = np.linalg.inv(head.covariance())
    queries = np.random.default_rng(5).normal(0, 3, (20, 8))
    distance = np.array([[(q - m) @ precision @ (q - m) for m in means] for q in queries])
    scores = head.log_scores(queries)
    np.testing.assert_allclose(scores - scores[:, :1], -0.5 * (distance - distance[:, :1]), rtol=1e-8, atol=1e-8)
    dim, freedom = 8, 56
    residuals = x - means[truth]
    within, overall = residuals.T @ residuals / freedom, (x - x.mean(axis=0)).T @ (x - x.mean(axis=0)) / freedom
    square, variance = np.mean(within**2), np.trace(within) / dim
    amount = min(1.0, (square + variance**2) / ((freedom + 1) * (square - variance**2 / dim)))
    broad = np.linalg.inv((1 - amount) * overall + amount * np.trace(overall) / dim * np.eye(dim))
    background = np.array([(q - x.mean(axis=0)) @ broad @ (q - x.mean(axis=0)) for q in queries])
    np.testing.assert_allclose(head.novelty(queries), distance.min(axis=1) - background, rtol=1e-4, atol=1e-4 * distance.max())


def test_more_dimensions_than_examples() -> None:
    x, truth = drawn(300, 6)
    head = taught(x, truth)
    fresh, labels = drawn(300, 6, seed=0)
    assert (head.log_scores(fresh).argmax(axis=1) == labels).all()
    assert np.isfinite(head.novelty(fresh)).all()


def test_covariance_helps_where_centers_fail() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 200)
    x = np.stack([truth + rng.normal(0, 0.2, 400), rng.normal(0, 30, 400)], axis=1)
    head, centers = taught(x, truth), CentersHead(2)
    for k in (0, 1):
        centers.learn(x[truth == k], str(k))
    assert (head.log_scores(x).argmax(axis=1) == truth).mean() > 0.9
    assert (centers.log_scores(x).argmax(axis=1) == truth).mean() < 0.8


def test_the_diagonal_target_does_not_care_for_units() -> None:
    x, truth = drawn(40, 8)
    units = 10.0 ** np.random.default_rng(0).integers(-3, 4, 40)
    queries = np.random.default_rng(1).normal(0, 2, (200, 40))
    plain = taught(x, truth, target="diagonal").log_scores(queries)
    rescaled = taught(x * units, truth, target="diagonal").log_scores(queries * units)
    np.testing.assert_allclose(plain - plain[:, :1], rescaled - rescaled[:, :1], rtol=1e-6, atol=1e-6)


def test_l2_does_not_care_for_loudness_of_vectors() -> None:
    x, truth = drawn(10, 20)
    head = taught(x, truth, normalise="l2")
    queries = np.random.default_rng(1).normal(0, 2, (50, 10))
    np.testing.assert_allclose(head.log_scores(queries), head.log_scores(queries * 7), rtol=1e-9, atol=1e-9)
    assert np.isfinite(head.log_scores(np.zeros((1, 10)))).all()


def test_distance_between_whitened_rows_is_the_heads_own() -> None:
    x, truth = drawn(5, 40)
    head = taught(x, truth)
    difference = x[0] - x[1]
    expected = difference @ np.linalg.inv(head.covariance()) @ difference
    assert np.sum((head.whiten(x)[0] - head.whiten(x)[1]) ** 2) == pytest.approx(expected)


def test_the_triangle_is_half_of_the_square() -> None:
    x, truth = drawn(20, 5)
    assert taught(x, truth).state()["scatter"].shape == (20 * 21 // 2,)


def test_sums_that_no_examples_can_have_are_refused() -> None:
    x, truth = drawn(4, 10)
    head = taught(x, truth)
    state = head.state()
    far_apart = state["scatter"].copy()
    far_apart[1] = 1e6  # a covariance beyond what its variances allow
    for scatter in (-state["scatter"], far_apart):
        with pytest.raises(ClassifierError, match="not those of real examples"):
            GaussianHead.from_state({**state, "scatter": scatter}, head.classes, head.settings).log_scores(x)


@pytest.mark.parametrize("settings", [{}, {"target": "diagonal"}, {"target": "diagonal", "normalise": "l2"}])
@pytest.mark.parametrize(("dim", "per_class"), [(5, 40), (60, 5), (60, 1)])
def test_nothing_far_away_seems_familiar(dim: int, per_class: int, settings: dict[str, str]) -> None:
    x, truth = drawn(dim, per_class)
    head = taught(x, truth, **settings)
    directions = np.random.default_rng(3).normal(size=(500, dim))
    reach = 1.0 if "normalise" in settings else 1000.0
    usual = np.median(head.novelty(x))
    assert (head.novelty(directions * reach) > usual).mean() > (0.95 if "normalise" in settings else 0.999)


def test_a_single_class_knows_strangers_too() -> None:
    head = GaussianHead(4)
    head.learn(np.random.default_rng(0).normal(5, 1, (40, 4)), "only")
    assert head.novelty(np.full((1, 4), 5.0))[0] < head.novelty(np.full((1, 4), 9.0))[0]


def test_one_example_per_class_has_a_sensible_novelty() -> None:
    head = GaussianHead(3)
    for k, point in enumerate(np.eye(3) * 10):
        head.learn(point[None], str(k))
    near, far = head.novelty(np.array([[10.0, 0, 0]]))[0], head.novelty(np.array([[-100.0, -100, -100]]))[0]
    assert near < far
