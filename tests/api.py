"""The reference from the modules: `python tests/api.py` writes nbs/reference.ipynb and a page a module in nbs/api/,
`tests/test_api.py` compares.

Each public name with its signature; its docstring, with links to the equations and the references that it names; a table
of its arguments from the comments beside them, since these tell shapes and units; for a class, when to use it; an example,
which is run as a test; and the place where it is derived."""
import ast
import json
import re
import sys

from chapters import NBS, ROOT, Notebook, slug
from examples import WHEN, examples_of

PAGE, FOLDER = NBS / "reference.ipynb", NBS / "api"
ALL = [Notebook(path) for path in sorted(NBS.glob("[0-9][0-9]_*.ipynb"))]
CHAPTERS = [chapter for chapter in ALL if chapter.module]  # the others export nothing
NAME = r"(?:von )?[A-Z][^\W\d_]+(?:-[A-Z][^\W\d_]+)*"
CITATION = re.compile(rf"({NAME}(?:(?:, (?:and )?| & | and ){NAME})*)(?:['’]s(?: [a-z]+)?)?,? \(?((?:18|19|20)\d\d)\b(?! ?[%×])")
START = {  # the names that most people come for, and for what
    "Fit": ["estimator.GaussianMixture", "bayesian.BayesianGaussianMixture", "regression.GaussianMixtureRegressor", "acceleration.fit_mixture",
            "initialization.start_mixture"],
    "Choose": ["estimator.GaussianMixtureSelection", "selection.likelihood_ratio_test", "selection.standard_errors"],
    "Ask": ["mixture.Mixture", "em.Result", "em.Step"],
    "Draw": ["plotting.plot_fit", "plotting.plot_mixture", "plotting.plot_density", "plotting.plot_responsibilities",
             "plotting.plot_pairs", "plotting.plot_trace", "plotting.animate_em"],
    "Load": ["tables.read_table", "tables.load_faithful", "tables.load_iris", "sources.source_of"],
    "Build": ["statistics.prepare", "e_step.e_step", "statistics.Statistics", "covariance.m_step", "em.em_steps", "em.run"],
    "Compare": ["univariate.em", "multivariate.em"],
}


# ---- what a module says

def docstring(node):
    "The docstring in one paragraph for each of its paragraphs"
    text = ast.get_docstring(node) or ""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def head(node, lines):
    "The lines of a function or a method from its decorators to its signature, without the margin"
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    inline = node.body[0].lineno == node.lineno
    text = [lines[node.lineno - 1]] if inline else lines[first - 1:node.body[0].lineno - 1]
    margin = len(text[0]) - len(text[0].lstrip())
    text = [line[margin:].rstrip() for line in text]
    if inline: text = [f"@{ast.unparse(d)}" for d in node.decorator_list] + text
    return [line for line in text if line.strip()]


def has_docstring(node): return ast.get_docstring(node) is not None


def member(node, lines):
    "A field, a property or a public method in the stub of a class, or nothing"
    if isinstance(node, (ast.AnnAssign, ast.Assign)):
        return [lines[i - 1][4:].rstrip() for i in range(node.lineno, node.end_lineno + 1)]
    if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") and node.name not in ("__init__", "__add__"): return []
    text = head(node, lines)
    if has_docstring(node): text.append(f'    "{docstring(node)}"')
    return ["", *text]


def stub(node, lines):
    "The code that shows how a name is used: a signature, the fields and methods of a class, or the value of a constant"
    if isinstance(node, ast.FunctionDef): return head(node, lines)
    if isinstance(node, ast.ClassDef):
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        text = [line.rstrip() for line in lines[first - 1:node.body[0].lineno - 1]]
        inside = [line for child in node.body for line in member(child, lines)]
        if inside and not inside[0]: inside = inside[1:]
        return text + [f"    {line}".rstrip() for line in inside]
    value = node.value
    if node.end_lineno - node.lineno > 9 and isinstance(value, ast.Dict):
        return [f"{node.targets[0].id} = {{{', '.join(f'{ast.unparse(key)}: …' for key in value.keys)}}}"]
    return [line.rstrip() for line in lines[node.lineno - 1:node.end_lineno]]


