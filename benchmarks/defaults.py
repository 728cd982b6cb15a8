"""Whether the defaults find a good answer: default fits on many data sets, beside scikit-learn's default and its patient setting.

The number of components and full covariances are given to all, everything else is left at its default, or as the column says.
"""
from __future__ import annotations

import time
from functools import partial
from typing import Callable, NamedTuple

import numpy as np
from gmm_nb.data import load_faithful, load_iris
from gmm_nb.estimator import GaussianMixture
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture as SklearnMixture

from .cases import simulated
from .contenders import quietly
from .settings import Settings
from .tables import Column, Table

WHAT = ("Default fits with full covariances: median over the random seeds of the log-likelihood a row, of the time, and mean of the adjusted "
        "Rand index where labels are known. Each fit runs on one core. scikit-learn's reg_covar is an absolute variance and is left as it is.")
TIE = 1e-6  # of the log-likelihood a row: scikit-learn's own resolution
CONTENDERS = {
    "ours": GaussianMixture,
    "default": SklearnMixture,
    "patient": partial(SklearnMixture, n_init=10, tol=1e-8),
}


class DataSet(NamedTuple):
    "Rows, the number of components, and labels where there are any."
    X: np.ndarray
    K: int
    labels: np.ndarray | None = None


def digits() -> DataSet:
    "scikit-learn's digits in their ten leading principal components."
    found = load_digits()
    return DataSet(PCA(10, svd_solver="full").fit_transform(found.data), 10, found.target)


def clusters(seed: int, sizes, means, deviations) -> DataSet:
    "Gaussian clusters with independent features: numbers of rows, means (K, d), standard deviations (K, d) or (K, 1)."
    rng = np.random.default_rng(seed)
    X = np.concatenate([mean + deviation * rng.normal(size=(size, len(mean))) for size, mean, deviation in zip(sizes, np.array(means, float), np.array(deviations, float))])
    return DataSet(X, len(sizes), np.repeat(np.arange(len(sizes)), sizes))


def drawn(n: int, d: int, K: int, seed: int, separation: float) -> DataSet:
    "A simulated mixture; the labels of its most probable components."
    X, truth = simulated(n, d, K, seed, separation)
    return DataSet(X, K, truth.resp(X).argmax(axis=0))


def in_small_units() -> DataSet:
    "Three clusters measured in units so large that all variances are near 1e-8."
    data = clusters(5, [300, 300, 300], [[0, 0], [4, 0], [0, 4]], [[1], [1], [1]])
    return data._replace(X=1e-4 * data.X)


DATA: dict[str, Callable[[], DataSet]] = {
    "Old Faithful": lambda: DataSet(load_faithful().X, 2),
    "Old Faithful, K=3": lambda: DataSet(load_faithful().X, 3),
    "Iris": lambda: DataSet(load_iris().X, 3, load_iris().labels),
    "wine": lambda: DataSet(load_wine().data, 3, load_wine().target),
    "breast cancer": lambda: DataSet(load_breast_cancer().data, 2, load_breast_cancer().target),
    "digits, 10 PCs": digits,
    "parallel, elongated": lambda: clusters(1, [500, 500], [[0, 0], [0, 4]], [[10, 0.5], [10, 0.5]]),
    "weights 0.02 / 0.98": lambda: clusters(2, [40, 1960], [[0, 0], [4, 0]], [[0.5], [1]]),
    "unequal spreads": lambda: clusters(3, [400, 400, 400], [[0, 0], [2, 0], [4, 4]], [[0.2], [1], [3]]),
    "overlapping": lambda: clusters(4, [500, 500, 500], [[0, 0], [2, 0], [1, 2]], [[1], [1], [1]]),
    "small units (1e-4)": in_small_units,
    "1-d": lambda: clusters(6, [500, 300, 200], [[0], [3], [7]], [[1], [0.5], [2]]),
    "K=20": lambda: drawn(1200, 2, 20, 7, 10.0),
    "d=50": lambda: drawn(1500, 50, 3, 8, 3.0),
    "8-d": lambda: drawn(1000, 8, 5, 9, 2.5),
}


