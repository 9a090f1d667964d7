"""``make bench``: every row as a ratio to a reference that ran in the same minutes, beside its target."""

from __future__ import annotations

import sys

from bench import rows_buy, rows_checkout, rows_links, rows_pages, rows_quote

COLUMNS = ("job", "reference", "figure", "reference_figure", "ratio", "target", "spread")
HEADINGS = ("job", "reference", "figure", "reference", "ratio", "target", "spread")
MODULES = (rows_links, rows_quote, rows_pages, rows_buy, rows_checkout)


def main(wanted: list[str]) -> int:
    """Rows whose job holds one of the words given, or all of them."""
    rows: list[list[str]] = []
    for module in MODULES:
        for measure in module.ROWS:
            if wanted and not any(word in measure.__name__ for word in wanted):
                continue
            row = measure()
            rows.append([str(row.get(column, "")) for column in COLUMNS])
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    _print([list(HEADINGS), *rows])
    return 0


def _print(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
