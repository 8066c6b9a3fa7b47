"""Memory that really runs out, in a child process: inside NumPy, inside ONNX Runtime, and in the middle of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyface import FaceAnalyzer, _memory

# Room is counted from what the process has taken once all is loaded, so that the machine does not matter.
PRELUDE = """
import json, resource, sys
import numpy as np
import pyface
from skimage.data import astronaut

def taken():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

def leave(mebibytes):
    resource.setrlimit(resource.RLIMIT_AS, (taken() + (mebibytes << 20), resource.RLIM_INFINITY))

small = astronaut()
large = np.zeros((1600, 1600, 3), np.uint8)
large[:512, :512] = small
"""


def report(code: str, *arguments: object) -> Any:
    """What the code says as JSON, in a process whose memory can be limited; else the test is skipped."""
    if sys.platform != "linux":
        pytest.skip("reads the files of Linux")
    pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    command = [sys.executable, "-c", PRELUDE + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # nothing by ONNX Runtime either
    said = json.loads(done.stdout)
    if said is None:
        pytest.skip("RLIMIT_AS limits nothing here")
    return said


ANALYSE = """
analyzer = pyface.FaceAnalyzer("dlib", n_threads=2, max_side=1600)
wanted = analyzer.analyze(small)[0].embedding
said = []
leave(50)
try:
    bytearray(200 << 20)
except MemoryError:
    for room in (60, 220, 340, 700):
        leave(room)
        try:
            n_faces = len(analyzer.analyze(large))
        except MemoryError as error:
            cause = error
            while cause.__cause__ is not None:
                cause = cause.__cause__
            said.append([str(error), type(cause).__module__.partition(".")[0]])
        else:
            said.append([n_faces, ""])
        # The failure took nothing along.
        leave(400)
        (face,) = analyzer.analyze(small)
        assert (face.embedding == wanted).all()
print(json.dumps(said or None))
"""


def test_an_image_that_does_not_fit(weights: Path, shared_cache: Path) -> None:
    said = report(ANALYSE)
    failed = [(text, source) for text, source in said if source]
    assert said[-1] == [1, ""]  # the largest room is enough
    assert {source for _, source in failed} == {"numpy", "onnxruntime"}
    for text, _ in failed:
        assert text.startswith("not enough memory to find faces in a picture of 1600 x 1600 pixels (")
        assert text.endswith(" MiB more at once); a smaller max_side (--max-side) needs less")


def test_a_search_for_which_too_little_is_free_is_not_begun(
    detector: Any, landmarker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A container's limit is no limit to what the system promises: the process would be ended when it uses it.
    monkeypatch.setattr(_memory, "available", lambda: 5 * 10**8)
    image = np.zeros((2000, 2000, 3), np.uint8)
    with pytest.raises(
        MemoryError, match=r"of 2000 x 2000 pixels: .* takes 572 MiB and 477 MiB are free; use a smaller"
    ):
        detector.detect(image)
    with pytest.raises(MemoryError, match=r"1000 pixels at 2 times its size: .*; use a smaller one or less upsample"):
        detector.detect(image[:1000, :1000], upsample=1)
    analyzer = FaceAnalyzer(detector=detector, landmarks=landmarker, embedder=False, max_side=2000)
    with pytest.raises(MemoryError, match=r"2000 x 2000 .* are free\); a smaller max_side \(--max-side\) needs less"):
        analyzer.analyze(image)
    analyzer.max_side = 500
    assert analyzer.analyze(image) == []


EMBED = """
embedder = pyface.models.load("dlib-resnet", n_threads=1)
crops = np.random.default_rng(0).integers(0, 256, (32, 150, 150, 3), dtype=np.uint8)
few = embedder.embed(crops[:2])
said = []
leave(5)
try:
    bytearray(200 << 20)
except MemoryError:
    leave(45)  # about half of what 32 crops need
    vectors = embedder.embed(crops)
    said = [bool((vectors[:2] == few).all()), len(vectors)]
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    said.append(bool((embedder.embed(crops) == vectors).all()))
print(json.dumps(said or None))
"""


def test_a_batch_that_does_not_fit_is_halved(weights: Path, shared_cache: Path) -> None:
    assert report(EMBED) == [True, 32, True]


CLUSTER = """
from pathlib import Path
from PIL import Image

photos, out = Path(sys.argv[1]) / "photos", Path(sys.argv[1]) / "out"
photos.mkdir()
for i in range(5):
    Image.fromarray(np.roll(small, i, axis=0)).save(photos / f"{i}.jpg")
Image.fromarray(large).save(photos / "2 large.jpg")

def progress(stage, done, total):
    if stage == "photos" and done == 0:
        leave(300)
    elif stage == "photos" and done == total:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)

leave(50)
try:
    bytearray(200 << 20)
except MemoryError:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    album = pyface.cluster_photos(photos, models="dlib", out=out, max_side=1600, n_threads=2, progress=progress)
    skipped = [[item.photo, item.reason] for item in album.skipped]
    print(json.dumps([[face.photo for face in album.faces], skipped]))
else:
    print("null")
"""


def test_a_run_with_one_photo_that_does_not_fit(weights: Path, shared_cache: Path, tmp_path: Path) -> None:
    faces, skipped = report(CLUSTER, tmp_path)
    assert faces == [f"{i}.jpg" for i in range(5)]
    ((photo, reason),) = skipped
    assert photo == "2 large.jpg"
    assert reason.startswith("not enough memory to find faces in a picture of 1600 x 1600 pixels (")
