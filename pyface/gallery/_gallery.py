"""Names, their faces, and the answer to "who is this?"."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _threads
from pyface._typing import FloatArray
from pyface.album.names import check_name
from pyface.errors import GalleryError, ModelNotFoundError, counted
from pyface.gallery import _files
from pyface.gallery._calibration import Calibration, fitted
from pyface.gallery._enrolled import Enrolled
from pyface.gallery._results import Identified, Verified
from pyface.gallery._rules import RULES, NameSearch, means
from pyface.gallery._search import FaceSearch
from pyface.gallery._whose import comparison, name_of, refuse_other
from pyface.kernels import pairs
from pyface.kernels.distance import METRICS

if TYPE_CHECKING:
    from pyface.album.album import Album
    from pyface.models import Embedder

__all__ = ["Gallery"]


class Gallery:
    """People by name, each with the vectors of one face or several, and who is nearest to a face.

    embedder : of which the vectors are: a loaded one, one of :func:`pyface.models.catalog` or a family by name, or a
        name of your own with its ``metric``. Vectors of other embedders mean something else: galleries, analyzers and
        files of others are refused by name (:class:`pyface.errors.GalleryError`).
    metric : ``"cosine"``, ``"euclidean"`` or ``"sqeuclidean"``; None is the embedder's.
    threshold : the greatest distance, inclusive, at which a face gets a name. None is that of
        :func:`pyface.cluster.for_embedder`; :meth:`calibrate` fits one to a rate of false positives, which is better.
    rule : how near a name is whose faces are several. ``"nearest"``: as its nearest face. ``"mean"``: as the mean of
        its faces (of their unit vectors, under cosine), in the dtype of the rows. ``"k_of_n"``: as its ``votes``-th
        nearest face, or the farthest if it has fewer: so many of its faces must be within the threshold.
    n_threads : None is ``PYFACE_NUM_THREADS`` or all usable CPUs.

    Distances are those of :func:`pyface.nearest_neighbors`, in float64 on the rows as given; names at equal distances
    are in the order of the faces that decide (for the mean, of the names): what was enrolled first comes first.
    Results do not depend on ``n_threads``. Memory: the vectors, and what searching them takes.

    rule, votes and threshold may be set. models : names of the models that find and embed the faces, by which the
    commands go on; :func:`pyface.gallery.enroll_photos` sets it. calibration : what the threshold was fitted to, None
    if it was not.
    """

    def __init__(
        self,
        embedder: str | Embedder,
        *,
        metric: str | None = None,
        threshold: float | None = None,
        rule: str = "nearest",
        votes: int = 2,
        n_threads: int | None = None,
    ) -> None:
        self.embedder = name_of(embedder)
        self.embedder_digest: str | None = getattr(embedder, "digest", None)
        self.dimension: int | None = getattr(embedder, "dimension", None)
        known = comparison(embedder)
        if metric is None and known is None:
            raise ModelNotFoundError(
                f"no embedder named {self.embedder!r} is known; give its metric, or pass the loaded embedder"
            )
        self.metric = _check.choice(known[0] if metric is None and known else metric, "metric", METRICS)
        self.models: dict[str, Any] = {}
        self.calibration: Calibration | None = None
        self.made_by: str | None = None
        self.n_threads = n_threads
        self.rule, self.votes = rule, votes
        self.threshold = known[1] if threshold is None and known and known[0] == self.metric else threshold
        self._enrolled = Enrolled.nobody(self.dimension or 1)
        self._searches: dict[object, NameSearch] = {}
        self._home: tuple[str, str] | None = None
        self._sources: list[Callable[[str, str], None]] = []

    # --- who is in it --------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Who is enrolled, in the order of their first faces."""
        return tuple(self._enrolled.names)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(n_names,) how many faces each name has."""
        return np.bincount(self._enrolled.all()[1], minlength=len(self)).astype(np.int64)

    @property
    def n_faces(self) -> int:
        """How many faces are enrolled."""
        return self._enrolled.n_rows

    def __len__(self) -> int:
        return len(self._enrolled.names)

    def __contains__(self, name: object) -> bool:
        return self._enrolled.number(name) is not None

    def __repr__(self) -> str:
        names = counted(len(self), "name")
        return f"<Gallery of {self.embedder!r}: {names}, {counted(self.n_faces, 'face')}, rule {self.rule!r}>"

    @property
    def rule(self) -> str:
        """``"nearest"``, ``"mean"`` or ``"k_of_n"``."""
        return self._rule

    @rule.setter
    def rule(self, rule: str) -> None:
        self._rule = _check.choice(rule, "rule", RULES)
        self.calibration = None

    @property
    def votes(self) -> int:
        """How many faces of a name decide, for the rule ``"k_of_n"``."""
        return self._votes

    @votes.setter
    def votes(self, votes: int) -> None:
        self._votes = _check.integer(votes, "votes", minimum=1)
        self.calibration = None

    @property
    def threshold(self) -> float | None:
        """The greatest distance at which a face gets a name; None if none is known."""
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: float | None) -> None:
        self._threshold = None if threshold is None else _distance(threshold)
        self.calibration = None

    def require(self, embedder: str | Embedder) -> None:
        """:class:`pyface.errors.GalleryError`, with both names, unless the vectors are those of this embedder.

        Where both digests are known they decide, else the names.
        """
        refuse_other(self.embedder, self.embedder_digest, name_of(embedder), getattr(embedder, "digest", None))

    # --- enrolling -----------------------------------------------------------------------------------------------

    def enroll(self, name: str, embeddings: FloatArray) -> int:
        """Add faces of a person; one who is enrolled already has them beside those from before.

        name : as :meth:`pyface.album.album.Album.name` takes it: one line, at most 200 characters.
        embeddings : (n, d) float32, float64 or float16, one face a row, at least one; or (d,), one face.

        Returns how many faces are new: a vector that the person has already is not added twice.
        ValueError for a name that cannot be used, and for rows as in :func:`pyface.cosine_distances`; TypeError for
        other dtypes. Nothing is added then.
        """
        who = check_name(name, may_be_number=True)
        rows = self._checked(embeddings, "embeddings")
        if len(rows) == 0:
            raise ValueError(f"embeddings has no rows: {who!r} needs one face at least")
        return self._add([who], rows, np.zeros(len(rows), np.int64))

    def _add(self, names: list[str], rows: FloatArray, owner: NDArray[np.int64]) -> int:
        n_new = self._enrolled.add(names, rows, owner)
        if n_new:
            self.dimension = rows.shape[1]
            self._changed()
        return n_new

    def remove(self, name: str) -> int:
        """Take a person out with all faces; returns how many those were. ValueError if nobody is called so.

        A file that was saved keeps them until :meth:`save`.
        """
        n_gone = self._enrolled.remove(self._numbered(name))
        self._changed()
        return n_gone

    def merge(self, other: Gallery) -> int:
        """Add everybody in another gallery of the same embedder, which stays as it is; returns how many faces are new.

        One name is one person in both. Rule, threshold and models stay those of this one.
        :class:`pyface.errors.GalleryError` for a gallery of another embedder or metric.
        """
        if not isinstance(other, Gallery):
            raise TypeError(f"other must be a Gallery, got {type(other).__name__}")
        refuse_other(self.embedder, self.embedder_digest, other.embedder, other.embedder_digest)
        if other.metric != self.metric:
            raise GalleryError(f"the gallery compares by {self.metric}, the other one by {other.metric}")
        self._sources += [source for source in other._sources if source not in self._sources]
        if not len(other):
            return 0
        rows, owner = other._enrolled.all()
        self._checked(rows[:1], "other")
        return self._add(list(other.names), rows, owner)

    @classmethod
    def from_album(
        cls, album: Album, *, rule: str = "nearest", votes: int = 2, n_threads: int | None = None
    ) -> Gallery:
        """The people of an album who have a name, with all their faces that are not hidden.

        album : as :func:`pyface.load_album` gives it. Of two people of one name the second is ``name~2``. The threshold
        is the embedder's, if it is known by name. What :meth:`save` writes is noted in the album, so that
        ``pyface forget`` can say what it does not reach. ValueError if nobody has a name.
        """
        from pyface.gallery._albums import named_people, of_album

        return of_album(cls, album, named_people(album), rule=rule, votes=votes, n_threads=n_threads)

    # --- asking --------------------------------------------------------------------------------------------------

    def identify(self, embeddings: FloatArray, k: int = 1, threshold: float | None = None) -> Identified:
        """The ``k`` nearest names of each face, and the nearest as its name if it is within the threshold.

        embeddings : (m, d) float32, float64 or float16; or (d,), one face.
        k : from 1 to the number of names. threshold : inclusive, in the gallery's metric; None is the gallery's.

        Time O(m n d), of which codes of a few bits decide most; memory O(m k). Errors as in :meth:`enroll`; ValueError
        if nobody is enrolled, for a k outside its range, and without any threshold.
        """
        queries = self._checked(embeddings, "embeddings")
        limit = self._limit(threshold)
        if not len(self):
            raise ValueError("the gallery is empty: nobody is enrolled")
        count = _check.integer(k, "k", minimum=1, maximum=len(self), why=", the number of names")
        names, distances = self._search().nearest(queries, count, _threads.resolve(self.n_threads))
        candidates = tuple(tuple(self._enrolled.names[i] for i in row) for row in names.tolist())
        is_known = (distances[:, 0] <= limit).tolist()
        best = tuple(row[0] if known else None for row, known in zip(candidates, is_known, strict=True))
        return Identified(best, candidates, distances, limit)

    def verify(self, name: str, embedding: FloatArray, threshold: float | None = None) -> Verified:
        """Whether a face, (d,) or (1, d), is that of the person called ``name``: nobody else is looked at.

        Errors as in :meth:`identify`; ValueError if nobody is called so, and for another number of faces than one.
        """
        number, limit = self._numbered(name), self._limit(threshold)
        query = self._checked(embedding, "embedding")
        if len(query) != 1:
            raise ValueError(f"embedding must be of one face, got {len(query)} rows")
        found = float(self._search().distances_to(number, query, _threads.resolve(self.n_threads))[0])
        return Verified(found <= limit, found, limit)

    def calibrate(
        self,
        impostors: FloatArray,
        fpir: float = 0.01,
        *,
        labels: Any = None,
        n_bootstrap: int = 1000,
        confidence: float = 0.95,
        random_state: int = 0,
    ) -> Calibration:
        """Set the threshold at which strangers get a name at a rate of ``fpir`` at most, and say what it meets.

        impostors : (m, d), faces of people who are not enrolled. fpir : in (0, 1].
        labels : (m,) integers or strings, who they are, if some are of one person: the interval is then by people, of
            ``n_bootstrap`` draws; without them every face counts as somebody else's.

        The threshold is the a-th smallest of the distances of impostors to the name nearest to each, a being the most
        of m that are a share of at most ``fpir``; of strangers to come, (a / (m + 1)) are within it on average. It
        holds for this gallery, rule and kind of photos.

        ValueError, with how many are needed, for too few impostors, and for one who is enrolled with the same vector.
        """
        rows = self._checked(impostors, "impostors")
        if not len(self):
            raise ValueError("the gallery is empty: nobody is enrolled whom a stranger could be taken for")
        names, distances = self._search().nearest(rows, 1, _threads.resolve(self.n_threads))
        same = np.flatnonzero(distances[:, 0] == 0)
        if same.size:
            who = self._enrolled.names[int(names[same[0], 0])]
            raise ValueError(f"impostors: row {same[0]} is a face that {who!r} is enrolled with; leave it out")
        found = fitted(
            distances[:, 0], fpir, labels, n_bootstrap=n_bootstrap, confidence=confidence, random_state=random_state,
            n_names=len(self), n_faces=self.n_faces,
        )  # fmt: skip
        self.threshold = found.threshold
        self.calibration = found
        return found

    # --- on disk -------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the gallery to the folder ``path``: ``.npy``, JSON, nothing pickled; for its owner alone (0700, 0600).

        All or nothing: files get new names, then ``gallery.json``, which lists them with their digests, takes the
        place of the one before by a rename, and files of before go.

        overwrite : another gallery that is there is replaced. Without it only the one that this was loaded from or
        saved to, as it was then: :class:`pyface.errors.GalleryError` if somebody else has written to it since.
        :class:`pyface.errors.OutputFolderError` for a folder that holds something else, or cannot be written.
        """
        folder = os.path.abspath(_check.path_text(path, "path"))
        for note in self._sources:  # before the first file, so that none is made unknown
            note(folder, "gallery")
        rows, owner = self._enrolled.all()
        facts = {name: getattr(self, name) for name in _files.SETTINGS}
        expected = self._home[1] if self._home is not None and self._home[0] == os.path.realpath(folder) else None
        stored = _files.Stored(facts, self.calibration, self._enrolled.names, rows, owner)
        digest = _files.write(folder, stored, expected=expected, overwrite=_check.flag(overwrite, "overwrite"))
        self._home = os.path.realpath(folder), digest

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        embedder: str | Embedder | None = None,
        check: bool = True,
        n_threads: int | None = None,
    ) -> Self:
        """The gallery that :meth:`save` wrote, its vectors mapped into memory, for reading only.

        embedder : whose vectors they must be, see :meth:`require`. check : compare the digests of all bytes, which
        reads the files once; without it those of ``gallery.json`` and the names, and sizes.

        :class:`pyface.errors.GalleryError` for what is no gallery, missing, truncated, changed, of another version or
        of another embedder.
        """
        folder = os.path.abspath(_check.path_text(path, "path"))
        stored, digest = _files.read(folder, check=_check.flag(check, "check"))
        facts = stored.settings
        new = cls(facts["embedder"], metric=facts["metric"], n_threads=n_threads)
        for name in _files.SETTINGS:
            setattr(new, name, facts[name])
        new.calibration = stored.calibration
        new._enrolled = Enrolled(stored.names, stored.rows, stored.owner)
        new._home = os.path.realpath(folder), digest
        if embedder is not None:
            new.require(embedder)
        return new

    # --- inside --------------------------------------------------------------------------------------------------

    def _checked(self, value: Any, name: str) -> FloatArray:
        array = value[None] if isinstance(value, np.ndarray) and value.ndim == 1 else value
        rows = pairs.usable_rows(array, self.metric, _threads.resolve(self.n_threads), name=name)
        if self.dimension is not None and rows.shape[1] != self.dimension:
            raise ValueError(
                f"{name} must have {self.dimension} columns, as vectors of {self.embedder} have, got {rows.shape[1]}; "
                "vectors of another embedder cannot be compared"
            )
        return rows

    def _limit(self, threshold: float | None) -> float:
        if threshold is not None:
            return _distance(threshold)
        if self._threshold is None:
            raise ValueError(f"threshold: none is known for {self.embedder}; give one, or calibrate the gallery")
        return self._threshold

    def _numbered(self, name: str) -> int:
        number = self._enrolled.number(check_name(name, may_be_number=True))
        if number is None:
            raise ValueError(f"nobody is enrolled as {name!r}; Gallery.names ('pyface gallery list') has all names")
        return number

    def _changed(self) -> None:
        self._searches.clear()
        self.made_by = None

    def _search(self) -> NameSearch:
        key = self._rule, self._votes if self._rule == "k_of_n" else 1
        if key not in self._searches:
            rows, owner = self._enrolled.all()
            needed = np.ones(len(self), np.int64)
            if self._rule == "mean":
                rows, owner = means(rows, owner, self._enrolled.names, self.metric), np.arange(len(needed))
            elif self._rule == "k_of_n":
                needed = np.minimum(np.bincount(owner, minlength=len(needed)), self._votes)
            self._searches[key] = NameSearch(FaceSearch(rows, self.metric), owner, needed)
        return self._searches[key]


def _distance(threshold: Any) -> float:
    return _check.number(threshold, "threshold", minimum=0.0)
