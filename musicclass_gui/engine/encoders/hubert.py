"""The encoders `mert-v1-…`: MERT, which is HuBERT trained on music, and any folder of the same family.

It says what they are and what their folders must hold; reading a folder's description is `hubert_files`' matter, the net is
`hubert_net`'s, which is imported when one is loaded. It knows no recordings and no classifiers.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import EncoderSpec, Layers, WeightsFile, WeightsSource, hubert_files, layers, weights
from musicclass_gui.engine.encoders.hubert_files import CONFIG, FRONT_END, MERT_RATE, TENSORS
from musicclass_gui.engine.encoders.running import Runner, padded
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings, LayerData
    from musicclass_gui.engine.encoders.exported import Exported
    from musicclass_gui.engine.encoders.hubert_net import LayerMeans

NORMALISED = "-norm"
"""What the id of an encoder ends with that gives each window zero mean and unit variance first."""

ROUNDING = "Embeddings change by about 0.5 % in bfloat16 (with random weights, measured here)."
_LICENCE = "CC-BY-NC-4.0: free to use and share when its authors are named, but not for anything commercial."
_GRID = Grid(5.0, 5.0)  # as in the continual-learning paper, which averages a song's chunks
_CUDA_BATCH_S = 160.0  # its first layer makes 10 MB of each second
_VARIANCE_FLOOR = 1e-7  # as in transformers' Wav2Vec2FeatureExtractor
_LARGEST = float(np.finfo(np.float16).max)


def _published(name: str, title: str, net: Layers, hub_bytes: int, good_at: tuple[str, ...]) -> tuple[EncoderSpec, EncoderSpec]:
    """As the continual-learning paper hears, and as MARBLE does, with windows of zero mean and unit variance. The weights are the same.

    The two differ in very quiet windows only: a group norm follows the first layer, which has no bias, and undoes both level and offset.
    """
    repository = f"m-a-p/MERT-{name}"
    folder = f"mert-{name.lower()}"
    source = WeightsSource(
        home=f"https://huggingface.co/{repository}",
        licence=_LICENCE,
        files=(WeightsFile(CONFIG), WeightsFile(TENSORS)),
        folder=folder,
        hub=repository,
        restricted=True,
        hub_bytes=hub_bytes,
    )
    spec = EncoderSpec(
        id=folder,
        version="1",
        title=title,
        sample_rate=MERT_RATE,
        grid=_GRID,
        dim=net.dim,
        licence="CC-BY-NC-4.0",
        weights=source,
        family="hubert",
        layers=net,
        view=layers.every(net),
        rounding=ROUNDING,
        good_at=good_at,
    )
    return spec, replace(spec, id=folder + NORMALISED, title=f"{title}, each window made equally loud")


SPECS = (
    *_published(
        "v1-95M",
        "MERT, trained on 20,000 hours of music (95 M)",
        Layers(13, 768, "mean"),
        378_000_000,
        (
            "Genres: 78.6 % of GTZAN's test songs with a trained probe, published by its authors; others measured 76.9 %.",
            "New classes without retraining: 59.0 % of GTZAN's test songs by class centers, published in the continual-learning paper.",
        ),
    ),
    *_published(
        "v1-330M",
        "MERT, trained on 160,000 hours of music (330 M)",
        Layers(25, 1024, "mean"),
        1_260_000_000,
        ("Genres: 79.3 % of GTZAN's test songs with a trained probe, published by its authors; others measured 73.8 to 77.6 %.",),
    ),
)


def spec_of(folder: Path, encoder_id: str, title: str) -> EncoderSpec:
    """The description of a net of the user's own: FOLDER with a config.json and weights as `transformers` or its hub writes them.

    Windows are normalised if its front end's file says so, or ENCODER_ID ends as `NORMALISED`. Raises WeightsError, which says what is odd.
    """
    geometry = hubert_files.geometry(folder)
    net = Layers(geometry.layers, geometry.dim, "mean")
    names = [CONFIG, TENSORS, *([FRONT_END] if (folder / FRONT_END).exists() else [])]
    licence = "Its publisher's: see where the folder came from."
    return EncoderSpec(
        id=encoder_id,
        version="1",
        title=title,
        sample_rate=hubert_files.sample_rate(folder, geometry.kind),
        grid=_GRID,
        dim=net.dim,
        licence="unknown",
        weights=WeightsSource(home=str(folder), licence=licence, files=tuple(WeightsFile(name) for name in names), folder=encoder_id),
        family="hubert",
        layers=net,
        view=layers.every(net),
        rounding=ROUNDING,
    )


class Opened(NamedTuple):
    """A net in evaluation mode on the CPU, none of its weights learning, and what makes windows of one length into what it takes."""

    net: LayerMeans
    prepare: Callable[[Sequence[Audio]], Audio]
    geometry: hubert_files.Geometry


def opened(spec: EncoderSpec, weights_folder: Path | None = None) -> Opened:
    """The net itself, for what is learned inside of it. Raises WeightsError as `load` does."""
    from musicclass_gui.engine.encoders import hubert_net

    folder = weights.find(spec, places.weights_folders(), weights_folder)
    geometry = hubert_files.geometry(folder)
    _require_fit(spec, geometry, folder)
    prepare = partial(prepared, shortest=geometry.shortest, normalised=_normalises(spec, folder))
    return Opened(hubert_net.read(folder, geometry), prepare, geometry)


def load(spec: EncoderSpec, device: str = "cpu", weights_folder: Path | None = None, *, fast: bool = False) -> HubertEncoder:
    """Load one on `device`; see `table.Family.load`."""
    from musicclass_gui.engine.encoders import hubert_net
    from musicclass_gui.engine.encoders.exported import Exported

    made, prepare, geometry = opened(spec, weights_folder)
    chosen = devices.resolve(device)
    name = spec.weights.folder if spec.weights and spec.weights.folder else spec.id
    net = Exported(made, hubert_net.example(geometry), name)
    notices = chosen.notices
    runner = Runner(net, spec.sample_rate, chosen.name, notices, prepare=prepare, cpu_batch_s=0.0, cuda_batch_s=_CUDA_BATCH_S, rounded=fast)
    return HubertEncoder(spec, net, runner)


class HubertEncoder:
    """A HuBERT's hidden states, each as its mean over a window's time."""

    def __init__(self, spec: EncoderSpec, net: Exported, runner: Runner) -> None:
        self.spec = spec
        self._net, self._runner = net, runner

    @property
    def device(self) -> str:
        """Where it runs now."""
        return self._runner.device

    @property
    def notices(self) -> list[str]:
        """Why it does not run as asked for."""
        return [*self._runner.notices, *self._net.notices]

    def hasten(self) -> bool:
        """Take some seconds now so that the CPU takes less for each window from here on (see `exported`); whether that worked."""
        return self._net.hasten()

    def embed_layers(self, windows: Sequence[Audio]) -> LayerData:
        """Mono float32 windows at `spec.sample_rate`, ≥ 1 sample each → `(len(windows), layers, layer dim)` float16.

        Windows shorter than one frame of the net, 400 samples for those published, are followed by silence.
        """
        if not windows:
            return np.empty((0, *self._shape), np.float16)
        return self._runner.run(windows).clip(-_LARGEST, _LARGEST).astype(np.float16)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at `spec.sample_rate`, ≥ 1 sample each → `(len(windows), spec.dim)` float32."""
        return layers.apply(self.spec, self.embed_layers(windows))

    @property
    def _shape(self) -> tuple[int, int]:
        net = self.spec.layers
        return (net.count, net.dim) if net else (0, 0)


