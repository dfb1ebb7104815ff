"""Try an installed program as its user would: its commands, and its window on a screen of its own.

For wheels and frozen builds, where everything can be right except what was left out of the package.
It uses the program through its command line only, and reads the window from the X server's frame buffer.

Usage: python packaging/smoke.py [COMMAND…]      (default: this Python's own `python -m musicclass_gui`)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SAMPLE = Path(__file__).resolve().parents[1] / "resources" / "sample.ogg"
SCREEN = "1280x800x24"
PAINTED_COLOURS = 24  # an empty screen has one; a window with text and a waveform has hundreds


def ask(command: Sequence[str], *args: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the program to its end; it may take two minutes."""
    return subprocess.run([*command, *args], capture_output=True, text=True, timeout=120, check=False)


def check_version(command: Sequence[str]) -> str:
    """It starts at all, and says who it is."""
    done = ask(command, "--version")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def check_self(command: Sequence[str]) -> str:
    """The self-check prints a table and does not fall over."""
    done = ask(command, "selfcheck")
    assert "Traceback" not in done.stderr, done.stderr
    assert "torch" in done.stdout
    return f"{len(done.stdout.splitlines())} lines"


def check_answer(command: Sequence[str]) -> str:
    """The sample gets an answer from every classifier, with probabilities that add up and segments in order."""
    done = ask(command, "predict", str(SAMPLE), "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    answers: list[dict[str, Any]] = json.loads(line)["answers"]
    assert {answer["classifier"] for answer in answers} >= {"genre", "composer"}
    for answer in answers:
        total = sum(entry["probability"] for entry in answer["ranking"])
        assert abs(total - 1) < 1e-3, total
        starts = [segment["start_s"] for segment in answer["segments"]]
        assert starts == sorted(starts)
    return ", ".join(f"{answer['classifier']}: {answer['label'] or 'none of these'}" for answer in answers)


@contextmanager
def screen(folder: Path) -> Iterator[str]:
    """An X server without a screen, its picture in `folder`; gives the name of the display."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-fbdir", str(folder), "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as names:
            yield f":{names.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)


def picture(folder: Path) -> NDArray[np.uint8]:
    """What the screen shows, `(height, width, 3)` RGB: the server keeps it as an X window dump."""
    dump = (folder / "Xvfb_screen0").read_bytes()
    header = np.frombuffer(dump, ">u4", 25)
    size, width, height, row_bytes, colours = (int(header[i]) for i in (0, 4, 5, 12, 19))
    pixels = np.frombuffer(dump, np.uint8, height * row_bytes, size + 12 * colours)
    return pixels.reshape(height, row_bytes // 4, 4)[:, :width, 2::-1]


def colours(image: NDArray[np.uint8]) -> int:
    """How many different colours there are."""
    return len(np.unique(image.reshape(-1, 3), axis=0))


def wait_for_paint(folder: Path, program: subprocess.Popen[bytes], seconds: float = 60) -> float:
    """Seconds until the window is painted. Fails when the program ends before."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        assert program.poll() is None, f"the program ended with status {program.returncode}"
        if colours(picture(folder)) >= PAINTED_COLOURS:
            return time.monotonic() - begun
        time.sleep(0.05)
    raise AssertionError(f"nothing was painted within {seconds:g} s")


@contextmanager
def window(command: Sequence[str], folder: Path, *files: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program with its window on a screen of its own."""
    with screen(folder) as display:
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "WAYLAND_DISPLAY": ""}
        program = subprocess.Popen([*command, *map(str, files)], env=environment)
        try:
            yield program
        finally:
            program.terminate()
            program.wait(10)


def check_window(command: Sequence[str]) -> str:
    """The window comes up on the sample and goes when told to."""
    if shutil.which("Xvfb") is None:
        return "not tried: Xvfb is not installed"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with window(command, folder, SAMPLE) as program:
            return f"painted after {wait_for_paint(folder, program):.2f} s"


def main() -> None:
    """Run every check; the first one that fails ends it."""
    command = sys.argv[1:] or [sys.executable, "-P", "-m", "musicclass_gui"]
    for check in (check_version, check_self, check_answer, check_window):
        print(f"{check.__name__.removeprefix('check_'):8} {check(command)}", flush=True)


if __name__ == "__main__":
    main()
