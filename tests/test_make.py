"""The set-up behind `make`: what fails says in one line what to do, and what is done is not done again.

No network and no real build: python3, pip and the compiler are stubs in a folder that is the whole PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COPIED = ["Makefile", "tools", "pyproject.toml", "CMakeLists.txt", "LICENSE"]
# What a POSIX machine has, and no compiler and no Python.
UTILITIES = """
awk basename cat chmod cksum cp dirname env find grep head ls make mkdir mktemp mv printf rm sed sh sort tail touch tr
uname wc
"""

pytestmark = [
    pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="the Makefile is not part of a wheel"),
    pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="needs make and a POSIX shell"),
]

# Makes an "environment" whose Python writes down what pip is asked to install, and does all else for real.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
"-m venv")
    for folder; do :; done
    echo venv >>"$CALLS"
    [ -z "$NO_ENSUREPIP" ] || case "$*" in *--without-pip*) ;; *) exit 1 ;; esac
    mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
"-m pip")
    case "$*" in
    *config*) ;;
    *index*) [ -z "$REAL_PIP" ] || exec "{sys.executable}" "$@" ;;
    *" -r "*) echo requirements >>"$CALLS"; [ -z "$KILLED" ] || exit 143 ;;
    *)
        echo "pip: $*" >>"$CALLS"
        if [ -n "$SAYS" ]; then cat "$SAYS"; fi
        exit $PIP_STATUS ;;
    esac ;;
*) exec "{sys.executable}" "$@" ;;
esac
"""
COMPILER = """#!/bin/sh
exit 0
"""


