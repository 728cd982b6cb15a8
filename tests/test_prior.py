"Priors, fixed parts and labels: the modes of mclust, the constrained maxima, what never falls, and what is refused."
import copy
import json
import pickle
import warnings
from itertools import islice

import numpy as np
import pytest
from gmm_nb import BayesianGaussianMixture, GaussianMixture
from gmm_nb.acceleration import climb, squarem_steps, natural_gradient_steps, steps_by
from gmm_nb.covariance import CollapsedComponent, m_step, n_parameters, variance_floor
from gmm_nb.em import LIKELIHOOD, em_steps
from gmm_nb.initialization import given_start, statistics_of
from gmm_nb.missing import log_joint, prepare_table
from gmm_nb.mixture import SAME, STORED, Mixture, log_sum_exp, softmax
from gmm_nb.prior import Prior, default_prior, fixed_parts, labelled_rows, log_prior, masks, n_fixed, objective_of, posterior_mode, pseudo_statistics
from gmm_nb.statistics import prepare
from gmm_nb.structures import NAMES
from numpy.testing import assert_allclose, assert_array_equal
from oracles import HERE, data, fits
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
each_structure = pytest.mark.parametrize("structure", NAMES)
each_method = pytest.mark.parametrize("acceleration", [None, "squarem", "natural-gradient"])
APART = ("VVV", "VVI", "VII")


def maps(name, K):
    "All of map_<name>.json for K components"
    return json.loads((HERE / f"map_{name}.json").read_text())["K"][str(K)]


def blobs(seed=0, n=120, d=3, K=3):
    rng = np.random.default_rng(seed)
    labels = rng.integers(K, size=n)
    return rng.normal(size=(n, d)) * rng.uniform(0.5, 2, size=d) + 3 * rng.normal(size=(K, d))[labels], labels


def start_on(X, K, structure, seed=0, floor=None):
    "A start from soft random responsibilities"
    resp = np.random.default_rng(seed).dirichlet(np.ones(K), size=len(X)).T
    return given_start(prepare(X, None, structure), resp, structure, floor)


def some_prior(d, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(d, d))
    return Prior(concentration=3.0, mean=rng.normal(size=d), shrinkage=2.5, scatter=4 * root @ root.T + np.eye(d), rows=7.0)


def matrices(S, structure, K, d):
    return Mixture(np.full(K, 1 / K), np.zeros((K, d)), S, structure).matrices()


# ---- mclust's modes

@pytest.mark.parametrize("name", ["faithful", "iris"])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("structure", ["VII", "VEI", "EVI", "VVI", "EEE", "VVV"])
def test_first_m_step_with_the_default_prior_is_mclusts(name, K, structure):
    X, oracle = data(name), maps(name, K)
    expected = oracle["models"][structure]["first_mstep"]
    labels = np.array(oracle["labels0"]) - 1
    gm = GaussianMixture(K, covariance_type=structure, prior="default", reg_covar=0, max_iter=1).fit(X, labels=labels)
    assert_allclose(gm.weights_, expected["pro"], rtol=1e-9)
    assert_allclose(gm.means_, expected["mean"], rtol=1e-9)
    assert_allclose(gm.mixture_.matrices(), expected["sigma"], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["faithful", "iris"])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("structure", ["VII", "VEI", "VVI", "EEE", "VVV"])  # in EVI, mclust's M-step and its EM divide by different numbers
@each_method
def test_converged_modes_are_mclusts(name, K, structure, acceleration):
    X, oracle = data(name), fits(name, K)
    expected = oracle["prior"][structure]
    if "failed" in expected: pytest.skip("mclust has no fit")
    gm = GaussianMixture(K, covariance_type=structure, prior="default", reg_covar=0, tol=1e-16, max_iter=20_000,
                         acceleration=acceleration, init_params=np.array(oracle["labels0"]) - 1).fit(X)
    assert_allclose(gm.weights_, np.atleast_1d(expected["pro"]), atol=1e-6)
    assert_allclose(gm.means_, np.reshape(expected["mean"], gm.means_.shape), atol=1e-6 * np.abs(X).max())
    assert_allclose(gm.mixture_.matrices(), expected["sigma"], atol=1e-6 * np.max(expected["sigma"]))
    assert gm.bic(X) == pytest.approx(-expected["bic"], rel=1e-8)  # of the plain likelihood, as mclust's


@pytest.mark.parametrize("name", ["faithful", "iris"])
@pytest.mark.parametrize("K", [2, 3])
def test_where_mclust_differs_another_prior_gives_its_numbers(name, K):
    "EEV: no prior on the means, and the degrees once for all; EVI in EM: no row for the means"
    X, oracle = data(name), maps(name, K)
    labels, d = np.array(oracle["labels0"]) - 1, X.shape[1]
    eev = oracle["models"]["EEV"]
    prior = Prior(scatter=eev["prior"]["scale"], rows=(eev["prior"]["dof"] + d + 1) / K)
    gm = GaussianMixture(K, covariance_type="EEV", prior=prior, reg_covar=0, max_iter=1).fit(X, labels=labels)
    assert_allclose(gm.mixture_.matrices(), eev["first_mstep"]["sigma"], rtol=1e-8, atol=1e-8)
    if (name, K) == ("iris", 3): return  # another local maximum would have to be ruled out
    evi, hyper = fits(name, K)["prior"]["EVI"], oracle["models"]["EVI"]["prior"]
    prior = Prior(mean=hyper["mean"], shrinkage=0.01, scatter=hyper["scale"], rows=(hyper["dof"] + 2) / K - 1)
    gm = GaussianMixture(K, covariance_type="EVI", prior=prior, reg_covar=0, tol=1e-16, max_iter=20_000,
                         init_params=np.array(fits(name, K)["labels0"]) - 1).fit(X)
    assert_allclose(gm.mixture_.matrices(), evi["sigma"], rtol=2e-6, atol=1e-6)


# ---- the log prior is the densities of the literature, up to a constant

