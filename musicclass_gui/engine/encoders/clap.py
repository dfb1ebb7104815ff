"""The encoders `clap-…`: LAION's CLAP nets, which compare sound with words, and any folder of the same kind.

It says what they are and what their folders must hold; reading a folder is `clap_files`' matter, the nets are `clap_net`'s, which is
imported when one is loaded. It knows no recordings and no classifiers: what is done with words is `engine.words`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource, clap_files, weights
from musicclass_gui.engine.encoders.clap_files import CONFIG, FRONT_END, TENSORS, TOKENIZER
from musicclass_gui.engine.errors import EncoderError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

    from musicclass_gui.engine.encoders import Embeddings, Encoder
    from musicclass_gui.engine.encoders.running import Runner
    from musicclass_gui.engine.windows import Audio

_LICENCE = "Apache-2.0: use it for anything; pass the notice on with copies."
_FILES = (CONFIG, TENSORS, FRONT_END, TOKENIZER)
_ROUNDING = "Embeddings change by 0.8 % in bfloat16, measured here with random weights."
_GENRES = "Genres by words alone: 51 to 71 % of GTZAN with LAION's music weights, published in LAION-CLAP's README."
_TAGS = "Tags by words alone: ROC-AUC 0.739 on MagnaTagATune with LAION's music weights, published with MuQ-MuLan."


def _published(encoder_id: str, title: str, repository: str, size_bytes: int, good_at: tuple[str, ...]) -> EncoderSpec:
    source = WeightsSource(
        home=f"https://huggingface.co/{repository}",
        licence=_LICENCE,
        files=tuple(WeightsFile(name) for name in _FILES),
        hub=repository,
        hub_bytes=size_bytes,
    )
    return EncoderSpec(
        id=encoder_id,
        version="1",
        title=title,
        sample_rate=48_000,
        grid=Grid(10.0, 10.0),
        dim=512,
        licence="Apache-2.0",
        weights=source,
        family="clap",
        words=True,
        rounding=_ROUNDING,
        good_at=good_at,
    )


SPECS = (
    _published(
        "clap-music-speech",
        "CLAP for music and speech (LAION, larger)",
        "laion/larger_clap_music_and_speech",
        778_000_000,
        (_GENRES, _TAGS, "Everyday sounds by words alone: 84.9 % of ESC-50, published in the MTEB leaderboard."),
    ),
    _published("clap-music", "CLAP for music (LAION, larger)", "laion/larger_clap_music", 778_000_000, (_GENRES, _TAGS)),
    _published(
        "clap-unfused",
        "CLAP for all sounds (LAION, HTSAT unfused)",
        "laion/clap-htsat-unfused",
        617_000_000,
        ("The quickest of the three: 10 s of sound in 0.05 s on two processor cores, the others in 0.09 s, measured here.",),
    ),
)


def spec_of(folder: Path, encoder_id: str, title: str) -> EncoderSpec:
    """The description of a CLAP of the user's own: FOLDER as `transformers` or its hub writes it.

    Its weights are named by their sum, so that others in the same place are not taken for them. Raises WeightsError, which says which
    file is missing, or why the net is none that can be run.
    """
    setup = clap_files.read(folder)
    tensors = clap_files.place(folder, TENSORS)
    digest = weights.sha256(tensors)
    names = [WeightsFile(clap_files.place(folder, name).name) for name in _FILES]
    names[_FILES.index(TENSORS)] = WeightsFile(tensors.name, "", tensors.stat().st_size, digest)
    licence = "Its publisher's: see where the folder came from."
    return replace(
        SPECS[0],
        id=encoder_id,
        version=f"1+{digest[:8]}",
        title=title,
        sample_rate=setup.sound.sample_rate,
        dim=setup.dim,
        licence="unknown",
        weights=WeightsSource(home=str(folder), licence=licence, files=tuple(names), folder=encoder_id),
        good_at=(),
    )


def load(spec: EncoderSpec, device: str = "cpu", weights_folder: Path | None = None, *, fast: bool = False) -> Encoder:
    """Load the half of a CLAP that hears, on `device`; see `table.Family.load`. The folder's words are not read."""
    from musicclass_gui.engine.encoders import clap_net
    from musicclass_gui.engine.encoders.running import Runner

    folder = weights.find(spec, places.weights_folders(), weights_folder)
    setup = clap_files.read(folder)
    _require_fit(spec, setup, folder)
    chosen = devices.resolve(device)
    notices = chosen.notices
    net = clap_net.hearing(setup, clap_files.place(folder, TENSORS), spec.id)
    runner = Runner(net, spec.sample_rate, chosen.name, notices, prepare=setup.sound.filled, cpu_batch_s=0.0, rounded=fast)
    return ClapEncoder(spec, setup.sound, runner)


