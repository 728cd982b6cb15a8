"""After Quarto rendered: the pages in _proc/_docs completed. Quarto calls it (`post-render` in _quarto.yml).

Equations that code and docstrings name by their label get their number and a link; phones get a table of contents;
search entries are text, and words that people come with find the page that answers them; MathJax and the text font come
from this site where website/node_modules has them (`npm install --prefix website`), and where node is there too, formulas
are drawn here instead of in the reader's browser, where a page jumps when they are; what no page uses is taken out of
icons and style sheets (lighten.py). A second run changes nothing."""
import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lighten import lighten

HERE = Path(__file__).resolve().parent
SITE = "https://gmm-nb.github.io/gmm_nb/"
LABEL = r"eq-[\w-]+"
TAGS = re.compile(r"(<!--.*?-->|<script\b.*?</script>|<style\b.*?</style>|<[^>]+>)", re.S)


# ---- equations

def numbers(page):
    "Label -> number of the equations of a page, drawn or not"
    found = re.findall(rf'<span id="({LABEL})"[^>]*><span class="math display"(?:>\\\[(?=.*?\\\])| data-tex=")(.*?)(?:\\\]|">)', page, re.S)
    return {label: match[1] for label, tex in found if (match := re.search(r"\\tag\{(\d+)\}", tex))}


def equation(label, page, known):
    "How an equation is called on a page: its number there, with its chapter's before it elsewhere"
    home, chapter, number, title = known[label]
    return number if home == page else f"{chapter}.{number}" if chapter else f"{number} of {title}"


def toward(page, home):
    return os.path.relpath(home, Path(page).parent).replace(os.sep, "/") if home != page else ""


def name_equations(text, page, known):
    "A page in which `(eq-name)` in its text is a link that says the number; inside a link only the number"
    parts, within = TAGS.split(text), ""
    for i, part in enumerate(parts):
        if i % 2:
            if re.match(r"<a\b", part): within = part
            elif part == "</a>": within = ""
            continue

        def one(match):
            label = match[1]
            if label not in known: return match[0]
            number = equation(label, page, known)
            if within: return f"({number})"
            home, _, count, title = known[label]
            return f'(<a class="eq" href="{toward(page, home)}#{label}" title="Equation {count} of {html.escape(title)}">{number}</a>)'
        part = re.sub(rf"\(({LABEL})\)", one, part)
        if within and (bare := re.fullmatch(rf"\s*({LABEL})\s*", part)) and bare[1] in known:
            part = f"Equation {equation(bare[1], page, known)}"
        parts[i] = part
    return "".join(parts)


# ---- search

SYMBOLS = {name: chr(code) for name, code in {
    "alpha": 945, "beta": 946, "gamma": 947, "delta": 948, "epsilon": 949, "varepsilon": 949, "zeta": 950, "eta": 951, "theta": 952,
    "vartheta": 952, "kappa": 954, "lambda": 955, "mu": 956, "nu": 957, "xi": 958, "pi": 960, "rho": 961, "sigma": 963, "tau": 964,
    "phi": 966, "varphi": 966, "chi": 967, "psi": 968, "omega": 969, "Gamma": 915, "Delta": 916, "Theta": 920, "Lambda": 923,
    "Sigma": 931, "Phi": 934, "Psi": 936, "Omega": 937, "sum": 931, "prod": 928, "int": 8747, "infty": 8734, "partial": 8706,
    "nabla": 8711, "le": 8804, "leq": 8804, "ge": 8805, "geq": 8805, "ne": 8800, "neq": 8800, "approx": 8776, "times": 215, "cdot": 183,
    "in": 8712, "to": 8594, "mapsto": 8614, "ldots": 8230, "dots": 8230, "cdots": 8230, "pm": 177, "propto": 8733, "sim": 8764,
    "ell": 8467, "sqrt": 8730, "equiv": 8801, "langle": 10216, "rangle": 10217, "mid": 124, "vert": 124, "Vert": 8214, "|": 8214,
    "top": 7488, "cup": 8746, "subset": 8834, "forall": 8704, "succ": 8827, "succeq": 8829, "iff": 8660, "Rightarrow": 8658}.items()}


