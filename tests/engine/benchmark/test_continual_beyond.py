"""Strategies without training, and those beyond the paper: each defining equation against an independent computation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from made_sessions import CHUNKS, FILES, all_test, learned, made_task, right, said

from musicclass_gui.engine.benchmark.continual.methods_beyond import METHODS
from musicclass_gui.engine.benchmark.continual.pools import Pool, joined
from musicclass_gui.engine.benchmark.continual.strategies import STRATEGIES
from musicclass_gui.engine.benchmark.continual.strategies.der import Reservoir, difference
from musicclass_gui.engine.benchmark.continual.strategies.fecam import correlations
from musicclass_gui.engine.benchmark.continual.strategies.lwf import distilled
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.benchmark.continual.sessions import Task

ORDER_FREE = ("class-centers", "cosine-centers", "gaussian", "ranpac", "fecam", "knn")
TRAINED = ("lwf", "der", "joint-seen")
OTHER_ORDER = (4, 1, 5, 0, 3, 2)


def train_rows(task: Task) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All consecutive chunks of the training files, and their labels."""
    grid = joined([session.grid for session in task.sessions])
    return grid.flat().astype(np.float64), grid.numpy_labels()


def file_means(pool: Pool) -> NDArray[np.float64]:
    """All made files have as many chunks, one after the other."""
    return pool.flat().astype(np.float64).reshape(-1, CHUNKS, pool.store.data.shape[1]).mean(axis=1)


# Class centers


def test_class_centers_are_scikit_learns_nearest_centroids_of_all_chunks() -> None:
    from sklearn.neighbors import NearestCentroid

    task = made_task(spread=3.0)
    theirs = NearestCentroid().fit(*train_rows(task))
    assert (learned("class-centers", task).predict(all_test(task)) == theirs.predict(file_means(all_test(task)))).all()


def test_files_with_more_chunks_weigh_more_in_a_class_center() -> None:
    task = made_task()
    session = task.sessions[0]
    fewer = replace(session, grid=session.grid.picked(torch.arange(1, len(session.grid))))
    made = learned("class-centers", replace(task, sessions=(fewer, *task.sessions[1:])), 1)
    own = fewer.grid.flat()[fewer.grid.numpy_labels() == 0].astype(np.float64)
    np.testing.assert_allclose(made.centers[0], own.sum(axis=0) / (FILES * CHUNKS - 1), rtol=1e-12)


@pytest.mark.parametrize("short", [True, False])
def test_cosine_centers_are_means_of_unit_vectors_and_of_unit_length_when_corrected(short: bool) -> None:
    task = made_task(spread=3.0, cosine_short_centers=short)
    rows, labels = train_rows(task)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    centers = np.stack([unit[labels == label].mean(axis=0) for label in range(6)])
    if not short:
        centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    made = learned("cosine-centers", task)
    np.testing.assert_allclose(np.array([*made.centers.values()]), centers, rtol=1e-12)
    tracks = file_means(all_test(task))
    assert (made.predict(all_test(task)) == (tracks @ centers.T).argmax(axis=1)).all()


def test_short_cosine_centers_favour_tight_classes() -> None:
    """A wide class (0) and a tight one (1) at right angles: a track half way is the tight one's only because its center is longer."""
    task = made_task(cosine_short_centers=True)
    first = task.sessions[0]
    wide = [[1, 0, 0.9], [1, 0, -0.9]] * (FILES * CHUNKS // 2)
    tight = [[0, 1, 0.0]] * (FILES * CHUNKS)
    data = torch.tensor([*wide, *tight, [1.1, 1, 0]], dtype=torch.float32)
    store = replace(first.grid.store, data=data)
    grid = replace(first.grid, store=store, rows=torch.arange(len(data) - 1))
    between = Pool(store, torch.tensor([len(data) - 1]), torch.tensor([0]), torch.tensor([0]), ("between",))
    session = replace(first, grid=grid)
    assert learned("cosine-centers", replace(task, sessions=(session,)), 1).predict(between) == [1]
    plain = made_task(cosine_short_centers=False)
    assert learned("cosine-centers", replace(plain, sessions=(session,)), 1).predict(between) == [0]


# Gaussian, RanPAC, FeCAM, neighbours


def test_gaussian_gives_scikit_learns_lda_with_the_same_covariance() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    task = made_task(spread=3.0)
    made = learned("gaussian", task)
    rows, labels = train_rows(task)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    class Given:
        def fit(self, rows: Any) -> Given:
            self.covariance_ = made.head.covariance()
            return self

    lda = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Given(), priors=np.full(6, 1 / 6)).fit(unit, labels)
    chunks = all_test(task).flat().astype(np.float64)
    decisions = lda.decision_function(chunks / np.linalg.norm(chunks, axis=1, keepdims=True))
    means = decisions.reshape(-1, CHUNKS, 6).mean(axis=1)
    assert (made.predict(all_test(task)) == means.argmax(axis=1)).all()
    assert float(made.head.settings["independent"]) == pytest.approx(1 / CHUNKS)


