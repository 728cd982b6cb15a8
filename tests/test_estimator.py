"The face: everything that scikit-learn's GaussianMixture has is here, under the same names and in the same shapes, and weights."
import contextlib
import copy
import inspect
import itertools
import os
import pickle
import re
import subprocess
import sys
import warnings

import gmm_nb.em
import gmm_nb.estimator
import numpy as np
import pandas as pd
import pytest
from gmm_nb.covariance import CollapsedComponent
from gmm_nb.estimator import GaussianMixture, VarianceFloorWarning, hooks
from gmm_nb.initialization import METHODS
from gmm_nb.mixture import STRUCTURES, Mixture
from oracles import data, expand
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture
from sklearn.mixture import GaussianMixture as Reference
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

each_structure = pytest.mark.parametrize("structure", STRUCTURES)
each_method = pytest.mark.parametrize("method", METHODS)
IRIS, FAITHFUL = data("iris"), data("faithful")
FITTED = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "converged_", "n_iter_", "lower_bound_", "lower_bounds_")


@contextlib.contextmanager
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def explicit(structure="full", K=2, d=2, seed=0, X=FAITHFUL):
    "Parameters of an explicit start on the rows X"
    rng = np.random.default_rng(seed)
    variances = X.var(axis=0) / K
    precisions = {"full": np.stack([np.diag(1 / variances)] * K), "tied": np.diag(1 / variances), "diag": np.stack([1 / variances] * K),
                  "spherical": np.full(K, 1 / variances.mean())}[structure]
    return dict(weights_init=np.full(K, 1 / K), means_init=X[rng.choice(len(X), K, replace=False)], precisions_init=precisions)


def assert_same_fit(a, b, rtol, units=None):
    "Parameters in units of the components' own standard deviations"
    sd = np.sqrt(np.diagonal(b.mixture_.matrices(), axis1=1, axis2=2))
    np.testing.assert_allclose(a.weights_, b.weights_, rtol=0, atol=rtol)
    np.testing.assert_allclose((a.means_ - b.means_) / sd, 0, atol=rtol)
    np.testing.assert_allclose((a.mixture_.matrices() - b.mixture_.matrices()) / (sd[:, :, None] * sd[:, None, :]), 0, atol=rtol)


# ---- scikit-learn's face

def test_it_is_at_the_top_level():
    import gmm_nb
    assert gmm_nb.GaussianMixture is GaussianMixture


@pytest.mark.parametrize("name", gmm_nb.__all__)
def test_names_at_the_top_level_are_imported_when_asked_for(name, monkeypatch):
    monkeypatch.delitem(vars(gmm_nb), name, raising=False)  # as if nobody had asked before
    assert name in dir(gmm_nb) and name not in vars(gmm_nb)
    found = getattr(gmm_nb, name)
    assert found.__name__ == name and found.__module__.startswith("gmm_nb.") and vars(gmm_nb)[name] is found


def test_other_names_at_the_top_level_are_refused():
    with pytest.raises(AttributeError, match="module 'gmm_nb' has no attribute 'GaussianMixtures'"): gmm_nb.GaussianMixtures


def test_every_parameter_of_scikit_learns():
    ours, theirs = (inspect.signature(cls.__init__).parameters for cls in (GaussianMixture, Reference))
    for name, parameter in theirs.items():
        assert name in ours and ours[name].kind == parameter.kind, name
        if name not in ("tol", "max_iter", "reg_covar", "n_init", "acceleration"):  # the deliberate differences
            assert ours[name].default == parameter.default, name
    extra = set(ours) - set(theirs)
    assert all(ours[name].kind is inspect.Parameter.KEYWORD_ONLY for name in extra)
    assert GaussianMixture().tol <= Reference().tol and GaussianMixture().max_iter >= Reference().max_iter


@pytest.mark.parametrize("name", [name for name in dir(Reference) if not name.startswith("_")])
def test_every_method_of_scikit_learns(name):
    assert callable(getattr(GaussianMixture, name))
    theirs = inspect.signature(getattr(Reference, name)).parameters
    ours = inspect.signature(getattr(GaussianMixture, name)).parameters
    assert list(theirs) == list(ours)[:len(theirs)], "the same arguments in the same places"
    for parameter in theirs:
        assert (theirs[parameter].default is inspect.Parameter.empty) == (ours[parameter].default is inspect.Parameter.empty)


@each_structure
def test_every_attribute_of_scikit_learns(structure):
    frame = pd.DataFrame(IRIS, columns=["sl", "sw", "pl", "pw"])
    ours = GaussianMixture(3, covariance_type=structure, random_state=0).fit(frame)
    theirs = Reference(3, covariance_type=structure, random_state=0).fit(frame)
    documented = re.findall(r"^    (\w+_)\s*:", Reference.__doc__, re.MULTILINE)
    public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")} | set(documented)
    assert {*FITTED, "n_features_in_", "feature_names_in_"} <= public
    for name in public:
        a, b = getattr(ours, name), getattr(theirs, name)
        assert np.shape(a) == np.shape(b) or name == "lower_bounds_", name
        assert np.asarray(a).dtype.kind == np.asarray(b).dtype.kind, name
    assert type(ours.lower_bounds_) is type(theirs.lower_bounds_) and len(ours.lower_bounds_) == ours.n_iter_
    assert ours.lower_bound_ == ours.lower_bounds_[-1] and isinstance(ours.lower_bound_, float) and isinstance(ours.converged_, bool)
    for method in ("predict", "predict_proba", "score_samples"):
        a, b = getattr(ours, method)(frame), getattr(theirs, method)(frame)
        assert a.shape == b.shape and a.dtype.kind == b.dtype.kind, method
    for method in ("score", "bic", "aic"): assert isinstance(getattr(ours, method)(frame), float)
    for a, b in zip(ours.sample(7), theirs.sample(7)): assert a.shape == b.shape and a.dtype.kind == b.dtype.kind


@each_structure
def test_the_same_mixture_says_the_same(structure):
    "Both fitted from one start to the end; every method agrees"
    start = explicit(structure, K=3, d=4, X=IRIS, seed=2)
    ours = GaussianMixture(3, covariance_type=structure, reg_covar=0, tol=1e-13, max_iter=5000, **start).fit(IRIS)
    theirs = Reference(3, covariance_type=structure, reg_covar=0, tol=1e-13, max_iter=5000, **start).fit(IRIS)
    for name in FITTED[:5]: np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(ours.score_samples(IRIS), theirs.score_samples(IRIS), atol=1e-4)
    np.testing.assert_array_equal(ours.predict(IRIS), theirs.predict(IRIS))
    for method in ("score", "bic", "aic"): assert getattr(ours, method)(IRIS) == pytest.approx(getattr(theirs, method)(IRIS), rel=1e-8)


@each_structure
def test_precisions(structure):
    model = GaussianMixture(3, covariance_type=structure, random_state=0).fit(IRIS)
    P, L, S = model.precisions_, model.precisions_cholesky_, model.mixture_.matrices()
    for k in range(3):
        np.testing.assert_allclose(expand(P, structure, 3, 4)[k] @ S[k], np.eye(4), atol=1e-9)
    np.testing.assert_allclose(L @ np.swapaxes(L, -1, -2) if structure in ("full", "tied") else L**2, P, rtol=1e-10)


@each_structure
def test_bic_and_aic_are_scikit_learns_formulas(structure):
    model = GaussianMixture(3, covariance_type=structure, random_state=0).fit(IRIS)
    L = model.score_samples(IRIS).sum()
    parameters = Reference(3, covariance_type=structure, random_state=0).fit(IRIS)._n_parameters()
    assert model.bic(IRIS) == pytest.approx(-2 * L + parameters * np.log(150), rel=1e-13)
    assert model.aic(IRIS) == pytest.approx(-2 * L + 2 * parameters, rel=1e-13)
    assert model.score(IRIS) == pytest.approx(L / 150, rel=1e-13)


