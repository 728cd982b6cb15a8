"The house's rules: notebooks and modules agree, references resolve, a module imports only earlier ones, nothing is stale."
import ast
import builtins
import configparser
import importlib
import json
import os
import posixpath
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from chapters import LABEL, NBS, ROOT, Notebook, copy_tree, imports, notebooks, slug

ALL = notebooks()
CHAPTERS = [nb for nb in ALL if re.match(r"\d\d_", nb.name)]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BY_NAME = {nb.name: nb for nb in ALL}
each_notebook = pytest.mark.parametrize("nb", ALL, ids=repr)
each_chapter = pytest.mark.parametrize("nb", CHAPTERS, ids=repr)


def python(code, cwd, **environment):
    "Run code in a fresh interpreter; its output, or a failure that shows it"
    run = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=600,
                         stdin=subprocess.DEVNULL, env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment})
    assert run.returncode == 0, f"{code}\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}"
    return run.stdout + run.stderr


def files(root):
    "The bytes of every file that a command of nbdev could change"
    paths = [*root.glob("*"), *(root / "nbs").rglob("*"), *(root / "gmm_nb").rglob("*")]
    return {str(p.relative_to(root)): p.read_bytes() for p in paths if p.is_file() and "__pycache__" not in p.parts}


# ---- the top level

@pytest.mark.parametrize("name", ["settings.ini", "pyproject.toml", "README.md", "_quarto.yml", "LICENSE", "CHANGELOG.md",
                                  "CONTRIBUTING.md", ".ci/run", ".github/workflows/test.yml", ".github/workflows/publish.yml",
                                  "nbs/index.ipynb", "nbs/styles.css", "nbs/nbdev.yml", "gmm_nb/_modidx.py", ".gitignore"])
def test_file_exists(name):
    assert (ROOT / name).is_file() and (ROOT / name).stat().st_size > 0


def test_quarto_yml_is_a_link():
    assert (NBS / "_quarto.yml").is_symlink() and (NBS / "_quarto.yml").resolve() == ROOT / "_quarto.yml"


def test_ci_runs_the_readme_command():
    script = (ROOT / ".ci" / "run").read_text()
    assert "pip install -e '.[dev]' && pytest" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)
    assert not re.search(r"https?://|--index-url|/home/|/work/", script), "names a host or a path of one machine"


def test_workflows_are_yaml():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text())["jobs"]
        assert jobs and all("runs-on" in job and job["steps"] for job in jobs.values())


def test_settings_agree_with_pyproject():
    text = (ROOT / "settings.ini").read_text(encoding="utf-8")
    assert text.startswith("#") and "pyproject.toml" in text.splitlines()[0]
    reader = configparser.ConfigParser()
    reader.read_string(text)
    ini, project, nbdev = dict(reader["DEFAULT"]), PROJECT["project"], PROJECT["tool"]["nbdev"]
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "gmm_nb" / "__init__.py").read_text(), re.M)[1]
    (script, entry), = project["scripts"].items()
    host, _, base = project["urls"]["Documentation"].rstrip("/").rpartition("/")
    expected = {
        "lib_name": project["name"], "version": version, "description": project["description"], "title": nbdev["title"],
        "license": project["license"], "author": project["authors"][0]["name"], "author_email": project["authors"][0]["email"],
        "keywords": " ".join(word.replace(" ", "-") for word in project["keywords"]),
        "min_python": project["requires-python"].removeprefix(">="), "requirements": " ".join(project["dependencies"]),
        "dev_requirements": " ".join(project["optional-dependencies"]["dev"]), "console_scripts": f"{script}={entry}",
        "git_url": project["urls"]["Repository"], "repo": project["urls"]["Repository"].rsplit("/", 1)[1],
        "user": project["urls"]["Repository"].rsplit("/", 2)[1], "doc_host": host, "doc_baseurl": f"/{base}",
        **{key: nbdev[key] for key in ("lib_path", "nbs_path", "doc_path", "branch")},
        "custom_sidebar": str(nbdev["custom_sidebar"]),
    }
    assert {key: ini.get(key) for key in expected} == expected
    # what pyproject.toml leaves to nbdev's defaults, and what only settings.ini has
    assert {key: ini[key] for key in ini.keys() - expected.keys()} == {
        "readme_nb": nbdev.get("readme_nb", "index.ipynb"), "recursive": str(nbdev.get("recursive", True)),
        "tst_flags": nbdev.get("tst_flags", "notest"), "language": "English", "copyright": ini["copyright"]}
    assert (ROOT / "LICENSE").read_text().startswith("MIT License") and project["license"] == "MIT"


