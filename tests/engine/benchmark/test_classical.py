"""Classical pipelines: frame features, summaries and classifiers against computations by hand, and the whole protocol on miniatures."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from benchmark import made_data

from musicclass_gui.engine import places
from musicclass_gui.engine.benchmark import protocols, runner, runs, splits
from musicclass_gui.engine.benchmark.classical import classifiers, features, material, options, parting, published, summaries
from musicclass_gui.engine.benchmark.data import Found, Item
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Cell, Config
from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSICAL = protocols.protocol("classical")
SMALL = {"codebook": 8, "components": 2, "frames": 2000}


def quiet(text: str) -> None:
    """Nobody listens."""


def nothing() -> None:
    """Nobody stops it."""


@pytest.fixture(scope="module")
def gtzan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gtzan")
    made_data.make("gtzan", folder, seconds=0.6)
    return folder


@pytest.fixture(scope="module")
def magnatagatune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("magnatagatune")
    made_data.make("magnatagatune", folder, seconds=0.6)
    return folder


def frames_of(centres: NDArray[Any], counts: list[int], seed: int = 0) -> NDArray[np.float32]:
    """So many frames near each centre, in a drawn order."""
    random = np.random.default_rng(seed)
    rows = np.repeat(centres, counts, axis=0) + 0.01 * random.standard_normal((sum(counts), centres.shape[1]))
    return np.asarray(rows[random.permutation(len(rows))], np.float32)


CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def test_frames_hold_what_librosa_says_in_the_order_of_the_groups() -> None:
    import librosa

    samples = made_data.sound(3, 1, 1.0, features.RATE)[:, 0]
    found = features.measure(samples)
    assert found.shape == (1 + samples.size // features.HOP, features.DIM)
    mfcc = librosa.feature.mfcc(y=samples, sr=features.RATE, n_mfcc=20)
    np.testing.assert_allclose(found[:, features.columns("mfcc", 20)].T, mfcc, atol=1e-2)
    np.testing.assert_allclose(found[:, features.columns("deltas", 20)][:, :20].T, librosa.feature.delta(mfcc), atol=1e-2)
    centroid = librosa.feature.spectral_centroid(y=samples, sr=features.RATE)[0]
    np.testing.assert_allclose(found[:, features.columns("shape", 20)][:, 0], centroid, rtol=1e-3)
    rms = librosa.feature.rms(y=samples)[0]
    np.testing.assert_allclose(found[:, features.columns("level", 20)][:, 0], rms, rtol=1e-5)


@pytest.mark.parametrize("samples", [np.zeros(30_000, np.float32), np.full(5, 0.1, np.float32)])
def test_silence_and_very_short_sounds_have_finite_frames(samples: NDArray[np.float32]) -> None:
    found = features.measure(samples)
    assert len(found) >= 9
    assert np.isfinite(found).all()


def test_columns_follow_the_number_of_mfcc() -> None:
    assert features.columns("mfcc", 13) == list(range(13))
    assert features.columns("mfcc+deltas", 13) == [*range(13), *range(20, 33), *range(40, 53)]
    assert len(features.columns("all", 20)) == features.DIM == 85
    with pytest.raises(BenchmarkError, match="no features “melody”"):
        features.columns("mfcc+melody", 20)


def test_frames_are_measured_once(gtzan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = next(gtzan.rglob("*.wav"))
    item = Item("a", str(path), ("blues",), start_s=0.1, end_s=0.5)
    with opened(places.cache_dir()) as cache:
        first = features.of(item, cache, Token())
        monkeypatch.setattr(features, "measure", None)  # calling it would fail
        np.testing.assert_array_equal(features.of(item, cache, Token()), first)
    assert len(first) == 1 + round(0.4 * features.RATE) // features.HOP


def dct_by_hand(values: NDArray[Any], coefficient: int) -> float:
    """The DCT-II of n values with orthonormal scale, divided by the root of n."""
    count = len(values)
    wave = np.cos(np.pi * coefficient * (2 * np.arange(count) + 1) / (2 * count))
    scale = np.sqrt((1 if coefficient == 0 else 2) / count)
    return float(scale * (values.astype(float) @ wave) / np.sqrt(count))


def test_dct_coefficients_are_those_of_its_definition() -> None:
    frames = np.random.default_rng(0).normal(size=(2 * summaries.TEXTURE, 3)).astype(np.float32)
    row = summaries.Dct(4).row(frames).reshape(3, 4)
    for dimension in range(3):
        halves = np.split(frames[:, dimension], 2)
        np.testing.assert_allclose(row[dimension, 0], frames[:, dimension].mean(), rtol=1e-4, atol=1e-7)
        for coefficient in range(1, 4):
            squares = [dct_by_hand(half, coefficient) ** 2 for half in halves]
            np.testing.assert_allclose(row[dimension, coefficient], np.sqrt(np.mean(squares)), rtol=1e-6)
    short = summaries.Dct(6).row(frames[:2]).reshape(3, 6)
    assert short[:, :2].all()
    assert not short[:, 2:].any()


def test_dct_tells_how_fast_something_moves_wherever_it_begins() -> None:
    times = np.arange(20 * summaries.TEXTURE) / summaries.TEXTURE
    waves = [np.sin(2 * np.pi * (hz * times + start)).astype(np.float32) for hz in (1.07, 2.07) for start in (0, 0.3)]
    rows = [summaries.Dct(6).row(wave[:, None]) for wave in waves]
    assert [int(row[1:].argmax()) + 1 for row in rows] == [2, 2, 4, 4]  # one period in a window is coefficient 2
    np.testing.assert_allclose(rows[0], rows[1], atol=0.1)


def test_statistics_are_mean_deviation_and_maximum() -> None:
    frames = np.array([[1.0, -2.0], [3.0, -2.0], [5.0, 4.0]], np.float32)
    np.testing.assert_allclose(summaries.Moments(mean_only=True).row(frames), [3, 0])
    np.testing.assert_allclose(summaries.Moments(mean_only=False).row(frames), [3, 0, np.sqrt(8 / 3), np.sqrt(8), 5, 4])


def test_a_histogram_counts_frames_by_their_nearest_code_word() -> None:
    book = summaries.Codebook(3, root=False, seed=0)
    training = frames_of(CENTRES, [30, 20, 10])
    book.fit(training)
    asked = frames_of(CENTRES, [1, 6, 3], seed=1)
    deviation, mean = training.std(axis=0, dtype=float), training.mean(axis=0, dtype=float)
    by_hand = np.zeros(3)
    for frame in (asked - mean) / deviation:
        by_hand[min(range(3), key=lambda word: float(np.sum((frame - book.centres[word]) ** 2)))] += 0.1
    np.testing.assert_allclose(book.row(asked), by_hand)
    assert sorted(np.round(book.row(asked), 6)) == [0.1, 0.3, 0.6]
    rooted = summaries.Codebook(3, root=True, seed=0)
    rooted.fit(training)
    np.testing.assert_allclose(rooted.row(asked), np.sqrt(by_hand))


def test_too_few_frames_for_a_codebook_are_an_error() -> None:
    with pytest.raises(BenchmarkError, match="too few for 64 code words"):
        summaries.Codebook(64, root=True, seed=0).fit(frames_of(CENTRES, [3, 3, 3]))


def densities(frames: NDArray[Any], means: NDArray[Any], variances: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """The weighted density of each frame under each Gaussian with a diagonal covariance, `(n, components)`."""
    found = np.empty((len(frames), len(weights)))
    for row, frame in enumerate(frames):
        for place, (mean, variance, weight) in enumerate(zip(means, variances, weights, strict=True)):
            found[row, place] = weight * np.exp(-0.5 * ((frame - mean) ** 2 / variance).sum()) / np.sqrt(np.prod(2 * np.pi * variance))
    return found


def by_components(mixture: Any, frames: NDArray[Any]) -> NDArray[Any]:
    return densities(frames, mixture.means_, mixture.covariances_, mixture.weights_)


def scaled(frames: NDArray[Any], training: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((frames - training.mean(axis=0, dtype=float)) / training.std(axis=0, dtype=float))


def test_posteriors_and_likelihood_are_those_of_the_mixture() -> None:
    training, asked = frames_of(CENTRES, [40, 40, 40]), frames_of(CENTRES, [1, 2, 7], seed=2)
    mixture = summaries.Posteriors(3, seed=0)
    mixture.fit(training)
    found = by_components(mixture._mixture, scaled(asked, training))
    row = mixture.row(asked)
    np.testing.assert_allclose(row[:3], (found / found.sum(axis=1, keepdims=True)).mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(row[3], np.log(found.sum(axis=1)).mean(), rtol=1e-6)
    np.testing.assert_allclose(sorted(row[:3]), [0.1, 0.2, 0.7], atol=1e-3)
    assert mixture.row(frames_of(CENTRES + 50, [5, 5, 5]))[3] < row[3]  # what is far away is less likely


def test_a_component_is_what_its_frames_say() -> None:
    """One Gaussian needs no iteration: its mean and variance are the frames' own."""
    training = frames_of(CENTRES, [9, 5, 7])
    mixture = summaries.Posteriors(1, seed=0)
    mixture.fit(training)
    data = scaled(training, training)
    np.testing.assert_allclose(mixture._mixture.means_[0], data.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(mixture._mixture.covariances_[0], data.var(axis=0) + 1e-4, rtol=1e-6)


@pytest.mark.parametrize("tags", [False, True])
def test_a_class_is_as_likely_as_its_own_mixture_says(tags: bool) -> None:
    frames = frames_of(CENTRES, [30, 30, 30])
    truth = np.array([[np.linalg.norm(frame - centre) < 1 for centre in CENTRES] for frame in frames])
    truth = np.column_stack([truth, np.zeros(len(frames), bool)]) if tags else truth
    made = summaries.Likelihoods(2, seed=0)
    made.fit(frames, truth, tags=tags, check=nothing)
    for place in range(3):
        asked = frames_of(CENTRES[[place]], [5], seed=3)
        scores, data = made.scores(asked), scaled(asked, frames)
        assert scores.argmax() == place
        own = np.log(by_components(made._mixtures[place], data).sum(axis=1)).mean()
        base = np.log(by_components(made._all, data).sum(axis=1)).mean() if tags else 0.0
        np.testing.assert_allclose(scores[place], own - base, rtol=1e-6)
        assert not tags or scores[3] == 0


def test_thinning_takes_frames_evenly() -> None:
    long, short = np.arange(100.0, dtype=np.float32)[:, None], np.arange(3.0, dtype=np.float32)[:, None]
    found = summaries.thinned([long, short], 10)[:, 0]
    assert found.tolist() == [0, 24, 49, 74, 99, 0, 1, 2]


def problem(*, tags: bool, seed: int = 0) -> classifiers.Problem:
    """Three classes, or tags of which the third goes with the first and nobody has the fourth."""
    random = np.random.default_rng(seed)
    labels = np.arange(36) % 3
    rows = np.eye(3)[labels] * 4 + random.standard_normal((36, 3)) * 0.3
    truth = np.eye(3)[labels]
    if tags:
        truth = np.column_stack([truth[:, 0], truth[:, 1], truth[:, 0], np.zeros(36)])
    return classifiers.Problem(rows[:24], truth[:24], rows[24:], truth[24:], tags)


@pytest.mark.parametrize("name", classifiers.GRIDS)
@pytest.mark.parametrize("tags", [False, True])
def test_every_classifier_learns_classes_and_tags(name: str, tags: bool) -> None:
    given = problem(tags=tags)
    fitted, _ = classifiers.fit(given, classifiers.Way(name, 0, 0.0, 0), nothing)
    scores = fitted.scores(given.valid)
    assert scores.shape == given.valid_truth.shape
    assert classifiers.quality(given.valid_truth, scores, tags=tags) == 1.0
    again = classifiers.fit(given, classifiers.Way(name, 0, 0.0, 0), nothing)[0].scores(given.valid)
    np.testing.assert_array_equal(scores, again)


def test_two_classes_and_a_class_without_training_rows() -> None:
    given = problem(tags=False)
    two = given.truth[:, 2] == 0
    wide = classifiers.Problem(given.train[two], given.truth[two], np.empty((0, 3)), np.empty((0, 3)), False)
    for name in classifiers.GRIDS:
        scores = classifiers.fit(wide, classifiers.Way(name, 2, 0.0, 0), nothing)[0].scores(given.train[two])
        assert (scores.argmax(axis=1) == given.truth[two].argmax(axis=1)).all()


def test_scales_and_whitening_are_learned_from_training_rows() -> None:
    given = problem(tags=False)
    moved = classifiers.Problem(given.train, given.truth, given.valid + 1000, given.valid_truth, False)
    one, other = (classifiers.Fitted(each, classifiers.Way("knn", 2, 0.0, 0), 3) for each in (given, moved))
    np.testing.assert_array_equal(one.scores(given.train), other.scores(given.train))
    whitened = one._front.transform(given.train)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(2), atol=1e-9)


