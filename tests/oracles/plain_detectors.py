"""Slow, obvious twins of the detectors that run from ONNX files: from a photo to boxes, in NumPy alone.

A twin takes ``run``, which gives all outputs of the file for one input (1, 3, h, w) float32, and a photo (h, w, 3)
uint8 RGB. It gives (boxes (n, 4), scores (n,), points (n, 5, 2) or None), best first.
"""

from __future__ import annotations

import math

import numpy as np


def resized(image, width, height):
    """Bilinear, pixel centres at halves, rounded to bytes."""
    rows, cols = image.shape[:2]
    if (height, width) == (rows, cols):
        return image

    def places(n, m):
        at = np.clip((np.arange(n) + 0.5) * m / n - 0.5, 0, m - 1)
        low = np.minimum(np.floor(at).astype(int), max(m - 2, 0))
        return low, np.minimum(low + 1, m - 1), at - low

    top, bottom, fy = places(height, rows)
    left, right, fx = places(width, cols)
    fy, fx, image = fy[:, None, None], fx[None, :, None], image.astype(np.float64)
    upper = image[top][:, left] * (1 - fx) + image[top][:, right] * fx
    lower = image[bottom][:, left] * (1 - fx) + image[bottom][:, right] * fx
    return np.rint(upper * (1 - fy) + lower * fy).astype(np.uint8)


def letterbox(image, width, height):
    """(canvas, x scale, y scale): as large as fits, cut to whole pixels, black on the right or below."""
    rows, cols = image.shape[:2]
    if rows / cols > height / width:
        new_rows, new_cols = height, max(1, int(height / (rows / cols)))
    else:
        new_rows, new_cols = max(1, int(width * (rows / cols))), width
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[:new_rows, :new_cols] = resized(image, new_cols, new_rows)
    return canvas, new_cols / cols, new_rows / rows


def nms(boxes, scores, iou):
    """Places of those that stay, best first, the earlier one of equals."""
    x1, y1, x2, y2 = np.asarray(boxes, float).reshape(-1, 4).T
    left = sorted(range(len(x1)), key=lambda i: (-scores[i], i))
    left, kept = np.array(left, int), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        w = np.maximum(0, np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left]))
        h = np.maximum(0, np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left]))
        union = (x2[best] - x1[best]) * (y2[best] - y1[best]) + (x2[left] - x1[left]) * (y2[left] - y1[left]) - w * h
        left = left[w * h <= iou * union]
    return kept


def chosen(found, x_scale, y_scale, iou, edge=0):
    """Those that stay of (score, box, points) in the canvas, in the photo; ``edge`` is added to lengths."""
    scale = np.array([x_scale, y_scale])
    found = [one for one in found if one[1][0] <= one[1][2] and one[1][1] <= one[1][3]]
    boxes = [np.reshape(box, (2, 2)) / scale for _, box, _ in found]
    kept = nms([[b[0, 0], b[0, 1], b[1, 0] + edge, b[1, 1] + edge] for b in boxes], [s for s, _, _ in found], iou)
    has_points = bool(found) and found[0][2] is not None
    return (
        np.array([boxes[i].ravel() for i in kept]).reshape(-1, 4),
        np.array([found[i][0] for i in kept]),
        np.array([np.reshape(found[i][2], (5, 2)) / scale for i in kept]).reshape(-1, 5, 2) if has_points else None,
    )


def planes(canvas, mean, divisor, bgr=False):
    values = canvas[:, :, ::-1] if bgr else canvas
    values = (values.astype(np.float64) - mean) / divisor
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None].astype(np.float32))


