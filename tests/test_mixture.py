"The value: densities, sampling, what is refused, that nothing can change it, and files written whole or not at all."
import builtins
import copy
import io
import os
import pickle
import zipfile
from dataclasses import FrozenInstanceError, replace

import gmm_nb.mixture as module
import mpmath
import numpy as np
import pytest
from gmm_nb.mixture import (STRUCTURES, Mixture, covariances_shape, log_sum_exp, precision_cholesky, saved_columns, saved_rows, softmax,
                            write_whole)
from oracles import error, exact_e_step, exact_log_joint, expand
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

each_structure = pytest.mark.parametrize("structure", STRUCTURES)


def random_mixture(structure, K=3, d=3, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(K, d, d)) / np.sqrt(d) + np.eye(d)
    S = {"full": lambda: A @ np.swapaxes(A, 1, 2), "tied": lambda: A[0] @ A[0].T, "diag": lambda: rng.gamma(2, size=(K, d)),
         "spherical": lambda: rng.gamma(2, size=K)}[structure]()
    return Mixture(rng.dirichlet(np.full(K, 3.0)), 3 * scale * rng.normal(size=(K, d)), S * scale**2, structure)


def by_scipy(mixture, X):
    return np.array([np.log(w) + multivariate_normal(m, S).logpdf(X).reshape(len(X))
                     for w, m, S in zip(mixture.weights, mixture.means, mixture.matrices())])


# ---- densities

@each_structure
@pytest.mark.parametrize("K, d", [(1, 1), (3, 1), (1, 4), (4, 3), (2, 10)])
def test_densities_are_scipys(structure, K, d):
    mixture = random_mixture(structure, K, d)
    X = np.random.default_rng(1).normal(size=(40, d)) * 4
    joint = by_scipy(mixture, X)
    density = logsumexp(joint, axis=0)
    np.testing.assert_allclose(mixture.log_joint(X), joint, rtol=1e-11)
    np.testing.assert_allclose(mixture.log_density(X), density, rtol=1e-11)
    np.testing.assert_allclose(mixture.resp(X), np.exp(joint - density), rtol=1e-9)
    np.testing.assert_allclose(mixture.log_determinants, [np.linalg.slogdet(S)[1] for S in mixture.matrices()], rtol=1e-10, atol=1e-12)
    assert mixture.log_joint(X).shape == mixture.resp(X).shape == (K, 40) and mixture.log_density(X).shape == (40,)


@each_structure
@pytest.mark.parametrize("scale, far", [(1, 1), (1e-8, 1), (1e8, 1), (1, 1e3), (1, 1e100)])
def test_densities_in_sixty_digits(structure, scale, far):
    "Far out, where every density underflows, the logarithms and the responsibilities are still right"
    mixture = random_mixture(structure, scale=scale)
    X = np.random.default_rng(1).normal(size=(12, 3)) * scale * far
    theta = mixture.weights, mixture.means, mixture.matrices()
    joint = exact_log_joint(X, *theta)
    resp, density = exact_e_step(X, *theta)
    slack = 10 * 2.0**-52 * np.linalg.cond(mixture.matrices()).max()
    np.testing.assert_allclose(error(mixture.log_joint(X), joint) / (1 + np.abs(joint.astype(float))), 0, atol=slack)
    np.testing.assert_allclose(error(mixture.log_density(X), density) / (1 + np.abs(density.astype(float))), 0, atol=slack)
    moved = slack * (1 + np.abs(joint.astype(float))).max()
    if moved < 1e-3:
        np.testing.assert_allclose(mixture.resp(X), resp.astype(float), rtol=0, atol=moved)
    np.testing.assert_allclose(mixture.resp(X).sum(axis=0), 1, rtol=1e-12)


