"""Weights are fetched; every way that a download can go wrong ends in one sentence and nothing half-good."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource, fetching, weights
from musicclass_gui.engine.errors import Cancelled, WeightsError
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 8192  # 2 MiB
HALF = len(CONTENT) // 2
SPEC = EncoderSpec(
    id="made",
    version="1",
    title="Made for tests",
    sample_rate=8000,
    grid=Grid(1.0, 1.0),
    dim=4,
    licence="MIT",
    weights=WeightsSource(
        "http://nowhere.invalid",
        "MIT",
        (WeightsFile("made.bin", "http://nowhere.invalid/made.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()),),
    ),
)


@dataclass
class Home:
    """A web server for one file; `answer` may be replaced to misbehave."""

    url: str = ""
    ranges: list[str | None] = field(default_factory=list)
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        if self.answer is not None:
            self.answer(request)
        elif asked:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            respond(request, 206, CONTENT[start:], {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"})
        else:
            respond(request, 200, CONTENT)


def respond(
    request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None
) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body) if length is None else length), **(headers or {})}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


def cut_off(request: BaseHTTPRequestHandler) -> None:
    respond(request, 200, CONTENT[:HALF], length=len(CONTENT))


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    place = Home()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place.serve(self)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    place.url = f"http://127.0.0.1:{server.server_port}/made.bin"
    yield place
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(folder: Path, home: Home, token: Token | None = None) -> Path:
    source = weights.source_of(SPEC)
    at_home = replace(SPEC, weights=replace(source, files=(replace(source.files[0], url=home.url),)))
    return fetching.fetch(at_home, folder, token or Token())


def target(folder: Path) -> Path:
    return folder / "made" / "made.bin"


def part(folder: Path) -> Path:
    return folder / "made" / "made.bin.part"


def place(folder: Path, content: bytes = CONTENT) -> Path:
    target(folder).parent.mkdir(parents=True, exist_ok=True)
    target(folder).write_bytes(content)
    return target(folder)


def refused(folder: Path, home: Home, match: str) -> None:
    """A fetch fails with one sentence, and leaves nothing under the file's own name."""
    with pytest.raises(WeightsError, match=match) as caught:
        fetch(folder, home)
    assert "\n" not in str(caught.value)
    assert not target(folder).exists()


