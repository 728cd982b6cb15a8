"""Pictures: what is drawn, that it is honest, and that nothing else changes (Agg, nothing is shown)."""
import ast
import json
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from chapters import notebooks

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from numpy.testing import assert_allclose

from gmm_nb import plotting
from gmm_nb.mixture import STORED, STRUCTURES, Mixture, covariances_shape
from gmm_nb.statistics import FORMS


def mixture_of(d, structure="full", K=2):
    "Components apart from each other, with covariances that differ where the structure lets them"
    shape = covariances_shape(structure, K, d)
    covariances = np.ones(shape)
    if STORED[structure] in ("full", "tied"): covariances = np.broadcast_to(0.4 + 0.6 * np.eye(d), shape)
    if not FORMS[structure].linear: covariances = covariances * (1 + np.arange(K)).reshape(-1, *[1] * (len(shape) - 1))
    return Mixture(np.full(K, 1 / K), 5.0 * np.arange(K)[:, None] * np.ones(d), covariances, structure)


def data_of(mixture, n=200): return mixture.sample(n, np.random.default_rng(0))[0]


@pytest.fixture(autouse=True)
def clean():
    "Each test leaves no figure and no setting behind"
    with matplotlib.rc_context():
        yield
    plt.close("all")


def lines(ax, marker): return [line for line in ax.lines if line.get_marker() == marker]


def drawn_points(ax): return sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() in plotting.MARKERS)


# --- ellipses and levels ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mass", [0.05, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("rho", [0.0, -0.9, 0.999])
def test_ellipse_holds_its_mass(mass, rho):
    mean, covariance = np.array([3.0, -200.0]), np.array([[4.0, 20 * rho], [20 * rho, 100.0]])
    sample = np.random.default_rng(1).multivariate_normal(mean, covariance, 20_000)
    edge = plotting.ellipse(mean, covariance, mass, n_points=721)
    assert edge.shape == (721, 2)
    assert_allclose(edge[0], edge[-1], rtol=1e-12)
    inside = Path(edge).contains_points(sample).mean()
    assert abs(inside - mass) < 4 * np.sqrt(mass * (1 - mass) / len(sample)) + 1e-4


def test_radius_of_known_masses():
    assert_allclose(plotting.mass_radius(1 - np.exp(-0.5 * np.array([1, 2, 3])**2)), [1, 2, 3], rtol=1e-12)
    assert_allclose(plotting.mass_radius(1e-20), np.sqrt(2e-20), rtol=1e-12)


@pytest.mark.parametrize("mass", [0, 1, 95, -0.1, np.nan, [0.5, 2]])
def test_mass_is_a_probability(mass):
    with pytest.raises(ValueError, match="between 0 and 1"): plotting.mass_radius(mass)
    with pytest.raises(ValueError, match="between 0 and 1"): plotting.mass_levels(mixture_of(1), mass)


def test_ellipse_refuses_other_shapes():
    with pytest.raises(ValueError, match="two columns"): plotting.ellipse([0, 0, 0], np.eye(3))
    with pytest.raises(ValueError, match="positive definite"): plotting.ellipse([0, 0], [[1, 2], [2, 1]])


@pytest.mark.parametrize("d", [1, 2, 5])
def test_levels_hold_their_mass(d):
    mixture = mixture_of(d)
    masses = np.array([0.5, 0.9])
    density = np.exp(mixture.log_density(mixture.sample(50_000, np.random.default_rng(9))[0]))
    levels = plotting.mass_levels(mixture, masses)
    assert_allclose([(density >= level).mean() for level in levels], masses, atol=0.012)
    assert_allclose(levels, plotting.mass_levels(mixture, masses), rtol=0)


