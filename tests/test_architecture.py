"""The import arrows of the design, read from the syntax trees; the weight of an import, from a child process."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pyface"
SOURCE_SUFFIXES = {".py", ".cpp", ".hpp"}
MAX_LINES = 400

# An arrow may point to a lower rank only; layers of one rank do not import each other, but for the pairs below.
RANK = {
    "__main__": 8, "cli": 7, "server": 6, "report": 6, "pictures": 6, "export": 6, "distributed": 6, "album": 5,
    "gallery": 5, "analysis": 4, "models": 3, "cluster": 3, "geometry": 2, "metrics": 2, "losses": 2, "neighbors": 2,
    "photos": 2, "kernels": 1, "_core": 0, "_numba": 0,
}  # fmt: skip
# A head is judged by what is measured of its clusters; a review ends by writing the report anew; a gallery is made of
# an album, and written as its folder is.
SIDEWAYS = {("losses", "metrics"), ("server", "report"), ("gallery", "album")}
# Imported by every layer; they import no layer at module level.
COMMON = {
    "types", "errors", "_cgroups", "_check", "_embedders", "_memory", "_npy", "_one_writer", "_threads", "_typing",
    "_build", "__init__",
}  # fmt: skip
CSRC_RANK = {
    "bind": 4,
    "kmeans": 3,
    "linkage": 3,
    "frontal": 3,
    "distance": 2,
    "warp": 2,
    "detect": 2,
    "pose": 2,
    "simd": 1,
    "core": 0,
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """Full names of the modules a file imports, anywhere in it, except under ``if TYPE_CHECKING``."""
    tree = ast.parse(path.read_text())
    skipped = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            assert node.module
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = layer(path)
    for name in imported_modules(path):
        if not name.startswith("pyface."):
            continue
        target = name.split(".")[1]
        if own in COMMON:
            assert target in COMMON | {"_core", "__version__"}, f"{path.name} imports the layer {target}"
        elif target in RANK:
            is_below = target == own or RANK[target] < RANK[own] or (own, target) in SIDEWAYS
            assert is_below, f"{path} reaches up or sideways to {target}"


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("onnxruntime", {"models/session.py"}),
        ("dask", {"distributed"}),
        ("pyarrow", {"distributed"}),
        ("starlette", {"server"}),
        ("uvicorn", {"server"}),
        ("pyface._core", {"kernels", "_build.py", "__init__.py"}),
        ("pyface._numba", {"kernels", "_numba"}),
    ],
)
def test_only_one_place_imports(module: str, allowed: set[str]) -> None:
    for path in MODULES:
        relative = path.relative_to(PACKAGE).as_posix()
        if any(relative == place or relative.startswith(f"{place}/") for place in allowed):
            continue
        for name in imported_modules(path):
            assert not (name == module or name.startswith(f"{module}.")), f"{relative} imports {name}"


def test_csrc_includes_point_down() -> None:
    for path in (ROOT / "csrc").rglob("*.?pp"):
        own = path.relative_to(ROOT / "csrc").parts[0]
        text = path.read_text()
        assert own == "bind" or "pybind11" not in text, f"{path} knows pybind11"
        assert own == "simd" or not any(h in text for h in ("immintrin.h", "arm_neon.h")), f"{path} names an ISA"
        for line in text.splitlines():
            if line.startswith('#include "'):
                target = line.split('"')[1].split("/")[0]
                assert target == own or CSRC_RANK[target] < CSRC_RANK[own], f"{path} includes {line}"


@pytest.mark.parametrize("name", ["stress", "kernels", "panels", "decisions"])
def test_the_tests_without_python_compile(name: str) -> None:
    """Only ``make tsan`` and ``make arm64`` build them, so a change of what they call would go unnoticed."""
    source, compiler = ROOT / "tests" / "cpp" / f"{name}.cpp", shutil.which("c++")
    if compiler is None or not source.exists():
        pytest.skip("needs a C++ compiler and the checkout")
    command = [compiler, "-std=c++20", "-fsyntax-only", "-I", str(ROOT / "csrc"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_source_file_is_too_long() -> None:
    folders = [PACKAGE, ROOT / "csrc", ROOT / "tests", ROOT / "bench", ROOT / "examples"]
    for path in (p for folder in folders for p in folder.rglob("*") if p.suffix in SOURCE_SUFFIXES):
        assert len(path.read_text().splitlines()) <= MAX_LINES, f"{path} is longer than {MAX_LINES} lines"


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout


def test_import_is_light() -> None:
    heavy = {
        "onnxruntime",
        "onnx",
        "numba",
        "cv2",
        "sklearn",
        "dask",
        "PIL",
        "scipy",
        "rich",
        "typer",
        "jinja2",
        "starlette",
    }
    loaded = json.loads(run_python("import pyface, sys, json; print(json.dumps(sorted(sys.modules)))"))
    assert not heavy & set(loaded)


def test_import_opens_no_socket() -> None:
    run_python(
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('a socket was opened')\n"
        "class Refused(socket.socket): __init__ = refuse\n"  # a class still: ssl derives from it
        "socket.socket, socket.create_connection = Refused, refuse\n"
        "import pyface, pyface.models, pyface.cluster, pyface.metrics\n"
    )


def test_onnx_runtime_reports_nothing(tmp_path: Path) -> None:
    """Its telemetry sends from C++, unseen by Python's socket module, but keeps a database and a device id first."""
    pytest.importorskip("onnxruntime", reason="the extra 'models' is not installed")
    # Where continuous integration runs, or ONNX Runtime's own tests, it stays silent by itself.
    hushed = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "GITHUB_ACTIONS", "TF_BUILD"}
    environment = {name: value for name, value in os.environ.items() if name not in hushed}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    code = "from pyface.models import session; print(session.available_providers())"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]
