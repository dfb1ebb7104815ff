"""Reads GTZAN: ten genres of 100 excerpts, with the fault-filtered split of 443, 197 and 290 recordings.

The lists that lie with the data come first; else the same lists, kept here as numbers. It knows no protocol.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID, Count, Found
from musicclass_gui.engine.benchmark.readers._looking import About, Look, split_counts, text, without_ending

if TYPE_CHECKING:
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "gtzan", "GTZAN", "classes"
WHERE = "Get it from huggingface.co/datasets/marsyas/gtzan (research use only)."
LAYOUT = (
    "A folder “genres” with one folder for each of the ten genres, or these ten folders themselves; recordings are named blues.00000.wav."
)
CLASSES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_EACH, _PUBLISHED = 100, (443, 197, 290)
_NAME = re.compile(rf"({'|'.join(CLASSES)})\.(\d{{5}})")
_LISTS = {TRAIN: "train_filtered.txt", VALID: "valid_filtered.txt", TEST: "test_filtered.txt"}


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All excerpts by genre and number; those that the lists leave out (repetitions and faults) have no split. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    files = look.files("genres", "genres_original", "Data/genres_original")
    splits = _splits(files.folder, look.folder)
    look.refuse_unless(any(_NAME.match(path.name) for path in files.paths), "it has no recordings with names such as blues.00000.wav")
    for name in _all_names(splits):
        genre = name.split(".")[0]
        if path := look.at(files, f"{genre}/{name}"):
            look.add(path, (genre,), split=splits.get(name, ""))
    counts = [Count("recordings", len(look.items), 1000), *split_counts(look.items, _PUBLISHED)]
    return look.found(CLASSES, counts, decode=decode)


def _all_names(splits: dict[str, str]) -> list[str]:
    numbered = {f"{genre}.{number:05}" for genre in CLASSES for number in range(_EACH)}
    return sorted(numbered | splits.keys())


def _splits(*folders: Path) -> dict[str, str]:
    """The part of each recording that the lists name, by its name without ending."""
    for folder in dict.fromkeys((*folders, *(folder.parent for folder in folders))):
        if all((folder / name).is_file() for name in _LISTS.values()):
            return {name: part for part, file in _LISTS.items() for name in _listed(folder / file)}
    return filtered()


def _listed(path: Path) -> list[str]:
    return [without_ending(line.strip()).split("/")[-1] for line in text(path, _ABOUT).splitlines() if line.strip()]


def filtered() -> dict[str, str]:
    """The fault-filtered split (Kereliuk, Sturm and Larsen 2015) by the recording's name without ending, such as "blues.00012"."""
    kept = json.loads(Path(__file__).with_name("gtzan_filtered.json").read_text(encoding="utf-8"))
    parts = (TRAIN, VALID, TEST)
    return {f"{genre}.{number:05}": part for part in parts for genre, spans in kept[part].items() for number in _numbers(spans)}


def _numbers(spans: str) -> list[int]:
    ends = [[int(end) for end in span.split("-")] for span in spans.split()]
    return [number for end in ends for number in range(end[0], end[-1] + 1)]