def scrfd(run, image, least, size=(640, 640)):
    canvas, x_scale, y_scale = letterbox(image, *size)
    outputs = [o[0] if o.ndim == 3 else o for o in run(planes(canvas, 127.5, 128))]
    n = len(outputs) // (3 if len(outputs) in (9, 15) else 2)
    found = []
    for level in range(n):
        stride = 8 << level
        scores, boxes = outputs[level][:, 0], outputs[n + level]
        points = outputs[2 * n + level] if len(outputs) == 3 * n else None
        across = -(-size[0] // stride)
        anchors = len(scores) // (across * -(-size[1] // stride))
        for i in np.flatnonzero(scores > least):
            x, y = i // anchors % across * stride, i // anchors // across * stride
            left, top, right, bottom = (float(v) * stride for v in boxes[i])
            where = None
            if points is not None:
                where = [
                    (x + float(points[i, 2 * k]) * stride, y + float(points[i, 2 * k + 1]) * stride) for k in range(5)
                ]
            found.append((float(scores[i]), (x - left, y - top, x + right, y + bottom), where))
    return chosen(found, x_scale, y_scale, 0.4, 1)


def retinaface(run, image, least, size=(640, 640), point_scale=1.0):
    """Outputs in the order of the makers: level 32, 16, 8, of each probabilities, boxes, points."""
    canvas, x_scale, y_scale = letterbox(image, *size)
    outputs = [o[0] for o in run(planes(canvas, 0, 1))]
    found, step = [], len(outputs) // 3
    for level, (stride, scales) in enumerate(((8, (2, 1)), (16, (8, 4)), (32, (32, 16)))):
        chances, boxes, points = outputs[(2 - level) * step : (2 - level) * step + 3]
        for y, x, a in np.ndindex(*chances.shape[1:], 2):
            score = float(chances[2 + a, y, x])
            if not score > least:
                continue
            # An anchor of 16 pixels, 0 to 15, made larger around its middle; its corners are whole pixels.
            side = 16 * scales[a]
            x1, y1 = 7.5 - (side - 1) / 2 + x * stride, 7.5 - (side - 1) / 2 + y * stride
            x2, y2 = x1 + side - 1, y1 + side - 1
            w, h = x2 - x1 + 1, y2 - y1 + 1
            cx, cy = x1 + (w - 1) / 2, y1 + (h - 1) / 2
            dx, dy, dw, dh = (float(v) for v in boxes[4 * a : 4 * a + 4, y, x])
            nx, ny, nw, nh = dx * w + cx, dy * h + cy, math.exp(dw) * w, math.exp(dh) * h
            box = (nx - (nw - 1) / 2, ny - (nh - 1) / 2, nx + (nw - 1) / 2, ny + (nh - 1) / 2)
            own = points[10 * a : 10 * a + 10, y, x].reshape(5, 2).astype(float) * point_scale
            found.append((score, box, [(px * w + cx, py * h + cy) for px, py in own]))
    return chosen(found, x_scale, y_scale, 0.4, 1)


def prior_boxes(width, height, strides, sides):
    """(n, 4) centre and size as fractions of the picture."""
    found = []
    for stride, own in zip(strides, sides, strict=True):
        for y in range(math.ceil(height / stride)):
            for x in range(math.ceil(width / stride)):
                found += [((x + 0.5) * stride / width, (y + 0.5) * stride / height, s / width, s / height) for s in own]
    return np.array(found)


def unfolded(shift, prior):
    """Corners of a box by its distances from a prior."""
    cx, cy = prior[0] + shift[0] * 0.1 * prior[2], prior[1] + shift[1] * 0.1 * prior[3]
    w, h = prior[2] * math.exp(shift[2] * 0.2), prior[3] * math.exp(shift[3] * 0.2)
    return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2


def pytorch_retinaface(run, image, least, size=(640, 640)):
    canvas, x_scale, y_scale = letterbox(image, *size)
    outputs = [o[0] for o in run(planes(canvas, (104, 117, 123), 1, bgr=True))]
    boxes, chances, points = (next(o for o in outputs if o.shape[1] == width) for width in (4, 2, 10))
    priors = prior_boxes(*size, (8, 16, 32), ((16, 32), (64, 128), (256, 512)))
    found, wide = [], np.array([*size, *size])
    for i in np.flatnonzero(chances[:, 1] > least):
        box = np.array(unfolded(boxes[i].astype(float), priors[i])) * wide
        where = priors[i, :2] + points[i].reshape(5, 2).astype(float) * 0.1 * priors[i, 2:]
        found.append((float(chances[i, 1]), box, where * size))
    return chosen(found, x_scale, y_scale, 0.4, 1)


def ultraface_priors(width, height):
    sides = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
    return np.clip(prior_boxes(width, height, (8, 16, 32, 64), sides), 0, 1)


def ultraface(run, image, least, size=(320, 240), decoded=True):
    rows, cols = image.shape[:2]
    scores, boxes = (o[0] for o in run(planes(resized(image, *size), 127, 128)))
    priors, found = ultraface_priors(*size), []
    for i in np.flatnonzero(scores[:, 1] > least):
        box = boxes[i].astype(float) if decoded else unfolded(boxes[i].astype(float), priors[i])
        found.append((float(scores[i, 1]), np.array(box) * (cols, rows, cols, rows), None))
    return chosen(found, 1, 1, 0.3)


def centerface(run, image, least):
    rows, cols = image.shape[:2]
    canvas = np.zeros((-(-rows // 32) * 32, -(-cols // 32) * 32, 3), np.uint8)
    canvas[:rows, :cols] = image
    heat, sizes, shifts, points = (o[0] for o in run(planes(canvas, 0, 1)))
    found = []
    for y, x in np.argwhere(heat[0] > least):
        h, w = (4 * math.exp(v) for v in sizes[:, y, x])
        left, top = 4 * (x + shifts[1, y, x] + 0.5) - w / 2, 4 * (y + shifts[0, y, x] + 0.5) - h / 2
        where = [(left + points[2 * k + 1, y, x] * w, top + points[2 * k, y, x] * h) for k in range(5)]
        found.append((float(heat[0, y, x]), (left, top, left + w, top + h), where))
    return chosen(found, 1, 1, 0.3, 1)


def yunet(run, image, least):
    """Outputs in the order of the makers: cls, obj, bbox, kps, of each strides 8, 16, 32."""
    rows, cols = image.shape[:2]
    canvas = np.zeros((-(-rows // 32) * 32, -(-cols // 32) * 32, 3), np.uint8)
    canvas[:rows, :cols] = image
    outputs, found = [o[0] for o in run(planes(canvas, 0, 1, bgr=True))], []
    for level, stride in enumerate((8, 16, 32)):
        cls, obj, boxes, points = outputs[level::3]
        across = canvas.shape[1] // stride
        scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        for i in np.flatnonzero(scores > least):
            x, y = i % across, i // across
            b, k = boxes[i].astype(float), points[i].reshape(5, 2).astype(float)
            w, h = math.exp(b[2]) * stride, math.exp(b[3]) * stride
            left, top = (x + b[0]) * stride - w / 2 - 0.5, (y + b[1]) * stride - h / 2 - 0.5
            where = (k + np.array([x, y])) * stride - 0.5
            found.append((float(scores[i]), (left, top, left + w, top + h), where))
    return chosen(found, 1, 1, 0.3)
