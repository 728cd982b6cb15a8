"""Starts: clusters in several metrics at once, the race, moves, subsamples, given starts, and which end is kept."""
import warnings

import numpy as np
import pytest
from gmm_nb import GaussianMixture, load_faithful, load_iris
from gmm_nb import initialization as starts
from gmm_nb.acceleration import climb
from gmm_nb.covariance import CollapsedComponent, at_floor, variance_floor
from gmm_nb.em import Result, em_steps
from gmm_nb.estimator import VarianceFloorWarning
from gmm_nb.initialization import METHODS
from gmm_nb.mixture import STRUCTURES, Mixture
from gmm_nb.statistics import prepare
from scipy.spatial.distance import cdist
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

FAITHFUL, IRIS = load_faithful().X, load_iris().X
each_structure = pytest.mark.parametrize("structure", STRUCTURES)
each_method = pytest.mark.parametrize("method", METHODS)


def rows_of(X, structure="full", weights=None):
    return starts.start_rows(X, np.ones(len(X)) if weights is None else weights, structure)


def ends_of(X, K, structure="full", seed=0, method="kmeans"):
    "The log-likelihood a row where the first start of a race ends"
    sample = prepare(X, structure=structure)
    floor = variance_floor(sample, 1e-6)
    start = next(starts.find_start(sample, K, method, np.random.default_rng(seed), structure, floor=floor))
    return climb(sample, start, floor, acceleration="natural-gradient", tol=1e-8).log_likelihoods[-1] / len(X)


# ---- what the defaults are for

@pytest.mark.parametrize("seed", range(6))
def test_half_moons(seed):
    "Five starts of ten passes each ended at -0.956 for each of these seeds; scikit-learn's best of five is -0.775"
    X = make_moons(200, noise=0.05, random_state=0)[0]
    assert GaussianMixture(5, random_state=seed).fit(X).score(X) > -0.7735


@pytest.mark.parametrize("seed", range(3))
def test_five_strips_apart(seed):
    "Long and narrow, side by side, at an angle to the axes"
    rng = np.random.default_rng(seed)
    X = np.stack([6 * rng.normal(size=1000), 0.5 * rng.normal(size=1000) + 4 * np.repeat(np.arange(5), 200)], axis=1)
    labels = GaussianMixture(5, random_state=seed).fit_predict(X @ [[1.0, 1.5], [0.0, 1.0]])
    assert adjusted_rand_score(np.repeat(np.arange(5), 200), labels) > 0.95


@each_structure
@pytest.mark.parametrize("seed", range(4))
def test_more_races_are_never_worse(structure, seed):
    X = np.random.default_rng(seed).uniform(size=(300, 2))  # many hills, none of them marked
    one, ten = (GaussianMixture(6, covariance_type=structure, n_init=n, random_state=seed).fit(X) for n in (1, 5))
    assert ten.lower_bound_ >= one.lower_bound_


def test_the_handicap_by_hand():
    "Two directions of a component with a quarter of the rows"
    floor = np.array([1e-6, 4e-6])
    mixture = Mixture([0.75, 0.25], np.zeros((2, 2)), [np.eye(2), np.diag(floor)])
    assert starts.handicap(mixture, floor, 1e-6)[0] == pytest.approx(0.25 * 2 * 0.5 * np.log(1e6))
    assert starts.handicap(mixture, None, 0.0)[0] == 0
    diag = Mixture([0.75, 0.25], np.zeros((2, 2)), [[1, 1], [1e-6, 1]], "diag")
    assert starts.handicap(diag, floor, 1e-6)[0] == pytest.approx(0.25 * 0.5 * np.log(1e6))
    ball = Mixture([0.75, 0.25], np.zeros((2, 2)), [1.0, 2.5e-6], "spherical")
    assert starts.handicap(ball, floor, 1e-6)[0] == pytest.approx(0.25 * 2 * 0.5 * np.log(1e6))
    dead = Mixture([1.0, 0.0], np.zeros((2, 2)), [1.0, 1.0], "spherical")
    assert starts.handicap(dead, floor, 1e-6)[0] == starts.LOST


