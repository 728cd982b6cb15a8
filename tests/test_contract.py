"""scikit-learn's own checks of an estimator. None may fail, with any kind of start: weights and repeated rows lead to the same
fit, since starts see equal rows as one."""
import io
import json
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from gmm_nb.estimator import GaussianMixture
from gmm_nb.initialization import METHODS
from gmm_nb.mixture import STRUCTURES
from oracles import data
from sklearn.base import BaseEstimator, ClassifierMixin, DensityMixin, clone
from sklearn.datasets import load_digits, load_iris, make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture as Reference
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

# the checks' data are small and full of copies; what the estimator has to say about them is tested elsewhere
pytestmark = pytest.mark.filterwarnings("ignore:.*rest on the variance floor", "ignore:EM did not converge")

ESTIMATORS = [GaussianMixture(), *(GaussianMixture(2, covariance_type=structure, random_state=0) for structure in STRUCTURES),
              *(GaussianMixture(3, init_params=method, n_init=2, random_state=0) for method in METHODS),
              GaussianMixture(2, random_state=0, warm_start=True, n_jobs=2), GaussianMixture(2, random_state=0, reg_covar=1e-3, acceleration="squarem"),
              GaussianMixture(2, random_state=0, acceleration=None)]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_the_default_passes_without_exception():
    results = check_estimator(GaussianMixture(), on_skip=None)
    assert len(results) > 40 and {result["status"] for result in results} <= {"passed", "skipped"}
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}  # wants an environment variable


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
    assert tags == Reference().__sklearn_tags__()


# ---- programs as people write them, with the import changed: each runs with both classes and says the same kind of thing

BENT = np.random.default_rng(0).normal(size=(500, 2)) @ [[0, -0.1], [1.7, 0.4]] * (np.arange(500) < 250)[:, None]
BENT += (0.7 * np.random.default_rng(1).normal(size=(500, 2)) + [-6, 3]) * (np.arange(500) >= 250)[:, None]
PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


@program
def selection_by_bic_in_a_search(cls):
    grid = {"n_components": range(1, 5), "covariance_type": ["spherical", "tied", "diag", "full"]}
    search = GridSearchCV(cls(random_state=0), grid, scoring=lambda model, X: -model.bic(X)).fit(BENT)
    table = pd.DataFrame(search.cv_results_)[["param_n_components", "param_covariance_type", "mean_test_score"]]
    for mean, covariance in zip(search.best_estimator_.means_, search.best_estimator_.covariances_): np.linalg.eigh(covariance)
    return search.best_params_, table.shape


@program
def starts_from_class_means_set_after_construction(cls):
    X, y = load_iris(return_X_y=True)
    train, test = next(iter(StratifiedKFold(4).split(X, y)))
    shapes = []
    for model in [cls(3, covariance_type=c, max_iter=20, random_state=0) for c in STRUCTURES]:
        model.means_init = np.array([X[train][y[train] == k].mean(axis=0) for k in range(3)])
        assert np.mean(model.fit(X[train]).predict(X[test]) == y[test]) > 0.85
        shapes.append(model.covariances_.shape)
    return shapes


@program
def many_components_on_a_curve_and_samples(cls):
    rng, steps = np.random.RandomState(0), np.linspace(-6, 6, 100)
    X = np.stack([steps + rng.normal(0, 0.1, 100), 3 * (np.sin(steps) + rng.normal(0, 0.2, 100))], axis=1)
    rows, labels = cls(10, random_state=0, max_iter=100).fit(X).sample(2000)
    return rows.shape, labels.dtype


@program
def the_start_alone_and_then_the_fit(cls):
    X = make_blobs(400, centers=4, cluster_std=0.6, random_state=0)[0][:, ::-1]
    for method in METHODS:
        start = cls(4, init_params=method, tol=1e-9, max_iter=0, random_state=np.random.RandomState(1)).fit(X)
        model = cls(4, init_params=method, means_init=start.means_, tol=1e-6, max_iter=2000, random_state=1).fit(X)
        assert start.means_.shape == (4, 2) and model.n_iter_ >= 1
    return start.n_iter_, start.converged_


@program
def a_density_on_a_grid(cls):
    A, B = np.meshgrid(np.linspace(-20, 30), np.linspace(-20, 40))
    return (-cls(2, random_state=0).fit(BENT).score_samples(np.array([A.ravel(), B.ravel()]).T)).reshape(A.shape).dtype


