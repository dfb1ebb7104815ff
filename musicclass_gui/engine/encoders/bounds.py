"""How large a stranger's file claims to be, looked at before it is read: a file of a few bytes must not ask for all memory.

Each function raises ValueError with what is wrong; `opening` makes a sentence of it. Nothing here reads weights.
"""

from __future__ import annotations

import json
import math
import stat
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from torch import Tensor

MOST_BYTES = 16 << 30  # ten times the largest encoder's
_MOST_HEADER = 16 << 20
_MOST_JSON = 16 << 20
_MOST_GROWTH, _SPARE = 8, 1 << 20  # tensors may share what is stored once, and Keras may have packed it
_SAFETENSORS_BITS = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8},
    **{"U16": 16, "I16": 16, "F16": 16, "BF16": 16},
    **{"U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64},
}


def file_size(path: Path, most: int = MOST_BYTES) -> int:
    """The size of what must be a regular file: a pipe would never end, and a device has everything. Raises OSError too."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no file")
    if status.st_size > most:
        raise ValueError(f"it has {status.st_size:,} bytes, more than any model has")
    return status.st_size


def json_size(path: Path) -> int:
    """The size of what must be a small file."""
    return file_size(path, _MOST_JSON)


def check_safetensors(path: Path) -> None:
    """The header of a safetensors file: its length, and for each tensor its type, its shape and its place, without gaps or overlaps."""
    size = file_size(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MOST_HEADER):
            raise ValueError("its header is longer than the file can have")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is none")
    spans = sorted(_span(name, entry) for name, entry in header.items() if name != "__metadata__")
    end = 0
    for first, last in spans:
        if first != end:
            raise ValueError("its tensors overlap or leave gaps")
        end = last
    if end != size - 8 - length:
        raise ValueError(f"its tensors take {end:,} bytes, and it has {size - 8 - length:,}")


def _span(name: str, entry: Any) -> tuple[int, int]:
    """Where a tensor is, which must be as long as its shape says."""
    shape, (first, last) = entry["shape"], entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, first, last)):
        raise ValueError(f"the size of {name[:80]} is none")
    if math.prod(shape) * _SAFETENSORS_BITS[entry["dtype"]] != 8 * (last - first):
        raise ValueError(f"the size of {name[:80]} is not that of its shape")
    return first, last


def check_torch(path: Path) -> None:
    """A torch file that is a zip archive: torch packs nothing, so it must not hold more than its size."""
    size = file_size(path)
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        held = sum(entry.file_size for entry in archive.infolist())
    if held > size:
        raise ValueError(f"it holds {held:,} bytes in {size:,}")


def check_tensors(path: Path, found: Iterable[Tensor]) -> None:
    """Tensors as torch read them: plain ones, and together not much more than the file has."""
    import torch

    most = file_size(path) * _MOST_GROWTH + _SPARE
    total = 0
    for tensor in found:
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.device.type != "cpu":
            raise ValueError("it holds tensors of a kind that no model has")
        total += tensor.numel() * tensor.element_size()
        if total > most:
            raise ValueError(f"its tensors would take more than {most:,} bytes")


def check_dataset(path: Path, item: Any, before: int) -> int:
    """One array of an HDF5 file: in this very file, and with those `before` it not much more than the file has. What they take together."""
    most = file_size(path) * _MOST_GROWTH + _SPARE
    if item.external or item.is_virtual:
        raise ValueError(f"{item.name[:80]} is in another file")
    total: int = before + math.prod(item.shape or (0,)) * item.dtype.itemsize
    if max(total, math.prod(item.chunks or (0,)) * item.dtype.itemsize) > most:
        raise ValueError(f"its arrays would take more than {most:,} bytes")
    return total