@pytest.mark.parametrize("structure", ["full", "tied", "diag", "spherical", "EEI", "EII"])
def test_log_prior_by_scipy(structure):
    K, d, rng = 3, 2, np.random.default_rng(1)
    alpha, mean, kappa, Lambda, rows = np.array([2.0, 3.0, 1.5]), np.array([1.0, -2.0]), np.array([0.5, 2.0, 1.0]), np.array([[2.0, 0.3], [0.3, 1.0]]), 9.0
    pseudo = pseudo_statistics(Prior(alpha, mean, kappa, Lambda, rows), structure, K, d)

    def spread(S):  # log density of the covariances
        if structure in ("full", "tied"):
            return sum(stats.invwishart(rows - d - 1, Lambda).logpdf(s) for s in (S if structure == "full" else [S]))
        if structure in ("diag", "EEI"):
            return sum(stats.invgamma(rows / 2 - 1, scale=Lambda[a, a] / 2).logpdf(s[a]) for s in (S if structure == "diag" else S[:1]) for a in range(d))
        return sum(stats.invgamma(d * rows / 2 - 1, scale=np.trace(Lambda) / 2).logpdf(s) for s in (S if structure == "spherical" else S[:1]))

    def direct(m):
        normal = sum(stats.multivariate_normal(mean, S / k).logpdf(mu) for mu, S, k in zip(m.means, m.matrices(), kappa))
        return stats.dirichlet(alpha).logpdf(m.weights) + normal + spread(m.covariances)

    def draw():
        A = rng.normal(size=(K, 4, d))
        S = {"full": np.swapaxes(A, 1, 2) @ A, "tied": A[0].T @ A[0], "diag": A[:, 0]**2, "spherical": A[:, 0, 0]**2,
             "EEI": np.tile(A[0, 0]**2, (K, 1)), "EII": np.full(K, A[0, 0, 0]**2)}[structure]
        return Mixture(rng.dirichlet(np.ones(K)), rng.normal(size=(K, d)), S, structure)
    a, b = draw(), draw()
    assert log_prior(a, pseudo) - log_prior(b, pseudo) == pytest.approx(direct(a) - direct(b), rel=1e-10)


@each_structure
@pytest.mark.parametrize("held", [None, {"means": [1]}, {"weights": [0]}, {"means": True, "weights": [2]}])
def test_the_m_step_is_the_maximum(structure, held):
    "No other mixture of the structure has a larger Q plus log prior"
    X, labels = blobs(3)
    K, d, rng = 3, 3, np.random.default_rng(0)
    base = start_on(X, K, structure, 5)
    resp = rng.dirichlet(np.ones(K), size=len(X)).T
    sums = statistics_of(X, np.ones(len(X)), resp, SAME.get(structure, structure))
    pseudo, fixed = pseudo_statistics(some_prior(d), structure, K, d), fixed_parts(held, base)
    best = posterior_mode(sums, pseudo, fixed)
    for _ in range(2): best = posterior_mode(sums, pseudo, fixed, before=best)  # where it goes on from axes

    def value(m): return np.sum(resp * m.log_joint(X)) + log_prior(m, pseudo)
    top = value(best)
    for size in (1e-3, 1e-2, 0.1, 0.5):
        for _ in range(10):
            noise = rng.lognormal(0, size, size=len(X))
            other = posterior_mode(statistics_of(X + size * rng.normal(size=X.shape), noise, resp, sums.structure), pseudo, fixed, before=best)
            free = fixed.put(Mixture(other.weights, best.means + size * rng.normal(size=(K, d)), other.covariances, structure))
            assert value(other) <= top + 1e-9 and value(free) <= top + 1e-9


def test_one_prior_means_the_same_for_nested_structures():
    "With one component the structures of a kind are one model; the variances of the diagonal ones are those of the full one"
    X, d, prior = blobs()[0], 3, some_prior(3)
    mode = {name: GaussianMixture(1, covariance_type=name, prior=prior, reg_covar=0).fit(X) for name in NAMES}
    full = mode["VVV"].mixture_
    for name, gm in mode.items():
        S = gm.mixture_.matrices()[0]
        expected = {"I": np.diag(np.diagonal(full.matrices()[0]))}.get(name[2], full.matrices()[0])
        if name[1] == "I": expected = np.trace(expected) / d * np.eye(d)
        assert_allclose(S, expected, rtol=1e-8, atol=1e-9)
        assert_allclose(gm.means_, full.means, rtol=1e-12)


# ---- what never falls

KINDS = {"prior": {}, "prior and fixed": {"fixed": {"means": [0], "weights": [1]}}, "labels": {"prior": None}, "all": {"fixed": {"weights": True, "means": [2]}}}


@each_structure
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("steps", [em_steps, squarem_steps])
def test_the_objective_never_falls(structure, kind, fraction, steps):
    for seed, weighted in ((0, False), (1, True)):
        X, truth = blobs(seed)
        rng = np.random.default_rng(seed)
        sample = prepare(X, rng.gamma(1.0, size=len(X)) if weighted else None, structure)
        floor = variance_floor(sample, fraction)
        labels = np.where(rng.random(len(X)) < 0.2, truth, -1) if kind in ("labels", "all") else None
        given = {"prior": some_prior(3, seed), "fixed": None} | KINDS[kind]
        start = start_on(X, 3, structure, seed, floor)
        goal = objective_of(sample, start, given["prior"], given["fixed"], labels)
        run = list(islice(steps(sample, start, floor, objective=goal), 25))
        trace = np.array([step.log_likelihood for step in run])
        if steps is squarem_steps: trace = np.maximum.accumulate(trace)[[0, -1]]  # a trial may be refused; the best does not fall
        skip = 1 if fraction else 0  # a start may lie below what the axes of its M-step allow
        assert (np.diff(trace[skip:]) > -1e-12 * np.abs(trace).max()).all(), np.diff(trace).min()
        end = goal.e_step(sample, run[-1].updated)
        assert end.log_likelihood >= trace[-1] - 1e-9


@each_method
def test_lower_bound_is_log_likelihood_plus_log_prior(acceleration):
    X, truth = blobs()
    labels = np.where(np.arange(len(X)) % 4 == 0, truth, -1)
    prior = some_prior(3)
    gm = GaussianMixture(3, prior=prior, random_state=0, acceleration=acceleration, tol=1e-13, max_iter=5000).fit(X, labels=labels)
    m, known = gm.mixture_, labels >= 0
    joint = m.log_joint(X)
    value = joint[labels[known], np.flatnonzero(known)].sum() + gm.score_samples(X[~known]).sum() + log_prior(m, pseudo_statistics(prior, "full", 3, 3))
    assert gm.converged_ and gm.lower_bound_ * len(X) == pytest.approx(value, rel=1e-11)


