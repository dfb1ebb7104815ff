"""The encoders that the user added: own folders of a known family, and mixes of layers that were learned. They are in one JSON file.

What is in the file is checked like any stranger's: an entry that is not as it should be is left out, and `problem` says so. Adding
copies nothing, and removing deletes nothing of the user's.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from musicclass_gui.engine import plain
from musicclass_gui.engine.encoders import EncoderSpec, View, layers, opening, records, table, weights
from musicclass_gui.engine.errors import DataError, EncoderError, WeightsError

RECORD = "encoders.json"
_MODEL_TYPES = {"clap": "clap", "hubert": "hubert", "mert_model": "hubert"}
_SLOT = "onnx_slot"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_ID = 60
_MOST_DIM, _MOST_RATE, _MOST_S = 1 << 16, 400_000, 600.0


@dataclass(frozen=True)
class Own:
    """An encoder of the user's: where its files are, or None for a mix, which has its base's."""

    spec: EncoderSpec
    folder: Path | None


def rows() -> tuple[EncoderSpec, ...]:
    """The user's own encoders, in the order in which they were added."""
    return tuple(own.spec for own in _entries()[0])


def problem() -> str:
    """What is wrong with the file that they are remembered in, as a sentence, or nothing."""
    return records.read(RECORD)[1] or _entries()[1]


def own(encoder_id: str) -> Own | None:
    """One that the user added."""
    return next((entry for entry in _entries()[0] if entry.spec.id == encoder_id), None)


def place(encoder_id: str) -> Path | None:
    """The folder of the user's in which the files of an encoder are: of an own one, or of one of the table whose files were added."""
    entry = own(encoder_id)
    if entry is not None:
        return entry.folder
    said = _places().get(encoder_id)
    return Path(said) if isinstance(said, str) and said else None


def known(folder: Path) -> EncoderSpec | None:
    """The encoder of the table whose published files are in a folder, told by their sums."""
    return next((spec for spec in table.rows() if spec.weights and _holds(spec, folder)), None)


def _called(folder: Path, name: str) -> EncoderSpec | None:
    """The encoder of the table that is called so, if files of its names are in the folder, and nothing else is known of them."""
    spec = next((spec for spec in table.rows() if spec.id == name and spec.weights is not None), None)
    if spec is None or spec.weights is None or any(file.sha256 for file in spec.weights.files):
        return None
    return spec if all(weights.path_of(folder, file).is_file() for file in spec.weights.files) else None


def add_folder(folder: Path, name: str = "") -> EncoderSpec:
    """Put a folder of weights to use, as what it is if the table has it, else as an encoder of its own whose version is its files' digest.

    What the table has is told by its sums, or by `name` where its publisher's sums are not known.

    Raises WeightsError when it holds nothing that can be used, EncoderError when it was added before.
    """
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise WeightsError(f"“{folder}” is no folder; name the one that holds the model's files.")
    if (spec := known(folder) or _called(folder, name)) is not None:
        records.change(RECORD, lambda content: content.setdefault("places", {}).update({spec.id: str(folder)}))
        return spec
    wanted = _slug(name or folder.name)
    made = _described(folder, _free(wanted), name)
    twin = next((entry.spec for entry in _entries()[0] if entry.folder == folder and entry.spec.version == made.version), None)
    if twin is not None:
        raise EncoderError(f"“{folder}” was added before, as {twin.id}.")
    _append({"spec": plain.to_plain(made), "folder": str(folder)})
    return made


def add_mix(base_id: str, name: str, view: View) -> EncoderSpec:
    """A learned mix of a layered encoder's layers, as an encoder of its own. Raises EncoderError when there is no such encoder."""
    base = {spec.id: spec for spec in (*table.rows(), *rows())}.get(base_id)
    if base is None or base.layers is None or base.of:
        raise EncoderError(f"The encoder {base_id} has no layers to mix; see “musicclass models list”.")
    if len(view.weights) != base.layers.count:
        raise EncoderError(f"A mix of {base_id} needs {base.layers.count} weights, not {len(view.weights)}.")
    digest = hashlib.sha256(repr(view.weights).encode()).hexdigest()[:4]  # other weights under an earlier name must not pass for those
    made = layers.viewed(base, _free(f"{_slug(name)}-{digest}"), view, f"{name}: {base.title}, a mix of its layers")
    _append({"spec": plain.to_plain(made), "folder": ""})
    return made


