"The loop: the log-likelihood never falls, rules that stop it, what a run gives back, and scikit-learn pass by pass."
import contextlib
import re
import signal
import warnings
from itertools import islice

import numpy as np
import pytest
from gmm_nb import GaussianMixture, acceleration as faster, em
from gmm_nb.acceleration import ACCELERATIONS, fit_mixture
from gmm_nb.covariance import CollapsedComponent, m_step, n_parameters, variance_floor
from gmm_nb.e_step import e_step
from gmm_nb.em import Result, Step, aitken, em_steps, run
from gmm_nb.mixture import Mixture
from gmm_nb.statistics import prepare
from oracles import STRUCTURES, compact, data, expand, plain_m_step
from sklearn.mixture import GaussianMixture as Reference

EPS = 2.0**-52
each_structure = pytest.mark.parametrize("structure", STRUCTURES)


def start_on(X, K, structure, seed=0):
    "A start from K random rows"
    rng = np.random.default_rng(seed)
    spread = np.stack([np.cov(X.T, bias=True).reshape(X.shape[1], -1)] * K) / K
    if structure == "spherical": spread = np.trace(spread, axis1=1, axis2=2)[:, None, None] / X.shape[1] * np.eye(X.shape[1])
    if structure == "diag": spread = spread * np.eye(X.shape[1])
    return Mixture(np.full(K, 1 / K), X[rng.choice(len(X), K, replace=False)], compact(spread, structure), structure)


