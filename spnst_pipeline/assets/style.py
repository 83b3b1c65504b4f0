"""Style: the feature statistics of each painting, which its pastiches must take on."""

import dagster as dg

from spnst_core import images
from spnst_core.targets import StyleTargets
from spnst_pipeline import layout
from spnst_pipeline.assets.catalog import style_image
from spnst_pipeline.events import Metadata, each
from spnst_pipeline.lineage import Lineage
from spnst_pipeline.partitions import BATCHES, STYLE
from spnst_pipeline.pictures import preview
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project


@dg.asset(
    partitions_def=STYLE,
    backfill_policy=BATCHES,
    deps=[style_image],
    group_name="targets",
    kinds={"pytorch"},
)
def style_grams(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project], listener: dg.ResourceParam[Listener]
) -> None:
    """Gram matrices and means of a painting's features, in every layer and at every size that a recipe uses."""
    lineage, store = Lineage(project), project.store

    def make(style: str) -> Metadata:
        wanted = lineage.style_grams(style)
        painting = images.decode(store.read(layout.style_image(style)), layout.style_image(style))
        if not lineage.is_current(wanted):
            found = StyleTargets.compute(
                images.to_tensor(painting), project.models, project.style_sizes, project.style_layers
            )
            store.write(wanted.key, found.to_bytes(wanted.stamp))
            listener.made(wanted.key)
        return {
            "preview": preview(painting),
            "sizes": " ".join(map(str, wanted.sizes)),
            "profile": project.models.label,
            "fingerprint": wanted.fingerprint,
        }

    each(context, make)
