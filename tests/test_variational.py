"""Variational Bayes: lock-step with scikit-learn's class, its own tests and checks, exact and drawn evidences, and bad input."""
import pickle

import numpy as np
import pytest
import sklearn.mixture
from gmm_nb import BayesianGaussianMixture, GaussianMixture, bayesian
from gmm_nb.e_step import is_fast
from gmm_nb.em import run
from gmm_nb.initialization import statistics_of
from gmm_nb.mixture import STRUCTURES, Mixture, log_sum_exp
from gmm_nb.statistics import prepare
from gmm_nb.variational import (KINDS, ConjugatePrior, Dirichlet, Predictive, elbo, squarem_variational_steps, update, variational_pass,
                                variational_steps, weights_prior)
from numpy.testing import assert_allclose, assert_array_equal
from oracles import data
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_sklearn_suite import their_tests

pytestmark = pytest.mark.filterwarnings("ignore:Variational Bayes did not converge")
each_structure = pytest.mark.parametrize("structure", STRUCTURES)
each_kind = pytest.mark.parametrize("kind", KINDS)
each_acceleration = pytest.mark.parametrize("acceleration", [None, "squarem"])
FAITHFUL = data("faithful")


def shares(n, K, seed=0): return np.random.default_rng(seed).dirichlet(np.full(K, 0.3), size=n)


def scatter_of(X, structure):
    return {"full": np.atleast_2d(np.cov(X.T)), "tied": np.atleast_2d(np.cov(X.T)), "diag": X.var(axis=0, ddof=1),
            "spherical": X.var(axis=0, ddof=1).mean()}[structure]


def prior_for(X, structure="full", kind=KINDS[1], K=4, alpha=0.1, rule="conjugate", **more):
    given = dict(mean_precision=1.0, mean=X.mean(axis=0), degrees_of_freedom=X.shape[1], covariance=scatter_of(X, structure))
    return ConjugatePrior(weights_prior(kind, alpha, K, rule), **given | more, structure=structure, rule=rule)


def started(prior, X, seed=0):
    resp = shares(len(X), len(prior.weights.mean), seed).T
    return update(prior, statistics_of(X, np.ones(len(X)), resp, prior.structure))


# ---- scikit-learn

def theirs_from(resp, **parameters):
    class FromThere(sklearn.mixture.BayesianGaussianMixture):
        def _initialize_parameters(self, X, random_state, xp=None): self._initialize(X, resp)
    return FromThere(**parameters)


@each_structure
@each_kind
@pytest.mark.parametrize("name", ["faithful", "iris"])
def test_lock_step_with_scikit_learn(name, kind, structure):
    "100 iterations from the same start: all parameters, and the bound of every iteration"
    X, K = data(name), 5
    resp = shares(len(X), K)
    same = dict(n_components=K, covariance_type=structure, weight_concentration_prior_type=kind, max_iter=100, tol=0.0)
    theirs = theirs_from(resp, **same).fit(X)
    assert theirs.n_iter_ == 100 or theirs.converged_
    same["max_iter"] = theirs.n_iter_
    ours = BayesianGaussianMixture(**same, init_params=resp, update_rule="sklearn").fit(X)
    assert ours.n_iter_ == theirs.n_iter_
    for attribute in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "mean_precision_", "degrees_of_freedom_",
                      "weight_concentration_", "weight_concentration_prior_", "mean_precision_prior_", "mean_prior_", "degrees_of_freedom_prior_",
                      "covariance_prior_"):
        a, b = getattr(ours, attribute), getattr(theirs, attribute)
        assert type(a) is tuple if type(b) is tuple else np.shape(a) == np.shape(b), attribute
        assert_allclose(np.array(a), np.array(b), rtol=1e-10, atol=1e-10, err_msg=attribute)
    assert_allclose(ours.lower_bounds_, np.ravel(theirs.lower_bounds_), rtol=1e-10)
    assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-9)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)


