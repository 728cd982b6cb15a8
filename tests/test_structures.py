"""The fourteen structures: mclust's M-steps and fits; every M-step is the maximum of all that its structure allows, with a floor
and without; what EM promises for each of them; data of all kinds."""
import json
import pickle
import warnings
from functools import cache

import numpy as np
import pytest
from gmm_nb.acceleration import (ACCELERATIONS, EXPONENTIAL, expected, fit_mixture, from_expected, from_natural, natural,
                                 natural_change, steps_by)
from gmm_nb.covariance import STRUCTURES, CollapsedComponent, m_step, n_parameters, variance_floor
from gmm_nb.e_step import _careful, _fast, e_step
from gmm_nb.em import em_steps
from gmm_nb.estimator import GaussianMixture, VarianceFloorWarning
from gmm_nb.initialization import statistics_of
from gmm_nb.mixture import SAME, STORED, Mixture, covariances_shape
from gmm_nb.statistics import FORMS, prepare
from gmm_nb.structures import NAMES, bounded, deviance, equal_shape, equal_volume, filled
from hypothesis import given
from hypothesis import strategies as st
from oracles import HERE, data, fits, hard_resp
from scipy.linalg import expm
from scipy.optimize import nnls
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from test_fuzz import KINDS, assert_substance, fuzz

each = pytest.mark.parametrize("name", NAMES)
each_data = pytest.mark.parametrize("what, K", [(what, K) for what in ("faithful", "iris") for K in (2, 3)])
TURNING = ("VEE", "EVE", "VVE")  # axes found by turns
VOLUME, SHAPE, AXES = 0, 1, 2  # the places of the letters


# ---- mclust

@cache
def soft(what, K):
    "The M-steps of mclust from soft posteriors, and those posteriors (K, n)"
    i, k = np.arange(1, len(data(what)) + 1), np.arange(1, K + 1)[:, None]
    u = 0.05 + np.mod(np.sin(12.9898 * i + 78.233 * k) * 43758.5453, 1)
    resp = np.round(0.8 * hard_resp(what, K) + 0.2 * u / u.sum(axis=0), 6)
    return json.loads((HERE / "mstep_soft.json").read_text())[what][str(K)], resp / resp.sum(axis=0)


def sums(X, resp, name, weights=None):
    return statistics_of(X, np.ones(len(X)) if weights is None else weights, resp, name)


def scatter_of(X, resp):
    "(K, d, d) scatters about the means, and counts: what F is made of"
    counts = resp.sum(axis=1)
    means = resp @ X / counts[:, None]
    return np.array([(r[:, None] * (X - m)).T @ (X - m) for r, m in zip(resp, means)]), counts


def distance(S, T):
    "The largest difference of two covariances (K, d, d), in units of the second's standard deviations"
    sd = np.sqrt(np.diagonal(T, axis1=-2, axis2=-1))
    return np.abs((S - T) / (sd[..., :, None] * sd[..., None, :])).max()


@each
@each_data
def test_one_m_step_from_soft_posteriors(name, what, K):
    X, (reference, resp) = data(what), soft(what, K)
    mixture, want = m_step(sums(X, resp, name)), np.array(reference["models"][name]["sigma"])
    np.testing.assert_allclose(mixture.weights, reference["pro"], rtol=1e-12)
    np.testing.assert_allclose(mixture.means, reference["mean"], rtol=1e-12)
    F, theirs = deviance(*scatter_of(X, resp), mixture.matrices()), deviance(*scatter_of(X, resp), want)
    if name == "VVE":  # mclust's step leaves the volumes out: in two dimensions by a little, in four by more
        assert F < theirs - 1e-3
        return
    # mclust's axes of EVE still have 1e-11 of F to gain: 3e-7 standard deviations, since F is flat where it is least
    assert distance(mixture.matrices(), want) < {"VEE": 1e-7, "EVE": 5e-7}.get(name, 1e-12)
    assert F <= theirs + 1e-11


@each
@each_data
def test_the_first_iterations_are_mclusts(name, what, K):
    X, (reference, resp) = data(what), soft(what, K)
    sample, mixture, trace = prepare(X, structure=name), m_step(sums(X, resp, name)), []
    for _ in range(5):
        statistics = e_step(sample, mixture)
        trace.append(statistics.log_likelihood)
        mixture = m_step(statistics, before=mixture)
    theirs = reference["models"][name]["traj"]
    assert (np.diff(trace) > -1e-9).all()
    if name == "VVE":
        assert trace[-1] > theirs[-1] + 1e-3
    else:
        np.testing.assert_allclose(trace, theirs, rtol=2e-8 if name in ("VEE", "EVE") else 1e-12)


