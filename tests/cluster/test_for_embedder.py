"""The recommended clusterer: for every embedder there is, by name and by object, and as albums do it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from oracles.linkage import partition
from sklearn.base import clone

from pyface import models
from pyface._embedders import COMPARISONS
from pyface.album.people import check_grouping, group_faces
from pyface.cluster import AgglomerativeClustering, for_embedder
from pyface.errors import ModelNotFoundError
from pyface.models.dlib.embedder import DlibResnet

# Those whose weights a package brings. The thresholds of the others are for whoever may use them to choose.
EMBEDDERS = [spec.name for spec in models.catalog() if spec.task == "embedder" and spec.package]


@dataclass
class Vectors:
    """All that is asked of an embedder."""

    metric: Any = "cosine"
    cluster_threshold: Any = 0.4


def test_every_embedder_is_known() -> None:
    assert list(COMPARISONS) == EMBEDDERS
    for comparison in COMPARISONS.values():
        assert comparison.metric in ("cosine", "euclidean", "sqeuclidean")
        assert min(comparison.cluster_threshold, comparison.pair_threshold) > 0


def test_the_embedder_says_the_same_of_itself() -> None:
    said = COMPARISONS["dlib-resnet"]
    embedder = DlibResnet(None, name="x.dat", family="dlib_resnet", digest="", size=150, dimension=128)  # type: ignore[arg-type]
    assert (
        (embedder.metric, embedder.cluster_threshold) == (said.metric, said.cluster_threshold) == ("sqeuclidean", 0.281)
    )
    assert embedder.pair_threshold == said.pair_threshold == 0.36
    assert for_embedder(embedder).get_params() == for_embedder("dlib-resnet").get_params()


def test_what_is_recommended() -> None:
    clusterer = for_embedder(Vectors("euclidean", 0.7))
    expected = AgglomerativeClustering(None, metric="euclidean", linkage="average", distance_threshold=0.7)
    assert type(clusterer) is AgglomerativeClustering
    assert clusterer.get_params() == clone(clusterer).get_params() == expected.get_params()


@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean"])
def test_it_clusters_as_albums_do(metric: str) -> None:
    rng = np.random.default_rng(5)
    people = rng.integers(0, 40, 300)
    x = rng.normal(size=(40, 32))[people] + 0.3 * rng.normal(size=(300, 32))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    threshold = 0.3 if metric == "cosine" else 0.6
    labels = for_embedder(Vectors(metric, threshold)).fit_predict(x)
    grouping = check_grouping("average", threshold, None, False)
    theirs, _ = group_faces(x, grouping, metric=metric, photos=np.arange(300), n_threads=1)
    assert partition(labels) == partition(theirs) == partition(people)


@pytest.mark.parametrize("name", ["dlib-resnt", "dlib", "dlib-mmod", ""])
def test_unknown_names(name: str) -> None:
    with pytest.raises(ModelNotFoundError, match=f"no embedder named '{name}'; known: dlib-resnet"):
        for_embedder(name)


@pytest.mark.parametrize("value", [None, 0.3, AgglomerativeClustering(), Vectors("cosine", None), Vectors(None, 0.3)])
def test_what_is_no_embedder(value: Any) -> None:
    with pytest.raises(TypeError, match="name_or_embedder must be the name of an embedder, or an object with"):
        for_embedder(value)


@pytest.mark.parametrize("vectors", [Vectors("l1"), Vectors("cosine", -1.0), Vectors("cosine", "0.3")])
def test_a_wrong_metric_or_threshold_is_refused_by_fit(vectors: Vectors) -> None:
    with pytest.raises((ValueError, TypeError), match=r"metric|distance_threshold"):
        for_embedder(vectors).fit(np.eye(3))


def test_a_name_loads_no_model() -> None:
    code = (
        "import sys; from pyface.cluster import for_embedder; for_embedder('dlib-resnet')\n"
        "print([name for name in sys.modules if name.startswith(('pyface.models', 'onnx'))])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
