"The links that run a page, and JupyterLite built from the package and its notebooks."
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from urllib.parse import unquote

import pytest
from chapters import NBS, ROOT

spec = importlib.util.spec_from_file_location("run", ROOT / "website" / "run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

PAGE = '<main><header id="title-block-header" class="quarto-title-block default">\n<h1 class="title">EM</h1>\n</header>\n<p>Text.</p></main>'


def hrefs(text): return [part.split('"')[0] for part in text.split('href="')[1:]]


def test_every_chapter_and_guide_can_be_run():
    found = {notebook.relative_to(NBS).as_posix() for notebook in run.notebooks()}
    assert {"00_start.ipynb", "14_em.ipynb", "31_plotting.ipynb", "howto/density.ipynb"} <= found
    assert not any("reference" in name or "benchmarks" in name or "index" in name for name in found)


@pytest.mark.parametrize("notebook", run.notebooks(), ids=lambda path: path.stem)
def test_links_lead_to_the_notebook(notebook):
    place = notebook.relative_to(NBS).as_posix()
    lite, colab, binder = map(unquote, hrefs(run.line(notebook)))
    assert colab == f"https://colab.research.google.com/github/gmm-nb/gmm_nb/blob/main/nbs/{place}"
    assert binder == f"https://mybinder.org/v2/gh/gmm-nb/gmm_nb/main?labpath=nbs/{place}"
    page = run.page_of(notebook)
    folder, _, path = lite.partition("?path=")
    assert os.path.normpath(os.path.join(os.path.dirname(page), folder)) == os.path.normpath("lite/lab/index.html") and path == place
    assert page == {"14_em.ipynb": "em.html", "howto/density.ipynb": "howto/density.html"}.get(place, page)


def test_a_page_gets_its_links_once():
    notebook = NBS / "14_em.ipynb"
    once = run.add_line(PAGE, notebook)
    assert once.index("</header>") < once.index('class="run-it"') < once.index("<p>Text.</p>")
    assert run.add_line(once, notebook) == once
    assert run.add_line("<p>no title</p>", notebook) == "<p>no title</p>"


def test_pages_on_disk(tmp_path):
    for notebook in run.notebooks():
        page = tmp_path / run.page_of(notebook)
        page.parent.mkdir(exist_ok=True)
        page.write_text(PAGE, encoding="utf-8")
    for _ in range(2):
        run.main([str(tmp_path), "--links"])
        texts = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")]
        assert len(texts) == len(run.notebooks()) and all(text.count('class="run-it"') == 1 for text in texts)
    (tmp_path / "em.html").write_text("<p>no title</p>", encoding="utf-8")
    with pytest.raises(SystemExit, match="em.html has no title block"): run.main([str(tmp_path), "--links"])


@pytest.mark.parametrize("notebook", run.notebooks(), ids=lambda path: path.stem)
def test_the_copy_installs_the_package_first_and_keeps_all_code(notebook):
    whole, copy = json.loads(notebook.read_text(encoding="utf-8")), run.runnable(notebook)
    code = [cell for cell in copy["cells"] if cell["cell_type"] == "code"]
    assert "".join(code[0]["source"]).startswith("%pip install -q gmm_nb")
    assert not any(cell["outputs"] or "#| " in "".join(cell["source"]) for cell in code)
    def lines(book): return [row.rstrip("\n") for cell in book["cells"] if cell["cell_type"] == "code" for row in cell["source"] if not row.startswith("#| ")]
    assert lines(copy)[1:] == lines(whole)
    ids = [cell["id"] for cell in copy["cells"]]
    assert len(set(ids)) == len(ids)


def test_binder_installs_the_package():
    assert (ROOT / "binder" / "requirements.txt").read_text().strip() == ".[dev]"


@pytest.mark.skipif(importlib.util.find_spec("jupyterlite_core") is None or importlib.util.find_spec("jupyterlite_pyodide_kernel") is None,
                    reason="JupyterLite is not installed: pip install jupyterlite-core jupyterlite-pyodide-kernel jupyter-server")
def test_jupyterlite_is_built(tmp_path):
    run.build_lite(tmp_path)
    lite = tmp_path / "lite"
    assert (lite / "lab" / "index.html").is_file()
    for notebook in run.notebooks(): assert json.loads((lite / "files" / notebook.relative_to(NBS)).read_text(encoding="utf-8")) == run.runnable(notebook)
    wheel, = lite.rglob("gmm_nb-*.whl")
    assert "gmm-nb" in json.loads((wheel.parent / "all.json").read_text(encoding="utf-8"))
    assert sum(path.stat().st_size for path in lite.rglob("*") if path.is_file()) < 40e6
