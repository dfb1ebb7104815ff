"""The composer protocol's methods and options; every documented defect of the project's code is an option with a name.

Light: what the methods do is in `methods` and `learning`. It knows no data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Method, Option
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import Config

MAJORITY, ZERO_SHOT, PROBE, GAUSSIAN, FINE_TUNED = "majority", "zero_shot", "probe", "gaussian", "fine_tuned"
METHODS = (
    Method(MAJORITY, "Majority class", "Always the composer with the most training performances.", paper=False),
    Method(
        ZERO_SHOT, "Zero-shot", "The nearest of the sentences “Music composed by …”; nothing is learned. Needs a CLAP.", families=("clap",)
    ),
    Method(PROBE, "Linear probe", "Logistic regression on frozen embeddings, scaled by the training part.", paper=False),
    Method(GAUSSIAN, "Gaussian", "Class means and one covariance that classes share, on frozen embeddings.", paper=False),
    Method(
        FINE_TUNED,
        "Fine-tuned projection",
        "The audio projection and an MLP of 512-512-512 after it learn to meet the sentences. Needs a CLAP. What is before the projection "
        "stays as it is: the project's code left dropout and batch statistics active there, which is not repeated here.",
        families=("clap",),
    ),
)
WORDED = (ZERO_SHOT, FINE_TUNED)
"""Methods that need an encoder with words."""
SEEDED = (FINE_TUNED,)
"""Methods with something random; the others are computed once."""

TABLE, TRAIN_PART = "table", "train"
TITLE, PIECE, FILE = "title", "piece", "file"


def _defect(name: str, title: str, line: str) -> Option:
    return Option(name, title, f"The project's code: {line}", "bool", False, modes={PUBLISHED: True, CORRECTED: False})


_DATA = (
    Option(
        "composers_by",
        "Composers are counted over",
        "The project's code: the whole table, so that validation and test have a say in the classes. “train” counts the training part.",
        "choice",
        TRAIN_PART,
        (TABLE, TRAIN_PART),
        {PUBLISHED: TABLE, CORRECTED: TRAIN_PART},
    ),
    Option(
        "repeats_by",
        "Repeated pieces are told by",
        "The project's code: the title alone, which composers share (“Sonata in C Major”). “piece” is composer and title.",
        "choice",
        PIECE,
        (TITLE, PIECE),
        {PUBLISHED: TITLE, CORRECTED: PIECE},
    ),
    Option("min_files", "Fewest files of a composer", "Composers with fewer are left out.", "int", 8),
    Option("max_repeats", "Most performances of a piece", "Of pieces with more, so many are drawn (random_state 42).", "int", 3),
    Option(
        "apart",
        "Must be apart",
        "What may not be in two parts of the table's split, else the run is refused: files never, pieces or titles where it is asked for.",
        "choice",
        FILE,
        (FILE, PIECE, TITLE),
    ),
)
_CLIPS = (
    _defect(
        "clip_in_samples",
        "Clips of 160,000 samples",
        "clips are as many samples as 10 s have at 16 kHz, cut at the file's own rate: 3.3 s at 48 kHz, 3.6 s at 44.1 kHz; a CLAP then "
        "hears them three times over. Else they last 10 s.",
    ),
    _defect(
        "rate_ignored",
        "The sample rate is ignored",
        "samples are given to the encoder as if they had its rate: files of 44.1 kHz are heard 8.8 % too high and too fast.",
    ),
    _defect("first_channel", "Only the first channel", "the left channel is heard instead of the mean of both."),
    Option("clip_s", "Clip length in s", "Clips follow each other; what is left at the end is dropped.", "float", 10.0),
)
_LEARNING = (
    _defect(
        "false_negatives",
        "Fine-tuning: the same composer counts as wrong",
        "each clip has to be nearer to its own sentence than to the same sentence of another clip in the batch, which it cannot. Else "
        "clips are compared with those of other composers only.",
    ),
    _defect(
        "no_temperature",
        "Fine-tuning: cosines without temperature",
        "cosines from −1 to 1 go into the softmax as they are, so that the loss of a batch of 4 cannot go below about 0.34. Else their "
        "scale is learned, from the CLAP's own on.",
    ),
    _defect(
        "last_epoch",
        "Fine-tuning: validation is not used",
        "the last epoch's weights are kept. Else those of the epoch with the best accuracy on validation performances.",
    ),
    Option("batch_size", "Fine-tuning: batch size", "Clips in a step.", "int", 64, modes={PUBLISHED: 4, CORRECTED: 64}),
    Option("epochs", "Fine-tuning: epochs", "How often each clip is trained on.", "int", 50),
    Option("learning_rate", "Fine-tuning: learning rate", "AdamW's.", "float", 1e-4),
    Option("probe_c", "Linear probe: C", "The inverse of the regularisation's strength.", "float", 1.0),
)
OPTIONS = (*_DATA, *_CLIPS, *_LEARNING)
_AT_LEAST = {"min_files": 1, "max_repeats": 1, "batch_size": 2, "epochs": 1}
_ABOVE_ZERO = ("clip_s", "learning_rate", "probe_c")


@dataclass(frozen=True)
class Settings:
    """The protocol's options, as they are in a mode or as the user set them."""

    composers_by: str
    repeats_by: str
    min_files: int
    max_repeats: int
    apart: str
    clip_in_samples: bool
    rate_ignored: bool
    first_channel: bool
    clip_s: float
    false_negatives: bool
    no_temperature: bool
    last_epoch: bool
    batch_size: int
    epochs: int
    learning_rate: float
    probe_c: float


def settings(config: Config, mode: str) -> Settings:
    """The options of a mode. Raises BenchmarkError for values that cannot be meant."""
    if strange := sorted(set(config.options) - {one.id for one in OPTIONS}):
        raise BenchmarkError(f"There is no option “{strange[0]}” in this protocol; see its list of options.")
    values = {one.id: config.options.get(one.id, one.modes.get(mode, one.default)) for one in OPTIONS}
    for one in OPTIONS:
        _check(one, values[one.id])
    return Settings(**values)


def _check(option: Option, value: object) -> None:
    """Raise BenchmarkError when an option's value is not of its kind, not one of its choices, or too small."""
    if option.kind == "bool":
        right = isinstance(value, bool)
    elif option.kind == "choice":
        right = value in option.choices
    else:
        kinds = (int,) if option.kind == "int" else (int, float)
        right = isinstance(value, kinds) and not isinstance(value, bool) and _is_large_enough(option, value)
    if not right:
        raise BenchmarkError(f"“{option.title}” cannot be {value!r}; {_wanted(option)}.")


def _is_large_enough(option: Option, value: float) -> bool:
    return value > 0 if option.id in _ABOVE_ZERO else value >= _AT_LEAST[option.id]


def _wanted(option: Option) -> str:
    if option.kind == "choice":
        return f"choose {' or '.join(option.choices)}"
    if option.kind == "bool":
        return "choose true or false"
    return "give a number above 0" if option.id in _ABOVE_ZERO else f"give a whole number from {_AT_LEAST[option.id]} on"
