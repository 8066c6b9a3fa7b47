#!/bin/sh
# Makes .venv and installs what a command needs, or does nothing if that is done already.
#
#   sh tools/setup.sh package|editable|tools GROUP...
#
# package: pyface as users get it.  editable: the working tree itself.  tools: the groups alone, pyface is not built.
# A group is an extra of pyproject.toml, `core` or `build` (tools/requirements.py).
#
# Kept in .venv: .incomplete while something is being installed (found at the start: it was killed, so all is made
# again), .location the folder it was made in, .requirements what is installed, .package how and from which sources.
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

MIN_MINOR=11
PROBE_SECONDS=40
ANOTHER_PYTHON="name another one: make ... PYTHON=/path/to/python3"

# --- .venv ------------------------------------------------------------------------------------------------------

# Is there a .venv that can be used as it is? The PYTHON asked for must have the version it was made with.
venv_is_good() {
    [ -x "$PY" ] && [ ! -e .venv/.incomplete ] || return 1
    [ ! -e .venv/.location ] || [ "$(cat .venv/.location)" = "$PWD" ] || return 1
    "$PY" -c "import pip, sys; sys.exit(sys.version_info < (3, $MIN_MINOR))" >/dev/null 2>&1 || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$PY")" ]
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

find_python() {
    base=${PYTHON:-python3}
    command -v "$base" >/dev/null 2>&1 ||
        fail "$base was not found: install Python 3.$MIN_MINOR or newer, or $ANOTHER_PYTHON"
    version=$(version_of "$base") || fail "$base does not run: install Python 3.$MIN_MINOR or newer, or $ANOTHER_PYTHON"
    major=${version%%.*}
    minor=${version#*.}
    if [ "$major" -ne 3 ] || [ "$minor" -lt "$MIN_MINOR" ]; then
        fail "$base is Python $version, but pyface needs 3.$MIN_MINOR or newer: install one, or $ANOTHER_PYTHON"
    fi
    # With .venv activated, its own python3 comes first; it cannot make the folder that it lives in again.
    if [ "$("$base" -c 'import sys; print(sys.prefix)')" = "$PWD/.venv" ]; then
        base=$("$base" -c 'import sys; print(sys._base_executable)')
    fi
}

make_venv() {
    find_python
    say "Making .venv with Python $version"
    rm -rf .venv
    mkdir .venv 2>/dev/null || fail "$PWD cannot be written: move the checkout to a folder of yours"
    : >.venv/.incomplete
    if ! "$base" -m venv .venv >"$LOG" 2>&1; then
        # Debian and Ubuntu keep ensurepip in a package of its own. A pip outside can fill the new environment.
        if ! { "$base" -m venv --without-pip .venv && "$base" -m pip --python "$PY" install pip; } >>"$LOG" 2>&1; then
            fail "$base cannot make a virtual environment: install its venv module" \
                "(Debian, Ubuntu: sudo apt install python3-venv), or $ANOTHER_PYTHON"
        fi
    fi
    printf '%s\n' "$PWD" >.venv/.location
}

# --- pip --------------------------------------------------------------------------------------------------------

is_configured() {
    printf '%s\n' "$pip_config" | grep -Eq "[.]($1)="
}

# The user's pip settings stand. Where there are none, a dead index may not hold us for minutes.
prepare_pip() {
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0
    pip_config=$("$PY" -m pip config list 2>/dev/null || true)
    is_configured 'retries' || export PIP_RETRIES=2
    is_configured '(default-)?timeout' || export PIP_TIMEOUT=30
}

# Ask the index for one small package first: pip would try again for every one of dozens.
check_index() {
    if is_configured 'no-index'; then return; fi
    run_at_most "$PROBE_SECONDS" "$PY" -m pip --retries 1 --timeout 15 index versions scikit-build-core || no_index
}

no_index() {
    url=$(printf '%s\n' "$pip_config" | sed -n "s/^.*[.]index-url='\(.*\)'\$/\1/p" | tail -n 1)
    url=$(printf '%s\n' "${url:-https://pypi.org/simple}" | sed 's#//[^/@]*@#//#')
    fail "the package index $url does not answer: check the network and pip's settings (python3 -m pip config list)," \
        "then run the same command again"
}

# Copies what pip says into the log. While files are compiled (Ninja: "[3/65] Building ...", make: "[  4%] Building ...")
# it says how far that is, on a terminal in one line that is written again. A loop of the shell, as awk may read ahead.
keep_log() {
    shown=
    while IFS= read -r line || [ -n "$line" ]; do
        printf '%s\n' "$line" >&4
        step=${line#"${line%%[! ]*}"}
        case $step in
        \[*[0-9]/[0-9]*\]\ *) # [n/m]
            step=${step#\[} step=${step%%\]*} n=${step%%/*} m=${step#*/}
            # Nothing that $(( )) ends the shell at: no signs, no leading zeros, no endless numbers.
            case $n/$m in *[!0-9/]* | */*/* | 0* | */0* | ??????????????*) continue ;; esac
            tenth=$((n * 10 / m)) words="file $n of $m" ;;
        \[*[0-9]%\]\ *) # [  n%]
            step=${step#\[} n=${step%%\%*} n=${n##* }
            case $n in *[!0-9]* | 0?* | ????*) continue ;; esac
            tenth=$((n / 10)) words="$n %" ;;
        *) continue ;;
        esac
        if [ -t 1 ]; then
            printf '\r  %-20s' "$words"
            shown=yes
        elif [ "$tenth" != "$shown" ]; then
            say "  $words"
            shown=$tenth
        fi
    done 4>"$LOG"
    if [ -t 1 ] && [ -n "$shown" ]; then echo; fi
}

