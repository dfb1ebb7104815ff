"""Classifiers by words in a project: made, changed, read back, shown, and turned into classes that can be taught.

What they are compared with is stored as the classifier's head, so that answering needs no half that reads. They have no classes and no
lessons; what only taught classifiers can do is refused here in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import classifier as classifiers
from musicclass_gui.engine import encoders, words
from musicclass_gui.engine.errors import LessonError, ProjectError
from musicclass_gui.engine.lessons.plan import Plan, PlannedClass, PlannedFile, plan_drop
from musicclass_gui.engine.pooling import SHORTEST_S
from musicclass_gui.engine.project.board import WordsView
from musicclass_gui.engine.project.rows import WORDS
from musicclass_gui.engine.project.store import slug
from musicclass_gui.engine.words import WordsClassifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicclass_gui.engine.answers import Answer
    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec
    from musicclass_gui.engine.lessons.listen import Listened
    from musicclass_gui.engine.lessons.news import Heard
    from musicclass_gui.engine.lessons.teacher import Ears
    from musicclass_gui.engine.project.rows import ClassifierRow
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.words import WordList

_PHRASES, _SCALE = "phrases", "scale"
_LARGEST_SCALE = 1e4
_DAMAGED = "The project is damaged: what a classifier by words compares with cannot be read; go back to a copy of the project."


@dataclass
class Wording:
    """The lists of phrases of a project."""

    project: Project
    ears: Ears

    def add(self, title: str, encoder: str, template: str, phrases: Sequence[str]) -> int:
        """Make a classifier of phrases; its id. `encoder` "" takes one that is here. Raises LessonError, WeightsError, EncoderError."""
        spec = self._spec(encoder or self._best_encoder())
        made = words.checked(title, spec.id, template, phrases)
        state = self._read(made, spec)
        taken = {row.key for row in self.project.classifiers()} | {key for key, _ in classifiers.shipped()}
        with self.project.writing():
            key, about = slug(made.title, taken), (spec.id, spec.version, spec.grid.name, spec.dim)
            number = self.project.add_classifier(key, made.title, *about, WORDS, _options(made))
            self.project.set_classifier(number, revision=1)
            self.project.set_head(number, 0, state)
        return number

    def change(self, classifier: int, template: str, phrases: Sequence[str]) -> None:
        """Other phrases, or another sentence around them. Raises LessonError, WeightsError, EncoderError."""
        row = self._row(classifier)
        spec = self._spec(row.encoder)
        if (row.encoder_version, row.dim) != (spec.version, spec.dim):
            raise LessonError(f"“{row.title}” was made with another version of {spec.id}; make it again.")
        made = words.checked(row.title, row.encoder, template, phrases)
        state = self._read(made, spec)
        with self.project.writing():
            self.project.set_classifier(row.id, options=_options(made), revision=row.revision + 1)
            self.project.set_head(row.id, 0, state)

    def plan(self, classifier: int, phrase: str, paths: Sequence[Path], token: Token, tell: Callable[[Heard], None]) -> Plan:
        """What teaching a phrase as a class would begin with: of the recordings in `paths`, those that are answered by it.

        A recording whose answer it is takes part as a whole; of others, the spans where it leads. All are listened to into the project.
        Raises LessonError when none is found, or for a phrase that is not there; WeightsError, Cancelled.
        """
        row = self._row(classifier)
        made = classifier_of(self.project, row)
        if phrase not in made.phrases:
            raise LessonError(f"“{row.title}” has no phrase “{phrase}”; look at its phrases again.")
        found = plan_drop(paths, budget_s=None, token=token, look=False)
        files = list(dict.fromkeys(Path(file.path) for one in found.classes for file in one.files))
        heard = self.ears.listen(self.project, files, row.encoder, token, tell) if files else {}
        planned = [part for path in files for part in self._found(row, made, phrase, path, heard[path])]
        if not any(not one.reason for one in planned):
            raise LessonError(_nothing_found(phrase, len(files)))
        return Plan([PlannedClass(phrase, planned)], found.others, problems=[*found.problems, *_left_out(files, planned)])

    def _found(self, row: ClassifierRow, made: WordsClassifier, phrase: str, path: Path, heard: Listened) -> list[PlannedFile]:
        if heard.reason:
            return [PlannedFile(str(path), reason=heard.reason)]
        embedded = self.project.embedded(heard.hash, row.encoder, row.encoder_version, row.grid)
        if embedded is None:
            raise LessonError("The embeddings of a recording are not there; try again.")
        answer = made.answer(embedded.data, embedded.spans, np.asarray(embedded.loud, bool))
        return _parts(phrase, str(path), answer)

    def _read(self, made: WordList, spec: EncoderSpec) -> bytes:
        from musicclass_gui.engine.encoders import clap

        weights = self.ears.analyst.shelf(self.ears.weights_folder).weights_of(spec.id)
        return _state(*clap.text_embeddings(spec, weights, made.sentences))

    def _row(self, classifier: int) -> ClassifierRow:
        row = self.project.classifier(classifier)
        if row.method != WORDS:
            raise LessonError(f"“{row.title}” is taught by examples and has no phrases; choose a classifier by words.")
        return row

    def _spec(self, encoder: str) -> EncoderSpec:
        spec = self.ears.spec(encoder)
        if not spec.words:
            raise LessonError(f"The encoder {spec.id} does not know words; choose a CLAP.")
        return spec

    def _best_encoder(self) -> str:
        shelf = self.ears.analyst.shelf(self.ears.weights_folder)
        here = [spec.id for spec in encoders.specs().values() if spec.words and not shelf.missing(spec.id)]
        if not here:
            raise LessonError("Naming by words needs a CLAP, and none is here; get one with “musicclass models fetch clap-unfused”.")
        return here[0]


def classifier_of(project: Project, row: ClassifierRow) -> WordsClassifier:
    """A project's classifier by words, ready to answer. Raises ProjectError when what is stored of it is damaged."""
    view, (embeddings, scale) = view_of(row), _from_state(project.head(row.id) or b"")
    if embeddings.shape != (len(view.phrases), row.dim):
        raise ProjectError(_DAMAGED)
    return WordsClassifier(row.key, row.title, row.encoder, row.encoder_version, tuple(view.phrases), embeddings, scale)


