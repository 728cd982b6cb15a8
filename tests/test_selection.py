"Chapter 21: criteria, the grid, the class around it, the bootstrap test, standard errors."
import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from gmm_nb import selection
from gmm_nb.estimator import ALL, GaussianMixture, GaussianMixtureSelection, VarianceFloorWarning
from gmm_nb.acceleration import climb, fit_mixture
from gmm_nb.covariance import n_parameters
from gmm_nb.mixture import SAME, STORED, STRUCTURES, Mixture
from gmm_nb.selection import (CHARTS, NAMES, choose, cost, criteria, fit_grid, free_numbers, half_white, hierarchy, likelihood_ratio_test,
                              joined, relabelled, results_of, scores, splits, standard_errors, with_free_numbers)
from gmm_nb.statistics import prepare
from oracles import HERE, MCLUST, data
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

FAITHFUL, IRIS = data("faithful"), data("iris")
TWO = Mixture([0.4, 0.6], [[0.0, 0.0], [2.5, 1.0]], [[[1.0, 0.3], [0.3, 1.0]], [[1.5, -0.5], [-0.5, 0.8]]])
each_chart = pytest.mark.parametrize("structure", [*CHARTS])


def tight(name):
    return json.loads((HERE / f"bic_tight_{name}.json").read_text())["models"]


def fitted(X, K, structure, **how):
    "The fit of one cell"
    cell, = fit_grid(X, [K], [structure], **how).cells
    return cell.result.mixture


# ---- criteria

@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("name, K", [("faithful", 1), ("faithful", 2), ("iris", 2), ("iris", 3)])
def test_criteria_are_mclusts_with_the_other_sign(name, K, structure):
    theirs, X = tight(name)[MCLUST[structure]][str(K)], data(name)
    cell, = fit_grid(X, [K], [structure], tol=1e-12).cells
    ours = cell.criteria
    assert ours.n_parameters == theirs["df"]
    if abs(ours.log_likelihood - theirs["loglik"]) > 1e-5:
        assert ours.log_likelihood > theirs["loglik"]
        return
    np.testing.assert_allclose([ours.bic, ours.icl], [-theirs["bic"], -theirs["icl"]], atol=2e-2)
    np.testing.assert_allclose(ours.aic, -2 * ours.log_likelihood + 2 * theirs["df"])


def test_criteria_by_their_definitions():
    mixture, n = TWO, len(FAITHFUL)
    resp, L = mixture.resp(FAITHFUL), mixture.log_density(FAITHFUL).sum()
    found = criteria(mixture, prepare(FAITHFUL))
    np.testing.assert_allclose(found, [L, 11, -2 * L + 22, -2 * L + 11 * np.log(n), -2 * L + 11 * np.log(n) - 2 * np.log(resp.max(axis=0)).sum()])


def test_weights_count_rows_in_criteria():
    weights = np.arange(len(FAITHFUL)) % 3
    heavy, repeated = criteria(TWO, prepare(FAITHFUL, weights)), criteria(TWO, prepare(np.repeat(FAITHFUL, weights, axis=0)))
    np.testing.assert_allclose(heavy, repeated, rtol=1e-12)
    np.testing.assert_allclose(criteria(TWO, prepare(FAITHFUL, np.full(272, 2.0**60))).log_likelihood,
                               2.0**60 * TWO.log_density(FAITHFUL).sum())


def test_icl_of_the_estimator():
    gm, weights = GaussianMixture(3, random_state=0).fit(IRIS), np.arange(150) % 3
    sure = np.log(gm.predict_proba(IRIS).max(axis=1))
    assert sure.sum() < -0.1  # there is something to charge for
    np.testing.assert_allclose(gm.icl(IRIS), gm.bic(IRIS) - 2 * sure.sum())
    np.testing.assert_allclose(gm.icl(IRIS, weights), gm.icl(np.repeat(IRIS, weights, axis=0)))
    np.testing.assert_allclose(gm.icl(IRIS), criteria(gm.mixture_, prepare(IRIS)).icl)
    with pytest.raises(NotFittedError): GaussianMixture().icl(IRIS)


