"""Fetching from a hub: only the encoder's files, at one commit, checked against what the hub states; broken downloads go on."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from encoders.imitated_hub import COMMIT, Hub, imitated
from huggingface_hub import constants

from musicclass_gui.engine import offline
from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource, fetching, trust, weights
from musicclass_gui.engine.errors import Cancelled, WeightsError
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = np.random.default_rng(1).bytes(2 << 20)
FILES = {
    "config.json": b'{"model_type": "made"}',
    "pytorch_model.bin": MODEL,
    "model.py": b"print('never fetched')",
    "README.md": b"# Never fetched",
}
SPEC = EncoderSpec(
    id="made",
    version="1",
    title="Made for tests",
    sample_rate=8000,
    grid=Grid(1.0, 1.0),
    dim=4,
    licence="MIT",
    weights=WeightsSource(
        "http://nowhere.invalid",
        "MIT",
        (WeightsFile("config.json"), WeightsFile("model.safetensors|pytorch_model.bin")),
        hub="someone/model",
        hub_bytes=len(MODEL),
    ),
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with imitated(FILES) as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made


def fetch(folder: Path, token: Token | None = None, spec: EncoderSpec = SPEC) -> Path:
    return fetching.fetch(spec, folder, token or Token())


def refused(folder: Path, match: str, spec: EncoderSpec = SPEC) -> None:
    """A fetch fails with one sentence and leaves nothing under the files' own names."""
    with pytest.raises(WeightsError, match=match) as caught:
        fetch(folder, spec=spec)
    assert "\n" not in str(caught.value)
    assert names(folder) <= {"config.json.part", "pytorch_model.bin.part"}


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "made").glob("*")}


def with_files(*files: WeightsFile) -> EncoderSpec:
    return replace(SPEC, weights=replace(weights.source_of(SPEC), files=files))


def test_only_the_encoders_files_come_and_no_links(tmp_path: Path, hub: Hub) -> None:
    folder = fetch(tmp_path)
    assert folder == tmp_path / "made" == weights.find(SPEC, [tmp_path])
    assert names(tmp_path) == {"config.json", "pytorch_model.bin"}
    assert (folder / "pytorch_model.bin").read_bytes() == MODEL
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert not any("README" in path or "model.py" in path for _, path, _ in hub.asked)


def test_all_files_are_of_one_commit(tmp_path: Path, hub: Hub) -> None:
    fetch(tmp_path)
    first, *others = [path for _, path, _ in hub.asked if "/resolve/" in path]
    assert "/resolve/main/" in first
    assert all(f"/resolve/{COMMIT}/" in path for path in others)


def test_the_first_of_interchangeable_names_is_preferred(tmp_path: Path, hub: Hub) -> None:
    hub.files["model.safetensors"] = MODEL[:5000]
    fetch(tmp_path)
    assert names(tmp_path) == {"config.json", "model.safetensors"}


def test_progress_reaches_the_end_over_all_files(tmp_path: Path, hub: Hub) -> None:
    heard: list[tuple[float, str]] = []
    fetch(tmp_path, Token(lambda fraction, text: heard.append((fraction, text))))
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert heard[-1][1] == "pytorch_model.bin: 2.1 of 2.1 MB"


def test_what_is_there_and_right_is_not_fetched_again(tmp_path: Path, hub: Hub) -> None:
    fetch(tmp_path)
    hub.asked.clear()
    fetch(tmp_path)
    assert {method for method, _, _ in hub.asked} == {"HEAD"}


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path, hub: Hub) -> None:
    hub.cut = len(MODEL) // 2
    refused(tmp_path, "could not be downloaded")
    assert (tmp_path / "made" / "pytorch_model.bin.part").stat().st_size == hub.cut
    half, hub.cut = hub.cut, 0
    assert (fetch(tmp_path) / "pytorch_model.bin").read_bytes() == MODEL
    assert [asked for method, path, asked in hub.asked if method == "GET" and path.startswith("/store/")] == ["", f"bytes={half}-"]
    assert names(tmp_path) == {"config.json", "pytorch_model.bin"}


