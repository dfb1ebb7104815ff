"""The composer protocol: its rules on tables, clips as they are cut, the loss by hand, and all methods end to end with a tiny CLAP."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
import torch
from benchmark import made_data
from encoders import tiny_clap

from musicclass_gui.engine import encoders
from musicclass_gui.engine.benchmark import cutter, protocols, runner, runs
from musicclass_gui.engine.benchmark.composer import clips, corpus, learning, methods, settings
from musicclass_gui.engine.benchmark.data import Found, Item
from musicclass_gui.engine.benchmark.embedded import Cut, embed
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Cell, Config, Result
from musicclass_gui.engine.benchmark.readers import maestro
from musicclass_gui.engine.encoders import clap, registry
from musicclass_gui.engine.errors import BenchmarkError, EncoderError
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from pathlib import Path

COMPOSER = protocols.protocol("composer")
QUICK: dict[str, Any] = {"min_files": 7, "clip_s": 0.8, "epochs": 3}
"""For recordings of 1 s, of which each composer has 7 in training: one clip of 0.8 s, or three of 12,800 samples at 44.1 kHz."""
WORDLESS = ("majority", "probe", "gaussian")
ALL = ("majority", "zero_shot", "probe", "gaussian", "fine_tuned")


def quiet(text: str) -> None:
    """Nobody listens."""


def chosen(mode: str = CORRECTED, **values: Any) -> settings.Settings:
    return settings.settings(Config("composer", "", options=values), mode)


# Rules


def item(number: int, composer: str, title: str, split: str = "train") -> Item:
    return Item(str(number), f"/{number}.wav", (composer,), split=split, groups={"title": title, "piece": f"{composer}: {title}"})


def found(*items: Item) -> Found:
    names = [name for name, _ in Counter(one.labels[0] for one in items).most_common()]
    return Found("maestro", "MAESTRO", "", "classes", tuple(names), items)


def many(first: int, composer: str, count: int, split: str = "train") -> list[Item]:
    return [item(first + number, composer, f"{composer} {number}", split) for number in range(count)]


def test_composers_are_counted_over_the_table_or_over_training() -> None:
    data = found(*many(0, "A", 9), *many(20, "B", 8), *many(40, "C", 5), *many(60, "C", 3, "test"), *many(80, "D", 7))
    assert corpus.corpus(data, chosen(PUBLISHED)).composers == ("A", "B", "C")
    with pytest.raises(BenchmarkError, match="no split"):
        corpus.corpus(replace(data, items=tuple(one for one in data.items if one.split == "train")), chosen(PUBLISHED))
    kept = corpus.corpus(replace(data, items=(*data.items, *many(90, "B", 1, "test"))), chosen())
    assert kept.composers == ("A", "B")
    assert any("Without test performances, so never tested: A." in note for note in kept.notes)


def test_pieces_are_held_to_three_as_pandas_draws_them() -> None:
    same = [item(number, "A" if number < 5 else "B", "Sonata in C Major") for number in range(8)]
    by_title = corpus.without_repeats(same, chosen(PUBLISHED))
    by_piece = corpus.without_repeats(same, chosen())
    drawn = np.random.RandomState(42).permutation(8)[:3]
    assert [one.key for one in by_title] == [str(number) for number in sorted(drawn)]
    assert [one.key for one in by_piece] == ["1", "2", "4", "5", "6", "7"]  # pandas: range(5) sampled by 3 at 42 gives 1, 4, 2
    assert len(corpus.without_repeats(same, chosen(max_repeats=1))) == 2


def test_titles_on_both_sides_are_named() -> None:
    data = found(*many(0, "A", 9), *many(20, "B", 9), item(40, "A", "B 0", "test"), item(41, "B", "B 1", "test"))
    verdict = corpus.shared_titles(corpus.corpus(data, chosen()))
    assert verdict.numbers == {"titles": 2}
    assert "“B 0”, “B 1”" in verdict.sentence
    apart = corpus.corpus(found(*data.items[:18], item(40, "A", "New", "test")), chosen())
    assert corpus.shared_titles(apart).level == "clear"


def test_rules_on_a_real_table(data_dir: Path) -> None:
    folder = data_dir / "composers"
    data = maestro.read(folder, Token(), decode=False)
    with (folder / "maestro-v3.0.0.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for mode, rows in ((PUBLISHED, table), (CORRECTED, [row for row in table if row["split"] == "train"])):
        kept = corpus.corpus(data, chosen(mode))
        files = Counter(row["canonical_composer"] for row in rows)
        assert set(kept.composers) == {name for name, count in files.items() if count >= 8}
        theirs = [row for row in table if row["canonical_composer"] in kept.composers]
        pieces = Counter((row["canonical_title"], row["canonical_composer"]) for row in theirs)
        assert len(kept.items) == sum(min(count, 3) for count in pieces.values())
        assert max(Counter(one.groups["piece"] for one in kept.items).values()) == 3
        assert not {one.groups["piece"] for one in kept.part("train")} & {one.groups["piece"] for one in kept.part("test")}
    assert len(corpus.corpus(data, chosen(PUBLISHED)).composers) == 8
    assert len(corpus.corpus(data, chosen()).composers) == 7


def test_what_must_be_apart_is_apart_or_refused() -> None:
    data = found(*many(0, "A", 9), *many(20, "B", 9), item(40, "A", "B 0", "test"), item(41, "B", "B 1", "test"))
    assert corpus.corpus(data, chosen()).split.test == ("40", "41")
    with pytest.raises(BenchmarkError, match=r"the same piece is in more than one of its parts \(“B: B 1”\)"):
        corpus.corpus(data, chosen(apart="piece"))
    with pytest.raises(BenchmarkError, match=r"the same title .* \(“B 0”, “B 1”\)"):
        corpus.corpus(data, chosen(apart="title"))
    twice = replace(data.items[0], key="again", split="test")
    for mode in (PUBLISHED, CORRECTED):
        with pytest.raises(BenchmarkError, match="the same file is in more than one of its parts"):
            corpus.corpus(replace(data, items=(*data.items, twice)), chosen(mode))


def test_too_few_composers_are_said() -> None:
    with pytest.raises(BenchmarkError, match="set fewest files lower"):
        corpus.corpus(found(*many(0, "A", 9), *many(20, "B", 3, "test")), chosen())


# Clips


def test_clips_are_cut_as_coded_or_as_described(tmp_path: Path) -> None:
    rate, left = 44_100, np.random.default_rng(0).uniform(-0.5, 0.5, 44_100).astype(np.float32)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([left, 0 * left], axis=1), rate, subtype="FLOAT")

    def windows(mode: str, **values: Any) -> list[Any]:
        stretch = cutter.Stretch(clips.cut_of(chosen(mode, **{"clip_s": 0.8, **values})), Grid(10.0, 10.0), 0.0, -1.0)
        return cutter.cut(path, [stretch], 48_000, Token()).chunks[0]

    coded = windows(PUBLISHED)
    assert [one.samples.size for one in coded] == [12_800] * 3
    np.testing.assert_array_equal(np.concatenate([one.samples for one in coded]), left[: 3 * 12_800])
    assert coded[1].start_s == pytest.approx(12_800 / rate)
    (described,) = windows(CORRECTED)
    assert described.samples.size == 38_400
    assert described.samples.std() == pytest.approx(left.std() / 2, rel=0.1)
    at_rate = windows(PUBLISHED, rate_ignored=False)
    assert [one.samples.size for one in at_rate] == [round(12_800 / rate * 48_000)] * 3
    assert [one.samples.size for one in windows(CORRECTED, rate_ignored=True)] == [35_280]
    np.testing.assert_allclose(windows(CORRECTED, rate_ignored=True)[0].samples, left[:35_280] / 2, atol=1e-7)
    assert windows(CORRECTED, clip_s=1.1) == []


def test_a_clap_is_given_ten_seconds_at_48_khz(tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches the feature extractor of a file of 44.1 kHz and 20.5 s: two clips, or as coded five of 160,000 of its own samples."""
    rate = 44_100
    times = np.arange(round(20.5 * rate)) / rate
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 1000 * times), rate, subtype="FLOAT")
    spec = encoders.specs()[tiny]
    assert spec.sample_rate == 48_000
    given: list[np.ndarray[Any, Any]] = []
    hear = clap.Unprojected.embed

    def listening(self: Any, batch: Any) -> Any:
        given.extend(batch)
        return hear(self, batch)

    monkeypatch.setattr(clap.Unprojected, "embed", listening)
    for mode, count, size, hz in ((CORRECTED, 2, 480_000, 1000.0), (PUBLISHED, 5, 160_000, 1000 * 48_000 / rate)):
        given.clear()
        heard = embed([item_at(path)], tiny, clips.cut_of(chosen(mode)), Token(), quiet, before_projection=True)
        assert len(heard.chunks["tone.wav"].data) == count
        assert [one.size for one in given] == [size] * count
        spectrum = np.abs(np.fft.rfft(given[1] * np.hanning(size)))
        assert spectrum.argmax() * 48_000 / size == pytest.approx(hz, abs=0.5)  # as it sounds at the CLAP's rate


