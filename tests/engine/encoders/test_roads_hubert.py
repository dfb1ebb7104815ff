"""The whole road of the HuBERT family: a file, its windows, embeddings by mean, one layer or a learned mix, a taught class, an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from encoders import hubert_folders
from encoders.test_roads_taggers import answer, clip

from musicclass_gui.engine import mixing
from musicclass_gui.engine.encoders import registry
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for name, pitch in (("low", 110.0), ("high", 1760.0)):
        for number in range(3):
            clip(tmp_path / "music" / name / f"{number}.wav", pitch, number)
    return tmp_path / "music"


@pytest.mark.parametrize("way", ["mean", "layer", "mix"])
def test_tiny_nets_tell_high_from_low(way: str, music: Path, tmp_path: Path) -> None:
    folder = hubert_folders.save_as_mert(tmp_path / "tiny-mert", hubert_folders.made_model(**hubert_folders.LARGE))
    encoder_id = registry.add_folder(folder).id
    if way == "mix":
        encoder_id = registry.add_mix(encoder_id, "pitch", mixing.learn_from_folders(encoder_id, music, Token(), "cpu")).id
    found = answer(tmp_path, music, clip(tmp_path / "asked.wav", 1760.0, 1, seed=1), encoder_id + ("_2" if way == "layer" else ""))
    assert found.ranking[0].label == "high"
    assert {one.label for one in found.ranking} == {"high", "low"}
