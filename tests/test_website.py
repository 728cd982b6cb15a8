"What website/prepare.py and website/finish.py do to pages: on strings, and on every notebook, without Quarto."
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chapters import NBS, ROOT, notebooks

sys.path.insert(0, str(ROOT / "website"))
import finish  # noqa: E402
import lighten  # noqa: E402
import prepare  # noqa: E402

HOME = prepare.SITE
ALL = notebooks()
KNOWN = {"eq-a": ("gaussian.html", "2", "4", "The Gaussian"), "eq-b": ("howto/x.html", "", "1", "How")}
PAGES = {re.sub(r"^\d+[a-zA-Z0-9]*_", "", nb.name).replace(".ipynb", ".html"): (nb.name, nb.anchors) for nb in ALL}


def linked(name, page="statistics.html"):
    "What nbdev makes of a backticked name"
    return f"[`{name}`]({HOME}{page}#{name.lower()})"


# ---- links

def test_a_name_inside_a_link_is_part_of_it():
    text = f"a type, [{linked('Statistics')}](#the-value), [the {linked('e_step')} here](11_e_step.ipynb), and {linked('kappa')}."
    assert prepare.join_links(text) == f"a type, [`Statistics`](#the-value), [the `e_step` here](11_e_step.ipynb), and {linked('kappa')}."


def test_private_names_and_options_are_no_links():
    assert prepare.drop_links(f"{linked('_fast')} under {linked('tied')}, {linked('full')}, and {linked('e_step')}") == f"`_fast` under `tied`, `full`, and {linked('e_step')}"


def test_links_to_own_pages_are_relative():
    assert prepare.relative(linked("e_step", "e_step.html"), 1, PAGES) == "[`e_step`](../11_e_step.ipynb#e_step)"
    assert prepare.relative(linked("Statistics.about"), 0, PAGES) == "[`Statistics.about`](10_statistics.ipynb#statistics)"
    assert prepare.relative("[x](https://x.org/e_step.html)", 0, PAGES) == "[x](https://x.org/e_step.html)"


def test_code_is_left_alone():
    text = f"```\n[{linked('x')}](y)\n```"
    assert prepare.mend_links(text) == text


@pytest.fixture(scope="module")
def processed():
    "What nbdev makes of the text of every notebook, prepared"
    from nbdev.doclinks import NbdevLookup
    lookup = NbdevLookup()
    return {nb.name: [prepare.mend_links(lookup.linkify(text), nb.name.count("/"), PAGES) for text in nb.markdown] for nb in ALL}


def test_no_page_shows_raw_links_or_leads_to_nothing(processed):
    anchors = {nb.name: nb.anchors for nb in ALL}
    for name, texts in processed.items():
        text = re.sub(r"^( *)(```+).*?^\1\2[^\n]*$", "", "\n".join(texts), flags=re.M | re.S)
        assert "[[`" not in text and not re.search(r"\]\([^)\s]*\)[^\[\]\n]*\]\(", re.sub(r"\[[^\[\]]*\]\([^)]*\)", "", text)), name
        assert HOME not in text.replace(f"]({HOME})", ""), f"{name}: an absolute link to this site"
        assert not re.search(r"#_\w+\)", text), f"{name}: a link to a private name"
        for target, anchor in re.findall(r"\[`[^`\n]+`\]\(((?:\.\./)?[\w/]+\.ipynb)#([\w.]+)\)", text):
            target = (Path(name).parent / target).as_posix().replace("howto/../", "").replace("explanations/../", "").replace("api/../", "")
            assert anchor in anchors[target], f"{name}: {target}#{anchor}"


# ---- what is folded, and under which words

@pytest.mark.parametrize("source, outputs, opening, expected", [
    ("import numpy as np\nfrom x import y\n\nuse_style()", [], True, "Imports of this page"),
    ("#| eval: false\nimport numpy as np", [], False, "Imports of this page"),
    ("def helper(x): return x\nX = helper(2)", [], True, "Helpers of this page: helper"),
    ("def em(x): return x\nprint(em(2))", [{"text": "2"}], False, None),  # a lesson
    ("def em(x): return x", [], False, None),
    ("assert_allclose(e_step(X), kappa(Y))", [], False, "Check of e_step, kappa"),
    ("assert 1 + 1 == 2", [], False, "Check of “A section”"),
    ("assert_allclose(e_step(X), 1)\nprint(1)", [{"text": "1"}], False, None),  # short enough to read
    ("x = 1\n" * 12 + "assert_allclose(e_step(X), 1)", [{"text": "1"}], False, "Check of e_step"),
    ("x = 1\n" * 12 + "assert_allclose(e_step(X), 1)", [{"data": {"image/png": ""}}], False, None),
    ("x = 1\n" * 12 + "assert x == 1", [{"text": "1"}], False, None),  # a computation that ends in a check
    ("assert x == 1\n" * 12, [{"text": "1"}], False, "Check of “A section”"),
    ("!gmm-nb fit", [], False, None), ("X.mean()", [{"text": "2"}], False, None)])
