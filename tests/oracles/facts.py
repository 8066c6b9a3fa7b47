"""What was said about faces, by brute force: every pair, every fact, in the order in which they were said."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations


@dataclass
class SlowFacts:
    """Facts over faces 0 .. n - 1 as lists of pairs. A contradiction is found by looking at all chains."""

    n: int
    said: list[tuple[str, frozenset[int], frozenset[int]]] = field(default_factory=list)

    def pairs(self) -> tuple[set[frozenset[int]], set[frozenset[int]]]:
        """Pairs that are one person, with all that follows, and pairs that were said to be two."""
        same = {frozenset((i,)) for i in range(self.n)}
        for kind, faces, _ in self.said:
            if kind == "same":
                same |= {frozenset(pair) for pair in combinations(faces, 2)}
        while True:
            more = {
                frozenset((a, c))
                for first in same if len(first) == 2
                for second in same if len(second) == 2 and first & second and first != second
                for a in first - second
                for c in second - first
            }  # fmt: skip
            if more <= same:
                break
            same |= more
        different = {
            frozenset((a, b)) for kind, faces, others in self.said if kind == "different" for a in faces for b in others
        }
        return same, different

    def contradicts(self) -> bool:
        same, different = self.pairs()
        return bool(same & different)

    def add(self, kind: str, faces: set[int], others: set[int]) -> bool:
        """Whether the fact was taken."""
        self.said.append((kind, frozenset(faces), frozenset(others)))
        if self.contradicts():
            self.said.pop()
            return False
        return True
