"""Structure: the depth and the edges of each photograph, which its pastiches must keep."""

from collections.abc import Callable

import dagster as dg

from spnst_core import images
from spnst_core.targets import DepthMap, EdgeMap
from spnst_pipeline import layout
from spnst_pipeline.assets.catalog import content_image
from spnst_pipeline.events import Metadata, each
from spnst_pipeline.lineage import Artefact, Lineage
from spnst_pipeline.partitions import BATCHES, CONTENT
from spnst_pipeline.pictures import preview
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project


def _map_asset(
    name: str,
    kind: type[DepthMap] | type[EdgeMap],
    rule: Callable[[Lineage, str], Artefact],
    picture_key: Callable[[str], str],
    description: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        partitions_def=CONTENT,
        backfill_policy=BATCHES,
        deps=[content_image],
        group_name="targets",
        kinds={"pytorch"},
        description=description,
    )
    def targets(
        context: dg.AssetExecutionContext, project: dg.ResourceParam[Project], listener: dg.ResourceParam[Listener]
    ) -> None:
        lineage, store = Lineage(project), project.store

        def make(content: str) -> Metadata:
            wanted = rule(lineage, content)
            photograph = images.decode(store.read(layout.content_image(content)), layout.content_image(content))
            if lineage.is_current(wanted):
                picture = images.decode(store.read(picture_key(content)), picture_key(content))
            else:
                found = kind.compute(images.to_tensor(photograph), project.models, project.content_sizes)
                picture = found.picture
                store.write(picture_key(content), images.encode_png(picture))
                store.write(wanted.key, found.to_bytes(wanted.stamp))
                listener.made(wanted.key)
            return {
                "preview": preview(photograph, picture),
                "sizes": " ".join(map(str, wanted.sizes)),
                "profile": project.models.label,
                "fingerprint": wanted.fingerprint,
            }

        each(context, make)

    return targets


depth_map = _map_asset(
    "depth_map",
    DepthMap,
    Lineage.depth_map,
    layout.depth_picture,
    "Relative inverse depth of a photograph at every size that a recipe works at; bright = near.",
)

edge_map = _map_asset(
    "edge_map",
    EdgeMap,
    Lineage.edge_map,
    layout.edge_picture,
    "Edges of a photograph at every size that a recipe works at.",
)
