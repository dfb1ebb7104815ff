#!/usr/bin/env bash
# bash packaging/bench.sh [--quick]
# Measures what the README claims of speed and memory, on this machine, and prints it as one table.
# Every time is a ratio within the one run, or is printed beside what it is compared with. --quick takes short files, for which the limits are not meant.
set -euo pipefail
# shellcheck source=packaging/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

prepare test
cd -- "$ROOT"
export QT_QPA_PLATFORM=offscreen
exec "$VENV/bin/python" packaging/bench.py "$@"
