"""spnst: structure-preserving neural style transfer as a PyTorch library.

```python
import spnst_core as sp

models = sp.load_models("embedded", device="auto")
result = sp.stylize("content.jpg", "style.jpg", recipe="structure", models=models)
result.image.save("pastiche.png")
```
"""

import sys
from importlib.metadata import PackageNotFoundError, version

from spnst_core.compute.process import limit_spinning

if "torch" not in sys.modules:  # the imports below import it
    limit_spinning()

from spnst_core import models
from spnst_core.errors import InputError
from spnst_core.imaging.band import Band
from spnst_core.imaging.blend import Blend
from spnst_core.imaging.region import Region
from spnst_core.models.profiles import Models, load_models
from spnst_core.objective import losses
from spnst_core.objective.targets import ContentTargets, StyleTargets
from spnst_core.optim.optimize import Iterate, optimize
from spnst_core.recipes.recipe import Growth, Recipe, Stage, Weights
from spnst_core.stylize import Result, stylize, stylize_grid

try:
    __version__ = version("spnst")
except PackageNotFoundError:  # a source tree that isn't installed
    __version__ = "0+unknown"

__all__ = [
    "Band",
    "Blend",
    "ContentTargets",
    "Growth",
    "InputError",
    "Iterate",
    "Models",
    "Recipe",
    "Region",
    "Result",
    "Stage",
    "StyleTargets",
    "Weights",
    "__version__",
    "load_models",
    "losses",
    "models",
    "optimize",
    "stylize",
    "stylize_grid",
]
