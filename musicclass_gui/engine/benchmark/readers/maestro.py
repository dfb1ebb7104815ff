"""Reads MAESTRO (versions 1, 2 and 3) by its table, for telling composers apart; which of them count is a protocol's business."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.readers._looking import SPLITS, About, Look, split_counts, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "maestro", "MAESTRO (composer)", "classes"
WHERE = "Get it from magenta.tensorflow.org/datasets/maestro (CC BY-NC-SA 4.0)."
LAYOUT = "The table maestro-v3.0.0.csv (or v2.0.0, v1.0.0) beside the recordings' folders, as the archive unpacks."

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_COLUMNS = ("canonical_composer", "canonical_title", "split", "audio_filename")
_PUBLISHED = {
    "maestro-v3.0.0.csv": (962, 137, 177),
    "maestro-v2.0.0.csv": (967, 137, 178),
    "maestro-v1.0.0.csv": (954, 105, 125),
}
"""Performances for training, validation and test of each version; the newest that is there is read."""


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All performances in the table's order, by composer; a piece is a composer and a title, and the title is a group of its own.

    Classes are by their number of performances, the most first. Raises DataError.
    """
    look = Look(_ABOUT, folder, token)
    files = look.files()
    for row in look.table(*_PUBLISHED, columns=_COLUMNS):
        if path := look.at(files, row["audio_filename"]):
            composer, title = row["canonical_composer"], row["canonical_title"]
            groups = {"piece": f"{composer}: {title}", "title": title, "year": row.get("year", "")}
            look.add(path, (composer,), split=SPLITS.get(row["split"], ""), groups=groups)
    published = next(count for name, count in _PUBLISHED.items() if (look.folder / name).is_file())
    return look.found(
        _classes(look), [tally(look.items, "performances", sum(published)), *split_counts(look.items, published)], decode=decode
    )


def _classes(look: Look) -> list[str]:
    return [composer for composer, _ in Counter(item.labels[0] for item in look.items).most_common()]
