"""Metric learning of sounds and words (Won et al. 2020, arXiv 2010.16030): frozen embeddings and words are brought into one space.

A triplet is a word, a sound that it is true of and one that it is not; words are drawn evenly, however rare, since that matters more
than the net. It knows rows, no files. Imports torch, so only modules that are loaded late import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from musicclass_gui.engine.benchmark.classical.classifiers import quality
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Rows = NDArray[np.float64]

DIM = 64
_HIDDEN = 256
_STEPS = 20
"""Batches in an epoch, at least."""
_TINY = 1e-8


@dataclass(frozen=True)
class Way:
    """How it is learned; `margin` by how much the cosine of the right sound has to exceed that of the wrong one."""

    margin: float
    epochs: int
    patience: int
    learning_rate: float
    batch_size: int
    seed: int


class Space(nn.Module):
    """Where embeddings `(n, width)` and words meet: both become rows of length 1 of 64 numbers."""

    def __init__(self, train: Rows, words: int, vectors: Rows | None) -> None:
        super().__init__()
        self.mean = torch.from_numpy(train.mean(axis=0)).float()
        self.deviation = torch.from_numpy(np.maximum(train.std(axis=0), _TINY)).float()
        self.sounds = nn.Sequential(nn.Linear(train.shape[1], _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, DIM))
        self.vectors = nn.Parameter(torch.randn(words, DIM)) if vectors is None else torch.from_numpy(vectors).float()
        self.project = nn.Identity() if vectors is None else nn.Linear(vectors.shape[1], DIM)

    def heard(self, rows: Tensor) -> Tensor:
        """Embeddings → `(n, 64)`."""
        return functional.normalize(self.sounds((rows - self.mean) / self.deviation), dim=1)

    def read(self) -> Tensor:
        """All words → `(words, 64)`."""
        return functional.normalize(self.project(self.vectors), dim=1)

    def scores(self, rows: Rows) -> Rows:
        """The cosine of each embedding with each word, `(n, words)`."""
        with torch.no_grad():
            return np.asarray((self.heard(torch.from_numpy(rows).float()) @ self.read().T).double().numpy())


def hinge(words: Tensor, right: Tensor, wrong: Tensor, margin: float) -> Tensor:
    """The mean of max(0, margin − cosine with what is right + cosine with what is wrong) over rows of length 1."""
    return (margin - (words * right).sum(1) + (words * wrong).sum(1)).clamp(min=0).mean()


def fit(train: tuple[Rows, Rows], valid: tuple[Rows, Rows], vectors: Rows | None, way: Way, check: Callable[[], None]) -> tuple[Space, str]:
    """Learn from embeddings `(n, width)` and their truth `(n, words)` 0/1, with `vectors` of words `(words, any)` or learned ones.

    It stops early on the mean average precision of the validation part, and keeps the best epoch. Raises BenchmarkError, Cancelled.
    """
    rows, truth = train
    usable = np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0))
    if not usable.size:
        raise BenchmarkError("There are no triplets: no word is true of some training items and untrue of others.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(way.seed)
        space = Space(rows, truth.shape[1], vectors)
    random = np.random.default_rng([way.seed, 2])
    adam = torch.optim.Adam(space.parameters(), lr=way.learning_rate)
    best, most, best_epoch, epoch = _weights(space), -np.inf, 0, 0
    for epoch in range(1, way.epochs + 1):
        _epoch(space, rows, truth, usable, way, adam, random, check)
        value = quality(valid[1], space.scores(valid[0]), tags=True) if len(valid[0]) else float(epoch)
        if value > most:
            best, most, best_epoch = _weights(space), value, epoch
        if epoch - best_epoch >= way.patience:
            break
    space.load_state_dict(best)
    return space, f"Trained for {epoch} epochs; the best on the validation part was {best_epoch}."


def _epoch(
    space: Space,
    rows: Rows,
    truth: Rows,
    usable: NDArray[np.intp],
    way: Way,
    adam: torch.optim.Optimizer,
    random: Generator,
    check: Callable[[], None],
) -> None:
    for _ in range(max(_STEPS, len(rows) // way.batch_size)):
        check()
        words, right, wrong = triplets(truth, usable, way.batch_size, random)
        data = torch.from_numpy(rows[np.concatenate([right, wrong])]).float()
        near, far = space.heard(data).chunk(2)
        loss = hinge(space.read()[torch.from_numpy(words)], near, far, way.margin)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()


def triplets(
    truth: Rows, usable: NDArray[np.intp], count: int, random: Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Words drawn evenly, for each a row that it is true of and one that it is not."""
    words = random.choice(usable, count)
    right = np.array([random.choice(np.flatnonzero(truth[:, word])) for word in words])
    wrong = np.array([random.choice(np.flatnonzero(truth[:, word] == 0)) for word in words])
    return words, right, wrong


def _weights(space: Space) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in space.state_dict().items()}
