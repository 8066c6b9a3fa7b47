"""Slow, obvious twin of frontalization: place by place and pixel by pixel, in float64, from the definitions."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from oracles.piecewise import affine, owners, sample

from pyface.geometry import face_mesh, solid_shape, surface

NODES, STEP, TOP, MIDDLE = 64, 0.05, -1.15, 0.45


def smooth(low, high, x):
    t = min(max((x - low) / (high - low), 0), 1)
    return t * t * (3 - 2 * t)


@cache
def known():
    """Points (n, 3) that the height field goes through, and its weights (n + 3,)."""
    landmarks = solid_shape("dlib-68")
    landmarks[:17, 2] = surface._JAW + surface._JAW[-2::-1]
    others = [(0, y, z) for y, z in surface._MIDDLE] + [(s * x, y, z) for x, y, z in surface._PAIRS for s in (-1, 1)]
    points = np.vstack([landmarks, others])
    n = len(points)
    system, right = np.zeros((n + 3, n + 3)), np.append(points[:, 2], [0, 0, 0])
    for i, (x, y, _) in enumerate(points):
        system[i, :n] = [math.dist((x, y), other[:2]) ** 3 for other in points]
        system[i, n:] = system[n:, i] = [1, x, y]
    return points, np.linalg.solve(system, right)


@cache
def depth(x, y):
    points, weights = known()
    cubes = np.hypot(x - points[:, 0], y - points[:, 1]) ** 3
    return float(cubes @ weights[:-3] + weights[-3] + weights[-2] * x + weights[-1] * y)


def slopes(x, y, h=1e-5):
    return (depth(x + h, y) - depth(x - h, y)) / (2 * h), (depth(x, y + h) - depth(x, y - h)) / (2 * h)


def half_width(y):
    jaw = solid_shape("dlib-68")[8:17, :2]
    if y < -0.95 or y > jaw[0, 1]:
        return -1
    if y < 0:
        return jaw[-1, 0] * math.sqrt(1 - (y / 0.95) ** 2)
    return np.interp(y, jaw[::-1, 1], jaw[::-1, 0])


def feature(x, y):
    most = 0
    landmarks = solid_shape("dlib-68")
    for part in (landmarks[36:42], landmarks[42:48], landmarks[48:]):
        (left, top, _), (right, bottom, _) = part.min(axis=0), part.max(axis=0)
        across = (x - (left + right) / 2) / ((right - left) / 2 + 0.04)
        down = (y - (top + bottom) / 2) / ((bottom - top) / 2 + 0.07)
        most = max(most, 1 - smooth(0, 0.8, math.hypot(across, down) - 1))
    return most


def sources(landmarks, pose, head, is_seen):
    """(76, 2): where the mesh's points would be seen if the face were flat."""
    turn, away = abs(pose.yaw), 1 if pose.rotation[2, 0] >= 0 else -1
    near, far = 1 - smooth(15, 45, turn), 1 - smooth(5, 25, turn)
    out = []
    for i, (x, y, z) in enumerate(head):
        flat = pose.scale * pose.rotation[:2, :2] @ [x, y] + pose.translation
        if i < 68:
            share = near + (far - near) * smooth(-0.3, 0.3, x * away) if is_seen and i < 17 else 1
            flat = flat + share * (landmarks[i] - flat - pose.scale * pose.rotation[:2, 2] * z)
        out.append(flat)
    return np.array(out)


def place_of(i, j):
    return (j - (NODES - 1) / 2) * STEP, TOP + STEP * i


@cache
def grid():
    """Per place: x, y, depth, slopes, feature, whether it is on the face, and the triangle over it."""
    mesh = face_mesh("dlib-68", 32)
    in_places = (mesh.target / 10 - [1.55, 1.1]) / STEP + [(NODES - 1) / 2, -TOP / STEP]
    owner = owners(in_places, mesh.triangles, NODES, NODES)
    table = {}
    for i in range(NODES):
        for j in range(NODES):
            x, y = place_of(i, j)
            table[i, j] = (x, y, depth(x, y), *slopes(x, y), feature(x, y), abs(x) <= half_width(y) + 0.03)
    return table, owner, in_places, mesh.triangles