# --- one picture at a time -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("structure", STORED)
def test_plot_mixture_draws_ellipses_points_and_means(structure):
    mixture = mixture_of(2, structure, K=3)
    X = data_of(mixture)
    _, given = plt.subplots()
    ax = plotting.plot_mixture(mixture, X, given, mass=(0.95, 0.5, 0.8), labels=["a", "b", "c"], columns=["left", "right"])
    assert ax is given
    curves = [line for line in ax.lines if len(line.get_xdata()) > 100]
    assert len(curves) == 3 * 3
    for curve, (k, m) in zip(curves, [(k, m) for k in range(3) for m in (0.5, 0.8, 0.95)]):
        assert_allclose(curve.get_xydata(), plotting.ellipse(mixture.means[k], mixture.matrices()[k], m))
    assert drawn_points(ax) == len(X)
    assert {tuple(line.get_xydata()[0]) for line in lines(ax, "+")} == {tuple(mean) for mean in mixture.means}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("left", "right")


def test_uncertain_points_are_hollow():
    mixture = mixture_of(2, "tied")
    X = np.array([[0.0, 0.0], [5.0, 5.0], [2.5, 2.5]])
    ax = plotting.plot_mixture(mixture, X)
    faces = {tuple(point): line.get_markerfacecolor() for line in ax.lines if line.get_marker() in plotting.MARKERS for point in line.get_xydata()}
    assert faces[2.5, 2.5] == "none"
    assert (faces[0, 0], faces[5, 5]) == plotting.COLORS[:2]


@pytest.mark.parametrize("structure", (*STRUCTURES, "EII", "EVI", "VEE"))
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("draw", [plotting.plot_density, plotting.plot_responsibilities])
def test_density_and_responsibilities(draw, d, structure):
    mixture = mixture_of(d, structure, K=3)
    _, given = plt.subplots()
    for X in (None, data_of(mixture), data_of(mixture).astype(np.float32).tolist()):
        given.clear()
        assert draw(mixture, X, given, columns=list("ab")[:d]) is given
        assert given.get_xlabel() == "a" and given.get_ylabel()
        given.figure.canvas.draw()
    assert isinstance(draw(mixture), Axes)


def test_density_curve_has_area_one_and_is_the_sum_of_its_parts():
    mixture = mixture_of(1)
    ax = plotting.plot_density(mixture, data_of(mixture))
    curves = {line.get_label(): line.get_xydata() for line in ax.lines}
    total = curves["mixture"]
    assert_allclose(total[:, 1], curves["component 0"][:, 1] + curves["component 1"][:, 1], rtol=1e-12)
    assert abs(np.trapezoid(total[:, 1], total[:, 0]) - 1) < 0.02
    assert_allclose(sum(bar.get_width() * bar.get_height() for bar in ax.patches), 1, rtol=1e-12)


def test_narrow_components_are_seen():
    mixture = Mixture([0.5, 0.5], [[0.0], [1.0]], [1.0, 1e-10], "spherical")
    ax = plotting.plot_density(mixture)
    assert_allclose(max(line.get_ydata().max() for line in ax.lines), 0.5 / np.sqrt(2e-10 * np.pi), rtol=1e-3)


def test_stacked_responsibilities_fill_the_height():
    mixture = mixture_of(1, K=3)
    ax = plotting.plot_responsibilities(mixture)
    assert len(ax.collections) == 3
    top = ax.collections[-1].get_paths()[0].vertices
    assert_allclose(top[:, 1].max(), 1, rtol=1e-12)
    assert [text.get_text() for text in ax.texts] == [rf"$\gamma_{{{k}}}$" for k in range(3)]


def test_blend():
    resp = np.array([[1, 0, 0.5], [0, 1, 0.5]])
    colors = plotting.blend(resp)
    assert_allclose(colors[:2], [plotting.rgb(color) for color in plotting.COLORS[:2]])
    assert_allclose(colors[2], colors[:2].mean(axis=0))
    assert_allclose(plotting.blend(resp, 0), 1)


def test_dimension_errors_say_what_to_do():
    three = mixture_of(3)
    for draw in (plotting.plot_mixture, plotting.plot_density, plotting.plot_responsibilities):
        with pytest.raises(ValueError, match="this one has 3.*plot_pairs"): draw(three)
    with pytest.raises(ValueError, match="this one has 1"): plotting.plot_mixture(mixture_of(1))
    with pytest.raises(ValueError, match="column"): plotting.plot_mixture(mixture_of(2), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="labels has 1"): plotting.plot_mixture(mixture_of(2), labels=["one"])
    with pytest.raises(ValueError, match="columns has 1"): plotting.plot_mixture(mixture_of(2), columns=["one"])
    with pytest.raises(ValueError, match="columns has 1"): plotting.plot_pairs(three, columns=["one"])


