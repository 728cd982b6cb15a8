"The data of the benchmark: Gaussian mixtures of any shape, and a start for each of them."
from __future__ import annotations

import numpy as np
from gmm_nb.mixture import Mixture


def matrices(rng: np.random.Generator, K: int, d: int, uneven: float = 0.3) -> np.ndarray:
    "K covariances (d, d) near the identity: spread out along some directions, squeezed along others."
    a = np.eye(d) + uneven * rng.normal(size=(K, d, d)) / np.sqrt(d)
    return a @ np.swapaxes(a, 1, 2)


def simulated(n: int, d: int, K: int, seed: int = 0, separation: float = 3.0) -> tuple[np.ndarray, Mixture]:
    "n rows of a mixture, and the mixture. Two means are about 1.4 `separation` standard deviations apart, whatever d."
    rng = np.random.default_rng([seed, d, K])
    means = rng.normal(size=(K, d)) * separation / np.sqrt(d)
    weights = rng.dirichlet(np.full(K, 10.0))
    truth = Mixture(weights, means, matrices(rng, K, d))
    X, labels = np.empty((n, d)), rng.choice(K, size=n, p=weights)
    for start in range(0, n, 65536):  # in pieces, so that the peak of memory is the data and no more
        part = labels[start:start + 65536]
        noise = rng.normal(size=(len(part), d))
        for k in range(K):
            rows = part == k
            X[start:start + 65536][rows] = noise[rows] @ np.linalg.cholesky(truth.covariances[k]).T + means[k]
    return X, truth


def as_structure(covariances: np.ndarray, weights: np.ndarray, structure: str) -> np.ndarray:
    "Covariance matrices (K, d, d) in the shape of a structure, by the averages that the structure allows."
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    return {"full": covariances, "tied": np.tensordot(weights, covariances, 1),
            "diag": variances, "spherical": variances.mean(axis=1)}[structure]


def start_near(truth: Mixture, structure: str, seed: int = 0) -> Mixture:
    "Where EM starts: equal weights, means moved by half a standard deviation, covariances half as large again."
    rng = np.random.default_rng([seed, 1])
    K, d = truth.means.shape
    weights = np.full(K, 1 / K)
    return Mixture(weights, truth.means + 0.5 * rng.normal(size=(K, d)) / np.sqrt(d),
                   1.5 * as_structure(truth.covariances, weights, structure), structure)
