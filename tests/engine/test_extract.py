"""Extraction: each line of a list ends as a row, whatever it names, in whatever format, once, also when it is interrupted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from extracted_files import RATE, listed, tune

from musicclass_gui.engine import cutting, encoders, extract_formats, places
from musicclass_gui.engine.cache import opened
from musicclass_gui.engine.errors import Cancelled, ExtractError, WeightsError
from musicclass_gui.engine.extract import Extracted, Failure, Note, extract
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from pathlib import Path

TIMBRE = encoders.specs()["timbre"]


def embedded(path: Path) -> Any:
    """What the encoder alone makes of a recording's windows."""
    windows = cutting.windows_of(path, TIMBRE.grid, TIMBRE.sample_rate, Token())
    return encoders.load("timbre").embed([window.samples for window in windows])


@pytest.fixture
def told() -> list[Failure | Note]:
    return []


@pytest.fixture
def tunes(tmp_path: Path) -> list[Path]:
    return [tune(tmp_path / "music" / f"{n} é 夜.wav", 3.0 + 2.5 * n, seed=n) for n in range(4)]


def test_a_row_is_the_mean_over_a_recordings_windows_in_the_order_of_the_list(tunes: list[Path], tmp_path: Path) -> None:
    order = [tunes[n] for n in (2, 0, 3, 0, 1)]
    made = extract(listed(tmp_path / "list.txt", order), tmp_path / "x.npy", "timbre")
    found = np.load(tmp_path / "x.npy")
    assert made == Extracted(tmp_path / "x.npy", (5, TIMBRE.dim), 4, 0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [embedded(path).mean(axis=0) for path in order], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found[1], found[3])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.txt", "music", "x.npy"]


def test_an_npz_says_which_row_is_what_and_what_made_it(tunes: list[Path], tmp_path: Path) -> None:
    gone = tmp_path / "gone.wav"
    extract(listed(tmp_path / "list.txt", [tunes[1], gone, tunes[0]]), tmp_path / "x.npz", "timbre")
    found = np.load(tmp_path / "x.npz")
    assert found["paths"].tolist() == [str(tunes[1]), str(gone), str(tunes[0])]
    np.testing.assert_allclose(found["durations"], [5.5, np.nan, 3.0])
    assert found["failed"].tolist() == [1]
    assert "gone.wav" in found["reasons"][0]
    assert np.isnan(found["embeddings"][1]).all()
    assert np.isfinite(found["embeddings"][[0, 2]]).all()
    assert (str(found["encoder"]), str(found["version"]), str(found["grid"])) == ("timbre", TIMBRE.version, TIMBRE.grid.name)
    about = json.loads(str(found["about"]))
    assert (about["window_s"], about["sample_rate"], about["licence"]) == (5.0, RATE, "MIT")


def test_a_parquet_table_has_the_same(tunes: list[Path], tmp_path: Path) -> None:
    given = listed(tmp_path / "list.txt", [*tunes, tmp_path / "gone.wav"])
    for name in ("x.parquet", "x.npy"):
        extract(given, tmp_path / name, "timbre")
    table = pq.read_table(tmp_path / "x.parquet")
    data = np.array(table["embedding"].combine_chunks().flatten()).reshape(-1, TIMBRE.dim)
    np.testing.assert_array_equal(data, np.load(tmp_path / "x.npy"))
    assert table["path"].to_pylist() == [*map(str, tunes), str(tmp_path / "gone.wav")]
    assert table["duration"].to_pylist() == [3.0, 5.5, 8.0, 10.5, None]
    assert [bool(error) for error in table["error"].to_pylist()] == [False, False, False, False, True]
    assert json.loads(table.schema.metadata[b"musicclass"])["encoder"] == "timbre"


def test_rows_can_be_windows(tunes: list[Path], tmp_path: Path) -> None:
    given = listed(tmp_path / "list.txt", [tunes[3], tmp_path / "gone.wav", tunes[0]])
    for name in ("x.npz", "x.parquet"):
        made = extract(given, tmp_path / name, "timbre", per="window")
    found, table = np.load(tmp_path / "x.npz"), pq.read_table(tmp_path / "x.parquet")
    assert made.shape == found["embeddings"].shape == (6, TIMBRE.dim)
    np.testing.assert_allclose(found["embeddings"][:4], embedded(tunes[3]), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found["times"][:4], [[0, 5], [2.5, 7.5], [5, 10], [5.5, 10.5]])
    assert np.isnan(found["times"][4]).all()
    assert found["path_index"].tolist() == table["path_index"].to_pylist() == [0, 0, 0, 0, 1, 2]
    assert found["loud"].tolist() == table["loud"].to_pylist() == [True] * 4 + [False, True]
    np.testing.assert_array_equal(np.array(table["end"]), found["times"][:, 1])


