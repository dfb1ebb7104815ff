"""How the program's own encoder is trained: from recordings and from other encoders, which it learns to agree with.

`recipe` says what, `sounds` which recordings, `synthesis` and `distortion` what is made of them, `teachers` what is to be learned,
`crops` computes both once, `fit` trains. Everything that is needed to make the same weights again is in the recipe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    every = sounds.find(data)
    used = [sound for sound in every if not sound.held_out]
    labels = sorted({sound.label for sound in every})
    material = crops.Material(used, sounds.samples(used, crops.RATE, work / "pcm", token), labels)
    (work / "crops").mkdir(exist_ok=True)
    crops.fill(material, recipe, work / "crops", part, token)
    if part.number != 1:
        return None
    run = fit.Run(recipe, crops.read(work / "crops", recipe), len(labels), work / f"training-{recipe.key}.safetensors")
    run.train(token, tell)
    made = work / f"house-{recipe.key}.safetensors"
    files.write_whole(made, save(run.weights(), {"recipe": recipe.key}))
    files.write_whole(made.with_suffix(".heard.txt"), "".join(f"{sound.name}\n" for sound in used).encode())
    return made
