"The notebooks as data, for the tests of layout and site: cells, text, labels, anchors, exported code."
import ast
import json
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
LABEL = r"(?:eq|fig|tbl|sec|lst|thm|def)-[\w-]+"


def slug(heading):
    "The anchor that Pandoc makes of a heading's text"
    heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[^\w\s.-]", "", heading.lower())
    return re.sub(r"^[^a-z]+", "", re.sub(r"\s+", "-", text.strip())) or "section"


@dataclass(frozen=True)
class Cell:
    kind: str
    source: str
    outputs: tuple

    @cached_property
    def options(self):
        "The `#|` lines at the top of a code cell, by name"
        if self.kind != "code": return {}
        found = {}
        for line in self.source.splitlines():
            if not (match := re.match(r"#\|\s*([\w-]+):?\s*(.*)", line)): break
            found[match[1]] = match[2].strip().strip('"')
        return found

    @property
    def exported(self): return bool({"export", "exports"} & self.options.keys())

    @property
    def hidden(self): return "hide" in self.options or self.options.get("include") == "false"

    @property
    def pictures(self):
        return [o["data"][kind] for o in self.outputs for kind in o.get("data", {}) if kind.startswith("image/")]

    @property
    def printed(self):
        "All text in the outputs"
        texts = [o["text"] if "text" in o else o.get("data", {}).get("text/plain", "") for o in self.outputs]
        return "\n".join("".join(text) for text in texts)


class Notebook:
    def __init__(self, path):
        self.path = path
        self.name = path.relative_to(NBS).as_posix() if path.is_relative_to(NBS) else path.name  # how/to.ipynb
        raw = json.loads(path.read_text(encoding="utf-8"))["cells"]
        self.cells = [Cell(c["cell_type"], "".join(c["source"]), tuple(c.get("outputs", []))) for c in raw]

    def __repr__(self): return self.name

    @property
    def markdown(self): return [c.source for c in self.cells if c.kind == "markdown"]

    @property
    def code(self): return [c for c in self.cells if c.kind == "code"]

    @cached_property
    def prose(self):
        "All text without code: what Quarto looks for references and links in"
        text = "\n\n".join(self.markdown)
        return re.sub(r"`[^`\n]*`", "``", re.sub(r"^( *)(```+|~~~+).*?^\1\2[^\n]*$", "", text, flags=re.M | re.S))

    @cached_property
    def labels(self):
        "Every label that is defined here, as often as it is"
        found = re.findall(r"\{[^{}\n]*#(" + LABEL + r")[^{}\n]*\}", self.prose)
        return found + [c.options["label"] for c in self.code if "label" in c.options]

    @cached_property
    def anchors(self):
        "Every place of the page that a link can lead to"
        found = set(self.labels) | set(re.findall(r"\{[^{}\n]*#([\w.-]+)[^{}\n]*\}", self.prose))
        outside = re.sub(r"^:::+ *\{.*?^:::+ *$", "", self.prose_with_code, flags=re.M | re.S)  # Pandoc gives a callout's title no anchor
        for line in re.findall(r"^#{1,6}\s+(.*?)\s*$", outside, re.M):
            text = re.sub(r"\s*\{[^{}]*\}$", "", line)
            found.add(slug(text.replace("`", "")))
        return found | {name.lower() for name in self.public_names}

    @cached_property
    def prose_with_code(self):
        return re.sub(r"^( *)(```+|~~~+).*?^\1\2[^\n]*$", "", "\n\n".join(self.markdown), flags=re.M | re.S)

    @cached_property
    def module(self):
        "The name of the module that this notebook makes, or None"
        return next((c.source.split("default_exp", 1)[1].split()[0] for c in self.code if "default_exp" in c.options), None)

    @cached_property
    def exports(self): return [ast.parse(c.source) for c in self.code if c.exported]

    @property
    def public_names(self):
        "The names for which nbdev prints documentation"
        names = [node.name for tree in self.exports for node in tree.body
                 if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")]
        called = [re.match(r"show_doc\(([\w.]+)", c.source.splitlines()[-1]) for c in self.code if "show_doc(" in c.source]
        return names + [match[1] for match in called if match]


def notebooks():
    "index first, then in the order of their numbers, then those in folders"
    paths = [path for path in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    return [Notebook(path) for path in sorted(paths, key=lambda p: (p.stem != "index", p.parent != NBS, str(p)))]


def copy_tree(target):
    "A copy of the checkout without its history and without what is ignored"
    skip = shutil.ignore_patterns(".git", "node_modules", "_proc", "_docs", "__pycache__", "*.egg-info", ".ipynb_checkpoints", ".venv*",
                                  "venv", "build", "dist", ".pytest_cache", ".hypothesis", ".coverage", "htmlcov")
    return Path(shutil.copytree(ROOT, target, symlinks=True, ignore=skip))


def imports(tree):
    "(module, names) of every import in a syntax tree, at any depth"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import): yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), tuple(alias.name for alias in node.names)