def test_of_two_ends_the_fairer_is_kept():
    sample = prepare(FAITHFUL)
    floor = variance_floor(sample, 1e-6)
    good = Mixture([0.5, 0.5], [[2.0, 54.0], [4.3, 80.0]], [np.diag([0.1, 30.0])] * 2)
    low = Mixture([0.5, 0.5], good.means, [np.diag(floor), np.diag([0.1, 30.0])])  # handicap 6.9 a row
    assert at_floor(low, floor).any() and not at_floor(good, floor).any()

    def kept(high, *races):
        ends = {id(low): Result(low, np.array([272.0 * high]), 1, True), id(good): Result(good, np.array([-9.0 * 272]), 1, True)}
        return starts.best_of([lambda race=race: race for race in races], lambda start: ends[id(start)], 272, floor)[0].mixture
    assert kept(-3, [low], [good]) is good
    assert kept(-3, [low, good]) is good, "the next of a race gets its chance"
    assert kept(-3, [low]) is low, "if nothing else is left"
    assert kept(-2, [low], [good]) is low, "it is better by more than the floor adds"


def test_collapsed_ends_are_counted():
    made = Mixture([1.0], [[0.0]], [[[1.0]]])
    ends = iter([CollapsedComponent("one"), Result(made, np.array([9.0]), 1, False, collapse="two"), Result(made, np.array([1.0]), 1, True)])

    def follow(start):
        end = next(ends)
        if isinstance(end, Exception): raise end
        return end
    best, collapsed = starts.best_of([lambda: [made]] * 3, follow, 1)
    assert collapsed == 2 and best.log_likelihoods[-1] == 1.0 and not best.collapse
    with pytest.raises(CollapsedComponent, match="All 2 starts collapsed.*again"):
        starts.best_of([lambda: [made]] * 2, lambda start: (_ for _ in ()).throw(CollapsedComponent("again")), 1)


# ---- a stack is the same as one after the other

@each_structure
def test_a_stack_does_what_its_starts_do_alone(structure):
    rng = np.random.default_rng(0)
    weights = rng.gamma(2.0, size=len(IRIS))
    rows = rows_of(IRIS, structure, weights)
    stack = starts.stack_of(rows, starts.clusters(rows, 3, 5, "k-means++", rng))
    sample = prepare(IRIS, weights, structure)
    alone = [em_steps(sample, starts.as_mixture(rows, starts.chosen(stack, [s], 5)), rows.floor) for s in range(5)]
    for _ in range(20):
        values, stack = starts.stack_pass(rows, stack, 5)
        steps = [next(steps) for steps in alone]
        np.testing.assert_allclose(values, [step.log_likelihood / weights.sum() for step in steps], rtol=1e-7)
    for s, step in enumerate(steps):
        got = starts.as_mixture(rows, starts.chosen(stack, [s], 5))
        np.testing.assert_allclose(got.weights, step.updated.weights, rtol=1e-4)
        np.testing.assert_allclose(got.covariances, step.updated.covariances, rtol=1e-3, atol=1e-4)


def test_chunks_of_a_stack_do_not_matter(monkeypatch):
    X = np.random.default_rng(0).normal(size=(5000, 3))
    rows = rows_of(X)
    stack = starts.stack_of(rows, starts.clusters(rows, 20, 12, "kmeans", np.random.default_rng(0)))
    values, after = starts.stack_pass(rows, stack, 12)
    assert 600_000 // (240 + 10) < 5000  # there is more than one chunk
    whole = starts.stack_pass(starts.start_rows(X[:3000], np.ones(3000), "full"), stack, 12)[0] * 3000
    rest = starts.stack_pass(starts.start_rows(X[3000:], np.ones(2000), "full"), stack, 12)[0] * 2000
    np.testing.assert_allclose(values * 5000, whole + rest, rtol=1e-9)


@each_structure
def test_a_component_that_lost_its_rows_does_not_stop_the_others(structure):
    rows = rows_of(FAITHFUL, structure)
    shares = np.zeros((2, 3, len(FAITHFUL)))
    shares[0, 0], shares[1, :] = 1, (np.arange(len(FAITHFUL)) % 3 == np.arange(3)[:, None])
    stack = starts.stack_of(rows, shares)
    for _ in range(10): values, stack = starts.stack_pass(rows, stack, 2)
    assert np.isfinite(values).all() and np.isfinite(stack.means).all()


