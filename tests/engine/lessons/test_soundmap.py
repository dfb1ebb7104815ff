"""The sound map and “more like this”: near is what is near, and the legend says what that means."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.errors import Cancelled
from musicclass_gui.engine.heads.gaussian import GaussianHead
from musicclass_gui.engine.lessons.soundmap import alike, project_points, sound_map, span_mean, usual_distance
from musicclass_gui.engine.project.board import Point, SoundMap
from musicclass_gui.engine.project.rows import ClassifierRow, EmbeddedRow, RecordingRow
from musicclass_gui.engine.project.store import Project
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

DIM = 6


def points(count: int) -> list[Point]:
    return [Point(str(n), f"/{n}.wav", str(n), None, None, 0.0, 0.0, None, None) for n in range(count)]


def clusters(each: int = 12) -> NDArray[np.float64]:
    """Three groups far from one another."""
    random = np.random.default_rng(0)
    return np.concatenate([10 * np.eye(DIM)[n] + random.standard_normal((each, DIM)) for n in range(3)])


def places(found: SoundMap) -> NDArray[np.float64]:
    return np.array([(point.x, point.y) for point in found.points]).reshape(-1, 2)


def test_pca_keeps_distances_where_two_axes_are_all_there_is() -> None:
    rows = np.random.default_rng(1).standard_normal((20, 2)) @ np.random.default_rng(2).standard_normal((2, DIM))
    found = sound_map(points(20), rows, "pca")
    ours, theirs = (np.linalg.norm(x[:, None] - x[None], axis=2) for x in (places(found), rows))
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert found.legend.startswith("Both axes together show 100 % of the spread; distance means")
    assert [point.hash for point in found.points] == [str(n) for n in range(20)]


def test_pca_says_how_much_it_shows_and_does_not_depend_on_signs_or_chance() -> None:
    rows = clusters()
    found = sound_map(points(36), rows, "pca")
    from sklearn.decomposition import PCA

    share = PCA(2).fit(rows).explained_variance_ratio_.sum()
    assert f"show {round(100 * share)} % of" in found.legend
    assert sound_map(points(36), rows, "pca") == found
    np.testing.assert_allclose(places(sound_map(points(36), rows[::-1], "pca"))[::-1], places(found), atol=1e-8)


@pytest.mark.parametrize("how", ["pca", "tsne"])
def test_groups_stay_together(how: str) -> None:
    found = places(sound_map(points(36), clusters(), how))
    near = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.fill_diagonal(near, np.inf)
    assert (near.argmin(axis=1) // 12 == np.arange(36) // 12).all()


@pytest.mark.parametrize("how", ["pca", "tsne"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 8])
def test_few_sounds_and_the_same_sound_many_times(how: str, count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spread = places(sound_map(points(count), clusters()[:count], how))
        same = sound_map(points(count), np.ones((count, DIM)), how)
    assert spread.shape == (count, 2)
    assert np.isfinite(spread).all()
    assert not places(same).any()
    assert same.legend


def test_tsne_with_duplicates_is_repeatable_and_says_what_it_does_not_mean() -> None:
    rows = np.repeat(clusters(4), 3, axis=0)
    found = sound_map(points(36), rows, "tsne")
    assert np.isfinite(places(found)).all()
    assert sound_map(points(36), rows, "tsne") == found
    assert found.legend == "Neighbours are alike; distances between far groups and the sizes of groups mean nothing."


def test_it_is_drawn_where_the_head_measures() -> None:
    random = np.random.default_rng(3)
    rows = random.standard_normal((60, DIM)) * [100, 1, 1, 1, 1, 1]  # loud where it means nothing
    rows[:30, 1] += 8
    head = GaussianHead(DIM, target="diagonal")
    head.learn(rows[:30], "a")
    head.learn(rows[30:], "b")
    found = places(sound_map(points(60), rows, "pca", head))
    gap = abs(found[:30, 0].mean() - found[30:, 0].mean())
    assert gap > 4 * found[:30, 0].std()
    for how in ("pca", "tsne"):
        assert "closer together than new ones" in sound_map(points(60), rows, how, head).legend


def test_it_can_be_cancelled() -> None:
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        sound_map(points(3), clusters()[:3], "tsne", token=token)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.musicclass") as project:
        yield project


def add(project: Project, hash: str, rows: list[int], silent: tuple[int, ...] = ()) -> None:
    """A recording with windows of 2 s every second, each with a number for its place on a line."""
    data = np.outer(rows, np.ones(DIM)).astype(np.float32)
    loud = np.array([n not in silent for n in range(len(rows))])
    mean = data[loud].mean(axis=0) if loud.any() else np.zeros(DIM, np.float32)
    spans = [(float(n), float(n + 2)) for n in range(len(rows))]
    with project.writing():
        project.add_recording(RecordingRow(hash, project.path.parent / f"{hash}.wav", 1, 1, len(rows) + 1.0))
        project.add_embedding(EmbeddedRow(hash, data, spans, loud, mean), "e", "1", "2/1")


def classifier(project: Project, *taught: tuple[str, float | None, float | None]) -> ClassifierRow:
    with project.writing():
        number = project.add_classifier("my", "My", "e", "1", "2/1", DIM)
        cls = project.add_class(number, "oboe")
        project.set_class(cls, active=True)
        examples = [project.add_example(number, hash, start, end, "") for hash, start, end in taught]
        project.place_examples(examples, cls)
    return project.classifier(number)


def test_the_nearest_windows_without_the_own_and_without_overlaps(project: Project) -> None:
    add(project, "asked", [0, 0, 5, 9])
    add(project, "close", [1, 2, 40, 41])
    add(project, "hush", [0, 0], silent=(0, 1))
    add(project, "far", [100])
    row = classifier(project, ("close", None, None))
    found = alike(project, row, np.zeros(DIM), own=("asked", 0.0, 2.0))
    assert [(one.hash, one.start_s) for one in found] == [("close", 0.0), ("asked", 2.0), ("close", 2.0), ("far", 0.0)]
    assert [one.cls for one in found] == ["oboe", "", "oboe", ""]
    assert found[0].distance == pytest.approx(np.sqrt(DIM) / usual_distance(project, row, None))
    assert (found[0].end_s, found[0].name) == (2.0, "close.wav")
    assert len(alike(project, row, np.zeros(DIM), most=2)) == 2


def test_alike_is_measured_by_the_head(project: Project) -> None:
    add(project, "a", [1])
    row = classifier(project)
    head = GaussianHead(DIM)
    random = np.random.default_rng(0)
    head.learn(random.standard_normal((500, DIM)) * 3, "x")
    head.learn(random.standard_normal((500, DIM)) * 3 + 1, "y")
    [one] = alike(project, row, np.zeros(DIM), head=head)
    assert one.distance == pytest.approx(np.sqrt(DIM) / 3 / np.sqrt(2 * DIM), rel=0.1)


def test_one_is_how_far_two_sounds_of_a_class_usually_are(project: Project) -> None:
    random = np.random.default_rng(0)
    hashes = [f"r{number}" for number in range(40)]
    for hash in hashes:
        add(project, hash, [float(random.normal(0, 3))])
    row = classifier(project, *((hash, None, None) for hash in hashes))
    _, means = project.means("e", "1", "2/1")
    pairs = [np.linalg.norm(one - other) for n, one in enumerate(means) for other in means[:n]]
    assert usual_distance(project, row, None) == pytest.approx(np.sqrt(np.mean(np.square(pairs))), rel=1e-6)
    head = GaussianHead(DIM)
    x = random.standard_normal((4000, DIM)) * 3
    head.learn(x[:2000], "x")
    head.learn(x[2000:] + 5, "y")
    white = head.whiten(x[:2000])
    apart = np.sqrt(np.mean(np.sum((white[:1000] - white[1000:]) ** 2, axis=1)))
    assert apart == pytest.approx(usual_distance(project, row, head), rel=0.05)


def test_points_of_a_project_and_of_the_spans_in_it(project: Project) -> None:
    for hash in ("a", "b", "c"):
        add(project, hash, [1, 2, 30, 40])
    row = classifier(project, ("a", None, None), ("b", 2.0, 4.0))
    [cls] = project.classes(row.id)
    found, rows = project_points(project, row, {"c": cls.id})
    assert [(point.hash, point.start_s, point.cls, point.said) for point in found] == [
        ("a", None, cls.id, None), ("b", None, None, None), ("c", None, None, cls.id), ("b", 2.0, cls.id, None),
    ]  # fmt: skip
    np.testing.assert_allclose(rows[:, 0], [18.25, 18.25, 18.25, np.mean([2, 30, 40])])
    assert project.reads == 1


def test_points_of_an_empty_project(project: Project) -> None:
    found, rows = project_points(project, classifier(project))
    assert (found, rows.shape) == ([], (0, DIM))


def test_the_mean_of_a_silent_span(project: Project) -> None:
    add(project, "a", [1, 2], silent=(0, 1))
    embedded = project.embedded("a", "e", "1", "2/1")
    assert embedded is not None
    assert span_mean(embedded, None, None) is None