def plain(tex):
    "A formula as one would write it in a message: letters and signs, no commands"
    tex = re.sub(r"\\(?:begin|end)\{[^}]*\}(?:\{[^}]*\})?|\\(?:label|tag)\{[^}]*\}|\\[,;!:> ]|&", " ", tex)
    for _ in range(3): tex = re.sub(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"(\1)/(\2)", tex)
    tex = re.sub(r"\\frac\s*(\w)\s*(\w)", r"\1/\2", tex)
    tex = re.sub(r"\\([A-Za-z]+|\|)", lambda m: SYMBOLS.get(m[1], m[1] if m[1] in ("log", "exp", "max", "min", "det", "tr", "arg") else " "), tex)
    return re.sub(r"\s+", " ", re.sub(r"[{}\\$]|\^(?=\s)", "", tex)).strip()


def without_tex(text):
    "The text of a search entry with its formulas in plain signs"
    return re.sub(r"\\\[(.*?)\\\]|\\\((.*?)\\\)", lambda m: plain(m[1] if m[1] is not None else m[2]), text, flags=re.S)


ALIASES = {  # what people type -> the page that answers
    "how many clusters, how many components, number of clusters, elbow": "howto/number_of_components.html",
    "anomaly detection, outlier, novelty": "howto/anomalies.html",
    "missing, missing values, missing data, NaN, impute, imputation": "howto/holes.html",
    "image segmentation, picture, pixels": "howto/image.html",
    "density estimation, sampling, draw new points": "howto/density.html",
    "sample weights, weighted data, counts": "howto/weights.html",
    "predict, nonlinear regression, prediction interval": "howto/regression.html",
    "pipeline, grid search, cross-validation": "howto/pipeline.html",
    "sklearn, scikit-learn, migrate": "howto/coming_from_sklearn.html",
    "k-means, beginner, introduction, tutorial": "start.html",
    "BIC, AIC, ICL, model selection": "selection.html",
    "faster, speed, timing, performance": "explanations/benchmarks.html",
    "singular, collapse, reg_covar, variance floor": "covariance.html",
    "local maximum, random_state, initialization, n_init": "initialization.html",
    "cite, citation, BibTeX": "references.html",
}


def aliases(entries, exists):
    "Entries for the words of ALIASES and for each public name that is none of them, which leads to its place in the reference"
    titles = {entry["href"]: entry["title"] for entry in reversed(entries)}
    texts = {entry["href"]: entry["text"] for entry in reversed(entries)}
    found, spoken = [], {word.lower() for words in ALIASES for word in words.split(", ")}
    for words, page in ALIASES.items():
        if not exists(page): continue
        for word in words.split(", "):
            found.append({"objectID": f"{page}#word-{len(found)}", "href": page, "title": titles.get(page, ""), "section": word,
                          "text": f"{word}: {texts.get(page, '')[:200]}"})
    for entry in entries:
        name = re.fullmatch(r"(?:[a-z_]+\.)?([A-Za-z_]\w*)", entry["section"].strip())
        if not re.match(r"api/.*#", entry["href"]) or not name or name[1].lower() in spoken: continue
        found.append({"objectID": f"{entry['objectID']}-name", "href": entry["href"], "title": name[1], "section": name[1], "text": entry["text"][:200]})
    return found


def search(entries, known, exists=lambda page: True):
    "The search index: formulas as text, equations by number, and what people type first"
    entries = [entry for entry in entries if not re.search(r"#word-\d+$|-name$", entry["objectID"])]
    for entry in entries:
        page = entry["href"].split("#")[0]
        text = re.sub(rf"\(({LABEL})\)", lambda m: f"({equation(m[1], page, known)})" if m[1] in known else m[0], entry["text"])
        entry["text"] = without_tex(text)
        entry["section"] = without_tex(entry["section"])
    return aliases(entries, exists) + entries


# ---- a page

def contents(text):
    "A table of contents that opens, for screens without a margin"
    found = re.search(r'<nav id="TOC"[^>]*>(.*?)</nav>', text, re.S)
    if not found or 'class="toc-small"' in text: return text
    inner = re.sub(r"<h2[^>]*>.*?</h2>", "", found[1], flags=re.S)
    inner = re.sub(r'<div class="toc-actions">.*?</div>', "", inner, flags=re.S)
    inner = re.sub(r' (?:id|class|data-scroll-target)="[^"]*"', "", inner)
    if inner.count("<li>") < 3: return text
    box = f'<details class="toc-small"><summary>On this page</summary><nav aria-label="On this page">{inner.strip()}</nav></details>\n'
    return re.sub(r"(<header id=\"title-block-header\".*?</header>\n)", lambda m: m[1] + box, text, count=1, flags=re.S)


