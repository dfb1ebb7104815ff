"""The network of replay fine-tuning in torch: dropout, hidden layer, batch norm, ReLU, dropout, outputs; and how it is fitted.

Which rows there are and who is held out was decided before (`training`). No global state of torch is touched: random numbers come from
a generator that is seeded for each batch by its number, so that an interrupted fit goes on exactly where it was.
Imports torch, so it is only imported when a lesson is given.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional

from musicclass_gui.engine.heads.replay import NORM_EPS, Floats, Numbers
from musicclass_gui.engine.lessons.news import Trained

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from musicclass_gui.engine.lessons.training import Followed, Options

BATCH = 64
_MOST_BATCHES = 64  # in an epoch: with more windows than these hold, an epoch draws another part of them each time
_FEWEST_BATCHES = 8
_RATE = 1e-3
_DECAY = 1e-4
_DROPOUT = 0.25  # before and after the hidden layer, as in the continual-learning paper
_NORM_MOMENTUM = 0.1
_FIXED = ("shift", "spread", "norm.mean", "norm.var")


@dataclass(frozen=True)
class Judged:
    """An example that says when to stop: its rows among all, its class's column, and whether it is really held out."""

    rows: NDArray[np.intp]
    truth: int
    held_out: bool


@dataclass(frozen=True)
class Task:
    """A network to start from, the class of each row trained on (the first of all rows), and the old answers to them `(n, K)`."""

    network: str
    weights: Mapping[str, Floats]
    truth: Numbers
    old: Floats | None
    judged: list[Judged]
    seed: int
    key: str  # a checkpoint with another key is another task's


class Source(Protocol):
    """Where the network's inputs come from: vectors as they are, or the end of an encoder that learns too."""

    def rows(self, places: Tensor) -> Tensor:
        """Embeddings `(n, dim)` of these rows, with gradients where something of the source learns."""
        ...

    def parameters(self) -> dict[str, Tensor]:
        """What learns, by name."""
        ...

    rate: float


class Fixed:
    """Embeddings that stay as they are."""

    rate = 0.0

    def __init__(self, rows: Floats, device: str) -> None:
        self._rows = torch.from_numpy(np.ascontiguousarray(rows)).to(device)

    def rows(self, places: Tensor) -> Tensor:
        """The embeddings."""
        return self._rows[places]

    def parameters(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}


@dataclass
class _Course:
    """How far a fit is: what is to be done next, and what was summed over the running epoch."""

    epoch: int = 0
    batch: int = 0
    loss: float = 0.0
    right: int = 0
    drawn: int = 0
    best: float = math.inf
    stale: int = 0


def fit(task: Task, rows: Floats, options: Options, followed: Followed, resume: bytes | None, device: str) -> dict[str, Floats]:
    """The network's weights after training on fixed embeddings `rows`. Raises Cancelled."""
    with one_thread(device):
        fitting = Fitting(task, Fixed(rows, device), options, device)
        fitting.restore(resume)
        fitting.run(followed)
        return fitting.best()[0]