# ---- k-means

def brute_force(Z, weights, centres, most):
    for _ in range(most):
        labels = np.argmin(cdist(Z, centres, "sqeuclidean"), axis=1)
        centres = np.array([np.average(Z[labels == k], axis=0, weights=weights[labels == k]) for k in range(len(centres))])
    return np.argmin(cdist(Z, centres, "sqeuclidean"), axis=1)


@pytest.mark.parametrize("diagonal", [False, True])
def test_k_means_in_a_metric(diagonal):
    "As plain k-means in coordinates in which the metric is the ordinary distance"
    rng = np.random.default_rng(0)
    weights, rows = rng.gamma(2.0, size=150), rows_of(IRIS, "diag" if diagonal else "full")
    A = rng.gamma(2.0, size=(3, 4)) if diagonal else np.array([(lambda B: B @ B.T)(rng.normal(size=(4, 4))) for _ in range(3)])
    centres = rows.units[1:, [[0, 60, 120], [1, 2, 3], [50, 80, 149]]].transpose(1, 2, 0)
    shares = starts.k_means(rows.units, weights, A, centres, most=5)
    for s in range(3):
        root = np.diag(np.sqrt(A[s])) if diagonal else np.linalg.cholesky(A[s])
        want = brute_force(rows.units[1:].T @ root, weights, centres[s] @ root, 5)
        np.testing.assert_array_equal(np.argmax(shares[s], axis=0), want)


def test_equal_centres_share_a_row():
    rows = rows_of(FAITHFUL)
    centres = np.array([[[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]])
    shares = starts.nearest(rows.units, np.eye(2)[None], centres)[0]
    assert set(np.unique(shares)) == {0.0, 0.5, 1.0} and np.array_equal(shares[0], shares[1])


@pytest.mark.parametrize("far", [1e3, 1e6, 1e9])
def test_the_nearest_centre_is_found_beside_a_far_one(far):
    Z = np.concatenate([np.zeros(50), np.ones(50), [far]])
    units = np.stack([np.ones(101), Z])
    shares = starts.nearest(units, np.ones((1, 1)), np.array([[[far], [0.0], [1.0]]]))[0]
    np.testing.assert_array_equal(np.argmax(shares, axis=0), [1] * 50 + [2] * 50 + [0])


@pytest.mark.parametrize("even", [False, True])
def test_seeds_are_rows_that_differ(even):
    X = np.repeat(np.random.default_rng(0).normal(size=(6, 2)), 20, axis=0)
    rows = rows_of(X)
    for seed in range(20):
        centres = starts.seeds(rows, np.eye(2)[None], 6, np.random.default_rng(seed), even)[0]
        assert len(np.unique(centres.round(9), axis=0)) == 6


def test_seeds_far_from_each_other_are_likelier():
    X = np.concatenate([np.random.default_rng(0).normal(size=(990, 1)), np.full((10, 1), 60.0)])
    rows, rng = rows_of(X), np.random.default_rng(0)
    A = np.ones((400, 1, 1))
    hit = [(starts.seeds(rows, A, 2, rng, even)[..., 0].max(axis=1) > 10).mean() for even in (False, True)]
    assert hit[0] > 0.6 and hit[1] < 0.1


# ---- invariances

@each_method
@pytest.mark.parametrize("structure", ["full", "tied", "diag"])
def test_units_do_not_matter(structure, method):
    parameters = dict(n_components=3, covariance_type=structure, init_params=method, random_state=0)
    unit, offset = 2.0 ** np.array([3, -7, 0, 12]), np.array([0.0, 4.0, -8.0, 16.0])
    one, other = GaussianMixture(**parameters).fit(IRIS), GaussianMixture(**parameters).fit(IRIS * unit + offset)
    np.testing.assert_array_equal(one.predict(IRIS), other.predict(IRIS * unit + offset))
    assert other.lower_bound_ == pytest.approx(one.lower_bound_ - np.log(unit).sum(), abs=1e-6)


@each_structure
def test_the_order_of_rows_does_not_matter(structure):
    order = np.random.default_rng(0).permutation(150)
    one, other = (GaussianMixture(4, covariance_type=structure, random_state=3).fit(X) for X in (IRIS, IRIS[order]))
    np.testing.assert_allclose(one.means_, other.means_, rtol=1e-6)
    assert one.lower_bound_ == pytest.approx(other.lower_bound_, abs=1e-9)


def test_components_are_sorted_by_their_means():
    for seed in range(5):
        means = GaussianMixture(3, random_state=seed).fit(IRIS).means_
        assert (np.diff(means[:, 0]) > 0).all()


@pytest.mark.parametrize("scale", [1e-100, 1e100])
@each_structure
def test_extreme_scales(scale, structure):
    one, other = (GaussianMixture(2, covariance_type=structure, random_state=0).fit(s * FAITHFUL) for s in (1.0, scale))
    np.testing.assert_array_equal(one.predict(FAITHFUL), other.predict(scale * FAITHFUL))


@pytest.mark.filterwarnings("ignore:.*rest on the variance floor")
@pytest.mark.parametrize("fill", [1e2, 1e4, 1e8, 1e15, 9.97e36])
def test_a_far_row_does_not_hide_the_clusters(fill):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + [8, 0], [[fill, fill]]])
    labels = GaussianMixture(3, random_state=0).fit_predict(X)
    assert adjusted_rand_score(np.repeat([0, 1], 200), labels[:-1]) > 0.97