def item_at(path: Path) -> Item:
    return Item(path.name, str(path), ("A",))


def windows_of(path: Path, clip_s: float) -> list[Any]:
    return cutter.cut(path, [cutter.Stretch(Cut("full", clip_s), Grid(10.0, 10.0), 0.0, -1.0)], 16_000, Token()).chunks[0]


def test_tails_are_dropped_and_what_is_too_short_is_said(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.ones(16_000) * 0.1, 16_000)
    assert [len(windows_of(path, seconds)) for seconds in (0.5, 0.51, 0.34, 1.0, 1.01)] == [2, 1, 2, 1, 0]
    short = embed([Item("long.wav", str(path), ("A",))], "timbre", Cut("full", 1.5), Token(), quiet)
    assert (short.chunks, short.problems) == ({}, ("long.wav: it is shorter than a clip",))


def test_cuts_that_differ_in_a_defect_have_names_of_their_own() -> None:
    flags = ("clip_in_samples", "rate_ignored", "first_channel")
    names = {clips.cut_of(chosen(CORRECTED, **{flag: True for flag in some})).name for some in ((), *((one,) for one in flags), flags)}
    assert len(names) == 5
    assert Cut("grid", 5.0, 2, 1).name == "bench-grid-5-2-1"


@pytest.mark.parametrize("truncation", ["rand_trunc", "fusion"])
def test_what_is_heard_before_the_projection_becomes_the_embedding(tmp_path: Path, truncation: str) -> None:
    tiny_clap.make(tmp_path, truncation=truncation, enable_fusion=truncation == "fusion")
    spec = clap.spec_of(tmp_path, "mine", "Mine")
    encoder = clap.load(spec, weights_folder=tmp_path)
    windows = [np.random.default_rng(n).uniform(-0.3, 0.3, size).astype(np.float32) for n, size in enumerate((30_000, 480_000, 48_000))]
    bare = clap.before_projection(encoder)
    language = methods.Language({}, 1.0, clap.projection(spec, tmp_path))
    rows = bare.embed(windows)
    assert rows.shape == (3, 32)
    np.testing.assert_allclose(language.projected(rows), encoder.embed(windows), atol=1e-5)
    longer = np.concatenate([windows[1], windows[1]])
    np.testing.assert_allclose(bare.embed([longer])[0], rows[1], rtol=1e-4)
    assert bare.spec.id == "mine~before-projection"


