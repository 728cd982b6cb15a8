"""Run a page: links under its title, and JupyterLite as a folder of the site. After `nbdev-docs`:

    python website/run.py _docs

Each chapter and guide gets a line that opens its notebook in JupyterLite (Python in the browser, from `_docs/lite`), in Colab
or in Binder. JupyterLite is built from the package's own wheel and from copies of the notebooks, which first install it. With
`--links` only the lines are written. A second run changes nothing."""
import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
REPOSITORY = "gmm-nb/gmm_nb"
SOURCE = f"git+https://github.com/{REPOSITORY}"
HEADER = re.compile(r'(<header id="title-block-header".*?</header>)(?!\s*<p class="run-it")', re.S)


def notebooks():
    "What can be run: the chapters, which have numbers, and the guides"
    return sorted(NBS.glob("[0-9]*.ipynb")) + sorted((NBS / "howto").glob("*.ipynb"))


def page_of(notebook):
    "Where nbdev puts its page: without the number"
    place = notebook.relative_to(NBS)
    return place.with_name(re.sub(r"^\d+_", "", place.stem) + ".html").as_posix()


def line(notebook):
    "The links of a page, in HTML"
    place = notebook.relative_to(NBS).as_posix()
    up = "../" * place.count("/")
    targets = [
        ("in your browser", f"{up}lite/lab/index.html?path={quote(place, safe='')}", "JupyterLite: Python and the package are loaded, about 50 MB"),
        ("in Colab", f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/nbs/{quote(place)}", f"first run %pip install {SOURCE}"),
        ("in Binder", f"https://mybinder.org/v2/gh/{REPOSITORY}/main?labpath={quote('nbs/' + place, safe='')}", "a server is made ready, which takes minutes"),
    ]
    links = " · ".join(f'<a href="{html.escape(url)}" title="{html.escape(title)}">{text}</a>' for text, url, title in targets)
    return f'<p class="run-it" style="font-size:.9em">Run this page {links}</p>'


def add_line(text, notebook):
    "A page with the links after its title"
    return HEADER.sub(lambda header: header[1] + "\n" + line(notebook), text, count=1)


def runnable(notebook):
    "A copy of a notebook that installs the package first, without outputs and without the lines that are for nbdev"
    book = json.loads(notebook.read_text(encoding="utf-8"))
    book["cells"] = [cell for cell in book["cells"] if not "".join(cell["source"]).startswith("#| default_exp")]
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell["source"] = [row for row in cell["source"] if not row.startswith("#| ")]
    install = {"cell_type": "code", "id": "install0", "execution_count": None, "metadata": {}, "outputs": [],
               "source": ["%pip install -q gmm_nb sympy pandas"]}
    book["cells"].insert(1, install)
    return book


def add_lines(docs):
    "Every page with its links; an error if one is missing"
    for notebook in notebooks():
        page = docs / page_of(notebook)
        text = page.read_text(encoding="utf-8")
        changed = add_line(text, notebook)
        if 'class="run-it"' not in changed: raise SystemExit(f"{page} has no title block to put links under")
        if changed != text: page.write_text(changed, encoding="utf-8")


def build_lite(docs):
    "JupyterLite in docs/lite, with the wheel and the notebooks"
    with tempfile.TemporaryDirectory() as folder:
        source, wheels, contents = (Path(folder) / name for name in ("source", "wheels", "contents"))
        shutil.copytree(ROOT / "gmm_nb", source / "gmm_nb")  # a copy: building leaves folders beside the source
        for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"): shutil.copy(ROOT / name, source / name)
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", wheels, source], check=True)
        for notebook in notebooks():
            target = contents / notebook.relative_to(NBS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(runnable(notebook), ensure_ascii=False), encoding="utf-8")
        shutil.rmtree(docs / "lite", ignore_errors=True)
        wheel, = wheels.glob("*.whl")
        subprocess.run([sys.executable, "-m", "jupyter", "lite", "build", "--lite-dir", folder, "--contents", contents, "--piplite-wheels", wheel,
                        "--no-sourcemaps", "--output-dir", docs.resolve() / "lite"], check=True, cwd=folder)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("docs", type=Path, help="folder of the site, as nbdev-docs leaves it")
    parser.add_argument("--links", action="store_true", help="write the links only; do not build JupyterLite")
    asked = parser.parse_args(arguments)
    add_lines(asked.docs)
    if not asked.links: build_lite(asked.docs)


if __name__ == "__main__": main()
