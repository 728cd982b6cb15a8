"What first passes in single precision save on wide float32 data, and what is left of them at the end."
from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
from gmm_nb.acceleration import climb
from gmm_nb.covariance import m_step
from gmm_nb.e_step import e_step
from gmm_nb.statistics import prepare
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .settings import Settings
from .tables import Column, Table
from .timing import cpu_seconds

WHAT = ("CPU time of an EM iteration on float32 data whose products are taken in float32, beside one on the same numbers in float64, one thread, full "
        "covariances; and how far the mixtures are apart to which plain EM converges.")
CASES = [(20_000, 128, 10, 1.8), (20_000, 128, 3, None), (20_000, 64, 4, None), (50_000, 40, 3, None)]


def one(n: int, d: int, K: int, least: float | None, settings: Settings) -> dict:
    "One row."
    n = settings.rows(n, d, K)
    X, truth = simulated(n, d, K)
    X, start = X.astype(np.float32), start_near(truth, "full")
    double, rows = prepare(X.astype(float)), prepare(X)
    single = replace(rows, single=True, buffers=deque())
    with parallel(1):
        times = {name: [] for name in ("double", "single")}
        for _ in range(2 * settings.repeats + 1):  # in turns
            for name, sample in (("double", double), ("single", single)):
                times[name].append(cpu_seconds(lambda: m_step(e_step(sample, start), None)))
        ends = [climb(sample, start, None, max_iter=settings.most_passes // 80, tol=1e-15) for sample in (double, rows)]
    a, b = (min(times[name]) for name in ("double", "single"))
    apart = float(np.abs(ends[0].mixture.means - ends[1].mixture.means).max() / np.abs(X).max())
    return {"n": n, "d": d, "K": K, "double": 1e3 * a, "single": 1e3 * b, "ratio": a / b, "apart": apart,
            "met": None if least is None else bool(a >= least * b and apart <= 1e-8)}


def run(settings: Settings) -> list[Table]:
    "All cases."
    return [Table("precision", "An EM iteration in double and in single precision, and how far the ends are apart", [
        Column("n", "rows", ","), Column("d", "d"), Column("K", "K"), Column("double", "double, ms", ".1f"), Column("single", "single, ms", ".1f"),
        Column("ratio", "ratio", ".2f"), Column("apart", "means apart, of the largest value", ".0e"), Column("met", "at least 1.8, and 1e-8")],
        [one(*case, settings) for case in settings.some(CASES)])]


def findings(tables: list[Table]) -> list[str]:
    "Against the target."
    row = tables[0].rows[0]
    return [f"At d = {row['d']} and K = {row['K']} an iteration is {row['ratio']:.2f} times as fast in single precision; the means at the end differ by "
            f"{row['apart']:.0e} of the largest value."]