def test_all_methods_end_at_the_same_mode():
    X, truth = blobs(4)
    labels = np.where(np.arange(len(X)) % 5 == 0, truth, -1)
    ends = [GaussianMixture(3, prior="default", random_state=0, acceleration=a, tol=1e-14, max_iter=9999).fit(X, labels=labels) for a in (None, "squarem", "natural-gradient")]
    for other in ends[1:]: assert_allclose(other.means_, ends[0].means_, atol=1e-5)


def test_natural_gradients_are_used_where_em_steps_are_gradients():
    X, truth = blobs()
    sample, start = prepare(X), start_on(X, 3, "full")
    labelled = objective_of(sample, start, labels=truth * (np.arange(len(X)) % 2) - (np.arange(len(X)) % 2 == 0))
    assert steps_by("natural-gradient", "full", labelled) is natural_gradient_steps
    for goal in (objective_of(sample, start, "default"), objective_of(sample, start, fixed={"means": [0]})):
        assert steps_by("natural-gradient", "full", goal) is squarem_steps
        assert steps_by(None, "full", goal) is em_steps
    assert objective_of(sample, start, Prior(), {}, np.full(len(X), -1)) is LIKELIHOOD


def test_natural_gradient_with_labels_is_the_gradient():
    "EM's step is the gradient of the log-likelihood with labels, a row, in the natural parameters"
    from gmm_nb.acceleration import expected, from_natural, natural
    X, truth = blobs()
    labels = np.where(np.arange(len(X)) % 3 == 0, truth, -1)
    sample, start = prepare(X), start_on(X, 3, "full")
    goal, origin = objective_of(sample, start, labels=labels), X.mean(axis=0)
    sums = goal.e_step(sample, start)
    gradient = expected(goal.m_step(sums), origin) - expected(start, origin)
    here, rng = natural(start, origin), np.random.default_rng(0)
    step = 1e-5 * (natural(goal.m_step(sums), origin) - here)
    up, down = (goal.e_step(sample, from_natural(here + s * step, start, origin)).log_likelihood for s in (1, -1))
    assert (up - down) / 2 / len(X) == pytest.approx(gradient @ step, rel=1e-5)


# ---- a prior cures collapse

@pytest.mark.parametrize("structure", NAMES)
def test_with_a_prior_no_component_collapses(structure):
    X = np.concatenate([np.repeat([[0.0, 0.0]], 9, axis=0), np.random.default_rng(0).normal(5, 1, size=(40, 2))])  # nine equal rows
    gm = GaussianMixture(2, covariance_type=structure, prior="default", reg_covar=0, random_state=0).fit(X)
    assert gm.converged_ and gm.n_collapsed_ == 0 and (np.linalg.eigvalsh(gm.mixture_.matrices()) > 0.01).all()
    if STORED[structure] == "full" and structure == "VVV":
        with pytest.raises(CollapsedComponent): GaussianMixture(2, reg_covar=0, init_params=(X[:, 0] > 1).astype(int)).fit(X)


def test_a_class_of_one_row():
    X, truth = blobs()
    labels = np.where(np.arange(len(X)) == np.argmax(truth == 1), 1, np.where(truth == 1, 0, truth))
    gm = GaussianMixture(3, prior="default", reg_covar=0).fit(X, labels=labels)
    prior = default_prior(prepare(X), 3, "full")
    x = X[labels == 1][0]
    assert_allclose(gm.means_[1], (x + 0.01 * prior.mean) / 1.01, rtol=1e-10)


def test_components_without_rows_stay_where_the_prior_says():
    X = np.random.default_rng(0).normal(size=(60, 2))
    prior = Prior(concentration=2.0, mean=[[0, 0], [500, 0]], shrinkage=1.0, scatter=np.eye(2), rows=4.0)
    gm = GaussianMixture(2, prior=prior, reg_covar=0, means_init=[[0, 0], [500, 0]], weights_init=[0.5, 0.5], precisions_init=[np.eye(2)] * 2).fit(X)
    assert_allclose(gm.weights_, [61 / 62, 1 / 62])
    assert_allclose(gm.means_[1], [500, 0])
    assert_allclose(gm.covariances_[1], np.eye(2) / 5)


# ---- fixed parts

@each_structure
@each_method
def test_everything_fixed_is_the_start(structure, acceleration):
    X = blobs(1)[0]
    base = start_on(X, 3, structure)
    known = {"weights_init": [0.2, 0.3, 0.5], "means_init": base.means, "precisions_init": GaussianMixture(3, covariance_type=structure, max_iter=0, init_params=np.arange(len(X)) % 3).fit(X).precisions_}
    at = GaussianMixture(3, covariance_type=structure, max_iter=0, **known).fit(X)
    gm = GaussianMixture(3, covariance_type=structure, fixed={"weights": True, "means": True, "covariances": True}, acceleration=acceleration, **known).fit(X)
    for name in ("weights_", "means_", "covariances_"): assert_array_equal(getattr(gm, name), getattr(at, name))
    assert gm.converged_ and gm._n_parameters() == 0
    assert gm.lower_bound_ == pytest.approx(at.score(X), rel=1e-12)


@each_structure
@each_method
@pytest.mark.parametrize("prior", [None, "default"])
def test_fixed_parts_come_back_bit_for_bit(structure, acceleration, prior):
    X, truth = blobs(2)
    known = {"weights_init": [0.15, 0.35, 0.5], "means_init": X[[3, 60, 90]] + 1 / 3,
             "precisions_init": GaussianMixture(3, covariance_type=structure, max_iter=0, init_params=np.arange(len(X)) % 3).fit(X).precisions_}
    at = GaussianMixture(3, covariance_type=structure, max_iter=0, **known).fit(X)
    for fixed, labels in [({"weights": [1]}, None), ({"means": [0, 2]}, None), ({"weights": True, "means": [1]}, None), ({"covariances": True, "means": [2]}, truth * (truth > 0) - (truth == 0)),
                          ({"covariances": [1, 2], "weights": [0]}, None)]:
        if structure not in APART and fixed.get("covariances") == [1, 2]: continue
        gm = GaussianMixture(3, covariance_type=structure, prior=prior, fixed=fixed, acceleration=acceleration, **known).fit(X, labels=labels)
        for name, which in fixed.items():
            which = slice(None) if which is True else which
            assert_array_equal(np.atleast_1d(getattr(gm, f"{name}_"))[which], np.atleast_1d(getattr(at, f"{name}_"))[which])
        free = GaussianMixture(3, covariance_type=structure, prior=prior, max_iter=1, acceleration=None, fixed=fixed, **known).fit(X, labels=labels)
        assert gm.lower_bound_ >= free.lower_bound_ and gm.n_iter_ > 1
        assert gm.weights_.sum() == pytest.approx(1, abs=1e-12)