# --- one color for one cluster ---------------------------------------------------------------------------------------

def exchanged(mixture, numbers):
    "The same mixture with its components numbered otherwise"
    return Mixture(mixture.weights[numbers], mixture.means[numbers], mixture.matrices()[numbers])


def drawing(figure):
    "Everything colored in a figure: lines with color, dash and marker, and areas"
    found = []
    for ax in figure.axes:
        for line in ax.lines:
            found.append((line.get_color(), line.get_markeredgecolor(), str(line.get_linestyle()), line.get_marker(), line.get_xydata().round(6).tolist()))
        for area in ax.collections:
            if area.get_array() is not None: found.append(np.round(area.get_array(), 6).tolist())
            found.append((np.round(area.get_facecolor(), 6).tolist(), [path.vertices.round(6).tolist() for path in area.get_paths()]))
    return found


@pytest.mark.parametrize("numbers", [[1, 0, 2], [2, 0, 1], [2, 1, 0]])
@pytest.mark.parametrize("draw, d", [(plotting.plot_mixture, 2), (plotting.plot_density, 1), (plotting.plot_responsibilities, 1),
                                     (plotting.plot_responsibilities, 2), (plotting.plot_pairs, 3), (plotting.plot_fit, 1), (plotting.plot_fit, 2)])
def test_the_picture_does_not_depend_on_the_numbers(draw, d, numbers):
    mixture = mixture_of(d, K=3)
    X = data_of(mixture)
    first, second = (draw(m, X) for m in (mixture, exchanged(mixture, numbers)))
    assert drawing(getattr(first, "figure", first)) == drawing(getattr(second, "figure", second))


def test_the_styles_follow_the_first_mean():
    mixture = Mixture([0.2, 0.5, 0.3], [[4.0, 0.0], [-1.0, 9.0], [2.0, 5.0]], np.ones(3), "spherical")
    assert plotting.component_order(mixture).tolist() == [1, 2, 0]
    ax = plotting.plot_mixture(mixture, labels=["a", "b", "c"])
    colors = {text.get_text(): handle.get_color() for text, handle in zip(ax.get_legend().get_texts(), ax.get_legend().get_lines())}
    assert [colors[name] for name in "bca"] == list(plotting.COLORS[:3])
    for means in ([[1.0, 2.0], [1.0, 1.0]], [[1.0, 2.0], [1.0, 2.0]]):  # the next column decides, then the weight
        tied = Mixture([0.6, 0.4], means, np.ones(2), "spherical")
        assert plotting.component_order(tied).tolist() == [1, 0]


def test_a_pair_takes_the_order_from_all_columns():
    mixture = Mixture([0.5, 0.5], [[0.0, 9.0], [9.0, 0.0]], np.ones(2), "spherical")
    axes = np.reshape(plotting.plot_pairs(mixture).axes, (2, 2))
    curves = {line.get_label(): line for line in axes[1, 1].lines}
    assert [curves[f"component {k}"].get_color() for k in range(2)] == list(plotting.COLORS[:2])
    assert curves["component 0"].get_xdata()[curves["component 0"].get_ydata().argmax()] > 8


def test_a_film_keeps_the_colors():
    "Components whose means pass each other on the way"
    path = [Mixture([0.5, 0.5], [[3 * (1 - t), 0.0], [3 * t, 1.0]], np.ones(2), "spherical") for t in (0.0, 0.4, 1.0)]
    X = data_of(path[-1])
    frames = json.loads(re.search(r"frames = (\[.*?\]), slider", plotting.stepper_html(path, X)).group(1))
    assert all(frame["maps"][0][5] > frame["maps"][1][5] for frame in frames)  # pixels count downwards: the mean 0 is below
    film = plotting.animate_em(path, X)
    for t in range(3):
        scene = film._func(t)[0]
        below = [line for line in scene.lines if len(line.get_xdata()) == 181 and abs(line.get_ydata().mean()) < 0.1]
        assert {line.get_color() for line in below} == {plotting.COLORS[0]}
    film._draw_was_started = True  # it was drawn here, by hand


