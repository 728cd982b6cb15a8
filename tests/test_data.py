"gmm_nb.data: what may be data, and what is said when it is wrong; the two data sets."
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from gmm_nb.data import as_data
from gmm_nb.tables import load_faithful, load_iris
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

GOOD = np.arange(12.0).reshape(6, 2)


# ---- as_data

@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, ">f8", np.longdouble, ">i4"])
def test_other_real_dtypes_become_float64(dtype):
    X = as_data(np.array([[0, 1], [1, 1]], dtype=dtype))
    assert X.dtype == np.dtype(np.float64) and X.dtype.isnative
    np.testing.assert_array_equal(X, [[0, 1], [1, 1]])


@pytest.mark.parametrize("dtype", [np.float32, ">f4"])
def test_float32_stays(dtype):
    X = as_data(GOOD.astype(dtype))
    assert X.dtype == np.float32 and X.dtype.isnative
    np.testing.assert_array_equal(X, GOOD)


@pytest.mark.parametrize("view", [lambda X: X, lambda X: X[::2], lambda X: X[:, ::-1], lambda X: X.T, np.asfortranarray,
                                  lambda X: np.broadcast_to(X[0], (5, 2))])
def test_any_layout_without_a_copy(view):
    X = view(GOOD.copy())
    assert as_data(X) is X


def test_read_only():
    X = GOOD.copy()
    X.setflags(write=False)
    assert as_data(X) is X and not as_data(X).flags.writeable


def test_the_argument_is_not_changed():
    X = GOOD.astype(int)
    as_data(X)
    assert X.dtype == int and np.array_equal(X, GOOD)


def test_lists_tuples_frames():
    for X in ([[1, 2], [3, 4]], ((1, 2), (3, 4)), pd.DataFrame({"a": [1, 3], "b": [2.0, 4.0]})):
        Y = as_data(X)
        assert type(Y) is np.ndarray and Y.dtype == np.float64
        np.testing.assert_array_equal(Y, [[1, 2], [3, 4]])


@pytest.mark.parametrize("dtype, kept", [("Float64", np.float64), ("Float32", np.float32), ("Int64", np.float64), ("UInt8", np.float64), ("Boolean", np.float64)])
def test_polars_frames(dtype, kept):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, 0, 1], "b": [0, 0, 1]}).cast(getattr(polars, dtype))
    X = as_data(frame)
    assert type(X) is np.ndarray and X.dtype == kept
    np.testing.assert_array_equal(X, [[1, 0], [0, 0], [1, 1]])


@pytest.mark.parametrize("columns, message", [
    ({"a": [1.0, None, 2.0], "b": [1.0, 2.0, None]}, r"X has 2 NaN or infinite value\(s\), the first \(nan\) at row 1, column 0.*Drop or fill"),
    ({"a": [1, 2, None], "b": [1, 2, 3]}, r"X has 1 NaN or infinite value\(s\), the first \(nan\) at row 2, column 0"),
    ({"a": [1.0], "b": ["x"]}, r"X has dtype object; expected numbers.*astype\(float\)"), ({"a": [], "b": []}, r"X has 0 sample\(s\) \(shape=\(0, 2\)\)")])
def test_polars_frames_that_are_refused(columns, message):
    polars = pytest.importorskip("polars")
    with pytest.raises(ValueError, match=message): as_data(polars.DataFrame(columns))


def test_memory_for_the_check_is_small():
    X = np.ones((400_000, 4))
    tracemalloc.start()
    as_data(X)
    as_data(X.T)
    as_data(X.astype(np.float32))  # 6.4 MB for the copy made here
    good = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    X[399_999, 3] = np.inf
    with pytest.raises(ValueError, match="row 399999, column 3"): as_data(X)
    bad = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert good < 6.4e6 + 3e5 and bad < 1e6, (good, bad)


def test_a_sum_that_overflows_is_no_error():
    big = np.full((3, 2), 1e308)
    assert as_data(big) is big
    mixed = np.array([[1e308, -1e308], [1e308, -1e308], [1e308, 0]])
    assert as_data(mixed) is mixed


