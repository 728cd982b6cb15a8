"What it costs to leave the rows in files or to send the work elsewhere: an iteration from files, memory, a cold cache, Dask and Spark."
from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from gmm_nb.covariance import m_step
from gmm_nb.mixture import Mixture
from gmm_nb.sources import Source, block_rows, of_array, on_dask, prepare_source, source_of
from gmm_nb.statistics import prepare
from gmm_nb.workers import parallel
from gmm_nb.e_step import e_step

from . import contenders
from .cases import simulated, start_near
from .settings import Settings
from .tables import Column, Table
from .timing import cpu_seconds, medians, milliseconds_a_pass, seconds

WHAT = ("An EM iteration on rows in files beside the same rows in memory, one thread: CPU time and memory beyond the page cache; a pass from a cold cache "
        "beside a bare read of the file and beside the same pass from a warm one, for the disk or the arithmetic takes longer; what Dask adds to "
        "an iteration of 20 blocks; Spark on two cores beside Dask and threads.")
D, K = 8, 8
CPU, BEYOND, COLD, OVERHEAD, SPARK = 1.1, 200.0, 1.3, 60.0, 8.0  # limits
FILES = [("npy", 64 * 10**6), ("parquet", 4 * 10**6), ("csv", 10**6)]


def own_memory() -> float:
    "MiB of this process that belong to no file."
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon")) / 1024


def peak(call) -> float:
    "The most that `own_memory` rises during a call, looked at every ten milliseconds."
    before, seen, done = own_memory(), [], threading.Event()
    def watch():
        while not done.wait(0.01):
            seen.append(own_memory())
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    return max(seen, default=before) - before


def write(path: Path, kind: str, n: int, truth: Mixture) -> None:
    "A file of n rows, written in pieces."
    size, rng = block_rows(D), np.random.default_rng(0)
    pieces = (truth.means[rng.integers(K, size=m)] + rng.normal(size=(m, D)) for m in (min(size, n - a) for a in range(0, n, size)))
    if kind == "npy":
        X = np.lib.format.open_memmap(path, "w+", np.float64, (n, D))
        for start, piece in zip(range(0, n, size), pieces):
            X[start:start + len(piece)] = piece
        X.flush()
    elif kind == "parquet":
        import pyarrow
        from pyarrow import parquet
        table = lambda piece: pyarrow.table(list(piece.T), names=[f"x{i}" for i in range(D)])
        first = table(next(pieces))
        with parquet.ParquetWriter(path, first.schema) as file:
            file.write_table(first)
            for piece in pieces:
                file.write_table(table(piece))
    else:
        with open(path, "w", encoding="ascii") as file:
            for piece in pieces:
                np.savetxt(file, piece, delimiter=",", fmt="%.17g")


def forget(path: Path) -> bool:
    "Take a file out of the page cache, where the system can."
    if not hasattr(os, "posix_fadvise"):
        return False
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def bare_read(path: Path) -> None:
    "Read a file from its first byte to the last, as fast as it comes."
    buffer = bytearray(2**24)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def files(kind: str, n: int, settings: Settings) -> dict | None:
    "One row of the table of files."
    if kind != "npy" and find_spec("pyarrow") is None:
        return None
    n = settings.rows(n, D, K)
    _, truth = simulated(1000, D, K)
    start = start_near(truth, "full")
    with tempfile.TemporaryDirectory() as folder, parallel(1):
        path = Path(folder) / f"rows.{kind}"
        write(path, kind, n, truth)
        begun = time.perf_counter()
        source = source_of(path)
        opened = time.perf_counter() - begun
        sample = prepare_source(source)
        one = lambda: m_step(sample.sums(start))
        beyond = peak(one) if Path("/proc/self/status").exists() else None
        X = np.concatenate([load() for load in source.loads])
        there = prepare_source(of_array(X))
        same = there.sums(start)
        one()  # warm
        ours = min(cpu_seconds(one) for _ in range(settings.repeats))
        memory = min(cpu_seconds(lambda: m_step(there.sums(start))) for _ in range(settings.repeats))
        sums = sample.sums(start)
        bits = all(np.array_equal(getattr(sums, name), getattr(same, name)) for name in ("counts", "first", "second"))
        whole = e_step(prepare(X), start)
        apart = float(np.max(np.abs(sums.about(whole.origin).second - whole.second)) / np.max(np.abs(whole.second)))
        size = path.stat().st_size / 2**20
    ratio = ours / memory
    return {"kind": kind, "n": n, "size": size, "opened": opened, "cpu": 1e3 * ours, "in_memory": 1e3 * memory, "ratio": ratio, "beyond": beyond,
            "same_bits": bits, "apart": apart,
            "met": kind != "npy" or bool(bits and ratio <= CPU and (beyond is None or beyond <= BEYOND))}


