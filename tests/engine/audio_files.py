"""Audio files that tests make for themselves: every format, rate and number of channels, sound or broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Samples = NDArray[np.float32]

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def music(seconds: float, rate: int = 44100, channels: int = 2, seed: int = 0) -> Samples:
    """Chords that change over soft noise, never silent, different in each channel: (frames, channels)."""
    random = np.random.default_rng(seed)
    times = np.arange(max(1, round(seconds * rate)))[:, None] / rate
    notes = 110 * 2 ** (random.integers(0, 36, (3, channels)) / 12)
    chord = sum(np.sin(2 * np.pi * note * times * (1 + 0.02 * np.floor(times * 2))) for note in notes)
    return (0.15 * chord + 0.02 * random.standard_normal((len(times), channels))).astype(np.float32)


def write_sf(path: Path, samples: Samples, rate: int, form: str, subtype: str) -> None:
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], subtype, format=form) as file:
        for start in range(0, len(samples), 65536):  # libsndfile's Vorbis encoder overflows the stack on long blocks
            file.write(samples[start : start + 65536])


@dataclass(frozen=True)
class Coded:
    """How FFmpeg is to write a file."""

    codec: str
    container: str | None = None
    rate: int | None = None
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=dict)
    video: bool = False


def write_av(path: Path, samples: Samples, rate: int, coded: Coded) -> None:
    with av.open(str(path), "w", format=coded.container, options=coded.muxer) as container:
        picture = container.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p") if coded.video else None
        stream = container.add_stream(coded.codec, rate=coded.rate or rate, layout=LAYOUTS[samples.shape[1]], options=coded.options)
        if coded.bit_rate:
            stream.bit_rate = coded.bit_rate
        if picture:
            for packet in _pictures(picture, len(samples) / rate):
                container.mux(packet)
        for frame in _frames(samples, rate, stream):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _pictures(stream: av.VideoStream, seconds: float) -> Iterator[av.Packet]:
    for index in range(max(1, round(seconds * 25))):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index % 256, np.uint8))
        frame.pts = index
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _frames(samples: Samples, rate: int, stream: av.AudioStream) -> Iterator[AudioFrame]:
    layout = LAYOUTS[samples.shape[1]]
    wanted = stream.codec_context.codec.audio_formats[0].name
    resampler = av.AudioResampler(wanted, layout, stream.codec_context.sample_rate)
    for start in range(0, len(samples), 4096):
        piece = samples[start : start + 4096].reshape(1, -1)
        frame = AudioFrame.from_ndarray(piece, "flt", layout)
        frame.sample_rate, frame.pts = rate, start
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _sf(form: str, subtype: str) -> Callable[[Path, Samples, int], None]:
    return lambda path, samples, rate: write_sf(path, samples, rate, form, subtype)


def _av(*args: str, **kwargs: object) -> Callable[[Path, Samples, int], None]:
    return lambda path, samples, rate: write_av(path, samples, rate, Coded(*args, **kwargs))  # type: ignore[arg-type]


def _vorbis_in_webm(path: Path, samples: Samples, rate: int) -> None:
    """FFmpeg here has no Vorbis encoder: take libsndfile's packets over."""
    ogg = path.with_suffix(".made.ogg")
    write_sf(ogg, samples, rate, "OGG", "VORBIS")
    with av.open(str(ogg)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    ogg.unlink()


# Perceptual noise substitution is left out of AAC where windows are compared: FFmpeg draws its noise anew at each decode.
NO_NOISE = {"aac_pns": "0"}

WRITERS: dict[str, Callable[[Path, Samples, int], None]] = {
    "u8.wav": _sf("WAV", "PCM_U8"),
    "16.wav": _sf("WAV", "PCM_16"),
    "24.wav": _sf("WAVEX", "PCM_24"),
    "32.wav": _sf("WAV", "PCM_32"),
    "float.wav": _sf("WAV", "FLOAT"),
    "double.wav": _sf("WAV", "DOUBLE"),
    "ulaw.wav": _sf("WAV", "ULAW"),
    "adpcm.wav": _sf("WAV", "MS_ADPCM"),
    "rf64.wav": _sf("RF64", "PCM_16"),
    "16.flac": _sf("FLAC", "PCM_16"),
    "24.flac": _sf("FLAC", "PCM_24"),
    "vorbis.ogg": _sf("OGG", "VORBIS"),
    "16.aiff": _sf("AIFF", "PCM_16"),
    "float.aiff": _sf("AIFF", "FLOAT"),
    "16.au": _sf("AU", "PCM_16"),
    "cbr.mp3": _av("libmp3lame", bit_rate=128_000),
    "vbr.mp3": _av("libmp3lame", options={"q": "2"}),
    "vbr-no-header.mp3": _av("libmp3lame", options={"q": "2"}, muxer={"write_xing": "0"}),
    "aac.m4a": _av("aac", options=NO_NOISE),
    "alac.m4a": _av("alac"),
    "adts.aac": _av("aac", "adts", options=NO_NOISE),
    "opus.opus": _av("libopus", rate=48000),
    "v2.wma": _av("wmav2", "asf", bit_rate=128_000),
    "film.mp4": _av("aac", options=NO_NOISE, video=True),
    "film.mkv": _av("aac", options=NO_NOISE, video=True),
    "mp3.mkv": _av("libmp3lame"),
    "flac.mkv": _av("flac"),
    "opus.webm": _av("libopus", rate=48000),
    "vorbis.webm": _vorbis_in_webm,
}


def write(path: Path, kind: str, samples: Samples, rate: int) -> Path:
    """Write `samples` as one of `WRITERS` and give back its path."""
    WRITERS[kind](path, samples, rate)
    return path
