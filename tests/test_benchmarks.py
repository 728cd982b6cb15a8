"The benchmark runs, on tiny data: tables and JSON are well formed. No time is asserted."
import json
import math
import platform
import re
import sys

import numpy as np
import pytest
from chapters import NBS, ROOT

sys.path.insert(0, str(ROOT))  # the folder is not installed

from benchmarks import contenders, timing  # noqa: E402
from benchmarks.__main__ import PARTS, keep, main  # noqa: E402
from benchmarks.cases import as_structure, simulated, start_near  # noqa: E402
from benchmarks.settings import TINY, Settings  # noqa: E402
from benchmarks.tables import Column, Table, shown  # noqa: E402
from gmm_nb.mixture import STRUCTURES, covariances_shape  # noqa: E402


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    "All parts on tiny data, as text and as JSON"
    path = tmp_path_factory.mktemp("benchmarks") / "results.json"
    assert main(["--json", str(path), "--jobs", "1"], TINY) == 0
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_part_is_there(results):
    assert tuple(results["parts"]) == PARTS
    for name, part in results["parts"].items():
        assert part["what"].endswith(".") and part["tables"] and part["findings"], name
        assert all(isinstance(sentence, str) and sentence.endswith(".") for sentence in part["findings"]), name


def test_tables_are_well_formed(results):
    for part in results["parts"].values():
        for table in part["tables"]:
            assert table["rows"] and table["title"]
            for row in table["rows"]:
                for key, heading, spec in table["columns"]:
                    assert heading and isinstance(row[key], (str, int, float, bool, type(None)))
                    assert shown(row[key], spec)
                    if isinstance(row[key], float): assert math.isfinite(row[key])


def test_nobody_can_tell_whose_machine_it_was(results):
    text = json.dumps(results)
    assert not re.search(r"[/\\](?:home|tmp|work|root|Users|usr|opt)[/\\]", text)
    assert len(platform.node()) < 4 or platform.node() not in text
    assert {"cpu", "cores", "versions", "python"} <= results["machine"].keys()


def test_the_same_likelihood_as_scikit_learn(results):
    rows = results["parts"]["speed"]["tables"][0]["rows"]
    assert len(rows) == 10 and all(row["agrees"] for row in rows)


def test_the_page_shows_tables_that_exist(results):
    source = "\n".join("".join(cell["source"]) for cell in json.loads((NBS / "explanations" / "benchmarks.ipynb").read_text(encoding="utf-8"))["cells"])
    tables = {table["name"]: {column[0] for column in table["columns"]} for part in results["parts"].values() for table in part["tables"]}
    tables["speed with other kernels"] = tables["speed"]  # of another file
    asked = re.findall(r'^as_table\((.*)\)$', source, re.M)
    assert len(asked) >= 10
    for arguments in asked:
        name, *keys = re.findall(r'"([^"]+)"', arguments)
        assert set(keys) <= tables[name] | set(contenders.OTHERS), name
    assert set(re.findall(r'^findings\("([^"]+)"\)$', source, re.M)) == set(PARTS)


def test_the_saved_results_are_of_a_full_run():
    saved = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    assert tuple(saved["parts"]) == PARTS and not saved["settings"]["quick"]
    other = json.loads((ROOT / "benchmarks" / "results-skylakex.json").read_text(encoding="utf-8"))
    assert "speed" in other["parts"] and not other["settings"]["quick"]
    assert {pool["kernels"] for pool in other["machine"]["thread_pools"]} == {"SkylakeX", None}


# ---- what the parts share

def test_a_table_is_readable():
    table = Table("t", "Title", [Column("a", "name"), Column("b", "number", ".1f"), Column("c", "met")],
                  [{"a": "x", "b": 1.25, "c": True}, {"a": "longer", "b": None, "c": False}])
    assert str(table).splitlines() == ["Title", "name    number  met", "-------------------", "x          1.2  yes", "longer       –   no"]
    assert table.as_json()["rows"][0] == {"a": "x", "b": 1.25, "c": True}


def test_parts_are_kept_where_machine_and_settings_agree(tmp_path):
    path, header = tmp_path / "r.json", {"machine": {"cores": 2}, "settings": {"quick": False}}
    keep(path, header, {"speed": {"x": 1}})
    keep(path, header, {"limit": {"x": 2}})
    assert json.loads(path.read_text()) == header | {"parts": {"speed": {"x": 1}, "limit": {"x": 2}}}
    keep(path, {**header, "machine": {"cores": 4}}, {"limit": {"x": 3}})
    assert json.loads(path.read_text())["parts"] == {"limit": {"x": 3}}


def test_unknown_part(capsys):
    with pytest.raises(SystemExit): main(["--only", "nothing"])
    assert "speed" in capsys.readouterr().err


def test_the_clock_subtracts_the_set_up(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def fit(passes):
        now[0] += 5.0 + 0.25 * passes
        return -1.5
    taken, values = timing.milliseconds_a_pass({"a": fit}, {"a": 9}, repeats=3)
    assert taken["a"] == pytest.approx(250.0) and values == {"a": -1.5}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_starts_are_valid_and_the_same_each_time(structure):
    (X, truth), (again, _) = simulated(500, 3, 4, seed=1), simulated(500, 3, 4, seed=1)
    np.testing.assert_array_equal(X, again)
    start = start_near(truth, structure)
    assert start.covariances.shape == covariances_shape(structure, 4, 3)
    np.testing.assert_array_equal(start.means, start_near(truth, structure).means)
    assert as_structure(truth.covariances, truth.weights, structure).shape == start.covariances.shape


def test_scale():
    assert Settings().rows(10**6, 2, 3) == 10**6 and TINY.rows(10**6, 2, 3) == 1000
    assert TINY.rows(2 * 10**4, 128, 10) == 3840 and TINY.rows(200, 2, 3) == 200
    assert Settings(jobs=1).spread(abs, [-1, 2]) == Settings(jobs=2).spread(abs, [-1, 2]) == [1, 2]


@pytest.mark.parametrize("name", contenders.OTHERS)
def test_other_libraries(name):
    if not contenders.IS_HERE[name](): pytest.skip(f"{name} is not installed")
    X, truth = simulated(500, 2, 2)
    for structure in STRUCTURES:
        start = start_near(truth, structure)
        fit = contenders.OTHERS[name](X, start)
        if fit is not None and not math.isnan(value := fit(3)):
            assert value == pytest.approx(contenders.ours(X, start)(3), rel=1e-5)
