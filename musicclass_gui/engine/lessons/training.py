"""Replay fine-tuning: one lesson for a `ReplayHead`, from new windows, what it remembers of the old ones, and its own former answers.

What is trained on, what is held out and what is remembered is decided here; the network itself is `network`'s matter, which loads
torch, and so is the encoder's tail `tuning`'s. It knows nothing of projects and audio files.

Measured with `packaging/check_replay.py` on mn04-as, ten classes in five lessons of two, held-out files, three orders; accuracy after
the last lesson on all classes and on the first lesson's, in per cent:

                            70 GTZAN clips       200 instrument clips
    all at once             84.3    81.0         80.8    78.3
    naive fine-tuning       19.0     0.0         24.5     0.0
    memory                  87.6    81.0         78.2    74.2
    memory, old answers     86.7    78.6         79.5    75.8
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from musicclass_gui.engine.errors import LessonError
from musicclass_gui.engine.heads.replay import HIDDEN, NETWORKS, Floats, Memory, Numbers, ReplayHead, Sides
from musicclass_gui.engine.lessons.herding import evenly, group_number, herd, sides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from musicclass_gui.engine.lessons import network
    from musicclass_gui.engine.lessons.news import Trained
    from musicclass_gui.engine.task import Token

MOST_BLOCKS = 4
"""How many of an encoder's last blocks may learn."""

_JUDGES = 25  # held-out examples of a class that are asked when to stop
_JUDGED_WINDOWS = 8  # of each
_SPREAD_ROWS = 16  # how many windows the guess that all dimensions vary alike weighs as much as


@dataclass(frozen=True)
class Options:
    """How a network learns. `budget`: windows per class that are remembered (0: none, which forgets the old classes at once).

    `distillation` weighs how much the old answers are to stay as they were, softened by `temperature`. Training ends after `epochs`, or
    when held-out recordings have been answered no better for `patience` epochs. `unfreeze`: how many last blocks of the encoder learn too.
    """

    network: str = "mlp"
    budget: int = 20
    distillation: float = 0.5
    temperature: float = 2.0
    patience: int = 10
    epochs: int = 60
    seed: int = 0
    unfreeze: int = 0

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise LessonError(f"There is no network “{self.network}”, only {' and '.join(NETWORKS)}; choose one of these.")
        least = {"budget": 0, "distillation": 0, "temperature": 0.1, "patience": 1, "epochs": 1, "unfreeze": 0}
        for name, bound in least.items():
            if not getattr(self, name) >= bound:
                raise LessonError(f"The option “{name}” must be at least {bound}, not {getattr(self, name)}; change it.")
        if self.unfreeze > MOST_BLOCKS:
            raise LessonError(f"At most {MOST_BLOCKS} blocks of the encoder can be tuned, not {self.unfreeze}; choose fewer.")


@dataclass(frozen=True, eq=False)
class TrainItem:
    """One example: its id, its class's label, its group (never empty: what has no other is its recording's hash), its loud windows.

    `audio` are windows by number, int16 mono at the encoder's rate (`tuning.packed`), only needed where its last blocks learn too.
    """

    example: int
    label: str
    group: str
    rows: Floats  # (n, dim)
    audio: Mapping[int, NDArray[np.int16]] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """What there is to train on and to judge by. `rows` holds the windows trained on, then those judged by."""

    classes: list[str]
    fresh: Memory  # the new windows that are trained on
    memory: Memory  # the old ones
    judged: list[TrainItem]
    sides: Sides

    @property
    def trained(self) -> Floats:
        """The windows that are trained on, `(n, dim)`."""
        return np.concatenate([self.fresh.rows, self.memory.rows])

    @property
    def truth(self) -> Numbers:
        """Their classes' columns, `(n,)`."""
        column = {label: number for number, label in enumerate(self.classes)}
        return np.array([column[label] for label in [*self.fresh.labels, *self.memory.labels]], np.int64)


@dataclass(frozen=True)
class Followed:
    """Who listens while a network learns: `tell` after each epoch, `checkpoint` at most every `every_s` seconds."""

    token: Token
    tell: Callable[[Trained], None]
    checkpoint: Callable[[bytes], None] | None = None
    every_s: float = 1.0


