"""Training of nets on chunks of recordings, with early stopping on the validation part; equal seeds give equal weights on a CPU.

A recording's score is the mean over its chunks (Won et al. 2020). It knows sounds and truths, no files. Imports torch, so only modules
that are loaded late import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from musicclass_gui.engine.benchmark.classical import augment
from musicclass_gui.engine.encoders.taggers_parts import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray
    from torch import Tensor

    from musicclass_gui.engine.benchmark.classical.nets import Net
    from musicclass_gui.engine.windows import Audio

    Truth = NDArray[np.float64]
    Sounds = Sequence[Audio]
    """Recordings, mono at 16 kHz; each may be decoded when it is asked for."""

_AT_ONCE = 32
_STEPS = 8
"""Batches in an epoch, at least: of few recordings it takes several chunks each."""
_SETTLED = 50
"""Steps after which the statistics of batch norm (momentum 0.1) are those of the data: before, a validation loss says nothing."""
_MOST_CHUNKS = 16
"""Chunks of a recording that are heard for its score, evenly over it."""


@dataclass(frozen=True)
class Way:
    """How a net is trained; `changes` is the task whose augmentations are done, "" for none."""

    epochs: int
    patience: int
    learning_rate: float
    batch_size: int
    tags: bool
    seed: int
    changes: str = ""
    device: str = "cpu"


def fit(net: Net, train: tuple[Sounds, Truth], valid: tuple[Sounds, Truth], way: Way, check: Callable[[], None]) -> str:
    """Train in place up to the epoch whose validation loss is least, and say in a sentence how long; without a validation part to the end.

    In every epoch one random chunk of each recording is trained on, of few recordings several. Raises Cancelled.
    """
    random = np.random.default_rng([way.seed, 1])
    adam = torch.optim.Adam(net.parameters(), lr=way.learning_rate)
    watched = len(valid[0]) > 0
    best, least, best_epoch, epoch, steps = _weights(net), np.inf, 0, 0, 0
    for epoch in range(1, way.epochs + 1):
        steps += _epoch(net, train, way, adam, random, check)
        if not watched or steps < _SETTLED:
            best, best_epoch = _weights(net), epoch
            continue
        loss = _loss_of(scores(net, valid[0], way.device, check), valid[1], tags=way.tags)
        if loss < least:
            best, least, best_epoch = _weights(net), loss, epoch
        if epoch - best_epoch >= way.patience:
            break
    net.load_state_dict(best)
    if np.isfinite(least):
        return f"Trained for {epoch} epochs; the best on the validation part was {best_epoch}."
    return f"Trained for {epoch} epochs of {steps} steps in all."


def _epoch(
    net: Net, train: tuple[Sounds, Truth], way: Way, adam: torch.optim.Optimizer, random: Generator, check: Callable[[], None]
) -> int:
    """Train once; returns how many steps that were."""
    sounds, truth = train
    net.train()
    steps = 0
    for batch in _batches(len(sounds), way.batch_size, random):
        check()
        chunks = torch.stack([_drawn(sounds[place], net.samples, way.changes, random) for place in batch]).to(way.device)
        loss = _loss(net(chunks), torch.from_numpy(truth[batch]).float().to(way.device), tags=way.tags)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        steps += 1
    return steps


def _batches(count: int, size: int, random: Generator) -> Iterator[NDArray[np.intp]]:
    """Every place as often as makes enough batches, in a drawn order; a last batch of one is left out, since batch norm needs two."""
    times = -(-_STEPS * size // count)
    order = np.concatenate([random.permutation(count) for _ in range(times)])
    batches = (order[at : at + size] for at in range(0, len(order), size))
    return (batch for batch in batches if len(batch) > 1)


def _drawn(sound: Audio, size: int, changes: str, random: Generator) -> Tensor:
    """A random chunk; what is too short is repeated."""
    filled = _filled(sound, size)
    first = int(random.integers(0, filled.size - size + 1))
    chunk = torch.from_numpy(filled[first : first + size].copy())
    return augment.changed(chunk, SAMPLE_RATE, changes, random) if changes else chunk


def _filled(sound: Audio, size: int) -> Audio:
    return sound if sound.size >= size else np.pad(sound, (0, size - sound.size), mode="wrap")


def chunks(sound: Audio, size: int) -> list[Audio]:
    """Whole chunks of a recording, at most 16, evenly over it; what is too short is repeated."""
    filled = _filled(sound, size)
    count = min(_MOST_CHUNKS, filled.size // size)
    return [filled[first : first + size] for first in np.linspace(0, filled.size - size, count).astype(int)]


def scores(net: Net, sounds: Sounds, device: str, check: Callable[[], None]) -> NDArray[np.float64]:
    """`(n, outputs)` means of the logits of each recording's chunks. Raises Cancelled."""
    net.eval()
    found = []
    with torch.no_grad():
        for place in range(len(sounds)):
            check()
            heard = torch.from_numpy(np.stack(chunks(sounds[place], net.samples)))
            found.append(torch.cat([net(part.to(device)).cpu() for part in torch.split(heard, _AT_ONCE)]).mean(0).double().numpy())
    return np.stack(found)


def _loss(logits: Tensor, truth: Tensor, *, tags: bool) -> Tensor:
    if tags:
        return functional.binary_cross_entropy_with_logits(logits, truth)
    return functional.cross_entropy(logits, truth.argmax(1))


def _loss_of(logits: NDArray[np.float64], truth: Truth, *, tags: bool) -> float:
    return float(_loss(torch.from_numpy(logits), torch.from_numpy(truth), tags=tags))


def _weights(net: Net) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
