"""What the pictures of ../warp.md have in common: a face, where its points shall be, and how a picture is saved."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
from matplotlib import pyplot as plt
from numpy.typing import NDArray

import pyface
from pyface import geometry
from pyface.errors import LicenseWarning

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BLUE, ORANGE, RED = "#3465a4", "#e07b00", "#cc0000"
# The warps of others are in bench/, and the exact pixels come from the slow twin of the tests.
sys.path += [str(ROOT / "bench"), str(ROOT / "tests")]

Floats = NDArray[np.float64]


def photo() -> NDArray[np.uint8]:
    return skimage.data.astronaut()


@cache
def landmarks() -> Floats:
    """(68, 2): the points of the face in the photo, by dlib's 68-point model, which is used only if it is named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LicenseWarning)
        (face,) = pyface.FaceAnalyzer(landmarks="dlib-68", embedder=False).analyze(photo())
    return face.landmarks.astype(np.float64)


def layout(side: int, eyes: float) -> tuple[Floats, Floats]:
    """(target, source), (76, 2) each: 68 points and eight on the frame, in an output of this side and in the photo.

    ``eyes`` is the distance between the eyes in the output. The frame is brought to the photo by the similarity of the
    68 points: the photo's own corners would shear the triangles around the face.
    """
    last = side - 1
    frame = np.array([(x, y) for y in (0, 0.5, 1) for x in (0, 0.5, 1) if (x, y) != (0.5, 0.5)]) * last
    face = eyes * geometry.mean_shape("dlib-68") + [0.5 * last, 0.35 * last]
    matrix = geometry.similarity_transform(face, landmarks()).matrix
    return np.vstack([face, frame]), np.vstack([landmarks(), frame @ matrix[:, :2].T + matrix[:, 2]])


def save(figure: plt.Figure, name: str) -> None:
    options = {"pil_kwargs": {"quality": 88}} if name.endswith(".jpg") else {"metadata": {"Date": None}}
    figure.savefig(HERE / name, **options)
    plt.close(figure)


def bare(axes: plt.Axes, title: str = "") -> None:
    """No ticks and no box; the title in the size of the text."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=9)