class Checkout:
    """A small checkout in a folder with a space in its name, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "py face"
        self.bin = folder / "bin"
        self.calls_file = folder / "calls"
        self.root.mkdir()
        self.bin.mkdir()
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.root / name)
        for name in ("csrc/core/views.hpp", "pyface/__init__.py"):
            (self.root / name).parent.mkdir(parents=True)
            (self.root / name).write_text("")
        for name in UTILITIES.split():
            found = shutil.which(name)
            if found:
                (self.bin / name).symlink_to(found)

    def stub(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run make with this PATH alone. PIP_* of the outside is not passed on."""
        base = {"PATH": str(self.bin), "HOME": str(self.root.parent), "CALLS": str(self.calls_file)}
        return subprocess.run(
            [str(self.bin / "make"), *arguments],
            cwd=self.root,
            env=base | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def calls(self) -> list[str]:
        """What the stubs were asked to do since the last call of this."""
        calls = self.calls_file.read_text().split("\n")[:-1] if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return calls


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.stub("python3", PYTHON)
    made.stub("c++", COMPILER)
    return made


def only_message(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that failed; make's own last line is not counted."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("pyface: ")
    return lines[0]


def test_no_python(checkout: Checkout) -> None:
    (checkout.bin / "python3").unlink()
    assert "python3 was not found: install Python 3.11" in only_message(checkout.make("test"))
    assert "nowhere/python was not found" in only_message(checkout.make("test", "PYTHON=nowhere/python"))


def test_old_python(checkout: Checkout) -> None:
    checkout.stub("python3", "#!/bin/sh\necho 3.9\n")
    message = only_message(checkout.make("demo"))
    assert "is Python 3.9, but pyface needs 3.11 or newer" in message
    assert "PYTHON=" in message


def test_no_venv_module(checkout: Checkout) -> None:
    checkout.stub("python3", PYTHON.replace("echo venv", "exit 1; echo venv"))
    assert "sudo apt install python3-venv" in only_message(checkout.make("test"))
    assert (checkout.root / ".venv/.incomplete").exists()


def test_no_ensurepip_is_made_up_for(checkout: Checkout) -> None:
    done = checkout.make("wheel", NO_ENSUREPIP="1")  # fails later: nothing here can be built
    assert "virtual environment" not in done.stderr
    calls = checkout.calls()
    assert calls[:2] == ["venv", "venv"]
    assert "pip" in calls[2]
    assert "install pip" in calls[2]


def test_no_compiler(checkout: Checkout) -> None:
    (checkout.bin / "c++").unlink()
    message = only_message(checkout.make("test"))
    assert "no C++20 compiler was found: install one" in message
    assert checkout.calls() == ["venv"], "something was fetched before the compiler was looked for"
    checkout.stub("my c++", COMPILER)
    checkout.stub("c++", "#!/bin/sh\nexit 1\n")
    assert "no C++20 compiler" in only_message(checkout.make("test"))


def test_dead_index(checkout: Checkout) -> None:
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("this environment has no pip")
    environment = {"REAL_PIP": "1", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    message = only_message(checkout.make("lint", **environment))
    assert "does not answer: check the network and pip's settings" in message
    assert checkout.calls() == ["venv"], "pip would try again for each of dozens of packages"


def test_what_is_done_is_not_done_again(checkout: Checkout) -> None:
    setup = ["sh", "tools/setup.sh", "package", "models"]

    def run() -> list[str]:
        environment = {"PATH": str(checkout.bin), "CALLS": str(checkout.calls_file)}
        subprocess.run(setup, cwd=checkout.root, env=environment, check=True, capture_output=True)
        return [call.split()[0] for call in checkout.calls()]

    assert run() == ["venv", "requirements", "pip:"]
    assert run() == []

    (checkout.root / "csrc/core/views.hpp").write_text("// changed\n")
    assert run() == ["pip:"]
    (checkout.root / "pyface/__init__.py").unlink()
    assert run() == ["pip:"]
    assert run() == []

    pyproject = checkout.root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('"scipy>=', '"scipy>0,>='))
    assert run() == ["requirements", "pip:"]

    setup.append("test")
    assert run() == ["requirements"]
    assert run() == []

    (checkout.root / ".venv/.incomplete").touch()
    assert run() == ["venv", "requirements", "pip:"]
    moved = checkout.root.with_name("moved")
    checkout.root = checkout.root.rename(moved)
    assert run() == ["venv", "requirements", "pip:"]


def test_a_killed_set_up_starts_afresh(checkout: Checkout) -> None:
    assert checkout.make("lint", KILLED="1").returncode != 0
    assert (checkout.root / ".venv/.incomplete").exists()
    assert checkout.calls() == ["venv", "requirements"]
    checkout.make("lint")
    assert checkout.calls() == ["venv", "requirements"]


# Numbers that end a shell which calculates with them.
ODD = ["[08/65] x", "[99999999999999999999/3] x", "[3/99999999999999999999] x", "[08%] x"]


def test_a_build_says_how_far_it_is(checkout: Checkout) -> None:
    says = checkout.root.parent / "says"
    steps = [f"  [{n}/40] Building CXX object csrc/{n}.cpp.o" for n in range(1, 41)]
    says.write_text("\n".join(["Collecting [1/2]", *steps, "  [x/2] no step", "  [0/0] none", *ODD, "the last words"]))
    done = checkout.make("dev", SAYS=str(says))
    wanted = ["  file 1 of 40", *(f"  file {n} of 40" for n in range(4, 41, 4))]
    assert [line for line in done.stdout.splitlines() if line.startswith("  ")] == wanted
    assert done.returncode == 0 and done.stderr == ""
    # pip passes the steps on only if asked for them; all its words are kept.
    assert any(" -v " in call and call.endswith("-e .") for call in checkout.calls())
    assert (checkout.root / ".venv/setup.log").read_text() == says.read_text() + "\n"

    (checkout.root / "csrc/core/views.hpp").write_text("// changed\n")
    says.write_text("[  3%] Building CXX object a.o\n[  7%] Building CXX object b.o\n[100%] Linking\n")
    done = checkout.make("dev", SAYS=str(says))
    assert [line for line in done.stdout.splitlines() if line.startswith("  ")] == ["  3 %", "  100 %"]


def read_terminal(terminal: int) -> str:
    """What has been written since, or "" once nobody can write any more."""
    try:
        return os.read(terminal, 4096).decode()
    except OSError:  # so Linux says it
        return ""


def test_on_a_terminal_a_build_writes_one_line_again(checkout: Checkout) -> None:
    says = checkout.root.parent / "says"
    says.write_text("".join(f"  [{n}/30] Building CXX object\n" for n in range(9, 12)))
    terminal, end = os.openpty()
    environment = {"PATH": str(checkout.bin), "CALLS": str(checkout.calls_file), "SAYS": str(says)}
    command = ["sh", "tools/setup.sh", "package"]
    with subprocess.Popen(command, cwd=checkout.root, env=environment, stdout=end) as running:
        os.close(end)
        shown = "".join(iter(lambda: read_terminal(terminal), ""))
    os.close(terminal)
    assert running.returncode == 0
    steps = shown[shown.index("\r  file") :].rstrip("\r\n").split("\r")
    assert [step.strip() for step in steps] == ["", "file 9 of 30", "file 10 of 30", "file 11 of 30"]
    assert shown.endswith("\n")


def test_a_build_that_fails_shows_the_end_of_the_log(checkout: Checkout) -> None:
    says = checkout.root.parent / "says"
    lines = ["[1/3] Building CXX object a.o", *(f"a.cpp:{n}: error" for n in range(60))]
    says.write_text("\n".join(lines) + "\n")
    done = checkout.make("demo", SAYS=str(says), PIP_STATUS="1")
    assert done.returncode != 0
    assert "  file 1 of 3" in done.stdout
    errors = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert errors[:-1] == lines[-40:]
    assert errors[-1].startswith("pyface: pyface could not be installed: the lines above say why")
    assert not (checkout.root / ".venv/.package").exists()


def test_missing_photos_are_said_before_anything_is_made(checkout: Checkout) -> None:
    message = only_message(checkout.make("demo", "PHOTOS=~/no such folder"))
    assert f"there is no folder {checkout.root.parent}/no such folder" in message
    assert not (checkout.root / ".venv").exists()


def test_benchmarks_find_their_modules_and_say_which_data_is_missing(checkout: Checkout) -> None:
    shutil.copytree(ROOT / "bench", checkout.root / "bench")
    done = checkout.make("bench", PYFACE_SHARED=str(checkout.root / "nowhere"))
    assert done.returncode != 0
    assert "is not there; set PYFACE_SHARED" in done.stderr


def test_a_benchmark_that_does_not_exist(checkout: Checkout) -> None:
    message = only_message(checkout.make("bench", "ONLY=engine photo"))
    wanted = "photos recall interruptions latency alignment antialias mean_shapes delaunay metrics warp engine"
    assert f"no benchmark 'photo': choose from {wanted} distances" in message


def test_clean_removes_what_coverage_left(checkout: Checkout) -> None:
    for name in (".coverage", ".coverage.host.pid1.x", ".coveragerc"):
        (checkout.root / name).touch()
    assert checkout.make("clean").returncode == 0
    assert [path.name for path in checkout.root.glob(".coverage*")] == [".coveragerc"]


def test_help_names_every_command(checkout: Checkout) -> None:
    shown = checkout.make().stdout
    for line in (ROOT / "Makefile").read_text().splitlines():
        if line.startswith(".PHONY:"):
            for target in line.split()[1:]:
                assert f"make {target} " in shown
