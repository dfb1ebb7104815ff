"""Checks the transfer protocol against what was printed: one command over the published features, then every value beside the authors' own.

The published feature files have to be there (a folder for each task). A value is met when it is no further off than one clip, an R² when
it is by no more than the last digit that was printed and its rounding. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from musicclass_gui.engine.benchmark.protocol import Cell, Published, Score

ROUNDED = 0.5e-4
R2_ALLOWED = 1.5e-4


def main() -> int:
    """Run, compare and say; 1 when a value is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="the folder with the published features")
    parser.add_argument("--out", required=True, type=Path, help="the folder in which the run is kept")
    parser.add_argument("--keys", default="exact", help="features, with commas")
    parser.add_argument("--tasks", default="", help="tasks, with commas; all by default")
    parser.add_argument("--workers", default=1, type=int)
    given = parser.parse_args()
    words = ["transfer", "--data", str(given.data), "--methods", "svm", "--mode", "published", "--keys", given.keys]
    words += [*(("--tasks", given.tasks) if given.tasks else ()), "--workers", str(given.workers), "--out", str(given.out)]
    print("musicclass bench run", *words, flush=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "musicclass_gui", "bench", "run", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    print(f"{time.monotonic() - began:.0f} s, exit status {done.returncode}\n")
    return 1 if done.returncode or not compare(given.out) else 0


def compare(folder: Path) -> bool:
    """Print the latest run's values beside the published ones; whether all are met."""
    from musicclass_gui.engine.benchmark import protocols, runs

    print(f"{'task':<19}{'features':<13}{'published':>9}{'here':>9}{'apart':>9}  in clips   seconds")
    missed = 0
    with runs.opened(folder) as store:
        row = store.runs()[-1]
        for cell, result in store.results(row.id, predictions=False):
            for printed in protocols.protocol("transfer").published(row.config, cell):
                (score,) = [one for one in result.scores if one.metric == printed.metric]
                missed += not line(cell, score, printed, result.seconds)
    print(f"\n{missed} values are missed." if missed else "\nEvery value is met.")
    return not missed


def line(cell: Cell, score: Score, printed: Published, seconds: float) -> bool:
    """Print one value; whether it is met."""
    apart = score.value - printed.value
    is_r2 = printed.metric == "r2"
    met = abs(apart) <= (R2_ALLOWED if is_r2 else 1 / score.n + ROUNDED)
    clips = "    R²" if is_r2 else f"{apart * score.n:+6.2f} of {score.n:,}"
    print(
        f"{cell.task:<19}{cell.features:<13}{printed.value:9.4f}{score.value:9.4f}{apart:+9.4f}  {clips:<15}{seconds:7.1f}"
        f"  {'ok' if met else 'MISS'}{'  (another layer 5)' if 'other than' in printed.source else ''}"
    )
    return met


if __name__ == "__main__":
    sys.exit(main())
