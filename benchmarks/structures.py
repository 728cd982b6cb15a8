"The fourteen covariance structures: an iteration of each beside the nearest of the four old ones, and the whole grid beside mclust."
from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from gmm_nb.covariance import m_step, n_parameters
from gmm_nb.em import em_steps
from gmm_nb.initialization import statistics_of
from gmm_nb.mixture import SAME, STORED, Mixture
from gmm_nb.statistics import prepare
from gmm_nb.structures import NAMES
from gmm_nb.tables import load_iris
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .settings import Settings
from .tables import Column, Table
from .timing import medians, seconds

WHAT = ("Time of one EM iteration under each structure, in pairs with the one of full, tied, diag and spherical that stores the same numbers, "
        "one thread; and of default fits of all structures with K = 1 to 9, beside mclust in R where that is installed.")
SHAPE = 5 * 10**5, 8, 8
TARGETS = {name: 2.0 if name in ("EVE", "VVE") else 1.3 for name in NAMES if name not in SAME}
PASSES = 3  # before the one that is timed: axes start from those of the pass before
NUMBERS = range(1, 10)
LONG = 1800  # seconds after which mclust is stopped
LESS = 1e-3  # of the log-likelihood: so much below mclust's is below
R = """
suppressMessages(library(mclust))
given <- commandArgs(TRUE)
X <- as.matrix(read.csv(given[1], header = FALSE))
tol <- as.numeric(given[2])
control <- if (tol > 0) emControl(tol = c(tol, tol), itmax = c(5000, 500)) else emControl()
taken <- system.time(table <- mclustBIC(X, G = 1:as.integer(given[3]), control = control, verbose = FALSE))
cat(taken[["elapsed"]], "\\n")
for (name in colnames(table)) for (G in rownames(table)) cat(name, G, table[G, name], "\\n")
"""
ITERATION = [Column("structure", "structure"), Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("beside", "beside"),
             Column("own", "iteration, ms", ".1f"), Column("other", "beside, ms", ".1f"), Column("ratio", "ratio", ".2f"), Column("target", "at most", ".1f"), Column("met", "met")]
GRID = [Column("data", "data"), Column("n", "rows", ",d"), Column("d", "d", "d"), Column("ours", "gmm_nb, s", ".2f"), Column("mclust", "mclust, s", ".2f"),
        Column("ratio", "ratio", ".2f"), Column("target", "at most", ".0f"), Column("tight", "mclust at 1e-10, s", ".2f"), Column("cells", "cells compared", "d"),
        Column("below", "below mclust", "d"), Column("least", "by at most", ".3f"), Column("above", "above", "d")]


# ---- an iteration

def start_of(truth: Mixture, X: np.ndarray, name: str) -> Mixture:
    "A mixture of the structure as EM meets it: some passes after an M-step from the first rows."
    first = X[:max(2000, 20 * truth.means.size)]
    sums = statistics_of(first, np.ones(len(first)), start_near(truth, "full").resp(first), name)
    sample = prepare(first, structure=name)
    return list(islice(em_steps(sample, m_step(sums)), PASSES))[-1].updated


def iteration(name: str, X: np.ndarray, truth: Mixture, settings: Settings) -> dict:
    "One row: the two take turns."
    beside = STORED[name]
    with parallel(1) as workers:
        calls = {}
        for structure in (name, beside):
            sample, start = prepare(X, structure=structure), start_of(truth, X, structure)
            calls[structure] = partial(lambda sample, start: next(em_steps(sample, start, None, workers)), sample, start)
        taken = medians(calls, 2 * settings.repeats + 1)
    ratio = taken[name] / taken[beside]
    return {"structure": name, "n": len(X), "d": X.shape[1], "K": truth.n_components, "beside": beside, "own": 1e3 * taken[name], "other": 1e3 * taken[beside],
            "ratio": ratio, "target": TARGETS[name], "met": bool(ratio <= TARGETS[name])}


# ---- the grid

