"""The textbook chapters 02, 04 and 05: densities against SciPy and 60 digits, gradients against complex steps, EM against the engine
and scikit-learn, and every error message."""
import warnings
from itertools import islice

import mpmath
import numpy as np
import pandas as pd
import pytest
from gmm_nb import gaussian, multivariate, univariate
from gmm_nb.acceleration import fit_mixture
from gmm_nb.covariance import m_step
from gmm_nb.e_step import e_step
from gmm_nb.em import em_steps, run
from gmm_nb.mixture import STRUCTURES, Mixture
from gmm_nb.statistics import prepare
from oracles import data, exact_log_joint, plain_e_step, plain_m_step
from scipy.special import entr, logsumexp
from scipy.stats import multivariate_normal, norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Reference

FAITHFUL = data("faithful")
WAITING = FAITHFUL[:, 1]
each_structure = pytest.mark.parametrize("structure", STRUCTURES)
each_d = pytest.mark.parametrize("d", [1, 2, 5])
each_rule = pytest.mark.parametrize("rule, what", [("means", "the means"), ("log-likelihood", "the log-likelihood per point")])


def spd(d, seed=0, K=()):
    "Positive definite matrices (*K, d, d), exactly symmetric"
    A = np.random.default_rng(seed).normal(size=(*np.atleast_1d(K).astype(int), d, d)) / np.sqrt(d) + np.eye(d)
    S = A @ np.swapaxes(A, -1, -2)
    return (S + np.swapaxes(S, -1, -2)) / 2


def one(d, seed=0):
    "A point, a mean, a covariance, and an invertible matrix that is not symmetric and has a negative determinant"
    rng = np.random.default_rng(seed)
    skew = np.eye(d) + 0.4 * rng.normal(size=(d, d)) / np.sqrt(d)
    skew[0] *= -np.sign(np.linalg.det(skew))
    return rng.normal(size=d), rng.normal(size=d), spd(d, seed), skew


def theta_1d(K=3):
    "Parameters of a univariate mixture near WAITING"
    return tuple(map(np.array, ({1: [1.0], 2: [0.6, 0.4], 3: [0.3, 0.5, 0.2]}[K], [52.0, 70.0, 84.0][:K], [30.0, 60.0, 20.0][:K])))


def theta_d(X, K=3, seed=0):
    "Parameters of a mixture near the rows X"
    rng, d = np.random.default_rng(seed), X.shape[1]
    sd = X.std(axis=0)
    return rng.dirichlet(np.full(K, 5.0)), X[rng.choice(len(X), K, replace=False)] + 0.1 * sd, spd(d, seed, K) * np.outer(sd, sd)


def clusters(d, n=60):
    rng = np.random.default_rng(d)
    return rng.normal(size=(n, d)) @ spd(d) + 2 * rng.integers(2, size=(n, 1))


def some_resp(K, n, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(K, 0.5), size=n).T


def parts(result):
    "The arrays or the number that a function returns, as a tuple"
    return result if isinstance(result, tuple) else (result,)


def slope(f, *arguments, which, tied=False):
    "Derivatives of f in every entry of one argument, exact but for rounding: Im f(a + ih) / h; `tied` moves (a, b) with (b, a)"
    arguments = [np.asarray(a, dtype=complex) for a in arguments]
    out = np.empty(arguments[which].shape)
    for index in np.ndindex(out.shape):
        moved = arguments[which].copy()
        for place in {index, index[::-1]} if tied else {index}: moved[place] += 1e-30j
        out[index] = np.imag(f(*arguments[:which], moved, *arguments[which + 1:])) / 1e-30
    return out


def close(got, want, rtol=1e-11):
    "Equal, in units of the largest entry"
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape and got.dtype == float
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * np.abs(want).max())


# plain formulas that take complex numbers; the first test below holds them to SciPy

def plain_quadratic(x, mean, S): return (x - mean) @ np.linalg.inv(S) @ (x - mean)
def plain_log_density(x, mean, S): return -plain_quadratic(x, mean, S) / 2 - np.log((2 * np.pi)**len(x) * np.linalg.det(S)) / 2
def plain_density(x, mean, S): return np.exp(plain_log_density(x, mean, S))


def plain_log_likelihood(X, weights, means, matrices):
    return sum(np.log(sum(w * plain_density(x, m, S) for w, m, S in zip(weights, means, matrices))) for x in X)


def plain_q(X, resp, weights, means, matrices):
    return sum(r_i * (np.log(w) + plain_log_density(x, m, S)) for r, w, m, S in zip(resp, weights, means, matrices) for r_i, x in zip(r, X))


@each_d
def test_the_formulas_of_this_file_are_scipys(d):
    x, mean, S, _ = one(d)
    assert plain_density(x, mean, S) == pytest.approx(multivariate_normal(mean, S).pdf(x), rel=1e-12)
    assert plain_quadratic(x, mean, S) == pytest.approx(np.linalg.norm(np.linalg.solve(np.linalg.cholesky(S), x - mean))**2, rel=1e-12)
    close(slope(lambda a: (a**3).sum() + a[0, 1], [[1.0, 2.0], [3.0, 4.0]], which=0), [[3.0, 13.0], [27.0, 48.0]])


# ---- chapter 02: the Gaussian

@pytest.mark.parametrize("unit", [1e-100, 1e-8, 1, 1e8, 1e100])
@pytest.mark.parametrize("offset", [0, 1e6])
def test_univariate_density(unit, offset):
    z, mean, sd = np.linspace(-9, 9, 19), np.array([[-1.0], [0.0], [4.0]]), np.array([[0.5], [1.0], [3.0]])
    got = gaussian.univariate_density((z + offset) * unit, (mean + offset) * unit, (sd * unit)**2)
    assert got.shape == (3, 19)
    np.testing.assert_allclose(got * unit, norm.pdf(z, mean, sd), rtol=1e-7 if offset else 1e-12)


@pytest.mark.parametrize("kind", [float, int, np.float32, lambda a: [a, a], lambda a: np.array(a, dtype=np.float32)])
def test_univariate_density_takes_numbers_lists_and_short_floats(kind):
    want = norm.pdf(3, 1, 2)
    np.testing.assert_allclose(gaussian.univariate_density(kind(3), kind(1), kind(4)), np.full(np.shape(kind(3)), want), rtol=1e-6)


