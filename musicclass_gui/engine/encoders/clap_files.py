"""What is in a CLAP's folder besides its weights: the net's shape, how it wants sound prepared, and how it cuts words into tokens.

All of it is read as data, of fields that are known, within sizes that can be had; nothing of `transformers` is called here, so that what
is missing or odd is said in a sentence first. It imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine.encoders import WeightsFile, opening, weights
from musicclass_gui.engine.encoders.running import padded
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from musicclass_gui.engine.windows import Audio

CONFIG = "config.json"
TENSORS = "model.safetensors|pytorch_model.bin"
FRONT_END = "preprocessor_config.json|processor_config.json"
TOKENIZER = "tokenizer.json|vocab.json"

_LARGEST = {"vocab_size": 1_000_000, "intermediate_size": 65_536, "max_position_embeddings": 8_192, "num_hidden_layers": 64}
_LARGEST_OTHER = 16_384  # of every other whole number
_LONGEST_LIST = 8
_LARGEST_JSON = 64 << 20
_HEARS = frozenset(
    (
        *("window_size", "num_mel_bins", "spec_size", "patch_size", "patch_stride", "hidden_size", "hidden_act", "depths", "mlp_ratio"),
        *("num_attention_heads", "enable_fusion", "fusion_type", "patch_embed_input_channels", "flatten_patch_embeds", "aff_block_r"),
        *("patch_embeds_hidden_size", "enable_patch_layer_norm", "qkv_bias", "layer_norm_eps"),
    )
)
_READS = frozenset(
    (
        *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"),
        *("max_position_embeddings", "type_vocab_size", "layer_norm_eps", "pad_token_id"),
    )
)


_READ_HERE = ("projection_dim", "spec_size", "num_mel_bins", "vocab_size", "max_position_embeddings", "pad_token_id")


@dataclass(frozen=True)
class Sound:
    """How sound is prepared, as `ClapFeatureExtractor` does; its defaults are those of `transformers`.

    `slaney` says which of two mel banks, which hangs on how the net was trained to cut long recordings ("truncation").
    """

    sample_rate: int = 48_000
    seconds: int = 10
    n_fft: int = 1024
    hop: int = 480
    mels: int = 64
    low_hz: float = 0.0
    high_hz: float = 14_000.0
    slaney: bool = False
    padding: str = "repeatpad"

    @property
    def samples(self) -> int:
        """Of a whole window."""
        return self.sample_rate * self.seconds

    def pieces(self, window: Audio) -> list[Audio]:
        """A window as pieces that are none too long; the last ends where the window ends."""
        if window.size <= self.samples:
            return [window]
        last = window.size - self.samples
        return [window[start : start + self.samples] for start in [*range(0, last, self.samples), last]]

    def filled(self, windows: Sequence[Audio]) -> Audio:
        """Windows of one length, not longer than `samples` → `(n, samples)`."""
        stacked = np.stack(windows).astype(np.float32, copy=False)
        times = self.samples / stacked.shape[1]
        if self.padding == "repeat":
            return np.tile(stacked, (1, int(np.ceil(times))))[:, : self.samples]
        return padded(list(np.tile(stacked, (1, int(times)))) if self.padding == "repeatpad" else list(stacked), self.samples)


@dataclass(frozen=True)
class Setup:
    """What config.json and its neighbours say: the two halves' fields for `transformers`' own configurations, and the sound."""

    hears: Mapping[str, Any]
    reads: Mapping[str, Any]
    sound: Sound
    dim: int

    @property
    def fused(self) -> bool:
        """Whether the net was made to take several cuts of a long recording at once; here it is given one."""
        return bool(self.hears.get("enable_fusion", False))

    @property
    def pad(self) -> int:
        """The token that fills up short sentences."""
        return int(self.reads.get("pad_token_id", 1))


def place(folder: Path, name: str) -> Path:
    """A file of the folder; `name` may name several with |, of which the first that is there is taken. Raises WeightsError."""
    found = weights.path_of(folder, WeightsFile(name))
    if not found.is_file():
        raise WeightsError(f"“{folder}” lacks {' or '.join(name.split('|'))}, so it is no complete CLAP; get the folder again.")
    if not opening.leads_inside(folder, found):
        raise WeightsError(f"“{found}” is a link that leads out of its folder; put the file itself there.")
    return found


def read(folder: Path) -> Setup:
    """What the folder says of its net. Raises WeightsError for the first file that is missing or odd."""
    for name in (CONFIG, TENSORS, FRONT_END, TOKENIZER):
        place(folder, name)
    path = folder / CONFIG
    found = opening.config(path, ("projection_dim", "projection_hidden_act", "audio_config", "text_config", "model_type"))
    if found.get("model_type", "clap") != "clap":
        raise WeightsError(f"“{path}” describes a “{found['model_type']}” net and no CLAP; choose another folder.")
    both: dict[str, Any] = {name: found[name] for name in ("projection_dim", "projection_hidden_act") if name in found}
    hears: dict[str, Any] = {**_half(found, "audio_config", _HEARS, path), **both}
    reads: dict[str, Any] = {**_half(found, "text_config", _READS, path), **both}
    for half in (hears, reads):
        _require_sane(half, path)
        _require_whole(half, _READ_HERE, path)
    setup = Setup(hears, reads, _sound(place(folder, FRONT_END)), both.get("projection_dim", 512))
    _require_agreement(setup, path)
    return setup


def tokens(folder: Path, setup: Setup, phrases: Sequence[str]) -> list[list[int]]:
    """The tokens of each phrase, cut where the net can hold no more. Raises WeightsError for a tokenizer that is none, or another net's."""
    path = place(folder, TOKENIZER)
    most = int(setup.reads.get("max_position_embeddings", 514)) - setup.pad - 1
    found = _encoded(path, phrases, most)
    if any(token >= int(setup.reads.get("vocab_size", 50_265)) for row in found for token in row):
        raise WeightsError(f"“{path}” has more words than the net beside it; get the folder again.")
    return found


