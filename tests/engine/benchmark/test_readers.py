"""Every reader on a miniature of its data set: what it reads, what it names as missing or broken, and what it refuses."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmark.made_data import COMPOSERS, GENRES, SINGERS, make, put, rows, spoil

from musicclass_gui.engine import audio
from musicclass_gui.engine.benchmark.readers import IDS, gtzan, reader
from musicclass_gui.engine.encoders import taggers
from musicclass_gui.engine.errors import Cancelled, DataError
from musicclass_gui.engine.task import Token

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.data import Found

EXPECTED = {
    "gtzan": (10, 80, {"train": 30, "valid": 20, "test": 20, "": 10}),
    "vocalset_singer": (20, 220, {"": 220}),
    "vocalset_technique": (10, 200, {"train": 130, "test": 50, "": 20}),
    "nsynth": (11, 74, {"train": 44, "valid": 10, "test": 20}),
    "maestro": (4, 32, {"train": 23, "valid": 3, "test": 6}),
    "fma": (4, 40, {"train": 24, "valid": 8, "test": 8}),
    "fma_genres": (8, 39, {"train": 23, "valid": 8, "test": 8}),
    "fma_tags": (3, 20, {"train": 12, "valid": 4, "test": 4}),
    "msd": (50, 20, {"train": 14, "test": 6}),
    "magnatagatune": (50, 48, {"train": 36, "valid": 3, "test": 9}),
    "ballroom": (13, 156, {"": 156}),
    "emomusic": (0, 30, {"train": 25, "test": 5}),
    "jamendo_voice": (2, 42, {"train": 24, "valid": 6, "test": 12}),
    "urbansound8k": (10, 100, {"": 100}),
    "speechmusic": (2, 24, {"": 24}),
    "folders": (4, 32, {"": 32}),
    "table": (3, 24, {"train": 12, "valid": 6, "test": 6}),
}
LISTED = (
    *("gtzan", "nsynth", "maestro", "fma", "fma_genres", "fma_tags", "magnatagatune", "msd", "emomusic", "jamendo_voice"),
    *("urbansound8k", "table"),
)
"""Those with a list of what there should be, so that a missing recording has a name."""

SAME_LAYOUT = ({"vocalset_singer", "vocalset_technique"}, {"fma", "fma_genres", "fma_tags"})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    for dataset in IDS:
        make(dataset, folder / dataset, seconds=0.3)
    return folder


def read(dataset: str, folder: Path, *, decode: bool = True) -> Found:
    return reader(dataset).read(folder, Token(), decode=decode)


def own_copy(made: Path, dataset: str, folder: Path) -> Path:
    return Path(shutil.copytree(made / dataset, folder / dataset))


def recordings(folder: Path) -> list[Path]:
    return audio.find_recordings([folder])


@pytest.mark.parametrize("dataset", IDS)
def test_reads_its_layout(made: Path, dataset: str) -> None:
    found = read(dataset, made / dataset)
    classes, count, splits = EXPECTED[dataset]
    assert (found.dataset, len(found.classes), len(found.items)) == (dataset, classes, count)
    assert Counter(item.split for item in found.items) == splits
    assert all(Path(item.path).is_absolute() and Path(item.path).is_file() for item in found.items)
    assert len({item.key for item in found.items}) == count
    assert all(Path(found.folder, item.key.split("#")[0]) == Path(item.path) for item in found.items)
    if found.kind == "classes":
        assert {item.labels[0] for item in found.items} == set(found.classes)
    assert not any("decoded" in problem for problem in found.problems)


@pytest.mark.parametrize("dataset", IDS)
def test_says_what_it_is_and_where_to_get_it(dataset: str) -> None:
    it = reader(dataset)
    assert dataset == it.ID
    assert it.WHERE.startswith("Get ")
    assert it.WHERE.endswith(".")
    assert it.LAYOUT.endswith(".")
    assert it.KIND in ("classes", "tags", "regression")


@pytest.mark.parametrize("dataset", IDS)
def test_broken_recordings_are_named_and_left_out(made: Path, dataset: str, tmp_path: Path) -> None:
    folder = own_copy(made, dataset, tmp_path)
    broken, *_, empty = [Path(item.path) for item in read(dataset, folder, decode=False).items]
    spoil(broken)
    empty.write_bytes(b"")
    found = read(dataset, folder)
    assert not {str(broken), str(empty)} & {item.path for item in found.items}
    (problem,) = [problem for problem in found.problems if "decoded" in problem]
    assert problem.startswith("2 recordings cannot be decoded and are left out: ")
    assert broken.name in problem
    assert empty.name in problem


@pytest.mark.parametrize("dataset", LISTED)
def test_missing_recordings_are_named(made: Path, dataset: str, tmp_path: Path) -> None:
    folder = own_copy(made, dataset, tmp_path)
    before = read(dataset, folder, decode=False)
    gone = Path(before.items[0].path)
    gone.unlink()
    found = read(dataset, folder, decode=False)
    (problem,) = [problem for problem in found.problems if "not there" in problem]
    assert gone.stem in problem
    assert str(gone) not in {item.path for item in found.items}


@pytest.mark.parametrize("dataset", IDS)
def test_another_data_set_is_refused_in_one_sentence(made: Path, dataset: str, tmp_path: Path) -> None:
    same = next((names for names in SAME_LAYOUT if dataset in names), {dataset})
    others = [other for other in IDS if other not in same]
    (tmp_path / "empty").mkdir()
    for folder in [tmp_path / "empty"] if dataset == "folders" else [made / other for other in others] + [tmp_path / "empty"]:
        with pytest.raises(DataError) as refused:
            read(dataset, folder)
        assert "does not look like" in str(refused.value)
        assert str(refused.value).endswith(".")
        assert "get" in str(refused.value)


@pytest.mark.parametrize("dataset", IDS)
def test_a_folder_that_is_not_there_is_refused(dataset: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder"):
        read(dataset, tmp_path / "nowhere")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="whoever runs this may read everything")
@pytest.mark.parametrize("dataset", [one for one in IDS if one != "table"])
def test_a_folder_without_the_right_to_read_it_is_refused(dataset: str, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0)
    with pytest.raises(DataError, match="is not a folder that can be read"):
        read(dataset, folder)


@pytest.mark.parametrize("dataset", ["gtzan", "nsynth", "maestro", "urbansound8k", "table", "jamendo_voice"])
def test_recordings_in_another_format_are_found(made: Path, dataset: str, tmp_path: Path) -> None:
    folder = own_copy(made, dataset, tmp_path)
    for path in recordings(folder):
        samples = audio.read_window(audio.probe(path), 0, 10)
        other = path.with_suffix(".au" if path.suffix == ".flac" else ".flac")
        from audio_files import write

        write(other, "16.au" if other.suffix == ".au" else "16.flac", samples, audio.probe(path).sample_rate)
        path.unlink()
    found = read(dataset, folder)
    assert len(found.items) == EXPECTED[dataset][1]
    assert {Path(item.path).suffix for item in found.items} <= {".flac", ".au"}


def test_reading_is_cancelled(made: Path) -> None:
    token = Token()
    token.cancel()
    with pytest.raises(Cancelled):
        reader("folders").read(made / "folders", token)


def test_gtzan_lists_are_the_filtered_split() -> None:
    kept = gtzan.filtered()
    assert Counter(kept.values()) == {"train": 443, "valid": 197, "test": 290}
    each = [sum(1 for name, part in kept.items() if part == "train" and name.startswith(genre)) for genre in GENRES]
    assert each == [46, 48, 45, 42, 47, 43, 44, 41, 43, 44]


def test_gtzan_lists_agree_with_the_text_files(data_dir: Path) -> None:
    for part in ("train", "valid", "test"):
        names = {Path(line).stem for line in (data_dir / "gtzan-splits" / f"{part}_filtered.txt").read_text().split()}
        assert names == {name for name, where in gtzan.filtered().items() if where == part}


def test_gtzan_lists_agree_with_torchaudio() -> None:
    from torchaudio.datasets import gtzan as theirs

    lists = {"train": theirs.filtered_train, "valid": theirs.filtered_valid, "test": theirs.filtered_test}
    assert gtzan.filtered() == {name: part for part, names in lists.items() for name in names}


def test_gtzan_without_lists_takes_its_own(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "gtzan", tmp_path)
    for path in folder.glob("*_filtered.txt"):
        path.unlink()
    splits = {Path(item.path).stem: item.split for item in read("gtzan", folder / "genres").items}
    assert splits["blues.00012"] == "test"
    assert splits["jazz.00012"] == "train"
    assert splits["blues.00029"] == "train"
    assert splits["classical.00012"] == "test"


def test_gtzan_mini_is_read(data_dir: Path) -> None:
    found = read("gtzan", data_dir / "gtzan-mini")
    assert len(found.items) == 70
    assert "Recordings: 70 found, 1000 published." in found.problems
    assert any(problem.startswith("930 listed recordings are not there: blues/blues.00007") for problem in found.problems)


def test_composers_are_read(data_dir: Path) -> None:
    found = read("maestro", data_dir / "composers")
    assert len(found.items) == 157
    assert len(found.classes) == 10
    assert not any("decoded" in problem or "not there" in problem for problem in found.problems)


@pytest.mark.parametrize(("name", "classes", "count"), [("philharmonia", 16, 224), ("freesound10", 10, 200)])
def test_instruments_are_read(data_dir: Path, name: str, classes: int, count: int) -> None:
    found = read("folders", data_dir / "instruments" / name)
    assert (len(found.classes), len(found.items), found.problems) == (classes, count, ())


def test_vocalset_technique_splits_by_singer(made: Path) -> None:
    singers = {
        part: {item.groups["singer"] for item in read("vocalset_technique", made / "vocalset_technique").items if item.split == part}
        for part in ("train", "test", "")
    }
    assert singers["test"] == {"female2", "female8", "male3", "male5", "male10"}
    assert singers[""] == {"female4", "male8"}
    assert set().union(*singers.values()) == set(SINGERS)
    assert len(singers["train"]) == 13


def test_vocalset_names_absent_singers(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "vocalset_singer", tmp_path)
    shutil.rmtree(folder / "FULL" / "male7")
    assert "There is no recording by male7." in read("vocalset_singer", folder).problems


def test_nsynth_groups_and_missing_family(made: Path) -> None:
    found = read("nsynth", made / "nsynth")
    lead = [item for item in found.items if item.labels == ("synth_lead",)]
    assert {item.split for item in lead} == {"train"}
    assert lead[0].groups == {"instrument": "synth_lead_synthetic_000", "source": "synthetic", "pitch": "040"}


def test_maestro_pieces_are_by_composer_and_title(made: Path) -> None:
    found = read("maestro", made / "maestro")
    shared = [item for item in found.items if item.groups["title"] == "Sonata in C Major"]
    assert len({item.groups["piece"] for item in shared}) == len(shared) == 4
    assert found.classes == (*COMPOSERS, "Franz Schubert / Franz Liszt")
    most = Counter(item.groups["piece"] for item in found.items).most_common(1)
    assert most == [(f"{COMPOSERS[0]}: Piece 0 of Bach", 5)]


def test_older_maestro_is_known_by_its_table(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "maestro", tmp_path)
    (folder / "maestro-v3.0.0.csv").rename(folder / "maestro-v1.0.0.csv")
    assert "Performances: 32 found, 1184 published." in read("maestro", folder).problems


def test_fma_takes_the_set_that_is_there(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "fma", tmp_path)
    assert len(read("fma", folder / "fma_small").items) == 40
    (folder / "fma_small").rename(folder / "fma_large")
    counts = {count.what: count.found for count in read("fma", folder).counts}
    assert counts["tracks of fma_large"] == 40
    assert counts["tracks without one top genre"] == 1


def test_fma_genres_are_those_of_the_whole_branch(made: Path) -> None:
    found = read("fma_genres", made / "fma_genres")
    assert found.kind == "tags"
    assert found.items[0].labels == ("Electronic", "Odd Electronic")
    counts = {count.what: (count.found, count.published) for count in found.counts}
    assert counts["tracks of fma_small"] == (39, 8000)
    assert counts["tracks without a genre"] == (1, 0)
    assert "Tracks of fma_small: 39 found, 8000 published." in found.problems


def test_fma_tags_are_the_commonest_of_training(made: Path) -> None:
    found = read("fma_tags", made / "fma_tags")
    assert found.classes == ("calm", "home", "loud")  # six each, so by the alphabet
    assert found.items[0].labels == ("calm",)
    assert found.items[1].labels == ("home", "loud")
    assert {count.what: count.found for count in found.counts}["tracks without any of the fifty tags"] == 20


def test_fma_genres_need_their_names(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "fma_genres", tmp_path)
    (folder / "fma_metadata" / "genres.csv").unlink()
    with pytest.raises(DataError, match="it has no file “fma_metadata/genres"):
        read("fma_genres", folder)


def test_msd_takes_the_tags_of_its_listeners(made: Path, tmp_path: Path) -> None:
    found = read("msd", made / "msd")
    assert found.classes == tuple(taggers.MSD.split(","))
    first = next(item for item in found.items if item.groups["piece"] == "Artist 0: Song 1")
    assert (first.labels, first.split) == (("rock", "jazz"), "train")
    assert Path(first.key).parts[:4] == ("songs", "B", "D", "F")
    counts = {count.what: (count.found, count.published) for count in found.counts}
    assert counts["tracks with a file of tags"] == (24, 943_347)
    assert counts["recordings without any of the fifty tags"] == (4, 0)
    folder = own_copy(made, "msd", tmp_path)
    broken = next((folder / "lastfm_test").rglob("*.json"))
    broken.write_text("{")
    with pytest.raises(DataError, match=f"“{broken.name}” cannot be read"):
        read("msd", folder)


def test_magnatagatune_tags_and_artists(made: Path) -> None:
    found = read("magnatagatune", made / "magnatagatune")
    assert len(set(found.classes)) == 50
    assert found.items[0].labels == ("guitar", "classical")
    assert "eerie" not in {tag for item in found.items for tag in item.labels}
    assert len({item.groups["artist"] for item in found.items}) == 16
    assert {item.split for item in found.items if item.groups["artist"] == "Artist c"} == {"valid"}


def test_ballroom_knows_artists(made: Path) -> None:
    found = read("ballroom", made / "ballroom")
    assert found.classes[0] == "Chacha"
    assert found.classes[-1] == "Quickstep"
    assert found.items[0].groups == {"artist": "Chacha Band 0", "piece": "Chacha Band 0: Song 0"}


def test_emomusic_has_two_targets(made: Path) -> None:
    from musicclass_gui.engine.benchmark.readers import emomusic

    arousal = emomusic.read(made / "emomusic", Token())
    valence = emomusic.read(made / "emomusic", Token(), target="valence")
    assert [item.key for item in arousal.items] == [item.key for item in valence.items]
    assert arousal.items[1].target == pytest.approx((1 + 7 / 4.5) / 9)
    assert valence.items[1].target == pytest.approx((1 + 1.6) / 9)
    with pytest.raises(DataError, match="arousal or valence"):
        emomusic.read(made / "emomusic", Token(), target="joy")


def test_emomusic_refuses_what_is_no_number(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "emomusic", tmp_path)
    rows(folder / "annotations" / "static_annotations.csv", [("song_id", "mean_arousal"), (2, "high")])
    with pytest.raises(DataError, match="“high” is no number"):
        read("emomusic", folder)


def test_jamendo_stretches_are_segments(made: Path) -> None:
    items = read("jamendo_voice", made / "jamendo_voice").items
    first = [item for item in items if item.key.startswith("audio/train/01 - TRAIN SONG.mp3#")]
    assert [(item.labels[0], item.start_s, item.end_s) for item in first[:2]] == [("nosing", 0.0, 0.3), ("sing", 0.3, 0.6)]
    assert {item.groups["piece"] for item in first} == {"01 - TRAIN SONG"}


def test_jamendo_with_file_lists(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "jamendo_voice", tmp_path)
    (folder / "filelists").mkdir()
    for part in ("train", "valid", "test"):
        songs = sorted((folder / "audio" / part).iterdir())
        (folder / "filelists" / part).write_text("".join(f"{song.name}\n" for song in songs))
        for song in songs:
            song.rename(folder / "audio" / song.name)
    found = read("jamendo_voice", folder)
    assert Counter(item.split for item in found.items) == EXPECTED["jamendo_voice"][2]


def test_folders_with_splits_and_loose_files(made: Path, tmp_path: Path) -> None:
    for part in ("Train", "test"):
        for kind, name in enumerate(("a", "b 2", "b 10")):
            put(tmp_path / part / name / f"{kind}.wav", kind, 0, 0.1, 8000)
    put(tmp_path / "loose.wav", 0, 0, 0.1, 8000)
    found = read("folders", tmp_path)
    assert found.classes == ("a", "b 2", "b 10")
    assert Counter(item.split for item in found.items) == {"train": 3, "test": 3}
    assert found.problems == ("1 recording is in no class's folder and is left out: loose.wav.",)


def test_table_with_tags_numbers_and_segments(made: Path, tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path / f"{number}.wav", number, 0, 0.3, 8000)
    path = tmp_path / "list.csv"
    rows(path, [("path", "label"), ("0.wav", "calm|slow"), ("1.wav", "fast"), (str(tmp_path / "2.wav"), "slow")], ";")
    tags = read("table", path)
    assert (tags.kind, tags.classes, tags.items[0].labels) == ("tags", ("calm", "fast", "slow"), ("calm", "slow"))
    assert [item.key for item in tags.items] == ["0.wav", "1.wav", "2.wav"]
    rows(path, [("path", "target", "start", "end"), ("0.wav", 0.5, 0, 0.1), ("0.wav", -1, 0.1, 0.2)])
    numbers = read("table", tmp_path)
    assert (numbers.kind, [item.target for item in numbers.items]) == ("regression", [0.5, -1])
    assert [(item.key, item.start_s, item.end_s) for item in numbers.items] == [("0.wav#0-0.1", 0, 0.1), ("0.wav#0.1-0.2", 0.1, 0.2)]


def test_long_lists_are_counted(made: Path) -> None:
    (problem,) = [problem for problem in read("gtzan", made / "gtzan", decode=False).problems if "not there" in problem]
    assert problem.count(",") == 9
    assert problem.endswith("and 910 more.")


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a file's name be bytes that are no text")
def test_names_that_are_no_text_are_left_out(made: Path, tmp_path: Path) -> None:
    folder = own_copy(made, "folders", tmp_path)
    shutil.copy(recordings(folder)[0], os.fsencode(folder / "cello" / "a") + b"\xff.flac")
    found = read("folders", folder)
    assert len(found.items) == 32
    assert found.problems == ("Recordings left out because their names are not valid text: 1; rename them.",)


@pytest.mark.parametrize("dataset", ["maestro", "urbansound8k", "emomusic", "fma", "fma_genres", "fma_tags", "magnatagatune", "table"])
def test_a_table_that_is_no_text_is_refused(made: Path, dataset: str, tmp_path: Path) -> None:
    folder = own_copy(made, dataset, tmp_path)
    for path in folder.rglob("*.csv"):
        path.write_bytes(b"\xff\xfe\x00 no table")
    with pytest.raises(DataError, match="cannot be read"):
        read(dataset, folder)


@pytest.mark.parametrize(
    ("dataset", "name", "column"), [("maestro", "maestro-v3.0.0.csv", "split"), ("urbansound8k", "metadata/UrbanSound8K.csv", "fold")]
)
def test_a_table_without_a_column_is_refused(made: Path, dataset: str, name: str, column: str, tmp_path: Path) -> None:
    folder = own_copy(made, dataset, tmp_path)
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace(f",{column},", ",other,", 1))
    with pytest.raises(DataError, match=f"no column “{column}”"):
        read(dataset, folder)
