"""E-step and M-step of the engine: against the textbook chapters, against plain NumPy, against 60 digits; sums that add up."""
import ast
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from gmm_nb import multivariate, univariate
from gmm_nb.acceleration import fit_mixture
from gmm_nb.covariance import CollapsedComponent, m_step
from gmm_nb.e_step import (ROUNDING, SLAB, _careful, _fast, _wide, e_step, is_fast, is_wide,
                           kappa, peak_if_bounded)
from gmm_nb.estimator import GaussianMixture
from gmm_nb.mixture import STORED, Mixture
from gmm_nb.statistics import (FORMS, OUTER, Form, Statistics, blocks, chunk_rows, features, outer,
                               precisions, prepare)
from gmm_nb.workers import _helpers, _shared_map, n_workers, parallel
from chapters import NBS, Notebook
from oracles import (STRUCTURES, compact, data, error, exact_e_step, exact_m_step, expand, plain_e_step, plain_log_joint,
                     plain_m_step)

EPS = 2.0**-52
PATHS = (_fast, _wide, _careful)  # e_step chooses one of them
each_path = pytest.mark.parametrize("path", PATHS)
BOTH = [(path, structure) for path in PATHS for structure in STRUCTURES if path is not _wide or structure == "full"]
each_path_and_structure = pytest.mark.parametrize("path, structure", BOTH)
each_structure = pytest.mark.parametrize("structure", STRUCTURES)


def clusters(n, d, K, seed=0, spread=3.0):
    "Overlapping correlated clusters"
    rng = np.random.default_rng(seed)
    labels = rng.integers(K, size=n)
    mixing = rng.normal(size=(K, d, d)) / np.sqrt(d) + np.eye(d)
    return spread * rng.normal(size=(K, d))[labels] + np.einsum("nab,nb->na", mixing[labels], rng.normal(size=(n, d)))


def some_mixture(X, K, structure, seed=0):
    "A mixture among the rows X, of unequal weights"
    rng = np.random.default_rng(seed)
    resp = rng.dirichlet(np.full(K, 0.3), size=len(X)).T + 1e-3
    weights, means, matrices = plain_m_step(X, resp / resp.sum(axis=0), structure)
    means = means + 0.5 * X.std(axis=0) * rng.normal(size=means.shape)
    return Mixture(weights, means, compact(matrices, structure), structure)


def thirds(X):
    "A start from the rows cut into three by their first feature; EM from here meets no singularity"
    resp = np.zeros((3, len(X)))
    for k, rows in enumerate(np.array_split(np.argsort(X[:, 0], kind="stable"), 3)): resp[k, rows] = 1
    return Mixture(*plain_m_step(X, resp, "full"))


def compact_second(matrices, structure):
    "(K, d, d) scatters -> `second`"
    return {"full": lambda S: S, "tied": lambda S: S.sum(axis=0), "diag": lambda S: np.diagonal(S, axis1=1, axis2=2),
            "spherical": lambda S: np.trace(S, axis1=1, axis2=2)}[structure](matrices)


def plain_statistics(X, mixture, origin, sample_weight=None):
    "The definition of the sums, about any origin (d,) or (K, d)"
    resp, log_likelihood = plain_e_step(X, mixture.weights, mixture.means, mixture.matrices(), sample_weight)
    shares = resp if sample_weight is None else resp * sample_weight
    K, d = mixture.means.shape
    centred = [X - o for o in np.broadcast_to(origin, (K, d))]
    first = np.array([r @ x for r, x in zip(shares, centred)])
    second = np.array([(r[:, None] * x).T @ x for r, x in zip(shares, centred)])
    return Statistics(shares.sum(axis=1), first, compact_second(second, mixture.structure), log_likelihood,
                      float(len(X) if sample_weight is None else np.sum(sample_weight)), np.asarray(origin), mixture.structure)


@each_structure
def test_what_a_form_says_is_what_it_does(structure):
    "Each method against matrices written out, for d = 4, K = 3"
    rng, form, K, d = np.random.default_rng(3), FORMS[structure], 3, 4
    roots = rng.normal(size=(K, d, d))
    matrices = {"full": roots @ roots.transpose(0, 2, 1), "tied": np.stack([roots[0] @ roots[0].T] * K),
                "diag": roots[:, :, 0, None]**2 * np.eye(d), "spherical": roots[:, :1, :1]**2 * np.eye(d)}[structure]
    L, v, x = compact(matrices, structure), rng.normal(size=(K, d)), rng.normal(size=(d, 50))
    np.testing.assert_allclose(form.times(L, v), np.einsum("kab,kb->ka", matrices, v), rtol=1e-12)
    products = np.full((form.n_quadratic(d), 50), np.nan)
    assert form.fill(x, products) is None and form.coefficients(L, K).shape == (K, len(products))
    quadratic, scatters = -0.5 * np.einsum("am,kab,bm->km", x, matrices, x), np.einsum("am,bm->ab", x, x)[None]
    if structure == "tied": assert products.size == 0 and not hasattr(form, "unpack")
    else:
        np.testing.assert_allclose(form.coefficients(L, K) @ products, quadratic, rtol=1e-12)
        resp = rng.random((K, 50))
        want = compact_second(np.einsum("km,am,bm->kab", resp, x, x), structure)
        np.testing.assert_allclose(form.unpack(resp @ products.T, d), want, rtol=1e-12)
    part = compact_second(scatters, structure)
    np.testing.assert_allclose(form.gram(x), part if structure == "tied" else part[0], rtol=1e-12)