def test_changelog_knows_the_version():
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "gmm_nb" / "__init__.py").read_text(), re.M)[1]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_nothing_built_is_kept():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"_proc/", "_docs/", "__pycache__/", "*.egg-info/"} <= set(ignored)
    assert not (NBS / "sidebar.yml").exists(), "the sidebar is in _quarto.yml"


# ---- notebooks and modules

def test_export_and_clean_change_nothing(tmp_path):
    copy = copy_tree(tmp_path / "copy")
    before = files(copy)
    python("from nbdev.doclinks import nbdev_export\nfrom nbdev.clean import nbdev_clean\nfrom nbdev.quarto import refresh_quarto_yml\n"
           "nbdev_export.__wrapped__(); nbdev_clean.__wrapped__(); refresh_quarto_yml()", copy)
    after = files(copy)
    assert before.keys() == after.keys()
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, f"nbdev-export or nbdev-clean changes {changed}: run both"


def test_export_notices_a_stale_module(tmp_path):
    "The test above can fail: a module edited by hand is written anew"
    copy = copy_tree(tmp_path / "copy")
    path = copy / "gmm_nb" / "data.py"
    path.write_text(path.read_text() + "\nx = 1\n")
    before = files(copy)
    python("from nbdev.doclinks import nbdev_export\nnbdev_export.__wrapped__()", copy)
    assert files(copy)["gmm_nb/data.py"] != before["gmm_nb/data.py"]


def test_one_notebook_one_module():
    chapters = [nb for nb in CHAPTERS if nb.module]  # a chapter that exports nothing has none
    made = {nb.module for nb in chapters}
    assert len(made) == len(chapters) > 10
    on_disk = {path.stem for path in (ROOT / "gmm_nb").glob("*.py") if not path.stem.startswith("_")}
    assert made == on_disk, f"without a notebook: {on_disk - made}; without a module: {made - on_disk}"
    for nb in CHAPTERS:
        assert bool(nb.module) == bool(nb.exports), f"{nb} has a module and exports nothing, or the other way around"
        assert nb.module in (None, nb.name[3:-6]) or nb.name == "01_notation.ipynb"


def test_modules_import_only_earlier_ones():
    order, names = [nb.module for nb in CHAPTERS], {nb.module for nb in CHAPTERS}
    for position, nb in enumerate(CHAPTERS):
        for tree in nb.exports:
            for module, what in imports(tree):
                assert not module.startswith("."), f"{nb}: import gmm_nb's modules by their full name, not {module}"
                if module.split(".")[0] != "gmm_nb": continue
                if what == ("__version__",): continue
                used = [module.split(".")[1]] if "." in module else [name for name in what if name in names]
                assert used, f"{nb}: import from the module that has it, not from gmm_nb"
                for name in used: assert name in order[:position], f"{nb} imports {name}, which comes later"


MOVED = {  # module that had these names before -> module that has them -> names
    "data": {"tables": "Table load_faithful load_iris read_csv"},
    "statistics": {"e_step": "LOWEST NEGLIGIBLE ROUNDING SLAB e_step is_fast is_wide kappa kappas normalize "
                 "peak_if_bounded wide_rows",
             "workers": "n_workers parallel"},
    "em": {"acceleration": "ACCELERATIONS Ascent Curvature LARGEST MEMORY Model PATIENCE Point SEEN SLOW Slope "
                 "Trial climb expected extrapolated fit_mixture from_expected from_natural model_at "
                 "natural natural_change natural_gradient_steps next_pass next_radius no_worse "
                 "quasi_newton squarem_steps steps_by trial_step why_not"},
}
PAGES_BEFORE = ["notation", "gaussian", "mixture", "univariate", "multivariate", "statistics", "covariance", "em", "initialization", "estimator", "plotting", "command"]


def shadowed(source):
    "Names of Python's own that code gives another meaning, as an argument, a variable, a function or a class"
    theirs = set(dir(builtins)) - {"__doc__", "__name__"}
    names = {getattr(node, key) for node in ast.walk(ast.parse(source)) for kind, key in [
        (ast.arg, "arg"), (ast.FunctionDef, "name"), (ast.ClassDef, "name"), (ast.Name, "id")]
        if isinstance(node, kind) and not isinstance(getattr(node, "ctx", None), ast.Load)}
    return sorted(names & theirs)


