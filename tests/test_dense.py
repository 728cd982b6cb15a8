"""Pictures of many rows, many components and awkward scales: what is drawn can be told apart, and the work is bounded."""
import re
from itertools import combinations

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from numpy.testing import assert_allclose

from gmm_nb import plotting
from gmm_nb.mixture import Mixture

SCALES = {"plain": (1, 0), "tiny": (1e-6, 0), "huge": (1e6, 0), "far": (1, 1e8), "small and far": (1e-3, 1e4), "below zero": (1e-3, -5e5)}
SINGLE = [plotting.plot_density, plotting.plot_responsibilities, plotting.plot_mixture]


def some(d, K, scale=1.0, shift=0.0, seed=3):
    "Components of many shapes, some of them over each other"
    rng = np.random.default_rng(seed)
    factors = 0.6 * rng.normal(size=(K, d, d)) + 0.8 * np.eye(d)
    means = (3 + 0.5 * K) * rng.normal(size=(K, d))
    covariances = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(d)
    return Mixture(rng.dirichlet(np.full(K, 4.0)), scale * means + shift, scale**2 * covariances)


def rows_of(mixture, n): return mixture.sample(n, np.random.default_rng(0))[0]


def drawn_points(ax): return sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() in plotting.MARKERS)


def shading(ax): return next(area for area in ax.collections if area.get_array() is not None and area.get_array().shape[-1] == 4).get_array()


@pytest.fixture(autouse=True)
def clean():
    "Each test leaves no figure and no setting behind"
    with matplotlib.rc_context():
        plotting.use_style()
        yield
    plt.close("all")


# --- from points to a shading ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("draw", SINGLE)
def test_few_rows_are_points_and_many_a_shading(draw):
    mixture = some(2, 3)
    X = rows_of(mixture, 20_000)
    few, many = draw(mixture, X[:plotting.DOTS], plt.subplots()[1]), draw(mixture, X, plt.subplots()[1])
    assert drawn_points(few) == plotting.DOTS and drawn_points(many) == 0
    with pytest.raises(StopIteration): shading(few)
    assert (shading(many)[..., 3] > 0).any()


def test_a_pair_grid_shades_too():
    mixture = some(4, 3)
    axes = np.reshape(plotting.plot_pairs(mixture, rows_of(mixture, 20_000)).axes, (4, 4))
    for i, j in combinations(range(4), 2):
        assert drawn_points(axes[j, i]) == 0 and (shading(axes[j, i])[..., 3] > 0).any()


def test_no_row_vanishes_and_more_rows_are_darker():
    X = np.concatenate([np.full((9000, 2), 0.51), np.full((1000, 2), 5.01), [[9.01, 9.01]]])
    ax = plt.subplots()[1]
    plotting._shading(ax, X, np.full((len(X), 3), 0.5), np.zeros(2), np.full(2, 10.0))
    alpha = shading(ax)[..., 3]
    assert (alpha > 0).sum() == 3
    one, some_, most = np.sort(alpha[alpha > 0])
    assert one >= 0.25 and one < some_ < most <= 1


def test_a_cell_has_the_mean_color_of_its_rows():
    X = np.array([[0.1, 0.1], [0.1, 0.1], [9.9, 0.1], [0.1, 9.9]])
    colors = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0], [0.2, 0.2, 0.2]])
    ax = plt.subplots()[1]
    plotting._shading(ax, X, colors, np.zeros(2), np.full(2, 10.0))
    image = shading(ax)
    assert_allclose(image[0, 0, :3], [0.5, 0, 0.5])     # rows of the image go up with the second column
    assert_allclose(image[0, -1, :3], [0, 1, 0])
    assert_allclose(image[-1, 0, :3], 0.2)


def test_the_shading_lies_over_the_window():
    mixture = some(2, 3)
    X = rows_of(mixture, 10_000)
    ax = plotting.plot_mixture(mixture, X)
    box = next(area for area in ax.collections).get_datalim(ax.transData)
    assert_allclose(box.get_points(), plotting._window(mixture, X))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_a_million_rows_are_bounded_work(d, monkeypatch):
    "No more artists than for 10,000 rows, and no more rows in the E-step than 200,000"
    mixture, asked = some(d, 3), []
    X = rows_of(mixture, 1_000_000)
    resp = Mixture.resp
    monkeypatch.setattr(Mixture, "resp", lambda self, rows: asked.append(len(rows)) or resp(self, rows))
    def artists(figure): return sum(len(ax.get_children()) for ax in figure.axes)
    many, few = plotting.plot_fit(mixture, X), plotting.plot_fit(mixture, X[:10_000])
    if d > 1:
        assert artists(many) == artists(few) and max(asked) <= 200_000
        said = many.axes[0].get_title(loc="right") if d == 2 else many.legends[0].get_title().get_text()
        assert said == "200,000 of 1,000,000 points drawn"
    else: assert artists(many) < 200 and many.axes[0].get_title(loc="right") == ""


