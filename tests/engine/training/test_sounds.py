"""Which recordings are trained on, and that they are decoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from training_data import made

from musicclass_gui.engine.errors import DataError
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.training import sounds

if TYPE_CHECKING:
    from pathlib import Path


def test_the_second_of_three_files_and_the_test_pieces_are_held_out(tmp_path: Path) -> None:
    found = sounds.find(made(tmp_path))
    assert len(found) == 20
    held_out = [sound.name for sound in found if sound.held_out]
    assert held_out == [
        *(f"gtzan-mini/{genre}/{genre}.{number:05d}.wav" for genre in ("blues", "rock") for number in (1, 4)),
        "composers/audio/Ravel.wav",
        "instruments/philharmonia/oboe/oboe_1.wav",
    ]
    assert {sound.label for sound in found} == {"gtzan/blues", "gtzan/rock", "philharmonia/oboe", "composers/Bach", "composers/Ravel"}


def test_the_shares_are_those_that_were_asked_for(data_dir: Path) -> None:
    found = sounds.find(data_dir)
    held_out = {name: sum(sound.held_out for sound in found if sound.collection == name) for name in {s.collection for s in found}}
    assert held_out == {"gtzan": 20, "composers": 46, "freesound10": 70, "philharmonia": 80}


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give the folder"):
        sounds.find(tmp_path)


def test_samples_are_at_the_rate_and_decoded_once(tmp_path: Path) -> None:
    found = sounds.find(made(tmp_path / "data"))
    first = sounds.samples(found, 32_000, tmp_path / "pcm", Token())
    assert {len(one) for one in first} == {32_000}
    assert 0.29 < np.abs(first[0]).max() / 32767 < 0.31
    for sound in found:
        sound.path.unlink()
    again = sounds.samples(found, 32_000, tmp_path / "pcm", Token())
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_what_is_no_recording_shifts_nothing(tmp_path: Path) -> None:
    before = sounds.find(made(tmp_path))
    for name in (".DS_Store", "._rock.00000.wav", "notes.txt"):
        (tmp_path / "gtzan-mini/rock" / name).write_bytes(b"x")
    (tmp_path / "gtzan-mini/rock/more").mkdir()
    assert sounds.find(tmp_path) == before


def test_a_table_without_its_columns_is_named(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "composers/maestro-v3.0.0.csv").write_text("canonical_composer\nBach")
    with pytest.raises(DataError, match="lacks one of"):
        sounds.find(tmp_path)


def test_other_sounds_of_the_same_name_have_another_fingerprint(tmp_path: Path) -> None:
    found = sounds.find(made(tmp_path))
    before = sounds.fingerprint(found)
    assert sounds.fingerprint(sounds.find(tmp_path)) == before
    found[0].path.write_bytes(found[1].path.read_bytes() + b"x")
    assert sounds.fingerprint(found) != before


def test_damaged_samples_are_named(tmp_path: Path) -> None:
    found = sounds.find(made(tmp_path / "data"))
    sounds.samples(found, 32_000, tmp_path / "pcm", Token())
    kept = sorted((tmp_path / "pcm").iterdir())[0]
    kept.write_bytes(kept.read_bytes()[:200])
    with pytest.raises(DataError, match="is damaged; remove it"):
        sounds.samples(found, 32_000, tmp_path / "pcm", Token())
