"""Running an ONNX model over windows with onnxruntime: front end, patches, batches, and what comes out made into embeddings.

It knows no recording and no class; what it is fed with is the recipe's matter. Imports torch and onnxruntime, so it is only imported when
an encoder is loaded.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from musicclass_gui.engine import device as devices
from musicclass_gui.engine.encoders import onnx_front
from musicclass_gui.engine.encoders.onnx_recipe import BATCH, CHANNEL, MEL, TIME, shown
from musicclass_gui.engine.encoders.running import padded, rows_by_length, tiled
from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings, EncoderSpec, TagHead
    from musicclass_gui.engine.encoders.onnx_recipe import Recipe
    from musicclass_gui.engine.windows import Audio

Numbers = NDArray[np.float32]

MOST_DIM = 65_536
_AT_ONCE_S = 40.0  # of audio through the front end
_CPU_NUMBERS, _CUDA_NUMBERS = 1 << 19, 1 << 22  # of input through the model at once
_TRIAL_S = 120.0  # that a model may take for one window when it is first tried
_KINDS: dict[str, type[np.floating]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_CODES = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_CPU = ["CPUExecutionProvider"]
_SILENT = 4  # onnxruntime's own log: nothing but what ends the program; its errors arrive as exceptions


class Session:
    """A model ready to run: patches `(n, bands, steps)` float32 → embeddings `(n, dim)`. Raises EncoderError when it does not fit."""

    def __init__(self, path: Path, recipe: Recipe, device: str = "cpu") -> None:
        self.notices: list[str] = []
        self._recipe, self._name = recipe, path.name
        try:
            self._session = self._opened(path, device)
            self._input, self._output = self._picked_input(), self._picked_output()
            self._kind = self._known_kind()
            self._fixed = self._fixed_batch()
        except Exception as error:  # onnxruntime's exceptions have no common name
            raise self._failed(error) from error
        self._most = self._fixed or self._batch()

    @property
    def device(self) -> str:
        """Where it runs."""
        options = self._session.get_provider_options().get("CUDAExecutionProvider")
        return f"cuda:{options.get('device_id', 0)}" if options else "cpu"

    @property
    def shape(self) -> list[Any]:
        """The sizes of the input's axes; what may vary is a name or None."""
        return list(self._input.shape)

    def run(self, patches: Numbers, limit_s: float = 0.0) -> Embeddings:
        """All patches, few enough at a time; `limit_s` > 0 stops a model that takes longer than that for one batch."""
        made: list[Embeddings] = []
        done = 0
        while done < len(patches):
            part = patches[done : done + self._most]
            try:
                found = self._run(part, limit_s)
            except Exception as error:
                if self._fixed or self._most == 1 or isinstance(error, EncoderError):
                    raise self._failed(error) from error
                self._most = max(1, min(self._most, len(part)) // 2)
                continue
            made.append(found)
            done += len(part)
        return np.concatenate(made)

    def _run(self, part: Numbers, limit_s: float) -> Embeddings:
        filled = np.pad(part, ((0, max(0, self._fixed - len(part))), (0, 0), (0, 0)))
        options = onnxruntime.RunOptions()
        timer = threading.Timer(limit_s, lambda: setattr(options, "terminate", True))
        if limit_s:
            timer.start()
        try:
            found = self._session.run([self._output.name], {self._input.name: self._laid(filled)}, options)[0]
        finally:
            timer.cancel()
        return self._embeddings(np.asarray(found, np.float32), len(filled))[: len(part)]

    def _laid(self, patches: Numbers) -> NDArray[Any]:
        """`(n, bands, steps)` with the axes as the model has them."""
        order = {BATCH: 0, MEL: 1, TIME: 2}
        named = [axis for axis in self._recipe.layout if axis != CHANNEL]
        laid = (
            patches.transpose([order[axis] for axis in named]) if MEL in named else patches[:, 0].transpose([order[a] // 2 for a in named])
        )
        for place, axis in enumerate(self._recipe.layout):
            laid = np.expand_dims(laid, place) if axis == CHANNEL else laid
        return np.ascontiguousarray(laid, dtype=self._kind)

    def _embeddings(self, found: Numbers, batch: int) -> Embeddings:
        """The output with its axes as the recipe says: averaged over time, the rest one after the other."""
        axes = self._recipe.output_layout
        if axes and found.ndim != len(axes):
            raise EncoderError(f"The output “{shown(self._output.name)}” has {found.ndim} axes, and “output_layout” names {len(axes)}.")
        if axes:
            times = tuple(place for place, axis in enumerate(axes) if axis == TIME)
            kept = [axis for axis in axes if axis != TIME]
            found = found.mean(axis=times) if times else found
            found = np.moveaxis(found, kept.index(BATCH), 0)
        if found.ndim < 1 or found.shape[0] != batch:
            raise EncoderError(
                f"The output “{shown(self._output.name)}” has the shape {list(found.shape)} for {batch} inputs, so it is no embedding."
            )
        return found.reshape(batch, -1)

    def _opened(self, path: Path, device: str) -> Any:
        session: Any = None
        if device != "cpu":
            with suppress(Exception):  # what can go wrong with a graphics card has no common name
                session = _session(path, [("CUDAExecutionProvider", {"device_id": int(device.partition(":")[2] or 0)}), *_CPU])
        session = session or _session(path, _CPU)
        if device != "cpu" and "CUDAExecutionProvider" not in session.get_providers():
            self.notices.append(f"The ONNX runtime that is installed here cannot use {devices.describe(device)}; the CPU is used.")
        return session

    def _picked_input(self) -> Any:
        inputs, wanted = self._session.get_inputs(), self._recipe.input
        if len(inputs) != 1:
            raise EncoderError(f"“{self._name}” has {len(inputs)} inputs ({_names(inputs)}), and only models with one can be used.")
        if wanted and inputs[0].name != wanted:
            raise EncoderError(f"“{self._name}” has no input “{wanted}”; it has {_names(inputs)}.")
        if len(inputs[0].shape) not in (0, len(self._recipe.layout)):
            axes = f"{len(inputs[0].shape)} axes, and “layout” names {len(self._recipe.layout)}"
            raise EncoderError(f"The input “{shown(inputs[0].name)}” of “{self._name}” has {axes}.")
        return inputs[0]

    def _picked_output(self) -> Any:
        outputs, wanted = self._session.get_outputs(), self._recipe.output
        found = [one for one in outputs if one.name == wanted] if wanted else outputs
        if not found:
            raise EncoderError(f"“{self._name}” has no output “{wanted}”; it has {_names(outputs)}.")
        if len(found) > 1:
            raise EncoderError(f"“{self._name}” has several outputs ({_names(outputs)}); name the embedding as “output”.")
        return found[0]

    def _known_kind(self) -> type[np.floating]:
        for one in (self._input, self._output):
            if one.type not in _KINDS:
                raise EncoderError(f"“{shown(one.name)}” of “{self._name}” is {one.type}, and only numbers with a fraction can be used.")
        return _KINDS[self._input.type]

    def _fixed_batch(self) -> int:
        """How many patches the model wants at a time, 0 where it does not mind."""
        size = self._input.shape[self._recipe.layout.index(BATCH)] if self._input.shape else None
        if not isinstance(size, int):
            return 0
        if not 0 < size * max(1, self._recipe.bands) * self._recipe.patch_steps <= 1 << 27:
            raise EncoderError(f"“{self._name}” wants {size:,} windows at a time, which do not fit into the memory.")
        return size

    def _batch(self) -> int:
        numbers = _CPU_NUMBERS if self.device == "cpu" else _CUDA_NUMBERS
        return max(1, numbers // (max(1, self._recipe.bands) * self._recipe.patch_steps))

    def _failed(self, error: Exception) -> EncoderError:
        if isinstance(error, EncoderError):
            return error
        return EncoderError(f"“{self._name}” cannot be run ({_reason(error)}).")


class OnnxEncoder:
    """A model and its front end as an encoder."""

    def __init__(self, spec: EncoderSpec, recipe: Recipe, session: Session, notices: Sequence[str] = ()) -> None:
        self.spec = spec
        self.notices = [*notices, *session.notices]
        self._recipe, self._session = recipe, session
        self._front = onnx_front.front_of(recipe).eval()

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._session.device

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows, ≥ 1 sample each → `(len(windows), dim)` float32. Raises EncoderError when the model fails."""
        made = np.empty((len(windows), self.spec.dim), np.float32)
        for rows in rows_by_length(windows):
            for some in _few(rows, windows[rows[0]].size / self.spec.sample_rate):
                made[some] = self._embed_equal([windows[row] for row in some])
        return made

    def _embed_equal(self, windows: list[Audio]) -> Embeddings:
        found = embed(self._session, self._recipe, self._front, windows)
        if found.shape[1] != self.spec.dim:
            raise EncoderError(f"The model of {self.spec.id} gives {found.shape[1]} numbers instead of {self.spec.dim}; add it again.")
        return found


class TaggingEncoder(OnnxEncoder):
    """One whose last layer makes tags of its embeddings."""

    def __init__(self, spec: EncoderSpec, recipe: Recipe, session: Session, notices: Sequence[str], head: TagHead) -> None:
        super().__init__(spec, recipe, session, notices)
        self._head = head

    def tag_head(self) -> TagHead:
        """The layer after the embedding."""
        return self._head


def embed(session: Session, recipe: Recipe, front: torch.nn.Module, windows: Sequence[Audio], limit_s: float = 0.0) -> Embeddings:
    """Windows of one length → `(n, dim)`: the mean of the embeddings of each one's patches. Raises EncoderError unless all are finite."""
    samples = padded(windows, recipe.samples) if recipe.short == "silence" else _at_least(windows, recipe.samples)
    with torch.inference_mode():
        steps = front(torch.from_numpy(samples)).numpy()
    patches = _cut(steps, recipe.patch_steps)
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at below
        found = session.run(patches.reshape(-1, *patches.shape[2:]), limit_s)
        embeddings: Embeddings = found.reshape(len(windows), -1, found.shape[1]).mean(axis=1)
    if not np.isfinite(embeddings).all():
        raise EncoderError("The model gives values that are not finite, so nothing can be learned from it.")
    return embeddings


def dim_of(session: Session, recipe: Recipe) -> int:
    """How many numbers an embedding has, by trying silence and noise. Raises EncoderError when the model does not do what it should."""
    front = onnx_front.front_of(recipe).eval()
    noise = (0.1 * np.random.default_rng(0).standard_normal(recipe.samples)).astype(np.float32)
    dim = embed(session, recipe, front, [np.zeros(recipe.samples, np.float32), noise], _TRIAL_S).shape[1]
    if not 0 < dim <= MOST_DIM:
        raise EncoderError(f"The model gives {dim:,} numbers for a window; an embedding has at most {MOST_DIM:,}.")
    return int(dim)


def _cut(steps: Numbers, patch: int) -> Numbers:
    """`(n, bands, steps)` → `(n, patches, bands, patch)`; what is left over at the end is too short to be one."""
    n, bands, length = steps.shape
    count = length // patch
    return steps[:, :, : count * patch].reshape(n, bands, count, patch).transpose(0, 2, 1, 3)


def _at_least(windows: Sequence[Audio], samples: int) -> Audio:
    return padded(windows, samples) if windows[0].size >= samples else tiled(windows, samples)


def _few(rows: list[int], seconds: float) -> Iterator[list[int]]:
    most = max(1, int(_AT_ONCE_S / seconds))
    return (rows[first : first + most] for first in range(0, len(rows), most))


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    return options


def _threads() -> int:
    """As many as the process may use; 0 lets the runtime choose."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() else 0


def _session(path: Path, providers: list[Any]) -> Any:
    available = onnxruntime.get_available_providers()
    known = [one for one in providers if (one if isinstance(one, str) else one[0]) in available]
    return onnxruntime.InferenceSession(str(path), _options(), providers=known, enable_fallback=0)  # its own fallback prints


def _reason(error: Exception) -> str:
    """What the runtime says, without its codes."""
    return shown(_CODES.sub("", " ".join(str(error).split())), 200).rstrip(" .")


def _names(some: Sequence[Any]) -> str:
    return ", ".join(f"“{shown(one.name)}”" for one in some[:8]) or "none"
