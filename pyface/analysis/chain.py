"""The models that faces go through: detector, landmarks, embedder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from os import PathLike
from typing import Any

from pyface.geometry.conversions import can_convert
from pyface.models import DEFAULT_PACK, Detector, Embedder, Landmarker, load
from pyface.models.catalog import OF_DETECTOR, find, looks_like_path, pack, require_pulled

__all__ = ["ROLES", "Chain", "known_by", "load_chain", "scheme_for"]

ROLES = ("detector", "landmarks", "embedder")
_KINDS: dict[type, str] = {Detector: "a detector", Landmarker: "a landmark model", Embedder: "an embedder"}


@dataclass(frozen=True, slots=True)
class Chain:
    """The models of a run; None is a step left out."""

    detector: Detector | None
    landmarks: Landmarker | None
    embedder: Embedder | None

    @property
    def scheme(self) -> str | None:
        """Order of the points of faces: the landmark model's, or without one the detector's own; None without any."""
        if self.landmarks is not None:
            return self.landmarks.scheme
        return None if self.detector is None else self.detector.scheme

    def digests(self) -> dict[str, str]:
        """Name or path, from the root on -> digest of the models in use."""
        return {known_by(m): m.digest for m in (self.detector, self.landmarks, self.embedder) if m is not None}

    def settings(self) -> dict[str, Any]:
        """What a later run needs to load the same: role -> name or path, None for a step left out, "detector" for
        points of the detector; and role_family for what was loaded from a path.
        """
        models = dict(zip(ROLES, (self.detector, self.landmarks, self.embedder), strict=True))
        named: dict[str, Any] = {role: None if model is None else known_by(model) for role, model in models.items()}
        if self.landmarks is None and self.scheme is not None:
            named["landmarks"] = OF_DETECTOR
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
    embedder landmarks, as its own models give them. Without a pack, a detector that is not the default's and gives
    points that suit the embedder brings its own, where no landmark model is asked for.
    """
    choices = dict(zip(ROLES, (detector, landmarks, embedder), strict=True))
    families = dict(zip(ROLES, (detector_family, landmarks_family, embedder_family), strict=True))
    for role in ROLES:
        _check_family(role, choices[role], families[role])
    names = pack(_pack_of(choices, families) if models is None else models)

    def choose(role: str, kind: type, default: str) -> Any:
        choice, family = choices[role], families[role]
        if choice is False:
            return None
        if choice is None:
            require_pulled(default, by=models or DEFAULT_PACK)
            choice = default
        model = choice
        if isinstance(choice, str | PathLike):
            model = load(choice, family=family, providers=providers, n_threads=n_threads)
        if not isinstance(model, kind):
            raise TypeError(
                f"{role} must be {_KINDS[kind]}: a name, a path or a loaded one; or None (the default) or False (off); "
                f"got {_told(choice, model)}"
            )
        return model

    finds = choose("detector", Detector, names[0])
    embeds = choose("embedder", Embedder, names[2])
    of_detector = landmarks == OF_DETECTOR or (landmarks is None and names[1] == OF_DETECTOR)
    if of_detector and (finds is None or finds.scheme is None):
        which = "there is no detector" if finds is None else f"the detector {finds.name} gives none"
        raise ValueError(f"the points of the detector are to be taken, but {which}; name a model for landmarks=")
    if of_detector or (landmarks is None and models is None and _brings_points(finds, embeds, names[0])):
        choices["landmarks"] = False
    chain = Chain(finds, choose("landmarks", Landmarker, names[1]), embeds)
    if chain.embedder is not None and scheme_for(chain.embedder, chain.scheme) is None:
        got = "landmarks=False" if chain.scheme is None else f"landmarks of the scheme {chain.scheme!r}"
        if chain.scheme is not None and chain.landmarks is None:
            got = f"landmarks=False and the detector's own, of the scheme {chain.scheme!r}"
        raise ValueError(
            f"the embedder {chain.embedder.name} aligns faces by landmarks of "
            f"{' or '.join(chain.embedder.schemes)}, got {got}; choose others or pass embedder=False"
        )
    return chain


def scheme_for(embedder: Embedder, scheme: str | None) -> str | None:
    """Which of the embedder's schemes these points are brought to, if need be; None if that cannot be."""
    if scheme is None or scheme in embedder.schemes:
        return scheme
    return next((own for own in embedder.schemes if can_convert(scheme, own)), None)


def _told(choice: Any, model: Any) -> str:
    """What was given in place of a model of another kind, for a message."""
    given = repr(os.fspath(choice) if isinstance(choice, PathLike) else choice)
    return next((f"{given}, which is {words}" for kind, words in _KINDS.items() if isinstance(model, kind)), given)


def _brings_points(detector: Detector | None, embedder: Embedder | None, default: str) -> bool:
    """Whether faces get this detector's own points if no landmark model is asked for.

    Not those of the default, as the default landmark model was chosen for its boxes.
    """
    if detector is None or detector.scheme is None or detector.family == find(default).family:
        return False
    return embedder is None or scheme_for(embedder, detector.scheme) is not None


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
