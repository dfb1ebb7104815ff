"""What stands between a fresh clone and a running program: the scripts, the pins, the wheel, the sample, the window on a screen."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import psutil
import pytest
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8")

needs_bash = pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="the scripts are for bash")


def script(name: str) -> ModuleType:
    """A Python file of packaging/, imported."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# ---- pins


def requirements() -> list[Requirement]:
    return [Requirement(line) for line in [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]]


def pins() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in CONSTRAINTS.splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(pin.name, set()).add(str(pin.specifier).removeprefix("=="))
    return found


@pytest.mark.parametrize("wanted", requirements(), ids=lambda wanted: wanted.name)
def test_each_dependency_is_bounded_above_and_pinned_within_its_bounds(wanted: Requirement) -> None:
    assert any(spec.operator in ("<", "==", "~=") for spec in wanted.specifier)
    versions = pins()[re.sub(r"[-_.]+", "-", wanted.name).lower()]
    assert versions
    assert all(wanted.specifier.contains(version) for version in versions)


def test_torch_is_the_one_that_torchaudio_was_built_for() -> None:
    (torch,), (torchaudio,) = pins()["torch"], pins()["torchaudio"]
    assert torch.split(".")[:2] == torchaudio.split(".")[:2]


def test_the_pins_name_no_place() -> None:
    assert not re.search(r"https?:|file:|--|@ |^/", CONSTRAINTS.partition("annotated-doc")[2], re.MULTILINE)


# ---- the scripts, in a clone of their own with programs that write down how they were called

