"""Nets trained from nothing, changes to their sound, and metric learning: each learns what is made to be learned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from benchmark import made_data
from encoders import tiny_clap

from musicclass_gui.engine import encoders
from musicclass_gui.engine.benchmark import protocols
from musicclass_gui.engine.benchmark.classical import augment, metric, nets, options, training
from musicclass_gui.engine.benchmark.measures import retrieval
from musicclass_gui.engine.benchmark.protocol import CORRECTED, Config
from musicclass_gui.engine.encoders import clap
from musicclass_gui.engine.errors import BenchmarkError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 16_000
CLASSICAL = protocols.protocol("classical")


def nothing() -> None:
    """Nobody stops it."""


def tones(count: int, seconds: float = 1.0, seed: int = 0) -> tuple[list[NDArray[np.float32]], NDArray[np.float64]]:
    """Low and high tones in turn, of two classes."""
    random = np.random.default_rng(seed)
    times = np.arange(round(seconds * RATE)) / RATE
    hz = [(300, 3000)[n % 2] * random.uniform(0.9, 1.1) for n in range(count)]
    made = [(0.2 * np.sin(2 * np.pi * f * times) + 0.02 * random.standard_normal(times.size)).astype(np.float32) for f in hz]
    return made, np.eye(2)[np.arange(count) % 2]


def way(epochs: int, *, tags: bool = False, changes: str = "", rate: float = 0.001, patience: int = 50) -> training.Way:
    return training.Way(epochs, patience, rate, 4, tags, 0, changes)


@pytest.mark.parametrize(("name", "epochs"), [("cnn1d", 6), ("cnn2d", 6), ("short-chunk", 1)])
def test_nets_learn_two_classes_in_a_few_steps(name: str, epochs: int) -> None:
    sounds, truth = tones(8)
    net = nets.made(name, 2, 0)
    training.fit(net, (sounds, truth), (sounds[:4], truth[:4]), way(epochs), nothing)
    fresh, asked = tones(4, seed=5)
    assert training.scores(net, fresh, "cpu", nothing).argmax(axis=1).tolist() == asked.argmax(axis=1).tolist()


@pytest.mark.parametrize("name", nets.KINDS)
def test_every_net_answers_with_its_outputs_and_all_of_it_learns(name: str) -> None:
    net = nets.made(name, 3, 0)
    assert torch.equal(next(net.parameters()), next(nets.made(name, 3, 0).parameters()))
    sounds, _ = tones(2, 0.5)
    chunks = torch.from_numpy(np.stack([training.chunks(sound, net.samples)[0] for sound in sounds]))
    logits = net(chunks)
    assert logits.shape == (2, 3)
    logits.square().sum().backward()
    assert all(weights.grad is not None for weights in net.parameters())


def test_training_is_the_same_again_and_stops_early() -> None:
    sounds, truth = tones(4)
    found = []
    for _ in range(2):
        torch.rand(3)  # what was drawn elsewhere changes nothing
        net = nets.made("cnn1d", 2, 7)
        said = training.fit(net, (sounds, truth), (sounds, truth[::-1].copy()), way(40, patience=2, changes="genre"), nothing)
        found.append((said, training.scores(net, sounds, "cpu", nothing).tolist()))
    assert found[0] == found[1]
    assert "for 40 epochs" not in found[0][0]


def test_no_epoch_is_judged_before_batch_norm_has_settled() -> None:
    sounds, truth = tones(4)
    both = (sounds, truth), (sounds, truth[::-1].copy())
    found = training.fit(nets.made("cnn1d", 2, 0), *both, way(40, patience=1), nothing)
    best = int(found.rstrip(".").split()[-1])
    assert best * training._STEPS >= training._SETTLED
    short = training.fit(nets.made("cnn1d", 2, 0), *both, way(2, patience=1), nothing)
    assert short == f"Trained for 2 epochs of {2 * training._STEPS} steps in all."


@pytest.mark.parametrize(("count", "size"), [(4, 4), (5, 4), (30, 16), (1000, 16)])
def test_an_epoch_of_few_recordings_takes_each_equally_often(count: int, size: int) -> None:
    batches = list(training._batches(count, size, np.random.default_rng(0)))
    assert len(batches) >= training._STEPS
    assert min(map(len, batches)) > 1
    often = np.bincount(np.concatenate(batches), minlength=count)
    assert often.max() - often.min() <= 1
    assert often.max() == max(1, -(-training._STEPS * size // count))


def test_losses_are_those_of_their_definitions() -> None:
    logits = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])
    classes, tags = np.array([[0.0, 0, 1], [0, 1, 0]]), np.array([[1.0, 0, 1], [0, 0, 0]])
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert training._loss_of(logits, classes, tags=False) == pytest.approx(-np.log(chances[[0, 1], [2, 1]]).mean())
    sigmoids = 1 / (1 + np.exp(-logits))
    by_hand = -(tags * np.log(sigmoids) + (1 - tags) * np.log(1 - sigmoids)).mean()
    assert training._loss_of(logits, tags, tags=True) == pytest.approx(by_hand)


def test_tags_are_learned_with_a_loss_of_their_own() -> None:
    sounds, truth = tones(8)
    both = np.column_stack([truth[:, 0], np.ones(8), truth[:, 0]])
    net = nets.made("cnn1d", 3, 0)
    training.fit(net, (sounds, both), (sounds, both), way(8, tags=True, rate=0.005), nothing)
    said = training.scores(net, sounds, "cpu", nothing) > 0
    assert (said == both.astype(bool)).all()


def test_a_score_is_the_mean_over_chunks() -> None:
    net = nets.made("cnn1d", 2, 0)
    sound = np.random.default_rng(0).standard_normal(net.samples * 3).astype(np.float32)
    parts = np.split(sound, 3)
    with torch.no_grad():
        each = net.eval()(torch.from_numpy(np.stack(parts))).mean(0)
    np.testing.assert_allclose(training.scores(net, [sound], "cpu", nothing)[0], each, rtol=1e-5)
    assert len(training.chunks(sound[:100], net.samples)) == 1
    assert training.chunks(sound[:100], net.samples)[0][100] == sound[0]  # repeated


@pytest.mark.parametrize("task", ["key", "tempo", "singer", "composer", "other"])
def test_pitch_and_time_are_left_alone_where_they_are_the_label(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert augment.allowed(task) == ("eq", "noise", "gain")
    for name in ("pitch", "time"):
        monkeypatch.setitem(augment.CHANGES, name, None)  # calling it would fail
    sound = torch.from_numpy(tones(1)[0][0])
    for seed in range(5):
        augment.changed(sound, RATE, task, np.random.default_rng(seed))


def test_everything_is_done_to_genres() -> None:
    assert augment.allowed("genre") == ("pitch", "time", "eq", "noise", "gain")
    assert options.task_of("nsynth", options.settings(Config("classical", ""), CORRECTED)) == "instrument"
    assert options.task_of("maestro", options.settings(Config("classical", ""), CORRECTED)) == "composer"
    assert options.task_of("folders", options.settings(Config("classical", "", options={"task": "genre"}), CORRECTED)) == "genre"
    assert options.task_of("folders", options.settings(Config("classical", ""), CORRECTED)) == "other"


@pytest.mark.parametrize("name", augment.CHANGES)
def test_each_change_changes_sound_and_keeps_its_length(name: str) -> None:
    sound = torch.from_numpy(tones(1)[0][0])
    one, same = (augment.CHANGES[name](sound, RATE, np.random.default_rng(3)) for _ in range(2))
    assert one.shape == sound.shape
    assert torch.equal(one, same)
    assert torch.isfinite(one).all()
    assert not torch.allclose(one, sound, atol=1e-3)


def loudest_hz(sound: torch.Tensor) -> float:
    middle = sound.numpy()[RATE // 2 : -RATE // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size)))
    return float(spectrum.argmax() * RATE / middle.size)


def test_pitch_and_time_do_what_they_say() -> None:
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(3 * RATE) / RATE)
    for semitones in (-2.0, 1.5):
        assert loudest_hz(augment.shifted(tone, semitones)) == pytest.approx(440 * 2 ** (semitones / 12), abs=1.0)
    faster = augment.stretched(tone, 1.25)
    assert len(faster) == round(3 * RATE / 1.25)
    assert loudest_hz(faster) == pytest.approx(440, abs=1.0)


def made_words(count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Embeddings in which the presence of each of five words can be heard, under noise."""
    random = np.random.default_rng(seed)
    truth = (random.random((count, 5)) < 0.3).astype(float)
    rows = truth @ np.random.default_rng(99).standard_normal((5, 20)) + 0.3 * random.standard_normal((count, 20))
    return rows, truth


