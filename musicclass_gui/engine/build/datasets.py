"""The recordings that the shipped classifiers are built from: which files, which class, which belong together, who is held out.

It reads file names and one table, no audio, and checks that they are as expected before hours are spent on them.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from musicclass_gui.engine.audio import AUDIO_SUFFIXES
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

_GENRE_SUFFIXES = (".flac", ".wav")
_STRANGERS = 40  # or fewer than twice as many
_OURS = "No recording is included: the sums, file names and mean embeddings here are this project's own results."
_IN_VIEW = "The head's settings, and the features of the encoder timbre, were chosen with these recordings in view, which flatters it too."
_SCALED = "The scales of the encoder timbre were measured on these clips among others, without their classes."
_FEWEST = 5  # to measure an encoder on that heard the others
_COLUMNS = ("canonical_composer", "canonical_title", "split", "audio_filename")


@dataclass(frozen=True)
class Example:
    """One recording. Recordings of one `group` (a piece, or the file itself) are never on both sides of a split.

    `heard` is one that the encoder was trained on, so that nothing is measured on it.
    """

    path: Path
    name: str
    label: str
    group: str
    held_out: bool = False
    heard: bool = False


@dataclass(frozen=True)
class Dataset:
    """Recordings for one classifier, and what its card must say of them.

    Where examples are held out, accuracy is measured on those; where none is, by leaving out one group at a time.
    """

    id: str
    title: str
    examples: list[Example]
    what: str
    licence: str
    split: str
    note: str
    strangers: dict[str, list[Path]]  # recordings of quite another sort, by what they are; a good head calls them none of these

    @property
    def classes(self) -> list[str]:
        """Class names in alphabetical order."""
        return sorted({example.label for example in self.examples})

    def described(self, copies: int) -> Dataset:
        """The same where each recording is learned `copies` times more, as it may come to a user."""
        said = f" Each was learned as it is and {copies} times quieter, through MP3 or in a room, by chance."
        return replace(self, what=self.what + said) if copies else self

    def learned(self) -> list[Example]:
        """The examples that the shipped head learns from."""
        return [example for example in self.examples if not example.held_out]

    def known_to(self, encoder: str, heard: Collection[str]) -> Dataset:
        """The same for an encoder that was trained on the recordings named in `heard`, without their suffixes.

        Raises DataError when too few are left to measure on.
        """
        examples = [replace(example, heard=example.path.stem in heard) for example in self.examples]
        known = sum(example.heard for example in examples)
        judged = [example for example in examples if example.held_out] or examples
        fresh = sum(not example.heard for example in judged)
        if known and fresh < _FEWEST:
            raise DataError(f"{encoder} was trained on all but {fresh} of these recordings; to measure it, others are needed.")
        strangers = {what: [path for path in paths if path.stem not in heard] for what, paths in self.strangers.items()}
        said = (
            f" {encoder} itself was trained on {known} of the recordings and, for a small part, on what class they are; all is measured "
            "on others, but classes that the head was not taught were not new to the encoder."
        )
        return replace(self, examples=examples, strangers=strangers, split=self.split + (said if known else ""))


def load(name: str, folder: Path) -> Dataset:
    """The data set `name` ("genre", "composer" or "instrument") in `folder`. Raises DataError when it is not there or not as expected."""
    if name not in DATASETS:
        raise DataError(f"No classifier “{name}” can be built; known are {', '.join(DATASETS)}.")
    dataset = DATASETS[name](folder)
    _check(dataset, folder)
    return dataset


def genre(folder: Path) -> Dataset:
    """GTZAN laid out as GENRE/GENRE.NNNNN.flac (or .wav), in `folder` or in its sub-folder gtzan-mini."""
    root = _sub_folder(folder, "gtzan-mini")
    files = sorted(
        path for path in root.glob("*/*") if path.suffix.lower() in _GENRE_SUFFIXES and path.name.startswith(f"{path.parent.name}.")
    )
    return Dataset(
        "genre",
        "Genre",
        [Example(path, path.name, path.parent.name, path.name) for path in files],
        what=f"GTZAN, {len(files)} of its recordings (Tzanetakis and Cook, 2002).",
        licence=f"The recordings are for research only. {_OURS}",
        split="By file: each recording is named by a head that learned from all others. GTZAN repeats artists, "
        f"and recordings of one artist may be on both sides, which flatters the accuracy. {_IN_VIEW}",
        note="",
        strangers={"sounds of single instruments (Freesound)": sorted(folder.glob("instruments/freesound10/*/*.opus"))},
    )


def composer(folder: Path) -> Dataset:
    """Recordings listed in maestro-v3.0.0.csv, in `folder` or in its sub-folder composers; its split column decides."""
    root = _sub_folder(folder, "composers")
    return Dataset(
        "composer",
        "Composer",
        list(listed(root, root / "maestro-v3.0.0.csv")),
        what="Performances by pianists (ASAP, MIDI), 30 s of each, played on one synthetic General MIDI piano.",
        licence=f"The performances are under CC BY-NC-SA 4.0. {_OURS}",
        split="By piece: no piece is on both sides. The head learned from the pieces marked train and validation, "
        f"and its accuracy is that on those marked test. {_IN_VIEW}",
        note="Synthetic piano timbre: learned from and measured on one General MIDI piano, never on recordings of real instruments.",
        strangers={"GTZAN recordings other than classical": sorted(_other_than("classical", folder))},
    )


def instrument(folder: Path) -> Dataset:
    """Clips laid out as CLASS/NAME, in `folder` or in its sub-folder instruments/freesound10."""
    root = _sub_folder(folder, "instruments/freesound10")
    files = sorted(path for path in root.glob("*/*") if path.suffix.lower() in AUDIO_SUFFIXES)
    return Dataset(
        "instrument",
        "Instrument",
        [Example(path, path.name, path.parent.name.replace("_", " "), path.name) for path in files],
        what=f"{len(files)} Freesound clips of one instrument each, by many recordists, at most 12 s.",
        licence=f"The clips are under Creative Commons licences; whose they are is not known here. {_OURS}",
        split="By file: each clip is named by a head that learned from all others. Clips of one recordist may be on both sides, "
        f"which flatters the accuracy. {_SCALED}",
        note="One instrument at a time: it learned no mixtures.",
        strangers={"GTZAN recordings": sorted(folder.glob("gtzan-mini/*/*.flac"))},
    )


DATASETS: dict[str, Callable[[Path], Dataset]] = {"genre": genre, "composer": composer, "instrument": instrument}


def thinned(strangers: list[Path]) -> list[Path]:
    """Evenly chosen ones of many: enough to measure on."""
    return strangers[:: max(1, len(strangers) // _STRANGERS)]


def _other_than(genre_name: str, folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("gtzan-mini/*/*.flac") if path.parent.name != genre_name)


def _sub_folder(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder} to build from; give the one that holds {name}.")
    return folder / name if (folder / name).is_dir() else folder


def listed(root: Path, table: Path) -> Iterator[Example]:
    """The recordings of a table with MAESTRO's columns, relative to `root`. Raises DataError in words for what is wrong with it."""
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read ({error}); it lists the recordings with their composers and split.") from error
    for number, row in enumerate(rows, 2):
        if not all(row.get(column) for column in _COLUMNS):
            raise DataError(f"Line {number} of {table} lacks one of {', '.join(_COLUMNS)}.")
        yield _example(root, row)