def measure(task: tuple[str, str, int]) -> dict:
    "One fit: data set, contender, seed."
    name, who, seed = task
    data = DATA[name]()
    model = CONTENDERS[who](data.K, covariance_type="full", random_state=seed)
    start = time.perf_counter()
    try:
        quietly(lambda: model.fit(data.X))
    except ValueError:  # no answer
        return {"task": task, "seconds": time.perf_counter() - start, "value": -np.inf, "rand": 0.0}
    taken = time.perf_counter() - start
    rand = None if data.labels is None else float(adjusted_rand_score(data.labels, model.predict(data.X)))
    return {"task": task, "seconds": taken, "value": float(model.score(data.X)), "rand": rand}


def summary(name: str, fits: list[dict]) -> dict:
    "One row from all fits of a data set."
    data = DATA[name]()
    row = {"data": name, "n": len(data.X), "d": data.X.shape[1], "K": data.K}
    for who in CONTENDERS:
        own = [fit for fit in fits if fit["task"][1] == who]
        row |= {who: float(np.median([fit["value"] for fit in own])), f"{who} time": 1e3 * float(np.median([fit["seconds"] for fit in own])),
                f"{who} rand": None if data.labels is None else float(np.mean([fit["rand"] for fit in own]))}
    return row | {"beats default": bool(row["ours"] >= row["default"] - TIE), "beats patient": bool(row["ours"] >= row["patient"] - TIE),
                  "no slower": bool(row["ours time"] <= row["patient time"])}


def run(settings: Settings) -> list[Table]:
    "All data sets, contenders and seeds."
    names = settings.some(list(DATA))
    tasks = [(name, who, seed) for name in names for seed in range(settings.seeds) for who in CONTENDERS]
    fits = settings.spread(measure, tasks)
    rows = [summary(name, [fit for fit in fits if fit["task"][0] == name]) for name in names]
    shape = [Column("data", "data"), Column("n", "rows", "d"), Column("d", "d", "d"), Column("K", "K", "d")]
    value = lambda who, heading: Column(who, heading, ".6f")
    return [
        Table("defaults", f"Median log-likelihood a row over {settings.seeds} seeds (a tie is within {TIE:.0e})",
              [*shape, value("ours", "ours"), value("default", "scikit-learn"), value("patient", "scikit-learn, n_init=10, tol=1e-8"),
               Column("beats default", "no worse than its default"), Column("beats patient", "no worse than n_init=10")], rows),
        Table("defaults time", "Median milliseconds of a fit, and mean adjusted Rand index",
              [shape[0], Column("ours time", "ours, ms", ".1f"), Column("default time", "scikit-learn, ms", ".1f"),
               Column("patient time", "n_init=10, tol=1e-8, ms", ".1f"), Column("no slower", "no slower than n_init=10"),
               Column("ours rand", "ours, Rand", ".2f"), Column("default rand", "scikit-learn, Rand", ".2f"),
               Column("patient rand", "n_init=10, Rand", ".2f")], rows),
    ]


def findings(tables: list[Table]) -> list[str]:
    "In how many cases the default is as good, and where it is not."
    rows = tables[0].rows
    said = []
    for key, words in {"beats default": "scikit-learn's default", "beats patient": "scikit-learn's n_init=10, tol=1e-8"}.items():
        worse = [row["data"] for row in rows if not row[key]]
        said.append(f"Our default's median log-likelihood is no lower than that of {words} on {len(rows) - len(worse)} of {len(rows)} data sets"
                    + (f"; it is lower on {', '.join(worse)}." if worse else "."))
    said.append(f"It takes no more time than n_init=10, tol=1e-8 on {sum(row['no slower'] for row in rows)} of {len(rows)}.")
    said += [f"On the two parallel elongated clusters the mean adjusted Rand index is {row['ours rand']:.2f} (scikit-learn's default: {row['default rand']:.2f})."
             for row in rows if row["data"] == "parallel, elongated"]
    return said
