"""Albums without photos or models: records of work as a run leaves them, their vectors as those of real faces lie.

People have long-tailed numbers of faces. Vectors are of 512 numbers under cosine distance, with a threshold of 0.52 as
networks of ArcFace's kind have it. What makes them hard is made as it is in real collections: faces of one person lie
at cosines of 0.4 to 0.85, children of one family look alike, blurred faces look like each other, whoever they are.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import numpy as np
from data import unit
from numpy.typing import NDArray

from pyface.album.basis import FaceKeys
from pyface.album.facts import FILE_NAME as FACTS_FILE
from pyface.album.facts import Journal
from pyface.album.records import FaceRecord, PhotoRecord, RunInfo
from pyface.album.work import FILE_NAME, WorkFile
from pyface.photos.finding import PhotoFile
from pyface.photos.thumbnails import thumbnail

DIMENSION, THRESHOLD = 512, 0.52
FIVE = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.55], [0.1, 1.1], [0.9, 1.1]])
BLURRED = 0.05  # share of the faces


def sizes_of_people(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of faces, n together: of the rank r about n / 20 / r^0.8, and many people are seen once."""
    sizes = np.maximum(1, n / 20 / np.arange(1, n + 1) ** 0.8).astype(np.int64)
    sizes = sizes[: np.searchsorted(np.cumsum(sizes), 0.85 * n)]
    once = n - int(sizes.sum())
    return np.concatenate([sizes, np.ones(once, np.int64)])