def test_summary(source, outputs, opening, expected):
    assert prepare.summary(source, {"e_step", "kappa"}, outputs, opening, "A section") == expected


def test_guides_show_what_prints():
    source = "x = 1\n" * 12 + "assert_allclose(e_step(X), 1)"
    assert prepare.summary(source, {"e_step"}, [{"text": "1"}], section="A", guide=True) is None
    assert prepare.summary(source, {"e_step"}, [], section="A", guide=True) == "Check of e_step"


@pytest.mark.parametrize("text, expected", [
    ("text\n\n## A *b* of `c` {#d}\n\nmore", "A b of c"), ("## A\n\n### [B](b.ipynb)", "B"), ("```\n# no\n```\ntext", ""), ("## Why $K$?", "Why K?")])
def test_heading(text, expected):
    assert prepare.heading(text) == expected


def test_every_fold_says_what_is_in_it():
    "Of its section, where a check names nothing that its page exports"
    for nb in ALL:
        book = json.loads(nb.path.read_text(encoding="utf-8"))
        before = {cell["id"]: "".join(cell["source"]) for cell in book["cells"]}
        for cell in prepare.prepare(book, guide=nb.name.startswith("howto"))["cells"]:
            line = prepare.options("".join(cell["source"])).get("code-summary", "")
            assert not re.search(r"^\W*Check of (the numbers in the text|what this page says|“”)\W*$", line), f"{nb}: {line}\n{before[cell['id']]}"
            assert not re.search(r"[$\\`*]|\{#", line.replace('\\"', "")), f"{nb}: {line}"


def code(source, **metadata): return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": []}


def test_source_is_shown_once():
    doc = "---\n\n[source](https://x.org/y.py#L3){target=\"_blank\" style=\"float:right; font-size:smaller\"}\n\n### f\n\n```python\ndef f(\n    x, # in\n):\n```\n\n*Does.*"
    shown, hidden = (code("#| echo: false\nshow_doc(f)") for _ in range(2))
    for cell in (shown, hidden): cell["outputs"] = [{"data": {"text/markdown": doc}}]
    source = code("#| code-fold: show\n#| code-summary: \"Exported source\"\n#| exports: true\ndef f(x): return x", exports=True)
    cells = [shown, source, {"cell_type": "markdown", "source": "## A"}, hidden]
    prepare.quiet(cells[:2], {"f"}), prepare.quiet(cells[2:], {"f"})
    text = lambda cell: "".join(cell["outputs"][0]["data"]["text/markdown"])
    assert text(shown) == "### f {.api}\n\n[source](https://x.org/y.py#L3){.api-source}\n"
    assert "def f(" in text(hidden) and "*Does.*" in text(hidden)
    assert "".join(source["source"]) == "#| exports: true\ndef f(x): return x"


def test_headings_of_a_shown_source_stand_before_it():
    source = code("#| exports: true\nclass A: pass\n\ndef b(): pass\n\ndef c(): pass", exports=True)
    a, b, c, other = (code(f"#| echo: false\nshow_doc({name})") for name in "abcx")
    a["source"] = "#| echo: false\nshow_doc(A)"
    text, hidden = {"cell_type": "markdown", "source": "text"}, code("def x(): pass")
    ordered = [text, a, b, c, source, other, hidden]
    assert prepare.docs_before([text, c, source, a, b, other, hidden]) == ordered and prepare.docs_before(ordered) == ordered
    for cell, name in ((a, "A"), (b, "b"), (c, "c")): cell["outputs"] = [{"data": {"text/markdown": f"---\n\n### {name}\n\n```python\nsignature\n```"}}]
    prepare.quiet(ordered, set())
    assert all("signature" not in "".join(cell["outputs"][0]["data"]["text/markdown"]) for cell in (a, b, c)), "the source is shown twice"


