"""The EM explorer of the site, nbs/explorer.js: its arithmetic is the textbook's. Where node is on the PATH, runs of the
script are compared with gmm_nb.univariate and gmm_nb.multivariate, step by step; where a Chromium is there too, the page is
opened and played. Faults put into the script show that the comparison can fail."""
import itertools
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from chapters import NBS, notebooks
from numpy.testing import assert_allclose, assert_array_equal
from test_site import needs_chromium, open_page, serve  # noqa: F401 (a fixture)

from gmm_nb import multivariate, univariate
from gmm_nb.tables import load_faithful

SCRIPT, LOOK = NBS / "explorer.js", NBS / "explorer.css"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not on the PATH: the explorer's script is not run")
STRUCTURES = ("full", "tied", "diag", "spherical")

# Runs of the script, each as the list of its states; a run without a start of its own begins with `startAt`.
RUNS = """
const core = require(process.argv[1]);
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const bare = ({ set, truth, ...state }) => state;
console.log(JSON.stringify(cases.map(({ X, means, structure, steps, mixture, variance }) => {
  const states = [core.begin(X, structure, mixture || core.startAt(X, means, variance))];
  for (let i = 0; i < steps; i++) states.push(core.step(states[i]));
  return states.map(bare);
})));
"""


def node(code, *arguments, data=None):
    "What a script prints in node, read as JSON"
    run = subprocess.run([NODE, "-e", code, *map(str, arguments)], input=json.dumps(data), capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


def runs(cases, script=SCRIPT): return node(RUNS, script, data=cases)


# ---- the textbook

def structured(weights, means, covariances, structure):
    "The textbook's M-step with its covariances in a structure: the equations of chapter 12"
    d = means.shape[1]
    if structure == "tied": covariances = np.broadcast_to(np.tensordot(weights, covariances, 1), covariances.shape)
    if structure == "diag": covariances = covariances * np.eye(d)
    if structure == "spherical": covariances = np.trace(covariances, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
    return weights, means, covariances


def textbook(X, theta, structure):
    "One iteration of chapter 5, or of chapter 4 for a single column: responsibilities, new parameters, their log-likelihood"
    if X.shape[1] == 1:
        x, flat = X[:, 0], (theta[0], theta[1][:, 0], theta[2][:, 0, 0])
        resp = univariate.e_step(x, *flat)
        weights, means, variances = univariate.m_step(x, resp)
        if structure == "tied": variances = np.full_like(variances, weights @ variances)
        return resp, (weights, means[:, None], variances[:, None, None]), univariate.log_likelihood(x, weights, means, variances)
    resp = multivariate.e_step(X, *theta)
    new = structured(*multivariate.m_step(X, resp), structure)
    return resp, new, multivariate.log_likelihood(X, *new)


def as_theta(mixture): return tuple(np.array(mixture[key], dtype=float) for key in ("weights", "means", "covariances"))


def compare(case, states, tol=1e-9):
    "Assert that a run of the script is the textbook's, from its start on; the number of iterations compared"
    X, theta = np.array(case["X"], dtype=float), as_theta(states[0]["mixture"])
    trace = [textbook_log_likelihood(X, theta)]
    centres, n_iter = theta[1], 0
    for before, middle, after in zip(states, states[1::2], states[2::2]):
        if middle["end"] or after["end"] == "collapsed": break
        resp, theta, value = textbook(X, theta, case["structure"])
        trace.append(value)
        n_iter += 1
        assert_allclose(middle["resp"], resp, rtol=0, atol=tol)
        for ours, theirs in zip(as_theta(after["mixture"]), theta): assert_allclose(ours, theirs, rtol=tol, atol=tol)
        assert_allclose(after["trace"], trace, rtol=tol)
        if not middle["kmeans"]["settled"]:
            labels = ((X[:, None] - centres)**2).sum(axis=2).argmin(axis=1)
            assert_array_equal(middle["kmeans"]["labels"], labels)
            centres = np.array([X[labels == k].mean(axis=0) if (labels == k).any() else c for k, c in enumerate(centres)])
        assert_allclose(after["kmeans"]["centres"], centres, rtol=tol)
        if after["end"]: break
    return n_iter


def textbook_log_likelihood(X, theta):
    if X.shape[1] == 1: return univariate.log_likelihood(X[:, 0], theta[0], theta[1][:, 0], theta[2][:, 0, 0])
    return multivariate.log_likelihood(X, *theta)


def made(d, K, structure, steps=120, seed=0):
    "K overlapping clouds of other sizes and shapes, and a start far from them"
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.normal(size=(20 + 15 * k, d)) @ rng.normal(size=(d, d)) + 2.5 * rng.normal(size=d) for k in range(K)])
    return {"X": X.tolist(), "means": X[rng.choice(len(X), K, replace=False)].tolist(), "structure": structure, "steps": steps}


