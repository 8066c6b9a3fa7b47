"""Write the sdist into the folder named. The build backend makes it; no further tool is needed."""

from __future__ import annotations

import sys

from scikit_build_core.build import build_sdist

if __name__ == "__main__":
    build_sdist(sys.argv[1])
