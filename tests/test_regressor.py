"Regression by the conditional of a mixture: least squares, several branches, holes, scikit-learn's checks."
import pickle

import numpy as np
import pytest
from gmm_nb import GaussianMixtureRegressor
from gmm_nb.estimator import GaussianMixture
from gmm_nb.mixture import STRUCTURES
from gmm_nb.regression import conditionals
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([GaussianMixtureRegressor(), GaussianMixtureRegressor(2, random_state=0), GaussianMixtureRegressor(missing="error"),
                          GaussianMixtureRegressor(covariance_type="tied", acceleration=None)])
def test_scikit_learns_checks(estimator, check): check(estimator)


def data(n=400, d=3, targets=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    return X, X @ rng.normal(size=(d, targets)) + rng.normal(size=(n, targets))


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_one_component_is_least_squares(covariance_type, targets, weighted):
    X, y = data(targets=targets)
    y = 1e3 * (y[:, 0] if targets == 1 else y) + 1e5
    weights = np.random.default_rng(1).random(len(X)) if weighted else None
    ours = GaussianMixtureRegressor(covariance_type=covariance_type, reg_covar=0).fit(X, y, weights)
    theirs = LinearRegression().fit(X, y, weights)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-10)
    assert_allclose(ours.score(X, y), theirs.score(X, y), rtol=1e-10)
    mean, std = ours.predict(X, return_std=True)
    assert_array_equal(mean, ours.predict(X))
    residual = np.sqrt(np.average((y - theirs.predict(X)) ** 2, axis=0, weights=weights))
    assert_allclose(std, np.broadcast_to(residual, y.shape), rtol=1e-10)
    assert_allclose(ours.predict_quantiles(X[:5], [0.025])[..., 0], stats.norm.ppf(0.025, mean[:5], std[:5]), rtol=1e-10)


def test_two_branches():
    rng = np.random.default_rng(0)
    y = rng.uniform(-2, 2, 1500)
    x = y[:, None] ** 2 + 0.1 * rng.normal(size=(1500, 1))
    fit = GaussianMixtureRegressor(8, random_state=0).fit(x, y)
    at = np.array([[1.0], [2.25], [3.2]])
    mean, std = fit.predict(at, return_std=True)
    assert_allclose(mean, 0, atol=0.35)
    assert_allclose(std, np.sqrt(at[:, 0]), atol=0.15)
    assert_allclose(np.abs(fit.predict_quantiles(at, [0.2, 0.8])), np.sqrt(at) * [1, 1], atol=0.2)
    density = lambda values: np.exp(fit.mixture_.condition(0, at[1:2])[0].log_density(np.reshape(values, (-1, 1))))
    low, high = density([0.0, 1.5])
    assert high > 20 * low


@pytest.mark.parametrize("covariance_type", STRUCTURES)
def test_predictions_are_those_of_the_conditional(covariance_type):
    X, y = data(targets=2)
    fit = GaussianMixtureRegressor(3, covariance_type=covariance_type, random_state=0).fit(X, y)
    joint = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(np.column_stack([X, y]))
    assert_array_equal(joint.means_, fit.mixture_.means)
    given = joint.mixture_.condition([0, 1, 2], X)
    mean, std = fit.predict(X, return_std=True)
    assert_allclose(mean, given.mean(), rtol=1e-12)
    assert_allclose(std[4], np.sqrt(np.diagonal(given.covariance()[4])), rtol=1e-12)
    quantiles = fit.predict_quantiles(X[:7], (0.1, 0.9))
    assert quantiles.shape == (7, 2, 2)
    assert_allclose(quantiles[3, 1, 0], given.marginal(1)[3].quantile(0.1), rtol=1e-10)


def test_holes_in_the_inputs():
    X, y = data(n=2000, targets=1)
    y = y[:, 0]
    rng = np.random.default_rng(1)
    holes = np.where(rng.random(X.shape) < 0.15, np.nan, X)
    holes[:3] = np.nan
    fit, whole = GaussianMixtureRegressor().fit(holes, y), GaussianMixtureRegressor().fit(X, y)
    assert_allclose(fit.predict(X), whole.predict(X), atol=0.25 * y.std())
    mean, std = fit.predict(holes, return_std=True)
    assert np.isfinite(mean).all() and np.isfinite(fit.predict_quantiles(holes)).all()
    assert_allclose(mean[0], fit.mixture_.means[0, 3], rtol=1e-12)
    for i in range(3, 60):
        o = np.flatnonzero(~np.isnan(holes[i]))
        if not len(o): continue
        given = fit.mixture_.marginal([*o, 3]).condition(range(len(o)), holes[i:i + 1, o])
        assert_allclose([mean[i], std[i]], [given.mean()[0, 0], np.sqrt(given.covariance()[0, 0, 0])], rtol=1e-11)
    n = np.isnan(holes).sum(axis=1)
    assert std[n == 0].mean() < std[n == 1].mean() < std[n == 3].mean()
    imputed = GaussianMixture(missing="at_random").fit(np.column_stack([holes, y])).impute(np.column_stack([holes, np.full(2000, np.nan)]))
    assert_allclose(imputed[3:, 3], mean[3:], rtol=1e-4, atol=1e-4)
    rows = np.concatenate([rows for rows, _ in conditionals(fit.mixture_, holes)])
    assert_array_equal(np.sort(rows), np.arange(2000))


@pytest.mark.parametrize("ask, message", [
    (lambda f, X, y: f.set_params(missing="error").fit(np.where(X > 1, np.nan, X), y), "missing='at_random'"),
    (lambda f, X, y: f.fit(np.where(X > 1, np.inf, X), y), "infinity"), (lambda f, X, y: f.fit(X, np.where(y > 1, np.nan, y)), "NaN"),
    (lambda f, X, y: f.fit(np.ma.masked_greater(X, 1), y), "filled"), (lambda f, X, y: f.fit(X, y[:-1]), "inconsistent"), (lambda f, X, y: f.fit(X, y).predict(X[:, :2]), "features"),
    (lambda f, X, y: f.fit(X, y).predict_quantiles(X, [95]), "between 0 and 1"), (lambda f, X, y: f.set_params(n_components=0).fit(X, y), "n_components"),
    (lambda f, X, y: f.set_params(missing="no").fit(X, y), "missing"), (lambda f, X, y: f.predict(X), "not fitted")])
def test_bad_input(ask, message):
    X, y = data()
    with pytest.raises(ValueError, match=message): ask(GaussianMixtureRegressor(), X, y[:, 0])


def test_in_scikit_learns_company():
    X, y = data(targets=1)
    y = y[:, 0]
    fit = make_pipeline(StandardScaler(), GaussianMixtureRegressor(2, random_state=0))
    assert cross_val_score(fit, X, y).min() > 0.3
    search = GridSearchCV(GaussianMixtureRegressor(random_state=0), {"n_components": [1, 2]}, cv=3).fit(X, y)
    assert_array_equal(pickle.loads(pickle.dumps(search.best_estimator_)).predict(X), search.predict(X))
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()
