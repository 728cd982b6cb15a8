"""Rules that no other test would miss: each of these fails for a fault of mutants.py that all others let pass.

Small cases, mostly of one function, with values that can be told without the function.
"""
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from gmm_nb import GaussianMixture, load_faithful, load_iris
from gmm_nb import acceleration as faster
from gmm_nb import em
from gmm_nb import initialization as starts
from gmm_nb.covariance import variance_floor
from gmm_nb.em import Result, Step
from gmm_nb.mixture import STRUCTURES, Mixture
from gmm_nb.e_step import e_step
from gmm_nb.statistics import prepare
from sklearn.metrics import adjusted_rand_score

FAITHFUL, IRIS = load_faithful().X, load_iris().X
each_structure = pytest.mark.parametrize("structure", STRUCTURES)


def rows_of(X, structure="full", weights=None):
    return starts.start_rows(X, np.ones(len(X)) if weights is None else weights, structure)


def stack_on(rows, *labelings):
    "A stack that starts from labels 0 … K−1, one labeling for each start"
    K = 1 + max(np.max(labels) for labels in labelings)
    return starts.stack_of(rows, np.array([labels == np.arange(K)[:, None] for labels in labelings], dtype=float))


def strips(seed):
    "Two, long and narrow, side by side, at an angle to the axes"
    rng = np.random.default_rng(seed)
    X = np.stack([4 * rng.normal(size=400), 0.5 * rng.normal(size=400) + 6 * np.repeat(np.arange(2), 200)], axis=1)
    return X @ [[1.0, 0.3], [0.0, 1.0]], np.repeat(np.arange(2), 200)


# ---- clusters

def test_starts_take_turns():
    "Each of three starts is at rest in its own metric, and the first and third differ in what that is"
    X, _ = strips(0)
    rows = rows_of(X)
    shares = starts.clusters(rows, 2, 3, "kmeans", np.random.default_rng(0))
    centres = starts.centres_of(rows.units, rows.weights, shares, np.zeros((3, 2, 2)))
    for name, at_rest in (("standardized", [True, False]), ("white", [False, True])):
        A = starts.metric(rows, name)
        again = starts.nearest(rows.units, np.stack([A, A]), centres[[0, 2]])
        assert [np.array_equal(again[s], shares[[0, 2]][s]) for s in range(2)] == at_rest


def test_the_metric_within_clusters_is_learnt():
    "The second of three starts begins in standardized coordinates, as the first, and finds strips that these cut across"
    found = []
    for seed in range(4):
        X, labels = strips(seed)
        shares = starts.clusters(rows_of(X), 2, 3, "kmeans", np.random.default_rng(seed))
        found.append([adjusted_rand_score(labels, np.argmax(one, axis=0)) for one in shares[:2]])
    standardized, within = np.mean(found, axis=0)
    assert standardized < 0.5 and within > 0.9


