"""What an examination is given: examples with their embeddings, in memory. It knows no project and no audio."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.classifier import Training
from musicclass_gui.engine.lessons.report import Fitted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from musicclass_gui.engine.encoders import Embeddings
    from musicclass_gui.engine.project.rows import ClassRow


@dataclass(frozen=True, eq=False)
class Item:
    """An example of a class (`cls`: its label). `rows` `(n, dim)` are its loud windows and `spans` `(n, 2)` their seconds, by time.

    `group` is "" where none is known; then the recording is one by itself.
    """

    example: int
    cls: str
    group: str
    hash: str
    name: str
    path: str
    start_s: float | None
    end_s: float | None
    rows: Embeddings
    mean: Embeddings  # (dim,)
    spans: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Side:
    """A classifier before or after a lesson. `base` lists recordings that are known by their means alone, by class label.

    `head` learns by sums and has learned every window of `items`, or it is a network that says which examples it `held_out`.
    """

    head: Any
    classes: list[ClassRow]
    items: list[Item]
    base: Training = field(default_factory=Training)

    @property
    def network(self) -> bool:
        """Whether it cannot unlearn, but never saw some examples."""
        return hasattr(self.head, "held_out")


@dataclass(frozen=True)
class Context:
    """What the card says of the lesson besides. `fallback` is the calibration where too little can be tested, as the base's card has it.

    `examples` is how many there are where `folds.chosen` has left some out already.
    """

    title: str = ""
    method: str = ""
    encoder: str = ""
    fallback: Fitted = field(default_factory=Fitted)
    examples: int = 0
    curve: list[tuple[float, ...]] = field(default_factory=list)
    embed_s: float = 0.0
    learn_s: float = 0.0