NOT_RUN = {"test_compare_covar_type": "calls the private _check_parameters and _initialize_parameters"}
THEIRS = their_tests("test_bayesian_mixture", BayesianGaussianMixture) | their_tests("test_mixture", BayesianGaussianMixture)
globals().update({name: test for name, test in THEIRS.items() if name not in NOT_RUN})


@pytest.mark.skipif(not THEIRS, reason="this scikit-learn comes without its tests")
def test_most_of_their_tests_are_run():
    run_here = [name for name in THEIRS if name not in NOT_RUN]
    assert len(run_here) >= 11 and "test_monotonic_likelihood" in run_here and "test_invariant_translation" in run_here
    assert all(test.__globals__["BayesianGaussianMixture"] is BayesianGaussianMixture for test in THEIRS.values())


CHECKED = [BayesianGaussianMixture(), *(BayesianGaussianMixture(n_components=2, covariance_type=s, random_state=0) for s in STRUCTURES),
           BayesianGaussianMixture(n_components=2, random_state=0, update_rule="sklearn", weight_concentration_prior_type="dirichlet_distribution"),
           BayesianGaussianMixture(n_components=2, random_state=0, acceleration="squarem")]


@parametrize_with_checks(CHECKED)
def test_scikit_learns_checks(estimator, check): check(estimator)


def test_parameters_and_defaults_are_theirs():
    theirs, ours = sklearn.mixture.BayesianGaussianMixture().get_params(), BayesianGaussianMixture().get_params()
    assert theirs.items() <= ours.items() and ours.keys() - theirs.keys() == {"n_jobs", "acceleration", "update_rule"}
    with pytest.raises(TypeError): BayesianGaussianMixture(2)
    fitted = sklearn.mixture.BayesianGaussianMixture(n_components=2).fit(FAITHFUL)
    ours = BayesianGaussianMixture(n_components=2).fit(FAITHFUL)
    assert all(hasattr(ours, name) for name in vars(fitted) if name.endswith("_"))


# ---- the bound

@each_structure
@each_kind
@each_acceleration
def test_the_bound_never_falls(structure, kind, acceleration):
    X = data("iris")
    for seed in range(3):
        q = started(prior_for(X, structure, kind, K=6), X, seed)
        steps = (squarem_variational_steps if acceleration else variational_steps)(prepare(X, structure="tied"), q)
        seen = []
        result = run(steps, 1.0, tol=1e-5, max_iter=2000, callback=seen.append)
        bounds = np.array([step.log_likelihood for step in seen])
        assert result.converged and np.all(np.diff(bounds) >= -1e-13 * np.abs(bounds[1:]))
        assert np.all(np.diff(result.log_likelihoods) >= 0)
        last = elbo(result.state, result.mixture.log_density(X).sum())
        assert last >= bounds[-1] - 1e-10 and last - bounds[-1] < 1e-4
    model = BayesianGaussianMixture(n_components=6, covariance_type=structure, weight_concentration_prior_type=kind, acceleration=acceleration,
                                    random_state=0, max_iter=2000).fit(X)
    assert model.converged_ and np.all(np.diff(model.lower_bounds_) >= 0) and model.lower_bound_ == model.lower_bounds_[-1]


def test_the_bound_is_a_maximum():
    "No parameter of the posterior can be moved to a better bound"
    X, prior = FAITHFUL, prior_for(FAITHFUL, K=2)
    q = run(variational_steps(prepare(X), started(prior, X)), 1.0, tol=1e-10).state
    best, rng = elbo(q, q.surrogate.log_density(X).sum()), np.random.default_rng(0)
    for _ in range(20):
        moved = dict(weights=Dirichlet(q.weights.alpha * np.exp(0.1 * rng.normal(size=2))), means=q.means + 0.1 * rng.normal(size=(2, 2)),
                     mean_precision=q.mean_precision * np.exp(0.1 * rng.normal(size=2)), scatter=q.scatter * np.exp(0.05 * rng.normal(size=(2, 1, 1))),
                     degrees_of_freedom=q.degrees_of_freedom * np.exp(0.05 * rng.normal(size=2)))
        for name, value in moved.items():
            other = type(q)(**{**{f: getattr(q, f) for f in ("prior", *moved)}, name: value})
            assert elbo(other, other.surrogate.log_density(X).sum()) < best, name


