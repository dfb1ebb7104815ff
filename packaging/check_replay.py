"""Measures replay fine-tuning on real recordings: does a network that learns two classes at a time still know the first ones?

`check_replay.py DATA [--orders N]`: DATA holds gtzan-mini and weights/mn04-as. Ten genres come in five lessons; of each genre one
file in seven is held out in turn, so that every file is tested once by a network that never heard it. R[t, k] is the accuracy on the
files of lesson k's genres after lesson t, among all genres taught until then.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
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
    from collections.abc import Callable

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.heads.replay import ReplayHead

    Course = list[list[TrainItem]]  # lessons
    Method = Callable[[Course], list[Scorer]]

ORDERS = (  # the continual-learning paper's three
    "metal pop country disco reggae rock blues classical hiphop jazz",
    "jazz rock classical hiphop reggae country metal blues pop disco",
    "hiphop metal reggae pop classical rock disco blues country jazz",
)
FOLDS = 7


@dataclass(frozen=True)
class Table:
    """`right` and `tested` `(lessons, lessons)` count files; row t after lesson t, column k of lesson k."""

    right: NDArray[np.float64]
    tested: NDArray[np.float64]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """R[t, k], NaN where lesson k had not been taught."""
        return np.where(self.tested > 0, self.right / np.maximum(self.tested, 1), np.nan)


def embedded(data: Path) -> list[TrainItem]:
    """Every track of gtzan-mini with its windows' embeddings; each is a group of its own."""
    encoder = encoders.load("mn04-as", weights=data / "weights" / "mn04-as" / "mn04_as_mAP_432.pt")
    spec, items = encoder.spec, []
    for number, path in enumerate(find_recordings([data / "gtzan-mini"])):
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


def joint(course: Course) -> list[Scorer]:
    """The same network, trained anew on all examples so far."""
    return [_train(None, [item for lesson in course[: t + 1] for item in lesson], [], Options()) for t in range(len(course))]


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


METHODS: dict[str, Method] = {
    "joint": joint,
    "naive": step_by_step(Options(budget=0, distillation=0), naive=True),
    "replay": step_by_step(Options(distillation=0)),
    "replay + distillation": step_by_step(Options()),
    "gaussian": gaussian,
}


def measure(method: Method, items: list[TrainItem], orders: tuple[str, ...] = ORDERS, folds: int = FOLDS) -> Table:
    """Over all orders and held-out files."""
    right, tested = np.zeros((2, 5, 5))
    for order in orders:
        for fold in range(folds):
            course, tests = _split(items, order.split(), fold)
            for t, head in enumerate(method(course)):
                for k in range(t + 1):
                    right[t, k] += sum(recognised(head, item) for item in tests[k])
                    tested[t, k] += len(tests[k])
    return Table(right, tested)


def recognised(head: Scorer, item: TrainItem) -> bool:
    """Whether the windows' mean scores name the file's class."""
    return head.classes[int(head.log_scores(item.rows).mean(axis=0).argmax())] == item.label


def _split(items: list[TrainItem], order: list[str], fold: int) -> tuple[Course, Course]:
    course, tests = [], []
    for first in range(0, len(order), 2):
        of_class = [[item for item in items if item.label == label] for label in order[first : first + 2]]
        course.append([item for one in of_class for place, item in enumerate(one) if place % FOLDS != fold])
        tests.append([item for one in of_class for item in one[fold::FOLDS]])
    return course, tests


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--orders", type=int, default=len(ORDERS))
    asked = parser.parse_args()
    items, finals = embedded(asked.data), {}
    for name, method in METHODS.items():
        began = time.perf_counter()
        table = measure(method, items, ORDERS[: asked.orders])
        finals[name] = table.matrix[-1]
        print(f"\n{name}: {(time.perf_counter() - began) / (5 * FOLDS * asked.orders):.2f} s per lesson; R[t, k] in per cent")
        for row in table.matrix:
            print("  " + " ".join("     ·" if np.isnan(x) else f"{100 * x:6.1f}" for x in row))
    print("\nafter the last lesson        all   first lesson's classes   of joint's")
    for name, row in finals.items():
        print(f"{name:25} {100 * row.mean():6.1f} {100 * row[0]:15.1f} {100 * row[0] / finals['joint'][0]:18.1f}")


if __name__ == "__main__":
    main()
