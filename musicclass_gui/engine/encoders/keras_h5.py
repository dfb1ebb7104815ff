"""Weights that Keras 2 saved: its layers' arrays as the tensors that a torch net of the same geometry wants.

It knows how Keras names and orders arrays, and no net. Reading the file is `opening`'s. Imports torch, so it is imported on use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import torch

from musicclass_gui.engine.encoders import opening

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

_ARRAY = re.compile(r"model_weights/(?P<layer>[^/]+)/.*?(?P<part>[a-z_]+?)(_\d+)?:0")
_PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def weights(path: Path, layers: Mapping[str, str], unused: Collection[str] = ()) -> dict[str, Tensor]:
    """The tensors of a Keras 2 file; `layers` maps its layers to modules of a torch net, and those in `unused` are left out.

    Arrays of other layers keep their names, so that `opening.fill` can say that it does not know them. Raises WeightsError.
    """
    found = {}
    for name, array in opening.arrays_h5(path).items():
        if name.startswith("optimizer_weights/"):  # how training would go on
            continue
        match = _ARRAY.fullmatch(name)
        layer, part = (match["layer"], match["part"]) if match else ("", "")
        if layer in unused:
            continue
        known = layer in layers and part in _PARTS
        found[f"{layers[layer]}.{_PARTS[part]}" if known else name] = torch.from_numpy(_torch_order(array) if known else array)
    return found


def fill(net: nn.Module, found: Mapping[str, Tensor], path: Path) -> None:
    """`opening.fill` for a net with batch norms, which in torch also count their batches. Raises WeightsError."""
    opening.fill(net, found, path, optional=[name for name in net.state_dict() if name.endswith("num_batches_tracked")])


def _torch_order(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Kernels `(height, width, in, out)` → `(out, in, height, width)` and `(in, out)` → `(out, in)`; vectors as they are."""
    order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim)
    return np.ascontiguousarray(array.transpose(order)) if order else array