@each_structure
def test_outer_keeps_a_part_of_the_outer_products(structure):
    a, b = np.random.default_rng(4).normal(size=(2, 3, 4))
    np.testing.assert_allclose(outer(a, b, structure), compact_second(np.einsum("ka,kb->kab", a, b), structure), rtol=1e-12)


def test_forms_are_documented():
    "No lambdas: every function of both tables has a name and says what it returns"
    methods = [name for name in vars(Form) if not name.startswith("_")]
    import gmm_nb.structures  # noqa: F401  its rows are in the tables now
    assert {*FORMS} == {*OUTER} == {*STORED} and len(methods) == 9
    every = [Form, *OUTER.values(), *map(type, FORMS.values())]
    every += [getattr(form, name) for form in FORMS.values() for name in methods if hasattr(form, name)]
    for one in every: assert one.__doc__ and one.__name__ != "<lambda>", one


def test_the_chapter_opens_with_the_whole_engine():
    "Before anything but imports is exported: EM in at most 25 lines, checked in the next cell"
    code = [cell for cell in Notebook(NBS / "10_statistics.ipynb").code if not cell.options.keys() & {"default_exp"}]
    place = next(i for i, cell in enumerate(code) if cell.source.startswith("def short_em"))
    for cell in [cell for cell in code[:place] if cell.exported]:
        assert all(isinstance(node, (ast.Import, ast.ImportFrom, ast.Expr)) for node in ast.parse(cell.source).body)
    assert len(code[place].source.splitlines()) <= 25
    assert "multivariate.log_likelihood" in code[place + 1].source and "atol=1e-10" in code[place + 1].source


def assert_same_statistics(got, want, rtol):
    "Every sum, in units of what was summed: n, n·spread, n·spread²"
    n = want.n_samples
    spread = np.sqrt(np.abs(want.second).max() / n) + np.abs(want.first).max() / n or 1.0
    assert got.structure == want.structure and got.n_samples == pytest.approx(n, rel=1e-14)
    for name, unit in (("counts", n), ("first", n * spread), ("second", n * spread**2)):
        a, b = getattr(got, name), getattr(want, name)
        assert a.shape == b.shape and a.dtype == float, name
        np.testing.assert_allclose(a / unit, b / unit, rtol=0, atol=rtol, err_msg=name)
    assert got.log_likelihood == pytest.approx(want.log_likelihood, rel=rtol)


def assert_close_mixtures(got, weights, means, matrices, rtol):
    sd = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    np.testing.assert_allclose(got.weights, weights, rtol=0, atol=rtol)
    np.testing.assert_allclose((got.means - means) / sd, 0, atol=rtol)
    np.testing.assert_allclose((got.matrices() - matrices) / (sd[:, :, None] * sd[:, None, :]), 0, atol=rtol)


# ---- the textbook

@each_path
@pytest.mark.parametrize("make", [lambda: data("faithful"), lambda: data("iris"), lambda: clusters(300, 2, 3),
                                  lambda: clusters(200, 4, 2)], ids=["faithful", "iris", "clusters2", "clusters4"])
def test_every_iterate_is_the_textbooks(path, make):
    X = make()
    mixture = thirds(X)
    theta, sample = (mixture.weights, mixture.means, mixture.covariances), prepare(X)
    for _ in range(12):
        statistics = path(sample, mixture)
        assert statistics.log_likelihood == pytest.approx(multivariate.log_likelihood(X, *theta), rel=1e-11)
        mixture, theta = m_step(statistics), multivariate.m_step(X, multivariate.e_step(X, *theta))
        assert_close_mixtures(mixture, *theta, 1e-10)


@pytest.mark.parametrize("path, structure", [(p, s) for p, s in BOTH if s != "tied"])  # the same thing in one dimension
def test_every_iterate_is_the_textbooks_in_one_dimension(path, structure):
    x = data("faithful")[:, 1]
    theta = np.array([0.3, 0.5, 0.2]), np.array([50.0, 70.0, 85.0]), np.array([40.0, 60.0, 20.0])
    mixture = Mixture(theta[0], theta[1][:, None], theta[2].reshape({"full": (3, 1, 1), "diag": (3, 1), "spherical": 3}[structure]), structure)
    sample = prepare(x[:, None], structure=structure)
    for _ in range(12):
        statistics = path(sample, mixture)
        assert statistics.log_likelihood == pytest.approx(univariate.log_likelihood(x, *theta), rel=1e-11)
        mixture, theta = m_step(statistics), univariate.m_step(x, univariate.e_step(x, *theta))
        assert_close_mixtures(mixture, theta[0], theta[1][:, None], theta[2][:, None, None], 1e-10)


def test_the_textbooks_own_loop_and_ours_end_in_the_same_place():
    X = data("faithful")
    start = thirds(X)
    book = multivariate.em(X, start.weights, start.means, start.covariances, tol=1e-10, rule="log-likelihood")
    ours = fit_mixture(X, start, tol=1e-10)
    assert ours.converged and book.converged and ours.n_iter >= len(book.log_likelihoods)  # ours asks what is left, theirs what was gained
    np.testing.assert_allclose(ours.log_likelihoods[:len(book.log_likelihoods)], book.log_likelihoods, rtol=1e-12)
    assert ours.log_likelihoods[-1] - book.log_likelihoods[-1] < 1e-6


# ---- the definition

