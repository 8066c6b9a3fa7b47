"""The slider of report.html: what it costs the run and the page, and how fast it puts faces with other people.

    python bench/live_threshold.py [--faces 2000] [--threads 2] [--rounds 3]

The album is made (made_albums.py). The slider goes from one end to the other, and to positions at random, in Chromium
without a window. Each time is that of the input event and of the layout that it asks for; "to the next picture" waits
for the frame after it, up to 17 ms of which are the screen's. The processor's is that of script, style and layout, the
mean of all moves: other work on the machine matters less for it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import made_albums
import numpy as np
from common import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from server.chromium import BROWSER, Chromium

from pyface.album.other_thresholds import other_thresholds
from pyface.report.folder import recluster_photos
from pyface.report.live import live_of

_MEASURE = """(async () => {
  const slider = document.getElementById("threshold");
  const places = PLACES;
  const times = [], frames = [];
  for (const place of places) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    slider.value = String(place);
    const since = performance.now();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.getBoundingClientRect();
    times.push(performance.now() - since);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    frames.push(performance.now() - since);
  }
  return [times, frames];
})()"""


def row(what: str, milliseconds: list[float], asked: str = "") -> None:
    some = np.array(milliseconds)
    late = float(np.quantile(some, 0.9))
    print(f"| {what} | {len(some)} | {asked} | {np.median(some):.1f} | {late:.1f} | {some.max():.1f} |", flush=True)


def processor_seconds(browser: Chromium) -> float:
    metrics = {entry["name"]: entry["value"] for entry in browser.call("Performance.getMetrics")["metrics"]}
    return float(sum(metrics[f"{what}Duration"] for what in ("Script", "RecalcStyle", "Layout")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("faces", 2000), ("threads", 2), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked: Any = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made_albums.write(folder / "out", asked.faces)
        album = recluster_photos(folder / "out", n_threads=asked.threads)
        seconds = []
        for _ in range(asked.rounds):
            since = time.perf_counter()
            known = other_thresholds(album)
            assert not isinstance(known, str), known
            live = live_of(known)
            seconds.append(time.perf_counter() - since)
        since = time.perf_counter()
        recluster_photos(folder / "out", n_threads=asked.threads)
        whole = time.perf_counter() - since
        page = folder / "out" / "report.html"
        n = len(live.thresholds)
        print(
            f"\n{asked.faces:,} faces, {album.n_people:,} people, {n} thresholds; known after {min(seconds):.2f} s, "
            f"recluster with it in this process {whole:.2f} s; {len(live.changes):,} of {page.stat().st_size:,} bytes\n"
        )
        if BROWSER is None:
            print("no Chromium: the page was not measured")
            return
        rng = np.random.default_rng(0)
        print("| milliseconds | times | asked | median | 90 % | most |\n|---|---|---|---|---|---|")
        with Chromium(folder) as browser:
            browser.call("Performance.enable", timeDomain="threadTicks")
            browser.open(page.as_uri())
            browser.wait_for("document.documentElement.dataset.ready")
            for what, places in (
                ("step by step", [*range(live.own, n), *range(n - 1, -1, -1)]),
                ("anywhere", [int(place) for place in rng.integers(0, n, 60)]),
            ):
                since = processor_seconds(browser)
                times, frames = browser.run(_MEASURE.replace("PLACES", str(places)))
                used = 1000 * (processor_seconds(browser) - since) / len(places)
                row(f"{what}: regrouped", times, "50")
                row(f"{what}: regrouped, of the processor", [used])
                row(f"{what}: to the next picture", frames)
            assert not browser.complaints, browser.complaints


if __name__ == "__main__":
    main()
