"""scikit-learn's own tests of `GaussianMixture`, run on this class.

Its tests come with the installed scikit-learn. Here they are loaded once more with our class in place of theirs, so that a test that
a new version adds is run as well. The wording of errors and warnings is our own: `match` is not looked at. What tests private functions
only is left out, and what else is not run stands in `NOT_RUN` with its reason. Below, the same contract in our words."""
import ast
import contextlib
import inspect
import itertools
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.mixture
from gmm_nb import GaussianMixture
from gmm_nb.mixture import STRUCTURES
from sklearn.exceptions import ConvergenceWarning, NotFittedError

NOT_RUN = {
    "test_gaussian_mixture_precisions_init": "calls the private _set_parameters and _initialize",
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": "counts calls of a private function",
    "test_gaussian_mixture_array_api_compliance": "wants arrays of other libraries back; ours are always NumPy's",
    "test_gaussian_mixture_raises_where_array_api_not_implemented": "wants a start refused for arrays of other libraries",
}


class AnyWords:
    "pytest, but blind to the words of an error or a warning"
    def __getattr__(self, name): return getattr(pytest, name)

    def raises(self, *errors, match=None): return pytest.raises(*errors)

    def warns(self, *kinds, match=None): return pytest.warns(*kinds)


def their_tests(name):
    "The module of scikit-learn's tests with our class in it: its functions by name, those that never make a GaussianMixture left out"
    try:
        folder = Path(inspect.getfile(sklearn.mixture)).parent / "tests"
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
    except OSError:  # some distributions leave tests out
        return {}
    module = types.ModuleType(f"theirs.{name}")
    module.__file__ = str(folder / f"{name}.py")
    exec(compile(source, module.__file__, "exec"), vars(module))
    vars(module).update(GaussianMixture=GaussianMixture, pytest=AnyWords())
    used = {node.name: ast.unparse(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    return {test: getattr(module, test) for test, text in used.items() if test.startswith("test_") and "GaussianMixture" in text}


THEIRS = their_tests("test_gaussian_mixture")
globals().update({name: test for name, test in THEIRS.items() if name not in NOT_RUN})


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def global_dtype(request): return request.param


@pytest.fixture
def global_random_seed(): return 0
