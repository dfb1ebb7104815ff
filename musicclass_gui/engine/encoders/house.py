"""The encoder `house-v1`: small, our own, and in the box. What it was trained on and how is in `engine.training` and in its card.

Nothing here knows of recordings, classes or heads. torch is imported on first use.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import Embeddings, EncoderSpec, opening
from musicclass_gui.engine.encoders.running import OnRunner, Runner, padded
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders.house_net import HouseNet

SPEC = EncoderSpec(
    id="house-v1",
    version="2",  # version 1 had weights that were trained half as long
    title="Our own small net, taught by other encoders",
    sample_rate=32_000,
    grid=Grid(5.0, 2.5),
    dim=384,
    licence="MIT",
    family="house",
    good_at=(
        "Genres: 85.0 % of 20 held-out GTZAN tracks, measured here.",
        "Instruments: 92.9 % of 70 held-out Freesound clips, measured here; composers: 43.5 % of 46 pieces, synthetic piano.",
        "Held out are recordings that it never heard itself, each named by a Gaussian that was taught all others.",
    ),
)
SPECS = (SPEC,)

_SHORTEST = SPEC.sample_rate  # it was trained on a second and more


def weights_file() -> Path:
    """Where its weights are: they come with the program."""
    return places.models_dir() / SPEC.id / f"{SPEC.id}.safetensors"


def heard() -> frozenset[str]:
    """The names, without folder and suffix, of the recordings that it was trained on.

    Raises WeightsError when the list is missing, or is not the one that the weights were made with.
    """
    return heard_by(weights_file(), weights_file().with_name("heard.txt"))


def heard_by(weights: Path, path: Path) -> frozenset[str]:
    """The same of other weights for the net, which `path` belongs to. Raises WeightsError."""
    try:
        listed = path.read_bytes()
        text = listed.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} cannot be read, which says what {weights.name} was trained on; get both again.") from error
    if opening.metadata(weights).get("heard") != sha256(listed).hexdigest():
        raise WeightsError(f"{path} is not the list of what {weights.name} was trained on; get both again.")
    return frozenset(PurePosixPath(line).stem for line in text.splitlines())


def load(spec: EncoderSpec = SPEC, device: str = "cpu", weights: Path | None = None, *, fast: bool = False) -> HouseEncoder:
    """Load the encoder on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

    `weights` is another file for the same net, such as one that was trained just now. Raises WeightsError.
    """
    from musicclass_gui.engine.encoders import house_net

    if not weights and missing():
        raise WeightsError(missing())
    chosen = devices.resolve(device)
    try:
        net = house_net.read(weights or weights_file())
    except WeightsError as error:
        raise error if weights else WeightsError(f"{weights_file()} is damaged, which comes with the program; install it again.") from error
    return HouseEncoder(net, chosen.name, chosen.notices)


def missing() -> str:
    """Why it cannot be loaded, as a sentence; empty when its file is there."""
    path = weights_file()
    return "" if path.is_file() else f"{path} is missing, which comes with the program; install it again."


class HouseEncoder(OnRunner):
    """`HouseNet` on a device; moves itself to the CPU when a CUDA device fails or has too little memory."""

    def __init__(self, net: HouseNet, device: str = "cpu", notices: Sequence[str] = ()) -> None:
        super().__init__(SPEC, Runner(net, SPEC.sample_rate, device, notices, prepare=_stacked))

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at 32 kHz, ≥ 1 sample each → `(len(windows), 384)` float32."""
        return self._runner.run(windows).reshape(len(windows), SPEC.dim)


def _stacked(windows: Sequence[Audio]) -> Audio:
    """Windows of one length → `(n, samples)`, padded with silence to at least one second."""
    return padded(windows, _SHORTEST)
