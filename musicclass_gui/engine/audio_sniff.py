"""What a file is, by its first bytes: which back end reads it, what to call it, and whether its name fits.

Pure bytes and texts; it opens nothing by name and knows no decoder beyond the back ends' names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from musicclass_gui.engine.decoders import PYAV, SOUNDFILE, Soundless

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

    from musicclass_gui.engine.decoders import Refused

_HEAD_BYTES = 4096
_LONGEST_OGG_PAGE = 65307
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # followed by its size, the file's id, the file's size

_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a bitmap picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"MThd", "a MIDI file (notes without sound)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
)

_OTHER_AUDIO = (b"OggS", b"\x1a\x45\xdf\xa3", b"0&\xb2u")  # Ogg, Matroska, ASF

# The container, or the codec where it stands alone, and the suffixes that fit it.
_FAMILIES: dict[str, str] = {
    "WAV": ".wav .wave .rf64 .bwf",
    "Wave64": ".w64",
    "FLAC": ".flac .fla",
    "AIFF": ".aif .aiff .aifc",
    "AU": ".au .snd",
    "CAF": ".caf",
    "MP3": ".mp3 .mpga .mp2",
    "MP2": ".mp2 .mpga .mp3",
    "Ogg": ".ogg .oga .ogv .ogx .spx .opus",
    "Opus": ".opus .ogg .oga",
    "MP4": ".mp4 .m4a .m4b .m4r .m4v .mov .alac .3gp .3g2 .qt .f4v",
    "Matroska": ".mkv .mka .webm .mk3d",
    "WMA": ".wma .asf .wmv",
    "AAC": ".aac .adts",
    "MPEG-TS": ".ts .mts .m2ts",
    "AC-3": ".ac3",
    "E-AC-3": ".eac3 .ec3",
}


def read_head(file: FileIO) -> bytes:
    """The file's first bytes, after an ID3 tag if it starts with one; leaves the file anywhere."""
    head = _read_at(file, 0)
    start = audio_start(head)
    return (_read_at(file, start) or head) if start else head


def audio_start(head: bytes) -> int:
    """Where the audio begins in a file that begins with `head`: behind its ID3 tag (ID3v2 section 3.1)."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def preferred_readers(head: bytes) -> tuple[str, ...]:
    """The back ends to try on a file that begins with `head`, the better one first."""
    if _is_soundfiles(head):
        return SOUNDFILE, PYAV
    return (PYAV, SOUNDFILE) if head[:4] == b"OggS" else (PYAV,)


def why_not_audio(head: bytes, refusal: Refused) -> tuple[str, str]:
    """Why no back end reads a file that begins with `head`, and what to do, as parts of a sentence."""
    if kind := next((kind for magic, kind in _KINDS if head.startswith(magic)), None):
        return f"it is {kind}, not audio", "choose an audio file"
    if isinstance(refusal, Soundless):
        return str(refusal), "choose another file"
    if head[4:8] == b"ftyp":
        return "its index is missing or damaged, as after a recording or download that was not finished", "copy or download it again"
    if _is_soundfiles(head) or head[:4] in _OTHER_AUDIO:
        return "it is damaged or cut off near its beginning", "copy or download it again"
    if _is_text(head):
        return f"it is {'a web page' if b'<html' in head.lower() else 'text'}, not audio", "choose an audio file"
    return "it is not audio, or too damaged to be recognised", "choose an audio file"


def naming(path: Path, form: str) -> str:
    """`form` and, where the name says something else than what is in the file, the name's suffix."""
    family = form.split(" in ")[-1].replace(",", " ").split()[0]
    fitting = _FAMILIES.get(family, path.suffix.lower()).split()
    return form if path.suffix.lower() in ("", *fitting) else f"{form} (named {path.suffix})"


def lacks_end(file: FileIO) -> bool:
    """Whether `file` is Ogg or ASF (WMA) and shows that its end is missing; leaves it anywhere."""
    head = read_head(file)
    if head[:4] == b"OggS":
        return _lacks_ogg_end(file)
    at = head.find(_ASF_FILE_PROPERTIES)
    return at >= 0 and int.from_bytes(head[at + 40 : at + 48], "little") > file.seek(0, 2)


def flac_audio_bytes(file: FileIO) -> int:
    """How many bytes of a FLAC file come behind its metadata (RFC 9639, section 8.1); leaves the file where it was."""
    before = file.tell()
    size, at, last = file.seek(0, 2), audio_start(_read_at(file, 0)) + 4, False
    while not last and at < size:
        block = _read_at(file, at, 4)
        last = len(block) < 4 or bool(block[0] & 0x80)
        at += 4 + int.from_bytes(block[1:], "big")
    file.seek(before)
    return max(0, size - at)


def _lacks_ogg_end(file: FileIO) -> bool:
    """The last page must be complete and marked as the last (RFC 3533, section 6)."""
    tail = _read_at(file, max(0, file.seek(0, 2) - 2 * _LONGEST_OGG_PAGE), 2 * _LONGEST_OGG_PAGE)
    page = tail[tail.rfind(b"OggS") :]
    lengths = page[27 : 27 + page[26]] if len(page) > 27 else b""
    return not lengths or not page[5] & 4 or len(page) < 27 + len(lengths) + sum(lengths)


def _read_at(file: FileIO, offset: int, count: int = _HEAD_BYTES) -> bytes:
    file.seek(offset)
    return file.read(count) or b""


def _is_soundfiles(head: bytes) -> bool:
    if head[:4] == b"OggS":
        return b"\x01vorbis" in head[:64]
    riff = head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE"
    aiff = head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")
    return riff or aiff or head[:4] in (b"fLaC", b".snd", b"dns.", b"riff", b"caff")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", "strict" if len(head) < _HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
