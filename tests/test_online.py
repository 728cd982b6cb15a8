"Online EM: stepwise EM reaches what its rows allow, follows drifting streams, keeps its digits, and is persistent."
import copy
import pickle
import warnings

import numpy as np
import pytest
from gmm_nb import GaussianMixture
from gmm_nb.covariance import CollapsedComponent
from gmm_nb.e_step import e_step
from gmm_nb.mixture import STORED, Mixture, covariances_shape
from gmm_nb.online import LEAST_SHARE, floor_of, kept_alive, learn, memory, moved, online_start
from gmm_nb.statistics import Statistics, prepare
from gmm_nb.structures import NAMES
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

MEANS = np.array([[0, 0, 0], [5, 0, 2], [0, 5, -2], [-4, -4, 0]], dtype=float)


def rows(n, seed=0, means=MEANS):
    rng = np.random.default_rng(seed)
    return means[rng.integers(len(means), size=n)] + rng.normal(size=(n, means.shape[1])) * [1, 0.5, 1.5]


def start_of(structure, means=MEANS, variance=2.0):
    K, d = means.shape
    unit = np.eye(d) if STORED[structure] in ("full", "tied") else np.ones(())
    return Mixture(np.full(K, 1 / K), means + 0.3, np.broadcast_to(variance * unit, covariances_shape(structure, K, d)), structure)


def stream(state, X, size, **how):
    for begin in range(0, len(X), size):
        state = learn(state, X[begin:begin + size], **how)
    return state


def same_mixture(a, b, **how):
    for name in ("weights", "means", "covariances"):
        assert_allclose(getattr(a, name), getattr(b, name), **how)


# ---- sums that are scaled and moved

@pytest.mark.parametrize("structure", NAMES)
def test_scaled_counts_rows_several_times(structure):
    X, mixture = rows(200), start_of(structure)
    once, twice = e_step(prepare(X, structure=structure), mixture), e_step(prepare(np.repeat(X, 2, axis=0), structure=structure), mixture)
    twice, scaled = twice.about(once.origin), once.scaled(2.0)
    for name in ("counts", "first", "second", "log_likelihood", "n_samples"):
        assert_allclose(getattr(scaled, name), getattr(twice, name), rtol=1e-9, atol=1e-9)
    assert once.n_samples == 200  # a value: it stays


@pytest.mark.parametrize("structure", NAMES)
def test_start_expects_itself(structure):
    "The M-step of a start's own sums is the start."
    start = start_of(structure)
    state = online_start(start)
    assert state.averaged is state.mixture
    from gmm_nb.covariance import m_step
    same_mixture(m_step(state.statistics, None, start), start, rtol=1e-7)


def test_memory_of_all_is_the_mean_over_all():
    "With a = 1 the shares make every row count the same, whatever the blocks."
    sizes, kept, n = [3, 50, 1, 7, 200], [1.0], 0
    for m in sizes:
        share = m / (m + memory(10, n, 1.0))
        kept, n = [(1 - share) * k for k in kept] + [share], n + m
    assert_allclose(np.array(kept) / [10, *sizes], 1 / (10 + sum(sizes)))


def test_the_step_of_the_textbook():
    "Equal blocks of as many rows as the start is worth: η = 1 / (1 + t^a)."
    for t in (1, 2, 30):
        assert_allclose(50 / (50 + memory(50, 50 * (t - 1))), 1 / (1 + t**0.6))


def test_whole_data_and_no_memory_is_an_iteration_of_em():
    from gmm_nb.em import one_pass
    X, start = rows(500), start_of("full")
    state = learn(online_start(start), X, forget_after=1e-9)
    same_mixture(state.mixture, one_pass(prepare(X), start)[1], rtol=1e-9, atol=1e-9)


# ---- how far it comes

