"The command gmm-nb: what it prints and writes, what it refuses, and how it ends."
import csv
import io
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path

import gmm_nb.command
import numpy as np
import pytest
from gmm_nb.command import main
from gmm_nb.estimator import GaussianMixture
from gmm_nb.mixture import Mixture, saved_columns, saved_rows
from gmm_nb.tables import load_faithful, load_iris

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    "Run a command line; (exit status, standard output, standard error)"
    def _run(*words):
        status = main([str(word) for word in words])
        return status, *capsys.readouterr()
    return _run


@pytest.fixture
def faithful_model(run):
    assert run("fit", "--save", "m.npz")[0] == 0
    return Path("m.npz")


def write_table(path, X, columns=None):
    lines = ([",".join(columns)] if columns else []) + [",".join(map(repr, row)) for row in np.asarray(X).tolist()]
    Path(path).write_text("\n".join(lines) + "\n")
    return path


def rows(text):
    return list(csv.reader(io.StringIO(text)))


# ---- fit

def test_the_main_job(run):
    "README, command 1"
    status, out, err = run("fit", "--plot", "fit.png")
    assert status == 0 and err == ""
    assert re.search(r"^log-likelihood +-1130\.264$", out, re.M)
    assert re.search(r"^BIC +2322\.192 +\(smaller is better\)$", out, re.M)
    assert re.search(r"^converged +yes$", out, re.M) and re.search(r"^iterations +\d+$", out, re.M)
    assert "Old Faithful: 272 rows, 2 columns; 2 components, full covariance" in out and "eruptions" in out and "waiting" in out
    content = Path("fit.png").read_bytes()
    assert content.startswith(PNG) and len(content) > 10_000
    assert os.listdir() == ["fit.png"]


def test_the_table_is_the_fit(run):
    _, out, _ = run("fit", "--save", "m.npz")
    mixture = Mixture.load("m.npz")
    lines = [line.split() for line in out.splitlines() if re.match(r" +\d ", line)]
    assert [int(line[0]) for line in lines] == [0, 1]
    numbers = np.array(lines, float)
    np.testing.assert_allclose(numbers[:, 1], mixture.weights, atol=5e-5)
    np.testing.assert_allclose(numbers[:, 2::2], mixture.means, rtol=1e-2)
    np.testing.assert_allclose(numbers[:, 3::2] ** 2, np.diagonal(mixture.covariances, axis1=1, axis2=2), rtol=1e-2)


@pytest.mark.parametrize("covariance, K", [("full", 3), ("tied", 3), ("diag", 2), ("spherical", 1)])
def test_options_reach_the_estimator(run, covariance, K):
    status, out, _ = run("fit", "-k", K, "--covariance", covariance, "--seed", 4, "--n-init", 2, "--tol", "1e-5", "--max-iter", 200, "--save", "m.npz")
    X = load_faithful().X
    model = GaussianMixture(K, covariance_type=covariance, random_state=4, n_init=2, tol=1e-5, max_iter=200).fit(X)
    saved = Mixture.load("m.npz")
    assert status == 0 and saved.structure == covariance and saved.n_components == K
    np.testing.assert_array_equal(saved.means, model.means_)
    np.testing.assert_array_equal(saved.covariances, model.covariances_)
    assert f"{model.bic(X):.3f}" in out and f"iterations      {model.n_iter_}\n" in out


def test_old_faithful_with_three_tied_components(run):
    assert re.search(r"log-likelihood +-1126\.31[67]", run("fit", "-k", 3, "--covariance", "tied")[1])


def test_iris_from_a_file(run):
    iris = load_iris()
    write_table("iris.csv", iris.X, iris.columns)
    status, out, _ = run("fit", "iris.csv", "-k", 3, "--plot", "iris.png")
    assert status == 0 and re.search(r"log-likelihood +-180\.18\d", out) and "iris.csv: 150 rows, 4 columns" in out
    assert Path("iris.png").read_bytes().startswith(PNG)


def test_one_column(run):
    status, out, _ = run("fit", "--columns", "waiting", "--plot", "w.png", "--save", "w.npz")
    assert status == 0 and "272 rows, 1 column;" in out and "eruptions" not in out
    assert Path("w.png").read_bytes().startswith(PNG) and saved_columns("w.npz") == ("waiting",)
    assert Mixture.load("w.npz").means.shape == (2, 1)


def test_columns_by_index_and_order(run):
    run("fit", "--columns", "1,eruptions", "--save", "m.npz")
    assert saved_columns("m.npz") == ("waiting", "eruptions")
    assert Mixture.load("m.npz").means[:, 0].min() > 40


@pytest.mark.parametrize("text", ['"a,b",c', '"a,b", c', "0,1"])
def test_names_with_commas(run, text):
    X = load_faithful().X
    write_table("f.csv", X, ['"a,b"', "c"])
    assert run("fit", "f.csv", "--columns", text, "--save", "m.npz")[0] == 0
    assert saved_columns("m.npz") == ("a,b", "c")


@pytest.mark.parametrize("sep, word", [(";", ";"), ("\t", "tab"), ("\t", "\\t"), ("\t", "\t")])
def test_separator(run, sep, word):
    Path("s.csv").write_text("\n".join(sep.join(map(str, row)) for row in load_faithful().X))
    assert "-1130.264" in run("fit", "s.csv", "--sep", word)[1]