def train(
    before: ReplayHead | None,
    new: list[TrainItem],
    old: list[TrainItem],
    options: Options,
    token: Token,
    tell: Callable[[Trained], None],
    checkpoint: Callable[[bytes], None] | None = None,
    resume: bytes | None = None,
    device: str = "cpu",
    *,
    every_s: float = 1.0,
    encoder: object = None,
) -> ReplayHead:
    """The head that `before` (None: an empty one) becomes by the examples `new`; `before` itself stays as it was.

    Of `old`, the other examples in use, only those are looked at that are held out, and they may be left out: then nobody sees to it
    that training stops in time for them. What is remembered of the rest is in `before`. With `unfreeze`, `encoder` is the encoder as
    it was published, and audio is needed of `new`, of what is remembered and of what is held out: see `tuning.to_keep`.
    `resume` is what `checkpoint` was given last; one that belongs to another lesson is not used.
    On the CPU the same arguments give the same bytes, resumed or not (tuning: with the same number of threads).
    Raises LessonError when there is nothing to learn or it does not fit, Cancelled.
    """
    _check(before, new, options)
    lesson, followed = prepared(before, new, old, options), Followed(token, tell, checkpoint, every_s)
    if before is not None and not len(lesson.fresh):  # all of it is held out, which changes no weight
        return replace(before, memory=lesson.memory, sides=lesson.sides)
    if options.unfreeze:
        return _tuned(before, lesson, [*new, *old], options, followed, resume, encoder)
    return _fitted(before, lesson, options, followed, resume, device)


def _fitted(
    before: ReplayHead | None, lesson: Lesson, options: Options, followed: Followed, resume: bytes | None, device: str
) -> ReplayHead:
    """Training on embeddings as they are."""
    from musicclass_gui.engine.lessons import network

    start = _start(before, lesson, options)
    rows = np.concatenate([lesson.trained, *(item.rows for item in lesson.judged)])
    weights = network.fit(_task(before, start, lesson, options), rows, options, followed, resume, device)
    return remembered(replace(start, weights=weights), lesson, options)


def _tuned(
    before: ReplayHead | None,
    lesson: Lesson,
    items: list[TrainItem],
    options: Options,
    followed: Followed,
    resume: bytes | None,
    encoder: object,
) -> ReplayHead:
    """Training together with the encoder's last blocks."""
    from musicclass_gui.engine.lessons import network, tuning

    lesson, windows = tuning.heard(lesson, items)
    tail = tuning.Tail(tuning.tunable(encoder), options.unfreeze, before.tail if before else {}, windows, followed.token)
    lesson = tuning.renewed(lesson, tail)
    start = _start(before, lesson, options)
    fitting = network.Fitting(_task(before, start, lesson, options), tail, options, tail.device)
    fitting.restore(resume)
    fitting.run(followed)
    weights, tensors = fitting.best()
    tail.set(tensors)
    return remembered(replace(start, weights=weights, tail=tuning.tensors_of(tensors)), tuning.renewed(lesson, tail), options)


def _task(before: ReplayHead | None, start: ReplayHead, lesson: Lesson, options: Options) -> network.Task:
    from musicclass_gui.engine.lessons.network import Task

    seed = seed_of(start, lesson, options)
    old = None if before is None or not options.distillation else before.log_scores(lesson.trained).astype(np.float32)
    return Task(start.network, start.weights, lesson.truth, old, _judged(lesson), seed, key_of(seed, lesson))


def prepared(before: ReplayHead | None, new: list[TrainItem], old: list[TrainItem], options: Options) -> Lesson:
    """Who is trained on and who is held out. Raises LessonError when no example holds any sound."""
    heard = [item for item in new if len(item.rows)]
    if not heard:
        raise LessonError("There is nothing to learn from, as the examples hold no sound; add others.")
    classes = _classes(before, heard)
    base = None if before is None else before.without({item.example for item in new})
    known = Sides() if base is None else base.sides
    trained, held = sides(_groups(heard, old, known), known.trained, known.held, _learned(base))
    side = {item.example: group_number(item.group) in held for item in heard}
    kept = [item for item in old if item.example in known.examples and group_number(item.group) in held]
    nothing = Memory.empty(heard[0].rows.shape[1])
    fresh = _joined(nothing, _windows([item for item in heard if not side[item.example]]))
    memory = base.memory if base is not None and options.budget else nothing
    gone = {item.example for item in old} & set(known.examples) - {item.example for item in kept}
    examples = [*(e for e in known.examples if e not in gone), *(item.example for item in heard if side[item.example])]
    judged = _judges([item for item in [*kept, *(item for item in heard if side[item.example])] if item.label in classes])
    return Lesson(classes, fresh, memory, judged, Sides(frozenset(trained), frozenset(held), tuple(examples)))


