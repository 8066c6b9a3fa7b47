"""SCRFD: photos a second and boxes beside insightface's own code on the same file; what is not the network's time.

    python bench/scrfd.py --file scrfd_500m.onnx [--peer-python /path/to/python/with/insightface] [--rounds 5]

64 photos of mixed size: the 50 of ``images/wider`` and 14 of ``images/lfw``, read by OpenCV. insightface is asked in a
process of its own, as its dependencies do not belong beside pyface's; both get the same number of threads.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from common import machine, shared

from pyface import _threads, models

N_PHOTOS = 64
PEER = """
import json, sys, time
import cv2, numpy as np, onnxruntime
file, photos, threads, rounds, out = json.loads(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
from insightface.model_zoo.scrfd import SCRFD
detector = SCRFD(file, session=onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]))
detector.prepare(-1, det_thresh=0.5, input_size=(640, 640))
images = [cv2.imread(path) for path in photos]
seconds = []
for _ in range(rounds):
    since = time.perf_counter()
    found = [detector.detect(image) for image in images]
    seconds.append(time.perf_counter() - since)
boxes = [np.hstack([boxes, points.reshape(len(boxes), 10)]) for boxes, points in found]
np.savez(out, *boxes, seconds=seconds)
"""


def peer(python: str, file: Path, photos: list[Path], rounds: int) -> tuple[list[np.ndarray], list[float]]:
    """Boxes, scores and points (n, 15) of each photo as insightface has them, and seconds of each round."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.npz"
        asked = [str(file), [str(path) for path in photos], _threads.resolve(None), rounds, str(out)]
        subprocess.run([python, "-c", PEER, json.dumps(asked)], check=True, stdout=subprocess.DEVNULL)
        with np.load(out) as data:
            return [data[f"arr_{i}"] for i in range(len(photos))], data["seconds"].tolist()


def parts(detector: models.Detector, images: list[np.ndarray], rounds: int) -> tuple[float, float, float]:
    """Least seconds of the network, of what comes before and after it, and of ``detect``, one image after the other.

    The first two are clocked in one loop, as the network finds its caches in ``detect``: alone it is a little faster.
    """
    network, beside, whole = [], [], []
    for _ in range(rounds):
        inside = outside = 0.0
        for image in images:
            start = time.perf_counter()
            canvas = detector._canvas(image)
            numbers = detector._numbers(canvas.pixels)[None]
            begun = time.perf_counter()
            outputs = detector._session.run_all(numbers)
            ended = time.perf_counter()
            detector._chosen(detector._of_each(outputs, 1)[0], canvas, detector.threshold)
            outside += begun - start + time.perf_counter() - ended
            inside += ended - begun
        network.append(inside)
        beside.append(outside)
        since = time.perf_counter()
        for image in images:
            detector.detect(image)
        whole.append(time.perf_counter() - since)
    return min(network), min(beside), min(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=None, help="default: models/scrfd_500m.onnx of the shared data")
    parser.add_argument("--family", default="scrfd")
    parser.add_argument("--peer-python", help="an interpreter that has insightface and onnxruntime")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    file = arguments.file or shared("models/scrfd_500m.onnx")
    photos = sorted(shared("images/wider").rglob("*.jpg")) + sorted(shared("images/lfw").rglob("*.jpg"))[::60]
    photos = photos[:N_PHOTOS]
    images = [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in photos]
    detector = models.load(file, arguments.family)
    print(machine())
    network, beside, whole = parts(detector, images, arguments.rounds)
    print(
        f"{len(photos)} photos, one after the other: {whole / len(photos) * 1e3:.1f} ms each, of which the network "
        f"{network / len(photos) * 1e3:.1f}; letterbox, decode and NMS {beside / len(photos) * 1e3:.2f}, "
        f"{beside / network:.1%} of that"
    )
    many = []
    for _ in range(arguments.rounds):
        since = time.perf_counter()
        found = detector.detect_many(images)
        many.append(time.perf_counter() - since)
    print(
        f"detect_many: {min(many) / len(photos) * 1e3:.1f} ms each (median {np.median(many) / len(photos) * 1e3:.1f})"
    )
    singly = [detector.detect(image) for image in images]
    away = max(np.abs(a.boxes - b.boxes).max(initial=0) for a, b in zip(found, singly, strict=True))
    print(f"boxes of detect_many and detect: at most {away:.1e} pixels apart")
    if arguments.peer_python:
        theirs, seconds = peer(arguments.peer_python, file, photos, arguments.rounds)
        counts = [len(a) == len(b) for a, b in zip(singly, theirs, strict=True)]
        apart = max(
            np.abs(a.boxes - b[:, :4]).max(initial=0) for a, b in zip(singly, theirs, strict=True) if len(a) == len(b)
        )
        print(
            f"insightface: {min(seconds) / len(photos) * 1e3:.1f} ms each (median "
            f"{np.median(seconds) / len(photos) * 1e3:.1f}); {min(seconds) / min(many):.2f} times detect_many's, "
            f"{min(seconds) / whole:.2f} times detect's; the same number of faces on {sum(counts)} photos, boxes at "
            f"most {apart:.1e} pixels apart"
        )


if __name__ == "__main__":
    main()
