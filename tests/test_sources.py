"Sources: joined samples, sums by blocks, files, lazy tables, clusters, and the estimator on all of them."
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from gmm_nb import BayesianGaussianMixture, GaussianMixture, sources
from gmm_nb.acceleration import climb
from gmm_nb.covariance import variance_floor
from gmm_nb.e_step import e_step, is_fast
from gmm_nb.initialization import given_start
from gmm_nb.missing import by_pattern, prepare_holes
from gmm_nb.mixture import Mixture
from gmm_nb.sources import Source, joined, of_array, of_memmap, of_npy, prepare_source, source_of
from gmm_nb.statistics import prepare
from gmm_nb.structures import NAMES
from gmm_nb.workers import parallel
from numpy.testing import assert_allclose, assert_array_equal

each_structure = pytest.mark.parametrize("structure", ["full", "tied", "diag", "spherical", *NAMES])


def blobs(n=5000, d=3, K=3, seed=0, offset=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(K, size=n)
    centres = 5 * rng.normal(size=(K, d))
    return (rng.normal(size=(n, d)) * rng.uniform(0.5, 2, d) + centres[labels]) * scale + offset


def start_on(X, K, structure, seed=0):
    resp = np.random.default_rng(seed).dirichlet(np.full(K, 0.5), size=len(X)).T
    return given_start(prepare(X, None, structure), resp, structure)


def same_sums(a, b, rtol=1e-12):
    a, reach = a.about(b.origin), np.sqrt(np.abs(b.second).max())
    for name in ("counts", "first", "second", "log_likelihood", "n_samples"):
        wanted = np.asarray(getattr(b, name))
        assert_allclose(getattr(a, name), wanted, rtol=rtol, atol=rtol * max(np.abs(wanted).max(initial=0), reach), err_msg=name)


# ---- the sums

@pytest.mark.parametrize("offset, scale", [(0, 1), (1e8, 1), (-3, 1e-8), (0, 1e8)])
def test_joined_samples_are_the_sample_of_the_whole(offset, scale):
    X = blobs(offset=offset, scale=scale)
    whole, parts = prepare(X, structure="tied"), [prepare(X[a:b], structure="tied") for a, b in ((0, 1), (1, 700), (700, 5000))]
    found = joined(joined(parts[0], parts[1]), parts[2])
    rounding = 2.0**-46 * (abs(offset) + 10 * scale)
    assert_allclose(found.origin, whole.origin, rtol=0, atol=rounding)
    assert_allclose(found.scatter, whole.scatter, rtol=1e-7 if offset == 1e8 else 1e-11, atol=1e-9 * whole.scatter.max())
    assert found.n_samples == whole.n_samples and (found.radius >= whole.radius - 4 * rounding).all()


@each_structure
@pytest.mark.parametrize("rows", [5000, 640, 1])
def test_sums_by_blocks_are_those_of_the_whole(structure, rows):
    X = blobs(n=5000 if rows > 1 else 300)
    mixture = start_on(X, 3, structure)
    same_sums(prepare_source(of_array(X, rows), None, structure).sums(mixture), e_step(prepare(X, None, structure), mixture), 1e-11)


@each_structure
def test_sums_where_digits_are_scarce(structure):
    "A component far tighter than the data's spread: the way of features must be left, by every block"
    X = blobs()
    X[:400] = X[0] + 1e-7 * np.random.default_rng(1).normal(size=(400, 3))
    resp = np.array([np.arange(len(X)) < 400, np.arange(len(X)) >= 400], dtype=float)
    mixture = given_start(prepare(X, None, structure), resp, structure)
    whole, found = prepare(X, None, structure), prepare_source(of_array(X, 640), None, structure)
    about = mixture.means if is_fast(whole, mixture) else None
    same_sums(found.sums(mixture, map, about), e_step(whole, mixture, map, about), 1e-9)


@each_structure
def test_the_same_bits_for_any_workers(structure):
    X = blobs()
    mixture, sample = start_on(X, 3, structure), prepare_source(of_array(X, 640), None, structure)
    backwards = lambda work, pieces: list(map(work, list(pieces)[::-1]))[::-1]
    one = sample.sums(mixture)
    for jobs in (1, 2, 4):
        with parallel(jobs) as workers:
            for run in (workers, backwards):
                other = sample.sums(mixture, run)
                for name in ("counts", "first", "second"): assert_array_equal(getattr(other, name), getattr(one, name))
                assert other.log_likelihood == one.log_likelihood


@pytest.mark.parametrize("structure", ["full", "tied", "diag", "EVE"])
def test_weights_follow_their_rows(structure):
    X, rng = blobs(), np.random.default_rng(0)
    weights = rng.uniform(0.1, 3, len(X)) * (rng.random(len(X)) < 0.8)
    weights[640:1280] = 0  # a block without any weight
    mixture = start_on(X, 3, structure)
    found = prepare_source(of_array(X, 640), weights, structure)
    same_sums(found.sums(mixture), e_step(prepare(X, weights, structure), mixture), 1e-11)
    huge = prepare_source(of_array(X, 640), weights * 1e200, structure)
    assert huge.unit != 1 and np.isfinite(huge.n_samples)
    assert_allclose(huge.scatter * huge.unit / 1e200, found.scatter, rtol=1e-9)


def test_float32_stays_and_integers_become_float64():
    X = blobs().astype(np.float32)
    assert prepare_source(of_array(X, 999)).X.dtype == np.float32
    whole = prepare_source(of_array((X * 10).astype(np.int16), 999))
    assert whole.X.dtype == np.float64 and whole.X.shape == X.shape and len(whole.X) == len(X)


def test_rows_to_start_from_stand_for_all(monkeypatch):
    monkeypatch.setattr(sources, "START_ROWS", 500)
    X, weights = blobs(), np.random.default_rng(0).uniform(0, 2, 5000)
    means = []
    for seed in range(40):
        start = prepare_source(of_array(X, 640), weights, seed=seed).start
        assert len(start.X) == 500
        means.append(start.weights @ start.X / weights.sum())
    error = np.mean(means, axis=0) - np.average(X, axis=0, weights=weights)
    assert (np.abs(error) < 4 * np.std(means, axis=0) / np.sqrt(40)).all()
    again = prepare_source(of_array(X, 640), weights, seed=3).start
    with parallel(3) as workers: threads = prepare_source(of_array(X, 640), weights, workers=workers, seed=3).start
    assert_array_equal(again.X, threads.X)
    assert not np.array_equal(again.X, prepare_source(of_array(X, 640), weights, seed=4).start.X)


@pytest.mark.parametrize("acceleration", [None, "squarem", "natural-gradient"])
def test_a_whole_run(acceleration):
    X = blobs()
    start, sample = start_on(X, 3, "full"), prepare_source(of_array(X, 777))
    ends = [climb(data, start, variance_floor(prepare(X), 1e-6), acceleration=acceleration, max_iter=60, tol=1e-12) for data in (sample, prepare(X))]
    assert_allclose(ends[0].mixture.means, ends[1].mixture.means, rtol=1e-6)
    assert (np.diff(ends[0].log_likelihoods) >= 0).all()


# ---- files

@pytest.fixture
def folder(tmp_path):
    X = blobs()
    np.save(tmp_path / "rows.npy", X)
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",", header="a,b,c", comments="")
    np.savetxt(tmp_path / "bare.tsv.gz", X, delimiter="\t")
    return tmp_path, X