def blobs(seed, n=150, d=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * rng.uniform(0.1, 3, size=d) + 4 * rng.normal(size=(3, d))[rng.integers(3, size=n)]


def trace_of(X, start, passes, sample_weight=None, fraction=0.0):
    sample = prepare(X, sample_weight, start.structure)
    return list(islice(em_steps(sample, start, variance_floor(sample, fraction)), passes)), sample


# ---- it climbs

@each_structure
@pytest.mark.parametrize("fraction", [0.0, 1e-6, 0.02, 0.5])  # of the variances: the last two bind
@pytest.mark.parametrize("weighted", [False, True])
def test_the_log_likelihood_never_falls(structure, fraction, weighted):
    for seed in range(4):
        X, rng = blobs(seed), np.random.default_rng(seed)
        w = rng.gamma(1.0, size=len(X)) if weighted else None
        start = start_on(X, 3, structure, seed)
        steps, sample = trace_of(X, start, 40, w, fraction)
        trace = np.array([step.log_likelihood for step in steps])
        # the first pass may fall where the start is below the floor; from then on every mixture is allowed
        gains = np.diff(trace[1:])
        assert (gains > -1e-12 * np.abs(trace).max()).all(), gains.min()
        assert trace[-1] > trace[1] + 1e-3 or fraction == 0.5


@each_structure
@pytest.mark.parametrize("acceleration", [a for a in ACCELERATIONS if a])
@pytest.mark.parametrize("fraction", [0.0, 1e-6, 0.02])
def test_accelerated_steps_never_fall_and_end_no_lower(structure, acceleration, fraction):
    for seed, X in enumerate([data("iris"), data("faithful"), blobs(2)]):
        start = start_on(X, 3, structure, seed + 5)
        sample = prepare(X, None, structure)
        floor = variance_floor(sample, fraction)
        start = list(islice(em_steps(sample, start, floor), 2))[-1].updated  # two passes of plain EM bring it above the floor
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain, fast = (fit_mixture(X, start, tol=1e-9, max_iter=1000, reg_covar=fraction, acceleration=a) for a in (None, acceleration))
        assert (np.diff(fast.log_likelihoods) > -1e-12 * np.abs(plain.log_likelihoods).max()).all()
        assert fast.converged and len(fast.log_likelihoods) == fast.n_iter
        assert fast.log_likelihoods[0] == plain.log_likelihoods[0]
        assert e_step(X, fast.mixture).log_likelihood > plain.log_likelihoods[-1] - 1e-4
        if floor is not None:
            unit = np.sqrt(np.outer(floor, floor)) if structure != "spherical" else np.full_like(np.outer(floor, floor), floor.mean())
            assert np.linalg.eigvalsh(fast.mixture.matrices() / unit).min() > 1 - 1e-9


def test_an_unknown_acceleration_is_refused():
    with pytest.raises(ValueError, match="'nesterov'.*squarem"):
        fit_mixture(data("iris"), start_on(data("iris"), 2, "full"), acceleration="nesterov")


@each_structure
def test_every_step_is_the_maximum_of_q_under_the_floor(structure):
    "The floor that binds: no allowed mixture nearby has a higher Q for the same responsibilities"
    X, rng = blobs(1), np.random.default_rng(0)
    sample = prepare(X, None, structure)
    floor = variance_floor(sample, 0.7 if structure == "spherical" else 0.2)
    start = start_on(X, 3, structure)
    best, resp = m_step(e_step(sample, start), floor), start.resp(X)
    q = lambda mixture: float(np.sum(resp * mixture.log_joint(X)))
    unit = np.sqrt(np.outer(floor, floor)) if structure != "spherical" else np.full((3, 3), floor.mean())
    least = np.linalg.eigvalsh(best.matrices() / unit).min()
    assert least == pytest.approx(1, rel=1e-9)  # it does bind
    tried = 0
    while tried < 200:
        S = best.covariances * np.exp(rng.normal(scale=0.05, size=best.covariances.shape))
        if structure in ("full", "tied"): S = 0.5 * (S + np.swapaxes(S, -1, -2))
        matrices = expand(S, structure, 3, 3)
        if np.linalg.eigvalsh(matrices / unit).min() < 1 - 1e-12:
            if structure in ("full", "tied"):  # put it back by adding, which is not what the M-step does
                S = S + (1 - np.linalg.eigvalsh(matrices / unit).min()) * np.diag(floor) * (1 + 1e-12)
            else:
                S = np.maximum(S, floor if structure == "diag" else floor.mean())
        neighbour = Mixture(best.weights, best.means + rng.normal(scale=0.01, size=(3, 3)), S, structure)
        assert q(neighbour) <= q(best) + 1e-9
        tried += 1


@each_structure
def test_a_floor_that_does_not_bind_changes_no_bit(structure):
    X = data("iris")
    start = start_on(X, 2, structure)
    free, held = (trace_of(X, start, 10, None, fraction)[0][-1] for fraction in (0.0, 1e-6))
    assert free.log_likelihood == held.log_likelihood
    np.testing.assert_array_equal(free.updated.covariances, held.updated.covariances)


def test_a_floor_touches_only_the_component_below_it():
    X = np.vstack([blobs(0, 100, 2), np.tile([[9.0, 9.0]], (10, 1)) + 1e-6 * np.arange(10)[:, None]])
    resp = np.repeat(np.eye(2), [100, 10], axis=1)
    weights, means, matrices = plain_m_step(X, resp, "full")
    sample = prepare(X)
    floor = variance_floor(sample, 1e-3)
    from gmm_nb.covariance import raise_matrices
    raised = raise_matrices(matrices, floor)
    np.testing.assert_array_equal(raised[0], matrices[0])
    np.testing.assert_allclose(np.linalg.eigvalsh(raised[1] / np.sqrt(np.outer(floor, floor))), 1, rtol=1e-6)


@pytest.mark.parametrize("X, want", [
    (np.array([[0.0, 5.0], [2.0, 5.0]]), [0.1, 0.1]),  # a constant column borrows the usual variance
    (np.array([[3.0, 5.0], [3.0, 5.0]]), [0.1, 0.1]),  # nothing varies: one
    (np.array([[0.0, 1e9 + 0.1], [2.0, 1e9 + 0.1]] * 50), [0.1, 0.1]),
    (np.array([[0.0, 0.0], [2.0, 20.0]]), [0.1, 10.0]),
    (np.array([[0.0, 1e9], [2.0, 1e9 + 20.0]]), [0.1, 10.0])])
def test_variance_floor(X, want):
    np.testing.assert_allclose(variance_floor(prepare(X), 0.1), want, rtol=1e-12)
    assert variance_floor(prepare(X), 0) is None


def test_the_floor_follows_the_narrower_measure_of_spread():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3)) * [1, 10, 1]
    X[0, 0], X[:1500, 2] = 1e6, 0.0  # a far row; a column in which most values are equal
    got = variance_floor(prepare(X), 0.1)
    np.testing.assert_allclose(got[0], 0.1 * 1.349**2, rtol=0.1)  # the interquartile range of a Gaussian
    np.testing.assert_allclose(got[1:], 0.1 * X[:, 1:].var(0), rtol=1e-12)
    for c, b in ((1e-8, 0.0), (1e8, 1e3), (-3.0, 5.0)): np.testing.assert_allclose(variance_floor(prepare(c * X + b), 0.1), c**2 * got, rtol=1e-2 if c < 0 else 1e-9)


