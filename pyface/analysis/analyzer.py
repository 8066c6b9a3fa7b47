"""One image in, faces out: the chain of detector, landmarks and embedder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory, _threads
from pyface._typing import Image, Points
from pyface.analysis import scales, upright
from pyface.analysis.chain import Chain, load_chain, scheme_for
from pyface.geometry.conversions import convert_landmarks
from pyface.geometry.pose import each_pose
from pyface.models import Embedder
from pyface.types import Detections, Face, Landmarks

# A crop shows up to this much more than the longer side of the detector's box.
_CROP_MARGIN = 1.25
# Side of a box whose thumbnail is not enlarged: it shows a third more than the box.
_THUMBNAIL = 84


class FaceAnalyzer:
    """Finds the faces of an image, with landmarks and embeddings.

    models : name of a pack of models; None is ``"opencv"`` (YuNet, the points of O-Net, SFace), or ``"dlib"`` if one of
        the parts named is dlib's. Others, as ``"buffalo_l"``, have to be pulled first (:func:`pyface.models.pull`).
    detector, landmarks, embedder : None takes the pack's, False leaves the step out; a name of the catalog, the path of
        a file or a model from :func:`pyface.models.load` takes its place. Without a detector the whole image is one
        face. ``landmarks="detector"`` takes the points that the detector gives with its boxes. Without a
        landmark model faces have the points that the detector gives, if it gives any; so they have where a detector of
        another family than the default's is given that does, and neither ``models`` nor ``landmarks``. Where the
        embedder aligns faces by other points, those of the faces are brought to them for it
        (:func:`pyface.geometry.convert_landmarks`); ValueError, before any image is seen, where that cannot be.
    detector_family, landmarks_family, embedder_family : which of :func:`pyface.models.families` a path is of.
    color : channel order of the images given, ``"rgb"`` or ``"bgr"``.
    providers : ONNX Runtime's providers; None is the CPU. One that is not available is an error.
    n_threads : threads inside the networks; None is ``PYFACE_NUM_THREADS`` or all usable CPUs.
    min_face : smallest face to look for, in pixels of the image. None searches a copy of at most ``max_side`` pixels on
        the longer side (never enlarged), which finds most faces from about 1.5 % of the long side up (dlib's detector:
        5.5 %).
    max_faces : keep at most this many faces of an image, the largest. None keeps all.
    refine : locate the points of tilted faces once more, in a small picture in which the face is upright. It needs
        points that can be brought to ``"arcface-5"``, or dlib's five; other orders are left as they are. Upright faces
        keep theirs, and take hardly more time. What it gains: docs/how-it-works/alignment.md.
    pose : give each face its :func:`pyface.geometry.head_pose`, from its landmarks and without perspective; None where
        there are no landmarks, or of a scheme of your own. It costs 30 microseconds an image and 5 a face.

    Results do not depend on ``n_threads`` or ``batch_size``. An analyzer may be used from several threads, and by the
    children of a fork. Pickles hold the names or paths of its models (see :class:`pyface.models.Model`), so that pools
    of processes can be given one; a model of your own class is pickled by that class's own rules.
    """

    def __init__(
        self,
        models: str | None = None,
        *,
        detector: Any = None,
        landmarks: Any = None,
        embedder: Any = None,
        detector_family: str | None = None,
        landmarks_family: str | None = None,
        embedder_family: str | None = None,
        color: str = "rgb",
        providers: list[str] | None = None,
        n_threads: int | None = None,
        min_face: float | None = None,
        max_faces: int | None = None,
        max_side: int = scales.MAX_SIDE,
        refine: bool = True,
        pose: bool = True,
    ) -> None:
        if color not in ("rgb", "bgr"):
            raise ValueError(f"color must be 'rgb' or 'bgr', got {color!r}")
        self.color = color
        self.min_face = check_min_face(min_face)
        self.max_faces = check_count(max_faces, "max_faces")
        self.max_side = check_max_side(max_side)
        self.refine = _check.flag(refine, "refine")
        self.pose = _check.flag(pose, "pose")
        _threads.resolve(n_threads)  # told also where no model is loaded that would
        self.chain = load_chain(
            models,
            detector=detector,
            landmarks=landmarks,
            embedder=embedder,
            detector_family=detector_family,
            landmarks_family=landmarks_family,
            embedder_family=embedder_family,
            providers=providers,
            n_threads=n_threads,
        )

    def analyze(self, image: Image) -> list[Face]:
        """The faces of one image, best first: (h, w, 3) or (h, w), uint8 or float32 in [0, 255].

        Floats that are all within 0..1 are black in this range: a warning says so. Boxes and landmarks are in pixels of
        ``image``. Raises TypeError or ValueError for what is no image, MemoryError for one that is too large for what
        memory is left, with what needs less.
        """
        return next(self._analyze_all([image], batch_size=1, name="image"))

    def analyze_many(self, images: Iterable[Image], batch_size: int = 32) -> list[list[Face]]:
        """:meth:`analyze` for each image; faces are embedded ``batch_size`` at a time, across images.

        TypeError for one image in place of several: its rows would be taken for grey ones. TypeError or ValueError for
        what is no image, with its number; of the others nothing is given then.
        """
        _check.several(images, "images")
        size = check_count(batch_size, "batch_size")
        return list(self._analyze_all(images, batch_size=size or 1, name="images[{}]"))

    def _analyze_all(self, images: Iterable[Image], *, batch_size: int, name: str) -> Iterator[list[Face]]:
        waiting: list[FoundFaces] = []
        n_faces = 0
        for i, image in enumerate(images):
            waiting.append(self._find(image, name.format(i)))
            n_faces += len(waiting[-1].boxes)
            if n_faces >= batch_size:
                yield from self._finish(waiting, batch_size)
                waiting, n_faces = [], 0
        yield from self._finish(waiting, batch_size)

    def _find(self, image: Image, name: str) -> FoundFaces:
        image = _check.image(image, name, color=self.color)
        _check.warn_of_unit_range(image, name, stacklevel=4)  # the line that calls analyze or analyze_many
        with _check.one_warning():
            detections = detect(self.chain, image, min_face=self.min_face, max_side=self.max_side)
            return find_faces(self.chain, image, keep_largest(detections, self.max_faces), refine=self.refine)

    def _finish(self, waiting: list[FoundFaces], batch_size: int) -> Iterator[list[Face]]:
        embeddings = embed_in_batches(self.chain, [found.crops for found in waiting], batch_size)
        for found, vectors in zip(waiting, embeddings, strict=True):
            n = len(found.boxes)
            points = found.landmarks if self.pose else None
            poses = [None] * n if points is None else each_pose(points, found.scheme)
            yield [
                Face(
                    box=found.boxes[i],
                    score=float(found.scores[i]),
                    landmarks=None if found.landmarks is None else found.landmarks[i],
                    scheme=found.scheme,
                    embedding=None if vectors is None else vectors[i],
                    pose=poses[i],
                )
                for i in range(n)
            ]


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """The faces of one image before they are embedded."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float64] | None
    scheme: str | None
    crops: NDArray[np.uint8] | None


