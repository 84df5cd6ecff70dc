"""The decision table of the design, as it is written there: the tests' own source."""

from typing import Final, Literal

Column = Literal["read", "command (start, stop)", "delete", "create", "purchase"]
Row = Literal[
    "throttled",
    "provably never sent",
    "5xx, reset, timeout, cut or unreadable reply",
    "not found, invalid, denied, limit",
]

_TABLE: Final = """
| what happened | read | command (start, stop) | delete | create | purchase |
|---|---|---|---|---|---|
| throttled | retry | retry | retry | retry | retry |
| provably never sent | retry | retry | retry | retry | retry |
| 5xx, reset, timeout, cut or unreadable reply | retry | retry, the effect is the same \
| retry; then not found = done | look, then decide | look, then decide; never send again |
| not found, invalid, denied, limit | raise | raise | raise | raise | raise |
"""


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _parsed() -> dict[tuple[str, str], str]:
    heads, _, *rows = map(_cells, _TABLE.strip().splitlines())
    return {
        (row[0], column): cell
        for row in rows
        for column, cell in zip(heads[1:], row[1:], strict=True)
    }


CELLS: Final = _parsed()
"""What to do, by row and column."""


def cell(row: Row, column: Column) -> str:
    """Give what the design says, such as ``retry``."""
    return CELLS[row, column]
