"""The loss terms: one module for each, and `term` for what they have in common.

To add a term, write a subclass of `term.LossTerm` and name it in `spnst_core.recipes.terms`, or from a package of your
own under the entry point group ``spnst.loss_terms``. Recipes can then give it a weight.
"""
