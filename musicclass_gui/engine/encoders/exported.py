"""A torch net that the CPU computes faster than torch does: written once as ONNX, kept in the cache, run by onnxruntime in float32.

Measured on two cores with a HuBERT of 94 M parameters (5 s of sound at 24 kHz): torch 0.55 s, torch with oneDNN's matrix products 0.41 s,
onnxruntime 0.31 s; writing it took 8 s, opening what was written 0.4 s. So it is written only once torch has computed for a minute, by
when the waiting has cost more than the writing does: a user with one short recording never waits for it, a list of recordings gains.
It is trusted only after it agreed with torch on an example. It knows no family of nets. Imports torch, so only nets import it.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from musicclass_gui.engine import places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PATIENCE_S = 60.0  # of computing with torch, see above
CLOSE = 1e-4
"""How far from torch, relative to its answer's norm, another way to compute may be."""

_FORM = 1  # raised when what is written changes
_FILE = "net.onnx"
_ABANDONED_S = 86400.0
_ROOM = 1.5  # times the weights must be free on the disk
_SAMPLED = 1024  # numbers of each tensor tell weights apart; the example tells the rest
_LOGGER = "torch.onnx._internal.exporter._registration"  # warns that torchvision is not there


class Exported(nn.Module):
    """`net` (one tensor in, one out), which gives the same on any device, and on the CPU gives it sooner.

    `example` is an input in which every dimension in `varying` has ≥ 2 entries; only these may have other sizes later. `name` (letters,
    digits, "-") begins the name of what is kept in the cache. On CUDA it is `net` itself, and under autocast on a CPU that can compute in
    bfloat16; on one that cannot, rounding would cost time, so nothing is rounded there. Batches of one are fastest.
    Threads may share it, but while one writes it no other may run any torch net, as torch replaces methods of all nets meanwhile.
    """

    def __init__(
        self, net: nn.Module, example: Tensor, name: str, *, varying: Sequence[int] = (0, 1), patience_s: float = PATIENCE_S
    ) -> None:
        super().__init__()
        self.net = net.eval().requires_grad_(False)
        self.notices: list[str] = []
        self._example, self._name, self._varying, self._patience_s = example, name, tuple(varying), patience_s
        self._session: Any = None
        self._computed_s = 0.0
        self._looked = self._tried = False
        self._lock = threading.Lock()
        self._threads = torch.get_num_threads()  # now, as who calls may hold some back for a while

    def forward(self, given: Tensor) -> Tensor:
        """What `net` makes of it, to 1e-4 relative on the CPU."""
        if given.device.type != "cpu" or (torch.is_autocast_enabled("cpu") and has_bfloat16()):
            return self._by_torch(given)
        with torch.autocast("cpu", enabled=False):
            session = self._ready()
            return self._patiently(given) if session is None else self._by(session, given)

    def hasten(self) -> bool:
        """Write the faster form now unless it is there already; whether it can be used. Takes some seconds for a large net."""
        with self._lock:
            self._look()
            if self._session is None and not self._tried:
                self._tried = True
                self._make()
        return self._session is not None

    @property
    def hastened(self) -> bool:
        """Whether onnxruntime computes."""
        return self._session is not None

    @cached_property
    def folder(self) -> Path:
        """Where the faster form of a net with these weights is kept."""
        return places.cache_dir() / "exported" / f"{self._name}-{_digest(self.net)}"

    def _ready(self) -> Any:
        if not self._looked or (self._computed_s > self._patience_s and not self._tried):
            with self._lock:
                self._look()
            if self._computed_s > self._patience_s:
                self.hasten()
        return self._session

    def _by_torch(self, given: Tensor) -> Tensor:
        made: Tensor = self.net(given)
        return made

    def _by(self, session: Any, given: Tensor) -> Tensor:
        try:
            return torch.from_numpy(_run(session, given))
        except Exception as error:  # onnxruntime's errors have no common type; want of memory is the likeliest
            self._session = None
            self.notices.append(f"onnxruntime failed ({_reason(error)}), so {self._name} computes slower.")
            return self._patiently(given)

    def _patiently(self, given: Tensor) -> Tensor:
        began = time.perf_counter()
        with self._precision:
            made = self._by_torch(given)
        self._computed_s += time.perf_counter() - began
        return made

    @cached_property
    def _precision(self) -> Any:
        """oneDNN's matrix products, 1.3 times as fast as MKL's, on processors where they are in float32 although they need not be."""
        expected = self._expected
        with torch.inference_mode(), onednn_matmuls:
            made: NDArray[np.float32] = self._by_torch(self._example).numpy()
        return onednn_matmuls if _close(made, expected) else nullcontext()

    @cached_property
    def _expected(self) -> NDArray[np.float32]:
        with torch.inference_mode():
            expected: NDArray[np.float32] = self._by_torch(self._example).numpy()
        return expected

    def _look(self) -> None:
        """Take what an earlier use has left; what cannot be used is removed."""
        if self._looked:
            return
        self._looked = True
        if self.folder.is_dir():
            self._session = self._opened()
            if self._session is None:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self) -> None:
        parent = self.folder.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _drop_abandoned(parent, self._name, self.folder)
            self._write(parent)
            self._session = self._opened()
        except OSError as error:
            self.notices.append(f"The faster form of {self._name} cannot be kept in “{parent}” ({error.strerror or error}).")
        except Exception as error:  # what the exporter does not support it says in many ways
            self.notices.append(f"{self._name} has no faster form here ({_reason(error)}).")

    def _write(self, parent: Path) -> None:
        """Whole or not at all; another process that was faster is as good."""
        weights = sum(tensor.numel() * tensor.element_size() for tensor in self.net.state_dict().values())
        if shutil.disk_usage(parent).free < _ROOM * weights:
            raise OSError(f"there is less than {_ROOM * weights / 1e6:,.0f} MB of room")
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=parent))
        try:
            _export(self.net, self._example, self._varying, part / _FILE)
            with suppress(OSError):
                part.replace(self.folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _opened(self) -> Any:
        """A session, if what is kept can be read and agrees with torch on the example."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(self.folder / _FILE, options, providers=["CPUExecutionProvider"])
            return session if _close(_run(session, self._example), self._expected) else None
        except Exception:  # a damaged file can make its reader raise anything
            return None


def has_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16; others take longer for it than for float32."""
    can = torch.cpu.get_capabilities()
    return any(can.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))


