# shellcheck shell=bash
# Sourced by start.sh and test.sh: `prepare run|test` makes a fresh clone ready, and does next to nothing when it is.
# Written for Debian and Ubuntu; elsewhere it names what is missing and goes on as far as it can.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
LOG=

# What the window, its fonts and the sound need, as "what is looked for=the package that brings it".
WINDOW_NEEDS=(
  libEGL.so.1=libegl1 libGL.so.1=libgl1 libglib-2.0.so.0=libglib2.0-0 libdbus-1.so.3=libdbus-1-3
  libfontconfig.so.1=libfontconfig1 libfreetype.so.6=libfreetype6 libX11.so.6=libx11-6 libX11-xcb.so.1=libx11-xcb1
  libxkbcommon.so.0=libxkbcommon0 libxkbcommon-x11.so.0=libxkbcommon-x11-0
  libxcb.so.1=libxcb1 libxcb-cursor.so.0=libxcb-cursor0 libxcb-icccm.so.4=libxcb-icccm4 libxcb-image.so.0=libxcb-image0
  libxcb-keysyms.so.1=libxcb-keysyms1 libxcb-randr.so.0=libxcb-randr0 libxcb-render.so.0=libxcb-render0
  libxcb-render-util.so.0=libxcb-render-util0 libxcb-shape.so.0=libxcb-shape0 libxcb-shm.so.0=libxcb-shm0
  libxcb-sync.so.1=libxcb-sync1 libxcb-xfixes.so.0=libxcb-xfixes0 libxcb-xkb.so.1=libxcb-xkb1
  libwayland-client.so.0=libwayland-client0 libwayland-cursor.so.0=libwayland-cursor0 libwayland-egl.so.1=libwayland-egl1
  '/usr/share/fonts/*/*/*.[ot]tf=fonts-dejavu-core' libportaudio.so.2=libportaudio2
)
TEST_NEEDS=(Xvfb=xvfb)
# A sound server to play to; only where nobody's own could be disturbed.
CI_NEEDS=(
  pulseaudio=pulseaudio pactl=pulseaudio-utils '/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so=libasound2-plugins'
)

say() { printf 'MusicClass: %s\n' "$*" >&2; }

# step TEXT COMMAND…: one line on the screen, the command's own words in the log.
step() {
  say "$1 …"
  printf '\n== %s: %s\n' "$1" "${*:2}" >>"$LOG"
  "${@:2}" >>"$LOG" 2>&1
}

fail() {
  trap - EXIT
  tail -n 15 "$LOG" >&2
  say "$1 The whole log is $LOG"
  exit 1
}