def test_only_a_clap_has_a_projection() -> None:
    with pytest.raises(EncoderError, match="choose a CLAP"):
        embed([], "timbre", Cut("full", 1.0), Token(), quiet, before_projection=True)
    with pytest.raises(EncoderError, match="choose a CLAP"):
        clap.before_projection(encoders.load("timbre"))


# Learning


def by_hand(logits: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> float:
    def one_way(rows: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
        total = 0.0
        for row, share in zip(rows, wanted, strict=True):
            chances = np.exp(row) / np.exp(row).sum()
            total -= sum(part * np.log(chance) for part, chance in zip(share, chances, strict=True))
        return total / len(rows)

    return (one_way(logits, target) + one_way(logits.T, target)) / 2


def test_the_loss_is_what_its_definition_says() -> None:
    cosines = np.array([[0.9, 0.1, 0.9], [-0.2, 0.5, -0.2], [0.3, 0.4, 0.3]])
    labels = torch.tensor([7, 2, 7])
    given = torch.tensor(cosines)
    coded = learning.contrastive(given, labels, 1.0, false_negatives=True)
    aware = learning.contrastive(given, labels, torch.tensor(5.0), false_negatives=False)
    assert coded.item() == pytest.approx(by_hand(cosines, np.eye(3)))
    left_out = 5 * cosines
    left_out[0, 2] = left_out[2, 0] = -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        by_row = [-np.log(np.exp(row[n]) / np.exp(row).sum()) for rows in (left_out, left_out.T) for n, row in enumerate(rows)]
    assert aware.item() == pytest.approx(np.mean(by_row))


def test_a_composer_has_one_sentence_so_that_sharing_the_target_is_no_remedy() -> None:
    """UniCL's shares give the coded loss; leaving the composer's other clips out does not, and can reach 0."""
    cosines = np.array([[0.9, 0.1, 0.9], [-0.2, 0.5, -0.2], [0.3, 0.4, 0.3]])
    shares = np.array([[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]])
    assert by_hand(5 * cosines, shares) == pytest.approx(by_hand(5 * cosines, np.eye(3)))
    best, labels = torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]]), torch.tensor([7, 2, 7])
    assert learning.contrastive(best, labels, 20.0, false_negatives=False).item() < 1e-6
    assert learning.contrastive(best, labels, 20.0, false_negatives=True).item() == pytest.approx(np.log(2) * 2 / 3, abs=1e-6)