def test_cancelling_keeps_what_came_for_the_next_try(tmp_path: Path, hub: Hub) -> None:
    token = Token(lambda fraction, _: token.cancel() if fraction > 0.4 else None)
    with pytest.raises(Cancelled):
        fetch(tmp_path, token)
    assert names(tmp_path) == {"config.json.part", "pytorch_model.bin.part"}
    assert (fetch(tmp_path) / "pytorch_model.bin").read_bytes() == MODEL


@pytest.mark.parametrize("name", ["config.json", "pytorch_model.bin"])
def test_a_file_that_is_not_what_the_hub_states_is_not_kept(tmp_path: Path, hub: Hub, name: str) -> None:
    hub.spoil = lambda asked, content: content[:-1] + b"\x00" if asked == name else content
    refused(tmp_path, f"not the published {name} .its checksum differs")
    assert f"{name}.part" not in names(tmp_path)


def test_a_hub_that_has_another_file_than_the_table(tmp_path: Path, hub: Hub) -> None:
    refused(tmp_path, "now has another pytorch_model.bin", with_files(WeightsFile("pytorch_model.bin", sha256="0" * 64)))
    refused(tmp_path, "now has another pytorch_model.bin", with_files(WeightsFile("pytorch_model.bin", size_bytes=7)))
    right = WeightsFile("pytorch_model.bin", "", len(MODEL), hashlib.sha256(MODEL).hexdigest())
    assert fetch(tmp_path, spec=with_files(right)) == tmp_path / "made" / "pytorch_model.bin"


def test_a_file_that_the_repository_lacks(tmp_path: Path, hub: Hub) -> None:
    refused(tmp_path, "has no absent.bin", with_files(WeightsFile("absent.bin")))


def test_a_repository_that_is_not_there(tmp_path: Path, hub: Hub) -> None:
    hub.repository = "someone/else"
    refused(tmp_path, "could not be asked for at the repository someone/model")


def test_a_hub_that_is_ill(tmp_path: Path, hub: Hub) -> None:
    hub.status = 500
    refused(tmp_path, "could not be asked for")


def test_no_one_answers(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused(tmp_path, "check the connection")


def test_too_little_room_is_said_before_anything_is_fetched(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=1 << 20))
    refused(tmp_path, "2 MB are needed in .* where 1 MB are free")
    assert {method for method, _, _ in hub.asked} == {"HEAD"}


def test_the_hubs_library_is_offline_before_and_after(tmp_path: Path, hub: Hub) -> None:
    fetch(tmp_path)
    assert constants.HF_HUB_OFFLINE
    hub.status = 500
    refused(tmp_path / "other", "could not be asked for")
    assert constants.HF_HUB_OFFLINE


def test_while_offline_nothing_is_asked(tmp_path: Path, hub: Hub) -> None:
    offline.switch(True)
    try:
        refused(tmp_path, "told to stay offline")
    finally:
        offline.switch(False)
    assert hub.asked == []


def test_what_was_fetched_is_known_again(tmp_path: Path, hub: Hub) -> None:
    folder = fetch(tmp_path)
    (folder / "pytorch_model.bin").write_bytes(MODEL[::-1])
    assert "is another file than the one that was first used as made" in trust.problem(SPEC, folder)


def test_a_hub_whose_files_have_changed_since_is_refused_until_accepted(tmp_path: Path, hub: Hub) -> None:
    fetch(tmp_path)
    hub.files["pytorch_model.bin"] = MODEL[::-1]
    with pytest.raises(WeightsError, match="verify made --accept"):
        fetch(tmp_path)
    with pytest.raises(WeightsError, match="verify made --accept"):
        weights.find(SPEC, [tmp_path])
    assert trust.accept(SPEC, tmp_path / "made")
    assert weights.find(SPEC, [tmp_path]) == tmp_path / "made"