@each_structure
@pytest.mark.parametrize("far", [1e160, 1e300])
def test_rows_whose_square_overflows(structure, far):
    "Responsibilities that are numbers and sum to one, or a refusal; never nan"
    mixture = random_mixture(structure)
    X = np.array([[far, 0, 0], [0, 0, 0], [-far, far, -far]])
    with np.errstate(all="ignore"):
        try:
            resp, density = mixture.resp(X), mixture.log_density(X)
        except ValueError as refusal:
            assert len(str(refusal)) > 30
            return
    np.testing.assert_allclose(resp.sum(axis=0), 1, rtol=1e-12)
    assert (density[[0, 2]] < -1e250).all() and np.isfinite(density[1])


def test_a_component_of_weight_zero_has_no_part():
    with_it = Mixture([0.4, 0.0, 0.6], [[0.0], [1.0], [2.0]], np.ones((3, 1, 1)))
    without = Mixture([0.4, 0.6], [[0.0], [2.0]], np.ones((2, 1, 1)))
    X = np.linspace(-3, 5, 20)[:, None]
    assert np.isneginf(with_it.log_joint(X)[1]).all() and (with_it.resp(X)[1] == 0).all()
    np.testing.assert_allclose(with_it.log_density(X), without.log_density(X), rtol=1e-14)
    assert set(with_it.sample(1000, np.random.default_rng(0))[1]) == {0, 2}


@pytest.mark.parametrize("column, want", [
    ([0.0, 0.0], np.log(2)), ([-1e4, -1e4], np.log(2) - 1e4), ([1e4, 0.0], 1e4), ([-np.inf, 3.0], 3.0), ([-np.inf, -np.inf], -np.inf)])
def test_log_sum_exp(column, want):
    with np.errstate(over="raise", invalid="raise", divide="raise"): got = log_sum_exp(np.array(column)[:, None])
    np.testing.assert_allclose(got, [want], rtol=1e-15)


@pytest.mark.parametrize("column, want", [
    ([0.0, 0.0], [0.5, 0.5]), ([-1e4, -1e4 + np.log(3)], [0.25, 0.75]), ([1e4, 0.0], [1, 0]), ([-np.inf, 3.0], [0, 1]), ([1e308, -1e308], [1, 0])])
def test_softmax(column, want):
    given = np.array(column)[:, None]
    with np.errstate(over="ignore", invalid="raise", divide="raise"): got = softmax(given)
    np.testing.assert_allclose(got[:, 0], want, rtol=1e-11)
    assert given[:, 0].tolist() == column  # and what was given stays as it was


@each_structure
def test_precision_factors(structure):
    mixture = random_mixture(structure, K=4, d=5)
    P = mixture.precisions_cholesky
    assert P.shape == covariances_shape(structure, 4, 5) == mixture.covariances.shape
    if structure in ("full", "tied"): assert (P == np.triu(P)).all()
    for k, S in enumerate(mixture.matrices()):
        F = mixture.factor(k)
        F = F if np.ndim(F) == 2 else np.diag(np.broadcast_to(F, 5))
        np.testing.assert_allclose(F @ F.T @ S, np.eye(5), atol=1e-12)
    np.testing.assert_array_equal(P, precision_cholesky(mixture.covariances, structure))


@each_structure
def test_whiten(structure):
    mixture, X = random_mixture(structure), np.random.default_rng(0).normal(size=(7, 3))
    for k, S in enumerate(mixture.matrices()):
        Z, y = mixture.whiten(X, k), X - mixture.means[k]
        assert Z.shape == (3, 7)
        np.testing.assert_allclose((Z**2).sum(axis=0), np.einsum("na,ab,nb->n", y, np.linalg.inv(S), y), rtol=1e-11)


def test_rows_are_taken_in_pieces():
    "More rows than a piece holds, and one more"
    mixture = random_mixture("full")
    X = np.random.default_rng(0).normal(size=(3 * 4096 + 1, 3))
    some = [0, 1, 4095, 4096, 4097, 8192, -1]
    np.testing.assert_allclose(mixture.log_joint(X)[:, some], mixture.log_joint(X[some]), rtol=1e-13)


