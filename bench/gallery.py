"""Identification by a gallery: strangers who get a name, known people who get theirs, and how fast that is.

    python bench/gallery.py [quality] [calibrate] [speed]

Quality: half of the people of LFW are enrolled with one photo each, the other half is not. Searches are all other
photos of the first half and all photos of the second. Rank-1 and FNIR at an FPIR of 1 % with intervals of 95 % by
identity, of 1,000 draws; and what the threshold that comes with the embedder does, FNIR and FPIR.

Calibrate: of those who are not enrolled, half fit the threshold, the other half are the strangers to come. In 200
draws of people: how often the rate that those meet is within the interval that was said, and its mean. Both halves
are samples, so the interval is widened by the error of the second (by the root of the sum of squares).

Speed: one face against 100,000 names of 512 and of 128 columns, everything loaded; the least of several calls.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import SHARED, least, machine, shared

import pyface
from pyface.gallery import Gallery
from pyface.metrics.identification import fnir_at_fpir, rank_k
from pyface.models import load

FPIR, N_DRAWS, N_SPLITS = 0.01, 1000, 200
N_NAMES = 100_000


def embedders() -> dict[str, Any]:
    """The default pack's, and those of the shared models that are there."""
    found: dict[str, Any] = {"default pack": pyface.FaceAnalyzer().chain.embedder}
    for file, family, options in (
        ("mobilefacenet.onnx", "arcface", {"normalization": "imagenet"}),
        ("face-reidentification-retail-0095.onnx", "omz_0095", {}),
    ):
        if (SHARED / "models" / file).exists():
            found[file] = load(SHARED / "models" / file, family, **options)
    return found