@pytest.mark.parametrize("learned", [True, False])
def test_metric_learning_finds_sounds_by_words(learned: bool) -> None:
    vectors = None if learned else np.random.default_rng(7).standard_normal((5, 12))
    how = metric.Way(0.4, 8, 8, 0.003, 16, 0)
    train, valid, (rows, truth) = made_words(120, 0), made_words(40, 1), made_words(60, 2)
    space, said = metric.fit(train, valid, vectors, how, nothing)
    found = {score.metric: score.value for score in retrieval(truth.T, space.scores(rows).T)}
    assert found["precision_at_10"] > 0.8 > 2 * truth.mean()  # by chance it is 0.3
    assert found["map"] > 0.8
    again, same = metric.fit(train, valid, vectors, how, nothing)
    assert same == said
    np.testing.assert_array_equal(space.scores(rows), again.scores(rows))


def test_the_hinge_is_what_the_paper_says() -> None:
    words = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    right, wrong = torch.tensor([[0.6, 0.8], [1.0, 0.0]]), torch.tensor([[0.8, 0.6], [0.0, 1.0]])
    assert metric.hinge(words, right, wrong, 0.4).item() == pytest.approx((0.4 - 0.6 + 0.8) / 2)


def test_scores_are_cosines_in_the_learned_space() -> None:
    train, valid, (rows, _) = made_words(60, 0), made_words(20, 1), made_words(5, 2)
    vectors = np.random.default_rng(7).standard_normal((5, 12))
    space, _ = metric.fit(train, valid, vectors, metric.Way(0.4, 1, 1, 0.003, 16, 0), nothing)
    weights = {name: tensor.numpy().astype(float) for name, tensor in space.state_dict().items()}
    data = (rows - train[0].mean(axis=0)) / train[0].std(axis=0)
    hidden = np.maximum(data @ weights["sounds.0.weight"].T + weights["sounds.0.bias"], 0)
    heard = hidden @ weights["sounds.2.weight"].T + weights["sounds.2.bias"]
    read = vectors @ weights["project.weight"].T + weights["project.bias"]
    cosines = (heard @ read.T) / np.linalg.norm(heard, axis=1)[:, None] / np.linalg.norm(read, axis=1)
    np.testing.assert_allclose(space.scores(rows), cosines, atol=1e-5)


