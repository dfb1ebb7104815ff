"""Looking around in a project: small pictures, the sound map, what is alike, what is doubtful, and what the user says of it.

It gathers what the pure parts need (embeddings, heads, answers) and writes nothing but pictures, answers and verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.analysis import Request
from musicclass_gui.engine.answers import Answer
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons import doubt, making, soundmap
from musicclass_gui.engine.lessons.boarding import newest_card
from musicclass_gui.engine.lessons.doubt import Asked, Taught
from musicclass_gui.engine.lessons.minimel import mini_mel
from musicclass_gui.engine.lessons.wording import require_taught
from musicclass_gui.engine.plain import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from musicclass_gui.engine.classifier import Classifier
    from musicclass_gui.engine.heads import Scorer
    from musicclass_gui.engine.lessons.teacher import Ears
    from musicclass_gui.engine.project.board import Alike, Doubt, SoundMap
    from musicclass_gui.engine.project.rows import ClassifierRow, EmbeddedRow
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token


@dataclass
class Looking:
    """One look at a project."""

    project: Project
    ears: Ears

    def picture(self, hash: str, start_s: float | None, end_s: float | None) -> bytes:
        """The small mel picture of a recording or a span of it, uint8 (24, 64) by rows; that of a whole recording is kept."""
        whole = start_s is None
        known = self.project.picture(hash) if whole else None
        if known is not None:
            return known
        recording = self.project.recording(hash)
        if recording is None:
            raise LessonError("The project does not know this recording any more; look at the classes again.")
        made = mini_mel(recording.path, start_s, end_s).tobytes()
        if whole and not self.project.read_only:
            with self.project.writing():
                self.project.set_picture(hash, made)
        return made

    def sound_map(self, classifier: int, how: str, token: Token) -> SoundMap:
        """All that the project has heard with the classifier's encoder, as a map."""
        row = self.project.classifier(classifier)
        made = making.classifier_of(self.project, classifier)
        points, rows = soundmap.project_points(self.project, row, {} if made and made.tail else self._said(row, made))
        return soundmap.sound_map(points, rows, how, _space(made), token)

    def alike(self, classifier: int, path: Path, start_s: float | None, end_s: float | None, token: Token) -> list[Alike]:
        """What of the project sounds like a recording, or a span of it, that need not be in the project."""
        row = self._row(classifier)
        hash = self._heard([path], row, token)[path]
        embedded = self._embedded(row, hash)
        wanted = soundmap.span_mean(embedded, start_s, end_s)
        if wanted is None:
            raise LessonError("There is only silence here, and nothing to compare it with.")
        own = (hash, 0.0 if start_s is None else start_s, float("inf") if end_s is None else end_s)
        head = _space(making.classifier_of(self.project, classifier)) if classifier else None
        return soundmap.alike(self.project, row, wanted, head=head, own=own, token=token)

    def doubts(self, classifier: int, paths: Sequence[Path], token: Token) -> list[Doubt]:
        """What to listen to first, of the project's recordings and of `paths`."""
        row, made = self.project.classifier(classifier), making.classifier_of(self.project, classifier)
        require_taught(row)
        if made is None:
            raise LessonError("Nothing has been taught yet, so there is nothing to be unsure of; teach a class first.")
        self._heard(paths, row, token, whatever_fails=True)
        taught: list[Taught] = [(one.hash, one.start_s, one.end_s) for one in self.project.examples(classifier)]
        whole = {hash for hash, start_s, _ in taught if start_s is None}
        asked = list(self._asked(row, made, whole, token))
        return doubt.doubts(asked, taught=taught, verdicts=self.project.verdicts(classifier))

    def verdict(
        self, classifier: int, hash: str, path: Path, start_s: float | None, end_s: float | None, cls: int | None
    ) -> dict[str, int]:
        """Write down what the user says of a recording, heard at `path`, or a span of it: a class, or None for none of them."""
        require_taught(self.project.classifier(classifier))
        if self.project.recording(hash) is None or (path.exists() and self.project.known_hash(path) != hash):
            raise LessonError(f"“{path.name}” was changed since it was listened to; look for doubts again.")
        with self.project.writing():
            return {"id": self.project.add_verdict(classifier, hash, start_s, end_s, cls)}

    def remove_verdict(self, number: int) -> dict[str, int]:
        """Take a verdict back."""
        with self.project.writing():
            self.project.remove_verdict(number)
        return {"id": number}

    # Parts

    def _row(self, classifier: int) -> ClassifierRow:
        """The classifier, or the first one where none is meant."""
        rows = self.project.classifiers()
        found = next((row for row in rows if classifier in (0, row.id)), None)
        if found is None:
            raise LessonError("Nothing has been taught yet, so there is nothing that could be alike; teach a class first.")
        return found

    def _heard(self, paths: Sequence[Path], row: ClassifierRow, token: Token, *, whatever_fails: bool = False) -> dict[Path, str]:
        """The hashes of files whose embeddings are in the project from now on. Raises LessonError for one that cannot be read."""
        unknown = [path for path in paths if not self._is_known(path, row)]
        found = self.ears.listen(self.project, unknown, row.encoder, token, lambda news: None) if unknown else {}
        for path, listened in found.items():
            if listened.reason and not whatever_fails:
                raise LessonError(f"“{path.name}” could not be listened to: {listened.reason}")
        return {path: found[path].hash if path in found else self.project.known_hash(path) or "" for path in paths}

    def _is_known(self, path: Path, row: ClassifierRow) -> bool:
        hash = self.project.known_hash(path)
        return hash is not None and self.project.has_embedding(hash, row.encoder, row.encoder_version, row.grid)

    def _embedded(self, row: ClassifierRow, hash: str) -> EmbeddedRow:
        found = self.project.embedded(hash, row.encoder, row.encoder_version, row.grid)
        if found is None:
            raise LessonError("The embeddings of this recording are not there; analyse it again.")
        return found

    def _asked(self, row: ClassifierRow, made: Classifier, taught: set[str], token: Token) -> Iterable[Asked]:
        """Every recording that was not taught as a whole, with what it is answered; answers of this revision are kept."""
        known = self.project.answers(row.id)
        hashes, _ = self.project.means(row.encoder, row.encoder_version, row.grid)
        for recording in (one for hash in hashes if hash not in taught and (one := self.project.recording(hash))):
            token.check()
            revision, plain = known.get(recording.hash, (-1, {}))
            answer = from_plain(Answer, plain) if revision == row.revision else self._answered(row, made, recording.hash, token)
            yield Asked(recording.hash, str(recording.path), recording.path.name, answer)

    def _answered(self, row: ClassifierRow, made: Classifier, hash: str, token: Token) -> Answer:
        answer = self._answered_by_ear(row, hash, token) if made.tail else self._answered_from_store(row, made, hash)
        if not self.project.read_only:
            with self.project.writing():
                self.project.set_answer(hash, row.id, row.revision, to_plain(answer))
        return answer

    def _answered_from_store(self, row: ClassifierRow, made: Classifier, hash: str) -> Answer:
        embedded = self._embedded(row, hash)
        return made.answer(embedded.data, embedded.spans, np.asarray(embedded.loud, bool), evidence=False)

    def _answered_by_ear(self, row: ClassifierRow, hash: str, token: Token) -> Answer:
        """The answer of a classifier that hears through an encoder of its own, which the project has no embeddings of."""
        recording = self.project.recording(hash)
        path = recording.path if recording else Path()
        request = Request(path, (), "", self.ears.device, 0.0, self.ears.weights_folder, picture=False, project=str(self.project.path))
        answers = self.ears.analyst.analyse(request, token, lambda event: None)
        return next(answer for answer in answers if answer.classifier == row.key)

    def _said(self, row: ClassifierRow, made: Classifier | None) -> dict[str, int]:
        """What each recording is answered as: held out in the last test where it was, else by its mean embedding."""
        if made is None:
            return {}
        hashes, means = self.project.means(row.encoder, row.encoder_version, row.grid)
        ids = {one.name: one.id for one in self.project.classes(row.id)}
        winners = made.head.log_scores(means).argmax(axis=1) if len(means) else []
        names = [made.head.classes[winner] for winner in winners]
        said = {hash: ids[name] for hash, name in zip(hashes, names, strict=True) if name in ids}
        card = newest_card(self.project.lessons(row.id), row.id)
        tested = card.said if card else {}
        return said | {one.hash: tested[one.id] for one in self.project.examples(row.id) if one.start_s is None and one.id in tested}


def _space(made: Classifier | None) -> Scorer | None:
    """Where distance is measured: as the classifier's head does, once there is one that hears as the project's embeddings do."""
    return None if made is None or made.tail else made.head
