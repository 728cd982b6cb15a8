"A fit from start to end on larger data."
from __future__ import annotations

import time
from typing import Callable

import numpy as np
from gmm_nb.estimator import GaussianMixture
from sklearn.mixture import GaussianMixture as SklearnMixture

from .cases import simulated
from .contenders import quietly
from .settings import Settings
from .tables import Column, Table

WHAT = ("Time of a whole fit, the search for a start included, and the log-likelihood a row that it reaches. Of the default fits only the number "
        "of components is given. \"As good\" is the time after which ours had the log-likelihood that scikit-learn ends with.")
SHAPES = [(500_000, 2, 5), (200_000, 8, 8), (100_000, 16, 10)]
FITS: dict[str, Callable] = {
    "scikit-learn, default": lambda K, settings: SklearnMixture(K, random_state=0),
    "ours, default": lambda K, settings: GaussianMixture(K, random_state=0),
    "ours, plain EM": lambda K, settings: GaussianMixture(K, random_state=0, acceleration=None, n_jobs=settings.jobs),
}
COLUMNS = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("who", "fit"), Column("time", "s", ".2f"),
           Column("as good", "s, as good", ".2f"), Column("passes", "passes", "d"), Column("value", "log-likelihood", ".6f"),
           Column("better", "no worse than scikit-learn")]


def watched(model, X: np.ndarray, value: float) -> float | None:
    "Fit; the seconds after which a mixture had this log-likelihood a row, None if none had."
    start, reached = time.perf_counter(), []

    def on_step(step):
        if not reached and step.log_likelihood >= value * len(X):
            reached.append(time.perf_counter() - start)
    model._on_step = on_step
    quietly(lambda: model.fit(X))
    return reached[0] if reached else None


def measure(n: int, d: int, K: int, settings: Settings) -> list[dict]:
    "A row for each fit; scikit-learn's comes first, since the others are compared with where it ends."
    X, _ = simulated(n, d, K, separation=2.5)
    rows = []
    for who, make in FITS.items():
        model, as_good, start = make(K, settings), None, time.perf_counter()
        if rows:
            as_good = watched(model, X, rows[0]["value"])
        else:
            quietly(lambda: model.fit(X))
        taken, value = time.perf_counter() - start, float(model.score(X))
        rows.append({"n": n, "d": d, "K": K, "who": who, "time": taken, "as good": as_good, "passes": int(model.n_iter_), "value": value,
                     "better": bool(value >= rows[0]["value"] - 1e-6) if rows else None})
    return rows


def run(settings: Settings) -> list[Table]:
    "Three data sets."
    return [Table("end-to-end", "Fits of larger data, start included", COLUMNS,
                  [row for n, d, K in SHAPES for row in measure(settings.rows(n, d, K), d, K, settings)])]


def findings(tables: list[Table]) -> list[str]:
    "Time and value together."
    theirs, *ours = ([row for row in tables[0].rows if row["who"] == who] for who in FITS)
    said = []
    for rows in ours:
        factors = [their["time"] / row["time"] for their, row in zip(theirs, rows)]
        as_good = [their["time"] / row["as good"] for their, row in zip(theirs, rows) if row["as good"]]
        said.append(f"{rows[0]['who'].capitalize()}: no worse than scikit-learn's default in {sum(row['better'] for row in rows)} of {len(rows)} cases. "
                    f"scikit-learn's time is {min(factors):.1f} to {max(factors):.1f} times that of the whole fit"
                    + (f", and {min(as_good):.1f} to {max(as_good):.1f} times that until it was as good." if as_good else "."))
    return said
