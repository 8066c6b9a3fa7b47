"""ArcFace's family: insightface's recognisers and those that others trained for the same crop.

Contract: insightface, python-package/insightface/model_zoo/arcface_onnx.py and utils/face_align.py.
"""

from __future__ import annotations

from typing import Any

from pyface import _check
from pyface._embedders import FAMILIES
from pyface.geometry.templates import template_points
from pyface.models.embedders.network import NetworkOfCrops, OpenGraph, loaded, side
from pyface.models.embedders.network import why_not as not_vectors
from pyface.models.embedders.normalizations import ARCFACE
from pyface.models.onnx_file import OnnxFile

__all__ = ["ArcFace", "build", "side_misfit", "why_not"]

_DEFAULT_SIDE = 112


def side_misfit(size: int | None) -> str:
    """Why ArcFace's template is not for crops of this side; a free one is 112."""
    if size is None or size % 112 == 0 or size % 128 == 0:
        return ""
    return f"its picture is {size} x {size}, expected a multiple of 112 or 128"


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return not_vectors(file, side_misfit)


class ArcFace(NetworkOfCrops):
    """Crops by ArcFace's template, of 112 x 112 or what the file declares, RGB; vectors compared by cosine distance.

    normalization : ``"arcface"``, (x - 127.5) / 127.5; ``"raw"``, 0..255 as they are, for networks whose first steps
        bring them into range; ``"imagenet"``, x / 255 less the mean and by the deviation of ImageNet's colours, for
        files that a training with torchvision's left; or ``"graph"``, the default, which finds out between the first
        two by insightface's rule: if among the first eight steps of the graph one has a name that begins with ``Sub``
        or ``_minus``, and one with ``Mul`` or ``_mul``, it is ``"raw"``. The attribute says what it is. A network that
        is given another than its own answers all the same, only worse.

    Thresholds are those in use for insightface's recognisers: a similarity of 0.48 in its album, 0.4 for pairs, both as
    1 - cosine. A file's own may be others: for a MobileFaceNet of 128 numbers clusters were best at 0.58 on photos of
    LFW, with a BCubed F of 0.990, where 0.52 had 0.982.
    """


def build(
    file: OnnxFile,
    open_graph: OpenGraph,
    *,
    normalization: str | None,
    make: type[NetworkOfCrops] = ArcFace,
    **about: Any,
) -> NetworkOfCrops:
    """The embedder of a file that fits; ``open_graph`` makes sessions of a graph."""
    chosen = _check.choice("graph" if normalization is None else normalization, "normalization", ("graph", *ARCFACE))
    if chosen == "graph":
        chosen = "raw" if file.normalizes_itself() else "arcface"
    size = side(file, _DEFAULT_SIDE)
    return loaded(
        file, open_graph, make, size=size, template=template_points("arcface", size), normalization=chosen,
        table=ARCFACE[chosen], comparison=lambda n: FAMILIES[about["family"]], **about,
    )  # fmt: skip
