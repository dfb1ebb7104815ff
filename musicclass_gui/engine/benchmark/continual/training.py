"""Training in sessions as the paper's code does it (continual-paper.md §1.1): Adam, early stopping, hand-over of the best, a growing head.

Everything is in memory: chunks are cached embeddings, and random chunks, drawn once, stand for the paper's fresh draws in every epoch.
Strategies differ from it in what they train on, in the loss, in the gradient, and in what they remember.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from musicclass_gui.engine.benchmark.continual.head import Head
from musicclass_gui.engine.benchmark.continual.pools import joined

if TYPE_CHECKING:
    from torch import Tensor

    from musicclass_gui.engine.benchmark.continual.pools import Numbers, Pool
    from musicclass_gui.engine.benchmark.continual.sessions import Session, Task

State = dict[str, "Tensor"]
AT_ONCE = 512
"""Chunks that are evaluated at a time."""


class Learner:
    """Fine-tuning session after session. Subclasses override `pool`, `loss`, `adjust` and `remember`, or `logits`.

    Call order: `pool` once per session, then for each batch `loss` and `adjust`, after the last epoch `remember` with the weights
    that the setting "late_weights" asks for; then the best epoch's weights are what it predicts with and what the next session starts from.
    """

    at_once = AT_ONCE

    def __init__(self, task: Task) -> None:
        self.task = task
        self.settings = task.settings
        self.notes: tuple[str, ...] = ()
        self.generator = torch.Generator().manual_seed(task.seed)
        self.head: Head | None = None
        self.past: tuple[Session, ...] = ()
        self.epochs: list[int] = []

    @property
    def net(self) -> Head:
        """The head, which is there from the first session on."""
        assert self.head is not None
        return self.head

    def learn_session(self, session: Session) -> None:
        """Train on the session, starting from the best weights of the one before. Raises Cancelled."""
        self._grown(session.seen, session.train)
        best = self.fit(self.pool(session), self.valid(session))
        self.finish(session, best)

    def finish(self, session: Session, best: State) -> None:
        """Remember what is to be remembered, with the last or the best weights, and go on with the best."""
        if not self.settings.flag("late_weights"):
            self.net.load_state_dict(best)
        self.net.eval()
        self.remember(session)
        self.net.load_state_dict(best)
        self.past = (*self.past, session)

    def predict(self, items: Pool) -> Numbers:
        """The label of each file: the largest of the means of its chunks' logits (§2.3)."""
        return np.asarray(items.means(self.scores(items)).argmax(1), np.int64)

    def scores(self, pool: Pool) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """The logits of chunks, (m, outputs), in evaluation mode."""
        self.net.eval()
        with torch.no_grad():
            parts = [self.logits(pool.inputs(slice(at, at + self.at_once))) for at in range(0, len(pool), self.at_once)]
        return np.asarray(torch.cat(parts).numpy(), np.float32)

    def logits(self, inputs: Tensor) -> Tensor:
        """What is predicted with; in the mode, training or evaluation, that the head is in."""
        result: Tensor = self.net(inputs)
        return result

    def pool(self, session: Session) -> Pool:
        """What is trained on in a session."""
        return session.train

    def loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy over all outputs, old and new."""
        return functional.cross_entropy(self.logits(inputs), labels)

    def adjust(self) -> None:
        """Change the gradients before a step, or nothing."""

    def remember(self, session: Session) -> None:
        """Keep what later sessions need, or nothing. The head is in evaluation mode."""

    def valid(self, session: Session) -> Pool:
        """What early stopping looks at: validation files of this session's classes, or of all classes seen (`validate_on`)."""
        seen = [*self.past, session] if self.settings.word("validate_on") == "seen" else [session]
        pool = joined([one.valid for one in seen])
        if len(pool):
            return pool
        note = f"Session {session.number} has no validation files; its training files say when to stop."
        self.notes = (*self.notes, note)
        return session.grid

    def fit(self, pool: Pool, valid: Pool) -> State:
        """Train until nothing improves for `patience` epochs, and give the best epoch's weights; the head keeps the last ones."""
        adam = torch.optim.Adam(self.net.parameters(), lr=self.settings.number("learning_rate"), fused=True)
        best, score, waited = self._copy(), (0.0, 0.0), 0
        for epoch in range(self.settings.whole("max_epochs")):
            self.epoch(pool, adam)
            now = self.standing(valid)
            waited += 1
            if epoch == 0 or now > score:
                best, score, waited = self._copy(), now, 0
            if waited >= self.settings.whole("patience"):
                break
        self.epochs.append(epoch + 1)
        return best

    def epoch(self, pool: Pool, adam: torch.optim.Optimizer) -> None:
        """Every chunk once, in a drawn order; a last batch of one is left out, since batch norm needs two (§1.1)."""
        self.net.train()
        for batch in shuffled(len(pool), self.settings.whole("batch_size"), self.generator):
            self.task.token.check()
            if len(batch) > 1:
                adam.zero_grad()
                self.loss(pool.inputs(batch), pool.labels[batch]).backward()  # type: ignore[no-untyped-call]
                self.adjust()
                adam.step()

    def standing(self, valid: Pool) -> tuple[float, float]:
        """How good the weights are: the share of chunks, or of files, of a pool that is answered right (`validate_by`).

        Few files are soon as often right as they will be, long before training is done: among equals, the second number, the files'
        negative mean cross-entropy, decides. By chunk it is 0, as published, and the first of equals wins.
        """
        scores, truth = self.scores(valid), valid.numpy_labels()
        if self.settings.word("validate_by") == "chunk":
            return float(np.mean(scores.argmax(1) == truth)), 0.0
        means, firsts = valid.means(scores), np.unique(valid.numpy_owners(), return_index=True)[1]
        right, entropy = means.argmax(1) == truth[firsts], functional.cross_entropy(torch.from_numpy(means), valid.labels[firsts])
        return float(np.mean(right)), -float(entropy)

    def _grown(self, classes: int, like: Pool) -> None:
        if self.head is None:
            self.head = Head(tuple(like.inputs(slice(0, 1)).shape[1:]), classes, self.generator)
        else:
            self.head.grow(classes)

    def _copy(self) -> State:
        return {name: value.clone() for name, value in self.net.state_dict().items()}


def shuffled(count: int, size: int, generator: torch.Generator) -> list[Tensor]:
    """Batches of places 0 … count − 1 in a drawn order; the last may be smaller."""
    order = torch.randperm(count, generator=generator)
    return [order[at : at + size] for at in range(0, count, size)]
