"README.md is nbs/index.ipynb as Markdown, and its commands are the real ones."
import json
import re
import shlex
import tomllib

import pytest
import readme

TEXT = (readme.ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_equals_index():
    text, figures = readme.convert(readme.ROOT / "nbs" / "index.ipynb", readme.site_url())
    assert TEXT == text, "README.md differs from nbs/index.ipynb: run `python tests/readme.py`"
    kept = {str(path.relative_to(readme.ROOT)) for path in (readme.ROOT / readme.FIGURES).rglob("*.png")}
    assert kept == set(figures), "index_files/ differs from nbs/index.ipynb: run `python tests/readme.py`"
    for path, data in figures.items():
        assert (readme.ROOT / path).read_bytes() == data, f"{path} is not the picture in nbs/index.ipynb"


def test_readme_gives_the_commands():
    for command in ("pip install . && gmm-nb fit --plot fit.png", "pip install -e '.[dev]' && pytest"):
        assert command in TEXT.splitlines(), f"README.md lacks the line: {command}"
    guide = (readme.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for command in ("jupyter lab nbs", "nbdev-docs", "nbdev-preview"): assert f"`{command}`" in guide, f"CONTRIBUTING.md lacks {command}"
    assert "/blob/main/CONTRIBUTING.md" in TEXT, "README.md does not lead to CONTRIBUTING.md"
    assert "-1130.264" in TEXT.replace("−", "-"), "README.md does not tell the log-likelihood to expect"


def test_readme_commands_exist():
    "Each `gmm-nb` line of the README is one that the command's own parser accepts"
    from gmm_nb.command import parser
    lines = [part.strip() for line in TEXT.splitlines() for part in line.split("&&") if part.strip().startswith("gmm-nb ")]
    assert lines
    for line in lines: parser().parse_args(shlex.split(line, comments=True)[1:])


def test_readme_links():
    "Links lead to pages of the site, to places on the page, to files of the repository, or to the web"
    nbs = readme.ROOT / "nbs"
    pages = {path.relative_to(nbs).with_name(re.sub(r"^\d+_", "", path.stem)).as_posix() for path in nbs.rglob("*.ipynb")}
    url = readme.site_url()
    repository = tomllib.loads((readme.ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    targets = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    assert targets
    for target in targets:
        if target.startswith(url + "/"):
            page = target.removeprefix(url + "/").partition("#")[0]
            assert page == "" or page.removesuffix(".html") in pages, f"README.md links to {target}, and there is no such notebook"
        elif target.startswith(repository + "/blob/main/"):
            assert (readme.ROOT / target.removeprefix(repository + "/blob/main/")).exists(), f"README.md links to {target}"
        elif not target.startswith(("https://", "#")):
            assert (readme.ROOT / target).exists(), f"README.md links to {target}, which is missing"


@pytest.mark.parametrize("source, expected", [
    ("see [m](02_mixture.ipynb#eq-bayes).", "see [m](https://x.org/mixture.html#eq-bayes)."),
    ("[h](index.ipynb)", "[h](https://x.org/index.html)"),
    ("[q](https://quarto.org)", "[q](https://quarto.org)"),
])
def test_site_links(source, expected):
    assert readme.site_links(source, "https://x.org") == expected


def notebook(tmp_path, *cells):
    path = tmp_path / "index.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# t\n", "\n", "> d"]}, *cells]}))
    return path


def test_converter_code(tmp_path):
    outputs = [{"output_type": "stream", "name": "stdout", "text": ["a\n", "\n", "b\n"]},
               {"output_type": "stream", "name": "stderr", "text": ["noise"]},
               {"output_type": "display_data", "data": {"image/png": "aGk=\n", "text/plain": ["<Figure>"]}}]
    path = notebook(tmp_path, {"cell_type": "code", "source": ["#| hide\n", "secret()"], "outputs": []},
                    {"cell_type": "code", "source": ['#| fig-alt: "A hill."\n', "draw()"], "outputs": outputs})
    text, figures = readme.convert(path, "https://x.org")
    assert text == (f"# t\n\n\n{readme.WARNING}\n\nd.\n\n``` python\ndraw()\n```\n\n    a\n\n    b\n\n"
                    f"![A hill.]({readme.FIGURES}/cell-3-output-3.png)\n")
    assert figures == {f"{readme.FIGURES}/cell-3-output-3.png": b"hi"}


@pytest.mark.parametrize("source", ["::: {.callout-note}", "$$x$$ {#eq-x}", "as @eq-x says"])
def test_converter_refuses_quarto(tmp_path, source):
    with pytest.raises(ValueError, match="Quarto"):
        readme.convert(notebook(tmp_path, {"cell_type": "markdown", "source": [source]}), "https://x.org")


def test_converter_refuses_errors(tmp_path):
    cell = {"cell_type": "code", "source": ["1/0"], "outputs": [{"output_type": "error", "evalue": "division by zero"}]}
    with pytest.raises(ValueError, match="division by zero"):
        readme.convert(notebook(tmp_path, cell), "https://x.org")


def test_converter_wants_a_title_and_a_description(tmp_path):
    path = tmp_path / "index.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# t\n", "\n", "no description"]}]}))
    with pytest.raises(ValueError, match="'# Title' and '> description'"): readme.convert(path, "https://x.org")
