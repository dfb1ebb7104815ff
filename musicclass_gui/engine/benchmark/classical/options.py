"""What can be asked of the protocol `classical`: its methods, its options, and what is known of tasks. Plain data, no library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.continual.sessions import Settings
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Method, Option
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import Config

_SUMMARIES = {
    "mean": ("Mean", "The mean of each frame feature over time, as in the course's homework; of differences it is next to nothing"),
    "stats": ("Statistics", "Mean, deviation and maximum of each frame feature over time"),
    "dct": ("DCT", "The mean of each frame feature, and how strongly it moves within a second, by DCT coefficients over time"),
    "codebook": ("Codebook", "A histogram of k-means code words, learned from training frames"),
    "gmm": ("Mixture", "Posteriors and likelihood under a Gaussian mixture of training frames"),
}
_CLASSIFIERS = {
    "knn": ("nearest neighbours", "nearest neighbours"),
    "logistic": ("logistic regression", "logistic regression"),
    "linear": ("linear SVM", "a linear support vector machine by stochastic gradient descent"),
    "svm": ("SVM", "a support vector machine with a radial kernel"),
    "mlp": ("MLP", "a net with one hidden layer of 128"),
}
_PAIRED = tuple(
    Method(f"{summary}-{classifier}", f"{title}, {name}", f"{line}; {long}. Its setting is chosen on the validation part.")
    for summary, (title, line) in _SUMMARIES.items()
    for classifier, (name, long) in _CLASSIFIERS.items()
)
MIXTURES = "mixtures"
TRIPLET = "triplet"
NETS = ("cnn1d", "cnn2d", "short-chunk", "short-chunk-res", "sample-cnn", "harmonic-cnn")
_OTHERS = (
    Method(
        MIXTURES, "A mixture for each class", "One Gaussian mixture of frames for each class; the likeliest answers (Tzanetakis and Cook)."
    ),
    Method("cnn1d", "1-D CNN", "Convolutions along time over mel bands, on 3 s; the course's baseline."),
    Method("cnn2d", "2-D CNN", "Four small convolutions over a mel spectrogram of 3 s."),
    Method("short-chunk", "Short-chunk CNN", "Seven small convolutions on 3.69 s (Won et al. 2020), trained from nothing."),
    Method("short-chunk-res", "Short-chunk CNN with residuals", "The same with residual blocks (Won et al. 2020), trained from nothing."),
    Method("sample-cnn", "SampleCNN", "Eleven convolutions over the samples of 3.69 s (Lee et al. 2017), trained from nothing."),
    Method("harmonic-cnn", "Harmonic CNN", "Convolutions over harmonic series on 5 s (Won et al. 2020), trained from nothing."),
    Method(TRIPLET, "Metric learning", "An encoder's embeddings and words brought into one space by triplets (Won et al. 2020)."),
)
METHODS = (*_PAIRED, *_OTHERS)
QUICK = ("mean-linear", "stats-logistic", "stats-svm", "codebook-svm", "mixtures")
"""What is run where no methods are asked for."""

_TO_PITCH_AND_TIME = frozenset({"pitch", "time"})
TASKS: dict[str, frozenset[str]] = {
    "genre": frozenset(),
    "instrument": frozenset(),
    "tags": frozenset(),
    "emotion": _TO_PITCH_AND_TIME,
    "technique": _TO_PITCH_AND_TIME,
    "sound": frozenset(),
    "key": _TO_PITCH_AND_TIME,
    "tempo": _TO_PITCH_AND_TIME,
    "singer": _TO_PITCH_AND_TIME,
    "composer": _TO_PITCH_AND_TIME,
    "other": _TO_PITCH_AND_TIME,
}
"""The augmentations that would make each task's labels untrue (ISMIR tutorial; models-and-heads.md, §5.3)."""
_TASK_OF = {
    "gtzan": "genre",
    "fma": "genre",
    "fma_genres": "genre",
    "fma_tags": "tags",
    "magnatagatune": "tags",
    "msd": "tags",
    "nsynth": "instrument",
    "vocalset_singer": "singer",
    "vocalset_technique": "technique",
    "maestro": "composer",
    "ballroom": "tempo",
    "urbansound8k": "sound",
    "speechmusic": "sound",
    "jamendo_voice": "sound",
}
AUTO, OWN, RANDOM, LEARNED, WORDS = "auto", "own", "random", "learned", "words"
FILE = "file"