CASES = [made(d, K, structure, seed=10 * d + K) for d in (1, 2) for K in (1, 2, 3, 6) for structure in STRUCTURES]


@needs_node
def test_runs_are_the_textbooks():
    "Every structure, one and two columns, up to sixty iterations or the end"
    lengths = [compare(case, states) for case, states in zip(CASES, runs(CASES))]
    assert sum(length >= 60 for length in lengths) >= 8 and min(lengths) >= 1


@needs_node
def test_sets_of_the_page_are_the_textbooks():
    "The data that the page offers, from its own starts: they end well, and the log-likelihood never falls on the way"
    sets = node('const { SETS } = require(process.argv[1]); console.log(JSON.stringify(Object.values(SETS).map(s => ({ ...s, ...s.make() }))))', SCRIPT)
    assert len(sets) >= 8 and {len(one["X"][0]) for one in sets} == {1, 2}
    cases = [{"X": one["X"], "means": one["means"], "variance": one.get("variance"), "structure": structure, "steps": 500}
             for one in sets for structure in STRUCTURES]
    for case, states in zip(cases, runs(cases)):
        assert compare(case, states) > 2 and states[-1]["end"] == "converged"
        assert (np.diff(states[-1]["trace"]) > -1e-9).all()


@needs_node
def test_the_home_page_shows_what_it_says():
    "On the two long clouds EM finds nearly every point's cloud, and k-means cuts across both"
    states, wrong = node("""
        const { SETS, begin, startAt, step, mistakes } = require(process.argv[1]), { X, truth } = SETS.clouds.make();
        let state = begin(X, "full", startAt(X, SETS.clouds.means));
        while (!state.end) state = step(state);
        const labels = X.map((_, i) => Number(state.resp[1][i] > 0.5));
        console.log(JSON.stringify([state, [mistakes(truth, labels, 2), mistakes(truth, state.kmeans.labels, 2)]]));""", SCRIPT)
    assert states["end"] == "converged" and wrong[0] <= 2 and wrong[1] >= 40


@needs_node
def test_old_faithful_is_ours():
    data = node("console.log(JSON.stringify(require(process.argv[1]).faithful()))", SCRIPT)
    X = load_faithful().X
    assert_array_equal(np.array(data)[:, 1], X[:, 1])
    assert_allclose(np.array(data)[:, 0], X[:, 0], rtol=0, atol=0.005 + 1e-9)


@needs_node
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_collapse_is_told_in_words(structure):
    "Two points far from thirty, as in chapter 5: the full covariance is singular, and the textbook refuses where the script stops"
    cloud = np.random.default_rng(0).normal(size=(30, 2))
    X = np.concatenate([[[60.0, 60.0], [61.0, 60.0]], cloud])
    mixture = {"weights": [0.5, 0.5], "means": [[60.0, 60.0], [0.0, 0.0]], "covariances": [np.eye(2).tolist()] * 2}
    case = {"X": X.tolist(), "mixture": mixture, "structure": structure, "steps": 40}
    (states,) = runs([case])
    if structure in ("full", "diag"):
        assert states[-1]["end"] == "collapsed" and "Component 0 has shrunk onto too few points" in states[-1]["words"]
        with pytest.raises(ValueError, match="positive definite"): textbook(X, as_theta(mixture), structure)
        assert states[-1]["mixture"] == states[0]["mixture"], "the last valid mixture is kept"
    else: assert compare(case, states) >= 1 and states[-1]["end"] == "converged"