@program
def a_classifier_of_one_mixture_a_class(cls):
    class Classifier(ClassifierMixin, BaseEstimator):
        def __init__(self, k=2): self.k = k

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            self.models_ = [cls(self.k, random_state=0, reg_covar=1e-3).fit(X[y == c]) for c in self.classes_]
            return self

        def predict(self, X): return self.classes_[np.argmax([model.score_samples(X) for model in self.models_], axis=0)]
    assert cross_val_score(Classifier(), *load_iris(return_X_y=True)).mean() > 0.93


@program
def digits_out_of_a_pipeline_of_components(cls):
    pca = PCA(0.9, whiten=True, random_state=0)
    rows, _ = cls(10, random_state=0, max_iter=20).fit(pca.fit_transform(load_digits().data)).sample(100)
    return pca.inverse_transform(rows).shape


@program
def fits_in_processes(cls):
    models = joblib.Parallel(n_jobs=2)(joblib.delayed(cls(k, random_state=0).fit)(BENT) for k in (1, 2))
    search = GridSearchCV(cls(random_state=0), {"n_components": [1, 2]}, n_jobs=2, cv=3).fit(BENT)
    return [model.means_.shape for model in models], search.best_params_


@program
def frames_in_and_out(cls):
    frame = pd.DataFrame(BENT, columns=["a", "b"], index=[f"row {i}" for i in range(500)])
    pipeline = make_pipeline(StandardScaler(), cls(2, random_state=0)).set_output(transform="pandas").fit(frame)
    return pd.Series(pipeline.predict(frame), index=frame.index).value_counts().tolist(), list(pipeline[-1].feature_names_in_)


@program
def novelty_below_a_quantile(cls):
    scores = cls(2, random_state=0).fit(BENT).score_samples(BENT)
    return int((scores < np.percentile(scores, 4)).sum())


@program
def files_of_every_kind(cls):
    model = cls(2, random_state=0).fit(BENT)
    joblib.dump(pickle.loads(pickle.dumps(model)), file := io.BytesIO())
    again = joblib.load(io.BytesIO(file.getvalue()))
    assert (again.predict(BENT) == model.predict(BENT)).all()
    saved = json.loads(json.dumps({name: np.asarray(getattr(model, name)).tolist() for name in ("weights_", "means_", "covariances_", "precisions_cholesky_")}))
    other = cls(2)
    for name, value in saved.items(): setattr(other, name, np.array(value))
    copied = cls(2)
    vars(copied).update(vars(model))
    np.testing.assert_allclose(other.score_samples(BENT), model.score_samples(BENT), rtol=1e-10)
    np.testing.assert_array_equal(copied.score_samples(BENT), model.score_samples(BENT))
    return sorted(saved), type(model.n_iter_), type(model.converged_), json.dumps([model.n_iter_, model.converged_, model.lower_bound_])[:1]


@program
def a_notebook_shows_it(cls):
    fitted = cls(2, random_state=0).fit(BENT)
    return len(cls(2)._repr_html_()) > 1000, len(fitted._repr_html_()) > 1000, repr(cls(2)), str(clone(fitted))


@program
def labels_in_the_order_of_the_means(cls):
    model = cls(2, random_state=0).fit(BENT[:, :1])
    rank = np.empty(2, dtype=int)
    rank[np.argsort(model.means_.ravel())] = range(2)
    assert np.mean(rank[model.predict(BENT[:, :1])] == (np.arange(500) < 250)) > 0.95
    return model.covariances_.flatten().shape, np.sqrt(model.covariances_).squeeze().shape


@program
def one_model_for_chunk_after_chunk(cls):
    model = cls(2, warm_start=True, random_state=0)
    for chunk in np.array_split(BENT[np.random.default_rng(0).permutation(500)], 5): model.fit(chunk)
    return model.means_.shape


@program
def settings_of_the_library(cls):
    with sklearn.config_context(transform_output="pandas", assume_finite=True, skip_parameter_validation=True):
        return type(cls(2, random_state=0).fit(BENT, np.zeros(500)).predict_proba(BENT)), silhouette_score(BENT, cls(2, random_state=0).fit_predict(BENT)) > 0.5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda function: function.__name__)
def test_programs_run_with_the_import_changed(program):
    ours, theirs = program(GaussianMixture), program(Reference)
    assert ours == theirs
