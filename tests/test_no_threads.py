"Where no thread can be started, as in a web page (Pyodide), everything runs on one, with the same bits."
import queue
import subprocess
import sys
import threading

import numpy as np
import pytest
from gmm_nb import workers
from gmm_nb.estimator import GaussianMixture
from numpy.testing import assert_array_equal


@pytest.fixture
def no_threads(monkeypatch):
    "As CPython raises it where the system has none"
    def start(function, arguments): raise RuntimeError("can't start new thread")
    monkeypatch.setattr(workers, "start_new_thread", start)


X = np.random.default_rng(0).normal(size=(50_000, 6)) + 4 * (np.arange(50_000) % 2)[:, None]


def test_a_fit_needs_no_thread(monkeypatch):
    "The same bits with all three helpers, with one, and with none"
    start, fitted, counts = workers.start_new_thread, [], []
    monkeypatch.setattr(workers, "n_workers", lambda n_jobs: 1 if n_jobs == 1 else 4)
    for number in (3, 1, 0):
        asked = []
        def at_most(*how):  # a context asks for three, one after the other
            asked.append(how)
            if (len(asked) - 1) % (number + 1) >= number: raise RuntimeError("can't start new thread")
            return start(*how)
        monkeypatch.setattr(workers, "start_new_thread", at_most if number < 3 else lambda *how: asked.append(how) or start(*how))
        fitted.append(GaussianMixture(2, random_state=0, n_jobs=4, max_iter=5).fit(X))
        counts.append(len(asked))
    assert counts[0] % 3 == 0 < counts[0] and counts[1] == 2 * counts[2] == 2 * counts[0] // 3  # a context stops asking when it is refused
    fitted, _, alone = fitted
    for name in ("weights_", "means_", "covariances_", "lower_bounds_"): assert_array_equal(getattr(alone, name), getattr(fitted, name))
    assert_array_equal(alone.predict_proba(X[:100]), fitted.predict_proba(X[:100]))


def test_all_threads_are_at_work(monkeypatch):
    monkeypatch.setattr(workers, "n_workers", lambda n_jobs: 4)
    meet = threading.Barrier(4, timeout=20)  # passed only if four threads are at work at once
    with workers.parallel(4) as run:
        assert list(run(lambda piece: meet.wait() >= 0 and piece, range(4))) == [0, 1, 2, 3]


def test_a_wait_does_not_need_its_signal():
    "An interruption may take it along"
    looks = []
    waiting = threading.Thread(target=workers._wait, args=(lambda: looks.append(0) or len(looks) > 2, queue.SimpleQueue()), daemon=True)
    waiting.start()
    waiting.join(timeout=20)
    assert len(looks) == 3


def test_pieces_come_in_their_order(monkeypatch, no_threads):
    monkeypatch.setattr(workers, "n_workers", lambda n_jobs: 4)
    with workers.parallel(4) as run:
        assert run is map
        assert list(run(lambda x: x * x, range(9))) == [x * x for x in range(9)]


def test_other_errors_of_a_thread_are_told(monkeypatch):
    monkeypatch.setattr(workers, "n_workers", lambda n_jobs: 4)
    monkeypatch.setattr(workers, "start_new_thread", lambda *how: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError), workers.parallel(4): pass


@pytest.mark.parametrize("line", ["from gmm_nb import GaussianMixtureSelection; m = GaussianMixtureSelection([1, 2], random_state=0, n_jobs=2).fit(X[:300])",
                                  "from gmm_nb import BayesianGaussianMixture; BayesianGaussianMixture(n_components=3, random_state=0).fit(X[:300])",
                                  "from gmm_nb.plotting import plot_fit; from gmm_nb.mixture import Mixture; plot_fit(Mixture([1.0], [[0.0] * 2], [1.0], 'spherical'), X[:, :2])"])
def test_a_system_like_a_web_page(line):
    "In a fresh interpreter without the module resource, which Pyodide lacks, and in which no thread starts"
    code = f"""
import sys, _thread, threading
sys.modules["resource"] = None
def start(*how): raise RuntimeError("can't start new thread")
_thread.start_new_thread = threading._start_new_thread = start
import matplotlib; matplotlib.use("Agg")
import numpy as np
X = np.random.default_rng(0).normal(size=(5000, 3)) + 5 * (np.arange(5000) % 2)[:, None]
{line}
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
