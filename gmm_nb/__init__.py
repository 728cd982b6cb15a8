"""Expectation-Maximization for Gaussian mixtures, derived and implemented in notebooks."""

__version__ = "0.1.0"