def test_the_floor_of_weighted_rows():
    X = np.random.default_rng(0).standard_t(2, size=(500, 2))
    w = np.random.default_rng(1).integers(0, 4, size=500)
    np.testing.assert_allclose(variance_floor(prepare(X, w), 1e-3), variance_floor(prepare(np.repeat(X, w, axis=0)), 1e-3), rtol=1e-9)
    many = np.random.default_rng(2).standard_t(2, size=(20_001, 1))
    w = np.where(np.arange(20_001) % 3 == 0, 0.0, 1.0)  # every third row, as every evenly taken one, has no weight
    np.testing.assert_array_equal(variance_floor(prepare(many, w), 0.1), variance_floor(prepare(many[w > 0]), 0.1))


# ---- the steps

@each_structure
def test_a_step_tells_what_it_did(structure):
    X = blobs(0)
    start, sample = start_on(X, 3, structure), prepare(X, None, structure)
    steps = list(islice(em_steps(sample, start), 4))
    assert [step.n_iter for step in steps] == [1, 2, 3, 4] and steps[0].mixture is start
    for step, following in zip(steps, steps[1:] + [None]):
        assert isinstance(step, Step)
        assert step.log_likelihood == e_step(sample, step.mixture).log_likelihood  # of the mixture that entered
        assert step.log_likelihood == pytest.approx(step.mixture.log_density(X).sum(), rel=1e-12)
        assert following is None or following.mixture is step.updated