# ---- few rows, equal rows, one component, wide data

@each_structure
@each_method
@pytest.mark.filterwarnings("ignore:.*rest on the variance floor")
def test_more_components_than_distinct_rows(structure, method):
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]], 20, axis=0)
    model = GaussianMixture(5, covariance_type=structure, init_params=method, random_state=0).fit(X)
    assert np.isfinite(model.lower_bound_) and model.weights_.min() > 0


@pytest.mark.filterwarnings("ignore:.*rest on the variance floor")
def test_as_many_components_as_rows():
    X = np.random.default_rng(0).normal(size=(7, 2))
    assert np.isfinite(GaussianMixture(7, random_state=0).fit(X).score(X))


@each_structure
def test_one_gaussian_needs_no_start(structure, monkeypatch):
    monkeypatch.setattr(starts, "start_rows", lambda *args: pytest.fail("a start was made"))
    w = np.random.default_rng(0).gamma(1.0, size=150)
    model = GaussianMixture(1, covariance_type=structure).fit(IRIS, sample_weight=w)
    cov = np.cov(IRIS.T, aweights=w, bias=True)
    want = {"full": cov[None], "tied": cov, "diag": np.diag(cov)[None], "spherical": [np.trace(cov) / 4]}[structure]
    np.testing.assert_allclose(model.covariances_, want, rtol=1e-10)
    assert model.converged_ and model.n_iter_ <= 3


@pytest.mark.parametrize("structure", ["diag", "spherical"])
def test_wide_data_make_no_square_matrix(structure):
    "Work space of d x d numbers would be 800 MB; that of the rows is 8"
    import tracemalloc
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 10_000)) + 3 * rng.integers(2, size=(100, 1))
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VarianceFloorWarning)
        labels = GaussianMixture(2, covariance_type=structure, random_state=0).fit_predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * X.nbytes and adjusted_rand_score(X.mean(axis=1) > 1.5, labels) == 1.0


@pytest.mark.parametrize("structure", ["full", "tied"])
def test_wide_data_make_no_products_of_all_columns(structure):
    "All products x_a x_b of these rows are 640 MB"
    import tracemalloc
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 400)) + 2 * rng.integers(2, size=(1000, 1))
    tracemalloc.start()
    model = GaussianMixture(2, covariance_type=structure, random_state=0, max_iter=3, n_jobs=1, tol=1.0).fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6 and adjusted_rand_score(X.mean(axis=1) > 1, model.predict(X)) == 1.0
    assert model.covariances_.shape[-2:] == (400, 400)


# ---- subsamples

def test_one_heavy_row_does_not_crowd_out_the_others():
    "Drawn in proportion to weights, 2,000 times with replacement, it was the only row: '1 distinct rows'"
    X = np.random.default_rng(0).normal(size=(2001, 2)) + 5 * np.random.default_rng(1).integers(2, size=(2001, 1))
    w = np.ones(2001)
    w[7] = 1e9
    rows, weights = starts.subsample(prepare(X, w), 2000, np.random.default_rng(0))
    assert len(np.unique(rows, axis=0)) == 2000 and weights.max() == pytest.approx(1e9) and np.median(weights) < 1.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isfinite(GaussianMixture(2, random_state=0).fit(X, sample_weight=w).score(X))


