"""Print the requirements named on the command line, one a line, as pyproject.toml has them.

``core`` is the package's own dependencies, ``build`` what its build needs, anything else an extra. pip itself can
install an extra only together with the package, which would build it again for each one.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirements(names: list[str]) -> list[str]:
    """The requirements of the groups named, without duplicates, in order."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    groups = {
        "core": project["project"]["dependencies"],
        "build": project["build-system"]["requires"],
        **project["project"]["optional-dependencies"],
    }
    return list(dict.fromkeys(line for name in names for line in groups[name]))


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in requirements(sys.argv[1:])))