@pytest.mark.parametrize("structure", NAMES)
def test_one_pass_is_near_the_batch_optimum(structure):
    X = rows(40_000)
    model = GaussianMixture(4, covariance_type=structure, random_state=0)
    for begin in range(0, len(X), 200):
        model.partial_fit(X[begin:begin + 200])
    best = clone(model).fit(X).score(X)
    assert -1e-6 < best - model.score(X) < 1e-3
    assert model.n_samples_seen_ == 40_000 and model.n_iter_ == 200


def test_mean_of_the_path_is_calmer():
    X = rows(40_000)
    state = stream(online_start(start_of("full")), X, 100)
    sample = prepare(X)
    best = GaussianMixture(4, random_state=0).fit(X).score(X)
    last, mean = (best - e_step(sample, mixture).log_likelihood / len(X) for mixture in (state.mixture, state.averaged))
    assert 0 < 2 * mean < last < 0.02


def test_growing_memory_forgets_the_start():
    "a = 1 remembers the bad responsibilities of the beginning; the default does not."
    X, sample = rows(20_000), prepare(rows(20_000))
    bad = Mixture(np.full(4, 0.25), 0.1 * MEANS, [9 * np.eye(3)] * 4)
    first, all_of_it = (e_step(sample, stream(online_start(bad), X, 100, exponent=a).averaged).log_likelihood for a in (0.6, 1.0))
    assert first > all_of_it + 0.05 * len(X)


def test_rows_count_and_not_blocks():
    X = rows(20_000)
    fine, coarse = (stream(online_start(start_of("full"), 2000), X, size).mixture for size in (20, 200))
    same_mixture(fine, coarse, atol=0.1)


# ---- weights

def test_integer_weights_are_repeated_rows():
    X, w = rows(3000), np.random.default_rng(1).integers(0, 4, size=3000)
    one = two = None
    for begin in range(0, 3000, 1000):
        part = slice(begin, begin + 1000)
        one = learn(one or online_start(start_of("full")), prepare(X[part], w[part]))
        two = learn(two or online_start(start_of("full")), np.repeat(X[part], w[part], axis=0))
    same_mixture(one.averaged, two.averaged, rtol=1e-8, atol=1e-8)
    assert one.n_seen == two.n_seen == w.sum()


@pytest.mark.parametrize("factor", [1e-200, 3.0, 1e200])
def test_only_ratios_of_weights_count(factor):
    X, w = rows(1500), np.random.default_rng(1).uniform(0.5, 2, size=1500)
    models = []
    for scale in (1.0, factor):
        model = GaussianMixture(4, random_state=0)
        for begin in range(0, 1500, 300):
            model.partial_fit(X[begin:begin + 300], sample_weight=scale * w[begin:begin + 300])
        models.append(model)
    same_mixture(models[0].mixture_, models[1].mixture_, rtol=1e-7, atol=1e-7)


# ---- digits

