"""The sound of examples, where an encoder's last blocks are tuned: windows from their files, or those that were kept when a file is gone.

It reads audio and the project; what is learned from the windows is `tuning`'s part.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.cutting import windows_of
from musicclass_gui.engine.errors import AudioError, LessonError
from musicclass_gui.engine.lessons import fetching
from musicclass_gui.engine.lessons.fetching import Reader
from musicclass_gui.engine.lessons.training import TrainItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec
    from musicclass_gui.engine.heads.replay import ReplayHead
    from musicclass_gui.engine.project.rows import ClassifierRow, ExampleRow
    from musicclass_gui.engine.project.store import Project
    from musicclass_gui.engine.task import Token

    Sound = Mapping[int, NDArray[np.int16]]  # by number among the windows that the example learns from


@dataclass
class Sounds:
    """Reads the windows of a classifier's examples, each recording once."""

    project: Project
    row: ClassifierRow
    spec: EncoderSpec
    token: Token
    _read: dict[int, Sound] = field(default_factory=dict)

    def with_sound(self, items: Iterable[TrainItem]) -> list[TrainItem]:
        """The examples with their sound; of one whose file is gone only those windows that were kept. Raises Cancelled."""
        return [_cut(item, self.of(item.example)) for item in items]

    def remembered(self, head: ReplayHead, besides: Iterable[TrainItem]) -> list[TrainItem]:
        """What the network remembers, with its sound, besides examples that are there already."""
        there, reader = {item.example for item in besides}, Reader(self.project, self.row, self.token)
        rows = [one for one in self.project.examples(self.row.id, ids=head.exemplars) if one.id not in there]
        return [TrainItem(one.id, str(one.cls), one.group or one.hash, reader.rows(one), self.of(one.id)) for one in rows]

    def keep(self, sounds: Mapping[int, Sound]) -> None:
        """Keep windows for later lessons, whatever becomes of the files."""
        with self.project.writing():
            for example, windows in sounds.items():
                self.project.set_exemplar_audio(example, _packed(windows))

    def embedded(self, example: int, encoder: Encoder) -> Embeddings:
        """An example's windows as another encoder hears them, `(n, dim)`."""
        from musicclass_gui.engine.lessons.tuning import unpacked

        sound = self.of(example)
        return encoder.embed([unpacked(sound[number]) for number in sorted(sound)])

    def of(self, example: int) -> Sound:
        """An example's windows."""
        if example not in self._read:
            [row] = self.project.examples(self.row.id, ids=[example])
            self._read[example] = self._from_file(row) or self._kept(example)
        return self._read[example]

    def _from_file(self, example: ExampleRow) -> Sound:
        from musicclass_gui.engine.lessons.tuning import packed

        recording = self.project.recording(example.hash)
        if recording is None or self.project.known_hash(recording.path) != example.hash:
            return {}
        try:
            windows = windows_of(recording.path, self.spec.grid, self.spec.sample_rate, self.token)
        except AudioError:
            return {}
        embedded = self.project.embedded(example.hash, self.row.encoder, self.row.encoder_version, self.row.grid)
        if embedded is None or len(embedded.data) != len(windows):
            return {}
        chosen = np.flatnonzero(fetching.windows_of(embedded, example.start_s, example.end_s))
        return {number: packed(windows[place].samples) for number, place in enumerate(chosen)}

    def _kept(self, example: int) -> Sound:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        kept = self.project.exemplar_audio(example)
        try:
            return {int(name): array for name, array in load(kept).items()} if kept else {}
        except (SafetensorError, ValueError) as error:
            raise LessonError("The project is damaged: the sound of an example cannot be read; teach it again.") from error


def _packed(windows: Sound) -> bytes:
    from safetensors.numpy import save

    return save({str(number): np.ascontiguousarray(samples) for number, samples in windows.items()})


def _cut(item: TrainItem, sound: Sound) -> TrainItem:
    """The example with its sound, with no more windows than there is sound of."""
    if len(sound) == len(item.rows):
        return replace(item, audio=sound)
    numbers = sorted(sound)
    return replace(item, rows=item.rows[numbers], audio={place: sound[number] for place, number in enumerate(numbers)})
