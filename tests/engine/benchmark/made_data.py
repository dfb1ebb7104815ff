"""Miniature copies of the public data sets, laid out as their publishers do it, with made-up sound: one hears which class it is.

`make("gtzan", folder)` writes one; the ids are those of the readers. Everything is the same at each call.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
from audio_files import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from audio_files import Samples

GENRES = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"]
SINGERS = [f"female{n}" for n in range(1, 10)] + [f"male{n}" for n in range(1, 12)]
TECHNIQUES = ["vibrato", "straight", "belt", "breathy", "lip_trill", "spoken", "inhaled", "trill", "trillo", "vocal_fry"]
FAMILIES = ["bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead", "vocal"]
DANCES = [
    "Chacha",
    "Foxtrot",
    "Jive",
    "Pasodoble",
    "Rumba",
    "Salsa",
    "Samba",
    "Slowwaltz",
    "Tango",
    "Viennesewaltz",
    "Waltz",
    "Wcswing",
    "Quickstep",
]
SOUNDS = [
    "air_conditioner",
    "car_horn",
    "children_playing",
    "dog_bark",
    "drilling",
    "engine_idling",
    "gun_shot",
    "jackhammer",
    "siren",
    "street_music",
]
TAGS = ("guitar", "classical", "techno", "piano", "no vocals", "weird")
COMPOSERS = ("Johann Sebastian Bach", "Frédéric Chopin", "Ludwig van Beethoven")
TRAIN, VALID, TEST = (29, 30, 31), (0, 1), (12, 13)
"""Numbers of GTZAN's blues recordings that its fault-filtered lists hold; the made lists name them for all genres."""


def sound(kind: int, seed: int, seconds: float, rate: int) -> Samples:
    """A tone with overtones, beating and noise that `kind` sets, and small differences that `seed` sets: (frames, 1)."""
    random = np.random.default_rng([kind, seed])
    times = np.arange(max(1, round(seconds * rate)))[:, None] / rate
    pitch = 110 * 2 ** ((kind * 7 % 36 + random.uniform(-0.2, 0.2)) / 12)
    tone = sum(np.sin(2 * np.pi * pitch * k * times + random.uniform(0, 6)) / k ** (0.4 + 0.3 * (kind % 5)) for k in range(1, 6))
    beating = 1 + 0.5 * np.sin(2 * np.pi * (1 + kind % 7) * times)
    noise = 0.01 * (1 + kind % 3) * random.standard_normal(times.shape)
    return (0.1 * beating * tone + noise).astype(np.float32)


