"""How benches tell their figures: tables for people, and one JSON line for machines, last."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence

Cell = str | float | int | None


def percentile(values: Iterable[float], percent: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def median(values: Iterable[float]) -> float:
    return percentile(values, 50)


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """A table with the first column to the left and figures to the right."""
    lines = [list(headings), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    print(f"\n{title}")
    for number, line in enumerate(lines):
        first, *others = (text.rjust(width) for text, width in zip(line, widths, strict=True))
        print("  ".join([line[0].ljust(len(first)), *others]))
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_result(fields: Mapping[str, Cell]) -> None:
    """The last line. What could not be measured is null, never left out."""
    told = {name: _rounded(value) for name, value in fields.items()}
    print(json.dumps(told), flush=True)


def _text(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "none"
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)


def _rounded(value: Cell) -> Cell:
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value
