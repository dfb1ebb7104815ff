"""Files before they are known to be audio: opening them safely, naming what is wrong, hashing, and finding them in folders.

It must not know how audio is decoded; everything foreign that can go wrong with a path becomes an `AudioError` here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import FileIO

    from musicclass_gui.engine.task import Token

_SUFFIXES = """
    wav wave rf64 w64 flac mp3 mp2 mpga ogg oga opus spx aif aiff aifc au snd caf m4a m4b m4r aac alac wma
    mp4 m4v mov 3gp mkv mka webm asf wmv wv ape tta ac3 eac3 amr
"""
AUDIO_SUFFIXES: frozenset[str] = frozenset("." + name for name in _SUFFIXES.split())

_HASH_CHUNK = 1 << 21
_COPY_AGAIN = "copy or download it again"
_CHOOSE_OTHER = "choose another file"

_REASONS: dict[int, tuple[str, str]] = {
    errno.EACCES: ("you have no permission to read it", "change its permissions or copy it to a folder of your own"),
    errno.EPERM: ("you have no permission to read it", "change its permissions or copy it to a folder of your own"),
    errno.ENOENT: ("it is no longer there", "check whether it was moved, renamed or deleted"),
    errno.ENOTDIR: ("it is no longer there", "check whether it was moved, renamed or deleted"),
    errno.ELOOP: ("it is a link that leads back to itself", "choose the file that it should lead to"),
    errno.EISDIR: ("it is a folder", "choose a file in it, or open it as a folder"),
    errno.ENAMETOOLONG: ("its name is too long for this system", "rename it"),
    errno.EMFILE: ("too many files are open", "close other programs and try again"),
    errno.ENFILE: ("too many files are open", "close other programs and try again"),
}


def unreadable(path: Path | str, why: str, remedy: str) -> AudioError:
    """The error whose text says in one sentence that `path` cannot be read, why, and what to do."""
    return AudioError(f"“{shown_name(path)}” cannot be read because {why}; {remedy}.")


def shown_name(path: Path | str) -> str:
    """The file's name as it can be shown, also when its bytes are no valid text."""
    name = os.path.basename(os.path.normpath(path)) or str(path)
    return name.encode("utf-8", "replace").decode("utf-8", "replace")


@contextmanager
def naming_errors_of(path: Path | str) -> Iterator[None]:
    """Turns what the system says about `path` into an `AudioError`."""
    try:
        yield
    except OSError as error:
        raise unreadable(path, *_explain(path, error)) from error
    except ValueError as error:
        raise unreadable(path, "its name holds characters that no file name can have", _CHOOSE_OTHER) from error


def open_regular(path: Path | str) -> FileIO:
    """The file at `path`, unbuffered and at its start; never waits on a pipe or a device. Raises `AudioError`."""
    with naming_errors_of(path):
        _refuse_special(path)
        return open(path, "rb", buffering=0)


def content_hash(path: Path | str, token: Token | None = None) -> str:
    """The SHA-256 of the file's bytes, in hex. Raises `AudioError`, and `Cancelled` when the token says so."""
    digest = hashlib.sha256()
    with open_regular(path) as file, naming_errors_of(path):
        while chunk := file.read(_HASH_CHUNK):
            digest.update(chunk)
            if token is not None:
                token.check()
    return digest.hexdigest()


def find_recordings(paths: Iterable[Path], token: Token | None = None) -> list[Path]:
    """Files as given; folders searched with all below them, in natural order, for audio by name. Hidden ones are skipped.

    Raises `Cancelled` when the token says so.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        found.update(dict.fromkeys(_audio_below(path, token) if os.path.isdir(path) else [path]))
    return list(found)


def _audio_below(folder: Path, token: Token | None) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        if token is not None:
            token.check()
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural)
        for name in sorted(files, key=natural):
            path = Path(parent, name)
            if not name.startswith(".") and path.suffix.lower() in AUDIO_SUFFIXES and not _is_special(path):
                yield path


def _is_special(path: Path) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)  # unlike pathlib's, these never raise


def natural(name: str) -> list[tuple[int, int, str]]:
    """What to sort names by so that "2" comes before "10", whatever the case of letters."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]


def _refuse_special(path: Path | str) -> None:
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise unreadable(path, *_REASONS[errno.EISDIR])
    if not stat.S_ISREG(status.st_mode):
        raise unreadable(path, "it is a pipe or a device, not a file", _CHOOSE_OTHER)
    if status.st_size == 0:
        raise unreadable(path, "it is empty", _COPY_AGAIN)


def _explain(path: Path | str, error: OSError) -> tuple[str, str]:
    if error.errno == errno.ENOENT and os.path.islink(path):
        return "it is a link to a file that is not there", "choose the file itself"
    default = (f"the system reports “{error.strerror or error}”", "check the drive or network it is on and try again")
    return _REASONS.get(error.errno or 0, default)
