"""Head poses from landmarks: which way a face looks, and where its parts are seen."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _threads
from pyface._typing import Points
from pyface.geometry.conversions import COUNTS, convert_landmarks
from pyface.geometry.schemes import solid_shape
from pyface.geometry.similarity import FARTHEST, face_prefix
from pyface.kernels.poses import fit_poses

__all__ = ["FieldOfView", "HeadPose", "each_pose", "head_pose"]

Floats = NDArray[np.float64]

# Points of the outline, the first of their scheme, and the schemes where it follows what is seen of a head; that of
# meshes stays on its surface.
_CONTOURS = {"dlib-68": 17, "insightface-106": 33}
_FOLLOWING = ("dlib-68", "insightface-106")
# Heads differ most in outline, and mouths move. Fitted on photos: docs/how-it-works/head-pose.md.
_CONTOUR_WEIGHT, _MOUTH_WEIGHT = 0.2, 0.3
_SIDES = ("height", "width", "diagonal")
# Faces that are worth a second thread.
_MANY = 1024


@dataclass(frozen=True, slots=True, eq=False)
class HeadPose:
    """The pose of one head, or of each of f heads; then every field has a leading axis f.

    pitch, yaw, roll : degrees, float or (f,), in [-180, 180], yaw in [-90, 90]. Positive, as seen in the image: the
        nose is up, the nose is to the image's right, the head is turned clockwise. Roll is the angle of the line
        between the eyes as it is seen (:func:`roll_angle`), so that turning a photo changes roll alone. The zero of
        pitch is that of :func:`solid_shape`; published ones differ by up to 5 degrees.
    rotation : (3, 3) or (f, 3, 3), from the head to the camera, both x right, y down, z away from the camera:
        Rz(roll) @ Ry(-yaw) @ Rx(-pitch), the identity for a face that looks ahead.
    translation : (2,) or (f, 2), where the point between the eyes is seen, in pixels; of a camera with a focal length
        (3,) or (f, 3), where it is from the camera, in distances between the eyes.
    scale : pixels per distance between the eyes, there; float or (f,).
    residual : root mean square distance, weighted, between landmarks and the head as it is seen, in pixels.
    expected_error : (3,) or (f, 3), standard deviations of pitch, yaw and roll in degrees, as far as noise of the
        landmarks goes; see :func:`head_pose`.
    camera : focal length and principal point (x, y) in pixels; None for scaled orthography.
    """

    pitch: Any
    yaw: Any
    roll: Any
    rotation: Floats
    translation: Floats
    scale: Any
    residual: Any
    expected_error: Floats
    camera: tuple[float, float, float] | None = None

    @property
    def is_batch(self) -> bool:
        """Whether this is of several heads (perhaps none), not of one."""
        return self.rotation.ndim == 3

    def __len__(self) -> int:
        if not self.is_batch:
            raise TypeError("a HeadPose of one head has no length")
        return len(self.rotation)

    def __bool__(self) -> bool:
        """True of one head, so that ``if face.pose:`` asks whether there is one; of a batch, whether it has a head."""
        return not self.is_batch or len(self) > 0

    def __getitem__(self, index: int) -> HeadPose:
        """The pose of one head of a batch, negative indices from its end. IndexError beyond the last."""
        if not self.is_batch:
            raise TypeError("this HeadPose is of one head")
        try:
            index = operator.index(index)
        except TypeError:
            name = type(index).__name__
            raise TypeError(f"a HeadPose is indexed by one whole number, got {name}: take its fields") from None
        if not -len(self) <= index < len(self):
            raise IndexError(f"this HeadPose is of {len(self)} heads, got index {index}")
        return HeadPose(
            float(self.pitch[index]), float(self.yaw[index]), float(self.roll[index]), self.rotation[index],
            self.translation[index], float(self.scale[index]), float(self.residual[index]),
            self.expected_error[index], self.camera,
        )  # fmt: skip

    @property
    def turn(self) -> Any:
        """Degrees between the way the face looks and the way back to the camera, float or (f,), from 0 to 180."""
        angle = np.degrees(np.arccos(np.clip(self.rotation[..., 2, 2], -1, 1)))
        return angle if self.is_batch else float(angle)

    def project(self, points: Any) -> Points:
        """(m, 2) or (f, m, 2) pixels: where points (m, 3) of the head are seen.

        points : x right, y down, z away from the camera of a head that looks ahead, in distances between the eyes,
            from the point between them: those of :func:`solid_shape`.
        """
        array = _check.numbers(points, "points", "(m, 3)")
        if array.ndim != 2 or array.shape[1] != 3:
            raise ValueError(f"points must have shape (m, 3), got {array.shape}")
        turned = array @ self.rotation.swapaxes(-1, -2)
        if self.camera is None:
            scale = np.asarray(self.scale)[..., None, None]
            return np.asarray(scale * turned[..., :2] + self.translation[..., None, :])
        focal, *middle = self.camera
        seen = turned + self.translation[..., None, :]
        return np.asarray(focal * seen[..., :2] / seen[..., 2:] + middle)

    def to_insightface(self) -> Floats:
        """(3,) or (f, 3): pitch, yaw, roll in degrees, as ``Face.pose`` of insightface has them.

        Same signs and order of rotations as here. insightface takes them from other points and another mean shape, and
        from a matrix that is no rotation where the fit shears, so that its values differ by a few degrees.
        """
        return np.stack([self.pitch, self.yaw, self.roll], axis=-1)

    def to_300wlp(self) -> Floats:
        """(3,) or (f, 3): pitch, yaw, roll in radians, as ``Pose_Para`` of 300W-LP and AFLW2000 begins.

        Positive: nose up, nose to the image's *left*, head clockwise. Axes x right, y up, z to the viewer, and
        R = (Rz(roll) Ry(yaw) Rx(pitch))^T, in the order of 3DDFA.
        """
        flip = np.array([1.0, -1, -1])
        turned = (flip[:, None] * self.rotation * flip).swapaxes(-1, -2)
        pitch = np.arctan2(turned[..., 2, 1], turned[..., 2, 2])
        yaw = np.arctan2(-turned[..., 2, 0], np.hypot(turned[..., 2, 1], turned[..., 2, 2]))
        roll = np.arctan2(turned[..., 1, 0], turned[..., 0, 0])
        return np.stack([pitch, yaw, roll], axis=-1)

    def to_opencv(
        self, focal_length: float | None = None, center: Any = None, *, y_up: bool = False
    ) -> tuple[Floats, Floats]:
        """``rvec`` and ``tvec``, (3,) or (f, 3) each, of ``cv2.solvePnP`` and ``cv2.projectPoints``.

        focal_length, center : pixels, for a pose without perspective, which is then brought to the distance at which
            the eyes are seen as far apart. Of one with a camera they are that camera's.
        y_up : for object points with y up and z to the viewer, as most tutorials have them; else they are those of
            :func:`solid_shape`. Object points are in distances between the eyes.
        """
        if self.camera is None:
            if focal_length is None or center is None:
                raise ValueError("a pose without a camera needs focal_length and center (x, y), in pixels")
            focal = _check.number(focal_length, "focal_length", above=0)
            middle = _check.numbers(center, "center", "(2,)")
            if middle.shape != (2,):
                raise ValueError(f"center must have shape (2,), got {middle.shape}")
            if not np.isfinite(middle).all():
                raise ValueError(f"center must be finite, got {middle.tolist()}")
            away = focal / np.asarray(self.scale)[..., None]
            shift = np.concatenate([(self.translation - middle) * away / focal, away], axis=-1)
        elif focal_length is not None or center is not None:
            raise ValueError("focal_length and center are those of the pose's own camera")
        else:
            shift = self.translation.copy()
        rotation = self.rotation * np.array([1.0, -1, -1]) if y_up else self.rotation
        return _rotation_vectors(rotation), shift


@dataclass(frozen=True, slots=True)
class FieldOfView:
    """A camera by the angle that an image shows.

    degrees : above 0, below 180.      side : the side of the image that it spans, "height", "width" or "diagonal".
    """

    degrees: float
    side: str = "height"

    def __post_init__(self) -> None:
        if not 0 < _check.number(self.degrees, "degrees") < 180:
            raise ValueError(f"degrees must be above 0 and below 180, got {self.degrees!r}")
        _check.choice(self.side, "side", _SIDES)

    def focal_length(self, height: float, width: float) -> float:
        """Pixels, of an image of this size."""
        height, width = _check.number(height, "height", above=0), _check.number(width, "width", above=0)
        length = {"height": height, "width": width, "diagonal": float(np.hypot(height, width))}[self.side]
        return float(length / 2 / np.tan(np.radians(self.degrees) / 2))


def head_pose(
    landmarks: Any,
    scheme: str,
    *,
    image_size: Any = None,
    camera: Any = "orthographic",
    weights: Any = None,
) -> HeadPose:
    """Which way heads look, from their landmarks.

    landmarks : (k, 2) for one face, or (f, k, 2) for f, x y in pixels; a third column, a depth, is not used.
    scheme : their order: ``"dlib-68"``, ``"insightface-106"``, ``"mediapipe-468"``, ``"insightface-68-3d"``,
        ``"arcface-5"`` or ``"dlib-5"``.
    camera : ``"orthographic"``, the default, takes the face to be far from the camera, which needs nothing known of
        it. A number is a focal length in pixels; :class:`FieldOfView` gives it by an angle. Both need ``image_size``,
        as the camera's axis is taken to meet the middle of the image. Without perspective a face at half a metre (8
        distances between the eyes) seems to look down 4.5 degrees further and, turned by 30, 2.5 further to the
        side; at a metre half as much.
    image_size : (height, width[, channels]), an image's ``shape``.
    weights : (k,) or (f, k), at least 0 and not all 0 of a face; taken as they are. None weighs points as heads are
        alike in them: the outline of the face, by which they differ most, 0.2, the corners of the mouth of
        ``"arcface-5"``, which move, 0.3, all others 1. The outlines of ``"dlib-68"`` and ``"insightface-106"`` follow
        what is seen of a turned head; they weigh 0.2 / (1 + (yaw / 15)^4), the yaw being that of the other points.

    The head is one for everybody, :func:`solid_shape`; five points are those of it, and 468 are brought to 68 first
    (:func:`convert_landmarks`). The least squares of rotation, scale and shift: the affine fit, from which the nearest
    rotation is taken (its polar factor), then Gauss-Newton to the minimum; with a focal length from there on by
    Levenberg and Marquardt.

    ``expected_error`` takes each landmark to err alike, by as much as the residual says; five points say little of it,
    so four more measurements are added that say 2 % of the distance between the eyes. At such noise it comes to
    0.4, 0.4 and 0.2 degrees of pitch, yaw and roll for 68 points, 2.2, 2.2 and 0.9 for the five of ArcFace, looking
    ahead. That heads differ and faces move is in none of it: on real faces pitch is good to about 4 degrees with 68
    points, with five to 6, and yaw to 2 to 3.
    ``"dlib-5"`` has no point that stands out (the corners of the eyes and the base of the nose lie nearly on a plane),
    and expects two to three times the error; such a plane is seen alike from two sides, and in doubt the pose that
    looks more towards the camera is taken, which is wrong of heads that look up by more than about 25 degrees.

    Gives a :class:`HeadPose`: numbers for one face, arrays with a leading axis for f (0 is fine). TypeError and
    ValueError name the argument and the face: points that are not finite, beyond 1e7 pixels or on one line, a count
    that is not the scheme's, an unknown scheme or camera, a focal length of 0. Time about 5 to
    8 microseconds a face, ten times that with a focal length, and 30 a call; 1,024 faces and more take all threads
    (PYFACE_NUM_THREADS).
    """
    points = _points_of(landmarks, scheme)
    head, usual, is_contour = _head(scheme)
    is_batch = points.ndim == 3
    faces = points if is_batch else points[None]
    shares = usual if weights is None else _weights_of(weights, scheme, len(faces))
    seen_by = _camera_of(camera, image_size)
    angles, rotation, translation, scale, residual, errors, wrong, is_heads = fit_poses(
        faces, head, is_contour=is_contour if weights is None else None, weights=shares, camera=seen_by,
        n_threads=_threads.resolve(None) if len(faces) >= _MANY else 1,
    )  # fmt: skip
    if wrong >= 0:
        where = face_prefix(wrong, is_batch)
        if is_heads:
            raise ValueError(
                f"weights: {where}the points that count lie on one line of the face, where no turn is seen"
            )
        raise ValueError(f"landmarks: {where}all points lie on one line, or on one point, which shows no pose")
    if seen_by is None:
        translation = np.ascontiguousarray(translation[:, :2])
    if not is_batch:
        (pitch, yaw, roll), (size,), (rest,) = angles[0].tolist(), scale.tolist(), residual.tolist()
        return HeadPose(pitch, yaw, roll, rotation[0], translation[0], size, rest, errors[0], seen_by)
    pitch, yaw, roll = angles.T.copy()
    return HeadPose(pitch, yaw, roll, rotation, translation, scale, residual, errors, seen_by)


def each_pose(landmarks: Points, scheme: str | None) -> list[HeadPose | None]:
    """The pose of each face (f, k, 2); None where its points show none, and for a scheme that is not known."""
    if scheme not in COUNTS:
        return [None] * len(landmarks)
    try:
        poses = head_pose(landmarks, scheme)
    except ValueError:
        return [None] if len(landmarks) == 1 else [each_pose(one[None], scheme)[0] for one in landmarks]
    return [poses[i] for i in range(len(poses))]


@cache
def _head(scheme: str) -> tuple[Floats, Floats, NDArray[np.bool_] | None]:
    """The head's points (k, 3), what they weigh unless told, and which are of an outline that follows what is seen."""
    if scheme in ("arcface-5", "dlib-5"):
        head = convert_landmarks(solid_shape("dlib-68"), "dlib-68", scheme)
        weights = np.ones(5)
        if scheme == "arcface-5":
            weights[3:] = _MOUTH_WEIGHT
        return head, weights, None
    own = scheme if scheme in _CONTOURS else "dlib-68"
    head = solid_shape(own)
    is_contour = np.arange(len(head)) < _CONTOURS[own]
    weights = np.where(is_contour, _CONTOUR_WEIGHT, 1.0)
    return head, weights, is_contour if scheme in _FOLLOWING else None