def remembered(head: ReplayHead, lesson: Lesson, options: Options) -> ReplayHead:
    """The head with its memory renewed: taught classes are herded again from old and new windows, others keep their first ones."""
    seen, parts = dict(head.seen), []
    for label in head.classes:
        old, fresh = _of(lesson.memory, label), _of(lesson.fresh, label)
        parts.append(_picked(old, fresh, seen[label], options.budget))
        seen[label] += len(fresh)
    return replace(head, memory=_joined(*parts), seen=seen, sides=lesson.sides)


def _picked(old: Memory, fresh: Memory, seen: int, budget: int) -> Memory:
    """A class's windows worth remembering; each of the `old` ones stands for its share of the windows `seen` before."""
    if not len(fresh):
        return old.chosen(range(min(len(old), budget)))
    both = _joined(old, fresh)
    stands_for = np.concatenate([np.full(len(old), max(1.0, seen / max(1, len(old)))), np.ones(len(fresh))])
    return both.chosen(herd(both.rows, budget, stands_for))


def seed_of(start: ReplayHead, lesson: Lesson, options: Options) -> int:
    """What the lesson's random numbers come from: the options, the weights to start from, and all that is trained on."""
    text = json.dumps([asdict(options), lesson.classes, lesson.fresh.labels, lesson.memory.labels])
    return int(_digest(text, [lesson.trained, *(start.weights[name] for name in sorted(start.weights))])[:12], 16)


def key_of(seed: int, lesson: Lesson) -> str:
    """What tells this lesson from any other when it goes on after an interruption: its seed and what is judged by."""
    return _digest(json.dumps([seed, [item.label for item in lesson.judged]]), [item.rows for item in lesson.judged])


def _digest(text: str, arrays: Iterable[Floats]) -> str:
    made = sha256(text.encode())
    for array in arrays:
        made.update(np.ascontiguousarray(array).tobytes())
    return made.hexdigest()


def _check(before: ReplayHead | None, new: list[TrainItem], options: Options) -> None:
    dims = {item.rows.shape[1:] for item in new} | ({(before.dim,)} if before else set())
    if len(dims) > 1 or any(item.rows.ndim != 2 for item in new):
        raise LessonError("The examples' embeddings come from different encoders; listen to them again with one encoder.")
    if not all(np.isfinite(item.rows).all() for item in new):
        raise LessonError("Some of the examples' embeddings are not finite numbers; listen to them again.")
    if before is not None and before.tail and not options.unfreeze:
        raise LessonError("The classifier's encoder was tuned before; change its method, so that it learns all anew without that.")
    if before is not None and before.network != options.network:
        raise LessonError("The classifier has another kind of network than is asked for; change its method, so that it learns all anew.")


def _start(before: ReplayHead | None, lesson: Lesson, options: Options) -> ReplayHead:
    """`before` with an output for each class, or a network that knows nothing, its input standardised as the new windows are spread."""
    if before is None:
        weights = _first_weights(lesson.trained, options)
        before = ReplayHead([], options.network, weights, Memory.empty(lesson.trained.shape[1]), {})
    width = before.weights["out.weight"].shape[1]
    added = _random(options.seed, len(lesson.classes)).uniform(-1, 1, (len(lesson.classes) - len(before.classes), width)) / np.sqrt(width)
    out = {
        "out.weight": np.concatenate([before.weights["out.weight"], added.astype(np.float32)]),
        "out.bias": np.concatenate([before.weights["out.bias"], np.zeros(len(added), np.float32)]),
    }
    seen = {label: before.seen.get(label, 0) for label in lesson.classes}
    return replace(before, classes=lesson.classes, weights={**before.weights, **out}, seen=seen)


