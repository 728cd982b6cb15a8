"Settings of every test: one thread for linear algebra, no window, no time limit on a random example."
import os

for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"): os.environ.setdefault(f"{name}_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

from hypothesis import settings  # noqa: E402

settings.register_profile("gmm_nb", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("gmm_nb")
