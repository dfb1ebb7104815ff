"""Which encoders are here to hear with, to tag and to compare with words, told from the names of files alone: checksums are the worker's
matter. It is a glance that the window's process can afford at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine import encoders, places

if TYPE_CHECKING:
    from collections.abc import Collection

    from musicclass_gui.app.settings import Settings
    from musicclass_gui.engine.encoders import EncoderSpec

TAGS = "tags-"  # and an encoder's id: the classifier that gives its tags


def here(weights_folder: str) -> list[EncoderSpec]:
    """Every encoder that needs no weights, or whose files are where weights are looked for."""
    return [spec for spec in encoders.specs().values() if present(spec, weights_folder)]


def present(spec: EncoderSpec, weights_folder: str) -> bool:
    """Whether an encoder's files are where weights are looked for; one that needs none is always here."""
    return spec.weights is None or is_here(spec, weights_folder)


def is_here(spec: EncoderSpec, weights_folder: str) -> bool:
    """Whether an encoder's files are all in one of the folders that are looked into."""
    from musicclass_gui.engine.encoders import weights  # with all that reads weights; the first paint needs none of it

    source = weights.source_of(spec)
    folders = [folder for _, folder in weights.places_of(spec, places.weights_folders(weights_folder))]
    return any(all(weights.path_of(folder, file).exists() for file in source.files) for folder in folders)


def allowed(spec: EncoderSpec, agreed: Collection[str]) -> bool:
    """Whether an encoder may be used as far as its licence goes; the user `agreed` to those of these encoders."""
    return spec.weights is None or not spec.weights.restricted or spec.id in agreed


def choices(weights_folder: str, agreed: Collection[str] = ()) -> list[tuple[str, str]]:
    """Ids and titles of those that may be used, for a list to choose from."""
    return [(spec.id, f"{spec.title} ({spec.id})") for spec in here(weights_folder) if allowed(spec, agreed)]


def usable(spec: EncoderSpec, settings: Settings) -> bool:
    """Whether an encoder is here, and may be used as far as its licence goes."""
    return allowed(spec, settings.get("agreed")) and present(spec, settings.get("weights_folder"))


def taggers(settings: Settings) -> list[EncoderSpec]:
    """The encoders whose tags can be shown."""
    return [spec for spec in encoders.specs().values() if spec.tags and usable(spec, settings)]


def worders(settings: Settings) -> list[EncoderSpec]:
    """The encoders that can compare sound with words."""
    return [spec for spec in encoders.specs().values() if spec.words and usable(spec, settings)]


def tagger(settings: Settings) -> str:
    """The classifier that gives the tags that the user wants to see, or empty where there is none that can."""
    wanted = settings.get("tags")
    spec = encoders.specs().get(wanted) if wanted else None
    return f"{TAGS}{wanted}" if spec is not None and spec.tags and usable(spec, settings) else ""
