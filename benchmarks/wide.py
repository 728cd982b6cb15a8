"Where the products of features cost more than whitening: how the engine's line between its two fast paths was drawn."
from __future__ import annotations

from gmm_nb.e_step import _fast, _wide, is_wide
from gmm_nb.statistics import prepare
from gmm_nb.workers import parallel

from .cases import simulated, start_near
from .settings import Settings
from .tables import Column, Table
from .timing import medians

WHAT = ("Time of one E-step with full covariances on one thread, with the products of features and without them, the data prepared. "
        "The engine goes without them where d > 10 + 2K.")
SHAPES = [(d, K) for d in (8, 16, 24, 32, 48, 64) for K in (2, 4, 8, 16, 32)]
COLUMNS = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), Column("products", "with products, ms", ".1f"),
           Column("without", "without, ms", ".1f"), Column("gain", "gain without", ".2f"), Column("chosen", "the engine goes without")]


def measure(d: int, K: int, settings: Settings) -> dict:
    "One row; the number of rows is such that all rows of the table take about as long."
    n = settings.rows(max(20_000, 160_000_000 // (d * d * K)), d, K)
    X, truth = simulated(n, d, K)
    start, sample = start_near(truth, "full"), prepare(X)
    with parallel(1) as workers:
        taken = medians({"products": lambda: _fast(sample, start, workers), "without": lambda: _wide(sample, start, workers)}, settings.repeats)
    return {"n": n, "d": d, "K": K, "products": 1e3 * taken["products"], "without": 1e3 * taken["without"],
            "gain": taken["products"] / taken["without"], "chosen": is_wide(start)}


def run(settings: Settings) -> list[Table]:
    "Full covariances over dimensions and numbers of components."
    return [Table("wide", "Milliseconds of an E-step by both fast paths", COLUMNS, [measure(d, K, settings) for d, K in settings.some(SHAPES)])]


def findings(tables: list[Table]) -> list[str]:
    "Whether the engine chooses the faster path."
    rows = tables[0].rows
    wrong = [row for row in rows if row["chosen"] != (row["gain"] > 1)]
    worst = max((max(row["gain"], 1 / row["gain"]) for row in wrong), default=1.0)
    said = [f"The engine takes the faster path for {len(rows) - len(wrong)} of {len(rows)} shapes."]
    if wrong:
        said.append(f"Where it does not, it loses a factor of {worst:.2f} at most: "
                    + ", ".join(f"d={row['d']}, K={row['K']}" for row in wrong) + ".")
    return said
