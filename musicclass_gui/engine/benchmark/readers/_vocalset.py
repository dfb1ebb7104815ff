"""VocalSet's files, by singer, context and technique, for its two readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.benchmark.readers._looking import Look

WHERE = "Get it from zenodo.org/records/1193957 (CC BY 4.0)."
LAYOUT = "A folder “FULL” with SINGER/CONTEXT/TECHNIQUE/*.wav, or the singers' folders themselves: female1 … female9, male1 … male11."
PUBLISHED = 3613

SINGERS = (
    *("female1", "female2", "male1", "male2", "female3", "female4", "male3", "male4", "female5", "female6"),
    *("male5", "male6", "female7", "female8", "male7", "male8", "female9", "male9", "male10", "male11"),
)
"""In the order of the ISMIR 2024 paper's code."""


def recordings(look: Look) -> Iterator[tuple[Path, dict[str, str]]]:
    """Every recording with its singer, context and technique, singer by singer. Raises DataError for other data."""
    files = look.files("FULL", "VocalSet/FULL", "data_by_singer")
    inside = [path.relative_to(files.folder).parts for path in files.paths]
    look.refuse_unless(
        any(len(parts) > 3 and parts[0] in SINGERS for parts in inside), "it has no folders female1/CONTEXT/TECHNIQUE and the like"
    )
    if absent := [singer for singer in SINGERS if not any(parts[0] == singer for parts in inside)]:
        look.problems.append(f"There is no recording by {', '.join(absent)}.")
    for singer in SINGERS:
        for path, parts in zip(files.paths, inside, strict=True):
            if parts[0] == singer and len(parts) > 3:
                yield path, {"singer": singer, "context": parts[1], "technique": parts[2]}