def signature(node):
    "The signature of a function in code, one argument a line where it is long"
    arguments = ast.unparse(node.args)
    back = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    line = f"def {node.name}({arguments}){back}"
    if len(line) <= 88: return [line]
    tree = node.args
    cut = [ast.unparse(ast.arguments([], [a], None, [], [], None, [d] if d is not None else []))
           for a, d in zip([*tree.posonlyargs, *tree.args], [None] * (len(tree.posonlyargs + tree.args) - len(tree.defaults)) + tree.defaults)]
    if tree.vararg: cut.append(f"*{ast.unparse(tree.vararg)}")
    elif tree.kwonlyargs: cut.append("*")
    cut += [ast.unparse(ast.arguments([], [], None, [a], [d], None, [])).removeprefix("*, ") for a, d in zip(tree.kwonlyargs, tree.kw_defaults)]
    if tree.kwarg: cut.append(f"**{ast.unparse(tree.kwarg)}")
    return [f"def {node.name}(", *(f"    {one}," for one in cut), f"){back}"]


def comment(line):
    "The comment at the end of a line, outside of strings"
    found = re.match(r"""(?:[^#"']|"[^"]*"|'[^']*')*#\s*(.*)$""", line)
    return found[1].strip() if found else ""


def arguments(node, lines):
    "Rows (name, default, meaning) for the arguments of a function that have a comment beside them, and for its result"
    tree = node.args
    every = [*tree.posonlyargs, *tree.args, *filter(None, [tree.vararg]), *tree.kwonlyargs, *filter(None, [tree.kwarg])]
    defaults = dict(zip([a.arg for a in [*tree.posonlyargs, *tree.args]][::-1], tree.defaults[::-1]))
    defaults |= {a.arg: d for a, d in zip(tree.kwonlyargs, tree.kw_defaults) if d is not None}
    rows, first = [], node.lineno
    for argument in every:
        last = max(argument.end_lineno, defaults[argument.arg].end_lineno if argument.arg in defaults else 0)
        alone = sum(other.lineno == argument.lineno for other in every) == 1
        text = comment(lines[last - 1]) if alone and last > first else ""
        if argument.arg not in ("self", "cls"):
            rows.append((argument.arg, ast.unparse(defaults[argument.arg]) if argument.arg in defaults else "", text))
    end = next((i for i in range(first, node.body[0].lineno + 1) if re.match(r"\s*\)?.*\)(\s*->.*)?:\s*(#|$)", lines[i - 1])), None)
    back = comment(lines[end - 1]) if end and not (end == first and len(every) > 1 and node.returns is None) else ""
    if not any(text for _, _, text in rows) and not back: return []
    return rows + ([("returns", "", back)] if back else [])


def argument_table(rows):
    cell = lambda text: linked(text, "../").replace("|", r"\|")
    lines = ["| argument | default | meaning |", "|:--|:--|:--|"]
    code = lambda text: "`" + text.replace("|", r"\|") + "`"
    return "\n".join(lines + [f"| {code(name) if name != 'returns' else '*returns*'} | {code(default) if default else ''} | {cell(text)} |" for name, default, text in rows])


def names_of(node):
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)): return [node.name]
    if not isinstance(node, ast.Assign): return []
    return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def public(module):
    "Pairs of names and the statement that defines them, in the order of the module, and the module's lines"
    text = (ROOT / "gmm_nb" / f"{module}.py").read_text(encoding="utf-8")
    tree = ast.parse(text)
    every = next(ast.literal_eval(node.value) for node in tree.body if names_of(node) == ["__all__"])
    found = [([name for name in names_of(node) if name in every], node) for node in tree.body]
    return [(names, node) for names, node in found if names], text.splitlines(), ast.get_docstring(tree).splitlines()[0]


# ---- where a chapter derives it

def places(chapter):
    "name -> the heading under which the cell that defines it stands"
    heading, found = "", {}
    for cell in chapter.cells:
        if cell.kind == "markdown":
            for line in re.sub(r"^(```|:::).*?^\1$", "", cell.source, flags=re.M | re.S).splitlines():
                if match := re.match(r"##+ (.+)", line): heading = match[1]
        elif cell.exported:
            for node in ast.parse(cell.source).body:
                for name in names_of(node): found[name] = heading
    return found