def test_a_table_of_many_pieces_is_whole(tunes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_formats, "_BLOCK_BYTES", 2 * TIMBRE.dim * 4)
    given = listed(tmp_path / "list.txt", [*tunes, *reversed(tunes), tunes[2]])
    for name in ("x.npz", "x.parquet"):
        extract(given, tmp_path / name, "timbre", per="window")
    found, table = np.load(tmp_path / "x.npz"), pq.ParquetFile(tmp_path / "x.parquet")
    assert table.metadata.num_row_groups > 2
    data = np.array(table.read()["embedding"].combine_chunks().flatten()).reshape(-1, TIMBRE.dim)
    np.testing.assert_array_equal(data, found["embeddings"])


def test_whatever_a_line_names_has_a_row(tunes: list[Path], tmp_path: Path, told: list[Failure | Note]) -> None:
    sounds = {
        "silent.wav": np.zeros(4 * RATE),
        "one sample.wav": np.array([0.5]),
        "no sample.wav": np.zeros(0),
        "half.wav": np.r_[np.zeros(10 * RATE), 0.3 * np.sin(np.arange(5 * RATE) / 9)],
        "nan.wav": np.full(3 * RATE, np.nan),
    }
    for name, sound in sounds.items():
        soundfile.write(tmp_path / name, sound, RATE, subtype="FLOAT")
    tune(tmp_path / "eight.wav", channels=8)
    (tmp_path / "text.mp3").write_text("Dear all,\n" * 500)
    (tmp_path / "empty.wav").touch()
    bad = ["no sample.wav", "text.mp3", "empty.wav", "music", "gone.wav"]
    good = ["silent.wav", "one sample.wav", "half.wav", "eight.wav", "nan.wav"]
    extract(listed(tmp_path / "list.txt", [tmp_path / name for name in [*bad, *good]]), tmp_path / "x.npy", "timbre", tell=told.append)
    found = np.load(tmp_path / "x.npy")
    assert np.isnan(found).all(axis=1).tolist() == [True] * 5 + [False] * 5
    assert np.isfinite(found[5:]).all()
    assert sorted(one.path for one in told if isinstance(one, Failure)) == sorted(str(tmp_path / name) for name in bad)
    assert all(one.reason.endswith(".") for one in told if isinstance(one, Failure))
    np.testing.assert_allclose(found[7], embedded(tmp_path / "half.wav")[-2:].mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[5], embedded(tmp_path / "silent.wav").mean(axis=0), rtol=1e-4, atol=1e-4)


