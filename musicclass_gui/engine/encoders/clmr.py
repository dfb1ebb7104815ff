"""The encoder `clmr`: SampleCNN as Spijkervet and Burgoyne trained it without labels (arXiv 2103.09410), re-implemented.

Its weights come as a zip that holds one checkpoint; nothing is unpacked into the user's folders. Nothing here knows of recordings,
classes or heads; torch is imported on use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource, weights
from musicclass_gui.engine.encoders.piecewise import PiecewiseEncoder
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from pathlib import Path

_SAMPLES = 59_049
_RATE = 22_050

SPEC = EncoderSpec(
    id="clmr",
    version="1",
    title="CLMR: SampleCNN that learned without labels (Spijkervet and Burgoyne 2021)",
    sample_rate=_RATE,
    grid=Grid(_SAMPLES / _RATE, _SAMPLES / _RATE),
    dim=512,
    licence="Apache-2.0",
    weights=WeightsSource(
        home="https://github.com/Spijkervet/CLMR",
        licence="Apache 2.0: use it for anything, and say where it is from. So says the authors' LICENSE file; their setup.py says MIT.",
        files=(
            WeightsFile(
                "clmr_checkpoint_10000.zip|clmr_checkpoint_10000.pt",
                "https://github.com/Spijkervet/CLMR/releases/download/2.0/clmr_checkpoint_10000.zip",
            ),
        ),
    ),
    family="clmr",
    good_at=("MagnaTagATune's tags by a linear layer on it: ROC-AUC 0.887, PR-AUC 0.356, published on its authors' page.",),
)
SPECS = (SPEC,)


def load(spec: EncoderSpec = SPEC, device: str = "cpu", weights_file: Path | None = None, *, fast: bool = False) -> PiecewiseEncoder:
    """Load the encoder on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

    `weights_file` is the published zip or the checkpoint in it; None looks in the usual folders. Raises WeightsError when the weights
    are missing, damaged, or not this net's.
    """
    from musicclass_gui.engine.encoders import clmr_files

    net = clmr_files.read(weights.find(spec, places.weights_folders(), weights_file))
    chosen = devices.resolve(device)
    return PiecewiseEncoder(spec, net, chosen.name, chosen.notices)
