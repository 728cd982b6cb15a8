"""Before Quarto renders: the processed notebooks in _proc/ made quiet. Quarto calls it (`pre-render` in _quarto.yml).

nbdev puts a link on every backticked name, shows the signature of an exported function above its source, and folds
nothing. Here a name inside a link stays part of that link, private names and words that are options get none, source is
shown once under the function's name, and helpers and checks are folded under a line that says what they are. The
notebooks in nbs/ are not touched, and a second run changes nothing."""
import ast
import io
import json
import os
import re
import sys
import tokenize
from pathlib import Path

SITE = "https://gmm-nb.github.io/gmm_nb/"
OPTIONS = {"full", "tied", "diag", "spherical"}  # values of an argument, even where a function has the same name
LONG = 12  # lines from which a cell that asserts is folded; a shorter one reads as an example
NAME = r"\[`(?P<name>[^`\n]+)`\]\((?P<url>" + re.escape(SITE) + r"[^)\s]*)\)"
DOC = re.compile(r"^show_doc\(([\w.]+)", re.M)


# ---- links

def join_links(text):
    "A link that nbdev made inside the text of another one: the outer one counts"
    inner = re.sub(r"\(\?P<\w+>", "(", NAME)
    outer = re.compile(rf"\[(?P<text>(?:[^\[\]\n`]|`[^`\n]*`|{inner})*?{inner}(?:[^\[\]\n`]|`[^`\n]*`|{inner})*)\](?=\()")
    return outer.sub(lambda m: "[" + re.sub(NAME, r"`\g<name>`", m["text"]) + "]", text)


def is_option(name, url):
    return name in OPTIONS and url.endswith(f"#{name}")


def drop_links(text):
    "Names without documentation of their own, and options, are no links; links to own pages are relative"
    def one(match):
        name, url = match["name"], match["url"]
        if "#_" in url or is_option(name, url): return f"`{name}`"
        return match[0]
    return re.sub(NAME, one, text)


def relative(text, depth, pages):
    """Absolute links to pages of this site as links between notebooks, which Quarto can check. `pages` maps a page to its
    notebook and the names that have an anchor there; a method without one leads to its class."""
    def one(match):
        if match[1] not in pages: return match[0]
        source, anchors = pages[match[1]]
        anchor = match[2] or ""
        if anchor[1:] not in anchors and anchor[1:].split(".")[0] in anchors: anchor = anchor.split(".")[0]
        return f"]({'../' * depth}{source}{anchor})"
    return re.sub(r"\]\(" + re.escape(SITE) + r"([\w/-]+\.html)(#[^)\s]*)?\)", one, text)


def mend_links(text, depth=0, pages={}):
    "The text of a cell with mended links; code is left alone"
    parts = re.split(r"(^```.*?^```[^\n]*$)", text, flags=re.M | re.S)
    return "".join(part if part.startswith("```") else relative(drop_links(join_links(part)), depth, pages) for part in parts)


# ---- cells

def options(source):
    return dict(re.findall(r"^#\|\s*([\w-]+):\s*(.*)$", source, re.M))


def without_options(source):
    return re.sub(r"^(#\|[^\n]*\n?)+", "", source)


def called(tree):
    return list(dict.fromkeys(node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)))


def listed(names, most=3):
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def heading(text):
    "The last heading of a text cell as plain words, or nothing"
    text = re.sub(r"^(```+|:::+).*?^\1[^\n]*$", "", text, flags=re.M | re.S)
    found = re.findall(r"^#{1,6} +(.+?)\s*(?:\{[^{}]*\})?\s*$", text, re.M)
    return re.sub(r"\[([^\[\]]*)\]\([^)]*\)|[`*$]", r"\1", found[-1]) if found else ""


def summary(source, public, outputs=(), opening=False, section="", guide=False):
    """The line under which a cell is folded, or None where it is shown: imports, helpers, checks. `public` are the
    names that the notebook exports: a check says which of them it checks, or the `section` where it names none. A
    function that a cell defines and shows at work is a lesson; one in the opening of a page, before its first section,
    is a helper. In a `guide` what prints is what the reader came for, and shown."""
    code = without_options(source)
    try: tree = ast.parse(code)
    except SyntaxError: return None  # shell commands and magics are for reading
    plain = [node for node in tree.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    if plain and all(isinstance(node, (ast.Import, ast.ImportFrom)) or called(node) == ["use_style"] for node in plain):
        return "Imports of this page"
    if any(isinstance(value, str) for output in outputs for value in output.get("data", {}) if value.startswith("image/")): return None
    checks = sum(isinstance(node, ast.Assert) or isinstance(node, ast.Call) and "assert" in ast.unparse(node.func) for node in ast.walk(tree))
    helpers = [node.name for node in plain if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    if helpers: return f"Helpers of this page: {listed(helpers)}" if opening and not outputs else None
    if not checks or outputs and (guide or len(code.splitlines()) < LONG): return None
    names = [name for name in dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)) if name in public]
    few = 4 * checks < sum(isinstance(node, ast.stmt) for node in ast.walk(tree))
    if outputs and few and not names: return None  # a computation that ends in a check
    return f"Check of {listed(names)}" if names else f"Check of “{section}”" if section else "Check of what this page says"


def decorator_comments(source, name):
    "The comments on the decorators of a function, `f` or `Class.f`: nbdev takes them for the description of its result"
    try: tree = ast.parse(without_options(source))
    except SyntaxError: return set()
    lines = {line for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name.split(".")[-1] and node.decorator_list
             for line in range(node.decorator_list[0].lineno, node.lineno)}
    tokens = tokenize.generate_tokens(io.StringIO(without_options(source)).readline)
    return {token.string.lstrip("# ").rstrip() for token in tokens if token.type == tokenize.COMMENT and token.start[0] in lines}


