"""The transfer protocol, from made feature files and from the published ones: its table is met to the last digit."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.benchmark import protocols
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Cell, Config, Result
from musicclass_gui.engine.benchmark.transfer import feature_files, folds, grid, tasks
from musicclass_gui.engine.benchmark.transfer import published as tables
from musicclass_gui.engine.errors import BenchmarkError, Cancelled, DataError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

TRANSFER = protocols.protocol("transfer")
PLACES = {"gtzan_genre": 100, "gtzan_speechmusic": 40, "emoMusic": 40, "jamendo_vd": 60, "urbansound": 60}


def quiet(text: str) -> None:
    """Nobody listens."""


def made_labels(task: str, count: int) -> list[dict[str, object]]:
    names = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
    if task == "gtzan_genre":
        return [{"filepath": f"genres/{names[n // 10]}/{n}.au", "label": n // 10} for n in range(count)]
    if task == "emoMusic":
        return [{"filepath": f"clips/{n}.mp3", "label_arousal": n * 7 % 40 / 40, "label_valence": n * 3 % 40 / 40} for n in range(count)]
    if task == "jamendo_vd":
        parts = ["train"] * 30 + ["test"] * 20 + ["valid"] * 10
        return [{"filepath": f"{part}/{n}.wav", "label": n % 2, "category": part} for n, part in enumerate(parts)]
    if task == "urbansound":
        return [{"filepath": f"fold{n % 10 + 1}/{n}.wav", "label": n // 10, "fold": n % 10 + 1} for n in range(count)]
    return [{"filepath": f"{('music', 'speech')[n * 2 // count]}_wav/{n}.wav", "label": n * 2 // count} for n in range(count)]


def made(folder: Path, *names: str, mfcc: bool = True) -> Path:
    """Small folders of features, laid out as published; what is to be learned can be, from every layer and from the MFCC."""
    random = np.random.default_rng(7)
    for name in names:
        lines = made_labels(name, PLACES[name])
        truth = np.array([float(str(line.get("label", line.get("label_arousal")))) for line in lines])
        (folder / name).mkdir(parents=True)
        with (folder / name / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["", "id", *lines[0]])
            writer.writeheader()
            writer.writerows({"": n, "id": n, **line} for n, line in enumerate(lines))
        directions = random.normal(size=(int(truth.max()) + 2, 32))
        for layer in range(5):
            rows = directions[truth.astype(int)] + truth[:, None] * 2 * directions[-1] + random.normal(size=(len(lines), 32)) * 0.9
            np.save(folder / name / f"layer_{layer}.npy", rows.astype(np.float32))
        if mfcc:
            np.save(folder / name / "mfcc.npy", np.tile(directions, 4)[truth.astype(int)][:, :120] + random.normal(size=(len(lines), 120)))
    return folder


def config(data: Path, **given: object) -> Config:
    return replace(Config("transfer", str(data)), **given)  # type: ignore[arg-type]


def only(result: Result, metric: str) -> float:
    (value,) = [score.value for score in result.scores if score.metric == metric]
    return value


def run_all(asked: Config) -> dict[Cell, Result]:
    prepared = TRANSFER.prepare(asked, Token(), quiet)
    return {cell: TRANSFER.run(asked, cell, prepared, Token(), quiet) for cell in TRANSFER.cells(asked)}


def test_what_there_is_to_know_before_a_run(tmp_path: Path) -> None:
    data = made(tmp_path, "gtzan_genre", "emoMusic")
    made(tmp_path, "urbansound", mfcc=False)
    asked = config(data, features=("12", "3"))
    found = TRANSFER.about(asked, Token(), quiet)
    assert [(count.found, count.published) for count in found.counts] == [(100, 1000), (40, 744), (40, 744), (60, 8732)]
    assert found.cells == len(TRANSFER.cells(asked))
    assert found.problems == ("Sound of a city (UrbanSound8K): its MFCC were not published, so they are left out.",)
    assert {verdict.check.split()[0] for verdict in found.verdicts} == {"fingerprint", "duplicates"}
    assert all("leak" not in verdict.level for verdict in found.verdicts)
    assert len(found.split) == 4 * 10
    assert sorted(key for name, keys in found.split.items() if name.startswith("gtzan") for key in keys) == sorted(
        feature_files.rows(data / "gtzan_genre", tasks.task("gtzan_genre")).keys
    )
    layer = np.load(data / "gtzan_genre" / "layer_0.npy")
    layer[3] = layer[99]
    np.save(data / "gtzan_genre" / "layer_0.npy", layer)
    again = TRANSFER.about(asked, Token(), quiet)
    assert again.fingerprint != found.fingerprint
    for number in range(1, 5):
        rows = np.load(data / "gtzan_genre" / f"layer_{number}.npy")
        rows[3] = rows[99]
        np.save(data / "gtzan_genre" / f"layer_{number}.npy", rows)
    (twins,) = [v for v in TRANSFER.about(asked, Token(), quiet).verdicts if v.check == "duplicates gtzan_genre 12345"]
    assert twins.level == "leak"
    assert "Of 10 folds: in 2" in twins.sentence
    assert "no fault of the features" not in twins.sentence
    rows = np.load(data / "gtzan_genre" / "mfcc.npy")
    rows[3] = rows[99]
    np.save(data / "gtzan_genre" / "mfcc.npy", rows)
    judged = [v for v in TRANSFER.about(asked, Token(), quiet).verdicts if v.check.startswith("duplicates gtzan_genre")]
    assert ["no fault of the features" in v.sentence for v in judged] == [True, True]


def test_the_leak_detector_finds_the_batches_of_the_published_layers_and_none_in_mfcc(data_dir: Path) -> None:
    asked = config(data_dir / "transfer-features", tasks=("gtzan_genre", "ballroom_extended"))
    levels = {verdict.check: verdict.level for verdict in TRANSFER.about(asked, Token(), quiet).verdicts}
    for task in ("gtzan_genre", "ballroom_extended"):
        assert levels[f"fingerprint {task} 12345"] == "leak"
        assert levels[f"fingerprint {task} mfcc"] == "clear"


def test_there_are_28_subsets_of_layers_and_30_kinds_of_features() -> None:
    assert len(set(tasks.layer_keys())) == 28
    assert tasks.KEYS[0] == "12345"
    assert tasks.parts("mfcc+12345") == ("mfcc", "1", "2", "3", "4", "5")
    for wrong in ("", "06", "mfcc+", "11", "mfcc+mfcc", "vggish"):
        with pytest.raises(BenchmarkError):
            tasks.parts(wrong)


def test_all_210_published_values_are_known_and_none_of_nearest_neighbours(tmp_path: Path) -> None:
    asked = config(tmp_path)
    found = [TRANSFER.published(asked, Cell("svm", PUBLISHED, task=t.id, features=key)) for t in tasks.TASKS for key in tasks.KEYS]
    assert [len(those) for those in found] == [1] * 210
    assert TRANSFER.published(asked, Cell("svm", CORRECTED, task="gtzan_genre", features="12345"))[0].value == 0.898
    assert TRANSFER.published(asked, Cell("knn", PUBLISHED, task="gtzan_genre", features="12345")) == []
    (voice,) = tables.values(tasks.task("jamendo_vd"), "5")
    assert (voice.metric, voice.value) == ("accuracy", 0.8782)
    assert "other than the published one" in voice.source
    assert tables.values(tasks.task("emoMusic_v"), "235")[0].metric == "r2"
    assert tables.values(tasks.task("gtzan_genre"), "mfcc+1") == []


def test_a_folder_s_tasks_and_features_make_the_cells(tmp_path: Path) -> None:
    data = made(tmp_path, "gtzan_genre", "emoMusic")
    made(tmp_path, "urbansound", mfcc=False)
    cells = TRANSFER.cells(config(data))
    assert len(cells) == len(set(cells)) == (30 + 30 + 30 + 28) * 4
    assert {cell.task for cell in cells} == {"gtzan_genre", "emoMusic_a", "emoMusic_v", "urbansound"}
    assert "mfcc" not in {cell.features for cell in cells if cell.task == "urbansound"}
    few = TRANSFER.cells(config(data, tasks=("emoMusic",), features=("mfcc", "12"), methods=("svm",), modes=(CORRECTED,)))
    assert [(cell.task, cell.features) for cell in few] == [(f"emoMusic_{one}", key) for one in "av" for key in ("mfcc", "12")]
    assert {cell.task for cell in TRANSFER.cells(config(data / "gtzan_genre"))} == {"gtzan_genre"}


def test_exact_stands_for_each_task_s_features_that_are_known_to_be_met(tmp_path: Path) -> None:
    data = made(tmp_path, "gtzan_genre", "jamendo_vd")
    asked = config(data, features=("exact", "45", "12345"), methods=("svm",), modes=(PUBLISHED,))
    by_task = {task: [cell.features for cell in TRANSFER.cells(asked) if cell.task == task] for task in ("gtzan_genre", "jamendo_vd")}
    assert by_task["gtzan_genre"] == ["12345", "1", "2", "3", "4", "5", "mfcc", "mfcc+12345", "45"]
    assert by_task["jamendo_vd"] == ["12345", "124", "mfcc", "1234", "1", "45"]
    for task in tasks.TASKS:
        for key in tables.meant(task, ("exact",)):
            (printed,) = tables.values(task, key)
            assert "other than" not in printed.source or task.id == "jamendo_vd"
    assert len(TRANSFER.cells(replace(asked, features=("exact",)))) == 13


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks": ("jazz",)},
        {"tasks": ("ballroom_extended",)},
        {"features": ("678",)},
        {"features": ("embedding",)},
        {"methods": ("mlp",)},
        {"modes": ("better",)},
        {"options": {"folds": "odd"}},
        {"options": {"inner_folds": 1}},
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(tmp_path: Path, wrong: dict[str, object]) -> None:
    data = made(tmp_path, "gtzan_genre")
    with pytest.raises(BenchmarkError, match=r"\."):
        TRANSFER.cells(config(data, **wrong))


def test_an_empty_folder_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="neither the published features nor a folder of audio"):
        TRANSFER.cells(config(tmp_path))


def test_the_modes_differ_in_named_options_which_can_be_set_otherwise(tmp_path: Path) -> None:
    data = made(tmp_path, "gtzan_speechmusic")
    base = config(data, features=("1",), methods=("svm",))
    published, corrected = run_all(base).values()
    assert "not scaled" in published.notes[1]
    assert "chosen on the folds that are reported" in published.notes[0]
    assert "scaled by the training part" in corrected.notes[1]
    assert "chosen inside the training part" in corrected.notes[0]
    as_published = {"scaled": False, "nested": False, "folds": "old", "weighted": True}
    _, same = run_all(replace(base, options=as_published)).values()
    assert replace(same, seconds=0.0) == replace(published, seconds=0.0)


@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_kind_of_task_is_learned_in_both_modes_and_by_both_methods(tmp_path: Path, name: str) -> None:
    asked = config(made(tmp_path, name), features=("mfcc+24",))
    for cell, result in run_all(asked).items():
        count = 20 if name == "jamendo_vd" else PLACES[name]
        regression = cell.task.startswith("emoMusic")
        assert len(result.predictions) == count == len({one.item for one in result.predictions})
        if not regression:
            right = np.mean([one.truth == one.said for one in result.predictions])
            score = result.scores[0]
            assert score.value == pytest.approx(right)  # folds are of one size here
            assert score.low is not None
            assert score.low <= score.value <= (score.high or 0) + 1e-9
            assert only(result, "accuracy") > 0.7
        elif cell.task == "emoMusic_a":
            assert only(result, "r2") > 0.3
            (score,) = result.scores
            assert score.low is not None
            assert score.high is not None
            assert score.low < score.value < score.high
            assert result.predictions[0].scores[0] == pytest.approx(float(result.predictions[0].said), abs=1e-5)


def test_the_same_is_computed_again_to_the_last_digit(tmp_path: Path) -> None:
    asked = config(made(tmp_path, "emoMusic"), tasks=("emoMusic_a",), features=("12",))
    one, two = ([replace(result, seconds=0.0) for result in run_all(asked).values()] for _ in range(2))
    assert one == two


def test_the_gentlest_linear_kernel_has_a_limit_of_its_own_on_unscaled_mfcc(tmp_path: Path) -> None:
    data = made(tmp_path, "gtzan_speechmusic")
    base = config(data, features=("mfcc", "1"), methods=("svm",), modes=(PUBLISHED,), options={"iterations": 1})
    mfcc, layer = run_all(base).values()
    assert any(note.endswith("after 1 iterations (8,000,000 of linear, C=0.1, 200,000 with a larger C).") for note in mfcc.notes)
    assert any(note.endswith("after 1 iterations.") for note in layer.notes)
    (scaled, _) = run_all(replace(base, options={"iterations": 1, "scaled": True})).values()
    assert any(note.endswith("after 1 iterations.") for note in scaled.notes)


def test_a_cell_can_be_cancelled(tmp_path: Path) -> None:
    asked = config(made(tmp_path, "gtzan_speechmusic"), features=("1",))
    prepared, token = TRANSFER.prepare(asked, Token(), quiet), Token()
    token.cancel()
    with pytest.raises(Cancelled):
        TRANSFER.run(asked, TRANSFER.cells(asked)[0], prepared, token, quiet)


def test_features_that_were_not_published_are_refused_where_they_are_asked_for(tmp_path: Path) -> None:
    asked = config(made(tmp_path, "urbansound", mfcc=False), features=("mfcc",), methods=("knn",), modes=(PUBLISHED,))
    with pytest.raises(BenchmarkError, match="lack"):
        run_all(asked)


def test_files_that_are_damaged_or_do_not_fit_are_named(tmp_path: Path) -> None:
    folder = made(tmp_path, "gtzan_genre") / "gtzan_genre"
    task = tasks.task("gtzan_genre")
    assert feature_files.rows(folder, task).classes[:2] == ("blues", "classical")
    with pytest.raises(DataError, match="does not fit"):
        feature_files.features(folder, "1", 99)
    (folder / "layer_1.npy").write_bytes(b"no array")
    with pytest.raises(DataError, match=r"layer_1\.npy"):
        feature_files.features(folder, "2", 100)
    (folder / "labels.csv").write_text("filepath,genre\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"labels\.csv"):
        feature_files.rows(folder, task)


# The published features.


def settings_of(
    path: Path, task_id: str, key: str, points: tuple[grid.Point, ...], most_shared: int = 5000
) -> tuple[list[float], list[float]]:
    """The averages of some points over the paper's folds, and the values published."""
    task = tasks.task(task_id)
    folder = feature_files.folder_of(path / "transfer-features", task)
    if folder is None:
        pytest.skip("the published features are not among the real data")
    rows = feature_files.rows(folder, task)
    features = feature_files.features(folder, key, len(rows))
    scores, sizes = [], []
    for train, test in TRANSFER._folds(task, rows, "old"):  # type: ignore[attr-defined]
        fold = grid.Fold(features[train], rows.truth[train], features[test])
        regression = task.kind == tasks.REGRESSION
        limits = grid.Limits(most_shared=most_shared)
        said = grid.say(points, fold, regression=regression, limits=limits, check=Token().check).values
        scores.append([grid.score(rows.truth[test], row, regression=regression) for row in said])
        sizes.append(test.size)
    averages = [folds.average(each, sizes, weighted=True) for each in zip(*scores, strict=True)]
    return averages, [one.value for one in tables.values(task, key)]


