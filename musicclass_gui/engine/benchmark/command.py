"""A run as the command that repeats it, word for word. It knows the names of options and nothing of what they do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import Config

BOTH = "both"


def command_line(config: Config, folder: str) -> str:
    """What to type in a terminal to run `config` again, with its results in `folder`."""
    words = ["musicclass", "bench", "run", config.protocol, "--data", config.data]
    pairs = (
        ("--dataset", config.dataset),
        ("--encoder", config.encoder),
        ("--methods", ",".join(config.methods)),
        ("--mode", BOTH if len(config.modes) > 1 else "".join(config.modes)),
        ("--orders", ",".join(config.orders)),
        ("--seeds", ",".join(map(str, config.seeds))),
        ("--tasks", ",".join(config.tasks)),
        ("--keys", ",".join(config.features)),
        ("--device", "" if config.device == "auto" else config.device),
        ("--weights", config.weights_folder),
    )
    for name, value in pairs:
        words += [name, value] if value else []
    for name, value in config.options.items():
        words += ["--set", f"{name}={_word(value)}"]
    return shlex.join([*words, "--out", folder])


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
