"""What a folder of the HuBERT family says of its net: `config.json` read as data, and nothing of it believed that is not in a table here.

MERT's folders name Python files that `transformers` would run when trusted; they are never looked at. Knows no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.encoders import opening
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG, FRONT_END = "config.json", "preprocessor_config.json"
TENSORS = "model.safetensors|pytorch_model.bin"
"""Either will do, the first if both are there."""

MERT_RATE, HUBERT_RATE = 24_000, 16_000

_KINDS = {"mert_model": MERT_RATE, "hubert": HUBERT_RATE}
_WHOLE = {
    "hidden_size": (768, 1, 4096),
    "num_hidden_layers": (12, 1, 64),
    "num_attention_heads": (12, 1, 128),
    "intermediate_size": (3072, 1, 16_384),
    "num_conv_pos_embeddings": (128, 1, 1024),
    "num_conv_pos_embedding_groups": (16, 1, 1024),
}
"""HuBERT base's, which a config may leave out, and what is possible."""

_LISTS = {
    "conv_dim": ((512,) * 7, 2048),
    "conv_kernel": ((10, 3, 3, 3, 3, 2, 2), 64),
    "conv_stride": ((5, 2, 2, 2, 2, 2, 2), 64),
}
_FLAGS = {"conv_bias": False, "do_stable_layer_norm": False, "feat_proj_layer_norm": True, "conv_pos_batch_norm": False}
_ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "swish")
_WORDS = {"hidden_act": _ACTIVATIONS, "feat_extract_activation": _ACTIVATIONS, "feat_extract_norm": ("group", "layer")}
_OTHER_NETS = ("feature_extractor_cqt", "deepnorm")  # switches of MERT's own code that are off in what was published
_MOST_CONVS = 12
_MOST_WEIGHTS = 1_500_000_000
_RATES = (1_000, 400_000)


@dataclass(frozen=True)
class Geometry:
    """What a net is like: `settings` are arguments of `transformers.HubertConfig`, all of them checked."""

    kind: str
    settings: dict[str, Any]

    @property
    def layers(self) -> int:
        """How many hidden states there are: what goes into the transformer, and what each of its layers makes of it."""
        return int(self.settings["num_hidden_layers"]) + 1

    @property
    def dim(self) -> int:
        """How long each is."""
        return int(self.settings["hidden_size"])

    @property
    def shortest(self) -> int:
        """How many samples make one frame."""
        samples = 1
        for kernel, stride in reversed(list(zip(self.settings["conv_kernel"], self.settings["conv_stride"], strict=True))):
            samples = (samples - 1) * stride + kernel
        return samples

    @property
    def weights(self) -> int:
        """About how many numbers the net has."""
        wide, inside = self.dim, int(self.settings["intermediate_size"])
        convs = (1, *self.settings["conv_dim"])
        stem = sum(before * after * kernel for before, after, kernel in zip(convs, convs[1:], self.settings["conv_kernel"], strict=False))
        position = wide * wide // int(self.settings["num_conv_pos_embedding_groups"]) * int(self.settings["num_conv_pos_embeddings"])
        return int(stem + position + (self.layers - 1) * (4 * wide * wide + 2 * wide * inside))


def geometry(folder: Path) -> Geometry:
    """What the net in `folder` is like. Raises WeightsError, which says what is odd, before anything is made after it."""
    path = opening.inside(folder, CONFIG)
    fields = (*_WHOLE, *_LISTS, *_FLAGS, *_WORDS, *_OTHER_NETS, "layer_norm_eps", "model_type")
    said = opening.config(path, fields)
    if said.get("model_type") not in list(_KINDS):
        raise _odd(path, f"its model_type is {_shown(said.get('model_type'))}, not “mert_model” or “hubert”")
    if switched := next((name for name in _OTHER_NETS if said.get(name) not in (None, False)), None):
        raise _odd(path, f"its net is built with “{switched}”, which is not supported")
    made = Geometry(str(said["model_type"]), {**_numbers(path, said), **_lists(path, said), **_choices(path, said)})
    _require_fitting(path, made)
    return made