def test_fixed_weights_rescale_the_rest_and_a_fixed_mean_moves_the_centre():
    X, truth = blobs(5)
    counts, K = np.bincount(truth), 3
    known = {"weights_init": [0.5, 0.25, 0.25], "means_init": [[1, 2, 3]] * 3, "precisions_init": [np.eye(3)] * 3}
    gm = GaussianMixture(K, fixed={"weights": [0], "means": [1], "covariances": [2]}, reg_covar=0, max_iter=1, **known).fit(X, labels=truth)
    assert_allclose(gm.weights_, [0.5, *(0.5 * counts[1:] / counts[1:].sum())])
    assert_allclose(gm.means_[[0, 2]], [X[truth == k].mean(axis=0) for k in (0, 2)])
    off = X[truth == 1] - [1, 2, 3]
    assert_allclose(gm.covariances_[1], off.T @ off / counts[1])
    assert_allclose(gm.covariances_[0], np.cov(X[truth == 0].T, bias=True))
    assert_array_equal(gm.covariances_[2], np.eye(3))


@pytest.mark.parametrize("structure", NAMES)
def test_degrees_of_freedom_count_what_is_free(structure):
    K, d = 3, 4
    of = lambda fixed: n_parameters(structure, K, d) - n_fixed(fixed, structure, K, d)
    spread = n_parameters(structure, K, d) - (K - 1) - K * d
    assert of(None) == of({}) == n_parameters(structure, K, d)
    assert of({"weights": True}) == of({"weights": [0, 1]}) == K * d + spread  # two of three are known, so is the third
    assert of({"weights": [2]}) == of(None) - 1
    assert of({"means": [0, 2]}) == of(None) - 2 * d
    assert of({"covariances": True}) == of(None) - spread
    assert of({"weights": True, "means": True, "covariances": True}) == 0
    if structure in APART: assert of({"covariances": [1]}) == of(None) - spread // K


def test_bic_counts_what_is_free():
    X = blobs()[0]
    gm = GaussianMixture(2, means_init=X[:2], fixed={"means": True}).fit(X)
    assert gm.bic(X) == pytest.approx(-2 * len(X) * gm.score(X) + np.log(len(X)) * (1 + 2 * 6))
    assert gm.aic(X) == pytest.approx(-2 * len(X) * gm.score(X) + 2 * 13)