@each_structure
@pytest.mark.parametrize("change", [np.asfortranarray, lambda X: X.astype(">f8"), lambda X: np.repeat(X, 2, axis=1)[:, ::2], lambda X: X.tolist()])
def test_layouts(structure, change):
    mixture, X = random_mixture(structure), np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(mixture.log_density(change(X)), mixture.log_density(X), rtol=1e-14)


def test_float32_rows_are_read_exactly():
    mixture, X = random_mixture("full"), np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert mixture.log_density(X).dtype == float
    np.testing.assert_array_equal(mixture.log_density(X), mixture.log_density(X.astype(float)))


@pytest.mark.parametrize("X", [np.ones(3), np.ones((2, 2)), np.full((2, 3), np.nan), np.empty((0, 3)), [["a", "b", "c"]]])
def test_rows_that_are_refused(X):
    mixture = random_mixture("full")
    for method in (mixture.log_joint, mixture.log_density, mixture.resp):
        with pytest.raises(ValueError, match="expected|minimum"): method(X)


# ---- sampling

@each_structure
def test_sample_has_the_mixtures_moments(structure):
    "Each within five standard errors; the seed is fixed"
    mixture, n = random_mixture(structure, K=3, d=2, seed=4), 40_000
    X, labels = mixture.sample(n, np.random.default_rng(0))
    assert X.shape == (n, 2) and labels.shape == (n,) and X.dtype == float and labels.dtype.kind == "i"
    for k, S in enumerate(mixture.matrices()):
        rows, share = X[labels == k], mixture.weights[k]
        m = len(rows)
        assert abs(m / n - share) < 5 * np.sqrt(share * (1 - share) / n)
        assert (np.abs(rows.mean(axis=0) - mixture.means[k]) < 5 * np.sqrt(np.diag(S) / m)).all()
        # the variance of a sample covariance's entry: (S_aa S_bb + S_ab²) / m
        assert (np.abs(np.cov(rows.T) - S) < 5 * np.sqrt((np.outer(np.diag(S), np.diag(S)) + S**2) / m)).all()
        z = mixture.whiten(rows, k)
        assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / m / 2)  # Gaussian, by its fourth moment
    # −log p averages to the entropy, whose estimate from another seed must agree
    other = mixture.log_density(mixture.sample(n, np.random.default_rng(1))[0])
    assert abs(mixture.log_density(X).mean() - other.mean()) < 5 * np.sqrt(2 * other.var() / n)


def test_sample_is_in_random_order():
    labels = Mixture([0.5, 0.5], [[0.0], [1.0]], [1.0, 1.0], "spherical").sample(1000, np.random.default_rng(0))[1]
    assert 400 < np.count_nonzero(np.diff(labels)) < 600