def cold_passes(n: int, settings: Settings) -> list[dict]:
    "Rows of the table of cold caches: how long a pass takes where all of the file is read from the disk."
    n, rows = settings.rows(n, D, K), []
    _, truth = simulated(1000, D, K)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        write(path, "npy", n, truth)
        if not forget(path):
            return []
        sample = prepare_source(source_of(path))
        for components, threads in ((1, 1), (2, 1), (8, 1), (8, 2)):
            start = start_near(simulated(1000, D, components)[1], "full")
            with parallel(threads) as workers:
                one, taken = (lambda: m_step(sample.sums(start, workers))), {"bare": [], "cold": [], "warm": []}
                for _ in range(settings.repeats):
                    forget(path)
                    taken["bare"].append(seconds(lambda: bare_read(path)))
                    forget(path)
                    taken["cold"].append(seconds(one))
                    taken["warm"].append(seconds(one))
            bare, cold, warm = (min(taken[name]) for name in ("bare", "cold", "warm"))
            ratio = cold / max(bare, warm)
            rows.append({"n": n, "K": components, "threads": threads, "bare": bare, "warm": warm, "cold": cold, "to_bare": cold / bare, "ratio": ratio,
                         "met": bool(ratio <= COLD)})
    return rows


def _tiny(seed, n):
    return np.random.default_rng(seed).normal(size=(n, D))


def overhead(processes: int, settings: Settings) -> dict | None:
    "What an iteration of 20 small blocks takes on Dask beyond what it takes here."
    if find_spec("distributed") is None:
        return None
    from distributed import Client, LocalCluster
    _, truth = simulated(1000, D, K)
    start = start_near(truth, "full")
    source = Source(tuple(partial(_tiny, seed, 1000) for seed in range(20)), lengths=(1000,) * 20)
    with LocalCluster(n_workers=processes, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        here, there = prepare_source(source), prepare_source(replace(source, workers=on_dask(client)))
        taken = medians({"here": lambda: here.sums(start), "there": lambda: there.sums(start)}, max(5, settings.repeats))
        a, b = here.sums(start), there.sums(start)
    more = 1e3 * (taken["there"] - taken["here"])
    return {"processes": processes, "here": 1e3 * taken["here"], "there": 1e3 * taken["there"], "overhead": more,
            "same_bits": bool(np.array_equal(a.second, b.second) and a.log_likelihood == b.log_likelihood), "met": bool(more <= OVERHEAD)}


def beside_spark(settings: Settings) -> dict | None:
    "Spark's mixture on two cores, and ours on two processes of Dask and on two threads."
    if find_spec("pyspark") is None or shutil.which("java") is None or find_spec("distributed") is None:
        return None
    from distributed import Client, LocalCluster
    n = settings.rows(2 * 10**6, D, K)
    X, truth = simulated(n, D, K)
    start = start_near(truth, "full")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, X)
        spark = contenders.spark(X, start)
        taken, _ = milliseconds_a_pass({"spark": spark}, {"spark": 4}, max(2, settings.repeats - 1))
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
            there = prepare_source(source_of(path, workers=on_dask(client)))
            dask = medians({"dask": lambda: m_step(there.sums(start))}, settings.repeats)["dask"]
        with parallel(2) as workers:
            here = prepare_source(source_of(path))
            threads = medians({"threads": lambda: m_step(here.sums(start, workers))}, settings.repeats)["threads"]
    ratio = taken["spark"] / (1e3 * dask)
    return {"n": n, "d": D, "K": K, "spark": taken["spark"], "dask": 1e3 * dask, "threads": 1e3 * threads, "ratio": ratio,
            "ratio_threads": taken["spark"] / (1e3 * threads), "met": bool(ratio >= SPARK)}