@pytest.mark.parametrize("label, expected", [("#| label: fig-x\n", "figure"), ("#| label: tbl-x\n", "table"), ("", "output")])
def test_a_fold_without_words_says_what_its_code_makes(label, expected):
    cell = code(f"#| code-fold: true\n{label}plot(x)")
    prepare.quiet([cell], set())
    once = "".join(cell["source"])
    assert once == f'#| code-fold: true\n#| code-summary: "Code of this {expected}"\n{label}plot(x)'
    prepare.quiet([cell], set())
    assert "".join(cell["source"]) == once


DECORATED = """#| export
@lru_cache(maxsize=4)  # asked for often
def f(x: int) -> float:
    "Does."
    return 1.0"""


@pytest.mark.parametrize("line, expected", [
    (")->float: # asked for often", ")->float:"), ("def f(x:int): # asked for often", "def f(x:int):"), (")->float: # the root", ")->float: # the root"),
    ("    x:int, # asked for often", "    x:int, # asked for often")])
def test_a_decorators_comment_describes_no_result(line, expected):
    "nbdev prints it behind the signature; the box is shown where the source is not"
    cell = code("#| echo: false\nshow_doc(f)")
    cell["outputs"] = [{"data": {"text/markdown": f"---\n\n### f\n\n```python\n{line}\n```\n\n*Does.*"}}]
    prepare.quiet([code(DECORATED), {"cell_type": "markdown", "source": "text"}, cell], {"f"})
    assert "".join(cell["outputs"][0]["data"]["text/markdown"]).splitlines()[3] == expected


def test_decorator_comments_are_those_of_one_function():
    source = DECORATED + "\n\nclass C:\n    @property  # kept\n    def g(self): return 1  # one\n"
    assert prepare.decorator_comments(source, "f") == {"asked for often"}
    assert prepare.decorator_comments(source, "C.g") == {"kept"} and prepare.decorator_comments(source, "h") == set()
    assert prepare.decorator_comments("!ls", "f") == set()


def test_a_second_run_changes_nothing():
    cells = [{"cell_type": "raw", "source": "---\ntitle: x\n---", "metadata": {}}, code("import x"), code("assert f(1)"),
             {"cell_type": "markdown", "source": f"[{linked('f')}](a.ipynb) {linked('_g')}", "metadata": {}}]
    once = json.dumps(prepare.prepare({"cells": cells}))
    assert json.dumps(prepare.prepare(json.loads(once))) == once and "code-fold" in once


# ---- equations by number

def test_equations_are_numbered():
    page = r'<span id="eq-a"><span class="math display">\[x = 1 \tag{4}\]</span></span>'
    assert finish.numbers(page) == {"eq-a": "4"}
    assert finish.numbers(r'<span id="eq-a"><span class="math display" data-tex="x = 1 \tag{4}"><mjx-container></mjx-container></span></span>') == {"eq-a": "4"}
    text = '<span class="co"># Eq. (eq-a), (eq-none)</span>'
    assert finish.name_equations(text, "gaussian.html", KNOWN) == \
        '<span class="co"># Eq. (<a class="eq" href="#eq-a" title="Equation 4 of The Gaussian">4</a>), (eq-none)</span>'
    assert 'href="../gaussian.html#eq-a" title="Equation 4 of The Gaussian">2.4</a>' in finish.name_equations(text, "howto/x.html", KNOWN)
    assert finish.name_equations('<a href="gaussian.html#eq-a">Eq. (eq-a)</a> <a href="">eq-a</a>', "reference.html", KNOWN) == \
        '<a href="gaussian.html#eq-a">Eq. (2.4)</a> <a href="">Equation 2.4</a>'
    assert finish.name_equations('<img alt="(eq-a)"><script>(eq-a)</script>', "x.html", KNOWN) == '<img alt="(eq-a)"><script>(eq-a)</script>'


def test_every_equation_that_code_names_exists():
    labels = {label for nb in ALL for label in nb.labels}
    for nb in ALL:
        for cell in nb.code:
            for label in re.findall(r"\((eq-[\w-]+)\)", cell.source): assert label in labels, f"{nb}: {label} in code has no equation"


# ---- search