# ---- the hierarchy

def test_price_of_a_union_is_that_of_its_rows():
    rng = np.random.default_rng(0)
    Y, weights = rng.standard_normal((30, 3)), rng.integers(1, 4, 30).astype(float)
    def group(rows):
        mean = np.average(Y[rows], axis=0, weights=weights[rows])
        return selection.Groups(weights[rows].sum()[None], mean[None], ((weights[rows, None] * (Y[rows] - mean)).T @ (Y[rows] - mean))[None])
    a, b, both = group(np.arange(12)), group(np.arange(12, 30)), group(np.arange(30))
    pair = selection.Groups(*(np.concatenate(parts) for parts in zip(a, b)))
    for ours, plain in zip(joined(pair, [0], [1]), both): np.testing.assert_allclose(ours, plain)
    n, W = both.counts[0], both.scatters[0]
    np.testing.assert_allclose(cost(both, 0.7)[0], n * np.log(np.linalg.det(W / n) + (np.trace(W) + 0.7) / n))


@pytest.mark.parametrize("X", [FAITHFUL, IRIS, IRIS[:, :1], np.ones((5, 2)), np.random.default_rng(0).standard_normal((900, 14))], ids=len)
def test_hierarchy_is_nested(X):
    rows, counts = np.unique(X, axis=0, return_counts=True)
    cuts = hierarchy(rows, counts.astype(float), 9)
    assert sorted(cuts) == [*range(1, min(9, len(rows)) + 1)]
    for K, labels in cuts.items():
        assert labels.shape == (len(rows),) and {*labels} == {*range(K)}
        if K > 1: assert len({*zip(labels, cuts[K - 1])}) == K  # each group lies in one of the next


