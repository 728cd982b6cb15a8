"The clock: what an iteration costs, free of what surrounds it; and the machine that it was measured on."
from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Callable

import numpy as np
from threadpoolctl import threadpool_info


PATIENCE = 60.0  # seconds after which a case gets no third repeat


class Others:
    "How many cores other processes keep busy meanwhile, on average; None where the system does not tell."
    def __init__(self):
        self.wall, self.all, self.own = time.perf_counter(), self._all(), self._own()

    @staticmethod
    def _all() -> float | None:
        try:
            with open("/proc/stat", encoding="ascii") as file:
                user, nice, system, idle, waiting, *rest = map(int, file.readline().split()[1:9])
            return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            return None

    @staticmethod
    def _own() -> float:
        "This process, what it has started, and those that have ended."
        stats = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            stats[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:15]))  # parent; ticks, also of children that it has waited for
        mine = {os.getpid()}
        while more := {number for number, (parent, _) in stats.items() if parent in mine} - mine:
            mine |= more
        return sum(stats[number][1] for number in mine if number in stats) / os.sysconf("SC_CLK_TCK")

    def cores(self) -> float | None:
        "Since this was made."
        if self.all is None:
            return None
        return max(0.0, (self._all() - self.all - (self._own() - self.own)) / (time.perf_counter() - self.wall))


def seconds(call: Callable) -> float:
    "Wall time of one call."
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def cpu_seconds(call: Callable) -> float:
    "CPU time of one call, of all threads."
    start = time.process_time()
    call()
    return time.process_time() - start


def medians(calls: dict[str, Callable], repeats: int, least: float = 0.02) -> dict[str, float]:
    "Median seconds of each call. The calls take turns, so that a busy minute of the machine falls on all of them."
    times, inner = {name: [] for name in calls}, {}
    for name, call in calls.items():
        call()  # threads start, libraries load
        inner[name] = int(min(50, 1 + least / seconds(call)))  # a short one is called several times for a timing
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(seconds(lambda: [call() for _ in range(inner[name])]) / inner[name])
    return {name: float(np.median(taken)) for name, taken in times.items()}


def enough_passes(fit: Callable[[int], float], least: int = 3, most: int = 300, aim: float = 0.3) -> int:
    "So many passes that their time is well above the clock's noise: about `aim` seconds."
    each = min(seconds(lambda: fit(2)) for _ in range(2)) / 2
    return int(min(most, max(least, aim / each)))


def milliseconds_a_pass(fits: dict[str, Callable[[int], float]], passes: dict[str, int], repeats: int) -> tuple[dict, dict]:
    """Milliseconds that one EM iteration takes in each fit, and the log-likelihood a row that each ended with.

    A fit is a function of the number of passes. The time of one with a single pass is subtracted from the time of one
    with so many as `passes` says, and the rest divided by their number less one: checks, set-up and scikit-learn's final
    E-step cancel.
    """
    times, values, start_of_all = {name: ([], []) for name in fits}, {}, time.perf_counter()
    for repeat in range(repeats):
        if repeat >= 2 and time.perf_counter() - start_of_all > PATIENCE:
            break
        for name, fit in fits.items():
            times[name][0].append(seconds(lambda: fit(1)))
            start = time.perf_counter()
            values[name] = fit(passes[name])
            times[name][1].append(time.perf_counter() - start)
    taken = {}
    for name, (one, many) in times.items():
        difference = float(np.median(many) - np.median(one)) / (passes[name] - 1)
        taken[name] = 1e3 * (difference if difference > 0 else float(np.median(many)) / passes[name])  # negative: a busy machine
    return taken, values


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def machine() -> dict:
    "What the figures depend on; nothing that tells whose machine it is."
    import sklearn.mixture  # noqa: F401  so that its thread pools are loaded and listed
    pools = {(pool["internal_api"], pool.get("version"), pool["num_threads"], pool.get("architecture")) for pool in threadpool_info()}
    return {
        "cpu": _cpu(), "cores": os.cpu_count() or 1, "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("gmm_nb", "numpy", "scipy", "scikit-learn")},
        "thread_pools": [{"library": library, "version": number, "threads": threads, "kernels": kernels}
                         for library, number, threads, kernels in sorted(pools, key=str)],
    }