@pytest.mark.parametrize("structure", NAMES)
def test_offset_changes_nothing(structure):
    X = np.round(rows(6000) * 2**10) / 2**10  # exact at the offset, too
    X = X - X[0] % 2**-10
    offset = 2.0**26
    near = stream(online_start(start_of(structure)), X, 200)
    start = start_of(structure)
    far = stream(online_start(Mixture(start.weights, np.round((start.means + offset) * 2**20) / 2**20, start.covariances, structure)), X + offset, 200)
    assert_allclose(far.averaged.means - offset, near.averaged.means, atol=1e-5)
    assert_allclose(far.averaged.covariances, near.averaged.covariances, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("structure", NAMES)
def test_a_long_way_off(structure):
    "A stream that went 1e9 deviations is as sharp as one that stayed: sums are measured from where it is."
    start, rng = start_of(structure), np.random.default_rng(0)
    state, still = online_start(start), online_start(start)
    jump = 2.0**30
    for t in range(60):
        X = rows(200, seed=t)
        still = learn(still, X, forget_after=400)
        state = learn(state, X, forget_after=400)
        if t == 20:  # the model is carried along, as a drift does, in one go
            shifted = Mixture(state.mixture.weights, state.mixture.means + jump, state.mixture.covariances, structure)
            state = online_start(shifted, 400)
        if t >= 20:
            break
    same = still.mixture
    for t in range(21, 60):
        X = rows(200, seed=t)
        still, state = learn(still, X, forget_after=400), learn(state, X + jump, forget_after=400)
    assert_allclose(state.mixture.covariances, still.mixture.covariances, rtol=1e-3, atol=1e-3)
    assert same is not still.mixture


def test_drift_far_from_the_first_origin():
    rng, state = np.random.default_rng(0), online_start(Mixture([1.0], [[0.0]], [[[1.0]]]))
    place = 0.0
    for t in range(3000):  # each step is small beside the deviation of 1; then large ones
        place += 0.05 if t < 100 else 1e4
        state = learn(state, place + rng.normal(size=(50, 1)), forget_after=1e-9)  # no lag
    assert abs(state.mixture.means[0, 0] - place) < 1
    assert 0.3 < state.mixture.covariances[0, 0, 0] < 3


def test_sums_are_measured_from_the_means():
    state = stream(online_start(start_of("full")), rows(2000), 100)
    assert_array_equal(state.statistics.origin, state.mixture.means)
    assert np.abs(state.statistics.first).max() < 1e-12


# ---- streams that change

def test_fixed_memory_follows_and_a_growing_one_lags():
    off = {}
    for forget_after in (300.0, None):
        state = online_start(start_of("full"))
        for t in range(300):
            state = learn(state, rows(50, seed=t) + 0.02 * t, forget_after=forget_after)
        off[forget_after] = np.abs(state.averaged.means - MEANS - 0.02 * 299).max()
    print(off)
    assert 3 * off[300.0] < off[None]


def test_a_fixed_memory_has_this_length():
    state = online_start(Mixture([1.0], [[0.0]], [[[1.0]]]), 500)
    state = learn(state, np.full((100, 1), 1.0) + np.linspace(-1, 1, 100)[:, None], forget_after=300)
    assert_allclose(state.mixture.means, 100 / 400)
    assert state.averaged is state.mixture


@pytest.mark.parametrize("structure", NAMES)
def test_a_component_without_rows_waits_and_wakes(structure):
    away = np.vstack([MEANS[:3], [[-40.0, -40.0, 0.0]]])
    start, X = start_of(structure, away), rows(400, means=MEANS[:3])
    state = online_start(start)
    for _ in range(300):
        state = learn(state, X, forget_after=100.0)
    asleep = state.mixture
    assert_allclose(asleep.weights[3], LEAST_SHARE, rtol=1e-3)
    assert_allclose(asleep.means[3], start.means[3], rtol=1e-9)
    alive = rows(100, seed=7, means=away[3:])
    for _ in range(6):
        state = learn(state, alive, forget_after=100.0)
    assert state.mixture.weights[3] > 0.5
    assert_allclose(state.mixture.means[3], alive.mean(axis=0), atol=0.1)


def test_kept_alive_changes_only_who_needs_it():
    s = Statistics(np.array([0.5, 1e-14]), np.ones((2, 1)), np.ones((2, 1, 1)), 0.0, 1.0, np.zeros(1), "full")
    kept = kept_alive(s)
    assert_allclose(kept.counts, [0.5, LEAST_SHARE])
    assert kept.first[0, 0] == 1 and kept.second[0, 0, 0] == 1
    assert_allclose(kept.second[1] / kept.counts[1], s.second[1] / s.counts[1])
    assert kept_alive(kept) is kept


def test_without_any_memory_a_component_without_rows_stays_where_it_is():
    "A share of the block that rounds to one would leave nothing of it, and no mean."
    start = Mixture([0.5, 0.5], [[0.0], [500.0]], [[[1.0]], [[2.0]]])
    state = stream(online_start(start), np.random.default_rng(0).normal(size=(60, 1)), 20, forget_after=1e-20)
    assert_allclose(state.mixture.means[1], 500)
    assert_allclose(state.mixture.covariances[1], 2)


def test_weight_of_zero_is_raised():
    start = Mixture([1.0, 0.0], [[0.0], [9.0]], [[[1.0]], [[1.0]]])
    state = online_start(start)
    for _ in range(3):
        state = learn(state, np.random.default_rng(0).normal(size=(50, 1)) + 9)
    assert state.mixture.weights[1] > 0.3


# ---- a value

def test_a_state_is_persistent():
    first = learn(online_start(start_of("full")), rows(300))
    before = pickle.dumps(first)
    one, two = learn(first, rows(100, seed=1)), learn(first, rows(100, seed=1))
    same_mixture(one.averaged, two.averaged, rtol=0)
    again = pickle.loads(before)
    same_mixture(again.mixture, first.mixture, rtol=0)
    same_mixture(learn(again, rows(100, seed=1)).averaged, one.averaged, rtol=0)
    with pytest.raises(ValueError, match="column"):
        learn(first, rows(10)[:, :2])


def test_without_a_floor_a_collapse_is_an_error_and_the_state_stays():
    state = online_start(Mixture([1.0], [[0.0, 0.0]], [np.eye(2)]))
    line = np.linspace(0, 1, 50)[:, None] * [1.0, 1.0]
    with pytest.raises(CollapsedComponent):
        for _ in range(400):
            state = learn(state, line, forget_after=5.0)
    assert state.n_steps > 2 and np.isfinite(state.mixture.covariances).all()
    floored = online_start(state.mixture, floor=np.full(2, 1e-6))
    for _ in range(100):
        floored = learn(floored, line, forget_after=5.0)
    assert np.linalg.eigvalsh(floored.mixture.covariances).min() > 0.99e-6


def test_without_a_floor_rounding_is_no_spread():
    "Copies of one row, far from zero: what variance is left is rounding, whatever its sign, and is refused."
    state = online_start(Mixture([1.0], [[1e8]], [[[1.0]]]))
    with pytest.raises(CollapsedComponent, match="beyond rounding"):
        for _ in range(50):
            state = learn(state, np.full((20, 1), 1e8), forget_after=1.0)
    assert state.mixture.covariances[0, 0, 0] > (2.0**-51 * 1e8)**2


def test_floor_of_a_single_row_is_that_of_the_start():
    start = Mixture([0.5, 0.5], [[0.0, 0.0], [2.0, 0.0]], [np.eye(2), 3 * np.eye(2)])
    assert_allclose(floor_of(prepare(np.ones((1, 2))), start, 1e-3), [3e-3, 2e-3])
    assert floor_of(prepare(np.ones((1, 2))), start, 0) is None


def test_log_likelihood_is_of_before():
    X, state = rows(200), online_start(start_of("full"))
    assert_allclose(learn(state, X).log_likelihood, state.mixture.log_density(X).mean())


# ---- the estimator

def test_the_first_chunk_alone_is_nearly_a_fit():
    X = rows(3000)
    one, whole = GaussianMixture(4, random_state=0).partial_fit(X), GaussianMixture(4, random_state=0).fit(X)
    assert 0 <= whole.score(X) - one.score(X) < 1e-3
    assert_allclose(one.lower_bound_, one.score(X))


@pytest.mark.parametrize("first", [4, 5, 9, 30])
def test_a_small_first_chunk(first):
    "No component shrinks onto a row of it for good."
    X, model = rows(8000), GaussianMixture(4, random_state=0)
    model.partial_fit(X[:first])
    for begin in range(first, len(X), 50):
        model.partial_fit(X[begin:begin + 50])
    one = GaussianMixture(1).fit(X).score(X)
    assert model.score(X) > one and model.covariances_[:, range(3), range(3)].min() > 0.05


def test_chunks_of_one_row():
    X = rows(3000)
    model = GaussianMixture(4, random_state=0).partial_fit(X[:300])
    before = model.score(X)
    for row in X[300:]:
        model.partial_fit(row[None])
    assert model.score(X) > before and model.n_samples_seen_ == 3000


def test_a_start_given_in_full_takes_one_row():
    known = dict(weights_init=np.full(4, 0.25), means_init=MEANS, precisions_init=[np.eye(3)] * 4)
    model = GaussianMixture(4, **known).partial_fit(rows(1))
    assert np.abs(model.means_ - MEANS).max() < 0.1 and model.n_samples_seen_ == 1
    with pytest.raises(ValueError, match="at least 4.*weights_init, means_init and precisions_init"):
        GaussianMixture(4, means_init=MEANS).partial_fit(rows(1))
    with pytest.raises(ValueError, match="means_init of shape"):
        GaussianMixture(4, **known | {"means_init": MEANS[:2]}).partial_fit(rows(1))


def test_after_a_fit_it_goes_on_from_there():
    X = rows(20_000)
    model = GaussianMixture(4, random_state=0).fit(X)
    means = model.means_.copy()
    model.partial_fit(rows(100, seed=9))
    assert 0 < np.abs(model.means_ - means).max() < 0.02  # 100 rows beside 20,000
    assert model.n_samples_seen_ == 20_100


def test_fit_begins_anew():
    X = rows(2000)
    model = GaussianMixture(4, random_state=0).partial_fit(X + 50).partial_fit(X + 51)
    fresh = GaussianMixture(4, random_state=0).fit(X)
    assert_array_equal(model.fit(X).means_, fresh.means_)
    assert model.n_samples_seen_ == 2000 and "_online" not in vars(model)


def test_what_is_set_begins_a_new_stream():
    X = rows(2000)
    model = GaussianMixture(4, random_state=0).partial_fit(X)
    model.means_ = MEANS + 100
    model.partial_fit(X[:50] + 100)
    assert np.abs(model.means_ - MEANS - 100).max() < 5


def test_pickle_copy_and_clone():
    X = rows(2000)
    model = GaussianMixture(4, random_state=0, forget_after=500).partial_fit(X[:1000])
    others = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    for each in (model, *others):
        each.partial_fit(X[1000:])
    for each in others:
        assert_array_equal(each.means_, model.means_)
    new = clone(model)
    assert new.forget_after == 500 and not hasattr(new, "n_samples_seen_")
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2])
    model.partial_fit(X[:10])  # and the estimator is as it was


