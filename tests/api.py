"""nbs/reference.ipynb from the modules: `python tests/api.py` writes it, `tests/test_api.py` compares.

Each public name with its signature as it stands in the module, comments and all, since these tell shapes and units; its
docstring, with links to the equations and the references that it names; and the place where it is derived."""
import ast
import json
import re
import sys

from chapters import NBS, ROOT, Notebook, slug

PAGE = NBS / "reference.ipynb"
ALL = [Notebook(path) for path in sorted(NBS.glob("[0-9][0-9]_*.ipynb"))]
CHAPTERS = [chapter for chapter in ALL if chapter.module]  # the others export nothing
NAME = r"(?:von )?[A-Z][^\W\d_]+(?:-[A-Z][^\W\d_]+)*"
CITATION = re.compile(rf"({NAME}(?:(?:, (?:and )?| & | and ){NAME})*)(?:['’]s(?: [a-z]+)?)?,? \(?((?:18|19|20)\d\d)\b(?! ?[%×])")
START = {  # the names that most people come for, and for what
    "Fit": ["estimator.GaussianMixture", "acceleration.fit_mixture", "initialization.start_mixture"],
    "Ask": ["mixture.Mixture", "em.Result", "em.Step"],
    "Draw": ["plotting.plot_fit", "plotting.plot_mixture", "plotting.plot_density", "plotting.plot_responsibilities",
             "plotting.plot_pairs", "plotting.plot_trace", "plotting.animate_em"],
    "Load": ["tables.read_table", "tables.load_faithful", "tables.load_iris"],
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


def linked(text):
    "Equations and citations of a docstring as links"
    text = re.sub(r"(?:Eq\. )?\((eq-[\w-]+)\)", lambda m: f"[Eq. ({m[1]})]({LABELS[m[1]]}#{m[1]})" if m[1] in LABELS else m[0], text.replace("*", r"\*"))
    return CITATION.sub(lambda m: f"[{m[0]}{')' if '(' in m[0] else ''}](references.ipynb)", text).replace("](references.ipynb))", "](references.ipynb)")


def inherited(node, homes):
    "What a class has from classes of the package, as links"
    bases = [base.id for base in getattr(node, "bases", []) if isinstance(base, ast.Name) and base.id in homes]
    links = " and ".join(f"[{homes[name]}.{name}](#{homes[name]}.{name.lower()})" for name in bases)
    return f"Also has all that is in {links}." if links else ""


def entry(module, names, node, lines, chapter, place, homes):
    "The Markdown of one name"
    heading = place[names[0]]
    anchor = re.search(r"\{#([\w-]+)\}", heading)
    heading = re.sub(r"\s*\{#.*", "", heading)
    where = f"[{heading}]({chapter.name}#{anchor[1] if anchor else slug(heading)})" if heading else f"[the chapter]({chapter.name})"
    parts = [f"### {', '.join(f'{module}.{name}' for name in names)}"]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and has_docstring(node): parts.append(linked(docstring(node)))
    parts.append("\n".join(["```python", *stub(node, lines), "```"]))
    inner = [label for child in getattr(node, "body", []) if isinstance(node, ast.ClassDef) and isinstance(child, ast.FunctionDef)
             for label in equations(docstring(child))]
    more = "".join(f", [{label}]({LABELS[label]}#{label})" for label in dict.fromkeys(inner))
    return "\n\n".join([*parts, f"From: {where}{more}. {inherited(node, homes)}".rstrip()])


# ---- the page

def table(known):
    "The names to start with, and what they are for"
    rows = ["| | name | what it does |", "|:--|:--|:--|"]
    for purpose, names in START.items():
        for i, name in enumerate(names):
            text = linked(docstring(known[name]).split("\n")[0].replace("|", r"\|"))
            rows.append(f"| {'' if i else purpose} | [{name}](#{name.lower()}) | {text} |")
    return "\n".join(rows)


INTRO = """What is there, what does it take, and what does it return? Here is every public name of every module, in the order of the chapters, with its signature as it stands in the code. The comments in a signature tell the shape and the meaning of each argument: n rows, d columns, K components, components as rows. The text above it names the errors and the equation or the paper that it comes from, and the line below it leads to the place where it is derived.

`GaussianMixture`, `Mixture`, `fit_mixture`, `load_faithful` and `load_iris` can be imported from `gmm_nb` itself, everything from its module. Where most people start:"""


def cells():
    "The cells of the page as pairs of a kind and a source"
    known, homes, bodies = {}, {}, []
    for chapter in CHAPTERS:
        statements, lines, summary = public(chapter.module)
        place = places(chapter)
        known |= {f"{chapter.module}.{name}": node for names, node in statements for name in names}
        homes |= {name: chapter.module for names, node in statements for name in names if isinstance(node, ast.ClassDef)}
        title = chapter.markdown[0].splitlines()[0].removeprefix("# ")
        bodies.append(("markdown", f"## gmm_nb.{chapter.module}\n\n{linked(summary)}. Chapter: [{title}]({chapter.name})."))
        bodies += [("markdown", entry(chapter.module, names, node, lines, chapter, place, homes)) for names, node in statements]
    return [("markdown", "# Reference\n\n> Every public name with its signature, its shapes, its errors and its source"),
            ("raw", "---\ntoc-depth: 2\n---"), ("markdown", INTRO), ("markdown", table(known)), *bodies]


def notebook():
    "The text of the notebook file"
    found = []
    for number, (kind, source) in enumerate(cells()):
        found.append({"cell_type": kind, "id": f"ref{number:05d}", "metadata": {}, "source": source.splitlines(True)})
    meta = {"kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": found, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main():
    PAGE.write_text(notebook(), encoding="utf-8")


if __name__ == "__main__": sys.exit(main())
