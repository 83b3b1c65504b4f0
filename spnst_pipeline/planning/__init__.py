"""Which runs make what is missing: the grid, the rectangles that cover it, and the plan."""
