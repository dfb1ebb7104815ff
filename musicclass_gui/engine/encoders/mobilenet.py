"""The encoder `mn04-as`: EfficientAT's MobileNetV3 of width 0.4, trained on AudioSet.

Only what turns windows into embeddings is here; where the weights file comes from is `weights`' matter, and which
processor to use is `device`'s. Nothing here knows of recordings, classes or heads. torch is imported on first use.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import places
from musicclass_gui.engine.encoders import Embeddings, EncoderSpec, WeightsSource, weights
from musicclass_gui.engine.windows import Audio, Grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

    from musicclass_gui.engine.encoders.mobilenet_net import MobileNet

SPEC = EncoderSpec(
    id="mn04-as",
    version="1",
    title="MobileNet trained on AudioSet (EfficientAT mn04)",
    sample_rate=32_000,
    grid=Grid(10.0, 5.0),
    dim=384,
    licence="MIT",
    weights=WeightsSource(
        url="https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn04_as_mAP_432.pt",
        file_name="mn04_as_mAP_432.pt",
        size_bytes=4_066_513,
        sha256="899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
        licence="MIT",
    ),
)

_SHORTEST = SPEC.sample_rate  # the net pools over time, and less than a second leaves it nothing to see
_CPU_BATCH = 4
_CUDA_BATCH = 64
_LARGEST_HALF_CHANGE = 0.01


def load(device: str = "cpu", weights_file: Path | None = None) -> MobileNetEncoder:
    """Load the encoder on `device` ("cpu", "cuda:0"); `weights_file` None looks in the usual folders.

    Raises WeightsError when the weights are missing, damaged, or not this net's.
    """
    from musicclass_gui.engine.encoders import mobilenet_net

    path = weights.find(SPEC, places.weights_folders(), weights_file)
    return MobileNetEncoder(mobilenet_net.read(path), device)


class MobileNetEncoder:
    """`MobileNet` on a device; moves itself to the CPU when a CUDA device has too little memory."""

    spec = SPEC

    def __init__(self, net: MobileNet, device: str) -> None:
        self.device = device
        self.notices: list[str] = []
        self._net = net.to(device)
        self._batch = _CPU_BATCH if device == "cpu" else _CUDA_BATCH
        self._half = device != "cpu" and half_change(net, device) < _LARGEST_HALF_CHANGE

    def embed(self, windows: Sequence[Audio]) -> Embeddings:
        """Mono float32 windows at 32 kHz, ≥ 1 sample each → `(len(windows), 384)` float32."""
        embeddings = np.empty((len(windows), SPEC.dim), np.float32)
        for rows in _rows_by_length(windows):
            embeddings[rows] = self._embed_equal([windows[row] for row in rows])
        return embeddings

    def _embed_equal(self, windows: list[Audio]) -> Embeddings:
        batches, self._batch = devices.run_halving(self._run, windows, batch=self._batch, to_cpu=self._move_to_cpu)
        return np.concatenate(batches)

    def _run(self, windows: Sequence[Audio]) -> Embeddings:
        return run(self._net, stack(windows), self.device, half=self._half)

    def _move_to_cpu(self, notice: str) -> None:
        self.notices.append(notice)
        self.device, self._half, self._batch = "cpu", False, _CPU_BATCH
        self._net.to("cpu")


def stack(windows: Sequence[Audio]) -> Audio:
    """Windows of one length → `(n, samples)`, padded with silence to at least one second."""
    samples = np.stack(windows).astype(np.float32, copy=False)
    return np.pad(samples, ((0, 0), (0, max(0, _SHORTEST - samples.shape[1]))))


def run(net: MobileNet, samples: Audio, device: str, *, half: bool = False, dtype: torch.dtype | None = None) -> Embeddings:
    """One batch `(n, samples)` through the net → `(n, 384)`; `half` uses autocast (float16 unless `dtype` says else)."""
    import torch

    with torch.inference_mode(), torch.autocast(device.partition(":")[0], dtype or torch.float16, enabled=half):
        embeddings: Any = net(torch.from_numpy(samples).to(device))
    result: Embeddings = embeddings.float().cpu().numpy()
    return result


def half_change(net: MobileNet, device: str, dtype: torch.dtype | None = None) -> float:
    """By how much autocast changes the embedding of a chirp, relative to its length; NaN-safe: broken counts as 1."""
    chirp = stack([_chirp()])
    full = run(net, chirp, device)
    change = float(np.linalg.norm(run(net, chirp, device, half=True, dtype=dtype) - full) / np.linalg.norm(full))
    return change if np.isfinite(change) else 1.0


def _chirp() -> Audio:
    t = np.arange(10 * SPEC.sample_rate) / SPEC.sample_rate
    return (0.5 * np.sin(2 * np.pi * (100 * t + 300 * t * t))).astype(np.float32)


def _rows_by_length(windows: Sequence[Audio]) -> list[list[int]]:
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row, window in enumerate(windows):
        rows[window.size].append(row)
    return list(rows.values())
