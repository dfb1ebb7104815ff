"""What all tests share: where the real data is, a quiet screen, and folders of their own."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

settings.register_profile("ci", derandomize=True)  # new examples are searched for at the desk, not where a red run blocks others
if os.environ.get("CI"):
    settings.load_profile("ci")

_ROOT = Path(__file__).resolve().parents[1]


def real_data() -> Path | None:
    """The folder of real recordings and weights, or None where there is none."""
    folder = Path(os.environ.get("MUSICCLASS_DATA", _ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    folder = real_data()
    if folder is None:
        pytest.skip("no real data: set MUSICCLASS_DATA to a folder with gtzan-mini, composers, instruments and weights")
    return folder


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test reads or writes the user's own cache and settings."""
    monkeypatch.setenv("MUSICCLASS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("MUSICCLASS_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("MUSICCLASS_CONFIG", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("MUSICCLASS_PROJECTS", str(tmp_path_factory.mktemp("projects")))
    monkeypatch.delenv("MUSICCLASS_MODELS", raising=False)
    return


@pytest.fixture(autouse=True)
def garbage_of_the_main_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where there are widgets, garbage is looked for between tests only, as in the program: found by a lane's thread, it would crash."""
    if not {"app", "ui"} & set(request.path.relative_to(_ROOT).parts):
        yield
        return
    if gc.isenabled():
        gc.collect()
        gc.freeze()
        gc.disable()
    yield
    gc.collect(1)


@pytest.fixture(autouse=True, scope="module")
def all_garbage(request: pytest.FixtureRequest) -> Iterator[None]:
    """What has lived through a whole file of tests is looked through at its end."""
    yield
    if not gc.isenabled():
        gc.collect()


def pytest_sessionfinish() -> None:
    """What widgets leave is freed while there is still an application, and not with the interpreter."""
    gc.unfreeze()
    gc.collect()