@each
@each_data
def test_converged_fits_from_the_labels(name, what, K):
    "To mclust's optimum, off a floor of a millionth, with mclust's number of parameters"
    X, reference = data(what), fits(what, K)["models"][name]
    assert n_parameters(name, K, X.shape[1]) == reference["df"]
    start, floor = m_step(sums(X, hard_resp(what, K), name)), variance_floor(prepare(X), 1e-6)
    values = {}
    for acceleration in ACCELERATIONS:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = fit_mixture(X, start, tol=1e-13, max_iter=5000, reg_covar=1e-6, acceleration=acceleration)
        assert result.converged
        assert (np.linalg.eigvalsh(result.mixture.matrices())[:, 0] > 10 * floor.min()).all()
        values[acceleration] = e_step(X, result.mixture).log_likelihood
        if name == "VVE": assert values[acceleration] > reference["loglik"] - 1e-6
        else: assert values[acceleration] == pytest.approx(reference["loglik"], abs=1e-7)


# ---- the M-step is the maximum

def parts_of(S, name):
    "Axes (K or 1, d, d) and variances along them (K, d) of covariances (K, d, d) that have the structure"
    shares = np.arange(1, len(S) + 1)[::-1] / np.trace(S, axis1=1, axis2=2)
    pooled = (shares[:, None, None] * S).sum(axis=0, keepdims=True)
    axes = {"I": lambda: np.eye(S.shape[1])[None], "E": lambda: np.linalg.eigh(pooled)[1], "V": lambda: np.linalg.eigh(S)[1]}[name[AXES]]()
    return axes, np.sum((S @ axes) * axes, axis=1)


def put_together(axes, v):
    return (axes * v[:, None, :]) @ np.swapaxes(axes, 1, 2)


def assert_has_structure(S, name, slack=1e-9):
    "Equal volumes, equal shapes, common axes"
    axes, v = parts_of(S, name)
    assert distance(put_together(axes, v), S) < slack
    logs = np.log(v)
    sizes = logs.mean(axis=1, keepdims=True)
    if name[VOLUME] == "E": assert np.ptp(sizes) < slack
    if name[SHAPE] == "E": assert np.ptp(logs - sizes, axis=0).max() < slack
    if name[SHAPE] == "I": assert np.ptp(logs, axis=1).max() < slack


def neighbour(S, name, step, rng):
    "Covariances near S (K, d, d) of the same structure"
    axes, v = parts_of(S, name)
    (K, d), sizes = v.shape, np.log(v).mean(axis=1, keepdims=True)
    shapes = np.log(v) - sizes
    turn = step * rng.normal(size=(1 if name[AXES] == "E" else K, d, d))
    if name[AXES] != "I": axes = axes @ np.array([expm(a - a.T) for a in turn])
    sizes = sizes + step * rng.normal(size=(1 if name[VOLUME] == "E" else K, 1))
    change = step * rng.normal(size=(1 if name[SHAPE] == "E" else K, d))
    if name[SHAPE] != "I": shapes = shapes + change - change.mean(axis=1, keepdims=True)
    return put_together(axes + np.zeros_like(S), np.exp(sizes + shapes))


def room(S, name, floor):
    "(K,) the least variance along the axes, in units of the floor there"
    axes, v = parts_of(S, name)
    least = floor.mean() if name[SHAPE] == "I" else np.sum(axes**2 * floor[:, None], axis=1)
    return (v / least).min(axis=1)


def lifted(S, name, floor):
    "As S, with the volumes so large that no variance is below the floor"
    by = 1 / np.minimum(room(S, name, floor), 1)
    return S * (by if name[VOLUME] == "V" else by.max(keepdims=True))[:, None, None]


