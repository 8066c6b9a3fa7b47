"""The control groups of Linux that this process is in, both versions, and the small files in their folders."""

from __future__ import annotations

import os
from collections.abc import Iterator


def folders(root: str, controller: str) -> Iterator[tuple[int, str]]:
    """(version, folder) of each group above this process that may limit it: a limit holds for all groups in a group.

    ``root`` is where the files of the system begin; folders are given from there, and need not exist.
    """
    # Both versions, as a system may have both.
    for line in lines(root, "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            mounts, version = ["sys/fs/cgroup", "sys/fs/cgroup/unified"], 2
        elif controller in controllers.split(","):
            mounts, version = list(dict.fromkeys([f"sys/fs/cgroup/{controller}", f"sys/fs/cgroup/{controllers}"])), 1
        else:
            continue
        for mount in mounts:
            for folder in _levels(mount, path):
                yield version, folder


def _levels(mount: str, path: str) -> Iterator[str]:
    """The folder of a group and of all above it. Inside a container all but the mount may not be there."""
    yield mount
    for name in path.split("/"):
        if name not in ("", ".", ".."):
            mount = f"{mount}/{name}"
            yield mount


def lines(root: str, path: str) -> list[str]:
    """The lines of a file, none if it cannot be read: other systems, locked containers."""
    try:
        with open(os.path.join(root, path), encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def number(root: str, path: str) -> int | None:
    """The number that a file holds; None if it holds a word (``max``) or less than nothing, or is not there."""
    text = "".join(lines(root, path))
    return int(text) if text.isdecimal() else None
