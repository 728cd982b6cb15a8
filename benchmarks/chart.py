"The chart of the home page: one EM iteration beside other libraries, from the results of the last run."
from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")
CASE = {"n": 500_000, "d": 8, "K": 8, "structure": "full"}
NAMES = {"ours_all": "gmm_nb, all cores", "ours": "gmm_nb, one thread", "pomegranate": "pomegranate (float32)", "Armadillo": "Armadillo (C++)",
         "sklearn": "scikit-learn", "mlpack": "mlpack (C++)", "tgmm": "tgmm", "spark": "Spark"}


def times(results: dict, case: dict = CASE) -> dict[str, float]:
    """Milliseconds an iteration of each library that was measured on a case, the fastest first.

    ValueError if the results do not have the case."""
    rows = [row for part in results["parts"].values() for table in part["tables"] if table["name"] == "speed"
            for row in table["rows"] if case.items() <= row.items()]
    if not rows: raise ValueError(f"the results have no case {case}; run python -m benchmarks --only speed")
    return dict(sorted(((name, rows[0][key]) for key, name in NAMES.items() if rows[0].get(key)), key=lambda pair: pair[1]))


def speed_chart(path: Path = RESULTS, case: dict = CASE):
    "Horizontal bars, the fastest on top, each with its time; ours in color. matplotlib's Axes."
    import matplotlib.pyplot as plt
    from gmm_nb.plotting import COLORS
    results = json.loads(path.read_text(encoding="utf-8"))
    measured = times(results, case)
    fig, ax = plt.subplots(figsize=(6.6, 0.36 * len(measured) + 1.2))
    bars = ax.barh(list(measured), list(measured.values()), height=0.66,
                   color=[COLORS[0] if name.startswith("gmm_nb") else "0.68" for name in measured])
    ax.bar_label(bars, [f"{value:,.3g} ms" if value < 1000 else f"{value:,.0f} ms" for value in measured.values()], padding=4, fontsize=9)
    ax.invert_yaxis()
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1.14 * max(measured.values()))
    ax.set_title(f"One EM iteration on {case['n']:,} rows of {case['d']} columns,\n{case['K']} components, "
                 f"{case['structure']} covariances; {results['machine']['cores']} cores")
    return ax
