"""Input images: contents and styles from their folders, decoded once, upright and in sRGB."""

from collections.abc import Callable, Mapping
from functools import partial

import dagster as dg
from PIL import Image

from spnst_core.imaging import io as image_io
from spnst_pipeline.artefacts.fingerprints import TRANSPARENT
from spnst_pipeline.artefacts.identity import ArtefactId
from spnst_pipeline.artefacts.lineage import Lineage
from spnst_pipeline.artefacts.reuse import keep_or_copy
from spnst_pipeline.artefacts.rules import Artefact
from spnst_pipeline.artefacts.soundness import put
from spnst_pipeline.defs.config import Remake
from spnst_pipeline.defs.events import Made, Results, each
from spnst_pipeline.defs.partitions import CONTENT, STYLE
from spnst_pipeline.defs.previews import preview, stored_picture
from spnst_pipeline.progress import Listener
from spnst_pipeline.project import Project
from spnst_pipeline.storage.sources import Source

LONGEST = 4096
"""Long side in pixels beyond which a picture is reduced: no recipe looks closer."""


def _picture_asset(
    asset: ArtefactId,
    partitions: dg.PartitionsDefinition[str],
    source: Callable[[Project], Source],
    rule: Callable[[Lineage, str], Artefact],
    description: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset.asset_key,
        partitions_def=partitions,
        group_name="inputs",
        kinds={"image"},
        description=description,
        metadata={
            "file": asset.path,
            "format": "PNG, 8-bit sRGB, with alpha where it is transparent, and the fingerprint as a text",
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
        lineage = Lineage(project)

        def make(key: str) -> Made:
            origin = source(project).picture(key)
            wanted = rule(lineage, key)
            if not keep_or_copy(lineage, wanted, force=config.force):
                decoded = origin.picture([file.read() for file in origin.files])
                put(project.store, wanted, partial(_encoded, image_io.with_alpha(decoded, origin.name)))
                listener.made(wanted.id)
            image = stored_picture(project.store, wanted.id)
            shown = {
                "preview": preview(image),
                "source": dg.MetadataValue.path(origin.name),
                "width": image.width,
                "height": image.height,
                **({"blend": blend} if (blend := source(project).blend_of(key)) else {}),
                "fingerprint": wanted.fingerprint,
            }
            return Made(shown, digest=source(project).digest(key))

        return each(context, make)

    return picture


def _encoded(image: Image.Image, stamp: Mapping[str, str]) -> bytes:
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    told = {TRANSPARENT: "yes"} if image.mode == "RGBA" else {}
    return image_io.encode_png(image, {**stamp, **told})


content_image = _picture_asset(
    ArtefactId("content_image"),
    CONTENT,
    lambda project: project.contents,
    Lineage.content_image,
    "A content from its folder as it will be used: upright, 8-bit sRGB, PNG.",
)

style_image = _picture_asset(
    ArtefactId("style_image"),
    STYLE,
    lambda project: project.styles,
    Lineage.style_image,
    "A style from its folder as it will be used: upright, 8-bit sRGB, PNG. Of a blend, its styles side by side.",
)
