"""A miniature of the recordings that an encoder is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from pathlib import Path


def made(folder: Path) -> Path:
    """Two genres of seven files, one instrument of four, two performances, each a second of a tone or of another one."""
    tone = 0.3 * np.sin(np.arange(16_000) / 9)
    for genre, sound in (("blues", tone), ("rock", np.sign(tone) * 0.3)):
        for number in range(7):
            path = folder / f"gtzan-mini/{genre}/{genre}.{number:05d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound, 16_000)
    (folder / "instruments/philharmonia/oboe").mkdir(parents=True)
    for number in range(4):
        soundfile.write(folder / f"instruments/philharmonia/oboe/oboe_{number}.wav", tone, 16_000)
    (folder / "composers/audio").mkdir(parents=True)
    lines = ["canonical_composer,canonical_title,split,audio_filename"]
    for name, split in (("Bach", "train"), ("Ravel", "test")):
        soundfile.write(folder / f"composers/audio/{name}.wav", tone, 16_000)
        lines.append(f"{name},A piece,{split},audio/{name}.wav")
    (folder / "composers/maestro-v3.0.0.csv").write_text("\n".join(lines))
    return folder
