"""Reads UrbanSound8K: ten sounds of a city in ten folds, which are its publisher's and must not be mixed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.readers._looking import About, Look, tally

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "urbansound8k", "UrbanSound8K", "classes"
WHERE = "Get it from urbansounddataset.weebly.com (CC BY-NC 3.0)."
LAYOUT = "The table metadata/UrbanSound8K.csv, and the slices in audio/fold1 to audio/fold10."
CLASSES = (
    *("air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling"),
    *("engine_idling", "gun_shot", "jackhammer", "siren", "street_music"),
)

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_PUBLISHED = 8732


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All slices in the table's order; groups are the fold, "1" to "10", and the source that they were cut from. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    files = look.files("audio")
    for row in look.table("metadata/UrbanSound8K.csv", "UrbanSound8K.csv", columns=("slice_file_name", "fsID", "fold", "class")):
        look.refuse_unless(row["class"] in CLASSES, f"“{row['class']}” is none of its ten sounds")
        if path := look.at(files, f"fold{row['fold']}/{row['slice_file_name']}"):
            look.add(path, (row["class"],), groups={"fold": row["fold"], "source": row["fsID"]})
    return look.found(CLASSES, [tally(look.items, "slices", _PUBLISHED)], decode=decode)