def test_fixed_covariances_below_the_floor_stay_and_are_no_matter_for_a_warning():
    X = blobs()[0]
    known = {"means_init": X[:2], "precisions_init": [1e9 * np.eye(3), np.eye(3)]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        gm = GaussianMixture(2, fixed={"covariances": [0]}, reg_covar=1e-3, **known).fit(X)
    assert_allclose(gm.covariances_[0], 1e-9 * np.eye(3), rtol=1e-12)


@pytest.mark.parametrize("which", [True, [0, 1], np.array([0, 1]), np.array([True, True]), (0, 1), range(2)])
def test_ways_to_say_all(which):
    assert masks({"means": which}, 2)["means"].all() and not masks({"means": which}, 2)["weights"].any()


@pytest.mark.parametrize("which", [False, None, [], np.array([False, False])])
def test_ways_to_say_none(which): assert not masks({"means": which}, 2)["means"].any()


# ---- labels

@each_structure
@pytest.mark.parametrize("weighted", [False, True])
def test_all_rows_labelled_is_the_closed_form_in_one_pass(structure, weighted):
    X, truth = blobs(6)
    w = np.random.default_rng(0).gamma(1.0, size=len(X)) if weighted else None
    resp = (truth == np.arange(3)[:, None]).astype(float)
    closed = m_step(statistics_of(X, np.ones(len(X)) if w is None else w, resp, SAME.get(structure, structure)))
    once = GaussianMixture(3, covariance_type=structure, reg_covar=0, max_iter=1).fit(X, sample_weight=w, labels=truth)
    gm = GaussianMixture(3, covariance_type=structure, reg_covar=0).fit(X, sample_weight=w, labels=truth)
    # what comes again in a second pass is rounding, and for common axes the end of an iteration
    for fit in (once, gm):
        assert_allclose(fit.weights_, closed.weights, rtol=1e-12)
        assert_allclose(fit.means_, closed.means, rtol=1e-10, atol=1e-12)
        assert_allclose(fit.mixture_.matrices(), closed.matrices(), rtol=1e-5 if structure in ("VEE", "EVE", "VVE") else 1e-10, atol=1e-6)
    assert gm.converged_ and gm.n_iter_ == 1


def test_given_responsibilities_pass_by_pass():
    "The same as EM with the responsibilities of labelled rows written over, in plain NumPy"
    X, truth = blobs(7, K=3)
    labels = np.where((np.arange(len(X)) % 3 == 0) & (truth < 2), truth, -1)  # no row of the third class
    w = np.random.default_rng(0).integers(1, 4, size=len(X)).astype(float)
    m = start_on(X, 3, "full")
    sample = prepare(X, w)
    steps = list(islice(em_steps(sample, m, objective=objective_of(sample, m, labels=labels)), 8))
    for step in steps:
        assert_allclose(step.mixture.means, m.means, rtol=1e-9)
        joint = m.log_joint(X)
        known, resp = labels >= 0, m.resp(X)
        resp[:, known] = labels[known] == np.arange(3)[:, None]
        value = w[known] @ joint[labels[known], np.flatnonzero(known)] + w[~known] @ m.log_density(X[~known])
        assert step.log_likelihood == pytest.approx(value, rel=1e-12)
        counts = (resp * w).sum(axis=1)
        means = (resp * w) @ X / counts[:, None]
        S = [((r * w)[:, None] * (X - mu)).T @ (X - mu) / c for r, mu, c in zip(resp, means, counts)]
        m = Mixture(counts / counts.sum(), means, S)


@pytest.mark.parametrize("structure", NAMES)
def test_labels_where_digits_are_scarce(structure):
    "Far from the origin, with one tight component: the careful path sums the same rows"
    X, truth = blobs(8, d=2)
    X[truth == 1] = X[truth == 1].mean(axis=0) + 1e-6 * (X[truth == 1] - X[truth == 1].mean(axis=0))
    labels = np.where(np.arange(len(X)) % 2 == 0, truth, -1)
    near = GaussianMixture(3, covariance_type=structure, reg_covar=0, max_iter=4, acceleration=None, init_params=truth).fit(X, labels=labels)
    far = GaussianMixture(3, covariance_type=structure, reg_covar=0, max_iter=4, acceleration=None, init_params=truth).fit(X + 2.0**12, labels=labels)
    assert_allclose(far.means_ - 2.0**12, near.means_, atol=1e-9)
    assert_allclose(far.mixture_.matrices(), near.mixture_.matrices(), rtol=1e-3, atol=1e-9 * near.mixture_.matrices().max() if structure[0] == "E" else 1e-16)


def test_components_are_in_the_order_of_the_labels():
    X, truth = blobs(9, n=300)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        names = rng.permutation(3)
        labels = np.full(len(X), -1)
        for k in range(3): labels[rng.choice(np.flatnonzero(truth == k), 3, replace=False)] = names[k]
        gm = GaussianMixture(3, random_state=seed).fit(X, labels=labels)
        for k in range(3): assert np.linalg.norm(gm.means_[names[k]] - X[truth == k].mean(axis=0)) < 1.5
        some = np.where(labels == names[0], -1, labels)  # one class without labels
        gm = GaussianMixture(3, random_state=seed).fit(X, labels=some)
        for k in range(3): assert np.linalg.norm(gm.means_[names[k]] - X[truth == k].mean(axis=0)) < 1.5


def test_labels_that_say_nothing():
    X = blobs()[0]
    plain, told = GaussianMixture(3, random_state=0).fit(X), GaussianMixture(3, random_state=0).fit(X, labels=np.full(len(X), -1))
    assert_array_equal(plain.means_, told.means_)
    nothing = GaussianMixture(3, random_state=0, prior=Prior(), fixed={}).fit(X)
    assert_array_equal(plain.covariances_, nothing.covariances_)


@pytest.mark.parametrize("structure", NAMES)
def test_integer_weights_are_repeated_rows(structure):
    X, truth = blobs(10)
    w = np.random.default_rng(1).integers(0, 3, size=len(X))
    labels = np.where(np.arange(len(X)) % 4 == 0, truth, -1)
    start = {"means_init": [X[truth == k].mean(axis=0) for k in range(3)], "weights_init": [0.3, 0.3, 0.4], "acceleration": None, "max_iter": 6,
             "precisions_init": GaussianMixture(3, covariance_type=structure, max_iter=0, init_params=truth).fit(X).precisions_}
    kind = {"covariance_type": structure, "prior": "default", "fixed": {"means": [1]}} | start
    a = GaussianMixture(3, **kind).fit(X, sample_weight=w, labels=labels)
    b = GaussianMixture(3, **kind).fit(np.repeat(X, w, axis=0), labels=np.repeat(labels, w))
    assert_allclose(a.means_, b.means_, rtol=1e-9)
    assert_allclose(a.mixture_.matrices(), b.mixture_.matrices(), rtol=1e-6, atol=1e-8)
    assert a.lower_bound_ == pytest.approx(b.lower_bound_, rel=1e-9)


def test_rows_of_the_prior_are_counted_in_the_weights_unit():
    "Weights of 2^60 leave floats as they are, so a prior worth as many rows gives the same fit"
    X, truth = blobs(11)
    for c in (2.0**60, 2.0**-60):
        a = GaussianMixture(3, prior=Prior(concentration=3.0 if c > 1 else 1, scatter=5.0, rows=4.0), init_params=truth).fit(X)
        b = GaussianMixture(3, prior=Prior(concentration=1 + 2 * c if c > 1 else 1, scatter=5 * c, rows=4 * c), init_params=truth).fit(X, sample_weight=np.full(len(X), c))
        assert_allclose(a.covariances_, b.covariances_, rtol=1e-8)
        assert_allclose(a.weights_, b.weights_, rtol=1e-9)


# ---- invariance, warm starts, copies

@pytest.mark.parametrize("structure", NAMES)
def test_the_default_prior_knows_no_unit_and_no_origin(structure):
    X, truth = blobs(12)
    a = GaussianMixture(3, covariance_type=structure, prior="default", init_params=truth, tol=1e-9).fit(X)
    b = GaussianMixture(3, covariance_type=structure, prior="default", init_params=truth, tol=1e-9).fit(1000 * X - 77)
    assert_allclose(b.means_, 1000 * a.means_ - 77, rtol=1e-5, atol=0.1)
    assert_allclose(b.mixture_.matrices() / 1e6, a.mixture_.matrices(), rtol=1e-4, atol=1e-4)
    order = np.random.default_rng(0).permutation(len(X))
    c = GaussianMixture(3, covariance_type=structure, prior="default", init_params=truth[order], tol=1e-9).fit(X[order])
    assert_allclose(c.means_, a.means_, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("units", [1e100, 1e130, [1e-100, 1e100]])
def test_extrapolation_in_units_whose_squares_are_large(units):
    "A length of the step that is no number left SQUAREM without its step, and warned in every pass"
    X = data("faithful")
    here, there = (GaussianMixture(3, prior="default", acceleration="squarem", random_state=0).fit(values) for values in (X, X * units))
    assert_allclose(there.score(X * units), here.score(X) - np.log(np.broadcast_to(units, 2)).sum(), atol=1e-4)
    assert there.n_iter_ < 1.2 * here.n_iter_


@pytest.mark.parametrize("structure", ["VVV", "EEE"])
def test_the_default_prior_of_matrices_turns_with_the_data(structure):
    X, truth = blobs(13)
    A = np.random.default_rng(0).normal(size=(3, 3)) + 2 * np.eye(3)
    a, b = (GaussianMixture(3, covariance_type=structure, prior="default", init_params=truth, reg_covar=0, tol=1e-10).fit(Z) for Z in (X, X @ A))
    assert_allclose(b.mixture_.matrices(), A.T @ a.mixture_.matrices() @ A, rtol=1e-4, atol=1e-4)


def test_a_warm_start_after_a_change_of_what_is_known():
    X, truth = blobs(14)
    gm = GaussianMixture(3, warm_start=True, random_state=0, tol=1e-9).fit(X)
    gm.set_params(prior="default").fit(X)
    fresh = GaussianMixture(3, prior="default", random_state=0, tol=1e-9).fit(X)
    assert_allclose(gm.lower_bound_, fresh.lower_bound_, rtol=1e-7)
    assert max(gm.lower_bounds_) == gm.lower_bound_ and gm.converged_
    gm.set_params(prior=None).fit(X)
    assert gm.lower_bound_ == pytest.approx(gm.score(X), rel=1e-7)


def test_copies():
    gm = GaussianMixture(2, prior=Prior(scatter=np.eye(3), rows=3), fixed={"means": [0]}, means_init=np.zeros((2, 3)))
    X = blobs()[0]
    fits = [copy.deepcopy(gm).fit(X), clone(gm).fit(X), pickle.loads(pickle.dumps(gm)).fit(X)]
    for other in fits[1:]: assert_array_equal(other.means_, fits[0].means_)
    with pytest.raises(ValueError): gm.prior.scatter[0, 0] = 5
    assert "prior=Prior(" in repr(gm)


def test_one_dimension_and_float32():
    x = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float32)
    gm = GaussianMixture(2, prior="default", fixed={"means": [0]}, means_init=[[0.0], [1.0]]).fit(x, labels=np.where(x[:, 0] > 1.5, 1, -1))
    assert gm.means_.dtype == np.float32 and gm.means_[0, 0] == 0


# ---- bad input

@pytest.mark.parametrize("make, words", [
    (lambda: Prior(concentration=0.5), "concentration.*at least 1"), (lambda: Prior(shrinkage=1.0), "no mean"),
    (lambda: Prior(mean=[0, 0], shrinkage=-1.0), "shrinkage.*at least 0"), (lambda: Prior(rows=-1.0), "rows.*at least 0"),
    (lambda: Prior(rows=[1.0, 2.0]), "one number"), (lambda: Prior(scatter=1.0), "without rows"), (lambda: Prior(scatter=-1.0, rows=2), "negative"),
    (lambda: Prior(scatter=[[1.0, 2.0], [0.0, 1.0]], rows=2), "symmetric"), (lambda: Prior(scatter=[[1.0, 2.0], [2.0, 1.0]], rows=2), r"scatter=\[\[1.*eigenvalues"),
    (lambda: Prior(mean=[0, np.nan]), "mean=.*finite"), (lambda: Prior(mean="a"), "finite numbers"), (lambda: Prior(scatter=[[1], [1, 2]], rows=2), "finite numbers"),
])
def test_priors_that_cannot_be(make, words):
    with pytest.raises(ValueError, match=words): make()


X3 = blobs()[0]


@pytest.mark.parametrize("parameters, labels, words", [
    ({"prior": Prior(mean=[0, 0], shrinkage=1)}, None, r"mean of shape \(2,\); expected.*\(3, 3\) or \(3,\)"),
    ({"prior": Prior(scatter=np.eye(2), rows=1)}, None, r"scatter of shape \(2, 2\)"),
    ({"prior": Prior(concentration=[2.0, 2.0])}, None, "concentration of shape"),
    ({"prior": "jeffreys"}, None, 'prior=\'jeffreys\'; expected None, "default" or a Prior'), ({"prior": 3}, None, "expected None"),
    ({"fixed": {"mean": True}}, None, "fixed=.*weights.*means.*covariances"), ({"fixed": ["means"]}, None, "expected None or a dict"),
    ({"fixed": {"means": True}}, None, "fixed means and no means_init"), ({"fixed": {"covariances": [0]}}, None, "no precisions_init"),
    ({"fixed": {"weights": [0]}}, None, "no weights_init"),
    ({"fixed": {"means": [3]}, "means_init": X3[:3]}, None, r"fixed\['means'\]=\[3\].*0 to 2"), ({"fixed": {"means": [-1]}, "means_init": X3[:3]}, None, "0 to 2"),
    ({"fixed": {"means": "all"}, "means_init": X3[:3]}, None, "expected True, or indices"), ({"fixed": {"means": 0.5}, "means_init": X3[:3]}, None, "expected True, or indices"),
    ({"fixed": {"weights": [0, 1]}, "weights_init": [0.7, 0.6, 0.0]}, None, "weights"),
    ({"fixed": {"weights": [0, 1]}, "weights_init": [0.5, 0.5, 0.0]}, None, "leaves nothing"),
    ({"fixed": {"covariances": [0]}, "covariance_type": "tied", "precisions_init": np.eye(3)}, None, "share something"),
    ({}, np.full(120, 3), r"labels\[0\] = 3; expected.*−1.*0 to 2"), ({}, np.full(120, -2), r"labels\[0\] = -2"), ({}, np.zeros(7), r"labels of shape \(7,\)"),
    ({}, np.full(120, 0.5), r"labels\[0\] = 0.5"), ({}, np.full(120, np.nan), r"labels\[0\] = nan"), ({}, ["a"] * 120, "dtype"), ({}, np.zeros((120, 1)), "shape"),
])
def test_bad_input_has_one_clear_error(parameters, labels, words):
    with pytest.raises(ValueError, match=words): GaussianMixture(3, **parameters).fit(X3, labels=labels)


@pytest.mark.parametrize("parameters, words", [
    ({"labels": np.ma.array(np.ones(120, int), mask=np.arange(120) > 5)}, "labels has masked entries"),
    ({"init_params": np.ma.array(np.arange(120) % 3, mask=np.arange(120) > 5)}, "init_params has masked entries"),
    ({"means_init": np.ma.array(X3[:3], mask=X3[:3] > 0)}, "means_init has masked entries"),
    ({"weights_init": np.ma.array(np.ones(3) / 3, mask=[True, False, False])}, "weights_init has masked entries"),
    ({"precisions_init": np.ma.array([np.eye(3)] * 3, mask=[np.eye(3)] * 3), "weights_init": np.ones(3) / 3, "means_init": X3[:3]}, "precisions_init has masked entries"),
    ({"weights_init": ["a", "b", "c"]}, "Got weights_init that is no array of numbers"), ({"weights_init": [[1], [1, 2]]}, "Got weights_init that is no array"),
    ({"weights_init": [0.7, 0.6, 0.0]}, "weights_init sum to 1.3"), ({"weights_init": [-0.5, 0.5, 1.0]}, r"weights_init\[0\] is -0.5"),
    ({"means_init": "abc"}, "Got means_init that is no array of numbers"), ({"means_init": [[1], [1, 2], [3]]}, r"no array of numbers; expected shape \(3, 3\)"),
    ({"precisions_init": [[1], [1, 2], [3]], "weights_init": np.ones(3) / 3, "means_init": X3[:3]}, "precisions_init has rows of different lengths"),
])
def test_starts_and_labels_that_are_no_numbers(parameters, words):
    "What was under a mask was used in silence; other things got NumPy's words"
    parameters = dict(parameters)
    labels = parameters.pop("labels", None)
    with pytest.raises(ValueError, match=words): GaussianMixture(3, **parameters).fit(X3, labels=labels)


def test_masked_priors():
    masked = np.ma.array([0.0, 1.0], mask=[True, False])
    with pytest.raises(ValueError, match="mean has masked entries"): Prior(mean=masked, shrinkage=1)
    with pytest.raises(ValueError, match="mean_prior has masked entries"): BayesianGaussianMixture(mean_prior=masked).fit(X3[:, :2])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("prior, words", [
    (Prior(scatter=1e308, rows=1), "scatter 1e.308"), (Prior(mean=np.full(3, 1e200), shrinkage=1), "mean 1e.200"),
    (Prior(mean=np.zeros(3), shrinkage=1e308), "shrinkage 1e.308"), (Prior(concentration=1e308), "concentration 1e.308"), (Prior(rows=1e308), "rows 1e.308"),
])
def test_priors_whose_products_are_no_numbers(prior, words):
    with pytest.raises(ValueError, match=f"Got a prior with {words}.*expected at most"): GaussianMixture(3, prior=prior).fit(X3)


@pytest.mark.filterwarnings("error")
def test_the_default_prior_beside_weights_of_any_size():
    wanted = GaussianMixture(3, prior="default", random_state=0).fit(X3, sample_weight=np.full(len(X3), 2.0**100))
    found = GaussianMixture(3, prior="default", random_state=0).fit(X3, sample_weight=np.full(len(X3), 2.0**1023))
    assert_allclose(found.means_, wanted.means_, rtol=1e-9)
    with pytest.raises(ValueError, match="unit of the sample weights"): GaussianMixture(3, prior="default").fit(X3, sample_weight=np.full(len(X3), 5e-324))


def test_a_class_that_no_row_can_join():
    X, truth = blobs()
    with pytest.raises(CollapsedComponent, match="component 2 has no points left, and what is known.*hold .* 0 of"): GaussianMixture(3).fit(X, labels=truth % 2)


def test_climb_holds_the_parts_of_the_start():
    X = blobs()[0]
    sample, start = prepare(X), start_on(X, 2, "full")
    goal = objective_of(sample, start, fixed={"weights": True, "means": [0]})
    for acceleration in (None, "squarem", "natural-gradient"):
        end = climb(sample, start, acceleration=acceleration, objective=goal).mixture
        assert_array_equal(end.weights, start.weights)
        assert_array_equal(end.means[0], start.means[0])


@pytest.mark.parametrize("acceleration", [None, "squarem"])
def test_fixed_parts_stay_in_every_pass(acceleration):
    "Also where a start is raised to the floor"
    X = blobs(3, n=300)[0]
    sample = prepare(X)
    start = Mixture([0.2, 0.3, 0.5], X[:3], [1e-4 * np.eye(3), np.cov(X.T), np.eye(3)])
    goal, seen = objective_of(sample, start, fixed={"covariances": [0, 2], "means": [1]}), []
    climb(sample, start, variance_floor(sample, 1e-2), acceleration=acceleration, objective=goal, tol=1e-10, callback=lambda step: seen.append(step.mixture))
    assert len(seen) > 5
    for m in seen:
        assert_array_equal(m.covariances[[0, 2]], start.covariances[[0, 2]])
        assert_array_equal(m.means[1], start.means[1])


def test_fixed_covariances_stay_in_extrapolated_mixtures():
    "Means move, so an extrapolation of the sums would move the covariance of a component with them"
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + [1.5, 0]])  # slow: trials are accepted
    sample, start, steps = prepare(X), Mixture([0.5, 0.5], X[:2], [1.3 * np.eye(2), np.eye(2)]), []
    goal = objective_of(sample, start, fixed={"covariances": [0]})
    climb(sample, start, acceleration="squarem", objective=goal, tol=1e-9, callback=steps.append)
    assert any(step.mixture is not last.updated for last, step in zip(steps, steps[1:]))
    for step in steps: assert_array_equal(step.mixture.covariances[0], start.covariances[0])