def shadows(table, towards):
    """A function of i, j: how far behind another part a place lies, along the ray to the camera, line by line."""
    main = 0 if abs(towards[0]) >= abs(towards[1]) else 1
    step = 1 if towards[main] > 0 else -1
    slope, rise = towards[1 - main] / abs(towards[main]), towards[2] / abs(towards[main]) * STEP

    @cache
    def least(line, at):
        """The least depth behind which a place of a line is hidden."""
        if not 0 <= line + step < NODES:
            return 1000
        where = min(max(at + slope, 0), NODES - 1)
        low = math.floor(where)
        values = []
        for k in (low, min(low + 1, NODES - 1)):
            _, _, z, _, _, _, is_on = table[(k, line + step) if main == 0 else (line + step, k)]
            values.append(min(z if is_on else 1000, least(line + step, k)))
        return min(1000, values[0] + (where - low) * (values[1] - values[0]) - rise)

    return lambda i, j: table[i, j][2] - (least(j, i) if main == 0 else least(i, j))


def visible(landmarks, pose, source):
    """(64, 64)."""
    table, owner, in_places, triangles = grid()
    view, away = pose.rotation[2], 1 if pose.rotation[2, 0] >= 0 else -1
    across = pose.rotation[:2, 0] / np.linalg.norm(pose.rotation[:2, 0])
    axes = np.array([across * away, [-across[1], across[0]]]) / pose.scale
    outline = (landmarks[range(16, 7, -1) if away > 0 else range(9)] - pose.translation) @ axes.T
    corners = [landmarks[pair[away > 0]] for pair in ((36, 45), (48, 54))]  # of the eye and of the mouth
    for i in range(5):
        outline[i, 0] = max(outline[i, 0], axes[0] @ (corners[i >= 2] - pose.translation) + 0.05)
    for i in range(1, 9):
        outline[i, 1] = max(outline[i, 1], outline[i - 1, 1] + 1e-6)
    maps = [affine(source, in_places, t) for t in triangles]
    weight = smooth(5, 15, abs(pose.yaw))
    behind = shadows(table, -view) if max(abs(view[:2])) > 1e-3 else lambda i, j: 0
    out = np.zeros((NODES, NODES))
    for (i, j), (x, _, z, dx, dy, _, is_on) in table.items():
        out[i, j] = min(max(view[2] - view[0] * dx - view[1] * dy, 0), 1)
        if not is_on:
            continue
        out[i, j] *= 1 - min(max(behind(i, j) / 0.05, 0), 1)
        if x * away > 0 and owner[i, j] >= 0:
            seen = maps[owner[i, j]] @ [j, i, 1] + pose.scale * pose.rotation[:2, 2] * z
            to_side, down = axes @ (seen - pose.translation)
            inside = np.interp(down, outline[:, 1], outline[:, 0]) - to_side
            out[i, j] *= 1 - weight * smooth(0, 0.4, abs(x)) * (1 - smooth(0.02, 0.12, inside))
    return out


