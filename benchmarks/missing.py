"What holes in a table cost: time of an E-step, memory of a fit, and the fits of others who fill the holes first."
from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from unittest.mock import patch

import gmm_nb.missing
import numpy as np
from gmm_nb.e_step import e_step
from gmm_nb.estimator import GaussianMixture
from gmm_nb.missing import by_pattern, prepare_holes
from gmm_nb.statistics import prepare
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .memory import LIMIT, fill, memory
from .settings import Settings
from .tables import Column, Table
from .timing import medians, seconds

WHAT = ("An E-step on a table with holes beside one on the same rows without any, full covariances, one thread; peak memory of a fit with holes; "
        "held-out log-likelihood beside the fits to complete rows, to means filled in and to scikit-learn's IterativeImputer.")
SPEED = [(10**6, 8, 8, "six patterns", 1.2), (2 * 10**5, 20, 5, 0.1, 2.0), (2 * 10**5, 20, 10, 0.1, 3.0), (2 * 10**5, 20, 5, 0.3, 6.0),
         (2 * 10**5, 20, 10, 0.3, 6.0)]
BORDER = [(d, K, rows) for d, K in ((8, 5), (20, 5), (20, 10)) for rows in (100, 300, 1000, 3000)]
MEMORY = [(10**6, 8, "six patterns"), (4 * 10**6, 4, 0.1), (2 * 10**5, 20, 0.1)]


def holes(X: np.ndarray, kind: str | float, seed: int = 0) -> np.ndarray:
    "Put NaN into X: a share of all entries at random, or one of six patterns into each row. In pieces, without a copy."
    rng, d = np.random.default_rng(seed), X.shape[1]
    six = np.array([(np.arange(d) - pattern) % d < (0, 1, 1, 2, 2, 3)[pattern] for pattern in range(6)])  # the first has none
    for start in range(0, len(X), 16384):
        part = X[start:start + 16384]
        part[six[rng.integers(6, size=len(part))] if kind == "six patterns" else rng.random(part.shape) < kind] = np.nan
    return X


def speed(n: int, d: int, K: int, kind: str | float, limit: float, settings: Settings) -> dict:
    "One row of the table of times."
    n = settings.rows(n, d, K)
    X, truth = simulated(n, d, K)
    start, whole = start_near(truth, "full"), prepare(X)
    H = holes(X.copy(), kind)
    sample = prepare_holes(H)
    with parallel(1) as workers:
        taken = medians({"whole": lambda: e_step(whole, start, workers), "holes": lambda: e_step(sample, start, workers)}, settings.repeats)
    return {"n": n, "d": d, "K": K, "kind": kind if kind == "six patterns" else f"{kind:.0%}", "patterns": len(by_pattern(np.isnan(H))[1]) - 1,
            "whole": 1e3 * taken["whole"], "holes": 1e3 * taken["holes"], "ratio": taken["holes"] / taken["whole"], "limit": limit,
            "met": bool(taken["holes"] <= limit * taken["whole"])}


def border(d: int, K: int, rows: int, settings: Settings) -> dict:
    "Both ways to the sums for one pattern with so many rows and two holes."
    X, truth = simulated(rows + 1, d, K)
    start = start_near(truth, "full")
    X[1:, :2] = np.nan  # the first row is whole: each column has a value
    samples = {}
    for name, common in (("pattern", 1), ("row", rows + 2)):
        with patch.object(gmm_nb.missing, "COMMON", common):
            samples[name] = prepare_holes(X)
    with parallel(1) as workers:
        taken = medians({name: lambda sample=sample: e_step(sample, start, workers) for name, sample in samples.items()}, settings.repeats)
    return {"d": d, "K": K, "rows": rows, "pattern": 1e3 * taken["pattern"], "row": 1e3 * taken["row"], "ratio": taken["row"] / taken["pattern"]}


def probe(n: int, d: int, kind: str | float) -> float:
    "Run in a fresh process: MiB that one fit takes beyond what is there with the data."
    _, truth = simulated(1000, d, 5)
    X = holes(fill(np.empty((n, d)), truth), kind)
    before = memory("VmRSS")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        GaussianMixture(5, missing="at_random", max_iter=2, random_state=0, n_jobs=1).fit(X)
    return memory("VmHWM") - before


def beyond(n: int, d: int, kind: str | float, settings: Settings) -> dict:
    "One row of the table of memory."
    n = settings.rows(n, d, 5)
    done = subprocess.run([sys.executable, "-m", "benchmarks.missing", json.dumps(dict(n=n, d=d, kind=kind))], cwd=Path(__file__).parents[1],
                          capture_output=True, text=True, check=True)
    found = float(done.stdout)
    return {"n": n, "d": d, "kind": kind if kind == "six patterns" else f"{kind:.0%}", "data": n * d * 8 / 2**20, "beyond": found,
            "met": bool(found <= LIMIT)}


