"gmm_nb.tables: the thirty files of tests/tables, their relatives, and what is said when a file is wrong."
import bz2
import gzip
import io
import json
import lzma
import time
import zipfile
from pathlib import Path

import gmm_nb.tables as module
import numpy as np
import pytest
from gmm_nb.tables import Table, read_csv, read_table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

FOLDER = Path(__file__).parent / "tables"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
REFUSED = {  # in words of the message
    "percent_and_currency.csv": r"row 2, column 'share': '5\.266%' has the sign '%'", "stray_quote.csv": "row 11: a quotation mark",
    "ragged.csv": "row 22: 3 cell", "header_only.csv": "a header and no rows", "empty.csv": "is empty", "not_a_table.pdf": "a PDF document"}
ROWS = [(round(2.3 * i % 7, 2) + 0.25, round(1000 + 731.7 * i % 900, 1)) for i in range(12)]


def read(content, **options):
    return read_table(io.BytesIO(content if isinstance(content, bytes) else content.encode()), **options)


def with_column(name, cells):
    "A table of two features behind one more column"
    return f"{name},a,b\n" + "".join(f"{cell},{a},{b}\n" for cell, (a, b) in zip(cells, ROWS, strict=True))


# ---- the thirty files

@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_that_people_have(name):
    expected, path = EXPECTED[name], FOLDER / name
    if "refuse" in expected:
        with pytest.raises(ValueError, match=REFUSED[name]): read_table(path)
        return
    holes = expected.get("missing", 0)
    if holes:
        with pytest.raises(ValueError, match=rf"has {holes} missing value\(s\).*missing='drop'.*missing='keep'"): read_table(path)
    table = read_table(path, header=expected.get("header"), missing="keep" if holes else "error")
    assert list(table.columns) == expected["columns"] and len(table.X) == expected["rows"]
    assert np.isnan(table.X).sum() == holes
    if "sums" in expected: np.testing.assert_allclose(np.nansum(table.X, axis=0), expected["sums"], rtol=1e-12)


def test_all_files_are_there():
    assert {path.name for path in FOLDER.iterdir()} - {"README.md", "expected.json"} == set(EXPECTED) and len(EXPECTED) == 30
    assert set(REFUSED) == {name for name, expected in EXPECTED.items() if "refuse" in expected}


@pytest.mark.parametrize("name, words", [
    ("plain.csv", []), ("row_numbers.csv", ["left out: x0 (row numbers)"]), ("quoted_newline_label.csv", ["left out: note (no number)"]),
    ("dates_and_ids.csv", ["left out: customer_id (all different), date (no number)"]), ("trailing_comma.csv", ["left out: x2 (empty)"]),
    ("semicolon_decimal_comma.csv", ["separator ';'", "decimal comma"]), ("tab.tsv", ["separator tab"]), ("aligned_spaces.txt", ["separator blanks"]),
    ("utf16.csv", ["encoding utf-16-le"]), ("latin1_name.csv", ["encoding cp1252"]), ("header_half_number.csv", ["first line taken for names (length, 2)"]),
    ("years_as_header.csv", ["no line of names: the first is data (1990, 1991)"]), ("no_header.csv", ["no line of names"])])
def test_what_was_guessed_is_said_in_one_line(name, words):
    note = read_table(FOLDER / name).note
    assert note.startswith("2 columns of numbers") and "\n" not in note and all(word in note for word in words)
    assert words or note == "2 columns of numbers"


def test_missing_values_are_counted_and_placed():
    with pytest.raises(ValueError) as caught: read_table(FOLDER / "missing_in_many_spellings.csv")
    assert "7 missing value(s), in 6 of its rows: 4 in 'length' (first in row 5), 3 in 'weight' (first in row 19)" in str(caught.value)
    table = read_table(FOLDER / "missing_in_many_spellings.csv", missing="drop")
    assert table.X.shape == (54, 2) and np.isfinite(table.X).all() and "6 rows with missing values left out" in table.note


# ---- relatives of the difficulties

