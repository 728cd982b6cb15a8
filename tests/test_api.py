"The reference is what the modules say, it is complete, and its examples run."
import builtins
import doctest
import importlib
import inspect
import re
import sys

import api
import pytest
from chapters import Notebook
from examples import FOLDER, WHEN, Example, examples_of

PAGE = Notebook(api.PAGE)
MODULES = [chapter.module for chapter in api.CHAPTERS]
PAGES = {module: Notebook(api.FOLDER / f"{module}.ipynb") for module in MODULES}
ENTRIES = {f"{module}.{name}": text for module, page in PAGES.items() for text in page.markdown if text.startswith("## ")
           for name in re.sub(r" \{#.*", "", text.splitlines()[0].removeprefix("## ")).split(", ")}


def test_reference_equals_modules():
    for path, cells in api.pages().items():
        assert path.read_text(encoding="utf-8") == api.notebook(cells), f"{path.name} differs from the modules: run `python tests/api.py`"
    assert {path.stem for path in api.FOLDER.glob("*.ipynb")} == {*MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_there(module):
    "Asked of the imported module, and not of its text as the page is made"
    loaded = importlib.import_module(f"gmm_nb.{module}")
    assert {f"{module}.{name}" for name in loaded.__all__} == {name for name in ENTRIES if name.split(".")[0] == module}
    for name in loaded.__all__:
        thing, text = getattr(loaded, name), ENTRIES[f"{module}.{name}"]
        code = re.search(r"^```python\n(.*?)^```$", text, re.M | re.S)[1]
        if inspect.isfunction(thing) and thing.__name__ != name: assert code.startswith(f"{name} = {thing.__name__}")  # another name of it
        elif inspect.isfunction(thing):
            assert re.search(rf"def {name}\(", code)
            for parameter in inspect.signature(thing).parameters: assert re.search(rf"\b{parameter}\b", code), f"{name} lacks {parameter}"
            assert inspect.getdoc(thing) and len(text.split("```")[0].split("\n\n")) >= 2, f"{name} has no docstring on the page"
        elif inspect.isclass(thing):
            own = [key for key, value in vars(thing).items() if not key.startswith("_") and inspect.isfunction(value)]
            for method in own: assert re.search(rf"def {method}\(|\b{method} = ", code), f"{name} lacks {method}"
            assert "**When to use it:** " in text, f"{name} does not say when to use it: add \"{module}.{name}\" to WHEN in tests/examples/__init__.py"
        else: assert name in code


def wanted(module):
    "The public names that need an example: functions and classes that the module defines"
    return [name for names, node in api.public(module)[0] if isinstance(node, (api.ast.FunctionDef, api.ast.ClassDef)) for name in names]


def lacks(module):
    "What is wrong with the examples of a module, as lines that say what to do"
    found, known = [], wanted(module)
    begin, *examples = examples_of(module) or [None]
    if begin is None: return [f"it has none: write the file; its first lines are what all examples begin with, as `>>> from gmm_nb.{module} import *`"]
    for name in known:
        mine = [one for one in examples if name in one.names]
        if len(mine) != 1: found.append(f"{name} has {len(mine)} examples: it needs one, under a line `# {name}`, or with others under `# {name}, …`")
        is_class = inspect.isclass(getattr(importlib.import_module(f"gmm_nb.{module}"), name))
        for one in mine:
            if name not in one.used()[is_class]: found.append(f"{name} is not called in the example under `# {', '.join(one.names)}`: call it there by this name")
    for one in examples:
        if other := [name for name in one.names if name not in known]: found.append(f"`# {', '.join(one.names)}` names {', '.join(other)}, no public function or class of this module")
        if not 1 <= len(one.pieces) <= 8 or one.text.count("\n") > 22: found.append(f"the example under `# {', '.join(one.names)}` is too long, or has no statement")
    for line in "\n".join(one.text for one in [begin, *examples]).splitlines():
        if len(line) > 100: found.append(f"a line is longer than 96 characters without its prompt: {line}")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_an_example(module):
    assert not (found := lacks(module)), f"tests/examples/{module}.txt:\n  " + "\n  ".join(found) + "\nThen run `python tests/api.py`."


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    "A new module, a new name and an example that does not show it: each is told with what to do"
    monkeypatch.setattr(sys.modules["examples"], "FOLDER", tmp_path)
    assert "workers import *" in lacks("workers")[0]
    (tmp_path / "workers.txt").write_text(">>> from gmm_nb.workers import *\n\n# n_workers, of_old\n>>> n_workers\n")
    told = "\n".join(lacks("workers"))
    assert "parallel has 0 examples" in told and "n_workers is not called" in told and "names of_old" in told
    (tmp_path / "workers.txt").write_text(">>> from gmm_nb.workers import *\n\n# n_workers, parallel\n>>> with parallel(n_workers(1)): pass\n")
    assert lacks("workers") == []


def outcome(examples, module):
    "What of the examples does not print what it says"
    found, runner, begin = [], doctest.DocTestRunner(verbose=False), {}
    for one in [examples[0], *examples[:0:-1]]:  # from the last to the first: none may need what another has left behind
        test = doctest.DocTest(one.pieces, dict(begin), f"{module}: {', '.join(one.names)}", str(FOLDER / f"{module}.txt"), None, None)
        runner.run(test, out=found.append, clear_globs=False)
        begin = begin or test.globs
    vars(builtins).pop("_", None)  # the last value, which doctest leaves there
    return "".join(found)


OPTIONAL = {"sources": ("pyarrow", "polars", "dask", "distributed")}


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    "They print what the page says, each by itself after the beginning of the page"
    for library in OPTIONAL.get(module, ()): pytest.importorskip(library, reason=f"{library} is not installed")
    assert not (found := outcome(examples_of(module), module)), found
    if "matplotlib.pyplot" in sys.modules: sys.modules["matplotlib.pyplot"].close("all")


def test_a_wrong_example_is_found():
    begin = Example((), ">>> a = 1\n")
    assert outcome([begin, Example(("f",), ">>> a\n1\n"), Example(("g",), ">>> a + 1\n2\n")], "x") == ""
    assert "Expected:" in outcome([begin, Example(("f",), ">>> a\n2\n")], "x")
    assert "NameError" in outcome([begin, Example(("f",), ">>> b\n1\n"), Example(("g",), ">>> b = 1\n")], "x")  # each begins anew
    alone = [Example(("f",), ">>> next(count)\n0\n"), Example(("g",), ">>> next(count)\n1\n")]
    assert "Expected:" in outcome([Example((), ">>> count = iter(range(9))\n"), *alone], "x")  # no order among them


def test_examples_are_on_the_page():
    for module in MODULES:
        begin, *examples = examples_of(module)
        assert api.example(begin) in "\n".join(PAGES[module].markdown)
        for one in examples:
            for name in one.names: assert api.example(one) in ENTRIES[f"{module}.{name}"]
    begin = Example((), ">>> a, b = 1, 2\n>>> def c(): return 3\n")
    assert api.announced(Example(("f", "g", "h"), ">>> f(g(b)), h(c)\n"), "g", begin) == \
        "An example, also of [f](#f) and [h](#h), with `b` and `c` from the [first lines](#first-lines):"
    assert api.announced(Example(("f",), ">>> a = 2\n>>> f(a)\n"), "f", begin) == "An example:"
    one = Example(("f",), ">>> a = 1\n>>> a\n1\n>>> for i in [2]:\n...     i\n2\n")
    assert one.blocks() == [("python", "a = 1\na"), ("", "1"), ("python", "for i in [2]:\n    i"), ("", "2")]


def test_advice_is_about_classes():
    for name in WHEN: assert inspect.isclass(getattr(importlib.import_module(f"gmm_nb.{name.split('.')[0]}"), name.split(".")[1])), name
    for name in ("estimator.GaussianMixture", "mixture.Mixture", "em.Step"): assert "**When to use it:** " in ENTRIES[name]


def test_names_to_start_with():
    for names in api.START.values():
        for name in names: assert f"[{name}]({api.address(name)})" in PAGE.prose and name in ENTRIES


def test_every_entry_leads_to_its_chapter():
    for name, text in ENTRIES.items():
        links = re.findall(r"\]\(\.\./(\d\d_\w+\.ipynb)#[^)]+\)", text.split("\n\nDerived in: ")[-1])
        assert links and Notebook(api.NBS / links[0]).module == name.split(".")[0], name


def test_arguments_of_a_function():
    text = ('def f(\n    a,  # (n,) rows\n    b=1,\n    *,\n    c: str = "#",  # a sign\n) -> int:  # one\n    "Does it."\n    return 1\n\n'
            'def g(a, b): return 2  # no argument\'s\n\n@cache  # of the decorator\ndef h(a) -> int:\n    return 3\n')
    f, g, h = api.ast.parse(text).body
    assert api.arguments(f, text.splitlines()) == [("a", "", "(n,) rows"), ("b", "1", ""), ("c", "'#'", "a sign"), ("returns", "", "one")]
    assert api.arguments(g, text.splitlines()) == [] == api.arguments(h, text.splitlines())
    assert api.signature(f) == ["def f(a, b=1, *, c: str='#') -> int"]
    long = api.ast.parse(f"def f({', '.join('argument' + c for c in 'abcdefgh')}, x: int=1, *more, y=2, **rest): pass").body[0]
    assert api.signature(long)[-5:] == ["    x: int=1,", "    *more,", "    y=2,", "    **rest,", ")"]
    assert compile("\n".join(api.signature(long)) + ": pass", "", "exec")


def test_code_of_a_statement():
    text = ('@cache\ndef f(\n    a,  # (n,) rows\n    b=1,\n) -> int:  # one\n    "Does it."\n    return 1\n\n'
            'class C(B):\n    "Is it."\n    x: int  # a number\n    def _no(self): pass\n    def yes(self, k):  # k: which\n        "Tells, Eq. (eq-q)."\n'
            '        return 2\n\nA, B = 1, 2  # both\n')
    f, c, ab = api.ast.parse(text).body
    assert api.stub(f, text.splitlines()) == ["@cache", "def f(", "    a,  # (n,) rows", "    b=1,", ") -> int:  # one"]
    assert api.stub(c, text.splitlines()) == ["class C(B):", "    x: int  # a number", "",
                                              "    def yes(self, k):  # k: which", '        "Tells, Eq. (eq-q)."']
    assert api.stub(ab, text.splitlines()) == ["A, B = 1, 2  # both"] and api.names_of(ab) == ["A", "B"]


def test_links_in_docstrings():
    assert api.linked("as Eq. (eq-mixture) and (eq-none). Wu (1983)") == \
        "as [Eq. (eq-mixture)](03_mixture.ipynb#eq-mixture) and (eq-none). [Wu (1983)](references.ipynb)"
