"""What this build is, and whether the package folder is ours alone."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

# A top-level file of PyPI's `pyface` (Enthought's GUI toolkit) that this package will never have.
_FOREIGN_FILE = "toolkit.py"


def refuse_foreign_files(folder: Path | None = None) -> None:
    """Raise ImportError if Enthought's ``pyface`` was installed into the same package folder."""
    folder = Path(__file__).parent if folder is None else folder
    if (folder / _FOREIGN_FILE).exists():
        raise ImportError(
            f"{folder} also holds files of the distribution 'pyface' (Enthought's GUI toolkit), which uses the same "
            "import name. Use one of them per environment: pip uninstall pyface, then "
            "pip install --force-reinstall --no-deps pyface-toolkit"
        )


def without_core(error: ModuleNotFoundError) -> ImportError:
    """What to say when the compiled module is not beside these files, as in a checkout; else the error itself."""
    if error.name != "pyface._core":
        return error
    return ImportError(
        f"{Path(__file__).parent} holds pyface's sources without their compiled module. If pyface is installed "
        "(pip install .), start Python in another folder, or as python -P"
    )


def build_info() -> dict[str, Any]:
    """Version, compiler, instruction sets and threads of this build: what a bug report needs.

    Returns a dict with ``version``, ``python``, ``platform``, ``compiler``, ``build_type``, ``isas_compiled``,
    ``isas_supported``, ``isa_active``, ``cpus`` (usable by this process) and ``threads`` (what ``n_threads=None``
    means now).

    Instruction sets, from the least: ``portable``; on x86-64 ``avx2``, ``avx2vnni``, ``avx512``, ``avx512vnni``; on
    arm64 (Linux, macOS) ``neon``, ``neondot``, ``neoni8mm``. Which were compiled depends on the compiler's age.
    """
    from pyface import _core, _threads

    return {
        "version": _core.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "compiler": _core.compiler,
        "build_type": _core.build_type,
        "isas_compiled": _core.compiled_isas(),
        "isas_supported": _core.supported_isas(),
        "isa_active": _core.active_isa(),
        "cpus": _threads.usable_cpus(),
        "threads": _threads.resolve(None),
    }