def test_the_setting_that_does_best_on_validation_is_kept() -> None:
    random = np.random.default_rng(0)
    rows, labels = random.standard_normal((40, 2)), np.arange(40) % 2
    rows[:, 0] += labels * 2
    truth = np.eye(2)[labels]
    given = classifiers.Problem(rows[:20], truth[:20], rows[20:], truth[20:], False)
    way = classifiers.Way("knn", 0, 0.0, 0)
    by_value = [
        classifiers.quality(truth[20:], classifiers.Fitted(given, way, value).scores(rows[20:]), tags=False)
        for value in classifiers.GRIDS["knn"]
    ]
    assert len(set(by_value)) > 1
    best = classifiers.GRIDS["knn"][int(np.argmax(by_value))]
    assert classifiers.fit(given, way, nothing)[1] == f"neighbours {best}, chosen on the validation part"
    assert classifiers.fit(given, classifiers.Way("linear", 0, 0.01, 0), nothing)[1] == "alpha 0.01, as set"


def two_classes() -> classifiers.Problem:
    """Two classes that overlap, so that no classifier is done with them at once."""
    random = np.random.default_rng(5)
    labels = np.arange(30) % 2
    rows = random.standard_normal((30, 3)) + labels[:, None]
    truth = np.eye(2)[labels]
    return classifiers.Problem(rows[:24], truth[:24], rows[24:], truth[24:], False)


