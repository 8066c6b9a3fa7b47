"""Bringing weights here: from the address that the catalog knows, or from a place that the user names."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from pyface.errors import DownloadError, ModelFileError
from pyface.models import archives, download, locks, pulled
from pyface.models.archives import LARGEST_FILE
from pyface.models.download import Progress, sha256_of
from pyface.models.entries import Archive, ModelSpec
from pyface.models.store import cache_folder

__all__ = ["bring"]

# The sizes that authors state are rounded, and meant in either unit.
_ROOM = 1.25


def bring(
    specs: tuple[ModelSpec, ...],
    *,
    by: str,
    known: Iterable[ModelSpec],
    accept_license: bool = False,
    source: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """See to it that the weights of these models are here, checked, and their licences accepted.

    by : the name of the model or pack that was asked for.       known : all models of the catalog: what an archive
    brings beside those that are wanted is kept too, under the same terms, so that it is fetched once.
    source : a file, a zip of the catalog or a folder to take them from; without one they are fetched.

    What is here and unharmed is left alone. LicenseError unless ``accept_license`` or it was accepted before;
    DownloadError; ModelFileError if ``source`` does not have them.
    """
    if source is not None and not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    if not accept_license:
        for spec in specs:
            pulled.require_consent(spec, pull=by)
    with _in_words(), locks.held(cache_folder() / "models" / ".lock"):
        missing = [spec for spec in specs if not _is_whole(spec)]
        alike = [spec for spec in known if _fits(spec, specs)]
        # From a place of the user's only what he named, or with a pack what its archive brings.
        named = [spec for spec in alike if spec in specs or by in {archive.name for archive in spec.archives}]
        while missing:
            spec = missing[0]
            if source is not None:
                _take(spec, source, named)
            elif spec.url:
                _fetch_file(spec, progress)
            elif spec.archives:
                _fetch_archive(_best(missing, by), alike, progress)
            else:
                raise ModelFileError(f"{spec.name} is at no address that is known; bring it with: "
                                     f"pyface models pull {spec.name} --from PATH")  # fmt: skip
            missing = [spec for spec in missing if not pulled.is_here(spec)]
        if source is not None:
            _take_more(named, source)
        for spec in specs:
            if not pulled.is_accepted(spec):  # the file was here before
                pulled.write_record(spec, sha256_of(pulled.path_of(spec)), "found here")


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or pulled.folder("")
        raise DownloadError(
            f"{place}: {error.strerror or error}; PYFACE_CACHE can name another folder for it"
        ) from error


def _is_whole(spec: ModelSpec) -> bool:
    """Whether its file is here and unharmed. What is harmed is taken away."""
    path = pulled.path_of(spec)
    if not path.is_file():
        return False
    if pulled.problem(spec, spec.files[0], path):
        path.unlink()
        return False
    return True


def _fits(spec: ModelSpec, wanted: tuple[ModelSpec, ...]) -> bool:
    """Whether it comes under terms that were accepted with those that are wanted."""
    return spec in wanted or spec.license in {other.license for other in wanted}


def _best(missing: list[ModelSpec], by: str) -> Archive:
    """The archive to fetch: the one that was named, or the first of the first model's."""
    candidates = missing[0].archives
    return next((archive for archive in candidates if archive.name == by), candidates[0])


def _fetch_file(spec: ModelSpec, progress: Progress | None) -> None:
    target = pulled.path_of(spec)
    target.parent.mkdir(parents=True, exist_ok=True)
    download.fetch(spec.url, target, sha256=spec.sha256, limit=spec.bytes or LARGEST_FILE, progress=progress)
    pulled.write_record(spec, spec.sha256, spec.url)


def _fetch_archive(archive: Archive, keep: list[ModelSpec], progress: Progress | None) -> None:
    # Its own folder: what has come of it stays there if something goes wrong, and is gone on with.
    target = cache_folder() / "models" / f"{archive.name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file() or sha256_of(target) != archive.sha256:
        limit = int(archive.megabytes * (1 << 20) * _ROOM)
        download.fetch(archive.url, target, sha256=archive.sha256, limit=limit, progress=progress)
    with target.open("rb") as content:
        _unpack(archive, content, keep, archive.url)
    target.unlink()


def _unpack(archive: Archive, content: IO[bytes], keep: list[ModelSpec], origin: str) -> None:
    """Take the files of these models out of a zip whose digest was checked."""
    with archives.opened(content, origin) as opened:
        for spec in keep:
            if archive not in spec.archives or (_is_whole(spec) and pulled.is_here(spec)):
                continue
            name, limit = archive.member(spec.name), spec.bytes or LARGEST_FILE
            with opened.open(archives.member(opened, name, limit, origin)) as inside:
                _keep(spec, inside, f"{name} of {origin}", origin, limit)


def _keep(spec: ModelSpec, content: IO[bytes], what: str, origin: str, limit: int) -> None:
    target = pulled.path_of(spec)
    target.parent.mkdir(parents=True, exist_ok=True)
    seal = functools.partial(pulled.write_record, spec, origin=origin)
    archives.copy_checked(content, target, spec.sha256, limit, what, seal)


def _take(spec: ModelSpec, source: Path, missing: list[ModelSpec]) -> None:
    """From a place that the user has named: copied, as links would be changed or removed with what they lead to."""
    zips = {archive.sha256: archive for archive in spec.archives}
    others: list[tuple[Path, str]] = []
    for path in _candidates(spec, source):
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            content.seek(0)
            if digest in zips:
                _unpack(zips[digest], content, missing, str(path))
                return
            if digest == spec.sha256:
                _keep(spec, content, str(path), str(path), spec.bytes or LARGEST_FILE)
                return
        others.append((path, digest))
    if others:
        expected = " or ".join(filter(None, (spec.sha256, *zips)))
        raise ModelFileError(
            f"{others[0][0]}: its SHA-256 is {others[0][1]}, expected {expected}, for {spec.name}; it was not taken"
        )
    raise ModelFileError(
        f"{source}: holds nothing that {spec.name} could be taken from, which is {' or '.join(_names(spec))}"
    )


def _take_more(named: list[ModelSpec], source: Path) -> None:
    """What else of the archive that was asked for lies there, as it would have come with the archive."""
    for spec in named:
        if spec.sha256 and not pulled.is_here(spec):
            for path in _candidates(spec, source):
                with path.open("rb") as content:
                    if hashlib.file_digest(content, "sha256").hexdigest() == spec.sha256:
                        content.seek(0)
                        _keep(spec, content, str(path), str(path), spec.bytes or LARGEST_FILE)
                        break


def _names(spec: ModelSpec) -> list[str]:
    """What a file is called that it could be taken from. Without a digest of its own that is its archive alone."""
    names = [spec.file, *(archive.member(spec.name) for archive in spec.archives)] if spec.sha256 else []
    return list(dict.fromkeys([*names, *(f"{archive.name}.zip" for archive in spec.archives)]))


def _candidates(spec: ModelSpec, source: Path) -> list[Path]:
    """The files at ``source`` that may be it: itself, or those with its names in the folder and one below it."""
    if source.is_file():
        return [source]
    names = _names(spec)
    found = [path for pattern in ("*", "*/*") for path in source.glob(pattern) if path.name in names]
    return sorted(path for path in found if path.is_file())
