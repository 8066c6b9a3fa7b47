"""How many questions a reviewer has to answer, and the odds by which questions are chosen, fitted and judged.

    python bench/review.py [--starts default dlib lower higher poor] [--wrong 0.05] [--most 200] [--cache FOLDER]
    python bench/review.py --fit | --kills 200

A reviewer who knows the folders of ``images/lfw`` answers what is asked: in the order of ``pyface review``, and in
order of distance, the pair nearest to the threshold first, of the same questions. One face a photo (``max_faces=1``).
Answers are written to OUT through :class:`pyface.album.album.Album`, as the page does it. With ``--wrong`` that share
of the answers is turned around, and a wrong one is compared with the right one in its place.

Starts: ``default`` and ``dlib``, the packs as they are; ``lower`` and ``higher``, the default pack with its threshold
times 0.8 and 1.2; ``poor``, the default pack with three of ten photos replaced by poor copies (:mod:`poor_photos`).
``--fit`` fits the odds on every second person of ``images/lfw``, with poor copies, at five thresholds, and judges them
on the other people. ``--kills`` kills a process that answers, once it has confirmed a random number of answers, so many
times, and counts what the journal has then: at least all that were confirmed, at most one more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import machine, shared
from poor_photos import poor_copies
from quality import CHAINS, Faces, kept, poor_lfw
from scipy.optimize import minimize

import pyface
from pyface.album.album import Album
from pyface.album.facts import Journal
from pyface.album.odds import features, with_rivals
from pyface.album.questions import Question, Questions, answer
from pyface.analysis.chain import Chain, load_chain
from pyface.cluster import AgglomerativeClustering
from pyface.metrics import bcubed_precision_recall_f
from pyface.report.folder import cluster_photos, recluster_photos

STARTS: dict[str, dict[str, Any]] = {
    "default": {},
    "dlib": {"models": "dlib"},
    "lower": {"threshold": 0.8},
    "higher": {"threshold": 1.2},
    "poor": {},
}
GOALS, MARKS = (0.98, 0.99), (50, 100, 200)
POOR_SHARE = 0.3
# Albums of the fit: the share of photos that are poor copies, drawn how often; and the thresholds, in the embedder's.
DRAWS = ((0.0, 1), (0.3, 3), (0.6, 3))
# Of how many poor copies one is looked at: dlib's detector takes its time.
STEPS = {"default": 1, "dlib": 4}
THRESHOLDS = (0.75, 0.85, 1.0, 1.15, 1.3)


def started(name: str, cache: Path) -> Album:
    """The album to begin with, in a folder of its own that answers may be written to."""
    options = dict(STARTS[name])
    models = options.pop("models", None)
    photos = poor_lfw_photos(cache) if name == "poor" else shared("images/lfw")
    analysed = cache / ("poor" if name == "poor" else f"lfw-{models or 'default'}")
    if not (analysed / "summary.json").exists():
        cluster_photos(photos, out=analysed, models=models, max_faces=1)
    out = Path(tempfile.mkdtemp(prefix="review-", dir=cache)) / "out"
    shutil.copytree(analysed, out)
    if "threshold" in options:
        own = pyface.load_album(out).settings["threshold"]
        options["threshold"] *= own
    return recluster_photos(out, **options)


def poor_lfw_photos(cache: Path) -> Path:
    """The photos of images/lfw, three of ten of them in a poor copy, in their folders."""
    folder = cache / "photos"
    for number, file in enumerate(sorted(shared("images/lfw").glob("*/*.jpg"))):
        target = folder / file.parent.name / f"{file.stem}.png"
        if target.exists():
            continue
        random = np.random.default_rng(number)
        copies = [picture for _, picture, _ in poor_copies(pyface.read_image(file), random)]
        picture = copies[random.integers(1, len(copies))] if random.random() < POOR_SHARE else copies[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return folder


@dataclass
class Reviewer:
    """Answers by the folder that most faces of a group are in, ties the first by name; a share of them wrong."""

    who: np.ndarray
    wrong: float = 0.0

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(0)

    def knows(self, question: Question) -> bool:
        return self._mostly(question.first) == self._mostly(question.second)

    def _mostly(self, faces: np.ndarray) -> int:
        return int(np.bincount(self.who[faces]).argmax())

    def errs(self) -> bool:
        return bool(self.random.random() < self.wrong)


@dataclass(frozen=True)
class Course:
    """BCubed F before the first question and after each, and faces that a wrong answer moved beyond its two groups."""

    f: list[float]
    beyond: list[int]
    n_wrong: int

    def questions_to(self, goal: float) -> str:
        reached = [i for i, f in enumerate(self.f) if f >= goal]
        return str(reached[0]) if reached else f"> {len(self.f) - 1}"

    def after(self, n: int) -> float:
        return self.f[min(n, len(self.f) - 1)]


def reviewed(album: Album, order: str, most: int, wrong: float) -> Course:
    """Ask until nothing is left to ask."""
    names = [entry.photo.rsplit("/", 1)[0] for entry in album.faces]
    _, who = np.unique(names, return_inverse=True)
    reviewer, questions = Reviewer(who, wrong), Questions(album)
    f, beyond, n_wrong = [score(who, album)], [], 0
    for _ in range(most):
        found = [question for question in questions.best(None) if question.gain > 1e-9]
        if order == "distance":
            found.sort(key=lambda q: (abs(q.share - 1), q.first[0], q.second[0]))
        if not found:
            break
        right = reviewer.knows(found[0])
        if reviewer.errs():
            n_wrong += 1
            better = answer(album, found[0], right)
            better.undo()
            album = answer(album, found[0], not right)
            questions.learn(found[0], not right)
            beyond.append(harmed(better, album, found[0], who))
        else:
            album = answer(album, found[0], right)
            questions.learn(found[0], right)
        questions.update(album)
        f.append(score(who, album))
    return Course(f, beyond, n_wrong)


def score(who: np.ndarray, album: Album) -> float:
    return bcubed_precision_recall_f(who, album.labels)[2]


def harmed(right: Album, wrong: Album, question: Question, who: np.ndarray) -> int:
    """Faces outside the question's two groups that are worse off (by their own BCubed F) after the wrong answer."""
    outside = np.setdiff1d(np.arange(len(who)), np.r_[question.first, question.second])
    return int((own_f(who, wrong.labels) < own_f(who, right.labels) - 1e-12)[outside].sum())


