"A default fit from start to end on larger data."
from __future__ import annotations

import time

from gmm_nb.estimator import GaussianMixture
from sklearn.mixture import GaussianMixture as SklearnMixture

from .cases import simulated
from .contenders import quietly
from .settings import Settings
from .tables import Column, Table

WHAT = "Time of a default fit, the search for a start included, and the log-likelihood a row that it reaches; only the number of components is given."
SHAPES = [(500_000, 2, 5), (200_000, 8, 8), (100_000, 16, 10)]
COLUMNS = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("ours", "ours, s", ".2f"),
           Column("sklearn", "scikit-learn, s", ".2f"), Column("ratio", "ratio", ".1f"), Column("ours_passes", "our passes", "d"),
           Column("sklearn_passes", "its passes", "d"), Column("ours_value", "our log-likelihood", ".6f"),
           Column("sklearn_value", "its log-likelihood", ".6f"), Column("better", "ours is no worse")]


def measure(n: int, d: int, K: int) -> dict:
    "One row."
    X, _ = simulated(n, d, K, separation=2.5)
    row = {"n": n, "d": d, "K": K}
    for name, estimator in {"ours": GaussianMixture, "sklearn": SklearnMixture}.items():
        start = time.perf_counter()
        model = quietly(lambda: estimator(K, random_state=0).fit(X))
        row[name] = time.perf_counter() - start
        row[f"{name}_passes"], row[f"{name}_value"] = int(model.n_iter_), float(model.score(X))
    row["ratio"] = row["sklearn"] / row["ours"]
    row["better"] = bool(row["ours_value"] >= row["sklearn_value"] - 1e-6)
    return row


def run(settings: Settings) -> list[Table]:
    "Three data sets."
    return [Table("end-to-end", "Default fits of larger data, start included", COLUMNS, [measure(settings.rows(n, d, K), d, K) for n, d, K in SHAPES])]


def findings(tables: list[Table]) -> list[str]:
    "Time and value together."
    rows = tables[0].rows
    better = sum(row["better"] for row in rows)
    ratios = [row["ratio"] for row in rows]
    return [f"The default fit ends no lower than scikit-learn's in {better} of {len(rows)} cases, and takes "
            f"{min(ratios):.1f} to {max(ratios):.1f} times less time."]