def run(settings: Settings) -> list[Table]:
    "Files, Dask, Spark; what is not installed is left out."
    known = lambda rows: [row for row in rows if row is not None]
    tables = [
        Table("sources-files", "An EM iteration from files, one thread, d = 8, K = 8", [
            Column("kind", "file"), Column("n", "rows", ","), Column("size", "MiB", ",.0f"), Column("opened", "opened in, s", ".2f"),
            Column("cpu", "CPU, ms", ",.0f"), Column("in_memory", "in memory, ms", ",.0f"), Column("ratio", "ratio", ".2f"),
            Column("beyond", "beyond the cache, MiB", ".0f"), Column("same_bits", "same bits"), Column("apart", "from one block", ".0e"),
            Column("met", "met")],
            known(files(kind, n, settings) for kind, n in FILES)),
        Table("sources-cold", "A pass over the .npy file from a cold cache, beside a bare read of it and beside the same pass from a warm one", [
            Column("n", "rows", ","), Column("K", "K"), Column("threads", "threads"), Column("bare", "bare read, s", ".2f"), Column("warm", "warm pass, s", ".2f"),
            Column("cold", "cold pass, s", ".2f"), Column("to_bare", "cold to bare", ".2f"),
            Column("ratio", "cold to the longer of both", ".2f"), Column("met", f"at most {COLD}")],
            cold_passes(FILES[0][1], settings)),
        Table("sources-dask", "An iteration of 20 blocks of 1,000 rows on Dask's processes", [
            Column("processes", "processes"), Column("here", "here, ms", ".1f"), Column("there", "on Dask, ms", ".1f"),
            Column("overhead", "more, ms", ".1f"), Column("same_bits", "same bits"), Column("met", f"at most {OVERHEAD:.0f}")],
            known(overhead(processes, settings) for processes in (1, 2, 3))),
        Table("sources-spark", "An iteration beside Spark on two cores", [
            Column("n", "rows", ","), Column("d", "d"), Column("K", "K"), Column("spark", "Spark, ms", ",.0f"), Column("dask", "Dask, ms", ",.0f"),
            Column("threads", "threads, ms", ",.0f"), Column("ratio", "ratio", ".1f"), Column("ratio_threads", "ratio of threads", ".1f"),
            Column("met", f"at least {SPARK:.0f}")], known([beside_spark(settings)])),
    ]
    return [table for table in tables if table.rows]


def findings(tables: list[Table]) -> list[str]:
    "Against the limits."
    rows = [row for table in tables for row in table.rows]
    said = [f"{sum(row['met'] for row in rows)} of {len(rows)} rows are within their limits: for the .npy file CPU {CPU} times that in memory, {BEYOND:.0f} MiB "
            f"beyond the page cache; a cold pass {COLD} times the longer of a bare read and a warm pass; {OVERHEAD:.0f} ms more on Dask; {SPARK:.0f} times "
            "faster than Spark."]
    there = {table.name for table in tables}
    missing = [name for name, table in {"distributed": "sources-dask", "pyspark with Java": "sources-spark"}.items() if table not in there]
    return said + ([f"Not installed, and left out: {', '.join(missing)}."] if missing else [])