@each_path_and_structure
@pytest.mark.parametrize("n, d, K", [(1, 1, 1), (7, 3, 2), (500, 1, 3), (300, 5, 4), (70, SLAB, 3), (200, 2 * SLAB + 1, 2), (150, 50, 3)])
def test_sums_are_those_of_the_definition(path, structure, n, d, K):
    X = clusters(max(n, d + 2), d, K)
    mixture = some_mixture(X, K, structure)
    if structure == "full" and len(X) < 4 * d:
        mixture = Mixture(mixture.weights, mixture.means, mixture.covariances + np.eye(d), structure)
    X = X[:n]
    for weights in (None, np.random.default_rng(1).gamma(1.0, size=n)):
        got = path(prepare(X, weights, structure), mixture)
        assert_same_statistics(got, plain_statistics(X, mixture, got.origin, weights), 1e-11)


@each_path_and_structure
def test_every_iterate_of_every_structure(path, structure):
    X, rng = clusters(400, 3, 3), np.random.default_rng(3)
    mixture, weights = some_mixture(X, 3, structure), rng.gamma(2.0, size=400)
    theta, sample = (mixture.weights, mixture.means, mixture.matrices()), prepare(X, weights, structure)
    for _ in range(12):
        resp, log_likelihood = plain_e_step(X, *theta, weights)
        statistics = path(sample, mixture)
        assert statistics.log_likelihood == pytest.approx(log_likelihood, rel=1e-11)
        mixture, theta = m_step(statistics), plain_m_step(X, resp, structure, weights)
        assert_close_mixtures(mixture, *theta, 1e-10)


@each_path_and_structure
@pytest.mark.parametrize("n", [999, 1000, 1001, 33_005])
def test_chunk_boundaries(path, structure, n, monkeypatch):
    "Chunks of 1000 rows: one row less, none, one more; and more than 32 chunks, so that a block has several"
    for rule in ("statistics.chunk_rows", "e_step.chunk_rows", "e_step.wide_rows"):
        monkeypatch.setattr(f"gmm_nb.{rule}", lambda n, *_: min(n, 1000))
    X = clusters(n, 2, 2)
    mixture = some_mixture(X[:100], 2, structure)
    got = path(prepare(X, None, structure), mixture)
    assert_same_statistics(got, plain_statistics(X, mixture, got.origin), 1e-11)


@pytest.mark.parametrize("n, chunk", [(1, 1), (10, 3), (100, 100), (101, 100), (3200, 100), (3201, 100), (10**6, 8192), (33, 1)])
def test_blocks_cover_all_rows_once(n, chunk):
    found = blocks(n, chunk)
    assert len(found) <= 32 and found[0].start == 0 and found[-1].stop == n
    assert all(a.stop == b.start for a, b in zip(found, found[1:])) and all(len(b) > 0 and b.step == chunk for b in found)


def test_chunks_shrink_with_the_work_space():
    heights = (1, 12, 13, 82, 83, 600, 2000, 10**5)
    sizes = [chunk_rows(10**6, height) for height in heights]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] >= 256 and chunk_rows(5, 3) == 5
    assert all(size * height * 8 <= 5 * 2**20 for size, height in zip(sizes[:-1], heights))  # they stay in a cache


@each_structure
def test_features_times_coefficients_are_log_joints(structure):
    from gmm_nb.statistics import coefficients
    X = clusters(50, 4, 3)
    mixture, origin = some_mixture(X, 3, structure), X.mean(axis=0)
    joint = coefficients(mixture, origin) @ features(X, origin, structure)
    if structure == "tied":  # up to what all components share
        joint -= 0.5 * np.einsum("na,ab,nb->n", X - origin, precisions(mixture), X - origin)
    np.testing.assert_allclose(joint, plain_log_joint(X, mixture.weights, mixture.means, mixture.matrices()), rtol=1e-12)


# ---- values that add up

@pytest.mark.parametrize("structure, first, second", [(s, a, b) for s in STRUCTURES for a in PATHS for b in PATHS
                                                      if s == "full" or _wide not in (a, b)])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_add(structure, first, second, weighted):
    "Whatever path and origin the halves have; the whole is taken about a third origin"
    X, w = clusters(301, 3, 2), np.random.default_rng(0).gamma(1.0, size=301) if weighted else None
    mixture = some_mixture(X, 2, structure)
    part = lambda rows: None if w is None else w[rows]
    A, B = slice(0, 120), slice(120, None)
    a = first(prepare(X[A], part(A), structure), mixture)
    b = second(prepare(X[B], part(B), structure), mixture)
    whole = plain_statistics(X, mixture, np.zeros(3), w)
    assert not np.array_equal(np.broadcast_to(a.origin, (2, 3)), np.broadcast_to(b.origin, (2, 3))) or first is second is _careful
    for total in (a + b, b + a):
        assert_same_statistics(total.about(np.zeros(3)), whole, 1e-12)
    assert_close_mixtures(m_step(a + b), *plain_m_step(X, plain_e_step(X, mixture.weights, mixture.means, mixture.matrices())[0],
                                                      structure, w), 1e-11)


@each_structure
def test_addition_is_associative(structure):
    X = clusters(90, 2, 2)
    mixture = some_mixture(X, 2, structure)
    a, b, c = (e_step(X[rows], mixture) for rows in (slice(0, 20), slice(20, 50), slice(50, 90)))
    assert_same_statistics((a + b) + c, (a + (b + c)).about(a.origin), 1e-14)
    assert_same_statistics((a + b) + c, e_step(X, mixture).about(a.origin), 1e-13)


