"""Tables in LaTeX: what pdfLaTeX can read, with nothing of the text lost or taken as a command."""

from spnst_core.report.latex import SIGNS, latex_table

ROWS = [["edge error ↓", "0.240", "−65.1 %", "−74…−52 %"], ["a_b & c", "–", "100%", ""]]


def test_it_has_rules_alignment_and_a_caption():
    text = latex_table(["", "structure", "change", "95 % interval"], ROWS, "structure & gatys_2")
    assert text.startswith("\\begin{table}\n\\caption{structure \\& gatys\\_2}\n\\begin{tabular}{lrrr}\n\\toprule\n")
    assert "& structure & change & 95 \\% interval \\\\\n\\midrule\n" in text
    assert text.endswith("\\bottomrule\n\\end{tabular}\n\\end{table}\n")


def test_no_character_is_left_that_pdflatex_refuses():
    text = latex_table(["a", "b", "c", "d"], ROWS)
    assert text.isascii() and not set(SIGNS) & set(text)
    assert "edge error $\\downarrow$ & 0.240 & $-$65.1 \\% & $-$74\\,\\ldots\\,$-$52 \\% \\\\" in text
    assert "a\\_b \\& c & -- & 100\\% &  \\\\" in text
