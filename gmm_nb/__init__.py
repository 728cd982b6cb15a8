"""Expectation-Maximization for Gaussian mixtures, derived and implemented in notebooks."""

__version__ = "0.1.0"

# Names that people import from the top, and the module that each lives in. They are imported
# when first asked for, so that `import gmm_nb` needs neither scikit-learn nor SciPy.
_HOME = {"GaussianMixture": "estimator", "GaussianMixtureSelection": "estimator",
         "GaussianMixtureRegressor": "regression",
         "BayesianGaussianMixture": "bayesian", "Mixture": "mixture", "Prior": "prior",
         "fit_mixture": "acceleration", "load_faithful": "tables", "load_iris": "tables"}
__all__ = [*_HOME]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return value


def __dir__():
    return sorted([*globals(), *__all__])
