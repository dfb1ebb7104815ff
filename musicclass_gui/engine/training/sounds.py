"""Which recordings an encoder is trained on, and which never enter training; and their samples, decoded once.

The layout is that of the test data: gtzan-mini/GENRE, composers with MAESTRO's table, instruments/COLLECTION/CLASS.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import audio, files
from musicclass_gui.engine.build import datasets
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio


@dataclass(frozen=True)
class Sound:
    """A recording: its name in the data, what it is an example of ("gtzan/rock"), and whether it never enters training.

    `piece` is what is played, where that is known: recordings of one piece do not speak independently.
    """

    path: Path
    name: str
    label: str
    held_out: bool
    piece: str = ""

    @property
    def collection(self) -> str:
        """The part of the label before the slash."""
        return self.label.partition("/")[0]


def find(folder: Path) -> list[Sound]:
    """Every recording of the test data. Raises DataError when there is none.

    Of each class of GTZAN and of the instruments, the second of every three files by name is held out; of the composers the test pieces.
    """
    found = [*_classes(folder, "gtzan-mini", "gtzan"), *_composers(folder)]
    for collection in ("freesound10", "philharmonia"):
        found += _classes(folder, f"instruments/{collection}", collection)
    if not found:
        raise DataError(f"{folder} has none of gtzan-mini, composers and instruments; give the folder that holds them.")
    return found


def _classes(folder: Path, place: str, collection: str) -> Iterator[Sound]:
    root = folder / place
    for sub in sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []:
        recordings = (path for path in sub.iterdir() if path.suffix.lower() in audio.AUDIO_SUFFIXES and not path.name.startswith("."))
        for number, path in enumerate(sorted(recordings)):
            yield Sound(path, path.relative_to(folder).as_posix(), f"{collection}/{sub.name}", number % 3 == 1)


def _composers(folder: Path) -> Iterator[Sound]:
    table = folder / "composers/maestro-v3.0.0.csv"
    if not table.is_file():
        return
    for one in datasets.listed(table.parent, table):
        name = one.path.relative_to(folder).as_posix()
        yield Sound(one.path, name, f"composers/{one.label}", one.held_out, one.group)


def fingerprint(sounds: list[Sound]) -> str:
    """What tells recordings apart from others of the same names: a line each with name, label and checksum. Raises OSError."""
    return "".join(f"{sound.name}\t{sound.label}\t{sha256(sound.path.read_bytes()).hexdigest()}\n" for sound in sounds)


def samples(sounds: list[Sound], sample_rate: int, cache: Path, token: Token) -> list[NDArray[np.int16]]:
    """Every recording's samples, mono, decoded once and kept in `cache`. Raises AudioError, DataError, Cancelled, OSError."""
    cache.mkdir(parents=True, exist_ok=True)
    found = []
    for number, sound in enumerate(sounds):
        token.progress(number / len(sounds), sound.name)
        found.append(_kept(sound, sample_rate, cache, token))
    return found


def _kept(sound: Sound, sample_rate: int, cache: Path, token: Token) -> NDArray[np.int16]:
    path = cache / f"{sound.name.replace('/', ' ')} {sample_rate}.npy"
    if not path.is_file():
        decoded = _decoded(sound.path, sample_rate, token)
        with files.whole(path) as part, part.open("xb") as file:
            np.save(file, (np.clip(decoded, -1, 1) * 32767).astype(np.int16), allow_pickle=False)
    try:
        kept: NDArray[np.int16] = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} is damaged; remove it, and it is made again.") from error
    return kept


def _decoded(path: Path, sample_rate: int, token: Token) -> Audio:
    recording = audio.probe(path)
    resampler, pieces = audio.Resampler(recording.sample_rate, sample_rate), []
    with audio.open_blocks(recording, token=token) as blocks:
        pieces = [resampler.push(audio.to_mono(block)) for block in blocks]
    return np.concatenate([*pieces, resampler.finish()])