def read(source): return np.concatenate([load() for load in source.loads])


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", ["<f8", "<f4", ">f8", "<i4"])
def test_npy(tmp_path, order, dtype):
    X = np.asarray(100 * blobs(), dtype=dtype, order=order)
    np.save(tmp_path / "x.npy", X)
    source = of_npy(tmp_path / "x.npy")
    assert_array_equal(read(source), X)
    assert_array_equal(prepare_source(source).origin, prepare_source(of_array(X)).origin)


def test_a_memory_map_is_opened_by_who_needs_it(folder):
    path, X = folder
    part = np.load(path / "rows.npy", mmap_mode="r")[10:4000]
    source = of_memmap(part)
    assert max(len(pickle.dumps(load)) for load in source.loads) < 1000
    assert_array_equal(read(pickle.loads(pickle.dumps(source))), X[10:4000])
    assert_array_equal(read(of_memmap(part[:, :2])), X[10:4000, :2])  # no rows one after the other


def test_csv_parquet_and_arrow(folder):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet
    path, X = folder
    assert_array_equal(read(source_of(path / "rows.csv")), X)
    assert_array_equal(read(source_of(path / "bare.tsv.gz")), X)
    assert_array_equal(read(source_of(path / "rows.csv", columns=["c", "a"])), X[:, [2, 0]])
    table = arrow.table({name: X[:, i] for i, name in enumerate("abc")} | {"word": ["x"] * len(X)})
    parquet.write_table(table, path / "rows.parquet", row_group_size=300)
    with pytest.raises(ValueError, match="column 'word' of string; expected numbers"): read(source_of(path / "rows.parquet"))
    source = source_of(path / "rows.parquet", columns=["a", "b", "c"])
    assert_array_equal(read(source), X)
    assert source.columns == ("a", "b", "c") and len(source) == 1 and sum(source.lengths) == len(X)
    assert_array_equal(read(source_of(table, columns=list("abc"))), X)
    with pytest.raises(ValueError, match="no column 'z'; it has a, b, c, word"): source_of(path / "rows.parquet", columns=["z"])
    spark = path / "spark"
    spark.mkdir()
    (spark / "_SUCCESS").touch()
    for i, rows in enumerate(np.array_split(X, 3)):
        parquet.write_table(arrow.table({name: rows[:, j] for j, name in enumerate("abc")}), spark / f"part-{i}.snappy.parquet")
    assert_array_equal(read(source_of(spark)), X)
    mixed = arrow.table({"a": [1.0, None], "b": [None, 7], "c": [True, None], "d": arrow.nulls(2)})
    assert_array_equal(read(source_of(mixed)), [[1, np.nan, 1, np.nan], [np.nan, 7, np.nan, np.nan]])


def test_the_temporary_file_goes_with_the_source(folder):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    source = source_of(folder[0] / "rows.csv")
    name = source.keep.name
    assert os.listdir(name) == ["rows"]
    del source
    assert not os.path.exists(name)


def test_the_temporary_file_is_there_until_the_fit_has_ended(folder, monkeypatch):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    monkeypatch.setattr(sources, "IN_MEMORY", 0)
    path, X = folder
    table = arrow.table({name: X[:, i] for i, name in enumerate("abc")})
    for data in (path / "rows.csv", pytest.importorskip("pyarrow.dataset").dataset(table), [path / "rows.csv", path / "rows.csv"]):
        model = GaussianMixture(3, random_state=0).fit(data)
        assert_allclose(model.score(data), model.score(X), rtol=1e-12)


def test_polars(folder):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    polars = pytest.importorskip("polars", reason="polars is not installed")
    lazy = polars.scan_csv(folder[0] / "rows.csv").select("c", b=polars.col("b") * 2)
    source = source_of(lazy)
    assert_array_equal(read(source), folder[1][:, [2, 1]] * [1, 2])
    assert source.columns == ("c", "b")


