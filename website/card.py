"""nbs/social.png, the picture that other sites show beside a link to this one: `python website/card.py` draws it.

1200 by 630 points, as those sites ask for: Old Faithful under a fit of two components, and one sentence."""
import io
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from gmm_nb import GaussianMixture, load_faithful

TARGET = Path(__file__).resolve().parent.parent / "nbs" / "social.png"
INK, PAPER, QUIET, ACCENT = "#d5d9de", "#15181c", "#97a1ab", "#d55e00"


def ellipse(mean, covariance, radius, points=181):
    "The curve of one Mahalanobis radius"
    angle = np.linspace(0, 2 * np.pi, points)
    return mean[:, None] + radius * np.linalg.cholesky(covariance) @ np.array([np.cos(angle), np.sin(angle)])


def draw():
    X = load_faithful().X
    model = GaussianMixture(n_components=2, random_state=0).fit(X)
    resp = model.predict_proba(X)
    order = np.argsort(model.means_[:, 0])
    colors = np.array([matplotlib.colors.to_rgb(c) for c in ("#56b4e9", "#e69f00")])
    fig = plt.figure(figsize=(12, 6.3), dpi=100, facecolor=PAPER)
    ax = fig.add_axes((0.52, 0, 0.48, 1), facecolor=PAPER)
    ax.set_axis_off()
    ax.scatter(*X.T, s=26, c=resp[:, order] @ colors, alpha=0.85, linewidths=0)
    for k, color in zip(order, colors):
        for radius, alpha in ((1, 0.9), (2, 0.55), (3, 0.25)):
            ax.plot(*ellipse(model.means_[k], model.covariances_[k], radius), color=color, alpha=alpha, lw=2.5)
    ax.margins(0.12)
    fig.add_artist(matplotlib.patches.Rectangle((0, 0.985), 1, 0.015, color=ACCENT, transform=fig.transFigure))
    fig.text(0.06, 0.72, "gmm_nb", color=INK, fontsize=58, weight="bold", family="DejaVu Sans")
    fig.text(0.06, 0.42, "Gaussian mixtures in Python:\nEM derived step by step,\nand the fast code beside it.", color=INK, fontsize=26,
             linespacing=1.5, family="DejaVu Sans")
    fig.text(0.06, 0.14, "pip install gmm_nb", color=QUIET, fontsize=22, family="DejaVu Sans Mono")
    return fig


def main():
    buffer = io.BytesIO()
    with matplotlib.rc_context(matplotlib.rcParamsDefault): draw().savefig(buffer, format="png", facecolor=PAPER, metadata={"Software": None})
    TARGET.write_bytes(buffer.getvalue())


if __name__ == "__main__": sys.exit(main())
