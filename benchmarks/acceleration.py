"""How many passes over the data the accelerated methods save.

Passes are counted and not timed, so the cases run side by side in processes. A pass is an E-step over all rows; a trial
that is refused counts like any other.
"""
from __future__ import annotations

import json
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gmm_nb.acceleration import steps_by
from gmm_nb.covariance import CollapsedComponent, m_step, variance_floor
from gmm_nb.em import em_steps
from gmm_nb.initialization import start_mixture, statistics_of
from gmm_nb.mixture import STRUCTURES, Mixture
from gmm_nb.statistics import prepare
from gmm_nb.tables import load_faithful, load_iris

from .cases import matrices
from .settings import Settings
from .tables import Column, Table

WHAT = ("Passes over the data until the log-likelihood a row is within 1e-9 of where plain EM ends, from the same start. "
        "Plain EM ends when twenty passes gain less than 2e-13 a row, or after the most passes allowed.")
METHODS = ("squarem", "natural-gradient")
WITHIN, LOWER = 1e-9, 1e-7  # of the log-likelihood a row: what counts as there, and what as a worse end
GROUPS = [(0, 30), (30, 100), (100, 1000), (1000, 5000), (5000, 10**9)]
REFERENCE = {"plain": 470, "squarem": 84}  # R's package SQUAREM from the same start, as the issue of this project reports it


class Case(NamedTuple):
    "A data set by name, with the number of components and the covariance structure."
    data: str
    K: int
    structure: str


def overlapping(n: int, d: int, K: int, separation: float, seed: int) -> np.ndarray:
    "A mixture whose means are `separation` standard deviations apart, more or less in any dimension."
    rng = np.random.default_rng([seed, d, K])
    roots = np.linalg.cholesky(matrices(rng, K, d, 0.6))
    labels = rng.integers(K, size=n)
    return rng.normal(0, separation, (K, d))[labels] + np.einsum("nij,nj->ni", roots[labels], rng.normal(size=(n, d)))


DATA = {
    "Old Faithful": lambda: load_faithful().X,
    "Iris": lambda: load_iris().X,
    "3 clusters apart": lambda: overlapping(1000, 2, 3, 4.0, 1),
    "3 clusters near": lambda: overlapping(1000, 2, 3, 1.5, 2),
    "2 clusters, 1-d": lambda: overlapping(1000, 1, 2, 1.0, 3),
    "4 clusters, 3-d": lambda: overlapping(1500, 3, 4, 1.2, 4),
    "6 clusters": lambda: overlapping(2000, 2, 6, 1.5, 5),
    "2 clusters overlapping": lambda: overlapping(1500, 2, 2, 0.5, 6),
    "3 clusters, 5-d": lambda: overlapping(1500, 5, 3, 1.0, 7),
    "one Gaussian": lambda: np.random.default_rng(8).normal(size=(1000, 2)),
    "one Gaussian, 1-d": lambda: np.random.default_rng(12).normal(size=(1000, 1)),
    "uniform": lambda: np.random.default_rng(9).random((1000, 2)),
    "t with 4 degrees": lambda: np.random.default_rng(10).standard_t(4, size=(1500, 2)),
}
CASES = [Case(data, K, structure) for data, K, structures in (
    ("Old Faithful", 2, ("full",)),
    ("Old Faithful", 3, STRUCTURES),
    ("Old Faithful", 4, STRUCTURES),
    ("Old Faithful", 5, ("tied", "diag")),
    ("Iris", 3, STRUCTURES),
    ("Iris", 5, ("full", "tied", "spherical")),
    ("3 clusters apart", 3, ("full", "diag")),
    ("3 clusters near", 3, ("full", "tied")),
    ("2 clusters, 1-d", 2, ("full", "tied")),
    ("4 clusters, 3-d", 4, ("full", "tied")),
    ("6 clusters", 6, ("full", "spherical")),
    ("2 clusters overlapping", 2, STRUCTURES),
    ("3 clusters, 5-d", 3, ("full", "diag")),
    ("one Gaussian", 2, STRUCTURES),
    ("one Gaussian, 1-d", 2, ("full",)),
    ("uniform", 4, STRUCTURES),
    ("t with 4 degrees", 3, STRUCTURES),
) for structure in structures]


def trace_of_plain(sample, start: Mixture, floor, most: int) -> np.ndarray:
    "Log-likelihoods a row of plain EM until they stand still."
    trace = []
    for step in islice(em_steps(sample, start, floor), most):
        trace.append(step.log_likelihood / sample.n_samples)
        if len(trace) > 20 and trace[-1] - trace[-21] < 2e-13:
            break
    return np.array(trace)


def passes_to(value: float, steps, n_samples: float, most: int) -> tuple[int | None, float]:
    "The first pass that reaches a log-likelihood a row, or None; and the log-likelihood where the method ends by itself."
    reached, best = None, -np.inf
    try:
        for step in islice(steps, most):
            best = max(best, step.log_likelihood / n_samples)
            reached = step.n_iter if reached is None and best >= value else reached
            if step.left is not None and step.left < 1e-13 * n_samples:
                break
    except CollapsedComponent:
        pass
    return reached, best