def _encoded(path: Path, phrases: Sequence[str], most: int) -> list[list[int]]:
    if path.stat().st_size > _LARGEST_JSON:
        raise WeightsError(f"“{path}” is too large for a tokenizer; get the file again.")
    try:
        tokenizer = _tokenizer(path)
        tokenizer.no_padding()
        tokenizer.enable_truncation(most)
        return [list(one.ids) for one in tokenizer.encode_batch(list(phrases))]
    except WeightsError:
        raise
    except Exception as error:  # the library raises bare Exceptions
        raise WeightsError(f"“{path}” is no tokenizer that can be read ({error}); get the file again.") from error


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path)) if path.name == "tokenizer.json" else _from_vocabulary(path)


def _from_vocabulary(path: Path) -> Any:
    """RoBERTa's tokenizer from its two older files."""
    from tokenizers import ByteLevelBPETokenizer
    from tokenizers.processors import RobertaProcessing

    made = ByteLevelBPETokenizer.from_file(str(path), str(place(path.parent, "merges.txt")))
    first, last = made.token_to_id("<s>"), made.token_to_id("</s>")
    if first is None or last is None:
        raise WeightsError(f"“{path}” lacks the marks <s> and </s>; get the file again.")
    made.post_processor = RobertaProcessing(("</s>", last), ("<s>", first))
    return made


def _half(found: Mapping[str, Any], name: str, fields: frozenset[str], path: Path) -> dict[str, Any]:
    half = found.get(name) or {}
    if not isinstance(half, dict):
        raise WeightsError(f"“{path}” has an {name} that is no table; get the file again.")
    return {field: half[field] for field in sorted(fields) if field in half}


def _require_sane(half: Mapping[str, Any], path: Path) -> None:
    for name, value in half.items():
        parts = value if isinstance(value, list) else [value]
        if len(parts) > _LONGEST_LIST or not all(_is_sane(part, _LARGEST.get(name, _LARGEST_OTHER)) for part in parts):
            raise WeightsError(f"“{path}” asks for a net that cannot be built ({name} is {str(value)[:40]}); get the file again.")


def _require_whole(half: Mapping[str, Any], names: Sequence[str], path: Path) -> None:
    for name in names:
        if type(half.get(name, 0)) is not int:
            raise WeightsError(f"“{path}” asks for a net that cannot be built ({name} is {str(half[name])[:40]}); get the file again.")


def _is_sane(part: Any, most: int) -> bool:
    if isinstance(part, (int, float)) and not isinstance(part, bool):
        return 0 <= part <= most
    return part is None or isinstance(part, (bool, str))


def _sound(path: Path) -> Sound:
    names = ("sampling_rate", "max_length_s", "fft_window_size", "hop_length", "feature_size", "frequency_min", "frequency_max")
    words = ("truncation", "padding")
    found = opening.config(path, (*names, *words, "feature_extractor"))
    if isinstance(found.get("feature_extractor"), dict):  # as transformers writes it since version 5
        found = {**found, **found["feature_extractor"]}
    own = Sound()
    usual = dict(zip(names, (own.sample_rate, own.seconds, own.n_fft, own.hop, own.mels, own.low_hz, own.high_hz), strict=True))
    rate, seconds, n_fft, hop, mels, low, high = (_number(found.get(name, usual[name]), path) for name in names)
    cut, filled = (str(found.get(name, usual_word)) for name, usual_word in zip(words, ("fusion", own.padding), strict=True))
    made = Sound(int(rate), int(seconds), int(n_fft), int(hop), int(mels), low, high, cut != "fusion", filled)
    _require_usable(made, path)
    return made


def _number(value: Any, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e6:
        raise WeightsError(f"“{path}” asks for sound that cannot be prepared ({str(value)[:40]}); get the file again.")
    return float(value)


def _require_usable(sound: Sound, path: Path) -> None:
    fits = 8_000 <= sound.sample_rate <= 192_000 and 1 <= sound.seconds <= 60 and 1 <= sound.hop <= sound.n_fft <= 16_384
    bands = 1 <= sound.mels <= 512 and sound.low_hz < sound.high_hz <= sound.sample_rate / 2
    if not (fits and bands and sound.padding in ("repeatpad", "repeat", "pad")):
        raise WeightsError(f"“{path}” asks for sound that cannot be prepared; get the file again.")


def _require_agreement(setup: Setup, path: Path) -> None:
    """The picture of a window must fit into the square that the net looks at (see `ClapAudioEncoder.reshape_mel2img`)."""
    side, mels = int(setup.hears.get("spec_size", 256)), int(setup.hears.get("num_mel_bins", 64))
    frames = setup.sound.samples // setup.sound.hop + 1
    if mels != setup.sound.mels or mels < 1 or side % mels or frames > side * (side // mels):
        raise WeightsError(f"“{path}” and what prepares sound for it do not fit together; get the folder again.")
