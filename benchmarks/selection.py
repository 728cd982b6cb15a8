"Whether what chooses a mixture can be trusted: the bootstrap test's p-values, standard errors, and the grid beside mclust's fits."
from __future__ import annotations

import json
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from gmm_nb.acceleration import climb
from gmm_nb.mixture import Mixture
from gmm_nb.selection import NAMES, fit_grid, free_numbers, likelihood_ratio_test, standard_errors
from gmm_nb.statistics import prepare
from gmm_nb.tables import load_faithful, load_iris
from scipy.stats import kstest

from .settings import Settings
from .tables import Column, Table

WHAT = ("The bootstrap test of two against three components on data sets that have two, whose p-values should be uniform; standard errors "
        "beside the spread of estimates over simulated data sets; and default fits of a whole grid, one thread and all cores, beside "
        "mclust's tightest fits from its own hierarchy.")
DATA_SETS, BOOTSTRAP, ROWS = 50, 39, 200  # of the test of the test
NUMBERS = range(1, 10)  # of components, in the grids
FITS, SIZE = 500, 1000  # of the spread
TRUTH = Mixture([0.4, 0.6], [[0.0, 0.0], [2.5, 1.0]], [[[1.0, 0.3], [0.3, 1.0]], [[1.5, -0.5], [-0.5, 0.8]]])
TIED = Mixture([0.4, 0.6], [[0.0, 0.0], [2.5, 1.0]], [[1.0, 0.3], [0.3, 1.0]], "tied")
WITHIN, SHORT = 0.15, 1e-3  # of the spread; nats
REFERENCE = Path(__file__).parents[1] / "tests" / "oracles"


# ---- the test

def p_value(n: int, n_bootstrap: int, seed: int) -> tuple[float, float]:
    "Of one data set that has two components: the p-value, and a number uniform among those that it stands for."
    rng = np.random.default_rng([seed, 1])
    X, _ = TIED.sample(n, rng)
    found = likelihood_ratio_test(X, 2, "tied", n_bootstrap, seed, n_jobs=1)
    return found.p_value, found.p_value - rng.random() / (len(found.bootstrap) + 1)


def uniformity(settings: Settings) -> Table:
    "Kolmogorov and Smirnov's test of uniform p-values."
    sets, B = max(8, round(DATA_SETS * settings.shrink)), max(4, round(BOOTSTRAP * settings.shrink))
    found = np.array(settings.spread(partial(p_value, ROWS, B), range(sets)))
    test = kstest(found[:, 1], "uniform")
    row = {"sets": sets, "n": ROWS, "B": B, "low": float(np.mean(found[:, 0] <= 0.1)), "mean": float(found[:, 1].mean()),
           "distance": float(test.statistic), "p": float(test.pvalue)}
    columns = [Column("sets", "data sets", "d"), Column("n", "rows each", "d"), Column("B", "bootstrap samples", "d"),
               Column("low", "share of p ≤ 0.1", ".2f"), Column("mean", "mean p", ".2f"), Column("distance", "distance from uniform", ".3f"),
               Column("p", "Kolmogorov–Smirnov's p", ".2f")]
    return Table("selection test", "p-values of two against three components where there are two", columns, [row])


# ---- standard errors

METHODS = ("empirical", "observed", "sandwich")


def estimated(truth: Mixture, n: int, seed: int) -> np.ndarray:
    "(1 + 3, p) estimates from one data set, and their standard errors by each method."
    X, _ = truth.sample(n, np.random.default_rng(seed))
    fit = climb(prepare(X, None, "tied"), truth, acceleration="natural-gradient", tol=1e-8).mixture
    rows = [free_numbers(fit)]
    for method in METHODS:
        told, inner = standard_errors(fit, X, method), np.triu_indices(2)
        covariances = told.covariances[(..., *inner)]
        rows.append(np.concatenate([told.weights[:-1], told.means.ravel(), covariances.ravel()]))
    return np.array(rows)


