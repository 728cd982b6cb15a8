"Where threads pay."
from __future__ import annotations

from collections import deque
from itertools import islice

from gmm_nb.em import em_steps
from gmm_nb.statistics import prepare
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .settings import Settings
from .tables import Column, Table
from .timing import enough_passes, medians

WHAT = "Time of one of our iterations on one thread and on two, in the middle of a fit: the time for several in a row, divided by their number."
SHAPES = [(10**3, 2, 3), (10**4, 2, 3), (10**5, 2, 3), (10**6, 2, 3), (10**4, 2, 20), (10**5, 2, 20), (10**4, 8, 8), (10**5, 8, 8),
          (5 * 10**5, 8, 8), (10**5, 32, 16), (2 * 10**4, 128, 10)]
PAYS = 1.1  # gain that is worth a second core
COLUMNS = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("one", "one thread, ms", ".2f"),
           Column("two", "two threads, ms", ".2f"), Column("gain", "gain", ".2f"), Column("pays", f"pays (over {PAYS})")]


def measure(n: int, d: int, K: int, settings: Settings) -> dict:
    "One row."
    X, truth = simulated(n, d, K)
    start = start_near(truth, "full")
    sample = prepare(X)
    passes = lambda number, workers: deque(islice(em_steps(sample, start, None, workers), number), maxlen=0)
    with parallel(1) as one, parallel(2) as two:
        number = enough_passes(lambda number: passes(number, one), least=5)
        taken = medians({"one": lambda: passes(number, one), "two": lambda: passes(number, two)}, settings.repeats)
    ms, gain = {name: 1e3 * time / number for name, time in taken.items()}, taken["one"] / taken["two"]
    return {"n": n, "d": d, "K": K, **ms, "gain": gain, "pays": bool(gain > PAYS)}


def run(settings: Settings) -> list[Table]:
    "Full covariances over shapes."
    return [Table("threads", "Milliseconds an iteration by number of threads", COLUMNS,
                  [measure(settings.rows(n, d, K), d, K, settings) for n, d, K in SHAPES])]


def findings(tables: list[Table]) -> list[str]:
    "For which shapes a second thread pays."
    rows = tables[0].rows
    name = lambda row: f"{row['n']:,} × {row['d']} (K={row['K']}: {row['gain']:.1f})"
    pays, not_so = [row for row in rows if row["pays"]], [row for row in rows if not row["pays"]]
    said = []
    if pays:
        said.append(f"A second thread pays for {len(pays)} of {len(rows)} shapes, with the gain in brackets: " + ", ".join(map(name, pays)) + ".")
    if not_so:
        said.append("It does not pay for " + ", ".join(map(name, not_so)) + ".")
    return said
