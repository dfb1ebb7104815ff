"""Fine-tuning: a CLAP's audio projection and an MLP after it learn to meet sentences about composers, on what is heard before them.

As in the composer project's code, text stays where it is; defects of that code are settings. It knows no files.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.composer.clips import Clips, Rows, Shares
    from musicclass_gui.engine.benchmark.composer.settings import Settings
    from musicclass_gui.engine.task import Token

    State = dict[str, Tensor]

MOST_SCALE = 100.0
"""Where CLIP holds the learned scale (Radford et al. 2021, section 2.5)."""
_AT_ONCE = 4096


def contrastive(cosines: Tensor, labels: Tensor, scale: Tensor | float, *, false_negatives: bool) -> Tensor:
    """The loss of a batch: `cosines` (n, n) of clips (rows) and their sentences (columns), `labels` (n,) their composers.

    Cross-entropy both ways, with a clip's own sentence as the target. Other clips of the same composer count as wrong (`false_negatives`,
    as coded), or are left out of the comparison (elimination of false negatives, Huynh et al. 2022). To spread the target over them
    instead (UniCL) would change nothing here: a composer has one sentence, so that the coded loss would come out, to the last digit.
    """
    logits = scale * cosines
    if not false_negatives:
        others = (labels[:, None] == labels[None]) & ~torch.eye(len(labels), dtype=torch.bool)
        logits = logits.masked_fill(others, -torch.inf)
    own = torch.arange(len(labels))
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2


class Tuned(nn.Module):
    """What is heard (n, width) → points (n, dim) of length 1: the CLAP's projection, then Linear, ReLU, Linear of its size.

    The MLP starts Kaiming-uniform with zero biases, as coded.
    """

    def __init__(self, projection: nn.Module, dim: int, scale: float, generator: torch.Generator) -> None:
        super().__init__()
        self.projection = deepcopy(projection).requires_grad_(True)
        self.mlp = nn.Sequential(_linear(dim, generator), nn.ReLU(), _linear(dim, generator))
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, heard: Tensor) -> Tensor:
        """Batches may have any size."""
        return normalize(self.mlp(self.projection(heard)), dim=-1)

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by."""
        return self.log_scale.clamp(max=math.log(MOST_SCALE)).exp()


def _linear(dim: int, generator: torch.Generator) -> nn.Linear:
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, dim, dim)  # type: ignore[no-untyped-call]
    nn.init.kaiming_uniform_(layer.weight, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True)
class Words:
    """The sentences of composers (c, dim) of length 1, and what the CLAP multiplies cosines by."""

    rows: Rows
    scale: float


class Training:
    """One fine-tuning. `epoch` after it is the epoch whose weights were kept."""

    def __init__(self, projection: nn.Module, words: Words, chosen: Settings, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._words, self._chosen = torch.tensor(words.rows), chosen
        scale = 1.0 if chosen.no_temperature else words.scale
        self.net = Tuned(projection, words.rows.shape[1], scale, self._generator)
        self.net.log_scale.requires_grad_(not chosen.no_temperature)
        self.epoch = 0

    def fit(self, train: Clips, valid: Clips, token: Token) -> None:
        """Train; with validation clips the best epoch's weights are kept, else the last. Raises Cancelled."""
        adam = self._optimiser()
        heard, labels = torch.tensor(train.rows), torch.tensor(train.labels)
        best: tuple[float, State] = (-1.0, {})
        for epoch in range(1, self._chosen.epochs + 1):
            self._pass(heard, labels, adam, token)
            now = self._accuracy(valid) if len(valid) else float(epoch)
            if now > best[0]:
                best, self.epoch = (now, deepcopy(self.net.state_dict())), epoch
            token.progress(epoch / self._chosen.epochs)
        self.net.load_state_dict(best[1])

    def shares(self, clips: Clips) -> Shares:
        """The softmax of each clip over composers, (n, c)."""
        self.net.eval()
        with torch.no_grad():
            found = [self._logits(torch.tensor(clips.rows[at : at + _AT_ONCE])) for at in range(0, len(clips), _AT_ONCE)]
        return np.asarray(torch.cat(found).double().softmax(1).numpy())

    def _logits(self, heard: Tensor) -> Tensor:
        logits: Tensor = self.net.scale * (self.net(heard) @ self._words.T)
        return logits

    def _optimiser(self) -> torch.optim.Optimizer:
        """AdamW with torch's decay of weights, which the scale has none of."""
        weights = [*self.net.projection.parameters(), *self.net.mlp.parameters()]
        groups: list[dict[str, Any]] = [{"params": weights}, {"params": [self.net.log_scale], "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self._chosen.learning_rate, fused=True)

    def _pass(self, heard: Tensor, labels: Tensor, adam: torch.optim.Optimizer, token: Token) -> None:
        """Every clip once, in a drawn order."""
        self.net.train()
        order = torch.randperm(len(labels), generator=self._generator)
        for batch in torch.split(order, self._chosen.batch_size):
            token.check()
            adam.zero_grad()
            truth = labels[batch]
            cosines = self.net(heard[batch]) @ self._words[truth].T
            contrastive(cosines, truth, self.net.scale, false_negatives=self._chosen.false_negatives).backward()  # type: ignore[no-untyped-call]
            adam.step()

    def _accuracy(self, valid: Clips) -> float:
        return float((valid.means(self.shares(valid)).argmax(1) == valid.truths).mean())
