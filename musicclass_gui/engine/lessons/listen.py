"""Listening to what is to be taught: recordings become embeddings in the project, each file as soon as it is through.

How it is done says `listening`; here is where the embeddings are kept: each file's in a transaction of its own. It knows nothing of
classes and lessons.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.lessons.news import Heard
from musicclass_gui.engine.listening import Batches, Listening, Words, stored
from musicclass_gui.engine.project.rows import EmbeddedRow, RecordingRow
from musicclass_gui.engine.project.tags import Tags, read_tags
from musicclass_gui.engine.reading import Readers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.cache import Cache, Embedded, Reading
    from musicclass_gui.engine.encoders import Encoder, EncoderSpec
    from musicclass_gui.engine.listening import Ended, File
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Grid

SILENT = "It is silent, so nothing can be learned from it."
CHANGED = "It was changed or removed while it was read, so nothing was learned from it; teach it again."
NOT_FINITE = "The encoder gave numbers for it that are not finite, so nothing was learned from it; choose the CPU in the preferences."


@dataclass(frozen=True)
class Listened:
    """What became of a file: the hash that its embeddings are found by, or the reason why there are none."""

    hash: str = ""
    reason: str = ""


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
    results: dict[Path, Listened] = {}

    def take(ended: Ended) -> None:
        results[ended.path] = Listened(ended.hash, ended.reason)
        tell(Heard(str(ended.path), ended.state, ended.reason, ended.done, ended.total))

    with Readers(grid, spec.sample_rate, ahead) as readers:
        keeper, words = _Keeper(project, cache, spec, grid), Words(CHANGED, NOT_FINITE)
        Listening(wanted, len(wanted), keeper, Batches(spec, load), readers, token, take, words).run()
    return {path: results[path] for path in wanted}


class _Keeper:
    """What is known of files, and where it is kept: the project and the cache."""

    def __init__(self, project: Project, cache: Cache, spec: EncoderSpec, grid: Grid) -> None:
        self._project, self._cache, self._spec, self._grid = project, cache, spec, grid

    @property
    def _names(self) -> tuple[str, str, str]:
        return self._spec.id, self._spec.version, self._grid.name

    def known_hash(self, file: File) -> str | None:
        return self._project.known_hash(file.path) or self._cache.known_hash(file.stamp)

    def remember_hash(self, file: File, content: str) -> None:
        self._cache.remember_hash(file.stamp, content)

    def has(self, file: File) -> bool:
        """Whether the project has the embeddings; a recording that is no longer where it was is where this file is."""
        if not self._project.has_embedding(file.hash, *self._names):
            return False
        recording = self._project.recording(file.hash)
        if recording is not None and not recording.path.exists():
            with self._project.writing():
                self._project.set_path(file.hash, file.path, file.stamp.size, file.stamp.mtime_ns)
        return True

    def cached(self, file: File) -> tuple[Embedded, Reading] | None:
        """What an earlier analysis left of this content."""
        return stored(self._cache, file.hash, self._spec, self._grid)

    def remember(self, file: File, embedded: Embedded, reading: Reading) -> None:
        """Let opening the file later be instant."""
        self._cache.remember_reading(file.hash, reading)
        self._cache.remember_embedded(file.hash, self._spec, self._grid, embedded)

    def refusal(self, embedded: Embedded) -> str:
        """Nothing can be learned from silence."""
        return "" if embedded.loud.any() else SILENT

    def keep(self, file: File, embedded: Embedded, reading: Reading, tags: Tags | None) -> None:
        """Store the recording and its embeddings, both or neither."""
        found = read_tags(file.path) if tags is None else tags
        stamp, words = file.stamp, (found.title, found.artist, found.album)
        mean = np.asarray(embedded.data[embedded.loud].mean(axis=0, dtype=np.float64), np.float32)
        with self._project.writing():
            self._project.add_recording(
                RecordingRow(file.hash, file.path, stamp.size, stamp.mtime_ns, reading.duration_s, *words, list(reading.notices))
            )
            self._project.add_embedding(EmbeddedRow(file.hash, embedded.data, embedded.spans, embedded.loud, mean), *self._names)