@each_structure
def test_methods_against_scipy(structure):
    model = GaussianMixture(3, covariance_type=structure, random_state=0).fit(IRIS)
    joint = np.array([w * multivariate_normal(m, S).pdf(IRIS) for w, m, S in zip(model.weights_, model.means_, model.mixture_.matrices())])
    np.testing.assert_allclose(model.predict_proba(IRIS), (joint / joint.sum(axis=0)).T, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(model.score_samples(IRIS), np.log(joint.sum(axis=0)), rtol=1e-10)
    np.testing.assert_array_equal(model.predict(IRIS), joint.argmax(axis=0))


@each_structure
def test_fit_predict_is_fit_and_predict(structure):
    model = GaussianMixture(3, covariance_type=structure, random_state=0)
    labels = model.fit_predict(IRIS)
    np.testing.assert_array_equal(labels, model.predict(IRIS))
    np.testing.assert_array_equal(labels, clone(model).fit(IRIS).predict(IRIS))
    w = np.arange(150.0)
    np.testing.assert_array_equal(clone(model).fit_predict(IRIS, sample_weight=w), clone(model).fit(IRIS, sample_weight=w).predict(IRIS))


@pytest.mark.parametrize("rows", [1, 2, 8191, 8192, 8193, 200_000])
def test_predicting_many_rows_in_pieces(rows):
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    X = np.random.default_rng(0).normal([3, 70], [2, 20], size=(rows, 2))
    proba = model.predict_proba(X)
    assert proba.shape == (rows, 2)
    ends = np.r_[0:min(rows, 3), max(rows - 3, 0):rows]
    np.testing.assert_allclose(proba[ends], model.predict_proba(X[ends]), rtol=1e-12)
    np.testing.assert_allclose(model.score_samples(X)[ends], model.score_samples(X[ends]), rtol=1e-12)


@pytest.mark.parametrize("far", [1e100, 1e200])
def test_rows_far_away_have_responsibilities(far):
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    with np.errstate(all="ignore"):
        proba = model.predict_proba([[far, far], [3.0, 70.0], [-far, 0.0]])
        labels = model.predict([[far, far], [3.0, 70.0], [-far, 0.0]])
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(labels, proba.argmax(axis=1))


# ---- sampling

def test_sample_is_sorted_by_component_and_has_the_right_moments():
    model = GaussianMixture(3, random_state=0).fit(IRIS)
    X, labels = model.sample(30_000)
    assert (np.diff(labels) >= 0).all() and X.shape == (30_000, 4)
    for k, S in enumerate(model.covariances_):
        rows, share = X[labels == k], model.weights_[k]
        assert abs(len(rows) / 30_000 - share) < 5 * np.sqrt(share * (1 - share) / 30_000)
        assert (np.abs(rows.mean(axis=0) - model.means_[k]) < 5 * np.sqrt(np.diag(S) / len(rows))).all()
        assert (np.abs(np.cov(rows.T) - S) < 5 * np.sqrt((np.outer(np.diag(S), np.diag(S)) + S**2) / len(rows))).all()


def test_sample_and_random_state():
    model = GaussianMixture(2, random_state=5).fit(FAITHFUL)
    np.testing.assert_array_equal(model.sample(5)[0], model.sample(5)[0])  # an int: the same rows each time, as scikit-learn has it
    model.random_state = np.random.RandomState(0)
    assert not np.array_equal(model.sample(5)[0], model.sample(5)[0])
    model.random_state = np.random.default_rng(0)
    assert not np.array_equal(model.sample(5)[0], model.sample(5)[0])
    model.random_state = None
    np.random.seed(1)
    first = model.sample(5)[0]
    np.random.seed(1)
    np.testing.assert_array_equal(model.sample(5)[0], first)  # None: numpy's global state, as scikit-learn has it
    X, labels = model.sample()
    assert X.shape == (1, 2) and labels.shape == (1,)


def test_sample_with_a_random_state_of_its_own():
    model = GaussianMixture(2, random_state=5).fit(FAITHFUL)
    own, same, other = model.sample(20), model.sample(20, random_state=5), model.sample(20, random_state=6)
    np.testing.assert_array_equal(own[0], same[0])
    assert not np.array_equal(own[0], other[0])
    np.testing.assert_array_equal(model.sample(20, 6)[0], other[0])
    for state in (np.random.RandomState(0), np.random.default_rng(0)):
        assert not np.array_equal(model.sample(20, random_state=state)[0], model.sample(20, random_state=state)[0])
    np.testing.assert_array_equal(model.sample(20)[0], own[0])  # the estimator's own is as it was


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", None, True])
def test_sample_of_no_rows_is_refused(n):
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    with pytest.raises((ValueError, TypeError), match="n_samples"): model.sample(n)


# ---- starts

@each_structure
@each_method
def test_starts(structure, method):
    model = GaussianMixture(3, covariance_type=structure, init_params=method, random_state=0).fit(IRIS)
    again = GaussianMixture(3, covariance_type=structure, init_params=method, random_state=0).fit(IRIS)
    np.testing.assert_array_equal(model.means_, again.means_)
    assert model.score(IRIS) > GaussianMixture(1, covariance_type=structure).fit(IRIS).score(IRIS) - 1e-9
    if method != "random":  # that one may end nearly anywhere
        assert model.score(IRIS) > -3.5
    assert model.n_collapsed_ == 0


@each_method
def test_other_seeds_are_other_starts(method):
    X = np.random.default_rng(0).normal(size=(300, 2))
    fits = {round(GaussianMixture(6, init_params=method, random_state=seed, max_iter=2, tol=1e9).fit(X).score(X), 9) for seed in range(5)}
    assert len(fits) > 1


@pytest.mark.parametrize("random_state", [0, np.int64(3), np.random.RandomState(0), np.random.default_rng(0), None])
def test_random_state(random_state):
    assert GaussianMixture(2, random_state=random_state).fit(FAITHFUL).converged_
    with pytest.raises(ValueError): GaussianMixture(2, random_state="seed").fit(FAITHFUL)


@each_structure
def test_a_known_part_replaces_that_part(structure):
    known = explicit(structure, K=3, X=IRIS)
    for part, value in known.items():
        if part == "weights_init": value = np.array([0.2, 0.3, 0.5])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = GaussianMixture(3, covariance_type=structure, random_state=0, max_iter=1, **{part: value})
            seen = []
            model._on_step = seen.append
            model.fit(IRIS)
        start = seen[0].mixture
        got = {"weights_init": start.weights, "means_init": start.means, "precisions_init": 1 / start.covariances if structure in ("diag", "spherical") else np.linalg.inv(start.covariances)}[part]
        np.testing.assert_allclose(got, value, rtol=1e-10, atol=1e-10)


@each_structure
def test_explicit_starts_need_no_randomness(structure):
    start = explicit(structure, K=2)
    fits = [GaussianMixture(2, covariance_type=structure, random_state=seed, n_init=n, **start).fit(FAITHFUL) for seed, n in ((0, 1), (1, 1), (2, 5))]
    for fit in fits[1:]: np.testing.assert_array_equal(fit.means_, fits[0].means_)


def test_restarts_are_not_worse():
    X = np.random.default_rng(3).normal(size=(400, 2)) + 6 * np.random.default_rng(4).integers(3, size=(400, 2))
    one, ten = ([GaussianMixture(9, init_params="random_from_data", n_init=n, random_state=seed).fit(X).score(X) for seed in range(12)] for n in (1, 10))
    assert np.mean(ten) > np.mean(one)


@pytest.mark.parametrize("far", [1e2, 1e4, 1e6, 1e8])
def test_a_far_row_does_not_blur_the_clusters(far):
    "It makes the features' variances as large as one likes; the floor must not follow"
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(300, 2)), rng.normal(size=(300, 2)) + [7, 0], [[far, -far]]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VarianceFloorWarning)  # the row may have a component of its own
        model = GaussianMixture(3, random_state=0).fit(X)
    assert adjusted_rand_score(np.repeat([0, 1], 300), model.predict(X)[:-1]) > 0.98
    healthy = model.weights_ > 0.1
    np.testing.assert_allclose(np.linalg.eigvalsh(model.covariances_[healthy]), 1, atol=0.25)


