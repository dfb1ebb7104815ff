"""Running a torch net over windows: batches by length, more at once on CUDA, fewer when its memory runs out, the CPU when it fails.

Every encoder that is a torch net comes through here; none loops over windows itself. It knows no net's insides. torch is imported on use.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import device as devices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from musicclass_gui.engine.encoders import EncoderSpec
    from musicclass_gui.engine.windows import Audio

CPU_BATCH_S = 40.0  # of audio at once: more falls out of the processor's cache
CUDA_BATCH_S = 640.0


class Runner:
    """A net in evaluation mode on `device`, which may change: see `notices`.

    The net maps `(n, samples)` float32 to a tensor `(n, …)`. `prepare` makes windows of one length that tensor; by default they are
    stacked as they are. On CUDA it computes in float32 without TF32, unless `rounded` asks for bfloat16 autocast.
    """

    def __init__(
        self,
        net: nn.Module,
        sample_rate: int,
        device: str = "cpu",
        notices: Sequence[str] = (),
        *,
        prepare: Callable[[Sequence[Audio]], Audio] = np.stack,
        cpu_batch_s: float = CPU_BATCH_S,
        cuda_batch_s: float = CUDA_BATCH_S,
        rounded: bool = False,
    ) -> None:
        self.net = net.eval()
        self.device = "cpu"
        self.notices = list(notices)
        self._rate, self._prepare, self._rounded = sample_rate, prepare, rounded
        self._cpu_batch_s, self._cuda_batch_s = cpu_batch_s, cuda_batch_s
        self._batch_s = cpu_batch_s
        if device != "cpu":
            self._move_to(device)

    def run(self, windows: Sequence[Audio]) -> NDArray[np.float32]:
        """Mono float32 windows, ≥ 1 sample each → `(len(windows), …)` float32, in their order."""
        made: list[NDArray[np.float32] | None] = [None] * len(windows)
        for rows in rows_by_length(windows):
            for row, result in zip(rows, self._run_equal([windows[row] for row in rows]), strict=True):
                made[row] = result
        return np.stack([one for one in made if one is not None]) if windows else np.empty((0, 0), np.float32)

    def _run_equal(self, windows: list[Audio]) -> NDArray[np.float32]:
        seconds = self._prepare(windows[:1]).shape[1] / self._rate
        most = max(1, int(self._batch_s / seconds))
        batches, fitted = devices.run_halving(self._run, windows, batch=most, to_cpu=self._move_to_cpu)
        if fitted < most:
            self._batch_s = fitted * seconds
        return np.concatenate(batches)

    def _run(self, windows: Sequence[Audio]) -> NDArray[np.float32]:
        import torch

        samples = torch.from_numpy(np.ascontiguousarray(self._prepare(windows), dtype=np.float32)).to(self.device)
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False), self._arithmetic():
            result: Tensor = self.net(samples)
        found: NDArray[np.float32] = result.float().cpu().numpy()
        return found

    def _arithmetic(self) -> Any:
        import torch

        kind = self.device.partition(":")[0]
        return torch.autocast(kind, torch.bfloat16, enabled=self._rounded)

    def _move_to(self, device: str) -> None:
        try:
            self.net.to(device)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            self._move_to_cpu(f"{devices.describe(device)} cannot be used ({reason}); the CPU is used.")
        else:
            self.device, self._batch_s = device, self._cuda_batch_s

    def _move_to_cpu(self, notice: str) -> None:
        self.notices.append(notice)
        self.device, self._batch_s = "cpu", self._cpu_batch_s
        self.net.to("cpu")


class OnRunner:
    """What encoders share that are one net on a `Runner`: where it runs now, and why not as asked for."""

    def __init__(self, spec: EncoderSpec, runner: Runner) -> None:
        self.spec = spec
        self._runner = runner

    @property
    def device(self) -> str:
        """Where it runs now: "cpu", "cuda:0"."""
        return self._runner.device

    @property
    def notices(self) -> list[str]:
        """Sentences on why it does not run as it was asked to."""
        return self._runner.notices

    @property
    def parameters(self) -> int:
        """How many numbers of the net were learned."""
        return sum(parameter.numel() for parameter in self._runner.net.parameters())


def rows_by_length(windows: Sequence[Audio]) -> list[list[int]]:
    """The numbers of windows that are equally long, together."""
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row, window in enumerate(windows):
        rows[window.size].append(row)
    return list(rows.values())


def padded(windows: Sequence[Audio], samples: int) -> Audio:
    """Windows of one length → `(n, ≥ samples)`, with silence after those that are shorter."""
    stacked = np.stack(windows).astype(np.float32, copy=False)
    return np.pad(stacked, ((0, 0), (0, max(0, samples - stacked.shape[1]))))


def tiled(windows: Sequence[Audio], samples: int) -> Audio:
    """Windows of one length → `(n, samples)`: repeated from the start until they fill it, and cut there."""
    stacked = np.stack(windows).astype(np.float32, copy=False)
    return np.tile(stacked, (1, -(-samples // stacked.shape[1])))[:, :samples]


def whole_pieces(windows: Sequence[Audio], samples: int) -> Audio:
    """Windows of one length → `(n, k · samples)`: shorter ones repeated until they fill one piece, longer ones cut to whole pieces."""
    return tiled(windows, max(1, windows[0].size // samples) * samples)
