"""Recording: through a real sound server what comes in is in the file; at its edge, what is said when it cannot be."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from musicclass_gui.app import portaudio
from musicclass_gui.app.recorder import NO_DEVICE, SILENT, STOPPED, Recorder
from musicclass_gui.app.take import SILENCE_DB, Take, level_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

ROOT = Path(__file__).parents[2]
RATE = 48_000
BLOCK = RATE // 30


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def tone(seconds: float, peak: float = 0.5) -> np.ndarray:
    return (32767 * peak * np.sin(np.arange(round(seconds * RATE)) * 0.05)).astype(np.int16)


class PortAudioError(Exception):
    pass


class FakeStream:
    """A microphone that gives `sound`, block by block, as fast as it is taken."""

    sound = tone(1.0)
    broken = ""
    opened: list[FakeStream] = []

    def __init__(self, rate: int, blocksize: int, _device: int | None, channels: int, _dtype: str, **callbacks: Any) -> None:
        self.rate, self.size, self.channels = rate, blocksize, channels
        self.callback, self.finished = callbacks["callback"], callbacks["finished_callback"]
        self.closed = threading.Event()
        FakeStream.opened.append(self)

    def start(self) -> None:
        if self.broken:
            raise PortAudioError(f"{self.broken} [PaErrorCode -9999]")
        self.thread = threading.Thread(target=self.flow)
        self.thread.start()

    def flow(self) -> None:
        for start in range(0, len(self.sound), self.size):
            block = self.sound[start : start + self.size]
            self.callback(np.repeat(block[:, None], self.channels, axis=1), len(block), None, None)
        self.closed.wait(30)

    def unplug(self) -> None:
        self.finished()

    def close(self, ignore_errors: bool) -> None:
        assert ignore_errors
        self.closed.set()
        if hasattr(self, "thread"):
            self.thread.join(10)


def fake(monkeypatch: pytest.MonkeyPatch, *, channels: tuple[int, ...] = (1, 2), names: tuple[str, ...] = ("Mic",)) -> Any:
    devices = [
        {"name": name, "index": n, "hostapi": 0, "max_input_channels": 2, "max_output_channels": 0, "default_samplerate": float(RATE)}
        for n, name in enumerate(names)
    ]

    def check(_number: int | None, wanted: int, _dtype: str, samplerate: int) -> None:
        if wanted not in channels or samplerate != RATE:
            raise PortAudioError("Invalid number of channels")

    def query(number: int | None = None, kind: str | None = None) -> Any:
        return devices[number or 0] if kind else devices

    sd = SimpleNamespace(
        PortAudioError=PortAudioError, InputStream=FakeStream, query_devices=query, check_input_settings=check,
        default=SimpleNamespace(device=(0, -1)), _terminate=lambda: None, _initialize=lambda: None,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "sounddevice", sd)
    FakeStream.opened = []
    return sd


@pytest.fixture
def recorder(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    fake(monkeypatch)
    recorder = Recorder(tmp_path / "Recordings")
    yield recorder
    recorder.close()
    assert portaudio._streams == set(), "every stream is given back"


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=20_000)


def test_what_was_heard_is_in_the_file(recorder: Recorder, qtbot: QtBot) -> None:
    levels: list[float] = []
    recorder.level_changed.connect(levels.append)
    recorder.start("Front door: bell")
    assert recorder.state == "starting"
    until(qtbot, lambda: recorder.seconds >= 1.0)
    assert recorder.state == "recording"
    path = recorder.stop()
    assert recorder.state == "idle"
    assert path is not None
    assert path == recorder.path
    assert path.parent.name == "Recordings"
    assert path.name.startswith("Front door  bell 20")
    np.testing.assert_array_equal(samples(path), FakeStream.sound)
    assert len(levels) == 30, "so many blocks make a second"
    assert levels[0] == pytest.approx(-6.02, abs=0.1)
    assert recorder.problem == ""


def test_two_recordings_in_one_minute_are_two_files(recorder: Recorder, qtbot: QtBot) -> None:
    paths = []
    for _ in range(2):
        recorder.start()
        until(qtbot, lambda: recorder.seconds > 0.5)
        paths.append(recorder.stop())
    assert len(set(paths)) == 2
    assert all(path is not None and path.is_file() for path in paths)


def test_a_cancelled_recording_leaves_no_file(recorder: Recorder, qtbot: QtBot, tmp_path: Path) -> None:
    recorder.start()
    until(qtbot, lambda: recorder.seconds > 0.5)
    recorder.cancel()
    assert recorder.path is None
    assert list((tmp_path / "Recordings").iterdir()) == []


def test_stopping_before_the_device_is_open_records_nothing(recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    sd, held = fake(monkeypatch), threading.Event()
    monkeypatch.setattr(sd, "query_devices", lambda *asked, query=sd.query_devices: held.wait(10) and query(*asked))
    recorder.start()
    assert recorder.stop() is None
    held.set()
    recorder.start()
    until(qtbot, lambda: recorder.seconds > 0.5)
    assert recorder.stop() is not None


def test_a_device_that_gives_only_all_its_channels_is_recorded_from(
    recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch, channels=(2,))
    recorder.start()
    until(qtbot, lambda: recorder.seconds >= 1.0)
    path = recorder.stop()
    assert path is not None
    np.testing.assert_array_equal(samples(path), FakeStream.sound)


def test_an_end_that_nobody_asked_for_keeps_what_there_was(recorder: Recorder, qtbot: QtBot) -> None:
    recorder.start()
    until(qtbot, lambda: recorder.seconds >= 1.0)
    FakeStream.opened[0].unplug()
    until(qtbot, lambda: recorder.state == "idle")
    assert recorder.problem == STOPPED
    assert recorder.path is not None
    assert len(samples(recorder.path)) == RATE


def test_the_longest_recording_ends_by_itself(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch)
    recorder = Recorder(tmp_path, longest_s=0.5)
    recorder.start()
    until(qtbot, lambda: recorder.path is not None)
    assert "the longest" in recorder.problem
    assert recorder.path is not None
    assert len(samples(recorder.path)) == RATE // 2
    recorder.close()


def test_perfect_silence_is_suspicious_and_a_sound_ends_the_suspicion(
    recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems: list[str] = []
    recorder.changed.connect(lambda: problems.append(recorder.problem))
    monkeypatch.setattr(FakeStream, "sound", np.concatenate([np.zeros(4 * RATE, np.int16), tone(0.2)]))
    recorder.start()
    until(qtbot, lambda: recorder.seconds > 4.1)
    assert SILENT in problems
    assert recorder.problem == ""
    assert recorder.level > SILENCE_DB


def test_a_device_that_cannot_be_opened_is_a_sentence(recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStream, "broken", "Device unavailable")
    recorder.start(device="Mic")
    until(qtbot, lambda: recorder.state == "idle")
    assert recorder.problem == "“Mic” cannot be recorded from (device unavailable); choose another one."
    assert recorder.path is None
    recorder.start(device="Gramophone")
    until(qtbot, lambda: recorder.state == "idle")
    assert recorder.problem.startswith("The microphone “Gramophone” is not there")


def test_without_a_microphone_that_is_said(recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, names=())
    assert recorder.devices() == []
    until(qtbot, lambda: bool(recorder.problem))
    assert recorder.problem == NO_DEVICE


def test_the_microphones_are_listed(recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, names=("Built-in", "Headset"))
    with qtbot.waitSignal(recorder.changed, timeout=20_000):
        assert recorder.devices() == []
    assert recorder.devices() == ["Built-in", "Headset"]


def test_devices_are_not_looked_for_under_a_stream(recorder: Recorder, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    sd = fake(monkeypatch)
    ended: list[int] = []
    sd._terminate = lambda: ended.append(1)
    recorder.start()
    until(qtbot, lambda: recorder.seconds >= 1.0)
    portaudio.look_again(sd)
    assert ended == []
    recorder.stop()
    until(qtbot, lambda: not portaudio._streams)
    portaudio.look_again(sd)
    assert ended == [1]


def test_a_folder_that_cannot_be_written_is_a_sentence(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch)
    (tmp_path / "file").write_text("not a folder")
    recorder = Recorder(tmp_path / "file")
    recorder.start()
    until(qtbot, lambda: recorder.state == "idle")
    assert "cannot be written" in recorder.problem
    recorder.close()
    assert portaudio._streams == set()


def test_a_full_disk_ends_the_take_with_a_reason(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    script = f"""
import resource, signal, numpy as np
from pathlib import Path
from musicclass_gui.app.take import Take
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
said = []
take = Take(Path({str(tmp_path / "a.wav")!r}), 48000, 60.0, lambda level, seconds: None, said.append)
for _ in range(100):
    take.put(np.ones(1600, np.int16))
