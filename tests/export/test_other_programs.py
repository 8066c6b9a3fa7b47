"""What ExifTool and Exiv2 read of sidecars, and what is left of ours once they have written them anew."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PIL.Image", reason="the extra 'models' is not installed")
pytest.importorskip("jinja2", reason="the extra 'models' is not installed")

from export.exported import COLOURS, ORIENTATIONS, encoded, jpeg, named, stored, tree, upright, write_album
from export.sidecar_samples import SAMPLES, sample

from pyface.export.albums import export_album
from pyface.export.regions import Area, Region
from pyface.export.xml_text import parse
from pyface.export.xmp import found_regions, listed, merge

exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="there is no exiftool")
exiv2 = pytest.mark.skipif(shutil.which("exiv2") is None, reason="there is no exiv2")
REGIONS = [Region(Area(0.2, 0.2, 0.1, 0.1), 'Ada "A" <&> \''), Region(Area(0.6, 0.3, 0.2, 0.2), "Zoë/名前")]
NAMES = [region.name for region in REGIONS]
FORMATS = {"JPEG": "jpg", "PNG": "png", "HEIC": "heic"}


def run(*arguments: object) -> str:
    return subprocess.run(list(map(str, arguments)), check=True, capture_output=True, encoding="utf-8").stdout


def read_by_exiftool(path: Path) -> dict[str, Any]:
    (read,) = json.loads(run("exiftool", "-struct", "-json", "-n", "-G1", "-XMP:all", "-Orientation", path))
    return dict(read)


@exiftool
@pytest.mark.parametrize("format_", FORMATS)
def test_regions_lie_on_the_faces_whatever_the_orientation(tmp_path: Path, format_: str) -> None:
    """Of photos stored in all eight ways, the regions as ExifTool reads them cut the same faces out of each."""
    photos = {
        f"{orientation}.{FORMATS[format_]}": (encoded(stored(upright(), orientation), format_, orientation), [0, 1])
        for orientation in ORIENTATIONS
    }
    out = write_album(tmp_path / "out", tmp_path / "photos", photos)
    named(out, f0="Red", f1="Blue")
    done = export_album(out, "xmp", tmp_path / "xmp", photos=tmp_path / "photos")
    assert (done.n_new, done.skipped) == (8, ())
    for name, (data, _) in photos.items():
        orientation = int(name[0])
        read = read_by_exiftool(tmp_path / "xmp" / f"{name}.xmp")
        (own,) = json.loads(run("exiftool", "-json", "-n", "-Orientation", "-ImageSize", tmp_path / "photos" / name))
        assert own["Orientation"] == orientation
        picture = stored(upright(), orientation)
        height, width = picture.shape[:2]
        info = read["XMP-mwg-rs:RegionInfo"]
        assert (info["AppliedToDimensions"]["W"], info["AppliedToDimensions"]["H"]) == (width, height)
        assert [int(side) for side in own["ImageSize"].split()] == [width, height]
        assert [(region["Name"], region["Type"]) for region in info["RegionList"]] == [
            ("Red", "Face"),
            ("Blue", "Face"),
        ]
        for region, colour in zip(info["RegionList"], COLOURS, strict=True):
            area = region["Area"]
            left, right = (round((area["X"] + side * area["W"] / 2) * width) for side in (-1, 1))
            top, bottom = (round((area["Y"] + side * area["H"] / 2) * height) for side in (-1, 1))
            marked = np.zeros((height, width), bool)
            marked[top:bottom, left:right] = True
            np.testing.assert_array_equal(marked, (picture == colour).all(axis=2))
        assert (tmp_path / "photos" / name).read_bytes() == data


@exiftool
@pytest.mark.parametrize("name", ["", *SAMPLES])
def test_exiftool_reads_names_and_regions(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.xmp"
    before: dict[str, Any] = {}
    if name:
        path.write_bytes(sample(name))
        before = read_by_exiftool(path)
    data = merge(sample(name) if name else None, REGIONS, (120, 80)).data
    assert data is not None
    path.write_bytes(data)
    assert run("exiftool", "-validate", "-warning", "-a", path).split(":")[1].strip() == "OK"
    read = read_by_exiftool(path)
    assert [region["Name"] for region in read["XMP-mwg-rs:RegionInfo"]["RegionList"]][-2:] == NAMES
    assert read["XMP-iptcExt:PersonInImage"] == NAMES
    assert read["XMP-digiKam:TagsList"][-2:] == ['People/Ada "A" <&> \'', "People/Zoë-名前"]
    assert read["XMP-lr:HierarchicalSubject"][-2:] == ['People|Ada "A" <&> \'', "People|Zoë/名前"]
    touched = {"XMP-mwg-rs:RegionInfo", "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject"}
    assert {key: read[key] for key in before if key not in touched} == {
        key: value for key, value in before.items() if key not in touched
    }
    for key in touched & set(before):
        if key != "XMP-mwg-rs:RegionInfo":
            assert set(np.atleast_1d(before[key])) <= set(read[key])


@exiftool
@pytest.mark.parametrize("name", ["", *SAMPLES])
def test_ours_are_known_again_after_exiftool_wrote_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.xmp"
    old = sample(name) if name else None
    data = merge(old, REGIONS, (120, 80)).data
    assert data is not None
    path.write_bytes(data)
    run("exiftool", "-q", "-overwrite_original", "-XMP-xmp:Label=seen", path)
    eva = Region(REGIONS[0].area, "Eva")
    again = merge(path.read_bytes(), [eva], (120, 80)).data
    assert again is not None
    document = parse(again)
    assert [region.name for region in found_regions(document) if region.is_ours] == ["Eva"]
    assert listed(document, "Iptc4xmpExt:PersonInImage") == ["Eva"]
    assert listed(document, "lr:hierarchicalSubject")[-1] == "People|Eva"
    path.write_bytes(again)
    assert read_by_exiftool(path)["XMP-xmp:Label"] == "seen"


@exiv2
@pytest.mark.parametrize("name", ["", *(name for name in SAMPLES if name != "compact")])  # which Exiv2 does not take
def test_exiv2_reads_names_and_regions_and_leaves_our_marks(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.xmp"
    data = merge(sample(name) if name else None, REGIONS, (120, 80)).data
    assert data is not None
    path.write_bytes(data)
    theirs = {"lightroom": ["Bob"], "digikam": ["Cat"]}.get(name, [])
    for _ in range(2):
        lines = [line.partition(" ")[::2] for line in run("exiv2", "-PXkv", path).splitlines()]
        read = {key: value.strip() for key, value in lines}
        assert read["Xmp.iptcExt.PersonInImage"] == ", ".join(NAMES)
        assert [value for key, value in read.items() if key.endswith(":Name")] == [*theirs, *NAMES]
        run("exiv2", "-M", "set Xmp.xmp.Label seen", path)
    assert read["Xmp.xmp.Label"] == "seen"
    again = merge(path.read_bytes(), [], (120, 80)).data
    assert again is not None
    document = parse(again)
    assert [region.name for region in found_regions(document)] == theirs
    assert listed(document, "Iptc4xmpExt:PersonInImage") == []


@exiftool
def test_regions_that_exiftool_wrote_are_merged(tmp_path: Path) -> None:
    """What a photo's own ExifTool user has: a sidecar made by ``exiftool -tagsfromfile``."""
    out = write_album(tmp_path / "out", tmp_path / "photos", {"a.jpg": (jpeg(1), [0])})
    named(out, f0="Ada")
    path = tmp_path / "photos/a.jpg.xmp"
    region = "{Area={X=0.9,Y=0.9,W=0.1,H=0.1,Unit=normalized},Name=Bob,Type=Face}"
    info = f"{{AppliedToDimensions={{W=120,H=80,Unit=pixel}},RegionList=[{region}]}}"
    run("exiftool", "-q", f"-XMP-mwg-rs:RegionInfo={info}", "-XMP-dc:Subject=Bob", path)
    before = path.read_bytes()
    export_album(out, "xmp", photos=tmp_path / "photos", beside_photos=True, write=True)
    read = read_by_exiftool(path)
    assert [region["Name"] for region in read["XMP-mwg-rs:RegionInfo"]["RegionList"]] == ["Bob", "Ada"]
    assert read["XMP-dc:Subject"] in ("Bob", ["Bob"])
    assert tree(tmp_path / "photos")["a.jpg.xmp.bak"] == before
