"""The rendered site, where `quarto` is on the PATH: no warning, no broken link, no unresolved reference; and where a
Chromium is there too, no script error and no unrendered formula. The checks themselves are tested everywhere."""
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from chapters import copy_tree, notebooks

QUARTO = shutil.which("quarto")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
needs_quarto = pytest.mark.skipif(QUARTO is None, reason="quarto is not on the PATH: the site is not rendered")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: the pages are not opened")


# ---- the checks

class Page(HTMLParser):
    "The links and the anchors of an HTML file"
    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
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


def open_page(url, profile):
    "The page's document after its scripts have run, and the errors that they threw"
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--no-first-run",
             "--enable-logging=stderr", "--virtual-time-budget=30000", "--dump-dom", url]
    run = subprocess.run(words, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL)
    errors = [line for line in run.stderr.splitlines() if "CONSOLE" in line and re.search(r"Uncaught|Error|Failed to load", line) and "favicon" not in line]
    return run.stdout, errors


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments): pass


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
    subprocess.run([sys.executable, "-c", "from nbdev.quarto import refresh_quarto_yml as f; from nbdev.serve import proc_nbs; f(); proc_nbs(n_workers=0)"],
                   cwd=copy, check=True, timeout=900, stdin=subprocess.DEVNULL, env={**os.environ, "MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1"})
    run = subprocess.run([QUARTO, "render", "--no-execute", "--no-cache"], cwd=copy / "_proc", capture_output=True, text=True, timeout=1800,
                         stdin=subprocess.DEVNULL)
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
def test_search_knows_the_pages(site):
    index = (site[0] / "search.json").read_text(encoding="utf-8")
    for path in pages(site[0]): assert path.relative_to(site[0]).as_posix() in index


@needs_quarto
@needs_chromium
def test_pages_open(site, serve, tmp_path):
    library = re.search(r'src="(https://[^"]*mathjax[^"]*)"', (site[0] / "gaussian.html").read_text(encoding="utf-8"), re.I)
    if library:
        try: urllib.request.urlopen(library[1], timeout=20).close()
        except (urllib.error.URLError, OSError): pytest.skip(f"{library[1]} is out of reach: the pages are not opened")
    address = serve(site[0])
    for path in pages(site[0]):
        dom, errors = open_page(f"{address}/{path.relative_to(site[0]).as_posix()}", tmp_path / "profile")
        assert errors == [], f"{path.name}: {errors}"
        assert unrendered(dom) == [], f"{path.name}: {unrendered(dom)[:3]}"
        if 'class="math' in dom: assert "<mjx-container" in dom, f"{path.name}: no formula is rendered"
