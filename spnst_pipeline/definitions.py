"""Definitions: the asset graph for one set of settings. Dagster's UI loads `defs` from here."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from spnst_core.errors import InputError
from spnst_core.recipes.experiments import Experiment
from spnst_core.recipes.recipe import Recipe
from spnst_pipeline.artefacts.fingerprints import VERSIONS
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.dagster_private import with_backfill_policy
from spnst_pipeline.defs.assets.evaluation import metrics_asset
from spnst_pipeline.defs.assets.experiments import experiment_asset
from spnst_pipeline.defs.assets.gallery import gallery_asset
from spnst_pipeline.defs.assets.input_images import content_image, style_image
from spnst_pipeline.defs.assets.painters import painter_asset
from spnst_pipeline.defs.assets.sheets import sheet_assets
from spnst_pipeline.defs.assets.structure import depth_map, edge_map
from spnst_pipeline.defs.assets.style import style_grams
from spnst_pipeline.defs.assets.stylization import pastiche_assets
from spnst_pipeline.defs.assets.tables import table_assets
from spnst_pipeline.defs.automation import AT_ONCE, at_once, automation
from spnst_pipeline.defs.project_resource import project_resource
from spnst_pipeline.defs.run_log import LogListener
from spnst_pipeline.defs.sharded import sharded
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project, all_of, load_recipes
from spnst_pipeline.settings import Settings
from spnst_pipeline.shard import WHOLE, Shard


def build(
    recipes: tuple[Recipe, ...],
    project: dg.ConfigurableResource[Project],
    listener: Listener,
    batch: int,
    experiments: tuple[Experiment, ...] = (),
    drafts: tuple[Recipe, ...] = (),
    shard: Shard = WHOLE,
) -> dg.Definitions:
    """The asset graph, or that of one shard; ``batch`` partitions of a backfill share a run.

    Steps of a run share one process, and with it the loaded networks.
    """
    every = all_of(recipes, experiments, drafts)
    assets = [
        content_image,
        style_image,
        depth_map,
        edge_map,
        style_grams,
        *(painter_asset(recipe) for recipe in every if recipe.engine == "feedforward"),
        *map(pastiche_assets, every),
        *map(metrics_asset, every),
        *table_assets(recipes),
        *sheet_assets(recipes),
        gallery_asset(recipes, experiments),
        *map(experiment_asset, experiments),
    ]
    # Partitions share runs: starting one and loading networks cost seconds.
    batches = dg.BackfillPolicy.multi_run(max_partitions_per_run=batch)
    with warnings.catch_warnings():  # some versions of Dagster say of each asset that backfill policies are beta
        warnings.filterwarnings("ignore", message=".*`backfill_policy`.*", category=dg.BetaWarning)
        assets = [
            with_backfill_policy(a, batches) if a.partitions_def else a for a in sharded(versioned(assets), shard)
        ]
    return dg.Definitions(
        assets=assets,
        resources={"project": project, "listener": listener},
        executor=dg.in_process_executor,
    )


def versioned(assets: Sequence[dg.AssetsDefinition]) -> Sequence[dg.AssetsDefinition]:
    """The same assets with the code versions of their steps, so that Dagster tells what an older version made."""
    return dg.map_asset_specs(
        lambda spec: spec.replace_attributes(code_version=str(VERSIONS[ArtefactId.from_asset_key(spec.key).family])),
        assets,
    )


def _listener(settings: Settings) -> Listener:
    """What the assets of Dagster's runs report to.

    Raises:
        InputError: figures are to be written for Prometheus, and can't be.
    """
    if not settings.prometheus:
        return LogListener()
    folder = Path(settings.prometheus).expanduser()
    if not folder.is_dir():
        raise InputError(f"setting prometheus: {folder} is no folder: make it, and have node_exporter read it")
    try:
        from spnst_pipeline.defs.prometheus import CountingListener  # prometheus_client is an extra
    except ModuleNotFoundError as error:
        needed = "pip install prometheus-client"
        raise InputError(f"setting prometheus can't be used without {error.name}: {needed}") from error
    return CountingListener(folder)


@dg.definitions
def defs() -> dg.Definitions:
    """The graph for the settings in force, folders being read when a run starts."""
    return _graph(Settings.load())


def __getattr__(name: str) -> dg.Definitions:
    """The graph of one shard by its name, such as ``shard_1_of_2``: the attribute of an entry of a workspace.

    Dagster gives the entries of a workspace no environment. Runs load the attribute of their code location, so that
    neither do they need one.

    Raises:
        AttributeError: that is no name of a shard.
        InputError: there is no such shard, or a setting can't be used.
    """
    shard = Shard.of_key([name])
    if shard == WHOLE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _graph(Settings.load(shard=str(shard)))


def _graph(settings: Settings) -> dg.Definitions:
    recipes, experiments, drafts = load_recipes(settings)
    resource, listener = project_resource(settings), _listener(settings)
    graph = build(recipes, resource, listener, settings.batch, experiments, drafts, settings.part)
    with warnings.catch_warnings():  # Dagster calls this function preview, and would say so at each start
        warnings.filterwarnings("ignore", message=".*map_resolved_asset_specs.*", category=dg.PreviewWarning)
        graph = graph.map_resolved_asset_specs(
            func=lambda spec: spec.replace_attributes(automation_condition=AT_ONCE),
            selection=at_once((*recipes, *drafts), experiments, settings.part),
        )
    return dg.Definitions.merge(graph, automation(settings, recipes, experiments))