def fitted(name: str, given: classifiers.Problem, value: float) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """A classifier with its estimator, its scaled training rows and scaled validation rows."""
    made = classifiers.Fitted(given, classifiers.Way(name, 0, 0.0, 0), value)
    mean, deviation = given.train.mean(axis=0), given.train.std(axis=0)
    return made, (given.train - mean) / deviation, (given.valid - mean) / deviation


def test_neighbours_vote_by_hand() -> None:
    given = two_classes()
    made, train, asked = fitted("knn", given, 3)
    for row, score in zip(asked, made.scores(given.valid), strict=True):
        nearest = np.argsort(((train - row) ** 2).sum(axis=1))[:3]
        np.testing.assert_allclose(score, given.truth[nearest].mean(axis=0))


def test_logistic_regression_is_where_its_gradient_vanishes() -> None:
    given = two_classes()
    made, train, asked = fitted("logistic", given, 0.1)
    estimator = made._heads[0][1]
    weights, bias = estimator.coef_[0], estimator.intercept_[0]
    left = 1 / (1 + np.exp(-(train @ weights + bias))) - given.truth[:, 1]
    np.testing.assert_allclose(left @ train + weights / 0.1, 0, atol=1e-2)  # of |w|²/2C + the sum of log losses
    np.testing.assert_allclose(left.sum(), 0, atol=1e-2)
    np.testing.assert_allclose(made.scores(given.valid)[:, 1], asked @ weights + bias)