class TestFetch:
    def test_leaves_the_whole_file_and_no_other(self, tmp_path: Path, home: Home) -> None:
        path = fetch(tmp_path, home)
        assert path == target(tmp_path)
        assert path.read_bytes() == CONTENT
        assert list(path.parent.iterdir()) == [path]

    def test_reports_progress_up_to_the_end(self, tmp_path: Path, home: Home) -> None:
        heard: list[tuple[float, str]] = []
        fetch(tmp_path, home, Token(lambda fraction, text: heard.append((fraction, text))))
        fractions = [fraction for fraction, _ in heard]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        assert heard[-1][1] == "made.bin: 2.1 of 2.1 MB"

    def test_what_is_there_and_right_is_not_fetched_again(self, tmp_path: Path, home: Home) -> None:
        place(tmp_path)
        assert fetch(tmp_path, home) == target(tmp_path)
        assert home.ranges == []

    def test_what_is_there_and_wrong_is_replaced(self, tmp_path: Path, home: Home) -> None:
        place(tmp_path, b"half of it")
        assert fetch(tmp_path, home).read_bytes() == CONTENT

    def test_an_interrupted_download_goes_on_where_it_stopped(self, tmp_path: Path, home: Home) -> None:
        home.answer = cut_off
        refused(tmp_path, home, "could not be downloaded")
        assert part(tmp_path).read_bytes() == CONTENT[:HALF]
        home.answer = None
        assert fetch(tmp_path, home).read_bytes() == CONTENT
        assert home.ranges == [None, f"bytes={HALF}-"]

    def test_a_short_answer_without_a_length_can_be_resumed(self, tmp_path: Path, home: Home) -> None:
        def short(request: BaseHTTPRequestHandler) -> None:
            respond(request, 200, CONTENT[:HALF])

        home.answer = short
        refused(tmp_path, home, "ended after 1.0 of 2.1 MB")
        home.answer = None
        assert fetch(tmp_path, home).read_bytes() == CONTENT

    def test_cancelling_keeps_what_came_for_the_next_try(self, tmp_path: Path, home: Home) -> None:
        token = Token(lambda fraction, _: token.cancel() if fraction > 0.4 else None)
        with pytest.raises(Cancelled):
            fetch(tmp_path, home, token)
        assert not target(tmp_path).exists()
        assert 0 < part(tmp_path).stat().st_size < len(CONTENT)
        assert fetch(tmp_path, home).read_bytes() == CONTENT

    def test_a_server_that_cannot_resume_sends_it_all_again(self, tmp_path: Path, home: Home) -> None:
        place(tmp_path, CONTENT[:HALF]).rename(part(tmp_path))
        home.answer = lambda request: respond(request, 200, CONTENT)
        assert fetch(tmp_path, home).read_bytes() == CONTENT

    def test_a_complete_part_needs_no_download(self, tmp_path: Path, home: Home) -> None:
        place(tmp_path).rename(part(tmp_path))
        assert fetch(tmp_path, home).read_bytes() == CONTENT
        assert home.ranges == []

    def test_a_part_longer_than_the_file_is_thrown_away(self, tmp_path: Path, home: Home) -> None:
        place(tmp_path, CONTENT + b"more").rename(part(tmp_path))
        assert fetch(tmp_path, home).read_bytes() == CONTENT
        assert home.ranges == [None]

    @pytest.mark.parametrize("body", [b"\x00" * len(CONTENT), CONTENT + b"more"], ids=["other bytes", "too many bytes"])
    def test_a_file_that_is_not_the_published_one_is_not_kept(self, tmp_path: Path, home: Home, body: bytes) -> None:
        home.answer = lambda request: respond(request, 200, body)
        refused(tmp_path, home, "not the published made.bin")
        assert not part(tmp_path).exists()

    def test_a_part_of_another_file_is_found_out(self, tmp_path: Path, home: Home) -> None:
        place(tmp_path, b"\x00" * HALF).rename(part(tmp_path))
        refused(tmp_path, home, "checksum differs")
        assert fetch(tmp_path, home).read_bytes() == CONTENT

    @pytest.mark.parametrize("content_range", ["bytes 0-9/10", "", "nonsense"])
    def test_a_wrong_range_starts_over_next_time(self, tmp_path: Path, home: Home, content_range: str) -> None:
        place(tmp_path, CONTENT[:HALF]).rename(part(tmp_path))
        home.answer = lambda request: respond(request, 206, CONTENT[HALF:], {"Content-Range": content_range})
        refused(tmp_path, home, "could not be resumed")
        assert not part(tmp_path).exists()

    def test_a_range_that_the_server_refuses_starts_over_next_time(self, tmp_path: Path, home: Home) -> None:
        place(tmp_path, CONTENT[:HALF]).rename(part(tmp_path))
        home.answer = lambda request: respond(request, 416, b"")
        refused(tmp_path, home, "could not be resumed")
        home.answer = None
        assert fetch(tmp_path, home).read_bytes() == CONTENT

    @pytest.mark.parametrize(("status", "match"), [(404, "404 Not Found"), (500, "500 Internal Server Error"), (403, "403 Forbidden")])
    def test_what_the_server_answers_is_named(self, tmp_path: Path, home: Home, status: int, match: str) -> None:
        home.answer = lambda request: respond(request, status, b"sorry")
        refused(tmp_path, home, match)
        assert not part(tmp_path).exists()

    def test_redirects_are_followed(self, tmp_path: Path, home: Home) -> None:
        def redirect(request: BaseHTTPRequestHandler) -> None:
            home.answer = None
            respond(request, 302, b"", {"Location": "/elsewhere"})

        home.answer = redirect
        assert fetch(tmp_path, home).read_bytes() == CONTENT

    def test_a_redirect_that_never_ends_is_one_sentence(self, tmp_path: Path, home: Home) -> None:
        home.answer = lambda request: respond(request, 302, b"", {"Location": "/again"})
        refused(tmp_path, home, "redirect")

    def test_a_server_that_falls_silent(self, tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetching, "_READ_TIMEOUT_S", 0.2)
        awake = threading.Event()

        def stall(request: BaseHTTPRequestHandler) -> None:
            respond(request, 200, CONTENT[:HALF], length=len(CONTENT))
            awake.wait(10)

        home.answer = stall
        refused(tmp_path, home, "could not be downloaded")
        awake.set()
        assert part(tmp_path).stat().st_size <= HALF

    def test_no_one_answers(self, tmp_path: Path, home: Home) -> None:
        home.url = "http://127.0.0.1:9/made.bin"
        refused(tmp_path, home, "check the connection")

    @pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/made.bin", "http://["])
    def test_an_address_that_is_none(self, tmp_path: Path, home: Home, url: str) -> None:
        home.url = url
        refused(tmp_path, home, "could not be downloaded")

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path, home: Home) -> None:
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
        with pytest.raises(WeightsError, match="cannot be written"):
            fetch(blocked, home)

    def test_an_encoder_without_weights_has_none_to_fetch(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="no weights"):
            fetching.fetch(replace(SPEC, weights=None), tmp_path, Token())


class TestSeveralFiles:
    FILES = {"a.bin": CONTENT, "deep/b.bin": CONTENT[:5000], "c.txt": b"small"}

    def spec(self, home: Home, **sums: str) -> EncoderSpec:
        top = home.url.rpartition("/")[0]
        files = tuple(
            WeightsFile(name, f"{top}/{name}", len(content), sums.get(name, hashlib.sha256(content).hexdigest()))
            for name, content in self.FILES.items()
        )
        home.answer = lambda request: respond(request, 200, self.FILES[request.path[1:]])
        return replace(SPEC, weights=replace(weights.source_of(SPEC), files=files, folder="shared"))

    def test_all_come_and_their_folder_is_the_answer(self, tmp_path: Path, home: Home) -> None:
        heard: list[float] = []
        folder = fetching.fetch(self.spec(home), tmp_path, Token(lambda fraction, _: heard.append(fraction)))
        assert folder == tmp_path / "shared" == weights.find(self.spec(home), [tmp_path])
        assert {name: (folder / name).read_bytes() for name in self.FILES} == self.FILES
        assert heard == sorted(heard)
        assert heard[-1] == 1.0

    def test_while_one_is_wrong_none_has_its_name(self, tmp_path: Path, home: Home) -> None:
        with pytest.raises(WeightsError, match=r"not the published c\.txt"):
            fetching.fetch(self.spec(home, **{"c.txt": "0" * 64}), tmp_path, Token())
        assert {path.name for path in (tmp_path / "shared").rglob("*") if path.is_file()} == {"a.bin.part", "b.bin.part"}
        assert fetching.fetch(self.spec(home), tmp_path, Token()) == tmp_path / "shared"

    def test_a_file_of_which_nothing_is_known_comes_whole(self, tmp_path: Path, home: Home) -> None:
        file = WeightsFile("made.bin", home.url)
        spec = replace(SPEC, weights=replace(weights.source_of(SPEC), files=(file,)))
        place(tmp_path, CONTENT[:HALF]).rename(part(tmp_path))
        assert fetching.fetch(spec, tmp_path, Token()).read_bytes() == CONTENT
        assert home.ranges == [None]
