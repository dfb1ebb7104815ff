"""The lesson card: what a lesson did to every class, old and new, measured on held-out recordings. Plain data, made by `examine`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ClassReport:
    """One class: the share of its held-out recordings that are answered right, before and after (None: it cannot be judged).

    `note` says why it cannot, or what to be careful about. `held_out` is False for a class that came without recordings:
    then the numbers are of the recordings that it learned from.
    """

    cls: int
    name: str
    role: str
    new: bool
    recordings: int
    groups: int
    judged: int
    before: float | None
    after: float | None
    interval: tuple[float, ...] = ()  # 95 %, of `after`
    held_out: bool = True
    note: str = ""


@dataclass(frozen=True)
class Confusion:
    """How many held-out recordings of `truth` were answered `said`, before and after, of `judged`."""

    truth: str
    said: str
    before: int
    after: int
    judged: int


@dataclass(frozen=True)
class Twin:
    """Two examples that are the same sound (`same`: the same bytes; `near`: too alike to be two recordings).

    `other` is 0 for a recording that came with a base, of which only the name is known.
    """

    kind: str
    example: int
    name: str
    cls: str
    other: int
    other_name: str
    other_cls: str
    likeness: float  # cosine of the two mean embeddings, standardised over all that were compared


@dataclass(frozen=True)
class Suggestion:
    """An example worth listening to, and why."""

    example: int
    name: str
    path: str
    start_s: float | None
    end_s: float | None
    cls: str
    said: str
    why: str


@dataclass(frozen=True)
class Fitted:
    """What turns scores into probabilities and "none of these", as fitted on held-out recordings; `tested` False: there were too few."""

    temperature: float = 1.0
    window_temperature: float = 1.0
    threshold: float = 1e308
    window_threshold: float = 1e308
    calibration_error: float | None = None
    false_rejection: float | None = None
    tested: bool = False


@dataclass(frozen=True)
class LessonCard:
    """All that is said of a lesson before it is kept."""

    title: str
    method: str
    encoder: str
    classes: list[ClassReport] = field(default_factory=list)
    old_before: float | None = None  # accuracy on the old classes' held-out recordings, among the old classes
    old_after: float | None = None  # accuracy on the same recordings, now that there are more classes to confuse them with
    accuracy: float | None = None  # accuracy on all classes' held-out recordings
    interval: tuple[float, ...] = ()  # 95 % (Wilson, by groups), of `accuracy`
    macro_f1: float | None = None
    judged: int = 0
    groups: int = 0
    grew: list[Confusion] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fitted: Fitted = field(default_factory=Fitted)
    said: dict[int, int] = field(default_factory=dict)  # example → the class that it was answered when held out
    curve: list[tuple[float, ...]] = field(default_factory=list)  # replay: (epoch, loss, accuracy in training, accuracy held out)
    embed_s: float = 0.0
    learn_s: float = 0.0
    examine_s: float = 0.0

    def sentence(self) -> str:
        """The accuracy in words, or why there is none."""
        if self.accuracy is None:
            return "Not tested: too few recordings to hold some out."
        if not self.fitted.tested:
            recordings = "recording" if self.judged == 1 else "recordings"
            return f"Tested on only {self.judged} held-out {recordings}: too few to rely on."
        low, high = (round(100 * share) for share in self.interval)
        return f"Tested on {self.judged} held-out recordings: right on {round(100 * self.accuracy)} % ({low}–{high} %)."
