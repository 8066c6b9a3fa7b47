# Read by the other scripts of this folder. They run in the root of the checkout.

PY=.venv/bin/python
LOG=.venv/setup.log

say() {
    printf '%s\n' "$*"
}

# One line that says what to do, and out.
fail() {
    printf 'pyface: %s\n' "$*" >&2
    exit 1
}

# run LIMIT COMMAND...: the command, silent, stopped after LIMIT seconds. (macOS has no timeout(1).)
run_at_most() {
    "$PY" -c '
import subprocess, sys
try:
    done = subprocess.run(sys.argv[2:], timeout=float(sys.argv[1]), stdin=subprocess.DEVNULL, capture_output=True)
except subprocess.TimeoutExpired:
    sys.exit(124)
sys.exit(done.returncode)' "$@"
}

# A C++20 compiler that compiles and links, in CXX. The candidates are CMake's, in CMake's order.
find_compiler() {
    scratch=$(mktemp -d) || fail "no temporary folder can be made: set TMPDIR to a folder that can be written"
    printf '#include <concepts>\n#include <span>\nint main() { return std::span<int>().size() != 0; }\n' >"$scratch/try.cpp"
    found=
    for candidate in "${CXX:-}" c++ g++ clang++; do
        if [ -n "$candidate" ] && $candidate -std=c++20 "$scratch/try.cpp" -o "$scratch/try" >/dev/null 2>&1; then
            found=$candidate
            break
        fi
    done
    rm -rf "$scratch"
    [ -n "$found" ] || fail "no C++20 compiler was found: install one (Debian, Ubuntu: sudo apt install g++;" \
        "Fedora: sudo dnf install gcc-c++; macOS: xcode-select --install), or name it: CXX=/path/to/c++ make ..."
    CXX=$found
    export CXX
}
