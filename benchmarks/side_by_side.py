"""Libraries with Gaussian mixtures side by side: what each can do, tried, and what an iteration takes.

A claim about a library is a small program that is run, or a name (of a parameter, a method or a function) that is looked up
in the installed library. A program that fails, or a name that is not there, means that the library cannot do it in this
way; the words beside the claims say where it can do a part of it. What is not installed is left out.
"""
from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import date
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np
from gmm_nb.mixture import Mixture
from threadpoolctl import threadpool_limits

from .cases import simulated, start_near
from .contenders import Fit, ours, pomegranate, sklearn, spark
from .settings import Settings
from .tables import Column, Table
from .timing import enough_passes, milliseconds_a_pass

WHAT = ("What libraries with Gaussian mixtures can do, each claim tried on the installed version, and the time of an EM iteration "
        "from the same start on the same data (full covariances, double precision where the library has it, the faster of one thread and all cores).")
SPEED = [(10**6, 2, 3), (2 * 10**5, 8, 8), (5 * 10**4, 32, 16)]
TYPES = [a + b + c for a, b, c in product("EV", "IEV", "IEV")]  # volume, shape, axes; those that do not exist fail
STRUCTURES = [name for name in TYPES if name[1:] != "IE" and name[1:] != "IV"]


# --- adapters that contenders.py lacks ---------------------------------------------------------------------------------

