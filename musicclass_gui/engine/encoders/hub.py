"""What a Hugging Face repository has of an encoder's files: their addresses, sizes and sums, at one commit.

It asks through huggingface_hub, without anybody's token; `fetching` gets the bytes, because it can go on after a restart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.engine import offline
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

    from musicclass_gui.engine.encoders import WeightsFile, WeightsSource

_HOME = "https://huggingface.co"
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Wanted:
    """A file to fetch. `sums` is "" or its checksum: 64 hexadecimal digits of SHA-256, or 40 of git's SHA-1 of a blob.

    `size_bytes` 0 means that it is not known.
    """

    name: str
    url: str
    size_bytes: int = 0
    sums: str = ""


def files(source: WeightsSource) -> list[Wanted]:
    """The files of a hub's repository that an encoder needs; of interchangeable names the first that it has. Raises WeightsError."""
    with offline.hub_allowed():
        found = []
        revision = source.revision
        for file in source.files:
            wanted, revision = _first(source, file, revision)
            found.append(wanted)
        return found


def _first(source: WeightsSource, file: WeightsFile, revision: str) -> tuple[Wanted, str]:
    """The file and the commit that it is of, so that all are of the same one."""
    from huggingface_hub.errors import EntryNotFoundError

    for name in file.name.split("|"):
        try:
            return _wanted(source, file, name, revision)
        except EntryNotFoundError:
            continue
        except WeightsError:
            raise
        except Exception as error:  # a library of many layers, which can raise anything
            raise WeightsError(_sentence(source, name, error)) from error
    raise WeightsError(f"The repository {source.hub} has no {file.name.replace('|', ' or ')}; look at {source.home}.")


def _wanted(source: WeightsSource, file: WeightsFile, name: str, revision: str) -> tuple[Wanted, str]:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    home = os.environ.get("HF_ENDPOINT") or _HOME
    stated = get_hf_file_metadata(hf_hub_url(source.hub, name, revision=revision, endpoint=home), token=False, timeout=_PATIENCE_S)
    commit = stated.commit_hash or revision
    size, sums = _agreed(source, file, stated)
    return Wanted(name, hf_hub_url(source.hub, name, revision=commit, endpoint=home), size, sums), commit


def _agreed(source: WeightsSource, file: WeightsFile, stated: HfFileMetadata) -> tuple[int, str]:
    """Size and checksum that both the table and the hub state; what the table knows must be what the hub has."""
    size, sums = stated.size or 0, stated.etag or ""
    sums = sums if len(sums) in (40, 64) else ""
    if (file.size_bytes and size not in (0, file.size_bytes)) or (file.sha256 and len(sums) == 64 and sums != file.sha256):
        raise WeightsError(f"The repository {source.hub} now has another {file.name} than the one that is known; nothing was fetched.")
    return file.size_bytes or size, file.sha256 or sums


def _sentence(source: WeightsSource, name: str, error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return f"{name} could not be asked for at the repository {source.hub} ({reason}); check the connection and try again."
