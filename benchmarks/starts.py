"What a start costs, in iterations of EM."
from __future__ import annotations

import numpy as np
from gmm_nb.em import em_steps
from gmm_nb.initialization import start_mixture
from gmm_nb.statistics import prepare
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .settings import Settings
from .tables import Column, Table
from .timing import medians

WHAT = "Time of one start by k-means in units of one EM iteration over all rows, one thread."
TARGET = 5.0
SHAPES = [(10**3, 2, 3), (10**4, 2, 3), (10**5, 2, 3), (10**6, 2, 3), (10**6, 2, 20), (10**5, 8, 8), (5 * 10**5, 8, 8), (2 * 10**5, 32, 16),
          (2 * 10**4, 128, 10)]
COLUMNS = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("start", "start, ms", ".2f"),
           Column("iteration", "iteration, ms", ".2f"), Column("cost", "iterations", ".1f"), Column("met", f"under {TARGET:.0f}")]


def measure(n: int, d: int, K: int, settings: Settings) -> dict:
    "One row."
    X, truth = simulated(n, d, K)
    known, rng = start_near(truth, "full"), np.random.default_rng(0)
    with parallel(1) as workers:
        sample = prepare(X)
        taken = medians({"start": lambda: start_mixture(sample, K, "full", "kmeans", rng),
                         "iteration": lambda: next(em_steps(sample, known, None, workers))}, 3 * settings.repeats)
    cost = taken["start"] / taken["iteration"]
    return {"n": n, "d": d, "K": K, "start": 1e3 * taken["start"], "iteration": 1e3 * taken["iteration"], "cost": cost, "met": bool(cost < TARGET)}


def run(settings: Settings) -> list[Table]:
    "Full covariances over shapes."
    return [Table("starts", "Cost of a start", COLUMNS, [measure(settings.rows(n, d, K), d, K, settings) for n, d, K in SHAPES])]


def findings(tables: list[Table]) -> list[str]:
    "Where a start is cheap."
    rows = tables[0].rows
    dear = [row for row in rows if not row["met"]]
    said = [f"A start costs less than {TARGET:.0f} iterations for {len(rows) - len(dear)} of {len(rows)} shapes."]
    if dear:
        said.append("It costs more for " + ", ".join(f"{row['n']:,} × {row['d']} with K={row['K']} ({row['cost']:.1f} iterations, {row['start']:.1f} ms)" for row in dear) + ".")
    return said