def test_hierarchy_knows_no_units():
    rows, counts = np.unique(IRIS, axis=0, return_counts=True)
    changed = rows * [1e3, 1e-4, 7, 1] + [1e3, 5, 0, -3]
    weights = counts.astype(float)
    np.testing.assert_allclose(np.abs(half_white(changed, weights)), np.abs(half_white(rows, weights)), rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(hierarchy(changed, weights, 5)[5], hierarchy(rows, weights, 5)[5])


def test_weights_are_repeated_rows_in_the_hierarchy():
    rng = np.random.default_rng(1)
    X, counts = rng.standard_normal((20, 2)), rng.integers(1, 4, 20)
    which = np.repeat(np.arange(20), counts)
    np.testing.assert_allclose(np.abs(half_white(X[which], np.ones(len(which)))), np.abs(half_white(X, counts.astype(float))[which]), atol=1e-12)


# ---- the grid

@pytest.mark.parametrize("name, seed", [("iris", 0), ("faithful", 0)])
def test_no_cell_is_below_the_tight_reference(name, seed):
    "mclust at 1e-10 from its own hierarchy; its VVE is no maximum, and cells on the floor have no reference"
    grid, theirs = fit_grid(data(name), range(1, 10), NAMES, seed=seed), tight(name)
    compared = 0
    for cell in grid.cells:
        reference = theirs[cell.covariance_type][str(cell.n_components)]
        if reference is None or cell.covariance_type == "VVE" or not cell.sound: continue
        assert cell.criteria.log_likelihood > reference["loglik"] - 1e-3, (cell.covariance_type, cell.n_components)
        assert cell.criteria.n_parameters == reference["df"] == n_parameters(cell.covariance_type, cell.n_components, data(name).shape[1])
        compared += 1
    assert compared > 0.8 * len(grid.cells)


def test_grid_depends_on_nothing_else():
    "Threads and the order of the cells leave no trace; company may help a cell, and cannot harm it"
    def bits(grid): return {(c.n_components, c.covariance_type): (c.result.mixture.means.tobytes(), c.criteria) for c in grid.cells}
    first = bits(fit_grid(IRIS, range(1, 5), ["full", "diag"], n_jobs=1))
    assert bits(fit_grid(IRIS, [4, 2, 1, 3], ["diag", "full"], n_jobs=2)) == first
    for key, (_, alone) in bits(fit_grid(IRIS, [3], ["full", "diag"])).items():
        assert first[key][1].log_likelihood >= alone.log_likelihood - 1e-6


def test_cells_stand_in_the_order_that_was_asked_for():
    cells = fit_grid(IRIS, [3, 1], ["tied", "full"], n_jobs=2).cells
    assert [(c.n_components, c.covariance_type) for c in cells] == [(3, "tied"), (3, "full"), (1, "tied"), (1, "full")]


def test_log_likelihoods_rise_with_the_model():
    table = results_of(fit_grid(FAITHFUL, range(1, 7), STRUCTURES).cells)
    L = {s: table["log_likelihood"][table["covariance_type"] == s] for s in STRUCTURES}
    for values in L.values(): assert (np.diff(values) > -1e-6).all()
    for small, large in (("spherical", "diag"), ("diag", "full"), ("tied", "full")): assert (L[large] > L[small] - 1e-6).all()


@pytest.mark.parametrize("name, other, inside", [("full", "EII", True), ("VVV", "tied", True), ("diag", "spherical", True), ("VEV", "EEV", True),
                                                 ("tied", "diag", False), ("EVV", "VEV", False), ("spherical", "diag", False), ("EEE", "EEI", True)])
def test_which_structure_contains_which(name, other, inside): assert selection.contains(name, other) is inside


def test_second_look_finds_what_a_smaller_model_knows(monkeypatch):
    "From bad starts the larger models end below the smaller ones; looked at again, they do not"
    monkeypatch.setattr(selection, "off_saddle", lambda end, *rest: end)  # which would mend it
    ground = selection.prepare_ground(FAITHFUL, 3, None, 1e-6)
    how, bad = {"acceleration": "natural-gradient", "tol": 1e-8}, np.full((3, len(ground.part.X)), 1 / 3)
    key = lambda cell: (cell.n_components, cell.covariance_type)
    def cell_from(resp, name):
        start = selection.given_start(ground.part, resp, name, ground.floor)
        return selection.fit_cell(ground, len(resp), name, [lambda: [start]], **how)
    small = cell_from(selection.one_hot(ground.cuts[2][0], 2), "tied")
    stuck = cell_from(bad, "tied"), cell_from(bad[:2] * 1.5, "full")
    done = {key(cell): cell for cell in (small, *stuck)}
    selection.second_look(ground, done, **how)
    for cell in stuck:
        assert cell.criteria.log_likelihood < small.criteria.log_likelihood - 100
        assert done[key(cell)].criteria.log_likelihood > small.criteria.log_likelihood + 1
    assert done[key(small)].criteria.log_likelihood >= small.criteria.log_likelihood


def test_table_of_results():
    est = GaussianMixtureSelection(range(1, 4), covariance_types=["full", "diag"], random_state=0).fit(IRIS)
    kinds = {"n_components": "i", "covariance_type": "O", "log_likelihood": "f", "n_parameters": "i", "bic": "f", "icl": "f", "aic": "f",
             "converged": "b", "on_floor": "b"}
    assert {name: column.dtype.kind for name, column in est.results_.items()} == kinds
    assert {column.shape for column in est.results_.values()} == {(6,)}
    best = est.best_estimator_
    for name in ("bic", "icl", "aic"): np.testing.assert_allclose(getattr(best, name)(IRIS), est.results_[name][est.best_index_])
    np.testing.assert_allclose(best.score(IRIS) * 150, est.results_["log_likelihood"][est.best_index_])
    assert est.best_index_ == np.argmin(est.results_["bic"]) and est.results_["converged"].all()
    assert (best.n_components, best.covariance_type) == (2, "full") and type(est.best_index_) is int


@pytest.mark.parametrize("criterion", ["bic", "icl", "aic"])
def test_criterion_decides(criterion):
    est = GaussianMixtureSelection(range(1, 6), covariance_types=["tied", "full"], criterion=criterion, random_state=0).fit(FAITHFUL)
    assert est.best_index_ == np.argmin(est.results_[criterion])


def test_criteria_disagree():
    chosen = [GaussianMixtureSelection(range(1, 6), covariance_types="tied", criterion=name, random_state=0).fit(FAITHFUL).best_estimator_.n_components
              for name in ("icl", "bic", "aic")]
    assert chosen[0] < chosen[1] < chosen[2] and chosen[:2] == [2, 3]


def test_class_delegates():
    est = GaussianMixtureSelection([2, 3], covariance_types="tied", random_state=0).fit(FAITHFUL)
    best = est.best_estimator_
    for name in ("predict", "predict_proba", "score_samples", "score"):
        np.testing.assert_array_equal(getattr(est, name)(FAITHFUL), getattr(best, name)(FAITHFUL))
    np.testing.assert_array_equal(est.sample(9, 1)[0], best.sample(9, 1)[0])
    np.testing.assert_array_equal(clone(est).fit_predict(FAITHFUL), est.predict(FAITHFUL))
    assert est.score(FAITHFUL, sample_weight=np.arange(272)) != est.score(FAITHFUL)
    assert best.n_features_in_ == 2 and best.converged_ and best.lower_bound_ == best.lower_bounds_[-1]
    for name in ("predict", "sample"):
        with pytest.raises(NotFittedError): getattr(GaussianMixtureSelection(), name)(FAITHFUL)


def test_default_is_the_whole_grid():
    est = GaussianMixtureSelection()
    assert [*est.n_components] == [*range(1, 10)] and est.covariance_types == "all" and ALL is NAMES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VarianceFloorWarning)
        found = est.set_params(n_components=[1, 2], random_state=0).fit(FAITHFUL[:60]).results_["bic"]
    assert len(found) == 2 * len(NAMES) == 28


