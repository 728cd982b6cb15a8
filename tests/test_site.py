"""The rendered site, where `quarto` is on the PATH: no warning, no broken link, no unresolved reference; and where a
Chromium is there too, no script error, no unrendered formula, nothing wider than a phone. The checks themselves are
tested everywhere. Where website/node_modules is not installed pages load MathJax from the web; on a machine that does not
reach it, the variable MATHJAX may name a folder with the same files (`es5` of the package mathjax 3)."""
import functools
import gzip
import http.server
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from chapters import copy_tree, notebooks

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "website"))
from finish import ALIASES  # noqa: E402

AXE = next((path for path in (Path(os.environ.get("AXE") or "none"), ROOT / "website" / "node_modules" / "axe-core" / "axe.min.js") if path.is_file()), None)
NODE = shutil.which("node")
QUARTO = shutil.which("quarto")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_quarto = pytest.mark.skipif(QUARTO is None, reason="quarto is not on the PATH: the site is not rendered")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: the pages are not opened")


BASE = "/gmm_nb/"  # where the site lies; the page for lost addresses links from there


# ---- the checks

class Page(HTMLParser):
    "The links and the anchors of an HTML file, its title and description, and its pictures' alternative texts"
    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.anchors, self.alternatives = [], [], {"", "top"}, []
        self.title, self.description, self.within = "", "", None
        self.feed(text)

    def handle_data(self, data):
        if self.within == "title": self.title += data

    def handle_endtag(self, tag): self.within = None

    def handle_starttag(self, tag, attributes):
        values, self.within = dict(attributes), self.within or (tag if tag == "title" else None)
        if tag == "img": self.alternatives.append(values.get("alt"))
        if tag == "meta" and values.get("name") == "description": self.description = values.get("content")
        if values.get("id"): self.ids.append(values["id"])
        self.anchors |= {values[key] for key in ("id", "name") if values.get(key)}
        for key in ("href", "src"):
            if values.get(key) and not (tag == "link" and values.get("rel") in ("canonical", "preconnect")): self.links.append(values[key])


def broken_links(site):
    "Links within the site that lead nowhere, as 'page: target'"
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc: continue
            if parts.path.startswith(BASE): parts = parts._replace(path=os.path.relpath(site / parts.path.removeprefix(BASE), path.parent))
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir(): target = target / "index.html"
            if not target.exists(): broken.append(f"{path.relative_to(site)}: {link}")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors: broken.append(f"{path.relative_to(site)}: {link}")
    return broken


def complaints(log):
    "Lines of Quarto's output that warn or report an error"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    return [line for line in plain.splitlines() if re.search(r"\bWARN|\bERROR|[Uu]nable to resolve", line)]


def unresolved(html):
    "References that Quarto could not resolve: it prints ?@eq-name or ?eq-name in bold"
    return re.findall(r"\?@?(?:eq|fig|tbl|sec)-[\w-]+", html)


def unrendered(dom):
    "Formulas that MathJax left as they were, or could not read"
    return re.findall(r'class="math (?:inline|display)">\s*\\[(\[].{0,60}', dom, re.S) + re.findall(r"<mjx-merror[^>]*>|data-mjx-error=\"[^\"]*\"", dom)


HEADLESS = "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"


