"""Strangers' files are read as data or refused in one sentence, whatever is in them; nothing in them is ever run or believed."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from musicclass_gui.engine.encoders import opening
from musicclass_gui.engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMED = {"a.weight": torch.arange(12.0).reshape(3, 4), "a.bias": torch.zeros(3), "steps": torch.tensor(7)}
DAMAGED = 300


def safetensors(path: Path, header: dict[str, Any] | bytes, data: bytes = b"", length: int | None = None) -> Path:
    """A safetensors file that says anything."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(shape: list[Any], offsets: list[Any], dtype: str = "F32") -> dict[str, Any]:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def refused(path: Path, match: str, read: Callable[[Path], object] = opening.tensors) -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def write_safetensors(path: Path) -> None:
    save_file(NAMED, path)


def write_torch(path: Path) -> None:
    torch.save(NAMED, path)


def write_old_torch(path: Path) -> None:
    torch.save(NAMED, path, _use_new_zipfile_serialization=False)


def write_h5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name in ("conv", "dense"):
            file.create_dataset(f"{name}/{name}/kernel:0", data=np.arange(24, dtype=np.float32).reshape(2, 3, 4))
            file.create_dataset(f"{name}/packed", data=np.zeros((8, 8), np.float32), compression="gzip")


def write_json(path: Path) -> None:
    path.write_text(json.dumps({"model_type": "clap", "sizes": [1, 2, 3], "audio": {"rate": 48000, "scale": 1.5e-3, "name": "x"}}))