def test_ranpac_is_scikit_learns_ridge_on_the_same_random_features() -> None:
    from sklearn.linear_model import Ridge

    task = made_task(spread=3.0, ranpac_directions=50, ranpac_ridge=0.01)
    made = learned("ranpac", task)
    rows, labels = train_rows(task)
    features = np.maximum(rows @ made.projection, 0)
    assert made.ridge == pytest.approx(0.01 * (features**2).sum() / 50)
    theirs = Ridge(alpha=made.ridge, fit_intercept=False, solver="cholesky").fit(features, np.eye(6)[labels])
    np.testing.assert_allclose(made.weights, theirs.coef_.T, rtol=1e-7, atol=1e-12)
    chunks = np.maximum(all_test(task).flat().astype(np.float64) @ made.projection, 0)
    means = theirs.predict(chunks).reshape(-1, CHUNKS, 6).mean(axis=1)
    assert (made.predict(all_test(task)) == means.argmax(axis=1)).all()


def test_ranpac_takes_the_ridge_with_the_least_error_on_validation_files() -> None:
    from sklearn.linear_model import Ridge

    task = made_task(spread=6.0, ranpac_directions=50)
    made = learned("ranpac", task)
    rows, labels = train_rows(task)
    features = np.maximum(rows @ made.projection, 0)
    pool = joined([session.valid for session in task.sessions])
    truth = np.eye(6)[pool.numpy_labels().reshape(-1, CHUNKS)[:, 0]]
    errors = {}
    for ridge in np.array([1e-3, 1e-2, 0.1, 1, 10]) * (features**2).sum() / 50:
        theirs = Ridge(alpha=ridge, fit_intercept=False, solver="cholesky").fit(features, np.eye(6)[labels])
        said = theirs.predict(np.maximum(pool.flat().astype(np.float64) @ made.projection, 0)).reshape(-1, CHUNKS, 6).mean(axis=1)
        errors[ridge] = ((said - truth) ** 2).sum()
    assert made.ridge == pytest.approx(min(errors, key=errors.__getitem__))
    assert made.ridge > 2 * min(errors)


def test_ranpacs_ridge_has_a_floor() -> None:
    task = made_task(ranpac_directions=200, ranpac_ridge=1e-9)
    made = learned("ranpac", task)
    rows, _ = train_rows(task)
    assert made.ridge == pytest.approx(1e-3 * (np.maximum(rows @ made.projection, 0) ** 2).sum() / 200)
    assert np.abs(made.weights).max() < 1


def test_fecam_is_the_direct_mahalanobis_distance_with_shrunk_correlations() -> None:
    from scipy.spatial.distance import mahalanobis

    task = made_task(spread=3.0, fecam_shrinkage=0.5)
    made = learned("fecam", task)
    rows, labels = train_rows(task)
    tracks = file_means(all_test(task))
    distances = np.empty((len(tracks), 6))
    for label in range(6):
        own = rows[labels == label]
        covariance = np.cov(own.T)
        apart = ~np.eye(8, dtype=bool)
        shrunk = covariance + 0.5 * np.where(apart, covariance[apart].mean(), np.diag(covariance).mean())
        scale = np.sqrt(np.diag(shrunk))
        inverse = np.linalg.inv(shrunk / scale[:, None] / scale[None])
        distances[:, label] = [mahalanobis(track, own.mean(axis=0), inverse) ** 2 for track in tracks]
    np.testing.assert_allclose(made.distances(tracks), distances, rtol=1e-9)
    assert (made.predict(all_test(task)) == distances.argmin(axis=1)).all()


def test_fecam_of_chunks_that_do_not_vary_is_the_nearest_mean() -> None:
    assert (correlations(np.ones((4, 3)), 1.0) == np.eye(3)).all()