def scatters(K, d, rng, n=40):
    "(K, d, d) scatters of components of unlike size, shape and axes, and their counts"
    A = rng.normal(size=(K, d, d)) * 10**rng.uniform(-1, 1, size=(K, 1, 1)) * 10**rng.uniform(-0.5, 0.5, size=(K, 1, d))
    counts = rng.uniform(0.5, 2, size=K) * n
    Z = np.einsum("kab,knb->kna", A, rng.normal(size=(K, n, d)))
    return np.swapaxes(Z, 1, 2) @ Z * (counts / n)[:, None, None], counts


def stored(scatter, name):
    "Scatters (K, d, d) in the form in which the sums hold them"
    form, diagonals = FORMS[name], np.diagonal(scatter, axis1=-2, axis2=-1)
    if form.linear: return form.total(scatter.sum(axis=0))
    return {"full": lambda: scatter, "diag": lambda: diagonals, "spherical": lambda: diagonals.sum(axis=-1)}[STORED[name]]()


def estimate(name, scatter, counts, floor=None, before=None):
    "(K, d, d) covariances of an M-step"
    K, d = scatter.shape[:2]
    S = STRUCTURES[name].estimate(stored(scatter, name), counts, d, floor, before)
    assert S.shape == covariances_shape(name, K, d)
    return Mixture(np.full(K, 1 / K), np.zeros((K, d)), S, name).matrices()


@each
@pytest.mark.parametrize("K, d", [(1, 1), (3, 1), (1, 3), (2, 2), (4, 3), (3, 6)])
def test_no_neighbour_is_better(name, K, d):
    rng = np.random.default_rng([K, d])
    for _ in range(4):
        scatter, counts = scatters(K, d, rng)
        S = estimate(name, scatter, counts)
        assert_has_structure(S, name)
        F = deviance(scatter, counts, S)
        for step in (1, 0.1, 1e-2, 1e-3, 1e-4):
            for _ in range(10): assert deviance(scatter, counts, neighbour(S, name, step, rng)) > F - 1e-12 * abs(F)


@each
@pytest.mark.parametrize("K, d", [(1, 1), (3, 1), (1, 3), (2, 2), (4, 3)])
@pytest.mark.parametrize("size", [1e-2, 0.3, 1.0, 10.0])
def test_no_feasible_neighbour_is_better_under_a_round_floor(name, K, d, size):
    rng = np.random.default_rng([K, d, int(100 * size)])
    for _ in range(4):
        scatter, counts = scatters(K, d, rng)
        floor = np.full(d, size)
        S = estimate(name, scatter, counts, floor)
        if name in ("EVE", "VVE"):  # near a saddle the turns of one M-step may end too soon: the next goes on from there
            S = estimate(name, scatter, counts, floor, S)
        assert_has_structure(S, name, 1e-8)
        assert (room(S, name, floor) >= 1 - 1e-9).all()
        F = deviance(scatter, counts, S)
        for step in (1, 0.1, 1e-2, 1e-3, 1e-4):
            for _ in range(20):
                other = lifted(neighbour(S, name, step, rng), name, floor)
                assert deviance(scatter, counts, other) > F - 1e-9 * abs(F), (step, F)


def assert_least(squares, counts, v, least, pick, level, slack):
    """The certificate of a convex problem, Σ_kj M_k x_kj + s_kj exp(−x_kj) over x = z @ pick with level @ z = 0 and x at least
    log(least): where its slope is made of the bounds that hold, with weights not negative, nothing is lower."""
    slopes = (counts[:, None] - squares / v).ravel()
    holds = (v <= least * (1 + 1e-7)).ravel()
    rays = np.concatenate([pick[:, holds], level, -level, np.zeros((len(pick), 1))], axis=1)  # one that does nothing: never none
    unit = np.maximum(np.abs(pick) @ np.broadcast_to(counts[:, None], v.shape).ravel(), counts.min())
    left = nnls(rays / unit[:, None], pick @ slopes / unit)[1]
    assert left < slack, left
    assert (v >= least * (1 - 1e-12)).all()


def above_a_floor(K, d, seed, flat):
    "Squares, some of them zero if flat, counts, and floors below and above them"
    rng = np.random.default_rng([K, d, seed])
    squares, counts = 10**rng.uniform(-2, 2, size=(K, d)), rng.uniform(1, 20, size=K)
    if flat: squares[rng.random((K, d)) < 0.3] = 0
    return squares, counts, 10**rng.uniform(-3, 1.5, size=(K, d))