@pytest.mark.parametrize("n_init", [1, 4])
def test_the_trace_is_that_of_the_whole_way(n_init):
    model = GaussianMixture(3, n_init=n_init, random_state=0, tol=1e-8).fit(IRIS)
    assert model.n_iter_ == len(model.lower_bounds_) <= 1000
    assert (np.diff(model.lower_bounds_) > -1e-12).all()
    assert model.score(IRIS) >= model.lower_bound_ - 1e-12  # the last M-step comes after
    assert model.score(IRIS) - model.lower_bound_ < 1e-7


@pytest.mark.parametrize("n_init, max_iter", [(1, 1), (1, 5), (3, 1), (3, 7), (3, 25)])
def test_max_iter_is_the_most_passes(n_init, max_iter):
    with pytest.warns(ConvergenceWarning):
        model = GaussianMixture(3, n_init=n_init, max_iter=max_iter, tol=0, random_state=0).fit(IRIS)
    assert model.n_iter_ == max_iter and not model.converged_


# ---- restarts that collapse

def collapsing():
    "Rows of which six are the same: without a floor, a start that puts a component there alone collapses"
    rng = np.random.default_rng(0)
    return np.vstack([rng.normal(size=(60, 2)), np.tile([[7.0, 7.0]], (6, 1))])


# ---- warm start, interrupts