def test_without_temperature_the_loss_of_four_has_a_floor() -> None:
    best = 2 * torch.eye(4) - 1  # right ones at cosine 1, wrong ones at −1
    floor = learning.contrastive(best, torch.arange(4), 1.0, false_negatives=True).item()
    assert floor == pytest.approx(0.34, abs=0.005)
    assert learning.contrastive(best, torch.arange(4), 14.0, false_negatives=False).item() < 1e-5


def made_clips(seed: int, noise: float = 0.3) -> clips.Clips:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 8)
    rows = 2 * np.eye(3, 6)[labels] + noise * random.normal(size=(24, 6))
    return clips.Clips(rows.astype(np.float32), labels, np.repeat(np.arange(12), 2), tuple(f"{seed}/{n}" for n in range(12)))


def trained(mode: str, valid: clips.Clips, seed: int = 0, **values: Any) -> learning.Training:
    torch.manual_seed(0)
    words = np.random.default_rng(5).normal(size=(3, 4)).astype(np.float32)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    given = {"learning_rate": 0.01, "epochs": 15, "batch_size": 4, **values}
    training = learning.Training(torch.nn.Linear(6, 4), learning.Words(words, 14.0), chosen(mode, **given), seed)
    training.fit(made_clips(0), valid, Token())
    return training


NOTHING = clips.Clips(np.zeros((0, 0), np.float32), np.zeros(0, np.int64), np.zeros(0, np.int64), ())


@pytest.mark.parametrize("mode", [PUBLISHED, CORRECTED])
def test_fine_tuning_learns_what_is_there_to_learn(mode: str) -> None:
    training, test = trained(mode, NOTHING), made_clips(1)
    shares = training.shares(test)
    np.testing.assert_allclose(shares.sum(1), 1)
    assert (shares.argmax(1) == test.labels).mean() > 0.9
    assert training.epoch == 15


def test_the_scale_stays_or_is_learned() -> None:
    assert trained(PUBLISHED, NOTHING).net.scale.item() == 1.0
    assert trained(CORRECTED, NOTHING, no_temperature=True).net.scale.item() == 1.0
    learned = trained(CORRECTED, NOTHING).net.scale.item()
    assert learned != pytest.approx(14.0, rel=1e-3)
    assert learned <= learning.MOST_SCALE


