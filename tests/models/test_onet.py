"""O-Net: a pickle that may hold nothing but weights, a graph that is the network, crops that are where they belong."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("onnx", reason="the models are built with onnx")
pytest.importorskip("onnxruntime", reason="the models run in onnxruntime")
pytest.importorskip("joblib", reason="the weights are written by joblib")
pytest.importorskip("lz4.frame", reason="the weights are compressed by lz4")

import joblib
import lz4.frame
from oracles import alignment, onet_by_loops

from pyface import errors, models
from pyface.models.mtcnn import onet, onet_graph, weights
from pyface.models.session import Session


def random_arrays(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = [
        (3, 3, 3, 32), (32,), (1, 1, 32), (3, 3, 32, 64), (64,), (1, 1, 64), (3, 3, 64, 64), (64,), (1, 1, 64),
        (2, 2, 64, 128), (128,), (1, 1, 128), (1152, 256), (256,), (256,), (256, 4), (4,), (256, 10), (10,), (256, 2),
        (2,),
    ]  # fmt: skip
    arrays = [rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[:-1]))) for shape in shapes]
    return [array.astype(np.float32) for array in arrays]


def written(value: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return bytes(lz4.frame.compress(buffer.getvalue()))


def test_arrays_as_joblib_writes_them() -> None:
    arrays = random_arrays(0)
    for got, want in zip(weights.unpickled(written(arrays), "file"), arrays, strict=True):
        assert_array_equal(got, want)
    fortran = [np.asfortranarray(arrays[0][0, 0])]
    assert_array_equal(weights.unpickled(written(fortran), "file")[0], fortran[0])


class Harm:
    def __reduce__(self) -> Any:
        return print, ("harm",)


@pytest.mark.parametrize(
    "value",
    [
        [Harm()], Harm(), [np.float32(1)], ["text"], 3, [np.array([Harm()], object)], [np.arange(3.0)],
        [np.array([np.nan], np.float32)], {"a": np.zeros(1, np.float32)},
    ],
)  # fmt: skip
def test_nothing_else_is_unpickled(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(errors.ModelFileError, match="file is no file of arrays by joblib"):
        weights.unpickled(written(value), "file")
    assert capsys.readouterr().out == ""


def test_damaged_files() -> None:
    data = written(random_arrays(0))
    for broken in (
        b"",
        data[:100],
        data[:-50],
        data[:3000],
        lz4.frame.compress(pickle.dumps(Harm())),
    ):
        with pytest.raises(errors.ModelFileError, match="file is no file of arrays by joblib"):
            weights.unpickled(broken, "file")


def test_no_unknown_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "onet.lz4").write_bytes(written([Harm()]))
    with pytest.raises(errors.ModelFileError, match=r"onet\.lz4 is not one of the files of the package mtcnn"):
        models.load(tmp_path / "onet.lz4", family="onet")


def network(arrays: list[np.ndarray], n_threads: int = 1) -> onet.ONet:
    session = Session(onet_graph.onet_graph(arrays, "file"), name="tiny", n_threads=1)
    return onet.ONet(session, name="tiny", family="onet", digest="", n_threads=n_threads)


def test_the_graph_is_the_network() -> None:
    arrays = random_arrays(1)
    crops = np.random.default_rng(1).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    session = Session(onet_graph.onet_graph(arrays, "file"), name="tiny")
    for crop in crops:
        assert_allclose(session.run(crop[None])[0], onet_by_loops.onet(arrays, crop), atol=2e-5)


def test_other_arrays_are_refused() -> None:
    arrays = random_arrays(1)
    for wrong in (arrays[:-1], [*arrays, arrays[0]], [arrays[0].transpose(3, 0, 1, 2), *arrays[1:]]):
        with pytest.raises(errors.ModelFileError, match="file does not hold the arrays of O-Net"):
            onet_graph.onet_graph(wrong, "file")


class Answering:
    """A session that keeps what it is shown and always finds the same points."""

    def __init__(self, points: np.ndarray) -> None:
        self.answer, self.seen = np.append(points.T.ravel(), 0.75).astype(np.float32), []

    def run(self, value: np.ndarray) -> np.ndarray:
        self.seen.append(value)
        return self.answer[None]


def test_where_it_looks_and_what_its_points_mean(smooth: np.ndarray) -> None:
    points = np.array([(0, 0), (0.25, 0.5), (0.5, 0.25), (1, 1), (0.75, 0)])
    session = Answering(points)
    model = onet.ONet(session, name="o", family="onet", digest="", n_threads=1)  # type: ignore[arg-type]
    side = 48 / 0.9
    box = (130 - side / 3, 100 - side / 2, 130 + side / 3, 100 + side / 2)
    located = model.locate(smooth, [box, np.add(box, 7)])
    assert located.scheme == "arcface-5" and located.scores is not None
    assert located.scores.tolist() == [0.75, 0.75]
    # Parts of a square of 48 pixels around the middle of the box, from the corner of its first pixel.
    assert_allclose(located.points[0], (130 - 24, 100 - 24) + points * 48, atol=1e-5)
    assert_allclose(located.points[1] - located.points[0], np.full((5, 2), 7), atol=1e-9)
    seen, _ = session.seen
    assert seen.dtype == np.uint8 and seen.shape == (1, 48, 48, 3)
    want = alignment.crop(smooth, np.array([[1, 0, 130 - 23.5], [0, 1, 100 - 23.5]]), (48, 48))
    assert_allclose(seen[0], want, atol=0.502)


def test_faces_do_not_depend_on_each_other(smooth: np.ndarray, syn: np.ndarray) -> None:
    boxes = np.array([(10, 20, 60, 70), (-50, -50, 10, 30), (0, 0, 299, 199), (250, 150, 400, 300.5), (5, 5, 5, 5)])
    got = []
    for n_threads in (1, 3):
        model = network(random_arrays(2), n_threads)
        for image in (syn, syn.astype(np.float32)):
            got.append(model.locate(image, boxes).points)
            got.append(np.concatenate([model.locate(image, [box]).points for box in boxes]))
        assert len(model.locate(smooth[:, :, 0], boxes).points) == 5
        assert model.locate(smooth, []).points.shape == (0, 5, 2)
        assert_array_equal(model.locate(syn[:, :, ::-1], boxes, color="bgr").points, got[0])
        with pytest.raises(ValueError, match="boxes"):
            model.locate(smooth, [(3, 3, 1, 1)])
    for other in got[1:]:
        assert_array_equal(other, got[0])