present() {
  case $1 in
    *.so.*) [[ $LIBRARIES == *$'\t'"$1 ("* ]] ;;
    */*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# missing NEED…: the packages of those needs that are not met, in one line.
missing() {
  local need found=()
  LIBRARIES=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null || true)
  for need in "$@"; do present "${need%=*}" || found+=("${need##*=}"); done
  echo "${found[*]}"
}

may_install() {
  command -v apt-get >/dev/null || return 1
  ((EUID == 0)) && return
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [[ -t 0 && -t 2 ]] && say "sudo is needed to install system packages." && sudo -v; }
}

apt_get() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@")
  if ((EUID == 0)); then "${apt[@]}" </dev/null; else sudo "${apt[@]}" </dev/null; fi
}

# One package that a release does not have must not keep the others away.
install_debs() {
  apt_get update || true
  apt_get install --no-install-recommends "$@" && return
  local package status=0
  for package in "$@"; do apt_get install --no-install-recommends "$package" || status=1; done
  return $status
}

install_libraries() {
  local packages
  packages=$(missing "$@")
  [[ -n $packages ]] || return 0
  # shellcheck disable=SC2086  # a list of names
  ! may_install || step "Installing system packages ($packages)" install_debs $packages || true
  packages=$(missing "$@")
  [[ -z $packages ]] || say "Going on without missing system packages; get them with: sudo apt-get install $packages"
}

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; }

find_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3.14 python3; do
    if fits "$name"; then command -v "$name" && return; fi
  done
  return 1
}

# The system's Python, or the oldest that fits where the system's own does not.
install_python() {
  local name
  for name in python3 python3.12 python3.11; do
    step "Installing $name" install_debs "$name" "$name-venv" || true
    find_python >/dev/null && return
  done
  return 1
}

make_venv() {
  local python
  if ! find_python >/dev/null; then
    { may_install && install_python; } || fail "Python 3.11 to 3.14 is needed: sudo apt-get install python3 python3-venv, where that is new enough."
  fi
  python=$(find_python)
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    local package
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    { may_install && step "Installing $package" install_debs "$package"; } || fail "$package is missing: sudo apt-get install $package."
  fi
  step "Making a virtual environment in .venv ($("$python" --version))" "$python" -m venv --clear "$VENV" ||
    fail "The virtual environment could not be made."
}

usable_venv() { [[ -x $VENV/bin/python && ! -e $VENV/.unfinished ]] && fits "$VENV/bin/python" && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; }

# uv does not read pip's configuration, where a machine may name its own index.
use_pips_index() {
  [[ -z ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-} ]] || return 0
  local kind url
  for kind in :env: global install; do
    url=$("$VENV/bin/python" -m pip config get "$kind.index-url" 2>/dev/null) && export UV_DEFAULT_INDEX=$url && return
  done
  return 0
}

# uv is many times faster than pip, and is told to compile: without .pyc files every import costs twice as much.
install_packages() {
  local wanted=(--constraint "$ROOT/packaging/constraints.txt" --editable "$ROOT" "$@")
  if "$VENV/bin/python" -m pip install 'uv>=0.9,<0.14'; then
    use_pips_index
    "$VENV/bin/uv" pip install --python "$VENV/bin/python" --compile-bytecode \
      --build-constraints "$ROOT/packaging/constraints.txt" "${wanted[@]}" && return
  fi
  "$VENV/bin/python" -m pip install "${wanted[@]}"
}

developer_packages() {
  "$VENV/bin/python" -c 'import sys, tomllib; print(*tomllib.load(open(sys.argv[1], "rb"))["dependency-groups"]["dev"], sep="\n")' \
    "$ROOT/pyproject.toml"
}

fingerprint() {
  { cat "$ROOT/pyproject.toml" "$ROOT/packaging/constraints.txt" "$ROOT/packaging/setup.sh" && echo "$ROOT $EUID"; } | sha256sum
}

is_ready() { [[ -x $VENV/bin/python && -r $VENV/.ready-$1 && $(<"$VENV/.ready-$1") == "$(fingerprint)" ]]; }

# A stamp stands only where everything before it went well; .unfinished stays behind when an installation was interrupted.
install_everything() {
  local packages=()
  usable_venv || make_venv
  touch "$VENV/.unfinished"
  rm -f "$VENV"/.ready-*
  [[ $1 != test ]] || mapfile -t packages < <(developer_packages)
  step "Installing Python packages (about 6 GB the first time)" install_packages ${packages[@]+"${packages[@]}"} ||
    fail "The Python packages could not be installed."
  rm "$VENV/.unfinished"
  fingerprint >"$VENV/.ready-run"
  [[ $1 != test ]] || cp "$VENV/.ready-run" "$VENV/.ready-test"
}

prepare() {
  is_ready "$1" && return
  local needs=("${WINDOW_NEEDS[@]}") lock
  [[ $1 != test ]] || needs+=("${TEST_NEEDS[@]}")
  [[ $1 != test || ${CI:-} != true ]] || needs+=("${CI_NEEDS[@]}")
  LOG=$(mktemp "${TMPDIR:-/tmp}/musicclass-setup.XXXXXX.log")
  trap 'rm -f "$LOG"' EXIT
  exec {lock}<"$ROOT/pyproject.toml"
  ! command -v flock >/dev/null || flock "$lock"
  if ! is_ready "$1"; then
    install_libraries "${needs[@]}"
    install_everything "$1"
  fi
  exec {lock}<&-
  rm -f "$LOG"
  trap - EXIT
}
