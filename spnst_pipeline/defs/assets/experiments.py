"""Experiments: recipes painted to be compared, with their scores, the frontier that they form, and a sheet."""

from functools import partial
from pathlib import PurePosixPath

import dagster as dg

from spnst_core.imaging import io as image_io
from spnst_core.recipes.experiments import Experiment
from spnst_core.report import plots
from spnst_core.report.compact_sheet import compact_pages, compact_sheet
from spnst_pipeline.artefacts.identity import SHOWN, ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage, covered
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.soundness import put
from spnst_pipeline.defs.assets.sheets import Sheets
from spnst_pipeline.defs.assets.tables import (
    compared_recipes,
    mean_scores,
    read_table,
    score_table,
    table_schema,
    to_csv,
    to_parquet,
)
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.previews import preview, stored_picture
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project


def experiment_asset(experiment: Experiment) -> dg.AssetsDefinition:
    """The asset ``experiment/<name>``."""
    asset = ArtefactId("experiment", experiment=experiment.name)
    files = asset.beside
    compares = [ArtefactId(kind, recipe.name) for recipe in experiment.recipes for kind in SHOWN]

    @dg.asset(
        key=asset.asset_key,
        deps=[compared.asset_key for compared in compares],
        group_name="experiments",
        kinds={"parquet", "image"},
        description=f"{experiment.description} Its scores, all of its recipes against each other, where they stand "
        f"between style and structure, and a sheet of their pastiches. Launch the job experiment_{experiment.name}.",
        metadata={
            "file": asset.path,
            "format": f"Parquet; beside it {', '.join(PurePosixPath(path).name for path in files.values())}",
            "recipes": ", ".join(recipe.name for recipe in experiment.recipes),
            "dagster/column_schema": table_schema(),
        },
    )
    def compared(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> None:
        lineage, store = Lineage(project), project.store
        wanted = lineage.experiment(experiment)
        if not keep_or_copy(lineage, wanted, force=config.force):
            cells = lineage.compared_cells(experiment)
            table, schema = score_table(store, cells, project.identity.layers.style_layers)
            families = {name: [recipe.name for recipe in family] for name, family in experiment.families.items()}
            drawing = Sheets(lineage, experiment.recipes).of_part(
                experiment.name, experiment.description, *covered(cells)
            )
            beside = {
                "csv": to_csv(table),
                "comparison": to_csv(compared_recipes(table)),
                "frontier": plots.frontier(table, families=families),
                "frontier_svg": plots.frontier(table, families=families, form="svg"),
                "frontier_pdf": plots.frontier(table, families=families, form="pdf"),
                "sheet": image_io.encode_png(compact_sheet(*drawing)),
                "pages": compact_pages(*drawing),
            }
            put(store, wanted, partial(to_parquet, table, schema), beside)
            listener.made(wanted.id)
        table = read_table(store, wanted.id)
        context.add_asset_metadata(
            {
                "dagster/row_count": len(table),
                "means": mean_scores(table),
                "frontier": preview(stored_picture(store, wanted.id, "frontier")),
                "preview": preview(stored_picture(store, wanted.id, "sheet")),
                "path": dg.MetadataValue.path(store.locate(files["frontier"])),
                "fingerprint": wanted.fingerprint,
            }
        )

    return compared
