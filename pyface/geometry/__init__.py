"""Geometry of faces: alignment (similarities, upright crops, level eyes), landmark schemes and how one becomes another,
their meshes and frames.

Points are x y in pixels, pixel centres at whole numbers, origin top-left, y down.
"""

from __future__ import annotations

from pyface.geometry.conversions import convert_landmarks, direct_points
from pyface.geometry.crops import align_face, crop_box, level_eyes
from pyface.geometry.frames import face_mesh, frame_points
from pyface.geometry.frontal import Frontal, frontalize, frontalize_many
from pyface.geometry.pose import FieldOfView, HeadPose, head_pose
from pyface.geometry.schemes import mean_shape, mirror, solid_shape, triangulation
from pyface.geometry.similarity import Similarity, roll_angle, similarity_transform
from pyface.geometry.templates import template_points

__all__ = [
    "Frontal",
    "FieldOfView",
    "HeadPose",
    "Similarity",
    "align_face",
    "convert_landmarks",
    "crop_box",
    "direct_points",
    "face_mesh",
    "frame_points",
    "frontalize",
    "frontalize_many",
    "head_pose",
    "level_eyes",
    "mean_shape",
    "mirror",
    "roll_angle",
    "similarity_transform",
    "solid_shape",
    "template_points",
    "triangulation",
]