def open_page(url, profile, patience=30):
    "The page's document after its scripts have run, and the errors that they threw"
    words = [CHROMIUM, *HEADLESS, f"--user-data-dir={profile}", "--enable-logging=stderr", f"--virtual-time-budget={patience}000", "--dump-dom", url]
    run = subprocess.run(words, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    errors = [line for line in run.stderr.splitlines() if "CONSOLE" in line and re.search(r"Uncaught|Error|Failed to load", line) and "favicon" not in line]
    return run.stdout, errors


# The pages in a frame, one after the other, at each width; what is wider than its frame is written down.
FRAME = """<!doctype html><iframe id="frame" height="800"></iframe><pre id="wide"></pre><p id="end"></p><script>
(async () => {
  for (const [page, width] of JOBS) {
    frame.width = width;
    await new Promise(done => { frame.onload = done; frame.src = page; });
    const view = frame.contentWindow;
    if (view.MathJax && view.MathJax.startup) await view.MathJax.startup.promise;
    const root = view.document.documentElement;
    if (root.scrollWidth > root.clientWidth) wide.textContent += page + " at " + width + ": " + root.scrollWidth + "\\n";
  }
  end.textContent = "all seen";
})();
</script>"""


def too_wide(folder, address, names, widths, profile):
    "Pages that scroll sideways, as 'page at width: its own width'"
    (folder / "frame-of-the-test.html").write_text(FRAME.replace("JOBS", json.dumps([[name, width] for name in names for width in widths])))
    try: dom, _ = open_page(f"{address}/frame-of-the-test.html", profile, patience=900)
    finally: (folder / "frame-of-the-test.html").unlink()
    assert ">all seen<" in dom, dom[-500:]
    return re.search(r'<pre id="wide">(.*?)</pre>', dom, re.S)[1].split("\n")[:-1]


# The pages in a frame as above; where a page has an explorer its buttons are pressed. What moved, and what was loaded.
VISIT = """<!doctype html><iframe id="frame" height="800"></iframe><script>
const wait = time => new Promise(done => setTimeout(done, time));
const drawn = view => Promise.race([new Promise(done => view.requestAnimationFrame(() => view.requestAnimationFrame(done))), wait(5000)]);
(async () => {
  const visits = [];
  for (const [page, width] of JOBS) {
    frame.width = width;
    await new Promise(done => { frame.onload = done; frame.src = page; });
    const view = frame.contentWindow, moved = [];
    new view.PerformanceObserver(list => moved.push(...list.getEntries().map(entry => entry.value))).observe({type: "layout-shift", buffered: true});
    await drawn(view);
    if (view.MathJax && view.MathJax.startup) await view.MathJax.startup.promise;
    await wait(1000);
    const [back, step, run] = view.document.querySelectorAll(".emx-controls button");
    const presses = run ? [step, step, back, step, step, run] : [];
    for (const button of presses) { button.click(); await wait(300); }
    await wait(run ? 3000 : 0);
    await drawn(view);
    await wait(100); // for the observer
    const loads = view.performance.getEntriesByType("resource").map(entry => new URL(entry.name)).filter(url => url.host === location.host).map(url => url.pathname);
    visits.push({page, width, presses: presses.length, moved: moved.reduce((a, b) => a + b, 0), loads: [...new Set(loads)], nodes: view.document.querySelectorAll("*").length});
  }
  await fetch("/", {method: "POST", body: JSON.stringify(visits)});
})();
</script>"""


def visit(folder, address, names, widths, profile):
    "What happens on pages, in real time, for a page is drawn then: dicts with the page, the width, how much moved, and which files were loaded"
    page = folder / "visit-of-the-test.html"
    page.write_text(VISIT.replace("JOBS", json.dumps([[name, width] for name in names for width in widths])))
    browser = subprocess.Popen([CHROMIUM, *HEADLESS, f"--user-data-dir={profile}", "--remote-debugging-port=0", f"{address}/{page.name}"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try: return json.loads(Quiet.posted.get(timeout=900))
    finally: browser.kill(), browser.wait(), page.unlink()


def sent(folder, names):
    "File -> its bytes as a server sends them: text is compressed"
    return {name: len(data if name.endswith((".woff", ".woff2", ".png")) else gzip.compress(data, 6))
            for name in names for data in [(folder / name).read_bytes()]}


def without_web(html):
    "The page with MathJax from the folder mathjax/ of the site, and without Quarto's other scripts from the web"
    html = re.sub(r'src="https://[^"]*/mathjax@3[^"/]*/es5/', 'src="/mathjax/', html)
    html = re.sub(r'<script [^>]*src="https://[^"]*"[^>]*></script>', "", html)
    return re.sub(r"<script[^>]*>define\('jquery'.*?</script>", "", html)


class Quiet(http.server.SimpleHTTPRequestHandler):
    "Serves files, and takes what a page sends"
    posted = queue.SimpleQueue()

    def log_message(self, *arguments): pass

    def do_POST(self):
        self.posted.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204), self.end_headers()


@pytest.fixture
def serve():
    "Serve a folder on this machine only; the address"
    servers = []

    def _serve(folder):
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"
    yield _serve
    for server in servers: server.shutdown(), server.server_close()


# ---- the checks can fail

def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<h2 id="x"></h2><a href="b.html"></a><a href="b.html#y"></a><a href="#x"></a><a href="https://x.org/z"></a>'
                                     '<a href="none.html"></a><a href="b.html#no"></a><a href="#gone"></a><img src="p.png">')
    (tmp_path / "b.html").write_text('<p id="y">')
    assert broken_links(tmp_path) == ["a.html: none.html", "a.html: b.html#no", "a.html: #gone", "a.html: p.png"]


def test_complaints_are_found():
    log = "[ 1/12] index.ipynb\n\x1b[33mWARNING: Unable to resolve crossref @eq-x\x1b[39m\nWARN: Unable to resolve link target: y.ipynb\nERROR: no\nOutput created"
    assert len(complaints(log)) == 3 and complaints("Output created: index.html") == []
    assert unresolved("<strong>?@eq-x</strong> and <strong>?eq-y</strong> what?") == ["?@eq-x", "?eq-y"]


def test_unrendered_mathematics_is_found():
    assert unrendered(r'<span class="math inline">\(x\)</span>') and unrendered('<mjx-merror data-mjx-error="Undefined">')
    assert not unrendered('<span class="math inline"><mjx-container class="MathJax"></mjx-container></span>')


def test_pages_are_read():
    page = Page('<head><title>A &amp; b</title><meta name="description" content="c"></head><svg><title>no</title></svg><img src="p.png"><img alt="q" src="q.png">')
    assert page.title.startswith("A & b") and page.description == "c" and page.alternatives == [None, "q"]
    assert Page('<p id="a"></p><i id="b"></i><link id="a">').ids == ["a", "b", "a"]


def test_pages_can_do_without_the_web():
    page = ('<script src="site.js"></script><script src="https://x.org/npm/mathjax@3/es5/tex-chtml-full.js" type="text/javascript"></script>'
            '<script src="https://x.org/require.min.js" integrity="sha"></script><script type="application/javascript">define(\'jquery\', [],f)</script><p>y</p>')
    assert without_web(page) == '<script src="site.js"></script><script src="/mathjax/tex-chtml-full.js" type="text/javascript"></script><p>y</p>'


@needs_chromium
def test_wide_pages_are_found(tmp_path, serve):
    (tmp_path / "wide.html").write_text("<!doctype html><div style='width: 700px'>x</div>")
    (tmp_path / "good.html").write_text("<!doctype html><div style='overflow-x: auto'><div style='width: 700px'>x</div></div>")
    assert too_wide(tmp_path, serve(tmp_path), ["wide.html", "good.html"], (390, 1000), tmp_path / "profile") == ["wide.html at 390: 708"]


@needs_chromium
def test_what_moves_and_loads_is_found(tmp_path, serve):
    late = """<script>requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => { document.getElementById('p').style.height = '300px' }, 500)))</script>"""
    (tmp_path / "moves.html").write_text("<!doctype html><p id='p'></p><div style='height: 400px'>text</div><img src='a.png'>" + late)
    (tmp_path / "rests.html").write_text("<!doctype html><p id='p' style='height: 300px'></p><div style='height: 400px'>text</div>" + late)
    (tmp_path / "a.png").write_bytes(b"x" * 1000), (tmp_path / "a.css").write_text("x" * 1000)
    moves, rests = visit(tmp_path, serve(tmp_path), ["moves.html", "rests.html"], (800,), tmp_path / "profile")
    assert moves["moved"] > 0.1 and moves["loads"] == ["/a.png"] and rests["moved"] == 0 and rests["loads"] == [] and moves["nodes"] == 7
    assert sent(tmp_path, ["a.png", "a.css"])["a.png"] == 1000 > 100 > sent(tmp_path, ["a.css"])["a.css"]


@needs_chromium
def test_script_errors_are_found(tmp_path, serve):
    (tmp_path / "bad.html").write_text("<p id='p'>no</p><script>document.getElementById('p').textContent = 'yes'; nothing.here()</script>")
    (tmp_path / "good.html").write_text("<p id='p'>no</p><script>document.getElementById('p').textContent = 'yes'</script>")
    address = serve(tmp_path)
    dom, errors = open_page(f"{address}/bad.html", tmp_path / "profile")
    assert ">yes<" in dom and len(errors) == 1 and "nothing is not defined" in errors[0]
    dom, errors = open_page(f"{address}/good.html", tmp_path / "profile")
    assert ">yes<" in dom and errors == []


# ---- the site

@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "The site, rendered from a copy of the checkout: its folder and what Quarto said"
    copy = copy_tree(tmp_path_factory.mktemp("site") / "copy")
    packages = ROOT / "website" / "node_modules"  # MathJax and the font, as on the published site
    if packages.is_dir(): (copy / "website" / "node_modules").symlink_to(packages.resolve())
    subprocess.run([sys.executable, "-c", "from nbdev.quarto import refresh_quarto_yml as f; from nbdev.serve import proc_nbs; f(); proc_nbs(n_workers=0)"],
                   cwd=copy, check=True, timeout=900, stdin=subprocess.DEVNULL, env={**os.environ, "MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1"})
    run = subprocess.run([QUARTO, "render", "--no-execute", "--no-cache"], cwd=copy / "_proc", capture_output=True, text=True, timeout=1800,
                         stdin=subprocess.DEVNULL, env={**os.environ, "QUARTO_PYTHON": sys.executable})
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return copy / "_proc" / "_docs", run.stdout + run.stderr


def pages(folder):
    return [folder / Path(nb.name).parent / (re.sub(r"^\d+[a-zA-Z0-9]*_", "", nb.path.stem) + ".html") for nb in notebooks()]


@needs_quarto
def test_quarto_does_not_complain(site):
    assert complaints(site[1]) == []


@needs_quarto
def test_pages_are_there_and_resolved(site):
    for path in pages(site[0]):
        assert path.is_file(), f"no page {path.relative_to(site[0])}"
        assert unresolved(path.read_text(encoding="utf-8")) == [], path.name


@needs_quarto
def test_no_link_is_broken(site):
    assert broken_links(site[0]) == []


@needs_quarto
def test_no_id_is_used_twice(site):
    for path in site[0].rglob("*.html"):
        ids = Page(path.read_text(encoding="utf-8")).ids
        assert len(ids) == len(set(ids)), f"{path.relative_to(site[0])}: {sorted(name for name in set(ids) if ids.count(name) > 1)}"


@needs_quarto
def test_every_fold_says_what_is_in_it(site):
    for path in site[0].rglob("*.html"):
        for words in re.findall(r"<summary[^>]*>(.*?)</summary>", path.read_text(encoding="utf-8"), re.S):
            assert unescape(words).strip() not in ("", "Code", "Check of the numbers in the text"), path.name


@needs_quarto
def test_search_knows_the_pages(site):
    index = (site[0] / "search.json").read_text(encoding="utf-8")
    for path in pages(site[0]): assert path.relative_to(site[0]).as_posix() in index


@needs_quarto
def test_pages_say_what_they_are(site):
    titles = {}
    for path in pages(site[0]):
        page = Page(path.read_text(encoding="utf-8"))
        assert page.title and page.description, path.name
        assert all(page.alternatives), f"{path.name}: a picture without alternative text"
        assert titles.setdefault(page.title, path) == path, f"{path.name} has the title of {titles[page.title].name}"


@pytest.fixture(scope="module")
def readable(site, tmp_path_factory):
    "The site with a MathJax within reach"
    library = re.search(r'src="(https://[^"]*mathjax[^"]*)"', (site[0] / "gaussian.html").read_text(encoding="utf-8"), re.I)
    if (site[0] / "mathjax").is_dir(): return site[0]  # website/finish.py put it there
    if folder := os.environ.get("MATHJAX"):
        copy = Path(shutil.copytree(site[0], tmp_path_factory.mktemp("readable") / "site"))
        shutil.copytree(folder, copy / "mathjax")
        for path in copy.rglob("*.html"): path.write_text(without_web(path.read_text(encoding="utf-8")), encoding="utf-8")
        return copy
    if library:
        try: urllib.request.urlopen(library[1], timeout=20).close()
        except (urllib.error.URLError, OSError): pytest.skip(f"{library[1]} is out of reach: the pages are not opened")
    return site[0]


@needs_quarto
@needs_chromium
def test_pages_open(readable, serve, tmp_path):
    address = serve(readable)
    for path in pages(readable):
        dom, errors = open_page(f"{address}/{path.relative_to(readable).as_posix()}", tmp_path / "profile")
        assert errors == [], f"{path.name}: {errors}"
        assert unrendered(dom) == [], f"{path.name}: {unrendered(dom)[:3]}"
        if 'class="math' in dom: assert "<mjx-container" in dom, f"{path.name}: no formula is rendered"


@needs_quarto
@needs_chromium
def test_pages_fit_the_screen(readable, serve, tmp_path):
    names = [path.relative_to(readable).as_posix() for path in pages(readable)]
    assert too_wide(readable, serve(readable), names, (360, 800, 1100), tmp_path / "profile") == []


BUDGET = 400_000  # bytes of the home page as they are sent, without the index that the search loads


@needs_quarto
@needs_chromium
def test_home_is_light(readable, serve, tmp_path, record_property):
    "A chapter's weight, most of which is MathJax, is only written down"
    home, chapter = visit(readable, serve(readable), ["index.html", "multivariate.html"], (1200,), tmp_path / "profile")
    for seen in (home, chapter):
        loads = [seen["page"], *(name.lstrip("/") for name in seen["loads"] if not name.endswith("/search.json"))]
        assert {"site.js", "styles.css"} <= {*loads} and any(name.endswith(".woff") for name in loads), "what a page loads is not seen"
        seen["sent"] = sent(readable, loads)
        record_property(seen["page"], sum(seen["sent"].values()))
        print(seen["page"], sum(seen["sent"].values()), "bytes,", seen["nodes"], "elements")
    assert sum(home["sent"].values()) < BUDGET, sorted(home["sent"].items(), key=lambda pair: -pair[1])[:10]


@needs_quarto
@needs_chromium
def test_nothing_moves_where_an_explorer_is(readable, serve, tmp_path):
    "While the page loads, and while its buttons are pressed"
    if "<mjx-container" not in (readable / "multivariate.html").read_text(encoding="utf-8"): pytest.skip("formulas are drawn by the browser, which moves the text")
    seen = visit(readable, serve(readable), ["index.html", "start.html", "univariate.html", "multivariate.html"], (1440, 800, 390), tmp_path / "profile")
    for one in seen:
        assert one["presses"] == 6, f"{one['page']} has no explorer"
        print(one["page"], one["width"], round(one["moved"], 4))
        assert one["moved"] <= 0.01, f"{one['page']} at {one['width']}: {one['moved']:.4f}"


@needs_quarto
def test_equations_have_numbers(site):
    for path in pages(site[0]):
        text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", "", path.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(r"\(eq-[\w-]+\)", text), f"{path.name}: {re.findall(r'.{20}.eq-[-a-z]+.', text)[:3]}"


@needs_quarto
def test_no_raw_links_and_no_dead_absolute_ones(site):
    home = "https://gmm-nb.github.io/gmm_nb/"
    anchors = {path.relative_to(site[0]).as_posix(): Page(path.read_text(encoding="utf-8")).anchors for path in site[0].rglob("*.html")}
    for path in pages(site[0]):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"</a>\]\(|\]\(https?://", re.sub(r"<pre\b.*?</pre>|<script\b.*?</script>", "", text, flags=re.S)), path.name
        for link in Page(text).links:
            if not link.startswith(home): continue
            page, _, anchor = link.removeprefix(home).partition("#")
            assert not page.endswith(".html") or anchor in anchors[page], f"{path.name}: {link}"


