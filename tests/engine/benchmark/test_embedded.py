"""Embedding for benchmarks: cut as the paper says, each file once, the same numbers whatever came before, and no silence for lost files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from encoders import hubert_folders

from musicclass_gui.engine import encoders, places
from musicclass_gui.engine.benchmark import cutter, embedded
from musicclass_gui.engine.benchmark.data import Item
from musicclass_gui.engine.benchmark.embedded import Cut, Heard, embed
from musicclass_gui.engine.cache import Cache
from musicclass_gui.engine.encoders import registry
from musicclass_gui.engine.errors import BenchmarkError, Cancelled, EncoderError
from musicclass_gui.engine.task import Token
from musicclass_gui.engine.windows import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 22050
GRID = Cut("grid", 1.0)


def sound(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    times = np.arange(round(seconds * RATE)) / RATE
    noise = 0.05 * np.random.default_rng(seed).standard_normal(times.size)
    return np.asarray(0.3 * np.sin(2 * np.pi * (200 + 40 * seed + 30 * times) * times) + noise, np.float32)


def made(folder: Path, name: str, seconds: float, seed: int = 0) -> Item:
    path = folder / f"{name}.wav"
    soundfile.write(path, sound(seconds, seed), RATE, subtype="FLOAT")
    return Item(path.name, str(path))


def heard(items: list[Item], cut: Cut = GRID, encoder: str = "timbre") -> Heard:
    return embed(items, encoder, cut, Token(), lambda text: None)


def same(a: Heard, b: Heard) -> bool:
    return a.chunks.keys() == b.chunks.keys() and all(np.array_equal(a.chunks[key].data, b.chunks[key].data) for key in a.chunks)


def forget() -> None:
    for leftover in places.cache_dir().glob("cache.sqlite*"):
        leftover.unlink()


@pytest.mark.parametrize(
    ("length", "chunks"), [(1, 1), (49, 1), (100, 1), (149, 1), (150, 2), (151, 2), (199, 2), (250, 2), (251, 3), (350, 4)]
)
def test_a_grid_has_as_many_chunks_as_pythons_rounding_says(length: int, chunks: int) -> None:
    assert cutter.grid_starts(length, 100) == [100 * number for number in range(chunks)]


def test_a_short_tail_is_filled_with_silence_and_a_long_one_cut_off() -> None:
    samples = np.arange(1, 276, dtype=np.float32)
    cut = cutter.Stretch(Cut("grid", 1.0), Grid(1, 1), 0, -1)
    windows = cut.of(samples, 100)
    assert [window.samples.size for window in windows] == [100, 100, 100]
    assert np.array_equal(np.concatenate([window.samples for window in windows]), np.pad(samples, (0, 25)))
    assert [window.samples[-1] for window in cut.of(samples[:249], 100)] == [100, 200]


def test_random_chunks_start_anywhere_and_are_the_same_again() -> None:
    samples = np.arange(1000, dtype=np.float32)
    drawn = [
        cutter.Stretch(Cut("random", 1.0, 400, seed), Grid(1, 1), 0, -1, draw).of(samples, 100)
        for seed, draw in ((1, 5), (1, 5), (1, 6), (2, 5))
    ]
    starts = [[int(window.samples[0]) for window in windows] for windows in drawn]
    assert starts[0] == starts[1]
    assert starts[0] != starts[2] != starts[3]
    assert min(starts[0]) < 30
    assert 870 < max(starts[0]) < 900
    assert abs(np.mean(starts[0]) - 450) < 4 * 900 / np.sqrt(12 * 400)
    (short,) = cutter.Stretch(Cut("random", 1.0, 1), Grid(1, 1), 0, -1).of(samples[:40], 100)
    assert np.array_equal(short.samples, np.pad(samples[:40], (0, 60)))


def test_each_chunk_is_what_the_encoder_says_of_it(tmp_path: Path) -> None:
    item = made(tmp_path, "a", 2.6)
    windows = [*np.split(sound(2.6)[: 2 * RATE], 2), np.pad(sound(2.6)[2 * RATE :], (0, 3 * RATE - sound(2.6).size))]
    expected = encoders.load("timbre").embed(windows)
    assert np.array_equal(heard([item]).chunks["a.wav"].data, expected)


def test_the_whole_is_the_encoders_own_grid(tmp_path: Path) -> None:
    item = made(tmp_path, "a", 8.0)
    spec = encoders.specs()["timbre"]
    assert len(heard([item], Cut("whole")).chunks["a.wav"].data) == len(list(spec.grid.stream(RATE).push(sound(8.0)))) + 1


def test_segments_of_a_file_are_items_of_their_own(tmp_path: Path) -> None:
    whole = made(tmp_path, "a", 4.0)
    parts = [Item(f"a:{start}", whole.path, start_s=start, end_s=start + 2) for start in (0.0, 1.0, 2.0, 9.0)]
    found = heard([whole, *parts])
    all_four = found.chunks["a.wav"].data
    for start in range(3):
        assert np.array_equal(found.chunks[f"a:{start}.0"].data, all_four[start : start + 2])
    assert "a:9.0" not in found.chunks
    assert found.problems == ("a:9.0: it holds no sound after 9 s",)
    assert same(heard([whole, *parts]), found)


def test_what_cannot_be_decoded_is_named_and_never_silence(tmp_path: Path) -> None:
    good = made(tmp_path, "good", 1.0)
    (tmp_path / "bad.wav").write_bytes(b"RIFF nothing to hear")
    items = [good, Item("bad.wav", str(tmp_path / "bad.wav")), Item("gone.wav", str(tmp_path / "gone.wav")), Item("row 7")]
    for found in (heard(items), heard(items)):
        assert list(found.chunks) == ["good.wav"]
        assert [text.partition(":")[0] for text in found.problems] == ["bad.wav", "gone.wav", "row 7"]


def test_a_file_that_breaks_off_is_used_and_named(tmp_path: Path) -> None:
    item = made(tmp_path, "a", 4.0)
    data = Path(item.path).read_bytes()
    Path(item.path).write_bytes(data[: len(data) * 5 // 8])
    for found in (heard([item]), heard([item])):
        assert len(found.chunks["a.wav"].data) == 2
        assert "Only the first 2.5 s" in found.problems[0]


def test_nothing_is_decoded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [made(tmp_path, f"{number}", 1.0 + number / 3, number) for number in range(5)]
    decoded: list[str] = []
    cut = cutter.cut
    monkeypatch.setattr(embedded.cutter, "cut", lambda path, *rest: decoded.append(path.name) or cut(path, *rest))
    first = heard(items)
    assert sorted(decoded) == [f"{number}.wav" for number in range(5)]
    assert same(heard(items), first)
    assert len(decoded) == 5
    heard(items, Cut("random", 1.0, 3, 0))
    assert len(decoded) == 10


def test_a_copy_under_another_name_is_known(tmp_path: Path) -> None:
    item = made(tmp_path, "a", 1.0)
    first = heard([item], Cut("random", 0.5, 2, 0))
    Path(tmp_path / "b.wav").write_bytes(Path(item.path).read_bytes())
    second = heard([Item("b.wav", str(tmp_path / "b.wav"))], Cut("random", 0.5, 2, 0))
    assert np.array_equal(first.chunks["a.wav"].data, second.chunks["b.wav"].data)


def test_after_an_interruption_the_numbers_are_the_same(tmp_path: Path) -> None:
    items = [made(tmp_path, f"{number}", 1.0 + number % 3, number) for number in range(20)]
    whole = heard(items)
    forget()
    token = Token(lambda fraction, text: token.cancel() if text.startswith("Embedded") else None)
    with pytest.raises(Cancelled):
        embed(items, "timbre", GRID, token, lambda text: None)
    with Cache(places.cache_dir())._db as db:
        assert 0 < db.execute("SELECT count(*) FROM embeddings").fetchone()[0] < 20
    assert same(heard(items), whole)


def test_layers_are_kept_and_views_share_them(tmp_path: Path) -> None:
    encoder = registry.add_folder(hubert_folders.save_new(tmp_path / "net", hubert_folders.made_model()), "Mine").id
    item = made(tmp_path, "a", 2.0)
    first, again, view = heard([item], GRID, encoder), heard([item], GRID, encoder), heard([item], GRID, f"{encoder}_2")
    for found in (first, again):
        layers = found.chunks["a.wav"].layers
        assert layers is not None
        assert layers.shape == (2, 4, 24)
        assert np.array_equal(np.asarray(layers[:, 2], np.float32), view.chunks["a.wav"].data)
    assert same(first, again)


def test_real_recordings_with_a_real_encoder(data_dir: Path) -> None:
    paths = sorted((data_dir / "gtzan-mini" / "blues").iterdir())[:3]
    found = embed(
        [Item(p.name, str(p)) for p in paths],
        "mn04-as",
        Cut("grid", 5.0),
        Token(),
        lambda text: None,
        weights_folder=str(data_dir / "weights"),
    )
    assert found.problems == ()
    assert [chunks.data.shape[1] for chunks in found.chunks.values()] == [384] * 3
    assert len(found.chunks[paths[0].name].data) == 6


@pytest.mark.parametrize("cut", [Cut("circles", 1.0), Cut("grid"), Cut("random", 1.0)])
def test_cuts_that_cannot_be_made(cut: Cut) -> None:
    with pytest.raises(BenchmarkError):
        heard([], cut)


def test_what_the_encoder_in_the_box_was_trained_on_is_told(tmp_path: Path) -> None:
    items = [made(tmp_path, name, 2.0) for name in ("blues.00000", "blues.00001")]
    (said,) = heard(items, encoder="house-v1").problems
    assert said.startswith("house-v1 was trained on recordings of the names of 1 of these 2")
    assert heard(items).problems == ()
    assert heard(items[1:], encoder="house-v1").problems == ()


def test_an_unknown_encoder() -> None:
    with pytest.raises(EncoderError, match="no encoder “ears”"):
        heard([], GRID, "ears")
