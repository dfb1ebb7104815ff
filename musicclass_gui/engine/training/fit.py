"""Training: the net learns to predict from its embedding what the teachers said of each crop.

A run is cut into steps that are the same whoever runs them and however often it was interrupted: the batches of an epoch depend on the
recipe and the epoch's number only, and all that changes is kept in one checkpoint file. Imports torch.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from musicclass_gui.engine import files
from musicclass_gui.engine.encoders import house_net
from musicclass_gui.engine.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.training.crops import Shard
    from musicclass_gui.engine.training.recipe import Recipe

    Rows = NDArray[np.int64]

TEACHERS = ("mn04-as", "mn04-as tags", "musicnn-msd", "musicnn-msd tags", "timbre")
_SMOOTHING = 0.1  # of labels
_KEEP_EVERY = 250  # steps between checkpoints


class Scale(NamedTuple):
    """How one teacher's numbers are centred and scaled: `(dim,)` each."""

    mean: Tensor
    scale: Tensor


class Progress(NamedTuple):
    """Where a run is: steps done of all, and the mean losses of the last steps by teacher."""

    step: int
    steps: int
    losses: dict[str, float]


class Student(nn.Module):
    """The net and, for the training only, a linear layer from its embedding to each teacher's numbers and to the labels."""

    def __init__(self, scales: dict[str, Scale], labels: int) -> None:
        super().__init__()
        self.net = house_net.new()
        dims = {name: len(scale.mean) for name, scale in scales.items()} | ({"labels": labels} if labels else {})
        self.heads = nn.ModuleDict({_key(name): nn.Linear(house_net.EMBEDDING_DIM, dim) for name, dim in dims.items()})

    def losses(self, batch: dict[str, Tensor], scales: dict[str, Scale]) -> dict[str, Tensor]:
        """The mean squared error of each teacher that spoke, in units of its scale, and the cross-entropy of the labels."""
        with torch.autocast("cpu", torch.bfloat16):
            found = self.net.of_mels(batch["mels"][:, None])
        embedding = found.float()
        losses = {
            name: (self.heads[_key(name)](embedding) - (batch[name] - scale.mean) / scale.scale).square().mean()
            for name, scale in scales.items()
            if name in batch
        }
        known = batch["label"] >= 0
        if "labels" in self.heads and known.any():
            scores = self.heads["labels"](embedding[known])
            chance = math.log(scores.shape[1])
            losses["labels"] = nn.functional.cross_entropy(scores, batch["label"][known], label_smoothing=_SMOOTHING) / chance
        return losses


def scales(shards: Sequence[Shard]) -> dict[str, Scale]:
    """Means, and scales between each number's own deviation and that of all (their geometric mean), so that no dead number is blown up."""
    found = {}
    for name in TEACHERS:
        rows = [shard[name].astype(np.float32) for shard in shards if name in shard]
        if rows:
            every = np.concatenate(rows)
            spread = every.std(0)
            typical = np.sqrt(np.mean(np.square(spread)))
            found[name] = Scale(torch.from_numpy(every.mean(0)), torch.from_numpy(np.sqrt(np.maximum(spread, 0.05 * typical) * typical)))
    return found


