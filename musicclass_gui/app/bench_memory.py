"""What is remembered of the benchmark's form from one start of the program to the next. It knows no views and no worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from musicclass_gui.app import bench_form

if TYPE_CHECKING:
    from musicclass_gui.app.bench_form import Form
    from musicclass_gui.app.settings import Settings

_KEY = "bench"
_LAST, _MACHINES = "last", "machines"


class Memory:
    """The choices of each protocol's last run, which protocol that was, and where cells were computed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def last(self) -> str:
        """The protocol that was run last, or empty."""
        return str(self._all().get(_LAST, ""))

    @property
    def machines(self) -> tuple[int, str]:
        """How many processes, and which cluster, were asked for last; one process and none where that is not known."""
        kept = self._part(_MACHINES)
        workers, cluster = kept.get("workers"), kept.get("cluster")
        return workers if isinstance(workers, int) and workers > 0 else 1, cluster if isinstance(cluster, str) else ""

    def of(self, protocol_id: str) -> dict[str, Any]:
        """What `bench_form.kept` made of a protocol's last form."""
        return self._part(protocol_id)

    def keep(self, form: Form) -> None:
        """Remember a form."""
        machines = {"workers": form.workers, "cluster": form.cluster}
        kept = self._all() | {form.protocol.id: bench_form.kept(form), _LAST: form.protocol.id, _MACHINES: machines}
        self._settings.set(_KEY, json.dumps(kept))

    def _part(self, name: str) -> dict[str, Any]:
        value = self._all().get(name)
        return value if isinstance(value, dict) else {}

    def _all(self) -> dict[str, Any]:
        try:
            value = json.loads(self._settings.get(_KEY) or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}