@needs_node
def test_an_empty_component_is_told_in_words():
    X = np.random.default_rng(0).normal(size=(20, 2))
    mixture = {"weights": [0.5, 0.5], "means": [[400.0, 600.0], [0.0, 0.0]], "covariances": [np.eye(2).tolist()] * 2}
    (states,) = runs([{"X": X.tolist(), "mixture": mixture, "structure": "full", "steps": 3}])
    assert states[-1]["end"] == "collapsed" and "Component 0 is responsible for no point (M_k = 0)" in states[-1]["words"]
    assert states[-1] == states[-2], "a run that has ended stays as it is"
    with pytest.raises(ValueError, match="responsible for no point"): multivariate.m_step(X, multivariate.e_step(X, *as_theta(mixture)))


@needs_node
def test_shrinking_is_told_before_it_fails():
    "A component that is tiny beside the data is named, while it still has an estimate"
    X = [[0, 0], [0.001, 0.0005], [0.0005, 0.001], *np.random.default_rng(1).normal(5, 1, size=(30, 2)).tolist()]
    (states,) = runs([{"X": X, "means": [[0, 0], [5, 5]], "structure": "full", "steps": 6}])
    assert any("Component 0 shrinks onto a few points" in state["words"] for state in states)
    assert not any("shrinks" in state["words"] for state in runs([made(2, 2, "full")])[0])


@needs_node
def test_words_have_the_numbers():
    case = made(2, 2, "full", steps=4)
    states, = runs([case])
    shared = (np.max(states[1]["resp"], axis=0) < 0.9).sum()
    assert states[1]["words"].startswith("E-step 1:") and f" {shared} of {len(case['X'])} points" in states[1]["words"]
    before, now = states[2]["trace"]
    assert states[2]["words"].startswith("M-step 1:") and f"rose by {now - before:.2f}, to {now:.2f}.".replace("-", "−") in states[2]["words"]


@needs_node
def test_edits_begin_a_new_run():
    "A mean that moves keeps weights and covariances; points keep their colours, which are the shares under the new mixture"
    case = made(2, 3, "full", steps=6)
    state, moved, edited = node("""
        const { begin, startAt, step, withMean, edited } = require(process.argv[1]), { X, means } = JSON.parse(require("fs").readFileSync(0, "utf8"));
        let state = begin(X, "full", startAt(X, means));
        for (let i = 0; i < 6; i++) state = step(state);
        console.log(JSON.stringify([state, withMean(state, 1, [0.5, 0.25]), edited(state, X.slice(1), "Away.")]));""", SCRIPT, data=case)
    X, theta = np.array(case["X"]), as_theta(moved["mixture"])
    assert moved["mixture"]["means"][1] == [0.5, 0.25] and moved["mixture"]["means"][0] == state["mixture"]["means"][0]
    assert moved["mixture"]["covariances"] == state["mixture"]["covariances"] and moved["next"] == "E" and moved["end"] is None
    assert_allclose(moved["trace"], [multivariate.log_likelihood(X, *theta)], rtol=1e-12)
    assert_allclose(moved["resp"], multivariate.e_step(X, *theta), rtol=0, atol=1e-12)
    assert len(edited["resp"][0]) == len(X) - 1 and edited["words"].startswith("Away.") and moved["kmeans"]["centres"] == moved["mixture"]["means"]


@needs_node
def test_mistakes_are_counted_under_the_best_names():
    rng = np.random.default_rng(3)
    cases = [(rng.integers(K, size=40).tolist(), rng.integers(K, size=40).tolist(), K) for K in (1, 2, 3, 4)]
    found = node("""const { mistakes } = require(process.argv[1]);
        console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).map(c => mistakes(...c))))""", SCRIPT, data=cases)
    for (truth, labels, K), count in zip(cases, found):
        assert count == min(np.sum(np.array(names)[labels] != truth) for names in itertools.permutations(range(K)))


# ---- the comparison can fail

