"""Tables that commands print, with a line for each row however narrow the terminal is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.console import Console
from rich.table import Table


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = ()) -> None:
    """Print a table to standard output.

    Args:
        columns: their headings.
        rows: one text for each column.
        numbers: columns whose texts are aligned on the right.
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    console.width = 1000  # a path cut in pieces is no use; the terminal wraps what is too long for it
    console.print(table)
