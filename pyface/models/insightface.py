"""For people who switch from insightface: its ``FaceAnalysis``, its names and its BGR, on the models of pyface.

::

    from pyface.models.insightface import FaceAnalysis

    app = FaceAnalysis("buffalo_l")
    app.prepare(ctx_id=-1, det_size=(640, 640))
    faces = app.get(cv2.imread("photo.jpg"))

What differs is said at each name. Weights come through :func:`pyface.models.pull`, never by themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.geometry.pose import each_pose
from pyface.models import pulled
from pyface.models.base import Detector, Embedder, Landmarker
from pyface.models.catalog import catalog, load, members_of, pack, require_pulled
from pyface.models.looks import merged
from pyface.types import Detections

__all__ = ["Face", "FaceAnalysis"]

log = logging.getLogger(__name__)

# What insightface 1.0 looks at beside det_size, for faces that fill the photo.
_SMALL_LOOK = (128, 128)
_CPU = "CPUExecutionProvider"
_FIVE = "arcface-5"
_LANDMARKS = {"insightface-106": "landmark_2d_106", "insightface-68-3d": "landmark_3d_68"}
_MODULES = {"landmark_106": "landmark_2d_106", "landmark_3d_68": "landmark_3d_68"}
_TASKS = {"detection": Detector, "recognition": Embedder, "landmark_2d_106": Landmarker, "landmark_3d_68": Landmarker}


class Face(dict[str, Any]):
    """A face as insightface has it: a dict whose keys are attributes too; what is absent is None.

    bbox (4,), kps (5, 2), det_score, and by the models that are there embedding (d,), landmark_2d_106 (106, 2),
    landmark_3d_68 (68, 3): float32. Points of other models, as of ``FaceAnalysis(models=...)``, are named alike, by
    coordinates and number: landmark_2d_68. With landmark_3d_68 also pose (3,), pitch, yaw and roll in degrees with
    insightface's signs, by pyface's head (:func:`pyface.geometry.head_pose`), so up to 5 degrees of pitch from
    insightface's. age, gender and sex are always None: no such model is offered.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    @property
    def embedding_norm(self) -> float | None:
        """Length of the embedding."""
        return None if self.embedding is None else float(np.linalg.norm(self.embedding))

    @property
    def normed_embedding(self) -> NDArray[np.float32] | None:
        """The embedding at unit length."""
        if self.embedding is None:
            return None
        unit: NDArray[np.float32] = self.embedding / np.float32(self.embedding_norm)
        return unit


