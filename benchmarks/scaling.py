"How the time of an iteration grows with the rows, the dimensions and the components."
from __future__ import annotations

from .cases import simulated, start_near
from .contenders import ours, sklearn
from .settings import Settings
from .tables import Column, Table
from .timing import enough_passes, milliseconds_a_pass

WHAT = "Time of one EM iteration while one of n, d and K varies and the other two stay, full covariances, measured as in the table of speeds."
BASE = {"n": 50_000, "d": 4, "K": 4}
SERIES = {"n": (1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000), "d": (1, 2, 4, 8, 16, 32, 64, 128), "K": (1, 2, 4, 8, 16, 32, 64)}
COLUMNS = [Column("varies", "varies"), Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("ours", "ours, ms", ".3f"),
           Column("ours_all", "ours on all cores, ms", ".3f"), Column("sklearn", "scikit-learn, ms", ".3f"), Column("ratio", "ratio", ".1f")]


def measure(varies: str, value: int, settings: Settings) -> dict:
    "One row."
    shape = BASE | {varies: value}
    shape["n"] = settings.rows(**shape)
    X, truth = simulated(**shape)
    start = start_near(truth, "full")
    fits = {"ours": ours(X, start, 1), "ours_all": ours(X, start, settings.jobs), "sklearn": sklearn(X, start)}
    ms, _ = milliseconds_a_pass(fits, {name: enough_passes(fit) for name, fit in fits.items()}, settings.repeats)
    return {"varies": varies, **shape, **ms, "ratio": ms["sklearn"] / min(ms["ours"], ms["ours_all"])}


def run(settings: Settings) -> list[Table]:
    "Three series."
    rows = [measure(varies, value, settings) for varies, values in SERIES.items() for value in settings.some(list(values))]
    return [Table("scaling", "Milliseconds an iteration as n, d or K grows", COLUMNS, rows)]


def findings(tables: list[Table]) -> list[str]:
    "The smallest and the largest ratio."
    rows = tables[0].rows
    least, most = min(rows, key=lambda row: row["ratio"]), max(rows, key=lambda row: row["ratio"])
    at = lambda row: f"{row['ratio']:.1f} at {row['n']:,} × {row['d']} with K={row['K']}"
    return [f"The ratio to scikit-learn goes from {at(least)} to {at(most)}."]