def part_of(found):
    "What a folded cell makes, by the label among its options"
    return {"fig": "figure", "tbl": "table"}.get(found.get("label", "").split("-")[0], "output")


def quiet_doc(output, shown, strange=()):
    """The output of show_doc: a heading with its link to the source and, where the source is not shown, signature and
    text. The comments in `strange` describe no result."""
    data = output.get("data", {})
    text = "".join(data.get("text/markdown", ""))
    text = re.sub(r"\A---\n+", "", text)
    text = re.sub(r"^(#{2,5} [\w.]+)[ ]*$", r"\1 {.api}", text, count=1, flags=re.M)
    text = re.sub(r"\A(\[source\]\([^)]*\))\{[^}]*\}\n+(#{2,5} [^\n]*\n)", r"\2\n\1{.api-source}\n", text)
    for comment in strange: text = re.sub(rf"^(.*\)(?:->.*)?:) # {re.escape(comment)}$", r"\1", text, flags=re.M)
    if shown: text = (re.match(r"(#{2,5} [^\n]*\n)(\n\[source\][^\n]*\n)?", text) or [text])[0]
    data["text/markdown"] = text.splitlines(True)


def defined(source):
    "The functions and classes that a cell defines, in order"
    return re.findall(r"^(?:async )?(?:def|class) (\w+)", source, re.M)


def docs_before(cells):
    """The cells with each show_doc of a shown source before it, in the order of the source. nbdev puts all but the first
    behind it, where a heading stands over the text that follows."""
    found, left = [], list(cells)
    while left:
        cell = left.pop(0)
        names = defined("".join(cell["source"])) if "#| exports" in "".join(cell["source"]) else []
        documents = lambda other: other["cell_type"] == "code" and (match := DOC.search("".join(other["source"]))) and match[1] in names
        docs = []
        while found and documents(found[-1]): docs.append(found.pop())
        while left and documents(left[0]): docs.append(left.pop(0))
        found += sorted(docs, key=lambda doc: names.index(DOC.search("".join(doc["source"]))[1])) + [cell]
    return found


def quiet(cells, public, guide=False):
    "The cells in place: docs without what the source below them says, folds"
    opening, section = True, ""
    for i, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            opening &= not re.search(r"^##", "".join(cell["source"]), re.M)
            section = heading("".join(cell["source"])) or section
            continue
        source = "".join(cell["source"])
        if DOC.search(source):
            after = next((c for c in cells[i + 1:] if not DOC.search("".join(c["source"]))), cell)
            near = [c for c in [after, *cells[max(i - 3, 0):i]] if c["cell_type"] == "code"]
            name = DOC.search(source)[1]
            strange = set().union(*(decorator_comments("".join(c["source"]), name) for c in cells if c["cell_type"] == "code"))
            name = name.split(".")[0]
            shown = any(c.get("metadata", {}).get("exports") or "#| exports" in "".join(c["source"]) for c in near
                        if re.search(rf"^(def|class) {name}\b", "".join(c["source"]), re.M))
            for output in cell.get("outputs", []): quiet_doc(output, shown, strange)
            continue
        found = options(source)
        if "exports" in found:
            source = re.sub(r"^#\| code-(fold|summary):[^\n]*\n", "", source, flags=re.M)
        elif found.get("code-fold") == "true" and "code-summary" not in found:
            source = re.sub(r"^#\| code-fold: *true$", f'\\g<0>\n#| code-summary: "Code of this {part_of(found)}"', source, count=1, flags=re.M)
        elif not found.keys() & {"code-fold", "echo", "include", "output", "label"}:
            line = summary(source, public, cell.get("outputs", []), opening, section, guide)
            if line: source = f'#| code-fold: true\n#| code-summary: {json.dumps(line, ensure_ascii=False)}\n{source}'
        cell["source"] = source.splitlines(True)


def names_in(cells):
    "What a notebook exports, as far as its cells show"
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return set(DOC.findall(text)) | set(re.findall(r"^(?:def|class) (\w+)", "\n".join(
        "".join(cell["source"]) for cell in cells if cell.get("metadata", {}).get("exports")), re.M))


def prepare(notebook, depth=0, pages={}, guide=False):
    "A processed notebook (a dict), changed in place"
    cells = notebook["cells"] = docs_before(notebook["cells"])
    for cell in cells:
        if cell["cell_type"] == "markdown": cell["source"] = mend_links("".join(cell["source"]), depth, pages).splitlines(True)
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/markdown", ""))
            if text: output["data"]["text/markdown"] = mend_links(text, depth, pages).splitlines(True)
    quiet(cells, names_in(cells), guide)
    return notebook


def address(path, notebook):
    "The page that a notebook becomes: as its front matter says, or its own name"
    head = "".join(notebook["cells"][0]["source"]) if notebook["cells"] else ""
    match = re.search(r"^output-file: *(\S+)", head, re.M)
    return path.with_name(match[1]) if match else path.with_suffix(".html")


def main(folder=Path()):
    paths = [path for path in folder.rglob("*.ipynb") if "_docs" not in path.parts and ".ipynb_checkpoints" not in path.parts]
    notebooks = {path: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    pages = {address(path.relative_to(folder), notebook).as_posix():
             (path.relative_to(folder).as_posix(), {name.lower() for name in names_in(notebook["cells"])}) for path, notebook in notebooks.items()}
    for path, notebook in notebooks.items():
        before, times, place = json.dumps(notebook), path.stat(), path.relative_to(folder).parts
        prepare(notebook, len(place) - 1, pages, guide=place[0] == "howto")
        if json.dumps(notebook) == before: continue
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.utime(path, (times.st_atime, times.st_mtime))  # nbdev compares times to see what is stale


if __name__ == "__main__": sys.exit(main())
