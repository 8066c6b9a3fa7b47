"""Slow, obvious twins of the kernels in csrc/detect, written from their definitions."""

from __future__ import annotations

import math

import numpy as np

MASK = 2**64 - 1


def lround(v):
    return math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1)


def _greedy(n, scores, overlaps):
    kept = []
    for i in sorted(range(n), key=lambda i: (-scores[i], i)):
        if not any(overlaps(i, j) for j in kept):
            kept.append(i)
    return kept


def nms(boxes, scores, threshold):
    def overlaps(i, j):
        a, b = boxes[i], boxes[j]
        w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
        h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
        union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h
        return union > 0 and w * h / union > threshold

    return _greedy(len(boxes), scores, overlaps)


def nms_of_smaller(boxes, scores, threshold):
    def overlaps(i, j):
        a, b = boxes[i], boxes[j]
        w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
        h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
        smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
        return smaller > 0 and w * h / smaller > threshold

    return _greedy(len(boxes), scores, overlaps)


def area_crop(image, box, rows, cols):
    """Each pixel cut into rows x cols equal parts, and each crop pixel the mean of as many parts as it covers."""
    x1, y1, x2, y2 = (int(v) for v in box)
    height, width = y2 - y1 + 1, x2 - x1 + 1
    channels = image.reshape(*image.shape[:2], -1)
    crop = np.zeros((rows, cols, channels.shape[2]))
    for v in range(rows * height):
        for u in range(cols * width):
            y, x = y1 + v // rows, x1 + u // cols
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                crop[v // height, u // width] += channels[y, x]
    return np.rint(crop / (width * height)).reshape(rows, cols, *image.shape[2:])


def mmod_nms(boxes, scores, threshold):
    def overlaps(i, j):
        a, b = boxes[i], boxes[j]
        w = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
        h = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
        enclosing = (max(a[2], b[2]) - min(a[0], b[0]) + 1) * (max(a[3], b[3]) - min(a[1], b[1]) + 1)
        return w * h / enclosing > threshold

    return _greedy(len(boxes), scores, overlaps)


def layout(rows, cols):
    """Canvas size and levels; comparisons of unsigned 64-bit numbers, which wrap around."""
    sizes = []
    w, h = cols, rows
    while w * h > 0 and h >= 5:
        sizes.append((w, h))
        w, h = math.floor(w * (5.0 / 6)), math.floor(h * (5.0 / 6))
    total = (sum(h + 10 for _, h in sizes) - 20) & MASK
    height, previous = 0, 0
    for w, h in sizes:
        if w <= (cols - previous - 10) & MASK and (2 * (height - rows)) & MASK >= (total - rows) & MASK:
            break
        height, previous = height + h + 10, w
    height -= 10
    rects, y = [], 11
    while len(rects) < len(sizes) and y < height + 11:
        w, h = sizes[len(rects)]
        rects.append((11, y, 11 + w - 1, y + h - 1))
        y += h + 10
    y -= 10
    for w, h in sizes[len(rects) :]:
        left, top, right, bottom = 11 + cols - w, y - h, 11 + cols - 1, y - 1
        if top <= rects[0][3] and bottom >= rects[0][1]:
            break
        rects.append((left, top, right, bottom))
        y -= h + 10
    return (height + 22, cols + 22), rects


def resize(image, rows, cols):
    """Align-corners bilinear in float64; image (h, w, c)."""
    h, w = image.shape[:2]
    y = np.arange(rows) * (h - 1) / max(rows - 1, 1)
    x = np.arange(cols) * (w - 1) / max(cols - 1, 1)
    y0, x0 = np.floor(y).astype(int).clip(0, h - 1), np.floor(x).astype(int).clip(0, w - 1)
    y1, x1 = (y0 + 1).clip(0, h - 1), (x0 + 1).clip(0, w - 1)
    fy, fx = (y - y0)[:, None, None], (x - x0)[None, :, None]
    upper = image[y0][:, x0] * (1 - fx) + image[y0][:, x1] * fx
    lower = image[y1][:, x0] * (1 - fx) + image[y1][:, x1] * fx
    return upper * (1 - fy) + lower * fy


def canvas(image, mean):
    """(3, rows, cols): each level on its rectangle, zeros in between."""
    if image.ndim == 2:
        image = np.stack([image] * 3, axis=-1)
    (rows, cols), rects = layout(*image.shape[:2])
    out = np.zeros((rows, cols, 3))
    level = (image - np.float32(mean)) / 256.0
    for left, top, right, bottom in rects:
        level = resize(level, bottom - top + 1, right - left + 1)
        out[top : bottom + 1, left : right + 1] = level
    return out.transpose(2, 0, 1)


def decode(scores, rows, cols, threshold):
    _, rects = layout(rows, cols)
    boxes, found = [], []
    for (row, col), score in np.ndenumerate(scores):
        if not score > threshold:
            continue
        x, y = 8 * col + 14, 8 * row + 14
        gaps = [math.hypot(max(l - x, x - r, 0), max(t - y, y - b, 0)) for l, t, r, b in rects]  # noqa: E741
        level = gaps.index(min(gaps))
        left, top = rects[level][:2]
        box = [x - 39.5 - left, y - 39.5 - top, x + 39.5 - left, y + 39.5 - top]
        for _ in range(level):
            box = [v * 1.2 + 0.3 for v in box]
        boxes.append([lround(v) for v in box])
        found.append(score)
    return boxes, found


def upsample(image):
    """One doubling of (h, w, c) bytes, with the reference's mixed precision, one column after the other."""
    f = np.float32
    h, w, _ = image.shape
    rows, cols = 2 * h + 1, 2 * w + 2
    step_x, step_y = (w - 1) / (cols - 1), (h - 1) / (rows - 1)
    lanes, columns, c = [f(-4 * step_x + j * step_x) for j in range(4)], [], 0
    while c + 4 <= cols:
        lanes = [x + f(4 * step_x) for x in lanes]
        if int(lanes[3]) + 1 >= w:
            break
        columns += [(int(x), x - f(int(x))) for x in lanes]
        c += 4
    x = -step_x + c * step_x
    for _ in range(c, cols):
        x += step_x
        columns.append((math.floor(x), x - math.floor(x)))
    out, y = np.empty((rows, cols, image.shape[2]), np.uint8), -step_y
    for row in range(rows):
        y += step_y
        y0 = min(math.floor(y), h - 1)
        upper, lower = image[y0], image[min(y0 + 1, h - 1)]
        for col, (left, fx) in enumerate(columns):
            x0, real = min(left, w - 1), type(fx)
            x1, fy, one = min(x0 + 1, w - 1), real(y - y0), real(1)
            value = (one - fy) * (one - fx) * upper[x0].astype(real) + (one - fy) * fx * upper[x1].astype(real)
            value = value + fy * (one - fx) * lower[x0].astype(real) + fy * fx * lower[x1].astype(real)
            out[row, col] = value.clip(0, 255).astype(np.uint8)
    return out


def similarity(source, target):
    """a, b, tx, ty of the least-squares similarity (x, y) -> (a x - b y + tx, b x + a y + ty)."""
    k = len(source)
    fx, fy = sum(float(p[0]) for p in source) / k, sum(float(p[1]) for p in source) / k
    gx, gy = sum(float(p[0]) for p in target) / k, sum(float(p[1]) for p in target) / k
    spread = dot = cross = 0.0
    for p, q in zip(source, target, strict=True):
        px, py, qx, qy = float(p[0]) - fx, float(p[1]) - fy, float(q[0]) - gx, float(q[1]) - gy
        spread += px * px + py * py
        dot += px * qx + py * qy
        cross += px * qy - py * qx
    a, b = dot / spread, cross / spread
    return a, b, gx - (a * fx - b * fy), gy - (b * fx + a * fy)


def locate(arrays, image, box):
    """Landmarks (k, 2) of one box by the cascade of trees."""
    grey = image.astype(int) if image.ndim == 2 else image.astype(int).sum(axis=2) // 3
    left, top, right, bottom = (lround(v) for v in box)
    initial = arrays["initial_shape"]
    shape = initial.copy()
    for c in range(len(arrays["anchors"])):
        a, b = (np.float32(v) for v in similarity(initial, shape)[:2])
        d, anchor = arrays["deltas"][c], shape[arrays["anchors"][c]]
        u = (a * d[:, 0] - b * d[:, 1]) + anchor[:, 0]
        v = (b * d[:, 0] + a * d[:, 1]) + anchor[:, 1]
        x = np.floor(left + u.astype(np.float64) * (right - left) + 0.5)
        y = np.floor(top + v.astype(np.float64) * (bottom - top) + 0.5)
        inside = (x >= 0) & (y >= 0) & (x < grey.shape[1]) & (y < grey.shape[0])
        values = np.where(inside, grey[np.where(inside, y, 0).astype(int), np.where(inside, x, 0).astype(int)], 0)
        for features, thresholds, leaves in zip(
            arrays["features"][c], arrays["thresholds"][c], arrays["leaves"][c], strict=True
        ):
            node = 0
            while node < len(thresholds):
                first, second = features[node]
                goes_left = values[first] - values[second] > thresholds[node]
                node = 2 * node + (1 if goes_left else 2)
            shape = shape + leaves[node - len(thresholds)].reshape(-1, 2)
    points = shape.astype(np.float64) * [right - left, bottom - top] + [left, top]
    return np.floor(points + 0.5)


def halve(image):
    """5-tap binomial filter along both axes, every second pixel, truncated."""
    h, w = image.shape[:2]
    if h <= 8 or w <= 8:
        return np.empty((0, 0, *image.shape[2:]), np.uint8)
    rows, cols = (h - 3) // 2, (w - 3) // 2
    total = np.zeros((rows, cols, *image.shape[2:]), int)
    for dy, wy in enumerate((1, 4, 6, 4, 1)):
        for dx, wx in enumerate((1, 4, 6, 4, 1)):
            total += wy * wx * image[dy : dy + 2 * rows : 2, dx : dx + 2 * cols : 2].astype(int)
    return (total >> 8).astype(np.uint8)


def chip_place(landmarks, template, size, padding):
    source = [[(padding + v) / (2 * padding + 1) * size for v in p] for p in template]
    a, b, tx, ty = similarity(source, landmarks)
    x, y = a * (size / 2) - b * (size / 2) + tx, b * (size / 2) + a * (size / 2) + ty
    half = (size * math.hypot(a, b) - 1) / 2
    return (x - half, y - half, x + half, y + half), math.atan2(b, a)


def _down(r):
    return (r[0] / 2 - 1.25, r[1] / 2 - 0.75, r[2] / 2 - 1.25, r[3] / 2 - 0.75)


def _area(r):
    return (r[2] - r[0] + 1) * (r[3] - r[1] + 1)


def _turned(r, angle):
    """Corners tl, tr, bl, br of a rectangle turned about its centre."""
    cx, cy, c, s = (r[0] + r[2]) / 2, (r[1] + r[3]) / 2, math.cos(angle), math.sin(angle)
    corners = [(r[0], r[1]), (r[2], r[1]), (r[0], r[3]), (r[2], r[3])]
    return [(cx + ((x - cx) * c - (y - cy) * s), cy + ((x - cx) * s + (y - cy) * c)) for x, y in corners]


def chip(image, landmarks, template, size, padding):
    """(size, size, 3) bytes."""
    if image.ndim == 2:
        image = np.stack([image] * 3, axis=-1)
    r, angle = chip_place(landmarks, template, size, padding)
    grow, d = 2, _down(r)
    while _area(d) > size * size:
        d, grow = _down(d), 2 * grow + 2
    xs, ys = zip(*_turned(r, angle), strict=True)
    box = [max(min(xs) - grow, 0), max(min(ys) - grow, 0)]
    box += [min(max(xs) + grow, image.shape[1] - 1), min(max(ys) + grow, image.shape[0] - 1)]
    out = np.zeros((size, size, 3), np.uint8)
    if box[0] > box[2] or box[1] > box[3]:
        return out
    x0, y0, x1, y1 = (lround(v) for v in box)
    crop, r = image[y0 : y1 + 1, x0 : x1 + 1], (r[0] - x0, r[1] - y0, r[2] - x0, r[3] - y0)
    while _area(_down(r)) > size * size:
        crop, r = halve(crop), _down(r)
    tl, tr, bl, _ = _turned(r, angle)
    for v in range(size):
        for u in range(size):
            x, y = (tl[i] + (tr[i] - tl[i]) * u / (size - 1) + (bl[i] - tl[i]) * v / (size - 1) for i in (0, 1))
            i, j = math.floor(y), math.floor(x)
            if i < 0 or j < 0 or i + 1 >= crop.shape[0] or j + 1 >= crop.shape[1]:
                continue
            fx, fy, p = x - j, y - i, crop[i : i + 2, j : j + 2].astype(float)
            out[v, u] = (1 - fy) * ((1 - fx) * p[0, 0] + fx * p[0, 1]) + fy * ((1 - fx) * p[1, 0] + fx * p[1, 1])
    return out
