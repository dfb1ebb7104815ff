"""PortAudio itself: what is heard through a real sound server, and what is said where there is no library or device."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from musicclass_gui.app.reel import Reel
from musicclass_gui.app.speaker import NO_DEVICE, Speaker, SpeakerError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RATE = 44_100

_SILENCE = f"pacat --playback --device=nowhere --latency-msec=20 --format=s16le --rate={RATE} --channels=2"
"""Keeps the sink turning: one that starts up loses the beginning of what it records."""

_JOINING = RATE // 100
"""The server swallows up to some milliseconds of any stream, pacat's too, while it joins it in."""

PRELUDE = """
import json, sys, time
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer
from musicclass_gui.app.player import Player
from musicclass_gui.engine.audio import probe
app = QCoreApplication([])
player = Player()
def spin(seconds, until=lambda: False):
    loop, clock, end = QEventLoop(), QTimer(interval=2), time.monotonic() + seconds
    clock.timeout.connect(lambda: (time.monotonic() > end or until()) and loop.quit())
    clock.start()
    loop.exec()
def say(**facts):
    print(json.dumps(facts), flush=True)
"""


def scenario(script: str, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    """Run a script with a player in a process of its own; the facts that it said."""
    command = [sys.executable, "-c", PRELUDE + script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """Four seconds of noise in 16 bit, in which every place can be told."""
    path = tmp_path_factory.mktemp("speaker") / "noise.wav"
    sound = np.random.default_rng(7).integers(-9000, 9000, 4 * RATE).astype(np.int16)
    soundfile.write(path, np.stack([sound, sound], axis=1), RATE, subtype="PCM_16")
    return path, sound


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sound server of our own with one sink that goes nowhere; how to reach it."""
    missing = [name for name in ("pulseaudio", "parec", "pacat", "pactl") if shutil.which(name) is None]
    if missing or not _portaudio():
        pytest.skip(f"no sound server to play to: {', '.join(missing) or 'PortAudio'} is not installed")
    folder = Path("/tmp") / f"mc-{os.getpid()}"  # a socket's path must be short
    (folder / "pulse").mkdir(parents=True)
    folder.chmod(0o700)
    reach = {"XDG_RUNTIME_DIR": str(folder), "PULSE_RUNTIME_PATH": str(folder / "pulse")}
    modules = ["module-native-protocol-unix", "module-null-sink sink_name=nowhere rate=44100"]
    options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    command = ["pulseaudio", *options, *(part for module in modules for part in ("-L", module))]
    process = subprocess.Popen(command, env=os.environ | reach, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_server(reach)
        with subprocess.Popen([*_SILENCE.split(), "/dev/zero"], env=os.environ | reach) as silence:
            yield reach
            silence.terminate()
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _portaudio() -> bool:
    try:
        import sounddevice
    except Exception:  # OSError without the library; its own error where it wants a sound server at once
        return False
    return bool(sounddevice.__version__)


def _await_server(reach: dict[str, str]) -> None:
    for _ in range(100):
        if subprocess.run(["pactl", "info"], env=os.environ | reach, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    pytest.skip("the sound server did not start")


def recorded(reach: dict[str, str], script: str, *arguments: str) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Run a scenario and record what the sink was given, the left channel in 16 bit."""
    command = ["parec", "-d", "nowhere.monitor", "--format=s16le", f"--rate={RATE}", "--channels=2", "--latency-msec=50"]
    with tempfile.TemporaryFile() as file, subprocess.Popen(command, env=os.environ | reach, stdout=file) as recorder:
        time.sleep(0.5)
        try:
            facts = scenario(script, *arguments, **reach)
            time.sleep(0.5)
        finally:
            recorder.terminate()
            recorder.wait(10)
        file.seek(0)
        raw = file.read()
    return np.frombuffer(raw[: len(raw) // 4 * 4], np.int16).reshape(-1, 2)[:, 0].astype(int), facts


def first_place_of(sound: np.ndarray, within: np.ndarray) -> int:
    """Where `sound` begins in `within`, by correlation; −1 when it is not there."""
    size = 1 << (len(within) + len(sound)).bit_length()
    match = np.fft.irfft(np.fft.rfft(within, size) * np.conj(np.fft.rfft(sound, size)), size)
    place = int(match[: len(within)].argmax())
    part = within[place : place + len(sound)]
    return place if len(part) == len(sound) and np.abs(part - sound).max() <= 2 else -1


def heard_exactly(reach: dict[str, str], expected: np.ndarray, script: str, path: Path) -> list[dict[str, Any]]:
    """The facts of a scenario in which `expected` was heard sample for sample; a busy machine or recorder gets three tries."""
    late = 0
    for _ in range(3):
        sound, facts = recorded(reach, script, str(path))
        if first_place_of(expected, sound) >= 0:
            return facts
        late += facts[-1]["late"]
    if late:
        pytest.skip("this machine is too busy to play: the device ran dry")
    pytest.fail("something else was heard")


def test_what_is_heard_is_the_file_sample_for_sample(server: dict[str, str], noise: tuple[Path, np.ndarray]) -> None:
    path, sound = noise
    facts = heard_exactly(
        server,
        sound[RATE // 2 + _JOINING : 4 * RATE],
        """
player.set_recording(probe(sys.argv[1]))
player.seek(0.5)
player.play()
spin(10, lambda: not player.playing)
say(position=player.position_s, problem=player.problem, late=player._deck._speaker.late, starved=player._reel.starved)
spin(0.3)
player.close()
""",
        path,
    )
    assert facts[-1]["problem"] == ""
    assert facts[-1]["position"] == 4.0


def test_a_loop_is_heard_without_a_gap(server: dict[str, str], noise: tuple[Path, np.ndarray]) -> None:
    path, sound = noise
    facts = heard_exactly(
        server,
        np.tile(sound[44_100:57_330], 5)[_JOINING:],
        """
player.set_recording(probe(sys.argv[1]))
player.set_loop((1.0, 1.3))
player.play()
spin(2.5)
say(position=player.position_s, problem=player.problem, late=player._deck._speaker.late)
player.close()
""",
        path,
    )
    assert 1.0 <= facts[-1]["position"] < 1.3


def test_pausing_loses_no_sample(server: dict[str, str], noise: tuple[Path, np.ndarray]) -> None:
    path, sound = noise
    script = """
player.set_recording(probe(sys.argv[1]))
player.play()
spin(10, lambda: player.position_s > 0.8)
player.pause()
spin(0.3)
say(position=player.position_s)
player.play()
spin(10, lambda: player.position_s > 2)
say(late=player._deck._speaker.late)
player.close()
"""
    late = 0
    for _ in range(3):
        heard, facts = recorded(server, script, str(path))
        cut = round(facts[0]["position"] * RATE)
        places = [first_place_of(part, heard) for part in (sound[cut - 20_000 : cut], sound[cut : cut + 20_000])]
        late += facts[-1]["late"]
        if min(places) >= 0:
            break
    if min(places) < 0 and late:
        pytest.skip("this machine is too busy to play: the device ran dry")
    assert min(places) >= 0
    assert places[1] - places[0] - 20_000 > 0.2 * RATE
    assert not heard[places[0] + 20_000 + 2 : places[1] - 2].any()


def test_the_playhead_keeps_time_with_the_sound(server: dict[str, str], noise: tuple[Path, np.ndarray]) -> None:
    path, _ = noise
    facts = scenario(
        """
player.set_recording(probe(sys.argv[1]))
player.play()
spin(5, lambda: player.position_s > 0.3)
seen = []
for step in range(200):
    seen.append((time.perf_counter(), player.position_s))
    time.sleep(0.01)
say(seen=seen, late=player._deck._speaker.late)
player.close()
""",
        str(path),
        **server,
    )
    times, positions = np.array(facts[-1]["seen"]).T
    if facts[-1]["late"]:
        pytest.skip("this machine is too busy to play: the device ran dry")
    assert (np.diff(positions) >= 0).all()
    drift = (positions - positions[0]) - (times - times[0])
    assert np.abs(drift - np.median(drift)).max() < 0.06


def test_devices_are_listed_and_an_unknown_one_is_named(server: dict[str, str], noise: tuple[Path, np.ndarray]) -> None:
    facts = scenario(
        """
player.set_recording(probe(sys.argv[1]))
spin(10, lambda: bool(player.devices()))
say(devices=player.devices(), problem=player.problem)
player.set_device("Gramophone")
player.play()
spin(10, lambda: not player.playing)
say(problem=player.problem)
player.set_device(player.devices()[0])
player.play()
spin(10, lambda: player.position_s > 0.2)
say(problem=player.problem, playing=player.playing)
player.close()
""",
        str(noise[0]),
        **server,
    )
    assert facts[0]["problem"] == ""
    assert facts[0]["devices"]
    assert facts[1]["problem"] == "The audio device “Gramophone” is not there; plug it in or choose another one."
    assert facts[2] == {"problem": "", "playing": True}


def test_a_server_that_dies_while_playing_is_told(noise: tuple[Path, np.ndarray], server: dict[str, str]) -> None:
    folder = Path(server["XDG_RUNTIME_DIR"] + "x")
    (folder / "pulse").mkdir(parents=True)
    folder.chmod(0o700)
    reach = {"XDG_RUNTIME_DIR": str(folder), "PULSE_RUNTIME_PATH": str(folder / "pulse")}
    script = """
import subprocess
command = "pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no -L module-native-protocol-unix -L module-null-sink"
other = subprocess.Popen(command.split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while subprocess.run(["pactl", "info"], capture_output=True).returncode:
    time.sleep(0.1)
player.set_recording(probe(sys.argv[1]))
player.play()
spin(10, lambda: player.position_s > 0.3)
say(position=player.position_s)
other.kill()
other.wait()
killed = time.monotonic()
spin(20, lambda: not player.playing)
say(problem=player.problem, playing=player.playing, after=time.monotonic() - killed)
start = time.monotonic()
player.close()
say(close=time.monotonic() - start)
"""
    try:
        facts = scenario(script, str(noise[0]), **reach)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert facts[0]["position"] > 0.3
    assert not facts[1]["playing"]
    assert "audio device stopped while playing" in facts[1]["problem"]
    assert facts[2]["close"] < 1


def test_without_portaudio_all_but_sound_works(noise: tuple[Path, np.ndarray]) -> None:
    script = """
import ctypes.util
ctypes.util.find_library = lambda name: None
player.set_recording(probe(sys.argv[1]))
spin(10, lambda: bool(player.problem))
player.play()
spin(10, lambda: not player.playing)
player.seek(1.5)
say(problem=player.problem, position=player.position_s, devices=player.devices())
player.close()
"""
    facts = scenario(script, str(noise[0]))
    assert "needs the PortAudio library" in facts[0]["problem"]
    assert facts[0]["position"] == 1.5
    assert facts[0]["devices"] == []


def test_without_a_device_all_but_sound_works(noise: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    nowhere = {"XDG_RUNTIME_DIR": str(tmp_path), "PULSE_RUNTIME_PATH": str(tmp_path), "PULSE_SERVER": "/nowhere"}
    found = scenario("import sounddevice; say(devices=len(sounddevice.query_devices()))", **nowhere) if _portaudio() else []
    if not found or found[0]["devices"]:
        pytest.skip("PortAudio is not installed, or there is a device that cannot be hidden")
    script = """
player.set_recording(probe(sys.argv[1]))
spin(10, lambda: bool(player.problem))
player.play()
spin(10, lambda: not player.playing)
say(problem=player.problem)
player.close()
"""
    facts = scenario(script, str(noise[0]), **nowhere)
    assert facts[0]["problem"] == "There is no audio device to play through; all else works without."


@pytest.mark.parametrize(
    "failing", ["raise PortAudioError('Error initializing PortAudio')", "def query_devices(): raise PortAudioError('not initialized')"]
)
def test_a_portaudio_that_cannot_start_is_no_fault_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    (tmp_path / "sounddevice.py").write_text(f"class PortAudioError(Exception): pass\n{failing}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # put back as it was afterwards
    del sys.modules["sounddevice"]
    with pytest.raises(SpeakerError) as caught:
        Speaker(Reel(), lambda: None).devices()
    assert str(caught.value) == NO_DEVICE
    sys.modules.pop("sounddevice", None)
