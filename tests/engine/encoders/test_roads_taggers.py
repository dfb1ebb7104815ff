"""The whole road of each tagger and of CLMR: a file, its windows, embeddings, a taught classifier, an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from encoders import made_weights

from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.encoders import clmr, taggers
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import plan_drop
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer

RATE = 22_050
PUBLISHED = [spec.id for spec in taggers.SPECS if spec.weights is not None and spec.weights.can_be_fetched]
MADE = [spec.id for spec in (*taggers.SPECS, *clmr.SPECS) if spec.id not in PUBLISHED]


def silently(_news: object) -> None:
    """Nobody listens."""


def clip(path: Path, pitch: float, number: int, seed: int = 0) -> Path:
    """Four seconds of a tone that is a little higher with each number, and noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time, chance = np.arange(4 * RATE) / RATE, np.random.default_rng([number, seed])
    soundfile.write(path, 0.2 * np.sin(2 * np.pi * pitch * (1 + number / 40) * time) + 0.02 * chance.standard_normal(len(time)), RATE)
    return path


def answer(folder: Path, files: Path, stranger: Path, encoder_id: str) -> Answer:
    """Teach the folders in `files` as classes, and ask about a recording that is in none of them."""
    desk = Desk(folder / "cache", device="cpu")
    desk.open(folder / "one.musicclass", create=True)
    desk.taught(plan_drop([files], budget_s=None), Wanted(0, encoder=encoder_id), Token(), silently)
    request = Request(stranger, (), device="cpu", picture=False, project=str(folder / "one.musicclass"))
    [found] = Analyst(folder / "cache").analyse(request, Token(), silently)
    desk.close()
    return found


@pytest.mark.parametrize("encoder_id", MADE)
def test_made_weights_tell_high_from_low(encoder_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_weights.make(encoder_id, tmp_path / "weights")
    monkeypatch.setenv("MUSICCLASS_MODELS", str(tmp_path / "weights"))
    for name, pitch in (("low", 110.0), ("high", 1760.0)):
        for number in range(3):
            clip(tmp_path / "music" / name / f"{number}.wav", pitch, number)
    found = answer(tmp_path, tmp_path / "music", clip(tmp_path / "asked.wav", 1760.0, 1, seed=1), encoder_id)
    assert found.ranking[0].label == "high"
    assert {one.label for one in found.ranking} == {"high", "low"}


@pytest.mark.parametrize("encoder_id", PUBLISHED)
def test_published_weights_tell_genres(encoder_id: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSICCLASS_MODELS", str(data_dir / "weights"))
    for genre in ("classical", "metal"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(1, 5):
            name = f"{genre}.{number:05d}.flac"
            (tmp_path / "music" / genre / name).symlink_to(data_dir / "gtzan-mini" / genre / name)
    stranger = data_dir / "gtzan-mini" / "metal" / "metal.00006.flac"
    assert answer(tmp_path, tmp_path / "music", stranger, encoder_id).ranking[0].label == "metal"
