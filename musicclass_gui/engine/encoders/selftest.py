"""The self-test of an encoder: what it computes has the shape that it says, is finite, and does not depend on what else is in its batch.

It runs when files are loaded for the first time, and when the user asks. What it found is remembered with the files' sizes and times,
and shown in the manager. It knows no net.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from musicclass_gui.engine import places, plain
from musicclass_gui.engine.encoders import records, trust, weights
from musicclass_gui.engine.errors import EncoderError, MusicClassError, WeightsError
from musicclass_gui.engine.models import Check

if TYPE_CHECKING:
    from pathlib import Path

    from musicclass_gui.engine.encoders import Embeddings, Encoder, EncoderSpec
    from musicclass_gui.engine.windows import Audio

_RECORD = "selftests.json"
_SECONDS = 1.0
_EXACT, _ROUNDED = 1e-4, 0.02


def run(encoder: Encoder, *, rounded: bool = False) -> list[Check]:
    """Embed a second of noise, alone and beside a second of silence. Raises what the encoder raises."""
    noise, silence = _sounds(encoder.spec.sample_rate)
    both = encoder.embed([noise, silence])
    expected = (2, encoder.spec.dim)
    checks = [
        Check("Weights", True, "every one that the net has, and no other" if encoder.spec.weights else "none to fetch"),
        Check("Shape", both.shape == expected, f"{' × '.join(map(str, both.shape))} numbers for 2 windows"),
        _finite("Finite", both[:1], "noise"),
        _finite("Silence", both[1:], "silence"),
    ]
    if all(check.ok for check in checks):
        checks.append(_alone(encoder.embed([noise]), both[:1], _ROUNDED if rounded else _EXACT))
    return checks


def once(encoder: Encoder, explicit: Path | None = None, *, rounded: bool = False) -> None:
    """Test an encoder that has weights unless it was tested with these very files, and know them again from then on.

    `explicit` is where they were loaded from, None for the usual folders. Raises EncoderError when it fails.
    """
    spec = encoder.spec
    if spec.weights is None:
        return
    place = weights.find(spec, places.weights_folders(), explicit)
    if _is_done(found(spec, place, rounded=rounded)):
        trust.remember(spec, place)
    else:
        passed(encoder, place, rounded=rounded)


def passed(encoder: Encoder, place: Path | None, *, rounded: bool = False) -> None:
    """Test an encoder that was loaded from `place`, None for one without weights, and remember what was found.

    Raises EncoderError for the first check that failed.
    """
    spec = encoder.spec
    try:
        checks = run(encoder, rounded=rounded)
    except MusicClassError:
        raise
    except Exception as error:  # a stranger's net can break anywhere in its reader
        checks = [Check("It stopped", False, str(error).partition("\n")[0][:200] or type(error).__name__)]
    _remember(spec, place, checks, _key(spec.id, rounded))
    for check in checks:
        if not check.ok:
            raise EncoderError(f"{spec.id} failed its self-test ({check.what.lower()}: {check.found}); get its weights again.")
    if place is not None:
        trust.remember(spec, place)


def _remember(spec: EncoderSpec, place: Path | None, checks: list[Check], key: str) -> None:
    """Where nothing can be written, nothing is kept."""
    with suppress(WeightsError):
        found = {"version": spec.version, "files": _stamps(spec, place), "checks": plain.to_plain(checks)}
        records.change(_RECORD, lambda content: content.update({key: found}))


def forget(encoder_id: str) -> None:
    """Forget what was found. Raises WeightsError."""
    keys = {_key(encoder_id, rounded) for rounded in (False, True)}

    def edit(content: dict[str, Any]) -> None:
        for key in keys:
            content.pop(key, None)

    if keys & set(records.read(_RECORD)[0]):
        records.change(_RECORD, edit)


def found(spec: EncoderSpec, place: Path | None, *, rounded: bool = False) -> list[Check]:
    """What the last test of these very files found, with exact or with rounded arithmetic; empty when there was none."""
    kept = records.read(_RECORD)[0].get(_key(spec.id, rounded))
    if not isinstance(kept, dict) or kept.get("version") != spec.version or kept.get("files") != _stamps(spec, place):
        return []
    try:
        return [plain.from_plain(Check, check) for check in kept["checks"]]
    except (MusicClassError, KeyError, TypeError):
        return []


def _key(encoder_id: str, rounded: bool) -> str:
    return f"{encoder_id} rounded" if rounded else encoder_id


def _is_done(checks: list[Check]) -> bool:
    return bool(checks) and all(check.ok for check in checks)


def _stamps(spec: EncoderSpec, place: Path | None) -> list[list[Any]]:
    """What tells files from what they were: path, size and time of each."""
    if place is None:
        return []
    stats = [(path, path.stat()) for _, path in weights.files_in(spec, place) if path.is_file()]
    return [[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats]


def _sounds(sample_rate: int) -> tuple[Audio, Audio]:
    samples = int(sample_rate * _SECONDS)
    noise = np.random.default_rng(4).normal(0.0, 0.1, samples).astype(np.float32)
    return noise, np.zeros(samples, np.float32)


def _finite(what: str, embeddings: Embeddings, of: str) -> Check:
    fine = bool(np.isfinite(embeddings).all())
    return Check(what, fine, f"the numbers of {of} are {'all finite' if fine else 'not all finite'}")


def _alone(alone: Embeddings, beside: Embeddings, tolerance: float) -> Check:
    """Relative difference of an embedding computed alone and in a batch."""
    error = float(np.linalg.norm(alone - beside) / max(float(np.linalg.norm(beside)), 1e-12))
    return Check("Batch", error <= tolerance, f"a window alone and in a batch differ by {error:.1e}, at most {tolerance:.0e} is right")