def test_layers_look_equally_important():
    "The tints of the first six components reflect about the same share of light"
    tints = plotting.blend(np.eye(6), plotting.TINT)
    linear = np.where(tints <= 0.04045, tints / 12.92, ((tints + 0.055) / 1.055)**2.4) @ [0.2126, 0.7152, 0.0722]
    assert linear.max() / linear.min() < 1.35
    mixture = mixture_of(1, K=3)
    drawn = [area.get_facecolor()[0, :3] for area in plotting.plot_responsibilities(mixture).collections]
    assert_allclose(drawn, tints[:3], rtol=1e-12)


def test_one_rule_for_ellipses():
    "50 and 95 percent in every picture, and no page with levels of its own"
    assert plotting.MASSES == (0.5, 0.95)
    mixture = mixture_of(2)
    expected = [plotting.ellipse(mixture.means[k], mixture.matrices()[k], mass) for k in range(2) for mass in (0.5, 0.95)]
    for ax in (plotting.plot_mixture(mixture), plotting.plot_pairs(mixture).axes[2]):
        assert_allclose([line.get_xydata() for line in ax.lines if len(line.get_xdata()) > 100], expected)
    for nb in notebooks():
        for cell in nb.code:
            calls = [node for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.M))) if isinstance(node, ast.Call)]
            own = [node for node in calls if getattr(node.func, "id", "") in ("plot_mixture", "stepper_html") and "mass" in {k.arg for k in node.keywords}]
            assert not own, f"{nb} draws other ellipses:\n{cell.source}"


# --- histograms ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("unit, origin", [(1, 0), (1, 43), (0.1, 4.3), (5, -20), (1e-3, 7)])
@pytest.mark.parametrize("points", [2, 5, 54, 300])
@pytest.mark.parametrize("n", [40, 272, 100_000])
def test_bars_hold_equally_many_points_of_a_grid(unit, origin, points, n):
    x = origin + unit * np.append([0, 1, points - 1], np.random.default_rng(0).integers(points, size=n))
    edges = plotting._edges(x)
    place = (edges - origin) / unit
    assert_allclose(place % 1, 0.5, atol=1e-6)                                       # halfway between two points
    assert len(set(np.diff(place).round(6))) == 1                                    # equally many in each bar
    assert edges[0] < x.min() < x.max() < edges[-1] and np.histogram(x, edges)[0].sum() == len(x)
    assert len(edges) <= 2 + 1.5 * 80


def test_bars_of_values_without_a_grid():
    x = np.random.default_rng(0).normal(size=500)
    assert_allclose(plotting._edges(x), np.histogram_bin_edges(x, int(2 * np.cbrt(500))))
    for odd in ([3.0] * 9, [1e300, -1e300, 1e-300], [0.0, 1.0, np.pi]):
        edges = plotting._edges(np.array(odd))
        assert np.isfinite(edges).all() and (np.diff(edges) > 0).all() and np.histogram(odd, edges)[0].sum() == len(odd)


def test_histograms_are_drawn_with_these_bars():
    mixture, x = Mixture([0.4, 0.6], [[55.0], [80.0]], [36.0, 36.0], "spherical"), np.arange(43.0, 97)[:, None]
    for ax in (plotting.plot_density(mixture, x), plotting.plot_responsibilities(mixture, x)):
        assert_allclose([bar.get_x() for bar in ax.patches], plotting._edges(x[:, 0])[:-1])


# --- traces ----------------------------------------------------------------------------------------------------------

def test_trace_values_and_gap():
    trace = [-10.0, -5.0, -4.0]
    ax = plotting.plot_trace(trace, label="run")
    assert_allclose(ax.lines[0].get_xydata(), np.stack([np.arange(3), trace], axis=1))
    assert ax.get_yscale() == "linear" and ax.get_legend() is not None
    ax = plotting.plot_trace({"a": trace, "b": trace[:2]}, relative_to=-4.0)
    assert ax.get_yscale() == "log"
    assert_allclose(ax.lines[0].get_ydata(), [6, 1, np.nan])
    assert_allclose(ax.lines[1].get_ydata(), [6, 1])
    assert plotting.plot_trace(trace).get_legend() is None
    ax.figure.canvas.draw()


