"""Fine-tuning with an encoder's last blocks: they learn together with the head, from windows kept as audio.

The rest of the encoder is frozen, so its output is computed once and held in memory. What comes out is a head whose `tail` is the tuned
tensors; its embeddings are those of the encoder `with_tail`. It knows nothing of projects; torch is imported on first use.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from musicclass_gui.engine.encoders.mobilenet import stack
from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.lessons.herding import evenly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from numpy.typing import NDArray
    from torch import nn

    from musicclass_gui.engine.heads.replay import Floats, Memory, ReplayHead
    from musicclass_gui.engine.lessons.training import Lesson, TrainItem
    from musicclass_gui.engine.task import Token
    from musicclass_gui.engine.windows import Audio

_RATE = 1e-4  # of the encoder's tensors: small beside the head's, as they know a lot already
_AT_ONCE = 8  # windows through the trunk
_FULL = 32767  # int16
_TAIL = "tail."


@runtime_checkable
class Tunable(Protocol):
    """An encoder whose end can learn."""

    device: str

    def split(self, blocks: int) -> tuple[nn.Module, nn.ModuleDict]:
        """The frozen trunk, and a copy of the end."""
        ...


def tunable(encoder: object) -> Tunable:
    """The encoder, if its end can learn. Raises LessonError."""
    if not isinstance(encoder, Tunable):
        raise LessonError("This encoder cannot be tuned; choose the other one, or 0 blocks to tune.")
    return encoder


def packed(window: Audio) -> NDArray[np.int16]:
    """A window's samples (−1..1) as they are kept."""
    return np.round(np.clip(window, -1, 1) * _FULL).astype(np.int16)


def unpacked(window: NDArray[np.int16]) -> Audio:
    """The samples again."""
    return np.asarray(window / np.float32(_FULL), np.float32)


class Tail:
    """The end of an encoder, learning, over what the trunk made of all windows. A `network.Source`."""

    rate = _RATE

    def __init__(
        self, encoder: Tunable, blocks: int, tensors: Mapping[str, Floats], windows: Sequence[NDArray[np.int16]], token: Token
    ) -> None:
        import torch

        self.device = encoder.device
        trunk, self._end = encoder.split(blocks)
        own = dict(self._end.named_parameters())
        if tensors and tensors.keys() != own.keys():
            raise LessonError("Another number of the encoder's blocks was tuned before; change the method, so that all is learned anew.")
        with torch.no_grad():
            for name, array in tensors.items():
                own[name].copy_(torch.from_numpy(array))
        self._own = {_TAIL + name: parameter.requires_grad_() for name, parameter in own.items()}
        self._maps, self._shape_of = _through(trunk, windows, self.device, token)

    def rows(self, places: torch.Tensor) -> torch.Tensor:
        """Embeddings `(n, dim)`; windows of one length go through together."""
        import torch

        of_shape: defaultdict[int, list[int]] = defaultdict(list)
        for at, place in enumerate(places.tolist()):
            of_shape[self._shape_of[place][0]].append(at)
        parts = [self._embedded(shape, [self._shape_of[int(places[at])][1] for at in some]) for shape, some in of_shape.items()]
        order = np.argsort(np.concatenate([np.array(some) for some in of_shape.values()]))
        return torch.cat(parts)[torch.from_numpy(order).to(self.device)]

    def parameters(self) -> dict[str, torch.Tensor]:
        """The tensors that learn, as "tail." and the net's name."""
        return dict(self._own)

    def embeddings(self, count: int) -> Floats:
        """The first `count` windows' embeddings as it is now."""
        import torch

        with torch.no_grad():
            parts = [self.rows(torch.arange(first, min(first + 256, count))) for first in range(0, count, 256)]
        return torch.cat(parts).cpu().numpy()

    def set(self, tensors: Mapping[str, Floats]) -> None:
        """Become what training found best."""
        import torch

        with torch.no_grad():
            for name, array in tensors.items():
                self._own[name].copy_(torch.from_numpy(array))

    def _embedded(self, shape: int, rows: list[int]) -> torch.Tensor:
        import torch

        maps = self._maps[shape][torch.tensor(rows, device=self.device)]
        for layer in self._end["features"].values():  # type: ignore[operator]  # a ModuleDict in a ModuleDict
            maps = layer(maps)
        return maps.mean((2, 3))


def _through(
    trunk: nn.Module, windows: Sequence[NDArray[np.int16]], device: str, token: Token
) -> tuple[list[torch.Tensor], list[tuple[int, int]]]:
    """What the trunk makes of all windows, a tensor for each length; and of each window the tensor's number and its row there."""
    import torch

    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for place, window in enumerate(windows):
        by_length[len(window)].append(place)
    found, where = [], [(0, 0)] * len(windows)
    for number, places in enumerate(by_length.values()):
        parts = []
        for first in range(0, len(places), _AT_ONCE):
            token.check()
            samples = stack([unpacked(windows[place]) for place in places[first : first + _AT_ONCE]])
            with torch.no_grad():
                parts.append(trunk(torch.from_numpy(samples).to(device)))
        found.append(torch.cat(parts))
        for row, place in enumerate(places):
            where[place] = (number, row)
    return found, where


def heard(lesson: Lesson, items: list[TrainItem]) -> tuple[Lesson, list[NDArray[np.int16]]]:
    """The lesson and the audio of its windows, first those trained on, then those judged by; old windows without audio are left out.

    Raises LessonError when a new window's audio is missing.
    """
    audio = {item.example: item.audio for item in items}
    there = [place for place, (example, window) in enumerate(_numbers(lesson.memory)) if window in audio.get(example, {})]
    judged = [item for item in lesson.judged if item.audio]
    lesson = replace(lesson, memory=lesson.memory.chosen(there), judged=judged)
    trained = [*_numbers(lesson.fresh), *_numbers(lesson.memory)]
    if any(window not in audio[example] for example, window in trained):
        raise LessonError("The sound of some examples is missing, which tuning the encoder needs; find their files, or do not tune it.")
    kept = [item.audio[window] for item in judged for window in sorted(item.audio)]
    return lesson, [*(audio[example][window] for example, window in trained), *kept]


def to_keep(head: ReplayHead, items: Sequence[TrainItem], budget: int) -> dict[int, dict[int, NDArray[np.int16]]]:
    """Of these examples, by id, the windows' audio that later lessons need: what is remembered, and `budget` of each held-out example."""
    held, exemplars = set(head.held_out), head.exemplars
    wanted = {
        item.example: evenly(sorted(item.audio), budget) if item.example in held else exemplars.get(item.example, []) for item in items
    }
    return {item.example: {w: item.audio[w] for w in wanted[item.example] if w in item.audio} for item in items if wanted[item.example]}


def renewed(lesson: Lesson, tail: Tail) -> Lesson:
    """The lesson with its windows' embeddings as the tail makes them now."""
    rows, count = tail.embeddings(len(lesson.truth)), len(lesson.fresh)
    fresh, memory = replace(lesson.fresh, rows=rows[:count]), replace(lesson.memory, rows=rows[count:])
    return replace(lesson, fresh=fresh, memory=memory)


def tensors_of(found: Mapping[str, Floats]) -> dict[str, Floats]:
    """The tail's tensors by the net's names."""
    return {name.removeprefix(_TAIL): array for name, array in found.items()}


def _numbers(memory: Memory) -> list[tuple[int, int]]:
    return list(zip(memory.examples.tolist(), memory.windows.tolist(), strict=True))