def test_the_best_epoch_on_validation_is_kept() -> None:
    valid = made_clips(2, noise=1.5)
    kept = trained(CORRECTED, valid)

    def accuracy(training: learning.Training) -> float:
        return float((valid.means(training.shares(valid)).argmax(1) == valid.truths).mean())

    after = [accuracy(trained(CORRECTED, NOTHING, epochs=count)) for count in range(1, 16)]
    assert kept.epoch == 1 + int(np.argmax(after))
    assert accuracy(kept) == max(after)


def test_training_is_the_same_each_time_and_another_with_another_seed() -> None:
    test = made_clips(1)
    first, second, other = (trained(CORRECTED, made_clips(2), seed).shares(test) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-4


def problem_of(language: methods.Language | None) -> methods.Problem:
    train, test = made_clips(0), made_clips(1, noise=1.0)
    return methods.Problem(("A", "B", "C"), train, NOTHING, test, chosen(), 0, Token(), language)


def softmaxed(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True))


def test_zero_shot_is_the_softmax_of_scaled_cosines() -> None:
    torch.manual_seed(3)
    projection = torch.nn.Linear(6, 4)
    words = np.random.default_rng(5).normal(size=(3, 4))
    words = (words / np.linalg.norm(words, axis=1, keepdims=True)).astype(np.float32)
    language = methods.Language(dict(zip("CBA", words[::-1], strict=True)), 14.0, projection)
    problem = problem_of(language)
    heard = problem.test.rows @ projection.weight.detach().numpy().T + projection.bias.detach().numpy()
    cosines = heard @ words.T / np.linalg.norm(heard, axis=1, keepdims=True)
    np.testing.assert_allclose(methods._zero_shot(problem)[0], softmaxed(14.0 * cosines.astype(float)), atol=1e-5)


def test_the_majority_is_counted_in_performances() -> None:
    owners = np.array([0, 1, 2, 2, 2, 2, 2])
    train = clips.Clips(np.zeros((7, 6), np.float32), np.array([1, 1, 0, 0, 0, 0, 0]), owners, ("a", "b", "c"))
    shares, notes = methods._majority(replace(problem_of(None), train=train))
    assert notes == ("The answer is always B.",)
    assert (shares == [0, 1, 0]).all()


def test_the_gaussian_is_its_discriminant() -> None:
    """Class means and one covariance of unit vectors, shrunk towards its diagonal as the head says; the rest by hand."""
    problem = problem_of(None)
    unit = [
        rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (problem.train.rows.astype(float), problem.test.rows.astype(float))
    ]
    means = np.stack([unit[0][problem.train.labels == one].mean(axis=0) for one in range(3)])
    left = unit[0] - means[problem.train.labels]
    shares = methods._gaussian(problem)[0]
    scatter = left.T @ left / (len(left) - 3)
    best = min(
        float(np.abs(shares - discriminant(unit[1], means, (1 - rho) * scatter + rho * np.diag(np.diag(scatter)))).max())
        for rho in np.linspace(0, 1, 2001)
    )
    assert best < 2e-3  # for some share of the diagonal; which one, the head's own tests say


