"""What classes of different roles do to scores: negatives pull their class down, and only classes and background can win."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicclass_gui.engine.heads import Matrix
    from musicclass_gui.engine.project.rows import ClassRow


def pulled(scores: Matrix, columns: Sequence[str], classes: Sequence[ClassRow]) -> Matrix:
    """Scores `(n, C)` in which a class loses what a negative of it has over it: sₖ − max(0, s₋ₖ − sₖ), the strongest negative counting."""
    place = {label: number for number, label in enumerate(columns)}
    result = scores.copy()
    for one in classes:
        of = place.get(str(one.of))
        if one.role == "negative" and one.label in place and of is not None:
            mine, negative = scores[:, of], scores[:, place[one.label]]
            lowered = np.subtract(2 * mine, negative, out=mine.copy(), where=negative > mine)
            result[:, of] = np.minimum(result[:, of], lowered)
    return result


def winning(classes: Sequence[ClassRow]) -> list[str]:
    """The labels of those that can win."""
    return [one.label for one in classes if one.role != "negative"]