def by_imputer(H: np.ndarray, K: int) -> GaussianMixture:
    "scikit-learn's regressions, one column on the others in turn, and then its mixture."
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401  it makes the next import work
    from sklearn.impute import IterativeImputer
    from sklearn.mixture import GaussianMixture as Theirs
    return Theirs(K, n_init=5, random_state=0, max_iter=500).fit(IterativeImputer(random_state=0).fit_transform(H))


def held_out(seed: int, settings: Settings) -> list[dict]:
    "A fifth of the entries missing, six columns, three components: all ways, by new rows without holes."
    n, d, K = settings.rows(3000, 6, 3), 6, 3
    rng = np.random.default_rng(seed)
    X, truth = simulated(n, d, K, seed, separation=5.0)
    H, test = holes(X.copy(), 0.2, seed), truth.sample(20_000, rng)[0]
    complete = H[~np.isnan(H).any(axis=1)]
    ours = lambda rows, **how: GaussianMixture(K, random_state=0, **how).fit(rows)
    fits = {"the whole table": lambda: ours(X), "EM with holes": lambda: ours(H, missing="at_random"), "complete rows only": lambda: ours(complete),
            "means filled in": lambda: ours(np.where(np.isnan(H), np.nanmean(H, axis=0), H)),
            "IterativeImputer, then scikit-learn's mixture": lambda: by_imputer(H, K)}
    rows, kept = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, fit in fits.items():
            taken = seconds(lambda: kept.update({name: fit()}))
            rows.append({"seed": seed, "who": name, "seconds": taken, "score": float(kept[name].score(test))})
    for row in rows: row["loss"] = rows[0]["score"] - row["score"]
    return rows


N, D, COMPONENTS, KIND = Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("kind", "holes")


def run(settings: Settings) -> list[Table]:
    "Times, the border between the two ways, memory, and fits."
    return [
        Table("missing-speed", "Time of an E-step with holes beside one without", [
            N, D, COMPONENTS, KIND, Column("patterns", "patterns", ",d"), Column("whole", "without, ms", ".1f"), Column("holes", "with, ms", ".1f"),
            Column("ratio", "ratio", ".2f"), Column("limit", "at most", ".1f"), Column("met", "met")],
            [speed(*case, settings) for case in settings.some(SPEED)]),
        Table("missing-border", "One pattern with two holes, by pattern and by row", [
            D, COMPONENTS, Column("rows", "rows", ",d"), Column("pattern", "by pattern, ms", ".2f"), Column("row", "by row, ms", ".2f"),
            Column("ratio", "row / pattern", ".2f")], [border(*case, settings) for case in settings.some(BORDER)]),
        Table("missing-memory", "Peak memory beyond the data of a fit with holes", [
            N, D, KIND, Column("data", "data, MiB", ".0f"), Column("beyond", "beyond the data, MiB", ".1f"), Column("met", f"at most {LIMIT:.0f}")],
            [beyond(*case, settings) for case in settings.some(MEMORY)]),
        Table("missing-fits", "Held-out log-likelihood a row, a fifth of the entries missing", [
            Column("seed", "seed", "d"), Column("who", "fit"), Column("seconds", "seconds", ".2f"), Column("score", "nats a row", ".4f"),
            Column("loss", "less than the whole table", ".4f")], [row for seed in range(min(3, settings.seeds)) for row in held_out(seed, settings)])]


def findings(tables: list[Table]) -> list[str]:
    "Which limits are met, and what filling costs."
    times, _, sizes, fits = (table.rows for table in tables)
    loss = lambda who: np.mean([row["loss"] for row in fits if row["who"].startswith(who)])
    missed = [f"{row['n']:,} × {row['d']}, K={row['K']}, {row['kind']}: {row['ratio']:.1f}" for row in times if not row["met"]]
    return [f"{sum(row['met'] for row in times)} of {len(times)} ratios are within their limits{': not ' + '; '.join(missed) if missed else ''}.",
            f"A fit with holes takes at most {max(row['beyond'] for row in sizes):.0f} MiB beyond the data.",
            f"Held out, a row loses {loss('EM'):.4f} nats by the holes with EM, {loss('complete'):.3f} with complete rows only, "
            f"{loss('means'):.3f} with means filled in and {loss('Iterative'):.3f} with IterativeImputer."]


if __name__ == "__main__":
    print(probe(**json.loads(sys.argv[1])))
