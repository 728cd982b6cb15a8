"Tables: rows of plain values with a heading and a format for each column."
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Column(NamedTuple):
    "One column: the key in the rows, what stands above it, and a format specification."
    key: str
    heading: str
    spec: str = ""


@dataclass(frozen=True)
class Table:
    "Rows of numbers, words, truth values and None (where there is nothing to say), with the columns that show them."
    name: str
    title: str
    columns: list[Column]
    rows: list[dict]

    def as_json(self) -> dict:
        "Only lists, dictionaries and plain values."
        return {"name": self.name, "title": self.title, "columns": [list(column) for column in self.columns],
                "rows": [{key: _plain(value) for key, value in row.items()} for row in self.rows]}

    def __str__(self) -> str:
        cells = [[column.heading for column in self.columns]]
        cells += [[shown(row.get(column.key), column.spec) for column in self.columns] for row in self.rows]
        widths = [max(len(line[j]) for line in cells) for j in range(len(self.columns))]
        left = [all(isinstance(row.get(column.key), (str, type(None))) for row in self.rows) for column in self.columns]
        lines = ["  ".join(cell.ljust(w) if to_left else cell.rjust(w) for cell, w, to_left in zip(line, widths, left)).rstrip()
                 for line in cells]
        return "\n".join([self.title, lines[0], "-" * max(map(len, lines)), *lines[1:]])


def shown(value, spec: str) -> str:
    "A value as text: a dash for None, yes or no for a truth value, otherwise by the format."
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value, "" if isinstance(value, str) else spec)


def _plain(value):
    "NumPy's numbers as Python's, rounded to six digits: more are noise in a timing."
    value = value.item() if hasattr(value, "item") else value
    return float(f"{value:.9g}") if isinstance(value, float) else value
