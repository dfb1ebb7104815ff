"""Numbers that somebody printed of these methods, as far as they could be confirmed (models-and-heads.md, §5)."""

from __future__ import annotations

from musicclass_gui.engine.benchmark.protocol import CORRECTED, PUBLISHED, Cell, Published

_HOMEWORK = {1e-4: 0.693, 1e-3: 0.740, 1e-2: 0.720, 1e-1: 0.680, 1.0: 0.607}
"""By alpha: time-averaged MFCC and a linear SVM on the course's NSynth subset."""
_COURSE = "GCT634 homework 1 (github.com/juhannam/gct634): validation files of a subset of NSynth with 10 instruments"
_WON = "Won et al. 2020 (arXiv 2006.00751), trained on all of MagnaTagATune"
_CHOI = "Choi et al. 2017, figure of results: MFCC statistics and a tuned SVM, 10 folds of unfiltered GTZAN"


def values(dataset: str, cell: Cell, alpha: float) -> list[Published]:
    """What was printed for the same method and data, in the mode whose split it was measured on."""
    if (dataset, cell.method, cell.features, cell.mode) == ("nsynth", "mean-linear", "mfcc", CORRECTED):
        value = max(_HOMEWORK.values()) if not alpha else _HOMEWORK.get(alpha)
        which = "the best of five alphas" if not alpha else f"alpha {alpha:g}"
        return [Published("accuracy", value, f"{_COURSE}, {which}")] if value is not None else []
    if (dataset, cell.method, cell.mode) == ("magnatagatune", "short-chunk-res", CORRECTED):
        return [Published("roc_auc", 0.9129, _WON), Published("pr_auc", 0.4614, _WON)]
    if (dataset, cell.method, cell.features, cell.mode) == ("gtzan", "stats-svm", "mfcc+deltas", PUBLISHED):
        return [Published("accuracy", 0.660, _CHOI)]
    return []