# pip_install WHAT ARGUMENTS...: WHAT is for the message.
pip_install() {
    what=$1
    shift
    : >.venv/.incomplete
    echo 0 >.venv/.status
    { "$PY" -m pip install "$@" 2>&1 || echo $? >.venv/.status; } | keep_log
    status=$(cat .venv/.status)
    [ "$status" -lt 128 ] || exit "$status" # killed: .incomplete stays
    rm -f .venv/.incomplete
    [ "$status" -ne 0 ] || return 0
    if grep -Eq 'Max retries exceeded|Read timed out|ConnectTimeout|NewConnectionError|Connection refused' "$LOG"; then
        no_index
    fi
    tail -n 40 "$LOG" >&2 # pip's own last words are 14 lines
    fail "$what could not be installed: the lines above say why, all of pip's words are in $LOG"
}

# --- what is asked for ------------------------------------------------------------------------------------------

# Everything that a build reads (or, for an editable one, everything whose change needs a new one).
fingerprint() {
    {
        cksum pyproject.toml CMakeLists.txt LICENSE
        find csrc -type f -exec cksum {} +
        if [ "$1" = editable ]; then
            find pyface -type f ! -name '*.pyc' -print
        else
            find pyface -type f ! -name '*.pyc' -exec cksum {} +
        fi
    } | LC_ALL=C sort | cksum
}

install_requirements() {
    "$PY" tools/requirements.py "$@" >.venv/.wanted
    touch .venv/.requirements
    if [ -z "$(grep -Fvx -f .venv/.requirements .venv/.wanted)" ]; then return; fi
    check_index_once
    sort -u .venv/.requirements .venv/.wanted >.venv/.union
    say "Installing $(wc -l <.venv/.wanted | tr -d ' ') requirements and theirs into .venv; this can take minutes"
    pip_install "what pyface needs" -r .venv/.wanted
    mv .venv/.union .venv/.requirements
}

check_index_once() {
    if [ -z "${index_checked:-}" ]; then check_index; fi
    index_checked=yes
}

package_is_installed() {
    state="$1 $(fingerprint "$1")"
    [ "$(cat .venv/.package 2>/dev/null)" = "$state" ]
}

# What a build needs from the machine; asked for before anything is fetched.
check_machine() {
    find_compiler
    "$PY" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        fail "the headers of $("$PY" --version) are missing: install them (Debian, Ubuntu: sudo apt install python3-dev;" \
            "Fedora: sudo dnf install python3-devel), or $ANOTHER_PYTHON"
}

install_package() {
    rm -f .venv/.package
    if [ "$1" = editable ]; then
        say "Building pyface in place; the first time takes a minute or two"
        pip_install pyface -v --no-build-isolation --no-deps -e .
    else
        check_index_once
        say "Building and installing pyface; this takes a minute or two"
        pip_install pyface -v --no-deps .
    fi
    printf '%s\n' "$state" >.venv/.package
}

mode=$1
shift
if [ "$mode" != tools ]; then set -- core "$@"; fi
venv_is_good || make_venv
prepare_pip
if [ "$mode" = editable ]; then set -- build "$@"; fi
# An environment of `make dev` stays one: its package is this very tree.
if [ "$mode" = package ] && ls .venv/lib/python3*/site-packages/*pyface*editable*.py >/dev/null 2>&1; then
    mode=editable
    set -- build dev "$@"
fi
if [ "$mode" = tools ] || package_is_installed "$mode"; then build=no; else build=yes; fi
if [ "$build" = yes ]; then check_machine; fi
install_requirements "$@"
rm -f .venv/.incomplete
if [ "$build" = yes ]; then install_package "$mode"; fi