class _OnednnMatmuls:
    """While at least one thread is inside, torch's matrix products on the CPU are oneDNN's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = "highest"

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = torch.get_float32_matmul_precision()
                torch.set_float32_matmul_precision("medium")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                torch.set_float32_matmul_precision(self._before)


onednn_matmuls = _OnednnMatmuls()


def _run(session: Any, given: Tensor) -> NDArray[np.float32]:
    made: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: given.numpy()})[0]
    return made


def _close(made: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    if made.shape != expected.shape:
        return False
    return float(np.linalg.norm(made - expected)) <= CLOSE * float(np.linalg.norm(expected))  # false where there is a NaN


def _export(net: nn.Module, example: Tensor, varying: tuple[int, ...], path: Path) -> None:
    """Weights go into a file beside `path`: that needs no more memory, and ONNX itself ends at 2 GB."""
    shapes = ({dimension: torch.export.Dim.DYNAMIC for dimension in varying},)
    with _quietly(), torch.inference_mode(False), torch.no_grad():
        program = torch.export.export(net, (example.clone(),), dynamic_shapes=shapes)
        written = torch.onnx.export(program, dynamo=True, input_names=["given"], output_names=["made"], verbose=False, optimize=False)
        if written is None:
            raise RuntimeError("nothing was exported")
        written.save(path, external_data=True)


@contextmanager
def _quietly() -> Iterator[None]:
    logger = logging.getLogger(_LOGGER)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def _digest(net: nn.Module) -> str:
    """Twelve hexadecimal digits that tell nets apart, by their geometry and a sample of their weights."""
    made = sha256(f"{_FORM} {net}".encode())
    for name, tensor in net.state_dict().items():
        flat = tensor.detach().reshape(-1)
        sample = flat[:: max(1, flat.numel() // _SAMPLED)].cpu().double()
        made.update(f"{name} {tuple(tensor.shape)}".encode() + sample.numpy().tobytes())
    return made.hexdigest()[:12]


def _drop_abandoned(parent: Path, name: str, keep: Path) -> None:
    """Remove what other weights of the same name left, and what was never finished."""
    unfinished = [part for part in parent.glob(".part-*") if time.time() - part.stat().st_mtime > _ABANDONED_S]
    older = [folder for folder in parent.glob(f"{name}-{'?' * 12}") if folder != keep]
    for folder in (*unfinished, *older):
        shutil.rmtree(folder, ignore_errors=True)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
