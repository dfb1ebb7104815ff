"""Building classifiers: the whole road on made-up audio, honest numbers on made-up embeddings, the shipped cards on real data."""

from __future__ import annotations

import csv
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine import heldout
from musicclass_gui.engine.build import assemble, baseline_mfcc, build, datasets, evaluate
from musicclass_gui.engine.build.baseline import MfccStatistics
from musicclass_gui.engine.build.datasets import Dataset, Example
from musicclass_gui.engine.build.embedding import Embedded, embed, windows_of
from musicclass_gui.engine.calibration import softmax
from musicclass_gui.engine.classifier import Classifier
from musicclass_gui.engine.encoders import EncoderSpec, house
from musicclass_gui.engine.errors import AudioError, Cancelled, DataError
from musicclass_gui.engine.heads.centers import CentersHead
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.training import sounds
from musicclass_gui.engine.windows import Grid

RATE = 22_050
SECONDS = 6
DIM = 8
SPEC = EncoderSpec("made-up", "1", "Made up", RATE, Grid(5, 2.5), DIM, "MIT")


def sound(kind: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, *kind.encode()])
    t = np.arange(SECONDS * RATE) / RATE
    if kind == "hiss":
        return 0.1 * rng.normal(size=t.size) * (1 + 0.5 * np.sin(2 * np.pi * rng.uniform(1, 3) * t))
    if kind == "bells":
        return sum(0.2 * np.sin(2 * np.pi * f * t) * np.exp(-4 * (t % 0.5)) for f in rng.uniform(600, 2000, 4))
    return 0.3 * np.sign(np.sin(2 * np.pi * rng.uniform(60, 90) * t)) * (t % 0.25 < 0.1)


@pytest.fixture(scope="module")
def genres(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("genres")
    for kind in ("bells", "hiss", "pulse"):
        (root / kind).mkdir()
        for track in range(3):
            soundfile.write(root / kind / f"{kind}.{track:05d}.flac", sound(kind, track), RATE)
    return root


ROWS = [
    ("Bell", "one", "train", "a"),
    ("Bell", "two", "validation", "b"),
    ("Bell", "three", "test", "c"),
    ("Hiss", "one", "train", "d"),
    ("Hiss", "one", "train", "e"),
    ("Hiss", "two", "test", "f"),
]


def write_table(root: Path, rows: list[tuple[str, str, str, str]]) -> None:
    with (root / "maestro-v3.0.0.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration"])
        table.writerows([composer, title, split, "", "", f"audio/{name}.wav", "6"] for composer, title, split, name in rows)


@pytest.fixture
def composers(tmp_path: Path) -> Path:
    (tmp_path / "audio").mkdir()
    for number, (composer, _, _, name) in enumerate(ROWS):
        soundfile.write(tmp_path / "audio" / f"{name}.wav", sound("bells" if composer == "Bell" else "hiss", number), RATE)
    write_table(tmp_path, ROWS)
    return tmp_path


def test_builds_what_can_then_answer(genres: Path, tmp_path: Path) -> None:
    (folder,) = build("genre", genres, tmp_path, ["timbre"], Token())
    assert folder == tmp_path / "genre" / "timbre"
    built = Classifier.load(folder)
    card = built.card
    assert card.classes == ["bells", "hiss", "pulse"]
    assert (card.measured.n, card.measured.accuracy, card.data.recordings) == (9, 1.0, dict.fromkeys(card.classes, 3))
    assert {one.what for one in card.compared} == {
        "same head, the recordings quieter, through MP3, in rooms",
        "same embeddings, centers head",
        "120 MFCC statistics, gaussian head",
    }
    assert built.training.names[0] == "bells.00000.flac"
    assert "artists" in card.data.split
    assert "research" in card.data.licence


def test_building_twice_gives_the_same_bytes(genres: Path, tmp_path: Path) -> None:
    one, two = (build("genre", genres, tmp_path / name, ["timbre"], Token())[0] for name in ("one", "two"))
    for file in ("head.safetensors", "card.json"):
        assert (one / file).read_bytes() == (two / file).read_bytes()