@pytest.mark.parametrize("ending, start", [("png", PNG), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", PNG)])
def test_pictures(run, ending, start):
    assert run("fit", "--plot", f"p.{ending}")[0] == 0
    assert Path(f"p.{ending}").read_bytes().startswith(start)


def test_many_columns_are_wrapped(run):
    rng = np.random.default_rng(0)
    write_table("wide.csv", rng.normal(size=(200, 20)) * 10.0 ** rng.integers(-9, 9, 20))
    status, out, _ = run("fit", "wide.csv", "--covariance", "diag", "--n-init", 1)
    assert status == 0 and max(map(len, out.splitlines())) <= 100
    for j in range(20): assert re.search(rf"\bx{j}\b", out)


def test_same_seed_same_bits(run):
    first = run("fit", "-k", 3, "--save", "a.npz")
    assert run("fit", "-k", 3, "--save", "b.npz") == first
    np.testing.assert_array_equal(Mixture.load("a.npz").means, Mixture.load("b.npz").means)


def test_not_converged_is_said(run):
    status, out, err = run("fit", "-k", 3, "--max-iter", 2, "--n-init", 1, "--tol", 0)
    assert status == 0 and re.search(r"^converged +no$", out, re.M)
    assert err.startswith("gmm-nb: warning: ") and err.count("\n") == 1


# ---- fit, with a choice

def test_fit_chooses_from_a_grid(run):
    status, out, err = run("fit", "-k", "1..4", "--covariance", "all", "--save", "m.npz")
    mixture = Mixture.load("m.npz")
    assert (status, mixture.n_components, mixture.structure, err) == (0, 3, "tied", "")
    ranking, report = out.split("Old Faithful: ")
    values = [float(line.split()[2]) for line in ranking.splitlines()[3:8]]
    assert values == sorted(values) and f"BIC             {values[0]:.3f}" in report
    assert re.search(r"components +structure +BIC +parameters\n +3 +(tied|EEE) +2314\.296 +11\n", ranking)
    assert "3 components, tied covariance" in report


@pytest.mark.parametrize("words, best", [(["-k", "2..3", "--covariance", "tied", "--criterion", "icl"], (2, "tied")),
                                         (["-k", "2", "--covariance", "diag,full"], (2, "full")), (["-k", "1,3"], (3, "full")),
                                         (["-k", "3,1..2", "--covariance", "tied, full"], (3, "tied"))])
def test_what_is_left_open(run, words, best):
    status, out, _ = run("fit", *words, "--save", "m.npz")
    assert status == 0 and "The best" in out
    assert (Mixture.load("m.npz").n_components, Mixture.load("m.npz").structure) == best


def test_one_candidate_is_no_choice(run):
    assert run("fit", "-k", "2..2", "--covariance", "tied")[1] == run("fit", "-k", "2", "--covariance", "tied")[1]


@pytest.mark.parametrize("words, told", [(["-k", "3..1"], "3..1"), (["-k", "0..2"], "0..2"), (["-k", "2,"], "1..9"), (["-k", "1..x"], "1..x"),
                                         (["--covariance", "full,round"], "'round'"), (["--covariance", "all,full"], "'all'"),
                                         (["--covariance", ""], "tied"), (["--criterion", "p"], "bic")])
def test_bad_choices(run, capsys, words, told):
    with pytest.raises(SystemExit) as end: run("fit", *words)
    assert end.value.code == 2 and told in capsys.readouterr().err


def test_choices_that_cannot_be_fitted(run):
    write_table("line.csv", np.c_[np.arange(9.0), np.arange(9.0)], ["a", "b"])
    status, out, err = run("fit", "line.csv", "-k", "1..2")
    assert (status, out) == (2, "") and "No cell" in err and "K = 1, 2" in err and err.count("\n") == 1


def test_numbers_beyond_the_rows_are_said(run):
    write_table("few.csv", np.random.default_rng(0).standard_normal((5, 1)), ["a"])
    status, out, err = run("fit", "few.csv", "-k", "1..9", "--covariance", "tied")
    assert status == 0 and "warning" in err and "6, 7, 8, 9 left out" in err


# ---- progress

class Terminal(io.StringIO):
    def isatty(self): return True


@pytest.fixture
def bars(monkeypatch):
    "The bars that a command makes, without the second that they wait, and whether each is to be seen"
    made, original = [], gmm_nb.command._progress

    def watched(**options):
        bar = original(**options)
        bar.delay = 0
        made.append((bar, not bar.disable))
        return bar
    monkeypatch.setattr(gmm_nb.command, "_progress", watched)
    return made


def test_progress_on_a_terminal(run, monkeypatch, bars):
    "The bar moves once for every step of EM"
    monkeypatch.setattr(sys, "stderr", Terminal())
    out = run("fit", "-k", 3, "--n-init", 1)[1]
    steps = int(re.search(r"iterations +(\d+)", out)[1])
    bar, seen = bars[0]
    assert seen and bar.n == steps, "GaussianMixture.fit does not call self._on_step(step) after every step"
    assert "log-likelihood -" in bar.postfix


def test_no_progress_in_a_log(run, bars):
    assert run("fit")[2] == "" and not bars[0][1]


# ---- predict

def test_predict(run, faithful_model):
    table = load_faithful()
    write_table("f.csv", table.X, table.columns)
    status, out, err = run("predict", faithful_model, "f.csv")
    header, *body = rows(out)
    assert status == 0 and err == "" and header == ["label", "probability_0", "probability_1", "log_density"] and len(body) == 272
    mixture = Mixture.load(faithful_model)
    resp = mixture.resp(table.X)
    values = np.array(body, float)
    np.testing.assert_allclose(values[:, 1:3].T, resp, rtol=1e-9)
    np.testing.assert_allclose(values[:, 3], mixture.log_density(table.X), rtol=1e-9)
    np.testing.assert_array_equal(values[:, 0], resp.argmax(axis=0))


def test_predict_finds_the_columns_by_name(run, faithful_model):
    Path("a.csv").write_text("eruptions,waiting\n2,55\n4.3,80\n")
    Path("b.csv").write_text("day,waiting,eruptions\nMon,55,2\nTue,80,4.3\n")
    Path("c.csv").write_text("2,55\n4.3,80\n")
    Path("d.csv").write_text("x,y,z\n55,0,2\n80,0,4.3\n")
    expected = run("predict", faithful_model, "a.csv")
    assert expected[0] == 0 and expected[1].count("\n") == 3
    assert run("predict", faithful_model, "b.csv", "--quiet") == expected
    assert run("predict", faithful_model, "b.csv", "--columns", "waiting,eruptions")[1] == expected[1]
    assert run("predict", faithful_model, "c.csv", "--quiet") == expected
    assert "no line of names" in run("predict", faithful_model, "c.csv")[2]
    assert run("predict", faithful_model, "d.csv", "--columns", "z,x") == expected


def test_predict_into_a_file(run, faithful_model):
    Path("a.csv").write_text("2,55\n4.3,80\n")
    out = run("predict", faithful_model, "a.csv")[1]
    assert run("predict", faithful_model, "a.csv", "-o", "labels.csv", "--quiet") == (0, "", "")
    assert run("predict", faithful_model, "a.csv", "-o", "-")[1] == out
    assert Path("labels.csv").read_text() == out


def test_a_model_without_names(run):
    Mixture([1.0], [[0.0, 0.0]], [np.eye(2)]).save("plain.npz")
    Path("a.csv").write_text("p,q\n1,2\n")
    density = Mixture.load("plain.npz").log_density([[1, 2]])[0]
    assert run("predict", "plain.npz", "a.csv")[1] == f"label,probability_0,log_density\n0,1,{density:.10g}\n"
    assert run("sample", "plain.npz", "-n", 1)[1].startswith("x0,x1\n")


# ---- sample

def test_sample(run, faithful_model):
    status, out, err = run("sample", faithful_model, "-n", 500, "--seed", 3)
    header, *body = rows(out)
    assert status == 0 and err == "" and header == ["eruptions", "waiting"]
    expected, _ = Mixture.load(faithful_model).sample(500, np.random.default_rng(3))
    np.testing.assert_array_equal(np.array(body, float), expected)
    assert run("sample", faithful_model, "-n", 500, "--seed", 3)[1] == out
    assert run("sample", faithful_model, "-n", 500)[1] != out


def test_sample_default_and_none(run, faithful_model):
    assert run("sample", faithful_model)[1].count("\n") == 101
    assert run("sample", faithful_model, "-n", 0)[1] == "eruptions,waiting\n"


def test_samples_can_be_fitted(run, faithful_model):
    run("sample", faithful_model, "-n", 2000, "--seed", 0, "-o", "s.csv")
    assert run("fit", "s.csv", "--save", "again.npz")[0] == 0
    np.testing.assert_allclose(np.sort(Mixture.load("again.npz").means, axis=0), np.sort(Mixture.load("m.npz").means, axis=0), rtol=0.02)


# ---- bad input: one line, exit status 2, nothing written

BAD = {
    "word.csv": "a,b\n1,2\n3,x\n", "nan.csv": "a,b\n1,2\n3,nan\n", "empty.csv": "", "header.csv": "a,b\n", "ragged.csv": "a,b\n1,2\n3\n",
    "few.csv": "a,b\n1,2\n", "binary.csv": b"\x89PNG\xff", "good.csv": "a,b\n1,2\n3,4\n5,7\n",
    "other.csv": "a,c\n1,2\n3,4\n5,7\n",
}


@pytest.mark.parametrize("words, message", [
    (["fit", "none.csv"], r"none\.csv: No such file"),
    (["fit", "."], r"\.: Is a directory|Permission denied"),
    (["fit", "empty.csv"], r"empty\.csv is empty"),
    (["fit", "header.csv"], r"header\.csv has a header and no rows"),
    (["fit", "word.csv"], r"word\.csv, row 3, column 'b': 'x' is not a number.*--columns a"),
    (["fit", "nan.csv"], r"nan\.csv has 1 missing value\(s\).*1 in 'b' \(first in row 3\).*--missing drop"),
    (["fit", "ragged.csv"], r"ragged\.csv, row 3: 1 cell"),
    (["fit", "binary.csv"], r"binary\.csv looks like a PNG picture"),
    (["fit", "few.csv", "-k", "2"], r"n_samples = 1"),
    (["fit", "good.csv", "--columns", "c"], r"good\.csv has no column 'c'; it has a, b"),
    (["fit", "good.csv", "--columns", ""], r"No column of good\.csv is chosen"),
    (["fit", "good.csv", "--columns", "a,0"], r"chosen twice"),
    (["fit", "--columns", "nope"], r"has no column 'nope'; it has eruptions, waiting"),
    (["fit", "good.csv", "--sep", "ab"], r"sep is 'ab'; expected one character"),
    (["fit", "--plot", "no/such/fit.png"], r"no/such/fit\.png: there is no folder .*/no/such"),
    (["fit", "--plot", "fit"], r"fit has no ending that names a picture"),
    (["fit", "--plot", "fit.txt"], r"fit\.txt has no ending that names a picture; expected one of .*\.png"),
    (["fit", "--save", "."], r"\.: is a folder"),
    (["fit", "--save", "x.png", "--plot", "x.png"], r"x\.png is to be written twice"),
    (["predict", "none.npz", "good.csv"], r"none\.npz: No such file"),
    (["predict", "good.csv", "good.csv"], r"good\.csv is not a saved mixture"),
    (["predict", "m.npz", "none.csv"], r"none\.csv: No such file"),
    (["predict", "m.npz", "word.csv", "--columns", "a,b"], r"word\.csv, row 3"),
    (["predict", "m.npz", "word.csv"], r"word\.csv has the columns a, b; the model was fitted to eruptions, waiting"),
    (["predict", "m.npz"], r"No table is named"), (["fit", "-", "good.csv", "-"], "can be read once"), (["score", "m.npz"], r"No table is named"),
    (["fit", "good.csv", "nan.csv", "word.csv"], r"nan\.csv has 1 missing"), (["fit", "good.csv", "other.csv"], r"other\.csv has the columns a, c; good\.csv has a, b"),
    (["fit", "good.csv", "--weights", "w"], r"good\.csv has no column 'w'"), (["fit", "good.csv", "--save", "-"], "cannot go to standard output"),
    (["fit", "good.csv", "--json", "-", "--report", "-"], "Two outputs are to go to standard output"), (["fit", "good.csv", "--report", "no/r.html"], "there is no folder"),
    (["fit", "nan.csv", "--missing", "keep", "-k", "1,2", "--quiet"], "fits with missing values cannot be had where several"), (["info", "good.csv"], "is not a saved mixture"),
    (["fit", "good.csv", "-k", "1,2", "--acceleration", "none"], "--acceleration cannot be had where several"), (["fit", "good.csv", "--encoding", "no"], "in the encoding 'no'"),
    (["predict", "m.npz", "good.csv", "--columns", "a"], r"good\.csv has 1 column\(s\); expected 2"),
    (["predict", "m.npz", "good.csv", "-o", "no/labels.csv"], r"no/labels\.csv: there is no folder"),
    (["sample", "none.npz"], r"none\.npz: No such file"),
    (["sample", "empty.csv"], r"empty\.csv is not a saved mixture"),
    (["sample", "m.npz", "-o", "."], r"\.: is a folder"),
])
def test_bad_files(run, folder, faithful_model, words, message):
    for name, content in BAD.items(): Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(os.listdir())
    status, out, err = run(*words)
    assert status == 2 and out == ""
    assert err.startswith("gmm-nb: ") and err.count("\n") == 1 and err.endswith("\n") and "Traceback" not in err
    assert re.search(message, err), err
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("words", [["fit", "good.csv", "--sep", ""], ["fit", "good.csv", "--sep", "\n"], ["fit", "good.csv", "--sep", '"'],
                                   ["fit", "--columns", ","], ["fit", ""], ["fit", "a\0b"], ["fit", "--save", ""], ["fit", "--plot", ""], ["fit", "--save", "a\0b"],
                                   ["fit", "--save", "n" * 256], ["fit", "--save", "m.npz/"], ["sample", "m.npz", "-o", ""], ["sample", ""], ["sample", os.devnull],
                                   ["fit", os.devnull], ["predict", "m.npz", os.devnull]])
def test_bad_values(run, faithful_model, words):
    Path("good.csv").write_text(BAD["good.csv"])
    before = sorted(os.listdir())
    status, out, err = run(*words)
    assert (status, out) == (2, "") and re.fullmatch(r"gmm-nb: .+\n", err) and sorted(os.listdir()) == before


@pytest.mark.parametrize("words", [[], ["cook"], ["fit", "-k", "0"], ["fit", "-k", "1" + "0" * 15], ["fit", "-k", "two"], ["fit", "--covariance", "round"], ["fit", "--tol", "nan"],
                                   ["fit", "--tol", "-1"], ["fit", "--n-init", "0"], ["sample", "m.npz", "-n", "-1"], ["predict"], ["fit", "--missing", "no"], ["fit", "--acceleration", "no"], ["fit", "--decimal", ";"], ["completion", "sh"],
                                   ["sample", "m.npz", "-n", "1" + "0" * 15], ["sample", "m.npz", "-n", "1" + "0" * 5000], ["sample", "m.npz", "-n", "1e3"],
                                   ["fit", "--n-init", "1" + "0" * 15], ["fit", "--seed", str(2**32)], ["fit", "--tol", "1e400"], ["fit", "--tol", "inf"],
                                   ["fit", "--columns", "a\nb"], ["fit", "--columns", "x" * 200_000], ["sample", "m.npz", "--seed", "-1"]])
def test_bad_words(words, capsys):
    with pytest.raises(SystemExit) as end: main(words)
    assert end.value.code == 2 and "usage: gmm-nb" in capsys.readouterr().err


def test_a_bug_is_not_hidden(monkeypatch):
    monkeypatch.setattr(gmm_nb.command, "_fit", lambda options: {}["no"])
    with pytest.raises(KeyError): main(["fit"])


def test_too_little_memory_is_no_bug(run, monkeypatch):
    def full(options): np.empty(2**50)
    monkeypatch.setattr(gmm_nb.command, "_fit", full)
    status, out, err = run("fit")
    assert (status, out) == (2, "") and re.fullmatch(r"gmm-nb: Unable to allocate .+\n", err)
    def silent(options): raise MemoryError
    monkeypatch.setattr(gmm_nb.command, "_fit", silent)
    assert run("fit") == (2, "", "gmm-nb: MemoryError\n")


# ---- an output that is an input

def link(name, kind):
    "Another name of a file"
    {"same": lambda: None, "soft": lambda: os.symlink(name, "other"), "hard": lambda: os.link(name, "other"),
     "folder": lambda: os.symlink(".", "other")}[kind]()
    return {"same": f"./{name}", "folder": f"other/{name}"}.get(kind, "other")


@pytest.mark.parametrize("kind", ["same", "soft", "hard", "folder"])
@pytest.mark.parametrize("words, target", [
    (["sample", "m.npz", "-o"], "m.npz"), (["predict", "m.npz", "d.csv", "-o"], "d.csv"), (["predict", "m.npz", "d.csv", "-o"], "m.npz"),
    (["fit", "d.csv", "--save"], "d.csv"), (["fit", "d.png", "--plot"], "d.png"), (["fit", "d.csv", "--plot", "p.png", "--save"], "d.csv")])
def test_an_input_is_never_written_over(run, faithful_model, words, target, kind):
    table = load_faithful()
    for name in ("d.csv", "d.png"): write_table(name, table.X, table.columns)
    other = link(target, kind)
    if "--plot" in words and kind in ("soft", "hard"):
        os.rename(other, other := f"{other}.png")
    before = {name: Path(name).read_bytes() for name in os.listdir() if Path(name).is_file()}
    status, out, err = run(*words, other)
    assert (status, out, err) == (2, "", f"gmm-nb: {other} is to be read and written; give the output another name.\n")
    assert {name: Path(name).read_bytes() for name in os.listdir() if Path(name).is_file()} == before


def test_the_packages_own_data_are_never_written_over(run, monkeypatch, tmp_path):
    copy = shutil.copy(gmm_nb.command._faithful(), tmp_path / "own.csv")
    monkeypatch.setattr(gmm_nb.command, "_faithful", lambda: copy)
    assert run("fit", "--save", "own.csv")[0] == 2 and run("fit", "--save", "m.npz")[0] == 0


@pytest.mark.parametrize("kind", ["same", "soft", "hard", "folder"])
@pytest.mark.parametrize("there", [True, False])
def test_two_outputs_are_two_files(run, kind, there):
    if there: Path("x.png").write_bytes(b"old")
    elif kind == "hard": return
    other = link("x.png", kind)
    status, out, err = run("fit", "--save", other, "--plot", "x.png")
    assert (status, out) == (2, "") and "x.png is to be written twice; give two names" in err
    assert not there or Path("x.png").read_bytes() == b"old"


def test_devices_may_be_read_and_written():
    "As a terminal is. Nothing is written here: a test that fails must not cost the machine its null device"
    assert not gmm_nb.command._same_file(os.devnull, os.devnull)
    gmm_nb.command._check_targets([os.devnull], [os.devnull, os.devnull])


def test_the_output_of_the_shell_is_an_output(faithful_model):
    content = faithful_model.read_bytes()
    for words in (["sample", "m.npz"], ["fit", "m.npz"]):
        with open("m.npz", "ab") as file: run = subprocess.run(COMMAND + words, stdout=file, stderr=subprocess.PIPE, timeout=60)
        assert run.returncode == 2 and b"m.npz is to be read, and the output goes to it" in run.stderr and faithful_model.read_bytes() == content


def test_what_cannot_be_written_is_known_before_the_work(run, monkeypatch):
    monkeypatch.setattr(gmm_nb.command, "_data", lambda options: pytest.fail("the work has begun"))
    monkeypatch.setattr(os, "access", lambda path, *rest, **options: str(path) != os.getcwd())
    assert run("fit", "--save", "m.npz")[2].startswith("gmm-nb: m.npz: cannot be written whole: no new file may be made in ")


# ---- an interruption

def test_interruption(monkeypatch, capsys):
    def stop(options): raise KeyboardInterrupt
    monkeypatch.setattr(gmm_nb.command, "_fit", stop)
    assert main(["fit"]) == 130 and capsys.readouterr().out == ""


@pytest.fixture(autouse=True)
def hears_ctrl_c():
    "As in a terminal; what is started in the background of a shell ignores it"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c(monkeypatch, at=3):
    "As if the user pressed Ctrl-C in the middle of a fit"
    steps, original = [], gmm_nb.command._progress
    def watched(**options):
        bar = original(**options)
        def update(n=1):
            steps.append(n)
            if len(steps) == at: signal.raise_signal(signal.SIGINT)
        bar.update = update
        return bar
    monkeypatch.setattr(gmm_nb.command, "_progress", watched)


FIT = ["fit", "-k", "3", "--n-init", "1", "--tol", "0", "--max-iter", "100000"]


def test_ctrl_c_in_a_fit_keeps_what_there_is(run, monkeypatch):
    press_ctrl_c(monkeypatch)
    status, out, err = run(*FIT, "--save", "m.npz", "--plot", "p.png")
    assert status == 130 and err == "gmm-nb: interrupted; this is the best mixture so far.\n"
    assert re.search(r"^iterations +3$", out, re.M) and re.search(r"^converged +no$", out, re.M)
    assert f"{Mixture.load('m.npz').log_density(load_faithful().X).sum():.3f}" in out and Path("p.png").read_bytes().startswith(PNG)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_a_fit_replaces_nothing(run, monkeypatch):
    press_ctrl_c(monkeypatch)
    Path("m.npz").write_bytes(b"old")
    status, out, err = run(*FIT, "--save", "m.npz", "--plot", "p.png")
    assert status == 130 and "log-likelihood" in out and "gmm-nb: interrupted; m.npz is left as it was.\n" in err
    assert Path("m.npz").read_bytes() == b"old" and Path("p.png").exists() and len(os.listdir()) == 2


def hear_all():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_DFL)


def start(*words, **options):
    options = {"preexec_fn": hear_all} | options
    return subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def when(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_signal_while_writing_leaves_no_half_file(faithful_model, number, status, old):
    os.mkdir("out")
    if old: Path("out/s.csv").write_bytes(old)
    process = start("sample", "m.npz", "-n", "1000000000", "-o", "out/s.csv")
    when(lambda: any(path.name != "s.csv" and path.stat().st_size for path in Path("out").iterdir()))
    process.send_signal(number)
    assert (*process.communicate(timeout=60), process.returncode) == ("", "", status)
    assert [path.read_bytes() for path in Path("out").iterdir()] == ([old] if old else [])


def test_a_signal_that_is_ignored_stays_ignored(faithful_model):
    "As under nohup"
    os.mkdir("out")
    process = start("sample", "m.npz", "-n", "1000000000", "-o", "out/s.csv", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    when(lambda: any(path.stat().st_size for path in Path("out").iterdir()))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=60)


def test_a_signal_while_nobody_reads(faithful_model):
    process = start("sample", "m.npz", "-n", "1000000000")
    process.stdout.readline()
    time.sleep(0.3)  # until the pipe is full
    process.terminate()
    assert process.wait(30) == 143
    assert process.communicate()[1] == ""


@pytest.mark.parametrize("option, name", [("--plot", "fit.png"), ("--save", "fit.npz")])
def test_whole_or_not_at_all(run, monkeypatch, option, name):
    "Where the last step of writing fails, the old file is still there and no other"
    Path(name).write_bytes(b"old")
    def fail(*args): raise OSError(28, "No space left on device", name)
    monkeypatch.setattr(os, "replace", fail)
    status, _, err = run("fit", option, name)
    assert status == 2 and err == f"gmm-nb: {name}: No space left on device\n"
    assert Path(name).read_bytes() == b"old" and os.listdir() == [name]


def test_old_files_are_replaced(run):
    Path("m.npz").write_bytes(b"old")
    assert run("fit", "--save", "m.npz")[0] == 0 and Mixture.load("m.npz").n_components == 2


@pytest.mark.parametrize("option, name", [("--plot", "fit.png"), ("--save", "fit.npz")])
def test_the_report_is_printed_even_if_a_file_fails(run, monkeypatch, option, name):
    def fail(*args): raise OSError(28, "No space left on device", name)
    monkeypatch.setattr(os, "replace", fail)
    assert "-1130.264" in run("fit", option, name)[1]


# ---- tables that are long, and names that are odd

ODD = [["a,b", 'c"d'], ["two\nlines", "b"], ["carriage\rreturn", "b"], [" space", "behind "], ["ü", "数"], ["\ufeffmark", "b"], ["", "b"], ["a'b", "#c"], ["tab\t", ";"]]


@pytest.mark.parametrize("names", ODD)
@pytest.mark.parametrize("output", [[], ["-o", "s.csv"]])
def test_what_is_written_can_be_read(run, names, output):
    Mixture([1.0], [[0.0, 5.0]], [np.eye(2)]).save("m.npz", columns=names)
    status, out, err = run("sample", "m.npz", "-n", 50, "--seed", 0, *output)
    text = Path("s.csv").read_bytes().decode() if output else out
    assert (status, err) == (0, "") and rows(io.StringIO(text, newline="").read())[0] == names
    Path("back.csv").write_bytes(text.encode())
    status, out, err = run("fit", "back.csv", "-k", 1, "--save", "back.npz", *([] if output else ["--plot", "p.png"]))
    assert status == 0 and "50 rows, 2 columns" in out and (output or Path("p.png").read_bytes().startswith(PNG))
    assert saved_columns("back.npz") == tuple(name.strip() or f"x{j}" for j, name in enumerate(names))
    assert run("predict", "back.npz", "back.csv")[1].count("\n") == 51


def test_names_do_not_break_the_table(run):
    Path("d.csv").write_text('"two\nlines","\x1b[31mred"\n' + "".join(f"{x},{y}\n" for x, y in load_faithful().X))
    out = run("fit", "d.csv")[1]
    assert r"two\nlines" in out and r"\x1b[31mred" in out and "\x1b" not in out
    assert run("fit", "d.csv", "--columns", '"two\nlines"')[0] == 0


@pytest.mark.parametrize("name", ["cost ($)", "$a$", r"$\bad$", "a_b^{"])
def test_a_dollar_is_no_formula(run, name):
    Path("d.csv").write_text(f"{name},$y$\n" + "".join(f"{x},{y}\n" for x, y in load_faithful().X))
    assert run("fit", "d.csv", "--plot", "p.png")[::2] == (0, "")


def test_a_byte_order_mark(run, faithful_model):
    Path("d.csv").write_bytes("\ufefferuptions,waiting\n2,55\n4.3,80\n".encode())
    assert run("predict", faithful_model, "d.csv")[0] == 0


def test_many_rows_need_little_memory(run, faithful_model, monkeypatch):
    "Memory stays the same for ten times as many rows"
    written = []
    monkeypatch.setattr(gmm_nb.command, "_put", lambda text: written.append(text.count("\n")))
    def peak(n):
        written.clear()
        tracemalloc.start()
        try:
            assert main(["sample", "m.npz", "-n", str(n)]) == 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert sum(written) == n + 1
    monkeypatch.setattr(gmm_nb.command, "_drawn", lambda mixture, n, rng: ([0.0, 0.0] for _ in range(n)))
    assert peak(100_000) < 2 * peak(10_000)


def test_rows_are_drawn_in_blocks(run):
    mixture = Mixture([1.0], np.zeros((1, 2**18)), np.ones((1, 2**18)), "diag")
    drawn = np.array([*gmm_nb.command._drawn(mixture, 6, np.random.default_rng(0))])
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(drawn, np.concatenate([mixture.sample(4, rng)[0], mixture.sample(2, rng)[0]]))


def test_predictions_do_not_depend_on_the_blocks(run, faithful_model):
    X = np.tile(load_faithful().X, (40, 1))
    write_table("f.csv", X)
    values = np.array(rows(run("predict", faithful_model, "f.csv")[1])[1:], float)
    np.testing.assert_allclose(values[:, 1:3].T, Mixture.load(faithful_model).resp(X), rtol=1e-9)


# ---- as a person runs it

COMMAND = [sys.executable, "-m", "gmm_nb"]


def bash(line, **environment):
    "A line of shell; `gmm` is the command. What Python's buffering does is part of it."
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | environment
    return subprocess.run(["bash", "-c", f'gmm() {{ "{sys.executable}" -m gmm_nb "$@"; }}; {line}'], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, env=env)


@pytest.mark.parametrize("line, status, message", [
    ("gmm sample m.npz >&-", 2, "gmm-nb: standard output: is closed; .*"), ("gmm fit >&-", 2, "gmm-nb: standard output: is closed; .*"),
    ("gmm sample m.npz -o s.csv >&-", 0, ""), ("gmm fit >/dev/full", 2, "gmm-nb: output: No space left on device"),
    ("gmm sample m.npz >/dev/full", 2, "gmm-nb: output: No space left on device"),
    ("gmm sample m.npz -n 50000 >/dev/full", 2, "gmm-nb: output: No space left on device"),
    ("gmm sample m.npz -n 1 -o /dev/fd/1 | grep -q eruptions", 0, ""),
    ("gmm fit none.csv 2>&-", 2, ""), ("gmm fit none.csv 2>/dev/full", 2, ""), ("gmm fit --max-iter 1 >/dev/null 2>/dev/full", 0, ""),
    ("gmm fit --max-iter 1 2>&- | grep -c warning", 1, ""), ("gmm 2>&-", 2, ""), ("gmm fit none.csv >&- 2>&-", 2, ""),
    ("set -o pipefail; gmm sample m.npz -n 1000000000 | head -1 | grep -q eruptions", 0, ""), ("set -o pipefail; gmm fit | head -c 0", 0, ""),
    ("set -o pipefail; gmm fit --save q.npz | head -c 0 && test -s q.npz", 0, ""), ("set -o pipefail; gmm fit --help | head -c 0", 0, ""),
    ("export PYTHONUNBUFFERED=1; gmm fit >/dev/full", 2, "gmm-nb: output: No space left on device"),
    ("export PYTHONUNBUFFERED=1; gmm sample m.npz >/dev/full", 2, "gmm-nb: output: No space left on device"),
    ("export PYTHONUNBUFFERED=1; set -o pipefail; gmm fit --save q.npz | head -c 0 && test -s q.npz", 0, ""),
])
def test_streams_that_are_closed_or_full(faithful_model, line, status, message):
    run = bash(line)
    assert run.returncode == status and re.fullmatch(message, run.stderr.rstrip("\n")), run.stderr


def test_help_into_a_full_device():
    run = bash("gmm --help >/dev/full")
    assert run.returncode == 2 and run.stderr == "gmm-nb: output: No space left on device\n"


def test_models_and_data_from_pipes(faithful_model):
    run = bash("gmm sample <(cat m.npz) -n 5 -o s.csv && gmm predict <(cat m.npz) <(cat s.csv) && cat s.csv | gmm fit /dev/stdin -k 1 | grep rows")
    assert run.returncode == 0 and run.stderr == "" and run.stdout.count("\n") == 7 and "/dev/stdin: 5 rows" in run.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_table_in_a_pipe_is_utf_8(encoding):
    Mixture([1.0], [[0.0, 5.0]], [np.eye(2)]).save("m.npz", columns=["ü", "数"])
    run = bash("gmm sample m.npz -n 20 > s.csv && gmm fit s.csv -k 1 && gmm predict m.npz s.csv", PYTHONIOENCODING=encoding)
    assert run.returncode == 0 and run.stderr == "" and Path("s.csv").read_bytes().startswith("ü,数\n".encode()) and "数" in run.stdout


def test_a_terminal_gets_what_it_can_show(monkeypatch):
    class Old(io.TextIOWrapper):
        def isatty(self): return True
    monkeypatch.setattr(sys, "stdout", Old(io.BytesIO(), encoding="latin-1"))
    Path("d.csv").write_text("ü,数\n" + "".join(f"{x},{y}\n" for x, y in load_faithful().X))
    assert main(["fit", "d.csv"]) == 0
    assert "ü".encode("latin-1") in sys.stdout.buffer.getvalue() and rb"\u6570" in sys.stdout.buffer.getvalue()


def shell(*words, **options):
    return subprocess.run([*words], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **options)


def test_entry_points(faithful_model):
    installed = Path(sys.executable).parent / "gmm-nb"
    for words in ([str(installed)], [sys.executable, "-m", "gmm_nb"]):
        assert shell(*words, "sample", "m.npz", "-n", "1").stdout.startswith("eruptions,waiting\n")
        bad = shell(*words, "fit", "none.csv")
        assert bad.returncode == 2 and bad.stdout == "" and bad.stderr == "gmm-nb: none.csv: No such file or directory\n"


@pytest.mark.parametrize("words, status", [(["sample", "m.npz", "-n", "2"], 0), (["fit", "none.csv"], 2)])
def test_python_m_ends_with_the_status_of_main(words, status, faithful_model, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gmm_nb", *words])
    capsys.readouterr()  # what the fit printed
    with pytest.raises(SystemExit) as end: runpy.run_module("gmm_nb", run_name="__main__")
    out, err = capsys.readouterr()
    assert end.value.code == status and len(out.splitlines()) == (0 if status else 3) and bool(err) == bool(status)


def test_entry_point_is_declared():
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["scripts"] == {"gmm-nb": "gmm_nb.command:main"}


def test_version_and_help(capsys):
    for words, text in ((["--version"], gmm_nb.command.__version__), (["--help"], "predict"), (["fit", "--help"], "--covariance")):
        with pytest.raises(SystemExit) as end: main(words)
        assert end.value.code == 0 and text in capsys.readouterr().out


def test_help_is_quick_to_load():
    run = shell(sys.executable, "-X", "importtime", "-m", "gmm_nb", "--version")
    assert run.returncode == 0 and "gmm_nb.command" in run.stderr
    assert not re.search(r"\b(sklearn|matplotlib|tqdm)$", run.stderr, re.M)


def test_a_closed_pipe(faithful_model):
    "`gmm-nb sample … | head -1` ends quietly"
    process = subprocess.Popen([sys.executable, "-m", "gmm_nb", "sample", "m.npz", "-n", "20000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(60) == 0


def test_no_screen_is_needed():
    run = shell(sys.executable, "-m", "gmm_nb", "fit", "--plot", "p.png", env={**os.environ, "DISPLAY": ":99", "MPLBACKEND": ""})
    assert run.returncode == 0, run.stderr
    assert Path("p.png").read_bytes().startswith(PNG)


def test_defaults_are_the_estimators():
    options, model = gmm_nb.command.parser().parse_args(["fit"]), GaussianMixture()
    assert (options.tol, options.max_iter, options.n_init, options.covariance) == (model.tol, model.max_iter, model.n_init, model.covariance_type)


# ---- tables as people have them

TABLES = Path(__file__).parent / "tables"
EXPECTED = json.loads((TABLES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_that_people_have(run, name):
    expected, more = EXPECTED[name], []
    if "refuse" in expected:
        status, out, err = run("fit", TABLES / name)
        assert (status, out) == (2, "") and re.fullmatch(rf"gmm-nb: .*{re.escape(name)}.+\n", err)
        return
    if expected.get("header"): more = ["--header"]
    if "missing" in expected:
        status, out, err = run("fit", TABLES / name)
        assert status == 2 and f"has {expected['missing']} missing value(s)" in err and "--missing drop" in err and "--missing keep" in err
        more = ["--missing", "keep"]
    status, out, err = run("fit", TABLES / name, *more, "--save", "m.npz", "--json", "m.json")
    fit = json.loads(Path("m.json").read_text())
    assert status == 0 and err.count("\n") <= 1 and fit["columns"] == expected["columns"] == list(saved_columns("m.npz")) and fit["rows"] == expected["rows"]
    if "note" in expected and "left out" in expected["note"]: assert "left out: " in err
    if "sums" in expected and not more: np.testing.assert_allclose(np.dot(fit["weights"], fit["means"]) * fit["rows"], expected["sums"], rtol=1e-9)
    status, out, err = run("predict", "m.npz", TABLES / name, *more)
    assert status == 0 and len(rows(out)) == expected["rows"] + 1
    assert run("sample", "m.npz", "-n", 1)[1].startswith(",".join(expected["columns"]) + "\n")


def test_what_the_first_line_was_taken_for(run):
    assert "no line of names: the first is data (1990, 1991)" in run("fit", TABLES / "years_as_header.csv")[2]
    assert run("fit", TABLES / "years_as_header.csv", "--header")[2] == ""
    assert "first line taken for names (length, 2)" in run("fit", TABLES / "header_half_number.csv")[2]
    assert run("fit", TABLES / "years_as_header.csv", "--quiet")[2] == ""


def test_guesses_are_overruled(run):
    Path("t.csv").write_text("a;b\n" + "".join(f"1,{i:03d};{i * i % 7},5\n" for i in range(20)))
    assert "20 rows, 2 columns" in run("fit", "t.csv", "-k", 1)[1]
    assert "left out: b (no number)" in run("fit", "t.csv", "-k", 1, "--decimal", ".")[2]
    Path("n.csv").write_text("a,b\n" + "".join(f"{i * i % 7},{-99 if i == 3 else i % 5}\n" for i in range(20)))
    assert "1 missing value" in run("fit", "n.csv", "--na=-99,x")[2]
    assert "19 rows" in run("fit", "n.csv", "-k", 1, "--na=-99", "--missing", "drop")[1]


def test_ids_come_back(run):
    X = load_faithful().X
    Path("d.csv").write_text("customer_id,eruptions,waiting\n" + "".join(f"C{i:03d},{a},{b}\n" for i, (a, b) in enumerate(X)))
    status, out, err = run("fit", "d.csv", "--save", "m.npz")
    assert status == 0 and "left out: customer_id (all different)" in err and saved_columns("m.npz") == ("eruptions", "waiting")
    header, *body = rows(run("predict", "m.npz", "d.csv")[1])
    assert header == ["customer_id", "label", "probability_0", "probability_1", "log_density"]
    assert [row[0] for row in body] == [f"C{i:03d}" for i in range(272)]


@pytest.mark.parametrize("header, status", [("waiting,eruptions", 0), ("eruptions,waiting", 0), ("waiting,eruptions,x", 0), ("length,waiting", 2), ("a,b", 2), ("Eruptions,Waiting", 2)])
def test_names_that_contradict_the_model(run, faithful_model, header, status):
    Path("d.csv").write_text(f"{header}\n" + ("2,55\n" if header.count(",") == 1 else "2,55,1\n"))
    for verb in ("predict", "score"):
        got, _, err = run(verb, faithful_model, "d.csv")
        assert got == status and ("the model was fitted to eruptions, waiting" in err) == bool(status)
    assert run("predict", faithful_model, "d.csv", "--columns", ",".join(header.split(",")[:2]))[0] == 0


def test_missing_values(run):
    X = load_faithful().X.copy()
    X[::7, 0], X[3::11, 1] = np.nan, np.nan
    Path("d.csv").write_text("id,eruptions,waiting\n" + "".join(f"r{i},{a:.4g},{b:.4g}\n".replace("nan", "n/a") for i, (a, b) in enumerate(X)))
    status, out, err = run("fit", "d.csv", "--missing", "keep", "--save", "m.npz", "--plot", "p.png", "--report", "r.html")
    model = GaussianMixture(2, missing="at_random", random_state=0, max_iter=1000).fit(X)
    np.testing.assert_allclose(Mixture.load("m.npz").means, model.means_, rtol=1e-6)
    assert status == 0 and re.search(rf"^log-likelihood +{model.score_samples(X).sum():.3f}$", out, re.M) and re.search(rf"^BIC +{model.bic(X):.3f}", out, re.M)
    assert "fitted to what was observed" in Path("r.html").read_text()
    values = rows(run("predict", "m.npz", "d.csv", "--missing", "keep")[1])[1:]
    np.testing.assert_allclose([float(row[2]) for row in values], model.predict_proba(X)[:, 0], rtol=1e-6, atol=1e-12)
    dropped = rows(run("predict", "m.npz", "d.csv", "--missing", "drop")[1])[1:]
    assert [row[0] for row in dropped] == [f"r{i}" for i in np.flatnonzero(~np.isnan(X).any(axis=1))]
    assert run("predict", "m.npz", "d.csv")[0] == 2


def test_weights(run):
    X, times = load_faithful().X, 1 + np.arange(272) % 3
    write_table("w.csv", np.c_[X, times], ["eruptions", "waiting", "times"])
    write_table("r.csv", np.repeat(X, times, axis=0), ["eruptions", "waiting"])
    status, out, err = run("fit", "w.csv", "--weights", "times", "--save", "w.npz", "--json", "w.json")
    assert status == 0 and saved_columns("w.npz") == ("eruptions", "waiting")
    run("fit", "r.csv", "--save", "r.npz", "--json", "r.json")
    np.testing.assert_allclose(Mixture.load("w.npz").means, Mixture.load("r.npz").means, rtol=1e-6)
    weighted, repeated = (json.loads(Path(name).read_text()) for name in ("w.json", "r.json"))
    for name in ("log_likelihood", "bic", "log_likelihood_per_row"): np.testing.assert_allclose(weighted[name], repeated[name], rtol=1e-8)
    assert run("fit", "w.csv", "--weights", "times", "-k", "1..3", "--covariance", "tied")[0] == 0


@pytest.mark.parametrize("acceleration", ["none", "squarem", "natural-gradient"])
def test_acceleration(run, acceleration):
    run("fit", "-k", 3, "--acceleration", acceleration, "--save", "m.npz")
    model = GaussianMixture(3, acceleration=None if acceleration == "none" else acceleration, random_state=0, max_iter=1000, tol=1e-7).fit(load_faithful().X)
    np.testing.assert_array_equal(Mixture.load("m.npz").means, model.means_)


# ---- several files, pipes

def test_several_files_are_one_table(run):
    X = load_faithful().X
    for name, part in (("a.csv", X[:100]), ("b.csv", X[100:101]), ("c.csv", X[101:])): write_table(name, part, load_faithful().columns)
    write_table("all.csv", X, load_faithful().columns)
    together, alone = run("fit", "a.csv", "b.csv", "c.csv"), run("fit", "all.csv")
    assert together[1].split("\n", 1) == ["a.csv, b.csv, c.csv: 272 rows, 2 columns; 2 components, full covariance", alone[1].split("\n", 1)[1]]
    run("fit", "all.csv", "--save", "m.npz")
    assert run("predict", "m.npz", "a.csv", "b.csv", "c.csv")[1] == run("predict", "m.npz", "all.csv")[1]
    assert run("score", "m.npz", "a.csv", "b.csv", "c.csv")[1] == run("score", "m.npz", "all.csv")[1]


def piped(words, data, **options):
    return subprocess.run(COMMAND + words, input=data, capture_output=True, timeout=60, **options)


@pytest.mark.parametrize("words", [[], ["-"]])
def test_a_pipe_is_read(words):
    data = (TABLES / "plain.csv").read_bytes()
    done = piped(["fit", *words, "--save", "m.npz"], data)
    assert done.returncode == 0 and b"standard input: 60 rows, 2 columns" in done.stdout
    again = piped(["predict", "m.npz", *words], data)
    assert again.returncode == 0 and again.stdout.count(b"\n") == 61
    with open(TABLES / "table.parquet", "rb") as file:
        assert b"60 rows" in subprocess.run(COMMAND + ["fit", *words], stdin=file, capture_output=True, timeout=60).stdout


def test_a_pipe_is_never_passed_over():
    empty = piped(["fit"], b"")
    assert empty.returncode == 2 and b"standard input is empty" in empty.stderr and empty.stdout == b""
    slow = subprocess.run(["bash", "-c", f"(sleep 2; cat {TABLES / 'plain.csv'}) | {sys.executable} -m gmm_nb fit"], capture_output=True, timeout=60)
    assert slow.returncode == 0 and b"60 rows" in slow.stdout and slow.stderr == b"gmm-nb: waiting for standard input\n"
    named = piped(["fit", str(TABLES / "plain.csv")], b"1,2\n")
    assert b"60 rows" in named.stdout


def test_without_a_pipe_it_is_old_faithful():
    assert b"Old Faithful" in subprocess.run(COMMAND + ["fit"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60).stdout


# ---- numbers for programs, a page for people

def test_json(run):
    status, out, err = run("fit", "--json", "-", "-k", 3, "--covariance", "tied")
    fit = json.loads(out)
    model = GaussianMixture(3, covariance_type="tied", random_state=0, max_iter=1000).fit(load_faithful().X)
    assert status == 0 and fit["command"] == "gmm-nb fit --json - -k 3 --covariance tied" and fit["columns"] == ["eruptions", "waiting"]
    np.testing.assert_array_equal(fit["means"], model.means_)
    np.testing.assert_allclose(fit["covariances"], model.mixture_.matrices(), rtol=1e-12)
    np.testing.assert_allclose([fit["bic"], fit["aic"]], [model.bic(load_faithful().X), model.aic(load_faithful().X)])
    assert fit["log_likelihood_per_row"] == pytest.approx(model.score(load_faithful().X)) and fit["converged"] is True and fit["rows"] == 272
    assert run("fit", "--json", "a.json")[1].startswith("Old Faithful") and json.loads(Path("a.json").read_text())["n_components"] == 2


class Reader(HTMLParser):
    "What a browser would load, and the text that it would show"
    def __init__(self, text):
        super().__init__()
        self.loads, self.text, self.open = [], [], []
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"): self.open.append(tag)
    def handle_endtag(self, tag): assert self.open.pop() == tag
    def handle_data(self, data): self.text.append(data)


def test_report(run):
    status, out, err = run("fit", TABLES / "dates_and_ids.csv", "-k", "1..3", "--report", "r.html")
    text = Path("r.html").read_text(encoding="utf-8")
    page = Reader(text)
    shown = "".join(page.text)
    assert status == 0 and not page.open and page.loads and all(source.startswith("data:image/png;base64,") for source in page.loads)
    for word in ("What was read", "left out: customer_id (all different), date (no number)", "log-likelihood a row", "weights and means", "Standard deviations",
                 "Correlations", "How it was made", "gmm-nb fit", "The best 3 of 3 fits"): assert word in shown, word
    assert re.search(r"log-likelihood +(\S+)", out)[1] in shown
    run("fit", TABLES / "dates_and_ids.csv", "-k", "1..3", "--report", "r.html")
    assert Path("r.html").read_text(encoding="utf-8") == text
    assert run("fit", "--report", "-")[1].startswith("<!doctype html>")


def test_names_are_escaped_in_the_report(run):
    X = load_faithful().X
    Path("<b>.csv").write_text("<script>,a&b\n" + "".join(f"{a},{b}\n" for a, b in X))
    assert run("fit", "<b>.csv", "--report", "r.html")[0] == 0
    page = Reader(Path("r.html").read_text())
    assert "<script>" in "".join(page.text) and "a&b" in "".join(page.text) and not page.open


@pytest.mark.parametrize("d, covariance", [(1, "full"), (3, "diag"), (3, "tied"), (15, "full")])
def test_reports_of_other_shapes(run, d, covariance):
    rng = np.random.default_rng(0)
    write_table("t.csv", rng.normal(size=(120, d)) @ rng.normal(size=(d, d)), [f"c{j}" for j in range(d)])
    assert run("fit", "t.csv", "-k", 2, "--covariance", covariance, "--report", "r.html", "--quiet")[0] == 0
    shown = "".join(Reader(Path("r.html").read_text()).text)
    assert ("Correlations" in shown) == (d > 1 and covariance != "diag") and ("All components" in shown) == (covariance == "tied")


def test_correlations_are_those_of_the_mixture():
    mixture = Mixture([1.0], [[0.0, 0.0, 0.0]], [[[4, 1.2, 0], [1.2, 1, -0.5], [0, -0.5, 1]]])
    text = gmm_nb.command._correlations(mixture, ["a", "b", "c"])
    assert re.findall(r"<td[^>]*>(-?\d\.\d\d)</td>", text) == "1.00 0.60 0.00 0.60 1.00 -0.50 0.00 -0.50 1.00".split()
    assert text.count('class="pos"') == 2 and "neg" not in text


# ---- the other verbs

def test_score(run, faithful_model):
    X = load_faithful().X[:50]
    write_table("d.csv", X, load_faithful().columns)
    status, out, err = run("score", faithful_model, "d.csv")
    total = Mixture.load(faithful_model).log_density(X).sum()
    assert (status, err) == (0, "") and f"log-likelihood  {total:.3f}\n" in out and f"  a row         {total / 50:.5f}\n" in out
    assert re.search(r"^rows +50$", out, re.M) and f"BIC             {11 * np.log(50) - 2 * total:.3f}" in out


def test_info(run, faithful_model):
    report = run("fit")[1]
    status, out, err = run("info", faithful_model)
    assert (status, err) == (0, "") and out.startswith("m.npz: 2 components, full covariance; 2 columns\n")
    assert report.split("\n\n")[1] in out and "parameters      11" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run, shell):
    status, out, err = run("completion", shell)
    assert (status, err) == (0, "") and all(word in out for word in ("predict", "missing", "natural-gradient", "completion"))
    if shell == "fish": return
    script = out.partition("bashcompinit\n")[2] or out
    for line, expected in (("gmm-nb pre", "predict"), ("gmm-nb fit --cov", "--covariance"), ("gmm-nb fit --missing k", "keep"), ("gmm-nb completion z", "zsh")):
        words = line.split()
        test = f'{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _gmm_nb; echo "${{COMPREPLY[*]}}"'
        assert subprocess.run(["bash", "-c", test], capture_output=True, text=True, timeout=60).stdout.split() == [expected]


def test_quiet(run, monkeypatch, bars):
    monkeypatch.setattr(sys, "stderr", Terminal())
    write_table("d.csv", load_faithful().X)
    out = run("fit", "d.csv", "-k", 3, "--n-init", 1, "--max-iter", 2, "--tol", 0, "--quiet")[1]
    assert sys.stderr.getvalue() == "" and "converged       no" in out and not bars[0][1]
    run("fit", "none.csv", "--quiet")
    assert sys.stderr.getvalue() == "gmm-nb: none.csv: No such file or directory\n"


# ---- partial-fit

def test_partial_fit(run):
    "Half of the rows, and then the other half, sorted: nearly the fit to all of them"
    mixture = Mixture([0.3, 0.7], [[0.0, 0.0], [4.0, 1.0]], [np.eye(2), [[2.0, 0.5], [0.5, 1.0]]])
    X = mixture.sample(8000, np.random.default_rng(0))[0]
    half = X[4000:]
    for name, part in (("all.csv", X), ("a.csv", X[:4000]), ("b.csv", half[np.argsort(half[:, 0])])): write_table(name, part, ["p", "q"])
    run("fit", "a.csv", "--save", "m.npz")
    assert saved_rows("m.npz") == 4000
    before = Path("m.npz").read_bytes()
    status, out, err = run("partial-fit", "m.npz", "b.csv", "--save", "n.npz")
    assert (status, err) == (0, "") and "n.npz: 8000 rows, 2 columns; 2 components" in out and Path("m.npz").read_bytes() == before
    assert saved_rows("n.npz") == 8000 and saved_columns("n.npz") == ("p", "q")
    best, again = GaussianMixture(2, random_state=0).fit(X), Mixture.load("n.npz")
    assert best.mixture_.log_density(X).mean() - again.log_density(X).mean() < 1e-3
    was, now = map(float, re.search(r"rows: (\S+) before, (\S+) after", out).groups())
    assert now > was and abs(now - again.log_density(half).mean()) < 1e-5
    assert run("partial-fit", "m.npz", "b.csv")[0] == 0
    np.testing.assert_array_equal(Mixture.load("m.npz").means, again.means)
    assert run("partial-fit", "m.npz", "b.csv", "--rows", 10, "--forget-after", 900)[0] == 0 and saved_rows("m.npz") == 900


def test_partial_fit_cannot(run, faithful_model):
    Path("d.csv").write_text("eruptions,waiting\n2,55\n4.3,\n")
    content = faithful_model.read_bytes()
    assert "1 missing value" in run("partial-fit", "m.npz", "d.csv")[2] and "--missing drop" in run("partial-fit", "m.npz", "d.csv", "--missing", "keep")[2]
    Path("e.csv").write_text("length,width\n2,55\n4.3,1\n")
    assert "the model was fitted to" in run("partial-fit", "m.npz", "e.csv")[2] and "read and written" in run("partial-fit", "m.npz", "d.csv", "--save", "d.csv")[2]
    assert faithful_model.read_bytes() == content
    assert run("partial-fit", "m.npz", "d.csv", "--missing", "drop")[0] == 0 and saved_rows("m.npz") == 273
    Mixture([1.0], [[0.0, 0.0]], [np.eye(2)]).save("plain.npz")
    status, out, err = run("partial-fit", "plain.npz", "e.csv")
    assert status == 2 and "plain.npz does not say how many rows it was fitted to; say it with --rows." in err
    assert run("partial-fit", "plain.npz", "e.csv", "--rows", 100)[0] == 0