def _first_weights(rows: Floats, options: Options) -> dict[str, Floats]:
    dim = rows.shape[1]
    width = HIDDEN if options.network == "mlp" else dim
    shift, spread = _standard(rows)
    weights = {"shift": shift, "spread": spread, "out.weight": np.zeros((0, width), np.float32), "out.bias": np.zeros(0, np.float32)}
    if options.network == "mlp":
        first = _random(options.seed, 0).uniform(-1, 1, (HIDDEN, dim)) / np.sqrt(dim)
        zeros, ones = np.zeros(HIDDEN, np.float32), np.ones(HIDDEN, np.float32)
        weights |= {"hidden.weight": first.astype(np.float32), "hidden.bias": zeros}
        weights |= {"norm.weight": ones, "norm.bias": zeros, "norm.mean": zeros, "norm.var": ones}
    return weights


def _standard(rows: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each dimension, the latter drawn towards their common one where there are few rows."""
    wide = rows.astype(np.float64)
    variance = wide.var(axis=0)
    common = float(variance.mean()) or 1.0
    spread = np.sqrt((len(wide) * variance + _SPREAD_ROWS * common) / (len(wide) + _SPREAD_ROWS))
    return wide.mean(axis=0).astype(np.float32), spread.astype(np.float32)


def _random(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([abs(seed), stream])


def _learned(head: ReplayHead | None) -> list[str]:
    return [] if head is None else [label for label, count in head.seen.items() if count]


def _classes(before: ReplayHead | None, new: list[TrainItem]) -> list[str]:
    return list(dict.fromkeys([*(before.classes if before else []), *(item.label for item in new)]))


def _groups(new: list[TrainItem], old: list[TrainItem], known: Sides) -> dict[str, set[int]]:
    """Each class's groups by number; of the old ones those whose side is known, as no other was ever trained on or held out."""
    groups: dict[str, set[int]] = {}
    for item in new:
        groups.setdefault(item.label, set()).add(group_number(item.group))
    for item in old:
        number = group_number(item.group)
        if item.label in groups and (number in known.trained or number in known.held):
            groups[item.label].add(number)
    return groups


def _windows(items: list[TrainItem]) -> Memory:
    if not items:
        return Memory.empty(0)
    counts = [len(item.rows) for item in items]
    return Memory(
        [item.label for item in items for _ in range(len(item.rows))],
        np.repeat(np.array([item.example for item in items], np.int64), counts),
        np.concatenate([np.arange(count, dtype=np.int64) for count in counts]),
        np.concatenate([item.rows for item in items]).astype(np.float32, copy=False),
    )


def _judges(held: list[TrainItem]) -> list[TrainItem]:
    """Enough of what is held out to say when to stop, and little enough to ask after each epoch."""
    chosen = []
    for label in dict.fromkeys(item.label for item in held):
        items = [item for item in held if item.label == label and len(item.rows)]
        chosen += [_brief(items[place]) for place in evenly(list(range(len(items))), _JUDGES)]
    return chosen


def _brief(item: TrainItem) -> TrainItem:
    """The example with a few of its windows, numbered anew; of those that have their audio, where any has."""
    windows = evenly(sorted(item.audio) or list(range(len(item.rows))), _JUDGED_WINDOWS)
    audio = {number: item.audio[window] for number, window in enumerate(windows) if window in item.audio}
    return replace(item, rows=item.rows[windows], audio=audio)


def _of(memory: Memory, label: str) -> Memory:
    return memory.chosen([place for place, name in enumerate(memory.labels) if name == label])


def _joined(*parts: Memory) -> Memory:
    some = [part for part in parts if len(part)] or list(parts[:1])
    return Memory(
        [label for part in some for label in part.labels],
        np.concatenate([part.examples for part in some]),
        np.concatenate([part.windows for part in some]),
        np.concatenate([part.rows for part in some]),
    )


def _judged(lesson: Lesson) -> list[network.Judged]:
    """Who decides when to stop: the held-out examples, and for a class that has none the examples it is trained on.

    Otherwise a lesson whose classes are too small to hold any out would best be stopped before it began.
    """
    from musicclass_gui.engine.lessons.network import Judged

    first, judged = len(lesson.truth), []
    for item in lesson.judged:
        judged.append(Judged(np.arange(first, first + len(item.rows)), lesson.classes.index(item.label), True))
        first += len(item.rows)
    missing = {k for k in set(lesson.truth.tolist()) if k not in {one.truth for one in judged}}
    examples = np.concatenate([lesson.fresh.examples, lesson.memory.examples])
    for k in sorted(missing):
        rows = np.flatnonzero(lesson.truth == k)
        judged += [Judged(rows[examples[rows] == example], k, False) for example in dict.fromkeys(examples[rows].tolist())]
    return judged