def chain_rule(X, prior):
    "log p(X) of one component, row by row: Student densities of scipy, each with the rows before as the prior"
    beta, m, nu, S, d, total = prior.mean_precision, prior.mean, prior.degrees_of_freedom, np.asarray(prior.covariance), X.shape[1], 0.0
    for x in X:
        wider = (beta + 1) / beta
        if prior.structure in ("full", "tied"):
            total += stats.multivariate_t(m, S * wider / (nu + 1 - d), df=nu + 1 - d).logpdf(x)
            more = np.outer(x - m, x - m)
        elif prior.structure == "diag":
            total += stats.t(nu, m, np.sqrt(S * wider / nu)).logpdf(x).sum()
            more = (x - m)**2
        else:
            total += stats.multivariate_t(m, S * wider / nu * np.eye(d), df=d * nu).logpdf(x)
            more = np.mean((x - m)**2)
        S, m, beta, nu = S + more / wider, (beta * m + x) / (beta + 1), beta + 1, nu + 1
    return total


@each_structure
@each_kind
@pytest.mark.parametrize("name", ["faithful", "iris"])
def test_one_component_has_its_exact_evidence(name, kind, structure):
    X = data(name)
    model = BayesianGaussianMixture(covariance_type=structure, weight_concentration_prior_type=kind).fit(X)
    prior = prior_for(X, structure, kind, K=1)
    assert_allclose(model.lower_bound_, chain_rule(X, prior), rtol=1e-10)
    again = BayesianGaussianMixture(covariance_type=structure, mean_prior=[1.0] * X.shape[1], mean_precision_prior=0.3,
                                    degrees_of_freedom_prior=X.shape[1] + 2.5, covariance_prior=2 * scatter_of(X, structure)).fit(X)
    other = prior_for(X, structure, kind, K=1, mean=np.ones(X.shape[1]), mean_precision=0.3, degrees_of_freedom=X.shape[1] + 2.5,
                      covariance=2 * scatter_of(X, structure))
    assert_allclose(again.lower_bound_, chain_rule(X, other), rtol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_a_drawn_evidence_lies_above_the_bound(seed):
    "Means of the likelihood over draws from the prior: eight rows, one feature, two components"
    rng, n = np.random.default_rng(seed), 400_000
    x = np.concatenate([rng.normal(size=4), 4 + rng.normal(size=4)])
    prior = ConjugatePrior(Dirichlet(np.ones(2)), 0.3, [2.0], 3.0, [[3.0]])
    phi, precision = rng.dirichlet(np.ones(2), size=n), rng.gamma(1.5, 2 / 3.0, size=(n, 2))
    means = 2.0 + rng.normal(size=(n, 2)) / np.sqrt(0.3 * precision)
    logs = sum(log_sum_exp((np.log(phi) + 0.5 * np.log(precision / (2 * np.pi)) - 0.5 * precision * (value - means)**2).T) for value in x)
    top = logs.max()
    likelihood = np.exp(logs - top)
    lowest = top + np.log(likelihood.mean() - 4 * likelihood.std() / np.sqrt(n))
    X = x[:, None]
    best = max(run(variational_steps(prepare(X), started(prior, X, s)), 1.0, tol=1e-8).log_likelihoods[-1] for s in range(5))
    assert best < lowest < best + 3


@each_structure
@pytest.mark.parametrize("rows", [1.0, 1e12, 1e16, 1e100])
def test_a_prior_mean_worth_very_many_rows(structure, rows):
    "S_k is a sum; as a difference it had lost all digits at 1e16, and four of them were left at 1e12"
    X, away = FAITHFUL - FAITHFUL.mean(axis=0), np.array([3.0, -2.0])
    n, prior = len(X), prior_for(X, structure, K=1, mean=away, mean_precision=rows)
    q = update(prior, statistics_of(X + 0, np.ones(n), np.ones((1, n)), structure))
    whole = X.T @ X + n / (1 + n / rows) * np.outer(away, away)
    wanted = {"diag": np.diag(whole)[None], "spherical": np.array([np.trace(whole) / 2])}.get(structure, whole)
    assert_allclose(q.scatter - prior.covariance, np.reshape(wanted, q.scatter.shape), rtol=1e-11)
    assert_allclose(q.means[0], away * rows / (rows + n), rtol=1e-9)


@each_structure
@pytest.mark.filterwarnings("error")
def test_predictive_density_very_far_away(structure):
    "Tails are those of a Student distribution, also where squared distances are no numbers"
    model = BayesianGaussianMixture(n_components=2, covariance_type=structure, random_state=0, tol=1).fit(FAITHFUL)
    near, far, further = (model.score_samples(size * FAITHFUL[:5], predictive=True) for size in (1e60, 1e120, 1e250))
    assert_allclose((far - near) / 60, (further - far) / 130, rtol=1e-9)
    assert (far < near).all()


@each_structure
def test_predictive_density(structure):
    "One row more is worth the ratio of two evidences; as rows increase, it becomes the mixture's density"
    X = data("iris")
    model = BayesianGaussianMixture(covariance_type=structure, mean_prior=np.ones(4), covariance_prior=scatter_of(X, structure)).fit(X[:60])
    prior = prior_for(X, structure, K=1, mean=np.ones(4))
    for row in (0, 80, 140):
        more = chain_rule(np.concatenate([X[:60], X[[row]]]), prior) - chain_rule(X[:60], prior)
        assert_allclose(model.score_samples(X[[row]], predictive=True), more, rtol=1e-9)
    large = np.random.default_rng(0).normal(size=(20_000, 2))
    model = BayesianGaussianMixture(n_components=2, covariance_type=structure, random_state=0, max_iter=20).fit(large)
    assert_allclose(model.score_samples(large[:50], predictive=True), model.mixture_.log_joint(large[:50]).max(axis=0), atol=1)
    assert np.all(model.score_samples(large, predictive=True) > model.score_samples(large))
    assert_array_equal(Predictive(model.posterior_).log_joint(large[:5]).shape, (2, 5))


# ---- data of every kind

@each_structure
def test_far_from_zero(structure):
    X = data("iris")
    resp = shares(len(X), 3)
    near, far = (BayesianGaussianMixture(n_components=3, covariance_type=structure, init_params=resp, max_iter=50).fit(Z) for Z in (X, X + 1e8))
    assert_allclose(far.covariances_, near.covariances_, rtol=1e-4, atol=1e-6)
    assert_allclose(far.lower_bound_, near.lower_bound_, rtol=1e-5)


def test_a_tight_cluster_keeps_its_digits():
    "A pass under a wide mixture takes sums about the common mean, which lose a tight cluster's spread: they are taken again about the new means"
    rng = np.random.default_rng(0)
    X = np.concatenate([1e4 + 1e-4 * rng.normal(size=(100, 2)), rng.normal(size=(100, 2))])
    prior = ConjugatePrior(Dirichlet(np.ones(2)), 1e-12, X.mean(axis=0), 2.0, 1e-12 * np.eye(2))
    wide = Mixture([0.5, 0.5], [[1e4, 1e4], [0.0, 0.0]], [1e4 * np.eye(2)] * 2)
    assert is_fast(prepare(X), wide)
    q = variational_pass(prepare(X), prior, wide)[1]
    away = X[:100].mean(axis=0) - prior.mean
    assert_allclose(q.scatter[0], 1e-12 * np.eye(2) + 100 * np.cov(X[:100].T, bias=True) + 1e-12 * np.outer(away, away), rtol=1e-6)


@each_structure
def test_weights_are_repeated_rows_and_count_as_they_are(structure):
    X, rng = data("iris"), np.random.default_rng(1)
    times, resp = rng.integers(0, 4, size=len(X)), shares(len(X), 3)
    fit = lambda resp, X, w=None: BayesianGaussianMixture(n_components=3, covariance_type=structure, init_params=resp, max_iter=60).fit(X, sample_weight=w)
    a, b = fit(resp, X, times), fit(np.repeat(resp, times, axis=0), np.repeat(X, times, axis=0))
    for name in ("weights_", "means_", "covariances_", "degrees_of_freedom_", "mean_precision_"):
        assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-7, atol=1e-9)
    assert_allclose(a.lower_bound_, b.lower_bound_, rtol=1e-10)
    light = fit(resp, X, np.full(len(X), 1e-14))  # beyond what chapter 10 counts in its own unit
    assert_allclose(light.mean_precision_, 1, atol=1e-11)
    assert_allclose(light.weights_.sum(), 1)


