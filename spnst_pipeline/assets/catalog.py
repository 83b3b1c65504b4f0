"""The catalogue: photographs and paintings from their folders, decoded once, upright and in sRGB."""

from collections.abc import Callable

import dagster as dg
from PIL import Image

from spnst_core import images
from spnst_pipeline.events import Metadata, each
from spnst_pipeline.lineage import Artefact, Lineage
from spnst_pipeline.partitions import BATCHES, CONTENT, STYLE
from spnst_pipeline.pictures import preview
from spnst_pipeline.progress import Listener
from spnst_pipeline.resources import Project
from spnst_pipeline.sources import Folder

LONGEST = 4096
"""Long side in pixels beyond which a picture is reduced: no recipe looks closer."""


def _picture_asset(
    name: str,
    partitions: dg.PartitionsDefinition[str],
    folder: Callable[[Project], Folder],
    rule: Callable[[Lineage, str], Artefact],
    description: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        partitions_def=partitions,
        backfill_policy=BATCHES,
        group_name="catalog",
        kinds={"image"},
        description=description,
    )
    def picture(
        context: dg.AssetExecutionContext, project: dg.ResourceParam[Project], listener: dg.ResourceParam[Listener]
    ) -> None:
        lineage = Lineage(project)

        def make(key: str) -> Metadata:
            source = folder(project).picture(key)
            wanted = rule(lineage, key)
            if lineage.is_current(wanted):
                image = images.decode(project.store.read(wanted.key), wanted.key)
            else:
                image = images.decode(source)
                image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
                project.store.write(wanted.key, images.encode_png(image, wanted.stamp))
                listener.made(wanted.key)
            return {
                "preview": preview(image),
                "source": dg.MetadataValue.path(str(source)),
                "width": image.width,
                "height": image.height,
                "fingerprint": wanted.fingerprint,
            }

        each(context, make)

    return picture


content_image = _picture_asset(
    "content_image",
    CONTENT,
    lambda project: project.contents,
    Lineage.content_image,
    "A photograph from the content folder as it will be used: upright, 8-bit sRGB, PNG.",
)

style_image = _picture_asset(
    "style_image",
    STYLE,
    lambda project: project.styles,
    Lineage.style_image,
    "A painting from the style folder as it will be used: upright, 8-bit sRGB, PNG.",
)