def test_a_cluster_of_one_row_borrows_its_spread():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(99, 2)), [[9.0, 9.0]]])
    covariance = stack_on(rows_of(X), np.arange(100) // 99).covariances[1]
    np.testing.assert_allclose(covariance, np.cov(X[:99].T, bias=True), rtol=0.5, atol=0.2)


# ---- the race

def test_a_race_is_won_by_the_fairer():
    "A component on equal values gains 0.3 nats a row, and the floor alone has made 0.6 of it"
    x = np.random.default_rng(0).normal(size=220) + 8 * (np.arange(220) < 100)
    x[200:] = 0.3
    rows = rows_of(x[:, None])
    stack = stack_on(rows, np.arange(220) // 100, np.where(x > 4, 1 + (x > 8), 0))
    ranking = starts.race(rows, stack, 2, passes=40)
    value = dict(zip(ranking.order, ranking.values))
    assert value[0] > value[1] + 0.1 and ranking.order == [1, 0]


def test_a_race_ranks_by_fair_values_and_drops_doubles():
    rows, rng = rows_of(IRIS), np.random.default_rng(0)
    stack = starts.stack_of(rows, starts.clusters(rows, 3, 4, "random_from_data", rng)[[0, 1, 1, 2, 3, 0]])
    ranking = starts.race(rows, stack, 6)
    assert set(ranking.order) <= {0, 1, 3, 4} and len(ranking.order) > 1
    assert (np.diff(ranking.values - ranking.handicaps) < 0).all()


def test_a_race_goes_on_while_there_is_something_to_gain():
    rows = rows_of(FAITHFUL)
    alone = stack = stack_on(rows, np.arange(len(FAITHFUL)) % 2)
    for _ in range(15): values, alone = starts.stack_pass(rows, alone, 1)
    np.testing.assert_array_equal(starts.race(rows, stack, 1).values, values)


@each_structure
def test_a_race_has_a_winner_and_a_second(structure):
    X = np.random.default_rng(0).uniform(size=(300, 2))
    first, second = starts.find_start(prepare(X, structure=structure), 6, "kmeans", np.random.default_rng(0), structure)
    assert not np.allclose(first.means, second.means)


# ---- moves

def test_the_cheapest_merge_is_not_that_of_the_nearest_means():
    rows = rows_of(FAITHFUL)
    means, S = [[0.0, 0.0], [3.0, 0.0], [50.0, 0.0], [54.0, 0.0]], [0.01 * np.eye(2)] * 2 + [9.0 * np.eye(2)] * 2
    stack = Mixture([0.25] * 4, means, S)
    i, j, *_ = starts.merges(stack, replace(rows, floor=np.full(2, 1e-6)))
    assert (i[0], j[0]) == (2, 3)


def test_moves_go_on_after_the_first():
    "Two clusters of six are halved, and two pairs share a component: a merge and a split mend one of both"
    rng = np.random.default_rng(0)
    at = np.array([[0, 0], [0, 20], [40, 0], [50, 0], [40, 30], [50, 30]])
    X = np.concatenate([rng.normal(size=(100, 2)) + a for a in at])
    labels = np.repeat([0, 1, 4, 4, 5, 5], 100)
    labels[:200] += 2 * rng.integers(2, size=200)
    rows = rows_of(X, "tied")
    best = starts.race(rows, stack_on(rows, np.repeat(np.arange(6), 100)), 1, passes=100).values[0]
    found = starts.race(rows, starts.moved(rows, stack_on(rows, labels), 24, rng), 1, passes=100).values[0]
    assert found == pytest.approx(best, abs=1e-3)


# ---- rounding, rows, subsamples

@pytest.mark.parametrize("structure", ["full", "diag", "spherical"])
@pytest.mark.parametrize("far", [1e8, 1.7e8, 3.3e9])
def test_a_stack_knows_the_digits_that_it_lost(structure, far):
    "Equal rows far from the origin of all sums: their squares are known to a unit in their last place"
    X = np.concatenate([np.random.default_rng(0).normal(size=(150, 2)), np.full((10, 2), far)])
    rows = rows_of(X, structure)
    variances = starts.deviations(starts.solve(rows, starts.sums_of(rows, stack_shares(150, 160)), 1))**2
    assert (variances[1] > np.spacing(far**2)).all()


def stack_shares(n, of): return np.array([np.arange(of) < n, np.arange(of) >= n], dtype=float)


def test_a_small_sample_is_sorted_and_its_equal_rows_are_one():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(4, size=(60, 2)), 3, axis=0).astype(float)
    w = rng.gamma(1.0, size=180)
    for weights in (None, w):
        for order in (np.arange(180), rng.permutation(180)):
            sample = prepare(X[order], weights if weights is None else weights[order])
            rows, its = starts.subsample(sample, 2000, rng)
            np.testing.assert_array_equal(rows, np.unique(X, axis=0))
            one = (X == rows[3]).all(axis=1)
            assert its[3] == pytest.approx(one.sum() if weights is None else w[one].sum())


def test_a_subsample_without_weights_weighs_as_much_as_the_whole():
    X = np.random.default_rng(0).normal(size=(3000, 2))
    rows, weights = starts.subsample(prepare(X), 500, np.random.default_rng(0))
    assert len(rows) == 500 and weights.sum() == pytest.approx(3000)


def test_a_start_for_large_data_is_refined():
    X = np.concatenate([FAITHFUL] * 10)
    sample = prepare(X)
    floor = variance_floor(sample, 1e-6)
    poor = Mixture([0.5, 0.5], [[3.0, 60.0], [4.0, 75.0]], [np.diag([1.0, 150.0])] * 2)
    fine, same = (starts.refined(sample, poor, size, floor, np.random.default_rng(0)) for size in (100, 200))
    end = faster.climb(sample, poor, floor, acceleration="natural-gradient", tol=1e-8).log_likelihoods[-1]
    before, after = (e_step(sample, mixture).log_likelihood for mixture in (poor, fine))
    assert end - after < 0.1 * (end - before)
    assert same is poor, "the whole is soon gone through"


@each_structure
@pytest.mark.parametrize("method", starts.METHODS)
def test_every_component_of_a_start_has_rows(structure, method):
    "Random centres may be the nearest to no row at all, in every start"
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]], 20, axis=0)
    sample = prepare(X, structure=structure)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        for start in starts.find_start(sample, 6, method, rng, structure, floor=variance_floor(sample, 1e-6)):
            assert start.weights.min() > 0.005