class FaceAnalysis:
    """insightface's ``FaceAnalysis``: one detector, and whatever else the pack has, on BGR images.

    name : a pack of :data:`pyface.models.PACKS`, e.g. ``"buffalo_l"`` after ``pyface models pull buffalo_l``; but not
        ``"dlib"``, whose embedder aligns faces by other points.
    root : accepted and without effect; ``pyface models pull NAME --from ~/.insightface/models`` takes what is there.
    allowed_modules : of ``"detection"``, ``"recognition"``, ``"landmark_2d_106"``, ``"landmark_3d_68"``; None is all.
    providers : as ONNX Runtime takes them; one that is not installed is an error, where insightface goes on silently.
    models : loaded models (a detector, and any of an embedder and landmark models) in place of a pack's.

    A model of five points in the pack, as ``"opencv"`` has one, gives ``kps`` in place of the detector.

    Nothing is printed. Calls may come from several threads.
    """

    def __init__(
        self,
        name: str = "buffalo_l",
        root: str | None = None,
        allowed_modules: Iterable[str] | None = None,
        *,
        providers: Sequence[Any] | str | None = None,
        n_threads: int | None = None,
        models: Iterable[Any] | None = None,
    ) -> None:
        del root
        if isinstance(allowed_modules, str):
            raise TypeError(f"allowed_modules must be several words, got {allowed_modules!r}; put it into a list")
        self._takes_all = allowed_modules is None
        self._allowed = tuple(_TASKS) if allowed_modules is None else tuple(allowed_modules)
        for module in self._allowed:
            _check.choice(module, "allowed_modules", tuple(_TASKS))
        self._providers, self._n_threads = providers, n_threads
        self._given = None if models is None else list(models)
        if self._given is None:
            pack(name)  # a ModelNotFoundError with the names that there are
        self._name = name
        self.models: dict[str, Any] = {}
        self._detectors: list[Detector] = []
        self.det_thresh, self.det_size = 0.5, (640, 640)

    def prepare(self, ctx_id: int = 0, det_thresh: float = 0.5, det_size: tuple[int, int] | None = None) -> None:
        """Load the models.

        ctx_id : below 0 the CPU, whatever the providers are; otherwise the providers, of which None is the CPU too.
        det_thresh : detections must have a greater score.
        det_size : (width, height) of the picture that the detector sees. None, as in insightface 1.0, is the detector's
            own, 640 x 640 of SCRFD, and for faces that fill the photo 128 x 128 beside it, unless its file fixes one; a
            size is that one alone. Those that see photos as they are, as YuNet does, go on to.
        """
        on_cpu = _check.integer(ctx_id, "ctx_id", minimum=-(1 << 31)) < 0
        providers = _CPU if on_cpu else self._providers
        det_size = _size(det_size)
        self.det_thresh = _check.number(det_thresh, "det_thresh")
        self.models, self._detectors = {}, []
        for model in self._of_pack(providers) if self._given is None else self._given:
            task = _task(model)
            is_wanted = task in self._allowed or task == _FIVE or (self._takes_all and task not in _TASKS)
            if is_wanted and task not in self.models:
                self.models[task] = model
        detector = self.models.get("detection")
        if detector is None:
            raise ValueError("one of the models must be a detector, and allowed_modules must have 'detection'")
        embedder = self.models.get("recognition")
        if embedder is not None and _FIVE not in embedder.schemes:
            self.models = {}
            raise ValueError(
                f"{embedder.name} aligns faces by landmarks of {' or '.join(embedder.schemes)}, and here they have the "
                f"five of {_FIVE} alone; pyface.FaceAnalyzer takes both"
            )
        self.det_size = det_size or getattr(detector, "input_size", None) or (640, 640)
        try:
            self._detectors = [self._at_size(detector, self.det_size)]
        except ValueError as error:
            raise ValueError(f"det_size: {error}") from None
        self.models["detection"] = self._detectors[0]
        if det_size is None and _can_be_told(detector):
            try:
                self._detectors.append(self._at_size(detector, _SMALL_LOOK))
            except ValueError as error:  # the file fixes its size
                log.info("no second look for faces that fill the photo: %s", error)

    def _of_pack(self, providers: Sequence[Any] | str | None) -> Iterator[Any]:
        """The models of the pack, and the landmark models that its archive brings, where it was pulled whole."""
        tasks = {"detector": "detection", "embedder": "recognition"}
        for spec in members_of(self._name):
            if tasks.get(spec.task, _FIVE) not in (*self._allowed, _FIVE):
                continue
            require_pulled(spec.name, by=self._name)
            yield load(spec.name, providers=providers, n_threads=self._n_threads)
        for spec in catalog():
            is_more = any(archive.name == self._name for archive in spec.archives) and spec.task == "landmarks"
            if is_more and _MODULES.get(spec.family) in self._allowed:
                if pulled.path_of(spec).is_file():
                    yield load(spec.name, providers=providers, n_threads=self._n_threads)
                else:
                    log.info("%s goes on without %s, which is not here", self._name, spec.name)

    def _at_size(self, detector: Detector, size: tuple[int, int]) -> Detector:
        """The detector, loaded again where it takes another size than it has."""
        origin = detector.origin
        if not _can_be_told(detector) or getattr(detector, "input_size", size) == tuple(size) or origin is None:
            return detector
        again: Detector = load(
            origin.name_or_path, origin.family, origin.providers, n_threads=origin.n_threads, input_size=size
        )
        return again

    def get(self, img: Any, max_num: int = 0, det_metric: str = "default") -> list[Face]:
        """The faces of a BGR image (h, w, 3), best score first.

        max_num : at most so many, if not 0: by area, less twice the square of the distance of the box's centre from
            the image's where ``det_metric`` is ``"default"``, by area alone where it is ``"max"``; the largest first.
        """
        if not self._detectors:
            raise RuntimeError("call prepare() before get()")
        image = _check.image(img, "img", color="bgr")
        found = merged([one.detect(image, threshold=self.det_thresh) for one in self._detectors])
        found = _chosen(found, image.shape, _check.integer(max_num, "max_num", minimum=0), det_metric)
        if _FIVE in self.models and len(found):
            found = Detections(found.boxes, found.scores, self.models[_FIVE].locate(image, found.boxes).points)
        faces = [
            Face(bbox=box.astype(np.float32), det_score=score, kps=None)
            for box, score in zip(found.boxes, found.scores, strict=True)
        ]
        if found.landmarks is not None:
            for face, points in zip(faces, found.landmarks, strict=True):
                face["kps"] = points.astype(np.float32)
        if faces:
            self._add(faces, image, found)
        return faces

    def _add(self, faces: list[Face], image: NDArray[Any], found: Detections) -> None:
        for name, model in self.models.items():
            if isinstance(model, Landmarker) and name != _FIVE:
                located = model.locate(image, found.boxes).points
                for face, points in zip(faces, located, strict=True):
                    key = name if name in _TASKS else f"landmark_{points.shape[1]}d_{len(points)}"
                    face[key] = points.astype(np.float32)
                if name == "landmark_3d_68":
                    for face, pose in zip(faces, each_pose(located, model.scheme), strict=True):
                        face["pose"] = None if pose is None else pose.to_insightface()
            elif isinstance(model, Embedder):
                if found.landmarks is None:
                    raise ValueError(f"{self._detectors[0].name} gives no points, by which faces are aligned")
                vectors = model.embed(model.crop(image, found.landmarks))
                for face, vector in zip(faces, vectors, strict=True):
                    face["embedding"] = vector

    def __repr__(self) -> str:
        return f"<FaceAnalysis {repr(self._name) if self._given is None else 'of models'} {sorted(self.models)}>"


