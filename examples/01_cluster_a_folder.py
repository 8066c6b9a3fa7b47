"""Sort the faces of a folder of photos into people.

    python examples/01_cluster_a_folder.py ~/Pictures

Without a folder it makes one, from the sample pictures of scikit-image and matplotlib.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import pyface


def sample_folder(folder: Path) -> Path:
    import skimage.data
    from matplotlib.cbook import get_sample_data
    from PIL import Image, ImageOps

    collins = Image.fromarray(skimage.data.astronaut())
    hopper = Image.fromarray(pyface.read_image(get_sample_data("grace_hopper.jpg", asfileobj=False)))
    for name, picture in {"collins": collins, "hopper": hopper}.items():
        picture.save(folder / f"{name}.png")
        ImageOps.mirror(picture).save(folder / f"{name}-mirrored.png")
    return folder


with tempfile.TemporaryDirectory() as temporary:
    folder = sys.argv[1] if len(sys.argv) > 1 else sample_folder(Path(temporary))
    album = pyface.cluster_photos(folder)

print(f"faces: {len(album.faces)}, people: {album.n_people}")
for person, count in enumerate(np.bincount(album.labels)):
    print(f"faces of person {person}: {count}")
