"""Tables of clusters and identities: an example by hand, loops over rows, noise, order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyface import metrics

TRUE = ["ann", "ann", "ann", "bob", "bob", "cid", "cid", "cid"]
PRED = [0, 0, 1, 1, 1, -1, -1, 2]


def test_clusters_by_hand() -> None:
    table = metrics.cluster_table(TRUE, PRED)
    assert len(table) == 3
    assert table.records() == [
        {"labels": 1, "sizes": 3, "n_identities": 2, "main_identity": "bob", "n_main": 2, "n_others": 1,
         "precision": pytest.approx(5 / 9)},
        {"labels": 0, "sizes": 2, "n_identities": 1, "main_identity": "ann", "n_main": 2, "n_others": 0,
         "precision": 1.0},
        {"labels": 2, "sizes": 1, "n_identities": 1, "main_identity": "cid", "n_main": 1, "n_others": 0,
         "precision": 1.0},
    ]  # fmt: skip
    assert metrics.cluster_table(TRUE, PRED, noise="cluster").labels.tolist() == [1, -1, 0, 2]
    assert metrics.cluster_table(TRUE, PRED, n_worst=1).labels.tolist() == [1]
    assert len(metrics.cluster_table(TRUE, PRED, n_worst=0)) == 0


def test_identities_by_hand() -> None:
    table = metrics.identity_table(TRUE, PRED)
    assert table.labels.tolist() == ["cid", "ann", "bob"]
    assert table.n_clusters.tolist() == [3, 2, 1]
    assert table.main_cluster.tolist() == [2, 0, 1]  # of equal parts a cluster, not noise
    assert table.n_main.tolist() == [1, 2, 2]
    assert table.n_elsewhere.tolist() == [2, 1, 0]
    assert table.n_noise.tolist() == [2, 0, 0]
    assert table.recall.tolist() == pytest.approx([3 / 9, 5 / 9, 1])
    together = metrics.identity_table(TRUE, PRED, noise="cluster")
    assert dict(zip(together.labels.tolist(), together.main_cluster.tolist(), strict=True))["cid"] == -1
    dropped = metrics.identity_table(TRUE, PRED, noise="drop", n_worst=2)
    assert dropped.labels.tolist() == ["ann", "bob"]
    assert dropped.n_noise.tolist() == [0, 0]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 6)), max_size=40), st.sampled_from(["singletons", "drop"]))
def test_by_loops(pairs: list[tuple[int, int]], noise: str) -> None:
    true, pred = [t for t, _ in pairs], [p for _, p in pairs]
    clusters = metrics.cluster_table(true, pred, noise=noise)
    assert sorted(clusters.labels.tolist()) == sorted(set(pred) - {-1})
    for row in clusters.records():
        inside = Counter(t for t, p in pairs if p == row["labels"])
        main = min(inside, key=lambda t: (-inside[t], t))
        assert (row["sizes"], row["n_identities"], row["main_identity"]) == (inside.total(), len(inside), main)
        assert (row["n_main"], row["n_others"]) == (inside[main], inside.total() - inside[main])
    wrong = list(zip((-clusters.n_others).tolist(), (-clusters.n_identities).tolist(), strict=True))
    assert wrong == sorted(wrong)
    numbered = [p if p >= 0 or noise == "drop" else -1 - i for i, p in enumerate(pred)]
    parts = list(zip(true, numbered, strict=True))
    identities = metrics.identity_table(true, pred, noise=noise)
    for row in identities.records():
        inside = Counter(p for t, p in parts if t == row["labels"] and (p >= 0 or noise != "drop"))
        assert (row["sizes"], row["n_clusters"]) == (inside.total(), len(inside))
        assert row["n_main"] == max(inside.values())
        assert row["n_noise"] == sum(p < 0 for p in inside)
        assert row["recall"] == pytest.approx(sum((c / row["sizes"]) ** 2 for c in inside.values()))
    if pairs:
        scored = metrics.evaluate(true, pred, noise=noise)
        weights = identities.sizes / max(1, scored.n_samples)
        assert scored.n_samples == 0 or weights @ identities.recall == pytest.approx(scored.bcubed_recall)


def test_nothing_and_refusals() -> None:
    assert metrics.cluster_table([], []).records() == metrics.identity_table([], []).records() == []
    assert len(metrics.identity_table([1], [-1], noise="drop")) == 0
    with pytest.raises(ValueError, match="n_worst must be at least 0"):
        metrics.cluster_table([1], [1], n_worst=-1)
    with pytest.raises(ValueError, match="noise must be one of"):
        metrics.identity_table([1], [1], noise="")
