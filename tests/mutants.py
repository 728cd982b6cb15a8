"""Faults put into a copy of the package on purpose, one by one. Which of them does no test notice?

    python -m tests.mutants                  every fault, each with the tests that should notice it
    python -m tests.mutants floor squarem    the faults that have one of these words in their name
    python -m tests.mutants --all            every fault, with all tests of what the package computes and writes

A line tells of each fault whether a test has failed (killed) or none has (SURVIVED). The exit status is 1 if one has
survived. A fault is a text of a module and what stands in its place; a text that is not found exactly once is an error,
and pytest checks that, too, so that the list keeps up with the code.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"api", "benchmarks", "layout", "mutants", "notebooks", "readme", "references", "site"}  # tests of texts and pages
PATIENCE = 1800  # seconds, after which tests that do not end count as failed


class Mutant(NamedTuple):
    "A fault, and the tests that should notice it"
    name: str
    module: str
    changes: dict[str, str]  # text of the module, found exactly once: what stands in its place
    tests: str  # names of test files, without `test_`


ENGINE = [
    Mutant("is_fast forgets means outside the data", "e_step",
           {"reach = np.maximum(sample.radius, np.abs(mixture.means - sample.origin))": "reach = sample.radius"}, "statistics em fuzz"),
    Mutant("peak_if_bounded forgets how far the means are", "e_step",
           {"kappas(mixture, sample.radius + np.abs(mixture.means - sample.origin))": "kappas(mixture, sample.radius)"}, "statistics em fuzz"),
    Mutant("ROUNDING allows a thousand times the error", "e_step", {"ROUNDING = 1e-10": "ROUNDING = 1e-7"}, "statistics em fuzz"),
    Mutant("the library of matrices keeps its threads", "statistics", {"_blas().limit(limits=1)": "_blas().limit(limits=None)"}, "statistics estimator"),
    Mutant("kappa lets precisions cancel", "e_step", {"times(np.abs(precisions(mixture)), reach)": "times(precisions(mixture), reach)"}, "statistics"),
    Mutant("features are measured from zero", "statistics", {"origin = X[0] + shift": "origin = 0.0 * shift"}, "statistics"),
    Mutant("about shifts by a wrong half", "statistics", {"half = self.first + 0.5 * moved": "half = self.first + moved"}, "statistics"),
    Mutant("a sum of statistics keeps one log-likelihood", "statistics",
           {"log_likelihood=self.log_likelihood + other.log_likelihood": "log_likelihood=self.log_likelihood"}, "statistics"),
    Mutant("the tied scatter is subtracted twice", "e_step",
           {"log_likelihood -= 0.5 * np.sum(precisions(mixture) * second)": "log_likelihood -= np.sum(precisions(mixture) * second)"}, "statistics"),
    Mutant("blocks come as they are done", "workers", {"yield done.pop(place)": "yield done.popitem()[1]"}, "statistics"),
    Mutant("the last row is lost", "statistics", {"range(start, min(start + size, n), chunk)": "range(start, min(start + size, n - 1), chunk)"}, "statistics"),
    Mutant("weights are squared in the scatter", "statistics",
           {"x *= np.sqrt(weights[start:start + x.shape[1]])": "x *= weights[start:start + x.shape[1]]"}, "statistics em"),
    Mutant("wide data lose a part of the triangle", "e_step", {"factors[:, a:a + SLAB, :a + SLAB]": "factors[:, a:a + SLAB, :a + 1]"}, "statistics"),
    Mutant("a thousandth of a row is negligible", "e_step", {"NEGLIGIBLE = 1e-30": "NEGLIGIBLE = 1e-3"}, "statistics"),
    Mutant("log joints are cut off too early", "e_step", {"LOWEST = -600.0": "LOWEST = -6.0"}, "statistics em"),
    Mutant("log-sum-exp without its maximum", "mixture",
           {"return top + np.log(np.exp(a - top).sum(axis=0))": "return np.log(np.exp(a).sum(axis=0))"}, "mixture"),
    Mutant("samples by the factor's transpose", "mixture", {"solve_triangular(P, X[rows].T, trans=1)": "solve_triangular(P, X[rows].T)"}, "mixture"),
]

M_STEP = [
    Mutant("constant columns borrow a variance of 1", "covariance",
           {"usual = spreads[~constant].mean() if (~constant).any() else 1.0": "usual = 1.0"}, "em estimator"),
    Mutant("tied divides by the largest count", "covariance", {"return scatter / np.sum(counts)": "return scatter / np.max(counts)"}, "statistics em"),
    Mutant("spherical forgets the dimension", "covariance", {"return scatter / (d * counts)": "return scatter / counts"}, "statistics em"),
    Mutant("eigenvalues are raised to zero only", "covariance", {"np.maximum(values, 1)": "np.maximum(values, 0)"}, "em estimator"),
    Mutant("a low component changes all others", "covariance", {"low = values[..., 0] < 1 ": "low = values[..., 0] < np.inf "}, "em estimator"),
    Mutant("round components rest on the lowest floor", "covariance",
           {"np.maximum(covariances, np.mean(floor))": "np.maximum(covariances, np.min(floor))"}, "em estimator"),
    Mutant("lost digits go unnoticed", "covariance", {"kappa(mixture, shift) < ROUNDING": "kappa(mixture, shift) < np.inf"}, "statistics em"),
    Mutant("a symmetric matrix has d² free numbers", "covariance",
           {"lambda K, d: K * d * (d + 1) // 2": "lambda K, d: K * d * d"}, "estimator reference"),
]

LOOP = [
    Mutant("tol is for all rows together", "em", {"converged = step.gain < tol * n_samples": "converged = step.gain < tol"}, "em estimator"),
    Mutant("Aitken's limit is off by a factor", "em", {"float(last * last / (before - last))": "float(last / (before - last))"}, "em"),
    Mutant("squarem takes steps that fall", "acceleration", {"trial.log_likelihood < second.log_likelihood": "trial.log_likelihood < -np.inf"}, "em"),
    Mutant("natural gradients take steps that fall", "em",
           {"point.log_likelihood < best.log_likelihood - 1e-13 * abs(best.log_likelihood)": "point.log_likelihood < -np.inf"}, "em"),
    Mutant("the spherical log-determinant without d", "acceleration", {"d_log_det = mixture.n_features * d_log_det": "d_log_det = 1 * d_log_det"}, "em"),
    Mutant("the trust radius never shrinks", "em",
           {"radius, trial, predicted = length / 4, best.updated, None": "trial, predicted = best.updated, None",
            "else length / 2 if agreement < 0.25 else radius": "else radius"}, "em"),
    Mutant("pairs that curve the wrong way are kept", "em", {"if s @ y > 1e-14 * np.linalg.norm(s) * np.linalg.norm(y):": "if True:"}, "em"),
    Mutant("an interruption is not told", "em", {"        interrupted = True\n": "        interrupted = False\n"}, "em estimator"),
]

# Faults of the starts: whoever changes how starts are made or chosen keeps this list.
STARTS = [
    Mutant("all starts are of the first kind", "estimator", {"TURNS[i % len(TURNS)]": "TURNS[0]"}, "estimator"),
]

FILES = [
    Mutant("links are replaced", "mixture", {"target = os.path.realpath(path)": "target = os.path.abspath(path)"}, "files mixture"),
    Mutant("devices are replaced", "mixture",
           {"elif there is not None and not stat.S_ISREG(there.st_mode):": "elif False:",
            "if not stat.S_ISREG(there.st_mode) or is_output(there): return there": "pass"}, "files"),
    Mutant("the mode is not kept", "mixture", {"    os.chmod(name, mode)\n": ""}, "files"),
    Mutant("a private file can be read while it is written", "mixture", {"os.open(name, how, mode)": "os.open(name, how, 0o666)"}, "files"),
    Mutant("another group gets the rights", "mixture", {"mode &= 0o707": "pass"}, "files"),
    Mutant("the second file has a long name", "mixture",
           {'f".{uuid4().hex}")': 'f"{os.path.basename(target)}.{uuid4().hex}")'}, "files"),
    Mutant("an error leaves the second file", "mixture",
           {"        with suppress(FileNotFoundError): os.remove(temporary)\n": "        pass\n"}, "files"),
    Mutant("the content may not be on the disk yet", "mixture", {"            os.fsync(file.fileno())": "            pass"}, "files"),
    Mutant("unknown entries are checked and read", "mixture",
           {'if info.filename == name or name not in (*NAMES, "columns"): continue': "if info.filename == name: continue"}, "files mixture"),
    Mutant("entries may unpack to a terabyte", "mixture", {"UNPACKED = 2**27": "UNPACKED = 2**40"}, "files"),
    Mutant("an entry may be packed in any way", "mixture", {"(method == ZIP_DEFLATED and size <= UNPACKED)": "(size <= UNPACKED)"}, "files"),
    Mutant("a header is believed", "mixture",
           {"if entry.n_bytes != info.file_size - file.tell():": "if False:"}, "files"),
    Mutant("shapes are compared after reading", "mixture", {"        if shape != wanted[name]:\n": "        if False:\n"}, "files"),
    Mutant("of two entries of one name the last counts", "mixture", {"        if name in infos: raise": "        if False: raise"}, "files"),
    Mutant("a file is known by its name", "command", {"return stat.S_ISREG(one.st_mode) and os.path.samestat(one, other)": "return a == b"}, "command"),
    Mutant("an interrupted fit ends well", "command", {"return 130 if stopped else 0": "return 0"}, "command"),
    Mutant("an interrupted fit replaces files", "command", {"if stopped and path and os.path.exists(path)]": "if False]"}, "command"),
    Mutant("signals end at once", "command", {"_on_signals(ends, signal.SIG_DFL, _end)": "_on_signals([], signal.SIG_DFL, _end)"}, "command"),
    Mutant("tables are written in the terminal's letters", "command", {'if hasattr(out, "buffer") and not out.isatty():': "if False:"}, "command"),
    Mutant("names are never all in quotes", "command", {"csv.QUOTE_MINIMAL if plain else csv.QUOTE_ALL": "csv.QUOTE_MINIMAL"}, "command"),
    Mutant("a million rows are drawn at once", "command", {"block = max(1, 2**20 // mixture.n_features)": "block = max(1, n)"}, "command"),
]

MUTANTS = ENGINE + M_STEP + LOOP + STARTS + FILES


def changed(text, mutant):
    "The text of a module with the fault in it; ValueError where a text to replace is not found exactly once"
    for old, new in mutant.changes.items():
        if text.count(old) != 1:
            raise ValueError(f"{mutant.name}: found {text.count(old)} times in gmm_nb/{mutant.module}.py, expected once:\n{old}")
        text = text.replace(old, new)
    return text


def original(mutant): return (ROOT / "gmm_nb" / f"{mutant.module}.py").read_text(encoding="utf-8")


def copy_package(folder):
    "What the tests need: the package, the tests, the project's file"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("gmm_nb", "tests"): shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)


def fails(folder, names):
    "pytest's exit status for some test files in a copy, stopping at the first failure; 1 where it does not end"
    files = [f"tests/test_{name}.py" for name in names]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files]
    env = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try: run = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired: return 1
    if run.returncode not in (0, 1): raise RuntimeError(f"pytest could not run {' '.join(files)}:\n{run.stdout[-3000:]}{run.stderr[-1000:]}")
    return run.returncode


def main(argv=None):
    "Put in the faults; the exit status"
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only faults with one of these in their name")
    parser.add_argument("--all", action="store_true", help="all tests of what the package computes and writes, for every fault")
    options = parser.parse_args(argv)
    mutants = [m for m in MUTANTS if not options.words or any(word in m.name for word in options.words)]
    texts = [changed(original(mutant), mutant) for mutant in mutants] or parser.error("no such fault")
    everything = sorted(path.stem[5:] for path in (ROOT / "tests").glob("test_*.py") if path.stem[5:] not in PAGES)
    survivors = []
    with tempfile.TemporaryDirectory() as name:
        copy_package(folder := Path(name))
        used = everything if options.all else sorted({test for mutant in mutants for test in mutant.tests.split()})
        if fails(folder, used): sys.exit("A test fails without any fault: mend that first.")
        for mutant, text in zip(mutants, texts):
            module, start = folder / "gmm_nb" / f"{mutant.module}.py", time.monotonic()
            module.write_text(text, encoding="utf-8")
            killed = fails(folder, everything if options.all else mutant.tests.split())
            module.write_text(original(mutant), encoding="utf-8")
            if not killed: survivors.append(mutant.name)
            print(f"{'killed  ' if killed else 'SURVIVED'}  {time.monotonic() - start:6.1f} s  {mutant.module}: {mutant.name}", flush=True)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} faults are noticed.", *(f"SURVIVED: {name}" for name in survivors), sep="\n")
    return 1 if survivors else 0


if __name__ == "__main__": sys.exit(main())
