"""The model manager: every encoder with its licence, its state, where it is and what it takes; and fetching, adding, checking, removing.

What the window and the command line show of encoders and do to them comes from here. It loads an encoder only to test it.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine import places
from musicclass_gui.engine.errors import EncoderError, MusicClassError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.task import Token


@dataclass(frozen=True)
class Check:
    """One line of a self-test: what was looked at, whether it is right, and what was found."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True)
class ModelRow:
    """An encoder as the manager shows it.

    `state` is "ready", "missing" (can be fetched or added), "partial" (a download can go on), "damaged" (see `detail`) or "built in"
    (needs no weights). `place` is its file or folder ("" while missing), `size_bytes` what it takes there or would take. `checks` are
    those of its self-test, empty until it was loaded for the first time. `own` ones were added by the user.
    """

    id: str
    title: str
    family: str
    state: str
    detail: str
    licence: str
    restricted: bool
    home: str
    place: str
    size_bytes: int
    can_fetch: bool
    can_remove: bool
    own: bool
    good_at: list[str]
    tags: str
    words: bool
    dim: int
    sample_rate: int
    window_s: float
    checks: list[Check]


def rows(weights_folder: str = "") -> list[ModelRow]:
    """Every encoder; `weights_folder` is the user's own folder of weights, "" for none."""
    from musicclass_gui.engine import encoders

    folders = places.weights_folders(weights_folder)
    return [_row(spec, folders) for spec in encoders.specs().values()]


def fetch(encoder_id: str, token: Token) -> ModelRow:
    """Download an encoder's weights into the program's own folder. Raises EncoderError, WeightsError, Cancelled."""
    from musicclass_gui.engine.encoders import fetching

    spec = _spec(encoder_id)
    fetching.fetch(spec, _own_folder(), token)
    return _row(spec, places.weights_folders())


def add(folder: Path, name: str, token: Token) -> ModelRow:
    """Put a folder of the user's to use, once it has been loaded and passed its test. Raises EncoderError, WeightsError, Cancelled."""
    from musicclass_gui.engine.encoders import registry

    token.progress(0.0, "Looking at the files")
    spec = registry.add_folder(folder, name)
    try:
        token.check()
        return verify(spec.id, "", token)
    except BaseException:
        with suppress(MusicClassError):
            _forget(spec)
        raise


def verify(encoder_id: str, weights_folder: str, token: Token, *, accept: bool = False, device: str = "cpu") -> ModelRow:
    """Hash an encoder's files again, load it and test it. Raises EncoderError and WeightsError with what is wrong, Cancelled.

    `accept` takes files that are others than those used first (see `encoders.trust`) for the right ones from now on.
    """
    from musicclass_gui.engine import offline
    from musicclass_gui.engine.encoders import selftest, table

    offline.guard()
    spec = _base(_spec(encoder_id))
    folders = places.weights_folders(weights_folder)
    token.progress(0.0, f"{spec.id}: looking at the files")
    place = _checked(spec, folders, accept=accept) if spec.weights else None
    token.check()
    token.progress(0.3, f"{spec.id}: loading")
    encoder = table.load(spec, device, place, fast=False)
    token.check()
    token.progress(0.7, f"{spec.id}: testing")
    selftest.passed(encoder, place)
    return _row(_spec(encoder_id), folders)


def remove(encoder_id: str) -> None:
    """Delete what was fetched of an encoder, and forget what was added; nothing else is touched. Raises EncoderError, WeightsError."""
    spec = _spec(encoder_id)
    if not _can_remove(spec):
        raise EncoderError(f"Nothing of {spec.id} was fetched or added by this program, so there is nothing to remove.")
    try:
        _delete_fetched(spec)
    except OSError as error:
        raise WeightsError(f"“{error.filename}” cannot be deleted ({error.strerror or error}).") from error
    _forget(spec)


def disk() -> tuple[int, int]:
    """How many bytes the fetched weights take, and how many are free where they are."""
    folder = _own_folder()
    standing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return sum(_size(path) for path in folder.rglob("*")) if folder.is_dir() else 0, shutil.disk_usage(standing).free


def answer(fields: dict[str, Any], token: Token) -> Any:
    """What another process asks: {"do": "rows"|"fetch"|"add"|"verify"|"remove"|"disk", …}, as JSON can hold it. Raises as they do."""
    from musicclass_gui.engine import offline, plain

    if "offline" in fields:
        offline.switch(bool(fields["offline"]))
    encoder_id, folder = fields.get("id", ""), fields.get("weights_folder", "")
    doing: dict[str, Any] = {
        "rows": lambda: rows(folder),
        "fetch": lambda: fetch(encoder_id, token),
        "add": lambda: add(Path(fields["folder"]), fields.get("name", ""), token),
        "verify": lambda: verify(encoder_id, folder, token, accept=bool(fields.get("accept")), device=fields.get("device", "cpu")),
        "remove": lambda: remove(encoder_id),
        "disk": disk,
    }
    return plain.to_plain(doing[fields["do"]]())