@parametrize_with_checks([GaussianMixtureSelection([1, 2], covariance_types=["EEI", "VEE"]), GaussianMixtureSelection([1, 2], covariance_types=["full", "diag"], random_state=0)])
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VarianceFloorWarning)
        check(estimator.set_params(n_components=(1, 2)) if len(estimator.n_components) > 2 and estimator.random_state is None
              and "default" not in str(check) else estimator)


def test_weights_are_repeated_rows():
    weights = np.arange(150) % 3
    heavy = results_of(fit_grid(IRIS, [1, 2, 3], STRUCTURES, weights).cells)
    repeated = results_of(fit_grid(np.repeat(IRIS, weights, axis=0), [1, 2, 3], STRUCTURES).cells)
    for name in ("bic", "icl", "log_likelihood"): np.testing.assert_allclose(heavy[name], repeated[name], rtol=1e-6)


def test_units_do_not_matter():
    table, moved = (results_of(fit_grid(X, [1, 2, 3], ("full", "tied", "diag")).cells) for X in (FAITHFUL, FAITHFUL * [1e-5, 1e4] + [3, 1e6]))
    shift = 272 * np.log(1e-5 * 1e4)
    np.testing.assert_allclose(moved["log_likelihood"], table["log_likelihood"] - shift, atol=1e-4)


def test_single_precision_is_kept():
    est = GaussianMixtureSelection([2], covariance_types="full", random_state=0).fit(FAITHFUL.astype(np.float32))
    assert est.score_samples(FAITHFUL.astype(np.float32)).dtype == np.float32 and est.results_["bic"].dtype == np.float64


def test_large_data_compete_on_a_part():
    X, _ = TWO.sample(20_000, np.random.default_rng(0))
    est = GaussianMixtureSelection([1, 2, 3], covariance_types=["full", "tied"], random_state=0).fit(X)
    assert (est.best_estimator_.n_components, est.best_estimator_.covariance_type) == (2, "full")
    assert est.score(X) > TWO.log_density(X).mean()


# ---- cells that are not chosen

