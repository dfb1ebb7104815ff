"""Reading strangers' weights: what is in a file becomes named tensors or a sentence on why not, and nothing in it is ever run.

torch is imported on use, and so is h5py.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.encoders import bounds
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a torch file (.bin, .pt, .pth, .ckpt), by name. Raises WeightsError."""
    try:
        found = _read_tensors(path)
        if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
            found = found["state_dict"]
        named = _named(found)
        bounds.check_tensors(path, named.values())
        finite = all(value.isfinite().all() for value in named.values() if value.is_floating_point())
    except Exception as error:  # a stranger's file can make its reader raise anything
        raise WeightsError(_unreadable(path, error)) from error
    if not finite:
        raise WeightsError(f"“{path}” has weights that are not finite, so it is damaged; get the file again.")
    return named


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; nothing where it says nothing. Raises WeightsError."""
    from safetensors import SafetensorError, safe_open

    try:
        bounds.check_safetensors(path)
        with safe_open(path, "numpy") as file:
            return dict(file.metadata() or {})
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsError(_unreadable(path, error)) from error


def _read_tensors(path: Path) -> Any:
    import torch

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        bounds.check_safetensors(path)
        return load_file(path)
    bounds.check_torch(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _named(found: Any) -> dict[str, Tensor]:
    """What must be tensors by name. Raises ValueError."""
    import torch

    if not isinstance(found, dict) or not all(isinstance(name, str) and isinstance(one, torch.Tensor) for name, one in found.items()):
        raise ValueError("it holds something else than named tensors")
    return {name: one.detach() for name, one in found.items()}


def arrays_h5(path: Path) -> dict[str, NDArray[np.float32]]:
    """The arrays of an HDF5 file as Keras writes it, by their path in it, "group/…/name". Links are not followed. Raises WeightsError."""
    import h5py
    import numpy as np

    found: dict[str, NDArray[np.float32]] = {}
    total = 0

    def take(name: str, item: Any) -> None:
        nonlocal total
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            total = bounds.check_dataset(path, item, total)
            with np.errstate(over="ignore"):  # what is too large becomes infinite, which is refused below
                found[name] = np.asarray(item, np.float32)

    try:
        bounds.file_size(path)
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except Exception as error:
        raise WeightsError(_unreadable(path, error)) from error
    if not all(np.isfinite(array).all() for array in found.values()):
        raise WeightsError(f"“{path}” has weights that are not finite, so it is damaged; get the file again.")
    return found


def config(path: Path, fields: Collection[str]) -> dict[str, Any]:
    """Those of `fields` that a JSON file has; nothing else of it is looked at. Its numbers are finite. Raises WeightsError."""
    try:
        bounds.json_size(path)
        found = json.loads(path.read_text("utf-8"), parse_float=_finite, parse_constant=_finite)
    except OSError as error:
        raise WeightsError(f"“{path}” cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"“{path}” is not valid JSON ({_first_line(error)}); get the file again.") from error
    if not isinstance(found, dict):
        raise WeightsError(f"“{path}” does not describe a model; get the file again.")
    return {name: found[name] for name in fields if name in found}


def _finite(text: str) -> float:
    """A number of a JSON file, where "NaN" and "1e999" are none."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number")
    return value


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


def _unreadable(path: Path, error: Exception) -> str:
    """A sentence on why a file cannot be read; torch's own advice for what holds code is to run it."""
    if isinstance(error, OSError) and error.strerror:
        return f"“{path}” cannot be read ({error.strerror})."
    if type(error).__name__ == "UnpicklingError":
        why = "it is damaged, or holds program code, which is never run"
        return f"“{path}” holds no weights that can be read: {why}; get the file again from where you trust it."
    return f"“{path}” holds no weights that can be read ({_first_line(error)}); get the file again."


def _first_line(error: Exception) -> str:
    return (str(error).strip().partition("\n")[0] or type(error).__name__)[:200]