@each_structure
def test_components_are_sorted_by_the_first_feature_that_differs(structure):
    means = np.array([[1.0, 0.0], [0.0, 5.0], [1.0, -1.0], [1.0, 0.0]])
    variances = np.arange(1.0, 5.0)
    S = {"full": variances[:, None, None] * np.eye(2), "tied": np.eye(2), "diag": variances[:, None] * np.ones(2),
         "spherical": variances}[structure]
    mixture, order = starts.in_order(Mixture([0.1, 0.2, 0.3, 0.4], means, S, structure)), [1, 2, 3, 0]
    np.testing.assert_array_equal(mixture.means, means[order])
    np.testing.assert_allclose(mixture.weights, [0.2, 0.3, 0.4, 0.1])
    np.testing.assert_array_equal(mixture.covariances, S if structure == "tied" else S[order])


# ---- runs that go on

def steps_of(values):
    for n_iter, value in enumerate(values, start=1): yield Step(n_iter, None, value, None)


def test_a_trace_never_falls():
    result = em.run(steps_of([0.0, 10.0, 10.0 - 1e-12, 12.0]), 1, tol=0.0)
    np.testing.assert_array_equal(result.log_likelihoods, [0.0, 10.0, 10.0, 12.0])


def test_a_trace_that_goes_on_never_falls():
    earlier = Result(None, np.array([3.0, 11.0]), 2, False, tail=(3.0, 11.0))
    result = em.run(steps_of([10.0, 12.0]), 1, tol=0.0, after=earlier)
    np.testing.assert_array_equal(result.log_likelihoods, [11.0, 12.0])


def test_gains_before_a_run_that_goes_on_count():
    "One value more tells what is left, 1/4, with the three before it"
    earlier = Result(None, np.array([0.0, 1.0, 1.5]), 3, False, tail=(0.0, 1.0, 1.5))
    assert em.run(steps_of([1.75]), 1, tol=0.3, after=earlier).left == pytest.approx(0.25)
    assert em.run(steps_of([1.75]), 1, tol=0.3, after=earlier).converged
    assert not em.run(steps_of([1.75]), 1, tol=0.3).converged


def start_on_faithful(x=3.5):
    return Mixture([0.5, 0.5], [[x, 60.0], [4.0, 75.0]], [np.diag([1.0, 150.0])] * 2)


