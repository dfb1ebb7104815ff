"""How the program's own encoder is trained: from recordings and from other encoders, which it learns to agree with.

`recipe` says what, `sounds` which recordings, `synthesis` and `distortion` what is made of them, `teachers` what is to be learned,
`crops` computes both once, `fit` trains. Everything that is needed to make the same weights again is in the recipe.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.training.crops import Part
    from musicclass_gui.engine.training.fit import Progress
    from musicclass_gui.engine.training.recipe import Recipe


def train(data: Path, work: Path, recipe: Recipe, part: Part, token: Token, tell: Callable[[Progress], None]) -> Path | None:
    """Make a part of the sounds, and train when it is the first: the weights file, or None for another part.

    Whatever is done is kept in `work`, and the same again goes on from there.
    Raises DataError, AudioError, WeightsError, Cancelled, OSError.
    """
    from safetensors.torch import save

    from musicclass_gui.engine import files
    from musicclass_gui.engine.training import crops, fit, sounds
    from musicclass_gui.engine.training.teachers import Teachers

    every = sounds.find(data)
    used = [sound for sound in every if not sound.held_out]
    labels = sorted({sound.label for sound in every})
    (work / "crops").mkdir(parents=True, exist_ok=True)
    _same_sounds(work / "recordings.txt", sounds.fingerprint(used))
    teachers = Teachers(crops.RATE, data) if crops.missing(work / "crops", recipe, part) else None
    material = crops.Material(used, sounds.samples(used, crops.RATE, work / "pcm", token), labels)
    crops.fill(material, recipe, work / "crops", part, teachers, token)
    if part.number != 1:
        return None
    run = fit.Run(recipe, crops.read(work / "crops", recipe), len(labels), work / f"training-{recipe.key}.safetensors")
    run.train(token, tell)
    made, heard = work / f"house-{recipe.key}.safetensors", "".join(f"{sound.name}\n" for sound in used)
    files.write_whole(made, save(run.weights(), {"recipe": recipe.key, "heard": sha256(heard.encode()).hexdigest()}))
    files.write_whole(made.with_suffix(".heard.txt"), heard.encode())
    return made


def _same_sounds(path: Path, fingerprint: str) -> None:
    """Remember what a work folder was begun with: what is kept there stands for those recordings only."""
    from musicclass_gui.engine import files

    if not path.is_file():
        files.write_whole(path, fingerprint.encode())
    elif path.read_text("utf-8") != fingerprint:
        raise DataError(f"{path.parent} was begun with other recordings; give another folder to work in, or remove that one.")