def test_sample_depends_on_its_generator_alone():
    mixture = random_mixture("tied")
    a, b = (mixture.sample(50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(a[0], b[0])
    rng = np.random.default_rng(3)
    mixture.sample(50, rng)
    assert not np.array_equal(mixture.sample(50, rng)[0], a[0])


@pytest.mark.parametrize("rng", [None, 0, np.random.RandomState(0)])
def test_sample_wants_a_generator(rng):
    with pytest.raises(TypeError, match="numpy.random.Generator"): random_mixture("full").sample(3, rng)


# ---- what is refused

GOOD = {"weights": [0.5, 0.5], "means": [[0.0, 0.0], [1.0, 1.0]], "covariances": np.stack([np.eye(2)] * 2), "structure": "full"}


@pytest.mark.parametrize("change, message", [
    ({"weights": [0.5, 0.6]}, r"weights sum to 1\.1; expected 1.*Divide"), ({"weights": [1.5, -0.5]}, r"weights\[1\] is -0\.5.*negative"),
    ({"weights": [[0.5, 0.5]]}, r"weights has shape \(1, 2\)"), ({"weights": []}, r"weights has shape \(0,\)"),
    ({"weights": [0.5, np.nan]}, "weights has 1 NaN"), ({"weights": ["a", "b"]}, "weights has dtype"), ({"weights": 1.0}, r"weights has shape \(\)"),
    ({"weights": [0.5, 0.5j]}, "weights has dtype complex"), ({"weights": [0.2, 0.3, 0.5]}, r"means has shape \(2, 2\); expected \(3, "),
    ({"means": [0.0, 1.0]}, r"means has shape \(2,\)"), ({"means": np.empty((2, 0))}, r"means has shape \(2, 0\)"),
    ({"means": [[0.0, np.inf], [1.0, 1.0]]}, "means has 1 NaN or infinite"),
    ({"covariances": np.eye(2)}, r"covariances has shape \(2, 2\); expected \(2, 2, 2\).*'full'"),
    ({"covariances": np.stack([np.eye(2), -np.eye(2)])}, r"covariance\[1\] is not positive definite.*eigenvalues.*expected positive"),
    ({"covariances": np.stack([np.eye(2), np.ones((2, 2))])}, r"covariance\[1\] is not positive definite"),
    ({"covariances": np.stack([np.eye(2), [[1.0, 0.5], [0.0, 1.0]]])}, r"covariance\[1\] is not symmetric.*0\.5"),
    ({"covariances": np.full((2, 2, 2), np.nan)}, "covariances has 8 NaN"),
    ({"covariances": np.eye(2) * 0, "structure": "tied"}, "not positive definite"), ({"structure": "vvv"}, "structure is 'vvv'; expected one of full, tied"),
    ({"covariances": np.ones(2), "structure": "diag"}, r"covariances has shape \(2,\); expected \(2, 2\)"),
    ({"covariances": [[1.0, 0.0], [1.0, 1.0]], "structure": "diag"}, r"covariances\[0, 1\] is 0; a variance must be positive"),
    ({"covariances": [1.0, -2.0], "structure": "spherical"}, r"covariances\[1\] is -2"),
])
def test_what_is_no_mixture(change, message):
    with pytest.raises(ValueError, match=message): Mixture(**(GOOD | change))
    with pytest.raises(ValueError, match=message): replace(Mixture(**GOOD), **change)


def test_weights_that_sum_to_one_but_for_rounding_are_corrected():
    third = Mixture([0.3333334, 0.3333333, 0.3333333], np.zeros((3, 1)), np.ones(3), "spherical")
    assert abs(third.weights.sum() - 1) < 1e-15
    exact = np.array([0.25, 0.75])
    np.testing.assert_array_equal(Mixture(exact, np.zeros((2, 1)), np.ones(2), "spherical").weights, exact)


def test_whole_numbers_and_float32_become_float64():
    mixture = Mixture([1], [[0, 1]], np.array([[1, 2]], dtype=np.float32), "diag")
    for array in (mixture.weights, mixture.means, mixture.covariances, mixture.precisions_cholesky): assert array.dtype == float


# ---- it cannot change

@each_structure
def test_nothing_can_be_written(structure):
    mixture = random_mixture(structure)
    for name in ("weights", "means", "covariances", "precisions_cholesky"):
        with pytest.raises(ValueError, match="read-only"): getattr(mixture, name)[...] = 1
        with pytest.raises(FrozenInstanceError): setattr(mixture, name, 1)
    for name in ("structure", "log_determinants", "n_components", "other"):
        with pytest.raises((FrozenInstanceError, AttributeError)): setattr(mixture, name, 1)


@each_structure
def test_nothing_that_it_gives_away_can_change_it(structure):
    mixture, X = random_mixture(structure), np.ones((1, 3))
    before = mixture.log_density(X)
    for array in (mixture.log_determinants, mixture.matrices(), mixture.log_joint(X), mixture.resp(X), mixture.whiten(X, 0)):
        try:
            array[...] = 0
        except ValueError as refusal:
            assert "read-only" in str(refusal)
    np.testing.assert_array_equal(mixture.log_density(X), before)


@each_structure
def test_it_keeps_its_own_copy(structure):
    source = random_mixture(structure)
    arrays = [np.array(a) for a in (source.weights, source.means, source.covariances)]
    mixture, X = Mixture(*arrays, structure), np.ones((1, 3))
    before = mixture.log_density(X)
    for array in arrays:
        assert array.flags.writeable  # and what was given stays as it was
        array[...] = 7
    np.testing.assert_array_equal(mixture.log_density(X), before)
    mixture.matrices()[...] = 0  # a copy as well
    np.testing.assert_array_equal(mixture.log_density(X), before)


def test_values_are_compared_by_identity():
    mixture = random_mixture("full")
    assert mixture == mixture and mixture != random_mixture("full") and hash(mixture) == hash(mixture)


@each_structure
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(structure, again):
    mixture = random_mixture(structure)
    mixture.log_determinants  # a cached value does not come in the way
    same = again(mixture)
    for name in ("weights", "means", "covariances", "precisions_cholesky"):
        np.testing.assert_array_equal(getattr(same, name), getattr(mixture, name))
        assert not getattr(same, name).flags.writeable
    assert same.structure == structure


# ---- files

def assert_same_bits(a, b):
    assert a.structure == b.structure
    for name in ("weights", "means", "covariances", "precisions_cholesky"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes() and getattr(a, name).shape == getattr(b, name).shape


@each_structure
@pytest.mark.parametrize("scale", [1.0, 1e-120, 1e120])
def test_save_and_load(structure, scale, tmp_path):
    mixture, path = random_mixture(structure, scale=scale), tmp_path / "model.npz"
    mixture.save(path)
    assert_same_bits(Mixture.load(path), mixture)
    assert_same_bits(Mixture.load(str(path)), mixture)
    assert saved_columns(path) is None
    mixture.save(str(path), columns=["a", "ü", "two words"])  # over the old one
    assert saved_columns(path) == ("a", "ü", "two words")
    assert_same_bits(Mixture.load(path), mixture)
    assert os.listdir(tmp_path) == ["model.npz"]


def test_the_name_is_taken_as_it_is(tmp_path):
    random_mixture("full").save(tmp_path / "model")
    assert os.listdir(tmp_path) == ["model"]


def test_no_pickle_in_the_file(tmp_path):
    path = tmp_path / "model.npz"
    random_mixture("full").save(path, columns=list("abc"))
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def test_columns_must_fit(tmp_path):
    with pytest.raises(ValueError, match=r"columns has 2 name\(s\); expected 3"): random_mixture("full").save(tmp_path / "m.npz", columns=["a", "b"])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("where", ["savez", "open", "write", "replace"])
def test_a_failure_leaves_the_old_file(where, tmp_path, monkeypatch):
    "The disk fills up while a new model is written over an old one: the old one is still there, and nothing else"
    old, path = random_mixture("full"), tmp_path / "model.npz"
    old.save(path)
    content = path.read_bytes()

    class Full(io.FileIO):
        def write(self, data):
            super().write(data[:100])
            raise OSError(28, "No space left on device")

    def fail(*args, **kwargs): raise OSError(28, "No space left on device")
    if where == "savez": monkeypatch.setattr(module.np, "savez", fail)
    if where == "replace": monkeypatch.setattr(module.os, "replace", fail)
    if where in ("open", "write"):
        fake = {"open": fail, "write": lambda name, mode="r", *args, **kwargs: Full(name, mode.replace("b", ""))}[where]
        monkeypatch.setattr(module, "open", fake, raising=False)
    with pytest.raises(OSError, match="No space"): random_mixture("diag", seed=1).save(path)
    monkeypatch.undo()
    assert path.read_bytes() == content and os.listdir(tmp_path) == ["model.npz"]
    assert_same_bits(Mixture.load(path), old)


def test_an_interrupt_leaves_no_new_file(tmp_path, monkeypatch):
    def stop(*args): raise KeyboardInterrupt
    monkeypatch.setattr(module.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt): random_mixture("full").save(tmp_path / "model.npz")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []


def test_writing_through_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


def test_writing_where_nothing_can_be(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere"): random_mixture("full").save(tmp_path / "nowhere" / "model.npz")
    with pytest.raises(OSError): random_mixture("full").save(tmp_path)
    assert os.listdir(tmp_path) == []


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def without_its_end():
    content = npz(**GOOD)
    return content[:len(content) // 2]


class Bomb:
    "Unpickling this would be noticed"
    def __reduce__(self): return (builtins.exec, ("import os; os.environ['GMM_NB_BOMB'] = '1'",))


BAD_FILES = {
    "empty": (b"", "not a saved mixture"), "text": (b"weights,means\n1,2\n", "not a saved mixture"), "half": (without_its_end(), "not a saved mixture"),
    "an array": (npy(np.ones(3)), "not a saved mixture"), "a pickle": (pickle.dumps(Bomb()), "not a saved mixture"),
    "objects": (npz(**GOOD | {"weights": np.array([Bomb(), Bomb()], dtype=object)}), "not a saved mixture"),
    "nothing in it": (npz(), "lacks weights, means, covariances, structure"), "one missing": (npz(weights=[1.0], means=[[0.0]], structure="full"), "lacks covariances"),
    "bad shape": (npz(**GOOD | {"means": [[0.0, 0.0]]}), "means has shape"), "bad structure": (npz(**GOOD | {"structure": "round"}), "'round'"),
    "bad weights": (npz(**GOOD | {"weights": [0.5, 0.4]}), "sum to 0.9"), "nan": (npz(**GOOD | {"means": [[0.0, np.nan], [0.0, 0.0]]}), "NaN"),
    "words": (npz(**GOOD | {"means": [["a", "b"], ["c", "d"]]}), "means has dtype"),
}


def test_rows_are_saved(tmp_path):
    path = tmp_path / "model.npz"
    for n_samples, expected in ((None, None), (272, 272.0), (1.5, 1.5)):
        Mixture([1.0], [[0.0]], [[[1.0]]]).save(path, columns=["a"], n_samples=n_samples)
        assert saved_rows(path) == expected and saved_columns(path) == ("a",)
    for wrong, message in ((0, "expected a positive number"), (np.nan, "expected a positive number"), ([1, 2], "n_samples has shape"), ("many", "n_samples has dtype")):
        path.write_bytes(npz(**GOOD | {"n_samples": wrong}))
        with pytest.raises(ValueError, match=message): saved_rows(path)


@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_files(what, tmp_path):
    content, message = BAD_FILES[what]
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message): Mixture.load(path)
    if "not a saved" in message or "lacks" in message:
        with pytest.raises(ValueError, match=message): saved_columns(path)
    assert "GMM_NB_BOMB" not in os.environ
    path.rename(path)  # no handle is left open (matters on Windows)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError): Mixture.load(tmp_path / "no.npz")
    with pytest.raises(OSError): Mixture.load(tmp_path)


def test_other_arrays_in_the_file_do_no_harm(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(npz(**GOOD, note=np.array("from a later version")))
    assert Mixture.load(path).n_components == 2


def test_every_damaged_byte_is_refused_or_harmless(tmp_path):
    "A file with one byte wrong: the same mixture, or ValueError"
    mixture, path = random_mixture("spherical", K=2, d=1), tmp_path / "model.npz"
    mixture.save(path)
    content = path.read_bytes()
    refused, others = 0, {}
    for position in range(len(content)):
        for flip in (0xFF, 0x01) if position % 4 == 0 else (0xFF,):
            damaged = bytearray(content)
            damaged[position] ^= flip
            path.write_bytes(bytes(damaged))
            try:
                assert_same_bits(Mixture.load(path), mixture)
            except ValueError:
                refused += 1
            except Exception as other:  # noqa: BLE001
                others.setdefault(repr(other)[:80], (position, flip))
    assert not others, others
    assert refused > len(content) / 4


def test_the_file_is_a_plain_archive(tmp_path):
    path = tmp_path / "model.npz"
    random_mixture("full").save(path)
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["covariances.npy", "means.npy", "structure.npy", "weights.npy"] and archive.testzip() is None


def test_mpmath_is_precise_here():
    assert mpmath.mp.dps >= 50
