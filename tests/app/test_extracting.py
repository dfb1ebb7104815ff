"""Extraction as plain data: what is offered, what is asked of the worker, and what comes back, with the real worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from encoders.hubert_folders import made_model, save_new
from extracted_files import listed, tune

from musicclass_gui.app import extracting
from musicclass_gui.app.extracting import Extracting
from musicclass_gui.app.settings import Settings
from musicclass_gui.engine import encoders
from musicclass_gui.engine.encoders import registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

LONG_MS = 60_000


@pytest.fixture
def work(qtbot: QtBot) -> Iterator[Extracting]:
    settings = Settings()
    work = Extracting(settings)
    yield work
    work.close(1.0)
    assert work.lane.shutdown(5.0)
    settings.close()


def is_over(work: Extracting) -> bool:
    return work.run is not None and not work.run.running


def wish(given: Path, **more: object) -> dict[str, object]:
    return {"list": str(given), "out": str(given.with_name("x.npz")), "encoder": "timbre", **more}


def test_the_worker_extracts_and_says_what_failed(work: Extracting, qtbot: QtBot, tmp_path: Path) -> None:
    seen: list[str] = []
    work.changed.connect(lambda: seen.append(work.activity))
    given = listed(tmp_path / "list.txt", [*(tune(tmp_path / f"{n}.wav", 12.0, seed=n) for n in range(4)), tmp_path / "gone.wav"])
    work.begin(wish(given))
    assert work.activity == "Extracting features: Starting"
    qtbot.waitUntil(lambda: is_over(work), timeout=LONG_MS)
    assert work.run is not None
    assert (work.run.state, work.run.error, work.run.notes) == ("done", "", [])
    assert [path for path, _ in work.run.failures] == [str(tmp_path / "gone.wav")]
    assert work.run.result == {"path": str(tmp_path / "x.npz"), "shape": [5, 177], "recordings": 5, "failed": 1}
    assert np.load(tmp_path / "x.npz")["embeddings"].shape == (5, 177)
    assert any(" of 5 recordings" in text for text in seen)
    assert work.activity == ""


def test_what_is_stopped_goes_on_later(work: Extracting, qtbot: QtBot, tmp_path: Path) -> None:
    given = listed(tmp_path / "list.txt", [tune(tmp_path / f"{n}.wav", 60.0, seed=n) for n in range(30)])
    work.begin(wish(given))
    run = work.run
    assert run is not None
    qtbot.waitUntil(lambda: run.work.text.startswith(("2 of", "3 of", "4 of", "5 of")), timeout=LONG_MS)
    work.cancel()
    assert (run.state, work.activity) == ("stopped", "")
    assert not (tmp_path / "x.npz").exists()
    work.begin(wish(given))
    qtbot.waitUntil(lambda: is_over(work), timeout=LONG_MS)
    assert work.run is not None
    assert work.run.state == "done"
    assert "through from before" in work.run.notes[0]


def test_a_folder_and_paths_are_taken_too(work: Extracting, qtbot: QtBot, tmp_path: Path) -> None:
    files = [tune(tmp_path / "music" / name, seed=1) for name in ("10.wav", "deep/2.wav", "9.wav")]
    common = {"out": str(tmp_path / "x.npz"), "encoder": "timbre", "per": "window"}
    for given, expected in (({"folder": str(tmp_path / "music")}, [2, 0, 1]), ({"paths": [str(path) for path in files]}, [0, 1, 2])):
        work.begin(given | common)
        qtbot.waitUntil(lambda: is_over(work), timeout=LONG_MS)
        assert np.load(tmp_path / "x.npz")["paths"].tolist() == [str(files[place]) for place in expected]


@pytest.mark.parametrize(("given", "said"), [({"folder": "empty"}, "No audio files were found in"), ({"list": "gone"}, "cannot be read")])
def test_what_cannot_be_done_is_a_sentence(given: dict[str, str], said: str, work: Extracting, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    work.begin({key: str(tmp_path / name) for key, name in given.items()} | {"out": str(tmp_path / "x.npz"), "encoder": "timbre"})
    qtbot.waitUntil(lambda: is_over(work), timeout=LONG_MS)
    assert work.run is not None
    assert work.run.state == "failed"
    assert said in work.run.error


def test_only_encoders_that_can_be_used_are_offered(work: Extracting, tmp_path: Path) -> None:
    assert [spec.id for spec in work.encoders if spec.weights] == []
    mine = registry.add_folder(save_new(tmp_path / "net", made_model()), "Mine").id
    assert mine in [spec.id for spec in work.encoders]


def test_the_layers_of_an_encoder_can_be_chosen(tmp_path: Path) -> None:
    mine = registry.add_folder(save_new(tmp_path / "net", made_model()), "Mine")
    found = extracting.views(mine)
    assert found[0] == (mine.id, "The mean of all layers")
    assert found[1:] == [(f"{mine.id}_{number}", f"Layer {number}") for number in range(4)]
    assert extracting.views(encoders.specs()["choi2017"])[0][1] == "All layers, one after the other"
    assert extracting.views(encoders.specs()["timbre"]) == [("timbre", "")]


def test_what_comes_out_is_said_before() -> None:
    timbre = encoders.specs()["timbre"]
    assert extracting.gives(timbre, by_window=False) == "177 numbers for each recording: the mean over its windows of 5 s, one every 2.5 s."
    assert extracting.gives(timbre, by_window=True) == "177 numbers for each of its windows of 5 s, one every 2.5 s."