@needs_quarto
def test_what_a_published_site_has(site):
    text = (site[0] / "gaussian.html").read_text(encoding="utf-8")
    assert '<link rel="canonical" href="https://gmm-nb.github.io/gmm_nb/gaussian.html"' in text and "social.png" in text and 'class="toc-small"' in text
    assert (site[0] / "404.html").is_file() and (site[0] / "social.png").is_file()
    if NODE and (site[0] / "mathjax").is_dir(): assert "<mjx-container" in text and "tex-chtml-full.js" not in text, "formulas are not drawn"
    listed = (site[0] / "llms.txt").read_text(encoding="utf-8")
    for path in pages(site[0]): assert f"gmm_nb/{path.relative_to(site[0]).as_posix()})" in listed, path.name


FIND = """const Fuse = require(process.argv[1] + "/site_libs/quarto-search/fuse.min.js"), entries = require(process.argv[1] + "/search.json");
const fuse = new Fuse(entries, {keys: [{name: "title", weight: 20}, {name: "section", weight: 20}, {name: "text", weight: 10}], ignoreLocation: true, threshold: 0.1});
console.log(JSON.stringify(process.argv.slice(2).map(word => fuse.search(word, {limit: 20})[0].item.href)));"""


@needs_quarto
@pytest.mark.skipif(NODE is None, reason="node is not on the PATH: the search is not asked")
def test_search_answers(site):
    "Asked as Quarto's own script asks"
    answers = {"GaussianMixture": "api/estimator.html#GaussianMixture", "fit_mixture": "api/acceleration.html#fit_mixture", "anomaly": "howto/anomalies.html",
               **{word: page for words, page in ALIASES.items() for word in words.split(", ")}}
    run = subprocess.run([NODE, "-e", FIND, str(site[0]), *answers], capture_output=True, text=True, check=True)
    assert dict(zip(answers, json.loads(run.stdout))) == answers
    for entry in json.loads((site[0] / "search.json").read_text(encoding="utf-8")):
        assert not re.search(r"\\\[\n|\\\(\\[A-Za-z]|\\begin\{", entry["text"] + entry["section"]), f"{entry['href']}: raw TeX"


