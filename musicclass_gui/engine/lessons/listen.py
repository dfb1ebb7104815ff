"""Listening to what is to be taught: recordings become embeddings in the project, each file as soon as it is through.

Files are read ahead in threads (`reading`), the encoder is given windows of one length from several files at once, and each file
that is through is kept in a transaction of its own, so that after any interruption nothing is computed again for it. A file
that cannot be used costs only itself. It knows nothing of classes and lessons.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.audio_paths import naming_errors_of
from musicclass_gui.engine.cache import Embedded, FileStamp, Reading
from musicclass_gui.engine.errors import AudioError, EncoderError
from musicclass_gui.engine.lessons.news import Heard
from musicclass_gui.engine.lessons.reading import Cut, Failed, Hashed, Read, Readers
from musicclass_gui.engine.project.rows import EmbeddedRow, RecordingRow
from musicclass_gui.engine.project.tags import Tags, read_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it ships no types

    from musicclass_gui.engine.cache import Cache
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec
    from musicclass_gui.engine.lessons.reading import Message
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Grid, Span

SILENT = "It is silent, so nothing can be learned from it."
CHANGED = "It was changed or removed while it was read, so nothing was learned from it; teach it again."
NOT_FINITE = "The encoder gave numbers for it that are not finite, so nothing was learned from it; choose the CPU in the preferences."

_BATCH = 16
_CUDA_BATCH = 128
_HASHED_AHEAD = 64  # files whose hash is known before they are read, so that short files do not wait for one another


@dataclass(frozen=True)
class Listened:
    """What became of a file: the hash that its embeddings are found by, or the reason why there are none."""

    hash: str = ""
    reason: str = ""


@dataclass
class _File:
    """A file on its way. `windows` counts those that were given to the encoder, `rows` has what it made of them by number."""

    path: Path
    stamp: FileStamp
    hash: str = ""
    spans: list[Span] = field(default_factory=list)
    loud: list[bool] = field(default_factory=list)
    windows: int = 0
    rows: dict[int, Embeddings] = field(default_factory=dict)
    share: float = 0.0
    read: Read | None = None  # set at its end

    @property
    def is_through(self) -> bool:
        return self.read is not None and len(self.rows) == self.windows

    def embedded(self, dim: int) -> Embedded:
        data = np.stack([self.rows[number] for number in range(self.windows)]) if self.windows else np.empty((0, dim), np.float32)
        return Embedded(data, self.spans, np.asarray(self.loud, bool))

    def is_unchanged(self) -> bool:
        try:
            return FileStamp.of(self.path) == self.stamp
        except OSError:
            return False


@dataclass(frozen=True)
class _Waiting:
    """A window that waits for the encoder, and where its embedding goes."""

    file: _File
    number: int
    samples: Audio


def listen(
    project: Project,
    files: Sequence[Path],
    spec: EncoderSpec,
    load: Callable[[], Encoder],
    cache: Cache,
    token: Token,
    tell: Callable[[Heard], None],
    *,
    grid: Grid | None = None,
    ahead: int = 2,
) -> dict[Path, Listened]:
    """Embed `files` into `project` with the encoder of `spec`, on `grid` (None: the encoder's own), `ahead` files at a time.

    What the project or the cache has is taken from there, and the encoder is loaded only when there is something to compute; the
    same content is computed once. Each file ends with one `Heard`, and with its recording and embeddings stored (also in the
    cache) or with a reason: it cannot be read, is silent, or changed meanwhile. Raises Cancelled, ProjectError when the project
    cannot be written, EncoderError when the encoder fails; files that were through by then stay.
    """
    grid = grid or spec.grid
    wanted = [Path(path) for path in dict.fromkeys(files)]
    with Readers(grid, spec.sample_rate, ahead) as readers:
        batches = _Batches(spec, load, max(1, (os.cpu_count() or 2) - ahead))
        listening = _Listening(wanted, _Keeper(project, cache, spec, grid), batches, readers, token, tell)
        listening.run()
    return {path: listening.results[path] for path in wanted}


class _Listening:
    """One call of `listen`: says which file is hashed, decoded, embedded and kept when."""

    def __init__(
        self, files: list[Path], keeper: _Keeper, batches: _Batches, readers: Readers, token: Token, tell: Callable[[Heard], None]
    ) -> None:
        self.results: dict[Path, Listened] = {}
        self._total = len(files)
        self._unseen = deque(files)
        self._files: dict[Path, _File] = {}  # on their way
        self._same: dict[str, list[_File]] = {}  # by the hash of a file that is being read: others of the same content
        self._keeper, self._batches, self._readers = keeper, batches, readers
        self._token, self._tell = token, tell
        self._dim = batches.dim

    def run(self) -> None:
        while len(self.results) < self._total:
            self._token.check()
            self._begin_more()
            message = None if self._readers.at_rest else self._readers.next()
            if message is not None:
                self._take(message)
            elif self._batches.count:  # nothing comes, so what has gathered goes
                self._embed()

    def _begin_more(self) -> None:
        while self._unseen and len(self._files) < _HASHED_AHEAD:
            self._token.check()
            self._begin(self._unseen.popleft())

    def _begin(self, path: Path) -> None:
        try:
            with naming_errors_of(path):
                file = _File(path, FileStamp.of(path))
        except AudioError as error:
            self._end(path, Listened(reason=str(error)))
            return
        self._files[path] = file
        known = self._keeper.known_hash(file)
        if known:
            self._go_on(file, known)
        else:
            self._readers.hash(path)

    def _take(self, message: Message) -> None:
        file = self._files.get(message.path)
        if file is None:  # it has failed meanwhile
            return
        if isinstance(message, Hashed):
            self._keeper.remember_hash(file, message.hash)
            self._go_on(file, message.hash)
        elif isinstance(message, Failed):
            self._fail(file, message.reason)
        else:
            self._grow(file, message)

    def _go_on(self, file: _File, content: str) -> None:
        """Its hash is known: what to do depends on who has its embeddings."""
        file.hash = content
        if self._keeper.has(file):
            self._end(file.path, Listened(content), "known")
        elif (stored := self._keeper.cached(file)) is not None:
            self._keep(file, *stored, "known")
        elif content in self._same:
            self._same[content].append(file)
        else:
            self._same[content] = []
            self._readers.decode(file.path)

    def _grow(self, file: _File, message: Cut | Read) -> None:
        if isinstance(message, Read):
            file.read = message
            self._finish_if_through(file)
            return
        window = message.window
        file.share = message.share
        file.spans.append((window.start_s, window.end_s))
        file.loud.append(message.loud)
        if self._batches.add(file, window.samples):
            self._embed()

    def _embed(self) -> None:
        for file in self._batches.run():
            self._finish_if_through(file)
        self._progress()

    def _finish_if_through(self, file: _File) -> None:
        if file.read is None or not file.is_through:
            return
        embedded = file.embedded(self._dim)
        if np.isfinite(embedded.data).all():
            self._keep(file, embedded, Reading(file.read.duration_s, file.read.notices), "embedded", file.read.tags)
        else:
            self._fail(file, NOT_FINITE)

    def _keep(self, file: _File, embedded: Embedded, reading: Reading, state: str, tags: Tags | None = None) -> None:
        """Store a file that is through, unless it may be another by now or there is nothing to hear in it."""
        if not file.is_unchanged():
            self._fail(file, CHANGED)
            return
        if state == "embedded":
            self._keeper.remember(file, embedded, reading)
        if not embedded.loud.any():
            self._fail(file, SILENT)
            return
        self._keeper.keep(file, embedded, reading, read_tags(file.path) if tags is None else tags)
        self._end(file.path, Listened(file.hash), state)
        for same in self._same.pop(file.hash, []):
            self._end_same(same)

    def _end_same(self, file: _File) -> None:
        if file.is_unchanged():
            self._end(file.path, Listened(file.hash), "known")
        else:
            self._fail(file, CHANGED)

    def _fail(self, file: _File, reason: str) -> None:
        self._batches.drop(file)
        self._end(file.path, Listened(reason=reason))
        for other in self._same.pop(file.hash, []):  # the first of them is read now, the rest wait for it
            self._go_on(other, file.hash)

    def _end(self, path: Path, listened: Listened, state: str = "failed") -> None:
        self._files.pop(path, None)
        self.results[path] = listened
        self._tell(Heard(str(path), state, listened.reason, len(self.results), self._total))
        self._progress()

    def _progress(self) -> None:
        begun = sum(file.share for file in self._files.values() if file.share == file.share)
        self._token.progress((len(self.results) + begun) / self._total, "listening")


class _Keeper:
    """What is known of files, and where it is kept: the project and the cache."""

    def __init__(self, project: Project, cache: Cache, spec: EncoderSpec, grid: Grid) -> None:
        self._project, self._cache, self._spec, self._grid = project, cache, spec, grid

    @property
    def _names(self) -> tuple[str, str, str]:
        return self._spec.id, self._spec.version, self._grid.name

    def known_hash(self, file: _File) -> str | None:
        return self._project.known_hash(file.path) or self._cache.known_hash(file.stamp)

    def remember_hash(self, file: _File, content: str) -> None:
        self._cache.remember_hash(file.stamp, content)

    def has(self, file: _File) -> bool:
        """Whether the project has the embeddings; a recording that is no longer where it was is where this file is."""
        if not self._project.has_embedding(file.hash, *self._names):
            return False
        recording = self._project.recording(file.hash)
        if recording is not None and not recording.path.exists():
            with self._project.writing():
                self._project.set_path(file.hash, file.path, file.stamp.size, file.stamp.mtime_ns)
        return True

    def cached(self, file: _File) -> tuple[Embedded, Reading] | None:
        """What an earlier analysis left of this content."""
        embedded, reading = self._cache.embedded(file.hash, self._spec, self._grid), self._cache.reading(file.hash)
        return None if embedded is None or reading is None else (embedded, reading)

    def remember(self, file: _File, embedded: Embedded, reading: Reading) -> None:
        """Let opening the file later be instant."""
        self._cache.remember_reading(file.hash, reading)
        self._cache.remember_embedded(file.hash, self._spec, self._grid, embedded)

    def keep(self, file: _File, embedded: Embedded, reading: Reading, tags: Tags) -> None:
        """Store the recording and its embeddings, both or neither."""
        stamp, words = file.stamp, (tags.title, tags.artist, tags.album)
        mean = np.asarray(embedded.data[embedded.loud].mean(axis=0, dtype=np.float64), np.float32)
        with self._project.writing():
            self._project.add_recording(
                RecordingRow(file.hash, file.path, stamp.size, stamp.mtime_ns, reading.duration_s, *words, list(reading.notices))
            )
            self._project.add_embedding(EmbeddedRow(file.hash, embedded.data, embedded.spans, embedded.loud, mean), *self._names)


class _Batches:
    """Windows that wait for the encoder, by length: those of one length are embedded together, whichever file they are of.

    The encoder gets `threads` threads, the processors that the readers leave: libraries that wait for one another's threads by
    spinning took three to five times as long on two processors (measured with mn04-as).
    """

    def __init__(self, spec: EncoderSpec, load: Callable[[], Encoder], threads: int) -> None:
        self.dim = spec.dim
        self.count = 0
        self._spec, self._load = spec, load
        self._waiting: defaultdict[int, list[_Waiting]] = defaultdict(list)
        self._size = _BATCH
        self._threads = threads
        self._pools: ThreadpoolController | None = None

    def add(self, file: _File, samples: Audio) -> bool:
        """Let a window wait; True when it is time to `run`."""
        same_length = self._waiting[samples.size]
        same_length.append(_Waiting(file, file.windows, samples))
        file.windows += 1
        self.count += 1
        return len(same_length) >= self._size or self.count >= 2 * self._size

    def drop(self, file: _File) -> None:
        """Forget a file's windows."""
        for waiting in self._waiting.values():
            waiting[:] = [one for one in waiting if one.file is not file]
        self.count = sum(map(len, self._waiting.values()))

    def run(self) -> list[_File]:
        """Embed the most windows of one length that wait; gives the files that they are of. Raises EncoderError."""
        length = max(self._waiting, key=lambda length: len(self._waiting[length]))
        windows = self._waiting.pop(length)
        self.count -= len(windows)
        with _naming_errors_of(self._spec):
            encoder = self._load()
            with self._few_threads():
                rows = encoder.embed([one.samples for one in windows])
        self._size = _CUDA_BATCH if encoder.device.startswith("cuda") else _BATCH
        for one, row in zip(windows, rows, strict=True):
            one.file.rows[one.number] = row
        return list({id(one.file): one.file for one in windows}.values())

    def _few_threads(self) -> AbstractContextManager[None]:
        if self._pools is None:  # it knows the libraries that are loaded by now
            from threadpoolctl import ThreadpoolController

            self._pools = ThreadpoolController()
        limited: AbstractContextManager[None] = self._pools.limit(limits=self._threads)
        return limited


@contextmanager
def _naming_errors_of(spec: EncoderSpec) -> Iterator[None]:
    """What torch and its like raise, as a sentence."""
    try:
        yield
    except (RuntimeError, MemoryError, ImportError, OSError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise EncoderError(f"The encoder {spec.id} failed ({reason}); close other programs or choose another device.") from error