@pytest.mark.parametrize("K, d", [(1, 1), (1, 4), (4, 1), (2, 2), (3, 2), (2, 5), (5, 4)])
@pytest.mark.parametrize("flat", [False, True])
def test_variances_of_equal_volume_above_a_floor_are_the_least(K, d, flat):
    "x_kj are free but for their sums, which are one number L: z = (x, L), with Σ_j x_kj = L"
    for seed in range(30):
        squares, counts, least = above_a_floor(K, d, seed, flat)
        v = filled(squares, counts, least)
        assert np.ptp(np.log(v).sum(axis=1)) < 1e-9
        pick = np.concatenate([np.eye(K * d), np.zeros((1, K * d))])
        level = np.concatenate([np.repeat(np.eye(K), d, axis=0), -np.ones((1, K))])
        assert_least(squares, counts, v, least, pick, level, 1e-8)
        if not flat: np.testing.assert_allclose(filled(squares, counts, 1e-9 * least), equal_volume(squares, counts), rtol=1e-10)


@pytest.mark.parametrize("K, d", [(1, 1), (1, 4), (4, 1), (2, 2), (3, 2), (2, 5), (5, 4)])
@pytest.mark.parametrize("flat", [False, True])
def test_variances_of_equal_shape_above_a_floor_are_the_least(K, d, flat):
    "x_kj = z_k + z_j: z are the logs of K volumes and of a shape"
    for seed in range(30):
        squares, counts, least = above_a_floor(K, d, seed, flat)
        v = bounded(squares, counts, least)
        shape = np.log(v) - np.log(v).mean(axis=1, keepdims=True)
        assert np.ptp(shape, axis=0).max() < 1e-9
        pick = np.concatenate([np.repeat(np.eye(K), d, axis=1), np.tile(np.eye(d), (1, K))])
        assert_least(squares, counts, v, least, pick, np.zeros((K + d, 0)), 1e-6)
        if not flat: np.testing.assert_allclose(bounded(squares, counts, 1e-9 * least), equal_shape(squares, counts), rtol=1e-5)


# ---- EM

def blobs(seed, n=150, d=3):
    "Three clusters of unlike size, shape and axes"
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(3, d, d)) * rng.uniform(0.3, 2, size=(3, 1, 1))
    labels = rng.integers(3, size=n)
    return 4 * rng.normal(size=(3, d))[labels] + np.einsum("nab,nb->na", A[labels], rng.normal(size=(n, d)))


def start_on(X, K, name, seed=0, floor=None, weights=None):
    "The M-step from shares that are random, and a little closer to rows that are near"
    rng = np.random.default_rng(seed)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    far = ((Z - Z[rng.choice(len(X), K, replace=False)][:, None])**2).sum(axis=2)
    resp = np.exp(-0.5 * far) + 0.1 * rng.random((K, len(X)))
    return m_step(sums(X, resp / resp.sum(axis=0), name, weights), floor)


@each
@pytest.mark.parametrize("fraction", [0.0, 1e-6, 0.02, 0.5])  # of the variances: the last two bind
@pytest.mark.parametrize("units", [1.0, np.array([1.0, 30.0, 0.2])])  # so that the floor is not round
def test_the_log_likelihood_never_falls_and_the_structure_holds(name, fraction, units):
    for seed, K in ((0, 3), (1, 4)):
        X = blobs(seed) * units
        weights = np.random.default_rng(seed).gamma(1.0, size=len(X)) if seed else None
        sample = prepare(X, weights, name)
        floor = variance_floor(sample, fraction)
        mixture, last = start_on(X, K, name, seed, floor, weights), -np.inf
        for step, _ in zip(em_steps(sample, mixture, floor), range(15)):
            assert step.log_likelihood >= last - 1e-11 * abs(last), (step.log_likelihood - last)
            last, S = step.log_likelihood, step.mixture.matrices()
            assert_has_structure(S, name, 1e-8)
            if floor is not None: assert (room(S, name, floor) >= 1 - 1e-8).all()


