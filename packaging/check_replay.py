"""Measures replay fine-tuning on real recordings: does a network that learns two classes at a time still know the first ones?

`check_replay.py DATA [--orders N] [--seed N]`: DATA holds gtzan-mini, instruments/freesound10 and weights/mn04-as. Ten classes come in
five lessons; of each class one file in seven (instruments: in five) is held out in turn, so that every file is tested once by a network
that never heard it. R[t, k] is the accuracy on the files of lesson k's classes after lesson t, among all classes taught until then.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import encoders
from musicclass_gui.engine.audio import find_recordings
from musicclass_gui.engine.build.embedding import windows_of
from musicclass_gui.engine.heads.gaussian import GaussianHead
from musicclass_gui.engine.lessons.training import Options, TrainItem, train
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.heads.replay import ReplayHead

    Course = list[list[TrainItem]]  # lessons
    Method = Callable[[Course], list[Scorer]]


@dataclass(frozen=True)
class Data:
    """A folder of classes, the orders in which they are taught, and how many parts held out in turn."""

    folder: str
    orders: tuple[str, ...]
    folds: int


GENRES = Data(
    "gtzan-mini",
    (  # the continual-learning paper's three
        "metal pop country disco reggae rock blues classical hiphop jazz",
        "jazz rock classical hiphop reggae country metal blues pop disco",
        "hiphop metal reggae pop classical rock disco blues country jazz",
    ),
    7,
)
INSTRUMENTS = Data("instruments/freesound10", (), 5)


@dataclass(frozen=True)
class Table:
    """`right` and `tested` `(lessons, lessons)` count files; row t after lesson t, column k of lesson k."""

    right: NDArray[np.float64]
    tested: NDArray[np.float64]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """R[t, k], NaN where lesson k had not been taught."""
        return np.where(self.tested > 0, self.right / np.maximum(self.tested, 1), np.nan)


def embedded(data: Path, folder: str) -> list[TrainItem]:
    """Every recording with its windows' embeddings; each is a group of its own."""
    encoder = encoders.load("mn04-as", weights=data / "weights" / "mn04-as" / "mn04_as_mAP_432.pt")
    spec, items = encoder.spec, []
    for number, path in enumerate(find_recordings([data / folder])):
        windows = windows_of(path, spec.grid, spec.sample_rate, Token())
        items.append(TrainItem(number, path.parent.name, path.name, encoder.embed([window.samples for window in windows])))
    return items


def gaussian(course: Course) -> list[Scorer]:
    """Exact sums, which forget nothing."""
    head, heads = GaussianHead(course[0][0].rows.shape[1], normalise="l2", target="diagonal", independent=0.14), []
    for lesson in course:
        for item in lesson:
            head.learn(item.rows, item.label)
        heads.append(head.copy())
    return heads


def joint(options: Options) -> Method:
    """The same network, trained anew on all examples so far."""

    def taught(course: Course) -> list[Scorer]:
        return [_train(None, [item for lesson in course[: t + 1] for item in lesson], [], options) for t in range(len(course))]

    return taught


def step_by_step(options: Options, *, naive: bool = False) -> Method:
    """Each lesson goes on from the one before; a naive one does not even look at the old classes' held-out files."""

    def taught(course: Course) -> list[Scorer]:
        heads, old = [], []
        for lesson in course:
            heads.append(_train(heads[-1] if heads else None, lesson, [] if naive else old, options))
            old = [*old, *lesson]
        return heads

    return taught


def _train(before: ReplayHead | None, new: list[TrainItem], old: list[TrainItem], options: Options) -> ReplayHead:
    return train(before, new, old, options, Token(), lambda news: None)


def methods(seed: int = 0) -> dict[str, Method]:
    """What is compared."""
    options = Options(seed=seed)
    return {
        "joint": joint(options),
        "naive": step_by_step(replace(options, budget=0, distillation=0), naive=True),
        "replay": step_by_step(replace(options, distillation=0)),
        "replay + distillation": step_by_step(options),
        "gaussian": gaussian,
    }


def measure(method: Method, items: list[TrainItem], orders: Sequence[Sequence[str]], folds: int) -> Table:
    """Over all orders and held-out files."""
    right, tested = np.zeros((2, 5, 5))
    for order in orders:
        for fold in range(folds):
            course, tests = split(items, order, fold, folds)
            for t, head in enumerate(method(course)):
                for k in range(t + 1):
                    right[t, k] += sum(recognised(head, item) for item in tests[k])
                    tested[t, k] += len(tests[k])
    return Table(right, tested)


def recognised(head: Scorer, item: TrainItem) -> bool:
    """Whether the windows' mean scores name the file's class."""
    return head.classes[int(head.log_scores(item.rows).mean(axis=0).argmax())] == item.label


def orders_of(data: Data, items: list[TrainItem]) -> list[list[str]]:
    """The orders, or three by chance."""
    labels, random = sorted({item.label for item in items}), np.random.default_rng(0)
    return [order.split() for order in data.orders] or [random.permutation(labels).tolist() for _ in range(3)]


def split(items: list[TrainItem], order: Sequence[str], fold: int, folds: int) -> tuple[Course, Course]:
    """The lessons, and the held-out files of each."""
    course, tests = [], []
    for first in range(0, len(order), 2):
        of_class = [[item for item in items if item.label == label] for label in order[first : first + 2]]
        course.append([item for one in of_class for place, item in enumerate(one) if place % folds != fold])
        tests.append([item for one in of_class for item in one[fold::folds]])
    return course, tests


def report(data: Path, what: Data, count: int, seed: int) -> None:
    """Print the tables of one set."""
    items, finals = embedded(data, what.folder), {}
    orders = orders_of(what, items)[:count]
    print(f"\n{what.folder}: {len(items)} files, {len(orders)} orders, {what.folds} parts, seed {seed}")
    for name, method in methods(seed).items():
        began = time.perf_counter()
        table = measure(method, items, orders, what.folds)
        finals[name] = table.matrix[-1]
        print(f"\n{name}: {(time.perf_counter() - began) / (5 * what.folds * len(orders)):.2f} s per lesson; R[t, k] in per cent")
        for row in table.matrix:
            print("  " + " ".join("     ·" if np.isnan(x) else f"{100 * x:6.1f}" for x in row), flush=True)
    print("\nafter the last lesson          all   first lesson's classes   per cent of joint's")
    for name, row in finals.items():
        print(f"{name:25} {100 * row.mean():8.1f} {100 * row[0]:15.1f} {100 * row[0] / finals['joint'][0]:22.1f}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--orders", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    for what in (GENRES, INSTRUMENTS):
        report(asked.data, what, asked.orders, asked.seed)


if __name__ == "__main__":
    main()
