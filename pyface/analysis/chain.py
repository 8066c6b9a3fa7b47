"""The models that faces go through: detector, landmarks, embedder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from os import PathLike
from typing import Any, NoReturn

import numpy as np

from pyface._typing import Points
from pyface.models import DEFAULT_PACK, Detector, Embedder, Landmarker, load
from pyface.models.catalog import OF_DETECTOR, find, looks_like_path, pack, require_pulled
from pyface.types import Detections

__all__ = ["ROLES", "Chain", "OfDetector", "known_by", "load_chain"]

ROLES = ("detector", "landmarks", "embedder")


class OfDetector(Landmarker):
    """In the place of a landmark model: the five points that the detector gives with its boxes.

    They are those of insightface's and of OpenCV's detectors, the eyes' first, in the order ``arcface-5``.
    """

    name, family, digest, scheme = OF_DETECTOR, OF_DETECTOR, "what the detector gives", "arcface-5"

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> NoReturn:
        """TypeError: boxes alone do not say where the detector has seen points."""
        raise TypeError("the points of a detector come with its boxes; for other boxes load a landmark model")

    def points(self, detections: Detections, detector: str) -> Points:
        """(n, 5, 2) of the faces that the detector of this name found. ValueError if it gives none."""
        if len(detections) == 0:
            return np.empty((0, 5, 2))
        if detections.landmarks is None:
            raise ValueError(f"the detector {detector} gives no points with its boxes: name a model for landmarks=")
        return detections.landmarks


@dataclass(frozen=True, slots=True)
class Chain:
    """The models of a run; None is a step left out."""

    detector: Detector | None
    landmarks: Landmarker | None
    embedder: Embedder | None

    def digests(self) -> dict[str, str]:
        """Name or path, from the root on -> digest of the models in use."""
        return {known_by(m): m.digest for m in (self.detector, self.landmarks, self.embedder) if m is not None}

    def settings(self) -> dict[str, Any]:
        """What a later run needs to load the same: role -> name or path, None for a step left out; and role_family for
        what was loaded from a path.
        """
        models = dict(zip(ROLES, (self.detector, self.landmarks, self.embedder), strict=True))
        named: dict[str, Any] = {role: None if model is None else known_by(model) for role, model in models.items()}
        families = {
            f"{role}_family": model.family
            for role, model in models.items()
            if model is not None and model.origin is not None and looks_like_path(model.origin.name_or_path)
        }
        return named | families


def known_by(model: Any) -> str:
    """Its name, or the path that it was loaded from, from the root on."""
    return str(model.name if model.origin is None else model.origin.name_or_path)


def load_chain(
    models: str | None = None,
    *,
    detector: Any = None,
    landmarks: Any = None,
    embedder: Any = None,
    detector_family: str | None = None,
    landmarks_family: str | None = None,
    embedder_family: str | None = None,
    providers: list[str] | None = None,
    n_threads: int | None = None,
) -> Chain:
    """Load the models of a chain: None takes the pack's, False leaves the step out, a name, a path or a model replaces
    it; a path needs the family. ``landmarks="detector"`` takes the points of the detector.

    Without a pack it is the default, or dlib's if one of the parts is dlib's: its landmarks need boxes, and its
    embedder landmarks, as its own models give them.
    """
    choices = dict(zip(ROLES, (detector, landmarks, embedder), strict=True))
    families = dict(zip(ROLES, (detector_family, landmarks_family, embedder_family), strict=True))
    for role in ROLES:
        _check_family(role, choices[role], families[role])
    names = pack(models or _pack_of(choices, families))

    def choose(role: str, kind: type, default: str) -> Any:
        choice, family = choices[role], families[role]
        if choice is False:
            return None
        if role == "landmarks" and (choice or default) == OF_DETECTOR:
            if detector is False:
                raise ValueError(
                    "landmarks='detector' needs a detector; name a model for them, or pass landmarks=False"
                )
            return OfDetector()
        if choice is None:
            require_pulled(default, by=models or DEFAULT_PACK)
            choice = default
        model = choice
        if isinstance(choice, str | PathLike):
            model = load(choice, family, providers=providers, n_threads=n_threads)
        if not isinstance(model, kind):
            raise TypeError(
                f"{role} must be the name of a {kind.__name__.lower()}, a loaded one, None (the default) or False "
                f"(off); got {choice!r}"
            )
        return model

    chain = Chain(
        choose("detector", Detector, names[0]),
        choose("landmarks", Landmarker, names[1]),
        choose("embedder", Embedder, names[2]),
    )
    if chain.embedder is not None:
        scheme = None if chain.landmarks is None else chain.landmarks.scheme
        if scheme not in chain.embedder.schemes:
            got = "landmarks=False" if scheme is None else f"landmarks of the scheme {scheme!r}"
            raise ValueError(
                f"the embedder {chain.embedder.name} aligns faces by landmarks of "
                f"{' or '.join(chain.embedder.schemes)}, got {got}; choose others or pass embedder=False"
            )
    return chain


def _check_family(role: str, choice: Any, family: str | None) -> None:
    """ValueError for a path without a family, and for a family without anything that it is of."""
    is_named = isinstance(choice, str | PathLike)
    if family is not None and not is_named:
        raise ValueError(f"{role}_family={family!r} says what a path is: it needs {role}= with that path")
    is_path = is_named and looks_like_path(choice)
    if is_path and family is None:
        path = os.fspath(choice)
        raise ValueError(
            f"{path}: a path needs its family, {role}_family= (--{role}-family); 'pyface models inspect' says which fit"
        )


def _pack_of(choices: dict[str, Any], families: dict[str, str | None]) -> str:
    """The pack that goes with these parts, as they are given to :func:`load_chain`."""
    for role, choice in choices.items():
        family = str(families[role] or getattr(choice, "family", ""))
        if not family and isinstance(choice, str) and choice != OF_DETECTOR:
            family = find(choice).family
        if family.startswith("dlib_"):
            return "dlib"
    return DEFAULT_PACK
