"""The six tasks of Choi et al. 2017 with their seven targets, and the names of their features. It knows no files beyond their names."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from musicclass_gui.engine.errors import BenchmarkError

CLASSES, REGRESSION = "classes", "regression"
STRATIFIED, PLAIN, OFFICIAL, NUMBERED = "stratified", "plain", "official", "numbered"
LAYERS = "12345"
MFCC = "mfcc"
EMBEDDING = "embedding"


@dataclass(frozen=True)
class Task:
    """One target. `folder` has its published features, `reader` reads its audio, `label` is the column of its `labels.csv`.

    `folds` says how it is evaluated (Choi et al. 2017, section 4, and their code): ten stratified or plain folds, the data set's own
    split, or its own ten folds. `column` is its name in the authors' table of results.
    """

    id: str
    title: str
    folder: str
    reader: str
    column: str
    kind: str = CLASSES
    folds: str = STRATIFIED
    label: str = "label"
    items: int = 0
    target: str = ""


TASKS = (
    Task("gtzan_speechmusic", "Speech or music (GTZAN)", "gtzan_speechmusic", "speechmusic", "gtzan_speechmusic_accuracy", items=128),
    Task("gtzan_genre", "Genre (GTZAN)", "gtzan_genre", "gtzan", "gtzan_genre_accuracy", items=1000),
    Task(
        "emoMusic_a",
        "Arousal (emoMusic)",
        "emoMusic",
        "emomusic",
        "emoMusic_arousal_r2",
        REGRESSION,
        PLAIN,
        "label_arousal",
        744,
        "arousal",
    ),
    Task(
        "emoMusic_v",
        "Valence (emoMusic)",
        "emoMusic",
        "emomusic",
        "emoMusic_valence_r2",
        REGRESSION,
        PLAIN,
        "label_valence",
        744,
        "valence",
    ),
    Task("jamendo_vd", "Singing voice (Jamendo)", "jamendo_vd", "jamendo_voice", "jamendo_vd_accuracy", folds=OFFICIAL, items=4086),
    Task("ballroom_extended", "Dance (extended ballroom)", "ballroom_extended", "ballroom", "ballroom_extended_accuracy", items=4180),
    Task("urbansound", "Sound of a city (UrbanSound8K)", "urbansound", "urbansound8k", "urbansound_accuracy", folds=NUMBERED, items=8732),
)
"""From the quickest to the slowest."""


def layer_keys() -> tuple[str, ...]:
    """The 28 subsets of layers that were published: all of five, two of four, and all of three, two and one; numbered from 1."""
    few = ["".join(chosen) for size in (3, 2, 1) for chosen in combinations(LAYERS, size)]
    return (LAYERS, "1234", "2345", *few)


KEYS = (*layer_keys(), MFCC, f"{MFCC}+{LAYERS}")
"""All 30 kinds of features of the paper."""


def task(task_id: str) -> Task:
    """A task by its id. Raises BenchmarkError when there is none of that name."""
    for one in TASKS:
        if one.id == task_id:
            return one
    raise BenchmarkError(f"There is no task “{task_id}”; known are {', '.join(one.id for one in TASKS)}.")


def chosen(asked: tuple[str, ...]) -> tuple[Task, ...]:
    """The tasks of these ids; "emoMusic" stands for both of its targets. Raises BenchmarkError."""
    found: dict[str, Task] = {}
    for name in asked:
        found.update({one.id: one for one in TASKS if one.folder == name} or {name: task(name)})
    return tuple(found.values())


def parts(key: str) -> tuple[str, ...]:
    """What a key joins: "mfcc+135" is ("mfcc", "1", "3", "5"). Raises BenchmarkError for what is no key."""
    found: list[str] = []
    for name in key.split("+"):
        is_layers = bool(name) and set(name) <= set(LAYERS)
        if not is_layers and name not in (MFCC, EMBEDDING):
            raise BenchmarkError(f"“{key}” names no features; write layers from 1 to 5 such as 12345, “mfcc”, or both such as mfcc+12345.")
        found += list(name) if is_layers else [name]
    if len(set(found)) < len(found):
        raise BenchmarkError(f"“{key}” names the same features twice; write each layer once.")
    return tuple(found)