@pytest.mark.parametrize("content, columns", [
    ("a,b\n1,2\n3,4\n", ("a", "b")), ("1,2\n3,4\n", ("x0", "x1")), ("1,2\n3,4", ("x0", "x1")),
    ("\ufeffa,b\n1,2\n3,4\n", ("a", "b")), ("\ufeff1,2\n3,4\n", ("x0", "x1")),
    ("a,b\r\n1,2\r\n3,4\r\n", ("a", "b")), ("a,b\r1,2\r3,4\r", ("a", "b")), ("a,b\r\n1,2\n3,4\r\n", ("a", "b")),
    ("a,b\n1,2\n3,4\n\n \n,\n", ("a", "b")), ("\n\na,b\n1,2\n\n3,4\n", ("a", "b")), ("a,b\n1,2\n3,4\n,\n,\n\x1a", ("a", "b")),
    ('"a, in m","b"\n"1","2"\n3,4\n', ("a, in m", "b")), ('"a\nb",c\n1,2\n3,4\n', ("a\nb", "c")),
    (" a , b \n 1 , +2e0\n3.0,4\n", ("a", "b")), ('a, b\n1, "2"\n3,  "4"\n', ("a", "b")),
    (",b\n1,2\n3,4\n", ("x0", "b")), ("größe,höhe\n1,2\n3,4\n", ("größe", "höhe")),
    ("a|b\n1|2\n3|4\n", ("a", "b")), ("a;b\n1;2\n3;4\n", ("a", "b")), ("1 2\n3 4\n", ("x0", "x1")), ("a\tb\n1\t2\n3\t4\n", ("a", "b")),
    ("   a    b\n   1    2\n   3    4\n", ("a", "b")), ("a b\n1  2 \n 3 \t4\n", ("a", "b")),
    ("sep=;\na;b\n1;2\n3;4\n", ("a", "b")), ("Report\na,b\n1,2\n3,4\n", ("a", "b")), ("# a b\n1 2\n3 4\n", ("a", "b")), ("#a,b\n1,2\n3,4\n", ("a", "b")),
    ("# x\n# 5\" pipe\n% y\n// z\na,b\n1,2\n# hm, well\n3,4\n", ("a", "b")), ("a,b,\n1,2\n3,4\n", ("a", "b")),
    ("a,a\n1,2\n3,4\n", ("a", "a_2")), (",x0\n1,2\n3,4\n", ("x0_2", "x0")), ("a,2\n1,2\n3,4\n", ("a", "2")),
    ("a,b,ok\n1,2,true\n3,4,false\n", ("a", "b")), ("a,b,c\n1,2,\n3,4,NA\n", ("a", "b")), ("a,b,d\n1,2,1/15/24\n3,4,2/15/24\n", ("a", "b")),
    ('"a" "b" "s"\n"1" 1 2 "x y"\n"2" 3 4 "z"\n', ("a", "b")), ("t,a,b\n12:30,1,2\n12:31,3,4\n", ("a", "b")),
])
def test_forms_of_a_file(content, columns):
    table = read(content)
    assert type(table) is Table and table.columns == columns and table.labels is None and table.weights is None
    assert table.X.dtype == np.float64 and table.X.flags.c_contiguous
    np.testing.assert_array_equal(table.X, [[1, 2], [3, 4]])


@pytest.mark.parametrize("content, expected", [
    ("a;b\n1.234,5;2\n2.000,25;3\n", [[1234.5, 2], [2000.25, 3]]), ("a;b\n1'234.5;2\n2’000.25;3\n", [[1234.5, 2], [2000.25, 3]]),
    ("a;b\n1 234,5;2\n2\u00a0000,25;3\n", [[1234.5, 2], [2000.25, 3]]), ("a;b\n1\u202f234,5;2\n-2\u202f000,25;3\n", [[1234.5, 2], [-2000.25, 3]]),
    ('a,b\n"1,234",2\n"12,345,678",3\n', [[1234, 2], [12345678, 3]]), ('a,b\n"12,34,567",1\n"1,00,000",2\n', [[1234567, 1], [100000, 2]]),
    ("a;b\n5,266;2\n2,345;3\n", [[5.266, 2], [2.345, 3]]), ('a,b\n"1,5","2,25"\n"3,5","4,0"\n', [[1.5, 2.25], [3.5, 4]]),
    ("a\tb\n1,5\t2\n3,5\t4\n", [[1.5, 2], [3.5, 4]]), ("1,5 2,5\n3,5 4,5\n", [[1.5, 2.5], [3.5, 4.5]]), ("v\n1,5\n2,5\n3,25\n", [[1.5], [2.5], [3.25]]),
    ("a,b\n−1.5,2\n3,−4e−1\n".replace("e−", "e-"), [[-1.5, 2], [3, -0.4]]), ("a,b\n1.,2\n-.5,2E3\n", [[1, 2], [-0.5, 2000]]),
    ("a,b\n1.5D+03,2\n2d1,3\n", [[1500, 2], [20, 3]]), ("v\n1\n2.5\n\n3\n", [[1], [2.5], [3]]), ("5", [[5]]), ("a,b\n1,2\n", [[1, 2]]),
    ("1e-400,1e308\n", [[0, 1e308]])])