@pytest.mark.parametrize("k", [1, 5, 500])
def test_neighbours_vote_as_scikit_learns_do_where_votes_are_not_equal(k: int) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    task = made_task(spread=4.0, knn_neighbours=k)
    grid = joined([session.grid for session in task.sessions])
    files, labels = file_means(grid), grid.numpy_labels()[::CHUNKS]
    theirs = KNeighborsClassifier(min(k, len(files))).fit(files, labels)
    tracks = file_means(all_test(task))
    nearest = labels[theirs.kneighbors(tracks, return_distance=False)]
    counts = np.sort([[(row == label).sum() for label in range(6)] for row in nearest], axis=1)
    clear = counts[:, -1] > counts[:, -2]
    mine = learned("knn", task).predict(all_test(task))
    assert (mine[clear] == theirs.predict(tracks)[clear]).all()
    assert clear.any() or k == 500
    first = [next(label for label in row if (row == label).sum() == count[-1]) for row, count in zip(nearest, counts, strict=True)]
    assert (mine == first).all()


# Learning without forgetting, DER++


def test_distillation_is_the_cross_entropy_of_softened_outputs() -> None:
    random = np.random.default_rng(0)
    before, now = random.normal(size=(5, 3)), random.normal(size=(5, 3))
    soft = np.exp(before / 2) / np.exp(before / 2).sum(axis=1, keepdims=True)
    log = now / 2 - np.log(np.exp(now / 2).sum(axis=1, keepdims=True))
    assert float(distilled(torch.tensor(before), torch.tensor(now), 2.0)) == pytest.approx(-(soft * log).sum(axis=1).mean())


def test_lwfs_loss_is_cross_entropy_of_new_outputs_and_weighted_distillation_of_old_ones() -> None:
    task = made_task(lwf_weight=3.0)
    made = learned("lwf", task, 2)
    inputs, labels = task.sessions[1].train.inputs(), task.sessions[1].train.labels
    made.net.eval()
    with torch.no_grad():
        for parameter in made.net.parameters():
            parameter.add_(0.05)
        made.teacher.out = torch.nn.Linear(512, 2).requires_grad_(False)
        logits, before = made.net(inputs).double().numpy(), made.teacher(inputs).double().numpy()
    new = logits[:, 2:] - np.log(np.exp(logits[:, 2:]).sum(axis=1, keepdims=True))
    entropy = -new[np.arange(len(labels)), labels.numpy() - 2].mean()
    soft = np.exp(before / 2) / np.exp(before / 2).sum(axis=1, keepdims=True)
    cold = logits[:, :2] / 2 - np.log(np.exp(logits[:, :2] / 2).sum(axis=1, keepdims=True))
    assert made.loss(inputs, labels).item() == pytest.approx(entropy - 3 * (soft * cold).sum(axis=1).mean(), rel=1e-4)


def test_lwf_leaves_old_rows_alone_without_weight_and_with_weight_holds_on_to_old_outputs() -> None:
    loose = made_task(lwf_weight=0.0)
    made = learned("lwf", loose, 2)
    rows = made.net.out.weight[:4].detach().clone()
    made.learn_session(loose.sessions[2])
    assert torch.equal(made.net.out.weight[:4], rows)
    task, loose = (made_task(spread=3.0, lwf_weight=weight, max_epochs=40, patience=40) for weight in (20.0, 0.0))
    assert drift(task) < drift(loose) * 0.7


def drift(task: Task) -> float:
    """How far the odds of the first classes move in the second session, on that session's chunks."""
    made = learned("lwf", task, 1)
    teacher, second = made.teacher, task.sessions[1]
    made.learn_session(second)
    made.net.eval()
    with torch.no_grad():
        before, after = teacher(second.train.inputs()), made.net(second.train.inputs())[:, :2]
    return float((before - after).diff(dim=1).abs().mean())


def test_reservoir_keeps_every_example_with_the_same_chance() -> None:
    kept = np.zeros(40)
    for seed in range(600):
        reservoir = Reservoir(10, seed)
        for start in range(0, 40, 8):
            numbers = torch.arange(start, start + 8)
            reservoir.show(numbers[:, None].float(), numbers, numbers[:, None].float())
        assert len(reservoir) == 10
        kept[reservoir.labels] += 1
        assert [int(row) for row in reservoir.inputs] == reservoir.labels == [int(row) for row in reservoir.logits]
    assert kept.sum() == 6000
    assert np.abs(kept - 150).max() < 5 * np.sqrt(150 * 0.75)


def test_stored_outputs_are_compared_over_as_many_classes_as_there_were() -> None:
    now = torch.tensor([[1.0, 2.0, 9.0], [0.0, 1.0, 3.0]])
    stored = [torch.tensor([0.0, 4.0]), torch.tensor([0.0, 1.0, 1.0])]
    assert float(difference(now, stored)) == pytest.approx((1 + 4 + 0 + 0 + 4) / 5)


