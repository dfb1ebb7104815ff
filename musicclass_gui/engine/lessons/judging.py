"""What a classifier says of examples that it did not learn from: held out fold by fold where it can unlearn, else those it never saw.

It gives scores; what is right and what follows from it is `examine`'s part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import pooling
from musicclass_gui.engine.heldout import Judged
from musicclass_gui.engine.lessons.roles import pulled, winning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.heads import Matrix
    from musicclass_gui.engine.lessons.items import Item, Side
    from musicclass_gui.engine.pooling import Cells
    from musicclass_gui.engine.task import Token


@dataclass(frozen=True, eq=False)
class Said:
    """What was said of each of n items. `scores` have a column for each of `labels`, the classes that can win; −inf where not `asked`."""

    labels: list[str]
    scores: Matrix  # (n, W)
    novelty: NDArray[np.float64]  # (n,)
    asked: NDArray[np.bool_]  # (n,) whether it was held out at all
    moments: dict[int, Cells]  # by item; empty unless they were wanted

    def score(self, item: int, label: str) -> float:
        """The score of a class; −inf for one that has no column."""
        return float(self.scores[item, self.labels.index(label)]) if label in self.labels else -np.inf

    def winner(self, item: int) -> str:
        """The label that won."""
        return self.labels[int(self.scores[item].argmax())]

    def judged(self, items: Sequence[int], truth: Sequence[str], group: NDArray[np.intp], columns: Sequence[str]) -> Judged:
        """Some of the items for calibration, among `columns`; `truth` and `group` go with `items`."""
        keep = [self.labels.index(label) for label in columns]
        cells = [self.moments[item] for item in items]
        return Judged(
            list(columns),
            np.asarray([list(columns).index(label) for label in truth], np.intp),
            np.unique(group, return_inverse=True)[1].astype(np.intp),
            self.scores[np.ix_(items, keep)],
            self.novelty[list(items)],
            np.repeat(np.arange(len(cells)), [int(part.covered.sum()) for part in cells]),
            np.concatenate([part.scores[part.covered][:, keep] for part in cells]),
            np.concatenate([part.novelty[part.covered] for part in cells]),
        )


def ask(side: Side, items: Sequence[Item], fold: NDArray[np.intp], token: Token, *, moments: bool = False) -> Said:
    """What `side` says of `items`, each while it does not know the items of the same `fold` (n,). Raises Cancelled."""
    columns = side.head.classes
    labels = [label for label in winning(side.classes) if label in columns]
    keep = [columns.index(label) for label in labels]
    said = Said(labels, np.full((len(items), len(labels)), -np.inf), np.zeros(len(items)), np.zeros(len(items), bool), {})
    for head, some in _heads(side, items, fold):
        token.check()
        scores, novelty = head.judge(np.concatenate([items[item].rows for item in some]))
        scores = pulled(scores, columns, side.classes)[:, keep]
        _note(said, items, some, scores, novelty, moments)
    return said


def _note(said: Said, items: Sequence[Item], some: list[int], scores: Matrix, novelty: NDArray[np.float64], moments: bool) -> None:
    """Write down what was said of some items' windows, which follow one another."""
    counts = np.asarray([len(items[item].rows) for item in some])
    starts = np.cumsum(counts) - counts
    said.scores[some] = np.add.reduceat(scores, starts) / counts[:, None]
    said.novelty[some] = np.add.reduceat(novelty, starts) / counts
    said.asked[some] = True
    for item, start, count in zip(some if moments else (), starts, counts, strict=False):
        here, loud = slice(start, start + count), np.ones(count, bool)
        said.moments[item] = pooling.cells(pooling.Readings(said.labels, items[item].spans, scores[here], novelty[here], loud))


def _heads(side: Side, items: Sequence[Item], fold: NDArray[np.intp]) -> Iterator[tuple[Any, list[int]]]:
    """Heads, each with the items that it does not know."""
    own = {item.example: item.cls for item in side.items}
    if side.network:
        held = set(side.head.held_out)
        unseen = [number for number, item in enumerate(items) if item.example in held or item.example not in own]
        yield from [(side.head, unseen)] if unseen else []
        return
    for number in np.unique(fold):
        some = np.flatnonzero(fold == number).tolist()
        head = side.head.copy()
        learned: dict[str, list[NDArray[np.float32]]] = {}
        for item in some:
            if items[item].example in own:
                learned.setdefault(own[items[item].example], []).append(items[item].rows)
        for label, rows in learned.items():
            head.unlearn(np.concatenate(rows), label)
        if sum(map(len, learned.values())) < len(own) or head.state()["count"].any():
            yield head, some