def sample_rate(folder: Path, kind: str) -> int:
    """The rate that its net was trained at, in Hz: as its front end's file says, else as is usual for its kind. Raises WeightsError."""
    if not (folder / FRONT_END).exists():
        return _KINDS[kind]
    path = opening.inside(folder, FRONT_END)
    rate = opening.config(path, ("sampling_rate",)).get("sampling_rate", _KINDS[kind])
    if type(rate) is not int or not _RATES[0] <= rate <= _RATES[1]:
        raise _odd(path, f"its sampling_rate is {_shown(rate)}")
    return rate


def normalises(folder: Path) -> bool:
    """Whether its front end's file asks for windows of zero mean and unit variance. Raises WeightsError."""
    if not (folder / FRONT_END).exists():
        return False
    return opening.config(opening.inside(folder, FRONT_END), ("do_normalize",)).get("do_normalize") is True


def _numbers(path: Path, said: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (usual, least, most) in _WHOLE.items():
        value = said.get(name, usual)
        if type(value) is not int or not least <= value <= most:
            raise _odd(path, f"its {name} is {_shown(value)}, not a whole number from {least} to {most}")
        found[name] = value
    tiny = said.get("layer_norm_eps", 1e-5)
    if type(tiny) not in (int, float) or not 0 < tiny < 0.1:
        raise _odd(path, f"its layer_norm_eps is {_shown(tiny)}")
    return {**found, "layer_norm_eps": float(tiny)}


def _lists(path: Path, said: dict[str, Any]) -> dict[str, Any]:
    found = {name: said.get(name, list(usual)) for name, (usual, _) in _LISTS.items()}
    for name, values in found.items():
        most = _LISTS[name][1]
        if not isinstance(values, list) or not values or any(type(value) is not int or not 1 <= value <= most for value in values):
            raise _odd(path, f"its {name} is {_shown(values)}, not a list of whole numbers from 1 to {most}")
    lengths = {len(values) for values in found.values()}
    if len(lengths) != 1 or max(lengths) > _MOST_CONVS:
        raise _odd(path, f"its {', '.join(_LISTS)} are not lists of one length, {_MOST_CONVS} at most")
    return found


def _choices(path: Path, said: dict[str, Any]) -> dict[str, Any]:
    flags = {name: said.get(name, usual) for name, usual in _FLAGS.items()}
    words = {name: said.get(name, allowed[0]) for name, allowed in _WORDS.items()}
    wrong = [name for name, value in flags.items() if not isinstance(value, bool)]
    wrong += [name for name, value in words.items() if value not in _WORDS[name]]
    if wrong:
        raise _odd(path, f"its {wrong[0]} is {_shown((flags | words)[wrong[0]])}")
    return {**flags, **words}


def _require_fitting(path: Path, made: Geometry) -> None:
    for name in ("num_attention_heads", "num_conv_pos_embedding_groups"):
        if made.dim % made.settings[name]:
            raise _odd(path, f"its hidden_size, {made.dim}, cannot be divided by its {name}, {made.settings[name]}")
    if made.weights > _MOST_WEIGHTS:
        raise _odd(path, f"it would have {made.weights / 1e9:.1f} billion weights, more than {_MOST_WEIGHTS / 1e9:.1f}")
    if made.shortest > _RATES[0] * 10:
        raise _odd(path, f"one of its frames takes {made.shortest:,} samples")


def _odd(path: Path, what: str) -> WeightsError:
    return WeightsError(f"“{path}” describes no net that can be used here: {what}; get the folder again, or another one.")


def _shown(value: object) -> str:
    text = str(value)
    return f"“{text}”" if len(text) <= 60 else f"“{text[:60]}…”"
