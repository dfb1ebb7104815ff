"""A small network on embeddings that was fine-tuned lesson by lesson, with what it needs to go on: the head of method "replay".

It answers with numpy alone. Training it is `lessons.training`'s part; it knows nothing of that, of torch, or of files. It keeps its
own memory: a few windows' embeddings per class, which are replayed when something new is taught and tell how strange a sound is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from musicclass_gui.engine.errors import ClassifierError
from musicclass_gui.engine.heads.gaussian import GaussianHead
from musicclass_gui.engine.heads.sums import checked_choice, prepared

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from musicclass_gui.engine.heads import Matrix, Settings, Vectors

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

NETWORKS = ("mlp", "linear")
HIDDEN = 512
"""Units between embedding and classes, as in the continual-learning paper's head."""

NORM_EPS = 1e-5
_LINEAR = ("shift", "spread", "out.weight", "out.bias")
_HIDDEN = ("hidden.weight", "hidden.bias", "norm.weight", "norm.bias", "norm.mean", "norm.var")
_TAIL = "tail."


@dataclass(frozen=True)
class Memory:
    """Windows that are replayed: of each its class, its example's id, its number among the example's windows, and its embedding.

    Within a class they stand in the order in which herding picked them, so that the first n are the best n.
    """

    labels: list[str]
    examples: Numbers  # (m,)
    windows: Numbers  # (m,)
    rows: Floats  # (m, dim)

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, places: Collection[int]) -> Memory:
        """The windows at these places, in that order."""
        at = np.asarray(list(places), np.intp)
        return Memory([self.labels[i] for i in at], self.examples[at], self.windows[at], self.rows[at])

    @classmethod
    def empty(cls, dim: int) -> Self:
        """No windows."""
        return cls([], np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, dim), np.float32))


@dataclass(frozen=True)
class Sides:
    """Who was trained on and who never is: groups by the number that `lessons.herding.group_number` gives, examples by id."""

    trained: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()
    examples: tuple[int, ...] = ()  # held out


