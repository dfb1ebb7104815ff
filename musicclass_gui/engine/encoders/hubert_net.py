"""The net behind `mert-v1-…` and the user's own HuBERTs: transformers' class with checked settings, and all its layers' means over time.

Imports torch and transformers, so only `hubert` imports it, and only when an encoder is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from musicclass_gui.engine.encoders import WeightsFile, opening, weights
from musicclass_gui.engine.encoders.hubert_files import TENSORS

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders.hubert_files import Geometry

_POSITION = "encoder.pos_conv_embed.conv."
_RENAMED = {
    _POSITION + "weight_g": _POSITION + "parametrizations.weight.original0",
    _POSITION + "weight_v": _POSITION + "parametrizations.weight.original1",
}
"""torch's old and new names of a weight norm's two parts."""

_UNUSED = "masked_spec_embed"  # stands for hidden sound in training
_EXAMPLE_FRAMES = 20


class LayerMeans(nn.Module):
    """`(n, samples)` → `(n, layers + 1, dim)`: means over time of what goes into the transformer and what each layer makes of it.

    Nothing is masked: all windows of a batch are equally long.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, samples: Tensor) -> Tensor:
        """At least as many samples as make one frame."""
        found = self.model(samples, output_hidden_states=True)
        # transformers 5 lists the last layer before the last norm, which larger nets have; 4, which published results rest on, after it
        states = (*found.hidden_states[:-1], found.last_hidden_state)
        return torch.stack([state.mean(1) for state in states], 1)


def read(folder: Path, geometry: Geometry) -> LayerMeans:
    """The net with the weights in `folder`, ready for inference. Raises WeightsError unless they fit exactly and are finite."""
    path = weights.path_of(folder, WeightsFile(TENSORS))
    path = opening.inside(folder, path.name)
    found = {_RENAMED.get(name, name): tensor for name, tensor in opening.tensors(path).items() if name != _UNUSED}
    model = built(geometry)
    opening.fill(model, found, path, optional=_counters(model))
    _fold_weight_norm(model)
    return LayerMeans(model).eval().requires_grad_(False)


def built(geometry: Geometry) -> nn.Module:
    """`transformers.HubertModel` without weights: what its memory holds is random."""
    from transformers import HubertConfig, HubertModel

    unmasked = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0, "apply_spec_augment": False}
    config = HubertConfig(**geometry.settings, **unmasked, attn_implementation="sdpa")
    with torch.device("meta"):
        model: nn.Module = HubertModel(config)
    return model.to_empty(device="cpu").eval()


def example(geometry: Geometry) -> Tensor:
    """Two windows of noise, some frames long."""
    made = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(2, geometry.shortest * _EXAMPLE_FRAMES, generator=made)


def _counters(model: nn.Module) -> set[str]:
    """Counts of training steps, which a batch norm has and does not need."""
    return {name for name in model.state_dict() if name.endswith("num_batches_tracked")}


def _fold_weight_norm(model: nn.Module) -> None:
    """The same function, its weight computed once instead of each time."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d) and parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight")
