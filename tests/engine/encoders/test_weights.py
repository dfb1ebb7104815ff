"""Weights are found and checked: what is not there, or not right, is one sentence."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from musicclass_gui.engine.encoders import EncoderSpec, WeightsFile, WeightsSource, mobilenet, timbre, weights
from musicclass_gui.engine.errors import WeightsError
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = bytes(range(256)) * 8192  # 2 MiB
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
        (WeightsFile("made.bin", "http://nowhere.invalid/made.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()),),
    ),
)


def target(folder: Path) -> Path:
    return folder / "made" / "made.bin"


def place(folder: Path, content: bytes = CONTENT) -> Path:
    target(folder).parent.mkdir(parents=True, exist_ok=True)
    target(folder).write_bytes(content)
    return target(folder)


class TestFind:
    def test_takes_the_first_folder_that_has_the_file(self, tmp_path: Path) -> None:
        expected = place(tmp_path / "b")
        place(tmp_path / "c")
        assert weights.find(SPEC, [tmp_path / "a", tmp_path / "b", tmp_path / "c"]) == expected

    def test_a_damaged_file_does_not_hide_the_right_one(self, tmp_path: Path) -> None:
        place(tmp_path / "a", CONTENT[:-1])
        expected = place(tmp_path / "b")
        assert weights.find(SPEC, [tmp_path / "a", tmp_path / "b"]) == expected

    def test_an_explicit_file_wins_over_folders(self, tmp_path: Path) -> None:
        place(tmp_path)
        mine = tmp_path / "mine.bin"
        mine.write_bytes(CONTENT)
        assert weights.find(SPEC, [tmp_path], mine) == mine

    def test_missing_says_where_it_looked_and_how_to_get_them(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="musicclass models fetch made") as caught:
            weights.find(SPEC, [tmp_path / "a", tmp_path / "b"])
        assert str(target(tmp_path / "a")) in str(caught.value)
        assert str(target(tmp_path / "b")) in str(caught.value)

    def test_without_folders_it_says_that_none_is_set(self) -> None:
        with pytest.raises(WeightsError, match="no folder"):
            weights.find(SPEC, [])

    def test_wrong_size_is_named(self, tmp_path: Path) -> None:
        place(tmp_path, CONTENT[:-1])
        with pytest.raises(WeightsError, match="2,097,151 bytes instead of 2,097,152"):
            weights.find(SPEC, [tmp_path])

    def test_one_flipped_bit_is_seen(self, tmp_path: Path) -> None:
        place(tmp_path, CONTENT[:-1] + b"\x00")
        with pytest.raises(WeightsError, match="checksum"):
            weights.find(SPEC, [tmp_path])

    def test_a_file_changed_after_it_was_found_good_is_seen(self, tmp_path: Path) -> None:
        path = place(tmp_path)
        weights.find(SPEC, [tmp_path])
        path.write_bytes(b"\x01" + CONTENT[1:])
        with pytest.raises(WeightsError, match="checksum"):
            weights.find(SPEC, [tmp_path])

    def test_an_explicit_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="No such file"):
            weights.find(SPEC, [], tmp_path / "gone.bin")

    def test_an_explicit_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="not the published"):
            weights.find(SPEC, [], tmp_path)

    def test_an_encoder_without_weights_has_none_to_find(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match="timbre has no weights"):
            weights.find(timbre.SPEC, [tmp_path])

    def test_the_real_file_is_accepted(self, data_dir: Path) -> None:
        assert weights.find(mobilenet.SPEC, [data_dir / "weights"]).name == "mn04_as_mAP_432.pt"


SEVERAL = replace(
    SPEC,
    id="several",
    weights=WeightsSource(
        "http://nowhere.invalid", "MIT", (WeightsFile("config.json"), WeightsFile("model.safetensors|model.bin")), "shared"
    ),
)


def several(folder: Path, *names: str) -> Path:
    """Files of these names in the sub-folder of `SEVERAL`, which is returned."""
    inside = folder / "shared"
    inside.mkdir(parents=True, exist_ok=True)
    for name in names:
        (inside / name).write_bytes(b"something")
    return inside


class TestSeveralFiles:
    @pytest.mark.parametrize("name", ["model.safetensors", "model.bin"])
    def test_their_folder_is_found_whichever_of_interchangeable_files_is_there(self, tmp_path: Path, name: str) -> None:
        folder = several(tmp_path, "config.json", name)
        assert weights.find(SEVERAL, [tmp_path / "a", tmp_path]) == folder
        assert weights.path_of(folder, weights.source_of(SEVERAL).files[1]) == folder / name

    def test_the_first_of_interchangeable_names_is_preferred(self, tmp_path: Path) -> None:
        folder = several(tmp_path, "config.json", "model.safetensors", "model.bin")
        assert weights.path_of(folder, weights.source_of(SEVERAL).files[1]).name == "model.safetensors"

    def test_the_one_that_is_missing_is_named(self, tmp_path: Path) -> None:
        several(tmp_path, "config.json")
        with pytest.raises(WeightsError, match=r"model.safetensors: No such file"):
            weights.find(SEVERAL, [tmp_path])

    def test_a_shared_folder_with_none_of_them_counts_as_missing(self, tmp_path: Path) -> None:
        several(tmp_path, "another.bin")
        with pytest.raises(WeightsError, match="are missing"):
            weights.find(SEVERAL, [tmp_path])

    def test_an_explicit_folder_is_taken_as_it_is(self, tmp_path: Path) -> None:
        folder = several(tmp_path, "config.json", "model.bin")
        assert weights.find(SEVERAL, [], folder) == folder

    def test_what_cannot_be_fetched_says_where_it_is(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match=r"get them from http://nowhere\.invalid"):
            weights.find(SEVERAL, [tmp_path])


class TestLinks:
    def test_one_that_leads_out_of_the_folder_is_refused(self, tmp_path: Path) -> None:
        elsewhere = place(tmp_path / "elsewhere")
        target(tmp_path / "weights").parent.mkdir(parents=True)
        target(tmp_path / "weights").symlink_to(elsewhere)
        with pytest.raises(WeightsError, match="link that leads out"):
            weights.find(SPEC, [tmp_path / "weights"])

    def test_one_in_a_folder_of_several_files_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        folder = several(tmp_path / "weights", "config.json")
        (folder / "model.bin").symlink_to(tmp_path / "secret")
        for folders, explicit in (([tmp_path / "weights"], None), ([], folder)):
            with pytest.raises(WeightsError, match=r"model\.bin: it is a link that leads out"):
                weights.find(SEVERAL, folders, explicit)

    def test_one_that_stays_inside_is_followed(self, tmp_path: Path) -> None:
        place(tmp_path).rename(tmp_path / "made.real")
        target(tmp_path).symlink_to(tmp_path / "made.real")
        assert weights.find(SPEC, [tmp_path]) == target(tmp_path)

    def test_the_users_own_folder_may_be_one(self, tmp_path: Path) -> None:
        place(tmp_path / "disk")
        (tmp_path / "weights").symlink_to(tmp_path / "disk")
        assert weights.find(SPEC, [tmp_path / "weights"]) == target(tmp_path / "weights")

    def test_a_ring_of_links_is_one_sentence(self, tmp_path: Path) -> None:
        target(tmp_path).parent.mkdir()
        target(tmp_path).symlink_to(target(tmp_path))
        with pytest.raises(WeightsError, match="not the published"):
            weights.find(SPEC, [tmp_path])