# --- rows far away ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d, n", [(1, 500), (2, 500), (2, 50_000), (4, 500), (4, 50_000)])
def test_an_outlier_does_not_shrink_the_picture_and_is_counted(d, n):
    mixture = some(d, 3)
    X = rows_of(mixture, n)
    low, high = plotting._window(mixture, X)
    far = X.copy()
    far[7], far[8] = 1e4, -300
    assert (np.ptp(plotting._window(mixture, far), axis=0) < 1.3 * (high - low)).all()
    figure = plotting.plot_fit(mixture, far)
    said = figure.axes[0].get_title(loc="right") if d < 3 else figure.legends[0].get_title().get_text()
    assert "2 points outside the picture" in said
    figure = plotting.plot_fit(mixture, X)
    assert "outside" not in (figure.axes[0].get_title(loc="right") if d < 3 else figure.legends[0].get_title().get_text())


def test_a_far_component_and_a_far_group_are_seen():
    near, rng = some(2, 2), np.random.default_rng(0)
    X = np.concatenate([rows_of(near, 1000), 400 + rng.normal(size=(60, 2))])     # 6 % of the rows, and no component there
    assert (plotting._window(near, X)[1] > 400).all()
    lone = Mixture([0.5, 0.49, 0.01], [*near.means, [400, 400]], [*near.matrices(), np.eye(2)])
    assert (plotting._window(lone, X[:1001])[1] > 400).all()                      # one row, but a component
    assert (plotting._window(near, X[:1001])[1] < 100).all()
    assert (plotting._window(near, X[990:1001])[1] > 400).all()                   # of eleven rows one is not odd
    mostly = np.concatenate([np.zeros((995, 2)), np.full((5, 2), 50.0)])          # no spread: nothing is far from it
    assert (plotting._window(Mixture([1.0], [[0, 0]], np.ones(1), "spherical"), mostly)[1] > 50).all()


def test_bars_have_the_area_of_the_rows_in_the_picture():
    mixture = some(1, 2)
    X = np.append(rows_of(mixture, 999), [[1e5]], axis=0)
    ax = plotting.plot_density(mixture, X)
    assert_allclose(sum(bar.get_width() * bar.get_height() for bar in ax.patches), 0.999)
    shown = np.ptp(ax.get_xlim())
    assert all(bar.get_width() > shown / 200 for bar in ax.patches)


# --- colors ----------------------------------------------------------------------------------------------------------

CONES = {  # Machado, Oliveira & Fernandes (2009), severity 1, on linear red, green and blue
    "all": np.eye(3),
    "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]}


def oklab(color, cones):
    "Ottosson (2020): a space in which equal distances look about equal"
    part = plotting.rgb(color)
    seen = np.clip(np.asarray(cones) @ np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055)**2.4), 0, 1)
    lms = np.cbrt(np.array([[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.6806995, 0.10739696], [0.08830246, 0.28171884, 0.62997870]]) @ seen)
    return np.array([[0.21045426, 0.79361779, -0.00407205], [1.9779985, -2.42859221, 0.45059371], [0.02590404, 0.78277177, -0.80867577]]) @ lms


@pytest.mark.parametrize("cones", CONES.values(), ids=CONES)
def test_nine_components_have_nine_hues_for_every_eye(cones):
    assert len(set(plotting.COLORS)) == len(plotting.COLORS) >= 8
    places = [oklab(color, cones) for color in (*plotting.COLORS, "#ffffff")]
    assert min(np.linalg.norm(a - b) for a, b in combinations(places, 2)) > 0.07     # the six of Okabe & Ito alone: 0.076


def test_lines_have_a_dark_edge():
    mixture = some(2, 3)
    for ax in (plotting.plot_mixture(mixture, rows_of(mixture, 5000)), plotting.plot_pairs(mixture).axes[2]):
        curves = [line for line in ax.lines if len(line.get_xdata()) == 181]
        assert len(curves) == 6
        for line in curves:
            edge, = line.get_path_effects()
            assert edge._gc["foreground"] == "black" and edge._gc["linewidth"] > line.get_linewidth()


@pytest.mark.parametrize("draw", SINGLE)
def test_axes_without_numbers(draw):
    "Shared axes and axes without ticks have no labels to measure"
    for ax in (plt.subplots(2, 1, sharex=True)[1][0], plt.subplots(subplot_kw={"xticks": []})[1]):
        draw(some(2, 3), None, ax, columns=["left", "right"])
        ax.figure.canvas.draw()


# --- legends and labels ----------------------------------------------------------------------------------------------

def boxes(axis):
    "Places on paper of the numbers at an axis"
    return [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text() and label.get_visible()]


