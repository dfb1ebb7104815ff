"""The continual protocol's methods and options; every documented defect of the published code is an option with a name.

Light: the methods' own modules are in `strategies`. Sections are those of the description of the published code, continual-paper.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.continual import methods_beyond
from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Method, Option
from musicclass_gui.engine.errors import BenchmarkError

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.continual.sessions import Settings

_TRAINED = (
    Method("joint", "Joint (oracle)", "One network trained once on all classes: the paper's upper bound."),
    Method("finetune", "Fine-tuning", "A network trained session after session with nothing against forgetting: the lower bound."),
    Method("ewc", "EWC", "Fine-tuning that keeps near what mattered for earlier classes."),
    Method("gem", "GEM", "Fine-tuning whose steps may not make remembered examples worse."),
    Method("replay", "Replay", "Fine-tuning on new chunks and on remembered ones of earlier classes."),
    Method("icarl", "iCaRL", "Replay that also keeps the answers of the network before."),
)
METHODS = (*_TRAINED, *methods_beyond.METHODS)


def _defect(name: str, title: str, line: str) -> Option:
    return Option(name, title, line, "bool", False, modes={PUBLISHED: True, CORRECTED: False})


_DEFECTS = (
    _defect(
        "ewc_penalty_discarded",
        "EWC: the penalty is thrown away",
        "Published code: the penalty is computed and not added to the loss, so that its EWC is fine-tuning (§1.7).",
    ),
    _defect(
        "mislabelled_memory",
        "Replay, iCaRL: wrong labels in the memory",
        "Published code: an exemplar is stored under its class's place in its session, so that from session 2 on new ones are replayed "
        "as classes of session 1, and are lost when the memory is trimmed (§1.4). GEM's labels were right (§1.6); DER++, which is not the "
        "paper's, has true labels in both modes.",
    ),
    _defect(
        "leaking_split",
        "VocalSet: the parts overlap",
        "Published code: training, validation and test are cut from different permutations. Singers: about 48 % of the test files are "
        "trained on; techniques: most validation files are (§3.2, §3.3). Other data have no such leak.",
    ),
    Option(
        "validate_by",
        "Early stopping counts",
        "Published code: accuracy over chunks, and the first of equally good epochs is kept; what is reported is accuracy over files "
        "(§1.1). “file” counts files, and among equally good epochs keeps that with the least cross-entropy.",
        "choice",
        "file",
        ("chunk", "file"),
        {PUBLISHED: "chunk", CORRECTED: "file"},
    ),
    Option(
        "validate_on",
        "Early stopping looks at",
        "Published code: validation files of the current session's classes only, so that forgetting cannot be noticed (§1.1). “seen” looks "
        "at those of all classes seen, which are never trained on.",
        "choice",
        "seen",
        ("current", "seen"),
        {PUBLISHED: "current", CORRECTED: "seen"},
    ),
    Option(
        "patience",
        "Patience",
        "Epochs without improvement before training stops; 0 takes what the published numbers were made with: 20 with MERT, 5 with CLMR, "
        "3 on NSynth, so that encoders were not trained alike (§1.1).",
        "int",
        20,
        modes={PUBLISHED: 0, CORRECTED: 20},
    ),
    _defect(
        "late_weights",
        "Memory, teacher and importance from the last epoch",
        "Published code: exemplars, iCaRL's teacher and EWC's importance are made with the last epoch's weights, though the next session "
        "starts from the best epoch's (§7.10). DER++ stores outputs while it trains, in both modes, as its authors do.",
    ),
    _defect(
        "gem_per_class",
        "GEM: a constraint for each class",
        "Published code: one constraint for each remembered class; the method has one for each session (§1.6).",
    ),
    _defect(
        "gem_train_mode",
        "GEM: memory gradients in training mode",
        "Published code: they are computed with dropout, and with batch statistics of single classes, which also change the running ones "
        "(§1.6).",
    ),
    _defect(
        "joint_unrestricted",
        "Joint: may answer classes not seen yet",
        "Published code: after sessions 1 to 4 the oracle may answer with classes that are not tested yet, so it looks worse there (§1.3).",
    ),
    _defect(
        "icarl_linear_head",
        "iCaRL: answers by the linear head",
        "Published code: no nearest mean of exemplars, which is the method's classifier (§1.5).",
    ),
    Option(
        "icarl_distillation",
        "iCaRL: distillation",
        "Published code: cross-entropy of softmax outputs at a temperature; the method's is binary cross-entropy of sigmoids (§1.5).",
        "choice",
        "sigmoid",
        ("softmax", "sigmoid"),
        {PUBLISHED: "softmax", CORRECTED: "sigmoid"},
    ),
)

_NUMBERS = (
    Option(
        "memory",
        "Exemplars in all",
        "Chunks that replay, iCaRL, GEM and DER++ may keep. The first three share them equally by the classes seen (§1.4); in DER++'s, "
        "each chunk that it was trained on is as likely as any other, with its true label and its outputs at that moment.",
        "int",
        100,
    ),
    Option(
        "ewc_lambda",
        "EWC: λ",
        "Weight of the penalty. The published 0.1 would do nothing even if it were added, since importances are small (§1.7). 10,000 was "
        "best of powers of ten on validation files of 70 GTZAN tracks and of an instrument collection, with two encoders.",
        "float",
        10000.0,
        modes={PUBLISHED: 0.1, CORRECTED: 10000.0},
    ),
    Option("gem_margin", "GEM: margin", "The least weight of each constraint in the projection, γ (§1.6).", "float", 0.5),
    Option("temperature", "Distillation: temperature", "Softens the softmax that iCaRL as published distils (§1.5).", "float", 2.0),
    Option("learning_rate", "Learning rate", "Adam's; a new Adam starts with every session (§1.1).", "float", 0.001),
    Option("batch_size", "Batch size", "Chunks in a training step (§1.1).", "int", 64),
    Option("max_epochs", "Most epochs", "Training of a session ends here at the latest (§1.1).", "int", 200),
    Option("chunk_s", "Chunk length in s", "0 takes the paper's: MERT 5, 3 or 4 s, CLMR 2.678 s; 3 s for other data (§3.5).", "float", 0.0),
    Option(
        "random_chunks",
        "Random chunks of a file",
        "The paper draws new ones in every epoch; here a fixed set is embedded once, each trained on once per epoch. 0 takes as many "
        "as the paper draws per epoch: 6, 2 or 1, with CLMR 11, 2 or 1 (§3.5).",
        "int",
        0,
    ),
)

OPTIONS = (*_DEFECTS, *_NUMBERS, *methods_beyond.OPTIONS)

_LEAST = {"memory": 1, "batch_size": 2, "max_epochs": 1, **methods_beyond.LEAST}


def check(option: Option, settings: Settings) -> None:
    """Raise BenchmarkError when an option's value is not of its kind, not one of its choices, or too small."""
    if option.kind == "bool":
        settings.flag(option.id)
    elif option.kind == "choice":
        if settings.word(option.id) not in option.choices:
            raise BenchmarkError(f"“{option.title}” can be {' or '.join(option.choices)}, not “{settings.word(option.id)}”.")
    else:
        value = settings.whole(option.id) if option.kind == "int" else settings.number(option.id)
        least = _LEAST.get(option.id, 0)
        if not value >= least:
            raise BenchmarkError(f"“{option.title}” cannot be {value:g}; it is at least {least}.")