def test_words_are_drawn_evenly_and_triplets_are_true() -> None:
    truth = np.zeros((100, 2))
    truth[0, 0], truth[1:60, 1] = 1, 1
    words, right, wrong = metric.triplets(truth, np.array([0, 1]), 400, np.random.default_rng(0))
    assert 150 < (words == 0).sum() < 250  # though only one sound in a hundred has it
    assert truth[right, words].all()
    assert not truth[wrong, words].any()


def test_without_triplets_there_is_an_error() -> None:
    rows = np.zeros((3, 2))
    with pytest.raises(BenchmarkError, match="no triplets"):
        metric.fit((rows, np.ones((3, 1))), (rows, np.ones((3, 1))), None, metric.Way(0.4, 1, 1, 0.001, 4, 0), nothing)


def test_a_net_from_end_to_end(tmp_path: Path) -> None:
    made_data.make("folders", tmp_path, seconds=0.5)
    chosen = {"epochs": 6, "augment": True, "task": "instrument", "learning_rate": 0.003}
    config = Config("classical", str(tmp_path), "folders", methods=("cnn1d",), modes=(CORRECTED,), options=chosen, device="cpu")
    (cell,) = CLASSICAL.cells(config)
    assert cell.features == ""
    prepared = CLASSICAL.prepare(config, Token(), lambda text: None)
    result = CLASSICAL.run(config, cell, prepared, Token(), lambda text: None)
    assert result.scores[0].value > 0.25  # chance
    assert any("pitch, time" in note for note in result.notes)
    assert CLASSICAL.run(config, cell, prepared, Token(), lambda text: None) == result


def test_words_are_a_claps_own_where_it_is_the_encoder(tmp_path: Path) -> None:
    tiny_clap.make(tmp_path / "weights" / "clap-unfused", dim=512)
    made_data.make("folders", tmp_path / "data", seconds=0.5)
    chosen = {"epochs": 2}
    how: dict[str, Any] = {"encoder": "clap-unfused", "device": "cpu", "weights_folder": str(tmp_path / "weights"), "modes": (CORRECTED,)}
    config = Config("classical", str(tmp_path / "data"), "folders", methods=("triplet",), options=chosen, **how)
    (cell,) = CLASSICAL.cells(config)
    prepared = CLASSICAL.prepare(config, Token(), lambda text: None)
    names = prepared.found.classes
    expected, _ = clap.text_embeddings(encoders.specs()["clap-unfused"], tmp_path / "weights" / "clap-unfused", list(names))
    np.testing.assert_array_equal(prepared.vectors, expected)
    result = CLASSICAL.run(config, cell, prepared, Token(), lambda text: None)
    assert "Vectors of words are the encoder's own." in result.notes
    learned = replace(config, options={**chosen, "tag_vectors": "learned"})
    assert CLASSICAL.prepare(learned, Token(), lambda text: None).vectors is None
