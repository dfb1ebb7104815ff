"""A web server on this machine that answers as a Hugging Face hub does: small files itself, large ones from another address."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 4096  # from this size on a file is kept elsewhere, and its checksum is SHA-256


@dataclass
class Hub:
    """One repository. `spoil` may change what is sent of a file, `cut` says after how many bytes the connection breaks."""

    files: dict[str, bytes]
    repository: str = "someone/model"
    url: str = ""
    store: str = ""  # another name of the same server: the library follows only what stays on one host
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    spoil: Callable[[str, bytes], bytes] = lambda _name, content: content
    cut: int = 0
    status: int = 0

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request as the hub would."""
        path = request.path.partition("?")[0]
        self.asked.append((request.command, path, request.headers.get("Range", "")))
        assert "authorization" not in {name.lower() for name in request.headers}
        if self.status:
            _send(request, self.status, {"X-Error-Message": "the hub is ill"})
        elif path.startswith("/store/"):
            self._content(request, path.removeprefix("/store/"))
        elif path.startswith(f"/{self.repository}/resolve/"):
            self._resolve(request, path.removeprefix(f"/{self.repository}/resolve/"))
        else:
            _send(request, 401, {"X-Error-Code": "RepoNotFound"})

    def _resolve(self, request: BaseHTTPRequestHandler, rest: str) -> None:
        revision, _, name = rest.partition("/")
        content = self.files.get(name)
        if revision not in ("main", COMMIT):
            _send(request, 404, {"X-Error-Code": "RevisionNotFound"})
        elif content is None:
            _send(request, 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        elif len(content) >= LARGE:
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"'}
            _send(request, 302, {"X-Repo-Commit": COMMIT, "Location": f"{self.store}/store/{name}", **linked})
        else:
            self._content(request, name)

    def _content(self, request: BaseHTTPRequestHandler, name: str) -> None:
        content = self.files[name]
        etag = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}
        sent, status = self.spoil(name, content), 200
        if asked := request.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(sent) - 1}/{len(sent)}"
            sent, status = sent[start:], 206
        whole = len(sent)
        if self.cut and request.command == "GET":
            sent = sent[: self.cut]
        _send(request, status, {**headers, "Content-Length": str(whole)}, sent)


def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes = b"") -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command == "GET":
        request.wfile.write(body)


@contextmanager
def imitated(files: dict[str, bytes]) -> Iterator[Hub]:
    """A hub with one repository, until the block ends."""
    hub = Hub(dict(files))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        def do_HEAD(self) -> None:
            hub.answer(self)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    hub.url, hub.store = (f"http://{host}:{server.server_port}" for host in ("127.0.0.1", "localhost"))
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
