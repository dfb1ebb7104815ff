"""The encoders `musicnn-mtt`, `musicnn-msd` and `vgg-mtt`: nets that tag three seconds of music with fifty tags, by Jordi Pons.

An embedding is what the layer before the tags says; `tag_head` is that last layer. Nothing here knows of recordings, classes or heads.
torch is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import EncoderSpec, TagHead, WeightsFile, WeightsSource, weights
from musicclass_gui.engine.encoders.running import OnRunner, Runner, whole_pieces
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.encoders.musicnn_net import Tagger

MTT_TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano", "ambient", "beat", "violin",
    "vocal", "synth", "female", "indian", "opera", "male", "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute",
    "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice", "new age", "dance",
    "male voice", "female vocal", "beats", "harp", "cello", "no voice", "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
"""The 50 most frequent tags of MagnaTagATune, in the order of the nets' outputs."""
MSD_TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock", "jazz", "beautiful",
    "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill",
    "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental", "female vocalist", "guitar",
    "Hip-Hop", "70s", "party", "country", "easy listening", "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock",
    "60s", "rnb", "indie pop", "sad", "House", "happy",
)  # fmt: skip
"""The 50 most frequent tags of the Million Song Dataset's listeners (Last.fm), in the order of the nets' outputs."""

_RATE = 16_000
_PIECE = 187 * 256
_CPU_BATCH_S = 3.0  # MusiCNN takes 0.05 s for one window and 0.13 s each for 13 at once
_CUDA_BATCH_S = 192.0  # 64 windows, whose maps take about 2 GB
_RAW = "https://raw.githubusercontent.com/Quint-e/musicnn_keras/8e2d042f3a7bc560f825626144ae0f4ee20199ae/musicnn_keras/keras_checkpoints"
_LICENCE = "ISC: use it for anything, and keep its authors' notice with copies."


def _spec(encoder_id: str, title: str, dim: int, file: WeightsFile, tags: str, good_at: tuple[str, ...]) -> EncoderSpec:
    return EncoderSpec(
        id=encoder_id,
        version="1",
        title=title,
        sample_rate=_RATE,
        grid=Grid(3.0, 3.0),
        dim=dim,
        licence="ISC",
        weights=WeightsSource(home="https://github.com/Quint-e/musicnn_keras", licence=_LICENCE, files=(file,), folder="musicnn-keras"),
        family="musicnn",
        tags=tags,
        good_at=good_at,
    )


def _file(name: str, size_bytes: int, sha256: str) -> WeightsFile:
    return WeightsFile(name, f"{_RAW}/{name}", size_bytes, sha256)


MUSICNN_MTT = _spec(
    "musicnn-mtt",
    "MusiCNN trained on MagnaTagATune",
    200,
    _file("MTT_musicnn.h5", 3_319_120, "1a66a2e58e862e894c088bd7789b05874becf994f275c54d9575dab83fab4ebe"),
    "50 tags of MagnaTagATune",
    (
        "Genres: 80.0 % of 70 held-out GTZAN tracks, measured here.",
        "Tags: the genre is among the five likeliest for 19 of 35 GTZAN tracks whose genre is one of the tags, measured here.",
    ),
)
MUSICNN_MSD = _spec(
    "musicnn-msd",
    "MusiCNN trained on the Million Song Dataset",
    200,
    _file("MSD_musicnn.h5", 3_319_120, "412a832c8527a813e084ba6f2cc7d068ecbbf1b68bda8c1de2e7de0d1f5fe7d1"),
    "50 tags of the Million Song Dataset",
    (
        "Genres: 88.6 % of 70 held-out GTZAN tracks, measured here.",
        "Tags: the genre is among the five likeliest for 48 of 49 GTZAN tracks whose genre is one of the tags, measured here.",
    ),
)
VGG_MTT = _spec(
    "vgg-mtt",
    "VGG trained on MagnaTagATune",
    256,
    _file("MTT_vgg.h5", 2_500_672, "52093b533665403c182b3e9cb552ccf09cb90d8c0c7e9d531159c2369b53b548"),
    "50 tags of MagnaTagATune",
    (
        "Genres: 74.3 % of 70 held-out GTZAN tracks, measured here.",
        "Tags: the genre is among the five likeliest for 23 of 35 GTZAN tracks whose genre is one of the tags, measured here.",
    ),
)
SPECS = (MUSICNN_MTT, MUSICNN_MSD, VGG_MTT)


def load(spec: EncoderSpec = MUSICNN_MTT, device: str = "cpu", weights_file: Path | None = None, *, fast: bool = False) -> MusicnnEncoder:
    """Load one of the three on `device`, a wish as `engine.device.resolve` takes it; one that cannot be met becomes a notice.

    `weights_file` None looks in the usual folders. Raises WeightsError when the weights are missing, damaged, or not this net's.
    """
    from musicclass_gui.engine.encoders import musicnn_net

    path = weights.find(spec, places.weights_folders(), weights_file)
    net = musicnn_net.read_vgg(path) if spec.id == VGG_MTT.id else musicnn_net.read_musicnn(path)
    chosen = devices.resolve(device)
    return MusicnnEncoder(spec, net, chosen.name, chosen.notices)


class MusicnnEncoder(OnRunner):
    """A `Tagger` on a device; moves itself to the CPU when a CUDA device fails or has too little memory."""

    def __init__(self, spec: EncoderSpec, net: Tagger, device: str = "cpu", notices: Sequence[str] = ()) -> None:
        runner = Runner(net, spec.sample_rate, device, notices, prepare=pieces, cpu_batch_s=_CPU_BATCH_S, cuda_batch_s=_CUDA_BATCH_S)
        super().__init__(spec, runner)
        self._net = net

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at 16 kHz, ≥ 1 sample each → `(len(windows), spec.dim)` float32."""
        return self._runner.run(windows).reshape(len(windows), self.spec.dim)

    def tag_head(self) -> TagHead:
        """The net's last layer."""
        last = self._net.tags
        return TagHead(MSD_TAGS if self.spec.id == MUSICNN_MSD.id else MTT_TAGS, last.weight.cpu().numpy(), last.bias.cpu().numpy())


def pieces(windows: Sequence[Audio]) -> Audio:
    """Windows of one length → `(n, k · 47872)`: shorter ones are repeated until they fill 187 frames, longer ones cut to whole pieces."""
    return whole_pieces(windows, _PIECE)