@pytest.mark.parametrize("variance, least", [(0, "0"), (-2.0, "-2.0"), ([1.0, 0.0], "0.0"), (np.nan, "nan")])
def test_univariate_density_wants_a_positive_variance(variance, least):
    with pytest.raises(ValueError, match=rf"variance must be positive, got {least}\. Pass σ², not its logarithm"):
        gaussian.univariate_density(1.0, 0.0, variance)


@each_d
@pytest.mark.parametrize("stack", [(), 3, (2, 3)])
def test_cholesky(d, stack):
    S = spd(d, 1, stack)
    L = gaussian.cholesky(S)
    assert L.shape == S.shape and L.dtype == float and np.array_equal(L, np.tril(L)) and (np.diagonal(L, axis1=-2, axis2=-1) > 0).all()
    np.testing.assert_allclose(L @ np.swapaxes(L, -1, -2), S, atol=1e-14 * S.max())


@pytest.mark.parametrize("S", [[[4, 2], [2, 3]], np.array([[4, 2], [2, 3]], dtype=np.float32), np.array([[4.0, 2.0 + 1e-9], [2.0, 3.0]])])
def test_cholesky_by_hand(S):
    np.testing.assert_allclose(gaussian.cholesky(S), [[2, 0], [1, np.sqrt(2)]], rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_symmetry_is_judged_in_the_units_of_the_matrix(scale):
    S = np.array([[1.0, 3e3], [3e3, 1e8]]) * scale  # standard deviations 1 and 1e4, correlation 0.3
    S[0, 1] += 0.9e-4 * scale  # 0.9e-8 of the product
    assert gaussian.cholesky(S).shape == (2, 2)
    S[0, 1] += 0.2e-4 * scale
    with pytest.raises(ValueError, match="covariance is not symmetric"): gaussian.cholesky(S)


@pytest.mark.parametrize("S, message", [
    (np.ones((2, 3)), r"covariance has shape \(2, 3\); expected \(d, d\), or \(\.\.\., d, d\) for a stack"),
    (np.ones(4), r"shape \(4,\); expected \(d, d\)"),
    (2.0, r"shape \(\); expected"), (np.ones((0, 0)), r"shape \(0, 0\); expected"), (np.ones((0, 2, 2)), r"shape \(0, 2, 2\)"),
    ([[1.0, np.nan], [0.0, 1.0]], r"^covariance has an entry \(0, 1\) that is nan; expected finite"),
    (np.stack([np.eye(2), np.diag([1, np.inf])]), r"^covariance\[1\] has an entry \(1, 1\) that is inf"),
    ([[1.0, 2.0], [2.0, 1.0]], r"^covariance is not positive definite: its eigenvalues run from -1 to 3; expected positive.*Remove columns.*identity"),
    (np.zeros((2, 2)), "eigenvalues run from 0 to 0"),
    (np.stack([np.eye(2), np.diag([1, -2])]), r"^covariance\[1\] is not positive definite: .* from -2 to 1"),
    (np.stack([[np.eye(2)] * 3, [np.eye(2), -np.eye(2), np.eye(2)]]), r"^covariance\[1, 1\] is not positive definite"),
    ([[1.0, 0.5], [0.25, 1.0]], r"^covariance is not symmetric: entry \(0, 1\) is 0\.5 and entry \(1, 0\) is 0\.25.*pass \(S \+ S\.T\) / 2"),
    (np.stack([np.eye(2), [[1.0, 0.5], [0.25, 1.0]]]), r"^covariance\[1\] is not symmetric: entry \(0, 1\)"),
])
def test_cholesky_names_the_matrix_and_says_why(S, message):
    with pytest.raises(ValueError, match=message): gaussian.cholesky(S)


def test_a_failure_without_an_explanation_is_passed_on(monkeypatch):
    "A stack that LAPACK refuses although it takes every matrix of it alone: no made-up reason"
    real = np.linalg.cholesky

    def fails_on_stacks(S):
        if S.ndim > 2: raise np.linalg.LinAlgError("as if by rounding")
        return real(S)
    monkeypatch.setattr(np.linalg, "cholesky", fails_on_stacks)
    with pytest.raises(np.linalg.LinAlgError, match="as if by rounding"): gaussian.cholesky(spd(2, K=3))


@each_d
def test_density_is_scipys(d):
    S, X = spd(d), 2 * np.random.default_rng(1).normal(size=(30, d))
    mean, truth = X[0] / 2, multivariate_normal(X[0] / 2, S)
    close(gaussian.log_density(X, mean, S), truth.logpdf(X))
    close(gaussian.density(X, mean, S), truth.pdf(X))


@pytest.mark.parametrize("unit", [1e-150, 1e-8, 1.0, 1e8, 1e150])
@pytest.mark.parametrize("offset, far", [(0, 1), (0, 1e4), (1e9, 1)])
def test_log_density_in_sixty_digits(unit, offset, far):
    "Where the density itself underflows or overflows, far from the origin, in any unit"
    S, X = spd(3) * unit**2, (np.random.default_rng(1).normal(size=(10, 3)) * far + offset) * unit
    mean = np.full(3, offset * unit)
    want = exact_log_joint(X, [1.0], mean[None], S[None])[0].astype(float)
    np.testing.assert_allclose(gaussian.log_density(X, mean, S), want, rtol=1e-11)
    if far > 1: np.testing.assert_array_equal(gaussian.density(X, mean, S), 0)


GAUSSIAN = (gaussian.log_density, gaussian.density, gaussian.score_mean, gaussian.score_covariance)
each_function = pytest.mark.parametrize("function", GAUSSIAN)


@each_function
@pytest.mark.parametrize("kind", [lambda a: a.tolist(), lambda a: a.astype(np.float32), lambda a: a.astype(int), np.asfortranarray,
                                  lambda a: pd.DataFrame(a) if a.shape == (3, 2) else a])
def test_kinds_of_rows(function, kind):
    "Whole numbers, which all of these kinds hold exactly"
    X, mean, S = np.array([[1.0, 2.0], [-3.0, 0.0], [4.0, 4.0]]), np.array([1.0, -1.0]), np.array([[4.0, 2.0], [2.0, 3.0]])
    got = function(kind(X), kind(mean), kind(S))
    assert got.dtype == float and got.shape == (3,) + {gaussian.score_mean: (2,), gaussian.score_covariance: (2, 2)}.get(function, ())
    np.testing.assert_array_equal(got, function(X, mean, S))


@each_d
def test_scores_are_the_gradients(d):
    X, (_, mean, S, _) = np.random.default_rng(2).normal(size=(4, d)), one(d)
    close(gaussian.score_mean(X, mean, S), [slope(plain_log_density, x, mean, S, which=1) for x in X])
    close(gaussian.score_covariance(X, mean, S), [slope(plain_log_density, x, mean, S, which=2) for x in X])


@each_function
@pytest.mark.parametrize("X, mean, S, message", [
    (np.ones((3, 2)), np.ones(3), np.eye(2), r"mean has shape \(3,\); expected \(2,\), because the covariance is 2 × 2"),
    (np.ones((3, 2)), [[1.0, 1.0]], np.eye(2), r"mean has shape \(1, 2\); expected \(2,\)"), (np.ones((3, 2)), 1.0, np.eye(2), r"mean has shape \(\)"),
    (np.ones((3, 3)), np.ones(2), np.eye(2), r"X has 3 column\(s\); expected 2"), (np.ones(2), np.ones(2), np.eye(2), r"X has shape \(2,\); expected 2D"),
    ([[1.0, np.nan]], np.ones(2), np.eye(2), "X has 1 NaN or infinite"), (np.ones((3, 2)), np.ones(2), -np.eye(2), "covariance is not positive definite"),
    (np.ones((3, 2)), np.ones(2), [[1.0, 0.5], [0.0, 1.0]], "covariance is not symmetric"),
    (np.ones((3, 2)), np.ones(2), np.ones(2), "covariance has shape"),
])
def test_gaussian_errors(function, X, mean, S, message):
    with pytest.raises(ValueError, match=message): function(X, mean, S)


# ---- chapter 04: one dimension

@pytest.mark.parametrize("K", [1, 2, 3])
def test_univariate_e_step_is_scipys(K):
    weights, means, variances = theta = theta_1d(K)
    joint = weights[:, None] * norm.pdf(WAITING, means[:, None], np.sqrt(variances)[:, None])
    close(univariate.joint_density(WAITING, *theta), joint)
    close(univariate.e_step(WAITING, *theta), joint / joint.sum(axis=0))
    L = univariate.log_likelihood(WAITING, *theta)
    assert type(L) is float and L == pytest.approx(np.log(joint.sum(axis=0)).sum(), rel=1e-13)


@pytest.mark.parametrize("x, mean, sd", [(1.0, 0.0, 1.0), (3.5, -2.0, 2.5), (0.25, 0.25, 0.01), (-4.0, 1.0, 7.0)])
def test_derivatives_of_the_univariate_density(x, mean, sd):
    slopes = [float(mpmath.diff(lambda m: mpmath.npdf(x, m, sd), mean)), float(mpmath.diff(lambda s: mpmath.npdf(x, mean, s), sd))]
    for function, want in zip((univariate.d_density_d_mean, univariate.d_density_d_sd), slopes):
        assert function(x, mean, sd**2) == pytest.approx(want, rel=1e-12, abs=1e-30)
        grid = function(np.full((2, 1), x), np.full(3, mean), np.float64(sd**2))
        np.testing.assert_allclose(grid, np.full((2, 3), want), rtol=1e-12, atol=1e-30)


@pytest.mark.parametrize("function, variance", [(univariate.d_density_d_mean, 0.0), (univariate.d_density_d_sd, 0.0), (univariate.d_density_d_sd, -1.0)])
def test_derivatives_want_a_positive_variance(function, variance):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="variance must be positive"): function(1.0, 0.0, variance)