take.finish()
print(*said)
"""
    assert resource is not None
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert "cannot be written" in done.stdout, done.stderr
    assert "make room" in done.stdout


def test_a_crash_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    script = f"""
import os, numpy as np
from pathlib import Path
from musicclass_gui.app.take import Take
heard = []
def note(level, seconds):
    if seconds >= 0.99:
        os._exit(9)
take = Take(Path({str(path)!r}), 48000, 60.0, note, print)
for _ in range(30):
    take.put(np.full(1600, 1000, np.int16))
take._thread.join()
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=60, cwd=ROOT).returncode == 9
    np.testing.assert_array_equal(samples(path), np.full(RATE, 1000, np.int16))


def test_levels_are_peaks_in_decibels() -> None:
    assert level_of(np.zeros(10, np.int16)) == SILENCE_DB
    assert level_of(np.empty(0, np.int16)) == SILENCE_DB
    assert level_of(np.array([0, -32768], np.int16)) == 0.0
    assert level_of(np.array([3277, 1], np.int16)) == pytest.approx(-20.0, abs=0.01)


def test_a_take_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("mine")
    with pytest.raises(FileExistsError):
        Take(tmp_path / "a.wav", RATE, 1.0, lambda level, seconds: None, print)


# With a sound server of our own, whose source is what a sink is given