@pytest.mark.parametrize("X, message", [
    ([1.0, 2.0], r"X has shape \(2,\); expected 2D data.*Reshape your data.*X\.reshape\(-1, 1\)"),
    (3.0, r"X has shape \(\); expected 2D"),
    (np.zeros((2, 2, 2)), r"X has shape \(2, 2, 2\); expected 2D"),
    (np.empty((0, 3)), r"0 sample\(s\) \(shape=\(0, 3\)\)"),
    (np.empty((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
    ([], r"shape \(0,\)"),
    ([[1], [2, 3]], "rows of different lengths"),
    ([[1 + 1j]], "Complex data not supported"),
    ([["1"]], r"dtype <U1; expected numbers.*astype\(float\)"),
    ([[None]], "dtype object; expected numbers"),
    (np.array([["2020-01-01"]], "datetime64[D]"), "datetime64"),
    (np.array([[b"a"]]), r"dtype \|S1"),
    (pd.DataFrame({"a": [1.0], "b": ["x"]}), "dtype object"),
    (np.ma.masked_array([[1.0, 2.0]], [[True, False]]), "masked entries"),
])
def test_refused(X, message):
    with pytest.raises(ValueError, match=message): as_data(X)


def test_sparse_is_refused():
    from scipy.sparse import csr_array
    with pytest.raises(ValueError, match=r"sparse matrix.*toarray"): as_data(csr_array(GOOD))


def test_masked_without_masked_entries():
    np.testing.assert_array_equal(as_data(np.ma.masked_array(GOOD, False)), GOOD)


@pytest.mark.parametrize("value, text", [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", "CF")
def test_holes_are_counted_and_found(value, text, dtype, order):
    X = np.array(np.ones((50_000, 3)), dtype, order=order)
    X[[49_000, 40_000, 45_000], [0, 2, 1]] = value
    with pytest.raises(ValueError, match=rf"X has 3 NaN or infinite value\(s\), the first \({text}\) at row 40000, column 2"): as_data(X)


def test_opposite_infinities_are_found():
    with pytest.raises(ValueError, match="2 NaN or infinite"): as_data([[np.inf, -np.inf]])


def test_n_features_and_name():
    assert as_data(GOOD, 2) is GOOD
    with pytest.raises(ValueError, match=r"Y has 2 column\(s\); expected 3"): as_data(GOOD, 3, name="Y")
    with pytest.raises(ValueError, match=r"points has shape .*points\.reshape"): as_data([1.0], name="points")


@given(hnp.arrays(hnp.floating_dtypes(sizes=(32, 64)), hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)))
def test_any_array_passes_or_is_explained(X):
    if np.isfinite(X).all():
        np.testing.assert_array_equal(as_data(X), X)
    else:
        row, column = np.argwhere(~np.isfinite(X))[0]
        with pytest.raises(ValueError, match=f"{np.count_nonzero(~np.isfinite(X))} NaN.*row {row}, column {column};"): as_data(X)


# ---- the two data sets

def test_faithful():
    table = load_faithful()
    assert table.X.shape == (272, 2) and table.columns == ("eruptions", "waiting") and table.labels is None
    np.testing.assert_allclose(table.X.mean(axis=0), [3.487783, 70.897059], rtol=1e-6)
    np.testing.assert_array_equal(table.X[0], [3.6, 79])


def test_iris():
    table = load_iris()
    assert table.X.shape == (150, 4) and len(table.columns) == 4 and "label" not in table.columns
    assert dict(zip(*np.unique(table.labels, return_counts=True))) == {"setosa": 50, "versicolor": 50, "virginica": 50}
    np.testing.assert_allclose(table.X.mean(axis=0), [5.843333, 3.057333, 3.758, 1.199333], rtol=1e-6)


def test_sources_are_named():
    assert "Härdle (1991)" in load_faithful.__doc__ and "Fisher (1936)" in load_iris.__doc__