def discriminant(rows: np.ndarray[Any, Any], means: np.ndarray[Any, Any], covariance: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    solved = np.linalg.solve(covariance, means.T)
    return softmaxed(rows @ solved - (means.T * solved).sum(axis=0) / 2)


def test_the_probe_is_where_its_gradient_vanishes() -> None:
    problem = problem_of(None)
    shares = methods._probe(replace(problem, test=problem.train))[0]
    data = problem.train.rows.astype(float)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    left = shares - np.eye(3)[problem.train.labels]
    weights = -left.T @ data  # where the gradient vanishes these are the weights, at C = 1
    biases = np.log(shares) - data @ weights.T
    np.testing.assert_allclose(
        biases - biases.mean(axis=1, keepdims=True), (biases - biases.mean(axis=1, keepdims=True))[[0] * 24], atol=2e-2
    )


def test_fine_tuning_is_a_projection_and_a_net_after_it() -> None:
    training = trained(CORRECTED, NOTHING, epochs=1)
    weights = {name: tensor.numpy().astype(float) for name, tensor in training.net.state_dict().items()}
    test = made_clips(1)
    projected = test.rows @ weights["projection.weight"].T + weights["projection.bias"]
    hidden = np.maximum(projected @ weights["mlp.0.weight"].T + weights["mlp.0.bias"], 0)
    made = hidden @ weights["mlp.2.weight"].T + weights["mlp.2.bias"]
    words = np.random.default_rng(5).normal(size=(3, 4)).astype(np.float32)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    cosines = made @ words.T / np.linalg.norm(made, axis=1, keepdims=True)
    np.testing.assert_allclose(training.shares(test), softmaxed(np.exp(weights["log_scale"]) * cosines), atol=1e-4)


LEARNED: dict[str, Any] = {
    "false_negatives": True,
    "no_temperature": True,
    "last_epoch": True,
    "batch_size": 3,
    "epochs": 2,
    "learning_rate": 0.02,
    "probe_c": 0.01,
}
"""Another value of each option that learning has; the others are tested with rules and clips."""


@pytest.mark.parametrize("option", LEARNED)
def test_every_option_of_learning_does_something(option: str) -> None:
    torch.manual_seed(0)
    words = np.random.default_rng(5).normal(size=(3, 4)).astype(np.float32)
    sentences = dict(zip("ABC", words / np.linalg.norm(words, axis=1, keepdims=True), strict=True))
    language = methods.Language(sentences, 14.0, torch.nn.Linear(6, 4))
    usual: dict[str, Any] = {"learning_rate": 0.01, "epochs": 12, "batch_size": 4}
    valid = made_clips(2, noise=1.5)
    say = methods._probe if option == "probe_c" else methods._fine_tuned
    one, other = (
        say(replace(problem_of(language), valid=valid, chosen=chosen(**given)))[0] for given in (usual, usual | {option: LEARNED[option]})
    )
    assert np.abs(one - other).max() > 1e-4


def test_every_option_is_tested_somewhere() -> None:
    rules = {"composers_by", "repeats_by", "min_files", "max_repeats", "apart"}
    cuts = {"clip_in_samples", "rate_ignored", "first_channel", "clip_s"}
    assert {option.id for option in settings.OPTIONS} == rules | cuts | set(LEARNED)


def test_results_are_measured_by_clip_and_by_performance() -> None:
    test = clips.Clips(np.zeros((5, 1), np.float32), np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1]), ("one", "two"))
    shares = np.array([[0.9, 0.1, 0], [0.4, 0.6, 0], [0.4, 0.6, 0], [0.8, 0.2, 0], [0.3, 0.7, 0]])
    result = methods.judged(shares, test, ("A", "B", "C"), ("a note",))
    value = {(score.metric, score.task): (score.value, score.n) for score in result.scores}
    assert value["clip_accuracy", ""] == (pytest.approx(2 / 5), 5)
    assert value["accuracy", ""] == (0.5, 2)  # by the mean "one" is A's, though most of its clips are said to be B's
    assert value["accuracy", "A"] == (1.0, 1)
    assert value["accuracy", "B"] == (0.0, 1)
    assert ("accuracy", "C") not in value
    assert [(one.item, one.truth, one.said) for one in result.predictions] == [("one", "A", "A"), ("two", "B", "A")]


# The whole protocol


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maestro")
    made_data.make("maestro", folder)
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    tiny_clap.make(tmp_path / "clap")
    return registry.add_folder(tmp_path / "clap", "Tiny").id


def by_cell(config: Config) -> dict[Cell, Result]:
    prepared = COMPOSER.prepare(config, Token(), quiet)
    return {cell: COMPOSER.run(config, cell, prepared, Token(), quiet) for cell in COMPOSER.cells(config)}


