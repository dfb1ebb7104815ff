"""Reads VocalSet for telling ten singing techniques apart; training and test have different singers (ISMIR 2024, their code)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import TEST, TRAIN, Count, Found
from musicclass_gui.engine.benchmark.readers import _vocalset
from musicclass_gui.engine.benchmark.readers._looking import About, Look, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.task import Token

ID, TITLE, KIND, WHERE, LAYOUT = "vocalset_technique", "VocalSet (technique)", "classes", _vocalset.WHERE, _vocalset.LAYOUT
CLASSES = ("vibrato", "straight", "belt", "breathy", "lip_trill", "spoken", "inhaled", "trill", "trillo", "vocal_fry")
TEST_SINGERS = frozenset(("female2", "female8", "male3", "male5", "male10"))
UNUSED_SINGERS = frozenset(("female4", "male8"))
"""Nobody says why the published code uses them nowhere; their recordings have no split."""

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_TRAINING, _TEST = 991 + 141, 435  # with the published validation part, which is drawn from training


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """The recordings of the ten techniques; a validation part has to be drawn from training. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    for path, about in _vocalset.recordings(look):
        if about["technique"] in CLASSES:
            groups = {"singer": about["singer"], "context": about["context"]}
            look.add(path, (about["technique"],), split=_split(about["singer"]), groups=groups)
    look.refuse_unless(look.items, "none of its recordings is of the ten techniques")
    return look.found(CLASSES, _counts(look), decode=decode)


def _split(singer: str) -> str:
    return "" if singer in UNUSED_SINGERS else (TEST if singer in TEST_SINGERS else TRAIN)


def _counts(look: Look) -> list[Count]:
    for_training = sum(item.split == TRAIN for item in look.items)
    for_test = sum(item.split == TEST for item in look.items)
    return [
        tally(look.items, "recordings of the ten techniques"),
        Count("recordings for training and validation", for_training, _TRAINING),
        Count("recordings for test", for_test, _TEST),
    ]
