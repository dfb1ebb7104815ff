"""Features for those who only want features: a list of recordings and an encoder become one array, or one table.

Listening is done as for everything else (`listening`); what is through is kept in a journal beside the file that is to be written, so
that after any interruption the same call goes on where it was. It knows no classifier and no project.
"""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from musicclass_gui.engine import encoders, extract_formats, extract_list, places
from musicclass_gui.engine.cache import FileStamp, opened
from musicclass_gui.engine.errors import ExtractError
from musicclass_gui.engine.extract_formats import FORMATS, Features
from musicclass_gui.engine.extract_store import Journal, Kept
from musicclass_gui.engine.files import write_whole
from musicclass_gui.engine.listening import Batches, Listening, Words, stored
from musicclass_gui.engine.reading import Readers
from musicclass_gui.engine.shelf import Shelf
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.cache import Cache, Embedded, Reading
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec
    from musicclass_gui.engine.extract_list import Recordings
    from musicclass_gui.engine.listening import Ended, File
    from musicclass_gui.engine.project.tags import Tags

Per = Literal["file", "window"]

CHANGED = "It was changed or removed while it was read; extract it again."
NOT_FINITE = "The encoder gave numbers for it that are not finite; choose the CPU."
TOO_SHORT = "It is too short to hold anything to hear."

_PART = ".part"
_AHEAD = 2


