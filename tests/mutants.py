"""Faults put into a copy of the package on purpose, one by one. Which of them does no test notice?

    python -m tests.mutants                  every fault, each with the tests that should notice it
    python -m tests.mutants floor squarem    the faults that have one of these words in their name
    python -m tests.mutants --all            every fault, with all tests of what the package computes and writes

A line tells of each fault whether a test has failed (killed) or none has (SURVIVED). The exit status is 1 if one has
survived. A fault is a text of the package and what stands in its place, in whichever module it is; a text that is not
found exactly once in all modules is an error, and pytest checks that, too, so that the list keeps up with the code.
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
PAGES = {"api", "benchmarks", "explorer", "home", "layout", "mutants", "notebooks", "readme", "references", "site", "website"}  # tests of texts and pages
PATIENCE = 1800  # seconds, after which tests that do not end count as failed


class Mutant(NamedTuple):
    "A fault, and the tests that should notice it"
    name: str
    changes: dict[str, str]  # text found exactly once in the package: what stands in its place
    tests: str  # names of test files, without `test_`, the likeliest to notice first


ENGINE = [
    Mutant("is_fast forgets means outside the data",
           {"reach = np.maximum(sample.radius, np.abs(mixture.means - sample.origin))": "reach = sample.radius"}, "statistics em fuzz"),
    Mutant("peak_if_bounded forgets how far the means are",
           {"kappas(mixture, sample.radius + np.abs(mixture.means - sample.origin))": "kappas(mixture, sample.radius)"}, "statistics em fuzz"),
    Mutant("ROUNDING allows a thousand times the error", {"ROUNDING = 1e-10": "ROUNDING = 1e-7"}, "statistics em fuzz"),
    Mutant("the library of matrices keeps its threads", {".limit(limits=1))": ".limit(limits=None))"}, "rows"),
    Mutant("kappa lets precisions cancel", {"times(np.abs(precisions(mixture)), reach)": "times(precisions(mixture), reach)"}, "statistics"),
    Mutant("features are measured from zero", {"origin = X[0] + shift": "origin = 0.0 * shift"}, "statistics"),
    Mutant("about shifts by a wrong half", {"half = self.first + 0.5 * moved": "half = self.first + moved"}, "statistics"),
    Mutant("a sum of statistics keeps one log-likelihood",
           {"log_likelihood=self.log_likelihood + other.log_likelihood": "log_likelihood=self.log_likelihood"}, "statistics"),
    Mutant("the tied scatter is subtracted twice",
           {"log_likelihood -= 0.5 * form.common(precisions(mixture), second)": "log_likelihood -= form.common(precisions(mixture), second)"}, "statistics"),
    Mutant("blocks come as they are done", {"yield done.pop(place)": "yield done.popitem()[1]"}, "statistics"),
    Mutant("the last row is lost", {"range(start, min(start + size, n), chunk)": "range(start, min(start + size, n - 1), chunk)"}, "statistics"),
    Mutant("weights are squared in the scatter",
           {"x *= np.sqrt(weights[start:start + x.shape[1]])": "x *= weights[start:start + x.shape[1]]"}, "statistics em"),
    Mutant("wide data lose a part of the triangle", {"factors[:, a:a + SLAB, :a + SLAB]": "factors[:, a:a + SLAB, :a + 1]"}, "statistics"),
    Mutant("a thousandth of a row is negligible", {"NEGLIGIBLE = 1e-30": "NEGLIGIBLE = 1e-3"}, "statistics"),
    Mutant("log joints are cut off too early", {"LOWEST = -600.0": "LOWEST = -6.0"}, "statistics em"),
    Mutant("log-sum-exp without its maximum",
           {"return top + np.log(np.exp(a - top).sum(axis=0))": "return np.log(np.exp(a).sum(axis=0))"}, "mixture"),
    Mutant("samples by the factor's transpose", {"solve_triangular(P, z.T, trans=1)": "solve_triangular(P, z.T)"}, "mixture"),
]

PICTURES = [
    Mutant("a million dots", {"DOTS = 3000": "DOTS = 3_000_000"}, "dense"),
    Mutant("a shading of all rows", {"def _inside(X, low, high, limit=200_000)": "def _inside(X, low, high, limit=10**9)"}, "dense"),
    Mutant("a lone point vanishes", {"np.where(counts > 0, 0.25 + 0.75 *": "np.where(counts > 1, 0.25 + 0.75 *"}, "dense"),
    Mutant("the shading is mirrored", {".clip(0, side - 1) @ [1, side]": ".clip(0, side - 1) @ [side, 1]"}, "dense"),
    Mutant("an outlier shrinks the picture", {"far = np.where(high > low, high - low, np.inf)": "far = np.full(len(low), np.inf)"}, "dense"),
    Mutant("a far component is cut off", {"np.minimum(low - far, least), np.maximum(high + far, most)": "low - far, high + far"}, "dense"),
    Mutant("rows outside are not mentioned", {'outside the picture" if away else': 'outside the picture" if away < 0 else'}, "dense"),
    Mutant("lines without a dark edge", {"linewidth=width + 1.1 * scale": "linewidth=width"}, "dense"),
    Mutant("the seventh component looks like the first", {'"#661100", "#332288"': '"#0072B2", "#332288"'}, "dense"),
    Mutant("numbers run into the next panel", {"edge = 0.12 * (high - low)": "edge = -0.12 * (high - low)"}, "dense"),
]

ANYWHERE = [
    Mutant("a thread is needed", {"except RuntimeError:  # this system has no more of them, or none\n                break": "except ZeroDivisionError:\n                break"}, "no_threads"),
    Mutant("a lost signal is waited for", {"signals.get(timeout=0.05)": "signals.get()"}, "no_threads"),
    Mutant("threads are never used", {"yield _shared_map(jobs, helpers) if helpers else map": "yield map"}, "no_threads"),
    Mutant("any error of a thread is taken for none", {"except RuntimeError:  # this system": "except Exception:  # this system"}, "no_threads"),
]

M_STEP = [
    Mutant("constant columns borrow a variance of 1",
           {"usual = spreads[spreads > 0].mean() if spreads.any() else 1.0": "usual = 1.0"}, "rows em"),
    Mutant("tied divides by the largest count", {"return scatter / np.sum(counts)": "return scatter / np.max(counts)"}, "statistics em"),
    Mutant("spherical forgets the dimension", {"return scatter / (d * counts)": "return scatter / counts"}, "statistics em"),
    Mutant("eigenvalues are raised to zero only", {"np.maximum(values, 1)": "np.maximum(values, 0)"}, "em estimator"),
    Mutant("a low component changes all others", {"low = values[..., 0] < 1 ": "low = values[..., 0] < np.inf "}, "em estimator"),
    Mutant("round components rest on the lowest floor",
           {"np.maximum(covariances, np.mean(floor, axis=-1))": "np.maximum(covariances, np.min(floor, axis=-1))"}, "em estimator"),
    Mutant("lost digits go unnoticed", {"kappa(mixture, shift) < ROUNDING": "kappa(mixture, shift) < np.inf"}, "statistics em"),
    Mutant("a symmetric matrix has d² free numbers",
           {"lambda K, d: K * d * (d + 1) // 2": "lambda K, d: K * d * d"}, "estimator reference"),
]

LOOP = [
    Mutant("tol is for all rows together",
           {"if left < tol * n_samples:": "if left < tol:", "bool(left < tol * n_samples)": "bool(left < tol)"}, "em"),
    Mutant("what the last pass gained is taken for what is left",
           {"float(gains[-1] * a / (1 - a))": "float(gains[-1])"}, "em"),
    Mutant("Aitken's limit is off by a factor", {"float(gains[-1] * a / (1 - a))": "float(gains[-1] / (1 - a))"}, "em"),
    Mutant("Aitken believes the fastest of three gains", {"a = np.max(gains[1:] / gains[:-1])": "a = np.min(gains[1:] / gains[:-1])"}, "em"),
    Mutant("lower bounds may fall", {"best := max(best, step.log_likelihood)": "best := step.log_likelihood"}, "survivors em"),
    Mutant("a run that goes on forgets the gains before it", {"list(after.tail)) if after": "[]) if after"}, "survivors em"),
    Mutant("a run that goes on forgets how high it was", {"best, tail = (after.log_likelihoods[-1],": "best, tail = (-np.inf,"}, "survivors em"),
    Mutant("a run goes on from another one's end", {"after if after and after.mixture is start else None": "after"}, "survivors em estimator"),
    Mutant("a run that goes on may end lower",
           {"return result if after > before + 1e-14 * abs(before) else replace(result, mixture=start)": "return result"}, "survivors em"),
    Mutant("another data set's run is gone on with",
           {"same = estimator.warm_start and known == (traits(sample), estimator.reg_covar)": "same = estimator.warm_start and known"},
           "survivors estimator"),
    Mutant("squarem takes steps that fall", {"trial.log_likelihood < second.log_likelihood": "trial.log_likelihood < -np.inf"}, "em"),
    Mutant("natural gradients take steps that fall",
           {"if point is None or point.log_likelihood < now.best.log_likelihood - fall:": "if point is None:"}, "em"),
    Mutant("the spherical log-determinant without d", {"d_log_det = mixture.n_features * d_log_det": "d_log_det = 1 * d_log_det"}, "em"),
    Mutant("the trust radius never shrinks",
           {"radius=trial.length / 4, refused=True": "refused=True",
            "return trial.length / 2 if agreement < 0.25 else radius": "return radius"}, "em"),
    Mutant("the trust radius stays after a step that is refused", {"radius=trial.length / 4, refused=True": "refused=True"}, "em"),
    Mutant("the trust radius stays after a step that gains little",
           {"return trial.length / 2 if agreement < 0.25 else radius": "return radius"}, "em"),
    Mutant("the trust radius has no bound", {"min(LARGEST, max(radius, 2 * trial.length))": "max(radius, 2 * trial.length)"}, "survivors em"),
    Mutant("pairs that curve the wrong way are kept", {"if s @ y > rounding:": "if s @ y < -rounding or s @ y > rounding:"}, "survivors em"),
    Mutant("a hollow is taken for a hill", {"self.hollow = s @ y < -rounding": "self.hollow = False"}, "survivors em"),
    Mutant("the last fraction counts, not the smallest", {"min(1.0, *self.fractions)": "min(1.0, self.fractions[-1])"}, "survivors em"),
    Mutant("the end of a trial needs no confirmation",
           {"left = max(model.left, left)": "left = model.left"}, "survivors em"),
    Mutant("an interruption is not told", {"        interrupted = True\n    except CollapsedComponent": "        interrupted = False\n    except CollapsedComponent"}, "em"),
]

# Faults of the starts: whoever changes how starts are made or chosen keeps this list.
STARTS = [
    Mutant("all starts are of the first kind", {"turns[i % len(turns)]": "turns[0]"}, "survivors starts"),
    Mutant("the metric within clusters is never learnt",
           {'for _ in range(2 if method == "kmeans" and inner.any() else 0):': "for _ in range(0):"}, "survivors starts"),
    Mutant("k-means never moves its centres", {'20 if method == "kmeans" else 0)': "0)"}, "survivors starts"),
    Mutant("centres are drawn evenly", {"((squares > 0) if even else squares)": "(squares > 0)"}, "starts"),
    Mutant("clusters borrow next to nothing", {"extra = 0.1 * about.n_samples": "extra = 1e-9 * about.n_samples"}, "survivors starts"),
    Mutant("the race forgets the handicap", {"order, fair = [], values - handicaps": "order, fair = [], values"}, "survivors starts"),
    Mutant("the last choice forgets the handicap", {" - handicap(end.mixture, floor, fraction)[0]": ""}, "starts"),
    Mutant("dead components cost nothing", {"dead = (weights < DEAD).any(axis=1)": "dead = (weights < 0).any(axis=1)"}, "starts"),
    Mutant("equal starts all stay", {"if order and fair[order[-1]] - fair[s] < same:": "if False:"}, "survivors starts"),
    Mutant("the race ends at once", {"np.max(values + passes * (values - before))": "np.max(values)"}, "survivors starts"),
    Mutant("the race keeps one start only", {"race(rows, stack_of(rows, shares), n), max(1, n // 2))": "race(rows, stack_of(rows, shares), n), 1)"}, "survivors starts"),
    Mutant("there is no second start", {"for s in range(min(2, kept)))": "for s in range(1))"}, "survivors starts"),
    Mutant("the worst of the race is followed", {"for s in np.lexsort((-values, -fair)):": "for s in np.lexsort((values, fair)):"}, "survivors starts"),
    Mutant("no moves are made", {"rng, rounds: int = 3)": "rng, rounds: int = 0)"}, "starts"),
    Mutant("a single move is made", {"rng, rounds: int = 3)": "rng, rounds: int = 1)"}, "survivors starts"),
    Mutant("merges are tried in any order", {"order = np.argsort(cost, kind=\"stable\")": "order = np.arange(len(cost))"}, "survivors starts"),
    Mutant("a split component stays as wide", {"stack.covariances[k] - taken": "stack.covariances[k]"}, "starts"),
    Mutant("digits lost in a stack go unnoticed", {"return 2.0**-46 * squares": "return 0.0 * squares"}, "survivors starts"),
    Mutant("equal rows of a start are not merged",
           {"rows, which = np.unique(sample.X.astype(float), axis=0, return_inverse=True)":
            "rows, which = sample.X.astype(float)[(o := np.lexsort(sample.X.T[::-1]))], np.argsort(o)"}, "survivors starts"),
    Mutant("rows of a start keep their order",
           {"rows, which = np.unique(sample.X.astype(float), axis=0, return_inverse=True)":
            "rows, which = sample.X.astype(float), np.arange(n)"}, "survivors starts"),
    Mutant("light rows of a subsample stay light", {"np.maximum(sample.weights[rows], least)": "np.minimum(sample.weights[rows], least)"}, "starts"),
    Mutant("a subsample is worth its size", {"np.full(size, n / size)": "np.ones(size)"}, "survivors starts"),
    Mutant("subsamples are not refined", {"while 15 * size < len(sample.X):": "while False:"}, "survivors starts"),
    Mutant("dead components are not revived", {"        yield as_mixture(rows, revived(stack))": "        yield as_mixture(rows, stack)"}, "survivors starts"),
    Mutant("components come in any order", {"order = np.lexsort([-mixture.weights, *places.T[::-1]])": "order = np.arange(len(places))"}, "starts"),
    Mutant("components are sorted by their last feature", {"*places.T[::-1]])": "*places.T])"}, "survivors starts"),
    Mutant("twins are not set apart", {"twins(result.mixture) if result.converged else []": "[]"}, "starts"),
    Mutant("the volumes are left out when common axes turn", {"w = 1 / v[..., :, None] - 1 / v[..., None, :]":
            "u = v / np.exp(np.log(v).mean(axis=-1, keepdims=True)); w = 1 / u[..., :, None] - 1 / u[..., None, :]"}, "structures"),
    Mutant("axes are paired with the wrong lengths", {"    return np.linalg.eigh(scatter)[1]":
            "    e = np.linalg.eigh(scatter)[1]\n    return np.concatenate([e[..., :1, :, ::-1], e[..., 1:, :, :]], axis=-3)"}, "structures"),
    Mutant("one volume is the arithmetic mean", {"sizes = np.exp(np.log(squares).mean(axis=-1, keepdims=True))": "sizes = squares.mean(axis=-1, keepdims=True)"}, "structures"),
    Mutant("the floor of an axis is the smallest", {"np.sum(axes**2 * floor[..., None], axis=-2)": "np.min(floor, axis=-1)[..., None] + 0 * axes[..., 0]"}, "structures"),
    Mutant("a shape is counted once too often", {"sizes = 1, d - 1, d * (d - 1) // 2": "sizes = 1, d, d * (d - 1) // 2"}, "structures"),
    Mutant("natural gradients step off a curved family", {"exact = structure in EXPONENTIAL and objective.natural": "exact = objective.natural"}, "structures"),
    Mutant("cells do not look at one another", {"            second_look(ground, done, workers=workers, **how)": "            pass"}, "selection"),
    Mutant("a cell on the floor may be chosen", {"return self.result is not None and not self.on_floor": "return self.result is not None"}, "selection"),
    Mutant("ICL charges once", {"bic - 2 * sure": "bic - sure"}, "selection"),
]

ROWS = [
    Mutant("rows without weight count", {"counts = weights >= np.finfo(float).tiny": "counts = weights >= 0"}, "rows"),
    Mutant("weights are counted in the user's unit", {"return 1.0 if abs(exponent) <= 40 else float(np.ldexp(1.0, exponent))": "return 1.0"}, "rows"),
    Mutant("negligible is absolute", {"return NEGLIGIBLE * sample.n_samples / len(sample.X)": "return NEGLIGIBLE"}, "rows"),
    Mutant("a fill value widens the floor", {"        if not inside.all():": "        if False:"}, "rows"),
    Mutant("quantiles believe the few rows", {"if not below < target <= below + held.sum():": "if False:"}, "rows"),
    Mutant("rows far away belong to all components", {"squares[...] = mixture.told_apart(X.T, squares)": "pass"}, "rows"),
    Mutant("the first to leave lifts the limit of threads", {"while self.limits and not self.users:": "while self.limits:"}, "rows"),
    Mutant("libraries loaded later keep their threads", {"if not self.users or libraries is not self.libraries:": "if not self.users:"}, "rows"),
]

HOLES = [
    Mutant("the conditional covariance is left out by pattern", {"    add_hidden(second, structure, m, s.counts[:, None, None] * C)\n": ""}, "missing"),
    Mutant("the conditional covariance is left out by row", {"    held = C * at.total(shares)": "    held = 0 * C * at.total(shares)"}, "missing"),
    Mutant("holes are filled by the mean", {"    flat[at.rows] = -step\n": ""}, "missing"),
    Mutant("the careful way corrects once", {"        for _ in range(2):\n            flat[at.rows] -= times": "        for _ in range(0):\n            flat[at.rows] -= times"}, "missing"),
    Mutant("rows with holes are never careful", {"careful, length = not is_fast(self, mixture), rows_at_once(K, d)": "careful, length = False, rows_at_once(K, d)"}, "missing"),
    Mutant("a row without values is scored by rounding", {"    if q == d:  # nothing was seen": "    if False:"}, "missing"),
    Mutant("rows without values count", {"rare = ~common & ~kinds.all(axis=1)": "rare = ~common"}, "missing"),
    Mutant("filled rows are measured from the wrong origin", {"    origin[:, m] = mixture.means[:, m] + (B @ (about - mixture.means)[:, o, None])[:, :, 0]": "    origin[:, m] = mixture.means[:, m]"}, "missing"),
    Mutant("draws have no noise", {"out[:, mine] = values[k][:, mine] + e": "out[:, mine] = values[k][:, mine]"}, "missing"),
    Mutant("infinite values are holes", {"wrong = np.isinf if holes else": "wrong = (lambda block: block != block) if holes else"}, "missing"),
    Mutant("the far tail of a quantile", {"sign, tail = np.where(p > 0.5, -1.0, 1.0), np.where(p > 0.5, 1 - p, p)": "sign, tail = np.ones_like(p), p"}, "missing"),
    Mutant("a conditional keeps the weights", {"return Conditional(self.marginal(o).resp(values).T, means, C)": "return Conditional(np.tile(self.weights, (len(values), 1)), means, C)"}, "missing"),
    Mutant("errors are those within the components", {"return np.swapaxes(root, 1, 2) @ root + np.tensordot(": "return np.tensordot("}, "missing regressor"),
]

FILES = [
    Mutant("links are replaced", {"target = os.path.realpath(path)": "target = os.path.abspath(path)"}, "files mixture"),
    Mutant("devices are replaced",
           {"elif there is not None and not stat.S_ISREG(there.st_mode):": "elif False:",
            "if not stat.S_ISREG(there.st_mode) or is_output(there): return there": "pass"}, "files"),
    Mutant("the mode is not kept", {"    os.chmod(name, mode)\n": ""}, "files"),
    Mutant("a private file can be read while it is written", {"os.open(name, how, mode)": "os.open(name, how, 0o666)"}, "files"),
    Mutant("another group gets the rights", {"mode &= 0o707": "pass"}, "files"),
    Mutant("the second file has a long name",
           {'f".{uuid4().hex}")': 'f"{os.path.basename(target)}.{uuid4().hex}")'}, "files"),
    Mutant("an error leaves the second file",
           {"        with suppress(FileNotFoundError): os.remove(temporary)\n": "        pass\n"}, "files"),
    Mutant("the content may not be on the disk yet", {"            os.fsync(file.fileno())": "            pass"}, "files"),
    Mutant("unknown entries are checked and read",
           {'if info.filename == name or name not in (*NAMES, *MORE): continue': "if info.filename == name: continue"}, "files mixture"),
    Mutant("entries may unpack to a terabyte", {"UNPACKED = 2**27": "UNPACKED = 2**40"}, "files"),
    Mutant("an entry may be packed in any way", {"(method == ZIP_DEFLATED and size <= UNPACKED)": "(size <= UNPACKED)"}, "files"),
    Mutant("a header is believed",
           {"if entry.n_bytes != info.file_size - file.tell():": "if False:"}, "files"),
    Mutant("shapes are compared after reading", {"        if shape != wanted[name]:\n": "        if False:\n"}, "files"),
    Mutant("of two entries of one name the last counts", {"        if name in infos: raise": "        if False: raise"}, "files"),
    Mutant("a file is known by its name", {"return stat.S_ISREG(one.st_mode) and os.path.samestat(one, other)": "return a == b"}, "command"),
    Mutant("an interrupted fit ends well", {"return 130 if stopped else 0": "return 0"}, "command"),
    Mutant("a prior's mean adds no row to the covariances", {"counts = np.full(K, rows) + (kappa > 0)": "counts = np.full(K, rows) + 0.0"}, "prior"),
    Mutant("one prior for each of the components that share", {"rows = prior.rows / K if FORMS[structure].linear else prior.rows": "rows = prior.rows"}, "prior"),
    Mutant("a prior is counted in rows whatever the weights' unit", {"pseudo_statistics(prior, structure, K, d, sample.unit)": "pseudo_statistics(prior, structure, K, d)"}, "prior"),
    Mutant("the objective leaves the prior out", {"log_likelihood=sums.log_likelihood + log_prior(mixture, self.pseudo))": "log_likelihood=sums.log_likelihood)"}, "prior"),
    Mutant("a fixed mean does not move the scatter's centre", {"off = np.sqrt(counts)[:, None] * (mean - means)": "off = np.sqrt(counts)[:, None] * (mean - pulled)"}, "prior"),
    Mutant("fixed weights are not left out of what is shared", {"left = 1 - weights[~free].sum()": "left = 1.0"}, "prior"),
    Mutant("fixed parts drift in an extrapolation", {"return _try(lambda: objective.held(mixture())), alpha": "return _try(mixture), alpha"}, "prior"),
    Mutant("fixed parts are raised to the floor", {"start = objective.held(raised(start, floor))": "start = raised(start, floor)"}, "prior"),
    Mutant("natural gradients under a prior", {"return not (told or self.fixed.some)": "return not self.fixed.some"}, "prior"),
    Mutant("labelled rows count as unlabelled too", {"rows_of(sample, ~known, workers)": "rows_of(sample, known | ~known, workers)"}, "prior"),
    Mutant("a held weight names no component", {"held.weights[c] if fixed.weights[c] else mixture.weights": "mixture.weights"}, "prior"),
    Mutant("an expected mean names no component", {"pseudo.shrinkage[c] * squares(": "0 * squares("}, "prior"),
    Mutant("a start is not put in the order of what is known", {"(in_order(start, sample, objective) for start in make())": "make()"}, "prior"),
    Mutant("an earlier run of another objective is continued", {"after = earlier_run(estimator, sample) if plain else None": "after = earlier_run(estimator, sample)"}, "prior"),
    Mutant("fixed parameters are counted as free", {"return n_parameters(*shape) - n_fixed(": "return n_parameters(*shape) - 0 * n_fixed("}, "prior"),
    Mutant("an interrupted fit replaces files", {"if stopped and path and os.path.exists(path)]": "if False]"}, "command"),
    Mutant("signals end at once", {"_on_signals(ends, signal.SIG_DFL, _end)": "_on_signals([], signal.SIG_DFL, _end)"}, "command"),
    Mutant("tables are written in the terminal's letters", {'if hasattr(out, "buffer") and not out.isatty():': "if False:"}, "command"),
    Mutant("names are never all in quotes", {"csv.QUOTE_MINIMAL if plain else csv.QUOTE_ALL": "csv.QUOTE_MINIMAL"}, "command"),
    Mutant("a million rows are drawn at once", {"block = max(1, 2**20 // mixture.n_features)": "block = max(1, n)"}, "command"),
]

TABLES = [
    Mutant("a guess of the separator counts no numbers", {"return len(whole) / len(rows) * (0.1 + numbers / max(1, len(cells)))": "return len(whole) / len(rows)"}, "tables"),
    Mutant("a comma never separates thousands", {'return plain, rf"[-+−]?\\d{{1,3}}({gap}': 'return plain, rf"[-+−]?\\d{{9,9}}({gap}'}, "tables"),
    Mutant("missing values count as words", {'    return f"(c{j} is null or lower(trim(c{j}::varchar)) in ({words}))"': '    return f"(c{j} is null)"'}, "tables"),
    Mutant("a row of missing values is a header", {"    return not any(_is_number(cell) or _is_number(cell, \",\") or _is_missing(cell)\n": "    return not any(_is_number(cell) or _is_number(cell, \",\")\n"}, "tables"),
    Mutant("lines are counted from the first row", {"return layout.top + next(islice(lines, row, None), row + 1)": "return next(islice(lines, row, None), row + 1)"}, "tables"),
    Mutant("infinity is a number", {"if 0 < words.get(j, 0) <= filled[j] or np.isinf(x).any()": "if 0 < words.get(j, 0) <= filled[j]"}, "tables"),
    Mutant("a few whole numbers are an id", {"steps, is_id, many = np.diff(x), name is not None and _ID.fullmatch(name), len(x) >= 10": "steps, is_id, many = np.diff(x), name is not None and _ID.fullmatch(name), True"}, "tables"),
    Mutant("a single column of whole numbers is left out", {"if len(out) == len(good): out = {}": "if False: out = {}"}, "tables"),
    Mutant("labels keep the rows that are dropped", {"None if label is None else _texts(raw, label)[keep]": "None if label is None else _texts(raw, label)"}, "tables"),
    Mutant("an underscore is part of a number", {"replace({cell}, '_', 'x')": "replace({cell}, '_', '_')"}, "tables"),
    Mutant("any names count by their places", {'name[:1] == "x" and name[1:].isdigit()': "True"}, "command"),
    Mutant("a pipe is passed over", {"return [_Input()] if _piped() else []": "return []"}, "command"),
    Mutant("names go into the page as they are", {"return html.escape(_shown(str(value)))": "return _shown(str(value))"}, "command"),
    Mutant("several tables are joined whatever their columns", {"        if table.columns != first.columns:\n            raise": "        if False:\n            raise"}, "command"),
    Mutant("weights do not reach the fit", {"model.fit(table.X, sample_weight=table.weights)": "model.fit(table.X)"}, "command"),
]

BAYES = [
    Mutant("a surrogate is an ordinary mixture", {"        return self.constants": "        return Mixture.log_peaks.func(self)"}, "variational"),
    Mutant("the doubt about the means is forgotten", {"about_means = np.log(2 * np.pi) + 1 / self.mean_precision": "about_means = np.log(2 * np.pi)"}, "variational"),
    Mutant("the prior's mean does not pull on the scatter", {"scatter = about.second + outer(off, off, structure)": "scatter = about.second"}, "variational"),
    Mutant("round components count rows for values", {"return d * dof, d * scatter[..., None, None]": "return dof, d * scatter[..., None, None]"}, "variational"),
    Mutant("the bound forgets the means", {" - kl_means(q) - kl_precisions(q)": " - kl_precisions(q)"}, "variational"),
    Mutant("the stick is never closed", {'alpha[-1] = 0.0 if rule == "conjugate" else concentration': "alpha[-1] = concentration"}, "variational"),
    Mutant("scikit-learn's tied rule is conjugate", {"rows = counts.sum() / (K if theirs else 1)": "rows = counts.sum()"}, "variational"),
    Mutant("scikit-learn's determinants are conjugate", {"        return sklearn_log_det(q)": "        pass"}, "variational"),
    Mutant("lost digits of a posterior go unnoticed", {"np.abs(q.means - statistics.origin)) < ROUNDING": "np.abs(q.means - statistics.origin)) < np.inf"}, "variational"),
    Mutant("an extrapolation may lower the bound", {"if tried.bound < second.bound:": "if False:"}, "variational"),
    Mutant("the predictive tails are those of one row less", {"joint[k] = self.log_peaks[k] - 0.5 * (dof[k] + values) @ tails": "joint[k] = self.log_peaks[k] - 0.5 * dof[k] @ tails"}, "variational"),
    Mutant("pieces of the stick come in any order", {"return update(prior, heaviest_first(statistics)) if ordered else q": "return q"}, "variational"),
    Mutant("weights count by their ratios only", {"scaled = lambda weights: None if weights is None else weights * unit": "scaled = lambda weights: weights"}, "variational"),
    Mutant("a prior may look below the rounding", {"2.0**-40 * np.diagonal(covariance)": "0.0 * np.diagonal(covariance)"}, "variational"),
]

ONLINE = [
    Mutant("scaled statistics keep their second moments", {"second=factor * self.second, n_samples": "second=self.second, n_samples"}, "online"),
    Mutant("online memory stays as long as the start", {"return n_start * (1 + n_seen / n_start)**exponent": "return n_start * (1 + 0 * n_seen / n_start)**exponent"}, "online"),
    Mutant("online sums stay where they began", {"statistics, seen = statistics.about(mixture.means), state.n_seen + m": "statistics, seen = statistics, state.n_seen + m"}, "online"),
    Mutant("the path's mean is the last place", {"share = min(1.0, (AVERAGE + 1) * m / (seen + AVERAGE * m))": "share = 1.0"}, "online"),
    Mutant("online blocks count by their number", {"m = sample.n_samples * sample.unit\n    block": "m = 1.0 * sample.unit\n    block"}, "online"),
    Mutant("online components die", {"return statistics\n    factor = np.maximum(least / counts, 1.0)": "return statistics\n    factor = np.ones(len(counts))"}, "online"),
    Mutant("a fixed memory has a mean of the path, too", {"    if forget_after is None:\n        share": "    if True:\n        share"}, "online"),
    Mutant("a stream without a floor takes rounding for spread", {"if state.floor is None:\n        refuse_rounding(mixture, sample)": "if False:\n        refuse_rounding(mixture, sample)"}, "online"),
    Mutant("fit goes on from a stream", {'for name in (*PARTS, "_online", "n_samples_seen_"):': "for name in PARTS:"}, "online"),
    Mutant("a first chunk without a prior", {'draft.prior, draft.warm_start = "default", False': "draft.prior, draft.warm_start = None, False"}, "online"),
    Mutant("a fit is worth no rows to a stream", {'settled(estimator), getattr(estimator, "n_samples_seen_", 0.0)': "settled(estimator), 0.0"}, "online"),
    Mutant("a stream is not searched again", {"if first.n >= min(2 * first.searched, enough):": "if False:"}, "online"),
    Mutant("first rows are kept for ever", {"return Stream(state, first if first.n < enough else None)": "return Stream(state, first)"}, "online"),
    Mutant("first rows are the caller's array", {"copies = X.copy(), None if weights is None else np.array(weights, dtype=float)": "copies = X, weights"}, "online"),
    Mutant("a search forgets where the stream is", {"found = max(found, searched(draft, X, weights), key=height)": "found = max(found, found, key=height)"}, "online"),
    Mutant("a search forgets the weights of first rows", {"return np.concatenate(X), np.concatenate(once)": "return np.concatenate(X), None"}, "online"),
    Mutant("a share of the block may be all", {"share = min(m / (m + held), 1 - 2.0**-40)": "share = m / (m + held)"}, "online"),
    Mutant("a short memory keeps many first rows", {"return min(rows_for_start(d), estimator.forget_after or np.inf)": "return rows_for_start(d)"}, "online"),
    Mutant("a search tells its own bound of a chunk", {"state = replace(better, n_steps=state.n_steps, log_likelihood=state.log_likelihood)": "state = replace(better, n_steps=state.n_steps)"}, "online"),
]

PRECISION = [
    Mutant("single precision to the end", {"return finished(draft, sample, steps_on, max_iter, **how)": "return draft"}, "precision"),
    Mutant("single precision where digits are scarce", {"return 2.0**-24 * kappa(mixture, farthest) < ROUNDING_SINGLE": "return True"}, "precision"),
    Mutant("passes are counted anew in double precision", {"n_iter=step.n_iter + before": "n_iter=step.n_iter"}, "precision"),
    Mutant("rough values above the exact ones stay in the trace", {"np.minimum(draft.log_likelihoods, result.log_likelihoods[0])": "draft.log_likelihoods"}, "precision"),
]

SOURCES = [
    Mutant("what components share is counted in every block", {"np.zeros_like(self.scatter))": "self.scatter)"}, "sources"),
    Mutant("what components share is left out", {"second = form.total(self.scatter)  # was left out": "second = 0 * form.total(self.scatter)"}, "sources"),
    Mutant("joined scatters forget that their means differ", {"part.scatter + part.n_samples * square": "part.scatter + 0 * square"}, "sources"),
    Mutant("joined radii forget that their means differ", {"np.abs(off) + part.radius": "part.radius"}, "sources"),
    Mutant("blocks get the weights of the first", {"weights[stop - n:stop] / unit": "weights[:n] / unit"}, "sources"),
    Mutant("every block draws by the same numbers", {"+ 1, (seed, piece.place))": "+ 1, (seed, 0))"}, "sources"),
    Mutant("a memory map is read from its file's beginning", {"root.offset + X.ctypes.data - root.ctypes.data": "root.offset"}, "sources"),
    Mutant("the header of a file of answers is not written again", {"        file.seek(0)\n        _header(file, part, n)": "        pass"}, "sources"),
    Mutant("columns of other names are predicted", {"elif names is not None and known is not None and not np.array_equal(names, known):": "elif False:"}, "sources"),
    Mutant("the temporary file goes before the fit", {"holes=holes,\n                        keep=source.keep)": "holes=holes)"}, "sources"),
    Mutant("what components share is added once more with holes", {"if self.holes or not form.linear or about": "if not form.linear or about"}, "sources"),
    Mutant("a column without values in a block pulls the mean", {"off = np.where(part.n_samples > 0, part.origin - origin, 0.0)": "off = part.origin - origin"}, "sources"),
    Mutant("columns with holes share one number of rows", {"return Sample(None, None, n, origin, radius, n * variances)": "return Sample(None, None, n.max() + 0 * n, origin, radius, n * variances)"}, "sources"),
    Mutant("rows without values count in a source", {"rows_with_values(X, weights) if holes else (X, weights)": "(X, weights)"}, "sources"),
    Mutant("rows without values lose their weights only", {"(X[some], weights if weights is None\n                                            else weights[some])": "(X[some], weights)"}, "sources"),
    Mutant("a block without values has sums", {" if any(found) else None": ""}, "sources"),
    Mutant("rare columns are not drawn", {"return self.with_rare_values(keep) if has_holes(found.rows) else found": "return found"}, "sources"),
    Mutant("rows of rare columns stand for many", {"weights = np.where(usual, np.maximum(some.weights, least), some.weights)": "weights = np.maximum(some.weights, least)"}, "sources"),
    Mutant("rows that change between passes pass", {"        refuse_changed(total, self)\n": ""}, "sources"),
    Mutant("filled rows must have the mean of those seen", {"near = sample.holes or bool(": "near = bool("}, "sources"),
    Mutant("NaN in blocks is never refused", {"if not holes and has_holes(X):": "if False:"}, "sources"),
    Mutant("the prior of a source forgets its holes", {'some = getattr(sample, "start", sample)': "some = sample"}, "sources"),
    Mutant("every block is filled by the same draws", {"np.random.default_rng((seed, piece.place))\n    with": "np.random.default_rng((seed, 0))\n    with"}, "sources"),
    Mutant("files of two kinds are written as one", {"elif part.dtype != kind:": "elif False:"}, "sources"),
    Mutant("patterns lose their last column", {"eight @ digits[:eight.shape[1]]": "(eight & (digits[:eight.shape[1]] > 1)) @ digits[:eight.shape[1]]"}, "sources missing"),
]

MUTANTS = ENGINE + PICTURES + ANYWHERE + M_STEP + LOOP + STARTS + ROWS + HOLES + FILES + TABLES + BAYES + ONLINE + SOURCES + PRECISION


def sources():
    "The text of each module of the package, by its file's name"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "gmm_nb").glob("*.py"))}


def changed(mutant, texts):
    "The modules that a fault changes, with the fault in them; ValueError where a text to replace is not found exactly once"
    now = dict(texts)
    for old, new in mutant.changes.items():
        places = {name: text.count(old) for name, text in now.items() if old in text}
        if sum(places.values()) != 1:
            raise ValueError(f"{mutant.name}: found {sum(places.values())} times in {sorted(places) or 'the package'}, expected once:\n{old}")
        (name,) = places
        now[name] = now[name].replace(old, new)
    return {name: text for name, text in now.items() if text != texts[name]}


def copy_package(folder):
    "What the tests need: the package, the chapters, the tests, the project's file"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("gmm_nb", "nbs", "tests"): shutil.copytree(ROOT / name, folder / name, ignore=ignore)
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
    texts = sources()
    faults = [changed(mutant, texts) for mutant in mutants] or parser.error("no such fault")
    everything = sorted(path.stem[5:] for path in (ROOT / "tests").glob("test_*.py") if path.stem[5:] not in PAGES)
    survivors = []
    with tempfile.TemporaryDirectory() as name:
        copy_package(folder := Path(name))
        used = everything if options.all else sorted({test for mutant in mutants for test in mutant.tests.split()})
        if fails(folder, used): sys.exit("A test fails without any fault: mend that first.")
        for mutant, fault in zip(mutants, faults):
            start = time.monotonic()
            for module, text in fault.items(): (folder / "gmm_nb" / module).write_text(text, encoding="utf-8")
            killed = fails(folder, everything if options.all else mutant.tests.split())
            for module in fault: (folder / "gmm_nb" / module).write_text(texts[module], encoding="utf-8")
            if not killed: survivors.append(mutant.name)
            where = ", ".join(module.removesuffix(".py") for module in fault)
            print(f"{'killed  ' if killed else 'SURVIVED'}  {time.monotonic() - start:6.1f} s  {where}: {mutant.name}", flush=True)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} faults are noticed.", *(f"SURVIVED: {name}" for name in survivors), sep="\n")
    return 1 if survivors else 0


if __name__ == "__main__": sys.exit(main())