def two_heaps(n=40):
    "Rows of which a quarter are equal: with a component for these the likelihood has no maximum"
    X = np.random.default_rng(0).standard_normal((n, 2))
    X[: n // 4] = [5.0, 5.0]
    return X


def test_cells_on_the_floor_are_marked_and_not_chosen_and_said():
    with pytest.warns(VarianceFloorWarning) as said:
        est = GaussianMixtureSelection([1, 2], covariance_types=["full", "tied"], random_state=0).fit(two_heaps())
    at = dict(zip(zip(est.results_["n_components"].tolist(), est.results_["covariance_type"]), est.results_["on_floor"]))
    assert at == {(1, "full"): False, (1, "tied"): False, (2, "full"): True, (2, "tied"): False}
    assert np.argmin(est.results_["bic"]) == [*at].index((2, "full")) != est.best_index_
    said = [str(w.message) for w in said if w.category is VarianceFloorWarning]
    assert len(said) == 1 and "full with K = 2" in said[0] and "tied" not in said[0]


def test_collapsed_cells_hold_nan():
    with pytest.warns(VarianceFloorWarning, match="full with K = 2"):
        est = GaussianMixtureSelection([1, 2], covariance_types=["full"], reg_covar=0, random_state=0).fit(two_heaps())
    assert np.isnan(est.results_["bic"][1]) and np.isnan(est.results_["log_likelihood"][1]) and not est.results_["converged"][1]
    assert est.best_index_ == 0


def test_none_left_says_why_for_each_kind():
    line = np.c_[np.arange(20.0), np.arange(20.0)]
    for reg_covar, why in ((1e-6, "rests on the variance floor"), (0, "No estimate")):
        with pytest.raises(ValueError) as error:
            GaussianMixtureSelection([1, 2], covariance_types=["full", "tied"], reg_covar=reg_covar).fit(line)
        told = str(error.value)
        assert "No cell" in told and why in told and "full, K = 1" in told and "tied, K = 1" in told


def test_numbers_beyond_the_rows_are_dropped_and_said():
    X = np.random.default_rng(0).standard_normal((4, 1))
    with pytest.warns(UserWarning, match="5, 9 left out"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=VarianceFloorWarning)
        warnings.filterwarnings("always", message=".*left out")
        est = GaussianMixtureSelection([1, 2, 5, 9], covariance_types="full").fit(X)
    assert est.results_["n_components"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="n_samples = 4"): GaussianMixtureSelection([5, 6]).fit(X)
    with pytest.raises(ValueError, match="3 row"):  # one of them counts for nothing
        GaussianMixtureSelection([4]).fit(X, sample_weight=[1, 1, 1, 0])


def test_not_converged_is_said_once():
    with pytest.warns(ConvergenceWarning, match="full with K = 3") as said:
        est = GaussianMixtureSelection([3], covariance_types=["full", "diag"], max_iter=1, tol=0, random_state=0).fit(IRIS)
    assert sum(w.category is ConvergenceWarning for w in said) == 1 and not est.results_["converged"].any()


@pytest.mark.parametrize("parameters, words", [
    ({"covariance_types": "round"}, ["'round'", *STRUCTURES]), ({"covariance_types": ["full", 3]}, ["3", *STRUCTURES]),
    ({"covariance_types": []}, ["covariance_types"]), ({"covariance_types": None}, ["covariance_types"]),
    ({"n_components": 0}, ["n_components"]), ({"n_components": []}, ["n_components"]), ({"n_components": [1, 2.5]}, ["n_components"]),
    ({"n_components": "12"}, ["n_components"]), ({"n_components": [True]}, ["n_components"]), ({"criterion": "BIC"}, ["criterion", "icl"]),
    ({"n_init": 0}, ["n_init"]), ({"max_iter": 0}, ["max_iter"]), ({"tol": -1}, ["tol"]), ({"reg_covar": np.nan}, ["reg_covar"]),
    ({"n_jobs": 0}, ["n_jobs"])])
def test_bad_parameters(parameters, words):
    with pytest.raises(ValueError) as error: GaussianMixtureSelection(**parameters).fit(FAITHFUL)
    for word in words: assert word in str(error.value)


def test_bad_data():
    for bad, words in ((np.ones((1, 2)), "n_samples = 1"), (np.where(FAITHFUL > 90, np.nan, FAITHFUL), "NaN")):
        with pytest.raises(ValueError, match=words): GaussianMixtureSelection([1]).fit(bad)
    with pytest.raises(ValueError, match="sample_weight"): GaussianMixtureSelection([1]).fit(FAITHFUL, sample_weight=[1.0])


def test_ctrl_c_keeps_what_was_done():
    class Impatient(GaussianMixtureSelection):
        def _on_cell(self, cell, done, total):
            assert total == 8
            if done == 3: raise KeyboardInterrupt
    est = Impatient(range(1, 5), covariance_types=["full", "tied"], random_state=0, n_jobs=1)
    with pytest.warns(UserWarning, match="3 of 8 cells"): est.fit(IRIS)
    assert len(est.results_["bic"]) == 3 and est.predict(IRIS).shape == (150,)


def test_ctrl_c_before_the_first_cell(monkeypatch):
    def stop(*args, **how): raise KeyboardInterrupt
    monkeypatch.setattr(selection, "winners", stop)
    with pytest.raises(KeyboardInterrupt): GaussianMixtureSelection([2]).fit(IRIS)


def test_ctrl_c_within_a_cell(monkeypatch):
    calls = []
    def interrupted(*args, **how):
        calls.append(1)
        result = climb(*args, **how)
        return replace(result, interrupted=len(calls) == 5)
    monkeypatch.setattr(selection, "climb", interrupted)
    grid = fit_grid(IRIS, [1, 2, 3], ["full"])
    assert grid.interrupted and 0 < len(grid.cells) < 3


def test_progress_is_printed(capsys):
    GaussianMixtureSelection([1, 2], covariance_types="tied", verbose=1, random_state=0).fit(IRIS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "2 of 2" in lines[1] and "tied with K = 1" in lines[1] and "bic" in lines[0]


# ---- the test of k against k + 1

def test_observed_statistic():
    theirs = tight("faithful")["EEE"]
    for k in (1, 2, 3):
        found = likelihood_ratio_test(FAITHFUL, k, "tied", n_bootstrap=1, random_state=0)
        np.testing.assert_allclose(found.statistic, 2 * (theirs[str(k + 1)]["loglik"] - theirs[str(k)]["loglik"]), atol=1e-4)
        assert found.null.n_components == k and found.null.structure == "tied"


def test_p_value_counts_the_observed_one():
    found = likelihood_ratio_test(FAITHFUL, 1, "tied", n_bootstrap=19, random_state=0)
    assert found.p_value == 0.05 and found.bootstrap.shape == (19,) and (found.bootstrap >= 0).all() and found.bootstrap.max() < found.statistic
    X = np.random.default_rng(3).standard_normal((100, 1))
    found = likelihood_ratio_test(X, 1, "tied", n_bootstrap=19, random_state=0)
    assert found.p_value == (1 + np.sum(found.bootstrap >= found.statistic)) / 20 > 0.05


def test_test_depends_on_the_seed_alone():
    one, two = (likelihood_ratio_test(FAITHFUL[:80], 1, "diag", n_bootstrap=6, random_state=5, n_jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one.bootstrap, two.bootstrap)
    assert one.statistic == two.statistic
    assert likelihood_ratio_test(FAITHFUL[:80], 1, "diag", n_bootstrap=6, random_state=6).bootstrap[0] != one.bootstrap[0]


def test_splits_are_shares_of_one_component_each():
    resp = TWO.resp(FAITHFUL)
    for k, found in enumerate(splits(TWO, FAITHFUL)):
        np.testing.assert_allclose(found.sum(axis=0), 1)
        np.testing.assert_allclose(found[-2] + found[-1], resp[k])
        assert ((found[-2] == 0) | (found[-1] == 0)).all()


@pytest.mark.parametrize("arguments, words", [({"k": 0}, "k=0"), ({"k": 1.5}, "k=1.5"), ({"k": 1, "n_bootstrap": 0}, "n_bootstrap=0"),
                                              ({"k": 1, "structure": "round"}, "'round'"), ({"k": 300}, "272 rows"), ({"k": True}, "k=True")])
def test_bad_tests(arguments, words):
    with pytest.raises(ValueError, match=words): likelihood_ratio_test(FAITHFUL, **arguments)


def test_a_null_that_cannot_be_fitted():
    line = np.c_[np.arange(20.0), np.arange(20.0)]
    with pytest.raises(ValueError, match="no maximum"): likelihood_ratio_test(line, 1, n_bootstrap=2, reg_covar=0)


# ---- standard errors

@each_chart
def test_scores_by_differences(structure):
    mixture = fitted(IRIS, 2, structure)
    here, s = free_numbers(mixture), scores(mixture, IRIS)
    assert s.shape == (150, n_parameters(structure, 2, 4)) == (150, len(here))
    for j, e in enumerate(np.eye(len(here))):
        h = 1e-5 * s[:, j].std()**-1
        ends = [with_free_numbers(here + sign * h * e, mixture).log_density(IRIS) for sign in (1, -1)]
        np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), s[:, j], rtol=1e-4, atol=1e-5 * s[:, j].std())


@each_chart
def test_free_numbers_and_back(structure):
    mixture = fitted(IRIS, 3, structure)
    back = with_free_numbers(free_numbers(mixture), mixture)
    for name in ("weights", "means", "covariances"): np.testing.assert_allclose(getattr(back, name), getattr(mixture, name), rtol=1e-12)


def test_one_gaussian_has_the_textbook_errors():
    n, mixture = 272, fitted(FAITHFUL, 1, "full", tol=1e-12)
    S, told = mixture.covariances[0], standard_errors(mixture, FAITHFUL)
    np.testing.assert_allclose(told.weights, [0], atol=1e-12)
    np.testing.assert_allclose(told.means[0], np.sqrt(np.diagonal(S) / n), rtol=1e-6)
    np.testing.assert_allclose(told.covariances[0], np.sqrt((S**2 + np.outer(np.diagonal(S), np.diagonal(S))) / n), rtol=1e-6)
    C = FAITHFUL - FAITHFUL.mean(axis=0)
    fourth = np.mean((C[:, :, None] * C[:, None, :] - S)**2, axis=0)  # whatever the density is
    np.testing.assert_allclose(standard_errors(mixture, FAITHFUL, "sandwich").covariances[0], np.sqrt(fourth / n), rtol=1e-6)


def test_errors_have_the_shapes_of_the_parameters():
    for structure in CHARTS:
        mixture = fitted(IRIS, 2, structure)
        for method in ("empirical", "observed", "sandwich", "parametric", "nonparametric"):
            told = standard_errors(mixture, IRIS, method, n_bootstrap=8, random_state=0)
            for name in ("weights", "means", "covariances"):
                assert getattr(told, name).shape == getattr(mixture, name).shape and (getattr(told, name) > 0).all()


def test_errors_have_units():
    unit = np.array([1e-6, 1e5])
    mixture = fitted(FAITHFUL, 2, "full", tol=1e-12)
    other = Mixture(mixture.weights, mixture.means * unit, mixture.covariances * np.outer(unit, unit))
    for method in ("empirical", "observed", "sandwich"):
        told, moved = standard_errors(mixture, FAITHFUL, method), standard_errors(other, FAITHFUL * unit, method)
        np.testing.assert_allclose(moved.weights, told.weights, rtol=1e-5)
        np.testing.assert_allclose(moved.means, told.means * unit, rtol=1e-5)
        np.testing.assert_allclose(moved.covariances, told.covariances * np.outer(unit, unit), rtol=1e-5)


def test_weights_are_repeated_rows_in_errors():
    weights, mixture = 1 + np.arange(272) % 3, fitted(FAITHFUL, 2, "full")
    for method in ("empirical", "observed", "sandwich"):
        heavy = standard_errors(mixture, FAITHFUL, method, sample_weight=weights)
        repeated = standard_errors(mixture, np.repeat(FAITHFUL, weights, axis=0), method)
        np.testing.assert_allclose(heavy.means, repeated.means, rtol=1e-6)


@pytest.mark.parametrize("method", ["empirical", "observed", "sandwich", "parametric", "nonparametric"])
def test_errors_are_the_spread(method):
    "Within 15 % of the spread over simulated data, for all parameters together; resampling one data set has noise of its own"
    rng, estimates = np.random.default_rng(0), []
    for _ in range(300):
        X, _ = TWO.sample(2000, rng)
        estimates.append(free_numbers(fit_mixture(X, TWO, tol=1e-7, acceleration="natural-gradient").mixture))
    spread = np.std(estimates, axis=0, ddof=1)
    X, _ = TWO.sample(2000, np.random.default_rng(1))
    told = standard_errors(fit_mixture(X, TWO, tol=1e-8, acceleration="natural-gradient").mixture, X, method, n_bootstrap=200, random_state=0)
    flat = np.concatenate([told.weights[:1], told.means.ravel(), told.covariances[(..., *np.triu_indices(2))].ravel()])
    np.testing.assert_allclose(np.exp(np.log(flat / spread).mean()), 1, atol=0.15 if method != "nonparametric" else 0.2)
    np.testing.assert_allclose(flat, spread, rtol=0.4)


def test_labels_are_put_in_order():
    order = np.array([2, 0, 1])
    mixture = fitted(IRIS, 3, "full")
    switched = Mixture(mixture.weights[order], mixture.means[order], mixture.covariances[order])
    np.testing.assert_array_equal(relabelled(switched, mixture, IRIS).means, mixture.means)
    told, moved = (standard_errors(m, IRIS, "nonparametric", n_bootstrap=20, random_state=0) for m in (mixture, switched))
    np.testing.assert_allclose(moved.means, told.means[order], rtol=0.05)
    tied = Mixture([0.3, 0.7], [[0.0, 0.0], [5.0, 5.0]], np.eye(2), "tied")
    again = relabelled(Mixture([0.7, 0.3], [[5.0, 5.0], [0.0, 0.0]], np.eye(2), "tied"), tied, FAITHFUL)
    np.testing.assert_array_equal(again.means, tied.means)


def test_a_component_too_many_has_no_errors():
    one = fitted(FAITHFUL, 1, "full")
    twins = Mixture([0.5, 0.5], one.means[[0, 0]], one.covariances[[0, 0]])
    with pytest.raises(ValueError, match="singular"): standard_errors(twins, FAITHFUL, "empirical")


def test_few_rows_have_a_singular_information():
    with pytest.raises(ValueError, match="singular"): standard_errors(fitted(IRIS, 2, "full"), IRIS[:20], "empirical")


@pytest.mark.parametrize("arguments, words", [({"method": "exact"}, "'exact'"), ({"method": "parametric", "n_bootstrap": 1}, "n_bootstrap=1"),
                                              ({"sample_weight": [1.0]}, "sample_weight")])
def test_bad_standard_errors(arguments, words):
    with pytest.raises(ValueError, match=words): standard_errors(TWO, FAITHFUL, **arguments)


def test_structures_without_a_chart_are_sent_to_the_bootstrap():
    class Twisted(Mixture):
        "A mixture of a structure that the charts do not know"
    mixture = Twisted(TWO.weights, TWO.means, TWO.covariances)
    vars(mixture)["structure"] = "VEV"
    with pytest.raises(ValueError, match="VEV.*parametric"): standard_errors(mixture, FAITHFUL)


# ---- the picture

def test_plot_selection():
    import matplotlib.pyplot as plt
    from gmm_nb.plotting import plot_selection
    table = results_of(fit_grid(two_heaps(), [2, 1], ["full", "tied"]).cells)
    ax = plot_selection(table, "icl")
    full, low, tied, _, circle = ax.lines
    np.testing.assert_allclose(full.get_ydata(), [table["icl"][2], np.nan])
    np.testing.assert_allclose(low.get_ydata(), table["icl"][:1])
    assert low.get_markerfacecolor() == "none" and tied.get_xdata().tolist() == [1, 2]
    assert circle.get_ydata() == min(table["icl"][~table["on_floor"]]) and ax.get_ylabel() == "ICL"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["full", "tied"]
    plt.close(ax.figure)
    with pytest.raises(ValueError, match="'BIC'"): plot_selection(table, "BIC")
