"""What goes wrong in the middle of a run: photos that do not fit are passed over, all that was found is kept."""

from __future__ import annotations

import ast
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import photo_sets
import pytest
from made_up_models import ByColour, FivePoints, OneFace
from numpy.typing import NDArray

import pyface
from pyface.album import run
from pyface.album.work import FILE_NAME, WorkFile
from pyface.errors import OutputFolderError
from pyface.photos.reading import OpenPhoto

pytest.importorskip("PIL", reason="the extra 'models' is not installed")
cv2 = pytest.importorskip("cv2", reason="the extra 'models' is not installed")

N, BAD = 12, 7  # photos, and the one at which something goes wrong
NAMES = [f"{i:02}.png" for i in range(N)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("colours")
    for i, name in enumerate(NAMES):
        photo_sets.save(folder / name, np.full((40, 40, 3), 20 * i, np.uint8))
    return folder


def number(pixels: NDArray[Any]) -> int:
    """Which photo this is, or is cut from."""
    return int(pixels.reshape(-1, 3)[0, 0]) // 20


class Fault:
    """Raises an error at the bad photo, ``times`` times, and notes what it saw."""

    def __init__(self, error: BaseException, times: int = 10**9) -> None:
        self.error, self.times = error, times
        self.seen: list[int] = []

    def __call__(self, pixels: NDArray[Any]) -> None:
        self.seen += [number(part) for part in (pixels if pixels.ndim == 4 else [pixels])]
        if BAD in self.seen[-len(pixels) :] if pixels.ndim == 4 else self.seen[-1] == BAD:
            self.times -= 1
            if self.times >= 0:
                raise self.error


def cluster(photos: Path, out: Path, *, detect: Any = None, crop: Any = None, embed: Any = None, **options: Any) -> Any:
    hooks = {"crop_hook": crop, "embed_hook": embed}
    return pyface.cluster_photos(
        photos,
        out=out,
        detector=OneFace(detect) if detect else OneFace(),
        landmarks=FivePoints(),
        embedder=ByColour(**{name: hook for name, hook in hooks.items() if hook}),
        **options,
    )


def known(out: Path) -> list[str]:
    """The photos in the record of work, as finished."""
    with contextlib.closing(WorkFile(str(out / FILE_NAME), keep=True)) as work:
        return [name for name, _, _, error, _ in work.photos() if error is None]


@contextlib.contextmanager
def failing(stage: str, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A fault at a stage; yields the hooks to cluster with."""
    if stage in ("detect", "crop", "embed"):
        yield {stage: fault}
        return
    with monkeypatch.context() as patch:
        if stage == "read":
            reduced = OpenPhoto.reduced

            def read(self: OpenPhoto, long_side: int) -> NDArray[np.uint8]:
                pixels = reduced(self, long_side)
                fault(pixels)
                return pixels

            patch.setattr(OpenPhoto, "reduced", read)
        else:
            thumbnail = run.thumbnail

            def cut(image: NDArray[np.uint8], box: Any) -> bytes:
                fault(image)
                return thumbnail(image, box)

            patch.setattr(run, "thumbnail", cut)
        yield {}


STAGES = ["read", "detect", "crop", "thumbnail", "embed"]


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("stage", STAGES)
def test_what_was_found_survives_any_error(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, n_threads: int
) -> None:
    # Faces of several photos share a batch; the error of one batch must not take the others along.
    options = {"n_threads": n_threads, "batch_size": 2 if stage == "embed" else 32}
    fault = Fault(RuntimeError("a fault made up by a test"))
    with failing(stage, fault, monkeypatch) as hooks, pytest.raises(RuntimeError, match="made up by a test"):
        cluster(photos, tmp_path / "out", **hooks, **options)
    kept = known(tmp_path / "out")
    assert kept[: BAD - BAD % 2] == NAMES[: BAD - BAD % 2] if stage == "embed" else kept[:BAD] == NAMES[:BAD]
    assert NAMES[BAD] not in kept

    again = Fault(RuntimeError(), times=0)
    album = cluster(photos, tmp_path / "out", detect=again, **options)
    assert sorted(again.seen) == [i for i, name in enumerate(NAMES) if name not in kept]
    assert [face.photo for face in album.faces] == NAMES
    cluster(photos, tmp_path / "undisturbed")
    for name in ("faces.csv", "embeddings.npy"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def no_memory_of_onnxruntime() -> Exception:
    kind = type("Fail", (Exception,), {"__module__": "onnxruntime.capi.onnxruntime_pybind11_state"})
    return kind("Non-zero status code ... Failed to allocate memory for requested buffer of size 363639552\n")


def no_memory_of_opencv() -> Exception:
    error = cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 75000000 bytes")
    error.code = -4
    return error


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("stage", STAGES)
def test_a_photo_that_does_not_fit_is_passed_over(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, n_threads: int
) -> None:
    with failing(stage, Fault(MemoryError()), monkeypatch) as hooks:
        album = cluster(photos, tmp_path / "out", n_threads=n_threads, **hooks)
    assert [face.photo for face in album.faces] == [name for i, name in enumerate(NAMES) if i != BAD]
    (skipped,) = album.skipped
    assert skipped.photo == NAMES[BAD]
    assert skipped.reason.startswith("not enough memory ") and "; " in skipped.reason
    # It is tried again, with all that is known of the others.
    again = Fault(MemoryError(), times=0)
    assert len(cluster(photos, tmp_path / "out", detect=again).faces) == N
    assert again.seen == [BAD]


@pytest.mark.parametrize(
    ("error", "size"),
    [(no_memory_of_onnxruntime(), "347 MiB"), (no_memory_of_opencv(), "72 MiB")],
    ids=["ONNX Runtime", "OpenCV"],
)
def test_other_libraries_lacks_of_memory_are_told_in_words(
    photos: Path, tmp_path: Path, error: Exception, size: str
) -> None:
    album = cluster(photos, tmp_path / "out", detect=Fault(error))
    (skipped,) = album.skipped
    assert skipped.reason == (
        f"not enough memory to find faces in a picture of 40 x 40 pixels ({size} more at once); a smaller max_side "
        "(--max-side) needs less"
    )


def test_what_fits_alone_is_not_passed_over(photos: Path, tmp_path: Path) -> None:
    # The first attempt runs beside others, and fails; the second waits until it is alone.
    assert not cluster(photos, tmp_path / "a", detect=Fault(MemoryError(), times=1), n_threads=2).skipped
    assert cluster(photos, tmp_path / "b", detect=Fault(MemoryError(), times=1), n_threads=1).skipped


def test_a_batch_that_does_not_fit_is_embedded_face_by_face(photos: Path, tmp_path: Path) -> None:
    batches: list[int] = []

    def embed(crops: NDArray[np.uint8]) -> None:
        batches.append(len(crops))
        if len(crops) > 1:
            raise MemoryError

    album = cluster(photos, tmp_path / "out", embed=embed)
    assert len(album.faces) == N and not album.skipped
    assert sorted(batches) == [1] * N + [N]


def test_a_full_disk_keeps_what_was_saved_before(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run, "SAVE_EVERY_PHOTOS", 1)
    monkeypatch.setattr(run, "thumbnail", lambda image, box: bytes(3000))  # a page of the record for each face
    prepare = WorkFile._prepare

    def with_little_room(self: WorkFile) -> None:
        prepare(self)
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        self._db.execute(f"PRAGMA max_page_count = {pages + 4}")

    with monkeypatch.context() as patch:
        patch.setattr(WorkFile, "_prepare", with_little_room)
        with pytest.raises(OutputFolderError, match="the disk is full; the same command goes on"):
            cluster(photos, tmp_path / "out", n_threads=1, batch_size=1)
    assert not caplog.records  # said once
    kept = known(tmp_path / "out")
    assert 0 < len(kept) < N
    again = Fault(RuntimeError(), times=0)
    assert len(cluster(photos, tmp_path / "out", detect=again).faces) == N
    assert len(again.seen) == N - len(kept)


def test_a_record_that_cannot_take_what_was_found_hides_no_error(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def save(*_: Any) -> None:
        raise OutputFolderError("no room")

    monkeypatch.setattr(WorkFile, "save", save)
    with pytest.raises(RuntimeError, match="made up"):
        cluster(photos, tmp_path / "out", detect=Fault(RuntimeError("made up")))
    assert "the photos that were done last could not be saved: no room" in caplog.text


INTERRUPTED = """
import signal, sys, threading
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_failures import BAD, cluster, known, number

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs, whose children inherit that
is_awaited = threading.Event()

def progress(stage, done, total):
    global last
    last = done, total
    if done == BAD:
        is_awaited.set()

def detect(pixels):
    if number(pixels) == BAD:
        is_awaited.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

photos, out = Path(sys.argv[1]), Path("out")
try:
    cluster(photos, out, detect=detect, progress=progress, n_threads=1)
except KeyboardInterrupt:
    print((last, known(out)))
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="POSIX signals")
def test_ctrl_c_keeps_the_photo_that_is_waited_for(photos: Path, tmp_path: Path) -> None:
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", INTERRUPTED, str(photos), str(here), str(here.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True, cwd=tmp_path)
    told, kept = ast.literal_eval(done.stdout)
    assert kept[: BAD + 1] == NAMES[: BAD + 1]
    assert told == (len(kept), N)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_was_done_is_told_as_the_record_has_it(photos: Path, tmp_path: Path, error: type[BaseException]) -> None:
    """Also where it was nothing when the run was stopped, and where the callback itself stops it again."""
    told: list[int] = []

    def progress(stage: str, n_done: int, total: int) -> None:
        told.append(n_done)
        if len(told) > 1:
            raise error("stop")

    with pytest.raises(error):
        cluster(photos, tmp_path / "out", progress=progress, n_threads=1)
    assert told == [0, 1, len(known(tmp_path / "out"))]
    assert told[-1] >= 1
