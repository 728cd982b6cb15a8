"""Rows and weights: what must not matter (rows of weight zero, the unit of the weights, the order, a row far away), and what must."""
import contextlib
import os
import sys
import threading
import warnings

import numpy as np
import pandas as pd
import pytest
from gmm_nb import statistics, workers
from gmm_nb.acceleration import fit_mixture
from gmm_nb.covariance import CollapsedComponent, m_step, refuse_rounding, variance_floor
from gmm_nb.e_step import _careful, _fast, _wide, e_step
from gmm_nb.estimator import GaussianMixture
from gmm_nb.mixture import Mixture
from gmm_nb.statistics import check_weights, prepare, quantiles, weight_unit
from gmm_nb.workers import parallel
from oracles import STRUCTURES, compact
from sklearn.mixture import GaussianMixture as Reference
from threadpoolctl import ThreadpoolController, threadpool_limits

each_structure = pytest.mark.parametrize("structure", STRUCTURES)


def two_clusters(n=400, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 4 * rng.integers(0, 2, size=(n, 1))


def start_of(structure, d=2, distance=4.0):
    return Mixture([0.5, 0.5], [np.zeros(d), np.full(d, distance)], compact(np.stack([np.eye(d)] * 2), structure), structure)


def weights_of(n=400, seed=1): return np.random.default_rng(seed).gamma(1.0, size=n)


def assert_same_sample(one, other):
    "To the last bit"
    for name in ("X", "weights", "n_samples", "origin", "radius", "scatter", "unit", "squared_spreads"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


# ---- rows of weight zero

@each_structure
@pytest.mark.parametrize("far", [1e20, 1e150, 1e308])
@pytest.mark.parametrize("where", [0, 200, 400])
def test_a_row_of_weight_zero_is_not_there(structure, far, where):
    X, w = 1e-3 * two_clusters(), weights_of()
    with_it, its = np.insert(X, where, [far, -far], axis=0), np.insert(w, where, 0.0)
    assert_same_sample(prepare(with_it, its, structure), prepare(X, w, structure))
    for reg_covar in (1e-6, 0.0):
        model = GaussianMixture(2, covariance_type=structure, random_state=0, reg_covar=reg_covar)
        want, got = model.fit(X, sample_weight=w).mixture_, model.fit(with_it, sample_weight=its).mixture_
        np.testing.assert_array_equal(got.means, want.means)
        np.testing.assert_array_equal(got.covariances, want.covariances)
        assert model.score(with_it, sample_weight=its) == pytest.approx(model.score(X, sample_weight=w), rel=1e-13)


def test_rows_are_copied_only_where_some_do_not_count():
    X, w = two_clusters(), weights_of()
    sample = prepare(X, w)
    assert sample.X is X and sample.weights is w
    assert prepare(X, np.append(w[:-1], 0)).X.shape == (399, 2)


# ---- the unit of the weights

SCALES = [1e-300, 1e-200, 1e-100, 1e-31, 1e-13, 1.0, 1e13, 1e31, 1e100, 1e200, 1e300]


def test_the_unit_keeps_sums_near_the_number_of_rows():
    w = weights_of()
    assert weight_unit(w) == weight_unit(1e11 * w) == weight_unit(1e-11 * w) == 1
    for c in (5e-324, 1e-300, 1e-20, 1e20, 1e300, 1.7e308):
        for weights in (np.full(400, c), np.append(np.zeros(10**5), c), c * (w / w.max())):
            unit = weight_unit(weights)
            mean = (weights[weights > 0] / unit).mean()
            assert np.frexp(unit)[0] == 0.5 and 0.5 <= mean < 4, "a power of two near the mean"


@each_structure
@pytest.mark.parametrize("c", SCALES)
def test_the_unit_of_the_weights_does_not_matter(structure, c):
    X, w = two_clusters(), weights_of()
    fit = lambda w, **more: GaussianMixture(2, covariance_type=structure, random_state=0, **more).fit(X, sample_weight=w)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = fit(w), fit(c * w)
        assert other.score(X, sample_weight=c * w) == pytest.approx(one.score(X, sample_weight=w), rel=1e-12)
    assert one.n_iter_ == other.n_iter_ and other.converged_
    np.testing.assert_allclose(other.lower_bounds_, one.lower_bounds_, rtol=1e-10)
    ours, theirs = (np.argsort(model.means_[:, 0]) for model in (one, other))  # k-means may number them otherwise
    for name in ("weights_", "means_"):
        np.testing.assert_allclose(getattr(other, name)[theirs], getattr(one, name)[ours], rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(other.mixture_.matrices()[theirs], one.mixture_.matrices()[ours], rtol=1e-10)


@pytest.mark.parametrize("path, structure", [(path, s) for path in (_fast, _wide, _careful) for s in STRUCTURES if path is not _wide or s == "full"])
@pytest.mark.parametrize("c", SCALES)
def test_every_path_takes_weights_in_any_unit(path, structure, c):
    X, w = two_clusters(), weights_of()
    one, other = (path(prepare(X, weights, structure), start_of(structure)) for weights in (w, c * w))
    np.testing.assert_allclose(other.log_likelihood / other.n_samples, one.log_likelihood / one.n_samples, rtol=1e-12)
    np.testing.assert_allclose(m_step(other).covariances, m_step(one).covariances, rtol=1e-11)
    sample = prepare(X, c * w, structure)
    assert sample.n_samples * sample.unit == pytest.approx(c * w.sum(), rel=1e-12)


@pytest.mark.parametrize("path", [_careful, _wide])
@pytest.mark.parametrize("c", [1e-11, 1e-31, 1e11])
def test_what_is_negligible_is_so_beside_the_other_rows(path, c):
    "A component of weight 1e-20 has 1e-20 of every row, whatever a row counts: little, but not nothing"
    X = two_clusters()
    mixture = Mixture([1e-20, 1 - 1e-20], [[2.0, 2.0]] * 2, [9 * np.eye(2)] * 2)
    got = path(prepare(X, np.full(400, c)), mixture)
    want = path(prepare(X), mixture)
    np.testing.assert_allclose(got.counts / got.n_samples, want.counts / want.n_samples, rtol=1e-11)
    spread = lambda sums: np.diagonal(sums.second, axis1=1, axis2=2) / sums.n_samples
    np.testing.assert_allclose(spread(got), spread(want), rtol=1e-11)
    assert (np.diagonal(got.second[0]) > 0).all()
    small = fit_mixture(X, start_of("full"), np.full(400, 1e-31)).mixture
    np.testing.assert_allclose(small.covariances, fit_mixture(X, start_of("full")).mixture.covariances, rtol=1e-10)


def test_weights_of_all_sizes_in_one_vector():
    "What is 1e-300 of the mean does not count, wherever it lies; what is 1e-20 of it counts so much"
    X, w = two_clusters(), weights_of()
    far = np.vstack([X, np.full((3, 2), 1e100)])
    for tiny in ([1e-300, 1e-310, 5e-324], [0, 0, 0]):
        sample = prepare(far, np.append(1e300 * w, tiny))
        assert_same_sample(sample, prepare(X, 1e300 * w))
    near = np.vstack([X, [[1e10, 0.0]]])
    sample = prepare(near, np.append(1e300 * w, 1e280))
    assert sample.variances[0] == pytest.approx(prepare(X, w).variances[0] + 1.0 / w.sum(), rel=1e-9)


def test_sums_of_weights_that_overflow():
    X, w = two_clusters(), np.full(400, 1.7e308)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, plain = (GaussianMixture(2, random_state=0).fit(X, sample_weight=weights) for weights in (w, None))
        assert model.score(X, sample_weight=w) == pytest.approx(plain.score(X), rel=1e-9)
        for method in ("bic", "aic"):
            with pytest.raises(ValueError, match="no floating-point number. Divide the weights"): getattr(model, method)(X, sample_weight=w)


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.longdouble, np.int8, np.uint64, list, tuple, pd.Series, "bool", "object"])
def test_kinds_of_weights(kind):
    X, times = two_clusters(), np.arange(400) % 3
    if kind == "bool": times = times % 2
    given = times.astype(kind) if isinstance(kind, str) or isinstance(kind, type) and issubclass(kind, np.generic) else kind(times.tolist())
    assert_same_sample(prepare(X, given), prepare(X, times.astype(float)))


@pytest.mark.parametrize("bad", [np.full(400, 1 + 1j), np.ma.masked_array(np.ones(400), mask=np.arange(400) == 3), ["a"] * 400])
def test_weights_that_would_lose_a_part_are_refused(bad):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="sample_weight that are not numbers"): check_weights(bad, 400)


