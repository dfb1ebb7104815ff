"""The two halves of a CLAP as torch nets: one hears, one reads. Both are `transformers`' own, built from fields read as data.

Only one half is built at a time, since the other is rarely needed with it. Imports torch and transformers, so only `clap` imports it,
and only when an encoder is loaded or words are typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import ClapAudioConfig, ClapAudioModelWithProjection, ClapTextConfig, ClapTextModelWithProjection
from transformers.audio_utils import mel_filter_bank
from transformers.models.clap.modeling_clap import ClapProjectionLayer

from musicclass_gui.engine.encoders import opening
from musicclass_gui.engine.encoders.exported import Exported
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.encoders.clap_files import Setup, Sound

_FLOOR = 1e-10
_CUTS = 4
_HEARS = ("audio_model.", "audio_projection.")
_READS = ("text_model.", "text_projection.")
_SCALES = ("logit_scale_a", "logit_scale_t")
_DERIVED = ("relative_position_index", "position_ids", "token_type_ids", "num_batches_tracked")
"""Last parts of names: what the net works out itself. Older files have it and newer ones may not; a stranger's is not used."""
_WORDS_AT_ONCE = 32


class FrontEnd(nn.Module):
    """`(n, samples)` → `(n, 1, frames, mels)` in dB: the log mel spectrogram of `transformers`' `ClapFeatureExtractor`, for many at once.

    It computes in float64, as that does up to the spectrum: in single precision the noise of a loud tone hides the bands at its floor.
    """

    window: Tensor
    bands: Tensor

    def __init__(self, sound: Sound) -> None:
        super().__init__()
        self._n_fft, self._hop = sound.n_fft, sound.hop
        self.register_buffer("window", torch.hann_window(sound.n_fft, periodic=True, dtype=torch.float64), persistent=False)
        self.register_buffer("bands", torch.from_numpy(_bank(sound)), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Frames come every `hop` samples, the first around sample 0."""
        spectrum = torch.stft(samples.double(), self._n_fft, self._hop, window=self.window, pad_mode="reflect", return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        with torch.autocast(samples.device.type, enabled=False):  # rounded, bands would be heard that are not there
            mel = power.transpose(1, 2) @ self.bands
        return (10.0 * mel.clamp_min(_FLOOR).log10()).float().unsqueeze(1)


class Hearing(nn.Module):
    """`(n, samples)` → `(n, dim)` of length 1. `core` takes pictures, which is what onnxruntime can be given too."""

    def __init__(self, front_end: FrontEnd, core: nn.Module) -> None:
        super().__init__()
        self.front_end = front_end
        self.core = core

    def forward(self, samples: Tensor) -> Tensor:
        """Batches may have any size."""
        found: Tensor = self.core(self.front_end(samples))
        return found


class Core(nn.Module):
    """Pictures `(n, 1, frames, mels)` → `(n, dim)` of length 1."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pictures: Tensor) -> Tensor:
        """The projected embedding, which `transformers` leaves as long as it is."""
        return normalize(self.tower(**self.given(pictures)).audio_embeds.float(), dim=-1)

    def given(self, pictures: Tensor) -> dict[str, Tensor]:
        """What the tower is called with."""
        return {"input_features": pictures}


class FusedCore(Core):
    """A net that was made for several cuts of a long recording. It is told that each picture is whole, so it goes by that alone."""

    def given(self, pictures: Tensor) -> dict[str, Tensor]:
        """Without chance: `ClapFeatureExtractor` would call one picture of each batch long."""
        longer = torch.zeros(len(pictures), 1, dtype=torch.bool, device=pictures.device)
        return {"input_features": pictures.expand(-1, _CUTS, -1, -1), "is_longer": longer}


class Unprojected(nn.Module):
    """Pictures `(n, 1, frames, mels)` → `(n, width)`: the mean of what was heard, before it is projected to where words are."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    def forward(self, pictures: Tensor) -> Tensor:
        """Batches may have any size."""
        found: Tensor = self.core.tower.audio_model(**self.core.given(pictures)).pooler_output  # type: ignore[operator]
        return found.float()


def hearing(setup: Setup, path: Path, name: str) -> Hearing:
    """The half that hears, with its weights, in evaluation mode; `name` is what its faster form on the CPU is called.

    A net made for fusion has no such form, as it decides by what it is given. Raises WeightsError unless the weights fit exactly.
    """
    tower = _built(lambda: ClapAudioModelWithProjection(ClapAudioConfig(**setup.hears)), _HEARS, _weights(path), path)
    core: nn.Module = FusedCore(tower) if setup.fused else Exported(Core(tower), _example(setup.sound), name, varying=(0,))
    return Hearing(FrontEnd(setup.sound), core).eval().requires_grad_(False)


def before_projection(net: Hearing, sound: Sound, name: str) -> Hearing:
    """The half that hears without its projection; both share their weights. `name` as for `hearing`."""
    core = net.core.net if isinstance(net.core, Exported) else net.core
    assert isinstance(core, Core)
    pooled = Unprojected(core)
    fused = isinstance(core, FusedCore)
    return Hearing(net.front_end, pooled if fused else Exported(pooled, _example(sound), f"{name}-pooled", varying=(0,)))


def projection(setup: Setup, path: Path) -> nn.Module:
    """What makes `(n, dim)` of what `before_projection` gives, `(n, width)`, with its weights. Raises WeightsError."""

    def make() -> nn.Module:
        return nn.ModuleDict({"audio_projection": ClapProjectionLayer(ClapAudioConfig(**setup.hears))})

    layer: nn.Module = _built(make, _HEARS[1:], _weights(path), path)["audio_projection"]
    return layer.eval().requires_grad_(False)


def _example(sound: Sound) -> Tensor:
    """Two pictures of noise between silence and loud sound."""
    noise = torch.rand(2, 1, sound.samples // sound.hop + 1, sound.mels, generator=torch.Generator().manual_seed(0))
    return 100.0 * noise - 80.0


def reading(setup: Setup, path: Path) -> tuple[nn.Module, float]:
    """The half that reads, and what a cosine is multiplied by. Raises WeightsError unless the weights fit exactly."""
    found = _weights(path)
    tower = _built(lambda: ClapTextModelWithProjection(ClapTextConfig(**setup.reads)), _READS, found, path)
    scale = found.get("logit_scale_a")
    if scale is None or scale.numel() != 1:
        raise WeightsError(f"“{path}” lacks logit_scale_a, which tells how cosines are weighed; get the file again.")
    return tower.eval().requires_grad_(False), float(scale.double().exp())


def read_words(tower: nn.Module, rows: Sequence[Sequence[int]], pad: int) -> Embeddings:
    """Rows of tokens → `(len(rows), dim)` float32 of length 1."""
    parts = [_read_some(tower, rows[at : at + _WORDS_AT_ONCE], pad) for at in range(0, len(rows), _WORDS_AT_ONCE)]
    found: Embeddings = torch.cat(parts).numpy()
    return found


def _read_some(tower: nn.Module, rows: Sequence[Sequence[int]], pad: int) -> Tensor:
    tokens = torch.full((len(rows), max(map(len, rows))), pad, dtype=torch.long)
    heeded = torch.zeros_like(tokens)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
        heeded[number, : len(row)] = 1
    with torch.inference_mode():
        return normalize(tower(input_ids=tokens, attention_mask=heeded).text_embeds, dim=-1)


def _weights(path: Path) -> dict[str, Tensor]:
    found = opening.tensors(path)
    strange = next((name for name in found if not name.startswith((*_HEARS, *_READS)) and name not in _SCALES), None)
    if strange:
        raise WeightsError(f"“{path}” is of another net than a CLAP: it has unknown {strange}.")
    return {name: value for name, value in found.items() if not _is_derived(name)}


def _built(make: Callable[[], nn.Module], prefixes: tuple[str, ...], found: Mapping[str, Tensor], path: Path) -> Any:
    """One half with its weights. It is built of nothing first, so that no more memory is taken than its file has numbers for."""
    own = {name: value for name, value in found.items() if name.startswith(prefixes)}
    try:
        with torch.device("meta"):
            plan = make()
        wanted, held = (sum(one.numel() for one in values) for values in (plan.parameters(), own.values()))
        net = make() if wanted <= 2 * held else None
    except Exception as error:  # whatever a stranger's numbers provoke
        reason = str(error).strip().replace("\n", " ")
        raise WeightsError(f"“{path.parent}” describes no CLAP that can be built ({reason}); get its config.json again.") from error
    if net is None:
        raise WeightsError(f"“{path}” holds {held:,} numbers, but its config.json describes a net of {wanted:,}; get the folder again.")
    opening.fill(net, own, path, optional=[name for name, _ in net.named_buffers() if _is_derived(name)])
    return net


def _is_derived(name: str) -> bool:
    return name.rpartition(".")[2] in _DERIVED


def _bank(sound: Sound) -> Any:
    """`(bins, mels)` float64. A bank that is not of Slaney's kind has bands of height 1, as torchaudio's has."""
    return mel_filter_bank(
        sound.n_fft // 2 + 1,
        sound.mels,
        sound.low_hz,
        sound.high_hz,
        sound.sample_rate,
        norm="slaney" if sound.slaney else None,
        mel_scale="slaney" if sound.slaney else "htk",
    )