def remove(encoder_id: str) -> bool:
    """Forget what was added under an id, and mixes of it; whether there was anything. The user's folder stays as it is."""
    found = own(encoder_id) is not None or encoder_id in _places()

    def edit(content: dict[str, Any]) -> None:
        kept = [entry for entry in _list(content) if not _is_of(entry, encoder_id)]
        content["encoders"] = kept
        if isinstance(content.get("places"), dict):
            content["places"].pop(encoder_id, None)

    if found:
        records.change(RECORD, edit)
    return found


def family_of(folder: Path) -> str:
    """Which family can load a folder, told by its description. Raises WeightsError."""
    if (folder / "preprocess.json").exists():
        return _SLOT
    if not (folder / "config.json").exists():
        raise WeightsError(f"“{folder}” has neither a config.json nor a preprocess.json, which say what kind of model it is.")
    kind = opening.config(opening.inside(folder, "config.json"), ("model_type",)).get("model_type")
    if kind not in _MODEL_TYPES:
        raise WeightsError(
            f"“{folder}” holds a model of the kind “{str(kind)[:40]}”; those of CLAP, HuBERT and MERT can be used, and ONNX files."
        )
    return _MODEL_TYPES[str(kind)]


def _described(folder: Path, encoder_id: str, title: str) -> EncoderSpec:
    """The encoder that a folder holds, with sizes and sums of its files as they are now; an ONNX model may have a title of its own."""
    family = family_of(folder)
    module: Any = import_module(f"musicclass_gui.engine.encoders.{family}")
    spec: EncoderSpec = module.spec_of(folder, encoder_id, title or ("" if family == _SLOT else folder.name))
    source = weights.source_of(spec)
    files = []
    for file in source.files:
        path = opening.inside(folder, weights.path_of(folder, file).relative_to(folder).as_posix())
        try:
            files.append(
                replace(file, name=path.relative_to(folder).as_posix(), size_bytes=path.stat().st_size, sha256=weights.sha256(path))
            )
        except OSError as error:
            raise WeightsError(f"“{path}” cannot be read ({error.strerror or error}); a folder of this kind needs it.") from error
    digest = hashlib.sha256("".join(f"{file.name} {file.sha256}\n" for file in files).encode()).hexdigest()[:8]
    return replace(spec, id=encoder_id, version=digest, family=family, weights=replace(source, files=tuple(files), hub="", folder=""))


def _holds(spec: EncoderSpec, folder: Path) -> bool:
    """Whether all files of an encoder are in a folder, and those whose sums are published are right, at least one of them."""
    pinned = [file for file in weights.source_of(spec).files if file.sha256]
    files = weights.files_in(spec, folder)
    if not pinned or not all(path.is_file() and opening.leads_inside(folder, path) for _, path in files):
        return False
    return not any(weights.problem(path, file) for file, path in files)


def _entries() -> tuple[tuple[Own, ...], str]:
    """What the file has that is valid, and a sentence on what is not; looked through again when the file has changed."""
    global _looked_through
    content = records.read(RECORD)[0]
    if _looked_through is None or _looked_through[0] is not content:
        _looked_through = (content, _valid(_list(content)))
    return _looked_through[1]


_looked_through: tuple[dict[str, Any], tuple[tuple[Own, ...], str]] | None = None