def errors(settings: Settings) -> Table:
    "Mean standard error of each parameter over its spread."
    fits, rows = max(20, round(FITS * settings.shrink)), []
    for name, truth in (("full", TRUTH), ("tied", TIED)):
        found = np.array(settings.spread(partial(estimated, truth, SIZE), range(fits)))
        spread = found[:, 0].std(axis=0, ddof=1)
        for method, told in zip(METHODS, found[:, 1:].mean(axis=0)):
            ratio = told / spread
            rows.append({"structure": name, "method": method, "fits": fits, "n": SIZE, "p": len(ratio), "least": float(ratio.min()),
                         "most": float(ratio.max()), "met": bool(np.abs(ratio - 1).max() <= WITHIN)})
    columns = [Column("structure", "structure"), Column("method", "method"), Column("fits", "fits", "d"), Column("n", "rows each", "d"),
               Column("p", "parameters", "d"), Column("least", "smallest ratio", ".2f"), Column("most", "largest ratio", ".2f"),
               Column("met", f"within {WITHIN:.0%}")]
    return Table("selection errors", "Standard error over the spread of the estimates", columns, rows)


# ---- the grid

def measure(name: str, X: np.ndarray, settings: Settings) -> dict:
    "One row: times of a default grid, and how it compares with mclust's tight fits. Of its VVE there are none."
    seconds, most = {}, NUMBERS[-1] if settings.shrink == 1 else 2
    for jobs in sorted({1, settings.jobs}):
        taken = []
        for _ in range(settings.repeats):
            start = time.perf_counter()
            cells = fit_grid(X, range(1, most + 1), NAMES, n_jobs=jobs).cells
            taken.append(time.perf_counter() - start)
        seconds[jobs] = float(np.median(taken))
    theirs, gaps = json.loads((REFERENCE / f"bic_tight_{name}.json").read_text(encoding="utf-8"))["models"], []
    for cell in cells:
        kind = cell.covariance_type
        known = theirs[kind][str(cell.n_components)]
        if known and cell.sound and kind != "VVE":
            gaps.append(cell.criteria.log_likelihood - known["loglik"])
    return {"data": name, "cells": len(cells), "sound": sum(cell.sound for cell in cells), "one": seconds[1], "all": seconds[settings.jobs],
            "compared": len(gaps), "better": sum(gap > SHORT for gap in gaps), "below": sum(gap < -SHORT for gap in gaps)}


def run(settings: Settings) -> list[Table]:
    "The three tables."
    columns = [Column("data", "data"), Column("cells", "cells", "d"), Column("sound", "off the floor", "d"), Column("one", "s, one thread", ".2f"),
               Column("all", "s, all cores", ".2f"), Column("compared", "compared", "d"), Column("better", "better than mclust", "d"),
               Column("below", "worse", "d")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [measure("iris", load_iris().X, settings), measure("faithful", load_faithful().X, settings)]
        return [Table("selection grid", f"Grids of K = 1 to {NUMBERS[-1]}, default settings", columns, rows), uniformity(settings), errors(settings)]


def findings(tables: list[Table]) -> list[str]:
    "What the three say."
    grid, test, spread = (table.rows for table in tables)
    below, compared, better = (sum(row[key] for row in grid) for key in ("below", "compared", "better"))
    said = [f"Of {compared} fits that mclust has, too, {better} are better than its tightest by more than {SHORT} nats, {below} worse."]
    row = test[0]
    said.append(f"The p-values of {row['sets']} data sets are {'uniform' if row['p'] > 0.05 else 'not uniform'} "
                f"by Kolmogorov–Smirnov's test (p = {row['p']:.2f}).")
    missed = [f"{row['method']} for {row['structure']} ({row['least']:.2f} to {row['most']:.2f})" for row in spread if not row["met"]]
    said.append(f"Standard errors are within {WITHIN:.0%} of the spread for every parameter" + (f", but {'; '.join(missed)}." if missed else "."))
    return said