def test_forms_of_a_number(content, expected):
    np.testing.assert_array_equal(read(content).X, expected)


@pytest.mark.parametrize("options, content, expected", [
    ({"sep": ";"}, "1;2,5\n3;4,5\n", [[1, 2.5], [3, 4.5]]), ({"sep": ","}, "1;2,5\n3;4,6\n", [[5], [6]]),
    ({"decimal": "."}, 'a;b\n1,234;2\n3,456;4\n', [[1234, 2], [3456, 4]]), ({"decimal": ","}, "a;b\n1.234;2\n3.456;4\n", [[1234, 2], [3456, 4]]),
    ({"header": True}, "1990,1991\n1,2\n", [[1, 2]]), ({"header": False}, "1990,1991\n1,2\n", [[1990, 1991], [1, 2]]),
    ({"sep": "\t"}, "a b\tc\n1\t2\n", [[1, 2]]), ({"sep": " "}, "a b\n1   2\n", [[1, 2]]), ({"sep": "x"}, "1x2\n3x4\n", [[1, 2], [3, 4]])])
def test_guesses_can_be_overruled(options, content, expected):
    np.testing.assert_array_equal(read(content, **options).X, expected)


@pytest.mark.parametrize("spelling", ["", "NA", "n/a", "N.A.", "#N/A", "nan", "NaN", "NULL", "None", "-", "--", ".", "?", "missing", "\\N", "<NA>", "#DIV/0!"])
@pytest.mark.parametrize("first", [True, False])
def test_spellings_of_a_missing_value(spelling, first):
    content = f"a,b\n{spelling},2\n3,4\n" if first else f"a,b\n3,4\n2,{spelling}\n"
    expected = [[np.nan, 2], [3, 4]] if first else [[3, 4], [2, np.nan]]
    np.testing.assert_array_equal(read(content, missing="keep").X, expected)
    with pytest.raises(ValueError, match=r"1 missing value\(s\)"): read(content)


def test_own_spellings_of_a_missing_value():
    content = "a,b\n1,-999\n3,4\n5,none given\n"
    np.testing.assert_array_equal(read(content, na=["-999", "None given"], missing="keep").X, [[1, np.nan], [3, 4], [5, np.nan]])
    with pytest.raises(ValueError, match="'none given' is not a number"): read(content, na=["-999"], missing="keep")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, lambda data: gzip.compress(bz2.compress(data))])
def test_compressed(pack):
    np.testing.assert_array_equal(read(pack(b"a,b\n1,2\n")).X, [[1, 2]])
    with pytest.raises(ValueError, match="cannot be unpacked"): read(pack(b"a,b\n1,2\n" * 99)[:-9])


def test_zip_archives():
    def packed(*names):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name in names: archive.writestr(name, "a,b\n1,2\n")
        return file.getvalue()
    np.testing.assert_array_equal(read(packed("t.csv", "__MACOSX/t.csv")).X, [[1, 2]])
    with pytest.raises(ValueError, match="it holds 2 files, not one"): read(packed("t.csv", "u.csv"))
    with pytest.raises(ValueError, match="cannot be unpacked"): read(b"PK\x03\x04\x00\x00\xd0")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"])
def test_encodings(codec):
    table = read("größe,b\n1.5,2\n3,4\n".encode(codec))
    assert table.columns == ("größe", "b") and table.X[0, 0] == 1.5


@pytest.mark.parametrize("codec", ["cp850", "cp437", "cp1251", "koi8-r", "mac_roman", "shift-jis", "gbk", "big5"])
def test_numbers_do_not_depend_on_the_encoding(codec):
    name = {"cp1251": "длина", "koi8-r": "длина", "shift-jis": "長さ", "gbk": "长度", "big5": "長度"}.get(codec, "länge")
    table = read(f"{name},ürt\n1.5,2\n3,4\n".replace("ü", "ü" if name == "länge" else "u").encode(codec))
    np.testing.assert_array_equal(table.X, [[1.5, 2], [3, 4]])
    assert "encoding" in table.note and read(f"{name},b\n1.5,2\n".encode(codec), encoding=codec).columns == (name, "b")