@pytest.mark.parametrize("path", sorted([*(ROOT / "gmm_nb").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]), ids=lambda p: p.stem)
def test_builtins_are_not_shadowed(path):
    assert not shadowed(path.read_text(encoding="utf-8"))
    assert shadowed("def f(map=map): return map") == ["map"] and not shadowed("def f(x): return map(f, x)")


@pytest.mark.parametrize("module", MOVED)
def test_names_that_moved_still_import(module):
    old = importlib.import_module(f"gmm_nb.{module}")
    for home, names in MOVED[module].items():
        new = importlib.import_module(f"gmm_nb.{home}")
        for name in names.split(): assert getattr(old, name) is getattr(new, name) and name not in vars(old)
    with pytest.raises(ImportError, match="no_such_name"): exec(f"from gmm_nb.{module} import no_such_name")
    assert not hasattr(old, "import_module") and not hasattr(old, "_careful_block")  # private names are not kept


def test_asking_for_a_module_loads_none_that_its_names_moved_to():
    assert python("import sys, gmm_nb.data, gmm_nb.statistics, gmm_nb.em; print('gmm_nb.tables' in sys.modules, 'gmm_nb.acceleration' in sys.modules)", ROOT) == "False False\n"


def test_pages_keep_their_addresses():
    "nbdev names a page by its file without the number, so a chapter can be moved and links from outside still lead to it"
    assert {*PAGES_BEFORE} <= {re.sub(r"^\d+[a-zA-Z0-9]*_", "", nb.path.stem) for nb in CHAPTERS}


RUNTIME = {re.match(r"[\w-]+", d)[0].replace("scikit-learn", "sklearn").replace("-", "_") for d in PROJECT["project"]["dependencies"]}
RUNTIME |= {"joblib", "matplotlib_inline"}  # the first comes with scikit-learn; the second with IPython, and is used only there


OPTIONAL = {"pyarrow", "dask", "distributed"}  # of the extras `files` and `dask`


@each_chapter
def test_runtime_imports(nb):
    "Exported code imports the standard library and the runtime dependencies, scikit-learn and matplotlib only inside functions"
    for tree in nb.exports:
        for module, _ in imports(tree):
            top = module.split(".")[0]
            assert top in sys.stdlib_module_names | RUNTIME | OPTIONAL | {"gmm_nb"}, f"{nb} imports {module}, which is no dependency"
        for node in tree.body:
            for module, _ in imports(node) if isinstance(node, (ast.Import, ast.ImportFrom)) else ():
                assert module.split(".")[0] not in OPTIONAL, f"{nb}: import {module} inside the function that needs it"
                assert module.split(".")[0] != "matplotlib", f"{nb}: import matplotlib inside the function that draws"
                if module.split(".")[0] == "sklearn": assert nb.module in ("estimator", "initialization", "regression", "bayesian"), f"{nb} imports scikit-learn"


def loaded(code):
    return set(python(code + "\nimport sys; print(*{name.split('.')[0] for name in sys.modules})", ROOT).split())


def test_import_is_light():
    "`import gmm_nb` loads neither scikit-learn nor matplotlib, nor anything of the development tools"
    heavy = {"sklearn", "matplotlib", "pandas", "sympy", "nbdev", "fastcore", "IPython", "joblib"}
    assert not loaded("import gmm_nb") & heavy
    modules = [nb.module for nb in CHAPTERS if nb.module not in (None, "initialization", "estimator", "regression", "bayesian")]
    assert not loaded("import " + ", ".join(f"gmm_nb.{name}" for name in modules)) & heavy
    assert "sklearn" in loaded("import sklearn")  # so that the two lines above can fail


@each_chapter
def test_first_cells(nb):
    title = nb.cells[0]
    assert title.kind == "markdown" and re.fullmatch(r"# [^\n]+\n+> [^\n]+", title.source.strip()), "first cell: '# Title', '> one line'"
    if nb.module is None: return
    first = [cell for cell in nb.code][0]
    assert first.options.keys() == {"default_exp"}, "the first code cell is '#| default_exp module'"
    exported = [tree for tree in nb.exports]
    assert exported, f"{nb} exports nothing"
    body = exported[0].body
    assert isinstance(body[0], ast.ImportFrom) and body[0].module == "__future__"
    assert all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in body), "the first exported cell holds imports only"


