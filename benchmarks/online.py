"One pass of online EM in chunks: how near it comes to the batch optimum, and what it costs beside passes of batch EM."
from __future__ import annotations

import time
from functools import partial
from itertools import islice

import numpy as np
from gmm_nb.em import em_steps
from gmm_nb.estimator import GaussianMixture
from gmm_nb.statistics import prepare
from gmm_nb.workers import parallel

from .cases import simulated
from .settings import Settings
from .tables import Column, Table

WHAT = ("partial_fit over all rows once, in chunks; how far it is below the better of two fits to all rows, one from where it has ended and one with a start of "
        "its own; and CPU seconds of the pass beside those of one pass of batch EM in memory. Means are drawn anew for each seed.")
SHAPES = [(5 * 10**5, 4, 8, "full"), (5 * 10**5, 4, 8, "diag"), (5 * 10**5, 4, 8, "tied"), (5 * 10**5, 4, 8, "spherical")]
CHUNK, SHORT, SEEDS = 500, 1e-3, 3  # rows; nats a row that a pass may leave, which was promised for the first shape
COLUMNS = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("structure", "structure"), Column("seed", "seed", "d"),
           Column("first", "short after the first chunk, nats a row", ".1e"), Column("short", "short after the pass", ".1e"),
           Column("seconds", "pass, CPU s", ".2f"), Column("batch", "one pass of batch EM, CPU s", ".3f"), Column("met", "at most 1e-3")]


def one_pass(X: np.ndarray, K: int, structure: str, seed: int) -> tuple[GaussianMixture, float, float]:
    "The estimator after a pass, what a row scored after the first chunk, and CPU seconds of the chunks after that."
    model = GaussianMixture(K, covariance_type=structure, random_state=seed, n_jobs=1).partial_fit(X[:CHUNK])
    first, start = model.score(X), time.process_time()
    for begin in range(CHUNK, len(X), CHUNK):
        model.partial_fit(X[begin:begin + CHUNK])
    return model, first, time.process_time() - start


def measure(n: int, d: int, K: int, structure: str, settings: Settings, seed: int) -> dict:
    "One row of the table."
    n = settings.rows(n, d, K)
    X, _ = simulated(n, d, K, seed=seed)
    model, first, taken = one_pass(X, K, structure, seed)
    score, sample = model.score(X), prepare(X, structure=structure)
    with parallel(1) as workers:
        start = time.process_time()
        list(islice(em_steps(sample, model.mixture_, workers=workers), 3))
        batch = (time.process_time() - start) / 3
    best = GaussianMixture(K, covariance_type=structure, random_state=seed, tol=1e-9).fit(X).score(X)
    best = max(best, model.set_params(warm_start=True, tol=1e-9).fit(X).score(X))
    return {"n": n, "d": d, "K": K, "structure": structure, "seed": seed, "first": best - first, "short": best - score, "seconds": taken,
            "batch": batch, "met": bool(best - score <= SHORT)}


def run(settings: Settings) -> list[Table]:
    "Four structures from several seeds."
    cases = [partial(measure, *shape, settings, seed) for shape in SHAPES for seed in range(min(SEEDS, settings.seeds))]
    return [Table("online", f"One pass in chunks of {CHUNK}", COLUMNS, [case() for case in settings.some(cases)])]


def findings(tables: list[Table]) -> list[str]:
    "How far the pass is from the optimum at most."
    rows = tables[0].rows
    return [f"A pass leaves {max(row['short'] for row in rows):.1e} nats a row at most, and at most {SHORT:.0e} in {sum(row['met'] for row in rows)} of {len(rows)} cases; "
            f"the first chunk left up to {max(row['first'] for row in rows):.1e}. "
            f"It costs as much as {np.median([row['seconds'] / row['batch'] for row in rows]):.0f} passes of batch EM in memory (median), for "
            "its chunks are small and the start is searched again; of the rows it keeps at most the first 100,000, and later none."]
