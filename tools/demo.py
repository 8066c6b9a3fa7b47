"""The demo's photos, and the check of what pyface makes of them.

``make FOLDER`` writes photos of two people, made from the sample pictures that scikit-image and matplotlib bring:
Eileen Collins (``skimage.data.astronaut``) and Grace Hopper. ``check FOLDER OUT`` fails unless every photo has the
faces it should have and the clusters are the two people. It shows that things run. How good they are, it cannot show.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COLLINS, HOPPER = "Eileen Collins", "Grace Hopper"
# Others may come behind them.
COLUMNS = ["face_id", "photo", "x1", "y1", "x2", "y2", "score", "cluster"]


@dataclass(frozen=True)
class Photo:
    """A photo to make: its name in the folder, how, and the people in it from left to right."""

    name: str
    people: tuple[str, ...]
    make: Callable[[], object]  # -> PIL.Image.Image
    quarter_turn: bool = False  # stored on its side, with the EXIF tag that says so


# dlib's detector loses faces under about 70 pixels. Collins' face is about 96 pixels high in her picture and
# Hopper's about 180, so only Hopper can be made smaller.
def photos() -> list[Photo]:
    """The photos of the demo, in the order of their names."""
    from PIL import Image, ImageOps

    def scaled(image: Image.Image, factor: float) -> Image.Image:
        return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)

    def turned(image: Image.Image, degrees: float) -> Image.Image:
        return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(90, 90, 90))

    def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
        both = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), (90, 90, 90))
        both.paste(left, (0, 0))
        both.paste(right, (left.width, 0))
        return both

    collins, hopper, coffee, rocket = (Image.fromarray(pixels) for pixels in sample_pictures())
    made = [
        Photo("Collins/crop.jpg", (COLLINS,), lambda: collins.crop((90, 0, 390, 300))),
        Photo("Collins/darker.jpg", (COLLINS,), lambda: collins.point(lambda value: value * 0.55)),
        Photo("Collins/larger.webp", (COLLINS,), lambda: scaled(collins, 1.6)),
        Photo("Collins/mirrored.webp", (COLLINS,), lambda: ImageOps.mirror(collins)),
        Photo("Collins/on its side.jpg", (COLLINS,), lambda: collins, quarter_turn=True),
        Photo("Collins/portrait.png", (COLLINS,), lambda: collins),
        Photo("Collins/turned.jpg", (COLLINS,), lambda: turned(scaled(collins, 1.2), 12)),
        Photo("Hopper/crop.png", (HOPPER,), lambda: hopper.crop((100, 20, 420, 380))),
        Photo("Hopper/darker.jpg", (HOPPER,), lambda: hopper.point(lambda value: value * 0.6)),
        Photo("Hopper/mirrored.jpg", (HOPPER,), lambda: ImageOps.mirror(hopper)),
        Photo("Hopper/portrait.jpg", (HOPPER,), lambda: hopper),
        Photo("Hopper/smaller.webp", (HOPPER,), lambda: scaled(hopper, 0.7)),
        Photo("Hopper/turned.png", (HOPPER,), lambda: turned(hopper, -15)),
        Photo("both.jpg", (COLLINS, HOPPER), lambda: side_by_side(collins, hopper)),
        Photo("no face/café.webp", (), lambda: coffee),
        Photo("no face/rocket.jpg", (), lambda: rocket),
    ]
    return sorted(made, key=lambda photo: photo.name.encode())


def sample_pictures() -> list:
    """Collins, Hopper, a cup of coffee and a rocket, as RGB arrays. All four lie in the wheels: nothing is fetched."""
    import numpy as np
    import skimage.data
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    with get_sample_data("grace_hopper.jpg") as file:
        hopper = np.asarray(Image.open(file, formats=["JPEG"]).convert("RGB"))
    return [skimage.data.astronaut(), hopper, skimage.data.coffee(), skimage.data.rocket()]


def make(folder: Path) -> None:
    """Write the photos."""
    from PIL import Image

    wanted = photos()
    for photo in wanted:
        path = folder / photo.name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = photo.make()
        exif = Image.Exif()
        if photo.quarter_turn:
            image = image.transpose(Image.Transpose.ROTATE_90)
            exif[0x0112] = 6  # "turn it clockwise to see it"
        image.save(path, quality=92, exif=exif)
    print(f"Made {len(wanted)} photos in {folder}")


def check(folder: Path, out: Path) -> list[str]:
    """What is wrong with the results in ``out``: one line each, none if all is right."""
    with (out / "faces.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    names = list(reader.fieldnames or ())
    if names[: len(COLUMNS)] != COLUMNS:
        return [f"faces.csv has the columns {names}, not {COLUMNS} first"]

    wrong = []
    clusters: dict[str, Counter[str]] = {COLLINS: Counter(), HOPPER: Counter()}
    wanted = photos()
    strangers = {row["photo"] for row in rows} - {photo.name for photo in wanted}
    wrong += [f"faces.csv names {name}, which is not a photo of {folder}" for name in sorted(strangers)]
    for photo in wanted:
        faces = sorted((row for row in rows if row["photo"] == photo.name), key=lambda row: float(row["x1"]))
        if len(faces) != len(photo.people):
            wrong.append(f"{photo.name}: faces found: {len(faces)}, there are {len(photo.people)}")
            continue
        for person, face in zip(photo.people, faces, strict=True):
            clusters[person][face["cluster"]] += 1
    for person, numbers in clusters.items():
        if len(numbers) != 1:
            wrong.append(f"{person} should be one cluster, but is {dict(numbers)}")
    if set(clusters[COLLINS]) & set(clusters[HOPPER]):
        wrong.append(f"{COLLINS} and {HOPPER} share a cluster")
    return wrong + check_summary(json.loads((out / "summary.json").read_text(encoding="utf-8")), rows, len(wanted))


def check_summary(summary: dict, rows: list[dict[str, str]], n_photos: int) -> list[str]:
    """Does summary.json count what faces.csv holds?"""
    counts = summary["counts"]
    truth = {"photos": n_photos, "faces": len(rows), "people": len({row["cluster"] for row in rows})}
    return [
        f"summary.json counts {counts.get(key)} {key}, {number} are there"
        for key, number in truth.items()
        if counts.get(key) != number
    ]


def main(arguments: list[str]) -> int:
    """The command line: ``make FOLDER`` or ``check FOLDER OUT``."""
    command, *folders = arguments
    if command == "make":
        make(Path(folders[0]))
        return 0
    wrong = check(Path(folders[0]), Path(folders[1]))
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print(f"pyface: the demo went wrong in {len(wrong)} places, see above", file=sys.stderr)
        return 1
    print("The photos, their faces and the two people are right.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