def test_chunks_that_fail_leave_it_as_it_was():
    X = rows(1000)
    model = GaussianMixture(4, random_state=0).partial_fit(X)
    means = model.means_.copy()
    for bad in (np.full((3, 3), np.nan), X[:, :1], np.full((3, 3), np.inf)):
        with pytest.raises(ValueError):
            model.partial_fit(bad)
    with pytest.raises(ValueError, match="sample_weight"):
        model.partial_fit(X[:10], sample_weight=-np.ones(10))
    assert_array_equal(model.means_, means)
    assert model.n_samples_seen_ == 1000


@pytest.mark.parametrize("parameters, words", [({"prior": "default"}, "prior"), ({"fixed": {"weights": True}, "weights_init": [0.25] * 4}, "fixed"),
                                               ({"missing": "at_random"}, "missing"), ({"forget_after": 0}, "forget_after"),
                                               ({"forget_after": "long"}, "forget_after"), ({"forget_after": True}, "forget_after")])
def test_what_is_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        GaussianMixture(4, **parameters).partial_fit(rows(100))
    if words == "forget_after":
        with pytest.raises(ValueError, match=words):
            GaussianMixture(4, **parameters).fit(rows(100))


def test_another_kind_in_between_is_refused():
    model = GaussianMixture(4, random_state=0).partial_fit(rows(200))
    for change in ({"n_components": 3}, {"covariance_type": "tied"}):
        with pytest.raises(ValueError, match="clone"):
            clone_of = copy.deepcopy(model).set_params(**change)
            clone_of.partial_fit(rows(100))
    model.set_params(covariance_type="VVV").partial_fit(rows(100))  # another name for the same