@pytest.mark.parametrize("tex, expected", [
    (r"\(\mu_k\)", "μ_k"), (r"\[\frac{1}{2}\sum_{i=0}^{M-1} x_i\tag{3}\]", "(1)/(2)Σ_i=0^M-1 x_i"), (r"a \(10^{-308}\) b", "a 10^-308 b"),
    (r"\(\left[\log\hat x\right]\)", "[log x ]"), ("no formula", "no formula")])
def test_search_shows_text(tex, expected):
    assert re.sub(r"\s+", " ", finish.without_tex(tex)) == expected


ENTRIES = [{"objectID": "gaussian.html", "href": "gaussian.html", "title": "The Gaussian", "section": "", "text": r"Eq. (eq-a) of \(\sigma^2\)", "crumbs": []},
           {"objectID": "howto/anomalies.html", "href": "howto/anomalies.html", "title": "Find odd points", "section": "", "text": "t"},
           {"objectID": "api/estimator.html#gaussianmixture", "href": "api/estimator.html#gaussianmixture", "title": "gmm_nb.estimator", "section": "GaussianMixture", "text": "class"}]


def test_search_entries():
    found = finish.search([dict(entry) for entry in ENTRIES], KNOWN)
    assert any(e["section"] == "anomaly detection" and e["href"] == "howto/anomalies.html" for e in found)
    assert next(e for e in found if e["section"] == "GaussianMixture")["href"] == "api/estimator.html#gaussianmixture"
    assert next(e for e in found if e["objectID"] == "gaussian.html")["text"] == "Eq. (4) of σ^2"
    assert finish.search([dict(e) for e in found], KNOWN) == found, "a second run changes the index"


def test_a_name_that_is_a_word_of_search_does_not_hide_its_page():
    entry = {"objectID": "api/tables.html#MISSING", "href": "api/tables.html#MISSING", "title": "gmm_nb.tables", "section": "MISSING", "text": "a constant"}
    page = {"objectID": "howto/holes.html", "href": "howto/holes.html", "title": "Fit a table with holes", "section": "", "text": "t"}
    found = finish.search([entry, page], KNOWN)
    assert not any(e["title"] == "MISSING" for e in found)
    assert next(e for e in found if e["section"] == "missing")["href"] == "howto/holes.html"


def test_aliases_lead_to_pages():
    for page in finish.ALIASES.values(): assert page in PAGES, page


# ---- pages

def test_phones_get_contents():
    page = ('<header id="title-block-header"><h1>t</h1></header>\n<nav id="TOC" role="doc-toc"><h2 id="toc-title">On this page</h2><ul>'
            + '<li><a href="#a" id="toc-a" class="nav-link" data-scroll-target="#a">A</a></li>' * 3 + "</ul></nav>")
    done = finish.contents(page)
    assert done.count("<details") == 1 and done.count('id="toc-a"') == 3 and done.count('href="#a"') == 6 and finish.contents(done) == done


def test_the_first_part_of_the_contents_is_open():
    part = '<li><a href="#a" id="toc-a" class="nav-link{}" data-scroll-target="#a">A <code>x</code></a>\n<ul class="collapse"><li>B</li></ul></li>'
    once = finish.open_first(part.format(" active") + part.format(""))
    assert once == part.format(" active").replace(' class="collapse"', "") + part.format("") and finish.open_first(once) == once


def test_style_sheets_share_no_id():
    page = ('<link href="a.css" id="quarto-bootstrap" data-mode="light"><link href="b.css" id="quarto-bootstrap" data-mode="dark">'
            '<script>document.querySelector("link#quarto-bootstrap:not([rel=x])"); if (node.id === "quarto-bootstrap") f()</script>')
    once = finish.own_ids(page)
    assert " id=" not in once and "link[data-sheet=quarto-bootstrap]:not([rel=x])" in once and 'node.dataset.sheet === "quarto-bootstrap"' in once
    assert finish.own_ids(once) == once


def test_nothing_from_the_web_but_mathjax():
    page = ('<head><script src="https://x.org/polyfill/v3/polyfill.min.js?features=es6"></script>'
            '<script src="https://x.org/npm/mathjax@3/es5/tex-chtml-full.js" type="text/javascript"></script></head>')
    done = finish.scripts(page, "howto/a.html", True, True)
    assert "https://" not in done and 'src="../mathjax/tex-chtml-full.js"' in done and 'src="../site.js"' in done and "../fonts/fonts.css" in done
    assert 'rel="preload"' not in done and finish.scripts(page + "<p>a <em>b</em></p>", "a.html", True, True).count('rel="preload"') == 2
    assert finish.scripts(done, "howto/a.html", True, True) == done and "mathjax@3" in finish.scripts(page, "a.html", False, False)


