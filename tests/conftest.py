"Settings of every test: one thread for linear algebra, no window, no time limit on a random example; and all cores for a folder of tests."
import os

for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"): os.environ.setdefault(f"{name}_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("gmm_nb", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("gmm_nb")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Folders of tests run in one process a core, named files and tests in this one, unless `-n` says otherwise.

    `-n auto` in `addopts` would let two tests wait for processes to start, and pytest would stop where pytest-xdist is
    not loaded. The processes begin at different places of the list, so that tests which share a fixture stay together;
    one that has nothing left to do takes half of what another still has.
    """
    option, here = config.option, hasattr(config, "workerinput")
    if getattr(option, "numprocesses", 0) is None and option.dist == "no" and not here and all(map(os.path.isdir, config.args)):
        option.numprocesses, option.dist = "auto", "worksteal"