LABELS = {label: chapter.name for chapter in ALL for label in chapter.labels}


def equations(text):
    return [label for label in dict.fromkeys(re.findall(r"\((eq-[\w-]+)\)", text)) if label in LABELS]


def linked(text, up=""):
    "Equations and citations of a docstring as links; `up` leads from the page to the folder of the notebooks"
    text = re.sub(r"(?:Eq\. )?\((eq-[\w-]+)\)", lambda m: f"[Eq. ({m[1]})]({up}{LABELS[m[1]]}#{m[1]})" if m[1] in LABELS else m[0], text.replace("*", r"\*"))
    work = f"]({up}references.ipynb)"
    return CITATION.sub(lambda m: f"[{m[0]}{')' if '(' in m[0] else ''}{work}", text).replace(f"{work})", work)


def inherited(node, homes):
    "What a class has from classes of the package, as links"
    bases = [base.id for base in getattr(node, "bases", []) if isinstance(base, ast.Name) and base.id in homes]
    links = " and ".join(f"[{homes[name]}.{name}]({homes[name]}.ipynb#{name})" for name in bases)
    return f"Also has all that is in {links}." if links else ""


def anchor(name):
    return re.sub(r"\W", "", name)


def when(module, node, makers):
    "A line on when to use a class: what is known of it, or what returns it, or what it is a part of"
    key = f"{module}.{node.name}"
    if key in WHEN: return f"**When to use it:** {WHEN[key]}"
    made = [name for name in makers.get(node.name, []) if name.split(".")[-1] != node.name and not name.split(".")[-1].startswith("_")][:2]
    if made: return f"**When to use it:** you need not make one yourself; {' and '.join(f'`{name}`' for name in made)} {'return' if len(made) > 1 else 'returns'} it."
    heirs = makers.get(f"<{node.name}", [])
    if heirs: return f"**When to use it:** a part of `{heirs[-1]}`, which extends it; use that one."
    return ""  # the tests refuse it


def entry(module, names, node, lines, chapter, place, homes, makers, examples):
    "The Markdown of one name"
    heading = place[names[0]]
    there = re.search(r"\{#([\w-]+)\}", heading)
    heading = re.sub(r"\s*\{#.*", "", heading)
    where = f"[{heading}](../{chapter.name}#{there[1] if there else slug(heading)})" if heading else f"[the chapter](../{chapter.name})"
    parts = [f"## {', '.join(names)} {{#{anchor(names[0])}}}"]
    if names[1:]: parts.append("".join(f"[]{{#{anchor(name)}}}" for name in names[1:]))
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and has_docstring(node): parts.append(linked(docstring(node), "../"))
    if isinstance(node, ast.ClassDef): parts.append(when(module, node, makers))
    code = signature(node) if isinstance(node, ast.FunctionDef) else stub(node, lines)
    parts.append("\n".join(["```python", *code, "```"]))
    if isinstance(node, ast.FunctionDef) and (rows := arguments(node, lines)): parts.append(argument_table(rows))
    parts += [f"{announced(one, names[0], examples[0])}\n\n{example(one)}" for one in examples if names[0] in one.names]
    inner = [label for child in getattr(node, "body", []) if isinstance(node, ast.ClassDef) and isinstance(child, ast.FunctionDef)
             for label in equations(docstring(child))]
    more = "".join(f", [{label}](../{LABELS[label]}#{label})" for label in dict.fromkeys(inner))
    return "\n\n".join([*parts, f"Derived in: {where}{more}. {inherited(node, homes)}".rstrip()])


def example(one):
    "An example as code and what it prints, one after the other"
    return "\n\n".join(f"```{kind}\n{text}\n```" for kind, text in one.blocks())


def made(one):
    "The names that an example assigns or defines, in their order"
    return [*dict.fromkeys(name for piece in one.pieces for node in ast.parse(piece.source).body for name in names_of(node))]


def listed(words): return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def announced(one, name, begin):
    "What stands above an example: for which other names it is, and what it has from the first lines of the page"
    line, others = "An example", [f"[{other}](#{anchor(other)})" for other in one.names if other != name]
    given = [f"`{name}`" for name in made(begin) if name in one.used()[True] and name not in made(one)]
    if others: line += f", also of {listed(others)}"
    if given: line += f", with {listed(given)} from the [first lines](#first-lines)"
    return f"{line}:"