def test_folded_answers_are_buttons():
    done = finish.accessible('<div class="callout-header d-flex" data-bs-toggle="collapse" aria-expanded="false" aria-label="Toggle callout"></div>')
    assert 'role="button" tabindex="0"' in done and "Toggle callout" not in done and finish.accessible(done) == done


def test_buttons_hold_no_links():
    head = '<div class="callout-header d-flex" data-bs-toggle="collapse"><div class="callout-title-container">{}</div><div class="callout-btn-toggle"></div></div><a href="y">z</a>'
    done = finish.accessible(head.format('Does <a href="x"><code>f</code></a> fit?'))
    assert "Does <code>f</code> fit?" in done and '<a href="y">z</a>' in done and finish.accessible(done) == done


def test_an_empty_corner_is_no_heading():
    assert finish.accessible('<tr><th style="x"></th><th>a</th><th></th></tr>') == '<tr><td style="x"></td><th>a</th><td></td></tr>'


def test_links_and_headings_that_are_formulas_have_names():
    formula = r'<span class="math inline">\(r\)</span>'
    done = finish.accessible(f"<th>{formula}</th>")
    assert done == f'<th><span class="visually-hidden">r</span><span aria-hidden="true">{formula}</span></th>' and finish.accessible(done) == done
    done = finish.accessible(r'<a href="x.html#eq-a"><span class="math inline">\(\mu_k &lt; 1\)</span></a> <a href="y">z</a>')
    assert done == r'<a href="x.html#eq-a" aria-label="μ_k &lt; 1"><span class="math inline">\(\mu_k &lt; 1\)</span></a> <a href="y">z</a>'
    assert finish.accessible(done) == done


def test_pictures_that_speak_of_light_stay_as_drawn():
    drawn, turned = '<img src="a.png" class="img-fluid" alt="A black curve">', '<img src="dark.png" alt="Two ellipses">'
    once = finish.as_drawn(drawn + turned)
    assert once == '<img src="a.png" class="as-drawn img-fluid" alt="A black curve">' + turned and finish.as_drawn(once) == once
    assert "as-drawn" in finish.as_drawn('<figure><img src="a.png" class="x" alt="A map"><figcaption>the lighter the higher</figcaption></figure>')


def test_tables_are_folded_under_their_heading():
    page = "<h2>Memory</h2><p>x</p><table><tr></tr></table>"
    once = finish.folded_tables(page)
    assert once.count("<details") == 1 and "<summary>Table: Memory</summary>" in once and finish.folded_tables(once) == once


# ---- formulas

def test_formulas_are_drawn_once():
    page = (r'<head><script src="../mathjax/tex-chtml-full.js" type="text/javascript"></script></head><p><span class="math inline">\(a &lt; "b"\)</span> and '
            r'<span id="eq-a"><span class="math display">\[x = 1 \tag{4}\]</span></span> and <span class="math inline">\(a &lt; "b"\)</span></p>')
    wanted = [('a < "b"', False), (r"x = 1 \tag{4}", True)]
    assert finish.formulas([page, page]) == wanted
    drawings = dict(zip(wanted, ["<mjx-container>A</mjx-container>", '<mjx-container display="true" style="min-width: 12.5em; position: relative;">B</mjx-container>']))
    once = finish.with_formulas(page, "howto/x.html", drawings)
    assert once.count(">A<") == 2 and 'data-tex="a &lt; &quot;b&quot;"' in once and "<script" not in once
    assert 'style="--em: 12.5; min-width: 12.5em;' in once and '<link rel="stylesheet" href="../mathjax/mathjax.css">' in once
    assert finish.formulas([once]) == [] and finish.with_formulas(once, "howto/x.html", {}) == once and finish.numbers(once) == {"eq-a": "4"}


MATHJAX = next((path for path in (Path(os.environ.get("MATHJAX") or "none"), ROOT / "website" / "node_modules" / "mathjax" / "es5") if (path / "node-main.js").is_file()), None)


