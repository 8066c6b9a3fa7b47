"""Choose the height to cut a dendrogram at, from embeddings whose people are known.

    python examples/04_choose_a_threshold.py embeddings.npy people.npy

A threshold holds for the embedder and the kind of photos it was chosen on. Keep some labelled photos aside and judge it
on those. Without files this makes vectors of 100 people.
"""

import sys

import numpy as np

import pyface


def sample_embeddings(n_people: int = 100, dimension: int = 64) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(n_people), random.integers(2, 12, n_people))
    noise = random.normal(size=(len(people), dimension)) * random.uniform(0.5, 1.3, (len(people), 1))
    return random.normal(size=(n_people, dimension))[people] + noise, people


if len(sys.argv) > 2:
    embeddings, people = np.load(sys.argv[1]), np.load(sys.argv[2])
else:
    embeddings, people = sample_embeddings()

tree = pyface.linkage(embeddings, method="average", metric="cosine")  # built once, cut many times
scores = []
for height in np.linspace(0.05, 1.0, 39):
    found = pyface.metrics.evaluate(people, pyface.cut(tree, height=height))
    scores.append((found.bcubed_f, height))
    print(
        f"height {height:.3f}: BCubed F {found.bcubed_f:.3f}, {found.n_clusters} clusters of {found.n_classes} people"
    )

best_f, best_height = max(scores)
print(f"best: height {best_height:.3f} with BCubed F {best_f:.3f}")