def detect(
    chain: Chain,
    image: Image,
    *,
    original_size: tuple[int, int] | None = None,
    min_face: float | None = None,
    max_side: int = scales.MAX_SIDE,
    checkpoint: Callable[[], None] = lambda: None,
) -> Detections:
    """Faces of ``image`` (a smaller copy of a photo of ``original_size``, if given), in the original's pixels."""
    if chain.detector is None:
        width, height = original_size or (image.shape[1], image.shape[0])
        return Detections(np.array([[0.0, 0.0, width - 1.0, height - 1.0]]), np.ones(1, np.float32))
    width, height = original_size or (image.shape[1], image.shape[0])
    smaller = "a smaller max_side (--max-side)" if min_face is None else "a larger min_face (--min-face)"
    with _memory.told(f"to find faces in a picture of {width} x {height} pixels", f"{smaller} needs less"):
        return scales.detect_at_scales(
            chain.detector,
            image,
            original_size=original_size,
            min_face=min_face,
            max_side=max_side,
            checkpoint=checkpoint,
        )


def keep_largest(detections: Detections, max_faces: int | None) -> Detections:
    """The ``max_faces`` largest faces, in the order they had."""
    if max_faces is None or len(detections) <= max_faces:
        return detections
    boxes = detections.boxes
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = np.sort(np.argsort(-areas, kind="stable")[:max_faces])
    landmarks = None if detections.landmarks is None else detections.landmarks[kept]
    return Detections(boxes[kept], detections.scores[kept], landmarks)


def side_for_crops(chain: Chain, detections: Detections, size: tuple[int, int]) -> int:
    """How long the longer side of a copy must be, of a photo of this size (width, height), to cut all faces from.

    In it no face is enlarged, neither for the embedder nor for its thumbnail. What it takes more is lost on both.
    """
    if len(detections) == 0:
        return 0
    crop = 0 if chain.embedder is None else chain.embedder.size
    sides = (detections.boxes[:, 2:] - detections.boxes[:, :2]).max(axis=1)
    return math.ceil(max(size) * min(1.0, _CROP_MARGIN * max(crop, _THUMBNAIL) / max(1.0, float(sides.min()))))


