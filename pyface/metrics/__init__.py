"""How well clusters agree with the truth: scikit-learn's names and argument order, and what it lacks for faces.

Everything comes from one sparse contingency table: O(n log n) time, O(n) memory. Labels are integers or strings, in any
1-D array-like; in the score functions -1 is a label like any other, in :func:`evaluate` it is noise.
"""

from pyface.metrics import identification, verification
from pyface.metrics._evaluate import Evaluation, evaluate
from pyface.metrics._information import adjusted_mutual_info_score, normalized_mutual_info_score
from pyface.metrics._sets import (
    adjusted_rand_score,
    bcubed_precision_recall_f,
    inverse_purity_score,
    pair_precision_recall_f,
    purity_score,
    rand_score,
)

__all__ = [
    "Evaluation",
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "bcubed_precision_recall_f",
    "evaluate",
    "identification",
    "inverse_purity_score",
    "normalized_mutual_info_score",
    "pair_precision_recall_f",
    "purity_score",
    "rand_score",
    "verification",
]
