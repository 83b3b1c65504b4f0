"""Style targets: the feature statistics of each style, which its pastiches must take on."""

import dagster as dg

from spnst_core.imaging import io as image_io
from spnst_core.objective.targets import StyleTargets
from spnst_pipeline.artefacts.fingerprints import HEAD, metadata
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.defs import checks
from spnst_pipeline.defs.assets.input_images import style_image
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Made, Results, each
from spnst_pipeline.defs.partitions import STYLE
from spnst_pipeline.defs.previews import preview
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project

_ASSET = ArtefactId("style_grams")


@dg.asset(
    key=_ASSET.asset_key,
    partitions_def=STYLE,
    deps=[style_image],
    group_name="targets",
    kinds={"pytorch"},
    pool="gpu",
    metadata={
        "file": _ASSET.path,
        "format": "safetensors, float32: gram.<layer>.<size> and mean.<layer>.<size>, with the fingerprint",
        "shape": "gram (1, C, C), mean (1, C), for the C channels of a layer; the layer colour is the picture itself",
        "values": "any; Grams are symmetric positive semi-definite",
    },
    check_specs=[checks.POSITIVE_SEMIDEFINITE.spec(_ASSET.asset_key)],
)
def style_grams(
    context: dg.AssetExecutionContext,
    config: Remake,
    project: dg.ResourceParam[Project],
    listener: dg.ResourceParam[Listener],
) -> Results:
    """Gram matrices and means of a style's features, in every layer and at every size that a recipe uses."""
    lineage, store = Lineage(project), project.store

    def make(style: str) -> Made:
        wanted = lineage.style_grams(style)
        source = ArtefactId("style_image", style=style).path
        picture = image_io.decode(store.read(source), source)
        if not keep_or_copy(lineage, wanted, force=config.force):
            found = StyleTargets.compute(
                image_io.to_tensor(picture), project.models, project.style_sizes, project.style_layers
            )
            verdict = checks.required(checks.positive_semidefinite(found))
            store.write(wanted.path, found.to_bytes({**wanted.stamp, **checks.stamp([verdict])}))
            listener.made(wanted.id)
        shown = {
            "preview": preview(picture),
            "sizes": " ".join(map(str, wanted.sizes)),
            "profile": project.identity.label,
            "fingerprint": wanted.fingerprint,
        }
        return Made(shown, checks.carried(metadata(wanted.path, store.read(wanted.path, HEAD))))

    return each(context, make, [checks.POSITIVE_SEMIDEFINITE])