def mclust(X: np.ndarray, most: int, tol: float = 0.0) -> tuple[float, dict] | None:
    "Seconds and the log-likelihood of each cell (name, K) by mclust; tol 0 is its default. None without R, mclust, or in time."
    if not shutil.which("Rscript"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        np.savetxt(file, X, delimiter=",", fmt="%.17g")
        try:
            done = subprocess.run(["Rscript", "-e", R, str(file), str(tol), str(most)], capture_output=True, text=True, timeout=LONG)
        except subprocess.TimeoutExpired:
            return None
    if done.returncode:
        return None  # mclust is not installed
    first, *lines = done.stdout.splitlines()
    (n, d), values = X.shape, {}
    for name, K, bic in map(str.split, lines):
        if bic != "NA":
            values[name, int(K)] = 0.5 * (float(bic) + np.log(n) * n_parameters(name, int(K), d))
    return float(first), values


def ours(X: np.ndarray, most: int) -> tuple[float, dict]:
    "Seconds and the log-likelihood of each cell that was fitted and does not rest on the floor."
    from gmm_nb.estimator import GaussianMixtureSelection
    model = GaussianMixtureSelection(n_components=range(1, most + 1), covariance_types="all", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        taken, results = seconds(lambda: model.fit(X)), model.results_
    of = lambda key: np.asarray(results[key]).tolist()
    cells = zip(of("covariance_type"), of("n_components"), of("log_likelihood"), of("on_floor"))
    return taken, {(name, K): value for name, K, value, low in cells if not low and np.isfinite(value)}


def grid(data: str, X: np.ndarray, target: float, settings: Settings) -> dict:
    "One row: ours, mclust, and mclust to the end."
    most = NUMBERS[-1] if settings.shrink == 1 else 2
    (taken, values), loose, tight = ours(X, most), mclust(X, most), mclust(X, most, 1e-10)
    row = {"data": data, "n": len(X), "d": X.shape[1], "ours": taken, "target": target, **dict.fromkeys(("mclust", "ratio", "tight", "cells", "below", "least", "above"))}
    if loose:
        row |= {"mclust": loose[0], "ratio": taken / loose[0]}
    if tight:
        gains = np.array([values[cell] - value for cell, value in tight[1].items() if cell in values and cell[0] != "VVE"])
        row |= {"tight": tight[0], "cells": len(gains), "below": int(np.sum(gains < -LESS)), "least": float(max(0, -gains.min(initial=0))), "above": int(np.sum(gains > LESS))}
    return row


def run(settings: Settings) -> list[Table]:
    "Iterations, then the grid of two data sets."
    n, d, K = SHAPE
    X, truth = simulated(settings.rows(n, d, K), d, K)
    rows = [iteration(name, X, truth, settings) for name in settings.some(list(TARGETS))]
    made = simulated(settings.rows(20_000, 10, 5), 10, 5)[0]
    grids = [grid("Iris", load_iris().X, 10.0, settings), grid("simulated, K = 5", made, 2.0, settings)]
    return [Table("structures", "One iteration", ITERATION, rows), Table("grid", f"All structures, K = 1 to {NUMBERS[-1]}", GRID, grids)]


def findings(tables: list[Table]) -> list[str]:
    "Which structures cost more than they should; the grid."
    rows, grids = (table.rows for table in tables)
    dear = [row for row in rows if not row["met"]]
    said = [f"An iteration costs what it should for {len(rows) - len(dear)} of {len(rows)} structures."]
    if dear:
        said.append("More for " + ", ".join(f"{row['structure']} ({row['ratio']:.2f} times {row['beside']})" for row in dear) + ".")
    for row in grids:
        if row["mclust"] is None:
            said.append(f"{row['data']}: {row['ours']:.1f} s; mclust is not here.")
            continue
        end = "mclust at tolerance 1e-10 was stopped" if row["tight"] is None else (
            f"mclust at tolerance 1e-10 takes {row['tight']:.1f} s; {row['below']} of {row['cells']} cells lie below its values by more than {LESS:g}, and {row['above']} above")
        said.append(f"{row['data']}: {row['ours']:.1f} s, {row['ratio']:.1f} times mclust's {row['mclust']:.1f} s, expected at most {row['target']:.0f} times; {end}.")
    return said
