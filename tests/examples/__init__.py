"""Examples of every public function and class, and when to use each class: for the reference pages that `python tests/api.py`
writes. `tests/test_api.py` runs the examples and compares what they print.

The examples of a module are in a text file of its name beside this one. It begins with the lines that all of them begin with;
then each example stands under a line `# name, name` with the names that it is for, all of which it calls itself."""
import ast
import doctest
import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Example(NamedTuple):
    "An example, or with no names the beginning of all examples of a module"
    names: tuple
    text: str  # as it stands in the file, with prompts and what is printed

    @property
    def pieces(self):
        "Statements, each with what it prints"
        return doctest.DocTestParser().get_examples(self.text)

    def used(self):
        "The names that it calls itself; of classes, all names that stand in an expression"
        nodes = [node for piece in self.pieces for node in ast.walk(ast.parse(piece.source))]
        called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        return called, {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}

    def blocks(self):
        "Pairs of a kind and lines, statements and what they print one after the other, for a page"
        found = []
        for piece in self.pieces:
            if not found or found[-1][0] == "": found.append(("python", []))
            found[-1][1].append(piece.source)
            if piece.want: found.append(("", [piece.want]))
        return [(kind, "".join(lines).rstrip()) for kind, lines in found]


def examples_of(module):
    "The examples of a module, its beginning first; none if it has no file"
    path = FOLDER / f"{module}.txt"
    if not path.exists(): return []
    begin, *others = re.split(r"^# (.+)\n", path.read_text(encoding="utf-8"), flags=re.M)
    return [Example((), begin), *(Example(tuple(names.split(", ")), text) for names, text in zip(others[::2], others[1::2]))]


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
    "mixture.Conditional": "to ask about some columns where the others are known. `Mixture.condition` returns it.",
    "mixture.StructureTable": "to register what belongs to a covariance structure of your own, as `FORMS` and `STRUCTURES` do.",
    "univariate.Fit": "you need not make one yourself; `univariate.em` returns it.",
    "multivariate.Fit": "you need not make one yourself; `multivariate.em` returns it.",
    "statistics.FullForm": "you need not make one yourself; `FORMS[\"full\"]` is one.",
    "statistics.LinearForm": "as the base of a form of your own whose components share one covariance.",
    "statistics.TiedForm": "you need not make one yourself; `FORMS[\"tied\"]` is one.",
    "statistics.DiagForm": "you need not make one yourself; `FORMS[\"diag\"]` is one.",
    "statistics.SphericalForm": "you need not make one yourself; `FORMS[\"spherical\"]` is one.",
    "structures.PooledDiagForm": "you need not make one yourself; `FORMS[\"EEI\"]` is one.",
    "structures.PooledSphericalForm": "you need not make one yourself; `FORMS[\"EII\"]` is one.",
    "em.Objective": "as the base of something else that EM is to climb; `LIKELIHOOD` is one, and `KnownBefore` extends it.",
    "acceleration.Point": "when you write an acceleration of your own: it is what one pass says of a mixture.",
    "acceleration.Slope": "you need not make one yourself; `Curvature.see` returns it.",
    "acceleration.Curvature": "when you write an acceleration of your own: it learns from each pass how the log-likelihood bends.",
    "missing.Picked": "in the place of an array of which only some rows and columns are wanted, block by block.",
    "missing.Pattern": "you need not make one yourself; `patterns_and_groups` makes one of each common pattern of holes.",
    "missing.Places": "you need not make one yourself; `Group.at` returns it.",
    "prior.KnownBefore": "as the objective of `climb` or `em_steps` with a prior, fixed parts or labels. `objective_of` makes one.",
    "variational.Surrogate": "you need not make one yourself; `Posterior.surrogate` is one.",
    "variational.Predictive": "for log-densities of new rows that take the uncertainty of the parameters into account.",
    "estimator.FirstRows": "you need not make one yourself; `partial_fit` keeps one while few rows have come.",
    "estimator.Stream": "you need not make one yourself; `next_state` returns it: the state of a stream, and its first rows while they are few.",
    "estimator.FittedAttributes": "a part of `GaussianMixture`; use that one, or extend it for an estimator of your own.",
}