FAULTS = {
    "covariances about the old zero": ("r[i] * (x[a] - means[k][a]) * (x[b] - means[k][b])", "r[i] * x[a] * x[b]"),
    "weights are the counts of all": ("counts.map(count => count / X.length)", "counts.map(() => 1 / counts.length)"),
    "densities without the determinant": (" - sum(L.map((row, j) => Math.log(row[j])))", ""),
    "densities forget the weight": ("Math.log(weights[k]) - 0.5 * d", "-0.5 * d"),
    "the tied covariance is not weighted": ("weights[k] * one[a][b]", "one[a][b] / S.length"),
    "spherical takes the trace": (" / one.length;", ";"),
    "diag keeps the first row": ("(a === b ? value : 0)", "(a === b || a === 0 ? value : 0)"),
    "log-sum-exp loses its maximum": ("top + Math.log(sum", "Math.log(sum"),
    "the factor loses an entry": ("rest / L[j][j]", "0"),
    "k-means takes the last of the centres": ("distances.indexOf(Math.min(...distances))", "distances.indexOf(Math.max(...distances))"),
    "k-means stands still": ("sum(own.map(x => x[a])) / own.length", "centre[a]"),
}


@needs_node
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name, tmp_path):
    old, new = FAULTS[name]
    text = SCRIPT.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"found {text.count(old)} times: {old}"
    (tmp_path / "explorer.js").write_text(text.replace(old, new), encoding="utf-8")
    cases = [case for case in CASES if len(case["means"]) == 3]
    try: states = runs(cases, tmp_path / "explorer.js")
    except AssertionError: return   # the script itself gave up
    with pytest.raises((AssertionError, ValueError)):
        for case, run in zip(cases, states): assert compare(case, run) > 1


# ---- the page

HOSTS = {nb.name: re.findall(r'<div class="em-explorer[^"]*"([^>]*)>(.*?)</div>', nb.prose, re.S) for nb in notebooks()}
HOSTS = {name: found for name, found in HOSTS.items() if found}


def test_the_script_is_small_and_alone():
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.encode()) <= 40_000
    assert not re.search(r"https?://(?!www\.w3\.org/)|\bimport\b|\bfetch\(|\beval\(|innerHTML", text), "no library, nothing from elsewhere"


def test_pages_hold_it():
    "On the home page and in three chapters, with data that the script knows, and a sentence where no script runs"
    assert {"index.ipynb", "00_start.ipynb", "04_univariate.ipynb", "05_multivariate.ipynb"} <= HOSTS.keys()
    known = set(re.findall(r"^  (\w+): \{ name:", SCRIPT.read_text(encoding="utf-8"), re.M))
    for name, hosts in HOSTS.items():
        for attributes, inside in hosts:
            assert re.search(r'data-set="(\w+)"', attributes)[1] in known, name
            assert set(re.findall(r'data-structure="(\w+)"', attributes)) <= set(STRUCTURES), name
            assert len(re.sub(r"<[^>]*>", "", inside).strip()) > 40, f"{name}: nothing to read without the script"