@dataclass(frozen=True)
class Failure:
    """A recording that gave nothing, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Note:
    """Something to know about how it goes."""

    text: str


@dataclass(frozen=True)
class Extracted:
    """What was written: `shape` with the number of rows first, how many lines and how many different recordings failed."""

    path: Path
    shape: tuple[int, ...]
    recordings: int
    failed: int


@dataclass(frozen=True)
class _Wish:
    """What is wanted of which recordings."""

    recordings: Recordings
    out: Path
    spec: EncoderSpec
    kind: str
    per: Per
    layers: bool
    fast: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return (self.spec.layers.count, self.spec.layers.dim) if self.layers and self.spec.layers else (self.spec.dim,)

    @property
    def journal(self) -> Path:
        """Where what is through is kept until all is."""
        return self.out.with_name(self.out.name + _PART)

    @property
    def identity(self) -> dict[str, object]:
        """What makes it another extraction when it differs."""
        return {"list": self.recordings.digest, "per": self.per, "layers": self.layers, "fast": self.fast} | self._heard_by

    @property
    def about(self) -> dict[str, object]:
        """What those who read the features may want to know."""
        grid, row = self.spec.grid, "the mean of a recording's windows that are not silent"
        return self._heard_by | {
            "title": self.spec.title,
            "licence": self.spec.licence,
            "sample_rate": self.spec.sample_rate,
            "window_s": grid.window_s,
            "hop_s": grid.hop_s,
            "row": "one window" if self.per == "window" else row,
            "shape": list(self.shape),
            "rounded": self.fast,
        }

    @property
    def _heard_by(self) -> dict[str, object]:
        return {"encoder": self.spec.id, "version": self.spec.version, "grid": self.spec.grid.name}


def extract(
    recordings: str | Path | Sequence[Path],
    out: str | Path,
    encoder: str,
    *,
    format: str = "",
    per: Per = "file",
    layers: bool = False,
    device: str = "auto",
    fast: bool = False,
    weights_folder: str = "",
    cache_folder: Path | None = None,
    token: Token | None = None,
    tell: Callable[[Failure | Note], None] = lambda told: None,
) -> Extracted:
    """Write the embeddings of `recordings`, a list file (see `extract_list`) or paths, to `out`; returns what was written.

    Each line gives one row, in order: the mean over the windows that are not silent (over all, where all are), float32; or with `per`
    "window" one row per window. A recording that cannot be read gives one row of NaN and is told as a `Failure`. `format` is one of
    `extract_formats.FORMATS`, by default from the name of `out`; an npy file of paths gets a list of them beside it (`OUT.npy.txt`).
    `layers` keeps all layers of a layered encoder, `fast` lets the encoder round. What the cache knows is taken from there; rounded
    numbers neither go there nor come from there.

    What is through is kept in `OUT.part` until all is: after an interruption the same call goes on; another list, encoder or kind of
    row starts anew. Raises ExtractError when that cannot be, WeightsError, EncoderError when the encoder fails, Cancelled.
    """
    token, out = token or Token(), Path(out)
    given = Path(recordings) if isinstance(recordings, str) else recordings
    spec, kind = usable(encoder, out, format=format, per=per, layers=layers, fast=fast)
    shelf = Shelf(places.weights_folders(weights_folder))
    wish = _Wish(_recordings(given), out, spec, kind, per, layers, fast)
    _require_place(wish, given)
    load = _Once(partial(encoders.load, wish.spec.id, device=device, weights=shelf.weights_of(wish.spec.id), fast=fast))
    with closing(Journal(wish.journal, json.dumps(wish.identity))) as journal, opened(cache_folder or places.cache_dir()) as cache:
        if journal.differs:
            tell(Note(f"“{wish.journal.name}” is of another list, encoder or kind of row, so this starts anew."))
        _listen(wish, journal, cache, load, token, tell)
        for text in [*load.notices, *filter(None, [cache.problem])]:
            tell(Note(text))
        return _written(wish, journal, listed=isinstance(given, Path), token=token)


def usable(encoder: str, out: Path, *, format: str, per: Per, layers: bool, fast: bool) -> tuple[EncoderSpec, str]:
    """The encoder and the format that such a call of `extract` means. Raises ExtractError when its arguments do not fit together."""
    spec, kind = encoders.find_spec(encoder), format or out.suffix.lower().removeprefix(".")
    if spec is None:
        raise ExtractError(f"There is no encoder “{encoder}”; known are {', '.join(encoders.specs())}.")
    if layers and spec.layers is None:
        raise ExtractError(f"The encoder {spec.id} keeps no layers apart; ask for its embeddings alone.")
    if fast and not spec.rounding:
        raise ExtractError(f"The encoder {spec.id} has no faster arithmetic; extract with the exact one.")
    if kind not in FORMATS:
        raise ExtractError(f"“{out.name}” says no format; let its name end in .npz, .npy or .parquet, or choose one of these formats.")
    if kind == "npy" and per == "window":
        raise ExtractError("An npy file cannot say which window a row is; choose npz or parquet for one row per window.")
    return spec, kind


class _Once:
    """An encoder that is loaded when it is first needed."""

    def __init__(self, load: Callable[[], Encoder]) -> None:
        self._load = load
        self._encoder: Encoder | None = None

    def __call__(self) -> Encoder:
        self._encoder = self._encoder or self._load()
        return self._encoder

    @property
    def notices(self) -> list[str]:
        """Why it does not run as it was asked to, if it runs."""
        return self._encoder.notices if self._encoder else []


class _Keeper:
    """What is known of recordings, and where it goes: the journal and the cache."""

    def __init__(self, wish: _Wish, journal: Journal, cache: Cache) -> None:
        self._wish, self._journal, self._cache = wish, journal, cache

    def known_hash(self, file: File) -> str | None:
        return self._cache.known_hash(file.stamp)

    def remember_hash(self, file: File, content: str) -> None:
        self._cache.remember_hash(file.stamp, content)

    def has(self, file: File) -> bool:
        """Whether a recording of the same content is through."""
        return self._journal.copy(self._number(file), file.stamp, file.hash)

    def cached(self, file: File) -> tuple[Embedded, Reading] | None:
        """What an earlier analysis left; it was not rounded."""
        return None if self._wish.fast else stored(self._cache, file.hash, self._wish.spec, self._wish.spec.grid)

    def remember(self, file: File, embedded: Embedded, reading: Reading) -> None:
        """Let opening the file later be instant."""
        self._cache.remember_reading(file.hash, reading)
        if not self._wish.fast:
            self._cache.remember_embedded(file.hash, self._wish.spec, self._wish.spec.grid, embedded)

    def refusal(self, embedded: Embedded) -> str:
        """Silence has features too, but a recording without any window has none."""
        return "" if len(embedded.data) else TOO_SHORT

    def keep(self, file: File, embedded: Embedded, reading: Reading, tags: Tags | None) -> None:
        """Store the rows of a recording."""
        data = np.asarray(embedded.layers if self._wish.layers and embedded.layers is not None else embedded.data, np.float32)
        spans = np.asarray(embedded.spans, np.float64)
        if self._wish.per == "window":
            kept = Kept(file.hash, reading.duration_s, data, spans, embedded.loud)
        else:
            whole = np.array([[spans[0, 0], spans[-1, 1]]])
            kept = Kept(file.hash, reading.duration_s, _mean(data, embedded.loud), whole, np.array([embedded.loud.any()]))
        self._journal.keep(self._number(file), file.stamp, kept)

    def _number(self, file: File) -> int:
        return self._wish.recordings.numbers[str(file.path)]


def _mean(data: Embeddings, loud: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Embeddings:
    """`(n, …)` → `(1, …)` over what is not silent, or over all."""
    heard = data[loud] if loud.any() else data
    return np.asarray(heard.mean(axis=0, dtype=np.float64, keepdims=True), np.float32)


def _listen(wish: _Wish, journal: Journal, cache: Cache, load: _Once, token: Token, tell: Callable[[Failure | Note], None]) -> None:
    """Let the journal have every recording that it has not yet."""
    recordings, spec = wish.recordings, wish.spec
    done = _done(recordings, journal)
    if any(done):
        tell(Note(f"{sum(done)} of {len(done)} recordings are through from before; this goes on with the others."))

    def take(ended: Ended) -> None:
        if ended.state == "failed":
            journal.fail(recordings.numbers[str(ended.path)], ended.reason)
            tell(Failure(str(ended.path), ended.reason))

    files = (Path(path) for path, number in recordings.numbers.items() if not done[number])
    with Readers(spec.grid, spec.sample_rate, _AHEAD, tags=False) as readers:
        batches, words = Batches(spec, load), Words(CHANGED, NOT_FINITE)
        keeper = _Keeper(wish, journal, cache)
        Listening(files, len(done), keeper, batches, readers, token, take, words, begin=sum(done)).run()


def _done(recordings: Recordings, journal: Journal) -> bytearray:
    """Which recordings are through: 1 at their numbers. Those that failed, or have changed since, are not."""
    journal.forget_failures()
    done = bytearray(len(recordings.numbers))
    changed = []
    for number, size, mtime_ns in journal.stamps():
        done[number] = _is_still(recordings.path(number), size, mtime_ns)
        if not done[number]:
            changed.append(number)
    journal.drop(changed)
    return done


def _is_still(path: str, size: int, mtime_ns: int) -> bool:
    """Whether a file is what it was; one that is gone by now was it when it was read."""
    try:
        stamp = FileStamp.of(Path(path))
    except OSError:
        return True
    return (stamp.size, stamp.mtime_ns) == (size, mtime_ns)


def _written(wish: _Wish, journal: Journal, *, listed: bool, token: Token) -> Extracted:
    """Write all that the journal has, and take it away."""
    token.progress(1.0, "writing")
    features = Features(wish.recordings, journal, wish.shape, wish.per == "window", wish.about)
    rows = extract_formats.write(wish.out, wish.kind, features)
    if wish.kind == "npy" and not listed:
        _write_list(wish)
    failed = sum(1 for _ in journal.failures())
    journal.remove()
    return Extracted(wish.out, (rows, *wish.shape), len(wish.recordings.numbers), failed)


def _write_list(wish: _Wish) -> None:
    """Say which row is which, in the form in which lists are read."""
    text = "".join(f"{path}\n" for _, path in wish.recordings)
    try:
        write_whole(wish.out.with_name(f"{wish.out.name}.txt"), os.fsencode(text))
    except OSError as error:
        raise ExtractError(f"The list beside “{wish.out}” cannot be written ({error.strerror or error}); free some space.") from error


def _recordings(given: Path | Sequence[Path]) -> Recordings:
    found = extract_list.read(given) if isinstance(given, Path) else extract_list.given(given)
    if not len(found) and isinstance(given, Path):
        raise ExtractError(f"“{given}” names no recordings; write one path per line into it.")
    if not len(found):
        raise ExtractError("There are no recordings to extract features of; choose some.")
    return found


def _require_place(wish: _Wish, given: Path | Sequence[Path]) -> None:
    """Refuse to write over what is read, and where nothing can be written."""
    out = os.path.abspath(wish.out)
    if out in wish.recordings.numbers or (isinstance(given, Path) and os.path.abspath(given) == out):
        raise ExtractError(f"“{wish.out}” is what is to be read; choose another name for the features.")
    if wish.out.is_dir():
        raise ExtractError(f"“{wish.out}” is a folder; name the file that the features shall be written to.")
    if not wish.out.absolute().parent.is_dir():
        raise ExtractError(f"The folder “{wish.out.absolute().parent}” is not there; make it first, or choose another one.")
