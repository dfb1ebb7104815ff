"""The rules of the house, checked on the source: who may import whom, what is never done, how long things may get."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "musicclass_gui"
LONGEST_FUNCTION = 60
LONGEST_MODULE = 500

HEAVY = ("torch", "torchaudio", "transformers", "librosa", "scipy", "sklearn", "soundfile", "av", "sounddevice")
FORBIDDEN = {
    "engine": ("PySide6", "shiboken6", "pyqtgraph", "musicclass_gui.app", "musicclass_gui.ui", "musicclass_gui.cli"),
    "app": ("PySide6.QtWidgets", "pyqtgraph", "musicclass_gui.ui", "musicclass_gui.cli"),
    "ui": (*HEAVY, "sqlite3", "threading", "multiprocessing", "concurrent.futures", "musicclass_gui.cli"),
}
NEVER = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve")
WRITING = {"write_text", "write_bytes", "unlink", "rename", "mkdir", "rmdir", "rmtree"}


@dataclass(frozen=True)
class Module:
    """A source file, parsed."""

    name: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""


@cache
def modules() -> tuple[Module, ...]:
    return tuple(parse(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py")))


def parse(path: Path, text: str) -> Module:
    parts = path.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, text, ast.parse(text))


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Everything that is imported anywhere in a module, as (line, dotted name); `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__") and node.args:
            wanted = node.args[0]
            yield node.lineno, wanted.value if isinstance(wanted, ast.Constant) else "?"


def called(node: ast.Call) -> str:
    """The last part of what is called: `torch.load(…)` → "load"."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_within(name: str, banned: tuple[str, ...]) -> bool:
    return any(name == ban or name.startswith(f"{ban}.") for ban in banned)


def broken_imports(module: Module) -> list[str]:
    banned = FORBIDDEN.get(module.room, ()) + NEVER
    return [f"{module.name}:{line} imports {name}" for line, name in imports(module) if is_within(name, banned)]


