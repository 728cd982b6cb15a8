"The list of faults in mutants.py keeps up with the code; the faults themselves are put in by `python -m tests.mutants`."
import ast
from pathlib import Path

import mutants
import pytest


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_can_be_put_in(mutant):
    "Its text is found exactly once, and the module with the fault is Python, and another one"
    text = mutants.original(mutant)
    assert ast.dump(ast.parse(mutants.changed(text, mutant))) != ast.dump(ast.parse(text))
    for name in mutant.tests.split(): assert (Path(__file__).parent / f"test_{name}.py").is_file()


def test_names_are_not_used_twice():
    names = [mutant.name for mutant in mutants.MUTANTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("text, times", [("x = 1", 0), ("a = 2\na = 2", 2)])
def test_a_stale_text_is_an_error(text, times):
    with pytest.raises(ValueError, match=f"found {times} times in gmm_nb/m.py, expected once"):
        mutants.changed(text, mutants.Mutant("stale", "m", {"a = 2": "a = 3"}, ""))


@pytest.mark.parametrize("good, status, line", [(True, 0, "killed"), (False, 1, "SURVIVED")])
def test_survivors_are_told(monkeypatch, capsys, good, status, line):
    "With tests that are made up: they pass without a fault, and notice it or not"
    def noticed(folder, names): return int(good and "ROUNDING = 1e-7" in (folder / "gmm_nb" / "e_step.py").read_text())
    monkeypatch.setattr(mutants, "fails", noticed)
    assert mutants.main(["ROUNDING"]) == status
    out = capsys.readouterr().out
    assert out.startswith(line) and out.count("SURVIVED") == 2 * status


def test_nothing_is_said_of_faults_if_the_tests_fail_anyway(monkeypatch):
    monkeypatch.setattr(mutants, "fails", lambda folder, names: 1)
    with pytest.raises(SystemExit, match="mend that first"): mutants.main(["ROUNDING"])