OPTIONS = (
    Option(
        "split",
        "How recordings are parted",
        "The data set's own split, or one that keeps an artist, singer or piece in one part; or at random, as most classical results are "
        "measured, which tells the artist and the album rather than the genre: 66 to 90 % on GTZAN lose 10 to 20 points when parted right.",
        "choice",
        OWN,
        (OWN, RANDOM),
        {PUBLISHED: RANDOM, CORRECTED: OWN},
    ),
    Option(
        "apart",
        "Must be apart",
        "What may not be on both sides of the split: files never; an artist, album, piece, singer or instrument where it is asked for. A "
        "split that is drawn keeps it in one part; data whose own split does not are refused.",
        "choice",
        FILE,
        (FILE, "artist", "album", "piece", "singer", "instrument", "folder"),
    ),
    Option("mfcc", "MFCC", "How many coefficients a frame has, 13 to 20 as a rule.", "int", 20),
    Option("codebook", "Code words", "How many k-means centres a codebook has; 64 to 512 as a rule.", "int", 64),
    Option("root", "Root of histograms", "Take square roots of the codebook's shares.", "bool", True),
    Option("components", "Components of mixtures", "How many Gaussians a mixture has.", "int", 8),
    Option("coefficients", "DCT coefficients", "How many of each frame feature are kept, 4 to 8 as a rule.", "int", 6),
    Option("frames", "Training frames", "From how many frames codebooks and mixtures are learned, at most.", "int", 50_000),
    Option("whitened", "Whitened dimensions", "To how many principal components summaries are whitened; 0 leaves them.", "int", 0),
    Option("alpha", "Linear SVM: alpha", "Its regularisation; 0 chooses the best of five on the validation part.", "float", 0.0),
    Option("epochs", "Most epochs", "Nets and metric learning end here at the latest; they stop early on the validation part.", "int", 40),
    Option("patience", "Patience", "After how many epochs without a better validation loss training stops.", "int", 8),
    Option("learning_rate", "Learning rate", "Adam's.", "float", 0.001),
    Option("batch_size", "Batch size", "Chunks, or triplets, in a training step.", "int", 16),
    Option(
        "augment",
        "Augmentation",
        "Change training sound where its label stays true: pitch and time, equalizer, noise, gain.",
        "bool",
        False,
    ),
    Option(
        "task",
        "Task",
        "What is told apart, which decides how sound may be changed; auto goes by the data set.",
        "choice",
        AUTO,
        (AUTO, *TASKS),
    ),
    Option(
        "margin",
        "Margin of triplets",
        "By how much the right sound has to be nearer to a word than a wrong one (Won et al. 2020).",
        "float",
        0.4,
    ),
    Option(
        "tag_vectors",
        "Vectors of words",
        "Learned from nothing, or a CLAP's text embeddings; auto takes these where the encoder knows words.",
        "choice",
        AUTO,
        (AUTO, LEARNED, WORDS),
    ),
)
_MOST_MFCC = 20
_LEAST = {"frames": 100, "batch_size": 2} | dict.fromkeys(("mfcc", "components", "coefficients", "epochs", "patience"), 1) | {"codebook": 2}


def settings(config: Config, mode: str) -> Settings:
    """The options as a mode has them, or as the user set them. Raises BenchmarkError for values that cannot be meant."""
    if wrong := sorted(set(config.options) - {one.id for one in OPTIONS}):
        raise BenchmarkError(f"There is no option “{wrong[0]}” in this protocol; see its list of options.")
    made = Settings({one.id: config.options.get(one.id, one.modes.get(mode, one.default)) for one in OPTIONS})
    for one in OPTIONS:
        _check(one, made)
    return made


def _check(option: Option, made: Settings) -> None:
    if option.kind == "bool":
        made.flag(option.id)
    elif option.kind == "choice":
        if made.word(option.id) not in option.choices:
            raise BenchmarkError(f"“{option.title}” can be {' or '.join(option.choices)}, not “{made.word(option.id)}”.")
    else:
        _check_number(option, made.whole(option.id) if option.kind == "int" else made.number(option.id))


def _check_number(option: Option, value: float) -> None:
    least = _LEAST.get(option.id, 0)
    if not value >= least or (option.id == "mfcc" and value > _MOST_MFCC):
        most = f" and at most {_MOST_MFCC}" if option.id == "mfcc" else ""
        raise BenchmarkError(f"“{option.title}” cannot be {value:g}; it is at least {least}{most}.")


def task_of(dataset: str, chosen: Settings) -> str:
    """What is told apart: what the user said, or by the data set; "other" where that is not known."""
    said = chosen.word("task")
    return _TASK_OF.get(dataset, "other") if said == AUTO else said


def has_frames(method: str) -> bool:
    """Whether a method hears frame features (others: samples, or embeddings)."""
    return method not in NETS and method != TRIPLET