def test_dask_arrays_and_frames():
    pytest.importorskip("dask", reason="dask is not installed")
    from dask import array
    X = blobs()
    source = source_of(array.from_array(X, chunks=(700, 2)))
    assert_array_equal(read(source), X)
    assert source.lengths[0] == 700
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pytest.importorskip("dask.dataframe", reason="dask's data frames are not installed")
    source = source_of(frame.from_pandas(pandas.DataFrame(X, columns=list("abc")), npartitions=4), columns=["b", "a"])
    assert_array_equal(read(source), X[:, [1, 0]])


def test_several_files(folder):
    path, X = folder
    assert_array_equal(read(source_of([path / "rows.npy", str(path / "rows.npy")])), np.concatenate([X, X]))


def test_changes_of_a_copy_on_write_map_count(tmp_path):
    np.save(tmp_path / "x.npy", blobs())
    M = np.load(tmp_path / "x.npy", mmap_mode="c")
    M += 100
    assert_array_equal(read(source_of(M)), blobs() + 100)
    assert_array_equal(read(source_of(M[7:])), blobs()[7:] + 100)


def test_a_column_that_begins_whole(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    with open(tmp_path / "x.csv", "w") as file:
        file.write("a,b\n")
        for _ in range(18): file.write("1234567,7654321\n" * 2**16)
        file.write("0.5,2\n")
    source = source_of(tmp_path / "x.csv")
    assert_array_equal(source.loads[-1]()[-1], [0.5, 2])


def test_empty_blocks():
    X = blobs()
    source = Source((lambda: X[:0], lambda: X[:2500], lambda: X[2500:2500], lambda: X[2500:]))
    model = GaussianMixture(3, random_state=0).fit(source)
    assert_array_equal(model.predict(source), model.predict(X))
    assert_allclose(model.score(source), model.score(X), rtol=1e-13)


@pytest.mark.parametrize("d, wanted", [(1, 100_000), (8, 100_000), (500, 10_000)])
def test_how_many_rows_a_start_gets(d, wanted):
    assert sources.rows_for_start(d) == min(wanted, max(20 * d, 2**22 // d))


# ---- the estimator

@pytest.mark.parametrize("structure", ["full", "tied", "EVE"])
def test_fit_on_blocks_and_on_the_array(structure):
    X = blobs()
    blocks = GaussianMixture(3, covariance_type=structure, random_state=0, tol=1e-11).fit(of_array(X, 640))
    whole = GaussianMixture(3, covariance_type=structure, random_state=0, tol=1e-11).fit(X)
    by = lambda model: model.means_[np.argsort(model.means_[:, 1])]  # their first columns are close: any order
    assert_allclose(by(blocks), by(whole), atol=2e-3)
    assert_allclose(blocks.lower_bound_, whole.lower_bound_, rtol=1e-10)
    assert blocks.n_features_in_ == 3


def test_a_small_file_is_an_array(folder):
    path, X = folder
    for data in ("rows.npy", "rows.csv"):
        if data.endswith("csv"): pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        model = GaussianMixture(3, random_state=0).fit(path / data, sample_weight=np.arange(5000.0))
        assert_array_equal(model.means_, GaussianMixture(3, random_state=0).fit(X, sample_weight=np.arange(5000.0)).means_)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    assert_array_equal(model.predict(path / "rows.csv"), model.predict(X.copy()))
    with pytest.raises(ValueError, match="Got the columns c, b, a; the fit was to a, b, c"):
        model.predict(source_of(path / "rows.csv", columns=["c", "b", "a"]))


def test_predictions_by_blocks(tmp_path):
    X = blobs()
    model, source = GaussianMixture(3, random_state=0).fit(X), of_array(X, 640)
    for name in ("predict", "predict_proba", "score_samples"):
        wanted = getattr(model, name)(X)
        assert_allclose(getattr(model, name)(source), wanted, rtol=1e-12)
        path = tmp_path / f"{name}.npy"
        found = getattr(model, name)(source, out=path)
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        assert_allclose(np.load(path), wanted, rtol=1e-12)
        array = np.empty_like(wanted)
        assert getattr(model, name)(X, out=array) is array
        assert_array_equal(array, wanted)
    assert_allclose(model.score(source), model.score(X), rtol=1e-13)
    assert_allclose(model.bic(source), model.bic(X), rtol=1e-13)
    assert sorted(os.listdir(tmp_path)) == ["predict.npy", "predict_proba.npy", "score_samples.npy"]


def test_a_prediction_that_fails_leaves_the_file_as_it_was(tmp_path):
    X = blobs()
    model, path = GaussianMixture(2).fit(X), tmp_path / "labels.npy"
    model.predict(X, out=path)
    before = path.read_bytes()
    bad = X.copy()
    bad[3000, 1] = np.inf
    with pytest.raises(ValueError, match="Block 4 of the source has 1 NaN or infinite"): model.predict(of_array(bad, 640), out=path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["labels.npy"]


def test_priors_fixed_parts_and_variational_bayes():
    X = blobs()
    source, means = of_array(X, 640), X[[0, 1, 2]]
    model = GaussianMixture(3, prior="default", fixed={"means": [1]}, means_init=means, tol=1e-11).fit(source)
    whole = GaussianMixture(3, prior="default", fixed={"means": [1]}, means_init=means, tol=1e-11).fit(X)
    assert_array_equal(model.means_[1], means[1])
    assert_allclose(model.lower_bound_, whole.lower_bound_, rtol=1e-9)
    assert BayesianGaussianMixture(n_components=5, random_state=0, max_iter=300).fit(source).weights_.max() > 0.2


def test_progress_is_told_in_blocks(capsys):
    GaussianMixture(2, verbose=1, max_iter=3, tol=0).fit(of_array(blobs(), 640))
    told = capsys.readouterr().err
    assert "block" in told and "/8" in told


@pytest.mark.parametrize("make, words", [
    (lambda X: GaussianMixture(2).fit(of_array(X, 640), labels=np.zeros(len(X), int)), "Got labels with data in blocks"),
    (lambda X: GaussianMixture(2, init_params=np.zeros(len(X), int)).fit(of_array(X, 640)), "Got init_params with a value for each row"),
    (lambda X: GaussianMixture(2).fit(Source(())), "no blocks"),
    (lambda X: GaussianMixture(2).fit(Source((lambda: X,)), sample_weight=np.ones(len(X))), "lengths only when loaded"),
    (lambda X: GaussianMixture(2).fit(of_array(X, 640), sample_weight=np.ones(3)), r"shape \(3,\) for 5000 rows"),
    (lambda X: GaussianMixture(2).fit(of_array(np.where(X == X[700, 1], np.nan, X), 640)), "Block 1 of the source has 1 NaN"),
    (lambda X: GaussianMixture(2).fit(Source((lambda: X, lambda: X[:, :2]))), "columns"),
    (lambda X: GaussianMixture(6000).fit(of_array(X, 640)), "n_components = 6000"),
    (lambda X: GaussianMixture(2).fit(X).predict(of_array(X[:, :2])), "X has 2 features"),
    (lambda X: GaussianMixture(2).fit(X).predict(Source(())), "no blocks"),
    (lambda X: GaussianMixture(2).fit(X).predict(X, out=np.empty(3)), "Got out with 3 rows"),
    (lambda X: GaussianMixture(2).fit(X).predict(X, out="labels.csv"), "ends in .npy"),
])
def test_bad_input_has_one_clear_error(make, words):
    with pytest.raises(ValueError, match=words): make(blobs())


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file; expected a"): source_of(tmp_path / "no.npy")
    for name in ("", "text", ["a", "b"], "x" * 5000, "\0"):
        with pytest.raises(ValueError, match="no such file"): GaussianMixture().fit(name)
    (tmp_path / "x.doc").touch()
    with pytest.raises(ValueError, match="ends in '.doc'; expected one of .npy"): source_of(tmp_path / "x.doc")
    with pytest.raises(ValueError, match="without .parquet files"): source_of(tmp_path)
    with pytest.raises(TypeError, match="Got float; expected a path"): source_of(3.0)
    np.save(tmp_path / "line.npy", np.arange(3.0))
    with pytest.raises(ValueError, match=r"shape \(3,\)"): source_of(tmp_path / "line.npy")


# ---- missing values

AT_RANDOM = dict(random_state=0, missing="at_random")


def holed(X, rows=640):
    "A fifth of the values missing; a block without any value of a column, and one without any value"
    H = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    H[rows:2 * rows, 1] = np.nan
    H[2 * rows:3 * rows] = np.nan
    return H


def some_weights(n):
    rng = np.random.default_rng(1)
    return rng.uniform(0.1, 3, n) * (rng.random(n) < 0.8)


@each_structure
@pytest.mark.parametrize("offset", [0, 1e6])
@pytest.mark.parametrize("weighted", [False, True])
def test_expected_sums_by_blocks_are_those_of_the_table(structure, offset, weighted):
    X = blobs(offset=offset)
    H, weights, mixture = holed(X), some_weights(len(X)) if weighted else None, start_on(X, 3, structure)
    whole = prepare_holes(H, weights, structure)
    for rows in (640, 2500):  # 2500 rows have patterns that are summed by themselves
        found = prepare_source(of_array(H, rows), weights, structure, holes=True)
        for about in (None, mixture.means):
            same_sums(found.sums(mixture, map, about), e_step(whole, mixture, map, about), 1e-11)
        assert_allclose(found.origin, whole.origin, rtol=1e-13)
        assert_allclose(found.variances, whole.variances, rtol=1e-10)
        assert_allclose(found.n_samples, whole.n_samples, rtol=1e-13)
        assert found.scatter.shape == whole.scatter.shape
        assert (found.radius >= whole.radius * (1 - 1e-12)).all() and (found.radius < 2 * whole.radius).all()


@pytest.mark.parametrize("structure", ["full", "tied", "diag", "EVE"])
def test_the_same_bits_with_holes(structure):
    H = holed(blobs())
    mixture, sample = start_on(blobs(), 3, structure), prepare_source(of_array(H, 640), some_weights(len(H)), structure, holes=True)
    backwards = lambda work, pieces: list(map(work, list(pieces)[::-1]))[::-1]
    pickled = lambda work, pieces: [pickle.loads(pickle.dumps(work))(pickle.loads(pickle.dumps(piece))) for piece in pieces]
    one = sample.sums(mixture)
    for jobs in (1, 2, 4):
        with parallel(jobs) as workers:
            for run in (workers, backwards, pickled):
                other = sample.sums(mixture, run)
                for name in ("counts", "first", "second"): assert_array_equal(getattr(other, name), getattr(one, name))
                assert other.log_likelihood == one.log_likelihood
            again = prepare_source(of_array(H, 640), some_weights(len(H)), structure, workers, holes=True)
            for name in ("origin", "radius", "scatter", "n_samples", "squared_spreads"): assert_array_equal(getattr(again, name), getattr(sample, name))
            assert_array_equal(again.start.X, sample.start.X)


def test_holes_where_digits_are_scarce():
    "Columns that are nearly functions of each other: blocks take the careful way of the whole"
    X = blobs()
    X[:, 2] = X[:, 0] + X[:, 1] + 1e-6 * X[:, 2]
    H, mixture = holed(X), start_on(X, 3, "full")
    found, whole = prepare_source(of_array(H, 640), holes=True), prepare_holes(H)
    assert not is_fast(whole, mixture) and not is_fast(found, mixture)
    same_sums(found.sums(mixture, map, mixture.means), e_step(whole, mixture, map, mixture.means), 1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("structure", ["full", "tied", "diag", "VEV"])
def test_fit_to_blocks_with_holes(structure, weighted):
    X = blobs()
    H, weights = holed(X), some_weights(len(X)) if weighted else None
    fit = lambda data: GaussianMixture(3, covariance_type=structure, tol=1e-11, **AT_RANDOM).fit(data, sample_weight=weights)
    blocks, whole = fit(of_array(H, 640)), fit(H)
    assert_allclose(blocks.lower_bound_, whole.lower_bound_, rtol=1e-9)
    by = lambda model: model.means_[np.argsort(model.means_[:, 1])]
    assert_allclose(by(blocks), by(whole), atol=2e-3)
    assert_allclose(blocks.n_samples_seen_, whole.n_samples_seen_, rtol=1e-12)
    threads = GaussianMixture(3, covariance_type=structure, tol=1e-11, n_jobs=1, **AT_RANDOM).fit(of_array(H, 640), sample_weight=weights)
    assert_array_equal(threads.means_, blocks.means_)


@pytest.mark.parametrize("d", [1, 3, 8, 9, 17])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_rows_are_sorted_by_pattern(d, share):
    "Every pattern once, its rows as in the table; patterns in the order of their binary digits"
    hole = np.random.default_rng(0).random((500, d)) < share
    order, borders = by_pattern(hole)
    digits = [tuple(row) for row in hole.tolist()]
    eights = lambda row: [row[j:j + 8] for j in range(0, d, 8)][::-1]  # the last byte counts most
    assert order.tolist() == sorted(range(500), key=lambda i: (eights(digits[i]), i))
    assert borders.tolist() == [0, *(i for i in range(1, 500) if digits[order[i]] != digits[order[i - 1]]), 500]


def test_a_source_without_holes_is_fitted_as_before():
    X = blobs()
    assert_array_equal(GaussianMixture(3, **AT_RANDOM).fit(of_array(X, 640)).means_, GaussianMixture(3, random_state=0).fit(of_array(X, 640)).means_)
    assert not prepare_source(of_array(X, 640), holes=True).holes


@pytest.mark.parametrize("structure", ["full", "tied", "diag", "spherical"])
def test_priors_on_blocks_with_holes(structure):
    H = holed(blobs())
    fit = lambda data: GaussianMixture(3, covariance_type=structure, prior="default", **AT_RANDOM).fit(data)
    assert_allclose(fit(of_array(H, 640)).lower_bound_, fit(H).lower_bound_, rtol=1e-6)


def test_starts_that_are_given_and_blocks_with_holes():
    X = blobs()
    H, source = holed(X), of_array(holed(X), 640)
    for init in ("k-means++", lambda rows, K, rng: (rows[:, 0] > 0).astype(int)):
        model = GaussianMixture(2, init_params=init, **AT_RANDOM).fit(source)
        assert np.isfinite(model.score(H))
    means = GaussianMixture(3, means_init=X[:3], max_iter=0, **AT_RANDOM).fit(source).means_
    assert_allclose(means[np.argsort(means[:, 0])], X[:3][np.argsort(X[:3, 0])])


def test_a_column_with_next_to_no_values(monkeypatch):
    "Not one would be in a subsample of 500 rows, drawn by priorities alone"
    monkeypatch.setattr(sources, "START_ROWS", 500)
    X = blobs()
    H = holed(X)
    H[:, 2] = np.nan
    H[4990:, 2] = X[4990:, 2]
    sample = prepare_source(of_array(H, 640), holes=True)
    rare = ~np.isnan(sample.start.X[:, 2])
    assert np.count_nonzero(rare) == 10 and 500 < len(sample.start.X) <= 510
    assert np.count_nonzero(sample.start.weights[rare] == 1) == len(sample.start.X) - 500  # these stand for themselves
    assert_allclose(sample.start.n_samples, sample.n_samples, rtol=0.2)
    assert_allclose(sample.origin[2], X[4990:, 2].mean(), rtol=1e-12)
    assert np.isfinite(GaussianMixture(2, max_iter=5, **AT_RANDOM).fit(of_array(H, 640)).score(H))


def test_predictions_of_blocks_with_holes(tmp_path):
    H = holed(blobs())
    model, source = GaussianMixture(3, **AT_RANDOM).fit(H), of_array(H, 640)
    for name in ("predict", "predict_proba", "score_samples"):
        wanted = getattr(model, name)(H)
        assert_allclose(getattr(model, name)(source), wanted, rtol=1e-11, atol=1e-13)
        found = getattr(model, name)(source, out=tmp_path / f"{name}.npy")
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        assert_allclose(np.load(tmp_path / f"{name}.npy"), wanted, rtol=1e-11, atol=1e-13)
    assert_allclose(model.score(source), model.score(H), rtol=1e-12)
    assert_allclose(model.bic(source), model.bic(H), rtol=1e-12)
    assert_allclose(model.score(source, sample_weight=np.arange(5000.0)), model.score(H, sample_weight=np.arange(5000.0)), rtol=1e-12)


def test_holes_of_blocks_are_filled(tmp_path):
    H = holed(blobs())
    model, source, seen = GaussianMixture(3, **AT_RANDOM).fit(H), of_array(H, 640), ~np.isnan(H)
    found = model.impute(source, out=tmp_path / "x.npy")
    assert_allclose(found, model.impute(H), rtol=1e-10, atol=1e-12)
    assert_array_equal(np.load(tmp_path / "x.npy"), found)
    draws = model.impute(source, draw=True)
    assert_array_equal(draws[seen], H[seen])
    assert_array_equal(draws, GaussianMixture(3, n_jobs=1, **AT_RANDOM).fit(H).impute(source, draw=True))
    assert not np.array_equal(draws, model.impute(source, draw=True, random_state=1)) and not np.isnan(draws).any()
    twice = model.impute(Source((lambda: H[:640], lambda: H[:640])), draw=True)
    assert not np.isin(twice[:640][~seen[:640]], twice[640:]).any()  # no block repeats another's draws
    array = np.empty_like(H)
    assert model.impute(H, out=array) is array
    assert model.impute(of_array(H.astype(np.float32), 640)).dtype == np.float32
    with pytest.raises(ValueError, match="infinite"): model.impute(of_array(np.where(H > 8, np.inf, H), 640))
    two = Source((lambda: H[:9], lambda: H[:9].astype(np.float32)))
    with pytest.raises(ValueError, match="float64 and float32; expected the same"): model.impute(two, out=tmp_path / "y.npy")
    assert os.listdir(tmp_path) == ["x.npy"]


def written_with_holes(folder, kind, H):
    "The same table with holes as a file of this kind, or as another library's table"
    names = "abc"
    if kind == "npy":
        np.save(folder / "rows.npy", H)
        return folder / "rows.npy"
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import csv, parquet
    table = arrow.table({name: arrow.array(H[:, j], mask=np.isnan(H[:, j])) for j, name in enumerate(names)})
    if kind == "csv": csv.write_csv(table, folder / "rows.csv")
    if kind == "parquet": parquet.write_table(table, folder / "rows.parquet", row_group_size=700)
    if kind in ("csv", "parquet"): return folder / f"rows.{kind}"
    if kind == "arrow": return pytest.importorskip("pyarrow.dataset").dataset(table)
    if kind == "polars": return pytest.importorskip("polars", reason="polars is not installed").from_arrow(table).lazy()
    pytest.importorskip("dask", reason="dask is not installed")
    if kind == "dask array":
        from dask import array
        return array.from_array(H, chunks=(700, 2))
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pytest.importorskip("dask.dataframe", reason="dask's data frames are not installed")
    table = pandas.DataFrame(H, columns=list(names))
    return frame.from_pandas(table.convert_dtypes() if kind == "dask with NA" else table, npartitions=4)


KINDS = ["npy", "csv", "parquet", "arrow", "polars", "dask array", "dask frame", "dask with NA"]


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_files_and_tables_with_holes(tmp_path, monkeypatch, kind, in_memory):
    H = holed(blobs()).round(3)
    data = written_with_holes(tmp_path, kind, H)
    assert_array_equal(read(source_of(data)), H)
    if not in_memory: monkeypatch.setattr(sources, "IN_MEMORY", 0)
    monkeypatch.setattr(sources, "block_rows", lambda d: 640)
    model = GaussianMixture(3, tol=1e-9, **AT_RANDOM).fit(data)
    wanted = GaussianMixture(3, tol=1e-9, **AT_RANDOM).fit(H)
    assert_allclose(model.lower_bound_, wanted.lower_bound_, rtol=1e-7)
    assert_allclose(model.score_samples(data), model.score_samples(H), rtol=1e-11)
    with pytest.raises(ValueError, match="NaN") as told: GaussianMixture(3, random_state=0).fit(data)
    assert "missing='at_random'" in str(told.value)
    named = kind not in ("npy", "dask array")
    assert ("column '" in str(told.value)) == named
    with pytest.raises(ValueError, match="NaN or missing"): model.set_params(missing="error").predict(data)


def test_whole_numbers_with_a_gap(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    with open(tmp_path / "x.csv", "w") as file: file.write("a,b\n1,2\n,3\n5,NA\n")
    assert_array_equal(read(source_of(tmp_path / "x.csv")), [[1, 2], [np.nan, 3], [5, np.nan]])


@pytest.mark.parametrize("estimator, change, words", [
    (GaussianMixture(2, **AT_RANDOM), lambda H: np.where(np.arange(3) == 1, np.nan, H), "Column 1 of X has no value in any row that counts"),
    (GaussianMixture(2, **AT_RANDOM), lambda H: H * np.nan, "no rows with a positive weight and a value"),
    (GaussianMixture(2, **AT_RANDOM), lambda H: np.where(H > 8, np.inf, H), r"Block \d of the source has \d+ infinite value"),
    (GaussianMixture(2, **AT_RANDOM), lambda H: np.where(H > 8, 1e200, H), "Column 0 of X ranges over"),
    (GaussianMixture(20, **AT_RANDOM), lambda H: np.where(np.arange(len(H))[:, None] < 10, H, np.nan), "n_components = 20, n_samples = 10 with a value"),
    (GaussianMixture(2), lambda H: H, r"Block \d of the source has .* NaN or missing value"),
    (BayesianGaussianMixture(n_components=2), lambda H: H, r"Block \d of the source has .* NaN or missing value"),
])
def test_holes_that_are_refused(estimator, change, words):
    X = blobs()
    for weights in (None, np.ones(len(X))):
        with pytest.raises(ValueError, match=words): estimator.fit(of_array(change(holed(X)), 640), sample_weight=weights)


def test_columns_without_values_are_named(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = arrow.table({"a": [1.0, None, 3.0, 4.0], "b": arrow.nulls(4)})
    for data in (table, replace(source_of(table), lengths=None)):
        with pytest.raises(ValueError, match="Column b of X has no value"): GaussianMixture(2, **AT_RANDOM).fit(source_of(data))


@pytest.mark.parametrize("block, words", [
    (lambda X: np.ma.masked_greater(X, 5), "masked entries"),  # what is under the mask is no data
    (lambda X: X + 1j, "Complex data"),
    (lambda X: X.astype(str), "has dtype <U"),
    (lambda X: np.full((9, 3), "word", dtype=object), "entries that are no numbers"),
    (lambda X: None, "has dtype object"),
    (lambda X: np.empty(0), r"has shape \(0,\); expected 2D data"),
    (lambda X: pytest.importorskip("scipy.sparse").csr_matrix(X), "is a sparse matrix"),
])
def test_a_block_that_is_no_table_of_numbers(block, words):
    X = blobs(200)
    source, model = Source((lambda: block(X), lambda: X)), GaussianMixture(2).fit(X)
    for use in (GaussianMixture(2).fit, BayesianGaussianMixture(n_components=2).fit, model.predict, model.score):
        with pytest.raises(ValueError, match=f"Block 0 of the source.*{words}|Complex.*Block 0"): use(source)


def test_blocks_of_numbers_as_objects():
    X = blobs(200)
    found, wanted = (GaussianMixture(2, random_state=0).fit(Source((load,))) for load in (lambda: X.astype(object), lambda: X))
    assert_array_equal(found.means_, wanted.means_)


@pytest.mark.parametrize("later", [lambda X: X[:-1], lambda X: X[:0], lambda X: X + 0.1, lambda X: 2 * X, lambda X: X * np.nan, lambda X: np.full_like(X, np.inf)])
@pytest.mark.parametrize("make", [lambda: GaussianMixture(2), lambda: GaussianMixture(2, covariance_type="tied", prior="default"), lambda: BayesianGaussianMixture(n_components=2)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinite rows
def test_rows_that_change_during_a_fit(later, make):
    "The sums of other rows would pass for those of the data; a fit before is kept"
    X, passes = blobs(600), []
    load = lambda: passes.append(1) or (X if len(passes) < 3 else later(X))
    model = make().fit(X)
    means = model.means_
    with pytest.raises(ValueError, match="not those of the first pass"): model.fit(Source((load,)))
    assert_array_equal(model.means_, means)


@pytest.mark.parametrize("change", [lambda X: X + 1e15, lambda X: (X + 1e7).astype(np.float32), lambda X: X * [1e-50, 1, 1e50], lambda X: np.column_stack([X, np.full(len(X), 1e9 + 0.1)]),
                                    lambda X: np.vstack([X, [1e12, 0, 0]])])
def test_rows_that_do_not_change_are_not_taken_for_changed_ones(change):
    X = change(blobs(900))
    d = X.shape[1]
    for model in (GaussianMixture(3, random_state=0), GaussianMixture(1, weights_init=[1], means_init=np.full((1, d), 1e14), precisions_init=[np.eye(d)])):
        model.fit(of_array(X, 100))


def test_files_that_cannot_be_read(folder, tmp_path):
    X, path = blobs(300), tmp_path / "x.npy"
    for values in (X[:, :0], X.astype(object)):
        np.save(path, values)
        with pytest.raises(ValueError, match="x.npy"): source_of(path)
    np.save(path, X[:0])
    with pytest.raises(ValueError, match="no blocks"): GaussianMixture().fit(path)
    np.save(path, X)
    whole, model = path.read_bytes(), GaussianMixture(2)
    source = source_of(path)
    path.write_bytes(whole[:3000])
    with pytest.raises(ValueError, match="x.npy cannot be read"): source_of(path)
    with pytest.raises(ValueError, match="has become shorter"): model.fit(source)
    np.save(tmp_path / "y.npy", X[:, :2])
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="2 and 3 columns|3 and 2 columns"): model.fit([path, tmp_path / "y.npy"])
    pytest.importorskip("pyarrow")
    for name, content in {"none.npy": b"", "none.csv": b"", "none.parquet": b"", "no.csv.gz": b"a,b\n1,2\n", "latin.csv": "\xe4,b\n1,2\n".encode("latin1")}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} cannot be read"): source_of(tmp_path / name)


def test_columns_are_chosen_once_and_by_name(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "x.csv"
    path.write_text("ab,c,c\n1,2,3\n3,5,4\n")
    assert source_of(path, columns="ab").columns == ("ab",)
    for columns, words in {None: "several columns of the name 'c'", ("c",): "several columns", ("ab", "ab"): "chosen twice", (): "no column is chosen", ("z",): "no column 'z'"}.items():
        with pytest.raises(ValueError, match=words): source_of(path, columns=columns)
    with pytest.raises(ValueError, match="have no names"): source_of(blobs(9), columns=["a"])  # they were left aside in silence


def test_where_predictions_cannot_go(tmp_path):
    X, path = blobs(300), tmp_path / "x.npy"
    np.save(path, X)
    model, held = GaussianMixture(2).fit(X), np.empty(300)
    held.setflags(write=False)
    for data in (path, [path], np.load(path, mmap_mode="r")):
        with pytest.raises(ValueError, match="to be read and written"): model.predict(data, out=tmp_path / "." / "x.npy")
    assert_array_equal(np.load(path), X)
    for out in (held, np.empty((300, 2)), np.empty(300, "U3")):
        with pytest.raises(ValueError, match="Got out of shape"): model.score_samples(X, out=out)
    with pytest.raises(ValueError, match=r"expected an array of shape \(n, 2\) that takes float64"): model.predict_proba(X, out=np.empty((300, 2), int))  # all zero
    with pytest.raises(TypeError, match="Got out of type list"): model.predict(X, out=[0] * 300)


@pytest.mark.parametrize("unit", [1e-60, 1e60])
def test_weights_of_variational_bayes_are_rows(unit):
    X = blobs(400)
    weights = unit * np.linspace(1, 3, len(X))
    table, source = (BayesianGaussianMixture(n_components=3, random_state=0).fit(data, sample_weight=weights) for data in (X, of_array(X, 64)))
    assert_allclose(source.lower_bound_, table.lower_bound_, rtol=1e-9)
    for extreme in (1e-250, 1e308):
        for data in (X, of_array(X, 64)):
            with pytest.raises(ValueError, match="Got sample_weight with the sum"): BayesianGaussianMixture().fit(data, sample_weight=np.full(len(X), extreme))


# ---- clusters

@pytest.fixture(scope="module", params=[1, 2, 3])
def client(request):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with distributed.LocalCluster(n_workers=request.param, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client: yield client


def slow(load, seconds):
    time.sleep(seconds)
    return load()


def test_dask_gives_the_same_bits(client, tmp_path):
    X = blobs()
    np.save(tmp_path / "x.npy", X)
    source = replace(of_array(X, 640), loads=tuple(partial(sources._mapped, str(tmp_path / "x.npy"), X.dtype, 128 + start * 24, (min(640, 5000 - start), 3))
                                                   for start in range(0, 5000, 640)))
    assert_array_equal(read(source), X)
    here = GaussianMixture(3, random_state=0).fit(source)
    there = GaussianMixture(3, random_state=0).fit(replace(source, workers=sources.on_dask(client)))
    for name in ("weights_", "means_", "covariances_"): assert_array_equal(getattr(here, name), getattr(there, name))
    assert here.lower_bounds_ == there.lower_bounds_


def test_dask_gives_the_same_bits_with_holes(client):
    source = of_array(holed(blobs()), 640)
    here = GaussianMixture(3, **AT_RANDOM).fit(source)
    there = GaussianMixture(3, **AT_RANDOM).fit(replace(source, workers=sources.on_dask(client)))
    for name in ("weights_", "means_", "covariances_"): assert_array_equal(getattr(here, name), getattr(there, name))
    assert_array_equal(here.predict(source), here.predict(replace(source, workers=sources.on_dask(client))))


def test_dask_arrays_that_are_on_the_cluster(client):
    from dask import array
    X = blobs()
    for data in (array.from_array(X, chunks=(700, 3)), array.from_array(X, chunks=(700, 3)).persist()):
        source = source_of(data)
        assert source.workers is not None
        assert_allclose(prepare_source(source).origin, prepare(X).origin, rtol=1e-12)


@pytest.mark.parametrize("holes", [False, True])
def test_a_worker_killed_in_the_middle(client, holes):
    if len(client.scheduler_info()["workers"]) < 2: pytest.skip("needs a worker that is left")
    X = blobs()
    source = of_array(holed(X) if holes else X, 640)
    mixture = start_on(X, 3, "full")
    quick = prepare_source(source, holes=holes).sums(mixture)
    slowly = replace(source, loads=tuple(partial(slow, load, 0.3) for load in source.loads), workers=sources.on_dask(client))
    sample = prepare_source(slowly, holes=holes)
    victims = list(client.run(os.getpid).values())
    killer = threading.Timer(0.6, lambda: os.kill(victims[0], signal.SIGKILL))
    killer.start()
    sums = sample.sums(mixture)
    killer.join()
    for name in ("counts", "first", "second"): assert_array_equal(getattr(sums, name), getattr(quick, name))


def test_joblib_is_an_ordered_map():
    from joblib import Parallel, delayed
    X = blobs()
    processes = lambda work, pieces: Parallel(2, return_as="generator")(delayed(work)(piece) for piece in pieces)
    here = GaussianMixture(2, random_state=0, max_iter=5, tol=0).fit(of_array(X, 640))
    there = GaussianMixture(2, random_state=0, max_iter=5, tol=0).fit(source_of(of_array(X, 640), workers=processes))
    assert_array_equal(here.means_, there.means_)


# ---- memory

def test_a_fit_needs_little_beyond_the_file(tmp_path):
    "Two hundred megabytes of rows, in a process of its own: what is its own stays small"
    pytest.importorskip("resource", reason="no resource limits here")
    X = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, (6_400_000, 4))
    for start in range(0, len(X), 400_000): X[start:start + 400_000] = blobs(400_000, 4, seed=start)
    X.flush()
    code = ("import sys; from gmm_nb import GaussianMixture, sources; import numpy as np\n"
            "own = lambda: next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('RssAnon'))\n"
            "few = np.random.default_rng(0).normal(size=(20000, 4)); GaussianMixture(3, max_iter=2, tol=0, n_jobs=1).fit(sources.of_array(few, 5000)); before = own()\n"
            "peak = []; model = GaussianMixture(3, max_iter=2, tol=0, n_jobs=1); model._on_step = lambda step: peak.append(own())\n"
            "model.fit(sys.argv[1]); print(max(peak + [own()]) - before)")
    if not os.path.exists("/proc/self/status"): pytest.skip("no /proc here")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "x.npy")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 120_000, f"{int(done.stdout) / 1000:.0f} MB beyond the file"


def test_filling_does_not_write_over_its_data(tmp_path):
    H = np.where(np.random.default_rng(0).random((400, 3)) < 0.1, np.nan, blobs()[:400])
    np.save(tmp_path / "x.npy", H)
    model = GaussianMixture(2, random_state=0, missing="at_random").fit(H)
    for data in (tmp_path / "x.npy", str(tmp_path / "x.npy"), np.load(tmp_path / "x.npy", mmap_mode="r")):
        with pytest.raises(ValueError, match="read and written"): model.impute(data, out=tmp_path / "x.npy")
    assert_array_equal(np.load(tmp_path / "x.npy"), H)
