"""Reads NSynth: single notes of eleven families of instruments, named by what they are. No family synth_lead is in validation and test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from musicclass_gui.engine.benchmark.data import TEST, TRAIN, VALID, Found
from musicclass_gui.engine.benchmark.readers._looking import About, Look, split_counts, tally, text

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.benchmark.readers._looking import Files
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "nsynth", "NSynth (instrument family)", "classes"
WHERE = "Get it from magenta.tensorflow.org/datasets/nsynth (CC BY 4.0; the json/wav files)."
LAYOUT = "Folders nsynth-train, nsynth-valid and nsynth-test, each with a folder “audio” and, where it is there, examples.json."
CLASSES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead", "vocal")

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_PARTS = {TRAIN: "nsynth-train", VALID: "nsynth-valid", TEST: "nsynth-test"}
_PUBLISHED = (289205, 12678, 4096)
_NAME = re.compile(rf"({'|'.join(CLASSES)})_(acoustic|electronic|synthetic)_(\d+)-(\d+)-(\d+)")
_LISTED = re.compile(r'"([a-z_]+_\d+-\d+-\d+)"\s*:\s*\{')


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """All notes by family; groups are the instrument, its source (acoustic, electronic, synthetic) and the pitch. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    files = look.files()
    for part, name in _PARTS.items():
        _read_part(look, files, part, name)
    look.refuse_unless(look.items, "it has no folder nsynth-train/audio with names such as bass_synthetic_033-022-050.wav")
    return look.found(CLASSES, [tally(look.items, "notes", sum(_PUBLISHED)), *split_counts(look.items, _PUBLISHED)], decode=decode)


def _read_part(look: Look, files: Files, part: str, folder: str) -> None:
    there = {path.stem: path for path in files.below(f"{folder}/audio")}
    listed = look.folder / folder / "examples.json"
    if listed.is_file():  # read by its names alone: as JSON, the training part's would take a gigabyte of memory
        look.missing += [f"{folder}/audio/{name}" for name in _LISTED.findall(text(listed, _ABOUT)) if name not in there]
    for name, path in there.items():
        if match := _NAME.fullmatch(name):
            family, source, number, pitch, _ = match.groups()
            look.add(path, (family,), split=part, groups={"instrument": f"{family}_{source}_{number}", "source": source, "pitch": pitch})