def test_identical_components_stay_identical():
    X, one = blobs(0, d=2), np.eye(2)
    steps, _ = trace_of(X, Mixture([0.5, 0.5], np.zeros((2, 2)), np.stack([one, one])), 5)
    mixture = steps[-1].updated
    np.testing.assert_allclose(mixture.means[0], mixture.means[1], rtol=1e-13)
    np.testing.assert_allclose(mixture.means[0], X.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("trace, left", [([1.0], np.inf), ([1.0, 2.0], np.inf), ([0.0, 1.0, 1.5], np.inf), ([0.0, 1.0, 1.5, 1.75], 0.25), ([0.0, 9.0, 9.9, 9.99], 0.01),
                                         ([0.0, 1.0, 1.0], 0.0), ([0.0, 1.0, 0.5], 0.0), ([0.0, 1.0, 3.0], np.inf), ([5.0, 0.0, 1.0, 1.5, 1.75], 0.25), ([0.0, 10.0, 19.0, 19.5], 4.5)])
def test_aitken(trace, left):
    "Gains that shrink geometrically: 1 + 1/2 + 1/4 + … leaves 1/2 after two terms"
    assert aitken(trace) == pytest.approx(left, rel=1e-12)


# ---- stopping

def fake_steps(trace):
    for n_iter, value in enumerate(trace, start=1):
        yield Step(n_iter, f"mixture {n_iter - 1}", value, f"mixture {n_iter}")


@pytest.mark.parametrize("trace, tol, max_iter, n_iter, converged", [
    ([0, 10, 15, 15.9, 15.99, 16], 0.1, 100, 4, True),  # the slowest of the gains halved: 0.9 are left, below 0.1 a row
    ([0, 10, 15, 16, 16.1], 0.1, 100, 5, True),  # 1.0 is not below
    ([0, 1, 1.9, 2.71], 0.1, 100, 4, False),  # a gain of 0.81 is, but 7.29 are left
    ([0, 10, 15, 15.9, 15.99, 16], 0.1, 3, 3, False),
    ([0, 10, 15, 15.9, 15.99, 16], 0.1, 4, 4, True),  # converged in the last pass allowed
    ([0, 10, 15], 0.0, 3, 3, False), ([7.0, 7.0, 7.0], 0.0, 3, 3, False),  # no gain is below zero
    ([7.0], 1e9, 1, 1, False)])  # one pass tells nothing about gains
def test_run_stops(trace, tol, max_iter, n_iter, converged):
    result = run(fake_steps(trace), 10, tol, max_iter)
    assert isinstance(result, Result)
    assert (result.n_iter, result.converged, result.interrupted) == (n_iter, converged, False)
    np.testing.assert_array_equal(result.log_likelihoods, trace[:n_iter])
    assert result.mixture == f"mixture {n_iter}"  # the last one that an M-step made


def test_run_takes_no_step_too_many():
    taken = []
    def steps():
        for step in fake_steps([0, 1, 1, 1, 1]):
            taken.append(step.n_iter)
            yield step
    run(steps(), 1, 1e-3, 100)
    assert taken == [1, 2, 3]


@each_structure
@pytest.mark.parametrize("acceleration", [None, "squarem", "natural-gradient"])
def test_converged_means_that_less_than_tol_is_left(structure, acceleration):
    "Not that the last pass gained less: a long run from there on shows what was left"
    X = data("iris")
    sample, floor = prepare(X, structure=structure), variance_floor(prepare(X), 1e-6)
    for tol in (1e-4, 1e-6):
        result = fit_mixture(X, start_on(X, 3, structure, 4), tol=tol, acceleration=acceleration, reg_covar=1e-6, max_iter=5000)
        assert result.converged and len(result.log_likelihoods) == result.n_iter
        assert (np.diff(result.log_likelihoods) >= 0).all(), "the trace falls"
        end = max(step.log_likelihood for step in islice(faster.natural_gradient_steps(sample, result.mixture, floor), 300))
        assert (end - result.log_likelihoods[-1]) / len(X) < 3 * tol


OVERLAPPING = [(n, d, K, apart, seed) for n, d, K, apart in ((500, 1, 2, 1.5), (800, 2, 3, 1.5), (1000, 1, 3, 2.0), (600, 3, 2, 1.0)) for seed in range(3)]


@pytest.mark.parametrize("n, d, K, apart, seed", OVERLAPPING)
def test_nothing_much_is_left_where_clusters_overlap(n, d, K, apart, seed):
    "There plain EM gains next to nothing in a pass and far more in all"
    rng = np.random.default_rng([seed, n, d])
    X = rng.normal(size=(n, d)) + apart * rng.integers(K, size=(n, 1))
    start = start_on(X, K, "full", seed)
    sample = prepare(X)
    for acceleration in (None, "natural-gradient"):
        result = fit_mixture(X, start, tol=1e-6, acceleration=acceleration, max_iter=20_000, reg_covar=1e-6)
        end = max(step.log_likelihood for step in islice(faster.natural_gradient_steps(sample, result.mixture, variance_floor(sample, 1e-6)), 400))
        assert result.converged and (end - result.log_likelihoods[-1]) / n < 3e-6


def test_runs_of_one_pass_make_a_run():
    "A run that goes on from another one is as far as one that was not interrupted, to the last bit"
    X = data("iris")
    sample, floor = prepare(X), variance_floor(prepare(X), 1e-6)
    start = start_on(X, 3, "full", 4)
    for acceleration in (None, "natural-gradient"):
        whole = faster.climb(sample, start, floor, acceleration=acceleration, tol=1e-7)
        result, mixture, trace = None, start, []
        for _ in range(whole.n_iter):
            result = faster.climb(sample, mixture, floor, acceleration=acceleration, tol=1e-7, max_iter=1, after=result)
            mixture = result.mixture
            trace += result.log_likelihoods.tolist()
        assert result.converged and len(trace) == whole.n_iter
        np.testing.assert_array_equal(trace, whole.log_likelihoods)


def test_tol_is_for_a_row_of_weight_one():
    X = data("faithful")
    start = start_on(X, 2, "full")
    once, tenfold = (fit_mixture(X, start, np.full(len(X), w), tol=1e-5) for w in (1.0, 10.0))
    assert once.n_iter == tenfold.n_iter
    np.testing.assert_allclose(tenfold.log_likelihoods, 10 * once.log_likelihoods, rtol=1e-12)


def test_fit_that_has_not_converged_warns():
    X = data("faithful")
    for max_iter in (1, 3, 5):
        with pytest.warns(UserWarning, match=r"did not converge.*max_iter") as caught:
            result = fit_mixture(X, start_on(X, 2, "full"), tol=1e-9, max_iter=max_iter)
        assert not result.converged and result.n_iter == max_iter
        assert "[" not in str(caught[0].message), "an array where a number was meant"
        if max_iter > 3:
            end = fit_mixture(X, start_on(X, 2, "full"), tol=1e-12).log_likelihoods[-1]
            told = re.search(r"about ([-+.e\d]+) nats a row are left|there is more to gain", str(caught[0].message))[1]
            assert told is None or float(told) == pytest.approx((end - result.log_likelihoods[-1]) / len(X), rel=1.0)
        assert caught[0].filename == __file__  # on the caller's account


def test_fit_that_has_converged_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_mixture(data("faithful"), start_on(data("faithful"), 2, "full"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_callback_sees_every_step(jobs):
    seen, X = [], data("faithful")
    result = fit_mixture(X, start_on(X, 2, "full"), callback=seen.append, n_jobs=jobs)
    assert [step.n_iter for step in seen] == list(range(1, result.n_iter + 1))
    np.testing.assert_array_equal([step.log_likelihood for step in seen], result.log_likelihoods)
    assert seen[-1].updated is result.mixture


def test_an_error_in_the_callback_comes_out():
    def callback(step): raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError): fit_mixture(data("faithful"), start_on(data("faithful"), 2, "full"), callback=callback)


# ---- Ctrl-C

@contextlib.contextmanager
def kept():
    "Ctrl-C is told by a warning and not passed on; passed on, it would stop pytest"
    with pytest.warns(UserWarning):
        try:
            yield
        except KeyboardInterrupt:
            pytest.fail("Ctrl-C was passed on, and what was computed is lost")


@pytest.mark.parametrize("at", [1, 2, 7])
def test_ctrl_c_in_the_callback_keeps_the_result(at):
    X = data("faithful")
    start, seen = start_on(X, 2, "full"), []
    def callback(step):
        seen.append(step)
        if step.n_iter == at: raise KeyboardInterrupt
    with kept(): result = fit_mixture(X, start, tol=0, callback=callback)
    assert result.interrupted and not result.converged
    assert result.mixture is seen[-1].updated  # the pass was complete
    assert result.n_iter == len(result.log_likelihoods) == at
    np.testing.assert_array_equal(result.log_likelihoods, [step.log_likelihood for step in seen])


@pytest.mark.parametrize("at", [2, 5])
def test_ctrl_c_in_a_pass_keeps_what_was_before_it(at, monkeypatch):
    X, calls = data("faithful"), []
    def interrupted(*args):
        calls.append(1)
        if len(calls) == at: raise KeyboardInterrupt
        return e_step(*args)
    monkeypatch.setattr(em, "e_step", interrupted)
    with kept(): result = fit_mixture(X, start_on(X, 2, "full"), tol=0)
    assert result.interrupted and result.n_iter == len(result.log_likelihoods) == at - 1 and len(calls) == at


def test_an_interrupted_fit_says_so():
    def stop(step): raise KeyboardInterrupt
    with pytest.warns(UserWarning, match="[Ii]nterrupted") as caught: fit_mixture(data("faithful"), start_on(data("faithful"), 2, "full"), callback=stop)
    assert "Raise max_iter" not in str(caught[0].message)


def test_ctrl_c_before_anything_is_known_is_passed_on(monkeypatch):
    def interrupted(*args): raise KeyboardInterrupt
    monkeypatch.setattr(em, "e_step", interrupted)
    with pytest.raises(KeyboardInterrupt): fit_mixture(data("faithful"), start_on(data("faithful"), 2, "full"))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_real_interrupt(jobs):
    "A signal while numpy works, with one thread and with two"
    X = np.random.default_rng(0).normal(size=(100_000, 3))  # enough for threads: see MUCH
    start = start_on(X, 4, "full")
    def interrupt(*_): raise KeyboardInterrupt
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with kept(): result = fit_mixture(X, start, tol=0, max_iter=10**6, n_jobs=jobs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert result.interrupted and result.n_iter >= 1
    assert e_step(X, result.mixture).log_likelihood >= result.log_likelihoods[-1] - 1e-8


# ---- collapse

def test_a_component_that_shrinks_onto_a_point_collapses():
    X = np.vstack([np.random.default_rng(0).normal(size=(50, 2)), [[20.0, 20.0]]])
    for structure in ("full", "diag", "spherical"):
        start = Mixture([0.9, 0.1], [[0.0, 0.0], [20.0, 20.0]], {"full": np.stack([np.eye(2)] * 2), "diag": np.ones((2, 2)), "spherical": np.ones(2)}[structure], structure)
        with pytest.raises(CollapsedComponent) as caught: fit_mixture(X, start)
        message = str(caught.value)
        assert re.search(r"component 1|covariances?\[1", message), "which one"
        assert all(advice in message for advice in ("fewer components", "another start", "simpler covariance", "reg_covar"))
        held = fit_mixture(X, start, reg_covar=1e-6)  # and with a floor it does not
        assert held.converged and held.mixture.weights[1] == pytest.approx(1 / 51)


@pytest.mark.parametrize("structure", ["full", "tied"])
def test_a_singular_covariance_is_never_saved_by_its_rounding(structure):
    "Fewer rows than dimensions, of very different sizes: whether such a matrix has a Cholesky factor is chance"
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X = 1e-5 * rng.normal(size=(4, 5))
        X[0] *= 10.0 ** rng.integers(0, 4)
        start = Mixture([1.0], [X.mean(axis=0)], compact(np.eye(5)[None], structure), structure)
        with pytest.raises(CollapsedComponent): fit_mixture(X, start, max_iter=1)


def test_columns_that_differ_a_little_are_not_taken_for_equal():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 1)) + [0.0, 1e-6, 1.0] * rng.normal(size=(500, 3))
    found = fit_mixture(X, Mixture([1.0], [X.mean(axis=0)], np.eye(3)[None]), max_iter=3)
    assert np.linalg.eigvalsh(found.mixture.covariances[0])[0] == pytest.approx(np.linalg.eigvalsh(np.cov(X.T, bias=True))[0], rel=1e-3)


def test_a_component_that_loses_its_last_point_collapses():
    X = np.random.default_rng(0).normal(size=(30, 2))
    start = Mixture([0.5, 0.5], [[0.0, 0.0], [1e4, 0.0]], np.stack([np.eye(2)] * 2))
    for fraction in (0.0, 1e-6):
        with pytest.raises(CollapsedComponent, match=r"component 1 has no points left.* hold 30, .*Use fewer"): fit_mixture(X, start, reg_covar=fraction)
    assert issubclass(CollapsedComponent, ValueError)


def test_the_counts_of_many_components_are_cut_short():
    K = 12
    start = Mixture(np.full(K, 1 / K), np.append(np.arange(K - 1.0), 1e6)[:, None], np.ones((K, 1, 1)))
    with pytest.raises(CollapsedComponent, match="component 11.*, … of 40 rows"):
        fit_mixture(np.linspace(0, 10, 40)[:, None], start)


def test_tiny_weights_are_no_collapse():
    "Scaling all weights changes no parameter, so weights of 1e-20 are as good as weights of one"
    X = data("faithful")
    start = start_on(X, 2, "full")
    usual = fit_mixture(X, start)
    for scale in (1e-20, 1e-12, 1e20):
        scaled = fit_mixture(X, start, np.full(len(X), scale))
        np.testing.assert_allclose(scaled.mixture.covariances, usual.mixture.covariances, rtol=1e-10)


# ---- scikit-learn, pass by pass

def reference_passes(X, start, passes):
    "scikit-learn's mixture after so many passes, and its lower bounds"
    precisions = np.linalg.inv(start.covariances) if start.structure in ("full", "tied") else 1 / start.covariances
    model = Reference(start.n_components, covariance_type=start.structure, reg_covar=0, tol=0, max_iter=passes,
                      weights_init=start.weights, means_init=start.means, precisions_init=precisions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X)


@each_structure
@pytest.mark.parametrize("name, K", [("faithful", 2), ("faithful", 3), ("iris", 3)])
def test_scikit_learn_in_every_pass(structure, name, K):
    X = data(name)
    start = start_on(X, K, structure, 2)
    trace = []
    for step in islice(em_steps(prepare(X, None, structure), start), 10):
        reference = reference_passes(X, start, step.n_iter)
        trace.append(step.log_likelihood)
        assert reference.n_iter_ == step.n_iter
        sd = X.std(axis=0)
        np.testing.assert_allclose(step.updated.weights, reference.weights_, rtol=0, atol=1e-10)
        np.testing.assert_allclose((step.updated.means - reference.means_) / sd, 0, atol=1e-10)
        want = expand(reference.covariances_, structure, *reference.means_.shape)
        np.testing.assert_allclose((step.updated.matrices() - want) / np.outer(sd, sd), 0, atol=1e-10)
        assert step.log_likelihood / len(X) == pytest.approx(reference.lower_bound_, rel=1e-10)
    assert trace[-1] > trace[0] + 1  # it was not at rest
    assert n_parameters(structure, K, X.shape[1]) == reference._n_parameters()


# ---- natural gradients, piece by piece

@each_structure
@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_change_of_the_natural_parameters_is_a_derivative(structure, d):
    "Against central differences along random directions that keep the sum of the weights"
    rng = np.random.default_rng(d)
    A = rng.normal(size=(3, d, d)) / 2
    S = {"full": A @ np.swapaxes(A, 1, 2) + np.eye(d), "tied": A[0] @ A[0].T + np.eye(d), "diag": rng.uniform(0.5, 2, size=(3, d)), "spherical": rng.uniform(0.5, 2, size=3)}
    mixture, origin = Mixture([0.2, 0.5, 0.3], rng.normal(size=(3, d)), S[structure], structure), rng.normal(size=d)
    here = faster.expected(mixture, origin)
    for _ in range(5):
        v = rng.normal(size=len(here))
        v[:3] -= v[:3].mean()
        if structure in ("full", "tied"):  # `second` is symmetric
            second = v[3 + 3 * d:].reshape(-1, d, d)
            v[3 + 3 * d:] = (second + np.swapaxes(second, 1, 2)).ravel()
        h = 1e-6
        ahead, behind = (faster.natural(faster.from_expected(here + t * v, mixture, origin), origin) for t in (h, -h))
        np.testing.assert_allclose(faster.natural_change(mixture, origin, v), (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bad, ratio", [(True, 1 / 4), (False, 1 / 2)])
def test_the_trust_radius_shrinks_after_a_step_that_failed(bad, ratio, monkeypatch):
    "A trial that falls is refused, and one that gains nothing of what was promised is taken; the next is shorter than either"
    X, trial_step, asked = data("iris"), faster.trial_step, []
    start = start_on(X, 3, "full", 5)
    def spoiled(point, model, radius, origin, floor):
        asked.append(radius)
        found = trial_step(point, model, radius, origin, floor)
        if len(asked) != 2 or found is None: return found
        asked.append(found.length)  # of the second trial, which is replaced
        return found._replace(mixture=start if bad else point.mixture)
    monkeypatch.setattr(faster, "trial_step", spoiled)
    steps = list(islice(faster.natural_gradient_steps(prepare(X), start, variance_floor(prepare(X), 1e-6)), 60))
    assert len(asked) > 3 and asked[2] > 0
    assert asked[3] == pytest.approx(ratio * asked[2], rel=1e-12)
    assert (np.diff([step.log_likelihood for step in steps]) > -1e-9).all()


@pytest.mark.parametrize("acceleration", [None, "squarem", "natural-gradient"])
def test_a_start_below_the_floor_is_raised_to_it(acceleration):
    "Its log-likelihood falls then; the run must not take the fall for its end, or keep the value of a mixture that is not allowed"
    X = data("faithful")
    best = fit_mixture(X, GaussianMixture(2, random_state=0).fit(X).mixture_, tol=1e-9).mixture
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fit_mixture(X, best, reg_covar=0.1, acceleration=acceleration, tol=1e-9)
    again = fit_mixture(X, result.mixture, reg_covar=0.1, tol=1e-12)
    assert result.converged and result.n_iter > 2
    assert result.mixture.log_density(X).sum() == pytest.approx(again.mixture.log_density(X).sum(), abs=1e-6)
    assert result.log_likelihoods[-1] <= result.mixture.log_density(X).sum() + 1e-9
