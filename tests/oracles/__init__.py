"""What the tests compare with: reference fits by mclust (see README.md), and EM written down again as plainly as possible.

`plain_*` are in float64, `exact_*` in 60 digits (mpmath) on the very same float64 inputs."""
import csv
import json
from functools import cache
from pathlib import Path

import mpmath
import numpy as np

HERE = Path(__file__).parent
STRUCTURES = ("full", "tied", "diag", "spherical")
MCLUST = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}


@cache
def data(name):
    "The columns of numbers of data_<name>.csv"
    with open(HERE / f"data_{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return np.array([[float(cell) for cell in row if not cell.isalpha()] for row in rows])


@cache
def fits(name, K):
    "All of fits_<name>_K<K>.json"
    return json.loads((HERE / f"fits_{name}_K{K}.json").read_text())


def mclust(name, K, structure):
    "One reference fit"
    return fits(name, K)["models"][MCLUST[structure]]


def hard_resp(name, K):
    "The start of the reference fits: (K, n) responsibilities of zero and one"
    return (np.array(fits(name, K)["labels0"]) - 1 == np.arange(K)[:, None]).astype(float)


def compact(matrices, structure):
    "(K, d, d) matrices -> the shape in which a structure stores them; fails if they do not have it"
    matrices = np.asarray(matrices, dtype=float)
    diagonals = np.diagonal(matrices, axis1=1, axis2=2)
    if structure == "full":
        return matrices
    if structure == "tied":
        assert (matrices == matrices[0]).all()
        return matrices[0]
    assert np.array_equal(matrices, diagonals[:, :, None] * np.eye(matrices.shape[1]))
    if structure == "diag":
        return diagonals
    assert np.allclose(diagonals, diagonals[:, :1], rtol=1e-13)
    return diagonals[:, 0]


def expand(covariances, structure, K, d):
    "The other way: (K, d, d) matrices"
    S = np.asarray(covariances)
    return {"full": lambda: S, "tied": lambda: np.stack([S] * K), "diag": lambda: np.stack([np.diag(v) for v in S]),
            "spherical": lambda: np.stack([v * np.eye(d) for v in S])}[structure]()


# ---- EM as a beginner would write it

def plain_log_joint(X, weights, means, matrices):
    "(K, n), by inverse and determinant"
    rows = []
    for w, m, S in zip(weights, means, matrices):
        y = X - m
        rows.append(np.log(w) - 0.5 * np.log(np.linalg.det(2 * np.pi * S)) - 0.5 * np.sum(y @ np.linalg.inv(S) * y, axis=1))
    return np.array(rows)


def plain_e_step(X, weights, means, matrices, sample_weight=None):
    "(K, n) responsibilities and the log-likelihood"
    joint = plain_log_joint(X, weights, means, matrices)
    top = joint.max(axis=0)
    log_density = top + np.log(np.exp(joint - top).sum(axis=0))
    return np.exp(joint - log_density), float(log_density @ (np.ones(len(X)) if sample_weight is None else sample_weight))


def plain_m_step(X, resp, structure, sample_weight=None):
    "Weights (K,), means (K, d) and covariance matrices (K, d, d) from responsibilities (K, n)"
    shares = resp if sample_weight is None else resp * sample_weight
    counts, d = shares.sum(axis=1), X.shape[1]
    means = shares @ X / counts[:, None]
    scatters = [(r[:, None] * (X - m)).T @ (X - m) for r, m in zip(shares, means)]
    matrices = {"full": lambda: [A / M for A, M in zip(scatters, counts)],
                "tied": lambda: [sum(scatters) / counts.sum()] * len(counts),
                "diag": lambda: [np.diag(np.diag(A)) / M for A, M in zip(scatters, counts)],
                "spherical": lambda: [np.trace(A) / (d * M) * np.eye(d) for A, M in zip(scatters, counts)]}[structure]()
    return counts / counts.sum(), means, np.array(matrices)


# ---- the same in 60 digits

mpmath.mp.dps = 60
_mpf, _log, _exp = (np.frompyfunc(f, 1, 1) for f in (mpmath.mpf, mpmath.log, mpmath.exp))


def exact(array):
    "Floats as an object array of the same numbers in 60 digits"
    return np.asarray(_mpf(np.asarray(array, dtype=float)), dtype=object)


def _factor(S):
    "Cholesky factor of an object matrix"
    d = len(S)
    L = exact(np.zeros((d, d)))
    for i in range(d):
        for j in range(i + 1):
            rest = S[i, j] - sum((L[i, a] * L[j, a] for a in range(j)), mpmath.mpf(0))
            L[i, j] = mpmath.sqrt(rest) if i == j else rest / L[j, j]
    return L


def exact_log_joint(X, weights, means, matrices):
    "(K, n) object array"
    X, rows = exact(X), []
    for w, m, S in zip(exact(weights), exact(means), exact(matrices)):
        L, y, squares = _factor(S), (X - m).T, 0
        z = []
        for i in range(len(L)):
            z.append((y[i] - sum((L[i, a] * z[a] for a in range(i)), mpmath.mpf(0))) / L[i, i])
            squares = squares + z[i] * z[i]
        log_det = 2 * sum((mpmath.log(L[i, i]) for i in range(len(L))), mpmath.mpf(0))
        rows.append(mpmath.log(w) - (len(L) * mpmath.log(2 * mpmath.pi) + log_det) / 2 - squares / 2)
    return np.array(rows)


def exact_e_step(X, weights, means, matrices):
    "(K, n) responsibilities and (n,) log-densities, object arrays"
    joint = exact_log_joint(X, weights, means, matrices)
    top = joint.max(axis=0)
    log_density = top + _log(np.sum(_exp(joint - top), axis=0))
    return _exp(joint - log_density), log_density


def exact_m_step(X, resp, structure):
    "Counts, means and covariances (K, d, d), object arrays"
    X, d = exact(X), np.shape(X)[1]
    counts = np.sum(resp, axis=1)
    means = (resp @ X) / counts[:, None]
    scatters = [((r[:, None] * (X - m)).T) @ (X - m) for r, m in zip(resp, means)]
    zero = exact(np.eye(d))
    matrices = {"full": lambda: [A / M for A, M in zip(scatters, counts)],
                "tied": lambda: [sum(scatters) / np.sum(counts)] * len(counts),
                "diag": lambda: [A * zero / M for A, M in zip(scatters, counts)],
                "spherical": lambda: [np.trace(A) / (d * M) * zero for A, M in zip(scatters, counts)]}[structure]()
    return counts, means, np.array(matrices)


def error(got, want):
    "got − want as floats, the difference taken in 60 digits"
    return np.asarray(exact(got) - want, dtype=float)