# ---- quantiles, and the spread

ORDERS = {"sorted": np.argsort, "reversed": lambda x: np.argsort(x)[::-1], "shuffled": lambda x: np.random.default_rng(0).permutation(len(x)),
          "two sensors": lambda x: np.argsort(x).reshape(2, -1).T.ravel()}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("weigh", [None, lambda x: np.full(len(x), 0.1), lambda x: np.random.default_rng(5).integers(1, 5, len(x)) * 1.0,
                                   lambda x: np.where(np.abs(x) < 1, 1e-9, 1.0), lambda x: np.where(np.arange(len(x)) == 777, 1e9, 1.0)])
def test_quantiles_are_exact_in_any_order(order, dtype, weigh):
    x = np.round(np.random.default_rng(1).standard_t(2, size=30_000), 2).astype(dtype)
    w, shares, moved = None if weigh is None else weigh(x), np.array([0.01, 0.25, 0.5, 0.75, 0.99]), ORDERS[order](x)
    got = quantiles(x[moved], None if w is None else w[moved], shares)
    want = np.quantile(x.astype(float), shares, weights=np.ones(len(x)) if w is None else w, method="inverted_cdf")
    np.testing.assert_array_equal(got, want)
    assert got.dtype == float


@pytest.mark.parametrize("n", [100, 10_001, 40_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_floor_does_not_depend_on_the_order(n, weighted):
    "Two interleaved sensors, one of them tighter: evenly taken rows would be of one sensor"
    rng = np.random.default_rng(0)
    X = rng.standard_t(1.5, size=(n, 2)) * np.where(np.arange(n) % 2, 1.0, 0.01)[:, None]
    w = rng.gamma(1.0, size=n) if weighted else None
    floors = [variance_floor(prepare(X[o], None if w is None else w[o]), 1e-3)
              for o in (np.arange(n), np.r_[0:n:2, 1:n:2], np.argsort(X[:, 0]), rng.permutation(n))]
    for floor in floors[1:]: np.testing.assert_allclose(floor, floors[0], rtol=1e-12)
    low, high = np.quantile(X, [0.25, 0.75], axis=0, weights=w if weighted else np.ones(n), method="inverted_cdf")
    np.testing.assert_allclose(floors[0], 1e-3 * (high - low)**2, rtol=1e-12)  # far rows: the variance is larger


def test_the_spread_is_computed_once(monkeypatch):
    calls, spread = [], statistics.squared_spread
    monkeypatch.setattr(statistics, "squared_spread", lambda *a: calls.append(1) or spread(*a))
    sample = prepare(two_clusters())
    variance_floor(sample, 1e-6), variance_floor(sample, 1e-3), variance_floor(sample, 0)
    assert len(calls) == 2  # features


def test_many_equal_values_and_a_row_far_away():
    "Rain: no width of the middle half, and a standard deviation that one fill value rules"
    rng = np.random.default_rng(0)
    rain = np.where(rng.random(1000) < 0.9, 0.0, rng.gamma(2.0, size=1000))[:, None]
    for w in (None, weights_of(1000)):
        dry = prepare(rain, w)
        np.testing.assert_array_equal(dry.squared_spreads, dry.variances)
        filled = prepare(np.vstack([rain, [[9.97e36]]]), None if w is None else np.append(w, 1.0))
        np.testing.assert_allclose(filled.squared_spreads, dry.variances, rtol=1e-12)


# ---- a fill value

def with_fill_value(fill, columns, at):
    "401 rows of spread one, one of them with a fill value; the others; and what scikit-learn finds in the others"
    X = np.random.default_rng(0).normal(size=(401, 3))
    X[at, columns] = fill
    return X, np.delete(X, at, axis=0)


def assert_the_rest_is_found(mixture, rest, row):
    "As if the row were not there; a tied covariance has one row more to divide by"
    k, structure = np.argmax(mixture.weights), mixture.structure
    want = Reference(1, covariance_type=structure, reg_covar=0).fit(rest).covariances_
    got = mixture.covariances if structure == "tied" else mixture.covariances[[k]]
    assert mixture.weights[k] == pytest.approx(400 / 401)
    np.testing.assert_allclose(got, want * (400 / 401 if structure == "tied" else 1), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(mixture.means[k], rest.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(mixture.means[1 - k], row, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:.*rest on the variance floor")
@each_structure
@pytest.mark.parametrize("fill", [1e15, 1e16, 9.97e36, -9.97e36])
@pytest.mark.parametrize("columns", [[0], [0, 1, 2]])
@pytest.mark.parametrize("at", [0, 200])
def test_a_fill_value(structure, fill, columns, at):
    X, rest = with_fill_value(fill, columns, at)
    model = GaussianMixture(2, covariance_type=structure, random_state=0).fit(X)
    assert_the_rest_is_found(model.mixture_, rest, X[at])
    assert np.isfinite(model.lower_bounds_).all()


@each_structure
@pytest.mark.parametrize("fill", [9.97e36, 1e100, 1e139])
@pytest.mark.parametrize("at", [0, 200])
def test_a_fill_value_from_an_explicit_start(structure, fill, at):
    X, rest = with_fill_value(fill, [0], at)
    start = Mixture([0.5, 0.5], [np.zeros(3), X[at]], compact(np.stack([4 * np.eye(3)] * 2), structure), structure)
    found = fit_mixture(X, start, reg_covar=1e-6)
    assert_the_rest_is_found(found.mixture, rest, X[at])
    assert found.converged and np.isfinite(found.log_likelihoods).all()


@pytest.mark.parametrize("structure", ["full", "diag", "spherical"])
def test_a_row_far_away_does_not_refuse_the_others(structure):
    "reg_covar=0: what the rounding of the data may make is a matter of their size near the component"
    X = np.random.default_rng(0).normal(size=(402, 1))
    X[400:] = [[9.97e36], [9.96e36]]
    start = Mixture([0.5, 0.5], [[0.0], [9.965e36]], compact(np.array([[[1.0]], [[1e68]]]), structure), structure)
    found = fit_mixture(X, start).mixture
    assert found.matrices()[0, 0, 0] == pytest.approx(X[:400].var(), rel=1e-6)


@each_structure
@pytest.mark.parametrize("at", [0.0, 0.5, 1e9])
def test_equal_rows_are_refused_wherever_they_lie(structure, at):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(100, 2)), np.full((50, 2), at)])
    means = np.array([[0.0, 0.0], [at, at]])
    rounding = 1e-17 * (at + 1)
    narrow = {"full": np.stack([np.eye(2), rounding**2 * np.eye(2)]), "tied": rounding**2 * np.eye(2),
              "diag": np.array([[1.0, 1.0], [rounding**2] * 2]), "spherical": np.array([1.0, rounding**2])}[structure]
    with pytest.raises(CollapsedComponent): refuse_rounding(Mixture([0.5, 0.5], means, narrow, structure), prepare(X, None, structure))
    refuse_rounding(Mixture([0.5, 0.5], means, compact(np.stack([np.eye(2)] * 2), structure), structure), prepare(X, None, structure))


# ---- the floor

def test_columns_that_never_vary_borrow_the_mean_of_the_others():
    "The others' spreads are neither one nor equal"
    X = np.random.default_rng(0).normal(size=(300, 4)) * [10.0, 0.1, 0.0, 0.0] + [0.0, 0.0, 5.0, -1e9 / 3]
    floor = variance_floor(prepare(X), 0.01)
    np.testing.assert_allclose(floor, 0.01 * np.append(X[:, :2].var(0), [X[:, :2].var(0).mean()] * 2), rtol=1e-9)


@pytest.mark.parametrize("fraction", [1e308, 1e300])
def test_a_floor_that_overflows_is_refused(fraction):
    X = 1e10 * two_clusters()
    with pytest.raises(ValueError, match="reg_covar=1e\\+30.*Expected a small fraction"): variance_floor(prepare(X), fraction)


@each_structure
def test_a_floor_that_underflows(structure):
    X = 1e-100 * two_clusters()
    floor = variance_floor(prepare(X), 1e-200)
    assert (floor > 0).all()
    model = GaussianMixture(2, covariance_type=structure, random_state=0, reg_covar=1e-200).fit(1e-20 * two_clusters())
    assert np.isfinite(model.lower_bound_)


@pytest.mark.parametrize("dtype", [np.float32, float])
@pytest.mark.parametrize("unit, offset", [(1e-140, 0.0), (1e-139, 0.0), (1e100, 0.0), (1.0, 1e6)])
def test_spreads_scale_with_the_data(dtype, unit, offset):
    if dtype is np.float32 and unit != 1: unit = 1e30 if unit > 1 else 1e-30
    X = np.random.default_rng(0).standard_t(2, size=(500, 2)) * 40
    plain, moved = prepare(X), prepare((unit * X + offset).astype(dtype))
    np.testing.assert_allclose(moved.squared_spreads, unit**2 * plain.squared_spreads, rtol=1e-6 if dtype is float else 0.1)


def test_a_single_row():
    for w in (None, [1e-300]):
        sample = prepare([[3.0, 1e9 / 3]], w)
        np.testing.assert_array_equal(sample.squared_spreads, 0)
        np.testing.assert_array_equal(variance_floor(sample, 0.5), 0.5)


# ---- rows too far for squares

FAR = [1e155, 1e200, 1.7e308]


@each_structure
@pytest.mark.parametrize("far", FAR)
def test_the_nearest_component_takes_a_row_far_away(structure, far):
    mixture = start_of(structure, distance=1.0)
    rows, owners = np.array([[far, 0], [-far, 0], [far, far], [1, -far], [0, 0]]), [1, 0, 1, 0, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resp, density = mixture.resp(rows), mixture.log_density(rows)
    np.testing.assert_array_equal(resp[:, :4], np.eye(2)[:, owners[:4]])
    assert (density[:4] < -1e250).all() and np.isfinite(density).all()
    np.testing.assert_allclose(mixture.resp([[far, -far]]), 0.5)  # as near to both


@pytest.mark.parametrize("far", FAR)
def test_the_broader_component_takes_a_row_far_away(far):
    rows = np.array([[far, far], [far, 0], [0, -far]])
    for structure in ("full", "diag", "spherical"):
        broad = compact(np.stack([np.eye(2), 1.21 * np.eye(2), 9 * np.eye(2)]), structure)
        mixture = Mixture([0.6, 0.4, 0.0], [[1.0, 1.0], [-1.0, -1.0], [0, 0]], broad, structure)
        with np.errstate(divide="raise"): np.testing.assert_array_equal(mixture.resp(rows), [[0] * 3, [1] * 3, [0] * 3])
    along = Mixture([0.5, 0.5], np.zeros((2, 2)), [[1.0, 4.0], [4.0, 1.0]], "diag")
    np.testing.assert_array_equal(along.resp(rows[1:]), [[0, 1], [1, 0]])


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_careful_path_tells_rows_far_away_apart_too(structure):
    "The data range over 1e138, the components are 1e-18 wide; float64 has no square of 1e156"
    X = np.array([[0.0, 0.0], [1e-18, 0.0], [1e138, 0.0], [-1e138, 0.0]])
    mixture = Mixture([0.5, 0.5], [[0.0, 0.0], [1e-18, 0.0]], compact(np.stack([1e-36 * np.eye(2)] * 2), structure), structure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = e_step(prepare(X, None, structure), mixture)
    near = 1 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(got.counts, [2, 2], rtol=1e-12)
    np.testing.assert_allclose(mixture.resp(X), [[near, 1 - near, 0, 1], [1 - near, near, 1, 0]], atol=1e-12)
    assert np.isfinite(got.log_likelihood) and got.log_likelihood < -1e250
    np.testing.assert_allclose(np.sign(got.first[:, 0]), [-1, 1])


# ---- one thread for the matrix library

def blas_threads(): return [library.num_threads for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]


@contextlib.contextmanager
def two_threads():
    "The matrix library as it is without the suite's settings"
    with threadpool_limits(limits=2, user_api="blas"):
        if set(blas_threads()) != {2}: pytest.skip("the matrix library has one thread only")
        yield


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_matrix_library_runs_on_one_thread(jobs):
    with two_threads():
        with parallel(jobs) as workers:
            assert set(blas_threads()) == {1}
            assert list(workers(lambda _: set(blas_threads()), range(3))) == [{1}] * 3
        assert set(blas_threads()) == {2}


def test_limits_that_interleave_are_lifted():
    "The first to come is the first to go: the second is still held to one thread, and nothing is left behind"
    with two_threads():
        first, second = parallel(1), parallel(1)
        first.__enter__(), second.__enter__()
        first.__exit__(None, None, None)
        assert set(blas_threads()) == {1}
        second.__exit__(None, None, None)
        assert set(blas_threads()) == {2}


def test_limits_of_threads_that_interleave_are_lifted():
    entered, left = threading.Event(), threading.Event()
    def other():
        with parallel(1):
            entered.set()
            left.wait(60)
    with two_threads():
        thread = threading.Thread(target=other)
        with parallel(1):
            thread.start()
            assert entered.wait(60)
        assert set(blas_threads()) == {1}
        left.set()
        thread.join()
        assert set(blas_threads()) == {2}


def test_many_threads_leave_the_limits_as_they_were():
    X = two_clusters()
    model, found = GaussianMixture(2, random_state=0).fit(X), []
    def predict():
        for _ in range(40): found.append(model.predict_proba(X))
    with two_threads():
        threads = [threading.Thread(target=predict) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert set(blas_threads()) == {2}
    assert len(found) == 160 and all(np.array_equal(proba, found[0]) for proba in found)


def test_an_error_lifts_the_limit():
    with two_threads():
        with pytest.raises(ZeroDivisionError), parallel(1): 1 / 0
        assert set(blas_threads()) == {2}


def test_libraries_loaded_later_are_found(monkeypatch):
    "In the suite all are loaded already: a list that lacks one stands for the time before"
    real, seen = ThreadpoolController(), []
    if len(real.select(user_api="blas").lib_controllers) < 2: pytest.skip("there is one matrix library only")
    name = real.select(user_api="blas").lib_controllers[0].filepath
    def look(n_modules):
        seen.append(n_modules)
        return real if n_modules == "later" else real.select(filepath=name)
    monkeypatch.setattr(workers, "_libraries", lambda n: look("later" if later else n))
    later = False
    with two_threads():
        with parallel(1):
            assert sorted(blas_threads()) == [1, 2]
            later = True
            with parallel(1): assert blas_threads() == [1, 1]
        assert blas_threads() == [2, 2]


def test_the_libraries_are_looked_up_again_when_modules_are_imported(monkeypatch):
    looks = []
    monkeypatch.setattr(workers, "ThreadpoolController", lambda: looks.append(1) or ThreadpoolController())
    workers._libraries.cache_clear()
    for _ in range(3):
        with parallel(1): pass
    assert len(looks) == 1
    monkeypatch.setitem(sys.modules, "a module that is imported now", os)
    with parallel(1): pass
    assert len(looks) == 2
