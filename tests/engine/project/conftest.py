"""Projects to test with, and a user who may not write everywhere."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from project_files import KIND, embedded, recording

from musicclass_gui.engine.project.store import Project

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project that holds the recordings "a" and "b" with embeddings."""
    with Project.create(tmp_path / "work.musicclass") as project:
        with project.writing():
            for hash in ("a", "b"):
                project.add_recording(recording(hash))
                project.add_embedding(embedded(hash), *KIND)
        yield project


@pytest.fixture
def classifier(project: Project) -> int:
    with project.writing():
        return project.add_classifier("mine", "Mine", *KIND, 4)


@pytest.fixture
def user_folder() -> Iterator[Path]:
    """A folder of an ordinary user, as whom the test runs: root may write everywhere, whatever a folder's mode says."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs POSIX permissions")
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o700)
    shutil.rmtree(folder)
