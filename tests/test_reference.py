"""mclust's fits of Old Faithful and Iris: M-step, first iterations, last mixture, optimum. Through engine and estimator.

mclust stopped at a relative change of 1e-12 in the log-likelihood; after as many passes the parameters agree to 1e-13."""
import json
import warnings

import numpy as np
import pytest
from gmm_nb.acceleration import fit_mixture
from gmm_nb.covariance import m_step, n_parameters
from gmm_nb.e_step import _careful, _fast, _wide, e_step
from gmm_nb.estimator import GaussianMixture
from gmm_nb.initialization import statistics_of
from gmm_nb.mixture import Mixture
from gmm_nb.statistics import prepare
from gmm_nb.tables import load_faithful, load_iris
from oracles import HERE, STRUCTURES, compact, data, fits, hard_resp, mclust
from sklearn.exceptions import ConvergenceWarning

CASES = [(name, K, structure) for name in ("faithful", "iris") for K in (2, 3) for structure in STRUCTURES]
each_case = pytest.mark.parametrize("name, K, structure", CASES)


def as_mixture(parameters, structure):
    return Mixture(np.atleast_1d(parameters["pro"]), parameters["mean"], compact(parameters["sigma"], structure), structure)


def start_of(name, K, structure):
    "The mixture after one M-step from the labels, made by us"
    X, resp = data(name), hard_resp(name, K)
    return m_step(statistics_of(X, np.ones(len(X)), resp, structure))


def estimator(start, **parameters):
    "A GaussianMixture that starts from a mixture, with the floor off"
    P = start.precisions_cholesky
    precisions = P @ np.swapaxes(P, -1, -2) if start.structure in ("full", "tied") else P**2
    return GaussianMixture(start.n_components, covariance_type=start.structure, reg_covar=0, acceleration=None, weights_init=start.weights,
                           means_init=start.means, precisions_init=precisions, **parameters)


def assert_same_mixture(got, parameters, rtol):
    "Weights absolutely; means and covariances in units of the components' standard deviations"
    want = as_mixture(parameters, got.structure)
    sd = np.sqrt(np.diagonal(want.matrices(), axis1=1, axis2=2))
    np.testing.assert_allclose(got.weights, want.weights, rtol=0, atol=rtol)
    np.testing.assert_allclose((got.means - want.means) / sd, 0, atol=rtol)
    np.testing.assert_allclose((got.matrices() - want.matrices()) / (sd[:, :, None] * sd[:, None, :]), 0, atol=rtol)


def test_the_oracles_are_about_the_shipped_data():
    np.testing.assert_array_equal(load_faithful().X, data("faithful"))
    np.testing.assert_array_equal(load_iris().X, data("iris"))
    assert "mclust" in (HERE / "README.md").read_text()


@each_case
def test_m_step_from_labels(name, K, structure):
    start = start_of(name, K, structure)
    assert_same_mixture(start, mclust(name, K, structure)["first_mstep"], 1e-12)


@pytest.mark.parametrize("name, K, structure, path", [(*case, path) for case in CASES for path in (_fast, _wide, _careful) if path is not _wide or case[2] == "full"])
def test_first_five_iterations_of_the_engine(name, K, structure, path):
    reference, mixture, sample = mclust(name, K, structure), start_of(name, K, structure), prepare(data(name), structure=structure)
    trace = []
    for _ in range(5):
        statistics = path(sample, mixture)
        trace.append(statistics.log_likelihood)
        mixture = m_step(statistics)
    assert trace[0] == pytest.approx(reference["loglik_after_first_mstep"], rel=1e-13)
    np.testing.assert_allclose(trace, reference["traj"], rtol=1e-13)


@each_case
def test_first_five_iterations_of_the_estimator(name, K, structure):
    X = data(name)
    with pytest.warns(ConvergenceWarning):
        model = estimator(start_of(name, K, structure), tol=0, max_iter=5).fit(X)
    assert len(model.lower_bounds_) == model.n_iter_ == 5
    np.testing.assert_allclose(len(X) * np.array(model.lower_bounds_), mclust(name, K, structure)["traj"], rtol=1e-12)


