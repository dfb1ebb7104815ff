"""Reads VocalSet for telling twenty singers apart. It has no split of its own; the protocols draw one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.readers import _vocalset
from musicclass_gui.engine.benchmark.readers._looking import About, Look, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND, WHERE, LAYOUT = "vocalset_singer", "VocalSet (singer)", "classes", _vocalset.WHERE, _vocalset.LAYOUT
CLASSES = _vocalset.SINGERS

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All recordings by their singer; context and technique are groups. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    for path, about in _vocalset.recordings(look):
        look.add(path, (about["singer"],), groups={"context": about["context"], "technique": about["technique"]})
    return look.found(CLASSES, [tally(look.items, "recordings", _vocalset.PUBLISHED)], decode=decode)
