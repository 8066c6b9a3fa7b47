"""Poor copies of photos, and second pictures of the same photo: what makes faces hard to compare, drawn by a seed."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

# Of images/lfw: where the face is, and how far its eyes are apart, in pixels.
FACE = (84, 80, 168, 186)
EYES = 42.0
COVERS = {
    "eyes": (0, 0.25, 1, 0.48),
    "mouth": (0, 0.55, 1, 1.05),
    "left": (-0.1, -0.1, 0.5, 1.1),
    "right": (0.5, -0.1, 1.1, 1.1),
    "hat": (-0.1, -0.2, 1.1, 0.3),
}


def smaller(image: np.ndarray, eyes: float) -> np.ndarray:
    """A copy in which the eyes are so many pixels apart."""
    height, width = (max(16, round(side * eyes / EYES)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def moved(image: np.ndarray, length: int, angle: float) -> np.ndarray:
    """As if the camera had moved by ``length`` pixels while it was open."""
    middle = (length - 1) / 2
    steps = np.linspace(-middle, middle, 4 * length)
    x, y = middle + steps * np.cos(angle), middle + steps * np.sin(angle)
    trace = np.zeros((length + 1, length + 1), np.float32)
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        shares = np.abs(1 - right - (x - left)) * np.abs(1 - down - (y - top))
        np.add.at(trace, (top + down, left + right), shares)
    trace = trace[:length, :length]
    return cv2.filter2D(image, -1, trace / trace.sum(), borderType=cv2.BORDER_REFLECT)


def pressed(image: np.ndarray, quality: float) -> np.ndarray:
    """Through a JPEG."""
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1], cv2.IMREAD_COLOR)


def noisy(image: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    return np.clip(image + random.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


def dark(image: np.ndarray, light: float, random: np.random.Generator) -> np.ndarray:
    """With this share of the light, and the noise of a sensor."""
    return np.clip(np.floor(image * light + random.normal(0, 1.5, image.shape)), 0, 255).astype(np.uint8)


def covered(image: np.ndarray, part: str, random: np.random.Generator) -> np.ndarray:
    """One part of the face behind something of one colour."""
    width, height = FACE[2] - FACE[0], FACE[3] - FACE[1]
    x1, y1, x2, y2 = COVERS[part]
    colour = random.integers(0, 256, 3)
    rows = slice(max(0, round(FACE[1] + y1 * height)), round(FACE[1] + y2 * height))
    columns = slice(max(0, round(FACE[0] + x1 * width)), round(FACE[0] + x2 * width))
    copy = image.copy()
    copy[rows, columns] = colour
    return copy


def cut_off(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Without up to two fifths of the face on one side."""
    share = random.uniform(0.15, 0.4)
    x, y = int(share * (FACE[2] - FACE[0])), int(share * (FACE[3] - FACE[1]))
    parts = [image[:, FACE[0] + x :], image[:, : FACE[2] - x], image[FACE[1] + y :], image[: FACE[3] - y]]
    return np.ascontiguousarray(parts[random.integers(4)])


def poor_copies(image: np.ndarray, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray, float | None]]:
    """(what was done, the copy, the ``min_face`` to search it with) of a photo of images/lfw, itself first."""
    yield "as it is", image, None
    for _ in range(2):
        eyes = random.choice([6, 7, 8, 10, 12, 14, 17, 20, 26])
        yield "small", smaller(image, eyes), _min_face(eyes)
    yield "blurred", cv2.GaussianBlur(image, (0, 0), random.choice([1.5, 2.5, 4, 6])), None
    yield "moved", moved(image, int(random.choice([7, 11, 15, 21])), random.uniform(0, np.pi)), None
    yield "pressed", pressed(image, random.choice([4, 8, 15, 30])), None
    yield "noisy", noisy(image, random.choice([15, 30, 50, 80]), random), None
    yield "dark", dark(image, random.choice([0.02, 0.04, 0.08, 0.2]), random), None
    yield "covered", covered(image, str(random.choice(list(COVERS))), random), None
    yield "cut off", cut_off(image, random), None
    for _ in range(2):
        eyes = random.uniform(7, 30)
        yield "several", _several(smaller(image, eyes), random), _min_face(eyes)


def _min_face(eyes: float) -> float:
    return min(40, max(8, 1.2 * eyes))


def _several(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if random.random() < 0.6:
        if random.random() < 0.5:
            image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.2))
        else:
            image = moved(image, int(random.choice([3, 5])), random.uniform(0, np.pi))
    if random.random() < 0.5:
        image = dark(image, random.uniform(0.05, 0.5), random)
    if random.random() < 0.5:
        image = noisy(image, random.uniform(3, 25), random)
    return pressed(image, random.uniform(10, 80))


def second_pictures(image: np.ndarray, random: np.random.Generator) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(what it is, the picture, the (3, 3) map of the photo's pixels to its) of pictures of a photo."""
    flip = np.array([[-1.0, 0, image.shape[1] - 1], [0, 1, 0], [0, 0, 1]])
    mirrored = np.ascontiguousarray(image[:, ::-1])
    yield "pasted", pressed(image, 85), np.eye(3)
    yield "mirrored", mirrored, flip
    yield "half the size", *_resized(image, 0.5)
    yield "enlarged by half", *_resized(image, 1.5)
    yield "screen", *_on_screen(image, random)
    less, scale = _resized(mirrored, 0.6)
    shown, place = _on_screen(less, random)
    yield "small screen, mirrored", shown, place @ scale @ flip


def _resized(image: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=how), np.diag([scale, scale, 1.0])


def _on_screen(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Seen from the side, out of focus, in other colours."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + random.uniform(-0.08, 0.08, (4, 2)).astype(np.float32) * np.array([width, height], np.float32)
    place = cv2.getPerspectiveTransform(corners, seen)
    shown = cv2.warpPerspective(image, place, (width, height), borderMode=cv2.BORDER_REFLECT)
    shown = cv2.GaussianBlur(shown, (0, 0), random.uniform(0.5, 1.2))
    toned = (shown / 255) ** random.uniform(0.6, 1.5) * random.uniform(0.75, 1.0, 3) * 255
    return pressed(noisy(np.clip(toned, 0, 255).astype(np.uint8), 3, random), 70), place
