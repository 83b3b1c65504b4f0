"""Definitions: the asset graph for one set of settings. Dagster's UI loads `defs` from here."""

import dagster as dg

from spnst_core.recipes import Recipe
from spnst_pipeline.assets.catalog import content_image, style_image
from spnst_pipeline.assets.evaluation import metric_table_asset, metrics_asset
from spnst_pipeline.assets.gallery import gallery_asset, sheet_assets
from spnst_pipeline.assets.structure import depth_map, edge_map
from spnst_pipeline.assets.style import style_grams
from spnst_pipeline.assets.stylization import pastiche_asset
from spnst_pipeline.automation import refresh_gallery, stylize
from spnst_pipeline.progress import Listener, LogListener
from spnst_pipeline.resources import Project, load_recipes
from spnst_pipeline.settings import Settings


def build(recipes: tuple[Recipe, ...], project: Project | dg.ResourceDefinition, listener: Listener) -> dg.Definitions:
    """The whole graph. Steps share one process, and with it the loaded networks."""
    return dg.Definitions(
        assets=[
            content_image,
            style_image,
            depth_map,
            edge_map,
            style_grams,
            *map(pastiche_asset, recipes),
            *map(metrics_asset, recipes),
            metric_table_asset(recipes),
            *sheet_assets(recipes),
            gallery_asset(recipes),
        ],
        jobs=[stylize, refresh_gallery],
        resources={"project": project, "listener": listener},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The graph for the settings in force, folders being read when a run starts."""
    settings = Settings.load()
    project = dg.ResourceDefinition(lambda _: Project.open(settings))
    return build(load_recipes(settings), project, LogListener())
