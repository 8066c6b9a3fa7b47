"""Folders and files for ``pyface evaluate``, written by hand: no photo is read for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 100  # of every photo


def vectors(seed: int, people: Sequence[int], spread: float = 0.7, d: int = 8) -> NDArray[np.float32]:
    """Rows of the same number are near each other, in angle."""
    random = np.random.default_rng(seed)
    numbers = np.asarray(people)
    centres = random.normal(size=(numbers.max() + 1, d))
    return (centres[numbers] + spread * random.normal(size=(len(numbers), d))).astype(np.float32)


def write_folder(
    folder: Path,
    photos: Sequence[str],
    clusters: Sequence[object],
    embeddings: NDArray[Any] | None = None,
    empty: Sequence[str] = (),
    **settings: Any,
) -> Path:
    """An OUT folder: a face for each entry of ``photos``, each further one of a photo farther from its centre."""
    folder.mkdir(exist_ok=True)
    lines = ["face_id,photo,x1,y1,x2,y2,score,cluster"]
    seen: dict[str, int] = dict.fromkeys(empty, 0)
    for face, (photo, cluster) in enumerate(zip(photos, clusters, strict=True)):
        away = 10 * seen.get(photo, 0)
        seen[photo] = seen.get(photo, 0) + 1
        lines.append(f"{face},{photo},{40 + away},40,{60 + away},60,0.9,{cluster}")
    (folder / "faces.csv").write_text("\n".join([*lines, ""]))
    if embeddings is not None:
        np.save(folder / "embeddings.npy", embeddings)
    sizes = [{"photo": photo, "width": SIDE, "height": SIDE, "faces": n} for photo, n in seen.items()]
    how = {"algorithm": "average", "threshold": 0.5, "metric": "cosine", "same_photo_different_people": False}
    summary = {"generator": "pyface", "settings": how | settings, "photos": sizes}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder
