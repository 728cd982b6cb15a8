"Milliseconds an iteration beside scikit-learn, from the same start: the table of targets."
from __future__ import annotations

from typing import NamedTuple

from .cases import simulated, start_near
from .contenders import others, ours, sklearn
from .settings import Settings
from .tables import Column, Table
from .timing import milliseconds_a_pass

WHAT = ("Time of one EM iteration, from the same explicit start, with the same number of iterations: the median over interleaved "
        "repeats of the time for m passes, less that for one pass, divided by m-1. scikit-learn uses all cores for its linear algebra. "
        "Libraries other than scikit-learn and ours make four passes of large data.")
AGREE = 1e-9  # largest relative difference of the log-likelihoods


class Case(NamedTuple):
    "A shape, how many times faster than scikit-learn it should be, and how many passes the clock sees."
    n: int
    d: int
    K: int
    structure: str
    target: float
    passes: int


CASES = [
    Case(10**6, 1, 3, "full", 20, 12),
    Case(10**6, 2, 3, "full", 20, 12),
    Case(10**6, 2, 20, "full", 45, 6),
    Case(5 * 10**5, 8, 8, "full", 15, 8),
    Case(2 * 10**5, 32, 16, "full", 10, 5),
    Case(2 * 10**4, 128, 10, "full", 4, 8),
    Case(5 * 10**5, 8, 8, "diag", 12, 12),
    Case(5 * 10**5, 8, 8, "tied", 12, 12),
    Case(5 * 10**5, 8, 8, "spherical", 12, 12),
    Case(2 * 10**3, 2, 3, "full", 4, 101),
]


def measure(case: Case, settings: Settings, adapters: dict) -> dict:
    "One row: every library on one case."
    n = settings.rows(case.n, case.d, case.K)
    X, truth = simulated(n, case.d, case.K)
    start = start_near(truth, case.structure)
    fits = {"ours": ours(X, start, 1), "ours_all": ours(X, start, settings.jobs), "sklearn": sklearn(X, start)}
    fits |= {name: fit for name, adapter in adapters.items() if (fit := adapter(X, start)) is not None}
    passes = {name: min(case.passes, 4) if name in adapters and case.n > 10**4 else case.passes for name in fits}
    ms, value = milliseconds_a_pass(fits, passes, settings.repeats)
    difference = max(abs(value[name] - value["sklearn"]) / abs(value["sklearn"]) for name in ("ours", "ours_all"))
    ratio, ratio_all = ms["sklearn"] / ms["ours"], ms["sklearn"] / ms["ours_all"]
    return {"n": n, "d": case.d, "K": case.K, "structure": case.structure, "passes": case.passes, **dict.fromkeys(adapters), **ms, "ratio": ratio,
            "ratio_all": ratio_all, "difference": difference, "agrees": bool(difference < AGREE), "target": case.target,
            "met": bool(difference < AGREE and max(ratio, ratio_all) >= case.target)}


def run(settings: Settings) -> list[Table]:
    "The table of targets, with a column for every other library that can be imported."
    adapters, missing = others()
    if missing:
        print(f"(not installed and left out: {', '.join(missing)})")
    measure(Case(1000, 2, 2, "full", 0, 2), settings, adapters)  # libraries load, threads start
    columns = [
        Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("structure", "covariances"),
        Column("sklearn", "scikit-learn, ms", ".2f"), Column("ours", "ours, ms", ".2f"), Column("ours_all", "ours on all cores, ms", ".2f"),
        *(Column(name, f"{name}, ms", ".2f") for name in adapters),
        Column("ratio", "ratio", ".1f"), Column("ratio_all", "ratio on all cores", ".1f"), Column("target", "target", ".0f"),
        Column("met", "met"), Column("difference", "rel. difference of log-likelihoods", ".0e"), Column("agrees", "agrees"),
    ]
    return [Table("speed", "Milliseconds an iteration, and how many times faster than scikit-learn", columns,
                  [measure(case, settings, adapters) for case in CASES])]


def describe(row: dict) -> str:
    "A case in words."
    return f"{row['n']:,} × {row['d']} with {row['K']} {row['structure']} components"


def findings(tables: list[Table]) -> list[str]:
    "Which targets are met."
    rows = tables[0].rows
    missed = [row for row in rows if row["agrees"] and not row["met"]]
    failed = [row for row in rows if not row["agrees"]]
    met = sum(row["met"] for row in rows)
    said = [f"{met} of {len(rows)} targets are met, by one thread or by all cores, whichever is faster."]
    said += [f"Missed: {describe(row)}, a ratio of {max(row['ratio'], row['ratio_all']):.2f}; the target is {row['target']:.0f}." for row in missed]
    said += [f"Failed: {describe(row)}, the log-likelihoods differ by {row['difference']:.1e}." for row in failed]
    if not failed:
        said.append(f"In every case the log-likelihood equals scikit-learn's to a relative {AGREE:.0e}.")
    return said