@dataclass
class Run:
    """A training in progress. `kept` is its checkpoint, which is read when it is there."""

    recipe: Recipe
    shards: Sequence[Shard]
    labels: int
    kept: Path

    def __post_init__(self) -> None:
        torch.manual_seed(self.recipe.seed)
        self.scales = {name: scale for name, scale in scales(self.shards).items() if self.recipe.weight(name)}
        self.student = Student(self.scales, self.labels if self.recipe.weight("labels") and self.labels > 1 else 0)
        self.average = {name: value.detach().clone() for name, value in self.student.net.state_dict().items()}
        self.optimiser = torch.optim.AdamW(self.student.parameters(), self.recipe.learning_rate, weight_decay=self.recipe.weight_decay)
        self.step, self._sums = 0, dict[str, list[float]]()
        self.steps = len(batches(self.shards, self.recipe, 0)) * self.recipe.epochs
        if self.kept.is_file():
            self._read()

    def train(self, token: Token, tell: Callable[[Progress], None]) -> None:
        """Go on to the end; after Cancelled, or a kill, the same again gives the same weights.

        Raises Cancelled, OSError, and DataError when a loss is no number any more.
        """
        self.student.train()
        while self.step < self.steps:
            epoch, start = divmod(self.step, self.steps // self.recipe.epochs)
            for shard, rows in batches(self.shards, self.recipe, epoch)[start:]:
                token.check()
                self._learn(_batch(self.shards[shard], rows))
                if self.step % _KEEP_EVERY == 0 or self.step == self.steps:
                    self._keep()
                    tell(self._progress())

    def weights(self) -> dict[str, Tensor]:
        """The averaged net's weights in float16, as they are shipped."""
        return {name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in self.average.items()}

    def _learn(self, batch: dict[str, Tensor]) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * pace(self.step, self.steps, self.recipe.warm_up)
        losses = self.student.losses(batch, self.scales)
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.stack([loss * self.recipe.weight(name) for name, loss in losses.items()]).sum()
        if not total.isfinite():
            raise DataError(
                f"The training went astray at step {self.step + 1}; a lower learning_rate than {self.recipe.learning_rate} helps."
            )
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self._follow()
        for name, loss in losses.items():
            self._sums.setdefault(name, []).append(loss.item())

    def _follow(self) -> None:
        """Move the running mean of the weights; at first it is a plain mean."""
        keep = min(self.recipe.averaging, self.step / (self.step + 10))
        for name, value in self.student.net.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - keep)

    def _progress(self) -> Progress:
        losses = {name: float(np.mean(values)) for name, values in self._sums.items()}
        self._sums.clear()
        return Progress(self.step, self.steps, losses)

    def _keep(self) -> None:
        from safetensors.torch import save

        tensors = {f"student.{name}": value for name, value in self.student.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        files.write_whole(
            self.kept, save({name: value.contiguous() for name, value in tensors.items()}, {"about": json.dumps(self._about())})
        )

    def _about(self) -> dict[str, object]:
        return {"recipe": self.recipe.key, "shards": len(self.shards), "step": self.step}

    def _read(self) -> None:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.kept, "pt") as file:
                about = json.loads(file.metadata()["about"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dictionary
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{self.kept} is damaged ({error}); remove it, and the training begins anew.") from error
        self.step = about["step"]
        if about != self._about():
            raise DataError(f"{self.kept} belongs to another recipe or other sounds; move it away, or go on with its own.")
        self.student.load_state_dict(_under("student", tensors))
        self.average = _under("average", tensors)
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimiser", tensors).items():
            number, _, what = name.partition(".")
            states.setdefault(int(number), {})[what] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": states})


def batches(shards: Sequence[Shard], recipe: Recipe, epoch: int) -> list[tuple[int, Rows]]:
    """The batches of an epoch: (shard, rows). A batch is of one shard, so of one length."""
    chance = np.random.default_rng((recipe.seed, 77, epoch))
    made = [
        (number, rows)
        for number, shard in enumerate(shards)
        for rows in np.array_split(chance.permutation(len(shard["label"])), max(1, len(shard["label"]) // recipe.batch))
    ]
    return [made[place] for place in chance.permutation(len(made))]


def pace(step: int, steps: int, warm_up: float) -> float:
    """The learning rate at a step, as a part of the highest: up on a line, down on a cosine."""
    rising = warm_up * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, steps - rising))) + 1e-3


def _batch(shard: Shard, rows: Rows) -> dict[str, Tensor]:
    """Rows of a shard; labels stay whole numbers, all else becomes float32."""
    cut = {name: torch.from_numpy(values[rows]) for name, values in shard.items()}
    return {name: values.float() if values.is_floating_point() else values for name, values in cut.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}


def _key(name: str) -> str:
    return name.replace(" ", "_")