def long_clusters(n=2000):
    "Three long clusters side by side, turned, and three labels of each"
    rng = np.random.default_rng(1)
    truth = rng.choice(3, n, p=[1 / 3] * 3)
    X = np.c_[5 * rng.normal(size=n), 0.6 * rng.normal(size=n) + 1.5 * truth] @ [[np.cos(0.5), np.sin(0.5)], [-np.sin(0.5), np.cos(0.5)]]
    labels = np.full(n, -1)
    for k in range(3): labels[rng.choice(np.flatnonzero(truth == k), 3, replace=False)] = k
    return X, truth, labels


def test_a_start_is_put_in_the_order_of_the_labels():
    "From the nearest of the labelled means alone, this fit ends with components exchanged"
    X, truth, labels = long_clusters()
    assert np.mean(GaussianMixture(3, random_state=0).fit(X, labels=labels).predict(X) == truth) > 0.8


def test_a_fit_without_labels_is_no_order_to_go_on_from():
    X, truth, labels = long_clusters()
    gm = GaussianMixture(3, random_state=0, warm_start=True).fit(X)
    gm.mixture_ = Mixture(gm.weights_[[1, 2, 0]], gm.means_[[1, 2, 0]], gm.covariances_[[1, 2, 0]])
    assert np.mean(gm.fit(X, labels=labels).predict(X) == truth) > 0.8


