"""Lists: which recordings a text file names, whoever wrote it on whichever system."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from musicclass_gui.engine import extract_list
from musicclass_gui.engine.errors import ExtractError


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def paths(list_file: Path) -> list[str]:
    return [path for _, path in extract_list.read(list_file)]


def test_each_line_is_a_path_beside_the_list_or_where_the_program_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, here = tmp_path / "lists", tmp_path / "here"
    for folder in (beside, here):
        folder.mkdir()
        (folder / "both.wav").touch()
    (here / "only here.wav").touch()
    monkeypatch.chdir(here)
    listed = written(beside / "list.txt", f"both.wav\nonly here.wav\nnowhere.wav\n{tmp_path}/a/../b.wav\n")
    assert paths(listed) == [f"{beside}/both.wav", f"{here}/only here.wav", f"{beside}/nowhere.wav", f"{tmp_path}/b.wav"]


def test_blank_lines_and_remarks_are_left_out_and_line_ends_of_all_systems_are_known(tmp_path: Path) -> None:
    listed = written(tmp_path / "list.m3u", "#EXTM3U\r\n\r\n  a.wav \r\n   \r./#1.wav\n#b.wav\nc d.wav")
    assert paths(listed) == [str(tmp_path / name) for name in ("a.wav", "#1.wav", "c d.wav")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_names_in_any_script_are_read(tmp_path: Path, encoding: str) -> None:
    names = ["Für Elise.wav", "夜曲 第2番.flac", "אריה.mp3", "🎻.ogg", "line\u2028inside.wav"]
    assert paths(written(tmp_path / "list.txt", "\n".join(names).encode(encoding))) == [str(tmp_path / name) for name in names]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
def test_a_name_that_is_no_text_is_found_as_the_system_spells_it(tmp_path: Path) -> None:
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9.wav")
    open(name, "wb").close()
    [found] = paths(written(tmp_path / "list.txt", name + b"\n"))
    assert os.path.exists(found)


def test_a_path_that_comes_again_has_the_number_that_it_had(tmp_path: Path) -> None:
    found = extract_list.read(written(tmp_path / "list.txt", "a.wav\nb.wav\n./a.wav\nc.wav\n"))
    assert list(found.lines) == [0, 1, 0, 2]
    assert [found.path(number) for number in range(3)] == [str(tmp_path / name) for name in ("a.wav", "b.wav", "c.wav")]


def test_two_lists_differ_by_order_and_by_what_comes_again(tmp_path: Path) -> None:
    texts = ["a\nb\n", "b\na\n", "a\nb\na\n", "ab\n"]
    digests = {extract_list.read(written(tmp_path / "list.txt", text)).digest for text in texts}
    assert len(digests) == len(texts)
    assert extract_list.given([tmp_path / "a", tmp_path / "b"]).digest in digests


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is a folder; name a text file"),
        (lambda path: path.write_bytes(b"RIFF\x00\x00\x01\x00"), "is no list but some other file"),
        (lambda path: None, r"cannot be read \(No such file"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(tmp_path: Path, make: object, said: str) -> None:
    assert callable(make)
    make(tmp_path / "list.txt")
    with pytest.raises(ExtractError, match=said):
        extract_list.read(tmp_path / "list.txt")


def test_a_name_that_cannot_be_one_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match="cannot be read"):
        extract_list.read(Path(f"{tmp_path}/a\0b"))
