"""What the README says on adding encoders is true: its code, put in as it says, teaches and answers, and its recipes can be read.

The code is the first python block under the heading “## Add an encoder”; the row is the name of its file. The recipes are the json blocks
under “## Use a model of your own (ONNX)”.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from musicclass_gui.cli import app
from musicclass_gui.engine import encoders
from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.encoders import onnx_recipe, table
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import plan_drop
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).resolve().parents[1] / "README.md"
HEADING = "## Add an encoder"
SLOT_HEADING = "## Use a model of your own (ONNX)"
RATE = 22_050


def section(heading: str = HEADING) -> str:
    """What is between a heading and the next one."""
    text = README.read_text("utf-8")
    assert f"\n{heading}\n" in text, f"README.md has no “{heading}”"
    return re.split(r"\n## ", text.split(f"\n{heading}\n")[1])[0]


def walked() -> tuple[str, str]:
    """The row of the table, which is the name that the file is saved under, and the code."""
    name, code = re.findall(r"`musicclass_gui/engine/encoders/(\w+)\.py`:\n\n```python\n(.*?)```", section(), re.DOTALL)[0]
    assert f'    "{name}",\n)' in section()
    return name, code


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The file saved, and its row added."""
    name, code = walked()
    (tmp_path / "added").mkdir()
    (tmp_path / "added" / f"{name}.py").write_text(code, "utf-8")
    monkeypatch.setattr(encoders, "__path__", [*encoders.__path__, str(tmp_path / "added")])
    monkeypatch.setattr(table, "FAMILIES", (*table.FAMILIES, name))
    table.rows.cache_clear()
    yield name
    table.rows.cache_clear()
    sys.modules.pop(f"{encoders.__name__}.{name}", None)
    vars(encoders).pop(name, None)


def clip(path: Path, pitch: float, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    time, chance = np.arange(4 * RATE) / RATE, np.random.default_rng(seed)
    soundfile.write(path, 0.2 * np.sin(2 * np.pi * pitch * time) + 0.02 * chance.standard_normal(len(time)), RATE)
    return path


def silently(_news: object) -> None:
    """Nobody listens."""


def test_it_is_listed(name: str) -> None:
    rows = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)
    [row] = [row for row in rows if row["id"] == name]
    assert row["state"] == "built in"


def test_it_keeps_what_an_encoder_promises(name: str) -> None:
    encoder, chance = encoders.load(name), np.random.default_rng(0)
    windows = [(0.1 * chance.standard_normal(size)).astype(np.float32) for size in (1, RATE, 3 * RATE, RATE)]
    together = encoder.embed(windows)
    assert together.shape == (4, encoder.spec.dim)
    assert together.dtype == np.float32
    assert np.isfinite(encoder.embed([np.zeros(RATE, np.float32)])).all()
    for window, embedding in zip(windows, together, strict=True):
        assert np.allclose(encoder.embed([window])[0], embedding, rtol=1e-4)


def test_it_teaches_and_answers(name: str, tmp_path: Path) -> None:
    for label, pitch in (("low", 110.0), ("high", 1760.0)):
        for number in range(3):
            clip(tmp_path / "music" / label / f"{number}.wav", pitch * (1 + number / 40), number)
    desk = Desk(tmp_path / "cache", device="cpu")
    desk.open(tmp_path / "one.musicclass", create=True)
    desk.taught(plan_drop([tmp_path / "music"], budget_s=None), Wanted(0, encoder=name), Token(), silently)
    desk.close()
    request = Request(clip(tmp_path / "asked.wav", 1780.0, 7), (), device="cpu", picture=False, project=str(tmp_path / "one.musicclass"))
    [answer] = Analyst(tmp_path / "cache").analyse(request, Token(), silently)
    assert answer.encoder == name
    assert answer.ranking[0].label == "high"


def test_without_its_row_it_is_not_there() -> None:
    assert walked()[0] not in encoders.specs()


def test_the_recipes_for_models_of_ones_own_can_be_read() -> None:
    mel, waveform = (onnx_recipe.parse(json.loads(found)) for found in re.findall(r"```json\n(.*?)```", section(SLOT_HEADING), re.DOTALL))
    assert (mel.bands, mel.patch_steps, mel.samples) == (96, 128, 32_768)
    assert (waveform.bands, waveform.samples, onnx_recipe.hop_of(waveform)) == (0, 120_000, 2.5)


def test_every_value_of_a_recipe_is_explained() -> None:
    explained = set(re.findall(r"`(?:front_end\.)?(\w+)`", section(SLOT_HEADING)))
    kinds = (onnx_recipe.Recipe, onnx_recipe.Mel, onnx_recipe.Waveform, onnx_recipe.Log)
    assert {one.name for kind in kinds for one in fields(kind)} - {"version", "front_end"} <= explained
