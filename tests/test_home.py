"The home page: one sentence, the explorer, three doors, a chart of speeds from the last benchmark, code, the version."
import json
import re
import sys

import pytest
from chapters import NBS, ROOT, Notebook

import gmm_nb

sys.path.insert(0, str(ROOT))  # the folder of the benchmarks is not installed

from benchmarks.chart import CASE, NAMES, RESULTS, speed_chart, times  # noqa: E402

HOME = Notebook(NBS / "index.ipynb")
ROW = {"n": 1000, "d": 2, "K": 3, "structure": "full", "ours": 1.0, "ours_all": 2.0, "sklearn": 1234.5, "mlpack": None, "difference": 0.0}


def results(*rows): return {"machine": {"cores": 2}, "parts": {"speed": {"tables": [{"name": "speed", "rows": list(rows)}]}}}


def test_home_begins_with_what_one_gets():
    title, description = re.fullmatch(r"# (.+?)\n+> (.+?)\n.*", HOME.cells[0].source, re.S).groups()
    assert title != "gmm_nb" and 60 < len(description) < 250 and not title.endswith(".")
    first = HOME.markdown[1]
    assert first.index("em-explorer") < first.index("- **[Learn]") < first.index("- **[Use]") < first.index("- **[Look up]") < first.index("pip install .")
    assert len(re.findall(r"^- ", first, re.M)) == 3


def test_home_has_eight_lines_of_code():
    lines = [line for cell in HOME.code if not cell.hidden and cell.options.get("echo") != "false" for line in cell.source.splitlines()
             if line.strip() and not line.startswith("#|")]
    assert len(lines) == 8


def test_home_tells_the_version():
    assert f"This is version {gmm_nb.__version__}," in HOME.prose


def test_home_is_true_of_the_last_benchmark():
    "What the description and the alternative text say of the chart"
    measured = times(json.loads(RESULTS.read_text(encoding="utf-8")))
    names = list(measured)
    assert set(names[:2]) == {NAMES["ours"], NAMES["ours_all"]}, "gmm_nb's bars are the shortest"
    assert min(measured[name] for name in names[2:]) > 2 * max(measured[name] for name in names[:2]), "the others are several times as long"
    chart, = (cell for cell in HOME.code if "speed_chart(" in cell.source)
    for name in names: assert name.split(",")[0].split(" (")[0] in chart.options["fig-alt"]
    rows = [row for table in json.loads(RESULTS.read_text(encoding="utf-8"))["parts"]["speed"]["tables"] for row in table["rows"]]
    several = [row["sklearn"] / row["ours_all"] > 3 for row in rows]
    assert sum(several) >= 0.8 * len(several), "iterations several times as fast as scikit-learn's"


def test_times_are_those_of_the_case():
    other = ROW | {"n": 5, "ours": 99.0}
    assert times(results(other, ROW), {"n": 1000, "d": 2}) == {NAMES["ours"]: 1.0, NAMES["ours_all"]: 2.0, NAMES["sklearn"]: 1234.5}
    with pytest.raises(ValueError, match="no case"): times(results(other), {"n": 1000})


def test_the_chart_shows_the_times(tmp_path):
    import matplotlib.pyplot as plt
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results(ROW | CASE)), encoding="utf-8")
    ax = speed_chart(path)
    assert [bar.get_width() for bar in ax.patches] == [1.0, 2.0, 1234.5]
    assert [text.get_text() for text in ax.texts] == ["1 ms", "2 ms", "1,234 ms"] and ax.yaxis_inverted()
    assert [label.get_text() for label in ax.get_yticklabels()] == [NAMES["ours"], NAMES["ours_all"], NAMES["sklearn"]]
    assert "500,000 rows of 8 columns" in ax.get_title(loc="left") + ax.get_title()
    assert ax.patches[0].get_facecolor() == ax.patches[1].get_facecolor() != ax.patches[2].get_facecolor()
    plt.close(ax.figure)
