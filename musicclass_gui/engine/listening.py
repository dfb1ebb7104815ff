"""Listening to many recordings: each becomes embeddings, which are kept as soon as it is through.

Files are read ahead in threads (`reading`), the encoder is given windows of one length from several files at once, and each file
that is through is handed to a keeper, so that after any interruption nothing is computed again for it. A file that cannot be used
costs only itself. It knows neither what keeps the embeddings nor what they are for.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from musicclass_gui.engine.audio_paths import naming_errors_of
from musicclass_gui.engine.cache import Embedded, FileStamp, Reading
from musicclass_gui.engine.encoders import layers
from musicclass_gui.engine.encoders.hearing import hear
from musicclass_gui.engine.errors import AudioError, EncoderError
from musicclass_gui.engine.reading import Cut, Failed, Hashed, Read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it ships no types

    from musicclass_gui.engine.cache import Cache
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec, LayerData
    from musicclass_gui.engine.project.tags import Tags
    from musicclass_gui.engine.reading import Message, Readers
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Grid, Span

_BATCH = 16
_CUDA_BATCH_BYTES = 128e6  # of windows: a minute of compute hides what one call costs, and twice as many may wait
_HASHED_AHEAD = 64  # files whose hash is known before they are read, so that short files do not wait for one another


@dataclass(frozen=True)
class Ended:
    """A file is through: `state` is "embedded", "known" (its embeddings were there) or "failed" with a `reason`; `hash` its content's."""

    path: Path
    state: str
    hash: str = ""
    reason: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Words:
    """What is said of files that cannot be used: they changed meanwhile, or the encoder gave no numbers for them."""

    changed: str
    not_finite: str


@dataclass
class File:
    """A file on its way. `windows` counts those that were given to the encoder, `rows` has what it made of them by number."""

    path: Path
    stamp: FileStamp
    hash: str = ""
    spans: list[Span] = field(default_factory=list)
    loud: list[bool] = field(default_factory=list)
    windows: int = 0
    rows: dict[int, Embeddings | LayerData] = field(default_factory=dict)
    share: float = 0.0
    read: Read | None = None  # set at its end

    @property
    def is_through(self) -> bool:
        """Whether it is read and all its windows are embedded."""
        return self.read is not None and len(self.rows) == self.windows

    def embedded(self, spec: EncoderSpec) -> Embedded:
        """What came of all its windows; with the layers, where the encoder keeps them."""
        rows = [self.rows[number] for number in range(self.windows)]
        loud = np.asarray(self.loud, bool)
        if spec.layers is None:
            return Embedded(np.asarray(np.stack(rows), np.float32) if rows else np.empty((0, spec.dim), np.float32), self.spans, loud)
        kept: LayerData = np.asarray(np.stack(rows), np.float16) if rows else np.empty((0, spec.layers.count, spec.layers.dim), np.float16)
        return Embedded(layers.apply(spec, kept), self.spans, loud, kept)

    def is_unchanged(self) -> bool:
        """Whether it is still the file that was begun."""
        try:
            return FileStamp.of(self.path) == self.stamp
        except OSError:
            return False


class Keeper(Protocol):
    """What is known of files already, and where the embeddings of those that are through go."""

    def known_hash(self, file: File) -> str | None:
        """The content hash of an unchanged file that was hashed before."""
        ...

    def remember_hash(self, file: File, content: str) -> None:
        """Keep a content hash."""
        ...

    def has(self, file: File) -> bool:
        """Whether the embeddings of this content are kept already; if so they are this file's too."""
        ...

    def cached(self, file: File) -> tuple[Embedded, Reading] | None:
        """What somebody else computed of this content."""
        ...

    def remember(self, file: File, embedded: Embedded, reading: Reading) -> None:
        """Let others find what was computed."""
        ...

    def refusal(self, embedded: Embedded) -> str:
        """Why embeddings cannot be used, as a sentence; empty when they can."""
        ...

    def keep(self, file: File, embedded: Embedded, reading: Reading, tags: Tags | None) -> None:
        """Store what came of a file; `tags` is None where the file was not read."""
        ...


@dataclass(frozen=True)
class _Waiting:
    """A window that waits for the encoder, and where its embedding goes."""

    file: File
    number: int
    samples: Audio