@each_structure
def test_warm_start_goes_on(structure):
    parameters = dict(n_components=3, covariance_type=structure, n_init=1, random_state=0, tol=1e-8, acceleration=None)
    whole, model = GaussianMixture(**parameters).fit(IRIS), GaussianMixture(max_iter=6, warm_start=True, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bounds = []
        while not getattr(model, "converged_", False) and len(bounds) < 1200:
            model.fit(IRIS)
            bounds += model.lower_bounds_
    np.testing.assert_allclose(bounds[:whole.n_iter_], whole.lower_bounds_, rtol=1e-12)
    assert model.score(IRIS) == pytest.approx(whole.score(IRIS), abs=1e-7)


def test_without_warm_start_a_fit_begins_anew():
    model = GaussianMixture(3, random_state=0, n_init=1)
    a = model.fit(IRIS).lower_bounds_
    assert model.fit(IRIS).lower_bounds_ == a


@pytest.mark.parametrize("change", [{"n_components": 4}, {"covariance_type": "diag"}])
def test_warm_start_with_other_parameters(change):
    "A new K or structure: begun anew or refused, but what comes out is what was asked for"
    model = GaussianMixture(3, random_state=0, warm_start=True).fit(IRIS)
    model.set_params(**change)
    try:
        model.fit(IRIS)
    except ValueError as refusal:
        assert "warm_start" in str(refusal)
    else:
        assert len(model.weights_) == model.n_components
        assert model.covariances_.shape == {"full": (model.n_components, 4, 4), "diag": (3, 4)}[model.covariance_type]
        assert model.bic(IRIS) == pytest.approx(GaussianMixture(random_state=0, **{"n_components": 3, **change}).fit(IRIS).bic(IRIS), rel=0.2)


def test_warm_start_on_data_of_another_width():
    model = GaussianMixture(2, random_state=0, warm_start=True).fit(IRIS)
    try:
        model.fit(FAITHFUL)
    except ValueError as refusal:
        assert "warm_start" in str(refusal) or re.search(r"\b[24] (features|columns?)", str(refusal))
    else:
        assert model.means_.shape == (2, 2)


@contextlib.contextmanager
def kept(match="[Ii]nterrupted"):
    "Ctrl-C is told by a warning and not passed on; passed on, it would stop pytest"
    with pytest.warns(UserWarning, match=match):
        try:
            yield
        except KeyboardInterrupt:
            pytest.fail("Ctrl-C was passed on, and what was computed is lost")


def interrupting(at, monkeypatch):
    "Every E-step is counted; the `at`-th is interrupted"
    calls, real = [], gmm_nb.em.e_step

    def e_step(*args):
        calls.append(1)
        if len(calls) == at: raise KeyboardInterrupt
        return real(*args)
    monkeypatch.setattr(gmm_nb.em, "e_step", e_step)
    return calls


def test_ctrl_c_keeps_the_best_and_a_warm_start_goes_on(monkeypatch):
    whole = GaussianMixture(3, random_state=0, **SLOW).fit(IRIS)
    calls = interrupting(6, monkeypatch)
    model = GaussianMixture(3, random_state=0, warm_start=True, **SLOW)
    with kept("[Ii]nterrupted.*warm_start"): model.fit(IRIS)
    assert len(calls) == 6 and model.n_iter_ == len(model.lower_bounds_) == 5 and not model.converged_
    np.testing.assert_array_equal(model.lower_bounds_, whole.lower_bounds_[:5])
    assert model.score(IRIS) >= model.lower_bound_
    assert model.predict(IRIS).shape == (150,)
    model.fit(IRIS)
    assert model.converged_
    np.testing.assert_array_equal(model.lower_bounds_, whole.lower_bounds_[5:])  # the two make one run, bit for bit


@pytest.mark.parametrize("at", [2, 3, 5, 6])
def test_ctrl_c_among_races_stops_at_once(at, monkeypatch):
    "In the first of three runs or in a later one: no further pass is made, the best so far is kept"
    calls = interrupting(at, monkeypatch)
    model = GaussianMixture(3, n_init=3, random_state=0, tol=0, max_iter=3)
    with kept(): model.fit(IRIS)
    assert len(calls) == at, "work went on after Ctrl-C"
    assert not model.converged_ and np.isfinite(model.score(IRIS)) and len(model.lower_bounds_) == model.n_iter_ >= 1


def test_ctrl_c_while_a_later_race_is_run(monkeypatch):
    made, real = [], gmm_nb.estimator.find_start

    def find_start(*args, **kwargs):
        made.append(1)
        if len(made) == 3: raise KeyboardInterrupt
        return real(*args, **kwargs)
    monkeypatch.setattr(gmm_nb.estimator, "find_start", find_start)
    model = GaussianMixture(3, n_init=5, random_state=0)
    with kept(): model.fit(IRIS)
    assert len(made) == 3 and np.isfinite(model.score(IRIS))


@pytest.mark.parametrize("n_init", [1, 2])
def test_ctrl_c_while_the_first_pass_is_reported(n_init):
    model = GaussianMixture(3, random_state=0, n_init=n_init)
    def stop(step): raise KeyboardInterrupt
    model._on_step = stop
    with kept(): model.fit(IRIS)
    assert model.n_iter_ == 1 and np.isfinite(model.score(IRIS))


def test_ctrl_c_before_there_is_anything(monkeypatch):
    interrupting(1, monkeypatch)
    model = GaussianMixture(3, random_state=0)
    with pytest.raises(KeyboardInterrupt): model.fit(IRIS)
    assert not hasattr(model, "mixture_")


def test_a_failed_fit_leaves_the_old_one():
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    before = model.predict_proba(FAITHFUL)
    with pytest.raises(ValueError): model.fit(np.full((10, 2), np.nan))
    with pytest.raises(ValueError): model.fit(FAITHFUL, sample_weight=-np.ones(272))
    np.testing.assert_array_equal(model.predict_proba(FAITHFUL), before)


# ---- fitted attributes that are set

SPREADS = [("covariances_",), ("precisions_cholesky_",), ("precisions_",), ("covariances_", "precisions_cholesky_"), ("precisions_cholesky_", "precisions_", "covariances_")]


def restored(fitted, names, **parameters):
    "A new estimator that is told the attributes of these names one after another"
    model = GaussianMixture(fitted.n_components, covariance_type=fitted.covariance_type, **parameters)
    for name in names: setattr(model, name, getattr(fitted, name))
    return model


def assert_same_words(a, b, X, rtol=1e-10):
    for method in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
        np.testing.assert_allclose(getattr(a, method)(X), getattr(b, method)(X), rtol=rtol, atol=rtol, err_msg=method)


@each_structure
@pytest.mark.parametrize("spread", SPREADS)
def test_a_fit_is_restored_from_attributes_in_any_order(structure, spread):
    theirs = Reference(3, covariance_type=structure, random_state=0).fit(IRIS)
    for names in itertools.permutations(("weights_", "means_", *spread)):
        model = restored(theirs, names, random_state=0)
        assert_same_words(model, theirs, IRIS)
        for name in ("weights_", "means_", "covariances_", "precisions_cholesky_", "precisions_"):
            np.testing.assert_allclose(getattr(model, name), getattr(theirs, name), rtol=1e-10, atol=1e-12, err_msg=name)
        assert model.sample(5)[0].shape == (5, 4)


@each_structure
def test_every_prefix_of_a_restoration_is_unfitted_and_says_what_is_missing(structure):
    theirs = Reference(3, covariance_type=structure, random_state=0).fit(IRIS)
    model, names = GaussianMixture(3, covariance_type=structure), ["precisions_cholesky_", "means_", "weights_"]
    for i, name in enumerate(names):
        with pytest.raises(NotFittedError): check_is_fitted(model)
        with pytest.raises(NotFittedError, match=f"has {', '.join(names[1:i][::-1] + names[:1])} only; set .*{names[-1]}" if i else "not fitted yet"): model.predict(IRIS)
        assert not hasattr(model, "mixture_") and not hasattr(model, name) and model._repr_html_()
        setattr(model, name, getattr(theirs, name))
    check_is_fitted(model)
    assert not hasattr(model, "converged_"), "it was never fitted"


def test_setting_one_attribute_changes_the_mixture():
    for name, factor in (("means_", 2.0), ("covariances_", 4.0), ("precisions_cholesky_", 0.5), ("precisions_", 0.25)):
        model = GaussianMixture(3, random_state=0).fit(IRIS)
        before = model.mixture_
        setattr(model, name, factor * getattr(model, name))
        expected = Mixture(before.weights, before.means * (2 if name == "means_" else 1), before.covariances * (1 if name == "means_" else 4))
        np.testing.assert_allclose(model.score_samples(IRIS), expected.log_density(IRIS), rtol=1e-9)
        np.testing.assert_allclose(model.mixture_.covariances, expected.covariances, rtol=1e-9)
        np.testing.assert_allclose(model.covariances_ @ model.precisions_, [np.eye(4)] * 3, atol=1e-9)  # they follow
        np.testing.assert_allclose(model.precisions_cholesky_ @ np.swapaxes(model.precisions_cholesky_, 1, 2), model.precisions_, rtol=1e-9)
    model.weights_ = [0.2, 0.3, 0.5]
    np.testing.assert_allclose(model.mixture_.weights, [0.2, 0.3, 0.5])
    model.fit(IRIS)
    assert_same_fit(model, GaussianMixture(3, random_state=0).fit(IRIS), 1e-12)  # nothing of it is left


@each_structure
@pytest.mark.parametrize("shown", [False, True])
def test_components_are_sorted_one_attribute_after_another(structure, shown):
    "Also in a notebook, which shows the estimator in between"
    model = GaussianMixture(3, covariance_type=structure, random_state=0).fit(IRIS)
    before, order = model.mixture_, np.array([1, 2, 0])
    for name in FITTED[:5]:
        if structure != "tied" or name in FITTED[:2]: setattr(model, name, getattr(model, name)[order])
        if shown: model._repr_html_(), model.mixture_
    np.testing.assert_array_equal(model.predict(IRIS), np.argsort(order)[before.resp(IRIS).argmax(axis=0)])
    np.testing.assert_allclose(model.score_samples(IRIS), before.log_density(IRIS), rtol=1e-12)


def test_attributes_cannot_be_written_into():
    "An edit in place would be lost, or leave the factors behind"
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    single = GaussianMixture(2, random_state=0).fit(FAITHFUL.astype(np.float32))
    given = np.array([[2.0, 55.0], [4.0, 80.0]])
    for gm in (model, single):
        for name in FITTED[:5]:
            with pytest.raises(ValueError, match="read-only"): getattr(gm, name)[0] = 0
        with pytest.raises(ValueError, match="read-only"): gm.means_ *= 2
        gm.means_ = given
        with pytest.raises(ValueError, match="read-only"): gm.means_[0] = 0
    given[0] = 7  # the caller's own array stays writable, and is not looked at again
    np.testing.assert_array_equal(model.means_[0], [2, 55])
    np.testing.assert_array_equal(model.mixture_.means[0], [2, 55])


@pytest.mark.parametrize("new, message", [
    ({"weights_": [0.2, 0.3, 0.5]}, r"weights_: means has shape \(2, 2\)"), ({"means_": np.eye(3)}, "means_"), ({"weights_": [0.5, 0.6]}, "sum to 1.1"),
    ({"covariances_": np.ones((2, 2))}, "covariances has shape"), ({"covariances_": np.ones(2)}, r"covariances_ has shape \(2,\)"), ({"covariances_": [-np.eye(2)] * 2}, "positive definite"),
    ({"covariances_": [[[1.0, 0.5], [0.0, 1.0]]] * 2}, "not symmetric"), ({"precisions_cholesky_": np.zeros((2, 2, 2))}, "Singular"), ({"means_": None}, "means has dtype object"),
    ({"means_": [["a", "b"]] * 2}, "means has dtype"), ({"means_": np.full((2, 2), np.nan)}, "NaN"),
    ({"covariances_": [np.eye(2)] * 2, "precisions_cholesky_": [2 * np.eye(2)] * 2}, "precisions_cholesky_ says other covariances than covariances_")])
def test_attributes_that_make_no_mixture(new, message):
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    for name, value in new.items(): setattr(model, name, value)
    for use in (lambda: model.predict(FAITHFUL), lambda: model.bic(FAITHFUL), model.sample, model.to_sklearn):
        with pytest.raises(NotFittedError, match=message): use()
    assert model._repr_html_() and "GaussianMixture" in repr(model)
    assert model.fit(FAITHFUL).predict(FAITHFUL).shape == (272,), "a fit begins anew"


def test_a_mixture_is_what_mixture_is_set_to():
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    for other in (None, model, {"weights": [1.0]}):
        with pytest.raises(TypeError, match="Got mixture_ of type .*expected a Mixture"): model.mixture_ = other
    assert model.predict(FAITHFUL).shape == (272,)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_keep_what_was_set_and_go_their_own_way(copied):
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    model.means_ = model.means_ + 1
    other = copied(model)
    np.testing.assert_array_equal(other.predict_proba(FAITHFUL), model.predict_proba(FAITHFUL))
    other.means_ = other.means_ + 1
    assert not np.allclose(other.score_samples(FAITHFUL), model.score_samples(FAITHFUL))
    np.testing.assert_allclose(model.means_ + 1, other.means_, rtol=1e-15)
    assert not hasattr(clone(model), "means_")


def test_setting_after_another_structure_was_asked_for():
    "A parameter is about the next fit; covariances that are set are of the kind that it names"
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    full = model.mixture_
    model.set_params(covariance_type="diag").means_ = full.means + 1
    np.testing.assert_array_equal(model.mixture_.covariances, full.covariances)
    model.covariances_ = [[0.1, 40.0], [0.2, 40.0]]
    expected = Mixture(full.weights, full.means + 1, [[0.1, 40.0], [0.2, 40.0]], "diag")
    np.testing.assert_array_equal(model.score_samples(FAITHFUL), expected.log_density(FAITHFUL))
    assert model.to_sklearn().covariance_type == "diag"


def test_setting_in_single_precision():
    X = FAITHFUL.astype(np.float32)
    theirs = Reference(2, covariance_type="tied", random_state=0).fit(X)  # of which the covariances are not symmetric to the last digit
    model = GaussianMixture(2, covariance_type="tied")
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"): setattr(model, name, getattr(theirs, name).astype(np.float32))
    assert model.predict_proba(X).dtype == model.means_.dtype == model.precisions_.dtype == np.float32
    np.testing.assert_allclose(model.score_samples(X), theirs.score_samples(X), rtol=1e-4)
    model.means_ = model.means_.astype(float)
    assert model.predict_proba(X).dtype == float, "one part of float64 makes it float64"
    model.mixture_ = model.mixture_
    assert model.means_.dtype == float


def test_sums_in_single_precision_are_made_in_double():
    X = np.random.default_rng(0).normal(size=(200_000, 1)).astype(np.float32)
    model = GaussianMixture().fit(X)
    assert model.score_samples(X).dtype == np.float32
    assert model.bic(X) == pytest.approx(-2 * model.mixture_.log_density(X).sum() + 2 * np.log(len(X)), rel=2e-9)


# ---- to scikit-learn's class and back

@each_structure
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_to_scikit_learn_and_back(structure, dtype):
    frame = pd.DataFrame(IRIS.astype(dtype), columns=["sl", "sw", "pl", "pw"])
    ours = GaussianMixture(3, covariance_type=structure, random_state=0, n_init=2, max_iter=500).fit(frame)
    theirs = ours.to_sklearn()
    assert type(theirs) is Reference and theirs.get_params() == {name: ours.get_params()[name] for name in theirs.get_params()}
    for name in FITTED[:5]: np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-6 if dtype == np.float32 else 1e-14, atol=1e-7 if dtype == np.float32 else 0)
    for name in (*FITTED[5:], "n_features_in_"): assert getattr(theirs, name) == getattr(ours, name)
    assert list(theirs.feature_names_in_) == list(frame)
    assert_same_words(ours, theirs, frame.astype(float))
    theirs.means_[0], theirs.lower_bounds_[0] = 0, 0  # theirs may be written into; ours does not change
    assert ours.means_[0].all() and ours.lower_bounds_[0] and theirs.sample(3)[0].shape == (3, 4)
    again = GaussianMixture.from_sklearn(ours.to_sklearn())
    assert_same_words(again, ours, frame.astype(float))
    assert again.get_params() == {**GaussianMixture().get_params(), **theirs.get_params()} and again.n_iter_ == ours.n_iter_
    assert list(again.feature_names_in_) == list(frame)


