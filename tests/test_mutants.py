"The list of faults in mutants.py keeps up with the code; the faults themselves are put in by `python -m tests.mutants`."
import ast
from pathlib import Path

import mutants
import pytest


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_can_be_put_in(mutant):
    "Its text is found exactly once, and the modules with the fault are Python, and other ones"
    texts = mutants.sources()
    fault = mutants.changed(mutant, texts)
    assert fault and all(ast.dump(ast.parse(text)) != ast.dump(ast.parse(texts[module])) for module, text in fault.items())
    for name in mutant.tests.split(): assert (Path(__file__).parent / f"test_{name}.py").is_file()


def test_names_are_not_used_twice():
    names = [mutant.name for mutant in mutants.MUTANTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("texts, times", [({"m.py": "x = 1"}, 0), ({"m.py": "a = 2\na = 2"}, 2), ({"m.py": "a = 2", "n.py": "a = 2"}, 2)])
def test_a_stale_text_is_an_error(texts, times):
    with pytest.raises(ValueError, match=f"found {times} times in .*, expected once"):
        mutants.changed(mutants.Mutant("stale", {"a = 2": "a = 3"}, ""), texts)


def test_a_fault_may_lie_in_several_modules():
    fault = mutants.Mutant("two", {"a = 2": "a = 3", "b": "c"}, "")
    assert mutants.changed(fault, {"m.py": "a = 2", "n.py": "b", "o.py": ""}) == {"m.py": "a = 3", "n.py": "c"}


@pytest.mark.parametrize("good, status, line", [(True, 0, "killed"), (False, 1, "SURVIVED")])
def test_survivors_are_told(monkeypatch, capsys, good, status, line):
    "With tests that are made up: they pass without a fault, and notice it or not"
    def noticed(folder, names): return int(good and any("ROUNDING = 1e-7" in path.read_text() for path in (folder / "gmm_nb").glob("*.py")))
    monkeypatch.setattr(mutants, "fails", noticed)
    assert mutants.main(["ROUNDING"]) == status
    out = capsys.readouterr().out
    assert out.startswith(line) and out.count("SURVIVED") == 2 * status


def test_nothing_is_said_of_faults_if_the_tests_fail_anyway(monkeypatch):
    monkeypatch.setattr(mutants, "fails", lambda folder, names: 1)
    with pytest.raises(SystemExit, match="mend that first"): mutants.main(["ROUNDING"])