def _row(spec: EncoderSpec, folders: list[Path]) -> ModelRow:
    from musicclass_gui.engine.encoders import registry, selftest

    state, detail, place = _state(spec, folders)
    source = spec.weights
    return ModelRow(
        id=spec.id,
        title=spec.title,
        family=spec.family,
        state=state,
        detail=detail,
        licence=source.licence if source else f"{spec.licence}: it is a part of this program.",
        restricted=source is not None and source.restricted,
        home=source.home if source else "",
        place=str(place or ""),
        size_bytes=_taken(spec, place) or (source.size_bytes if source else 0),
        can_fetch=source is not None and source.can_be_fetched and not spec.of,
        can_remove=_can_remove(spec),
        own=registry.own(spec.id) is not None,
        good_at=list(spec.good_at),
        tags=spec.tags,
        words=spec.words,
        dim=spec.dim,
        sample_rate=spec.sample_rate,
        window_s=spec.grid.window_s,
        checks=selftest.found(_base(spec), place),
    )


def _state(spec: EncoderSpec, folders: list[Path]) -> tuple[str, str, Path | None]:
    """The state, a sentence on it where it is not right, and where the files are."""
    from musicclass_gui.engine.encoders import house, weights

    if spec.weights is None:
        lacking = house.missing() if spec.id == house.SPEC.id else ""
        return "missing" if lacking else "built in", lacking, None
    try:
        return "ready", "", weights.find(spec, folders)
    except WeightsError as error:
        if begun := weights.begun(spec, folders):
            return "damaged", str(error), begun
        if any(_parts(spec)):
            return "partial", f"A download of {spec.id} was interrupted; fetch it again to go on.", None
        return "missing", str(error), None


def _spec(encoder_id: str) -> EncoderSpec:
    from musicclass_gui.engine import encoders

    spec = encoders.find_spec(encoder_id)
    if spec is None:
        raise EncoderError(f"There is no encoder “{encoder_id}”; known are {', '.join(encoders.specs())}.")
    return spec


def _base(spec: EncoderSpec) -> EncoderSpec:
    """The encoder whose files these are: of a view, the one that it is of."""
    return _spec(spec.of) if spec.of else spec


def _checked(spec: EncoderSpec, folders: list[Path], *, accept: bool) -> Path:
    """Where the files are, every one of them hashed again. Raises WeightsError."""
    from musicclass_gui.engine.encoders import trust, weights

    weights.forget_sums()
    if accept:
        _accept(spec, folders)
    place = weights.find(spec, folders)
    if trouble := trust.problem(spec, place, thorough=True):
        raise WeightsError(trouble)
    return place


def _accept(spec: EncoderSpec, folders: list[Path]) -> None:
    """Take what is found for the right files, and drop what was computed with others."""
    from musicclass_gui.engine.cache import Cache
    from musicclass_gui.engine.encoders import trust, weights

    place = weights.begun(spec, folders)
    if place is not None and trust.accept(spec, place):
        cache = Cache(places.cache_dir())
        cache.forget_encoder(spec.id)
        cache.close()


def _own_folder() -> Path:
    return places.data_dir() / "weights"


def _can_remove(spec: EncoderSpec) -> bool:
    from musicclass_gui.engine.encoders import registry

    return registry.own(spec.id) is not None or registry.place(spec.id) is not None or any(_fetched(spec)) or any(_parts(spec))


def _fetched(spec: EncoderSpec) -> Iterator[Path]:
    """The files of an encoder in the program's own folder."""
    yield from _named(spec, "")


def _parts(spec: EncoderSpec) -> Iterator[Path]:
    """What interrupted downloads left there."""
    from musicclass_gui.engine.encoders.fetching import PART

    yield from _named(spec, PART)


def _named(spec: EncoderSpec, ending: str) -> Iterator[Path]:
    """Files of an encoder's names in the program's own folder; where that is a link to another one, they are not the program's."""
    from musicclass_gui.engine.encoders import opening

    if spec.weights is not None and not spec.of:
        folder = _own_folder() / (spec.weights.folder or spec.id)
        paths = (folder / (name + ending) for file in spec.weights.files for name in file.name.split("|"))
        yield from (path for path in paths if path.is_file() and opening.leads_inside(_own_folder(), path.parent))


def _delete_fetched(spec: EncoderSpec) -> None:
    """Delete an encoder's files but those that another one needs, which shares its folder and has more; and folders that are empty then."""
    from musicclass_gui.engine import encoders

    mine = {*_fetched(spec), *_parts(spec)}
    others = [set(_fetched(other)) for other in encoders.specs().values() if other.id != spec.id]
    needed = set().union(*(files for files in others if not files <= mine))
    gone = mine - needed
    for path in gone:
        path.unlink()
    for folder in {path.parent for path in gone}:
        with suppress(OSError):
            folder.rmdir()


def _forget(spec: EncoderSpec) -> None:
    from musicclass_gui.engine.encoders import registry, selftest, trust

    own = registry.own(spec.id) is not None
    registry.remove(spec.id)
    if not spec.of:
        selftest.forget(spec.id)
    if own and not spec.of:
        trust.forget(spec)


def _taken(spec: EncoderSpec, place: Path | None) -> int:
    from musicclass_gui.engine.encoders import weights

    return sum(_size(path) for _, path in weights.files_in(spec, place)) if place is not None else 0


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size if path.is_file() else 0
    return 0
