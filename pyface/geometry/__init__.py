"""Geometry of faces: landmark schemes, their mean shapes and meshes.

Points are x y in pixels, pixel centres at whole numbers, origin top-left, y down.
"""

from __future__ import annotations

from pyface.geometry.schemes import mean_shape, mirror, triangulation

__all__ = ["mean_shape", "mirror", "triangulation"]