def open_first(text):
    "The parts of a table of contents that a script opens at the top of a page, open from the start: nothing moves"
    return re.sub(r'(<a href="[^"]*" id="toc-[^"]*" class="nav-link active"[^>]*>(?:(?!</a>).)*</a>\s*<ul) class="collapse">', r"\1>", text, count=1, flags=re.S)


def own_ids(text):
    "The links to Quarto's style sheets, which share an id, told apart by an attribute; its scripts ask for that"
    for name in ("quarto-bootstrap", "quarto-text-highlighting-styles"):
        text = text.replace(f'id="{name}"', f'data-sheet="{name}"').replace(f"link#{name}", f"link[data-sheet={name}]")
        text = text.replace(f'.id === "{name}"', f'.dataset.sheet === "{name}"')
    return text


def up(page):
    "The way from a page to the folder of the site; from the page of any lost address, an absolute one"
    return "/" + SITE.split("/", 3)[3] if page == "404.html" else "../" * page.count("/")


def scripts(text, page, has_math, has_font):
    "The page with this site's script, MathJax and font; nothing else from the web"
    text = re.sub(r'<script [^>]*src="https://[^"]*(?:polyfill|require(?:\.min)?\.js|jquery)[^"]*"[^>]*></script>\s*', "", text)
    text = re.sub(r"<script[^>]*>define\('jquery'.*?</script>\s*", "", text, flags=re.S)
    if has_math: text = re.sub(r'src="https://[^"]*mathjax@3[^"/]*/es5/', f'src="{up(page)}mathjax/', text)
    head = f'<script defer src="{up(page)}site.js"></script>'
    if has_font:  # the faces of the page are loaded first: letters shall not change while one reads
        faces = [name for name, tag in (("400", "<p>"), ("400i", "<em>"), ("600", "<strong>")) if tag in text]
        loads = "".join(f'<link rel="preload" href="{up(page)}fonts/{font_file(name)}" as="font" type="font/woff2" crossorigin>\n' for name in faces)
        head = f'{loads}<link rel="stylesheet" href="{up(page)}fonts/fonts.css">\n{head}'
    return text if head in text else text.replace("</head>", f"{head}\n</head>", 1)


def accessible(text):
    "Names for what screen readers meet without one, and keys for what opens"
    text = re.sub(r'(<button title="Copy to Clipboard")(?! aria-label)', r'\1 aria-label="Copy the code"', text)
    text = re.sub(r'(<nav class="navbar[^>]*?)(?<! aria-label="Main")>', r'\1 aria-label="Main">', text, count=1)
    text = re.sub(r'(<nav id="quarto-sidebar"|<nav id="TOC"|<nav class="page-navigation"|<nav class="quarto-secondary-nav")(?! aria-label)',
                  lambda m: m[1] + f' aria-label="{NAVS[m[1]]}"', text)
    text = re.sub(r'(<a (?![^>]*href=)[^>]*?) role="navigation"', r'\1 role="button"', text)
    text = re.sub(r'(<(?:button|a) [^>]*?) role="(?:menu|navigation)"', r'\1', text)
    text = text.replace(' aria-label="Toggle callout"', '')
    formula = r'\s*<span class="math inline">\\\((.*?)\\\)</span>\s*'  # drawn, it gives no name to what it is alone in
    words = lambda tex: html.escape(plain(html.unescape(tex)))
    text = re.sub(rf'<a (?![^>]*aria-label)([^>]*)>({formula})</a>', lambda m: f'<a {m[1]} aria-label="{words(m[3])}">{m[2]}</a>', text)
    text = re.sub(rf'(<th\b[^>]*>)({formula})</th>',
                  lambda m: f'{m[1]}<span class="visually-hidden">{words(m[3])}</span><span aria-hidden="true">{m[2]}</span></th>', text)
    text = re.sub(r"<th( [^>]*)?></th>", r"<td\1></td>", text)  # an empty corner is no heading
    text = re.sub(r'(<div class="callout-header[^>]*data-bs-toggle="collapse"[^>]*>)(.*?)(?=<div class="callout-btn-toggle)',
                  lambda m: m[1] + re.sub(r"</?a\b[^>]*>", "", m[2]), text, flags=re.S)  # a button holds no links
    return re.sub(r'(<div class="callout-header(?![^>]*role=)[^>]*data-bs-toggle="collapse"[^>]*)>', r'\1 role="button" tabindex="0">', text)


