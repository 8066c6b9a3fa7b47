"""What an album's people are made from, and what is remembered of how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Boxes, Labels
from pyface.album import kept
from pyface.album.close_calls import CloseCall, close_calls
from pyface.album.counted import Counted, key_of
from pyface.album.facts import FaceKey, Fact, Journal
from pyface.album.links import Heard, Links, Rows, links
from pyface.album.people import Grouping, group_faces, number_by_size
from pyface.album.same_photo import SamePhoto
from pyface.album.space import Space
from pyface.album.standing import Question, Standing, stand, stand_again
from pyface.album.work import WorkFile

# From so many faces on, a second more to load an album is better spent than at the first answer.
_LARGE = 5000


class FaceKeys:
    """Each face of an album as facts know it. Few are ever asked for, so that none is made before."""

    def __init__(self, digests: list[bytes], boxes: Boxes, photos: Sequence[str]) -> None:
        self.digests = digests
        self._boxes, self._photos = boxes, photos

    def __getitem__(self, row: int) -> FaceKey:
        x1, y1, x2, y2 = self._boxes[row].tolist()
        return FaceKey(self.digests[row], (x1, y1, x2, y2), self._photos[row])


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Who belongs together: (n,) numbers by size, which faces were set aside, and what was said of the faces.

    standing : how that came about, where it is known in full.
    """

    labels: Labels
    set_aside: NDArray[np.bool_]
    rules: Links
    standing: Standing | None