P = grid.Point


@pytest.mark.parametrize(
    ("task", "key", "point"),
    [
        ("gtzan_genre", "12345", P("rbf", 32.0)),
        ("gtzan_genre", "1", P("linear", 32.0)),
        ("gtzan_genre", "2", P("linear", 32.0)),
        ("gtzan_genre", "3", P("rbf", 32.0, 2.0**-5)),
        ("gtzan_genre", "4", P("rbf", 8.0, 2.0**-5)),
        ("gtzan_genre", "5", P("rbf", 8.0, 2.0**-3)),
        ("gtzan_genre", "mfcc", P("rbf", 32.0, 2.0**-13)),
        ("gtzan_genre", "mfcc+12345", P("linear", 0.1)),
        ("gtzan_speechmusic", "12345", P("rbf", 2.0, 2.0**-5)),
        ("gtzan_speechmusic", "1", P("linear", 32.0)),
        ("gtzan_speechmusic", "mfcc", P("linear", 0.1)),
        ("gtzan_speechmusic", "5", P("linear", 0.1)),
        ("emoMusic_a", "12345", P("rbf", 32.0, 2.0**-13)),
        ("emoMusic_a", "15", P("linear", 8.0)),
        ("emoMusic_a", "1", P("linear", 8.0)),
        ("emoMusic_a", "2", P("linear", 2.0)),
        ("emoMusic_a", "3", P("rbf", 32.0, 2.0**-9)),
        ("emoMusic_a", "4", P("rbf", 8.0, 2.0**-9)),
        ("emoMusic_a", "5", P("rbf", 0.1, 2.0**-3)),
        ("emoMusic_a", "mfcc", P("rbf", 0.1, 2.0**-13)),
        ("emoMusic_v", "12345", P("rbf", 2.0)),
        ("emoMusic_v", "235", P("rbf", 8.0, 2.0**-7)),
        ("emoMusic_v", "1", P("rbf", 32.0, 2.0**-5)),
        ("emoMusic_v", "2", P("rbf", 2.0, 2.0**-3)),
        ("emoMusic_v", "3", P("rbf", 2.0, 2.0**-7)),
        ("emoMusic_v", "4", P("rbf", 2.0, 2.0**-7)),
        ("emoMusic_v", "5", P("rbf", 2.0, 2.0**-5)),
        ("emoMusic_v", "mfcc", P("rbf", 0.1, 2.0**-13)),
        ("jamendo_vd", "12345", P("rbf", 8.0, 2.0**-7)),
        ("jamendo_vd", "1234", P("linear", 0.1)),
        ("jamendo_vd", "124", P("linear", 8.0)),
        ("jamendo_vd", "1", P("linear", 32.0)),
        ("jamendo_vd", "mfcc", P("rbf", 2.0, 2.0**-13)),
        ("ballroom_extended", "12345", P("linear", 32.0)),
        ("ballroom_extended", "123", P("linear", 32.0)),
        ("ballroom_extended", "1", P("linear", 32.0)),
        ("urbansound", "4", P("rbf", 8.0, 2.0**-5)),
    ],
)
def test_published_values_are_met_at_the_settings_that_won(data_dir: Path, task: str, key: str, point: grid.Point) -> None:
    (value,), (expected,) = settings_of(data_dir, task, key, (point,))
    assert value == pytest.approx(expected, abs=1.5e-4 if task.startswith("emoMusic") else 0.5e-4)


def test_shared_kernels_say_of_real_features_what_libsvm_says_of_them_itself(data_dir: Path) -> None:
    some = (P("rbf", 32.0), P("rbf", 0.1, 2.0**-3), P("linear", 2.0))
    assert settings_of(data_dir, "gtzan_genre", "12345", some)[0] == settings_of(data_dir, "gtzan_genre", "12345", some, 0)[0]


def test_the_whole_grid_meets_speech_and_music(data_dir: Path) -> None:
    asked = config(data_dir / "transfer-features", tasks=("gtzan_speechmusic",), features=("12345", "1", "mfcc"), modes=(PUBLISHED,))
    found = {cell.features: only(result, "accuracy") for cell, result in run_all(replace(asked, methods=("svm",))).items()}
    assert found == pytest.approx({"12345": 1.0, "1": 127 / 128, "mfcc": 127 / 128})
