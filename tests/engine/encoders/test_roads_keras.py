"""The whole road of each encoder from Keras: a file, its windows, embeddings, a taught classifier, an answer; and its tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from musicclass_gui.engine.analysis import Analyst, Request
from musicclass_gui.engine.encoders import choi, musicnn
from musicclass_gui.engine.lessons.desk import Desk, Wanted
from musicclass_gui.engine.lessons.plan import plan_drop
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.answers import Answer

TAUGHT = [*(spec.id for spec in (*choi.SPECS, *musicnn.SPECS)), "choi2017_2345"]
TAGGERS = [spec.id for spec in musicnn.SPECS]


def silently(_news: object) -> None:
    """Nobody listens."""


def track(data_dir: Path, genre: str, number: int) -> Path:
    return data_dir / "gtzan-mini" / genre / f"{genre}.{number:05d}.flac"


@pytest.fixture
def real_weights(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSICCLASS_MODELS", str(data_dir / "weights"))
    return data_dir


@pytest.mark.parametrize("encoder_id", TAUGHT)
def test_a_taught_classifier_tells_genres(encoder_id: str, real_weights: Path, tmp_path: Path) -> None:
    for genre in ("classical", "metal"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(1, 5):
            path = track(real_weights, genre, number)
            (tmp_path / "music" / genre / path.name).symlink_to(path)
    desk = Desk(tmp_path / "cache", device="cpu")
    desk.open(tmp_path / "one.musicclass", create=True)
    card = desk.taught(plan_drop([tmp_path / "music"], budget_s=None), Wanted(0, encoder=encoder_id), Token(), silently)
    desk.close()
    assert card.encoder == encoder_id
    for genre in ("classical", "metal"):
        request = Request(track(real_weights, genre, 6), (), device="cpu", picture=False, project=str(tmp_path / "one.musicclass"))
        [found] = Analyst(tmp_path / "cache").analyse(request, Token(), silently)
        assert found.ranking[0].label == genre
        assert found.encoder == encoder_id
        assert found.kind == "classes"


@pytest.mark.parametrize("encoder_id", TAGGERS)
def test_tags_answer_over_time_and_from_the_cache(encoder_id: str, real_weights: Path, tmp_path: Path) -> None:
    wanted = Request(track(real_weights, "metal", 0), (f"tags-{encoder_id}",), device="cpu", picture=False)
    [found] = Analyst(tmp_path).analyse(wanted, Token(), silently)
    assert (found.classifier, found.kind) == (f"tags-{encoder_id}", "tags")
    assert len(found.ranking) == 10
    assert {"rock", "metal"} <= {ranked.label for ranked in found.ranking[:5]}
    assert found.measured.startswith("Tags:")
    assert found.segments[-1].end_s == pytest.approx(30, abs=0.1)
    assert again(tmp_path, wanted) == found


def again(cache: Path, request: Request) -> Answer:
    [found] = Analyst(cache).analyse(request, Token(), silently)
    return found


@pytest.mark.parametrize("encoder_id", TAGGERS)
def test_tags_and_a_taught_classifier_share_one_pass(encoder_id: str, real_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "music" / "metal").mkdir(parents=True)
    (tmp_path / "music" / "metal" / "1.flac").symlink_to(track(real_weights, "metal", 1))
    desk = Desk(tmp_path / "cache", device="cpu")
    desk.open(tmp_path / "one.musicclass", create=True)
    desk.taught(plan_drop([tmp_path / "music"], budget_s=None), Wanted(0, encoder=encoder_id), Token(), silently)
    desk.close()
    path = track(real_weights, "metal", 2)
    wanted = Request(path, (f"tags-{encoder_id}",), device="cpu", picture=False, project=str(tmp_path / "one.musicclass"))
    analyst = Analyst(tmp_path / "cache")
    assert [one.kind for one in analyst.analyse(wanted, Token(), silently)] == ["tags", "classes"]
    assert len(analyst._encoders) == 1
