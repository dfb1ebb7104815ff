"""One pass over a recording: picture, embeddings and answers grow together while it is decoded once.

The window, the command line and the folder queue all come through `Analyst.analyse`; what differs is who listens.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import encoders, picture
from musicclass_gui.engine.audio import Blocks, Recording, Resampler, content_hash, open_blocks, probe, to_mono
from musicclass_gui.engine.cache import Cache, Embedded, Reading
from musicclass_gui.engine.errors import EncoderError
from musicclass_gui.engine.events import Answered, Event, Finished, Noticed, Opened, Pictured
from musicclass_gui.engine.picture import PictureWriter
from musicclass_gui.engine.places import weights_folders
from musicclass_gui.engine.prefetch import prefetched
from musicclass_gui.engine.shelf import Shelf
from musicclass_gui.engine.windows import Audio, Grid, Span, Window

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.classifier import Classifier
    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec
    from musicclass_gui.engine.task import Token

Emit = Callable[[Event], None]

_LARGEST_BATCH = 16
_PICTURE_EVERY_S = 0.1
_ANSWER_EVERY_S = 0.25
_ANSWER_SHARE = 0.1  # of the time may go into answers that a later one replaces


@dataclass(frozen=True)
class Request:
    """What to find out about which file, with what."""

    path: Path
    classifiers: tuple[str, ...] = ("genre", "composer")
    encoder: str = ""  # "" takes each classifier's best encoder that can run here
    device: str = "auto"
    window_s: float = 0.0  # 0 takes the encoder's own grid
    weights_folder: str = ""
    picture: bool = True


@dataclass
class _Track:
    """One encoder's way through one recording, and the classifiers that wait for it."""

    spec: EncoderSpec
    grid: Grid
    load: Callable[[], Encoder]  # not called when the cache has the embeddings: loading costs seconds
    classifiers: list[Classifier] = field(default_factory=list)
    data: list[Embeddings] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    loud: list[bool] = field(default_factory=list)
    complete: bool = False

    def __post_init__(self) -> None:
        self._stream = self.grid.stream(self.spec.sample_rate)
        self._waiting: list[Window] = []
        self._batch = 1  # grows, so that the first answer comes soon and later ones cheaply

    def push(self, mono: Audio) -> None:
        self._waiting.extend(self._stream.push(mono))
        while len(self._waiting) >= self._batch:
            batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            self._embed(batch)
            self._batch = min(2 * self._batch, _LARGEST_BATCH)

    def finish(self) -> None:
        self._embed([*self._waiting, *self._stream.finish()])
        self.complete = True

    def restore(self, embedded: Embedded) -> None:
        self.data, self.spans, self.loud = [embedded.data], embedded.spans, embedded.loud.tolist()
        self.complete = True

    def embedded(self) -> Embedded:
        data = np.concatenate(self.data) if self.data else np.empty((0, self.spec.dim), np.float32)
        return Embedded(data, self.spans, np.asarray(self.loud, bool))

    def notices(self) -> list[str]:
        """What the encoder has to say: that it does not run where it was asked to."""
        return self.load().notices

    def answers(self) -> dict[str, Answer]:
        now = self.embedded()
        return {c.id: c.answer(now.data, now.spans, now.loud) for c in self.classifiers} if self.spans else {}

    def _embed(self, windows: list[Window]) -> None:
        if not windows:
            return
        found = self.load().embed([window.samples for window in windows])
        if not np.isfinite(found).all():
            raise EncoderError(f"Encoder {self.spec.id} gave numbers that are not finite; choose the CPU in the preferences.")
        self.data.append(found)
        self.spans += [(window.start_s, window.end_s) for window in windows]
        self.loud += [window.loud for window in windows]


class Analyst:
    """Analyses recordings one after the other, keeping encoders and classifiers warm in between."""

    def __init__(self, cache_folder: Path) -> None:
        self._cache_folder = cache_folder
        self._shelves: dict[str, Shelf] = {}
        self._encoders: dict[tuple[str, str, Path | None], Encoder] = {}

    def warm(self, request: Request) -> None:
        """Load what `request` will need, without a recording, and run it once: the first run of an encoder costs extra."""
        for track in self._tracks(request):
            track.load().embed([np.zeros(track.spec.sample_rate, np.float32)])

    def analyse(self, request: Request, token: Token, emit: Emit) -> list[Answer]:
        """Answer `request`, telling `emit` what is known as it becomes known. Returns the final answers.

        Raises AudioError when the file cannot be read, EncoderError or ClassifierError when nobody could answer,
        Cancelled when `token` says so. What was computed for a finished recording is kept in the cache.
        """
        recording = probe(request.path)
        emit(Opened(recording))
        with ExitStack() as stack:
            cache = Cache(self._cache_folder)
            stack.callback(cache.close)
            one = _Pass(recording, self._hash(cache, recording.path, token), self._tracks(request), cache, request, token, emit)
            one.run()
        return one.answers()

    def _hash(self, cache: Cache, path: Path, token: Token) -> str:
        known = cache.known_hash(path)
        if known is None:
            known = content_hash(path, token)
            cache.remember_hash(path, known)
        return known

    def _tracks(self, request: Request) -> list[_Track]:
        shelf = self._shelves.setdefault(request.weights_folder, Shelf(weights_folders(request.weights_folder)))
        tracks: dict[str, _Track] = {}
        for name in request.classifiers:
            chosen = shelf.choose(name, request.encoder)
            if chosen.encoder not in tracks:
                spec = encoders.specs()[chosen.encoder]
                chosen.require_fit(spec)
                load = partial(self._encoder, spec.id, request.device, shelf.weights_of(spec.id))
                tracks[chosen.encoder] = _Track(spec, _grid(spec, request.window_s), load)
            tracks[chosen.encoder].classifiers.append(chosen)
        return list(tracks.values())

    def _encoder(self, encoder_id: str, device: str, weights: Path | None) -> Encoder:
        key = (encoder_id, device, weights)
        if key not in self._encoders:
            self._encoders[key] = encoders.load(encoder_id, device=device, weights=weights)
        return self._encoders[key]


