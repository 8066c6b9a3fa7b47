"""From the record of work and the facts to an album: read, grouped, named; and grouped again after an answer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels
from pyface.album.album import Album, many_objects, timed
from pyface.album.basis import Basis, FaceKeys
from pyface.album.close_calls import CloseCall
from pyface.album.faces import AlbumFaces, PhotoInfo
from pyface.album.facts import FILE_NAME as FACTS_FILE
from pyface.album.facts import Journal
from pyface.album.layout import WAY_OUT
from pyface.album.links import Links, Rows
from pyface.album.names import name_people
from pyface.album.people import Grouping, keep_numbers
from pyface.album.records import FaceTable, RunInfo
from pyface.album.run import ProgressCallback
from pyface.album.space import Space
from pyface.album.work import WorkFile, in_order
from pyface.analysis.quality import face_quality, vector_lengths
from pyface.errors import ModelNotFoundError, OutputFolderError, counted
from pyface.models.catalog import find
from pyface.photos.finding import Skipped


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What the record of work holds."""

    faces: AlbumFaces
    embeddings: Embeddings
    photos: tuple[PhotoInfo, ...]
    skipped: tuple[Skipped, ...]
    thumbnails: str | dict[tuple[str, int], bytes]
    info: RunInfo
    basis: Basis


def album_of(
    work: WorkFile,
    path: str | None,
    info: RunInfo,
    grouping: Grouping,
    *,
    keep: bool,
    n_threads: int,
    clock: dict[str, float],
    progress: ProgressCallback | None,
) -> Album:
    """Group the faces of a record. ``path`` is its file, None if it is in memory; ``keep`` lets old numbers survive."""
    grouping = grouping.for_embedder(info.settings["embedder"], info.metric, info.cluster_threshold)
    with timed(clock, "read record"), many_objects():
        read = _read(work, path, info, grouping, n_threads)
    basis = read.basis
    n = len(read.faces)
    if progress is not None:
        progress("people", 0, n)
    with timed(clock, "cluster"):
        rules = basis.links()
        grouped = basis.group(rules)
        labels = keep_numbers(work.people()[0], grouped.labels) if keep else grouped.labels
        calls = basis.close_calls(grouped, labels)
    if progress is not None:
        progress("people", n, n)
    settings = {**asdict(grouping), "metric": info.metric, **info.settings, "n_threads": n_threads}
    seconds = {name: round(value, 3) for name, value in clock.items()}
    return _assembled(read, rules, labels, grouped.set_aside, calls, settings, seconds)


def stored_album(work: WorkFile, path: str, info: RunInfo, *, n_threads: int) -> Album:
    """The album as its last run left it, with the names of today. OutputFolderError if no run got so far."""
    described = work.grouping()
    labels, set_aside = work.people()
    try:
        settings = dict(described["settings"])
        names = Grouping.__dataclass_fields__
        grouping = Grouping(**{name: settings[name] for name in names})
        calls = tuple(CloseCall(**call) for call in described["close_calls"])
        seconds = dict(described["seconds"])
    except (KeyError, TypeError) as error:
        raise OutputFolderError(f"{path}: holds no people yet; run 'pyface recluster' on its folder first") from error
    with many_objects():
        read = _read(work, path, info, grouping, n_threads)
    read.basis.get_ready()
    if (labels < 0).any():
        raise OutputFolderError(f"{path}: the last run did not end; run 'pyface recluster' on its folder first")
    return _assembled(read, read.basis.links(), labels, set_aside, calls, settings, seconds)


def regrouped(album: Album, basis: Basis) -> Album:
    """The album after something was said about its faces; people keep their numbers."""
    rules = basis.links()
    grouped = basis.group(rules)
    labels = keep_numbers(album.labels, grouped.labels)
    calls = basis.close_calls(grouped, labels)
    return _named(replace(album, labels=labels, set_aside=grouped.set_aside, close_calls=calls), rules)


def renamed(album: Album, basis: Basis) -> Album:
    """The album after something was said that moves no face."""
    return _named(album, basis.links())


def _named(album: Album, rules: Links) -> Album:
    named = name_people(album.labels, rules)
    numbers = sorted(rules.names)
    called = np.array(["", *map(rules.names.__getitem__, numbers)], object)
    places = np.searchsorted(np.array(numbers, np.int64), named.person) + 1
    persons = tuple(called[np.where(named.person < 0, 0, places)].tolist())
    notes = (*_broken(rules), *named.notes, *_waiting(rules))
    return replace(album, persons=persons, hidden=named.hidden, notes=notes)