def test_the_support_vector_machine_keeps_its_optimality_conditions() -> None:
    given = two_classes()
    made, train, asked = fitted("svm", given, 1.0)
    estimator = made._heads[0][1]
    gamma = 1 / (train.shape[1] * train.var())

    def decided(rows: NDArray[Any]) -> NDArray[Any]:
        distances = ((rows[:, None] - train[estimator.support_][None]) ** 2).sum(axis=2)
        return np.asarray(np.exp(-gamma * distances) @ estimator.dual_coef_[0] + estimator.intercept_[0])

    np.testing.assert_allclose(made.scores(given.valid)[:, 1], decided(asked), atol=1e-9)
    signs = 2 * given.truth[:, 1] - 1
    alphas = np.zeros(len(train))
    alphas[estimator.support_] = np.abs(estimator.dual_coef_[0])
    margins = signs * decided(train)
    assert (margins[alphas == 0] >= 1 - 2e-3).all()
    assert (margins[alphas >= 1 - 1e-9] <= 1 + 2e-3).all()
    np.testing.assert_allclose(margins[(alphas > 0) & (alphas < 1 - 1e-9)], 1, atol=2e-3)


def test_the_linear_machine_and_the_net_answer_by_their_weights() -> None:
    given = two_classes()
    made, _, asked = fitted("linear", given, 1e-3)
    estimator = made._heads[0][1]
    assert estimator.loss == "hinge"
    np.testing.assert_allclose(made.scores(given.valid)[:, 1], asked @ estimator.coef_[0] + estimator.intercept_[0])
    made, _, asked = fitted("mlp", given, 1e-2)
    net = made._heads[0][1]
    hidden = np.maximum(asked @ net.coefs_[0] + net.intercepts_[0], 0)
    assert hidden.shape[1] == 128
    chances = 1 / (1 + np.exp(-(hidden @ net.coefs_[1] + net.intercepts_[1])))
    np.testing.assert_allclose(made.scores(given.valid)[:, 1], chances[:, 0])


