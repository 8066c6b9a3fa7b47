"""Numbers that survive, from the definition: look through all pairs for the best one, again and again."""

from __future__ import annotations


def relabel(old: list[int], new: list[int]) -> list[int]:
    given: dict[int, int] = {}
    while True:
        best = None
        for a in set(old) - {-1} - set(given.values()):
            for b in set(new) - {-1} - set(given):
                shared = sum(o == a and m == b for o, m in zip(old, new, strict=True))
                if shared and (best is None or (-shared, a, b) < best):
                    best = (-shared, a, b)
        if best is None:
            break
        given[best[2]] = best[1]
    following = max(old, default=-1) + 1
    for b in new:
        if b >= 0 and b not in given:
            given[b] = following
            following += 1
    return [given.get(b, -1) for b in new]
