"""One example for each module, and when to use each class: for the reference pages that `python tests/api.py` writes.
`tests/test_api.py` runs the examples and compares what they print."""

EXAMPLES = {
    "data": '''
>>> from gmm_nb.data import as_data
>>> as_data([[1, 2], [3, 4]]).dtype
dtype('float64')
>>> as_data([[1.0, float("nan")]], holes=True).shape
(1, 2)
''',
    "gaussian": '''
>>> import numpy as np
>>> from gmm_nb.gaussian import log_density
>>> log_density(np.zeros((1, 2)), mean=np.zeros(2), covariance=np.eye(2)).round(4)
array([-1.8379])
''',
    "mixture": '''
>>> from gmm_nb import Mixture
>>> mixture = Mixture(weights=[0.5, 0.5], means=[[0.0], [4.0]], covariances=[[[1.0]], [[1.0]]])
>>> mixture.resp([[0.0], [2.0]]).round(3)
array([[1. , 0.5],
       [0. , 0.5]])
''',
    "univariate": '''
>>> from gmm_nb.univariate import em
>>> fit = em([1, 1.2, 0.8, 5, 5.2, 4.8], weights=[0.5, 0.5], means=[1, 5], variances=[1, 1])
>>> fit.means.round(6)
array([1., 5.])
''',
    "multivariate": '''
>>> import numpy as np
>>> from gmm_nb import load_faithful
>>> from gmm_nb.multivariate import em
>>> start = np.diag([0.3, 40.0])
>>> fit = em(load_faithful().X, [0.5, 0.5], [[2.0, 55.0], [4.5, 80.0]], [start, start])
>>> fit.means.round(1)
array([[ 2. , 54.5],
       [ 4.3, 80. ]])
''',
    "statistics": '''
>>> from gmm_nb import Mixture, load_faithful
>>> from gmm_nb.e_step import e_step
>>> from gmm_nb.statistics import prepare
>>> X = load_faithful().X
>>> mixture = Mixture([0.5, 0.5], [[2, 55], [4.5, 80]], [[[0.3, 0], [0, 40]]] * 2)
>>> parts = [e_step(prepare(X[:100]), mixture), e_step(prepare(X[100:]), mixture)]
>>> (parts[0] + parts[1]).counts.round(1)
array([ 99.4, 172.6])
''',
    "e_step": '''
>>> from gmm_nb import Mixture, load_faithful
>>> from gmm_nb.e_step import e_step
>>> from gmm_nb.statistics import prepare
>>> mixture = Mixture([0.5, 0.5], [[2, 55], [4.5, 80]], [[[0.3, 0], [0, 40]]] * 2)
>>> statistics = e_step(prepare(load_faithful().X), mixture)
>>> statistics.counts.round(1)
array([ 99.4, 172.6])
''',
    "covariance": '''
>>> from gmm_nb.covariance import n_parameters
>>> n_parameters("full", n_components=3, n_features=2)
17
>>> n_parameters("tied", n_components=3, n_features=2)
11
''',
    "workers": '''
>>> from gmm_nb.workers import parallel
>>> with parallel(n_jobs=2) as workers:
...     list(workers(lambda x: x**2, range(4)))
[0, 1, 4, 9]
''',
    "em": '''
>>> from gmm_nb import Mixture, load_faithful
>>> from gmm_nb.em import em_steps, run
>>> from gmm_nb.statistics import prepare
>>> X = load_faithful().X
>>> start = Mixture([0.5, 0.5], [[2, 55], [4.5, 80]], [[[0.3, 0], [0, 40]]] * 2)
>>> result = run(em_steps(prepare(X), start), n_samples=len(X))
>>> result.converged, round(float(result.log_likelihoods[-1]), 2)
(True, -1130.26)
''',
    "acceleration": '''
>>> from gmm_nb import Mixture, fit_mixture, load_faithful
>>> start = Mixture([0.5, 0.5], [[2, 55], [4.5, 80]], [[[0.3, 0], [0, 40]]] * 2)
>>> result = fit_mixture(load_faithful().X, start)
>>> result.mixture.means.round(1)
array([[ 2. , 54.5],
       [ 4.3, 80. ]])
''',
    "initialization": '''
>>> import numpy as np
>>> from gmm_nb import load_faithful
>>> from gmm_nb.initialization import start_mixture
>>> from gmm_nb.statistics import prepare
>>> start = start_mixture(prepare(load_faithful().X), 2, "full", "kmeans", np.random.default_rng(0))
>>> start.means.shape
(2, 2)
''',
    "structures": '''
>>> from gmm_nb.structures import n_free
>>> n_free("VVV", 3, 2), n_free("EEE", 3, 2), n_free("EII", 3, 2)
(9, 3, 1)
''',
    "selection": '''
>>> from gmm_nb import load_faithful
>>> from gmm_nb.selection import fit_grid
>>> grid = fit_grid(load_faithful().X, n_components=range(1, 4), structures=["EEE", "VVV"])
>>> type(grid).__name__
'Grid'
''',
    "missing": '''
>>> import numpy as np
>>> from gmm_nb import Mixture
>>> from gmm_nb.missing import impute
>>> mixture = Mixture([1.0], [[0.0, 0.0]], [[[1.0, 0.8], [0.8, 1.0]]])
>>> impute(mixture, np.array([[2.0, np.nan]]))
array([[2. , 1.6]])
''',
    "prior": '''
>>> from gmm_nb import load_faithful
>>> from gmm_nb.prior import default_prior
>>> from gmm_nb.statistics import prepare
>>> prior = default_prior(prepare(load_faithful().X), 2, "full")
>>> prior.mean.round(1)
array([ 3.5, 70.9])
''',
    "variational": '''
>>> import numpy as np
>>> from gmm_nb.variational import mean_log_det
>>> round(float(mean_log_det(np.array(5.0), np.eye(2))), 3)  # E log|Λ| of a Wishart distribution
2.512
''',
    "sources": '''
>>> from gmm_nb import GaussianMixture, load_faithful
>>> from gmm_nb.sources import of_array, prepare_source
>>> source = of_array(load_faithful().X, rows=100)
>>> source.lengths
(100, 100, 72)
>>> prepare_source(source).n_samples
272.0
''',
    "online": '''
>>> from gmm_nb import GaussianMixture, load_faithful
>>> model = GaussianMixture(2, random_state=0)
>>> for chunk in load_faithful().X.reshape(4, 68, 2):
...     model = model.partial_fit(chunk)
>>> model.n_samples_seen_
272.0
''',
    "estimator": '''
>>> from gmm_nb import GaussianMixture, load_faithful
>>> X = load_faithful().X
>>> model = GaussianMixture(n_components=2, random_state=0).fit(X)
>>> round(model.score(X), 3)
-4.155
>>> sorted(model.means_[:, 1].round(1).tolist())
[54.5, 80.0]
''',
    "plotting": '''
>>> import numpy as np
>>> from gmm_nb.plotting import mass_radius
>>> mass_radius(np.array([0.5, 0.95])).round(3)  # of a Gaussian in two dimensions
array([1.177, 2.448])
''',
    "tables": '''
>>> from gmm_nb import load_iris
>>> table = load_iris()
>>> table.X.shape, len(table.columns)
((150, 4), 4)
''',
    "command": '''
>>> from gmm_nb.command import main
>>> main(["fit", "no-such-file.csv"])  # says what is wrong; an exit status as programs give it
2
''',
    "regression": '''
>>> import numpy as np
>>> from gmm_nb import GaussianMixtureRegressor
>>> x = np.linspace(0, 1, 50)[:, None]
>>> model = GaussianMixtureRegressor(n_components=1, random_state=0).fit(x, 2 * x[:, 0] + np.tile([-0.1, 0.1], 25))
>>> bool(abs(model.predict([[0.5]])[0] - 1) < 0.01)
True
''',
    "bayesian": '''
>>> from gmm_nb import BayesianGaussianMixture, load_faithful
>>> model = BayesianGaussianMixture(n_components=5, random_state=0).fit(load_faithful().X)
>>> len(model.weights_)
5
''',
}