def _valid(entries: list[Any]) -> tuple[tuple[Own, ...], str]:
    found: dict[str, EncoderSpec] = {spec.id: spec for spec in table.rows()}
    good: list[Own] = []
    problem = ""
    for entry in entries:
        try:
            one = _own(entry, found)
        except (DataError, EncoderError, ValueError) as error:
            problem = f"An added encoder in “{records.place(RECORD)}” is left out ({error}); add it again."
        else:
            good.append(one)
            found[one.spec.id] = one.spec
    return tuple(good), problem


def _own(entry: Any, known_specs: dict[str, EncoderSpec]) -> Own:
    """An entry as an encoder. Raises DataError, EncoderError or ValueError with what is wrong."""
    if not isinstance(entry, dict) or not isinstance(entry.get("folder"), str):
        raise ValueError("it is not described")
    spec = plain.from_plain(EncoderSpec, entry.get("spec"))
    if not _ID.fullmatch(spec.id) or len(spec.id) > _LONGEST_ID or spec.id in known_specs:
        raise ValueError(f"its id “{spec.id[:_LONGEST_ID]}” is none, or is another’s")
    if spec.of:
        return Own(_mixed(spec, known_specs), None)
    _require_sane(spec)
    return Own(spec, Path(entry["folder"]))


def _mixed(spec: EncoderSpec, known_specs: dict[str, EncoderSpec]) -> EncoderSpec:
    """A mix, as what its base is now. Raises ValueError when the base is gone or another."""
    base = known_specs.get(spec.of)
    if base is None or base.layers is None or base.version != spec.version:
        raise ValueError(f"{spec.id} is a mix of {spec.of}, which is not there any more")
    if spec.view is None or len(spec.view.weights) != base.layers.count or not np.isfinite(spec.view.weights).all():
        raise ValueError(f"{spec.id} has no weights for the layers of {spec.of}")
    return layers.viewed(base, spec.id, spec.view, spec.title)


def _require_sane(spec: EncoderSpec) -> None:
    """Raise ValueError for what no encoder of the user's can be."""
    source = spec.weights
    right = {
        "family": spec.family in (*_MODEL_TYPES.values(), _SLOT),
        "size": 0 < spec.dim <= _MOST_DIM and 0 < spec.sample_rate <= _MOST_RATE and spec.grid.window_s <= _MOST_S,
        "files": source is not None
        and bool(source.files)
        and not source.can_be_fetched
        and all(_is_inner(file.name) for file in source.files),
        "layers": (spec.layers is None) == (spec.view is None),
    }
    if spec.layers is not None and spec.view is not None:
        right["layers"] = 0 < spec.layers.count == len(spec.view.weights) and layers.dim_of(spec.layers, spec.view) == spec.dim
    if wrong := [name for name, fine in right.items() if not fine]:
        raise ValueError(f"the {wrong[0]} of {spec.id} cannot be right")


def _is_inner(name: str) -> bool:
    """Whether a name is that of a file in or below a folder, on every system."""
    return bool(name) and not (PureWindowsPath(name).anchor or name.startswith("/") or ".." in PureWindowsPath(name).parts)


def _append(entry: dict[str, Any]) -> None:
    records.change(RECORD, lambda content: content.update(encoders=[*_list(content), entry]))


def _list(content: dict[str, Any]) -> list[Any]:
    found = content.get("encoders")
    return found if isinstance(found, list) else []


def _places() -> dict[str, Any]:
    found = records.read(RECORD)[0].get("places")
    return found if isinstance(found, dict) else {}


def _is_of(entry: Any, encoder_id: str) -> bool:
    spec = entry.get("spec") if isinstance(entry, dict) else None
    return isinstance(spec, dict) and encoder_id in (spec.get("id"), spec.get("of"))


def _slug(name: str) -> str:
    """A name as an id can have it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[: _LONGEST_ID - 8].strip("-") or "own"


def _free(wanted: str) -> str:
    """The id, with a number after it where it is taken."""
    taken = {spec.id for spec in (*table.rows(), *rows())}
    return next(name for number in range(1, len(taken) + 2) if (name := wanted if number == 1 else f"{wanted}-{number}") not in taken)
