"""Draws the picture of ../alignment.md next to this file. Needs the extras models and demo.

python docs/how-it-works/pictures/alignment.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

import pyface
from pyface import geometry
from pyface.pictures.aligned import overlay_of

HERE = Path(__file__).parent
SIDE = 224


def main() -> None:
    """The photo with its overlay, cut to the face, and the two crops."""
    photo = skimage.data.astronaut()
    faces = pyface.FaceAnalyzer(detector="yunet", landmarks="dlib-5", embedder=False).analyze(photo)
    overlay = overlay_of(photo, faces, SIDE, "arcface")[:SIDE, 112 : 112 + SIDE]
    crops = [
        geometry.align_face(photo, faces[0].landmarks, SIDE, template=name) for name in ("arcface-dlib-5", "dlib-5")
    ]
    gap = np.full((SIDE, 8, 3), 255, np.uint8)
    picture = np.hstack([overlay, gap, crops[0], gap, crops[1]])
    Image.fromarray(picture).save(HERE / "alignment.jpg", quality=88)


if __name__ == "__main__":
    main()
