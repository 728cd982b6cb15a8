"How large the cases are, how often they are timed, and how many threads they may use."
from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Callable, Iterable

from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class Settings:
    "What all parts are told. `FULL` makes the published figures, `QUICK` is for development, `TINY` for the tests."
    repeats: int = 3  # times that each timing is taken; the median counts
    jobs: int = -1  # threads of the columns with several, in scikit-learn's meaning; processes of the parts without timings
    shrink: float = 1.0  # factor of the numbers of rows
    every: int = 1  # of a long list of cases take every so manieth
    seeds: int = 10  # random seeds of each data set
    most_passes: int = 40_000  # of plain EM

    def rows(self, n: int, d: int, K: int) -> int:
        "A number of rows at this scale, and enough of them for K covariances in d dimensions."
        return min(n, max(300, 3 * d * K, round(n * self.shrink)))

    def some(self, cases: list) -> list:
        "The cases that are run at this scale; at full scale all of them."
        return cases[::self.every]

    @property
    def workers(self) -> int:
        "How many cores `jobs` stands for."
        cores = os.cpu_count() or 1
        return cores if self.jobs == -1 else max(1, min(self.jobs, cores))

    def spread(self, function: Callable, items: Iterable) -> list:
        "Map over processes, one a core, each with its linear algebra on one thread."
        one_thread = partial(_on_one_thread, function)
        if self.workers == 1:
            return list(map(one_thread, items))
        with ProcessPoolExecutor(self.workers) as pool:
            return list(pool.map(one_thread, items))


def _on_one_thread(function, item):
    with threadpool_limits(1):
        return function(item)


FULL = Settings()
QUICK = Settings(repeats=2, shrink=0.1, every=4, seeds=3, most_passes=3000)
TINY = Settings(repeats=1, jobs=1, shrink=1e-3, every=40, seeds=1, most_passes=100)
