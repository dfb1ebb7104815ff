"""Learning to Prompt (L2P) with the paper's head: as its published numbers were made, and as the method is meant (continual-paper, 1.8).

The only method that cannot use cached embeddings: prompts change what the encoder hears, so every chunk is heard twice at every visit,
once for what it is like and once with its prompts. It runs inside a net of the HuBERT family only; see `continual.prompts`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from musicclass_gui.engine import device as devices
from musicclass_gui.engine import encoders
from musicclass_gui.engine.benchmark.continual.head import Head
from musicclass_gui.engine.benchmark.continual.prompts import Prompted, Prompting
from musicclass_gui.engine.benchmark.continual.sessions import Settings
from musicclass_gui.engine.benchmark.continual.sounds import Sounds
from musicclass_gui.engine.benchmark.continual.training import Learner
from musicclass_gui.engine.encoders import hubert
from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task
    from musicclass_gui.engine.encoders import EncoderSpec

NOTE = "L2P cannot use cached embeddings: every chunk went through the encoder twice at every visit."
DROPPING = "In training mode the encoder drops out what HuBERT's base does, 0.1 of units and layers; it hides no stretches of time."


class PromptedHead(Head):
    """The paper's head on what prompts make of chunks as sound, (m, samples) → logits. The frozen net is no part of its state."""

    def __init__(self, prompted: Prompted, layers: int, classes: int, generator: torch.Generator) -> None:
        super().__init__((layers, prompted.pool.keys.shape[1]), classes, generator)
        self.pool = prompted.pool
        self._behind = (prompted,)

    def train(self, mode: bool = True) -> PromptedHead:
        """The prompts' net goes along as far as it may."""
        super().train(mode)
        self._behind[0].train(mode)
        return self

    def heard(self, sounds: Tensor) -> tuple[Tensor, Tensor]:
        """The logits, and the loss that moves keys."""
        seen = self._behind[0](sounds)
        return super().forward(seen.features), seen.key_loss

    def forward(self, sounds: Tensor) -> Tensor:
        """The logits alone."""
        return self.heard(sounds)[0]


class Strategy(Learner):
    """The paper's training, of a head, of prompts and of their keys, inside an encoder of the family "hubert"."""

    at_once = 16

    def __init__(self, task: Task) -> None:
        from musicclass_gui.engine.benchmark.protocols import continual

        super().__init__(task)
        self.settings = Settings({**task.settings.values, "batch_size": task.settings.whole("l2p_batch_size")})
        self.notes = (NOTE, DROPPING) if self.settings.flag("l2p_encoder_training") else (NOTE,)
        self.head: PromptedHead | None = None
        self._spec = _whole(task.config.encoder or continual.ENCODERS[0])
        self._random, self._grid = continual.cuts(task.config)
        opened = hubert.opened(self._spec, Path(task.config.weights_folder) if task.config.weights_folder else None)
        self._layers, self._prompted = opened.geometry.layers, self._on_device(opened.net.model)
        self._sounds = Sounds(task.items, self._spec.grid, self._spec.sample_rate, opened.prepare, task.token)
        self._sessions: list[Session] = []

    def learn_session(self, session: Session) -> None:
        """As `Learner` does, on sound. Raises Cancelled, BenchmarkError, and at first what opening the encoder raises."""
        if not self._sessions:
            self._sessions = self._heard()
        super().learn_session(self._sessions[session.number - 1])

    def predict(self, items: Pool) -> Numbers:
        """The label of each file, whose chunks are heard again."""
        return super().predict(self._sounds.pools([(items, self._grid)])[0])

    def logits(self, inputs: Tensor) -> Tensor:
        """As `Learner`; a token is asked at every batch, as this takes long. Raises Cancelled."""
        self.task.token.check()
        return super().logits(inputs)

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, over all outputs or this session's, + the weighted key loss."""
        with self._own_draws():
            logits, keys = self.net.heard(inputs)
        if not self.settings.flag("l2p_all_outputs"):
            old = torch.arange(logits.shape[1]) < self._seen_before
            logits = logits.masked_fill(old, -torch.inf)
        return functional.cross_entropy(logits, labels) + self.settings.number("l2p_key_weight") * keys

    @property
    def net(self) -> PromptedHead:
        """The head, which is there from the first session on."""
        assert self.head is not None
        return self.head

    @property
    def _seen_before(self) -> int:
        return self.past[-1].seen if self.past else 0

    def _grown(self, classes: int, like: Pool) -> None:
        if self.head is None:
            self.head = PromptedHead(self._prompted, self._layers, classes, self.generator)
        else:
            self.head.grow(classes)

    def _on_device(self, net: nn.Module) -> Prompted:
        chosen = devices.resolve(self.task.config.device)
        if chosen.notice:
            self.notes = (*self.notes, chosen.notice)
        how = Prompting(
            pool=self.settings.whole("l2p_pool"),
            matching=self.settings.word("l2p_matching"),
            query=self.settings.word("l2p_query"),
            repelled=self.settings.flag("l2p_repelled_keys"),
            noisy=self.settings.flag("l2p_encoder_training"),
        )
        return Prompted(net.to(chosen.name), how, self.generator)

    def _heard(self) -> list[Session]:
        """All sessions with sound in place of embeddings; a session's training files again where it has no files for validation."""
        self.task.tell("Cutting the recordings for L2P, which hears them again at every visit.")
        sessions = self.task.sessions
        wanted = [((one.train, self._random), (one.grid if len(one.valid) == 0 else one.valid, self._grid)) for one in sessions]
        pools = iter(self._sounds.pools([part for pair in wanted for part in pair]))
        return [_on_sound(one, next(pools), next(pools)) for one in sessions]

    @contextmanager
    def _own_draws(self) -> Iterator[None]:
        """torch's own generators, which the encoder's dropout draws from, set by this cell's and afterwards as they were."""
        device = self._prompted.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(int(torch.randint(2**31, (), generator=self.generator)))
            yield


def _on_sound(session: Session, train: Pool, other: Pool) -> Session:
    if len(session.valid) == 0:
        return replace(session, train=train, grid=other, valid=other.picked(torch.arange(0)))
    return replace(session, train=train, valid=other)


def _whole(encoder_id: str) -> EncoderSpec:
    """The whole encoder behind an id, as the head mixes its layers itself. Raises EncoderError."""
    spec = encoders.find_spec(encoder_id)
    if spec is None:
        raise EncoderError(f"There is no encoder “{encoder_id}”; choose one of those that the program knows.")
    return encoders.find_spec(spec.of) or spec if spec.of else spec
