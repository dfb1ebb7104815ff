"""The encoders `choi2017` and `choi2017-keras2`: Choi's convnet, trained to tag the Million Song Dataset, for transfer to other tasks.

The paper's net depended on the batch that a recording was computed in; this one does not: it has frozen batch statistics, and each piece of
sound is measured against its own loudest point. So its features are not those that were published with the paper, and know no neighbours.
The paper hears the first 29 s of a recording; here windows of 30 s, every 15 s, of which each is heard for its first 29.
Nothing here knows of recordings, classes or heads. torch is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import EncoderSpec, Layers, WeightsFile, WeightsSource, layers, weights
from musicclass_gui.engine.encoders.running import OnRunner, Runner, whole_pieces
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings, LayerData
    from musicclass_gui.engine.encoders.choi_net import ChoiNet

_RATE = 12_000
_PIECE = 29 * _RATE
_LAYERS = Layers(5, 32, "concat", first=1)
_HOME = "https://github.com/keunwoochoi/transfer_learning_music"
_RAW = "https://raw.githubusercontent.com/keunwoochoi/transfer_learning_music"
_LICENCE = "Its authors state no licence, so nothing is allowed beyond what the law allows anyway; ask them before you pass it on."


def _spec(encoder_id: str, title: str, file: WeightsFile, good_at: tuple[str, ...]) -> EncoderSpec:
    return EncoderSpec(
        id=encoder_id,
        version="1",
        title=title,
        sample_rate=_RATE,
        grid=Grid(30.0, 15.0),  # the common length of excerpts: they give one window, of which the first 29 s are heard, as in the paper
        dim=_LAYERS.count * _LAYERS.dim,
        licence="none stated",
        weights=WeightsSource(home=_HOME, licence=_LICENCE, files=(file,), folder="choi2017", restricted=True),
        family="choi",
        layers=_LAYERS,
        view=layers.every(_LAYERS),
        good_at=good_at,
    )


PAPER = _spec(
    "choi2017",
    "Convnet trained on the Million Song Dataset (Choi 2017)",
    WeightsFile(
        "weights_theano.hdf5",
        f"{_RAW}/e1f83c389ff32ce48551f916414ae869cbe7f6e6/weights_transfer/weights_layer4_theano.hdf5",  # the same bytes
        1_329_264,
        "caf89f811415691fbb245be7eef394b9cebd787d7e3f78e29695972141cf2a08",
    ),
    (
        "Genres: 80.0 % of 70 held-out GTZAN tracks, measured here.",
        "Genres: 89.8 % of GTZAN, published in its paper, with features that profited from the order of their computation; these do not.",
    ),
)
KERAS2 = _spec(
    "choi2017-keras2",
    "Convnet trained on the Million Song Dataset (Choi, later training)",
    WeightsFile(
        "keras2_model_best.hdf5",
        f"{_RAW}/bae88053cb16a2f149524f99d9e2976e53636297/keras2_model/model_best.hdf5",
        1_545_360,
        "b5042bd44de1fdd9d757b764d9246e6934f47c8bdc5c15bf13566495f3439d48",
    ),
    ("Genres: 77.1 % of 70 held-out GTZAN tracks, measured here.",),
)
SPECS = (PAPER, KERAS2)


def load(spec: EncoderSpec = PAPER, device: str = "cpu", weights_file: Path | None = None, *, fast: bool = False) -> ChoiEncoder:
    """Load one of the two on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

    `weights_file` None looks in the usual folders. Raises WeightsError when the weights are missing, damaged, or not this net's.
    """
    from musicclass_gui.engine.encoders import choi_net

    path = weights.find(spec, places.weights_folders(), weights_file)
    net = choi_net.read_theano(path) if spec.id == PAPER.id else choi_net.read_keras2(path)
    chosen = devices.resolve(device)
    return ChoiEncoder(spec, net, chosen.name, chosen.notices)


class ChoiEncoder(OnRunner):
    """`ChoiNet` on a device; moves itself to the CPU when a CUDA device fails or has too little memory."""

    def __init__(self, spec: EncoderSpec, net: ChoiNet, device: str = "cpu", notices: Sequence[str] = ()) -> None:
        super().__init__(spec, Runner(net, spec.sample_rate, device, notices, prepare=pieces))

    def embed_layers(self, windows: Sequence[Audio]) -> LayerData:
        """Mono float32 windows at 12 kHz, ≥ 1 sample each → `(len(windows), 5, 32)` float16: what each block hears, from the first."""
        return self._runner.run(windows).reshape(len(windows), _LAYERS.count, _LAYERS.dim).astype(np.float16)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """What `spec.view` takes of the layers, one after the other: `(len(windows), spec.dim)` float32."""
        return layers.apply(self.spec, self.embed_layers(windows))


def pieces(windows: Sequence[Audio]) -> Audio:
    """Windows of one length → `(n, k · 29 s)`: shorter ones are repeated until they fill 29 s, longer ones cut to whole pieces of it."""
    return whole_pieces(windows, _PIECE)
