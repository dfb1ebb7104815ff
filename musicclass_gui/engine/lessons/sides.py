"""A classifier before and after a lesson as an examination wants it: heads, classes, and examples with their embeddings in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.classifier import Training
from musicclass_gui.engine.lessons.fetching import Reader
from musicclass_gui.engine.lessons.folds import chosen, groups_of
from musicclass_gui.engine.lessons.grounds import Ground
from musicclass_gui.engine.lessons.items import Item, Side
from musicclass_gui.engine.lessons.learning import head_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.lessons.learning import Learned
    from musicclass_gui.engine.lessons.outlook import Outlook
    from musicclass_gui.engine.project.rows import BaseRow, ExampleRow
    from musicclass_gui.engine.task import Token


Hear = Callable[[Any, int], "Embeddings | None"]
"""What a head's own encoder makes of an example that it holds out, by id; None where that is the encoder as it was published."""


def sides_of(outlook: Outlook, learned: Learned, token: Token, hear: Hear) -> tuple[Side | None, Side]:
    """Before (None: nothing had been taught) and after. Of very many examples a fair part is read, the same for both.

    A network that tuned its encoder is asked about what that encoder hears; the one before it about what its own heard.
    """
    project, number = outlook.project, outlook.now.id
    old, new = project.examples(number), outlook.examples()
    items = _Items(outlook, _fair([*new, *(one for one in old if one.id not in {row.id for row in new})]), token)
    head = head_of(project, number)
    heard = [_heard(item, learned.head, hear) for item in items.of(new)]
    after = Side(learned.head, outlook.classes(), heard, _base(outlook.bases()))
    if head is None:
        return None, after
    before = _Before(head, heard, hear) if getattr(head, "tail", {}) or getattr(learned.head, "tail", {}) else head
    return Side(before, project.classes(number), items.of(old), _base(project.bases(number))), after


def _heard(item: Item, head: Any, hear: Hear) -> Item:
    rows = hear(head, item.example) if item.example in getattr(head, "held_out", ()) else None
    return item if rows is None else replace(item, rows=rows, spans=item.spans[: len(rows)])


class _Before:
    """The former network, asked about windows as the present one's encoder hears them: it is given what its own heard of the same."""

    def __init__(self, head: Any, items: Sequence[Item], hear: Hear) -> None:
        self._head = head
        self._own: dict[bytes, Any] = {}
        for item in items:
            rows = hear(head, item.example) if item.example in head.held_out else None
            self._own |= {row.tobytes(): own for row, own in zip(item.rows, item.rows if rows is None else rows, strict=False)}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._head, name)

    def judge(self, x: Any) -> Any:
        """Log-scores and novelty, as a head gives them."""
        return self._head.judge(np.stack([self._own.get(row.tobytes(), row) for row in np.asarray(x, np.float32)]))


def _fair(examples: Sequence[ExampleRow]) -> set[int]:
    """The ids of those to look at."""
    groups = groups_of([one.hash for one in examples], [one.group for one in examples], ())
    keep = chosen([str(one.cls) for one in examples], groups)
    return {one.id for one, kept in zip(examples, keep, strict=True) if kept}


class _Items:
    """Examples with embeddings, each recording read once."""

    def __init__(self, outlook: Outlook, wanted: set[int], token: Token) -> None:
        self._reader, self._row, self._wanted = Reader(outlook.project, outlook.now, token), outlook.now, wanted
        self._paths = {row.hash: row.path for row in outlook.project.recordings()}
        self._made: dict[int, Item] = {}

    def of(self, examples: Iterable[ExampleRow]) -> list[Item]:
        """The examples that are looked at and have something to hear, with the classes that these rows give them."""
        found = [self._item(one) for one in sorted(examples, key=lambda one: (one.hash, one.id)) if one.id in self._wanted]
        return [item for item in found if len(item.rows)]

    def _item(self, example: ExampleRow) -> Item:
        known = self._made.get(example.id)
        if known is None or known.cls != str(example.cls):
            known = self._made[example.id] = self._read(example)
        return known

    def _read(self, example: ExampleRow) -> Item:
        rows, spans = self._reader.rows_and_spans(example)
        path = self._paths[example.hash]
        mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32) if len(rows) else np.zeros(self._row.dim, np.float32)
        return Item(
            example=example.id,
            cls=str(example.cls),
            group=example.group,
            hash=example.hash,
            name=path.name,
            path=str(path),
            start_s=example.start_s,
            end_s=example.end_s,
            rows=rows,
            mean=mean,
            spans=spans,
        )


def _base(bases: Iterable[BaseRow]) -> Training:
    """The recordings behind the bases in use, by class label; those of hidden classes are left out."""
    parts = [_of_ground(Ground(base)) for base in bases if base.active]
    parts = [part for part in parts if part.names]
    if not parts:
        return Training()
    names, labels = [name for part in parts for name in part.names], [label for part in parts for label in part.labels]
    return Training(names, labels, np.concatenate([part.means for part in parts]))


def _of_ground(ground: Ground) -> Training:
    training, mapping = ground.pack.training, ground.base.mapping
    kept = [place for place, label in enumerate(training.labels) if mapping.get(label) is not None]
    return Training([training.names[n] for n in kept], [str(mapping[training.labels[n]]) for n in kept], training.means[kept])
