"""Reads folders as the Million Song Dataset has them, A/B/C/TRABC….mp3, with the fifty commonest tags of Last.fm's listeners.

The recordings themselves were never given out; whoever has some of them can be tested on those.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicclass_gui.engine.benchmark.data import TEST, TRAIN, Count
from musicclass_gui.engine.benchmark.readers._looking import About, Look, plain, split_counts, tally, text

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.data import Found
    from musicclass_gui.engine.task import Token

ID, TITLE, KIND = "msd", "Million Song Dataset (Last.fm tags)", "tags"
WHERE = "Get lastfm_train.zip and lastfm_test.zip from millionsongdataset.com/lastfm (research use only); the recordings are not given out."
LAYOUT = "Folders lastfm_train and lastfm_test with A/A/A/TRAAAAW128F429D538.json and so on, and recordings of these names in any folders."
CLASSES = (
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock", "jazz"),
    *("beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "mellow", "electronica", "80s"),
    *("folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic"),
    *("experimental", "female vocalist", "guitar", "hip-hop", "70s", "party", "country", "easy listening", "sexy", "catchy"),
    *("funk", "electro", "heavy metal", "progressive rock", "60s", "rnb", "indie pop", "sad", "house", "happy"),
)
"""The fifty commonest tags (Choi et al. 2016 and all since), without the case of letters."""

_ABOUT = About(ID, TITLE, KIND, WHERE, LAYOUT)
_PARTS = {TRAIN: "lastfm_train", TEST: "lastfm_test"}
_DESCRIBED = 943_347


def read(folder: Path, token: Token, *, decode: bool = True) -> Found:
    """The recordings that have one of the fifty tags; groups are artist and piece. A validation part has to be drawn. Raises DataError."""
    look = Look(_ABOUT, folder, token)
    described = {part: _described(look, name) for part, name in _PARTS.items()}
    look.refuse_unless(any(described.values()), "it has no folder lastfm_train with A/A/A/TRAAAAW128F429D538.json and the like")
    recordings = {plain(path.stem): path for path in look.files().paths}
    untagged = 0
    for part, tracks in described.items():
        for name, path in tracks.items():
            recording = recordings.get(plain(name))
            if recording is None:
                look.missing.append(name)
            else:
                untagged += not _take(look, recording, path, part)
    total = sum(map(len, described.values()))
    counts = [Count("tracks with a file of tags", total, _DESCRIBED), tally(look.items, "recordings with a tag")]
    counts += [*split_counts(look.items, (0, 0, 0)), Count("recordings without any of the fifty tags", untagged)]
    return look.found(CLASSES, counts, decode=decode)


def _described(look: Look, folder: str) -> dict[str, Path]:
    """The files of tags below a folder by the track's name, in the order of names."""
    found = {}
    for place, _, names in os.walk(look.folder / folder):
        look.token.check()
        found.update({name[:-5]: Path(place, name) for name in names if name.startswith("TR") and name.endswith(".json")})
    return dict(sorted(found.items()))


def _take(look: Look, recording: Path, path: Path, part: str) -> bool:
    """Add a recording if it has one of the tags; whether it has."""
    about = _about(path)
    given = {plain(str(pair[0])) for pair in about.get("tags", []) if pair}
    if tags := tuple(tag for tag in CLASSES if tag in given):
        artist, title = str(about.get("artist", "")), str(about.get("title", ""))
        look.add(recording, tags, split=part, groups={"artist": artist, "piece": f"{artist}: {title}" if title else ""})
    return bool(tags)


def _about(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text(path, _ABOUT))
    except ValueError as error:
        raise _ABOUT.refusal(path.parent, f"“{path.name}” cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise _ABOUT.refusal(path.parent, f"“{path.name}” describes no track")
    return found
