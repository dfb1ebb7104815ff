"""Embeddings for benchmarks: every item is decoded and embedded once per encoder and way of cutting, for all methods, orders and seeds.

They are kept in the program's embedding cache by the content of the file, so that a second run, or another protocol, computes nothing.
Files are read ahead in threads and embedded in batches of several files, whose make-up depends on nothing but the list of items: after
any interruption, and on whatever machine of a cluster, the same list gives the same numbers. It knows no protocol.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from musicclass_gui.engine import encoders, places
from musicclass_gui.engine.audio import content_hash
from musicclass_gui.engine.audio_paths import naming_errors_of
from musicclass_gui.engine.benchmark import cutter
from musicclass_gui.engine.cache import Embedded, FileStamp, Reading, opened
from musicclass_gui.engine.encoders import clap, house, layers
from musicclass_gui.engine.encoders.hearing import hear
from musicclass_gui.engine.errors import AudioError, EncoderError
from musicclass_gui.engine.listening import naming_encoder_errors
from musicclass_gui.engine.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from musicclass_gui.engine.benchmark.data import Item
    from musicclass_gui.engine.benchmark.protocol import Tell
    from musicclass_gui.engine.cache import Cache
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec, LayerData
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio, Window

_GROUP = 16  # files whose chunks may share a batch
_BATCH = 16
_AHEAD = 2
_CHANGED = "it was changed or removed while it was read; run this again"
_NOT_FINITE = "the encoder gave numbers for it that are not finite; choose the CPU"


@dataclass(frozen=True)
class Cut:
    """How items become chunks of `chunk_s` seconds.

    "grid": consecutive from the start, round(length / chunk) of them and at least 1; a longer tail is cut off, a shorter one filled with
    silence (the ISMIR 2024 paper, its code's evaluation). "random": `count` chunks per item at starts drawn uniformly with `seed`, a fixed
    set that stands for fresh draws in every epoch. "full": consecutive whole chunks only, so that what is too short has none. "whole":
    the encoder's own windows over the item. With `samples` a chunk has so many of the file's own samples instead of `chunk_s` seconds.
    `rate_ignored` gives the file's samples to the encoder as if they had its rate, `first_channel` takes that instead of their mean.
    """

    kind: str
    chunk_s: float = 0.0
    count: int = 0
    seed: int = 0
    samples: int = 0
    rate_ignored: bool = False
    first_channel: bool = False

    @property
    def name(self) -> str:
        """What tells its embeddings from those of other cuts in the cache."""
        samples = f"-{self.samples}-samples" if self.samples else ""
        flags = "-rate-ignored" * self.rate_ignored + "-first-channel" * self.first_channel
        return f"bench-{self.kind}-{self.chunk_s:g}-{self.count}-{self.seed}{samples}{flags}"


@dataclass(frozen=True)
class Chunks:
    """An item's chunks: `data` (n, dim) float32, and `layers` (n, count, dim) float16 where the encoder keeps several."""

    data: Embeddings
    layers: LayerData | None = None


@dataclass(frozen=True)
class Heard:
    """All items that could be heard by key, and sentences on those that could not, which never become silence."""

    chunks: dict[str, Chunks]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A stretch of a file, and what its embeddings are called in the cache; `end_s` −1 is the file's end."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Wanted:
    """A file and its parts that are to be embedded."""

    path: str
    hash: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Order:
    """With what files are embedded: plain data, so that it can be sent elsewhere."""

    encoder: str
    cut: Cut
    device: str
    weights_folder: str
    before_projection: bool = False


@dataclass(frozen=True)
class Made:
    """What came of a file: an `Embedded` for each of its parts (None for one that holds no sound), or why there is none."""

    wanted: Wanted
    embedded: tuple[Embedded | None, ...] = ()
    duration_s: float = 0.0
    notices: tuple[str, ...] = ()
    problem: str = ""


Group = tuple[Wanted, ...]


class Elsewhere(Protocol):
    """Something that embeds groups of files on other machines."""

    def __call__(self, order: Order, groups: Sequence[Group], token: Token) -> Iterator[list[Made]]:
        """What came of each group, in any order."""
        ...


_elsewhere: ContextVar[Elsewhere | None] = ContextVar("embedding elsewhere", default=None)


@contextmanager
def embedding_elsewhere(place: Elsewhere) -> Iterator[None]:
    """Within this, what the cache does not have is embedded by `place`."""
    before = _elsewhere.set(place)
    try:
        yield
    finally:
        _elsewhere.reset(before)


def embed(
    items: Sequence[Item],
    encoder_id: str,
    cut: Cut,
    token: Token,
    tell: Tell,
    *,
    device: str = "auto",
    weights_folder: str = "",
    before_projection: bool = False,
) -> Heard:
    """Cut and embed items with an encoder, or take it from the cache.

    `before_projection` gives what a CLAP hears before it is projected to where words are. Raises BenchmarkError, EncoderError,
    WeightsError, Cancelled.
    """
    cutter.require(cut)
    order = Order(encoder_id, cut, device, weights_folder, before_projection)
    spec = clap.unprojected(_spec(encoder_id)) if before_projection else _spec(encoder_id)
    with opened(places.cache_dir()) as cache:
        hearing = _Hearing(items, spec, order, cache, token, tell)
        hearing.run()
        if cache.problem:
            tell(cache.problem)
    return Heard(hearing.chunks, (*hearing.problems, *_known_before(items, encoder_id)))


def _known_before(items: Sequence[Item], encoder_id: str) -> list[str]:
    """A sentence where the encoder in the box was trained on some of the recordings, which flatters what is measured on them."""
    if encoder_id != house.SPEC.id:
        return []
    paths, heard = {item.path for item in items}, house.heard()
    known = sum(Path(path).stem in heard for path in paths)
    if not known:
        return []
    return [f"{encoder_id} was trained on recordings of the names of {known} of these {len(paths)}; results with it are flattered."]


class _Hearing:
    """One pass over the items: which files are known, which groups have to be embedded, what came of them."""

    def __init__(self, items: Sequence[Item], spec: EncoderSpec, order: Order, cache: Cache, token: Token, tell: Tell) -> None:
        self._items, self._spec, self._order = items, spec, order
        self._cache, self._token, self._tell = cache, token, tell
        self._found: dict[tuple[str, str], Embedded] = {}  # by path and the name of the part
        self._why: dict[str, str] = {}  # by path: why there is nothing, or not all
        self._stamps: dict[str, FileStamp] = {}
        self.chunks: dict[str, Chunks] = {}
        self.problems: list[str] = []

    def run(self) -> None:
        """Embed what is not known, then put together what was asked for."""
        groups = [group for group in self._groups() if any(map(self._is_missing, group))]
        if groups:
            self._make(groups)
        for item in self._items:
            self._give(item)

    def _groups(self) -> Iterator[Group]:
        """All files that can be read, in the order of the items, a few together; what the cache has of them is taken from it."""
        wanted = list(self._wanted())
        for start in range(0, len(wanted), _GROUP):
            yield tuple(wanted[start : start + _GROUP])

    def _wanted(self) -> Iterator[Wanted]:
        parts: dict[str, dict[str, Part]] = {}
        for item in self._items:
            part = _part(self._order.cut, item)
            parts.setdefault(item.path, {})[part.name] = part
        for number, (path, those) in enumerate(parts.items()):
            self._token.check()
            self._token.progress(number / len(parts) * 0.05, f"Looking at file {number + 1:,} of {len(parts):,}")
            content = self._hash(path)
            if content:
                yield Wanted(path, content, tuple(those.values()))

    def _hash(self, path: str) -> str:
        """The content hash of a file, or "" when it cannot be read."""
        if not path:
            self._why[path] = "no audio is known for it"
            return ""
        try:
            with naming_errors_of(Path(path)):
                stamp = self._stamps[path] = FileStamp.of(Path(path))
            content = self._cache.known_hash(stamp) or content_hash(Path(path), self._token)
        except AudioError as error:
            self._why[path] = str(error)
            return ""
        self._cache.remember_hash(stamp, content)
        return content

    def _is_missing(self, wanted: Wanted) -> bool:
        """Whether something of a file has to be embedded; what the cache has is taken."""
        for part in wanted.parts:
            known = self._cache.embedded(wanted.hash, self._spec, part)
            if known is not None:
                self._found[wanted.path, part.name] = known
        reading = self._cache.reading(wanted.hash)
        if reading is not None and reading.notices:
            self._why[wanted.path] = " ".join(reading.notices)
        return any((wanted.path, part.name) not in self._found for part in wanted.parts)

    def _make(self, groups: Sequence[Group]) -> None:
        total, done = sum(map(len, groups)), 0
        self._tell(f"Embedding {total:,} files with {self._spec.id}.")
        place = _elsewhere.get()
        made = place(self._order, groups, self._token) if place else _made_here(self._order, groups, self._token, self._tell)
        for those in made:
            for one in those:
                self._take(one)
            done += len(those)
            self._token.progress(0.05 + 0.95 * done / total, f"Embedded {done:,} of {total:,} files")

    def _take(self, made: Made) -> None:
        """Keep what came of a file, unless it may be another by now."""
        wanted = made.wanted
        why = made.problem or ("" if self._is_unchanged(wanted.path) else _CHANGED)
        if why:
            self._why[wanted.path] = why
            return
        if made.notices:
            self._why[wanted.path] = " ".join(made.notices)
        self._cache.remember_reading(wanted.hash, Reading(made.duration_s, list(made.notices)))
        for part, embedded in zip(wanted.parts, made.embedded, strict=True):
            if embedded is not None and (wanted.path, part.name) not in self._found:
                self._found[wanted.path, part.name] = embedded
                self._cache.remember_embedded(wanted.hash, self._spec, part, embedded)

    def _is_unchanged(self, path: str) -> bool:
        try:
            return FileStamp.of(Path(path)) == self._stamps[path]
        except OSError:
            return False

    def _give(self, item: Item) -> None:
        found = self._found.get((item.path, _part(self._order.cut, item).name))
        why = self._why.get(item.path, "")
        if found is not None:
            self.chunks[item.key] = Chunks(found.data, found.layers)
        elif not why:
            why = "it is shorter than a clip" if self._order.cut.kind == "full" else f"it holds no sound after {item.start_s:g} s"
        if why:
            self.problems.append(f"{item.key}: {why}")


def _part(cut: Cut, item: Item) -> Part:
    """The stretch of its file that an item is, and its name: that of the cut for a whole file."""
    whole = item.start_s <= 0 and item.end_s < 0
    name = cut.name if whole else f"{cut.name}@{item.start_s:.6f}-{item.end_s:.6f}"
    return Part(name, item.start_s, item.end_s)


def _spec(encoder_id: str) -> EncoderSpec:
    spec = encoders.find_spec(encoder_id)
    if spec is None:
        raise EncoderError(f"There is no encoder “{encoder_id}”; known are {', '.join(encoders.specs())}.")
    return spec


@lru_cache(maxsize=1)
def _encoder(encoder_id: str, device: str, weights: Path | None) -> Encoder:
    """The last encoder that was used stays: a protocol asks for several cuts of the same."""
    return encoders.load(encoder_id, device=device, weights=weights)


def _made_here(order: Order, groups: Sequence[Group], token: Token, tell: Tell) -> Iterator[list[Made]]:
    encoder = _loaded(order)
    for notice in encoder.notices:
        tell(notice)
    with ThreadPoolExecutor(_AHEAD, "decode") as pool:
        ready = _in_order(pool, [wanted for group in groups for wanted in group], order, encoder.spec, token)
        for group in groups:
            yield _embedded(group, ready, encoder, token)


def make(order: Order, group: Group, token: Token) -> list[Made]:
    """Embed a group of files; what is made depends on nothing else. Raises EncoderError, WeightsError, Cancelled."""
    (made,) = _made_here(order, [group], token, lambda text: None)
    return made


def _loaded(order: Order) -> Encoder:
    spec = _spec(order.encoder)
    weights = Shelf(places.weights_folders(order.weights_folder)).weights_of(spec.id)
    base = _encoder(spec.of or spec.id, order.device, weights)
    if order.before_projection:
        return clap.before_projection(base)
    return layers.Viewed(base, spec) if spec.of else base


def _in_order(
    pool: ThreadPoolExecutor, files: Sequence[Wanted], order: Order, spec: EncoderSpec, token: Token
) -> Iterator[cutter.Cuts | AudioError]:
    """The chunks of each file in order, a few files read ahead."""
    waiting: deque[Future[cutter.Cuts | AudioError]] = deque()
    for wanted in files:
        waiting.append(pool.submit(_cuts, wanted, order, spec, token))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _cuts(wanted: Wanted, order: Order, spec: EncoderSpec, token: Token) -> cutter.Cuts | AudioError:
    """A file's chunks, or why there are none."""
    draw = int(wanted.hash[:12], 16)
    stretches = [cutter.Stretch(order.cut, spec.grid, part.start_s, part.end_s, draw) for part in wanted.parts]
    try:
        return cutter.cut(Path(wanted.path), stretches, spec.sample_rate, token)
    except AudioError as error:
        return error


class _Rows:
    """What the encoder makes of one window after the other, in batches of one length."""

    def __init__(self, encoder: Encoder, token: Token) -> None:
        self._encoder, self._token = encoder, token
        self._waiting: list[Audio] = []
        self.data: list[Embeddings] = []
        self.layers: list[LayerData] = []

    def add(self, samples: Audio) -> None:
        """Embed a window, when enough of its length have come."""
        if self._waiting and self._waiting[0].size != samples.size:
            self.flush()
        self._waiting.append(samples)
        if len(self._waiting) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Embed all that waits. Raises EncoderError."""
        self._token.check()
        if self._waiting:
            with naming_encoder_errors(self._encoder.spec):
                data, kept = hear(self._encoder, self._waiting)
            self.data.append(data)
            if kept is not None:
                self.layers.append(kept)
            self._waiting = []


def _embedded(group: Group, ready: Iterator[cutter.Cuts | AudioError], encoder: Encoder, token: Token) -> list[Made]:
    """What comes of a group of files. Its windows go to the encoder in order, while its later files are read."""
    rows, kept = _Rows(encoder, token), []
    for wanted in group:
        found = next(ready)
        if isinstance(found, AudioError):
            kept.append(Made(wanted, problem=str(found)))
            continue
        for window in chain(*found.chunks):
            rows.add(window.samples)
        blank = tuple(_blank(chunks) for chunks in found.chunks)
        kept.append(Made(wanted, blank, found.duration_s, found.notices))
    rows.flush()
    return _filled_in(kept, rows)


def _blank(chunks: Sequence[Window]) -> Embedded | None:
    """What there is to know of chunks before they are embedded; None where there are none."""
    spans = [(chunk.start_s, chunk.end_s) for chunk in chunks]
    return Embedded(np.empty((0, 0), np.float32), spans, np.array([chunk.loud for chunk in chunks])) if spans else None


def _filled_in(made: list[Made], rows: _Rows) -> list[Made]:
    """Each file with its own rows."""
    if not rows.data:
        return made
    data, kept = np.concatenate(rows.data), np.concatenate(rows.layers) if rows.layers else None
    at = 0

    def filled(blank: Embedded | None) -> Embedded | None:
        nonlocal at
        if blank is None:
            return None
        own = slice(at, at := at + len(blank.spans))
        return replace(blank, data=data[own], layers=None if kept is None else kept[own])

    return [_if_finite(replace(one, embedded=tuple(map(filled, one.embedded)))) for one in made]


def _if_finite(made: Made) -> Made:
    finite = all(np.isfinite(one.data).all() for one in made.embedded if one is not None)
    return made if finite else Made(made.wanted, problem=_NOT_FINITE)
