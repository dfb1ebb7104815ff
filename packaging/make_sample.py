"""Make the bundled recording: a twelve-bar blues in three rooms, synthesised from nothing.

Four bars of piano alone, four of a trio, four where a vibraphone leads: so that the first thing a new user sees has an answer
that changes with time. Everything in it, notes and sounds, is the project's own. Deterministic but for the file's serial number.

Usage: python packaging/make_sample.py [FILE]      (default: resources/sample.ogg)
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Signal = NDArray[np.floating[Any]]

RATE = 44100
BEAT_S = 60 / 126
SWING = 0.62  # where the second eighth of a beat falls
LENGTH_S = 25.0
SEED = 12
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

MELODY = [
    "r/.5 C5/.5 D5/.5 F5/.5 A5/1.5 G5/.5",
    "F5/1 D5/.5 Bb4/.5 Ab4/2",
    "r/.5 A4/.5 C5/.5 Eb5/.5 G5/1 F5/.5 D5/.5",
    "Eb5/1.5 D5/.5 C5/.5 A4/.5 Bb4/.5 B4/.5",
    "D5/1 F5/.5 Ab5/1 G5/.5 F5/.5 D5/.5",
    "F5/.5 D5/.5 B4/.5 Ab4/.5 r/1 B4/.5 D5/.5",
    "C5/1.5 A4/.5 G4/.5 A4/.5 C5/.5 Eb5/.5",
    "D5/.5 C5/.5 A4/.5 F#4/.5 Eb5/1.5 D5/.5",
    "Bb4/.5 D5/.5 F5/.5 A5/.5 G5/1 F5/.5 D5/.5",
    "E5/.5 G5/.5 Bb5/.5 A5/.5 G5/1 D5/.5 E5/.5",
    "F5/1 C5/.5 A4/.5 F#5/.5 Eb5/.5 D5/.5 C5/.5",
    "Bb4/.5 D5/.5 G5/.5 F5/.5 E5/.5 D5/.5 Bb4/.5 G4/.5",
    "A4/.5 C5/.5 F5/3",
]
VOICINGS = {
    "F7": "Eb3 G3 A3 D4",
    "Bb7": "D3 G3 Ab3 C4",
    "Cm7": "Eb3 G3 Bb3 D4",
    "Bdim": "D3 F3 Ab3 B3",
    "D7": "F#3 A3 C4 Eb4",
    "Gm7": "F3 A3 Bb3 D4",
    "C7": "E3 A3 Bb3 D4",
    "F69": "A3 D4 G4 C5",
}
CHORDS = ["F7", "Bb7", "F7", "Cm7 F7", "Bb7", "Bdim", "F7", "D7", "Gm7", "C7", "F7 D7", "Gm7 C7"]
LEFT_HAND = ["F2 C3 A3 C3", "Bb2 F3 Ab3 F3", "F2 C3 A3 C3", "C3 G3 F2 C3"]
WALKING = [
    "Bb1 D2 F2 C2",
    "B1 D2 Ab2 Gb2",
    "F2 G2 A2 Eb2",
    "D2 F#2 A2 Ab2",
    "G2 Bb2 D3 Db3",
    "C3 Bb2 G2 Gb2",
    "F2 A2 D2 F#2",
    "G2 Bb2 C3 E2",
]


@dataclass
class Desk:
    """A stereo mixing desk: dry bus and reverb bus, both `(2, frames)`, and the one source of chance."""

    chance: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))
    dry: Signal = field(default_factory=lambda: np.zeros((2, round(LENGTH_S * RATE))))
    wet: Signal = field(default_factory=lambda: np.zeros((2, round(LENGTH_S * RATE))))

    def add(self, at_s: float, sound: Signal, *, pan: float = 0.0, room: float = 0.2) -> None:
        """Mix a mono sound in at `at_s` (as a person would: up to 5 ms off); `pan` −1..1, `room` = share of reverb."""
        start = round(max(at_s + self.chance.uniform(-0.005, 0.005), 0.0) * RATE)
        sound = sound[: self.dry.shape[1] - start]
        angle = (pan + 1) * np.pi / 4
        stereo = np.outer([np.cos(angle), np.sin(angle)], sound)
        self.dry[:, start : start + sound.size] += stereo
        self.wet[:, start : start + sound.size] += room * stereo

    def noise(self, seconds: float, low_hz: float, high_hz: float) -> Signal:
        """Noise between two frequencies, peak 1."""
        frames = round(seconds * RATE)
        spectrum = np.fft.rfft(self.chance.standard_normal(frames))
        hz = np.fft.rfftfreq(frames, 1 / RATE)
        spectrum *= 1 / (1 + (low_hz / np.maximum(hz, 1)) ** 4) / (1 + (hz / high_hz) ** 4)
        sound = np.fft.irfft(spectrum, frames)
        sound /= np.abs(sound).max()
        return sound


def midi(name: str) -> int:
    """Note name to MIDI number: "Bb4" → 70."""
    letter, rest = name[0], name[1:]
    shift = {"b": -1, "#": 1}.get(rest[0], 0)
    return STEPS[letter] + shift + 12 * (int(rest.lstrip("b#")) + 1)


def hertz(name: str) -> float:
    """Note name to frequency, A4 = 440 Hz."""
    return float(440 * 2 ** ((midi(name) - 69) / 12))


def when(bar: int, beat: float, *, swing: bool = True) -> float:
    """Seconds at which a beat falls; the second half of each beat is late where the band swings."""
    whole, part = divmod(beat, 1)
    late = part * 2 * SWING if part <= 0.5 else SWING + (part - 0.5) * 2 * (1 - SWING)
    return (bar * 4 + whole + (late if swing else part)) * BEAT_S


def time_axis(seconds: float) -> Signal:
    """Seconds at each frame."""
    return np.arange(round(seconds * RATE)) / RATE


def partials(seconds: float, hz: Signal, levels: Signal, decays_s: Signal) -> Signal:
    """A sum of decaying sines with a 2 ms attack; three arrays of one length, frequencies above 16 kHz left out."""
    t = time_axis(seconds)
    sound = np.zeros_like(t)
    for frequency, level, decay in zip(hz, levels, decays_s, strict=True):
        if frequency < 16000:
            sound += level * np.sin(2 * np.pi * frequency * t) * np.exp(-t / decay)
    return sound * np.minimum(t / 0.002, 1)


def damped(sound: Signal, held_s: float, fall_s: float) -> Signal:
    """The sound with a damper laid on after `held_s`."""
    t = time_axis(sound.size / RATE)[: sound.size]
    return sound * np.exp(-np.maximum(t - held_s, 0) / fall_s)


def piano(desk: Desk, name: str, held_s: float, force: float) -> Signal:
    """Struck strings: stiff, two to a note, brighter the harder they are hit (`force` 0..1)."""
    base = hertz(name)
    n = np.arange(1, min(24, int(14000 / base)) + 1)
    stiff = n * np.sqrt(1 + 4e-4 * n**2)
    levels = np.abs(np.sin(np.pi * n / 7.3)) / n**1.15 * np.exp(-n * (1 - force) * 0.32)
    decays = 2.6 * (220 / base) ** 0.45 / (1 + 0.16 * n)
    seconds = held_s + 0.35
    sound = partials(seconds, stiff * base, levels, decays) + partials(seconds, stiff * base * 1.0005, levels, decays * 1.9)
    knock = desk.noise(0.03, 80, 1800) * np.exp(-time_axis(0.03) / 0.006)
    sound[: knock.size] += 0.25 * force * knock
    return damped(force * sound, held_s, 0.07)


def vibraphone(name: str, held_s: float, force: float) -> Signal:
    """A metal bar (modes 1 : 4 : 10) over a tube whose lid turns 5.6 times a second."""
    seconds = held_s + 0.9
    modes, decays = np.array([1.0, 4.0, 10.0]), np.array([1.6, 0.35, 0.06])
    levels = np.array([1.0, 0.22 * force, 0.06])
    sound = force * partials(seconds, hertz(name) * modes, levels, decays)
    return damped(sound * (1 - 0.25 * np.cos(2 * np.pi * 5.6 * time_axis(seconds))), held_s + 0.1, 0.3)


def double_bass(desk: Desk, name: str, held_s: float, force: float) -> Signal:
    """A plucked gut string: few partials, a finger's thump, a short note."""
    n = np.arange(1, 15)
    levels = np.abs(np.sin(np.pi * n / 4.6)) / n**1.25
    sound = partials(held_s + 0.2, hertz(name) * n, force * levels, 0.75 / (1 + 0.22 * n))
    thump = desk.noise(0.05, 40, 400) * np.exp(-time_axis(0.05) / 0.012)
    sound[: thump.size] += 0.3 * force * thump
    return damped(sound, held_s, 0.05)