def _points_of(landmarks: Any, scheme: str) -> Points:
    """(k, 2) or (f, k, 2), those that the head has."""
    count = COUNTS[_check.choice(scheme, "scheme", tuple(COUNTS))]
    array = _check.numbers(landmarks, "landmarks", f"({count}, 2) or (f, {count}, 2)")
    if array.shape == (0,):
        array = np.empty((0, count, 2))
    if array.ndim not in (2, 3) or array.shape[-1] not in (2, 3) or array.shape[-2] != count:
        raise ValueError(
            f"landmarks of {scheme} must have shape ({count}, 2) or (f, {count}, 2), got {array.shape}"
            f"{_others(array, scheme)}"
        )
    if not np.abs(array[..., :2]).max(initial=0) <= FARTHEST:  # true of NaN, too
        is_near = (np.abs(array[..., :2]) <= FARTHEST).all(axis=-1)
        *face, point = np.argwhere(~is_near)[0].tolist()
        where = face_prefix(face[0], True) if face else ""
        raise ValueError(
            f"landmarks: {where}point {point} is not finite or beyond {FARTHEST:g} pixels: "
            f"{array[(*face, point)][:2].tolist()}"
        )
    points = array[..., :2]
    if len(_head(scheme)[0]) != count:
        points = convert_landmarks(points, scheme, "dlib-68")
    return np.ascontiguousarray(points)