def items(count: int) -> tuple[Item, ...]:
    return tuple(Item(f"{n}", f"/{n}", (f"c{n % 2}",), groups={"artist": f"a{n % 2}{n // 4}"}) for n in range(count))


def test_artists_stay_together_unless_a_random_split_is_asked_for() -> None:
    found = Found("folders", "Folders", "/", "classes", ("c0", "c1"), items(40))
    artist = {item.key: item.groups["artist"] for item in found.items}
    right = parting.part(found, "own").split
    assert {artist[key] for key in right.train}.isdisjoint({artist[key] for key in right.test})
    mixed = parting.part(found, "random")
    assert {artist[key] for key in mixed.split.train} & {artist[key] for key in mixed.split.test}
    assert "look better than they are" in mixed.problems[0]


def test_what_is_asked_to_be_apart_is() -> None:
    found = Found("folders", "Folders", "/", "classes", ("c0", "c1"), items(40))
    for how in ("own", "random"):
        made = parting.part(found, how, "artist").split
        assert splits.overlap(made, found.items, "artist") == ()
    mixed = tuple(replace(item, split="train" if place % 3 else "test") for place, item in enumerate(found.items))
    own = replace(found, items=mixed)
    assert parting.part(own, "own").split.how.startswith("the data set's own split")
    with pytest.raises(BenchmarkError, match="the same artist is in more than one of its parts"):
        parting.part(own, "own", "artist")
    with pytest.raises(BenchmarkError, match="does not say the singer of its recordings"):
        parting.part(found, "own", "singer")


