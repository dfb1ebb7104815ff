"""Where the teachers' weights are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def teachers_weights(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of mn04-as and musicnn-msd, found by their encoders."""
    weights = data_dir / "weights"
    if not (weights / "mn04-as").is_dir() or not (weights / "musicnn-keras").is_dir():
        pytest.skip("the teachers' weights are not in the test data")
    monkeypatch.setenv("MUSICCLASS_MODELS", str(weights))
    return weights