NAMED = {  # what is known of two components by their numbers
    "weights": lambda order: dict(weights_init=np.array([0.75, 0.25])[order], fixed={"weights": True}),
    "covariances": lambda order: dict(precisions_init=np.array([1.0, 1 / 0.09])[order], fixed={"covariances": True}),
    "one covariance": lambda order: dict(precisions_init=np.array([1.0, 1 / 0.09])[order], fixed={"covariances": [int(order[0])]}),
    "means expected": lambda order: dict(prior=Prior(mean=np.array([[0.0], [5.0]])[order], shrinkage=5.0)),
    "weights expected": lambda order: dict(prior=Prior(concentration=np.array([300.0, 1.0])[order])),
    "one mean expected": lambda order: dict(prior=Prior(mean=[5.0], shrinkage=np.array([0.0, 50.0])[order])),
}


@pytest.mark.parametrize("named", NAMED)
def test_a_start_is_put_in_the_order_of_what_is_known(named):
    "The names of components are the user's, whatever order a start has"
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(300, 1)), 5 + 0.3 * rng.normal(size=(100, 1))])
    ends = [GaussianMixture(2, covariance_type="spherical", random_state=0, tol=1e-12, **NAMED[named](np.array(order))).fit(X)
            for order in ([0, 1], [1, 0])]
    assert_allclose(ends[0].means_, ends[1].means_[::-1], rtol=1e-4, atol=1e-4)
    assert ends[0].lower_bound_ == pytest.approx(ends[1].lower_bound_, rel=1e-7)