def ride(desk: Desk, force: float) -> Signal:
    """A cymbal touched with the tip of a stick: a cloud of unrelated modes under a little hiss."""
    modes = desk.chance.uniform(420, 9800, 48)
    sound = partials(1.1, modes, desk.chance.uniform(0.2, 1.0, 48) / 9, desk.chance.uniform(0.12, 0.6, 48))
    hiss = desk.noise(1.1, 6500, 15000) * np.exp(-time_axis(1.1) / 0.09)
    return force * (sound + 0.5 * hiss)


def hi_hat(desk: Desk, force: float) -> Signal:
    """Two cymbals closed with the foot."""
    return force * desk.noise(0.09, 7000, 14000) * np.exp(-time_axis(0.09) / 0.018)


def brush(desk: Desk, force: float) -> Signal:
    """A wire brush swept over the snare drum."""
    t = time_axis(0.3)
    return force * desk.noise(0.3, 900, 7000) * (t / 0.05) * np.exp(1 - t / 0.05)


def kick(force: float) -> Signal:
    """A soft bass drum: a falling sine."""
    t = time_axis(0.25)
    return force * np.sin(2 * np.pi * (52 * t + 1.1 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.07)


def melody() -> Iterator[tuple[int, float, str, float]]:
    """The tune as (bar, beat, note, beats held)."""
    for bar, line in enumerate(MELODY):
        beat = 0.0
        for word in line.split():
            name, beats = word.split("/")
            if name != "r":
                yield bar, beat, name, float(beats)
            beat += float(beats)


def play_tune(desk: Desk) -> None:
    """Eight bars on the piano, then the vibraphone takes over."""
    for bar, beat, name, beats in melody():
        at = when(bar, beat, swing=bar >= 4)
        held = when(bar, beat + beats, swing=bar >= 4) - at
        accent = desk.chance.uniform(-0.06, 0.06) + (0.07 if beat % 1 else 0.0)
        if bar < 8:
            desk.add(at, 0.25 * piano(desk, name, held * 1.05, 0.62 + accent), pan=0.15, room=0.3)
        else:
            desk.add(at, 0.17 * vibraphone(name, held, 0.8 + accent), pan=0.3, room=0.4)


def play_left_hand(desk: Desk) -> None:
    """Bars one to four: broken chords, even eighths, the pedal half down."""
    for bar, line in enumerate(LEFT_HAND):
        for step, name in enumerate([*line.split(), *line.split()]):
            desk.add(when(bar, step / 2, swing=False), 0.3 * piano(desk, name, BEAT_S * 1.4, 0.42), pan=-0.2, room=0.3)


def play_chords(desk: Desk) -> None:
    """From bar five: two stabs to a bar, the second one ahead of its beat; and the last chord, rolled."""
    for bar in range(4, 12):
        names = CHORDS[bar].split()
        for beat, chord, held in ((0.0, names[0], 0.9), (2.5, names[-1], 0.45)):
            for name in VOICINGS[chord].split():
                desk.add(when(bar, beat), 0.28 * piano(desk, name, held * BEAT_S, 0.5), pan=-0.15, room=0.25)
    for delay, name in enumerate(["F2", "C3", *VOICINGS["F69"].split()]):
        desk.add(when(12, 0) + 0.03 * delay, 0.28 * piano(desk, name, 2.0, 0.55), pan=-0.15, room=0.35)


def play_bass(desk: Desk) -> None:
    """Four steps to the bar."""
    for bar, line in enumerate(WALKING, start=4):
        for beat, name in enumerate(line.split()):
            desk.add(when(bar, beat), 0.4 * double_bass(desk, name, BEAT_S * 0.92, 0.8), room=0.08)
    desk.add(when(12, 0), 0.44 * double_bass(desk, "F1", 1.8, 0.8), room=0.1)


def play_drums(desk: Desk) -> None:
    """Spang-a-lang on the ride, the hat on two and four, brushes between, a fill into the last four bars."""
    for bar in range(4, 12):
        for beat in (0, 1, 1.5, 2, 3, 3.5):
            desk.add(when(bar, beat), 0.085 * ride(desk, 0.6 + 0.3 * (beat in (1, 3))), pan=0.45, room=0.15)
        for beat in (1, 3):
            desk.add(when(bar, beat), 0.13 * hi_hat(desk, 0.8), pan=-0.4, room=0.1)
            desk.add(when(bar, beat), 0.08 * brush(desk, 0.8), pan=-0.1, room=0.2)
        for beat in (0, 2) if bar >= 8 else (0,):
            desk.add(when(bar, beat), 0.3 * kick(0.8), room=0.05)
    for step in range(4):
        desk.add(when(7, 2 + step / 2), 0.16 * brush(desk, 0.6 + 0.15 * step), pan=-0.1, room=0.25)
    desk.add(when(12, 0), 0.14 * ride(desk, 1.0), pan=0.45, room=0.3)


def reverberated(desk: Desk) -> Signal:
    """Both buses together, the wet one through a small hall: noise that dies by 60 dB in 1.2 s."""
    tail = time_axis(1.2)
    hall = np.stack([desk.noise(1.2, 150, 5000) for _ in range(2)]) * np.exp(-6.9 * tail / 1.2)
    hall[:, : round(0.012 * RATE)] = 0
    frames = desk.wet.shape[1] + hall.shape[1]
    echo = np.fft.irfft(np.fft.rfft(desk.wet, frames) * np.fft.rfft(hall, frames), frames)[:, : desk.wet.shape[1]]
    return desk.dry + 0.11 * echo


def render() -> NDArray[np.float32]:
    """The recording: `(frames, 2)` at 44.1 kHz, peak 0.89, faded out over its last 0.6 s."""
    desk = Desk()
    for player in (play_tune, play_left_hand, play_chords, play_bass, play_drums):
        player(desk)
    mix = np.tanh(reverberated(desk))
    mix *= np.minimum((LENGTH_S - time_axis(LENGTH_S)) / 0.6, 1)
    mix *= 0.89 / np.abs(mix).max()
    return mix.T.astype(np.float32)


def write(path: Path) -> None:
    """Write the recording as Ogg Vorbis with its title. In blocks: libsndfile's encoder overflows its stack on long ones."""
    import soundfile

    audio = render()
    with soundfile.SoundFile(path, "w", RATE, 2, format="OGG", subtype="VORBIS", compression_level=0.4) as file:
        file.title, file.artist = "Twelve bars, three rooms", "MusicClass"
        file.copyright = "MIT licence, the MusicClass project"
        for start in range(0, len(audio), RATE):
            file.write(audio[start : start + RATE])


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "resources" / "sample.ogg")
