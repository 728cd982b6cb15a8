"The reference is what the modules say, it is complete, and its examples run."
import builtins
import doctest
import importlib
import inspect
import re

import api
import pytest
from chapters import Notebook
from examples import EXAMPLES, WHEN

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
            assert "**When to use it:** " in text, f"{name} does not say when to use it"
        else: assert name in code


@pytest.mark.parametrize("module", MODULES)
def test_example(module):
    "The page's example prints what the page says"
    assert module in EXAMPLES, f"{module} has no example: write one in tests/examples.py"
    test = doctest.DocTestParser().get_doctest(EXAMPLES[module], {}, module, None, 0)
    found = []
    doctest.DocTestRunner().run(test, out=found.append)
    vars(builtins).pop("_", None)  # the last value, which doctest leaves there
    assert test.examples and not found, "".join(found)
    for piece in test.examples: assert piece.source.rstrip() in "\n".join(PAGES[module].markdown)


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