class Listening:
    """One pass over `files`, `total` different ones: says which is hashed, decoded, embedded and kept when.

    It holds no more than the files on their way, however many there are. Each ends with one `Ended` told.
    """

    def __init__(
        self,
        files: Iterable[Path],
        total: int,
        keeper: Keeper,
        batches: Batches,
        readers: Readers,
        token: Token,
        tell: Callable[[Ended], None],
        words: Words,
        *,
        begin: int = 0,
    ) -> None:
        self._unseen = iter(files)
        self._done, self._total = begin, total
        self._files: dict[Path, File] = {}  # on their way
        self._same: dict[str, list[File]] = {}  # by the hash of a file that is being read: others of the same content
        self._keeper, self._batches, self._readers = keeper, batches, readers
        self._token, self._tell, self._words = token, tell, words

    def run(self) -> None:
        """Listen to all. Raises Cancelled, EncoderError, and what the keeper raises; what was kept by then stays."""
        while self._begin_more() or self._files:
            self._token.check()
            message = None if self._readers.at_rest else self._readers.next()
            if message is not None:
                self._take(message)
            elif self._batches.count:  # nothing comes, so what has gathered goes
                self._embed()

    def _begin_more(self) -> bool:
        """Begin as many as may be on their way; whether there may be more."""
        while len(self._files) < _HASHED_AHEAD:
            self._token.check()
            path = next(self._unseen, None)
            if path is None:
                return False
            self._begin(path)
        return True

    def _begin(self, path: Path) -> None:
        try:
            with naming_errors_of(path):
                file = File(path, FileStamp.of(path))
        except AudioError as error:
            self._end(Ended(path, "failed", reason=str(error)))
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

    def _go_on(self, file: File, content: str) -> None:
        """Its hash is known: what to do depends on who has its embeddings."""
        file.hash = content
        if self._keeper.has(file):
            self._end(Ended(file.path, "known", content))
        elif (stored := self._keeper.cached(file)) is not None:
            self._keep(file, *stored, "known")
        elif content in self._same:
            self._same[content].append(file)
        else:
            self._same[content] = []
            self._readers.decode(file.path)

    def _grow(self, file: File, message: Cut | Read) -> None:
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
        for file in self._batches.run(self._readers):
            self._finish_if_through(file)
        self._progress()

    def _finish_if_through(self, file: File) -> None:
        if file.read is None or not file.is_through:
            return
        embedded = file.embedded(self._batches.spec)
        if np.isfinite(embedded.data).all():
            self._keep(file, embedded, Reading(file.read.duration_s, file.read.notices), "embedded", file.read.tags)
        else:
            self._fail(file, self._words.not_finite)

    def _keep(self, file: File, embedded: Embedded, reading: Reading, state: str, tags: Tags | None = None) -> None:
        """Store a file that is through, unless it may be another by now or cannot be used."""
        if not file.is_unchanged():
            self._fail(file, self._words.changed)
            return
        if state == "embedded":
            self._keeper.remember(file, embedded, reading)
        refusal = self._keeper.refusal(embedded)
        if refusal:
            self._fail(file, refusal)
            return
        self._keeper.keep(file, embedded, reading, tags)
        self._end(Ended(file.path, state, file.hash))
        for same in self._same.pop(file.hash, []):
            self._end_same(same)

    def _end_same(self, file: File) -> None:
        if file.is_unchanged():
            self._go_on(file, file.hash)
        else:
            self._fail(file, self._words.changed)

    def _fail(self, file: File, reason: str) -> None:
        self._batches.drop(file)
        self._end(Ended(file.path, "failed", reason=reason))
        for other in self._same.pop(file.hash, []):  # the first of them is read now, the rest wait for it
            self._go_on(other, file.hash)

    def _end(self, ended: Ended) -> None:
        self._files.pop(ended.path, None)
        self._done += 1
        self._tell(Ended(ended.path, ended.state, ended.hash, ended.reason, self._done, self._total))
        self._progress()

    def _progress(self) -> None:
        begun = sum(file.share for file in self._files.values() if file.share == file.share)
        self._token.progress((self._done + begun) / self._total, f"{self._done} of {self._total}")


class Batches:
    """Windows that wait for the encoder, by length: those of one length are embedded together, whichever file they are of.

    The encoder gets the processors that the readers leave, also while these wait for it: libraries that wait for one another's threads by
    spinning took three to five times as long on two processors (measured with mn04-as and, where others worked too, musicnn-mtt).
    """

    def __init__(self, spec: EncoderSpec, load: Callable[[], Encoder]) -> None:
        self.spec = spec
        self.count = 0
        self._load = load
        self._waiting: defaultdict[int, list[_Waiting]] = defaultdict(list)
        self._size = _BATCH
        self._pools: ThreadpoolController | None = None

    def add(self, file: File, samples: Audio) -> bool:
        """Let a window wait; True when it is time to `run`."""
        same_length = self._waiting[samples.size]
        same_length.append(_Waiting(file, file.windows, samples))
        file.windows += 1
        self.count += 1
        return len(same_length) >= self._size or self.count >= 2 * self._size

    def drop(self, file: File) -> None:
        """Forget a file's windows."""
        for waiting in self._waiting.values():
            waiting[:] = [one for one in waiting if one.file is not file]
        self.count = sum(map(len, self._waiting.values()))

    def run(self, readers: Readers) -> list[File]:
        """Embed the most windows of one length that wait, while `readers` read; gives the files that they are of. Raises EncoderError."""
        length = max(self._waiting, key=lambda length: len(self._waiting[length]))
        windows = self._waiting.pop(length)
        self.count -= len(windows)
        with naming_encoder_errors(self.spec):
            encoder = self._load()
            with self._threads(readers):
                data, kept = hear(encoder, [one.samples for one in windows])
        if encoder.device.startswith("cuda"):
            self._size = max(_BATCH, int(_CUDA_BATCH_BYTES / windows[0].samples.nbytes))
        for one, row in zip(windows, data if kept is None else kept, strict=True):
            one.file.rows[one.number] = row
        return list({id(one.file): one.file for one in windows}.values())

    def _threads(self, readers: Readers) -> AbstractContextManager[None]:
        if self._pools is None:  # it knows the libraries that are loaded by now
            from threadpoolctl import ThreadpoolController

            self._pools = ThreadpoolController()
        limited: AbstractContextManager[None] = self._pools.limit(limits=max(1, (os.cpu_count() or 2) - readers.ahead))
        return limited


def stored(cache: Cache, content: str, spec: EncoderSpec, grid: Grid) -> tuple[Embedded, Reading] | None:
    """What the cache has of a recording, if that is all."""
    embedded, reading = cache.embedded(content, spec, grid), cache.reading(content)
    return None if embedded is None or reading is None else (embedded, reading)


@contextmanager
def naming_encoder_errors(spec: EncoderSpec) -> Iterator[None]:
    """What torch and its like raise, as a sentence."""
    try:
        yield
    except (RuntimeError, MemoryError, ImportError, OSError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise EncoderError(f"The encoder {spec.id} failed ({reason}); close other programs or choose another device.") from error
