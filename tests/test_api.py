"reference.ipynb is what the modules say, and it is complete."
import importlib
import inspect
import re

import api
import pytest
from chapters import Notebook

PAGE = Notebook(api.PAGE)
MODULES = [chapter.module for chapter in api.CHAPTERS]
ENTRIES = {name: text for text in PAGE.markdown if text.startswith("### ")
           for name in text.splitlines()[0].removeprefix("### ").split(", ")}


def test_reference_equals_modules():
    assert api.PAGE.read_text(encoding="utf-8") == api.notebook(), "nbs/reference.ipynb differs from the modules: run `python tests/api.py`"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_there(module):
    "Asked of the imported module, and not of its text as the page is made"
    loaded = importlib.import_module(f"gmm_nb.{module}")
    assert {f"{module}.{name}" for name in loaded.__all__} == {name for name in ENTRIES if name.split(".")[0] == module}
    for name in loaded.__all__:
        thing, text = getattr(loaded, name), ENTRIES[f"{module}.{name}"]
        code = re.search(r"^```python\n(.*?)^```$", text, re.M | re.S)[1]
        if inspect.isfunction(thing):
            assert re.search(rf"def {name}\(", code)
            for parameter in inspect.signature(thing).parameters: assert re.search(rf"\b{parameter}\b", code), f"{name} lacks {parameter}"
            assert inspect.getdoc(thing) and len(text.split("```")[0].split("\n\n")) >= 2, f"{name} has no docstring on the page"
        elif inspect.isclass(thing):
            own = [key for key, value in vars(thing).items() if not key.startswith("_") and inspect.isfunction(value)]
            for method in own: assert re.search(rf"def {method}\(|\b{method} = ", code), f"{name} lacks {method}"
        else: assert name in code


def test_names_to_start_with():
    for names in api.START.values():
        for name in names: assert f"[{name}](#{name.lower()})" in PAGE.prose and name in ENTRIES


def test_every_entry_leads_to_its_chapter():
    for name, text in ENTRIES.items():
        links = re.findall(r"\]\((\d\d_\w+\.ipynb)#[^)]+\)", text.split("```")[-1])
        assert links and Notebook(api.NBS / links[0]).module == name.split(".")[0], name


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