def test_a_file_is_never_on_both_sides() -> None:
    stretches = tuple(replace(item, path=f"/{place // 4}", groups={}) for place, item in enumerate(items(40)))
    found = Found("folders", "Folders", "/", "classes", ("c0", "c1"), stretches)
    for how in ("own", "random"):
        assert splits.overlap(parting.part(found, how).split, stretches, "file") == ()
    torn = tuple(replace(item, split=("train", "test")[place // 2 % 2]) for place, item in enumerate(stretches))
    with pytest.raises(BenchmarkError, match="the same file is in more than one of its parts"):
        parting.part(replace(found, items=torn), "own")


def test_both_splits_are_kept_and_it_is_said_when_they_are_one(gtzan: Path, tmp_path: Path) -> None:
    about = CLASSICAL.about(replace(asked(gtzan, "gtzan", "mean-knn"), modes=()), Token(), quiet)
    assert list(about.split) == [f"{mode} {part}" for mode in (PUBLISHED, CORRECTED) for part in ("train", "valid", "test")]
    assert len(about.split["corrected train"]) == 30
    assert any(text.startswith("Published: Recordings are parted at random") for text in about.problems)
    made_data.make("speechmusic", tmp_path, seconds=0.3)
    alike = CLASSICAL.about(replace(asked(tmp_path, "speechmusic", "mean-knn"), modes=()), Token(), quiet)
    assert list(alike.split) == ["train", "valid", "test"]
    assert alike.problems[-1].startswith("Both modes part these recordings alike")


CHANGED: dict[str, tuple[str, Any]] = {
    "split": ("mean-logistic", "random"),
    "apart": ("mean-logistic", "artist"),
    "mfcc": ("mean-logistic", 5),
    "codebook": ("codebook-logistic", 12),
    "root": ("codebook-logistic", False),
    "components": ("gmm-logistic", 3),
    "coefficients": ("dct-logistic", 2),
    "frames": ("codebook-logistic", 200),
    "whitened": ("mean-logistic", 3),
    "alpha": ("mean-linear", 1.0),
    "epochs": ("triplet", 1),
    "patience": ("triplet", 1),
    "learning_rate": ("triplet", 0.02),
    "batch_size": ("triplet", 5),
    "augment": ("cnn1d", True),
    "task": ("cnn1d", "genre"),
    "margin": ("triplet", 0.9),
    "tag_vectors": ("triplet", "learned"),
}
"""A method for which each option is made, and another value of it."""
SAME = ("tag_vectors",)
"""An encoder without words has its vectors learned anyway; see the tests of nets for a CLAP."""


@pytest.fixture(scope="module")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moods")
    made_data.make("table", folder, seconds=0.5)
    return folder


@pytest.mark.parametrize("option", [option.id for option in options.OPTIONS])
def test_every_option_does_something(moods: Path, option: str) -> None:
    method, value = CHANGED[option]
    usual: dict[str, Any] = {"epochs": 6, "patience": 6, "augment": option == "task"} | SMALL
    usual |= {"split": "random"} if option == "apart" else {"epochs": 1} if method == "cnn1d" else {}
    found: list[Any] = []
    for chosen in (usual, usual | {option: value}):
        config = replace(asked(moods, "table", method), options=chosen, device="cpu")
        (cell,) = CLASSICAL.cells(config)
        result = CLASSICAL.run(config, cell, CLASSICAL.prepare(config, Token(), quiet), Token(), quiet)
        found.append(result.notes if option in ("epochs", "patience") else result.predictions)
    assert (found[0] != found[1]) == (option not in SAME)


def test_without_origins_it_is_said_that_artists_may_be_on_both_sides(gtzan: Path) -> None:
    from musicclass_gui.engine.benchmark.readers import reader

    found = reader("gtzan").read(gtzan, Token(), decode=False)
    assert parting.part(found, "own") == parting.Parting(parting.part(found, "own").split)
    some = replace(found, items=tuple(item for item in found.items if item.split == "train" or not item.key.startswith("genres/rock")))
    made = parting.part(some, "own")
    assert "has not some of rock" in made.problems[0]
    assert "cannot be compared" in made.problems[0]
    assert "artists may be on both sides" in made.problems[1]
    genre = {item.key: item.labels[0] for item in some.items}
    assert {genre[key] for key in made.split.train} == {genre[key] for key in made.split.test} == set(found.classes)


def test_nsynth_keeps_its_own_split_though_a_class_is_not_tested(tmp_path: Path) -> None:
    made_data.make("nsynth", tmp_path, seconds=0.5)
    config = asked(tmp_path, "nsynth", "mean-linear", "mixtures")
    assert len(CLASSICAL.about(config, Token(), quiet).split["test"]) == 20
    prepared = CLASSICAL.prepare(config, Token(), quiet)
    for cell in CLASSICAL.cells(config):
        result = CLASSICAL.run(config, cell, prepared, Token(), quiet)
        assert "the data set's own split" in result.notes[0]
        assert result.scores[0].value > 0.3


def test_numbers_without_labels_are_refused() -> None:
    found = Found("emomusic", "Emotions", "/", "regression", (), (Item("a", target=1.0),))
    with pytest.raises(BenchmarkError, match="neither classes nor tags"):
        parting.part(found, "own")


def test_codebooks_are_learned_from_training_frames_only(gtzan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = asked(gtzan, "gtzan", "codebook-knn")
    prepared = CLASSICAL.prepare(config, Token(), quiet)
    seen: list[NDArray[np.float32]] = []
    learn = summaries.Codebook.fit

    def spying(self: summaries.Codebook, frames: NDArray[np.float32]) -> None:
        seen.append(frames)
        learn(self, frames)

    monkeypatch.setattr(summaries.Codebook, "fit", spying)
    (cell,) = CLASSICAL.cells(config)
    CLASSICAL.run(config, cell, prepared, Token(), quiet)
    split, columns = prepared.partings[CORRECTED].split, features.columns("mfcc", 20)
    with opened(places.cache_dir()) as cache:
        rows = {item.key: features.of(item, cache, Token())[:, columns] for item in prepared.found.items}
    train, others = (frames_in(rows, keys) for keys in (split.train, (*split.valid, *split.test)))
    (learned,) = seen
    assert {frame.tobytes() for frame in learned} <= train
    assert {frame.tobytes() for frame in learned}.isdisjoint(others)


def frames_in(rows: dict[str, NDArray[np.float32]], keys: tuple[str, ...]) -> set[bytes]:
    return {frame.tobytes() for key in keys for frame in np.ascontiguousarray(rows[key])}


def asked(folder: Path, dataset: str, *methods: str, **more: Any) -> Config:
    chosen = {**SMALL, **more}
    return Config("classical", str(folder), dataset, methods=methods, modes=(CORRECTED,), features=("mfcc",), options=chosen)


def test_genres_from_end_to_end(gtzan: Path) -> None:
    config = asked(gtzan, "gtzan", "mean-linear", "stats-svm", "dct-logistic", "codebook-knn", "gmm-mlp", "mixtures", "triplet", epochs=5)
    about = CLASSICAL.about(config, Token(), quiet)
    assert about.cells == 7
    assert [len(about.split[part]) for part in ("train", "valid", "test")] == [30, 20, 20]
    assert {verdict.level for verdict in about.verdicts} == {"clear"}
    prepared = CLASSICAL.prepare(config, Token(), quiet)
    accuracy = {}
    for cell in CLASSICAL.cells(config):
        result = CLASSICAL.run(config, cell, prepared, Token(), quiet)
        accuracy[cell.method] = result.scores[0].value
        assert {one.item for one in result.predictions} == set(about.split["test"])
        assert result.scores[0].value == np.mean([one.said == one.truth for one in result.predictions])
        assert CLASSICAL.run(config, cell, prepared, Token(), quiet) == result
        if cell.method == "triplet":
            assert [score.metric for score in result.scores] == ["accuracy", "macro_f1", "precision_at_10", "map"]
    assert accuracy.pop("gmm-mlp") >= 0.2  # three numbers for ten classes
    assert min(accuracy.values()) >= 0.8


def test_tags_from_end_to_end_through_the_runner(magnatagatune: Path, tmp_path: Path) -> None:
    config = asked(magnatagatune, "magnatagatune", "stats-logistic", "codebook-svm", "mixtures", "triplet", epochs=5)
    with runs.opened(tmp_path) as store:
        number = runner.run(config, store, Token(), lambda news: None)
        results = {cell.method: result for cell, result in store.results(number)}
    for method, result in results.items():
        values = {score.metric: score.value for score in result.scores}
        assert values["roc_auc"] > 0.9, method
        assert values["pr_auc"] > 0.7, method
        assert "map" in values or method != "triplet"
    assert all(len(one.scores) == 6 for one in results["mixtures"].predictions)


@pytest.mark.parametrize("dataset", [name for name in CLASSICAL.DATASETS if name not in ("gtzan", "magnatagatune", "nsynth")])
def test_every_data_set_runs_from_end_to_end(dataset: str, tmp_path: Path) -> None:
    made_data.make(dataset, tmp_path, seconds=0.4)
    config = asked(tmp_path, dataset, "stats-logistic")
    about = CLASSICAL.about(config, Token(), quiet)
    assert about.classes
    (cell,) = CLASSICAL.cells(config)
    result = CLASSICAL.run(config, cell, CLASSICAL.prepare(config, Token(), quiet), Token(), quiet)
    assert {one.item for one in result.predictions} == set(about.split["test"])
    values = {score.metric: score.value for score in result.scores}
    if not dataset.startswith("vocalset"):  # of its miniature, sound says the sum of singer and technique
        assert values.get("roc_auc", values.get("accuracy", 0.0)) > (0.7 if "roc_auc" in values else 1.5 / len(about.classes))


def test_recordings_that_cannot_be_heard_are_named_and_left_out(tmp_path: Path) -> None:
    made_data.make("folders", tmp_path, seconds=0.5)
    config = asked(tmp_path, "folders", "mean-knn")
    path = sorted((tmp_path / "cello").rglob("*.flac"))[0]
    made_data.spoil(path)
    (cell,) = CLASSICAL.cells(config)
    result = CLASSICAL.run(config, cell, CLASSICAL.prepare(config, Token(), quiet), Token(), quiet)
    spoken = " ".join(result.notes) + " ".join(CLASSICAL.about(config, Token(), quiet).problems)
    assert path.name in spoken
    assert path.name not in " ".join(one.item for one in result.predictions)


@pytest.mark.parametrize("method", ["mean-knn", "triplet", "cnn1d"])
def test_recordings_that_break_off_are_named(tmp_path: Path, method: str) -> None:
    made_data.make("folders", tmp_path, seconds=2.0)
    path = sorted((tmp_path / "cello").rglob("*.flac"))[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    config = replace(asked(tmp_path, "folders", method, epochs=1), device="cpu")
    (cell,) = CLASSICAL.cells(config)
    for _ in range(2):  # also when the cache has it
        result = CLASSICAL.run(config, cell, CLASSICAL.prepare(config, Token(), quiet), Token(), quiet)
        (said,) = [note for note in result.notes if path.name in note]
        assert "cut off or damaged there" in said


def test_reasons_are_found_by_their_keys() -> None:
    found = material.reasons(["a: b: cannot: be read", "c: gone", "d: x"], {"a", "a: b", "c"})
    assert found == {"a: b": "cannot: be read", "c": "gone"}


def test_cells_and_options_are_checked() -> None:
    config = Config("classical", "/nowhere", "gtzan")
    cells = CLASSICAL.cells(config)
    assert len({cell.name for cell in cells}) == len(cells) == len(options.QUICK) * 3 * 2
    for wrong, text in (
        ({"methods": ("magic",)}, "no method “magic”"),
        ({"features": ("smell",)}, "no features “smell”"),
        ({"options": {"mfcc": 21}}, "at least 1 and at most 20"),
        ({"options": {"split": "mine"}}, "own or random"),
        ({"options": {"colour": 1}}, "no option “colour”"),
        ({"methods": ("triplet",), "options": {"tag_vectors": "words"}}, "timbre does not know words"),
    ):
        with pytest.raises(BenchmarkError, match=text):
            CLASSICAL.cells(Config("classical", "/nowhere", "gtzan", **wrong))  # type: ignore[arg-type]


def test_only_confirmed_numbers_are_published_in_the_mode_of_their_split() -> None:
    homework = Cell("mean-linear", CORRECTED, features="mfcc")
    assert [one.value for one in CLASSICAL.published(Config("classical", "", "nsynth"), homework)] == [0.74]
    fixed = Config("classical", "", "nsynth", options={"alpha": 0.1})
    assert [one.value for one in CLASSICAL.published(fixed, homework)] == [0.68]
    won = CLASSICAL.published(Config("classical", "", "magnatagatune"), Cell("short-chunk-res", CORRECTED))
    assert [(one.metric, one.value) for one in won] == [("roc_auc", 0.9129), ("pr_auc", 0.4614)]
    assert published.values("gtzan", Cell("stats-svm", CORRECTED, features="mfcc+deltas"), 0.0) == []
    assert published.values("gtzan", Cell("stats-svm", PUBLISHED, features="mfcc+deltas"), 0.0)[0].value == 0.66
    assert all(one.source for one in won)


def test_the_protocol_is_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys; import musicclass_gui.engine.benchmark.protocols.classical as c; "
        "c.cells(__import__('musicclass_gui.engine.benchmark.protocol', fromlist=['x']).Config('classical', '/x')); "
        "print([name for name in ('torch', 'sklearn', 'librosa', 'scipy') if name in sys.modules])"
    )
    root = inspect.getfile(protocols).split("musicclass_gui")[0]
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert said.stdout.strip() == "[]"


def test_real_genres_are_told_better_than_by_chance(data_dir: Path) -> None:
    config = Config("classical", str(data_dir / "gtzan-mini"), "gtzan", methods=("stats-svm",), modes=(CORRECTED,), features=("mfcc",))
    prepared = CLASSICAL.prepare(config, Token(), quiet)
    result = CLASSICAL.run(config, CLASSICAL.cells(config)[0], prepared, Token(), quiet)
    assert result.scores[0].value > 0.2