_SCRIPT = """
import json, sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer
from musicclass_gui.app.recorder import Recorder
app = QCoreApplication([])
recorder, levels = Recorder(Path(sys.argv[1])), []
recorder.level_changed.connect(levels.append)
def spin(seconds, until=lambda: False):
    loop, clock, end = QEventLoop(), QTimer(interval=5), time.monotonic() + seconds
    clock.timeout.connect(lambda: (time.monotonic() > end or until()) and loop.quit())
    clock.start()
    loop.exec()
recorder.devices()
recorder.start("Tone")
spin(20, lambda: recorder.seconds > 0.1 or recorder.problem)
began, count = time.monotonic(), len(levels)
spin(2)
per_s = (len(levels) - count) / (time.monotonic() - began)
path = recorder.stop()
recorder.close()
facts = {"path": str(path), "problem": recorder.problem, "level": max(levels, default=0), "names": recorder._devices}
print(json.dumps({**facts, "per_s": per_s}))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[dict[str, str]]:
    missing = [name for name in ("pulseaudio", "pactl", "pacat") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no sound server to record from: {', '.join(missing)} is not installed")
    folder = Path("/tmp") / f"mr-{os.getpid()}"  # a socket's path must be short
    (folder / "pulse").mkdir(parents=True)
    folder.chmod(0o700)
    reach = {"XDG_RUNTIME_DIR": str(folder), "PULSE_RUNTIME_PATH": str(folder / "pulse")}
    modules = ["module-native-protocol-unix", f"module-null-sink sink_name=nowhere rate={RATE}"]
    options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    command = ["pulseaudio", *options, *(part for module in modules for part in ("-L", module))]
    with subprocess.Popen(command, env=os.environ | reach, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            if not any(_answers(reach) for _ in range(100)):
                pytest.skip("the sound server did not start")
            yield reach
        finally:
            process.terminate()
            process.wait(10)
            shutil.rmtree(folder, ignore_errors=True)


def _answers(reach: dict[str, str]) -> bool:
    asked = subprocess.run(["pactl", "set-default-source", "nowhere.monitor"], env=os.environ | reach, capture_output=True)
    if asked.returncode:
        time.sleep(0.1)
    return asked.returncode == 0


@contextlib.contextmanager
def playing(reach: dict[str, str], folder: Path) -> Iterator[None]:
    raw = folder / "tone.raw"
    raw.write_bytes(tone(120).tobytes())
    command = ["pacat", "--playback", "--device=nowhere", "--format=s16le", f"--rate={RATE}", "--channels=1", str(raw)]
    with subprocess.Popen(command, env=os.environ | reach) as player:
        try:
            yield
        finally:
            player.terminate()
            player.wait(10)


def test_a_real_microphone_is_recorded(server: dict[str, str], tmp_path: Path) -> None:
    with playing(server, tmp_path):
        command = [sys.executable, "-c", _SCRIPT, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | server, cwd=ROOT, timeout=90)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    if "needs the PortAudio library" in facts["problem"]:
        pytest.skip("PortAudio is not installed")
    assert facts["problem"] == ""
    assert facts["names"]
    assert facts["per_s"] >= 20
    assert facts["level"] == pytest.approx(-6.02, abs=1.0)
    with wave.open(facts["path"]) as file:
        rate = file.getframerate()
    found = samples(Path(facts["path"])).astype(float)
    loud = found[np.abs(found).argmax() :][:rate]
    peak = np.abs(np.fft.rfft(loud * np.hanning(len(loud)))).argmax() * rate / len(loud)
    assert peak == pytest.approx(0.05 * RATE / (2 * np.pi), rel=0.01)
