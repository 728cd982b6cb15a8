"How long a chunk should be: the engine's rule beside shorter and longer chunks."
from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Callable

from gmm_nb.e_step import _fast, peak_if_bounded
from gmm_nb.mixture import Mixture
from gmm_nb.statistics import Sample, Statistics, chunk_rows, coefficients, prepare
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .settings import Settings
from .tables import Column, Table
from .timing import medians

WHAT = ("Time of one E-step by features in chunks shorter and longer than the engine's, as a multiple of its time; on one thread and on several. "
        "Chunks of all rows or more are left out.")
SHAPES = [(10**6, 1, 3, "full"), (10**6, 2, 3, "full"), (5 * 10**5, 2, 20, "full"), (5 * 10**5, 8, 8, "diag"), (5 * 10**5, 8, 8, "spherical"),
          (2 * 10**5, 8, 8, "full"), (2 * 10**5, 12, 4, "full"), (10**5, 16, 8, "full"), (6 * 10**4, 24, 8, "full"), (6 * 10**4, 32, 16, "full"),
          (2 * 10**4, 64, 40, "full")]
FACTORS = {"eighth": 1 / 8, "quarter": 1 / 4, "half": 1 / 2, "same": 1, "double": 2, "fourfold": 4}
COLUMNS = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("structure", "covariances"), Column("threads", "threads", "d"),
           Column("chunk", "rows of a chunk", ",d"), Column("ms", "time, ms", ".2f"),
           *(Column(name, f"× {factor:g}", ".2f") for name, factor in FACTORS.items() if name != "same")]


def e_step_in(chunk: int, sample: Sample, mixture: Mixture, workers: Callable) -> Callable[[], Statistics]:
    "The E-step in chunks of this length, in a work space of its own."
    own = replace(sample, buffers=deque())
    return lambda: _fast(own, mixture, workers, peak_if_bounded(mixture, own), chunk)


def measure(n: int, d: int, K: int, structure: str, settings: Settings) -> list[dict]:
    "Two rows, for one thread and for several."
    X, truth = simulated(n, d, K)
    start, rows = start_near(truth, structure), []
    for jobs in (1, settings.jobs):
        with parallel(jobs) as workers:
            sample = prepare(X, None, structure, workers)
            chunk = chunk_rows(n, sum(coefficients(start, sample.origin).shape))
            lengths = {name: max(1, int(factor * chunk)) for name, factor in FACTORS.items()}
            taken = medians({name: e_step_in(length, sample, start, workers) for name, length in lengths.items() if length < n or name == "same"},
                            settings.repeats)
        rows.append({"n": n, "d": d, "K": K, "structure": structure, "threads": 1 if jobs == 1 else settings.workers, "chunk": chunk, "ms": 1e3 * taken["same"],
                     **{name: taken[name] / taken["same"] if name in taken else None for name in FACTORS if name != "same"}})
    return rows


def run(settings: Settings) -> list[Table]:
    "The engine's chunks and others."
    return [Table("chunks", "Time of an E-step by the length of its chunks, the engine's own being 1", COLUMNS,
                  [row for n, d, K, structure in settings.some(SHAPES) for row in measure(settings.rows(n, d, K), d, K, structure, settings)])]


def findings(tables: list[Table]) -> list[str]:
    "How much the engine's rule loses."
    rows = tables[0].rows
    best = [min(1.0, *(row[name] for name in FACTORS if row.get(name) is not None)) for row in rows]
    worst = min(range(len(rows)), key=best.__getitem__)
    near = sum(ratio > 0.9 for ratio in best)
    row = rows[worst]
    return [f"In {near} of {len(rows)} lines no other length is faster by more than a tenth.",
            f"The most is lost for {row['n']:,} × {row['d']} with {row['K']} {row['structure']} components: another length takes {best[worst]:.2f} of the time."]
