"""Projects to teach in tests: recordings with made-up embeddings, and lessons that are kept at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.encoders import EncoderSpec
from musicclass_gui.engine.lessons import learning, making
from musicclass_gui.engine.lessons.additions import Addition
from musicclass_gui.engine.lessons.book import Book
from musicclass_gui.engine.project.rows import EmbeddedRow, RecordingRow
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from musicclass_gui.engine.project.rows import ClassRow, LessonRow
    from musicclass_gui.engine.project.store import Project

DIM = 6
SPEC = EncoderSpec("timbre", "1", "Timbre", 22_050, Grid(5, 2.5), DIM, "MIT")


def hashed(number: int) -> str:
    return f"{number:064x}"


def drawn(number: int, kind: int = 0, dim: int = DIM) -> np.ndarray:
    """The windows of recording `number`, which sounds like `kind`; the same each time."""
    rng = np.random.default_rng([number, kind, dim])
    centre = np.random.default_rng(kind).normal(0, 2, dim)
    return (centre + rng.normal(0, 1, (int(rng.integers(1, 6)), dim))).astype(np.float32)


def record(project: Project, number: int, data: np.ndarray, spec: EncoderSpec = SPEC, loud: list[bool] | None = None) -> str:
    """A recording with these windows in the project; its hash."""
    spans = [(2.5 * k, 2.5 * k + 5.0) for k in range(len(data))]
    heard = np.ones(len(data), bool) if loud is None else np.asarray(loud)
    mean = data[heard].mean(axis=0) if heard.any() else np.zeros(data.shape[1], np.float32)
    with project.writing():
        row = RecordingRow(hashed(number), Path(f"/music/{number}.wav"), 1000 + number, 1, 2.5 * len(data) + 2.5)
        project.add_recording(row)
        project.add_embedding(EmbeddedRow(row.hash, data, spans, heard, mean), spec.id, spec.version, spec.grid.name)
    return row.hash


def added(name: str, *numbers: int, role: str = "class", of: str = "", group: str = "") -> list[Addition]:
    return [Addition(name, role, of, hashed(number), group=group) for number in numbers]


class Desk:
    """A project with one classifier, and lessons in one call each."""

    def __init__(self, project: Project, method: str = "gaussian", spec: EncoderSpec = SPEC, trainer: Any = None, **options: Any) -> None:
        self.project, self.book, self.trainer = project, Book(project), trainer
        self.id = self.book.new_classifier("My classes", spec, method, options)

    def keep(self, draft: LessonRow) -> LessonRow:
        self.book.keep(draft.id, self.book.learned(draft.id, self.trainer))
        return self.project.lesson(draft.id)

    def teach(self, *additions: list[Addition]) -> LessonRow:
        return self.keep(self.book.teach(self.id, [one for some in additions for one in some]))

    def cls(self, name: str) -> ClassRow:
        return next(row for row in self.project.classes(self.id) if row.name == name)

    def names(self) -> list[str]:
        return sorted(row.name for row in self.project.classes(self.id))

    def content(self) -> dict[str, list[tuple[str, float | None, float | None]]]:
        """What every class has, by name."""
        rows = self.project.examples(self.id)
        return {
            one.name: sorted(((row.hash, row.start_s, row.end_s) for row in rows if row.cls == one.id), key=str)
            for one in self.project.classes(self.id)
        }

    def head(self) -> Any:
        return learning.head_of(self.project, self.id)

    def rebuilt(self) -> Any:
        return learning.rebuilt(self.project, self.id, self.trainer).head

    def classifier(self) -> Any:
        return making.classifier_of(self.project, self.id)

    def windows(self, name: str) -> float:
        """How many windows a class has learned."""
        head = self.head()
        return float(head.state()["count"][head.classes.index(self.cls(name).label)])

    def judged(self, x: np.ndarray, head: Any = None) -> Judged:
        """Scores by the names of classes, and novelty."""
        head = self.head() if head is None else head
        scores, novelty = head.judge(x)
        names = {row.label: row.name for row in self.project.classes(self.id)}
        return {names[label]: scores[:, k] for k, label in enumerate(head.classes) if label in names}, novelty


def queries(dim: int = DIM, n: int = 30) -> np.ndarray:
    return np.random.default_rng(99).normal(0, 2, (n, dim)).astype(np.float32)


Judged = tuple[dict[str, np.ndarray], np.ndarray]


def assert_same(one: Judged, other: Judged, share: float = 1e-9) -> None:
    """Scores and novelty agree to `share` of their size; at 0 they agree bit for bit."""
    assert sorted(one[0]) == sorted(other[0]), set(one[0]) ^ set(other[0])
    scores = np.array([one[0][name] for name in sorted(one[0])]), np.array([other[0][name] for name in sorted(one[0])])
    for a, b in (scores, (one[1], other[1])):
        finite = np.isfinite(a)
        np.testing.assert_array_equal(finite, np.isfinite(b))
        np.testing.assert_allclose(a[finite], b[finite], rtol=share, atol=share * np.abs(a[finite]).max(initial=0.0))
