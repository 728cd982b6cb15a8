"gmm_nb.data and gmm_nb.tables: what may be data, what a CSV file may look like, and what is said when it is wrong."
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from gmm_nb.data import as_data
from gmm_nb.tables import Table, load_faithful, load_iris, read_csv
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


# ---- read_csv

@pytest.fixture
def write(tmp_path):
    def _write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return _write


@pytest.mark.parametrize("content, columns", [
    ("a,b\n1,2\n3,4\n", ("a", "b")),
    ("1,2\n3,4\n", ("x0", "x1")),
    ("1,2\n3,4", ("x0", "x1")),
    ("\ufeffa,b\n1,2\n3,4\n", ("a", "b")),
    ("\ufeff1,2\n3,4\n", ("x0", "x1")),
    ("a,b\r\n1,2\r\n3,4\r\n", ("a", "b")),
    ("a,b\r1,2\r3,4\r", ("a", "b")),
    ("a,b\n1,2\n3,4\n\n \n,\n", ("a", "b")),
    ('"a, in m","b"\n"1","2"\n3,4\n', ("a, in m", "b")),
    (" a , b \n 1 , +2e0\n3.0,4\n", ("a", "b")),
    (",b\n1,2\n3,4\n", ("x0", "b")),
    ("größe,höhe\n1,2\n3,4\n", ("größe", "höhe")),
])
def test_forms_of_a_file(write, content, columns):
    table = read_csv(write(content))
    assert type(table) is Table and table.columns == columns and table.labels is None
    assert table.X.dtype == np.float64
    np.testing.assert_array_equal(table.X, [[1, 2], [3, 4]])


@pytest.mark.parametrize("columns, expected, names", [
    (["c", "a"], [[3, 1], [6, 4]], ("c", "a")), ([2, 0], [[3, 1], [6, 4]], ("c", "a")), (["b", 0], [[2, 1], [5, 4]], ("b", "a")),
    (["2"], [[3], [6]], ("c",)), ("b", [[2], [5]], ("b",)), (1, [[2], [5]], ("b",)), (("b",), [[2], [5]], ("b",)),
])
def test_columns(write, columns, expected, names):
    table = read_csv(write("a,b,c\n1,2,3\n4,5,6\n"), columns=columns)
    assert table.columns == names
    np.testing.assert_array_equal(table.X, expected)


def test_columns_without_header(write):
    np.testing.assert_array_equal(read_csv(write("1,2,x\n4,5,y\n"), columns=["x1", 0]).X, [[2, 1], [5, 4]])


@pytest.mark.parametrize("columns, message", [
    (["d"], r"has no column 'd'; it has a, b, c \(or 0 to 2\)"), ([3], "has no column 3"), ([-1], "has no column -1"),
    (["a", 0], "chosen twice"), ([], "No column"), ([1.5], "has no column 1.5"),
])
def test_wrong_columns(write, columns, message):
    with pytest.raises(ValueError, match=message): read_csv(write("a,b,c\n1,2,3\n"), columns=columns)


def test_a_name_that_is_there_twice(write):
    path = write("a,a\n1,2\n")
    with pytest.raises(ValueError, match="2 columns named 'a'; choose by index"): read_csv(path, columns=["a"])
    np.testing.assert_array_equal(read_csv(path, columns=[1]).X, [[2]])


def test_words_in_columns_that_are_not_chosen(write):
    assert read_csv(write("a,b\n1,x\n2,y\n"), columns=["a"]).X.shape == (2, 1)


def test_labels_and_separator(write):
    table = read_csv(write("a;b;kind\n1;2;x\n3;4;\n"), labels="kind", sep=";")
    np.testing.assert_array_equal(table.X, [[1, 2], [3, 4]])
    assert table.columns == ("a", "b") and list(table.labels) == ["x", ""]


@pytest.mark.parametrize("content, message", [
    ("a,b\n1,2\n3,x\n", r"t\.csv, row 3, column 'b': 'x' is not a number.*columns=\['a'\].*--columns a\)"),
    ("1,2\n3,x\n5,6\n", r"t\.csv, row 2, column 'x1': 'x' is not a number"),
    ("a,b\n1,2\n\n3,4\n", r"row 3: 0 cell\(s\) where the first row has 2"),
    ("a\n\"1\n\"\nx\n", r"row 4, column 'a': 'x'"),
    ("a,b\n1,NA\n", r"row 2, column 'b': 'NA' is not a number"),
    ("a,b\n1,1_000\n", r"'1_000' is not a number"),
    ("a,b\n1,\n", r"row 2, column 'b': the cell is empty"),
    ("a,b\n1,nan\n", r"row 2, column 'b': nan is not finite"),
    ("a,b\n1,2\n-inf,2\n", r"row 3, column 'a': -inf is not finite"),
    ("a,b\n1,1e999\n", r"1e999 is not finite"),
    ("a,b\n1,2\n3,4,5\n", r"row 3: 3 cell\(s\) where the first row has 2"),
    ("a,b\n1\n", r"row 2: 1 cell\(s\) where the first row has 2"),
    ("", r"t\.csv is empty"),
    ("\n\n", r"t\.csv is empty"),
    ("\ufeff", r"t\.csv is empty"),
    ("a,b\n", r"has a header and no rows of numbers"),
    ("a;b\n1;2\n", r"'1;2' is not a number\. Is the separator right\?"),
    ("a\nx\n", r"'x' is not a number\. Correct the file"),
    (b"a,b\n1,\xff\xfe\n", "not a text file in UTF-8"),
    (b"PK\x03\x04\x00\x00\xd0", "not a text file in UTF-8"),
])
def test_bad_files(write, content, message):
    with pytest.raises(ValueError, match=message): read_csv(write(content))


def test_a_cell_of_a_megabyte(write):
    with pytest.raises(ValueError, match="not a text file"): read_csv(write("1," + "2" * 200_000 + "\n"))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError): read_csv(tmp_path / "none.csv")
    with pytest.raises(OSError): read_csv(tmp_path)


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_come_back_exactly(tmp_path_factory, X):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_text("\n".join(",".join(map(repr, row)) for row in X.tolist()))
    np.testing.assert_array_equal(read_csv(path).X, X)


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