TOOLS = ["bash", "dirname", "cat", "sha256sum", "mktemp", "rm", "tail", "timeout", "touch", "cp", "sed", "env", "flock"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in a folder with a space in its name: the scripts and what they look at, and nothing else."""
    folder = tmp_path / "music class"
    (folder / "packaging").mkdir(parents=True)
    for name in ("pyproject.toml", "packaging/setup.sh", "packaging/start.sh", "packaging/test.sh", "packaging/constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f"{tool} is not installed")
        (tmp_path / "bin" / tool).symlink_to(found)
    return folder


def program(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{shutil.which('bash')}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def set_up(clone: Path, python: str = "exit 0") -> None:
    """A virtual environment whose `python` does as told and whose `musicclass` and `pip` calls can be read afterwards."""
    program(clone / ".venv" / "bin" / "python", f'printf "%s\\n" "$*" >>"{clone}/python.calls"\n{python}')
    program(clone / ".venv" / "bin" / "musicclass", f'printf "%s\\n" "$@" >"{clone}/musicclass.call"')


def stamp(clone: Path, kind: str = "run") -> None:
    command = f'source packaging/setup.sh; fingerprint >".venv/.ready-{kind}"'
    subprocess.run(["bash", "-c", command], cwd=clone, check=True)


def run(clone: Path, name: str, *args: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script where only TOOLS and what lies in bin/ can be found."""
    outside = {"PATH": str(clone.parent / "bin"), "HOME": str(clone.parent), "TMPDIR": str(clone.parent), **environment}
    command = ["bash", str(clone / "packaging" / name), *args]
    quiet = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run(command, cwd=cwd or clone, env=outside, timeout=60, check=False, **quiet)


def called_with(clone: Path) -> list[str]:
    return (clone / "musicclass.call").read_text(encoding="utf-8").splitlines()


@needs_bash
@pytest.mark.parametrize("path", sorted([*ROOT.glob("packaging/*.sh"), ROOT / ".ci" / "run"]), ids=lambda path: path.name)
def test_scripts_are_valid_bash(path: Path) -> None:
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0


def test_every_script_that_is_spoken_of_is_there() -> None:
    texts = (ROOT / "README.md").read_text(encoding="utf-8"), (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    named = {name for text in texts for name in re.findall(r"packaging/\w+\.(?:sh|py)", text)}
    assert "packaging/test.sh" in named
    assert [name for name in named if not (ROOT / name).is_file()] == []


@needs_bash
def test_a_second_start_runs_the_program_at_once(clone: Path) -> None:
    set_up(clone)
    stamp(clone)
    begun = time.monotonic()
    done = run(clone, "start.sh", "a b.wav")
    assert time.monotonic() - begun < 1
    assert done.returncode == 0
    assert not (clone / "python.calls").exists()


@needs_bash
def test_without_a_display_the_table_is_printed_with_the_reason(clone: Path) -> None:
    set_up(clone)
    stamp(clone)
    done = run(clone, "start.sh")
    assert "there is no display" in done.stderr
    assert called_with(clone) == ["predict", f"{clone}/resources/sample.ogg"]


@needs_bash
def test_with_a_display_the_window_is_opened(clone: Path) -> None:
    set_up(clone)
    stamp(clone)
    done = run(clone, "start.sh", "predict", "/a/b c.mp3", "-x.wav", DISPLAY=":0")
    assert done.stderr == ""
    assert called_with(clone) == ["./predict", "/a/b c.mp3", "./-x.wav"]


@needs_bash
def test_a_display_that_qt_cannot_open_is_no_display(clone: Path) -> None:
    set_up(clone, python="exit 134")
    stamp(clone)
    done = run(clone, "start.sh", "x.wav", DISPLAY=":9")
    assert "Qt cannot open the display :9" in done.stderr
    assert called_with(clone) == ["predict", "./x.wav"]


@needs_bash
def test_relative_files_are_those_of_the_caller(clone: Path, tmp_path: Path) -> None:
    set_up(clone)
    program(clone / ".venv" / "bin" / "musicclass", f'cat "$2" >"{clone}/musicclass.call"')
    stamp(clone)
    (tmp_path / "else where").mkdir()
    (tmp_path / "else where" / "x.wav").write_text("the right one", encoding="utf-8")
    run(clone, "start.sh", "x.wav", cwd=tmp_path / "else where")
    assert called_with(clone) == ["the right one"]


@needs_bash
@pytest.mark.parametrize("changed", ["pyproject.toml", "packaging/constraints.txt", "packaging/setup.sh"])
def test_what_changed_is_installed_again(clone: Path, changed: str) -> None:
    set_up(clone)
    stamp(clone)
    with (clone / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert run(clone, "start.sh").returncode == 0
    assert f"--editable {clone}" in (clone / "python.calls").read_text(encoding="utf-8")
    (clone / "python.calls").unlink()
    run(clone, "start.sh")
    assert not (clone / "python.calls").exists()


@needs_bash
def test_a_clone_that_was_moved_is_set_up_again(clone: Path) -> None:
    set_up(clone)
    stamp(clone)
    moved = clone.rename(clone.parent / "moved")
    set_up(moved)
    run(moved, "start.sh")
    assert f"--editable {moved}" in (moved / "python.calls").read_text(encoding="utf-8")


@needs_bash
def test_an_installation_that_fails_leaves_no_stamp_but_a_log(clone: Path) -> None:
    set_up(clone, python='case $* in *--editable*) echo "no such package" >&2; exit 1;; esac')
    done = run(clone, "start.sh")
    assert done.returncode == 1
    assert "no such package" in done.stderr
    assert list((clone / ".venv").glob(".ready-*")) == []
    (log,) = clone.parent.glob("musicclass-setup.*.log")
    assert str(log) in done.stderr
    assert not (clone / "musicclass.call").exists()


@needs_bash
def test_an_interrupted_installation_begins_anew(clone: Path, tmp_path: Path) -> None:
    set_up(clone)
    (clone / ".venv" / ".unfinished").touch()
    body = f'printf "%s\\n" "$*" >>"{clone}/system.calls"; [[ $* != *--clear* ]] || rm "{clone}/.venv/.unfinished"'
    program(tmp_path / "bin" / "python3.11", body)
    assert run(clone, "start.sh").returncode == 0
    assert f"-m venv --clear {clone}/.venv" in (clone / "system.calls").read_text(encoding="utf-8")


@needs_bash
def test_without_root_the_missing_packages_are_named_and_it_goes_on(clone: Path, tmp_path: Path) -> None:
    set_up(clone)
    program(tmp_path / "bin" / "ldconfig", "exit 0")
    done = run(clone, "start.sh")
    assert "missing system packages" in done.stderr
    assert "libxcb-cursor0" in done.stderr
    assert called_with(clone)[0] == "predict"


@needs_bash
def test_packages_are_installed_through_apt(clone: Path, tmp_path: Path) -> None:
    set_up(clone)
    program(tmp_path / "bin" / "apt-get", f'printf "%s\\n" "$*" >>"{clone}/apt.calls"')
    program(tmp_path / "bin" / "sudo", '[[ $1 != -n ]] || shift; "$@"')
    program(tmp_path / "bin" / "ldconfig", r'printf "\tlibEGL.so.1 (libc6,x86-64) => /usr/lib/libEGL.so.1\n"')
    run(clone, "test.sh")
    update, install = (clone / "apt.calls").read_text(encoding="utf-8").splitlines()[:2]
    assert update.endswith("update")
    assert {"libgl1", "xvfb"} <= set(install.split())
    assert "libegl1" not in install.split()


@needs_bash
def test_test_runs_pytest_offscreen_with_its_arguments_and_status(clone: Path) -> None:
    set_up(clone, python='[[ $* != "-m pytest"* ]] || { echo "$QT_QPA_PLATFORM $PWD $*"; exit 5; }')
    stamp(clone, "test")
    done = run(clone, "test.sh", "-k", "two words", cwd=clone.parent)
    assert done.returncode == 5
    assert done.stdout.splitlines() == [f"offscreen {clone} -m pytest -k two words"]


@needs_bash
def test_test_installs_the_developers_packages(clone: Path) -> None:
    set_up(clone, python=f'[[ $1 != -c ]] || exec "{sys.executable}" "$@"')
    run(clone, "test.sh")
    calls = (clone / "python.calls").read_text(encoding="utf-8")
    assert all(line in calls for line in PROJECT["dependency-groups"]["dev"])


# ---- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="the build backend is not installed, and fetching it would need the network")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def shipped_files() -> list[str]:
    return [path.relative_to(ROOT).as_posix() for name in ("resources", "models") for path in (ROOT / name).rglob("*") if path.is_file()]


def test_the_wheel_holds_the_program_its_resources_and_its_models(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "musicclass_gui/_shipped/resources/sample.ogg" in names
    assert {f"musicclass_gui/_shipped/{name}" for name in shipped_files()} <= names
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "musicclass_gui").rglob("*.py")} <= names
    assert [name for name in names if name.split("/")[0] not in ("musicclass_gui", wheel.name.split("-py3")[0] + ".dist-info")] == []


def test_the_wheel_names_its_commands_and_its_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entry_points,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("entry_points.txt"))
    (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("METADATA"))
    parsed = configparser.ConfigParser()
    parsed.read_string(entry_points)
    assert "musicclass" in parsed["console_scripts"]
    assert "musicclass-gui" in parsed["gui_scripts"]
    assert "License-Expression: MIT" in metadata


def test_an_installed_wheel_finds_what_it_ships(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = """if True:
        import json, musicclass_gui
        from musicclass_gui.engine import classifier, places
        print(json.dumps([musicclass_gui.__file__, str(places.resources_dir()), [str(path) for path in classifier.shipped().values()]]))
    """
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    package, resources, models = json.loads(done.stdout)
    assert Path(package).is_relative_to(tmp_path)
    assert (Path(resources) / "sample.ogg").read_bytes() == (ROOT / "resources" / "sample.ogg").read_bytes()
    assert Path(resources).is_relative_to(tmp_path)
    assert len(models) == len(list((ROOT / "models").glob("*/*/card.json")))
    assert all(Path(model).is_relative_to(tmp_path) for model in models)


# ---- the sample, the desktop


def test_the_sample_is_what_its_script_makes() -> None:
    import soundfile

    path = ROOT / "resources" / "sample.ogg"
    shipped, rate = soundfile.read(path)
    made = script("make_sample").render()
    assert path.stat().st_size <= 600_000
    assert (rate, shipped.shape) == (44100, made.shape)
    assert 20 <= len(made) / rate <= 26
    assert np.abs(made).max() < 0.9
    noise = np.mean((made - shipped) ** 2) / np.mean(made**2)
    assert 10 * np.log10(noise) < -20, "Vorbis at this rate stays 30 dB below the music"


def test_the_desktop_entry_starts_a_command_that_exists() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(ROOT / "packaging" / "musicclass.desktop", encoding="utf-8")
    assert entry["Desktop Entry"]["Exec"].split()[0] in PROJECT["project"]["gui-scripts"]


def test_the_icon_is_a_picture() -> None:
    root = ElementTree.parse(ROOT / "resources" / "icons" / "app.svg").getroot()
    assert root.tag.endswith("svg")
    assert root.get("viewBox") == "0 0 256 256"


# ---- the program on a screen of its own


@pytest.fixture
def smoke(tmp_path: Path) -> ModuleType:
    """The smoke test's functions, where Qt can open an X screen."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    module = script("smoke")
    with module.screen(tmp_path) as display:
        probe = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        if subprocess.run([sys.executable, "-c", probe], env=environment, capture_output=True, check=False).returncode:
            pytest.skip("Qt cannot open an X screen here: packaging/setup.sh lists the system libraries that it needs")
    return module


def test_the_window_comes_up_on_a_real_screen_and_goes_when_told(smoke: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "musicclass_gui"]
    with smoke.window(command, tmp_path, ROOT / "resources" / "sample.ogg") as window:
        smoke.wait_for_paint(tmp_path, window)
        processes = [psutil.Process(window.pid), *psutil.Process(window.pid).children(recursive=True)]
        window.terminate()
        window.wait(5)
        assert psutil.wait_procs(processes, timeout=5)[1] == []


def test_an_empty_screen_counts_as_not_painted(smoke: ModuleType, tmp_path: Path) -> None:
    with smoke.screen(tmp_path):
        assert smoke.picture(tmp_path).shape == (800, 1280, 3)
        assert smoke.colours(smoke.picture(tmp_path)) < smoke.PAINTED_COLOURS


def test_the_program_answers_its_own_sample(smoke: ModuleType) -> None:
    command = [sys.executable, "-P", "-m", "musicclass_gui"]
    assert "genre" in smoke.check_answer(command)
    assert smoke.check_version(command).startswith("musicclass ")
    assert smoke.check_self(command)