def put(path: Path, kind: int, seed: int, seconds: float, rate: int) -> None:
    """Write a sound in the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(
        path, {".mp3": "cbr.mp3", ".wav": "16.wav", ".flac": "16.flac", ".au": "16.au"}[path.suffix], sound(kind, seed, seconds, rate), rate
    )


def spoil(path: Path) -> None:
    """Make a file one that nothing can decode."""
    path.write_bytes(b"this was a recording once " * 40)


def rows(path: Path, lines: Iterable[Sequence[object]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> None:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting).writerows(lines)


def gtzan(folder: Path, seconds: float) -> None:
    """Ten genres with 3 + 2 + 2 recordings in the lists and one that is in none."""
    for kind, genre in enumerate(GENRES):
        for number in (*TRAIN, *VALID, *TEST, 99):
            put(folder / "genres" / genre / f"{genre}.{number:05}.wav", kind, number, seconds, 22050)
    for name, numbers in (("train", TRAIN), ("valid", VALID), ("test", TEST)):
        lines = [f"{genre}/{genre}.{number:05}.wav" for genre in GENRES for number in numbers]
        (folder / f"{name}_filtered.txt").write_text("\n".join(lines) + "\n")


def vocalset(folder: Path, seconds: float) -> None:
    """Twenty singers, one recording of each of the ten techniques, and a technique that the paper leaves out."""
    for kind, singer in enumerate(SINGERS):
        for number, technique in enumerate((*TECHNIQUES, "fast_forte")):
            context = ("arpeggios", "scales", "long_tones", "excerpts")[number % 4]
            name = f"{singer[0]}{singer.lstrip('femal')}_{context}_{technique}_a.wav"
            put(folder / "FULL" / singer / context / technique / name, kind + 3 * number, 20 * number + kind, seconds, 44100)


def nsynth(folder: Path, seconds: float) -> None:
    """Eleven families in training, ten in validation and test, as published: no synth_lead there."""
    for part, pitches in (("train", (40, 47, 52, 60)), ("valid", (45,)), ("test", (50, 62))):
        names = [name for family in FAMILIES if part == "train" or family != "synth_lead" for name in _notes(family, part, pitches)]
        for number, name in enumerate(names):
            kind = FAMILIES.index("synth_lead" if name.startswith("synth_lead") else name.split("_")[0])
            put(folder / f"nsynth-{part}" / "audio" / f"{name}.wav", kind, number, seconds, 16000)
        about = {name: {"note_str": name, "pitch": int(name.split("-")[1])} for name in names}
        (folder / f"nsynth-{part}" / "examples.json").write_text(json.dumps(about))


def _notes(family: str, part: str, pitches: Sequence[int]) -> list[str]:
    first = {"train": 0, "valid": 40, "test": 80}[part]
    sources = ("synthetic",) if family == "synth_lead" else ("acoustic", "electronic")
    return [f"{family}_{sources[n % len(sources)]}_{first + n:03}-{pitch:03}-{75:03}" for n, pitch in enumerate(pitches)]


def maestro(folder: Path, seconds: float) -> None:
    """Three composers with 10 performances, one of them 5 times the same piece, a title that two share, and a composer with too few."""
    table: list[Sequence[object]] = [
        ("canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration")
    ]
    for kind, composer in enumerate((*COMPOSERS, "Franz Schubert / Franz Liszt")):
        for number in range(10 if kind < len(COMPOSERS) else 2):
            title = "Sonata in C Major" if number == 0 else f"Piece {max(0, number - 5)} of {composer.split()[-1]}"
            split = "train" if number <= 6 else ("test" if number % 2 else "validation")
            name = f"2018/MIDI-{kind}-{number:02}_wav--1"
            put(folder / f"{name}.wav", kind, number, seconds, 44100)
            table.append((composer, title, split, 2018, f"{name}.midi", f"{name}.wav", seconds))
    rows(folder / "maestro-v3.0.0.csv", table)


def fma(folder: Path, seconds: float) -> None:
    """Four genres of fma_small by artists with 2 tracks each, and a track of the larger sets in the table; every second one has tags."""
    genres = ("Electronic", "Folk", "Hip-Hop", "Rock")
    table: list[Sequence[object]] = [
        ("", "album", "artist", "artist", "set", "set", "track", "track", "track", "track", "track"),
        ("", "title", "id", "name", "split", "subset", "genre_top", "genres", "genres_all", "tags", "title"),
        ("track_id", *[""] * 10),
    ]
    for number in range(40):
        kind, artist = number % 4, number // 8 * 4 + number % 4
        split = ("training", "training", "training", "validation", "test")[number // 8]
        put(folder / "fma_small" / f"{number // 30:03}" / f"{number // 30 * 1000 + number % 30 + 2:06}.mp3", kind, number, seconds, 44100)
        track = number // 30 * 1000 + number % 30 + 2
        every = "[]" if number == 7 else f"[{10 + kind}, {20 + kind}]"
        tags = str(["Loud" if kind > 1 else "calm", "home"][: 1 + number % 4 // 3]) if number % 2 else "[]"
        who = ("Album", artist, f"Artist {artist}", split, "small")
        table.append((track, *who, genres[kind], f"[{20 + kind}]", every, tags, f"Song, no. {track}"))
    table.append((5000, "Album", 99, "Artist 99", "training", "large", "", "[]", "[]", "[]", "Elsewhere"))
    rows(folder / "fma_metadata" / "tracks.csv", table)
    tree: list[Sequence[object]] = [("genre_id", "#tracks", "parent", "title", "top_level")]
    tree += [(10 + kind, 5, 0, name, 10 + kind) for kind, name in enumerate(genres)]
    tree += [(20 + kind, 5, 10 + kind, f"Odd {name}", 10 + kind) for kind, name in enumerate(genres)]
    rows(folder / "fma_metadata" / "genres.csv", tree)


def msd(folder: Path, seconds: float) -> None:
    """Twenty-four tracks of a million with three tags, one in six with none of the fifty; an artist has two, one after the other."""
    tags = ("rock", "Jazz", "sad")
    for number in range(24):
        part = "lastfm_test" if number >= 16 else "lastfm_train"
        name = f"TR{'AB'[number % 2]}{'CDE'[number % 3]}F{number:02}128F42"
        below = "/".join(name[2:5])
        put(folder / "songs" / below / f"{name}.mp3", number % 3, number, seconds, 22050)
        given = [["seen live", "100"]] if number % 6 == 5 else [[tags[number % 3], "100"], [tags[0], "40"], ["seen live", "3"]]
        about = {"artist": f"Artist {number // 2}", "title": f"Song {number}", "track_id": name, "similars": [], "tags": given}
        (folder / part / below).mkdir(parents=True, exist_ok=True)
        (folder / part / below / f"{name}.json").write_text(json.dumps(about))


def magnatagatune(folder: Path, seconds: float) -> None:
    """Sixteen folders with 3 clips each, with up to two of six tags, one of them outside the fifty."""
    columns = (*TAGS, "eerie")
    annotations: list[Sequence[object]] = [("clip_id", *columns, "mp3_path")]
    info: list[Sequence[object]] = [
        ("clip_id", "track_number", "title", "artist", "album", "url", "segmentStart", "segmentEnd", "original_url", "mp3_path")
    ]
    for number in range(48):
        letter, kind = f"{number // 3:x}", number % len(TAGS)
        path = f"{letter}/artist_{letter}-album-{number % 3:02}-song-0-29.mp3"
        put(folder / path, kind, number, seconds, 16000)
        given = [int(tag == kind or (tag == (kind + 1) % 6 and number % 2 == 0)) for tag in range(6)]
        annotations.append((number + 2, *given, int(number % 5 == 0), path))
        info.append((number + 2, number % 3, "Song", f"Artist {letter}", "Album", "", 0, 29, "", path))
    rows(folder / "annotations_final.csv", annotations, "\t", csv.QUOTE_ALL)
    rows(folder / "clip_info_final.csv", info, "\t", csv.QUOTE_ALL)


def ballroom(folder: Path, seconds: float) -> None:
    """Thirteen dances with 12 recordings each, by 4 artists each."""
    described = []
    for kind, dance in enumerate(DANCES):
        for number in range(12):
            put(folder / dance / f"{100701 + 100 * kind + number}.mp3", kind, number, seconds, 22050)
            song = f'id="{100701 + 100 * kind + number}" artist="{dance} Band {number // 3}" title="Song {number}" album="Dances"'
            described.append(f"<{dance}><song{number} {song} /></{dance}>")
    (folder / "extendedballroom_v1.1.xml").write_text(f"<extended_ballroom>{''.join(described)}</extended_ballroom>")


def emomusic(folder: Path, seconds: float) -> None:
    """Thirty songs; the higher, the more aroused."""
    values: list[Sequence[object]] = [("song_id", "mean_arousal", "std_arousal", "mean_valence", "std_valence")]
    info: list[Sequence[object]] = [("song_id", "file_name", "Artist", "Song title", "Genre", "Mediaeval 2013 set")]
    for number in range(30):
        put(folder / "clips_45seconds" / f"{number + 2}.mp3", number, 0, seconds, 44100)
        values.append((number + 2, 1 + number * 7 % 36 / 4.5, 1.2, 1 + number % 5 * 1.6, 1.1))
        kind = "evaluation" if number % 6 == 0 else "development"
        info.append((number + 2, f"{number + 2}.mp3", f"\tArtist {number // 2}\t", f"\tSong {number}\t", "Blues", kind))
    rows(folder / "annotations" / "static_annotations.csv", values)
    rows(folder / "annotations" / "songs_info.csv", info)


def jamendo_voice(folder: Path, seconds: float) -> None:
    """Seven songs, each of six stretches of `seconds` with and without singing in turn."""
    for part, songs in (("train", 4), ("valid", 1), ("test", 2)):
        for number in range(songs):
            name = f"{number + 1:02} - {part.upper()} SONG"
            stretches = [sound(4 + 3 * (n % 2), 10 * number + n, seconds, 22050) for n in range(6)]
            path = folder / "audio" / part / f"{name}.mp3"
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, "cbr.mp3", np.concatenate(stretches), 22050)
            lines = [f"{n * seconds:.3f} {(n + 1) * seconds:.3f} {('nosing', 'sing')[n % 2]}" for n in range(6)]
            (folder / "labels").mkdir(exist_ok=True)
            (folder / "labels" / f"{name}.lab").write_text("\n".join(lines) + "\n")


def urbansound8k(folder: Path, seconds: float) -> None:
    """Ten sounds in ten folds, once each."""
    table: list[Sequence[object]] = [("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")]
    for fold in range(1, 11):
        for kind, name in enumerate(SOUNDS):
            source = 100000 + 100 * fold + kind
            put(folder / "audio" / f"fold{fold}" / f"{source}-{kind}-0-0.wav", kind, fold, seconds, 22050)
            table.append((f"{source}-{kind}-0-0.wav", source, 0.0, seconds, 1, fold, kind, name))
    rows(folder / "metadata" / "UrbanSound8K.csv", table)


def speechmusic(folder: Path, seconds: float) -> None:
    """Twelve recordings of music and twelve of speech."""
    for kind, name in enumerate(("music", "speech")):
        for number in range(12):
            put(folder / f"{name}_wav" / f"{name}{number}.wav", kind, number, seconds, 22050)


def folders(folder: Path, seconds: float) -> None:
    """Four instruments with 8 recordings each, in two sub-folders."""
    for kind, name in enumerate(("cello", "clarinet", "flute", "guitar")):
        for number in range(8):
            put(folder / name / f"player{number // 4 + 1}" / f"{name}_{number}.flac", kind, number, seconds, 22050)


def table(folder: Path, seconds: float) -> None:
    """Three moods with 8 recordings each, by artists, with splits."""
    lines: list[Sequence[object]] = [("path", "label", "split", "artist")]
    for kind, name in enumerate(("calm", "merry", "sad")):
        for number in range(8):
            put(folder / "recordings" / f"{name} {number}.flac", kind, number, seconds, 22050)
            split = "train" if number < 4 else ("validation" if number < 6 else "test")
            lines.append((f"recordings/{name} {number}.flac", name, split, f"{name} artist {number // 2}"))
    rows(folder / "songs.csv", lines)


_MAKERS: dict[str, Callable[[Path, float], None]] = {
    "gtzan": gtzan,
    "vocalset_singer": vocalset,
    "vocalset_technique": vocalset,
    "nsynth": nsynth,
    "maestro": maestro,
    "fma": fma,
    "fma_genres": fma,
    "fma_tags": fma,
    "magnatagatune": magnatagatune,
    "msd": msd,
    "ballroom": ballroom,
    "emomusic": emomusic,
    "jamendo_voice": jamendo_voice,
    "urbansound8k": urbansound8k,
    "speechmusic": speechmusic,
    "folders": folders,
    "table": table,
}


def make(dataset: str, folder: Path, *, seconds: float = 1.0) -> None:
    """Write a miniature copy of a data set into a folder, which is made; each recording lasts `seconds`."""
    folder.mkdir(parents=True, exist_ok=True)
    _MAKERS[dataset](folder, seconds)