@each
@pytest.mark.parametrize("acceleration", [a for a in ACCELERATIONS if a])
@pytest.mark.parametrize("fraction", [0.0, 1e-6, 0.02])
def test_accelerated_runs_never_fall_and_end_no_lower(name, acceleration, fraction):
    for seed, X in enumerate([data("faithful"), blobs(2, 100)]):
        floor = variance_floor(prepare(X), fraction)
        start = start_on(X, 3, name, seed + 5, floor)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain, fast = (fit_mixture(X, start, tol=1e-7, max_iter=2000, reg_covar=fraction, acceleration=a) for a in (None, acceleration))
        if plain.collapse is not None: continue
        assert (np.diff(fast.log_likelihoods) > -1e-11 * np.abs(plain.log_likelihoods).max()).all()
        assert fast.converged and fast.n_iter <= plain.n_iter + 5
        assert e_step(X, fast.mixture).log_likelihood > plain.log_likelihoods[-1] - 1e-3
        if floor is not None: assert (room(fast.mixture.matrices(), name, floor) >= 1 - 1e-8).all()


@each
def test_natural_gradients_are_for_exponential_families_alone(name):
    method = steps_by("natural-gradient", SAME.get(name, name))
    assert (method is ACCELERATIONS["natural-gradient"]) == (SAME.get(name, name) in EXPONENTIAL) == (name in (*SAME, "EII", "EEI"))


