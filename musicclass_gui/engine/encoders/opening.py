"""Reading strangers' weights: what is in a file becomes named tensors or a sentence on why not, and nothing in it is ever run.

torch is imported on use, and so is h5py.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a torch file (.bin, .pt, .pth, .ckpt), by name. Raises WeightsError."""
    import torch

    found: Any
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a stranger's file can make its reader raise anything
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"“{path}” holds no weights that can be read ({reason}); get the file again.") from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise WeightsError(f"“{path}” holds something else than named tensors; get the file again.")
    _require_finite(path, found)
    return dict(found)


def arrays_h5(path: Path) -> dict[str, NDArray[np.float32]]:
    """The arrays of an HDF5 file as Keras writes it, by their path in it, "group/…/name". Links are not followed. Raises WeightsError."""
    import h5py
    import numpy as np

    found: dict[str, NDArray[np.float32]] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            found[name] = np.asarray(item, np.float32)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except Exception as error:
        raise WeightsError(f"“{path}” holds no weights that can be read ({error}); get the file again.") from error
    if not all(np.isfinite(array).all() for array in found.values()):
        raise WeightsError(f"“{path}” has weights that are not finite, so it is damaged; get the file again.")
    return found


def config(path: Path, fields: Collection[str]) -> dict[str, Any]:
    """Those of `fields` that a JSON file has; nothing else of it is looked at. Raises WeightsError."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WeightsError(f"“{path}” cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"“{path}” is not valid JSON ({error}); get the file again.") from error
    if not isinstance(found, dict):
        raise WeightsError(f"“{path}” does not describe a model; get the file again.")
    return {name: found[name] for name in fields if name in found}


def inside(folder: Path, name: str) -> Path:
    """FOLDER/NAME. Raises WeightsError when that leads out of the folder, by its name or by a link."""
    path = folder / name
    if not leads_inside(folder, path):
        raise WeightsError(f"“{path}” leads out of its folder, so it is not read; put the file itself there.")
    return path


def leads_inside(folder: Path, path: Path) -> bool:
    """Whether a path stays in a folder, once all links are followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def fill(net: nn.Module, weights: Mapping[str, Tensor], path: Path, *, optional: Collection[str] = ()) -> None:
    """Give a net its weights: every one of them and no other, those in `optional` aside. Raises WeightsError.

    The sentence names what is missing, too many, or of another shape.
    """
    own = net.state_dict()
    missing = [name for name in own if name not in weights and name not in optional]
    strange = [name for name in weights if name not in own and name not in optional]
    shapes = [name for name in own if name in weights and own[name].shape != weights[name].shape]
    for words, names in (("lacks", missing), ("has unknown", strange), ("has another shape of", shapes)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise WeightsError(f"“{path}” is of another net: it {words} {names[0]}{more}.")
    net.load_state_dict({name: weights[name] for name in own if name in weights}, strict=False)


def _require_finite(path: Path, found: Mapping[str, Tensor]) -> None:
    if any(value.is_floating_point() and not value.isfinite().all() for value in found.values()):
        raise WeightsError(f"“{path}” has weights that are not finite, so it is damaged; get the file again.")
