"""The encoder's last blocks learn with the head: old classes stay, the published encoder stays as it was, and nothing is mixed up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from musicclass_gui.engine import encoders
from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.build.embedding import windows_of
from musicclass_gui.engine.encoders import mobilenet, mobilenet_net
from musicclass_gui.engine.errors import Cancelled, LessonError, WeightsError
from musicclass_gui.engine.heads.replay import ReplayHead
from musicclass_gui.engine.lessons.training import Options, TrainItem, train
from musicclass_gui.engine.lessons.tuning import packed, to_keep, unpacked
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders.mobilenet import MobileNetEncoder
    from musicclass_gui.engine.lessons.news import Trained
    from musicclass_gui.engine.windows import Audio

RATE = mobilenet.SPEC.sample_rate
OPTIONS = Options(unfreeze=1, epochs=3, budget=4)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> MobileNetEncoder:
    """The net with random weights; its batch norms know tones and noises, so that something of a sound comes through."""
    path = tmp_path_factory.mktemp("weights") / "made.pt"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = mobilenet_net.MobileNet()
        for layer in net.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None  # the running statistics are then those of what was heard
        with torch.no_grad():
            net.train()(torch.from_numpy(np.stack([tone(hertz, seed) for seed, hertz in enumerate(np.geomspace(80, 8000, 24))])))
        torch.save(net.state_dict(), path)
    return mobilenet.MobileNetEncoder(mobilenet_net.read(path))


def tone(hertz: float, seed: int, seconds: float = 1.0) -> Audio:
    """A tone in a little noise."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * random.uniform(0.97, 1.03) * t) + 0.02 * random.standard_normal(len(t))).astype(np.float32)