def broken_calls(module: Module) -> list[str]:
    """Ways of running what a file says, and of writing from where nothing is written."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            keywords = {word.arg: word.value for word in node.keywords}
            where = f"{module.name}:{node.lineno}"
            if is_torch_load(node) and not is_true(keywords.get("weights_only")):
                found.append(f"{where} torch.load without weights_only=True")
            if "trust_remote_code" in keywords:
                found.append(f"{where} trust_remote_code")
            if is_true(keywords.get("allow_pickle")):
                found.append(f"{where} allow_pickle=True")
            if module.room == "ui" and writes(node, keywords):
                found.append(f"{where} writes a file")
    return found


def is_torch_load(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "torch.load"


def is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def writes(node: ast.Call, keywords: dict[str | None, ast.expr]) -> bool:
    if called(node) in WRITING:
        return True
    if called(node) != "open":
        return False
    first_mode = 1 if isinstance(node.func, ast.Name) else 0
    modes = [*node.args[first_mode : first_mode + 1], *([keywords["mode"]] if "mode" in keywords else [])]
    return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax+") for mode in modes)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def not_annotated(module: Module) -> list[str]:
    found = []
    for function in functions(module):
        spec = function.args
        given = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg))]
        bare = [arg.arg for arg in given if arg.annotation is None and arg.arg not in ("self", "cls")]
        if bare or (function.returns is None and function.name != "__init__"):
            found.append(f"{module.name}:{function.lineno} {function.name} {bare}")
    return found


def too_long(module: Module) -> list[str]:
    lengths = [(f"{module.name}.{f.name}", (f.end_lineno or f.lineno) - f.lineno + 1, LONGEST_FUNCTION) for f in functions(module)]
    lengths.append((module.name, len(module.text.splitlines()), LONGEST_MODULE))
    return [f"{name} has {lines} lines" for name, lines, most in lengths if lines > most]


def relative_imports(module: Module) -> list[str]:
    return [f"{module.name}:{n.lineno}" for n in ast.walk(module.tree) if isinstance(n, ast.ImportFrom) and n.level]


def without_docstring(module: Module) -> list[str]:
    return [] if ast.get_docstring(module.tree) else [module.name]


RULES = (broken_imports, broken_calls, not_annotated, too_long, relative_imports, without_docstring)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: object) -> None:
    assert callable(rule)
    assert [fault for module in modules() for fault in rule(module)] == []


BREACHES = [
    (broken_imports, "engine/x.py", "from PySide6.QtCore import QObject"),
    (broken_imports, "engine/deep/x.py", "def f():\n    import musicclass_gui.app.session"),
    (broken_imports, "app/x.py", "from PySide6 import QtWidgets"),
    (broken_imports, "app/x.py", "import PySide6.QtWidgets"),
    (broken_imports, "app/x.py", "from PySide6.QtWidgets import QWidget"),
    (broken_imports, "app/x.py", "import importlib\nimportlib.import_module('pyqtgraph')"),
    (broken_imports, "ui/x.py", "import torch.nn"),
    (broken_imports, "ui/x.py", "from concurrent import futures"),
    (broken_imports, "cli.py", "from pickle import loads"),
    (broken_calls, "engine/x.py", "torch.load(path)"),
    (broken_calls, "engine/x.py", "torch.load(path, weights_only=False)"),
    (broken_calls, "engine/x.py", "AutoModel.from_pretrained(x, trust_remote_code=True)"),
    (broken_calls, "engine/x.py", "np.load(path, allow_pickle=True)"),
    (broken_calls, "ui/x.py", "open(path, 'w')"),
    (broken_calls, "ui/x.py", "path.open(mode='ab')"),
    (broken_calls, "ui/x.py", "path.write_text('x')"),
    (not_annotated, "app/x.py", "def f(a) -> None: ..."),
    (not_annotated, "app/x.py", "def f(*a: int, **b): return 1"),
    (too_long, "app/x.py", "def f() -> None:\n" + "    pass\n" * LONGEST_FUNCTION),
    (too_long, "app/x.py", "x = 1\n" * (LONGEST_MODULE + 1)),
    (relative_imports, "app/x.py", "from .session import Session"),
    (without_docstring, "app/x.py", "x = 1"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_each_rule_sees_its_breach(rule: object, path: str, text: str) -> None:
    assert callable(rule)
    assert rule(parse(Path("musicclass_gui") / path, text))


def test_what_is_allowed_passes() -> None:
    body = "def f(self, a: int) -> None:\n    torch.load(a, weights_only=True)\n    a.open('rb')\n"
    text = f'"""Why."""\nfrom PySide6.QtGui import QColor\n\n{body}'
    module = parse(Path("musicclass_gui/app/x.py"), text)
    assert [fault for rule in RULES for fault in rule(module)] == []


def light_modules(room: str) -> list[str]:
    """A room's modules without those that import something heavy themselves, which are there to be imported inside functions."""
    return [module.name for module in modules() if module.room == room and not imports_heavy(module)]


def imports_heavy(module: Module) -> bool:
    top = ast.Module([node for node in module.tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    return any(is_within(name, HEAVY) for _, name in imports(Module(module.name, "", top)))


def loaded_by(names: list[str]) -> set[str]:
    """The top-level modules that a fresh interpreter holds after importing these."""
    code = f"import sys, importlib\nfor name in {names!r}: importlib.import_module(name)\nprint(*{{n.split('.')[0] for n in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("room", ["", "engine", "app", "ui"])
def test_importing_loads_nothing_heavy(room: str) -> None:
    names = light_modules(room) if room else ["musicclass_gui", "musicclass_gui.__main__", "musicclass_gui.cli"]
    assert loaded_by(names) & set(HEAVY) == set()


def test_the_engine_runs_without_qt() -> None:
    assert loaded_by(light_modules("engine")) & {"PySide6", "shiboken6", "pyqtgraph"} == set()


def test_the_window_and_the_program_import_nothing_heavy_themselves() -> None:
    assert [module.name for module in modules() if module.room != "engine" and imports_heavy(module)] == []
