"""Weights files: finding them on disk, and telling whether they are the right ones.

Knows nothing of nets, and nothing of the network: `fetching` gets what is not there.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from musicclass_gui.engine.encoders import bounds, opening, trust
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource


def find(spec: EncoderSpec, folders: Sequence[Path], explicit: Path | None = None) -> Path:
    """What an encoder is loaded from: `explicit` if given, else where the user said that it is, else the first right one of `folders`.

    That is the file where the encoder has one, else the folder of its files. Sizes and sums are checked where they are known, so a damaged
    file does not hide one that was fetched because of it. Links that lead out of the folder are not followed. Raises WeightsError when
    there is none, or none that is the published one, or the one that was used first (see `trust`).
    """
    source = source_of(spec)
    problems = []
    for top, folder in [(explicit, explicit)] if explicit else [place for place in places_of(spec, folders) if _begun(place[1], source)]:
        place = explicit or _place(folder, source)
        trouble = _trouble(spec, top, folder) if explicit is None or len(source.files) > 1 else _file_trouble(spec, place)
        if not trouble:
            return place
        problems.append(trouble)
    raise WeightsError(problems[0] if problems else _missing(spec, folders))


def begun(spec: EncoderSpec, folders: Sequence[Path]) -> Path | None:
    """Where any of an encoder's files are first, whatever is in them: as `find` gives it."""
    source = source_of(spec)
    return next((_place(folder, source) for _, folder in places_of(spec, folders) if _begun(folder, source)), None)


def path_of(folder: Path, file: WeightsFile) -> Path:
    """Where one file of an encoder is: under the first of its interchangeable names that is there, else under the first."""
    paths = [folder / name for name in file.name.split("|")]
    return next(filter(_there, paths), paths[0])


def places_of(spec: EncoderSpec, folders: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Where the files of an encoder are looked for: folders, each after the one that links must not lead out of."""
    from musicclass_gui.engine.encoders import registry

    source = source_of(spec)
    said = registry.place(spec.of or spec.id)
    return [*([(said, said)] if said else []), *((top, top / (source.folder or spec.of or spec.id)) for top in folders)]


def files_in(spec: EncoderSpec, place: Path) -> list[tuple[WeightsFile, Path]]:
    """The files of an encoder in its folder, or the one that `place` is."""
    files = source_of(spec).files
    return [(files[0], place)] if len(files) == 1 and not place.is_dir() else [(file, path_of(place, file)) for file in files]


def source_of(spec: EncoderSpec) -> WeightsSource:
    """Where an encoder's weights come from. Raises WeightsError for one that has none."""
    if spec.weights is None:
        raise WeightsError(f"The encoder {spec.id} has no weights; there is nothing to fetch.")
    return spec.weights


def problem(path: Path, source: WeightsFile) -> str:
    """What is wrong with a file, or nothing."""
    try:
        size = bounds.file_size(path)
        if source.size_bytes and size != source.size_bytes:
            return f"it has {size:,} bytes instead of {source.size_bytes:,}"
        return "" if not source.sha256 or sha256(path) == source.sha256 else "its checksum differs"
    except ValueError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal digits. Raises OSError."""
    stat = path.stat()
    return _sha256(path, stat.st_mtime_ns, stat.st_size)


def forget_sums() -> None:
    """Hash files again though neither their size nor their time has changed."""
    _sha256.cache_clear()


@lru_cache(maxsize=256)
def _sha256(path: Path, mtime_ns: int, size: int) -> str:
    """Remembered by path, time and size, so that loading an encoder again hashes nothing."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _trouble(spec: EncoderSpec, top: Path, folder: Path) -> str:
    """A sentence on the first file that is wrong, or nothing."""
    source = source_of(spec)
    for file in source.files:
        path = path_of(folder, file)
        found = problem(path, file) if opening.leads_inside(top, path) else "it is a link that leads out of its folder"
        if found:
            return _wrong(spec, _place(folder, source), f"{path.name}: {found}" if len(source.files) > 1 else found)
    return trust.problem(spec, folder)


def _file_trouble(spec: EncoderSpec, file: Path) -> str:
    """As `_trouble`, for the one file that was named."""
    found = problem(file, source_of(spec).files[0])
    return _wrong(spec, file, found) if found else trust.problem(spec, file)


def _wrong(spec: EncoderSpec, place: Path, found: str) -> str:
    if _is_own(spec):
        return f"“{place}” is not what was added as {spec.of or spec.id}: {found}; add its folder again, under another name."
    again = "fetch it again" if source_of(spec).can_be_fetched else "get it again"
    return f"“{place}” is not the published {spec.id}: {found}; {again}."


def _is_own(spec: EncoderSpec) -> bool:
    from musicclass_gui.engine.encoders import registry

    return registry.own(spec.of or spec.id) is not None


def _begun(folder: Path, source: WeightsSource) -> bool:
    """Whether one of the files is there: a folder may be shared with other encoders."""
    return any(_there(path_of(folder, file)) for file in source.files)


def _place(folder: Path, source: WeightsSource) -> Path:
    return folder if len(source.files) > 1 else path_of(folder, source.files[0])


def _there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _missing(spec: EncoderSpec, folders: Sequence[Path]) -> str:
    source = source_of(spec)
    inside = source.files[0].name.partition("|")[0] if len(source.files) == 1 else ""
    looked = ", ".join(f"“{folder / inside}”" for _, folder in places_of(spec, folders)) or "no folder, since none is set"
    return f"The weights of {spec.id} are missing (looked at {looked}); {_advice(spec)}."


def _advice(spec: EncoderSpec) -> str:
    if _is_own(spec):
        return f"bring them back, or forget them with “musicclass models remove {spec.of or spec.id}”"
    if source_of(spec).can_be_fetched:
        return f"get them with “musicclass models fetch {spec.id}”"
    home = source_of(spec).home
    return f"get them from {home} and put them there, or name their folder with “musicclass models add FOLDER --name {spec.id}”"