def _task(model: Any) -> str:
    """insightface's word for what a model does. TypeError for anything else."""
    if isinstance(model, Detector):
        return "detection"
    if isinstance(model, Embedder):
        return "recognition"
    if isinstance(model, Landmarker):
        return _LANDMARKS.get(model.scheme, model.scheme)
    raise TypeError(f"models must hold loaded models, got {type(model).__name__}")


def _size(size: Any) -> tuple[int, int] | None:
    """``det_size`` as two numbers, or None."""
    if size is None:
        return None
    if not isinstance(size, Sequence) or isinstance(size, str) or len(size) != 2:
        raise ValueError(f"det_size must be (width, height) or None, got {size!r}")
    width, height = (_check.integer(side, "det_size", minimum=1, maximum=1 << 14) for side in size)
    return width, height


def _can_be_told(detector: Detector) -> bool:
    return detector.input_side is not None and detector.origin is not None


def _chosen(found: Detections, shape: tuple[int, ...], max_num: int, metric: str) -> Detections:
    _check.choice(metric, "det_metric", ("default", "max"))
    if not max_num or len(found) <= max_num:
        return found
    value = np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1)
    if metric == "default":
        middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        value = value - 2 * ((middle - (shape[1] // 2, shape[0] // 2)) ** 2).sum(axis=1)
    best = np.argsort(-value, kind="stable")[:max_num]
    return Detections(found.boxes[best], found.scores[best], None if found.landmarks is None else found.landmarks[best])