def test_an_order_that_nothing_tells_stays():
    "Equal fixed weights and an equal prior for all are no reason to exchange components"
    X = blobs()[0]
    told = dict(weights_init=[1 / 3] * 3, fixed={"weights": True}), dict(prior=Prior(mean=X.mean(axis=0), shrinkage=1.0))
    for known in told: assert (np.diff(GaussianMixture(3, random_state=0, **known).fit(X).means_[:, 0]) > 0).all()


def test_a_warm_start_keeps_fixed_means_in_their_places():
    X = blobs()[0]
    gm = GaussianMixture(3, random_state=0, warm_start=True, means_init=GaussianMixture(3, random_state=0).fit(X).means_[::-1], fixed={"means": True},
                         prior=Prior(concentration=[1.0, 2.0, 3.0]))
    first = gm.fit(X).lower_bound_
    assert gm.fit(X).lower_bound_ == pytest.approx(first, abs=1e-5)


# ---- with holes

def holed(X, seed=0, share=0.25):
    holes = X.copy()
    holes[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return holes


@each_structure
def test_labels_with_holes_row_by_row(structure):
    "Sums and objective of labelled rows with holes, against one row at a time."
    X, of = blobs(n=60)
    X, labels = holed(X), np.where(np.arange(60) % 3, of, -1)
    X[5:7] = np.nan  # adds nothing, with or without a label
    mixture, weights = start_on(np.nan_to_num(X), 3, structure), np.random.default_rng(1).uniform(0.5, 2, 60)
    sample = prepare_table(X, weights, structure)
    sums = labelled_rows(sample, labels, structure, 3).e_step(mixture)
    joint = log_joint(mixture, X)
    weights = sample.weights * np.isfinite(X).any(axis=1)
    given = np.where(labels >= 0, joint[labels, np.arange(60)], log_sum_exp(joint))
    assert labels[6] < 0 <= labels[5] and not weights[5:7].any()
    assert_allclose(sums.log_likelihood, weights @ given, rtol=1e-12)
    resp = softmax(joint)
    resp[:, labels >= 0] = labels[labels >= 0] == np.arange(3)[:, None]
    assert_allclose(sums.counts, resp @ weights, rtol=1e-12)
    S, first = mixture.matrices(), np.zeros((3, 3))
    for x, r, w in zip(X, resp.T, weights):
        seen = ~np.isnan(x)
        for k in range(3):
            filled = mixture.means[k] + S[k][:, seen] @ np.linalg.solve(S[k][np.ix_(seen, seen)], (x - mixture.means[k])[seen])
            first[k] += w * r[k] * (filled - mixture.means[k])
    assert_allclose(sums.about(mixture.means).first, first, atol=1e-10)


@each_structure
def test_with_holes_the_objective_never_falls(structure):
    X, of = blobs()
    X, labels = holed(X), np.where(np.arange(len(X)) % 4, -1, of)
    X[labels == 1, 2] = np.nan  # a column that no labelled row of a class has
    model = GaussianMixture(3, covariance_type=structure, missing="at_random", prior="default", acceleration=None, max_iter=40,
                            tol=1e-12, fixed={"means": [0]}, means_init=np.zeros((3, 3)) + [[0], [1], [2]])
    model.fit(X, labels=labels)
    gains = np.diff(model.lower_bounds_)
    assert (gains >= 0).all() and gains[0] > 0 and (model.means_[0] == 0).all()


def test_all_rows_labelled_and_holes_are_one_gaussian_a_class():
    "With free covariances every class is a fit of its own."
    X, of = blobs(n=300)
    X = holed(X)
    model = GaussianMixture(3, missing="at_random", tol=1e-12, reg_covar=0).fit(X, labels=of)
    assert model.n_iter_ > 3
    for k in range(3):
        alone = GaussianMixture(1, missing="at_random", tol=1e-12, reg_covar=0).fit(X[of == k])
        assert_allclose(model.means_[k], alone.means_[0], atol=1e-5)
        assert_allclose(model.covariances_[k], alone.covariances_[0], atol=1e-5)


@pytest.mark.parametrize("structure", ["VVV", "EEE", "VVI", "VII", "EVE"])
def test_the_default_prior_with_few_holes_is_near_the_one_without(structure):
    X, _ = blobs(n=400)
    once = X.copy()
    once[3, 1] = np.nan
    whole, holes = (default_prior(prepare_table(A, None, structure), 3, structure) for A in (X, once))
    assert_allclose(holes.scatter, whole.scatter, rtol=0.05, atol=0.02 * np.max(whole.scatter))
    assert_allclose(holes.mean, whole.mean, atol=0.05)


def test_labels_of_rows_without_any_value_are_no_labels():
    X, of = blobs()
    X, labels = holed(X), np.full(len(X), -1)
    X[:2], labels[:2] = np.nan, [0, 1]
    model = GaussianMixture(3, missing="at_random", random_state=0).fit(X, labels=labels)
    assert_array_equal(model.means_, GaussianMixture(3, missing="at_random", random_state=0).fit(X).means_)


def test_ragged_labels_have_a_clear_error():
    with pytest.raises(ValueError, match="Got labels of shape"): GaussianMixture(2).fit(blobs()[0], labels=[[0], [1, 2]])
