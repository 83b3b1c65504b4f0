"""Minimising the objective: optimisers, gradients and early stopping."""
