"""CLMR's checkpoint: out of its zip, without writing where the zip says, and into the net, without what followed the encoder in training.

torch is imported on use.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from musicclass_gui.engine.encoders import opening
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

    from musicclass_gui.engine.encoders.samplecnn_net import ContrastiveCNN

_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
_LARGEST = 200_000_000  # bytes; the encoder's are 9.5 million, and training keeps up to six times as much
_PREFIXES = ("model.encoder.", "encoder.", "")
"""What stands before the encoder's names: in a checkpoint of the authors' training, in their published one, in a bare encoder's."""


def read(path: Path) -> ContrastiveCNN:
    """The net with the weights of `path`, a checkpoint or a zip with one, ready for inference. Raises WeightsError unless they fit."""
    from musicclass_gui.engine.encoders.samplecnn_net import ContrastiveCNN
    from musicclass_gui.engine.encoders.taggers_parts import folded

    net = ContrastiveCNN().eval().requires_grad_(False)
    opening.fill(net, encoder_part(_zipped(path) if _holds_files(path) else opening.tensors(path)), path)
    folded(net)
    return net


def encoder_part(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's tensors under the net's names; the projector and a layer for tags are left out."""
    prefix = next((one for one in _PREFIXES if any(name.startswith(f"{one}sequential.") for name in found)), "")
    mine = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    return {name: value for name, value in mine.items() if not name.startswith(("fc.", "projector.", "model.projector."))}


def _holds_files(path: Path) -> bool:
    """Whether it is a zip to be looked into; a torch file is a zip too, with a member `…/data.pkl`."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(PurePosixPath(name).name == "data.pkl" for name in archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _zipped(path: Path) -> dict[str, Tensor]:
    """The tensors of the one checkpoint in a zip; no name in the zip becomes a path."""
    try:
        with zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
            member = _checkpoint(archive, path)
            copy = Path(folder, f"checkpoint{PurePosixPath(member.filename).suffix}")
            with archive.open(member) as file:
                copy.write_bytes(file.read(member.file_size))
            return _tensors(copy, path)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:  # what zipfile raises of bad zips
        raise _unreadable(path, error) from error


def _checkpoint(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    names = [(one, PurePosixPath(one.filename)) for one in archive.infolist() if not one.is_dir()]
    found = [one for one, name in names if name.suffix in _SUFFIXES and "__MACOSX" not in name.parts]
    if len(found) != 1:
        raise WeightsError(f"“{path}” holds {len(found)} checkpoints instead of one; get the file again.")
    _require_small(found[0].file_size, path)
    return found[0]


def _require_small(size: int, path: Path) -> None:
    if size > _LARGEST:
        raise WeightsError(f"“{path}” holds more than {_LARGEST / 1e6:.0f} MB, far more than the weights of clmr; get the file again.")


def _tensors(copy: Path, path: Path) -> dict[str, Tensor]:
    try:
        return opening.tensors(copy)
    except WeightsError as error:
        raise WeightsError(str(error).replace(str(copy), str(path))) from error


def _unreadable(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"“{path}” cannot be unpacked ({error}); get the file again.")
