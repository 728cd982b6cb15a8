"""Hypothesis looks for data that are accepted and fitted wrongly, or refused without a reason; equivariance; degenerate data.

The examples are the same in every run (derandomize). A fit is checked by what holds for every mixture that comes out of an
M-step: its mean is the data's mean, and its variance the data's variance plus at most the floor."""
import re
import warnings

import numpy as np
import pytest
from gmm_nb.acceleration import ACCELERATIONS
from gmm_nb.e_step import ROUNDING
from gmm_nb.estimator import GaussianMixture, VarianceFloorWarning
from gmm_nb.initialization import METHODS
from gmm_nb.mixture import STRUCTURES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import data
from sklearn.exceptions import ConvergenceWarning

EPS = 2.0**-52
each_structure = pytest.mark.parametrize("structure", STRUCTURES)


def fuzz(examples):
    return settings(derandomize=True, deadline=None, max_examples=examples, database=None, suppress_health_check=list(HealthCheck))


# ---- what is right

def assert_substance(error):
    "A message that says what is wrong in the user's words; not one of a library further down"
    message = str(error)
    assert isinstance(error, (ValueError, TypeError)) and len(message) > 40, repr(error)
    assert re.search(r"[Uu]se |expected|[Ee]xpected|must|minimum|required|Drop|Rescale|rescale|contains|not supported|Reshape", message), message
    for library in ("broadcast", "KMeans", "Eigenvalues did not", "zero-size", "probabilities", "Singular", "illegal value", "setting an array", "out of bounds", "lapack"):
        assert library not in message, message


def assert_valid(model, X, sample_weight=None):
    "All that a fitted mixture promises"
    X = np.asarray(X, dtype=float)
    w = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    mixture, (n, d) = model.mixture_, X.shape
    weights, means, matrices = mixture.weights, mixture.means, mixture.matrices()
    assert np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() == pytest.approx(1, abs=1e-12)
    assert np.isfinite(means).all() and np.isfinite(matrices).all()
    sd = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    assert (sd > 0).all()
    np.linalg.cholesky(matrices / sd[:, :, None] / sd[:, None, :])
    np.testing.assert_array_equal(matrices, np.swapaxes(matrices, 1, 2))
    trace = np.array(model.lower_bounds_)
    assert np.isfinite(trace).all() and len(trace) == model.n_iter_
    condition = np.linalg.cond(matrices / sd[:, :, None] / sd[:, None, :]).max()
    slack = 2 * ROUNDING + 1e-12 * np.abs(trace).max() + 10 * EPS * condition  # the guard, the numbers' size, the factorization
    assert (np.diff(trace) >= -slack).all(), np.diff(trace).min()
    proba = model.predict_proba(X)
    assert proba.shape == (n, model.n_components) and (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-10)
    labels = model.predict(X)
    assert (proba[np.arange(n), labels] >= proba.max(axis=1) * (1 - 1e-9)).all()
    density = model.score_samples(X)
    assert np.isfinite(density[w > 0]).all() and np.isfinite(model.score(X, sample_weight=sample_weight))
    # the moments, about a row of the data so that nothing cancels
    x, m, share = X - X[0], means - X[0], w / w.sum()
    mean = share @ x
    reach = np.abs(x[w > 0]).max(axis=0) + EPS * np.abs(X).max(axis=0)
    assert (np.abs(weights @ m - mean) <= 1e-9 * reach + 1e-300).all(), (weights @ m, mean)
    variance = share @ (x - mean)**2
    total = weights @ (sd**2 + (m - weights @ m)**2)
    rounding = 4 * (EPS * (np.abs(X).max(axis=0) + reach))**2
    varies = variance > rounding
    usual = variance[varies].mean() if varies.any() else 1.0
    floor = model.reg_covar * np.where(varies, variance, usual)
    if mixture.structure == "spherical": variance, total, floor, rounding = (np.atleast_1d(v.sum()) for v in (variance, total, floor, rounding))
    assert (total >= variance * (1 - 1e-8) - rounding).all(), (total, variance)
    assert (total <= (variance + floor) * (1 + 1e-8) + rounding).all(), (total, variance, floor)


