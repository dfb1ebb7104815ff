"""Answers as files that other programs read: CSV, JSON lines and Audacity labels.

Every file is written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.errors import MusicClassError
from musicclass_gui.engine.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer, Segment

NOTHING = {"classes": "none of these", "tags": "no tag", "words": "no phrase"}
"""What an answer without a label is called, by its kind."""
KINDS = ("csv", "json", "labels")
_CSV_COLUMNS = ("path", "classifier", "encoder", "start_s", "end_s", "label", "probability", "error")


@dataclass(frozen=True)
class Result:
    """What is to be told of one file: answers, or the error that prevented them."""

    path: Path
    duration_s: float
    answers: Sequence[Answer] = ()
    error: str | None = None
    notices: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that `predict --json` prints for this file; unknown numbers are null."""
        duration = self.duration_s if math.isfinite(self.duration_s) else None
        answers = [answer.to_json() for answer in self.answers]
        return {"path": str(self.path), "duration_s": duration, "error": self.error, "notices": list(self.notices), "answers": answers}


def as_json(results: Sequence[Result]) -> str:
    """One JSON object per line and file. What is no valid text in a file's name becomes JSON's own escape for it."""
    text = "".join(json.dumps(result.to_json(), ensure_ascii=False, allow_nan=False) + "\n" for result in results)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_csv(results: Sequence[Result]) -> str:
    """One row per segment, and one for the whole recording with empty times; failed files give one row with their error."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_CSV_COLUMNS)
    for result in results:
        table.writerows(_csv_rows(result))
    return text.getvalue()


def as_labels(results: Sequence[Result]) -> str:
    """Audacity's label track: start, end and text, separated by tabs; of one recording."""
    lines = [_label_line(answer, segment) for result in results for answer in result.answers for segment in answer.segments]
    return "".join(lines)


def write(path: Path, kind: str, results: Sequence[Result]) -> None:
    """Write `results` as one of `KINDS`. Raises MusicClassError when the file cannot be written."""
    text = {"csv": as_csv, "json": as_json, "labels": as_labels}[kind](results)
    try:
        write_whole(path, text.encode("utf-8", "backslashreplace"))  # names of files need not be valid text
    except OSError as error:
        raise MusicClassError(f"“{path.name}” could not be written: {error.strerror or error}; choose another folder.") from error


def _csv_rows(result: Result) -> list[tuple[Any, ...]]:
    if result.error is not None:
        return [(result.path, "", "", "", "", "", "", result.error)]
    rows: list[tuple[Any, ...]] = []
    for answer in result.answers:
        whole = max((r.probability for r in answer.ranking), default=0.0) if answer.label else ""
        rows.append((result.path, answer.classifier, answer.encoder, "", "", answer.label or NOTHING[answer.kind], _rounded(whole), ""))
        rows += [_csv_segment(result, answer, segment) for segment in answer.segments]
    return rows


def _csv_segment(result: Result, answer: Answer, segment: Segment) -> tuple[Any, ...]:
    span = (f"{segment.start_s:.3f}", f"{segment.end_s:.3f}")
    return (result.path, answer.classifier, answer.encoder, *span, segment.label or NOTHING[answer.kind], _rounded(segment.probability), "")


def _rounded(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"


def _label_line(answer: Answer, segment: Segment) -> str:
    return f"{segment.start_s:.6f}\t{segment.end_s:.6f}\t{answer.classifier}: {segment.label or NOTHING[answer.kind]}\n"