def test_derpps_loss_is_its_three_terms() -> None:
    task = made_task(der_alpha=0.7, der_beta=0.3, memory=6)
    made = learned("der", task, 2)
    made.net.eval()
    inputs, labels = task.sessions[1].train.inputs(), task.sessions[1].train.labels
    stored = torch.stack(made.reservoir.inputs), torch.tensor(made.reservoir.labels), list(made.reservoir.logits)
    assert len(stored[1]) == 6
    entropy = torch.nn.functional.cross_entropy
    with torch.no_grad():
        outputs = made.net(stored[0]).numpy()
        squares = np.concatenate([(outputs[row, : len(then)] - then.numpy()) ** 2 for row, then in enumerate(stored[2])])
        expected = entropy(made.net(inputs), labels) + 0.7 * squares.mean() + 0.3 * entropy(made.net(stored[0]), stored[1])
    assert made.loss(inputs, labels).item() == pytest.approx(float(expected), rel=1e-5)


def test_derpps_memory_holds_true_labels_and_helps() -> None:
    task, without = made_task(memory=24), made_task(memory=24, der_alpha=0.0, der_beta=0.0)
    made = learned("der", task)
    chunks = {tuple(row): int(label) for session in task.sessions for row, label in _examples(session.train)}
    assert [chunks[tuple(one.tolist())] for one in made.reservoir.inputs] == made.reservoir.labels
    assert right("der", task) > right("der", without) + 0.2


def _examples(pool: Pool) -> Any:
    return zip(pool.inputs().tolist(), pool.labels, strict=True)


# Joint on seen classes


def test_joint_on_seen_classes_is_one_training_on_all_of_them() -> None:
    """After the last session: as if there had been one session with everything."""
    task = made_task(spread=2.0)
    whole = {part: joined([getattr(one, part) for one in task.sessions]) for part in ("train", "grid", "valid", "test")}
    at_once = replace(task.sessions[0], classes=task.classes, **whole)
    once = learned("finetune", replace(task, sessions=(at_once,)), 1)
    made = learned("joint-seen", task)
    assert torch.equal(torch.tensor(made.scores(all_test(task))), torch.tensor(once.scores(all_test(task))))


def test_joint_on_seen_classes_answers_those_only_and_beats_what_forgets() -> None:
    task = made_task(spread=2.0)
    assert set(learned("joint-seen", task, 2).predict(all_test(task))) <= set(range(4))
    assert right("joint-seen", task) > right("lwf", task) + 0.2


# All of them


@pytest.mark.parametrize("method", ORDER_FREE)
def test_the_order_of_the_classes_does_not_matter(method: str) -> None:
    assert said(method, made_task(spread=3.0)) == said(method, made_task(OTHER_ORDER, spread=3.0))


@pytest.mark.parametrize("method", [*ORDER_FREE, *TRAINED])
@pytest.mark.parametrize("layers", [0, 3])
def test_methods_learn_and_do_it_again_the_same(method: str, layers: int) -> None:
    task = made_task(layers=layers, seed=3)
    torch.manual_seed(1)
    first = learned(method, task)
    torch.manual_seed(2)
    again = learned(method, task)
    assert (first.predict(all_test(task)) == again.predict(all_test(task))).all()
    assert right(method, task) >= (0.8 if method in (*ORDER_FREE, "joint-seen") else 0.3)


@pytest.mark.parametrize("method", ORDER_FREE)
def test_a_class_without_training_files_is_never_answered(method: str) -> None:
    task = made_task()
    last = task.sessions[-1]
    silent = replace(last, grid=last.grid.of(5))
    silent = replace(silent, grid=replace(silent.grid, owners=silent.grid.owners - FILES, keys=silent.grid.keys[FILES:]))
    made = learned(method, replace(task, sessions=(*task.sessions[:-1], silent)))
    assert set(made.predict(all_test(task))) == {0, 1, 2, 3, 5}


@pytest.mark.parametrize("method", ORDER_FREE)
def test_a_first_session_without_training_files_is_said(method: str) -> None:
    task = made_task()
    grid = replace(task.sessions[0].grid.picked(torch.arange(0)), keys=())
    with pytest.raises(BenchmarkError, match="classes a, b has a training file"):
        learned(method, replace(task, sessions=(replace(task.sessions[0], grid=grid),)), 1)


def test_every_method_is_in_the_table_of_strategies() -> None:
    assert {method.id for method in METHODS} <= set(STRATEGIES)
    assert {method.id for method in METHODS if method.paper} == {"class-centers", "cosine-centers", "l2p"}