@pytest.mark.skipif(shutil.which("node") is None or MATHJAX is None, reason="no node on the PATH, or no MathJax in website/node_modules: formulas are not drawn")
def test_mathjax_draws_without_a_browser():
    wanted = [(r"x \in \mathbb{R}^d", False), (r"x = 1 \tag{4}", True)]
    drawings, sheet = finish.drawn(wanted, MATHJAX)
    assert list(drawings) == wanted and "mjx-container" in drawings[wanted[0]] and "<math" in drawings[wanted[0]]
    assert "min-width" in drawings[wanted[1]] and "output/chtml/fonts/woff-v2" in sheet and ".mjx-c211D" in sheet.replace("TEX", "")


# ---- what no page uses

CSS = """/* license */.a,.b:hover{color:red}.c{x:y}a .b>p{x:y}.d:not(.c){x:y}:is(.c,.x) p{x:y}@media(max-width: 1px){.c{x:y}.a{x:y}}@media print{.c{x:y}}
@keyframes k{from{x:y}}.part-one{x:y}.partly{background:url("data:image/svg+xml,{.c}")}#c{x:y}"""


def test_rules_without_use_are_dropped():
    known = lighten.words(['<p class="a d">', 'node.classList.add("part-" + kind)'])
    light = lighten.light_css(CSS, known)
    assert light == ("/* license */.a{color:red}.d:not(.c){x:y}:is(.c,.x) p{x:y}@media(max-width: 1px){.a{x:y}}"
                     "@keyframes k{from{x:y}}.part-one{x:y}#c{x:y}")
    assert lighten.light_css(light, known) == light
    with pytest.raises(ValueError, match="cannot be read"): lighten.light_css(".a", {"a"})


def test_icons_without_use_are_dropped(tmp_path):
    css = '@font-face { x }\n\n.bi-github::before { content: "\\f3ed"; }\n.bi-alarm::before { content: "\\f102"; }\n'
    light, characters = lighten.light_icons(css, {"bi-github"}, set())
    assert "alarm" not in light and "github" in light and characters == {0xf3ed}
    assert lighten.light_icons(light, {"bi-github"}, set()) == (light, characters)
    assert lighten.light_icons(css, {"bi-github"}, {"alarm"}) == (css, {0xf3ed, 0xf102}), "a script says `bi-${icon}`"


def test_fonts_keep_the_characters_that_are_used(tmp_path):
    from fontTools.ttLib import TTFont
    from matplotlib import font_manager
    path = Path(shutil.copy(font_manager.findfont("DejaVu Sans"), tmp_path / "font.ttf"))
    whole, high = path.stat().st_size, TTFont(path)["head"].yMax
    lighten.light_font(path, {ord("a"), ord("μ")})
    once = path.read_bytes()
    assert set(TTFont(path).getBestCmap()) == {ord("a"), ord("μ")} and len(once) < whole / 20 and TTFont(path)["head"].yMax == high
    lighten.light_font(path, {ord("a"), ord("μ")})
    assert path.read_bytes() == once


# ---- what belongs to a published project

def test_citation():
    import yaml
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "gmm_nb" / "__init__.py").read_text(), re.M)[1]
    assert citation["cff-version"] == "1.2.0" and citation["title"] and citation["authors"] and citation["version"] == version
    assert version in "\n".join(next(nb for nb in ALL if nb.name == "references.ipynb").markdown), "the BibTeX entry has another version"


def test_card_is_a_picture_of_the_right_size():
    data = (NBS / "social.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (1200, 630) and len(data) < 120_000


def test_not_found_page_is_there(): assert "404" in (NBS / "404.qmd").read_text(encoding="utf-8")


def test_what_the_site_is_built_with_is_pinned():
    text = (ROOT / ".github" / "workflows" / "publish.yml").read_text()
    assert re.search(r"quarto-actions/setup@v2\n\s+with:\n\s+version: \d+\.\d+\.\d+\n", text) and "npm install --prefix website" in text
    needs = json.loads((ROOT / "website" / "package.json").read_text())["dependencies"]
    assert {"mathjax", "@fontsource/source-serif-4", "axe-core"} <= {*needs}
    for name, version in needs.items(): assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on the PATH: the scripts are not read")
@pytest.mark.parametrize("path", [NBS / "site.js", ROOT / "website" / "typeset.js"], ids=lambda path: path.name)
def test_scripts_are_read_without_error(path):
    assert subprocess.run(["node", "--check", path], capture_output=True).returncode == 0
