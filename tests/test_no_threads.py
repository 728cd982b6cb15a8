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
    "The same bits as on four threads; and four were used"
    started, start = [], workers.start_new_thread
    monkeypatch.setattr(workers, "n_workers", lambda n_jobs: 1 if n_jobs == 1 else 4)
    monkeypatch.setattr(workers, "start_new_thread", lambda *how: started.append(how) or start(*how))
    fitted = GaussianMixture(2, random_state=0, n_jobs=4, max_iter=5).fit(X)
    assert started and len(started) % 3 == 0  # three helpers in each context
    monkeypatch.setattr(workers, "start_new_thread", lambda *how: (_ for _ in ()).throw(RuntimeError("can't start new thread")))
    alone = GaussianMixture(2, random_state=0, n_jobs=4, max_iter=5).fit(X)
    for name in ("weights_", "means_", "covariances_", "lower_bounds_"): assert_array_equal(getattr(alone, name), getattr(fitted, name))
    assert_array_equal(alone.predict_proba(X[:100]), fitted.predict_proba(X[:100]))


def test_as_many_helpers_as_can_be_started(monkeypatch):
    started, start = [], workers.start_new_thread
    def at_most_one(*how):
        if started: raise RuntimeError("can't start new thread")
        started.append(start(*how))
    monkeypatch.setattr(workers, "start_new_thread", at_most_one)
    with workers._helpers(3) as (jobs, number):
        assert number == 1 and list(workers._shared_map(jobs, number)(abs, range(-9, 0))) == [*range(9, 0, -1)]


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