def test_the_site_loads_it_where_it_is_used():
    "A page without an explorer does not load the script; a page in a subfolder finds it by the site's own offset"
    quarto = (NBS.parent / "_quarto.yml").read_text(encoding="utf-8")
    assert "explorer.css" in quarto and "resources: [explorer.js" in quarto
    loader = re.search(r"<script>(.*?)</script>", quarto, re.S)[1]
    assert 'querySelector(".em-explorer")' in loader and "quarto:offset" in loader and "explorer.js" in loader


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="quarto:offset" content="./"><title>t</title><style>LOOK</style>LOADER</head>
<body style="width: 900px"><div class="em-explorer" id="a" data-set="clouds"><p>words</p></div>
<div class="em-explorer" id="b" data-set="waiting" data-structure="tied" data-k="1"><p>words</p></div><p id="below">below</p><pre id="seen"></pre><script>
const before = below.offsetTop;
addEventListener("load", () => setTimeout(async () => {
  const press = (home, name) => [...home.querySelectorAll("button")].find(b => b.textContent.includes(name)).click();
  const said = home => home.querySelector("[role=status]").textContent, pause = () => new Promise(done => setTimeout(done, 500));
  const result = { start: said(a), moved: 0 };
  press(a, "E-step"); result.e = said(a);
  press(a, "M-step"); result.m = said(a);
  await pause();
  result.colors = new Set([...a.querySelectorAll(".emx-stage .emx-points circle")].map(c => c.style.fill)).size;
  const mean = a.querySelector(".emx-stage .emx-means g");
  mean.focus();
  mean.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  result.key = said(a);
  press(a, "Back"); result.back = said(a) === result.m;
  press(a, "Add a point"); result.added = said(a);
  const point = document.activeElement;
  result.focus = point.getAttribute("aria-label");
  point.dispatchEvent(new KeyboardEvent("keydown", { key: "Delete", bubbles: true }));
  result.removed = said(a);
  result.line = [b.querySelectorAll(".emx-stage .emx-means g").length, b.querySelector("input:checked").value, b.querySelector("select").value];
  press(b, "Run"); await new Promise(done => setTimeout(done, 60000));
  result.run = said(b);
  result.moved = below.offsetTop - before;
  result.names = [...document.querySelectorAll("button, select, input, [tabindex]")].filter(e => !(e.getAttribute("aria-label") || e.textContent || e.closest("label")?.textContent)).length;
  seen.textContent = JSON.stringify(result);
}, 300));
</script></body></html>"""


@needs_chromium
def test_it_plays_in_a_page(tmp_path):
    quarto = (NBS.parent / "_quarto.yml").read_text(encoding="utf-8")
    shutil.copy(SCRIPT, tmp_path)
    page = PAGE.replace("LOOK", LOOK.read_text(encoding="utf-8")).replace("LOADER", re.search(r"<script>.*?</script>", quarto, re.S)[0])
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    dom, errors = open_page((tmp_path / "page.html").as_uri(), tmp_path / "profile", patience=120)
    assert errors == []
    seen = json.loads(re.search(r'<pre id="seen">(.*?)</pre>', dom, re.S)[1].replace("&amp;", "&"))
    assert seen["start"].startswith("Every component is a guess") and seen["moved"] == 0 and seen["names"] == 0
    assert seen["e"].startswith("E-step 1:") and seen["m"].startswith("M-step 1:") and seen["colors"] > 20
    assert seen["key"].startswith("Mean 0 is at") and seen["back"]
    assert "there are 141" in seen["added"] and seen["focus"].startswith("Point 140 of 141") and "140 are left" in seen["removed"]
    assert seen["line"] == [1, "tied", "waiting"] and "The log-likelihood rests at" in seen["run"]


# The page in frames of the width of a phone, a tablet and a window; what does not fit its row is written down.
NARROW = """<!doctype html><title>t</title><pre id="seen"></pre><script>
(async () => {
  const found = [];
  for (const width of [360, 800, 1200]) {
    const frame = Object.assign(document.createElement("iframe"), { width, height: 1200, src: "inner.html" });
    await new Promise(done => { frame.onload = done; document.body.append(frame); });
    await new Promise(done => setTimeout(done, 300));
    const page = frame.contentDocument, root = page.documentElement, sets = page.querySelector("select");
    if (root.scrollWidth > root.clientWidth) found.push(`the page at ${width}`);
    for (const { value } of [...sets.options]) {
      sets.value = value;
      sets.dispatchEvent(new Event("change"));
      page.querySelector(".emx-main").click();
      for (const part of page.querySelectorAll(".emx > *"))
        if (part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1) found.push(`${part.className} at ${width}, ${value}`);
      const bottom = page.querySelector(".emx-help").getBoundingClientRect().bottom;
      if (bottom > page.querySelector(".em-explorer").getBoundingClientRect().bottom + 1) found.push(`the whole at ${width}`);
    }
  }
  seen.textContent = JSON.stringify(found);
})();
</script>"""


@needs_chromium
def test_it_fits_its_place(tmp_path, serve):
    inner = ("<!doctype html><meta charset='utf-8'><meta name='viewport' content='width=device-width'><link rel='stylesheet' href='explorer.css'>"
             "<body style='margin: 12px'><div class='em-explorer'><p>words</p></div><script src='explorer.js'></script>")
    for path in (SCRIPT, LOOK): shutil.copy(path, tmp_path)
    (tmp_path / "inner.html").write_text(inner, encoding="utf-8")
    (tmp_path / "page.html").write_text(NARROW, encoding="utf-8")
    dom, errors = open_page(f"{serve(tmp_path)}/page.html", tmp_path / "profile", patience=60)
    assert errors == [] and json.loads(re.search(r'<pre id="seen">(.*?)</pre>', dom, re.S)[1]) == []