def test_builds_by_piece(composers: Path, tmp_path: Path) -> None:
    (folder,) = build("composer", composers, tmp_path / "out", ["timbre"], Token())
    built = Classifier.load(folder)
    assert (built.card.measured.n, built.card.measured.groups) == (2, 2)
    assert built.card.data.recordings == {"Bell": 2, "Hiss": 2}
    assert sorted(built.training.names) == ["a.wav", "b.wav", "d.wav", "e.wav"]
    assert built.card.note.startswith("Synthetic piano timbre")


def test_the_data_folders_own_sub_folder_is_found(genres: Path, tmp_path: Path) -> None:
    shutil.copytree(genres, tmp_path / "gtzan-mini")
    assert len(datasets.load("genre", tmp_path).examples) == 9
    assert len(datasets.load("genre", genres).examples) == 9


def test_an_unknown_classifier_is_named(genres: Path) -> None:
    with pytest.raises(DataError, match=r"“mood”.*genre, composer, instrument"):
        build("mood", genres, genres, ["timbre"], Token())


def test_a_missing_or_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        datasets.load("genre", tmp_path / "nowhere")
    with pytest.raises(DataError, match="0 recordings of 0 classes"):
        datasets.load("genre", tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        datasets.load("composer", tmp_path)


def test_a_class_of_one_is_too_few(genres: Path, tmp_path: Path) -> None:
    shutil.copytree(genres, tmp_path, dirs_exist_ok=True)
    for number in (1, 2):
        (tmp_path / "hiss" / f"hiss.{number:05d}.flac").unlink()
    with pytest.raises(DataError, match="too few of hiss"):
        datasets.load("genre", tmp_path)


def test_a_piece_on_both_sides_is_refused(composers: Path) -> None:
    write_table(composers, [*ROWS, ("Bell", "three", "train", "a")])
    with pytest.raises(DataError, match=r"both learned from and held out.*Bell: three"):
        datasets.load("composer", composers)


def test_listed_but_missing_recordings_are_named(composers: Path) -> None:
    (composers / "audio" / "c.wav").unlink()
    with pytest.raises(DataError, match=r"1 of 6 recordings are missing.*c\.wav"):
        datasets.load("composer", composers)


def test_tables_cannot_lead_out_of_their_folder(composers: Path) -> None:
    write_table(composers, [*ROWS, ("Bell", "four", "train", "../../../etc/passwd")])
    with pytest.raises(DataError, match="outside its folder"):
        datasets.load("composer", composers)


def test_incomplete_tables_are_refused(composers: Path) -> None:
    write_table(composers, [*ROWS, ("", "four", "train", "a")])
    with pytest.raises(DataError, match="Line 8"):
        datasets.load("composer", composers)


def test_silence_and_what_is_not_audio_are_refused(genres: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    with pytest.raises(DataError, match="silent"):
        windows_of(tmp_path / "silent.wav", SPEC.grid, RATE, Token())
    shutil.copytree(genres, tmp_path / "data")
    (tmp_path / "data" / "hiss" / "hiss.00001.flac").write_text("no audio")
    with pytest.raises(AudioError):
        build("genre", tmp_path / "data", tmp_path / "out", ["timbre"], Token())
    assert not (tmp_path / "out").exists()


def test_can_be_cancelled(genres: Path, tmp_path: Path) -> None:
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        build("genre", genres, tmp_path / "out", ["timbre"], token)


def test_says_how_far_it_is(genres: Path, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    build("genre", genres, tmp_path, ["timbre"], Token(lambda fraction, text: told.append((fraction, text))))
    assert any("hiss.00002.flac" in text for _, text in told)
    assert told[-1][1] == "timbre: measuring"


def test_mfcc_statistics_are_120_whatever_the_length() -> None:
    found = MfccStatistics().embed([sound("bells", 0)[:n].astype(np.float32) for n in (1, 500, 5000, RATE)])
    assert found.shape == (4, 120)
    assert np.isfinite(found).all()
    assert (found[3, 60:] >= 0).all()


def recordings(per_class: int, classes: int = 4, *, spread: float = 1.0, seed: int = 0, per_group: int = 1) -> list[Embedded]:
    """Made-up embeddings: class centres, recordings around them, windows around those. Recordings of a group are the same but for noise."""
    rng = np.random.default_rng(seed)
    centres, found = rng.normal(0, 3, (classes, DIM)), []
    for k in range(classes):
        for piece in range(per_class // per_group):
            middle = centres[k] + spread * rng.normal(size=DIM)
            for take in range(per_group):
                data = (middle + 0.3 * rng.normal(size=(5, DIM))).astype(np.float32)
                example = Example(Path(), f"{k}-{piece}-{take}", f"class {k}", f"{k}-{piece}")
                found.append(Embedded(example, data, [(2.5 * i, 2.5 * i + 5) for i in range(5)]))
    return found


def shuffled(some: list[Embedded], seed: int = 1) -> list[Embedded]:
    """The same recordings with classes given at random to whole groups."""
    groups = sorted({one.example.group for one in some})
    labels = np.random.default_rng(seed).permutation([f"class {i % 4}" for i in range(len(groups))])
    label = dict(zip(groups, labels, strict=True))
    return [Embedded(Example(Path(), o.example.name, str(label[o.example.group]), o.example.group), o.data, o.spans) for o in some]


def dataset_of(some: list[Embedded]) -> Dataset:
    return Dataset("genre", "Genre", [one.example for one in some], "made up", "none", "by file", "", {})


CLASSES = [f"class {k}" for k in range(4)]


def test_nothing_is_learned_from_what_is_judged() -> None:
    twins = shuffled(recordings(40, per_group=4, spread=6.0))
    by_group = evaluate.judge(assemble.gaussian(twins), CLASSES, evaluate.one_group_out(twins))
    assert by_group.groups == 40
    assert by_group.right.mean() < 0.45, "labels were given at random, so only a leak between twins could do better"
    leaking = iter([(twins, twins)])
    assert evaluate.judge(CentersHead, CLASSES, leaking).right.mean() > by_group.right.mean()


@pytest.mark.parametrize("count", [2, 3, 7])
def test_folds_keep_groups_together_and_judge_everything_once(count: int) -> None:
    some = recordings(12, per_group=3)
    judged = []
    for learn_from, kept in evaluate.group_folds(some, count):
        assert not {one.example.group for one in learn_from} & {one.example.group for one in kept}
        assert len(learn_from) + len(kept) == len(some)
        judged += [one.example.name for one in kept]
    assert sorted(judged) == sorted(one.example.name for one in some)


def test_a_class_that_one_fold_lacks_is_judged_wrong_and_not_calibrated_on() -> None:
    some = [one for one in recordings(6) if one.example.label != "class 3" or one.example.group == "3-0"]
    judged = evaluate.judge(assemble.gaussian(some), CLASSES, evaluate.one_group_out(some))
    alone = judged.truth == 3
    assert not judged.right[alone].any()
    calibration = heldout.calibrate(judged)
    assert all(np.isfinite(value) for value in asdict(calibration).values())
    assert calibration == heldout.calibrate(judged.among(~alone))


def test_reported_calibration_is_not_fitted_on_itself() -> None:
    some = recordings(15, spread=2.5)
    judged = evaluate.judge(assemble.gaussian(some), CLASSES, evaluate.one_group_out(some))
    probabilities, _ = heldout.nested(judged)
    own = softmax(judged.scores / heldout.calibrate(judged).temperature)
    rows = np.arange(len(judged.truth))
    assert np.log(probabilities[rows, judged.truth]).mean() < np.log(own[rows, judged.truth]).mean()
    assert np.abs(probabilities - own).max() < 0.2


def test_more_judged_recordings_can_be_put_together() -> None:
    some = recordings(6)
    judged = evaluate.judge(assemble.gaussian(some), CLASSES, evaluate.one_group_out(some))
    half = np.arange(len(judged.truth)) % 2 == 0
    both = judged.among(half).with_more(judged.among(~half))
    assert both.groups == judged.groups
    assert heldout.calibrate(both).temperature == pytest.approx(heldout.calibrate(judged).temperature, rel=1e-4)
    assert heldout.calibrate(both).window_threshold == heldout.calibrate(judged).window_threshold


def test_unseen_classes_are_told_apart_where_they_can_be() -> None:
    apart, mixed = recordings(12, 10, spread=0.3), recordings(12, 10, spread=30.0)
    names = [f"class {k}" for k in range(10)]
    assert evaluate.unseen_classes(assemble.gaussian(apart), names, evaluate.unseen_folds(apart)) > 0.9
    assert 0.35 < evaluate.unseen_classes(assemble.gaussian(mixed), names, evaluate.unseen_folds(mixed)) < 0.65


def test_the_card_says_what_was_measured() -> None:
    some = recordings(12, spread=2.0)
    strangers = {"far": [np.full((3, DIM), 50.0, np.float32) * np.tile([1, -1], DIM // 2)] * 4, "near": [one.data for one in some]}
    built = assemble.classifier(dataset_of(some), SPEC, some, (), strangers)
    card, judged = built.card, evaluate.judge(assemble.gaussian(some), CLASSES, evaluate.one_group_out(some))
    assert card.measured.accuracy == round(float(judged.right.mean()), 4)
    assert card.measured.recordings == dict.fromkeys(CLASSES, 12)
    assert sum(card.measured.per_class.values()) / 4 == pytest.approx(card.measured.accuracy, abs=1e-3)
    assert card.measured.interval_95[0] < card.measured.accuracy < card.measured.interval_95[1]
    assert 0 <= card.rejection.false_rejection <= 0.15
    assert card.rejection.strangers["near"] < 0.06 < card.rejection.strangers["far"]
    centers = evaluate.judge(CentersHead, CLASSES, evaluate.one_group_out(some))
    assert card.compared[0].accuracy == round(float(centers.right.mean()), 4)
    shares = [built.answer(one.data, one.spans, np.ones(5, bool)).none_of_these for one in some]
    assert np.mean(shares) < 0.06


def heard_of(some: list[Embedded], names: set[str]) -> list[Embedded]:
    return [replace(one, example=replace(one.example, heard=one.example.name in names)) for one in some]


def test_what_the_encoder_was_trained_on_is_learned_from_and_never_judged() -> None:
    plain = recordings(12, spread=2.0)
    heard = {one.example.name for number, one in enumerate(plain) if number % 3}
    some = heard_of(plain, heard)
    built, other = assemble.classifier(dataset_of(some), SPEC, some), assemble.classifier(dataset_of(plain), SPEC, plain)
    assert (built.card.measured.n, other.card.measured.n) == (16, 48)
    assert built.card.data.recordings == other.card.data.recordings, "the head learns from all"
    moved = [replace(one, data=one.data + 50 * (one.example.name in heard)) for one in some]
    far = assemble.classifier(dataset_of(moved), SPEC, moved).card
    assert far.rejection.threshold != built.card.rejection.threshold, "what was learned from moved away"
    judged = evaluate.unheard(evaluate.one_group_out(some))
    assert [one.example.name for _, kept in judged for one in kept] == [one.example.name for one in plain if one.example.name not in heard]
    assert all(len(learned) == 47 for learned, _ in judged)


def test_a_data_set_says_what_an_encoder_knows_of_it(genres: Path, tmp_path: Path) -> None:
    dataset = replace(datasets.load("genre", genres), strangers={"far": [Path("x.opus"), Path("y.opus")], "near": [Path("x.opus")]})
    known = dataset.known_to("ours", {"bells.00001", "hiss.00002", "x", "never here"})
    assert [one.name for one in known.examples if one.heard] == ["bells.00001.flac", "hiss.00002.flac"]
    assert known.strangers == {"far": [Path("y.opus")], "near": []}
    assert "ours itself was trained on 2 of the recordings and, for a small part, on what class they are" in known.split
    assert dataset.known_to("another", ()) == dataset
    with pytest.raises(DataError, match="trained on all but 4 of these"):
        dataset.known_to("ours", {one.path.stem for one in dataset.examples[4:]})


def test_what_the_encoder_in_the_box_heard_is_what_its_training_takes(data_dir: Path) -> None:
    every = sounds.find(data_dir)
    stems = {Path(sound.name).stem for sound in every if not sound.held_out}
    assert house.heard() == stems
    assert not house.heard() & {Path(sound.name).stem for sound in every if sound.held_out}
    for name, held_out in (("genre", 20), ("composer", 46), ("instrument", 70)):
        known = datasets.load(name, data_dir).known_to("house-v1", house.heard())
        assert sum(not example.heard for example in known.examples) == held_out
        assert not any(example.heard and example.held_out for example in known.examples)
        assert not {path.stem for paths in known.strangers.values() for path in paths} & stems


def test_recordings_are_learned_as_they_may_come_and_judged_as_they_are(genres: Path) -> None:
    dataset, encoder = datasets.load("genre", genres), MfccStatistics()
    plain, copied = embed(dataset, encoder, Token()), embed(dataset, encoder, Token(), 2)
    for one, two in zip(plain, copied, strict=True):
        assert one.copies is None
        assert two.copies is not None
        np.testing.assert_array_equal(one.data, two.data)
        assert len(two.taught) == 3 * len(two.data)
        np.testing.assert_array_equal(two.copied().data, two.copies[: len(two.data)])
        np.testing.assert_array_equal(two.mean, one.mean)
    again = embed(replace(dataset, examples=dataset.examples[::-1]), encoder, Token(), 2)
    np.testing.assert_array_equal(again[0].taught, copied[-1].taught)  # the chance goes with the name, not with the place
    head = evaluate.teach(assemble.gaussian(copied), dataset.classes, copied)
    assert head.state()["count"].sum() == sum(len(one.taught) for one in copied)
    built = assemble.classifier(dataset.described(2), replace(SPEC, id="mfcc", dim=120), copied)
    assert "2 times quieter" in built.card.data.what
    assert built.card.compared[0].what == "same head, the recordings quieter, through MP3, in rooms"
    assert built.training.means.shape == (9, 120)


def test_instruments_are_folders_of_clips(genres: Path) -> None:
    dataset = datasets.load("instrument", genres)
    assert dataset.classes == ["bells", "hiss", "pulse"]
    assert not any("_" in label for label in dataset.classes)


@pytest.mark.parametrize(
    ("name", "encoder_ids"),
    [("genre", ["timbre", "house-v1", "mn04-as"]), ("composer", ["timbre", "house-v1"]), ("instrument", ["house-v1"])],
)
def test_shipped_classifiers_are_what_the_build_makes(data_dir: Path, tmp_path: Path, name: str, encoder_ids: list[str]) -> None:
    for folder in build(name, data_dir, tmp_path, encoder_ids, Token()):
        rebuilt, shipped = Classifier.load(folder), Classifier.load(classifiers.shipped()[name, folder.name])
        assert rebuilt.card.encoder_version == shipped.card.encoder_version, "run `musicclass models build` again"
        assert (rebuilt.card.measured.n, rebuilt.card.data) == (shipped.card.measured.n, shipped.card.data)
        assert rebuilt.card.measured.accuracy == pytest.approx(shipped.card.measured.accuracy, abs=1.5 / shipped.card.measured.n)
        assert rebuilt.card.rejection.threshold == pytest.approx(shipped.card.rejection.threshold, rel=0.05)
        assert rebuilt.training.names == shipped.training.names
        for key, array in shipped.head.state().items():
            np.testing.assert_allclose(rebuilt.head.state()[key], array, rtol=1e-2, atol=1e-2 * np.abs(array).max())


def test_shipped_genres_are_as_good_as_promised() -> None:
    cards = {encoder: Classifier.load(folder).card for (name, encoder), folder in classifiers.shipped().items() if name == "genre"}
    assert cards["mn04-as"].measured.accuracy >= 0.85
    yardstick = next(one for one in cards["timbre"].compared if one.what.startswith("120 MFCC"))
    assert cards["timbre"].measured.accuracy > yardstick.accuracy
    assert {encoder: card.measured.n for encoder, card in cards.items()} == {"timbre": 70, "house-v1": 20, "mn04-as": 70}


def test_the_yardstick_is_measured_on_real_recordings(data_dir: Path) -> None:
    dataset = datasets.load("genre", data_dir)
    few = Dataset(**{**vars(dataset), "examples": [e for e in dataset.examples if e.name.split(".")[1] <= "00002"]})
    found = baseline_mfcc(few, Token())
    assert 0.1 < found.accuracy < 0.9