# A page with axe-core in it, in the light or the dark look; its findings, and what overlaps or is hidden on a phone
LOOK = """<!doctype html><iframe id="frame" width="1200" height="900"></iframe><pre id="found"></pre><p id="end"></p><script>
(async () => {
  const source = await (await fetch("/axe-of-the-test.js")).text();
  for (const [page, look, width] of JOBS) {
    localStorage.setItem("quarto-color-scheme", look);
    frame.width = width;
    await new Promise(done => { frame.onload = done; frame.src = page; });
    const view = frame.contentWindow;
    if (view.MathJax && view.MathJax.startup) await view.MathJax.startup.promise;
    await new Promise(done => setTimeout(done, 500));
    const say = text => { found.textContent += `${page} ${look} ${width}: ${text}\\n`; };
    for (const formula of view.document.querySelectorAll("mjx-container[display=true]"))
    {
      const block = formula.parentElement.closest("p, li, td, blockquote, div, section"), size = part => parseFloat(view.getComputedStyle(part).fontSize);
      const smallest = size(formula) < 0.62 * size(block); // site.js goes no further: such a formula scrolls
      if (formula.scrollWidth > block.clientWidth + 1 && !smallest) say("a formula hides its number");
    }
    const menu = view.document.querySelector("#quarto-sidebar");
    if (width < 700 && menu) {
      menu.classList.add("show");
      if (menu.getBoundingClientRect().width > width) say("the menu is wider than the screen");
      for (const entry of menu.querySelectorAll(".menu-text")) if (entry.getBoundingClientRect().right > width + 1) say("the menu cuts " + entry.textContent);
      menu.classList.remove("show");
    }
    view.eval(source);
    const result = await view.axe.run(view.document, {rules: {"frame-tested": {enabled: false}}});
    for (const fault of result.violations) say(fault.id + " " + fault.nodes[0].html.slice(0, 150));
  }
  end.textContent = "all seen";
})();
</script>"""