def test_an_encoding_that_cannot_be_guessed():
    assert read("長さ,b\n1.5,2\n".encode("shift-jis"), encoding="shift-jis").columns == ("長さ", "b")
    for wrong in ("nonsense", "ascii"):
        with pytest.raises(ValueError, match=f"in the encoding '{wrong}'"): read("größe,b\n1,2\n", encoding=wrong)


@pytest.mark.parametrize("name, cells, why", [
    ("", range(12), "row numbers"), ("", range(1, 13), "row numbers"), ("Unnamed: 0", range(12), "row numbers"), ("customer", range(1000, 1012), "all different"),
    ("n", [3 * i + i % 2 for i in range(12)], "all different"), ("nr", range(90, 54, -3), "all different"), ("user_id", [i * 7919 % 1000 for i in range(12)], "all different"),
    ("userID", [i * 7919 % 1000 for i in range(12)], "all different"), ("uuid", [f"f3a{i:02d}-77" for i in range(12)], "all different"),
    ("key", [f"{i}e{i}f" for i in range(12)], "all different"), ("name", [f"n{i}" for i in range(12)], "all different"),
    ("day", [f"2024{i % 12 + 1:02d}15" for i in range(0, 60, 5)], "dates"), ("d", [f"2024-01-{i + 1:02d}" for i in range(12)], "no number"),
    ("d", [f"{i + 1:02d}.03.2024" for i in range(12)], "no number"), ("d", [f'"Jan {i + 1}, 2024"' for i in range(12)], "no number"),
    ("d", [f"2024-01-{i + 1:02d}T10:00:00Z" for i in range(12)], "no number"), ("ok", ["yes", "no"] * 6, "no number"), ("e", [""] * 12, "empty")])
def test_columns_that_are_no_features(name, cells, why):
    table = read(with_column(name, cells))
    assert table.columns == ("a", "b") and f"left out: {name or 'x0'} ({why})" in table.note
    np.testing.assert_array_equal(table.X, ROWS)
    if why in ("row numbers", "all different"):
        assert table.ids[0] == (name or "x0") and list(table.ids[1]) == [str(cell) for cell in cells]
    else: assert table.ids is None
    assert read(with_column(name, cells), columns=["a"]).columns == ("a",)


@pytest.mark.parametrize("name, cells", [("acid", [i * 7919 % 1000 for i in range(12)]), ("a0", [i % 5 for i in range(12)]), ("t", [i / 2 for i in range(12)]), ("id", [1, 1] * 6)])
def test_columns_that_are_features(name, cells):
    assert read(with_column(name, cells)).columns == (name, "a", "b")


def test_a_column_that_is_asked_for_is_read():
    np.testing.assert_array_equal(read(with_column("id", range(12)), columns=["id", "b"]).X[:, 0], range(12))
    assert read("v\n" + "".join(f"{i}\n" for i in range(12))).X.shape == (12, 1)  # or nothing would be left


def test_ids_beside_chosen_columns():
    table = read(with_column("customer_id", range(500, 512)), columns=["b"])
    assert table.ids[0] == "customer_id" and table.ids[1][0] == "500"


# ---- columns, labels, weights

@pytest.mark.parametrize("columns, expected, names", [
    (["c", "a"], [[3, 1], [6, 4]], ("c", "a")), ([2, 0], [[3, 1], [6, 4]], ("c", "a")), (["b", 0], [[2, 1], [5, 4]], ("b", "a")),
    (["2"], [[3], [6]], ("c",)), ("b", [[2], [5]], ("b",)), (1, [[2], [5]], ("b",)), (("b",), [[2], [5]], ("b",)), (lambda names: names[::-2], [[3, 1], [6, 4]], ("c", "a")),
])
def test_columns(columns, expected, names):
    table = read("a,b,c\n1,2,3\n4,5,6\n", columns=columns)
    assert table.columns == names
    np.testing.assert_array_equal(table.X, expected)


def test_columns_without_header():
    np.testing.assert_array_equal(read("1,2,x\n4,5,y\n", columns=["x1", 0], header=False).X, [[2, 1], [5, 4]])


