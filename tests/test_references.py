"Every work that a page cites has its entry in references.ipynb, and every entry says where it is used."
import json
import re

import pytest
from api import CITATION
from chapters import NBS

PAGES = sorted(path for path in NBS.rglob("*.ipynb") if path.name != "references.ipynb" and ".ipynb_checkpoints" not in path.parts)
NO_NAMES = {"Matrix", "Copyright", "Python", "Version", "January", "February", "March", "April", "May", "June", "July", "August", "September",
            "October", "November", "December"}


def cells(path):
    return [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def citations(text):
    "Pairs of surnames and year: 'Xu & Jordan (1996)', '(Wu 1983)', \"Hathaway's (1985)\", 'Dempster, Laird & Rubin 1977'"
    for match in CITATION.finditer(text):
        names = tuple(re.split(r", (?:and )?| & | and ", match[1]))
        if not NO_NAMES & set(names): yield names, match[2]


ENTRIES = [line for kind, text in cells(NBS / "references.ipynb") if kind == "markdown" for line in text.splitlines() if line.startswith("- ")]


def known(names, year):
    return any(f"({year})" in entry and all(name in entry.split(f"({year})")[0] for name in names) for entry in ENTRIES)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_citations_have_entries(path):
    missing = {found for _, text in cells(path) for found in citations(text) if not known(*found)}
    assert not missing, f"{path.name} cites {sorted(missing)}, which references.ipynb does not list"


def test_citations_are_found():
    text = ("EM (Dempster, Laird & Rubin 1977; Xu & Jordan 1996), Okabe and Ito (2008), Hathaway's (1985) idea, Aitken's estimate (1926), "
            "von Neumann (1937), [Schwarz 1978](x), version of November 15, 2012, in 1990 rows; Celeux & Govaert (1995)")
    assert [(names[-1], year) for names, year in citations(text)] == [
        ("Rubin", "1977"), ("Jordan", "1996"), ("Ito", "2008"), ("Hathaway", "1985"), ("Aitken", "1926"), ("von Neumann", "1937"),
        ("Schwarz", "1978"), ("Govaert", "1995")]
    assert known(("Xu", "Jordan"), "1996") and not known(("Xu", "Jordan"), "1997") and not known(("Xu", "Nobody"), "1996")


def test_something_is_cited():
    found = {pair for path in PAGES for _, text in cells(path) for pair in citations(text)}
    assert len(found) >= 20


def test_entries():
    "In alphabetical order within their section; with a year, but for the photograph; with a link to a page or a word on the use"
    for kind, text in cells(NBS / "references.ipynb"):
        names = [re.match(r"- ([^,]+),", line)[1].lower() for line in text.splitlines() if line.startswith("- ")]
        assert names == sorted(names)
    assert len(ENTRIES) == len(set(ENTRIES)) >= 22
    for entry in ENTRIES:
        assert re.search(r"\((?:18|19|20)\d\d\)", entry) or "photograph" in entry, entry
        assert ".ipynb" in entry or "tests" in entry, f"where is it used? {entry}"
        for doi, target in re.findall(r"\[doi:(.+?)\]\(https://doi\.org/([^)\s]+)\)", entry):
            assert doi == target.replace("%28", "(").replace("%29", ")")