@contextmanager
def one_thread(device: str) -> Iterator[None]:
    """On the CPU a network this small is fastest with one thread, and its last digits then do not hang on how many there are."""
    threads = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Fitting:
    """A fit under way. The weights that were best for the judged examples are kept aside."""

    def __init__(self, task: Task, source: Source, options: Options, device: str) -> None:
        self._task, self._source, self._options, self._device = task, source, options, torch.device(device)
        self._weights = {name: torch.tensor(array, device=self._device) for name, array in task.weights.items()}
        own = {name: weight.requires_grad_() for name, weight in self._weights.items() if name not in _FIXED}
        self._learning = {**own, **source.parameters()}
        self._adam = torch.optim.Adam(list(own.values()), lr=_RATE, weight_decay=_DECAY)
        if source.parameters():
            self._adam.add_param_group({"params": list(source.parameters().values()), "lr": source.rate})
        self._truth = torch.from_numpy(task.truth).to(self._device)
        self._old = None if task.old is None else torch.from_numpy(task.old).to(self._device)
        self._course, self._best = _Course(), self._copied()

    def run(self, followed: Followed) -> None:
        """Train to the end. Raises Cancelled."""
        began, first, saved = time.monotonic(), self._course.epoch, time.monotonic()
        while self._course.epoch < self._options.epochs and self._course.stale < self._options.patience:
            order = self._order()
            while self._course.batch < len(order):
                followed.token.check()
                self._step(order[self._course.batch])
                if followed.checkpoint and time.monotonic() - saved >= followed.every_s:
                    followed.checkpoint(self.saved())
                    saved = time.monotonic()
            held_out = self._judge()
            done = self._course.epoch - first
            eta = (time.monotonic() - began) / done * (self._options.epochs - self._course.epoch)
            followed.tell(self._news(held_out, eta))
            self._course = replace(self._course, batch=0, loss=0.0, right=0, drawn=0)

    def best(self) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """The best weights: the network's, and those of the source."""
        arrays = {name: weight.cpu().numpy() for name, weight in self._best.items()}
        return {n: a for n, a in arrays.items() if n in self._weights}, {n: a for n, a in arrays.items() if n not in self._weights}

    def saved(self) -> bytes:
        """All of it as safetensors: weights, Adam's moments, the best weights so far, and how far it is."""
        from safetensors.torch import save

        tensors = {f"now.{name}": weight for name, weight in self._copied().items()}
        tensors |= {f"best.{name}": weight for name, weight in self._best.items()}
        for name, weight in self._learning.items():
            tensors |= {f"{part}.{name}": value.detach().clone() for part, value in self._adam.state[weight].items()}
        about = {"key": self._task.key, "course": json.dumps(asdict(self._course))}
        return save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, about)

    def restore(self, data: bytes | None) -> None:
        """Go on from what `saved` gave; what belongs to another task, or is damaged, is not used."""
        read = None if data is None else _read(data, self._task.key)
        if read is None or not {f"{when}.{name}" for when in ("now", "best") for name in self._best} <= read[0].keys():
            return
        tensors, course = read
        with torch.no_grad():
            for name, weight in {**self._weights, **self._source.parameters()}.items():
                weight.copy_(tensors[f"now.{name}"])
                self._best[name] = tensors[f"best.{name}"].to(self._device)
        for name, weight in self._learning.items():
            if f"step.{name}" in tensors:
                self._adam.state[weight] = {
                    part: tensors[f"{part}.{name}"].to(weight.device if part != "step" else "cpu") for part in _MOMENTS
                }
        self._course = course

    def _copied(self) -> dict[str, Tensor]:
        everything = {**self._weights, **self._source.parameters()}
        return {name: weight.detach().clone() for name, weight in everything.items()}

    def _order(self) -> NDArray[np.int64]:
        """The running epoch's batches of rows `(batches, BATCH)`: each class equally often, its rows in turn."""
        random = np.random.default_rng([self._task.seed, self._course.epoch])
        present = np.unique(self._task.truth)
        batches = int(np.clip(math.ceil(len(self._task.truth) / BATCH), _FEWEST_BATCHES, _MOST_BATCHES))
        each = math.ceil(batches * BATCH / len(present))
        draws = [np.resize(random.permutation(np.flatnonzero(self._task.truth == k)), each) for k in present]
        return np.asarray(random.permutation(np.concatenate(draws))[: batches * BATCH].reshape(batches, BATCH))

    def _step(self, batch: NDArray[np.int64]) -> None:
        places = torch.from_numpy(batch).to(self._device)
        truth = self._truth[places]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            logits = self._forward(self._source.rows(places), self._generator())
        logits = logits.float()
        loss = functional.cross_entropy(logits, truth)
        if self._old is not None:
            loss = loss + self._options.distillation * distillation(logits, self._old[places], self._options.temperature)
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        course = self._course
        course.loss += float(loss.detach()) * len(batch)
        course.right += int((logits.argmax(dim=1) == truth).sum())
        course.drawn += len(batch)
        course.batch += 1

    def _generator(self) -> torch.Generator:
        seed = (self._task.seed * 1_000_003 + self._course.epoch) * 1_000_003 + self._course.batch
        return torch.Generator(self._device).manual_seed(seed % 2**63)

    def _forward(self, rows: Tensor, noise: torch.Generator | None) -> Tensor:
        """Logits; with `noise` as in training: dropout, and batch norm by the batch."""
        w = self._weights
        x = (rows - w["shift"]) / w["spread"]
        if self._task.network == "mlp":
            hidden = functional.linear(_dropped(x, noise), w["hidden.weight"], w["hidden.bias"])
            norm = (w["norm.mean"], w["norm.var"], w["norm.weight"], w["norm.bias"])
            hidden = functional.batch_norm(hidden, *norm, noise is not None, _NORM_MOMENTUM, NORM_EPS)
            x = _dropped(torch.relu(hidden), noise)
        return functional.linear(x, w["out.weight"], w["out.bias"])

    def _judge(self) -> float:
        """The share of held-out examples answered right (NaN: there are none); ends the epoch and keeps better weights."""
        judged, course = self._task.judged, self._course
        places = torch.from_numpy(np.concatenate([one.rows for one in judged])).to(self._device)
        with torch.no_grad():
            logits = torch.cat([self._forward(self._source.rows(some), None) for some in torch.split(places, 16 * BATCH)]).float().cpu()
        means = torch.stack([part.mean(dim=0) for part in torch.split(logits, [len(one.rows) for one in judged])])
        truth = torch.tensor([one.truth for one in judged])
        loss = functional.cross_entropy(means, truth, reduction="none").double().numpy()
        score = float(np.mean([loss[truth.numpy() == k].mean() for k in np.unique(truth.numpy())]))
        right = [bool(hit) for hit, one in zip(means.argmax(dim=1) == truth, judged, strict=True) if one.held_out]
        better = score < course.best
        if better:
            self._best = self._copied()
        self._course = replace(course, epoch=course.epoch + 1, best=min(score, course.best), stale=0 if better else course.stale + 1)
        return float(np.mean(right)) if right else math.nan

    def _news(self, held_out: float, eta_s: float) -> Trained:
        course = self._course
        return Trained(course.epoch, self._options.epochs, course.loss / course.drawn, course.right / course.drawn, held_out, eta_s)


_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def distillation(new: Tensor, old: Tensor, temperature: float) -> Tensor:
    """How far the first K of `new` `(n, C)` are from the `old` logits `(n, K)`: cross-entropy of the softened answers, without T²."""
    wanted = functional.softmax(old / temperature, dim=1)
    return -(wanted * functional.log_softmax(new[:, : old.shape[1]] / temperature, dim=1)).sum(dim=1).mean()


def _dropped(x: Tensor, noise: torch.Generator | None) -> Tensor:
    if noise is None:
        return x
    keep = torch.rand(x.shape, generator=noise, device=x.device) >= _DROPOUT
    return x * keep / (1 - _DROPOUT)


def _read(data: bytes, key: str) -> tuple[dict[str, Tensor], _Course] | None:
    from safetensors.torch import load

    try:
        size = int.from_bytes(data[:8], "little")
        about: dict[str, Any] = json.loads(data[8 : 8 + size]).get("__metadata__", {})
        return (load(data), _Course(**json.loads(about["course"]))) if about.get("key") == key else None
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None