@each_kind
def test_constant_and_copied_columns(kind):
    X = np.column_stack([FAITHFUL, FAITHFUL[:, 0], np.ones(len(FAITHFUL))])
    model = BayesianGaussianMixture(n_components=3, weight_concentration_prior_type=kind, random_state=0).fit(X)
    assert np.isfinite(model.lower_bound_) and np.isfinite(model.score(X))
    with pytest.raises(ValueError, match="covariance_prior that is not positive definite"): BayesianGaussianMixture(reg_covar=0).fit(X)


@each_structure
@pytest.mark.parametrize("rule", ["conjugate", "sklearn"])
def test_far_rows_copies_and_extreme_units(structure, rule):
    rng = np.random.default_rng(0)
    for X in (np.r_[rng.normal(size=(50, 2)), [[1e9, 1e9]]], np.repeat(rng.normal(size=(3, 2)), 10, axis=0), rng.normal(size=(20, 40)), np.ones((10, 2)),
              rng.normal(size=(2, 2)), 1e120 * rng.normal(size=(40, 2)), 1e-120 * rng.normal(size=(40, 2)), rng.normal(size=(60, 2)) * [1e8, 1e-8]):
        model = BayesianGaussianMixture(n_components=min(6, len(X)), covariance_type=structure, update_rule=rule, random_state=0).fit(X)
        assert np.isfinite([model.lower_bound_, model.score(X)]).all() and np.isfinite(model.score_samples(X, predictive=True)).all()
        assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_sparse_prior_finds_two_clouds_and_order_is_by_weight():
    for kind in KINDS:
        model = BayesianGaussianMixture(n_components=8, weight_concentration_prior_type=kind, weight_concentration_prior=0.01, random_state=0,
                                        max_iter=1000).fit(FAITHFUL)
        assert model.converged_ and np.sum(model.weights_ > 0.01) == 2
    process = BayesianGaussianMixture(n_components=3, random_state=0).fit(FAITHFUL)
    assert process.weights_[0] == process.weights_.max()


