"""One adapter for each library: from a start to a function that runs so many passes of EM.

An adapter takes the data, a start and the number of threads, and returns a function of the number of passes. That function
runs them and returns the log-likelihood a row of the mixture that entered the last pass, so that all of them can be compared.
Where a library cannot do what is asked, the adapter returns None. pomegranate, mlpack, Armadillo (with a C++ compiler) and
Spark (with Java) are measured where they are installed; nothing depends on them.
"""
from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import numpy as np
from gmm_nb.estimator import GaussianMixture
from gmm_nb.mixture import Mixture
from gmm_nb.statistics import precisions
from sklearn.mixture import GaussianMixture as SklearnMixture

Fit = Callable[[int], float]


def _parameters(start: Mixture) -> dict:
    "A start in scikit-learn's words, with everything off that would change an iteration or end the run."
    return dict(n_components=start.n_components, covariance_type=start.structure, weights_init=start.weights,
                means_init=start.means, precisions_init=precisions(start), reg_covar=0.0, tol=0.0)


def quietly(fit: Callable):
    "Call without warnings: that EM did not converge in three passes is no news."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit()


def ours(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit:
    "gmm_nb's estimator, plain EM."
    known = _parameters(start)
    return lambda passes: quietly(lambda: GaussianMixture(**known, n_jobs=jobs, acceleration=None, max_iter=passes).fit(X)).lower_bound_


def sklearn(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit:
    "scikit-learn's estimator, its linear algebra on as many threads as it likes."
    known = _parameters(start)
    return lambda passes: quietly(lambda: SklearnMixture(**known, max_iter=passes).fit(X)).lower_bound_


def pomegranate(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit | None:
    "pomegranate on PyTorch, in its own float32; it has no tied covariances."
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel
    kind = {"full": "full", "diag": "diag", "spherical": "sphere"}.get(start.structure)
    if kind is None:
        return None
    shape = start.means.shape if kind == "sphere" else None  # it wants a variance for each feature there, too
    covariances = np.broadcast_to(start.covariances[:, None], shape) if shape else start.covariances
    data = torch.tensor(X, dtype=torch.float32)
    single = lambda array: np.asarray(array, dtype=np.float32)

    def fit(passes):  # the loop of GeneralMixtureModel.fit without its test of convergence
        normals = [Normal(single(mean), single(covariance), covariance_type=kind)
                   for mean, covariance in zip(start.means, covariances)]
        model = GeneralMixtureModel(normals, priors=single(start.weights))
        for _ in range(passes):
            log_likelihood = model.summarize(data)
            model.from_summaries()
        return float(log_likelihood) / len(X)
    return fit


def mlpack(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit | None:
    """mlpack's Python binding, full or diagonal covariances.

    It takes a model to start from but clusters afresh all the same, so it runs from its own start, which is the same every
    time. The time of an iteration does not depend on that; the log-likelihood does, and is not compared.
    """
    import mlpack as library
    if start.structure not in ("full", "diag"):
        return None

    def fit(passes):  # with max_iterations=m mlpack makes m-1 iterations
        library.gmm_train(start.n_components, X, diagonal_covariance=start.structure == "diag", seed=1, kmeans_max_iterations=3,
                          max_iterations=passes, tolerance=1e-300, no_force_positive=True)
        return float("nan")
    return fit


@cache
def _armadillo_library() -> ctypes.CDLL | None:
    "armadillo.cpp, compiled; None without a compiler or without Armadillo."
    if shutil.which("g++") is None:
        return None
    source = Path(__file__).with_name("armadillo.cpp")
    with tempfile.TemporaryDirectory() as folder:  # once loaded, the library does not need its file
        target = Path(folder) / "armadillo.so"
        words = ["g++", "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", str(source), "-o", str(target), "-larmadillo"]
        if subprocess.run(words, capture_output=True).returncode:
            return None
        library = ctypes.CDLL(str(target))
    library.fit.restype = ctypes.c_double
    return library


def armadillo(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit | None:
    "Armadillo's gmm_full and gmm_diag, on as many threads as OpenMP likes."
    if start.structure not in ("full", "diag"):
        return None
    arrays = [np.ascontiguousarray(array, dtype=float) for array in (X, start.weights, start.means, start.covariances)]
    sizes = [ctypes.c_long(size) for size in (*X.shape, start.n_components)]

    def fit(passes):
        rows, *parameters = (ctypes.c_void_p(array.ctypes.data) for array in arrays)
        return _armadillo_library().fit(rows, *sizes, *parameters, ctypes.c_int(start.structure == "diag"), ctypes.c_long(passes))
    return fit


def spark(X: np.ndarray, start: Mixture, jobs: int = 1) -> Fit | None:
    "Spark's mllib on this machine, full covariances. It does not tell the log-likelihood."
    if start.structure != "full":
        return None
    from pyspark.mllib.clustering import GaussianMixture as SparkMixture
    from pyspark.mllib.linalg import DenseMatrix, DenseVector
    from pyspark.sql import SparkSession
    context = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").config("spark.driver.memory", "4g").getOrCreate().sparkContext
    context.setLogLevel("ERROR")
    d, K = start.n_features, start.n_components
    gaussians = [SimpleNamespace(mu=DenseVector(mean), sigma=DenseMatrix(d, d, covariance.ravel()))
                 for mean, covariance in zip(start.means, start.covariances)]
    first = SimpleNamespace(k=K, weights=start.weights.tolist(), gaussians=gaussians)
    rows = context.parallelize([DenseVector(row) for row in X]).cache()

    def fit(passes):
        SparkMixture.train(rows, K, convergenceTol=0.0, maxIterations=passes, initialModel=first)
        return float("nan")
    return fit


OTHERS = {"pomegranate": pomegranate, "mlpack": mlpack, "Armadillo": armadillo, "Spark": spark}
IS_HERE = {
    "pomegranate": lambda: find_spec("pomegranate") is not None,
    "mlpack": lambda: find_spec("mlpack") is not None,
    "Armadillo": lambda: _armadillo_library() is not None,
    "Spark": lambda: find_spec("pyspark") is not None and shutil.which("java") is not None,
}


def others() -> tuple[dict, list[str]]:
    "The adapters whose libraries are here, and the names of those that are not."
    here = {name: adapter for name, adapter in OTHERS.items() if IS_HERE[name]()}
    return here, [name for name in OTHERS if name not in here]
