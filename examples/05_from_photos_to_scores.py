r"""Detector, five points, embedder, then four ways to cluster and four measures, with model files of your own.

    python examples/05_from_photos_to_scores.py PHOTOS --detector retinaface.onnx --detector-family pytorch_retinaface \
        --embedder mobilefacenet.onnx --embedder-family arcface --normalization imagenet

PHOTOS has a folder for each person; of a photo the face nearest the middle counts. Thresholds are chosen on one half
of the people and judged on the other, so they hold for photos of this kind; the last row takes the embedder's own.
K-means is told how many people there are, which nobody knows of an album.
"""

import argparse
from pathlib import Path

import numpy as np

import pyface
from pyface.cluster import DBSCAN, KMeans, for_embedder

parser = argparse.ArgumentParser()
parser.add_argument("photos", type=Path)
for name in ("detector", "detector-family", "embedder", "embedder-family", "normalization"):
    parser.add_argument(f"--{name}", default={"detector": "yunet", "embedder": "sface"}.get(name))
ask = parser.parse_args()
detector = pyface.models.load(ask.detector, ask.detector_family)
embedder = pyface.models.load(ask.embedder, ask.embedder_family, normalization=ask.normalization)
_ = detector.scheme or parser.error(f"{detector.name} gives no points, by which faces are aligned")

vectors, people = [], []
for path in sorted(ask.photos.glob("*/*.*")):
    faces = detector.detect(image := pyface.read_image(path))
    if len(faces):
        off = faces.boxes.reshape(-1, 2, 2).mean(axis=1) - np.array(image.shape[1::-1]) / 2
        crop = embedder.crop(image, faces.landmarks[[np.hypot(*off.T).argmin()]])
        vectors.append(embedder.embed(crop)[0])
        people.append(path.parent.name)
_ = len(set(people)) > 1 or parser.error(f"{ask.photos} must have folders of two people or more, with a face each")
X, people = np.array(vectors), np.array(people)
chooses = np.isin(people, np.random.default_rng(0).permutation(np.unique(people))[::2])
print(f"{len(X)} faces of {len(np.unique(people))} people, {np.sum(~chooses)} judge; way, t or k: measures")


def judge(words: str, labels: np.ndarray) -> None:
    found = pyface.metrics.evaluate(people[~chooses], labels)
    print(f"{words}: Rand {found.rand:.4f}, NMI {found.nmi:.4f}, F of pairs {found.pair_f:.4f}, BCubed ", end="")
    print(f"precision {found.bcubed_precision:.4f}, recall {found.bcubed_recall:.4f}, F {found.bcubed_f:.4f}")


ways = {  # DBSCAN counts no group of two: with min_samples=2 it would be single linkage, which joins by any chain
    "single": lambda x, t: pyface.cut(pyface.linkage(x, "single", embedder.metric), height=t),
    "average": lambda x, t: pyface.cut(pyface.linkage(x, "average", embedder.metric), height=t),
    "DBSCAN": lambda x, t: DBSCAN(t, min_samples=3, metric=embedder.metric).fit_predict(x),
}
heights = np.arange(0.02, 1, 0.01)
for name, way in ways.items():
    scores = [pyface.metrics.evaluate(people[chooses], way(X[chooses], t)).bcubed_f for t in heights]
    t = np.median(heights[scores == np.max(scores)])
    judge(f"{name} {t:.2f}", way(X[~chooses], t))
k = len(np.unique(people[~chooses]))
judge(f"K-means {k}", KMeans(k, n_init=3, random_state=0, spherical=True).fit_predict(X[~chooses]))
judge(f"average, preset {embedder.cluster_threshold:.2f}", for_embedder(embedder).fit_predict(X[~chooses]))
