"""Which encoders a new classifier could hear with, told from the names of files alone: checksums are the worker's matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine import encoders, places
from musicclass_gui.engine.encoders import weights

if TYPE_CHECKING:
    from collections.abc import Collection

    from musicclass_gui.engine.encoders import EncoderSpec


def here(weights_folder: str) -> list[EncoderSpec]:
    """Every encoder that needs no weights, or whose files are where weights are looked for."""
    return [spec for spec in encoders.specs().values() if spec.weights is None or is_here(spec, weights_folder)]


def is_here(spec: EncoderSpec, weights_folder: str) -> bool:
    """Whether an encoder's files are all in one of the folders that are looked into."""
    source = weights.source_of(spec)
    folders = [folder for _, folder in weights.places_of(spec, places.weights_folders(weights_folder))]
    return any(all(weights.path_of(folder, file).exists() for file in source.files) for folder in folders)


def allowed(spec: EncoderSpec, agreed: Collection[str]) -> bool:
    """Whether an encoder may be used as far as its licence goes; the user `agreed` to those of these encoders."""
    return spec.weights is None or not spec.weights.restricted or spec.id in agreed


def choices(weights_folder: str, agreed: Collection[str] = ()) -> list[tuple[str, str]]:
    """Ids and titles of those that may be used, for a list to choose from."""
    return [(spec.id, f"{spec.title} ({spec.id})") for spec in here(weights_folder) if allowed(spec, agreed)]