def people(n: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """(n, 512) float32 vectors of some length, whose they are, and which faces are blurred; in the order of photos."""
    rng = np.random.default_rng(seed)
    sizes = sizes_of_people(n, rng)
    k = len(sizes)
    families = unit(rng.standard_normal((k // 4 + 1, DIMENSION), np.float32))
    likeness = np.sqrt(rng.beta(1.5, 2.5, k)).astype(np.float32)[:, None]
    centres = likeness * families[rng.integers(len(families), size=k)]
    centres += np.sqrt(1 - likeness**2) * unit(rng.standard_normal((k, DIMENSION), np.float32))
    blurs = unit(rng.standard_normal((20, DIMENSION), np.float32))
    truth = np.repeat(np.arange(k), sizes)
    rng.shuffle(truth)
    is_blurred = rng.random(n) < BLURRED
    share = np.clip(rng.normal(0.82, 0.06, n), 0.55, 0.95).astype(np.float32)  # cosine to the person's centre
    share[is_blurred] = rng.uniform(0.3, 0.65, np.count_nonzero(is_blurred))
    rows = np.empty((n, DIMENSION), np.float32)
    for begin in range(0, n, 8192):
        here = slice(begin, begin + 8192)
        noise = unit(rng.standard_normal((len(truth[here]), DIMENSION), np.float32))
        blurred = is_blurred[here]
        noise[blurred] = unit(0.8 * blurs[rng.integers(20, size=blurred.sum())] + 0.6 * noise[blurred])
        own = share[here, None]
        rows[here] = own * centres[truth[here]] + np.sqrt(1 - own**2) * noise
    rows = unit(rows) * rng.uniform(15, 25, (n, 1)).astype(np.float32)
    return rows, truth, is_blurred


def write(out: Path, n: int, seed: int = 0) -> NDArray[np.int64]:
    """OUT with the record of ``n`` faces, as a run leaves it before they are grouped. Returns whose they are."""
    rows, truth, is_blurred = people(n, seed)
    rng = np.random.default_rng(seed + 1)
    pictures = [thumbnail(_noise(rng), np.array([0.0, 0.0, 95.0, 95.0])) for _ in range(64)]
    photos: list[tuple[PhotoFile, PhotoRecord]] = []
    begin = 0
    while begin < n:
        i, count, seen = len(photos), min(int(rng.geometric(0.4)), 12), set[int]()
        # Nobody is in a photo twice.
        while len(seen) < count and begin + len(seen) < n and int(truth[begin + len(seen)]) not in seen:
            seen.add(int(truth[begin + len(seen)]))
        name = f"{i // 500:03}/IMG_{i:05}.jpg"
        faces = []
        for place in range(len(seen)):
            row = begin + place
            eyes = 8.0 if is_blurred[row] else float(rng.uniform(35, 120))
            points = FIVE * eyes + (400.0 * place + eyes, 80.0)
            box = np.array([400.0 * place, 10.0, 400.0 * place + 3 * eyes, 10.0 + 3 * eyes])
            low, sharpness = (0.55, 0.003) if is_blurred[row] else (0.75, 0.05)
            score = float(rng.uniform(low, low + 0.2))
            faces.append(FaceRecord(box, score, points, "arcface-5", rows[row], pictures[row % 64], sharpness))
        begin += len(faces)
        digest = hashlib.sha256(name.encode()).digest()
        photos.append((PhotoFile(f"/nowhere/{name}", name, 1000 + i, 7),
                       PhotoRecord(name, 4800, 3200, tuple(faces), digest=digest)))  # fmt: skip
    settings = {
        "detector": "yunet", "landmarks": "detector", "embedder": "w600k_r50", "min_face": None, "max_faces": None,
        "max_side": 1280, "refine": True, "batch_size": 32, "n_threads": 1, "providers": None,
    }  # fmt: skip
    info = RunInfo("photos", "1", "a", "cosine", THRESHOLD, DIMENSION, settings, {"yunet": "1", "w600k_r50": "2"})
    out.mkdir(exist_ok=True)
    with contextlib.closing(WorkFile(str(out / FILE_NAME))) as work:
        work.begin(info, [file for file, _ in photos], [], add=False)
        work.save("a", photos)
        work.end()
    return truth


def _noise(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture whose JPEG takes some kilobytes, as that of a face does."""
    coarse = rng.integers(0, 255, (24, 24, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 4, 0), 4, 1)


def say(out: Path, keys: FaceKeys, truth: NDArray[np.int64], n_facts: int, seed: int = 2) -> None:
    """Put facts into OUT's journal, as people who look through an album give them: most are right, in part by name."""
    rng = np.random.default_rng(seed)
    by_person = np.argsort(truth, kind="stable")
    starts = np.searchsorted(truth[by_person], np.arange(truth.max() + 2))
    several = np.flatnonzero(np.diff(starts) > 1)
    weights = np.diff(starts)[several] ** 0.5
    chosen = rng.choice(several, n_facts, p=weights / weights.sum())
    others = rng.integers(len(truth), size=n_facts)
    journal = Journal(str(out / FACTS_FILE))
    with journal.opened(write=True) as db:
        assert db is not None
        for i, (who, other) in enumerate(zip(chosen.tolist(), others.tolist(), strict=True)):
            members = by_person[starts[who] : starts[who + 1]]
            faces = rng.choice(members, min(len(members), int(rng.integers(2, 5))), replace=False).tolist()
            is_apart = i % 5 >= 3 and truth[other] != who
            sides = (faces[:1], [other]) if is_apart else (faces, [])
            kind = "different" if is_apart else "same"
            fact = db.execute("INSERT INTO journal (time, kind) VALUES ('2026-01-01', ?)", (kind,)).lastrowid
            for side, some in enumerate(sides):
                for face in some:
                    key = keys[face]
                    where = (key.digest, *key.box)
                    db.execute(
                        "INSERT OR IGNORE INTO faces (digest, x1, y1, x2, y2, photo) VALUES (?, ?, ?, ?, ?, ?)",
                        (*where, key.photo.encode()),
                    )
                    query = "SELECT id FROM faces WHERE digest = ? AND x1 = ? AND y1 = ? AND x2 = ? AND y2 = ?"
                    (number,) = db.execute(query, where).fetchone()
                    db.execute("INSERT OR IGNORE INTO said VALUES (?, ?, ?)", (fact, number, side))
