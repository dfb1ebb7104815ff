"""What all readers share: finding recordings by listed names, naming what is missing, and proving that what is there can be decoded.

A recording that is not there or cannot be decoded is named and left out; it never becomes silence. It must not know any one data set.
"""

from __future__ import annotations

import csv
import os
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from musicclass_gui.engine.audio_paths import AUDIO_SUFFIXES, find_recordings
from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID, Count, Found, Item
from musicclass_gui.engine.errors import AudioError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from musicclass_gui.engine.task import Token

NAMED = 10
"""So many names are listed before the rest is counted."""

SPLITS = {
    **dict.fromkeys(("train", "training", "dev", "development"), TRAIN),
    **dict.fromkeys(("valid", "validation", "val"), VALID),
    **dict.fromkeys(("test", "testing", "evaluation", "eval"), TEST),
}
"""What publishers call the parts of a split."""

_THREADS, _BATCH = 8, 64
_LONGEST_FIELD = 1 << 24  # FMA's table holds biographies


@dataclass(frozen=True)
class About:
    """What a reader's module says of its data set (see `data.Reader`)."""

    id: str
    title: str
    kind: str
    where: str
    layout: str

    def refusal(self, folder: Path, why: str) -> DataError:
        """One sentence on why a folder is not this data set, and what to do."""
        what_to_do = f"choose another folder, or {self.where[0].lower()}{self.where[1:]}"
        return DataError(f"“{folder}” does not look like {self.title}, because {why}; {what_to_do}")


class Files:
    """All recordings below a folder, found by their listed name whatever their format: a.flac is there where a list says a.wav."""

    def __init__(self, folder: Path, token: Token) -> None:
        self.folder = folder
        there = find_recordings([folder], token)
        self.paths = [path for path in there if _is_text(path)]
        self.nameless = len(there) - len(self.paths)
        self._exact = {plain(path.relative_to(folder).as_posix()): path for path in self.paths}
        self._by_stem = {without_ending(name): path for name, path in reversed(self._exact.items())}

    def at(self, listed: str) -> Path | None:
        """The recording of that path below the folder, or one that differs in its ending alone."""
        name = plain(PurePosixPath(listed.replace("\\", "/")).as_posix())
        return self._exact.get(name) or self._by_stem.get(without_ending(name))

    def below(self, name: str) -> Iterator[Path]:
        """The recordings in a sub-folder, in natural order."""
        start = plain(name) + "/"
        return (path for listed, path in self._exact.items() if listed.startswith(start))


def _is_text(path: Path) -> bool:
    """Whether a path can be stored and shown; a file system may hold names that are just bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def without_ending(name: str) -> str:
    """A listed name without the ending of a recording: "blues.00000.wav" is "blues.00000", and that stays as it is."""
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path.with_suffix("")) if path.suffix.lower() in AUDIO_SUFFIXES else str(path)


def plain(name: str) -> str:
    """A name as it is compared: file systems differ in the case of letters and in how they write accents."""
    return unicodedata.normalize("NFC", name).casefold()


class Look:
    """One look through a folder: collects items, and what is missing, for `found` to make a report of."""

    def __init__(self, about: About, folder: Path, token: Token) -> None:
        self.about, self.folder, self.token = about, folder.absolute(), token
        self.items: list[Item] = []
        self.missing: list[str] = []
        self.undecodable: list[str] = []
        self.problems: list[str] = []
        if not (os.path.isdir(self.folder) and os.access(self.folder, os.R_OK | os.X_OK)):  # unlike pathlib's, they never raise
            raise DataError(f"“{folder}” is not a folder that can be read; choose the folder that holds {about.title}.")

    def key(self, path: Path) -> str:
        """The path below the data folder."""
        return path.relative_to(self.folder).as_posix()

    def files(self, *candidates: str) -> Files:
        """The recordings in the first of these sub-folders that is there, or in the folder itself."""
        self.token.progress(0.0, f"Looking through {self.about.title}")
        files = Files(next((self.folder / name for name in candidates if (self.folder / name).is_dir()), self.folder), self.token)
        if files.nameless:
            self.problems.append(f"Recordings left out because their names are not valid text: {files.nameless}; rename them.")
        return files

    def at(self, files: Files, listed: str) -> Path | None:
        """The recording of a listed name; None, and noted as missing, where it is not there."""
        path = files.at(listed)
        if path is None:
            self.missing.append(listed)
        return path

    def add(
        self,
        path: Path,
        labels: tuple[str, ...] = (),
        *,
        split: str = "",
        target: float | None = None,
        groups: dict[str, str] | None = None,
    ) -> None:
        """Take a whole recording; groups without a name are left out."""
        named = {kind: name for kind, name in (groups or {}).items() if name}
        self.items.append(Item(self.key(path), str(path), labels, target, split, named))

    def table(self, *candidates: str, columns: Sequence[str] = (), delimiter: str = ",") -> Iterator[dict[str, str]]:
        """The rows of the first of these tables that is there. Raises DataError when none is, or a column is missing."""
        path = next((self.folder / name for name in candidates if (self.folder / name).is_file()), None)
        if path is None:
            raise self.about.refusal(self.folder, f"it has no file “{candidates[0]}”")
        return table(path, self.about, columns, delimiter)

    def refuse_unless(self, condition: object, why: str) -> None:
        """Raise DataError when this is another data set."""
        if not condition:
            raise self.about.refusal(self.folder, why)

    def found(self, classes: Sequence[str], counts: Sequence[Count], *, decode: bool, kind: str = "") -> Found:
        """The report. With `decode` what cannot be decoded is named and left out. Raises DataError when nothing is left."""
        if self.missing:
            self.problems.append(listing(self.missing, "listed recording is not there", "listed recordings are not there"))
        self.refuse_unless(
            self.items, f"none of its recordings is there ({self.problems[-1].rstrip('.')})" if self.problems else "it is empty"
        )
        self.problems += [_differs(count) for count in counts if count.published not in (0, count.found)]
        items = self._decodable() if decode else self.items
        about = self.about
        return Found(
            about.id, about.title, str(self.folder), kind or about.kind, tuple(classes), tuple(items), tuple(self.problems), tuple(counts),
            tuple(self.missing), tuple(self.undecodable),
        )  # fmt: skip

    def _decodable(self) -> list[Item]:
        reasons = undecodable({item.path: None for item in self.items}, self.token)
        if reasons:
            names = self.undecodable = [f"{self.key(Path(path))} ({reason})" for path, reason in reasons.items()]
            self.problems.append(
                listing(names, "recording cannot be decoded and is left out", "recordings cannot be decoded and are left out")
            )
        return [item for item in self.items if item.path not in reasons]


def _differs(count: Count) -> str:
    return f"{count.what[0].upper()}{count.what[1:]}: {count.found} found, {count.published} published."


def listing(names: Sequence[str], one: str, many: str) -> str:
    """A sentence that gives the number, the first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{len(names)} {one if len(names) == 1 else many}: {', '.join(names[:NAMED])}{more}."


def undecodable(paths: Iterable[str], token: Token) -> dict[str, str]:
    """Which files have no header or no first block that can be decoded, each with the reason. Raises Cancelled."""
    wanted = list(paths)
    reasons: dict[str, str] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(wanted), _BATCH):
            token.check()
            token.progress(start / len(wanted), f"Checking recordings: {start} of {len(wanted)}")
            batch = wanted[start : start + _BATCH]
            reasons.update({path: reason for path, reason in zip(batch, pool.map(_why_not, batch), strict=True) if reason})
    return reasons


def _why_not(path: str) -> str:
    """Why a file cannot be decoded, "" where it can."""
    from musicclass_gui.engine.audio import open_blocks, probe

    try:
        with open_blocks(probe(path)) as blocks:
            return "" if next(blocks, None) is not None else "it holds no sound"
    except AudioError as error:
        return str(error).rstrip(".")


def table(path: Path, about: About, columns: Sequence[str] = (), delimiter: str = ",") -> Iterator[dict[str, str]]:
    """The rows of a table by its column names, both without blanks around them. Raises DataError naming a missing column."""
    lines = rows(path, about, delimiter)
    header = [name.strip() for name in next(lines, [])]
    if lacking := [name for name in columns if name not in header]:
        raise about.refusal(path.parent, f"“{path.name}” has no column “{lacking[0]}”")
    blank = dict.fromkeys(header, "")
    return (blank | dict(zip(header, (value.strip() for value in line), strict=False)) for line in lines if line)


def rows(path: Path, about: About, delimiter: str = ",") -> Iterator[list[str]]:
    """The lines of a table in UTF-8. Raises DataError where it cannot be read."""
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.reader(file, delimiter=delimiter)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise about.refusal(path.parent, f"“{path.name}” cannot be read as a table ({error})") from error


def text(path: Path, about: About) -> str:
    """A text file in UTF-8. Raises DataError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise about.refusal(path.parent, f"“{path.name}” cannot be read ({error})") from error


def number(value: str, about: About, folder: Path, what: str) -> float:
    """A number of a table. Raises DataError naming what it was to be."""
    try:
        return float(value)
    except ValueError as error:
        raise about.refusal(folder, f"“{value}” is no number where the {what} should be") from error


def tally(items: Sequence[Item], what: str, published: int = 0) -> Count:
    """How many items there are."""
    return Count(what, len(items), published)


def split_counts(items: Sequence[Item], published: tuple[int, int, int]) -> list[Count]:
    """How many items there are for training, validation and test."""
    names = {TRAIN: "for training", VALID: "for validation", TEST: "for test"}
    return [
        Count(f"recordings {name}", sum(item.split == part for item in items), count)
        for (part, name), count in zip(names.items(), published, strict=True)
    ]
