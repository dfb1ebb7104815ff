"""The encoder `mn04-as`: EfficientAT's MobileNetV3 of width 0.4, trained on AudioSet.

Only what turns windows into embeddings is here; where the weights file comes from is `weights`' matter, and which
processor to use is `device`'s. Nothing here knows of recordings, classes or heads. torch is imported on first use.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import Embeddings, EncoderSpec, WeightsFile, WeightsSource, weights
from musicclass_gui.engine.encoders.running import OnRunner, Runner, padded
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from musicclass_gui.engine.encoders.mobilenet_net import MobileNet

SPEC = EncoderSpec(
    id="mn04-as",
    version="1",
    title="MobileNet trained on AudioSet (EfficientAT mn04)",
    sample_rate=32_000,
    grid=Grid(5.0, 2.5),
    dim=384,
    licence="MIT",
    weights=WeightsSource(
        home="https://github.com/fschmid56/EfficientAT",
        licence="MIT: use it for anything.",
        files=(
            WeightsFile(
                "mn04_as_mAP_432.pt",
                "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn04_as_mAP_432.pt",
                4_066_513,
                "899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
            ),
        ),
    ),
    family="mobilenet",
    good_at=(
        "Genres: 88.6 % of 70 held-out GTZAN tracks, measured here.",
        "AudioSet's 527 sounds: mAP 0.432, published by its authors.",
    ),
)
SPECS = (SPEC,)

_SHORTEST = SPEC.sample_rate  # the net pools over time, and less than a second leaves it nothing to see


def load(spec: EncoderSpec = SPEC, device: str = "cpu", weights_file: Path | None = None, *, fast: bool = False) -> MobileNetEncoder:
    """Load the encoder on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

    `weights_file` None looks in the usual folders. Raises WeightsError when the weights are missing, damaged, or not this net's.
    """
    from musicclass_gui.engine.encoders import mobilenet_net

    net = mobilenet_net.read(weights.find(SPEC, places.weights_folders(), weights_file))
    chosen = devices.resolve(device)
    return MobileNetEncoder(net, chosen.name, chosen.notices)


class MobileNetEncoder(OnRunner):
    """`MobileNet` on a device; moves itself to the CPU when a CUDA device fails or has too little memory.

    It computes in float32, on CUDA too and without TF32: measured on a chirp and ten pieces of music, float16 autocast
    changes embeddings by 0.7–2.1 % and bfloat16 by 2.7–7.6 %, more than the 1 % that cached embeddings may differ by.
    """

    def __init__(self, net: MobileNet, device: str = "cpu", notices: Sequence[str] = ()) -> None:
        super().__init__(SPEC, Runner(net, SPEC.sample_rate, device, notices, prepare=stack))
        self._net = net

    def with_tail(self, tensors: Mapping[str, NDArray[np.float32]]) -> MobileNetEncoder:
        """An encoder like this with some of its last tensors replaced, as fine-tuning leaves them; this one stays as it is.

        Its version says so, as its embeddings are others. No tensors give this encoder. Raises WeightsError when they do not fit.
        """
        from musicclass_gui.engine.encoders import mobilenet_net

        if not tensors:
            return self
        import torch

        net = mobilenet_net.with_tensors(self._net, {name: torch.from_numpy(array).to(self.device) for name, array in tensors.items()})
        tuned = MobileNetEncoder(net, self.device, self.notices)
        tuned.spec = replace(SPEC, version=f"{SPEC.version}+{tail_digest(tensors)}")
        return tuned

    def split(self, blocks: int) -> tuple[nn.Module, nn.ModuleDict]:
        """The net as a frozen trunk and a copy of its last `blocks` inverted residuals (see `mobilenet_net.split`), both on `device`."""
        from musicclass_gui.engine.encoders import mobilenet_net

        return mobilenet_net.split(self._net, blocks)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at 32 kHz, ≥ 1 sample each → `(len(windows), 384)` float32."""
        return self._runner.run(windows).reshape(len(windows), SPEC.dim)

    def sounds(self, embeddings: Embeddings) -> Embeddings:
        """`(n, 384)` embeddings → `(n, 527)` scores of AudioSet's sounds, before the sigmoid."""
        import torch

        with torch.inference_mode():
            scores: Embeddings = self._net.logits(torch.from_numpy(embeddings).to(self.device)).cpu().numpy()
        return scores


def tail_digest(tensors: Mapping[str, NDArray[np.float32]]) -> str:
    """Eight hexadecimal digits that tell tuned tensors from others."""
    made = sha256()
    for name in sorted(tensors):
        made.update(name.encode() + tensors[name].tobytes())
    return made.hexdigest()[:8]


def stack(windows: Sequence[Audio]) -> Audio:
    """Windows of one length → `(n, samples)`, padded with silence to at least one second."""
    return padded(windows, _SHORTEST)