@dataclass(frozen=True)
class ReplayHead:
    """A network `dim` → C, its memory, and its held-out examples. It never changes; a lesson makes another.

    `weights` are float32 arrays: "shift" and "spread" `(dim,)` standardise the input as the first lesson found it; "mlp" has a hidden
    layer with batch norm and ReLU, "linear" only "out.weight" `(C, dim)` and "out.bias". `seen` counts the windows learned per class.
    `tail` holds the tuned last tensors of the encoder, when there are some: then all embeddings must come from that encoder.
    """

    classes: list[str]
    network: str
    weights: Mapping[str, Floats]
    memory: Memory
    seen: Mapping[str, int]
    sides: Sides = Sides()
    tail: Mapping[str, Floats] = field(default_factory=dict)

    kind = "replay"

    @property
    def dim(self) -> int:
        """The length of the vectors."""
        return int(self.weights["shift"].shape[0])

    @property
    def settings(self) -> dict[str, str]:
        """`network`: "mlp" or "linear"."""
        return {"network": self.network}

    @property
    def held_out(self) -> list[int]:
        """Ids of the examples that were never trained on, in order."""
        return sorted(self.sides.examples)

    @property
    def exemplars(self) -> dict[int, list[int]]:
        """Of each example in the memory, which of its windows are there."""
        kept: dict[int, list[int]] = {}
        for example, window in zip(self.memory.examples.tolist(), self.memory.windows.tolist(), strict=True):
            kept.setdefault(example, []).append(window)
        return {example: sorted(kept[example]) for example in sorted(kept)}

    def copy(self) -> Self:
        """Itself, for it never changes."""
        return self

    def log_scores(self, x: Vectors) -> Matrix:
        """The network's logits `(n, C)`: log-likelihoods up to a constant per row, as classes were trained on equally often."""
        return self._logits(prepared(x, self.dim, "none"))

    def novelty(self, x: Vectors) -> NDArray[np.float64]:
        """The relative Mahalanobis distance to the memory's classes (`GaussianHead.novelty`), `(n,)`.

        Without a memory, which only a budget of 0 leaves, it is less: how little the network's logits stand out.
        """
        return self.judge(x)[1]

    def judge(self, x: Vectors) -> tuple[Matrix, NDArray[np.float64]]:
        """`log_scores` and `novelty`."""
        rows = prepared(x, self.dim, "none")
        scores = self._logits(rows)
        return scores, self._gaussian.novelty(rows) if len(self.memory) else -np.logaddexp.reduce(scores, axis=1)

    def whiten(self, x: Vectors) -> Matrix:
        """Rows in the space where the covariance within the memory's classes is the identity, `(n, dim)`."""
        rows = prepared(x, self.dim, "none")
        return self._gaussian.whiten(rows) if len(self.memory) else (rows - self.weights["shift"]) / self.weights["spread"]

    def dropped(self, label: str) -> ReplayHead:
        """The head without a class: its output and its memory are gone, all else stays. Raises ClassifierError when it has none such."""
        if label not in self.classes:
            raise ClassifierError(f"This classifier has no class “{label}” that could be dropped.")
        stay = [row for row, name in enumerate(self.classes) if name != label]
        out = {name: self.weights[name][stay] for name in ("out.weight", "out.bias")}
        return replace(
            self,
            classes=[self.classes[row] for row in stay],
            weights={**self.weights, **out},
            memory=self.memory.chosen([i for i, name in enumerate(self.memory.labels) if name != label]),
            seen={name: count for name, count in self.seen.items() if name != label},
        )

    def without(self, examples: Collection[int]) -> ReplayHead:
        """The head with nothing of these examples in its memory or held out; what the network learned of them stays in its weights."""
        kept = [i for i, example in enumerate(self.memory.examples.tolist()) if example not in examples]
        held = tuple(example for example in self.sides.examples if example not in examples)
        return replace(self, memory=self.memory.chosen(kept), sides=replace(self.sides, examples=held))

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything but `classes` and `settings`: float32 weights and embeddings, int64 numbers. `from_state` gives an equal head."""
        memory, sides = self.memory, self.sides
        return {
            **{name: np.array(self.weights[name]) for name in _names(self.network)},
            **{_TAIL + name: np.array(array) for name, array in self.tail.items()},
            "memory.class": np.array([self.classes.index(label) for label in memory.labels], np.int64),
            "memory.example": memory.examples.copy(),
            "memory.window": memory.windows.copy(),
            "memory.rows": memory.rows.copy(),
            "seen": np.array([self.seen[label] for label in self.classes], np.int64),
            "sides.trained": np.array(sorted(sides.trained), np.int64),
            "sides.held": np.array(sorted(sides.held), np.int64),
            "sides.examples": np.array(sorted(sides.examples), np.int64),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], classes: list[str], settings: Settings) -> Self:
        """The head that these came from. Raises ClassifierError when they do not fit together."""
        network = checked_choice(settings.get("network", "mlp"), NETWORKS, "network")
        weights = {name: _floats(state, name) for name in _names(network)}
        tail = {name.removeprefix(_TAIL): _floats(state, name) for name in state if name.startswith(_TAIL)}
        _check_shapes(weights, network, len(classes))
        seen = _numbers(state, "seen", len(classes))
        return cls(
            list(classes),
            network,
            weights,
            _memory(state, classes, weights),
            dict(zip(classes, seen.tolist(), strict=True)),
            _sides(state),
            tail,
        )

    @cached_property
    def _gaussian(self) -> GaussianHead:
        memory = self.memory
        share = len(set(memory.examples.tolist())) / len(memory)
        gaussian = GaussianHead(self.dim, normalise="l2", target="diagonal", independent=share)
        for label in dict.fromkeys(memory.labels):
            gaussian.learn(memory.rows[[name == label for name in memory.labels]], label)
        return gaussian

    def _logits(self, rows: Matrix) -> Matrix:
        hidden = rows
        weight, bias = self._folded
        if self.network == "mlp":
            hidden = np.maximum(rows @ weight.T + bias, 0.0)
            weight, bias = self.weights["out.weight"].astype(np.float64), self.weights["out.bias"].astype(np.float64)
        return np.asarray(hidden @ weight.T + bias)

    @cached_property
    def _folded(self) -> tuple[Matrix, NDArray[np.float64]]:
        """The first layer `(units, dim)` and its bias, with standardisation and batch norm folded in."""
        w = {name: array.astype(np.float64) for name, array in self.weights.items()}
        weight, bias = (w["hidden.weight"], w["hidden.bias"]) if self.network == "mlp" else (w["out.weight"], w["out.bias"])
        if self.network == "mlp":
            gain = w["norm.weight"] / np.sqrt(w["norm.var"] + NORM_EPS)
            weight, bias = weight * gain[:, None], (bias - w["norm.mean"]) * gain + w["norm.bias"]
        weight = weight / w["spread"]
        return weight, bias - weight @ w["shift"]


def _names(network: str) -> tuple[str, ...]:
    return (*_LINEAR, *_HIDDEN) if network == "mlp" else _LINEAR


def _damaged(name: str) -> ClassifierError:
    return ClassifierError(f"The classifier's “{name}” is missing, damaged or of another size than the rest; get the classifier again.")


def _floats(state: Mapping[str, NDArray[Any]], name: str) -> Floats:
    array = state.get(name)
    if array is None or array.dtype != np.float32 or not np.isfinite(array).all():
        raise _damaged(name)
    return array.copy()


def _numbers(state: Mapping[str, NDArray[Any]], name: str, length: int | None = None) -> Numbers:
    array = state.get(name)
    if array is None or array.dtype != np.int64 or array.ndim != 1 or (length is not None and len(array) != length):
        raise _damaged(name)
    return array.copy()


def _check_shapes(weights: Mapping[str, Floats], network: str, classes: int) -> None:
    dim = weights["shift"].size
    width = HIDDEN if network == "mlp" else dim
    expected: dict[str, tuple[int, ...]] = {"shift": (dim,), "spread": (dim,), "out.weight": (classes, width), "out.bias": (classes,)}
    expected |= {name: (HIDDEN, dim) if name == "hidden.weight" else (HIDDEN,) for name in _HIDDEN}
    wrong = [name for name, array in weights.items() if array.shape != expected[name]]
    wrong += [name for name in ("spread", "norm.var") if name in weights and (weights[name] < 0).any()]
    if wrong or not dim or not (weights["spread"] > 0).all():
        raise _damaged(next(iter(wrong), "spread"))


def _memory(state: Mapping[str, NDArray[Any]], classes: list[str], weights: Mapping[str, Floats]) -> Memory:
    rows = _floats(state, "memory.rows")
    if rows.ndim != 2 or rows.shape[1] != weights["shift"].size:
        raise _damaged("memory.rows")
    column, example, window = (_numbers(state, f"memory.{name}", len(rows)) for name in ("class", "example", "window"))
    if len(column) and not 0 <= column.min() <= column.max() < len(classes):
        raise _damaged("memory.class")
    return Memory([classes[k] for k in column], example, window, rows)


def _sides(state: Mapping[str, NDArray[Any]]) -> Sides:
    trained, held, examples = (_numbers(state, f"sides.{name}").tolist() for name in ("trained", "held", "examples"))
    return Sides(frozenset(trained), frozenset(held), tuple(examples))
