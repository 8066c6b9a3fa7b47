#!/bin/sh
# The two halves of `make demo`: `check` looks at PHOTOS before anything is installed, `run` does the work.
# PHOTOS may be empty (sample photos), may hold spaces, and may start with a ~ that no shell has replaced.
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

home_path() {
    case $1 in
    '~') printf '%s\n' "$HOME" ;;
    '~/'*) printf '%s/%s\n' "$HOME" "${1#??}" ;;
    *) printf '%s\n' "$1" ;;
    esac
}

full_path() {
    (cd "$1" && pwd)
}

photos=$(home_path "${PHOTOS:-}")
if [ -n "$photos" ] && [ ! -d "$photos" ]; then
    fail "there is no folder $photos: give the folder of your photos, make demo PHOTOS=\"~/My Pictures\""
fi
if [ "$1" = check ]; then exit 0; fi

if [ -n "$photos" ]; then
    out=$(home_path "${OUT:-demo/my-people}")
    mkdir -p "$(dirname "$out")"
    .venv/bin/pyface cluster -o "$out" -- "$photos"
    say "The page: $(full_path "$out")/report.html"
else
    out=$(home_path "${OUT:-demo/people}")
    mkdir -p demo "$(dirname "$out")"
    "$PY" tools/demo.py make demo/photos
    .venv/bin/pyface cluster demo/photos -o "$out"
    "$PY" tools/demo.py check demo/photos "$out"
    say "The page: $(full_path "$out")/report.html"
    say "This shows that things run, not how good they are. Your own photos: make demo PHOTOS=\"~/My Pictures\""
fi
