"""The paper's numbers (ISMIR 2024), from the CSV files of its repository; `published.csv` is a table of these facts.

Its rows: encoder, data set, method, class order, session; accuracy and F1 in percent; the session's classes. The F1 is the accuracy
again, but for VocalSet's techniques, where it is macro-F1 (§4).
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from musicclass_gui.engine.benchmark.protocol import Published

SOURCE = "ISMIR 2024, the repository's CSV"
_NAMES = {"GTZAN": "gtzan", "NSynthInstrument": "nsynth", "VocalSetSinger": "vocalset_singer", "VocalSetTech": "vocalset_technique"}

Key = tuple[str, str, str, str]


@lru_cache(maxsize=1)
def table() -> dict[Key, tuple[Published, ...]]:
    """What was printed by encoder, data set, method and class order: accuracy after each session, their mean, and technique's macro-F1."""
    rows: dict[Key, list[dict[str, str]]] = {}
    with Path(__file__).with_name("published.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["encoder"], _NAMES[row["dataset"]], row["method"], row["order"]), []).append(row)
    return {key: _numbers(key[1], sessions) for key, sessions in rows.items()}


def _numbers(dataset: str, rows: list[dict[str, str]]) -> tuple[Published, ...]:
    accuracies = _column(rows, "accuracy_percent", "accuracy")
    mean = Published("average_seen", sum(one.value for one in accuracies) / len(accuracies), f"{SOURCE}, mean of the sessions")
    whole = Published("accuracy", accuracies[-1].value, SOURCE)
    f1 = _column(rows, "f1_percent", "macro_f1") if dataset == "vocalset_technique" else []
    return (*accuracies, whole, mean, *f1)


def _column(rows: list[dict[str, str]], column: str, metric: str) -> list[Published]:
    ordered = sorted(rows, key=lambda row: int(row["session"]))
    return [Published(metric, float(row[column]) / 100, SOURCE, int(row["session"])) for row in ordered]
