"""What the methods are worth on real recordings, in the ways that papers measure it: lessons of classes, groups held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.fetching import rows_of
from musicclass_gui.engine.lessons.learning import head_of
from musicclass_gui.engine.lessons.plan import plan_drop
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.heads import Head
    from musicclass_gui.engine.project.store import Project

    Examples = list[tuple[str, np.ndarray]]  # class name, windows of one recording

FOLDS, DRAWS = 7, 6


def silently(_news: object) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def ears(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cache that all tests share, so that each recording is embedded once, and the folder of weights."""
    return tmp_path_factory.mktemp("ears"), str(data_dir / "weights")


def taught(ears: tuple[Path, str], project: Path, folders: list[list[Path]], method: str = "gaussian") -> Desk:
    """A project in which each list of folders was one lesson."""
    desk = Desk(ears[0], weights_folder=ears[1])
    desk.open(project, create=True)
    for lesson in folders:
        first = not desk.project.classifiers()
        wanted = Wanted(0, method=method, encoder="mn04-as") if first else Wanted(desk.project.classifiers()[0].id)
        desk.taught(plan_drop(lesson, budget_s=None), wanted, Token(), silently)
    return desk


def genres(data_dir: Path) -> list[Path]:
    return sorted(folder for folder in (data_dir / "gtzan-mini").iterdir() if folder.is_dir())


def named_head(project: Project) -> tuple[Head, list[str]]:
    """The head, and its classes' names in the order of its columns."""
    number = project.classifiers()[0].id
    names = {row.label: row.name for row in project.classes(number)}
    head = head_of(project, number)
    assert head is not None
    return head, [names[label] for label in head.classes]


def examples_of(project: Project) -> Examples:
    row = project.classifiers()[0]
    names = {one.id: one.name for one in project.classes(row.id)}
    found = []
    for one in project.examples(row.id):
        embedded = project.embedded(one.hash, row.encoder, row.encoder_version, row.grid)
        assert embedded is not None
        assert one.cls is not None
        found.append((names[one.cls], rows_of(embedded, None, None)))
    return found


def folds(labels: np.ndarray, seed: int) -> np.ndarray:
    """A fold for each recording, dealt out class by class."""
    chance, fold = np.random.default_rng(seed), np.zeros(len(labels), int)
    for label in np.unique(labels):
        members = chance.permutation(np.flatnonzero(labels == label))
        fold[members] = np.arange(len(members)) % FOLDS
    return fold


def accuracy(project: Project) -> float:
    """Right answers on recordings held out in seven folds, the mean of six draws of them."""
    (head, names), examples = named_head(project), examples_of(project)
    labels, column = np.array([label for label, _ in examples]), {name: label for name, label in zip(names, head.classes, strict=True)}
    right = []
    for seed in range(DRAWS):
        fold = folds(labels, seed)
        for number in range(FOLDS):
            without = head.copy()
            for place in np.flatnonzero(fold == number):
                without.unlearn(examples[place][1], column[labels[place]])
            for place in np.flatnonzero(fold == number):
                scores = without.log_scores(examples[place][1]).mean(axis=0)
                right.append(names[int(scores.argmax())] == labels[place])
    return float(np.mean(right))


@pytest.fixture(scope="module")
def gtzan(ears: tuple[Path, str], data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Desk]]:
    """GTZAN taught in five lessons of two genres, and at once; by two methods."""
    folder, all_genres = tmp_path_factory.mktemp("gtzan"), genres(data_dir)
    lessons = [all_genres[k : k + 2] for k in range(0, 10, 2)]
    desks = {
        "in lessons": taught(ears, folder / "lessons.musicclass", lessons),
        "at once": taught(ears, folder / "once.musicclass", [all_genres]),
        "centers": taught(ears, folder / "centers.musicclass", [all_genres], "centers"),
    }
    yield desks
    for desk in desks.values():
        desk.close()


def test_five_lessons_equal_one(gtzan: dict[str, Desk]) -> None:
    one_by_one, names = named_head(gtzan["in lessons"].project)
    at_once, others = named_head(gtzan["at once"].project)
    assert sorted(names) == sorted(others)
    assert len(names) == 10
    x = np.concatenate([rows for _, rows in examples_of(gtzan["at once"].project)])
    mine, theirs = one_by_one.log_scores(x), at_once.log_scores(x)[:, [others.index(name) for name in names]]
    assert np.abs(mine - theirs).max() <= 1e-6 * np.abs(theirs).max()
    assert (mine.argmax(axis=1) == theirs.argmax(axis=1)).all()


def test_the_gaussian_beats_the_centers_on_genres(gtzan: dict[str, Desk]) -> None:
    assert accuracy(gtzan["at once"].project) - accuracy(gtzan["centers"].project) >= 0.04


def test_the_gaussian_beats_the_centers_on_instruments(ears: tuple[Path, str], data_dir: Path, tmp_path: Path) -> None:
    folders = [[data_dir / "instruments" / "philharmonia"]]
    gaussian = taught(ears, tmp_path / "gaussian.musicclass", folders)
    centers = taught(ears, tmp_path / "centers.musicclass", folders, "centers")
    assert accuracy(gaussian.project) - accuracy(centers.project) >= 0.20
    gaussian.close()
    centers.close()


def some(data_dir: Path, folder: Path, *classes: str) -> Path:
    """The first six recordings of some instruments."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for file in sorted((data_dir / "instruments" / "freesound10" / name).iterdir())[:6]:
            (folder / name / file.name).write_bytes(file.read_bytes())
    return folder


def test_an_encoder_whose_end_learns_too(ears: tuple[Path, str], data_dir: Path, tmp_path: Path) -> None:
    desk = Desk(ears[0], weights_folder=ears[1])
    desk.open(tmp_path / "tuned.musicclass", create=True)
    wanted = Wanted(0, method="replay", encoder="mn04-as", options=(("unfreeze", 1), ("epochs", 3)))
    desk.taught(plan_drop([some(data_dir, tmp_path / "one", "Cello", "Hi_hat")], budget_s=None), wanted, Token(), silently)
    second = desk.taught(plan_drop([some(data_dir, tmp_path / "two", "Flute")], budget_s=None), Wanted(1), Token(), silently)
    assert {one.name for one in second.classes} == {"Cello", "Hi_hat", "Flute"}
    hats = next(one for one in second.classes if one.name == "Hi_hat")
    assert hats.before == hats.after == 1.0
    stranger = sorted((data_dir / "instruments" / "freesound10" / "Hi_hat").iterdir())[-1]
    request = Request(stranger, (), weights_folder=ears[1], picture=False, project=str(desk.project.path))
    [answer] = Analyst(ears[0]).analyse(request, Token(), silently)
    assert answer.ranking[0].label == "Hi_hat"
    desk.undo(Token())
    [answer] = Analyst(ears[0]).analyse(request, Token(), silently)
    assert {ranked.label for ranked in answer.ranking} == {"Cello", "Hi_hat"}
    desk.close()