@pytest.mark.parametrize("acceleration", [None, "natural-gradient"])
def test_only_the_end_of_a_run_is_gone_on_from(acceleration):
    sample = prepare(FAITHFUL)
    earlier = faster.climb(sample, start_on_faithful(), acceleration=acceleration, tol=1e-8)
    other = start_on_faithful(2.5)
    fresh, after = (faster.climb(sample, other, acceleration=acceleration, max_iter=3, after=a) for a in (None, earlier))
    np.testing.assert_array_equal(after.log_likelihoods, fresh.log_likelihoods)


def test_of_a_run_and_its_start_the_better_is_kept():
    sample, poor = prepare(FAITHFUL), start_on_faithful()
    good = faster.climb(sample, poor, max_iter=50, tol=0.0)
    assert faster.no_worse(replace(good, mixture=poor), good.mixture, sample).mixture is good.mixture
    assert faster.no_worse(good, poor, sample) is good


def test_a_warm_start_on_other_rows_is_another_run():
    model = GaussianMixture(2, warm_start=True, random_state=0).fit(FAITHFUL)
    blurred = FAITHFUL + np.random.default_rng(0).normal(size=FAITHFUL.shape) * [1.0, 10.0]
    model.fit(blurred)
    assert model.lower_bound_ == pytest.approx(model.score(blurred), abs=1e-5)


# ---- natural gradients

def test_the_trust_radius_has_a_bound():
    trial = faster.Trial(None, faster.LARGEST, 1.0)
    assert faster.next_radius(faster.LARGEST, trial, 1.0) == faster.LARGEST
    assert faster.next_radius(0.01, trial._replace(length=0.01), 1.0) == 0.02


@pytest.mark.parametrize("fractions", [(0.01, 1.0), (1.0, 0.01)])
def test_the_slowest_direction_says_what_is_left(fractions):
    curvature = faster.Curvature(np.zeros(1))
    curvature.fractions.extend(fractions)
    assert curvature._left(np.array([0.3, 0.4]), lambda v: v) == pytest.approx(0.5 * 0.25 / 0.01)


def near_saddle():
    "Two components that are all but equal, in data with two clusters"
    sample = prepare(FAITHFUL)
    mean, S = FAITHFUL.mean(axis=0), np.cov(FAITHFUL.T, bias=True)
    return sample, Mixture([0.5, 0.5], [mean - [1e-4, 0.0], mean + [1e-4, 0.0]], [S, S])


def test_beside_a_saddle_there_is_everything_to_gain():
    "There the log-likelihood curves upwards: its pairs are none of a hill, and tell no distance to a summit"
    sample, start = near_saddle()
    curvature, hollow = faster.Curvature(start.means), []
    for step in islice(em.em_steps(sample, start), 12):
        point = faster.Point(step.mixture, step.log_likelihood, sample.n_samples, step.updated)
        hollow.append(curvature.see(point).left == np.inf)
        assert all(s @ y > 0 for s, y in curvature.pairs)
    assert all(hollow[4:])  # the first passes go down to the saddle


def test_what_is_left_after_a_trial_must_be_confirmed():
    "By the point before it: a trial's own curvature is that of a single step"
    sample, trials = prepare(IRIS), 0
    start = next(starts.find_start(sample, 4, "random", np.random.default_rng(1), floor=variance_floor(sample, 1e-6)))
    before = None
    for step in islice(faster.natural_gradient_steps(sample, start, variance_floor(sample, 1e-6)), 60):
        now = step.state
        if before is not None and not now.refused and now.best.mixture is not before.best.updated and before.model.left is not None:
            trials += now.model.left < before.model.left
            assert now.left == max(now.model.left, before.model.left)
        before = now
    assert trials > 3


def test_other_rows_with_the_same_mean_and_extent_are_other_data():
    from gmm_nb.estimator import traits
    one, other = (prepare(np.array([[-4.0], [-x], [x], [4.0]])) for x in (1.0, 2.0))
    assert one.origin == other.origin == 0 and one.radius == other.radius == 4
    assert traits(one) != traits(other) and traits(one) == traits(prepare(one.X))
