"""Whether the defaults lose: default fits on many cases, beside scikit-learn's default and its best of ten starts.

All are given the number of components and the structure; everything else is left at its default, or as `FITS` says. All fits
take turns in one process. scikit-learn's linear algebra is kept to one thread, which is kind to it on data of this size; ours
is called as a user calls it, and its default is all cores. scikit-learn's fits do not change when this package does, so for
development they can be kept in a file:

    python -m benchmarks.defaults --reference reference.json --cases 'iris|moons' --seeds 3
"""
from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
import warnings
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Callable, Iterable, NamedTuple

import numpy as np
from gmm_nb import GaussianMixture
from gmm_nb.estimator import VarianceFloorWarning
from sklearn import __version__ as sklearn_version
from sklearn.mixture import GaussianMixture as SklearnMixture
from threadpoolctl import threadpool_limits

from .data_sets import CASES, Case
from .settings import FULL, Settings
from .tables import Column, Table, shown
from .timing import Others

WHAT = ("Default fits beside scikit-learn's default and its best of ten (n_init=10, tol=1e-8, max_iter=2000), from the same seeds, "
        "in turns in one process; scikit-learn's linear algebra on one thread, ours on all cores. Runs in which scikit-learn's own fit rests on its "
        "reg_covar are set aside. On more than 10⁵ rows scikit-learn's best of ten is left out, and from 10⁴ rows on it has three seeds, "
        "as have our fits with one and with ten starts.")
LOSS = 1e-3  # nats a row, from which on a fit is worse
TIE = 1e-6  # nats a row: two runs to the same optimum stop so near to each other
SHARE = 0.9  # of the runs that must reach scikit-learn's best of ten
SMALL, LARGE = 10**4, 10**5  # rows
FEW = 3  # seeds of the long fits from SMALL rows on
TIMES_DEFAULT, TIMES_BEST = 8.0, 0.5  # of scikit-learn's times, the most that a small default fit may take


# ---- one fit

FITS: dict[str, Callable] = {
    "ours": GaussianMixture,
    "default": SklearnMixture,
    "best": partial(SklearnMixture, n_init=10, tol=1e-8, max_iter=2000),
    "one": partial(GaussianMixture, n_init=1),
    "ten": partial(GaussianMixture, n_init=10),
}
THEIRS = ("default", "best")


class Fit(NamedTuple):
    "What is kept of a fit; `who` is a key of `FITS`."
    case: str
    seed: int
    who: str
    value: float  # log-likelihood a row of the fitted data, nats
    seconds: float
    passes: int
    rests: bool  # on the floor (ours) or on reg_covar (scikit-learn's), or a component has too few rows for a covariance
    fewest: float  # rows of the smallest component


def too_few(counts: np.ndarray, structure: str, d: int) -> bool:
    "Whether a component has fewer rows than its covariance needs: its likelihood is then bounded by the floor alone."
    return bool(np.min(counts) < {"full": d + 1, "tied": 0, "diag": 2, "spherical": 2}[structure])


def rests_on_reg_covar(covariances: np.ndarray, structure: str, reg_covar: float) -> bool:
    "Whether at least half of the smallest variance is what scikit-learn added to it."
    smallest = np.linalg.eigvalsh(covariances).min() if structure in ("full", "tied") else np.min(covariances)
    return bool(smallest < 2 * reg_covar)