@pytest.mark.parametrize("trace", [[], 3.0, [[1, 2]]])
def test_trace_errors(trace):
    with pytest.raises(ValueError, match="a trace has shape"): plotting.plot_trace(trace)


def test_maps_have_the_same_style_and_labels():
    x, y = np.linspace(-2, 2, 41), np.linspace(-1, 1, 21)
    height = -x**2 - 3 * y[:, None]**2
    _, given = plt.subplots()
    assert plotting.plot_map(x, y, height, [-3, -1, -0.25], given) is given
    given.figure.canvas.draw()
    assert {text.get_text() for text in given.texts} == {"−3", "−1", "−0.25"}
    fill, lines = given.collections[:2]
    greys = fill.get_facecolor()[:, 0]
    assert len(greys) == 4 and (np.diff(greys) > 0).all() and greys[-1] == 1         # the lighter the higher
    assert [path.vertices.size > 0 for path in lines.get_paths()] == [True] * 3
    assert isinstance(plotting.plot_map(x, y, height, [-2, -1]), Axes)


# --- pairs and the one call ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("structure", STRUCTURES)
def test_marginal_is_the_integral(structure):
    mixture = mixture_of(3, structure)
    part = plotting.marginal(mixture, [2, 0])
    assert_allclose(part.means, mixture.means[:, [2, 0]])
    assert_allclose(part.matrices(), mixture.matrices()[:, [2, 0]][:, :, [2, 0]])
    point, middle = np.array([0.3, 1.1]), np.linspace(-15, 25, 4001)
    rows = np.stack([np.full_like(middle, point[1]), middle, np.full_like(middle, point[0])], axis=1)
    assert_allclose(np.exp(part.log_density(point[None])), np.trapezoid(np.exp(mixture.log_density(rows)), middle), rtol=1e-9)


