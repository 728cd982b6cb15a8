"Each notebook runs from top to bottom with the installed package, and prints what it says that it prints."
import json
import math
import os
import re
import subprocess
import sys

import pytest
from chapters import Notebook, notebooks

RUN = """
import sys, warnings
from pathlib import Path
from nbdev.test import test_nb
passed, _ = test_nb(Path(sys.argv[1]), save=True, profile=False, cell_timeout=300)
sys.exit(0 if passed is True else 1)
"""
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def execute(source, folder):
    "A copy of the notebook in `folder`, executed in a fresh interpreter; and what that printed"
    path = folder / "nbs" / source.name
    path.parent.mkdir()
    path.write_bytes(source.read_bytes())
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")}
    run = subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=path.parent, capture_output=True, text=True, timeout=900,
                         stdin=subprocess.DEVNULL, env={**os.environ, **threads, "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    return Notebook(path), run


def same(printed, saved):
    "Equal texts, but for white space and the last digits of numbers"
    if re.sub(r"\s+", "", re.sub(NUMBER, "#", printed)) != re.sub(r"\s+", "", re.sub(NUMBER, "#", saved)): return False
    pairs = zip(re.findall(NUMBER, printed), re.findall(NUMBER, saved), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-4, abs_tol=1e-7) for a, b in pairs)


@pytest.mark.parametrize("source", [nb.path for nb in notebooks()], ids=lambda path: path.name)
def test_notebook(source, tmp_path):
    fresh, run = execute(source, tmp_path)
    assert run.returncode == 0, f"{source.name} fails:\n{run.stdout[-2000:]}\n{run.stderr[-6000:]}"
    for new, old in zip(fresh.cells, Notebook(source).cells, strict=True):
        if new.kind == "code":
            assert bool(new.pictures) == bool(old.pictures), f"{source.name}: a picture came or went:\n{old.source[:300]}"
            assert same(new.printed, old.printed), \
                f"{source.name}: run `nbdev-test --save nbs/{source.name}`; this cell printed\n{new.printed}\nand is saved with\n{old.printed}"


def test_same_can_tell():
    assert same("array([1.00000001, 2. ])", "array([1., 2.])") and same("1.2e-16", "0.0")
    assert not same("1.001", "1.0") and not same("a 1", "b 1") and not same("1 2", "1")


@pytest.mark.parametrize("code", ["1 / 0", "assert False", "import gmm_nb.no_such_module", "f("])
def test_errors_are_noticed(code, tmp_path):
    path = tmp_path / "bad.ipynb"
    cells = [{"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": [text]}
             for i, text in enumerate(["x = 1", code, "x"])]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert execute(path, tmp_path)[1].returncode == 1