@each_path_and_structure
def test_about_and_back(path, structure):
    X, rng = clusters(200, 3, 3), np.random.default_rng(5)
    mixture = some_mixture(X, 3, structure)
    statistics = path(prepare(X, None, structure), mixture)
    for origin in (rng.normal(size=3), rng.normal(size=(3, 3)), mixture.means):
        moved = statistics.about(origin)
        assert_same_statistics(moved, plain_statistics(X, mixture, origin), 1e-12)
        assert_same_statistics(moved.about(statistics.origin), statistics, 1e-13)
        assert moved.log_likelihood == statistics.log_likelihood


def test_what_cannot_be_added():
    X = clusters(50, 2, 2)
    one, other = (e_step(X, some_mixture(X, 2, structure)) for structure in ("full", "diag"))
    with pytest.raises(ValueError, match="'full' and 'diag'.*Run e_step with one mixture"): one + other
    with pytest.raises(TypeError): one + 1
    with pytest.raises(FrozenInstanceError): one.counts = None


# ---- what data may look like

LAYOUTS = {
    "C": lambda X: X, "F": np.asfortranarray, "rows reversed twice": lambda X: X[::-1].copy()[::-1],
    "every other row": lambda X: np.repeat(X, 2, axis=0)[::2], "some columns": lambda X: np.repeat(X, 3, axis=1)[:, 1::3],
    "big-endian": lambda X: X.astype(">f8"), "list": lambda X: X.tolist(),
}


@each_path_and_structure
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(path, structure, layout):
    X = clusters(500, 3, 2)
    mixture, given = some_mixture(X, 2, structure), LAYOUTS[layout](X)
    assert_same_statistics(path(prepare(given, None, structure), mixture), path(prepare(X, None, structure), mixture), 1e-14)


@each_path_and_structure
@pytest.mark.parametrize("order", ["C", "F"])
def test_float32_is_read_exactly(path, structure, order):
    "float32 data are float64 data that happen to be short; every sum is made in float64"
    X32 = np.array(clusters(500, 3, 2) + 1e4, dtype=np.float32, order=order)
    mixture = some_mixture(X32.astype(float), 2, structure)
    sample = prepare(X32, None, structure)
    assert sample.X is X32
    assert_same_statistics(path(sample, mixture), path(prepare(X32.astype(float), None, structure), mixture), 1e-14)


@each_path_and_structure
def test_nothing_that_is_given_changes(path, structure):
    X, w = clusters(300, 2, 2), np.random.default_rng(0).gamma(1.0, size=300)
    mixture = some_mixture(X, 2, structure)
    X.setflags(write=False)
    w.setflags(write=False)  # writing would raise
    sample = prepare(X, w, structure)
    before = [np.array(a) for a in (X, w, mixture.weights, mixture.means, mixture.covariances, sample.origin, sample.scatter)]
    statistics = path(sample, mixture)
    sums = [np.array(a) for a in (statistics.counts, statistics.first, statistics.second)]
    m_step(statistics, np.full(2, 1e9)), statistics.about(np.ones(2)), statistics + statistics, path(sample, mixture)
    for a, b in zip(before, (X, w, mixture.weights, mixture.means, mixture.covariances, sample.origin, sample.scatter)):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(sums, (statistics.counts, statistics.first, statistics.second)):
        np.testing.assert_array_equal(a, b)


# ---- weights

@each_path_and_structure
def test_weights_count_rows(path, structure):
    X, rng = clusters(200, 3, 2), np.random.default_rng(2)
    mixture, times = some_mixture(X, 2, structure), rng.integers(0, 4, size=200)
    weighted = path(prepare(X, times, structure), mixture)
    repeated = path(prepare(np.repeat(X, times, axis=0), None, structure), mixture)
    removed = path(prepare(X[times > 0], times[times > 0], structure), mixture)
    assert_same_statistics(weighted.about(repeated.origin), repeated, 1e-13)
    assert_same_statistics(weighted.about(removed.origin), removed, 1e-13)
    assert weighted.n_samples == times.sum()
    tripled = path(prepare(X, 3.0 * times, structure), mixture)
    for name in ("counts", "first", "second"):
        np.testing.assert_allclose(getattr(tripled, name), 3 * getattr(weighted, name), rtol=1e-12, atol=1e-11)


@each_structure
@pytest.mark.parametrize("far", [1e3, 1e20, 1e100, 1e160, 1e300])
def test_a_row_of_weight_zero_may_lie_anywhere(structure, far):
    "1e100: its square is a float64 number; 1e160: it is not, and 0 · inf is no number"
    X = clusters(100, 2, 2)
    mixture, with_it = some_mixture(X, 2, structure), np.vstack([X, [[far, -far]]])
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            got = e_step(prepare(with_it, np.append(np.ones(100), 0.0), structure), mixture)
    except ValueError as refusal:  # better than nothing, where squares overflow
        assert far > 1e150 and len(str(refusal)) > 40
        return
    assert_same_statistics(got.about(np.zeros(2)), plain_statistics(X, mixture, np.zeros(2)), 1e-9)


