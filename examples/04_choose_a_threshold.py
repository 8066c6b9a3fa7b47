"""Choose the height to cut a dendrogram at, from embeddings of which some people are known.

    python examples/04_choose_a_threshold.py embeddings.npy people.npy [metric]

It holds for the embedder, the metric ("cosine" if not given) and the kind of photos it was chosen on. For an album's
embeddings.npy give the metric of its summary.json ("sqeuclidean" of dlib-resnet): the height is then a --threshold for
it. people.npy holds a number for each row, -1 where nobody knows. Half of the known rows choose, and the others judge.
"""

import sys

import numpy as np

import pyface
from pyface.cluster import cut_profile, threshold_advice


def sample_embeddings(n_people: int = 100, dimension: int = 64) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(n_people), random.integers(2, 12, n_people))
    noise = random.normal(size=(len(people), dimension)) * random.uniform(0.5, 1.3, (len(people), 1))
    return random.normal(size=(n_people, dimension))[people] + noise, people


if len(sys.argv) not in (1, 3, 4):
    sys.exit("usage: python examples/04_choose_a_threshold.py [embeddings.npy people.npy [metric]]")
embeddings, people = (np.load(path) for path in sys.argv[1:3]) if len(sys.argv) > 2 else sample_embeddings()
choosing, judging = np.array_split(np.random.default_rng(1).permutation(np.flatnonzero(people >= 0)), 2)

tree = pyface.linkage(embeddings, method="average", metric=sys.argv[3] if len(sys.argv) > 3 else "cosine")
advice = threshold_advice(tree, np.where(np.isin(np.arange(len(people)), choosing), people, -1))
low, high = advice.interval
print(f"best: height {advice.height:.3f} ({low:.3f} to {high:.3f}), BCubed F {advice.bcubed_f:.3f} of those who chose")

found = pyface.metrics.evaluate(people[judging], pyface.cut(tree, height=advice.height)[judging])
print(f"BCubed F {found.bcubed_f:.3f} of the others, {advice.n_clusters} clusters")
profile = cut_profile(tree)
for height in advice.height * np.linspace(0.25, 2, 8):
    i = profile.index(height)
    print(f"height {height:.3f}: {profile.n_clusters[i]} clusters, the largest of {profile.largest[i]} rows")
