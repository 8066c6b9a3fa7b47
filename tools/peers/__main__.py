"""Runs the installed tests of scikit-learn and SciPy with pyface's classes and functions in their places.

    PYTHONPATH=tools python -m peers [options of pytest]

Names are replaced at run time (``swaps.py``); no line of theirs is copied or changed. What fails for a reason is listed
with it in ``expected.py``: everything else must pass, and what is listed must fail.
"""

from __future__ import annotations

import sys

from peers.expected import EXPECTED
from peers.runner import run
from peers.swaps import PEERS

sys.exit(run(PEERS, EXPECTED, sys.argv[1:]))
