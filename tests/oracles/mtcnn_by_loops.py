"""MTCNN, network by network and face by face: Zhang and others 2016, with what the programs that run its weights do."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from oracles.detect import nms, nms_of_smaller
from oracles.onet_by_loops import _pooled, _prelu

Arrays = list[NDArray[np.float32]]


class Found(NamedTuple):
    box: NDArray[np.float64]
    score: float
    points: NDArray[np.float64]


def pnet(arrays: Arrays, picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(rows, cols, 5): the probability of a face in each cell, and x1 y1 x2 y2 in parts of the cell."""
    value = _convolutions(arrays, picture, [(2, 2, "same"), None, None])
    box, classes = (value @ kernel[0, 0] + bias for kernel, bias in _pairs(arrays[9:]))
    return np.concatenate([_face(classes)[..., None], box], axis=-1)


def rnet(arrays: Arrays, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(5,): the same of a crop of 24 x 24."""
    value = _convolutions(arrays, crop, [(3, 2, "same"), (3, 2, "valid"), None])
    value = _full(value, arrays[9:12])
    box, classes = (value @ kernel + bias for kernel, bias in _pairs(arrays[12:]))
    return np.append(_face(classes), box)


def onet(arrays: Arrays, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(15,): the same of a crop of 48 x 48, then x of five points and y of five points in parts of it."""
    value = _full(_convolutions(arrays, crop, [(3, 2, "same"), (3, 2, "valid"), (2, 2, "same"), None]), arrays[12:15])
    box, points, classes = (value @ kernel + bias for kernel, bias in _pairs(arrays[15:]))
    return np.concatenate([[_face(classes)], box, points])


def detect(
    networks: tuple[Arrays, Arrays, Arrays],
    photo: NDArray[np.uint8],
    *,
    min_face: float = 20.0,
    factor: float = 0.709,
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
) -> list[Found]:
    """The faces of a photo (h, w, 3), best first."""
    import cv2

    height, width = photo.shape[:2]
    candidates: list[tuple[list[float], float]] = []
    scale = 12 / min_face
    while min(height, width) * scale >= 12:
        size = (math.ceil(width * scale), math.ceil(height * scale))
        of_level = _cells(pnet(networks[0], cv2.resize(photo, size)), scale, thresholds[0])
        candidates += [of_level[i] for i in _suppressed(nms, of_level, 0.5)]
        scale *= factor
    kept = [candidates[i] for i in _suppressed(nms, candidates, 0.7)]
    squares = _upright([_square(_moved(box, shift)) for box, _, shift in kept])

    looks = [rnet(networks[1], _cut(photo, square, 24)) for square in squares]
    passed = [(s, look[0], look[1:5]) for s, look in zip(squares, looks, strict=True) if look[0] > thresholds[1]]
    kept = [passed[i] for i in _suppressed(nms, passed, 0.7)]
    squares = _upright([_square(_moved(box, shift)) for box, _, shift in kept])

    faces = []
    for square in squares:
        look = onet(networks[2], _cut(photo, square, 48))
        if look[0] > thresholds[2]:
            side = np.array([square[2] - square[0] + 1, square[3] - square[1] + 1])
            points = np.array([[look[5 + k], look[10 + k]] for k in range(5)]) * side + square[:2] - 0.5
            faces += [(box, look[0], points) for box in _upright([_moved(square, look[1:5])])]
    return [Found(np.array(faces[i][0]), faces[i][1], faces[i][2]) for i in _suppressed(nms_of_smaller, faces, 0.7)]


def _cells(found, scale, threshold):
    """Boxes of whole pixels, scores and shifts, row by row."""
    cells = []
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            if found[y, x, 0] > threshold:
                box = [np.rint((2 * v + 1 + more) / scale) for more in (0, 12) for v in (x, y)]
                cells.append((box, found[y, x, 0], found[y, x, 1:]))
    return cells


def _suppressed(rule, candidates, threshold):
    boxes = [(x1, y1, x2 + 1, y2 + 1) for (x1, y1, x2, y2), *_ in candidates]
    return rule(boxes, [score for _, score, *_ in candidates], threshold)


def _moved(box, shift):
    x1, y1, x2, y2 = box
    w, h = x2 - x1 + 1, y2 - y1 + 1
    return [x1 + w * shift[0], y1 + h * shift[1], x2 + w * shift[2], y2 + h * shift[3]]


def _upright(boxes):
    """Without those that a network has turned inside out."""
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in boxes if x1 <= x2 and y1 <= y2]


def _square(box):
    x1, y1, x2, y2 = box
    w, h = x2 - x1 + 1, y2 - y1 + 1
    side = max(w, h)
    left, top = x1 + w / 2 - side / 2, y1 + h / 2 - side / 2
    return [np.rint(v) for v in (left, top, left + side - 1, top + side - 1)]


def _cut(photo, square, size):
    """By area: each row and column of the crop is a mean of those it covers, parts counted as such; black outside."""
    x1, y1, x2, y2 = (int(v) for v in square)
    patch = np.zeros((y2 - y1 + 1, x2 - x1 + 1, 3))
    for y in range(max(y1, 0), min(y2 + 1, photo.shape[0])):
        for x in range(max(x1, 0), min(x2 + 1, photo.shape[1])):
            patch[y - y1, x - x1] = photo[y, x]
    by_rows = np.tensordot(_shares(len(patch), size), patch, 1)
    sums = np.tensordot(_shares(patch.shape[1], size), by_rows.swapaxes(0, 1), 1).swapaxes(0, 1)
    return np.rint(sums / (patch.shape[0] * patch.shape[1])).astype(np.uint8)


def _shares(length, size):
    """(size, length): of each pixel, how many of its ``size`` parts each of ``size`` crop pixels covers."""
    shares = np.zeros((size, length))
    for i in range(size * length):
        shares[i // length, i // size] += 1
    return shares


def _pairs(arrays):
    return [(arrays[i].astype(np.float64), arrays[i + 1].astype(np.float64)) for i in range(0, len(arrays), 2)]


def _face(classes):
    no_face, face = np.exp(classes[..., 0]), np.exp(classes[..., 1])
    return face / (no_face + face)


def _full(value, arrays):
    """Columns first, then rows, then channels."""
    kernel, bias, slope = (array.astype(np.float64) for array in arrays)
    return _prelu(value.transpose(1, 0, 2).ravel() @ kernel + bias, slope)


def _convolutions(arrays, picture, pools):
    value = (picture.astype(np.float64) - 127.5) / 128
    for i, pool in enumerate(pools):
        kernel, bias, slope = (array.astype(np.float64) for array in arrays[3 * i : 3 * i + 3])
        rows, columns = value.shape[0] - len(kernel) + 1, value.shape[1] - len(kernel) + 1
        sums = np.zeros((rows, columns, kernel.shape[3]))
        for y in range(len(kernel)):
            for x in range(len(kernel)):
                sums += value[y : y + rows, x : x + columns] @ kernel[y, x]
        value = _prelu(sums + bias, slope)
        if pool is not None:
            value = _pooled(value, *pool)
    return value
