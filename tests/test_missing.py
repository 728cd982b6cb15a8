"Marginals, conditionals and quantiles of a mixture; tables with holes: sums, fits, scores, imputation."
import pickle
import warnings
from itertools import islice

import gmm_nb.missing as missing
import mpmath
import numpy as np
import pandas as pd
import pytest
from gmm_nb.acceleration import ACCELERATIONS, climb, fit_mixture, steps_by
from gmm_nb.covariance import m_step, variance_floor
from gmm_nb.e_step import e_step
from gmm_nb.em import em_steps, run
from gmm_nb.estimator import GaussianMixture, VarianceFloorWarning
from gmm_nb.initialization import METHODS
from gmm_nb.missing import complete_rows, has_holes, impute, log_joint, prepare_holes, prepare_table
from gmm_nb.mixture import SAME, STORED, Conditional, Mixture, covariances_shape
from gmm_nb.statistics import prepare
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats
from sklearn.base import clone

STRUCTURE = pytest.mark.parametrize("structure", [name for name in STORED if name not in SAME])
PARTS = "counts", "first", "second", "log_likelihood", "n_samples"


def covariances(structure, K, d, rng):
    A = rng.normal(size=(K, d, d))
    S = A @ np.swapaxes(A, 1, 2) / d + 0.3 * np.eye(d)
    shape = covariances_shape(structure, K, d)
    if shape == S.shape: return S
    if structure == "tied": return S[0]
    if structure in ("EEI", "EII"): S = np.repeat(S[:1], K, axis=0)
    return np.diagonal(S, axis1=1, axis2=2) if len(shape) == 2 else S[:, 0, 0]


