"""What a classifier says of examples that it did not learn from: held out fold by fold where it can unlearn, else those it never saw.

It gives scores; what is right and what follows from it is `examine`'s part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import pooling
from musicclass_gui.engine.heads.shown import ShownHead
from musicclass_gui.engine.heldout import Judged
from musicclass_gui.engine.lessons.roles import columns_of
from musicclass_gui.engine.pooling import Other

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.heads import Matrix
    from musicclass_gui.engine.heads.shown import Column
    from musicclass_gui.engine.lessons.items import Item, Side
    from musicclass_gui.engine.pooling import Cells
    from musicclass_gui.engine.task import Token


@dataclass(frozen=True, eq=False)
class Said:
    """What was said of each of n items, in columns as users are shown them: classes, background, then `others` that no class is."""

    labels: list[str]  # of the columns
    others: list[Other]
    scores: Matrix  # (n, columns) means over windows; −inf where not `asked`
    novelty: NDArray[np.float64]  # (n,)
    asked: NDArray[np.bool_]  # (n,) whether it was held out at all
    moments: dict[int, Cells]  # by item; empty unless they were wanted

    def score(self, item: int, label: str) -> float:
        """The score of a class; −inf for one that has no column."""
        return float(self.scores[item, self.labels.index(label)]) if label in self.labels else -np.inf

    def winners(self, items: Sequence[int]) -> list[str]:
        """The labels that win, as in an answer."""
        return [self.labels[column] for column in pooling.decided(self.scores[list(items)], self.others, 1.0)[1]] if items else []

    def judged(self, items: Sequence[int], truth: Sequence[str], group: NDArray[np.intp]) -> Judged:
        """Some of the items for calibration, among what can be answered and background; `truth` and `group` go with `items`."""
        first = len(self.labels) - len(self.others)
        rivals = [*range(first), *(column for column, other in enumerate(self.others, first) if other.of is None)]
        columns, cells = [self.labels[column] for column in rivals], [self.moments[item] for item in items]
        return Judged(
            columns,
            np.asarray([columns.index(label) for label in truth], np.intp),
            np.unique(group, return_inverse=True)[1].astype(np.intp),
            self.scores[np.ix_(items, rivals)],
            self.novelty[list(items)],
            np.repeat(np.arange(len(cells)), [int(part.covered.sum()) for part in cells]),
            np.concatenate([part.scores[part.covered][:, rivals] for part in cells]),
            np.concatenate([part.novelty[part.covered] for part in cells]),
        )


def ask(side: Side, items: Sequence[Item], fold: NDArray[np.intp], token: Token, *, moments: bool = False) -> Said:
    """What `side` says of `items`, each while it does not know the items of the same `fold` (n,). Raises Cancelled."""
    columns, others = _columns(side)
    scores = np.full((len(items), len(columns)), -np.inf)
    said = Said([one.label for one in columns], others, scores, np.zeros(len(items)), np.zeros(len(items), bool), {})
    for head, some in _heads(side, items, fold) if columns else ():
        token.check()
        _note(said, items, some, ShownHead(head, columns).judge(np.concatenate([items[item].rows for item in some])), moments)
    return said


def says(side: Side, rows: Embeddings) -> list[str]:
    """The labels that win for single rows `(n, dim)`, "" where nothing can."""
    columns = columns_of(side.head, side.classes)
    real = {one.label for one in side.classes if one.role == "class"}
    if not columns or not len(rows):
        return [""] * len(rows)
    others = [Other(column.name, column.of) for column in columns if column.label not in real]
    winners = pooling.decided(ShownHead(side.head, columns).log_scores(rows), others, 1.0)[1]
    return [columns[winner].label for winner in winners]


def _columns(side: Side) -> tuple[list[Column], list[Other]]:
    """The columns as they are shown, and those at their end that are no answers."""
    columns, real = columns_of(side.head, side.classes), {one.label for one in side.classes if one.role == "class"}
    return columns, [Other(column.name, column.of) for column in columns if column.label not in real]


def _note(said: Said, items: Sequence[Item], some: list[int], found: tuple[Matrix, NDArray[np.float64]], moments: bool) -> None:
    """Write down what was said of some items' windows, which follow one another: scores and novelties."""
    scores, novelty = found
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