@each_structure
def test_threads_do_not_show(structure):
    X = np.random.default_rng(0).normal(size=(60_000, 3))
    fits = [BayesianGaussianMixture(n_components=4, covariance_type=structure, random_state=0, n_jobs=jobs, max_iter=5).fit(X) for jobs in (1, 2)]
    assert_array_equal(fits[0].means_, fits[1].means_)
    assert fits[0].lower_bounds_ == fits[1].lower_bounds_


# ---- the estimator

def test_more_races_are_never_worse():
    bounds = [BayesianGaussianMixture(n_components=6, n_init=n, random_state=0, max_iter=500).fit(data("iris")).lower_bound_ for n in (1, 3)]
    assert bounds[1] >= bounds[0]


def test_starts_of_every_kind():
    labels = (FAITHFUL[:, 0] < 3).astype(int)
    by_labels = BayesianGaussianMixture(n_components=2, init_params=labels, max_iter=0).fit(FAITHFUL)
    assert_allclose(by_labels.mean_precision_, 1 + np.bincount(labels)) and by_labels.lower_bound_ == -np.inf
    function = BayesianGaussianMixture(n_components=2, init_params=lambda X, K, rng: (X[:, 0] < 3).astype(int), max_iter=0).fit(FAITHFUL)
    assert_array_equal(by_labels.means_, function.means_)
    for name in ("k-means++", "random_from_data", "random"): assert BayesianGaussianMixture(n_components=2, init_params=name, random_state=0, max_iter=500).fit(FAITHFUL).converged_