# ---- the page

def address(name):
    module, _, name = name.partition(".")
    return f"api/{module}.ipynb#{anchor(name)}"


def first_line(node):
    return linked(docstring(node).split("\n")[0].replace("|", r"\|")) if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else "A constant."


def table(known):
    "The names to start with, and what they are for"
    rows = ["| for | name | what it does |", "|:--|:--|:--|"]
    for purpose, names in START.items():
        for i, name in enumerate(names): rows.append(f"| {'' if i else purpose} | [{name}]({address(name)}) | {first_line(known[name])} |")
    return "\n".join(rows)


INTRO = """What is there, what does it take, and what does it return? There is a page for each module, with all its public names in its contents: the signature, what each argument is, an example, the errors, the equation or the paper that it comes from, and the place where it is derived. Shapes: n rows, d columns, K components, components as rows.

The classes and `fit_mixture`, `load_faithful` and `load_iris` can be imported from `gmm_nb` itself, everything from its module. Where most people start:"""


def returned(known):
    "Class -> the functions that say they return it; <class -> the classes that extend it"
    found = {}
    for name, node in known.items():
        module = name.split(".")[0]
        for base in getattr(node, "bases", []): found.setdefault(f"<{ast.unparse(base)}", []).append(node.name)
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            for result in re.findall(r"\w+", ast.unparse(node.returns)): found.setdefault(result, []).append(f"{module}.{node.name}")
    return found


def pages():
    "Notebook -> its cells as pairs of a kind and a source"
    known, homes, read = {}, {}, {}
    for chapter in CHAPTERS:
        read[chapter.module] = statements, _, _ = public(chapter.module)
        known |= {f"{chapter.module}.{name}": node for names, node in statements for name in names}
        homes |= {name: chapter.module for names, node in statements for name in names if isinstance(node, ast.ClassDef)}
    makers, overview, found, first = returned(known), [], {}, {name for names in START.values() for name in names}
    for chapter in CHAPTERS:
        module, place = chapter.module, places(chapter)
        statements, lines, summary = read[module]
        statements = sorted(statements, key=lambda one: not any(f"{module}.{name}" in first for name in one[0]))  # what most readers look for
        title = chapter.markdown[0].splitlines()[0].removeprefix("# ")
        begin = examples_of(module)[:1]
        begins = "".join(f" []{{#first-lines}}The examples on this page begin with these lines:\n\n{example(one)}" for one in begin)
        shown = [f"[`` {name} ``]({address(f'{module}.{name}')})" for names, _ in statements for name in names]
        overview.append(("markdown", f"## gmm_nb.{module} {{#{module}}}\n\n{linked(summary)}. Page: [gmm_nb.{module}](api/{module}.ipynb). "
                                     f"Chapter: [{title}]({chapter.name}).\n\n{' · '.join(shown)}"))
        found[FOLDER / f"{module}.ipynb"] = [
            ("markdown", f"# gmm_nb.{module}\n\n> {summary.replace(chr(96), str())}"), ("raw", "---\ntoc-depth: 2\n---"),
            ("markdown", f"Derived in the chapter [{title}](../{chapter.name}).{begins}"),
            *(("markdown", entry(module, names, node, lines, chapter, place, homes, makers, examples_of(module))) for names, node in statements)]
    found[PAGE] = [("markdown", "# Reference\n\n> A page for each module: every public name with its arguments, its errors and its source"),
                   ("raw", "---\ntoc-depth: 2\n---"), ("markdown", INTRO), ("markdown", table(known)), *overview]
    return found


def notebook(cells):
    "The text of a notebook file"
    found = []
    for number, (kind, source) in enumerate(cells):
        found.append({"cell_type": kind, "id": f"ref{number:05d}", "metadata": {}, "source": source.splitlines(True)})
    meta = {"kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": found, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main():
    FOLDER.mkdir(exist_ok=True)
    found = pages()
    for old in {*FOLDER.glob("*.ipynb")} - found.keys(): old.unlink()
    for path, cells in found.items(): path.write_text(notebook(cells), encoding="utf-8")


if __name__ == "__main__": sys.exit(main())