def view_of(row: ClassifierRow) -> WordsView:
    """What is shown of a classifier by words. Raises ProjectError when it is damaged."""
    template, phrases = row.options.get("template"), row.options.get("phrases")
    if not isinstance(template, str) or not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
        raise ProjectError(_DAMAGED)
    return WordsView(template, phrases)


def require_taught(row: ClassifierRow) -> None:
    """Raise LessonError for a classifier by words, which nothing can be done with that needs examples."""
    if row.method == WORDS:
        raise LessonError(
            f"“{row.title}” names by words and has nothing to teach or to give away; change its phrases, or teach another classifier."
        )


def _options(made: WordList) -> dict[str, object]:
    return {"template": made.template, "phrases": list(made.phrases)}


def _state(embeddings: Embeddings, scale: float) -> bytes:
    from safetensors.numpy import save

    return save({_PHRASES: np.ascontiguousarray(embeddings, np.float32), _SCALE: np.asarray([scale], np.float32)})


def _from_state(state: bytes) -> tuple[Embeddings, float]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(state)
        embeddings, scale = arrays[_PHRASES], arrays[_SCALE]
    except (SafetensorError, ValueError, TypeError, LookupError) as error:
        raise ProjectError(_DAMAGED) from error
    right = embeddings.dtype == scale.dtype == np.float32 and embeddings.ndim == 2 and scale.shape == (1,)
    if not right or not np.isfinite(embeddings).all() or not 0 < float(scale[0]) <= _LARGEST_SCALE:
        raise ProjectError(_DAMAGED)
    return embeddings, float(scale[0])


def _parts(phrase: str, path: str, answer: Answer) -> list[PlannedFile]:
    """The whole recording where it is answered by the phrase, else where the phrase leads, of a second at least."""
    if answer.label == phrase:
        return [PlannedFile(path)]
    if answer.label is None:
        return []
    spans = [one for one in answer.segments if one.label == phrase and one.end_s - one.start_s >= SHORTEST_S]
    return [PlannedFile(path, one.start_s, one.end_s) for one in spans]


def _nothing_found(phrase: str, files: int) -> str:
    if not files:
        return "There is no audio to look through; open a recording, or a folder of them, first."
    looked = "The recording" if files == 1 else f"Each of the {files} recordings"
    return f"{looked} is nearer to another phrase than to “{phrase}”, or cannot be read; look through others."


def _left_out(files: Sequence[Path], planned: Sequence[PlannedFile]) -> list[str]:
    """A sentence on the recordings that are not in the plan, since a user sees only those that are."""
    left = len(files) - len({one.path for one in planned})
    if not left:
        return []
    return [f"{left} of {len(files)} recordings {'is' if left == 1 else 'are'} nearer to other phrases and left out."]