@each_case
@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_every_pass_is_mclusts(name, K, structure):
    "mclust's last mixture is that of its last M-step; after as many of ours (up to 269) all parameters are the same"
    X, reference, start = data(name), mclust(name, K, structure), start_of(name, K, structure)
    passes = reference["iterations"] - 1  # mclust counts the M-step from the labels
    result = fit_mixture(X, start, tol=0, max_iter=passes)
    model = estimator(start, tol=0, max_iter=passes).fit(X)
    for mixture, slack in ((result.mixture, 1e-11), (model.mixture_, 1e-10)):  # the estimator's start was inverted twice
        assert_same_mixture(mixture, reference, slack)
        assert e_step(X, mixture).log_likelihood == pytest.approx(reference["loglik"], abs=1e-10)
    assert len(result.log_likelihoods) == model.n_iter_ == passes


# Where EM is slow, mclust stops short of the optimum: by up to about 1e-8 in the log-likelihood, which is
# sqrt(2 · 1e-8 / M_k) = 3e-5 standard deviations in a mean (M_k about 50), and more where components overlap.
PARAMETERS = 1e-4


@each_case
def test_optimum_of_the_engine(name, K, structure):
    X, reference = data(name), mclust(name, K, structure)
    result = fit_mixture(X, start_of(name, K, structure), tol=1e-13, max_iter=5000)
    assert result.converged
    assert e_step(X, result.mixture).log_likelihood == pytest.approx(reference["loglik"], abs=5e-8)
    assert_same_mixture(result.mixture, reference, PARAMETERS)
    np.testing.assert_array_equal(np.argmax(result.mixture.log_joint(X), axis=0) + 1, reference["classification"])
    assert n_parameters(structure, K, X.shape[1]) == reference["df"]


@each_case
def test_optimum_of_the_estimator(name, K, structure):
    X, reference = data(name), mclust(name, K, structure)
    model = estimator(start_of(name, K, structure), tol=1e-13, max_iter=5000).fit(X)
    assert model.converged_
    assert len(X) * model.score(X) == pytest.approx(reference["loglik"], abs=5e-8)
    assert_same_mixture(model.mixture_, reference, PARAMETERS)
    np.testing.assert_array_equal(model.predict(X) + 1, reference["classification"])
    assert model.bic(X) == pytest.approx(-reference["bic"], abs=1e-7)  # mclust's BIC has the other sign
    assert model.aic(X) == pytest.approx(-2 * reference["loglik"] + 2 * reference["df"], abs=1e-7)


def test_old_faithful_three_tied():
    result = fit_mixture(data("faithful"), start_of("faithful", 3, "tied"), tol=1e-12)
    assert result.log_likelihoods[-1] == pytest.approx(-1126.315928, abs=1e-6)


def test_iris_three_full():
    result = fit_mixture(data("iris"), start_of("iris", 3, "full"), tol=1e-12)
    assert result.log_likelihoods[-1] == pytest.approx(-180.185477, abs=1e-6)


def test_old_faithful_two_full_is_what_the_readme_promises():
    model = GaussianMixture(2, random_state=0).fit(data("faithful"))
    assert 272 * model.score(data("faithful")) == pytest.approx(-1130.264, abs=5e-4)


@each_case
def test_the_default_start_with_restarts_is_as_good_as_mclusts(name, K, structure):
    "No start is promised to find an optimum; ten of the default ones find mclust's here, or a better one"
    X = data(name)
    best = GaussianMixture(K, covariance_type=structure, n_init=10, random_state=0, tol=1e-9).fit(X)
    assert len(X) * best.score(X) > mclust(name, K, structure)["loglik"] - 1e-4


@pytest.mark.parametrize("name", ["faithful", "iris"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_component_has_the_bic_of_mclust(name, structure):
    X, table = data(name), json.loads((HERE / f"bic_{name}.json").read_text())["BIC"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one component converges at once
        model = GaussianMixture(1, covariance_type=structure, reg_covar=0).fit(X)
    want = table[{"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}[structure]]["1"]
    assert model.bic(X) == pytest.approx(-want, rel=1e-12)


def test_the_labels_of_the_oracles_start_at_one():
    assert set(fits("iris", 3)["labels0"]) == {1, 2, 3}
