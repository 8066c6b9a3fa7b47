"""Who is this? People who are enrolled with their names, and faces that are compared with them.

:class:`Gallery` takes vectors; :func:`enroll_photos` and :func:`identify_photos` take photos. A gallery knows which
embedder its vectors are of, and refuses those of others. Face vectors are biometric data: enroll people who agreed to
it, and not strangers.
"""

from __future__ import annotations

from pyface.gallery._calibration import Calibration
from pyface.gallery._gallery import Gallery
from pyface.gallery._photos import EnrolledPhotos, IdentifiedPhoto, analyzer_for, enroll_photos, identify_photos
from pyface.gallery._results import Identified, Verified
from pyface.gallery._rules import RULES

__all__ = [
    "RULES",
    "Calibration",
    "EnrolledPhotos",
    "Gallery",
    "Identified",
    "IdentifiedPhoto",
    "Verified",
    "analyzer_for",
    "enroll_photos",
    "identify_photos",
]
