"""What a run has to do with the one that made OUT: it goes on with its models, and adds to its photos."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from pyface.album.out_folder import SUMMARY
from pyface.album.records import RunInfo
from pyface.album.work import WorkFile, last_models
from pyface.analysis.chain import ROLES, Chain, load_chain
from pyface.errors import LicenseError, MissingExtraError, ModelFileError, ModelNotFoundError, OutputFolderError
from pyface.models import DEFAULT_PACK, PACKS
from pyface.models.catalog import OF_DETECTOR, looks_like_path


def models_for(
    out: str | None,
    record: str | None,
    models: str | None,
    choices: dict[str, Any],
    *,
    providers: list[str] | None,
    again: bool,
    add: bool,
) -> Chain:
    """The models of a run, each on one thread: those asked for, or those that OUT was made with.

    record : path of OUT's record of work.       choices : names, paths, loaded models or None and the families of
        paths, as for ``load_chain``.
    again : the photos are analysed anew, so that other models may take the place of OUT's.

    Raises OutputFolderError if OUT was made with others than those asked for, or with one that is not known by a name;
    MissingExtraError, with both ways out, where those of OUT are not installed.
    """
    # One thread inside the networks: photos run side by side, and that scales better than splitting one of them.
    options: dict[str, Any] = {"providers": providers, "n_threads": 1}
    settings, digests = ({}, {}) if record is None or again else last_models(record)
    before = {role: settings[role] for role in ROLES if isinstance(settings.get(role), str)}
    families = {
        key: settings[key] for key in (f"{role}_family" for role in ROLES) if isinstance(settings.get(key), str)
    }
    is_asked = models is not None or any(choice is not None for choice in choices.values())
    if is_asked or len(before) < len(ROLES):
        chain = load_chain(models, **choices, **options)
        now = {role: name for role, name in chain.settings().items() if role in before}
        if now != before and not add:  # an addition to other faces is refused later, with all that differs
            raise OutputFolderError(
                f"{out}: was made with {_listed(before)}, not with {_listed(now)}; add --again (again=True) to analyse "
                "its photos anew, or choose another folder"
            )
        return chain
    anew = "--again (again=True) analyses its photos anew with the default models, --models with others"
    unnamed = OutputFolderError(
        f"{out}: was made with {_listed(before)}, not all of which are known by name; give the same ones again. "
        f"Or {anew}"
    )
    if any(looks_like_path(name) and f"{role}_family" not in families for role, name in before.items()):
        raise unnamed
    try:
        chain = load_chain(**before, **families, **options)
    except MissingExtraError as error:
        # The default models are no way out where they are what is missing.
        is_default = list(before.values()) == list(PACKS[DEFAULT_PACK])
        other = "--models (models=) with --again (again=True) analyses its photos anew with others"
        way_out = other if is_default else anew
        raise MissingExtraError(f"{out}: was made with {_listed(before)}: {error}; or {way_out}") from error
    except (ModelFileError, LicenseError) as error:
        raise OutputFolderError(f"{out}: was made with {_listed(before)}: {error}; or {anew}") from error
    except ModelNotFoundError:
        raise unnamed from None
    for role in ROLES:
        model = getattr(chain, role)
        if f"{role}_family" in families and digests.get(before[role]) != model.digest:
            raise OutputFolderError(
                f"{out}: {before[role]} is not the file, or not run in the way, that it was made with; put that back, "
                f"or give the same model again. Or {anew}"
            )
    return chain


def _listed(models: dict[str, str]) -> str:
    *some, last = ("the detector's points" if name == OF_DETECTOR else name for name in models.values())
    return f"{', '.join(some)} and {last}"


def continue_record(out: str, work: WorkFile, info: RunInfo) -> RunInfo:
    """Check that photos can be added to a record. Returns what the run is, under the title of the first one, with what
    runs before left out.
    """
    last = work.last_run()
    if last is None:
        if os.path.exists(os.path.join(out, SUMMARY)):
            raise OutputFolderError(
                f"{out}: holds results but no record of work to add to; run without --add on all photos first"
            )
        return info
    before, _ = last
    if before.analysis != info.analysis:
        raise OutputFolderError(
            f"{out}: was made in another way ({_differences(before, info)}); do the same, or run without --add, "
            "with --again, on all photos to begin anew"
        )
    refuse_mixture(out, work, info)
    left_out = {item.path: item for item in (*before.left_out, *info.left_out)}
    return replace(info, title=before.title, left_out=tuple(left_out.values()))


def refuse_mixture(out: str, work: WorkFile, info: RunInfo) -> None:
    """OutputFolderError if a run that did not end left photos that were analysed in another way."""
    other = work.analysed_otherwise(info.analysis)
    if other is not None:
        raise OutputFolderError(
            f"{out}: the last run did not end, and {other!r} is known from one with other models or settings; run "
            "'pyface cluster' to the end first, without --add"
        )


def _differences(before: RunInfo, now: RunInfo) -> str:
    """What shapes a photo's faces and is not as it was, in words."""
    was, is_now = _shaping(before), _shaping(now)
    different = [name for name in is_now if was.get(name) != is_now[name]]
    return ", ".join(f"{name} was {was.get(name)}, is {is_now[name]}" for name in different) or "other models"


def _shaping(info: RunInfo) -> dict[str, Any]:
    names = ("detector", "landmarks", "embedder", "min_face", "max_faces", "max_side", "refine", "providers")
    return {"pyface": info.version, **{name: info.settings.get(name) for name in names}}
