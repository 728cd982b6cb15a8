"""The cases of the benchmark of defaults: data, number of components, structure.

Nothing is downloaded: the data come with scikit-learn or with the package, or are drawn from fixed seeds. Small cases come
first and large ones last.
"""
from __future__ import annotations

from functools import cache
from typing import Callable, NamedTuple

import numpy as np
from gmm_nb.tables import load_faithful, load_iris
from sklearn import datasets
from sklearn.decomposition import PCA

from .cases import simulated


class Case(NamedTuple):
    "Which data, how many components, which covariances."
    data: str
    K: int
    structure: str = "full"

    @property
    def name(self) -> str:
        return f"{self.data}, K={self.K}, {self.structure}"

    def rows(self) -> np.ndarray:
        "The data (n, d)."
        return rows_of(self.data)


def clusters(seed: int, sizes, means, deviations) -> np.ndarray:
    "Gaussian clusters with independent features: numbers of rows, means (K, d), standard deviations (K, d) or (K, 1)."
    rng = np.random.default_rng(seed)
    X = np.concatenate([mean + deviation * rng.normal(size=(size, len(mean)))
                        for size, mean, deviation in zip(sizes, np.array(means, float), np.array(deviations, float))])
    return rng.permutation(X)


def drawn(n: int, d: int, K: int, seed: int, separation: float) -> np.ndarray:
    "Rows of a simulated mixture of ellipsoids; two means are about 1.4 `separation` standard deviations apart."
    return simulated(n, d, K, seed, separation)[0]


def stretched(seed: int, sizes, means, deviations, slope: float) -> np.ndarray:
    "Clusters sheared by one matrix, so that their common long axis is no feature's axis."
    X = clusters(seed, sizes, means, deviations)
    return X @ np.array([[1.0, slope], [0.0, 1.0]])


