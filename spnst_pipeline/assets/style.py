"""Style: the feature statistics of each painting, which its pastiches must take on."""

import dagster as dg

from spnst_core import images
from spnst_core.targets import StyleTargets
from spnst_pipeline import checks, layout
from spnst_pipeline.assets.catalog import style_image
from spnst_pipeline.events import Made, Result, each
from spnst_pipeline.fingerprints import HEAD, metadata
from spnst_pipeline.lineage import Lineage
from spnst_pipeline.options import Remake
from spnst_pipeline.partitions import STYLE
from spnst_pipeline.pictures import preview
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project


@dg.asset(
    partitions_def=STYLE,
    deps=[style_image],
    group_name="targets",
    kinds={"pytorch"},
    pool="gpu",
    metadata={
        "file": layout.style_grams("<style>"),
        "format": "safetensors, float32: gram.<layer>.<size> and mean.<layer>.<size>, with the fingerprint",
        "shape": "gram (1, C, C), mean (1, C), for the C channels of a layer; the layer colour is the picture itself",
        "values": "any; Grams are symmetric positive semi-definite",
    },
    check_specs=[checks.POSITIVE_SEMIDEFINITE.spec(dg.AssetKey("style_grams"))],
)
def style_grams(
    context: dg.AssetExecutionContext,
    config: Remake,
    project: dg.ResourceParam[Project],
    listener: dg.ResourceParam[Listener],
) -> Result:
    """Gram matrices and means of a painting's features, in every layer and at every size that a recipe uses."""
    lineage, store = Lineage(project), project.store

    def make(style: str) -> Made:
        wanted = lineage.style_grams(style)
        painting = images.decode(store.read(layout.style_image(style)), layout.style_image(style))
        if config.force or not lineage.reuse(wanted):
            found = StyleTargets.compute(
                images.to_tensor(painting), project.models, project.style_sizes, project.style_layers
            )
            verdict = checks.required(checks.positive_semidefinite(found))
            store.write(wanted.key, found.to_bytes({**wanted.stamp, **checks.stamp([verdict])}))
            listener.made(wanted.key)
        shown = {
            "preview": preview(painting),
            "sizes": " ".join(map(str, wanted.sizes)),
            "profile": project.identity.label,
            "fingerprint": wanted.fingerprint,
        }
        return Made(shown, checks.carried(metadata(wanted.key, store.read(wanted.key, HEAD))))

    return each(context, make, [checks.POSITIVE_SEMIDEFINITE])