@each_chapter
def test_chapter_is_prose(nb):
    exported = [cell for cell in nb.code if cell.exported]
    assert len(nb.markdown) > len(exported), "more exported cells than text"
    for cell in exported: assert len(cell.source.splitlines()) <= 40, f"an exported cell over 40 lines:\n{cell.source[:200]}"
    assert sum(cell.hidden for cell in nb.code) <= 2, "more than two hidden cells"
    for before, after in zip(nb.cells, nb.cells[1:]):
        assert not (before.hidden and after.hidden), "hidden cells in a row"


@each_notebook
def test_imports_stand_apart(nb):
    "nbdev runs every cell with an import when it makes the page, without the cells above: such a cell shows nothing"
    for cell in nb.code:
        if cell.exported or cell.options.get("eval") == "false": continue
        if list(imports(ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.M)))):
            assert not cell.outputs, f"{nb}: put the imports in a cell of their own, above\n{cell.source[:300]}"


@each_chapter
def test_chapter_ends_well(nb):
    headings = re.findall(r"^##\s+(.+?)\s*$", nb.prose, re.M)
    assert any("summary" in heading.lower() for heading in headings), "no summary at the end"
    assert any(heading.lower().startswith("try it") for heading in headings), "no exercises at the end"
    assert re.search(r"\{\.callout-tip[^}]*collapse=", nb.prose), "no folded answers"
    position = CHAPTERS.index(nb)
    if position + 1 < len(CHAPTERS):
        assert f"({CHAPTERS[position + 1].name}" in "".join(nb.markdown[-3:]), "no link to the next chapter at the end"


@each_chapter
def test_public_names_have_docstrings(nb):
    for tree in nb.exports:
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                text = ast.get_docstring(node)
                assert text, f"{nb}: {node.name} has no docstring"
                assert len(text.splitlines()[0]) <= 180, f"{nb}: the first line of {node.name}'s docstring is long"


# ---- how a chapter is written

def long_lines(nb, most=96):
    "Lines of code that a page does not show whole; the options of a cell are not shown at all"
    lines = [line for cell in nb.code for line in cell.source.splitlines()]
    return [line for line in lines if len(line) > most and not line.startswith("#|")]


def banned_phrases(nb):
    "Signposts that say nothing, in the text, wherever the line breaks and however they are capitalized"
    said = " ".join("\n".join(nb.markdown).split())
    return [phrase for phrase in ("What to notice", "Mind these", "The way on") if re.search(rf"\b{phrase}\b", said, re.I)]


@pytest.mark.parametrize("rule", [long_lines, banned_phrases], ids=lambda rule: rule.__name__)
@each_notebook
def test_voice(nb, rule):
    found = rule(nb)
    assert not found, f"{nb}: {rule.__name__}: {found[:3]}"


def test_rules_of_voice_can_fail(tmp_path):
    path = tmp_path / "05_x.ipynb"
    line, option = "x = 1" + " " * 80 + "# 97 chars.", "#| fig-cap: " + "x" * 100
    cells = [{"cell_type": "markdown", "source": "## The way\non\n\nwhat to notice: a word"},
             {"cell_type": "code", "outputs": [], "source": f"{option}\n{line[:96]}\n{line:97}"}]
    path.write_text(json.dumps({"cells": cells}))
    nb = Notebook(path)
    assert [len(found) for found in long_lines(nb)] == [97]
    assert banned_phrases(nb) == ["What to notice", "The way on"]


# ---- outputs

SIDE_BY_SIDE = re.search(r"tried on [0-9-]+", (ROOT / "benchmarks" / "results-side-by-side.json").read_text(encoding="utf-8"))[0]


@each_notebook
def test_outputs_are_clean(nb):
    for cell in nb.code:
        for output in cell.outputs:
            assert output["output_type"] != "error", f"{nb}: a saved error in\n{cell.source[:300]}"
            assert output.get("name") != "stderr", f"{nb}: warnings in the output of\n{cell.source[:300]}"
        for pattern in (r"0x[0-9a-f]{8,}", r"/(?:tmp|home|work|root|Users)/", r"\b20\d\d-\d\d-\d\d\b", r"\d (?:µs|ms|seconds)\b"):
            saved = cell.printed.replace(SIDE_BY_SIDE, "")  # the date of a run is a fact of it
            assert not re.search(pattern, saved), f"{nb}: {pattern} in the output of\n{cell.source[:300]}"


def shows(source):
    "Whether a cell certainly ends in something to look at: a value that is no call, or a print"
    last = ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.M)).body[-1:]
    if not last or not isinstance(last[0], ast.Expr) or source.rstrip().endswith(";"): return False
    value = last[0].value
    return not isinstance(value, ast.Call) or isinstance(value.func, ast.Name) and value.func.id == "print"