def test_float32_chunks():
    X = rows(1000).astype(np.float32)
    model = GaussianMixture(4, random_state=0).partial_fit(X).partial_fit(X)
    assert model.means_.dtype == np.float32 and model.mixture_.means.dtype == np.float64


def test_a_constant_column_and_copies():
    X = rows(600)
    X[:, 1] = 7.0
    with warnings.catch_warnings(action="ignore"):
        model = GaussianMixture(2, random_state=0).partial_fit(X[:200]).partial_fit(X[200:])
        assert np.isfinite(model.score(X))
        model = GaussianMixture(2, random_state=0).partial_fit(np.ones((10, 2))).partial_fit(np.ones((10, 2)))
        assert np.isfinite(model.means_).all()


# ---- the first rows of a stream

def eight(n, seed=3):
    "Rows of eight clusters in four dimensions that a few hundred rows do not show."
    rng = np.random.default_rng(seed)
    factors = np.eye(4) + 0.15 * rng.normal(size=(8, 4, 4))
    mixture = Mixture(rng.dirichlet(np.full(8, 10.0)), 1.5 * rng.normal(size=(8, 4)), factors @ np.swapaxes(factors, 1, 2))
    return mixture.sample(n, rng)[0]


def in_chunks(model, X, size, weights=None):
    for begin in range(0, len(X), size):
        part = slice(begin, begin + size)
        model.partial_fit(X[part], sample_weight=None if weights is None else weights[part])
    return model