def some_mixture(structure="full", K=3, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return Mixture(rng.dirichlet(np.full(K, 5.0)), 2 * rng.normal(size=(K, d)), covariances(structure, K, d, rng), structure)


def table(mixture, n=200, share=0.3, seed=1):
    "Rows with holes, none without any value"
    rng = np.random.default_rng(seed)
    X, labels = mixture.sample(n, rng)
    X[rng.random(X.shape) < share] = np.nan
    alone = np.isnan(X).all(axis=1)
    X[alone, 0] = mixture.means[labels[alone], 0]
    return X


def kept(S, structure):
    "What a structure keeps of matrices (K, d, d)"
    if structure == "tied": return S.sum(axis=0)
    if structure == "EEI": return np.diagonal(S.sum(axis=0))
    if structure == "EII": return np.trace(S.sum(axis=0))
    ndim = len(covariances_shape(structure, *S.shape[:2]))
    return {3: S, 2: np.diagonal(S, axis1=1, axis2=2), 1: np.trace(S, axis1=1, axis2=2)}[ndim]


def textbook(X, mixture, weights, about):
    "The sums, row by row, by the formulas with Σ"
    (n, d), K = X.shape, mixture.n_components
    counts, first, second, L = np.zeros(K), np.zeros((K, d)), np.zeros((K, d, d)), 0.0
    for x, w in zip(X, weights):
        o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
        a, rows, spreads = [], [], []
        for phi, mu, S in zip(mixture.weights, mixture.means, mixture.matrices()):
            a.append(np.log(phi) + stats.multivariate_normal.logpdf(x[o], mu[o], S[np.ix_(o, o)]))
            B = S[np.ix_(m, o)] @ np.linalg.inv(S[np.ix_(o, o)])
            whole, C = x.copy(), np.zeros((d, d))
            whole[m] = mu[m] + B @ (x[o] - mu[o])
            C[np.ix_(m, m)] = S[np.ix_(m, m)] - B @ S[np.ix_(o, m)]
            rows.append(whole), spreads.append(C)
        total = np.logaddexp.reduce(a)
        gamma, L = w * np.exp(a - total), L + w * total
        for k in range(K):
            z = rows[k] - about[k]
            counts[k] += gamma[k]
            first[k] += gamma[k] * z
            second[k] += gamma[k] * (np.outer(z, z) + spreads[k])
    return counts, first, kept(second, mixture.structure), L, weights.sum()


# ---- marginals, conditionals

@STRUCTURE
def test_conditional_is_joint_over_marginal(structure):
    mixture = some_mixture(structure, d=5)
    X = mixture.sample(100, np.random.default_rng(2))[0]
    for o in ([0], [3, 1], [4, 0, 2, 1]):
        m = np.setdiff1d(range(5), o)
        given = mixture.condition(o, X[:, o])
        quotient = mixture.log_density(X) - mixture.marginal(o).log_density(X[:, o])
        assert_allclose(given.log_density(X[:, m]), quotient, rtol=1e-12, atol=1e-12)
        one = given[7]
        assert isinstance(one, Mixture) and len(given) == 100
        assert_allclose(one.log_density(X[7:8, m]), quotient[7:8], rtol=1e-12, atol=1e-12)


@STRUCTURE
def test_marginal_is_the_integral(structure):
    mixture = some_mixture(structure, d=2)
    one = mixture.marginal(1)
    for y in (-1.0, 0.5, 2.0):
        area, _ = integrate.quad(lambda x: np.exp(mixture.log_density([[x, y]])[0]), -30, 30, limit=200)
        assert_allclose(np.exp(one.log_density([[y]])[0]), area, rtol=1e-7)


def test_marginal_keeps_the_order_and_the_structure():
    mixture = some_mixture()
    turned = mixture.marginal([2, 0, 3, 1])
    X = mixture.sample(20, np.random.default_rng(0))[0]
    assert_allclose(turned.log_density(X[:, [2, 0, 3, 1]]), mixture.log_density(X), rtol=1e-12)
    for structure in ("full", "tied", "diag", "spherical"):
        assert some_mixture(structure).marginal([1, 3]).structure == structure


def test_moments_and_draws_of_conditionals():
    mixture = some_mixture(K=3, d=4, seed=3)
    given = mixture.condition([1], np.full((200_000, 1), 0.4))
    mean, covariance = given.mean()[0], given.covariance()[0]
    Y = given.sample(np.random.default_rng(0))
    assert_allclose(Y.mean(axis=0), mean, atol=0.02)
    assert_allclose(np.cov(Y.T), covariance, atol=0.04)
    part = given.marginal([2, 0])
    assert_allclose(part.mean()[0], mean[[2, 0]], rtol=1e-14)
    assert_allclose(part.covariance()[0], covariance[np.ix_([2, 0], [2, 0])], rtol=1e-13)
    assert_array_equal(Y, given.sample(np.random.default_rng(0)))
    with pytest.raises(TypeError, match="Generator"): given.sample(0)


@pytest.mark.parametrize("ask, message", [
    (lambda m: m.marginal([0, 4]), "from 0 to 3"), (lambda m: m.marginal([-1]), "from 0 to 3"), (lambda m: m.marginal([]), "from 0 to 3"),
    (lambda m: m.marginal([1, 1]), "once"), (lambda m: m.marginal("a"), "whole numbers"), (lambda m: m.marginal([0.5]), "whole numbers"),
    (lambda m: m.marginal([[0, 1]]), "whole numbers"), (lambda m: m.condition([0, 1, 2, 3], np.zeros((1, 4))), "at least one to be unknown"),
    (lambda m: m.condition([0, 1], np.zeros((5, 3))), "expected 2"), (lambda m: m.condition([0], [0.5]), "2D"),
    (lambda m: m.condition([0], [[np.nan]]), "NaN"), (lambda m: m.cdf(0.5), "marginal"), (lambda m: m.quantile(0.5), "marginal"),
    (lambda m: m.marginal(0).quantile(1.5), "between 0 and 1"), (lambda m: m.marginal(0).quantile([0.5, np.nan]), "between 0 and 1"),
    (lambda m: m.marginal(0).cdf(np.nan), "NaN"), (lambda m: m.condition(0, [[1.0]]).quantile(0.5), "marginal"),
    (lambda m: m.condition(0, [[1.0]]).log_density(np.zeros((2, 3))), "expected 1"), (lambda m: m.condition(0, [[1.0]]).marginal(3), "from 0 to 2")])
def test_bad_questions(ask, message):
    with pytest.raises(ValueError, match=message): ask(some_mixture())


# ---- cdf and quantiles

def test_quantiles_of_one_gaussian():
    one = Mixture([1.0], [[3.0]], [[4.0]], "diag")
    p = np.array([1e-300, 1e-20, 1e-5, 0.2, 0.5, 0.9, 1 - 1e-12, 1 - 1e-15])
    assert_allclose(one.quantile(p), stats.norm.ppf(p, 3, 2), rtol=1e-14)
    assert_allclose(one.cdf([-5.0, 3.0, 9.0]), stats.norm.cdf([-5.0, 3.0, 9.0], 3, 2), rtol=1e-14)
    assert_array_equal(one.quantile([0.0, 1.0]), [-np.inf, np.inf])
    assert_array_equal(one.cdf([-np.inf, np.inf]), [0.0, 1.0])
    assert one.quantile(0.5).shape == () and one.quantile([[0.1, 0.2]]).shape == (1, 2)


@pytest.mark.parametrize("weights, means, sds", [
    ([0.5, 0.5], [-50.0, 50.0], [1.0, 1.0]), ([0.999, 0.001], [0.0, 10.0], [1e-6, 1.0]), ([1e-200, 1 - 1e-200], [-1e3, 0.0], [1.0, 1.0]),
    ([0.3, 0.0, 0.7], [0.0, 1e6, 1.0], [1.0, 1.0, 2.0]), ([0.2, 0.3, 0.5], [1e8, 1e8 + 1, 1e8 + 2], [0.1, 0.2, 0.3])])
def test_quantiles_invert_the_distribution_function(weights, means, sds):
    mixture = Mixture(weights, np.reshape(means, (-1, 1)), np.square(sds)[:, None], "diag")
    p = np.concatenate([np.geomspace(1e-250, 0.4, 60), np.linspace(0.4, 0.999, 50)])
    x = mixture.quantile(p)
    assert np.all(np.diff(x) >= 0)
    near = [np.nextafter(x, side) for side in (-np.inf, np.inf)]  # where the curve is steep the next number is another p
    low, high = (mixture.cdf(x + 8 * (side - x)) for side in near)
    assert np.all(low <= p * (1 + 1e-12)) and np.all(high >= p * (1 - 1e-12))


def test_quantiles_of_many_conditionals():
    mixture = some_mixture(seed=5)
    given = mixture.condition([0, 1], mixture.sample(50, np.random.default_rng(0))[0][:, :2]).marginal(1)
    for p in (0.01, 0.5, 0.99):
        values = given.quantile(p)
        assert_allclose(given.cdf(values), p, rtol=1e-12)
        assert_allclose(values[9], given[9].quantile(p), rtol=1e-13)
    p = np.linspace(0.1, 0.9, 50)
    assert_allclose(given.cdf(given.quantile(p)), p, rtol=1e-12)


# ---- the sums

@STRUCTURE
@pytest.mark.parametrize("common", [1, 20, 10**9])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_are_the_textbooks(structure, common, weighted, monkeypatch):
    monkeypatch.setattr(missing, "COMMON", common)
    mixture = some_mixture(structure)
    X = table(mixture)
    weights = np.random.default_rng(0).integers(1, 5, len(X)).astype(float) if weighted else np.ones(len(X))
    sample = prepare_holes(X, weights if weighted else None, structure)
    elsewhere = mixture.means + np.random.default_rng(1).normal(size=mixture.means.shape)
    for about in (None, elsewhere):
        found = e_step(sample, mixture, about=about)
        about = mixture.means if about is None else about
        for name, wanted in zip(PARTS, textbook(X, mixture, weights, about)):
            assert_allclose(getattr(found.about(about), name), wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max(), err_msg=name)


@pytest.mark.parametrize("structure", ["full", "tied"])
def test_both_ways_at_any_offset_and_scale(structure, monkeypatch):
    mixture = some_mixture(structure)
    X = table(mixture)
    for shift, scale in ((1e8, 1.0), (0.0, 1e-9), (-3e5, 1e6)):
        unit = scale * np.array([1.0, 1e4, 1e-5, 1.0])
        S = mixture.covariances * np.outer(unit, unit)
        there = Mixture(mixture.weights, mixture.means * unit + shift * unit, S, structure)
        moved = X * unit + shift * unit
        for common in (1, 10**9):
            monkeypatch.setattr(missing, "COMMON", common)
            here = m_step(e_step(prepare_holes(X, None, structure), mixture))
            found = m_step(e_step(prepare_holes(moved, None, structure), there))
            digits = 1e-12 + 1e-15 * abs(shift)
            assert_allclose((found.means - shift * unit) / unit, here.means, atol=10 * digits)
            assert_allclose(found.covariances / np.outer(unit, unit), here.covariances, rtol=1e-9, atol=10 * digits)


def exact(X, mixture):
    "Log-likelihood and expected second sums about the means, in 60 digits"
    mpmath.mp.dps = 60
    (n, d), K = X.shape, mixture.n_components
    S, L, second = [mpmath.matrix(s.tolist()) for s in mixture.matrices()], mpmath.mpf(0), [mpmath.zeros(d, d) for _ in range(K)]
    for x in X:
        o, m = [[int(j) for j in np.flatnonzero(hole)] for hole in (~np.isnan(x), np.isnan(x))]
        joint, parts = [], []
        for k in range(K):
            A = mpmath.matrix([[S[k][a, b] for b in o] for a in o])
            inverse = A**-1
            u = mpmath.matrix([mpmath.mpf(x[a]) - mpmath.mpf(mixture.means[k, a]) for a in o])
            joint.append(mpmath.mpf(mixture.weights[k]) * mpmath.exp(-(u.T * inverse * u)[0] / 2) / mpmath.sqrt((2 * mpmath.pi)**len(o) * mpmath.det(A)))
            z, C = [mpmath.mpf(0)] * d, mpmath.zeros(d, d)
            for a, value in zip(o, u): z[a] = value
            for a in m:
                row = mpmath.matrix([[S[k][a, b] for b in o]]) * inverse
                z[a] = (row * u)[0]
                for b in m: C[a, b] = S[k][a, b] - (row * mpmath.matrix([S[k][c, b] for c in o]))[0]
            parts.append([[z[a] * z[b] + C[a, b] for b in range(d)] for a in range(d)])
        total = mpmath.fsum(joint)
        L += mpmath.log(total)
        for k in range(K): second[k] += joint[k] / total * mpmath.matrix(parts[k])
    return float(L), np.array([np.array(s.tolist(), dtype=float) for s in second])


@pytest.mark.parametrize("condition", [1e4, 1e8, 1e12])
@pytest.mark.parametrize("common", [1, 10**9])
def test_no_digit_is_lost_beyond_the_complete_path(condition, common, monkeypatch):
    monkeypatch.setattr(missing, "COMMON", common)
    rng = np.random.default_rng(1)
    bases = np.linalg.qr(rng.normal(size=(2, 4, 4)))[0]
    S = (bases * np.geomspace(1, 1 / condition, 4)) @ np.swapaxes(bases, 1, 2)
    unit = np.array([1.0, 1e5, 1e-6, 1e2])
    S = 0.5 * (S + np.swapaxes(S, 1, 2)) * np.outer(unit, unit)
    mixture = Mixture([0.4, 0.6], 0.3 * rng.normal(size=(2, 4)) * unit, S)
    whole = mixture.sample(15, rng)[0]
    X = np.where(rng.random(whole.shape) < 0.35, np.nan, whole)
    X = X[~np.isnan(X).all(axis=1)]
    sd = np.sqrt(np.diagonal(S, axis1=1, axis2=2))

    def errors(rows, found):
        L, second = exact(rows, mixture)
        return abs(found.log_likelihood - L), np.abs((found.second - second) / sd[:, :, None] / sd[:, None]).max()
    whole_errors = errors(whole, e_step(prepare(whole), mixture, about=mixture.means))
    found = errors(X, e_step(prepare_holes(X), mixture).about(mixture.means))
    assert found[0] <= max(whole_errors[0], 1e-12)
    assert found[1] <= max(2.0**-52 * condition * 1e-4, 1e-11)
    joints = np.logaddexp.reduce(log_joint(mixture, X), axis=0).sum()
    assert abs(joints - exact(X, mixture)[0]) <= max(whole_errors[0], 1e-12)


@STRUCTURE
def test_any_number_of_threads_makes_the_same_bits(structure):
    mixture = some_mixture(structure, K=2, d=6)
    X = table(mixture, n=30_000, share=0.2)
    fits = [GaussianMixture(2, covariance_type=structure, missing="at_random", random_state=0, max_iter=5, n_jobs=jobs, tol=0) for jobs in (1, 2, 3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mixtures = [fit.fit(X).mixture_ for fit in fits]
    for other in mixtures[1:]:
        assert_array_equal(other.means, mixtures[0].means)
        assert_array_equal(other.covariances, mixtures[0].covariances)


@pytest.mark.parametrize("dtype, order", [("float32", "C"), ("float64", "F"), ("float32", "F")])
def test_types_and_orders(dtype, order):
    mixture = some_mixture()
    X = table(mixture, n=3000, share=0.1).astype(dtype)
    plain, other = (e_step(prepare_holes(x), mixture) for x in (X.astype(float), np.array(X, order=order)))
    for name in PARTS: assert_allclose(getattr(other, name), getattr(plain, name), rtol=1e-10, atol=1e-8)


def test_a_sample_without_holes_is_the_same_sample():
    mixture = some_mixture()
    X = mixture.sample(1000, np.random.default_rng(0))[0]
    assert type(prepare_table(X)) is type(prepare(X)) and not has_holes(X) and complete_rows(prepare(X), "full", None).X is X
    a, b = e_step(prepare_holes(X), mixture), e_step(prepare(X), mixture)
    for name in PARTS: assert_allclose(getattr(a.about(mixture.means), name), getattr(b.about(mixture.means), name), rtol=1e-11, atol=1e-9)
    huge = np.array([[1e308, 1.0], [1e308, 2.0]])
    assert not has_holes(huge) and has_holes(np.array([[1e308, np.nan], [1e308, 2.0]]))


def test_inverses_of_many_matrices():
    rng = np.random.default_rng(0)
    for q in (1, 2, 5, 9):  # the last by LAPACK, since they are few and large
        A = rng.normal(size=(50, q, 2 * q))
        A = A @ np.swapaxes(A, 1, 2)
        C, log_det = missing.inverses(np.moveaxis(A, 0, -1).copy())
        assert_allclose(np.moveaxis(C, -1, 0), np.linalg.inv(A), rtol=1e-9, atol=1e-12)
        assert_allclose(log_det, np.linalg.slogdet(A)[1], rtol=1e-11, atol=1e-11)
        P = np.swapaxes(np.linalg.cholesky(A), 1, 2)[0].T  # P Pᵀ = A
        C, log_det = missing.careful_inverses(P, np.arange(q)[:, None])
        assert_allclose(C[:, :, 0], np.linalg.inv(A[0]), rtol=1e-9, atol=1e-12)


# ---- EM

@pytest.mark.parametrize("common", [1, 10**9])
def test_andersons_formula(common, monkeypatch):
    "Monotone missing values of two columns have a maximum in closed form: Anderson (1957)"
    monkeypatch.setattr(missing, "COMMON", common)
    rng = np.random.default_rng(5)
    X = rng.multivariate_normal([10, 2], [[1, 0.7], [0.7, 2]], size=80)
    X[:30, 1] = np.nan
    pair, S = X[30:], np.cov(X[30:].T, bias=True)
    slope = S[0, 1] / S[0, 0]
    variance, mean = X[:, 0].var(), X[:, 0].mean()
    formula = [mean, pair[:, 1].mean() + slope * (mean - pair[:, 0].mean()), variance, slope * variance, S[1, 1] - slope * S[0, 1] + slope**2 * variance]
    for acceleration in ACCELERATIONS:
        found = climb(prepare_holes(X), Mixture([1.0], [[0.0, 0.0]], np.eye(2)[None]), acceleration=acceleration, max_iter=300, tol=0).mixture
        assert_allclose([*found.means[0], *found.covariances[0][[0, 0, 1], [0, 1, 1]]], formula, rtol=1e-12 if acceleration is None else 1e-8)
    fitted = GaussianMixture(missing="at_random", tol=1e-14).fit(X).mixture_
    assert_allclose(fitted.means[0], formula[:2], rtol=1e-6)


@STRUCTURE
@pytest.mark.parametrize("acceleration", ACCELERATIONS)
def test_the_likelihood_never_falls(structure, acceleration):
    "Over 1,000 passes, from a bad start, with a floor"
    X = table(some_mixture(structure, K=2, d=3), n=60)
    sample = prepare_holes(X, None, structure)
    start = Mixture([0.5, 0.5], np.nan_to_num(X[[0, 1]]), covariances(structure, 2, 3, np.random.default_rng(0)), structure)
    steps = steps_by(acceleration, structure)(sample, start, variance_floor(sample, 1e-6))
    values = np.array([step.log_likelihood for step in islice(steps, 1000)])
    assert len(values) == 1000 and np.diff(values).min() >= -2e-13 * np.abs(values).max()
    assert values[-1] > values[0] + 1


@STRUCTURE
def test_accelerations_end_at_the_same_place(structure):
    X = table(some_mixture(structure, K=2, d=3, seed=4), n=400)
    start = some_mixture(structure, K=2, d=3, seed=4)
    sample = prepare_holes(X, None, structure)
    ends = [climb(sample, start, acceleration=name, max_iter=3000, tol=1e-13) for name in ACCELERATIONS]
    for end in ends: assert_allclose(end.log_likelihoods[-1], ends[0].log_likelihoods[-1], rtol=1e-10)


def test_leaving_out_the_conditional_covariance_shrinks():
    "And so does filling in the mean; EM does not"
    rng = np.random.default_rng(0)
    whole = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=5000)
    X = whole.copy()
    X[:2500, 1] = np.nan
    fit = GaussianMixture(missing="at_random").fit(X)
    assert_allclose(fit.covariances_[0], np.cov(whole.T), atol=0.05)
    by_mean = fit.impute(X)
    assert_allclose(by_mean[:, 1].var(), 1 - 0.5 * 0.36, atol=0.05)
    assert_allclose(np.cov(fit.impute(X, draw=True, random_state=1).T), np.cov(whole.T), atol=0.05)


def test_weights_count_rows():
    X = table(some_mixture(K=2, d=3), n=150)
    weights = np.random.default_rng(0).integers(0, 4, 150)
    start = dict(weights_init=[0.5, 0.5], means_init=np.nan_to_num(X[:2]), precisions_init=[np.eye(3)] * 2)
    kinds = dict(missing="at_random", acceleration=None, max_iter=30, tol=0, reg_covar=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weighted = GaussianMixture(2, **start, **kinds).fit(X, sample_weight=weights)
        repeated = GaussianMixture(2, **start, **kinds).fit(np.repeat(X, weights, axis=0))
    assert_allclose(weighted.means_, repeated.means_, rtol=1e-10, atol=1e-12)
    assert_allclose(weighted.covariances_, repeated.covariances_, rtol=1e-9, atol=1e-12)
    assert_allclose(weighted.score(X, sample_weight=weights), repeated.score(np.repeat(X, weights, axis=0)), rtol=1e-12)


def test_held_out_rows():
    "3,000 × 6 with three components, a fifth of the entries missing: nearly as good as whole, far better than means filled in"
    rng = np.random.default_rng(3)
    truth = Mixture([0.3, 0.3, 0.4], 3 * rng.normal(size=(3, 6)), covariances("full", 3, 6, rng))
    whole, test = truth.sample(3000, rng)[0], truth.sample(20_000, rng)[0]
    X = np.where(rng.random(whole.shape) < 0.2, np.nan, whole)
    of = lambda rows, **how: GaussianMixture(3, random_state=0, **how).fit(rows).score(test)
    best, em = of(whole), of(X, missing="at_random")
    filled = of(np.where(np.isnan(X), np.nanmean(X, axis=0), X))
    assert best - em < 0.01
    assert best - filled > 0.5


# ---- the estimator

def test_no_hole_no_difference():
    X = some_mixture().sample(2000, np.random.default_rng(0))[0]
    plain, allowed = (GaussianMixture(3, random_state=0, missing=kind).fit(X) for kind in ("error", "at_random"))
    assert_array_equal(plain.means_, allowed.means_)
    assert_array_equal(plain.covariances_, allowed.covariances_)
    assert plain.lower_bounds_ == allowed.lower_bounds_
    for method in ("predict", "predict_proba", "score_samples"): assert_array_equal(getattr(plain, method)(X), getattr(allowed, method)(X))


@STRUCTURE
def test_rows_are_scored_by_what_they_have(structure):
    mixture = some_mixture(structure)
    X = table(mixture)
    X[3] = np.nan
    fit = GaussianMixture(3, covariance_type=structure, random_state=0, missing="at_random", n_jobs=1).fit(X)
    scores, resp = fit.score_samples(X), fit.predict_proba(X)
    for i in range(40):
        o = np.flatnonzero(~np.isnan(X[i]))
        if not len(o): continue
        part = fit.mixture_.marginal(o)
        assert_allclose(scores[i], part.log_density(X[i:i + 1, o])[0], rtol=1e-11, atol=1e-11)
        assert_allclose(resp[i], part.resp(X[i:i + 1, o])[:, 0], rtol=1e-9, atol=1e-12)
    assert abs(scores[3]) < 1e-12
    assert_allclose(resp[3], fit.weights_, rtol=1e-12)
    assert_array_equal(fit.predict(X), resp.argmax(axis=1))
    assert_allclose(fit.score(X), scores.mean(), rtol=1e-12)
    assert np.isfinite([fit.bic(X), fit.aic(X)]).all()
    assert fit.sample(10, 0)[0].shape == (10, 4) and np.isfinite(fit.sample(10, 0)[0]).all()


def test_a_row_without_a_value_has_log_density_zero():
    "Exactly that of the weights, also where the covariances are nearly singular"
    S = np.array([[[1.0, 1 - 1e-12], [1 - 1e-12, 1.0]]] * 2)
    mixture = Mixture([0.3, 0.7], [[0.0, 0.0], [5.0, 5.0]], S)
    assert_array_equal(log_joint(mixture, [[np.nan, np.nan], [0.0, np.nan]])[:, 0], np.log(mixture.weights))


def test_rows_without_a_value_have_no_influence():
    X = table(some_mixture(), n=300)
    more = np.insert(X, [0, 10, 10, 300], np.nan, axis=0)
    labels = np.random.default_rng(0).integers(3, size=300)
    kinds = dict(missing="at_random", random_state=0)
    for start, with_more in (("kmeans", "kmeans"), (labels, np.insert(labels, [0, 10, 10, 300], 0))):
        a, b = GaussianMixture(3, init_params=start, **kinds).fit(X), GaussianMixture(3, init_params=with_more, **kinds).fit(more)
        assert_allclose(a.means_, b.means_, rtol=1e-9)
        assert_allclose(a.lower_bound_, b.lower_bound_, rtol=1e-10)
    with pytest.raises(ValueError, match="n_components"): GaussianMixture(3, missing="at_random").fit(np.where(np.arange(300)[:, None] < 2, np.nan_to_num(X), np.nan))


@pytest.mark.parametrize("ask, message", [
    (lambda X: GaussianMixture(2).fit(X), "missing='at_random'"), (lambda X: GaussianMixture(2, missing="drop").fit(X), "missing='drop'"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(np.where(X > 1, np.inf, X)), "infinity"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(np.where([False, True, False], np.nan, X)), "Column 1 of X has no value"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(pd.DataFrame(np.where([False, True, False], np.nan, X), columns=["a", "b", "c"])), "Column b of X"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(X, sample_weight=np.where(np.isnan(X[:, 2]), 1, 0)), "Column 2 of X"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(X, sample_weight=np.ones(3)), "sample_weight of shape"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(X).predict(X[:, :2]), "features"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(X).impute(np.full((1, 3), np.inf)), "infinity"),
    (lambda X: GaussianMixture(2).fit(np.nan_to_num(X)).predict(X), "missing='at_random'"),
    (lambda X: GaussianMixture(2, missing="at_random").fit(np.ma.masked_invalid(X)), "filled"), (lambda X: GaussianMixture(2).fit(np.ma.masked_invalid(X)), "filled"),
    (lambda X: GaussianMixture(2).fit(np.nan_to_num(X)).predict(np.ma.masked_invalid(X)), "filled"),
    (lambda X: GaussianMixture(2).fit(np.nan_to_num(X)).impute(np.ma.masked_invalid(X)), "filled"),
    (lambda X: prepare_holes(np.where(X > 1, np.inf, X)), "infinite"), (lambda X: prepare_holes(X[0]), "2D"),
    (lambda X: fit_mixture(X, some_mixture(d=3)), "NaN"), (lambda X: some_mixture(d=3).log_density(X), "NaN"),
    (lambda X: prepare_holes(np.where(np.isnan(X), np.nan, X * 1e200)), "ranges over")])
def test_bad_input(ask, message):
    with pytest.raises(ValueError, match=message): ask(table(some_mixture(d=3)))


def test_tags_say_whether_holes_are_allowed():
    allowed = lambda **how: GaussianMixture(**how).__sklearn_tags__().input_tags.allow_nan
    assert allowed(missing="at_random") and not allowed()


@pytest.mark.parametrize("method", METHODS)
def test_every_start(method):
    X = table(some_mixture(), n=400, share=0.15)
    fit = GaussianMixture(3, init_params=method, random_state=0, missing="at_random").fit(X)
    assert fit.converged_ and fit.lower_bound_ > GaussianMixture(1, missing="at_random").fit(X).lower_bound_


def test_other_starts():
    mixture = some_mixture()
    X, calls = table(mixture, n=400, share=0.15), []

    def start(rows, K, rng):
        calls.append(rows)
        return np.argmin(((rows[:, None] - mixture.means) ** 2).sum(axis=2), axis=1)
    kinds = dict(missing="at_random", random_state=0)
    by_function = GaussianMixture(3, init_params=start, **kinds).fit(X)
    by_means = GaussianMixture(3, means_init=mixture.means, **kinds).fit(X)
    rows, = calls
    assert np.isfinite(rows).all()
    assert_array_equal(rows[~np.isnan(X)], X[~np.isnan(X)])
    assert_allclose(by_function.lower_bound_, by_means.lower_bound_, rtol=1e-6)
    again = clone(by_means).set_params(warm_start=True, max_iter=2, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bounds = [again.fit(X).lower_bound_ for _ in range(4)]
    assert np.all(np.diff(bounds) >= 0)


def test_starts_on_a_part_of_many_rows(monkeypatch):
    monkeypatch.setattr(missing, "MANY", 3000)
    monkeypatch.setattr(missing, "ENOUGH", 1000)
    X = table(some_mixture(), n=6000, share=0.2)
    weights = np.random.default_rng(0).random(6000)
    sample = prepare_holes(X, weights)
    rows = complete_rows(sample, "full", np.random.default_rng(0), most=3000)
    assert rows.X.shape == (3000, 4) and np.isfinite(rows.X).all() and rows.weights.shape == (3000,)
    assert GaussianMixture(3, random_state=0, missing="at_random").fit(X, sample_weight=weights).converged_


def test_a_column_with_few_values(monkeypatch):
    "A part of the rows may have none of them"
    monkeypatch.setattr(missing, "ENOUGH", 100)
    X = table(some_mixture(), n=3000, share=0.1)
    X[5:, 2] = np.nan
    X[:5, 2] = [0.0, 1.0, 2.0, 4.0, 3.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = GaussianMixture(2, random_state=0, missing="at_random", reg_covar=1e-2, max_iter=20).fit(X)
    assert np.isfinite(fit.lower_bound_)


def test_a_narrow_component_rests_on_the_floor():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X[:100] = [5.0, 5.0, 5.0]
    X[rng.random(X.shape) < 0.1] = np.nan
    with pytest.warns(VarianceFloorWarning): fit = GaussianMixture(2, random_state=0, missing="at_random").fit(X)
    assert np.isfinite(fit.lower_bound_) and np.diff(fit.lower_bounds_).min() >= 0
    constant = np.column_stack([X[100:, :2], np.where(rng.random(200) < 0.5, 7.0, np.nan)])
    with pytest.warns(VarianceFloorWarning): assert_allclose(GaussianMixture(missing="at_random").fit(constant).means_[0, 2], 7, rtol=1e-6)


def test_frames_float32_and_pickle():
    X = table(some_mixture(), n=500, share=0.1)
    frame = pd.DataFrame(X, columns=list("abcd"))
    kinds = dict(random_state=0, missing="at_random")
    a, b = GaussianMixture(3, **kinds).fit(X), GaussianMixture(3, **kinds).fit(frame.convert_dtypes())
    assert_allclose(a.means_, b.means_, rtol=1e-12)
    single = GaussianMixture(3, **kinds).fit(X.astype(np.float32))
    assert single.means_.dtype == single.score_samples(X.astype(np.float32)).dtype == single.impute(X.astype(np.float32)).dtype == np.float32
    assert_allclose(single.lower_bound_, a.lower_bound_, rtol=1e-4)
    again = pickle.loads(pickle.dumps(a))
    assert_array_equal(again.score_samples(X), a.score_samples(X))


# ---- imputation

@STRUCTURE
def test_imputed_values_are_conditional_means(structure):
    mixture = some_mixture(structure)
    X = table(mixture)
    X[5] = np.nan
    filled = impute(mixture, X)
    assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    assert np.isfinite(filled).all() and np.isnan(X).any()  # X itself is left alone
    assert_array_equal(impute(mixture, filled), filled)
    assert_allclose(filled[5], mixture.weights @ mixture.means, rtol=1e-12)
    for i in range(60):
        o, m = np.flatnonzero(~np.isnan(X[i])), np.flatnonzero(np.isnan(X[i]))
        if len(o) and len(m): assert_allclose(filled[i, m], mixture.condition(o, X[i:i + 1, o]).mean()[0], rtol=1e-10, atol=1e-11)


@STRUCTURE
def test_draws_have_the_conditional_distribution(structure):
    mixture = some_mixture(structure, seed=2)
    row = np.array([np.nan, 0.5, np.nan, np.nan])
    drawn = impute(mixture, np.tile(row, (100_000, 1)), np.random.default_rng(0))
    given = mixture.condition([1], [[0.5]])
    assert_allclose(drawn[:, [0, 2, 3]].mean(axis=0), given.mean()[0], atol=0.04)
    assert_allclose(np.cov(drawn[:, [0, 2, 3]].T), given.covariance()[0], atol=0.12)
    assert stats.kstest(drawn[:, 2], given.marginal(1)[0].cdf).pvalue > 1e-3
    empty = impute(mixture, np.full((50_000, 4), np.nan), np.random.default_rng(1))
    assert stats.kstest(empty[:, 3], mixture.marginal(3).cdf).pvalue > 1e-3


def test_draws_repeat_and_differ():
    X = table(some_mixture())
    fit = GaussianMixture(3, random_state=0, missing="at_random").fit(X)
    assert_array_equal(fit.impute(X, draw=True), fit.impute(X, draw=True))
    rng, hole = np.random.default_rng(0), np.isnan(X)
    one, two = fit.impute(X, draw=True, random_state=rng), fit.impute(X, draw=True, random_state=rng)
    assert (one[hole] != two[hole]).all()
    whole = GaussianMixture(3, random_state=0).fit(np.nan_to_num(X))
    assert np.isfinite(whole.impute(X)).all()  # a fit to whole rows can fill others
    assert_array_equal(whole.impute(np.nan_to_num(X)), np.nan_to_num(X))
