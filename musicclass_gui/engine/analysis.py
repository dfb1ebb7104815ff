"""One pass over a recording: picture, embeddings and answers grow together while it is decoded once.

The window, the command line and the folder queue all come through `Analyst.analyse`; what differs is who listens.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import encoders, picture, pooling
from musicclass_gui.engine.audio import Blocks, Recording, Resampler, content_hash, open_blocks, probe, to_mono
from musicclass_gui.engine.audio_paths import naming_errors_of
from musicclass_gui.engine.cache import Cache, Embedded, FileStamp, Reading, opened
from musicclass_gui.engine.drawing import Drawing
from musicclass_gui.engine.encoders import layers
from musicclass_gui.engine.encoders.hearing import hear
from musicclass_gui.engine.encoders.mobilenet import tail_digest
from musicclass_gui.engine.errors import ClassifierError, EncoderError, LessonError, MusicClassError
from musicclass_gui.engine.events import Answered, Event, Finished, Noticed, Opened, Pictured
from musicclass_gui.engine.places import SHIPPED, weights_folders
from musicclass_gui.engine.prefetch import prefetched
from musicclass_gui.engine.shelf import Shelf
from musicclass_gui.engine.windows import Audio, Grid, Span, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.classifier import Answering
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec, LayerData
    from musicclass_gui.engine.lessons.shelf import ProjectShelf
    from musicclass_gui.engine.pooling import Readings
    from musicclass_gui.engine.task import Token

Emit = Callable[[Event], None]

_TAGS = "tags-"  # and an encoder's id: its tags answer
_LARGEST_BATCH = 16
_PICTURE_EVERY_S = 0.1
_ANSWER_EVERY_S = 0.25
_ANSWER_SHARE = 0.1  # of the time may go into answers that a later one replaces
_CHANGED = "The file was changed or removed while it was read, so the answer may not fit it; analyse it again."


@dataclass(frozen=True)
class Request:
    """What to find out about which file, with what."""

    path: Path
    classifiers: tuple[str, ...] = SHIPPED
    encoder: str = ""  # "" takes each classifier's best encoder that can run here
    device: str = "auto"
    window_s: float = 0.0  # 0 takes the encoder's own grid
    weights_folder: str = ""
    picture: bool = True
    fresh: bool = False  # decode and answer anew, whatever the cache has
    project: str = ""  # a project file whose classifiers answer too, after the others
    fast: bool = False  # let encoders that can compute with rounded numbers, which are not kept


@dataclass
class _Track:
    """One encoder's way through one recording, and the classifiers that wait for it, each with the view that it takes."""

    spec: EncoderSpec
    grid: Grid
    load: Callable[[], Encoder]  # not called when the cache has the embeddings: loading costs seconds
    kept: bool = True  # whether the cache has and gets its embeddings; not those of rounded arithmetic
    classifiers: list[tuple[Answering, EncoderSpec]] = field(default_factory=list)
    complete: bool = False

    def __post_init__(self) -> None:
        self._stream = self.grid.stream(self.spec.sample_rate)
        self._waiting: list[Window] = []
        self._clear()
        self._batch = 1  # grows, so that the first answer comes soon and later ones cheaply

    def push(self, mono: Audio) -> None:
        self._waiting.extend(self._stream.push(mono))
        while len(self._waiting) >= self._batch:
            batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            self._embed(batch)
            self._batch = min(2 * self._batch, _LARGEST_BATCH)

    def finish(self) -> None:
        self._embed([*self._waiting, *self._stream.finish()])
        self.restore(self.embedded())

    def restore(self, embedded: Embedded) -> None:
        """Take a whole recording's embeddings, in place of what there was; the same ones always give the same answer."""
        self._clear()
        self._add(embedded)
        self.complete = True

    def _clear(self) -> None:
        self.data: list[Embeddings] = []
        self._layers: list[LayerData] = []
        self.spans: list[Span] = []
        self.loud: list[bool] = []
        self._said: defaultdict[str, list[Readings]] = defaultdict(list)
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._heard = 0

    def embedded(self) -> Embedded:
        data = np.concatenate(self.data) if self.data else np.empty((0, self.spec.dim), np.float32)
        return Embedded(data, self.spans, np.asarray(self.loud, bool), np.concatenate(self._layers) if self._layers else None)

    def notices(self) -> list[str]:
        """What the encoder has to say, once it has run: that it does not run where it was asked to."""
        return self.load().notices if self.data else []

    def answers(self) -> dict[str, Answer]:
        """What can be said of the windows so far; each window was read by each head only once."""
        if not self.spans:
            return {}
        means = {name: total / self._heard for name, total in self._sums.items()} if self._heard else {}
        return {one.id: one.conclude(pooling.joined(self._said[one.id]), means.get(one.id)) for one, _ in self.classifiers}

    def _embed(self, windows: list[Window]) -> None:
        if not windows:
            return
        with self._foreign_errors():
            found, kept = hear(self.load(), [window.samples for window in windows])
        if not np.isfinite(found).all():
            raise EncoderError(f"Encoder {self.spec.id} gave numbers that are not finite; choose the CPU in the preferences.")
        loud = np.asarray([window.loud for window in windows])
        self._add(Embedded(found, [(window.start_s, window.end_s) for window in windows], loud, kept))

    def _add(self, more: Embedded) -> None:
        self.data.append(more.data)
        if more.layers is not None:
            self._layers.append(more.layers)
        self.spans += more.spans
        self.loud += more.loud.tolist()
        self._heard += int(more.loud.sum())
        for classifier, spec in self.classifiers:
            rows = more.data if more.layers is None or spec.id == self.spec.id else layers.apply(spec, more.layers)
            self._sums[classifier.id] = self._sums.get(classifier.id, 0.0) + rows[more.loud].sum(axis=0, dtype=np.float64)
            self._said[classifier.id].append(classifier.read(rows, more.spans, more.loud))

    @contextmanager
    def _foreign_errors(self) -> Iterator[None]:
        """What torch and its like raise, as a sentence."""
        try:
            yield
        except (RuntimeError, MemoryError, ImportError, OSError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise EncoderError(f"The encoder {self.spec.id} failed ({reason}); close other programs or choose another device.") from error


class Analyst:
    """Analyses recordings one after the other, keeping encoders and classifiers warm in between."""

    def __init__(self, cache_folder: Path) -> None:
        self._cache_folder = cache_folder
        self._shelves: dict[str, Shelf] = {}
        self._projects: dict[str, ProjectShelf] = {}
        self._encoders: dict[tuple[str, str, Path | None, bool], Encoder] = {}
        self._tails: dict[str, Encoder] = {}
        self._said: set[str] = set()

    def warm(self, request: Request) -> None:
        """Load what `request` will need, without a recording, and run it once: the first run of an encoder costs extra."""
        for track in self._tracks(request, lambda text: None):
            track.load().embed([np.zeros(track.spec.sample_rate, np.float32)])

    def analyse(self, request: Request, token: Token, emit: Emit) -> list[Answer]:
        """Answer `request`, telling `emit` what is known as it becomes known. Returns the final answers.

        Raises AudioError when the file cannot be read, EncoderError or ClassifierError when nobody could answer,
        Cancelled when `token` says so. What was computed for a finished recording is kept in the cache.
        """
        recording = probe(request.path)
        emit(Opened(recording))
        with opened(self._cache_folder) as cache:
            source = _Source.of(recording, cache, token)
            tracks = self._tracks(request, lambda text: self._tell(emit, _Standing(text)))
            one = _Pass(source, tracks, cache, request, token, partial(self._tell, emit))
            one.run()
        return one.answers

    def _tell(self, emit: Emit, event: Event) -> None:
        """Pass an event on; what is wrong with the machine rather than with the recording is told once."""
        if isinstance(event, _Standing):
            if event.text in self._said:
                return
            self._said.add(event.text)
            event = Noticed(event.text)
        emit(event)

    def shelf(self, weights_folder: str) -> Shelf:
        """The shipped classifiers, and which encoders have their weights, as seen with this folder set."""
        return self._shelves.setdefault(weights_folder, Shelf(weights_folders(weights_folder)))

    def encoder(self, encoder_id: str, device: str, weights: Path | None, *, fast: bool = False) -> Encoder:
        """An encoder, loaded once per device and weights; a view shares the encoder that it is of. Raises EncoderError, WeightsError."""
        spec = encoders.find_spec(encoder_id)
        if spec is not None and spec.of:
            return layers.Viewed(self.encoder(spec.of, device, weights, fast=fast), spec)
        key = (encoder_id, device, weights, fast)
        if key not in self._encoders:
            self._encoders[key] = encoders.load(encoder_id, device=device, weights=weights, fast=fast)
        return self._encoders[key]

    def _tracks(self, request: Request, tell: Callable[[str], None]) -> list[_Track]:
        shelf = self.shelf(request.weights_folder)
        tracks: dict[str, _Track] = {}
        taught = self._taught(request, shelf, tell)
        own = {one.id for one in taught}  # an older project may have a name that a shipped classifier took later
        for chosen in [*(one for one in self._asked(request, shelf, tell) if one.id not in own), *taught]:
            spec = shelf.spec(chosen.encoder)
            chosen.require_fit(spec)
            ears = f"{spec.of or spec.id}+{tail_digest(chosen.tail)}" if chosen.tail else spec.of or spec.id
            if ears not in tracks:
                tracks[ears] = self._track(shelf.spec(spec.of or spec.id), chosen.tail, request, shelf)
            tracks[ears].classifiers.append((chosen, spec))
        return list(tracks.values())

    def _track(self, spec: EncoderSpec, tail: Mapping[str, Embeddings], request: Request, shelf: Shelf) -> _Track:
        fast = request.fast and bool(spec.rounding)
        load = partial(self.encoder, spec.id, request.device, shelf.weights_of(spec.id), fast=fast)
        if tail:
            spec, load = replace(spec, version=f"{spec.version}+{tail_digest(tail)}"), partial(self._tuned, load, tail)
        return _Track(spec, _grid(spec, request.window_s), load, not fast)

    def _asked(self, request: Request, shelf: Shelf, tell: Callable[[str], None]) -> Iterator[Answering]:
        """The shipped classifiers that are asked for, and the tags; of a tagger that cannot run here, `tell` is told why."""
        for name in request.classifiers:
            if not name.startswith(_TAGS):
                yield shelf.choose(name, request.encoder)
                continue
            from musicclass_gui.engine import tagging

            spec = shelf.spec(name.removeprefix(_TAGS))
            why_not = shelf.missing(spec.id)
            if why_not:
                tell(f"There are no tags: {why_not}")
            else:
                yield tagging.TagClassifier.of(spec, partial(self.encoder, spec.id, request.device, shelf.weights_of(spec.id)))

    def _tuned(self, load: Callable[[], Encoder], tail: Mapping[str, Embeddings]) -> Encoder:
        """An encoder whose end was tuned, made once."""
        digest = tail_digest(tail)
        if digest not in self._tails:
            self._tails[digest] = encoders.with_tail(load(), tail)
        return self._tails[digest]

    def _taught(self, request: Request, shelf: Shelf, tell: Callable[[str], None]) -> list[Answering]:
        """The project's classifiers that can answer here; of others, `tell` is told why not, unless nobody else was asked."""
        if not request.project or (request.classifiers and not Path(request.project).exists()):  # nobody has taught anything yet
            return []
        from musicclass_gui.engine.lessons.shelf import ProjectShelf

        try:
            found = self._projects.setdefault(request.project, ProjectShelf(Path(request.project))).classifiers()
            if not found and not request.classifiers:
                raise LessonError("No classifier of this project has been taught anything yet; teach it a class first.")
            return [one for one in found if _can_run(shelf, one, tell)]
        except MusicClassError as error:  # whatever is wrong with the project, the others answer
            if not request.classifiers:
                raise
            tell(str(error))
            return []


class _Standing(Noticed):
    """A notice that will hold for the next recordings too."""


@dataclass(frozen=True)
class _Source:
    """The recording, the hash of its content, and the file's stamp from before either was read."""

    recording: Recording
    hash: str
    stamp: FileStamp

    @classmethod
    def of(cls, recording: Recording, cache: Cache, token: Token) -> _Source:
        with naming_errors_of(recording.path):
            stamp = FileStamp.of(recording.path)
        known = cache.known_hash(stamp)
        if known is None:
            known = content_hash(recording.path, token)
            cache.remember_hash(stamp, known)
        return cls(recording, known, stamp)

    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was hashed."""
        try:
            return FileStamp.of(self.recording.path) == self.stamp
        except OSError:
            return False


class _Pass:
    """One analysis of one recording. `answers` are those so far, in the order in which the request names the classifiers."""

    def __init__(self, source: _Source, tracks: list[_Track], cache: Cache, request: Request, token: Token, emit: Emit) -> None:
        self.answers: list[Answer] = []
        self._source = source
        self._recording = source.recording
        self._tracks = self._pending = tracks
        self._cache = cache
        self._request = request
        self._token = token
        self._emit = emit
        self._drawing: Drawing | None = None
        self._read_s = 0.0
        self._answer_at = self._picture_at = 0.0

    def run(self) -> None:
        known, folder = self._restore()
        from_cache = known is not None and not self._pending
        if known is not None and from_cache and (folder or not self._request.picture):
            self._notice(known.notices)
        else:
            known = self._read(draw=self._request.picture and folder is None)
            self._remember(known)
        self._tell_what_stands()
        self._emit(Finished(known.duration_s, from_cache, {track.spec.id: track.load().device for track in self._pending}))
        if self._drawing is not None:
            self._cache.trim()

    def _restore(self) -> tuple[Reading | None, Path | None]:
        """Take from the cache what it has, and tell it: the reading and the picture's folder, if they are known."""
        if self._request.fresh:
            return None, None
        known, folder = self._cache.reading(self._source.hash), self._cache.picture(self._source.hash)
        for track in self._tracks:
            stored = self._cache.embedded(self._source.hash, track.spec, track.grid) if track.kept else None
            if stored is not None:
                track.restore(stored)
        self._pending = [track for track in self._tracks if not track.complete]
        if known and folder:
            self._emit(Pictured(folder, known.duration_s))
        if known and len(self._pending) < len(self._tracks):
            self._answer(0.0 if self._pending else known.duration_s)
        return known, folder

    def _read(self, *, draw: bool) -> Reading:
        """Decode the whole recording once, growing what is pending."""
        with ExitStack() as stack:
            blocks = stack.enter_context(open_blocks(self._recording, token=self._token))
            if draw:
                folder = self._cache.new_picture_folder(self._source.hash)
                self._drawing = stack.enter_context(Drawing(folder, self._recording.sample_rate))
            rates = _Rates(self._recording.sample_rate, self._rates_needed())
            for mono in stack.enter_context(closing(prefetched(_mono(blocks)))):
                self._token.check()
                self._grow(mono, rates.push(mono))
                self._report()
            self._finish(rates.finish())
        self._notice(blocks.notices)
        return Reading(blocks.readable_s, list(blocks.notices))

    def _rates_needed(self) -> set[int]:
        mel = {picture.MEL_RATE} if self._drawing else set()
        return mel | {track.spec.sample_rate for track in self._pending}

    def _grow(self, mono: Audio, at_rate: dict[int, Audio]) -> None:
        if self._drawing:
            self._drawing.push(mono, at_rate[picture.MEL_RATE])
        for track in self._pending:
            track.push(at_rate[track.spec.sample_rate])
        self._read_s += mono.size / self._recording.sample_rate

    def _finish(self, tails: dict[int, Audio]) -> None:
        if self._drawing:
            self._drawing.finish(tails[picture.MEL_RATE])
            self._emit(Pictured(self._drawing.folder, self._read_s))
        for track in self._pending:
            track.push(tails[track.spec.sample_rate])
            track.finish()
        if self._pending or not self.answers:
            self._answer(self._read_s)

    def _report(self) -> None:
        self._token.progress(self._read_s / self._recording.duration_s if self._recording.duration_s > 0 else float("nan"), "reading")
        self._tell_what_stands()
        now = time.monotonic()
        if self._drawing and now >= self._picture_at:
            self._picture_at = now + _PICTURE_EVERY_S
            self._emit(Pictured(self._drawing.folder, self._read_s))
        if now >= self._answer_at and any(track.data for track in self._pending):
            self._answer(self._read_s)
            cost = time.monotonic() - now
            self._answer_at = now + max(_ANSWER_EVERY_S, cost / _ANSWER_SHARE)

    def _answer(self, until_s: float) -> None:
        found: dict[str, Answer] = {}
        for track in self._tracks:
            found |= track.answers()
        wanted = dict.fromkeys([*self._request.classifiers, *found])
        self.answers = [found[name] for name in wanted if name in found]
        self._emit(Answered(self.answers, until_s))

    def _notice(self, texts: list[str]) -> None:
        for text in texts:
            self._emit(Noticed(text))

    def _tell_what_stands(self) -> None:
        """Why an encoder does not run where it should, why there is no picture, why nothing is kept."""
        problems = [self._drawing.problem if self._drawing else "", self._cache.problem]
        for text in (*(notice for track in self._pending for notice in track.notices()), *filter(None, problems)):
            self._emit(_Standing(text))

    def _remember(self, reading: Reading) -> None:
        if not self._source.is_unchanged():
            self._emit(Noticed(_CHANGED))
            return
        self._cache.remember_reading(self._source.hash, reading)
        for track in (track for track in self._pending if track.kept):
            self._cache.remember_embedded(self._source.hash, track.spec, track.grid, track.embedded())
        if self._drawing and self._drawing.finished:
            self._cache.remember_picture(self._source.hash, self._drawing.folder)


class _Rates:
    """One stream of mono audio at several sample rates."""

    def __init__(self, rate: int, wanted: set[int]) -> None:
        self._resamplers = {rate_out: Resampler(rate, rate_out) for rate_out in wanted}

    def push(self, mono: Audio) -> dict[int, Audio]:
        return {rate: resampler.push(mono) for rate, resampler in self._resamplers.items()}

    def finish(self) -> dict[int, Audio]:
        return {rate: resampler.finish() for rate, resampler in self._resamplers.items()}


def _mono(blocks: Blocks) -> Iterator[Audio]:
    for block in blocks:
        yield to_mono(block)


def _can_run(shelf: Shelf, classifier: Answering, tell: Callable[[str], None]) -> bool:
    try:
        why_not = shelf.missing(classifier.encoder)
        if not why_not:
            classifier.require_fit(shelf.spec(classifier.encoder))
    except ClassifierError as error:  # its encoder is not known here, or not in that version
        why_not = str(error)
    if why_not:
        tell(f"“{classifier.title}” cannot answer: {why_not}")
    return not why_not


def _grid(spec: EncoderSpec, window_s: float) -> Grid:
    return Grid(window_s, window_s / 2) if window_s > 0 else spec.grid
