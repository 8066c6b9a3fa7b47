"""Cluster embeddings that you already have: the estimators are scikit-learn's, with the same names and parameters.

    python examples/03_bring_your_own_embeddings.py embeddings.npy

Without a file it makes vectors of 200 people, about ten each.
"""

import sys

import numpy as np

import pyface
from pyface.cluster import DBSCAN, AgglomerativeClustering


def sample_embeddings(n_people: int = 200, dimension: int = 128) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    people = random.permutation(np.repeat(np.arange(n_people), random.integers(5, 16, n_people)))
    centres = random.normal(size=(n_people, dimension))
    return (centres[people] + 0.6 * random.normal(size=(len(people), dimension))).astype(np.float32), people


if len(sys.argv) > 1:
    embeddings, people = np.load(sys.argv[1]), None
else:
    embeddings, people = sample_embeddings()

average = AgglomerativeClustering(n_clusters=None, distance_threshold=0.5, metric="cosine", linkage="average")
density = DBSCAN(eps=0.4, min_samples=2, metric="cosine")
for estimator in (average, density):
    labels = estimator.fit_predict(embeddings)
    print(f"{type(estimator).__name__}: {labels.max() + 1} clusters, {np.sum(labels == -1)} rows are noise")
    if people is not None:
        print(f"  BCubed F {pyface.metrics.evaluate(people, labels).bcubed_f:.3f}")
