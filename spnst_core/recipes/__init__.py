"""How to make a pastiche: recipes, the built-in ones, and experiments that compare them."""