@dataclass(slots=True, eq=False)
class _Memory:
    """What answers to one album leave for the next answer. It saves time and never changes a result."""

    heard: Heard = field(default_factory=Heard)
    question: Question | None = None
    standing: Standing | None = None
    links: tuple[list[Fact], Links] | None = None
    counted: Counted | None = None
    # What the record keeps, and of which faces.
    key: str | None = None
    kept: Standing | None = None
    kept_counted: Counted | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What an album's people are made from, so that they can be made again.

    photos : (n,) number of each face's photo, not decreasing.       keys : each face as facts know it.
    embedder : its name and its own threshold for average linkage.
    """

    space: Space
    grouping: Grouping
    photos: Labels
    quality: NDArray[np.float64]
    keys: FaceKeys
    rows: Rows
    journal: Journal
    embedder: tuple[str, float]
    _memory: _Memory = field(default_factory=_Memory)

    @property
    def heard(self) -> Heard:
        """Facts as they were looked at last."""
        return self._memory.heard

    def links(self) -> Links:
        """The rules of what was said so far."""
        facts = self.journal.facts()
        known = self._memory.links
        if known is None or known[0] != facts:
            known = self._memory.links = (facts, links(self.journal, self.rows, self.heard))
        return known[1]

    def take_over(self, work: WorkFile) -> None:
        """Begin with how the faces stood when the record was last written."""
        if self._can_stand and len(self.space):
            memory = self._memory
            memory.key = kept.key_of(self.space)
            data = work.standing(memory.key)
            found = None if data is None else kept.from_bytes(data)
            if found is not None:
                memory.standing, memory.counted = found
                memory.kept, memory.kept_counted = found

    def get_ready(self) -> None:
        """Do now what the first answer to a large album would wait for."""
        standing = self._memory.standing
        if standing is not None and standing.near is not None and len(self.space) >= _LARGE:
            import scipy.sparse  # noqa: F401

            self._question()
            standing.near.of(np.zeros(len(self.space), np.bool_))

    def to_keep(self) -> tuple[str, bytes] | None:
        """What the record is to keep: of which faces, and how they stand. None: what it keeps already does."""
        memory = self._memory
        standing, counted = memory.standing, memory.counted
        if standing is None or memory.key is None:
            return None
        if memory.kept is not None and standing.threshold < memory.kept.threshold:
            standing = memory.kept  # what is known of larger thresholds serves for smaller ones, too
        if standing is memory.kept and counted is memory.kept_counted:
            return None
        data = kept.to_bytes(standing, counted)
        return None if data is None else (memory.key, data)

    @property
    def _can_stand(self) -> bool:
        grouping = self.grouping
        is_average = grouping.algorithm == "average" and self.space.metric != "euclidean"
        return is_average and grouping.threshold is not None

    def group(self, rules: Links) -> Grouped:
        """Group the faces; of those who are known as they stand only whom new rules touch."""
        memory = self._memory
        if self._can_stand and len(self.space) > 1:
            question = self._question()
            standing = memory.standing
            if standing is not None and standing.threshold >= question.threshold:
                standing = stand_again(question, rules, standing)
            else:
                standing = stand(question, rules)
            memory.standing = standing
            return Grouped(number_by_size(standing.labels), standing.set_aside, rules, standing)
        labels, set_aside = group_faces(
            self.space.embeddings,
            self.grouping,
            metric=self.space.metric,
            photos=self.photos,
            quality=self.quality,
            rules=rules,
            n_threads=self.space.n_threads,
        )
        return Grouped(labels, set_aside, rules, None)

    def stored(self, labels: Labels, set_aside: NDArray[np.bool_]) -> Grouped:
        """People as the record has them."""
        return Grouped(labels, set_aside, self.links(), None)

    def close_calls(self, grouped: Grouped, numbers: Labels) -> tuple[CloseCall, ...]:
        """The close calls among the faces that are people's, who have these numbers (n,)."""
        if grouped.standing is not None:
            return tuple(grouped.standing.close_calls(self._question(), grouped.rules, numbers))
        rows = np.flatnonzero(~(grouped.set_aside | grouped.rules.nobody))
        photos = self.photos[rows] if self.grouping.same_photo_different_people else None
        calls = close_calls(
            self.space.embeddings[rows],
            numbers[rows],
            metric=self.space.metric,
            threshold=self.grouping.threshold,
            apart=grouped.rules.kept_apart(photos, rows),
            n_threads=self.space.n_threads,
        )
        return tuple(replace(call, face_id=int(rows[call.face_id])) for call in calls)

    def standing(self, rules: Links) -> Standing | None:
        """How the faces stand under these rules; None where that is not known without a look at all pairs."""
        known = self._memory.standing
        if known is None or known.near is None or not self._can_stand:
            return None
        return self.group(rules).standing if known.threshold >= self._question().threshold else None

    def counted(self, rules: Links) -> Counted:
        """What is known of how many people there are at which thresholds, under these rules."""
        known, question = self._memory.counted, self._question()
        key = key_of(self.grouping, self.embedder, self.quality, question.rules(rules), rules)
        return known if known is not None and known.key == key else Counted(key, {})

    def remember(self, counted: Counted) -> None:
        """Keep what was counted."""
        self._memory.counted = counted

    def question_at(self, threshold: float) -> Question:
        """What would be asked if this were the threshold that the album is grouped anew with."""
        grouping = replace(self.grouping, threshold=threshold, poor_limit=None, doubtful_below=None, stay_limit=None)
        name, average_threshold = self.embedder
        grouping = grouping.for_embedder(name, self.space.metric, average_threshold)
        return replace(
            self._question(),
            threshold=threshold,
            poor_limit=grouping.poor_limit or 0.0,
            doubtful=self.quality < (grouping.doubtful_below or 0.0),
            stay_limit=grouping.stay_limit or 0.0,
        )

    def _question(self) -> Question:
        if self._memory.question is None:
            grouping, space = self.grouping, self.space
            assert grouping.threshold is not None
            same_photo = None
            if grouping.same_photo_different_people:
                limit = grouping.picture_limit if grouping.same_photo_different_people == "auto" else None
                same_photo = SamePhoto(space.embeddings, self.photos, metric=space.metric, limit=limit)
            self._memory.question = Question(
                space, grouping.threshold, self.quality < (grouping.min_quality or 0.0), grouping.poor_limit or 0.0,
                self.quality < (grouping.doubtful_below or 0.0), grouping.stay_limit or 0.0, self.photos, same_photo,
            )  # fmt: skip
        return self._memory.question
