"""What a run was computed with: the program, its libraries, the encoder, the machine. Kept with each run and shown in its report."""

from __future__ import annotations

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import musicclass_gui
from musicclass_gui.engine import device, encoders

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import Config

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "torchaudio", "transformers", "librosa", "soundfile", "soxr", "av")
MACHINE = "machine"


def versions(config: Config) -> dict[str, str]:
    """By name: "musicclass", "python", each library, the machine, and the encoder where there is one. Loads none of them."""
    found = {"musicclass": program(), "python": platform.python_version()}
    found |= {name: _version(name) for name in _LIBRARIES}
    spec = encoders.find_spec(config.encoder) if config.encoder else None
    if spec is not None:
        found[f"encoder {spec.id}"] = spec.version
    return {**found, MACHINE: f"{platform.system()} {platform.machine()}"}


def program() -> str:
    """This state of the program: its version, and a digest of its source where there is some to read."""
    return f"{musicclass_gui.__version__}{_source()}"


def device_of(config: Config) -> str:
    """The device that a run's encoder gets, and what it is."""
    found = device.resolve(config.device)
    return f"{found.name} ({device.describe(found.name)})"


def differences(before: dict[str, str], now: dict[str, str]) -> str:
    """What has changed from one to the other, as a phrase; empty when nothing has."""
    names = [name for name in {**before, **now} if before.get(name, "none") != now.get(name, "none")]
    return ", ".join(f"{name} {before.get(name, 'none')} → {now.get(name, 'none')}" for name in names)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@cache
def _source() -> str:
    """What tells this state of the program's source from others of the same version; empty where there is none to read."""
    files = sorted(Path(musicclass_gui.__file__).parent.glob("engine/**/*.py"))
    digest = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"+{digest[:10]}" if files else ""
