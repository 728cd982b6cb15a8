"""What a fit needs beyond its data, in a process of its own.

The process fills its data in place, notes how much memory it has, fits, and asks the operating system for the peak. So the
figure holds everything: arrays, buffers of the matrix library, threads, and whatever the first fit in a process loads.
"""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from gmm_nb.estimator import GaussianMixture
from gmm_nb.mixture import Mixture

from .cases import simulated, start_near
from .contenders import quietly, sklearn
from .settings import Settings
from .tables import Column, Table

WHAT = "Peak of memory beyond the data during a fit of two passes, K=8, d=4. Ours makes its usual starts; scikit-learn gets an explicit start."
LIMIT = 64.0  # MiB
K, D = 8, 4
COLUMNS = [Column("who", "fit"), Column("n", "rows", ",d"), Column("order", "order"), Column("dtype", "type"), Column("jobs", "n_jobs", "d"),
           Column("data", "data, MiB", ".0f"), Column("beyond", "beyond the data, MiB", ".1f"), Column("met", f"at most {LIMIT:.0f}")]


def memory(line: str) -> float:
    "Memory of this process in MiB: what it has (VmRSS) or the most it ever had (VmHWM). Where there is no /proc, always the latter."
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(float(text.split()[1]) for text in file if text.startswith(line)) / 2**10
    except (OSError, StopIteration):
        import resource  # counts what the parent had, too, if that was more: hence the file above
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def fill(X: np.ndarray, truth: Mixture) -> np.ndarray:
    "Rows around the means of a mixture, written in small pieces."
    rng = np.random.default_rng(0)
    for start in range(0, len(X), 16384):
        part = X[start:start + 16384]
        part[:] = truth.means[rng.integers(len(truth.means), size=len(part))] + rng.normal(size=part.shape)
    return X


def probe(who: str, n: int, order: str, dtype: str, jobs: int) -> float:
    "Run in a fresh process: MiB that one fit takes beyond what is there with the data."
    _, truth = simulated(1000, D, K)
    if who == "ours":
        fit = lambda X: quietly(lambda: GaussianMixture(K, max_iter=2, random_state=0, n_jobs=jobs).fit(X))
    else:
        fit = lambda X: sklearn(X, start_near(truth, "full"))(2)
    X = fill(np.empty((n, D), dtype=dtype, order=order), truth)
    before = memory("VmRSS")
    fit(X)
    return memory("VmHWM") - before


def measure(who, n, order="C", dtype="float64", jobs=1) -> dict:
    "One row."
    arguments = dict(who=who, n=n, order=order, dtype=dtype, jobs=jobs)
    done = subprocess.run([sys.executable, "-m", "benchmarks.memory", json.dumps(arguments)], cwd=Path(__file__).parents[1],
                          capture_output=True, text=True, check=True)
    beyond = float(done.stdout)
    return {**arguments, "d": D, "K": K, "jobs": jobs if who == "ours" else None, "data": n * D * np.dtype(dtype).itemsize / 2**20,
            "beyond": beyond, "met": bool(beyond <= LIMIT) if who == "ours" else None}


def run(settings: Settings) -> list[Table]:
    "Both memory orders, both types, one thread and several; scikit-learn once."
    n = settings.rows(4 * 10**6, D, K)
    kinds = [dict(order=order, dtype=dtype) for dtype in ("float64", "float32") for order in "CF"] + [dict(jobs=settings.jobs)]
    rows = [*(measure("ours", n, **kind) for kind in settings.some(kinds)), measure("scikit-learn", n)]
    return [Table("memory", "Peak memory beyond the data", COLUMNS, rows)]


def findings(tables: list[Table]) -> list[str]:
    "The worst of ours against the limit, and against scikit-learn."
    ours = [row for row in tables[0].rows if row["who"] == "ours"]
    theirs = next(row for row in tables[0].rows if row["who"] != "ours")
    worst = max(row["beyond"] for row in ours)
    return [f"At {ours[0]['n']:,} rows a fit takes at most {worst:.0f} MiB beyond the data (limit {LIMIT:.0f}: "
            f"{'met' if worst <= LIMIT else 'missed'}); scikit-learn takes {theirs['beyond']:,.0f} MiB for {theirs['data']:.0f} MiB of data."]


if __name__ == "__main__":
    print(probe(**json.loads(sys.argv[1])))