@each_structure
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_from_scikit_learn(structure, dtype):
    class Own(Reference):
        def __init__(self, k):
            super().__init__(k, covariance_type=structure, random_state=0)
            self.k = k
    X = IRIS.astype(dtype)
    for theirs in (Reference(3, covariance_type=structure, random_state=0).fit(X), Own(3).fit(X)):
        ours = GaussianMixture.from_sklearn(theirs)
        assert ours.covariance_type == structure and ours.n_components == 3 and ours.means_.dtype == theirs.means_.dtype and ours.tol == 1e-3
        assert_same_words(ours, theirs, X, 1e-9 if dtype == float else 1e-3)
        assert ours.n_iter_ == theirs.n_iter_ and ours.converged_
    with pytest.raises(NotFittedError): GaussianMixture.from_sklearn(Own(2))
    for other in (BayesianGaussianMixture(n_components=2).fit(X), GaussianMixture(2), 3, Reference):
        with pytest.raises(TypeError, match="expected a fitted sklearn.mixture.GaussianMixture"): GaussianMixture.from_sklearn(other)


def test_from_scikit_learn_into_a_subclass():
    class Own(GaussianMixture):
        def __init__(self, n_components=1, *, random_state=None): super().__init__(n_components, random_state=random_state)
    ours = Own.from_sklearn(Reference(2, tol=1e-2, random_state=3).fit(FAITHFUL))
    assert type(ours) is Own and (ours.tol, ours.random_state) == (1e-2, 3) and ours.fit(FAITHFUL).converged_


def test_what_scikit_learn_does_not_know_is_left_behind():
    with pytest.raises(NotFittedError): GaussianMixture().to_sklearn()
    model = GaussianMixture(2, random_state=np.random.default_rng(0)).fit(FAITHFUL)
    for start in (np.arange(272) % 2, lambda *_: None):
        model.init_params = start
        theirs = model.to_sklearn()
        assert theirs.init_params == "kmeans" and not np.array_equal(theirs.sample(4)[0], theirs.sample(4)[0])
        assert theirs.fit(FAITHFUL).converged_
    model = GaussianMixture()
    model.mixture_ = Mixture([0.4, 0.6], [[2.0, 55.0], [4.5, 80.0]], [[0.1, 40.0], [0.2, 40.0]], "diag")
    assert_same_words(model, model.to_sklearn(), FAITHFUL)  # the mixture decides, not the parameters


