"""Do two photos show the same person?

    python examples/02_same_person.py one.jpg other.jpg

Without photos it compares a sample picture with its mirror image and with another person's.
"""

import sys

import numpy as np

import pyface


def sample_images() -> list[np.ndarray]:
    import skimage.data
    from matplotlib.cbook import get_sample_data

    collins = skimage.data.astronaut()
    hopper = pyface.read_image(get_sample_data("grace_hopper.jpg", asfileobj=False))
    return [collins, np.ascontiguousarray(collins[:, ::-1]), hopper]


images = [pyface.read_image(path) for path in sys.argv[1:]] or sample_images()
analyzer = pyface.FaceAnalyzer()
vectors = []
for number, image in enumerate(images):
    faces = analyzer.analyze(image)
    if not faces:
        sys.exit(f"no face was found in image {number}")
    vectors.append(faces[0].embedding)  # the best face comes first

# SFace's vectors are compared by cosine distance.
for number, vector in enumerate(vectors[1:], start=1):
    distance = pyface.cosine_distances(vectors[0][None], vector[None])[0, 0]
    print(f"images 0 and {number}: distance {distance:.3f}, {'same' if distance <= 0.63 else 'different'} person")
