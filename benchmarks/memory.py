"""What a fit needs beyond its data, in a process of its own.

The process fills its data in place, notes how much memory it has, fits, and asks the operating system for the peak. So the
figure holds everything: arrays, the buffers of the matrix library, threads, and modules that the fit is the first to load.
"""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from .settings import Settings
from .tables import Column, Table

WHAT = "Peak of memory beyond the data during a fit of three passes, K=8, d=4. Ours starts by k-means; scikit-learn gets an explicit start."
LIMIT = 64.0  # MiB
COLUMNS = [Column("who", "fit"), Column("n", "rows", ",d"), Column("order", "order"), Column("dtype", "type"), Column("jobs", "n_jobs", "d"),
           Column("data", "data, MiB", ".0f"), Column("beyond", "beyond the data, MiB", ".1f"), Column("met", f"at most {LIMIT:.0f}")]


def _peak() -> float:
    "Largest resident memory of this process so far, MiB."
    import resource
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _now() -> float:
    "Resident memory of this process, MiB; the peak so far where the system does not tell."
    try:
        import os
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return _peak()


def probe(who: str, n: int, order: str, dtype: str, jobs: int) -> float:
    "Run in a fresh process: MiB that one fit takes beyond what is there with the data."
    from .cases import start_near
    from .contenders import ours, quietly, sklearn
    from .cases import simulated
    K, d = 8, 4
    _, truth = simulated(1000, d, K)
    X = np.empty((n, d), dtype=dtype, order=order)
    rng = np.random.default_rng(0)
    for start in range(0, n, 16384):
        labels = rng.integers(K, size=len(X[start:start + 16384]))
        X[start:start + 16384] = truth.means[labels] + rng.normal(size=(len(labels), d))
    before = _now()
    if who == "scikit-learn":
        sklearn(X, start_near(truth, "full"))(3)
    else:
        from gmm_nb.estimator import GaussianMixture
        quietly(lambda: GaussianMixture(K, max_iter=3, random_state=0, n_jobs=jobs).fit(X))
    return _peak() - before


def measure(who, n, order="C", dtype="float64", jobs=1) -> dict:
    "One row."
    arguments = dict(who=who, n=n, order=order, dtype=dtype, jobs=jobs)
    done = subprocess.run([sys.executable, "-m", "benchmarks.memory", json.dumps(arguments)], cwd=Path(__file__).parents[1],
                          capture_output=True, text=True, check=True)
    beyond = float(done.stdout)
    return {**arguments, "d": 4, "K": 8, "jobs": jobs if who == "ours" else None, "data": n * 4 * np.dtype(dtype).itemsize / 2**20,
            "beyond": beyond, "met": bool(beyond <= LIMIT) if who == "ours" else None}


def run(settings: Settings) -> list[Table]:
    "Both memory orders, both types, one thread and several; scikit-learn once."
    n = settings.rows(4 * 10**6, 4, 8)
    rows = [measure("ours", n, order, dtype) for dtype in ("float64", "float32") for order in "CF"]
    rows += [measure("ours", n, jobs=settings.jobs), measure("scikit-learn", n)]
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