@pytest.mark.parametrize("columns, message", [
    (["d"], r"has no column 'd'; it has a, b, c \(or 0 to 2\)"), ([3], "has no column 3"), ([-1], "has no column -1"),
    (["a", 0], "chosen twice"), ([], "No column"), ([1.5], "has no column 1.5"),
])
def test_wrong_columns(columns, message):
    with pytest.raises(ValueError, match=message): read("a,b,c\n1,2,3\n", columns=columns)


def test_words_in_columns_that_are_not_chosen():
    assert read("a,b\n1,x\n2,y\n", columns=["a"]).X.shape == (2, 1)


def test_labels_and_weights():
    table = read("a;w;kind\n1;2;x\n3;0,5;\n", labels="kind", weights="w")
    np.testing.assert_array_equal(table.X, [[1], [3]])
    assert table.columns == ("a",) and list(table.labels) == ["x", ""] and list(table.weights) == [2, 0.5]


def test_rows_are_dropped_everywhere():
    content = "id,a,w,kind\n7,1,1,x\n8,,1,y\n9,3,,z\n10,4,2,u\n"
    table = read(content, labels="kind", weights="w", missing="drop")
    assert table.X[:, -1].tolist() == [1, 4] and table.labels.tolist() == ["x", "u"] and table.weights.tolist() == [1, 2]
    with pytest.raises(ValueError, match="1 in 'w'"): read(content.replace("8,,", "8,2,"), labels="kind", weights="w", missing="keep")


# ---- what is refused

@pytest.mark.parametrize("content, message", [
    ("a,b\n1,2\n3,x\n4,5\n", r"the stream, row 3, column 'b': 'x' is not a number.*columns=\['a'\].*--columns a\)"),
    ("1,2\n3,x\n5,6\n", r"row 2, column 'x1': 'x' is not a number"), ("# c\na\n\n\"1\n\"\n7\nx\n", r"row 7, column 'a': 'x'"),
    ("a,b\nmm,g\n1.5,2\n3,4\n5,6\n", "row 2, column 'a': 'mm' is not a number"), ("a,b\n1,2\n1_000,3\n", r"'1_000' is not a number"),
    ("a,b\n1,2\n0x1f,3\n", "'0x1f' is not a number"), ("a,b\n1.5,2\n\"1,5\",3\n", "is not a number"),
    ("a,b\n1,2\n-inf,2\n", r"row 3, column 'a': -inf is not finite"), ("a,b\n1,2\n1,1e400\n", r"row 3, column 'b': 1e400 is not finite"),
    ("a,b\n1,2\n3,4,5\n", r"row 3: 3 cell\(s\) where the table has 2"), ("a,b\n1,2\n3\n4,5\n", r"row 3: 1 cell\(s\) where the table has 2"),
    ("x,y\n1,\"a\nb\"\n3,4,5\n6,7\n8,8\n", "row 4: 3 cell"), ("a,b\n1,2\n3,4\nTotal\n", "row 4: 1 cell"),
    ("", "is empty"), ("\n\n", "is empty"), ("\ufeff", "is empty"), (",,\n,,\n", "no rows|no numbers"), ("a,b\n", "has a header and no rows of numbers"), ("# a\n", "comments and no rows"),
    ("a\nx\ny\n", r"row 2, column 'a': 'x' is not a number\. Correct the file"), ("a,b\n1,\"2\n" + "3,4\n" * 60_000, "row 2: a quotation mark"),
    ("a,b\n\"1\"x,2\n3,4\n", "row 2: the cells cannot be told apart"), ("1," + "2" * 200_000 + "\n", "a cell of more than 100,000 characters"),
    ("a,b\n$1.5,2\n$3,4\n", r"row 2, column 'a': '\$1\.5' has the sign '\$'"), ("a;b\n1,50 €;2\n3,00 €;4\n", "'1,50 €' has the sign '€'"),
    ("a,b\n1.5 mm,2\n3 mm,4\n", "has the sign 'mm'"), ("a,b\nEUR 1,2\nEUR 3,4\n", "has the sign 'EUR'"), ("a,b,c\n1,2,5%\n3,4,6%\n", "column 'c': '5%' has the sign '%'"),
    ("a,b\n(1.5),2\n(3),4\n", r"has the sign '\('"), (b"a,b\n1,\x002\n", "no text"), (bytes(range(256)) * 10, "no text"), (b"<html><body>", "a web page"),
    (b'[{"a": 1}]', "JSON"), (b"\x89PNG\r\n\x1a\n", "a PNG picture"), (b"\x93NUMPY\x01\x00", "an array of NumPy"), (b"\x28\xb5\x2f\xfd\x00", "zstd"),
    (b"PAR1 and no more", "no whole Parquet file"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more", "no spreadsheet"),
])
def test_bad_files(content, message):
    with pytest.raises(ValueError, match=message) as caught: read(content)
    assert len(str(caught.value)) < 500 and "\n" not in str(caught.value)


@pytest.mark.parametrize("options, message", [
    ({"missing": "no"}, "missing is 'no'; expected one of 'error', 'drop', 'keep'"), ({"decimal": ";"}, "decimal is ';'"), ({"header": "yes"}, "header is 'yes'"),
    ({"sep": ""}, "sep is ''"), ({"sep": "ab"}, "sep is 'ab'"), ({"columns": ["b"]}, "'x' is not a number"), ({"weights": "b"}, "'x' is not a number"),
    ({"labels": "c"}, "has no column 'c'")])
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message): read("a,b\n1,x\n2,y\n", **options)