@each_structure
def test_onnx(structure):
    "skl2onnx converts scikit-learn's class; onnxruntime computes in float32"
    skl2onnx, onnxruntime = pytest.importorskip("skl2onnx"), pytest.importorskip("onnxruntime")
    model = GaussianMixture(3, covariance_type=structure, random_state=0).fit(IRIS)
    X = IRIS.astype(np.float32)
    onnx = skl2onnx.to_onnx(model.to_sklearn(), X[:1], options={"score_samples": True})
    session = onnxruntime.InferenceSession(onnx.SerializeToString(), providers=["CPUExecutionProvider"])
    labels, proba, scores = session.run(None, {session.get_inputs()[0].name: X})
    np.testing.assert_array_equal(labels.ravel(), model.predict(X))
    np.testing.assert_allclose(proba, model.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(scores.ravel(), model.score_samples(X), rtol=1e-4, atol=1e-4)


# ---- scikit-learn's private hooks

PRIVATE = [name for cls in (Reference, Reference.__mro__[1]) for name, value in vars(cls).items()
           if callable(value) and name.startswith("_") and not name.startswith("__") and name != "_n_parameters"]


def test_the_hooks_are_known():
    assert {"_m_step", "_e_step", "_initialize", "_initialize_parameters", "_estimate_log_prob", "_get_parameters", "_print_verbose_msg_init_beg"} <= hooks()
    assert not [name for name in hooks() if hasattr(GaussianMixture().fit(FAITHFUL), name)]


@pytest.mark.parametrize("name", sorted(set(PRIVATE)))
@pytest.mark.parametrize("way", ["subclass", "mixin", "instance"])
def test_a_hook_that_nobody_calls_is_refused(name, way):
    method = {name: lambda self, *args, **kwargs: pytest.fail("called")}
    if way == "instance":
        model = GaussianMixture(2)
        setattr(model, name, method[name])
    else:
        bases = (GaussianMixture,) if way == "subclass" else (type("Mixin", (), method), GaussianMixture)
        model = type("Own", bases, method if way == "subclass" else {})(2)
    for fit in (model.fit, model.fit_predict):
        with pytest.raises(TypeError, match=f"defines {name}.*never called"): fit(FAITHFUL)


def test_other_methods_may_be_overridden():
    class Tempered(GaussianMixture):
        def fit(self, X, y=None): return super().fit(X)  # knows no weights
        def score_samples(self, X): return super().score_samples(X) / 2
        def _n_parameters(self): return 3
        def _my_own(self): pass
        def _more_tags(self): return {}
        def __sklearn_tags__(self): return super().__sklearn_tags__()
        def _repr_html_(self): return ""
    model, plain = Tempered(2, random_state=0), GaussianMixture(2, random_state=0).fit(FAITHFUL)
    np.testing.assert_array_equal(model.fit_predict(FAITHFUL), plain.predict(FAITHFUL))
    assert model.score(FAITHFUL) == pytest.approx(plain.score(FAITHFUL) / 2)
    assert model.bic(FAITHFUL) == pytest.approx(-272 * plain.score(FAITHFUL) + 3 * np.log(272))
    assert clone(model).fit(FAITHFUL).converged_


# ---- warnings and words

MANY = """
import numpy as np, sys
from sklearn.model_selection import GridSearchCV
from gmm_nb import GaussianMixture
X = np.round(np.random.default_rng(0).normal(size=(60, 2)))
def search(): return GridSearchCV(GaussianMixture(random_state=0, n_init=1, max_iter=2, tol=0), {"n_components": [5, 6, 7, 8]}, cv=5).fit(X)
if sys.argv[1] == "loop":
    for seed in range(20): GaussianMixture(5 + seed % 4, random_state=seed, n_init=1, max_iter=2, tol=0).fit(X)
elif sys.argv[1] == "grid": search()
else:
    for seed in range(20): GaussianMixture(5 + seed % 4, random_state=seed, n_init=1, max_iter=2, tol=0).fit_predict(X)
"""


@pytest.mark.parametrize("what", ["loop", "grid", "fit_predict"])
@pytest.mark.parametrize("filters, most", [([], 4), (["-W", "ignore"], 0), (["-W", "always"], None)])
def test_many_fits_do_not_print_many_warnings(what, filters, most):
    "By default one of each kind for each line, whatever numbers are in it; the user's filters still count"
    done = subprocess.run([sys.executable, *filters, "-c", MANY, what], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONWARNINGS": ""})
    floor, slow = (len(re.findall(rf"{kind}Warning:", done.stderr)) for kind in ("VarianceFloor", "Convergence"))
    if most is None: assert floor > 10 and slow > 10
    else: assert floor + slow <= most and (most == 0 or (floor and slow)), done.stderr
    if what == "loop" and most == 4: assert "<string>:8: VarianceFloorWarning" in done.stderr


def test_warnings_are_raised_where_they_are_errors():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 20, axis=0)
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(VarianceFloorWarning): GaussianMixture(2, random_state=0).fit(X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_floor_is_told_in_one_line():
    X = np.repeat(np.arange(100.0)[:, None] * [1, 1], 3, axis=0)
    for _ in range(2):
        with pytest.warns(VarianceFloorWarning, match=r"narrowest components \(\d+ of 30\) rest on the variance floor.*smaller reg_covar") as caught:
            GaussianMixture(30, random_state=0, n_init=1).fit(X)
        told = [str(w.message) for w in caught if w.category is VarianceFloorWarning]
        assert len(told) == 1 and len(told[0]) < 160 and "\n" not in told[0] and "[" not in told[0]
        assert all(w.filename == __file__ for w in caught)



SLOW = dict(init_params=np.arange(150) % 3, tol=1e-8)  # a start from which EM needs many passes


def test_not_converged():
    for max_iter in (1, 2, 5):
        with pytest.warns(ConvergenceWarning, match=r"did not converge.*max_iter") as caught:
            GaussianMixture(3, random_state=0, max_iter=max_iter, **SLOW).fit(IRIS)
        assert caught[0].filename == __file__ and len(caught) == 1
        assert "nan" not in str(caught[0].message) and "[" not in str(caught[0].message)


def test_converged_without_a_word(capsys):
    with no_warnings(): GaussianMixture(3, random_state=0, n_init=2).fit(IRIS).predict(IRIS)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("interval", [1, 3])
def test_verbose(interval, capsys):
    model = GaussianMixture(3, random_state=0, verbose=1, verbose_interval=interval, **SLOW).fit(IRIS)
    assert model.n_iter_ > 10
    out = capsys.readouterr().out
    passes = re.findall(r"pass (\d+): log-likelihood (-?[\d.]+)$", out, re.MULTILINE)
    assert [int(n) for n, _ in passes] == list(range(interval, model.n_iter_ + 1, interval))
    np.testing.assert_allclose([float(value) for _, value in passes], 150 * np.array(model.lower_bounds_[interval - 1::interval]), atol=1e-5)


def test_very_verbose(capsys):
    GaussianMixture(3, random_state=0, verbose=2, verbose_interval=2, **SLOW).fit(IRIS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2 and all(re.search(r"gain (nan|-?[\d.e+-]+)  [\d.]+ s$", line) for line in lines) and "nan" not in lines[1]


def test_verbose_with_restarts(capsys):
    model = GaussianMixture(3, n_init=3, random_state=0, verbose=1, verbose_interval=1).fit(IRIS)
    values = [float(v) for v in re.findall(r"log-likelihood (-?[\d.]+)", capsys.readouterr().out)]
    assert len(values) >= model.n_iter_ + 2  # the passes of all three ends
    assert np.isclose(values, 150 * model.lower_bounds_[-1], atol=2e-6).any()


def test_verbose_may_be_a_bool(capsys):
    GaussianMixture(3, random_state=0, verbose=True, verbose_interval=1).fit(IRIS)
    assert "pass 1" in capsys.readouterr().out


# ---- weights

@each_structure
def test_whole_weights_are_repeated_rows(structure):
    times = np.random.default_rng(0).integers(0, 4, size=272)
    start = explicit(structure)
    weighted = GaussianMixture(2, covariance_type=structure, tol=1e-9, **start).fit(FAITHFUL, sample_weight=times)
    repeated = GaussianMixture(2, covariance_type=structure, tol=1e-9, **start).fit(np.repeat(FAITHFUL, times, axis=0))
    assert_same_fit(weighted, repeated, 1e-9)
    assert weighted.n_iter_ == repeated.n_iter_
    np.testing.assert_allclose(weighted.lower_bounds_, repeated.lower_bounds_, rtol=1e-12)
    rows = np.repeat(FAITHFUL, times, axis=0)
    for method in ("score", "bic", "aic"):
        assert getattr(weighted, method)(FAITHFUL, sample_weight=times) == pytest.approx(getattr(repeated, method)(rows), rel=1e-10)


@each_structure
@each_method
def test_weight_zero_removes_a_row(structure, method):
    "From any start: rows that do not count are seen by nothing"
    w = np.random.default_rng(1).gamma(1.0, size=150) * (np.arange(150) % 3 > 0)
    parameters = dict(n_components=2, covariance_type=structure, init_params=method, n_init=1, random_state=0, tol=1e-8)
    X = np.where(w[:, None] > 0, IRIS, 50 * IRIS[::-1])  # and they lie elsewhere
    there, gone = GaussianMixture(**parameters).fit(X, sample_weight=w), GaussianMixture(**parameters).fit(IRIS[w > 0], sample_weight=w[w > 0])
    assert_same_fit(there, gone, 1e-7)


@pytest.mark.filterwarnings("ignore:.*rest on the variance floor")
@each_structure
@pytest.mark.parametrize("start", ["explicit", *METHODS])
def test_the_scale_of_weights_does_not_matter(structure, start):
    "Powers of two scale without rounding, so whatever a start does at random it does again"
    w = np.random.default_rng(1).gamma(1.0, size=150)
    parameters = explicit(structure, K=3, X=IRIS) if start == "explicit" else dict(init_params=start)
    parameters |= dict(n_components=3, covariance_type=structure, n_init=1, random_state=0, tol=1e-6)
    one = GaussianMixture(**parameters).fit(IRIS, sample_weight=w)
    for factor in (2.0, 2.0**-20, 2.0**20, 2.0**-60, 2.0**60):
        other = GaussianMixture(**parameters).fit(IRIS, sample_weight=factor * w)
        if start == "explicit": assert one.n_iter_ == other.n_iter_, factor
        assert_same_fit(other, one, 1e-9 if start == "explicit" else 1e-5)
        for method in ("score", "aic", "bic"):
            if method == "score" or factor == 2.0:
                n = {"score": 1, "aic": w.sum(), "bic": w.sum()}[method]
                price = {"score": 0, "aic": 2, "bic": np.log(w.sum() * factor)}[method] * Reference(3, covariance_type=structure).fit(IRIS)._n_parameters()
                L = one.score(IRIS, sample_weight=w)
                want = L if method == "score" else -2 * factor * n * L + price
                assert getattr(other, method)(IRIS, sample_weight=factor * w) == pytest.approx(want, rel=1e-9)


@each_structure
def test_any_scale_of_weights_from_an_explicit_start(structure):
    w = np.random.default_rng(1).gamma(1.0, size=150)
    one, *others = (GaussianMixture(3, covariance_type=structure, tol=1e-5, **explicit(structure, K=3, X=IRIS)).fit(IRIS, sample_weight=factor * w)
                    for factor in (1.0, 0.1, 1e-7, 3e9, 1e-15, 1e15))
    for other in others:
        assert other.n_iter_ == one.n_iter_
        assert_same_fit(other, one, 1e-9)


def test_equal_weights_are_no_weights():
    plain = GaussianMixture(3, random_state=0).fit(IRIS)
    for w in (np.ones(150), np.ones(150, dtype=int), [1] * 150, np.ones(150, dtype=np.float32), pd.Series(np.ones(150))):
        assert_same_fit(GaussianMixture(3, random_state=0).fit(IRIS, sample_weight=w), plain, 1e-9)


@each_method
def test_starts_respect_weights(method):
    "Two clouds, one of which counts a million times less: both components go to the other one"
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(200, 1)), rng.normal(size=(200, 1)) + 100])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GaussianMixture(1, init_params=method, random_state=0).fit(X, sample_weight=np.repeat([1, 1e-12], 200))
    assert abs(model.means_[0, 0]) < 1
    many = np.vstack([rng.normal(size=(5000, 1)), rng.normal(size=(5000, 1)) + 100])  # more than a start looks at
    seen = []
    model = GaussianMixture(2, init_params=method, random_state=0, max_iter=1)
    model._on_step = seen.append
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(many, sample_weight=np.repeat([1.0, 1e-9], 5000))
    assert (seen[0].mixture.means < 50).all()