def first_rows(model): return vars(model)["_online"].first


@pytest.mark.parametrize("structure", ["full", "tied", "diag", "spherical"])
def test_a_start_in_few_rows_is_made_good(structure):
    X = eight(60_000)
    best = max(GaussianMixture(8, covariance_type=structure, random_state=seed).fit(X).score(X) for seed in range(2))
    assert best - in_chunks(GaussianMixture(8, covariance_type=structure, random_state=0), X, 500).score(X) < 1e-3


def test_without_another_search_it_would_not_be(monkeypatch):
    X = eight(60_000)
    best = GaussianMixture(8, random_state=0).fit(X).score(X)
    monkeypatch.setattr("gmm_nb.estimator.rows_for_start", lambda d: 500)
    model = in_chunks(GaussianMixture(8, random_state=0), X, 500)
    assert first_rows(model) is None and best - model.score(X) > 5e-3


def test_first_rows_are_searched_when_they_have_doubled_and_dropped_when_they_are_enough(monkeypatch):
    from gmm_nb import estimator as module
    X, asked, search = rows(3000), [], module.searched
    monkeypatch.setattr(module, "rows_for_start", lambda d: 1000)
    monkeypatch.setattr(module, "searched", lambda draft, X, *rest: asked.append((len(X), draft.warm_start)) or search(draft, X, *rest))
    model = in_chunks(GaussianMixture(4, random_state=0), X[:900], 100)
    assert first_rows(model).n == 900
    in_chunks(model, X[900:], 100)
    assert asked == [(100, False), *((n, again) for n in (200, 400, 800, 1000) for again in (False, True))]
    assert first_rows(model) is None and model.n_samples_seen_ == 3000 and model.n_iter_ == 30


@pytest.mark.parametrize("parameters, size", [({"forget_after": 300.0}, 300), ({}, 100_000)])
def test_rows_that_are_enough(parameters, size):
    "As many as a search in a source looks at, and no more than the stream is to remember."
    X = rows(size)
    model = GaussianMixture(4, random_state=0, **parameters).partial_fit(X[:-1])
    assert first_rows(model).n == size - 1
    assert first_rows(model.partial_fit(X[-1:])) is None
    assert first_rows(GaussianMixture(4, random_state=0, **parameters).partial_fit(X)) is None


