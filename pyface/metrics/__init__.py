"""How good clusters are, with the truth and without it: scikit-learn's names and argument order, and what it lacks.

Scores against the truth come from one sparse contingency table: O(n) or O(n log n) time, O(n) memory. Labels are
integers or strings, in any 1-D array-like; -1 in the prediction is a label like any other in the score functions, and
noise in :func:`evaluate` and the tables, unless ``noise=`` says otherwise. Scores without the truth take the rows of
vectors that were clustered. How: docs/how-it-works/metrics.md.
"""

from pyface.metrics import identification, verification
from pyface.metrics._bootstrap import bootstrap_intervals
from pyface.metrics._dunn import dunn_score
from pyface.metrics._evaluate import Evaluation, evaluate
from pyface.metrics._information import (
    adjusted_mutual_info_score,
    completeness_score,
    homogeneity_completeness_v_measure,
    homogeneity_score,
    mutual_info_score,
    normalized_mutual_info_score,
    v_measure_score,
)
from pyface.metrics._internal import calinski_harabasz_score, davies_bouldin_score
from pyface.metrics._intervals import Interval
from pyface.metrics._sets import (
    adjusted_rand_score,
    bcubed_precision_recall_f,
    fowlkes_mallows_score,
    inverse_purity_score,
    pair_confusion_matrix,
    pair_precision_recall_f,
    purity_score,
    rand_score,
)
from pyface.metrics._silhouette import silhouette_samples, silhouette_score
from pyface.metrics._tables import ClusterTable, IdentityTable, cluster_table, identity_table

__all__ = [
    "ClusterTable",
    "Evaluation",
    "IdentityTable",
    "Interval",
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "bcubed_precision_recall_f",
    "bootstrap_intervals",
    "calinski_harabasz_score",
    "cluster_table",
    "completeness_score",
    "davies_bouldin_score",
    "dunn_score",
    "evaluate",
    "fowlkes_mallows_score",
    "homogeneity_completeness_v_measure",
    "homogeneity_score",
    "identification",
    "identity_table",
    "inverse_purity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "pair_confusion_matrix",
    "pair_precision_recall_f",
    "purity_score",
    "rand_score",
    "silhouette_samples",
    "silhouette_score",
    "v_measure_score",
    "verification",
]