def test_nothing_is_left():
    with pytest.raises(ValueError, match="a missing value in each of its rows"): read("a,b\n1,\n,2\n", missing="drop")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError): read_table(tmp_path / "none.csv")
    with pytest.raises(OSError): read_table(tmp_path)


# ---- files of other kinds

def test_names_that_a_shell_would_expand(tmp_path):
    for name, value in (("d[1].csv", 1), ("d1.csv", 2), ("d*.csv", 3), ("it's.csv", 4)):
        (tmp_path / name).write_text(f"a,b\n{value},2\n")
        assert read_table(tmp_path / name).X[0, 0] == value and read_table(str(tmp_path / name)).X[0, 0] == value


def test_parquet():
    polars = pytest.importorskip("polars")
    file = io.BytesIO()
    polars.DataFrame({"id": range(3), "f": [0.1, None, float("nan")], 'odd "name"': [1, 2, 3], "word": ["x", "y", "z"], "flag": [True, False, True],
                      "half": polars.Series([0.1, 0.2, 0.3], dtype=polars.Float32)}).write_parquet(file)
    file.seek(0)
    table = read_table(file, missing="keep", labels="word")
    assert table.columns == ("f", 'odd "name"', "half") and table.labels.tolist() == ["x", "y", "z"] and table.ids[0] == "id"
    np.testing.assert_array_equal(table.X[:, 0], [0.1, np.nan, np.nan])
    np.testing.assert_array_equal(table.X[:, 2], np.array([0.1, 0.2, 0.3], np.float32))
    assert "id (row numbers), flag (no number)" in table.note


def test_a_spreadsheet_of_several_sheets():
    openpyxl = pytest.importorskip("openpyxl")
    import datetime
    book = openpyxl.Workbook()
    sheet = book.create_sheet("data")
    for row in (("a", "day", "b\nb"), (0.1, datetime.date(2024, 1, 31), 2), (None, datetime.date(2024, 2, 1), 4)): sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    table = read(file.getvalue(), missing="keep")
    np.testing.assert_array_equal(table.X, [[0.1, 2], [np.nan, 4]])
    assert table.columns == ("a", "b b") and "sheet 'data'" in table.note and "day (no number)" in table.note
    with pytest.raises(ValueError, match=r"1 in 'a' \(first in row 3\)"): read(file.getvalue())


def test_a_wide_table():
    X = np.random.default_rng(0).normal(size=(20, 5000)).round(4)
    content, start = "\n".join(",".join(map(repr, row)) for row in X.tolist()), time.process_time()
    np.testing.assert_array_equal(read(content).X, X)
    assert time.process_time() - start < 8  # it was 40 where an optimizer compared all columns with all


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(allow_nan=False, allow_infinity=False)),
       st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def test_numbers_come_back_exactly(X, sep, named):
    lines = [sep.join(f"name{j}" for j in range(X.shape[1]))] * named + [sep.join(map(repr, row)) for row in X.tolist()]
    np.testing.assert_array_equal(read("\n".join(lines)).X, X)