def test_one_array_for_all_chunks():
    "A reader may write each chunk into the same array."
    X, buffer = rows(2000), np.empty((100, 3))
    counts, weights = np.random.default_rng(1).uniform(0.5, 2, size=2000), np.empty(100)
    apart, shared = (GaussianMixture(4, random_state=0) for _ in range(2))
    for begin in range(0, 2000, 100):
        buffer[:], weights[:] = X[begin:begin + 100], counts[begin:begin + 100]
        shared.partial_fit(buffer, sample_weight=weights)
        buffer[:], weights[:] = np.nan, -1
    assert_array_equal(shared.means_, in_chunks(apart, X, 100, counts).means_)


def test_chunks_with_and_without_weights():
    "No weight is a weight of one."
    X = rows(800)
    mixed, all_ones = GaussianMixture(4, random_state=0), GaussianMixture(4, random_state=0)
    for begin in range(0, 800, 100):
        part = X[begin:begin + 100]
        mixed.partial_fit(part, sample_weight=np.ones(100) if begin % 200 else None)
        all_ones.partial_fit(part, sample_weight=np.ones(100))
    same_mixture(mixed.mixture_, all_ones.mixture_, rtol=1e-9, atol=1e-9)
    assert mixed.n_samples_seen_ == 800


def test_weights_of_first_rows_count():
    "Rows of one cluster are weighed down: it keeps next to nothing of the weight after all searches."
    X = rows(4000)
    weights = np.where(X[:, 0] > 3, 1e-3, 1.0)
    shares = [model.weights_[model.means_[:, 0] > 3].sum() for model in (
        in_chunks(GaussianMixture(4, random_state=0), X, 100, each) for each in (None, weights))]
    assert shares[0] > 0.2 and shares[1] < 0.01


def test_bound_of_a_chunk_is_that_of_before_a_search():
    X = rows(400)
    model = GaussianMixture(4, random_state=0).partial_fit(X[:200])
    before = model._online.state.mixture
    model.partial_fit(X[200:])
    assert first_rows(model).searched == 400
    assert_allclose(model.lower_bound_, before.log_density(X[200:]).mean())


def test_where_the_stream_has_come_is_not_lost(monkeypatch):
    "A search that ends lower than the stream already is changes nothing for the worse."
    from gmm_nb import estimator as module
    X = eight(8000)
    good = GaussianMixture(8, random_state=0, n_init=4).fit(X)
    model = GaussianMixture(8, random_state=0).partial_fit(X[:2000])
    model._online = module.Stream(online_start(good.mixture_, 2000), model._online.first)
    monkeypatch.setattr(module, "run_races", lambda estimator, *rest, race=module.run_races: race(
        estimator if estimator.warm_start else copy.copy(estimator).set_params(init_params="random_from_data", max_iter=1), *rest))
    in_chunks(model, X[2000:], 500)
    assert good.score(X) - model.score(X) < 0.01


def test_a_given_start_is_not_searched_again():
    known = dict(weights_init=np.full(4, 0.25), means_init=MEANS, precisions_init=[np.eye(3)] * 4)
    assert first_rows(GaussianMixture(4, **known).partial_fit(rows(100))) is None
    assert first_rows(GaussianMixture(4, random_state=0).fit(rows(500)).partial_fit(rows(100))) is None


def test_first_rows_survive_a_pickle_and_a_bad_chunk():
    X = rows(1000)
    model = in_chunks(GaussianMixture(4, random_state=0), X[:300], 100)
    other = pickle.loads(pickle.dumps(model))
    with pytest.raises(ValueError): model.partial_fit(np.full((3, 3), np.nan))
    for each in (model, other): in_chunks(each, X[300:], 100)
    assert_array_equal(model.means_, other.means_)


def test_a_file_is_no_chunk_but_its_blocks_are(tmp_path):
    from gmm_nb.sources import source_of
    X = rows(900)
    np.save(tmp_path / "x.npy", X)
    model = GaussianMixture(4, random_state=0)
    for data in (tmp_path / "x.npy", str(tmp_path / "x.npy"), source_of(X)):
        with pytest.raises(ValueError, match="rows in memory.*source_of"): model.partial_fit(data)
    for load in source_of(tmp_path / "x.npy").loads: model.partial_fit(load())
    assert model.n_samples_seen_ == 900