def sd_form(function):
    "A function of covariances as one of standard deviations, since the derivation differentiates in σ"
    return lambda *arguments: function(*arguments[:-2], arguments[-2][:, None], arguments[-1][:, None, None]**2)


@pytest.mark.parametrize("K", [1, 2, 3])
def test_univariate_gradient(K):
    x, (weights, means, variances) = WAITING[:25], theta_1d(K)
    L = lambda *theta: sd_form(plain_log_likelihood)(x[:, None], *theta)
    for got, which in zip(univariate.gradient(x, weights, means, variances), range(3)):
        close(got, slope(L, weights, means, np.sqrt(variances), which=which))


def test_univariate_gradient_with_responsibilities_and_multiplier():
    x, (weights, means, variances), resp = WAITING[:25], theta_1d(), some_resp(3, 25)
    Q = lambda *theta: sd_form(plain_q)(x[:, None], resp, *theta)
    want = [slope(Q, weights, means, np.sqrt(variances), which=which) for which in range(3)]
    for got, w in zip(univariate.gradient(x, weights, means, variances, resp), want): close(got, w)
    shifted = univariate.gradient(x, weights, means, variances, resp=resp, multiplier=-25.0)
    for got, w in zip(shifted, (want[0] - 25, *want[1:])): close(got, w)


def test_univariate_m_step():
    x, resp = WAITING, some_resp(3, 272)
    weights, means, variances = theta = univariate.m_step(x, resp)
    close(weights, resp.mean(axis=1))
    close(means, [np.average(x, weights=r) for r in resp])
    close(variances, [np.cov(x, aweights=r, ddof=0) for r in resp])
    for part in univariate.gradient(x, *theta, resp, multiplier=-272.0): np.testing.assert_allclose(part, 0, atol=1e-9)  # a stationary point
    groups = univariate.m_step([1, 2, 3, 10, 14], [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]])
    for got, want in zip(groups, ([0.6, 0.4], [2.0, 12.0], [2 / 3, 4.0])): close(got, want)


@pytest.mark.parametrize("kind", [list, lambda a: a.astype(np.float32), lambda a: a.astype(int), pd.Series, lambda a: a[:, None].repeat(2, axis=1)[:, 0]])
def test_kinds_of_univariate_data(kind):
    "Waiting times are whole numbers"
    theta = theta_1d(2)
    start = [part.tolist() if kind is list else part for part in theta]
    for function in (univariate.joint_density, univariate.log_likelihood, univariate.e_step, univariate.gradient):
        for got, want in zip(parts(function(kind(WAITING), *start)), parts(function(WAITING, *theta))): np.testing.assert_array_equal(got, want)
    got, want = univariate.em(kind(WAITING), *start), univariate.em(WAITING, *theta)
    for a, b in zip(got, want): np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("unit, offset", [(1e-6, 0), (1e6, 0), (-1, 0), (1, 1e5), (2.0**40, 2.0**50)])