@pytest.mark.parametrize("weights, message", [
    (-np.ones(272), "negative"), (np.full(272, np.nan), "nan|NaN"), (np.full(272, np.inf), "inf"), (np.zeros(272), "zero"), (np.ones(271), r"\(271,\)"),
    (np.ones((272, 1)), r"\(272, 1\)"), (["x"] * 272, "sample_weight")])
def test_bad_weights(weights, message):
    with pytest.raises((ValueError, TypeError), match=message): GaussianMixture(2, random_state=0).fit(FAITHFUL, sample_weight=weights)
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    for method in ("score", "bic", "aic"):
        with pytest.raises((ValueError, TypeError)): getattr(model, method)(FAITHFUL, sample_weight=weights)


def test_fewer_rows_with_weight_than_components():
    w = np.zeros(272)
    w[:2] = 1
    with pytest.raises(ValueError, match="n_components = 3, n_samples = 2 with a positive weight"): GaussianMixture(3, random_state=0).fit(FAITHFUL, sample_weight=w)


# ---- bad input

@pytest.mark.parametrize("parameters, message", [
    ({"n_components": 0}, "n_components=0.*at least 1"), ({"n_components": 2.0}, "n_components"), ({"n_components": True}, "n_components"), ({"n_components": "2"}, "n_components"),
    ({"tol": -1}, "tol=-1"), ({"tol": np.nan}, "tol=nan"), ({"tol": "small"}, "tol"), ({"tol": None}, "tol"), ({"reg_covar": -1e-6}, "reg_covar"), ({"reg_covar": np.inf}, "reg_covar"),
    ({"max_iter": -1}, "max_iter=-1.*at least 0"), ({"n_init": 0}, "n_init"), ({"verbose": -1}, "verbose"), ({"verbose_interval": 0}, "verbose_interval"),
    ({"covariance_type": "round"}, "covariance_type='round'.*spherical"), ({"covariance_type": ["full"]}, "covariance_type"), ({"init_params": "best"}, "init_params='best'.*kmeans"),
    ({"init_params": np.ones((2, 2, 2))}, "(?s)init_params=array.*responsibilities.*function"), ({"init_params": [[1, 0], [1]]}, "init_params="), ({"init_params": None}, "init_params=None"),
    ({"init_params": 3}, "init_params=3"), ({"init_params": ["a"] * 272}, "init_params=.*label"), ({"init_params": []}, "init_params"), ({"acceleration": "warp"}, "acceleration='warp'"), ({"n_jobs": 0}, "n_jobs"), ({"n_jobs": 1.5}, "n_jobs"), ({"n_jobs": "all"}, "n_jobs"), ({"random_state": -1}, "random_state|seed|Seed"),
    ({"weights_init": [0.5, 0.6]}, "1.1"), ({"weights_init": [1.0]}, "weights_init"), ({"weights_init": [-0.5, 1.5]}, "negative"), ({"weights_init": ["a", "b"]}, "weights"),
    ({"means_init": [[0.0, 0.0]]}, "means_init"), ({"means_init": [0.0, 1.0]}, "means_init"), ({"means_init": np.full((2, 2), np.nan)}, "means.*NaN"),
    ({"precisions_init": np.eye(2)}, "precisions_init"), ({"precisions_init": np.stack([np.eye(2), -np.eye(2)])}, "precisions_init"),
    ({"precisions_init": np.stack([np.eye(2), [[1.0, 0.9], [0.0, 1.0]]])}, "precisions_init"), ({"precisions_init": [1.0, -1.0], "covariance_type": "spherical"}, "precisions_init"),
    ({"precisions_init": [[1.0, 1.0], [0.0, 1.0]], "covariance_type": "diag"}, "precisions_init"), ({"precisions_init": np.full((2, 2, 2), np.nan)}, "precisions_init"),
])
def test_bad_parameters(parameters, message):
    with pytest.raises((ValueError, TypeError), match=message): GaussianMixture(**{"n_components": 2, "random_state": 0} | parameters).fit(FAITHFUL)


@pytest.mark.parametrize("X, message", [
    (np.ones(5), "Expected 2D array|2D data"), (np.ones((2, 2, 2)), "dim|2D"), (np.empty((0, 2)), "0 sample|minimum of"), (np.empty((5, 0)), r"0 feature\(s\)"),
    (np.array([[1.0, np.nan]] * 5), "NaN"), (np.array([[1.0, np.inf]] * 5), "infinity|inf"), ([["a", "b"]] * 5, "could not convert|dtype|numeric"), (np.ones((5, 2)) * 1j, "[Cc]omplex"),
    ([[1, 2], [3]], "inhomogeneous|different length|sequence"), (None, "array|dtype|None"), ("text", "array|2D|dtype|convert"), (np.ones((1, 2)), "n_components = 2.*n_samples = 1|1 sample.*minimum of 2"),
    (np.array([[None, 1.0]] * 5), "NaN|None|float|missing")])
def test_bad_data(X, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught: GaussianMixture(2, random_state=0).fit(X)
    assert len(str(caught.value)) > 25


def test_bad_data_after_fitting():
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    for method in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
        for X, message in ((IRIS, "4 features.*expecting 2"), (np.full((3, 2), np.nan), "NaN"), (np.ones(2), "2D")):
            with pytest.raises(ValueError, match=message): getattr(model, method)(X)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score_samples", "score", "bic", "aic"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError, match="not fitted"): getattr(GaussianMixture(), method)(FAITHFUL)
    with pytest.raises(NotFittedError): GaussianMixture().sample()
    assert not any(hasattr(GaussianMixture(), name) for name in FITTED)


# ---- in company

def test_nothing_that_is_given_changes():
    X, w, start = FAITHFUL.copy(), np.ones(272), explicit()
    kept = {name: np.array(value) for name, value in start.items()}
    for array in (X, w, *start.values()): array.setflags(write=False)
    model = GaussianMixture(2, **start).fit(X, sample_weight=w)
    model.predict_proba(X), model.bic(X, sample_weight=w)
    np.testing.assert_array_equal(X, FAITHFUL)
    for name, value in kept.items(): np.testing.assert_array_equal(getattr(model, name), value)
    assert model.get_params()["means_init"] is start["means_init"]


@pytest.mark.parametrize("make", [lambda X: X.tolist(), lambda X: pd.DataFrame(X, columns=["a", "b"]), np.asfortranarray, lambda X: X.astype(">f8"), lambda X: np.repeat(X, 2, axis=0)[::2],
                                  lambda X: pd.DataFrame(X, columns=["a", "b"]).convert_dtypes()], ids=["list", "pandas", "F", "big-endian", "strided", "nullable"])
def test_kinds_of_data(make):
    model, plain = GaussianMixture(2, random_state=0).fit(make(FAITHFUL)), GaussianMixture(2, random_state=0).fit(FAITHFUL)
    assert_same_fit(model, plain, 1e-9)
    np.testing.assert_array_equal(model.predict(make(FAITHFUL)), plain.predict(FAITHFUL))


def test_feature_names():
    frame = pd.DataFrame(FAITHFUL, columns=["eruptions", "waiting"])
    model = GaussianMixture(2, random_state=0).fit(frame)
    assert list(model.feature_names_in_) == ["eruptions", "waiting"] and model.n_features_in_ == 2
    with no_warnings(): model.predict(frame)
    with pytest.raises(ValueError, match="feature names"): model.predict(frame[["waiting", "eruptions"]])
    with pytest.warns(UserWarning, match="feature names"): model.predict(FAITHFUL)
    assert not hasattr(model.fit(FAITHFUL), "feature_names_in_")


@each_structure
def test_clone_and_pickle(structure):
    model = GaussianMixture(2, covariance_type=structure, random_state=0, **explicit(structure)).fit(FAITHFUL)
    fresh = clone(model)
    assert not hasattr(fresh, "mixture_") and set(fresh.get_params()) == set(inspect.signature(GaussianMixture).parameters)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(FAITHFUL), model.predict_proba(FAITHFUL))
    for name in FITTED: np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    assert "covariance_type" in repr(GaussianMixture(covariance_type="tied")) and "tol" not in repr(GaussianMixture())