def measure(case: Case, most: int) -> dict | None:
    "One case: passes of all methods. None where plain EM itself loses a component."
    X = DATA[case.data]()
    sample = prepare(X, structure=case.structure)
    floor = variance_floor(sample, 1e-6)
    start = start_mixture(sample, case.K, case.structure, "k-means++", np.random.default_rng(case.K))
    try:
        trace = trace_of_plain(sample, start, floor, most)
    except CollapsedComponent:
        return None
    end = trace[-1]
    plain = int(np.argmax(trace >= end - WITHIN)) + 1
    row = {**case._asdict(), "plain": plain, "capped": len(trace) >= most}
    for method in METHODS:
        passes, best = passes_to(end - WITHIN, steps_by(method)(sample, start, floor), sample.n_samples, max(2 * plain, 200))
        row |= {method: passes, f"{method} lower": bool(best < end - LOWER), f"{method} higher": bool(best > end + LOWER)}
    return row


def saving(row: dict, method: str) -> float:
    "Passes of plain EM for one pass of the method; a run that never arrived counts as twice plain EM's passes."
    return row["plain"] / (row[method] or 2 * row["plain"])


def geometric_mean(values) -> float:
    "The mean of factors."
    return float(np.exp(np.mean(np.log(list(values)))))


def grouped(rows: list[dict]) -> list[dict]:
    "The savings by how slow plain EM is; the last row is over all cases."
    out = []
    for low, high in [*GROUPS, (0, 10**9)]:
        some = [row for row in rows if low <= row["plain"] < high]
        if some:
            words = "all" if (low, high) == (0, 10**9) else f"under {high}" if low == 0 else f"{low} and more" if high == 10**9 else f"{low} to {high - 1}"
            out.append({"group": words, "cases": len(some)} | {
                key: value for method in METHODS for key, value in (
                    (method, geometric_mean(saving(row, method) for row in some)),
                    (f"{method} lower", sum(row[f"{method} lower"] for row in some)),
                    (f"{method} higher", sum(row[f"{method} higher"] for row in some)))})
    return out


def reference_start() -> Mixture | None:
    "Old Faithful, K=3, full: one M-step from the labels of the reference fits that the tests use; None without the tests."
    path = Path(__file__).parents[1] / "tests" / "oracles" / "fits_faithful_K3.json"
    if not path.exists():
        return None
    labels = np.array(json.loads(path.read_text())["labels0"]) - 1
    X = load_faithful().X
    return m_step(statistics_of(X, np.ones(len(X)), (labels == np.arange(3)[:, None]).astype(float), "full"))


def until_still(method: str | None, start: Mixture, change: float = 1e-8, most: int = 2000) -> int:
    "Passes until one EM step moves the means by less than `change` in Euclidean length."
    sample = prepare(load_faithful().X)
    for step in islice(steps_by(method)(sample, start), most):
        if np.linalg.norm(step.updated.means - step.mixture.means) < change:
            break
    return step.n_iter


def run(settings: Settings) -> list[Table]:
    "Savings by group, every case, and the reference case."
    rows = [row for row in settings.spread(partial(measure, most=settings.most_passes), settings.some(CASES)) if row]
    rows.sort(key=lambda row: row["plain"])
    tables = [
        Table("acceleration", "Passes saved (geometric mean of plain EM's passes over the method's); ends lower or higher than plain EM's by 1e-7 a row",
              [Column("group", "passes of plain EM"), Column("cases", "cases", "d"),
               *(column for method in METHODS for column in (
                   Column(method, method, ".2f"), Column(f"{method} lower", f"{method} ends lower", "d"), Column(f"{method} higher", "higher", "d")))], grouped(rows)),
        Table("acceleration cases", "Passes until within 1e-9 a row of plain EM's end (a dash: never)",
              [Column("data", "data"), Column("K", "K", "d"), Column("structure", "covariances"), Column("plain", "plain", ",d"),
               Column("squarem", "squarem", ",d"), Column("natural-gradient", "natural-gradient", ",d"), Column("capped", "plain was cut off")], rows),
    ]
    if start := reference_start():
        counts = {"plain": until_still(None, start), **{method: until_still(method, start) for method in METHODS}}
        tables.append(Table("acceleration reference", "Old Faithful, K=3, full, from the reference start: passes until a step moves the means less than 1e-8",
                            [Column("by", "by"), Column("plain", "plain", "d"), Column("squarem", "squarem", "d"), Column("natural-gradient", "natural-gradient", "d")],
                            [{"by": "gmm_nb", **counts}, {"by": "R, as reported", **REFERENCE, "natural-gradient": None}]))
    return tables


def findings(tables: list[Table]) -> list[str]:
    "The overall savings and whether anything ended lower."
    groups, rows = tables[0].rows, tables[1].rows
    said = []
    for method in METHODS:
        slow = [row for row in rows if row["plain"] >= 1000]
        over = f", {geometric_mean(saving(row, method) for row in slow):.1f} in those {len(slow)} where plain EM needs a thousand or more" if slow else ""
        lower, higher = groups[-1][f"{method} lower"], groups[-1][f"{method} higher"]
        said.append(f"\"{method}\" saves a factor of {groups[-1][method]:.1f} over all {len(rows)} cases{over}. It ends lower than plain EM in {lower}, "
                    f"higher in {higher}: another maximum, or one that plain EM was cut off on the way to.")
    return said