def test_univariate_em_in_other_units(unit, offset):
    "x → ux + o moves the means likewise, multiplies the variances by u² and takes n log |u| from the log-likelihood"
    theta, moved = theta_1d(), lambda weights, means, variances: (weights, unit * means + offset, unit**2 * variances)
    x = unit * WAITING + offset
    a, b = univariate.m_step(WAITING, univariate.e_step(WAITING, *theta)), univariate.m_step(x, univariate.e_step(x, *moved(*theta)))
    for got, want in zip(b, moved(*a)): np.testing.assert_allclose(got, want, rtol=1e-8)
    assert univariate.log_likelihood(x, *b) == pytest.approx(univariate.log_likelihood(WAITING, *a) - 272 * np.log(abs(unit)), rel=1e-9)


def test_change():
    for rule, want in (("means", 3.0), ("log-likelihood", 0.25)):
        got = univariate.change(rule, [1.0, 2.0, 3.0], np.array([1.5, -1.0, 3.0]), [-9.0, -4.0, -3.0], 4)
        assert type(got) is float and got == want
    assert univariate.change("means", [[0.0, 7.0]], [[0.5, 3.0]], [], 1) == 4.0  # of any component and feature
    assert univariate.change("log-likelihood", None, None, [-3.0, -4.0], 2) == 0.5  # a fall is a change too


# ---- chapter 05: d dimensions

@each_d
@pytest.mark.parametrize("K", [1, 3])
def test_multivariate_e_step_is_scipys(d, K):
    X = clusters(d)
    weights, means, matrices = theta = theta_d(X, K)
    joint = np.array([np.log(w) + multivariate_normal(m, S).logpdf(X) for w, m, S in zip(weights, means, matrices)])
    close(multivariate.log_joint_density(X, *theta), joint)
    close(multivariate.e_step(X, *theta), np.exp(joint - logsumexp(joint, axis=0)))
    L = multivariate.log_likelihood(X, *theta)
    assert type(L) is float and L == pytest.approx(logsumexp(joint, axis=0).sum(), rel=1e-12)


def test_one_column_is_the_univariate_chapter():
    weights, means, variances = theta = theta_1d(2)
    X, book = WAITING[:, None], (weights, means[:, None], variances[:, None, None])
    close(multivariate.log_joint_density(X, *book), np.log(univariate.joint_density(WAITING, *theta)))
    close(multivariate.e_step(X, *book), univariate.e_step(WAITING, *theta))
    a, b = multivariate.em(X, *book, tol=1e-3), univariate.em(WAITING, *theta, tol=1e-3)
    for got, want in zip((a.weights, a.means[:, 0], a.covariances[:, 0, 0], a.log_likelihoods), b): close(got, want, 1e-9)
    assert (a.n_iter, a.converged) == (b.n_iter, True) and b.converged is True
    dw, dm, dS = multivariate.gradient(X, *book)
    for got, want in zip((dw, dm[:, 0], 2 * np.sqrt(variances) * dS[:, 0, 0]), univariate.gradient(WAITING, *theta)):  # dσ² = 2σ dσ
        close(got, want, 1e-9)


def test_far_points_have_responsibilities():
    "Densities of zero, as floats: chapter 04 refuses them, chapter 05 does not need them"
    theta = np.array([0.5, 0.5]), np.array([[0.0], [1.0]]), np.ones((2, 1, 1))
    np.testing.assert_allclose(multivariate.e_step([[1e3], [-1e3], [0.5]], *theta), [[0, 1, 0.5], [1, 0, 0.5]], atol=1e-300)
    assert multivariate.log_likelihood([[1e3]], *theta) == pytest.approx(np.log(0.5) + norm.logpdf(999), rel=1e-14)


