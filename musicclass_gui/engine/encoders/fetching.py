"""Fetching weights when the user asks: plain https, with resume, progress, cancel and checksums.

Besides `hub`, which asks a hub what it has, this is the only module that touches the network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from musicclass_gui.engine import offline
from musicclass_gui.engine.encoders import hub, trust
from musicclass_gui.engine.encoders.hub import Wanted
from musicclass_gui.engine.encoders.weights import sha256, source_of
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    import httpx

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.task import Token

PART = ".part"
_CHUNK = 1 << 18
_CONNECT_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 30.0
_MOST_BYTES = 32 << 30  # more than any file of weights has; what has no end must not fill the disk


def fetch(spec: EncoderSpec, folder: Path, token: Token) -> Path:
    """Download the weights of `spec` to FOLDER/SUBFOLDER and return what `weights.find` gives for them; what is there and right is kept.

    Resumes an interrupted download. Progress and cancelling go through `token`. Raises WeightsError when it may not use the network, when
    the server, the network, the disk or a checksum fails, and Cancelled; then nothing is left under the files' own names but what was
    right before.
    """
    source = source_of(spec)
    if not source.can_be_fetched:
        raise WeightsError(f"The weights of {spec.id} cannot be fetched by a program; look at {source.home}.")
    offline.require_online(f"Fetching {spec.id}")
    target = folder / (source.folder or spec.of or spec.id)
    wanted = hub.files(source) if source.hub else [Wanted(file.name, file.url, file.size_bytes, file.sha256) for file in source.files]
    try:
        _fetch_all(wanted, target, token)
    except OSError as error:
        raise WeightsError(f"The weights of {spec.id} cannot be written to “{target}”: {error.strerror or error}.") from error
    trust.remember(spec, target)
    if trouble := trust.problem(spec, target):
        raise WeightsError(trouble)
    return target / wanted[0].name if len(wanted) == 1 else target


def _fetch_all(wanted: list[Wanted], folder: Path, token: Token) -> None:
    """Download every file under another name first, so that either all are there or none that is new."""
    missing = [file for file in wanted if not _is_right(folder / file.name, file)]
    _require_space(missing, folder)
    done, total = 0, sum(file.size_bytes for file in missing)
    for file in missing:
        (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
        _Download(file, folder / (file.name + PART), token, done, total).run()
        done += file.size_bytes
    for file in missing:
        (folder / (file.name + PART)).replace(folder / file.name)


def _require_space(missing: list[Wanted], folder: Path) -> None:
    standing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    needed = sum(max(0, file.size_bytes - _size(folder / (file.name + PART))) for file in missing)
    free = shutil.disk_usage(standing).free
    if needed > free:
        raise WeightsError(
            f"{needed / 1e6:,.0f} MB are needed in “{folder}”, where {free / 1e6:,.0f} MB are free; make room and try again."
        )


def _is_right(path: Path, file: Wanted) -> bool:
    """Whether a file is there and known to be the one; without anything known of it, none is."""
    return path.is_file() and bool(file.sums) and not _problem(path, file)


def _problem(path: Path, file: Wanted) -> str:
    """What is wrong with a download, or nothing. Raises OSError."""
    size = _size(path)
    if file.size_bytes and size != file.size_bytes:
        return f"it has {size:,} bytes instead of {file.size_bytes:,}"
    found = _git_sha1(path) if len(file.sums) == 40 else sha256(path)
    return "" if file.sums in ("", found) else "its checksum differs"


def _git_sha1(path: Path) -> str:
    """The name that git gives to a file's content, which hubs state for small files."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Download:
    """One file on its way to `part`; `done` bytes of `total` came before it."""

    def __init__(self, file: Wanted, part: Path, token: Token, done: int, total: int) -> None:
        self._file, self._part, self._token = file, part, token
        self._done, self._total = done, total

    def run(self) -> None:
        """Append to `part` until it holds the file, and check it; an interrupted one keeps what it has, a wrong one is thrown away."""
        import httpx

        held = self._resumable()
        try:
            if not held or held != self._file.size_bytes:
                with _request(self._file.url, held) as response:
                    self._receive(response, held)
        except httpx.HTTPStatusError as error:
            answer = f"{error.response.status_code} {error.response.reason_phrase}".strip()
            url = self._file.url
            raise WeightsError(f"{self._file.name} could not be downloaded: {url} answered “{answer}”; try again later.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{self._file.url}: {str(error) or type(error).__name__}"
            raise WeightsError(f"{self._file.name} could not be downloaded ({reason}); check the connection and try again.") from error
        self._accept()

    def _resumable(self) -> int:
        """How many bytes of an earlier try can be kept: none of a file that is too long, or of which nothing is known."""
        held = _size(self._part)
        if held <= self._file.size_bytes and self._file.sums:
            return held
        self._part.unlink(missing_ok=True)
        return 0

    def _receive(self, response: httpx.Response, held: int) -> None:
        if response.status_code == 416 or (response.status_code == 206 and not _starts_at(response, held)):
            self._part.unlink(missing_ok=True)
            raise WeightsError(f"{self._file.name} could not be resumed by its server; the next try starts from the beginning.")
        response.raise_for_status()
        resumed = response.status_code == 206
        with self._part.open("ab" if resumed else "wb") as file:
            self._copy(response, file, held if resumed else 0)
            file.flush()
            os.fsync(file.fileno())

    def _copy(self, response: httpx.Response, file: BinaryIO, received: int) -> None:
        most = self._file.size_bytes or _MOST_BYTES
        for chunk in response.iter_bytes(_CHUNK):
            self._token.check()
            file.write(chunk)
            received += len(chunk)
            if received > most:
                break
            self._report(received)
        if received < self._file.size_bytes:
            raise WeightsError(f"The download of {self._file.name} ended after {self._of(received)}; try again to go on from there.")

    def _report(self, received: int) -> None:
        fraction = (self._done + received) / self._total if self._file.size_bytes else float("nan")
        self._token.progress(fraction, f"{self._file.name}: {self._of(received)}")

    def _of(self, received: int) -> str:
        known = self._file.size_bytes
        return f"{received / 1e6:.1f} of {known / 1e6:.1f} MB" if known else f"{received / 1e6:.1f} MB"

    def _accept(self) -> None:
        """Keep a complete download under its working name, or throw it away."""
        if found := _problem(self._part, self._file):
            self._part.unlink()
            raise WeightsError(f"What was downloaded is not the published {self._file.name} ({found}); nothing was kept; try again.")


@contextmanager
def _request(url: str, held: int) -> Iterator[httpx.Response]:
    """The answer to a request for everything from byte `held` on."""
    import httpx

    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={held}-"} if held else {})}
    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        yield response


def _starts_at(response: httpx.Response, held: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {held}-")