def student(seed: int, n: int, d: int) -> np.ndarray:
    "Two clusters with the tails of Student's t with three degrees of freedom."
    rng = np.random.default_rng(seed)
    X = rng.standard_t(3, size=(n, d))
    X[n // 2:, 0] += 6
    return rng.permutation(X)


def with_outliers(seed: int) -> np.ndarray:
    "Three clusters and one row in twenty spread evenly over a square fifteen times as wide as they are."
    rng = np.random.default_rng(seed)
    return rng.permutation(np.concatenate([clusters(seed, [190] * 3, [[0, 0], [5, 0], [0, 5]], [[1]] * 3),
                                           rng.uniform(-15, 20, size=(30, 2))]))


DATA: dict[str, Callable[[], np.ndarray]] = {
    # known data
    "faithful": lambda: load_faithful().X,
    "iris": lambda: load_iris().X,
    "wine": lambda: datasets.load_wine().data,
    "cancer, 6 columns": lambda: datasets.load_breast_cancer().data[:, :6],
    "cancer, 30 columns": lambda: datasets.load_breast_cancer().data,
    "diabetes without sex": lambda: np.delete(datasets.load_diabetes(scaled=False).data, 1, axis=1),
    "digits, 10 components": lambda: PCA(10, svd_solver="full").fit_transform(datasets.load_digits().data),
    # curved and flat: no mixture of Gaussians
    "moons": lambda: datasets.make_moons(200, noise=0.05, random_state=0)[0],
    "circles": lambda: datasets.make_circles(400, factor=0.5, noise=0.05, random_state=0)[0],
    "swiss roll": lambda: datasets.make_swiss_roll(1000, noise=0.3, random_state=0)[0],
    "cube": lambda: np.random.default_rng(1).uniform(size=(1000, 3)),
    # tails
    "tails": lambda: student(2, 800, 3),
    "outliers": lambda: with_outliers(3),
    # round and long, apart and overlapping
    "blobs": lambda: datasets.make_blobs(500, centers=3, cluster_std=[1.0, 2.5, 0.5], random_state=170)[0],
    "long, parallel": lambda: clusters(1, [500] * 2, [[0, 0], [0, 4]], [[10, 0.5]] * 2),
    "long, slanted": lambda: stretched(4, [300] * 4, [[0, 0], [0, 4], [0, 8], [0, 12]], [[6, 0.5]] * 4, 1.5),
    "overlapping": lambda: clusters(4, [500] * 3, [[0, 0], [2, 0], [1, 2]], [[1]] * 3),
    "nested": lambda: clusters(5, [600, 400], [[0, 0]] * 2, [[0.5], [3]]),
    "unequal spreads": lambda: clusters(3, [400] * 3, [[0, 0], [2, 0], [4, 4]], [[0.2], [1], [3]]),
    "unequal weights": lambda: clusters(6, [1800, 160, 40], [[0, 0], [4, 0], [0, 5]], [[1], [0.7], [0.5]]),
    "small units": lambda: 1e-4 * clusters(5, [300] * 3, [[0, 0], [4, 0], [0, 4]], [[1]] * 3),
    # one dimension
    "1-d, two near": lambda: clusters(7, [600, 400], [[0], [2]], [[1], [1]]),
    "1-d, three near": lambda: clusters(8, [800, 700, 500], [[0], [2.5], [4]], [[1], [0.6], [2]]),
    "1-d, five near": lambda: clusters(9, [400] * 5, [[0], [2.5], [5], [7], [10]], [[1], [0.8], [1], [0.6], [1.5]]),
    "1-d, apart": lambda: clusters(6, [500, 300, 200], [[0], [10], [25]], [[1], [0.5], [2]]),
    # many components, many features
    "2-d, twenty": lambda: drawn(1200, 2, 20, 7, 10.0),
    "2-d, ten near": lambda: drawn(3000, 2, 10, 10, 4.0),
    "4-d, six near": lambda: drawn(6000, 4, 6, 11, 3.5),
    "5-d, five": lambda: drawn(4000, 5, 5, 12, 3.0),
    "8-d, five near": lambda: drawn(1000, 8, 5, 9, 2.5),
    "8-d, eight apart": lambda: drawn(5000, 8, 8, 13, 8.0),
    "30-d, three": lambda: drawn(1500, 30, 3, 14, 4.0),
    "30-d, three, few rows": lambda: drawn(600, 30, 3, 15, 3.0),
    "50-d, three": lambda: drawn(2000, 50, 3, 8, 3.0),
    "50-d, four, few rows": lambda: drawn(600, 50, 4, 16, 4.0),
    # many rows
    "20,000, four near": lambda: drawn(20_000, 3, 4, 17, 3.0),
    "20,000, five": lambda: drawn(20_000, 10, 5, 18, 4.0),
    "200,000, three near": lambda: drawn(200_000, 2, 3, 19, 2.0),
    "150,000, five": lambda: drawn(150_000, 4, 5, 20, 4.0),
    "500,000, four apart": lambda: clusters(21, [150_000, 150_000, 100_000, 100_000], [[0, 0], [12, 0], [0, 12], [14, 15]], [[1], [1.5], [0.7], [2]]),
    "200,000, eight apart": lambda: drawn(200_000, 8, 8, 22, 8.0),
}

CASES = [
    Case("moons", 5), Case("moons", 5, "diag"),
    Case("faithful", 2), Case("faithful", 3),
    Case("iris", 3), Case("iris", 3, "diag"), Case("iris", 3, "spherical"), Case("iris", 3, "tied"),
    Case("wine", 3), Case("wine", 3, "diag"),
    Case("cancer, 6 columns", 5), Case("cancer, 30 columns", 2),
    Case("diabetes without sex", 3), Case("diabetes without sex", 4, "diag"),
    Case("circles", 8), Case("swiss roll", 8), Case("cube", 6), Case("cube", 6, "spherical"),
    Case("tails", 3), Case("outliers", 4), Case("outliers", 4, "diag"),
    Case("blobs", 3), Case("blobs", 3, "spherical"),
    Case("long, parallel", 2), Case("long, slanted", 4), Case("long, slanted", 4, "tied"),
    Case("overlapping", 3), Case("overlapping", 3, "spherical"),
    Case("nested", 2), Case("unequal spreads", 3), Case("unequal weights", 3), Case("small units", 3),
    Case("1-d, two near", 2), Case("1-d, three near", 3), Case("1-d, five near", 5), Case("1-d, apart", 3),
    Case("2-d, twenty", 20), Case("2-d, ten near", 10),
    Case("5-d, five", 5, "diag"), Case("8-d, five near", 5), Case("8-d, eight apart", 8),
    Case("digits, 10 components", 10), Case("digits, 10 components", 10, "diag"),
    Case("30-d, three", 3), Case("30-d, three, few rows", 3, "diag"), Case("50-d, three", 3), Case("50-d, four, few rows", 4, "tied"),
    Case("50-d, four, few rows", 4, "spherical"), Case("4-d, six near", 6),
    Case("20,000, four near", 4), Case("20,000, five", 5, "diag"),
    Case("150,000, five", 5, "diag"), Case("200,000, three near", 3), Case("500,000, four apart", 4), Case("200,000, eight apart", 8),
]


@cache
def rows_of(data: str) -> np.ndarray:
    "The rows of a name in `DATA`, made once."
    return DATA[data]()