@pytest.mark.filterwarnings("ignore")
def test_points_beyond_squares_have_responsibilities():
    resp = multivariate.e_step([[1e200], [-1e200]], [0.5, 0.5], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    np.testing.assert_allclose(resp.sum(axis=0), 1)


def test_a_weight_of_zero():
    "log 0 = −∞ without a warning, no responsibility, and 0 · log 0 = 0 in Q"
    X, theta = FAITHFUL[:5], (np.array([1.0, 0.0]), FAITHFUL[:2], np.stack([np.eye(2)] * 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isneginf(multivariate.log_joint_density(X, *theta)[1]).all()
        resp = multivariate.e_step(X, *theta)
        np.testing.assert_array_equal(resp, [[1] * 5, [0] * 5])
        Q = multivariate.expected_log_likelihood(X, resp, *theta)
    assert Q == pytest.approx(multivariate_normal(FAITHFUL[0], np.eye(2)).logpdf(X).sum(), rel=1e-13)
    assert Q == pytest.approx(multivariate.log_likelihood(X, *theta), rel=1e-14)


@each_d
@pytest.mark.parametrize("seed", [0, 1])
def test_cookbook(d, seed):
    "Each identity that the derivation cites, where it is said to hold: for matrices that are not symmetric too"
    x, mean, S, skew = one(d, seed)
    for matrix in (S, skew):
        got = multivariate.quadratic_form(x, mean, matrix)
        assert type(got) is float and got == pytest.approx(plain_quadratic(x, mean, matrix), rel=1e-10)
        close(multivariate.grad_quadratic_covariance(x, mean, matrix), slope(plain_quadratic, x, mean, matrix, which=2), 1e-10)
        close(multivariate.grad_determinant(matrix), slope(np.linalg.det, matrix, which=0))
        close(multivariate.grad_log_determinant(matrix), slope(lambda A: np.log(np.linalg.det(A)**2) / 2, matrix, which=0))
    close(multivariate.grad_quadratic_mean(x, mean, S), slope(plain_quadratic, x, mean, S, which=1), 1e-10)
    close(multivariate.grad_density_mean(x, mean, S), slope(plain_density, x, mean, S, which=1))
    close(multivariate.grad_density_covariance(x, mean, S), slope(plain_density, x, mean, S, which=2))


@each_d
def test_symmetric_gradient(d):
    x, mean, S, _ = one(d)
    loose = slope(plain_log_density, x, mean, S, which=2)
    tight = slope(plain_log_density, x, mean, S, which=2, tied=True)
    close(multivariate.symmetric_gradient(loose), tight)
    close(multivariate.symmetric_gradient(np.stack([loose, 2 * loose, 0 * loose])), np.stack([tight, 2 * tight, 0 * tight]))
    assert multivariate.symmetric_gradient([[1, 2], [5, 7]]).tolist() == [[1, 7], [7, 7]]


@pytest.mark.parametrize("kind", [list, lambda a: a.astype(np.float32)])
def test_cookbook_takes_lists_and_short_floats(kind):
    x, mean, S = np.array([1.0, 2.0]), np.array([-1.0, 0.5]), np.array([[4.0, 2.0], [2.0, 3.0]])
    for function in (multivariate.quadratic_form, multivariate.grad_quadratic_mean, multivariate.grad_quadratic_covariance,
                     multivariate.grad_density_mean, multivariate.grad_density_covariance):
        np.testing.assert_allclose(function(kind(x), kind(mean), kind(S)), function(x, mean, S), rtol=1e-5)
    for function in (multivariate.grad_determinant, multivariate.grad_log_determinant):
        np.testing.assert_allclose(function(kind(S)), function(S), rtol=1e-5)


@pytest.mark.parametrize("function", [gaussian.univariate_density, univariate.d_density_d_mean, univariate.d_density_d_sd])
@pytest.mark.parametrize("x, mean, variance", [(np.int8([100]), np.int8([-100]), 1e4), (np.int32([100_000]), np.int32([0]), 1e10)])
def test_short_integers_in_one_dimension(function, x, mean, variance):
    np.testing.assert_allclose(function(x, mean, variance), function(x.astype(float), mean.astype(float), variance), rtol=1e-12)


@pytest.mark.parametrize("function", [multivariate.quadratic_form, multivariate.grad_quadratic_mean, multivariate.grad_quadratic_covariance,
                                      multivariate.grad_density_mean, multivariate.grad_density_covariance])
def test_short_integers(function):
    x, mean, S = np.int8([100, 1]), np.int8([-100, 2]), np.diag([1e4, 1.0])
    np.testing.assert_allclose(function(x, mean, S), function(x.astype(float), mean.astype(float), S), rtol=1e-12)


@each_d
@pytest.mark.parametrize("K", [1, 2])
def test_multivariate_gradient(d, K):
    X = clusters(d, 8)
    theta = theta_d(X, K)
    for got, which in zip(multivariate.gradient(X, *theta), range(3)):
        close(got, slope(lambda *theta: plain_log_likelihood(X, *theta), *theta, which=which), 1e-10)


def test_multivariate_gradient_with_responsibilities_and_multiplier():
    X, resp = clusters(2, 8), some_resp(2, 8)
    theta = theta_d(X, 2)
    want = [slope(lambda *theta: plain_q(X, resp, *theta), *theta, which=which) for which in range(3)]
    for got, w in zip(multivariate.gradient(X, *theta, resp), want): close(got, w, 1e-10)
    for got, w in zip(multivariate.gradient(X, *theta, resp=resp, multiplier=-8.0), (want[0] - 8, *want[1:])): close(got, w, 1e-10)


@each_d
def test_multivariate_m_step(d):
    X, resp = clusters(d), some_resp(3, 60)
    weights, means, matrices = theta = multivariate.m_step(X, resp)
    close(weights, resp.mean(axis=1))
    close(means, [np.average(X, axis=0, weights=r) for r in resp])
    close(matrices, [np.cov(X.T, aweights=r, ddof=0).reshape(d, d) for r in resp])
    for part in multivariate.gradient(X, *theta, resp, multiplier=-60.0): np.testing.assert_allclose(part, 0, atol=1e-9)


def test_q():
    X, resp = clusters(2), some_resp(3, 60)
    theta = theta_d(X)
    Q = multivariate.expected_log_likelihood(X, resp, *theta)
    assert type(Q) is float and Q == pytest.approx(plain_q(X, resp, *theta), rel=1e-12)
    entropy = lambda resp: entr(resp).sum()
    own, L = multivariate.e_step(X, *theta), multivariate.log_likelihood(X, *theta)
    assert multivariate.expected_log_likelihood(X, own, *theta) + entropy(own) == pytest.approx(L, rel=1e-13)  # the bound touches here
    assert Q + entropy(resp) < L - 1  # and nowhere else
    best = multivariate.m_step(X, resp)
    for near in (theta, (best[0], best[1] + 1e-3, best[2]), (best[0], best[1], 1.001 * best[2]), (np.roll(best[0], 1), *best[1:])):
        assert multivariate.expected_log_likelihood(X, resp, *near) < multivariate.expected_log_likelihood(X, resp, *best)


@pytest.mark.parametrize("kind", [lambda a: a.tolist(), lambda a: a.astype(np.float32), lambda a: a.astype(int), np.asfortranarray, pd.DataFrame])
def test_kinds_of_multivariate_data(kind):
    "Whole numbers, and parameters that every kind holds exactly"
    X = np.round(FAITHFUL * [10, 1])
    theta = np.array([1.0]), np.array([[35.0, 71.0]]), np.array([[[128.0, 64.0], [64.0, 256.0]]])
    given, resp = [array if kind is pd.DataFrame else kind(array) for array in theta], np.ones((1, 272))
    for function in (multivariate.log_joint_density, multivariate.log_likelihood, multivariate.e_step, multivariate.gradient, multivariate.em):
        for got, want in zip(parts(function(kind(X), *given)), parts(function(X, *theta))): np.testing.assert_allclose(got, want, rtol=1e-13)
    for got, want in zip(multivariate.m_step(kind(X), kind(resp)), multivariate.m_step(X, resp)): np.testing.assert_allclose(got, want, rtol=1e-13)


def test_means_to_start_from_may_be_a_frame():
    weights, means, matrices = theta_d(FAITHFUL, 2)
    framed = multivariate.em(FAITHFUL, weights, pd.DataFrame(means), matrices)
    np.testing.assert_array_equal(framed.means, multivariate.em(FAITHFUL, weights, means, matrices).means)


@pytest.mark.parametrize("scales, offset", [([1e-6, 1e6], 0), ([1, 1], 1e4), ([-1, 1e-9], 0)])
def test_multivariate_em_in_other_units(scales, offset):
    U, theta = np.diag(scales), theta_d(FAITHFUL)
    moved = lambda weights, means, matrices: (weights, means @ U + offset, U @ matrices @ U)
    X = FAITHFUL @ U + offset
    a, b = multivariate.m_step(FAITHFUL, multivariate.e_step(FAITHFUL, *theta)), multivariate.m_step(X, multivariate.e_step(X, *moved(*theta)))
    for got, want in zip(b, moved(*a)): np.testing.assert_allclose(got, want, rtol=1e-7)
    assert multivariate.log_likelihood(X, *b) == pytest.approx(multivariate.log_likelihood(FAITHFUL, *a) - 272 * np.log(np.abs(scales)).sum(), rel=1e-8)


# ---- one step of EM, by everybody

@pytest.mark.parametrize("X", [WAITING[:, None], FAITHFUL, data("iris")], ids=["waiting", "faithful", "iris"])
def test_one_step_of_em(X):
    "The textbook, the plain formulas, the engine and scikit-learn, from one start"
    theta = theta_d(X)
    book = multivariate.m_step(X, multivariate.e_step(X, *theta))
    plain = plain_m_step(X, plain_e_step(X, *theta)[0], "full")
    engine = m_step(e_step(X, Mixture(*theta)))
    with pytest.warns(ConvergenceWarning):
        other = Reference(3, reg_covar=0, tol=0, max_iter=1, weights_init=theta[0], means_init=theta[1], precisions_init=np.linalg.inv(theta[2])).fit(X)
    for ours, name, want in zip(book, ("weights", "means", "covariances"), plain):
        close(ours, want, 1e-10)
        close(getattr(engine, name), ours, 1e-9)
        close(getattr(other, f"{name}_"), ours, 1e-7)  # it adds 10 ε to counts, and starts from inverses
    if X.shape[1] == 1:
        flat = univariate.m_step(X[:, 0], univariate.e_step(X[:, 0], *(part.reshape(3) for part in theta)))
        for ours, want in zip(flat, book): close(ours, want.reshape(3), 1e-10)


@each_structure
def test_one_sample_serves_mixtures_of_any_size(structure):
    "The engine keeps work space between E-steps; more components or fewer must not meet the space of others"
    sample = prepare(FAITHFUL, structure=structure)
    for K in (2, 3, 3, 1, 2):
        weights, means, matrices = theta_d(FAITHFUL, K)
        own = {"full": matrices, "tied": matrices[0], "diag": np.diagonal(matrices, axis1=1, axis2=2), "spherical": matrices[:, 0, 0]}[structure]
        mixture = Mixture(weights, means, own, structure)
        engine, theta = e_step(sample, mixture), (weights, means, mixture.matrices())
        assert engine.log_likelihood == pytest.approx(multivariate.log_likelihood(FAITHFUL, *theta), rel=1e-10)
        close(engine.counts, multivariate.e_step(FAITHFUL, *theta).sum(axis=1), 1e-9)


def test_three_passes_and_no_more():
    "Steps that end before the rule is met or the passes are used up: the engine's trace is the textbook's"
    theta = theta_d(FAITHFUL)
    with pytest.warns(UserWarning, match="did not converge"): book = multivariate.em(FAITHFUL, *theta, tol=0, max_iter=3)
    engine = run(islice(em_steps(prepare(FAITHFUL), Mixture(*theta)), 3), 272, tol=0, max_iter=10)
    assert engine.n_iter == 3 and engine.converged is False
    close(engine.log_likelihoods, book.log_likelihoods[:3])
    for name in ("weights", "means", "covariances"): close(getattr(engine.mixture, name), getattr(book, name), 1e-9)


# ---- the loops

BOOKS = {"univariate": (univariate, WAITING, theta_1d(2)), "multivariate": (multivariate, FAITHFUL, theta_d(FAITHFUL, 2))}
each_book = pytest.mark.parametrize("book", BOOKS)


@each_book
@each_rule
def test_em(book, rule, what):
    module, X, start = BOOKS[book]
    fit = module.em(X, *start, tol=1e-8, rule=rule)
    assert type(fit) is module.Fit and fit.converged is True and 5 < fit.n_iter < 1000
    theta, trace, n = tuple(fit[:3]), [module.log_likelihood(X, *start)], 0
    step = start
    while n < fit.n_iter:  # the same loop, by hand
        old, step, n = step, module.m_step(X, module.e_step(X, *step)), n + 1
        trace.append(module.log_likelihood(X, *step))
        moved = {"means": np.abs(step[1] - old[1]).max(), "log-likelihood": abs(trace[-1] - trace[-2]) / 272}[rule]
        assert (moved < 1e-8) == (n == fit.n_iter)
    for got, want in zip(theta, step): np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(fit.log_likelihoods, trace)
    assert (np.diff(trace) > -1e-9).all() and trace[-1] > trace[0] + 1
    columns = X[:, None] if X.ndim == 1 else X
    engine = fit_mixture(columns, Mixture(start[0], start[1].reshape(2, -1), np.reshape(start[2], (2, columns.shape[1], -1))), tol=1e-13)
    np.testing.assert_allclose(fit.means.reshape(2, -1), engine.mixture.means, rtol=1e-3)
    assert trace[-1] == pytest.approx(engine.log_likelihoods[-1], abs=1e-4)


@each_book
@each_rule
def test_em_that_does_not_converge_warns(book, rule, what):
    module, X, start = BOOKS[book]
    message = f"did not converge: iteration 3 still changed {what} by [0-9.e-]+, and tol is 1e-12. Raise max_iter or tol"
    with pytest.warns(UserWarning, match=message) as seen:
        fit = module.em(X, *start, tol=1e-12, rule=rule, max_iter=3)
    assert len(seen) == 1 and seen[0].filename == __file__
    assert fit.converged is False and fit.n_iter == 3 and len(fit.log_likelihoods) == 4
    moved = float(str(seen[0].message).split(" by ")[1].split(",")[0])
    before = module.m_step(X, module.e_step(X, *module.m_step(X, module.e_step(X, *start))))
    want = np.abs(fit.means - before[1]).max() if rule == "means" else abs(np.diff(fit.log_likelihoods)[-1]) / 272
    assert moved == pytest.approx(want, rel=5e-3)


@each_book
def test_em_at_its_limits(book):
    "A tolerance of zero is never met, even where nothing changes any more; a large one after a single iteration"
    module, X, start = BOOKS[book]
    for a, b in zip(module.em(X, *start), module.em(X, *start, tol=1e-6, rule="means", max_iter=1000)): np.testing.assert_array_equal(a, b)
    single = [1.0], start[1][:1], start[2][:1]
    with pytest.warns(UserWarning, match="iteration 4 still changed the means by 0, and tol is 0"): module.em(X, *single, tol=0, max_iter=4)
    assert module.em(X, *single, tol=1e-300).n_iter == 2
    assert module.em(X, *start, tol=1e9).n_iter == 1 and module.em(X, *start, tol=np.float32(1e9), max_iter=np.int64(1)).converged
    with pytest.warns(UserWarning, match="tol is 0"): assert not module.em(X, *start, tol=0, max_iter=2).converged


@each_book
@pytest.mark.parametrize("options, message", [
    ({"rule": "weights"}, "rule is 'weights'; expected 'means' or 'log-likelihood'"), ({"rule": None}, "rule is None"),
    ({"tol": -1e-3}, r"tol is -0\.001; expected a number, at least 0"), ({"tol": np.nan}, "tol is nan"), ({"tol": "small"}, "tol is 'small'"),
    ({"tol": None}, "tol is None"),
    ({"max_iter": 0}, "max_iter is 0; expected a whole number, at least 1"), ({"max_iter": 2.5}, r"max_iter is 2\.5"),
    ({"max_iter": None}, "max_iter is None")])
def test_em_options_that_make_no_sense(book, options, message):
    module, X, start = BOOKS[book]
    with pytest.raises(ValueError, match=message): module.em(X, *start, **options)


@each_book
def test_nothing_that_is_given_changes(book):
    module, X, start = BOOKS[book]
    given = [np.array(array) for array in (X, *start)]
    resp = module.e_step(X, *start)
    for array in (*given, resp): array.setflags(write=False)  # writing would raise
    module.m_step(given[0], resp), module.gradient(*given, resp), module.em(*given)
    for array, want in zip(given, (X, *start)): np.testing.assert_array_equal(array, want)


def test_a_univariate_component_that_collapses():
    "Three equal values far from the others: a variance of exactly 0"
    message = "variance 0 is 0; expected a number above 0.*component 0 has shrunk onto a single value of x: start elsewhere, or use fewer"
    with pytest.raises(ValueError, match=message):
        univariate.em([0.0, 0.0, 0.0, 5.0, 6.0, 7.0], [0.5, 0.5], [0.0, 6.0], [1e-4, 1.0])


def test_a_multivariate_component_that_collapses():
    with pytest.raises(ValueError, match=r"covariance\[0\] is not positive definite: its eigenvalues run from 0"):
        multivariate.em([[0.0, 0.0]] * 3 + [[5.0, 5.0], [6.0, 7.0], [7.0, 5.0]], [0.5, 0.5], [[0.0, 0.0], [6.0, 6.0]], [1e-4 * np.eye(2), np.eye(2)])


# ---- what is refused

X1, GOOD1 = [1.0, 2.0, 3.0], {"weights": [0.5, 0.5], "means": [1.0, 3.0], "variances": [1.0, 2.0]}
X2, GOOD2 = [[1.0, 2.0], [3.0, 5.0], [4.0, 0.0]], {"weights": [0.5, 0.5], "means": [[1.0, 2.0], [3.0, 4.0]], "covariances": [np.eye(2), 2 * np.eye(2)]}
WEIGHTS = [
    ({"weights": [0.5, 0.6]}, r"weights are \[0\.5, 0\.6\], with the sum 1\.1; expected none below 0 and the sum 1\. Divide positive numbers by their sum"),
    ({"weights": [1.5, -0.5]}, r"weights are \[1\.5, -0\.5\], with the sum 1; expected none below 0"),
    ({"weights": 1.0}, r"weights has shape \(\); expected shape \(K,\)"),
    ({"weights": []}, r"weights has shape \(0,\)"), ({"weights": [[0.5, 0.5]]}, r"weights has shape \(1, 2\)"),
    ({"weights": [0.5, np.nan]}, "weights holds NaN or infinity"),
    ({"weights": ["a", "b"]}, "weights has dtype <U1; expected real numbers, shape"), ({"weights": [0.5, 0.5j]}, "weights has dtype complex"),
    ({"weights": [[0.5], [0.2, 0.3]]}, "weights has rows of different lengths; expected an array of numbers")]
EVALUATE1 = (univariate.joint_density, univariate.log_likelihood, univariate.e_step, univariate.gradient, univariate.em)
EVALUATE2 = (multivariate.log_joint_density, multivariate.log_likelihood, multivariate.e_step, multivariate.gradient, multivariate.em)


@pytest.mark.parametrize("change, message", WEIGHTS + [
    ({"means": [1.0]}, r"means has shape \(1,\); expected shape \(2,\), a number for each weight"),
    ({"means": [[1.0], [2.0]]}, r"means has shape \(2, 1\)"),
    ({"means": [0.0, np.inf]}, "means holds NaN or infinity; expected finite numbers"), ({"means": [None, 1.0]}, "means has dtype object"),
    ({"variances": [1.0, 2.0, 3.0]}, r"variances has shape \(3,\); expected shape \(2,\)"),
    ({"variances": [1.0, -2.0]}, "variance 1 is -2; expected a number above 0"),
    ({"variances": [0.0, 1.0]}, "variance 0 is 0; expected a number above 0"), ({"variances": [np.nan, 1.0]}, "variances holds NaN")])
def test_univariate_parameters_that_are_refused(change, message):
    for function in EVALUATE1:
        with pytest.raises(ValueError, match=message): function(X1, **(GOOD1 | change))


@pytest.mark.parametrize("x, message", [
    (X2, r"x has shape \(3, 2\); expected one dimension, \(M,\)\. Pass one column, such as X\[:, 0\], or use gmm_nb\.multivariate"),
    (1.0, r"x has shape \(\)"),
    ([1.0, np.nan], r"x has 1 NaN or infinite value\(s\)"), ([], r"x has 0 sample\(s\)"), (["a"], "x has dtype <U1; expected numbers"),
    ([1j], "Complex data not supported: x"),
    ([[1.0], [2.0, 3.0]], "x has rows of different lengths")])
def test_univariate_data_that_are_refused(x, message):
    for function in EVALUATE1:
        with pytest.raises(ValueError, match=message): function(x, **GOOD1)
    with pytest.raises(ValueError, match=message): univariate.m_step(x, np.full((2, 1), 0.5))


def test_a_point_that_all_components_miss():
    message = r"x\[1\] = 1000 is so far from every component that its density is 0 as a float; start nearer to the data, or use gmm_nb\.multi"
    for function in EVALUATE1:
        with pytest.raises(ValueError, match=message): function([2.0, 1000.0, 2000.0], **GOOD1)


@pytest.mark.parametrize("change, message", WEIGHTS + [
    ({"means": [[1.0, 2.0]]}, r"means has shape \(1, 2\); expected shape \(2, d\), a row for each weight"),
    ({"means": [1.0, 2.0]}, r"means has shape \(2,\)"),
    ({"means": np.empty((2, 0))}, r"means has shape \(2, 0\)"), ({"means": [[0.0, np.inf], [1.0, 1.0]]}, "means holds NaN or infinity"),
    ({"means": [["a", "b"], ["c", "d"]]}, "means has dtype"),
    ({"means": np.ones((2, 3))}, r"covariances has shape \(2, 2, 2\); expected shape \(2, 3, 3\), a square matrix for each"),
    ({"covariances": np.eye(2)}, r"covariances has shape \(2, 2\); expected shape \(2, 2, 2\)"),
    ({"covariances": np.full((2, 2, 2), np.nan)}, "covariances holds NaN"),
    ({"covariances": [np.eye(2), -np.eye(2)]}, r"covariance\[1\] is not positive definite"),
    ({"covariances": [np.eye(2), [[1.0, 0.5], [0.0, 1.0]]]}, r"covariance\[1\] is not symmetric")])
def test_multivariate_parameters_that_are_refused(change, message):
    for function in EVALUATE2:
        with pytest.raises(ValueError, match=message): function(X2, **(GOOD2 | change))
    with pytest.raises(ValueError, match=message): multivariate.expected_log_likelihood(X2, np.full((2, 3), 0.5), **(GOOD2 | change))


@pytest.mark.parametrize("X, message", [
    ([1.0, 2.0], r"X has shape \(2,\); expected 2D data"), ([[1.0, 2.0, 3.0]], r"X has 3 column\(s\); expected 2"),
    ([[1.0, np.inf]], "X has 1 NaN or infinite"),
    (np.empty((0, 2)), r"X has 0 sample\(s\)"), ([["a", "b"]], "X has dtype <U1"), ([[1.0], [2.0, 3.0]], "X has rows of different lengths")])
def test_multivariate_data_that_are_refused(X, message):
    for function in EVALUATE2:
        with pytest.raises(ValueError, match=message): function(X, **GOOD2)
    with pytest.raises(ValueError, match=message): multivariate.expected_log_likelihood(X, np.full((2, len(X)), 0.5), **GOOD2)
    if "column" not in message:
        with pytest.raises(ValueError, match=message): multivariate.m_step(X, np.full((2, max(len(X), 1)), 0.5))


RESP = [
    (np.full((2, 4), 0.5), r"resp has shape \(2, 4\); expected shape \((2|K), 3\), a row for each component and a column for each point"),
    (np.ones(3), r"resp has shape \(3,\)"),
    (np.empty((0, 3)), r"resp has shape \(0, 3\)"), (np.full((2, 3), np.nan), "resp holds NaN"), ([["a"] * 3] * 2, "resp has dtype"),
    ([[1.0] * 3, [0.0]], "resp has rows of different"),
    (np.full((2, 3), 0.4), r"resp has entries from 0\.4 and column sums from 0\.8 to 0\.8; expected entries from 0 and column sums of 1\. Divide each column by its sum"),
    ([[1.5, 1, 1], [-0.5, 0, 0]], r"resp has entries from -0\.5 and column sums from 1 to 1")]


@pytest.mark.parametrize("resp, message", RESP + [
    ([[1, 1, 1], [0, 0, 0]], r"component 1 is responsible for no point \(M_k = 0\).*0/0; start it nearer to the data, or use fewer")])
def test_responsibilities_that_are_refused(resp, message):
    for call in (lambda: univariate.m_step(X1, resp), lambda: univariate.gradient(X1, **GOOD1, resp=resp),
                 lambda: multivariate.m_step(X2, resp), lambda: multivariate.gradient(X2, **GOOD2, resp=resp)):
        with pytest.raises(ValueError, match=message): call()


def test_sums_of_one_but_for_rounding():
    "Weights and columns of responsibilities may be 1e-6 off, and no more"
    for off, allowed in ((9e-7, True), (1.1e-6, False), (-9e-7, True), (-1.1e-6, False)):
        resp = np.full((2, 3), 0.5) + [[off], [0.0]]
        for call in (lambda: univariate.log_likelihood(X1, **GOOD1 | {"weights": [0.5 + off, 0.5]}), lambda: univariate.m_step(X1, resp),
                     lambda: multivariate.log_likelihood(X2, **GOOD2 | {"weights": [0.5 + off, 0.5]}), lambda: multivariate.m_step(X2, resp)):
            if allowed:
                assert call() is not None
            else:
                with pytest.raises(ValueError, match="sum"): call()


@pytest.mark.parametrize("resp, message", RESP)
def test_responsibilities_that_are_refused_in_q(resp, message):
    with pytest.raises(ValueError, match=message): multivariate.expected_log_likelihood(X2, resp, **GOOD2)


@pytest.mark.parametrize("function", [univariate.gradient, multivariate.gradient])
def test_responsibilities_for_another_number_of_components(function):
    X, good = (X1, GOOD1) if function is univariate.gradient else (X2, GOOD2)
    with pytest.raises(ValueError, match=r"resp has shape \(3, 3\); expected shape \(2, 3\)"): function(X, **good, resp=np.full((3, 3), 1 / 3))