def test_all_methods_run_in_both_modes_and_give_the_same_again(data: Path, tiny: str, tmp_path: Path) -> None:
    config = Config("composer", str(data), encoder=tiny, options=QUICK, seeds=(0, 1))
    results = by_cell(config)
    assert [(cell.method, cell.mode, cell.seed) for cell in results] == [
        (method, mode, seed) for method in ALL for mode in (PUBLISHED, CORRECTED) for seed in ((0, 1) if method == "fine_tuned" else (0,))
    ]
    table = maestro.read(data, Token(), decode=False)
    for cell, result in results.items():
        kept = corpus.corpus(table, chosen(cell.mode, **QUICK))
        value = {(score.metric, score.task): score for score in result.scores}
        assert [one.item for one in result.predictions] == list(kept.split.test)
        assert value["accuracy", ""].n == len(kept.split.test)
        assert value["clip_accuracy", ""].n == len(kept.split.test) * (3 if cell.mode == PUBLISHED else 1)
        assert sum(score.n for (metric, task), score in value.items() if task and metric == "accuracy") == len(kept.split.test)
        assert COMPOSER.published(config, cell) == []
    store = runs.Store(tmp_path / "runs")
    number = runner.run(config, store, Token(), lambda news: None)
    assert {cell: replace(result, seconds=0.0) for cell, result in store.results(number)} == results


def test_a_wordless_encoder_runs_what_needs_no_words(data: Path) -> None:
    config = Config("composer", str(data), encoder="timbre", options=QUICK)
    results = by_cell(config)
    assert [(cell.method, cell.mode) for cell in results] == [(method, mode) for method in WORDLESS for mode in (PUBLISHED, CORRECTED)]
    accuracy = {(cell.method, cell.mode): result.scores[0].value for cell, result in results.items()}
    for mode in (PUBLISHED, CORRECTED):
        assert accuracy["majority", mode] < 0.5
        assert min(accuracy["probe", mode], accuracy["gaussian", mode]) > 0.8  # one hears who it is
    with pytest.raises(BenchmarkError, match="choose a CLAP"):
        COMPOSER.cells(replace(config, methods=("zero_shot",)))


def test_what_is_known_before(data: Path) -> None:
    about = COMPOSER.about(Config("composer", str(data), encoder="timbre", options=QUICK), Token(), quiet)
    assert about.cells == 6
    assert about.classes == made_data.COMPOSERS
    assert any("Corrected: " in verdict.sentence and verdict.check == "title" for verdict in about.verdicts)
    assert about.seconds > 0
    assert about.disk_bytes > 0
    counts = {count.what: count.found for count in about.counts}
    table = maestro.read(data, Token(), decode=False)
    for mode in (PUBLISHED, CORRECTED):
        assert counts[f"performances left, {mode}"] == len(corpus.corpus(table, chosen(mode, **QUICK)).items)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"methods": ("magic",)}, "no method"),
        ({"modes": ("both",)}, "no mode"),
        ({"encoder": "ear"}, "no encoder"),
        ({"options": {"volume": 3}}, "no option"),
        ({"options": {"clip_s": 0}}, "above 0"),
        ({"options": {"batch_size": 1}}, "from 2 on"),
        ({"options": {"epochs": 1.5}}, "from 1 on"),
        ({"options": {"rate_ignored": 1}}, "true or false"),
        ({"options": {"repeats_by": "ear"}}, "title or piece"),
        ({"options": {"apart": "ear"}}, "file or piece or title"),
    ],
)
def test_what_cannot_be_asked_for_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BenchmarkError, match=words):
        COMPOSER.cells(replace(Config("composer", "", encoder="timbre"), **change))


def test_other_data_have_no_composers(data: Path) -> None:
    with pytest.raises(BenchmarkError, match="maestro"):
        COMPOSER.about(Config("composer", str(data), dataset="gtzan", encoder="timbre"), Token(), quiet)


def test_clips_longer_than_all_recordings_are_said(data: Path) -> None:
    config = Config("composer", str(data), encoder="timbre", modes=(CORRECTED,), methods=("majority",), options={**QUICK, "clip_s": 9.0})
    with pytest.raises(BenchmarkError, match="as long as a clip"):
        by_cell(config)
