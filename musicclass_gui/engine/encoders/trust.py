"""Trust on first use: files whose sums nobody has published are known again by what they were when they were first used.

Embeddings are cached under an encoder's id and version, so other weights under the same id would mix two kinds of numbers. What was
first loaded or fetched is remembered, and files that are others later are refused until the user says that they are meant. Files are
hashed when their size or time has changed, and otherwise not.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.encoders import records
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.encoders import EncoderSpec

_RECORD = "digests.json"
Kept = dict[str, Any]


def problem(spec: EncoderSpec, folder: Path, *, thorough: bool = False) -> str:
    """Why the files of an encoder in `folder` are not those that were first used, as a sentence, or nothing.

    `thorough` hashes them though neither their size nor their time has changed.
    """
    known = _known(spec)
    for name, path in _files(spec, folder) if known else ():
        try:
            right = name not in known or (not thorough and _is_same(path, known[name])) or _is_right(spec, name, path, known[name])
        except OSError as error:
            return f"“{path}” cannot be read ({error.strerror or error}); allow reading it."
        if not right:
            return (
                f"“{path}” is another file than the one that was first used as {spec.id}, and answers of both would be mixed; if it is "
                f"meant, say “musicclass models verify {spec.id} --accept”, or add its folder under another name."
            )
    return ""


def remember(spec: EncoderSpec, folder: Path) -> None:
    """Remember the files in `folder` as those of the encoder, unless others already are."""
    known = _known(spec)
    new = {name: _entry(path) for name, path in _files(spec, folder) if name not in known}
    if new:
        _keep(spec, new)


def accept(spec: EncoderSpec, folder: Path) -> bool:
    """Take the files in `folder` for those of the encoder from now on; whether they are others than before. Raises WeightsError."""
    before = {name: kept.get("sha256") for name, kept in _known(spec).items()}
    new = {name: _entry(path) for name, path in _files(spec, folder)}
    records.change(_RECORD, lambda content: content.update({_key(spec): new}))
    return any(name in before and before[name] != kept["sha256"] for name, kept in new.items())


def forget(spec: EncoderSpec) -> None:
    """Forget what was first used. Raises WeightsError."""
    if _known(spec):
        records.change(_RECORD, lambda content: content.pop(_key(spec), None))


def _known(spec: EncoderSpec) -> Kept:
    kept = records.read(_RECORD)[0].get(_key(spec))
    return {name: one for name, one in kept.items() if isinstance(one, dict)} if isinstance(kept, dict) else {}


def _key(spec: EncoderSpec) -> str:
    return f"{spec.of or spec.id} {spec.version}"


def _files(spec: EncoderSpec, folder: Path) -> Iterator[tuple[str, Path]]:
    """The files that nobody has published a sum of, by their name in the table. `folder` is the file itself where there is one."""
    from musicclass_gui.engine.encoders.weights import files_in

    return ((file.name, path) for file, path in files_in(spec, folder) if not file.sha256 and path.is_file())


def _entry(path: Path) -> Kept:
    status = path.stat()
    return {"name": path.name, "sha256": _sha256(path), "path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _is_same(path: Path, kept: Kept) -> bool:
    """Whether nothing tells a file from the one that was used, so that it need not be hashed."""
    status = path.stat()
    return (str(path), status.st_size, status.st_mtime_ns) == (kept.get("path"), kept.get("size"), kept.get("mtime_ns"))


def _is_right(spec: EncoderSpec, name: str, path: Path, kept: Kept) -> bool:
    """Whether a file has the sum of the one that was used; then it need not be hashed again."""
    entry = _entry(path)
    if entry["sha256"] != kept.get("sha256"):
        return False
    _keep(spec, {name: entry})
    return True


def _sha256(path: Path) -> str:
    from musicclass_gui.engine.encoders.weights import sha256

    return sha256(path)


def _keep(spec: EncoderSpec, new: Kept) -> None:
    """Where nothing can be written, nothing is remembered: that is no reason not to go on."""
    with suppress(WeightsError):
        records.change(_RECORD, lambda content: content.setdefault(_key(spec), {}).update(new))