@pytest.mark.parametrize("name", ["EII", "EEI", "EEE"])
def test_the_change_of_natural_parameters_is_what_differences_give(name):
    "And the parameters lead back to the mixture"
    X, h = data("iris"), 1e-6
    mixture, origin, rng = start_on(X, 3, name, 1), X.mean(axis=0), np.random.default_rng(0)
    eta, theta = expected(mixture, origin), natural(mixture, origin)
    for back in (from_expected(eta, mixture, origin), from_natural(theta, mixture, origin)):
        for part in ("weights", "means", "covariances"):
            np.testing.assert_allclose(getattr(back, part), getattr(mixture, part), rtol=1e-10, atol=1e-12)
    for _ in range(5):
        v = expected(start_on(X, 3, name, int(rng.integers(2, 99))), origin) - eta
        ahead, behind = (natural(from_expected(eta + s * h * v, mixture, origin), origin) for s in (1, -1))
        np.testing.assert_allclose(natural_change(mixture, origin, v), (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["EII", "EEI", "EEE"])
@pytest.mark.parametrize("weighted", [False, True])
def test_linear_features_give_the_sums_of_the_careful_path(name, weighted):
    X = blobs(3, 500)
    weights = np.random.default_rng(0).gamma(1.0, size=500) if weighted else None
    sample, mixture = prepare(X, weights, name), start_on(X, 3, name, 0, None, weights)
    fast, careful = _fast(sample, mixture), _careful(sample, mixture)
    assert np.shape(fast.second) == np.shape(careful.second) == FORMS[name].shape(3, 3)
    assert fast.log_likelihood == pytest.approx(careful.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(fast.counts, careful.counts, rtol=1e-10)
    a, b = m_step(fast), m_step(careful)
    np.testing.assert_allclose(a.means, b.means, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(a.covariances, b.covariances, rtol=1e-10)


@each
@pytest.mark.parametrize("floor", [None, 1e-8, 0.3])
def test_a_stack_of_starts_has_the_estimates_of_each(name, floor):
    "A leading axis of starts; where axes are found by turns a stack makes only a few of them, and a better start makes up for it"
    rng, K, d, starts = np.random.default_rng(5), 3, 4, 4
    each_scatter, each_counts = zip(*(scatters(K, d, rng) for _ in range(starts)))
    scatter, counts = np.array(each_scatter), np.array(each_counts)
    if STORED[name] == "tied" or name in SAME: return  # the stack has ways of its own for these
    stack = np.array([stored(one, name) for one in scatter])
    low = None if floor is None else np.full((starts, 1, d), floor)
    before = None
    if name in TURNING:
        before = np.array([estimate(name, a, b, None if floor is None else np.full(d, floor)) for a, b in zip(scatter, counts)])
    got = STRUCTURES[name].estimate(stack, counts, d, low, before)
    for i in range(starts):
        one = STRUCTURES[name].estimate(stack[i], counts[i], d, None if floor is None else np.full(d, floor), None if before is None else before[i])
        if name[0] == "V" and name[1] == "E" and floor == 0.3:  # good enough for a race: never below the floor, and not far above
            assert deviance(scatter[i], counts[i], Mixture(np.full(K, 1 / K), np.zeros((K, d)), got[i], name).matrices()) < deviance(
                scatter[i], counts[i], Mixture(np.full(K, 1 / K), np.zeros((K, d)), one, name).matrices()) + 0.2 * counts[i].sum() * d
        elif name in (*TURNING, "VEI", "VEV"): np.testing.assert_allclose(got[i], one, rtol=1e-6, atol=1e-6)
        else: np.testing.assert_allclose(got[i], one, rtol=1e-13, atol=1e-13)


# ---- names and faces

IRIS = data("iris")
PARTS = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")


@cache
def fitted(name, K=2):
    return GaussianMixture(K, covariance_type=name, random_state=0).fit(IRIS)


@pytest.mark.parametrize("name, word", SAME.items())
def test_the_four_old_structures_have_two_names(name, word):
    "The same fit to the last bit, and the mixture goes by the word"
    one, other = fitted(name, 3), fitted(word, 3)
    for part in PARTS: np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    assert one.lower_bounds_ == other.lower_bounds_ and one.mixture_.structure == word and one.covariance_type == name
    assert n_parameters(name, 3, 4) == n_parameters(word, 3, 4)


def test_an_unknown_name_lists_the_known_ones():
    for make in (lambda: GaussianMixture(2, covariance_type="VEX").fit(IRIS), lambda: covariances_shape("VEX", 2, 3),
                 lambda: Mixture([1.0], [[0.0]], [[[1.0]]], "VEX")):
        with pytest.raises(ValueError, match="VEX") as refusal: make()
        for name in (*NAMES, *SAME.values()): assert name in str(refusal.value)
    with pytest.raises(KeyError): STRUCTURES["VEX"]


@pytest.mark.parametrize("name", ["EII", "EEI"])
def test_what_all_share_must_be_equal(name):
    S = np.ones(covariances_shape(name, 2, 3))
    assert Mixture([0.5, 0.5], np.zeros((2, 3)), S, name).structure == name
    S[1] *= 2
    with pytest.raises(ValueError, match="all components share one"): Mixture([0.5, 0.5], np.zeros((2, 3)), S, name)


@each
def test_files_pickles_clones_and_scikit_learns_class(name, tmp_path):
    model = fitted(name)
    model.mixture_.save(tmp_path / "m.npz")
    loaded, pickled = Mixture.load(tmp_path / "m.npz"), pickle.loads(pickle.dumps(model))
    assert loaded.structure == model.mixture_.structure == pickled.mixture_.structure
    np.testing.assert_array_equal(loaded.covariances, model.covariances_)
    np.testing.assert_array_equal(pickled.predict_proba(IRIS), model.predict_proba(IRIS))
    again = clone(model)
    assert again.covariance_type == name and not hasattr(again, "means_")
    np.testing.assert_array_equal(again.fit(IRIS).covariances_, model.covariances_)
    theirs = model.to_sklearn()
    assert theirs.covariance_type == STORED[name]
    np.testing.assert_allclose(theirs.score_samples(IRIS), model.score_samples(IRIS), rtol=1e-9)
    assert theirs.sample(3)[0].shape == (3, 4) and GaussianMixture.from_sklearn(theirs).covariance_type == STORED[name]


@each
def test_attributes_and_starts_by_precisions(name):
    "Set one by one on a model that was never fitted; given as a start; a warm start goes on from there"
    model, other = fitted(name), GaussianMixture(2, covariance_type=name)
    for part in PARTS[:3]: setattr(other, part, getattr(model, part))
    np.testing.assert_allclose(other.score_samples(IRIS), model.score_samples(IRIS), rtol=1e-12)
    assert other.bic(IRIS) == pytest.approx(model.bic(IRIS), rel=1e-12)
    known = dict(weights_init=model.weights_, means_init=model.means_, precisions_init=model.precisions_)
    given = GaussianMixture(2, covariance_type=name, tol=1e-6, **known).fit(IRIS)
    assert given.n_iter_ <= 6 and given.lower_bounds_[0] == pytest.approx(model.score(IRIS), abs=1e-9)
    assert given.score(IRIS) >= model.score(IRIS) - 1e-9
    with pytest.raises(ValueError, match="precisions_init"):
        GaussianMixture(2, covariance_type=name, precisions_init=np.ones((5, 5, 5))).fit(IRIS)
    warm = GaussianMixture(2, covariance_type=name, random_state=0, warm_start=True).fit(IRIS)
    first = warm.score(IRIS)
    assert warm.fit(IRIS).lower_bounds_[0] == pytest.approx(first, abs=1e-9)


@each
def test_float32_is_fitted_in_float64(name):
    X = IRIS.astype(np.float32)
    short, long = (GaussianMixture(2, covariance_type=name, random_state=0).fit(rows) for rows in (X, X.astype(float)))
    assert short.covariances_.dtype == np.float32 and short.score(X) == pytest.approx(long.score(X), rel=1e-6)


# ---- what does not matter

def moved_fit(name, X, resp, weights=None, passes=8, floor=1e-6):
    "The mixture after some passes from given shares"
    sample = prepare(X, weights, name)
    floor = variance_floor(sample, floor)
    steps = em_steps(sample, m_step(sums(X, resp, name, weights), floor), floor)
    return [step for step, _ in zip(steps, range(passes))][-1]


def shares(n, K, seed=0):
    "Shares that are not all alike"
    rng = np.random.default_rng(seed)
    resp = 0.05 + 0.1 * rng.random((K, n))
    resp[np.arange(n) * K // n, np.arange(n)] = 1
    return resp / resp.sum(axis=0)


@each
def test_moving_scaling_permuting_and_turning(name):
    X, resp, rng = IRIS[:, :3], shares(150, 3), np.random.default_rng(0)
    here = moved_fit(name, X, resp)
    S, L = here.mixture.matrices(), here.log_likelihood
    slack = 1e-5 if name in TURNING else 1e-7
    def same(step, back, change, order=slice(None), slack=slack):
        assert step.log_likelihood - change == pytest.approx(L, abs=1e3 * slack)
        assert distance(back(step.mixture.matrices()[order]), S) < slack
    for c, b in ((1e8, 0.0), (1e-8, 0.0), (1.0, 1e8), (1e-3, 5.0)):  # at 1e8 the rows themselves lose 1e-8 of a spread
        same(moved_fit(name, c * X + b, resp), lambda T: T / c**2, -150 * 3 * np.log(c), slack=max(slack, 1e-5 if b > 1e3 else 0))
    order = np.array([2, 0, 1])
    same(moved_fit(name, X, resp[order]), lambda T: T, 0, np.argsort(order))
    same(moved_fit(name, X[:, order], resp), lambda T: T[:, np.argsort(order)][:, :, np.argsort(order)], 0)
    if name[AXES] in "EV" or name[SHAPE] == "I":
        Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        same(moved_fit(name, X @ Q.T, resp, floor=0), lambda T: Q.T @ T @ Q, 0)


@each
def test_weights_are_repeated_rows_and_rows_of_weight_zero_are_none(name):
    times = np.random.default_rng(1).integers(0, 4, size=150)
    resp = shares(150, 2)
    weighted = moved_fit(name, IRIS, resp, times.astype(float))
    repeated = moved_fit(name, np.repeat(IRIS, times, axis=0), np.repeat(resp, times, axis=1))
    gone = moved_fit(name, IRIS[times > 0], resp[:, times > 0], times[times > 0].astype(float))
    for other in (repeated, gone):
        assert other.log_likelihood == pytest.approx(weighted.log_likelihood, rel=1e-9)
        assert distance(other.mixture.matrices(), weighted.mixture.matrices()) < (1e-5 if name in TURNING else 1e-9)


@each
def test_one_component_and_one_column(name):
    "With K = 1 letters of equality say nothing; with d = 1 there are a variance for all and one for each"
    axes = {"I": "spherical" if name[SHAPE] == "I" else "diag", "E": "full", "V": "full"}[name[AXES]]
    own, word = (GaussianMixture(1, covariance_type=kind).fit(IRIS) for kind in (name, axes))
    assert own.score(IRIS) == pytest.approx(word.score(IRIS), rel=1e-12)
    X, resp = data("faithful")[:, :1], shares(272, 2)
    own, word = (moved_fit(kind, X, resp) for kind in (name, "EII" if name[VOLUME] == "E" else "spherical"))
    assert own.log_likelihood == pytest.approx(word.log_likelihood, rel=1e-9)


# ---- data of all kinds

@st.composite
def problems(draw):
    "Data, weights and parameters"
    kind, d, K, n = draw(st.sampled_from(tuple(KINDS))), draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = KINDS[kind](rng, n, d) * 10.0**draw(st.sampled_from([0, 0, -8, 8]))
    X = X + draw(st.sampled_from([0, 0, 1e3, 1e8])) * X.std(axis=0)
    weights = draw(st.sampled_from([lambda: None, lambda: rng.integers(0, 4, size=n), lambda: rng.gamma(1.0, size=n)]))()
    parameters = dict(n_components=K, covariance_type=draw(st.sampled_from(NAMES)), reg_covar=draw(st.sampled_from([0.0, 1e-6, 1e-3, 0.1])),
                      acceleration=draw(st.sampled_from(tuple(ACCELERATIONS))), n_init=1, max_iter=draw(st.sampled_from([1, 5, 25])), tol=1e-6,
                      init_params=draw(st.sampled_from(["kmeans", "random", "random_from_data"])), random_state=draw(st.integers(0, 100)))
    return kind, X, weights, parameters


def assert_sound(model, X, weights, kind):
    "Finite, monotone, of the structure and above the floor, as far as rounding allows"
    name, trace, S = model.covariance_type, np.array(model.lower_bounds_), model.mixture_.matrices()
    assert np.isfinite(trace).all() and np.isfinite(S).all() and np.isfinite(model.predict_proba(X)).all()
    sd = np.sqrt(np.diagonal(S, axis1=1, axis2=2))
    condition = np.linalg.cond(S / sd[:, :, None] / sd[:, None, :]).max()
    assert (np.diff(trace) >= -2e-10 - 1e-12 * np.abs(trace).max() - 1e-14 * condition).all()
    if name[AXES] != "I" and (kind == "units" or condition > 1e8): return  # the axes of such matrices are not to be had from them
    assert_has_structure(S, name, 1e-8 + 1e-14 * condition)
    if model.reg_covar: assert (room(S, name, variance_floor(prepare(X, weights), model.reg_covar)) >= 1 - 1e-6).all()


@given(problems())
@fuzz(150)
def test_all_kinds_of_data_are_fitted_or_refused_with_a_reason(problem):
    kind, X, weights, parameters = problem
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for told in (ConvergenceWarning, VarianceFloorWarning): warnings.simplefilter("ignore", told)
        try: model = GaussianMixture(**parameters).fit(X, sample_weight=weights)
        except ValueError as refusal: assert_substance(refusal)
        else: assert_sound(model, X, weights, kind)


FLAT = np.array([[[2.0, 0.0], [0.0, 1.0]], np.zeros((2, 2)), [[1.0, 0.5], [0.5, 3.0]]])  # the second component is a point


@each
@pytest.mark.parametrize("scatter", [FLAT, FLAT[[1, 1]], np.array([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]), np.array([np.diag([1.0, 0.0]), np.diag([3.0, 0.0])])],
                         ids=["a point", "points", "crossed lines", "parallel lines"])
def test_scatters_without_spread(name, scatter):
    "Above a floor there is an estimate, and it has the structure; without one there is none, or a sound one, and no word from NumPy"
    counts = np.arange(1.0, len(scatter) + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        S = estimate(name, scatter, counts, np.full(2, 0.1))
        assert_has_structure(S, name, 1e-8)
        assert (room(S, name, np.full(2, 0.1)) >= 1 - 1e-9).all()
        try: free = estimate(name, scatter, counts)
        except ValueError as refusal: assert "positive" in str(refusal)
        else: assert np.linalg.eigvalsh(free)[:, 0].min() > 0


@each
def test_a_component_without_rows_has_no_estimate(name):
    resp = shares(150, 2)
    resp[1] = 0
    with pytest.raises(CollapsedComponent, match="component 1 has no points left"): m_step(sums(IRIS, resp, name), np.full(4, 1e-6))


@each
def test_duplicates_constant_columns_and_more_columns_than_rows(name):
    rng = np.random.default_rng(0)
    for X in (np.repeat(rng.normal(size=(12, 2)), 5, axis=0), np.column_stack([rng.normal(size=(60, 2)), np.full(60, 7.0)]), rng.normal(size=(6, 10))):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for told in (ConvergenceWarning, VarianceFloorWarning): warnings.simplefilter("ignore", told)
            model = GaussianMixture(2, covariance_type=name, random_state=0, reg_covar=1e-3).fit(X)
        assert_sound(model, X, None, "")