def _example(root: Path, row: dict[str, str]) -> Example:
    path = root / row["audio_filename"]
    if not path.resolve().is_relative_to(root.resolve()):
        raise DataError(f"The table lists {row['audio_filename']}, which is outside its folder {root}.")
    label = row["canonical_composer"]
    return Example(path, path.name, label, f"{label}: {row['canonical_title']}", row["split"] == "test")


def _check(dataset: Dataset, folder: Path) -> None:
    counts = Counter(example.label for example in dataset.learned())
    few = [label for label in dataset.classes if counts[label] < 2]
    if len(counts) < 2 or few:
        found = f"too few of {', '.join(few)}" if few else f"{len(dataset.examples)} recordings of {len(counts)} classes"
        raise DataError(f"{folder} has {found}; “{dataset.id}” needs at least two classes with two recordings each to learn from.")
    missing = [example.path for example in dataset.examples if not example.path.is_file()]
    if missing:
        raise DataError(f"{len(missing)} of {len(dataset.examples)} recordings are missing in {folder}, for example {missing[0]}.")
    both = {e.group for e in dataset.examples if e.held_out} & {e.group for e in dataset.examples if not e.held_out}
    if both:
        raise DataError(f"{len(both)} pieces are both learned from and held out, for example “{min(both)}”; the split must be by piece.")