def test_a_word_far_down_is_found():
    "Below the first rows, which the layout is guessed from"
    content = "a,b\n" + "1.5,2\n" * 100_000
    for extra, message in (("x,2\n", "row 100002, column 'a': 'x'"), ("1\n", "row 100002: 1 cell"), (",2\n5,6\n", "'a' .first in row 100002")):
        with pytest.raises(ValueError, match=message): read(content + extra)
    np.testing.assert_array_equal(read(content + '"1,234",2\n').X[-1], [1234, 2])


def test_a_million_lines():
    "In CPU seconds: the clock of a machine that is busy with other things says nothing; ten seconds with the old reader"
    content = ("length,weight\n" + "5.266,2431.1\n1.668,1758.4\n" * 500_000).encode()
    start = time.process_time()
    table = read(content)
    assert time.process_time() - start < 2 and table.X.shape == (1_000_000, 2) and table.X[-1].tolist() == [1.668, 1758.4]


def test_the_older_name():
    assert read_csv is read_table and module.read_csv is read_table


# ---- strange input

@pytest.mark.parametrize("ends", [("\r\n", "\r"), ("\n", "\r"), ("\r", "\n"), ("\r\n", "\n"), ("\r\r\n",)])
def test_line_ends_of_several_kinds(ends):
    "A file put together on several systems; it was said to have a quotation mark out of place"
    lines = ["a,b", *(f"{a},{b}" for a, b in ROWS)]
    table = read("".join(line + ends[i % len(ends)] for i, line in enumerate(lines)))
    assert table.columns == ("a", "b") and np.array_equal(table.X, ROWS)


def test_a_cell_too_long_for_pythons_reader():
    with pytest.raises(ValueError, match="row 5, column 'word': 'xxx.*…' is not a number"):
        read(with_column("word", [*"12345678", "9", "1", "2", "3"]).replace("\n4,", f"\n{'x' * 200_000},"))


@pytest.mark.parametrize("na", ["-999", ["-999"], ("-999", "void")])
def test_spellings_of_a_missing_value(na):
    "One word is one word: its letters were taken, and each 9 was missing"
    cells = [-999, *range(9, 20)]
    X = read(with_column("v", [f"{c}.5" if c > 0 else c for c in cells]), na=na, missing="keep").X
    assert np.isnan(X).sum() == 1 and X[1, 0] == 9.5


@pytest.mark.parametrize("na", [5, None, [-999], [None]])
def test_spellings_are_words(na):
    with pytest.raises(ValueError, match=r"na is .*; expected words, as \['-999'\]"): read("1,2\n3,4\n", na=na)


@pytest.mark.parametrize("sep", [3, "", ";;", b","])
def test_separators_are_one_character(sep):
    with pytest.raises(ValueError, match="sep is .*; expected one character"): read("1,2\n3,4\n", sep=sep)


def test_a_stream_of_text_is_none_of_bytes():
    with pytest.raises(TypeError, match="gives str; expected a binary stream"): read_table(io.StringIO("1,2\n3,4\n"))


def test_a_numpy_integer_is_a_column(): assert read("a,b\n1.5,2\n3,4\n", columns=np.int64(1)).columns == ("b",)


def test_a_title_that_a_spreadsheet_fills_with_empty_cells():
    table = read("Our flowers,,\na,b,c\n" + "".join(f"{a},{b},{i % 3}\n" for i, (a, b) in enumerate(ROWS)))
    assert table.columns == ("a", "b", "c") and table.X.shape == (12, 3) and "line 1 left out as a title" in table.note
    assert read("a,,\n1.5,2,3\n4,5,7\n").columns == ("a", "x1", "x2")  # names that are lacking make no title


def test_where_a_sheet_begins(tmp_path):
    "Empty rows above and empty columns to the left; a zero is no empty cell"
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for r, row in enumerate([("a", "b"), *ROWS], start=5):
        for c, cell in enumerate(row, start=3): book.active.cell(r, c, cell)
    book.save(tmp_path / "x.xlsx")
    table = read_table(tmp_path / "x.xlsx")
    assert table.columns == ("a", "b") and np.array_equal(table.X, ROWS)
    book = openpyxl.Workbook()
    for row in [(0, 0), (0, 0)]: book.active.append(row)
    book.save(tmp_path / "zeros.xlsx")
    assert not read_table(tmp_path / "zeros.xlsx").X.any()