class TestRightFiles:
    @pytest.mark.parametrize(
        ("name", "write"),
        [("a.safetensors", write_safetensors), ("a.bin", write_torch), ("a.pth", write_old_torch)],
        ids=["safe", "zip", "old"],
    )
    def test_tensors_come_back(self, tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
        write(tmp_path / name)
        found = opening.tensors(tmp_path / name)
        assert found.keys() == NAMED.keys()
        assert all(torch.equal(found[key], NAMED[key]) for key in NAMED)

    def test_a_checkpoint_gives_its_state(self, tmp_path: Path) -> None:
        torch.save({"state_dict": NAMED, "epoch": 3}, tmp_path / "a.ckpt")
        assert opening.tensors(tmp_path / "a.ckpt").keys() == NAMED.keys()

    def test_tensors_that_share_what_is_stored(self, tmp_path: Path) -> None:
        shared = torch.ones(1000)
        torch.save({"a": shared, "b": shared.view(10, 100)}, tmp_path / "a.pt")
        assert opening.tensors(tmp_path / "a.pt")["b"].shape == (10, 100)

    def test_every_type_of_number_that_safetensors_has(self, tmp_path: Path) -> None:
        kinds = (torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool)
        save_file({str(kind): torch.ones(3, dtype=kind) for kind in kinds}, tmp_path / "a.safetensors")
        assert len(opening.tensors(tmp_path / "a.safetensors")) == len(kinds)

    def test_arrays_by_their_path(self, tmp_path: Path) -> None:
        write_h5(tmp_path / "a.h5")
        found = opening.arrays_h5(tmp_path / "a.h5")
        assert found["conv/conv/kernel:0"].shape == (2, 3, 4)
        assert set(found) == {"conv/conv/kernel:0", "conv/packed", "dense/dense/kernel:0", "dense/packed"}

    def test_only_the_fields_that_were_asked_for(self, tmp_path: Path) -> None:
        write_json(tmp_path / "config.json")
        assert opening.config(tmp_path / "config.json", ("model_type", "auto_map")) == {"model_type": "clap"}


class TestSafetensors:
    @pytest.mark.parametrize(
        ("header", "data", "length", "match"),
        [
            ({}, b"", 1 << 62, "header is longer"),
            ({}, b"", 100, "header is longer"),
            (entry([1 << 40, 1 << 40], [0, 16]), bytes(16), None, "not that of its shape"),
            (entry([4], [0, 1 << 50]), bytes(16), None, "not that of its shape"),
            (entry([1 << 48], [0, 1 << 50]), bytes(16), None, "take 1,125,899,906,842,624 bytes"),
            (entry([-4], [0, 16]), bytes(16), None, "is none"),
            (entry([4], [-16, 0]), bytes(16), None, "is none"),
            (entry([True], [0, 4]), bytes(4), None, "is none"),
            (entry([4], [4, 20]), bytes(20), None, "overlap or leave gaps"),
            (entry([4], [0, 16]), bytes(24), None, "take 16 bytes, and it has 24"),
            (entry([4], [0, 16], "F99"), bytes(16), None, "no weights"),
            ({**entry([4], [0, 16]), "v": entry([4], [0, 16])["w"]}, bytes(16), None, "overlap"),
            ({"w": 5}, b"", None, "no weights"),
            (b"[" * 100_000, b"", None, "no weights"),
            (b"\xff\xff", b"", None, "no weights"),
            (b"[1]", b"", None, "header is none"),
        ],
    )
    def test_a_header_that_cannot_be_right(self, tmp_path: Path, header: Any, data: bytes, length: int | None, match: str) -> None:
        refused(safetensors(tmp_path / "a.safetensors", header, data, length), match)

    def test_half_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a.safetensors"
        write_safetensors(path)
        path.write_bytes(path.read_bytes()[:-20])
        refused(path, "bytes, and it has")

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.safetensors").touch()
        refused(tmp_path / "a.safetensors", "header is longer")


class TestTorch:
    @pytest.mark.parametrize("old", [False, True])
    def test_code_is_not_run(self, tmp_path: Path, old: bool) -> None:
        class Wicked:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.mkdir, (str(tmp_path / "it ran"),)

        torch.save({"w": Wicked()}, tmp_path / "a.bin", _use_new_zipfile_serialization=not old)
        refused(tmp_path / "a.bin", "program code, which is never run")
        assert not (tmp_path / "it ran").exists()

    def test_an_archive_that_unpacks_to_far_more_than_it_is(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/data.pkl", b"\x80\x02}q\x00.")
            archive.writestr("a/version", b"3\n")
            archive.writestr("a/data/0", bytes(100 << 20))
        refused(tmp_path / "a.pt", "it holds 104,857,6")

    def test_a_tensor_of_endless_size_on_little_storage(self, tmp_path: Path) -> None:
        torch.save({"w": torch.zeros(1).expand(1 << 20, 1 << 20)}, tmp_path / "a.pt")
        refused(tmp_path / "a.pt", "would take more than")

    @pytest.mark.parametrize("old", [False, True])
    def test_a_storage_of_endless_size(self, tmp_path: Path, old: bool) -> None:
        write = torch.zeros(0x01020304 >> 8)
        torch.save({"w": write}, tmp_path / "a.pt", _use_new_zipfile_serialization=not old)
        data = (tmp_path / "a.pt").read_bytes()
        wrong = data.replace(b"J\x03\x02\x01\x00", b"J\xff\xff\xff\x7f")
        assert wrong != data
        (tmp_path / "a.pt").write_bytes(wrong)
        refused(tmp_path / "a.pt", "a.pt")

    @pytest.mark.parametrize("wrong", [[torch.zeros(2)], {"w": 5}, {5: torch.zeros(2)}, {"w": "text"}, torch.zeros(2)], ids=str)
    def test_something_else_than_named_tensors(self, tmp_path: Path, wrong: Any) -> None:
        torch.save(wrong, tmp_path / "a.pt")
        refused(tmp_path / "a.pt", "something else than named tensors")

    @pytest.mark.filterwarnings("ignore:Sparse invariant")
    @pytest.mark.parametrize("wrong", [torch.zeros(2, dtype=torch.complex64), torch.eye(2).to_sparse()], ids=["complex", "sparse"])
    def test_tensors_of_a_kind_that_no_model_has(self, tmp_path: Path, wrong: torch.Tensor) -> None:
        torch.save({"w": wrong}, tmp_path / "a.pt")
        refused(tmp_path / "a.pt", "of a kind that no model has")

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    @pytest.mark.parametrize("kind", ["safetensors", "pt"])
    def test_weights_that_are_not_finite(self, tmp_path: Path, value: float, kind: str) -> None:
        wrong, path = {"w": torch.tensor([1.0, value])}, tmp_path / f"a.{kind}"
        save_file(wrong, path) if kind == "safetensors" else torch.save(wrong, path)
        refused(path, "not finite")


class TestH5:
    def read(self, path: Path) -> object:
        return opening.arrays_h5(path)

    def test_what_is_stored_in_another_file_is_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(bytes(16))
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("w", (4,), np.float32, external=[(str(tmp_path / "secret"), 0, 16)])
        refused(tmp_path / "a.h5", "in another file", opening.arrays_h5)

    def test_an_array_made_of_other_files_is_not_read(self, tmp_path: Path) -> None:
        write_h5(tmp_path / "b.h5")
        layout = h5py.VirtualLayout((2, 3, 4), np.float32)
        layout[:] = h5py.VirtualSource(tmp_path / "b.h5", "conv/conv/kernel:0", (2, 3, 4))
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_virtual_dataset("w", layout)
        refused(tmp_path / "a.h5", "in another file", opening.arrays_h5)

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        write_h5(tmp_path / "b.h5")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["out"] = h5py.ExternalLink(str(tmp_path / "b.h5"), "conv")
            file["soft"] = h5py.SoftLink("/out")
            file["ring"] = h5py.SoftLink("/ring")
        assert opening.arrays_h5(tmp_path / "a.h5") == {}

    @pytest.mark.parametrize("more", [{}, {"compression": "gzip", "chunks": (1 << 14, 1 << 14)}], ids=["nothing stored", "large chunks"])
    def test_an_absurd_shape(self, tmp_path: Path, more: dict[str, Any]) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("w", (1 << 20, 1 << 20), np.float32, **more)
        refused(tmp_path / "a.h5", "would take more than", opening.arrays_h5)

    def test_many_that_are_absurd_together(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            for number in range(200):
                file.create_dataset(f"w{number}", (64, 1024), np.float32, compression="gzip", data=np.zeros((64, 1024), np.float32))
        refused(tmp_path / "a.h5", "would take more than", opening.arrays_h5)

    @pytest.mark.parametrize("value", [np.nan, 1e300])
    def test_weights_that_are_not_finite(self, tmp_path: Path, value: float) -> None:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["w"] = np.array([1.0, value])
        refused(tmp_path / "a.h5", "not finite", opening.arrays_h5)


class TestJson:
    def read(self, path: Path) -> object:
        return opening.config(path, ("a",))

    @pytest.mark.parametrize(
        ("text", "match"),
        [
            (b"[" * 200_000, "not valid JSON"),
            (b'{"a": ' + b"9" * 10_000 + b"}", "not valid JSON"),
            (b'{"a": NaN}', "NaN is no number"),
            (b'{"a": 1e999}', "1e999 is no number"),
            (b"[1]", "does not describe"),
            (b"\xff\xfe", "not valid JSON"),
            (b"", "not valid JSON"),
            (b" " * (17 << 20), "more than any model"),
        ],
        ids=["deep", "long number", "NaN", "too large", "list", "not text", "empty", "huge"],
    )
    def test_absurd_ones(self, tmp_path: Path, text: bytes, match: str) -> None:
        (tmp_path / "config.json").write_bytes(text)
        refused(tmp_path / "config.json", match, self.read)

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        refused(tmp_path / "config.json", "No such file", self.read)


class TestPlaces:
    def test_a_name_or_a_link_that_leads_out(self, tmp_path: Path) -> None:
        folder = tmp_path / "model"
        folder.mkdir()
        (tmp_path / "secret").touch()
        (folder / "link").symlink_to(tmp_path / "secret")
        for name in ("link", "../secret", "/etc/passwd", "a/../../secret"):
            with pytest.raises(WeightsError, match="leads out of its folder"):
                opening.inside(folder, name)
        assert opening.inside(folder, "file") == folder / "file"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this file system")
    @pytest.mark.parametrize("read", [opening.tensors, opening.arrays_h5, lambda path: opening.config(path, ())])
    def test_a_pipe_does_not_hang(self, tmp_path: Path, read: Callable[[Path], object]) -> None:
        os.mkfifo(tmp_path / "a.bin")
        refused(tmp_path / "a.bin", "it is no file", read)

    @pytest.mark.parametrize("read", [opening.tensors, opening.arrays_h5])
    def test_a_folder_is_no_file(self, tmp_path: Path, read: Callable[[Path], object]) -> None:
        refused(tmp_path, "it is no file", read)

    def test_a_sparse_file_of_terabytes(self, tmp_path: Path) -> None:
        with (tmp_path / "a.pt").open("wb") as file:
            file.truncate(1 << 40)
        refused(tmp_path / "a.pt", "more than any model")


def damage(data: bytes, random: np.random.Generator) -> bytes:
    """Bytes flipped, cut off, cut out, doubled or blanked; mostly near the start, where files say what they are."""
    made = bytearray(data)
    for _ in range(random.integers(1, 4)):
        reach = len(made) if random.random() < 0.5 else min(len(made), 400)
        place = int(random.integers(0, max(1, reach)))
        length = int(random.integers(1, 40))
        kind = random.integers(0, 6)
        if kind == 0:
            made[place : place + length] = random.bytes(len(made[place : place + length]))
        elif kind == 1 and place < len(made):
            made[place] ^= 1 << int(random.integers(0, 8))
        elif kind == 2:
            del made[place:]
        elif kind == 3:
            del made[place : place + length]
        elif kind == 4:
            made[place:place] = made[place : place + length]
        else:
            made[place : place + length] = b"\xff" * len(made[place : place + length])
    return bytes(made)


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [
        ("a.safetensors", write_safetensors, opening.tensors),
        ("a.bin", write_torch, opening.tensors),
        ("a.pth", write_old_torch, opening.tensors),
        ("a.h5", write_h5, opening.arrays_h5),
        ("a.json", write_json, lambda path: opening.config(path, ("model_type", "audio"))),
    ],
    ids=["safetensors", "torch", "old torch", "h5", "json"],
)
def test_damaged_files_are_one_sentence_or_still_right(
    tmp_path: Path, name: str, write: Callable[[Path], None], read: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    write(path)
    data, random = path.read_bytes(), np.random.default_rng(6)
    sentences = []
    for _ in range(DAMAGED):
        path.write_bytes(damage(data, random))
        try:
            read(path)
        except WeightsError as error:
            sentences.append(str(error))
    assert len(sentences) > DAMAGED / 4
    assert not any("\n" in sentence for sentence in sentences)
