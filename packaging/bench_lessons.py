"""How long lessons take once the embeddings are there, and whether that depends on how much was taught before.

    python packaging/bench_lessons.py

Prints milliseconds (the best of several) for adding 1,000 new 384-d examples to 100,000 taught ones, for solving a head of 768
dimensions and 100 classes, and for a whole lesson in a project file, each beside the same with a hundredth of the past.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "2")

import numpy as np  # noqa: E402 - after the number of threads is set

from musicclass_gui.engine.encoders import EncoderSpec  # noqa: E402
from musicclass_gui.engine.heads.gaussian import GaussianHead  # noqa: E402
from musicclass_gui.engine.lessons.additions import Addition  # noqa: E402
from musicclass_gui.engine.lessons.book import Book  # noqa: E402
from musicclass_gui.engine.project.rows import EmbeddedRow, RecordingRow  # noqa: E402
from musicclass_gui.engine.project.store import Project  # noqa: E402
from musicclass_gui.engine.windows import Grid  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 5
CLASSES = 100
WINDOWS = 20  # of a recording


def best(act: Callable[[], object]) -> float:
    """The fastest of several, in milliseconds."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return 1000 * min(seconds)


def taught(dim: int, examples: int) -> GaussianHead:
    """A head that learned so many examples in 100 classes."""
    rng = np.random.default_rng(0)
    head = GaussianHead(dim, normalise="l2", target="diagonal", independent=0.05)
    for k in range(CLASSES):
        head.learn(rng.normal(rng.normal(0, 1, dim), 1, (examples // CLASSES, dim)).astype(np.float32), str(k))
    return head


def heads() -> None:
    """The sums themselves."""
    new = np.random.default_rng(1).normal(size=(1000, 384)).astype(np.float32)
    probe = np.random.default_rng(1).normal(size=(1, 768)).astype(np.float32)
    for past in (1_000, 100_000):
        head = taught(384, past)
        print(f"update  384-d, 1,000 new on {past:>7,}: {best(lambda: head.learn(new, 'new')):7.1f} ms")  # noqa: B023 - called at once
    for past in (1_000, 100_000):
        head = taught(768, past)

        def refit() -> None:
            head.count_as(0.05)  # noqa: B023 - called at once; it makes the head solve again
            head.judge(probe)  # noqa: B023

        print(f"refit   768-d, 100 classes of {past:>7,}: {best(refit):5.1f} ms")


def lessons(past: int, dim: int = 384) -> None:
    """A whole lesson in a file: 50 new recordings of 20 windows, drafted, learned and kept."""
    spec = EncoderSpec("bench", "1", "Bench", 16_000, Grid(10, 5), dim, "none")
    with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder) / "bench.musicclass") as project:
        book = Book(project)
        number = book.new_classifier("Bench", spec)
        recordings = past // WINDOWS
        record(project, spec, recordings + 50)
        keep(book, number, range(recordings), lambda k: str(k % 50))
        reads, sizes, seconds = project.reads, [], []
        for _ in range(REPEATS):
            start = time.perf_counter()
            lesson = keep(book, number, range(recordings, recordings + 50), lambda k: "new")
            seconds.append(time.perf_counter() - start)
            sizes.append(len(project.head(number) or b""))
            assert lesson
            book.undo()
        each = (project.reads - reads) / REPEATS
        said = f"{each:.0f} recordings read (done and undone), {sizes[0]:,} bytes kept"
        print(f"lesson  384-d, 1,000 new on {past:>7,}: {1000 * min(seconds):7.1f} ms, {said}")


def record(project: Project, spec: EncoderSpec, count: int) -> None:
    """So many recordings with made-up embeddings."""
    rng, spans = np.random.default_rng(2), [(5.0 * k, 5.0 * k + 10) for k in range(WINDOWS)]
    with project.writing():
        for k in range(count):
            data = rng.normal(size=(WINDOWS, spec.dim)).astype(np.float32)
            row = RecordingRow(f"{k:064x}", Path(f"/bench/{k}.wav"), 1, 1, 105.0)
            project.add_recording(row)
            embedded = EmbeddedRow(row.hash, data, spans, np.ones(WINDOWS, bool), data.mean(axis=0))
            project.add_embedding(embedded, spec.id, spec.version, spec.grid.name)


def keep(book: Book, classifier: int, recordings: range, name: Callable[[int], str]) -> int:
    """Teach and keep; the lesson's id."""
    lesson = book.teach(classifier, [Addition(name(k), "class", "", f"{k:064x}") for k in recordings]).id
    book.keep(lesson, book.learned(lesson))
    return lesson


if __name__ == "__main__":
    heads()
    for taught_before in (1_000, 100_000):
        lessons(taught_before)