def _others(array: NDArray[Any], scheme: str) -> str:
    """For messages: the schemes that have as many points."""
    count = array.shape[-2] if array.ndim in (2, 3) else None
    others = [name for name, n in COUNTS.items() if n == count and name != scheme]
    return f"; schemes of {count} points: {', '.join(others)}" if others else ""


def _weights_of(weights: Any, scheme: str, n_faces: int) -> Floats:
    """(k,) or (f, k) from 0 to 1, as the head has its points."""
    count = COUNTS[scheme]
    w = _check.numbers(weights, "weights", f"({count},) or (f, {count})")
    if w.shape not in ((count,), (n_faces, count)):
        raise ValueError(f"weights must have shape ({count},) or ({n_faces}, {count}), got {w.shape}")
    wrong = np.flatnonzero(~(np.isfinite(w) & (w >= 0)).all(axis=-1) | ~(w > 0).any(axis=-1))
    if wrong.size:
        raise ValueError(f"weights: {face_prefix(wrong[0], w.ndim == 2)}must be finite, at least 0 and not all 0")
    if len(_head(scheme)[0]) != count:
        w = convert_landmarks(np.stack([w, w], axis=-1), scheme, "dlib-68")[..., 0]
    largest = w.max(axis=-1, keepdims=True)
    if not largest.all():
        raise ValueError("weights: all points of 468 that stand for one of 68 weigh 0")
    return np.ascontiguousarray(w / largest)


