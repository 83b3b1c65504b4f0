"""The networks that the losses look through."""
