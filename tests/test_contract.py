"""scikit-learn's own checks of an estimator. None may fail but one: scikit-learn's own stochastic estimators declare as well
that weights and repeated rows do not lead to the same *random* start. From explicit starts they agree, shown below."""
import numpy as np
import pytest
from gmm_nb.estimator import GaussianMixture
from gmm_nb.initialization import METHODS
from gmm_nb.mixture import STRUCTURES
from oracles import data
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

# the checks' data are small and full of copies; what the estimator has to say about them is tested elsewhere
pytestmark = pytest.mark.filterwarnings("ignore:.*rest on the variance floor", "ignore:EM did not converge")

RANDOM_START = {"check_sample_weight_equivalence_on_dense_data": "a random start draws rows, and repeated rows are drawn otherwise"}


def expected_to_fail(estimator):
    "One component needs no start, and random_from_data draws distinct rows by their total weight: nothing is expected to fail there"
    return {} if estimator.n_components == 1 or estimator.init_params == "random_from_data" else RANDOM_START


ESTIMATORS = [GaussianMixture(), *(GaussianMixture(2, covariance_type=structure, random_state=0) for structure in STRUCTURES),
              *(GaussianMixture(3, init_params=method, n_init=2, random_state=0) for method in METHODS),
              GaussianMixture(2, random_state=0, warm_start=True, n_jobs=2), GaussianMixture(2, random_state=0, reg_covar=1e-3, acceleration="squarem"),
              GaussianMixture(2, random_state=0, acceleration="natural-gradient")]


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_to_fail)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_the_default_passes_without_exception():
    results = check_estimator(GaussianMixture(), on_skip=None)
    assert len(results) > 40 and {result["status"] for result in results} <= {"passed", "skipped"}
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}  # wants an environment variable


def test_at_most_one_failure_is_expected():
    assert all(len(expected_to_fail(estimator)) <= 1 for estimator in ESTIMATORS)
    names = {result["check_name"] for result in check_estimator(GaussianMixture(), on_skip=None)}
    assert set(RANDOM_START) <= names, "the declared check exists under this name"


def explicit(structure, X, K):
    variances = X.var(axis=0)
    return dict(n_components=K, covariance_type=structure, weights_init=np.full(K, 1 / K), means_init=X[np.linspace(0, len(X) - 1, K).astype(int)],
                precisions_init={"full": np.stack([np.diag(K / variances)] * K), "tied": np.diag(K / variances), "diag": np.stack([K / variances] * K),
                                 "spherical": np.full(K, K / variances.mean())}[structure])


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("name, K", [("faithful", 2), ("iris", 3)])
def test_weights_and_repeated_rows_are_equivalent_from_an_explicit_start(structure, name, K):
    "What scikit-learn's check looks at: predict_proba and all that is fitted; rows of weight zero are removed rows"
    X, rng = data(name), np.random.default_rng(0)
    times = rng.integers(0, 5, size=len(X))
    order = rng.permutation(len(X))
    start = explicit(structure, X, K)
    weighted = GaussianMixture(**start, tol=1e-7).fit(X[order], sample_weight=times[order])
    repeated = GaussianMixture(**start, tol=1e-7).fit(np.repeat(X, times, axis=0))
    assert weighted.n_iter_ == repeated.n_iter_ and weighted.converged_
    for attribute in ("weights_", "means_", "covariances_", "precisions_", "lower_bounds_"):
        np.testing.assert_allclose(getattr(weighted, attribute), getattr(repeated, attribute), rtol=1e-7, atol=1e-9, err_msg=attribute)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=0, atol=1e-9)


def test_one_component_needs_no_start():
    X = data("iris")
    times = np.random.default_rng(0).integers(0, 5, size=150)
    weighted, repeated = GaussianMixture().fit(X, sample_weight=times), GaussianMixture().fit(np.repeat(X, times, axis=0))
    np.testing.assert_allclose(weighted.covariances_, repeated.covariances_, rtol=1e-12)


def test_what_it_is():
    model = GaussianMixture()
    assert isinstance(model, BaseEstimator) and isinstance(model, DensityMixin)
    assert clone(model).get_params() == model.get_params()
    tags = model.__sklearn_tags__()
    assert tags.estimator_type == "density_estimator" and not tags.input_tags.allow_nan and not tags.target_tags.required
    from sklearn.mixture import GaussianMixture as Reference
    assert tags == Reference().__sklearn_tags__()