def hiss(_: float, seed: int, seconds: float = 1.0) -> Audio:
    return (0.2 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def clicks(rate: float, seed: int, seconds: float = 1.0) -> Audio:
    random = np.random.default_rng(seed)
    samples = 0.002 * random.standard_normal(round(seconds * RATE))
    samples[:: round(RATE / rate / random.uniform(0.9, 1.1))] = 0.9
    return samples.astype(np.float32)


SOUNDS = {"hum": (tone, 150.0), "hiss": (hiss, 0.0), "clicks": (clicks, 12.0), "whistle": (tone, 3000.0)}


def examples(
    encoder: MobileNetEncoder, label: str, count: int = 4, *, first: int = 0, seconds: tuple[float, ...] = (1.0, 1.0)
) -> list[TrainItem]:
    made = []
    for place in range(first, first + count):
        number = 100 * list(SOUNDS).index(label) + place
        make, height = SOUNDS[label]
        audio = {w: packed(make(height, 10 * number + w, length)) for w, length in enumerate(seconds)}
        rows = encoder.embed([unpacked(window) for window in audio.values()])
        made.append(TrainItem(number, label, f"{number}", rows, audio))
    return made


def lesson(
    encoder: object,
    before: ReplayHead | None,
    new: list[TrainItem],
    old: list[TrainItem],
    options: Options = OPTIONS,
    news: list[Trained] | None = None,
) -> ReplayHead:
    return train(before, new, old, options, Token(), (news if news is not None else []).append, encoder=encoder)


def named(encoder: MobileNetEncoder, head: ReplayHead, items: list[TrainItem]) -> float:
    tuned = encoder.with_tail(head.tail)
    said = [head.classes[int(head.log_scores(tuned.embed([unpacked(w) for w in i.audio.values()])).mean(axis=0).argmax())] for i in items]
    return float(np.mean([name == item.label for name, item in zip(said, items, strict=True)]))


def old_for(head: ReplayHead, items: list[TrainItem]) -> list[TrainItem]:
    """What a project would still have: the audio that was kept."""
    kept = to_keep(head, items, OPTIONS.budget)
    return [replace(item, audio=kept[item.example]) for item in items if item.example in kept]


@pytest.fixture(scope="module")
def first(encoder: MobileNetEncoder) -> tuple[ReplayHead, list[TrainItem], list[Trained]]:
    items = [*examples(encoder, "hum"), *examples(encoder, "hiss")]
    news: list[Trained] = []
    return lesson(encoder, None, items, [], news=news), items, news


First = tuple[ReplayHead, list[TrainItem], "list[Trained]"]


def test_the_loss_falls_and_the_end_of_the_encoder_learned(encoder: MobileNetEncoder, first: First) -> None:
    head, items, news = first
    assert news[-1].loss < news[0].loss
    assert named(encoder, head, [*examples(encoder, "hum", first=20), *examples(encoder, "hiss", first=20)]) == 1
    own = dict(encoder.split(1)[1].named_parameters())
    assert head.tail.keys() == own.keys()
    assert all(name.startswith(("features.15.", "features.16.")) for name in head.tail)
    assert any(np.abs(head.tail[name] - own[name].numpy()).max() > 1e-5 for name in own)
    assert items


def test_old_classes_are_kept_from_the_audio_that_was_kept(encoder: MobileNetEncoder, first: First) -> None:
    head, items, _ = first
    kept = old_for(head, items)
    assert sum(len(item.audio) for item in kept if item.example in head.exemplars) == 8
    after = lesson(encoder, head, examples(encoder, "clicks"), kept)
    assert after.classes == ["hum", "hiss", "clicks"]
    assert named(encoder, after, [item for label in after.classes for item in examples(encoder, label, first=20)]) >= 0.9
    assert set(head.held_out) <= set(after.held_out)


def test_the_memory_lives_where_the_tuned_encoder_hears(encoder: MobileNetEncoder, first: First) -> None:
    head, items, _ = first
    audio = {item.example: item.audio for item in items}
    tuned = encoder.with_tail(head.tail)
    again = tuned.embed([unpacked(audio[int(e)][int(w)]) for e, w in zip(head.memory.examples, head.memory.windows, strict=True)])
    np.testing.assert_allclose(head.memory.rows, again, rtol=1e-3, atol=1e-4 * np.abs(again).max())


def test_the_encoder_itself_stays_as_it_was_and_versions_differ(encoder: MobileNetEncoder, first: First) -> None:
    head = first[0]
    window = tone(300, 1, 5.0)
    before = encoder.embed([window])
    tuned = encoder.with_tail(head.tail)
    assert encoder.embed([window]).tobytes() == before.tobytes()
    assert encoder.with_tail({}) is encoder
    assert not np.allclose(tuned.embed([window]), before, rtol=1e-3)
    assert encoder.spec == mobilenet.SPEC
    assert tuned.spec == replace(mobilenet.SPEC, version=f"1+{mobilenet.tail_digest(head.tail)}")
    one = next(iter(head.tail))
    assert mobilenet.tail_digest({**head.tail, one: head.tail[one] + 1}) != mobilenet.tail_digest(head.tail)


def test_a_tail_of_the_nets_own_tensors_changes_nothing(encoder: MobileNetEncoder) -> None:
    own = {name: value.numpy() for name, value in encoder.split(2)[1].named_parameters()}
    window = tone(300, 1, 5.0)
    assert encoder.with_tail(own).embed([window]).tobytes() == encoder.embed([window]).tobytes()


def test_the_tail_is_in_the_state(first: First) -> None:
    head = first[0]
    again = ReplayHead.from_state(head.state(), head.classes, head.settings)
    assert {name: array.tobytes() for name, array in again.tail.items()} == {name: array.tobytes() for name, array in head.tail.items()}


def test_windows_of_different_lengths_learn_together(encoder: MobileNetEncoder) -> None:
    items = [*examples(encoder, "hum", seconds=(0.4, 2.0, 1.5)), *examples(encoder, "hiss", seconds=(1.5,))]
    head = lesson(encoder, None, items, [])
    assert named(encoder, head, items) == 1


def test_the_same_lesson_gives_the_same_bytes_resumed_or_not(encoder: MobileNetEncoder, first: First) -> None:
    head, items, _ = first
    new, old = examples(encoder, "whistle"), old_for(head, items)
    whole = lesson(encoder, head, new, old)
    token, saved = Token(), []

    def stop(data: bytes) -> None:
        saved.append(data)
        if len(saved) == 11:
            token.cancel()

    with pytest.raises(Cancelled):
        train(head, new, old, OPTIONS, token, lambda news: None, stop, every_s=0, encoder=encoder)
    resumed = train(head, new, old, OPTIONS, Token(), lambda news: None, resume=saved[-1], encoder=encoder)
    assert {n: a.tobytes() for n, a in resumed.state().items()} == {n: a.tobytes() for n, a in whole.state().items()}


def test_samples_are_kept_to_sixteen_bits() -> None:
    window = tone(440, 0)
    assert np.abs(unpacked(packed(window)) - window).max() <= 0.51 / 32767
    assert np.abs(unpacked(packed(2 * window / np.abs(window).max()))).max() <= 1


def test_what_cannot_be_tuned_says_so(encoder: MobileNetEncoder, first: First) -> None:
    head, items, _ = first
    silent = [replace(item, audio={}) for item in items]
    with pytest.raises(LessonError, match="sound of some examples is missing"):
        lesson(encoder, None, silent, [])
    with pytest.raises(LessonError, match="cannot be tuned"):
        lesson(encoders.load("timbre"), None, items, [])
    with pytest.raises(LessonError, match="tuned before"):
        lesson(encoder, head, items, [], replace(OPTIONS, unfreeze=0))
    with pytest.raises(LessonError, match="Another number"):
        lesson(encoder, head, items, [], replace(OPTIONS, unfreeze=2))
    with pytest.raises(LessonError, match="At most 4"):
        replace(OPTIONS, unfreeze=5)
    for tail in ({"features.0.0.weight": np.zeros(3, np.float32)}, {"no such": np.zeros(3, np.float32)}):
        with pytest.raises(WeightsError, match="does not fit"):
            encoder.with_tail(tail)


def test_real_instruments_are_tuned_and_the_first_ones_kept(data_dir: Path) -> None:
    encoder = encoders.load("mn04-as", weights=data_dir / "weights" / "mn04-as" / "mn04_as_mAP_432.pt")
    assert isinstance(encoder, mobilenet.MobileNetEncoder)
    taught: list[TrainItem] = []
    tests: list[TrainItem] = []
    folders = sorted((data_dir / "instruments" / "freesound10").iterdir())[:4]
    for folder in folders:
        for place, path in enumerate(find_recordings([folder])[:12]):
            audio = {n: packed(w.samples) for n, w in enumerate(windows_of(path, encoder.spec.grid, RATE, Token())[:2])}
            rows = encoder.embed([unpacked(window) for window in audio.values()])
            (tests if place % 3 == 0 else taught).append(TrainItem(len(taught) + len(tests), folder.name, path.name, rows, audio))
    options = replace(OPTIONS, epochs=10, budget=20)
    head = None
    for pair in (folders[:2], folders[2:]):
        names = {folder.name for folder in pair}
        head = lesson(encoder, head, [i for i in taught if i.label in names], [i for i in taught if i.label not in names], options)
    assert head is not None
    assert named(encoder, head, tests) >= 0.75
    assert named(encoder, head, [i for i in tests if i.label in {folder.name for folder in folders[:2]}]) >= 0.75