@pytest.mark.parametrize("weights, message", [
    (np.ones(3), r"shape \(3,\) for 5 rows"), (np.ones((5, 1)), r"shape \(5, 1\)"), (1.0, r"shape \(\)"),
    ([1, 1, -1, 1, 1], r"sample_weight\[2\] = -1"), ([1, np.nan, 1, 1, 1], r"sample_weight\[1\] = nan"),
    ([1, np.inf, 1, 1, 1], r"sample_weight\[1\] = inf"), (np.zeros(5), "sums to zero"), (["a"] * 5, "sample_weight"),
    ([1, 1, 1, 1, 1j], "sample_weight"), ([[1], [1, 2], 1, 1, 1], "sample_weight")])
def test_weights_that_are_refused(weights, message):
    with pytest.raises((ValueError, TypeError), match=message): prepare(np.eye(5), weights)


# ---- wrong use

def test_data_that_do_not_fit_the_mixture():
    X = clusters(50, 2, 2)
    mixture = some_mixture(X, 2, "full")
    for bad in (np.ones((4, 3)), np.ones(4), np.full((4, 2), np.nan), np.empty((0, 2))):
        with pytest.raises(ValueError, match="expected|minimum"): e_step(bad, mixture)
    with pytest.raises(ValueError, match="3 column|3 features"): e_step(prepare(np.ones((4, 3))), mixture)
    with pytest.raises(ValueError, match="3 column|3 features"): fit_mixture(clusters(50, 3, 2), mixture)


@pytest.mark.parametrize("prepared_for", STRUCTURES)
@each_structure
def test_a_sample_prepared_for_another_structure_is_never_wrong_in_silence(prepared_for, structure):
    X = clusters(80, 2, 2)
    mixture, sample = some_mixture(X, 2, structure), prepare(X, None, prepared_for)
    try:
        got = e_step(sample, mixture)
    except (ValueError, TypeError) as refusal:
        assert "tied" in str(refusal) and "prepare" in str(refusal)
    else:
        assert_same_statistics(got, plain_statistics(X, mixture, got.origin), 1e-12)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_an_empty_component_has_no_estimate(structure):
    X = clusters(60, 2, 2)
    S = expand(some_mixture(X, 2, "diag").covariances, "diag", 2, 2)
    S = compact(np.stack([S[0] * np.eye(2)[0, 0]] * 2), structure) if structure != "spherical" else np.ones(2)
    mixture = Mixture([0.5, 0.5], [X.mean(axis=0), X.mean(axis=0) + 1e6], S, structure)
    with pytest.raises(CollapsedComponent, match=r"component 1 has no points left.*hold 60, .* of 60 rows.*Use fewer components"):
        m_step(e_step(X, mixture))


# ---- threads

@each_path_and_structure
def test_the_same_bits_for_any_number_of_workers(structure, path, monkeypatch):
    monkeypatch.setattr("gmm_nb.statistics.MUCH", 0)  # threads even for little work
    X = clusters(140_000, 2, 3)  # five chunks
    w = np.random.default_rng(0).gamma(1.0, size=len(X))
    mixture, found = some_mixture(X[:200], 3, structure), []
    for jobs in (1, 2, 3, 2, 1):
        with parallel(jobs) as workers:
            sample = prepare(X, w, structure, workers)
            found.append([path(sample, mixture, workers), path(sample, mixture, workers)])
    for statistics in sum(found, []):
        for name in ("counts", "first", "second", "origin", "log_likelihood"):
            np.testing.assert_array_equal(getattr(statistics, name), getattr(found[0][0], name), err_msg=name)


@each_structure
def test_a_fit_has_the_same_bits_for_any_number_of_workers(structure):
    X = clusters(40_000, 8, 2)  # enough for threads: see MUCH
    fits = [GaussianMixture(2, covariance_type=structure, random_state=0, max_iter=4, tol=1, n_jobs=jobs).fit(X) for jobs in (1, 2, 3)]
    for fit in fits[1:]:
        for name in ("weights_", "means_", "covariances_", "lower_bounds_"):
            np.testing.assert_array_equal(getattr(fit, name), getattr(fits[0], name), err_msg=name)
        np.testing.assert_array_equal(fit.predict_proba(X), fits[0].predict_proba(X))


def test_workers():
    import os
    assert n_workers(1) == 1 and n_workers(None) == 1 and n_workers(-1) >= 1
    assert n_workers(10**6) <= (os.cpu_count() or 1)
    with pytest.raises(ValueError): n_workers(0)
    from joblib import parallel_config
    with parallel_config("threading", n_jobs=2):
        assert n_workers(None) == min(2, os.cpu_count() or 1)


def test_an_error_in_a_worker_comes_out():
    with pytest.raises(ZeroDivisionError), parallel(2) as workers:
        list(workers(lambda x: 1 / x, [1, 0]))


@pytest.fixture
def shared():
    "A map whose caller works beside one helper, on any machine"
    with _helpers(1) as (jobs, number):
        yield _shared_map(jobs, number)


def test_the_caller_works_beside_its_helpers_and_the_order_is_kept():
    meet = threading.Barrier(4, timeout=60)  # passed only if four threads are at work at once
    def work(piece):
        if piece < 4:
            meet.wait()
        return piece, threading.current_thread() is threading.main_thread()
    with _helpers(3) as (jobs, number):
        found = list(_shared_map(jobs, number)(work, range(40)))
    assert [piece for piece, _ in found] == [*range(40)] and sum(by_caller for _, by_caller in found[:4]) == 1