def own_f(who: np.ndarray, labels: np.ndarray) -> np.ndarray:
    same = (labels[:, None] == labels) & (who[:, None] == who)
    precision = same.sum(axis=1) / (labels[:, None] == labels).sum(axis=1)
    recall = same.sum(axis=1) / (who[:, None] == who).sum(axis=1)
    return 2 * precision * recall / (precision + recall)


def simulate(name: str, cache: Path, most: int, wrong: float) -> None:
    for share in (0.0, wrong) if wrong else (0.0,):
        for order in ("gain", "distance"):
            album = started(name, cache)
            course = reviewed(album, order, most, share)
            assert album.out is not None
            shutil.rmtree(Path(album.out).parent)
            cells = [course.questions_to(goal) for goal in GOALS] + [f"{course.after(n):.4f}" for n in MARKS]
            moved = f"{sum(n > 0 for n in course.beyond)} of {course.n_wrong}" if share else ""
            print(f"| {name} | {share:.0%} | {order} | {course.f[0]:.4f} | {' | '.join(cells)} | "
                  f"{course.f[-1]:.4f} after {len(course.f) - 1} | {moved} |", flush=True)  # fmt: skip


def drawn_albums(faces: Faces, chain: Chain, half: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Of albums of half of the people: features of pairs, which are splits, places of both groups, and the truth."""
    assert chain.embedder is not None
    _, who = np.unique(faces.person, return_inverse=True)
    quality, random = faces.quality(chain), np.random.default_rng(half)
    for share, n_draws in DRAWS:
        for _ in range(n_draws):
            rows = []
            for photo in np.unique(faces.photo[who % 2 == half]):
                here = np.flatnonzero(faces.photo == photo)
                good = here[faces.kind[here] == "as it is"]
                poor = here[faces.kind[here] != "as it is"]
                if random.random() < share and len(poor):
                    rows.append(random.choice(poor))
                elif len(good):
                    rows.append(good[0])
            for factor in THRESHOLDS:
                yield pairs_of(faces.embedding[rows], quality[rows], who[rows], chain, factor)


def pairs_of(vectors: np.ndarray, quality: np.ndarray, who: np.ndarray, chain: Chain, factor: float) -> tuple[Any, ...]:
    embedder = chain.embedder
    assert embedder is not None
    height = factor * embedder.cluster_threshold
    tree = AgglomerativeClustering(None, metric=embedder.metric, linkage="average", distance_threshold=height)
    labels = tree.fit(vectors).labels_.astype(np.int64)
    settings = {"embedder": embedder.name, "metric": embedder.metric, "threshold": height}
    none = np.zeros(len(who), np.bool_)
    album = Album((), labels, vectors, (), (), settings, {}, (), {}, quality=quality, set_aside=none, hidden=none)
    found, reviewer = Questions(album).all(), Reviewer(who)
    sides = [[question.first for question in found], [question.second for question in found]]
    sizes = [np.array([len(rows) for rows in side], float) for side in sides]
    means = [np.array([quality[rows].mean() for rows in side]) for side in sides]
    columns = features(np.array([question.share for question in found]), *sizes, *means, factor)
    is_split = np.array([question.kind == "split" for question in found])
    places = np.array([[labels[rows[0]] for rows in side] for side in sides]).T
    return columns, is_split, places, np.array([reviewer.knows(question) for question in found], float)


def fit(name: str, cache: Path) -> None:
    chain = load_chain(**CHAINS[name])
    step = STEPS[name]
    faces = kept(cache, f"{name}-poor-{step}", lambda: poor_lfw(chain, step))
    halves = [list(drawn_albums(faces, chain, half)) for half in (0, 1)]

    def chances(weights: np.ndarray, album: tuple[np.ndarray, ...], of_one: bool) -> tuple[np.ndarray, np.ndarray]:
        columns, is_split, places, truth = album
        rows = is_split == of_one
        odds = np.exp(np.clip(columns[rows] @ weights, -30, 30))
        chance = odds / (1 + odds) if of_one else with_rivals(places[rows], odds, int(places.max()) + 1)
        return np.clip(chance, 1e-12, 1 - 1e-12), truth[rows]

    for of_one in (False, True):

        def loss(weights: np.ndarray, half: int = 0, of_one: bool = of_one) -> float:
            both = [chances(weights, album, of_one) for album in halves[half]]
            return -sum(float((y * np.log(p) + (1 - y) * np.log1p(-p)).sum()) for p, y in both)

        start = np.array([15.0, -14.0, 3.0, -3.0, 0.8, -8.0, 7.0, 0.0])
        weights = np.round(minimize(loss, start, method="BFGS", options={"maxiter": 60}).x, 2)
        chance, truth = map(np.concatenate, zip(*(chances(weights, album, of_one) for album in halves[1]), strict=True))
        print(f"\n{name}, {'parts of one' if of_one else 'two people'}: {weights.tolist()}")
        print(f"loss a pair: fitted {loss(weights) / sum((a[1] == of_one).sum() for a in halves[0]):.4f}, "
              f"judged {loss(weights, 1) / len(truth):.4f}\n")  # fmt: skip
        print("| chance | pairs | mean | one person |\n|---|---|---|---|")
        bounds = (0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1)
        for low, high in pairwise(bounds):
            rows = (chance >= low) & (chance < high)
            if rows.any():
                print(f"| {low} to {high} | {rows.sum():,} | {chance[rows].mean():.3f} | {truth[rows].mean():.3f} |")


def kills(n: int, cache: Path) -> None:
    """Forks of this process answer and are killed; each says on a pipe when an answer is confirmed."""
    from pyface.server.session import Session

    album = started("lower", cache)
    assert album.out is not None
    random, journal = np.random.default_rng(0), str(Path(album.out) / "facts.sqlite")
    lost = under_way = 0
    for _ in range(n):
        n_before = len(Journal(journal).facts())
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                session = Session(pyface.load_album(album.out))
                while (question := session.state()["question"]) is not None:
                    session.answer(question["key"], "same" if random.random() < 0.5 else "different")
                    os.write(writing, b".")
            finally:
                os._exit(0)
        os.close(writing)
        said = b"".join(os.read(reading, 1) for _ in range(int(random.integers(1, 8))))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while part := os.read(reading, 1 << 16):
            said += part
        os.close(reading)
        n_now = len(Journal(journal).facts())
        lost += max(0, n_before + len(said) - n_now)
        under_way += max(0, n_now - n_before - len(said))
        assert n_now <= n_before + len(said) + 1
        pyface.load_album(album.out)
    print(f"\n{n} kills: {lost} answers lost, {under_way} recorded and not confirmed, {n_now} recorded in all")
    shutil.rmtree(Path(album.out).parent)


def main() -> None:
    parser = argparse.ArgumentParser(description="Questions to answer, and the odds behind them.")
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=list(STARTS))
    parser.add_argument("--wrong", type=float, default=0.05)
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        cache = options.cache or Path(temporary)
        if options.kills:
            kills(options.kills, cache)
            return
        if options.fit:
            for name in STEPS:
                fit(name, cache)
            return
        print("\n| start | wrong | order | F at first | to .98 | to .99 | after 50 | 100 | 200 | at the end | "
              "wrong answers that harmed others |\n|" + "---|" * 11)  # fmt: skip
        for name in options.starts:
            simulate(name, cache, options.most, options.wrong)


if __name__ == "__main__":
    main()