def computing(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the windows that encoders get."""
    counted: Counter[str] = Counter()
    load = encoders.load

    def counting(*args: Any, **kwargs: Any) -> encoders.Encoder:
        encoder = load(*args, **kwargs)
        embed = encoder.embed

        def count(windows: Any) -> Any:
            counted["windows"] += len(windows)
            return embed(windows)

        monkeypatch.setattr(encoder, "embed", count)
        return encoder

    monkeypatch.setattr(encoders, "load", counting)
    return counted


def test_the_same_path_and_the_same_content_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = computing(monkeypatch)
    first = tune(tmp_path / "first.wav")
    copies = [first, first, tmp_path / "copy.wav", tmp_path / "link.wav"]
    shutil.copy(first, copies[2])
    copies[3].symlink_to(first)
    extract(listed(tmp_path / "list.txt", copies), tmp_path / "x.npy", "timbre")
    assert counted["windows"] == 1
    assert len(np.unique(np.load(tmp_path / "x.npy"), axis=0)) == 1


def test_what_the_cache_knows_is_not_computed_and_what_is_computed_goes_there(
    tunes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = listed(tmp_path / "list.txt", tunes)
    extract(given, tmp_path / "one.npy", "timbre")
    counted = computing(monkeypatch)
    extract(given, tmp_path / "two.npy", "timbre")
    extract(given, tmp_path / "two.npz", "timbre", per="window")
    assert not counted
    np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), np.load(tmp_path / "two.npy"))
    with opened(places.cache_dir()) as cache:
        assert cache._rows("SELECT count(*) FROM embeddings") == [(4,)]


def stopping(at: int) -> Token:
    """A token that is cancelled once `at` files are through."""
    token = Token(lambda _fraction, text: token.cancel() if text.startswith(f"{at} of") else None)
    return token


def test_what_was_stopped_goes_on_without_the_cache(
    tunes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[Failure | Note]
) -> None:
    given = listed(tmp_path / "list.txt", tunes)
    extract(given, tmp_path / "whole.npz", "timbre")
    with pytest.raises(Cancelled):
        extract(given, tmp_path / "x.npz", "timbre", token=stopping(2), cache_folder=tmp_path / "one")
    assert not (tmp_path / "x.npz").exists()
    assert (tmp_path / "x.npz.part").exists()
    db = sqlite3.connect(tmp_path / "x.npz.part")
    done = db.execute("SELECT count(*) FROM rows").fetchone()[0]
    db.close()
    counted = computing(monkeypatch)
    extract(given, tmp_path / "x.npz", "timbre", cache_folder=tmp_path / "two", tell=told.append)
    assert 0 < done < 4
    assert 0 < counted["windows"] < 1 + 2 + 3 + 4
    assert told == [Note(f"{done} of 4 recordings are through from before; this goes on with the others.")]
    one, two = np.load(tmp_path / "whole.npz"), np.load(tmp_path / "x.npz")
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert not list(tmp_path.glob("x.npz.part*"))


@pytest.mark.parametrize("change", ["list", "rows"])
def test_another_list_or_kind_of_row_starts_anew_and_says_so(
    change: str, tunes: list[Path], tmp_path: Path, told: list[Failure | Note]
) -> None:
    with pytest.raises(Cancelled):
        extract(listed(tmp_path / "list.txt", tunes), tmp_path / "x.npz", "timbre", token=stopping(2))
    order = tunes[::-1] if change == "list" else tunes
    extract(
        listed(tmp_path / "list.txt", order), tmp_path / "x.npz", "timbre", per="window" if change == "rows" else "file", tell=told.append
    )
    assert told == [Note("“x.npz.part” is of another list, encoder or kind of row, so this starts anew.")]
    assert np.load(tmp_path / "x.npz")["paths"].tolist() == [str(path) for path in order]


def test_a_file_that_changed_since_it_was_through_is_read_again_and_one_that_failed_is_tried_again(
    tunes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = tmp_path / "late.wav"
    given = listed(tmp_path / "list.txt", [late, *tunes])
    with pytest.raises(Cancelled):
        extract(given, tmp_path / "x.npy", "timbre", token=stopping(5))
    tune(late, seed=8)
    tune(tunes[1], 6.0, seed=9)
    os.utime(tunes[1], (1, 1))
    extract(given, tmp_path / "x.npy", "timbre")
    expected = [embedded(path).mean(axis=0) for path in [late, *tunes]]
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected, rtol=1e-4, atol=1e-4)


def test_a_failure_while_writing_costs_nothing_that_was_computed(
    tunes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    given = listed(tmp_path / "list.txt", tunes)
    (tmp_path / "x.npy").write_bytes(b"the old one")
    monkeypatch.setattr(extract_formats, "_put", full)
    with pytest.raises(ExtractError, match=r"cannot be written \(No space left on device\); free some space"):
        extract(given, tmp_path / "x.npy", "timbre")
    assert (tmp_path / "x.npy").read_bytes() == b"the old one"
    assert sorted(path.name for path in tmp_path.glob("x*")) == ["x.npy", "x.npy.part"]
    monkeypatch.undo()
    extract(given, tmp_path / "x.npy", "timbre")
    assert np.load(tmp_path / "x.npy").shape == (4, TIMBRE.dim)


def test_an_array_of_paths_has_a_list_of_them_beside_it(tunes: list[Path], tmp_path: Path) -> None:
    extract(tunes[::-1], tmp_path / "x.npy", "timbre")
    extract(tmp_path / "x.npy.txt", tmp_path / "again.npy", "timbre")
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), np.load(tmp_path / "again.npy"))
    extract(tunes, tmp_path / "x.npz", "timbre")
    assert not (tmp_path / "x.npz.txt").exists()


def test_the_format_may_be_said_apart_from_the_name(tunes: list[Path], tmp_path: Path) -> None:
    extract(tunes, tmp_path / "features", "timbre", format="npz")
    assert np.load(tmp_path / "features")["embeddings"].shape == (4, TIMBRE.dim)


@pytest.mark.parametrize(
    ("out", "wish", "said"),
    [
        ("x.npy", {"per": "window"}, "An npy file cannot say which window a row is"),
        ("x.txt", {}, "“x.txt” says no format"),
        ("x.npz", {"format": "csv"}, "“x.npz” says no format"),
        ("x.npy", {"fast": True}, "timbre has no faster arithmetic"),
        ("x.npy", {"layers": True}, "timbre keeps no layers apart"),
        ("gone/x.npy", {}, "is not there; make it first"),
        ("music.npy", {}, "is a folder"),
        ("list.txt", {"format": "npy"}, "is what is to be read"),
        ("music/a.wav", {"format": "npy"}, "is what is to be read"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(out: str, wish: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "music.npy").mkdir()
    given = listed(tmp_path / "list.txt", [tune(tmp_path / "music" / "a.wav")])
    with pytest.raises(ExtractError, match=said):
        extract(given, tmp_path / out, "timbre", **wish)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.txt", "music", "music.npy"]


def test_an_empty_list_and_an_unknown_encoder_are_refused(tmp_path: Path) -> None:
    given = listed(tmp_path / "list.txt", [])
    with pytest.raises(ExtractError, match="names no recordings; write one path per line"):
        extract(given, tmp_path / "x.npy", "timbre")
    with pytest.raises(ExtractError, match="There are no recordings"):
        extract([], tmp_path / "x.npy", "timbre")
    with pytest.raises(ExtractError, match="There is no encoder “ear”"):
        extract(given, tmp_path / "x.npy", "ear")


def test_missing_weights_are_said_before_anything_is_read(tmp_path: Path) -> None:
    given = listed(tmp_path / "list.txt", [tune(tmp_path / "a.wav")])
    with pytest.raises(WeightsError, match="The weights of mn04-as are missing"):
        extract(given, tmp_path / "x.npy", "mn04-as")
    assert not (tmp_path / "x.npy.part").exists()


def test_what_somebody_else_wrote_is_not_thrown_away(tunes: list[Path], tmp_path: Path) -> None:
    foreign = tmp_path / "x.npy.part"
    foreign.write_bytes(b"half a film" * 100)
    with pytest.raises(ExtractError, match="is in the way, and no extraction wrote it"):
        extract(tunes, tmp_path / "x.npy", "timbre")
    sqlite3.connect(foreign.with_name("y.npy.part")).execute("CREATE TABLE mine (x)").connection.close()
    with pytest.raises(ExtractError, match="is in the way"):
        extract(tunes, tmp_path / "y.npy", "timbre")
    assert foreign.read_bytes() == b"half a film" * 100


def test_a_journal_that_is_damaged_is_made_anew(tunes: list[Path], tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        extract(tunes, tmp_path / "x.npy", "timbre", token=stopping(2))
    journal = tmp_path / "x.npy.part"
    data = journal.read_bytes()
    journal.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    extract(tunes, tmp_path / "x.npy", "timbre")
    assert np.isfinite(np.load(tmp_path / "x.npy")).all()


def test_two_extractions_do_not_write_one_file(tunes: list[Path], tmp_path: Path) -> None:
    met: list[str] = []

    def meet(_fraction: float, _text: str) -> None:
        if not met:
            met.append("")
            with pytest.raises(ExtractError, match="is in use: another extraction is writing it") as error:
                extract(tunes, tmp_path / "x.npy", "timbre")
            met.append(str(error.value))

    extract(tunes, tmp_path / "x.npy", "timbre", token=Token(meet))
    assert len(met) == 2
    assert np.load(tmp_path / "x.npy").shape == (4, TIMBRE.dim)


def test_no_encoder_is_loaded_where_nothing_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "load", lambda *_args, **_more: pytest.fail("it was loaded"))
    made = extract([tmp_path / "gone.wav"], tmp_path / "x.npy", "timbre")
    assert (made.shape, made.failed) == ((1, TIMBRE.dim), 1)


def test_a_device_that_cannot_be_used_is_told(tunes: list[Path], tmp_path: Path, told: list[Failure | Note]) -> None:
    encoder = encoders.load("timbre", device="cuda:7")
    extract(tunes, tmp_path / "x.npy", "timbre", device="cuda:7", tell=told.append)
    assert [one.text for one in told if isinstance(one, Note)] == encoder.notices


def test_real_tracks_told_apart_by_choi_2017(data_dir: Path, tmp_path: Path) -> None:
    """The road of the transfer paper: 160 numbers for each track, and a linear classifier on them."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import LeaveOneOut, cross_val_predict

    files = sorted((data_dir / "gtzan-mini").rglob("*.flac"))
    genres = [path.parent.name for path in files]
    made = extract(listed(tmp_path / "list.txt", files), tmp_path / "x.npy", "choi2017", weights_folder=str(data_dir / "weights"))
    assert made.shape == (70, 160)
    judge = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    said = cross_val_predict(judge, np.load(tmp_path / "x.npy"), genres, cv=LeaveOneOut())
    assert np.mean(said == np.array(genres)) >= 0.75