@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_helpers_without_work(shared, pieces):
    assert list(shared(lambda piece: piece + 1, range(pieces))) == [*range(1, pieces + 1)]
    assert list(shared(lambda piece: -piece, range(5))) == [0, -1, -2, -3, -4]  # and once more


@pytest.mark.parametrize("in_caller", [True, False])
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_nothing_new_is_begun_after_an_error(shared, in_caller, error):
    both, begun = threading.Barrier(2, timeout=60), []
    def work(piece):
        begun.append(piece)
        if len(begun) <= 2:
            both.wait()  # each of the two threads has its first piece
            if in_caller == (threading.current_thread() is threading.main_thread()):
                raise error
        time.sleep(0.05)
    with pytest.raises(error):
        list(shared(work, range(1000)))
    assert len(begun) <= 4
    assert list(shared(lambda piece: piece, range(3))) == [0, 1, 2]  # the helper is still there


INTERRUPTED = """
import random, signal
from gmm_nb import workers

def interrupt(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
workers.n_workers = lambda n_jobs: 3
random.seed(0)
stopped = 0
for _ in range(4000):
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-5, 2e-3))
            with workers.parallel(3) as run:
                for _ in range(50): list(run(abs, range(6)))
        finally: signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt: stopped += 1
with workers.parallel(3) as run: assert list(run(abs, range(-9, 0))) == [*range(9, 0, -1)]
assert stopped > 1000
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_interruption_at_any_moment_leaves_no_thread_waiting():
    "Futures do: an interruption inside their locks, which are written in Python, leaves them closed"
    subprocess.run([sys.executable, "-c", INTERRUPTED], check=True, timeout=300)


# ---- numbers that stay right: against 60 digits on the same float64 inputs

def tight_data(tightness, offset, n=48):
    "A component `tightness` times the spread of another one that is 2 away from it, all moved by `offset`; d = 2"
    rng, A = np.random.default_rng(7), np.array([[1, 0.6], [0, 0.8]])
    near, far = rng.standard_normal((n // 2, 2)) @ A, rng.standard_normal((n // 2, 2)) @ A[::-1]
    return np.concatenate([near * tightness + 1, far * 0.5 - 1]) + offset


TIGHTNESS = [10.0**-p for p in range(9)]
OFFSETS = [0.0, 1.0, 1e3, 1e6, 1e8, 1e10]
# data that float64 can hold: at least 100 steps of rounding in the tight component's standard deviation
SWEEP = [(t, b) for t in TIGHTNESS for b in OFFSETS if t > 100 * EPS * b]


def near_the_data(X, structure):
    "A mixture on the two halves of X, its means a tenth of a standard deviation off"
    half = len(X) // 2
    weights, means, matrices = plain_m_step(X - X[0], np.repeat(np.eye(2), half, axis=1), structure)
    sd = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    return Mixture(weights, X[0] + means + 0.1 * sd, compact(1.3 * matrices, structure), structure)


def scaled_condition(matrices):
    "Largest condition number of the components' correlation matrices; Cholesky does not see the features' units"
    sd = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    return np.linalg.cond(matrices / (sd[:, :, None] * sd[:, None, :])).max()


@each_structure
@pytest.mark.parametrize("tightness, offset", SWEEP)
def test_sweep(structure, tightness, offset):
    """Tightness x offset. What can be asked for:

    - x − μ is one rounding of an exact difference, so a whitened log-density is good to a few eps · (1 + cond · |y|²),
      wherever the data lie and however tight the component is; responsibilities move by as much.
    - The fast path adds eps · κ times the number of features, and the guard holds eps · κ under ROUNDING = 1e-10.
    - Weights, covariances in units of the component's own: the same. A mean is a float64 number: half a step of rounding at
      the offset on top."""
    X = tight_data(tightness, offset)
    mixture = near_the_data(X, structure)
    theta = mixture.weights, mixture.means, mixture.matrices()
    resp, log_density = exact_e_step(X, *theta)
    counts, means, matrices = exact_m_step(X, resp, structure)
    own = 50 * EPS * scaled_condition(theta[2])
    sample = prepare(X, None, structure)
    squares = np.abs(log_density.astype(float)) + 10
    assert (np.abs(error(mixture.log_density(X), log_density)) < own * squares).all()
    assert np.abs(error(mixture.resp(X), resp)).max() < own * squares.max()

    fast = is_fast(sample, mixture)
    sd = np.sqrt(np.diagonal(matrices.astype(float), axis1=1, axis2=2))
    by_features = [(path, EPS * kappa(mixture, sample.radius)) for path in ([_fast, _wide] if structure == "full" else [_fast])]
    for path, rounding in [(e_step, ROUNDING if fast else 0.0), (_careful, 0.0), *by_features]:
        slack = own + 10 * rounding
        if path in (_fast, _wide) and slack > 1e-3: continue  # the guard is there for that
        statistics = path(sample, mixture)
        updated = m_step(statistics) if path not in (_fast, _wide) or fast else None
        assert abs(float(statistics.log_likelihood - log_density.sum())) < slack * squares.sum(), path
        np.testing.assert_allclose(error(statistics.counts, counts) / len(X), 0, atol=slack, err_msg=str(path))
        if updated is None: continue
        np.testing.assert_allclose(error(updated.means, means) / sd, 0, atol=slack + np.max(np.spacing(np.abs(X).max()) / sd))
        np.testing.assert_allclose(error(updated.matrices(), matrices) / (sd[:, :, None] * sd[:, None, :]), 0, atol=slack)


@each_structure
def test_the_sweep_is_on_both_sides_of_the_guard(structure):
    sides = {is_fast(prepare(X, None, structure), near_the_data(X, structure)) for X in (tight_data(t, 0) for t in TIGHTNESS)}
    assert sides == ({True} if structure == "tied" else {True, False})  # tied: as wide as the widest, never tight


@each_structure
@pytest.mark.parametrize("tightness, offset", [(t, b) for t, b in SWEEP if t in (TIGHTNESS[3], TIGHTNESS[5], TIGHTNESS[7])])
def test_all_components_tight(structure, tightness, offset):
    "Two tight components far apart: tied covariances are tight as well, and the guard must notice"
    X = tight_data(1.0, 0.0)
    X[:24] = 1 + (X[:24] - 1) * tightness
    X[24:] = -1 + (X[24:] + 1) * tightness
    X = X + offset
    mixture, sample = near_the_data(X, structure), prepare(X, None, structure)
    assert not is_fast(sample, mixture) or tightness == 1e-3
    resp, log_density = exact_e_step(X, mixture.weights, mixture.means, mixture.matrices())
    counts, means, matrices = exact_m_step(X, resp, structure)
    statistics = e_step(sample, mixture)
    slack = 50 * EPS * scaled_condition(mixture.matrices()) + 10 * (ROUNDING if is_fast(sample, mixture) else 0)
    assert abs(float(statistics.log_likelihood - log_density.sum())) < slack * (np.abs(log_density.astype(float)) + 10).sum()
    sd = np.sqrt(np.diagonal(matrices.astype(float), axis1=1, axis2=2))
    np.testing.assert_allclose(error(m_step(statistics).matrices(), matrices) / (sd[:, :, None] * sd[:, None, :]), 0, atol=slack)


@pytest.mark.parametrize("structure", ["full", "tied"])
@pytest.mark.parametrize("log_condition", [2, 4, 6, 8, 10])
def test_ill_conditioned_covariances(structure, log_condition):
    "Correlation matrices of condition 10^p: an error of eps · cond in y and of eps · cond · |y|² in a log-density, no more"
    rng, condition = np.random.default_rng(1), 10.0**log_condition
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    A = turn * np.array([1, condition**-0.25, condition**-0.5])
    X = np.concatenate([rng.normal(size=(25, 3)), rng.normal(size=(25, 3)) + [1, 0, 2]]) @ A.T * [1, 1e3, 1e-3]  # units do not matter
    mixture = near_the_data(X, structure)
    theta = mixture.weights, mixture.means, mixture.matrices()
    assert condition / 30 < scaled_condition(theta[2]) < condition * 30
    resp, log_density = exact_e_step(X, *theta)
    squares = np.abs(log_density.astype(float)) + 20
    slack = 10 * EPS * scaled_condition(theta[2])
    assert (np.abs(error(mixture.log_density(X), log_density)) < slack * squares).all()
    sample = prepare(X, None, structure)
    for path in (e_step, _careful):
        rounding = 10 * ROUNDING if path is e_step and is_fast(sample, mixture) else 0
        assert abs(float(path(sample, mixture).log_likelihood - log_density.sum())) < (slack + rounding) * squares.sum()


@pytest.mark.parametrize("structure", ["full", "diag", "spherical"])
@pytest.mark.parametrize("tightness", [1e-2, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8])
def test_a_broad_start_finds_a_tight_component(structure, tightness):
    "The mixture that enters is broad, so nothing warns the guard; what comes out is far tighter than the data's spread"
    X = tight_data(tightness, 0.0)
    S = compact(np.stack([0.01 * np.eye(2)] * 2), structure)
    result = fit_mixture(X, Mixture([0.5, 0.5], [[1.3, 1.0], [-1.0, -1.0]], S, structure), tol=1e-12, max_iter=100)
    half = len(X) // 2
    matrices = plain_m_step(X - 1, np.repeat(np.eye(2), half, axis=1), structure)[2]  # the components do not overlap at all
    np.testing.assert_allclose(result.mixture.matrices()[0], matrices[0], rtol=1e-6 if tightness < 1e-2 else 1e-3, atol=1e-9 * tightness**2)
    assert (np.diff(result.log_likelihoods) > -1e-9 * np.abs(result.log_likelihoods[1:])).all()


def test_the_guard_bounds_the_fast_paths_error():
    "eps · κ is an upper bound up to a small factor over random mixtures of all tightnesses, and not a wild one"
    ratios = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(60, 3))
        mixture = Mixture([0.5, 0.5], rng.normal(size=(2, 3)), 10.0**rng.uniform(-10, 0, size=(2, 3)), "diag")
        sample = prepare(X)
        wrong = abs(_fast(sample, mixture).log_likelihood - _careful(sample, mixture).log_likelihood) / len(X)
        ratios.append(wrong / (EPS * kappa(mixture, sample.radius)))
    assert max(ratios) < 4 and max(ratios) > 1e-3


def test_raw_moments_would_fail_this():
    "The test of the tests: without the origin, an offset of 1e8 leaves no digit of the variance"
    X = tight_data(1.0, 1e8)
    sample, mixture = prepare(X), near_the_data(X, "full")
    raw = _fast(replace(sample, origin=np.zeros(2)), mixture)
    assert abs(raw.log_likelihood - e_step(X, mixture).log_likelihood) > 1
    statistics = e_step(X, mixture)
    np.testing.assert_allclose(m_step(statistics).matrices(), m_step(e_step(X - 1e8, Mixture(
        mixture.weights, mixture.means - 1e8, mixture.covariances))).matrices(), rtol=1e-12)


def test_wide_data_go_without_products():
    "For full covariances only, and later the more components there are; e_step then takes the way without them"
    identity = lambda d, K=2, structure="full": Mixture(np.full(K, 1 / K), np.eye(K, d), compact(np.stack([np.eye(d)] * K), structure), structure)
    assert not is_wide(identity(14)) and is_wide(identity(15)) and not is_wide(identity(15, 3)) and not is_wide(identity(15, structure="diag"))
    X, mixture = clusters(100, 20, 2), identity(20)
    sample = prepare(X)
    peak = peak_if_bounded(mixture, sample)
    assert is_fast(sample, mixture)
    for path, same in ((_wide, True), (_fast, False)):
        assert np.array_equal(path(sample, mixture, peak=peak).second, e_step(sample, mixture).second) == same


# ---- memory

MIB = 2**20


def peak(work):
    "Bytes allocated at the worst moment of work(), beyond what was there"
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype, order", [(float, "C"), (float, "F"), (np.float32, "C")])
@pytest.mark.parametrize("structure", ["full", "tied"])
def test_memory(structure, dtype, order):
    "At 400,000 x 4 and K = 8 responsibilities alone would be 25 MB and the features 48 MB; nothing of that size is kept"
    X = np.array(clusters(400_000, 4, 8), dtype=dtype, order=order)
    mixture = some_mixture(X[:1000].astype(float), 8, structure)
    model = GaussianMixture(8, covariance_type=structure, random_state=0, max_iter=2, tol=100)
    assert peak(lambda: e_step(X, mixture)) < 16 * MIB
    assert peak(lambda: _careful(prepare(X, None, structure), mixture)) < 16 * MIB
    assert peak(lambda: model.fit(X)) < 48 * MIB
    assert peak(lambda: model.predict(X)) < 48 * MIB  # 3 MB of labels
    assert peak(lambda: model.score(X)) < 48 * MIB
    assert peak(lambda: model.predict_proba(X)) < (2 * 24.4 + 24) * MIB  # 24.4 MiB are the answer, once in pieces


def test_memory_of_threads():
    X = clusters(400_000, 4, 8)
    model = GaussianMixture(8, random_state=0, max_iter=2, tol=100, n_jobs=2)
    assert peak(lambda: model.fit(X)) < 48 * MIB


# ---- the guard, by numbers of its own

def log_density_of_each(sample, mixture):
    "(n,) by `e_step`, one row at a time, on whatever path the sample takes"
    return np.array([e_step(replace(sample, X=sample.X[i:i + 1], n_samples=1.0), mixture).log_likelihood for i in range(len(sample.X))])


@pytest.mark.parametrize("structure", ["full", "diag", "spherical"])
@pytest.mark.parametrize("tightness", [10.0**-p for p in np.arange(2, 6, 0.25)])
def test_a_log_density_is_good_to_nine_digits_after_the_point(structure, tightness):
    X = tight_data(tightness, 0.0)
    mixture = near_the_data(X, structure)
    log_density = exact_e_step(X, mixture.weights, mixture.means, mixture.matrices())[1]
    near = np.abs(log_density.astype(float)) < 100  # rows further away have large log-densities, and fewer digits after the point
    assert near.sum() >= len(X) // 2
    assert np.abs(error(log_density_of_each(prepare(X, None, structure), mixture), log_density))[near].max() < 5e-10


@each_structure
@pytest.mark.parametrize("distance", [10.0, 1e2, 1e3, 1e4, 1e5, 1e6])
def test_the_guard_sees_means_outside_the_data(structure, distance):
    "Features of a mean far outside are large, though the data are near the origin: eps · 1e10 is no error of 1e-10"
    from gmm_nb.statistics import coefficients
    X = clusters(40, 2, 2)
    sample = prepare(X, None, structure)
    mixture = Mixture([0.5, 0.5], X[:2] + [[0, 0], [distance, distance]], compact(np.stack([np.eye(2)] * 2), structure), structure)
    joint = coefficients(mixture, sample.origin) @ features(X, sample.origin, structure)
    if structure == "tied":
        joint -= 0.5 * np.sum((X - sample.origin)**2, axis=1)
    from oracles import exact_log_joint
    wrong = np.abs(error(joint, exact_log_joint(X, mixture.weights, mixture.means, mixture.matrices()))).max()
    assert wrong < 1e-9 or not is_fast(sample, mixture)
    assert is_fast(sample, mixture) == (distance <= 1e2)


@each_structure
def test_means_outside_the_data_and_no_maximum_taken(structure):
    "All log joints are 800 to 1200 below their peaks: without a maximum their exponentials are zero, and the logarithm −∞"
    X = np.random.default_rng(0).normal(size=(50, 2))
    mixture = Mixture([0.5, 0.5], [[30.0, 30.0], [32.0, 30.0]], compact(np.stack([np.eye(2)] * 2), structure), structure)
    sample = prepare(X, None, structure)
    assert is_fast(sample, mixture) and peak_if_bounded(mixture, sample) is None
    got = e_step(sample, mixture)
    assert got.log_likelihood == pytest.approx(mixture.log_density(X).sum(), rel=1e-12)
    np.testing.assert_allclose(got.counts, mixture.resp(X).sum(axis=1), rtol=1e-9)
