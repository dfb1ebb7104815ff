"""What the leak detector is asked of this protocol's data, task by task. It judges nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark import leaks
from musicclass_gui.engine.benchmark.splits import Split
from musicclass_gui.engine.benchmark.transfer import feature_files, tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.protocol import Tell, Verdict
    from musicclass_gui.engine.benchmark.transfer.feature_files import Rows
    from musicclass_gui.engine.benchmark.transfer.folds import Fold
    from musicclass_gui.engine.benchmark.transfer.sources import Source
    from musicclass_gui.engine.task import Token

_KEYS = (tasks.LAYERS, tasks.MFCC)
_LEVELS = ("clear", "note", "leak")
_TWICE = "All features show such pairs: the data set holds these clips more than once, which is no fault of the features."
_COUNTED = ("exact", "near", "items")


def of_files(source: Source, rows: Rows, folds: Sequence[Fold], token: Token, tell: Tell) -> list[Verdict]:
    """Of published features: traces of their computation, and clips that are in the training and the test part of a fold."""
    keys = [key for key in _KEYS if feature_files.has(source.folder, key)]
    judged = [tuple(_of_key(source, rows, folds, key, token, tell)) for key in keys]
    twice = len(keys) > 1 and all(same.level == "leak" for _, same in judged)
    return [verdict for mark, same in judged for verdict in (mark, _of_the_data(same) if twice else same)]


def _of_the_data(same: Verdict) -> Verdict:
    """Of exact duplicates in all features: whose fault they are."""
    return replace(same, sentence=f"{same.sentence} {_TWICE}")


def _of_key(source: Source, rows: Rows, folds: Sequence[Fold], key: str, token: Token, tell: Tell) -> Iterator[Verdict]:
    token.check()
    tell(f"Looking for leaks in {source.task.title}, {key}.")
    features = feature_files.features(source.folder, key, len(rows))
    labels = [rows.classes[int(one)] for one in rows.truth] if rows.classes else ["all"] * len(rows)
    yield _named(leaks.fingerprint(features, labels), source, key)
    yield _named(_worst([leaks.duplicates(features, rows.keys, split) for split in _splits(rows, folds)]), source, key)


def of_items(source: Source, rows: Rows, folds: Sequence[Fold], items: Sequence[Item]) -> list[Verdict]:
    """Of audio: files, artists and pieces that are in the training and the test part of a fold; the worst fold speaks for all."""
    by_check: dict[str, list[Verdict]] = {}
    for split in _splits(rows, folds):
        for verdict in leaks.overlaps(items, split):
            by_check.setdefault(verdict.check, []).append(verdict)
    return [_named(_worst(those), source, "") for those in by_check.values()]


def _splits(rows: Rows, folds: Sequence[Fold]) -> Iterator[Split]:
    for number, (train, test) in enumerate(folds, 1):
        yield Split(tuple(rows.keys[i] for i in train), (), tuple(rows.keys[i] for i in test), f"fold {number} of {len(folds)}")


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The gravest; of those the one that counts most rows or items, and the number of folds that are as grave."""
    gravest = max(_LEVELS.index(verdict.level) for verdict in verdicts)
    same = [verdict for verdict in verdicts if _LEVELS.index(verdict.level) == gravest]
    worst = max(same, key=lambda verdict: sum(verdict.numbers.get(name, 0.0) for name in _COUNTED))
    if len(verdicts) == 1:
        return worst
    found = "found in none" if not gravest else f"in {len(same)}, of which this is the worst"
    return replace(worst, sentence=f"{worst.sentence} Of {len(verdicts)} folds: {found}.")


def _named(verdict: Verdict, source: Source, key: str) -> Verdict:
    """The same, saying of which task and features it is."""
    where = f"{source.task.title}, {key}" if key else source.task.title
    return replace(verdict, check=" ".join(filter(None, (verdict.check, source.task.id, key))), sentence=f"{where}: {verdict.sentence}")
