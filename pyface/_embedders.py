"""How the vectors of the known embedders are compared.

Here, below all layers, because both need it and must not know each other: the models, which say so of themselves, and
the clusterers, which are recommended for a model by name without loading it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """The metric of an embedder's vectors, and distances in it that separate people.

    cluster_threshold : height at which average linkage is cut.
    pair_threshold : two faces nearer than this are taken for one person.
    """

    metric: str
    cluster_threshold: float
    pair_threshold: float


# By name in the catalog of models.
COMPARISONS = {
    "dlib-resnet": Comparison("sqeuclidean", cluster_threshold=0.281, pair_threshold=0.36),  # 0.53 and 0.6, squared
    "sface": Comparison("cosine", cluster_threshold=0.55, pair_threshold=0.63),
}

# By family, for files that are loaded by path: what such networks are compared with where nothing is known of the file.
# insightface: similarities of 0.48 in its album and 0.4 for pairs, as distances.
_ARCFACE = Comparison("cosine", cluster_threshold=0.52, pair_threshold=0.6)
FAMILIES = {
    "arcface": _ARCFACE,
    "adaface": _ARCFACE,
    # deepface's for Facenet with 128 numbers, and for VGG-Face; for pairs, as nobody gives any for clusters.
    "facenet": Comparison("cosine", cluster_threshold=0.40, pair_threshold=0.40),
    "deepface": Comparison("cosine", cluster_threshold=0.68, pair_threshold=0.68),
    # Chosen on one half of the people of LFW's photos with SCRFD's points, and judged on the other; for pairs where one
    # of a thousand of strangers is wrong.
    "omz_0095": Comparison("cosine", cluster_threshold=0.56, pair_threshold=0.66),
}