def fitted(X, sample_weight=None, **parameters):
    "Fit without a numerical warning; not having converged, or resting on the floor, is no news here"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", VarianceFloorWarning)
        return GaussianMixture(**parameters).fit(X, sample_weight=sample_weight)


# ---- data of all kinds

KINDS = {
    "normal": lambda rng, n, d: rng.normal(size=(n, d)),
    "clusters": lambda rng, n, d: rng.normal(size=(n, d)) + 8 * rng.integers(3, size=(n, 1)),
    "tight": lambda rng, n, d: np.where(rng.random((n, 1)) < 0.5, 1e-3, 1) * rng.normal(size=(n, d)),
    "grid": lambda rng, n, d: rng.integers(0, 3, size=(n, d)).astype(float),
    "heavy tails": lambda rng, n, d: rng.standard_cauchy(size=(n, d)),
    "units": lambda rng, n, d: rng.normal(size=(n, d)) * 10.0**rng.integers(-6, 7, size=d),
    "collinear": lambda rng, n, d: rng.normal(size=(n, 1)) @ rng.normal(size=(1, d)),
    "constant column": lambda rng, n, d: rng.normal(size=(n, d)) * (np.arange(d) > 0) + 3.0,
    "repeated rows": lambda rng, n, d: rng.normal(size=(max(1, n // 4), d))[rng.integers(max(1, n // 4), size=n)],
}
LAYOUTS = {
    "C": lambda X: X, "F": np.asfortranarray, "strided": lambda X: np.repeat(X, 2, axis=0)[::2], "columns": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "reversed": lambda X: X[::-1].copy()[::-1], "big-endian": lambda X: X.astype(X.dtype.newbyteorder(">")), "list": lambda X: X.tolist(),
}


@st.composite
def problems(draw, kinds=tuple(KINDS), magnitudes=st.integers(-12, 12), most_rows=60):
    "Data, weights and parameters"
    kind, d, K = draw(st.sampled_from(kinds)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    n, rng = draw(st.integers(1, most_rows)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    with np.errstate(all="ignore"):
        X = KINDS[kind](rng, n, d) * 10.0**draw(magnitudes)
        X = X + draw(st.sampled_from([0, 0, 1, -1e3, 1e6])) * X.std(axis=0)
        dtype = draw(st.sampled_from([np.float64, np.float64, np.float32]))
        if np.isfinite(X.astype(dtype)).all(): X = X.astype(dtype)
    if draw(st.booleans()): X.setflags(write=False)
    X = LAYOUTS[draw(st.sampled_from(tuple(LAYOUTS)))](X)
    w = draw(st.sampled_from(["none", "none", "ones", "counts", "gamma"]))
    w = {"none": lambda: None, "ones": lambda: np.ones(n), "counts": lambda: rng.integers(0, 4, size=n), "gamma": lambda: rng.gamma(1.0, size=n)}[w]()
    parameters = dict(n_components=K, covariance_type=draw(st.sampled_from(STRUCTURES)), init_params=draw(st.sampled_from(METHODS)), n_init=draw(st.sampled_from([1, 1, 3])),
                      reg_covar=draw(st.sampled_from([0.0, 1e-6, 1e-6, 1e-3])), tol=draw(st.sampled_from([1e-3, 1e-6])), max_iter=draw(st.sampled_from([1, 2, 30, 200])),
                      acceleration=draw(st.sampled_from(tuple(ACCELERATIONS))), random_state=draw(st.integers(0, 100)))
    return kind, X, w, parameters


def distinct_rows(X, w):
    X = np.asarray(X, dtype=float)
    return len(np.unique(X if w is None else X[np.asarray(w) > 0], axis=0))


@given(problems())
@fuzz(400)
def test_accepted_data_are_fitted_rightly_and_refused_data_with_a_reason(problem):
    kind, X, w, parameters = problem
    try:
        model = fitted(X, w, **parameters)
    except (ValueError, TypeError) as refusal:
        assert_substance(refusal)
        return
    assert_valid(model, X, w)


@given(problems(kinds=("normal", "clusters", "units", "tight", "heavy tails"), most_rows=150))
@fuzz(150)
def test_good_data_are_not_refused(problem):
    "Enough distinct rows, some variance, a floor: there is no reason to refuse"
    kind, X, w, parameters = problem
    X = np.asarray(X)
    if distinct_rows(X, w) < 5 * parameters["n_components"]: return
    parameters |= dict(init_params="kmeans", reg_covar=1e-6)
    assert_valid(fitted(X, w, **parameters), X, w)


@given(problems(kinds=("normal", "clusters", "tight"), magnitudes=st.sampled_from([-307, -200, -160, -150, -100, -50, 50, 100, 150, 160, 200, 300])))
@fuzz(150)
def test_extreme_magnitudes_are_fitted_or_refused(problem):
    "Squares that overflow or vanish: refused, or right; never a mixture of another size"
    kind, X, w, parameters = problem
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = GaussianMixture(**parameters).fit(X, sample_weight=w)
        except (ValueError, TypeError) as refusal:
            assert len(str(refusal)) > 40
            return
        x = np.asarray(X, dtype=float)
        unit = np.abs(x).max() or 1.0
        variance = np.average(((x - x[0]) / unit - np.average((x - x[0]) / unit, axis=0, weights=w))**2, axis=0, weights=w).sum()
        sd, m = np.sqrt(np.diagonal(model.mixture_.matrices(), axis1=1, axis2=2)) / unit, (model.means_ - x[0]) / unit
        total = (model.weights_ @ (sd**2 + (m - model.weights_ @ m)**2)).sum()
        assert np.isfinite(total) and np.isfinite(model.predict_proba(X)).all()
        if variance > 1e-20:  # not all the same
            assert variance * (1 - 1e-6) < total < variance * (1 + 1e-6 + 1.01 * model.reg_covar)


BAD = st.sampled_from([np.nan, np.inf, -np.inf])


@given(problems(), BAD, st.integers(0, 10**6))
@fuzz(60)
def test_what_is_not_finite_is_refused(problem, bad, where):
    kind, X, w, parameters = problem
    X = np.array(X, dtype=float)
    X[np.unravel_index(where % X.size, X.shape)] = bad
    with pytest.raises(ValueError, match="NaN|infinity|inf"): fitted(X, w, **parameters)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.one_of(st.floats(), st.text(max_size=3), st.none(), st.lists(st.floats(), max_size=3)), max_size=4),
                 st.dictionaries(st.text(max_size=2), st.integers(), max_size=2), st.complex_numbers(), st.binary(max_size=4)))
@fuzz(200)
def test_nonsense_is_refused_in_an_orderly_way(X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = GaussianMixture().fit(X)
        except (ValueError, TypeError) as refusal:
            assert len(str(refusal)) > 20
        else:
            assert np.isfinite(model.score(X)) and np.isfinite(model.covariances_).all()


PARAMETERS = {"n_components": 2, "tol": 1e-3, "reg_covar": 1e-6, "max_iter": 5, "n_init": 1, "verbose": 0, "verbose_interval": 10, "covariance_type": "full", "init_params": "kmeans",
              "weights_init": None, "means_init": None, "precisions_init": None, "acceleration": None}


@given(st.sampled_from(tuple(PARAMETERS)), st.one_of(st.none(), st.integers(-2, 3), st.floats(), st.text(max_size=5), st.lists(st.floats(), max_size=3), st.just(np.eye(2)), st.just(np.ones(2) / 2)))
@fuzz(250)
def test_parameters_are_meant_or_refused(name, value):
    X = data("faithful")[:60]
    try:
        model = fitted(X, random_state=0, **(PARAMETERS | {name: value}))
    except (ValueError, TypeError) as refusal:
        assert len(str(refusal)) > 15
        if not np.iterable(value): assert name in str(refusal), str(refusal)
    else:
        assert_valid(model, X)


# ---- equivariance

def three_clusters(n=240, d=2, seed=1):
    "Clear but overlapping clusters on a grid of 2⁻¹², so that powers of two move and scale them without rounding"
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    A = rng.normal(size=(3, d, d)) / np.sqrt(d) + np.eye(d)
    X = 4 * rng.normal(size=(3, d))[labels] + np.einsum("nab,nb->na", A[labels], rng.normal(size=(n, d)))
    return np.round(X * 2**12) / 2**12


def explicit(structure, X, K=3):
    variances = X.var(axis=0)
    return dict(weights_init=np.full(K, 1 / K), means_init=X[np.argsort(X[:, 0])[np.linspace(0, len(X) - 1, K).astype(int)]], precisions_init={
        "full": np.stack([np.diag(K / variances)] * K), "tied": np.diag(K / variances), "diag": np.stack([K / variances] * K), "spherical": np.full(K, K / variances.mean())}[structure])


def moved(start, c, b):
    return start and dict(weights_init=start["weights_init"], means_init=c * start["means_init"] + b, precisions_init=start["precisions_init"] / c**2)


def assert_moved(there, here, c, b, slack, units=1.0):
    "there is the transform of here; distances in units of the components' standard deviations. units: c as a vector"
    scale = c * np.broadcast_to(units, here.means_.shape[1:])
    sd = np.sqrt(np.diagonal(here.mixture_.matrices(), axis1=1, axis2=2))
    assert there.n_iter_ == here.n_iter_
    np.testing.assert_allclose(there.weights_, here.weights_, rtol=0, atol=slack)
    offset = np.spacing(np.abs(b) + scale * np.abs(here.means_).max()) / (scale * sd)  # of the mean itself as a number
    assert (np.abs((there.means_ - b) / scale - here.means_) / sd < slack + 2 * offset).all()
    S = there.mixture_.matrices() / scale[:, None] / scale
    np.testing.assert_allclose((S - here.mixture_.matrices()) / (sd[:, :, None] * sd[:, None, :]), 0, atol=slack)
    np.testing.assert_allclose(np.array(there.lower_bounds_) + np.log(scale).sum(), here.lower_bounds_, rtol=0, atol=slack)


FIXED = dict(n_components=3, n_init=1, tol=0, max_iter=15, acceleration=None)  # the same start and the same passes here and there


@each_structure
@pytest.mark.parametrize("start", ["explicit", *METHODS])
@pytest.mark.parametrize("power_c, power_b", [(-27, 0), (27, 0), (0, 26), (-27, 26), (27, 26), (27, -5), (3, 13)])
def test_moving_and_scaling_without_rounding(structure, start, power_c, power_b):
    "c = 2^±27 (1e8), b = 2^26 spreads (7e7): c·X + b is exact, so the fits differ by rounding within the fit alone"
    X = three_clusters()
    c, b = 2.0**power_c, 2.0**(power_c + power_b) if power_b else 0.0
    assert np.array_equal(((c * X + b) - b) / c, X)
    known = explicit(structure, X) if start == "explicit" else None
    there_known = moved(known, c, b)
    parameters = FIXED | dict(covariance_type=structure, random_state=0) | ({} if known else dict(init_params=start))
    here, there = fitted(X, **parameters, **(known or {})), fitted(c * X + b, **parameters, **(there_known or {}))
    # random responsibilities start near the saddle where all components are one, and EM leaves it by amplifying what differs
    assert_moved(there, here, c, b, 1e-6 if start == "random" else 1e-8)


@each_structure
@pytest.mark.parametrize("start", ["explicit", "kmeans"])
@pytest.mark.parametrize("c", [1e-8, 1e-4, 1.0, 1e3, 1e8])
@pytest.mark.parametrize("offset", [0.0, 1.0, -1e4, 1e8])
def test_moving_and_scaling(structure, start, c, offset):
    "b in units of the spread; what c·X + b loses to rounding, eps · offset in each row, is what the answer may lose"
    X = three_clusters()
    b = offset * c * X.std()
    parameters = FIXED | dict(covariance_type=structure, random_state=0)
    known = explicit(structure, X) if start == "explicit" else None
    here, there = fitted(X, **parameters, **(known or {})), fitted(c * X + b, **parameters, **(moved(known, c, b) or {}))
    assert_moved(there, here, c, b, 1e-9 + 1e3 * EPS * abs(offset))


@each_structure
@pytest.mark.parametrize("c, offset", [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e8), (1e-8, 1e8), (1e8, -1e8), (1e-3, 1e4)])
def test_moving_and_scaling_with_every_default(structure, c, offset):
    "Restarts that end in the same place tie, and rounding orders them; the mixture that comes out is the same but for its labels"
    X = three_clusters()
    b = offset * c * X.std()
    here, there = (GaussianMixture(3, covariance_type=structure, random_state=0).fit(data) for data in (X, c * X + b))
    assert there.score(c * X + b) + 2 * np.log(c) == pytest.approx(here.score(X), abs=1e-6)
    a, z = here.predict_proba(X), there.predict_proba(c * X + b)
    order = np.argmax(a.T @ z, axis=1)
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(z[:, order], a, rtol=0, atol=5e-3)  # tol=1e-7 a row leaves this much in a responsibility
    k = np.ix_(order)
    sd = np.sqrt(np.diagonal(here.mixture_.matrices(), axis1=1, axis2=2))
    np.testing.assert_allclose(((there.means_[k] - b) / c - here.means_) / sd, 0, atol=1e-2)
    np.testing.assert_allclose((there.mixture_.matrices()[k] / c**2 - here.mixture_.matrices()) / (sd[:, :, None] * sd[:, None, :]), 0, atol=2e-2)


@pytest.mark.parametrize("structure", ["full", "tied", "diag"])  # a sphere is no sphere in other units
@pytest.mark.parametrize("start", ["explicit", "kmeans", "k-means++"])
def test_units_of_each_feature(structure, start):
    X, units, b = three_clusters(d=3), 2.0**np.array([-20, 3, 15]), np.array([2.0**-6, -2.0**9, 0])
    parameters = FIXED | dict(covariance_type=structure, random_state=0) | ({} if start == "explicit" else dict(init_params=start))
    known, there_known = {}, {}
    if start == "explicit":
        known = explicit(structure, X)
        P = known["precisions_init"]
        there_known = dict(weights_init=known["weights_init"], means_init=known["means_init"] * units + b,
                           precisions_init=P / units**2 if structure == "diag" else P / units[:, None] / units)
    assert_moved(fitted(X * units + b, **parameters, **there_known), fitted(X, **parameters, **known), 1.0, b, 1e-8, units)


@each_structure
@pytest.mark.parametrize("reg_covar", [1e-6, 1e-2, 0.3])
def test_the_floor_has_no_unit(structure, reg_covar):
    "A floor that binds moves and scales with the data"
    X = np.vstack([three_clusters(), np.tile([[30.0, 30.0]], (10, 1)) + np.arange(10)[:, None] * 2.0**-12])
    parameters = FIXED | dict(n_components=4, covariance_type=structure, random_state=0, reg_covar=reg_covar)
    here = fitted(X, **parameters)
    for c, b in ((2.0**-27, 0.0), (2.0**27, 0.0), (2.0**-10, 2.0**5)):
        assert_moved(fitted(c * X + b, **parameters), here, c, b, 1e-8)


@each_structure
@pytest.mark.parametrize("offset", [0.0, 10.0, 1e3, 1e5])
@pytest.mark.parametrize("start", ["explicit", "kmeans"])
def test_float32_gives_what_float64_gives(structure, offset, start):
    "To float32's precision, 6e-8 of the offset; scikit-learn's gives negative variances"
    X = three_clusters() / 6 + offset
    known = explicit(structure, X) if start == "explicit" else {}
    parameters = FIXED | dict(covariance_type=structure, random_state=0) | known
    long, short = fitted(X, **parameters), fitted(X.astype(np.float32), **parameters)
    assert short.means_.dtype == short.covariances_.dtype == np.float32
    assert_moved(short, long, 1.0, 0.0, 1e-6 + 100 * 2.0**-24 * offset)
    same = fitted(X.astype(np.float32).astype(float), **parameters)  # the same numbers in long form: the same answer
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(short.mixture_, name), getattr(same.mixture_, name), rtol=1e-9, atol=1e-10)


@each_structure
def test_the_order_of_rows_and_columns_does_not_matter(structure):
    X, rng = three_clusters(d=3), np.random.default_rng(0)
    known = explicit(structure, X)
    parameters = FIXED | dict(covariance_type=structure)
    here = fitted(X, **parameters, **known)
    assert_moved(fitted(X[rng.permutation(len(X))], **parameters, **known), here, 1.0, 0.0, 1e-10)
    order, P = np.array([2, 0, 1]), known["precisions_init"]
    P = {"full": lambda: P[:, order][:, :, order], "tied": lambda: P[order][:, order], "diag": lambda: P[:, order], "spherical": lambda: P}[structure]()
    there = fitted(X[:, order], **parameters, weights_init=known["weights_init"], means_init=known["means_init"][:, order], precisions_init=P)
    np.testing.assert_allclose(there.means_, here.means_[:, order], rtol=1e-9)
    np.testing.assert_allclose(there.lower_bounds_, here.lower_bounds_, rtol=1e-12)


# ---- degenerate data

def _normal(n, d, seed=0): return np.random.default_rng(seed).normal(size=(n, d))


def _tight():
    "A component 1e5 times tighter than the data, and 1e5 of its own spreads away from the other"
    return np.vstack([_normal(60, 2), np.array([3.0, 3.0]) + 1e-5 * _normal(60, 2, 1)])


DEGENERATE = {  # data, K, whether a default fit is possible
    "duplicated rows": (np.repeat(_normal(20, 2), 5, axis=0), 3, True), "half the rows are one": (np.vstack([_normal(40, 2), np.ones((40, 2))]), 2, True),
    "a constant column": (np.column_stack([_normal(60, 2), np.full(60, 7.0)]), 2, True), "a constant column of large numbers": (np.column_stack([_normal(60, 2), np.full(60, 1e9 + 0.1)]), 2, True),
    "a constant first column": (np.column_stack([np.zeros(60), _normal(60, 1)]), 2, True), "collinear columns": (_normal(60, 1) @ [[1.0, 2.0, -3.0]] + 5, 2, True),
    "nearly collinear columns": (np.column_stack([_normal(60, 1), _normal(60, 1) + 1e-9 * _normal(60, 1, 1)]), 2, True), "fewer rows than columns": (_normal(6, 20), 2, True),
    "as many rows as components": (_normal(4, 2), 4, True), "as many distinct rows as components": (np.repeat(_normal(3, 2), 20, axis=0), 3, True),
    "more components than distinct rows": (np.repeat(_normal(3, 2), 20, axis=0), 5, None), "more components than rows": (_normal(3, 2), 5, False),
    "one row": (np.array([[1.0, 2.0]]), 1, None), "all rows equal": (np.full((30, 2), 3.7), 1, None), "all rows equal, two components": (np.full((30, 2), 3.7), 2, None),
    "an outlier": (np.vstack([_normal(80, 2), [[1e3, 1e3]]]), 2, True), "an outlier far away": (np.vstack([_normal(80, 2), [[1e8, -1e8]]]), 2, True),
    "an outlier very far away": (np.vstack([_normal(80, 2), [[1e100, 0.0]]]), 2, None), "an outlier beyond all squares": (np.vstack([[[0.0, 1e200]], _normal(80, 2)]), 2, None),
    "a tight component": (_tight(), 2, True), "integers": (np.random.default_rng(0).integers(0, 2, size=(100, 3)), 2, True), "zeros and one one": (np.eye(1, 50).T, 2, True),
    "two points many times": (np.repeat([[0.0], [1.0]], 50, axis=0), 2, True), "one column": (_normal(50, 1), 3, True),
}


@each_structure
@pytest.mark.parametrize("what", DEGENERATE)
@pytest.mark.parametrize("reg_covar", [1e-6, 0.0])
def test_degenerate_data(structure, what, reg_covar):
    "A valid mixture or one clear error; under the default floor a mixture wherever there is one to be had"
    X, K, possible = DEGENERATE[what]
    for seed, (n_init, method) in enumerate(((1, "kmeans"), (3, "kmeans"), (1, "k-means++"), (4, "random_from_data"), (1, "random"))):
        try:
            model = fitted(X, n_components=K, covariance_type=structure, reg_covar=reg_covar, n_init=n_init, init_params=method, random_state=seed)
        except (ValueError, TypeError) as refusal:
            assert_substance(refusal)
            assert not (possible and reg_covar and method == "kmeans"), refusal
        else:
            assert possible is not False or method == "random", "K components for fewer rows than that"
            assert_valid(model, X)


@each_structure
def test_a_tight_component_is_found(structure):
    "With the floor it is as small as the floor allows, and knows its rows; without, it is what its rows say"
    X = _tight()
    held = fitted(X, n_components=2, covariance_type=structure, random_state=0)
    assert (held.predict(X)[:60] != held.predict(X)[60]).mean() > 0.9 and len(set(held.predict(X)[60:])) == 1
    if structure == "tied": return
    k = held.predict(X)[60]
    floor = 1e-6 * X.var(axis=0) if structure != "spherical" else np.full(2, 1e-6 * X.var(axis=0).mean())
    np.testing.assert_allclose(np.diag(held.mixture_.matrices()[k]), floor, rtol=1e-3)
    free = fitted(X, n_components=2, covariance_type=structure, random_state=0, reg_covar=0, tol=1e-10)
    k = free.predict(X)[60]
    own = np.cov(X[60:].T, bias=True)
    want = {"full": own, "diag": np.diag(np.diag(own)), "spherical": np.eye(2) * np.trace(own) / 2}[structure]
    np.testing.assert_allclose(free.mixture_.matrices()[k], want, rtol=1e-4, atol=1e-14)


def test_a_component_on_the_floor_is_told():
    "And one that is not is not"
    X = _tight()
    with pytest.warns(VarianceFloorWarning, match=r"narrowest components \(1 of 2\) rest on the variance floor.*smaller reg_covar"):
        GaussianMixture(2, random_state=0).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianMixture(2, random_state=0, reg_covar=1e-14).fit(X)
        GaussianMixture(3, random_state=0).fit(three_clusters())
    assert issubclass(VarianceFloorWarning, UserWarning)


@each_structure
def test_a_component_that_loses_its_last_point(structure):
    X = _normal(60, 2)
    start = explicit(structure, X, K=2) | dict(means_init=[[0.0, 0.0], [1e6, 1e6]])
    with pytest.warns(ConvergenceWarning, match="component 1 has no points left.*Use fewer components"):
        model = GaussianMixture(2, covariance_type=structure, **start).fit(X)
    assert not model.converged_ and model.n_iter_ == 0  # a start that was given is kept


def test_the_checks_can_fail():
    "The test of the test: mixtures that are a little wrong are found out"
    from dataclasses import replace
    X = three_clusters()
    model = fitted(X, n_components=3, random_state=0)
    assert_valid(model, X)
    right = model.mixture_
    for wrong in (replace(right, covariances=right.covariances * (1 + 1e-5)), replace(right, covariances=right.covariances * (1 - 1e-6)), replace(right, means=right.means + 1e-7),
                  replace(right, weights=right.weights[[1, 2, 0]])):
        model.mixture_ = wrong
        with pytest.raises(AssertionError): assert_valid(model, X)
    model.mixture_, model.lower_bounds_ = right, model.lower_bounds_[::-1]
    with pytest.raises(AssertionError): assert_valid(model, X)
