"The command: run the parts, print their tables, and keep everything in one JSON file."
from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from .settings import FULL, QUICK, Settings
from .timing import Others, machine

PARTS = ("speed", "limit", "memory", "threads", "chunks", "wide", "acceleration", "starts", "defaults", "end-to-end", "selection", "scaling", "variational")
WAITING = ("missing", "structures", "online", "readers", "sources", "precision", "side-by-side")  # run by their names only, until the next full run on the machine of results.json
QUIET = 0.15  # cores that others may use before the part says so
RESULTS = Path(__file__).with_name("results.json")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    "The command line."
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmark of gmm_nb beside scikit-learn and others.")
    parser.add_argument("--quick", action="store_true", help="smaller data and fewer cases, for development")
    parser.add_argument("--only", action="append", choices=(*PARTS, *WAITING), metavar="NAME",
                        help=f"a part to run, may be repeated: {', '.join((*PARTS, *WAITING))}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the results; a full run goes to benchmarks/results.json, others nowhere")
    parser.add_argument("--repeats", type=int, metavar="N", help="times that each timing is taken")
    parser.add_argument("--jobs", type=int, default=-1, metavar="N", help="threads of the columns with several; -1, the default, for all cores")
    return parser.parse_args(arguments)


def run_part(name: str, settings: Settings) -> dict:
    "Run one part, print it, and return what is to be kept."
    part = import_module(f".{name.replace('-', '_')}", __package__)
    print(f"\n## {name}\n{part.WHAT}\n", flush=True)
    start, others = time.perf_counter(), Others()
    tables = part.run(settings)
    taken, busy = time.perf_counter() - start, others.cores()
    said = part.findings(tables)
    for table in tables:
        print(table, end="\n\n")
    if busy is not None and busy > QUIET:
        said.append(f"Meanwhile other processes kept {busy:.1f} cores busy: timings of this part are not to be trusted.")
    print(*said, f"({taken:.0f} s)", sep="\n", flush=True)
    return {"what": part.WHAT, "tables": [table.as_json() for table in tables], "findings": said, "seconds": round(taken, 1),
            "others": None if busy is None else round(busy, 2)}


def keep(path: Path, header: dict, parts: dict) -> None:
    "Write the results. Parts of an earlier run stay where machine and settings are the same and they were not run again."
    if path.exists():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if {key: earlier.get(key) for key in header} == json.loads(json.dumps(header)):
            parts = earlier["parts"] | parts
    ordered = {name: parts[name] for name in (*PARTS, *WAITING) if name in parts}
    text = json.dumps({**header, "parts": ordered}, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None, base: Settings | None = None) -> int:
    "Run the benchmark."
    asked = parse(arguments)
    settings = base or (QUICK if asked.quick else FULL)
    settings = replace(settings, jobs=asked.jobs, repeats=asked.repeats or settings.repeats)
    path = asked.json or (None if asked.quick or asked.only else RESULTS)
    header = {"machine": machine(), "settings": vars(settings) | {"quick": asked.quick}}
    about = header["machine"]
    print(f"{about['cpu']}, {about['cores']} cores, {about['system']}, Python {about['python']}, "
          + ", ".join(f"{name} {number}" for name, number in about["versions"].items()))
    parts = {}
    for name in (*PARTS, *WAITING):
        if name in (asked.only or PARTS):
            parts[name] = run_part(name, settings)
            if path:
                keep(path, header, parts)  # after each part: a run that is cut off is not lost
    return 0


if __name__ == "__main__":
    sys.exit(main())
