"""Which processor does the work: from the user's wish to a torch device, and what to do when its memory runs out.

Knows torch (imported inside functions) but no encoder and no setting's storage.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Device:
    """`name` is what torch takes ("cpu", "cuda:0"); `notice` says why a wish could not be met, or is empty."""

    name: str
    notice: str = ""

    @property
    def notices(self) -> list[str]:
        """The notice, if there is one."""
        return [self.notice] if self.notice else []


def resolve(setting: str) -> Device:
    """The device for "auto", "cpu", "cuda" or "cuda:N"; a wish that cannot be met gives the CPU and a notice."""
    kind, _, number = setting.partition(":")
    if setting == "cpu" or (setting == "auto" and not cuda_count()):
        return Device("cpu")
    if setting == "auto":
        return Device("cuda:0")
    if kind != "cuda" or not (number.isdecimal() or setting == "cuda"):
        return Device("cpu", f"“{setting}” is not a device; the CPU is used.")
    return _cuda(int(number or 0))


def _cuda(index: int) -> Device:
    count = cuda_count()
    if index < count:
        return Device(f"cuda:{index}")
    if count == 0:
        return Device("cpu", "No CUDA device can be used here; the CPU is used.")
    return Device("cpu", f"There is no CUDA device {index} (the last is {count - 1}); the CPU is used.")


def cuda_count() -> int:
    """How many CUDA devices torch can use; where NVIDIA's driver is missing torch, half a gigabyte of it, is not even imported."""
    if not driver_present():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def driver_present() -> bool:
    """Whether NVIDIA's driver library can be loaded, without which there is no CUDA device."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def names() -> list[str]:
    """The devices that can be chosen, as torch names them."""
    return ["cpu", *(f"cuda:{index}" for index in range(cuda_count()))]


def describe(name: str) -> str:
    """A device's name for people: "CPU" or "CUDA: NVIDIA H200"."""
    if not name.startswith("cuda"):
        return "CPU"
    import torch

    return f"CUDA: {torch.cuda.get_device_name(name)}"


def run_halving(
    batch_fn: Callable[[Sequence[Item]], Result], items: Sequence[Item], *, batch: int, to_cpu: Callable[[str], None]
) -> tuple[list[Result], int]:
    """Run `batch_fn` over `items` in batches, halving the batch whenever CUDA runs out of memory.

    When even one item does not fit, `to_cpu` is called once with a notice for the user, and must make `batch_fn` run
    on the CPU. Returns the results in order and the batch size that fitted. Raises EncoderError when one item does
    not fit afterwards either.
    """
    import torch

    results: list[Result] = []
    done, moved = 0, False
    while done < len(items):
        try:
            results.append(batch_fn(items[done : done + batch]))
            done += batch
            continue
        except torch.cuda.OutOfMemoryError as error:
            if moved and batch == 1:
                raise EncoderError("There is not enough memory for one window; close other programs and try again.") from error
        batch, moved = _after_running_out(batch, moved, to_cpu)
    return results, batch


def _after_running_out(batch: int, moved: bool, to_cpu: Callable[[str], None]) -> tuple[int, bool]:
    """Called outside the handler, so that the exception no longer holds the failed batch's memory."""
    import torch

    torch.cuda.empty_cache()
    if batch > 1:
        return batch // 2, moved
    to_cpu("The CUDA device ran out of memory; the rest is done on the CPU.")
    return batch, True