def fit(X: np.ndarray, case: Case, seed: int, who: str) -> Fit:
    "Fit and look at the result; only the fit is timed."
    model = FITS[who](case.K, covariance_type=case.structure, random_state=seed)
    with threadpool_limits(1, user_api="blas") if who in THEIRS else nullcontext(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        start = time.perf_counter()
        model.fit(X)
        taken = time.perf_counter() - start
    counts = len(X) * model.weights_
    low = (rests_on_reg_covar(model.covariances_, case.structure, model.reg_covar) if who in THEIRS
           else any(issubclass(warning.category, VarianceFloorWarning) for warning in said))
    return Fit(case.name, seed, who, float(model.score(X)), taken, int(model.n_iter_),
               low or too_few(counts, case.structure, X.shape[1]), float(np.min(counts)))


def wanted(n: int, seeds: int) -> Iterable[tuple[int, str]]:
    "The fits of a case with n rows in their order: all of one seed, then the next. Long fits have fewer seeds on many rows."
    for seed in range(seeds):
        for who in FITS:
            if who in ("ours", "default") or n < SMALL or (seed < FEW and (who != "best" or n <= LARGE)):
                yield seed, who


# ---- scikit-learn's fits in a file

def label(X: np.ndarray) -> str:
    "A few letters that tell other data under the same name."
    return hashlib.blake2b(np.ascontiguousarray(X).tobytes() + str(X.shape).encode(), digest_size=6).hexdigest()


class Reference:
    "Fits of scikit-learn kept in a JSON file; without a file they are kept nowhere."
    def __init__(self, path: Path | None = None):
        self.path, self.fits = path, self._read(path)

    @staticmethod
    def _read(path: Path | None) -> dict[tuple, Fit]:
        if path is None or not path.exists():
            return {}
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {(kept["scikit-learn"], data, fit["case"], fit["seed"], fit["who"]): Fit(**fit)
                for data, fits in kept["fits"].items() for fit in fits} if kept["scikit-learn"] == sklearn_version else {}

    def get(self, data: str, case: str, seed: int, who: str) -> Fit | None:
        "The fit, or None."
        return self.fits.get((sklearn_version, data, case, seed, who))

    def keep(self, data: str, fits: Iterable[Fit]) -> None:
        "Add fits and write the file whole, with what another run has added meanwhile. A fit that is there stays."
        if self.path is None:
            return
        new = {(sklearn_version, data, fit.case, fit.seed, fit.who): fit for fit in fits}
        self.fits = {**new, **self.fits, **self._read(self.path)}
        by_data: dict[str, list] = {}
        for (_, data, *_), fit in self.fits.items():
            by_data.setdefault(data, []).append(fit._asdict())
        beside = self.path.with_name(self.path.name + ".new")
        beside.write_text(json.dumps({"scikit-learn": sklearn_version, "fits": by_data}, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.path)


def fits_of(case: Case, X: np.ndarray, seeds: int, reference: Reference, fast: bool = False,
            whose: Iterable[str] = tuple(FITS)) -> list[Fit]:
    """All fits of a case. What the reference knows is not fitted again, but scikit-learn's default is, for its time: it takes
    turns with ours. With `fast` even its time is the reference's."""
    data, fits = label(X), []
    for seed, who in wanted(len(X), seeds):
        if who in whose:
            known = reference.get(data, case.name, seed, who) if who in THEIRS else None
            again = known is None or (who == "default" and not fast and "ours" in whose)
            fits.append(fit(X, case, seed, who) if again else known)
    reference.keep(data, [fit for fit in fits if fit.who in THEIRS])
    return fits


# ---- the rules

class Offence(NamedTuple):
    "Where a rule is broken: the case, the seed (None for a rule about a case), and by how much, in the rule's unit."
    case: str
    seed: int | None
    by: float


class Verdict(NamedTuple):
    "A rule and how it stands."
    rule: str
    judged: int  # runs or cases that count
    aside: int  # that do not, since scikit-learn's fit rests on its reg_covar
    offences: list[Offence]
    met: bool
    unit: str  # of the offences
    median: float | None = None  # over all that are judged: how far below, or the ratio of times


def runs_of(fits: Iterable[Fit]) -> dict[tuple[str, int], dict[str, Fit]]:
    "Fits by case and seed, then by who made them."
    runs: dict[tuple[str, int], dict[str, Fit]] = {}
    for fit in fits:
        runs.setdefault((fit.case, fit.seed), {})[fit.who] = fit
    return runs


def never_below(fits: list[Fit], who: str, other: str, by: float, rule: str, share: float = 1.0) -> Verdict:
    "In a share of the runs `who` is not below `other` by more than `by`; runs in which `other` rests on its floor do not count."
    both = [(key, run[who], run[other]) for key, run in runs_of(fits).items() if who in run and other in run]
    judged = [(key, a, b) for key, a, b in both if not b.rests]
    offences = [Offence(*key, b.value - a.value) for key, a, b in judged if not a.value >= b.value - by]
    return Verdict(rule, len(judged), len(both) - len(judged), offences,
                   len(judged) - len(offences) >= share * len(judged) - 1e-9, "nats a row",
                   float(np.median([b.value - a.value for _, a, b in judged])) if judged else None)


def never_on_the_floor(fits: list[Fit], rule: str) -> Verdict:
    """Where one of scikit-learn's fits does not rest on its `reg_covar`, neither our default nor our best of ten rests on
    the floor. An offence is counted by the rows of the smallest component."""
    runs = runs_of(fits)
    theirs = {key: [run[who] for who in THEIRS if who in run] for key, run in runs.items()}
    judged = {key: run for key, run in runs.items() if theirs[key] and not all(fit.rests for fit in theirs[key])}
    offences = [Offence(*key, low[0].fewest) for key, run in judged.items()
                if (low := [run[who] for who in ("ours", "ten") if who in run and run[who].rests])]
    return Verdict(rule, len(judged), sum(map(bool, theirs.values())) - len(judged), offences, not offences, "rows")


def times(fits: list[Fit], other: str) -> dict[str, float]:
    "For each case our default's median time in units of another's, over the seeds that both have."
    taken: dict[str, list] = {}
    for (case, _), run in runs_of(fits).items():
        if "ours" in run and other in run:
            taken.setdefault(case, []).append((run["ours"].seconds, run[other].seconds))
    return {case: float(np.divide(*np.median(pairs, axis=0))) for case, pairs in taken.items()}


def at_most(ratios: dict[str, float], most: float, rule: str, in_the_median: bool = False) -> Verdict:
    "No case, or not the median over the cases, takes more than so many times as long."
    offences = [Offence(case, None, ratio) for case, ratio in ratios.items() if ratio > most]
    median = float(np.median(list(ratios.values()))) if ratios else None
    met = median is None or median <= most if in_the_median else not offences
    return Verdict(rule, len(ratios), 0, offences, met, "times as long", median)


def verdicts(fits: list[Fit], rows: dict[str, int]) -> list[Verdict]:
    "All rules; `rows` tells how many rows a case has."
    to_default, to_best = times(fits, "default"), times(fits, "best")
    small = lambda ratios: {case: ratio for case, ratio in ratios.items() if rows[case] < SMALL}
    large = {case: ratio for case, ratio in to_default.items() if rows[case] > LARGE}
    return [
        never_below(fits, "ours", "default", LOSS, f"Not below scikit-learn's default by more than {LOSS:g}"),
        never_below(fits, "ours", "best", LOSS, f"Not below its best of ten by more than {LOSS:g} in {SHARE:.0%}", SHARE),
        never_on_the_floor(fits, "Not on the floor where scikit-learn's is not"),
        never_below(fits, "ten", "one", TIE, "With n_init=10 not below n_init=1"),
        at_most(small(to_default), TIMES_DEFAULT, f"Below 10⁴ rows at most {TIMES_DEFAULT:g} times its default's time, in the median", True),
        at_most(small(to_best), TIMES_BEST, f"Below 10⁴ rows at most {TIMES_BEST:g} times its best of ten's time"),
        at_most(large, 1.0, "Above 10⁵ rows no longer than its default"),
    ]


# ---- tables

def summary(case: Case, X: np.ndarray, fits: list[Fit]) -> dict:
    "One row of the tables from all fits of a case."
    row = {"case": case.data, "n": len(X), "d": X.shape[1], "K": case.K, "structure": case.structure}
    for other in THEIRS:
        verdict = never_below(fits, "ours", other, LOSS, "")
        gaps = [run["ours"].value - run[other].value for run in runs_of(fits).values()
                if {"ours", other} <= run.keys() and not run[other].rests]
        row |= {f"{other} gap": min(gaps, default=None), f"{other} median gap": float(np.median(gaps)) if gaps else None,
                f"{other} below": len(verdict.offences) if gaps else None,
                f"{other} aside": verdict.aside, f"{other} times": times(fits, other).get(case.name)}
    row["runs below"] = len(never_below(fits, "ten", "one", TIE, "").offences)
    for who in FITS:
        own = [fit for fit in fits if fit.who == who]
        row |= {f"{who} time": 1e3 * float(np.median([fit.seconds for fit in own])) if own else None,
                f"{who} passes": float(np.median([fit.passes for fit in own])) if own else None,
                f"{who} rests": sum(fit.rests for fit in own) if own else None}
    return row | {"fewest": min((fit.fewest for fit in fits if fit.who == "ours"), default=None)}


SHAPE = [Column("case", "data"), Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("structure", "covariances")]
FOUND = [Column("default gap", "worst − default", "+.4f"), Column("default below", "below", "d"),
         Column("best gap", "worst − best of ten", "+.4f"), Column("best median gap", "median", "+.4f"), Column("best below", "below", "d"),
         Column("runs below", "ten below one", "d"), Column("ours rests", "on the floor", "d"), Column("fewest", "fewest rows", ".1f"),
         Column("default aside", "default aside", "d"), Column("best aside", "best aside", "d")]
TAKEN = [Column("ours time", "ours, ms", ".1f"), Column("default time", "default, ms", ".1f"), Column("best time", "best of ten, ms", ".1f"),
         Column("default times", "ours / default", ".2f"), Column("best times", "ours / best of ten", ".2f"),
         Column("ours passes", "our passes", ".0f"), Column("default passes", "its passes", ".0f")]
RULES = [Column("rule", "rule"), Column("judged", "judged", "d"), Column("aside", "set aside", "d"), Column("broken", "broken", "d"),
         Column("worst", "worst", ".4g"), Column("median", "median", ".2g"), Column("unit", "in"), Column("met", "met")]


def tables_of(rows: list[dict], said: list[Verdict], seeds: int) -> list[Table]:
    "The cases by what was found, by time, and the rules."
    rules = [{"rule": verdict.rule, "judged": verdict.judged, "aside": verdict.aside, "broken": len(verdict.offences),
              "worst": max((offence.by for offence in verdict.offences), default=None), "median": verdict.median, "unit": verdict.unit,
              "met": verdict.met if verdict.judged else None, "where": where(verdict)} for verdict in said]
    return [Table("defaults", f"Log-likelihood a row of our default less scikit-learn's, over {seeds} seeds ('below': runs by more than {LOSS:g})",
                  [*SHAPE, *FOUND], rows),
            Table("defaults time", "Median time of a fit", [*SHAPE, *TAKEN], rows),
            Table("defaults rules", "Rules", RULES, rules)]


def where(verdict: Verdict) -> str:
    "The offences in words, case by case."
    by_case: dict[str, list[str]] = {}
    for offence in verdict.offences:
        seed = "" if offence.seed is None else f"seed {offence.seed}: "
        by_case.setdefault(offence.case, []).append(f"{seed}{offence.by:.3g}")
    return "; ".join(f"{case} ({', '.join(told)})" for case, told in by_case.items())


def shown_as_it_goes(row: dict) -> str:
    "One line for a case, for those who wait."
    number = lambda key, spec: shown(row[key], spec)
    return (f"{row['case']:22} {row['n']:>7}×{row['d']:<2} K={row['K']:<2} {row['structure']:9} default {number('default gap', '+.4f'):>8} "
            f"({number('default below', 'd')}) best {number('best gap', '+.4f'):>8} ({number('best below', 'd')}) 10<1 {row['runs below']} "
            f"floor {number('ours rests', 'd')}/{number('default rests', 'd')}/{number('best rests', 'd')} {number('ours time', '.1f'):>6} ms "
            f"= {number('default times', '.1f'):>5} × default, {number('best times', '.2f'):>5} × best")


def measure(cases: list[Case], settings: Settings, reference: Reference = Reference(), fast: bool = False,
            whose: Iterable[str] = tuple(FITS)) -> list[Table]:
    "All cases, each printed when it is done."
    SklearnMixture(1).fit(np.eye(2)), GaussianMixture(1).fit(np.array([[0.0], [1.0], [3.0]]))  # threads start, libraries load
    fits, rows, counts = [], [], {}
    for case in cases:
        X = case.rows()
        X = X[:settings.rows(*X.shape, case.K)]
        own = fits_of(case, X, settings.seeds, reference, fast, whose)
        fits, counts[case.name] = fits + own, len(X)
        rows.append(summary(case, X, own))
        print(shown_as_it_goes(rows[-1]), flush=True)
    return tables_of(rows, verdicts(fits, counts), settings.seeds)


def run(settings: Settings) -> list[Table]:
    "All cases and seeds, everything measured now."
    return measure(settings.some(CASES), settings)


def findings(tables: list[Table]) -> list[str]:
    "How each rule stands, and every run that breaks it."
    said = []
    for row in tables[-1].rows:
        rule = row["rule"]
        if not row["judged"]:
            said.append(f"{rule}: nothing to judge.")
            continue
        aside = f", {row['aside']} set aside" if row["aside"] else ""
        broken = f" Beyond it, in {row['unit']}: {row['where']}." if row["broken"] else ""
        said.append(f"{rule}: {'met' if row['met'] else 'missed'} ({row['broken']} of {row['judged']} beyond it{aside}).{broken}")
    return said


def main(arguments: list[str] | None = None) -> int:
    "The command for development: some cases, and scikit-learn's fits from a file."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.defaults", description="Default fits beside scikit-learn's.")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="where scikit-learn's fits are kept and looked up")
    parser.add_argument("--reference-only", action="store_true", help="fit scikit-learn's only")
    parser.add_argument("--cases", default="", metavar="REGEX", help="cases whose name holds it; a name is like 'moons, K=5, full'")
    parser.add_argument("--seeds", type=int, default=FULL.seeds, metavar="N", help="random seeds of each case")
    parser.add_argument("--fast", action="store_true", help="fewer than 10⁴ rows only, and take scikit-learn's times from the file, too")
    asked = parser.parse_args(arguments)
    cases = [case for case in CASES if re.search(asked.cases, case.name) and not (asked.fast and len(case.rows()) >= SMALL)]
    others = Others()
    tables = measure(cases, Settings(seeds=asked.seeds), Reference(asked.reference), asked.fast, THEIRS if asked.reference_only else tuple(FITS))
    if not asked.reference_only:
        print("", *tables[:2], tables[2], "", *findings(tables), f"Other processes kept {others.cores() or 0:.1f} cores busy meanwhile.", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