def spread(values, weights):
    side = len(weights)
    if side == 1:
        return values if weights[0, 0] > 0 else np.zeros_like(values)
    coarse, sums = np.zeros((side // 2, side // 2, values.shape[2])), np.zeros((side // 2, side // 2))
    for i in range(side):
        for j in range(side):
            coarse[i // 2, j // 2] += weights[i, j] * values[i, j]
            sums[i // 2, j // 2] += weights[i, j]
    coarse /= np.maximum(sums, 1e-30)[:, :, None]
    coarse = spread(coarse, np.minimum(sums, 1))
    out = np.zeros_like(values)
    for i in range(side):
        for j in range(side):
            between = at(coarse, (i - 0.5) / 2, (j - 0.5) / 2)
            out[i, j] = weights[i, j] * values[i, j] + (1 - weights[i, j]) * between
    return out


def at(plane, y, x):
    """The value between places, ends kept to."""
    height, width = plane.shape[:2]
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    i, j = min(math.floor(y), height - 2), min(math.floor(x), width - 2)
    rows = [plane[k, j] + (x - j) * (plane[k, j + 1] - plane[k, j]) for k in (i, i + 1)]
    return rows[0] + (y - i) * (rows[1] - rows[0])


def frontal(image, landmarks, pose, size, *, symmetric=True, is_seen=True):
    """Picture (h, w, c), mask, visibility and the share mirrored, of the method "surface"."""
    (height, width), side = size, min(size)
    unit = (side - 1) / 3.1
    shift = np.array([(width - side) / 2, (height - side) / 2])
    mesh = face_mesh("dlib-68", side)
    target = mesh.target + shift
    head = np.column_stack([(target - [(width - 1) / 2, (height - 1) / 2]) / unit + [0, MIDDLE], np.zeros(len(target))])
    head[:68, 2] = [depth(x, y) for x, y in head[:68, :2]]
    source = sources(landmarks, pose, head, is_seen)
    owner = owners(target, mesh.triangles, height, width)
    maps = [affine(source, target, t) for t in mesh.triangles]
    own, has, shown = np.zeros((height, width, image.shape[2])), np.zeros(size, bool), np.zeros(size, bool)
    for i, j in np.ndindex(*size):
        x, y = (j - (width - 1) / 2) / unit, (i - (height - 1) / 2) / unit + MIDDLE
        shown[i, j] = abs(x) <= half_width(y)
        if shown[i, j]:
            u, v = maps[owner[i, j]] @ [j, i, 1] + pose.scale * pose.rotation[:2, 2] * depth(x, y)
            own[i, j] = sample(image, u, v, "linear", "replicate", 0)
            has[i, j] = 0 <= u <= image.shape[1] - 1 and 0 <= v <= image.shape[0] - 1
    if image.dtype == np.uint8:
        own = np.rint(own)
    planes = dict.fromkeys(("visible", "sure", "fill"))
    planes["visible"] = visible(landmarks, pose, source)
    planes["sure"] = np.vectorize(lambda v: float(smooth(0.25, 0.65, v)))(planes["visible"])
    features = np.array([[grid()[0][i, j][5] for j in range(NODES)] for i in range(NODES)])
    kept = features * np.vectorize(lambda v: float(smooth(0.05, 0.3, v)))(planes["visible"])
    planes["fill"] = (1 - planes["sure"]) * planes["sure"][:, ::-1] * (1 - kept)
    offsets = differences(own, has, planes["sure"], features, unit)
    out, mask, seen, taken = own.copy(), has.copy(), np.zeros(size), 0.0
    for i, j in np.argwhere(shown):
        y = ((i - (height - 1) / 2) / unit + MIDDLE - TOP) / STEP
        x = (j - (width - 1) / 2) / unit / STEP + (NODES - 1) / 2
        seen[i, j] = at(planes["visible"], y, x) if has[i, j] else 0
        if not symmetric or not has[i, width - 1 - j]:
            continue
        share = at(planes["fill"], y, x) if has[i, j] else at(planes["sure"], y, NODES - 1 - x)
        mask[i, j] |= share >= 0.5
        mixed = own[i, width - 1 - j] + at(offsets, (y - 0.5) / 2, (x - 0.5) / 2)
        out[i, j] = own[i, j] + share * (mixed - own[i, j])
        taken += share if mask[i, j] else 0
    return np.clip(out, 0, 255) if image.dtype == np.uint8 else out, mask, seen, taken / max(mask.sum(), 1)


def differences(own, has, sure, features, unit):
    """(32, 32, c): the picture minus its mirror image, spread."""
    height, width, channels = own.shape
    table = grid()[0]
    sums, weights = np.zeros((NODES // 2, NODES // 2, channels)), np.zeros((NODES // 2, NODES // 2))
    for (i, j), (x, y, *_, is_on) in table.items():
        # The pixel of the place in the left half, and its mirror image.
        left = math.floor(-abs(x) * unit + (width - 1) / 2 + 0.5)
        row = math.floor((y - MIDDLE) * unit + (height - 1) / 2 + 0.5)
        left, row = min(max(left, 0), width - 1), min(max(row, 0), height - 1)
        if is_on and has[row, left] and has[row, width - 1 - left]:
            weight = sure[i, j] * sure[i, NODES - 1 - j] * (1 - features[i, j]) / 4
            sign = 1 if x < 0 else -1
            sums[i // 2, j // 2] += weight * sign * (own[row, left] - own[row, width - 1 - left])
            weights[i // 2, j // 2] += weight
    return spread(sums / np.maximum(weights, 1e-30)[:, :, None], weights)