@each_notebook
def test_outputs_are_there(nb):
    for cell in nb.code:
        if not cell.options.keys() & {"export", "exports", "hide", "default_exp"} and cell.options.get("eval") != "false":
            assert cell.outputs or not shows(cell.source), f"{nb}: not run:\n{cell.source[:300]}"


def test_outputs_are_small():
    "No output over 300 kB but the one that animates"
    large = [(nb, cell) for nb in ALL for cell in nb.code for output in cell.outputs if len(str(output)) > 300_000]
    still = [(nb, cell) for nb, cell in large if "animat" not in cell.source]
    assert not still, f"{still[0][0]}: over 300 kB: make the picture smaller in\n{still[0][1].source[:300]}"
    assert len(large) <= 1, "more than one animation"


@each_notebook
def test_figures(nb):
    "Each picture has a label, a caption and an alternative text"
    for cell in nb.code:
        if nb.name == "index.ipynb":
            if cell.pictures: assert len(cell.options.get("fig-alt", "")) > 30
            continue
        label = cell.options.get("label", "")
        assert bool(cell.pictures) == label.startswith("fig-"), f"{nb}: a picture without a label or a label without a picture:\n{cell.source[:200]}"
        if cell.pictures:
            caption, alt = cell.options.get("fig-cap", ""), cell.options.get("fig-alt", "")
            assert len(caption) > 15, f"{nb}: {label} has no caption"
            assert len(alt) > 40 and alt != caption, f"{nb}: {label} has no alternative text"
    for alt, _ in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", nb.prose): assert alt, f"{nb}: a picture without alternative text"


def test_repository_is_small():
    assert sum(len(data) for data in files(ROOT).values()) < 15e6


# ---- references and links

def test_labels_are_unique():
    seen = {}
    for nb in ALL:
        for label in nb.labels:
            assert label not in seen, f"{label} is defined in {seen[label]} and again in {nb}"
            seen[label] = nb
    assert len(seen) > 20


def unresolved(nb, by_name):
    "What the text and the code of a notebook refer to and nobody defines"
    project = {label for other in by_name.values() for label in other.labels}
    missing = [f"@{label}" for label in re.findall(rf"(?<![\w\\])@({LABEL})", nb.prose) if label.rstrip("-") not in nb.labels]
    missing += [f"({label})" for cell in nb.code for label in re.findall(r"\((eq-[\w-]+)\)", cell.source) if label not in project]
    for target in re.findall(r"\]\(([^)\s]+)\)", nb.prose):
        if re.match(r"[a-z]+:", target): continue
        path, _, anchor = target.partition("#")
        page = posixpath.normpath(posixpath.join(posixpath.dirname(nb.name), path)) if path else nb.name
        if path.endswith((".html", ".md")) or page not in by_name and not (NBS / page).exists(): missing.append(target)
        elif anchor and page in by_name and anchor not in by_name[page].anchors: missing.append(target)
    return missing


@each_notebook
def test_references_resolve(nb):
    assert unresolved(nb, BY_NAME) == []


def test_unresolved_references_are_found(tmp_path):
    path = tmp_path / "05_x.ipynb"
    path.write_text('{"cells": [{"cell_type": "markdown", "source": ["## A *good* heading\\n", "$$x$$ {#eq-a}\\n\\n", '
                    '"@eq-a, @eq-b, `@eq-c`, [x](#a-good-heading), [y](#none), [z](05_x.ipynb#eq-a), [u](05_x.ipynb#eq-z), [v](06_y.ipynb)"]},'
                    '{"cell_type": "code", "outputs": [], "source": ["f() # Eq. (eq-a) and Eq. (eq-q)"]}]}')
    nb = Notebook(path)
    assert unresolved(nb, {nb.name: nb}) == ["@eq-b", "(eq-q)", "#none", "05_x.ipynb#eq-z", "06_y.ipynb"]


@pytest.mark.parametrize("heading, expected", [("From the derivation to the code", "from-the-derivation-to-the-code"),
                                               ("Erratum 2: λ is missing", "erratum-2-λ-is-missing"), ("e_step", "e_step"),
                                               ("1. First", "first"), ("K = 1, d = 2?", "k-1-d-2")])
def test_slug(heading, expected): assert slug(heading).replace("--", "-") == expected


def test_index_has_no_labels():
    assert BY_NAME["index.ipynb"].labels == []