NAVS = {'<nav id="quarto-sidebar"': "All pages", '<nav id="TOC"': "On this page", '<nav class="page-navigation"': "Next and previous page",
        '<nav class="quarto-secondary-nav"': "Where this page is"}


LIGHT = re.compile(r"\b(?:black|white|pale|dark(?:er|est)?|light(?:er|est)?)\b", re.I)


def as_drawn(text):
    "Pictures whose words speak of dark and light keep them on a dark page; others are turned around there (styles.css)"
    def picture(words):
        return lambda m: m[0] if "as-drawn" in m[0] or not LIGHT.search(words or m[0]) else re.sub(r'class="', 'class="as-drawn ', m[0]) if "class=" in m[0] else m[0].replace("<img ", '<img class="as-drawn" ')
    text = re.sub(r"<figure\b.*?</figure>", lambda m: re.sub(r"<img [^>]*>", picture(re.sub(r'(?:src|class)="[^"]*"', "", m[0])), m[0]), text, flags=re.S)
    return re.sub(r"<img [^>]*>", lambda m: picture(re.sub(r'(?:src|class)="[^"]*"', "", m[0]))(m), text)


def folded_tables(text):
    "The tables of the benchmarks, each under its heading's words; the findings below them stay in sight"
    parts = re.split(r"(<h[23][^>]*>.*?</h[23]>|<details\b.*?</details>)", text, flags=re.S)
    heading = "the run"
    for i, part in enumerate(parts):
        if i % 2:
            if part.startswith("<h"): heading = re.sub(r"<[^>]+>", "", part).strip()
            continue
        parts[i] = re.sub(r"<table\b.*?</table>", lambda m: f'<details class="folded"><summary>Table: {heading}</summary>\n{m[0]}\n</details>', part, flags=re.S)
    return "".join(parts)


def finish_page(text, page, known, has_math=False, has_font=False):
    if page == "explanations/benchmarks.html": text = folded_tables(text)
    text = own_ids(open_first(accessible(contents(name_equations(text, page, known)))))
    return scripts(as_drawn(text), page, has_math, has_font)


# ---- formulas