def test_a_subsample_is_worth_the_whole():
    "The weight of any group of rows is right on average"
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(3000, 1)), rng.gamma(0.3, size=3000)
    group, got = X[:, 0] > 0.5, []
    for seed in range(200):
        rows, weights = starts.subsample(prepare(X, w), 300, np.random.default_rng(seed))
        assert len(rows) == 300
        got.append(weights[rows[:, 0] > 0.5].sum())
    assert np.mean(got) == pytest.approx(w[group].sum(), abs=4 * np.std(got) / np.sqrt(200))


def test_large_data_are_not_raced_over(monkeypatch):
    seen = []
    real = starts.start_rows
    monkeypatch.setattr(starts, "start_rows", lambda X, *args: seen.append(len(X)) or real(X, *args))
    X = np.random.default_rng(0).normal(size=(100_000, 2)) + 6 * np.random.default_rng(1).integers(3, size=(100_000, 1))
    model = GaussianMixture(3, random_state=0).fit(X)
    assert seen == [2000] and model.n_iter_ < 15 and model.converged_


# ---- starts that are given

@each_structure
def test_labels_and_responsibilities(structure):
    labels = np.random.default_rng(0).integers(3, size=150)
    soft = np.eye(3)[labels]
    fits = [GaussianMixture(3, covariance_type=structure, init_params=init, max_iter=0).fit(IRIS) for init in
            (labels, soft, labels.tolist(), lambda X, K, rng: labels, lambda X, K, rng: np.eye(K)[labels])]
    for k in range(3):
        for fit in fits: np.testing.assert_allclose(fit.means_[k], IRIS[labels == k].mean(axis=0), rtol=1e-12)
    if structure == "full": np.testing.assert_allclose(fits[0].covariances_[1], np.cov(IRIS[labels == 1].T, bias=True), rtol=1e-9)


def test_labels_of_rows_that_do_not_count():
    labels, w = np.arange(150) % 3, np.where(np.arange(150) % 5, 1.0, 0.0)
    with_them = GaussianMixture(3, init_params=labels, max_iter=0).fit(IRIS, sample_weight=w)
    without = GaussianMixture(3, init_params=labels[w > 0], max_iter=0).fit(IRIS[w > 0])
    np.testing.assert_allclose(with_them.means_, without.means_, rtol=1e-13)


@pytest.mark.parametrize("init, message", [
    (np.zeros(149, int), r"shape \(149,\).*\(150,\) labels"), (np.full(150, 3), "label 3.*from 0 to 2"), (np.full(150, 0.5), "label 0.5"),
    (np.full((150, 3), 0.5), "sum to 1"), (np.full((150, 2), 0.5), r"\(150, 2\)"), (lambda X, K, rng: "left", "dtype"),
    (np.zeros(150, int), "component [12] has no points left"), (-np.ones(150, int), "label -1")])
def test_bad_labels(init, message):
    with pytest.raises(ValueError, match=message): GaussianMixture(3, init_params=init).fit(IRIS)


def test_given_means_take_the_nearest_rows():
    means = np.array([[2.0, 54.0], [4.3, 80.0]])
    model = GaussianMixture(2, means_init=means, max_iter=0, random_state=0).fit(FAITHFUL)
    np.testing.assert_array_equal(model.means_, means)
    assert model.weights_[0] == pytest.approx(np.mean(FAITHFUL[:, 0] < 3), abs=0.02)
    first = GaussianMixture(2, means_init=means[::-1], random_state=0).fit(FAITHFUL)
    assert first.means_[0, 0] > first.means_[1, 0], "components stay in the order of the means"


@each_structure
def test_a_warm_start_far_from_the_data_begins_anew(structure):
    model = GaussianMixture(2, covariance_type=structure, warm_start=True, random_state=0).fit(FAITHFUL)
    far = 100 * FAITHFUL + 1e5
    model.fit(far)
    assert model.converged_
    assert model.score(far) == pytest.approx(GaussianMixture(2, covariance_type=structure, random_state=0).fit(far).score(far), abs=1e-6)


