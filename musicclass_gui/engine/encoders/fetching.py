"""Fetching weights when the user asks: plain https, with resume, progress, cancel and checksums.

Besides `hub`, which asks a hub what it has, this is the only module that touches the network.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from musicclass_gui.engine.encoders.weights import problem, source_of
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    import httpx

    from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile
    from musicclass_gui.engine.task import Token

_CHUNK = 1 << 18
_CONNECT_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 30.0


def fetch(spec: EncoderSpec, folder: Path, token: Token, *, url: str | None = None) -> Path:
    """Download the weights of `spec` to FOLDER/ENCODER/FILE and return that path; what is already there is kept if right.

    Resumes an interrupted download. Progress and cancelling go through `token`. Raises WeightsError when the server,
    the network, the disk or the checksum fails, and Cancelled; then nothing is left under the file's own name.
    """
    source = source_of(spec).files[0]
    target = folder / (source_of(spec).folder or spec.id) / source.name
    if target.is_file() and problem(target, source) == "":
        return target
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(url or source.url, part, source, token)
        _accept(part, target, source)
    except OSError as error:
        raise WeightsError(f"The weights of {spec.id} cannot be written to “{target.parent}”: {error.strerror or error}.") from error
    return target


def _download(url: str, part: Path, source: WeightsFile, token: Token) -> None:
    """Append to `part` until it holds as many bytes as the source; an interrupted one keeps what it has."""
    import httpx

    held = _resumable(part, source)
    if held == source.size_bytes:
        return
    try:
        with _request(url, held) as response:
            _receive(response, part, held, source, token)
    except httpx.HTTPStatusError as error:
        answer = f"{error.response.status_code} {error.response.reason_phrase}".strip()
        raise WeightsError(f"{source.name} could not be downloaded: {url} answered “{answer}”; try again later.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"{url}: {str(error) or type(error).__name__}"
        raise WeightsError(f"{source.name} could not be downloaded ({reason}); check the connection and try again.") from error


def _resumable(part: Path, source: WeightsFile) -> int:
    """How many bytes of an earlier try can be kept; a file that is too long is thrown away."""
    held = part.stat().st_size if part.is_file() else 0
    if held <= source.size_bytes:
        return held
    part.unlink()
    return 0


@contextmanager
def _request(url: str, held: int) -> Iterator[httpx.Response]:
    """The answer to a request for everything from byte `held` on."""
    import httpx

    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={held}-"} if held else {})}
    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        yield response


def _receive(response: httpx.Response, part: Path, held: int, source: WeightsFile, token: Token) -> None:
    if response.status_code == 416 or (response.status_code == 206 and not _starts_at(response, held)):
        part.unlink(missing_ok=True)
        raise WeightsError(f"{source.name} could not be resumed by its server; the next try starts from the beginning.")
    response.raise_for_status()
    resumed = response.status_code == 206
    with part.open("ab" if resumed else "wb") as file:
        _copy(response, file, held if resumed else 0, source, token)


def _starts_at(response: httpx.Response, held: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {held}-")


def _copy(response: httpx.Response, file: BinaryIO, received: int, source: WeightsFile, token: Token) -> None:
    for chunk in response.iter_bytes(_CHUNK):
        token.check()
        file.write(chunk)
        received += len(chunk)
        if received > source.size_bytes:
            break
        token.progress(received / source.size_bytes, f"{source.name}: {_of(received, source)}")
    if received < source.size_bytes:
        raise WeightsError(f"The download of {source.name} ended after {_of(received, source)}; try again to go on from there.")


def _of(received: int, source: WeightsFile) -> str:
    return f"{received / 1e6:.1f} of {source.size_bytes / 1e6:.1f} MB"


def _accept(part: Path, target: Path, source: WeightsFile) -> None:
    """Give a complete download its own name, or throw it away."""
    found = problem(part, source)
    if found:
        part.unlink()
        raise WeightsError(f"What was downloaded is not the published {source.name} ({found}); nothing was kept; try again.")
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    part.replace(target)
