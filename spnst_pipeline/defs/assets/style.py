"""Style targets: the feature statistics of each style, which its pastiches must take on."""

from functools import partial

import dagster as dg

from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.defs.assets.input_images import style_image
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Results, each
from spnst_pipeline.defs.partitions import STYLE
from spnst_pipeline.defs.targets import GRAMS
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project


@dg.asset(
    key=GRAMS.asset.asset_key,
    partitions_def=STYLE,
    deps=[style_image],
    group_name="targets",
    kinds={"pytorch"},
    pool="gpu",
    metadata={
        "file": GRAMS.asset.path,
        "format": "safetensors, float32: gram.<layer>.<size> and mean.<layer>.<size>, with the fingerprint",
        "shape": "gram (1, C, C), mean (1, C), for the C channels of a layer; the layer colour is the picture itself",
        "values": "any; Grams are symmetric positive semi-definite",
    },
    check_specs=[check.spec(GRAMS.asset.asset_key) for check in GRAMS.checks],
)
def style_grams(
    context: dg.AssetExecutionContext,
    config: Remake,
    project: dg.ResourceParam[Project],
    listener: dg.ResourceParam[Listener],
) -> Results:
    """Gram matrices and means of a style's features, in every layer and at every size that a recipe uses."""
    make = partial(GRAMS.make, Lineage(project), listener, force=config.force)
    return each(context, make, GRAMS.checks)