def of_photos(models: dict[str, Any]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The face nearest to the middle of each photo by each of the embedders, and whose photo it is."""
    files = sorted(shared("images/lfw").glob("*/*.jpg"))
    analyzer = pyface.FaceAnalyzer(embedder=False)
    vectors: dict[str, list[np.ndarray]] = {name: [] for name in models}
    people = []
    for file in files:
        photo = pyface.read_image(file)
        middle = np.array([photo.shape[1], photo.shape[0]]) / 2
        faces = analyzer.analyze(photo)
        if faces:
            face = min(faces, key=lambda face: float(np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - middle)))
            for name, model in models.items():
                vectors[name].append(model.embed(model.crop(photo, face.landmarks[None]))[0])
            people.append(file.parent.name)
    print(f"\n{len(people)} of {len(files)} photos have a face, {len(set(people))} people", flush=True)
    return {name: np.array(rows) for name, rows in vectors.items()}, np.array(people)


def listed() -> tuple[np.ndarray, np.ndarray]:
    names = [line.split("/")[0] for line in shared("embeddings/lfw_128_files.txt").read_text().splitlines()]
    return np.load(shared("embeddings/lfw_128.npy")), np.array(names)


def split(people: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that are enrolled, one of each of half of the people; the other rows of those; all rows of the others.

    People with several photos and with one are halved apart, as only the first can be searched for.
    """
    names, who, counts = np.unique(people, return_inverse=True, return_counts=True)
    is_known = np.zeros(len(names), bool)
    for some in (counts > 1, counts == 1):
        drawn = random.permutation(np.flatnonzero(some))
        is_known[drawn[: len(drawn) // 2]] = True
    order = random.permutation(len(people))
    _, first = np.unique(who[order], return_index=True)
    enrolled = order[first][is_known]
    rest = np.setdiff1d(np.flatnonzero(is_known[who]), enrolled)
    return np.sort(enrolled), rest, np.flatnonzero(~is_known[who])


def text(interval: object) -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"  # type: ignore[attr-defined]


def gallery_of(x: np.ndarray, people: np.ndarray, embedder: Any) -> Gallery:
    gallery = Gallery(embedder) if embedder is not None else Gallery("lfw_128", metric="cosine", threshold=0.5)
    for name, row in zip(people, x, strict=True):
        gallery.enroll(str(name), row)
    return gallery


def quality(name: str, x: np.ndarray, people: np.ndarray, embedder: Any) -> None:
    enrolled, rest, strangers = split(people, np.random.default_rng(0))
    gallery = gallery_of(x[enrolled], people[enrolled], embedder)
    searches = np.r_[rest, strangers]
    arguments = x[searches], people[searches], x[enrolled], people[enrolled]
    rank = rank_k(*arguments, metric=gallery.metric, n_bootstrap=N_DRAWS)
    fnir = fnir_at_fpir(*arguments, FPIR, metric=gallery.metric, n_bootstrap=N_DRAWS)
    # The gallery answers the same.
    found = gallery.identify(x[rest])
    right = np.array([best[0] for best in found.candidates]) == people[rest]
    assert right.mean() == rank.value
    cells = [name, f"{len(enrolled):,}", f"{len(rest):,}", f"{len(strangers):,}", text(rank), text(fnir)]
    if embedder is not None:
        missed = np.mean([answer != who for answer, who in zip(found.names, people[rest], strict=True)])
        false = np.mean([answer is not None for answer in gallery.identify(x[strangers]).names])
        cells.append(f"{gallery.threshold:g}: FNIR {missed:.4f}, FPIR {false:.4f}")
    print("| " + " | ".join(cells) + " |", flush=True)


def calibrate(name: str, x: np.ndarray, people: np.ndarray, embedder: Any, fpir: float) -> None:
    random = np.random.default_rng(1)
    within, met, said = 0, [], []
    for _ in range(N_SPLITS):
        enrolled, _, strangers = split(people, random)
        # One face of each stranger: they are independent.
        _, one = np.unique(people[strangers], return_index=True)
        drawn = random.permutation(strangers[one])
        fitting, others = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
        gallery = gallery_of(x[enrolled], people[enrolled], embedder)
        fit = gallery.calibrate(x[fitting], fpir)
        rate = np.mean([answer is not None for answer in gallery.identify(x[others]).names])
        error = 1.96 * np.sqrt(fpir * (1 - fpir) / len(others))
        low = fit.fpir - np.hypot(fit.fpir - fit.low, error)
        high = fit.fpir + np.hypot(fit.high - fit.fpir, error)
        within += low <= rate <= high
        met.append(rate)
        said.append((fit.low, fit.high))
    low, high = np.mean(said, axis=0)
    print(
        f"| {name} | {fpir:g} | {len(fitting):,} | {low:.4f} to {high:.4f} | {np.mean(met):.4f} | "
        f"{within} of {N_SPLITS} |",
        flush=True,
    )


def speed() -> None:
    print(f"\n| {N_NAMES:,} names, one face each | load, ms | first answer, ms | one face, ms |\n|---|---|---|---|")
    for dimension in (128, 512):
        random = np.random.default_rng(0)
        x = random.normal(size=(N_NAMES, dimension)).astype(np.float32)
        gallery = Gallery("made-up", metric="cosine", threshold=0.5)
        for i, row in enumerate(x):
            gallery.enroll(f"person {i}", row)
        query = x[777] + 0.3 * random.normal(size=dimension).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder:
            gallery.save(Path(folder) / "g")
            since = time.perf_counter()
            gallery = Gallery.load(Path(folder) / "g")
            loaded = time.perf_counter() - since
            since = time.perf_counter()
            gallery.identify(query, 2)
            first = time.perf_counter() - since
            seconds, found = least(lambda gallery=gallery, query=query: gallery.identify(query, 2), 10)
        assert found.names == ("person 777",)
        print(f"| {dimension} columns | {1e3 * loaded:.0f} | {1e3 * first:.0f} | {1e3 * seconds:.1f} |", flush=True)


def main() -> None:
    wanted = sys.argv[1:] or ["quality", "calibrate", "speed"]
    print(machine())
    if "quality" in wanted or "calibrate" in wanted:
        models = embedders()
        rows, who = of_photos(models)
        sets = [(f"{name}, `images/lfw`", rows[name], who, model) for name, model in models.items()]
        sets.append(("`lfw_128.npy`", *listed(), None))
        if "quality" in wanted:
            head = "vectors | names | searches with a mate | without | rank-1 | FNIR at FPIR 1 % | embedder's threshold"
            print(f"\n| {head} |\n|" + "---|" * 7)
            for some in sets:
                quality(*some)
        if "calibrate" in wanted:
            head = "vectors | FPIR asked for | strangers | interval, mean | met by others, mean | within the interval"
            print(f"\n| {head} |\n|" + "---|" * 6)
            for some in sets:
                for fpir in (0.01, 0.1):
                    if fpir * len(set(some[2])) / 4 > 1:  # so many strangers are fitted to
                        calibrate(*some, fpir)
    if "speed" in wanted:
        speed()


if __name__ == "__main__":
    main()