def _broken(rules: Links) -> tuple[str, ...]:
    """Facts that cannot all hold: they speak of one face now that were two when they were said."""
    return tuple(
        f"faces {a} and {b} were said to be different people and are one by other facts: they stay together"
        for a, b in rules.broken
    )


def _waiting(rules: Links) -> tuple[str, ...]:
    """Facts about faces that are not here: photos that are gone, or another detector that does not find them."""
    if not rules.n_waiting:
        return ()
    faces = counted(rules.n_waiting, "face that was", "faces that were")
    return (f"names and answers are kept of {faces} not found here: the photo is gone, or the box is another",)


def _assembled(
    read: _Read,
    rules: Links,
    labels: Labels,
    set_aside: NDArray[np.bool_],
    calls: Sequence[CloseCall],
    settings: dict[str, Any],
    seconds: dict[str, float],
) -> Album:
    album = Album(
        faces=read.faces,
        labels=labels,
        embeddings=read.embeddings,
        photos=read.photos,
        skipped=read.skipped,
        settings=settings,
        models=read.info.models,
        close_calls=tuple(calls),
        seconds=seconds,
        title=read.info.title,
        quality=read.basis.quality,
        set_aside=set_aside,
        left_out=read.info.left_out,
        _thumbnails=read.thumbnails,
        _basis=read.basis,
    )
    return _named(album, rules)


def _read(work: WorkFile, path: str | None, info: RunInfo, grouping: Grouping, n_threads: int) -> _Read:
    infos = work.photos()
    table = work.faces()
    n = len(table.photos)
    if n and (table.embeddings.shape[1], table.boxes.shape[1]) != (info.dimension, 4):
        raise OutputFolderError(f"{path}: the record of work is damaged; {WAY_OUT}")
    embeddings = table.embeddings.reshape(n, info.dimension)
    positions = _positions(table.photos)
    digests = {name: digest for name, _, _, _, digest in infos}
    photos = np.cumsum(np.array(positions, np.int64) == 0)
    keys = FaceKeys([digests[name] for name in table.photos], table.boxes, table.photos)
    basis = Basis(
        Space(embeddings, info.metric, n_threads),
        grouping,
        photos,
        _quality(table, embeddings, info),
        keys,
        Rows(keys.digests, photos, table.boxes),
        Journal(None if path is None else os.path.join(os.path.dirname(path), FACTS_FILE)),
        (info.settings["embedder"], info.cluster_threshold),
    )
    basis.take_over(work)
    unread = [Skipped(name, error) for name, _, _, error, _ in infos if error is not None]
    return _Read(
        faces=AlbumFaces(
            table.photos, positions, table.boxes, table.scores, table.landmarks, table.schemes, embeddings
        ),
        embeddings=embeddings,
        photos=tuple(PhotoInfo(name, width, height) for name, width, height, error, _ in infos if error is None),
        skipped=tuple(in_order([*work.skipped(), *unread])),
        thumbnails=path
        or {
            (name, position): work.thumbnail(name, position)
            for name, position in zip(table.photos, positions, strict=True)
        },
        info=info,
        basis=basis,
    )


def _quality(table: FaceTable, embeddings: Embeddings, info: RunInfo) -> NDArray[np.float64]:
    """Quality of the faces of a record. Runs before version 3 measured no sharpness: there it is not known."""
    quality = np.zeros(len(table.photos))
    by_scheme: dict[tuple[str, int], list[int]] = {}
    for i, (scheme, landmarks) in enumerate(zip(table.schemes, table.landmarks, strict=True)):
        by_scheme.setdefault((scheme, len(landmarks)), []).append(i)
    lengths = vector_lengths(embeddings)
    for (scheme, _), rows in by_scheme.items():
        quality[rows] = face_quality(
            np.asarray(table.landmarks) if len(rows) == len(quality) else np.array([table.landmarks[i] for i in rows]),
            scheme or None,
            scores=table.scores[rows],
            detector=_detector_family(info),
            sharpness=table.sharpness[rows],
            lengths=lengths[rows],
            embedder=info.settings["embedder"],
        )
    return quality


def _detector_family(info: RunInfo) -> str | None:
    family: str | None = info.settings.get("detector_family")
    if family is None:
        with contextlib.suppress(ModelNotFoundError):  # a model of the user's own
            family = find(info.settings["detector"]).family
    return family


def _positions(names: list[str]) -> list[int]:
    """0, 1, ... within each run of equal names."""
    positions: list[int] = []
    for i, name in enumerate(names):
        positions.append(positions[-1] + 1 if i and names[i - 1] == name else 0)
    return positions
