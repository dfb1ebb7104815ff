"""What points of the grid say is what scikit-learn says, whether kernels are shared or not; and choosing is done where it is said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.benchmark.transfer import folds, grid, selection
from musicclass_gui.engine.errors import Cancelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

P = grid.Point
SOME = (P("rbf", 2.0, 2.0**-5), P("rbf", 32.0), P("linear", 0.1), P("linear", 8.0))


def nothing() -> None:
    """No reason to stop."""


def made(n: int = 90, d: int = 6, classes: int = 3, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    truth = np.sort(np.arange(n) % classes)
    return random.normal(size=(n, d)) + truth[:, None] * 0.8, truth.astype(float)


def said(points: tuple[grid.Point, ...], fold: grid.Fold, most_shared: int = 5000, *, regression: bool = False) -> NDArray[np.float64]:
    limits = grid.Limits(most_shared=most_shared)
    return grid.say(points, fold, regression=regression, limits=limits, check=nothing).values


def test_there_are_32_settings_of_the_svm() -> None:
    assert len(set(grid.SVM)) == 32
    assert [point.size for point in grid.SVM if point.kernel == "linear"] == [0.1, 2.0, 8.0, 32.0]
    assert {point.gamma for point in grid.SVM if point.kernel == "rbf"} == {2.0**-p for p in (3, 5, 7, 9, 11, 13)} | {grid.AUTO}
    assert P("rbf", 32.0).name == "rbf, C=32, γ=auto"
    assert P("rbf", 2.0, 2.0**-7).name == "rbf, C=2, γ=2^-7"


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("shared", [5000, 0])
def test_points_say_what_scikit_learn_says(regression: bool, shared: int) -> None:
    from sklearn.svm import SVC, SVR

    features, truth = made()
    fold = grid.Fold(features[::2], truth[::2], features[1::2])
    theirs = []
    for point in SOME:
        model = (SVR if regression else SVC)(kernel=point.kernel, C=point.size, gamma=point.gamma or "auto")
        theirs.append(model.fit(fold.train, fold.truth).predict(fold.test))
    np.testing.assert_array_equal(said(SOME, fold, shared, regression=regression), theirs)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_neighbours_are_scikit_learn_s(count: int) -> None:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    features, truth = made(seed=3)
    fold = grid.Fold(features[::2], truth[::2], features[1::2])
    point = (P("knn", float(count)),)
    assert said(point, fold)[0].tolist() == KNeighborsClassifier(count).fit(fold.train, fold.truth).predict(fold.test).tolist()
    theirs = KNeighborsRegressor(count).fit(fold.train, fold.truth).predict(fold.test)
    np.testing.assert_allclose(said(point, fold, regression=True)[0], theirs)


def test_scaling_looks_at_what_is_learned_from_only() -> None:
    features, truth = made()
    features[:, 2] = 7.0
    fold = grid.Fold(features[:40], truth[:40], features[40:] * 100).scaled()
    np.testing.assert_allclose(fold.train.mean(axis=0), 0, atol=1e-12)
    assert np.round(fold.train.std(axis=0), 9).tolist() == [1, 1, 0, 1, 1, 1]
    assert np.abs(fold.test).max() > 10
    assert np.isfinite(fold.test).all()


def test_fits_that_are_stopped_are_named_and_say_something_all_the_same() -> None:
    features, truth = made()
    fold = grid.Fold(features * 500, truth, features)
    found = grid.say((P("linear", 32.0),), fold, regression=False, limits=grid.Limits(iterations=5), check=nothing)
    assert found.stopped == {P("linear", 32.0)}
    assert np.isfinite(found.values).all()


def test_linear_kernels_may_have_limits_of_their_own() -> None:
    features, truth = made()
    fold = grid.Fold(features, truth, features)
    points = (grid.GENTLE, P("linear", 32.0))
    assert grid.GENTLE in grid.SVM
    found = grid.say(points, fold, regression=False, limits=grid.Limits(5, gentle=1_000_000), check=nothing)
    assert found.stopped == {P("linear", 32.0)}
    limits = grid.Limits(7, gentle=9, steep=3)
    assert [limits.of(point) for point in (grid.GENTLE, P("linear", 2.0), P("rbf", 0.1))] == [9, 3, 7]


def test_r2_and_accuracy_are_scikit_learn_s() -> None:
    from sklearn.metrics import r2_score

    truth, answer = np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.5, 0.7])
    assert grid.score(truth, answer, regression=True) == pytest.approx(r2_score(truth, answer))
    assert grid.score(np.array([1.0, 2.0]), np.array([1.0, 1.0]), regression=False) == 0.5


def test_the_published_way_is_grid_search_s_best_average() -> None:
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    features, truth = made(60)
    dealt = folds.of(folds.stratified_old(truth.tolist(), 5))
    problem = selection.Problem(features, truth, dealt)
    found = selection.published(problem, selection.Way(SOME, False, False, grid.Limits()), nothing)
    theirs = GridSearchCV(SVC(), [{"kernel": [p.kernel], "C": [p.size], "gamma": [p.gamma or "auto"]} for p in SOME], cv=dealt)
    theirs.fit(features, truth)
    assert found.value == pytest.approx(theirs.best_score_)
    assert found.chosen[0][0] == SOME[theirs.best_index_]
    assert found.value == pytest.approx(np.mean(truth[found.asked] == found.said))


def thirds(train: folds.Numbers) -> list[folds.Fold]:
    return [(train[a], train[b]) for a, b in folds.of(np.arange(train.size) % 3)]


def test_the_nested_way_is_blind_to_the_truth_of_what_it_is_asked() -> None:
    features, truth = made(60)
    dealt = folds.of(folds.stratified(truth.tolist(), 5))
    way = selection.Way(SOME, True, False, grid.Limits())
    found = selection.nested(selection.Problem(features, truth, dealt[:1]), way, thirds, nothing)
    other = truth.copy()
    other[dealt[0][1]] = (other[dealt[0][1]] + 1) % 3
    again = selection.nested(selection.Problem(features, other, dealt[:1]), way, thirds, nothing)
    assert again.said.tolist() == found.said.tolist()
    assert again.chosen == found.chosen
    assert again.value < found.value


def test_where_nothing_can_be_learned_choosing_on_the_test_folds_flatters() -> None:
    random = np.random.default_rng(5)
    features, truth = random.normal(size=(60, 8)), np.repeat([0.0, 1.0], 30)
    dealt = folds.of(folds.stratified(truth.tolist(), 10))
    problem, way = selection.Problem(features, truth, dealt), selection.Way(grid.SVM, False, False, grid.Limits())
    flattered, honest = selection.published(problem, way, nothing), selection.nested(problem, way, thirds, nothing)
    assert flattered.value > honest.value


def test_a_search_can_be_stopped_between_fits() -> None:
    features, truth = made()
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        grid.say(SOME, grid.Fold(features, truth, features), regression=False, limits=grid.Limits(), check=check)
    assert asked == 3