def test_errata_are_listed_in_order():
    "Each with a link to the section that holds its note"
    page = BY_NAME["errata.ipynb"].markdown[1]
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", page, re.M)
    assert [int(n) for n, _ in rows] == [*range(1, 21)]
    for n, links in rows:
        pages = re.findall(r"\]\((\w+\.ipynb)", links)
        assert any(re.search(rf"^## Errat(?:um|a) (?:\d+ and )?{n}\b", text, re.M) for name in pages for text in BY_NAME[name].markdown), f"erratum {n}: no note in {pages}"


def test_every_erratum_is_named():
    named = set()
    for nb in CHAPTERS:
        for numbers in re.findall(r"Errat(?:um|a)\s+((?:\d+(?:,\s*|\s+and\s+|–|\s+to\s+)?)+)", nb.prose):
            for first, last in re.findall(r"(\d+)(?:(?:–|\s+to\s+)(\d+))?", numbers): named |= set(range(int(first), int(last or first) + 1))
    assert named >= set(range(1, 21)), f"not named: errata {sorted(set(range(1, 21)) - named)}"
    assert max(named) <= 20


def table_rows():
    "The table of the derivation's equations: (equation, proved at, function) for each row"
    text = next(source for source in BY_NAME["equations.ipynb"].markdown if "| Proved at" in source)
    rows = [[part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if "](" in row[1]]


def test_equation_table():
    "Each equation of the derivation has a place where it is proved and, where there is something to compute, a function"
    rows = table_rows()
    assert len(rows) >= 45, "the derivation has more equations than the table has rows"
    linked = [target for row in rows for target in re.findall(r"\]\(([^)#]+)#", row[1])]
    assert linked == sorted(linked), "the rows are in the order of the derivation"
    for chapter in {*linked}:
        text = "\n".join(BY_NAME[chapter].markdown)
        places = [text.find(f"{{#{label}}}") for row in rows for target, label in re.findall(r"\]\(([^)#]+)#(eq-[\w-]+)\)", row[1]) if target == chapter]
        assert -1 not in places and places == sorted(places), f"{chapter} derives its equations in another order"
    assert len({row[1] for row in rows}) > 40
    for row in rows:
        for name in re.findall(r"`([\w.]+)`", row[2]):
            module, _, rest = name.partition(".")
            thing = importlib.import_module(f"gmm_nb.{module}")
            for part in rest.split("."): thing = getattr(thing, part)
            assert callable(thing) or isinstance(thing, property)


# ---- the site, as far as it goes without Quarto

def contents(items):
    for item in items:
        if isinstance(item, str): yield item
        elif "contents" in item: yield from contents(item["contents"])
        else: yield item["href"]


def test_quarto_yml():
    config = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    assert config["project"]["type"] == "website" and config["metadata-files"] == ["nbdev.yml"]
    for name in [*config["format"]["html"]["css"], *config["project"]["resources"]]: assert (NBS / name).is_file()
    assert config["format"]["html"]["theme"] == {"light": "light.scss", "dark": "dark.scss"}
    pages = [href for href in contents(config["website"]["sidebar"]["contents"]) if not href.startswith("https://")]
    assert pages[0] == "index.ipynb"
    assert sorted(pages) == sorted(nb.name for nb in ALL), "the sidebar and the notebooks differ"
    numbered = [page for page in pages if page[:2].isdigit()]
    assert numbered == sorted(numbered), "the sidebar is in reading order"
    sections = [item["section"] for item in config["website"]["sidebar"]["contents"] if "section" in item]
    assert sections == ["Learn", "The engine", "Beyond", "Use", "How to", "Look up"]
    parts = {item["section"]: [*contents(item["contents"])] for item in config["website"]["sidebar"]["contents"] if "section" in item}
    for part, tens in (("Learn", "0"), ("The engine", "1"), ("Beyond", "2"), ("Use", "3")):
        assert parts[part] == [nb.name for nb in CHAPTERS if nb.name[0] == tens], f"{part} holds the chapters {tens}x"


def test_notebooks_are_processed_without_quarto(tmp_path):
    copy = copy_tree(tmp_path / "copy")
    python("from nbdev.serve import proc_nbs; proc_nbs(n_workers=0)", copy, MPLBACKEND="Agg")
    for nb in ALL:
        path = copy / "_proc" / nb.name
        assert path.is_file(), f"{nb} was not processed"
        text = "\n".join(cell.source for cell in Notebook(path).cells)
        assert "title:" in text and "output-file:" in text
        shown = path.read_text(encoding="utf-8")
        for name in nb.public_names: assert name in shown, f"no documentation of {name} on the page of {nb}"
