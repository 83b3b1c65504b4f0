"""Painters: the networks that paint the styles of a recipe in one pass, each trained once for its style."""

from functools import partial

import dagster as dg

from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.assets.input_images import style_image
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Results, each
from spnst_pipeline.defs.partitions import STYLE
from spnst_pipeline.defs.training import train
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project

CHECKS = (checks.FINITE, checks.NO_CHECKERBOARD, checks.NEAR_OPTIMISER)


def painter_asset(recipe: Recipe) -> dg.AssetsDefinition:
    """The asset ``painter/<recipe>``."""
    asset = ArtefactId("painter", recipe.name)

    @dg.asset(
        key=asset.asset_key,
        partitions_def=STYLE,
        deps=[style_image],
        group_name="painters",
        kinds={"pytorch"},
        pool="gpu",
        description=f"Networks that paint one style each by the recipe {recipe.name}, in one pass. Each is trained on "
        "the project's contents and the sample contents. New contents don't train it again, a changed style does.",
        metadata={
            "file": asset.path,
            "format": "safetensors, float32: the network's weights, with the fingerprint and how it was trained",
            "shape": f"trained on views of {recipe.training_size} px; it paints pictures of any size from 32 px",
            "values": "any",
            "recipe": dg.MetadataValue.json(recipe.model_dump(mode="json")),
        },
        check_specs=[check.spec(asset.asset_key) for check in CHECKS],
    )
    def painter(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Results:
        make = partial(train, Lineage(project), listener, recipe, force=config.force)
        return each(context, make, CHECKS)

    return painter