class _Pass:
    """One analysis of one recording."""

    def __init__(
        self, recording: Recording, content_hash: str, tracks: list[_Track], cache: Cache, request: Request, token: Token, emit: Emit
    ) -> None:
        self._recording = recording
        self._hash = content_hash
        self._tracks = tracks
        self._cache = cache
        self._request = request
        self._token = token
        self._emit = emit
        self._read_s = 0.0
        self._answer_at = self._picture_at = 0.0

    def run(self) -> None:
        known = self._restore()
        if known is None:
            known = self._read()
            self._remember(known)
        else:
            for notice in known.notices:
                self._emit(Noticed(notice))
        self._emit(Finished(known.duration_s, self._from_cache, {track.spec.id: track.load().device for track in self._pending}))

    def answers(self) -> list[Answer]:
        """The answers so far, in the order in which the request names the classifiers."""
        found: dict[str, Answer] = {}
        for track in self._tracks:
            found |= track.answers()
        return [found[name] for name in self._request.classifiers if name in found]

    def _restore(self) -> Reading | None:
        """Take from the cache what it has; the reading when nothing is left to do."""
        for track in self._tracks:
            stored = self._cache.embedded(self._hash, track.spec, track.grid)
            if stored is not None:
                track.restore(stored)
        known = self._cache.reading(self._hash)
        folder = self._cache.picture(self._hash)
        if known and folder:
            self._emit(Pictured(folder, known.duration_s))
        self._pending = [track for track in self._tracks if not track.complete]
        self._from_cache = known is not None and not self._pending
        if known and len(self._pending) < len(self._tracks):
            self._emit(Answered(self.answers(), known.duration_s if self._from_cache else 0.0))
        self._needs_picture = self._request.picture and folder is None
        return known if self._from_cache and not self._needs_picture else None

    def _read(self) -> Reading:
        """Decode the whole recording once, growing what is pending."""
        with ExitStack() as stack:
            blocks = stack.enter_context(open_blocks(self._recording, token=self._token))
            writer = self._writer(stack)
            rates = _Rates(self._recording.sample_rate, self._rates_needed())
            for mono in prefetched(_mono(blocks)):
                self._token.check()
                self._grow(writer, mono, rates.push(mono))
                self._report(writer, blocks)
            self._finish(writer, rates.finish())
        for notice in (*blocks.notices, *(notice for track in self._pending for notice in track.notices())):
            self._emit(Noticed(notice))
        return Reading(blocks.readable_s, list(blocks.notices))

    def _writer(self, stack: ExitStack) -> PictureWriter | None:
        """A writer that leaves nothing behind when the pass does not come to its end."""
        if not self._needs_picture:
            return None
        self._folder = self._cache.new_picture_folder(self._hash)
        stack.push(partial(_drop_unfinished, self._folder))
        return stack.enter_context(PictureWriter(self._folder, self._recording.sample_rate))

    def _rates_needed(self) -> set[int]:
        mel = {picture.MEL_RATE} if self._needs_picture else set()
        return mel | {track.spec.sample_rate for track in self._pending}

    def _grow(self, writer: PictureWriter | None, mono: Audio, at_rate: dict[int, Audio]) -> None:
        if writer is not None:
            writer.push(mono)
            writer.push_mel(at_rate[picture.MEL_RATE])
        for track in self._pending:
            track.push(at_rate[track.spec.sample_rate])
        self._read_s += mono.size / self._recording.sample_rate

    def _finish(self, writer: PictureWriter | None, tails: dict[int, Audio]) -> None:
        if writer is not None:
            writer.push_mel(tails[picture.MEL_RATE])
            writer.finish()
            self._emit(Pictured(self._folder, self._read_s))
        for track in self._pending:
            track.push(tails[track.spec.sample_rate])
            track.finish()
        self._emit(Answered(self.answers(), self._read_s))

    def _report(self, writer: PictureWriter | None, blocks: Blocks) -> None:
        self._token.progress(self._read_s / self._recording.duration_s if self._recording.duration_s > 0 else float("nan"), "reading")
        now = time.monotonic()
        if writer is not None and now >= self._picture_at:
            self._picture_at = now + _PICTURE_EVERY_S
            self._emit(Pictured(self._folder, self._read_s))
        if self._pending and now >= self._answer_at and (answers := self.answers()):
            self._emit(Answered(answers, self._read_s))
            cost = time.monotonic() - now
            self._answer_at = now + max(_ANSWER_EVERY_S, cost / _ANSWER_SHARE)

    def _remember(self, reading: Reading) -> None:
        self._cache.remember_reading(self._hash, reading)
        for track in self._pending:
            self._cache.remember_embedded(self._hash, track.spec, track.grid, track.embedded())
        if self._needs_picture:
            self._cache.remember_picture(self._hash, self._folder)


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


def _drop_unfinished(folder: Path, kind: type[BaseException] | None, *_details: object) -> None:
    if kind is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _grid(spec: EncoderSpec, window_s: float) -> Grid:
    return Grid(window_s, window_s / 2) if window_s > 0 else spec.grid
