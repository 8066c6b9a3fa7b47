"""``pyface evaluate``: clusters against the people that are known, or pairs of photos told apart."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from pyface.cli import tables
from pyface.cli.console import reports_errors, say, showable
from pyface.cli.options import app
from pyface.errors import counted, listed

_WORST = 10  # clusters and people that are printed


@app.command()
@reports_errors
def evaluate(
    pred: Annotated[
        Path,
        typer.Argument(
            help="A folder that 'pyface cluster' wrote, a faces.csv, or an .npz with the arrays labels, embeddings, "
            "and face_id or photo.",
            metavar="PRED",
            readable=False,
        ),
    ],
    truth_file: Annotated[
        Path | None,
        typer.Argument(help="CSV with the column person, and face_id or photo.", metavar="[TRUTH]", readable=False),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(help="'folder': a photo's folder is the person; or a regular expression found in its path."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="Instead of TRUTH: pairs of photos, LFW's pairs.txt or a CSV with two columns photo... or face_id... "
            "and same (1 or 0). Scores verification by the distances of the vectors.",
            metavar="FILE",
            readable=False,
        ),
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
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the scores at every threshold, and the ROC curve of all pairs of faces; with --pairs the ROC "
            "and DET curves of those. A .png, .svg or .pdf.",
            metavar="FILE",
            readable=False,
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="For --pairs and --plot: cosine, euclidean or sqeuclidean. Default: as PRED says, else cosine.",
            metavar="NAME",
        ),
    ] = None,
    n_threads: Annotated[int | None, typer.Option("--n-threads", help="For --plot and --pairs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --per-cluster all of them.")] = False,
) -> None:
    """Score clusters against the people that are known; or, with --pairs, how well pairs of photos are told apart."""
    image_format = None
    if plot is not None:
        from pyface.pictures.score_curves import picture_format

        image_format = picture_format(plot)
        tables.check_output(plot, "--plot")
    if pairs is not None:
        if truth_file is not None or truth is not None or per_cluster:
            raise ValueError("--pairs says itself who is one person: leave out TRUTH, --truth and --per-cluster")
        _judge_pairs(str(pred), str(pairs), metric, bootstrap, n_threads, plot, image_format, as_json)
        return
    from pyface import metrics
    from pyface.album.predictions import read_prediction
    from pyface.album.truth import compare, read_truth

    known = read_truth(None if truth_file is None else str(truth_file), truth)
    prediction = read_prediction(str(pred), for_what=None if plot is None else "--plot", metric=metric)
    labels = compare(prediction, known, one_per_photo=one_per_photo)
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
    _say_what_was_left_out(labels)
    best = {} if plot is None else _draw_scores(prediction, labels, scores, n_threads, plot, str(image_format))
    if as_json:
        lists = ("missing", "unnamed", "unknown", "doubled", "without_face")
        truth_lists = {"truth": {"by": labels.by, **{name: getattr(labels, name) for name in lists}}}
        _print_json({**scores, **_bounds(intervals), **best, **found, **truth_lists})
        return
    typer.echo(tables.scores_text(scores, intervals))
    if per_cluster:
        typer.echo("\n" + tables.worst_text(found["clusters"], found["people"]))


def _say_what_was_left_out(labels: Any) -> None:
    from pyface.album.truth import is_noise

    kind = "face" if labels.by == "face_id" else "photo"
    if labels.n_left_out:
        say(f"left out, as their person is not known: {counted(labels.n_left_out, 'face')}")
    _say_names("in which --truth finds no person" if labels.by == "rule" else "not in TRUTH", labels.missing, kind)
    _say_names("in TRUTH without a person", labels.unnamed, kind)
    if labels.without_face:
        n_without = counted(len(labels.without_face), "photo")
        say(f"each a person of its own: {n_without} without a face: {showable(listed(labels.without_face))}")
    if named_so := Counter(filter(is_noise, labels.labels_true)):
        people_named = ", ".join(f"{showable(name)} ({counted(n, 'face')})" for name, n in named_so.items())
        say(f"taken for people: {people_named}; leave empty whom nobody knows")
    if labels.unknown:
        n_lines = counted(len(labels.unknown), "line")
        say(f"ignored, as PRED has no such face or photo: {n_lines} of TRUTH: {showable(listed(labels.unknown))}")
    _say_names("more than once in TRUTH, with the same person", labels.doubled, kind)


def _say_names(what: str, names: tuple[str, ...], kind: str) -> None:
    if names:
        say(f"{what}: {counted(len(names), kind)}: {showable(listed(names))}")


def _draw_scores(
    prediction: Any, labels: Any, scores: dict[str, Any], n_threads: int | None, plot: Path, image_format: str
) -> dict[str, Any]:
    """Writes the picture, and says which threshold would have been the best."""
    from pyface.album.pair_scores import all_pair_rates
    from pyface.album.threshold_curve import threshold_curve
    from pyface.pictures.score_curves import draw_score_curves

    curve = threshold_curve(prediction, labels, n_threads=n_threads)
    rates = all_pair_rates(prediction, labels, n_threads=n_threads)
    own = scores["bcubed_precision"], scores["bcubed_recall"], scores["bcubed_f"]
    tables.write_bytes(plot, draw_score_curves(curve, rates, scores=own, image_format=image_format))
    at = "" if curve.threshold is None else f" at {curve.threshold:.4g}"
    say(
        f"best BCubed F {curve.best_f:.4f} at the threshold {curve.best:.4g} ({curve.linkage} linkage), "
        f"as clustered {own[2]:.4f}{at}: {showable(str(plot))}"
    )
    return {"best_threshold": curve.best, "best_bcubed_f": curve.best_f}


def _judge_pairs(
    pred: str, pairs: str, metric: str | None, bootstrap: int | None, n_threads: int | None, plot: Path | None,
    image_format: str | None, as_json: bool,
) -> None:  # fmt: skip
    from pyface.album.pair_lists import read_pairs
    from pyface.album.pair_scores import RATES, score_pairs
    from pyface.album.predictions import read_prediction

    listing = read_pairs(pairs)
    prediction = read_prediction(pred, for_what="--pairs", clusters=False, metric=metric)
    found = score_pairs(prediction, listing, n_bootstrap=bootstrap, n_threads=n_threads)
    kind = "face" if listing.by == "face_id" else "photo"
    if found.n_left_out:
        say(f"left out: {counted(found.n_left_out, 'pair')} of {len(listing.same):,}")
    _say_names("not in PRED", found.unknown, kind)
    _say_names("without a face", found.without_face, "photo")
    _say_names("of several faces, the one nearest to the centre taken", found.several, "photo")
    _say_names("listed more than once, and counted so", found.doubled, "pair")
    if not found.has_folds:
        say(f"PAIRS has no folds: {found.n_folds} were made, with as many pairs of either kind as can be")
    rates = found.rates
    if rates.n_different < 1 / min(RATES):
        lowest = f"{1 / rates.n_different:.2g}"
        say(f"few pairs of two people: at a FAR below {lowest} none of the {rates.n_different:,} is accepted")
    if plot is not None:
        from pyface.pictures.score_curves import draw_pair_curves

        tables.write_bytes(plot, draw_pair_curves(rates, image_format=str(image_format)))
        say(f"ROC and DET: {showable(str(plot))}")
    measured = {f"tar_at_far_{far:g}": tar for far, tar in zip(RATES, rates.tar, strict=True)}
    measured["equal_error_rate"] = rates.equal_error
    intervals = measured if bootstrap is not None else {}
    values = {name: value.value if intervals else value for name, value in measured.items()}
    counts = {
        "n_pairs": rates.n_same + rates.n_different, "n_same": rates.n_same, "n_different": rates.n_different,
        "n_folds": found.n_folds, "metric": found.metric,
    }  # fmt: skip
    more = {"standard_error": found.standard_error, "threshold": found.threshold}
    if as_json:
        lists = ("unknown", "without_face", "several", "doubled")
        said = {"n_left_out": found.n_left_out, **{name: getattr(found, name) for name in lists}}
        accuracy = {"accuracy": found.accuracy, "accuracy_std": found.accuracy_std}
        _print_json({**accuracy, **more, **values, **counts, **_bounds(intervals), "pairs": said})
        return
    words = {"accuracy": f"{found.accuracy:.4f} ± {found.accuracy_std:.4f}"}
    typer.echo(tables.scores_text({**words, **more, **values, **counts}, intervals))


def _bounds(intervals: dict[str, Any]) -> dict[str, Any]:
    return {"intervals": {name: [v.low, v.high] for name, v in intervals.items()}} if intervals else {}


def _print_json(found: dict[str, Any]) -> None:
    # What is not a finite number has no JSON.
    found = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in found.items()}
    typer.echo(json.dumps(found, indent=1))
