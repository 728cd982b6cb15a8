"Reading tables: the thirty files of the tests with each library as it comes, and the time and memory for a long one."
from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from gmm_nb.tables import read_table

from .memory import memory
from .settings import Settings
from .tables import Column, Table

ROOT = Path(__file__).parents[1]
FILES = ROOT / "tests" / "tables"
WHAT = ("Reading tables with read_table and with other libraries as they come: how many of thirty awkward files come out right or are refused; seconds "
        "and peak memory, each in a process of its own, for a CSV file of four columns; megabytes on the disk.")
ROWS = 10**7


def duckdb_reads(path):
    import duckdb
    with duckdb.connect() as con:
        columns = con.sql(f"select * from '{path}'").fetchnumpy()
    return list(columns), [np.ma.filled(np.ma.asarray(column).astype(float), np.nan) for column in columns.values()]


def polars_reads(path):
    import polars
    read = {".parquet": polars.read_parquet, ".xlsx": polars.read_excel}.get(Path(path).suffix, polars.read_csv)
    frame = read(path)
    return frame.columns, [frame[name].to_numpy() for name in frame.columns]


def pyarrow_reads(path):
    from pyarrow import csv, parquet
    table = parquet.read_table(path) if path.endswith(".parquet") else csv.read_csv(path)
    return table.column_names, [column.to_numpy() for column in table.columns]


def pandas_reads(path):
    import pandas
    read = {".parquet": pandas.read_parquet, ".xlsx": pandas.read_excel}.get(Path(path).suffix, pandas.read_csv)
    frame = read(path)
    return list(frame.columns), [frame.iloc[:, j].to_numpy() for j in range(frame.shape[1])]


def numpy_reads(path):
    X = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    with open(path, encoding="utf-8") as file: return file.readline().strip().split(","), list(X.T)


def ours(path, **options):
    table = read_table(path, **options)
    return table.columns, list(table.X.T)


READERS = {"read_table": (ours, ("duckdb", "python-calamine")), "DuckDB": (duckdb_reads, ("duckdb",)), "Polars": (polars_reads, ("polars", "polars-runtime-32")),
           "pyarrow": (pyarrow_reads, ("pyarrow",)), "pandas": (pandas_reads, ("pandas",)), "numpy.loadtxt": (numpy_reads, ("numpy",))}


def right(read, name: str, expected: dict, is_ours: bool) -> bool:
    "Whether a file comes out as expected.json says: refused, or with these columns, rows and sums."
    options = {key: value for key, value in (("header", expected.get("header")), ("missing", "keep" if "missing" in expected else None)) if value} if is_ours else {}
    try:
        columns, values = read(str(FILES / name), **options)
        values = [np.asarray(column, float) for column in values]
    except Exception:  # noqa: BLE001  whatever a library raises, it has not read the file
        return "refuse" in expected
    if "refuse" in expected or list(map(str, columns)) != expected["columns"] or len(values[0]) != expected["rows"]: return False
    missing = sum(int(np.isnan(column).sum()) for column in values) == expected.get("missing", 0)
    return missing and ("sums" not in expected or np.allclose([np.nansum(column) for column in values], expected["sums"]))


def megabytes(packages: tuple[str, ...]) -> float | None:
    "What packages take on the disk; None if one is not installed."
    total = 0
    for package in packages:
        try: files = importlib.metadata.files(package) or ()
        except importlib.metadata.PackageNotFoundError: return None
        total += sum(path.locate().stat().st_size for path in files if path.locate().is_file())
    return total / 1e6


def probe(who: str, path: str) -> dict:
    "Run in a fresh process: seconds and MiB to read one file."
    READERS[who][0](str(FILES / "plain.csv"))  # imports do not count
    start = time.perf_counter()
    columns, values = READERS[who][0](path)
    return {"seconds": time.perf_counter() - start, "peak": memory("VmHWM"), "rows": len(values[0])}


def reader(who: str, path: Path, expected: dict) -> dict:
    "One row of the table."
    read, packages = READERS[who]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        good = sum(right(read, name, what, who == "read_table") for name, what in expected.items())
    done = subprocess.run([sys.executable, "-m", "benchmarks.readers", json.dumps([who, str(path)])], cwd=ROOT, capture_output=True, text=True, check=True)
    return {"who": who, "good": good, "size": megabytes(packages)} | json.loads(done.stdout)


def run(settings: Settings) -> list[Table]:
    "All readers that are installed."
    expected = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))
    n = settings.rows(ROWS, 4, 1)
    with tempfile.TemporaryDirectory() as folder:
        path, rng = Path(folder, "long.csv"), np.random.default_rng(0)
        with open(path, "w", encoding="utf-8") as file:
            file.write("a,b,c,d\n")
            for start in range(0, n, 10**5): np.savetxt(file, rng.standard_normal((min(10**5, n - start), 4)) * [1, 10, 100, 1000], "%.4f", ",")
        rows = [reader(who, path, expected) for who, (_, packages) in READERS.items() if who == "read_table" or megabytes(packages) is not None]
    return [Table("readers", "Thirty awkward files, and a long one of four columns", [
        Column("who", "reader"), Column("good", "right of 30", "d"), Column("rows", "lines", ",d"), Column("seconds", "seconds", ".2f"),
        Column("peak", "peak, MiB", ".0f"), Column("size", "on the disk, MB", ".0f")], rows)]


def findings(tables: list[Table]) -> list[str]:
    "In words."
    first, *others = tables[0].rows
    best = max(others, key=lambda row: row["good"])
    return [f"read_table has {first['good']} of 30 files right, {best['who']} as it comes {best['good']}; {first['rows']:,} lines take it "
            f"{first['seconds']:.2f} s."]


if __name__ == "__main__":
    print(json.dumps(probe(*json.loads(sys.argv[1]))))
