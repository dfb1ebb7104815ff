"""What other encoders say of a sound: the numbers that a new encoder learns to predict.

choi2017 is no teacher: its window is 29 s, and it hears nothing in the seconds that a crop has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from musicclass_gui.engine import encoders
from musicclass_gui.engine.build import weights_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.encoders.mobilenet import MobileNetEncoder
    from musicclass_gui.engine.encoders.musicnn import MusicnnEncoder
    from musicclass_gui.engine.windows import Audio

_MUSICNN_S = 3.0  # its window; it cannot say anything of another length


class Teachers:
    """The three encoders, loaded, with weights from `data/weights` or the usual folders. Raises WeightsError."""

    def __init__(self, sample_rate: int, data: Path) -> None:
        self._rate = sample_rate
        self._sounds = cast("MobileNetEncoder", encoders.load("mn04-as", weights=weights_in("mn04-as", data)))
        self._tags = cast("MusicnnEncoder", encoders.load("musicnn-msd", weights=weights_in("musicnn-msd", data)))
        self._timbre = encoders.load("timbre")
        self._head = self._tags.tag_head()

    def say(self, crops: Sequence[Audio]) -> dict[str, NDArray[np.float16]]:
        """Crops of one length at the sample rate → a row of float16 numbers per crop and teacher. musicnn says nothing but of 3 s."""
        found = {"mn04-as": self._sounds.embed(self._at(crops, self._sounds.spec.sample_rate))}
        found["mn04-as tags"] = self._sounds.sounds(found["mn04-as"])
        found["timbre"] = self._timbre.embed(self._at(crops, self._timbre.spec.sample_rate))
        if crops[0].size == round(_MUSICNN_S * self._rate):
            found["musicnn-msd"] = self._tags.embed(self._at(crops, self._tags.spec.sample_rate))
            found["musicnn-msd tags"] = found["musicnn-msd"] @ self._head.weight.T + self._head.bias
        return {name: _half(rows) for name, rows in found.items()}

    def _at(self, crops: Sequence[Audio], rate: int) -> list[Audio]:
        import soxr

        return [crop if rate == self._rate else soxr.resample(crop, self._rate, rate) for crop in crops]


def _half(rows: Embeddings) -> NDArray[np.float16]:
    return np.clip(rows, -60_000, 60_000).astype(np.float16)