def test_warm_starts_make_one_run():
    resp = shares(len(FAITHFUL), 4)
    whole = BayesianGaussianMixture(n_components=4, init_params=resp, max_iter=30, tol=1e-12).fit(FAITHFUL)
    parts = BayesianGaussianMixture(n_components=4, init_params=resp, max_iter=10, tol=1e-12, warm_start=True)
    bounds = sum((parts.fit(FAITHFUL).lower_bounds_ for _ in range(3)), [])
    assert bounds == whole.lower_bounds_
    assert_array_equal(parts.means_, whole.means_)
    parts.set_params(weight_concentration_prior_type=KINDS[1]).fit(FAITHFUL)  # another kind of posterior: it begins anew
    assert isinstance(parts.weight_concentration_, np.ndarray)


def test_attributes_can_be_read_and_not_set():
    model = BayesianGaussianMixture(n_components=3, random_state=0)
    for ask in (lambda: model.means_, lambda: model.predict(FAITHFUL), lambda: model.score_samples(FAITHFUL, predictive=True), lambda: model.posterior_):
        with pytest.raises(NotFittedError, match="This BayesianGaussianMixture instance is not fitted yet"): ask()
    assert not hasattr(model, "weight_concentration_") and model.fit(FAITHFUL) is model
    with pytest.raises(AttributeError): model.means_ = np.zeros((3, 2))
    with pytest.raises(ValueError): model.means_[0, 0] = 1.0
    single = clone(model).fit(FAITHFUL.astype(np.float32))
    assert single.means_.dtype == single.mean_prior_.dtype == single.predict_proba(FAITHFUL.astype(np.float32)).dtype == np.float32
    for copy in (pickle.loads(pickle.dumps(model)), pickle.loads(pickle.dumps(model.mixture_))):
        of = copy.predict if copy is not model and hasattr(copy, "predict") else lambda X: copy.resp(X).argmax(axis=0)
        assert_array_equal(of(FAITHFUL), model.predict(FAITHFUL))
    X, labels = model.sample(50, random_state=0)
    assert X.shape == (50, 2) and np.all(np.diff(labels) >= 0)


def test_a_fit_that_fails_leaves_the_last_one():
    model = BayesianGaussianMixture(n_components=2, random_state=0).fit(FAITHFUL)
    before = model.predict(FAITHFUL)
    with pytest.raises(ValueError): model.set_params(mean_prior=[0.0]).fit(data("iris"))
    assert_array_equal(model.predict(FAITHFUL), before)


def test_what_it_says(capsys):
    with pytest.warns(ConvergenceWarning, match=r"did not converge in 2 passes: .* Raise max_iter") as told:
        BayesianGaussianMixture(n_components=3, max_iter=2, verbose=1, verbose_interval=1, random_state=0).fit(FAITHFUL)
    assert told[0].filename == __file__
    assert "pass 1: bound -" in capsys.readouterr().out

    def stop(step): raise KeyboardInterrupt
    model = BayesianGaussianMixture(n_components=3, random_state=0)
    model._on_step = lambda step: step.n_iter < 3 or stop(step)
    with pytest.warns(UserWarning, match="Interrupted after 3 passes") as told: model.fit(FAITHFUL)
    assert told[0].filename == __file__
    assert model.predict(FAITHFUL).shape == (272,) and not model.converged_