def test_pairs_grid():
    mixture = mixture_of(3, "diag")
    X = data_of(mixture)
    figure = plotting.plot_pairs(mixture, X, ["a", "b", "c"])
    axes = np.reshape(figure.axes, (3, 3))
    assert isinstance(figure, Figure)
    for i, j in np.ndindex(3, 3):
        assert axes[i, j].axison == (i >= j)
        if i > j: assert drawn_points(axes[i, j]) == len(X)
        if i == j: assert len(axes[i, j].patches) > 0 and drawn_points(axes[i, j]) == 0
    assert [ax.get_xlabel() for ax in axes[2]] == ["a", "b", "c"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["", "b", "c"]
    figure.canvas.draw()
    assert isinstance(plotting.plot_pairs(mixture), Figure)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_plot_fit_suits_the_dimension(d, tmp_path):
    mixture = mixture_of(d)
    figure = plotting.plot_fit(mixture, data_of(mixture), [f"c{j}" for j in range(d)])
    assert len(figure.axes) == (1, 1, 9)[d - 1]
    assert figure.axes[-1].get_xlabel() == f"c{0 if d < 3 else 2}"
    for suffix in ("png", "pdf", "svg"):
        figure.savefig(tmp_path / f"fit.{suffix}")
        assert (tmp_path / f"fit.{suffix}").stat().st_size > 1000


def test_many_columns_are_cut_and_the_picture_says_so():
    mixture = mixture_of(9, "spherical")
    figure = plotting.plot_fit(mixture, data_of(mixture, 30))
    assert len(figure.axes) == 36
    assert "first 6 of 9 columns" in figure.legends[0].get_title().get_text()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_one_row_a_constant_column_and_many_components(d):
    mixture = mixture_of(d, "diag", K=30)
    for X in (np.zeros((1, d)), np.ones((50, d))):
        plotting.plot_fit(mixture, X).canvas.draw()


# --- films -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d", [1, 2])
def test_animation_has_a_picture_for_each_mixture(d, tmp_path):
    mixtures = [mixture_of(d, structure) for structure in ("spherical", "diag", "full")]
    film = plotting.animate_em(mixtures, data_of(mixtures[-1]), columns=list("ab")[:d])
    film.save(tmp_path / "em.gif", writer="pillow", dpi=30)
    from PIL import Image
    with Image.open(tmp_path / "em.gif") as image: assert image.n_frames == 3


def test_film_errors():
    two, three = mixture_of(2), mixture_of(3)
    for make in (plotting.animate_em, plotting.stepper_html):
        with pytest.raises(ValueError, match="got no mixture"): make([], np.zeros((3, 2)))
        with pytest.raises(ValueError, match="this one has 3"): make([three], np.zeros((3, 3)))
        with pytest.raises(ValueError, match=r"expected \(2,\)"): make([two, two], np.zeros((3, 2)), [1.0])
    with pytest.raises(ValueError, match="name"): plotting.stepper_html([two], np.zeros((3, 2)), name='x"y')


def test_stepper_is_complete_in_itself():
    mixtures = [mixture_of(2, structure, K=3) for structure in STRUCTURES]
    X = data_of(mixtures[0], 1500)
    page = plotting.stepper_html(mixtures, X, columns=["<b>", "a & b"], name="here")
    assert not re.search(r"https?:|src=|@import|url\(", page)
    assert "<b>" not in page and "&lt;b&gt;" in page and "a &amp; b" in page
    assert len(re.findall('class="point"', page)) == 1000
    frames = json.loads(re.search(r"frames = (\[.*?\]), slider", page).group(1))
    assert len(frames) == 4 and all(len(frame["fill"]) == 3000 and len(frame["top"]) == 1000 for frame in frames)
    assert all(np.shape(frame["maps"]) == (3, 6) for frame in frames)
    assert f"log-likelihood {mixtures[2].log_density(X).sum():.3f}".replace(" -", " −") == frames[2]["text"].split(": ")[1]
    assert page == plotting.stepper_html(mixtures, X, columns=["<b>", "a & b"], name="here")
    assert "NaN" not in plotting.stepper_html(mixtures[:1], X)


def test_stepper_maps_are_the_ellipses():
    mixture = mixture_of(2)
    X = data_of(mixture)
    page = plotting.stepper_html([mixture], X)
    frame = json.loads(re.search(r"frames = (\[.*?\]), slider", page).group(1))[0]
    low, high = plotting._window(mixture, X)
    for k, (a, b, c, d, e, f) in enumerate(frame["maps"]):
        angle = np.linspace(0, 2 * np.pi, 181)
        circle = plotting.mass_radius(0.95) * np.stack([np.cos(angle), np.sin(angle)])
        pixels = np.array([[a, c], [b, d]]) @ circle + np.array([[e], [f]])
        expected = (plotting.ellipse(mixture.means[k], mixture.matrices()[k], 0.95) - low) / (high - low)
        assert_allclose(pixels[0], 420 * expected[:, 0], atol=0.1)
        assert_allclose(pixels[1], 280 * (1 - expected[:, 1]), atol=0.1)


# --- manners ---------------------------------------------------------------------------------------------------------

def test_import_leaves_matplotlib_alone():
    code = "import sys, gmm_nb.plotting; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_drawing_changes_no_setting_and_no_argument():
    settings = dict(matplotlib.rcParams)
    mixture, trace = mixture_of(2), np.array([-3.0, -2.0])
    X = data_of(mixture)
    X.setflags(write=False)
    for draw in (plotting.plot_mixture, plotting.plot_density, plotting.plot_responsibilities, plotting.plot_pairs, plotting.plot_fit): draw(mixture, X)
    plotting.plot_trace(trace)
    plotting.stepper_html([mixture], X)
    assert dict(matplotlib.rcParams) == settings
    state = np.random.get_state()[1].copy()
    plotting.mass_levels(mixture, 0.5)
    assert (np.random.get_state()[1] == state).all()


def test_style_tells_lines_apart_without_color():
    plotting.use_style()
    cycle = list(matplotlib.rcParams["axes.prop_cycle"])
    assert [entry["color"] for entry in cycle] == list(plotting.COLORS)
    assert len({str(entry["linestyle"]) for entry in cycle[:5]}) == 5
    styles = {tuple(map(str, plotting.component_style(k).values())) for k in range(315)}
    assert len(styles) == 315