def _camera_of(camera: Any, image_size: Any) -> tuple[float, float, float] | None:
    if isinstance(camera, str) and camera == "orthographic":
        return None
    if not isinstance(camera, FieldOfView) and (
        isinstance(camera, bool) or not isinstance(camera, int | float | np.number)
    ):
        error = ValueError if isinstance(camera, str) else TypeError
        raise error(f"camera must be 'orthographic', a focal length in pixels or a FieldOfView, got {camera!r}")
    if image_size is None:
        raise ValueError("a camera with a focal length needs image_size, the image's shape (height, width)")
    size = _check.numbers(image_size, "image_size", "(height, width)")
    if size.ndim != 1 or len(size) not in (2, 3) or not (np.isfinite(size) & (size >= 1)).all():
        got = image_size if size.ndim == 1 and len(size) <= 4 else f"shape {size.shape}"
        raise ValueError(f"image_size must be (height, width) in pixels, an image's shape, got {got}")
    height, width = size[:2].tolist()
    if isinstance(camera, FieldOfView):
        focal = camera.focal_length(height, width)
    else:
        focal = _check.number(float(camera), "camera", above=0, maximum=1e9)
    return focal, (width - 1) / 2, (height - 1) / 2


def _rotation_vectors(rotation: Floats) -> Floats:
    """(3,) or (f, 3): axis times angle in radians, in [0, pi]."""
    from scipy.spatial.transform import Rotation  # too heavy to come with the package

    return np.asarray(Rotation.from_matrix(rotation).as_rotvec()) if rotation.size else np.empty((0, 3))
