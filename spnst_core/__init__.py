"""spnst: structure-preserving neural style transfer as a PyTorch library.

import spnst_core as sp

models = sp.load_models("embedded", device="auto")
result = sp.stylize("photo.jpg", "painting.jpg", recipe=sp.Recipe.load("structure"), models=models)
result.image.save("pastiche.png")
"""

from spnst_core import models
from spnst_core.errors import InputError
from spnst_core.models.profiles import Models, load_models
from spnst_core.recipes.recipe import Recipe, Stage, Weights
from spnst_core.stylize import Result, stylize, stylize_grid

__all__ = [
    "InputError",
    "Models",
    "Recipe",
    "Result",
    "Stage",
    "Weights",
    "load_models",
    "models",
    "stylize",
    "stylize_grid",
]
