"""scikit-learn's own tests of `GaussianMixture`, run on this class.

Its tests come with the installed scikit-learn. Here they are loaded once more with our class in place of theirs, so that a test that
a new version adds is run as well. The wording of errors and warnings is our own: `match` is not looked at. What tests private functions
only is left out, and what else is not run stands in `NOT_RUN` with its reason. Below, the same contract in our words."""
import ast
import inspect
import types
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import sklearn
import sklearn.mixture
from gmm_nb import GaussianMixture
from gmm_nb.mixture import STRUCTURES
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.fixes import parse_version

pytestmark = [pytest.mark.filterwarnings("ignore:.*rest on the variance floor"), pytest.mark.filterwarnings("ignore:EM did not converge")]

NOT_RUN = {
    "test_gaussian_mixture_precisions_init": "calls the private _set_parameters and _initialize",
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": "counts calls of a private function",
    "test_gaussian_mixture_precisions_init_diag": "makes its start by a private function and counts passes from a single k-means",
    "test_gaussian_mixture_array_api_compliance": "wants arrays of other libraries back; ours are always NumPy's",
    "test_gaussian_mixture_raises_where_array_api_not_implemented": "wants a start refused for arrays of other libraries",
}


class AnyWords:
    "pytest, but blind to the words of an error or a warning"
    def __getattr__(self, name): return getattr(pytest, name)

    def raises(self, *errors, match=None): return pytest.raises(*errors)

    def warns(self, *kinds, match=None): return pytest.warns(*kinds)


def their_tests(name, ours=GaussianMixture):
    "The module of scikit-learn's tests with our class in it: its functions by name, those that never name the class left out"
    try:
        folder = Path(inspect.getfile(sklearn.mixture)).parent / "tests"
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
    except OSError:  # some distributions leave tests out
        return {}
    module = types.ModuleType(f"theirs.{name}")
    module.__file__ = str(folder / f"{name}.py")
    with mock.patch.object(sklearn.mixture, ours.__name__, ours):  # parameters of tests are made here, too
        exec(compile(source, module.__file__, "exec"), vars(module))
    module.pytest = AnyWords()
    used = {node.name: ast.unparse(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    return {test: getattr(module, test) for test, text in used.items() if test.startswith("test_") and ours.__name__ in text}


THEIRS = their_tests("test_gaussian_mixture") | their_tests("test_mixture")
globals().update({name: test for name, test in THEIRS.items() if name not in NOT_RUN})


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def global_dtype(request): return request.param


@pytest.fixture
def global_random_seed(): return 0


@pytest.mark.skipif(not THEIRS, reason="this scikit-learn comes without its tests")
def test_most_of_their_tests_are_run():
    run = [name for name in THEIRS if name not in NOT_RUN]
    assert len(run) >= 25 and "test_warm_start" in run and "test_sample" in run
    assert all(test.__globals__["GaussianMixture"] is GaussianMixture for test in THEIRS.values())


# ---- the same contract in our words

each_structure = pytest.mark.parametrize("structure", STRUCTURES)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def two_clusters(dtype=float, n=120, far=8.0):
    "Rows and labels of two clusters"
    labels = np.arange(n) % 3 // 2
    return (np.random.default_rng(0).normal(size=(n, 2)) + far * labels[:, None]).astype(dtype), labels


def known(structure):
    return dict(covariance_type=structure, weights_init=[0.6, 0.4], means_init=[[1.0, 0.0], [7.0, 8.0]],
                precisions_init={"full": [np.eye(2)] * 2, "tied": np.eye(2), "diag": np.ones((2, 2)), "spherical": np.ones(2)}[structure])


@each_structure
@each_dtype
def test_attributes_and_results_have_the_precision_of_the_data(structure, dtype):
    X, _ = two_clusters(dtype)
    models = [GaussianMixture(2, covariance_type=structure, random_state=0).fit(X)]
    if parse_version(sklearn.__version__) >= parse_version("1.9"):  # older ones made float64 of all
        models.append(sklearn.mixture.GaussianMixture(2, covariance_type=structure, random_state=0).fit(X))
    for model in models:
        for name in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"): assert getattr(model, name).dtype == dtype, name
        for rows in (np.float32, np.float64, np.int64):
            single = rows == dtype == np.float32
            for method in ("predict_proba", "score_samples"): assert getattr(model, method)(X.astype(rows)).dtype == (np.float32 if single else np.float64), (method, rows)
            for method in ("score", "bic", "aic"): assert type(getattr(model, method)(X.astype(rows))) is float
            assert model.predict(X.astype(rows)).dtype == np.int64
        assert [array.dtype for array in model.sample(3)] == [np.float64, np.int64]
    assert models[0].mixture_.means.dtype == np.float64 and type(models[0].lower_bound_) is float


@each_structure
def test_without_a_pass_the_start_is_the_result(structure):
    X, _ = two_clusters()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        ours = GaussianMixture(2, max_iter=0, **known(structure)).fit(X)
    np.testing.assert_allclose(ours.weights_, known(structure)["weights_init"], rtol=1e-12)
    np.testing.assert_allclose(ours.means_, known(structure)["means_init"], rtol=1e-12)
    np.testing.assert_allclose(ours.precisions_, known(structure)["precisions_init"], rtol=1e-12, atol=1e-12)
    assert ours.n_iter_ == 0 and ours.lower_bounds_ == [] and ours.lower_bound_ == -np.inf and not ours.converged_


@pytest.mark.parametrize("max_iter", [1, 2, 50])
def test_fitting_again_and_again_converges(max_iter):
    X, _ = two_clusters()
    model, bounds = GaussianMixture(2, warm_start=True, max_iter=max_iter, random_state=0), []
    for _ in range(200):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            bounds.append(model.fit(X).score(X))
        if model.converged_: break
    assert model.converged_ and model.n_iter_ <= max_iter and (np.diff(bounds) >= 0).all()


@each_structure
def test_more_components_than_distinct_rows(structure):
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    with pytest.raises(ValueError): GaussianMixture(6, covariance_type=structure, reg_covar=0, random_state=0).fit(X)
    with pytest.warns(UserWarning): model = GaussianMixture(6, covariance_type=structure, random_state=0).fit(X)
    assert model.weights_.shape == (6,) and np.isfinite(model.score(X)) and model.predict(X).shape == (10,)
    labels = model.predict(X)
    assert len(set(labels[:5])) == len(set(labels[5:])) == 1 and labels[0] != labels[5]


@each_structure
@each_dtype
def test_fit_predict_finds_the_clusters(structure, dtype):
    X, labels = two_clusters(dtype)
    model = GaussianMixture(2, **known(structure))
    found = model.fit_predict(X)
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(found, model.predict(X))
    np.testing.assert_array_equal(found, model.predict_proba(X).argmax(axis=1))


def test_free_parameters_are_counted():
    X = np.random.default_rng(0).normal(size=(50, 5))
    for structure, count in {"spherical": 13, "diag": 21, "tied": 26, "full": 41}.items():
        assert GaussianMixture(2, covariance_type=structure, random_state=0).fit(X)._n_parameters() == count


def test_one_feature_and_one_component_are_the_same_for_every_structure():
    X = np.random.default_rng(0).normal(size=(100, 1))
    full, *others = (GaussianMixture(covariance_type=structure).fit(X).bic(X) for structure in STRUCTURES)
    np.testing.assert_allclose(others, full, rtol=1e-12)


def test_unfitted_says_so_before_anything_else():
    with pytest.raises(NotFittedError, match="This GaussianMixture instance is not fitted yet. Call 'fit'"): GaussianMixture().sample(0)
