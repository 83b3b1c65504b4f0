"""Structure: the depth and the edges of each content, which its pastiches must keep."""

from collections.abc import Mapping
from functools import partial

import dagster as dg

from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.assets.input_images import content_image
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Results, each
from spnst_pipeline.defs.partitions import CONTENT
from spnst_pipeline.defs.targets import DEPTH, EDGES, Target
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project


def _map_asset(target: Target, holds: Mapping[str, str], description: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=target.asset.asset_key,
        partitions_def=CONTENT,
        deps=[content_image],
        group_name="targets",
        kinds={"pytorch"},
        pool="gpu",
        description=description,
        metadata=holds,
        check_specs=[check.spec(target.asset.asset_key) for check in target.checks],
    )
    def targets(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Results:
        make = partial(target.make, Lineage(project), listener, force=config.force)
        return each(context, make, target.checks)

    return targets


depth_map = _map_asset(
    DEPTH,
    {
        "file": DEPTH.asset.path,
        "format": "safetensors, float32: maps.<size>, and given.<size> where the user gave a map of their own; beside "
        f"it {DEPTH.asset.beside['picture']} to look at",
        "shape": "(1, 1, h, w) for a picture of w × h",
        "values": "inverse depth, larger is nearer, of no scale",
    },
    "Relative inverse depth of a content at every size that a recipe works at; bright = near.",
)

edge_map = _map_asset(
    EDGES,
    {
        "file": EDGES.asset.path,
        "format": "safetensors, float32: maps.<size> and calibration.<size> of the detector, and given.<size> where "
        f"the user gave a map of their own; beside it {EDGES.asset.beside['picture']} to look at",
        "shape": "maps (1, K, h, w), calibration (1, K, 1, 1), of K maps",
        "values": "edge strength from 0 to 1",
    },
    "Edges of a content at every size that a recipe works at.",
)
