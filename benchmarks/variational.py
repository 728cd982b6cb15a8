"Milliseconds an iteration of variational Bayes beside scikit-learn's class, from the same start and by its rules."
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from gmm_nb.bayesian import BayesianGaussianMixture
from sklearn.mixture import BayesianGaussianMixture as SklearnMixture

from .cases import simulated, start_near
from .contenders import quietly
from .settings import Settings
from .speed import AGREE, describe
from .tables import Column, Table
from .timing import milliseconds_a_pass

WHAT = ("Time of one iteration of variational Bayes with a Dirichlet process, from the same responsibilities, by scikit-learn's update rules: "
        "the median over interleaved repeats of the time for m passes, less that for one pass, divided by m-1; m is larger for ours. scikit-learn uses all cores "
        "for its linear algebra.")


class Case(NamedTuple):
    "A shape, how many times faster than scikit-learn it should be (None: nothing was promised), and how many passes the clock sees."
    n: int
    d: int
    K: int
    structure: str
    target: float | None
    passes: int


CASES = [
    Case(10**6, 2, 10, "full", 30, 6),
    Case(2 * 10**5, 16, 20, "full", 8, 5),
    Case(5 * 10**5, 8, 8, "tied", None, 8),
    Case(5 * 10**5, 8, 8, "diag", None, 8),
    Case(5 * 10**5, 8, 8, "spherical", None, 8),
]


class FromThere(SklearnMixture):
    "scikit-learn's class with a start."
    def __init__(self, resp, **parameters):
        super().__init__(**parameters)
        self.resp = resp

    def _initialize_parameters(self, X, random_state, **_):
        self._initialize(X, self.resp)

    def _validate_params(self):
        "Its list of parameters does not know the start."


MORE = 5  # times as many passes for ours, which are short beside the set-up that is subtracted


def ours(X: np.ndarray, resp: np.ndarray, structure: str, jobs: int, shown: int):
    "A function of the number of passes: our class, to the bound after `shown` passes."
    known = dict(n_components=resp.shape[1], covariance_type=structure, tol=0.0, init_params=resp, n_jobs=jobs, update_rule="sklearn")
    return lambda passes: quietly(lambda: BayesianGaussianMixture(**known, max_iter=passes).fit(X)).lower_bounds_[:shown][-1]


def theirs(X: np.ndarray, resp: np.ndarray, structure: str):
    "The same of scikit-learn's class."
    known = dict(n_components=resp.shape[1], covariance_type=structure, tol=0.0)
    return lambda passes: float(np.ravel(quietly(lambda: FromThere(resp, **known, max_iter=passes).fit(X)).lower_bound_)[0])


def measure(case: Case, settings: Settings) -> dict:
    "One row."
    n = settings.rows(case.n, case.d, case.K)
    X, truth = simulated(n, case.d, case.K)
    resp = start_near(truth, case.structure).resp(X).T
    fits = {"ours": ours(X, resp, case.structure, 1, case.passes), "ours_all": ours(X, resp, case.structure, settings.jobs, case.passes),
            "sklearn": theirs(X, resp, case.structure)}
    passes = dict.fromkeys(fits, MORE * case.passes) | {"sklearn": case.passes}
    ms, value = milliseconds_a_pass(fits, passes, settings.repeats)
    difference = max(abs(value[name] - value["sklearn"]) / abs(value["sklearn"]) for name in ("ours", "ours_all"))
    ratio, ratio_all, agrees = ms["sklearn"] / ms["ours"], ms["sklearn"] / ms["ours_all"], bool(difference < AGREE)
    met = None if case.target is None else bool(agrees and max(ratio, ratio_all) >= case.target)
    return {"n": n, "d": case.d, "K": case.K, "structure": case.structure, **ms, "ratio": ratio, "ratio_all": ratio_all, "target": case.target,
            "met": met, "difference": difference, "agrees": agrees}


def run(settings: Settings) -> list[Table]:
    "The table of targets."
    measure(Case(1000, 2, 2, "full", None, 2), settings)  # libraries load, threads start
    columns = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("structure", "covariances"),
               Column("sklearn", "scikit-learn, ms", ".1f"), Column("ours", "ours, ms", ".2f"), Column("ours_all", "ours on all cores, ms", ".2f"),
               Column("ratio", "ratio", ".1f"), Column("ratio_all", "ratio on all cores", ".1f"), Column("target", "target", ".0f"), Column("met", "met"),
               Column("difference", "rel. difference of bounds", ".0e"), Column("agrees", "agrees")]
    return [Table("variational", "Milliseconds an iteration of variational Bayes, and how many times faster than scikit-learn", columns,
                  [measure(case, settings) for case in CASES])]


def findings(tables: list[Table]) -> list[str]:
    "Which targets are met."
    rows = tables[0].rows
    promised = [row for row in rows if row["target"] is not None]
    said = [f"{sum(row['met'] for row in promised)} of {len(promised)} targets are met, by one thread or by all cores, whichever is faster."]
    said += [f"Missed: {describe(row)}, a ratio of {max(row['ratio'], row['ratio_all']):.1f}; the target is {row['target']:.0f}."
             for row in promised if row["agrees"] and not row["met"]]
    said += [f"Failed: {describe(row)}, the bounds differ by {row['difference']:.1e}." for row in rows if not row["agrees"]]
    if all(row["agrees"] for row in rows):
        said.append(f"In every case the bound equals scikit-learn's to a relative {AGREE:.0e}.")
    return said