class ClapEncoder:
    """A CLAP's ear: windows become points on the unit sphere, where its words are too.

    A window is 10 s long at most. One that is shorter is repeated as often as it fits, and silence follows, as `ClapFeatureExtractor`
    does. One that is longer is cut into pieces of 10 s, the last of which ends where it ends, and is the mean of theirs: nothing is
    ever cut at random.
    """

    def __init__(self, spec: EncoderSpec, sound: clap_files.Sound, runner: Runner) -> None:
        self.spec = spec
        self._sound = sound
        self._runner = runner

    @property
    def device(self) -> str:
        """Where it runs now."""
        return self._runner.device

    @property
    def notices(self) -> list[str]:
        """Why it does not run as asked for."""
        return [*self._runner.notices, *getattr(self._runner.net.core, "notices", [])]

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at `spec.sample_rate`, ≥ 1 sample each → `(len(windows), dim)` float32 of length 1."""
        found, counts = _heard(self._runner, self._sound, windows)
        found = found.reshape(-1, self.spec.dim)
        return found if len(found) == len(windows) else unit(_means(found, counts))

    def before_projection(self) -> Unprojected:
        """The same without its projection, on the same device."""
        from musicclass_gui.engine.encoders import clap_net
        from musicclass_gui.engine.encoders.running import Runner

        net = self._runner.net
        assert isinstance(net, clap_net.Hearing)
        bare = clap_net.before_projection(net, self._sound, self.spec.id)
        runner = Runner(bare, self.spec.sample_rate, self.device, self.notices, prepare=self._sound.filled, cpu_batch_s=0.0)
        return Unprojected(unprojected(self.spec), self._sound, runner)


class Unprojected:
    """A CLAP's ear before its last step, the projection to where words are: what other projections can be trained on.

    Windows are as for `ClapEncoder`. How many numbers it gives only its files say, so its `spec.dim` is that of the projected.
    """

    def __init__(self, spec: EncoderSpec, sound: clap_files.Sound, runner: Runner) -> None:
        self.spec = spec
        self._sound = sound
        self._runner = runner

    @property
    def device(self) -> str:
        """Where it runs now."""
        return self._runner.device

    @property
    def notices(self) -> list[str]:
        """Why it does not run as asked for."""
        return list(self._runner.notices)

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at `spec.sample_rate`, ≥ 1 sample each → `(len(windows), width)` float32 of any length."""
        return _means(*_heard(self._runner, self._sound, windows))


def unprojected(spec: EncoderSpec) -> EncoderSpec:
    """What an encoder is called before its projection. Raises EncoderError for one that is no CLAP."""
    if spec.family != "clap":
        raise EncoderError(f"The encoder {spec.id} has no projection to where words are; choose a CLAP.")
    return replace(spec, id=f"{spec.id}~before-projection", words=False)


def before_projection(encoder: Encoder) -> Encoder:
    """A loaded CLAP without its projection. Raises EncoderError for another encoder."""
    if not isinstance(encoder, ClapEncoder):
        raise EncoderError(f"The encoder {encoder.spec.id} has no projection to where words are; choose a CLAP.")
    return encoder.before_projection()


def projection(spec: EncoderSpec, weights_folder: Path | None) -> nn.Module:
    """What makes `(n, spec.dim)`, of any length, of what `Unprojected` gives; frozen. Raises WeightsError as `load` does."""
    from musicclass_gui.engine.encoders import clap_net

    folder = weights.find(spec, places.weights_folders(), weights_folder)
    setup = clap_files.read(folder)
    _require_fit(spec, setup, folder)
    return clap_net.projection(setup, clap_files.place(folder, TENSORS))


def _heard(runner: Runner, sound: clap_files.Sound, windows: Sequence[Audio]) -> tuple[Embeddings, list[int]]:
    """What comes of the pieces of all windows, and how many pieces each has."""
    pieces = [sound.pieces(window) for window in windows]
    return runner.run([piece for of_one in pieces for piece in of_one]), [len(of_one) for of_one in pieces]


def _means(found: Embeddings, counts: Sequence[int]) -> Embeddings:
    """The mean of each window's pieces."""
    if len(found) == len(counts):
        return found
    sums = np.add.reduceat(found, np.cumsum([0, *counts[:-1]]), axis=0)
    return np.asarray(sums / np.asarray(counts)[:, None], np.float32)


def text_embeddings(spec: EncoderSpec, weights_folder: Path | None, phrases: Sequence[str]) -> tuple[Embeddings, float]:
    """Sentences → `(len(phrases), spec.dim)` float32 of length 1, and what a cosine is multiplied by before the softmax.

    Compare with `embed` by dot products. It runs on the CPU and keeps nothing loaded: words are asked for seldom. Raises EncoderError for
    an encoder without words, WeightsError as `load` does.
    """
    if not spec.words:
        raise EncoderError(f"The encoder {spec.id} does not know words; choose a CLAP.")
    from musicclass_gui.engine.encoders import clap_net

    folder = weights.find(spec, places.weights_folders(), weights_folder)
    setup = clap_files.read(folder)
    _require_fit(spec, setup, folder)
    tower, scale = clap_net.reading(setup, clap_files.place(folder, TENSORS))
    return clap_net.read_words(tower, clap_files.tokens(folder, setup, phrases), setup.pad), scale


def unit(rows: Embeddings) -> Embeddings:
    """Rows scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def _require_fit(spec: EncoderSpec, setup: clap_files.Setup, folder: Path) -> None:
    found, wanted = (setup.dim, setup.sound.sample_rate), (spec.dim, spec.sample_rate)
    if found != wanted:
        raise EncoderError(
            f"“{folder}” is another encoder than {spec.id}: {found[0]} numbers at {found[1]} Hz instead of {wanted[0]} at {wanted[1]} Hz."
        )