WHEN = {  # "module.Class" -> when to use it; a class that a function returns, or that another one extends, says that by itself
    "estimator.GaussianMixture": "for clusters, densities and outliers of a table whose number of groups you know or want to try. It is the class to begin with.",
    "estimator.GaussianMixtureSelection": "when the number of components or the structure of the covariances is not known: it fits a grid and keeps the best.",
    "bayesian.BayesianGaussianMixture": "when you want spare components to empty by themselves, or the uncertainty of the parameters.",
    "regression.GaussianMixtureRegressor": "to predict some columns from others where the relation bends, has several branches, or where the spread varies.",
    "mixture.Mixture": "when you have weights, means and covariances and want densities, responsibilities, samples, marginals or conditionals, without fitting.",
    "statistics.Statistics": "to sum what an E-step finds over blocks, files or machines. You do not make one yourself: `e_step` returns it.",
    "covariance.CollapsedComponent": "in `except`, to notice that a component has lost its points. It is raised, not made.",
    "estimator.VarianceFloorWarning": "in a filter of warnings. It says that a fit rests on the floor under its variances.",
    "prior.Prior": "when something is known before the data: about how large, how wide or where components are.",
    "variational.ConjugatePrior": "for variational Bayes with your own hyperparameters. The class `BayesianGaussianMixture` makes one from its arguments.",
    "sources.Source": "when your rows come from somewhere that `source_of` does not know: give it functions that load them.",
    "sources.Drawn": "inside a first pass over a source: it keeps rows to start from. You do not make one yourself.",
    "sources.Look": "inside a first pass over a source. You do not make one yourself: `look` returns it.",
    "sources.Piece": "when you write a map of your own: it is what a worker gets of a block.",
    "sources.NoSuchFile": "in `except`, to notice that the name of a file is wrong. It is raised, not made.",
    "sources.Rows": "in the place of an array that is elsewhere: it has a shape and a type.",
    "online.Online": "for a stream of rows without the estimator: it is where online EM stands.",
    "statistics.Form": "when you write a covariance structure of your own: it is what the engine asks of one.",
}
