"""SFace against the file it is made of: time and difference, one thread and two, beside what the processor could do.

    python bench/sface.py [--rounds 9]

The file as it is published names 29 inputs that nothing takes and nobody gives, so ONNX Runtime runs it only without
them; nothing else of it is changed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import ceiling
import numpy as np
import onnx
import onnxruntime as ort
from common import machine, shared

from pyface import FaceAnalyzer, models, read_image
from pyface.models import store
from pyface.models.catalog import find

N_CROPS = 16


def published(data: bytes) -> bytes:
    """The published file without its dangling inputs."""
    model = onnx.load_from_string(data)
    kept = [value for value in model.graph.input if value.name == "data"]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return model.SerializeToString()


def session(graph: bytes, n_threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = n_threads, 1, 3
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def flop(graph: bytes) -> float:
    """Operations of the convolutions and full layers of one crop, two for a multiply-add."""
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(graph), data_prop=True)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info}
    shapes |= {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.output}
    shapes |= {c.name: list(c.dims) for c in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            total += 2 * int(np.prod(shapes[node.output[0]][1:])) * int(np.prod(shapes[node.input[1]][1:]))
        elif node.op_type == "Gemm":
            total += 2 * int(np.prod(shapes[node.input[1]]))
    return float(total)


def crops() -> np.ndarray:
    """Real ones, of the first photos that have a face."""
    analyzer, embedder = FaceAnalyzer(embedder=False), models.load("sface")
    found = []
    for path in sorted(shared("images/lfw").rglob("*.jpg")):
        image = read_image(path)
        if faces := analyzer.analyze(image):
            found.append(embedder.crop(image, faces[0].landmarks[None])[0])
        if len(found) == N_CROPS:
            break
    return np.stack(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    entry = find("sface")
    data = store.read_known(entry.name, entry.file, entry.sha256, entry.package).data
    images = crops()
    channels_first = images.astype(np.float32).transpose(0, 3, 1, 2).copy()
    plain = published(data)
    theirs, theirs_2 = session(plain, 1), session(plain, 2)
    ours, ours_2 = (models.load("sface", n_threads=n) for n in (1, 2))

    def shared_out(session: ort.InferenceSession) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda crop: session.run(None, {"data": crop[None]}), channels_first))

    def one_by_one(session: ort.InferenceSession) -> np.ndarray:
        return np.concatenate([session.run(None, {"data": crop[None]})[0] for crop in channels_first])

    expected, got = one_by_one(theirs), ours.embed(images)
    unit = [vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (expected, got)]
    work: dict[str, Callable[[], object]] = {
        "published file, 1 thread": lambda: one_by_one(theirs),
        "pyface, 1 thread": lambda: ours.embed(images),
        "published file, 2 threads in a face": lambda: one_by_one(theirs_2),
        "published file, 2 threads, a face each": lambda: shared_out(theirs),
        "pyface, 2 threads": lambda: ours_2.embed(images),
    }
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            since = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - since) / len(images))
    operations = flop(plain)
    peaks = {n: ceiling.registers(n)["float32"] for n in (1, 2)}
    print(machine(), f"\nONNX Runtime {ort.__version__}; {operations / 1e9:.2f} GFLOP a face; ceilings "
          + ", ".join(f"{peak:.0f} GFLOP/s with {n} threads" for n, peak in peaks.items()))  # fmt: skip
    print(
        f"largest difference: {np.abs(got - expected).max():.1e}, of unit vectors {np.abs(unit[1] - unit[0]).max():.1e}"
    )
    print("\n| | ms a face, least (median) | share of the ceiling |\n|---|---|---|")
    for name, values in seconds.items():
        peak = peaks[1 if "1 thread" in name else 2]
        share = operations / min(values) / 1e9 / peak
        print(f"| {name} | {min(values) * 1e3:.1f} ({np.median(values) * 1e3:.1f}) | {share:.0%} |")


if __name__ == "__main__":
    main()