def test_pipeline():
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(2, random_state=0)).fit(FAITHFUL)
    labels, alone = pipeline.predict(FAITHFUL), GaussianMixture(2, random_state=0).fit(FAITHFUL)
    np.testing.assert_array_equal(labels, alone.predict(FAITHFUL))  # full covariances do not see the scale
    assert pipeline.score(FAITHFUL) == pytest.approx(alone.score(FAITHFUL) + np.log(FAITHFUL.std(axis=0)).sum(), rel=1e-6)
    weighted = make_pipeline(StandardScaler(), GaussianMixture(2, random_state=0)).fit(FAITHFUL, gaussianmixture__sample_weight=np.ones(272))
    np.testing.assert_array_equal(weighted.predict(FAITHFUL), labels)


def test_grid_search():
    search = GridSearchCV(GaussianMixture(random_state=0), {"n_components": [1, 2], "covariance_type": list(STRUCTURES)}, cv=3).fit(FAITHFUL)
    assert search.best_params_["n_components"] == 2 and np.isfinite(search.cv_results_["mean_test_score"]).all()
    by_bic = GridSearchCV(GaussianMixture(random_state=0), {"n_components": [1, 2, 3]}, scoring=lambda model, X, y=None: -model.bic(X), cv=2).fit(FAITHFUL)
    assert by_bic.best_estimator_.converged_
    assert len(cross_val_score(GaussianMixture(2, random_state=0), FAITHFUL, cv=4)) == 4


def test_metadata_routing():
    import sklearn
    with sklearn.config_context(enable_metadata_routing=True):
        model = GaussianMixture(2, random_state=0).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), model).fit(FAITHFUL, sample_weight=np.ones(272))
    assert pipeline.predict(FAITHFUL).shape == (272,)


def test_threads():
    one, two = (GaussianMixture(2, random_state=0, n_jobs=jobs).fit(FAITHFUL) for jobs in (1, 2))
    np.testing.assert_array_equal(one.means_, two.means_)


# ---- polars

WHOLE = np.round(FAITHFUL * [10, 1])  # numbers below 128: eruptions in tenths of a minute


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


@pytest.mark.parametrize("types", ["Float64", "Float32", "Int64", "Int8", "UInt16", "Float32 Float64", "Int32 Float64", "UInt8 Int16", "Int64 Float32"])
def test_polars(polars, types):
    "Every method says of a frame what it says of the same numbers in an array"
    words = types.split()
    frame = polars.DataFrame(WHOLE, schema=["eruptions", "waiting"]).with_columns(
        polars.col("eruptions").cast(getattr(polars, words[0])), polars.col("waiting").cast(getattr(polars, words[-1])))
    assert [str(t) for t in frame.dtypes] == [words[0], words[-1]]
    array = WHOLE  # float64 whatever the frame holds: so scikit-learn reads it
    with no_warnings(): model, plain = GaussianMixture(2, random_state=0).fit(frame), GaussianMixture(2, random_state=0).fit(array)
    assert list(model.feature_names_in_) == ["eruptions", "waiting"] and model.n_features_in_ == 2 and model.means_.dtype == float
    assert_same_fit(model, plain, 1e-12)
    with no_warnings():
        for method in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
            np.testing.assert_allclose(getattr(model, method)(frame), getattr(plain, method)(array), rtol=1e-12)
        np.testing.assert_array_equal(clone(model).fit_predict(frame), plain.predict(array))


def test_polars_weights(polars):
    w = np.arange(272.0)
    frame, series = polars.DataFrame(FAITHFUL, schema=["eruptions", "waiting"]), polars.Series(w)
    model, plain = GaussianMixture(2, random_state=0).fit(frame, sample_weight=series), GaussianMixture(2, random_state=0).fit(FAITHFUL, sample_weight=w)
    assert_same_fit(model, plain, 1e-12)
    for method in ("score", "bic", "aic"):
        assert getattr(model, method)(frame, sample_weight=series) == pytest.approx(getattr(plain, method)(FAITHFUL, sample_weight=w), rel=1e-12)
    with pytest.raises(ValueError, match=r"sample_weight\[0\] = nan; weights must be finite"): model.fit(frame, sample_weight=polars.Series([None, *w[1:]]))


def test_polars_columns(polars):
    "Names are checked as scikit-learn checks them"
    frame = polars.DataFrame(FAITHFUL, schema=["eruptions", "waiting"])
    model = GaussianMixture(2, random_state=0).fit(frame)
    with no_warnings(): np.testing.assert_array_equal(model.predict(pd.DataFrame(FAITHFUL, columns=frame.columns)), model.predict(frame))
    with pytest.raises(ValueError, match="(?s)feature names should match.*same order"): model.predict(frame.select("waiting", "eruptions"))
    with pytest.raises(ValueError, match="(?s)feature names should match.*unseen at fit time:\n- pause"): model.predict(frame.rename({"waiting": "pause"}))
    with pytest.warns(UserWarning, match="X does not have valid feature names"): model.predict(FAITHFUL)


@pytest.mark.parametrize("dtype, hole, message", [
    ("Float64", None, "Input X contains NaN"), ("Float32", None, "Input X contains NaN"), ("Int64", None, "Input X contains NaN"), ("Float64", np.nan, "Input X contains NaN"),
    ("Float32", np.inf, "Input X contains infinity"), ("String", "long", "could not convert string to float: 'long'")])
def test_polars_with_holes(polars, dtype, hole, message):
    good = polars.DataFrame(WHOLE, schema=["eruptions", "waiting"]).cast(getattr(polars, dtype))
    frame = polars.concat([good, polars.DataFrame({"eruptions": [hole], "waiting": good["waiting"][:1]}, schema=good.schema)])
    with pytest.raises(ValueError, match=message): GaussianMixture(2, random_state=0).fit(frame)
    model = GaussianMixture(2, random_state=0).fit(polars.DataFrame(WHOLE, schema=good.columns))
    for method in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
        with pytest.raises(ValueError, match=message): getattr(model, method)(frame)


@pytest.mark.parametrize("bad", [{"X": np.ones((1, 3))}, {"X": np.ones((5, 3)), "sample_weight": -np.ones(5)}, {"X": pd.DataFrame({"a": [np.nan] * 9, "b": range(9)})}])
def test_a_fit_that_fails_leaves_the_last_one_usable(bad):
    "The columns belong to the fit that predicts, not to the table that was refused"
    model = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    before = model.predict(FAITHFUL)
    with pytest.raises(ValueError): model.fit(**bad)
    assert model.n_features_in_ == 2 and not hasattr(model, "feature_names_in_")
    np.testing.assert_array_equal(model.predict(FAITHFUL), before)
    new = GaussianMixture(2)
    with pytest.raises(ValueError): new.fit(**bad)
    assert not hasattr(new, "n_features_in_")


def test_a_warning_that_is_an_error_leaves_the_new_fit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GaussianMixture(1).fit(np.random.default_rng(0).normal(size=(20, 3)))
        with pytest.raises(ConvergenceWarning): model.set_params(n_components=2, max_iter=1, tol=0).fit(FAITHFUL)
    assert model.n_features_in_ == 2 and model.predict(FAITHFUL).shape == (272,)