def tgmm(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit:
    "tgmm on PyTorch, in double precision, on as many threads as PyTorch likes."
    import torch
    from tgmm import GaussianMixture
    tensor = lambda array: torch.tensor(np.asarray(array), dtype=torch.float64)
    data = tensor(X)

    def fit(passes):
        model = GaussianMixture(start.n_components, start.n_features, "full", reg_covar=0.0, tol=1e-300, max_iter=passes, device="cpu",
                                init_means=tensor(start.means), init_weights=tensor(start.weights), init_covariances=tensor(start.covariances))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(data)
        return float(model.lower_bound_)
    return fit


def stepmix(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit:
    "stepmix, whose own starts are replaced by ours."
    from stepmix.stepmix import StepMix

    class Started(StepMix):
        def _initialize_parameters(self, X, random_state):
            super()._initialize_parameters(X, random_state)
            self.weights_ = start.weights.copy()
            self._mm.set_parameters({"means": start.means.copy(), "covariances": start.covariances.copy()})

    def fit(passes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Started(start.n_components, measurement="gaussian_full", abs_tol=0.0, max_iter=passes, progress_bar=0, random_state=0).fit(X)
        return float("nan") if model.n_iter_ < passes else float(model.lower_bound_)
    return fit


R_FIT = """
suppressMessages(library(mclust))
words <- commandArgs(TRUE); folder <- words[1]; passes <- as.integer(words[2])
read <- function(name, n) readBin(file.path(folder, name), "double", n)
size <- read("size", 3); n <- size[1]; d <- size[2]; K <- size[3]
X <- matrix(read("X", n * d), n, d)
sigma <- array(read("covariances", d * d * K), c(d, d, K))
start <- list(pro = read("weights", K), mean = matrix(read("means", d * K), d, K),
              variance = list(modelName = "VVV", d = d, G = K, sigma = sigma, cholsigma = array(apply(sigma, 3, chol), c(d, d, K))))
taken <- system.time(fit <- em(X, "VVV", start, control = emControl(eps = 0, tol = c(0, 0), itmax = c(passes, passes))))
cat(fit$loglik / n, attr(fit, "info")[1], taken[["elapsed"]], "\\n")
"""


def mclust(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit:
    "mclust in R, from files; its program starts and reads them for every call, which cancels."
    folder = tempfile.TemporaryDirectory()
    files = {"size": np.array([*X.shape, start.n_components]), "X": X.T, "weights": start.weights, "means": start.means,
             "covariances": start.covariances}
    for name, array in files.items():
        np.ascontiguousarray(array, dtype=float).tofile(Path(folder.name) / name)

    def fit(passes, keep=folder):
        out = subprocess.run(["Rscript", "-e", R_FIT, keep.name, str(passes)], capture_output=True, text=True, check=True).stdout
        value, made, _ = map(float, out.split())
        return value if abs(made) == passes else float("nan")  # negative where the limit ended it
    return fit


# --- claims ------------------------------------------------------------------------------------------------------------

class Claim(NamedTuple):
    "What a library does about a feature: how it is checked, and words that qualify it"
    check: Callable | str  # a program that is run, or `module.name` or `module.name(parameter)`, which is looked up
    words: str = ""
    always: bool = False  # are they of use where the check says no, too?


def named(target: str) -> bool:
    "Is `module:name` there, and does it take the parameter if one stands in brackets?"
    path, _, parameter = target.rstrip(")").partition("(")
    module, _, names = path.partition(":")
    thing = import_module(module)
    for name in names.split("."):
        thing = getattr(thing, name)
    return not parameter or parameter in inspect.signature(thing).parameters


def rows(holes: bool = False, n: int = 300, d: int = 2) -> np.ndarray:
    "Two groups, far enough apart for any start."
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) + 6.0 * (np.arange(n) % 2)[:, None]
    if holes:
        X[::7, 0] = np.nan
    return X


def finite(values) -> bool: return bool(np.isfinite(np.asarray(values, dtype=float)).all())


def class_of(module: str, name: str): return getattr(import_module(module), name)


def like_sklearn(module: str, holes: bool = False, weights: bool = False, **words) -> bool:
    "A fit by a class with scikit-learn's words"
    X = rows(holes)
    model = class_of(module, "GaussianMixture")(2, random_state=0, **words)
    model.fit(X, **({"sample_weight": np.arange(1.0, len(X) + 1)} if weights else {}))
    return finite(model.means_) and len(model.predict(X)) == len(X)


def like_torch(holes: bool = False, weights: bool = False, **words) -> bool:
    "A fit by tgmm"
    import torch
    X = torch.tensor(rows(holes))
    model = class_of("tgmm", "GaussianMixture")(2, 2, random_state=0, device="cpu", **words)
    model.fit(X, **({"sample_weight": torch.arange(1.0, len(X) + 1, dtype=torch.float64)} if weights else {}))
    return finite(model.means_)


def like_stepmix(holes: bool = False, weights: bool = False, measurement: str = "gaussian_full") -> bool:
    X = rows(holes)
    model = class_of("stepmix.stepmix", "StepMix")(2, measurement=measurement, random_state=0, progress_bar=0)
    model.fit(X, **({"sample_weight": np.arange(1.0, len(X) + 1)} if weights else {}))
    return finite(model.get_parameters()["measurement"]["means"])


def like_pomegranate(holes: bool = False, weights: bool = False, streamed: bool = False) -> bool:
    import torch
    normal, mixture = class_of("pomegranate.distributions", "Normal"), class_of("pomegranate.gmm", "GeneralMixtureModel")
    X = torch.tensor(rows(holes), dtype=torch.float32)
    if holes:
        X = torch.masked.MaskedTensor(torch.nan_to_num(X), mask=~torch.isnan(X))
    model = mixture([normal([at, at], [1.0, 1.0], covariance_type="diag") for at in (0.0, 6.0)])
    if streamed:
        for part in X.split(100):
            model.summarize(part)
        model.from_summaries()
    else:
        model.fit(X, **({"sample_weight": torch.arange(1.0, len(X) + 1)} if weights else {}))
    return finite(model.distributions[0].means.detach())


def in_r(code: str) -> bool:
    "Does a program in R with mclust end with TRUE?"
    program = f"suppressMessages(library(mclust)); set.seed(1); X <- rbind(matrix(rnorm(300), 150), matrix(rnorm(300, 6), 150)); cat(isTRUE({{{code}}}))"
    run = subprocess.run(["Rscript", "-e", program], capture_output=True, text=True)
    return run.returncode == 0 and run.stdout.strip().endswith("TRUE")


def structures(fits: Callable[[str], bool], names=tuple(STRUCTURES)) -> int:
    "How many of the fourteen covariance structures fit"
    return sum(tried(lambda name=name: fits(name)) is True for name in names)


PROGRAMS = {  # that fit X on so many threads and leave the means in `found`
    "gmm_nb": "from gmm_nb import GaussianMixture; found = GaussianMixture(4, random_state=0, max_iter=5, n_jobs=jobs).fit(X).means_",
    "scikit-learn": "from sklearn.mixture import GaussianMixture; found = GaussianMixture(4, random_state=0, max_iter=5).fit(X).means_",
    "stepmix": "from stepmix.stepmix import StepMix; found = StepMix(4, measurement='gaussian_full', random_state=0, max_iter=5, progress_bar=0)"
               ".fit(X).get_parameters()['measurement']['means']",
    "tgmm": "import torch; torch.set_num_threads(jobs); from tgmm import GaussianMixture; "
            "found = GaussianMixture(4, 6, random_state=0, max_iter=5, device='cpu').fit(torch.tensor(X)).means_.numpy()",
    "pomegranate": "import torch; torch.set_num_threads(jobs); from pomegranate.gmm import GeneralMixtureModel; from pomegranate.distributions import Normal; "
                   "X = torch.tensor(X, dtype=torch.float32); model = GeneralMixtureModel([Normal(X[k], torch.eye(6)) for k in range(4)], max_iter=5); "
                   "found = model.fit(X).distributions[0].means.detach().numpy()",
}


def same_bits(library: str) -> bool:
    "Does a fit of many rows give the same bits on one thread and on two?"
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", rows(n=60_000, d=6))
        for jobs in (1, 2):
            program = f"import numpy as np; jobs = {jobs}; X = np.load(r'{Path(folder) / 'X.npy'}'); {PROGRAMS[library]}; print(found.tobytes().hex())"
            threads = {name: str(jobs) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
            found.add(subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True, env=os.environ | threads).stdout)
    return len(found) == 1


def in_a_pipeline(module: str, name: str, **words) -> bool:
    "Can it be cloned, stand in a pipeline and be searched over?"
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    pipe = clone(make_pipeline(StandardScaler(), class_of(module, name)(n_components=1, random_state=0, **words)))
    step = pipe.steps[-1][0]
    search = GridSearchCV(pipe, {f"{step}__n_components": [1, 2]}, cv=2, error_score="raise").fit(rows())
    return search.best_params_[f"{step}__n_components"] == 2


def tried(check) -> bool | int | None:
    "What a check says; an error means no, and a library that is not here means that nothing is known."
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            return named(check) if isinstance(check, str) else check()
    except ModuleNotFoundError:
        return None
    except Exception:
        return False


OURS, SK, TG, ST, PO, SP = "gmm_nb.estimator", "sklearn.mixture", "tgmm", "stepmix.stepmix", "pomegranate", "pyspark.ml.clustering"
FOUR = {"EII": None, "VII": "spherical", "EEI": None, "VVI": "diag", "EEE": "tied", "VVV": "full"}

FEATURES = {  # feature: {library: Claim}; a library that is not named has nothing of the kind in its documentation
    "Covariance structures, of 14": {
        "gmm_nb": Claim(lambda: structures(lambda name: like_sklearn(OURS, covariance_type=name))),
        "scikit-learn": Claim(lambda: structures(lambda name: like_sklearn(SK, covariance_type=FOUR[name]))),
        "mclust": Claim(lambda: structures(lambda name: in_r(f'!is.null(Mclust(X, 2, "{name}", verbose = FALSE))'))),
        "tgmm": Claim(lambda: structures(lambda name: like_torch(covariance_type=name))),
        "pomegranate": Claim(lambda: 3 * bool(named(f"{PO}.distributions:Normal(covariance_type)")), "full, diagonal, spherical"),
        "stepmix": Claim(lambda: structures(lambda name: like_stepmix(measurement=f"gaussian_{FOUR[name]}")) , "and unit variances"),
        "Spark": Claim(lambda: 1 * bool(named(f"{SP}:GaussianMixture")), "full only"),
    },
    "Missing values": {
        "gmm_nb": Claim(lambda: like_sklearn(OURS, holes=True, missing="at_random")),
        "mclust": Claim(lambda: in_r("Y <- X; Y[1:20, 1] <- NA; all(is.finite(Mclust(Y, 2, verbose = FALSE)$parameters$mean))"),
                        "imputeData fills holes first, with the package mix", True),
        "tgmm": Claim(lambda: like_torch(holes=True, missing="em")),
        "pomegranate": Claim(lambda: like_pomegranate(holes=True), "masked tensors, diagonal"),
        "stepmix": Claim(lambda: like_stepmix(holes=True, measurement="gaussian_diag_nan"), "diagonal and spherical"),
    },
    "Sample weights": {
        "gmm_nb": Claim(lambda: like_sklearn(OURS, weights=True)),
        "mclust": Claim(lambda: in_r('all(is.finite(me.weighted(X, "VVV", unmap(rep(1:2, each = 150)), weights = 1:300)$parameters$mean))'), "me.weighted"),
        "tgmm": Claim(lambda: like_torch(weights=True)),
        "pomegranate": Claim(lambda: like_pomegranate(weights=True)),
        "stepmix": Claim(lambda: like_stepmix(weights=True)),
        "Spark": Claim(f"{SP}:GaussianMixture.setWeightCol"),
        "scikit-learn": Claim(lambda: like_sklearn(SK, weights=True)),
    },
    "Conjugate priors, posterior mode": {
        "gmm_nb": Claim(f"{OURS}:GaussianMixture(prior)"),
        "mclust": Claim(lambda: in_r("!is.null(Mclust(X, 2, prior = priorControl(), verbose = FALSE))")),
        "tgmm": Claim("tgmm:GaussianMixture(covariance_prior)"),
    },
    "Variational Bayes": {
        "gmm_nb": Claim("gmm_nb:BayesianGaussianMixture"),
        "scikit-learn": Claim(f"{SK}:BayesianGaussianMixture"),
    },
    "Number of components by sampling": {"tgmm": Claim("tgmm:GaussianMixture(alpha)", "Gibbs")},
    "Fixed parts": {
        "gmm_nb": Claim(f"{OURS}:GaussianMixture(fixed)"),
        "tgmm": Claim("tgmm:GaussianMixture(frozen_components)", "and bounds"),
        "pomegranate": Claim(f"{PO}.distributions:Normal(frozen)"),
    },
    "Some rows with labels": {
        "gmm_nb": Claim(f"{OURS}:GaussianMixture.fit(labels)"),
        "mclust": Claim(lambda: in_r("y <- rep(c('a', 'b'), each = 150); y[c(5:140, 160:290)] <- NA; !is.null(MclustSSC(X, y, verbose = FALSE))"), "MclustSSC"),
        "tgmm": Claim("tgmm:GaussianMixture.fit(labels)"),
        "pomegranate": Claim(f"{PO}.gmm:GeneralMixtureModel.fit(priors)"),
    },
    "A component of noise": {
        "mclust": Claim(lambda: in_r("!is.null(Mclust(X, 2, initialization = list(noise = 1:9), verbose = FALSE))")),
        "tgmm": Claim("tgmm:GaussianMixture(noise)"),
    },
    "Distributions other than Gaussian": {
        "tgmm": Claim("tgmm:StudentTMixture", "Student's t, von Mises and Fisher"),
        "pomegranate": Claim(f"{PO}.distributions:Poisson", "a dozen, mixed at will"),
        "stepmix": Claim(lambda: like_stepmix(measurement="gaussian_diag") and bool(class_of(ST, "StepMix")), "categorical beside Gaussian, covariates"),
    },
    "Chooses structure and number": {
        "gmm_nb": Claim("gmm_nb:GaussianMixtureSelection", "BIC, ICL, AIC"),
        "mclust": Claim(lambda: in_r("Mclust(X, 1:4, verbose = FALSE)$G == 2"), "BIC, ICL"),
        "tgmm": Claim("tgmm:select_model"),
    },
    "Likelihood ratio by bootstrap": {
        "gmm_nb": Claim("gmm_nb.selection:likelihood_ratio_test"),
        "mclust": Claim(lambda: in_r("is.function(mclustBootstrapLRT)")),
        "stepmix": Claim("stepmix.bootstrap:blrt"),
    },
    "Standard errors": {
        "gmm_nb": Claim("gmm_nb.selection:standard_errors"),
        "mclust": Claim(lambda: in_r("is.function(MclustBootstrap)"), "bootstrap"),
        "stepmix": Claim(f"{ST}:StepMix.bootstrap", "bootstrap"),
    },
    "Regression, E(y | x)": {
        "gmm_nb": Claim("gmm_nb.regression:GaussianMixtureRegressor"),
        "tgmm": Claim("tgmm:GaussianMixture.condition"),
    },
    "One pass over chunks": {
        "gmm_nb": Claim(f"{OURS}:GaussianMixture.partial_fit"),
        "tgmm": Claim("tgmm:GaussianMixture.partial_fit"),
        "pomegranate": Claim(lambda: like_pomegranate(streamed=True), "summarize"),
        "Spark": Claim(f"{SP}:GaussianMixture", "any size, on a cluster"),
    },
    "Graphics cards": {
        "tgmm": Claim("tgmm:GaussianMixture(device)"), "pomegranate": Claim("torch.nn:Module.cuda"),
        "scikit-learn": Claim("sklearn:config_context(array_api_dispatch)", "array API, experimental"),
    },
    "scikit-learn's interface": {
        "gmm_nb": Claim(lambda: in_a_pipeline(OURS, "GaussianMixture")),
        "scikit-learn": Claim(lambda: in_a_pipeline(SK, "GaussianMixture")),
        "stepmix": Claim(lambda: in_a_pipeline(ST, "StepMix", measurement="gaussian_full", progress_bar=0)),
        "tgmm": Claim(lambda: in_a_pipeline("tgmm", "GaussianMixture")),
    },
    "Same bits on 1 and 2 threads": {
        **{name: Claim(lambda name=name: same_bits(name)) for name in ("gmm_nb", "scikit-learn", "tgmm", "pomegranate", "stepmix")},
        "mclust": Claim(lambda: None), "Spark": Claim(lambda: None),
    },
    "Faster EM (acceleration)": {"gmm_nb": Claim(f"{OURS}:GaussianMixture(acceleration)")},
    "Commands for the shell": {"gmm_nb": Claim("gmm_nb.command:main")},
}
LIBRARIES = ("gmm_nb", "scikit-learn", "mclust", "tgmm", "pomegranate", "stepmix", "Spark")
NEEDS = {"gmm_nb": "gmm_nb", "scikit-learn": "sklearn", "tgmm": "tgmm", "pomegranate": "pomegranate", "stepmix": "stepmix", "Spark": "pyspark"}


@cache
def versions() -> dict[str, str]:
    "The versions of the libraries that are here"
    found = {}
    for name in LIBRARIES:
        try:
            if name == "mclust":
                out = subprocess.run(["Rscript", "-e", 'cat(as.character(packageVersion("mclust")))'], capture_output=True, text=True)
                if out.returncode == 0: found[name] = out.stdout.strip()
            elif name != "Spark" or shutil.which("java"):
                found[name] = version("pyspark" if name == "Spark" else name)
        except (PackageNotFoundError, FileNotFoundError):
            continue
    return found


def cell(claim: Claim | None) -> str | int | None:
    "What stands in the table"
    if claim is None:
        return "no"
    found = tried(claim.check)
    kind = " (documented)" if isinstance(claim.check, str) else ""
    if found is None:
        return None
    said = ("yes" if found else "no") if isinstance(found, bool) else str(found)
    return said + (f": {claim.words}" if claim.words and (found or claim.always) else "") + kind * bool(found)


def features(settings: Settings) -> Table:
    "The table of claims, each tried."
    here = versions()
    rows = [{"feature": feature, **{name: cell(claims.get(name)) for name in here}} for feature, claims in settings.some([*FEATURES.items()])]
    columns = [Column("feature", "feature"), *(Column(name, f"{name} {number}") for name, number in here.items())]
    return Table("features", f"What each can do, tried on {date.today().isoformat()}; no: tried and failed, or not in its documentation; –: not tried", columns, rows)


ALONE = ("mclust", "Spark")  # in processes of their own: one thread, and all cores
AFTER = ("mclust", "tgmm")  # tell the log-likelihood of the mixture after the last pass, the others of the one before it
ADAPTERS = {"gmm_nb": ours, "scikit-learn": sklearn, "mclust": mclust, "tgmm": tgmm, "pomegranate": pomegranate, "stepmix": stepmix, "Spark": spark}


@contextmanager
def threads(jobs: int):
    "So many threads for the libraries of matrices, PyTorch's among them"
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    with threadpool_limits(jobs):
        if torch: torch.set_num_threads(jobs)
        try:
            yield
        finally:
            if torch: torch.set_num_threads(before)


def speed(n: int, d: int, K: int, settings: Settings) -> dict:
    "One row of the table of times: for each library the faster of one thread and all cores, where it can be told."
    n = settings.rows(n, d, K)
    X, truth = simulated(n, d, K)
    start = start_near(truth, "full")
    taken, values = {}, {}
    for jobs in sorted({1, settings.workers}):
        fits = {name: ADAPTERS[name](X, start, jobs) for name in versions() if jobs == 1 or name not in ALONE}
        with threads(jobs):
            passes = {name: enough_passes(fit, most=60, aim=1.0) for name, fit in fits.items()}
            found, _ = milliseconds_a_pass(fits, passes, settings.repeats)
            values |= {name: fit(3 - (name in AFTER)) for name, fit in fits.items() if name != "Spark"}  # which does not tell
        taken = {name: min(times[name] for times in (taken, found) if name in times) for name in taken | found}
    return {"n": n, "d": d, "K": K, **taken, "spread": max(abs(value - values["gmm_nb"]) for value in values.values())}


def speeds(settings: Settings) -> Table:
    "The table of times."
    rows = [speed(*case, settings) for case in SPEED]
    columns = [Column("n", "rows", ",d"), Column("d", "d", "d"), Column("K", "K", "d"), *(Column(name, name, ",.1f") for name in versions()),
               Column("spread", "log-likelihoods a row differ by", ".0e")]
    return Table("speed", "Milliseconds an EM iteration, full covariances, the same start, the faster of one thread and all cores", columns, rows)


def run(settings: Settings) -> list[Table]:
    "The two tables."
    return [features(settings), speeds(settings)]


def findings(tables: list[Table]) -> list[str]:
    "How long an iteration takes elsewhere, beside gmm_nb."
    said = [", ".join(f"{name} {number}" for name, number in versions().items()) + "."]
    for name in versions():
        if name != "gmm_nb":
            ratios = [row[name] / row["gmm_nb"] for row in tables[1].rows]
            said.append(f"{name}: {min(ratios):.3g} to {max(ratios):.3g} times the time of an iteration of gmm_nb.")
    return said
