"""The catalogue: photographs and paintings from their folders, decoded once, upright and in sRGB."""

from collections.abc import Callable

import dagster as dg
from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts import layout
from spnst_pipeline.artefacts.rules import Artefact, Lineage
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Made, Results, each
from spnst_pipeline.defs.partitions import CONTENT, STYLE
from spnst_pipeline.defs.previews import preview
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.sources import Source

LONGEST = 4096
"""Long side in pixels beyond which a picture is reduced: no recipe looks closer."""


def _picture_asset(
    name: str,
    partitions: dg.PartitionsDefinition[str],
    source: Callable[[Project], Source],
    rule: Callable[[Lineage, str], Artefact],
    file: str,
    description: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        partitions_def=partitions,
        group_name="inputs",
        kinds={"image"},
        description=description,
        metadata={
            "file": file,
            "format": "PNG, 8-bit sRGB, with the fingerprint as a text",
            "shape": f"the picture's own, long side at most {LONGEST} px",
            "values": "0 to 255",
        },
    )
    def picture(
        context: dg.AssetExecutionContext,
        config: Remake,
        project: dg.ResourceParam[Project],
        listener: dg.ResourceParam[Listener],
    ) -> Results:
        lineage = Lineage(project, force=config.force)

        def make(key: str) -> Made:
            origin = source(project).picture(key)
            wanted = rule(lineage, key)
            if lineage.reuse(wanted):
                image = image_io.decode(project.store.read(wanted.key), wanted.key)
            else:
                image = image_io.decode(origin.read(), origin.name)
                image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
                project.store.write(wanted.key, image_io.encode_png(image, wanted.stamp))
                listener.made(wanted.key)
            shown = {
                "preview": preview(image),
                "source": dg.MetadataValue.path(origin.name),
                "width": image.width,
                "height": image.height,
                "fingerprint": wanted.fingerprint,
            }
            return Made(shown, digest=source(project).digest(key))

        return each(context, make)

    return picture


content_image = _picture_asset(
    "content_image",
    CONTENT,
    lambda project: project.contents,
    Lineage.content_image,
    layout.content_image("<content>"),
    "A photograph from the content folder as it will be used: upright, 8-bit sRGB, PNG.",
)

style_image = _picture_asset(
    "style_image",
    STYLE,
    lambda project: project.styles,
    Lineage.style_image,
    layout.style_image("<style>"),
    "A painting from the style folder as it will be used: upright, 8-bit sRGB, PNG.",
)