@needs_quarto
@needs_chromium
@pytest.mark.skipif(AXE is None, reason="axe-core is not in website/node_modules, and AXE names no file: accessibility is not checked")
def test_pages_are_accessible_in_both_looks(readable, serve, tmp_path):
    names = ["index.html", "multivariate.html", "howto/anomalies.html", "reference.html", "api/estimator.html",
             # where links and headings are formulas, answers' headings name functions, tables have an empty corner or a fold, lists scroll
             "acceleration.html", "prior.html", "initialization.html", "howto/coming_from_sklearn.html", "explanations/benchmarks.html", "howto/labels.html"]
    jobs = [[f"/{name}", look, width] for name in names for look, width in (("default", 1200), ("alternate", 1200), ("alternate", 390))]
    shutil.copyfile(AXE, readable / "axe-of-the-test.js")
    (readable / "look-of-the-test.html").write_text(LOOK.replace("JOBS", json.dumps(jobs)), encoding="utf-8")
    try: dom, _ = open_page(f"{serve(readable)}/look-of-the-test.html", tmp_path / "profile", patience=900)
    finally: (readable / "look-of-the-test.html").unlink(), (readable / "axe-of-the-test.js").unlink()
    assert ">all seen<" in dom, dom[-500:]
    assert re.search(r'<pre id="found">(.*?)</pre>', dom, re.S)[1] == ""
