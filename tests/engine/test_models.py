"""The manager: what it says of each encoder, and fetching, adding, checking and removing, which leave nothing behind when they fail."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from encoders.hubert_folders import made_model, save_new
from encoders.imitated_hub import Hub, imitated

from musicclass_gui.engine import encoders, models, places
from musicclass_gui.engine.cache import Cache, Embedded
from musicclass_gui.engine.encoders import View, WeightsFile, hubert, registry, table, weights
from musicclass_gui.engine.errors import Cancelled, EncoderError, WeightsError
from musicclass_gui.engine.plain import from_plain, to_plain
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from musicclass_gui.engine.encoders import EncoderSpec


def row(encoder_id: str, weights_folder: str = "") -> models.ModelRow:
    return next(row for row in models.rows(weights_folder) if row.id == encoder_id)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def own_weights() -> Path:
    return places.data_dir() / "weights"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A folder with a tiny net."""
    return save_new(tmp_path / "net", made_model())


@pytest.fixture
def hub(net: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has the tiny net, which the table has under “tiny”, and a second encoder on the same files."""
    described = hubert.spec_of(net, "tiny", "Tiny")
    source = weights.source_of(described)
    described = replace(described, weights=replace(source, hub="someone/model", folder="shared", licence="CC-BY-NC-4.0: not for money."))
    twin = replace(described, id="tiny-normalised")
    ours = table.rows()
    monkeypatch.setattr(table, "rows", lambda: (*ours, described, twin))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with imitated(everything(net)) as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made


class TestRows:
    def test_there_is_one_for_every_encoder_and_it_travels(self) -> None:
        found = models.rows()
        assert [one.id for one in found] == list(encoders.specs())
        assert [from_plain(models.ModelRow, to_plain(one)) for one in found] == found

    def test_what_needs_no_weights_is_built_in(self) -> None:
        timbre = row("timbre")
        assert (timbre.state, timbre.place, timbre.can_fetch, timbre.can_remove) == ("built in", "", False, False)

    def test_what_is_not_there_says_how_to_get_it(self) -> None:
        missing = row("mn04-as")
        assert (missing.state, missing.place, missing.can_fetch, missing.can_remove) == ("missing", "", True, False)
        assert missing.size_bytes == 4_066_513
        assert "models fetch mn04-as" in missing.detail
        assert missing.licence.startswith("MIT")

    def test_what_is_in_the_users_folder_is_ready_and_not_ours_to_remove(self, data_dir: Path) -> None:
        found = row("mn04-as", str(data_dir / "weights"))
        assert (found.state, found.can_remove, found.detail) == ("ready", False, "")
        assert found.place == str(data_dir / "weights" / "mn04-as" / "mn04_as_mAP_432.pt")

    def test_a_wrong_file_is_damaged_and_says_where(self, tmp_path: Path) -> None:
        path = tmp_path / "mn04-as" / "mn04_as_mAP_432.pt"
        path.parent.mkdir()
        path.write_bytes(b"half")
        found = row("mn04-as", str(tmp_path))
        assert (found.state, found.place, found.size_bytes) == ("damaged", str(path), 4)
        assert "4 bytes instead of 4,066,513" in found.detail

    def test_what_was_interrupted_can_go_on(self) -> None:
        part = own_weights() / "mn04-as" / "mn04_as_mAP_432.pt.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"half")
        assert (row("mn04-as").state, row("mn04-as").can_remove) == ("partial", True)
        models.remove("mn04-as")
        assert not part.parent.exists()


class TestFetch:
    def test_it_is_ready_and_ours_to_remove(self, hub: Hub) -> None:
        found = models.fetch("tiny", Token())
        assert (found.state, found.can_remove, found.own) == ("ready", True, False)
        assert found.place == str(own_weights() / "shared")
        assert found == row("tiny")
        assert models.disk()[0] == found.size_bytes == sum(map(len, everything(own_weights()).values()))

    def test_once_verified_its_checks_are_shown(self, hub: Hub) -> None:
        models.fetch("tiny", Token())
        assert row("tiny").checks == []
        assert all(check.ok for check in models.verify("tiny", "", Token()).checks)
        assert len(row("tiny").checks) == 5

    def test_removing_deletes_it_for_all_that_are_made_of_the_same_files(self, hub: Hub) -> None:
        models.fetch("tiny", Token())
        assert row("tiny-normalised").state == "ready"
        models.remove("tiny-normalised")
        assert not (own_weights() / "shared").exists()
        assert (row("tiny").state, models.disk()[0]) == ("missing", 0)

    def test_removing_leaves_what_another_needs(self, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        spec = encoders.specs()["tiny"]
        small = replace(spec, id="small", weights=replace(weights.source_of(spec), files=(WeightsFile("config.json"),)))
        ours = table.rows()
        monkeypatch.setattr(table, "rows", lambda: (*ours, small))
        models.fetch("tiny", Token())
        models.remove("small")
        assert row("tiny").state == "ready"

    def test_what_was_not_fetched_by_us_is_not_deleted(self, data_dir: Path) -> None:
        with pytest.raises(EncoderError, match="nothing to remove"):
            models.remove("timbre")
        with pytest.raises(EncoderError, match="nothing to remove"):
            models.remove("mn04-as")

    def test_a_folder_that_is_a_link_to_the_users_own_is_not_emptied(self, data_dir: Path, tmp_path: Path) -> None:
        shutil.copytree(data_dir / "weights" / "mn04-as", tmp_path / "mine")
        own_weights().mkdir(parents=True)
        (own_weights() / "mn04-as").symlink_to(tmp_path / "mine", target_is_directory=True)
        assert not row("mn04-as").can_remove
        with pytest.raises(EncoderError, match="nothing to remove"):
            models.remove("mn04-as")
        assert (tmp_path / "mine" / "mn04_as_mAP_432.pt").exists()

    def test_an_encoder_that_is_none(self) -> None:
        with pytest.raises(EncoderError, match="There is no encoder “x”"):
            models.fetch("x", Token())

    def test_what_nobody_offers_cannot_be_fetched(self) -> None:
        offered = next(spec for spec in encoders.specs().values() if spec.weights and not spec.weights.can_be_fetched)
        with pytest.raises(WeightsError, match="cannot be fetched by a program"):
            models.fetch(offered.id, Token())


class TestAdd:
    def test_it_is_loaded_tested_and_listed(self, net: Path) -> None:
        before = everything(net)
        found = models.add(net, "Mine", Token())
        assert (found.id, found.own, found.state, found.can_remove, found.can_fetch) == ("mine", True, "ready", True, False)
        assert found.place == str(net)
        assert [check.what for check in found.checks] == ["Weights", "Shape", "Finite", "Silence", "Batch"]
        models.remove("mine")
        assert "mine" not in encoders.specs()
        assert everything(net) == before

    @pytest.mark.parametrize("wrong", ["half", "code", "NaN", "another net"])
    def test_one_that_cannot_be_used_leaves_nothing_behind(self, net: Path, tmp_path: Path, wrong: str) -> None:
        class Wicked:
            def __reduce__(self) -> tuple[object, ...]:
                return (tmp_path / "it ran").mkdir, ()

        path = net / "model.safetensors"
        state = made_model().state_dict()
        if wrong == "half":
            path.write_bytes(path.read_bytes()[:-100])
        else:
            path.unlink()
            state = {"NaN": {name: tensor * float("nan") for name, tensor in state.items()}, "another net": {"w": torch.zeros(3)}}.get(
                wrong, state
            )
            torch.save({**state, "extra": Wicked()} if wrong == "code" else state, net / "pytorch_model.bin")
        before = everything(net)
        with pytest.raises(EncoderError) as caught:
            models.add(net, "Mine", Token())
        assert "\n" not in str(caught.value)
        assert "mine" not in encoders.specs()
        assert registry.rows() == ()
        assert everything(net) == before
        assert not (tmp_path / "it ran").exists()

    def test_cancelling_leaves_nothing_behind(self, net: Path) -> None:
        token = Token(lambda fraction, _: token.cancel() if fraction > 0.2 else None)
        with pytest.raises(Cancelled):
            models.add(net, "Mine", token)
        assert registry.rows() == ()

    def test_progress_only_goes_on(self, net: Path) -> None:
        heard: list[float] = []
        models.add(net, "Mine", Token(lambda fraction, _: heard.append(fraction)))
        assert heard == sorted(heard)
        assert len(heard) >= 4


class TestVerify:
    def test_what_needs_no_weights_can_be_tested_too(self) -> None:
        assert all(check.ok for check in models.verify("timbre", "", Token()).checks)
        assert row("timbre").checks

    def test_the_real_one(self, data_dir: Path) -> None:
        found = models.verify("mn04-as", str(data_dir / "weights"), Token())
        assert all(check.ok for check in found.checks)
        assert row("mn04-as", str(data_dir / "weights")).checks == found.checks

    def test_missing_ones_are_a_sentence(self) -> None:
        with pytest.raises(WeightsError, match="models fetch mn04-as"):
            models.verify("mn04-as", "", Token())

    def test_a_file_whose_size_and_time_are_as_before_is_hashed_again(self, hub: Hub) -> None:
        models.fetch("tiny", Token())
        path = own_weights() / "shared" / "model.safetensors"
        before = path.stat()
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert row("tiny").state == "ready"
        with pytest.raises(WeightsError, match="is another file than the one that was first used as tiny"):
            models.verify("tiny", "", Token())

    def test_accepting_other_files_drops_what_was_computed_with_the_old(self, hub: Hub, tmp_path: Path) -> None:
        models.fetch("tiny", Token())
        models.verify("tiny", "", Token())
        spec, cache = encoders.specs()["tiny"], Cache(places.cache_dir())
        kept = Embedded(np.zeros((1, 24), np.float32), [(0.0, 5.0)], np.ones(1, np.bool_), np.zeros((1, 4, 24), np.float16))
        cache.remember_embedded("a", spec, spec.grid, kept)
        shutil.copy(save_new(tmp_path / "new", made_model(seed=9)) / "model.safetensors", own_weights() / "shared" / "model.safetensors")
        assert row("tiny").state == "damaged"
        with pytest.raises(WeightsError, match="verify tiny --accept"):
            models.verify("tiny", "", Token())
        assert cache.embedded("a", spec, spec.grid) is not None
        assert models.verify("tiny", "", Token(), accept=True).state == "ready"
        assert cache.embedded("a", spec, spec.grid) is None
        cache.close()

    def test_accepting_does_not_make_a_published_file_right(self, tmp_path: Path) -> None:
        path = tmp_path / "mn04-as" / "mn04_as_mAP_432.pt"
        path.parent.mkdir()
        path.write_bytes(bytes(4_066_513))
        with pytest.raises(WeightsError, match="checksum differs"):
            models.verify("mn04-as", str(tmp_path), Token(), accept=True)

    def test_a_mix_is_tested_as_its_base(self, net: Path) -> None:
        models.add(net, "Mine", Token())
        spec: EncoderSpec = registry.add_mix("mine", "Mix", View((0.25,) * 4))
        found = models.verify(spec.id, "", Token())
        assert (found.id, found.state, found.own) == (spec.id, "ready", True)
        models.remove(spec.id)
        assert "mine" in encoders.specs()
        assert row("mine").checks


class TestAnswers:
    def test_everything_can_be_asked_from_another_process(self, net: Path) -> None:
        def ask(**fields: object) -> object:
            return models.answer(fields, Token())

        added = from_plain(models.ModelRow, ask(do="add", folder=str(net), name="Mine", weights_folder="", device="cpu", offline=False))
        assert added.id == "mine"
        assert from_plain(models.ModelRow, ask(do="verify", id="mine", weights_folder="", device="cpu", accept=False)) == added
        assert added in [from_plain(models.ModelRow, one) for one in ask(do="rows", weights_folder="")]
        used, free = ask(do="disk")
        assert (used, free > 0) == (0, True)
        assert ask(do="remove", id="mine") is None
        assert "mine" not in encoders.specs()
