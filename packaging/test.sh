#!/usr/bin/env bash
# bash packaging/test.sh [PYTEST ARGUMENT…]
# Installs what is missing, then runs the whole test suite without a screen, and exits with its status.
set -euo pipefail
# shellcheck source=packaging/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

prepare test
cd -- "$ROOT"
export QT_QPA_PLATFORM=offscreen
exec "$VENV/bin/python" -m pytest "$@"