def collisions(labels):
    "Pairs of boxes, in the order of one line, that overlap"
    labels = sorted(labels, key=lambda box: (box.x0, box.y0))
    return [(a, b) for a, b in combinations(labels, 2) if a.overlaps(b)]


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("K, n", [(3, 500), (8, 5000)])
@pytest.mark.parametrize("d", [1, 2])
def test_numbers_at_the_axes_do_not_collide(d, K, n, name):
    mixture = some(d, K, *SCALES[name])
    X = rows_of(mixture, n)
    pictures = [plotting.plot_fit(mixture, X).axes[0], *(draw(mixture, X) for draw in SINGLE[:2])]
    row = plt.subplots(1, 2, figsize=(7.6, 3.2))[1]
    pictures += [draw(mixture, X, ax) for draw, ax in zip(SINGLE, row)]
    for ax in pictures:
        ax.figure.canvas.draw()
        low, high = sorted(ax.get_xlim())
        inside = [tick for tick in ax.get_xticks() if low <= tick <= high]
        assert len(inside) >= 2
        for axis in (ax.xaxis, ax.yaxis): assert not collisions(boxes(axis))


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("d, K", [(2, 3), (3, 2), (4, 8), (6, 3)])
def test_numbers_of_neighboring_panels_do_not_collide(d, K, name):
    mixture = some(d, K, *SCALES[name])
    figure = plotting.plot_pairs(mixture, rows_of(mixture, 300))
    figure.canvas.draw()
    axes = np.reshape(figure.axes, (d, d))
    low = [[box for box in boxes(ax.xaxis)] for ax in axes[-1]]
    side = [[box for box in boxes(ax.yaxis)] for ax in axes[1:, 0]]
    assert all(len(labels) >= 2 for labels in (*low, *side))
    for ax, labels in zip(axes[-1], low):  # a label keeps to its own panel
        assert all(ax.bbox.x0 - 6 < box.x0 and box.x1 < ax.bbox.x1 + 6 for box in labels)
    names = [ax.xaxis.label.get_window_extent() for ax in axes[-1]]
    units = [ax.xaxis.get_offset_text().get_window_extent() for ax in axes[-1] if ax.xaxis.get_offset_text().get_visible()]
    assert not collisions([box for labels in low for box in labels] + names + units)
    assert not collisions([box for labels in side for box in labels])


@pytest.mark.parametrize("K", [1, 3, 8, 12, 30])
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_the_legend_names_all_components_and_covers_nothing(d, K):
    mixture = some(d, K)
    figure = plotting.plot_fit(mixture, rows_of(mixture, 5000))
    figure.canvas.draw()
    legend = figure.legends[0] if d > 2 else figure.axes[0].get_legend()
    named = [text.get_text() for text in legend.get_texts()]
    assert {f"component {k}" for k in range(K) if K > 1 or d == 2} == {name for name in named if name.startswith("component")}
    paper, box = figure.bbox, legend.get_window_extent()
    assert paper.x0 <= box.x0 and box.x1 <= paper.x1 and paper.y0 <= box.y0 and box.y1 <= paper.y1
    if d == 2 or len(named) > 5 and d == 1: assert not box.overlaps(figure.axes[0].get_window_extent())
    if d > 2: assert not any(box.overlaps(ax.get_window_extent()) for ax in figure.axes if ax.axison)


@pytest.mark.parametrize("scale, shift, unit", [(1, 0, ""), (1e-6, 0, "\n1e−[56]"), (1, 1e8, r"\n\+1e8")])
def test_the_unit_of_short_numbers_stands_under_the_name(scale, shift, unit):
    mixture = some(2, 3, scale, shift)
    axes = plotting.plot_pairs(mixture, rows_of(mixture, 300), ["left", "right"]).axes
    for name, said in (("left", axes[2].get_xlabel()), ("right", axes[2].get_ylabel())): assert re.fullmatch(name + unit, said)


def test_the_name_of_a_layer_stands_in_it():
    mixture = some(1, 12)
    ax = plotting.plot_responsibilities(mixture)
    assert len(ax.texts) >= 8
    for text in ax.texts:
        (x, y), k = text.get_position(), int(re.search(r"\d+", text.get_text())[0])
        rows = mixture.resp(np.array([[x]]))[plotting.component_order(mixture), 0]
        place = plotting.component_order(mixture).tolist().index(k)
        assert rows[:place].sum() < y < rows[:place + 1].sum()


def test_contours_are_named_by_a_legend():
    ax = plotting.plot_density(some(2, 8), mass=(0.5, 0.999))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["holds 50 %", "holds 99.9 %"]
    widths = [line.get_linewidth() for line in ax.get_legend().get_lines()]
    assert widths[0] > widths[1]