FORMULA = re.compile(r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>', re.S)


def formulas(pages):
    "The different formulas of all pages, as (TeX, whether it is displayed)"
    found = dict.fromkeys((html.unescape(tex), kind == "display") for text in pages for kind, tex in FORMULA.findall(text))
    return list(found)


def drawn(wanted, source):
    "Formula -> its HTML, and the style sheet of all, by MathJax in node"
    words = json.dumps([{"tex": tex, "display": display} for tex, display in wanted])
    run = subprocess.run([shutil.which("node"), HERE / "typeset.js", source.resolve()], input=words, capture_output=True, text=True, encoding="utf-8")
    if run.returncode: raise RuntimeError(f"MathJax in node ends with an error: {run.stderr[-500:]}")
    found = json.loads(run.stdout)
    return dict(zip(wanted, found["html"], strict=True)), found["css"]


def with_formulas(text, page, drawings):
    """A page with drawn formulas instead of MathJax's script. The TeX stays beside each. A numbered one says how wide it
    is, in its own ems, so that styles.css can set it smaller on a narrow screen."""
    def one(match):
        kind, tex = match[1], match[2]
        drawing = re.sub(r'^(<mjx-container [^>]*style=")(min-width: ([\d.]+)em;)', r"\1--em: \3; \2", drawings[html.unescape(tex), kind == "display"])
        return f'<span class="math {kind}" data-tex="{tex.replace(chr(34), "&quot;")}">{drawing}</span>'
    done = FORMULA.sub(one, text)
    if done == text: return text
    done = re.sub(r'<script [^>]*src="[^"]*mathjax[^"]*tex-chtml-full\.js"[^>]*></script>', "", done)
    return done.replace("</head>", f'<link rel="stylesheet" href="{up(page)}mathjax/mathjax.css">\n</head>', 1)


# ---- the site

MATHJAX = ("tex-chtml-full.js", "output/chtml/fonts/woff-v2")
FONTS = {"400": "normal", "400i": "italic", "600": "normal"}
FACE = """@font-face { font-family: "Source Serif 4"; font-style: %s; font-weight: %s; font-display: optional; src: url(%s) format("woff2"); }"""


def copy_mathjax(docs, source):
    if not source or not (source / MATHJAX[0]).is_file(): return False
    for name in MATHJAX:
        target = docs / "mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir(): shutil.copytree(source / name, target, dirs_exist_ok=True)
        else: shutil.copyfile(source / name, target)
    return True


def font_file(name):
    return f"source-serif-4-latin-{name.rstrip('i')}-{FONTS[name]}.woff2"


def copy_fonts(docs, source):
    "Three faces of the Latin letters; false where they are not installed"
    faces = []
    for name, style in FONTS.items():
        file = font_file(name)
        if not (source / file).is_file(): return False
        (docs / "fonts").mkdir(exist_ok=True)
        shutil.copyfile(source / file, docs / "fonts" / file)
        faces.append(FACE % (style, name.rstrip("i"), file))
    (docs / "fonts" / "fonts.css").write_text("\n".join(faces) + "\n", encoding="utf-8")
    return True


def chapters(folder):
    "Page -> number of its chapter, from the processed notebooks"
    found = {}
    for path in folder.glob("[0-9][0-9]_*.ipynb"):
        head = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        match = re.search(r"^output-file: *(\S+)", head, re.M)
        found[match[1] if match else path.stem + ".html"] = str(int(path.name[:2]))
    return found


def title_of(text):
    found = re.search(r'<h1 class="title">(.*?)</h1>|<title>(.*?)</title>', text, re.S)
    return html.unescape(re.sub(r"<[^>]+>", "", found[1] or found[2])).strip() if found else ""


def description_of(text):
    found = re.search(r'<meta name="description" content="([^"]*)"', text)
    return html.unescape(found[1]) if found else ""


def llms(pages, order):
    "llms.txt: what the project is, and every page with a line on it"
    first = pages.get("index.html", "")
    lines = [f"# gmm_nb\n\n> {description_of(first)}\n\nSource: https://github.com/gmm-nb/gmm_nb, install: `pip install gmm_nb`.\n\n## Pages\n"]
    lines += [f"- [{title_of(pages[page])}]({SITE}{page}): {description_of(pages[page])}" for page in order if page in pages]
    return "\n".join(lines) + "\n"


def main(docs=None):
    docs = Path(docs or os.environ.get("QUARTO_PROJECT_OUTPUT_DIR") or "_docs")
    pages = {path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8") for path in sorted(docs.rglob("*.html"))
             if "site_libs" not in path.parts}
    number = chapters(docs.parent)
    known = {label: (page, number.get(page, ""), count, title_of(text)) for page, text in pages.items() for label, count in numbers(text).items()}
    packages = HERE / "node_modules"
    library = Path(os.environ.get("MATHJAX") or packages / "mathjax" / "es5")
    math, whole = copy_mathjax(docs, library), bool(os.environ.get("QUARTO_PROJECT_RENDER_ALL"))
    font = copy_fonts(docs, packages / "@fontsource" / "source-serif-4" / "files")
    finished = {page: finish_page(text, page, known, math, font) for page, text in pages.items()}
    wanted = formulas(finished.values()) if whole and math and shutil.which("node") else []
    if wanted:  # in a render of the whole site: the style sheet is one for all pages
        drawings, sheet = drawn(wanted, library)
        (docs / "mathjax" / "mathjax.css").write_text(sheet, encoding="utf-8")
        finished = {page: with_formulas(text, page, drawings) for page, text in finished.items()}
    for page, text in finished.items():
        if text != pages[page]: (docs / page).write_text(text, encoding="utf-8")
    if whole: lighten(docs, finished.values())
    index = docs / "search.json"
    if index.is_file():
        entries = search(json.loads(index.read_text(encoding="utf-8")), known, lambda page: (docs / page).is_file())
        index.write_text(json.dumps(entries, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    (docs / "llms.txt").write_text(llms(pages, [page for page in sorted(pages, key=lambda p: (p != "index.html", "/" in p, int(number.get(p) or 99), p)) if page != "404.html"]), encoding="utf-8")


if __name__ == "__main__": sys.exit(main())
