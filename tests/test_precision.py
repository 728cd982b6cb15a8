"First passes in single precision: when they are made, what they cost in digits, and that nothing of them is left at the end."
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from gmm_nb import GaussianMixture
from gmm_nb import acceleration, e_step as module
from gmm_nb.acceleration import climb
from gmm_nb.covariance import m_step
from gmm_nb.e_step import e_step, is_single
from gmm_nb.mixture import Mixture
from gmm_nb.statistics import prepare
from numpy.testing import assert_allclose, assert_array_equal


def wide(n=1500, d=40, K=3, seed=0, scale=1.0, offset=0.0, spread=0.9):
    rng = np.random.default_rng(seed)
    centres = spread * rng.normal(size=(K, d))
    X = ((rng.normal(size=(n, d)) * rng.uniform(0.5, 2, d) + centres[rng.integers(K, size=n)]) * scale + offset).astype(np.float32)
    start = m_step(e_step(prepare(X), Mixture(np.full(K, 1 / K), (centres * scale + offset), np.stack([np.eye(d) * scale**2] * K))))
    return X, start


def single(X, weights=None): return replace(prepare(X, weights), single=True, buffers=deque())


@pytest.fixture
def passes(monkeypatch):
    "How many blocks were summed in single precision"
    seen, block = [], module._wide_block
    def watched(*arguments):
        if arguments[-1] == np.float32: seen.append(1)
        return block(*arguments)
    monkeypatch.setattr(module, "_wide_block", watched)
    return seen


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale, offset", [(1, 0), (1e-6, 0), (1e6, 0)])
def test_a_pass_in_single_precision(scale, offset, weighted, passes):
    X, start = wide(scale=scale, offset=offset)
    weights = np.random.default_rng(0).uniform(0.1, 5, len(X)) if weighted else None
    exact, rough = e_step(prepare(X, weights), start), e_step(single(X, weights), start)
    assert passes and 0 < abs(rough.log_likelihood - exact.log_likelihood) < 1e-4 * len(X)
    for name in ("counts", "first", "second"):
        wanted = getattr(exact, name)
        assert_allclose(getattr(rough, name), wanted, atol=3e-5 * np.abs(wanted).max())


def test_not_where_digits_are_scarce(passes):
    X, start = wide(offset=0)
    tight = replace(start, covariances=start.covariances * 1e-6)
    assert not is_single(single(X), tight)
    e_step(single(X), tight)
    assert not passes


@pytest.mark.parametrize("change", [lambda X: X.astype(float), lambda X: X[:, :8]])
def test_only_for_wide_float32_data(change, passes):
    X = change(wide()[0])
    GaussianMixture(3, random_state=0, max_iter=30).fit(X)
    assert not passes


@pytest.mark.parametrize("acceleration", [None, "squarem"])
@pytest.mark.parametrize("seed", range(3))
def test_the_end_is_that_of_double_precision(acceleration, seed, passes):
    X, start = wide(seed=seed)
    rough = climb(prepare(X), start, acceleration=acceleration, max_iter=2000, tol=1e-15)
    assert passes
    exact = climb(prepare(X.astype(float)), start, acceleration=acceleration, max_iter=2000, tol=1e-15)
    assert rough.converged and exact.converged
    assert_allclose(rough.mixture.means, exact.mixture.means, rtol=0, atol=1e-8 * np.abs(X).max())
    assert_allclose(rough.mixture.covariances, exact.mixture.covariances, rtol=0, atol=1e-8 * np.abs(exact.mixture.covariances).max())
    assert_allclose(rough.log_likelihoods[-1], exact.log_likelihoods[-1], rtol=1e-14)
    assert (np.diff(rough.log_likelihoods) >= 0).all() and len(rough.log_likelihoods) == rough.n_iter


def test_the_last_value_of_the_trace_is_exact():
    X, start = wide()
    result = climb(prepare(X), start, max_iter=60, tol=1e-6)
    before = e_step(prepare(X.astype(float)), result.mixture).log_likelihood
    assert before >= result.log_likelihoods[-1] - 1e-9 * abs(before)


@pytest.mark.parametrize("most", [1, 5, 6, 9, 40])
def test_passes_are_counted_as_one_run(most, passes):
    X, start = wide()
    steps = []
    result = climb(prepare(X), start, max_iter=most, tol=0.0, callback=lambda step: steps.append(step.n_iter))
    assert steps == list(range(1, result.n_iter + 1)) and result.n_iter <= most
    assert bool(passes) == (most > acceleration.LAST)


def test_interrupted_in_the_rough_part():
    X, start = wide()
    def stop(step):
        if step.n_iter == 2: raise KeyboardInterrupt
    result = climb(prepare(X), start, max_iter=40, callback=stop)
    assert result.interrupted and result.n_iter == 2 and np.isfinite(result.mixture.means).all()


def test_a_collapse_in_the_rough_part_is_tried_again_exactly(monkeypatch, passes):
    X, start = wide()
    exact = climb(prepare(X.astype(float)), start, max_iter=40)
    block = module._wide_block
    def lost(*arguments):
        sums = block(*arguments)
        if arguments[-1] == np.float32: raise acceleration.CollapsedComponent("no points left")
        return sums
    monkeypatch.setattr(module, "_wide_block", lost)
    assert_array_equal(climb(prepare(X), start, max_iter=40).mixture.means, exact.mixture.means)
    assert passes


def test_threads_give_the_same_bits():
    X, _ = wide(n=20_000)
    fits = [GaussianMixture(3, random_state=0, n_jobs=jobs, max_iter=20, tol=1e-9).fit(X) for jobs in (1, 2)]
    assert_array_equal(fits[0].means_, fits[1].means_)
    assert fits[0].means_.dtype == np.float32
