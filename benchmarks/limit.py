"How far an iteration is from the bare arithmetic that it cannot do without."
from __future__ import annotations

from typing import Callable

import numpy as np
from gmm_nb.e_step import _lines, _slabs, is_fast, is_wide, wide_rows
from gmm_nb.em import em_steps
from gmm_nb.mixture import Mixture
from gmm_nb.statistics import Sample, chunk_rows, coefficients, features, prepare
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .settings import Settings
from .speed import CASES, describe
from .tables import Column, Table
from .timing import medians

WHAT = ("Time of one of our iterations on one thread as a multiple of its bare arithmetic: two matrix products and one exp of a K×m "
        "array for each chunk of m rows, with the engine's own chunk size, and nothing else.")
AIM = 1.5


def bare_features(sample: Sample, mixture: Mixture) -> Callable[[], None]:
    "Log joints W F, exp, and sums F γᵀ, over chunks that are always the same one."
    n = len(sample.X)
    W = coefficients(mixture, sample.origin)
    (K, P), chunk = W.shape, chunk_rows(n, sum(W.shape))
    F, joint = np.zeros((_lines(P), chunk)), np.zeros((_lines(K), chunk))  # lines of zeros as in the engine
    F[:P] = features(sample.X[:chunk], sample.origin, mixture.structure)
    W = W / (0.1 * np.abs(W @ F[:P]).max())  # exponents of moderate size: no time is lost on numbers near zero

    def arithmetic():
        for start in range(0, n, chunk):
            resp = joint[:K, :n - start]
            np.matmul(W, F[:P, :n - start], out=resp)
            np.exp(resp, out=resp)
            np.dot(F[:, :n - start], joint[:, :n - start].T)
    return arithmetic


def bare_whitening(sample: Sample, mixture: Mixture) -> Callable[[], None]:
    "Where the data are wide: the triangular products of all components, slab by slab, an exp, and Z Zᵀ for each component."
    n, (K, d) = len(sample.X), mixture.means.shape
    chunk = wide_rows(n, K, d)
    x = np.ascontiguousarray((sample.X[:chunk] - sample.origin).T)
    slabs = _slabs(mixture)
    logs = np.full((K, chunk), -1.0)
    resp = np.empty_like(logs)

    def arithmetic():
        for start in range(0, n, chunk):
            m = min(chunk, n - start)
            for slab in slabs:
                slab @ x[:slab.shape[1], :m]
            np.exp(logs[:, :m], out=resp[:, :m])
            for _ in range(K):
                x[:, :m] @ x[:, :m].T
    return arithmetic


REMAINDERS = [(3, 3), (3, 6), (5, 15), (7, 6), (7, 15), (7, 28)]  # K and P: d = 1, 2, 4, 2, 4, 6 with full covariances


def remainder(K: int, P: int, settings: Settings) -> dict:
    "One row: the second product with and without lines of zeros, for a million rows."
    rng, chunk = np.random.default_rng(0), chunk_rows(10**6, K + P)
    F, resp = np.zeros((_lines(P), chunk)), np.zeros((_lines(K), chunk))
    F[:P], resp[:K] = rng.random((P, chunk)), rng.random((K, chunk))
    with parallel(1):
        taken = medians({"plain": lambda: np.dot(F[:P], resp[:K].T), "lines": lambda: np.dot(F, resp.T)}, 3 * settings.repeats)
    return {"K": K, "P": P, **{name: 1e9 * time / chunk for name, time in taken.items()}, "gain": taken["plain"] / taken["lines"]}


def run(settings: Settings) -> list[Table]:
    "The cases of the table of targets against their own limit, and what lines of zeros do."
    rows = []
    for case in CASES:
        n = settings.rows(case.n, case.d, case.K)
        X, truth = simulated(n, case.d, case.K)
        start = start_near(truth, case.structure)
        with parallel(1) as workers:
            sample = prepare(X, structure=case.structure)
            assert is_fast(sample, start)
            wide = is_wide(start)
            bare = (bare_whitening if wide else bare_features)(sample, start)
            taken = medians({"bare": bare, "iteration": lambda: next(em_steps(sample, start, None, workers))},
                            3 * settings.repeats)
        rows.append({"n": n, "d": case.d, "K": case.K, "structure": case.structure, "path": "whitening" if wide else "features",
                     **{name: 1e3 * time for name, time in taken.items()}, "multiple": taken["iteration"] / taken["bare"]})
    columns = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("structure", "covariances"),
               Column("path", "by"), Column("bare", "bare arithmetic, ms", ".2f"), Column("iteration", "iteration, ms", ".2f"),
               Column("multiple", "multiple", ".2f")]
    more = [Column("K", "K", "d"), Column("P", "features P", "d"), Column("plain", "without, ms for a million rows", ".2f"),
            Column("lines", "with zeros, ms", ".2f"), Column("gain", "gain", ".2f")]
    return [Table("limit", "An iteration as a multiple of its bare arithmetic, one thread", columns, rows),
            Table("remainder", "The second product with a line of zeros where three rows remain, one thread", more,
                  [remainder(K, P, settings) for K, P in REMAINDERS])]


def findings(tables: list[Table]) -> list[str]:
    "Where the aim is reached, and where most is left."
    rows = tables[0].rows
    worst = max(rows, key=lambda row: row["multiple"])
    reached = sum(row["multiple"] <= AIM for row in rows)
    return [f"In {reached} of {len(rows)} cases an iteration takes at most {AIM} times its bare arithmetic, the aim.",
            f"The largest multiple, {worst['multiple']:.1f}, is that of {describe(worst)}."]
