"""Tables for papers, in LaTeX: the same text as in the gallery, with rules of the package booktabs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

SIGNS = {"↓": r"$\downarrow$", "↑": r"$\uparrow$", "−": "$-$", "…": r"\,\ldots\,", "–": "--"}
"""Characters of our tables that pdfLaTeX has no letters for."""


def latex_table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A table as a float of LaTeX, to be read with ``\\input`` by a document that uses the package booktabs.

    Args:
        columns: headings; the first column is aligned to the left, the others to the right.
        rows: of text, as many entries each as there are columns.
        caption: above the table; may be empty.
    """
    table = pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=str)
    text = table.to_latex(
        index=False, escape=True, caption=_escaped(caption) or None, column_format="l" + "r" * (len(columns) - 1)
    )
    for sign, written in SIGNS.items():
        text = text.replace(sign, written)
    return text


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "&%$#_{}" else letter for letter in text)