def find_faces(
    chain: Chain,
    image: Image,
    detections: Detections,
    *,
    original_size: tuple[int, int] | None = None,
    refine: bool = True,
) -> FoundFaces:
    """Landmarks and aligned crops of detected faces, from ``image``, which may be a smaller copy of the photo.

    Boxes and landmarks are in pixels of the photo, of ``original_size`` (width, height) if that is not the image's own.
    ``refine`` locates the points of tilted faces once more (:func:`pyface.analysis.upright.refined`).
    """
    landmarks = crops = None
    scheme = chain.scheme
    photo = original_size or (image.shape[1], image.shape[0])
    size = f"{image.shape[1]} x {image.shape[0]}"
    with _memory.told(
        f"to align the faces of a picture of {size} pixels", "a smaller max_faces (--max-faces) needs less"
    ):
        boxes = scales.in_copy(detections.boxes.reshape(-1, 2, 2), image, photo).reshape(-1, 4)
        if chain.landmarks is not None:
            located = chain.landmarks.locate(image, boxes)
            points, scheme = located.points, located.scheme
            landmarks = scales.in_photo(points, image, photo)
        elif scheme is not None:
            landmarks = _points_of_detector(chain, detections)
            points = scales.in_copy(landmarks, image, photo)
        if refine and landmarks is not None and scheme is not None:
            own = detections.landmarks
            better, rows = upright.refined(
                chain.detector, chain.landmarks, image, boxes, detections.scores, points, scheme,
                None if own is None else scales.in_copy(own, image, photo),
            )  # fmt: skip
            if rows.size:
                points, landmarks = points.copy(), landmarks.copy()
                points[rows], landmarks[rows] = better, scales.in_photo(better, image, photo)
        if chain.embedder is not None and scheme is not None:
            crops = chain.embedder.crop(image, _points_for(chain.embedder, points, scheme))
    return FoundFaces(detections.boxes, detections.scores, landmarks, scheme, crops)


def _points_of_detector(chain: Chain, detections: Detections) -> Points:
    if detections.landmarks is not None:
        return detections.landmarks
    if len(detections):
        raise ValueError(f"{chain.detector!r} has the scheme {chain.scheme!r} but gave no landmarks")
    return np.empty((0, 5, 2))


def _points_for(embedder: Embedder, points: Points, scheme: str) -> Points | Landmarks:
    own = scheme_for(embedder, scheme)
    if own is None or own == scheme:
        return points
    return Landmarks(convert_landmarks(points[..., :2], scheme, own), own)


def embed_in_batches(
    chain: Chain, crops: list[NDArray[np.uint8] | None], batch_size: int
) -> list[NDArray[np.float32] | None]:
    """Embeddings of each image's crops, computed ``batch_size`` faces at a time whatever image they are from."""
    embedder = chain.embedder
    if embedder is None:
        return [None] * len(crops)
    stacks = [c for c in crops if c is not None]
    if not stacks:
        return []
    together = np.concatenate(stacks)
    parts = [embedder.embed(together[i : i + batch_size]) for i in range(0, len(together), batch_size)]
    vectors = np.concatenate([np.zeros((0, embedder.dimension), np.float32), *parts])
    return list(np.split(vectors, np.cumsum([len(stack) for stack in stacks])[:-1]))


def check_count(value: int | None, name: str) -> int | None:
    """None, or an integer of at least 1."""
    return None if value is None else _check.integer(value, name, minimum=1)


def check_min_face(value: float | None) -> float | None:
    """None, or a number of pixels of at least 8: below that no detector has anything to go by."""
    if value is None:
        return None
    if not isinstance(value, int | float | np.number) or isinstance(value, bool):
        raise TypeError(f"min_face must be a number of pixels or None, got {value!r}")
    if not 8 <= value <= 1e6:
        raise ValueError(f"min_face must be between 8 and 1,000,000 pixels, got {value}")
    return float(value)


def check_threshold(value: float | None) -> float | None:
    """None, or a distance above 0 that is finite."""
    if value is None:
        return None
    # NaN is within no bounds, so it gets these words and not those of _check.number.
    if isinstance(value, float | int | np.number) and not isinstance(value, bool) and not 0 < value < np.inf:
        raise ValueError(f"threshold must be a positive number or None, got {float(value)!r}")
    return _check.number(value, "threshold")


def check_max_side(value: int) -> int:
    """A number of pixels of at least 100: a smaller copy shows no detector a face."""
    return _check.integer(value, "max_side", minimum=100)