def test_in_a_search():
    search = GridSearchCV(BayesianGaussianMixture(n_components=2, random_state=0, n_jobs=1), {"covariance_type": STRUCTURES}, cv=2).fit(FAITHFUL)
    assert search.best_params_["covariance_type"] in STRUCTURES


BAD = [(dict(covariance_type="VEE"), "covariance_type='VEE'; expected one of"), (dict(acceleration="natural-gradient"), "expected one of"),
       (dict(update_rule="other"), "update_rule='other'"), (dict(update_rule="sklearn", acceleration="squarem"), "Expected acceleration=None"),
       (dict(weight_concentration_prior_type="uniform"), "weight_concentration_prior_type='uniform'; expected one of"),
       *((dict(weight_concentration_prior=value), "weight_concentration_prior=.*above 0") for value in (0.0, -1, np.inf, np.nan, "one", True)),
       *((dict(mean_precision_prior=value), "mean_precision_prior=.*above 0") for value in (0.0, -1, np.nan, 5e-324, 1e308)),
       (dict(weight_concentration_prior=5e-324), "from 1e-200 to 1e200"), (dict(degrees_of_freedom_prior=1e308), "degrees_of_freedom_prior"),
       (dict(mean_prior=[1e200, 0]), "mean_prior at a distance from the data"),
       (dict(mean_prior=[0.0]), r"mean_prior of shape=\(1,\); expected \(2,\)"), (dict(mean_prior=[0.0, np.nan]), "mean_prior with NaN"),
       (dict(mean_prior=["a", "b"]), "mean_prior that is no array of numbers"),
       *((dict(degrees_of_freedom_prior=value), "degrees_of_freedom_prior=.*greater than 1") for value in (1.0, 0.5, -3, np.inf)),
       (dict(degrees_of_freedom_prior=0.0, covariance_type="diag"), "greater than 0"),
       (dict(degrees_of_freedom_prior=0.5, covariance_type="diag", update_rule="sklearn"), "greater than 1"),
       (dict(covariance_prior=np.eye(3)), r"covariance_prior of shape \(3, 3\); expected \(2, 2\)"),
       (dict(covariance_prior=1.0, covariance_type="diag"), r"expected \(2,\)"), (dict(covariance_prior=[1.0, 1.0], covariance_type="spherical"), "expected a single number"),
       (dict(covariance_prior=[[1.0, 0.5], [0.0, 1.0]]), "not symmetric"), (dict(covariance_prior=[[1.0, 2.0], [2.0, 1.0]]), "not positive definite"),
       (dict(covariance_prior=-1.0, covariance_type="spherical"), "not positive definite"), (dict(n_components=0), "n_components=0"),
       (dict(tol=-1), "tol=-1"), (dict(n_components=300), "n_samples >= n_components"), (dict(init_params=np.zeros(3)), "init_params of shape")]


@pytest.mark.parametrize("parameters, message", BAD, ids=lambda value: str(value)[:60] if isinstance(value, dict) else "")
def test_bad_input(parameters, message):
    with pytest.raises(ValueError, match=message): BayesianGaussianMixture(**parameters).fit(FAITHFUL)


def test_small_degrees_of_freedom_are_a_prior_of_single_variances():
    model = BayesianGaussianMixture(covariance_type="diag", degrees_of_freedom_prior=0.5).fit(FAITHFUL)
    assert_allclose(model.lower_bound_, chain_rule(FAITHFUL, prior_for(FAITHFUL, "diag", K=1, degrees_of_freedom=0.5)), rtol=1e-10)


def test_hooks_of_scikit_learn_are_refused():
    class Own(BayesianGaussianMixture):
        def _m_step(self, X, log_resp): pass
    with pytest.raises(TypeError, match="_m_step"): Own().fit(FAITHFUL)


def test_shared_methods_are_not_copied():
    assert BayesianGaussianMixture.predict is GaussianMixture.predict and bayesian.rowwise.__module__ == "gmm_nb.estimator"
