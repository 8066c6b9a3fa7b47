"""``pyface evaluate``: clusters against the people that are known."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from pyface.cli import tables
from pyface.cli.console import reports_errors, say, showable
from pyface.cli.options import app
from pyface.errors import counted

_WORST = 10  # clusters and people that are printed


@app.command()
@reports_errors
def evaluate(
    pred: Annotated[Path, typer.Argument(help="An OUT folder, or a faces.csv.", metavar="PRED", readable=False)],
    truth_file: Annotated[
        Path | None,
        typer.Argument(help="CSV with the column person, and face_id or photo.", metavar="[TRUTH]", readable=False),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(help="'folder': a photo's folder is the person; or a regular expression found in its path."),
    ] = None,
    one_per_photo: Annotated[
        bool,
        typer.Option("--one-per-photo", help="Score the face nearest to each photo's centre; no face: a person alone."),
    ] = False,
    noise: Annotated[
        str,
        typer.Option(
            help="What faces in no cluster (-1, or empty) are: singletons (each a person alone), drop or cluster (one "
            "person)."
        ),
    ] = "singletons",
    per_cluster: Annotated[
        bool,
        typer.Option("--per-cluster", help=f"Also print the {_WORST} worst mixed clusters and most split people."),
    ] = False,
    bootstrap: Annotated[
        int | None,
        typer.Option(help="Draw people so often, and print 95 % intervals of the scores; 1000 is usual.", metavar="N"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --per-cluster all of them.")] = False,
) -> None:
    """Score clusters against the people that are known."""
    import dataclasses

    from pyface import metrics
    from pyface.album.truth import compare_labels, is_noise

    labels = compare_labels(
        str(pred), None if truth_file is None else str(truth_file), truth, one_per_photo=one_per_photo
    )
    given = labels.labels_true, labels.labels_pred
    scores = dataclasses.asdict(metrics.evaluate(*given, noise=noise))
    intervals = {} if bootstrap is None else metrics.bootstrap_intervals(*given, noise=noise, n_bootstrap=bootstrap)
    found: dict[str, list[dict[str, Any]]] = {}
    if per_cluster:
        n_worst = None if as_json else _WORST
        found["clusters"] = metrics.cluster_table(*given, noise=noise, n_worst=n_worst).records()
        found["people"] = metrics.identity_table(*given, noise=noise, n_worst=n_worst).records()
        name = dict(enumerate(labels.cluster_names)) | {-1: "-1"}
        for row in found["clusters"]:
            row["labels"] = name[row["labels"]]
        for row in found["people"]:
            row["main_cluster"] = name[row["main_cluster"]]
    if labels.n_left_out:
        say(f"left out, as their person is not known: {counted(labels.n_left_out, 'face')}")
    if labels.n_without_face:
        say(f"each a person of its own: {counted(labels.n_without_face, 'photo')} without a face")
    if named_so := Counter(filter(is_noise, labels.labels_true)):
        people_named = ", ".join(f"{showable(name)} ({counted(n, 'face')})" for name, n in named_so.items())
        say(f"taken for people: {people_named}; leave empty whom nobody knows")
    if labels.n_unknown:
        say(f"ignored, as PRED has no such face or photo: {counted(labels.n_unknown, 'line')} of TRUTH")
    if as_json:
        # A score that is not defined (nan) has no JSON number.
        scores = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in scores.items()}
        bounds = {"intervals": {k: [v.low, v.high] for k, v in intervals.items()}} if intervals else {}
        typer.echo(json.dumps({**scores, **bounds, **found}, indent=1))
        return
    typer.echo(tables.scores_text(scores, intervals))
    if per_cluster:
        typer.echo("\n" + tables.worst_text(found["clusters"], found["people"]))