# ---- saddles

@each_structure
def test_equal_components_are_set_apart(structure):
    X = np.concatenate([FAITHFUL, FAITHFUL[::-1]])
    stuck = GaussianMixture(2, covariance_type=structure, means_init=[[3.0, 70.0]] * 2, random_state=0).fit(X)
    free = GaussianMixture(2, covariance_type=structure, random_state=0).fit(X)
    assert stuck.lower_bound_ == pytest.approx(free.lower_bound_, abs=1e-4)
    assert (np.diff(stuck.lower_bounds_) >= 0).all() and len(stuck.lower_bounds_) == stuck.n_iter_


@each_structure
def test_random_starts_are_no_saddle(structure):
    "Shares drawn at random put all components into the middle of the data: converged after two passes, 1.7 nats a row too low"
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2)) + 8 * np.array([[0, 0], [1, 0], [0, 1]])[np.arange(600) % 3]
    for seed in range(4):
        random, best = (GaussianMixture(3, covariance_type=structure, init_params=init, random_state=seed).fit(X) for init in ("random", "kmeans"))
        assert random.lower_bound_ == pytest.approx(best.lower_bound_, abs=1e-6)


# ---- collapse without a floor

def test_a_start_that_collapses_on_its_way_leaves_its_last_mixture():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(60, 2)), np.tile([[7.0, 7.0]], (6, 1))])
    start = dict(weights_init=[0.9, 0.1], means_init=[[0.0, 0.0], [7.0, 7.0]], precisions_init=np.stack([np.eye(2)] * 2))
    with pytest.warns(ConvergenceWarning, match="last valid mixture.*reg_covar"):
        model = GaussianMixture(2, reg_covar=0, **start).fit(X)
    assert not model.converged_ and np.isfinite(model.predict_proba(X)).all()
    with pytest.warns(VarianceFloorWarning): assert GaussianMixture(2, **start).fit(X).converged_  # the default floor holds it


def test_nothing_to_return_without_a_floor():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    with pytest.raises(CollapsedComponent, match="starts collapsed.*reg_covar"):
        GaussianMixture(4, reg_covar=0, random_state=0).fit(X)


# ---- moves

@each_structure
def test_a_move_keeps_what_it_does_not_touch(structure):
    rng = np.random.default_rng(0)
    rows = rows_of(IRIS, structure)
    stack = starts.stack_of(rows, starts.clusters(rows, 4, 1, "kmeans", rng))
    moved, n = starts.moves(stack, rows, 9, rng)
    weights, means, covariances = (starts.per_start(part, n) for part in (n * moved.weights, moved.means, moved.covariances))
    np.testing.assert_allclose(means[0], stack.means)
    for s in range(n):
        assert weights[s].sum() == pytest.approx(1)
        np.testing.assert_allclose(weights[s] @ means[s], stack.weights @ stack.means, rtol=1e-9)  # the whole's mean
    assert n == 9 and all(2 >= (np.abs(means[s] - stack.means).max(axis=1) < 1e-12).sum() for s in range(1, n))
    if structure in ("full", "tied"):  # and its scatter
        scatter = lambda w, m, S: np.einsum("k,kab->ab", w, S + m[:, :, None] * m[:, None, :])
        for s in range(n):
            np.testing.assert_allclose(scatter(weights[s], means[s], covariances[s]),
                                       scatter(stack.weights, stack.means, stack.covariances), rtol=1e-8)


def test_moves_find_what_the_race_did_not():
    "Tied covariances, one component too few on a cluster and one too many on another"
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(200, 2)) + at for at in ([0, 0], [10, 0], [20, 0], [14, 12])])
    rows = rows_of(X, "tied")
    labels = np.repeat([0, 1, 1, 2], 200)
    labels[600:] += rng.integers(2, size=200)
    stack = starts.stack_of(rows, (labels == np.arange(4)[:, None])[None].astype(float))
    stuck = starts.race(rows, stack, 1, passes=300)
    better = starts.race(rows, starts.moved(rows, stack, 24, rng), 1, passes=300)
    assert better.values[0] > stuck.values[0] + 0.3
    assert better.values[0] == pytest.approx(ends_of(X, 4, "tied"), abs=1e-5)