def prepared(windows: Sequence[Audio], *, shortest: int, normalised: bool) -> Audio:
    """Windows of one length → `(n, ≥ shortest)`: normalised if asked for, and then followed by silence where they are short."""
    stacked = np.stack(windows).astype(np.float32, copy=False)
    if normalised:
        centred = stacked - stacked.mean(axis=1, keepdims=True, dtype=np.float64)
        stacked = (centred / np.sqrt(centred.var(axis=1, keepdims=True) + _VARIANCE_FLOOR)).astype(np.float32)
    return padded(list(stacked), shortest)


def _normalises(spec: EncoderSpec, folder: Path) -> bool:
    """Those of the table do not ask the front end's file: the hub's has changed its mind."""
    own = all(spec.id != known.id for known in SPECS)
    return spec.id.endswith(NORMALISED) or (own and hubert_files.normalises(folder))


def _require_fit(spec: EncoderSpec, geometry: hubert_files.Geometry, folder: Path) -> None:
    if spec.layers is None or (spec.layers.count, spec.layers.dim) != (geometry.layers, geometry.dim):
        raise WeightsError(
            f"“{folder}” holds another net than {spec.id}: it gives {geometry.layers} layers of {geometry.dim} numbers; "
            f"get the right one, or add the folder under a name of its own."
        )
