#!/usr/bin/env bash
# bash packaging/start.sh [FILE…]
# Installs what is missing, then opens the window on FILE… (default: the bundled sample). Without a display it prints
# the same answer as a table and says why there is no window.
set -euo pipefail
# shellcheck source=packaging/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

# Says why no window can be shown, or fails where one can.
no_window() {
  if [[ -z ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then
    echo "there is no display (\$DISPLAY and \$WAYLAND_DISPLAY are empty)"
  elif [[ ${QT_QPA_PLATFORM:-} =~ ^(offscreen|minimal) ]]; then
    echo "\$QT_QPA_PLATFORM is ${QT_QPA_PLATFORM}, which shows nothing"
  elif timeout 20 "$VENV/bin/python" -c 'from PySide6.QtGui import QGuiApplication; QGuiApplication([])' >/dev/null 2>&1; then
    return 1
  else
    local packages
    packages=$(missing "${WINDOW_NEEDS[@]}")
    echo "Qt cannot open the display ${DISPLAY:-$WAYLAND_DISPLAY}${packages:+; missing are $packages}"
  fi
}

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
  sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}"
  exit
fi
(($#)) || set -- "$ROOT/resources/sample.ogg"
files=()
for file in "$@"; do
  # A name without a slash could be taken for an option or a command.
  [[ $file == */* ]] && files+=("$file") || files+=("./$file")
done

prepare run
if reason=$(no_window); then
  say "No window: $reason. The answer as a table:"
  exec "$VENV/bin/musicclass" predict "${files[@]}"
fi
exec "$VENV/bin/musicclass" "${files[@]}"
